/* SPDX-License-Identifier: Apache-2.0 */
/* T2: the cycles of one placed and routed section, every vector moved through ports, switches and
 * queues. It is docs/timing.md made executable and the oracle of T1, with which it shares nothing
 * but the readers of the machine and of the program. */
#ifndef SF_TESTS_TIMING_T2_H
#define SF_TESTS_TIMING_T2_H

#include <sf/plugin/program.h>

/* `levels`: memory level of each slot, NULL: the fastest. -1 with a reason (owned) when a net lacks
 * a sink, or when the section has not ended after `max_cycles`. */
int64_t t2_section_cycles (const SfProgram *program, uint32_t config, const SfArch *arch,
                           const uint32_t *levels, int64_t max_cycles, char **why);

#endif
