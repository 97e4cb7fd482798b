/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the normalisations. Statistics are f32, or f64 for f64 x, whatever the
 * dtype of x. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

#include <math.h>

/* Input `input` is a float of shape `shape`. */
static bool
want_param (const SfInfer *infer, size_t input, const char *name, const SfShape *shape,
            GError **error)
{
  return sf_infer_want_float (infer, input, name, error)
         && sf_infer_want_shape (infer, input, name, shape, error);
}

static bool
check_eps (const SfInfer *infer, GError **error)
{
  double eps = sf_infer_attr (infer, "eps")->f;
  if (isfinite (eps) && eps >= 0)
    return true;
  return sf_refuse (error, "attribute eps is %g, wanted a finite number, 0 or more", eps);
}

static bool
check_batch_norm_inputs (const SfInfer *infer, SfShape *channels, GError **error)
{
  if (!sf_infer_want_float (infer, 0, "x", error)
      || !sf_infer_want_min_rank (infer, 0, "x", 2, error) || !check_eps (infer, error))
    return false;
  *channels = SF_SHAPE (infer->shape[0]->dim[1]);
  return want_param (infer, 1, "gamma", channels, error)
         && want_param (infer, 2, "beta", channels, error)
         && want_param (infer, 3, "mean", channels, error)
         && want_param (infer, 4, "var", channels, error);
}

static bool
infer_batch_norm (SfInfer *infer, GError **error)
{
  SfShape channels;
  double momentum = sf_infer_attr (infer, "momentum")->f;
  SfDtype statistic = sf_at_least_f32 (infer->dtype[0]);
  if (!check_batch_norm_inputs (infer, &channels, error))
    return false;
  if (!(momentum >= 0 && momentum <= 1))
    return sf_refuse (error, "attribute momentum is %g, wanted 0 to 1", momentum);
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  sf_infer_set (infer, 1, infer->dtype[3], channels);
  sf_infer_set (infer, 2, infer->dtype[4], channels);
  sf_infer_set (infer, 3, statistic, channels);
  sf_infer_set (infer, 4, statistic, channels);
  return true;
}

static bool
infer_batch_norm_infer (SfInfer *infer, GError **error)
{
  SfShape channels;
  if (!check_batch_norm_inputs (infer, &channels, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

/* dx as x, dgamma and dbeta as gamma. */
static void
set_norm_gradients (SfInfer *infer)
{
  sf_infer_set (infer, 0, infer->dtype[1], *infer->shape[1]);
  sf_infer_set (infer, 1, infer->dtype[2], *infer->shape[2]);
  sf_infer_set (infer, 2, infer->dtype[2], *infer->shape[2]);
}

static bool
infer_batch_norm_bwd (SfInfer *infer, GError **error)
{
  if (!sf_infer_want_float (infer, 1, "x", error)
      || !sf_infer_want_min_rank (infer, 1, "x", 2, error)
      || !want_param (infer, 0, "dy", infer->shape[1], error))
    return false;
  SfShape channels = SF_SHAPE (infer->shape[1]->dim[1]);
  if (!want_param (infer, 2, "gamma", &channels, error)
      || !want_param (infer, 3, "save_mean", &channels, error)
      || !want_param (infer, 4, "save_rstd", &channels, error))
    return false;
  set_norm_gradients (infer);
  return true;
}

static bool
infer_layer_norm (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  SfDtype statistic = sf_at_least_f32 (infer->dtype[0]);
  int axis;
  if (!sf_infer_want_float (infer, 0, "x", error)
      || !sf_infer_axis (infer, "axis", x->rank, &axis, error) || !check_eps (infer, error))
    return false;
  SfShape outer = sf_shape (axis, x->dim), inner = sf_shape (x->rank - axis, &x->dim[axis]);
  if (!want_param (infer, 1, "gamma", &inner, error)
      || !want_param (infer, 2, "beta", &inner, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *x);
  sf_infer_set (infer, 1, statistic, outer);
  sf_infer_set (infer, 2, statistic, outer);
  return true;
}

/* dy, x, gamma, mean, rstd of layer_norm's gradients. */
static bool
check_layer_norm_gradient (const SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[1];
  int axis;
  if (!sf_infer_want_float (infer, 1, "x", error)
      || !sf_infer_axis (infer, "axis", x->rank, &axis, error)
      || !want_param (infer, 0, "dy", x, error))
    return false;
  SfShape outer = sf_shape (axis, x->dim), inner = sf_shape (x->rank - axis, &x->dim[axis]);
  return want_param (infer, 2, "gamma", &inner, error)
         && want_param (infer, 3, "mean", &outer, error)
         && want_param (infer, 4, "rstd", &outer, error);
}

static bool
infer_layer_norm_bwd (SfInfer *infer, GError **error)
{
  if (!check_layer_norm_gradient (infer, error))
    return false;
  set_norm_gradients (infer);
  return true;
}

static bool
infer_layer_norm_dx (SfInfer *infer, GError **error)
{
  if (!check_layer_norm_gradient (infer, error))
    return false;
  SfDtype dtype = sf_widest (sf_widest (infer->dtype[0], infer->dtype[1]), infer->dtype[2]);
  sf_infer_set (infer, 0, dtype, *infer->shape[1]);
  return true;
}

static const SfOpAttr batch_norm_attrs[]
    = { { "eps", SF_ATTR_FLOAT, "1e-5" }, { "momentum", SF_ATTR_FLOAT, "0.1" }, { NULL, 0, NULL } };
static const SfOpAttr batch_norm_infer_attrs[] = { { "eps", SF_ATTR_FLOAT, "1e-5" },
                                                   { NULL, 0, NULL } };
static const SfOpAttr layer_norm_attrs[]
    = { { "axis", SF_ATTR_INT, "-1" }, { "eps", SF_ATTR_FLOAT, "1e-5" }, { NULL, 0, NULL } };
static const SfOpAttr layer_norm_bwd_attrs[] = { { "axis", SF_ATTR_INT, "-1" }, { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_norm[] = {
  { "batch_norm", 1, SF_OP_COMPOSITE, 5, 5, 5, batch_norm_attrs, infer_batch_norm, sf_grad_batch_norm,
    sf_decompose_batch_norm, sf_eval_batch_norm, "normalised over all but dimension 1 by the batch's statistics" },
  { "batch_norm_bwd", 1, SF_OP_COMPOSITE, 5, 5, 3, NULL, infer_batch_norm_bwd, NULL, sf_decompose_batch_norm_bwd,
    NULL, "gradients of batch_norm" },
  { "batch_norm_infer", 1, SF_OP_COMPOSITE, 5, 5, 1, batch_norm_infer_attrs, infer_batch_norm_infer,
    sf_grad_batch_norm_infer, sf_decompose_batch_norm_infer, NULL, "normalised by running statistics" },
  { "layer_norm", 1, SF_OP_COMPOSITE, 3, 3, 3, layer_norm_attrs, infer_layer_norm, sf_grad_layer_norm,
    sf_decompose_layer_norm, NULL, "normalised over the dimensions from axis on" },
  { "layer_norm_bwd", 1, SF_OP_COMPOSITE, 5, 5, 3, layer_norm_bwd_attrs, infer_layer_norm_bwd, NULL,
    sf_decompose_layer_norm_bwd, NULL, "gradients of layer_norm" },
  { "layer_norm_dx", 1, SF_OP_COMPOSITE, 5, 5, 1, layer_norm_bwd_attrs, infer_layer_norm_dx, NULL,
    sf_decompose_layer_norm_dx, NULL, "gradient of layer_norm by its input" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
