/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions over the graph: one call per operation, nothing once the node has failed. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

SfDtype
onnx_dtype (OnnxNode *node, SfValue value)
{
  return node->error == NULL && value != SF_NONE ? sf_value_dtype (node->graph, value) : SF_F32;
}

SfShape
onnx_shape (OnnxNode *node, SfValue value)
{
  return node->error == NULL && value != SF_NONE ? *sf_value_shape (node->graph, value)
                                                 : sf_shape_scalar ();
}

int64_t
onnx_axis (OnnxNode *node, int64_t axis, int rank)
{
  if (node->error == NULL && (axis < -rank || axis >= rank))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "axis %" G_GINT64_FORMAT ", wanted one of -%d .. %d",
                 axis, rank, rank - 1);
  if (node->error != NULL)
    return 0;
  return axis < 0 ? axis + rank : axis;
}

/* ---- nodes ---- */

SfValue
onnx_node (OnnxNode *node, const char *op, const SfValue *inputs, size_t n_inputs,
           const SfAttr *attrs, size_t n_attrs, SfValue *outputs)
{
  SfValue results[16];
  GError *error = NULL;
  const SfOp *row = node->error == NULL ? sf_op_find (op, &error) : NULL;
  if (row != NULL
      && sf_graph_add (node->graph, op, inputs, n_inputs, attrs, n_attrs, results, &error)
             == SF_NONE)
    row = NULL;
  if (error != NULL)
    onnx_adopt (node, error);
  if (row == NULL)
    {
      row = outputs != NULL ? sf_op_find (op, NULL) : NULL;
      for (int i = 0; row != NULL && i < sf_op_n_outputs (row); i++)
        outputs[i] = SF_NONE;
      return SF_NONE;
    }
  size_t n = (size_t) sf_op_n_outputs (row);
  if (outputs != NULL && n > 0)
    memcpy (outputs, results, n * sizeof *outputs);
  return n > 0 ? results[0] : SF_NONE;
}

SfValue
onnx_1 (OnnxNode *node, const char *op, SfValue a)
{
  return onnx_node (node, op, &a, 1, NULL, 0, NULL);
}

SfValue
onnx_2 (OnnxNode *node, const char *op, SfValue a, SfValue b)
{
  return onnx_node (node, op, (SfValue[]){ a, b }, 2, NULL, 0, NULL);
}

SfValue
onnx_3 (OnnxNode *node, const char *op, SfValue a, SfValue b, SfValue c)
{
  return onnx_node (node, op, (SfValue[]){ a, b, c }, 3, NULL, 0, NULL);
}

SfValue
onnx_2f (OnnxNode *node, const char *op, SfValue a, double scalar)
{
  return onnx_2 (node, op, a, onnx_scalar (node, onnx_dtype (node, a), scalar));
}

SfValue
onnx_select (OnnxNode *node, SfValue c, SfValue a, SfValue b)
{
  return onnx_3 (node, "select", c, a, b);
}

/* ---- constants ---- */

SfValue
onnx_constant (OnnxNode *node, SfDtype dtype, SfShape shape, const void *data)
{
  GError *error = NULL;
  if (node->error != NULL)
    return SF_NONE;
  SfValue value = sf_graph_constant (node->graph, dtype, shape, data, &error);
  if (value == SF_NONE)
    onnx_adopt (node, error);
  return value;
}

SfValue
onnx_constant_f64 (OnnxNode *node, SfDtype dtype, SfShape shape, const double *data)
{
  GError *error = NULL;
  SfTensor tensor;
  if (node->error != NULL)
    return SF_NONE;
  if (!sf_tensor_alloc (dtype, &shape, &tensor, &error))
    {
      onnx_adopt (node, error);
      return SF_NONE;
    }
  sf_dtype_convert (SF_F64, data, dtype, tensor.data, (size_t) sf_shape_n_elems (&shape));
  SfValue value = onnx_constant (node, dtype, shape, tensor.data);
  sf_tensor_clear (&tensor);
  return value;
}

SfValue
onnx_scalar (OnnxNode *node, SfDtype dtype, double value)
{
  return onnx_constant_f64 (node, dtype, sf_shape_scalar (), &value);
}

SfValue
onnx_iota (OnnxNode *node, SfShape shape, int axis, SfDtype dtype)
{
  const SfAttr attrs[] = { SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank),
                           SF_ATTR_I ("axis", axis), SF_ATTR_D ("dtype", dtype) };
  return onnx_node (node, "iota", NULL, 0, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* ---- movement ---- */

/* Whether `to` holds every integer or bool that `from` holds. */
static bool
is_widening (SfDtype from, SfDtype to)
{
  if (sf_dtype_is_float (from) || !sf_dtype_is_int (to))
    return false;
  if (from == SF_BOOL)
    return true;
  return sf_dtype_bytes (from) < sf_dtype_bytes (to)
         && (sf_dtype_is_signed (to) || !sf_dtype_is_signed (from));
}

/* The value itself before a cast to wider integers: the 64 bits that ONNX asks for are dropped
 * where nobody sees them. */
static SfValue
unwidened (OnnxNode *node, SfValue v)
{
  SfNode cast = node->error == NULL && v != SF_NONE ? sf_value_producer (node->graph, v) : SF_NONE;
  if (cast == SF_NONE || strcmp (sf_node_op_name (node->graph, cast), "cast") != 0)
    return v;
  SfValue from = sf_node_input (node->graph, cast, 0);
  return is_widening (onnx_dtype (node, from), onnx_dtype (node, v)) ? from : v;
}

/* 64-bit integers before they were reshaped: cast there, what follows is narrow. */
static SfValue
unshaped (OnnxNode *node, SfValue v)
{
  SfDtype dtype = onnx_dtype (node, v);
  while (node->error == NULL && (dtype == SF_I64 || dtype == SF_U64))
    {
      SfNode reshape = sf_value_producer (node->graph, v);
      if (reshape == SF_NONE || strcmp (sf_node_op_name (node->graph, reshape), "reshape") != 0)
        break;
      v = sf_node_input (node->graph, reshape, 0);
    }
  return v;
}

static SfValue
cast_as_asked (OnnxNode *node, SfValue v, SfDtype dtype, bool saturate)
{
  SfShape shape = onnx_shape (node, v);
  v = unwidened (node, unshaped (node, v));
  const SfAttr attrs[] = { SF_ATTR_D ("dtype", dtype), SF_ATTR_B ("saturate", saturate) };
  if (onnx_dtype (node, v) != dtype)
    v = onnx_node (node, "cast", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  return onnx_reshape (node, v, shape);
}

SfValue
onnx_cast (OnnxNode *node, SfValue v, SfDtype dtype)
{
  if (node->error != NULL || onnx_dtype (node, v) == dtype)
    return v;
  return cast_as_asked (node, v, dtype, false);
}

/* `op` with the attribute shape, unless that is v's already. */
static SfValue
in_shape (OnnxNode *node, const char *op, SfValue v, SfShape shape)
{
  SfShape now = onnx_shape (node, v);
  if (node->error != NULL || sf_shape_equal (&now, &shape))
    return v;
  return onnx_node (node, op, &v, 1, &SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank), 1,
                    NULL);
}

SfValue
onnx_reshape (OnnxNode *node, SfValue v, SfShape shape)
{
  return in_shape (node, "reshape", v, shape);
}

SfValue
onnx_broadcast (OnnxNode *node, SfValue v, SfShape shape)
{
  return in_shape (node, "broadcast", v, shape);
}

SfValue
onnx_transpose (OnnxNode *node, SfValue v, const int64_t *perm)
{
  SfShape shape = onnx_shape (node, v);
  bool moves = false;
  for (int d = 0; d < shape.rank; d++)
    moves = moves || perm[d] != d;
  if (node->error != NULL || !moves)
    return v;
  return onnx_node (node, "transpose", &v, 1, &SF_ATTR_IS ("perm", perm, (size_t) shape.rank), 1,
                    NULL);
}

SfValue
onnx_slice (OnnxNode *node, SfValue v, int64_t axis, int64_t start, int64_t end, int64_t step)
{
  SfShape shape = onnx_shape (node, v);
  int64_t starts[SF_MAX_RANK] = { 0 }, steps[SF_MAX_RANK];
  axis = onnx_axis (node, axis, shape.rank);
  if (node->error != NULL || (start == 0 && end == shape.dim[axis] && step == 1))
    return v;
  for (int d = 0; d < shape.rank; d++)
    steps[d] = d == axis ? step : 1;
  starts[axis] = start;
  shape.dim[axis] = end;
  size_t n = (size_t) shape.rank;
  const SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, n), SF_ATTR_IS ("ends", shape.dim, n),
                           SF_ATTR_IS ("steps", steps, n) };
  return onnx_node (node, "slice", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
onnx_pad (OnnxNode *node, SfValue v, const int64_t *low, const int64_t *high, double value)
{
  SfShape shape = onnx_shape (node, v);
  bool any = false;
  for (int d = 0; d < shape.rank; d++)
    any = any || low[d] != 0 || high[d] != 0;
  if (node->error != NULL || !any)
    return v;
  size_t n = (size_t) shape.rank;
  const SfAttr attrs[] = { SF_ATTR_IS ("low", low, n), SF_ATTR_IS ("high", high, n),
                           SF_ATTR_F ("value", value) };
  return onnx_node (node, "pad", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
onnx_concat (OnnxNode *node, const SfValue *values, size_t n, int64_t axis)
{
  if (node->error != NULL || n == 0)
    return SF_NONE;
  axis = onnx_axis (node, axis, onnx_shape (node, values[0]).rank);
  if (node->error != NULL || n == 1)
    return values[0];
  return onnx_node (node, "concat", values, n, &SF_ATTR_I ("axis", axis), 1, NULL);
}

/* ---- index ---- */

SfValue
onnx_gather (OnnxNode *node, SfValue v, SfValue index, int64_t axis)
{
  axis = onnx_axis (node, axis, onnx_shape (node, v).rank);
  return onnx_node (node, "gather", (SfValue[]){ v, index }, 2, &SF_ATTR_I ("axis", axis), 1, NULL);
}

SfValue
onnx_gather_known (OnnxNode *node, SfValue v, const int64_t *index, size_t n, int64_t axis)
{
  SfShape shape = onnx_shape (node, v);
  axis = onnx_axis (node, axis, shape.rank);
  if (node->error != NULL)
    return SF_NONE;
  g_autofree int32_t *narrow = g_try_new (int32_t, MAX (n, 1));
  if (narrow == NULL)
    onnx_refuse (node, SF_ERROR_NO_RESOURCE, "found no memory for %zu indices", n);
  for (size_t i = 0; narrow != NULL && i < n; i++)
    {
      if (index[i] < 0 || index[i] >= MIN (shape.dim[axis], (int64_t) INT32_MAX))
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "index %" G_GINT64_FORMAT ", wanted one of 0 .. %" G_GINT64_FORMAT, index[i],
                     shape.dim[axis] - 1);
      narrow[i] = (int32_t) index[i];
    }
  return onnx_gather (node, v, onnx_constant (node, SF_I32, SF_SHAPE ((int64_t) n), narrow), axis);
}

SfValue
onnx_reverse (OnnxNode *node, SfValue v, int64_t axis)
{
  SfShape shape = onnx_shape (node, v);
  axis = onnx_axis (node, axis, shape.rank);
  if (node->error != NULL || shape.dim[axis] < 2)
    return v;
  size_t n = (size_t) shape.dim[axis];
  g_autofree int64_t *index = g_try_new (int64_t, n);
  if (index == NULL)
    onnx_refuse (node, SF_ERROR_NO_RESOURCE, "found no memory for %zu indices", n);
  for (size_t i = 0; index != NULL && i < n; i++)
    index[i] = (int64_t) (n - 1 - i);
  return onnx_gather_known (node, v, index, n, axis);
}

/* Clamped to what i32 holds. */
static SfValue
narrow (OnnxNode *node, SfValue v)
{
  SfDtype dtype = onnx_dtype (node, v);
  if (node->error == NULL && sf_dtype_is_float (dtype))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "an index of %s, wanted integers",
                 sf_dtype_name (dtype));
  return cast_as_asked (node, v, SF_I32, true);
}

bool
onnx_input_fits_i32 (OnnxNode *node, size_t index)
{
  const OnnxValue *value = onnx_input_value (node, index);
  if (node->error != NULL || value == NULL || !onnx_value_is_constant (value)
      || sf_dtype_is_float (value->dtype) || value->dtype == SF_U64)
    return false;
  OnnxInts ints = onnx_known_ints (node, index);
  for (size_t i = 0; i < ints.n; i++)
    if (ints.at[i] <= INT32_MIN || ints.at[i] >= INT32_MAX)
      return false;
  return node->error == NULL;
}

SfValue
onnx_input_i32 (OnnxNode *node, size_t index)
{
  OnnxValue *value = onnx_input_value (node, index);
  bool kept = value != NULL && value->kind == ONNX_TENSOR && !onnx_is_scratch (node);
  if (node->error == NULL && kept && value->narrow != SF_NONE)
    return value->narrow;
  if (kept && onnx_value_is_constant (value) && !sf_dtype_is_float (value->dtype))
    {
      OnnxInts ints = onnx_known_ints (node, index);
      g_autofree int32_t *small = g_new (int32_t, ints.n + 1);
      for (size_t i = 0; i < ints.n; i++)
        small[i] = (int32_t) CLAMP (ints.at[i], INT32_MIN, INT32_MAX);
      value->narrow = onnx_constant (node, SF_I32, value->shape, small);
      return value->narrow;
    }
  SfValue v = narrow (node, onnx_input (node, index));
  if (node->error == NULL && kept)
    value->narrow = v;
  return v;
}

SfValue
onnx_input_index (OnnxNode *node, size_t index, int64_t dim)
{
  SfDtype dtype = onnx_input_dtype (node, index);
  SfValue v = onnx_input_i32 (node, index);
  if (node->error != NULL || !sf_dtype_is_signed (dtype))
    return v;
  OnnxValue *value = onnx_input_value (node, index);
  if (onnx_value_is_constant (value))
    {
      OnnxInts ints = onnx_known_ints (node, index);
      g_autofree int32_t *wrapped = g_new (int32_t, ints.n + 1);
      bool any = false;
      for (size_t i = 0; i < ints.n; i++)
        {
          any = any || ints.at[i] < 0;
          wrapped[i] = (int32_t) CLAMP (ints.at[i] < 0 ? ints.at[i] + dim : ints.at[i], -1,
                                        INT32_MAX);
        }
      return any ? onnx_constant (node, SF_I32, value->shape, wrapped) : v;
    }
  return onnx_select (node, onnx_2f (node, "lt", v, 0), onnx_2f (node, "add", v, (double) dim), v);
}

/* ---- reductions and contractions ---- */

SfValue
onnx_reduce (OnnxNode *node, const char *op, SfValue v, const int64_t *axes, size_t n_axes,
             bool keepdims)
{
  int64_t list[SF_MAX_RANK];
  int rank = onnx_shape (node, v).rank;
  if (node->error == NULL && n_axes > (size_t) rank)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu axes, wanted at most %d", n_axes, rank);
  for (size_t i = 0; node->error == NULL && i < n_axes; i++)
    list[i] = onnx_axis (node, axes[i], rank);
  if (node->error != NULL || rank == 0)
    return v;
  const SfAttr attrs[] = { SF_ATTR_IS ("axes", list, n_axes), SF_ATTR_B ("keepdims", keepdims) };
  return onnx_node (node, op, &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
onnx_matmul (OnnxNode *node, SfValue a, SfValue b, bool transpose_a, bool transpose_b)
{
  const SfAttr attrs[] = { SF_ATTR_B ("transpose_a", transpose_a),
                           SF_ATTR_B ("transpose_b", transpose_b) };
  return onnx_node (node, "matmul", (SfValue[]){ a, b }, 2, attrs, G_N_ELEMENTS (attrs), NULL);
}
