/* SPDX-License-Identifier: Apache-2.0 */
/* Passes from graph to program: fuse, section, tile, place, route. */
#include <string.h>

#include <sf/plugin/backend.h>
#include <sf/plugins.h>

#include "tests/passes/passes.h"

#define TO_GROUPS "autodiff|legalise|fuse rules = \"o1.cfg\";"

/* x -> linear -> relu -> linear, as two stages of one section. */
static SfModule *
two_layers (void)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue w1 = sf_graph_state (g, "w1", SF_STATE_PARAM, SF_F32, SF_SHAPE (5, 3), NULL, NULL);
  SfValue w2 = sf_graph_state (g, "w2", SF_STATE_PARAM, SF_F32, SF_SHAPE (2, 5), NULL, NULL);
  sf_graph_set_scope (g, "fc1");
  SfValue h = sf_graph_op2 (g, "linear", x, w1, NULL);
  sf_graph_set_scope (g, "act");
  h = sf_graph_op1 (g, "relu", h, NULL);
  sf_graph_set_scope (g, "fc2");
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "linear", h, w2, NULL), NULL);
  return test_module (g);
}

/* ---- fuse ---- */

SF_TEST (Fuse, EpilogueJoinsItsContraction)
{
  g_autoptr (SfModule) module = two_layers ();
  TestResult r = test_run (module, TO_GROUPS, "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK_INT (sf_node_group (eval, 0), 0);
  SF_CHECK_INT (sf_node_group (eval, 1), 0);
  SF_CHECK_INT (sf_node_group (eval, 2), 1);
  test_result_clear (&r);
}

SF_TEST (Fuse, WithoutRulesEveryNodeIsAStage)
{
  g_autoptr (SfModule) module = two_layers ();
  TestResult r = test_run (module, "autodiff|legalise|fuse", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  for (SfNode node = 0; node < 3; node++)
    SF_CHECK_INT (sf_node_group (eval, node), (int32_t) node);
  test_result_clear (&r);
}

/* y = z + sum (z) over the batch: joining the addition with z would make the sum wait for itself.
 */
SF_TEST (Fuse, ClosesNoCircle)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue z = sf_graph_op1 (g, "neg", x, NULL);
  int64_t axis = 0;
  SfAttr attrs[] = { SF_ATTR_IS ("axes", &axis, 1), SF_ATTR_B ("keepdims", true) };
  SfValue s = sf_graph_op (g, "reduce_sum", &z, 1, attrs, 2, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "add", z, s, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, TO_GROUPS, "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  int32_t sum = sf_node_group (eval, test_find (eval, "reduce_sum"));
  int32_t add = sf_node_group (eval, test_find (eval, "add"));
  SF_CHECK (sum < add);
  SF_CHECK (sf_node_group (eval, test_find (eval, "neg")) < add);
  test_result_clear (&r);
}

/* ---- counters ---- */

/* Whether stage 0 has a counter over `extent` in one block that moves operand `operand`. */
static bool
can_be_cut (const SfProgram *program, int64_t extent, size_t operand)
{
  SfStage stage = sf_config_stage (program, 0, 0);
  for (size_t k = 0; k < stage.n_counters; k++)
    for (int d = 0; d < stage.operands[operand].shape.rank; d++)
      if (stage.counter[k].extent == extent && stage.counter[k].step == extent
          && stage.counter[k].kind == SF_COUNTER_PARALLEL
          && stage.operands[operand].dim[d].coef[k] == 1)
        return true;
  return false;
}

/* Columns of a product, but not what a softmax needs whole. */
SF_TEST (Counters, SayWhereAStageCouldBeCut)
{
  static const char mapped[] = TO_GROUPS "|section max_groups = 9;|tile";
  g_autoptr (SfModule) layers = two_layers ();
  TestResult product = test_run (layers, mapped, "tiny", NULL);
  SF_REQUIRE_NO_ERROR (product.error);
  SF_CHECK (can_be_cut (product.program, 5, 1));
  SF_CHECK (!can_be_cut (product.program, 3, 1));
  test_result_clear (&product);
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 7, 3), NULL);
  SfAttr axis = SF_ATTR_I ("axis", 2);
  SfValue y = sf_graph_op (g, "softmax", &x, 1, &axis, 1, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  g_autoptr (SfModule) rows = test_module (g);
  TestResult softmax = test_run (rows, mapped, "tiny", NULL);
  SF_REQUIRE_NO_ERROR (softmax.error);
  SF_CHECK (can_be_cut (softmax.program, 7, 0));
  SF_CHECK (!can_be_cut (softmax.program, 3, 0));
  test_result_clear (&softmax);
}

/* The gradient of what a layer_norm reads is made row by row, beside the sums over all rows. */
SF_TEST (Counters, RowsOfANormsGradientWaitForNoOthers)
{
  SfGraph *g = sf_graph_new ("test");
  SfShape rows = SF_SHAPE (4), columns = SF_SHAPE (6);
  SfValue in[] = { sf_graph_input (g, "dy", SF_F32, SF_SHAPE (4, 6), NULL),
                   sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 6), NULL),
                   sf_graph_input (g, "gamma", SF_F32, columns, NULL),
                   sf_graph_input (g, "mean", SF_F32, rows, NULL),
                   sf_graph_input (g, "rstd", SF_F32, rows, NULL) };
  SfAttr axis = SF_ATTR_I ("axis", 1);
  SfValue out[3];
  sf_graph_add (g, "layer_norm_bwd", in, 5, &axis, 1, out, NULL);
  static const char *const names[] = { "dx", "dgamma", "dbeta" };
  for (int i = 0; i < 3; i++)
    sf_graph_output (g, names[i], SF_OUTPUT_PREDICTION, out[i], NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "autodiff|legalise|simplify|fuse rules = \"o3.cfg\";", "tiny",
                           NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  const SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SfNode makers[3];
  for (size_t i = 0; i < 3; i++)
    {
      makers[i] = sf_value_producer (eval, sf_graph_output_at (eval, i, NULL, NULL));
      SF_REQUIRE (makers[i] != SF_NONE);
    }
  SF_CHECK (sf_node_group (eval, makers[0]) != sf_node_group (eval, makers[1]));
  SF_CHECK (sf_node_group (eval, makers[0]) != sf_node_group (eval, makers[2]));
  test_result_clear (&r);
}

/* ---- section ---- */

SF_TEST (Section, CutsAtTheBound)
{
  g_autoptr (SfModule) module = two_layers ();
  TestResult one = test_run (module, TO_GROUPS "|section max_groups = 1;", "tiny", NULL);
  TestResult all = test_run (module, TO_GROUPS "|section max_groups = 9;", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (one.error);
  SF_REQUIRE_NO_ERROR (all.error);
  SF_CHECK_INT (sf_node_section (sf_module_graph (one.lowered, "eval"), 2), 1);
  SF_CHECK_INT (sf_node_section (sf_module_graph (all.lowered, "eval"), 2), 0);
  test_result_clear (&one);
  test_result_clear (&all);
}

SF_TEST (Section, KeepsPhasesApart)
{
  g_autoptr (SfModule) module = test_logreg ();
  SfCompileOptions options = { .optimizer = "sgd" };
  TestResult r = test_run (module, TO_GROUPS "|section max_groups = 1000;", "sn10", &options);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *train = sf_module_graph (r.lowered, "train");
  for (SfNode a = 0; a < sf_graph_n_nodes (train); a++)
    for (SfNode b = 0; b < a; b++)
      if (sf_node_section (train, a) >= 0
          && sf_node_section (train, a) == sf_node_section (train, b))
        SF_CHECK_INT (sf_node_phase (train, a), sf_node_phase (train, b));
  test_result_clear (&r);
}

static SfModule *
one_layer (int64_t in, int64_t out)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (1, in), NULL);
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (out, in), NULL, NULL);
  sf_graph_set_scope (g, "huge");
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "linear", x, w, NULL), NULL);
  return test_module (g);
}

/* A row of 4 MiB is more than the 24 PMUs of 64 KiB hold, whichever operand stays. */
SF_TEST (Section, WhatFitsNowhereRunsOnTheHost)
{
  g_autoptr (SfModule) module = one_layer (1 << 20, 2);
  TestResult r = test_run (module, TO_GROUPS "|section|tile", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK (sf_node_on_host (sf_module_graph (r.lowered, "eval"), 0));
  SF_REQUIRE (sf_entry_n_launches (r.program, 0) == 1);
  SF_CHECK_INT (sf_entry_launch (r.program, 0, 0).target, SF_TARGET_HOST);
  test_result_clear (&r);
}

/* 24 MiB of table on 1.5 MiB of PMUs: its rows pass by, for the gather and for its gradient. */
SF_TEST (Section, RowsOfALargeTablePassBy)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue i = sf_graph_input (g, "i", SF_I32, SF_SHAPE (8), NULL);
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (98304, 64), NULL, NULL);
  SfValue y = sf_graph_op2 (g, "gather", w, i, NULL);
  SfAttr attrs[] = { SF_ATTR_I ("axis", 0), SF_ATTR_I ("size", 98304) };
  SfValue back[] = { i, y };
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  sf_graph_output (g, "dw", SF_OUTPUT_OTHER,
                   sf_graph_op (g, "scatter_add", back, 2, attrs, 2, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, TO_GROUPS "|section|tile|place|route", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK_INT (sf_program_n_host_graphs (r.program), 0);
  SF_REQUIRE (sf_program_n_configs (r.program) == 2);
  for (uint32_t c = 0; c < 2; c++)
    {
      int64_t most = 0;
      for (uint32_t b = 0; b < sf_config_n_buffers (r.program, c); b++)
        most = MAX (most, sf_config_buffer (r.program, c, b).tokens);
      SF_CHECK (most > 1);
    }
  test_result_clear (&r);
}

/* The sum waits for all of the weights when they pass through, so what follows it is a stage of its
 * own. */
SF_TEST (Section, StageThatDoesNotFitIsSplit)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 2048), NULL);
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (2048, 512), NULL, NULL);
  SfValue y = sf_graph_op1 (g, "relu", sf_graph_op2 (g, "matmul", x, w, NULL), NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, TO_GROUPS "|section|tile", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  const SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK (!sf_node_on_host (eval, 0) && !sf_node_on_host (eval, 1));
  SF_CHECK_INT (sf_node_group (eval, 0), 0);
  SF_CHECK_INT (sf_node_group (eval, 1), 1);
  test_result_clear (&r);
}

/* 16 MiB of weights do not fit either, but their rows do: they pass through. */
SF_TEST (Section, WeightsThatDoNotFitPassThrough)
{
  g_autoptr (SfModule) module = one_layer (2048, 2048);
  TestResult r = test_run (module, TO_GROUPS "|section|tile", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_REQUIRE (sf_config_n_buffers (r.program, 0) == 3);
  int64_t most = 0;
  for (uint32_t b = 0; b < 3; b++)
    most = MAX (most, sf_config_buffer (r.program, 0, b).tokens);
  SF_CHECK (most > 1);
  test_result_clear (&r);
}

/* ---- the whole way ---- */

static void
check_model (const void *data, const char *level, const char *precision)
{
  const char *const *app = data;
  g_autofree char *relative = g_strdup_printf ("apps/%s/model.cfg", *app);
  g_autofree char *path = sf_test_source_path (relative);
  g_autoptr (GError) error = NULL;
  const SfImportOptions import = { .batch_size = 4, .seed = 1 };
  g_autoptr (SfModule) module = sf_import (path, &import, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfCompileOptions options
      = { .level = level, .precision = precision, .optimizer = "adamw", .clip_norm = 1 };
  g_autoptr (SfPef) first = sf_compile (module, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfPef) second = sf_compile (module, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  size_t a, b;
  const uint8_t *x = sf_pef_data (first, &a), *y = sf_pef_data (second, &b);
  SF_CHECK_INT ((int64_t) a, (int64_t) b);
  SF_CHECK (a == b && memcmp (x, y, a) == 0);
}

/* Every app at every level; the verifier ran after each pass, and the second compile gave the same
 * bytes. */
static const char *const apps[] = { "logreg", "ffn_mnist", "lenet", "digits", "cnn_bn", "encoder" };

SF_TEST_CASES (Compile, O0, apps, G_N_ELEMENTS (apps), sf_test_row_name)
{
  check_model (data, "o0", "f32");
}
SF_TEST_CASES (Compile, O1, apps, G_N_ELEMENTS (apps), sf_test_row_name)
{
  check_model (data, "o1", "bf16");
}
SF_TEST_CASES (Compile, O3, apps, G_N_ELEMENTS (apps), sf_test_row_name)
{
  check_model (data, "o3", "f32");
}
SF_TEST_CASES (Compile, O3Narrow, apps, G_N_ELEMENTS (apps), sf_test_row_name)
{
  check_model (data, "o3", "bf16");
}

SF_TEST (Compile, FourEqualLayersShareOneConfig)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue h = sf_graph_input (g, "x", SF_F32, SF_SHAPE (8, 16), NULL);
  for (int i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("w%d", i);
      SfValue w = sf_graph_state (g, name, SF_STATE_PARAM, SF_F32, SF_SHAPE (16, 16), NULL, NULL);
      h = sf_graph_op1 (g, "relu", sf_graph_op2 (g, "linear", h, w, NULL), NULL);
    }
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, h, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, TO_GROUPS "|section max_groups = 1;|tile|place|route", "tiny",
                           NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK_INT (sf_program_n_configs (r.program), 1);
  SF_CHECK_INT (sf_entry_n_launches (r.program, 0), 4);
  test_result_clear (&r);
}

/* What the device cannot do runs between its sections: a product in f64, with the casts around
 * it. */
SF_TEST (Compile, HostLaunchesTakePart)
{
  static const float x_data[6] = { 1, 3, 2, 5, -4, 0.5f };
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (2, 3), NULL);
  SfValue h = sf_graph_op1 (g, "neg", x, NULL);
  SfAttr axis = SF_ATTR_I ("axis", 1), f64 = SF_ATTR_D ("dtype", SF_F64),
         f32 = SF_ATTR_D ("dtype", SF_F32);
  sf_graph_output (g, "i", SF_OUTPUT_OTHER, sf_graph_op (g, "argmax", &h, 1, &axis, 1, NULL), NULL);
  SfValue wide = sf_graph_op (g, "cast", &h, 1, &f64, 1, NULL);
  wide = sf_graph_op2 (g, "mul", wide, wide, NULL);
  SfValue back = sf_graph_op (g, "cast", &wide, 1, &f32, 1, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op1 (g, "sqrt", back, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, TO_GROUPS "|section|tile|place|route", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK_INT (sf_program_n_host_graphs (r.program), 3);
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  const SfPlugin *rdu = sf_plugins_load (SF_PLUGIN_BACKEND, "rdu", &r.error);
  SF_REQUIRE_NO_ERROR (r.error);
  SfBackendLoad load = { .source = r.source, .program = r.program, .arch = arch, .n_threads = 1 };
  void *instance = rdu->ops.backend->open (&load, &r.error);
  SF_REQUIRE_NO_ERROR (r.error);
  int32_t i[2] = { -1, -1 };
  float y[6] = { 0 };
  SfTensor in = sf_tensor (SF_F32, SF_SHAPE (2, 3), (void *) x_data);
  SfTensor out[] = { sf_tensor (SF_I32, SF_SHAPE (2), i), sf_tensor (SF_F32, SF_SHAPE (2, 3), y) };
  SfBackendStep step = { .entry = "eval", .phases = 7, .inputs = &in, .outputs = out };
  rdu->ops.backend->step (instance, &step, &r.error);
  SF_CHECK_NO_ERROR (r.error);
  SF_CHECK_INT (i[0], 0);
  SF_CHECK_INT (i[1], 1);
  for (int k = 0; k < 6; k++)
    SF_CHECK_NEAR (y[k], x_data[k] < 0 ? -x_data[k] : x_data[k], 1e-6);
  rdu->ops.backend->close (instance);
  test_result_clear (&r);
}

SF_TEST (Compile, UnknownPassOptionIsNamed)
{
  g_autoptr (SfModule) module = two_layers ();
  const char *const set[] = { "section.max_group=2", NULL };
  SfCompileOptions options = { .inference = true, .set = set };
  TestResult r = test_run (module, TO_GROUPS "|section", "tiny", &options);
  SF_CHECK (r.error != NULL && strstr (r.error->message, "max-groups") != NULL);
  test_result_clear (&r);
}
