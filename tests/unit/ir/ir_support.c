/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs that several tests of core/ir begin with. */
#include "tests/unit/ir/ir_support.h"

#include "tests/support/sftest.h"

SfValue
ir_input (SfGraph *graph, const char *name, SfDtype dtype, SfShape shape)
{
  g_autoptr (GError) error = NULL;
  SfValue value = sf_graph_input (graph, name, dtype, shape, &error);
  SF_CHECK_NO_ERROR (error);
  return value;
}

IrMlp
ir_mlp (void)
{
  g_autoptr (GError) error = NULL;
  IrMlp mlp = { .graph = sf_graph_new ("mlp") };
  SfGraph *g = mlp.graph;
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (4, 3));
  SfValue labels = ir_input (g, "labels", SF_I32, SF_SHAPE (4));
  static const char *const names[] = { "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias" };
  const SfShape shapes[] = { SF_SHAPE (5, 3), SF_SHAPE (5), SF_SHAPE (2, 5), SF_SHAPE (2) };
  for (size_t i = 0; i < 4; i++)
    mlp.params[i] = sf_graph_state (g, names[i], SF_STATE_PARAM, SF_F32, shapes[i], NULL, &error);
  sf_graph_set_scope (g, "fc1");
  SfValue h = sf_graph_op3 (g, "linear", x, mlp.params[0], mlp.params[1], &error);
  h = sf_graph_op1 (g, "relu", h, &error);
  sf_graph_set_scope (g, "fc2");
  mlp.logits = sf_graph_op3 (g, "linear", h, mlp.params[2], mlp.params[3], &error);
  sf_graph_set_scope (g, "loss");
  mlp.loss = sf_graph_op2 (g, "softmax_ce", mlp.logits, labels, &error);
  sf_graph_set_scope (g, NULL);
  sf_graph_output (g, "logits", SF_OUTPUT_PREDICTION, mlp.logits, &error);
  sf_graph_output (g, "loss", SF_OUTPUT_LOSS, mlp.loss, &error);
  SF_CHECK_NO_ERROR (error);
  return mlp;
}
