/* SPDX-License-Identifier: Apache-2.0 */
/* Batch norm and layer norm, forward, backward and inference. */
#include "kernel.h"

/* A set of elements that share a mean, as `outer` runs of `inner` contiguous elements `stride`
 * apart. */
typedef struct
{
  int64_t outer, stride, inner;
} Group;

/* Mean and biased variance by two passes. */
typedef struct
{
  double mean, var;
} Moments;

static Moments
moments_of (const double *x, Group g)
{
  double n = (double) (g.outer * g.inner), sum = 0, squares = 0;
  for (int64_t o = 0; o < g.outer; o++)
    for (int64_t i = 0; i < g.inner; i++)
      sum += x[o * g.stride + i];
  double mean = sum / n;
  for (int64_t o = 0; o < g.outer; o++)
    for (int64_t i = 0; i < g.inner; i++)
      {
        double d = x[o * g.stride + i] - mean;
        squares += d * d;
      }
  return (Moments){ mean, squares / n };
}

typedef struct
{
  const CpuCall *call;
  Group group;
  int64_t step; /* from one group to the next */
  double eps, momentum;
} NormJob;

/* ---- batch norm: one group per channel ---- */

static NormJob
batch_job (const CpuCall *call, const SfShape *x)
{
  CpuAxis axis = cpu_axis (x, 1);
  return (NormJob){ .call = call,
                    .group = { axis.outer, axis.n * axis.inner, axis.inner },
                    .step = axis.inner };
}

/* y = (x - mean) rstd gamma + beta over one channel. */
static void
normalise_channel (const NormJob *job, int64_t c, double mean, double rstd)
{
  const CpuTensor *in = job->call->in;
  for (int64_t o = 0; o < job->group.outer; o++)
    for (int64_t i = 0; i < job->group.inner; i++)
      {
        int64_t e = c * job->step + o * job->group.stride + i;
        job->call->out[0].f[e] = (in[0].f[e] - mean) * rstd * in[1].f[c] + in[2].f[c];
      }
}

static void
batch_norm_range (void *data, int worker, int64_t begin, int64_t end)
{
  const NormJob *job = data;
  const CpuTensor *in = job->call->in, *out = job->call->out;
  double n = (double) (job->group.outer * job->group.inner);
  for (int64_t c = begin; c < end; c++)
    {
      Moments m = moments_of (in[0].f + c * job->step, job->group);
      double rstd = 1 / sqrt (m.var + job->eps), unbiased = m.var * n / MAX (n - 1, 1);
      normalise_channel (job, c, m.mean, rstd);
      out[1].f[c] = (1 - job->momentum) * in[3].f[c] + job->momentum * m.mean;
      out[2].f[c] = (1 - job->momentum) * in[4].f[c] + job->momentum * unbiased;
      out[3].f[c] = m.mean;
      out[4].f[c] = rstd;
    }
}

static bool
run_batch_norm (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0];
  NormJob job = batch_job (call, &x->shape);
  job.eps = sf_node_attr_float (call->graph, call->node, "eps");
  job.momentum = sf_node_attr_float (call->graph, call->node, "momentum");
  cpu_parallel (call->workers, x->shape.dim[1], 8 * job.group.outer * job.group.inner,
                batch_norm_range, &job);
  return true;
}

static void
batch_norm_infer_range (void *data, int worker, int64_t begin, int64_t end)
{
  const NormJob *job = data;
  const CpuTensor *in = job->call->in;
  for (int64_t c = begin; c < end; c++)
    normalise_channel (job, c, in[3].f[c], 1 / sqrt (in[4].f[c] + job->eps));
}

static bool
run_batch_norm_infer (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0];
  NormJob job = batch_job (call, &x->shape);
  job.eps = sf_node_attr_float (call->graph, call->node, "eps");
  cpu_parallel (call->workers, x->shape.dim[1], 4 * job.group.outer * job.group.inner,
                batch_norm_infer_range, &job);
  return true;
}

/* With h = (x - mean) rstd: dgamma = sum dy h, dbeta = sum dy, dx = gamma rstd (dy - dbeta / n - h
 * dgamma / n). */
static void
batch_norm_bwd_range (void *data, int worker, int64_t begin, int64_t end)
{
  const NormJob *job = data;
  const Group g = job->group;
  double n = (double) (g.outer * g.inner);
  for (int64_t c = begin; c < end; c++)
    {
      const CpuTensor *in = job->call->in, *out = job->call->out;
      const double *dy = in[0].f + c * job->step, *x = in[1].f + c * job->step;
      double *dx = out[0].f + c * job->step;
      double gamma = in[2].f[c], mean = in[3].f[c], rstd = in[4].f[c], dgamma = 0, dbeta = 0;
      for (int64_t o = 0; o < g.outer; o++)
        for (int64_t i = o * g.stride; i < o * g.stride + g.inner; i++)
          {
            dgamma += dy[i] * (x[i] - mean) * rstd;
            dbeta += dy[i];
          }
      for (int64_t o = 0; o < g.outer; o++)
        for (int64_t i = o * g.stride; i < o * g.stride + g.inner; i++)
          dx[i] = gamma * rstd * (dy[i] - dbeta / n - (x[i] - mean) * rstd * dgamma / n);
      out[1].f[c] = dgamma;
      out[2].f[c] = dbeta;
    }
}

static bool
run_batch_norm_bwd (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[1];
  NormJob job = batch_job (call, &x->shape);
  cpu_parallel (call->workers, x->shape.dim[1], 8 * job.group.outer * job.group.inner,
                batch_norm_bwd_range, &job);
  return true;
}

/* ---- layer norm: one group per row ---- */

static NormJob
layer_job (const CpuCall *call, const SfShape *x, int64_t *n_rows)
{
  int axis = cpu_attr_axis (call, x->rank);
  int64_t width = cpu_shape_product (x, axis, x->rank);
  *n_rows = cpu_shape_product (x, 0, axis);
  return (NormJob){ .call = call, .group = { 1, width, width }, .step = width };
}

static void
layer_norm_range (void *data, int worker, int64_t begin, int64_t end)
{
  const NormJob *job = data;
  const CpuTensor *in = job->call->in, *out = job->call->out;
  for (int64_t row = begin; row < end; row++)
    {
      const double *x = in[0].f + row * job->step;
      Moments m = moments_of (x, job->group);
      double rstd = 1 / sqrt (m.var + job->eps);
      for (int64_t i = 0; i < job->step; i++)
        out[0].f[row * job->step + i] = (x[i] - m.mean) * rstd * in[1].f[i] + in[2].f[i];
      out[1].f[row] = m.mean;
      out[2].f[row] = rstd;
    }
}

static bool
run_layer_norm (CpuCall *call, GError **error)
{
  int64_t n_rows;
  NormJob job = layer_job (call, &call->in[0].shape, &n_rows);
  job.eps = sf_node_attr_float (call->graph, call->node, "eps");
  cpu_parallel (call->workers, n_rows, 8 * job.step, layer_norm_range, &job);
  return true;
}

/* With h = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean g - h mean (g h)). */
static void
layer_norm_bwd_range (void *data, int worker, int64_t begin, int64_t end)
{
  const NormJob *job = data;
  const CpuTensor *in = job->call->in;
  const double *gamma = in[2].f;
  double n = (double) job->step;
  for (int64_t row = begin; row < end; row++)
    {
      const double *dy = in[0].f + row * job->step, *x = in[1].f + row * job->step;
      double *dx = job->call->out[0].f + row * job->step;
      double mean = in[3].f[row], rstd = in[4].f[row], sum = 0, along = 0;
      for (int64_t i = 0; i < job->step; i++)
        {
          sum += dy[i] * gamma[i];
          along += dy[i] * gamma[i] * (x[i] - mean) * rstd;
        }
      for (int64_t i = 0; i < job->step; i++)
        dx[i] = rstd * (dy[i] * gamma[i] - sum / n - (x[i] - mean) * rstd * along / n);
    }
}

/* Columns begin .. end-1: dgamma = sum dy h, dbeta = sum dy, over the rows in order. */
static void
layer_norm_params_range (void *data, int worker, int64_t begin, int64_t end)
{
  const NormJob *job = data;
  const CpuTensor *in = job->call->in, *out = job->call->out;
  int64_t n_rows = in[3].n;
  for (int64_t row = 0; row < n_rows; row++)
    for (int64_t i = begin; i < end; i++)
      {
        int64_t e = row * job->step + i;
        out[1].f[i] += in[0].f[e] * (in[1].f[e] - in[3].f[row]) * in[4].f[row];
        out[2].f[i] += in[0].f[e];
      }
}

static bool
run_layer_norm_bwd (CpuCall *call, GError **error)
{
  int64_t n_rows;
  NormJob job = layer_job (call, &call->in[1].shape, &n_rows);
  cpu_parallel (call->workers, n_rows, 8 * job.step, layer_norm_bwd_range, &job);
  cpu_parallel (call->workers, job.step, 4 * n_rows, layer_norm_params_range, &job);
  return true;
}

static bool
run_layer_norm_dx (CpuCall *call, GError **error)
{
  int64_t n_rows;
  NormJob job = layer_job (call, &call->in[1].shape, &n_rows);
  cpu_parallel (call->workers, n_rows, 8 * job.step, layer_norm_bwd_range, &job);
  return true;
}

const CpuKernel cpu_kernels_norm[] = {
  { "batch_norm", 1, run_batch_norm, NULL },
  { "batch_norm_infer", 1, run_batch_norm_infer, NULL },
  { "batch_norm_bwd", 1, run_batch_norm_bwd, NULL },
  { "layer_norm", 1, run_layer_norm, NULL },
  { "layer_norm_bwd", 1, run_layer_norm_bwd, NULL },
  { "layer_norm_dx", 1, run_layer_norm_dx, NULL },
  { NULL },
};
