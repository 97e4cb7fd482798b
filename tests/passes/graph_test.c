/* SPDX-License-Identifier: Apache-2.0 */
/* Passes from graph to graph: autodiff, precision, simplify, legalise. */
#include <string.h>

#include <sf/evaluate.h>

#include "tests/passes/passes.h"

/* ---- autodiff ---- */

SF_TEST (Autodiff, MakesTrainAndEval)
{
  g_autoptr (SfModule) module = test_logreg ();
  SfCompileOptions options = { .optimizer = "sgd" };
  TestResult r = test_run (module, "autodiff", "tiny", &options);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *train = sf_module_graph (r.source, "train"), *eval = sf_module_graph (r.source, "eval");
  SF_REQUIRE (train != NULL && eval != NULL);
  SfValue w = sf_graph_find (train, "w");
  SfValue next = sf_value_update (train, w);
  SF_REQUIRE (next != SF_NONE);
  SF_CHECK_INT (sf_node_phase (train, sf_value_producer (train, next)), SF_PHASE_OPT);
  SF_CHECK (sf_value_update (eval, sf_graph_find (eval, "w")) == SF_NONE);
  SF_CHECK (test_find (eval, "softmax_ce_bwd") == SF_NONE);
  const char *fact = sf_module_fact (r.source, "grad.train.w");
  SF_REQUIRE (fact != NULL);
  SfValue grad = (SfValue) g_ascii_strtoull (fact, NULL, 10);
  SF_CHECK (sf_shape_equal (sf_value_shape (train, grad), sf_value_shape (train, w)));
  SF_CHECK_INT (sf_node_phase (train, sf_value_producer (train, grad)), SF_PHASE_BWD);
  test_result_clear (&r);
}

SF_TEST (Autodiff, NamesTheRangeOfLabels)
{
  g_autoptr (SfModule) module = test_logreg ();
  TestResult r = test_run (module, "autodiff", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK_STR (sf_module_fact (r.source, "bounds.eval.t"), "0 2 -1");
  SF_CHECK (sf_module_fact (r.source, "bounds.eval.x") == NULL);
  SF_CHECK (sf_module_graph (r.source, "train") == NULL);
  test_result_clear (&r);
}

SF_TEST (Autodiff, TrainingNeedsALoss)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op1 (g, "relu", x, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  SfCompileOptions options = { 0 };
  TestResult r = test_run (module, "autodiff", "tiny", &options);
  SF_CHECK_ERROR (r.error, SF_ERROR_INVALID_ARGUMENT,
                  "found no loss to train with, wanted one; add --loss softmax_ce");
  test_result_clear (&r);
}

/* ---- precision ---- */

SF_TEST (Precision, NarrowsWhatKernelsReadAndKeepsTheRest)
{
  g_autoptr (SfModule) module = test_logreg ();
  SfCompileOptions options = { .optimizer = "sgd", .precision = "bf16" };
  TestResult r = test_run (module, "autodiff|precision", "tiny", &options);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *train = sf_module_graph (r.lowered, "train");
  SfNode linear = test_find (train, "linear"), loss = test_find (train, "softmax_ce");
  for (size_t i = 0; i < 3; i++)
    SF_CHECK_INT (sf_value_dtype (train, sf_node_input (train, linear, i)), SF_BF16);
  SF_CHECK_INT (sf_value_dtype (train, sf_node_output (train, linear, 0)), SF_BF16);
  SF_CHECK_INT (sf_value_dtype (train, sf_node_output (train, loss, 0)), SF_F32);
  SfValue w = sf_graph_find (train, "w");
  SF_CHECK_INT (sf_value_dtype (train, w), SF_F32);
  SF_CHECK_INT (sf_value_dtype (train, sf_value_update (train, w)), SF_F32);
  for (const char *const *name = (const char *const[]){ "grad.train.w", "grad.train.b", NULL };
       *name != NULL; name++)
    {
      SfValue grad = (SfValue) g_ascii_strtoull (sf_module_fact (r.source, *name), NULL, 10);
      SF_CHECK_INT (sf_value_dtype (train, grad), SF_F32);
    }
  SfNode bwd = test_find (train, "softmax_ce_bwd");
  SF_CHECK_INT (sf_value_dtype (train, sf_node_output (train, bwd, 0)), SF_BF16);
  test_result_clear (&r);
}

SF_TEST (Precision, F32ChangesNothing)
{
  g_autoptr (SfModule) module = test_logreg ();
  TestResult before = test_run (module, "autodiff", "tiny", NULL);
  TestResult after = test_run (module, "autodiff|precision", "tiny", NULL);
  g_autofree char *a = test_text (&before, "eval"), *b = test_text (&after, "eval");
  SF_CHECK (strlen (a) > 0);
  SF_CHECK_STR (b, a);
  test_result_clear (&before);
  test_result_clear (&after);
}

/* ---- simplify ---- */

/* y = (x * 1 + (2 + 3)) * exp (x) + exp (x), with a node that nobody reads. */
static SfModule *
redundant (void)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4), NULL);
  sf_graph_set_scope (g, "n");
  SfValue one = sf_graph_constant_f (g, SF_F32, 1, NULL);
  SfValue same = sf_graph_op2 (g, "mul", x, one, NULL);
  SfValue five = sf_graph_op2 (g, "add", sf_graph_constant_f (g, SF_F32, 2, NULL),
                               sf_graph_constant_f (g, SF_F32, 3, NULL), NULL);
  SfValue sum = sf_graph_op2 (g, "add", same, five, NULL);
  SfValue e1 = sf_graph_op1 (g, "exp", x, NULL), e2 = sf_graph_op1 (g, "exp", x, NULL);
  sf_graph_op1 (g, "tanh", sum, NULL);
  SfValue y = sf_graph_op2 (g, "add", sf_graph_op2 (g, "mul", sum, e1, NULL), e2, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  return test_module (g);
}

static size_t
count_ops (const SfGraph *graph, const char *op)
{
  size_t n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    n += strcmp (sf_node_op_name (graph, node), op) == 0;
  return n;
}

SF_TEST (Simplify, FoldsSharesAndDrops)
{
  g_autoptr (SfModule) module = redundant ();
  TestResult r = test_run (module, "autodiff|simplify", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK_INT (count_ops (eval, "exp"), 1);
  SF_CHECK_INT (count_ops (eval, "tanh"), 0);
  SF_CHECK_INT (count_ops (eval, "mul"), 1);
  SF_CHECK_INT (count_ops (eval, "add"), 2);
  /* The first addition left reads x and the folded 5. */
  SfNode add = test_find (eval, "add");
  SF_CHECK (sf_node_input (eval, add, 0) == sf_graph_find (eval, "x"));
  const float *five = sf_value_data (eval, sf_node_input (eval, add, 1));
  SF_REQUIRE (five != NULL);
  SF_CHECK_NEAR (*five, 5, 0);
  test_result_clear (&r);
}

SF_TEST (Simplify, OptionsSwitchItsPartsOff)
{
  g_autoptr (SfModule) module = redundant ();
  TestResult r = test_run (module, "autodiff|simplify fold = false; cse = false;", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK_INT (count_ops (eval, "exp"), 2);
  SF_CHECK_INT (count_ops (eval, "add"), 3);
  test_result_clear (&r);
}

SF_TEST (Simplify, LeavesTranscendentalsOfConstantsAlone)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4), NULL);
  SfValue e = sf_graph_op1 (g, "exp", sf_graph_constant_f (g, SF_F32, 1, NULL), NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "mul", x, e, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "autodiff|simplify", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SF_CHECK_INT (count_ops (sf_module_graph (r.lowered, "eval"), "exp"), 1);
  test_result_clear (&r);
}

/* ---- legalise ---- */

SF_TEST (Legalise, DecomposesWhatTileOpsLack)
{
  g_autoptr (SfModule) module = test_logreg ();
  TestResult r = test_run (module, "autodiff|legalise", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK (test_find (eval, "softmax_ce") == SF_NONE);
  SF_CHECK (test_find (eval, "linear") != SF_NONE);
  SF_CHECK (test_find (eval, "log_softmax") != SF_NONE);
  for (SfNode node = 0; node < sf_graph_n_nodes (eval); node++)
    SF_CHECK (!sf_node_on_host (eval, node));
  test_result_clear (&r);
}

/* ---- attention ---- */

/* Training graph, after some passes, of a model that attends from `s` positions to `s`. */
static TestResult
test_attention (SfModule **module, int64_t s, const char *passes)
{
  SfGraph *g = sf_graph_new ("test");
  SfShape shape = SF_SHAPE (2, 1, s, 8);
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, shape, NULL, NULL);
  SfValue x = sf_graph_input (g, "x", SF_F32, shape, NULL);
  SfValue qkv[3] = { w, x, x };
  SfValue y = sf_graph_op (g, "attention", qkv, 3, NULL, 0, NULL);
  SfValue loss = sf_graph_op2 (g, "mse", y, x, NULL);
  sf_graph_output (g, "loss", SF_OUTPUT_LOSS, loss, NULL);
  *module = test_module (g);
  SfCompileOptions options = { .optimizer = "sgd" };
  return test_run (*module, passes, "tiny", &options);
}

static int
n_nodes_of (const SfGraph *graph, const char *op)
{
  int n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    n += g_str_equal (sf_node_op_name (graph, node), op);
  return n;
}

/* Scores are in no tensor, neither on the way forward nor back. */
SF_TEST (Legalise, AttentionIsOneNode)
{
  g_autoptr (SfModule) module = NULL;
  TestResult r = test_attention (&module, 4, "autodiff|legalise|simplify");
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *train = sf_module_graph (r.lowered, "train");
  SF_CHECK_INT (n_nodes_of (train, "attention"), 1);
  SF_CHECK_INT (n_nodes_of (train, "attention_bwd"), 1);
  SF_CHECK_INT (n_nodes_of (train, "matmul") + n_nodes_of (train, "softmax"), 0);
  test_result_clear (&r);
}

/* A gradient holds all scores of a head at a time. */
SF_TEST (Legalise, AttentionOfTooManyScoresIsWrittenOut)
{
  g_autoptr (SfModule) module = NULL;
  TestResult r = test_attention (&module, 1025, "autodiff|legalise|simplify");
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *train = sf_module_graph (r.lowered, "train");
  SF_CHECK_INT (n_nodes_of (train, "attention"), 1);
  SF_CHECK_INT (n_nodes_of (train, "attention_bwd"), 0);
  SF_CHECK_INT (n_nodes_of (train, "softmax"), 1);
  test_result_clear (&r);
}

/* ---- simplify: sums of paddings ---- */

typedef struct
{
  const char *name;
  int64_t start[3], length[3]; /* of up to three parts; length 0: none */
  double value;
  bool joined;
} Paddings;

static const Paddings paddings[] = {
  { "side by side", { 0, 2 }, { 2, 3 }, 0, true },
  { "in any order", { 3, 0, 1 }, { 2, 1, 2 }, 0, true },
  { "a gap", { 0, 3 }, { 2, 2 }, 0, false },
  { "an overlap", { 0, 2 }, { 3, 3 }, 0, false },
  { "not to the end", { 0, 2 }, { 2, 2 }, 0, false },
  { "of ones", { 0, 2 }, { 2, 3 }, 1, false },
  { "of a negative zero", { 0, 2 }, { 2, 3 }, -0.0, false },
};

/* Columns start .. start + length of x [2, 5] where they were, `value` around them. */
static SfValue
padded (SfGraph *g, SfValue x, int64_t start, int64_t length, double value)
{
  const int64_t starts[] = { 0, start }, ends[] = { 2, start + length }, steps[] = { 1, 1 },
                low[] = { 0, start }, high[] = { 0, 5 - start - length };
  const SfAttr cut[] = { SF_ATTR_IS ("starts", starts, 2), SF_ATTR_IS ("ends", ends, 2),
                         SF_ATTR_IS ("steps", steps, 2) };
  const SfAttr pad[] = { SF_ATTR_IS ("low", low, 2), SF_ATTR_IS ("high", high, 2),
                         SF_ATTR_F ("value", value) };
  SfValue y = sf_graph_op (g, "slice", &x, 1, cut, G_N_ELEMENTS (cut), NULL);
  return sf_graph_op (g, "pad", &y, 1, pad, G_N_ELEMENTS (pad), NULL);
}

/* Output y of an entry `eval` for the x given. */
static void
evaluate (const SfGraph *g, float *x, float *y)
{
  g_autoptr (GError) error = NULL;
  const SfFeed feed = { .value = sf_graph_input_at (g, 0),
                        .tensor = sf_tensor (SF_F32, SF_SHAPE (2, 5), x) };
  SfFetch fetch = { .value = sf_graph_output_at (g, 0, NULL, NULL),
                    .tensor = sf_tensor (SF_F32, SF_SHAPE (2, 5), y) };
  SF_CHECK (sf_evaluate (g, NULL, &feed, 1, &fetch, 1, &error));
  SF_CHECK_NO_ERROR (error);
}

SF_TEST_CASES (Simplify, Paddings, paddings, G_N_ELEMENTS (paddings), sf_test_row_name)
{
  const Paddings *c = data;
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (2, 5), NULL);
  SfValue y = padded (g, x, c->start[0], c->length[0], c->value);
  for (int i = 1; i < 3 && c->length[i] > 0; i++)
    y = sf_graph_op2 (g, "add", y, padded (g, x, c->start[i], c->length[i], c->value), NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "autodiff|simplify|simplify", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK_INT (test_find (eval, "concat") != SF_NONE, c->joined);
  SF_CHECK_INT (test_find (eval, "pad") == SF_NONE, c->joined);
  float in[10] = { -0.0f, 1, -0.0f, 0, -3, 0, -0.0f, 5, -0.0f, -0.0f }, before[10], after[10];
  evaluate (sf_module_graph (r.source, "eval"), in, before);
  evaluate (eval, in, after);
  SF_CHECK_MSG (memcmp (before, after, sizeof before) == 0, "the sum has other bits");
  test_result_clear (&r);
}

SF_TEST (Legalise, SendsTheRestToTheHost)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue wide = sf_graph_input (g, "wide", SF_I64, SF_SHAPE (4, 3), NULL);
  SfAttr axis = SF_ATTR_I ("axis", 1);
  SfValue i = sf_graph_op (g, "argmax", &wide, 1, &axis, 1, NULL);
  sf_graph_output (g, "i", SF_OUTPUT_OTHER, i, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op1 (g, "relu", x, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "autodiff|legalise", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK (sf_node_on_host (eval, test_find (eval, "argmax")));
  SF_CHECK (!sf_node_on_host (eval, test_find (eval, "relu")));
  test_result_clear (&r);
}

/* Outputs that are an input, and one value under two names, each get memory of their own: a reshape
 * to the same shape is the copy. */
SF_TEST (Legalise, GivesResultsMemoryOfTheirOwn)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue y = sf_graph_op1 (g, "relu", x, NULL);
  sf_graph_output (g, "x_again", SF_OUTPUT_OTHER, x, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  sf_graph_output (g, "y_again", SF_OUTPUT_OTHER, y, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "autodiff|legalise", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  SfGraph *eval = sf_module_graph (r.lowered, "eval");
  SF_CHECK_INT (count_ops (eval, "reshape"), 2);
  SfValue a = sf_graph_output_at (eval, 0, NULL, NULL),
          b = sf_graph_output_at (eval, 1, NULL, NULL),
          c = sf_graph_output_at (eval, 2, NULL, NULL);
  SF_CHECK (a != b && b != c && a != c);
  SF_CHECK_STR (sf_node_op_name (eval, sf_value_producer (eval, b)), "relu");
  test_result_clear (&r);
}

/* Scores of 8 heads, 4 MiB each: heads and batch are one dimension from the product to the softmax,
 * whose axis and mask follow. */
SF_TEST (Legalise, LargeValuesMergeTheirLeadingDimensions)
{
  SfGraph *g = sf_graph_new ("test");
  SfShape shape = SF_SHAPE (2, 4, 2048, 64);
  SfValue q = sf_graph_input (g, "q", SF_F32, shape, NULL);
  SfValue k = sf_graph_input (g, "k", SF_F32, shape, NULL), in[] = { q, k };
  SfValue mask = sf_graph_input (g, "mask", SF_F32, SF_SHAPE (1, 1, 2048, 2048), NULL);
  SfAttr transpose = SF_ATTR_B ("transpose_b", true), axis = SF_ATTR_I ("axis", -1);
  SfValue s = sf_graph_op (g, "matmul", in, 2, &transpose, 1, NULL);
  s = sf_graph_op2 (g, "add", s, mask, NULL);
  s = sf_graph_op (g, "softmax", &s, 1, &axis, 1, NULL);
  const int64_t last = 3;
  SfAttr axes = SF_ATTR_IS ("axes", &last, 1);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION,
                   sf_graph_op (g, "reduce_max", &s, 1, &axes, 1, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, "autodiff|legalise|simplify", "sn10", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  g_autofree char *text = test_text (&r, "eval");
  SF_CHECK_MSG (strstr (text, "matmul (%3, %4) {transpose_b=true} f32 [8,2048,2048]") != NULL, "%s",
                text);
  SF_CHECK (strstr (text, "f32 [1,2048,2048]") == NULL);
  SF_CHECK (strstr (text, "softmax (%") != NULL
            && strstr (text, "{axis=2} f32 [8,2048,2048]") != NULL);
  SF_CHECK (strstr (text, "{axes=[2]} f32 [8,2048]") != NULL);
  test_result_clear (&r);
}
