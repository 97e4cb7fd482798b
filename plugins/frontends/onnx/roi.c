/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling over regions of interest: RoiAlign and MaxRoiPool. What a region takes from the rows of
 * an image does not depend on what it takes from the columns, so both are done one axis after the
 * other. */
#include "plugins/frontends/onnx/grid.h"

#include <math.h>

enum
{
  MAX_BINS = 512, /* of MaxRoiPool, both axes together: each is a reduction of its own */
};

/* Column c of a matrix, [R, 1, .., 1] of `rank` dimensions, times `scale`. */
static SfValue
column (OnnxNode *node, SfValue rois, int64_t c, double scale, int rank)
{
  SfShape shape = onnx_shape (node, rois);
  SfShape across = { .rank = rank };
  for (int i = 0; i < rank; i++)
    across.dim[i] = i ? 1 : shape.dim[0];
  SfValue v = onnx_reshape (node, onnx_slice (node, rois, 1, c, c + 1, 1), across);
  return scale == 1 ? v : onnx_2f (node, "mul", v, scale);
}

static bool
want_shapes (OnnxNode *node, SfShape x, SfShape rois, int64_t columns)
{
  if (onnx_failed (node))
    return false;
  if (x.rank == 4 && rois.rank == 2 && rois.dim[1] == columns)
    return true;
  onnx_refuse (
      node, SF_ERROR_INVALID_DATA,
      "input of rank %d and rois of rank %d, wanted [N,C,H,W] and [regions,%" G_GINT64_FORMAT "]",
      x.rank, rois.rank, columns);
  return false;
}

/* ---- RoiAlign ---- */

typedef struct
{
  int64_t out[2]; /* height, width */
  int64_t samples;
  double scale;
  bool shifted; /* by half a pixel */
  const char *mode;
} Align;

/* The weight of each of the axis' `dim` elements in each bin: [R, bins, dim]. A sample at y takes
 * 1 - |y - h| of element h where that is positive, y brought into the image; none when y is more
 * than an element outside. A bin is the mean of its samples. */
static SfValue
bin_weights (OnnxNode *node, const Align *a, SfValue rois, int axis, int64_t dim)
{
  int64_t bins = a->out[axis], n = bins * a->samples;
  SfDtype dtype = onnx_dtype (node, rois);
  SfValue low = column (node, rois, axis == 0 ? 1 : 0, a->scale, 3);
  SfValue high = column (node, rois, axis == 0 ? 3 : 2, a->scale, 3);
  SfValue extent = onnx_2 (node, "sub", high, low);
  if (a->shifted)
    low = onnx_2f (node, "sub", low, 0.5);
  else
    extent = onnx_2f (node, "max", extent, 1);
  SfValue t = onnx_2f (node, "add", onnx_iota (node, SF_SHAPE (1, n, 1), 1, dtype), 0.5);
  t = onnx_2f (node, "mul", t, 1 / (double) n);
  SfValue y = onnx_2 (node, "add", onnx_2 (node, "mul", extent, t), low);
  SfValue above = onnx_2 (node, "ge", y, onnx_scalar (node, dtype, -1));
  SfValue below = onnx_2 (node, "le", y, onnx_scalar (node, dtype, (double) dim));
  SfValue in = onnx_2f (node, "min", onnx_2f (node, "max", y, 0), (double) (dim - 1));
  SfValue h = onnx_iota (node, SF_SHAPE (1, 1, dim), 2, dtype);
  SfValue distance = onnx_1 (node, "abs", onnx_2 (node, "sub", in, h));
  SfValue w = onnx_2 (node, "sub", onnx_scalar (node, dtype, 1), distance);
  w = onnx_select (node, onnx_2 (node, "and", above, below), onnx_2f (node, "max", w, 0),
                   onnx_scalar (node, dtype, 0));
  int64_t regions = onnx_shape (node, rois).dim[0];
  w = onnx_reshape (node, w, SF_SHAPE (regions, bins, a->samples, dim));
  return onnx_reduce (node, "reduce_mean", w, (const int64_t[]){ 2 }, 1, false);
}

/* Which image each region is of: f [R, N], 1 there; a number of no image fails the step. */
static SfValue
image_of (OnnxNode *node, SfValue batch, int64_t n_images, SfDtype dtype)
{
  SfValue row = onnx_iota (node, SF_SHAPE (n_images, n_images), 0, SF_I32);
  SfValue column = onnx_iota (node, SF_SHAPE (n_images, n_images), 1, SF_I32);
  SfValue same = onnx_cast (node, onnx_2 (node, "eq", row, column), dtype);
  return onnx_gather (node, same, batch, 0);
}

/* Two products, without a copy of an image for each region: the weights of all images' rows times
 * these rows, [R * bins, N * H] x [N * H, C * W], then the weights of the columns. */
static SfValue
align_mean (OnnxNode *node, const Align *a, SfValue x, SfValue rois, SfValue batch)
{
  SfShape image = onnx_shape (node, x);
  int64_t regions = onnx_shape (node, rois).dim[0], n = image.dim[0], c = image.dim[1];
  int64_t h = image.dim[2], w = image.dim[3], bins = a->out[0];
  SfValue rows = bin_weights (node, a, rois, 0, h), columns = bin_weights (node, a, rois, 1, w);
  SfValue of = image_of (node, batch, n, onnx_dtype (node, rows));
  rows = onnx_2 (node, "mul", onnx_reshape (node, rows, SF_SHAPE (regions, bins, 1, h)),
                 onnx_reshape (node, of, SF_SHAPE (regions, 1, n, 1)));
  rows = onnx_reshape (node, rows, SF_SHAPE (regions * bins, n * h));
  SfValue y = onnx_transpose (node, x, (const int64_t[]){ 0, 2, 1, 3 });
  y = onnx_matmul (node, rows, onnx_reshape (node, y, SF_SHAPE (n * h, c * w)), false, false);
  y = onnx_reshape (node, y, SF_SHAPE (regions, bins * c, w));
  y = onnx_matmul (node, y, columns, false, true);
  y = onnx_reshape (node, y, SF_SHAPE (regions, bins, c, a->out[1]));
  return onnx_transpose (node, y, (const int64_t[]){ 0, 2, 1, 3 });
}

/* The samples of a bin depend on its region's size, or their maximum is asked for. */
static SfValue
align_on_host (OnnxNode *node, const Align *a, SfValue x, SfValue rois, SfValue batch)
{
  const SfValue in[] = { x, rois, batch };
  const SfAttr attrs[] = {
    SF_ATTR_S ("mode", a->mode),
    SF_ATTR_I ("output_height", a->out[0]),
    SF_ATTR_I ("output_width", a->out[1]),
    SF_ATTR_I ("sampling_ratio", a->samples),
    SF_ATTR_F ("spatial_scale", a->scale),
    SF_ATTR_S ("coordinate_transformation_mode", a->shifted ? "half_pixel" : "output_half_pixel"),
  };
  return onnx_node (node, "roi_align", in, 3, attrs, G_N_ELEMENTS (attrs), NULL);
}

static void
roi_align (OnnxNode *node, const char *transform)
{
  SfValue x = onnx_input (node, 0), rois = onnx_input (node, 1), batch = onnx_input_i32 (node, 2);
  const Align a = {
    .out = { onnx_int (node, "output_height", 1), onnx_int (node, "output_width", 1) },
    .samples = onnx_int (node, "sampling_ratio", 0),
    .scale = onnx_float (node, "spatial_scale", 1),
    .shifted = g_str_equal (transform, "half_pixel"),
    .mode = onnx_string (node, "mode", "avg"),
  };
  if (!want_shapes (node, onnx_shape (node, x), onnx_shape (node, rois), 4))
    return;
  bool mean = g_str_equal (a.mode, "avg");
  if (a.out[0] < 1 || a.out[1] < 1 || a.out[0] > INT16_MAX || a.out[1] > INT16_MAX || a.samples < 0
      || a.samples > INT16_MAX || (!mean && !g_str_equal (a.mode, "max"))
      || (!a.shifted && !g_str_equal (transform, "output_half_pixel")))
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "mode %s, coordinate_transformation_mode %s, %" G_GINT64_FORMAT
                        " x %" G_GINT64_FORMAT " bins of %" G_GINT64_FORMAT
                        " samples, wanted avg or max, half_pixel or output_half_pixel, bins from 1 "
                        "and samples from 0 to 32767",
                        a.mode, transform, a.out[0], a.out[1], a.samples);
  onnx_set (node, 0,
            mean && a.samples > 0 ? align_mean (node, &a, x, rois, batch)
                                  : align_on_host (node, &a, x, rois, batch));
}

void
onnx_lower_roi_align_10 (OnnxNode *node)
{
  roi_align (node, "output_half_pixel");
}

void
onnx_lower_roi_align_16 (OnnxNode *node)
{
  roi_align (node, onnx_string (node, "coordinate_transformation_mode", "half_pixel"));
}

/* ---- MaxRoiPool ---- */

/* To the nearest whole number, halves away from zero. */
static SfValue
rounded (OnnxNode *node, SfValue v)
{
  SfValue up = onnx_1 (node, "floor", onnx_2f (node, "add", onnx_1 (node, "abs", v), 0.5));
  return onnx_2 (node, "mul", onnx_1 (node, "sign", v), up);
}

/* Which of the axis' `dim` elements each bin covers: bool [R, bins, dim]. */
static SfValue
bin_mask (OnnxNode *node, SfValue rois, double scale, int axis, int64_t bins, int64_t dim)
{
  SfDtype dtype = onnx_dtype (node, rois);
  SfValue low = rounded (node, column (node, rois, axis == 0 ? 2 : 1, scale, 3));
  SfValue high = rounded (node, column (node, rois, axis == 0 ? 4 : 3, scale, 3));
  SfValue extent = onnx_2f (node, "add", onnx_2 (node, "sub", high, low), 1);
  SfValue bin = onnx_2f (node, "div", onnx_2f (node, "max", extent, 1), (double) bins);
  SfValue i = onnx_iota (node, SF_SHAPE (1, bins, 1), 1, dtype);
  SfValue begin = onnx_1 (node, "floor", onnx_2 (node, "mul", bin, i));
  SfValue end = onnx_1 (node, "ceil", onnx_2 (node, "mul", bin, onnx_2f (node, "add", i, 1)));
  SfValue h = onnx_2 (node, "sub", onnx_iota (node, SF_SHAPE (1, 1, dim), 2, dtype), low);
  return onnx_2 (node, "and", onnx_2 (node, "ge", h, begin), onnx_2 (node, "lt", h, end));
}

/* The maximum over dimension `axis` (2 or 3) of [R,C,H,W] within each bin's mask. */
static SfValue
max_of_bins (OnnxNode *node, SfValue v, SfValue mask, int64_t axis)
{
  SfShape shape = onnx_shape (node, mask);
  SfValue nothing = onnx_scalar (node, onnx_dtype (node, v), -INFINITY);
  g_autofree SfValue *bins = g_new (SfValue, (gsize) MAX (shape.dim[1], 1));
  for (int64_t i = 0; i < shape.dim[1] && !onnx_failed (node); i++)
    {
      SfShape across = SF_SHAPE (shape.dim[0], 1, 1, 1);
      across.dim[axis] = shape.dim[2];
      SfValue one = onnx_reshape (node, onnx_slice (node, mask, 1, i, i + 1, 1), across);
      bins[i] = onnx_reduce (node, "reduce_max", onnx_select (node, one, v, nothing), &axis, 1,
                             true);
    }
  return onnx_failed (node) ? SF_NONE : onnx_concat (node, bins, (size_t) shape.dim[1], axis);
}

void
onnx_lower_max_roi_pool (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), rois = onnx_input (node, 1);
  SfShape image = onnx_shape (node, x);
  OnnxInts bins = onnx_ints (node, "pooled_shape");
  double scale = onnx_float (node, "spatial_scale", 1);
  if (!want_shapes (node, image, onnx_shape (node, rois), 5))
    return;
  if (bins.n != 2 || bins.at[0] < 1 || bins.at[1] < 1 || bins.at[0] > MAX_BINS
      || bins.at[1] > MAX_BINS - bins.at[0])
    return onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                        "pooled_shape: wanted height and width, together at most %d", MAX_BINS);
  SfValue batch = onnx_reshape (node, onnx_cast (node, column (node, rois, 0, 1, 1), SF_I32),
                                SF_SHAPE (onnx_shape (node, rois).dim[0]));
  SfValue images = onnx_gather (node, x, batch, 0);
  SfValue rows = bin_mask (node, rois, scale, 0, bins.at[0], image.dim[2]);
  SfValue columns = bin_mask (node, rois, scale, 1, bins.at[1], image.dim[3]);
  SfValue y = max_of_bins (node, max_of_bins (node, images, columns, 3), rows, 2);
  SfDtype dtype = onnx_dtype (node, x);
  SfValue empty = onnx_2 (node, "eq", y, onnx_scalar (node, dtype, -INFINITY));
  onnx_set (node, 0, onnx_select (node, empty, onnx_scalar (node, dtype, 0), y));
}
