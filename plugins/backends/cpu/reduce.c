/* SPDX-License-Identifier: Apache-2.0 */
/* Reductions over sets of axes, and argmax. Each result is one sum in row-major order of the
 * reduced elements. */
#include "kernel.h"

/* How a set of elements becomes one: where it starts, and how it takes the next. */
typedef struct
{
  double (*f) (double acc, double x);
  int64_t (*i) (int64_t acc, int64_t x, SfDtype dtype);
  double f_start;
  int64_t (*i_start) (SfDtype dtype);
  bool mean;
} Fold;

typedef struct
{
  const CpuCall *call;
  const Fold *fold;
  CpuCursor kept,
      reduced; /* over x: where a result's elements begin, and how they lie from there */
  int64_t n_reduced;
} ReduceJob;

static double
fold_floats (const ReduceJob *job, const double *x)
{
  double acc = job->fold->f_start;
  CpuCursor cursor = job->reduced;
  if (job->n_reduced > 0)
    cpu_cursor_seek (&cursor, 0);
  for (int64_t e = 0; e < job->n_reduced;)
    {
      int64_t n = cpu_cursor_run (&cursor);
      const double *run = x + cursor.offset[0];
      for (int64_t k = 0; k < n; k++)
        acc = job->fold->f (acc, run[k * cursor.inner[0]]);
      e += n;
      cpu_cursor_advance (&cursor, n);
    }
  return job->fold->mean ? acc / (double) job->n_reduced : acc;
}

static int64_t
fold_ints (const ReduceJob *job, const int64_t *x, SfDtype dtype)
{
  int64_t acc = job->fold->i_start (dtype);
  CpuCursor cursor = job->reduced;
  if (job->n_reduced > 0)
    cpu_cursor_seek (&cursor, 0);
  for (int64_t e = 0; e < job->n_reduced; e++)
    {
      acc = job->fold->i (acc, x[cursor.offset[0]], dtype);
      cpu_cursor_advance (&cursor, 1);
    }
  return acc;
}

static void
reduce_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ReduceJob *job = data;
  const CpuTensor *x = &job->call->in[0];
  CpuTensor *y = &job->call->out[0];
  CpuCursor kept = job->kept;
  cpu_cursor_seek (&kept, begin);
  for (int64_t e = begin; e < end; e++)
    {
      if (sf_dtype_is_float (y->dtype))
        y->f[e] = fold_floats (job, x->f + kept.offset[0]);
      else
        y->i[e] = fold_ints (job, x->i + kept.offset[0], x->dtype);
      cpu_cursor_advance (&kept, 1);
    }
}

/* Splits the dimensions of x in those that stay and those that are folded. */
static void
split_axes (const CpuCall *call, ReduceJob *job)
{
  const SfShape *shape = &call->in[0].shape;
  bool folded[SF_MAX_RANK] = { false };
  size_t n_axes = 0;
  const int64_t *axes = sf_node_attr_ints (call->graph, call->node, "axes", &n_axes);
  for (int d = 0; d < shape->rank; d++)
    folded[d] = n_axes == 0; /* none named: all */
  for (size_t k = 0; k < n_axes; k++)
    folded[axes[k] < 0 ? axes[k] + shape->rank : axes[k]] = true;
  int64_t strides[SF_MAX_RANK], of[2][SF_MAX_RANK] = { { 0 } };
  sf_shape_strides (shape, strides);
  SfShape part[2] = { { 0 }, { 0 } };
  for (int d = 0; d < shape->rank; d++)
    {
      SfShape *into = &part[folded[d]];
      of[folded[d]][into->rank] = strides[d];
      into->dim[into->rank++] = shape->dim[d];
    }
  CpuCursor *cursors[2] = { &job->kept, &job->reduced };
  for (int k = 0; k < 2; k++)
    {
      cpu_cursor_init (cursors[k], &part[k]);
      cpu_cursor_add (cursors[k], of[k]);
      cpu_cursor_collapse (cursors[k]);
    }
  job->n_reduced = sf_shape_n_elems (&part[1]);
}

static bool
run_reduce (CpuCall *call, GError **error)
{
  ReduceJob job = { .call = call, .fold = call->kernel->detail };
  split_axes (call, &job);
  cpu_parallel (call->workers, call->out[0].n, 2 * job.n_reduced, reduce_range, &job);
  return true;
}

static double
f_sum (double acc, double x)
{
  return acc + x;
}

static double
f_max (double acc, double x)
{
  return isnan (acc) || acc > x ? acc : x;
}

static double
f_min (double acc, double x)
{
  return isnan (acc) || acc < x ? acc : x;
}

static bool
i_less (int64_t a, int64_t b, SfDtype dtype)
{
  return dtype == SF_U64 ? (uint64_t) a < (uint64_t) b : a < b;
}

static int64_t
i_sum (int64_t acc, int64_t x, SfDtype dtype)
{
  return (int64_t) ((uint64_t) acc + (uint64_t) x);
}

static int64_t
i_max (int64_t acc, int64_t x, SfDtype dtype)
{
  return i_less (acc, x, dtype) ? x : acc;
}

static int64_t
i_min (int64_t acc, int64_t x, SfDtype dtype)
{
  return i_less (x, acc, dtype) ? x : acc;
}

static double
f_product (double acc, double x)
{
  return acc * x;
}

static int64_t
i_product (int64_t acc, int64_t x, SfDtype dtype)
{
  return (int64_t) ((uint64_t) acc * (uint64_t) x);
}

static int64_t
zero_of (SfDtype dtype)
{
  return 0;
}

static int64_t
one_of (SfDtype dtype)
{
  return 1;
}

/* The least and the greatest integer of a dtype stand for the infinities. */
static int64_t
least_of (SfDtype dtype)
{
  return sf_dtype_is_signed (dtype) ? INT64_MIN >> (64 - 8 * (int) sf_dtype_bytes (dtype)) : 0;
}

static int64_t
greatest_of (SfDtype dtype)
{
  if (dtype == SF_BOOL)
    return 1;
  if (sf_dtype_is_signed (dtype))
    return INT64_MAX >> (64 - 8 * (int) sf_dtype_bytes (dtype));
  return (int64_t) (UINT64_MAX >> (64 - 8 * (int) sf_dtype_bytes (dtype)));
}

static const Fold fold_sum = { f_sum, i_sum, 0, zero_of, false };
static const Fold fold_max = { f_max, i_max, -INFINITY, least_of, false };
static const Fold fold_min = { f_min, i_min, INFINITY, greatest_of, false };
static const Fold fold_product = { f_product, i_product, 1, one_of, false };
static const Fold fold_mean = { f_sum, NULL, 0, NULL, true };

/* ---- argmax ---- */

typedef struct
{
  const CpuCall *call;
  CpuAxis axis;
  bool last;
} ArgmaxJob;

/* NaN is greater than every number. */
static bool
is_greater (const CpuTensor *x, int64_t a, int64_t b)
{
  if (!sf_dtype_is_float (x->dtype))
    return i_less (x->i[b], x->i[a], x->dtype);
  return !isnan (x->f[b]) && (isnan (x->f[a]) || x->f[a] > x->f[b]);
}

static void
argmax_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ArgmaxJob *job = data;
  const CpuTensor *x = &job->call->in[0];
  const CpuAxis axis = job->axis;
  for (int64_t e = begin; e < end; e++)
    {
      int64_t first = e / axis.inner * axis.n * axis.inner + e % axis.inner, best = 0;
      for (int64_t k = 1; k < axis.n; k++)
        {
          int64_t at = first + k * axis.inner, held = first + best * axis.inner;
          if (job->last ? !is_greater (x, held, at) : is_greater (x, at, held))
            best = k;
        }
      job->call->out[0].i[e] = best;
    }
}

static bool
run_argmax (CpuCall *call, GError **error)
{
  const SfShape *shape = &call->in[0].shape;
  ArgmaxJob job = { call, cpu_axis (shape, cpu_attr_axis (call, shape->rank)),
                    cpu_attr_int (call, "last") != 0 };
  cpu_parallel (call->workers, call->out[0].n, 2 * job.axis.n, argmax_range, &job);
  return true;
}

const CpuKernel cpu_kernels_reduce[] = {
  { "reduce_sum", 1, run_reduce, &fold_sum },
  { "reduce_max", 1, run_reduce, &fold_max },
  { "reduce_min", 1, run_reduce, &fold_min },
  { "reduce_mean", 1, run_reduce, &fold_mean },
  { "reduce_prod", 1, run_reduce, &fold_product },
  { "argmax", 1, run_argmax, NULL },
  { NULL },
};
