/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions for the tile kernels: evaluated in double by branch-free polynomials that
 * compilers vectorise, then rounded once to f32 (about half an ulp).
 *
 * exp: argument reduction by log2 and the Taylor series. log: atanh series of (m - 1) / (m + 1).
 * erfc: exp (-x^2) times a Chebyshev interpolant of exp (x^2) erfc (x) in 2 / (2 + x), relative
 * error below 3e-10. */
#ifndef SF_RDU_KERNELS_MATH_H
#define SF_RDU_KERNELS_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline int64_t
rdu_bits (double x)
{
  int64_t i;
  memcpy (&i, &x, 8);
  return i;
}

static inline double
rdu_double (int64_t i)
{
  double x;
  memcpy (&x, &i, 8);
  return x;
}

static inline double
rdu_exp (double x)
{
  const double magic = 0x1.8p52; /* adding it leaves the nearest integer in the low bits */
  double c = x < -700.0 ? -700.0 : x;
  c = c > 700.0 ? 700.0 : c;
  double shifted = c * 0x1.71547652b82fep0 + magic;
  double n = shifted - magic;
  double r = (c - n * 0x1.62e42fefa39efp-1) - n * 0x1.abc9e3b39803fp-56;
  double p = 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  double y = rdu_double (rdu_bits (p) + (int64_t) ((uint64_t) rdu_bits (shifted) << 52));
  return x != x ? x : y;
}

static inline double
rdu_log (double x)
{
  const uint64_t half_root = 0x3fe6a09e667f3bcd; /* sqrt (1/2) */
  const double magic = 0x1.8p52;
  uint64_t bits = (uint64_t) rdu_bits (x);
  /* The exponent that leaves a mantissa in [sqrt (1/2), sqrt 2); f32 arguments are never subnormal
   * as doubles. */
  uint64_t biased = (bits - half_root + ((uint64_t) 1024 << 52)) >> 52;
  double e = rdu_double (rdu_bits (magic) + (int64_t) biased) - (magic + 1024.0);
  double m = rdu_double ((int64_t) (bits - ((biased - 1024) << 52)));
  double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 1.0 / 17;
  p = p * z + 1.0 / 15;
  p = p * z + 1.0 / 13;
  p = p * z + 1.0 / 11;
  p = p * z + 1.0 / 9;
  p = p * z + 1.0 / 7;
  p = p * z + 1.0 / 5;
  p = p * z + 1.0 / 3;
  double y = e * 0x1.62e42fefa39efp-1 + (2.0 * s + 2.0 * s * z * p);
  y = x == 0.0 ? -(double) INFINITY : y;
  y = x < 0.0 ? (double) NAN : y;
  y = bits == 0x7ff0000000000000 ? x : y;
  return x != x ? x : y;
}

static inline double
rdu_sigmoid (double x)
{
  return 1.0 / (1.0 + rdu_exp (-x));
}

static inline double
rdu_tanh (double x)
{
  double y = 1.0 - 2.0 / (rdu_exp (2.0 * x) + 1.0);
  double small = x - x * x * x * (1.0 / 3);
  return fabs (x) < 1e-4 ? small : y;
}

/* erfc (x) for x >= 0. */
static inline double
rdu_erfc_positive (double x)
{
  static const double c[14] = {
    0.3336736525516307,     0.42863479375703717,    0.19544342161283942,   0.04599046979252159,
    -0.0011055521820921962, -0.002924199068625082,  9.04571334354414e-05,  0.00024748361180150697,
    -3.877353597417762e-05, -1.964750427203248e-05, 8.188724728646385e-06, 4.672491909575781e-07,
    -8.979431902795503e-07, 1.3579575051738043e-07
  };
  double v = x > 10.0 ? 10.0 : x;
  double u = (2.0 / (2.0 + v) - 7.0 / 12) * (12.0 / 5);
  double p = c[13];
#pragma GCC unroll 13
  for (int i = 12; i >= 0; i--)
    p = p * u + c[i];
  return p * rdu_exp (-v * v);
}

static inline double
rdu_erf (double x)
{
  double a = fabs (x), z = x * x;
  double p = -1.492565035840625e-05;
  p = p * z + 0.00012055332981789664;
  p = p * z - 0.0008548327023450852;
  p = p * z + 0.005223977625442188;
  p = p * z - 0.026866170645131252;
  p = p * z + 0.11283791670955126;
  p = p * z - 0.37612638903183754;
  p = p * z + 1.1283791670955126;
  double tail = copysign (1.0 - rdu_erfc_positive (a), x);
  double y = a < 0.5 ? x * p : tail;
  return x != x ? x : y;
}

/* Normal distribution function. */
static inline double
rdu_normal_cdf (double x)
{
  double half = 0.5 * rdu_erfc_positive (fabs (x) * 0.70710678118654752440);
  double y = x < 0.0 ? half : 1.0 - half;
  return x != x ? x : y;
}

static inline double
rdu_gelu (double x)
{
  return x * rdu_normal_cdf (x);
}

static inline double
rdu_gelu_slope (double x)
{
  return rdu_normal_cdf (x) + x * 0.39894228040143267794 * rdu_exp (-0.5 * x * x);
}

/* 0.5 (1 + tanh (sqrt (2/pi) (x + 0.044715 x^3))) */
static inline double
rdu_gelu_tanh_gate (double x)
{
  return rdu_sigmoid (2.0 * 0.79788456080286535588 * (x + 0.044715 * x * x * x));
}

static inline double
rdu_gelu_tanh_slope (double x)
{
  double g = rdu_gelu_tanh_gate (x);
  double du = 2.0 * 0.79788456080286535588 * (1.0 + 3.0 * 0.044715 * x * x);
  return g + x * g * (1.0 - g) * du;
}

#endif
