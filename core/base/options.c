/* SPDX-License-Identifier: Apache-2.0 */
/* SfOptionValues: typed values of an option table. */
#include <sf/options.h>

#include <math.h>
#include <string.h>

#include "core/base/option_values.h"

int
sf_option_find (const SfOption *table, const char *name)
{
  for (int i = 0; table[i].name != NULL; i++)
    if (strcmp (table[i].name, name) == 0)
      return i;
  return -1;
}

const char *
sf_option_placeholder (const SfOption *option)
{
  static const char *const by_type[] = {
    [SF_OPTION_BOOL] = "BOOL",   [SF_OPTION_INT] = "N",        [SF_OPTION_FLOAT] = "X",
    [SF_OPTION_STRING] = "TEXT", [SF_OPTION_CHOICE] = NULL,    [SF_OPTION_LIST] = "TEXT",
    [SF_OPTION_BYTES] = "SIZE",  [SF_OPTION_SECONDS] = "TIME",
  };
  if (option->arg != NULL)
    return option->arg;
  return option->type == SF_OPTION_CHOICE ? option->choices : by_type[option->type];
}

static bool
has_range (const SfOption *option)
{
  return option->min < option->max;
}

static bool
fail_value (const SfOption *option, const char *text, const char *shown, SfErrorCode code,
            GError **error)
{
  g_autofree char *wanted = NULL;
  const char *kind = option->type == SF_OPTION_INT ? "an integer" : "a number";
  switch (option->type)
    {
    case SF_OPTION_BOOL:
      wanted = g_strdup ("true or false");
      break;
    case SF_OPTION_INT:
    case SF_OPTION_FLOAT:
      wanted = has_range (option)
                   ? g_strdup_printf ("%s from %.15g to %.15g", kind, option->min, option->max)
                   : g_strdup (kind);
      break;
    case SF_OPTION_CHOICE:
      {
        g_auto (GStrv) words = g_strsplit (option->choices, "|", -1);
        g_autofree char *listed = g_strjoinv (", ", words);
        const char *nearest = sf_nearest_word (text, (const char *const *) words,
                                               g_strv_length (words));
        wanted = nearest != NULL ? g_strdup_printf ("one of %s; did you mean %s?", listed, nearest)
                                 : g_strdup_printf ("one of %s", listed);
        break;
      }
    case SF_OPTION_BYTES:
      wanted = g_strdup ("a size such as 100, 64K, 512M, 2G or 1T");
      break;
    case SF_OPTION_SECONDS:
      wanted = g_strdup ("a time such as 90, 45s, 10m or 1h30m");
      break;
    default:
      wanted = g_strdup ("text");
    }
  return sf_fail (error, code, "%s: found \"%s\", wanted %s", shown, text, wanted);
}

static bool
is_choice (const char *choices, const char *text)
{
  g_auto (GStrv) words = g_strsplit (choices, "|", -1);
  return g_strv_contains ((const char *const *) words, text);
}

static bool
read_integer (const SfOption *option, const char *text, int64_t *out)
{
  gint64 value;
  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &value, NULL))
    return false;
  if (has_range (option) && ((double) value < option->min || (double) value > option->max))
    return false;
  *out = value;
  return true;
}

static bool
read_number (const SfOption *option, const char *text, double *out)
{
  char *end;
  double value = g_ascii_strtod (text, &end);
  /* strtod skips blanks and takes "inf" and hexadecimal; a figure begins with a digit, a sign or a
   * dot. */
  bool good = end != text && *end == '\0' && isfinite (value) && strpbrk (text, "xX \t\n") == NULL;
  if (!good || (has_range (option) && (value < option->min || value > option->max)))
    return false;
  *out = value;
  return true;
}

static bool
read_units (const SfOption *option, const char *text, int64_t *out)
{
  uint64_t value;
  bool good = option->type == SF_OPTION_BYTES ? sf_parse_bytes (text, &value, NULL)
                                              : sf_parse_seconds (text, &value, NULL);
  if (!good || value > INT64_MAX)
    return false;
  *out = (int64_t) value;
  return true;
}

static void
list_clear (SfOptionValue *value)
{
  g_ptr_array_set_size (value->list, 0);
  g_ptr_array_add (value->list, NULL);
}

static void
list_append (SfOptionValue *value, const char *text)
{
  value->list->pdata[value->list->len - 1] = g_strdup (text);
  g_ptr_array_add (value->list, NULL);
}

/* Reads `text` as the row's type into *value; false when it is none. */
static bool
read_value (const SfOption *option, const char *text, SfOptionValue *value)
{
  switch (option->type)
    {
    case SF_OPTION_BOOL:
      value->integer = strcmp (text, "true") == 0;
      return value->integer || strcmp (text, "false") == 0;
    case SF_OPTION_INT:
      return read_integer (option, text, &value->integer);
    case SF_OPTION_FLOAT:
      return read_number (option, text, &value->number);
    case SF_OPTION_CHOICE:
      return is_choice (option->choices, text);
    case SF_OPTION_BYTES:
    case SF_OPTION_SECONDS:
      return read_units (option, text, &value->integer);
    case SF_OPTION_LIST:
      list_append (value, text);
      return true;
    default:
      return true;
    }
}

bool
sf_option_set_row (SfOptionValues *values, int row, const char *text, const char *shown,
                   SfErrorCode code, GError **error)
{
  const SfOption *option = &values->table[row];
  SfOptionValue *value = &values->values[row];
  /* The first element that is given replaces the default, later ones join it. */
  if (option->type == SF_OPTION_LIST && !value->is_set)
    list_clear (value);
  if (!read_value (option, text, value))
    return fail_value (option, text, shown, code, error);
  char *copy = g_strdup (text);
  g_free (value->text);
  value->text = copy;
  value->is_set = true;
  return true;
}

SfOptionValues *
sf_option_values_new (const SfOption *table)
{
  SfOptionValues *values = g_new0 (SfOptionValues, 1);
  values->table = table;
  while (table[values->n].name != NULL)
    values->n++;
  values->values = g_new0 (SfOptionValue, MAX (values->n, 1));
  for (size_t i = 0; i < values->n; i++)
    {
      SfOptionValue *value = &values->values[i];
      value->list = g_ptr_array_new_with_free_func (g_free);
      list_clear (value);
      if (table[i].def == NULL)
        continue;
      bool good = read_value (&table[i], table[i].def, value);
      g_assert (good); /* a default that its own row refuses is a defect of the table */
      value->text = g_strdup (table[i].def);
    }
  return values;
}

SfOptionValues *
sf_option_values_copy (const SfOptionValues *values)
{
  SfOptionValues *copy = sf_option_values_new (values->table);
  for (size_t i = 0; i < values->n; i++)
    {
      const SfOptionValue *from = &values->values[i];
      SfOptionValue *to = &copy->values[i];
      GPtrArray *list = to->list;
      g_free (to->text);
      *to = *from;
      to->list = list;
      to->text = g_strdup (from->text);
      list_clear (to);
      for (guint k = 0; k + 1 < from->list->len; k++)
        list_append (to, from->list->pdata[k]);
    }
  return copy;
}

void
sf_option_values_free (SfOptionValues *values)
{
  if (values == NULL)
    return;
  for (size_t i = 0; i < values->n; i++)
    {
      g_free (values->values[i].text);
      g_ptr_array_free (values->values[i].list, TRUE);
    }
  g_free (values->values);
  g_free (values);
}

/* The value of a row that the caller knows to exist with one of the types in the bit set `types`.
 */
static const SfOptionValue *
value_of (const SfOptionValues *values, const char *name, unsigned types)
{
  int row = sf_option_find (values->table, name);
  g_assert (row >= 0 && (types >> values->table[row].type & 1) != 0);
  return &values->values[row];
}

bool
sf_option_is_set (const SfOptionValues *values, const char *name)
{
  return value_of (values, name, ~0u)->is_set;
}

bool
sf_option_bool (const SfOptionValues *values, const char *name)
{
  return value_of (values, name, 1u << SF_OPTION_BOOL)->integer != 0;
}

int64_t
sf_option_int (const SfOptionValues *values, const char *name)
{
  return value_of (values, name,
                   1u << SF_OPTION_INT | 1u << SF_OPTION_BYTES | 1u << SF_OPTION_SECONDS)
      ->integer;
}

double
sf_option_float (const SfOptionValues *values, const char *name)
{
  return value_of (values, name, 1u << SF_OPTION_FLOAT)->number;
}

const char *
sf_option_string (const SfOptionValues *values, const char *name)
{
  return value_of (values, name, 1u << SF_OPTION_STRING | 1u << SF_OPTION_CHOICE)->text;
}

const char *const *
sf_option_list (const SfOptionValues *values, const char *name)
{
  return (const char *const *) value_of (values, name, 1u << SF_OPTION_LIST)->list->pdata;
}
