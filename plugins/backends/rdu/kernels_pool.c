/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling windows on images [N, C, H, W] and their gradients: window by window, over a vector of
 * channels at once, or, where pixels lie in rows, over a vector of windows; the bits are the same.
 */
#include <math.h>
#include <string.h>

#include "plugins/backends/rdu/kernels_pool.h"

/* One window on all channels of an image: taps from[] .. to[]-1, of which tap 0 is at first[]. */
typedef struct
{
  const RduPool *pool;
  int64_t image;
  int64_t row, column; /* of the windows */
  int64_t first[2], from[2], to[2];
} Window;

/* Channel 0 of the image's element under tap 0, which may be outside. */
static inline float *
under_tap (const Window *w, const RduView *view)
{
  return (float *) ((uintptr_t) view->data
                    + (uintptr_t) (w->image * view->stride[0] + w->first[0] * view->stride[2]
                                   + w->first[1] * view->stride[3])
                          * 4);
}

/* Elements from tap 0 to another one. */
static inline int64_t
tap_offset (const Window *w, const RduView *view, int64_t row, int64_t column)
{
  return row * w->pool->dilation[0] * view->stride[2]
         + column * w->pool->dilation[1] * view->stride[3];
}

static inline float *
of_window (const Window *w, const RduView *view)
{
  return (float *) view->data + w->image * view->stride[0] + w->row * view->stride[2]
         + w->column * view->stride[3];
}

/* Taps of dimension d that see positions that count. */
static inline void
place_window (const RduPool *pool, Window *w, int d, int64_t position)
{
  int64_t first = position * pool->stride[d] - pool->pad[d], dilation = pool->dilation[d];
  int64_t lo = pool->lo[d] - first, hi = pool->hi[d] - first;
  w->first[d] = first;
  if (lo <= 0 && (pool->kernel[d] - 1) * dilation < hi)
    {
      w->from[d] = 0;
      w->to[d] = pool->kernel[d];
      return;
    }
  int64_t to = hi > 0 ? (hi + dilation - 1) / dilation : 0;
  w->from[d] = lo > 0 ? (lo + dilation - 1) / dilation : 0;
  w->to[d] = to < pool->kernel[d] ? to : pool->kernel[d];
}

/* What is done with a window: where channels are neighbours in every view, and anywhere. */
typedef struct
{
  void (*together) (const Window *w);
  void (*anyhow) (const Window *w);
} WindowRuns;

#define WINDOW_RUNS(name)                       \
  static void name##_together (const Window *w) \
  {                                             \
    name (w, true);                             \
  }                                             \
  static void name##_anyhow (const Window *w)   \
  {                                             \
    name (w, false);                            \
  }                                             \
  static const WindowRuns name##_runs = { name##_together, name##_anyhow };

/* dx: of gradients of a maximum, else NULL. */
static void
for_windows (const RduPool *pool, const RduView *dx, WindowRuns runs)
{
  const RduView *y = pool->windows;
  bool together = y->stride[1] == 1 && pool->image->stride[1] == 1
                  && (dx == NULL || dx->stride[1] == 1);
  Window w = { .pool = pool };
  for (w.image = 0; w.image < y->n[0]; w.image++)
    for (w.row = 0; w.row < y->n[2]; w.row++)
      {
        place_window (pool, &w, 0, w.row);
        for (w.column = 0; w.column < y->n[3]; w.column++)
          {
            place_window (pool, &w, 1, w.column);
            (together ? runs.together : runs.anyhow) (&w);
          }
      }
}

/* imm: kernel h, w; stride h, w; then by kernel. */
static RduPool
pool_of (const RduCall *call, const RduView *image, const RduView *windows)
{
  const int64_t *imm = call->imm;
  return (RduPool){ .call = call,
                    .image = image,
                    .windows = windows,
                    .kernel = { imm[0], imm[1] },
                    .stride = { imm[2], imm[3] },
                    .dilation = { 1, 1 },
                    .lo = { image->valid_lo[2], image->valid_lo[3] },
                    .hi = { image->valid_hi[2], image->valid_hi[3] } };
}

/* A vector of channels from `first` on, which may be apart in memory. */
typedef struct
{
  int64_t first, n;
  RduLanes lanes;
} Channels;

static inline Channels
channels_from (const RduPool *pool, int64_t first)
{
  int64_t left = pool->image->n[1] - first, n = left < RDU_VECTOR ? left : RDU_VECTOR;
  return (Channels){ first, n, rdu_lanes (n) };
}

/* `from`, `to`: channel 0. `together`: channels are neighbours in every view. */
static inline __attribute__ ((always_inline)) RduVec
load (const RduView *view, const float *from, const Channels *c, const bool together)
{
  if ((together || view->stride[1] == 1) && c->n == RDU_VECTOR)
    return rdu_vec_load (from + c->first); /* what is read by masks is not fetched ahead */
  if (together || view->stride[1] == 1)
    return rdu_vec_load_lanes (from + c->first, c->lanes);
  float lanes[RDU_VECTOR] __attribute__ ((aligned (64))) = { 0 };
  for (int64_t i = 0; i < c->n; i++)
    lanes[i] = from[(c->first + i) * view->stride[1]];
  return rdu_vec_load (lanes);
}

static inline __attribute__ ((always_inline)) void
store (const RduView *view, float *to, const Channels *c, RduVec v, const bool together)
{
  if (together || view->stride[1] == 1)
    {
      rdu_vec_store_lanes (to + c->first, c->lanes, v);
      return;
    }
  float lanes[RDU_VECTOR] __attribute__ ((aligned (64)));
  rdu_vec_store (lanes, v);
  for (int64_t i = 0; i < c->n; i++)
    to[(c->first + i) * view->stride[1]] = lanes[i];
}

static void
clear (const RduView *v)
{
  bool is_innermost = v->stride[1] == 1;
  int64_t outer = is_innermost ? 1 : v->n[1], together = is_innermost ? v->n[1] : 1;
  for (int64_t i = 0; i < v->n[0] * outer; i++)
    for (int64_t h = 0; h < v->n[2]; h++)
      {
        float *row = (float *) v->data + i / outer * v->stride[0] + i % outer * v->stride[1]
                     + h * v->stride[2];
        if (v->stride[3] == together)
          memset (row, 0, (size_t) (v->n[3] * together) * 4);
        else
          for (int64_t w = 0; w < v->n[3]; w++)
            memset (row + w * v->stride[3], 0, (size_t) together * 4);
      }
}

/* ---- windows side by side ---- */

#define MAX_LINE \
  16384 /* source columns of a row of windows, in scratch; as many sums behind them */

/* The source columns that a row of windows sees, by what their position leaves when divided by the
 * stride: so one tap of neighbouring windows is neighbours. */
typedef struct
{
  float *at;
  int64_t n, part; /* in all; of each remainder, with room for a vector */
} Line;

static Line
line_of (const RduPool *pool)
{
  int64_t stride = pool->stride[1];
  int64_t n = (pool->windows->n[3] - 1) * stride + (pool->kernel[1] - 1) * pool->dilation[1] + 1;
  return (Line){ pool->call->scratch, n, (n + stride - 1) / stride + RDU_VECTOR };
}

/* Smallest i in 0 .. most with i * stride + rest >= at. */
static inline int64_t
first_from (int64_t at, int64_t rest, int64_t stride, int64_t most)
{
  int64_t i = at <= rest ? 0 : (at - rest + stride - 1) / stride;
  return i < most ? i : most;
}

/* Brings one row; columns that do not count become `none`. */
static void
bring_line (const RduPool *pool, const Line *line, const float *row, float none)
{
  int64_t stride = pool->stride[1], pad = pool->pad[1];
  int64_t lo = pool->lo[1] + pad, hi = pool->hi[1] + pad < line->n ? pool->hi[1] + pad : line->n;
  for (int64_t rest = 0; rest < stride; rest++)
    {
      float *to = line->at + rest * line->part;
      int64_t i = 0, from = first_from (lo, rest, stride, line->part),
              end = first_from (hi, rest, stride, line->part);
      for (; i < from; i++)
        to[i] = none;
      for (; i < end; i++)
        to[i] = row[i * stride + rest - pad];
      for (; i < line->part; i++)
        to[i] = none;
    }
}

/* One row of windows on one channel: every tap of a row of the image, then the next row's. */
static void
run_line (const Window *w, const Line *line, const float *image, bool is_max, float *sums)
{
  const RduPool *pool = w->pool;
  const float none = is_max ? -INFINITY : 0;
  int64_t n = pool->windows->n[3];
  for (int64_t i = 0; i < n; i += RDU_VECTOR)
    rdu_vec_store (sums + i, rdu_vec_all (&none));
  for (int64_t row = w->from[0]; row < w->to[0]; row++)
    {
      int64_t at = w->first[0] + row * pool->dilation[0];
      bring_line (pool, line, image + at * pool->image->stride[2], none);
      for (int64_t column = 0; column < pool->kernel[1]; column++)
        {
          int64_t tap = column * pool->dilation[1];
          const float *from = line->at + tap % pool->stride[1] * line->part + tap / pool->stride[1];
          for (int64_t i = 0; i < n; i += RDU_VECTOR)
            {
              RduVec v = rdu_vec_load (from + i), sum = rdu_vec_load (sums + i);
              sum = is_max ? rdu_pool_choose (rdu_pool_beats (v, sum), v, sum) : (RduVec) (sum + v);
              rdu_vec_store (sums + i, sum);
            }
        }
    }
}

/* Whether lanes are filled better by windows of a row than by channels. */
static bool
has_long_rows (const RduPool *pool)
{
  const RduView *x = pool->image, *y = pool->windows;
  return x->stride[3] == 1 && y->stride[3] == 1 && (x->n[1] == 1 || x->stride[1] != 1)
         && y->n[3] >= RDU_VECTOR / 2 && y->n[3] <= MAX_LINE - RDU_VECTOR
         && line_of (pool).part <= MAX_LINE / pool->stride[1];
}

/* All windows; an average is divided by `divisor`. */
static void
for_rows (const RduPool *pool, int64_t (*divisor) (const Window *w))
{
  const RduView *x = pool->image, *y = pool->windows;
  Line line = line_of (pool);
  float *sums = pool->call->scratch + MAX_LINE;
  Window w = { .pool = pool };
  for (int64_t plane = 0; plane < y->n[0] * y->n[1]; plane++)
    for (w.row = 0; w.row < y->n[2]; w.row++)
      {
        int64_t image = plane / y->n[1], channel = plane % y->n[1];
        float *to = (float *) y->data + image * y->stride[0] + channel * y->stride[1]
                    + w.row * y->stride[2];
        place_window (pool, &w, 0, w.row);
        run_line (&w, &line,
                  (const float *) x->data + image * x->stride[0] + channel * x->stride[1],
                  divisor == NULL, sums);
        if (divisor == NULL)
          memcpy (to, sums, (size_t) y->n[3] * 4);
        for (int64_t i = 0; i < y->n[3] && divisor != NULL; i++)
          {
            place_window (pool, &w, 1, i);
            float count = (float) divisor (&w);
            to[i] = count > 0 ? sums[i] / count : sums[i];
          }
      }
}

/* ---- maximum ---- */

static inline __attribute__ ((always_inline)) void
max_of_window (const Window *w, const bool together)
{
  static const float least = -INFINITY;
  const RduView *x = w->pool->image, *y = w->pool->windows;
  const float *from = under_tap (w, x);
  float *to = of_window (w, y);
  for (int64_t first = 0; first < x->n[1]; first += RDU_VECTOR)
    {
      Channels c = channels_from (w->pool, first);
      RduVec best = rdu_vec_all (&least);
      for (int64_t row = w->from[0]; row < w->to[0]; row++)
        for (int64_t column = w->from[1]; column < w->to[1]; column++)
          {
            RduVec v = load (x, from + tap_offset (w, x, row, column), &c, together);
            best = rdu_pool_choose (rdu_pool_beats (v, best), v, best);
          }
      store (y, to, &c, best, together);
    }
}
WINDOW_RUNS (max_of_window)

/* imm: .. dilation h, w. The box of x carries its padding. */
static void
max_pool2d (const RduCall *call)
{
  RduPool pool = pool_of (call, call->src[0], call->dst[0]);
  pool.dilation[0] = call->imm[4];
  pool.dilation[1] = call->imm[5];
  if (RDU_SYMBOL (rdu_pool_quads) (&pool, NULL, RDU_POOL_MAX))
    return;
  if (has_long_rows (&pool))
    for_rows (&pool, NULL);
  else
    for_windows (&pool, NULL, max_of_window_runs);
}

/* Which tap of the window has the first maximum, by channel; at least one is inside. */
static inline __attribute__ ((always_inline)) RduVec
first_maximum (const Window *w, const float *from, const Channels *c, const bool together)
{
  const RduView *x = w->pool->image;
  RduVec best = rdu_vec_zero (), at = rdu_vec_zero ();
  float tap = 0;
  for (int64_t row = w->from[0]; row < w->to[0]; row++)
    for (int64_t column = w->from[1]; column < w->to[1]; column++, tap++)
      {
        RduVec v = load (x, from + tap_offset (w, x, row, column), c, together);
        best = tap == 0 ? v : best;
        RduPoolMask better = rdu_pool_beats (v, best);
        best = rdu_pool_choose (better, v, best);
        at = rdu_pool_choose (better, rdu_vec_all (&tap), at);
      }
  return at;
}

static inline __attribute__ ((always_inline)) void
spread_maximum (const Window *w, const bool together)
{
  const RduView *dy = w->pool->windows, *x = w->pool->image, *dx = w->pool->call->dst[0];
  const float *g = of_window (w, dy), *from = under_tap (w, x);
  float *to = under_tap (w, dx);
  if (w->from[0] >= w->to[0] || w->from[1] >= w->to[1])
    return;
  for (int64_t first = 0; first < x->n[1]; first += RDU_VECTOR)
    {
      Channels c = channels_from (w->pool, first);
      RduVec all = load (dy, g, &c, together), at = first_maximum (w, from, &c, together);
      float tap = 0;
      for (int64_t row = w->from[0]; row < w->to[0]; row++)
        for (int64_t column = w->from[1]; column < w->to[1]; column++, tap++)
          {
            float *sum = to + tap_offset (w, dx, row, column);
            RduVec share = rdu_pool_choose (rdu_pool_same (at, rdu_vec_all (&tap)), all,
                                            rdu_vec_zero ());
            store (dx, sum, &c, load (dx, sum, &c, together) + share, together);
          }
    }
}
WINDOW_RUNS (spread_maximum)

/* imm: .. dilation h, w; pad top, left. Images are whole. */
static void
max_pool2d_bwd (const RduCall *call)
{
  RduPool pool = pool_of (call, call->src[1], call->src[0]);
  for (int d = 0; d < 2; d++)
    {
      pool.dilation[d] = call->imm[4 + d];
      pool.pad[d] = call->imm[6 + d];
    }
  if (RDU_SYMBOL (rdu_pool_quads) (&pool, call->dst[0], RDU_POOL_MAX_BWD))
    return;
  clear (call->dst[0]);
  for_windows (&pool, call->dst[0], spread_maximum_runs);
}

/* ---- average ---- */

/* Elements that an average divides by: those inside the image, or inside image and padding; windows
 * of ceil_mode may reach past both. imm: .. count_include_pad; pad top, left, bottom, right. */
static int64_t
divisor (const Window *w)
{
  const RduView *image = w->pool->image;
  const int64_t *imm = w->pool->call->imm;
  int64_t count = 1;
  for (int d = 0; d < 2; d++)
    {
      int64_t size = image->dim[2 + d], start = w->first[d] + image->lo[2 + d];
      int64_t lo = imm[4] != 0 ? -imm[5 + d] : 0, hi = imm[4] != 0 ? size + imm[7 + d] : size;
      int64_t from = start < lo ? lo : start;
      int64_t to = start + imm[d] > hi ? hi : start + imm[d];
      count *= to > from ? to - from : 0;
    }
  return count;
}

static inline __attribute__ ((always_inline)) void
average_of_window (const Window *w, const bool together)
{
  const RduView *x = w->pool->image, *y = w->pool->windows;
  const float *from = under_tap (w, x);
  float *to = of_window (w, y), count = (float) divisor (w);
  for (int64_t first = 0; first < x->n[1]; first += RDU_VECTOR)
    {
      Channels c = channels_from (w->pool, first);
      RduVec sum = rdu_vec_zero ();
      for (int64_t row = w->from[0]; row < w->to[0]; row++)
        for (int64_t column = w->from[1]; column < w->to[1]; column++)
          sum += load (x, from + tap_offset (w, x, row, column), &c, together);
      if (count > 0)
        sum = sum / rdu_vec_all (&count);
      store (y, to, &c, sum, together);
    }
}
WINDOW_RUNS (average_of_window)

/* The box of x carries its padding. */
static void
avg_pool2d (const RduCall *call)
{
  RduPool pool = pool_of (call, call->src[0], call->dst[0]);
  if (RDU_SYMBOL (rdu_pool_quads) (&pool, NULL, RDU_POOL_MEAN))
    return;
  if (has_long_rows (&pool))
    for_rows (&pool, divisor);
  else
    for_windows (&pool, NULL, average_of_window_runs);
}

/* Adds a share of one gradient to every element of its window. */
static inline __attribute__ ((always_inline)) void
spread_average (const Window *w, const bool together)
{
  const RduView *dx = w->pool->image, *dy = w->pool->windows;
  const float *g = of_window (w, dy);
  float *to = under_tap (w, dx), count = (float) divisor (w);
  for (int64_t first = 0; first < dx->n[1] && count > 0; first += RDU_VECTOR)
    {
      Channels c = channels_from (w->pool, first);
      RduVec share = load (dy, g, &c, together) / rdu_vec_all (&count);
      for (int64_t row = w->from[0]; row < w->to[0]; row++)
        for (int64_t column = w->from[1]; column < w->to[1]; column++)
          {
            float *sum = to + tap_offset (w, dx, row, column);
            store (dx, sum, &c, load (dx, sum, &c, together) + share, together);
          }
    }
}
WINDOW_RUNS (spread_average)

/* Images are whole. */
static void
avg_pool2d_bwd (const RduCall *call)
{
  RduPool pool = pool_of (call, call->dst[0], call->src[0]);
  pool.pad[0] = call->imm[5];
  pool.pad[1] = call->imm[6];
  if (RDU_SYMBOL (rdu_pool_quads) (&pool, call->dst[0], RDU_POOL_MEAN_BWD))
    return;
  clear (call->dst[0]);
  for_windows (&pool, NULL, spread_average_runs);
}

const RduKernel RDU_SYMBOL (rdu_pool_kernels)[] = {
  { .name = "max_pool2d", .version = 1, .func = max_pool2d },
  { .name = "max_pool2d_bwd", .version = 1, .func = max_pool2d_bwd },
  { .name = "avg_pool2d", .version = 1, .func = avg_pool2d },
  { .name = "avg_pool2d_bwd", .version = 1, .func = avg_pool2d_bwd },
  { .name = NULL },
};
