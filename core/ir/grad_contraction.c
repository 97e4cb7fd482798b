/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of matmul, linear and attention. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* [.., n] as [product, n]. */
static SfValue
flatten (SfExpr *e, SfValue v)
{
  SfShape shape = sf_expr_shape (e, v);
  if (shape.rank < 1)
    return v;
  SfAxes rows = sf_axes_range (0, shape.rank - 1);
  return sf_expr_reshape (e, v,
                          SF_SHAPE (sf_axes_n_elems (rows, shape), shape.dim[shape.rank - 1]));
}

/* d(op b) = op(a)^T dy and b = op(b) or its transpose; a shared rank-2 b is one contraction over
 * all rows. */
static SfValue
matmul_db (SfExpr *e, SfValue a, SfValue b, SfValue dy, bool ta, bool tb)
{
  SfShape shape = sf_expr_shape (e, b);
  if (shape.rank == 2 && !ta)
    {
      a = flatten (e, a);
      dy = flatten (e, dy);
    }
  SfValue db = tb ? sf_expr_matmul (e, dy, a, true, ta) : sf_expr_matmul (e, a, dy, !ta, false);
  return sf_expr_unbroadcast (e, db, shape);
}

SF_GRADIENT_RULE (matmul)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  const SfGraph *graph = gradient->graph;
  SfValue a = sf_node_input (graph, gradient->node, 0);
  SfValue b = sf_node_input (graph, gradient->node, 1);
  SfValue dy = gradient->dy[0];
  bool ta = sf_node_attr_int (graph, gradient->node, "transpose_a") != 0;
  bool tb = sf_node_attr_int (graph, gradient->node, "transpose_b") != 0;
  if (gradient->needs[0])
    {
      SfValue da = ta ? sf_expr_matmul (&e, b, dy, tb, true)
                      : sf_expr_matmul (&e, dy, b, false, !tb);
      gradient->dx[0] = sf_expr_unbroadcast (&e, da, sf_expr_shape (&e, a));
    }
  if (gradient->needs[1])
    gradient->dx[1] = matmul_db (&e, a, b, dy, ta, tb);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (linear)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  SfValue w = sf_node_input (gradient->graph, gradient->node, 1);
  SfValue dy = flatten (&e, gradient->dy[0]);
  if (gradient->needs[0])
    {
      SfValue dx = sf_expr_matmul (&e, dy, w, false, false);
      gradient->dx[0] = sf_expr_reshape (&e, dx, sf_expr_shape (&e, x));
    }
  if (gradient->needs[1])
    gradient->dx[1] = sf_expr_matmul (&e, dy, flatten (&e, x), true, false);
  if (sf_node_n_inputs (gradient->graph, gradient->node) > 2 && gradient->needs[2])
    gradient->dx[2] = sf_expr_reduce (&e, "reduce_sum", dy, sf_axes_range (0, 1), false);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (attention)
{
  const SfGraph *graph = gradient->graph;
  SfNode node = gradient->node;
  SfExpr e = sf_expr_begin (gradient->graph);
  size_t n = sf_node_n_inputs (graph, node);
  SfValue in[5] = { gradient->dy[0] }, out[3];
  for (size_t i = 0; i < n; i++)
    in[1 + i] = sf_node_input (graph, node, i);
  SfAttr attrs[] = { sf_expr_attr (graph, node, "scale"), sf_expr_attr (graph, node, "causal") };
  sf_expr_op (&e, "attention_bwd", in, 1 + n, attrs, G_N_ELEMENTS (attrs), out);
  for (size_t i = 0; i < 3 && e.error == NULL; i++)
    if (gradient->needs[i])
      gradient->dx[i] = out[i];
  return sf_expr_end (&e, error);
}
