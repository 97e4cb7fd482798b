/* SPDX-License-Identifier: Apache-2.0 */
/* reduce_sum, reduce_max, reduce_min, reduce_prod: sums and products within a box run in f64 in
 * row-major order of what is reduced, and are added to the accumulator once; products of integers
 * wrap. */
#include <math.h>

#include "plugins/backends/rdu/kernels_view.h"

#define CHUNK 512 /* results that are kept in registers and cache at a time */

/* A box of x seen as (results, reduced), each a list of extents and strides. */
typedef struct
{
  int n_kept, n_reduced;
  int64_t kept[SF_MAX_RANK], kept_x[SF_MAX_RANK], kept_y[SF_MAX_RANK];
  int64_t reduced[SF_MAX_RANK], reduced_x[SF_MAX_RANK];
} Plan;

static Plan
make_plan (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int64_t axes = call->imm[0];
  bool keepdims = call->imm[1] != 0;
  Plan plan = { 0 };
  for (int d = 0, dy = 0; d < x->rank; d++)
    {
      bool is_reduced = (axes >> d & 1) != 0;
      if (is_reduced)
        {
          plan.reduced[plan.n_reduced] = x->n[d];
          plan.reduced_x[plan.n_reduced++] = x->stride[d];
        }
      else
        {
          plan.kept[plan.n_kept] = x->n[d];
          plan.kept_x[plan.n_kept] = x->stride[d];
          plan.kept_y[plan.n_kept++] = y->stride[dy];
        }
      dy += !is_reduced || keepdims;
    }
  if (plan.n_kept == 0)
    plan.kept[plan.n_kept++] = 1;
  if (plan.n_reduced == 0)
    plan.reduced[plan.n_reduced++] = 1;
  return plan;
}

/* Advances an index over the `n` outermost of `extent`; returns whether there is another. */
static bool
next_index (int n, const int64_t *extent, int64_t *index, const int64_t *step_a, int64_t *a,
            const int64_t *step_b, int64_t *b)
{
  for (int d = n - 1; d >= 0; d--)
    {
      *a += step_a[d];
      if (b != NULL)
        *b += step_b[d];
      if (++index[d] < extent[d])
        return true;
      index[d] = 0;
      *a -= step_a[d] * extent[d];
      if (b != NULL)
        *b -= step_b[d] * extent[d];
    }
  return false;
}

/* Reductions of a row of `n` results, each over all of plan->reduced, into result[]. */
typedef void (*RowFunc) (const Plan *plan, const int32_t *x, int64_t n, double *result);

#define REDUCE_ROW(func, type, empty, combine)                                              \
  static void func (const Plan *plan, const int32_t *x, int64_t n, double *result)          \
  {                                                                                         \
    int inner = plan->n_reduced - 1;                                                        \
    int64_t sx = plan->kept_x[plan->n_kept - 1], sr = plan->reduced_x[inner];               \
    int64_t index[SF_MAX_RANK] = { 0 }, offset = 0, length = plan->reduced[inner];          \
    for (int64_t j = 0; j < n; j++)                                                         \
      result[j] = (empty);                                                                  \
    do                                                                                      \
      {                                                                                     \
        const type *from = (const type *) x + offset;                                       \
        if (sx == 1)                                                                        \
          for (int64_t r = 0; r < length; r++)                                              \
            for (int64_t j = 0; j < n; j++)                                                 \
              {                                                                             \
                double v = from[r * sr + j], old = result[j];                               \
                result[j] = (combine);                                                      \
              }                                                                             \
        else                                                                                \
          for (int64_t j = 0; j < n; j++)                                                   \
            {                                                                               \
              double old = result[j];                                                       \
              for (int64_t r = 0; r < length; r++)                                          \
                {                                                                           \
                  double v = from[j * sx + r * sr];                                         \
                  old = (combine);                                                          \
                }                                                                           \
              result[j] = old;                                                              \
            }                                                                               \
      }                                                                                     \
    while (next_index (inner, plan->reduced, index, plan->reduced_x, &offset, NULL, NULL)); \
  }

REDUCE_ROW (max_f, float, -(double) INFINITY, old > v || old != old ? old : v)
REDUCE_ROW (max_i, int32_t, (double) INT32_MIN, old > v ? old : v)
REDUCE_ROW (min_f, float, (double) INFINITY, old < v || old != old ? old : v)
REDUCE_ROW (min_i, int32_t, (double) INT32_MAX, old < v ? old : v)
REDUCE_ROW (sum_any, float, 0.0, old + v)
REDUCE_ROW (sum_i, int32_t, 0.0, old + v)
REDUCE_ROW (prod_f, float, 1.0, old *v)
REDUCE_ROW (prod_i, int32_t, 1.0, (int32_t) ((uint32_t) (int32_t) old *(uint32_t) (int32_t) v))

/* Sum of a contiguous row in sixteen interleaved partial sums, so that it vectorises. */
static double
sum_contiguous (const float *x, int64_t n)
{
  double part[16] = { 0 }, rest = 0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; l++)
      part[l] += x[i + l];
  for (; i < n; i++)
    rest += x[i];
  for (int width = 8; width > 0; width /= 2)
    for (int l = 0; l < width; l++)
      part[l] += part[l + width];
  return part[0] + rest;
}

static void
sum_f (const Plan *plan, const int32_t *x, int64_t n, double *result)
{
  int inner = plan->n_reduced - 1;
  if (plan->reduced_x[inner] != 1 || plan->reduced[inner] < 16)
    {
      sum_any (plan, x, n, result);
      return;
    }
  int64_t sx = plan->kept_x[plan->n_kept - 1], index[SF_MAX_RANK] = { 0 }, offset = 0;
  for (int64_t j = 0; j < n; j++)
    result[j] = 0;
  do
    for (int64_t j = 0; j < n; j++)
      result[j] += sum_contiguous ((const float *) x + offset + j * sx, plan->reduced[inner]);
  while (next_index (inner, plan->reduced, index, plan->reduced_x, &offset, NULL, NULL));
}

typedef enum
{
  SUM,
  MAX,
  MIN,
  PROD,
} Kind;

static int32_t
wrapped (double x)
{
  return (int32_t) (uint32_t) (int64_t) x;
}

/* Adds one row of results to the accumulator. */
static void
merge (Kind kind, const RduCall *call, int32_t *at, int64_t sy, const double *result, int64_t n)
{
  for (int64_t j = 0; j < n; j++, at += sy)
    if (call->dst[0]->is_int)
      {
        int32_t old = *at, v = wrapped (result[j]);
        if (!call->first)
          v = kind == SUM                  ? (int32_t) ((uint32_t) old + (uint32_t) v)
              : kind == PROD               ? (int32_t) ((uint32_t) old * (uint32_t) v)
              : (kind == MAX) == (old > v) ? old
                                           : v;
        *at = v;
      }
    else
      {
        float *to = (float *) at, old = *to, v = (float) result[j];
        if (!call->first && kind == SUM)
          v = old + v;
        else if (!call->first && kind == PROD)
          v = old * v;
        else if (!call->first && (old != old || (kind == MAX ? old > v : old < v)))
          v = old;
        *to = v;
      }
}

static void
reduce (const RduCall *call, Kind kind, RowFunc row)
{
  Plan plan = make_plan (call);
  int inner = plan.n_kept - 1;
  int64_t index[SF_MAX_RANK] = { 0 }, x = 0, y = 0;
  double *result = (double *) (void *) call->scratch;
  bool is_empty = false;
  for (int d = 0; d < plan.n_kept; d++)
    if (plan.kept[d] == 0)
      return;
  for (int d = 0; d < plan.n_reduced; d++)
    is_empty |= plan.reduced[d] == 0;
  if (is_empty)
    for (int d = 0; d < plan.n_reduced; d++)
      plan.reduced[d] = d < plan.n_reduced - 1 ? 1 : 0;
  do
    for (int64_t j = 0; j < plan.kept[inner]; j += CHUNK)
      {
        int64_t n = plan.kept[inner] - j < CHUNK ? plan.kept[inner] - j : CHUNK;
        row (&plan, (const int32_t *) call->src[0]->data + x + j * plan.kept_x[inner], n, result);
        merge (kind, call, (int32_t *) call->dst[0]->data + y + j * plan.kept_y[inner],
               plan.kept_y[inner], result, n);
      }
  while (next_index (inner, plan.kept, index, plan.kept_x, &x, plan.kept_y, &y));
}

static void
reduce_sum (const RduCall *call)
{
  reduce (call, SUM, call->src[0]->is_int ? sum_i : sum_f);
}

static void
reduce_max (const RduCall *call)
{
  reduce (call, MAX, call->src[0]->is_int ? max_i : max_f);
}

static void
reduce_min (const RduCall *call)
{
  reduce (call, MIN, call->src[0]->is_int ? min_i : min_f);
}

static void
reduce_prod (const RduCall *call)
{
  reduce (call, PROD, call->src[0]->is_int ? prod_i : prod_f);
}

const RduKernel RDU_SYMBOL (rdu_reduce_kernels)[] = {
  { "reduce_sum", 1, reduce_sum },
  { "reduce_max", 1, reduce_max },
  { "reduce_min", 1, reduce_min },
  { "reduce_prod", 1, reduce_prod },
  { NULL, 0, NULL },
};
