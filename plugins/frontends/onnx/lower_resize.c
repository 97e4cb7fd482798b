/* SPDX-License-Identifier: Apache-2.0 */
/* Resize and Upsample: one axis after the other; nearest takes elements, linear and cubic multiply
 * by the matrix of the interpolation's weights. */
#include "plugins/frontends/onnx/grid.h"
#include "plugins/frontends/onnx/resize.h"
#include "plugins/frontends/onnx/take.h"

#include <math.h>

enum
{
  MAX_WEIGHTS = 1 << 26, /* of the interpolation along an axis */
};

typedef struct
{
  ResizeKind kind;
  ResizeAxis axis[SF_MAX_RANK];
  double extrapolation;
  const char *policy; /* of the aspect ratio */
} Resize;

static const char *const mode_names[N_RESIZE_MODES + 1] = { "nearest", "linear", "cubic", NULL };
static const char *const transform_names[N_RESIZE_TRANSFORMS + 1]
    = { "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL };
static const char *const rounding_names[N_RESIZE_ROUNDINGS + 1]
    = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple", NULL };

/* ---- the result's size ---- */

/* Which dimensions the entries of scales, sizes and roi are for, dimension by dimension the
 * entry's index or -1. */
static size_t
entries_by_dim (OnnxNode *node, int rank, int entry[SF_MAX_RANK])
{
  OnnxInts axes = onnx_ints (node, "axes");
  for (int i = 0; i < rank; i++)
    entry[i] = axes.n ? -1 : i;
  for (size_t i = 0; i < axes.n; i++)
    {
      int64_t axis = onnx_axis (node, axes.at[i], rank);
      if (onnx_failed (node))
        return 0;
      entry[axis] = (int) i;
    }
  return axes.n ? axes.n : (size_t) rank;
}

static void
set_scales (OnnxNode *node, Resize *r, int rank, const int *entry, const double *scales)
{
  bool crop = r->kind.transform == RESIZE_TF_CROP_AND_RESIZE;
  for (int i = 0; i < rank; i++)
    {
      ResizeAxis *a = &r->axis[i];
      a->scale = entry[i] < 0 ? 1 : scales[entry[i]];
      /* In f32, as shape inference computes it. */
      float part = crop ? (float) (a->end - a->start) : 1;
      float size = floorf ((float) a->in * part * (float) a->scale);
      if (!(a->scale > 0 && size >= 0 && size <= (float) INT32_MAX))
        return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                            "scale %g of dimension %d, wanted a number above 0 that gives at most "
                            "2^31 - 1 elements",
                            a->scale, i);
      a->out = (int64_t) size;
    }
}

/* One scale for all axes: the least (not_larger) or the greatest (not_smaller) of theirs. */
static void
keep_aspect_ratio (OnnxNode *node, Resize *r, int rank, const int *entry)
{
  if (g_str_equal (r->policy, "stretch"))
    return;
  bool larger = g_str_equal (r->policy, "not_smaller");
  if (!larger && !g_str_equal (r->policy, "not_larger"))
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "keep_aspect_ratio_policy %s, wanted stretch, not_larger or not_smaller",
                        r->policy);
  double scale = larger ? 0 : G_MAXDOUBLE;
  for (int i = 0; i < rank; i++)
    if (entry[i] >= 0)
      scale = larger ? MAX (scale, r->axis[i].scale) : MIN (scale, r->axis[i].scale);
  for (int i = 0; i < rank; i++)
    if (entry[i] >= 0)
      {
        r->axis[i].scale = scale;
        double out = floor (scale * (double) r->axis[i].in + 0.5);
        if (out > INT32_MAX)
          return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                              "scale %g of dimension %d gives more than 2^31 - 1 elements", scale,
                              i);
        r->axis[i].out = (int64_t) out;
      }
}

static void
set_sizes (OnnxNode *node, Resize *r, int rank, const int *entry, const int64_t *sizes)
{
  for (int i = 0; i < rank; i++)
    {
      ResizeAxis *a = &r->axis[i];
      a->out = entry[i] < 0 ? a->in : sizes[entry[i]];
      if (a->out < 0 || a->out > INT32_MAX || (a->in == 0 && a->out > 0))
        return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                            "dimension %d of %" G_GINT64_FORMAT
                            " elements resized to %" G_GINT64_FORMAT
                            ", wanted 0 to 2^31 - 1, from at least one",
                            i, a->in, a->out);
      a->scale = a->in > 0 ? (double) a->out / (double) a->in : 1;
    }
  keep_aspect_ratio (node, r, rank, entry);
}

static void
set_roi (OnnxNode *node, Resize *r, int rank, const int *entry, size_t n)
{
  const double *roi = NULL;
  if (r->kind.transform != RESIZE_TF_CROP_AND_RESIZE)
    return;
  if (onnx_known_floats (node, 1, &roi) != 2 * n && !onnx_failed (node))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "roi has not %zu entries, two per axis", 2 * n);
  for (int i = 0; i < rank && !onnx_failed (node); i++)
    if (entry[i] >= 0)
      {
        r->axis[i].start = roi[entry[i]];
        r->axis[i].end = roi[n + (size_t) entry[i]];
      }
}

/* ---- the result ---- */

/* Along an axis: [.., in, ..] times the weights' matrix [out, in]. */
static SfValue
interpolate (OnnxNode *node, SfValue v, const Resize *r, int axis, SfDtype dtype)
{
  const ResizeAxis *a = &r->axis[axis];
  SfShape shape = onnx_shape (node, v), around = onnx_around_axis (shape, axis);
  if (onnx_failed (node))
    return SF_NONE;
  bool fits = a->out * (double) a->in < (double) MAX_WEIGHTS;
  g_autofree double *rows = fits ? g_try_new0 (double, (gsize) MAX (a->out * a->in, 1)) : NULL;
  if (!rows)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE,
                   "weights from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                   " elements, wanted at most %d of them",
                   a->in, a->out, MAX_WEIGHTS);
      return SF_NONE;
    }
  for (int64_t x = 0; x < a->out; x++)
    onnx_resize_weights (&r->kind, a, x, rows + x * a->in);
  SfValue weights = onnx_constant_f64 (node, dtype, SF_SHAPE (a->out, a->in), rows);
  shape.dim[axis] = a->out;
  bool last = axis == shape.rank - 1;
  v = onnx_reshape (node, v, last ? SF_SHAPE (around.dim[0], a->in) : around);
  v = last ? onnx_matmul (node, v, weights, false, true)
           : onnx_matmul (node, weights, v, false, false);
  return onnx_reshape (node, v, shape);
}

static SfValue
take_nearest (OnnxNode *node, SfValue v, const Resize *r, int axis)
{
  const ResizeAxis *a = &r->axis[axis];
  g_autofree int64_t *at = onnx_positions (node, a->out);
  if (!at)
    return SF_NONE;
  for (int64_t x = 0; x < a->out; x++)
    at[x] = onnx_resize_nearest (&r->kind, a, x);
  return onnx_take (node, v, at, (size_t) a->out, axis);
}

/* The extrapolation value where a result lies outside the input along the axis. */
static SfValue
extrapolate (OnnxNode *node, SfValue v, const Resize *r, int axis)
{
  const ResizeAxis *a = &r->axis[axis];
  g_autofree uint8_t *outside = g_try_malloc0 ((gsize) MAX (a->out, 1));
  bool any = false;
  for (int64_t x = 0; outside && x < a->out; x++)
    any |= outside[x] = onnx_resize_is_outside (&r->kind, a, x);
  if (!any)
    return v;
  SfShape across = onnx_shape (node, v);
  for (int i = 0; i < across.rank; i++)
    across.dim[i] = i == axis ? a->out : 1;
  SfValue value = onnx_scalar (node, onnx_dtype (node, v), r->extrapolation);
  return onnx_select (node, onnx_constant (node, SF_BOOL, across, outside), value, v);
}

static void
resize (OnnxNode *node, const Resize *r)
{
  SfValue v = onnx_input (node, 0);
  SfDtype dtype = onnx_dtype (node, v), computed = dtype == SF_F64 ? SF_F64 : SF_F32;
  int rank = onnx_shape (node, v).rank;
  bool nearest = r->kind.mode == RESIZE_NEAREST;
  if (!nearest && !onnx_failed (node) && !sf_dtype_is_float (dtype))
    v = onnx_cast (node, v, computed);
  for (int i = 0; i < rank && !onnx_failed (node); i++)
    {
      const ResizeAxis *a = &r->axis[i];
      if (a->in != a->out || a->scale != 1 || a->start != 0 || a->end != 1)
        v = nearest ? take_nearest (node, v, r, i) : interpolate (node, v, r, i, computed);
    }
  if (r->kind.transform == RESIZE_TF_CROP_AND_RESIZE)
    for (int i = 0; i < rank && !onnx_failed (node); i++)
      v = extrapolate (node, v, r, i);
  onnx_set (node, 0, onnx_failed (node) ? SF_NONE : onnx_cast (node, v, dtype));
}

/* ---- the operators ---- */

/* Index of an attribute's word among `words`. */
static int
word (OnnxNode *node, const char *name, const char *const *words, int n, const char *def)
{
  const char *value = onnx_string (node, name, def);
  for (int i = 0; i < n && value; i++)
    if (g_str_equal (value, words[i]))
      return i;
  g_autofree char *list = g_strjoinv (", ", (char **) words);
  onnx_refuse (node, SF_ERROR_INVALID_DATA, "%s %s, wanted one of %s", name, value, list);
  return 0;
}

static int
resize_begin (OnnxNode *node, Resize *r)
{
  SfShape shape = onnx_input_shape (node, 0);
  for (int i = 0; i < shape.rank; i++)
    r->axis[i] = (ResizeAxis){ .in = shape.dim[i], .out = shape.dim[i], .scale = 1, .end = 1 };
  return shape.rank;
}

/* Before opset 11: scales alone, coordinates asymmetric. */
static void
resize_by_scales (OnnxNode *node, size_t n, const double *scales)
{
  Resize r = { .kind = { .transform = RESIZE_ASYMMETRIC, .rounding = RESIZE_SIMPLE } };
  int rank = resize_begin (node, &r);
  r.kind.mode = (ResizeMode) word (node, "mode", mode_names, RESIZE_CUBIC, "nearest");
  const int entry[SF_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 };
  if (!onnx_failed (node) && n != (size_t) rank)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu scales, wanted %d, one per dimension", n, rank);
  if (!onnx_failed (node))
    set_scales (node, &r, rank, entry, scales);
  if (!onnx_failed (node))
    resize (node, &r);
}

static void
lower_upsample_7 (OnnxNode *node)
{
  const double *scales = NULL;
  onnx_want_attr (node, "scales");
  size_t n = onnx_floats (node, "scales", &scales);
  resize_by_scales (node, n, scales);
}

static void
lower_resize_10 (OnnxNode *node)
{
  const double *scales = NULL;
  size_t n = onnx_known_floats (node, 1, &scales);
  resize_by_scales (node, n, scales);
}

static void
read_kind (OnnxNode *node, Resize *r)
{
  r->kind = (ResizeKind){
    .mode = (ResizeMode) word (node, "mode", mode_names, N_RESIZE_MODES, "nearest"),
    .transform = (ResizeTransform) word (node, "coordinate_transformation_mode", transform_names,
                                         N_RESIZE_TRANSFORMS, "half_pixel"),
    .rounding = (ResizeRounding) word (node, "nearest_mode", rounding_names, RESIZE_SIMPLE,
                                       "round_prefer_floor"),
    .cubic_a = onnx_float (node, "cubic_coeff_a", -0.75),
    .antialias = onnx_int (node, "antialias", 0) != 0,
    .exclude_outside = onnx_int (node, "exclude_outside", 0) != 0,
  };
  r->policy = onnx_string (node, "keep_aspect_ratio_policy", "stretch");
  r->extrapolation = onnx_float (node, "extrapolation_value", 0);
}

static void
lower_resize_11 (OnnxNode *node)
{
  Resize r = { 0 };
  int entry[SF_MAX_RANK], rank = resize_begin (node, &r);
  size_t n = entries_by_dim (node, rank, entry), n_scales = 0;
  const double *scales = NULL;
  read_kind (node, &r);
  set_roi (node, &r, rank, entry, n);
  if (onnx_has_input (node, 2))
    n_scales = onnx_known_floats (node, 2, &scales);
  OnnxInts sizes = { 0 };
  if (n_scales == 0 && onnx_has_input (node, 3))
    sizes = onnx_known_ints (node, 3);
  if (!onnx_failed (node) && n_scales != n && sizes.n != n)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "%zu scales and %zu sizes, wanted %zu of one of them, one per axis", n_scales,
                 sizes.n, n);
  if (onnx_failed (node))
    return;
  if (n_scales)
    set_scales (node, &r, rank, entry, scales);
  else
    set_sizes (node, &r, rank, entry, sizes.at);
  if (!onnx_failed (node))
    resize (node, &r);
}

#define KNOWN "scales, sizes and roi known at import"
#define ROI_ALIGN \
  "mode max and sampling_ratio 0 run on the host and have no gradient; the rest runs on the device"

const OnnxRow onnx_rows_resize[] = {
  { "Upsample", 7, lower_upsample_7 },
  { "Upsample", 9, lower_resize_10, 0, "scales known at import" },
  { "Resize", 10, lower_resize_10, 0, "scales known at import" },
  { "Resize", 11, lower_resize_11, 0, KNOWN },
  { "Resize", 18, lower_resize_11, 0, KNOWN },
  { "Resize", 19, lower_resize_11, 0, KNOWN },
  { "GridSample", 16, onnx_lower_grid_sample },
  { "GridSample", 20, onnx_lower_grid_sample },
  { "AffineGrid", 20, onnx_lower_affine_grid, 0, "size known at import" },
  { "RoiAlign", 10, onnx_lower_roi_align_10, ONNX_HOST, ROI_ALIGN },
  { "RoiAlign", 16, onnx_lower_roi_align_16, ONNX_HOST, ROI_ALIGN },
  { "MaxRoiPool", 1, onnx_lower_max_roi_pool },
  { 0 },
};
