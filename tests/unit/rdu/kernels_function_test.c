/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions of every ISA that this processor has, against libm in f64. */
#include <math.h>
#include <string.h>

#include "tests/unit/rdu/call.h"

typedef struct
{
  const char *name;
  double (*wanted) (double x);
  double lo, hi;
  double ulps; /* of the result, at most */
} Function;

static double
wanted_sigmoid (double x)
{
  return x < 0 ? exp (x) / (1 + exp (x)) : 1 / (1 + exp (-x));
}

static double
wanted_gelu (double x)
{
  return 0.5 * x * erfc (-x * M_SQRT1_2);
}

static double
wanted_gelu_slope (double x)
{
  return 0.5 * erfc (-x * M_SQRT1_2) + x * exp (-0.5 * x * x) / sqrt (2 * M_PI);
}

static double
wanted_rsqrt (double x)
{
  return 1 / sqrt (x);
}

static double
gate_argument (double x)
{
  return 2 * sqrt (2 / M_PI) * (x + 0.044715 * x * x * x);
}

static double
wanted_gelu_tanh (double x)
{
  return x * wanted_sigmoid (gate_argument (x));
}

static double
wanted_gelu_tanh_slope (double x)
{
  double g = wanted_sigmoid (gate_argument (x));
  return g + x * g * (1 - g) * 2 * sqrt (2 / M_PI) * (1 + 3 * 0.044715 * x * x);
}

static const Function functions[] = {
  { "exp", exp, -87, 88, 1 },
  { "log", log, 1e-30, 1e4, 1 },
  { "tanh", tanh, -12, 12, 1.5 },
  { "erf", erf, -5, 5, 2.5 },
  { "sigmoid", wanted_sigmoid, -80, 80, 2.5 },
  { "gelu", wanted_gelu, -13, 20, 7 },
  { "rsqrt", wanted_rsqrt, 1e-6, 9, 1.5 },
  { "gelu_tanh", wanted_gelu_tanh, -3, 6, 10 },
  { "sin", sin, -30, 30, 1.5 },
  { "cos", cos, -30, 30, 1.5 },
  { "sqrt", sqrt, 0, 50, 1.5 },
};

/* Distance of neighbouring floats at `x`. */
static double
ulp_at (double x)
{
  int exponent;
  frexp (x, &exponent);
  return ldexp (1, MAX (exponent, -125) - 24);
}

static bool
is_near (double found, double wanted, double ulps)
{
  if (isnan (wanted) || isinf ((float) wanted))
    return isnan (wanted) ? isnan (found) : found == (float) wanted;
  return fabs (found - wanted) <= ulps * ulp_at (wanted);
}

static void
check_values (const RduIsa *isa, const Function *f, float *x, int64_t n)
{
  g_autofree float *y = g_new (float, n);
  RduView vx = FVIEW (x, n), vy = FVIEW (y, n);
  call_kernel (isa, f->name, &vx, 1, &vy, 1, NULL, NULL, true);
  for (int64_t i = 0; i < n; i++)
    if (!is_near (y[i], f->wanted (x[i]), f->ulps))
      {
        SF_CHECK_MSG (false, "%s (%.9g): found %.9g, wanted %.9g", f->name, (double) x[i],
                      (double) y[i], f->wanted (x[i]));
        return;
      }
}

SF_TEST_CASES (RduFunctions, InTheirRange, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  enum
  {
    N = 5001
  };
  static float x[N];
  for (size_t f = 0; f < G_N_ELEMENTS (functions); f++)
    {
      for (int i = 0; i < N; i++)
        x[i] = (float) (functions[f].lo + (functions[f].hi - functions[f].lo) * i / (N - 1));
      check_values (isa, &functions[f], x, N);
    }
}

/* Of every exponent and sign, infinities and NaN with them: 2^15 floats evenly over their bits. */
SF_TEST_CASES (RduFunctions, OfEveryExponent, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  enum
  {
    N = 1 << 15
  };
  static const char *const names[] = { "exp",     "log",  "tanh",  "erf",
                                       "sigmoid", "sqrt", "rsqrt", "gelu" };
  static float x[N + 5];
  for (uint32_t i = 0; i < N; i++)
    {
      uint32_t bits = i * 131101u; /* about 2^17 */
      memcpy (&x[i], &bits, 4);
    }
  memcpy (x + N, (float[]){ 0, -0.0f, INFINITY, -INFINITY, NAN }, 20);
  for (size_t f = 0; f < G_N_ELEMENTS (functions); f++)
    for (size_t k = 0; k < G_N_ELEMENTS (names); k++)
      if (g_str_equal (functions[f].name, names[k]))
        check_values (isa, &functions[f], x, N + 5);
}

/* Slopes pass through zero: they are held to the ulp of one. */
SF_TEST_CASES (RduFunctions, Slopes, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  static const struct
  {
    const char *name;
    double (*wanted) (double x);
  } slopes[] = { { "gelu_bwd", wanted_gelu_slope }, { "gelu_tanh_bwd", wanted_gelu_tanh_slope } };
  enum
  {
    N = 4003
  };
  static float dy[N], x[N], dx[N];
  RduView src[] = { FVIEW (dy, N), FVIEW (x, N) }, dst = FVIEW (dx, N);
  for (int i = 0; i < N; i++)
    {
      dy[i] = i % 2 == 0 ? 1 : -2;
      x[i] = (float) (i - N / 2) * (i % 10 == 0 ? 1.0f : 0.005f);
    }
  for (size_t s = 0; s < G_N_ELEMENTS (slopes); s++)
    {
      call_kernel (isa, slopes[s].name, src, 2, &dst, 1, NULL, NULL, true);
      for (int i = 0; i < N; i++)
        SF_CHECK_NEAR (dx[i], dy[i] * slopes[s].wanted (x[i]), 6e-7);
    }
}

/* An element has the same bits wherever in a run it is. */
SF_TEST_CASES (RduFunctions, SameBitsInEveryPlace, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  enum
  {
    N = 67
  };
  float x[N], y[N], alone;
  RduView vx = FVIEW (x, N), vy = FVIEW (y, N), v1 = FVIEW (&alone, 1);
  for (size_t f = 0; f < G_N_ELEMENTS (functions); f++)
    {
      for (int i = 0; i < N; i++)
        x[i] = (float) (functions[f].lo + (functions[f].hi - functions[f].lo) * i / (N - 1));
      call_kernel (isa, functions[f].name, &vx, 1, &vy, 1, NULL, NULL, true);
      for (int i = 0; i < N; i++)
        {
          RduView one = FVIEW (x + i, 1);
          call_kernel (isa, functions[f].name, &one, 1, &v1, 1, NULL, NULL, true);
          SF_CHECK_MSG (memcmp (&alone, &y[i], 4) == 0, "%s (%g): other bits alone",
                        functions[f].name, (double) x[i]);
        }
    }
}
