/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution and its two adjoints, as direct loops over lines of the image; where there are many
 * planes, as packed products. */
#include "conv.h"

/* `x`: shape of the image; `w`: of the filters; `y`: of the result. */
static CpuConv
conv_job (const CpuCall *call, const SfShape *x, const SfShape *w, const SfShape *y)
{
  int64_t groups = cpu_attr_int (call, "groups");
  return (CpuConv){ .call = call,
                    .window = cpu_window (call, w->dim + 2, x->dim + 2, y->dim + 2, true),
                    .n = x->dim[0],
                    .groups = groups,
                    .channels = w->dim[1],
                    .filters = w->dim[0] / groups };
}

/* Multiplications behind one plane of x, or of y, for all pairs with the other side. */
static int64_t
plane_cost (const CpuConv *job, int64_t n_pairs)
{
  const CpuWindow *w = &job->window;
  return n_pairs * w->kernel[0] * w->kernel[1] * w->out[0] * w->out[1];
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

/* ---- forward ---- */

static void
add_bias (const CpuConv *job, int64_t plane, int64_t n_elems)
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
  const CpuConv *job = data;
  const CpuTensor *in = job->call->in;
  const CpuPlanes p = cpu_planes (job);
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
  const CpuConv *job = data;
  for (int64_t e = begin; e < end; e++)
    add_bias (job, e, job->window.out[0] * job->window.out[1]);
}

static bool
run_conv2d (CpuCall *call, GError **error)
{
  const SfShape *y = &call->out[0].shape;
  CpuConv job = conv_job (call, &call->in[0].shape, &call->in[1].shape, y);
  int64_t n_planes = y->dim[0] * y->dim[1];
  if (job.filters < CPU_CONV_MANY)
    cpu_parallel (call->workers, n_planes, plane_cost (&job, job.channels), conv_range, &job);
  else
    {
      cpu_conv_forward (&job);
      cpu_parallel (call->workers, n_planes, y->dim[2] * y->dim[3], bias_range, &job);
    }
  return true;
}

/* ---- adjoints ---- */

static void
conv_dx_range (void *data, int worker, int64_t begin, int64_t end)
{
  const CpuConv *job = data;
  const CpuTensor *dy = &job->call->in[0], *w = &job->call->in[1];
  const CpuPlanes p = cpu_planes (job);
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
  CpuConv job = conv_job (call, dx, &call->in[1].shape, &call->in[0].shape);
  if (job.channels >= CPU_CONV_MANY)
    return cpu_conv_dx (&job, error);
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
  const CpuConv *job = data;
  const CpuTensor *dy = &job->call->in[0], *x = &job->call->in[1];
  const CpuPlanes p = cpu_planes (job);
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
  CpuConv job = conv_job (call, &call->in[1].shape, dw, &call->in[0].shape);
  if (job.filters >= CPU_CONV_MANY)
    cpu_conv_dw (&job);
  else
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
