/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d_dw where channels have taps of their own: vectors of channels, of which all taps' sums are
 * in registers along a row of pixels. Chains are those of one channel by itself. */
#include <string.h>

#include "plugins/backends/rdu/kernels_conv.h"

#define VL RDU_VECTOR

#define MAX_PIXELS 256 /* of an image, that are one chain */
#define MOST_TAPS  64

static const float zeros[VL];

/* A vector of channels. */
typedef struct
{
  const RduView *dy, *x, *dw;
  const int64_t *stride, *dilation;
  int64_t c, n_taps;
  RduLanes lanes;
  bool whole;
} Part;

/* `n` pixels of a row, whose taps read from `from`. */
static inline __attribute__ ((always_inline)) void
add_pixels (const Part *part, const float *const *from, int64_t step, const float *dy, int64_t n,
            float *sums, const bool whole, const int n_taps)
{
  RduVec sum[MOST_TAPS];
  RduLanes lanes = part->lanes;
  int64_t dy_step = part->dy->stride[3];
#pragma GCC unroll 25
  for (int t = 0; t < n_taps; t++)
    sum[t] = rdu_vec_load (sums + t * VL);
  for (int64_t i = 0; i < n; i++)
    {
      const float *own = dy + i * dy_step;
      RduVec g = whole ? rdu_vec_load (own) : rdu_vec_load_lanes (own, lanes);
#pragma GCC unroll 25
      for (int t = 0; t < n_taps; t++)
        {
          const float *x = from[t] + i * step;
          sum[t] = rdu_vec_fma (whole ? rdu_vec_load (x) : rdu_vec_load_lanes (x, lanes), g,
                                sum[t]);
        }
    }
#pragma GCC unroll 25
  for (int t = 0; t < n_taps; t++)
    rdu_vec_store (sums + t * VL, sum[t]);
}

static void
add_any (const Part *part, const float *const *from, int64_t step, const float *dy, int64_t n,
         float *sums)
{
  if (!part->whole)
    add_pixels (part, from, step, dy, n, sums, false, (int) part->n_taps);
  else if (part->n_taps == 9)
    add_pixels (part, from, step, dy, n, sums, true, 9);
  else if (part->n_taps == 25)
    add_pixels (part, from, step, dy, n, sums, true, 25);
  else
    add_pixels (part, from, step, dy, n, sums, true, (int) part->n_taps);
}

static bool
is_inside (const RduView *x, int d, int64_t first, int64_t last)
{
  return first >= x->valid_lo[d] && last < x->valid_hi[d];
}

/* Where the taps of a pixel read: in the padding, zeros. */
static void
find_sources (const Part *part, int64_t image, int64_t row, int64_t column, const float **from)
{
  const RduView *x = part->x, *dw = part->dw;
  const float *data = (const float *) x->data + image * x->stride[0] + part->c;
  for (int64_t i = 0; i < dw->n[2]; i++)
    for (int64_t j = 0; j < dw->n[3]; j++)
      {
        int64_t r = row * part->stride[0] + i * part->dilation[0];
        int64_t q = column * part->stride[1] + j * part->dilation[1];
        bool has_memory = is_inside (x, 2, r, r) && is_inside (x, 3, q, q);
        *from++ = has_memory ? data + r * x->stride[2] + q * x->stride[3] : zeros;
      }
}

/* Columns first .. end-1 of a row see no padding. */
static void
find_inside (const Part *part, int64_t row, int64_t *first, int64_t *end)
{
  const RduView *x = part->x, *dw = part->dw;
  int64_t s = part->stride[1], reach = (dw->n[3] - 1) * part->dilation[1], n = part->dy->n[3];
  int64_t top = row * part->stride[0];
  *first = *end = 0;
  if (!is_inside (x, 2, top, top + (dw->n[2] - 1) * part->dilation[0]))
    return;
  while (*first < n && *first * s < x->valid_lo[3])
    ++*first;
  for (*end = *first; *end < n && *end * s + reach < x->valid_hi[3];)
    ++*end;
}

static void
add_columns (const Part *part, int64_t image, int64_t row, int64_t first, int64_t end, float *sums)
{
  const RduView *dy = part->dy;
  const float *g = (const float *) dy->data + image * dy->stride[0] + row * dy->stride[2] + part->c;
  const float *from[MOST_TAPS];
  int64_t inside, outside;
  find_inside (part, row, &inside, &outside);
  for (int64_t column = first, n; column < end; column += n)
    {
      n = column >= inside && column < outside ? (outside < end ? outside : end) - column : 1;
      find_sources (part, image, row, column, from);
      add_any (part, from, part->stride[1] * part->x->stride[3], g + column * dy->stride[3], n,
               sums);
    }
}

/* Adds an image, stretch by stretch, to the totals. */
static void
add_image (const Part *part, int64_t image, float *totals)
{
  const int64_t *n = &part->dy->n[2];
  float sums[MOST_TAPS * VL];
  int64_t n_columns = n[1] < MAX_PIXELS ? n[1] : MAX_PIXELS, n_rows = MAX_PIXELS / n_columns;
  for (int64_t row = 0; row < n[0]; row += n_rows)
    for (int64_t column = 0; column < n[1]; column += n_columns)
      {
        memset (sums, 0, (size_t) (part->n_taps * VL) * 4);
        for (int64_t r = row; r < row + n_rows && r < n[0]; r++)
          add_columns (part, image, r, column,
                       column + n_columns < n[1] ? column + n_columns : n[1], sums);
        for (int64_t t = 0; t < part->n_taps; t++)
          rdu_vec_store (totals + t * VL,
                         rdu_vec_load (totals + t * VL) + rdu_vec_load (sums + t * VL));
      }
}

static float *
result_at (const RduView *dw, int64_t c, int64_t tap)
{
  return (float *) dw->data + c * dw->stride[0] + tap / dw->n[3] * dw->stride[2]
         + tap % dw->n[3] * dw->stride[3];
}

static void
run_vector (Part *part, int64_t n_channels, bool first)
{
  float totals[MOST_TAPS * VL] = { 0 };
  part->whole = n_channels >= VL;
  n_channels = part->whole ? VL : n_channels;
  part->lanes = rdu_lanes (n_channels);
  for (int64_t i = 0; i < n_channels && !first; i++)
    for (int64_t t = 0; t < part->n_taps; t++)
      totals[t * VL + i] = *result_at (part->dw, part->c + i, t);
  for (int64_t image = 0; image < part->dy->n[0]; image++)
    add_image (part, image, totals);
  for (int64_t i = 0; i < n_channels; i++)
    for (int64_t t = 0; t < part->n_taps; t++)
      *result_at (part->dw, part->c + i, t) = totals[t * VL + i];
}

static void
shift (RduView *v, int d)
{
  v->data = (float *) v->data + v->stride[d];
  v->lo[d]++;
}

static void
run_each (const RduCall *whole)
{
  RduView dy = *whole->src[0], x = *whole->src[1], dw = *whole->dst[0];
  RduCall call = *whole;
  dy.n[1] = dy.valid_hi[1] = x.n[1] = x.valid_hi[1] = dw.n[0] = dw.valid_hi[0] = 1;
  call.src[0] = &dy;
  call.src[1] = &x;
  call.dst[0] = &dw;
  for (int64_t c = 0; c < whole->dst[0]->n[0]; c++)
    {
      RDU_SYMBOL (rdu_conv2d_dw) (&call);
      shift (&dy, 1);
      shift (&x, 1);
      shift (&dw, 0);
    }
}

bool
RDU_SYMBOL (rdu_conv2d_dw_depthwise) (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dw = call->dst[0];
  Part part = { .dy = dy,
                .x = x,
                .dw = dw,
                .stride = call->imm,
                .dilation = call->imm + 2,
                .n_taps = dw->n[2] * dw->n[3] };
  if (dw->n[1] != 1 || x->n[1] == 1 || x->n[1] != dw->n[0] || dy->n[1] != dw->n[0])
    return false;
  bool is_apart = x->stride[1] != 1 || dy->stride[1] != 1 || dw->dim[0] <= RDU_CONV_FEW;
  if (is_apart || part.n_taps > MOST_TAPS || dy->n[2] * dy->n[3] == 0)
    {
      run_each (call);
      return true;
    }
  for (; part.c < dw->n[0]; part.c += VL)
    run_vector (&part, dw->n[0] - part.c, call->first);
  return true;
}
