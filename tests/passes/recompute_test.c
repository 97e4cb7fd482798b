/* SPDX-License-Identifier: Apache-2.0 */
/* What is made again for the backward phase, and what is not. */
#include "tests/passes/passes.h"

#define TO_LEGAL  "autodiff|precision|simplify|legalise|simplify|legalise"
#define RECOMPUTE TO_LEGAL "|recompute|simplify cse = false;"

/* mse (op (x w1) w2, target): op's result is read by the gradient of w2. */
static SfModule *
two_products (const char *op)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (64, 512), NULL);
  SfValue t = sf_graph_input (g, "t", SF_F32, SF_SHAPE (64, 16), NULL);
  SfValue a = sf_graph_state (g, "a", SF_STATE_PARAM, SF_F32, SF_SHAPE (512, 512), NULL, NULL);
  SfValue b = sf_graph_state (g, "b", SF_STATE_PARAM, SF_F32, SF_SHAPE (512, 16), NULL, NULL);
  sf_graph_set_scope (g, "middle");
  SfValue h = sf_graph_op1 (g, op, sf_graph_op2 (g, "matmul", x, a, NULL), NULL);
  sf_graph_set_scope (g, "end");
  SfValue y = sf_graph_op2 (g, "matmul", h, b, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  sf_graph_output (g, "loss", SF_OUTPUT_LOSS, sf_graph_op2 (g, "mse", y, t, NULL), NULL);
  return test_module (g);
}

static int
count (const TestResult *r, const char *op, SfPhase phase)
{
  const SfGraph *train = sf_module_graph (r->lowered, "train");
  int n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (train); node++)
    n += g_str_equal (sf_node_op_name (train, node), op) && sf_node_phase (train, node) == phase;
  return n;
}

/* Nodes of `op` in the backward phase after `passes`. */
static int
made_again (const char *op, const char *passes, const char *precision)
{
  g_autoptr (SfModule) module = two_products (op);
  SfCompileOptions options = { .optimizer = "sgd", .precision = precision };
  TestResult r = test_run (module, passes, "sn10", &options);
  SF_CHECK_NO_ERROR (r.error);
  int n = r.lowered != NULL ? count (&r, op, SF_PHASE_BWD) : -1;
  if (r.lowered != NULL)
    SF_CHECK_INT (count (&r, op, SF_PHASE_FWD), 1);
  test_result_clear (&r);
  return n;
}

/* The gradient of abs reads what abs reads, so that is stored; its own result, 128 KiB out and in
 * again, is 64 x 512 / 32 lanes of work. */
SF_TEST (Recompute, MapOfWhatIsStored)
{
  SF_CHECK_INT (made_again ("abs", TO_LEGAL, "f32"), 0);
  SF_CHECK_INT (made_again ("abs", RECOMPUTE, "f32"), 1);
  SF_CHECK_INT (made_again ("abs", TO_LEGAL "|recompute max_readers = 0;", "f32"), 0);
}

/* The gradients of exp and relu read their results and nothing else: what those were made from
 * would have to be stored in their place. */
SF_TEST (Recompute, NotFromWhatNobodyStores)
{
  SF_CHECK_INT (made_again ("exp", RECOMPUTE, "f32"), 0);
  SF_CHECK_INT (made_again ("relu", RECOMPUTE, "f32"), 0);
}

/* A value that is stored as bf16 is rounded there: made again inside a stage it would not be. */
SF_TEST (Recompute, NotWhatIsRoundedWhereItIsStored)
{
  SF_CHECK_INT (made_again ("abs", RECOMPUTE, "bf16"), 0);
}

/* The copy holds what the original holds: origins say so, and the value that the gradient of b
 * reads is the copy. */
SF_TEST (Recompute, ReadersTakeTheCopy)
{
  g_autoptr (SfModule) module = two_products ("abs");
  SfCompileOptions options = { .optimizer = "sgd" };
  TestResult r = test_run (module, RECOMPUTE, "sn10", &options);
  SF_REQUIRE_NO_ERROR (r.error);
  const SfGraph *train = sf_module_graph (r.lowered, "train");
  SfValue first = SF_NONE, again = SF_NONE;
  for (SfNode node = 0; node < sf_graph_n_nodes (train); node++)
    if (g_str_equal (sf_node_op_name (train, node), "abs"))
      *(sf_node_phase (train, node) == SF_PHASE_FWD ? &first : &again) = sf_node_output (train,
                                                                                         node, 0);
  SF_REQUIRE (first != SF_NONE && again != SF_NONE);
  SF_CHECK_INT (sf_value_origin (train, again), sf_value_origin (train, first));
  for (SfNode node = 0; node < sf_graph_n_nodes (train); node++)
    for (size_t i = 0; i < sf_node_n_inputs (train, node); i++)
      SF_CHECK (sf_node_phase (train, node) == SF_PHASE_FWD
                || sf_node_input (train, node, i) != first);
  SF_CHECK (sf_value_n_users (train, again) == 1);
  test_result_clear (&r);
}
