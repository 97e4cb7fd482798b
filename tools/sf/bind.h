/* SPDX-License-Identifier: Apache-2.0 */
/* --bind NAME=VALUES: contents of inputs that are known when a model is compiled. */
#ifndef SF_TOOLS_BIND_H
#define SF_TOOLS_BIND_H

#include <sf/import.h>

/* One SfKnownInput per option, each a list of numbers: i64 when all are integers, else f64. Owned:
 * g_array_unref. */
GArray *bind_read (const char *const *options, GError **error);

#endif
