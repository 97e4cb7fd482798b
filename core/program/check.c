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

bool
sf_shape_is_sound (const SfShape *shape)
{
  return sf_shape_check (shape, "shape", NULL);
}
