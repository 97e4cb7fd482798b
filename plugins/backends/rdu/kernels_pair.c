/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of bf16 from floats of any strides. */
#include "plugins/backends/rdu/kernels_pair.h"
#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_transpose.h"

#ifdef RDU_HAS_PAIRS

typedef uint32_t Bits __attribute__ ((may_alias));

#define RIGHT_END 0.0f
#define LEFT_END  (-0.0f)

#define AHEAD 16 /* steps of the depth: as long as a far cache takes */

/* 16 pairs of 32 floats in a row; of `n` <= 32 they are, what follows is zero. */
static inline RduVec
join_row (const float *from, int64_t n)
{
  RduVec low = rdu_vec_load_lanes (from, rdu_lanes (n < RDU_VECTOR ? n : RDU_VECTOR)),
         high = n > RDU_VECTOR ? rdu_vec_load_lanes (from + RDU_VECTOR, rdu_lanes (n - RDU_VECTOR))
                               : rdu_vec_zero ();
  return _mm512_castsi512_ps (_mm512_rol_epi32 ((__m512i) _mm512_cvtne2ps_pbh (high, low), 16));
}

/* Columns are contiguous. */
static void
join_columns (const float *from, int64_t depth, int64_t k, int64_t n, float end, float *to,
              int64_t width)
{
  for (; k > 0; k -= 2, from += 2 * depth, to += width)
    for (int64_t j = 0; j < n; j += RDU_VECTOR)
      {
        uintptr_t next = (uintptr_t) (from + j) + (uintptr_t) (AHEAD * depth) * 4;
        __builtin_prefetch ((const void *) next);
        __builtin_prefetch ((const void *) (next + (uintptr_t) depth * 4));
        RduLanes lanes = rdu_lanes (n - j < RDU_VECTOR ? n - j : RDU_VECTOR);
        RduVec earlier = rdu_vec_load_lanes (from + j, lanes);
        RduVec later = k > 1 ? rdu_vec_load_lanes (from + depth + j, lanes) : rdu_vec_all (&end);
        rdu_vec_store (to + j, rdu_pair_vectors (earlier, later));
      }
}

/* `n` <= RDU_VECTOR columns, whose depth is contiguous, of a panel of `width`. */
static void
transpose_columns (const float *from, int64_t column, int64_t k, int64_t n, float *to,
                   int64_t width)
{
  const int64_t step = 2 * RDU_VECTOR;
  for (; k > 0; k -= step, from += step, to += RDU_VECTOR * width)
    {
      RduVec x[RDU_VECTOR];
      if (k >= step && n == RDU_VECTOR)
        {
#pragma GCC unroll 16
          for (int j = 0; j < RDU_VECTOR; j++)
            x[j] = join_row (from + j * column, 2 * RDU_VECTOR);
        }
      else
        for (int j = 0; j < RDU_VECTOR; j++)
          x[j] = j < n ? join_row (from + j * column, k < step ? k : step) : rdu_vec_zero ();
      rdu_vec_transpose (x);
      if (k >= step)
        {
#pragma GCC unroll 16
          for (int i = 0; i < RDU_VECTOR; i++)
            rdu_vec_store (to + i * width, x[i]);
        }
      else
        for (int i = 0; i < rdu_n_pairs (k); i++)
          rdu_vec_store (to + i * width, x[i]);
    }
}

/* Neither is contiguous. */
static void
gather (const float *from, int64_t depth, int64_t column, int64_t k, int64_t n, float end,
        float *to, int64_t width)
{
  for (; k > 0; k -= 2, from += 2 * depth, to += width)
    for (int64_t j = 0; j < width; j++)
      {
        const float *x = from + j * column;
        ((Bits *) to)[j] = j < n ? rdu_pair (x[0], k > 1 ? x[depth] : end) : 0;
      }
}

void
RDU_SYMBOL (rdu_pair_panel) (const float *from, int64_t depth, int64_t column, int64_t k, int64_t n,
                             float *to)
{
  int64_t width = rdu_panel_width (n);
  if (column == 1)
    join_columns (from, depth, k, n, RIGHT_END, to, width);
  else if (depth == 1)
    for (int64_t j = 0; j < n; j += RDU_VECTOR)
      transpose_columns (from + j * column, column, k, n - j < RDU_VECTOR ? n - j : RDU_VECTOR,
                         to + j, width);
  else
    gather (from, depth, column, k, n, RIGHT_END, to, width);
}

/* The depth is contiguous. */
static void
join_rows (const float *from, int64_t row, int64_t m, int64_t k, float *to)
{
  int64_t n = rdu_n_pairs (k);
  for (int64_t i = 0; i < m; i++, from += row, to += n)
    {
      int64_t p = 0;
      for (; 2 * p + 2 * RDU_VECTOR <= k; p += RDU_VECTOR)
        rdu_vec_store (to + p, join_row (from + 2 * p, 2 * RDU_VECTOR));
      if (p < n)
        rdu_vec_store_lanes (to + p, rdu_lanes (n - p), join_row (from + 2 * p, k - 2 * p));
      if (k % 2 != 0)
        ((Bits *) to)[n - 1] |= 0x8000; /* the later half of LEFT_END */
    }
}

void
RDU_SYMBOL (rdu_pair_rows) (const float *from, int64_t row, int64_t depth, int64_t m, int64_t k,
                            float *to, int64_t *to_row, int64_t *to_depth)
{
  *to_row = depth == 1 ? rdu_n_pairs (k) : 1;
  *to_depth = depth == 1 ? 1 : rdu_panel_width (m);
  if (depth == 1)
    join_rows (from, row, m, k, to);
  else if (row == 1)
    join_columns (from, depth, k, m, LEFT_END, to, *to_depth);
  else
    gather (from, depth, row, k, m, LEFT_END, to, *to_depth);
}
#endif
