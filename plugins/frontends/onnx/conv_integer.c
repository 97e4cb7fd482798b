/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of integers, as matrix products over columns of windows: ConvInteger and
 * QLinearConv.
 *
 * Everything is three-dimensional: images [N,C,D,H,W] with D, and H for lines, of one entry. */
#include <inttypes.h>
#include <string.h>

#include "quantise.h"

#define N_AXES     3
#define MAX_FIGURE (1 << 20) /* of a stride, a dilation or a pad */
#define MAX_DEPTHS 1024      /* of a kernel, each of which is a slice */

typedef struct
{
  SfShape x, w; /* [N,C,D,H,W], [O,C/groups,KD,KH,KW] */
  int64_t stride[N_AXES], dilation[N_AXES], low[N_AXES], high[N_AXES], out[N_AXES];
  int64_t groups;
  int n_spatial; /* dimensions that the model sees */
} Window;

/* Entries of a list attribute, in the last places of `out`. */
static void
read_figures (OnnxNode *node, const char *name, const Window *window, size_t part, int64_t min,
              int64_t *out)
{
  OnnxInts ints = onnx_ints (node, name);
  size_t n = (size_t) window->n_spatial, first = N_AXES - n;
  size_t parts = g_str_equal (name, "pads") ? 2 : 1;
  if (ints.n == 0 || onnx_failed (node))
    return;
  if (ints.n != parts * n)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "attribute %s has %zu entries, wanted %zu", name,
                   ints.n, parts * n);
      return;
    }
  for (size_t i = 0; i < n; i++)
    {
      out[first + i] = ints.at[part * n + i];
      if (out[first + i] < min || out[first + i] > MAX_FIGURE)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "attribute %s has %" PRId64 ", wanted %" PRId64 " .. %d", name, out[first + i],
                     min, MAX_FIGURE);
    }
}

static int64_t
reach (const Window *window, int axis)
{
  return (window->w.dim[axis + 2] - 1) * window->dilation[axis] + 1;
}

/* Pads by attribute auto_pad, of two the larger one below ("SAME_LOWER") or above. */
static void
pad_to_same (Window *window, bool larger_below)
{
  for (int i = 0; i < N_AXES; i++)
    {
      int64_t in = window->x.dim[i + 2], stride = window->stride[i];
      int64_t n_out = in / stride + (in % stride != 0);
      int64_t total = MAX ((n_out - 1) * stride + reach (window, i) - in, 0);
      window->low[i] = larger_below ? total - total / 2 : total / 2;
      window->high[i] = total - window->low[i];
    }
}

static void
read_pads (OnnxNode *node, Window *window)
{
  const char *mode = onnx_string (node, "auto_pad", "NOTSET");
  read_figures (node, "pads", window, 0, 0, window->low);
  read_figures (node, "pads", window, 1, 0, window->high);
  if (onnx_failed (node) || g_str_equal (mode, "NOTSET"))
    return;
  memset (window->low, 0, sizeof window->low);
  memset (window->high, 0, sizeof window->high);
  if (g_str_has_prefix (mode, "SAME_"))
    pad_to_same (window, g_str_equal (mode, "SAME_LOWER"));
  else if (!g_str_equal (mode, "VALID"))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute auto_pad is '%s', wanted NOTSET, VALID, SAME_UPPER or SAME_LOWER",
                 mode);
}

/* `shape` [A,B,..] as [A,B,1..,..] of five dimensions. */
static SfShape
as_volume (SfShape shape)
{
  SfShape volume = { .rank = 5, .dim = { shape.dim[0], shape.dim[1], 1, 1, 1 } };
  for (int d = 2; d < shape.rank; d++)
    volume.dim[d + 5 - shape.rank] = shape.dim[d];
  return volume;
}

static void
check_sizes (OnnxNode *node, const Window *window)
{
  SfShape x = window->x, w = window->w;
  g_autofree char *x_text = sf_shape_text (&x);
  g_autofree char *w_text = sf_shape_text (&w);
  bool whole = window->groups > 0 && x.dim[1] % window->groups == 0
               && x.dim[1] / window->groups == w.dim[1] && w.dim[0] % window->groups == 0;
  for (int i = 0; i < N_AXES; i++)
    whole = whole && w.dim[i + 2] > 0 && window->out[i] > 0;
  if (!whole)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "image %s and kernel %s with %" PRId64 " groups, wanted [N,C,...] and "
                 "[O,C/groups,...] with a window that fits the padded image",
                 x_text, w_text, window->groups);
}

static Window
window_of (OnnxNode *node, size_t x_index, size_t w_index)
{
  Window window = { .stride = { 1, 1, 1 }, .dilation = { 1, 1, 1 } };
  SfShape x = onnx_input_shape (node, x_index), w = onnx_input_shape (node, w_index);
  window.groups = onnx_int (node, "group", 1);
  window.n_spatial = x.rank - 2;
  onnx_ints (node, "kernel_shape"); /* what w has */
  if (!onnx_failed (node) && (x.rank < 3 || x.rank > 5 || w.rank != x.rank))
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "image of %d dimensions and kernel of %d, wanted 3, 4 or 5 of both", x.rank,
                 w.rank);
  if (onnx_failed (node))
    return window;
  window.x = as_volume (x);
  window.w = as_volume (w);
  read_figures (node, "strides", &window, 0, 1, window.stride);
  read_figures (node, "dilations", &window, 0, 1, window.dilation);
  read_pads (node, &window);
  if (onnx_failed (node))
    return window;
  for (int i = 0; i < N_AXES; i++)
    {
      int64_t room = window.x.dim[i + 2] + window.low[i] + window.high[i] - reach (&window, i);
      window.out[i] = room < 0 ? 0 : room / window.stride[i] + 1;
    }
  check_sizes (node, &window);
  return window;
}

/* The depths of each window beside the channels: [N,C,D,H,W] to [N*OD, C*KD, H, W]. */
static SfValue
with_depths (OnnxNode *node, SfValue x, const Window *window)
{
  static const int64_t perm[] = { 0, 3, 1, 2, 4, 5 };
  SfShape shape = onnx_shape (node, x);
  int64_t n_depths = window->w.dim[2], n_out = window->out[0];
  SfShape level = { 6, { shape.dim[0], shape.dim[1], 1, n_out, shape.dim[3], shape.dim[4] } };
  SfShape flat = { 4,
                   { shape.dim[0] * n_out, shape.dim[1] * n_depths, shape.dim[3], shape.dim[4] } };
  if (shape.dim[2] == 1)
    return onnx_reshape (node, x, flat);
  if (n_depths > MAX_DEPTHS)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED, "kernel of %" PRId64 " depths, wanted %d at most",
                   n_depths, MAX_DEPTHS);
      return SF_NONE;
    }
  g_autofree SfValue *depths = g_new (SfValue, (size_t) n_depths);
  for (int64_t k = 0; k < n_depths && !onnx_failed (node); k++)
    {
      int64_t begin = k * window->dilation[0], end = begin + (n_out - 1) * window->stride[0] + 1;
      SfValue part = onnx_slice (node, x, 2, begin, end, window->stride[0]);
      depths[k] = onnx_reshape (node, part, level);
    }
  if (onnx_failed (node))
    return SF_NONE;
  SfValue all = onnx_concat (node, depths, (size_t) n_depths, 2);
  return onnx_reshape (node, onnx_transpose (node, all, perm), flat);
}

/* Columns of windows of x, which is centred, so that padding is 0: [N*OD, groups, C/groups*K, L].
 */
static SfValue
columns (OnnxNode *node, SfValue x, const Window *window)
{
  int64_t low[5] = { 0 }, high[5] = { 0 };
  for (int i = 0; i < N_AXES; i++)
    {
      low[i + 2] = window->low[i];
      high[i + 2] = window->high[i];
    }
  x = onnx_pad (node, onnx_reshape (node, x, window->x), low, high, 0);
  x = with_depths (node, x, window);
  SfAttr attrs[] = { SF_ATTR_IS ("kernel", window->w.dim + 3, 2),
                     SF_ATTR_IS ("strides", window->stride + 1, 2),
                     SF_ATTR_IS ("dilations", window->dilation + 1, 2) };
  SfValue y = onnx_node (node, "unfold", &x, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  SfShape shape = onnx_shape (node, y);
  if (onnx_failed (node))
    return SF_NONE;
  return onnx_reshape (
      node, y,
      SF_SHAPE (shape.dim[0], window->groups, shape.dim[1] / window->groups, shape.dim[2]));
}

/* Convolution of centred integers, i32 [N,O,..]. */
static SfValue
convolved (OnnxNode *node, SfValue x, SfValue w, const Window *window)
{
  static const int64_t perm[] = { 0, 2, 1, 3 };
  const int64_t *k = window->w.dim, *out = window->out;
  SfValue all = columns (node, x, window);
  if (onnx_failed (node))
    return SF_NONE;
  SfValue kernel = onnx_reshape (
      node, w, SF_SHAPE (window->groups, k[0] / window->groups, k[1] * k[2] * k[3] * k[4]));
  SfValue y = onnx_matmul (node, kernel, all, false, false);
  y = onnx_reshape (node, y, SF_SHAPE (window->x.dim[0], out[0], k[0], out[1] * out[2]));
  if (out[0] > 1)
    y = onnx_transpose (node, y, perm);
  SfShape shape = { .rank = window->n_spatial + 2, .dim = { window->x.dim[0], k[0] } };
  for (int i = 0; i < window->n_spatial; i++)
    shape.dim[i + 2] = out[N_AXES - window->n_spatial + i];
  return onnx_reshape (node, y, shape);
}

/* Zero point (SF_NONE: 0) or scale at an input, one number or one for each entry of `axis`. */
static SfValue
per_axis (OnnxNode *node, size_t index, SfShape shape, int axis)
{
  return onnx_has_input (node, index) ? onnx_per_axis (node, onnx_fixed (node, index), shape, axis)
                                      : SF_NONE;
}

void
onnx_lower_conv_integer (OnnxNode *node)
{
  Window window = window_of (node, 0, 1);
  SfShape w_shape = onnx_input_shape (node, 1);
  SfValue x = onnx_centred (node, 0, per_axis (node, 2, onnx_input_shape (node, 0), 1));
  SfValue w = onnx_centred (node, 1, per_axis (node, 3, w_shape, 0));
  onnx_set (node, 0, convolved (node, x, w, &window));
}

void
onnx_lower_qlinear_conv (OnnxNode *node)
{
  Window window = window_of (node, 0, 3);
  SfShape w_shape = onnx_input_shape (node, 3);
  SfValue x = onnx_centred (node, 0, per_axis (node, 2, onnx_input_shape (node, 0), 1));
  SfValue w = onnx_centred (node, 3, per_axis (node, 5, w_shape, 0));
  SfValue sum = convolved (node, x, w, &window);
  SfShape shape = onnx_shape (node, sum);
  if (onnx_has_input (node, 8))
    sum = onnx_2 (node, "add", sum, per_axis (node, 8, shape, 1));
  SfValue scale = onnx_2 (node, "mul", per_axis (node, 1, shape, 1), per_axis (node, 4, shape, 1));
  scale = onnx_2 (node, "div", scale, per_axis (node, 6, shape, 1));
  SfValue y = onnx_2 (node, "mul", onnx_cast (node, sum, SF_F32), scale);
  onnx_set (node, 0,
            onnx_saturated (node, y, per_axis (node, 7, shape, 1), onnx_input_dtype (node, 7)));
}
