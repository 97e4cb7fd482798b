/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the ops with windows over images: unfold, fold, conv2d. */
#include "core/ir/window.h"

#include <math.h>
#include <string.h>

#include "core/ir/rules.h"

static bool
infer_unfold (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  SfWindow window;
  int64_t out[2];
  if (!sf_infer_want_number (infer, 0, "x", error)
      || !sf_infer_want_rank (infer, 0, "x", 4, "[N,C,H,W]", error)
      || !sf_window_read (infer, &window, error)
      || !sf_window_out (&window, &x->dim[2], false, out, error))
    return false;
  SfShape y = SF_SHAPE (x->dim[0], x->dim[1], out[0] * out[1]);
  if (!sf_window_times_kernel (&window, &y.dim[1], error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
infer_fold (SfInfer *infer, GError **error)
{
  const SfShape *y = infer->shape[0];
  SfWindow window;
  int64_t out[2], area = 1, size[2];
  if (!sf_infer_want_number (infer, 0, "y", error)
      || !sf_infer_want_rank (infer, 0, "y", 3, "[N,C*KH*KW,OH*OW]", error)
      || !sf_window_read (infer, &window, error) || !sf_window_size (infer, size, error)
      || !sf_window_out (&window, size, false, out, error)
      || !sf_window_times_kernel (&window, &area, error))
    return false;
  if (y->dim[1] % area != 0 || y->dim[2] != out[0] * out[1])
    {
      g_autofree char *found = sf_shape_text (y);
      return sf_refuse (error,
                        "y has shape %s, wanted [N, multiple of %" G_GINT64_FORMAT
                        ", %" G_GINT64_FORMAT "]",
                        found, area, out[0] * out[1]);
    }
  sf_infer_set (infer, 0, infer->dtype[0],
                SF_SHAPE (y->dim[0], y->dim[1] / area, size[0], size[1]));
  return true;
}

static bool
want_word (const SfInfer *infer, const char *name, const char *one, const char *other,
           GError **error)
{
  const char *word = sf_infer_attr (infer, name)->s;
  if (strcmp (word, one) == 0 || strcmp (word, other) == 0)
    return true;
  return sf_refuse (error, "attribute %s is '%s', wanted '%s' or '%s'", name, word, one, other);
}

static bool
want_int (const SfInfer *infer, const char *name, int64_t least, GError **error)
{
  int64_t found = sf_infer_int (infer, name);
  if (found >= least && found <= SF_WINDOW_MAX)
    return true;
  return sf_refuse (error,
                    "attribute %s is %" G_GINT64_FORMAT ", wanted %" G_GINT64_FORMAT " to 2^30",
                    name, found, least);
}

static bool
infer_roi_align (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0], *rois = infer->shape[1];
  SfDtype dtype;
  if (!sf_infer_want_image (infer, 0, "x", "[N,C,H,W]", error)
      || !sf_infer_want_float (infer, 1, "rois", error)
      || !sf_infer_want_rank (infer, 1, "rois", 2, "[R,4]", error)
      || !sf_infer_want_dtype (infer, 2, "batch", SF_I32, error)
      || !sf_infer_meet (infer, 0, "x", 1, "rois", &dtype, error))
    return false;
  SfShape boxes = SF_SHAPE (rois->dim[0], 4), per_box = SF_SHAPE (rois->dim[0]);
  if (!sf_infer_want_shape (infer, 1, "rois", &boxes, error)
      || !sf_infer_want_shape (infer, 2, "batch", &per_box, error)
      || !want_word (infer, "mode", "avg", "max", error)
      || !want_word (infer, "coordinate_transformation_mode", "half_pixel", "output_half_pixel",
                     error)
      || !want_int (infer, "output_height", 1, error) || !want_int (infer, "output_width", 1, error)
      || !want_int (infer, "sampling_ratio", 0, error))
    return false;
  if (!isfinite (sf_infer_attr (infer, "spatial_scale")->f))
    return sf_refuse (error, "attribute spatial_scale is not finite, wanted a number");
  sf_infer_set (infer, 0, infer->dtype[0],
                SF_SHAPE (rois->dim[0], x->dim[1], sf_infer_int (infer, "output_height"),
                          sf_infer_int (infer, "output_width")));
  return true;
}

/* Channels and groups of x and w agree; the kernel is w's. */
static bool
check_conv (const SfInfer *infer, const SfShape *x, const SfShape *w, SfWindow *window,
            GError **error)
{
  int64_t groups = sf_infer_int (infer, "groups");
  if (groups < 1 || x->dim[1] % groups != 0 || w->dim[0] % groups != 0)
    return sf_refuse (error,
                      "attribute groups is %" G_GINT64_FORMAT
                      ", wanted a divisor of C = %" G_GINT64_FORMAT " and O = %" G_GINT64_FORMAT,
                      groups, x->dim[1], w->dim[0]);
  if (w->dim[1] != x->dim[1] / groups)
    {
      g_autofree char *found = sf_shape_text (w);
      g_autofree char *for_x = sf_shape_text (x);
      return sf_refuse (error,
                        "w has shape %s, wanted [O,%" G_GINT64_FORMAT ",KH,KW] for x %s and groups "
                        "%" G_GINT64_FORMAT,
                        found, x->dim[1] / groups, for_x, groups);
    }
  return sf_window_read_steps (infer, window, error)
         && sf_window_set_kernel (window, &w->dim[2], error);
}

static bool
infer_conv2d (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0], *w = infer->shape[1];
  SfWindow window;
  SfDtype dtype;
  int64_t out[2];
  if (!sf_infer_want_image (infer, 0, "x", "[N,C,H,W]", error)
      || !sf_infer_want_image (infer, 1, "w", "[O,C/groups,KH,KW]", error)
      || !check_conv (infer, x, w, &window, error)
      || !sf_window_out (&window, &x->dim[2], false, out, error)
      || !sf_infer_meet (infer, 0, "x", 1, "w", &dtype, error))
    return false;
  if (sf_infer_has (infer, 2))
    {
      SfShape want = SF_SHAPE (w->dim[0]);
      if (!sf_infer_want_float (infer, 2, "b", error)
          || !sf_infer_want_shape (infer, 2, "b", &want, error))
        return false;
      dtype = sf_widest (dtype, infer->dtype[2]);
    }
  sf_infer_set (infer, 0, dtype, SF_SHAPE (x->dim[0], w->dim[0], out[0], out[1]));
  return true;
}

static bool
infer_conv2d_dx (SfInfer *infer, GError **error)
{
  const SfShape *dy = infer->shape[0], *w = infer->shape[1];
  int64_t groups = sf_infer_int (infer, "groups"), size[2], out[2];
  SfWindow window;
  SfDtype dtype;
  if (!sf_infer_want_image (infer, 0, "dy", "[N,O,OH,OW]", error)
      || !sf_infer_want_image (infer, 1, "w", "[O,C/groups,KH,KW]", error)
      || !sf_window_size (infer, size, error)
      || !sf_infer_meet (infer, 0, "dy", 1, "w", &dtype, error))
    return false;
  if (groups < 1 || groups > INT32_MAX || w->dim[1] > INT32_MAX)
    return sf_refuse (error, "attribute groups is %" G_GINT64_FORMAT ", wanted 1 or more", groups);
  SfShape dx = SF_SHAPE (dy->dim[0], w->dim[1] * groups, size[0], size[1]);
  if (!sf_shape_check (&dx, "dx", error) || !check_conv (infer, &dx, w, &window, error)
      || !sf_window_out (&window, size, false, out, error))
    return false;
  SfShape want = SF_SHAPE (dy->dim[0], w->dim[0], out[0], out[1]);
  if (!sf_infer_want_shape (infer, 0, "dy", &want, error))
    return false;
  sf_infer_set (infer, 0, dtype, dx);
  return true;
}

static bool
infer_conv2d_dw (SfInfer *infer, GError **error)
{
  const SfShape *dy = infer->shape[0], *x = infer->shape[1];
  int64_t groups = sf_infer_int (infer, "groups"), out[2];
  SfWindow window;
  SfDtype dtype;
  if (!sf_infer_want_image (infer, 0, "dy", "[N,O,OH,OW]", error)
      || !sf_infer_want_image (infer, 1, "x", "[N,C,H,W]", error)
      || !sf_infer_want_ints (infer, "kernel", 2, 1, SF_WINDOW_MAX, error)
      || !sf_infer_meet (infer, 0, "dy", 1, "x", &dtype, error))
    return false;
  const int64_t *kernel = sf_infer_ints (infer, "kernel", NULL);
  SfShape dw = SF_SHAPE (dy->dim[1], groups > 0 ? x->dim[1] / groups : 0, kernel[0], kernel[1]);
  if (!check_conv (infer, x, &dw, &window, error)
      || !sf_window_out (&window, &x->dim[2], false, out, error))
    return false;
  SfShape want = SF_SHAPE (x->dim[0], dy->dim[1], out[0], out[1]);
  if (!sf_infer_want_shape (infer, 0, "dy", &want, error))
    return false;
  sf_infer_set (infer, 0, dtype, dw);
  return true;
}

#define STRIDES                    \
  {                                \
    "strides", SF_ATTR_INTS, "1,1" \
  }
#define PADS                        \
  {                                 \
    "pads", SF_ATTR_INTS, "0,0,0,0" \
  }
#define DILATIONS                    \
  {                                  \
    "dilations", SF_ATTR_INTS, "1,1" \
  }
#define GROUPS                 \
  {                            \
    "groups", SF_ATTR_INT, "1" \
  }
#define KERNEL                   \
  {                              \
    "kernel", SF_ATTR_INTS, NULL \
  }
#define SIZE                   \
  {                            \
    "size", SF_ATTR_INTS, NULL \
  }
#define END       \
  {               \
    NULL, 0, NULL \
  }

/* clang-format off */
static const SfOpAttr unfold_attrs[] = { KERNEL, STRIDES, PADS, DILATIONS, { "value", SF_ATTR_FLOAT, "0" }, END };
static const SfOpAttr fold_attrs[] = { SIZE, KERNEL, STRIDES, PADS, DILATIONS, END };
static const SfOpAttr conv_attrs[] = { STRIDES, PADS, DILATIONS, GROUPS, END };
static const SfOpAttr conv_dx_attrs[] = { SIZE, STRIDES, PADS, DILATIONS, GROUPS, END };
static const SfOpAttr conv_dw_attrs[] = { KERNEL, STRIDES, PADS, DILATIONS, GROUPS, END };

static const SfOpAttr roi_attrs[] = {
  { "mode", SF_ATTR_STRING, "avg" }, { "output_height", SF_ATTR_INT, "1" }, { "output_width", SF_ATTR_INT, "1" },
  { "sampling_ratio", SF_ATTR_INT, "0" }, { "spatial_scale", SF_ATTR_FLOAT, "1" },
  { "coordinate_transformation_mode", SF_ATTR_STRING, "half_pixel" }, END
};

const SfOp sf_ops_window[] = {
  { "unfold", 1, SF_OP_COMPOSITE, 1, 1, 1, unfold_attrs, infer_unfold, sf_grad_unfold, sf_decompose_unfold, NULL,
    "columns of windows" },
  { "fold", 1, SF_OP_COMPOSITE, 1, 1, 1, fold_attrs, infer_fold, sf_grad_fold, sf_decompose_fold, NULL,
    "sum of windows, the adjoint of unfold" },
  { "roi_align", 1, SF_OP_WINDOW, 3, 3, 1, roi_attrs, infer_roi_align, NULL, NULL, NULL,
    "regions of an image resampled to one size" },
  { "conv2d", 1, SF_OP_COMPOSITE, 2, 3, 1, conv_attrs, infer_conv2d, sf_grad_conv2d, sf_decompose_conv2d, NULL,
    "2-D convolution" },
  { "conv2d_dx", 1, SF_OP_COMPOSITE, 2, 2, 1, conv_dx_attrs, infer_conv2d_dx, sf_grad_conv2d_dx,
    sf_decompose_conv2d_dx, NULL, "gradient of conv2d by its input" },
  { "conv2d_dw", 1, SF_OP_COMPOSITE, 2, 2, 1, conv_dw_attrs, infer_conv2d_dw, NULL, sf_decompose_conv2d_dw, NULL,
    "gradient of conv2d by its weight" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
