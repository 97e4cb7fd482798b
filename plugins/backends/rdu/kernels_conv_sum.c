/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of the gradient of a convolution's weights: source channels by vectors of result
 * channels, all sums in registers while an image's pixels are added. */
#include "plugins/backends/rdu/kernels_conv.h"

typedef RduVec (*Step) (RduVec a, RduVec b, RduVec sum);
typedef void (*Run) (const RduConvSums *sums, int vectors);

static inline __attribute__ ((always_inline)) void
run_pixels (const RduConvSums *sums, const int n, const int vectors, const bool is_scattered,
            const Step step)
{
  const RduConvSums copy = *sums, *t = &copy; /* no store of sums changes it */
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
                  sum[r][v] = step (rdu_vec_all (x + (is_scattered ? t->offset[r] : r)), share[v],
                                    sum[r][v]);
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
run_rows (const RduConvSums *sums, int vectors, const int n, const Step step)
{
  if (n <= RDU_CONV_SUMS_2 && vectors == 2 && sums->offset == NULL)
    run_pixels (sums, n, 2, false, step);
  else if (n <= RDU_CONV_SUMS_2 && vectors == 2)
    run_pixels (sums, n, 2, true, step);
  else if (sums->offset == NULL)
    run_pixels (sums, n, 1, false, step);
  else
    run_pixels (sums, n, 1, true, step);
}

#if RDU_CONV_SUMS_1 == 16
#define ROWS(X) \
  X (1)         \
  X (2) X (3) X (4) X (5) X (6) X (7) X (8) X (9) X (10) X (11) X (12) X (13) X (14) X (15) X (16)
#else
#define ROWS(X) X (1) X (2) X (3) X (4) X (5) X (6) X (7) X (8) X (9) X (10)
#endif

#define RUN(n)                                               \
  static void run_##n (const RduConvSums *sums, int vectors) \
  {                                                          \
    run_rows (sums, vectors, n, rdu_vec_fma);                \
  }
ROWS (RUN)

#define RUN_ENTRY(n) [n] = run_##n,
static const Run runs[RDU_CONV_SUMS_1 + 1] = { ROWS (RUN_ENTRY) };

#ifdef RDU_HAS_PAIRS
#define PAIRS(n)                                               \
  static void pairs_##n (const RduConvSums *sums, int vectors) \
  {                                                            \
    run_rows (sums, vectors, n, rdu_vec_fma_pairs);            \
  }
ROWS (PAIRS)

#define PAIRS_ENTRY(n) [n] = pairs_##n,
static const Run pairs_runs[RDU_CONV_SUMS_1 + 1] = { ROWS (PAIRS_ENTRY) };
#endif

void
RDU_SYMBOL (rdu_conv_sum) (const RduConvSums *sums, int n, int vectors)
{
#ifdef RDU_HAS_PAIRS
  if (sums->pairs)
    {
      pairs_runs[n](sums, vectors);
      return;
    }
#endif
  runs[n](sums, vectors);
}
