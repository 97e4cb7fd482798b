/* SPDX-License-Identifier: Apache-2.0 */
/* File names as identity. */
#include "core/plugin/kind.h"

#include "tests/support/sftest.h"

typedef struct
{
  const char *base_name;
  bool ok;
  SfPluginKind kind;
  const char *name;
} FileCase;

static const FileCase file_cases[] = {
  { "sf-pass-fold.so", true, SF_PLUGIN_PASS, "fold" },
  { "sf-backend-a-b.so", true, SF_PLUGIN_BACKEND, "a-b" },
  { "sf-executor-x.so", true, SF_PLUGIN_EXECUTOR, "x" },
  { "sf-pass-Fold.so", true, SF_PLUGIN_PASS, "Fold" }, /* listed, then refused by name */
  { "sf-pass-.so", false, 0, NULL },
  { "sf-pass.so", false, 0, NULL },
  { "sf-passes-fold.so", false, 0, NULL },
  { "sf-unheard-fold.so", false, 0, NULL },
  { "sf-pass-fold.so.1", false, 0, NULL },
  { "libsf-pass-fold.so", false, 0, NULL },
  { "sf-.so", false, 0, NULL },
};

SF_TEST_CASES (PluginKind, FileName, file_cases, G_N_ELEMENTS (file_cases), sf_test_row_name)
{
  const FileCase *c = data;
  SfPluginKind kind = 0;
  g_autofree char *name = NULL;
  SF_REQUIRE (sf_plugin_parse_file_name (c->base_name, &kind, &name) == c->ok);
  if (!c->ok)
    return;
  SF_CHECK_INT (kind, c->kind);
  SF_CHECK_STR (name, c->name);
  g_autofree char *again = sf_plugin_file_name (kind, name);
  SF_CHECK_STR (again, c->base_name);
}

SF_TEST (PluginKind, Names)
{
  g_autofree char *longest = g_strnfill (64, 'a');
  g_autofree char *longer = g_strnfill (65, 'a');
  SF_CHECK (sf_plugin_name_is_valid ("fold_2-x"));
  SF_CHECK (sf_plugin_name_is_valid (longest));
  SF_CHECK (!sf_plugin_name_is_valid (longer));
  SF_CHECK (!sf_plugin_name_is_valid (""));
  SF_CHECK (!sf_plugin_name_is_valid ("2x"));
  SF_CHECK (!sf_plugin_name_is_valid ("a/b"));
  SF_CHECK (!sf_plugin_name_is_valid ("A"));
}
