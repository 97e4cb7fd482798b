/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of squares: their source pixels are transformed into 16 planes of squares by channels,
 * which are multiplied by the planes of the weights; 16 planes of squares by result channels go
 * back into squares of the result. A result depends on its own window of the source only: rows and
 * columns of a square that lie outside of the box read nothing, and change no bit of the others. */
#include "plugins/backends/rdu/kernels_conv_winograd.h"
#include "plugins/backends/rdu/kernels_panel.h"

#define VL     RDU_VECTOR
#define PLANES RDU_WINOGRAD_PLANES

/* Squares from `begin` on, and some channels; rows of channels are whole vectors. */
typedef struct
{
  const RduWinogradJob *job;
  int64_t n, in, n_in, out, n_out;
  RduWinogradSquare begin;
  RduWinogradPlanes source;
  float *sums, *weights, *together;
  int64_t sums_row, sums_plane;
} Block;

static int64_t
smaller (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static int64_t
whole_vectors (int64_t n)
{
  return (n + VL - 1) / VL * VL;
}

/* ---- the products ---- */

/* Weights of result channels from `out` of the block on; returns for how many. */
static int64_t
find_panel (const Block *block, int64_t out, RduTile *tile, int64_t *plane)
{
  const RduWinogradJob *job = block->job;
  if (job->packed == NULL)
    {
      tile->b = block->weights;
      tile->b_depth = rdu_panel_width (block->n_out);
      *plane = block->n_in * tile->b_depth;
      return block->n_out;
    }
  int64_t column = job->out + block->out + out, at = column % RDU_TILE_COLUMNS;
  int64_t panel = column - at;
  tile->b_depth = rdu_panel_width (smaller (job->packed_out - panel, RDU_TILE_COLUMNS));
  tile->b = job->packed + panel * job->packed_in + (job->in + block->in) * tile->b_depth + at;
  *plane = rdu_winograd_plane (job->packed_in, job->packed_out);
  return smaller (block->n_out - out, RDU_TILE_COLUMNS - at);
}

static void
multiply (const Block *block)
{
  const RduWinogradJob *job = block->job;
  RduTile tile = { .m = block->n,
                   .k = block->n_in,
                   .a_row = block->source.row,
                   .a_depth = 1,
                   .c_row = block->sums_row,
                   .first = block->in == 0 };
  if (job->packed == NULL)
    RDU_SYMBOL (rdu_winograd_weights)
  (&job->weights, job->is_turned, block->out, block->n_out, block->in, block->n_in, block->weights,
   block->n_in * rdu_panel_width (block->n_out));
  for (int64_t p = 0; p < PLANES; p++)
    for (int64_t out = 0, plane; out < block->n_out; out += tile.n)
      {
        tile.n = find_panel (block, out, &tile, &plane);
        tile.a = block->source.data + p * block->source.plane;
        tile.b += p * plane;
        tile.c = block->sums + p * block->sums_plane + out;
        RDU_SYMBOL (rdu_tile) (&tile);
      }
}

/* ---- the result ---- */

/* A' m A, where A' m is m0 + m1 + m2 and m1 - m2 - m3. */
static inline __attribute__ ((always_inline)) void
transform_sums (const float *from, int64_t plane, RduLanes lanes, const bool whole, RduVec to[4])
{
  RduVec s[2][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++)
    {
      RduVec m[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++)
        m[i] = whole ? rdu_vec_load (from + (4 * i + j) * plane)
                     : rdu_vec_load_lanes (from + (4 * i + j) * plane, lanes);
      s[0][j] = (m[0] + m[1]) + m[2];
      s[1][j] = (m[1] - m[2]) - m[3];
    }
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++)
    {
      to[2 * i] = (s[i][0] + s[i][1]) + s[i][2];
      to[2 * i + 1] = (s[i][1] - s[i][2]) - s[i][3];
    }
}

/* Lanes of one result pixel. */
static inline __attribute__ ((always_inline)) void
put (const RduWinogradJob *job, float *y, int64_t n, const bool whole, RduVec x)
{
  RduLanes lanes = rdu_lanes (whole ? VL : n);
  if (job->y_channel != 1)
    {
      float together[VL];
      rdu_vec_store (together, x);
      for (int64_t i = 0; i < n; i++)
        y[i * job->y_channel] = job->first ? together[i] : y[i * job->y_channel] + together[i];
      return;
    }
  if (!job->first)
    x = (whole ? rdu_vec_load (y) : rdu_vec_load_lanes (y, lanes)) + x;
  if (whole)
    rdu_vec_store (y, x);
  else
    rdu_vec_store_lanes (y, lanes, x);
}

/* Where the results of a square go; NULL: not into the box. */
static void
find_results (const Block *block, const RduWinogradSquare *at, float **y)
{
  const RduWinogradJob *job = block->job;
  const RduWinogradSide *rows = &job->source.side[0], *columns = &job->source.side[1];
  for (int64_t i = 0; i < 4; i++)
    {
      int64_t row = 2 * at->row - rows->before + i / 2;
      int64_t column = 2 * at->column - columns->before + i % 2;
      bool is_result = row >= 0 && row < rows->n && column >= 0 && column < columns->n;
      y[i] = is_result ? job->y + at->image * job->y_image + block->out * job->y_channel
                             + row * rows->out_stride + column * columns->out_stride
                       : NULL;
    }
}

static void
transform_result (const Block *block)
{
  const RduWinogradJob *job = block->job;
  float *y[4];
  RduWinogradSquare at = block->begin;
  for (int64_t s = 0; s < block->n; s++, rdu_winograd_next (&job->source, &at))
    {
      const float *from = block->sums + s * block->sums_row;
      int64_t c = 0, left;
      RduVec x[4];
      find_results (block, &at, y);
      for (; c + VL <= block->n_out; c += VL)
        {
          transform_sums (from + c, block->sums_plane, rdu_lanes (VL), true, x);
#pragma GCC unroll 4
          for (int i = 0; i < 4; i++)
            if (y[i] != NULL)
              put (job, y[i] + c * job->y_channel, VL, true, x[i]);
        }
      if ((left = block->n_out - c) == 0)
        continue;
      transform_sums (from + c, block->sums_plane, rdu_lanes (left), false, x);
      for (int i = 0; i < 4; i++)
        if (y[i] != NULL)
          put (job, y[i] + c * job->y_channel, left, false, x[i]);
    }
}

/* ---- blocks ---- */

/* All channels of some squares. */
static void
run_squares (Block *block)
{
  const RduWinogradJob *job = block->job;
  int64_t most = job->packed != NULL ? RDU_WINOGRAD_CHANNELS : RDU_WINOGRAD_UNPACKED;
  int64_t in = smaller (job->n_in, most), out = smaller (job->n_out, most);
  /* Planes are a line more than a multiple of something: no two lie in the same sets of a cache. */
  block->source = (RduWinogradPlanes){ .data = job->scratch,
                                       .row = whole_vectors (in),
                                       .plane = block->n * whole_vectors (in) + 16 };
  block->sums_row = whole_vectors (out);
  block->sums_plane = block->n * block->sums_row + 16;
  block->sums = job->scratch + PLANES * block->source.plane;
  block->weights = block->sums + PLANES * block->sums_plane;
  for (block->out = 0; block->out < job->n_out; block->out += out)
    {
      block->n_out = smaller (job->n_out - block->out, out);
      for (block->in = 0; block->in < job->n_in; block->in += in)
        {
          block->n_in = smaller (job->n_in - block->in, in);
          if (block->out == 0 || in < job->n_in)
            RDU_SYMBOL (rdu_winograd_source)
          (&job->source, block->begin, block->n, block->in, block->n_in, block->together,
           &block->source);
          multiply (block);
        }
      transform_result (block);
    }
}

void
RDU_SYMBOL (rdu_winograd) (const RduWinogradJob *job)
{
  int64_t n = job->n_images * rdu_winograd_squares (&job->source);
  int64_t n_blocks = (n + RDU_WINOGRAD_SQUARES - 1) / RDU_WINOGRAD_SQUARES;
  Block block = {
    .job = job, .together = job->scratch + RDU_WINOGRAD_SCRATCH - PLANES * RDU_WINOGRAD_CHANNELS
  };
  for (int64_t b = 0; b < n_blocks; b++)
    {
      block.n = n * (b + 1) / n_blocks - n * b / n_blocks;
      run_squares (&block);
      for (int64_t s = 0; s < block.n; s++)
        rdu_winograd_next (&job->source, &block.begin);
    }
}
