/* SPDX-License-Identifier: Apache-2.0 */
/* Squares of 4x4 source pixels, two apart, as Winograd's convolution and its gradient of the
 * weights multiply them: B' d B, where B' d is d0 - d2, d1 + d2, d2 - d1, d1 - d3. Rows and columns
 * of a square that lie outside of the box read nothing, and change no bit of the others. */
#include "plugins/backends/rdu/kernels_conv_winograd.h"

#define VL RDU_VECTOR

static const float zeros[RDU_WINOGRAD_CHANNELS];

/* One pixel each, row by row, to the planes. */
static inline __attribute__ ((always_inline)) void
transform_pixels (const float *const *pixel, int64_t c, RduLanes lanes, const bool whole, float *to,
                  int64_t plane)
{
  RduVec t[4][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++)
    {
      RduVec d[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++)
        d[i] = whole ? rdu_vec_load (pixel[4 * i + j] + c)
                     : rdu_vec_load_lanes (pixel[4 * i + j] + c, lanes);
      t[0][j] = d[0] - d[2];
      t[1][j] = d[1] + d[2];
      t[2][j] = d[2] - d[1];
      t[3][j] = d[1] - d[3];
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++, to += 4 * plane)
    {
      rdu_vec_store (to, t[i][0] - t[i][2]);
      rdu_vec_store (to + plane, t[i][1] + t[i][2]);
      rdu_vec_store (to + 2 * plane, t[i][2] - t[i][1]);
      rdu_vec_store (to + 3 * plane, t[i][1] - t[i][3]);
    }
}

/* The 16 pixels that a square reads, or zeros. */
static void
find_pixels (const RduWinogradSource *source, const RduWinogradSquare *at, int64_t channel,
             const float **pixel)
{
  const RduWinogradSide *rows = &source->side[0], *columns = &source->side[1];
  const float *x = source->data + at->image * source->image + channel * source->channel;
  int64_t row = rows->at + 2 * at->row - rows->before;
  int64_t column = columns->at + 2 * at->column - columns->before;
  for (int64_t i = 0; i < 4; i++)
    for (int64_t j = 0; j < 4; j++)
      {
        bool is_pixel = row + i >= rows->lo && row + i < rows->hi && column + j >= columns->lo
                        && column + j < columns->hi;
        pixel[4 * i + j] = is_pixel ? x + (row + i) * rows->stride + (column + j) * columns->stride
                                    : zeros;
      }
}

/* Brings channels together that are apart in memory. */
static void
gather_pixels (const RduWinogradSource *source, int64_t n_channels, const float **pixel, float *to)
{
  for (int i = 0; i < RDU_WINOGRAD_PLANES; i++, to += RDU_WINOGRAD_CHANNELS)
    if (pixel[i] != zeros)
      {
        for (int64_t c = 0; c < n_channels; c++)
          to[c] = pixel[i][c * source->channel];
        pixel[i] = to;
      }
}

void
RDU_SYMBOL (rdu_winograd_source) (const RduWinogradSource *source, RduWinogradSquare first,
                                  int64_t n, int64_t channel, int64_t n_channels, float *together,
                                  const RduWinogradPlanes *to)
{
  const float *pixel[RDU_WINOGRAD_PLANES];
  for (int64_t s = 0; s < n; s++, rdu_winograd_next (source, &first))
    {
      float *square = to->data + s * to->row;
      int64_t c = 0;
      find_pixels (source, &first, channel, pixel);
      if (source->channel != 1)
        gather_pixels (source, n_channels, pixel, together);
      for (; c + VL <= n_channels; c += VL)
        transform_pixels (pixel, c, rdu_lanes (VL), true, square + c, to->plane);
      if (c < n_channels)
        transform_pixels (pixel, c, rdu_lanes (n_channels - c), false, square + c, to->plane);
    }
}
