/* SPDX-License-Identifier: Apache-2.0 */
/* --bind NAME=VALUES: numbers, separated by commas. */
#include "tools/sf/bind.h"

#include <string.h>

static void
clear (gpointer data)
{
  SfKnownInput *known = data;
  sf_tensor_clear (&known->tensor);
  g_free ((char *) known->name);
}

static bool
read_integer (const char *text, int64_t *out)
{
  if (strcmp (text, "true") == 0 || strcmp (text, "false") == 0)
    {
      *out = *text == 't';
      return true;
    }
  return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, out, NULL);
}

static bool
read_float (const char *text, double *out)
{
  char *end;
  *out = g_ascii_strtod (text, &end);
  return end != text && *end == '\0';
}

static bool
read_values (const char *option, char *const *words, size_t n, SfTensor *out, GError **error)
{
  int64_t integer;
  SfDtype dtype = SF_I64;
  SfShape shape = SF_SHAPE ((int64_t) n);
  for (size_t i = 0; i < n; i++)
    if (!read_integer (words[i], &integer))
      dtype = SF_F64;
  if (!sf_tensor_alloc (dtype, &shape, out, error))
    return false;
  for (size_t i = 0; i < n; i++)
    if (!(dtype == SF_I64 ? read_integer (words[i], (int64_t *) out->data + i)
                          : read_float (words[i], (double *) out->data + i)))
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "--bind %s: found \"%s\", wanted numbers separated by commas; give for "
                      "example shape=1,64,-1",
                      option, words[i]);
  return true;
}

GArray *
bind_read (const char *const *options, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, TRUE, sizeof (SfKnownInput));
  g_array_set_clear_func (list, clear);
  for (const char *const *option = options; *option != NULL; option++)
    {
      const char *equals = strchr (*option, '=');
      if (equals == NULL || equals == *option)
        {
          sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                   "--bind %s: found no values, wanted NAME=VALUES; give for example shape=1,64,-1",
                   *option);
          return NULL;
        }
      g_auto (GStrv) words = g_strsplit (equals + 1, ",", -1);
      const SfKnownInput empty = { .name = g_strndup (*option, (gsize) (equals - *option)) };
      g_array_append_val (list, empty);
      SfKnownInput *known = &g_array_index (list, SfKnownInput, list->len - 1);
      if (!read_values (*option, words, g_strv_length (words), &known->tensor, error))
        return NULL;
    }
  return g_steal_pointer (&list);
}
