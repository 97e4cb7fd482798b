/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of the activations, of the softmax family and of dropout. */
#include "fixed.h"
#include "importer.h"
#include "random.h"

static bool
is_float (OnnxNode *node, SfValue x)
{
  return sf_dtype_is_float (onnx_dtype (node, x));
}

static SfValue
zero_of (OnnxNode *node, SfValue x)
{
  return onnx_scalar (node, onnx_dtype (node, x), 0);
}

/* a x + b */
static SfValue
affine (OnnxNode *node, SfValue x, double a, double b)
{
  return onnx_2f (node, "add", onnx_2f (node, "mul", x, a), b);
}

/* x where it is 0 or more, else `below`. */
static SfValue
or_below (OnnxNode *node, SfValue x, SfValue below)
{
  return onnx_select (node, onnx_2f (node, "ge", x, 0), x, below);
}

static SfValue
clamped (OnnxNode *node, SfValue x, double low, double high)
{
  return onnx_2f (node, "min", onnx_2f (node, "max", x, low), high);
}

/* ---- one input, a curve ---- */

static void
lower_sigmoid (OnnxNode *node)
{
  onnx_set (node, 0, onnx_1 (node, "sigmoid", onnx_input (node, 0)));
}

static void
lower_tanh (OnnxNode *node)
{
  onnx_set (node, 0, onnx_1 (node, "tanh", onnx_input (node, 0)));
}

static void
lower_relu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  onnx_set (node, 0, is_float (node, x) ? onnx_1 (node, "relu", x) : onnx_2f (node, "max", x, 0));
}

static void
lower_leaky_relu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  double alpha = onnx_float (node, "alpha", 0.01);
  onnx_set (node, 0, or_below (node, x, onnx_2f (node, "mul", x, alpha)));
}

static void
lower_prelu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), slope = onnx_input (node, 1);
  onnx_set (node, 0, or_below (node, x, onnx_2 (node, "mul", x, slope)));
}

/* exp (x / width) - 1 of the negative part, 0 elsewhere: never overflows. */
static SfValue
dip (OnnxNode *node, SfValue x, double width)
{
  SfValue low = onnx_2f (node, "min", x, 0);
  if (width != 1)
    low = onnx_2f (node, "div", low, width);
  return onnx_2f (node, "sub", onnx_1 (node, "exp", low), 1);
}

static void
lower_elu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  double alpha = onnx_float (node, "alpha", 1);
  onnx_set (node, 0, or_below (node, x, onnx_2f (node, "mul", dip (node, x, 1), alpha)));
}

static void
lower_celu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  double alpha = onnx_float (node, "alpha", 1);
  onnx_set (node, 0, or_below (node, x, onnx_2f (node, "mul", dip (node, x, alpha), alpha)));
}

static void
lower_selu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  double alpha = onnx_float (node, "alpha", 1.67326319217681884765625);
  double gamma = onnx_float (node, "gamma", 1.05070102214813232421875);
  SfValue below = onnx_2f (node, "mul", dip (node, x, 1), alpha);
  onnx_set (node, 0, onnx_2f (node, "mul", or_below (node, x, below), gamma));
}

static void
lower_hard_sigmoid (OnnxNode *node)
{
  double alpha = onnx_float (node, "alpha", 0.2), beta = onnx_float (node, "beta", 0.5);
  SfValue line = affine (node, onnx_input (node, 0), alpha, beta);
  onnx_set (node, 0, clamped (node, line, 0, 1));
}

static void
lower_hard_swish (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfValue gate = clamped (node, affine (node, x, 1.0 / 6, 0.5), 0, 1);
  onnx_set (node, 0, onnx_2 (node, "mul", x, gate));
}

/* log (1 + exp (x)) = max (x, 0) + log (1 + exp (-|x|)) */
static SfValue
softplus (OnnxNode *node, SfValue x)
{
  SfValue tail = onnx_1 (node, "exp", onnx_1 (node, "neg", onnx_1 (node, "abs", x)));
  SfValue rest = onnx_1 (node, "log", onnx_2f (node, "add", tail, 1));
  return onnx_2 (node, "add", onnx_2f (node, "max", x, 0), rest);
}

static void
lower_softplus (OnnxNode *node)
{
  onnx_set (node, 0, softplus (node, onnx_input (node, 0)));
}

static void
lower_mish (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfValue gate = onnx_1 (node, "tanh", softplus (node, x));
  onnx_set (node, 0, onnx_2 (node, "mul", x, gate));
}

static void
lower_softsign (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfValue scale = onnx_2f (node, "add", onnx_1 (node, "abs", x), 1);
  onnx_set (node, 0, onnx_2 (node, "div", x, scale));
}

static void
lower_thresholded_relu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfValue on = onnx_2f (node, "gt", x, onnx_float (node, "alpha", 1));
  onnx_set (node, 0, onnx_select (node, on, x, zero_of (node, x)));
}

/* In floats whatever the dtype, since lambd and bias are. */
static void
lower_shrink (OnnxNode *node)
{
  double lambd = onnx_float (node, "lambd", 0.5), bias = onnx_float (node, "bias", 0);
  SfValue given = onnx_input (node, 0);
  SfValue x = is_float (node, given) ? given : onnx_cast (node, given, SF_F32);
  SfValue low = onnx_2f (node, "add", x, bias), high = onnx_2f (node, "sub", x, bias);
  SfValue y = onnx_select (node, onnx_2f (node, "gt", x, lambd), high, zero_of (node, x));
  y = onnx_select (node, onnx_2f (node, "lt", x, -lambd), low, y);
  onnx_set (node, 0, onnx_cast (node, y, onnx_dtype (node, given)));
}

static void
lower_gelu (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfAttr form = SF_ATTR_S ("approximate", onnx_string (node, "approximate", "none"));
  onnx_set (node, 0, onnx_node (node, "gelu", &x, 1, &form, 1, NULL));
}

/* ---- clip ---- */

static void
lower_clip_attr (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  if (onnx_has_attr (node, "min"))
    x = onnx_2f (node, "max", x, onnx_float (node, "min", 0));
  if (onnx_has_attr (node, "max"))
    x = onnx_2f (node, "min", x, onnx_float (node, "max", 0));
  onnx_set (node, 0, x);
}

/* A bound, as a scalar. */
static SfValue
bound (OnnxNode *node, size_t index)
{
  SfShape shape = onnx_input_shape (node, index);
  if (sf_shape_n_elems (&shape) != 1)
    {
      g_autofree char *text = sf_shape_text (&shape);
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu is %s, wanted a scalar", index, text);
    }
  return onnx_reshape (node, onnx_fixed (node, index), sf_shape_scalar ());
}

static void
lower_clip (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  if (onnx_has_input (node, 1))
    x = onnx_2 (node, "max", x, bound (node, 1));
  if (onnx_has_input (node, 2))
    x = onnx_2 (node, "min", x, bound (node, 2));
  onnx_set (node, 0, x);
}

/* ---- along an axis ---- */

/* 1 at the first maximum, else 0. */
static SfValue
hardmax (OnnxNode *node, SfValue x, int axis)
{
  SfShape shape = onnx_shape (node, x), line = { .rank = shape.rank };
  for (int d = 0; d < shape.rank; d++)
    line.dim[d] = d == axis ? shape.dim[d] : 1;
  SfAttr attrs[] = { SF_ATTR_I ("axis", axis), SF_ATTR_B ("keepdims", true) };
  SfValue best = onnx_node (node, "argmax", &x, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  SfValue hit = onnx_2 (node, "eq", best, onnx_iota (node, line, axis, SF_I32));
  return onnx_cast (node, hit, onnx_dtype (node, x));
}

static SfValue
normalised (OnnxNode *node, SfValue x, int axis)
{
  if (g_str_equal (onnx_op_type (node), "Hardmax"))
    return hardmax (node, x, axis);
  bool is_log = g_str_equal (onnx_op_type (node), "LogSoftmax");
  SfAttr attr = SF_ATTR_I ("axis", axis);
  return onnx_node (node, is_log ? "log_softmax" : "softmax", &x, 1, &attr, 1, NULL);
}

static void
lower_along_axis (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", -1), onnx_shape (node, x).rank);
  onnx_set (node, 0, normalised (node, x, (int) axis));
}

/* Before opset 13: over all dimensions from the axis on. */
static void
lower_from_axis (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  int axis = (int) onnx_axis (node, onnx_int (node, "axis", 1), shape.rank);
  SfShape flat = { .rank = 2, .dim = { 1, 1 } };
  for (int d = 0; d < shape.rank; d++)
    flat.dim[d >= axis] *= shape.dim[d];
  if (axis == shape.rank - 1)
    onnx_set (node, 0, normalised (node, x, axis));
  else
    onnx_set (node, 0,
              onnx_reshape (node, normalised (node, onnx_reshape (node, x, flat), 1), shape));
}

/* ---- dropout ---- */

static SfValue
all_true (OnnxNode *node, SfValue like)
{
  return onnx_broadcast (node, onnx_scalar (node, SF_BOOL, 1), onnx_shape (node, like));
}

typedef struct
{
  double ratio;
  double seed;
  SfDtype mask;
} Dropout;

/* The op that training runs and evaluation passes by. */
static SfValue
dropped (OnnxNode *node, SfValue x, const Dropout *dropout)
{
  SfValue inputs[] = { x, onnx_rng (node) };
  SfAttr attrs[] = { SF_ATTR_F ("p", dropout->ratio),
                     SF_ATTR_I ("stream", onnx_rng_stream (node, dropout->seed)) };
  return onnx_node (node, "dropout", inputs, 2, attrs, G_N_ELEMENTS (attrs), NULL);
}

static bool
drops (OnnxNode *node, const Dropout *dropout)
{
  if (!(dropout->ratio >= 0 && dropout->ratio < 1))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "ratio is %g, wanted 0 or more and below 1",
                 dropout->ratio);
  return dropout->ratio > 0 && !onnx_failed (node);
}

/* Drops whoever runs it, and says what it kept. */
static void
set_drop_and_mask (OnnxNode *node, const Dropout *dropout)
{
  SfValue x = onnx_input (node, 0);
  SfValue drawn = onnx_uniform (node, onnx_shape (node, x), dropout->seed);
  SfValue kept = onnx_2f (node, "ge", drawn, dropout->ratio);
  SfValue scaled = onnx_2f (node, "mul", x, 1 / (1 - dropout->ratio));
  onnx_set (node, 0, onnx_select (node, kept, scaled, zero_of (node, x)));
  onnx_set (node, 1, kept);
}

/* A dropout that only training runs; the mask is that of evaluation. */
static void
set_dropout (OnnxNode *node, const Dropout *dropout)
{
  SfValue x = onnx_input (node, 0);
  onnx_set (node, 0, drops (node, dropout) ? dropped (node, x, dropout) : x);
  if (onnx_wants_output (node, 1))
    onnx_set (node, 1, onnx_cast (node, all_true (node, x), dropout->mask));
}

/* The mask is of the input's dtype. */
static void
lower_dropout_7 (OnnxNode *node)
{
  Dropout dropout = { onnx_float (node, "ratio", 0.5), 0, onnx_input_dtype (node, 0) };
  set_dropout (node, &dropout);
}

static void
lower_dropout_10 (OnnxNode *node)
{
  Dropout dropout = { onnx_float (node, "ratio", 0.5), 0, SF_BOOL };
  set_dropout (node, &dropout);
}

/* A ratio that only a step knows can be passed by, but not trained with. */
static void
lower_dropout_12 (OnnxNode *node)
{
  Dropout dropout = { 0, (double) onnx_int (node, "seed", 0), SF_BOOL };
  bool training = onnx_has_input (node, 2) && onnx_is_known (node, 2)
                  && onnx_known_int (node, 2, 0) != 0;
  if (training || !onnx_has_input (node, 1) || onnx_is_known (node, 1))
    dropout.ratio = onnx_known_float (node, 1, 0.5);
  if (training && onnx_wants_output (node, 1) && drops (node, &dropout))
    set_drop_and_mask (node, &dropout);
  else
    set_dropout (node, &dropout);
}

#define DROPOUT_NOTE                                                                         \
  "drops when trained, passes when evaluated, whatever training_mode says; with a mask and " \
  "training_mode true it drops always"

/* clang-format off */
const OnnxRow onnx_rows_activation[] = {
  { "Sigmoid", 6, lower_sigmoid, 0, NULL, NULL },
  { "Tanh", 6, lower_tanh, 0, NULL, NULL },
  { "Relu", 6, lower_relu, 0, NULL, NULL },
  { "LeakyRelu", 6, lower_leaky_relu, 0, NULL, NULL },
  { "PRelu", 7, lower_prelu, 0, NULL, NULL },
  { "Elu", 6, lower_elu, 0, NULL, NULL },
  { "Celu", 12, lower_celu, 0, NULL, NULL },
  { "Selu", 6, lower_selu, 0, NULL, NULL },
  { "HardSigmoid", 6, lower_hard_sigmoid, 0, NULL, NULL },
  { "HardSwish", 14, lower_hard_swish, 0, NULL, NULL },
  { "Softplus", 1, lower_softplus, 0, NULL, NULL },
  { "Softsign", 1, lower_softsign, 0, NULL, NULL },
  { "Mish", 18, lower_mish, 0, NULL, NULL },
  { "ThresholdedRelu", 10, lower_thresholded_relu, 0, NULL, NULL },
  { "Shrink", 9, lower_shrink, 0, NULL, NULL },
  { "Gelu", 20, lower_gelu, 0, NULL, NULL },
  { "Clip", 6, lower_clip_attr, 0, NULL, NULL },
  { "Clip", 11, lower_clip, 0, NULL, NULL },
  { "Softmax", 1, lower_from_axis, 0, NULL, NULL },
  { "Softmax", 13, lower_along_axis, 0, NULL, NULL },
  { "LogSoftmax", 1, lower_from_axis, 0, NULL, NULL },
  { "LogSoftmax", 13, lower_along_axis, 0, NULL, NULL },
  { "Hardmax", 1, lower_from_axis, ONNX_NO_GRAD, NULL, NULL },
  { "Hardmax", 13, lower_along_axis, ONNX_NO_GRAD, NULL, NULL },
  { "Dropout", 7, lower_dropout_7, 0, DROPOUT_NOTE, NULL },
  { "Dropout", 10, lower_dropout_10, 0, DROPOUT_NOTE, NULL },
  { "Dropout", 12, lower_dropout_12, 0, DROPOUT_NOTE, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
