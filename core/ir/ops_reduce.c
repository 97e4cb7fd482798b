/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the ops along axes: reductions, argmax, cumsum, sort, the softmax
 * family. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

/* `shape` without the marked axes, or with 1 in their place. */
static SfShape
reduced (const SfShape *shape, const bool *is_axis, bool keepdims)
{
  SfShape out = { 0 };
  for (int d = 0; d < shape->rank; d++)
    if (!is_axis[d])
      out.dim[out.rank++] = shape->dim[d];
    else if (keepdims)
      out.dim[out.rank++] = 1;
  return out;
}

static bool
infer_reduce (SfInfer *infer, GError **error)
{
  bool is_axis[SF_MAX_RANK];
  const SfShape *x = infer->shape[0];
  static const int64_t all[SF_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 };
  if (!sf_infer_want_number (infer, 0, "x", error))
    return false;
  if (sf_infer_attr (infer, "axes")->n_ints == 0)
    sf_infer_set_ints (infer, "axes", all, (size_t) x->rank);
  if (!sf_infer_axes (infer, "axes", x->rank, is_axis, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], reduced (x, is_axis, sf_infer_int (infer, "keepdims")));
  return true;
}

static bool
infer_reduce_mean (SfInfer *infer, GError **error)
{
  return sf_infer_want_float (infer, 0, "x", error) && infer_reduce (infer, error);
}

static bool
infer_argmax (SfInfer *infer, GError **error)
{
  bool is_axis[SF_MAX_RANK] = { false };
  const SfShape *x = infer->shape[0];
  int axis;
  if (!sf_infer_want_number (infer, 0, "x", error)
      || !sf_infer_axis (infer, "axis", x->rank, &axis, error))
    return false;
  if (x->dim[axis] == 0)
    return sf_refuse (error, "x has no elements along axis %d, wanted one or more", axis);
  is_axis[axis] = true;
  sf_infer_set (infer, 0, SF_I32, reduced (x, is_axis, sf_infer_int (infer, "keepdims")));
  return true;
}

static bool
infer_cumsum (SfInfer *infer, GError **error)
{
  int axis;
  if (!sf_infer_want_number (infer, 0, "x", error)
      || !sf_infer_axis (infer, "axis", infer->shape[0]->rank, &axis, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static bool
infer_sort (SfInfer *infer, GError **error)
{
  int axis;
  if (!infer_cumsum (infer, error)
      || !sf_infer_axis (infer, "axis", infer->shape[0]->rank, &axis, error))
    return false;
  if (infer->shape[0]->dim[axis] > INT32_MAX)
    return sf_refuse (error,
                      "x has %" G_GINT64_FORMAT " elements along axis %d, wanted less than 2^31",
                      infer->shape[0]->dim[axis], axis);
  sf_infer_set (infer, 1, SF_I32, *infer->shape[0]);
  return true;
}

static bool
infer_softmax (SfInfer *infer, GError **error)
{
  int axis;
  if (!sf_infer_want_float (infer, 0, "x", error)
      || !sf_infer_axis (infer, "axis", infer->shape[0]->rank, &axis, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static bool
infer_softmax_bwd (SfInfer *infer, GError **error)
{
  int axis;
  SfDtype dtype;
  if (!sf_infer_want_float (infer, 0, "dy", error) || !sf_infer_want_float (infer, 1, "y", error)
      || !sf_infer_want_shape (infer, 0, "dy", infer->shape[1], error)
      || !sf_infer_axis (infer, "axis", infer->shape[1]->rank, &axis, error)
      || !sf_infer_meet (infer, 0, "dy", 1, "y", &dtype, error))
    return false;
  sf_infer_set (infer, 0, dtype, *infer->shape[1]);
  return true;
}

static const SfOpAttr reduce_attrs[]
    = { { "axes", SF_ATTR_INTS, "" }, { "keepdims", SF_ATTR_BOOL, "false" }, { NULL, 0, NULL } };
static const SfOpAttr argmax_attrs[] = { { "axis", SF_ATTR_INT, NULL },
                                         { "keepdims", SF_ATTR_BOOL, "false" },
                                         { "last", SF_ATTR_BOOL, "false" },
                                         { NULL, 0, NULL } };
static const SfOpAttr cumsum_attrs[] = { { "axis", SF_ATTR_INT, NULL },
                                         { "exclusive", SF_ATTR_BOOL, "false" },
                                         { "reverse", SF_ATTR_BOOL, "false" },
                                         { NULL, 0, NULL } };
static const SfOpAttr sort_attrs[]
    = { { "axis", SF_ATTR_INT, "-1" }, { "descending", SF_ATTR_BOOL, "false" }, { NULL, 0, NULL } };
static const SfOpAttr softmax_attrs[] = { { "axis", SF_ATTR_INT, "-1" }, { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_reduce[] = {
  { "reduce_sum", 1, SF_OP_REDUCE, 1, 1, 1, reduce_attrs, infer_reduce, sf_grad_reduce_sum, NULL, NULL,
    "sum over axes" },
  { "reduce_max", 1, SF_OP_REDUCE, 1, 1, 1, reduce_attrs, infer_reduce, sf_grad_reduce_max, NULL, NULL,
    "largest over axes" },
  { "reduce_min", 1, SF_OP_REDUCE, 1, 1, 1, reduce_attrs, infer_reduce, sf_grad_reduce_min, NULL, NULL,
    "smallest over axes" },
  { "reduce_prod", 1, SF_OP_REDUCE, 1, 1, 1, reduce_attrs, infer_reduce, sf_grad_reduce_prod, NULL, NULL,
    "product over axes" },
  { "argmax", 1, SF_OP_COMPOSITE, 1, 1, 1, argmax_attrs, infer_argmax, NULL, sf_decompose_argmax, NULL,
    "index of the first or last largest along axis" },
  { "cumsum", 1, SF_OP_REDUCE, 1, 1, 1, cumsum_attrs, infer_cumsum, sf_grad_cumsum, NULL, NULL,
    "sums from the beginning of an axis to each element" },
  { "sort", 1, SF_OP_REDUCE, 1, 1, 2, sort_attrs, infer_sort, sf_grad_sort, NULL, NULL,
    "elements in order along axis, and where they stood" },
  { "reduce_mean", 1, SF_OP_COMPOSITE, 1, 1, 1, reduce_attrs, infer_reduce_mean, sf_grad_reduce_mean,
    sf_decompose_reduce_mean, NULL, "mean over axes" },
  { "softmax", 1, SF_OP_COMPOSITE, 1, 1, 1, softmax_attrs, infer_softmax, sf_grad_softmax, sf_decompose_softmax,
    NULL, "exp (x) over its sum along axis" },
  { "softmax_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, softmax_attrs, infer_softmax_bwd, NULL, sf_decompose_softmax_bwd,
    NULL, "gradient of softmax from its output" },
  { "log_softmax", 1, SF_OP_COMPOSITE, 1, 1, 1, softmax_attrs, infer_softmax, sf_grad_log_softmax,
    sf_decompose_log_softmax, NULL, "logarithm of softmax along axis" },
  { "log_softmax_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, softmax_attrs, infer_softmax_bwd, NULL,
    sf_decompose_log_softmax_bwd, NULL, "gradient of log_softmax from its output" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
