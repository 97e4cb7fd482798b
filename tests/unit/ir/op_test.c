/* SPDX-License-Identifier: Apache-2.0 */
/* The op table: its rows, their shape rules, and that gradient rules and decompositions keep to
 * them. */
#include "core/ir/op.h"
#include "tests/unit/ir/op_cases.h"

#include <string.h>

#include "tests/support/sftest.h"

SF_TEST (OpTable, RowsAreWhole)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < sf_op_count (); i++)
    {
      const SfOp *op = sf_op_at (i);
      SF_CHECK_MSG (g_hash_table_add (names, (gpointer) op->name), "%s: twice", op->name);
      SF_CHECK_MSG (sf_op_find (op->name, NULL) == op, "%s: not found", op->name);
      SF_CHECK_MSG (op->version >= 1 && op->infer != NULL, "%s: version, rule", op->name);
      SF_CHECK_MSG (op->n_outputs <= SF_MAX_OUTPUTS && sf_op_n_attrs (op) <= SF_MAX_ATTRS,
                    "%s: too many outputs or attributes", op->name);
      SF_CHECK_MSG (strlen (op->summary) > 0, "%s: no summary", op->name);
      SF_CHECK_MSG ((op->op_class == SF_OP_COMPOSITE) == sf_op_has_decomposition (op),
                    "%s: composites decompose, others do not", op->name);
    }
}

SF_TEST (OpTable, EveryOpHasACase)
{
  for (size_t i = 0; i < sf_op_count (); i++)
    {
      const SfOp *op = sf_op_at (i);
      bool found = op->op_class == SF_OP_UNARY || op->op_class == SF_OP_BINARY;
      for (size_t c = 0; c < ir_n_good_cases; c++)
        found = found || strcmp (ir_good_cases[c].op, op->name) == 0;
      SF_CHECK_MSG (found, "%s: no case", op->name);
    }
}

SF_TEST (OpTable, EveryOpIsInTheDocs)
{
  g_autofree char *path = sf_test_source_path ("docs/ops.md");
  g_autofree char *text = NULL;
  SF_REQUIRE (g_file_get_contents (path, &text, NULL, NULL));
  for (size_t i = 0; i < sf_op_count (); i++)
    {
      g_autofree char *pattern = g_strdup_printf ("\\b%s\\b", sf_op_name (sf_op_at (i)));
      SF_CHECK_MSG (g_regex_match_simple (pattern, text, 0, 0), "%s: not in docs/ops.md",
                    sf_op_name (sf_op_at (i)));
    }
}

SF_TEST (OpTable, TellsAttributes)
{
  const SfOp *op = sf_op_find ("max_pool2d", NULL);
  const char *name, *def;
  SfAttrType type;
  SF_REQUIRE (op != NULL);
  SF_CHECK (sf_op_attr (op, 0, &name, &type, &def));
  SF_CHECK_STR (name, "kernel");
  SF_CHECK (type == SF_ATTR_INTS && def == NULL);
  SF_CHECK (sf_op_attr (op, 2, &name, &type, &def));
  SF_CHECK_STR (def, "0,0,0,0");
  SF_CHECK (!sf_op_attr (op, 5, &name, &type, &def));
}

SF_TEST_CASES (ShapeRule, Infers, ir_good_cases, ir_n_good_cases, sf_test_row_name)
{
  const IrOpCase *c = data;
  SfValue values[5];
  SfNode node;
  g_autoptr (SfGraph) graph = ir_case_graph (c, values);
  g_autoptr (GError) error = NULL;
  g_autofree char *found = ir_case_add (graph, c, values, &node);
  SF_CHECK_STR (found, c->wanted);
  SF_CHECK (sf_graph_verify (graph, &error));
  SF_CHECK_NO_ERROR (error);
}

/* A refusal says what is wrong and leaves the graph as it was. */
SF_TEST_CASES (ShapeRule, Refuses, ir_bad_cases, ir_n_bad_cases, sf_test_row_name)
{
  const IrOpCase *c = data;
  SfValue values[5];
  SfNode node;
  g_autoptr (SfGraph) graph = ir_case_graph (c, values);
  g_autoptr (GError) error = NULL;
  g_autofree char *before = sf_graph_text (graph);
  g_autofree char *found = ir_case_add (graph, c, values, &node);
  g_autofree char *after = sf_graph_text (graph);
  SF_CHECK_STR (found, c->wanted);
  SF_CHECK_STR (after, before);
  SF_CHECK (sf_graph_verify (graph, &error));
  SF_CHECK_NO_ERROR (error);
}

/* Each composite decomposes, down to primitives, to values of the dtypes and shapes that it has
 * itself. */
SF_TEST_CASES (Decomposition, KeepsTypes, ir_good_cases, ir_n_good_cases, sf_test_row_name)
{
  const IrOpCase *c = data;
  SfValue values[5], outputs[SF_MAX_OUTPUTS];
  SfNode node;
  g_autoptr (SfGraph) from = ir_case_graph (c, values);
  g_autoptr (SfGraph) to = sf_graph_new ("to");
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autofree char *types = ir_case_add (from, c, values, &node);
  SF_REQUIRE (node != SF_NONE);
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from));
  SF_REQUIRE (sf_graph_copy_interface (to, from, map, &error));
  bool ok = sf_graph_decompose (to, from, node, map, outputs, &error);
  if (!sf_op_has_decomposition (sf_node_op (from, node)))
    {
      SF_CHECK (!ok);
      SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "the op has no decomposition");
      return;
    }
  SF_REQUIRE_NO_ERROR (error);
  for (size_t k = 0; k < sf_node_n_outputs (from, node); k++)
    {
      SfValue old = sf_node_output (from, node, k);
      SF_REQUIRE (outputs[k] != SF_NONE);
      SF_CHECK (sf_shape_equal (sf_value_shape (to, outputs[k]), sf_value_shape (from, old)));
      SF_CHECK_INT (sf_value_dtype (to, outputs[k]), sf_value_dtype (from, old));
      SF_CHECK_INT (sf_value_origin (to, outputs[k]), old);
    }
  for (SfNode n = 0; n < sf_graph_n_nodes (to); n++)
    SF_CHECK_MSG (strcmp (sf_node_op_name (to, n), c->op) != 0, "%s decomposes to itself", c->op);
  SF_CHECK (sf_graph_verify (to, &error));
  SF_CHECK_NO_ERROR (error);
}

/* Gradients by every float input have that input's dtype and shape. */
SF_TEST_CASES (Gradient, KeepsTypes, ir_good_cases, ir_n_good_cases, sf_test_row_name)
{
  const IrOpCase *c = data;
  SfValue values[5], wrt[5], grads[5];
  SfNode node;
  size_t n = 0;
  g_autoptr (SfGraph) graph = ir_case_graph (c, values);
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autofree char *types = ir_case_add (graph, c, values, &node);
  SF_REQUIRE (node != SF_NONE);
  const SfOp *op = sf_node_op (graph, node);
  for (int i = 0; i < c->n_inputs; i++)
    if (sf_dtype_is_float (c->inputs[i].dtype))
      wrt[n++] = values[i];
  if (n == 0 || !sf_op_has_gradient (op))
    return;
  SfValue loss = sf_graph_op1 (graph, "reduce_sum", sf_node_output (graph, node, 0), &error);
  SF_CHECK (sf_graph_differentiate (graph, loss, wrt, n, grads, &error));
  SF_REQUIRE_NO_ERROR (error);
  for (size_t i = 0; i < n; i++)
    if (grads[i] != SF_NONE)
      {
        SF_CHECK (
            sf_shape_equal (sf_value_shape (graph, grads[i]), sf_value_shape (graph, wrt[i])));
        SF_CHECK_INT (sf_value_dtype (graph, grads[i]), sf_value_dtype (graph, wrt[i]));
      }
  SF_CHECK (grads[0] != SF_NONE || strcmp (c->op, "select") == 0);
  SF_CHECK (sf_graph_verify (graph, &error));
  SF_CHECK_NO_ERROR (error);
}
