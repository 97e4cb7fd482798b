/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object whose sf_plugin is a function. */
#include <sf/export.h>

SF_API int sf_plugin (void);

int
sf_plugin (void)
{
  return 1;
}
