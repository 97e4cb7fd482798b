/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions over a graph with one sticky error. */
#include "core/ir/expr.h"

#include "core/ir/graph.h"

bool
sf_expr_end (SfExpr *e, GError **error)
{
  if (e->error == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&e->error));
  return false;
}

SfDtype
sf_expr_dtype (const SfExpr *e, SfValue v)
{
  return e->error != NULL ? SF_F32 : sf_value_dtype (e->graph, v);
}

SfShape
sf_expr_shape (const SfExpr *e, SfValue v)
{
  return e->error != NULL ? sf_shape_scalar () : *sf_value_shape (e->graph, v);
}

SfValue
sf_expr_op (SfExpr *e, const char *op, const SfValue *inputs, size_t n_inputs, const SfAttr *attrs,
            size_t n_attrs, SfValue *outputs)
{
  if (e->error != NULL)
    return SF_NONE;
  SfNode node = sf_graph_add (e->graph, op, inputs, n_inputs, attrs, n_attrs, outputs, &e->error);
  return node == SF_NONE ? SF_NONE : sf_node_output (e->graph, node, 0);
}

SfValue
sf_expr_1 (SfExpr *e, const char *op, SfValue a)
{
  return sf_expr_op (e, op, (SfValue[]){ a }, 1, NULL, 0, NULL);
}

SfValue
sf_expr_2 (SfExpr *e, const char *op, SfValue a, SfValue b)
{
  return sf_expr_op (e, op, (SfValue[]){ a, b }, 2, NULL, 0, NULL);
}

SfValue
sf_expr_3 (SfExpr *e, const char *op, SfValue a, SfValue b, SfValue c)
{
  return sf_expr_op (e, op, (SfValue[]){ a, b, c }, 3, NULL, 0, NULL);
}

SfValue
sf_expr_f (SfExpr *e, SfDtype dtype, double value)
{
  if (!sf_dtype_is_float (dtype))
    return sf_expr_data (e, dtype, sf_shape_scalar (), &value);
  return e->error != NULL ? SF_NONE : sf_graph_constant_f (e->graph, dtype, value, &e->error);
}

SfValue
sf_expr_i (SfExpr *e, int32_t value)
{
  return e->error != NULL
             ? SF_NONE
             : sf_graph_constant (e->graph, SF_I32, sf_shape_scalar (), &value, &e->error);
}

SfValue
sf_expr_data (SfExpr *e, SfDtype dtype, SfShape shape, const double *data)
{
  if (e->error != NULL)
    return SF_NONE;
  size_t n = (size_t) sf_shape_n_elems (&shape);
  g_autofree void *stored = g_malloc0 (MAX (n, 1) * sf_dtype_bytes (dtype));
  sf_dtype_convert (SF_F64, data, dtype, stored, n);
  return sf_graph_constant (e->graph, dtype, shape, stored, &e->error);
}

SfValue
sf_expr_2f (SfExpr *e, const char *op, SfValue v, double scalar)
{
  return sf_expr_2 (e, op, v, sf_expr_f (e, sf_expr_dtype (e, v), scalar));
}

SfValue
sf_expr_zeros (SfExpr *e, SfDtype dtype, SfShape shape)
{
  return sf_expr_broadcast (e, sf_expr_f (e, dtype, 0), shape);
}

SfValue
sf_expr_cast (SfExpr *e, SfValue v, SfDtype dtype)
{
  return e->error != NULL ? SF_NONE : sf_graph_as_dtype (e->graph, v, dtype, e->mark, &e->error);
}

static SfValue
to_shape (SfExpr *e, const char *op, SfValue v, const SfShape *shape)
{
  SfShape from = sf_expr_shape (e, v);
  if (sf_shape_equal (&from, shape))
    return v;
  SfAttr attr = SF_ATTR_IS ("shape", shape->dim, (size_t) shape->rank);
  return sf_expr_op (e, op, &v, 1, &attr, 1, NULL);
}

SfValue
sf_expr_reshape (SfExpr *e, SfValue v, SfShape shape)
{
  return to_shape (e, "reshape", v, &shape);
}

SfValue
sf_expr_broadcast (SfExpr *e, SfValue v, SfShape shape)
{
  return to_shape (e, "broadcast", v, &shape);
}

SfValue
sf_expr_unbroadcast (SfExpr *e, SfValue v, SfShape shape)
{
  SfShape from = sf_expr_shape (e, v);
  SfAxes axes = { 0 };
  for (int i = 0; i < from.rank; i++)
    {
      int at = i - (from.rank - shape.rank);
      if (at < 0 || shape.dim[at] != from.dim[i])
        axes.at[axes.n++] = i;
    }
  if (axes.n == 0)
    return sf_expr_reshape (e, v, shape);
  if (e->error == NULL && v >= e->mark && sf_value_n_users (e->graph, v) == 0)
    v = sf_expr_wide (e, v);
  return sf_expr_reshape (e, sf_expr_reduce (e, "reduce_sum", v, axes, false), shape);
}

SfDtype
sf_expr_wide_dtype (SfDtype dtype)
{
  return dtype == SF_F64 ? SF_F64 : SF_F32;
}

SfValue
sf_expr_wide (SfExpr *e, SfValue v)
{
  return sf_expr_cast (e, v, sf_expr_wide_dtype (sf_expr_dtype (e, v)));
}

SfValue
sf_expr_reduce (SfExpr *e, const char *op, SfValue v, SfAxes axes, bool keepdims)
{
  if (axes.n == 0)
    return v;
  SfAttr attrs[] = { SF_ATTR_IS ("axes", axes.at, axes.n), SF_ATTR_B ("keepdims", keepdims) };
  return sf_expr_op (e, op, &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
sf_expr_rows (SfExpr *e, const char *op, const SfValue *inputs, size_t n_inputs, int axis)
{
  const SfAttr attr = SF_ATTR_I ("axis", axis);
  return sf_expr_op (e, op, inputs, n_inputs, &attr, 1, NULL);
}

SfValue
sf_expr_transpose (SfExpr *e, SfValue v, SfAxes perm)
{
  SfAttr attr = SF_ATTR_IS ("perm", perm.at, perm.n);
  return sf_expr_op (e, "transpose", &v, 1, &attr, 1, NULL);
}

SfValue
sf_expr_matmul (SfExpr *e, SfValue a, SfValue b, bool transpose_a, bool transpose_b)
{
  SfAttr attrs[] = { SF_ATTR_B ("transpose_a", transpose_a),
                     SF_ATTR_B ("transpose_b", transpose_b) };
  return sf_expr_op (e, "matmul", (SfValue[]){ a, b }, 2, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
sf_expr_slice (SfExpr *e, SfValue v, const int64_t *starts, const int64_t *ends)
{
  static const int64_t ones[SF_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
  size_t n = (size_t) sf_expr_shape (e, v).rank;
  SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, n), SF_ATTR_IS ("ends", ends, n),
                     SF_ATTR_IS ("steps", ones, n) };
  return sf_expr_op (e, "slice", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
sf_expr_pad (SfExpr *e, SfValue v, const int64_t *low, const int64_t *high, double value)
{
  size_t n = (size_t) sf_expr_shape (e, v).rank;
  SfAttr attrs[] = { SF_ATTR_IS ("low", low, n), SF_ATTR_IS ("high", high, n),
                     SF_ATTR_F ("value", value) };
  return sf_expr_op (e, "pad", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* With everything outside the axis folded into two dimensions. */
SfValue
sf_expr_dilate (SfExpr *e, SfValue v, int axis, int64_t step, int64_t limit)
{
  SfShape shape = sf_expr_shape (e, v);
  int64_t n = shape.dim[axis], outer = 1, inner = 1;
  for (int i = 0; i < shape.rank; i++)
    if (i != axis)
      *(i < axis ? &outer : &inner) *= shape.dim[i];
  v = sf_expr_reshape (e, v, SF_SHAPE (outer, n, 1, inner));
  v = sf_expr_pad (e, v, (int64_t[]){ 0, 0, 0, 0 }, (int64_t[]){ 0, 0, step - 1, 0 }, 0);
  v = sf_expr_reshape (e, v, SF_SHAPE (outer, n * step, inner));
  shape.dim[axis] = MIN (n * step, limit);
  if (shape.dim[axis] < n * step)
    v = sf_expr_slice (e, v, (int64_t[]){ 0, 0, 0 }, (int64_t[]){ outer, shape.dim[axis], inner });
  return sf_expr_reshape (e, v, shape);
}

SfValue
sf_expr_concat (SfExpr *e, const SfValue *parts, size_t n_parts, int axis)
{
  if (n_parts == 1)
    return parts[0];
  SfAttr attr = SF_ATTR_I ("axis", axis);
  return sf_expr_op (e, "concat", parts, n_parts, &attr, 1, NULL);
}

SfValue
sf_expr_iota (SfExpr *e, SfShape shape, int axis)
{
  SfAttr attrs[] = { SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank),
                     SF_ATTR_I ("axis", axis) };
  return sf_expr_op (e, "iota", NULL, 0, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfAxes
sf_axes_range (int first, int end)
{
  SfAxes axes = { 0 };
  for (int i = first; i < end; i++)
    axes.at[axes.n++] = i;
  return axes;
}

SfAxes
sf_axes_of (const SfGraph *graph, SfNode node, const char *name, int rank)
{
  size_t n;
  const int64_t *listed = sf_node_attr_ints (graph, node, name, &n);
  bool in[SF_MAX_RANK] = { false };
  for (size_t i = 0; i < n; i++)
    in[listed[i] < 0 ? listed[i] + rank : listed[i]] = true;
  SfAxes axes = { 0 };
  for (int i = 0; i < rank; i++)
    if (in[i])
      axes.at[axes.n++] = i;
  return axes;
}

int
sf_axis_of (const SfGraph *graph, SfNode node, int rank)
{
  int64_t axis = sf_node_attr_int (graph, node, "axis");
  return (int) (axis < 0 ? axis + rank : axis);
}

int64_t
sf_axes_n_elems (SfAxes axes, SfShape shape)
{
  int64_t n = 1;
  for (size_t i = 0; i < axes.n; i++)
    n *= shape.dim[axes.at[i]];
  return n;
}

SfShape
sf_axes_keep (SfAxes axes, SfShape shape)
{
  for (size_t i = 0; i < axes.n; i++)
    shape.dim[axes.at[i]] = 1;
  return shape;
}

SfAttr
sf_expr_attr (const SfGraph *graph, SfNode node, const char *name)
{
  for (size_t i = 0; i < sf_node_n_attrs (graph, node); i++)
    {
      SfAttr attr = sf_node_attr (graph, node, i);
      if (g_str_equal (attr.name, name))
        return attr;
    }
  g_assert_not_reached ();
}
