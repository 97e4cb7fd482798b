/* SPDX-License-Identifier: Apache-2.0 */
/* Col2Im: columns of blocks summed into an image. One axis after the other, since the position of
 * an element along an axis depends on that axis' block and window alone; two axes are `fold`. */
#include "plugins/frontends/onnx/pad.h"

enum
{
  MAX_SPATIAL = 3, /* the columns split into 2 + 2 n dimensions, of SF_MAX_RANK */
  MAX_PARTS = 4096,
};

typedef struct
{
  size_t n;
  int64_t image[MAX_SPATIAL], block[MAX_SPATIAL], windows[MAX_SPATIAL];
  int64_t stride[MAX_SPATIAL], dilation[MAX_SPATIAL], low[MAX_SPATIAL], high[MAX_SPATIAL];
} Col2Im;

/* Entry i of a list of numbers from `least` on; the default where there is no list. */
static int64_t
entry (OnnxNode *node, OnnxInts list, const char *what, size_t i, size_t n, int64_t least,
       int64_t def)
{
  if (list.n == 0)
    return def;
  if (list.n == n && list.at[i] >= least && list.at[i] <= INT32_MAX)
    return list.at[i];
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "%s: %zu entries, entry %zu of which is %" G_GINT64_FORMAT
               ", wanted %zu from %" G_GINT64_FORMAT " on",
               what, list.n, i, i < list.n ? list.at[i] : 0, n, least);
  return def;
}

static bool
read_windows (OnnxNode *node, Col2Im *c)
{
  OnnxInts image = onnx_known_ints (node, 1), block = onnx_known_ints (node, 2);
  OnnxInts strides = onnx_ints (node, "strides"), dilations = onnx_ints (node, "dilations");
  OnnxInts pads = onnx_ints (node, "pads");
  c->n = image.n;
  if (!onnx_failed (node) && (c->n < 1 || c->n > MAX_SPATIAL || block.n != c->n))
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "image of %zu dimensions and block of %zu, wanted 1 to %d of both", c->n, block.n,
                 MAX_SPATIAL);
  for (size_t i = 0; i < c->n && !onnx_failed (node); i++)
    {
      c->image[i] = entry (node, image, "image_shape", i, c->n, 1, 1);
      c->block[i] = entry (node, block, "block_shape", i, c->n, 1, 1);
      c->stride[i] = entry (node, strides, "strides", i, c->n, 1, 1);
      c->dilation[i] = entry (node, dilations, "dilations", i, c->n, 1, 1);
      c->low[i] = entry (node, pads, "pads", i, 2 * c->n, 0, 0);
      c->high[i] = entry (node, pads, "pads", c->n + i, 2 * c->n, 0, 0);
      int64_t room = c->image[i] + c->low[i] + c->high[i] - c->dilation[i] * (c->block[i] - 1) - 1;
      if (room < 0)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "image_shape: %" G_GINT64_FORMAT " along axis %zu, wanted room for a block",
                     c->image[i], i);
      c->windows[i] = room / c->stride[i] + 1;
    }
  return !onnx_failed (node);
}

static SfValue
fold_2d (OnnxNode *node, SfValue x, const Col2Im *c)
{
  const int64_t pads[] = { c->low[0], c->low[1], c->high[0], c->high[1] };
  const SfAttr attrs[] = {
    SF_ATTR_IS ("size", c->image, 2),         SF_ATTR_IS ("kernel", c->block, 2),
    SF_ATTR_IS ("strides", c->stride, 2),     SF_ATTR_IS ("pads", pads, 4),
    SF_ATTR_IS ("dilations", c->dilation, 2),
  };
  return onnx_node (node, "fold", &x, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* Elements along the axis `stride` apart in an axis of `size`, the first one at `at`; what falls
 * outside is lost. */
static SfValue
spread (OnnxNode *node, SfValue v, int axis, int64_t stride, int64_t at, int64_t size)
{
  SfShape shape = onnx_shape (node, v);
  if (onnx_failed (node))
    return SF_NONE;
  int64_t skipped = at < 0 ? (-at + stride - 1) / stride : 0;
  int64_t end = MIN (shape.dim[axis], at < size ? (size - 1 - at) / stride + 1 : 0);
  skipped = MIN (skipped, end);
  v = onnx_slice (node, v, axis, skipped, end, 1);
  int64_t n = end - skipped, first = at + skipped * stride;
  int64_t low[SF_MAX_RANK] = { 0 }, high[SF_MAX_RANK] = { 0 };
  if (stride > 1 && n > 0)
    {
      SfShape around = onnx_shape (node, v), wide = around;
      int64_t before = 1;
      for (int i = 0; i <= axis; i++)
        before *= around.dim[i];
      int64_t after = sf_shape_n_elems (&around) / MAX (before, 1);
      v = onnx_reshape (node, v, SF_SHAPE (before, 1, after));
      v = onnx_pad (node, v, low, (const int64_t[]){ 0, stride - 1, 0 }, 0);
      wide.dim[axis] = n * stride;
      v = onnx_slice (node, onnx_reshape (node, v, wide), axis, 0, (n - 1) * stride + 1, 1);
    }
  low[axis] = n > 0 ? first : 0;
  high[axis] = n > 0 ? size - 1 - (first + (n - 1) * stride) : size;
  return onnx_pad (node, v, low, high, 0);
}

/* Sums the blocks of spatial axis i. x is [.., blocks (i), rest of the blocks .., windows (i) ..];
 * the block dimension goes, the windows become the image. */
static SfValue
sum_axis (OnnxNode *node, SfValue x, const Col2Im *c, size_t i)
{
  int block_axis = 2, window_axis = (int) (2 + c->n); /* blocks 0 .. i-1 are gone already */
  SfShape shape = onnx_shape (node, x);
  SfValue sum = SF_NONE;
  for (int64_t k = 0; k < c->block[i] && !onnx_failed (node); k++)
    {
      SfShape without = sf_shape (block_axis, shape.dim);
      for (int d = block_axis + 1; d < shape.rank; d++)
        without.dim[without.rank++] = shape.dim[d];
      SfValue part = onnx_reshape (node, onnx_slice (node, x, block_axis, k, k + 1, 1), without);
      part = spread (node, part, window_axis - 1, c->stride[i], k * c->dilation[i] - c->low[i],
                     c->image[i]);
      sum = k ? onnx_2 (node, "add", sum, part) : part;
    }
  return sum;
}

void
onnx_lower_col2im (OnnxNode *node)
{
  Col2Im c = { 0 };
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  if (!read_windows (node, &c))
    return;
  int64_t blocks = 1, windows = 1, parts = 0;
  bool fits = shape.rank == 3;
  for (size_t i = 0; i < c.n && fits; i++)
    {
      fits = c.block[i] <= shape.dim[1] / blocks && c.windows[i] <= shape.dim[2] / windows;
      blocks *= fits ? c.block[i] : 1;
      windows *= fits ? c.windows[i] : 1;
      parts += c.block[i];
    }
  if (!fits || shape.dim[1] % blocks != 0 || windows != shape.dim[2])
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "input is not [N, C * product of block_shape, number of blocks]");
  SfShape out = SF_SHAPE (shape.dim[0], shape.dim[1] / blocks), split = out;
  for (size_t i = 0; i < c.n; i++)
    out.dim[out.rank++] = c.image[i];
  if (c.n == 2)
    return onnx_set (node, 0, fold_2d (node, x, &c));
  if (parts > MAX_PARTS)
    return onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                        "blocks of %" G_GINT64_FORMAT
                        " elements, wanted at most %d beside images of two dimensions",
                        parts, MAX_PARTS);
  for (size_t i = 0; i < c.n; i++)
    {
      split.dim[split.rank++] = c.block[i];
      split.dim[2 + c.n + i] = c.windows[i];
    }
  split.rank = (int) (2 + 2 * c.n);
  SfValue v = onnx_reshape (node, x, split);
  for (size_t i = 0; i < c.n; i++)
    v = sum_axis (node, v, &c, i);
  onnx_set (node, 0, onnx_reshape (node, v, out));
}
