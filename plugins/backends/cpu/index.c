/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that address elements by value: gather, scatter, scatter_add, embedding and its adjoint. */
#include "kernel.h"

/* What an element becomes when another one arrives at its place. */
typedef struct
{
  const char *reduce;
  double (*f) (double held, double u);
  int64_t (*i) (int64_t held, int64_t u, SfDtype dtype);
} Meeting;

/* Rows of `inner` elements, n_rows of them along the indexed axis, for each of `outer`. */
typedef struct
{
  const CpuTensor *source, *index;
  CpuTensor *target;
  int64_t outer, n_rows, inner;
  const Meeting *meeting; /* scatter: how the held and the new element become one */
} IndexJob;

static bool
check_index (const CpuCall *call, const IndexJob *job, GError **error)
{
  for (int64_t e = 0; e < job->index->n; e++)
    {
      int64_t i = job->index->i[e];
      if (i >= 0 && i < job->n_rows)
        continue;
      g_autofree char *position = cpu_position_text (&job->index->shape, e);
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: index %s is %" G_GINT64_FORMAT ", wanted 0 to %" G_GINT64_FORMAT
                      "; correct the data that is fed",
                      sf_node_name (call->graph, call->node), position, i, job->n_rows - 1);
    }
  return true;
}

static void
gather_range (void *data, int worker, int64_t begin, int64_t end)
{
  const IndexJob *job = data;
  size_t bytes = 8 * (size_t) job->inner;
  for (int64_t e = begin; e < end; e++)
    {
      int64_t outer = e / job->index->n, row = job->index->i[e % job->index->n];
      memcpy ((char *) job->target->data + bytes * (size_t) e,
              (const char *) job->source->data + bytes * (size_t) (outer * job->n_rows + row),
              bytes);
    }
}

static bool
gather (CpuCall *call, int axis, GError **error)
{
  const CpuTensor *x = &call->in[0], *index = &call->in[1];
  CpuAxis at = cpu_axis (&x->shape, axis);
  IndexJob job = { x, index, &call->out[0], at.outer, at.n, at.inner };
  if (!check_index (call, &job, error))
    return false;
  cpu_parallel (call->workers, at.outer * index->n, at.inner, gather_range, &job);
  return true;
}

static bool
run_gather (CpuCall *call, GError **error)
{
  return gather (call, cpu_attr_axis (call, call->in[0].shape.rank), error);
}

static bool
run_embedding (CpuCall *call, GError **error)
{
  return gather (call, 0, error);
}

static double
f_set (double held, double u)
{
  return u;
}

static double
f_add (double held, double u)
{
  return held + u;
}

static double
f_mul (double held, double u)
{
  return held * u;
}

static double
f_max (double held, double u)
{
  return isnan (held) || held > u ? held : u;
}

static double
f_min (double held, double u)
{
  return isnan (held) || held < u ? held : u;
}

static int64_t
i_set (int64_t held, int64_t u, SfDtype dtype)
{
  return u;
}

static int64_t
i_add (int64_t held, int64_t u, SfDtype dtype)
{
  return (int64_t) ((uint64_t) held + (uint64_t) u);
}

static int64_t
i_mul (int64_t held, int64_t u, SfDtype dtype)
{
  return (int64_t) ((uint64_t) held * (uint64_t) u);
}

static int64_t
i_max (int64_t held, int64_t u, SfDtype dtype)
{
  bool less = dtype == SF_U64 ? (uint64_t) held < (uint64_t) u : held < u;
  return less ? u : held;
}

static int64_t
i_min (int64_t held, int64_t u, SfDtype dtype)
{
  return i_max (held, u, dtype) == held ? u : held;
}

static const Meeting meetings[] = {
  { "set", f_set, i_set }, { "add", f_add, i_add }, { "mul", f_mul, i_mul },
  { "max", f_max, i_max }, { "min", f_min, i_min },
};

/* Columns begin .. end-1 of all outer * inner: each takes its elements in order of the index. */
static void
scatter_range (void *data, int worker, int64_t begin, int64_t end)
{
  const IndexJob *job = data;
  bool is_float = sf_dtype_is_float (job->target->dtype);
  while (begin < end)
    {
      int64_t outer = begin / job->inner, from = begin % job->inner;
      int64_t n = MIN (job->inner - from, end - begin);
      for (int64_t k = 0; k < job->index->n; k++)
        {
          int64_t source = (outer * job->index->n + k) * job->inner + from;
          int64_t target = (outer * job->n_rows + job->index->i[k]) * job->inner + from;
          double *f = job->target->f + target;
          int64_t *held = job->target->i + target;
          for (int64_t i = 0; i < n; i++)
            if (is_float)
              f[i] = job->meeting->f (f[i], job->source->f[source + i]);
            else
              held[i] = job->meeting->i (held[i], job->source->i[source + i], job->target->dtype);
        }
      begin += n;
    }
}

static bool
scatter (CpuCall *call, const CpuTensor *index, const CpuTensor *source, int axis,
         const char *reduce, GError **error)
{
  CpuAxis at = cpu_axis (&call->out[0].shape, axis);
  IndexJob job = { source, index, &call->out[0], at.outer, at.n, at.inner, meetings };
  while (strcmp (job.meeting->reduce, reduce) != 0)
    job.meeting++;
  if (!check_index (call, &job, error))
    return false;
  cpu_parallel (call->workers, at.outer * at.inner, index->n, scatter_range, &job);
  return true;
}

static bool
run_scatter_add (CpuCall *call, GError **error)
{
  int axis = cpu_attr_axis (call, call->out[0].shape.rank);
  return scatter (call, &call->in[0], &call->in[1], axis, "add", error);
}

static bool
run_scatter (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0];
  if (x->n > 0)
    memcpy (call->out[0].data, x->data, 8 * (size_t) x->n);
  return scatter (call, &call->in[1], &call->in[2], cpu_attr_axis (call, x->shape.rank),
                  sf_node_attr_string (call->graph, call->node, "reduce"), error);
}

static bool
run_embedding_bwd (CpuCall *call, GError **error)
{
  return scatter (call, &call->in[1], &call->in[0], 0, "add", error);
}

const CpuKernel cpu_kernels_index[] = {
  { "gather", 1, run_gather, NULL },
  { "scatter", 1, run_scatter, NULL },
  { "scatter_add", 1, run_scatter_add, NULL },
  { "embedding", 1, run_embedding, NULL },
  { "embedding_bwd", 1, run_embedding_bwd, NULL },
  { NULL },
};
