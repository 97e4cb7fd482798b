/* SPDX-License-Identifier: Apache-2.0 */
/* SfInputCheck: bounds of integer inputs, by entry and name. */
#include "core/run/feedcheck.h"

#include <stdio.h>

typedef struct
{
  int64_t low, high; /* high excluded */
  bool has_ignored;
  int64_t ignored;
} Bounds;

struct SfInputCheck
{
  GHashTable *bounds; /* "<entry>.<input>" -> Bounds */
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
      Bounds bounds = { 0 };
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
check_values (const SfPort *port, const SfTensor *tensor, const Bounds *bounds, GError **error)
{
  SfTensor wide = { 0 };
  SfDtype dtype = sf_dtype_is_float (tensor->dtype) ? SF_F64 : SF_I64;
  int64_t low, high;
  if (!sf_tensor_alloc (dtype, &tensor->shape, &wide, error)
      || !sf_tensor_copy (tensor, &wide, error))
    {
      sf_tensor_clear (&wide);
      return false;
    }
  dtype_range (port->dtype, &low, &high);
  bool ok = true;
  for (int64_t i = 0, n = sf_shape_n_elems (&tensor->shape); ok && i < n; i++)
    {
      double value = dtype == SF_F64 ? ((double *) wide.data)[i]
                                     : (double) ((int64_t *) wide.data)[i];
      bool inside = value >= (double) low && value <= (double) high
                    && value == (double) (int64_t) value;
      if (inside && bounds != NULL)
        inside = (value >= (double) bounds->low && value < (double) bounds->high)
                 || (bounds->has_ignored && value == (double) bounds->ignored);
      if (!inside && bounds != NULL)
        ok = sf_fail (error, SF_ERROR_INVALID_DATA,
                      "input %s: element %" G_GINT64_FORMAT " is %.17g, wanted %" G_GINT64_FORMAT
                      " to %" G_GINT64_FORMAT
                      "; the data has more classes or tokens than the model",
                      port->name, i, value, bounds->low, bounds->high - 1);
      else if (!inside)
        ok = sf_fail (error, SF_ERROR_INVALID_DATA,
                      "input %s: element %" G_GINT64_FORMAT " is %.17g and does not fit %s",
                      port->name, i, value, sf_dtype_name (port->dtype));
    }
  sf_tensor_clear (&wide);
  return ok;
}

bool
sf_input_check_tensor (const SfInputCheck *check, const char *entry, const SfPort *port,
                       const SfTensor *tensor, GError **error)
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
  g_autofree char *key = g_strconcat (entry, ".", port->name, NULL);
  const Bounds *bounds = g_hash_table_lookup (check->bounds, key);
  if (bounds == NULL && tensor->dtype == port->dtype)
    return true;
  return check_values (port, tensor, bounds, error);
}
