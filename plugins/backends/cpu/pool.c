/* SPDX-License-Identifier: Apache-2.0 */
/* Maximum and average pools. */
#include "window.h"

typedef struct
{
  const CpuCall *call;
  CpuWindow window;
  int64_t padded[2]; /* bounds of the padded image, from the first element of the image */
  bool include_pad;
} PoolJob;

static PoolJob
pool_job (const CpuCall *call, const SfShape *x, const SfShape *y, bool is_max)
{
  PoolJob job = { .call = call };
  int64_t kernel[2];
  for (size_t d = 0; d < 2; d++)
    {
      kernel[d] = cpu_attr_at (call, "kernel", d, 1);
      job.padded[d] = x->dim[d + 2] + cpu_attr_at (call, "pads", d + 2, 0);
    }
  job.window = cpu_window (call, kernel, x->dim + 2, y->dim + 2, is_max);
  job.include_pad = !is_max && cpu_attr_int (call, "count_include_pad") != 0;
  return job;
}

/* One window: where it begins in its plane, which of its elements are inside. */
typedef struct
{
  int64_t top, left;
  CpuRange rows, cols;
} Window;

static Window
window_at (const CpuWindow *w, int64_t index)
{
  int64_t oh = index / w->out[1], ow = index % w->out[1];
  return (Window){ .top = oh * w->stride[0] - w->pad[0],
                   .left = ow * w->stride[1] - w->pad[1],
                   .rows = cpu_window_elements (w, 0, oh),
                   .cols = cpu_window_elements (w, 1, ow) };
}

/* Index in the plane of the first maximum of a window, NaN counting as greatest; -1 when no element
 * is inside. */
static int64_t
first_maximum (const CpuWindow *w, const double *x, int64_t index)
{
  Window at = window_at (w, index);
  int64_t best = -1;
  for (int64_t kh = at.rows.begin; kh < at.rows.end; kh++)
    for (int64_t kw = at.cols.begin; kw < at.cols.end; kw++)
      {
        int64_t i = (at.top + kh * w->dilation[0]) * w->in[1] + at.left + kw * w->dilation[1];
        if (best < 0 || x[i] > x[best] || (isnan (x[i]) && !isnan (x[best])))
          best = i;
      }
  return best;
}

static void
max_range (void *data, int worker, int64_t begin, int64_t end)
{
  const PoolJob *job = data;
  const CpuWindow *w = &job->window;
  int64_t n_windows = w->out[0] * w->out[1];
  for (int64_t e = begin; e < end; e++)
    for (int64_t i = 0; i < n_windows; i++)
      {
        const double *x = job->call->in[0].f + e * w->in[0] * w->in[1];
        int64_t best = first_maximum (w, x, i);
        job->call->out[0].f[e * n_windows + i] = best < 0 ? -INFINITY : x[best];
      }
}

static void
max_bwd_range (void *data, int worker, int64_t begin, int64_t end)
{
  const PoolJob *job = data;
  const CpuWindow *w = &job->window;
  int64_t n_windows = w->out[0] * w->out[1];
  for (int64_t e = begin; e < end; e++)
    for (int64_t i = 0; i < n_windows; i++)
      {
        int64_t plane = e * w->in[0] * w->in[1];
        int64_t best = first_maximum (w, job->call->in[1].f + plane, i);
        if (best >= 0)
          job->call->out[0].f[plane + best] += job->call->in[0].f[e * n_windows + i];
      }
}

/* Elements that a mean is taken over along one dimension; the overhang of ceil mode never counts.
 */
static int64_t
counted (const PoolJob *job, int dim, int64_t begin, CpuRange inside)
{
  int64_t n = job->include_pad ? MIN (begin + job->window.kernel[dim], job->padded[dim]) - begin
                               : inside.end - inside.begin;
  return MAX (n, 1);
}

static double
window_size (const PoolJob *job, const Window *at)
{
  return (double) (counted (job, 0, at->top, at->rows) * counted (job, 1, at->left, at->cols));
}

static void
avg_range (void *data, int worker, int64_t begin, int64_t end)
{
  const PoolJob *job = data;
  const CpuWindow *w = &job->window;
  int64_t n_windows = w->out[0] * w->out[1];
  for (int64_t e = begin; e < end; e++)
    for (int64_t i = 0; i < n_windows; i++)
      {
        const double *x = job->call->in[0].f + e * w->in[0] * w->in[1];
        Window at = window_at (w, i);
        double sum = 0;
        for (int64_t kh = at.rows.begin; kh < at.rows.end; kh++)
          for (int64_t kw = at.cols.begin; kw < at.cols.end; kw++)
            sum += x[(at.top + kh) * w->in[1] + at.left + kw];
        job->call->out[0].f[e * n_windows + i] = sum / window_size (job, &at);
      }
}

static void
avg_bwd_range (void *data, int worker, int64_t begin, int64_t end)
{
  const PoolJob *job = data;
  const CpuWindow *w = &job->window;
  int64_t n_windows = w->out[0] * w->out[1];
  for (int64_t e = begin; e < end; e++)
    for (int64_t i = 0; i < n_windows; i++)
      {
        double *dx = job->call->out[0].f + e * w->in[0] * w->in[1];
        Window at = window_at (w, i);
        double share = job->call->in[0].f[e * n_windows + i] / window_size (job, &at);
        for (int64_t kh = at.rows.begin; kh < at.rows.end; kh++)
          for (int64_t kw = at.cols.begin; kw < at.cols.end; kw++)
            dx[(at.top + kh) * w->in[1] + at.left + kw] += share;
      }
}

/* What tells the four ops apart. */
typedef struct
{
  SfThreadFunc range;
  bool is_max, backward;
} Pool;

static bool
run_pool (CpuCall *call, GError **error)
{
  const Pool *pool = call->kernel->detail;
  const SfShape *in = &call->in[0].shape, *out = &call->out[0].shape;
  PoolJob job = pool_job (call, pool->backward ? out : in, pool->backward ? in : out, pool->is_max);
  const CpuWindow *w = &job.window;
  cpu_parallel (call->workers, in->dim[0] * in->dim[1],
                4 * w->kernel[0] * w->kernel[1] * w->out[0] * w->out[1], pool->range, &job);
  return true;
}

static void
global_range (void *data, int worker, int64_t begin, int64_t end)
{
  const CpuCall *call = data;
  const SfShape *x = &call->in[0].shape;
  int64_t n = x->dim[2] * x->dim[3];
  for (int64_t e = begin; e < end; e++)
    {
      double sum = 0;
      for (int64_t i = 0; i < n; i++)
        sum += call->in[0].f[e * n + i];
      call->out[0].f[e] = sum / (double) n;
    }
}

static bool
run_global_avg_pool (CpuCall *call, GError **error)
{
  const SfShape *x = &call->in[0].shape;
  cpu_parallel (call->workers, x->dim[0] * x->dim[1], x->dim[2] * x->dim[3], global_range, call);
  return true;
}

static const Pool pools[] = {
  { max_range, true, false },
  { max_bwd_range, true, true },
  { avg_range, false, false },
  { avg_bwd_range, false, true },
};

const CpuKernel cpu_kernels_pool[] = {
  { "max_pool2d", 1, run_pool, &pools[0] },
  { "max_pool2d_bwd", 1, run_pool, &pools[1] },
  { "avg_pool2d", 1, run_pool, &pools[2] },
  { "avg_pool2d_bwd", 1, run_pool, &pools[3] },
  { "global_avg_pool", 1, run_global_avg_pool, NULL },
  { NULL },
};
