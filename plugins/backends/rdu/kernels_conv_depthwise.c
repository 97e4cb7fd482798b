/* SPDX-License-Identifier: Apache-2.0 */
/* Direct convolution whose channels have taps of their own: vectors of channels, for some pixels of
 * a row together, which share the weights. Taps that meet padding are left out. The chain of a sum
 * is that of one channel by itself. */
#include "plugins/backends/rdu/kernels_conv.h"

#define VL RDU_VECTOR

#define PIXELS    4
#define MOST_TAPS 64

/* Where taps read, from a pixel's first position, and their weights, from those of a vector. */
typedef struct
{
  int n;
  int64_t source[MOST_TAPS], weights[MOST_TAPS];
} Taps;

typedef struct
{
  const RduConvJob *job;
  const float *weights; /* VL by tap */
  int64_t vector_stride;
  int64_t tap_stride[2]; /* of the weights, by rows and columns of taps */
  Taps all;
} Depthwise;

static inline __attribute__ ((always_inline)) void
run_vector (const RduConvJob *job, const Taps *taps, const float *weights, const float *x, float *y,
            RduLanes lanes, const bool whole, const int n_pixels)
{
  const RduConvSide *columns = &job->side[1];
  int64_t step = columns->step * columns->stride, out = columns->out_stride;
  RduVec sum[PIXELS];
#pragma GCC unroll 4
  for (int p = 0; p < n_pixels; p++)
    sum[p] = job->first ? rdu_vec_zero ()
             : whole    ? rdu_vec_load (y + p * out)
                        : rdu_vec_load_lanes (y + p * out, lanes);
  for (int t = 0; t < taps->n; t++)
    {
      RduVec weight = rdu_vec_load (weights + taps->weights[t]);
      const float *from = x + taps->source[t];
#pragma GCC unroll 4
      for (int p = 0; p < n_pixels; p++)
        sum[p] = rdu_vec_fma (whole ? rdu_vec_load (from + p * step)
                                    : rdu_vec_load_lanes (from + p * step, lanes),
                              weight, sum[p]);
    }
#pragma GCC unroll 4
  for (int p = 0; p < n_pixels; p++)
    if (whole)
      rdu_vec_store (y + p * out, sum[p]);
    else
      rdu_vec_store_lanes (y + p * out, lanes, sum[p]);
}

static inline __attribute__ ((always_inline)) void
run_pixels (const Depthwise *d, const Taps *taps, const float *x, float *y, const int n_pixels)
{
  const RduConvJob *job = d->job;
  const float *weights = d->weights;
  int64_t c = 0;
  for (; c + VL <= job->n_depthwise; c += VL, weights += d->vector_stride)
    run_vector (job, taps, weights, x + c, y + c, rdu_lanes (VL), true, n_pixels);
  if (c < job->n_depthwise)
    run_vector (job, taps, weights, x + c, y + c, rdu_lanes (job->n_depthwise - c), false,
                n_pixels);
}

static bool
is_inside (const RduConvSide *side, int64_t low, int64_t high)
{
  return low * side->step + rdu_conv_first (side) >= side->lo
         && high * side->step + rdu_conv_last (side) < side->hi;
}

static bool
has_memory (const RduConvSide *side, int64_t position, int64_t tap)
{
  int64_t at = position * side->step + side->at + tap * side->at_step;
  return at >= side->lo && at < side->hi;
}

/* The taps of a pixel that have memory; all of them for pixel -1. */
static void
find_taps (const Depthwise *d, int64_t row, int64_t column, Taps *taps)
{
  const RduConvSide *rows = &d->job->side[0], *columns = &d->job->side[1];
  taps->n = 0;
  for (int64_t i = 0; i < rows->taps; i++)
    for (int64_t j = 0; j < columns->taps; j++)
      {
        if (row >= 0 && !(has_memory (rows, row, i) && has_memory (columns, column, j)))
          continue;
        taps->source[taps->n] = (rows->at + i * rows->at_step) * rows->stride
                                + (columns->at + j * columns->at_step) * columns->stride;
        taps->weights[taps->n++] = i * d->tap_stride[0] + j * d->tap_stride[1];
      }
}

static void
run_row (const Depthwise *d, int64_t row, const float *x, float *y)
{
  const RduConvSide *rows = &d->job->side[0], *columns = &d->job->side[1];
  int64_t step = columns->step * columns->stride;
  bool inside = is_inside (rows, row, row);
  for (int64_t column = 0; column < columns->n;)
    {
      const float *from = x + column * step;
      float *to = y + column * columns->out_stride;
      if (inside && column + PIXELS <= columns->n
          && is_inside (columns, column, column + PIXELS - 1))
        {
          run_pixels (d, &d->all, from, to, PIXELS);
          column += PIXELS;
          continue;
        }
      Taps taps;
      find_taps (d, row, column, &taps);
      run_pixels (d, &taps, from, to, 1);
      column++;
    }
}

/* Where the weights are, or are packed to, VL by tap; false: there are too many. */
static bool
find_weights (Depthwise *d)
{
  const RduConvJob *job = d->job;
  const RduConvWeights *w = &job->weights;
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  int64_t n_taps = rows->taps * columns->taps;
  if (job->packed != NULL)
    {
      d->tap_stride[0] = rows->k_step * w->n_columns * VL;
      d->tap_stride[1] = columns->k_step * VL;
      d->vector_stride = w->n_rows * w->n_columns * VL;
      d->weights = job->packed + (rows->k * w->n_columns + columns->k) * VL;
      return true;
    }
  d->tap_stride[0] = columns->taps * VL;
  d->tap_stride[1] = VL;
  d->vector_stride = n_taps * VL;
  d->weights = job->scratch;
  if ((job->n_depthwise + VL - 1) / VL * d->vector_stride > RDU_CONV_WEIGHTS)
    return false;
  for (int64_t c = 0; c < job->n_depthwise; c++)
    for (int64_t t = 0; t < n_taps; t++)
      job->scratch[c / VL * d->vector_stride + t * VL + c % VL]
          = w->data[c * job->depthwise_stride
                    + (rows->k + t / columns->taps * rows->k_step) * w->row
                    + (columns->k + t % columns->taps * columns->k_step) * w->column];
  return true;
}

static void
run_each (const RduConvJob *whole)
{
  RduConvJob job = *whole;
  job.n_depthwise = 0;
  job.packed = NULL;
  for (int64_t c = 0; c < whole->n_depthwise; c++)
    {
      RDU_SYMBOL (rdu_conv) (&job);
      job.x += job.x_channel;
      job.y += job.y_channel;
      job.weights.data += job.depthwise_stride;
    }
}

void
RDU_SYMBOL (rdu_conv_depthwise) (const RduConvJob *job)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  Depthwise d = { .job = job };
  if (job->x_channel != 1 || job->y_channel != 1 || rows->taps * columns->taps > MOST_TAPS
      || !find_weights (&d))
    {
      run_each (job);
      return;
    }
  find_taps (&d, -1, -1, &d.all);
  for (int64_t image = 0; image < job->n_images; image++)
    for (int64_t row = 0; row < rows->n; row++)
      run_row (&d, row, job->x + image * job->x_image + row * rows->step * rows->stride,
               job->y + image * job->y_image + row * rows->out_stride);
}
