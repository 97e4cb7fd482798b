/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what makes values from nothing: constants, ranges, windows, random numbers. */
#include <inttypes.h>
#include <math.h>

#include <sf/exact.h>

#include "importer.h"
#include "random.h"

#define MAX_LENGTH ((int64_t) 1 << 24) /* of a range or window, which is stored */

/* ---- constants ---- */

static void
set_known_floats (OnnxNode *node, SfShape shape, const double *values, size_t n)
{
  g_autofree float *data = g_new0 (float, n + 1);
  sf_dtype_convert (SF_F64, values, SF_F32, data, n);
  onnx_set_known (node, 0, SF_F32, shape, data);
}

static void
set_tensor (OnnxNode *node, const char *name)
{
  SfTensor tensor = { 0 };
  if (onnx_tensor_attr (node, name, &tensor))
    onnx_set_known (node, 0, tensor.dtype, tensor.shape, tensor.data);
}

static void
lower_constant (OnnxNode *node)
{
  const double *floats;
  if (onnx_has_attr (node, "value"))
    set_tensor (node, "value");
  else if (onnx_has_attr (node, "sparse_value"))
    set_tensor (node, "sparse_value");
  else if (onnx_has_attr (node, "value_float"))
    {
      double value = onnx_float (node, "value_float", 0);
      set_known_floats (node, sf_shape_scalar (), &value, 1);
    }
  else if (onnx_has_attr (node, "value_floats"))
    {
      size_t n = onnx_floats (node, "value_floats", &floats);
      set_known_floats (node, SF_SHAPE ((int64_t) n), floats, n);
    }
  else if (onnx_has_attr (node, "value_int"))
    {
      int64_t value = onnx_int (node, "value_int", 0);
      onnx_set_known (node, 0, SF_I64, sf_shape_scalar (), &value);
    }
  else if (onnx_has_attr (node, "value_ints"))
    {
      OnnxInts ints = onnx_ints (node, "value_ints");
      onnx_set_known_ints (node, 0, ints.at, ints.n);
    }
  else
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "its value is neither a tensor nor numbers, wanted attribute value, sparse_value, "
                 "value_float(s) or value_int(s); strings are not supported");
}

static void
lower_constant_of_shape (OnnxNode *node)
{
  OnnxInts dims = onnx_known_ints (node, 0);
  SfTensor tensor = { 0 };
  float zero = 0;
  if (!onnx_tensor_attr (node, "value", &tensor))
    tensor = sf_tensor (SF_F32, sf_shape_scalar (), &zero);
  if (onnx_failed (node))
    return;
  if (dims.n > SF_MAX_RANK || sf_shape_n_elems (&tensor.shape) != 1)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "shape of %zu dimensions and a value of %" PRId64
                   " elements, wanted at most %d dimensions and one element",
                   dims.n, sf_shape_n_elems (&tensor.shape), SF_MAX_RANK);
      return;
    }
  SfValue value = onnx_constant (node, tensor.dtype, sf_shape_scalar (), tensor.data);
  onnx_set (node, 0, onnx_broadcast (node, value, sf_shape ((int) dims.n, dims.at)));
}

/* ---- ranges ---- */

/* Number of steps from start to before limit; refuses what cannot be stored. */
static int64_t
n_steps (OnnxNode *node, double start, double limit, double delta)
{
  double n = ceil ((limit - start) / delta);
  if (n >= 0 && n <= (double) MAX_LENGTH)
    return (int64_t) n;
  if (n < 0 && delta != 0)
    return 0;
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "range from %g to %g by %g, wanted a delta that is not 0 and at most %" PRId64
               " numbers",
               start, limit, delta, MAX_LENGTH);
  return 0;
}

/* start + i delta, of inputs that only a step knows; their number is what the model declares. */
static void
set_declared_range (OnnxNode *node)
{
  SfShape shape;
  if (!onnx_declared_shape (node, 0, &shape) || shape.rank != 1)
    {
      onnx_refuse (
          node, SF_ERROR_UNSUPPORTED,
          "start, limit and delta come from a step and the length of the range is not "
          "declared, wanted either; make them constants or declare the shape of the output");
      return;
    }
  SfDtype dtype = onnx_input_dtype (node, 0);
  SfValue start = onnx_reshape (node, onnx_input (node, 0), sf_shape_scalar ());
  SfValue delta = onnx_reshape (node, onnx_input (node, 2), sf_shape_scalar ());
  SfValue i = onnx_iota (node, shape, 0, dtype);
  onnx_set (node, 0, onnx_2 (node, "add", start, onnx_2 (node, "mul", i, delta)));
}

static void
set_whole_range (OnnxNode *node, SfDtype dtype)
{
  int64_t start = onnx_known_int (node, 0, 0), delta = onnx_known_int (node, 2, 1);
  int64_t n = n_steps (node, (double) start, (double) onnx_known_int (node, 1, 0), (double) delta);
  g_autofree int64_t *wide = g_try_new0 (int64_t, (size_t) n + 1);
  g_autofree int64_t *data = g_try_new0 (int64_t, (size_t) n + 1);
  if (wide == NULL || data == NULL)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %" PRId64 " numbers", n);
      return;
    }
  for (int64_t i = 0; i < n; i++)
    wide[i] = (int64_t) ((uint64_t) start + (uint64_t) i * (uint64_t) delta);
  sf_dtype_convert (SF_I64, wide, dtype, data, (size_t) n);
  onnx_set_known (node, 0, dtype, SF_SHAPE (n), data);
}

static void
set_known_f64 (OnnxNode *node, SfDtype dtype, SfShape shape, const double *values)
{
  size_t n = (size_t) sf_shape_n_elems (&shape);
  g_autofree double *data = g_try_new0 (double, n + 1);
  if (data == NULL)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %zu numbers", n);
      return;
    }
  sf_dtype_convert (SF_F64, values, dtype, data, n);
  onnx_set_known (node, 0, dtype, shape, data);
}

static void
set_real_range (OnnxNode *node, SfDtype dtype)
{
  double start = onnx_known_float (node, 0, 0), delta = onnx_known_float (node, 2, 1);
  int64_t n = n_steps (node, start, onnx_known_float (node, 1, 0), delta);
  g_autofree double *values = g_try_new0 (double, (size_t) n + 1);
  for (int64_t i = 0; values != NULL && i < n; i++)
    values[i] = start + (double) i * delta;
  if (values == NULL)
    onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %" PRId64 " numbers", n);
  else
    set_known_f64 (node, dtype, SF_SHAPE (n), values);
}

static void
lower_range (OnnxNode *node)
{
  SfDtype dtype = onnx_input_dtype (node, 0);
  for (size_t i = 0; i < 3; i++)
    if (!onnx_is_known (node, i))
      {
        set_declared_range (node);
        return;
      }
  if (sf_dtype_is_float (dtype))
    set_real_range (node, dtype);
  else
    set_whole_range (node, dtype);
}

static void
lower_eye_like (OnnxNode *node)
{
  SfShape shape = onnx_input_shape (node, 0);
  SfDtype dtype = onnx_dtype_attr (node, "dtype", onnx_input_dtype (node, 0));
  int64_t k = onnx_int (node, "k", 0);
  if (onnx_failed (node))
    return;
  if (shape.rank != 2)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "input of %d dimensions, wanted 2", shape.rank);
      return;
    }
  k = CLAMP (k, -shape.dim[0] - 1, shape.dim[1] + 1);
  SfValue row = onnx_iota (node, SF_SHAPE (shape.dim[0], 1), 0, SF_I32);
  SfValue column = onnx_iota (node, SF_SHAPE (1, shape.dim[1]), 1, SF_I32);
  SfValue diagonal = onnx_2 (node, "eq", onnx_2f (node, "add", row, (double) k), column);
  onnx_set (node, 0, onnx_cast (node, diagonal, dtype));
}

/* ---- windows ---- */

/* a0 - a1 cos (t) + a2 cos (2 t), t from 0 to 2 pi. */
static const struct
{
  const char *op;
  double a0, a1, a2;
} windows[] = {
  { "HannWindow", 0.5, 0.5, 0 },
  { "HammingWindow", 25.0 / 46, 21.0 / 46, 0 },
  { "BlackmanWindow", 0.42, 0.5, 0.08 },
};

static void
lower_window (OnnxNode *node)
{
  size_t w = 0;
  while (!g_str_equal (windows[w].op, onnx_op_type (node)))
    w++;
  SfDtype dtype = onnx_dtype_attr (node, "output_datatype", SF_F32);
  bool periodic = onnx_int (node, "periodic", 1) != 0;
  int64_t n = onnx_known_int (node, 0, 0), period = periodic ? n : n - 1;
  if (!onnx_failed (node) && (n < 0 || n > MAX_LENGTH))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "size is %" PRId64 ", wanted 0 .. %" PRId64, n,
                 MAX_LENGTH);
  if (onnx_failed (node))
    return;
  g_autofree double *values = g_try_new0 (double, (size_t) n + 1);
  for (int64_t i = 0; values != NULL && i < n; i++)
    {
      double t = 2 * G_PI * (double) i / (double) MAX (period, 1);
      values[i] = windows[w].a0 - windows[w].a1 * sf_exact_cos (t)
                  + windows[w].a2 * sf_exact_cos (2 * t);
    }
  if (values == NULL)
    onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %" PRId64 " numbers", n);
  else
    set_known_f64 (node, dtype, SF_SHAPE (n), values);
}

/* ---- random numbers ---- */

/* Shape and dtype: attribute `shape`, or those of the input. */
static SfShape
drawn_shape (OnnxNode *node, SfDtype *dtype)
{
  if (g_str_has_suffix (onnx_op_type (node), "Like"))
    {
      *dtype = onnx_dtype_attr (node, "dtype", onnx_input_dtype (node, 0));
      return onnx_input_shape (node, 0);
    }
  onnx_want_attr (node, "shape");
  *dtype = onnx_dtype_attr (node, "dtype", SF_F32);
  OnnxInts dims = onnx_ints (node, "shape");
  if (dims.n > SF_MAX_RANK)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "shape of %zu dimensions, wanted at most %d", dims.n,
                 SF_MAX_RANK);
  return onnx_failed (node) ? sf_shape_scalar () : sf_shape ((int) dims.n, dims.at);
}

/* scale v + offset, in the dtype asked for. */
static void
set_drawn (OnnxNode *node, SfValue v, double scale, double offset, SfDtype dtype)
{
  v = onnx_2f (node, "add", onnx_2f (node, "mul", v, scale), offset);
  onnx_set (node, 0, onnx_cast (node, v, dtype));
}

static void
lower_random_uniform (OnnxNode *node)
{
  SfDtype dtype;
  double low = onnx_float (node, "low", 0), high = onnx_float (node, "high", 1);
  double seed = onnx_float (node, "seed", 0);
  SfShape shape = drawn_shape (node, &dtype);
  set_drawn (node, onnx_uniform (node, shape, seed), high - low, low, dtype);
}

/* Box and Muller: sqrt (-2 log (1 - u)) cos (2 pi v) of uniform u, v in [0, 1). */
static void
lower_random_normal (OnnxNode *node)
{
  SfDtype dtype;
  double mean = onnx_float (node, "mean", 0), scale = onnx_float (node, "scale", 1);
  double seed = onnx_float (node, "seed", 0);
  SfShape shape = drawn_shape (node, &dtype);
  SfValue u = onnx_uniform (node, shape, seed), v = onnx_uniform (node, shape, seed);
  SfValue rest = onnx_2f (node, "add", onnx_1 (node, "neg", u), 1);
  SfValue square = onnx_2f (node, "mul", onnx_1 (node, "log", rest), -2);
  SfValue turn = onnx_1 (node, "cos", onnx_2f (node, "mul", v, 2 * G_PI));
  SfValue normal = onnx_2 (node, "mul", onnx_1 (node, "sqrt", square), turn);
  set_drawn (node, normal, scale, mean, dtype);
}

static void
lower_bernoulli (OnnxNode *node)
{
  SfDtype dtype = onnx_dtype_attr (node, "dtype", onnx_input_dtype (node, 0));
  double seed = onnx_float (node, "seed", 0);
  SfValue p = onnx_input (node, 0);
  SfValue u = onnx_uniform (node, onnx_shape (node, p), seed);
  onnx_set (node, 0, onnx_cast (node, onnx_2 (node, "lt", u, p), dtype));
}

/* The class whose share of the cumulated probabilities u falls into: the number of the sums, but
 * the last, that u reaches. */
static void
lower_multinomial (OnnxNode *node)
{
  static const int64_t classes[] = { 2 };
  SfDtype dtype = onnx_dtype_attr (node, "dtype", SF_I32);
  int64_t n = onnx_int (node, "sample_size", 1);
  double seed = onnx_float (node, "seed", 0);
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  if (onnx_failed (node))
    return;
  if (shape.rank != 2 || shape.dim[1] < 1 || n < 1)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "input of %d dimensions and %" PRId64 " samples, wanted [N,C] and 1 or more",
                   shape.rank, n);
      return;
    }
  SfAttr axis = SF_ATTR_I ("axis", 1);
  SfValue p = onnx_node (node, "softmax", &x, 1, &axis, 1, NULL);
  SfValue sums = onnx_node (node, "cumsum", &p, 1, &axis, 1, NULL);
  sums = onnx_slice (node, sums, 1, 0, shape.dim[1] - 1, 1);
  sums = onnx_reshape (node, sums, SF_SHAPE (shape.dim[0], 1, shape.dim[1] - 1));
  SfValue u = onnx_uniform (node, SF_SHAPE (shape.dim[0], n, 1), seed);
  SfValue reached = onnx_cast (node, onnx_2 (node, "ge", u, sums), SF_I32);
  SfValue chosen = onnx_reduce (node, "reduce_sum", reached, classes, 1, false);
  onnx_set (node, 0, onnx_cast (node, chosen, dtype));
}

#define SEED_NOTE "seed tells streams apart; the numbers follow the seed of the run"

/* clang-format off */
const OnnxRow onnx_rows_generate[] = {
  { "Constant", 1, lower_constant, 0, "strings: refused", NULL },
  { "ConstantOfShape", 9, lower_constant_of_shape, 0, "the shape is known at import", NULL },
  { "Range", 11, lower_range, 0, "bounds are known at import, or the output's shape is declared", NULL },
  { "EyeLike", 9, lower_eye_like, ONNX_NO_GRAD, NULL, NULL },
  { "HannWindow", 17, lower_window, 0, "the size is known at import", NULL },
  { "HammingWindow", 17, lower_window, 0, "the size is known at import", NULL },
  { "BlackmanWindow", 17, lower_window, 0, "the size is known at import", NULL },
  { "RandomUniform", 1, lower_random_uniform, ONNX_NO_GRAD, SEED_NOTE, NULL },
  { "RandomUniformLike", 1, lower_random_uniform, ONNX_NO_GRAD, SEED_NOTE, NULL },
  { "RandomNormal", 1, lower_random_normal, ONNX_NO_GRAD, SEED_NOTE, NULL },
  { "RandomNormalLike", 1, lower_random_normal, ONNX_NO_GRAD, SEED_NOTE, NULL },
  { "Bernoulli", 15, lower_bernoulli, ONNX_NO_GRAD, SEED_NOTE, NULL },
  { "Multinomial", 7, lower_multinomial, ONNX_NO_GRAD, SEED_NOTE, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
