/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels on whole rows: softmax, log_softmax, their gradients, running sums, sorting,
 * layer_norm. Sums of floats run in f64. */
#include <math.h>

#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_view.h"

/* The rows of a box along one axis: where each starts, for up to three views of the same shape. */
typedef struct
{
  int rank;
  int64_t n[SF_MAX_RANK], length, n_rows;
  int64_t index[SF_MAX_RANK];
} Rows;

static Rows
rows_of (const RduView *view, int axis)
{
  Rows rows = { .rank = view->rank, .length = view->n[axis], .n_rows = 1 };
  for (int d = 0; d < view->rank; d++)
    {
      rows.n[d] = d == axis ? 1 : view->n[d];
      rows.n_rows *= rows.n[d];
    }
  return rows;
}

static float *
row_at (const Rows *rows, const RduView *view)
{
  float *at = view->data;
  for (int d = 0; d < rows->rank; d++)
    at += rows->index[d] * view->stride[d];
  return at;
}

static void
rows_next (Rows *rows)
{
  for (int d = rows->rank - 1; d >= 0; d--)
    {
      if (++rows->index[d] < rows->n[d])
        return;
      rows->index[d] = 0;
    }
}

static int
axis_of (const RduCall *call, int64_t axis)
{
  return (int) (axis < 0 ? axis + call->dst[0]->rank : axis);
}

/* Largest element (NaN: anything), and sum of exp (x - largest), with the exponentials left in e[].
 */
static double
exponentials (const float *x, int64_t stride, int64_t n, float *largest, float *e)
{
  float top = -INFINITY;
  for (int64_t i = 0; i < n; i++)
    top = x[i * stride] > top ? x[i * stride] : top;
  *largest = top;
  float shift = isinf (top) && top < 0 ? 0 : top;
  for (int64_t i = 0; i < n; i++)
    e[i] = (float) rdu_exp ((double) x[i * stride] - (double) shift);
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += e[i];
  return sum;
}

static void
softmax (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int axis = axis_of (call, call->imm[0]);
  Rows rows = rows_of (y, axis);
  for (int64_t r = 0; r < rows.n_rows; r++, rows_next (&rows))
    {
      float *to = row_at (&rows, y), largest, *e = call->scratch;
      double sum = exponentials (row_at (&rows, x), x->stride[axis], rows.length, &largest, e);
      for (int64_t i = 0; i < rows.length; i++)
        to[i * y->stride[axis]] = (float) (e[i] / sum);
    }
}

static void
log_softmax (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int axis = axis_of (call, call->imm[0]);
  Rows rows = rows_of (y, axis);
  for (int64_t r = 0; r < rows.n_rows; r++, rows_next (&rows))
    {
      float *to = row_at (&rows, y), largest;
      const float *from = row_at (&rows, x);
      double sum = exponentials (from, x->stride[axis], rows.length, &largest, call->scratch);
      double shift = (double) largest + rdu_log (sum);
      for (int64_t i = 0; i < rows.length; i++)
        to[i * y->stride[axis]] = (float) (from[i * x->stride[axis]] - shift);
    }
}

/* dx = y (dy - sum (dy y)), or dy - exp (y) sum (dy). */
static void
row_gradient (const RduCall *call, bool is_log)
{
  const RduView *dy = call->src[0], *y = call->src[1], *dx = call->dst[0];
  int axis = axis_of (call, call->imm[0]);
  Rows rows = rows_of (dx, axis);
  int64_t sg = dy->stride[axis], sy = y->stride[axis], sx = dx->stride[axis];
  for (int64_t r = 0; r < rows.n_rows; r++, rows_next (&rows))
    {
      const float *g = row_at (&rows, dy), *v = row_at (&rows, y);
      float *to = row_at (&rows, dx);
      double sum = 0;
      for (int64_t i = 0; i < rows.length; i++)
        sum += is_log ? (double) g[i * sg] : (double) g[i * sg] * v[i * sy];
      for (int64_t i = 0; i < rows.length; i++)
        to[i * sx] = (float) (is_log ? g[i * sg] - rdu_exp (v[i * sy]) * sum
                                     : v[i * sy] * (g[i * sg] - sum));
    }
}

static void
softmax_bwd (const RduCall *call)
{
  row_gradient (call, false);
}

static void
log_softmax_bwd (const RduCall *call)
{
  row_gradient (call, true);
}

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
  int axis = axis_of (call, call->imm[0]);
  bool exclusive = call->imm[1] != 0, reverse = call->imm[2] != 0;
  Rows rows = rows_of (y, axis);
  int64_t sx = x->stride[axis], sy = y->stride[axis];
  int64_t end = reverse ? rows.length - 1 : 0, turn = reverse ? -1 : 1;
  for (int64_t r = 0; r < rows.n_rows && rows.length > 0; r++, rows_next (&rows))
    {
      float *from = row_at (&rows, x) + end * sx, *to = row_at (&rows, y) + end * sy;
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
  int axis = axis_of (call, call->imm[0]);
  Rows rows = rows_of (y, axis);
  Keys keys = { .stride = x->stride[axis], .is_int = x->is_int, .descending = call->imm[1] != 0 };
  int32_t *order = (int32_t *) (void *) call->scratch, *other = order + rows.length;
  for (int64_t r = 0; r < rows.n_rows; r++, rows_next (&rows))
    {
      keys.x = row_at (&rows, x);
      const int32_t *sorted = merge_runs (&keys, order, other, rows.length);
      int32_t *to = (int32_t *) row_at (&rows, y), *at = (int32_t *) row_at (&rows, where);
      for (int64_t i = 0; i < rows.length; i++)
        {
          to[i * y->stride[axis]] = ((const int32_t *) keys.x)[sorted[i] * keys.stride];
          at[i * where->stride[axis]] = sorted[i];
        }
    }
}

/* ---- layer_norm ---- */

/* The normalised dimensions of a row, addressed by a flat index. */
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

/* x, gamma, beta -> y, mean, rstd: two passes over each row, copied dense first. */
static void
layer_norm (const RduCall *call)
{
  const RduView *x = call->src[0], *gamma = call->src[1], *beta = call->src[2], *y = call->dst[0];
  const RduView *mean = call->dst[1], *rstd = call->dst[2];
  int first = axis_of (call, call->imm[0]);
  int64_t length = 1, n_rows = 1;
  for (int d = 0; d < x->rank; d++)
    *(d < first ? &n_rows : &length) *= x->n[d];
  bool is_flat = first == x->rank - 1;
  for (int64_t r = 0; r < n_rows; r++)
    {
      int64_t x0 = 0, y0 = 0, m0 = 0, s0 = 0;
      for (int64_t d = first - 1, rest = r; d >= 0; rest /= x->n[d--])
        {
          int64_t i = rest % x->n[d];
          x0 += i * x->stride[d];
          y0 += i * y->stride[d];
          m0 += d < mean->rank ? i * mean->stride[d] : 0;
          s0 += d < rstd->rank ? i * rstd->stride[d] : 0;
        }
      float *row = call->scratch;
      double sum = 0, square = 0;
      for (int64_t i = 0; i < length; i++)
        {
          row[i] = ((const float *) x
                        ->data)[x0 + (is_flat ? i * x->stride[first] : inner_offset (x, first, i))];
          sum += row[i];
        }
      double centre = sum / (double) length;
      for (int64_t i = 0; i < length; i++)
        square += (row[i] - centre) * (row[i] - centre);
      double scale = 1.0 / sqrt (square / (double) length + call->fimm[0]);
      for (int64_t i = 0; i < length; i++)
        {
          double g = ((const float *) gamma->data)[inner_offset (gamma, 0, i)];
          double b = ((const float *) beta->data)[inner_offset (beta, 0, i)];
          ((float *) y->data)[y0 + (is_flat ? i * y->stride[first] : inner_offset (y, first, i))]
              = (float) ((row[i] - centre) * scale * g + b);
        }
      ((float *) mean->data)[m0] = (float) centre;
      ((float *) rstd->data)[s0] = (float) scale;
    }
}

const RduKernel RDU_SYMBOL (rdu_row_kernels)[] = {
  { "softmax", 1, softmax },         { "log_softmax", 1, log_softmax },
  { "softmax_bwd", 1, softmax_bwd }, { "log_softmax_bwd", 1, log_softmax_bwd },
  { "cumsum", 1, cumsum },           { "sort", 1, sort },
  { "layer_norm", 1, layer_norm },   { NULL, 0, NULL },
};
