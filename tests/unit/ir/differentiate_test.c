/* SPDX-License-Identifier: Apache-2.0 */
/* The reverse sweep: what it adds, what it leaves out, what it refuses. Values of gradients are
 * checked in tests/ops. */
#include "tests/unit/ir/ir_support.h"

#include "tests/support/sftest.h"

static SfGraph *
new_graph (SfValue *x)
{
  SfGraph *g = sf_graph_new ("t");
  *x = ir_input (g, "x", SF_F32, SF_SHAPE (2));
  return g;
}

static SfValue
sum (SfGraph *g, SfValue v)
{
  g_autoptr (GError) error = NULL;
  SfValue total = sf_graph_op1 (g, "reduce_sum", v, &error);
  SF_CHECK_NO_ERROR (error);
  return total;
}

SF_TEST (Differentiate, AccumulatesByAdd)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grad;
  g_autoptr (SfGraph) g = new_graph (&x);
  SfValue y = sf_graph_op2 (g, "mul", sf_graph_op1 (g, "exp", x, &error), x, &error);
  SfValue loss = sum (g, y);
  SF_CHECK (sf_graph_differentiate (g, loss, &x, 1, &grad, &error));
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *text = sf_graph_text (g);
  SF_CHECK_STR (text, "graph t\n"
                      "  %0 = input x f32 [2]\n"
                      "  %1 = exp (%0) f32 [2]  # exp fwd\n"
                      "  %2 = mul (%1, %0) f32 [2]  # mul fwd\n"
                      "  %3 = reduce_sum (%2) {axes=[0]} f32 []  # reduce_sum fwd\n"
                      "  %4 = constant f32 [] 1\n"
                      "  %5 = reshape (%4) {shape=[1]} f32 [1]  # reduce_sum.bwd bwd\n"
                      "  %6 = broadcast (%5) {shape=[2]} f32 [2]  # reduce_sum.bwd.2 bwd\n"
                      "  %7 = mul (%6, %0) f32 [2]  # mul.bwd bwd\n"
                      "  %8 = mul (%6, %1) f32 [2]  # mul.bwd.2 bwd\n"
                      "  %9 = mul (%7, %1) f32 [2]  # exp.bwd bwd\n"
                      "  %10 = add (%8, %9) f32 [2]  # exp.bwd.2 bwd\n");
  SF_CHECK_INT (grad, 10);
}

SF_TEST (Differentiate, SkipsWhatIsNotWanted)
{
  g_autoptr (GError) error = NULL;
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  size_t before = sf_graph_n_nodes (g);
  SfValue grad, wrt = mlp.params[3];
  SF_CHECK (sf_graph_differentiate (g, mlp.loss, &wrt, 1, &grad, &error));
  SF_REQUIRE_NO_ERROR (error);
  /* Nothing behind fc2 is needed for the bias of fc2. */
  for (size_t n = before; n < sf_graph_n_nodes (g); n++)
    SF_CHECK_MSG (!g_str_has_prefix (sf_node_name (g, (SfNode) n), "fc1"), "%s",
                  sf_node_name (g, (SfNode) n));
  for (size_t n = before; n < sf_graph_n_nodes (g); n++)
    SF_CHECK_INT (sf_node_phase (g, (SfNode) n), SF_PHASE_BWD);
}

SF_TEST (Differentiate, IndependentValueHasNone)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grads[2];
  g_autoptr (SfGraph) g = new_graph (&x);
  SfValue other = ir_input (g, "other", SF_F32, SF_SHAPE (2));
  SfValue loss = sum (g, x);
  SF_CHECK (sf_graph_differentiate (g, loss, (SfValue[]){ other, x }, 2, grads, &error));
  SF_CHECK_INT (grads[0], SF_NONE);
  SF_CHECK (grads[1] != SF_NONE);
  size_t n = sf_graph_n_values (g);
  SF_CHECK (sf_graph_differentiate (g, loss, &other, 1, grads, &error));
  SF_CHECK_INT (grads[0], SF_NONE);
  SF_CHECK_INT (sf_graph_n_values (g), n);
}

SF_TEST (Differentiate, LossByItselfIsOne)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grad;
  g_autoptr (SfGraph) g = new_graph (&x);
  SfValue loss = sum (g, x);
  SF_CHECK (sf_graph_differentiate (g, loss, &loss, 1, &grad, &error));
  SF_REQUIRE (grad != SF_NONE);
  SF_CHECK_INT (sf_value_kind (g, grad), SF_VALUE_CONSTANT);
  SF_CHECK (*(const float *) sf_value_data (g, grad) == 1.0f);
}

SF_TEST (Differentiate, IntegersCutTheWay)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grad;
  g_autoptr (SfGraph) g = new_graph (&x);
  SfValue i = sf_graph_op (g, "cast", &x, 1, (SfAttr[]){ SF_ATTR_D ("dtype", SF_I32) }, 1, &error);
  SfValue f = sf_graph_op (g, "cast", &i, 1, (SfAttr[]){ SF_ATTR_D ("dtype", SF_F32) }, 1, &error);
  SfValue loss = sum (g, f);
  SF_CHECK (sf_graph_differentiate (g, loss, &x, 1, &grad, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (grad, SF_NONE);
}

SF_TEST (Differentiate, RefusesOpsWithoutGradient)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grad;
  g_autoptr (SfGraph) g = new_graph (&x);
  sf_graph_set_scope (g, "second");
  SfValue loss = sum (g, sf_graph_op2 (g, "relu_bwd", x, x, &error));
  g_autofree char *before = sf_graph_text (g);
  SF_CHECK (!sf_graph_differentiate (g, loss, &x, 1, &grad, &error));
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "second (relu_bwd): the op has no gradient");
  g_autofree char *after = sf_graph_text (g);
  SF_CHECK_STR (after, before);
}

SF_TEST (Differentiate, RefusesWhatIsNoScalar)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grad;
  g_autoptr (SfGraph) g = new_graph (&x);
  SfValue labels = ir_input (g, "labels", SF_I32, SF_SHAPE (2));
  SF_CHECK (!sf_graph_differentiate (g, x, &x, 1, &grad, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "x: is f32 [2], wanted a float scalar");
  SfValue loss = sum (g, x);
  SF_CHECK (!sf_graph_differentiate (g, loss, &labels, 1, &grad, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "labels: is i32, only float values have gradients");
}

/* bf16 activations between f32 parameters: each gradient has its value's dtype. */
SF_TEST (Differentiate, MixedStorage)
{
  g_autoptr (GError) error = NULL;
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  SfValue hidden = sf_node_output (g, 1, 0), wrt[2] = { mlp.params[0], hidden }, grads[2];
  SF_CHECK (sf_graph_set_dtype (g, hidden, SF_BF16, &error));
  SF_CHECK (sf_graph_differentiate (g, mlp.loss, wrt, 2, grads, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (sf_value_dtype (g, grads[0]), SF_F32);
  SF_CHECK_INT (sf_value_dtype (g, grads[1]), SF_BF16);
  SF_CHECK (sf_graph_verify (g, &error));
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Differentiate, RestoresPhaseAndScope)
{
  g_autoptr (GError) error = NULL;
  SfValue x, grad;
  g_autoptr (SfGraph) g = new_graph (&x);
  SfValue loss = sum (g, x);
  sf_graph_set_scope (g, "after");
  sf_graph_set_phase (g, SF_PHASE_OPT);
  SF_CHECK (sf_graph_differentiate (g, loss, &x, 1, &grad, &error));
  SfValue y = sf_graph_op1 (g, "neg", grad, &error);
  SF_CHECK_STR (sf_value_name (g, y), "after");
  SF_CHECK_INT (sf_node_phase (g, sf_value_producer (g, y)), SF_PHASE_OPT);
}
