/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels on whole rows: running sums, sorting, layer_norm and its gradient. Long sums of
 * floats run in f64. Rows that are not dense are brought into scratch. */
#include <math.h>

#include "plugins/backends/rdu/kernels_axis.h"
#include "plugins/backends/rdu/kernels_lanes.h"
#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_rows.h"

/* ---- running sums ---- */

/* y[i]: the sum of what comes before i, and of i itself unless exclusive. */
static void
sum_row_f (const float *x, int64_t sx, float *y, int64_t sy, int64_t n, bool exclusive)
{
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    {
      double next = sum + x[i * sx];
      y[i * sy] = (float) (exclusive ? sum : next);
      sum = next;
    }
}

static void
sum_row_i (const uint32_t *x, int64_t sx, uint32_t *y, int64_t sy, int64_t n, bool exclusive)
{
  uint32_t sum = 0;
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t next = sum + x[i * sx];
      y[i * sy] = exclusive ? sum : next;
      sum = next;
    }
}

/* imm: axis, exclusive, reverse (from the end to the front). */
static void
cumsum (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int axis = rdu_axis_of (call, call->imm[0]);
  bool exclusive = call->imm[1] != 0, reverse = call->imm[2] != 0;
  RduRows rows = rdu_rows_of (y, axis);
  int64_t sx = x->stride[axis], sy = y->stride[axis];
  int64_t end = reverse ? rows.length - 1 : 0, turn = reverse ? -1 : 1;
  for (int64_t r = 0; r < rows.n_rows && rows.length > 0; r++, rdu_rows_next (&rows))
    {
      float *from = rdu_row_at (&rows, x) + end * sx, *to = rdu_row_at (&rows, y) + end * sy;
      if (y->is_int)
        sum_row_i ((const uint32_t *) from, turn * sx, (uint32_t *) to, turn * sy, rows.length,
                   exclusive);
      else
        sum_row_f (from, turn * sx, to, turn * sy, rows.length, exclusive);
    }
}

/* ---- sorting ---- */

/* A row of f32 or i32 and its order. NaN is greater than every number. */
typedef struct
{
  const float *x;
  int64_t stride;
  bool is_int, descending;
} Keys;

/* Whether element a must stand before element b, wherever they stand now. */
static bool
precedes (const Keys *keys, int32_t a, int32_t b)
{
  if (keys->descending)
    {
      int32_t swap = a;
      a = b;
      b = swap;
    }
  const float *x = keys->x + a * keys->stride, *y = keys->x + b * keys->stride;
  if (keys->is_int)
    return *(const int32_t *) x < *(const int32_t *) y;
  return *x == *x && (*y != *y || *x < *y);
}

/* Merges runs of `width` until the row is one; the order ends up in what is returned. */
static const int32_t *
merge_runs (const Keys *keys, int32_t *order, int32_t *other, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    order[i] = (int32_t) i;
  for (int64_t width = 1; width < n; width *= 2)
    {
      for (int64_t begin = 0; begin < n; begin += 2 * width)
        {
          int64_t a = begin, middle = begin + width < n ? begin + width : n, b = middle;
          int64_t end = begin + 2 * width < n ? begin + 2 * width : n;
          for (int64_t to = begin; to < end; to++)
            {
              bool second = a == middle || (b < end && precedes (keys, order[b], order[a]));
              other[to] = second ? order[b++] : order[a++];
            }
        }
      int32_t *swap = order;
      order = other;
      other = swap;
    }
  return order;
}

/* imm: axis, descending. Stable either way. */
static void
sort (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0], *where = call->dst[1];
  int axis = rdu_axis_of (call, call->imm[0]);
  RduRows rows = rdu_rows_of (y, axis);
  Keys keys = { .stride = x->stride[axis], .is_int = x->is_int, .descending = call->imm[1] != 0 };
  int32_t *order = (int32_t *) (void *) call->scratch, *other = order + rows.length;
  for (int64_t r = 0; r < rows.n_rows; r++, rdu_rows_next (&rows))
    {
      keys.x = rdu_row_at (&rows, x);
      const int32_t *sorted = merge_runs (&keys, order, other, rows.length);
      int32_t *to = (int32_t *) rdu_row_at (&rows, y), *at = (int32_t *) rdu_row_at (&rows, where);
      for (int64_t i = 0; i < rows.length; i++)
        {
          to[i * y->stride[axis]] = ((const int32_t *) keys.x)[sorted[i] * keys.stride];
          at[i * where->stride[axis]] = sorted[i];
        }
    }
}

/* ---- layer_norm ---- */

/* The normalised dimensions of a row as one: its stride, or 0 where memory is not so. */
static int64_t
inner_stride (const RduView *view, int from)
{
  int64_t stride = view->stride[view->rank - 1];
  for (int d = view->rank - 1; d > from; d--)
    if (view->stride[d - 1] != view->stride[d] * view->n[d])
      return 0;
  return stride;
}

static int64_t
inner_offset (const RduView *view, int from, int64_t flat)
{
  int64_t offset = 0;
  for (int d = view->rank - 1; d >= from; d--)
    {
      offset += flat % view->n[d] * view->stride[d];
      flat /= view->n[d];
    }
  return offset;
}

/* The dimensions `from` .. of a view, beginning at x, as a dense row. */
static const float *
dense_inner (const RduView *view, int from, const float *x, int64_t n, float *room)
{
  if (inner_stride (view, from) != 0)
    return rdu_dense_row (x, inner_stride (view, from), n, room);
  for (int64_t i = 0; i < n; i++)
    room[i] = x[inner_offset (view, from, i)];
  return room;
}

/* y = (x - mean) rstd gamma + beta; the mean in two parts, as sums run in f64. */
static void
normalise (const float *x, const float *gamma, const float *beta, double mean, float rstd, float *y,
           int64_t n)
{
  float centre = (float) mean, rest = (float) (mean - centre);
  RDU_LOOP (n) y[i] = rdu_fma (((x[i] - centre) - rest) * rstd, gamma[i], beta[i]);
}

/* Offsets of row r in each of the views, of which the first has all the dimensions. */
static void
find_row (const RduView *const *views, int n_views, int first, int64_t r, int64_t *offset)
{
  for (int v = 0; v < n_views; v++)
    offset[v] = 0;
  for (int d = first - 1; d >= 0; r /= views[0]->n[d--])
    for (int v = 0; v < n_views; v++)
      offset[v] += d < views[v]->rank ? r % views[0]->n[d] * views[v]->stride[d] : 0;
}

/* Elements of a row, and rows, of a box that is normalised from dimension `first` on. */
static int64_t
count_rows (const RduView *x, int first, int64_t *n)
{
  int64_t n_rows = 1;
  *n = 1;
  for (int d = 0; d < x->rank; d++)
    *(d < first ? &n_rows : n) *= x->n[d];
  return n_rows;
}

/* Brings a row that was made in a room of its own to where it belongs. */
static void
put_inner (const RduView *y, int from, const float *made, float *to, int64_t n)
{
  for (int64_t i = 0; i < n && made != to; i++)
    to[inner_offset (y, from, i)] = made[i];
}

/* x, gamma, beta -> y, mean, rstd: two passes over each row. */
static void
layer_norm (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  const RduView *views[] = { x, y, call->dst[1], call->dst[2] };
  int first = rdu_axis_of (call, call->imm[0]);
  int64_t n, n_rows = count_rows (x, first, &n), offset[4], y_stride = inner_stride (y, first);
  float *room = call->scratch;
  const float *gamma = dense_inner (call->src[1], 0, call->src[1]->data, n, room + n);
  const float *beta = dense_inner (call->src[2], 0, call->src[2]->data, n, room + 2 * n);
  for (int64_t r = 0; r < n_rows; r++)
    {
      find_row (views, 4, first, r, offset);
      const float *from = dense_inner (x, first, (const float *) x->data + offset[0], n, room);
      float *to = (float *) y->data + offset[1];
      double mean = rdu_row_sum (from, n) / (double) n;
      double rstd = 1.0 / sqrt (rdu_row_spread (from, mean, n) / (double) n + call->fimm[0]);
      float *made = rdu_row_room (to, y_stride, room);
      normalise (from, gamma, beta, mean, (float) rstd, made, n);
      put_inner (y, first, made, to, n);
      ((float *) call->dst[1]->data)[offset[2]] = (float) mean;
      ((float *) call->dst[2]->data)[offset[3]] = (float) rstd;
    }
}

/* Adds g = dy gamma and g (x - mean) of `n` elements, sixteen at most, to lanes. */
RDU_INLINE void
add_gradient (const float *dy, const float *x, const float *gamma, float mean, int64_t n,
              RduLanes *sum, RduLanes *along)
{
  RduLanes g = rdu_lanes_load (dy, n, 0) * rdu_lanes_load (gamma, n, 0);
  *sum += g;
  *along += g * (rdu_lanes_load (x, n, mean) - mean);
}

/* Sums of both over a row. */
static void
gradient_sums (const float *dy, const float *x, const float *gamma, float mean, int64_t n,
               double *sum, double *along)
{
  *sum = *along = 0;
  for (int64_t i = 0; i < n;)
    {
      RduLanes lanes = { 0 }, products = { 0 };
      int64_t end = n - i < RDU_LANE_SUM ? n : i + RDU_LANE_SUM;
      for (; i + 16 <= end; i += 16)
        add_gradient (dy + i, x + i, gamma + i, mean, 16, &lanes, &products);
      if (i < end)
        add_gradient (dy + i, x + i, gamma + i, mean, end - i, &lanes, &products);
      i = end;
      *sum += rdu_lanes_sum (lanes);
      *along += rdu_lanes_sum (products);
    }
}

/* dy, x, gamma, mean, rstd -> dx = rstd (g - mean of g - h times mean of g h), h = (x - mean) rstd.
 */
static void
layer_norm_dx (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dx = call->dst[0];
  const RduView *views[] = { dy, x, dx, call->src[3], call->src[4] };
  int first = rdu_axis_of (call, call->imm[0]);
  int64_t n, n_rows = count_rows (dy, first, &n), offset[5], stride = inner_stride (dx, first);
  float *room = call->scratch;
  const float *gamma = dense_inner (call->src[2], 0, call->src[2]->data, n, room + n);
  for (int64_t r = 0; r < n_rows; r++)
    {
      find_row (views, 5, first, r, offset);
      const float *g = dense_inner (dy, first, (const float *) dy->data + offset[0], n, room);
      const float *v = dense_inner (x, first, (const float *) x->data + offset[1], n, room + 2 * n);
      float *to = (float *) dx->data + offset[2], *made = rdu_row_room (to, stride, room);
      float mean = ((const float *) call->src[3]->data)[offset[3]];
      float rstd = ((const float *) call->src[4]->data)[offset[4]];
      double sum, along;
      gradient_sums (g, v, gamma, mean, n, &sum, &along);
      float level = (float) (sum / (double) n);
      float slope = (float) (along / (double) n * rstd * rstd);
      RDU_LOOP (n) made[i] = ((g[i] * gamma[i] - level) - (v[i] - mean) * slope) * rstd;
      put_inner (dx, first, made, to, n);
    }
}

const RduKernel RDU_SYMBOL (rdu_row_kernels)[] = {
  { "cumsum", 1, cumsum },
  { "sort", 1, sort },
  { "layer_norm", 1, layer_norm },
  { "layer_norm_dx", 1, layer_norm_dx },
  { NULL, 0, NULL },
};
