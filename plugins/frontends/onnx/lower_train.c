/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of ai.onnx.preview.training: one step of Adagrad, Adam and Momentum. */
#include "importer.h"

/* Inputs are R, T, then the tensors in groups: all X, all their gradients, all of each state;
 * outputs the new X and the new states, in the same groups. */
typedef struct
{
  OnnxNode *node;
  size_t n;     /* tensors */
  SfValue rate; /* R, scalar */
  SfValue step; /* T, scalar, i32 */
} Update;

static Update
begin (OnnxNode *node, size_t n_groups)
{
  Update u = { .node = node };
  size_t n_tensors = onnx_n_inputs (node) < 2 ? 0 : onnx_n_inputs (node) - 2;
  if (n_tensors == 0 || n_tensors % n_groups != 0)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "%zu tensors after R and T, wanted a multiple of %zu: tensors, gradients, states",
                 n_tensors, n_groups);
  u.n = n_tensors / n_groups;
  u.rate = onnx_reshape (node, onnx_input (node, 0), sf_shape_scalar ());
  u.step = onnx_reshape (node, onnx_input_i32 (node, 1), sf_shape_scalar ());
  return u;
}

static SfValue
tensor (const Update *u, size_t group, size_t i)
{
  return onnx_input (u->node, 2 + group * u->n + i);
}

static void
set (const Update *u, size_t group, size_t i, SfValue v)
{
  size_t index = group * u->n + i;
  if (onnx_wants_output (u->node, index))
    onnx_set (u->node, index, v);
}

/* a x + b y */
static SfValue
blend (OnnxNode *node, SfValue x, double a, SfValue y, double b)
{
  return onnx_2 (node, "add", onnx_2f (node, "mul", x, a), onnx_2f (node, "mul", y, b));
}

/* Gradient of the tensor with that of c / 2 ||x||^2. */
static SfValue
regularised (const Update *u, size_t i, double c)
{
  SfValue g = tensor (u, 1, i);
  return c == 0 ? g : blend (u->node, tensor (u, 0, i), c, g, 1);
}

/* x - rate direction */
static SfValue
moved (const Update *u, size_t i, SfValue rate, SfValue direction)
{
  return onnx_2 (u->node, "sub", tensor (u, 0, i), onnx_2 (u->node, "mul", rate, direction));
}

/* As a number of the rate's dtype. */
static SfValue
step_number (const Update *u)
{
  return onnx_cast (u->node, u->step, onnx_dtype (u->node, u->rate));
}

static void
lower_adagrad (OnnxNode *node)
{
  Update u = begin (node, 3);
  double decay = onnx_float (node, "decay_factor", 0), epsilon = onnx_float (node, "epsilon", 1e-6);
  double norm = onnx_float (node, "norm_coefficient", 0);
  SfValue slower = onnx_2f (node, "add", onnx_2f (node, "mul", step_number (&u), decay), 1);
  SfValue rate = onnx_2 (node, "div", u.rate, slower);
  for (size_t i = 0; i < u.n && !onnx_failed (node); i++)
    {
      SfValue g = regularised (&u, i, norm);
      SfValue h = onnx_2 (node, "add", tensor (&u, 2, i), onnx_2 (node, "mul", g, g));
      SfValue size = onnx_2f (node, "add", onnx_1 (node, "sqrt", h), epsilon);
      set (&u, 0, i, moved (&u, i, rate, onnx_2 (node, "div", g, size)));
      set (&u, 1, i, h);
    }
}

/* 1 - b^T */
static SfValue
missing (const Update *u, double b)
{
  SfValue base = onnx_scalar (u->node, onnx_dtype (u->node, u->rate), b);
  SfValue power = onnx_2 (u->node, "pow", base, step_number (u));
  return onnx_2f (u->node, "add", onnx_1 (u->node, "neg", power), 1);
}

/* R sqrt (1 - beta^T) / (1 - alpha^T) after the first step. */
static SfValue
adam_rate (const Update *u, double alpha, double beta)
{
  OnnxNode *node = u->node;
  SfValue began = onnx_2f (node, "gt", u->step, 0), one;
  one = onnx_scalar (node, onnx_dtype (node, u->rate), 1);
  SfValue second = onnx_1 (node, "sqrt", missing (u, beta));
  SfValue first = onnx_select (node, began, missing (u, alpha), one);
  SfValue rate = onnx_2 (node, "div", onnx_2 (node, "mul", u->rate, second), first);
  return onnx_select (node, began, rate, u->rate);
}

static void
lower_adam (OnnxNode *node)
{
  Update u = begin (node, 4);
  double alpha = onnx_float (node, "alpha", 0.9), beta = onnx_float (node, "beta", 0.999);
  double epsilon = onnx_float (node, "epsilon", 1e-6);
  double norm = onnx_float (node, "norm_coefficient", 0);
  double after = onnx_float (node, "norm_coefficient_post", 0);
  SfValue rate = adam_rate (&u, alpha, beta);
  for (size_t i = 0; i < u.n && !onnx_failed (node); i++)
    {
      SfValue g = regularised (&u, i, norm);
      SfValue v = blend (node, tensor (&u, 2, i), alpha, g, 1 - alpha);
      SfValue h = blend (node, tensor (&u, 3, i), beta, onnx_2 (node, "mul", g, g), 1 - beta);
      SfValue size = onnx_2f (node, "add", onnx_1 (node, "sqrt", h), epsilon);
      SfValue x = moved (&u, i, rate, onnx_2 (node, "div", v, size));
      set (&u, 0, i, after == 0 ? x : onnx_2f (node, "mul", x, 1 - after));
      set (&u, 1, i, v);
      set (&u, 2, i, h);
    }
}

static void
lower_momentum (OnnxNode *node)
{
  static const char *const wanted[] = { "alpha", "beta", "mode", "norm_coefficient" };
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    onnx_want_attr (node, wanted[i]);
  Update u = begin (node, 3);
  double alpha = onnx_float (node, "alpha", 0), beta = onnx_float (node, "beta", 0);
  double norm = onnx_float (node, "norm_coefficient", 0);
  const char *mode = onnx_string (node, "mode", "");
  bool nesterov = g_strcmp0 (mode, "nesterov") == 0;
  if (!nesterov && g_strcmp0 (mode, "standard") != 0 && !onnx_failed (node))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute mode is '%s', wanted 'standard' or 'nesterov'", mode);
  SfDtype dtype = onnx_dtype (node, u.rate);
  SfValue weight = onnx_select (node, onnx_2f (node, "gt", u.step, 0),
                                onnx_scalar (node, dtype, beta), onnx_scalar (node, dtype, 1));
  for (size_t i = 0; i < u.n && !onnx_failed (node); i++)
    {
      SfValue g = regularised (&u, i, norm), old = onnx_2f (node, "mul", tensor (&u, 2, i), alpha);
      SfValue v = onnx_2 (node, "add", old, onnx_2 (node, "mul", weight, g));
      SfValue way = nesterov ? blend (node, v, alpha, g, 1) : v;
      set (&u, 0, i, moved (&u, i, u.rate, way));
      set (&u, 1, i, v);
    }
}

#define TRAINING "ai.onnx.preview.training"

/* clang-format off */
const OnnxRow onnx_rows_train[] = {
  { "Adagrad", 1, lower_adagrad, 0, NULL, TRAINING },
  { "Adam", 1, lower_adam, 0, NULL, TRAINING },
  { "Momentum", 1, lower_momentum, 0, NULL, TRAINING },
  { "Gradient", 1, NULL, 0, "gradients come from compiling for training, not from a node of the model", TRAINING },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
