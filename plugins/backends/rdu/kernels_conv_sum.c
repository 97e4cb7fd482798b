/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of the gradient of a convolution's weights: source channels by vectors of result
 * channels, all sums in registers while an image's pixels are added. */
#include "plugins/backends/rdu/kernels_conv.h"

typedef void (*Run) (const RduConvSums *sums, int vectors);

static inline __attribute__ ((always_inline)) void
run_pixels (const RduConvSums *t, const int n, const int vectors, const bool is_scattered)
{
  for (int64_t image = 0; image < t->n_images; image++)
    {
      RduVec sum[RDU_CONV_SUMS_1][2];
#pragma GCC unroll 16
      for (int r = 0; r < n; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
          sum[r][v] = rdu_vec_zero ();
      for (int64_t row = 0; row < t->n_rows; row++)
        {
          const float *x = t->source + image * t->source_image + row * t->source_row;
          const float *g = t->share + image * t->share_image + row * t->share_row;
          for (int64_t i = 0; i < t->n_columns; i++, x += t->source_column, g += t->share_column)
            {
              RduVec share[2];
#pragma GCC unroll 2
              for (int v = 0; v < vectors; v++)
                share[v] = rdu_vec_load (g + v * RDU_VECTOR);
#pragma GCC unroll 16
              for (int r = 0; r < n; r++)
#pragma GCC unroll 2
                for (int v = 0; v < vectors; v++)
                  sum[r][v] = rdu_vec_fma (rdu_vec_all (x + (is_scattered ? t->offset[r] : r)),
                                           share[v], sum[r][v]);
            }
        }
#pragma GCC unroll 16
      for (int r = 0; r < n; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
          {
            float *total = t->sums + r * t->sums_row + v * RDU_VECTOR;
            rdu_vec_store (total, rdu_vec_load (total) + sum[r][v]);
          }
    }
}

static inline __attribute__ ((always_inline)) void
run_rows (const RduConvSums *sums, int vectors, const int n)
{
  if (n <= RDU_CONV_SUMS_2 && vectors == 2 && sums->offset == NULL)
    run_pixels (sums, n, 2, false);
  else if (n <= RDU_CONV_SUMS_2 && vectors == 2)
    run_pixels (sums, n, 2, true);
  else if (sums->offset == NULL)
    run_pixels (sums, n, 1, false);
  else
    run_pixels (sums, n, 1, true);
}

#define ROWS(n)                                              \
  static void run_##n (const RduConvSums *sums, int vectors) \
  {                                                          \
    run_rows (sums, vectors, n);                             \
  }

ROWS (1)
ROWS (2)
ROWS (3)
ROWS (4)
ROWS (5)
ROWS (6)
ROWS (7)
ROWS (8)
ROWS (9)
ROWS (10)
#if RDU_CONV_SUMS_1 == 16
ROWS (11)
ROWS (12)
ROWS (13)
ROWS (14)
ROWS (15)
ROWS (16)
#endif

void
RDU_SYMBOL (rdu_conv_sum) (const RduConvSums *sums, int n, int vectors)
{
  static const Run runs[RDU_CONV_SUMS_1 + 1] = {
    NULL,
    run_1,
    run_2,
    run_3,
    run_4,
    run_5,
    run_6,
    run_7,
    run_8,
    run_9,
    run_10,
#if RDU_CONV_SUMS_1 == 16
    run_11,
    run_12,
    run_13,
    run_14,
    run_15,
    run_16
#endif
  };
  runs[n](sums, vectors);
}
