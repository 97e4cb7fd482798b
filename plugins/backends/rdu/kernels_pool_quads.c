/* SPDX-License-Identifier: Apache-2.0 */
/* Pools whose windows are two by two and touch: every element of the image is under one tap. Lanes
 * are channels where these are innermost in the image's memory, else windows of a row; the bits are
 * those of any other pool. */
#include "plugins/backends/rdu/kernels_pool.h"
#include "plugins/backends/rdu/kernels_transpose.h"

#define VL RDU_VECTOR

typedef int32_t Places __attribute__ ((vector_size (RDU_VECTOR * 4)));

#if RDU_VECTOR == 16
#define EVEN  0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define LOWER 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#elif RDU_VECTOR == 8
#define EVEN  0, 2, 4, 6, 8, 10, 12, 14
#define LOWER 0, 8, 1, 9, 2, 10, 3, 11
#else
#define EVEN  0, 2, 4, 6
#define LOWER 0, 4, 1, 5
#endif

/* Elements from where the image is read to where it is asked for: it may come from far away, and
 * processors do not see by short rows how it goes on. */
#define AHEAD 1024
#define LINE  16

static const float four = 4;

/* Windows of an image, or of one of its channels: the two rows of the image that the first ones lie
 * on, and of its gradient. */
typedef struct
{
  const float *x[2];
  float *dx[2];
  float *windows;
  int64_t n_rows, n_columns, n_channels;
  int64_t x_column, dx_column, window; /* from element to element */
  int64_t x_row, dx_row, windows_row;  /* from a row of windows to the next */
  int64_t channel;                     /* from channel to channel of windows */
} Plane;

static inline int64_t
min (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* Lanes of both, those of b after those of a. */
static inline __attribute__ ((always_inline)) RduVec
shuffle (RduVec a, RduVec b, const Places places)
{
#ifdef __clang__ /* has no shuffle by a variable */
  RduVec c;
  for (int i = 0; i < VL; i++)
    c[i] = places[i] < VL ? a[places[i]] : b[places[i] - VL];
  return c;
#else
  return __builtin_shuffle (a, b, places);
#endif
}

/* The columns of `n` windows side by side: 2 n elements. */
static inline void
load_columns (const float *from, int64_t n, RduVec *left, RduVec *right)
{
  RduVec a = rdu_vec_load_lanes (from, rdu_lanes (min (2 * n, VL)));
  RduVec b = 2 * n > VL ? rdu_vec_load_lanes (from + VL, rdu_lanes (2 * n - VL)) : rdu_vec_zero ();
  *left = shuffle (a, b, (Places){ EVEN });
  *right = shuffle (a, b, (Places){ EVEN } + 1);
}

static inline void
store_columns (float *to, int64_t n, RduVec left, RduVec right)
{
  rdu_vec_store_lanes (to, rdu_lanes (min (2 * n, VL)), shuffle (left, right, (Places){ LOWER }));
  if (2 * n > VL)
    rdu_vec_store_lanes (to + VL, rdu_lanes (2 * n - VL),
                         shuffle (left, right, (Places){ LOWER } + VL / 2));
}

static inline RduVec
maximum (const RduVec v[4])
{
  RduVec best = v[0];
  for (int t = 1; t < 4; t++)
    best = rdu_pool_choose (rdu_pool_beats (v[t], best), v[t], best);
  return best;
}

static inline RduVec
mean (const RduVec v[4])
{
  RduVec sum = rdu_vec_zero () + v[0];
  sum = sum + v[1];
  sum = sum + v[2];
  sum = sum + v[3];
  return sum / rdu_vec_all (&four);
}

/* The gradient goes to the first maximum; nothing is added to it, which makes -0 a 0. */
static inline void
spread_maximum (const RduVec v[4], RduVec g, RduVec share[4])
{
  RduVec best = v[0], zero = rdu_vec_zero ();
  for (int t = 0; t < 4; t++)
    share[t] = g + zero;
  for (int t = 1; t < 4; t++)
    {
      RduPoolMask better = rdu_pool_beats (v[t], best);
      best = rdu_pool_choose (better, v[t], best);
      share[t] = rdu_pool_choose (better, share[t], zero);
      for (int before = 0; before < t; before++)
        share[before] = rdu_pool_choose (better, zero, share[before]);
    }
}

static inline bool
is_gradient (RduPoolOp op)
{
  return op == RDU_POOL_MAX_BWD || op == RDU_POOL_MEAN_BWD;
}

/* Asks for the `n` elements that are `ahead` of element `at`. */
static inline void
fetch (const float *from, int64_t at, int64_t n, int64_t ahead)
{
  for (int64_t i = 0; i < n; i += LINE)
    __builtin_prefetch ((const void *) ((uintptr_t) from + (uintptr_t) (at + ahead + i) * 4));
}

/* `n` lanes of windows: what they give; or, of their gradients g, what the image gets. */
static inline __attribute__ ((always_inline)) RduVec
run_quad (const Plane *plane, RduPoolOp op, bool in_rows, int64_t x, int64_t dx, int64_t n,
          RduVec g)
{
  RduLanes lanes = rdu_lanes (n);
  RduVec v[4], share[4];
  for (int i = 0; i < 2 && op != RDU_POOL_MEAN_BWD; i++)
    if (in_rows)
      load_columns (plane->x[i] + x, n, &v[2 * i], &v[2 * i + 1]);
    else
      {
        v[2 * i] = rdu_vec_load_lanes (plane->x[i] + x, lanes);
        v[2 * i + 1] = rdu_vec_load_lanes (plane->x[i] + x + plane->x_column, lanes);
        fetch (plane->x[i], x, 1, AHEAD);
        fetch (plane->x[i], x + plane->x_column, 1, AHEAD);
      }
  if (!is_gradient (op))
    return op == RDU_POOL_MAX ? maximum (v) : mean (v);
  if (op == RDU_POOL_MAX_BWD)
    spread_maximum (v, g, share);
  else
    share[0] = share[1] = share[2] = share[3] = g / rdu_vec_all (&four) + rdu_vec_zero ();
  for (int i = 0; i < 2; i++)
    if (in_rows)
      store_columns (plane->dx[i] + dx, n, share[2 * i], share[2 * i + 1]);
    else
      {
        rdu_vec_store_lanes (plane->dx[i] + dx, lanes, share[2 * i]);
        rdu_vec_store_lanes (plane->dx[i] + dx + plane->dx_column, lanes, share[2 * i + 1]);
      }
  return g;
}

/* `n` lanes from elements x and dx of the image's rows and `window` of the windows' on. */
static inline __attribute__ ((always_inline)) void
run_lanes (const Plane *plane, RduPoolOp op, bool in_rows, int64_t x, int64_t dx, int64_t window,
           int64_t n)
{
  RduLanes lanes = rdu_lanes (n);
  RduVec g = is_gradient (op) ? rdu_vec_load_lanes (plane->windows + window, lanes)
                              : rdu_vec_zero ();
  RduVec y = run_quad (plane, op, in_rows, x, dx, n, g);
  if (!is_gradient (op))
    rdu_vec_store_lanes (plane->windows + window, lanes, y);
}

static inline __attribute__ ((always_inline)) void
run_row (const Plane *plane, RduPoolOp op, bool in_rows, int64_t x, int64_t dx, int64_t window)
{
  int64_t n = in_rows ? plane->n_columns : plane->n_channels, times = in_rows ? 2 : 1, i = 0;
  for (; i + VL <= n; i += VL)
    run_lanes (plane, op, in_rows, x + times * i, dx + times * i, window + i, VL);
  if (i < n)
    run_lanes (plane, op, in_rows, x + times * i, dx + times * i, window + i, n - i);
}

/* Asks for what comes AHEAD of row `row`, and no more than is read where rows are parts of longer
 * ones. */
static inline __attribute__ ((always_inline)) void
fetch_row (const Plane *plane, RduPoolOp op, int64_t row)
{
  if (op != RDU_POOL_MEAN_BWD)
    fetch (plane->x[0], row * plane->x_row, min (plane->x_row, 4 * plane->n_columns), AHEAD);
  if (is_gradient (op))
    fetch (plane->windows, row * plane->windows_row, plane->n_columns, AHEAD / 4);
}

static inline __attribute__ ((always_inline)) void
run_rows (const Plane *plane, RduPoolOp op, bool in_rows)
{
  for (int64_t row = 0; row < plane->n_rows; row++)
    {
      if (in_rows)
        fetch_row (plane, op, row);
      for (int64_t w = 0; w < (in_rows ? 1 : plane->n_columns); w++)
        run_row (plane, op, in_rows, row * plane->x_row + w * 2 * plane->x_column,
                 row * plane->dx_row + w * 2 * plane->dx_column,
                 row * plane->windows_row + w * plane->window);
    }
}

static inline int64_t
n_windows (const Plane *plane)
{
  return plane->n_rows * plane->n_columns;
}

/* Up to a vector of windows from `first` on, of up to a vector of channels from `channel` on: the
 * channels of a window are brought together, or apart. */
static inline __attribute__ ((always_inline)) void
run_turned_part (const Plane *plane, RduPoolOp op, int64_t channel, int64_t first)
{
  int64_t n_channels = min (plane->n_channels - channel, VL),
          n = min (n_windows (plane) - first, VL);
  int64_t down = first / plane->n_columns, column = first % plane->n_columns;
  float *windows = plane->windows + channel * plane->channel + first;
  RduVec side[VL];
  for (int i = 0; i < VL; i++)
    side[i] = is_gradient (op) && i < n_channels
                  ? rdu_vec_load_lanes (windows + i * plane->channel, rdu_lanes (n))
                  : rdu_vec_zero ();
  if (is_gradient (op))
    rdu_vec_transpose (side);
  for (int64_t w = 0; w < n; w++)
    {
      side[w] = run_quad (
          plane, op, false, down * plane->x_row + column * 2 * plane->x_column + channel,
          down * plane->dx_row + column * 2 * plane->dx_column + channel, n_channels, side[w]);
      column++;
      down += column == plane->n_columns;
      column = column == plane->n_columns ? 0 : column;
    }
  if (is_gradient (op))
    return;
  rdu_vec_transpose (side);
  for (int64_t i = 0; i < n_channels; i++)
    rdu_vec_store_lanes (windows + i * plane->channel, rdu_lanes (n), side[i]);
}

static inline __attribute__ ((always_inline)) void
run_turned (const Plane *plane, RduPoolOp op)
{
  for (int64_t channel = 0; channel < plane->n_channels; channel += VL)
    for (int64_t first = 0; first < n_windows (plane); first += VL)
      run_turned_part (plane, op, channel, first);
}

#define ROWS(name, op)                             \
  static void name##_channels (const Plane *plane) \
  {                                                \
    run_rows (plane, op, false);                   \
  }                                                \
  static void name##_in_rows (const Plane *plane)  \
  {                                                \
    run_rows (plane, op, true);                    \
  }                                                \
  static void name##_turned (const Plane *plane)   \
  {                                                \
    run_turned (plane, op);                        \
  }
ROWS (max, RDU_POOL_MAX)
ROWS (max_bwd, RDU_POOL_MAX_BWD)
ROWS (mean, RDU_POOL_MEAN)
ROWS (mean_bwd, RDU_POOL_MEAN_BWD)

typedef enum
{
  CHANNELS, /* lanes are channels; of windows, too */
  IN_ROWS,  /* lanes are windows */
  TURNED,   /* lanes are channels, which are apart in memory of windows */
} Way;

static void (*const runs[][3]) (const Plane *plane) = {
  [RDU_POOL_MAX] = { max_channels, max_in_rows, max_turned },
  [RDU_POOL_MAX_BWD] = { max_bwd_channels, max_bwd_in_rows, max_bwd_turned },
  [RDU_POOL_MEAN] = { mean_channels, mean_in_rows, mean_turned },
  [RDU_POOL_MEAN_BWD] = { mean_bwd_channels, mean_bwd_in_rows, mean_bwd_turned },
};

static bool
fits (const RduPool *pool, const RduView *dx)
{
  bool fits = true;
  for (int d = 0; d < 2; d++)
    {
      int64_t n = 2 * pool->windows->n[2 + d];
      fits = fits && pool->kernel[d] == 2 && pool->stride[d] == 2 && pool->dilation[d] == 1
             && pool->pad[d] == 0 && pool->lo[d] <= 0 && pool->hi[d] >= n
             && (dx == NULL || dx->n[2 + d] == n);
    }
  return fits;
}

/* Whether dimension d is innermost in the memory of the image and its gradient. */
static bool
is_innermost (const RduPool *pool, const RduView *dx, int d)
{
  return pool->image->stride[d] == 1 && (dx == NULL || dx->stride[d] == 1);
}

/* false: there is none. */
static bool
find_way (const RduPool *pool, const RduView *dx, Way *way)
{
  const RduView *y = pool->windows;
  bool have_channels = is_innermost (pool, dx, 1);
  *way = is_innermost (pool, dx, 3) && y->stride[3] == 1 ? IN_ROWS
         : have_channels && y->stride[1] == 1            ? CHANNELS
                                                         : TURNED;
  return *way != TURNED
         || (have_channels && y->stride[3] == 1 && y->stride[2] == y->n[3] && y->n[3] > 0);
}

static float *
at (const RduView *view, int64_t image, int64_t channel, int64_t row)
{
  return (float *) view->data + image * view->stride[0] + channel * view->stride[1]
         + row * view->stride[2];
}

bool
RDU_SYMBOL (rdu_pool_quads) (const RduPool *pool, const RduView *dx, RduPoolOp op)
{
  const RduView *x = pool->image, *y = pool->windows;
  Way way;
  if (!fits (pool, dx) || !find_way (pool, dx, &way))
    return false;
  Plane plane = { .n_rows = y->n[2],
                  .n_columns = y->n[3],
                  .n_channels = x->n[1],
                  .x_column = x->stride[3],
                  .dx_column = dx != NULL ? dx->stride[3] : 0,
                  .window = y->stride[3],
                  .x_row = 2 * x->stride[2],
                  .dx_row = dx != NULL ? 2 * dx->stride[2] : 0,
                  .windows_row = y->stride[2],
                  .channel = y->stride[1] };
  int64_t n_planes = way == IN_ROWS ? x->n[1] : 1;
  for (int64_t image = 0; image < y->n[0]; image++)
    for (int64_t channel = 0; channel < n_planes; channel++)
      {
        plane.windows = at (y, image, channel, 0);
        for (int tap = 0; tap < 2; tap++)
          {
            plane.x[tap] = at (x, image, channel, tap);
            plane.dx[tap] = dx != NULL ? at (dx, image, channel, tap) : NULL;
          }
        runs[op][way](&plane);
      }
  return true;
}
