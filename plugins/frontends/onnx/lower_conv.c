/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions: Conv, ConvTranspose, DeformConv. */
#include "window.h"

/* ---- Conv ---- */

static void
lower_conv (OnnxNode *node)
{
  SfShape x = onnx_input_shape (node, 0), w = onnx_input_shape (node, 1);
  int64_t groups = onnx_int (node, "group", 1);
  OnnxWindow window;
  if (!onnx_failed (node) && x.rank != w.rank)
    {
      g_autofree char *x_text = sf_shape_text (&x);
      g_autofree char *w_text = sf_shape_text (&w);
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "weight W has shape %s, wanted the rank of X %s",
                   w_text, x_text);
    }
  if (!onnx_window_read (node, x, &w.dim[2], &window) || !onnx_window_slide (node, false, &window))
    return;
  onnx_set (node, 0,
            onnx_window_conv (node, onnx_input (node, 0), onnx_input (node, 1),
                              onnx_input_or_none (node, 2), groups, &window));
}

/* ---- ConvTranspose ---- */

/* What is left of the full product: `in` counts the windows, `out` is the image that they cover,
 * `extra` zeros follow it. */
typedef struct
{
  OnnxWindow window;
  int64_t extra[ONNX_SPATIAL];
  int64_t groups, channels;
} Transposed;

/* Pads from output_shape: what the full product has too much, and what it lacks at the end. */
static void
pads_for_size (OnnxWindow *w, int d, int64_t size, int64_t full, int64_t *extra)
{
  int64_t total = full + *extra - size;
  int64_t less = MAX (total, 0) / 2, more = MAX (total, 0) - less;
  bool upper = w->same && !w->lower;
  w->low[d] = upper ? less : more;
  w->high[d] = upper ? more : less;
  *extra = MAX (*extra, *extra - total);
}

static bool
read_sizes (OnnxNode *node, Transposed *t)
{
  OnnxWindow *w = &t->window;
  int64_t sizes[ONNX_SPATIAL];
  bool sized = onnx_has_attr (node, "output_shape");
  if (!onnx_window_list (node, "output_padding", 0, 0, w, t->extra)
      || !onnx_window_list (node, "output_shape", 1, 0, w, sizes))
    return false;
  for (int d = ONNX_SPATIAL - w->n; d < ONNX_SPATIAL; d++)
    {
      int64_t full = w->strides[d] * (w->in[d] - 1) + onnx_window_reach (w, d);
      if (sized)
        pads_for_size (w, d, sizes[d], full, &t->extra[d]);
      else if (w->same)
        pads_for_size (w, d, w->strides[d] * w->in[d], full, &t->extra[d]);
      /* What a stride leaves uncovered belongs to the product; the rest is beyond all windows. */
      int64_t inner = t->extra[d] < w->strides[d] ? t->extra[d] : 0;
      t->extra[d] -= inner;
      w->out[d] = full + inner - w->low[d] - w->high[d];
      if (w->out[d] < 1)
        {
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "pads %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
                       " leave nothing of spatial dimension %d, which has %" G_GINT64_FORMAT
                       " elements",
                       w->low[d], w->high[d], d - (ONNX_SPATIAL - w->n), full);
          return false;
        }
    }
  return onnx_window_check (node, w, w->channels, w->in)
         && onnx_window_check (node, w, t->channels, w->in);
}

static bool
read_transposed (OnnxNode *node, Transposed *t)
{
  SfShape x = onnx_input_shape (node, 0), w = onnx_input_shape (node, 1);
  *t = (Transposed){ .groups = onnx_int (node, "group", 1) };
  if (onnx_failed (node))
    return false;
  if (x.rank != w.rank || x.rank < 3 || w.dim[0] != x.dim[1] || t->groups < 1
      || t->groups > x.dim[1] || w.dim[1] > INT32_MAX)
    {
      g_autofree char *x_text = sf_shape_text (&x);
      g_autofree char *w_text = sf_shape_text (&w);
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "weight W has shape %s and group is %" G_GINT64_FORMAT
                   ", wanted W [C,M/group,...] for X %s",
                   w_text, t->groups, x_text);
      return false;
    }
  t->channels = w.dim[1] * t->groups;
  if (!onnx_window_read (node, x, &w.dim[2], &t->window))
    return false;
  for (int d = 0; d < ONNX_SPATIAL; d++)
    t->window.out[d] = 1;
  return read_sizes (node, t);
}

/* [N,C,D,H,W] as [N D, C, H, W]. */
static SfValue
depth_as_images (OnnxNode *node, SfValue x, const OnnxWindow *w)
{
  static const int64_t depth_outside[] = { 0, 2, 1, 3, 4 };
  if (w->in[0] != 1)
    {
      SfShape five = SF_SHAPE (w->images, w->channels, w->in[0], w->in[1], w->in[2]);
      x = onnx_transpose (node, onnx_reshape (node, x, five), depth_outside);
    }
  return onnx_reshape (node, x, SF_SHAPE (w->images * w->in[0], w->channels, w->in[1], w->in[2]));
}

/* The product by slices of depth, each with KD times the channels, then the sum along depth. */
static SfValue
transposed (OnnxNode *node, const Transposed *t)
{
  const OnnxWindow *w = &t->window;
  const int64_t pads[] = { w->low[1], w->low[2], w->high[1], w->high[2] };
  const SfAttr attrs[] = { SF_ATTR_IS ("size", w->out + 1, 2),
                           SF_ATTR_IS ("strides", w->strides + 1, 2), SF_ATTR_IS ("pads", pads, 4),
                           SF_ATTR_IS ("dilations", w->dilations + 1, 2),
                           SF_ATTR_I ("groups", t->groups) };
  SfValue x = depth_as_images (node, onnx_input (node, 0), w);
  SfValue weight = onnx_reshape (
      node, onnx_input (node, 1),
      SF_SHAPE (w->channels, t->channels / t->groups * w->kernel[0], w->kernel[1], w->kernel[2]));
  SfValue y = onnx_node (node, "conv2d_dx", (SfValue[]){ x, weight }, 2, attrs,
                         G_N_ELEMENTS (attrs), NULL);
  if (w->in[0] != 1 || !onnx_window_is_trivial (w, 0))
    y = onnx_window_depth_fold (node, y, w, t->channels);
  return onnx_reshape (node, y, onnx_window_result (w, t->channels));
}

static void
lower_conv_transpose (OnnxNode *node)
{
  Transposed t;
  if (!read_transposed (node, &t))
    return;
  SfValue y = transposed (node, &t);
  int first = ONNX_SPATIAL - t.window.n;
  int64_t low[SF_MAX_RANK] = { 0 }, high[SF_MAX_RANK] = { 0 };
  for (int d = first; d < ONNX_SPATIAL; d++)
    high[2 + d - first] = t.extra[d];
  y = onnx_pad (node, y, low, high, 0);
  if (onnx_has_input (node, 2))
    {
      SfShape per_channel = onnx_shape (node, y);
      for (int d = 0; d < per_channel.rank; d++)
        per_channel.dim[d] = d == 1 ? t.channels : 1;
      y = onnx_2 (node, "add", y, onnx_reshape (node, onnx_input (node, 2), per_channel));
    }
  onnx_set (node, 0, y);
}

/* ---- DeformConv ---- */

/* Where each element of each window looks: [N, offset groups, KH KW, OH, OW] throughout. */
typedef struct
{
  OnnxWindow window;
  int64_t groups, offset_groups;
  SfShape shape;
} Deform;

/* Places along dimension d (0: height, 1: width): what a plain convolution would look at, moved by
 * the offsets. */
static SfValue
deformed_places (OnnxNode *node, const Deform *t, SfValue offsets, int d)
{
  const OnnxWindow *w = &t->window;
  int at = d + 1;
  SfShape kernel = SF_SHAPE (1, 1, w->kernel[1], w->kernel[2], 1, 1);
  SfShape windows = SF_SHAPE (1, 1, 1, w->out[1], w->out[2]);
  SfDtype dtype = onnx_dtype (node, offsets);
  SfValue element = onnx_cast (node, onnx_iota (node, kernel, 2 + d, SF_I32), dtype);
  SfValue window = onnx_cast (node, onnx_iota (node, windows, 3 + d, SF_I32), dtype);
  element = onnx_reshape (node, onnx_2f (node, "mul", element, (double) w->dilations[at]),
                          SF_SHAPE (1, 1, w->kernel[1] * w->kernel[2], 1, 1));
  window = onnx_2f (node, "mul", window, (double) w->strides[at]);
  window = onnx_2f (node, "sub", window, (double) w->low[at]);
  SfValue moved = onnx_slice (node, offsets, 3, d, d + 1, 1);
  moved = onnx_reshape (node, moved, t->shape);
  return onnx_2 (node, "add", onnx_2 (node, "add", element, window), moved);
}

/* One of the two neighbours of a place: its index, inside, and its weight, 0 outside. */
static void
neighbour (OnnxNode *node, SfValue place, int64_t size, bool after, SfValue *index, SfValue *weight)
{
  SfValue before = onnx_1 (node, "floor", place), share = onnx_2 (node, "sub", place, before);
  SfValue at = after ? onnx_2f (node, "add", before, 1) : before;
  if (!after)
    share = onnx_2f (node, "add", onnx_1 (node, "neg", share), 1);
  SfValue inside = onnx_2 (node, "and", onnx_2f (node, "ge", at, 0),
                           onnx_2f (node, "le", at, (double) (size - 1)));
  *weight = onnx_select (node, inside, share, onnx_scalar (node, onnx_dtype (node, share), 0));
  at = onnx_2f (node, "min", onnx_2f (node, "max", at, 0), (double) (size - 1));
  *index = onnx_cast (node, at, SF_I32);
}

/* x by place: [N offset_groups H W, C / offset_groups]. */
static SfValue
rows_of_places (OnnxNode *node, const Deform *t, SfValue x)
{
  static const int64_t channels_last[] = { 0, 1, 3, 2 };
  const OnnxWindow *w = &t->window;
  int64_t each = w->channels / t->offset_groups, image = w->in[1] * w->in[2];
  x = onnx_reshape (node, x, SF_SHAPE (w->images, t->offset_groups, each, image));
  x = onnx_transpose (node, x, channels_last);
  return onnx_reshape (node, x, SF_SHAPE (w->images * t->offset_groups * image, each));
}

/* What the windows see, interpolated between the four neighbours of each place:
 * [N, offset_groups, KH KW, OH, OW, C / offset_groups]. */
static SfValue
sampled (OnnxNode *node, const Deform *t, SfValue offsets, SfValue mask)
{
  const OnnxWindow *w = &t->window;
  SfValue rows = rows_of_places (node, t, onnx_input (node, 0)), sum = SF_NONE;
  SfValue y = deformed_places (node, t, offsets, 0), x = deformed_places (node, t, offsets, 1);
  int64_t images = w->images * t->offset_groups;
  SfValue first = onnx_iota (node, SF_SHAPE (images), 0, SF_I32);
  first = onnx_reshape (node, onnx_2f (node, "mul", first, (double) (w->in[1] * w->in[2])),
                        SF_SHAPE (w->images, t->offset_groups, 1, 1, 1));
  SfShape column = t->shape;
  column.dim[column.rank++] = 1;
  for (int corner = 0; corner < 4; corner++)
    {
      SfValue row, col, y_share, x_share;
      neighbour (node, y, w->in[1], corner / 2, &row, &y_share);
      neighbour (node, x, w->in[2], corner % 2, &col, &x_share);
      SfValue index = onnx_2 (node, "add", onnx_2f (node, "mul", row, (double) w->in[2]), col);
      SfValue seen = onnx_gather (node, rows, onnx_2 (node, "add", index, first), 0);
      SfValue share = onnx_2 (node, "mul", y_share, x_share);
      if (mask != SF_NONE)
        share = onnx_2 (node, "mul", share, onnx_reshape (node, mask, t->shape));
      seen = onnx_2 (node, "mul", seen, onnx_reshape (node, share, column));
      sum = sum == SF_NONE ? seen : onnx_2 (node, "add", sum, seen);
    }
  return sum;
}

static bool
read_deform (OnnxNode *node, Deform *t)
{
  SfShape x = onnx_input_shape (node, 0), w = onnx_input_shape (node, 1);
  *t = (Deform){ .groups = onnx_int (node, "group", 1),
                 .offset_groups = onnx_int (node, "offset_group", 1) };
  if (onnx_failed (node))
    return false;
  if (x.rank != 4 || w.rank != 4 || t->groups < 1 || t->offset_groups < 1
      || x.dim[1] % t->offset_groups != 0 || x.dim[1] % t->groups != 0 || w.dim[0] % t->groups != 0
      || w.dim[1] != x.dim[1] / t->groups || sf_shape_n_elems (&x) > INT32_MAX)
    {
      g_autofree char *x_text = sf_shape_text (&x);
      g_autofree char *w_text = sf_shape_text (&w);
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "X has shape %s, W %s, group is %" G_GINT64_FORMAT
                   " and offset_group %" G_GINT64_FORMAT
                   ", wanted X [N,C,H,W] of less than 2^31 elements, W [O,C/group,KH,KW] and "
                   "divisors of C",
                   x_text, w_text, t->groups, t->offset_groups);
      return false;
    }
  if (!onnx_window_read (node, x, &w.dim[2], &t->window)
      || !onnx_window_slide (node, false, &t->window))
    return false;
  t->shape = SF_SHAPE (x.dim[0], t->offset_groups, w.dim[2] * w.dim[3], t->window.out[1],
                       t->window.out[2]);
  return true;
}

static void
lower_deform_conv (OnnxNode *node)
{
  static const int64_t windows_last[] = { 0, 1, 4, 2, 3 };
  Deform t;
  if (!read_deform (node, &t))
    return;
  const OnnxWindow *w = &t.window;
  int64_t k = t.shape.dim[2], windows = w->out[1] * w->out[2], each = w->channels / t.groups;
  SfShape offsets = SF_SHAPE (w->images, t.offset_groups, k, 2, windows);
  SfValue weight = onnx_input (node, 1), b = onnx_input_or_none (node, 3);
  int64_t filters = onnx_shape (node, weight).dim[0];
  SfValue y = sampled (node, &t, onnx_reshape (node, onnx_input (node, 2), offsets),
                       onnx_input_or_none (node, 4));
  y = onnx_reshape (
      node, y, SF_SHAPE (w->images, t.offset_groups, k, windows, w->channels / t.offset_groups));
  y = onnx_transpose (node, y, windows_last);
  y = onnx_reshape (node, y, SF_SHAPE (w->images, t.groups, each * k, windows));
  weight = onnx_reshape (node, weight, SF_SHAPE (t.groups, filters / t.groups, each * k));
  y = onnx_matmul (node, weight, y, false, false);
  y = onnx_reshape (node, y, SF_SHAPE (w->images, filters, w->out[1], w->out[2]));
  if (b != SF_NONE)
    y = onnx_2 (node, "add", y, onnx_reshape (node, b, SF_SHAPE (filters, 1, 1)));
  onnx_set (node, 0, y);
}

const OnnxRow onnx_rows_conv[] = {
  { "Conv", 1, lower_conv, 0, "1 to 3 spatial dimensions, pads of 0 and more", NULL },
  { "ConvTranspose", 1, lower_conv_transpose, 0, "1 to 3 spatial dimensions, pads of 0 and more",
    NULL },
  { "DeformConv", 19, lower_deform_conv, 0, "two spatial dimensions", NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
