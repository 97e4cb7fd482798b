/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of the losses. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

SF_GRADIENT_RULE (softmax_ce)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue in[] = { gradient->dy[0], sf_node_input (gradient->graph, gradient->node, 0),
                   sf_node_input (gradient->graph, gradient->node, 1) };
  SfAttr ignore = sf_expr_attr (gradient->graph, gradient->node, "ignore_index");
  gradient->dx[0] = sf_expr_op (&e, "softmax_ce_bwd", in, 3, &ignore, 1, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (mse)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  SfValue t = sf_node_input (gradient->graph, gradient->node, 1);
  SfShape shape = sf_expr_shape (&e, x);
  SfValue scale = sf_expr_2f (&e, "mul", gradient->dy[0],
                              2. / (double) MAX (sf_shape_n_elems (&shape), 1));
  SfValue miss = sf_expr_2 (&e, "sub", sf_expr_wide (&e, x), sf_expr_wide (&e, t));
  SfValue dx = sf_expr_2 (&e, "mul", miss, scale);
  if (gradient->needs[0])
    gradient->dx[0] = dx;
  if (gradient->needs[1])
    gradient->dx[1] = sf_expr_1 (&e, "neg", dx);
  return sf_expr_end (&e, error);
}
