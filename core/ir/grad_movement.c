/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of the ops that only move elements. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

SF_GRADIENT_RULE (reshape)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  gradient->dx[0] = sf_expr_reshape (&e, gradient->dy[0], sf_expr_shape (&e, x));
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (transpose)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  size_t n;
  const int64_t *perm = sf_node_attr_ints (gradient->graph, gradient->node, "perm", &n);
  SfAxes inverse = { .n = n };
  for (size_t i = 0; i < n; i++)
    inverse.at[perm[i]] = (int64_t) i;
  gradient->dx[0] = sf_expr_transpose (&e, gradient->dy[0], inverse);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (slice)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape shape = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, 0));
  SfAxes starts = { 0 }, steps = { 0 };
  const int64_t *given = sf_node_attr_ints (gradient->graph, gradient->node, "starts", &starts.n);
  memcpy (starts.at, given, starts.n * sizeof *given);
  given = sf_node_attr_ints (gradient->graph, gradient->node, "steps", &steps.n);
  memcpy (steps.at, given, steps.n * sizeof *given);

  SfValue dx = gradient->dy[0];
  int64_t high[SF_MAX_RANK];
  bool whole = true;
  for (int i = 0; i < shape.rank; i++)
    {
      int64_t room = shape.dim[i] - starts.at[i];
      if (steps.at[i] > 1)
        dx = sf_expr_dilate (&e, dx, i, steps.at[i], room);
      high[i] = room - sf_expr_shape (&e, dx).dim[i];
      whole = whole && starts.at[i] == 0 && high[i] == 0;
    }
  if (!whole)
    dx = sf_expr_pad (&e, dx, starts.at, high, 0);
  gradient->dx[0] = dx;
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (concat)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape all = sf_expr_shape (&e, gradient->dy[0]);
  int axis = sf_axis_of (gradient->graph, gradient->node, all.rank);
  int64_t starts[SF_MAX_RANK] = { 0 };
  for (size_t i = 0; i < sf_node_n_inputs (gradient->graph, gradient->node); i++)
    {
      SfShape part = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, i));
      SfShape ends = all;
      ends.dim[axis] = starts[axis] + part.dim[axis];
      if (gradient->needs[i])
        gradient->dx[i] = sf_expr_slice (&e, gradient->dy[0], starts, ends.dim);
      starts[axis] = ends.dim[axis];
    }
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (pad)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape shape = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, 0));
  size_t n;
  const int64_t *low = sf_node_attr_ints (gradient->graph, gradient->node, "low", &n);
  int64_t starts[SF_MAX_RANK], ends[SF_MAX_RANK];
  for (size_t i = 0; i < n; i++)
    {
      starts[i] = low[i];
      ends[i] = low[i] + shape.dim[i];
    }
  gradient->dx[0] = sf_expr_slice (&e, gradient->dy[0], starts, ends);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (broadcast)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  gradient->dx[0] = sf_expr_unbroadcast (&e, gradient->dy[0], sf_expr_shape (&e, x));
  return sf_expr_end (&e, error);
}
