/* SPDX-License-Identifier: Apache-2.0 */
/* No op is left out: every row of the op table has the cases that its columns call for. */
#include "tests/ops/compare.h"
#include "tests/support/sftest.h"

/* Ops whose decomposition is compared on random data: those in the gradient graph of some smooth
 * case, and those of a random case that has no gradient. */
static GHashTable *
ops_compared (void)
{
  GHashTable *seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < op_case_count (); i++)
    {
      const OpCase *c = op_case_at (i);
      g_auto (CaseGraph) g = { 0 };
      if (c->want[0].type == CASE_ABSENT)
        g_hash_table_add (seen, (gpointer) c->op);
      if (!op_case_is_smooth (c) || !op_case_graph (c, SF_F64, &g, NULL)
          || !op_case_differentiate (c, &g, NULL))
        continue;
      for (SfNode node = 0; node < sf_graph_n_nodes (g.graph); node++)
        g_hash_table_add (seen, (gpointer) sf_node_op_name (g.graph, node));
    }
  return seen;
}

SF_TEST (OpsCoverage, EveryOpHasItsCases)
{
  g_autoptr (GHashTable) compared = ops_compared ();
  for (size_t i = 0; i < sf_op_count (); i++)
    {
      const SfOp *op = sf_op_at (i);
      if (sf_op_class (op) == SF_OP_COLLECTIVE)
        continue;
      bool answered = false, smooth = false;
      for (size_t k = 0; k < op_case_count (); k++)
        if (g_str_equal (op_case_at (k)->op, sf_op_name (op)))
          {
            answered = answered || op_case_at (k)->want[0].type != CASE_ABSENT;
            smooth = smooth || op_case_is_smooth (op_case_at (k));
          }
      SF_CHECK_MSG (answered, "%s: no case with a hand-computed answer; add one to cases_*.c",
                    sf_op_name (op));
      SF_CHECK_MSG (smooth || !sf_op_has_gradient (op),
                    "%s: no random case for its gradient; add one to random_*.c", sf_op_name (op));
      SF_CHECK_MSG (
          g_hash_table_contains (compared, sf_op_name (op)) || !sf_op_has_decomposition (op),
          "%s: its decomposition is in no random case; add one to random_*.c", sf_op_name (op));
    }
}

SF_TEST (OpsCoverage, EveryCaseNamesAnOp)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < op_case_count (); i++)
    {
      const OpCase *c = op_case_at (i);
      g_autoptr (GError) error = NULL;
      sf_op_find (c->op, &error);
      SF_CHECK_NO_ERROR (error);
      SF_CHECK_MSG (g_hash_table_add (names, (gpointer) c->name), "two cases are called %s",
                    c->name);
    }
}
