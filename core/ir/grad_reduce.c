/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of the reductions, cumsum, sort and the softmax family. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* `v`, shaped as the node's output, repeated along the reduced axes to the shape of the node's
 * input. */
static SfValue
spread (SfExpr *e, const SfGradient *g, SfValue v)
{
  SfShape shape = sf_expr_shape (e, sf_node_input (g->graph, g->node, 0));
  SfAxes axes = sf_axes_of (g->graph, g->node, "axes", shape.rank);
  v = sf_expr_reshape (e, v, sf_axes_keep (axes, shape));
  return sf_expr_broadcast (e, v, shape);
}

SF_GRADIENT_RULE (reduce_sum)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  gradient->dx[0] = spread (&e, gradient, gradient->dy[0]);
  return sf_expr_end (&e, error);
}

static bool
extremum (SfGradient *g, GError **error)
{
  if (!g->needs[0])
    return true;
  SfExpr e = sf_expr_begin (g->graph);
  SfValue x = sf_node_input (g->graph, g->node, 0);
  SfValue y = sf_node_output (g->graph, g->node, 0);
  SfShape shape = sf_expr_shape (&e, x);
  SfAxes axes = sf_axes_of (g->graph, g->node, "axes", shape.rank);
  SfShape kept = sf_axes_keep (axes, shape);
  SfValue dy = sf_expr_reshape (&e, sf_expr_wide (&e, g->dy[0]), kept);
  SfValue reached = sf_expr_2 (&e, "eq", x, sf_expr_reshape (&e, y, kept));
  SfValue counted = sf_expr_cast (&e, reached, sf_expr_dtype (&e, dy));
  SfValue share = sf_expr_2 (&e, "div", dy, sf_expr_reduce (&e, "reduce_sum", counted, axes, true));
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, dy), 0);
  SfValue dx = sf_expr_3 (&e, "select", reached, share, zero);
  g->dx[0] = dx;
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (reduce_max)
{
  return extremum (gradient, error);
}

SF_GRADIENT_RULE (reduce_min)
{
  return extremum (gradient, error);
}

/* dx = dy times the product of the others, without dividing by an x that is 0: `rest` is the
 * product of what is not 0, and an element gets none of it while another one is 0. */
SF_GRADIENT_RULE (reduce_prod)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_expr_wide (&e, sf_node_input (gradient->graph, gradient->node, 0));
  SfShape shape = sf_expr_shape (&e, x);
  SfAxes axes = sf_axes_of (gradient->graph, gradient->node, "axes", shape.rank);
  SfDtype dtype = sf_expr_dtype (&e, x);
  SfValue zero = sf_expr_f (&e, dtype, 0), one = sf_expr_f (&e, dtype, 1);
  SfValue is_zero = sf_expr_2 (&e, "eq", x, zero);
  SfValue divisor = sf_expr_3 (&e, "select", is_zero, one, x);
  SfValue rest = sf_expr_reduce (&e, "reduce_prod", divisor, axes, true);
  SfValue zeros = sf_expr_cast (&e, is_zero, dtype);
  SfValue n_others = sf_expr_2 (&e, "sub", sf_expr_reduce (&e, "reduce_sum", zeros, axes, true),
                                zeros);
  SfValue others = sf_expr_3 (&e, "select", sf_expr_2 (&e, "eq", n_others, zero),
                              sf_expr_2 (&e, "div", rest, divisor), zero);
  SfValue dy = sf_expr_reshape (&e, sf_expr_wide (&e, gradient->dy[0]), sf_axes_keep (axes, shape));
  gradient->dx[0] = sf_expr_2 (&e, "mul", others, dy);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (reduce_mean)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  SfShape shape = sf_expr_shape (&e, x);
  SfAxes axes = sf_axes_of (gradient->graph, gradient->node, "axes", shape.rank);
  SfValue share = sf_expr_2f (&e, "div", sf_expr_wide (&e, gradient->dy[0]),
                              (double) sf_axes_n_elems (axes, shape));
  share = sf_expr_cast (&e, share, sf_expr_dtype (&e, x));
  gradient->dx[0] = spread (&e, gradient, share);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (cumsum)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  const SfGraph *graph = gradient->graph;
  bool reverse = sf_node_attr_int (graph, gradient->node, "reverse") != 0;
  SfAttr attrs[] = { sf_expr_attr (graph, gradient->node, "axis"),
                     sf_expr_attr (graph, gradient->node, "exclusive"),
                     SF_ATTR_B ("reverse", !reverse) };
  gradient->dx[0] = sf_expr_op (&e, "cumsum", gradient->dy, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  return sf_expr_end (&e, error);
}

/* Each element's place in the flattened x, from its index along the axis. */
static SfValue
flat_places (SfExpr *e, SfValue index, SfShape shape, int axis)
{
  int64_t n = shape.dim[axis], outer = 1, inner = 1;
  for (int d = 0; d < shape.rank; d++)
    if (d != axis)
      *(d < axis ? &outer : &inner) *= shape.dim[d];
  SfValue before = sf_expr_iota (e, SF_SHAPE (outer, 1, 1), 0);
  before = sf_expr_2f (e, "mul", before, (double) (n * inner));
  SfValue after = sf_expr_iota (e, SF_SHAPE (1, 1, inner), 2);
  index = sf_expr_reshape (e, index, SF_SHAPE (outer, n, inner));
  index = sf_expr_2f (e, "mul", index, (double) inner);
  index = sf_expr_2 (e, "add", index, sf_expr_2 (e, "add", before, after));
  return sf_expr_reshape (e, index, SF_SHAPE (sf_shape_n_elems (&shape)));
}

SF_GRADIENT_RULE (sort)
{
  if (!gradient->needs[0])
    return true;
  const SfGraph *graph = gradient->graph;
  SfShape shape = *sf_value_shape (graph, sf_node_input (graph, gradient->node, 0));
  int64_t n_elems = sf_shape_n_elems (&shape);
  if (n_elems > INT32_MAX)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: sort of %" G_GINT64_FORMAT
                    " elements has no gradient, wanted less than 2^31; "
                    "sort less at once",
                    sf_node_name (graph, gradient->node), n_elems);
  SfExpr e = sf_expr_begin (gradient->graph);
  int axis = sf_axis_of (graph, gradient->node, shape.rank);
  SfValue index = sf_node_output (graph, gradient->node, 1);
  SfValue in[] = { flat_places (&e, index, shape, axis),
                   sf_expr_reshape (&e, gradient->dy[0], SF_SHAPE (n_elems)) };
  SfAttr size = SF_ATTR_I ("size", n_elems);
  SfValue dx = sf_expr_op (&e, "scatter_add", in, 2, &size, 1, NULL);
  gradient->dx[0] = sf_expr_reshape (&e, dx, shape);
  return sf_expr_end (&e, error);
}

static bool
normaliser (SfGradient *g, const char *backward, GError **error)
{
  if (!g->needs[0])
    return true;
  SfExpr e = sf_expr_begin (g->graph);
  SfValue in[] = { g->dy[0], sf_node_output (g->graph, g->node, 0) };
  SfAttr axis = sf_expr_attr (g->graph, g->node, "axis");
  g->dx[0] = sf_expr_op (&e, backward, in, 2, &axis, 1, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (softmax)
{
  return normaliser (gradient, "softmax_bwd", error);
}

SF_GRADIENT_RULE (log_softmax)
{
  return normaliser (gradient, "log_softmax_bwd", error);
}
