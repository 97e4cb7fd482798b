/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the elementwise ops: unary, binary with broadcasting, select, cast,
 * activations. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

#include <string.h>

static bool
broadcast_into (const SfShape *a, const char *a_name, const SfShape *b, const char *b_name,
                SfShape *out, GError **error)
{
  if (sf_shape_broadcast (a, b, out))
    return true;
  g_autofree char *a_text = sf_shape_text (a);
  g_autofree char *b_text = sf_shape_text (b);
  return sf_refuse (error, "%s %s and %s %s do not broadcast, wanted equal dimensions or 1", a_name,
                    a_text, b_name, b_text);
}

static bool
infer_float_unary (SfInfer *infer, GError **error)
{
  if (!sf_infer_want_float (infer, 0, "x", error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static bool
infer_number_unary (SfInfer *infer, GError **error)
{
  if (!sf_infer_want_number (infer, 0, "x", error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static bool
infer_int_unary (SfInfer *infer, GError **error)
{
  if (!sf_infer_want_int (infer, 0, "x", error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static bool
infer_not (SfInfer *infer, GError **error)
{
  if (!sf_infer_want_dtype (infer, 0, "x", SF_BOOL, error))
    return false;
  sf_infer_set (infer, 0, SF_BOOL, *infer->shape[0]);
  return true;
}

static bool
infer_binary (SfInfer *infer, GError **error)
{
  SfDtype dtype;
  SfShape shape;
  if (!sf_infer_want_number (infer, 0, "a", error) || !sf_infer_want_number (infer, 1, "b", error)
      || !sf_infer_meet (infer, 0, "a", 1, "b", &dtype, error)
      || !broadcast_into (infer->shape[0], "a", infer->shape[1], "b", &shape, error))
    return false;
  sf_infer_set (infer, 0, dtype, shape);
  return true;
}

static bool
infer_float_binary (SfInfer *infer, GError **error)
{
  return sf_infer_want_float (infer, 0, "a", error) && sf_infer_want_float (infer, 1, "b", error)
         && infer_binary (infer, error);
}

static bool
infer_int_binary (SfInfer *infer, GError **error)
{
  return sf_infer_want_int (infer, 0, "a", error) && sf_infer_want_int (infer, 1, "b", error)
         && infer_binary (infer, error);
}

static bool
infer_compare (SfInfer *infer, GError **error)
{
  SfDtype dtype;
  SfShape shape;
  if (!sf_infer_meet (infer, 0, "a", 1, "b", &dtype, error)
      || !broadcast_into (infer->shape[0], "a", infer->shape[1], "b", &shape, error))
    return false;
  sf_infer_set (infer, 0, SF_BOOL, shape);
  return true;
}

static bool
infer_logic (SfInfer *infer, GError **error)
{
  return sf_infer_want_dtype (infer, 0, "a", SF_BOOL, error)
         && sf_infer_want_dtype (infer, 1, "b", SF_BOOL, error) && infer_compare (infer, error);
}

static bool
infer_select (SfInfer *infer, GError **error)
{
  SfDtype dtype;
  SfShape ab, shape;
  if (!sf_infer_want_dtype (infer, 0, "c", SF_BOOL, error)
      || !sf_infer_meet (infer, 1, "a", 2, "b", &dtype, error)
      || !broadcast_into (infer->shape[1], "a", infer->shape[2], "b", &ab, error)
      || !broadcast_into (infer->shape[0], "c", &ab, "a with b", &shape, error))
    return false;
  sf_infer_set (infer, 0, dtype, shape);
  return true;
}

static bool
infer_cast (SfInfer *infer, GError **error)
{
  (void) error;
  sf_infer_set (infer, 0, (SfDtype) sf_infer_int (infer, "dtype"), *infer->shape[0]);
  return true;
}

/* dy and x of one shape. */
static bool
infer_unary_bwd (SfInfer *infer, GError **error)
{
  SfDtype dtype;
  if (!sf_infer_want_float (infer, 0, "dy", error) || !sf_infer_want_float (infer, 1, "x", error)
      || !sf_infer_want_shape (infer, 0, "dy", infer->shape[1], error)
      || !sf_infer_meet (infer, 0, "dy", 1, "x", &dtype, error))
    return false;
  sf_infer_set (infer, 0, dtype, *infer->shape[1]);
  return true;
}

static bool
check_approximate (const SfInfer *infer, GError **error)
{
  const char *word = sf_infer_attr (infer, "approximate")->s;
  if (strcmp (word, "none") == 0 || strcmp (word, "tanh") == 0)
    return true;
  return sf_refuse (error, "attribute approximate is '%s', wanted 'none' or 'tanh'", word);
}

static bool
infer_gelu (SfInfer *infer, GError **error)
{
  return check_approximate (infer, error) && infer_float_unary (infer, error);
}

static bool
infer_gelu_bwd (SfInfer *infer, GError **error)
{
  return check_approximate (infer, error) && infer_unary_bwd (infer, error);
}

static const SfOpAttr cast_attrs[] = { { "dtype", SF_ATTR_DTYPE, NULL },
                                       { "saturate", SF_ATTR_BOOL, "false" },
                                       { NULL, 0, NULL } };
static const SfOpAttr gelu_attrs[] = { { "approximate", SF_ATTR_STRING, "none" },
                                       { NULL, 0, NULL } };

/* clang-format off */
#define UNARY(name_, infer_, gradient_, summary_)                                                  \
  { name_, 1, SF_OP_UNARY, 1, 1, 1, NULL, infer_, gradient_, NULL, NULL, summary_ }
#define BINARY(name_, infer_, gradient_, summary_)                                                 \
  { name_, 1, SF_OP_BINARY, 2, 2, 1, NULL, infer_, gradient_, NULL, NULL, summary_ }

const SfOp sf_ops_elementwise[] = {
  UNARY ("neg", infer_number_unary, sf_grad_neg, "-x"),
  UNARY ("abs", infer_number_unary, sf_grad_abs, "absolute value"),
  UNARY ("sign", infer_number_unary, sf_grad_zero, "-1, 0 or 1"),
  UNARY ("exp", infer_float_unary, sf_grad_exp, "e to the x"),
  UNARY ("log", infer_float_unary, sf_grad_log, "natural logarithm"),
  UNARY ("sqrt", infer_float_unary, sf_grad_sqrt, "square root"),
  UNARY ("rsqrt", infer_float_unary, sf_grad_rsqrt, "1 / sqrt (x)"),
  UNARY ("reciprocal", infer_float_unary, sf_grad_reciprocal, "1 / x"),
  UNARY ("sin", infer_float_unary, sf_grad_sin, "sine"),
  UNARY ("cos", infer_float_unary, sf_grad_cos, "cosine"),
  UNARY ("tan", infer_float_unary, sf_grad_tan, "tangent"),
  UNARY ("asin", infer_float_unary, sf_grad_asin, "inverse sine"),
  UNARY ("acos", infer_float_unary, sf_grad_acos, "inverse cosine"),
  UNARY ("atan", infer_float_unary, sf_grad_atan, "inverse tangent"),
  UNARY ("sinh", infer_float_unary, sf_grad_sinh, "hyperbolic sine"),
  UNARY ("cosh", infer_float_unary, sf_grad_cosh, "hyperbolic cosine"),
  UNARY ("tanh", infer_float_unary, sf_grad_tanh, "hyperbolic tangent"),
  UNARY ("asinh", infer_float_unary, sf_grad_asinh, "inverse hyperbolic sine"),
  UNARY ("acosh", infer_float_unary, sf_grad_acosh, "inverse hyperbolic cosine"),
  UNARY ("atanh", infer_float_unary, sf_grad_atanh, "inverse hyperbolic tangent"),
  UNARY ("sigmoid", infer_float_unary, sf_grad_sigmoid, "1 / (1 + exp (-x))"),
  UNARY ("erf", infer_float_unary, sf_grad_erf, "error function"),
  UNARY ("floor", infer_float_unary, sf_grad_zero, "largest whole number not above x"),
  UNARY ("ceil", infer_float_unary, sf_grad_zero, "smallest whole number not below x"),
  UNARY ("round", infer_float_unary, sf_grad_zero, "nearest whole number, half to even"),
  UNARY ("not", infer_not, NULL, "logical not"),
  UNARY ("bit_not", infer_int_unary, NULL, "every bit turned over"),
  BINARY ("add", infer_binary, sf_grad_add, "a + b, broadcasting"),
  BINARY ("sub", infer_binary, sf_grad_sub, "a - b, broadcasting"),
  BINARY ("mul", infer_binary, sf_grad_mul, "a * b, broadcasting"),
  BINARY ("div", infer_binary, sf_grad_div, "a / b, broadcasting; of integers truncating, 0 for b = 0"),
  BINARY ("mod", infer_binary, sf_grad_mod, "remainder with the sign of b, broadcasting; of integers 0 for b = 0"),
  BINARY ("fmod", infer_binary, sf_grad_fmod, "remainder with the sign of a, broadcasting; of integers 0 for b = 0"),
  BINARY ("pow", infer_float_binary, sf_grad_pow, "a to the b, broadcasting"),
  BINARY ("max", infer_binary, sf_grad_max, "the larger, broadcasting; NaN propagates"),
  BINARY ("min", infer_binary, sf_grad_min, "the smaller, broadcasting; NaN propagates"),
  BINARY ("eq", infer_compare, NULL, "a = b, broadcasting"),
  BINARY ("ne", infer_compare, NULL, "a != b, broadcasting"),
  BINARY ("lt", infer_compare, NULL, "a < b, broadcasting"),
  BINARY ("le", infer_compare, NULL, "a <= b, broadcasting"),
  BINARY ("gt", infer_compare, NULL, "a > b, broadcasting"),
  BINARY ("ge", infer_compare, NULL, "a >= b, broadcasting"),
  BINARY ("and", infer_logic, NULL, "logical and, broadcasting"),
  BINARY ("or", infer_logic, NULL, "logical or, broadcasting"),
  BINARY ("xor", infer_logic, NULL, "logical exclusive or, broadcasting"),
  BINARY ("bit_and", infer_int_binary, NULL, "bits set in a and b, broadcasting"),
  BINARY ("bit_or", infer_int_binary, NULL, "bits set in a or b, broadcasting"),
  BINARY ("bit_xor", infer_int_binary, NULL, "bits set in one of a and b, broadcasting"),
  BINARY ("shift_left", infer_int_binary, NULL, "a moved up by b bits, broadcasting"),
  BINARY ("shift_right", infer_int_binary, NULL, "a moved down by b bits, keeping its sign, broadcasting"),
  { "select", 1, SF_OP_TERNARY, 3, 3, 1, NULL, infer_select, sf_grad_select, NULL, NULL,
    "a where c holds, else b, broadcasting" },
  { "cast", 1, SF_OP_UNARY, 1, 1, 1, cast_attrs, infer_cast, sf_grad_cast, NULL, NULL,
    "x converted to another dtype" },
  { "relu", 1, SF_OP_COMPOSITE, 1, 1, 1, NULL, infer_float_unary, sf_grad_relu, sf_decompose_relu, NULL,
    "max (x, 0)" },
  { "relu_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, NULL, infer_unary_bwd, NULL, sf_decompose_relu_bwd, NULL,
    "dy where x > 0, else 0" },
  { "gelu", 1, SF_OP_COMPOSITE, 1, 1, 1, gelu_attrs, infer_gelu, sf_grad_gelu, sf_decompose_gelu, NULL,
    "x times the normal distribution function of x" },
  { "gelu_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, gelu_attrs, infer_gelu_bwd, NULL, sf_decompose_gelu_bwd, NULL,
    "gradient of gelu" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
