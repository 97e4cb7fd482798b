/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by its definition, one head and one query at a time. */
#include <sf/checked.h>

#include "kernel.h"

/* Sizes: `s` queries and `t` keys per head, of `d` elements; values have `e`. */
typedef struct
{
  const CpuCall *call;
  const CpuTensor *dy, *q, *k, *v, *mask; /* dy NULL: forward; mask NULL: none */
  int64_t n_heads, s, t, d, e;            /* n_heads: of all images */
  int64_t mask_stride[SF_MAX_RANK];
  double scale;
  bool causal;
  double *scratch; /* 2 t per worker: probabilities, their gradients */
} Job;

static Job
attention_job (const CpuCall *call, size_t first)
{
  const CpuTensor *in = call->in + first;
  const int64_t *q = in[0].shape.dim, *v = in[2].shape.dim;
  bool masked = call->n_in > first + 3 && in[3].data != NULL;
  Job job = { .call = call,
              .dy = first > 0 ? call->in : NULL,
              .q = &in[0],
              .k = &in[1],
              .v = &in[2],
              .mask = masked ? &in[3] : NULL,
              .n_heads = q[0] * q[1],
              .s = q[2],
              .t = v[2],
              .d = q[3],
              .e = v[3],
              .scale = sf_node_attr_float (call->graph, call->node, "scale"),
              .causal = cpu_attr_int (call, "causal") != 0 };
  if (job.scale == 0)
    job.scale = 1 / sqrt ((double) job.d);
  if (masked)
    {
      SfShape scores = SF_SHAPE (q[0], q[1], job.s, job.t);
      cpu_broadcast_strides (&in[3].shape, &scores, job.mask_stride);
    }
  return job;
}

/* Four interleaved partial sums, joined in a fixed order. */
static double
dot (const double *a, const double *b, int64_t n)
{
  double part[4] = { 0, 0, 0, 0 };
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int64_t k = 0; k < 4; k++)
      part[k] += a[i + k] * b[i + k];
  for (; i < n; i++)
    part[0] += a[i] * b[i];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

/* y += a x */
static void
add_scaled (double *restrict y, double a, const double *restrict x, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    y[i] += a * x[i];
}

/* p[0..t) = softmax (scale q k^T + mask) of query `s` of head `head`; causal hides the keys after
 * the query's position. */
static void
probabilities (const Job *job, int64_t head, int64_t s, double *p)
{
  int64_t n_heads = job->q->shape.dim[1];
  const double *q = job->q->f + (head * job->s + s) * job->d;
  int64_t mask = head / n_heads * job->mask_stride[0] + head % n_heads * job->mask_stride[1]
                 + s * job->mask_stride[2];
  double max = -INFINITY, sum = 0;
  for (int64_t t = 0; t < job->t; t++)
    {
      p[t] = job->scale * dot (q, job->k->f + (head * job->t + t) * job->d, job->d);
      if (job->mask != NULL)
        p[t] += job->mask->f[mask + t * job->mask_stride[3]];
      if (job->causal && t > s)
        p[t] = -INFINITY;
      max = isnan (p[t]) || p[t] > max ? p[t] : max;
    }
  for (int64_t t = 0; t < job->t; t++)
    sum += p[t] = exp (p[t] - max);
  for (int64_t t = 0; t < job->t; t++)
    p[t] /= sum;
}

static void
forward_range (void *data, int worker, int64_t begin, int64_t end)
{
  const Job *job = data;
  double *p = job->scratch + worker * 2 * job->t;
  for (int64_t row = begin; row < end; row++)
    {
      int64_t head = row / job->s;
      probabilities (job, head, row % job->s, p);
      for (int64_t t = 0; t < job->t; t++)
        add_scaled (job->call->out[0].f + row * job->e, p[t],
                    job->v->f + (head * job->t + t) * job->e, job->e);
    }
}

/* dv = p^T dy; with dp = dy v^T: ds = p (dp - sum (p dp)) scale; dq = ds k, dk = ds^T q. */
static void
backward_query (const Job *job, int64_t head, int64_t s, double *p, double *dp)
{
  const CpuTensor *out = job->call->out;
  const double *dy = job->dy->f + (head * job->s + s) * job->e;
  const double *q = job->q->f + (head * job->s + s) * job->d;
  double *dq = out[0].f + (head * job->s + s) * job->d, total = 0;
  probabilities (job, head, s, p);
  for (int64_t t = 0; t < job->t; t++)
    {
      dp[t] = dot (dy, job->v->f + (head * job->t + t) * job->e, job->e);
      total += p[t] * dp[t];
    }
  for (int64_t t = 0; t < job->t; t++)
    {
      int64_t key = head * job->t + t;
      double ds = p[t] * (dp[t] - total) * job->scale;
      add_scaled (dq, ds, job->k->f + key * job->d, job->d);
      add_scaled (out[1].f + key * job->d, ds, q, job->d);
      add_scaled (out[2].f + key * job->e, p[t], dy, job->e);
    }
}

static void
backward_range (void *data, int worker, int64_t begin, int64_t end)
{
  const Job *job = data;
  double *p = job->scratch + worker * 2 * job->t;
  for (int64_t head = begin; head < end; head++)
    for (int64_t s = 0; s < job->s; s++)
      backward_query (job, head, s, p, p + job->t);
}

static bool
run_attention (CpuCall *call, GError **error)
{
  bool backward = call->kernel->detail != NULL;
  Job job = attention_job (call, backward ? 1 : 0);
  size_t n_scratch = (size_t) cpu_workers_max (call->workers) * 2 * (size_t) job.t;
  job.scratch = sf_aligned_alloc (n_scratch, sizeof (double),
                                  sf_node_name (call->graph, call->node), error);
  if (job.scratch == NULL)
    return false;
  int64_t row_cost = job.t * (job.d + job.e + 16);
  if (backward)
    cpu_parallel (call->workers, job.n_heads, 3 * job.s * row_cost, backward_range, &job);
  else
    cpu_parallel (call->workers, job.n_heads * job.s, row_cost, forward_range, &job);
  sf_aligned_free (job.scratch);
  return true;
}

const CpuKernel cpu_kernels_attention[] = {
  { "attention", 1, run_attention, NULL },
  { "attention_bwd", 1, run_attention, "backward" },
  { NULL },
};
