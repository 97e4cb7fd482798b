/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d_dw to few channels: vectors of pixels of a row, of result channels by taps. Each lane is a
 * chain of its own over some rows of an image; lanes are added two by two, and their sum goes to
 * the result. A source channel at a time is copied to a plane. */
#include "plugins/backends/rdu/kernels_conv.h"

#define VL RDU_VECTOR

/* Taps of the longest tile, products of a lane; elements of a channel's plane. */
#define MAX_TAPS     8
#define MAX_CHAIN    256
#define MAX_PLANE    (RDU_CONV_SLAB / 2 - 4 * VL)
#define MIN_PIXELS   (VL / 2) /* of a row, for its vectors to be filled well */
#define MAX_REGISTER (RDU_VECTOR == 16 ? 31 : 15)

/* Taps of a tile: sums, gradients, and one vector of the source are in registers. */
#define TAPS_FOR(n_out)                                      \
  ((MAX_REGISTER - (n_out)) / (n_out) >= MAX_TAPS ? MAX_TAPS \
   : (MAX_REGISTER - (n_out)) / (n_out) < 1       ? 1        \
                                                  : (MAX_REGISTER - (n_out)) / (n_out))

/* Some rows of an image's gradients, and the plane of the source that they reach. */
typedef struct
{
  const RduView *dw;
  RduConvSource x, dy;
  RduConvSide side[2];
  int64_t n[2], pitch; /* rows and columns of gradients; elements of a row of the plane */
  const float *plane, *shares;
  int64_t share_row, share_channel;
  float *lanes; /* a vector for each tap and result channel */
} Rows;

typedef struct
{
  int64_t offset[MAX_TAPS]; /* into the plane */
  float *lanes[MAX_TAPS];
} Tile;

static inline __attribute__ ((always_inline)) void
run_tile (const Rows *r, const Tile *tile, const int n_out, const int taps)
{
  RduVec sum[MAX_TAPS][RDU_CONV_FEW], share[RDU_CONV_FEW];
  RduLanes last = rdu_lanes ((r->n[1] - 1) % VL + 1);
#pragma GCC unroll 8
  for (int t = 0; t < taps; t++)
#pragma GCC unroll 8
    for (int o = 0; o < n_out; o++)
      sum[t][o] = rdu_vec_zero ();
  for (int64_t row = 0; row < r->n[0]; row++)
    for (int64_t column = 0; column < r->n[1]; column += VL)
      {
        const float *x = r->plane + row * r->side[0].step * r->pitch + column;
        const float *g = r->shares + row * r->share_row + column;
        RduLanes lanes = column + VL < r->n[1] ? rdu_lanes (VL) : last;
#pragma GCC unroll 8
        for (int o = 0; o < n_out; o++)
          share[o] = rdu_vec_load_lanes (g + o * r->share_channel, lanes);
#pragma GCC unroll 8
        for (int t = 0; t < taps; t++)
          {
            RduVec source = rdu_vec_load_lanes (x + tile->offset[t], lanes);
#pragma GCC unroll 8
            for (int o = 0; o < n_out; o++)
              sum[t][o] = rdu_vec_fma (source, share[o], sum[t][o]);
          }
      }
#pragma GCC unroll 8
  for (int t = 0; t < taps; t++)
#pragma GCC unroll 8
    for (int o = 0; o < n_out; o++)
      rdu_vec_store (tile->lanes[t] + o * VL, sum[t][o]);
}

#define TILES(n_out)                                             \
  static void run_all_##n_out (const Rows *r, const Tile *tile)  \
  {                                                              \
    run_tile (r, tile, n_out, TAPS_FOR (n_out));                 \
  }                                                              \
  static void run_half_##n_out (const Rows *r, const Tile *tile) \
  {                                                              \
    run_tile (r, tile, n_out, (TAPS_FOR (n_out) + 1) / 2);       \
  }
TILES (1)
TILES (2)
TILES (3)
TILES (4)
TILES (5)
TILES (6)
TILES (7)
TILES (8)

/* Of as many taps as there are registers for, and of half of them. */
typedef struct
{
  int taps;
  void (*all) (const Rows *r, const Tile *tile);
  void (*half) (const Rows *r, const Tile *tile);
} Tiles;

#define ROW(n_out)                                       \
  {                                                      \
    TAPS_FOR (n_out), run_all_##n_out, run_half_##n_out, \
  }
static const Tiles tiles[RDU_CONV_FEW + 1] = {
  { 0, NULL, NULL }, ROW (1), ROW (2), ROW (3), ROW (4), ROW (5), ROW (6), ROW (7), ROW (8),
};

/* The last tile has its last tap several times. */
static void
run_taps (const Rows *r)
{
  const RduView *dw = r->dw;
  int64_t n = dw->n[2] * dw->n[3], row = 0, column = 0;
  const Tiles *kernels = &tiles[dw->n[0]];
  for (int64_t first = 0, left; (left = n - first) > 0; first += kernels->taps)
    {
      Tile tile;
      for (int i = 0; i < kernels->taps; i++)
        {
          tile.offset[i] = row * r->side[0].at_step * r->pitch + column * r->side[1].at_step;
          tile.lanes[i] = r->lanes + (row * dw->n[3] + column) * dw->n[0] * VL;
          if (i + 1 < left && ++column == dw->n[3])
            {
              column = 0;
              row++;
            }
        }
      (left > (kernels->taps + 1) / 2 ? kernels->all : kernels->half) (r, &tile);
    }
}

/* The sum of the lanes of `n` vectors, each. */
static void
add_lanes (const float *lanes, int64_t n, float *sums)
{
  for (int64_t first = 0; first < n; first += VL, lanes += VL * VL)
    {
      RduVec x[VL];
      for (int64_t i = 0; i < VL; i++)
        x[i] = first + i < n ? rdu_vec_load (lanes + i * VL) : rdu_vec_zero ();
      rdu_vec_transpose (x);
#pragma GCC unroll 4
      for (int half = VL / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < half; i++)
          x[i] = x[i] + x[i + half];
      rdu_vec_store (sums + first, x[0]);
    }
}

/* Adds the sums of a source channel to the result. */
static void
add_sums (const Rows *r, int64_t channel)
{
  const RduView *dw = r->dw;
  float *sums = r->lanes; /* each group of them goes where its lanes were, or before */
  add_lanes (r->lanes, dw->n[0] * dw->n[2] * dw->n[3], sums);
  for (int64_t row = 0; row < dw->n[2]; row++)
    for (int64_t column = 0; column < dw->n[3]; column++)
      {
        float *to = (float *) dw->data + channel * dw->stride[1] + row * dw->stride[2]
                    + column * dw->stride[3];
        for (int64_t o = 0; o < dw->n[0]; o++)
          to[o * dw->stride[0]] += *sums++;
      }
}

static void
clear (const RduView *dw)
{
  for (int64_t o = 0; o < dw->n[0]; o++)
    for (int64_t c = 0; c < dw->n[1]; c++)
      for (int64_t row = 0; row < dw->n[2]; row++)
        for (int64_t column = 0; column < dw->n[3]; column++)
          ((float *) dw->data)[o * dw->stride[0] + c * dw->stride[1] + row * dw->stride[2]
                               + column * dw->stride[3]]
              = 0;
}

static RduConvSource
source_of (const RduView *view)
{
  return (RduConvSource){ .data = view->data,
                          .n_channels = view->n[1],
                          .image = view->stride[0],
                          .channel = view->stride[1],
                          .stride = { view->stride[2], view->stride[3] },
                          .lo = { view->valid_lo[2], view->valid_lo[3] },
                          .hi = { view->valid_hi[2], view->valid_hi[3] } };
}

/* Gradient rows `row` .. of an image, where they are if a row is one stretch of memory. */
static void
find_shares (Rows *r, int64_t image, int64_t row, float *room)
{
  if (r->dy.stride[1] == 1)
    {
      r->shares = r->dy.data + image * r->dy.image + row * r->dy.stride[0];
      r->share_row = r->dy.stride[0];
      r->share_channel = r->dy.channel;
      return;
    }
  RDU_SYMBOL (rdu_conv_planes) (&r->dy, image, (int64_t[]){ row, 0 }, r->n, room);
  r->shares = room;
  r->share_row = r->n[1];
  r->share_channel = r->n[0] * r->n[1];
}

/* Rows of a part of an image; 0: not even one is for this way. The whole shapes decide. */
static int64_t
part_rows (const Rows *r, const RduView *dy)
{
  int64_t taps = r->dw->n[2] * r->dw->n[3], n_vectors = (dy->n[3] + VL - 1) / VL;
  if (r->dw->dim[0] > RDU_CONV_FEW || r->side[1].step != 1 || dy->n[3] < MIN_PIXELS
      || n_vectors > MAX_CHAIN || taps > RDU_CONV_WEIGHTS / (RDU_CONV_FEW * VL))
    return 0;
  int64_t fits = MAX_PLANE / r->pitch - rdu_conv_reach (&r->side[0], 1);
  if (fits < 0)
    return 0;
  fits = fits / r->side[0].step + 1;
  return fits < MAX_CHAIN / n_vectors ? fits : MAX_CHAIN / n_vectors;
}

bool
RDU_SYMBOL (rdu_conv2d_dw_pixels) (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dw = call->dst[0];
  float *slab = call->scratch + RDU_CONV_WEIGHTS;
  Rows r = { .dw = dw,
             .x = source_of (x),
             .dy = source_of (dy),
             .n = { 0, dy->n[3] },
             .plane = slab,
             .lanes = call->scratch };
  for (int d = 0; d < 2; d++)
    r.side[d]
        = (RduConvSide){ .step = call->imm[d], .taps = dw->n[2 + d], .at_step = call->imm[2 + d] };
  r.pitch = rdu_conv_reach (&r.side[1], dy->n[3]);
  int64_t most = part_rows (&r, dy);
  if (most == 0)
    return false;
  if (call->first)
    clear (dw);
  r.x.n_channels = 1;
  for (int64_t image = 0; image < dy->n[0]; image++)
    for (int64_t row = 0; row < dy->n[2]; row += most)
      {
        r.n[0] = most < dy->n[2] - row ? most : dy->n[2] - row;
        find_shares (&r, image, row, slab + RDU_CONV_SLAB / 2);
        for (int64_t c = 0; c < dw->n[1]; c++)
          {
            r.x.data = (const float *) x->data + c * x->stride[1];
            RDU_SYMBOL (rdu_conv_planes)
            (&r.x, image, (int64_t[]){ row * r.side[0].step, 0 },
             (int64_t[]){ rdu_conv_reach (&r.side[0], r.n[0]), r.pitch }, slab);
            run_taps (&r);
            add_sums (&r, c);
          }
      }
  return true;
}
