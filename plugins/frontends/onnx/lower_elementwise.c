/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of the elementwise operators: arithmetic, comparison, logic, bits, cast. */
#include <math.h>

#include "importer.h"

/* Operators that are one op of ours each, on all inputs. */
static const struct
{
  const char *onnx, *op;
} direct[] = {
  { "Abs", "abs" },
  { "Neg", "neg" },
  { "Sign", "sign" },
  { "Exp", "exp" },
  { "Log", "log" },
  { "Sqrt", "sqrt" },
  { "Sin", "sin" },
  { "Cos", "cos" },
  { "Tan", "tan" },
  { "Asin", "asin" },
  { "Acos", "acos" },
  { "Atan", "atan" },
  { "Sinh", "sinh" },
  { "Cosh", "cosh" },
  { "Asinh", "asinh" },
  { "Acosh", "acosh" },
  { "Atanh", "atanh" },
  { "Erf", "erf" },
  { "Floor", "floor" },
  { "Ceil", "ceil" },
  { "Round", "round" },
  { "Not", "not" },
  { "BitwiseNot", "bit_not" },
  { "Reciprocal", "reciprocal" },
  { "Add", "add" },
  { "Sub", "sub" },
  { "Mul", "mul" },
  { "Div", "div" },
  { "Max", "max" },
  { "Min", "min" },
  { "Sum", "add" },
  { "And", "and" },
  { "Or", "or" },
  { "Xor", "xor" },
  { "BitwiseAnd", "bit_and" },
  { "BitwiseOr", "bit_or" },
  { "Equal", "eq" },
  { "Less", "lt" },
  { "Greater", "gt" },
  { "LessOrEqual", "le" },
  { "GreaterOrEqual", "ge" },
  { "BitwiseXor", "bit_xor" },
};

static const char *
direct_op (const OnnxNode *node)
{
  for (size_t i = 0; i < G_N_ELEMENTS (direct); i++)
    if (g_str_equal (direct[i].onnx, onnx_op_type (node)))
      return direct[i].op;
  return NULL;
}

static void
lower_unary (OnnxNode *node)
{
  onnx_set (node, 0, onnx_1 (node, direct_op (node), onnx_input (node, 0)));
}

static void
lower_binary (OnnxNode *node)
{
  onnx_set (node, 0, onnx_2 (node, direct_op (node), onnx_input (node, 0), onnx_input (node, 1)));
}

/* Against a small constant, as a mask is compared with 0, 64-bit integers need not stay wide. */
static void
lower_comparison (OnnxNode *node)
{
  bool wide = onnx_input_dtype (node, 0) == SF_I64;
  if (wide && (onnx_input_fits_i32 (node, 0) || onnx_input_fits_i32 (node, 1)))
    onnx_set (node, 0,
              onnx_2 (node, direct_op (node), onnx_input_i32 (node, 0), onnx_input_i32 (node, 1)));
  else
    lower_binary (node);
}

/* op (.. op (op (x0, x1), x2) ..) of one input or more. */
static SfValue
folded (OnnxNode *node, const char *op)
{
  SfValue y = onnx_input (node, 0);
  for (size_t i = 1; i < onnx_n_inputs (node); i++)
    y = onnx_2 (node, op, y, onnx_input (node, i));
  return y;
}

static void
lower_variadic (OnnxNode *node)
{
  onnx_set (node, 0, folded (node, direct_op (node)));
}

static void
lower_mean (OnnxNode *node)
{
  double n = (double) MAX (onnx_n_inputs (node), 1);
  onnx_set (node, 0, onnx_2f (node, "div", folded (node, "add"), n));
}

/* ---- powers ---- */

/* x to the n by squaring, n >= 1. */
static SfValue
whole_power (OnnxNode *node, SfValue x, int n)
{
  SfValue y = SF_NONE;
  for (SfValue square = x; n > 0; n >>= 1)
    {
      if (n & 1)
        y = y == SF_NONE ? square : onnx_2 (node, "mul", y, square);
      if (n > 1)
        square = onnx_2 (node, "mul", square, square);
    }
  return y;
}

/* x to an exponent for which there is a shorter form than `pow`; SF_NONE: there is none. */
static SfValue
known_power (OnnxNode *node, SfValue x, double e)
{
  bool is_float = sf_dtype_is_float (onnx_dtype (node, x));
  if (e == floor (e) && e >= 1 && e <= (is_float ? 4 : 63))
    return whole_power (node, x, (int) e);
  if (is_float && e == 0.5)
    return onnx_1 (node, "sqrt", x);
  if (is_float && e == -0.5)
    return onnx_1 (node, "rsqrt", x);
  if (is_float && e == -1)
    return onnx_1 (node, "reciprocal", x);
  return SF_NONE;
}

/* Integers: by the six lowest bits of the exponent's magnitude. Beyond 63 only the powers of 0, 1
 * and -1 fit any integer, and they hang on its parity alone. */
static SfValue
integer_power (OnnxNode *node, SfValue x, SfValue e)
{
  SfValue size = e;
  bool is_signed = sf_dtype_is_signed (onnx_dtype (node, e));
  if (is_signed)
    size = onnx_1 (node, "abs", e);
  SfValue parity = onnx_2f (node, "bit_and", size, 1);
  SfValue near = onnx_2f (node, "add", parity, 62);
  size = onnx_select (node, onnx_2f (node, "gt", size, 63), near, size);
  SfValue one = onnx_scalar (node, onnx_dtype (node, x), 1);
  SfValue y = one;
  for (int bit = 0; bit < 6; bit++)
    {
      SfValue digit = onnx_2f (node, "bit_and", size, 1 << bit);
      SfValue is_set = onnx_2f (node, "ne", digit, 0);
      y = onnx_select (node, is_set, onnx_2 (node, "mul", y, x), y);
      x = onnx_2 (node, "mul", x, x);
    }
  if (is_signed)
    y = onnx_select (node, onnx_2f (node, "lt", e, 0), onnx_2 (node, "div", one, y), y);
  return y;
}

static SfValue
general_power (OnnxNode *node, SfValue x, SfValue e)
{
  SfDtype dtype = onnx_dtype (node, x);
  bool is_float = sf_dtype_is_float (dtype);
  if (!is_float && sf_dtype_is_int (onnx_dtype (node, e)))
    return integer_power (node, x, e);
  SfDtype wide = !is_float ? SF_F64 : dtype == SF_F64 ? SF_F64 : SF_F32;
  if (!sf_dtype_is_float (onnx_dtype (node, e)))
    e = onnx_cast (node, e, wide);
  return onnx_cast (node, onnx_2 (node, "pow", onnx_cast (node, x, wide), e), dtype);
}

static void
lower_pow (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), y = SF_NONE;
  SfShape x_shape = onnx_shape (node, x), e_shape = onnx_input_shape (node, 1), shape;
  if (sf_shape_n_elems (&e_shape) == 1 && onnx_is_known (node, 1)
      && sf_shape_broadcast (&x_shape, &e_shape, &shape))
    {
      y = known_power (node, x, onnx_known_float (node, 1, 1));
      if (y != SF_NONE)
        y = onnx_broadcast (node, y, shape);
    }
  onnx_set (node, 0, y != SF_NONE ? y : general_power (node, x, onnx_input (node, 1)));
}

/* ---- integers and bits ---- */

static void
lower_mod (OnnxNode *node)
{
  bool truncating = onnx_int (node, "fmod", 0) != 0;
  if (!truncating && sf_dtype_is_float (onnx_input_dtype (node, 0)))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute fmod is 0 for %s, wanted 1 for floats; mod is of integers",
                 sf_dtype_name (onnx_input_dtype (node, 0)));
  SfValue a = onnx_input (node, 0), b = onnx_input (node, 1);
  onnx_set (node, 0, onnx_2 (node, truncating ? "fmod" : "mod", a, b));
}

static void
lower_bit_shift (OnnxNode *node)
{
  onnx_want_attr (node, "direction");
  const char *direction = onnx_string (node, "direction", "");
  bool left = g_strcmp0 (direction, "LEFT") == 0;
  if (!left && g_strcmp0 (direction, "RIGHT") != 0 && !onnx_failed (node))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute direction is '%s', wanted 'LEFT' or 'RIGHT'", direction);
  SfValue a = onnx_input (node, 0), b = onnx_input (node, 1);
  onnx_set (node, 0, onnx_2 (node, left ? "shift_left" : "shift_right", a, b));
}

/* ---- special numbers ---- */

static void
lower_is_nan (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  onnx_set (node, 0, onnx_2 (node, "ne", x, x));
}

static void
lower_is_inf (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  bool low = onnx_int (node, "detect_negative", 1) != 0;
  bool high = onnx_int (node, "detect_positive", 1) != 0;
  SfValue y;
  if (low && high)
    y = onnx_2f (node, "eq", onnx_1 (node, "abs", x), INFINITY);
  else if (low || high)
    y = onnx_2f (node, "eq", x, high ? INFINITY : -INFINITY);
  else
    y = onnx_broadcast (node, onnx_scalar (node, SF_BOOL, 0), onnx_shape (node, x));
  onnx_set (node, 0, y);
}

/* ---- dtypes ---- */

/* `saturate` is about 8-bit floats alone, which no tensor of ours has. */
static void
lower_cast (OnnxNode *node)
{
  onnx_want_attr (node, "to");
  onnx_int (node, "saturate", 1);
  SfDtype to = onnx_dtype_attr (node, "to", SF_F32);
  onnx_set (node, 0, onnx_cast (node, onnx_input (node, 0), to));
}

static void
lower_cast_like (OnnxNode *node)
{
  onnx_int (node, "saturate", 1);
  onnx_set (node, 0, onnx_cast (node, onnx_input (node, 0), onnx_input_dtype (node, 1)));
}

#define CAST_NOTE "to and from strings and 8-bit floats: refused"

/* clang-format off */
const OnnxRow onnx_rows_elementwise[] = {
  { "Abs", 6, lower_unary, 0, NULL, NULL },
  { "Neg", 6, lower_unary, 0, NULL, NULL },
  { "Sign", 9, lower_unary, 0, NULL, NULL },
  { "Exp", 6, lower_unary, 0, NULL, NULL },
  { "Log", 6, lower_unary, 0, NULL, NULL },
  { "Sqrt", 6, lower_unary, 0, NULL, NULL },
  { "Reciprocal", 6, lower_unary, 0, NULL, NULL },
  { "Sin", 7, lower_unary, 0, NULL, NULL },
  { "Cos", 7, lower_unary, 0, NULL, NULL },
  { "Tan", 7, lower_unary, 0, NULL, NULL },
  { "Asin", 7, lower_unary, 0, NULL, NULL },
  { "Acos", 7, lower_unary, 0, NULL, NULL },
  { "Atan", 7, lower_unary, 0, NULL, NULL },
  { "Sinh", 9, lower_unary, 0, NULL, NULL },
  { "Cosh", 9, lower_unary, 0, NULL, NULL },
  { "Asinh", 9, lower_unary, 0, NULL, NULL },
  { "Acosh", 9, lower_unary, 0, NULL, NULL },
  { "Atanh", 9, lower_unary, 0, NULL, NULL },
  { "Erf", 9, lower_unary, 0, NULL, NULL },
  { "Floor", 6, lower_unary, 0, NULL, NULL },
  { "Ceil", 6, lower_unary, 0, NULL, NULL },
  { "Round", 11, lower_unary, 0, NULL, NULL },
  { "Not", 1, lower_unary, ONNX_NO_GRAD, NULL, NULL },
  { "Add", 7, lower_binary, 0, NULL, NULL },
  { "Sub", 7, lower_binary, 0, NULL, NULL },
  { "Mul", 7, lower_binary, 0, NULL, NULL },
  { "Div", 7, lower_binary, 0, NULL, NULL },
  { "Pow", 7, lower_pow, 0, "integers to float powers are computed in f64, on the host", NULL },
  { "Mod", 10, lower_mod, 0, NULL, NULL },
  { "Max", 6, lower_variadic, 0, NULL, NULL },
  { "Min", 6, lower_variadic, 0, NULL, NULL },
  { "Sum", 6, lower_variadic, 0, NULL, NULL },
  { "Mean", 6, lower_mean, 0, NULL, NULL },
  { "And", 7, lower_binary, ONNX_NO_GRAD, NULL, NULL },
  { "Or", 7, lower_binary, ONNX_NO_GRAD, NULL, NULL },
  { "Xor", 7, lower_binary, ONNX_NO_GRAD, NULL, NULL },
  { "Equal", 7, lower_comparison, ONNX_NO_GRAD, "of strings: refused", NULL },
  { "Less", 7, lower_comparison, ONNX_NO_GRAD, NULL, NULL },
  { "Greater", 7, lower_comparison, ONNX_NO_GRAD, NULL, NULL },
  { "LessOrEqual", 12, lower_comparison, ONNX_NO_GRAD, NULL, NULL },
  { "GreaterOrEqual", 12, lower_comparison, ONNX_NO_GRAD, NULL, NULL },
  { "BitShift", 11, lower_bit_shift, ONNX_NO_GRAD, NULL, NULL },
  { "BitwiseNot", 18, lower_unary, ONNX_NO_GRAD, NULL, NULL },
  { "BitwiseAnd", 18, lower_binary, ONNX_NO_GRAD, NULL, NULL },
  { "BitwiseOr", 18, lower_binary, ONNX_NO_GRAD, NULL, NULL },
  { "BitwiseXor", 18, lower_binary, ONNX_NO_GRAD, NULL, NULL },
  { "IsNaN", 9, lower_is_nan, ONNX_NO_GRAD, NULL, NULL },
  { "IsInf", 10, lower_is_inf, ONNX_NO_GRAD, NULL, NULL },
  { "Cast", 6, lower_cast, ONNX_NIBBLES, CAST_NOTE, NULL },
  { "CastLike", 15, lower_cast_like, 0, CAST_NOTE, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
