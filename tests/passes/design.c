/* SPDX-License-Identifier: Apache-2.0 */
/* Models of apps/ compiled for training, for tests that look at places and routes. */
#include "tests/passes/design.h"

#include <string.h>

#include <sf/json.h>

SfProgram *
test_design (const char *app, const SfArch *arch, const char *level, int64_t batch,
             const SfCompileOptions *options, GError **error)
{
  g_autofree char *relative = g_strdup_printf ("apps/%s/model.cfg", app);
  g_autofree char *path = sf_test_source_path (relative);
  SfImportOptions import = { .batch_size = batch, .seed = 1 };
  SfCompileOptions wanted = { .seed = 1 };
  if (options != NULL)
    wanted = *options;
  wanted.level = level;
  SfProgram *program = NULL;
  g_autoptr (SfModule) module = sf_import (path, &import, error);
  if (module != NULL)
    sf_compile_program (module, &wanted, arch, NULL, NULL, &program, error);
  return program;
}

/* The text with the number after "key": replaced. */
static char *
replace_figure (const char *text, const char *key, int64_t value)
{
  g_autofree char *pattern = g_strdup_printf ("\"%s\":", key);
  const char *at = strstr (text, pattern);
  SF_CHECK_MSG (at != NULL, "%s is no figure", key);
  if (at == NULL)
    return g_strdup (text);
  at += strlen (pattern);
  return g_strdup_printf ("%.*s%" G_GINT64_FORMAT "%s", (int) (at - text), text, value,
                          at + strspn (at, "0123456789"));
}

SfArch *
test_arch_with (const SfArch *arch, const char *key, int64_t value)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = sf_arch_to_json (arch);
  g_autofree char *changed = replace_figure (text, key, value);
  SfArch *result = sf_arch_from_json (changed, strlen (changed), &error);
  SF_CHECK_NO_ERROR (error);
  return result;
}

SfArch *
test_arch_of_size (int64_t columns, int64_t rows)
{
  g_autoptr (SfArch) base = sf_arch_load ("sn10", NULL);
  g_autofree char *text = sf_arch_to_json (base);
  const struct
  {
    const char *key;
    int64_t value;
  } figures[] = { { "columns", columns },
                  { "rows", rows },
                  { "pcus_per_tile", (columns * rows + 1) / 2 },
                  { "pmus_per_tile", columns * rows / 2 },
                  { "agcus_per_tile", 2 * rows } };
  for (size_t i = 0; i < G_N_ELEMENTS (figures); i++)
    {
      char *changed = replace_figure (text, figures[i].key, figures[i].value);
      g_free (text);
      text = changed;
    }
  g_autoptr (GError) error = NULL;
  SfArch *arch = sf_arch_from_json (text, strlen (text), &error);
  SF_CHECK_NO_ERROR (error);
  return arch;
}

static int64_t
net_length (const SfProgram *program, uint32_t config, const SfRoute *net)
{
  SfPlace at = sf_config_place (program, config, net->source);
  int32_t x0 = at.x, x1 = at.x, y0 = at.y, y1 = at.y;
  int64_t bytes = 0;
  for (size_t i = 0; i <= net->n_sinks; i++)
    {
      at = sf_config_place (program, config, i == 0 ? net->source : net->sinks[i - 1]);
      x0 = MIN (x0, at.x);
      x1 = MAX (x1, at.x);
      y0 = MIN (y0, at.y);
      y1 = MAX (y1, at.y);
      if (at.kind != SF_UNIT_PMU || bytes > 0)
        continue;
      SfBuffer b = sf_config_buffer (program, config, at.owner);
      bytes = b.tokens * b.token_elems * (int64_t) sf_dtype_bytes (b.dtype) / b.n_pmus + 1;
    }
  return bytes * (x1 - x0 + y1 - y0);
}

int64_t
test_wire_length (const SfProgram *program)
{
  int64_t sum = 0;
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    {
      g_autoptr (GArray) nets = sf_config_nets (program, c);
      for (guint i = 0; i < nets->len; i++)
        sum += net_length (program, c, &g_array_index (nets, SfRoute, i));
    }
  return sum;
}
