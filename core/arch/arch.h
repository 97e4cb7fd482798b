/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef SF_CORE_ARCH_ARCH_H
#define SF_CORE_ARCH_ARCH_H

#include <sf/plugin/arch.h>

/* Names of the tile-ops that the machine's table has, sorted. The array is owned
 * (g_ptr_array_unref), the names are the machine's. */
GPtrArray *sf_arch_op_names (const SfArch *arch);
const char *sf_count_name (SfCount count); /* "out", "matrix", ... */

#endif
