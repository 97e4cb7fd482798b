/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and extremes of contiguous rows in sixteen lanes: element i belongs to lane i % 16 wherever
 * the row lies, and lanes are added pairwise. Sums run in f64. */
#ifndef SF_RDU_KERNELS_LANES_H
#define SF_RDU_KERNELS_LANES_H

#ifdef __AVX512F__
#include <immintrin.h>
#endif
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "plugins/backends/rdu/kernels_inline.h"

/* Functions on vectors wider than the processor's are inlined: how they are passed is no matter. */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef float RduHalf __attribute__ ((vector_size (32), aligned (4), may_alias));
typedef double RduHalfSum __attribute__ ((vector_size (64)));
typedef float RduLanes __attribute__ ((vector_size (64), aligned (4), may_alias));
typedef int32_t RduLaneBits __attribute__ ((vector_size (64)));
typedef uint32_t RduLaneUnsigned __attribute__ ((vector_size (64)));

RDU_INLINE RduHalfSum
rdu_wide (const float *x)
{
  return __builtin_convertvector(*(const RduHalf *) x, RduHalfSum);
}

RDU_INLINE double
rdu_add_lanes (const RduHalfSum *low, const RduHalfSum *high)
{
  RduHalfSum s = *low + *high;
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* Elements of a row that are summed in f32, by lanes, before their sum goes on in f64. */
#define RDU_LANE_SUM 256

/* Lanes of a row from x on; of its end, where the lanes past it are `fill`. */
RDU_INLINE RduLanes
rdu_lanes_load (const float *x, int64_t n, float fill)
{
  RduLanes lanes = fill - (RduLanes){ 0 };
  if (n == 16)
    return *(const RduLanes *) x;
  memcpy (&lanes, x, (size_t) n * 4);
  return lanes;
}

RDU_INLINE void
rdu_lanes_store (float *y, int64_t n, RduLanes lanes)
{
  if (n == 16)
    *(RduLanes *) y = lanes;
  else
    memcpy (y, &lanes, (size_t) n * 4);
}

RDU_INLINE double
rdu_lanes_sum (RduLanes lanes)
{
  float x[16];
  memcpy (x, &lanes, sizeof x);
  RduHalfSum low = rdu_wide (x), high = rdu_wide (x + 8);
  return rdu_add_lanes (&low, &high);
}

RDU_INLINE double
rdu_row_sum (const float *x, int64_t n)
{
  RduHalfSum low = { 0 }, high = { 0 }, low2 = { 0 }, high2 = { 0 };
  int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    {
      low += rdu_wide (x + i);
      high += rdu_wide (x + i + 8);
      low2 += rdu_wide (x + i + 16);
      high2 += rdu_wide (x + i + 24);
    }
  for (int part = 0; part < 2 && i < n; part++, i += 16)
    {
      float rest[16] = { 0 };
      memcpy (rest, x + i, (size_t) (n - i < 16 ? n - i : 16) * 4);
      low += rdu_wide (rest);
      high += rdu_wide (rest + 8);
    }
  low += low2;
  high += high2;
  return rdu_add_lanes (&low, &high);
}

/* Sum of x[i] y[i]. */
RDU_INLINE double
rdu_row_dot (const float *x, const float *y, int64_t n)
{
  RduHalfSum low = { 0 }, high = { 0 };
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    {
      low += rdu_wide (x + i) * rdu_wide (y + i);
      high += rdu_wide (x + i + 8) * rdu_wide (y + i + 8);
    }
  if (i < n)
    {
      float rest[2][16] = { { 0 }, { 0 } };
      memcpy (rest[0], x + i, (size_t) (n - i) * 4);
      memcpy (rest[1], y + i, (size_t) (n - i) * 4);
      low += rdu_wide (rest[0]) * rdu_wide (rest[1]);
      high += rdu_wide (rest[0] + 8) * rdu_wide (rest[1] + 8);
    }
  return rdu_add_lanes (&low, &high);
}

/* Sum of (x[i] - centre)^2. */
RDU_INLINE double
rdu_row_spread (const float *x, double centre, int64_t n)
{
  RduHalfSum low = { 0 }, high = { 0 }, a, b;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    {
      a = rdu_wide (x + i) - centre;
      b = rdu_wide (x + i + 8) - centre;
      low += a * a;
      high += b * b;
    }
  double sum = rdu_add_lanes (&low, &high);
  for (; i < n; i++)
    sum += (x[i] - centre) * (x[i] - centre);
  return sum;
}

/* Of each lane a where it is greater, or is NaN; else b. */
RDU_INLINE RduLanes
rdu_lanes_max (RduLanes a, RduLanes b)
{
  RduLaneBits mask = (RduLaneBits) (a > b) | (RduLaneBits) (a != a);
  return (RduLanes) (((RduLaneBits) a & mask) | ((RduLaneBits) b & ~mask));
}

/* Of each lane a where it is greater, else b. */
RDU_INLINE RduLanes
rdu_lanes_greater (RduLanes a, RduLanes b)
{
  RduLaneBits mask = (RduLaneBits) (a > b);
  return (RduLanes) (((RduLaneBits) a & mask) | ((RduLaneBits) b & ~mask));
}

/* x[lane ^ distance] for each lane. */
RDU_INLINE RduLanes
rdu_lanes_across (RduLanes x, int distance)
{
#ifdef __clang__ /* has no shuffle by a variable */
  RduLanes y;
  for (int i = 0; i < 16; i++)
    y[i] = x[i ^ distance];
  return y;
#else
  RduLaneBits lane = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
  return __builtin_shuffle (x, lane ^ distance);
#endif
}

/* exp of what is not positive, as rdu_exp_falling has it. */
RDU_INLINE RduLanes
rdu_lanes_exp_falling (RduLanes x)
{
  const float magic = 0x1.8p23f, least = -104.0f;
  RduLanes c = rdu_lanes_greater (least - (RduLanes){ 0 }, x);
  RduLanes shifted = c * 0x1.715476p+0f + magic, n = shifted - magic;
  RduLanes r = n * -0x1.7f7d1cp-20f + (n * -0x1.62e4p-1f + c);
  RduLanes p = r * 0x1.9f0896p-13f + 0x1.6d8d06p-10f;
  p = p * r + 0x1.111270p-7f;
  p = p * r + 0x1.55548ep-5f;
  p = p * r + 0x1.555554p-3f;
  p = p * r + 0.5f;
  p = p * (r * r) + r + 1.0f;
#ifdef __AVX512F__
  return (RduLanes) _mm512_scalef_ps ((__m512) p, (__m512) n);
#else
  RduLaneUnsigned exponent = (RduLaneUnsigned) shifted << 23; /* the magic's low bits are zero */
  return p * (RduLanes) (exponent + 0x5f800000u) * 0x1p-64f;
#endif
}

/* Greatest of sign x[i], times sign (1 or -1): greatest or least element. NaN where there is one;
 * of none, infinity against the sign. */
RDU_INLINE float
rdu_row_extreme (const float *x, int64_t n, float sign)
{
  RduLanes none = { 0 }, top, top2;
  none -= INFINITY;
  top = top2 = none;
  int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    {
      top = rdu_lanes_max (top, *(const RduLanes *) (x + i) * sign);
      top2 = rdu_lanes_max (top2, *(const RduLanes *) (x + i + 16) * sign);
    }
  for (; i < n; i += 16)
    {
      RduLanes rest = none * sign;
      memcpy (&rest, x + i, (size_t) (n - i < 16 ? n - i : 16) * 4);
      top = rdu_lanes_max (top, rest * sign);
    }
  top = rdu_lanes_max (top, top2);
  for (int distance = 8; distance > 0; distance /= 2)
    top = rdu_lanes_max (top, rdu_lanes_across (top, distance));
  return sign * top[0];
}

#endif
