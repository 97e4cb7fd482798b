/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of direct convolution: pixels by vectors of channels, all sums in registers. */
#include "plugins/backends/rdu/kernels_conv.h"

typedef RduVec (*Step) (RduVec a, RduVec b, RduVec sum);

/* `depth` neighbouring source channels of every pixel, or pairs of them. */
static inline __attribute__ ((always_inline)) void
add_products (RduVec sum[RDU_CONV_PIXELS][RDU_CONV_VECTORS], const float *const *source, int64_t c,
              const float *weights, int64_t vector_stride, const int pixels, const int vectors,
              const int depth, const Step step)
{
  RduVec w[4][RDU_CONV_VECTORS];
#pragma GCC unroll 4
  for (int k = 0; k < depth; k++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      w[k][v] = rdu_vec_load (weights + v * vector_stride + k * RDU_VECTOR);
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p++)
    {
      const float *x = source[p] + c;
#pragma GCC unroll 4
      for (int k = 0; k < depth; k++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
          sum[p][v] = step (rdu_vec_all (x + k), w[k][v], sum[p][v]);
    }
}

/* `depth`: source channels at a time; more than one saves pointer loads where there is one vector.
 */
static inline __attribute__ ((always_inline)) void
run_tile (const RduConvTile *tile, const int pixels, const int vectors, const int depth,
          const Step step)
{
  RduVec sum[RDU_CONV_PIXELS][RDU_CONV_VECTORS];
  RduLanes lanes = rdu_lanes (tile->last_lanes);
  int64_t last = tile->out_offset + (vectors - 1) * RDU_VECTOR;
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      if (tile->first)
        sum[p][v] = rdu_vec_zero ();
      else if (v < vectors - 1)
        sum[p][v] = rdu_vec_load (tile->out[p] + tile->out_offset + v * RDU_VECTOR);
      else
        sum[p][v] = rdu_vec_load_lanes (tile->out[p] + last, lanes);
  const float *const *source = tile->source;
  for (int s = 0; s < tile->n_segments; s++, source += pixels)
    {
      const float *w = tile->segments[s].weights + tile->weights_offset;
      int64_t c = 0, length = tile->segments[s].length;
      for (; c + depth <= length; c += depth, w += depth * RDU_VECTOR)
        add_products (sum, source, c, w, tile->vector_stride, pixels, vectors, depth, step);
      for (; depth > 1 && c < length; c++, w += RDU_VECTOR)
        add_products (sum, source, c, w, tile->vector_stride, pixels, vectors, 1, step);
    }
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      if (v < vectors - 1)
        rdu_vec_store (tile->out[p] + tile->out_offset + v * RDU_VECTOR, sum[p][v]);
      else
        rdu_vec_store_lanes (tile->out[p] + last, lanes, sum[p][v]);
}

#define TILE(pixels, vectors, depth)                             \
  static void run_##pixels##x##vectors (const RduConvTile *tile) \
  {                                                              \
    run_tile (tile, pixels, vectors, depth, rdu_vec_fma);        \
  }
#define PAIRS_TILE(pixels, vectors, depth)                         \
  static void pairs_##pixels##x##vectors (const RduConvTile *tile) \
  {                                                                \
    run_tile (tile, pixels, vectors, depth, rdu_vec_fma_pairs);    \
  }

#if RDU_VECTOR == 16
#define TILES(X) \
  X (16, 1, 4)   \
  X (8, 1, 4) X (14, 2, 1) X (7, 2, 1) X (9, 3, 1) X (5, 3, 1) X (6, 4, 1) X (4, 4, 1) X (3, 4, 1)
TILES (TILE)

const RduConvTileKernel RDU_SYMBOL (rdu_conv_tiles)[RDU_CONV_VECTORS][RDU_CONV_TILES] = {
  { { 16, run_16x1 }, { 8, run_8x1 }, { 8, run_8x1 } },
  { { 14, run_14x2 }, { 7, run_7x2 }, { 7, run_7x2 } },
  { { 9, run_9x3 }, { 5, run_5x3 }, { 5, run_5x3 } },
  { { 6, run_6x4 }, { 4, run_4x4 }, { 3, run_3x4 } },
};
#else
TILE (8, 1, 2)
TILE (4, 1, 2)
TILE (6, 2, 1)
TILE (3, 2, 1)

const RduConvTileKernel RDU_SYMBOL (rdu_conv_tiles)[RDU_CONV_VECTORS][RDU_CONV_TILES] = {
  { { 8, run_8x1 }, { 4, run_4x1 }, { 4, run_4x1 } },
  { { 6, run_6x2 }, { 3, run_3x2 }, { 3, run_3x2 } },
};
#endif

#ifdef RDU_HAS_PAIRS
TILES (PAIRS_TILE)

const RduConvTileKernel RDU_SYMBOL (rdu_conv_tiles_pairs)[RDU_CONV_VECTORS][RDU_CONV_TILES] = {
  { { 16, pairs_16x1 }, { 8, pairs_8x1 }, { 8, pairs_8x1 } },
  { { 14, pairs_14x2 }, { 7, pairs_7x2 }, { 7, pairs_7x2 } },
  { { 9, pairs_9x3 }, { 5, pairs_5x3 }, { 5, pairs_5x3 } },
  { { 6, pairs_6x4 }, { 4, pairs_4x4 }, { 3, pairs_3x4 } },
};
#endif
