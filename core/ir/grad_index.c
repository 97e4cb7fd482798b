/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of gather, scatter, scatter_add, embedding and dropout. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

SF_GRADIENT_RULE (gather)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape shape = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, 0));
  int axis = sf_axis_of (gradient->graph, gradient->node, shape.rank);
  SfValue in[] = { sf_node_input (gradient->graph, gradient->node, 1), gradient->dy[0] };
  SfAttr attrs[] = { SF_ATTR_I ("axis", axis), SF_ATTR_I ("size", shape.dim[axis]) };
  gradient->dx[0] = sf_expr_op (&e, "scatter_add", in, 2, attrs, G_N_ELEMENTS (attrs), NULL);
  return sf_expr_end (&e, error);
}

static SfValue
gather (SfExpr *e, SfValue x, SfValue i, int axis)
{
  SfAttr attr = SF_ATTR_I ("axis", axis);
  return sf_expr_op (e, "gather", (SfValue[]){ x, i }, 2, &attr, 1, NULL);
}

static SfValue
scatter_set (SfExpr *e, SfValue x, SfValue i, SfValue u, int axis)
{
  SfAttr attr = SF_ATTR_I ("axis", axis);
  return sf_expr_op (e, "scatter", (SfValue[]){ x, i, u }, 3, &attr, 1, NULL);
}

/* bool, shaped to broadcast against u: whether the entry of i is the last one of its index. */
static SfValue
is_last_writer (SfExpr *e, SfValue i, int64_t n_rows, int axis, int u_rank)
{
  SfShape shape = sf_expr_shape (e, i), flat = SF_SHAPE (sf_shape_n_elems (&shape));
  i = sf_expr_reshape (e, i, flat);
  SfValue order = sf_expr_iota (e, flat, 0);
  SfValue none = sf_expr_broadcast (e, sf_expr_i (e, -1), SF_SHAPE (n_rows));
  SfValue last = sf_expr_2 (e, "eq", gather (e, scatter_set (e, none, i, order, 0), i, 0), order);
  SfShape against = { .rank = u_rank };
  for (int d = 0; d < u_rank; d++)
    against.dim[d] = d < axis || d >= axis + shape.rank ? 1 : shape.dim[d - axis];
  return sf_expr_reshape (e, last, against);
}

SF_GRADIENT_RULE (scatter)
{
  const SfGraph *graph = gradient->graph;
  const char *reduce = sf_node_attr_string (graph, gradient->node, "reduce");
  bool sets = g_str_equal (reduce, "set");
  if (!sets && !g_str_equal (reduce, "add"))
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: scatter with reduce '%s' has no gradient, wanted 'set' or 'add'",
                    sf_node_name (graph, gradient->node), reduce);
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue dy = gradient->dy[0], i = sf_node_input (graph, gradient->node, 1);
  SfShape shape = sf_expr_shape (&e, dy);
  SfShape u = sf_expr_shape (&e, sf_node_input (graph, gradient->node, 2));
  SfDtype dtype = sf_expr_dtype (&e, dy);
  int axis = sf_axis_of (graph, gradient->node, shape.rank);
  if (gradient->needs[0])
    gradient->dx[0] = sets ? scatter_set (&e, dy, i, sf_expr_zeros (&e, dtype, u), axis) : dy;
  if (!gradient->needs[2])
    return sf_expr_end (&e, error);
  SfValue du = gather (&e, dy, i, axis);
  if (sets)
    du = sf_expr_3 (&e, "select", is_last_writer (&e, i, shape.dim[axis], axis, u.rank), du,
                    sf_expr_f (&e, dtype, 0));
  gradient->dx[2] = du;
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (scatter_add)
{
  if (!gradient->needs[1])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  int axis = sf_axis_of (gradient->graph, gradient->node, sf_expr_shape (&e, gradient->dy[0]).rank);
  SfValue in[] = { gradient->dy[0], sf_node_input (gradient->graph, gradient->node, 0) };
  SfAttr attr = SF_ATTR_I ("axis", axis);
  gradient->dx[1] = sf_expr_op (&e, "gather", in, 2, &attr, 1, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (embedding)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape table = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, 0));
  SfValue in[] = { gradient->dy[0], sf_node_input (gradient->graph, gradient->node, 1) };
  SfAttr rows = SF_ATTR_I ("rows", table.dim[0]);
  gradient->dx[0] = sf_expr_op (&e, "embedding_bwd", in, 2, &rows, 1, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (dropout)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue in[] = { gradient->dy[0], sf_node_input (gradient->graph, gradient->node, 1) };
  SfAttr attrs[] = { sf_expr_attr (gradient->graph, gradient->node, "p"),
                     sf_expr_attr (gradient->graph, gradient->node, "stream") };
  gradient->dx[0] = sf_expr_op (&e, "dropout_bwd", in, 2, attrs, G_N_ELEMENTS (attrs), NULL);
  return sf_expr_end (&e, error);
}
