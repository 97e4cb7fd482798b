/* SPDX-License-Identifier: Apache-2.0 */
/* Fusion by rules: each key of a rule on small graphs, and what rules tell. */
#include <string.h>

#include "tests/passes/fusing.h"

/* ---- running ---- */

/* Stages of the nodes of the forward graph, in order: "0 0 1". Owned. */
static char *
stages (SfModule *module, const char *rules)
{
  TestResult r = test_fuse (module, rules, NULL);
  GString *text = g_string_new (r.error != NULL ? r.error->message : NULL);
  const SfGraph *eval = r.error == NULL ? sf_module_graph (r.lowered, "eval") : NULL;
  for (SfNode node = 0; eval != NULL && node < sf_graph_n_nodes (eval); node++)
    g_string_append_printf (text, "%s%d", node > 0 ? " " : "", sf_node_group (eval, node));
  test_result_clear (&r);
  return g_string_free (text, FALSE);
}

/* ---- graphs ---- */

/* neg -> { exp, tanh } -> add: nodes 0, 1, 2, 3. */
static SfModule *
diamond (void)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  x = sf_graph_op1 (g, "neg", x, NULL);
  SfValue a = sf_graph_op1 (g, "exp", x, NULL), b = sf_graph_op1 (g, "tanh", x, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "add", a, b, NULL), NULL);
  return test_module (g);
}

/* x [4,3] -> linear to 5 -> relu -> linear to 2: nodes 0, 1, 2. */
static SfModule *
two_layers (void)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue w1 = sf_graph_state (g, "w1", SF_STATE_PARAM, SF_F32, SF_SHAPE (5, 3), NULL, NULL);
  SfValue w2 = sf_graph_state (g, "w2", SF_STATE_PARAM, SF_F32, SF_SHAPE (2, 5), NULL, NULL);
  sf_graph_set_scope (g, "fc1");
  x = sf_graph_op2 (g, "linear", x, w1, NULL);
  sf_graph_set_scope (g, "act");
  x = sf_graph_op1 (g, "relu", x, NULL);
  sf_graph_set_scope (g, "fc2");
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "linear", x, w2, NULL), NULL);
  return test_module (g);
}

/* ---- each key ---- */

typedef struct
{
  const char *name, *ops; /* chain; "diamond", "layers" */
  const char *rules, *wanted;
} KeyCase;

static const KeyCase keys[] = {
  { "no_rules", "neg exp", "rules = ( );", "0 1" },
  { "child", "neg exp tanh",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; };"), "0 0 1" },
  { "child_of_another_op", "neg tanh exp",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; };"), "0 1 2" },
  { "order_in_the_file_does_not_matter", "neg exp tanh",
    RULE ("", "b = { op_type = \"exp\"; }; a = { op_type = \"neg\"; child = \"b\"; };"), "0 0 1" },
  { "every_match", "neg exp tanh neg exp",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; };"),
    "0 0 1 2 2" },
  { "op_type_list", "neg exp neg tanh",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = [ \"exp\", \"tanh\" ]; };"),
    "0 0 1 1" },
  { "op_type_class", "neg exp neg tanh",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"@map\"; };"),
    "0 0 1 1" },
  { "op_type_class_any", "layers",
    RULE ("", "a = { op_type = \"@any\"; child = \"b\"; }; b = { op_type = \"relu\"; };"),
    "0 0 1" },
  { "children", "diamond",
    RULE ("",
          "a = { op_type = \"neg\"; children = [ \"b\", \"c\" ]; }; b = { op_type = \"exp\"; }; "
          "c = { op_type = \"tanh\"; };"),
    "0 0 0 1" },
  { "children_are_different_nodes", "diamond",
    RULE ("",
          "a = { op_type = \"neg\"; children = [ \"b\", \"c\" ]; }; b = { op_type = \"exp\"; }; "
          "c = { op_type = \"exp\"; };"),
    "0 1 2 3" },
  { "two_parents", "diamond",
    RULE ("", "b = { op_type = \"exp\"; child = \"d\"; }; c = { op_type = \"tanh\"; child = \"d\"; "
              "}; d = { op_type = \"add\"; };"),
    "0 1 1 1" },
  { "tries_again_when_a_way_ends", "diamond",
    RULE ("", "d = { op_type = \"add\"; }; a = { op_type = \"neg\"; child = \"b\"; }; "
              "b = { op_type = \"@map\"; children = [ \"d\" ]; };"),
    "0 0 1 2" },
  { "optional_there", "neg exp tanh",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; required = false; "
          "child = \"c\"; }; c = { op_type = \"tanh\"; };"),
    "0 0 0" },
  { "optional_not_there", "neg tanh exp",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; required = false; "
          "child = \"c\"; }; c = { op_type = \"tanh\"; };"),
    "0 0 1" },
  { "optional_at_the_end", "neg exp sqrt neg sqrt",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"@map\"; child = \"c\"; }; "
          "c = { op_type = \"tanh\"; required = false; };"),
    "0 0 1 2 2" },
  { "optional_at_the_start", "exp neg tanh",
    RULE ("",
          "o = { op_type = \"exp\"; required = false; child = \"a\"; }; a = { op_type = \"neg\"; "
          "child = \"b\"; }; b = { op_type = \"tanh\"; };"),
    "0 0 0" },
  { "not_included", "neg exp tanh",
    RULE ("",
          "a = { op_type = \"neg\"; included = false; child = \"b\"; }; b = { op_type = \"exp\"; "
          "child = \"c\"; }; c = { op_type = \"tanh\"; };"),
    "0 1 1" },
  { "not_included_must_be_there", "sqrt exp tanh",
    RULE ("",
          "a = { op_type = \"neg\"; included = false; child = \"b\"; }; b = { op_type = \"exp\"; "
          "child = \"c\"; }; c = { op_type = \"tanh\"; };"),
    "0 1 2" },
  { "first_option", "neg exp tanh",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"x\"; }; x = { match_first_option = [ \"b\", \"c\" "
          "]; }; b = { op_type = \"exp\"; child = \"d\"; }; c = { op_type = \"exp\"; }; "
          "d = { op_type = \"tanh\"; };"),
    "0 0 0" },
  { "second_option", "neg exp sqrt",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"x\"; }; x = { match_first_option = [ \"b\", \"c\" "
          "]; }; b = { op_type = \"exp\"; child = \"d\"; }; c = { op_type = \"exp\"; }; "
          "d = { op_type = \"tanh\"; };"),
    "0 0 1" },
  { "options_that_meet_again", "neg exp sqrt tanh",
    RULE (
        "",
        "a = { op_type = \"neg\"; child = \"x\"; }; x = { match_first_option = [ \"b\", \"c\" ]; }; "
        "b = { op_type = \"exp\"; child = \"d\"; }; c = { op_type = \"exp\"; child = \"e\"; }; "
        "e = { op_type = \"sqrt\"; child = \"d\"; }; d = { op_type = \"tanh\"; };"),
    "0 0 0 0" },
  { "higher_priority_wins", "neg exp tanh",
    "rules = ( { name = \"low\"; priority = 1; pattern = { a = { op_type = \"neg\"; child = \"b\"; "
    "}; b = { op_type = \"exp\"; }; }; }, { name = \"high\"; priority = 2; pattern = { a = { op_type "
    "= \"exp\"; child = \"b\"; }; b = { op_type = \"tanh\"; }; }; } );",
    "0 1 1" },
  { "first_of_equal_priority_wins", "neg exp tanh",
    "rules = ( { name = \"first\"; pattern = { a = { op_type = \"neg\"; child = \"b\"; "
    "}; b = { op_type = \"exp\"; }; }; }, { name = \"second\"; pattern = { a = { op_type "
    "= \"exp\"; child = \"b\"; }; b = { op_type = \"tanh\"; }; }; } );",
    "0 0 1" },
  { "rules_by_name", "neg exp tanh",
    "rules: { mine: { pattern: { a: { op_type: \"neg\"; child: \"b\"; }; b: { op_type: \"exp\"; }; "
    "}; }; };",
    "0 0 1" },
  { "join_leaves_apart_what_must_be", "layers",
    RULE (
        "heuristic = \"join\";",
        "a = { op_type = \"linear\"; child = \"b\"; }; b = { op_type = \"relu\"; child = \"c\"; }; "
        "c = { op_type = \"linear\"; };"),
    "0 0 1" },
  { "stage_is_all_or_nothing", "layers",
    RULE (
        "heuristic = \"stage\";",
        "a = { op_type = \"linear\"; child = \"b\"; }; b = { op_type = \"relu\"; child = \"c\"; }; "
        "c = { op_type = \"linear\"; };"),
    "0 1 2" },
  { "max_nodes", "neg exp tanh",
    RULE ("heuristic = { name = \"stage\"; max_nodes = 2; };",
          "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; child = \"c\"; }; "
          "c = { op_type = \"tanh\"; };"),
    "0 1 2" },
  { "grow_takes_all_below", "sqrt neg exp tanh sqrt",
    RULE ("heuristic = \"grow\";", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = "
                                   "\"@map\"; required = false; };"),
    "0 1 1 1 1" },
  { "grow_takes_all_above", "sqrt exp neg tanh",
    RULE ("heuristic = \"grow\";",
          "b = { op_type = \"@map\"; required = false; child = \"a\"; }; a = "
          "{ op_type = \"neg\"; };"),
    "0 0 0 1" },
  { "grow_stops_at_max_nodes", "neg exp tanh sqrt",
    RULE (
        "heuristic = { name = \"GROW\"; max_nodes = 3; };",
        "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"@map\"; required = false; };"),
    "0 0 0 1" },
  { "grow_from_two_nodes", "neg exp tanh neg tanh",
    RULE ("heuristic = \"grow\";",
          "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = "
          "\"exp\"; child = \"c\"; }; c = { op_type = \"tanh\"; required = "
          "false; };"),
    "0 0 0 1 2" },
};

SF_TEST_CASES (Fuse, Key, keys, G_N_ELEMENTS (keys), sf_test_row_name)
{
  const KeyCase *row = data;
  g_autoptr (SfModule) module = strcmp (row->ops, "diamond") == 0  ? diamond ()
                                : strcmp (row->ops, "layers") == 0 ? two_layers ()
                                                                   : test_chain (row->ops);
  g_autofree char *found = stages (module, row->rules);
  SF_CHECK_STR (found, row->wanted);
}

/* Between two readers of one value lies a stage that cannot join them: relu and exp are one stage
 * only if the product between them is in it as well, which it cannot be. */
SF_TEST (Fuse, RulesCloseNoCircle)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 4), NULL);
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (4, 4), NULL, NULL);
  SfValue a = sf_graph_op1 (g, "relu", x, NULL);
  SfValue m = sf_graph_op2 (g, "matmul", a, w, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (g, "add", a, m, NULL), NULL);
  g_autoptr (SfModule) module = test_module (g);
  g_autofree char *pair = stages (
      module, RULE ("", "a = { op_type = \"relu\"; child = \"b\"; }; b = { op_type = \"add\"; };"));
  SF_CHECK_STR (pair, "0 1 2");
  g_autofree char *triple = stages (
      module, RULE ("", "a = { op_type = \"relu\"; children = [ \"m\", \"b\" ]; }; m = { op_type = "
                        "\"matmul\"; child = \"b\"; }; b = { op_type = \"add\"; };"));
  SF_CHECK_STR (triple, "0 1 1");
}

/* x = neg, a = exp, y = x + a, c = tanh (x), d = a * c. With a and d as one stage there is a second
 * way from x to y, through c, which comes after y in the graph. */
SF_TEST (Fuse, StagesMakeCirclesThatNodesDoNot)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue in = sf_graph_input (g, "in", SF_F32, SF_SHAPE (4, 3), NULL);
  SfValue x = sf_graph_op1 (g, "neg", in, NULL), a = sf_graph_op1 (g, "exp", in, NULL);
  SfValue y = sf_graph_op2 (g, "add", x, a, NULL), c = sf_graph_op1 (g, "tanh", x, NULL);
  SfValue d = sf_graph_op2 (g, "mul", a, c, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  sf_graph_output (g, "d", SF_OUTPUT_PREDICTION, d, NULL);
  g_autoptr (SfModule) module = test_module (g);
  g_autofree char *found = stages (
      module,
      "rules = ( { name = \"first\"; priority = 2; pattern = { a = { op_type = \"exp\"; child = "
      "\"d\"; }; d = { op_type = \"mul\"; }; }; }, { name = \"second\"; pattern = { x = { op_type "
      "= \"neg\"; child = \"y\"; }; y = { op_type = \"add\"; }; }; } );");
  SF_CHECK_STR (found, "0 2 3 1 2");
}

/* Every match of a long chain, each a stage of its own. */
SF_TEST (Fuse, LongChains)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (4, 3), NULL);
  for (int i = 0; i < 3000; i++)
    x = sf_graph_op1 (g, i % 2 == 0 ? "neg" : "exp", x, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, x, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_fuse (
      module, RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; };"),
      NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  const SfGraph *eval = sf_module_graph (r.lowered, "eval");
  for (SfNode node = 0; node < 3000; node++)
    SF_CHECK_INT (sf_node_group (eval, node), (int32_t) node / 2);
  test_result_clear (&r);
}

/* ---- any rules ---- */

static uint32_t
below (GRand *rng, uint32_t n)
{
  return (uint32_t) g_rand_int_range (rng, 0, (gint32) n);
}

/* A pattern of 2 to 6 nodes, each below an earlier one, as text. */
static void
random_pattern (GRand *rng, GString *text)
{
  static const char *const types[] = { "@map",   "@map",         "@any",  "@any", "@reduce",
                                       "@row",   "@contraction", "@move", "add",  "reduce_sum",
                                       "matmul", "mul",          "sub" };
  uint32_t n = 2 + below (rng, 5), children[6] = { 0 };
  for (uint32_t i = 1; i < n; i++)
    for (int k = 0; k < 2; k++)
      if (k == 0 || below (rng, 3) == 0)
        children[below (rng, i)] |= 1u << i;
  for (uint32_t i = 0; i < n; i++)
    {
      const char *a = types[below (rng, G_N_ELEMENTS (types))];
      const char *b = types[below (rng, G_N_ELEMENTS (types))];
      g_string_append_printf (text, "n%u = { op_type = [ \"%s\", \"%s\" ]; children = [ ", i, a, b);
      const char *comma = "";
      for (uint32_t c = 0; c < n; c++)
        if ((children[i] >> c & 1) != 0)
          {
            g_string_append_printf (text, "%s\"n%u\"", comma, c);
            comma = ", ";
          }
      g_string_append_printf (text, " ]; %s%s}; ",
                              i > 0 && below (rng, 5) == 0 ? "required = false; " : "",
                              i > 0 && below (rng, 6) == 0 ? "included = false; " : "");
    }
}

/* Whatever rules say, each node is in a stage, and stages come after those that they read. */
SF_TEST (Fuse, AnyRulesLeaveStagesInOrder)
{
  static const char *const heuristics[] = { "join", "stage", "grow" };
  g_autofree char *path = sf_test_source_path ("apps/encoder/model.cfg");
  const char *const args[] = { "features=16", "blocks=1", NULL };
  const SfImportOptions import = { .batch_size = 4, .seed = 1, .args = args };
  g_autoptr (GRand) rng = g_rand_new_with_seed (7);
  for (int round = 0; round < 25; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfModule) module = sf_import (path, &import, &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autoptr (GString) rules = g_string_new ("rules = ( ");
      for (int i = 0; i < 4; i++)
        {
          g_string_append_printf (rules, "%s{ name = \"r%d\"; heuristic = \"%s\"; pattern = { ",
                                  i > 0 ? ", " : "", i,
                                  heuristics[below (rng, G_N_ELEMENTS (heuristics))]);
          random_pattern (rng, rules);
          g_string_append (rules, "}; }");
        }
      g_string_append (rules, " );");
      TestResult r = test_fuse (module, rules->str, NULL);
      SF_REQUIRE_NO_ERROR (r.error);
      const SfGraph *eval = sf_module_graph (r.lowered, "eval");
      for (SfNode node = 0; node < sf_graph_n_nodes (eval); node++)
        for (size_t k = 0; k < sf_node_n_inputs (eval, node); k++)
          {
            SfValue x = sf_node_input (eval, node, k);
            SfNode from = x != SF_NONE ? sf_value_producer (eval, x) : SF_NONE;
            bool view = strcmp (sf_node_op_name (eval, node), "reshape") == 0;
            SF_CHECK (view || sf_node_group (eval, node) >= 0);
            if (from != SF_NONE && !view)
              SF_CHECK (sf_node_group (eval, from) <= sf_node_group (eval, node));
          }
      test_result_clear (&r);
    }
}

/* ---- what rules tell ---- */

static char *
told (SfModule *module, const char *rules)
{
  GString *text = g_string_new (NULL);
  TestResult r = test_fuse (module, rules, text);
  SF_CHECK_NO_ERROR (r.error);
  test_result_clear (&r);
  return g_string_free (text, FALSE);
}

SF_TEST (Fuse, TellsMatchesAndMisses)
{
  g_autoptr (SfModule) module = two_layers ();
  g_autofree char *text = told (
      module,
      "rules = ( { name = \"act\"; priority = 2; pattern = { l = { op_type = \"linear\"; child = "
      "\"r\"; }; r = { op_type = \"relu\"; }; }; }, { name = \"mlp\"; pattern = { r = { op_type = "
      "\"relu\"; child = \"l\"; }; l = { op_type = \"linear\"; }; }; }, { name = \"none\"; pattern = "
      "{ a = { op_type = \"exp\"; child = \"b\"; }; b = { op_type = \"tanh\"; }; }; } );");
  SF_CHECK_STR (text, "eval: 3 nodes in 2 stages by 3 rules\n"
                      "  rule act, priority 2: 1 match\n"
                      "    stage 0: fc1 (linear), act (relu)\n"
                      "    not 1 time: node r, relu: fc2 (linear) is read by no node\n"
                      "  rule mlp, priority 0: no match\n"
                      "    not 1 time: act (relu) belongs to rule act\n"
                      "  rule none, priority 0: no match, and nothing like it in the graph\n");
}

SF_TEST (Fuse, TellsWhyStagesStayApart)
{
  g_autoptr (SfModule) module = two_layers ();
  g_autofree char *text = told (
      module,
      RULE ("", "a = { op_type = \"linear\"; child = \"b\"; }; b = { op_type = \"relu\"; child "
                "= \"c\"; }; c = { op_type = \"linear\"; };"));
  SF_CHECK_STR (text, "eval: 3 nodes in 2 stages by 1 rule\n"
                      "  rule r, priority 0: 1 match\n"
                      "    stages 0, 1: fc1 (linear), act (relu), fc2 (linear)\n"
                      "      apart: act (relu) and fc2 (linear): two of the nodes lay out the "
                      "stage\n"
                      "    not 1 time: node b, relu: fc2 (linear) is read by no node\n");
}

SF_TEST (Fuse, TellsWhereGrowthEnds)
{
  g_autoptr (SfModule) module = test_chain ("neg exp tanh softmax");
  g_autofree char *text = told (
      module,
      RULE ("heuristic = { name = \"grow\"; max_nodes = 2; };",
            "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"@map\"; required = "
            "false; };"));
  SF_CHECK (strstr (text, "rule r, priority 0: 1 match\n    stage 0: neg (neg), exp (exp)\n")
            != NULL);
  SF_CHECK (strstr (text, "not 1 time: exp (exp) is read by tanh (tanh): more than max_nodes, 2")
            != NULL);
}

/* However many there are, a rule tells of eight stages. */
SF_TEST (Fuse, TellsInFewLines)
{
  g_autoptr (GString) ops = g_string_new ("neg exp");
  for (int i = 0; i < 20; i++)
    g_string_append (ops, " neg exp neg tanh");
  g_autoptr (SfModule) module = test_chain (ops->str);
  g_autofree char *text = told (
      module, RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; };"));
  SF_CHECK (strstr (text, "r, priority 0: 21 matches\n") != NULL);
  SF_CHECK (strstr (text, "    and 13 more\n    not 20 times: node b, exp: ") != NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  SF_CHECK_INT (g_strv_length (lines), 2 + 8 + 2 + 1);
}

/* ---- the rules that come with the compiler ---- */

typedef struct
{
  const char *name;
  int train[4], eval[4]; /* stages at o1 f32, o1 bf16, o3 f32, o3 bf16: at most */
} AppCase;

/* Counted with growing rules alone, batch 32, adamw. What a batch norm does with its sums is in
 * small stages of its own, so that the large ones run over images. */
static const AppCase app_stages[] = {
  { "logreg", { 14, 18, 10, 13 }, { 8, 11, 5, 7 } },
  { "ffn_mnist", { 26, 34, 22, 29 }, { 10, 17, 7, 13 } },
  { "lenet", { 42, 54, 38, 49 }, { 14, 25, 11, 21 } },
  { "digits", { 34, 44, 30, 39 }, { 12, 21, 9, 17 } },
  { "cnn_bn", { 81, 89, 63, 78 }, { 17, 23, 13, 18 } },
  { "encoder", { 174, 209, 135, 170 }, { 49, 70, 37, 59 } },
};

static int
n_stages (const TestResult *r, const char *entry)
{
  const SfGraph *graph = sf_module_graph (r->lowered, entry);
  int n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    n = MAX (n, sf_node_group (graph, node) + 1);
  return n;
}

SF_TEST_CASES (Fuse, Apps, app_stages, G_N_ELEMENTS (app_stages), sf_test_row_name)
{
  const AppCase *row = data;
  g_autofree char *relative = g_strdup_printf ("apps/%s/model.cfg", row->name);
  g_autofree char *path = sf_test_source_path (relative);
  const SfImportOptions import = { .batch_size = 32, .seed = 1 };
  for (int i = 0; i < 4; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfModule) module = sf_import (path, &import, &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autofree char *passes = g_strdup_printf (
          "compose|autodiff|precision|simplify|legalise|simplify|legalise|fuse rules = \"o%d.cfg\";",
          i < 2 ? 1 : 3);
      SfCompileOptions options = { .precision = i % 2 == 0 ? "f32" : "bf16", .optimizer = "adamw" };
      TestResult r = test_run (module, passes, "sn10", &options);
      SF_REQUIRE_NO_ERROR (r.error);
      SF_CHECK_MSG (n_stages (&r, "train") > 0 && n_stages (&r, "train") <= row->train[i],
                    "%s: %d stages of train, wanted at most %d", passes, n_stages (&r, "train"),
                    row->train[i]);
      SF_CHECK_MSG (n_stages (&r, "eval") > 0 && n_stages (&r, "eval") <= row->eval[i],
                    "%s: %d stages of eval, wanted at most %d", passes, n_stages (&r, "eval"),
                    row->eval[i]);
      test_result_clear (&r);
    }
}
