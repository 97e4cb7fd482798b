/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions to few channels, whose pixels lie next to each other: vectors of pixels of a row by
 * result channels. The source is copied to planes, a few images at a time, where every tap of a
 * vector is one load; weights are read one by one. The chain of every sum is that of other tiles.
 */
#include "plugins/backends/rdu/kernels_conv.h"
#include "plugins/backends/rdu/kernels_transpose.h"

#define VL RDU_VECTOR

/* Vectors of the longest tile; elements of the planes that stay in first level cache. */
#define MAX_VECTORS  8
#define NEAR_PLANES  12288
#define MAX_PLANES   (RDU_CONV_SLAB - 2 * VL)
#define MOST_OUT     (RDU_VECTOR < RDU_CONV_FEW ? RDU_VECTOR : RDU_CONV_FEW) /* a vector's */
#define MIN_PIXELS   (VL / 2) /* of a row, for its vectors to be filled well */
#define MAX_REGISTER (RDU_VECTOR == 16 ? 31 : 15)

/* Vectors of a tile: their sources, their sums, and one weight are in registers. */
#define VECTORS(n_out) \
  (MAX_REGISTER / ((n_out) + 1) < MAX_VECTORS ? MAX_REGISTER / ((n_out) + 1) : MAX_VECTORS)

/* Planes of some rows of some images, and the weights. */
typedef struct
{
  const RduConvJob *job;
  const float *weights; /* of the first tap */
  /* Taps of a row by channels, or the taps of a single channel as if they were those: how many, and
   * elements from one to the next. */
  int64_t n_columns, n_inner;
  int64_t weights_row, weights_column, weights_inner;
  int64_t tap_row, tap_column, tap_inner;
  int64_t n_images, first[2], n[2]; /* source rows and columns that have memory, and their edges */
  float *planes;
} Planes;

/* Vectors of pixels of one row, of several images. */
typedef struct
{
  const float *x[MAX_VECTORS]; /* in the planes' first row, under the first tap */
  float *y[MAX_VECTORS];
  int n[MAX_VECTORS]; /* pixels */
  int64_t y_channel;
  int64_t source;           /* from there to the first tap of the tile's row */
  int64_t from_tap, to_tap; /* rows of taps inside the image */
} Tile;

/* ---- the source as planes ---- */

/* A vector of channels of `n` pixels, which have them innermost. */
static void
part_channels (const float *from, int64_t pixel, int64_t n, int64_t n_channels, float *to,
               int64_t plane)
{
  RduVec x[VL];
  for (int64_t p = 0; p < VL; p++)
    x[p] = p < n ? rdu_vec_load_lanes (from + p * pixel, rdu_lanes (n_channels)) : rdu_vec_zero ();
  rdu_vec_transpose (x);
  for (int64_t c = 0; c < n_channels; c++)
    rdu_vec_store_lanes (to + c * plane, rdu_lanes (n), x[c]);
}

static void
bring_row (const RduConvSource *source, const float *from, int64_t n, float *to, int64_t plane)
{
  int64_t channels = source->n_channels;
  if (source->stride[1] == 1)
    for (int64_t c = 0; c < channels; c++)
      memcpy (to + c * plane, from + c * source->channel, (size_t) n * 4);
  else if (source->channel == 1)
    for (int64_t c = 0; c < channels; c += VL)
      for (int64_t p = 0; p < n; p += VL)
        part_channels (from + p * source->stride[1] + c, source->stride[1], n - p < VL ? n - p : VL,
                       channels - c < VL ? channels - c : VL, to + c * plane + p, plane);
  else
    for (int64_t c = 0; c < channels; c++)
      for (int64_t p = 0; p < n; p++)
        to[c * plane + p] = from[c * source->channel + p * source->stride[1]];
}

void
RDU_SYMBOL (rdu_conv_planes) (const RduConvSource *source, int64_t image, const int64_t *first,
                              const int64_t *n, float *to)
{
  int64_t lo[2], hi[2], plane = n[0] * n[1];
  for (int d = 0; d < 2; d++)
    {
      lo[d] = source->lo[d] > first[d] ? source->lo[d] : first[d];
      hi[d] = source->hi[d] < first[d] + n[d] ? source->hi[d] : first[d] + n[d];
    }
  memset (to, 0, (size_t) (source->n_channels * plane + VL) * 4);
  for (int64_t row = lo[0]; row < hi[0] && lo[1] < hi[1]; row++)
    bring_row (source,
               source->data + image * source->image + row * source->stride[0]
                   + lo[1] * source->stride[1],
               hi[1] - lo[1], to + (row - first[0]) * n[1] + lo[1] - first[1], plane);
}

/* ---- tiles ---- */

static inline __attribute__ ((always_inline)) void
run_tile (const Planes *p, const Tile *tile, const int n_out, const int vectors)
{
  bool first = p->job->first;
  RduVec sum[RDU_CONV_FEW][MAX_VECTORS], x[MAX_VECTORS];
#pragma GCC unroll 8
  for (int o = 0; o < n_out; o++)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
      sum[o][v] = first ? rdu_vec_zero ()
                        : rdu_vec_load_lanes (tile->y[v] + o * tile->y_channel,
                                              rdu_lanes (tile->n[v]));
  for (int64_t row = tile->from_tap; row < tile->to_tap; row++)
    for (int64_t i = 0; i < p->n_columns; i++)
      {
        const float *w = p->weights + row * p->weights_row + i * p->weights_column;
        int64_t at = tile->source + row * p->tap_row + i * p->tap_column;
        for (int64_t j = 0; j < p->n_inner; j++, at += p->tap_inner, w += p->weights_inner)
          {
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
              x[v] = rdu_vec_load (tile->x[v] + at);
#pragma GCC unroll 8
            for (int o = 0; o < n_out; o++)
              {
                RduVec weight = rdu_vec_all (w + o);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++)
                  sum[o][v] = rdu_vec_fma (x[v], weight, sum[o][v]);
              }
          }
      }
#pragma GCC unroll 8
  for (int o = 0; o < n_out; o++)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
      rdu_vec_store_lanes (tile->y[v] + o * tile->y_channel, rdu_lanes (tile->n[v]), sum[o][v]);
}

#define TILES(n_out)                                               \
  static void run_all_##n_out (const Planes *p, const Tile *tile)  \
  {                                                                \
    run_tile (p, tile, n_out, VECTORS (n_out));                    \
  }                                                                \
  static void run_half_##n_out (const Planes *p, const Tile *tile) \
  {                                                                \
    run_tile (p, tile, n_out, (VECTORS (n_out) + 1) / 2);          \
  }
TILES (1)
TILES (2)
TILES (3)
TILES (4)
TILES (5)
TILES (6)
TILES (7)
TILES (8)

/* Of as many vectors as there are registers for, and of half of them. */
typedef struct
{
  int vectors;
  void (*all) (const Planes *p, const Tile *tile);
  void (*half) (const Planes *p, const Tile *tile);
} Tiles;

#define ROW(n_out)                                      \
  {                                                     \
    VECTORS (n_out), run_all_##n_out, run_half_##n_out, \
  }
static const Tiles tiles[RDU_CONV_FEW + 1] = {
  { 0, NULL, NULL }, ROW (1), ROW (2), ROW (3), ROW (4), ROW (5), ROW (6), ROW (7), ROW (8),
};

/* Between a result whose pixels are apart in memory, and one where they are together. */
static void
exchange (const RduConvJob *job, const Tile *apart, const Tile *together, int n_vectors,
          bool is_load)
{
  int64_t stride = job->side[1].out_stride;
  for (int v = 0; v < n_vectors; v++)
    for (int64_t o = 0; o < job->weights.n_out; o++)
      for (int i = 0; i < together->n[v]; i++)
        {
          float *there = apart->y[v] + o * apart->y_channel + i * stride;
          float *here = together->y[v] + o * together->y_channel + i;
          *(is_load ? here : there) = *(is_load ? there : here);
        }
}

/* `n_vectors`: of the tile; behind them it has the last one again. */
static void
run (const Planes *p, const Tile *tile, int n_vectors)
{
  const RduConvJob *job = p->job;
  const Tiles *kernels = &tiles[job->weights.n_out];
  float sums[MAX_VECTORS * RDU_CONV_FEW * VL];
  bool is_apart = job->side[1].out_stride != 1;
  Tile own = *tile;
  own.y_channel = is_apart ? MAX_VECTORS * VL : tile->y_channel;
  for (int v = 0; v < kernels->vectors && is_apart; v++)
    own.y[v] = sums + (v < n_vectors ? v : n_vectors - 1) * VL;
  if (is_apart && !job->first)
    exchange (job, tile, &own, n_vectors, true);
  (n_vectors > (kernels->vectors + 1) / 2 ? kernels->all : kernels->half) (p, &own);
  if (is_apart)
    exchange (job, tile, &own, n_vectors, false);
}

/* ---- the convolution ---- */

static bool
has_memory (const RduConvSide *rows, int64_t source, int64_t tap)
{
  int64_t row = source + tap * rows->at_step;
  return row >= rows->lo && row < rows->hi;
}

/* One row of the result, of all images of the planes. */
static void
run_row (const Planes *p, int64_t image, int64_t row)
{
  const RduConvJob *job = p->job;
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  int64_t n_vectors = (columns->n + VL - 1) / VL, n = p->n_images * n_vectors;
  int64_t planes = job->n_in * p->n[0] * p->n[1], source = row * rows->step + rows->at;
  int size = tiles[job->weights.n_out].vectors;
  Tile tile = { .y_channel = job->y_channel,
                .source = (source - p->first[0]) * p->n[1] + columns->at - p->first[1],
                .to_tap = rows->taps };
  while (tile.from_tap < tile.to_tap && !has_memory (rows, source, tile.from_tap))
    tile.from_tap++;
  while (tile.from_tap < tile.to_tap && !has_memory (rows, source, tile.to_tap - 1))
    tile.to_tap--;
  int64_t own = 0, column = 0;
  for (int64_t first = 0; first < n; first += size)
    {
      for (int v = 0; v < size; v++)
        {
          tile.x[v] = p->planes + own * planes + column;
          tile.y[v] = job->y + (image + own) * job->y_image + row * rows->out_stride
                      + column * columns->out_stride;
          tile.n[v] = (int) (columns->n - column < VL ? columns->n - column : VL);
          if (first + v + 1 < n && (column += VL) >= columns->n)
            {
              column = 0;
              own++;
            }
        }
      run (p, &tile, (int) (n - first < size ? n - first : size));
    }
}

static bool
is_single (const RduConvJob *job)
{
  return job->n_in == 1;
}

/* Points to weights, RDU_VECTOR by source channel; false: there are too many. */
static bool
find_weights (const RduConvJob *job, Planes *p)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  bool is_packed = job->packed != NULL;
  int64_t tap = (is_packed ? job->packed_in : job->n_in) * VL;
  p->weights_row = is_packed ? rows->k_step * job->weights.n_columns * tap : columns->taps * tap;
  p->weights_column = is_packed ? columns->k_step * tap : tap;
  p->weights_inner = is_single (job) ? p->weights_column : VL;
  p->n_columns = is_single (job) ? 1 : columns->taps;
  p->n_inner = is_single (job) ? columns->taps : job->n_in;
  p->weights = is_packed ? job->packed + (rows->k * job->weights.n_columns + columns->k) * tap
                         : job->scratch;
  if (is_packed)
    return true;
  if (rows->taps * columns->taps > RDU_CONV_WEIGHTS / tap)
    return false;
  for (int64_t i = 0; i < rows->taps * columns->taps; i++)
    RDU_SYMBOL (rdu_conv_pack)
  (&job->weights, 0, rows->k + i / columns->taps * rows->k_step,
   columns->k + i % columns->taps * columns->k_step, 0, job->n_in, job->scratch + i * tap);
  return true;
}

/* Rows `row` .. of `n_rows` of images `image` .. */
static void
run_rows (Planes *p, const RduConvSource *source, int64_t image, int64_t row, int64_t n_rows)
{
  const RduConvSide *rows = &p->job->side[0];
  int64_t first = row * rows->step + rdu_conv_first (rows), n = rdu_conv_reach (rows, n_rows);
  int64_t end = first + n < rows->hi ? first + n : rows->hi;
  p->first[0] = first > rows->lo ? first : rows->lo;
  p->n[0] = end > p->first[0] ? end - p->first[0] : 0;
  p->tap_row = rows->at_step * p->n[1];
  p->tap_column = p->tap_inner = p->job->side[1].at_step;
  if (!is_single (p->job))
    p->tap_inner = p->n[0] * p->n[1];
  for (int64_t i = 0; i < p->n_images; i++)
    RDU_SYMBOL (rdu_conv_planes)
  (source, image + i, p->first, p->n, p->planes + i * source->n_channels * p->n[0] * p->n[1]);
  for (int64_t i = row; i < row + n_rows; i++)
    run_row (p, image, i);
}

bool
RDU_SYMBOL (rdu_conv_pixels) (const RduConvJob *job)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  RduConvSource source = { .data = job->x,
                           .n_channels = job->n_in,
                           .image = job->x_image,
                           .channel = job->x_channel,
                           .stride = { rows->stride, columns->stride },
                           .lo = { rows->lo, columns->lo },
                           .hi = { rows->hi, columns->hi } };
  Planes p = { .job = job, .planes = job->scratch + RDU_CONV_WEIGHTS };
  if (job->weights.pairs || job->weights.n_out == 0 || job->weights.n_out > MOST_OUT
      || columns->step != 1 || columns->n < MIN_PIXELS
      || (columns->out_stride != 1 && job->y_channel == 1))
    return false;
  p.first[1] = rdu_conv_first (columns);
  p.n[1] = rdu_conv_reach (columns, columns->n);
  int64_t most = MAX_PLANES / job->n_in / p.n[1] - rdu_conv_reach (rows, 1);
  if (most < 0 || !find_weights (job, &p))
    return false;
  most = most / rows->step + 1 < rows->n ? most / rows->step + 1 : rows->n;
  int64_t height = rdu_conv_reach (rows, most), inside = rows->hi - rows->lo;
  int64_t planes = job->n_in * (height < inside ? height : inside) * p.n[1];
  int64_t n_images = most < rows->n || planes > NEAR_PLANES ? 1
                     : planes == 0                          ? job->n_images
                                                            : NEAR_PLANES / planes;
  for (int64_t image = 0; image < job->n_images; image += n_images)
    for (int64_t row = 0; row < rows->n; row += most)
      {
        p.n_images = n_images < job->n_images - image ? n_images : job->n_images - image;
        run_rows (&p, &source, image, row, most < rows->n - row ? most : rows->n - row);
      }
  return true;
}
