/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels softmax and log_softmax, and their gradients. */
#include <math.h>

#include "plugins/backends/rdu/kernels_axis.h"
#include "plugins/backends/rdu/kernels_lanes.h"
#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_rows.h"

/* What is taken from a row before exp: its greatest element, where that is a number. */
static float
row_shift (const float *x, int64_t n)
{
  float top = rdu_row_extreme (x, n, 1.0f);
  return top == -INFINITY ? 0.0f : top;
}

/* e[i] = exp (x[i] - shift), where nothing is greater than shift, and their sum. */
static double
exponentials (const float *x, int64_t n, float shift, float *e)
{
  RDU_LOOP (n) e[i] = rdu_exp_falling (x[i] - shift);
  return rdu_row_sum (e, n);
}

/* ---- short rows, side by side ---- */

#define SHORT_ROW 32
#define SIDE      16 /* rows at a time; element i of row r is at i * SIDE + r */

/* t = exp (t - shift) unless `keep`, and the sums of these, in order. */
static void
side_exponentials (float *t, int64_t n, const float *shift, bool keep, double *sum)
{
  RduHalfSum low = { 0 }, high = { 0 };
  for (int64_t i = 0; i < n; i++, t += SIDE)
    {
      float e[SIDE];
      for (int r = 0; r < SIDE; r++)
        e[r] = rdu_exp (t[r] - shift[r]);
      low += rdu_wide (e);
      high += rdu_wide (e + SIDE / 2);
      if (!keep)
        memcpy (t, e, sizeof e);
    }
  memcpy (sum, &low, sizeof low);
  memcpy (sum + SIDE / 2, &high, sizeof high);
}

static void
side_shifts (const float *t, int64_t n, float *shift)
{
  RduLanes top = (RduLanes){ 0 } - INFINITY;
  for (int64_t i = 0; i < n; i++, t += SIDE)
    top = rdu_lanes_max (rdu_lanes_load (t, SIDE, 0), top);
  rdu_lanes_store (shift, SIDE, top);
  for (int r = 0; r < SIDE; r++)
    shift[r] = shift[r] == -INFINITY ? 0.0f : shift[r];
}

static void
side_softmax (float *t, int64_t n)
{
  float shift[SIDE], scale[SIDE];
  double sum[SIDE];
  side_shifts (t, n, shift);
  side_exponentials (t, n, shift, false, sum);
  for (int r = 0; r < SIDE; r++)
    scale[r] = (float) (1.0 / sum[r]);
  for (int64_t i = 0; i < n; i++)
    for (int r = 0; r < SIDE; r++)
      t[i * SIDE + r] *= scale[r];
}

static void
side_log_softmax (float *t, int64_t n)
{
  float shift[SIDE], log_sum[SIDE];
  double sum[SIDE];
  side_shifts (t, n, shift);
  side_exponentials (t, n, shift, true, sum);
  for (int r = 0; r < SIDE; r++)
    log_sum[r] = (float) log (sum[r]);
  for (int64_t i = 0; i < n; i++)
    for (int r = 0; r < SIDE; r++)
      t[i * SIDE + r] = (t[i * SIDE + r] - shift[r]) - log_sum[r];
}

/* Whether SIDE dense rows are equally far apart in memory, and how far. */
static bool
are_even (const float *const *row, int64_t step, int64_t *distance)
{
  *distance = row[1] - row[0];
  bool even = step == 1;
  for (int r = 2; r < SIDE; r++)
    even &= row[r] - row[r - 1] == *distance;
  return even;
}

static void
take_rows (const float *const *from, int64_t n, int64_t step, float *t)
{
  int64_t distance;
  if (are_even (from, step, &distance))
    {
      RDU_SYMBOL (rdu_pack_panel) (from[0], 1, distance, n, SIDE, t);
      return;
    }
  for (int r = 0; r < SIDE; r++)
    for (int64_t i = 0; i < n; i++)
      t[i * SIDE + r] = from[r][i * step];
}

static void
put_rows (const float *t, int64_t n, int64_t step, float *const *to, int side)
{
  int64_t distance;
  if (side == SIDE && are_even ((const float *const *) to, step, &distance))
    {
      RDU_SYMBOL (rdu_unpack_panel) (t, n, SIDE, to[0], distance);
      return;
    }
  for (int r = 0; r < side; r++)
    for (int64_t i = 0; i < n; i++)
      to[r][i * step] = t[i * SIDE + r];
}

/* RduRows that are missing at the end are the first one again. */
static void
work_side_by_side (const RduCall *call, int axis, void (*work) (float *t, int64_t n))
{
  const RduView *x = call->src[0], *y = call->dst[0];
  RduRows rows = rdu_rows_of (y, axis);
  float t[SHORT_ROW * SIDE] __attribute__ ((aligned (64)));
  for (int64_t done = 0; done < rows.n_rows; done += SIDE)
    {
      const float *from[SIDE];
      float *to[SIDE];
      int side = rows.n_rows - done < SIDE ? (int) (rows.n_rows - done) : SIDE;
      for (int r = 0; r < SIDE; r++)
        {
          from[r] = r < side ? rdu_row_at (&rows, x) : from[0];
          to[r] = r < side ? rdu_row_at (&rows, y) : to[0];
          if (r < side)
            rdu_rows_next (&rows);
        }
      take_rows (from, rows.length, x->stride[axis], t);
      work (t, rows.length);
      put_rows (t, rows.length, y->stride[axis], to, side);
    }
}

/* ---- rows one by one, and dense rows some at a time ---- */

#define TOGETHER  4 /* rows whose sums and extremes do not wait for one another */
#define SUM_ELEMS RDU_LANE_SUM

/* Does `piece (at, n)` for sixteen elements of all rows at a time, and for what is left of them. */
#define RDU_PIECES(begin, end, piece)                         \
  {                                                           \
    int64_t i = (begin);                                      \
    for (; i + 16 <= (end); i += 16)                          \
      _Pragma ("GCC unroll 4") for (int r = 0; r < rows; r++) \
      {                                                       \
        piece (i, 16);                                        \
      }                                                       \
    for (int r = 0; i < (end) && r < rows; r++)               \
      {                                                       \
        piece (i, (end) -i);                                  \
      }                                                       \
  }

/* What is taken from each row before exp: its greatest element that is a number. */
RDU_INLINE void
find_shifts (const float *const *x, int64_t n, float *shift, const int rows)
{
  RduLanes top[TOGETHER];
  for (int r = 0; r < rows; r++)
    top[r] = (RduLanes){ 0 } - INFINITY;
#define PIECE(at, n) top[r] = rdu_lanes_greater (rdu_lanes_load (x[r] + at, n, -INFINITY), top[r])
  RDU_PIECES (0, n, PIECE)
#undef PIECE
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
    {
      for (int distance = 8; distance > 0; distance /= 2)
        top[r] = rdu_lanes_greater (top[r], rdu_lanes_across (top[r], distance));
      shift[r] = top[r][0] == -INFINITY ? 0.0f : top[r][0];
    }
}

/* Adds to each row's sum, in f64, what its lanes have. */
RDU_INLINE void
add_sums (const RduLanes *lanes, double *sums, const int rows)
{
  for (int r = 0; r < rows; r++)
    sums[r] += rdu_lanes_sum (lanes[r]);
}

/* y = exp (x - shift), where nothing is greater than its row's shift, and the rows' sums. */
RDU_INLINE void
put_exponentials (const float *const *x, int64_t n, const float *shift, float *const *y,
                  double *sums, const int rows)
{
  for (int64_t begin = 0; begin < n; begin += SUM_ELEMS)
    {
      RduLanes sum[TOGETHER] = { { 0 } };
      int64_t end = n - begin < SUM_ELEMS ? n : begin + SUM_ELEMS;
#define PIECE(at, n)                                                                        \
  RduLanes e = rdu_lanes_exp_falling (rdu_lanes_load (x[r] + at, n, -INFINITY) - shift[r]); \
  rdu_lanes_store (y[r] + at, n, e);                                                        \
  sum[r] += e
      RDU_PIECES (begin, end, PIECE)
#undef PIECE
      add_sums (sum, sums, rows);
    }
}

RDU_INLINE void
softmax_rows (const float *const *x, float *const *y, int64_t n, const int rows)
{
  float shift[TOGETHER], scale[TOGETHER];
  double sum[TOGETHER] = { 0 };
  find_shifts (x, n, shift, rows);
  put_exponentials (x, n, shift, y, sum, rows);
  for (int r = 0; r < rows; r++)
    scale[r] = (float) (1.0 / sum[r]);
#define PIECE(at, n) rdu_lanes_store (y[r] + at, n, rdu_lanes_load (y[r] + at, n, 0) * scale[r])
  RDU_PIECES (0, n, PIECE)
#undef PIECE
}

/* dx = y (dy - sum (dy y)). */
RDU_INLINE void
softmax_bwd_rows (const float *const *dy, const float *const *y, float *const *dx, int64_t n,
                  const int rows)
{
  double sums[TOGETHER] = { 0 };
  for (int64_t begin = 0; begin < n; begin += SUM_ELEMS)
    {
      RduLanes sum[TOGETHER] = { { 0 } };
      int64_t end = n - begin < SUM_ELEMS ? n : begin + SUM_ELEMS;
#define PIECE(at, n) sum[r] += rdu_lanes_load (dy[r] + at, n, 0) * rdu_lanes_load (y[r] + at, n, 0)
      RDU_PIECES (begin, end, PIECE)
#undef PIECE
      add_sums (sum, sums, rows);
    }
#define PIECE(at, n)                                \
  rdu_lanes_store (dx[r] + at, n,                   \
                   rdu_lanes_load (y[r] + at, n, 0) \
                       * (rdu_lanes_load (dy[r] + at, n, 0) - (float) sums[r]))
  RDU_PIECES (0, n, PIECE)
#undef PIECE
}

/* ---- softmax ---- */

static void
softmax (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int axis = rdu_axis_of (call, call->imm[0]);
  RduRows rows = rdu_rows_of (y, axis);
  int64_t n = rows.length, sx = x->stride[axis], sy = y->stride[axis];
  const float *from[TOGETHER];
  float *to[TOGETHER];
  if (n <= SHORT_ROW)
    {
      work_side_by_side (call, axis, side_softmax);
      return;
    }
  for (int64_t r = 0; r < rows.n_rows;)
    {
      int some = sx == 1 && sy == 1 && rows.n_rows - r >= TOGETHER ? TOGETHER : 1;
      float *at = NULL;
      for (int k = 0; k < some; k++, r++, rdu_rows_next (&rows))
        {
          at = rdu_row_at (&rows, y);
          from[k] = rdu_dense_row (rdu_row_at (&rows, x), sx, n, call->scratch + n);
          to[k] = rdu_row_room (at, sy, call->scratch);
        }
      if (some == TOGETHER)
        softmax_rows (from, to, n, TOGETHER);
      else
        softmax_rows (from, to, n, 1);
      if (some == 1)
        rdu_put_row (at, sy, n, to[0]);
    }
}

static void
log_softmax (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  int axis = rdu_axis_of (call, call->imm[0]);
  RduRows rows = rdu_rows_of (y, axis);
  int64_t n = rows.length;
  if (n <= SHORT_ROW)
    {
      work_side_by_side (call, axis, side_log_softmax);
      return;
    }
  for (int64_t r = 0; r < rows.n_rows; r++, rdu_rows_next (&rows))
    {
      float *to = rdu_row_at (&rows, y), *e = call->scratch;
      const float *from = rdu_dense_row (rdu_row_at (&rows, x), x->stride[axis], n,
                                         call->scratch + n);
      float shift = row_shift (from, n);
      float log_sum = (float) log (exponentials (from, n, shift, e));
      RDU_LOOP (n) e[i] = (from[i] - shift) - log_sum;
      rdu_put_row (to, y->stride[axis], n, e);
    }
}

static void
softmax_bwd (const RduCall *call)
{
  const RduView *dy = call->src[0], *y = call->src[1], *dx = call->dst[0];
  int axis = rdu_axis_of (call, call->imm[0]);
  RduRows rows = rdu_rows_of (dx, axis);
  int64_t n = rows.length, sg = dy->stride[axis], sy = y->stride[axis], sx = dx->stride[axis];
  const float *g[TOGETHER], *v[TOGETHER];
  float *to[TOGETHER];
  bool is_dense = sg == 1 && sy == 1 && sx == 1;
  for (int64_t r = 0; r < rows.n_rows;)
    {
      int some = is_dense && rows.n_rows - r >= TOGETHER ? TOGETHER : 1;
      float *at = NULL;
      for (int k = 0; k < some; k++, r++, rdu_rows_next (&rows))
        {
          at = rdu_row_at (&rows, dx);
          g[k] = rdu_dense_row (rdu_row_at (&rows, dy), sg, n, call->scratch);
          v[k] = rdu_dense_row (rdu_row_at (&rows, y), sy, n, call->scratch + n);
          to[k] = rdu_row_room (at, sx, call->scratch);
        }
      if (some == TOGETHER)
        softmax_bwd_rows (g, v, to, n, TOGETHER);
      else
        softmax_bwd_rows (g, v, to, n, 1);
      if (some == 1)
        rdu_put_row (at, sx, n, to[0]);
    }
}

/* dx = dy - exp (y) sum (dy). */
static void
log_softmax_bwd (const RduCall *call)
{
  const RduView *dy = call->src[0], *y = call->src[1], *dx = call->dst[0];
  int axis = rdu_axis_of (call, call->imm[0]);
  RduRows rows = rdu_rows_of (dx, axis);
  int64_t n = rows.length;
  for (int64_t r = 0; r < rows.n_rows; r++, rdu_rows_next (&rows))
    {
      float *to = rdu_row_at (&rows, dx), *d = rdu_row_room (to, dx->stride[axis], call->scratch);
      const float *g = rdu_dense_row (rdu_row_at (&rows, dy), dy->stride[axis], n, call->scratch);
      const float *v = rdu_dense_row (rdu_row_at (&rows, y), y->stride[axis], n, call->scratch + n);
      float sum = (float) rdu_row_sum (g, n);
      RDU_LOOP (n) d[i] = g[i] - rdu_exp (v[i]) * sum;
      rdu_put_row (to, dx->stride[axis], n, d);
    }
}

const RduKernel RDU_SYMBOL (rdu_softmax_kernels)[] = {
  { "softmax", 1, softmax },
  { "log_softmax", 1, log_softmax },
  { "softmax_bwd", 1, softmax_bwd },
  { "log_softmax_bwd", 1, log_softmax_bwd },
  { NULL, 0, NULL },
};
