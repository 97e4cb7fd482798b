/* SPDX-License-Identifier: Apache-2.0 */
/* Window geometry, and unfold and fold, which are nothing else. */
#include "window.h"

CpuWindow
cpu_window (const CpuCall *call, const int64_t kernel[2], const int64_t image[2],
            const int64_t windows[2], bool dilated)
{
  CpuWindow w;
  for (size_t d = 0; d < 2; d++)
    {
      w.kernel[d] = kernel[d];
      w.in[d] = image[d];
      w.out[d] = windows[d];
      w.stride[d] = cpu_attr_at (call, "strides", d, 1);
      w.pad[d] = cpu_attr_at (call, "pads", d, 0);
      w.dilation[d] = dilated ? cpu_attr_at (call, "dilations", d, 1) : 1;
    }
  return w;
}

/* First i >= 0 with i * stride + offset >= bound. */
static int64_t
first_reaching (int64_t bound, int64_t offset, int64_t stride)
{
  return offset >= bound ? 0 : (bound - offset + stride - 1) / stride;
}

static CpuRange
inside (int64_t offset, int64_t stride, int64_t n_in, int64_t n)
{
  int64_t begin = MIN (first_reaching (0, offset, stride), n);
  int64_t end = MIN (first_reaching (n_in, offset, stride), n);
  return (CpuRange){ begin, MAX (begin, end) };
}

CpuRange
cpu_window_valid (const CpuWindow *w, int dim, int64_t k)
{
  return inside (cpu_window_offset (w, dim, k), w->stride[dim], w->in[dim], w->out[dim]);
}

CpuRange
cpu_window_elements (const CpuWindow *w, int dim, int64_t at)
{
  return inside (at * w->stride[dim] - w->pad[dim], w->dilation[dim], w->in[dim], w->kernel[dim]);
}

/* ---- unfold and fold ---- */

typedef struct
{
  const CpuCall *call;
  CpuWindow window;
  union
  {
    double f;
    int64_t i;
  } outside; /* unfold: the value there */
} UnfoldJob;

static CpuWindow
unfold_window (const CpuCall *call, const int64_t image[2])
{
  int64_t kernel[2], windows[2];
  for (size_t d = 0; d < 2; d++)
    {
      kernel[d] = cpu_attr_at (call, "kernel", d, 1);
      windows[d] = 0;
    }
  CpuWindow w = cpu_window (call, kernel, image, windows, true);
  for (size_t d = 0; d < 2; d++)
    {
      int64_t span = (kernel[d] - 1) * w.dilation[d] + 1;
      int64_t room = image[d] + w.pad[d] + cpu_attr_at (call, "pads", d + 2, 0) - span;
      w.out[d] = room < 0 ? 0 : room / w.stride[d] + 1;
    }
  return w;
}

/* What happens to the elements that a line of the image shares with a line of the columns. */
static void
take_line (int64_t n, const char *image, int64_t step, char *column)
{
  for (int64_t k = 0; k < n; k++)
    memcpy (column + 8 * k, image + 8 * k * step, 8);
}

static void
add_line (int64_t n, double *image, int64_t step, const double *column)
{
  for (int64_t k = 0; k < n; k++)
    image[k * step] += column[k];
}

static void
add_int_line (int64_t n, int64_t *image, int64_t step, const int64_t *column)
{
  for (int64_t k = 0; k < n; k++)
    image[k * step] = (int64_t) ((uint64_t) image[k * step] + (uint64_t) column[k]);
}

/* Visits what row (image and channel, kernel position) of the columns shares with its plane of the
 * image, at elements `plane` and `column` of their tensors: plane += column when the image is the
 * result, or column = plane. */
static void
visit_row (const CpuWindow *w, int64_t position, const CpuTensor *image, int64_t plane,
           const CpuTensor *columns, int64_t column, bool fold)
{
  int64_t kh = position / w->kernel[1], kw = position % w->kernel[1];
  CpuRange rows = cpu_window_valid (w, 0, kh), cols = cpu_window_valid (w, 1, kw);
  int64_t n = cols.end - cols.begin, step = w->stride[1];
  for (int64_t oh = rows.begin; oh < rows.end; oh++)
    {
      int64_t from = plane + (oh * w->stride[0] + cpu_window_offset (w, 0, kh)) * w->in[1]
                     + cols.begin * step + cpu_window_offset (w, 1, kw);
      int64_t to = column + oh * w->out[1] + cols.begin;
      if (!fold)
        take_line (n, (const char *) image->data + 8 * from, step, (char *) columns->data + 8 * to);
      else if (sf_dtype_is_float (image->dtype))
        add_line (n, image->f + from, step, columns->f + to);
      else
        add_int_line (n, image->i + from, step, columns->i + to);
    }
}

static void
unfold_range (void *data, int worker, int64_t begin, int64_t end)
{
  const UnfoldJob *job = data;
  const CpuWindow *w = &job->window;
  const CpuTensor *x = &job->call->in[0], *y = &job->call->out[0];
  int64_t n_positions = w->kernel[0] * w->kernel[1], n_windows = w->out[0] * w->out[1];
  for (int64_t e = begin; e < end; e++)
    {
      for (int64_t i = 0; i < n_windows; i++)
        memcpy ((char *) y->data + 8 * (e * n_windows + i), &job->outside, 8);
      visit_row (w, e % n_positions, x, e / n_positions * w->in[0] * w->in[1], y, e * n_windows,
                 false);
    }
}

static bool
run_unfold (CpuCall *call, GError **error)
{
  const SfShape *x = &call->in[0].shape;
  double value = sf_node_attr_float (call->graph, call->node, "value");
  UnfoldJob job = { call, unfold_window (call, x->dim + 2), { 0 } };
  if (sf_dtype_is_float (call->in[0].dtype))
    job.outside.f = value;
  else
    sf_dtype_convert (SF_F64, &value, SF_I64, &job.outside.i, 1);
  const CpuWindow *w = &job.window;
  cpu_parallel (call->workers, x->dim[0] * x->dim[1] * w->kernel[0] * w->kernel[1],
                2 * w->out[0] * w->out[1], unfold_range, &job);
  return true;
}

static void
fold_range (void *data, int worker, int64_t begin, int64_t end)
{
  const UnfoldJob *job = data;
  const CpuWindow *w = &job->window;
  int64_t n_positions = w->kernel[0] * w->kernel[1], n_windows = w->out[0] * w->out[1];
  for (int64_t e = begin; e < end; e++)
    for (int64_t k = 0; k < n_positions; k++)
      visit_row (w, k, &job->call->out[0], e * w->in[0] * w->in[1], &job->call->in[0],
                 (e * n_positions + k) * n_windows, true);
}

static bool
run_fold (CpuCall *call, GError **error)
{
  const SfShape *y = &call->out[0].shape;
  UnfoldJob job = { call, unfold_window (call, y->dim + 2), { 0 } };
  const CpuWindow *w = &job.window;
  cpu_parallel (call->workers, y->dim[0] * y->dim[1],
                2 * w->kernel[0] * w->kernel[1] * w->out[0] * w->out[1], fold_range, &job);
  return true;
}

const CpuKernel cpu_kernels_window[] = {
  { "unfold", 1, run_unfold, NULL },
  { "fold", 1, run_fold, NULL },
  { NULL },
};
