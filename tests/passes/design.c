/* SPDX-License-Identifier: Apache-2.0 */
/* Models of apps/ compiled for training, for tests that look at places and routes. */
#include "tests/passes/design.h"

#include <string.h>

#include <sf/plugins.h>

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

SfProgram *
test_fabricate (const SfArch *arch, int stages, int pcus, int pmus)
{
  const char *build = g_getenv ("SF_BUILD_DIR");
  g_autofree char *plugins = g_build_filename (build != NULL ? build : ".", "tests/passes/.libs",
                                               NULL);
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *text = g_strdup_printf (
      "passes = ( { pass = \"autodiff\"; }, { pass = \"legalise\"; }, { pass = \"fuse\"; },"
      " { pass = \"section\"; },"
      " { pass = \"fabricate\"; stages = %d; pcus = %d; pmus = %d; },"
      " { pass = \"place\"; }, { pass = \"route\"; } );",
      stages, pcus, pmus);
  g_autofree char *path = sf_test_write_file (folder, "pipeline.cfg", text, -1);
  g_autoptr (GError) error = NULL;
  sf_plugins_set_path (plugins);
  SfProgram *program = test_design ("logreg", arch, path, 0, NULL, &error);
  sf_plugins_set_path (NULL);
  SF_CHECK_NO_ERROR (error);
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
