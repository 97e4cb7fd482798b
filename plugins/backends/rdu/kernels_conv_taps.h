/* SPDX-License-Identifier: Apache-2.0 */
/* The 3x3 taps of a vector of result channels and one source channel, a vector for each tap: their
 * way from memory and back. */
#ifndef SF_RDU_KERNELS_CONV_TAPS_H
#define SF_RDU_KERNELS_CONV_TAPS_H

#include "plugins/backends/rdu/kernels_conv.h"
#include "plugins/backends/rdu/kernels_transpose.h"

#define RDU_CONV_TAPS 9
/* Squares of RDU_VECTOR x RDU_VECTOR that hold them, and the vectors of these. */
#define RDU_CONV_TAP_SQUARES ((RDU_CONV_TAPS + RDU_VECTOR - 1) / RDU_VECTOR)
#define RDU_CONV_TAP_VECTORS (RDU_CONV_TAP_SQUARES * RDU_VECTOR)

static inline bool
rdu_conv_taps_are_rows (const RduConvWeights *w)
{
  return w->column == 1 && w->row == 3;
}

static inline RduLanes
rdu_conv_tap_lanes (int square)
{
  return rdu_lanes (square < RDU_CONV_TAP_SQUARES - 1 ? RDU_VECTOR
                                                      : RDU_CONV_TAPS - square * RDU_VECTOR);
}

/* Taps of `n` <= RDU_VECTOR result channels, the first one's at `from`; lanes without a channel are
 * zero. */
static inline __attribute__ ((always_inline)) void
rdu_conv_load_taps (const RduConvWeights *w, const float *from, int64_t n,
                    RduVec taps[RDU_CONV_TAP_VECTORS])
{
  if (!rdu_conv_taps_are_rows (w))
    {
      float apart[RDU_CONV_TAPS][RDU_VECTOR] = { { 0 } };
      for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < RDU_CONV_TAPS; t++)
          apart[t][i] = from[i * w->out + t / 3 * w->row + t % 3 * w->column];
      for (int t = 0; t < RDU_CONV_TAPS; t++)
        taps[t] = rdu_vec_load (apart[t]);
      return;
    }
#pragma GCC unroll 4
  for (int s = 0; s < RDU_CONV_TAP_SQUARES; s++)
    {
      RduVec *square = taps + s * RDU_VECTOR;
#pragma GCC unroll 16
      for (int i = 0; i < RDU_VECTOR; i++)
        square[i] = i < n ? rdu_vec_load_lanes (from + i * w->out + s * RDU_VECTOR,
                                                rdu_conv_tap_lanes (s))
                          : rdu_vec_zero ();
      rdu_vec_transpose (square);
    }
}

/* The way back. */
static inline __attribute__ ((always_inline)) void
rdu_conv_store_taps (const RduConvWeights *w, float *to, int64_t n,
                     RduVec taps[RDU_CONV_TAP_VECTORS])
{
  if (!rdu_conv_taps_are_rows (w))
    {
      float apart[RDU_CONV_TAPS][RDU_VECTOR];
      for (int t = 0; t < RDU_CONV_TAPS; t++)
        rdu_vec_store (apart[t], taps[t]);
      for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < RDU_CONV_TAPS; t++)
          to[i * w->out + t / 3 * w->row + t % 3 * w->column] = apart[t][i];
      return;
    }
#pragma GCC unroll 4
  for (int s = 0; s < RDU_CONV_TAP_SQUARES; s++)
    {
      RduVec *square = taps + s * RDU_VECTOR;
#pragma GCC unroll 16
      for (int i = 0; i < RDU_VECTOR; i++)
        if (s * RDU_VECTOR + i >= RDU_CONV_TAPS)
          square[i] = rdu_vec_zero ();
      rdu_vec_transpose (square);
#pragma GCC unroll 16
      for (int i = 0; i < RDU_VECTOR; i++)
        if (i < n)
          rdu_vec_store_lanes (to + i * w->out + s * RDU_VECTOR, rdu_conv_tap_lanes (s), square[i]);
    }
}

#endif
