/* SPDX-License-Identifier: Apache-2.0 */
/* One program from entries of several. */
#ifndef SF_CORE_PROGRAM_SPLICE_H
#define SF_CORE_PROGRAM_SPLICE_H

#include <sf/plugin/program.h>

/* Entry e as programs[e] has it (number e there too), for all of its n entries: launches, configs
 * with places and routes, debug map. States are joined by name; memory is planned anew. Owned. */
SfProgram *sf_program_splice (SfProgram *const *programs, size_t n, const SfArch *arch,
                              GError **error);

#endif
