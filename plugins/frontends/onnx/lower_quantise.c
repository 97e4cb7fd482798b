/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of the quantised operators: to and from integers, matrix products on i32. */
#include <inttypes.h>

#include "quantise.h"

/* Range of the integers that a real number is rounded to. */
static const struct
{
  SfDtype dtype;
  double low, high;
} ranges[] = {
  { SF_I8, -128, 127 },
  { SF_U8, 0, 255 },
  { SF_I16, -32768, 32767 },
  { SF_U16, 0, 65535 },
};

/* ---- scales and zero points ---- */

/* `v` of one entry for each `block` of entries of `axis`, repeated to the size of `shape`. */
static SfValue
repeated (OnnxNode *node, SfValue v, SfShape shape, int axis, int64_t block)
{
  SfShape from = onnx_shape (node, v), wanted = shape, split = { 0 };
  wanted.dim[axis] = shape.dim[axis] / block + (shape.dim[axis] % block != 0);
  if (!sf_shape_equal (&from, &wanted) || shape.rank == SF_MAX_RANK)
    {
      g_autofree char *from_text = sf_shape_text (&from);
      g_autofree char *wanted_text = sf_shape_text (&wanted);
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "a scale or zero point of blocks is %s, wanted %s of at most 7 dimensions",
                   from_text, wanted_text);
      return SF_NONE;
    }
  for (int d = 0; d < shape.rank; d++)
    {
      split.dim[split.rank++] = wanted.dim[d];
      if (d == axis)
        split.dim[split.rank++] = 1;
    }
  v = onnx_reshape (node, v, split);
  split.dim[axis + 1] = block;
  v = onnx_broadcast (node, v, split);
  wanted.dim[axis] *= block;
  return onnx_slice (node, onnx_reshape (node, v, wanted), axis, 0, shape.dim[axis], 1);
}

SfValue
onnx_per_axis (OnnxNode *node, SfValue v, SfShape shape, int axis)
{
  SfShape from = onnx_shape (node, v), line = { .rank = shape.rank };
  if (onnx_failed (node))
    return SF_NONE;
  if (sf_shape_n_elems (&from) == 1)
    return onnx_reshape (node, v, sf_shape_scalar ());
  for (int d = 0; d < shape.rank; d++)
    line.dim[d] = d == axis ? shape.dim[axis] : 1;
  if (from.rank == 1 && axis < shape.rank && from.dim[0] == shape.dim[axis])
    return onnx_reshape (node, v, line);
  g_autofree char *from_text = sf_shape_text (&from);
  g_autofree char *shape_text = sf_shape_text (&shape);
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "a scale or zero point is %s, wanted one number or one for each entry of axis %d of "
               "%s",
               from_text, axis, shape_text);
  return SF_NONE;
}

/* How the scale and zero point of QuantizeLinear and DequantizeLinear lie along x. */
typedef struct
{
  SfShape shape; /* of x */
  int axis;
  int64_t block; /* 0: none */
} Grain;

static Grain
grain_of (OnnxNode *node)
{
  Grain grain = { .shape = onnx_input_shape (node, 0), .block = onnx_int (node, "block_size", 0) };
  SfShape scale = onnx_input_shape (node, 1);
  int64_t axis = onnx_int (node, "axis", 1);
  if (grain.block < 0 || grain.block > INT32_MAX)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute block_size is %" PRId64 ", wanted 0 or more", grain.block);
  if (grain.block > 0 || sf_shape_n_elems (&scale) != 1)
    grain.axis = (int) onnx_axis (node, axis, grain.shape.rank);
  return grain;
}

static SfValue
spread (OnnxNode *node, size_t index, const Grain *grain)
{
  SfValue v = onnx_fixed (node, index);
  if (onnx_failed (node))
    return SF_NONE;
  return grain->block > 0 ? repeated (node, v, grain->shape, grain->axis, grain->block)
                          : onnx_per_axis (node, v, grain->shape, grain->axis);
}

/* ---- to integers ---- */

SfValue
onnx_saturated (OnnxNode *node, SfValue x, SfValue zero_point, SfDtype dtype)
{
  SfValue y = onnx_1 (node, "round", x);
  if (onnx_dtype (node, y) != SF_F64)
    y = onnx_cast (node, y, SF_F32);
  if (zero_point != SF_NONE)
    y = onnx_2 (node, "add", y, onnx_cast (node, zero_point, SF_F32));
  for (size_t i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (ranges[i].dtype == dtype)
      {
        y = onnx_2f (node, "max", y, ranges[i].low);
        return onnx_cast (node, onnx_2f (node, "min", y, ranges[i].high), dtype);
      }
  onnx_refuse (node, SF_ERROR_UNSUPPORTED,
               "its integers are %s, wanted i8, u8, i16 or u16; other widths are not supported",
               sf_dtype_name (dtype));
  return SF_NONE;
}

static void
lower_quantise (OnnxNode *node)
{
  Grain grain = grain_of (node);
  bool has_zero = onnx_has_input (node, 2);
  SfDtype asked = onnx_dtype_attr (node, "output_dtype", SF_U8);
  SfDtype dtype = has_zero ? onnx_input_dtype (node, 2) : asked;
  onnx_int (node, "saturate", 1);
  SfValue x = onnx_input (node, 0);
  if (!sf_dtype_is_float (onnx_dtype (node, x)))
    x = onnx_cast (node, x, SF_F32);
  SfValue scaled = onnx_2 (node, "div", x, spread (node, 1, &grain));
  SfValue zero = has_zero ? spread (node, 2, &grain) : SF_NONE;
  onnx_set (node, 0, onnx_saturated (node, scaled, zero, dtype));
}

static void
lower_dynamic_quantise (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfValue most = onnx_reduce (node, "reduce_max", x, NULL, 0, false);
  SfValue least = onnx_reduce (node, "reduce_min", x, NULL, 0, false);
  most = onnx_2f (node, "max", most, 0);
  least = onnx_2f (node, "min", least, 0);
  SfValue scale = onnx_2f (node, "div", onnx_2 (node, "sub", most, least), 255);
  SfValue zero = onnx_1 (node, "neg", onnx_2 (node, "div", least, scale));
  zero = onnx_saturated (node, zero, SF_NONE, SF_U8);
  onnx_set (node, 0, onnx_saturated (node, onnx_2 (node, "div", x, scale), zero, SF_U8));
  onnx_set (node, 1, scale);
  onnx_set (node, 2, zero);
}

/* ---- from integers ---- */

SfValue
onnx_centred (OnnxNode *node, size_t index, SfValue zero_point)
{
  SfValue x = onnx_cast (node, onnx_input (node, index), SF_I32);
  if (zero_point == SF_NONE)
    return x;
  return onnx_2 (node, "sub", x, onnx_cast (node, zero_point, SF_I32));
}

/* As wide as f32, then rounded to the scale's dtype, which is the result's. */
static void
lower_dequantise (OnnxNode *node)
{
  Grain grain = grain_of (node);
  SfDtype dtype = onnx_input_dtype (node, 1);
  SfValue zero = onnx_has_input (node, 2) ? spread (node, 2, &grain) : SF_NONE;
  SfValue x = onnx_cast (node, onnx_centred (node, 0, zero), SF_F32);
  SfValue y = onnx_2 (node, "mul", x, spread (node, 1, &grain));
  onnx_set (node, 0, onnx_cast (node, y, dtype));
}

/* ---- matrix products ---- */

/* A column's number: one for all, or as it is. */
static SfValue
per_column (OnnxNode *node, size_t index)
{
  if (!onnx_has_input (node, index))
    return SF_NONE;
  SfValue v = onnx_fixed (node, index);
  SfShape shape = onnx_shape (node, v);
  if (onnx_failed (node) || sf_shape_n_elems (&shape) == 1)
    return onnx_reshape (node, v, sf_shape_scalar ());
  return v;
}

/* A row's: a line [M] stands upright. */
static SfValue
per_row (OnnxNode *node, size_t index)
{
  SfValue v = per_column (node, index);
  if (v == SF_NONE)
    return SF_NONE;
  SfShape shape = onnx_shape (node, v);
  return shape.rank == 1 ? onnx_reshape (node, v, SF_SHAPE (shape.dim[0], 1)) : v;
}

/* As numpy.matmul: a vector is a row on the left, a column on the right. */
static SfValue
product (OnnxNode *node, SfValue a, SfValue b)
{
  SfShape left = onnx_shape (node, a), right = onnx_shape (node, b);
  if (left.rank == 1)
    a = onnx_reshape (node, a, SF_SHAPE (1, left.dim[0]));
  if (right.rank == 1)
    b = onnx_reshape (node, b, SF_SHAPE (right.dim[0], 1));
  SfValue y = onnx_matmul (node, a, b, false, false);
  SfShape whole = onnx_shape (node, y), shape = { 0 };
  for (int d = 0; d < whole.rank; d++)
    if (!(left.rank == 1 && d == whole.rank - 2) && !(right.rank == 1 && d == whole.rank - 1))
      shape.dim[shape.rank++] = whole.dim[d];
  return onnx_reshape (node, y, shape);
}

static void
lower_matmul_integer (OnnxNode *node)
{
  SfValue a = onnx_centred (node, 0, per_row (node, 2));
  SfValue b = onnx_centred (node, 1, per_column (node, 3));
  onnx_set (node, 0, product (node, a, b));
}

static void
lower_qlinear_matmul (OnnxNode *node)
{
  SfValue a = onnx_centred (node, 0, per_row (node, 2));
  SfValue b = onnx_centred (node, 3, per_column (node, 5));
  SfValue scale = onnx_2 (node, "mul", per_row (node, 1), per_column (node, 4));
  scale = onnx_2 (node, "div", scale, per_row (node, 6));
  SfValue sum = onnx_cast (node, product (node, a, b), SF_F32);
  SfValue y = onnx_2 (node, "mul", sum, scale);
  onnx_set (node, 0, onnx_saturated (node, y, per_row (node, 7), onnx_input_dtype (node, 7)));
}

#define WIDTHS_NOTE "8- and 16-bit integers; 4-bit integers and 8-bit floats: refused"

/* clang-format off */
const OnnxRow onnx_rows_quantise[] = {
  { "QuantizeLinear", 10, lower_quantise, ONNX_NO_GRAD, WIDTHS_NOTE, NULL },
  { "DequantizeLinear", 10, lower_dequantise, ONNX_NIBBLES, "8-bit floats: refused", NULL },
  { "DynamicQuantizeLinear", 11, lower_dynamic_quantise, ONNX_NO_GRAD, NULL, NULL },
  { "MatMulInteger", 10, lower_matmul_integer, ONNX_NO_GRAD, NULL, NULL },
  { "QLinearMatMul", 10, lower_qlinear_matmul, ONNX_NO_GRAD, WIDTHS_NOTE, NULL },
  { "ConvInteger", 10, onnx_lower_conv_integer, ONNX_NO_GRAD, "1 to 3 spatial dimensions", NULL },
  { "QLinearConv", 10, onnx_lower_qlinear_conv, ONNX_NO_GRAD, "1 to 3 spatial dimensions", NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
