/* SPDX-License-Identifier: Apache-2.0 */
/* One block of memory for things that live at different times. */
#ifndef SF_RDU_ARENA_H
#define SF_RDU_ARENA_H

#include <stdint.h>
#include <stddef.h>

typedef struct
{
  int64_t elems;       /* of 4 bytes */
  int64_t first, last; /* in use at these times and between */
  int64_t offset;      /* set by rdu_arena_plan, a multiple of 16 elements */
} RduLife;

/* Places every life so that no two that meet in time overlap in memory; largest first, each at the
 * lowest place that is free. Returns the elements of the whole. */
int64_t rdu_arena_plan (RduLife *lives, size_t n);

#endif
