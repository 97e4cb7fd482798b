/* SPDX-License-Identifier: Apache-2.0 */
/* Values from no tensor input: iota, rng_uniform, and dropout, which draws them. */
#include <sf/rng.h>

#include "kernel.h"

typedef struct
{
  const CpuCall *call;
  SfRng rng;
  double p;
} RandomJob;

/* The generator of a node: seed and step from the value `rng` (i32 [3]), the stream its own. */
static RandomJob
random_job (const CpuCall *call, const CpuTensor *rng)
{
  uint64_t low = (uint32_t) rng->i[0], high = (uint32_t) rng->i[1];
  return (RandomJob){ .call = call,
                      .rng = { .seed = low | high << 32,
                               .stream = (uint32_t) cpu_attr_int (call, "stream"),
                               .step = (uint32_t) rng->i[2] } };
}

static void
uniform_range (void *data, int worker, int64_t begin, int64_t end)
{
  const RandomJob *job = data;
  for (int64_t e = begin; e < end; e++)
    job->call->out[0].f[e] = (double) sf_rng_uniform (&job->rng, (uint64_t) e);
}

static bool
run_rng_uniform (CpuCall *call, GError **error)
{
  RandomJob job = random_job (call, &call->in[0]);
  cpu_parallel (call->workers, call->out[0].n, 64, uniform_range, &job);
  return true;
}

static void
dropout_range (void *data, int worker, int64_t begin, int64_t end)
{
  const RandomJob *job = data;
  double scale = 1 / (1 - job->p);
  for (int64_t e = begin; e < end; e++)
    {
      bool keep = (double) sf_rng_uniform (&job->rng, (uint64_t) e) >= job->p;
      job->call->out[0].f[e] = keep ? job->call->in[0].f[e] * scale : 0;
    }
}

static bool
run_dropout (CpuCall *call, GError **error)
{
  RandomJob job = random_job (call, &call->in[1]);
  job.p = sf_node_attr_float (call->graph, call->node, "p");
  cpu_parallel (call->workers, call->out[0].n, 64, dropout_range, &job);
  return true;
}

static bool
run_iota (CpuCall *call, GError **error)
{
  CpuTensor *y = &call->out[0];
  CpuAxis axis = cpu_axis (&y->shape, cpu_attr_axis (call, y->shape.rank));
  for (int64_t e = 0; e < y->n; e++)
    {
      int64_t index = e / axis.inner % axis.n;
      if (sf_dtype_is_float (y->dtype))
        y->f[e] = (double) index;
      else
        y->i[e] = index;
    }
  return true;
}

const CpuKernel cpu_kernels_random[] = {
  { "iota", 1, run_iota, NULL },
  { "rng_uniform", 1, run_rng_uniform, NULL },
  { "dropout", 1, run_dropout, NULL },
  { "dropout_bwd", 1, run_dropout, NULL },
  { NULL },
};
