/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions in plain double arithmetic: argument reduction after Cody and Waite, then Taylor series long enough that their remainder is below a
 * rounding error. This file must be built with -ffp-contract=off. */
#include <sf/exact.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 and pi/2 as sums of parts; the leading ones have trailing zeros, so that products with small integers are exact. */
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
static const double pio2_1 = 0x1.921fb544p+0, pio2_2 = 0x1.0b4611a6p-34, pio2_3 = 0x1.3198a2e037073p-69;

static double
from_bits (uint64_t bits)
{
  double x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

static uint64_t
to_bits (double x)
{
  uint64_t bits;
  memcpy (&bits, &x, sizeof bits);
  return bits;
}

/* 2^k for a normal result. */
static double
power_of_two (int k)
{
  return from_bits ((uint64_t) (k + 1023) << 52);
}

/* x * 2^k, through two factors when the result is subnormal or 2^k is out of range. */
static double
scale (double x, int k)
{
  if (k > 1023)
    return x * power_of_two (1023) * power_of_two (k - 1023);
  if (k < -1021)
    return x * power_of_two (k + 100) * power_of_two (-100);
  return x * power_of_two (k);
}

double
sf_exact_exp (double x)
{
  if (x != x)
    return x;
  if (x > 709.8)
    return INFINITY;
  if (x < -745.2)
    return 0;
  int k = (int) (x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  double high = x - k * ln2_high, low = k * ln2_low, r = high - low, tail = (high - r) - low;
  double sum = 0;
  /* exp (r) - 1 - r = r^2 / 2! + ... + r^14 / 14! */
  static const double inverse_factorial[] = { 1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,        1.0 / 720,          1.0 / 5040,        1.0 / 40320,
                                              1.0 / 362880,  1.0 / 3628800,  1.0 / 39916800,  1.0 / 479001600,  1.0 / 6227020800,   1.0 / 87178291200 };
  for (int i = 12; i >= 0; i--)
    sum = sum * r + inverse_factorial[i];
  return scale (1 + (r + (sum * r * r + tail)), k);
}

double
sf_exact_log (double x)
{
  if (x != x || x == INFINITY)
    return x;
  if (x < 0)
    return NAN;
  if (x == 0)
    return -INFINITY;
  int k = 0;
  if (x < 0x1p-1022)
    {
      x *= 0x1p54;
      k = -54;
    }
  uint64_t bits = to_bits (x);
  k += (int) (bits >> 52) - 1023;
  double m = from_bits ((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  if (m > 1.4142135623730951)
    {
      m *= 0.5;
      k++;
    }
  /* log (1 + f) = f - f^2/2 + s (f^2/2 + R), s = f / (2 + f), R = 2/3 s^2 + 2/5 s^4 + ... */
  double f = m - 1, s = f / (2 + f), z = s * s, half = 0.5 * f * f, series = 0;
  for (int i = 12; i >= 1; i--)
    series = (series + 2.0 / (2 * i + 1)) * z;
  return k * ln2_high - ((half - (s * (half + series) + k * ln2_low)) - f);
}

/* sin (x + tail) and cos (x + tail) for |x| <= pi/4. */
static double
sine (double x, double tail)
{
  double z = x * x, sum = 0;
  for (int i = 17; i >= 3; i -= 2)
    sum = (1 - sum) * z / (double) (i * (i - 1));
  /* sin x = x (1 - sum) */
  return x - (x * sum - tail * (1 - 0.5 * z));
}

static double
cosine (double x, double tail)
{
  double z = x * x, sum = 0;
  for (int i = 18; i >= 4; i -= 2)
    sum = (1 - sum) * z / (double) (i * (i - 1));
  /* cos x = 1 - z/2 (1 - sum) */
  double half = 0.5 * z, w = 1 - half;
  return w + (((1 - w) - half) + (half * sum - x * tail));
}

/* x - n pi/2 as r + tail; the quadrant. */
static int
reduce (double x, double *r, double *tail)
{
  double n = (double) (int64_t) (x * 0.6366197723675814 + (x < 0 ? -0.5 : 0.5));
  double a = x - n * pio2_1, w = n * pio2_2, b = a - w;
  double rest = n * pio2_3 - ((a - b) - w);
  *r = b - rest;
  *tail = (b - *r) - rest;
  return (int) ((int64_t) n & 3);
}

double
sf_exact_sin (double x)
{
  double r, tail;
  if (!(fabs (x) <= 0x1p20))
    return NAN;
  switch (reduce (x, &r, &tail))
    {
    case 0:
      return sine (r, tail);
    case 1:
      return cosine (r, tail);
    case 2:
      return -sine (r, tail);
    default:
      return -cosine (r, tail);
    }
}

double
sf_exact_cos (double x)
{
  double r, tail;
  if (!(fabs (x) <= 0x1p20))
    return NAN;
  switch (reduce (x, &r, &tail))
    {
    case 0:
      return cosine (r, tail);
    case 1:
      return -sine (r, tail);
    case 2:
      return -cosine (r, tail);
    default:
      return sine (r, tail);
    }
}

double
sf_exact_pow (double x, double y)
{
  if (y != floor (y) || fabs (y) > 0x1p31)
    return sf_exact_exp (y * sf_exact_log (x));
  double result = 1, base = x;
  for (uint64_t n = (uint64_t) fabs (y); n > 0; n >>= 1)
    {
      if (n & 1)
        result *= base;
      base *= base;
    }
  return y < 0 ? 1 / result : result;
}
