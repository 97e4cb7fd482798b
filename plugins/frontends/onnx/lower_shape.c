/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: asking for them, and giving the same elements another one. Known whenever the static
 * shape tells. */
#include "plugins/frontends/onnx/importer.h"

static void
identity (OnnxNode *node)
{
  onnx_forward (node, 0, 0);
}

/* A position among the dimensions: negative ones from the end, clamped. */
static int64_t
clamp_position (int64_t position, int rank)
{
  return CLAMP (position < 0 ? position + rank : position, 0, rank);
}

static void
shape_of (OnnxNode *node)
{
  SfShape shape = onnx_input_shape (node, 0);
  int64_t start = 0, end = shape.rank;
  if (onnx_opset (node) >= 15)
    {
      start = clamp_position (onnx_int (node, "start", 0), shape.rank);
      end = clamp_position (onnx_int (node, "end", shape.rank), shape.rank);
    }
  onnx_set_known_ints (node, 0, shape.dim + start, (size_t) MAX (end - start, 0));
}

static void
size_of (OnnxNode *node)
{
  SfShape shape = onnx_input_shape (node, 0);
  int64_t n = sf_shape_n_elems (&shape);
  onnx_set_known (node, 0, SF_I64, sf_shape_scalar (), &n);
}

/* ---- reshaping ---- */

static void
set_reshaped (OnnxNode *node, SfShape shape)
{
  SfShape now = onnx_input_shape (node, 0);
  if (!onnx_failed (node) && sf_shape_equal (&now, &shape))
    onnx_forward (node, 0, 0);
  else
    onnx_set (node, 0, onnx_reshape (node, onnx_input (node, 0), shape));
}

/* The target with zeros copied from the input and -1 worked out. */
static SfShape
target_shape (OnnxNode *node, OnnxInts target, bool allow_zero)
{
  SfShape in = onnx_input_shape (node, 0), out = sf_shape_scalar ();
  int64_t rest = 1;
  int open = -1;
  if (target.n > SF_MAX_RANK)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED, "a shape of %zu dimensions, wanted at most %d",
                   target.n, SF_MAX_RANK);
      return out;
    }
  out.rank = (int32_t) target.n;
  for (int d = 0; d < out.rank; d++)
    {
      int64_t dim = target.at[d];
      if (dim == 0 && !allow_zero && d < in.rank)
        dim = in.dim[d];
      if (dim < -1 || (dim == -1 && open >= 0) || (dim == 0 && !allow_zero && d >= in.rank)
          || (dim > 0 && __builtin_mul_overflow (rest, dim, &rest)))
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "entry %d of the shape is %" G_GINT64_FORMAT
                     ", wanted a size, one -1 at most, or 0 for a dimension of the input",
                     d, target.at[d]);
      if (dim == -1)
        open = d;
      else if (dim == 0)
        rest = 0;
      out.dim[d] = MAX (dim, 0);
    }
  if (open >= 0 && rest == 0)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "a shape with both 0 and -1, wanted one of them");
  if (open >= 0 && rest > 0)
    out.dim[open] = sf_shape_n_elems (&in) / rest;
  return out;
}

/* Target as input since opset 5; what the model declares serves where it is computed at run time.
 */
static void
reshape (OnnxNode *node)
{
  SfShape shape;
  bool allow_zero = onnx_opset (node) >= 14 && onnx_int (node, "allowzero", 0) != 0;
  if (onnx_is_known (node, 1) || !onnx_declared_shape (node, 0, &shape))
    shape = target_shape (node, onnx_known_ints (node, 1), allow_zero);
  set_reshaped (node, shape);
}

static void
flatten (OnnxNode *node)
{
  SfShape in = onnx_input_shape (node, 0);
  int64_t axis = onnx_int (node, "axis", 1), outer = 1, inner = 1;
  if (axis < -in.rank || axis > in.rank || (axis < 0 && onnx_opset (node) < 11))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "axis %" G_GINT64_FORMAT ", wanted one of 0 .. %d",
                 axis, in.rank);
  axis = axis < 0 ? axis + in.rank : axis;
  for (int d = 0; d < in.rank; d++)
    *(d < axis ? &outer : &inner) *= in.dim[d];
  set_reshaped (node, SF_SHAPE (outer, inner));
}

/* Axes of Squeeze and Unsqueeze: an input since opset 13, an attribute before. */
static OnnxInts
axes_of (OnnxNode *node)
{
  if (onnx_opset (node) < 13)
    return onnx_ints (node, "axes");
  return onnx_has_input (node, 1) ? onnx_known_ints (node, 1) : (OnnxInts){ 0 };
}

/* Marks the axes of a tensor of `rank`. */
static void
mark_axes (OnnxNode *node, OnnxInts axes, int rank, bool *marked)
{
  for (size_t i = 0; i < axes.n && !onnx_failed (node); i++)
    {
      int64_t axis = onnx_axis (node, axes.at[i], rank);
      if (!onnx_failed (node) && marked[axis])
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "axis %" G_GINT64_FORMAT " is there twice", axis);
      else
        marked[axis] = true;
    }
}

static void
squeeze (OnnxNode *node)
{
  SfShape in = onnx_input_shape (node, 0), out = sf_shape_scalar ();
  OnnxInts axes = axes_of (node);
  bool gone[SF_MAX_RANK + 1] = { false };
  mark_axes (node, axes, in.rank, gone);
  for (int d = 0; d < in.rank; d++)
    {
      if (axes.n == 0 ? in.dim[d] == 1 : gone[d])
        {
          if (in.dim[d] != 1)
            onnx_refuse (node, SF_ERROR_INVALID_DATA,
                         "dimension %d has size %" G_GINT64_FORMAT ", wanted 1 to squeeze it", d,
                         in.dim[d]);
          continue;
        }
      out.dim[out.rank++] = in.dim[d];
    }
  set_reshaped (node, out);
}

static void
unsqueeze (OnnxNode *node)
{
  SfShape in = onnx_input_shape (node, 0), out = sf_shape_scalar ();
  OnnxInts axes = axes_of (node);
  bool is_new[SF_MAX_RANK + 1] = { false };
  if ((size_t) in.rank + axes.n > SF_MAX_RANK)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED, "a result of %zu dimensions, wanted at most %d",
                 (size_t) in.rank + axes.n, SF_MAX_RANK);
  if (onnx_failed (node))
    return;
  out.rank = in.rank + (int32_t) axes.n;
  mark_axes (node, axes, out.rank, is_new);
  for (int d = 0, from = 0; d < out.rank && !onnx_failed (node); d++)
    out.dim[d] = is_new[d] ? 1 : in.dim[from++];
  set_reshaped (node, out);
}

/* Broadcasting both ways: a 1 in the target keeps the input's size. */
static void
expand (OnnxNode *node)
{
  SfShape in = onnx_input_shape (node, 0), target, out;
  if (onnx_is_known (node, 1) || !onnx_declared_shape (node, 0, &target))
    {
      OnnxInts dims = onnx_known_ints (node, 1);
      if (dims.n > SF_MAX_RANK)
        onnx_refuse (node, SF_ERROR_UNSUPPORTED, "a shape of %zu dimensions, wanted at most %d",
                     dims.n, SF_MAX_RANK);
      for (size_t i = 0; i < dims.n; i++)
        if (dims.at[i] < 0)
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "entry %zu of the shape is %" G_GINT64_FORMAT ", wanted a size", i,
                       dims.at[i]);
      target = onnx_failed (node) ? sf_shape_scalar () : sf_shape ((int) dims.n, dims.at);
    }
  if (onnx_failed (node) || !sf_shape_broadcast (&in, &target, &out))
    {
      g_autofree char *found = sf_shape_text (&target);
      g_autofree char *wanted = sf_shape_text (&in);
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "the shape %s does not broadcast with %s", found,
                   wanted);
      return;
    }
  if (sf_shape_equal (&in, &out))
    onnx_forward (node, 0, 0);
  else
    onnx_set (node, 0, onnx_broadcast (node, onnx_input (node, 0), out));
}

const OnnxRow onnx_rows_shape[] = {
  { "Identity", 1, identity },   { "Shape", 1, shape_of },
  { "Shape", 15, shape_of },     { "Size", 1, size_of },
  { "Reshape", 5, reshape },     { "Reshape", 14, reshape },
  { "Flatten", 1, flatten },     { "Flatten", 11, flatten },
  { "Squeeze", 1, squeeze },     { "Squeeze", 13, squeeze },
  { "Unsqueeze", 1, unsqueeze }, { "Unsqueeze", 13, unsqueeze },
  { "Expand", 8, expand },       { NULL },
};
