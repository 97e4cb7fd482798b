/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution and its two adjoints, as direct loops over lines of the image; where many filters see
 * the same windows, as a product with them. */
#include "gemm.h"
#include "window.h"

typedef struct
{
  const CpuCall *call;
  CpuWindow window;
  int64_t n, groups;
  int64_t channels, filters; /* per group */
} ConvJob;

/* `x`: shape of the image; `w`: of the filters; `y`: of the result. */
static ConvJob
conv_job (const CpuCall *call, const SfShape *x, const SfShape *w, const SfShape *y)
{
  int64_t groups = cpu_attr_int (call, "groups");
  return (ConvJob){ .call = call,
                    .window = cpu_window (call, w->dim + 2, x->dim + 2, y->dim + 2, true),
                    .n = x->dim[0],
                    .groups = groups,
                    .channels = w->dim[1],
                    .filters = w->dim[0] / groups };
}

/* Multiplications behind one plane of x, or of y, for all pairs with the other side. */
static int64_t
plane_cost (const ConvJob *job, int64_t n_pairs)
{
  const CpuWindow *w = &job->window;
  return n_pairs * w->kernel[0] * w->kernel[1] * w->out[0] * w->out[1];
}

/* Elements of one plane of x, of y, of the filters, and planes per image. */
typedef struct
{
  int64_t x, y, taps, n_channels, n_filters;
} Planes;

static Planes
planes_of (const ConvJob *job)
{
  const CpuWindow *w = &job->window;
  return (Planes){ .x = w->in[0] * w->in[1],
                   .y = w->out[0] * w->out[1],
                   .taps = w->kernel[0] * w->kernel[1],
                   .n_channels = job->groups * job->channels,
                   .n_filters = job->groups * job->filters };
}

/* What one filter tap does between a line of x and a line of y. */
typedef void (*LineFunc) (int64_t n, double tap, double *restrict x, int64_t step,
                          double *restrict y);

static void
line_forward (int64_t n, double tap, double *restrict x, int64_t step, double *restrict y)
{
  if (step == 1)
    for (int64_t i = 0; i < n; i++)
      y[i] += tap * x[i];
  else
    for (int64_t i = 0; i < n; i++)
      y[i] += tap * x[i * step];
}

static void
line_backward (int64_t n, double tap, double *restrict x, int64_t step, double *restrict y)
{
  if (step == 1)
    for (int64_t i = 0; i < n; i++)
      x[i] += tap * y[i];
  else
    for (int64_t i = 0; i < n; i++)
      x[i * step] += tap * y[i];
}

/* Applies every tap of one filter plane between one plane of x and one of y. */
static inline void
visit_planes (const CpuWindow *w, const double *taps, double *x, double *y, LineFunc line)
{
  for (int64_t kh = 0; kh < w->kernel[0]; kh++)
    {
      CpuRange rows = cpu_window_valid (w, 0, kh);
      for (int64_t kw = 0; kw < w->kernel[1]; kw++)
        {
          CpuRange cols = cpu_window_valid (w, 1, kw);
          int64_t from = cols.begin * w->stride[1] + cpu_window_offset (w, 1, kw);
          for (int64_t oh = rows.begin; oh < rows.end; oh++)
            {
              int64_t ih = oh * w->stride[0] + cpu_window_offset (w, 0, kh);
              line (cols.end - cols.begin, taps[kh * w->kernel[1] + kw], x + ih * w->in[1] + from,
                    w->stride[1], y + oh * w->out[1] + cols.begin);
            }
        }
    }
}

/* ---- many filters ---- */

/* Filters of a group that pay for packing the windows they share. */
#define MANY_FILTERS 4

/* One group of one image: column p of b is what window p sees. */
typedef struct
{
  const CpuWindow *window;
  const double *x; /* the group's first channel */
} Windows;

/* The top left corners of the windows of a panel, in elements of the image. */
typedef struct
{
  int64_t n, row[CPU_GEMM_COLUMNS], column[CPU_GEMM_COLUMNS];
  bool run; /* side by side in one line of the image */
} Corners;

static Corners
corners_of (const CpuWindow *w, int64_t first, int64_t n)
{
  Corners c = { .n = n };
  for (int64_t j = 0; j < n; j++)
    {
      c.row[j] = (first + j) / w->out[1] * w->stride[0];
      c.column[j] = (first + j) % w->out[1] * w->stride[1];
    }
  c.run = w->stride[1] == 1 && c.row[0] == c.row[n - 1];
  return c;
}

/* What element (dy, dx) of each window sees. */
static void
pack_element (const CpuWindow *w, const Corners *c, const double *plane, int64_t dy, int64_t dx,
              double *panel)
{
  int64_t first = c->column[0] + dx, ih = c->row[0] + dy;
  if (c->run && ih >= 0 && ih < w->in[0] && first >= 0 && first + c->n <= w->in[1])
    {
      memcpy (panel, plane + ih * w->in[1] + first, (size_t) c->n * sizeof (double));
      return;
    }
  for (int64_t j = 0; j < c->n; j++)
    {
      int64_t iw = c->column[j] + dx;
      ih = c->row[j] + dy;
      bool inside = ih >= 0 && ih < w->in[0] && iw >= 0 && iw < w->in[1];
      panel[j] = inside ? plane[ih * w->in[1] + iw] : 0;
    }
}

/* Rows of b are counted by channel and kernel element. */
static void
pack_windows (const void *source, int64_t k_begin, int64_t k_end, int64_t column, int64_t n,
              double *panel)
{
  const Windows *s = source;
  const CpuWindow *w = s->window;
  const Corners corners = corners_of (w, column, n);
  int64_t n_taps = w->kernel[0] * w->kernel[1];
  const double *plane = s->x + k_begin / n_taps * w->in[0] * w->in[1];
  int64_t kh = k_begin % n_taps / w->kernel[1], kw = k_begin % w->kernel[1];
  for (int64_t k = k_begin; k < k_end; k++, panel += CPU_GEMM_COLUMNS)
    {
      pack_element (w, &corners, plane, cpu_window_offset (w, 0, kh), cpu_window_offset (w, 1, kw),
                    panel);
      if (++kw < w->kernel[1])
        continue;
      kw = 0;
      if (++kh < w->kernel[0])
        continue;
      kh = 0;
      plane += w->in[0] * w->in[1];
    }
}

/* All filters of a group at once, as rows of a product with the windows. */
static void
convolve_groups (const ConvJob *job)
{
  const CpuTensor *in = job->call->in;
  const Planes p = planes_of (job);
  for (int64_t e = 0; e < job->n * job->groups; e++)
    {
      int64_t image = e / job->groups, group = e % job->groups;
      Windows windows = { &job->window,
                          in[0].f + (image * p.n_channels + group * job->channels) * p.x };
      int64_t k = job->channels * p.taps;
      CpuGemm gemm = { job->filters,
                       p.y,
                       k,
                       in[1].f + group * job->filters * k,
                       job->call->out[0].f + e * job->filters * p.y,
                       pack_windows,
                       &windows };
      cpu_gemm_packed (job->call->workers, &gemm);
    }
}

/* ---- forward ---- */

static void
add_bias (const ConvJob *job, int64_t plane, int64_t n_elems)
{
  const CpuCall *call = job->call;
  if (call->n_in <= 2 || call->in[2].data == NULL)
    return;
  double bias = call->in[2].f[plane % (job->groups * job->filters)];
  double *y = call->out[0].f + plane * n_elems;
  for (int64_t i = 0; i < n_elems; i++)
    y[i] += bias;
}

/* Items are planes of y. */
static void
conv_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ConvJob *job = data;
  const CpuTensor *in = job->call->in;
  const Planes p = planes_of (job);
  for (int64_t e = begin; e < end; e++)
    {
      int64_t image = e / p.n_filters, o = e % p.n_filters;
      int64_t first = image * p.n_channels + o / job->filters * job->channels;
      for (int64_t c = 0; c < job->channels; c++)
        visit_planes (&job->window, in[1].f + (o * job->channels + c) * p.taps,
                      in[0].f + (first + c) * p.x, job->call->out[0].f + e * p.y, line_forward);
      add_bias (job, e, p.y);
    }
}

static void
bias_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ConvJob *job = data;
  for (int64_t e = begin; e < end; e++)
    add_bias (job, e, job->window.out[0] * job->window.out[1]);
}

static bool
run_conv2d (CpuCall *call, GError **error)
{
  const SfShape *y = &call->out[0].shape;
  ConvJob job = conv_job (call, &call->in[0].shape, &call->in[1].shape, y);
  int64_t n_planes = y->dim[0] * y->dim[1];
  if (job.filters < MANY_FILTERS)
    cpu_parallel (call->workers, n_planes, plane_cost (&job, job.channels), conv_range, &job);
  else
    {
      convolve_groups (&job);
      cpu_parallel (call->workers, n_planes, y->dim[2] * y->dim[3], bias_range, &job);
    }
  return true;
}

/* ---- adjoints ---- */

static void
conv_dx_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ConvJob *job = data;
  const CpuTensor *dy = &job->call->in[0], *w = &job->call->in[1];
  const Planes p = planes_of (job);
  for (int64_t e = begin; e < end; e++)
    {
      int64_t image = e / p.n_channels, channel = e % p.n_channels;
      int64_t c = channel % job->channels, first = channel / job->channels * job->filters;
      for (int64_t o = first; o < first + job->filters; o++)
        visit_planes (&job->window, w->f + (o * job->channels + c) * p.taps,
                      job->call->out[0].f + e * p.x, dy->f + (image * p.n_filters + o) * p.y,
                      line_backward);
    }
}

static bool
run_conv2d_dx (CpuCall *call, GError **error)
{
  const SfShape *dx = &call->out[0].shape;
  ConvJob job = conv_job (call, dx, &call->in[1].shape, &call->in[0].shape);
  cpu_parallel (call->workers, dx->dim[0] * dx->dim[1], plane_cost (&job, job.filters),
                conv_dx_range, &job);
  return true;
}

/* Sum of products of two lines: four interleaved partial sums, joined in a fixed order. */
static inline double
dot_strided (int64_t n, const double *x, int64_t step, const double *y)
{
  double part[4] = { 0, 0, 0, 0 };
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int64_t k = 0; k < 4; k++)
      part[k] += x[(i + k) * step] * y[i + k];
  for (; i < n; i++)
    part[0] += x[i * step] * y[i];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

/* The common step by itself, so that the compiler vectorises it. */
static double
dot (int64_t n, const double *x, int64_t step, const double *y)
{
  return step == 1 ? dot_strided (n, x, 1, y) : dot_strided (n, x, step, y);
}

/* taps += the products of one plane of x with one of dy. */
static void
add_tap_gradients (const CpuWindow *w, double *taps, const double *x, const double *dy)
{
  for (int64_t kh = 0; kh < w->kernel[0]; kh++)
    {
      CpuRange rows = cpu_window_valid (w, 0, kh);
      for (int64_t kw = 0; kw < w->kernel[1]; kw++)
        {
          CpuRange cols = cpu_window_valid (w, 1, kw);
          int64_t from = cols.begin * w->stride[1] + cpu_window_offset (w, 1, kw);
          for (int64_t oh = rows.begin; oh < rows.end; oh++)
            {
              int64_t ih = oh * w->stride[0] + cpu_window_offset (w, 0, kh);
              taps[kh * w->kernel[1] + kw] += dot (cols.end - cols.begin, x + ih * w->in[1] + from,
                                                   w->stride[1], dy + oh * w->out[1] + cols.begin);
            }
        }
    }
}

static void
conv_dw_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ConvJob *job = data;
  const CpuTensor *dy = &job->call->in[0], *x = &job->call->in[1];
  const Planes p = planes_of (job);
  for (int64_t e = begin; e < end; e++)
    {
      int64_t o = e / job->channels;
      int64_t channel = o / job->filters * job->channels + e % job->channels;
      for (int64_t image = 0; image < job->n; image++)
        add_tap_gradients (&job->window, job->call->out[0].f + e * p.taps,
                           x->f + (image * p.n_channels + channel) * p.x,
                           dy->f + (image * p.n_filters + o) * p.y);
    }
}

static bool
run_conv2d_dw (CpuCall *call, GError **error)
{
  const SfShape *dw = &call->out[0].shape;
  ConvJob job = conv_job (call, &call->in[1].shape, dw, &call->in[0].shape);
  cpu_parallel (call->workers, dw->dim[0] * dw->dim[1], plane_cost (&job, job.n), conv_dw_range,
                &job);
  return true;
}

const CpuKernel cpu_kernels_conv[] = {
  { "conv2d", 1, run_conv2d, NULL },
  { "conv2d_dx", 1, run_conv2d_dx, NULL },
  { "conv2d_dw", 1, run_conv2d_dw, NULL },
  { NULL },
};
