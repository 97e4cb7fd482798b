/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the pools. */
#include "core/ir/window.h"
#include "core/ir/rules.h"

/* Every window must see the input: padding at most what a window reaches beyond its first element.
 */
static bool
check_pads (const SfWindow *window, GError **error)
{
  for (int side = 0; side < 4; side++)
    {
      int64_t most = window->dilations[side % 2] * (window->kernel[side % 2] - 1);
      if (window->pads[side] > most)
        return sf_refuse (error,
                          "attribute pads entry %d is %" G_GINT64_FORMAT
                          ", wanted at most %" G_GINT64_FORMAT " so that no window is all padding",
                          side, window->pads[side], most);
    }
  return true;
}

/* Shape of the pool's output over an image `x` of [N,C,H,W]. */
static bool
pooled (const SfInfer *infer, const SfShape *x, SfShape *y, GError **error)
{
  SfWindow window;
  int64_t out[2];
  if (!sf_window_read (infer, &window, error) || !check_pads (&window, error)
      || !sf_window_out (&window, &x->dim[2], sf_infer_int (infer, "ceil_mode"), out, error))
    return false;
  *y = SF_SHAPE (x->dim[0], x->dim[1], out[0], out[1]);
  return true;
}

static bool
infer_pool (SfInfer *infer, GError **error)
{
  SfShape y;
  if (!sf_infer_want_image (infer, 0, "x", "[N,C,H,W]", error)
      || !pooled (infer, infer->shape[0], &y, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
infer_max_pool2d_bwd (SfInfer *infer, GError **error)
{
  SfShape y;
  SfDtype dtype;
  if (!sf_infer_want_image (infer, 0, "dy", "[N,C,OH,OW]", error)
      || !sf_infer_want_image (infer, 1, "x", "[N,C,H,W]", error)
      || !pooled (infer, infer->shape[1], &y, error)
      || !sf_infer_want_shape (infer, 0, "dy", &y, error)
      || !sf_infer_meet (infer, 0, "dy", 1, "x", &dtype, error))
    return false;
  sf_infer_set (infer, 0, dtype, *infer->shape[1]);
  return true;
}

static bool
infer_avg_pool2d_bwd (SfInfer *infer, GError **error)
{
  const SfShape *dy = infer->shape[0];
  int64_t size[2];
  SfShape y;
  if (!sf_infer_want_image (infer, 0, "dy", "[N,C,OH,OW]", error)
      || !sf_window_size (infer, size, error))
    return false;
  SfShape dx = SF_SHAPE (dy->dim[0], dy->dim[1], size[0], size[1]);
  if (!sf_shape_check (&dx, "dx", error) || !pooled (infer, &dx, &y, error)
      || !sf_infer_want_shape (infer, 0, "dy", &y, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], dx);
  return true;
}

static bool
infer_global_avg_pool (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  if (!sf_infer_want_image (infer, 0, "x", "[N,C,H,W]", error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], SF_SHAPE (x->dim[0], x->dim[1], 1, 1));
  return true;
}

#define KERNEL                   \
  {                              \
    "kernel", SF_ATTR_INTS, NULL \
  }
#define STRIDES                 \
  {                             \
    "strides", SF_ATTR_INTS, "" \
  }
#define PADS                        \
  {                                 \
    "pads", SF_ATTR_INTS, "0,0,0,0" \
  }
#define CEIL                           \
  {                                    \
    "ceil_mode", SF_ATTR_BOOL, "false" \
  }
#define END       \
  {               \
    NULL, 0, NULL \
  }

/* clang-format off */
static const SfOpAttr max_attrs[] = { KERNEL, STRIDES, PADS, { "dilations", SF_ATTR_INTS, "1,1" }, CEIL, END };
static const SfOpAttr avg_attrs[] = { KERNEL, STRIDES, PADS, CEIL, { "count_include_pad", SF_ATTR_BOOL, "true" }, END };
static const SfOpAttr avg_bwd_attrs[] = { { "size", SF_ATTR_INTS, NULL }, KERNEL, STRIDES, PADS, CEIL,
                                          { "count_include_pad", SF_ATTR_BOOL, "true" }, END };

const SfOp sf_ops_pool[] = {
  { "max_pool2d", 1, SF_OP_COMPOSITE, 1, 1, 1, max_attrs, infer_pool, sf_grad_max_pool2d, sf_decompose_max_pool2d,
    NULL, "largest of each window" },
  { "max_pool2d_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, max_attrs, infer_max_pool2d_bwd, NULL,
    sf_decompose_max_pool2d_bwd, NULL, "dy put at the first maximum of each window" },
  { "avg_pool2d", 1, SF_OP_COMPOSITE, 1, 1, 1, avg_attrs, infer_pool, sf_grad_avg_pool2d, sf_decompose_avg_pool2d,
    NULL, "mean of each window" },
  { "avg_pool2d_bwd", 1, SF_OP_COMPOSITE, 1, 1, 1, avg_bwd_attrs, infer_avg_pool2d_bwd, NULL,
    sf_decompose_avg_pool2d_bwd, NULL, "dy spread evenly over each window" },
  { "global_avg_pool", 1, SF_OP_COMPOSITE, 1, 1, 1, NULL, infer_global_avg_pool, sf_grad_global_avg_pool,
    sf_decompose_global_avg_pool, NULL, "mean over height and width" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
