/* SPDX-License-Identifier: Apache-2.0 */
/* Running chosen passes on graphs built in memory. */
#include "tests/passes/passes.h"

#include <string.h>

SfModule *
test_module (SfGraph *graph)
{
  SfModule *module = sf_module_new ("test");
  sf_module_set_graph (module, "forward", graph);
  sf_graph_unref (graph);
  return module;
}

SfModule *
test_logreg (void)
{
  static const float w[6] = { 0.5f, -1, 2, 1, 0.25f, -0.5f };
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue t = sf_graph_input (g, "t", SF_I32, SF_SHAPE (4), NULL);
  SfValue in[] = { x, sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (2, 3), w, NULL),
                   sf_graph_state (g, "b", SF_STATE_PARAM, SF_F32, SF_SHAPE (2), NULL, NULL) };
  sf_graph_set_scope (g, "fc");
  SfValue y = sf_graph_op (g, "linear", in, 3, NULL, 0, NULL);
  sf_graph_set_scope (g, "loss");
  SfValue loss = sf_graph_op2 (g, "softmax_ce", y, t, NULL);
  sf_graph_output (g, "logits", SF_OUTPUT_PREDICTION, y, NULL);
  sf_graph_output (g, "loss", SF_OUTPUT_LOSS, loss, NULL);
  return test_module (g);
}

/* One line of the pipeline file for each pass. */
static char *
pipeline_file (const char *passes)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_auto (GStrv) list = g_strsplit (passes, "|", -1);
  g_autoptr (GString) text = g_string_new ("passes = (\n");
  for (char **pass = list; *pass != NULL; pass++)
    {
      g_auto (GStrv) words = g_strsplit (g_strstrip (*pass), " ", 2);
      g_string_append_printf (text, "  { pass = \"%s\"; %s }%s\n", words[0],
                              words[1] != NULL ? words[1] : "", pass[1] != NULL ? "," : "");
    }
  g_string_append (text, ");\n");
  return sf_test_write_file (folder, "pipeline.cfg", text->str, -1);
}

TestResult
test_run (SfModule *module, const char *passes, const char *arch, const SfCompileOptions *options)
{
  TestResult result = { 0 };
  SfCompileOptions wanted = options != NULL ? *options : (SfCompileOptions){ .inference = true };
  g_autofree char *path = pipeline_file (passes);
  wanted.level = path;
  g_autoptr (SfArch) machine = sf_arch_load (arch, &result.error);
  if (machine != NULL)
    sf_compile_program (module, &wanted, machine, &result.source, &result.lowered, &result.program,
                        &result.error);
  return result;
}

void
test_result_clear (TestResult *result)
{
  g_clear_pointer (&result->source, sf_module_unref);
  g_clear_pointer (&result->lowered, sf_module_unref);
  g_clear_pointer (&result->program, sf_program_unref);
  g_clear_error (&result->error);
}

char *
test_text (const TestResult *result, const char *entry)
{
  SfGraph *graph = result->lowered != NULL ? sf_module_graph (result->lowered, entry) : NULL;
  return graph != NULL ? sf_graph_text (graph) : g_strdup ("");
}

SfNode
test_find (const SfGraph *graph, const char *op)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    if (strcmp (sf_node_op_name (graph, node), op) == 0)
      return node;
  return SF_NONE;
}
