/* SPDX-License-Identifier: Apache-2.0 */
/* Determinants, by elimination with row pivots. */
#include <sf/checked.h>

#include "kernel.h"

typedef struct
{
  const CpuCall *call;
  int64_t n;
  double *scratch; /* a copy of all matrices */
} DetJob;

static void
swap_rows (double *a, int64_t n, int64_t one, int64_t other)
{
  for (int64_t j = 0; j < n; j++)
    {
      double held = a[one * n + j];
      a[one * n + j] = a[other * n + j];
      a[other * n + j] = held;
    }
}

/* Destroys a. */
static double
determinant (double *a, int64_t n)
{
  double product = 1;
  for (int64_t k = 0; k < n; k++)
    {
      int64_t pivot = k;
      for (int64_t i = k + 1; i < n; i++)
        if (fabs (a[i * n + k]) > fabs (a[pivot * n + k]))
          pivot = i;
      if (a[pivot * n + k] == 0)
        return 0;
      if (pivot != k)
        {
          swap_rows (a, n, pivot, k);
          product = -product;
        }
      product *= a[k * n + k];
      for (int64_t i = k + 1; i < n; i++)
        {
          double factor = a[i * n + k] / a[k * n + k];
          for (int64_t j = k + 1; j < n; j++)
            a[i * n + j] -= factor * a[k * n + j];
        }
    }
  return product;
}

static void
det_range (void *data, int worker, int64_t begin, int64_t end)
{
  const DetJob *job = data;
  for (int64_t e = begin; e < end; e++)
    job->call->out[0].f[e] = determinant (job->scratch + e * job->n * job->n, job->n);
}

static bool
run_det (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0];
  DetJob job = { .call = call, .n = x->shape.dim[x->shape.rank - 1] };
  job.scratch = sf_aligned_alloc ((size_t) MAX (x->n, 1), sizeof (double),
                                  sf_node_name (call->graph, call->node), error);
  if (job.scratch == NULL)
    return false;
  if (x->n > 0)
    memcpy (job.scratch, x->f, (size_t) x->n * sizeof (double));
  cpu_parallel (call->workers, call->out[0].n, job.n * job.n * job.n, det_range, &job);
  sf_aligned_free (job.scratch);
  return true;
}

const CpuKernel cpu_kernels_det[] = {
  { "det", 1, run_det, NULL },
  { NULL },
};
