/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of 3x3 weights by minimal filtering, F(3x3,2x2): the way of the forward convolution
 * turned round. A square of 2x2 gradients g becomes the 16 numbers A g A', the 4x4 source pixels
 * that its windows saw become B' d B; their products, summed over squares, are 16 planes M of
 * source channels by result channels, and G' M G is what goes to the weights' gradient. */
#include "plugins/backends/rdu/kernels_conv_taps.h"
#include "plugins/backends/rdu/kernels_conv_winograd.h"

#define VL     RDU_VECTOR
#define PLANES RDU_WINOGRAD_PLANES
#define TAPS   RDU_CONV_TAPS

/* Squares of an image that are one chain; squares and channels of either side at a time, which
 * change no bit. */
#define CHAIN    256
#define SQUARES  64
#define CHANNELS RDU_TILE_COLUMNS

static const float zeros[CHANNELS];

/* Some channels of both sides; rows of channels are whole vectors. */
typedef struct
{
  const RduView *dy;
  RduConvWeights dw;
  RduWinogradSource source;
  int64_t o, n_out, c, n_in;
  RduWinogradPlanes pixels, shares, sums; /* sums: from source channel to source channel */
  float *taps;                            /* per source channel and tap: result channels */
  float *together;
} Part;

static int64_t
smaller (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* ---- the gradients ---- */

/* The four pixels of a square, or zeros; channels come together if they are apart. */
static void
find_shares (const Part *part, const RduWinogradSquare *at, const float **pixel)
{
  const RduView *dy = part->dy;
  float *to = part->together;
  for (int64_t i = 0; i < 4; i++, to += CHANNELS)
    {
      int64_t row = 2 * at->row + i / 2, column = 2 * at->column + i % 2;
      if (row >= dy->n[2] || column >= dy->n[3])
        {
          pixel[i] = zeros;
          continue;
        }
      pixel[i] = (const float *) dy->data + at->image * dy->stride[0] + part->o * dy->stride[1]
                 + row * dy->stride[2] + column * dy->stride[3];
      if (dy->stride[1] == 1)
        continue;
      for (int64_t o = 0; o < part->n_out; o++)
        to[o] = pixel[i][o * dy->stride[1]];
      pixel[i] = to;
    }
}

/* A g A', where A g is g0, g0 + g1, g0 - g1, -g1. */
static inline __attribute__ ((always_inline)) void
transform_shares (const float *const *pixel, int64_t o, RduLanes lanes, float *to, int64_t plane)
{
  RduVec t[4][2];
#pragma GCC unroll 2
  for (int j = 0; j < 2; j++)
    {
      t[0][j] = rdu_vec_load_lanes (pixel[j] + o, lanes);
      t[3][j] = rdu_vec_load_lanes (pixel[2 + j] + o, lanes);
      t[1][j] = t[0][j] + t[3][j];
      t[2][j] = t[0][j] - t[3][j];
      t[3][j] = rdu_vec_zero () - t[3][j];
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++, to += 4 * plane)
    {
      rdu_vec_store (to, t[i][0]);
      rdu_vec_store (to + plane, t[i][0] + t[i][1]);
      rdu_vec_store (to + 2 * plane, t[i][0] - t[i][1]);
      rdu_vec_store (to + 3 * plane, rdu_vec_zero () - t[i][1]);
    }
}

static void
bring_shares (const Part *part, RduWinogradSquare at, int64_t n)
{
  const float *pixel[4];
  for (int64_t s = 0; s < n; s++, rdu_winograd_next (&part->source, &at))
    {
      find_shares (part, &at, pixel);
      for (int64_t o = 0; o < part->n_out; o += VL)
        transform_shares (pixel, o, rdu_lanes (smaller (part->n_out - o, VL)),
                          part->shares.data + s * part->shares.row + o, part->shares.plane);
    }
}

/* ---- the sums ---- */

/* The planes' sums of a chain's squares, `n` of them, go on or begin with zero. */
static void
add_squares (const Part *part, const RduWinogradSquare *at, int64_t n, bool first)
{
  RduTile tile = { .a_row = 1,
                   .a_depth = part->pixels.row,
                   .b_depth = part->shares.row,
                   .c_row = part->sums.row,
                   .m = part->n_in,
                   .n = part->shares.row,
                   .k = n,
                   .first = first };
  RDU_SYMBOL (rdu_winograd_source)
  (&part->source, *at, n, part->c, part->n_in, part->together, &part->pixels);
  bring_shares (part, *at, n);
  for (int64_t p = 0; p < PLANES; p++)
    {
      tile.a = part->pixels.data + p * part->pixels.plane;
      tile.b = part->shares.data + p * part->shares.plane;
      tile.c = part->sums.data + p * part->sums.plane;
      RDU_SYMBOL (rdu_tile) (&tile);
    }
}

/* Four to three by G': m0 + (m1 + m2) / 2, (m1 - m2) / 2, (m1 + m2) / 2 + m3. */
static inline __attribute__ ((always_inline)) void
gather_taps (const RduVec m[4], RduVec to[3])
{
  const RduVec half = rdu_vec_all (&(const float){ 0.5F });
  RduVec sum = (m[1] + m[2]) * half;
  to[0] = m[0] + sum;
  to[1] = (m[1] - m[2]) * half;
  to[2] = sum + m[3];
}

/* Adds G' M G to the taps. */
static void
add_chain (const Part *part)
{
  int64_t plane = part->sums.plane, row = part->sums.row;
  for (int64_t c = 0; c < part->n_in; c++)
    for (int64_t o = 0; o < row; o += VL)
      {
        const float *from = part->sums.data + c * row + o;
        float *taps = part->taps + c * TAPS * row + o;
        RduVec t[4][3], sum[3];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
          {
            RduVec m[4];
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
              m[j] = rdu_vec_load (from + (4 * i + j) * plane);
            gather_taps (m, t[i]);
          }
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
          {
            gather_taps ((const RduVec[]){ t[0][j], t[1][j], t[2][j], t[3][j] }, sum);
#pragma GCC unroll 3
            for (int i = 0; i < 3; i++)
              {
                float *tap = taps + (3 * i + j) * row;
                rdu_vec_store (tap, rdu_vec_load (tap) + sum[i]);
              }
          }
      }
}

static void
add_images (const Part *part)
{
  int64_t n_squares = rdu_winograd_squares (&part->source);
  RduWinogradSquare at = { 0 };
  for (int64_t first = 0; first < part->dy->n[0] * n_squares;)
    {
      int64_t chain = smaller (n_squares - first % n_squares, CHAIN);
      int64_t n_steps = (chain + SQUARES - 1) / SQUARES;
      for (int64_t step = 0; step < n_steps; step++)
        {
          int64_t n = chain * (step + 1) / n_steps - chain * step / n_steps;
          add_squares (part, &at, n, step == 0);
          for (int64_t s = 0; s < n; s++)
            rdu_winograd_next (&part->source, &at);
        }
      add_chain (part);
      first += chain;
    }
}

/* ---- the result ---- */

/* Between the taps and the result. */
static void
exchange_taps (const Part *part, bool is_load)
{
  int64_t row = part->sums.row;
  for (int64_t o = 0; o < part->n_out; o += VL)
    for (int64_t c = 0; c < part->n_in; c++)
      {
        RduVec vectors[RDU_CONV_TAP_VECTORS];
        float *taps = part->taps + c * TAPS * row + o;
        float *at = (float *) part->dw.data + (part->o + o) * part->dw.out
                    + (part->c + c) * part->dw.in;
        int64_t n = smaller (part->n_out - o, VL);
        if (is_load)
          rdu_conv_load_taps (&part->dw, at, n, vectors);
        for (int t = 0; t < TAPS; t++)
          if (is_load)
            rdu_vec_store (taps + t * row, vectors[t]);
          else
            vectors[t] = rdu_vec_load (taps + t * row);
        if (!is_load)
          rdu_conv_store_taps (&part->dw, at, n, vectors);
      }
}

/* Planes are a line more than a multiple of something: no two lie in the same sets of a cache. */
static float *
place (RduWinogradPlanes *planes, float *at, int64_t n_rows, int64_t n)
{
  planes->data = at;
  planes->row = (n + VL - 1) / VL * VL;
  planes->plane = n_rows * planes->row + 16;
  return at + PLANES * planes->plane;
}

static void
run_part (Part *part, float *scratch, bool first)
{
  int64_t squares = smaller (rdu_winograd_squares (&part->source), SQUARES);
  part->together = scratch;
  scratch = place (&part->pixels, scratch + PLANES * RDU_WINOGRAD_CHANNELS, squares, part->n_in);
  scratch = place (&part->shares, scratch, squares, part->n_out);
  part->taps = place (&part->sums, scratch, part->n_in, part->n_out);
  if (first)
    memset (part->taps, 0, (size_t) (part->n_in * TAPS * part->sums.row) * 4);
  else
    exchange_taps (part, true);
  add_images (part);
  exchange_taps (part, false);
}

/* dw[o, c, kh, kw] (+)= sum over (n, p) of dy[n, o, p] x[n, c, tap (kh, kw) of window p] */
void
RDU_SYMBOL (rdu_winograd_dw) (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dw = call->dst[0];
  Part part = { .dy = dy,
                .dw = rdu_conv_weights (dw, false),
                .source = { .data = x->data, .image = x->stride[0], .channel = x->stride[1] } };
  for (int d = 0; d < 2; d++)
    part.source.side[d] = (RduWinogradSide){ .n = dy->n[2 + d],
                                             .lo = x->valid_lo[2 + d],
                                             .hi = x->valid_hi[2 + d],
                                             .stride = x->stride[2 + d] };
  for (part.o = 0; part.o < dw->n[0]; part.o += CHANNELS)
    for (part.c = 0; part.c < dw->n[1]; part.c += CHANNELS)
      {
        part.n_out = smaller (dw->n[0] - part.o, CHANNELS);
        part.n_in = smaller (dw->n[1] - part.c, CHANNELS);
        run_part (&part, call->scratch, call->first);
      }
}
