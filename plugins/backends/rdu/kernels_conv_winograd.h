/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution with 3x3 taps, one apart, by minimal filtering: F(2x2,3x3) of Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", CVPR 2016. A square of 2x2 results comes of 4x4
 * source pixels by 16 products for each pair of channels, where the direct way has 36. */
#ifndef SF_RDU_KERNELS_CONV_WINOGRAD_H
#define SF_RDU_KERNELS_CONV_WINOGRAD_H

#include "plugins/backends/rdu/kernels_conv.h"
#include "plugins/backends/rdu/kernels_tile.h"

/* Elements of a transformed square. */
#define RDU_WINOGRAD_PLANES 16

/* What is worked on at a time: squares, and channels of the source and of the result, fewer if the
 * weights have to be transformed on the way. None of them changes a bit of a result. */
#define RDU_WINOGRAD_SQUARES  64
#define RDU_WINOGRAD_CHANNELS 512
#define RDU_WINOGRAD_UNPACKED RDU_TILE_COLUMNS
#define RDU_WINOGRAD_SCRATCH                                                     \
  (RDU_WINOGRAD_PLANES * 2 * (RDU_WINOGRAD_SQUARES * RDU_WINOGRAD_CHANNELS + 16) \
   + RDU_WINOGRAD_PLANES * RDU_WINOGRAD_CHANNELS)

/* Rows (or columns) of a box of the result and of the source. Squares stand on even positions of
 * the whole result, wherever the box begins. */
typedef struct
{
  int64_t n, out_stride;
  int64_t before; /* 1 if the box begins with the second position of a square, else 0 */
  int64_t at;     /* source position of the first tap of result position 0 */
  int64_t lo, hi; /* source positions that have memory; the others are zeros */
  int64_t stride; /* of the source */
} RduWinogradSide;

/* Images that are transformed square by square. */
typedef struct
{
  const float *data;
  int64_t image, channel;  /* strides */
  RduWinogradSide side[2]; /* rows, columns */
} RduWinogradSource;

typedef struct
{
  int64_t image, row, column;
} RduWinogradSquare;

/* Transformed squares: one element of all of them after the other. */
typedef struct
{
  float *data;
  int64_t row, plane; /* elements from square to square, and from plane to plane */
} RduWinogradPlanes;

typedef struct
{
  RduWinogradSource source;
  float *y;
  int64_t n_images, n_in, n_out; /* channels */
  int64_t y_image, y_channel;
  RduConvWeights weights;
  bool is_turned;      /* weights meet the source by their last row and column first */
  const float *packed; /* all weights, transformed; NULL: they are not */
  int64_t packed_in, packed_out, in, out; /* their channels, and the box's first */
  bool first;
  float *scratch;
} RduWinogradJob;

/* Elements from plane to plane of transformed weights: panels (kernels_panel.h) of result channels
 * by source channels, and a line more: no two planes lie in the same sets of a cache. */
static inline int64_t
rdu_winograd_plane (int64_t n_in, int64_t n_out)
{
  return n_in * ((n_out + RDU_VECTOR - 1) / RDU_VECTOR * RDU_VECTOR) + 16;
}

/* Squares of an image. */
static inline int64_t
rdu_winograd_squares (const RduWinogradSource *source)
{
  const RduWinogradSide *rows = &source->side[0], *columns = &source->side[1];
  return (rows->before + rows->n + 1) / 2 * ((columns->before + columns->n + 1) / 2);
}

/* Row by row, image by image. */
static inline void
rdu_winograd_next (const RduWinogradSource *source, RduWinogradSquare *at)
{
  const RduWinogradSide *rows = &source->side[0], *columns = &source->side[1];
  if (++at->column < (columns->before + columns->n + 1) / 2)
    return;
  at->column = 0;
  if (++at->row < (rows->before + rows->n + 1) / 2)
    return;
  at->row = 0;
  at->image++;
}

#ifdef RDU_ISA
/* `n` squares from `first` on, at most RDU_WINOGRAD_CHANNELS channels of them from `channel` on,
 * which come together in `together` if they are apart. */
void RDU_SYMBOL (rdu_winograd_source) (const RduWinogradSource *source, RduWinogradSquare first,
                                       int64_t n, int64_t channel, int64_t n_channels,
                                       float *together, const RduWinogradPlanes *to);
/* Of source channels `in` .. for up to RDU_TILE_COLUMNS result channels from `out` on, into one
 * panel of every plane. */
void RDU_SYMBOL (rdu_winograd_weights) (const RduConvWeights *weights, bool is_turned, int64_t out,
                                        int64_t n_out, int64_t in, int64_t n_in, float *to,
                                        int64_t plane);
void RDU_SYMBOL (rdu_winograd) (const RduWinogradJob *job);
void RDU_SYMBOL (rdu_winograd_dw) (const RduCall *call);
/* RduKernel.choose of conv2d, of conv2d_dx and of conv2d_dw. */
const RduKernel *RDU_SYMBOL (rdu_winograd_choose) (const RduCall *whole);
const RduKernel *RDU_SYMBOL (rdu_winograd_dx_choose) (const RduCall *whole);
const RduKernel *RDU_SYMBOL (rdu_winograd_dw_choose) (const RduCall *whole);
#endif

#endif
