/* SPDX-License-Identifier: Apache-2.0 */
/* SfInputCheck: bounds of integer inputs, by entry and name. */
#include "core/run/feedcheck.h"

#include <math.h>
#include <stdio.h>

#define CHUNK 256

struct SfInputBounds
{
  int64_t low, high; /* high excluded */
  bool has_ignored;
  int64_t ignored;
};

struct SfInputCheck
{
  GHashTable *bounds; /* "<entry>.<input>" -> SfInputBounds */
};

SfInputCheck *
sf_input_check_new (const SfPef *pef, GError **error)
{
  SfInputCheck *check = g_new0 (SfInputCheck, 1);
  check->bounds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *const *keys = sf_pef_fact_keys (pef);
  for (size_t i = 0; keys[i] != NULL; i++)
    {
      if (!g_str_has_prefix (keys[i], "bounds."))
        continue;
      SfInputBounds bounds = { 0 };
      int n = sscanf (sf_pef_fact (pef, keys[i]),
                      "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &bounds.low,
                      &bounds.high, &bounds.ignored);
      if (n < 2)
        {
          sf_fail (error, SF_ERROR_INVALID_DATA,
                   "%s: fact %s is \"%s\", wanted two or three integers; compile the model again",
                   sf_pef_name (pef), keys[i], sf_pef_fact (pef, keys[i]));
          sf_input_check_free (check);
          return NULL;
        }
      bounds.has_ignored = n == 3;
      g_hash_table_replace (check->bounds, g_strdup (keys[i] + strlen ("bounds.")),
                            g_memdup2 (&bounds, sizeof bounds));
    }
  return check;
}

void
sf_input_check_free (SfInputCheck *check)
{
  g_hash_table_unref (check->bounds);
  g_free (check);
}

/* Range of an integer dtype, for narrowing; the widest ones are clipped to int64. */
static void
dtype_range (SfDtype dtype, int64_t *low, int64_t *high)
{
  int bits = (int) sf_dtype_bytes (dtype) * 8;
  if (dtype == SF_BOOL)
    *low = 0, *high = 1;
  else if (sf_dtype_is_signed (dtype))
    *high = bits == 64 ? INT64_MAX : ((int64_t) 1 << (bits - 1)) - 1, *low = -*high - 1;
  else
    *low = 0, *high = bits == 64 ? INT64_MAX : ((int64_t) 1 << bits) - 1;
}

static bool
is_allowed (double value, double low, double high, const SfInputBounds *bounds)
{
  if (!(value >= low && value <= high) || value != floor (value))
    return false;
  return bounds == NULL || (value >= (double) bounds->low && value < (double) bounds->high)
         || (bounds->has_ignored && value == (double) bounds->ignored);
}

/* Elements first .. first + n; past 2^53 they are the nearest double, which no bound tells apart.
 */
static bool
check_chunk (const SfPort *port, const double *values, int64_t first, int64_t n,
             const SfInputBounds *bounds, GError **error)
{
  int64_t low, high;
  dtype_range (port->dtype, &low, &high);
  for (int64_t i = 0; i < n; i++)
    {
      if (is_allowed (values[i], (double) low, (double) high, bounds))
        continue;
      if (bounds == NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "input %s: element %" G_GINT64_FORMAT " is %.17g and does not fit %s",
                        port->name, first + i, values[i], sf_dtype_name (port->dtype));
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "input %s: element %" G_GINT64_FORMAT " is %.17g, wanted %" G_GINT64_FORMAT
                      " to %" G_GINT64_FORMAT
                      "; the data has more classes or tokens than the model",
                      port->name, first + i, values[i], bounds->low, bounds->high - 1);
    }
  return true;
}

/* Whether labels and indices in the dtypes that they mostly come in are all within bounds; false is
 * for check_chunk to find out. */
static bool
all_within (const SfInputBounds *bounds, SfDtype dtype, const void *data, int64_t n)
{
  int64_t low = bounds->low, high = bounds->high,
          ignored = bounds->has_ignored ? bounds->ignored : bounds->low;
  bool ok = low < high && (dtype == SF_I32 || dtype == SF_I64);
  if (dtype == SF_I32)
    for (int64_t i = 0; i < n; i++)
      {
        int64_t value = ((const int32_t *) data)[i];
        ok &= (value >= low && value < high) || value == ignored;
      }
  else if (dtype == SF_I64)
    for (int64_t i = 0; i < n; i++)
      {
        int64_t value = ((const int64_t *) data)[i];
        ok &= (value >= low && value < high) || value == ignored;
      }
  return ok;
}

/* Without memory of its own where the tensor is dense, as in a training step. */
static bool
check_values (const SfPort *port, const SfTensor *tensor, const SfInputBounds *bounds,
              GError **error)
{
  SfTensor dense = { 0 };
  double chunk[CHUNK];
  bool copied = !sf_tensor_is_dense (tensor), ok = true;
  if (copied
      && (!sf_tensor_alloc (tensor->dtype, &tensor->shape, &dense, error)
          || !sf_tensor_copy (tensor, &dense, error)))
    {
      sf_tensor_clear (&dense);
      return false;
    }
  const char *data = copied ? dense.data : tensor->data;
  int64_t total = sf_shape_n_elems (&tensor->shape);
  for (int64_t first = 0; ok && first < total; first += CHUNK)
    {
      int64_t n = MIN (total - first, CHUNK);
      sf_dtype_convert (tensor->dtype, data + (size_t) first * sf_dtype_bytes (tensor->dtype),
                        SF_F64, chunk, (size_t) n);
      ok = check_chunk (port, chunk, first, n, bounds, error);
    }
  sf_tensor_clear (&dense);
  return ok;
}

const SfInputBounds *
sf_input_check_bounds (const SfInputCheck *check, const char *entry, const char *input)
{
  g_autofree char *key = g_strconcat (entry, ".", input, NULL);
  return g_hash_table_lookup (check->bounds, key);
}

bool
sf_input_check_tensor (const SfInputBounds *bounds, const SfPort *port, const SfTensor *tensor,
                       GError **error)
{
  if (!sf_shape_equal (&tensor->shape, &port->shape))
    {
      g_autofree char *found = sf_shape_text (&tensor->shape),
                      *wanted = sf_shape_text (&port->shape);
      return sf_fail (
          error, SF_ERROR_INVALID_ARGUMENT,
          "input %s: found shape %s, wanted %s; a PEF is bound to its batch size, compile with another --batch-size",
          port->name, found, wanted);
    }
  if (sf_dtype_is_float (port->dtype))
    return true;
  if (bounds == NULL && tensor->dtype == port->dtype)
    return true;
  if (bounds != NULL && tensor->dtype == port->dtype && sf_tensor_is_dense (tensor)
      && all_within (bounds, tensor->dtype, tensor->data, sf_shape_n_elems (&tensor->shape)))
    return true;
  return check_values (port, tensor, bounds, error);
}
