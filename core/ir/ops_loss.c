/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the losses: scalars in f32, or f64 for f64 input. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

/* logits and labels beginning at input `first`. */
static bool
check_labels (const SfInfer *infer, size_t first, GError **error)
{
  const SfShape *logits = infer->shape[first];
  if (!sf_infer_want_float (infer, first, "logits", error)
      || !sf_infer_want_min_rank (infer, first, "logits", 1, error)
      || !sf_infer_want_dtype (infer, first + 1, "labels", SF_I32, error))
    return false;
  SfShape rows = sf_shape (logits->rank - 1, logits->dim);
  return sf_infer_want_shape (infer, first + 1, "labels", &rows, error);
}

static bool
infer_softmax_ce (SfInfer *infer, GError **error)
{
  if (!check_labels (infer, 0, error))
    return false;
  sf_infer_set (infer, 0, sf_at_least_f32 (infer->dtype[0]), sf_shape_scalar ());
  return true;
}

static bool
infer_softmax_ce_bwd (SfInfer *infer, GError **error)
{
  SfShape scalar = sf_shape_scalar ();
  if (!sf_infer_want_float (infer, 0, "dloss", error)
      || !sf_infer_want_shape (infer, 0, "dloss", &scalar, error)
      || !check_labels (infer, 1, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[1], *infer->shape[1]);
  return true;
}

static bool
infer_mse (SfInfer *infer, GError **error)
{
  SfDtype dtype;
  if (!sf_infer_want_float (infer, 0, "x", error) || !sf_infer_want_float (infer, 1, "t", error)
      || !sf_infer_want_shape (infer, 1, "t", infer->shape[0], error)
      || !sf_infer_meet (infer, 0, "x", 1, "t", &dtype, error))
    return false;
  sf_infer_set (infer, 0, sf_at_least_f32 (dtype), sf_shape_scalar ());
  return true;
}

static const SfOpAttr ce_attrs[] = { { "ignore_index", SF_ATTR_INT, "-1" }, { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_loss[] = {
  { "softmax_ce", 1, SF_OP_COMPOSITE, 2, 2, 1, ce_attrs, infer_softmax_ce, sf_grad_softmax_ce,
    sf_decompose_softmax_ce, NULL, "mean cross entropy of softmax over the rows that have a label" },
  { "softmax_ce_bwd", 1, SF_OP_COMPOSITE, 3, 3, 1, ce_attrs, infer_softmax_ce_bwd, NULL,
    sf_decompose_softmax_ce_bwd, NULL, "gradient of softmax_ce" },
  { "mse", 1, SF_OP_COMPOSITE, 2, 2, 1, NULL, infer_mse, sf_grad_mse, sf_decompose_mse, NULL,
    "mean squared difference" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
