/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions for the tile kernels: in f32, branch-free, so that compilers vectorise them.
 *
 * Methods: argument reductions as in Cody and Waite, "Software Manual for the Elementary Functions"
 * (1980), as Cephes has them in f32; tails of the normal distribution as exp (-x^2 / 2) times a
 * polynomial in (x - 3) / (x + 3), after Shepherd and Laframboise, Math. Comp. 36 (1981).
 * Coefficients are minimax fits (Lawson's iteration in f64, rounded to f32) over the ranges named.
 * Errors against f64, in units of the last place: exp and log below 1, sigmoid, tanh and erf below
 * 2.5, gelu from -5 on below 6; gelu_tanh, below -1, as many more as its tanh's argument. */
#ifndef SF_RDU_KERNELS_MATH_H
#define SF_RDU_KERNELS_MATH_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "plugins/backends/rdu/kernels_inline.h"

RDU_INLINE int32_t
rdu_bits (float x)
{
  int32_t i;
  memcpy (&i, &x, 4);
  return i;
}

RDU_INLINE float
rdu_float (int32_t i)
{
  float x;
  memcpy (&x, &i, 4);
  return x;
}

/* x 2^n, n exponents away in the bits of x; of what is no number, anything: bits wrap. */
RDU_INLINE float
rdu_scale (float x, int32_t n)
{
  return rdu_float ((int32_t) ((uint32_t) rdu_bits (x) + (uint32_t) n * 0x800000u));
}

/* a * b + c, rounded once where the processor can. */
RDU_INLINE float
rdu_fma (float a, float b, float c)
{
#ifdef __FMA__
  return __builtin_fmaf (a, b, c);
#else
  return a * b + c;
#endif
}

/* a * b + c, its product exact on every processor. */
RDU_INLINE float
rdu_fma_exact (float a, float b, float c)
{
#ifdef __FMA__
  return __builtin_fmaf (a, b, c);
#else
  return (float) ((double) a * b + c);
#endif
}

/* exp (x) = 2^n exp (r), |r| <= log (2) / 2: exp (r), and n in *exponent; of NaN, NaN and any n. */
RDU_INLINE float
rdu_exp_parts (float x, int32_t *exponent)
{
  const float magic = 0x1.8p23f; /* adding it leaves the nearest integer in the low bits */
  float shifted = rdu_fma (x, 0x1.715476p+0f, magic), n = shifted - magic;
  float r = rdu_fma (n, -0x1.7f7d1cp-20f, rdu_fma (n, -0x1.62e4p-1f, x));
  float p = 0x1.9f0896p-13f;
  p = rdu_fma (p, r, 0x1.6d8d06p-10f);
  p = rdu_fma (p, r, 0x1.111270p-7f);
  p = rdu_fma (p, r, 0x1.55548ep-5f);
  p = rdu_fma (p, r, 0x1.555554p-3f);
  p = rdu_fma (p, r, 0.5f);
  *exponent = rdu_bits (shifted) - rdu_bits (magic);
  return rdu_fma (p, r * r, r) + 1.0f;
}

/* 2^n in two factors, so that results may be subnormal or infinite. */
RDU_INLINE float
rdu_exp (float x)
{
  float c = x < -104.0f ? -104.0f : x;
  int32_t k;
  float p = rdu_exp_parts (c > 89.0f ? 89.0f : c, &k);
  int32_t half = k >> 1;
  float y = p * rdu_scale (1.0f, half) * rdu_scale (1.0f, k - half);
  return x != x ? x : y;
}

/* exp of what is not positive: the same bits for less. */
RDU_INLINE float
rdu_exp_falling (float x)
{
  int32_t k;
  float p = rdu_exp_parts (x < -104.0f ? -104.0f : x, &k);
  return p * rdu_scale (0x1p64f, k) * 0x1p-64f;
}

/* x = 2^e m with m in [sqrt (1/2), sqrt 2); log m = f - f^2 / 2 + f^3 P (f), f = m - 1. */
RDU_INLINE float
rdu_log (float x)
{
  const uint32_t half_root = 0x3f3504f3; /* sqrt (1/2) */
  bool is_subnormal = x < 0x1p-126f;
  float scaled = is_subnormal ? x * 0x1p24f : x;
  int32_t exponent = (int32_t) ((uint32_t) rdu_bits (scaled) - half_root) >> 23;
  float f = rdu_scale (scaled, -exponent) - 1.0f;
  float e = (float) exponent - (is_subnormal ? 24.0f : 0.0f), z = f * f;
  float p = 0x1.1457a2p-4f;
  p = rdu_fma (p, f, -0x1.de3c14p-4f);
  p = rdu_fma (p, f, 0x1.e6f06cp-4f);
  p = rdu_fma (p, f, -0x1.fc2208p-4f);
  p = rdu_fma (p, f, 0x1.233768p-3f);
  p = rdu_fma (p, f, -0x1.555c4ep-3f);
  p = rdu_fma (p, f, 0x1.99a4b6p-3f);
  p = rdu_fma (p, f, -0x1.000006p-2f);
  p = rdu_fma (p, f, 0x1.555548p-2f);
  float low = rdu_fma (e, 0x1.7f7d1cp-20f, f * z * p);
  float y = rdu_fma (e, 0x1.62e4p-1f, f + rdu_fma (-0.5f, z, low));
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  y = x == INFINITY ? x : y;
  return x != x ? x : y;
}

/* From exp (-|x|), so that small results are right too. */
RDU_INLINE float
rdu_sigmoid (float x)
{
  float e = rdu_exp (-fabsf (x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* |x| < 0.625: x + x^3 P (x^2); else from exp (2 |x|). */
RDU_INLINE float
rdu_tanh (float x)
{
  float a = fabsf (x), z = x * x;
  float p = -0x1.75623ep-8f;
  p = rdu_fma (p, z, 0x1.520b2cp-6f);
  p = rdu_fma (p, z, -0x1.b83854p-5f);
  p = rdu_fma (p, z, 0x1.11070ap-3f);
  p = rdu_fma (p, z, -0x1.555532p-2f);
  float small = rdu_fma (x * z, p, x);
  float large = copysignf (1.0f - 2.0f / (rdu_exp (2.0f * a) + 1.0f), x);
  return a < 0.625f ? small : large;
}

/* |x| < 1: x P (x^2); else 1 - exp (-G (|x|)), G a polynomial for -log (erfc). */
RDU_INLINE float
rdu_erf (float x)
{
  float a = fabsf (x), z = x * x, b = a > 4.0f ? 4.0f : a;
  float p = 0x1.496aaep-14f;
  p = rdu_fma (p, z, -0x1.a3f732p-11f);
  p = rdu_fma (p, z, 0x1.5405bap-8f);
  p = rdu_fma (p, z, -0x1.b7f90ep-6f);
  p = rdu_fma (p, z, 0x1.ce2cf8p-4f);
  p = rdu_fma (p, z, -0x1.81273ep-2f);
  p = rdu_fma (p, z, 0x1.20dd74p+0f);
  float g = 0x1.67cbd6p-16f;
  g = rdu_fma (g, b, -0x1.cbd4dcp-12f);
  g = rdu_fma (g, b, 0x1.12a6dcp-8f);
  g = rdu_fma (g, b, -0x1.9c6a32p-6f);
  g = rdu_fma (g, b, 0x1.bbd950p-4f);
  g = rdu_fma (g, b, 0x1.443c48p-1f);
  g = rdu_fma (g, b, 0x1.212a52p+0f);
  g = rdu_fma (g, b, -0x1.7ea52ap-13f);
  float tail = copysignf (1.0f - rdu_exp (-g), x);
  return a < 1.0f ? x * p : x != x ? x : tail;
}

/* |x|, or 14.6 where that is less, beyond which the normal distribution has no f32; of NaN, 14.6.
 * Bits of floats that are not negative have their order. */
RDU_INLINE float
rdu_normal_argument (float x)
{
  int32_t a = rdu_bits (x) & INT32_MAX, most = rdu_bits (14.6f);
  return rdu_float (a < most ? a : most);
}

/* 2^64 exp (-a^2 / 2) of an argument; what a square would lose is never lost. */
RDU_INLINE float
rdu_normal_bell (float a)
{
  const float magic = 0x1.8p23f; /* as in rdu_exp_parts; its own bits are shifted out */
  float shifted = rdu_fma (-0x1.715476p-1f * a, a, magic), n = shifted - magic;
  float rough = rdu_fma_exact (-0.5f * a, a, n * -0x1.62e4p-1f);
  float r = rdu_fma (n, -0x1.7f7d1cp-20f, rough), z = r * r;
  float p = rdu_fma (0x1.6a4d5ap-10f, r, 0x1.12398ep-7f);
  p = rdu_fma (p, z, rdu_fma (0x1.5558b0p-5f, r, 0x1.555492p-3f));
  p = rdu_fma (p, z, rdu_fma (0x1.fffffcp-2f, r, 1.0f));
  p = rdu_fma (p, r, 1.0f);
  return rdu_float (
      (int32_t) ((uint32_t) rdu_bits (p) + ((uint32_t) rdu_bits (shifted) << 23) + (64u << 23)));
}

/* Normal distribution function at -a over exp (-a^2 / 2), times 2^-64. */
RDU_INLINE float
rdu_normal_tail (float a)
{
  float u = (a - 3.0f) / (a + 3.0f), z = u * u;
  float p = rdu_fma (0x1.bd1f72p-79f, u, 0x1.e1f7e4p-78f);
  p = rdu_fma (p, z, rdu_fma (-0x1.6361d6p-76f, u, -0x1.01bd14p-74f));
  p = rdu_fma (p, z, rdu_fma (0x1.7cadeap-73f, u, 0x1.91dc7cp-72f));
  p = rdu_fma (p, z, rdu_fma (-0x1.7a943ap-69f, u, 0x1.f8bad2p-68f));
  p = rdu_fma (p, z, rdu_fma (-0x1.a6b66ap-67f, u, 0x1.f1b89cp-68f));
  return p;
}

/* x times the normal distribution function, which is 1 - half above zero. */
RDU_INLINE float
rdu_gelu (float x)
{
  float a = rdu_normal_argument (x), half = rdu_normal_bell (a) * rdu_normal_tail (a);
  return x < 0.0f ? x * half : rdu_fma (-a, half, x);
}

/* That function, and x times its density. */
RDU_INLINE float
rdu_gelu_slope (float x)
{
  float a = rdu_normal_argument (x), bell = rdu_normal_bell (a);
  float t = rdu_fma (-0x1.988454p-66f * a, bell, bell * rdu_normal_tail (a));
  return x < 0.0f ? t : x != x ? x : 1.0f - t;
}

/* x, no further from zero than gelu_tanh's slopes are other than 0 and 1. */
RDU_INLINE float
rdu_limited (float x)
{
  float c = x < -20.0f ? -20.0f : x;
  return c > 20.0f ? 20.0f : c;
}

/* x + 0.044715 x^3, times 2 sqrt (2/pi): its sigmoid gates gelu_tanh. */
RDU_INLINE float
rdu_gelu_tanh_argument (float x)
{
  return x * rdu_fma (x * x, 0x1.2444f2p-4f, 0x1.988454p+0f);
}

RDU_INLINE float
rdu_gelu_tanh (float x)
{
  return x * rdu_sigmoid (rdu_gelu_tanh_argument (x));
}

/* g + x g (1 - g) times the argument's slope; g (1 - g) without cancellation. */
RDU_INLINE float
rdu_gelu_tanh_slope (float x)
{
  float c = rdu_limited (x), slope = rdu_fma (c * c, 3.0f * 0x1.2444f2p-4f, 0x1.988454p+0f);
  float e = rdu_exp (-fabsf (rdu_gelu_tanh_argument (c))), r = 1.0f / (1.0f + e);
  return rdu_fma (c * slope, e * r * r, c < 0.0f ? e * r : r);
}

#endif
