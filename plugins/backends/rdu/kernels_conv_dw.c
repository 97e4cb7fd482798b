/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d_dw: source channels under a tap by result channels. Rows of pixels, MAX_PIXELS of an image
 * or fewer, are summed from zero and added to the result in order: a chain over the pixels of all
 * images would lose digits where gradients cancel, as those of a batch norm do. Some of both
 * channels at a time: their pixels are brought together, and their sums stay in cache until all
 * images have been added. */
#include "plugins/backends/rdu/kernels_conv_pair.h"

#define VL RDU_VECTOR

/* Pixels of a stretch, result channels at a time; sums that are kept, gradients and source pixels
 * that are brought together, in elements. */
#define MAX_PIXELS    256
#define MAX_OUT       64
#define MAX_OUT_PAIRS 128 /* of pairs, which are half as many */
#define MAX_SUMS      65536
#define MAX_SOURCE    65536
#define MAX_SHARES    (MAX_PIXELS * MAX_OUT)
#define MAX_ROWS      512 /* of sums whose source elements are not neighbours */
#define LEAST_JOINED  12  /* of them in a row of taps that are */
#define MAX_APART     9   /* of them in a tile: as many offsets stay in registers */

#define LEAST_PAIRED 3 /* source channels whose pixels are multiplied in pairs */

/* Channels c .. and o .., and the taps `tap` .. of all columns of the kernel. */
typedef struct
{
  const RduView *dy, *x, *dw;
  int64_t stride[2], dilation[2];
  int64_t n[2];              /* rows and columns of a stretch */
  int64_t n_images;          /* of a stretch */
  int64_t o, n_out, out_row; /* out_row: n_out in whole vectors */
  int64_t most_out;          /* at a time */
  int64_t c, n_in;
  int64_t tap, n_taps;
  bool is_scattered; /* all taps are worked at a time: there are few channels */
  bool pairs;        /* bf16, multiplied in pairs of neighbouring pixels of a row */
  float *sums, *shares, *source;
} Part;

/* Pixels of the gradients: rows and columns from `first` on, of images from `image` on. */
typedef struct
{
  int64_t image, n_images;
  int64_t first[2], n[2];
  int64_t source[2]; /* source rows and columns that they reach */
} Stretch;

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

/* Source positions that `n` positions of the gradients reach. */
static int64_t
reach (const Part *part, int d, int64_t n)
{
  return (n - 1) * part->stride[d] + (part->dw->n[2 + d] - 1) * part->dilation[d] + 1;
}

/* Element (o, c, tap) of the result. */
static float *
result_at (const RduView *dw, int64_t o, int64_t c, int64_t tap)
{
  return (float *) dw->data + o * dw->stride[0] + c * dw->stride[1] + tap / dw->n[3] * dw->stride[2]
         + tap % dw->n[3] * dw->stride[3];
}

/* Whether the taps of a channel are together in the result, behind those of the channel before. */
static bool
is_dense (const Part *part)
{
  const RduView *dw = part->dw;
  int64_t taps = dw->n[2] * dw->n[3];
  return part->n_taps == taps && dw->stride[3] == 1 && dw->stride[2] == dw->n[3]
         && dw->stride[1] == taps;
}

/* Up to a vector of result channels from `o` on, by a vector of what the result has in a row from
 * element `at` on. */
static void
exchange_square (const Part *part, int64_t o, int64_t at, bool is_load)
{
  int64_t n_out = min (part->n_out - o, VL), n = min (part->n_in * part->n_taps - at, VL);
  float *result = result_at (part->dw, part->o + o, part->c, 0) + at, *sums[VL];
  RduVec x[VL];
  for (int64_t i = 0; i < n; i++)
    sums[i] = part->sums + o
              + ((at + i) % part->n_taps * part->n_in + (at + i) / part->n_taps) * part->out_row;
  for (int64_t i = 0; i < VL; i++)
    x[i] = i >= (is_load ? n_out : n) ? rdu_vec_zero ()
           : is_load ? rdu_vec_load_lanes (result + i * part->dw->stride[0], rdu_lanes (n))
                     : rdu_vec_load (sums[i]);
  rdu_vec_transpose (x);
  for (int64_t i = 0; i < (is_load ? n : n_out); i++)
    if (is_load)
      rdu_vec_store (sums[i], x[i]);
    else
      rdu_vec_store_lanes (result + i * part->dw->stride[0], rdu_lanes (n), x[i]);
}

/* Between the sums and the result, in whose order of taps the result is walked through: it is the
 * larger one in memory. */
static void
exchange_sums (const Part *part, bool is_load)
{
  int64_t stride = part->dw->stride[0];
  if (is_dense (part))
    {
      for (int64_t o = 0; o < part->n_out; o += VL)
        for (int64_t at = 0; at < part->n_in * part->n_taps; at += VL)
          exchange_square (part, o, at, is_load);
      return;
    }
  for (int64_t o = 0; o < part->n_out; o += VL)
    for (int64_t c = 0; c < part->n_in; c++)
      for (int64_t t = 0; t < part->n_taps; t++)
        {
          float *sums = part->sums + (t * part->n_in + c) * part->out_row + o;
          float *at = result_at (part->dw, part->o + o, part->c + c, part->tap + t);
          int64_t lanes = min (part->n_out - o, VL);
          for (int64_t i = 0; i < lanes; i++)
            if (is_load)
              sums[i] = at[i * stride];
            else
              at[i * stride] = sums[i];
        }
}

/* Under a single tap pixels are read once per tile, too seldom for a copy to pay. */
static bool
is_read_in_place (const Part *part, const RduView *view)
{
  return part->dw->n[2] * part->dw->n[3] == 1 && view->stride[1] == 1 && !part->pairs;
}

/* Steps of `n` columns of gradients. */
static int64_t
n_steps (const Part *part, int64_t n)
{
  return part->pairs ? rdu_n_pairs (n) : n;
}

/* From one source column that is brought together to the next: all are read, or under a single
 * column of taps every other window's. */
static int64_t
source_step (const Part *part)
{
  return part->pairs && part->dw->n[3] == 1 ? 2 * part->stride[1] : 1;
}

/* Pixels of a row, or pairs of them. */
static void
bring_pixels (const Part *part, const RduConvPairs *pixels, float *to, int64_t row)
{
#ifdef RDU_HAS_PAIRS
  if (part->pairs)
    {
      RDU_SYMBOL (rdu_conv_pair_pixels) (pixels, to, row);
      return;
    }
#endif
  int64_t lo = pixels->lo, hi = pixels->hi, n = pixels->n, channels = pixels->n_channels;
  memset (to, 0, (size_t) (lo * row) * 4);
  rdu_conv_bring (pixels->from + lo * pixels->pixel, pixels->pixel, pixels->channel, hi - lo,
                  channels, to + lo * row, row);
  memset (to + hi * row, 0, (size_t) ((n - hi) * row) * 4);
}

static void
bring_shares (const Part *part, const Stretch *stretch, RduConvSums *sums)
{
  const RduView *dy = part->dy;
  const float *from = (const float *) dy->data + stretch->image * dy->stride[0]
                      + part->o * dy->stride[1] + stretch->first[0] * dy->stride[2]
                      + stretch->first[1] * dy->stride[3];
  bool is_in_place = is_read_in_place (part, dy) && part->n_out == part->out_row;
  int64_t row = n_steps (part, stretch->n[1]) * part->out_row;
  sums->share = is_in_place ? from : part->shares;
  sums->share_image = is_in_place ? dy->stride[0] : stretch->n[0] * row;
  sums->share_row = is_in_place ? dy->stride[2] : row;
  sums->share_column = is_in_place ? dy->stride[3] : part->out_row;
  RduConvPairs pixels = { .pixel = dy->stride[3],
                          .channel = dy->stride[1],
                          .hi = stretch->n[1],
                          .n = n_steps (part, stretch->n[1]),
                          .step = part->pairs ? 2 : 1,
                          .distance = 1,
                          .n_channels = part->n_out };
  for (int64_t i = 0; i < stretch->n_images * stretch->n[0] && !is_in_place; i++)
    {
      pixels.from = from + i / stretch->n[0] * dy->stride[0] + i % stretch->n[0] * dy->stride[2];
      bring_pixels (part, &pixels, part->shares + i * row, part->out_row);
    }
}

/* Elements of a row of the source that is brought together. */
static int64_t
source_row (const Part *part, const Stretch *stretch)
{
  int64_t step = source_step (part);
  return (stretch->source[1] + step - 1) / step * part->n_in;
}

/* Source rows and columns `top` and `left` .., whose padding becomes zeros. */
static void
copy_source (const Part *part, const Stretch *stretch, int64_t top, int64_t left)
{
  const RduView *x = part->x;
  int64_t columns = stretch->source[1], step = source_step (part);
  int64_t lo = min (max (x->valid_lo[3] - left, 0), columns),
          hi = max (min (x->valid_hi[3] - left, columns), lo);
  RduConvPairs pixels = { .pixel = x->stride[3],
                          .channel = x->stride[1],
                          .n = (columns + step - 1) / step,
                          .step = step,
                          .distance = part->stride[1],
                          .n_channels = part->n_in };
  float *to = part->source;
  for (int64_t image = 0; image < stretch->n_images; image++)
    for (int64_t row = top; row < top + stretch->source[0]; row++, to += pixels.n * part->n_in)
      {
        bool is_row = row >= x->valid_lo[2] && row < x->valid_hi[2];
        pixels.from = (const float *) x->data + (stretch->image + image) * x->stride[0]
                      + part->c * x->stride[1] + row * x->stride[2] + left * x->stride[3];
        pixels.lo = is_row ? lo : columns;
        pixels.hi = is_row ? hi : columns;
        bring_pixels (part, &pixels, to, part->n_in);
      }
}

static void
bring_source (const Part *part, const Stretch *stretch, RduConvSums *sums)
{
  const RduView *x = part->x;
  int64_t top = stretch->first[0] * part->stride[0], left = stretch->first[1] * part->stride[1];
  bool is_in_place = is_read_in_place (part, x);
  int64_t column = is_in_place ? x->stride[3] : part->n_in;
  int64_t row = is_in_place ? x->stride[2] : source_row (part, stretch);
  sums->source = part->source;
  sums->source_image = is_in_place ? x->stride[0] : stretch->source[0] * row;
  sums->source_row = row * part->stride[0];
  sums->source_column = part->pairs ? 2 * part->stride[1] / source_step (part) * column
                                    : part->stride[1] * column;
  if (is_in_place)
    sums->source = (const float *) x->data + stretch->image * x->stride[0] + part->c
                   + top * x->stride[2] + left * x->stride[3];
  else
    copy_source (part, stretch, top, left);
}

/* Positions of `n`, from `first` on, whose source position under tap `tap` has memory. */
static void
clip (const Part *part, int d, const Stretch *stretch, int64_t tap, int64_t *from, int64_t *to)
{
  int64_t step = part->stride[d], n = stretch->n[d];
  int64_t at = stretch->first[d] * step + tap * part->dilation[d];
  int64_t lo = part->x->valid_lo[2 + d] - at, hi = part->x->valid_hi[2 + d] - at;
  *from = min (lo > 0 ? (lo + step - 1) / step : 0, n);
  *to = max (min (hi > 0 ? (hi + step - 1) / step : 0, n), *from);
}

/* `n_rows` rows of sums in tiles of nearly equal size. */
static void
add_rows (const Part *part, RduConvSums sums, int64_t n_rows)
{
  const float *source = sums.source, *share = sums.share;
  const int64_t *offset = sums.offset;
  float *to = sums.sums;
  for (int64_t o = 0; o < part->out_row;)
    {
      int vectors = part->out_row - o >= 2 * VL ? 2 : 1;
      int64_t most = vectors == 2 ? RDU_CONV_SUMS_2 : RDU_CONV_SUMS_1;
      if (offset != NULL)
        most = min (most, MAX_APART);
      for (int64_t row = 0, left = (n_rows + most - 1) / most, n; left > 0; left--, row += n)
        {
          n = (n_rows - row + left - 1) / left;
          sums.source = offset != NULL ? source : source + row;
          sums.offset = offset != NULL ? offset + row : NULL;
          sums.share = share + o;
          sums.sums = to + row * part->out_row + o;
          RDU_SYMBOL (rdu_conv_sum) (&sums, (int) n, vectors);
        }
      o += vectors * VL;
    }
}

/* Pixels of an image that lie in one row of memory on both sides are one row. */
static void
merge_rows (RduConvSums *sums)
{
  if (sums->source_row == sums->n_columns * sums->source_column
      && sums->share_row == sums->n_columns * sums->share_column)
    {
      sums->n_columns *= sums->n_rows;
      sums->n_rows = 1;
    }
}

/* The channels of one tap, over pixels that it sees inside the images. */
static void
add_tap (const Part *part, const Stretch *stretch, RduConvSums sums, int64_t row, int64_t column)
{
  int64_t y0, y1, x0, x1;
  clip (part, 0, stretch, row, &y0, &y1);
  clip (part, 1, stretch, column, &x0, &x1);
  if (part->pairs)
    {
      x0 /= 2;
      x1 = rdu_n_pairs (x1);
    }
  sums.n_rows = y1 - y0;
  sums.n_columns = x1 - x0;
  sums.source += y0 * sums.source_row + x0 * sums.source_column
                 + row * part->dilation[0] * source_row (part, stretch)
                 + column * part->dilation[1] * part->n_in;
  sums.share += y0 * sums.share_row + x0 * sums.share_column;
  merge_rows (&sums);
  add_rows (part, sums, part->n_in);
}

/* Whether the source elements of a row of taps are neighbours, and enough for a tile. */
static bool
joins_taps (const Part *part)
{
  int64_t columns = part->dw->n[3];
  return part->dilation[1] == 1 && columns * part->n_in >= LEAST_JOINED && part->tap % columns == 0
         && part->n_taps % columns == 0;
}

/* All channels of all taps, whose padding is in the source. */
static void
add_scattered (const Part *part, const Stretch *stretch, RduConvSums sums)
{
  int64_t n_in = part->n_in, columns = part->dw->n[3], first = part->tap / columns;
  int64_t tap_row = part->dilation[0] * source_row (part, stretch), offset[MAX_ROWS];
  const float *source = sums.source;
  if (joins_taps (part))
    for (int64_t row = first; row < first + part->n_taps / columns; row++)
      {
        sums.source = source + row * tap_row;
        add_rows (part, sums, columns * n_in);
        sums.sums += columns * n_in * part->out_row;
      }
  else
    {
      for (int64_t i = 0; i < part->n_taps * n_in; i++)
        {
          int64_t tap = part->tap + i / n_in;
          offset[i] = tap / columns * tap_row + tap % columns * part->dilation[1] * n_in + i % n_in;
        }
      sums.offset = offset;
      add_rows (part, sums, part->n_taps * n_in);
    }
}

static void
add_stretch (const Part *part, const Stretch *stretch)
{
  int64_t columns = part->dw->n[3];
  RduConvSums sums = { .n_images = stretch->n_images,
                       .n_rows = stretch->n[0],
                       .n_columns = n_steps (part, stretch->n[1]),
                       .pairs = part->pairs,
                       .sums = part->sums,
                       .sums_row = part->out_row };
  bring_shares (part, stretch, &sums);
  bring_source (part, stretch, &sums);
  if (part->is_scattered)
    {
      add_scattered (part, stretch, sums);
      return;
    }
  for (int64_t tap = part->tap; tap < part->tap + part->n_taps; tap++)
    {
      add_tap (part, stretch, sums, tap / columns, tap % columns);
      sums.sums += part->n_in * part->out_row;
    }
}

/* Where not even one channel of a stretch's source fits: pixel by pixel. */
static void
add_plainly (const Part *part, const Stretch *stretch)
{
  const RduView *dy = part->dy, *x = part->x, *dw = part->dw;
  for (int64_t t = 0; t < dw->n[2] * dw->n[3]; t++)
    {
      int64_t row = t / dw->n[3] * part->dilation[0], column = t % dw->n[3] * part->dilation[1];
      int64_t y0, y1, x0, x1;
      clip (part, 0, stretch, t / dw->n[3], &y0, &y1);
      clip (part, 1, stretch, t % dw->n[3], &x0, &x1);
      for (int64_t i = 0; i < dw->n[0] * dw->n[1]; i++)
        {
          int64_t o = i / dw->n[1], c = i % dw->n[1];
          float sum = 0;
          for (int64_t r = stretch->first[0] + y0; r < stretch->first[0] + y1; r++)
            for (int64_t q = stretch->first[1] + x0; q < stretch->first[1] + x1; q++)
              sum += ((const float *) x->data)[stretch->image * x->stride[0] + c * x->stride[1]
                                               + (r * part->stride[0] + row) * x->stride[2]
                                               + (q * part->stride[1] + column) * x->stride[3]]
                     * ((const float *) dy->data)[stretch->image * dy->stride[0] + o * dy->stride[1]
                                                  + r * dy->stride[2] + q * dy->stride[3]];
          *result_at (dw, o, c, t) += sum;
        }
    }
}

static void
add_images (const Part *part, void (*add) (const Part *part, const Stretch *stretch))
{
  const RduView *dy = part->dy;
  Stretch stretch;
  for (stretch.image = 0; stretch.image < dy->n[0]; stretch.image += part->n_images)
    for (stretch.first[0] = 0; stretch.first[0] < dy->n[2]; stretch.first[0] += part->n[0])
      for (stretch.first[1] = 0; stretch.first[1] < dy->n[3]; stretch.first[1] += part->n[1])
        {
          stretch.n_images = min (part->n_images, dy->n[0] - stretch.image);
          for (int d = 0; d < 2; d++)
            {
              stretch.n[d] = min (part->n[d], dy->n[2 + d] - stretch.first[d]);
              stretch.source[d] = reach (part, d, stretch.n[d]);
            }
          add (part, &stretch);
        }
}

static void
add_parts (Part *part, int64_t n_in, bool first)
{
  const RduView *dy = part->dy, *dw = part->dw;
  int64_t taps = dw->n[2] * dw->n[3], pixels = part->n[0] * part->n[1],
          source = reach (part, 0, part->n[0]) * reach (part, 1, part->n[1]);
  int64_t n_taps = min (MAX_SUMS / (part->most_out * n_in), taps);
  part->is_scattered = dw->n[1] < 8 && taps > 1 && n_in * n_taps <= MAX_ROWS;
  if (part->n[0] == dy->n[2] && part->n[1] == dy->n[3])
    part->n_images = min (MAX_PIXELS / pixels, MAX_SOURCE / (source * n_in));
  for (part->o = 0; part->o < dw->n[0]; part->o += part->most_out)
    for (part->c = 0; part->c < dw->n[1]; part->c += n_in)
      for (part->tap = 0; part->tap < taps; part->tap += n_taps)
        {
          part->n_out = min (part->most_out, dw->n[0] - part->o);
          part->out_row = (part->n_out + VL - 1) / VL * VL;
          part->n_in = min (n_in, dw->n[1] - part->c);
          part->n_taps = min (n_taps, taps - part->tap);
          memset (part->sums, 0, (size_t) (part->n_taps * part->n_in * part->out_row) * 4);
          if (!first)
            exchange_sums (part, true);
          add_images (part, add_stretch);
          exchange_sums (part, false);
        }
}

/* Result channels at a time: the more, the less often the source is brought together. */
static int64_t
most_out (const Part *part)
{
  int64_t pixels = part->n[0] * part->n[1], steps = part->n[0] * n_steps (part, part->n[1]);
  bool fits = MAX_PIXELS / max (pixels, 1) * steps * MAX_OUT_PAIRS <= MAX_SHARES;
  return part->pairs && fits && part->dw->n[0] > MAX_OUT ? MAX_OUT_PAIRS : MAX_OUT;
}

/* Of very few source channels the pairs would take longer to make than to multiply. */
static bool
in_pairs (const RduView *dy, const RduView *x)
{
#ifdef RDU_HAS_PAIRS
  return dy->dtype == SF_BF16 && x->dtype == SF_BF16 && x->dim[1] >= LEAST_PAIRED;
#else
  (void) dy, (void) x;
  return false;
#endif
}

/* dw[o, c, kh, kw] (+)= sum over (n, p) of dy[n, o, p] x[n, c, tap (kh, kw) of window p] */
void
RDU_SYMBOL (rdu_conv2d_dw) (const RduCall *call)
{
  const RduView *dw = call->dst[0];
  int64_t taps = dw->n[2] * dw->n[3];
  Part part = { .dy = call->src[0],
                .x = call->src[1],
                .dw = dw,
                .stride = { call->imm[0], call->imm[1] },
                .dilation = { call->imm[2], call->imm[3] },
                .pairs = in_pairs (call->src[0], call->src[1]),
                .sums = call->scratch,
                .shares = call->scratch + MAX_SUMS,
                .source = call->scratch + MAX_SUMS + MAX_SHARES + VL };
  if (taps == 0 || dw->n[0] == 0 || dw->n[1] == 0 || RDU_SYMBOL (rdu_conv2d_dw_depthwise) (call)
      || RDU_SYMBOL (rdu_conv2d_dw_pixels) (call))
    return;
  part.n_images = 1;
  part.n[1] = max (min (part.dy->n[3], MAX_PIXELS), 1);
  part.n[0] = max (min (part.dy->n[2], MAX_PIXELS / part.n[1]), 1);
  int64_t most = MAX_SOURCE / reach (&part, 0, part.n[0]) / reach (&part, 1, part.n[1]);
  part.most_out = most_out (&part);
  /* Channels at a time: as the sums of all taps stay in cache, and 8 at least. */
  int64_t n_in = min (min (most, dw->n[1]), max (min (MAX_SUMS / part.most_out / taps, 128), 8));
  if (n_in > 8)
    {
      int64_t n_parts = (dw->n[1] + n_in - 1) / n_in;
      n_in = min (((dw->n[1] + n_parts - 1) / n_parts + 7) / 8 * 8, n_in - n_in % 8);
    }
  if (n_in > 0)
    {
      add_parts (&part, n_in, call->first);
      return;
    }
  for (int64_t i = 0; i < dw->n[0] * dw->n[1] * taps && call->first; i++)
    *result_at (dw, i / taps / dw->n[1], i / taps % dw->n[1], i % taps) = 0;
  add_images (&part, add_plainly);
}
