/* SPDX-License-Identifier: Apache-2.0 */
/* Products of few columns by dot products: which shapes go that way, and every sum bit for bit, in
 * lanes. */
#include <math.h>
#include <string.h>

#include <sf/rng.h>

#include "tests/unit/rdu/call.h"

#define GUARD  -7.5f
#define MARGIN 3 /* elements between rows */

/* The kernel that a gemm of these whole shapes has; NULL: the usual one. */
static const RduKernel *
chosen (const RduIsa *isa, SfShape x, SfShape w, bool transposed, SfDtype dtype, bool first)
{
  RduView src[] = { view_of (NULL, false, x), view_of (NULL, false, w) };
  int64_t imm[] = { 0, transposed };
  RduCall whole
      = { .src = { &src[0], &src[1] }, .n_src = 2, .n_dst = 1, .imm = imm, .first = first };
  src[0].dtype = src[1].dtype = dtype;
  return rdu_isa_find (isa, "gemm", 1)->choose (&whole);
}

SF_TEST_CASES (RduDots, AreForFewColumnsOfLongRows, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  SF_CHECK (chosen (isa, SF_SHAPE (64, 784), SF_SHAPE (10, 784), true, SF_F32, true) != NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (1, 84), SF_SHAPE (10, 84), true, SF_F32, true) != NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (64, 84), SF_SHAPE (10, 84), true, SF_F32, true) == NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (64, 784), SF_SHAPE (16, 784), true, SF_F32, true) == NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (64, 784), SF_SHAPE (784, 10), false, SF_F32, true) == NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (64, 784), SF_SHAPE (10, 784), true, SF_BF16, true) == NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (64, 784), SF_SHAPE (10, 784), true, SF_F32, false) == NULL);
  SF_CHECK (chosen (isa, SF_SHAPE (2, 64, 784), SF_SHAPE (10, 784), true, SF_F32, true) == NULL);
}

/* Each lane a chain over its steps of the depth, then lanes halves by halves. */
static float
dot (const float *a, const float *b, int64_t k, int n_lanes, bool fused)
{
  float lane[16] = { 0 };
  for (int64_t i = 0; i < k; i++)
    {
      volatile float product = a[i] * b[i];
      lane[i % n_lanes] = fused ? fmaf (a[i], b[i], lane[i % n_lanes])
                                : lane[i % n_lanes] + product;
    }
  for (int half = n_lanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++)
      lane[i] += lane[i + half];
  return lane[0];
}

static int
lanes_of (const RduIsa *isa)
{
  return g_str_equal (isa->name, "portable") ? 4 : g_str_equal (isa->name, "avx2") ? 8 : 16;
}

/* Rows with a margin behind each; `turned`: column by column. */
static RduView
rows_of (float *memory, int64_t rows, int64_t columns, bool turned)
{
  RduView v = turned ? FVIEW (memory, columns, rows + MARGIN)
                     : FVIEW (memory, rows, columns + MARGIN);
  int64_t stride[] = { turned ? 1 : columns + MARGIN, turned ? rows + MARGIN : 1 };
  memcpy (v.stride, stride, sizeof stride);
  v.n[0] = v.dim[0] = v.valid_hi[0] = rows;
  v.n[1] = v.dim[1] = v.valid_hi[1] = columns;
  return v;
}

static float *
at (const RduView *v, int64_t row, int64_t column)
{
  return (float *) v->data + row * v->stride[0] + column * v->stride[1];
}

static int64_t
n_elems (int64_t rows, int64_t columns)
{
  return (rows + MARGIN) * (columns + MARGIN);
}

static void
check_dots (const RduIsa *isa, int64_t m, int64_t n, int64_t k, bool turned, bool first)
{
  const RduKernel *kernel = chosen (isa, SF_SHAPE (1, 256), SF_SHAPE (1, 256), true, SF_F32, true);
  SfRng rng = { .seed = 5, .stream = (uint32_t) (m + 16 * n) };
  g_autofree float *x = g_new (float, m *k), *w = g_new (float, n *k);
  g_autofree float *a = g_new (float, n_elems (m, k)), *b = g_new (float, n_elems (n, k)),
                   *y = g_new (float, n_elems (m, n));
  RduView src[] = { rows_of (a, m, k, turned), rows_of (b, n, k, turned) },
          dst = rows_of (y, m, n, turned);
  for (int64_t i = 0; i < m * k; i++)
    *at (&src[0], i / k, i % k) = x[i] = sf_rng_uniform (&rng, (uint64_t) i) * 2 - 1;
  for (int64_t i = 0; i < n * k; i++)
    *at (&src[1], i / k, i % k) = w[i] = sf_rng_uniform (&rng, (uint64_t) (m * k + i)) * 2 - 1;
  for (int64_t i = 0; i < n_elems (m, n); i++)
    y[i] = GUARD;
  for (int64_t i = 0; i < m * n; i++)
    *at (&dst, i / n, i % n) = first ? NAN : 0.25f;
  run_kernel (kernel, src, 2, &dst, 1, (int64_t[]){ 0, 1 }, NULL, first);
  int64_t wrong = 0;
  for (int64_t i = 0; i < m * n; i++)
    {
      float sum = dot (x + i / n * k, w + i % n * k, k, lanes_of (isa), fuses_products (isa));
      float wanted = first ? sum : 0.25f + sum, *found = at (&dst, i / n, i % n);
      wrong += memcmp (found, &wanted, 4) != 0;
      *found = GUARD;
    }
  for (int64_t i = 0; i < n_elems (m, n); i++)
    wrong += y[i] != GUARD;
  SF_CHECK_MSG (wrong == 0, "%ld x %ld x %ld%s: %ld elements wrong", (long) m, (long) n, (long) k,
                turned ? ", turned" : "", (long) wrong);
}

SF_TEST_CASES (RduDots, AreSumsOfLanes, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  static const int64_t depths[] = { 1, 16, 37, 300 };
  for (int64_t n = 0; n <= 15; n++)
    for (int64_t m = 1; m <= 17; m += n < 3 ? 1 : 4)
      for (size_t d = 0; d < G_N_ELEMENTS (depths); d++)
        for (int way = 0; way < 4; way++)
          check_dots (isa, m, n, depths[d], (way & 1) != 0, (way & 2) != 0);
}
