/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what runs along axes: Reduce*, ArgMax, ArgMin, CumSum, TopK. */
#include <inttypes.h>
#include <math.h>

#include "importer.h"

/* ---- reductions ---- */

typedef struct
{
  OnnxInts axes; /* none: all */
  bool keepdims;
} Axes;

static SfValue
reduced (OnnxNode *node, const char *op, SfValue x, const Axes *axes)
{
  return onnx_reduce (node, op, x, axes->axes.at, axes->axes.n, axes->keepdims);
}

static SfValue
sum (OnnxNode *node, SfValue x, const Axes *axes)
{
  return reduced (node, "reduce_sum", x, axes);
}

static SfValue
product (OnnxNode *node, SfValue x, const Axes *axes)
{
  return reduced (node, "reduce_prod", x, axes);
}

/* bool is ordered too. */
static SfValue
extremum (OnnxNode *node, const char *op, SfValue x, const Axes *axes)
{
  if (onnx_dtype (node, x) != SF_BOOL)
    return reduced (node, op, x, axes);
  return onnx_cast (node, reduced (node, op, onnx_cast (node, x, SF_I32), axes), SF_BOOL);
}

static SfValue
maximum (OnnxNode *node, SfValue x, const Axes *axes)
{
  return extremum (node, "reduce_max", x, axes);
}

static SfValue
minimum (OnnxNode *node, SfValue x, const Axes *axes)
{
  return extremum (node, "reduce_min", x, axes);
}

/* Integers: the quotient truncates. */
static SfValue
mean (OnnxNode *node, SfValue x, const Axes *axes)
{
  if (sf_dtype_is_float (onnx_dtype (node, x)))
    return reduced (node, "reduce_mean", x, axes);
  SfValue y = sum (node, x, axes);
  SfShape from = onnx_shape (node, x), to = onnx_shape (node, y);
  int64_t n = sf_shape_n_elems (&from) / MAX (sf_shape_n_elems (&to), 1);
  return onnx_2f (node, "div", y, (double) n);
}

static SfValue
sum_abs (OnnxNode *node, SfValue x, const Axes *axes)
{
  return sum (node, onnx_1 (node, "abs", x), axes);
}

static SfValue
sum_square (OnnxNode *node, SfValue x, const Axes *axes)
{
  return sum (node, onnx_2 (node, "mul", x, x), axes);
}

static SfValue
norm (OnnxNode *node, SfValue x, const Axes *axes)
{
  return onnx_1 (node, "sqrt", sum_square (node, x, axes));
}

static SfValue
log_sum (OnnxNode *node, SfValue x, const Axes *axes)
{
  return onnx_1 (node, "log", sum (node, x, axes));
}

/* With s near the maximum: s + log (sum (exp (x - s))). s is whole, since no gradient goes through
 * `floor` and none is to go here, and finite. */
static SfValue
log_sum_exp (OnnxNode *node, SfValue x, const Axes *axes)
{
  Axes kept = { axes->axes, true };
  SfValue shift = onnx_1 (node, "floor", maximum (node, x, &kept));
  SfValue bounded = onnx_2f (node, "lt", onnx_1 (node, "abs", shift), INFINITY);
  shift = onnx_select (node, bounded, shift, onnx_scalar (node, onnx_dtype (node, x), 0));
  SfValue rest = onnx_1 (node, "exp", onnx_2 (node, "sub", x, shift));
  SfValue y = log_sum (node, rest, axes);
  return onnx_2 (node, "add", y, onnx_reshape (node, shift, onnx_shape (node, y)));
}

typedef struct
{
  const char *onnx;
  SfValue (*reduce) (OnnxNode *node, SfValue x, const Axes *axes);
  bool in_floats; /* not of integers: they go there and back */
  int axes_input; /* opset from which on the axes are an input */
} Reduction;

static const Reduction reductions[] = {
  { "ReduceSum", sum, false, 13 },       { "ReduceMean", mean, false, 18 },
  { "ReduceProd", product, false, 18 },  { "ReduceMax", maximum, false, 18 },
  { "ReduceMin", minimum, false, 18 },   { "ReduceL1", sum_abs, false, 18 },
  { "ReduceL2", norm, true, 18 },        { "ReduceSumSquare", sum_square, false, 18 },
  { "ReduceLogSum", log_sum, true, 18 }, { "ReduceLogSumExp", log_sum_exp, true, 18 },
};

static const Reduction *
reduction_of (const OnnxNode *node)
{
  size_t i = 0;
  while (!g_str_equal (reductions[i].onnx, onnx_op_type (node)))
    i++;
  return &reductions[i];
}

static void
set_reduced (OnnxNode *node, const Reduction *reduction, OnnxInts given)
{
  Axes axes = { given, onnx_int (node, "keepdims", 1) != 0 };
  SfValue x = onnx_input (node, 0);
  SfDtype dtype = onnx_dtype (node, x);
  if (reduction->in_floats && !sf_dtype_is_float (dtype))
    x = onnx_cast (node, x, SF_F64);
  onnx_set (node, 0, onnx_cast (node, reduction->reduce (node, x, &axes), dtype));
}

static void
lower_reduce (OnnxNode *node)
{
  const Reduction *reduction = reduction_of (node);
  if (onnx_opset (node) < reduction->axes_input)
    {
      set_reduced (node, reduction, onnx_ints (node, "axes"));
      return;
    }
  OnnxInts axes = { 0, NULL };
  bool noop = onnx_int (node, "noop_with_empty_axes", 0) != 0;
  if (onnx_has_input (node, 1))
    axes = onnx_known_ints (node, 1);
  if (axes.n > 0 || !noop)
    set_reduced (node, reduction, axes);
  else if (onnx_int (node, "keepdims", 1) >= 0)
    onnx_forward (node, 0, 0);
}

/* ---- where the extremum is ---- */

/* Reverses the order of numbers, so that the least becomes the largest. */
static SfValue
reversed_order (OnnxNode *node, SfValue x)
{
  return onnx_1 (node, sf_dtype_is_float (onnx_dtype (node, x)) ? "neg" : "bit_not", x);
}

static void
lower_arg (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  if (g_str_equal (onnx_op_type (node), "ArgMin"))
    x = reversed_order (node, x);
  SfAttr attrs[] = { SF_ATTR_I ("axis", onnx_int (node, "axis", 0)),
                     SF_ATTR_B ("keepdims", onnx_int (node, "keepdims", 1) != 0),
                     SF_ATTR_B ("last", true) };
  bool last = onnx_int (node, "select_last_index", 0) != 0;
  SfValue y = onnx_node (node, "argmax", &x, 1, attrs, last ? 3 : 2, NULL);
  onnx_set (node, 0, onnx_cast (node, y, SF_I64));
}

/* ---- running sums ---- */

static void
lower_cumsum (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfAttr attrs[] = { SF_ATTR_I ("axis", onnx_known_int (node, 1, 0)),
                     SF_ATTR_B ("exclusive", onnx_int (node, "exclusive", 0) != 0),
                     SF_ATTR_B ("reverse", onnx_int (node, "reverse", 0) != 0) };
  onnx_set (node, 0, onnx_node (node, "cumsum", &x, 1, attrs, G_N_ELEMENTS (attrs), NULL));
}

/* ---- the k best ---- */

static void
set_top (OnnxNode *node, int64_t k, bool largest)
{
  SfValue x = onnx_input (node, 0), sorted[2] = { SF_NONE, SF_NONE };
  SfShape shape = onnx_shape (node, x);
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", -1), shape.rank);
  if (onnx_failed (node))
    return;
  if (k < 0 || k > shape.dim[axis])
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "k is %" PRId64 ", wanted 0 .. %" PRId64, k,
                 shape.dim[axis]);
  SfAttr attrs[] = { SF_ATTR_I ("axis", axis), SF_ATTR_B ("descending", largest) };
  onnx_node (node, "sort", &x, 1, attrs, G_N_ELEMENTS (attrs), sorted);
  for (size_t i = 0; i < 2; i++)
    if (onnx_wants_output (node, i))
      {
        SfValue top = onnx_slice (node, sorted[i], axis, 0, k, 1);
        onnx_set (node, i, i == 0 ? top : onnx_cast (node, top, SF_I64));
      }
}

static void
lower_top_k_attr (OnnxNode *node)
{
  onnx_want_attr (node, "k");
  set_top (node, onnx_int (node, "k", 0), true);
}

static void
lower_top_k_input (OnnxNode *node)
{
  set_top (node, onnx_known_int (node, 1, 0), true);
}

/* Sorted, whether the attribute asks for it or leaves the order open. */
static void
lower_top_k (OnnxNode *node)
{
  onnx_int (node, "sorted", 1);
  set_top (node, onnx_known_int (node, 1, 0), onnx_int (node, "largest", 1) != 0);
}

#define AXES_NOTE "axes are known at import"
#define IN_F64    "integers are computed in f64, on the host"
#define WIDE_NOTE AXES_NOTE "; " IN_F64

/* clang-format off */
const OnnxRow onnx_rows_reduce[] = {
  { "ReduceSum", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceSum", 13, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceMean", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceMean", 18, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceProd", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceProd", 18, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceMax", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceMax", 18, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceMin", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceMin", 18, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceL1", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceL1", 18, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceL2", 1, lower_reduce, 0, IN_F64, NULL },
  { "ReduceL2", 18, lower_reduce, 0, WIDE_NOTE, NULL },
  { "ReduceSumSquare", 1, lower_reduce, 0, NULL, NULL },
  { "ReduceSumSquare", 18, lower_reduce, 0, AXES_NOTE, NULL },
  { "ReduceLogSum", 1, lower_reduce, 0, IN_F64, NULL },
  { "ReduceLogSum", 18, lower_reduce, 0, WIDE_NOTE, NULL },
  { "ReduceLogSumExp", 1, lower_reduce, 0, IN_F64, NULL },
  { "ReduceLogSumExp", 18, lower_reduce, 0, WIDE_NOTE, NULL },
  { "ArgMax", 1, lower_arg, ONNX_NO_GRAD, NULL, NULL },
  { "ArgMin", 1, lower_arg, ONNX_NO_GRAD, NULL, NULL },
  { "CumSum", 11, lower_cumsum, 0, "the axis is known at import", NULL },
  { "TopK", 1, lower_top_k_attr, 0, NULL, NULL },
  { "TopK", 10, lower_top_k_input, 0, "k is known at import", NULL },
  { "TopK", 11, lower_top_k, 0, "k is known at import", NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
