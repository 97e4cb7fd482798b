/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d and the gradient of its source as direct convolutions, and their weights packed ahead. */
#include "plugins/backends/rdu/kernels_conv_pair.h"
#include "plugins/backends/rdu/kernels_conv_winograd.h"

#define VL RDU_VECTOR

/* Fewer source channels than these are not worth pairing. */
#define LEAST_PAIRED 8

/* Source channels, or pairs of them, that are packed at a time: as their taps stay in cache. */
#define PACKED_RUN 16

/* Whether weights are packed as pairs of bf16: not where vectors are of pixels. */
static bool
in_pairs (const RduView *w, bool is_transposed)
{
#ifdef RDU_HAS_PAIRS
  return w->dtype == SF_BF16 && w->dim[is_transposed ? 0 : 1] >= LEAST_PAIRED
         && w->dim[is_transposed ? 1 : 0] > RDU_CONV_FEW;
#else
  (void) w, (void) is_transposed;
  return false;
#endif
}

/* Steps of a depth of `n` source channels. */
static int64_t
n_steps (const RduConvWeights *w, int64_t n)
{
  return w->pairs ? rdu_n_pairs (n) : n;
}

static RduConvWeights
weights_of (const RduView *w, bool is_transposed)
{
  RduConvWeights weights = rdu_conv_weights (w, is_transposed);
  weights.pairs = in_pairs (w, is_transposed);
  return weights;
}

/* Whether the packed weights have the box's: begun with a vector of result channels, and with a
 * pair of source channels. */
static bool
is_in_packed (const RduView *w, int out, int in, bool pairs)
{
  return w->packed != NULL && w->lo[out] % VL == 0 && in_pairs (w, in == 0) == pairs
         && (!pairs
             || (w->lo[in] % 2 == 0 && (w->n[in] % 2 == 0 || w->lo[in] + w->n[in] == w->dim[in])));
}

/* Whether source and weights are multiplied in pairs, and so rounded when these are made. */
static bool
multiplies_pairs (const RduView *x, const RduView *w, bool is_transposed)
{
  return x->dtype == SF_BF16 && in_pairs (w, is_transposed);
}

/* Whether each channel of the source makes one of the result by taps of its own. */
static bool
is_depthwise (const RduView *x, const RduView *w, const RduView *y)
{
  return w->n[1] == 1 && x->n[1] > 1 && x->n[1] == w->n[0] && y->n[1] == w->n[0];
}

static RduConvJob
job_of (const RduCall *call, bool is_transposed)
{
  const RduView *x = call->src[0], *w = call->src[1], *y = call->dst[0];
  int out = is_transposed ? 1 : 0, in = 1 - out;
  RduConvJob job = { .x = x->data,
                     .y = y->data,
                     .n_images = y->n[0],
                     .x_image = x->stride[0],
                     .x_channel = x->stride[1],
                     .y_image = y->stride[0],
                     .y_channel = y->stride[1],
                     .weights = weights_of (w, is_transposed),
                     .first = call->first,
                     .scratch = call->scratch };
  job.weights.pairs = multiplies_pairs (x, w, is_transposed);
  job.n_in = n_steps (&job.weights, w->n[in]);
  job.packed_in = n_steps (&job.weights, w->dim[in]);
  if (is_depthwise (x, w, y))
    {
      job.n_depthwise = w->n[0];
      job.depthwise_stride = w->stride[0];
      job.n_in = job.weights.n_in = job.weights.n_out = 1;
    }
  /* Those of a gradient are packed for one result channel. */
  if (is_in_packed (w, out, in, job.weights.pairs) && !(job.n_depthwise > 0 && is_transposed))
    job.packed = (const float *) w->packed
                 + (w->lo[out] * w->dim[2] * w->dim[3] * job.packed_in
                    + w->lo[in] / (job.weights.pairs ? 2 : 1) * VL);
  return job;
}

/* y[n, o, p] (+)= sum over (kh, kw, c) of w[o, c, kh, kw] x[n, c, window p] */
static void
conv2d (const RduCall *call)
{
  const RduView *x = call->src[0], *w = call->src[1], *y = call->dst[0];
  RduConvJob job = job_of (call, false);
  for (int d = 0; d < 2; d++)
    job.side[d] = (RduConvSide){ .n = y->n[2 + d],
                                 .out_stride = y->stride[2 + d],
                                 .step = call->imm[d],
                                 .taps = w->n[2 + d],
                                 .k_step = 1,
                                 .at_step = call->imm[2 + d],
                                 .lo = x->valid_lo[2 + d],
                                 .hi = x->valid_hi[2 + d],
                                 .stride = x->stride[2 + d] };
  RDU_SYMBOL (rdu_conv) (&job);
}

static int64_t
common_divisor (int64_t a, int64_t b)
{
  return b == 0 ? a : common_divisor (b, a % b);
}

/* Of the positions whose distance to the first is a multiple of the stride, from `phase` on: they
 * see every k_step-th tap only. `first`: the first position and its padding. */
static RduConvSide
phase_side (const RduView *dy, const RduView *w, const RduView *dx, int d, const RduCall *call,
            int64_t phase)
{
  int64_t stride = call->imm[d], dilation = call->imm[2 + d];
  int64_t at = phase + dx->lo[2 + d] + call->imm[4 + d], kernel = w->n[2 + d], k = 0;
  int64_t k_step = stride / common_divisor (stride, dilation);
  while (k < kernel && k < k_step && (at - k * dilation) % stride != 0)
    k++;
  bool is_seen = k < kernel && k < k_step;
  return (RduConvSide){ .n = (dx->n[2 + d] - phase + stride - 1) / stride,
                        .out_stride = dx->stride[2 + d] * stride,
                        .step = 1,
                        .taps = is_seen ? (kernel - k + k_step - 1) / k_step : 0,
                        .k = k,
                        .k_step = k_step,
                        .at = is_seen ? (at - k * dilation) / stride : 0,
                        .at_step = -k_step * dilation / stride,
                        .lo = dy->valid_lo[2 + d],
                        .hi = dy->valid_hi[2 + d],
                        .stride = dy->stride[2 + d] };
}

/* dx[n, c, p] (+)= sum over (kh, kw, o) of w[o, c, kh, kw] dy[n, o, the window whose tap (kh, kw)
 * is p] */
static void
conv2d_dx (const RduCall *call)
{
  const RduView *dy = call->src[0], *w = call->src[1], *dx = call->dst[0];
  RduConvJob job = job_of (call, true);
  float *first = job.y;
  for (int64_t row = 0; row < call->imm[0] && row < dx->n[2]; row++)
    for (int64_t column = 0; column < call->imm[1] && column < dx->n[3]; column++)
      {
        job.side[0] = phase_side (dy, w, dx, 0, call, row);
        job.side[1] = phase_side (dy, w, dx, 1, call, column);
        job.y = first + row * dx->stride[2] + column * dx->stride[3];
        RDU_SYMBOL (rdu_conv) (&job);
      }
}

/* ---- weights packed ahead ---- */

static int64_t
packed_elems (const RduView *whole, int src, bool is_transposed)
{
  RduConvWeights w = weights_of (whole, is_transposed);
  return src == 1 ? (w.n_out + VL - 1) / VL * VL * n_steps (&w, w.n_in) * w.n_rows * w.n_columns
                  : 0;
}

/* `n` source channels from `first` on, or pairs of them, for a vector of result channels, tap by
 * tap. */
static void
pack_run (const RduConvWeights *w, int64_t vector, int64_t first, int64_t n, float *to)
{
  int64_t taps = w->n_rows * w->n_columns, depth = n_steps (w, w->n_in);
  to += (vector * taps * depth + first) * VL;
#ifdef RDU_HAS_PAIRS
  if (w->pairs && w->n_rows == 3 && w->n_columns == 3)
    {
      RDU_SYMBOL (rdu_conv_pack_pairs_of_taps) (w, vector, first, n, to, depth * VL);
      return;
    }
#endif
  for (int64_t tap = 0; tap < taps; tap++)
    RDU_SYMBOL (rdu_conv_pack)
  (w, vector, tap / w->n_columns, tap % w->n_columns, first, n, to + tap * depth * VL);
}

/* Parts are runs of vectors and of some of their source channels, whose taps lie near each other.
 */
static void
pack (const RduView *whole, bool is_transposed, float *to, int64_t part, int64_t n_parts)
{
  RduConvWeights w = weights_of (whole, is_transposed);
  int64_t depth = n_steps (&w, w.n_in);
  int64_t n_runs = (depth + PACKED_RUN - 1) / PACKED_RUN, n = (w.n_out + VL - 1) / VL * n_runs;
  for (int64_t i = n * part / n_parts; i < n * (part + 1) / n_parts; i++)
    {
      int64_t first = i % n_runs * PACKED_RUN, left = depth - first;
      pack_run (&w, i / n_runs, first, left < PACKED_RUN ? left : PACKED_RUN, to);
    }
}

static int64_t
conv2d_elems (const RduView *whole, int src, const int64_t *imm)
{
  return packed_elems (whole, src, false);
}

static void
conv2d_pack (const RduView *whole, int src, const int64_t *imm, void *to, int64_t part,
             int64_t n_parts)
{
  pack (whole, false, to, part, n_parts);
}

static int64_t
conv2d_dx_elems (const RduView *whole, int src, const int64_t *imm)
{
  return packed_elems (whole, src, true);
}

static void
conv2d_dx_pack (const RduView *whole, int src, const int64_t *imm, void *to, int64_t part,
                int64_t n_parts)
{
  pack (whole, true, to, part, n_parts);
}

static bool
conv2d_rounds (const RduCall *whole)
{
  return multiplies_pairs (whole->src[0], whole->src[1], false);
}

static bool
conv2d_dx_rounds (const RduCall *whole)
{
  return multiplies_pairs (whole->src[0], whole->src[1], true);
}

static const RduPack conv2d_packing = { conv2d_elems, conv2d_pack };
static const RduPack conv2d_dx_packing = { conv2d_dx_elems, conv2d_dx_pack };

/* The depth goes tap by tap through all channels of a firing: cut by channels it is another sum.
 * That of conv2d_dw adds images one by one. */
const RduKernel RDU_SYMBOL (rdu_conv_kernels)[] = {
  { .name = "conv2d",
    .version = 1,
    .func = conv2d,
    .pack = &conv2d_packing,
    .choose = RDU_SYMBOL (rdu_winograd_choose),
    .rounds = conv2d_rounds },
  { .name = "conv2d_dx",
    .version = 1,
    .func = conv2d_dx,
    .pack = &conv2d_dx_packing,
    .choose = RDU_SYMBOL (rdu_winograd_dx_choose),
    .rounds = conv2d_dx_rounds },
  { .name = "conv2d_dw",
    .version = 1,
    .func = RDU_SYMBOL (rdu_conv2d_dw),
    .goes_on = 1u << 0,
    .choose = RDU_SYMBOL (rdu_winograd_dw_choose) },
  { .name = NULL },
};
