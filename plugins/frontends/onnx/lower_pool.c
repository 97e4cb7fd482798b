/* SPDX-License-Identifier: Apache-2.0 */
/* Pools: over windows, over the whole image, and back. Maxima and means over a box are maxima and
 * means along depth of those over height and width, so that the 2-D ops serve all ranks. */
#include <math.h>

#include "window.h"

#define MAX_WRITTEN ((int64_t) 1 << 28) /* largest constant that a pool makes */

/* ---- windows ---- */

/* The 2-D pools want windows that all see the image, so that none needs padding of its own. */
static bool
fits_pool2d (const OnnxWindow *w)
{
  for (int d = 0; d < ONNX_SPATIAL; d++)
    if (w->low[d] >= onnx_window_reach (w, d) || w->high[d] >= onnx_window_reach (w, d))
      return false;
  return true;
}

/* Pads after the image that give exactly the windows of `out`, whatever ceil_mode made of them. */
static int64_t
high_for_windows (const OnnxWindow *w, int d)
{
  int64_t need = (w->out[d] - 1) * w->strides[d] + onnx_window_reach (w, d) - w->in[d] - w->low[d];
  return MAX (need, 0);
}

/* A 2-D pool over dimensions d0 and d1 of x [N,C,.,.]; d1 < 0: the last dimension of x is left
 * alone. */
static SfValue
pool2d (OnnxNode *node, const char *op, SfValue x, const OnnxWindow *w, int d0, int d1, SfAttr last,
        bool ceil_mode)
{
  const int64_t kernel[] = { w->kernel[d0], d1 < 0 ? 1 : w->kernel[d1] };
  const int64_t strides[] = { w->strides[d0], d1 < 0 ? 1 : w->strides[d1] };
  const int64_t dilations[] = { w->dilations[d0], d1 < 0 ? 1 : w->dilations[d1] };
  const int64_t pads[] = { w->low[d0], d1 < 0 ? 0 : w->low[d1], w->high[d0],
                           d1 < 0 ? 0 : w->high[d1] };
  if (g_str_equal (last.name, "dilations"))
    last = SF_ATTR_IS ("dilations", dilations, 2);
  const SfAttr attrs[] = { SF_ATTR_IS ("kernel", kernel, 2), SF_ATTR_IS ("strides", strides, 2),
                           SF_ATTR_IS ("pads", pads, 4), SF_ATTR_B ("ceil_mode", ceil_mode), last };
  return onnx_node (node, op, &x, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* Height and width of every slice of depth, then depth. */
static SfValue
pool (OnnxNode *node, const char *op, SfValue x, const OnnxWindow *w, SfAttr last, bool ceil_mode)
{
  SfShape planes = SF_SHAPE (w->images, w->channels * w->in[0], w->in[1], w->in[2]);
  SfShape columns = SF_SHAPE (w->images, w->channels, w->in[0], w->out[1] * w->out[2]);
  SfValue y = pool2d (node, op, onnx_reshape (node, x, planes), w, 1, 2, last, ceil_mode);
  if (!onnx_window_is_trivial (w, 0))
    y = pool2d (node, op, onnx_reshape (node, y, columns), w, 0, -1, last, ceil_mode);
  return onnx_reshape (node, y, onnx_window_result (w, w->channels));
}

/* Pads the image with `value` for good; the windows stay where they are. */
static SfValue
padded (OnnxNode *node, SfValue x, OnnxWindow *w, double value)
{
  int64_t low[SF_MAX_RANK] = { 0 }, high[SF_MAX_RANK] = { 0 };
  int first = ONNX_SPATIAL - w->n;
  for (int d = 0; d < ONNX_SPATIAL; d++)
    {
      w->high[d] = high_for_windows (w, d);
      if (d >= first)
        {
          low[2 + d - first] = w->low[d];
          high[2 + d - first] = w->high[d];
        }
      w->in[d] += w->low[d] + w->high[d];
      w->low[d] = w->high[d] = 0;
    }
  return onnx_pad (node, x, low, high, value);
}

/* Sum of each window, by a convolution with ones over each channel. */
static SfValue
window_sums (OnnxNode *node, SfValue x, const OnnxWindow *w)
{
  OnnxWindow each = *w;
  SfShape image = onnx_shape (node, x), weight = SF_SHAPE (1, 1);
  each.images = image.dim[0] = w->images * w->channels;
  each.channels = image.dim[1] = 1;
  for (int d = 0; d < ONNX_SPATIAL; d++)
    {
      each.high[d] = high_for_windows (w, d);
      if (d >= ONNX_SPATIAL - w->n)
        weight.dim[weight.rank++] = w->kernel[d];
    }
  SfValue ones = onnx_broadcast (node, onnx_scalar (node, onnx_dtype (node, x), 1), weight);
  SfValue y = onnx_window_conv (node, onnx_reshape (node, x, image), ones, SF_NONE, 1, &each);
  return onnx_reshape (node, y, onnx_window_result (w, w->channels));
}

/* Room for a constant with one entry for each window or each element of one. */
static void *
written (OnnxNode *node, int64_t n, size_t bytes)
{
  void *room = n <= MAX_WRITTEN ? g_try_malloc_n ((gsize) MAX (n, 1), bytes) : NULL;
  if (room == NULL)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "found %" G_GINT64_FORMAT " windows, wanted at most 2^28 in a pool with "
                 "dilations, wide pads or indices",
                 n);
  return room;
}

/* ---- AveragePool ---- */

/* Elements of a window before place `end`, when it begins at `begin`. */
static int64_t
elements_before (const OnnxWindow *w, int d, int64_t begin, int64_t end)
{
  int64_t n = end <= begin ? 0 : (end - begin + w->dilations[d] - 1) / w->dilations[d];
  return MIN (n, w->kernel[d]);
}

/* Elements of window `at` along d that count: inside the image, or inside the padded one. */
static int64_t
counted (const OnnxWindow *w, int d, int64_t at, bool include_pad)
{
  int64_t begin = at * w->strides[d] - w->low[d];
  int64_t low = include_pad ? -w->low[d] : 0;
  int64_t high = w->in[d] + (include_pad ? w->high[d] : 0);
  int64_t n = elements_before (w, d, begin, high) - elements_before (w, d, begin, low);
  return MAX (n, 1);
}

/* [spatial dimensions of the result]: what each sum is divided by. */
static SfValue
counts (OnnxNode *node, SfDtype dtype, const OnnxWindow *w, bool include_pad)
{
  SfShape result = onnx_window_result (w, 1);
  g_autofree double *n = written (node, onnx_window_n_out (w), sizeof *n);
  if (n == NULL)
    return SF_NONE;
  double *to = n;
  for (int64_t i = 0; i < w->out[0]; i++)
    for (int64_t j = 0; j < w->out[1]; j++)
      for (int64_t k = 0; k < w->out[2]; k++)
        *to++ = (double) (counted (w, 0, i, include_pad) * counted (w, 1, j, include_pad)
                          * counted (w, 2, k, include_pad));
  return onnx_constant_f64 (node, dtype, sf_shape (w->n, &result.dim[2]), n);
}

static void
lower_average_pool (OnnxNode *node)
{
  bool ceil_mode = onnx_int (node, "ceil_mode", 0) != 0;
  bool include = onnx_int (node, "count_include_pad", 0) != 0;
  OnnxWindow w;
  if (!onnx_window_read (node, onnx_input_shape (node, 0), NULL, &w)
      || !onnx_window_slide (node, ceil_mode, &w))
    return;
  SfValue x = onnx_input (node, 0);
  bool dilated = w.dilations[0] * w.dilations[1] * w.dilations[2] != 1;
  if (!dilated && fits_pool2d (&w))
    onnx_set (
        node, 0,
        pool (node, "avg_pool2d", x, &w, SF_ATTR_B ("count_include_pad", include), ceil_mode));
  else
    onnx_set (node, 0,
              onnx_2 (node, "div", window_sums (node, x, &w),
                      counts (node, onnx_dtype (node, x), &w, include)));
}

/* ---- MaxPool ---- */

/* x as [N, C, windows, elements of a window], -inf outside the image. */
static SfValue
windows (OnnxNode *node, SfValue x, const OnnxWindow *w)
{
  static const int64_t elements_last[] = { 0, 2, 1, 5, 3, 4 };
  const int64_t pads[] = { w->low[1], w->low[2], high_for_windows (w, 1), high_for_windows (w, 2) };
  const SfAttr attrs[] = { SF_ATTR_IS ("kernel", w->kernel + 1, 2),
                           SF_ATTR_IS ("strides", w->strides + 1, 2), SF_ATTR_IS ("pads", pads, 4),
                           SF_ATTR_IS ("dilations", w->dilations + 1, 2),
                           SF_ATTR_F ("value", -INFINITY) };
  OnnxWindow depth = *w;
  depth.high[0] = high_for_windows (w, 0);
  x = onnx_window_depth_columns (node, x, &depth, -INFINITY);
  x = onnx_node (node, "unfold", &x, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  x = onnx_reshape (node, x,
                    SF_SHAPE (w->images, w->out[0], w->channels, w->kernel[0],
                              w->kernel[1] * w->kernel[2], w->out[1] * w->out[2]));
  x = onnx_transpose (node, x, elements_last);
  return onnx_reshape (
      node, x, SF_SHAPE (w->images, w->channels, onnx_window_n_out (w), onnx_window_n_kernel (w)));
}

/* i32 [n0 n1 n2]: sum of step[d] * index[d] * strides[d] + first. */
static SfValue
places (OnnxNode *node, const int64_t n[ONNX_SPATIAL], const int64_t step[ONNX_SPATIAL],
        const int64_t strides[ONNX_SPATIAL], int64_t first)
{
  SfShape shape = SF_SHAPE (n[0] * n[1] * n[2]);
  g_autofree int32_t *place = written (node, shape.dim[0], sizeof *place);
  if (place == NULL)
    return SF_NONE;
  int32_t *to = place;
  for (int64_t i = 0; i < n[0]; i++)
    for (int64_t j = 0; j < n[1]; j++)
      for (int64_t k = 0; k < n[2]; k++)
        *to++ = (int32_t) (first + i * step[0] * strides[0] + j * step[1] * strides[1]
                           + k * step[2] * strides[2]);
  return onnx_constant (node, SF_I32, shape, place);
}

/* Indices of the maxima in X seen as one row, i64. */
static SfValue
indices_of_maxima (OnnxNode *node, SfValue x, const OnnxWindow *w, bool column_major)
{
  const int64_t *in = w->in;
  int64_t image = in[0] * in[1] * in[2];
  if (w->images * w->channels * image > INT32_MAX)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "Indices reach %" G_GINT64_FORMAT ", wanted at most 2^31 - 1",
                   w->images * w->channels * image);
      return SF_NONE;
    }
  const int64_t by_rows[] = { in[1] * in[2], in[2], 1 }, by_columns[] = { 1, in[0], in[0] * in[1] };
  const int64_t *strides = column_major ? by_columns : by_rows;
  int64_t first = 0;
  for (int d = 0; d < ONNX_SPATIAL; d++)
    first -= w->low[d] * strides[d];
  SfValue x_windows = windows (node, x, w);
  const SfAttr attrs[] = { SF_ATTR_I ("axis", 3), SF_ATTR_B ("keepdims", false) };
  SfValue element = onnx_node (node, "argmax", &x_windows, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  SfValue place = onnx_gather (node, places (node, w->kernel, w->dilations, strides, 0), element,
                               0);
  place = onnx_2 (node, "add", place, places (node, w->out, w->strides, strides, first));
  SfValue images = onnx_iota (node, SF_SHAPE (w->images * w->channels), 0, SF_I32);
  images = onnx_reshape (node, onnx_2f (node, "mul", images, (double) image),
                         SF_SHAPE (w->images, w->channels, 1));
  place = onnx_cast (node, onnx_2 (node, "add", place, images), SF_I64);
  return onnx_reshape (node, place, onnx_window_result (w, w->channels));
}

static void
lower_max_pool (OnnxNode *node)
{
  bool ceil_mode = onnx_int (node, "ceil_mode", 0) != 0;
  bool column_major = onnx_int (node, "storage_order", 0) != 0;
  OnnxWindow w;
  if (!onnx_window_read (node, onnx_input_shape (node, 0), NULL, &w)
      || !onnx_window_slide (node, ceil_mode, &w))
    return;
  SfDtype dtype = onnx_input_dtype (node, 0);
  SfValue x = onnx_input (node, 0);
  if (dtype == SF_U8 || dtype == SF_I8)
    x = onnx_cast (node, x, SF_F32);
  if (onnx_wants_output (node, 1))
    onnx_set (node, 1, indices_of_maxima (node, x, &w, column_major));
  if (!fits_pool2d (&w))
    {
      x = padded (node, x, &w, -INFINITY);
      ceil_mode = false;
    }
  SfValue y = pool (node, "max_pool2d", x, &w, SF_ATTR_IS ("dilations", NULL, 0), ceil_mode);
  onnx_set (node, 0, onnx_cast (node, y, dtype));
}

/* ---- LpPool ---- */

/* |x|^p, summed by `sum`, then the p-th root. */
static SfValue
to_power (OnnxNode *node, SfValue x, int64_t p)
{
  if (p == 2)
    return onnx_2 (node, "mul", x, x);
  x = onnx_1 (node, "abs", x);
  return p == 1 ? x : onnx_2f (node, "pow", x, (double) p);
}

static SfValue
root (OnnxNode *node, SfValue x, int64_t p)
{
  if (p == 1)
    return x;
  return p == 2 ? onnx_1 (node, "sqrt", x) : onnx_2f (node, "pow", x, 1 / (double) p);
}

static int64_t
read_p (OnnxNode *node)
{
  int64_t p = onnx_int (node, "p", 2);
  if (!onnx_failed (node) && p < 1)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute p is %" G_GINT64_FORMAT ", wanted 1 or more", p);
  return p;
}

static void
lower_lp_pool (OnnxNode *node)
{
  int64_t p = read_p (node);
  bool ceil_mode = onnx_int (node, "ceil_mode", 0) != 0;
  OnnxWindow w;
  if (!onnx_window_read (node, onnx_input_shape (node, 0), NULL, &w)
      || !onnx_window_slide (node, ceil_mode, &w))
    return;
  SfValue x = to_power (node, onnx_input (node, 0), p);
  onnx_set (node, 0, root (node, window_sums (node, x, &w), p));
}

/* ---- over the whole image ---- */

static SfValue
over_image (OnnxNode *node, const char *op, SfValue x)
{
  int64_t axes[SF_MAX_RANK];
  int rank = onnx_shape (node, x).rank;
  if (!onnx_failed (node) && rank < 2)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "input X has rank %d, wanted [N,C,...]", rank);
      return SF_NONE;
    }
  for (int d = 2; d < rank; d++)
    axes[d - 2] = d;
  return rank == 2 ? x : onnx_reduce (node, op, x, axes, (size_t) MAX (rank - 2, 0), true);
}

static void
lower_global_average_pool (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  onnx_set (node, 0,
            onnx_shape (node, x).rank == 4 ? onnx_1 (node, "global_avg_pool", x)
                                           : over_image (node, "reduce_mean", x));
}

static void
lower_global_max_pool (OnnxNode *node)
{
  onnx_set (node, 0, over_image (node, "reduce_max", onnx_input (node, 0)));
}

static void
lower_global_lp_pool (OnnxNode *node)
{
  int64_t p = read_p (node);
  SfValue x = to_power (node, onnx_input (node, 0), p);
  onnx_set (node, 0, root (node, over_image (node, "reduce_sum", x), p));
}

/* ---- MaxUnpool ---- */

/* The image that a pool with these windows would have had. */
static bool
unpooled_shape (OnnxNode *node, SfShape *image)
{
  OnnxWindow w;
  if (!onnx_window_read (node, *image, NULL, &w))
    return false;
  for (int d = 2; d < image->rank; d++)
    {
      int at = d - 2 + ONNX_SPATIAL - w.n;
      image->dim[d] = (w.in[at] - 1) * w.strides[at] + w.kernel[at] - w.low[at] - w.high[at];
    }
  g_autoptr (GError) error = NULL;
  if (sf_shape_check (image, "output", &error))
    return true;
  onnx_refuse (node, SF_ERROR_INVALID_DATA, "%s", error->message);
  return false;
}

/* The indices count in the smallest image; output_shape adds zeros after it. */
static void
lower_max_unpool (OnnxNode *node)
{
  int64_t low[SF_MAX_RANK] = { 0 }, high[SF_MAX_RANK] = { 0 };
  SfShape image = onnx_input_shape (node, 0);
  if (!unpooled_shape (node, &image))
    return;
  SfShape flat = SF_SHAPE (sf_shape_n_elems (&image));
  SfValue x = onnx_input (node, 0);
  SfShape list = onnx_shape (node, x);
  list = SF_SHAPE (sf_shape_n_elems (&list));
  SfValue zeros = onnx_broadcast (node, onnx_scalar (node, onnx_dtype (node, x), 0), flat);
  SfValue inputs[] = { zeros, onnx_reshape (node, onnx_input_index (node, 1, flat.dim[0]), list),
                       onnx_reshape (node, x, list) };
  SfValue y = onnx_node (node, "scatter", inputs, 3, NULL, 0, NULL);
  y = onnx_reshape (node, y, image);
  if (onnx_has_input (node, 2))
    {
      OnnxInts wanted = onnx_known_ints (node, 2);
      for (size_t d = 0; d < wanted.n && wanted.n == (size_t) image.rank; d++)
        high[d] = wanted.at[d] - image.dim[d];
      y = onnx_pad (node, y, low, high, 0);
    }
  onnx_set (node, 0, y);
}

const OnnxRow onnx_rows_pool[] = {
  { "AveragePool", 1, lower_average_pool, 0, "1 to 3 spatial dimensions", NULL },
  { "MaxPool", 1, lower_max_pool, 0, "1 to 3 spatial dimensions", NULL },
  { "LpPool", 2, lower_lp_pool, 0, "1 to 3 spatial dimensions", NULL },
  { "MaxUnpool", 9, lower_max_unpool, 0,
    "1 to 3 spatial dimensions; output_shape known and not below the pooled image", NULL },
  { "GlobalAveragePool", 1, lower_global_average_pool, 0, NULL, NULL },
  { "GlobalMaxPool", 1, lower_global_max_pool, 0, NULL, NULL },
  { "GlobalLpPool", 2, lower_global_lp_pool, 0, NULL, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
