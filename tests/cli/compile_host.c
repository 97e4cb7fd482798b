/* SPDX-License-Identifier: Apache-2.0 */
/* A host outside the tree: builds a graph with -(-x) in memory and compiles it by a pipeline that
 * names the pass of the command line. */
#include <sf/compile.h>
#include <sf/plugins.h>

#include <stdio.h>
#include <string.h>

static int
complain (const char *what, const GError *error)
{
  fprintf (stderr, "%s: %s\n", what, error != NULL ? error->message : "wrong answer");
  return 1;
}

/* y = relu (-(-x)) */
static SfModule *
build (GError **error)
{
  const int64_t dims[2] = { 4, 8 };
  g_autoptr (SfGraph) graph = sf_graph_new ("negations");
  g_autoptr (SfModule) module = sf_module_new ("negations");
  SfValue x = sf_graph_input (graph, "x", SF_F32, sf_shape (2, dims), error);
  for (int i = 0; i < 2 && x != SF_NONE; i++)
    x = sf_graph_op1 (graph, "neg", x, error);
  SfValue y = x != SF_NONE ? sf_graph_op1 (graph, "relu", x, error) : SF_NONE;
  if (y == SF_NONE || !sf_graph_output (graph, "y", SF_OUTPUT_PREDICTION, y, error))
    return NULL;
  sf_module_set_graph (module, "forward", graph);
  return sf_module_ref (module);
}

static size_t
count (const SfGraph *graph, const char *op)
{
  size_t n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    n += strcmp (sf_node_op_name (graph, node), op) == 0;
  return n;
}

/* Compiles by the pipeline file and counts the relus and negations that the eval graph has left. */
static bool
compile (const char *pipeline, size_t *n_relu, size_t *n_neg, GError **error)
{
  g_autoptr (SfModule) module = build (error);
  const SfCompileOptions options = { .level = pipeline, .inference = true };
  g_autoptr (SfPef) pef = module != NULL ? sf_compile (module, &options, error) : NULL;
  if (pef == NULL)
    return false;
  const SfGraph *graph = sf_module_graph (sf_pef_source (pef), "eval");
  *n_relu = count (graph, "relu");
  *n_neg = count (graph, "neg");
  return true;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  size_t n_relu = 0, n_neg = 0;
  sf_plugins_set_path ("../pass");
  if (argc != 3)
    return complain ("usage: compile PLAIN.cfg WITH.cfg", NULL);
  if (!compile (argv[1], &n_relu, &n_neg, &error) || n_relu != 1 || n_neg != 2)
    return complain ("compile without the pass", error);
  if (!compile (argv[2], &n_relu, &n_neg, &error) || n_relu != 1 || n_neg != 0)
    return complain ("compile with the pass", error);
  return 0;
}
