/* SPDX-License-Identifier: Apache-2.0 */
/* Direct convolution: result pixels by result channels, summed over taps and source channels, with
 * the sums of a tile in registers. Nothing is unrolled into columns: a tile reads the source
 * through one pointer per pixel and tap. Sources in pairs of bf16 are not multiplied where they are
 * padding, which 44 of the 144 taps of 3 x 3 in an image of 4 x 4 are. */
#ifndef SF_RDU_KERNELS_CONV_H
#define SF_RDU_KERNELS_CONV_H

#include <string.h>

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_transpose.h"
#include "plugins/backends/rdu/kernels_vector.h"

/* Pixels of the longest tile, vectors of the widest; rows of sums of one vector, and of two. */
#if RDU_VECTOR == 16
#define RDU_CONV_PIXELS  16
#define RDU_CONV_VECTORS 4
#define RDU_CONV_SUMS_1  16
#define RDU_CONV_SUMS_2  12
#else
#define RDU_CONV_PIXELS  8
#define RDU_CONV_VECTORS 2
#define RDU_CONV_SUMS_1  10
#define RDU_CONV_SUMS_2  6
#endif

#define RDU_CONV_TILES 3 /* of each number of vectors */

/* Stretches of the depth (taps, then channels) that are worked at a time: none longer than
 * RDU_CONV_DEPTH in all; weights of that depth that stay in cache, in elements; and the source rows
 * that are copied where they cannot be read in place. None of them changes a bit of a result. */
#define RDU_CONV_SEGMENTS 64
#define RDU_CONV_DEPTH    1024
#define RDU_CONV_WEIGHTS  131072
#define RDU_CONV_SLAB     65536
#define RDU_CONV_SCRATCH  (RDU_CONV_WEIGHTS + RDU_CONV_SLAB + 16 * RDU_CONV_DEPTH)

/* A stretch of source channels under one tap. */
typedef struct
{
  int64_t length;
  const float *weights; /* of the tile's first vector of result channels, RDU_VECTOR by channel */
} RduConvSegment;

/* One tile: out[pixel][channel] = (first ? 0 : out) + the segments' products, in their order. */
typedef struct
{
  int n_segments;
  const RduConvSegment *segments;
  const float *const *source; /* per segment, then per pixel of the tile */
  int64_t weights_offset;     /* added to the segments' weights */
  int64_t vector_stride;      /* between the weights of neighbouring vectors */
  float *const *out;
  int64_t out_offset; /* added to each */
  int last_lanes;     /* of the last vector */
  bool first;
} RduConvTile;

typedef struct
{
  int pixels;
  void (*run) (const RduConvTile *tile);
} RduConvTileKernel;

/* Rows (or columns) that are read and written. Position i of the result, of n, reads source
 * position i * step + at + j * at_step under tap j, of `taps`, which is position k + j * k_step of
 * the kernel. */
typedef struct
{
  int64_t n, out_stride, step;
  int64_t taps, k, k_step, at, at_step;
  int64_t lo, hi; /* source positions that have memory; the others are zeros */
  int64_t stride; /* of the source */
} RduConvSide;

/* How far the taps of a position reach. */
static inline int64_t
rdu_conv_first (const RduConvSide *side)
{
  int64_t last = side->at + (side->taps - 1) * side->at_step;
  return last < side->at ? last : side->at;
}

static inline int64_t
rdu_conv_last (const RduConvSide *side)
{
  int64_t last = side->at + (side->taps - 1) * side->at_step;
  return last > side->at ? last : side->at;
}

/* Source rows or columns that n positions of the result read. */
static inline int64_t
rdu_conv_reach (const RduConvSide *side, int64_t n)
{
  return (n - 1) * side->step + rdu_conv_last (side) - rdu_conv_first (side) + 1;
}

/* Images in any layout: rows and columns (0 and 1) lo .. hi-1 have memory. */
typedef struct
{
  const float *data;
  int64_t n_channels, image, channel, stride[2];
  int64_t lo[2], hi[2];
} RduConvSource;

/* Weights by result channel, source channel, row and column, wherever they are. */
typedef struct
{
  const float *data;
  int64_t n_out, n_in, n_rows, n_columns;
  int64_t out, in, row, column; /* strides */
  bool pairs; /* they are packed as pairs of bf16, and multiplied as such (kernels_conv_pair.h) */
} RduConvWeights;

/* Weights as seen from the result: of conv2d by its channels o, of conv2d_dx by channels c. */
static inline RduConvWeights
rdu_conv_weights (const RduView *w, bool is_transposed)
{
  int out = is_transposed ? 1 : 0, in = 1 - out;
  return (RduConvWeights){ .data = w->data,
                           .n_out = w->n[out],
                           .n_in = w->n[in],
                           .n_rows = w->n[2],
                           .n_columns = w->n[3],
                           .out = w->stride[out],
                           .in = w->stride[in],
                           .row = w->stride[2],
                           .column = w->stride[3] };
}

/* Where the weights are pairs, n_in and packed_in count pairs of source channels. */
typedef struct
{
  const float *x;
  float *y;
  int64_t n_images, n_in, n_out; /* channels */
  int64_t x_image, x_channel, y_image, y_channel;
  RduConvSide side[2]; /* rows, columns */
  RduConvWeights weights;
  const float *packed; /* the weights of the first result and source channel; NULL: not packed */
  int64_t packed_in;   /* source channels of the packed weights */
  bool x_pairs;        /* the source is in pairs as well; else they are made where it is read */
  /* Channels that have taps of their own, and elements from the weights of one to the next's; then
   * n_in and n_out are 1. 0: each result channel sums over all source channels. */
  int64_t n_depthwise, depthwise_stride;
  bool first;
  float *scratch;
} RduConvJob;

/* sums[row][channel] += source[pixel][row] share[pixel][channel]: of each image a sum over rows and
 * columns of pixels from zero, in this order, is added. Rows of sums are source channels, under one
 * tap or several. */
typedef struct
{
  const float *source, *share;
  const int64_t *offset; /* of each row from the source's pixel; NULL: they are neighbours */
  int64_t n_images, n_rows, n_columns;
  int64_t source_image, source_row, source_column, share_image, share_row, share_column;
  float *sums;
  int64_t sums_row;
  bool pairs; /* source and share are pairs of bf16: of two pixels, which columns count */
} RduConvSums;

/* Few channels of up to RDU_VECTOR neighbouring pixels, `row` elements for each. */
static inline void
rdu_conv_weave (const float *from, int64_t channel, int64_t n_pixels, int64_t n_channels, float *to,
                int64_t row)
{
  RduVec x[RDU_VECTOR];
  RduLanes pixels = rdu_lanes (n_pixels), lanes = rdu_lanes (row < RDU_VECTOR ? row : RDU_VECTOR);
  for (int64_t c = 0; c < RDU_VECTOR; c++)
    x[c] = c < n_channels ? rdu_vec_load_lanes (from + c * channel, pixels) : rdu_vec_zero ();
  rdu_vec_transpose (x);
  for (int64_t p = 0; p < n_pixels; p++)
    rdu_vec_store_lanes (to + p * row, lanes, x[p]);
}

/* Brings pixels together, `row` elements from one to the next, which is n_channels or more. Up to
 * RDU_VECTOR elements behind the last one's channels are written; zeros where a row has room. */
static inline void
rdu_conv_bring (const float *from, int64_t pixel, int64_t channel, int64_t n_pixels,
                int64_t n_channels, float *to, int64_t row)
{
  if (channel == 1 && pixel == n_channels && row == n_channels)
    memcpy (to, from, (size_t) (n_pixels * n_channels) * 4);
  else if (channel == 1)
    for (; n_pixels > 0; n_pixels--, from += pixel, to += row)
      {
        int64_t c = 0;
        for (; c + RDU_VECTOR <= n_channels; c += RDU_VECTOR)
          rdu_vec_store (to + c, rdu_vec_load (from + c));
        if (c < n_channels)
          rdu_vec_store (to + c, rdu_vec_load_lanes (from + c, rdu_lanes (n_channels - c)));
      }
  else if (pixel == 1 && n_channels <= RDU_VECTOR)
    for (; n_pixels > 0; n_pixels -= RDU_VECTOR, from += RDU_VECTOR, to += RDU_VECTOR * row)
      rdu_conv_weave (from, channel, n_pixels < RDU_VECTOR ? n_pixels : RDU_VECTOR, n_channels, to,
                      row);
  else
    {
      if (row > n_channels)
        memset (to, 0, (size_t) (n_pixels * row) * 4);
      for (int64_t c = 0; c < n_channels; c++)
        for (int64_t p = 0; p < n_pixels; p++)
          to[p * row + c] = from[p * pixel + c * channel];
    }
}

#ifdef RDU_ISA
/* Of 1 .. RDU_CONV_VECTORS vectors, the longest first; the others are for the last few pixels. */
extern const RduConvTileKernel RDU_SYMBOL (rdu_conv_tiles)[RDU_CONV_VECTORS][RDU_CONV_TILES];
#ifdef RDU_HAS_PAIRS
extern const RduConvTileKernel RDU_SYMBOL (rdu_conv_tiles_pairs)[RDU_CONV_VECTORS][RDU_CONV_TILES];
#endif
/* `n` source channels from `channel` on, or pairs of them, under one tap, for vector `vector` of
 * result channels. */
void RDU_SYMBOL (rdu_conv_pack) (const RduConvWeights *weights, int64_t vector, int64_t row,
                                 int64_t column, int64_t channel, int64_t n, float *packed);
/* Rows and columns first[] .. of n[] each of an image, plane by plane; zeros where there is no
 * memory, and in RDU_VECTOR elements more. */
void RDU_SYMBOL (rdu_conv_planes) (const RduConvSource *source, int64_t image, const int64_t *first,
                                   const int64_t *n, float *to);
/* With vectors of pixels; false, and nothing done: they are not for it. */
bool RDU_SYMBOL (rdu_conv_pixels) (const RduConvJob *job);
/* For channels with taps of their own. */
void RDU_SYMBOL (rdu_conv_depthwise) (const RduConvJob *job);
/* Reads the source where it is. */
void RDU_SYMBOL (rdu_conv_run) (const RduConvJob *job);
/* The same by way of a copy of the source where that is faster. */
void RDU_SYMBOL (rdu_conv) (const RduConvJob *job);
/* `n` rows, at most RDU_CONV_SUMS_1 of one vector or RDU_CONV_SUMS_2 of two. */
void RDU_SYMBOL (rdu_conv_sum) (const RduConvSums *sums, int n, int vectors);
void RDU_SYMBOL (rdu_conv2d_dw) (const RduCall *call);
/* Where channels have taps of their own; false, and nothing done: they have not. */
bool RDU_SYMBOL (rdu_conv2d_dw_depthwise) (const RduCall *call);
/* With vectors of pixels; false, and nothing done: they are not for it. */
bool RDU_SYMBOL (rdu_conv2d_dw_pixels) (const RduCall *call);
#endif

#endif
