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

SF_TEST (Graph, NamesAreUnique)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2));
  SfValue plain = sf_graph_op1 (g, "exp", x, &error);
  sf_graph_set_scope (g, "exp.2");
  SfValue taken = sf_graph_op1 (g, "exp", x, &error);
  sf_graph_set_scope (g, NULL);
  SfValue next = sf_graph_op1 (g, "exp", x, &error);
  SF_CHECK_STR (sf_value_name (g, plain), "exp");
  SF_CHECK_STR (sf_value_name (g, taken), "exp.2");
  SF_CHECK_STR (sf_value_name (g, next), "exp.3");
  sf_graph_set_node_name (g, sf_value_producer (g, next), "exp");
  SF_CHECK_STR (sf_value_name (g, next), "exp.4");
  SF_CHECK (sf_graph_verify (g, &error));
  SF_CHECK_NO_ERROR (error);
}

/* What is borrowed from a graph stays valid while the graph grows. */
SF_TEST (Graph, BorrowedPointersStay)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2, 3));
  SfNode node = sf_graph_add (g, "reduce_sum", &x, 1,
                              (SfAttr[]){ SF_ATTR_IS ("axes", ((const int64_t[]){ 1 }), 1) }, 1,
                              NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfShape *shape = sf_value_shape (g, x);
  const int64_t *axes = sf_node_attr_ints (g, node, "axes", NULL);
  for (int i = 0; i < 20000; i++)
    x = sf_graph_op1 (g, "neg", x, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_value_shape (g, 0) == shape && shape->dim[1] == 3);
  SF_CHECK (sf_node_attr_ints (g, node, "axes", NULL) == axes && axes[0] == 1);
  SF_CHECK_STR (sf_value_name (g, x), "neg.20000");
}

SF_TEST (Graph, MultipleOutputsPrintTogether)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue in[3], out[3];
  in[0] = ir_input (g, "x", SF_BF16, SF_SHAPE (2, 3));
  in[1] = ir_input (g, "gamma", SF_F32, SF_SHAPE (3));
  in[2] = ir_input (g, "beta", SF_F32, SF_SHAPE (3));
  sf_graph_add (g, "layer_norm", in, 3, NULL, 0, out, &error);
  sf_graph_add (g, "send", &out[1], 1, (SfAttr[]){ SF_ATTR_I ("peer", 2) }, 1, NULL, &error);
  sf_graph_constant (g, SF_I32, SF_SHAPE (2), (const int32_t[]){ -1, 7 }, &error);
  sf_graph_constant_f (g, SF_F32, 0.1, &error);
  sf_graph_scalar (g, "lr", SF_F32, sf_shape_scalar (), &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_value_name (g, out[2]), "layer_norm:2");
  g_autofree char *text = sf_graph_text (g);
  SF_CHECK_STR (text, "graph t\n"
                      "  %0 = input x bf16 [2,3]\n"
                      "  %1 = input gamma f32 [3]\n"
                      "  %2 = input beta f32 [3]\n"
                      "  %3, %4, %5 = layer_norm (%0, %1, %2) {axis=1} bf16 [2,3], f32 [2], f32 "
                      "[2]  # layer_norm fwd\n"
                      "  send (%4) {peer=2}  # send fwd\n"
                      "  %6 = constant i32 [2] -1 7\n"
                      "  %7 = constant f32 [] 0.1\n"
                      "  %8 = scalar lr f32 []\n");
  SF_CHECK (sf_graph_verify (g, &error));
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Graph, OptionalInputs)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2, 3));
  SfValue w = ir_input (g, "w", SF_F32, SF_SHAPE (5, 3));
  SfValue y = sf_graph_op3 (g, "linear", x, w, SF_NONE, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (sf_node_n_inputs (g, sf_value_producer (g, y)), 2);
  SF_CHECK_INT (sf_graph_op3 (g, "linear", x, SF_NONE, SF_NONE, &error), SF_NONE);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "linear: input 1 is absent, wanted a value");
  SF_CHECK_INT (sf_graph_op2 (g, "linear", x, 77, &error), SF_NONE);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "linear: input 1 is value 77, wanted one of the graph's 3 values");
}

SF_TEST (Graph, RefusesDeclarations)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2));
  SF_CHECK_INT (sf_graph_state (g, "x", SF_STATE_PARAM, SF_F32, SF_SHAPE (2), NULL, &error),
                SF_NONE);
  SF_CHECK_ERROR (error, SF_ERROR_EXISTS, "x: graph t has an input, state or scalar of this name");
  SF_CHECK_INT (sf_graph_input (g, "", SF_F32, SF_SHAPE (2), &error), SF_NONE);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "graph t: a value has an empty name");
  SF_CHECK_INT (sf_graph_input (g, "y", SF_F32, SF_SHAPE (-2), &error), SF_NONE);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "y: dimension 0 is -2, wanted 0 or more");
  SfValue lr = sf_graph_scalar (g, "lr", SF_F32, sf_shape_scalar (), &error);
  SF_CHECK_INT (sf_graph_scalar (g, "lr", SF_F32, sf_shape_scalar (), &error), lr);
  SF_CHECK_INT (sf_graph_scalar (g, "lr", SF_I32, sf_shape_scalar (), &error), SF_NONE);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "scalar lr: asked for as i32 [], but it is f32 []");
  SF_CHECK (!sf_graph_output (g, "loss", SF_OUTPUT_LOSS, x, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "output loss: the loss is f32 [2], wanted a scalar of f32 or f64");
  SF_CHECK (sf_graph_output (g, "y", SF_OUTPUT_OTHER, x, &error));
  SF_CHECK (!sf_graph_output (g, "y", SF_OUTPUT_OTHER, x, &error));
  SF_CHECK_ERROR (error, SF_ERROR_EXISTS, "output y: graph t has one of this name already");
  SF_CHECK (!sf_graph_set_dtype (g, x, SF_BF16, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "x: is not the result of a node");
}

SF_TEST (Graph, RefusesUpdates)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2));
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (3), NULL, &error);
  SfValue next = sf_graph_op1 (g, "neg", w, &error);
  SF_CHECK (!sf_graph_set_update (g, x, next, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "graph t: value 0 is not a state");
  SF_CHECK (!sf_graph_set_update (g, w, x, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "w: its update x is f32 [2], wanted f32 [3]");
  SF_CHECK (sf_graph_set_update (g, w, next, &error));
  SF_CHECK (!sf_graph_set_update (g, w, next, &error));
  SF_CHECK_ERROR (error, SF_ERROR_EXISTS, "w: has an update already");
  SF_CHECK_INT (sf_value_update (g, w), next);
  SF_CHECK_INT (sf_value_n_users (g, next), 1);
}

SF_TEST (Graph, OnlyParametersFreeze)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (2), NULL);
  SfValue w = sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (2), NULL, NULL);
  SfValue mean = sf_graph_state (g, "mean", SF_STATE_STATISTIC, SF_F32, SF_SHAPE (2), NULL, NULL);
  SF_CHECK (sf_graph_freeze (g, w, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (sf_value_state_kind (g, w), SF_STATE_FROZEN);
  g_autofree char *text = sf_graph_text (g);
  SF_CHECK (strstr (text, "state w frozen f32 [2]") != NULL);
  const SfValue others[] = { x, mean, w, 99 };
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    {
      SF_CHECK (!sf_graph_freeze (g, others[i], &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "is not a parameter");
    }
}
