/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of unfold and fold: windows as slices, one dimension of the image after the
 * other. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* Index 0 is the vertical dimension, 1 the horizontal. */
typedef struct
{
  int64_t n, c;
  int64_t kernel[2], strides[2], dilations[2], pads[4];
  int64_t padded[2], out[2];
} Windows;

static void
copy_ints (const SfDecompose *d, const char *name, int64_t *to, size_t n_wanted)
{
  size_t n;
  const int64_t *from = sf_node_attr_ints (d->from, d->node, name, &n);
  memcpy (to, from, n_wanted * sizeof *to);
}

/* `image`: shape [N, C, H, W]. */
static Windows
windows (const SfDecompose *d, SfShape image)
{
  Windows w = { .n = image.dim[0], .c = image.dim[1] };
  copy_ints (d, "kernel", w.kernel, 2);
  copy_ints (d, "strides", w.strides, 2);
  copy_ints (d, "dilations", w.dilations, 2);
  copy_ints (d, "pads", w.pads, 4);
  for (int i = 0; i < 2; i++)
    {
      w.padded[i] = image.dim[2 + i] + w.pads[i] + w.pads[2 + i];
      w.out[i] = (w.padded[i] - w.dilations[i] * (w.kernel[i] - 1) - 1) / w.strides[i] + 1;
    }
  return w;
}

/* Elements between the first and the last window's, both included. */
static int64_t
reach (const Windows *w, int i)
{
  return (w->out[i] - 1) * w->strides[i] + 1;
}

/* Element `k` of every window along dimension `axis` of the padded v. */
static SfValue
taken (SfExpr *e, SfValue v, const Windows *w, int i, int axis, int64_t k)
{
  SfShape shape = sf_expr_shape (e, v);
  int64_t starts[SF_MAX_RANK] = { 0 }, steps[SF_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
  starts[axis] = k * w->dilations[i];
  shape.dim[axis] = starts[axis] + reach (w, i);
  steps[axis] = w->strides[i];
  size_t rank = (size_t) shape.rank;
  SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, rank), SF_ATTR_IS ("ends", shape.dim, rank),
                     SF_ATTR_IS ("steps", steps, rank) };
  return sf_expr_op (e, "slice", &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* v [.., image dimension at `axis`, ..] as [.., kernel, windows, ..]. */
static SfValue
spread (SfExpr *e, SfValue v, const Windows *w, int i, int axis)
{
  size_t n = (size_t) w->kernel[i];
  g_autofree SfValue *parts = g_new (SfValue, n);
  SfShape shape = sf_expr_shape (e, v), part = { .rank = shape.rank + 1 };
  for (int d = 0; d < part.rank; d++)
    part.dim[d] = d < axis ? shape.dim[d] : d == axis ? 1 : shape.dim[d - 1];
  part.dim[axis + 1] = w->out[i];
  for (size_t k = 0; k < n; k++)
    parts[k] = sf_expr_reshape (e, taken (e, v, w, i, axis, (int64_t) k), part);
  return sf_expr_concat (e, parts, n, axis);
}

SF_DECOMPOSE_RULE (unfold)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue v = decompose->inputs[0];
  Windows w = windows (decompose, sf_expr_shape (&e, v));
  double value = sf_node_attr_float (decompose->from, decompose->node, "value");
  if (w.pads[0] + w.pads[1] + w.pads[2] + w.pads[3] > 0)
    v = sf_expr_pad (&e, v, (int64_t[]){ 0, 0, w.pads[0], w.pads[1] },
                     (int64_t[]){ 0, 0, w.pads[2], w.pads[3] }, value);
  v = spread (&e, v, &w, 0, 2); /* [N, C, KH, OH, W] */
  v = spread (&e, v, &w, 1, 4); /* [N, C, KH, OH, KW, OW] */
  SfAxes order = { .n = 6, .at = { 0, 1, 2, 4, 3, 5 } };
  if (w.kernel[1] > 1 && w.out[0] > 1)
    v = sf_expr_transpose (&e, v, order);
  SfValue node_y = sf_node_output (decompose->from, decompose->node, 0);
  decompose->outputs[0] = sf_expr_reshape (&e, v, *sf_value_shape (decompose->from, node_y));
  return sf_expr_end (&e, error);
}

/* The adjoint of spread: v [.., kernel, windows, ..] as [.., image dimension, ..]. */
static SfValue
gathered (SfExpr *e, SfValue v, const Windows *w, int i, int axis)
{
  if (w->strides[i] > 1 && w->out[i] > 1)
    v = sf_expr_dilate (e, v, axis + 1, w->strides[i], reach (w, i));
  SfShape shape = sf_expr_shape (e, v), part = { .rank = shape.rank - 1 };
  for (int d = 0; d < part.rank; d++)
    part.dim[d] = shape.dim[d < axis ? d : d + 1];
  SfValue sum = SF_NONE;
  for (int64_t k = 0; k < w->kernel[i] && e->error == NULL; k++)
    {
      int64_t starts[SF_MAX_RANK] = { 0 }, low[SF_MAX_RANK] = { 0 }, high[SF_MAX_RANK] = { 0 };
      SfShape ends = shape;
      starts[axis] = k;
      ends.dim[axis] = k + 1;
      low[axis] = k * w->dilations[i];
      high[axis] = w->padded[i] - low[axis] - part.dim[axis];
      SfValue term = w->kernel[i] > 1 ? sf_expr_slice (e, v, starts, ends.dim) : v;
      term = sf_expr_reshape (e, term, part);
      if (low[axis] + high[axis] > 0)
        term = sf_expr_pad (e, term, low, high, 0);
      sum = sum == SF_NONE ? term : sf_expr_2 (e, "add", sum, term);
    }
  return sum;
}

SF_DECOMPOSE_RULE (fold)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue node_x = sf_node_output (decompose->from, decompose->node, 0);
  Windows w = windows (decompose, *sf_value_shape (decompose->from, node_x));
  SfValue v = decompose->inputs[0];
  if (sf_dtype_is_float (sf_expr_dtype (&e, v)))
    v = sf_expr_wide (&e, v);
  v = sf_expr_reshape (&e, v, SF_SHAPE (w.n, w.c, w.kernel[0], w.kernel[1], w.out[0], w.out[1]));
  SfAxes order = { .n = 6, .at = { 0, 1, 2, 4, 3, 5 } };
  if (w.kernel[1] > 1 && w.out[0] > 1)
    v = sf_expr_transpose (&e, v, order);
  v = sf_expr_reshape (&e, v, SF_SHAPE (w.n, w.c, w.kernel[0], w.out[0], w.kernel[1], w.out[1]));
  v = gathered (&e, v, &w, 1, 4); /* [N, C, KH, OH, W] */
  v = gathered (&e, v, &w, 0, 2); /* [N, C, H, W] */
  if (w.pads[0] + w.pads[1] + w.pads[2] + w.pads[3] > 0)
    v = sf_expr_slice (&e, v, (int64_t[]){ 0, 0, w.pads[0], w.pads[1] },
                       (int64_t[]){ w.n, w.c, w.padded[0] - w.pads[2], w.padded[1] - w.pads[3] });
  decompose->outputs[0] = v;
  return sf_expr_end (&e, error);
}
