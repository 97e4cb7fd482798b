/* SPDX-License-Identifier: Apache-2.0 */
/* What convolutions of bf16 read, in pairs of neighbouring depth (kernels_pair.h): weights and
 * sources by source channels, gradients and sources of conv2d_dw by pixels of a row. */
#ifndef SF_RDU_KERNELS_CONV_PAIR_H
#define SF_RDU_KERNELS_CONV_PAIR_H

#include "plugins/backends/rdu/kernels_conv.h"
#include "plugins/backends/rdu/kernels_pair.h"

/* Pixels of a row: pair i, of n, is pixels i * step and i * step + distance. Those outside lo ..
 * hi - 1 have no memory and are zero. */
typedef struct
{
  const float *from;      /* pixel 0, be it one that has memory or not */
  int64_t pixel, channel; /* strides */
  int64_t lo, hi, n, step, distance;
  int64_t n_channels;
} RduConvPairs;

#if defined(RDU_ISA) && defined(RDU_HAS_PAIRS)
/* As rdu_conv_pack, with `channel` and `n` in pairs. */
void RDU_SYMBOL (rdu_conv_pack_pairs) (const RduConvWeights *weights, int64_t vector, int64_t row,
                                       int64_t column, int64_t channel, int64_t n, float *packed);
/* The same of all taps, which are 3 x 3: `tap` elements from one to the next. */
void RDU_SYMBOL (rdu_conv_pack_pairs_of_taps) (const RduConvWeights *weights, int64_t vector,
                                               int64_t channel, int64_t n, float *packed,
                                               int64_t tap);
/* Pixels with their channels in pairs: rdu_n_pairs (n_channels) elements from one to the next. */
void RDU_SYMBOL (rdu_conv_pair_channels) (const float *from, int64_t pixel, int64_t channel,
                                          int64_t n_pixels, int64_t n_channels, float *to);
/* `row` elements from one pair of pixels to the next, n_channels or as much more as makes them
 * whole vectors: zeros. */
void RDU_SYMBOL (rdu_conv_pair_pixels) (const RduConvPairs *pairs, float *to, int64_t row);
#endif

#endif
