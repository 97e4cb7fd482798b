/* SPDX-License-Identifier: Apache-2.0 */
/* Building and reading graphs. */
#include "tests/unit/ir/ir_support.h"

#include "tests/support/sftest.h"

SF_TEST (Graph, BuildsAndReads)
{
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_graph_verify (g, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (sf_graph_n_nodes (g), 4);
  SF_CHECK_INT (sf_graph_n_values (g), 10);
  SF_CHECK_INT (sf_graph_n_inputs (g), 2);
  SF_CHECK_INT (sf_graph_n_states (g), 4);
  SF_CHECK_INT (sf_graph_n_outputs (g), 2);
  SF_CHECK_STR (sf_node_name (g, 0), "fc1");
  SF_CHECK_STR (sf_node_name (g, 1), "fc1.2");
  SF_CHECK_STR (sf_node_op_name (g, 1), "relu");
  SF_CHECK_STR (sf_value_name (g, mlp.params[2]), "fc2.weight");
  SF_CHECK_STR (sf_value_name (g, mlp.logits), "fc2");
  SF_CHECK_INT (sf_value_n_users (g, mlp.logits), 2);
  SF_CHECK_INT (sf_value_producer (g, mlp.logits), 2);
  SF_CHECK_INT (sf_value_producer (g, mlp.params[0]), SF_NONE);
  SF_CHECK_INT (sf_graph_find (g, "labels"), sf_graph_input_at (g, 1));
  SF_CHECK_INT (sf_graph_find (g, "fc1"), SF_NONE);
  SF_CHECK_INT (sf_node_input (g, 0, 2), mlp.params[1]);
  SF_CHECK_INT (sf_node_input (g, 0, 3), SF_NONE);
}

SF_TEST (Graph, TextForm)
{
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  g_autofree char *text = sf_graph_text (g);
  SF_CHECK_STR (text, "graph mlp\n"
                      "  %0 = input x f32 [4,3]\n"
                      "  %1 = input labels i32 [4]\n"
                      "  %2 = state fc1.weight param f32 [5,3]\n"
                      "  %3 = state fc1.bias param f32 [5]\n"
                      "  %4 = state fc2.weight param f32 [2,5]\n"
                      "  %5 = state fc2.bias param f32 [2]\n"
                      "  %6 = linear (%0, %2, %3) f32 [4,5]  # fc1 fwd\n"
                      "  %7 = relu (%6) f32 [4,5]  # fc1.2 fwd\n"
                      "  %8 = linear (%7, %4, %5) f32 [4,2]  # fc2 fwd\n"
                      "  %9 = softmax_ce (%8, %1) f32 []  # loss fwd\n"
                      "  output logits prediction = %8\n"
                      "  output loss loss = %9\n");
}

SF_TEST (Graph, DifferentiatesMlp)
{
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  g_autoptr (GError) error = NULL;
  SfValue grads[4];
  SF_CHECK (sf_graph_differentiate (g, mlp.loss, mlp.params, 4, grads, &error));
  SF_REQUIRE_NO_ERROR (error);
  for (size_t i = 0; i < 4; i++)
    SF_CHECK (sf_shape_equal (sf_value_shape (g, grads[i]), sf_value_shape (g, mlp.params[i])));
  SF_CHECK (sf_graph_verify (g, &error));
  SF_CHECK_NO_ERROR (error);
}
