/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that work through the lines of an axis and keep its length: cumsum, sort. */
#include <stdlib.h>

#include <sf/checked.h>

#include "kernel.h"

typedef struct
{
  const CpuCall *call;
  CpuAxis axis;
  bool flag;     /* cumsum: exclusive; sort: descending */
  bool reverse;  /* cumsum */
  char *scratch; /* sort: per worker, places of one line twice */
  size_t scratch_bytes;
} LineJob;

/* Flat place of the first element of line `line`. */
static int64_t
line_start (CpuAxis axis, int64_t line)
{
  return line / axis.inner * axis.n * axis.inner + line % axis.inner;
}

static LineJob
line_job (const CpuCall *call, const char *flag)
{
  const SfShape *shape = &call->in[0].shape;
  return (LineJob){ .call = call,
                    .axis = cpu_axis (shape, cpu_attr_axis (call, shape->rank)),
                    .flag = cpu_attr_int (call, flag) != 0 };
}

/* ---- cumsum ---- */

static void
cumsum_range (void *data, int worker, int64_t begin, int64_t end)
{
  const LineJob *job = data;
  const CpuTensor *x = &job->call->in[0];
  CpuTensor *y = &job->call->out[0];
  const CpuAxis axis = job->axis;
  bool is_float = sf_dtype_is_float (y->dtype);
  for (int64_t line = begin; line < end; line++)
    {
      int64_t start = line_start (axis, line);
      double sum = 0;
      uint64_t int_sum = 0;
      for (int64_t k = 0; k < axis.n; k++)
        {
          int64_t at = start + (job->reverse ? axis.n - 1 - k : k) * axis.inner;
          double sum_before = sum;
          uint64_t int_before = int_sum;
          if (is_float)
            y->f[at] = (sum += x->f[at], job->flag ? sum_before : sum);
          else
            y->i[at] = (int64_t) (int_sum += (uint64_t) x->i[at], job->flag ? int_before : int_sum);
        }
    }
}

static bool
run_cumsum (CpuCall *call, GError **error)
{
  LineJob job = line_job (call, "exclusive");
  job.reverse = cpu_attr_int (call, "reverse") != 0;
  cpu_parallel (call->workers, job.axis.outer * job.axis.inner, 2 * job.axis.n, cumsum_range, &job);
  return true;
}

/* ---- sort ---- */

/* Whether element `a` of x must stand before element `b`, of which neither is the other: NaN is
 * greater than every number. */
static bool
stands_before (const CpuTensor *x, int64_t a, int64_t b, bool descending)
{
  if (descending)
    {
      int64_t c = a;
      a = b;
      b = c;
    }
  if (sf_dtype_is_float (x->dtype))
    return x->f[a] < x->f[b] || (isnan (x->f[b]) && !isnan (x->f[a]));
  return x->dtype == SF_U64 ? (uint64_t) x->i[a] < (uint64_t) x->i[b] : x->i[a] < x->i[b];
}

/* Merges from[begin .. middle) and from[middle .. end) into `to`; of equals the left comes first.
 */
static void
merge (const LineJob *job, int64_t start, const int64_t *from, int64_t begin, int64_t middle,
       int64_t end, int64_t *to)
{
  const CpuTensor *x = &job->call->in[0];
  int64_t left = begin, right = middle, inner = job->axis.inner;
  for (int64_t k = begin; k < end; k++)
    {
      bool take_right = left == middle
                        || (right < end
                            && stands_before (x, start + from[right] * inner,
                                              start + from[left] * inner, job->flag));
      to[k] = take_right ? from[right++] : from[left++];
    }
}

/* Merge sort from the bottom; returns which of the two arrays holds the result. */
static const int64_t *
sort_line (const LineJob *job, int64_t start, int64_t *places, int64_t *other)
{
  int64_t n = job->axis.n;
  for (int64_t k = 0; k < n; k++)
    places[k] = k;
  for (int64_t width = 1; width < n; width *= 2)
    {
      for (int64_t begin = 0; begin < n; begin += 2 * width)
        merge (job, start, places, begin, MIN (begin + width, n), MIN (begin + 2 * width, n),
               other);
      int64_t *done = other;
      other = places;
      places = done;
    }
  return places;
}

static void
sort_range (void *data, int worker, int64_t begin, int64_t end)
{
  const LineJob *job = data;
  const CpuTensor *x = &job->call->in[0];
  const CpuAxis axis = job->axis;
  int64_t *places = (int64_t *) (job->scratch + (size_t) worker * job->scratch_bytes);
  for (int64_t line = begin; line < end; line++)
    {
      int64_t start = line_start (axis, line);
      const int64_t *order = sort_line (job, start, places, places + axis.n);
      for (int64_t k = 0; k < axis.n; k++)
        {
          int64_t to = start + k * axis.inner, from = start + order[k] * axis.inner;
          memcpy ((char *) job->call->out[0].data + 8 * to, (const char *) x->data + 8 * from, 8);
          job->call->out[1].i[to] = order[k];
        }
    }
}

static bool
run_sort (CpuCall *call, GError **error)
{
  LineJob job = line_job (call, "descending");
  size_t n_workers = (size_t) cpu_workers_max (call->workers);
  job.scratch_bytes = 16 * (size_t) job.axis.n;
  job.scratch = sf_aligned_alloc (n_workers * MAX (job.scratch_bytes, 1), 1,
                                  sf_node_name (call->graph, call->node), error);
  if (job.scratch == NULL)
    return false;
  cpu_parallel (call->workers, job.axis.outer * job.axis.inner, 32 * job.axis.n, sort_range, &job);
  sf_aligned_free (job.scratch);
  return true;
}

const CpuKernel cpu_kernels_along[] = {
  { "cumsum", 1, run_cumsum, NULL },
  { "sort", 1, run_sort, NULL },
  { NULL },
};
