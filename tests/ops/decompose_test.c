/* SPDX-License-Identifier: Apache-2.0 */
/* Composites against their decompositions: values, gradients and the dtypes of both. */
#include "tests/ops/compare.h"
#include "tests/support/sftest.h"

static const SfOp *
op_of (const OpCase *c)
{
  g_autoptr (GError) error = NULL;
  return sf_op_find (c->op, &error);
}

static bool
is_composite (const OpCase *c)
{
  return op_of (c) != NULL && sf_op_has_decomposition (op_of (c));
}

static bool
is_float_composite (const OpCase *c)
{
  return is_composite (c) && op_case_allows (c, SF_BF16);
}

static bool
is_composite_with_gradient (const OpCase *c)
{
  return is_composite (c) && op_case_is_smooth (c);
}

static double
tolerance (SfDtype t)
{
  switch (t)
    {
    case SF_F64:
      return 1e-10;
    case SF_F32:
      return 1e-6;
    case SF_F16:
      return 0x1p-10; /* one unit in the last place: between the parts nothing is rounded */
    case SF_BF16:
      return 0x1p-7;
    default:
      return 0;
    }
}

/* Outputs and gradients of a case graph, in one list. */
static size_t
results (const CaseGraph *g, bool outputs, SfValue *to)
{
  size_t n = 0;
  for (size_t k = 0; k < g->n_out && outputs; k++)
    to[n++] = g->out[k];
  for (size_t i = 0; i < g->n_in; i++)
    if (g->grad[i] != SF_NONE)
      to[n++] = g->grad[i];
  return n;
}

#define MAX_RESULTS (CASE_MAX_OUTPUTS + CASE_MAX_INPUTS)

/* Both graphs on the same data: dtypes, shapes and values of their results agree. */
static void
check_within (const OpCase *c, SfDtype t, const CaseGraph *a, const CaseGraph *b, bool outputs,
              double limit)
{
  g_autoptr (GError) error = NULL;
  SfValue of_a[MAX_RESULTS], of_b[MAX_RESULTS];
  size_t n = results (a, outputs, of_a);
  SF_REQUIRE_MSG (n == results (b, outputs, of_b), "the decomposition has other gradients");
  double *data[CASE_MAX_INPUTS] = { NULL }, *x[MAX_RESULTS] = { NULL }, *y[MAX_RESULTS] = { NULL };
  for (size_t i = 0; i < a->n_in; i++)
    if (a->in[i] != SF_NONE)
      data[i] = op_case_data (c, i, t);
  bool ran = op_case_evaluate (a, data, t == SF_F64, of_a, n, x, &error)
             && op_case_evaluate (b, data, t == SF_F64, of_b, n, y, &error);
  SF_CHECK_NO_ERROR (error);
  for (size_t k = 0; k < n && ran; k++)
    {
      const SfShape *shape = sf_value_shape (a->graph, of_a[k]);
      SF_CHECK (sf_shape_equal (shape, sf_value_shape (b->graph, of_b[k])));
      SF_CHECK_STR (sf_dtype_name (sf_value_dtype (b->graph, of_b[k])),
                    sf_dtype_name (sf_value_dtype (a->graph, of_a[k])));
      double worst = op_compare (y[k], x[k], (size_t) sf_shape_n_elems (shape));
      SF_CHECK_MSG (worst <= limit, "result %zu in %s is off by %g, at most %g wanted", k,
                    sf_dtype_name (t), worst, limit);
    }
  for (size_t k = 0; k < MAX_RESULTS; k++)
    {
      g_free (x[k]);
      g_free (y[k]);
    }
  for (size_t i = 0; i < CASE_MAX_INPUTS; i++)
    g_free (data[i]);
}

static void
check_equal (const OpCase *c, SfDtype t, const CaseGraph *a, const CaseGraph *b, bool outputs)
{
  check_within (c, t, a, b, outputs, tolerance (t));
}

static void
check_primitive (const CaseGraph *g)
{
  g_autoptr (GError) error = NULL;
  for (SfNode node = 0; node < sf_graph_n_nodes (g->graph); node++)
    SF_CHECK_MSG (!sf_op_has_decomposition (sf_node_op (g->graph, node)), "%s is left",
                  sf_node_op_name (g->graph, node));
  sf_graph_verify (g->graph, &error);
  SF_CHECK_NO_ERROR (error);
}

static bool
is_differentiated (const OpCase *c, SfDtype t)
{
  return sf_dtype_is_float (t) && sf_op_has_gradient (op_of (c));
}

/* The op and its backward ops, against both lowered to primitives. */
OP_TEST (OpsDecompose, is_composite)
{
  const OpCase *c = data;
  for (SfDtype t = 0; t < SF_N_DTYPES; t++)
    {
      if (!op_case_allows (c, t))
        continue;
      g_autoptr (GError) error = NULL;
      g_auto (CaseGraph) whole = { 0 };
      g_auto (CaseGraph) lowered = { 0 };
      if (op_case_graph (c, t, &whole, &error)
          && (!is_differentiated (c, t) || op_case_differentiate (c, &whole, &error)))
        op_case_lower (&whole, &lowered, &error);
      SF_REQUIRE_NO_ERROR (error);
      check_primitive (&lowered);
      for (size_t k = 0; k < whole.n_in; k++)
        if (whole.grad[k] != SF_NONE)
          SF_CHECK_STR (sf_dtype_name (sf_value_dtype (whole.graph, whole.grad[k])),
                        sf_dtype_name (sf_value_dtype (whole.graph, whole.in[k])));
      check_equal (c, t, &whole, &lowered, true);
    }
}

/* The gradient through the composite's rule, against the gradient through its decomposition. */
OP_TEST (OpsDecomposeGradient, is_composite_with_gradient)
{
  const OpCase *c = data;
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) whole = { 0 };
  g_auto (CaseGraph) lowered = { 0 };
  if (op_case_graph (c, SF_F64, &whole, &error) && op_case_lower (&whole, &lowered, &error)
      && op_case_differentiate (c, &whole, &error))
    op_case_differentiate (c, &lowered, &error);
  SF_REQUIRE_NO_ERROR (error);
  check_equal (c, SF_F64, &whole, &lowered, false);
}

/* A bf16 op whose results are stored in f32 is as exact when it is lowered. */
OP_TEST (OpsDecomposeStored, is_float_composite)
{
  const OpCase *c = data;
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) whole = { 0 };
  g_auto (CaseGraph) lowered = { 0 };
  op_case_graph (c, SF_BF16, &whole, &error);
  for (size_t k = 0; k < whole.n_out && error == NULL; k++)
    if (sf_dtype_is_float (sf_value_dtype (whole.graph, whole.out[k])))
      sf_graph_set_dtype (whole.graph, whole.out[k], SF_F32, &error);
  SF_REQUIRE_NO_ERROR (error);
  op_case_lower (&whole, &lowered, &error);
  SF_REQUIRE_NO_ERROR (error);
  check_primitive (&lowered);
  check_within (c, SF_BF16, &whole, &lowered, true, tolerance (SF_F32));
}
