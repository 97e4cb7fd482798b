/* SPDX-License-Identifier: Apache-2.0 */
/* Losses: softmax cross-entropy with its gradient, mean squared error. */
#include "kernel.h"

typedef struct
{
  const CpuTensor *logits, *labels;
  int64_t ignored, n_classes;
  double n_valid; /* rows that count, at least 1 */
} Entropy;

/* Reads attributes and labels; a label that is neither a class nor ignored is refused. */
static bool
entropy_of (const CpuCall *call, size_t first, Entropy *e, GError **error)
{
  const CpuTensor *logits = &call->in[first], *labels = &call->in[first + 1];
  *e = (Entropy){ .logits = logits,
                  .labels = labels,
                  .ignored = cpu_attr_int (call, "ignore_index"),
                  .n_classes = logits->shape.dim[logits->shape.rank - 1] };
  int64_t n_valid = 0;
  for (int64_t row = 0; row < labels->n; row++)
    {
      int64_t label = labels->i[row];
      if (label == e->ignored)
        continue;
      n_valid++;
      if (label >= 0 && label < e->n_classes)
        continue;
      g_autofree char *position = cpu_position_text (&labels->shape, row);
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: label %s is %" G_GINT64_FORMAT ", wanted 0 to %" G_GINT64_FORMAT
                      " or %" G_GINT64_FORMAT " for none; correct the labels that are fed",
                      sf_node_name (call->graph, call->node), position, label, e->n_classes - 1,
                      e->ignored);
    }
  e->n_valid = (double) MAX (n_valid, 1);
  return true;
}

/* Maximum and sum of exp (x - maximum) of one row. */
static double
row_sum (const double *x, int64_t n, double *max)
{
  double sum = 0;
  *max = -INFINITY;
  for (int64_t c = 0; c < n; c++)
    *max = isnan (x[c]) || x[c] > *max ? x[c] : *max;
  for (int64_t c = 0; c < n; c++)
    sum += exp (x[c] - *max);
  return sum;
}

static bool
run_softmax_ce (CpuCall *call, GError **error)
{
  Entropy e;
  if (!entropy_of (call, 0, &e, error))
    return false;
  double total = 0, max;
  for (int64_t row = 0; row < e.labels->n; row++)
    {
      const double *x = e.logits->f + row * e.n_classes;
      if (e.labels->i[row] == e.ignored)
        continue;
      double sum = row_sum (x, e.n_classes, &max);
      total += log (sum) - (x[e.labels->i[row]] - max);
    }
  call->out[0].f[0] = total / e.n_valid;
  return true;
}

/* dlogits = dloss (softmax - one-hot label) / rows, 0 in rows that do not count. */
static bool
run_softmax_ce_bwd (CpuCall *call, GError **error)
{
  Entropy e;
  if (!entropy_of (call, 1, &e, error))
    return false;
  double scale = call->in[0].f[0] / e.n_valid, max;
  for (int64_t row = 0; row < e.labels->n; row++)
    {
      const double *x = e.logits->f + row * e.n_classes;
      double *dx = call->out[0].f + row * e.n_classes;
      if (e.labels->i[row] == e.ignored)
        continue;
      double sum = row_sum (x, e.n_classes, &max);
      for (int64_t c = 0; c < e.n_classes; c++)
        dx[c] = scale * (exp (x[c] - max) / sum - (c == e.labels->i[row] ? 1 : 0));
    }
  return true;
}

static bool
run_mse (CpuCall *call, GError **error)
{
  double sum = 0;
  for (int64_t e = 0; e < call->in[0].n; e++)
    {
      double d = call->in[0].f[e] - call->in[1].f[e];
      sum += d * d;
    }
  call->out[0].f[0] = sum / (double) call->in[0].n;
  return true;
}

const CpuKernel cpu_kernels_loss[] = {
  { "softmax_ce", 1, run_softmax_ce, NULL },
  { "softmax_ce_bwd", 1, run_softmax_ce_bwd, NULL },
  { "mse", 1, run_mse, NULL },
  { NULL },
};
