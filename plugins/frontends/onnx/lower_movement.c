/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that move elements: transpose, cut, join, repeat, rearrange blocks. */
#include "plugins/frontends/onnx/pad.h"
#include "plugins/frontends/onnx/take.h"

enum
{
  MAX_BLOCK = 1024, /* of images rearranged in blocks */
};

static void
lower_transpose (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  OnnxInts perm = onnx_ints (node, "perm");
  int64_t reversed[SF_MAX_RANK];
  for (int i = 0; i < shape.rank; i++)
    reversed[i] = shape.rank - 1 - i;
  if (perm.n && perm.n != (size_t) shape.rank)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "perm: %zu entries, wanted %d, one per dimension",
                 perm.n, shape.rank);
  onnx_set (node, 0, onnx_transpose (node, x, perm.n ? perm.at : reversed));
}

/* ---- Slice ---- */

/* numpy's x[start:end:step] along one axis. */
static SfValue
slice_axis (OnnxNode *node, SfValue v, int64_t axis, int64_t start, int64_t end, int64_t step)
{
  SfShape shape = onnx_shape (node, v);
  axis = onnx_axis (node, axis, shape.rank);
  if (onnx_failed (node))
    return SF_NONE;
  if (step == 0)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "step 0 along axis %d, wanted another number",
                   (int) axis);
      return SF_NONE;
    }
  int64_t dim = shape.dim[axis], most = MAX (dim, 1);
  step = CLAMP (step, -most, most);
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
  start = CLAMP (start < 0 ? start + dim : start, low, high);
  end = CLAMP (end < 0 ? end + dim : end, low, high);
  if (step > 0)
    return onnx_slice (node, v, axis, start, MAX (start, end), step);
  if (start <= end)
    return onnx_slice (node, v, axis, 0, 0, 1);
  int64_t last = start - (start - end - 1) / -step * -step;
  return onnx_reverse (node, onnx_slice (node, v, axis, last, start + 1, -step), axis);
}

static void
slice_all (OnnxNode *node, OnnxInts starts, OnnxInts ends, OnnxInts axes, OnnxInts steps)
{
  SfValue v = onnx_input (node, 0);
  if (ends.n != starts.n || (axes.n && axes.n != starts.n) || (steps.n && steps.n != starts.n))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "%zu starts, %zu ends, %zu axes, %zu steps, wanted as many of each", starts.n,
                 ends.n, axes.n, steps.n);
  for (size_t i = 0; i < starts.n && !onnx_failed (node); i++)
    v = slice_axis (node, v, axes.n ? axes.at[i] : (int64_t) i, starts.at[i], ends.at[i],
                    steps.n ? steps.at[i] : 1);
  onnx_set (node, 0, v);
}

static void
lower_slice_1 (OnnxNode *node)
{
  onnx_want_attr (node, "starts");
  onnx_want_attr (node, "ends");
  slice_all (node, onnx_ints (node, "starts"), onnx_ints (node, "ends"), onnx_ints (node, "axes"),
             (OnnxInts){ 0 });
}

static OnnxInts
known_ints_or_none (OnnxNode *node, size_t index)
{
  return onnx_has_input (node, index) ? onnx_known_ints (node, index) : (OnnxInts){ 0 };
}

static void
lower_slice_10 (OnnxNode *node)
{
  slice_all (node, onnx_known_ints (node, 1), onnx_known_ints (node, 2),
             known_ints_or_none (node, 3), known_ints_or_none (node, 4));
}

/* ---- Split, Concat, Tile ---- */

/* Outputs along the axis: sizes where given, otherwise pieces of `each`, the last one smaller. */
static void
split_into (OnnxNode *node, OnnxInts sizes, bool uneven)
{
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", 0), shape.rank);
  if (onnx_failed (node))
    return;
  int64_t dim = shape.dim[axis], n = (int64_t) onnx_n_outputs (node), at = 0;
  int64_t each = (dim + n - 1) / MAX (n, 1);
  if (sizes.n ? sizes.n != (size_t) n : !uneven && dim % MAX (n, 1) != 0)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "%" G_GINT64_FORMAT " elements along axis %d and %zu sizes for %d outputs, "
                        "wanted a size for each or equal parts",
                        dim, (int) axis, sizes.n, (int) n);
  for (int64_t i = 0; i < n; i++)
    {
      int64_t size = sizes.n ? sizes.at[i] : MIN (each, dim - at);
      if (size < 0 || size > dim - at || (sizes.n && i == n - 1 && size != dim - at))
        return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                            "the sizes of the parts do not add up to the %" G_GINT64_FORMAT
                            " elements along axis %d",
                            dim, (int) axis);
      if (onnx_wants_output (node, (size_t) i))
        onnx_set (node, (size_t) i, onnx_slice (node, x, axis, at, at + size, 1));
      at += size;
    }
}

static void
lower_split_2 (OnnxNode *node)
{
  split_into (node, onnx_ints (node, "split"), false);
}

static void
lower_split_13 (OnnxNode *node)
{
  split_into (node, known_ints_or_none (node, 1), false);
}

static void
lower_split_18 (OnnxNode *node)
{
  int64_t n = onnx_int (node, "num_outputs", (int64_t) onnx_n_outputs (node));
  if (n != (int64_t) onnx_n_outputs (node))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "num_outputs %" G_GINT64_FORMAT " of %zu outputs", n,
                 onnx_n_outputs (node));
  split_into (node, known_ints_or_none (node, 1), true);
}

static void
lower_concat (OnnxNode *node)
{
  size_t n = onnx_n_inputs (node), n_parts = 0;
  g_autofree SfValue *parts = g_new (SfValue, MAX (n, 1));
  onnx_want_attr (node, "axis");
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", 0), onnx_input_shape (node, 0).rank);
  for (size_t i = 0; i < n && !onnx_failed (node); i++)
    {
      SfShape shape = onnx_input_shape (node, i);
      bool is_last = i + 1 == n && n_parts == 0;
      if (is_last || axis >= shape.rank || shape.dim[axis] != 0) /* nothing adds nothing */
        parts[n_parts++] = onnx_input (node, i);
    }
  onnx_set (node, 0, onnx_concat (node, parts, n_parts, axis));
}

static void
lower_tile (OnnxNode *node)
{
  SfValue v = onnx_input (node, 0);
  OnnxInts repeats = onnx_known_ints (node, 1);
  int rank = onnx_shape (node, v).rank;
  if (!onnx_failed (node) && repeats.n != (size_t) rank)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu repeats, wanted %d, one per dimension",
                 repeats.n, rank);
  for (int i = 0; i < rank && !onnx_failed (node); i++)
    v = onnx_repeat (node, v, i, repeats.at[i], false);
  onnx_set (node, 0, v);
}

/* ---- blocks between depth and space ---- */

static bool
blocks_begin (OnnxNode *node, SfValue *x, SfShape *shape, int64_t *block)
{
  onnx_want_attr (node, "blocksize");
  *x = onnx_input (node, 0);
  *shape = onnx_shape (node, *x);
  *block = onnx_int (node, "blocksize", 1);
  if (onnx_failed (node))
    return false;
  if (shape->rank == 4 && *block >= 1 && *block <= MAX_BLOCK)
    return true;
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "blocksize %" G_GINT64_FORMAT " of an input of rank %d, wanted 1 to %d and rank 4, "
               "[N,C,H,W]",
               *block, shape->rank, MAX_BLOCK);
  return false;
}

static void
lower_depth_to_space (OnnxNode *node)
{
  SfValue x;
  SfShape s;
  int64_t b;
  const char *mode = onnx_string (node, "mode", "DCR");
  if (!blocks_begin (node, &x, &s, &b))
    return;
  bool crd = g_str_equal (mode, "CRD");
  if ((!crd && !g_str_equal (mode, "DCR")) || s.dim[1] % (b * b) != 0)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "mode %s with %" G_GINT64_FORMAT " channels, wanted DCR or CRD and a "
                        "multiple of the square of blocksize %" G_GINT64_FORMAT,
                        mode, s.dim[1], b);
  int64_t c = s.dim[1] / (b * b);
  SfShape split = crd ? SF_SHAPE (s.dim[0], c, b, b, s.dim[2], s.dim[3])
                      : SF_SHAPE (s.dim[0], b, b, c, s.dim[2], s.dim[3]);
  const int64_t from_crd[] = { 0, 1, 4, 2, 5, 3 }, from_dcr[] = { 0, 3, 4, 1, 5, 2 };
  SfValue y = onnx_transpose (node, onnx_reshape (node, x, split), crd ? from_crd : from_dcr);
  onnx_set (node, 0, onnx_reshape (node, y, SF_SHAPE (s.dim[0], c, s.dim[2] * b, s.dim[3] * b)));
}

static void
lower_space_to_depth (OnnxNode *node)
{
  SfValue x;
  SfShape s;
  int64_t b;
  if (!blocks_begin (node, &x, &s, &b))
    return;
  if (s.dim[2] % b != 0 || s.dim[3] % b != 0)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "image of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
                        ", wanted multiples of blocksize %" G_GINT64_FORMAT,
                        s.dim[2], s.dim[3], b);
  int64_t h = s.dim[2] / b, w = s.dim[3] / b;
  SfValue split = onnx_reshape (node, x, SF_SHAPE (s.dim[0], s.dim[1], h, b, w, b));
  SfValue y = onnx_transpose (node, split, (const int64_t[]){ 0, 3, 5, 1, 2, 4 });
  onnx_set (node, 0, onnx_reshape (node, y, SF_SHAPE (s.dim[0], s.dim[1] * b * b, h, w)));
}

/* ---- CenterCropPad ---- */

static SfValue
center (OnnxNode *node, SfValue v, int64_t axis, int64_t size)
{
  SfShape shape = onnx_shape (node, v);
  axis = onnx_axis (node, axis, shape.rank);
  if (onnx_failed (node))
    return SF_NONE;
  int64_t dim = shape.dim[axis];
  if (size < 0)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "size %" G_GINT64_FORMAT " of axis %d, wanted at least 0", size, (int) axis);
      return SF_NONE;
    }
  if (size <= dim)
    return onnx_slice (node, v, axis, (dim - size) / 2, (dim - size) / 2 + size, 1);
  int64_t low[SF_MAX_RANK] = { 0 }, high[SF_MAX_RANK] = { 0 };
  low[axis] = (size - dim) / 2;
  high[axis] = size - dim - low[axis];
  return onnx_pad (node, v, low, high, 0);
}

static void
lower_center_crop_pad (OnnxNode *node)
{
  SfValue v = onnx_input (node, 0);
  OnnxInts sizes = onnx_known_ints (node, 1), axes = onnx_ints (node, "axes");
  size_t n = axes.n ? axes.n : (size_t) onnx_shape (node, v).rank;
  if (!onnx_failed (node) && sizes.n != n)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu sizes for %zu axes", sizes.n, n);
  for (size_t i = 0; i < n && !onnx_failed (node); i++)
    v = center (node, v, axes.n ? axes.at[i] : (int64_t) i, sizes.at[i]);
  onnx_set (node, 0, v);
}

const OnnxRow onnx_rows_movement[] = {
  { "Transpose", 1, lower_transpose },
  { "Slice", 1, lower_slice_1 },
  { "Slice", 10, lower_slice_10, 0, "starts, ends, axes and steps known at import" },
  { "Split", 2, lower_split_2 },
  { "Split", 13, lower_split_13, 0, "split known at import" },
  { "Split", 18, lower_split_18, 0, "split known at import" },
  { "Concat", 4, lower_concat },
  { "Pad", 2, onnx_lower_pad_2 },
  { "Pad", 11, onnx_lower_pad_11, 0, "pads known at import" },
  { "Pad", 18, onnx_lower_pad_18, 0, "pads and axes known at import" },
  { "Pad", 19, onnx_lower_pad_19, 0, "pads and axes known at import" },
  { "Tile", 6, lower_tile, 0, "repeats known at import" },
  { "DepthToSpace", 1, lower_depth_to_space, 0, "images of rank 4" },
  { "SpaceToDepth", 1, lower_space_to_depth, 0, "images of rank 4" },
  { "CenterCropPad", 18, lower_center_crop_pad, 0, "shape known at import" },
  { "Col2Im", 18, onnx_lower_col2im, 0, "image_shape and block_shape known at import" },
  { 0 },
};
