/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of convolutions in pairs of bf16. */
#include "plugins/backends/rdu/kernels_conv_pair.h"
#include "plugins/backends/rdu/kernels_conv_taps.h"
#include "plugins/backends/rdu/kernels_inline.h"

#ifdef RDU_HAS_PAIRS

#define VL RDU_VECTOR

typedef uint32_t Bits __attribute__ ((may_alias));

#define CHUNK 16 /* pairs whose elements are brought together before they are made */

void
RDU_SYMBOL (rdu_conv_pack_pairs) (const RduConvWeights *w, int64_t vector, int64_t row,
                                  int64_t column, int64_t channel, int64_t n, float *packed)
{
  float apart[2 * CHUNK][VL] = { { 0 } };
  int64_t left = w->n_out - vector * VL, lanes = left < VL ? left : VL;
  const float *from = w->data + vector * VL * w->out + row * w->row + column * w->column
                      + 2 * channel * w->in;
  for (int64_t first = 0; first < n; first += CHUNK)
    {
      int64_t n_pairs = n - first < CHUNK ? n - first : CHUNK;
      int64_t rest = w->n_in - 2 * (channel + first);
      int64_t n_channels = rest < 2 * n_pairs ? rest : 2 * n_pairs;
      for (int64_t c = 0; c < n_channels; c++, from += w->in)
        for (int64_t i = 0; i < lanes; i++)
          apart[c][i] = from[i * w->out];
      if (n_channels % 2 != 0)
        memset (apart[n_channels], 0, sizeof apart[0]);
      for (int64_t p = 0; p < n_pairs; p++, packed += VL)
        rdu_vec_store (packed, rdu_pair_vectors (rdu_vec_load (apart[2 * p]),
                                                 rdu_vec_load (apart[2 * p + 1])));
    }
}

#define PAIRS_AHEAD 4

/* Asks for the taps of two source channels; what lies behind the last ones is not read. */
RDU_INLINE void
fetch_taps (const RduConvWeights *w, const float *from, int64_t lanes)
{
  for (int64_t i = 0; i < lanes; i++)
    {
      uintptr_t at = (uintptr_t) from + (uintptr_t) (2 * PAIRS_AHEAD * w->in + i * w->out) * 4;
      __builtin_prefetch ((const void *) at);
      __builtin_prefetch ((const void *) (at + (uintptr_t) w->in * 4));
    }
}

void
RDU_SYMBOL (rdu_conv_pack_pairs_of_taps) (const RduConvWeights *w, int64_t vector, int64_t channel,
                                          int64_t n, float *packed, int64_t tap)
{
  int64_t left = w->n_out - vector * VL, lanes = left < VL ? left : VL;
  const float *from = w->data + vector * VL * w->out + 2 * channel * w->in;
  for (int64_t c = 2 * channel; c < 2 * (channel + n); c += 2, from += 2 * w->in, packed += VL)
    {
      RduVec earlier[RDU_CONV_TAP_VECTORS], later[RDU_CONV_TAP_VECTORS];
      bool has_later = c + 1 < w->n_in;
      fetch_taps (w, from, lanes);
      rdu_conv_load_taps (w, from, lanes, earlier);
      if (has_later)
        rdu_conv_load_taps (w, from + w->in, lanes, later);
#pragma GCC unroll 9
      for (int t = 0; t < RDU_CONV_TAPS; t++)
        rdu_vec_store (packed + t * tap,
                       rdu_pair_vectors (earlier[t], has_later ? later[t] : rdu_vec_zero ()));
    }
}

void
RDU_SYMBOL (rdu_conv_pair_channels) (const float *from, int64_t pixel, int64_t channel,
                                     int64_t n_pixels, int64_t n_channels, float *to)
{
  int64_t row, depth, n = rdu_n_pairs (n_channels);
  if (channel == 1)
    {
      RDU_SYMBOL (rdu_pair_rows) (from, pixel, 1, n_pixels, n_channels, to, &row, &depth);
      return;
    }
  for (int64_t c = 0; c < n; c++, from += 2 * channel)
    for (int64_t p = 0; p < n_pixels; p++)
      ((Bits *) to)[p * n + c] = rdu_pair (
          from[p * pixel], 2 * c + 1 < n_channels ? from[p * pixel + channel] : -0.0f);
}

static inline bool
has_memory (const RduConvPairs *pairs, int64_t at)
{
  return at >= pairs->lo && at < pairs->hi;
}

#define AHEAD 8 /* pairs: as long as a far cache takes */

/* Asks for a pixel's channels early enough, be it of this row or the next. */
RDU_INLINE void
fetch_pixel (const float *from, int64_t offset, int64_t n_channels)
{
  uintptr_t at = (uintptr_t) from + (uintptr_t) offset * 4;
  for (int64_t c = 0; c < n_channels; c += VL)
    __builtin_prefetch ((const void *) (at + (uintptr_t) c * 4));
}

/* Channels are contiguous. */
static void
pair_vectors (const RduConvPairs *pairs, float *to, int64_t row)
{
  const float *from = pairs->from;
  int64_t n_channels = pairs->n_channels, next = pairs->step * pairs->pixel,
          distance = pairs->distance * pairs->pixel;
  for (int64_t i = 0, at = 0; i < pairs->n; i++, at += pairs->step, from += next, to += row)
    {
      fetch_pixel (from, AHEAD * next + distance, n_channels);
      if (pairs->step > 1)
        fetch_pixel (from, AHEAD * next, n_channels);
      RduLanes earlier = has_memory (pairs, at) ? rdu_lanes (VL) : 0;
      RduLanes later = has_memory (pairs, at + pairs->distance) ? rdu_lanes (VL) : 0;
      int64_t c = 0;
      for (; c + VL <= n_channels; c += VL)
        rdu_vec_store (to + c, rdu_pair_vectors (rdu_vec_load_lanes (from + c, earlier),
                                                 rdu_vec_load_lanes (from + distance + c, later)));
      if (c == n_channels)
        continue;
      RduLanes lanes = rdu_lanes (n_channels - c);
      rdu_vec_store_lanes (
          to + c, rdu_lanes (row - c < VL ? row - c : VL),
          rdu_pair_vectors (rdu_vec_load_lanes (from + c, earlier & lanes),
                            rdu_vec_load_lanes (from + distance + c, later & lanes)));
    }
}

static inline float
pixel_at (const RduConvPairs *pairs, int64_t at, int64_t channel)
{
  return has_memory (pairs, at) ? pairs->from[at * pairs->pixel + channel * pairs->channel] : 0;
}

void
RDU_SYMBOL (rdu_conv_pair_pixels) (const RduConvPairs *pairs, float *to, int64_t row)
{
  if (pairs->channel == 1)
    {
      pair_vectors (pairs, to, row);
      return;
    }
  if (row > pairs->n_channels)
    memset (to, 0, (size_t) (pairs->n * row) * 4);
  for (int64_t c = 0; c < pairs->n_channels; c++)
    for (int64_t i = 0, at = 0; i < pairs->n; i++, at += pairs->step)
      ((Bits *) to)[i * row + c] = rdu_pair (pixel_at (pairs, at, c),
                                             pixel_at (pairs, at + pairs->distance, c));
}
#endif
