/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that exports something else than sf_plugin. */
#include <sf/export.h>

extern SF_API const int sf_plugins_are_elsewhere;
const int sf_plugins_are_elsewhere = 1;
