/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers and scatters, by positions in the flattened tensor computed in i32: `gather` and
 * `scatter` along one axis do the rest, and gradients follow from theirs. An index outside its
 * dimension becomes position -1, which fails the step. */
#include "plugins/frontends/onnx/take.h"

/* ---- positions ---- */

/* Refuses tensors whose positions do not fit i32. */
static bool
flattens (OnnxNode *node, SfShape shape)
{
  if (onnx_failed (node))
    return false;
  if (sf_shape_n_elems (&shape) <= INT32_MAX)
    return true;
  onnx_refuse (node, SF_ERROR_UNSUPPORTED,
               "data of %" G_GINT64_FORMAT " elements, wanted at most 2^31 - 1 to index",
               sf_shape_n_elems (&shape));
  return false;
}

static SfValue
times (OnnxNode *node, SfValue v, int64_t step)
{
  return step == 1 ? v : onnx_2f (node, "mul", v, (double) step);
}

/* 0, step, 2 step ... along `axis` of a tensor of `rank`, 1 along the others: i32, to be broadcast.
 */
static SfValue
ramp (OnnxNode *node, int rank, int axis, int64_t n, int64_t step)
{
  SfShape shape = { .rank = rank };
  for (int i = 0; i < rank; i++)
    shape.dim[i] = i == axis ? n : 1;
  return times (node, onnx_iota (node, shape, axis, SF_I32), step);
}

/* v where `valid`, otherwise -1. */
static SfValue
or_invalid (OnnxNode *node, SfValue valid, SfValue v)
{
  return onnx_select (node, valid, v, onnx_scalar (node, SF_I32, -1));
}

static SfValue
in_range (OnnxNode *node, SfValue index, SfValue dim)
{
  SfValue low = onnx_2 (node, "ge", index, onnx_scalar (node, SF_I32, 0));
  return onnx_2 (node, "and", low, onnx_2 (node, "lt", index, dim));
}

/* Positions in the flattened data of the elements that GatherElements and ScatterElements mean:
 * their own coordinates but along axis, where the index says. */
static SfValue
element_positions (OnnxNode *node, SfValue index, SfShape data, int axis)
{
  int64_t strides[SF_MAX_RANK];
  sf_shape_strides (&data, strides);
  SfShape shape = onnx_shape (node, index);
  SfValue dim = onnx_scalar (node, SF_I32, (double) data.dim[axis]);
  SfValue valid = in_range (node, index, dim), v = times (node, index, strides[axis]);
  for (int i = 0; i < shape.rank; i++)
    if (i != axis && shape.dim[i] > 1)
      v = onnx_2 (node, "add", v, ramp (node, shape.rank, i, shape.dim[i], strides[i]));
  return or_invalid (node, valid, v);
}

/* The index operand of the element forms: shape of data's rank, no dimension longer than data's
 * but along axis. */
static SfValue
element_index (OnnxNode *node, SfShape data, int axis)
{
  SfShape shape = onnx_input_shape (node, 1);
  bool fits = shape.rank == data.rank;
  for (int i = 0; fits && i < shape.rank; i++)
    fits = i == axis || shape.dim[i] <= data.dim[i];
  if (!fits && !onnx_failed (node))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "indices of rank %d, wanted data's rank %d and no dimension beyond data's but "
                 "axis %d",
                 shape.rank, data.rank, axis);
  return onnx_failed (node) ? SF_NONE : onnx_input_index (node, 1, data.dim[axis]);
}

/* The k-tuples in the last dimension of `index` as positions in the k dimensions of `data` from
 * `first` on, flattened. */
static SfValue
tuple_positions (OnnxNode *node, SfValue index, SfShape data, int first)
{
  SfShape shape = onnx_shape (node, index);
  if (onnx_failed (node))
    return SF_NONE;
  int k = (int) shape.dim[shape.rank - 1];
  double dims[SF_MAX_RANK] = { 0 }, steps[SF_MAX_RANK] = { 0 }, step = 1;
  for (int i = k - 1; i >= 0; i--)
    {
      dims[i] = (double) data.dim[first + i];
      steps[i] = step;
      step *= dims[i];
    }
  SfValue dim = onnx_constant_f64 (node, SF_I32, SF_SHAPE (k), dims);
  SfValue from_end = onnx_2 (node, "add", index, dim);
  SfValue negative = onnx_2 (node, "lt", index, onnx_scalar (node, SF_I32, 0));
  SfValue at = onnx_select (node, negative, from_end, index);
  SfValue valid = onnx_cast (node, in_range (node, at, dim), SF_I32);
  const int64_t last = -1;
  if (k > 1)
    at = onnx_2 (node, "mul", at, onnx_constant_f64 (node, SF_I32, SF_SHAPE (k), steps));
  at = onnx_reduce (node, "reduce_sum", at, &last, 1, false);
  valid = onnx_reduce (node, "reduce_min", valid, &last, 1, false);
  return or_invalid (node, onnx_cast (node, valid, SF_BOOL), at);
}

/* ---- gathers ---- */

static void
lower_gather (OnnxNode *node)
{
  SfShape data = onnx_input_shape (node, 0), index = onnx_input_shape (node, 1);
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", 0), data.rank);
  if (onnx_failed (node))
    return;
  int64_t dim = data.dim[axis];
  if (sf_shape_n_elems (&index) != 1 || !onnx_is_known (node, 1))
    return onnx_set (
        node, 0, onnx_gather (node, onnx_input (node, 0), onnx_input_index (node, 1, dim), axis));
  OnnxInts known = onnx_known_ints (node, 1); /* one element: a slice */
  if (onnx_failed (node))
    return;
  int64_t at = known.at[0] < 0 ? known.at[0] + dim : known.at[0];
  if (at < 0 || at >= dim)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "index %" G_GINT64_FORMAT " into dimension %d of %" G_GINT64_FORMAT,
                        known.at[0], (int) axis, dim);
  SfShape shape = { .rank = (int) axis };
  memcpy (shape.dim, data.dim, sizeof shape.dim[0] * (size_t) axis);
  for (int i = 0; i < index.rank && shape.rank < SF_MAX_RANK; i++)
    shape.dim[shape.rank++] = 1;
  for (int i = (int) axis + 1; i < data.rank && shape.rank < SF_MAX_RANK; i++)
    shape.dim[shape.rank++] = data.dim[i];
  SfValue one = onnx_slice (node, onnx_input (node, 0), axis, at, at + 1, 1);
  onnx_set (node, 0, onnx_reshape (node, one, sf_shape (shape.rank, shape.dim)));
}

static SfValue
flattened (OnnxNode *node, SfValue v)
{
  SfShape shape = onnx_shape (node, v);
  return onnx_reshape (node, v, SF_SHAPE (sf_shape_n_elems (&shape)));
}

static void
lower_gather_elements (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfShape data = onnx_shape (node, x);
  int axis = (int) onnx_axis (node, onnx_int (node, "axis", 0), data.rank);
  if (!flattens (node, data))
    return;
  SfValue at = element_positions (node, element_index (node, data, axis), data, axis);
  onnx_set (node, 0, onnx_gather (node, flattened (node, x), at, 0));
}

/* data [batch.., indexed.., rest..] as [all of batch and indexed, rest..]. */
static SfShape
merge_leading (SfShape data, int n)
{
  SfShape shape = { .rank = 1, .dim = { 1 } };
  for (int i = 0; i < n; i++)
    shape.dim[0] *= data.dim[i];
  for (int i = n; i < data.rank; i++)
    shape.dim[shape.rank++] = data.dim[i];
  return shape;
}

/* The number k of dimensions that each tuple in `index` indexes, after `batch` dimensions; -1
 * after a refusal. */
static int
tuple_size (OnnxNode *node, SfShape data, SfShape index, int64_t batch)
{
  if (onnx_failed (node))
    return -1;
  bool fits = index.rank >= 1 && batch >= 0 && batch < index.rank && batch < data.rank;
  int64_t k = fits ? index.dim[index.rank - 1] : 0;
  fits = fits && k >= 1 && batch + k <= data.rank;
  for (int i = 0; fits && i < batch; i++)
    fits = index.dim[i] == data.dim[i];
  if (fits)
    return (int) k;
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "indices of rank %d with tuples of %" G_GINT64_FORMAT
               " for data of rank %d with %" G_GINT64_FORMAT
               " batch dimensions, wanted the same batch dimensions and tuples "
               "that fit the others",
               index.rank, k, data.rank, batch);
  return -1;
}

static void
lower_gather_nd (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), index = onnx_input_i32 (node, 1);
  SfShape data = onnx_shape (node, x), tuples = onnx_shape (node, index);
  int64_t batch = onnx_int (node, "batch_dims", 0);
  int k = tuple_size (node, data, tuples, batch);
  if (k < 0 || !flattens (node, data))
    return;
  SfValue at = tuple_positions (node, index, data, (int) batch);
  SfShape shape = onnx_shape (node, at);
  if (onnx_failed (node))
    return;
  int64_t step = 1;
  for (int i = (int) batch; i < batch + k; i++)
    step *= data.dim[i];
  SfValue inner = at;
  for (int i = (int) batch - 1; i >= 0; step *= data.dim[i--])
    at = onnx_2 (node, "add", at, ramp (node, shape.rank, i, data.dim[i], step));
  if (batch)
    at = or_invalid (node, onnx_2 (node, "ge", inner, onnx_scalar (node, SF_I32, 0)), at);
  SfValue rows = onnx_reshape (node, x, merge_leading (data, (int) batch + k));
  onnx_set (node, 0, onnx_gather (node, rows, at, 0));
}

/* ---- scatters ---- */

static SfValue
scatter (OnnxNode *node, SfValue x, SfValue at, SfValue updates)
{
  static const char *const reductions[][2] = {
    { "none", "set" }, { "add", "add" }, { "mul", "mul" }, { "max", "max" }, { "min", "min" }
  };
  const char *name = onnx_string (node, "reduction", "none"), *reduce = NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (reductions); i++)
    if (g_str_equal (name, reductions[i][0]))
      reduce = reductions[i][1];
  if (!reduce)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "reduction %s, wanted none, add, mul, max or min",
                   name);
      return SF_NONE;
    }
  const SfValue in[] = { x, at, updates };
  const SfAttr attrs[] = { SF_ATTR_I ("axis", 0), SF_ATTR_S ("reduce", reduce) };
  return onnx_node (node, "scatter", in, 3, attrs, G_N_ELEMENTS (attrs), NULL);
}

static void
lower_scatter_elements (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), updates = onnx_input (node, 2);
  SfShape data = onnx_shape (node, x), shape = onnx_shape (node, updates);
  SfShape index = onnx_input_shape (node, 1);
  int axis = (int) onnx_axis (node, onnx_int (node, "axis", 0), data.rank);
  if (!flattens (node, data))
    return;
  if (!sf_shape_equal (&index, &shape))
    return onnx_refuse (node, SF_ERROR_INVALID_DATA, "indices and updates differ in shape");
  SfValue at = element_positions (node, element_index (node, data, axis), data, axis);
  SfValue y = scatter (node, flattened (node, x), flattened (node, at), flattened (node, updates));
  onnx_set (node, 0, onnx_reshape (node, y, data));
}

static void
lower_scatter_nd (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), index = onnx_input_i32 (node, 1);
  SfShape data = onnx_shape (node, x), tuples = onnx_shape (node, index);
  int k = tuple_size (node, data, tuples, 0);
  if (k < 0 || !flattens (node, data))
    return;
  SfValue at = tuple_positions (node, index, data, 0);
  SfValue rows = onnx_reshape (node, x, merge_leading (data, k));
  onnx_set (node, 0, onnx_reshape (node, scatter (node, rows, at, onnx_input (node, 2)), data));
}

/* ---- selections by index ---- */

static void
lower_one_hot (OnnxNode *node)
{
  SfValue values = onnx_input (node, 2);
  int64_t depth = (int64_t) onnx_known_float (node, 1, 0);
  SfDtype dtype = onnx_input_dtype (node, 0);
  SfValue index = !onnx_failed (node) && sf_dtype_is_float (dtype)
                      ? onnx_cast (node, onnx_input (node, 0), SF_I32)
                      : onnx_input_i32 (node, 0);
  SfShape shape = onnx_shape (node, index), pair = onnx_shape (node, values);
  int axis = (int) onnx_axis (node, onnx_int (node, "axis", -1), shape.rank + 1);
  if (onnx_failed (node))
    return;
  if (depth < 1 || depth > INT32_MAX || shape.rank == SF_MAX_RANK || pair.rank != 1
      || pair.dim[0] != 2)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "depth %" G_GINT64_FORMAT " and indices of rank %d, wanted at least 1 and "
                        "a rank below %d, with two values",
                        depth, shape.rank, SF_MAX_RANK);
  for (int i = shape.rank++; i > axis; i--)
    shape.dim[i] = shape.dim[i - 1];
  shape.dim[axis] = 1;
  SfValue from_end = onnx_2f (node, "add", index, (double) depth);
  SfValue negative = onnx_2 (node, "lt", index, onnx_scalar (node, SF_I32, 0));
  index = onnx_reshape (node, onnx_select (node, negative, from_end, index), shape);
  SfValue hot = onnx_2 (node, "eq", index, ramp (node, shape.rank, axis, depth, 1));
  SfValue off = onnx_reshape (node, onnx_slice (node, values, 0, 0, 1, 1), sf_shape_scalar ());
  SfValue on = onnx_reshape (node, onnx_slice (node, values, 0, 1, 2, 1), sf_shape_scalar ());
  onnx_set (node, 0, onnx_select (node, hot, on, off));
}

static void
lower_where (OnnxNode *node)
{
  onnx_set (node, 0,
            onnx_select (node, onnx_input (node, 0), onnx_input (node, 1), onnx_input (node, 2)));
}

/* Keeps what lies on or above (upper), on or below the diagonal k: column - row against k. */
static void
lower_trilu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  if (!onnx_failed (node) && shape.rank < 2)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "input of rank %d, wanted at least 2", shape.rank);
  if (onnx_failed (node))
    return;
  SfValue row = ramp (node, 2, 0, shape.dim[shape.rank - 2], 1);
  SfValue column = ramp (node, 2, 1, shape.dim[shape.rank - 1], 1);
  SfValue k = onnx_has_input (node, 1)
                  ? onnx_reshape (node, onnx_input_i32 (node, 1), sf_shape_scalar ())
                  : onnx_scalar (node, SF_I32, 0);
  bool upper = onnx_int (node, "upper", 1) != 0;
  SfValue kept = onnx_2 (node, upper ? "ge" : "le", column, onnx_2 (node, "add", row, k));
  onnx_set (node, 0, onnx_select (node, kept, x, onnx_scalar (node, onnx_dtype (node, x), 0)));
}

/* Positions t of a sequence of length l: l-1-t before its end, t after it. */
static void
lower_reverse_sequence (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), lengths = onnx_input_i32 (node, 1);
  SfShape data = onnx_shape (node, x), shape = onnx_shape (node, lengths);
  int64_t time = onnx_int (node, "time_axis", 0), batch = onnx_int (node, "batch_axis", 1);
  if (!flattens (node, data))
    return;
  if (data.rank < 2 || time + batch != 1 || (time != 0 && time != 1)
      || sf_shape_n_elems (&shape) != data.dim[batch])
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "time_axis %" G_GINT64_FORMAT ", batch_axis %" G_GINT64_FORMAT
                        " and %" G_GINT64_FORMAT " lengths, wanted 0 and 1 or 1 and 0, and a "
                        "length per sequence",
                        time, batch, sf_shape_n_elems (&shape));
  SfShape across = SF_SHAPE (1, 1);
  across.dim[batch] = data.dim[batch];
  SfValue length = onnx_reshape (node, lengths, across);
  SfValue t = ramp (node, 2, (int) time, data.dim[time], 1);
  SfValue mirrored = onnx_2 (node, "sub", onnx_2f (node, "sub", length, 1), t);
  SfValue in = onnx_2 (node, "lt", t, length);
  SfValue limit = onnx_scalar (node, SF_I32, (double) data.dim[time]);
  SfValue valid = onnx_2 (node, "le", length, limit);
  SfValue at = onnx_select (node, in, mirrored, t);
  at = times (node, at, time == 0 ? data.dim[1] : 1);
  SfValue first = ramp (node, 2, (int) batch, data.dim[batch], batch == 0 ? data.dim[1] : 1);
  at = or_invalid (node, valid, onnx_2 (node, "add", at, first));
  SfValue rows = onnx_reshape (node, x, merge_leading (data, 2));
  onnx_set (node, 0, onnx_reshape (node, onnx_gather (node, rows, at, 0), data));
}

#define REDUCED "reduction mul, max and min have no gradient"

const OnnxRow onnx_rows_index[] = {
  { "Gather", 1, lower_gather },
  { "GatherElements", 11, lower_gather_elements },
  { "GatherND", 11, lower_gather_nd },
  { "Scatter", 9, lower_scatter_elements },
  { "ScatterElements", 11, lower_scatter_elements },
  { "ScatterElements", 16, lower_scatter_elements, 0, REDUCED },
  { "ScatterND", 11, lower_scatter_nd },
  { "ScatterND", 16, lower_scatter_nd, 0, REDUCED },
  { "OneHot", 9, lower_one_hot, 0, "depth known at import" },
  { "Where", 9, lower_where },
  { "Trilu", 14, lower_trilu },
  { "ReverseSequence", 10, lower_reverse_sequence },
  { 0 },
};
