/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d_dw: source channels under a tap by result channels, summed over images, rows and columns
 * in that order. Some of both channels at a time: their pixels are brought together, and their sums
 * stay in cache until all images have been added. */
#include <string.h>

#include "plugins/backends/rdu/kernels_conv.h"

#define VL RDU_VECTOR

/* Sums that are kept, gradients and source pixels that are brought together, in elements. */
#define MAX_SUMS   65536
#define MAX_SHARES 32768
#define MAX_SOURCE 65536
#define MAX_OUT    64 /* result channels at a time */
#define MAX_PIXELS 256

/* ---- tiles ---- */

/* sums[channel][out] += source[pixel][channel] share[pixel][out] over rows and columns. */
typedef struct
{
  const float *source, *share;
  int64_t n_rows, n_columns;
  int64_t source_row, source_column, share_row, share_column;
  float *sums;
  int64_t sums_row;
} Tile;

static inline __attribute__ ((always_inline)) void
run_tile (const Tile *tile, const int channels, const int vectors)
{
  RduVec sum[16][2];
#pragma GCC unroll 16
  for (int c = 0; c < channels; c++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
      sum[c][v] = rdu_vec_load (tile->sums + c * tile->sums_row + v * VL);
  for (int64_t row = 0; row < tile->n_rows; row++)
    {
      const float *x = tile->source + row * tile->source_row;
      const float *g = tile->share + row * tile->share_row;
      for (int64_t i = 0; i < tile->n_columns; i++)
        {
          RduVec share[2];
#pragma GCC unroll 2
          for (int v = 0; v < vectors; v++)
            share[v] = rdu_vec_load (g + v * VL);
#pragma GCC unroll 16
          for (int c = 0; c < channels; c++)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++)
              sum[c][v] = rdu_vec_fma (rdu_vec_all (x + c), share[v], sum[c][v]);
          x += tile->source_column;
          g += tile->share_column;
        }
    }
#pragma GCC unroll 16
  for (int c = 0; c < channels; c++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
      rdu_vec_store (tile->sums + c * tile->sums_row + v * VL, sum[c][v]);
}

#define TILE(channels, vectors)                             \
  static void run_##channels##x##vectors (const Tile *tile) \
  {                                                         \
    run_tile (tile, channels, vectors);                     \
  }

TILE (1, 1)
TILE (2, 1)
TILE (3, 1)
TILE (4, 1)
TILE (5, 1)
TILE (6, 1)
TILE (7, 1)
TILE (8, 1)
TILE (1, 2)
TILE (2, 2)
TILE (3, 2)
TILE (4, 2)
#if RDU_VECTOR == 16
TILE (16, 1)
TILE (6, 2)
TILE (8, 2)
TILE (12, 2)
#endif

typedef struct
{
  int channels;
  void (*run) (const Tile *tile);
} TileKernel;

/* By vectors; longest first. */
static const TileKernel tiles[2][10] = {
  {
#if RDU_VECTOR == 16
      { 16, run_16x1 },
#endif
      { 8, run_8x1 },
      { 7, run_7x1 },
      { 6, run_6x1 },
      { 5, run_5x1 },
      { 4, run_4x1 },
      { 3, run_3x1 },
      { 2, run_2x1 },
      { 1, run_1x1 },
  },
  {
#if RDU_VECTOR == 16
      { 12, run_12x2 },
      { 8, run_8x2 },
      { 6, run_6x2 },
#endif
      { 4, run_4x2 },
      { 3, run_3x2 },
      { 2, run_2x2 },
      { 1, run_1x2 },
  },
};

/* ---- what is worked at a time ---- */

/* Channels c .. and o .., and the taps `tap` .. of all columns of the kernel. */
typedef struct
{
  const RduView *dy, *x, *dw;
  int64_t stride[2], dilation[2];
  int64_t o, n_out, out_row; /* out_row: n_out in whole vectors */
  int64_t c, n_in;
  int64_t tap, n_taps;
  bool is_joined; /* taps of a row are neighbouring channels of one tap */
  float *sums, *shares, *source;
} Part;

/* Pixels [row, row + n_rows) x [column, column + n_columns) of the gradients of one image. */
typedef struct
{
  int64_t image, row, n_rows, column, n_columns;
  int64_t source_columns; /* in memory */
} Stretch;

/* Source positions that `n` positions of the gradients reach. */
static int64_t
reach (const Part *part, int d, int64_t n)
{
  return (n - 1) * part->stride[d] + (part->dw->n[2 + d] - 1) * part->dilation[d] + 1;
}

static int64_t
min (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static int64_t
max (int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* Between the sums and the result. */
static void
exchange_sums (const Part *part, bool is_load)
{
  const RduView *dw = part->dw;
  float *sums = part->sums;
  for (int64_t t = part->tap; t < part->tap + part->n_taps; t++)
    for (int64_t c = part->c; c < part->c + part->n_in; c++, sums += part->out_row)
      {
        float *at = (float *) dw->data + part->o * dw->stride[0] + c * dw->stride[1]
                    + t / dw->n[3] * dw->stride[2] + t % dw->n[3] * dw->stride[3];
        for (int64_t o = 0; o < part->n_out; o++)
          if (is_load)
            sums[o] = at[o * dw->stride[0]];
          else
            at[o * dw->stride[0]] = sums[o];
      }
}

/* `n` channels of one pixel. */
static inline void
copy_channels (const float *from, int64_t stride, int64_t n, float *to)
{
  if (stride == 1)
    memcpy (to, from, (size_t) n * 4);
  else
    for (int64_t c = 0; c < n; c++)
      to[c] = from[c * stride];
}

static void
bring_shares (const Part *part, const Stretch *stretch)
{
  const RduView *dy = part->dy;
  float *to = part->shares;
  for (int64_t row = 0; row < stretch->n_rows; row++)
    {
      const float *from = (const float *) dy->data + stretch->image * dy->stride[0]
                          + part->o * dy->stride[1] + (stretch->row + row) * dy->stride[2]
                          + stretch->column * dy->stride[3];
      for (int64_t i = 0; i < stretch->n_columns; i++, from += dy->stride[3], to += part->out_row)
        {
          copy_channels (from, dy->stride[1], part->n_out, to);
          memset (to + part->n_out, 0, (size_t) (part->out_row - part->n_out) * 4);
        }
    }
}

static void
bring_source (const Part *part, const Stretch *stretch)
{
  const RduView *x = part->x;
  int64_t rows = reach (part, 0, stretch->n_rows), first_row = stretch->row * part->stride[0],
          first = stretch->column * part->stride[1], columns = stretch->source_columns;
  int64_t lo = min (max (x->valid_lo[3] - first, 0), columns),
          hi = max (min (x->valid_hi[3] - first, columns), lo);
  for (int64_t row = 0; row < rows; row++)
    {
      float *to = part->source + row * columns * part->n_in;
      bool is_row = first_row + row >= x->valid_lo[2] && first_row + row < x->valid_hi[2];
      int64_t from_column = is_row ? lo : columns, to_column = is_row ? hi : columns;
      memset (to, 0, (size_t) (from_column * part->n_in) * 4);
      memset (to + to_column * part->n_in, 0, (size_t) ((columns - to_column) * part->n_in) * 4);
      const float *from = (const float *) x->data + stretch->image * x->stride[0]
                          + part->c * x->stride[1] + (first_row + row) * x->stride[2]
                          + (first + from_column) * x->stride[3];
      to += from_column * part->n_in;
      for (int64_t i = from_column; i < to_column; i++, from += x->stride[3], to += part->n_in)
        copy_channels (from, x->stride[1], part->n_in, to);
    }
}

/* Positions of `n`, from `first` on, whose source position under tap `tap` has memory. */
static void
clip (const Part *part, int d, int64_t first, int64_t n, int64_t tap, int64_t *from, int64_t *to)
{
  int64_t step = part->stride[d], at = first * step + tap * part->dilation[d];
  int64_t lo = part->x->valid_lo[2 + d] - at, hi = part->x->valid_hi[2 + d] - at;
  *from = min (lo > 0 ? (lo + step - 1) / step : 0, n);
  *to = max (min (hi > 0 ? (hi + step - 1) / step : 0, n), *from);
}

/* All channels under one tap (row, column), over positions of the stretch that see pixels. */
static void
add_tap (const Part *part, const Stretch *stretch, int64_t row, int64_t column, int64_t channels,
         float *sums)
{
  int64_t y0, y1, x0, x1;
  clip (part, 0, stretch->row, stretch->n_rows, row, &y0, &y1);
  x0 = 0;
  x1 = stretch->n_columns;
  if (!part->is_joined)
    clip (part, 1, stretch->column, stretch->n_columns, column, &x0, &x1);
  int64_t source_row = stretch->source_columns * part->n_in;
  Tile tile = { .n_rows = y1 - y0,
                .n_columns = x1 - x0,
                .source_row = source_row * part->stride[0],
                .source_column = part->n_in * part->stride[1],
                .share_row = stretch->n_columns * part->out_row,
                .share_column = part->out_row,
                .sums_row = part->out_row };
  const float *source = part->source + (y0 * part->stride[0] + row * part->dilation[0]) * source_row
                        + (x0 * part->stride[1] + column * part->dilation[1]) * part->n_in;
  const float *shares = part->shares + (y0 * stretch->n_columns + x0) * part->out_row;
  for (int64_t o = 0; o < part->out_row;)
    {
      int vectors = part->out_row - o >= 2 * VL ? 2 : 1;
      const TileKernel *kernel = tiles[vectors - 1];
      tile.share = shares + o;
      for (int64_t c = 0; c < channels; c += kernel->channels)
        {
          while (kernel->channels > channels - c)
            kernel++;
          tile.source = source + c;
          tile.sums = sums + c * part->out_row + o;
          kernel->run (&tile);
        }
      o += vectors * VL;
    }
}

static void
add_stretch (const Part *part, const Stretch *stretch)
{
  int64_t columns = part->dw->n[3];
  float *sums = part->sums;
  bring_shares (part, stretch);
  bring_source (part, stretch);
  int64_t n = part->is_joined ? columns : 1; /* taps at a time */
  for (int64_t t = part->tap; t < part->tap + part->n_taps; t += n)
    {
      add_tap (part, stretch, t / columns, t % columns, part->n_in * n, sums);
      sums += part->n_in * n * part->out_row;
    }
}

/* As many columns of one row, or rows, as there is room for; at least one pixel. */
static void
add_images (const Part *part)
{
  const RduView *dy = part->dy;
  int64_t height = dy->n[2], width = dy->n[3];
  if (height == 0 || width == 0)
    return;
  int64_t pixels = min (MAX_SHARES / part->out_row, MAX_PIXELS);
  int64_t room = MAX_SOURCE / part->n_in / reach (part, 0, 1) - (reach (part, 1, 1) - 1);
  int64_t columns = min (min (width, pixels), max ((room - 1) / part->stride[1] + 1, 1));
  int64_t rows = columns < width ? 1 : min (height, pixels / width);
  while (rows > 1 && reach (part, 0, rows) * reach (part, 1, columns) * part->n_in > MAX_SOURCE)
    rows--;
  for (int64_t image = 0; image < dy->n[0]; image++)
    for (int64_t row = 0; row < height; row += rows)
      for (int64_t column = 0; column < width; column += columns)
        {
          Stretch stretch = { .image = image,
                              .row = row,
                              .n_rows = min (rows, height - row),
                              .column = column,
                              .n_columns = min (columns, width - column) };
          stretch.source_columns = reach (part, 1, stretch.n_columns);
          add_stretch (part, &stretch);
        }
}

/* Source positions of one window, with 8 channels each, that would not fit: sums one by one. */
static void
add_plainly (const Part *part, bool first)
{
  const RduView *dy = part->dy, *x = part->x, *dw = part->dw;
  for (int64_t o = 0; o < dw->n[0]; o++)
    for (int64_t c = 0; c < dw->n[1]; c++)
      for (int64_t t = 0; t < dw->n[2] * dw->n[3]; t++)
        {
          int64_t row = t / dw->n[3], column = t % dw->n[3], y0, y1, x0, x1;
          float *to = (float *) dw->data + o * dw->stride[0] + c * dw->stride[1]
                      + row * dw->stride[2] + column * dw->stride[3];
          float sum = first ? 0 : *to;
          clip (part, 0, 0, dy->n[2], row, &y0, &y1);
          clip (part, 1, 0, dy->n[3], column, &x0, &x1);
          for (int64_t n = 0; n < dy->n[0]; n++)
            for (int64_t i = y0; i < y1; i++)
              for (int64_t j = x0; j < x1; j++)
                sum += ((const float *) x
                            ->data)[n * x->stride[0] + c * x->stride[1]
                                    + (i * part->stride[0] + row * part->dilation[0]) * x->stride[2]
                                    + (j * part->stride[1] + column * part->dilation[1])
                                          * x->stride[3]]
                       * ((const float *) dy->data)[n * dy->stride[0] + o * dy->stride[1]
                                                    + i * dy->stride[2] + j * dy->stride[3]];
          *to = sum;
        }
}

/* dw[o, c, kh, kw] (+)= sum over (n, p) of dy[n, o, p] x[n, c, tap (kh, kw) of window p] */
void
RDU_SYMBOL (rdu_conv2d_dw) (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dw = call->dst[0];
  Part part = { .dy = dy,
                .x = x,
                .dw = dw,
                .stride = { call->imm[0], call->imm[1] },
                .dilation = { call->imm[2], call->imm[3] },
                .sums = call->scratch };
  part.shares = part.sums + MAX_SUMS;
  part.source = part.shares + MAX_SHARES;
  int64_t taps = dw->n[2] * dw->n[3], window = reach (&part, 0, 1) * reach (&part, 1, 1);
  if (taps == 0 || dw->n[1] == 0)
    return;
  if (window > MAX_SOURCE / 8)
    {
      add_plainly (&part, call->first);
      return;
    }
  int64_t most = max (8, min (MAX_SUMS / (MAX_OUT * taps), MAX_SOURCE / window) / 8 * 8);
  most = min (most, 64);
  part.is_joined = dw->n[1] < 8 && dw->n[3] > 1 && part.dilation[1] == 1
                   && dw->n[1] * dw->n[3] <= 128;
  int64_t taps_at_once = MAX_SUMS / (MAX_OUT * min (most, dw->n[1]));
  if (part.is_joined)
    taps_at_once -= taps_at_once % dw->n[3];
  for (part.o = 0; part.o < dw->n[0]; part.o += MAX_OUT)
    for (part.c = 0; part.c < dw->n[1]; part.c += most)
      for (part.tap = 0; part.tap < taps; part.tap += taps_at_once)
        {
          part.n_out = min (MAX_OUT, dw->n[0] - part.o);
          part.out_row = (part.n_out + VL - 1) / VL * VL;
          part.n_in = min (most, dw->n[1] - part.c);
          part.n_taps = min (taps_at_once, taps - part.tap);
          memset (part.sums, 0, (size_t) (part.n_taps * part.n_in * part.out_row) * 4);
          if (!call->first)
            exchange_sums (&part, true);
          add_images (&part);
          exchange_sums (&part, false);
        }
}
