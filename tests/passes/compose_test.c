/* SPDX-License-Identifier: Apache-2.0 */
/* Pass compose: graphs as exporters write them before and after, what must stay as it is, and equal
 * values in f64. */
#include <math.h>
#include <string.h>

#include <sf/evaluate.h>
#include <sf/rng.h>

#include "tests/passes/compose_cases.h"
#include "tests/passes/passes.h"

/* ---- running ---- */

static void
output_of (SfGraph *g, SfValue v)
{
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, v, NULL);
}

/* The first output, in f64, of inputs that are the same for equal names. */
static double *
evaluated (const SfGraph *graph, size_t *n)
{
  SfFeed feeds[8];
  size_t n_inputs = sf_graph_n_inputs (graph);
  for (size_t i = 0; i < n_inputs; i++)
    {
      SfValue v = sf_graph_input_at (graph, i);
      const SfShape *shape = sf_value_shape (graph, v);
      size_t n_elems = (size_t) sf_shape_n_elems (shape);
      double *data = g_new (double, n_elems);
      SfRng rng = { .seed = 7, .stream = sf_rng_stream_of (sf_value_name (graph, v)) };
      for (size_t k = 0; k < n_elems; k++)
        data[k] = sf_value_dtype (graph, v) == SF_BOOL ? k % 3 != 1
                                                       : 2 * (double) sf_rng_uniform (&rng, k) - 1;
      feeds[i] = (SfFeed){ .value = v, .tensor = sf_tensor (SF_F64, *shape, data) };
    }
  const SfEvaluateOptions options = { .f64 = true };
  SfFetch fetch = { .value = sf_graph_output_at (graph, 0, NULL, NULL) };
  g_autoptr (GError) error = NULL;
  bool ok = sf_evaluate (graph, &options, feeds, n_inputs, &fetch, 1, &error);
  for (size_t i = 0; i < n_inputs; i++)
    g_free (feeds[i].tensor.data);
  SF_CHECK_MSG (ok, "%s", error != NULL ? error->message : "");
  *n = ok ? (size_t) sf_shape_n_elems (sf_value_shape (graph, fetch.value)) : 0;
  return ok ? fetch.tensor.data : NULL;
}

static void
check_equal (const SfGraph *before, const SfGraph *after)
{
  size_t n, m;
  g_autofree double *a = evaluated (before, &n), *b = evaluated (after, &m);
  SF_CHECK_INT ((int64_t) m, (int64_t) n);
  for (size_t i = 0; a != NULL && b != NULL && i < MIN (n, m); i++)
    SF_CHECK_MSG (fabs (a[i] - b[i]) <= 1e-7 * MAX (fabs (a[i]), 1),
                  "element %zu: %.17g before, "
                  "%.17g after",
                  i, a[i], b[i]);
}

/* The text of the nodes alone, without numbers of values that depend on the interface. */
static char *
nodes_text (const SfGraph *graph)
{
  g_autofree char *text = sf_graph_text (graph);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *nodes = g_string_new (NULL);
  for (char **line = lines; *line != NULL; line++)
    if (strstr (*line, "  # ") != NULL)
      {
        char *equals = strstr (*line, " = ");
        g_string_append_printf (nodes, "%s\n", equals + 3);
      }
  return g_string_free (nodes, FALSE);
}

/* Composes what `build` makes; the nodes' text. */
static char *
composed (ComposeBuildFunc build, const SfCompileOptions *options)
{
  SfGraph *g = sf_graph_new ("test");
  sf_graph_set_scope (g, "n");
  output_of (g, build (g));
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "compose", "tiny", options);
  SF_CHECK_MSG (r.error == NULL, "%s", r.error != NULL ? r.error->message : "");
  char *text = NULL;
  if (r.lowered != NULL)
    {
      text = nodes_text (sf_module_graph (r.lowered, "forward"));
      check_equal (sf_module_graph (module, "forward"), sf_module_graph (r.lowered, "forward"));
    }
  test_result_clear (&r);
  return text;
}

SF_TEST_CASES (Compose, Text, compose_cases, n_compose_cases, sf_test_row_name)
{
  const ComposeCase *c = data;
  SfGraph *g = sf_graph_new ("test");
  sf_graph_set_scope (g, "n");
  output_of (g, c->build (g));
  g_autofree char *before = nodes_text (g), *after = composed (c->build, NULL);
  sf_graph_unref (g);
  SF_CHECK_STR (after, c->want != NULL ? c->want : before);
}

/* attention has no gradient by its mask, so a mask that trains keeps the nodes that have one. */
SF_TEST (Compose, LeavesAMaskThatTrains)
{
  const SfCompileOptions training = { .optimizer = "sgd" };
  g_autofree char *trained = composed (compose_trained_mask, &training);
  g_autofree char *fixed = composed (compose_trained_mask, NULL);
  SF_CHECK (trained != NULL && strstr (trained, "softmax") != NULL);
  SF_CHECK (fixed != NULL && strstr (fixed, "attention (") != NULL);
}

/* Dropout between softmax and product is part of training only. */
SF_TEST (Compose, LooksThroughDropoutInInference)
{
  for (int training = 0; training < 2; training++)
    {
      SfGraph *g = sf_graph_new ("test");
      output_of (g, compose_dropped_attention (g));
      g_autoptr (SfModule) module = test_module (g);
      const SfCompileOptions options = { .optimizer = "sgd", .inference = !training };
      TestResult r = test_run (module, "compose", "tiny", &options);
      SF_REQUIRE_NO_ERROR (r.error);
      SfGraph *after = sf_module_graph (r.lowered, "forward");
      SF_CHECK_INT (test_find (after, "attention") == SF_NONE, training);
      SF_CHECK_INT (test_find (after, "dropout") == SF_NONE, !training);
      test_result_clear (&r);
    }
}

SF_TEST (Compose, KeepsNamesOfWhatStays)
{
  SfGraph *g = sf_graph_new ("test");
  sf_graph_set_scope (g, "n");
  SfValue y = compose_gelu_torch (g);
  sf_graph_set_scope (g, "head");
  output_of (g, sf_graph_op1 (g, "relu", y, NULL));
  g_autofree char *root = g_strdup (sf_node_name (g, sf_value_producer (g, y)));
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "compose", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *after = sf_module_graph (r.lowered, "forward");
  SF_CHECK_STR (sf_node_name (after, test_find (after, "gelu")), root);
  SF_CHECK_STR (sf_node_name (after, test_find (after, "relu")), "head");
  SF_CHECK (sf_graph_find (after, "x") != SF_NONE);
  test_result_clear (&r);
}

SF_TEST (Compose, OptionsSwitchItsPartsOff)
{
  SfGraph *g = sf_graph_new ("test");
  output_of (g, sf_graph_op1 (g, "relu", compose_gelu_torch (g), NULL));
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "compose gelu = false;", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK (test_find (sf_module_graph (r.lowered, "forward"), "gelu") == SF_NONE);
  test_result_clear (&r);
}
