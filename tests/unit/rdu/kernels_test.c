/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels of every ISA that this processor has, against plain loops in double and libm. */
#include <math.h>
#include <string.h>

#include <sf/rng.h>

#include "tests/unit/rdu/call.h"

static float
value (uint32_t stream, uint64_t i)
{
  SfRng rng = { .seed = 7, .stream = stream };
  return sf_rng_uniform (&rng, i) * 2 - 1;
}

static float *
values (uint32_t stream, int64_t n)
{
  float *x = g_new (float, n + 1);
  for (int64_t i = 0; i < n; i++)
    x[i] = value (stream, (uint64_t) i);
  return x;
}

/* ---- elementwise ---- */

SF_TEST_CASES (RduKernels, Elementwise, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float a[6] = { 1, 2, 3, 4, 5, 6 }, b[3] = { 10, 20, 30 }, c[2] = { 100, 200 }, y[6];
  RduView va = FVIEW (a, 2, 3), vb = FVIEW (b, 3), vc = FVIEW (c, 2, 1), vy = FVIEW (y, 2, 3);
  call_kernel (isa, "add", (RduView[]){ va, vb }, 2, &vy, 1, NULL, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 11, 22, 33, 14, 25, 36 }, sizeof y) == 0);
  call_kernel (isa, "sub", (RduView[]){ vc, va }, 2, &vy, 1, NULL, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 99, 98, 97, 196, 195, 194 }, sizeof y) == 0);
  call_kernel (isa, "add", (RduView[]){ vb, vc }, 2, &vy, 1, NULL, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 110, 120, 130, 210, 220, 230 }, sizeof y) == 0);
  int32_t i[4] = { INT32_MIN, 7, -7, 5 }, j[4] = { -1, 2, 2, 0 }, k[4];
  RduView vi = IVIEW (i, 4), vj = IVIEW (j, 4), vk = IVIEW (k, 4);
  call_kernel (isa, "div", (RduView[]){ vi, vj }, 2, &vk, 1, NULL, NULL, true);
  SF_CHECK (k[0] == INT32_MIN && k[1] == 3 && k[2] == -3 && k[3] == 0);
  call_kernel (isa, "lt", (RduView[]){ vi, vj }, 2, &vk, 1, NULL, NULL, true);
  SF_CHECK (k[0] == 1 && k[1] == 0 && k[2] == 1 && k[3] == 0);
  float z[4];
  RduView four = FVIEW (a, 4), vz = FVIEW (z, 4), zero = FVIEW (c, 1);
  call_kernel (isa, "select", (RduView[]){ vk, four, zero }, 3, &vz, 1, NULL, NULL, true);
  SF_CHECK (z[0] == 1 && z[1] == 100 && z[2] == 3 && z[3] == 100);
  float n[4] = { NAN, 1e20f, -1e20f, -1.9f };
  RduView vn = FVIEW (n, 4);
  call_kernel (isa, "cast", &vn, 1, &vk, 1, (int64_t[]){ 3, 0 }, NULL, true);
  SF_CHECK (k[0] == 0 && k[1] == 127 && k[2] == -128 && k[3] == -1);
  call_kernel (isa, "cast", &vj, 1, &vk, 1, (int64_t[]){ 5, 0 }, NULL, true);
  SF_CHECK (k[0] == 255 && k[1] == 2 && k[2] == 2 && k[3] == 0);
  call_kernel (isa, "cast", &vi, 1, &vk, 1, (int64_t[]){ 4, 0 }, NULL, true);
  SF_CHECK (k[0] == 0 && k[1] == 7 && k[2] == -7 && k[3] == 5);
  float exact[2] = { 1.00390625f, 3.0f }, rounded[2]; /* 1 + 2^-8 is half way: to even */
  RduView ve = FVIEW (exact, 2), vr = FVIEW (rounded, 2);
  call_kernel (isa, "cast", &ve, 1, &vr, 1, (int64_t[]){ 1, 0 }, NULL, true);
  SF_CHECK (rounded[0] == 1 && rounded[1] == 3);
  call_kernel (isa, "cast", &vn, 1, &vk, 1, (int64_t[]){ 0, 0 }, NULL, true);
  SF_CHECK (k[0] == 0 && k[1] == INT32_MAX && k[2] == INT32_MIN && k[3] == -1);
  call_kernel (isa, "max", (RduView[]){ vn, four }, 2, &vz, 1, NULL, NULL, true);
  SF_CHECK (isnan (z[0]) && z[1] == 1e20f && z[2] == 3 && z[3] == 4);
}

/* ---- reductions and rows ---- */

static void
check_near (const char *what, const float *found, const double *wanted, int64_t n)
{
  double worst = 0;
  for (int64_t i = 0; i < n; i++)
    worst = fmax (worst, fabs (found[i] - wanted[i]));
  SF_CHECK_MSG (worst <= 2e-5, "%s: off by %g", what, worst);
}

SF_TEST_CASES (RduKernels, Reduce, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  enum
  {
    A = 5,
    B = 37,
    C = 70
  };
  g_autofree float *x = values (9, A * B * C);
  float y[A * B * C];
  RduView vx = FVIEW (x, A, B, C);
  for (int mask = 1; mask < 8; mask++)
    {
      double wanted[A * B * C] = { 0 };
      int64_t kept[3] = { mask & 1 ? 1 : A, mask & 2 ? 1 : B, mask & 4 ? 1 : C };
      for (int i = 0; i < A * B * C; i++)
        wanted[((mask & 1 ? 0 : i / (B * C)) * kept[1] + (mask & 2 ? 0 : i / C % B)) * kept[2]
               + (mask & 4 ? 0 : i % C)]
            += x[i];
      RduView vy = FVIEW (y, kept[0], kept[1], kept[2]);
      call_kernel (isa, "reduce_sum", &vx, 1, &vy, 1, (int64_t[]){ mask, 1 }, NULL, true);
      check_near ("reduce_sum", y, wanted, kept[0] * kept[1] * kept[2]);
    }
  RduView none = FVIEW (y, 3), empty = FVIEW (x, 3, 0);
  y[0] = 4;
  call_kernel (isa, "reduce_sum", &empty, 1, &none, 1, (int64_t[]){ 2, 0 }, NULL, true);
  SF_CHECK (y[0] == 0 && y[2] == 0);
  call_kernel (isa, "reduce_max", &empty, 1, &none, 1, (int64_t[]){ 2, 0 }, NULL, true);
  SF_CHECK (y[0] == -INFINITY && y[2] == -INFINITY);
  int32_t v[6] = { 3, -1, 4, 1, -5, 9 }, least[2] = { 0, -7 };
  RduView vv = IVIEW (v, 2, 3), vl = IVIEW (least, 2);
  call_kernel (isa, "reduce_min", &vv, 1, &vl, 1, (int64_t[]){ 2, 0 }, NULL, false);
  SF_CHECK (least[0] == -1 && least[1] == -7);
}

/* `n_rows` rows of `n`, along the first axis or the last; each kernel in place of the definition.
 */
static void
check_rows (const RduIsa *isa, int n, int n_rows, bool is_last)
{
  int elems = n * n_rows, si = is_last ? 1 : n_rows, sr = is_last ? n : 1;
  int64_t a = is_last ? n_rows : n, b = is_last ? n : n_rows;
  g_autofree float *x = values (1, elems), *g = values (2, elems), *y = g_new0 (float, elems),
                   *l = g_new0 (float, elems), *dy = g_new0 (float, elems),
                   *dl = g_new0 (float, elems);
  RduView vx = FVIEW (x, a, b), vg = FVIEW (g, a, b), vy = FVIEW (y, a, b), vl = FVIEW (l, a, b),
          vdy = FVIEW (dy, a, b), vdl = FVIEW (dl, a, b);
  const int64_t axis[] = { is_last };
  call_kernel (isa, "softmax", &vx, 1, &vy, 1, axis, NULL, true);
  call_kernel (isa, "log_softmax", &vx, 1, &vl, 1, axis, NULL, true);
  call_kernel (isa, "softmax_bwd", (RduView[]){ vg, vy }, 2, &vdy, 1, axis, NULL, true);
  call_kernel (isa, "log_softmax_bwd", (RduView[]){ vg, vl }, 2, &vdl, 1, axis, NULL, true);
  for (int r = 0; r < n_rows; r++)
    {
      double sum = 0, dot = 0, gsum = 0;
      for (int i = 0; i < n; i++)
        sum += exp (x[i * si + r * sr]);
      for (int i = 0; i < n; i++)
        {
          double p = exp (x[i * si + r * sr]) / sum;
          SF_CHECK_NEAR (y[i * si + r * sr], p, 2e-7);
          SF_CHECK_NEAR (l[i * si + r * sr], log (p), 1e-6);
          dot += p * g[i * si + r * sr];
          gsum += g[i * si + r * sr];
        }
      for (int i = 0; i < n; i++)
        {
          double p = exp (x[i * si + r * sr]) / sum, slope = g[i * si + r * sr];
          SF_CHECK_NEAR (dy[i * si + r * sr], p * (slope - dot), 1e-6);
          SF_CHECK_NEAR (dl[i * si + r * sr], slope - p * gsum, 1e-6 * (1 + fabs (gsum)));
        }
    }
}

SF_TEST_CASES (RduKernels, Rows, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  static const int shapes[][2] = { { 11, 3 },  { 1, 5 },   { 1, 20 }, { 10, 40 },
                                   { 32, 17 }, { 33, 18 }, { 70, 2 } };
  for (size_t i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      check_rows (isa, shapes[i][0], shapes[i][1], false);
      check_rows (isa, shapes[i][0], shapes[i][1], true);
    }
}

/* Minus infinity counts nothing; what is no number spoils its own row only, in place too. */
SF_TEST_CASES (RduKernels, RowsOfNoNumbers, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (int n = 3; n < 100; n += 47)
    {
      float x[3 * 97];
      RduView vx = FVIEW (x, 3, n);
      for (int i = 0; i < 3 * n; i++)
        x[i] = i / n == 1 && i % n != 2 ? -INFINITY : (float) i / 8;
      x[2 * n + 1] = NAN;
      call_kernel (isa, "softmax", &vx, 1, &vx, 1, (int64_t[]){ 1 }, NULL, true);
      SF_CHECK (x[0] < x[1] && x[1] < x[2] && x[n] == 0 && x[n + 2] == 1);
      for (int i = 0; i < n; i++)
        SF_CHECK (isnan (x[2 * n + i]));
    }
}

SF_TEST_CASES (RduKernels, LayerNorm, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  enum
  {
    R = 4,
    N = 6
  };
  g_autofree float *x = values (1, R * N), *gamma = values (2, N), *beta = values (3, N);
  float y[R * N], mean[R], rstd[R];
  RduView src[] = { FVIEW (x, 2, 2, 2, 3), FVIEW (gamma, 2, 3), FVIEW (beta, 2, 3) };
  RduView dst[] = { FVIEW (y, 2, 2, 2, 3), FVIEW (mean, 2, 2), FVIEW (rstd, 2, 2) };
  call_kernel (isa, "layer_norm", src, 3, dst, 3, (int64_t[]){ 2 }, (double[]){ 1e-5 }, true);
  for (int r = 0; r < R; r++)
    {
      double sum = 0, square = 0;
      for (int i = 0; i < N; i++)
        sum += x[r * N + i] / N;
      for (int i = 0; i < N; i++)
        square += (x[r * N + i] - sum) * (x[r * N + i] - sum) / N;
      SF_CHECK_NEAR (mean[r], sum, 1e-7);
      SF_CHECK_NEAR (rstd[r], 1 / sqrt (square + 1e-5), 1e-6);
      for (int i = 0; i < N; i++)
        SF_CHECK_NEAR (y[r * N + i],
                       (x[r * N + i] - sum) / sqrt (square + 1e-5) * gamma[i] + beta[i], 1e-6);
    }
}

/* Rows that are whole vectors, not, and longer than what is summed in one piece; one of x's rows
 * apart from the next, results one in two. */
SF_TEST_CASES (RduKernels, LayerNormGradient, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (int n = 5; n < 600; n = 3 * n + 1)
    {
      enum
      {
        R = 3
      };
      g_autofree float *dy = values (1, R * n), *x = values (2, 2 * R * n), *gamma = values (3, n);
      g_autofree float *dx = values (4, 2 * R * n);
      float mean[R] = { 0.5f, -1, 0 }, rstd[R] = { 1, 2, 0.25f };
      RduView src[] = { FVIEW (dy, R, n), FVIEW (x, R, n), FVIEW (gamma, n), FVIEW (mean, R),
                        FVIEW (rstd, R) };
      RduView dst = FVIEW (dx, R, n);
      src[1].stride[0] = 2 * n;
      dst.stride[0] = 2 * n;
      dst.stride[1] = 2;
      call_kernel (isa, "layer_norm_dx", src, 5, &dst, 1, (int64_t[]){ 1 }, NULL, true);
      for (int r = 0; r < R; r++)
        {
          double level = 0, along = 0;
          for (int i = 0; i < n; i++)
            {
              double g = (double) dy[r * n + i] * gamma[i];
              level += g / n;
              along += g * (x[2 * r * n + i] - mean[r]) * rstd[r] / n;
            }
          for (int i = 0; i < n; i++)
            {
              double h = (x[2 * r * n + i] - mean[r]) * rstd[r];
              double want = rstd[r] * ((double) dy[r * n + i] * gamma[i] - level - h * along);
              SF_CHECK_NEAR (dx[2 * (r * n + i)], want, 2e-6);
            }
        }
    }
}

/* ---- moves and indices ---- */

SF_TEST_CASES (RduKernels, Moves, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float x[6] = { 1, 2, 3, 4, 5, 6 }, y[20];
  RduView vx = FVIEW (x, 2, 3), t = FVIEW (y, 3, 2);
  call_kernel (isa, "copy", &vx, 1, &t, 1, (int64_t[]){ 1, 0, 0, 0, 0, 0, 0, 0, 2 },
               (double[]){ 0 }, true);
  SF_CHECK (memcmp (y, (float[]){ 1, 4, 2, 5, 3, 6 }, 24) == 0);
  /* One column of padding on the left, two on the right, the value 9; the single row repeats. */
  RduView p = FVIEW (x, 1, 3), wide = FVIEW (y, 2, 6);
  p.lo[1] = -1;
  p.n[1] = 6;
  p.valid_lo[1] = 1;
  p.valid_hi[1] = 4;
  p.data = (void *) ((uintptr_t) x - 4);
  call_kernel (isa, "copy", &p, 1, &wide, 1, (int64_t[]){ 0, 1, 0, 0, 0, 0, 0, 0, 2 },
               (double[]){ 9 }, true);
  SF_CHECK (memcmp (y, (float[]){ 9, 1, 2, 3, 9, 9, 9, 1, 2, 3, 9, 9 }, 48) == 0);
  int32_t k[4];
  RduView vk = IVIEW (k, 2, 2);
  vk.lo[1] = 5;
  vk.step[1] = 3;
  call_kernel (isa, "iota", NULL, 0, &vk, 1, (int64_t[]){ 1 }, NULL, true);
  SF_CHECK (k[0] == 5 && k[1] == 8 && k[2] == 5 && k[3] == 8);
  /* Rows 1 and 2 of a [3,4] tensor of random numbers. */
  int32_t rng[3] = { 0x11223344, 0x55667788, 12 };
  SfRng state = { .seed = 0x5566778811223344u, .stream = 77, .step = 12 };
  RduView vr = IVIEW (rng, 3), box = FVIEW (y, 2, 4);
  box.dim[0] = 3;
  box.lo[0] = 1;
  call_kernel (isa, "uniform", &vr, 1, &box, 1, (int64_t[]){ 77 }, NULL, true);
  for (uint64_t i = 0; i < 8; i++)
    SF_CHECK (y[i] == sf_rng_uniform (&state, 4 + i));
}

SF_TEST_CASES (RduKernels, Indices, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float x[6] = { 1, 2, 3, 4, 5, 6 }, y[8], table[6];
  int32_t i[4] = { 2, 0, 2, 1 };
  RduView vx = FVIEW (x, 3, 2), vi = IVIEW (i, 2, 2), vy = FVIEW (y, 2, 2, 2),
          vt = FVIEW (table, 3, 2);
  RduFault fault = call_kernel (isa, "gather", (RduView[]){ vx, vi }, 2, &vy, 1, (int64_t[]){ 0 },
                                NULL, true);
  SF_CHECK (!fault.is_set && memcmp (y, (float[]){ 5, 6, 1, 2, 5, 6, 3, 4 }, 32) == 0);
  fault = call_kernel (isa, "scatter_add", (RduView[]){ vi, vy }, 2, &vt, 1, (int64_t[]){ 0 }, NULL,
                       true);
  SF_CHECK (!fault.is_set && memcmp (table, (float[]){ 1, 2, 3, 4, 10, 12 }, 24) == 0);
  /* Along axis 1 of [2,3]. */
  RduView wide = FVIEW (x, 2, 3), one = IVIEW (i, 2), out = FVIEW (y, 2, 2);
  fault = call_kernel (isa, "gather", (RduView[]){ wide, one }, 2, &out, 1, (int64_t[]){ 1 }, NULL,
                       true);
  SF_CHECK (!fault.is_set && memcmp (y, (float[]){ 3, 1, 6, 4 }, 16) == 0);
  i[2] = 3;
  i[3] = -1;
  fault = call_kernel (isa, "gather", (RduView[]){ vx, vi }, 2, &vy, 1, (int64_t[]){ 0 }, NULL,
                       true);
  SF_CHECK (fault.is_set && fault.position == 2 && fault.value == 3 && fault.bound == 3);
}

SF_TEST_CASES (RduKernels, Rounding, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  /* Ties go to even: 1 + 2^-8 down, 1 + 3 * 2^-8 up. */
  float x[20] = { 1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1.01p-8f, -3.4e38f, INFINITY, NAN };
  isa->round (SF_BF16, x, 20);
  SF_CHECK (x[0] == 1 && x[1] == 1 + 0x1p-6f && x[2] == 1 + 0x1p-7f && x[3] == -INFINITY
            && x[4] == INFINITY && isnan (x[5]));
  float h[2] = { 1 + 0x1p-11f, 65520 };
  isa->round (SF_F16, h, 2);
  SF_CHECK (h[0] == 1 && h[1] == INFINITY);
}

SF_TEST (RduIsa, UnknownNameIsRefused)
{
  g_autoptr (GError) error = NULL;
  g_setenv ("SF_ISA", "mmx", TRUE);
  SF_CHECK (rdu_isa_choose (&error) == NULL);
  g_unsetenv ("SF_ISA");
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "SF_ISA: found \"mmx\", wanted portable, avx2, avx512 or avx512bf16");
}
