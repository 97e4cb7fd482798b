/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of gather, scatter_add, embedding and dropout. */
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
