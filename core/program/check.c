/* SPDX-License-Identifier: Apache-2.0 */
/* How checkers name what they found. */
#include "core/program/check.h"

static const char *
name_of (const SfCheck *check, const char *kind, uint32_t index)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  const char *name = NULL;
  if (g_str_equal (kind, "stage") && index < config->stages->len)
    name = g_array_index (config->stages, SfStage, index).name;
  else if (g_str_equal (kind, "buffer") && index < config->buffers->len)
    name = g_array_index (config->buffers, SfBuffer, index).name;
  return name;
}

bool
sf_check_fail (const SfCheck *check, const char *kind, uint32_t index, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  if (index == SF_NONE)
    return sf_fail (check->error, SF_ERROR_CHECK_FAILED, "program: config %u: %s", check->config,
                    text);
  const char *name = name_of (check, kind, index);
  return sf_fail (check->error, SF_ERROR_CHECK_FAILED, "program: config %u, %s %u%s%s%s: %s",
                  check->config, kind, index, name != NULL ? " (" : "", name != NULL ? name : "",
                  name != NULL ? ")" : "", text);
}

char *
sf_shape_words (const SfShape *shape)
{
  GString *text = g_string_new ("[");
  for (int d = 0; d < shape->rank && d < SF_MAX_RANK; d++)
    g_string_append_printf (text, "%s%" PRId64, d > 0 ? "," : "", shape->dim[d]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

bool
sf_shape_is_sound (const SfShape *shape)
{
  if (shape->rank < 0 || shape->rank > SF_MAX_RANK)
    return false;
  int64_t n = 1;
  for (int d = 0; d < shape->rank; d++)
    {
      if (shape->dim[d] < 0 || shape->dim[d] > SF_CAP_ELEMS)
        return false;
      __int128 product = (__int128) n * shape->dim[d];
      if (product > SF_CAP_ELEMS)
        return false;
      n = (int64_t) product;
    }
  return true;
}
