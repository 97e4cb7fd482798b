/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as people read them. */
#include "core/report/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

char *
text_count (int64_t n)
{
  g_autofree char *digits = g_strdup_printf ("%" PRId64, n);
  GString *text = g_string_new (NULL);
  size_t length = strlen (digits);
  for (size_t i = 0; i < length; i++)
    {
      g_string_append_c (text, digits[i]);
      size_t left = length - 1 - i;
      if (left > 0 && left % 3 == 0 && digits[i] != '-')
        g_string_append_c (text, ',');
    }
  return g_string_free (text, FALSE);
}

char *
text_bytes (int64_t bytes)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
  double value = (double) bytes;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < G_N_ELEMENTS (units); unit++)
    value /= 1024;
  return g_strdup_printf (unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

char *
text_time (double seconds)
{
  static const struct
  {
    double unit;
    const char *name;
  } units[] = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "\302\265s" }, { 1e-9, "ns" } };
  size_t i = 0;
  while (i + 1 < G_N_ELEMENTS (units) && seconds < units[i].unit)
    i++;
  double value = seconds / units[i].unit;
  return g_strdup_printf ("%.*f %s", value >= 100 ? 1 : value >= 10 ? 2 : 3, value, units[i].name);
}

char *
text_percent (double share)
{
  double percent = isfinite (share) ? share * 100 : 0;
  return g_strdup_printf (percent > 0 && percent < 9.95 ? "%.1f %%" : "%.0f %%", percent);
}

char *
text_shape (SfDtype dtype, const SfShape *shape)
{
  g_autofree char *dims = sf_shape_text (shape);
  return g_strdup_printf ("%s %s", sf_dtype_name (dtype), dims);
}

char *
text_short (const char *text, size_t n)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  size_t length = (size_t) g_utf8_strlen (valid, -1);
  if (length <= n)
    return g_steal_pointer (&valid);
  size_t head = n / 2, tail = n - 1 - head;
  g_autofree char *first = g_utf8_substring (valid, 0, (glong) head);
  g_autofree char *last = g_utf8_substring (valid, (glong) (length - tail), (glong) length);
  return g_strconcat (first, "\342\200\246", last, NULL);
}
