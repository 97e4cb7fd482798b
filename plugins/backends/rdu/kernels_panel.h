/* SPDX-License-Identifier: Apache-2.0 */
/* Right operands of contractions as panels of RDU_TILE_COLUMNS columns, k by k: a tile reads one
 * from its beginning to its end. */
#ifndef SF_RDU_KERNELS_PANEL_H
#define SF_RDU_KERNELS_PANEL_H

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_tile.h"

/* Floats of one step of the depth in a panel of `n` columns: whole vectors. */
static inline int64_t
rdu_panel_width (int64_t n)
{
  return (n + RDU_VECTOR - 1) / RDU_VECTOR * RDU_VECTOR;
}

#ifdef RDU_ISA
/* Element (k, j) is at from[k * depth + j * column]; what lies past the last column becomes
 * zero. */
void RDU_SYMBOL (rdu_pack_panel) (const float *from, int64_t depth, int64_t column, int64_t k,
                                  int64_t n, float *to);
/* The way back, of a panel's n columns whose depth is contiguous: element (k, j) goes to
 * to[k + j * column]. */
void RDU_SYMBOL (rdu_unpack_panel) (const float *from, int64_t k, int64_t n, float *to,
                                    int64_t column);
#endif

#endif
