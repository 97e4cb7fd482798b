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

#endif
