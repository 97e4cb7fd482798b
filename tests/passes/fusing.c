/* SPDX-License-Identifier: Apache-2.0 */
/* The pass fuse with rules given as text. */
#include "tests/passes/fusing.h"

#include <string.h>

static void
keep_line (void *user_data, const char *pass, const char *line)
{
  if (strcmp (pass, "fuse") == 0)
    g_string_append_printf (user_data, "%s\n", line);
}

TestResult
test_fuse (SfModule *module, const char *rules, GString *told)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (folder, "r.cfg", rules, -1);
  g_autofree char *passes = g_strdup_printf ("autodiff|legalise|fuse rules = \"%s\";", path);
  SfCompileOptions options
      = { .inference = true, .explain = told != NULL ? keep_line : NULL, .user_data = told };
  return test_run (module, passes, "tiny", &options);
}

SfModule *
test_chain (const char *ops)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  g_auto (GStrv) list = g_strsplit (ops, " ", -1);
  for (char **op = list; *op != NULL; op++)
    {
      sf_graph_set_scope (g, *op);
      x = sf_graph_op1 (g, *op, x, NULL);
    }
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, x, NULL);
  return test_module (g);
}
