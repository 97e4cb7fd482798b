/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions from plain additions, multiplications and divisions: the same bits wherever
 * IEEE 754 holds.
 *
 * Arguments are reduced so far that Taylor series converge in about a dozen terms; reductions and
 * pow carry the rounding errors along as double-double numbers (Dekker 1971, "A floating-point
 * technique for extending the available precision"). */
#include <sf/exact.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The unevaluated sum hi + lo, |lo| at most half an ulp of hi. */
typedef struct
{
  double hi, lo;
} Dd;

/* log 2 and pi/2 in parts: each but the last has 32 bits or fewer, so that its product with an
 * integer below 2^21 is exact. */
static const double ln2_hi = 0x1.62e42fee00000p-1, ln2_lo = 0x1.a39ef35793c76p-33;
static const double pio2_1 = 0x1.921fb54400000p+0, pio2_2 = 0x1.0b4611a600000p-34,
                    pio2_3 = 0x1.3198a2e000000p-69, pio2_4 = 0x1.b839a252049c1p-104;
static const double inv_ln2 = 0x1.71547652b82fep+0, inv_pio2 = 0x1.45f306dc9c883p-1;

/* 1 / n!, n = 0..20, rounded to nearest. */
static const double inv_factorial[] = {
  1.0,
  1.0,
  0.5,
  1.0 / 6,
  1.0 / 24,
  1.0 / 120,
  1.0 / 720,
  1.0 / 5040,
  1.0 / 40320,
  1.0 / 362880,
  1.0 / 3628800,
  1.0 / 39916800,
  1.0 / 479001600,
  1.0 / 6227020800.0,
  1.0 / 87178291200.0,
  1.0 / 1307674368000.0,
  1.0 / 20922789888000.0,
  1.0 / 355687428096000.0,
  1.0 / 6402373705728000.0,
};

/* |x| < 2^51. */
static double
nearest_integer (double x)
{
  const double magic = 0x1.8p52;
  return (x + magic) - magic;
}

static double
power_of_two (int n)
{
  uint64_t bits = (uint64_t) (n + 1023) << 52;
  double factor;
  memcpy (&factor, &bits, sizeof factor);
  return factor;
}

/* x 2^n for x near 1 and |n| <= 1100: in two factors, of which only the second can round. */
static double
scale (double x, int n)
{
  return x * power_of_two (n / 2) * power_of_two (n - n / 2);
}

/* x = m 2^e with m in [sqrt 1/2, sqrt 2), x positive and finite. */
static double
split_exponent (double x, int *e)
{
  *e = 0;
  if (x < DBL_MIN)
    {
      x *= 0x1p54;
      *e = -54;
    }
  uint64_t bits;
  memcpy (&bits, &x, sizeof bits);
  *e += (int) (bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffff) | (uint64_t) 1023 << 52;
  memcpy (&x, &bits, sizeof x);
  if (x >= 0x1.6a09e667f3bcdp+0)
    {
      x *= 0.5;
      *e += 1;
    }
  return x;
}

double
sf_exact_exp (double x)
{
  if (x != x)
    return x;
  if (x > 709.79)
    return HUGE_VAL;
  if (x < -745.14)
    return 0.0;
  double k = nearest_integer (x * inv_ln2);
  double hi = x - k * ln2_hi, lo = k * ln2_lo;
  double r = hi - lo, c = (hi - r) - lo;
  double p = 0.0;
  for (int n = 14; n >= 2; n--)
    p = p * r + inv_factorial[n];
  return scale (1.0 + (r + (c + r * r * p + c * r)), (int) k);
}

double
sf_exact_log (double x)
{
  if (x != x || x == HUGE_VAL)
    return x;
  if (x < 0.0)
    return NAN;
  if (x == 0.0)
    return -HUGE_VAL;
  int e;
  double f = split_exponent (x, &e) - 1.0;
  /* log (1 + f) = 2 atanh (s) = f - (f^2/2 - s (f^2/2 + sum 2 s^2k / (2k + 1))) */
  double s = f / (2.0 + f), z = s * s, sum = 0.0;
  for (int k = 12; k >= 1; k--)
    sum = (sum + 2.0 / (2 * k + 1)) * z;
  double half_square = 0.5 * f * f;
  double k = (double) e;
  return k * ln2_hi - ((half_square - (s * (half_square + sum) + k * ln2_lo)) - f);
}

static Dd
two_sum (double a, double b)
{
  double sum = a + b, t = sum - a;
  return (Dd){ sum, (a - (sum - t)) + (b - t) };
}

static Dd
two_product (double a, double b)
{
  const double splitter = 0x1p27 + 1;
  double ta = splitter * a, a_hi = ta - (ta - a), a_lo = a - a_hi;
  double tb = splitter * b, b_hi = tb - (tb - b), b_lo = b - b_hi;
  double product = a * b;
  return (Dd){ product, ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo };
}

static Dd
dd_add (Dd a, Dd b)
{
  Dd s = two_sum (a.hi, b.hi), t = two_sum (a.lo, b.lo);
  s = two_sum (s.hi, s.lo + t.hi);
  return two_sum (s.hi, s.lo + t.lo);
}

static Dd
dd_mul (Dd a, Dd b)
{
  Dd p = two_product (a.hi, b.hi);
  return two_sum (p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static Dd
dd_div (Dd a, Dd b)
{
  double q = a.hi / b.hi;
  Dd qb = dd_mul ((Dd){ q, 0.0 }, b);
  Dd rest = dd_add (a, (Dd){ -qb.hi, -qb.lo });
  return two_sum (q, rest.hi / b.hi);
}

/* x = k pi/2 + (hi + lo), |hi| <= pi/4; returns k mod 4. |x| <= 2^20. */
static int
reduce_quadrant (double x, Dd *out)
{
  double k = nearest_integer (x * inv_pio2);
  Dd a = two_sum (x, -k * pio2_1);
  Dd b = two_sum (a.hi, -k * pio2_2);
  Dd c = two_sum (b.hi, -k * pio2_3);
  *out = two_sum (c.hi, ((a.lo + b.lo) + c.lo) - k * pio2_4);
  return (int) ((int64_t) k & 3);
}

static double
sin_near_zero (Dd x)
{
  double z = x.hi * x.hi, p = 0.0;
  for (int n = 17; n >= 3; n -= 2)
    p = inv_factorial[n] - p * z;
  return x.hi + (x.lo * (1.0 - 0.5 * z) - x.hi * z * p);
}

static double
cos_near_zero (Dd x)
{
  double z = x.hi * x.hi, p = 0.0;
  for (int n = 18; n >= 4; n -= 2)
    p = inv_factorial[n] - p * z;
  double half = 0.5 * z, w = 1.0 - half;
  return w + (((1.0 - w) - half) + (z * z * p - x.hi * x.lo));
}

double
sf_exact_cos (double x)
{
  if (!(fabs (x) <= 0x1p20))
    return NAN;
  Dd r;
  switch (reduce_quadrant (x, &r))
    {
    case 0:
      return cos_near_zero (r);
    case 1:
      return -sin_near_zero (r);
    case 2:
      return -cos_near_zero (r);
    default:
      return sin_near_zero (r);
    }
}

double
sf_exact_sin (double x)
{
  if (!(fabs (x) <= 0x1p20))
    return NAN;
  if (x == 0.0)
    return x;
  Dd r;
  switch (reduce_quadrant (x, &r))
    {
    case 0:
      return sin_near_zero (r);
    case 1:
      return cos_near_zero (r);
    case 2:
      return -sin_near_zero (r);
    default:
      return -cos_near_zero (r);
    }
}

/* log 2 to 106 bits, as hi + lo. */
static const Dd ln2 = { 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56 };

/* log m + e log 2, relative error about 2^-100. */
static Dd
dd_log (double m, int e)
{
  Dd s = dd_div ((Dd){ m - 1.0, 0.0 }, two_sum (m, 1.0));
  Dd z = dd_mul (s, s), sum = { 0.0, 0.0 };
  for (int k = 22; k >= 0; k--)
    sum = dd_add (dd_mul (sum, z), dd_div ((Dd){ 2.0, 0.0 }, (Dd){ 2.0 * k + 1.0, 0.0 }));
  return dd_add (dd_mul (s, sum), dd_mul (ln2, (Dd){ (double) e, 0.0 }));
}

/* exp x, |x.hi| < 746. */
static double
dd_exp (Dd x)
{
  double k = nearest_integer (x.hi * inv_ln2);
  Dd r = dd_add (x, dd_mul (ln2, (Dd){ -k, 0.0 }));
  Dd sum = { 1.0, 0.0 };
  for (int n = 24; n >= 1; n--)
    sum = dd_add ((Dd){ 1.0, 0.0 }, dd_mul (sum, dd_div (r, (Dd){ (double) n, 0.0 })));
  return scale (sum.hi, (int) k);
}

double
sf_exact_pow (double x, double y)
{
  if (y == 0.0 || x == 1.0)
    return 1.0;
  if (x != x || y != y || x < 0.0)
    return NAN;
  if (x == 0.0 || x == HUGE_VAL)
    return (x == 0.0) == (y > 0.0) ? 0.0 : HUGE_VAL;
  if (y == HUGE_VAL || y == -HUGE_VAL)
    return (x > 1.0) == (y > 0.0) ? HUGE_VAL : 0.0;
  int e;
  double m = split_exponent (x, &e);
  Dd log_x = dd_log (m, e);
  /* Far outside the range of double; also keeps the splitting of y from overflowing. */
  if (fabs (y) * fabs (log_x.hi) > 746.0)
    return (log_x.hi > 0.0) == (y > 0.0) ? HUGE_VAL : 0.0;
  return dd_exp (dd_mul (log_x, (Dd){ y, 0.0 }));
}
