/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of matmul, det, linear and attention. */
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

/* For each element of an n x n matrix: the places of what stands in neither its row nor its column,
 * i32 [n n, n - 1, n - 1]. */
static SfValue
minors (SfExpr *e, int64_t n)
{
  SfShape shape = SF_SHAPE (n * n, n - 1, n - 1);
  int64_t n_elems = sf_shape_n_elems (&shape), side = n - 1;
  g_autofree double *at = g_new (double, (size_t) MAX (n_elems, 1));
  for (int64_t k = 0; k < n_elems; k++)
    {
      int64_t row = k / side % side, column = k % side, of = k / (side * side);
      row += row >= of / n;
      column += column >= of % n;
      at[k] = (double) (row * n + column);
    }
  return sf_expr_data (e, SF_I32, shape, at);
}

/* [n n]: +1 and -1 as on a chess board. */
static SfValue
checkered (SfExpr *e, SfDtype dtype, int64_t n)
{
  g_autofree double *signs = g_new (double, (size_t) MAX (n * n, 1));
  for (int64_t k = 0; k < n * n; k++)
    signs[k] = (k / n + k % n) % 2 == 0 ? 1 : -1;
  return sf_expr_data (e, dtype, SF_SHAPE (n * n), signs);
}

#define MAX_COFACTORS ((int64_t) 1 << 28) /* elements of all minors */

/* dx = dy times the cofactors, which are determinants themselves: right for singular matrices too.
 */
SF_GRADIENT_RULE (det)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_expr_wide (&e, sf_node_input (gradient->graph, gradient->node, 0));
  SfShape shape = sf_expr_shape (&e, x);
  int64_t n = shape.dim[shape.rank - 1];
  int64_t count = sf_axes_n_elems (sf_axes_range (0, shape.rank - 2), shape);
  if (n > 128 || MAX (count, 1) > MAX_COFACTORS / MAX (n * n * n * n, 1))
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: det of %" G_GINT64_FORMAT " matrices of %" G_GINT64_FORMAT
                    " x %" G_GINT64_FORMAT
                    " has no gradient, wanted at most 2^28 elements in their minors",
                    sf_node_name (gradient->graph, gradient->node), count, n, n);
  if (n == 0)
    {
      gradient->dx[0] = sf_expr_zeros (&e, sf_expr_dtype (&e, x), shape);
      return sf_expr_end (&e, error);
    }
  SfAttr axis = SF_ATTR_I ("axis", 1);
  SfValue in[] = { sf_expr_reshape (&e, x, SF_SHAPE (count, n * n)), minors (&e, n) };
  SfValue cofactors = sf_expr_1 (&e, "det", sf_expr_op (&e, "gather", in, 2, &axis, 1, NULL));
  cofactors = sf_expr_2 (&e, "mul", cofactors, checkered (&e, sf_expr_dtype (&e, x), n));
  SfValue dy = sf_expr_reshape (&e, sf_expr_wide (&e, gradient->dy[0]), SF_SHAPE (count, 1));
  gradient->dx[0] = sf_expr_reshape (&e, sf_expr_2 (&e, "mul", cofactors, dy), shape);
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
