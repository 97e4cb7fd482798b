/* SPDX-License-Identifier: Apache-2.0 */
/* reduce_sum, reduce_max, reduce_min, reduce_prod: sums and products within a box run in f64 and
 * are added to the accumulator once; products of integers wrap.
 *
 * A box is seen as memory has it. Where what is reduced lies innermost, dense rows are reduced in
 * lanes; where results do, rows are added to as many results as a first level cache takes. */
#include <math.h>

#include "plugins/backends/rdu/kernels_lanes.h"
#include "plugins/backends/rdu/kernels_rows.h"
#include "plugins/backends/rdu/kernels_view.h"

#define CHUNK     512 /* results that are kept in first level cache at a time */
#define ROW_GROUP RDU_SUMMED_ROWS

/* A box of x seen as (results, reduced), each a list of extents and strides, outermost in memory
 * first, neighbours merged. */
typedef struct
{
  int n_kept, n_reduced;
  int64_t kept[SF_MAX_RANK], kept_x[SF_MAX_RANK], kept_y[SF_MAX_RANK];
  int64_t reduced[SF_MAX_RANK], reduced_x[SF_MAX_RANK];
  bool goes_on; /* results are not empty to begin with */
} Plan;

static void
keep_dim (Plan *plan, int64_t n, int64_t x, int64_t y)
{
  int last = plan->n_kept - 1;
  bool merge = last >= 0 && plan->kept_x[last] == x * n && plan->kept_y[last] == y * n;
  int to = merge ? last : plan->n_kept++;
  plan->kept[to] = merge ? plan->kept[to] * n : n;
  plan->kept_x[to] = x;
  plan->kept_y[to] = y;
}

static void
reduce_dim (Plan *plan, int64_t n, int64_t x)
{
  int last = plan->n_reduced - 1;
  bool merge = last >= 0 && plan->reduced_x[last] == x * n;
  int to = merge ? last : plan->n_reduced++;
  plan->reduced[to] = merge ? plan->reduced[to] * n : n;
  plan->reduced_x[to] = x;
}

/* False: there are no results. `is_empty`: nothing is reduced to them. */
static bool
make_plan (const RduCall *call, Plan *plan, bool *is_empty)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int64_t axes = call->imm[0], y_stride[SF_MAX_RANK];
  RduView box = *x;
  *plan = (Plan){ 0 };
  *is_empty = false;
  for (int d = 0, dy = 0; d < x->rank; d++)
    {
      bool is_reduced = (axes >> d & 1) != 0;
      y_stride[d] = is_reduced ? 0 : y->stride[dy];
      dy += !is_reduced || call->imm[1] != 0;
      if (x->n[d] == 0 && !is_reduced)
        return false;
      *is_empty |= x->n[d] == 0;
      box.n[d] = x->n[d] == 0 ? 1 : x->n[d];
    }
  int order[SF_MAX_RANK], n_dims = rdu_order_dims (&box, order);
  for (int i = 0; i < n_dims; i++)
    {
      int d = order[i];
      if ((axes >> d & 1) != 0)
        reduce_dim (plan, x->n[d], x->stride[d]);
      else
        keep_dim (plan, x->n[d], x->stride[d], y_stride[d]);
    }
  if (plan->n_kept == 0)
    plan->kept[plan->n_kept++] = 1;
  if (plan->n_reduced == 0)
    plan->reduced[plan->n_reduced++] = *is_empty ? 0 : 1;
  return true;
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

/* Reductions of `n` results side by side, each over all of plan->reduced, into result[]. */
typedef void (*RowFunc) (const Plan *plan, const int32_t *x, int64_t n, double *result);

/* Results one after the other, or rows added to all of them. */
#define REDUCE_ROW(func, type, empty, combine)                                              \
  static void func (const Plan *plan, const int32_t *x, int64_t n, double *result)          \
  {                                                                                         \
    int inner = plan->n_reduced - 1;                                                        \
    int64_t sx = plan->kept_x[plan->n_kept - 1], sr = plan->reduced_x[inner];               \
    int64_t index[SF_MAX_RANK] = { 0 }, offset = 0, length = plan->reduced[inner];          \
    for (int64_t j = 0; !plan->goes_on && j < n; j++)                                       \
      result[j] = (empty);                                                                  \
    do                                                                                      \
      {                                                                                     \
        const type *from = (const type *) x + offset;                                       \
        for (int64_t r = 0; sx == 1 && r < length; r++, from += sr)                         \
          RDU_LOOP (n)                                                                      \
          {                                                                                 \
            double v = from[i], old = result[i];                                            \
            result[i] = (combine);                                                          \
          }                                                                                 \
        for (int64_t j = 0; sx != 1 && j < n; j++)                                          \
          {                                                                                 \
            double old = result[j];                                                         \
            for (int64_t r = 0; r < length; r++)                                            \
              {                                                                             \
                double v = from[j * sx + r * sr];                                           \
                old = (combine);                                                            \
              }                                                                             \
            result[j] = old;                                                                \
          }                                                                                 \
      }                                                                                     \
    while (next_index (inner, plan->reduced, index, plan->reduced_x, &offset, NULL, NULL)); \
  }

REDUCE_ROW (max_any, float, -(double) INFINITY, old > v || old != old ? old : v)
REDUCE_ROW (max_i, int32_t, (double) INT32_MIN, old > v ? old : v)
REDUCE_ROW (min_any, float, (double) INFINITY, old < v || old != old ? old : v)
REDUCE_ROW (min_i, int32_t, (double) INT32_MAX, old < v ? old : v)
REDUCE_ROW (sum_any, float, 0.0, old + v)
REDUCE_ROW (sum_i, int32_t, 0.0, old + v)
REDUCE_ROW (prod_f, float, 1.0, old *v)
REDUCE_ROW (prod_i, int32_t, 1.0, (int32_t) ((uint32_t) (int32_t) old *(uint32_t) (int32_t) v))

static bool
reduces_dense_rows (const Plan *plan)
{
  return plan->reduced_x[plan->n_reduced - 1] == 1 && plan->reduced[plan->n_reduced - 1] >= 8;
}

static double
row_sum (const float *x, int64_t n)
{
  return rdu_row_sum (x, n);
}

static double
row_max (const float *x, int64_t n)
{
  return rdu_row_extreme (x, n, 1.0f);
}

static double
row_min (const float *x, int64_t n)
{
  return rdu_row_extreme (x, n, -1.0f);
}

#define REDUCE_DENSE(func, row, otherwise, empty, combine)                                  \
  static void func (const Plan *plan, const int32_t *x, int64_t n, double *result)          \
  {                                                                                         \
    int inner = plan->n_reduced - 1;                                                        \
    int64_t sx = plan->kept_x[plan->n_kept - 1], index[SF_MAX_RANK] = { 0 }, offset = 0;    \
    if (!reduces_dense_rows (plan))                                                         \
      {                                                                                     \
        otherwise (plan, x, n, result);                                                     \
        return;                                                                             \
      }                                                                                     \
    for (int64_t j = 0; !plan->goes_on && j < n; j++)                                       \
      result[j] = (empty);                                                                  \
    do                                                                                      \
      for (int64_t j = 0; j < n; j++)                                                       \
        {                                                                                   \
          double v = row ((const float *) x + offset + j * sx, plan->reduced[inner]);       \
          double old = result[j];                                                           \
          result[j] = (combine);                                                            \
        }                                                                                   \
    while (next_index (inner, plan->reduced, index, plan->reduced_x, &offset, NULL, NULL)); \
  }

/* Adds `n_rows` rows of `n` elements to the results, ROW_GROUP at a time. */
static void
add_rows (const float *x, int64_t stride, int64_t n_rows, int64_t n, double *result)
{
  int64_t r = 0;
  for (; r + ROW_GROUP <= n_rows; r += ROW_GROUP, x += ROW_GROUP * stride)
    {
      const float *a = x, *b = a + stride, *c = b + stride, *d = c + stride;
      const float *e = d + stride, *f = e + stride, *g = f + stride, *h = g + stride;
      RDU_LOOP (n)
      result[i] += (((double) a[i] + (double) b[i]) + ((double) c[i] + (double) d[i]))
                   + (((double) e[i] + (double) f[i]) + ((double) g[i] + (double) h[i]));
    }
  for (; r < n_rows; r++, x += stride)
    RDU_LOOP (n) result[i] += (double) x[i];
}

static void
sum_rows (const Plan *plan, const int32_t *x, int64_t n, double *result)
{
  int inner = plan->n_reduced - 1;
  int64_t index[SF_MAX_RANK] = { 0 }, offset = 0;
  if (plan->kept_x[plan->n_kept - 1] != 1)
    {
      sum_any (plan, x, n, result);
      return;
    }
  for (int64_t j = 0; !plan->goes_on && j < n; j++)
    result[j] = 0;
  do
    add_rows ((const float *) x + offset, plan->reduced_x[inner], plan->reduced[inner], n, result);
  while (next_index (inner, plan->reduced, index, plan->reduced_x, &offset, NULL, NULL));
}

REDUCE_DENSE (sum_f, row_sum, sum_rows, 0.0, old + v)
REDUCE_DENSE (max_f, row_max, max_any, -(double) INFINITY, old > v || old != old ? old : v)
REDUCE_DENSE (min_f, row_min, min_any, (double) INFINITY, old < v || old != old ? old : v)

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
  Plan plan;
  bool is_empty;
  if (!make_plan (call, &plan, &is_empty))
    return;
  int inner = plan.n_kept - 1;
  int64_t index[SF_MAX_RANK] = { 0 }, x = 0, y = 0;
  double *result = (double *) (void *) call->scratch;
  if (call->carried != NULL)
    {
      result = call->carried->sums;
      plan.goes_on = call->carried->goes_on;
    }
  if (is_empty)
    plan.n_reduced = 1;
  plan.reduced[0] = is_empty ? 0 : plan.reduced[0];
  do
    for (int64_t j = 0; j < plan.kept[inner]; j += CHUNK)
      {
        int64_t n = plan.kept[inner] - j < CHUNK ? plan.kept[inner] - j : CHUNK;
        row (&plan, (const int32_t *) call->src[0]->data + x + j * plan.kept_x[inner], n, result);
        if (call->carried == NULL || !call->carried->is_left)
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
