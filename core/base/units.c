/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and time written with units: "2G", "1h30m". */
#include <sf/config.h>

#include <string.h>

/* Digits at *p as a number; false when there are none or they overflow. */
static bool
read_number (const char **p, uint64_t *out)
{
  uint64_t value = 0;
  const char *start = *p;
  for (; g_ascii_isdigit (**p); (*p)++)
    if (__builtin_mul_overflow (value, 10, &value)
        || __builtin_add_overflow (value, (uint64_t) (**p - '0'), &value))
      return false;
  *out = value;
  return *p > start;
}

bool
sf_parse_bytes (const char *text, uint64_t *out, GError **error)
{
  static const char units[] = "KMGT";
  const char *p = text;
  uint64_t value;
  bool good = read_number (&p, &value);
  if (good && *p != '\0')
    {
      const char *unit = strchr (units, *p);
      good = unit != NULL && p[1] == '\0'
             && !__builtin_mul_overflow (value, (uint64_t) 1 << (10 * (unit - units + 1)), &value);
    }
  if (!good)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "\"%s\": wanted a size such as 100, 64K, 512M, 2G or 1T", text);
  *out = value;
  return true;
}

bool
sf_parse_seconds (const char *text, uint64_t *out, GError **error)
{
  static const struct
  {
    char unit;
    uint64_t seconds;
  } units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

  uint64_t total = 0, value;
  size_t next_unit = 0; /* units come in falling order, each once */
  const char *p = text;
  bool good = *p != '\0';
  while (good && *p != '\0')
    {
      const char *start = p;
      good = read_number (&p, &value);
      if (good && *p == '\0' && start == text)
        {
          total = value; /* a bare number counts seconds */
          break;
        }
      while (next_unit < G_N_ELEMENTS (units) && units[next_unit].unit != *p)
        next_unit++;
      good = good && next_unit < G_N_ELEMENTS (units)
             && !__builtin_mul_overflow (value, units[next_unit].seconds, &value)
             && !__builtin_add_overflow (total, value, &total);
      next_unit++;
      if (good)
        p++;
    }
  if (!good)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "\"%s\": wanted a time such as 90, 45s, 10m or 1h30m", text);
  *out = total;
  return true;
}

char *
sf_float_text (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  for (int digits = 1; digits < 17; digits++)
    {
      char format[8];
      g_snprintf (format, sizeof format, "%%.%dg", digits);
      if (g_ascii_strtod (g_ascii_formatd (text, sizeof text, format, value), NULL) == value)
        return g_strdup (text);
    }
  return g_strdup (g_ascii_dtostr (text, sizeof text, value));
}
