/* SPDX-License-Identifier: Apache-2.0 */
/* Floats rounded to bf16, two of neighbouring depth in the place of one: the earlier in the upper
 * half, which dot products add first, so that a sum of pairs is the same chain in order of depth.
 * What bf16 holds is left as it is (numbers too small for a normal float are zero, as products take
 * them), so that nobody has to round ahead what is only multiplied. An odd depth ends with a pair
 * whose later half adds nothing: -0 on the left, 0 on the right, whose product changes no sum. */
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
static inline RduVec
rdu_pair_vectors (RduVec earlier, RduVec later)
{
  const __m512i woven = _mm512_set_epi16 (31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                          8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16,
                                          0);
  return _mm512_castsi512_ps (
      _mm512_permutexvar_epi16 (woven, (__m512i) _mm512_cvtne2ps_pbh (earlier, later)));
}

static inline uint32_t
rdu_pair (float earlier, float later)
{
  __m128i halves = (__m128i) _mm_cvtne2ps_pbh (_mm_set_ss (earlier), _mm_set_ss (later));
  return (uint32_t) _mm_extract_epi16 (halves, 4) << 16 | (uint32_t) _mm_extract_epi16 (halves, 0);
}

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
