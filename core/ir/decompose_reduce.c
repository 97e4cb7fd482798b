/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of reduce_mean and the softmax family. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

static SfAxes
node_axis (const SfDecompose *d, SfExpr *e)
{
  int axis = sf_axis_of (d->from, d->node, sf_expr_shape (e, d->inputs[0]).rank);
  return sf_axes_range (axis, axis + 1);
}

/* The least or greatest index at which the maximum is reached; NaN counts as the maximum. */
SF_DECOMPOSE_RULE (argmax)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfAxes axis = node_axis (decompose, &e);
  SfValue x = decompose->inputs[0];
  SfShape shape = sf_expr_shape (&e, x), line = { .rank = shape.rank };
  for (int d = 0; d < shape.rank; d++)
    line.dim[d] = d == axis.at[0] ? shape.dim[d] : 1;
  bool keepdims = sf_node_attr_int (decompose->from, decompose->node, "keepdims") != 0;
  bool last = sf_node_attr_int (decompose->from, decompose->node, "last") != 0;
  SfValue reached = sf_expr_2 (&e, "eq", x, sf_expr_reduce (&e, "reduce_max", x, axis, true));
  if (sf_dtype_is_float (sf_expr_dtype (&e, x)))
    reached = sf_expr_2 (&e, "or", reached, sf_expr_2 (&e, "ne", x, x));
  SfValue index = sf_expr_iota (&e, line, (int) axis.at[0]);
  SfValue beyond = sf_expr_i (&e, last ? -1 : (int32_t) MIN (shape.dim[axis.at[0]], INT32_MAX));
  index = sf_expr_3 (&e, "select", reached, index, beyond);
  decompose->outputs[0] = sf_expr_reduce (&e, last ? "reduce_max" : "reduce_min", index, axis,
                                          keepdims);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (reduce_mean)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = decompose->inputs[0];
  SfShape shape = sf_expr_shape (&e, x);
  SfAxes axes = sf_axes_of (decompose->from, decompose->node, "axes", shape.rank);
  bool keepdims = sf_node_attr_int (decompose->from, decompose->node, "keepdims") != 0;
  SfValue sum = sf_expr_reduce (&e, "reduce_sum", x, axes, keepdims);
  SfValue mean = sf_expr_2f (&e, "div", sf_expr_wide (&e, sum),
                             (double) sf_axes_n_elems (axes, shape));
  decompose->outputs[0] = mean;
  return sf_expr_end (&e, error);
}

/* x less its maximum along the axis, so that no exponential overflows. */
static SfValue
shifted (SfExpr *e, SfValue x, SfAxes axis)
{
  return sf_expr_2 (e, "sub", x, sf_expr_reduce (e, "reduce_max", x, axis, true));
}

SF_DECOMPOSE_RULE (softmax)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfAxes axis = node_axis (decompose, &e);
  SfValue x = sf_expr_wide (&e, decompose->inputs[0]);
  SfValue raised = sf_expr_1 (&e, "exp", shifted (&e, x, axis));
  SfValue y = sf_expr_2 (&e, "div", raised, sf_expr_reduce (&e, "reduce_sum", raised, axis, true));
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (softmax_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfAxes axis = node_axis (decompose, &e);
  SfValue dy = sf_expr_wide (&e, decompose->inputs[0]);
  SfValue y = sf_expr_wide (&e, decompose->inputs[1]);
  SfValue dot = sf_expr_reduce (&e, "reduce_sum", sf_expr_2 (&e, "mul", dy, y), axis, true);
  SfValue dx = sf_expr_2 (&e, "mul", y, sf_expr_2 (&e, "sub", dy, dot));
  decompose->outputs[0] = dx;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (log_softmax)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfAxes axis = node_axis (decompose, &e);
  SfValue x = shifted (&e, sf_expr_wide (&e, decompose->inputs[0]), axis);
  SfValue sum = sf_expr_reduce (&e, "reduce_sum", sf_expr_1 (&e, "exp", x), axis, true);
  SfValue y = sf_expr_2 (&e, "sub", x, sf_expr_1 (&e, "log", sum));
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (log_softmax_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfAxes axis = node_axis (decompose, &e);
  SfValue dy = sf_expr_wide (&e, decompose->inputs[0]);
  SfValue y = sf_expr_wide (&e, decompose->inputs[1]);
  SfValue sum = sf_expr_reduce (&e, "reduce_sum", dy, axis, true);
  SfValue part = sf_expr_2 (&e, "mul", sf_expr_1 (&e, "exp", y), sum);
  SfValue dx = sf_expr_2 (&e, "sub", dy, part);
  decompose->outputs[0] = dx;
  return sf_expr_end (&e, error);
}
