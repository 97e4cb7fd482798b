/* SPDX-License-Identifier: Apache-2.0 */
/* The geometry of windows over an image, shared by the shape rules of convolutions and pools. */
#include "core/ir/window.h"

#include <string.h>

static bool
has_attr (const SfInfer *infer, const char *name)
{
  for (const SfOpAttr *attr = infer->op->attrs; attr->name != NULL; attr++)
    if (strcmp (attr->name, name) == 0)
      return true;
  return false;
}

bool
sf_window_read_steps (const SfInfer *infer, SfWindow *window, GError **error)
{
  *window = (SfWindow){ .dilations = { 1, 1 } };
  if (!sf_infer_want_ints (infer, "strides", 2, 1, SF_WINDOW_MAX, error)
      || !sf_infer_want_ints (infer, "pads", 4, 0, SF_WINDOW_MAX, error))
    return false;
  memcpy (window->strides, sf_infer_ints (infer, "strides", NULL), sizeof window->strides);
  memcpy (window->pads, sf_infer_ints (infer, "pads", NULL), sizeof window->pads);
  if (!has_attr (infer, "dilations"))
    return true;
  if (!sf_infer_want_ints (infer, "dilations", 2, 1, SF_WINDOW_MAX, error))
    return false;
  memcpy (window->dilations, sf_infer_ints (infer, "dilations", NULL), sizeof window->dilations);
  return true;
}

bool
sf_window_set_kernel (SfWindow *window, const int64_t kernel[2], GError **error)
{
  for (int d = 0; d < 2; d++)
    {
      if (kernel[d] < 1 || kernel[d] > SF_WINDOW_MAX)
        return sf_refuse (error,
                          "kernel is %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT ", wanted 1 to 2^30",
                          kernel[0], kernel[1]);
      window->kernel[d] = kernel[d];
    }
  return true;
}

bool
sf_window_read (const SfInfer *infer, SfWindow *window, GError **error)
{
  size_t n_strides;
  if (!sf_infer_want_ints (infer, "kernel", 2, 1, SF_WINDOW_MAX, error))
    return false;
  const int64_t *kernel = sf_infer_ints (infer, "kernel", NULL);
  sf_infer_ints (infer, "strides", &n_strides);
  if (n_strides == 0)
    sf_infer_set_ints (infer, "strides", kernel, 2);
  return sf_window_read_steps (infer, window, error)
         && sf_window_set_kernel (window, kernel, error);
}

bool
sf_window_size (const SfInfer *infer, int64_t size[2], GError **error)
{
  if (!sf_infer_want_ints (infer, "size", 2, 0, (int64_t) 1 << 40, error))
    return false;
  memcpy (size, sf_infer_ints (infer, "size", NULL), 2 * sizeof *size);
  return true;
}

bool
sf_window_out (const SfWindow *window, const int64_t size[2], bool ceil_mode, int64_t out[2],
               GError **error)
{
  for (int d = 0; d < 2; d++)
    {
      int64_t before = window->pads[d], stride = window->strides[d];
      int64_t reach = window->dilations[d] * (window->kernel[d] - 1) + 1;
      int64_t padded = size[d] + before + window->pads[d + 2];
      if (reach > padded)
        return sf_refuse (error,
                          "window reaches over %" G_GINT64_FORMAT " elements, wanted at most the "
                          "%" G_GINT64_FORMAT " of padded dimension %c; add padding",
                          reach, padded, "HW"[d]);
      out[d] = (padded - reach + (ceil_mode ? stride - 1 : 0)) / stride + 1;
      if (ceil_mode && out[d] > 1 && (out[d] - 1) * stride >= size[d] + before)
        out[d]--;
    }
  SfShape windows = SF_SHAPE (out[0], out[1]);
  return sf_shape_check (&windows, "windows", error);
}

bool
sf_window_times_kernel (const SfWindow *window, int64_t *n, GError **error)
{
  SfShape columns = SF_SHAPE (*n, window->kernel[0], window->kernel[1]);
  if (!sf_shape_check (&columns, "columns", error))
    return false;
  *n = sf_shape_n_elems (&columns);
  return true;
}
