/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d and the gradient of its source by minimal filtering: for which operands, their weights
 * transformed ahead, and a firing of each. */
#include "plugins/backends/rdu/kernels_conv_winograd.h"

#define VL   RDU_VECTOR
#define TAPS 3

/* Channels that pay for the transforms of the other side's; squares that pay for weights 16/9 as
 * long as the direct way's, and squares of an image that pay for the way of its sums to the
 * gradient of the weights. */
enum
{
  LEAST_CHANNELS = 32,
  LEAST_SQUARES = 16
};

/* ---- firings ---- */

static RduWinogradJob
job_of (const RduCall *call, bool is_transposed)
{
  const RduView *x = call->src[0], *w = call->src[1], *y = call->dst[0];
  int out = is_transposed ? 1 : 0, in = 1 - out;
  RduWinogradJob job
      = { .source = { .data = x->data, .image = x->stride[0], .channel = x->stride[1] },
          .y = y->data,
          .n_images = y->n[0],
          .n_in = w->n[in],
          .n_out = w->n[out],
          .y_image = y->stride[0],
          .y_channel = y->stride[1],
          .weights = rdu_conv_weights (w, is_transposed),
          .is_turned = is_transposed,
          .packed = w->packed,
          .packed_in = w->dim[in],
          .packed_out = w->dim[out],
          .in = w->lo[in],
          .out = w->lo[out],
          .first = call->first,
          .scratch = call->scratch };
  for (int d = 0; d < 2; d++)
    job.source.side[d] = (RduWinogradSide){ .n = y->n[2 + d],
                                            .out_stride = y->stride[2 + d],
                                            .before = y->lo[2 + d] % 2,
                                            .lo = x->valid_lo[2 + d],
                                            .hi = x->valid_hi[2 + d],
                                            .stride = x->stride[2 + d] };
  return job;
}

static void
conv2d (const RduCall *call)
{
  RduWinogradJob job = job_of (call, false);
  RDU_SYMBOL (rdu_winograd) (&job);
}

/* The gradient is a convolution of dy, padded so that every window that saw a pixel is seen by it,
 * with the weights turned. */
static void
conv2d_dx (const RduCall *call)
{
  RduWinogradJob job = job_of (call, true);
  for (int d = 0; d < 2; d++)
    job.source.side[d].at = call->dst[0]->lo[2 + d] + call->imm[4 + d] - (TAPS - 1);
  RDU_SYMBOL (rdu_winograd) (&job);
}

/* ---- weights transformed ahead ---- */

static int64_t
packed_elems (const RduView *whole, int src, bool is_transposed)
{
  RduConvWeights w = rdu_conv_weights (whole, is_transposed);
  return src == 1 ? RDU_WINOGRAD_PLANES * rdu_winograd_plane (w.n_in, w.n_out) : 0;
}

/* Parts are runs of panels and of VL source channels of them. */
static void
pack (const RduView *whole, bool is_transposed, float *to, int64_t part, int64_t n_parts)
{
  RduConvWeights w = rdu_conv_weights (whole, is_transposed);
  int64_t n_runs = (w.n_in + VL - 1) / VL, plane = rdu_winograd_plane (w.n_in, w.n_out);
  int64_t n = (w.n_out + RDU_TILE_COLUMNS - 1) / RDU_TILE_COLUMNS * n_runs;
  for (int64_t i = n * part / n_parts; i < n * (part + 1) / n_parts; i++)
    {
      int64_t out = i / n_runs * RDU_TILE_COLUMNS, in = i % n_runs * VL;
      int64_t n_out = w.n_out - out, n_in = w.n_in - in < VL ? w.n_in - in : VL;
      n_out = n_out < RDU_TILE_COLUMNS ? n_out : RDU_TILE_COLUMNS;
      RDU_SYMBOL (rdu_winograd_weights)
      (&w, is_transposed, out, n_out, in, n_in,
       to + out * w.n_in + in * ((n_out + VL - 1) / VL * VL), plane);
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

static const RduPack conv2d_packing = { conv2d_elems, conv2d_pack, true };
static const RduPack conv2d_dx_packing = { conv2d_dx_elems, conv2d_dx_pack, true };

/* ---- the choice ---- */

static const RduKernel kernels[] = {
  { .name = "conv2d", .version = 1, .func = conv2d, .pack = &conv2d_packing },
  { .name = "conv2d_dx", .version = 1, .func = conv2d_dx, .pack = &conv2d_dx_packing },
  { .name = "conv2d_dw", .version = 1, .func = RDU_SYMBOL (rdu_winograd_dw), .goes_on = 1u << 0 },
};

/* Choices are a matter of whole shapes and dtypes: the bits are others than those of the direct
 * way. */
static bool
has_form (const RduCall *whole, const RduView *w)
{
  for (int d = 0; d < 2; d++)
    if (w->dim[2 + d] != TAPS || whole->imm[d] != 1 || whole->imm[2 + d] != 1)
      return false;
  return whole->src[0]->dtype == SF_F32 && whole->src[1]->dtype == SF_F32
         && w->dim[0] >= LEAST_CHANNELS && w->dim[1] >= LEAST_CHANNELS;
}

/* Squares of an image that has windows (or pixels, of the gradient) y. */
static int64_t
n_squares (const RduView *y)
{
  return (y->dim[2] + 1) / 2 * ((y->dim[3] + 1) / 2);
}

/* Squares that hang over the edge may hold more products than the direct way has: at least a third
 * of it has to be saved. */
static bool
saves (const RduView *y)
{
  return 2 * 9 * y->dim[2] * y->dim[3] >= 3 * 16 * n_squares (y);
}

static bool
suits (const RduCall *whole)
{
  const RduView *y = whole->dst[0];
  return has_form (whole, whole->src[1]) && saves (y) && y->dim[0] * n_squares (y) >= LEAST_SQUARES;
}

const RduKernel *
RDU_SYMBOL (rdu_winograd_choose) (const RduCall *whole)
{
  return suits (whole) ? &kernels[0] : NULL;
}

const RduKernel *
RDU_SYMBOL (rdu_winograd_dx_choose) (const RduCall *whole)
{
  return suits (whole) ? &kernels[1] : NULL;
}

/* What an image leaves in the planes is transformed back image by image. */
const RduKernel *
RDU_SYMBOL (rdu_winograd_dw_choose) (const RduCall *whole)
{
  const RduView *dy = whole->src[0];
  return has_form (whole, whole->dst[0]) && saves (dy) && n_squares (dy) >= LEAST_SQUARES
             ? &kernels[2]
             : NULL;
}
