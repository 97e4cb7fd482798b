/* SPDX-License-Identifier: Apache-2.0 */
/* Floats that bf16 holds exactly, two of neighbouring depth in the place of one: the earlier in the
 * upper half, which dot products add first, so that a sum of pairs is the same chain in order of
 * depth. An odd depth ends with a pair whose later half adds nothing: -0 on the left, 0 on the
 * right, whose product changes no sum. */
#ifndef SF_RDU_KERNELS_PAIR_H
#define SF_RDU_KERNELS_PAIR_H

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_vector.h"

/* Steps of a depth of k in pairs. */
static inline int64_t
rdu_n_pairs (int64_t k)
{
  return (k + 1) / 2;
}

#if defined(RDU_ISA) && defined(RDU_HAS_PAIRS)
/* Right operands: as rdu_pack_panel, with rdu_n_pairs (k) steps. */
void RDU_SYMBOL (rdu_pair_panel) (const float *from, int64_t depth, int64_t column, int64_t k,
                                  int64_t n, float *to);

/* Left operands: element (i, k) is at from[i * row + k * depth]. Pair (i, p) becomes
 * to[i * *to_row + p * *to_depth]; to: rdu_n_pairs (k) times m elements, m a multiple of a vector.
 */
void RDU_SYMBOL (rdu_pair_rows) (const float *from, int64_t row, int64_t depth, int64_t m,
                                 int64_t k, float *to, int64_t *to_row, int64_t *to_depth);
#endif

#endif
