/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts of small graphs, worked out by hand. */
#include "tests/passes/passes.h"

#define TO_GROUPS "autodiff|legalise|fuse"
#define SEARCH3   "|section method = \"search\"; max_groups = 3;"
#define ROWS      64
#define COLUMNS   4096

static SfValue
op1 (SfGraph *g, const char *op, SfValue a)
{
  return sf_graph_op1 (g, op, a, NULL);
}

static SfValue
sum_rows (SfGraph *g, SfValue a)
{
  static const int64_t axes[] = { 1 };
  SfAttr attrs[] = { SF_ATTR_IS ("axes", axes, 1), SF_ATTR_B ("keepdims", true) };
  return sf_graph_op (g, "reduce_sum", &a, 1, attrs, 2, NULL);
}

/* Section of the producer of each node named `names[i]`; -2: there is none of that name. */
static void
check_sections (const SfGraph *graph, const char *const *names, const int32_t *wanted, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      int32_t found = -2;
      for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
        if (g_str_equal (sf_node_name (graph, node), names[i]))
          found = sf_node_section (graph, node);
      SF_CHECK_MSG (found == wanted[i], "%s: section %d, wanted %d", names[i], found, wanted[i]);
    }
}

/* Five stages, three at most in a section: two sections are least (a load is 12,500 cycles on sn10,
 * and more sections store more). They are cut after the second or after the third. Between the
 * second and the third passes a column of 64 sums, 256 bytes; between the third and the fourth the
 * whole matrix, 1 MiB, once out and once in: 2 MiB at 128 GB/s and 1.25 GHz are 20,480 cycles more.
 * The first three stages, which is what fits when taken in order, are the wrong cut. */
SF_TEST (SectionSearch, ChainIsCutWhereLeastPasses)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (ROWS, COLUMNS), NULL);
  SfValue z = sf_graph_input (g, "z", SF_F32, SF_SHAPE (ROWS, COLUMNS), NULL);
  sf_graph_set_scope (g, "one");
  SfValue a = op1 (g, "exp", x);
  sf_graph_set_scope (g, "two");
  SfValue b = sum_rows (g, a);
  sf_graph_set_scope (g, "three");
  SfValue c = sf_graph_op2 (g, "mul", b, z, NULL);
  sf_graph_set_scope (g, "four");
  SfValue d = op1 (g, "tanh", c);
  sf_graph_set_scope (g, "five");
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, op1 (g, "neg", d), NULL);
  g_autoptr (SfModule) module = test_module (g);
  static const char *const names[] = { "one", "two", "three", "four", "five" };
  TestResult searched = test_run (module, TO_GROUPS SEARCH3, "sn10", NULL);
  SF_REQUIRE_NO_ERROR (searched.error);
  check_sections (sf_module_graph (searched.lowered, "eval"), names,
                  (const int32_t[]){ 0, 0, 1, 1, 1 }, 5);
  TestResult greedy = test_run (module, TO_GROUPS "|section max_groups = 3;", "sn10", NULL);
  SF_REQUIRE_NO_ERROR (greedy.error);
  check_sections (sf_module_graph (greedy.lowered, "eval"), names,
                  (const int32_t[]){ 0, 0, 0, 1, 1 }, 5);
  test_result_clear (&searched);
  test_result_clear (&greedy);
}

/* fork -> left -> left_sum -> join, fork -> right -> right_sum -> join, written side by side. Three
 * at most in a section, so two sections of three. In the source's order the cut lies between left
 * and left_sum as well as between right and right_sum: two matrices of 1 MiB pass. With one way
 * after the other fork's column and left's sums pass, 512 bytes. Only an order other than the
 * source's has that cut. */
SF_TEST (SectionSearch, DiamondIsCutOneWayAfterTheOther)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (ROWS, 1), NULL);
  SfValue u = sf_graph_input (g, "u", SF_F32, SF_SHAPE (ROWS, COLUMNS), NULL);
  SfValue v = sf_graph_input (g, "v", SF_F32, SF_SHAPE (ROWS, COLUMNS), NULL);
  sf_graph_set_scope (g, "fork");
  SfValue fork = op1 (g, "exp", x);
  sf_graph_set_scope (g, "left");
  SfValue left = sf_graph_op2 (g, "mul", fork, u, NULL);
  sf_graph_set_scope (g, "right");
  SfValue right = sf_graph_op2 (g, "add", fork, v, NULL);
  sf_graph_set_scope (g, "left_sum");
  SfValue left_sum = sum_rows (g, left);
  sf_graph_set_scope (g, "right_sum");
  SfValue right_sum = sum_rows (g, right);
  sf_graph_set_scope (g, "join");
  SfValue join = sf_graph_op2 (g, "sub", left_sum, right_sum, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, join, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (module, TO_GROUPS SEARCH3, "sn10", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  const SfGraph *eval = sf_module_graph (r.lowered, "eval");
  static const char *const ends[] = { "fork", "join" };
  check_sections (eval, ends, (const int32_t[]){ 0, 1 }, 2);
  int32_t section[4];
  static const char *const ways[] = { "left", "left_sum", "right", "right_sum" };
  for (int i = 0; i < 4; i++)
    for (SfNode node = 0; node < sf_graph_n_nodes (eval); node++)
      if (g_str_equal (sf_node_name (eval, node), ways[i]))
        section[i] = sf_node_section (eval, node);
  SF_CHECK_INT (section[0], section[1]);
  SF_CHECK_INT (section[2], section[3]);
  SF_CHECK_INT (section[0] + section[2], 1);
  test_result_clear (&r);
}

/* Groups are numbered so that each comes after those that it reads, and sections after those they
 * read, whatever order was chosen. */
static void
check_order (const SfGraph *graph)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    for (size_t i = 0; sf_node_group (graph, node) >= 0 && i < sf_node_n_inputs (graph, node); i++)
      {
        SfValue x = sf_node_input (graph, node, i);
        SfNode maker = x == SF_NONE ? SF_NONE : sf_value_producer (graph, x);
        if (maker == SF_NONE || sf_node_group (graph, maker) < 0)
          continue;
        SF_CHECK (sf_node_group (graph, maker) <= sf_node_group (graph, node));
        SF_CHECK (sf_node_section (graph, maker) <= sf_node_section (graph, node));
      }
}

/* Twelve equal layers on a machine that holds about two of them. */
SF_TEST (SectionSearch, EqualLayersAreCutAlike)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (8, 256), NULL);
  for (int i = 0; i < 12; i++)
    {
      g_autofree char *scope = g_strdup_printf ("layer%d", i),
                      *w1 = g_strdup_printf ("%s.a", scope), *w2 = g_strdup_printf ("%s.b", scope);
      sf_graph_set_scope (g, scope);
      SfValue a = sf_graph_state (g, w1, SF_STATE_PARAM, SF_F32, SF_SHAPE (256, 256), NULL, NULL);
      SfValue b = sf_graph_state (g, w2, SF_STATE_PARAM, SF_F32, SF_SHAPE (256, 256), NULL, NULL);
      SfValue h = op1 (g, "tanh", sf_graph_op2 (g, "matmul", x, a, NULL));
      x = sf_graph_op2 (g, "add", x, sf_graph_op2 (g, "matmul", h, b, NULL), NULL);
    }
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, x, NULL);
  g_autoptr (SfModule) module = test_module (g);
  TestResult r = test_run (
      module, TO_GROUPS "|section method = \"search\"; max_groups = 1000;|tile", "tiny", NULL);
  SF_REQUIRE_NO_ERROR (r.error);
  check_order (sf_module_graph (r.lowered, "eval"));
  size_t launches = sf_entry_n_launches (r.program, 0), configs = sf_program_n_configs (r.program);
  SF_CHECK_MSG (launches > configs && configs <= 4, "%zu launches of %zu configs", launches,
                configs);
  test_result_clear (&r);
}

/* A pipeline that leaves out what others build on is refused. */
SF_TEST (Section, NeedsTheSource)
{
  g_autoptr (SfModule) module = test_logreg ();
  TestResult r = test_run (module, "legalise|fuse|section|tile", "sn10", NULL);
  SF_REQUIRE (r.error != NULL);
  SF_CHECK_MSG (strstr (r.error->message, "the pipeline needs the pass autodiff") != NULL, "%s",
                r.error->message);
  test_result_clear (&r);
}
