/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax and log-softmax along an axis, and their gradients. */
#include "kernel.h"

/* One line of elements along the axis: `n` of them, `step` apart. */
typedef void (*LineFunc) (const double *a, const double *b, double *y, int64_t n, int64_t step);

typedef struct
{
  const CpuCall *call;
  LineFunc line;
  CpuAxis axis;
} LineJob;

static void
line_range (void *data, int worker, int64_t begin, int64_t end)
{
  const LineJob *job = data;
  const CpuTensor *in = job->call->in;
  const CpuAxis axis = job->axis;
  for (int64_t e = begin; e < end; e++)
    {
      int64_t first = e / axis.inner * axis.n * axis.inner + e % axis.inner;
      const double *b = job->call->n_in > 1 ? in[1].f + first : NULL;
      job->line (in[0].f + first, b, job->call->out[0].f + first, axis.n, axis.inner);
    }
}

static bool
run_lines (CpuCall *call, GError **error)
{
  const SfShape *shape = &call->in[0].shape;
  const LineFunc *line = call->kernel->detail;
  LineJob job = { call, *line, cpu_axis (shape, cpu_attr_axis (call, shape->rank)) };
  cpu_parallel (call->workers, job.axis.outer * job.axis.inner, 32 * job.axis.n, line_range, &job);
  return true;
}

static double
line_max (const double *x, int64_t n, int64_t step)
{
  double max = -INFINITY;
  for (int64_t k = 0; k < n; k++)
    max = isnan (x[k * step]) || x[k * step] > max ? x[k * step] : max;
  return max;
}

/* y = exp (x - max) / sum */
static void
softmax_line (const double *x, const double *unused, double *y, int64_t n, int64_t step)
{
  double max = line_max (x, n, step), sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += y[k * step] = exp (x[k * step] - max);
  for (int64_t k = 0; k < n; k++)
    y[k * step] /= sum;
}

/* y = x - max - log sum exp (x - max) */
static void
log_softmax_line (const double *x, const double *unused, double *y, int64_t n, int64_t step)
{
  double max = line_max (x, n, step), sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += exp (x[k * step] - max);
  for (int64_t k = 0; k < n; k++)
    y[k * step] = x[k * step] - max - log (sum);
}

/* dx = y (dy - sum (dy y)) */
static void
softmax_bwd_line (const double *dy, const double *y, double *dx, int64_t n, int64_t step)
{
  double dot = 0;
  for (int64_t k = 0; k < n; k++)
    dot += dy[k * step] * y[k * step];
  for (int64_t k = 0; k < n; k++)
    dx[k * step] = y[k * step] * (dy[k * step] - dot);
}

/* dx = dy - exp (y) sum (dy) */
static void
log_softmax_bwd_line (const double *dy, const double *y, double *dx, int64_t n, int64_t step)
{
  double sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += dy[k * step];
  for (int64_t k = 0; k < n; k++)
    dx[k * step] = dy[k * step] - exp (y[k * step]) * sum;
}

static const LineFunc lines[] = { softmax_line, softmax_bwd_line, log_softmax_line,
                                  log_softmax_bwd_line };

const CpuKernel cpu_kernels_softmax[] = {
  { "softmax", 1, run_lines, &lines[0] },
  { "softmax_bwd", 1, run_lines, &lines[1] },
  { "log_softmax", 1, run_lines, &lines[2] },
  { "log_softmax_bwd", 1, run_lines, &lines[3] },
  { NULL },
};
