/* SPDX-License-Identifier: Apache-2.0 */
/* Windows over images of one to three spatial dimensions. */
#include "window.h"

#define MAX_STEP ((int64_t) 1 << 30)

/* ---- reading ---- */

bool
onnx_window_list (OnnxNode *node, const char *name, int64_t def, int64_t least,
                  const OnnxWindow *window, int64_t *to)
{
  int first = ONNX_SPATIAL - window->n;
  OnnxInts list = onnx_ints (node, name);
  for (int d = 0; d < ONNX_SPATIAL; d++)
    to[d] = d < first ? least : def;
  if (list.n == 0)
    return !onnx_failed (node);
  if (list.n != (size_t) window->n)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "attribute %s has %zu entries, wanted one for each of %d spatial dimensions",
                   name, list.n, window->n);
      return false;
    }
  for (int d = 0; d < window->n; d++)
    {
      to[first + d] = list.at[d];
      if (list.at[d] < least || list.at[d] > MAX_STEP)
        {
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "attribute %s has entry %" G_GINT64_FORMAT ", wanted %" G_GINT64_FORMAT
                       " to 2^30",
                       name, list.at[d], least);
          return false;
        }
    }
  return true;
}

static bool
read_pads (OnnxNode *node, OnnxWindow *window)
{
  int n = window->n, first = ONNX_SPATIAL - n;
  OnnxInts pads = onnx_ints (node, "pads");
  if (pads.n != 0 && pads.n != 2 * (size_t) n)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "attribute pads has %zu entries, wanted two for each of %d spatial dimensions",
                   pads.n, n);
      return false;
    }
  for (size_t i = 0; i < pads.n && !window->fixed; i++)
    {
      int d = first + (int) i % n;
      if (pads.at[i] < 0 || pads.at[i] > MAX_STEP)
        {
          onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                       "attribute pads has entry %" G_GINT64_FORMAT
                       ", wanted 0 to 2^30; crop with Slice",
                       pads.at[i]);
          return false;
        }
      *(i < (size_t) n ? &window->low[d] : &window->high[d]) = pads.at[i];
    }
  return !onnx_failed (node);
}

static bool
read_auto_pad (OnnxNode *node, OnnxWindow *window)
{
  const char *mode = onnx_string (node, "auto_pad", "NOTSET");
  if (onnx_failed (node))
    return false;
  window->fixed = !g_str_equal (mode, "NOTSET") && *mode != '\0';
  window->lower = g_str_equal (mode, "SAME_LOWER");
  window->same = window->lower || g_str_equal (mode, "SAME_UPPER");
  if (!window->fixed || window->same || g_str_equal (mode, "VALID"))
    return true;
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "attribute auto_pad is %s, wanted NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode);
  return false;
}

static bool
read_kernel (OnnxNode *node, const int64_t *kernel, OnnxWindow *window)
{
  int first = ONNX_SPATIAL - window->n;
  if (kernel == NULL)
    onnx_want_attr (node, "kernel_shape");
  if (!onnx_window_list (node, "kernel_shape", 1, 1, window, window->kernel))
    return false;
  bool given = onnx_has_attr (node, "kernel_shape");
  for (int d = 0; kernel != NULL && d < window->n; d++)
    {
      if (given && window->kernel[first + d] != kernel[d])
        {
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "attribute kernel_shape has %" G_GINT64_FORMAT
                       " along spatial dimension %d, wanted the weight's %" G_GINT64_FORMAT,
                       window->kernel[first + d], d, kernel[d]);
          return false;
        }
      if (kernel[d] < 1 || kernel[d] > MAX_STEP)
        {
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "weight has size %" G_GINT64_FORMAT
                       " along spatial dimension %d, wanted 1 to 2^30",
                       kernel[d], d);
          return false;
        }
      window->kernel[first + d] = kernel[d];
    }
  return true;
}

bool
onnx_window_read (OnnxNode *node, SfShape x, const int64_t *kernel, OnnxWindow *window)
{
  *window = (OnnxWindow){ .n = x.rank - 2, .images = x.dim[0], .channels = x.dim[1] };
  if (onnx_failed (node))
    return false;
  if (window->n < 1 || window->n > ONNX_SPATIAL)
    {
      g_autofree char *text = sf_shape_text (&x);
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "input X has shape %s, wanted [N,C,...] with 1 to 3 spatial dimensions", text);
      return false;
    }
  for (int d = 0; d < ONNX_SPATIAL; d++)
    {
      int from = 2 + d - (ONNX_SPATIAL - window->n);
      window->in[d] = from < 2 ? 1 : x.dim[from];
      if (window->in[d] > MAX_STEP)
        {
          onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                       "input X has %" G_GINT64_FORMAT " elements along dimension %d, wanted at "
                       "most 2^30",
                       window->in[d], from);
          return false;
        }
    }
  return read_auto_pad (node, window) && read_kernel (node, kernel, window)
         && onnx_window_list (node, "strides", 1, 1, window, window->strides)
         && onnx_window_list (node, "dilations", 1, 1, window, window->dilations)
         && read_pads (node, window);
}

/* ---- sizes ---- */

int64_t
onnx_window_reach (const OnnxWindow *window, int d)
{
  return window->dilations[d] * (window->kernel[d] - 1) + 1;
}

int64_t
onnx_window_n_kernel (const OnnxWindow *window)
{
  return window->kernel[0] * window->kernel[1] * window->kernel[2];
}

int64_t
onnx_window_n_out (const OnnxWindow *window)
{
  return window->out[0] * window->out[1] * window->out[2];
}

bool
onnx_window_is_trivial (const OnnxWindow *window, int d)
{
  return window->kernel[d] == 1 && window->strides[d] == 1 && window->low[d] == 0
         && window->high[d] == 0;
}

/* As many windows as strides begin inside the image, the first and last hanging over evenly. */
static void
pad_same (OnnxWindow *window, int d)
{
  int64_t windows = (window->in[d] + window->strides[d] - 1) / window->strides[d];
  int64_t total = (windows - 1) * window->strides[d] + onnx_window_reach (window, d)
                  - window->in[d];
  total = MAX (total, 0);
  window->low[d] = window->lower ? total - total / 2 : total / 2;
  window->high[d] = total - window->low[d];
}

bool
onnx_window_check (OnnxNode *node, const OnnxWindow *window, int64_t channels,
                   const int64_t places[ONNX_SPATIAL])
{
  const int64_t *k = window->kernel;
  SfShape all = SF_SHAPE (window->images, channels, k[0], k[1], k[2], places[0], places[1],
                          places[2]);
  g_autoptr (GError) error = NULL;
  if (sf_shape_check (&all, "windows", &error))
    return true;
  onnx_refuse (node, SF_ERROR_UNSUPPORTED, "%s", error->message);
  return false;
}

bool
onnx_window_slide (OnnxNode *node, bool ceil_mode, OnnxWindow *window)
{
  for (int d = 0; d < ONNX_SPATIAL; d++)
    {
      if (window->same)
        pad_same (window, d);
      int64_t stride = window->strides[d], reach = onnx_window_reach (window, d);
      int64_t padded = window->in[d] + window->low[d] + window->high[d];
      if (reach > padded)
        {
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "window reaches over %" G_GINT64_FORMAT
                       " elements of spatial dimension %d, wanted at most the %" G_GINT64_FORMAT
                       " of the padded image",
                       reach, d - (ONNX_SPATIAL - window->n), padded);
          return false;
        }
      window->out[d] = (padded - reach + (ceil_mode ? stride - 1 : 0)) / stride + 1;
      if (ceil_mode && window->out[d] > 1
          && (window->out[d] - 1) * stride >= window->in[d] + window->low[d])
        window->out[d]--;
    }
  return onnx_window_check (node, window, window->channels, window->out);
}

SfShape
onnx_window_result (const OnnxWindow *window, int64_t channels)
{
  SfShape shape = SF_SHAPE (window->images, channels);
  for (int d = ONNX_SPATIAL - window->n; d < ONNX_SPATIAL; d++)
    shape.dim[shape.rank++] = window->out[d];
  return shape;
}

/* ---- depth ---- */

/* unfold or fold along the first of two spatial dimensions. */
static SfValue
along_depth (OnnxNode *node, const char *op, SfValue v, const OnnxWindow *window, SfAttr extra)
{
  const int64_t kernel[] = { window->kernel[0], 1 }, strides[] = { window->strides[0], 1 };
  const int64_t dilations[] = { window->dilations[0], 1 };
  const int64_t pads[] = { window->low[0], 0, window->high[0], 0 };
  const SfAttr attrs[] = { SF_ATTR_IS ("kernel", kernel, 2), SF_ATTR_IS ("strides", strides, 2),
                           SF_ATTR_IS ("pads", pads, 4), SF_ATTR_IS ("dilations", dilations, 2),
                           extra };
  return onnx_node (node, op, &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SfValue
onnx_window_depth_columns (OnnxNode *node, SfValue v, const OnnxWindow *window, double value)
{
  static const int64_t depth_outside[] = { 0, 2, 1, 3, 4 };
  int64_t n = window->images, h = window->in[1], w = window->in[2];
  int64_t channels = window->channels * window->kernel[0];
  if (!onnx_window_is_trivial (window, 0))
    {
      v = onnx_reshape (node, v, SF_SHAPE (n, window->channels, window->in[0], h * w));
      v = along_depth (node, "unfold", v, window, SF_ATTR_F ("value", value));
    }
  v = onnx_reshape (node, v, SF_SHAPE (n, channels, window->out[0], h, w));
  if (window->out[0] != 1)
    v = onnx_transpose (node, v, depth_outside);
  return onnx_reshape (node, v, SF_SHAPE (n * window->out[0], channels, h, w));
}

SfValue
onnx_window_depth_fold (OnnxNode *node, SfValue v, const OnnxWindow *window, int64_t channels)
{
  static const int64_t depth_inside[] = { 0, 2, 1, 3 };
  int64_t n = window->images, hw = window->out[1] * window->out[2];
  const int64_t size[] = { window->out[0], hw };
  v = onnx_reshape (node, v, SF_SHAPE (n, window->in[0], channels * window->kernel[0], hw));
  if (window->in[0] != 1)
    v = onnx_transpose (node, v, depth_inside);
  v = onnx_reshape (node, v, SF_SHAPE (n, channels * window->kernel[0], window->in[0] * hw));
  if (!onnx_window_is_trivial (window, 0))
    v = along_depth (node, "fold", v, window, SF_ATTR_IS ("size", size, 2));
  return onnx_reshape (node, v,
                       SF_SHAPE (n, channels, window->out[0], window->out[1], window->out[2]));
}

SfValue
onnx_window_conv (OnnxNode *node, SfValue x, SfValue w, SfValue b, int64_t groups,
                  const OnnxWindow *window)
{
  static const int64_t channels_outside[] = { 0, 2, 1, 3, 4 };
  SfShape weight = onnx_shape (node, w);
  const int64_t *out = window->out;
  const int64_t pads[] = { window->low[1], window->low[2], window->high[1], window->high[2] };
  const SfAttr attrs[] = { SF_ATTR_IS ("strides", window->strides + 1, 2),
                           SF_ATTR_IS ("pads", pads, 4),
                           SF_ATTR_IS ("dilations", window->dilations + 1, 2),
                           SF_ATTR_I ("groups", groups) };
  x = onnx_window_depth_columns (node, x, window, 0);
  w = onnx_reshape (node, w,
                    SF_SHAPE (weight.dim[0], weight.dim[1] * window->kernel[0], window->kernel[1],
                              window->kernel[2]));
  SfValue inputs[] = { x, w, b };
  SfValue y = onnx_node (node, "conv2d", inputs, b == SF_NONE ? 2 : 3, attrs, G_N_ELEMENTS (attrs),
                         NULL);
  if (out[0] != 1)
    {
      y = onnx_reshape (node, y, SF_SHAPE (window->images, out[0], weight.dim[0], out[1], out[2]));
      y = onnx_transpose (node, y, channels_outside);
    }
  return onnx_reshape (node, y, onnx_window_result (window, weight.dim[0]));
}
