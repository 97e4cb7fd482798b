/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a tensor is the one that was wanted: element by element, in f64 or by its bits. */
#include "core/run/agreement.h"

#include <math.h>

/* What was found so far. */
typedef struct
{
  int64_t n_off;     /* elements beyond the tolerance */
  int64_t worst_at;  /* the one with the largest excess */
  double excess;     /* of it: error / allowed */
  double difference; /* largest of the finite ones */
} Tally;

static bool
same_form (const char *name, const SfTensor *found, const SfTensor *wanted, GError **error)
{
  if (found->dtype == wanted->dtype && sf_shape_equal (&found->shape, &wanted->shape))
    return true;
  g_autofree char *here = sf_shape_text (&found->shape), *there = sf_shape_text (&wanted->shape);
  return sf_fail (error, SF_ERROR_CHECK_FAILED, "output %s: found %s %s, wanted %s %s", name,
                  sf_dtype_name (found->dtype), here, sf_dtype_name (wanted->dtype), there);
}

/* "[1,0,3]": where element `at` is. */
static char *
index_text (const SfShape *shape, int64_t at)
{
  SfShape index = *shape;
  for (int d = shape->rank - 1; d >= 0; d--)
    {
      index.dim[d] = at % shape->dim[d];
      at /= shape->dim[d];
    }
  return sf_shape_text (&index);
}

static char *
element_text (const SfTensor *tensor, int64_t at)
{
  const char *element = (const char *) tensor->data + (size_t) at * sf_dtype_bytes (tensor->dtype);
  if (tensor->dtype == SF_U64)
    {
      uint64_t value;
      memcpy (&value, element, sizeof value);
      return g_strdup_printf ("%" G_GUINT64_FORMAT, value);
    }
  if (!sf_dtype_is_float (tensor->dtype))
    {
      int64_t value;
      sf_dtype_convert (tensor->dtype, element, SF_I64, &value, 1);
      return g_strdup_printf ("%" G_GINT64_FORMAT, value);
    }
  double value;
  sf_dtype_convert (tensor->dtype, element, SF_F64, &value, 1);
  return g_strdup_printf ("%.9g", value);
}

static bool
report (const char *name, const SfTensor *found, const SfTensor *wanted, const Tally *tally,
        GError **error)
{
  g_autofree char *index = index_text (&wanted->shape, tally->worst_at),
                  *here = element_text (found, tally->worst_at),
                  *there = element_text (wanted, tally->worst_at);
  return sf_fail (error, SF_ERROR_CHECK_FAILED,
                  "output %s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                  " elements differ, the worst at %s: found %s, wanted %s",
                  name, tally->n_off, sf_shape_n_elems (&wanted->shape), index, here, there);
}

static void
compare_bits (const SfTensor *found, const SfTensor *wanted, Tally *tally)
{
  size_t size = sf_dtype_bytes (wanted->dtype);
  const char *a = found->data, *b = wanted->data;
  for (int64_t i = 0, n = sf_shape_n_elems (&wanted->shape); i < n; i++)
    if (memcmp (a + (size_t) i * size, b + (size_t) i * size, size) != 0 && tally->n_off++ == 0)
      tally->worst_at = i;
}

static double
value_at (const SfTensor *tensor, int64_t i)
{
  double value;
  sf_dtype_convert (tensor->dtype,
                    (const char *) tensor->data + (size_t) i * sf_dtype_bytes (tensor->dtype),
                    SF_F64, &value, 1);
  return value;
}

/* Largest less smallest finite element; of a constant its magnitude, of zeros 1. */
static double
range_of (const SfTensor *tensor)
{
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0, n = sf_shape_n_elems (&tensor->shape); i < n; i++)
    {
      double value = value_at (tensor, i);
      if (!isfinite (value))
        continue;
      low = MIN (low, value);
      high = MAX (high, value);
    }
  if (low < high)
    return high - low;
  return high > 0 ? high : low < 0 && isfinite (low) ? -low : 1;
}

static void
compare_floats (const SfTensor *found, const SfTensor *wanted, const SfTolerance *tolerance,
                double range, Tally *tally)
{
  for (int64_t i = 0, n = sf_shape_n_elems (&wanted->shape); i < n; i++)
    {
      double a = value_at (found, i), b = value_at (wanted, i), excess;
      if (isfinite (a) && isfinite (b))
        {
          double off = fabs (a - b), allowed = tolerance->of_range > 0
                                                   ? tolerance->of_range * range
                                                   : tolerance->atol + tolerance->rtol * fabs (b);
          tally->difference = MAX (tally->difference, off);
          excess = off <= allowed ? 0 : off / allowed;
        }
      else
        excess = a == b || (isnan (a) && isnan (b)) ? 0 : INFINITY;
      tally->n_off += excess > 0;
      if (excess > tally->excess)
        {
          tally->excess = excess;
          tally->worst_at = i;
        }
    }
}

bool
sf_tensors_agree (const char *name, const SfTensor *found, const SfTensor *wanted,
                  const SfTolerance *tolerance, double *worst, GError **error)
{
  Tally tally = { 0 };
  if (!same_form (name, found, wanted, error))
    return false;
  if (sf_dtype_is_float (wanted->dtype))
    {
      double range = range_of (wanted);
      compare_floats (found, wanted, tolerance, range, &tally);
      if (worst != NULL && !(*worst >= tally.difference / range))
        *worst = tally.difference / range;
    }
  else
    compare_bits (found, wanted, &tally);
  return tally.n_off == 0 || report (name, found, wanted, &tally, error);
}
