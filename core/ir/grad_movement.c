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

static SfValue
slice (SfExpr *e, SfValue v, const int64_t *starts, const int64_t *ends, size_t n)
{
  int64_t ones[SF_MAX_RANK];
  for (size_t i = 0; i < n; i++)
    ones[i] = 1;
  SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, n), SF_ATTR_IS ("ends", ends, n),
                     SF_ATTR_IS ("steps", ones, n) };
  return sf_expr_op (e, "slice", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

static SfValue
pad (SfExpr *e, SfValue v, const int64_t *low, const int64_t *high, size_t n)
{
  SfAttr attrs[] = { SF_ATTR_IS ("low", low, n), SF_ATTR_IS ("high", high, n) };
  return sf_expr_op (e, "pad", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* Puts step - 1 zeros after each index of `axis` and cuts the dimension to at most `limit`, with
 * everything outside the axis folded into two dimensions. */
static SfValue
dilate (SfExpr *e, SfValue v, int axis, int64_t step, int64_t limit)
{
  SfShape shape = sf_expr_shape (e, v);
  int64_t n = shape.dim[axis], outer = 1, inner = 1;
  for (int i = 0; i < shape.rank; i++)
    if (i != axis)
      *(i < axis ? &outer : &inner) *= shape.dim[i];
  v = sf_expr_reshape (e, v, SF_SHAPE (outer, n, 1, inner));
  v = pad (e, v, (int64_t[]){ 0, 0, 0, 0 }, (int64_t[]){ 0, 0, step - 1, 0 }, 4);
  v = sf_expr_reshape (e, v, SF_SHAPE (outer, n * step, inner));
  shape.dim[axis] = MIN (n * step, limit);
  if (shape.dim[axis] < n * step)
    v = slice (e, v, (int64_t[]){ 0, 0, 0 }, (int64_t[]){ outer, shape.dim[axis], inner }, 3);
  return sf_expr_reshape (e, v, shape);
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
        dx = dilate (&e, dx, i, steps.at[i], room);
      high[i] = room - sf_expr_shape (&e, dx).dim[i];
      whole = whole && starts.at[i] == 0 && high[i] == 0;
    }
  if (!whole)
    dx = pad (&e, dx, starts.at, high, (size_t) shape.rank);
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
        gradient->dx[i] = slice (&e, gradient->dy[0], starts, ends.dim, (size_t) all.rank);
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
  gradient->dx[0] = slice (&e, gradient->dy[0], starts, ends, n);
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
