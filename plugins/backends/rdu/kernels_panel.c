/* SPDX-License-Identifier: Apache-2.0 */
/* Panels from any strides; where the depth is contiguous, by squares that are transposed in
 * registers. */
#include <string.h>

#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_transpose.h"

/* Columns are contiguous. */
static void
copy_rows (const float *from, int64_t depth, int64_t k, int64_t n, float *to)
{
  int64_t last = (n - 1) / RDU_VECTOR * RDU_VECTOR;
  RduLanes lanes = rdu_lanes (n - last);
  for (; k > 0; k--, from += depth, to += last + RDU_VECTOR)
    {
      for (int64_t j = 0; j < last; j += RDU_VECTOR)
        rdu_vec_store (to + j, rdu_vec_load (from + j));
      rdu_vec_store (to + last, rdu_vec_load_lanes (from + last, lanes));
    }
}

/* `n` <= RDU_VECTOR columns, whose depth is contiguous, of a panel of `width`. */
static void
transpose_columns (const float *from, int64_t column, int64_t k, int64_t n, float *to,
                   int64_t width)
{
  RduVec x[RDU_VECTOR];
  for (; k > 0; k -= RDU_VECTOR, from += RDU_VECTOR, to += RDU_VECTOR * width)
    {
      int64_t kn = k < RDU_VECTOR ? k : RDU_VECTOR;
      RduLanes lanes = rdu_lanes (kn);
      if (kn == RDU_VECTOR && n == RDU_VECTOR)
        {
#pragma GCC unroll 16
          for (int j = 0; j < RDU_VECTOR; j++)
            x[j] = rdu_vec_load (from + j * column);
        }
      else
        for (int j = 0; j < RDU_VECTOR; j++)
          x[j] = j < n ? rdu_vec_load_lanes (from + j * column, lanes) : rdu_vec_zero ();
      rdu_vec_transpose (x);
      if (kn == RDU_VECTOR)
        {
#pragma GCC unroll 16
          for (int i = 0; i < RDU_VECTOR; i++)
            rdu_vec_store (to + i * width, x[i]);
        }
      else
        for (int i = 0; i < kn; i++)
          rdu_vec_store (to + i * width, x[i]);
    }
}

static void
gather (const float *from, int64_t depth, int64_t column, int64_t k, int64_t n, float *to)
{
  int64_t width = rdu_panel_width (n);
  for (; k > 0; k--, from += depth, to += width)
    {
      for (int64_t j = 0; j < n; j++)
        to[j] = from[j * column];
      memset (to + n, 0, (size_t) (width - n) * 4);
    }
}

void
RDU_SYMBOL (rdu_pack_panel) (const float *from, int64_t depth, int64_t column, int64_t k, int64_t n,
                             float *to)
{
  if (column == 1)
    copy_rows (from, depth, k, n, to);
  else if (depth == 1)
    for (int64_t j = 0; j < n; j += RDU_VECTOR)
      transpose_columns (from + j * column, column, k, n - j < RDU_VECTOR ? n - j : RDU_VECTOR,
                         to + j, rdu_panel_width (n));
  else
    gather (from, depth, column, k, n, to);
}

void
RDU_SYMBOL (rdu_unpack_panel) (const float *from, int64_t k, int64_t n, float *to, int64_t column)
{
  int64_t width = rdu_panel_width (n);
  RduVec x[RDU_VECTOR];
  for (int64_t i = 0; i < k; i += RDU_VECTOR)
    for (int64_t j = 0; j < n; j += RDU_VECTOR)
      {
        int64_t kn = k - i < RDU_VECTOR ? k - i : RDU_VECTOR;
        int64_t jn = n - j < RDU_VECTOR ? n - j : RDU_VECTOR;
        const float *square = from + i * width + j;
        float *y = to + i + j * column;
        if (kn == RDU_VECTOR && jn == RDU_VECTOR)
          {
#pragma GCC unroll 16
            for (int r = 0; r < RDU_VECTOR; r++)
              x[r] = rdu_vec_load (square + r * width);
            rdu_vec_transpose (x);
#pragma GCC unroll 16
            for (int r = 0; r < RDU_VECTOR; r++)
              rdu_vec_store (y + r * column, x[r]);
            continue;
          }
        for (int r = 0; r < RDU_VECTOR; r++)
          x[r] = r < kn ? rdu_vec_load (square + r * width) : rdu_vec_zero ();
        rdu_vec_transpose (x);
        for (int r = 0; r < jn; r++)
          rdu_vec_store_lanes (y + r * column, rdu_lanes (kn), x[r]);
      }
}
