/* SPDX-License-Identifier: Apache-2.0 */
/* sfd.cfg: what it may say, and what is said of what it may not. */
#include "queue/settings.h"

#include <sf/plugins.h>

#include "tests/support/sftest.h"

static SfSettings *
read_text (const char *text, GError **error)
{
  g_autofree char *folder = sf_test_tmpdir ();
  if (text != NULL)
    g_free (sf_test_write_file (folder, "sfd.cfg", text, -1));
  return sf_settings_read (folder, error);
}

SF_TEST (Settings, OfTheMachine)
{
  g_autoptr (SfSettings) settings = read_text (NULL, NULL);
  SF_REQUIRE (settings != NULL);
  SF_CHECK (settings->capacity.cores >= 1 && settings->capacity.memory_bytes > 0);
  SF_CHECK_INT (settings->capacity.rdu_tiles, 4);
  SF_CHECK_STR (settings->executor, "local");
  SF_CHECK_INT (settings->elsewhere, 1000);
}

SF_TEST (Settings, OfTheFile)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSettings) settings = read_text (
      "cores = 3; memory = \"1G\"; tiles = 0; executor = \"slurm\"; elsewhere = 7;"
      "executors: { slurm: { partition = \"main\"; options = [ \"--nice\" ]; }; };",
      &error);
  SF_REQUIRE (settings != NULL);
  SF_CHECK_INT (settings->capacity.cores, 3);
  SF_CHECK_INT (settings->capacity.memory_bytes, 1 << 30);
  SF_CHECK_INT (settings->capacity.rdu_tiles, 0);
  SF_CHECK_STR (settings->executor, "slurm");
  SF_CHECK_INT (settings->elsewhere, 7);
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_EXECUTOR, "slurm", &error);
  g_autoptr (SfOptionValues) values = sf_settings_executor (settings, "slurm", plugin->options,
                                                            &error);
  SF_CHECK_STR (sf_option_string (values, "partition"), "main");
  SF_CHECK_STR (sf_option_list (values, "options")[0], "--nice");
  SF_CHECK_INT (sf_option_int (values, "timeout"), 15);
  g_autoptr (SfOptionValues) none = sf_settings_executor (settings, "local", NULL, &error);
  SF_CHECK (none != NULL);
}

static const struct
{
  const char *name, *text;
  int code;
  const char *message;
} refused[] = {
  { "unknown key", "coers = 3;", SF_ERROR_INVALID_DATA, "did you mean \"cores\"?" },
  { "no such executor", "executors: { slrum: { }; };", SF_ERROR_NOT_FOUND,
    "executor slrum: not found" },
  { "no group", "executors = \"slurm\";", SF_ERROR_INVALID_DATA,
    "sfd.cfg:1: executors: found a value, wanted a group" },
  { "no group of options", "executors: { slurm = 3; };", SF_ERROR_INVALID_DATA,
    "slurm: found a value, wanted a group { } of options" },
  { "unknown option", "executors: { slurm: { partitoin = \"main\"; }; };", SF_ERROR_INVALID_DATA,
    "partition" },
  { "options of one that has none", "executors: { local: { x = 1; }; };", SF_ERROR_INVALID_DATA,
    "x" },
};

SF_TEST_CASES (Settings, Refuses, refused, G_N_ELEMENTS (refused), sf_test_row_name)
{
  const __typeof__ (refused[0]) *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSettings) settings = read_text (row->text, &error);
  SF_CHECK (settings == NULL);
  SF_CHECK_ERROR (error, row->code, row->message);
}
