/* SPDX-License-Identifier: Apache-2.0 */
/* sn10 with a clock of 1 GHz and memory that is asked 100 cycles ahead, other figures as wanted. */
#ifndef SF_TESTS_UNIT_TIMING_MACHINE_H
#define SF_TESTS_UNIT_TIMING_MACHINE_H

#include <sf/plugin/arch.h>

typedef struct
{
  const char *key;
  int64_t value;
} MachineFigure;

/* `figures` end with a NULL key and may be NULL. "bytes_per_cycle" is that of the memory. Owned. */
SfArch *machine_with (const MachineFigure *figures);

#endif
