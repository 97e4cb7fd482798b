/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of sources that tiles do not read well: with channels apart in memory, or so few
 * that the taps of a row should be read as one stretch, or to be multiplied as pairs of bf16. Some
 * of their rows are brought together, where channels are innermost: with their padding, so that
 * every tap finds a pixel, or of pairs without it, since they leave such taps out. */
#include "plugins/backends/rdu/kernels_conv_pair.h"

/* Fewer channels than these make a stretch of their own too short. */
#define FEW_CHANNELS 8

static int64_t
clamp (int64_t x, int64_t lo, int64_t hi)
{
  return x < lo ? lo : x > hi ? hi : x;
}

/* The depth of pixels, one after the other. */
static void
bring_pixels (const RduConvJob *job, const float *from, int64_t n_pixels, float *to)
{
  int64_t pixel = job->side[1].stride;
#ifdef RDU_HAS_PAIRS
  if (job->weights.pairs)
    {
      RDU_SYMBOL (rdu_conv_pair_channels)
      (from, pixel, job->x_channel, n_pixels, job->weights.n_in, to);
      return;
    }
#endif
  rdu_conv_bring (from, pixel, job->x_channel, n_pixels, job->n_in, to, job->n_in);
}

/* Source rows and columns first[] .. of n[] each, of images from `image` on. */
static void
bring_slab (const RduConvJob *job, int64_t image, int64_t n_images, const int64_t *first,
            const int64_t *n, float *to)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  int64_t channels = job->n_in;
  for (int64_t i = image; i < image + n_images; i++)
    for (int64_t row = first[0]; row < first[0] + n[0]; row++, to += n[1] * channels)
      {
        bool is_row = row >= rows->lo && row < rows->hi;
        int64_t lo = is_row ? clamp (columns->lo - first[1], 0, n[1]) : n[1];
        int64_t hi = is_row ? clamp (columns->hi - first[1], lo, n[1]) : n[1];
        memset (to, 0, (size_t) (lo * channels) * 4);
        bring_pixels (
            job, job->x + i * job->x_image + row * rows->stride + (first[1] + lo) * columns->stride,
            hi - lo, to + lo * channels);
        memset (to + hi * channels, 0, (size_t) ((n[1] - hi) * channels) * 4);
      }
}

/* Source positions that `n` of the result's read, from `from` on; of pairs those that have memory:
 * they are not multiplied elsewhere. */
static int64_t
slab_length (const RduConvJob *job, int d, int64_t n, int64_t *from)
{
  const RduConvSide *side = &job->side[d];
  int64_t to = *from + rdu_conv_reach (side, n), end = clamp (side->hi, side->lo, INT64_MAX);
  if (job->weights.pairs)
    {
      *from = clamp (*from, side->lo, end);
      to = clamp (to, *from, end);
    }
  return to - *from;
}

/* Result rows `row` .. of n_rows of some images. */
static void
run_slab (const RduConvJob *whole, int64_t image, int64_t n_images, int64_t row, int64_t n_rows)
{
  RduConvJob job = *whole;
  RduConvSide *rows = &job.side[0], *columns = &job.side[1];
  float *slab = job.scratch + RDU_CONV_WEIGHTS;
  int64_t first[2] = { row * rows->step + rdu_conv_first (rows), rdu_conv_first (columns) };
  int64_t n[2] = { slab_length (whole, 0, n_rows, &first[0]),
                   slab_length (whole, 1, columns->n, &first[1]) };
  bring_slab (whole, image, n_images, first, n, slab);
  job.x = slab;
  job.x_channel = 1;
  job.x_pairs = job.weights.pairs;
  job.x_image = n[0] * n[1] * job.n_in;
  job.n_images = n_images;
  job.y += image * job.y_image + row * rows->out_stride;
  rows->n = n_rows;
  rows->stride = n[1] * job.n_in;
  columns->stride = job.n_in;
  rows->at += row * rows->step - first[0];
  columns->at -= first[1];
  for (int d = 0; d < 2; d++)
    {
      job.side[d].lo = 0;
      job.side[d].hi = n[d];
    }
  RDU_SYMBOL (rdu_conv_run) (&job);
}

/* Whether the taps of a row are, or would be, one stretch of few channels each. */
static bool
joins_taps (const RduConvJob *job)
{
  const RduConvSide *columns = &job->side[1];
  return job->n_in < FEW_CHANNELS && columns->taps > 1 && columns->at_step == 1;
}

/* Whether the padding is what keeps taps from being one stretch. */
static bool
has_padding (const RduConvSide *side)
{
  return rdu_conv_first (side) < side->lo
         || (side->n - 1) * side->step + rdu_conv_last (side) >= side->hi;
}

/* Slabs of as many rows as there is room for; where that is none, single pixels. */
static void
run_slabs (const RduConvJob *job)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  int64_t room = RDU_CONV_SLAB / job->n_in / rdu_conv_reach (columns, columns->n);
  int64_t most = room < rdu_conv_reach (rows, 1)
                     ? 0
                     : (room - rdu_conv_reach (rows, 1)) / rows->step + 1;
  if (most == 0)
    {
      RDU_SYMBOL (rdu_conv_run) (job);
      return;
    }
  most = most < rows->n ? most : rows->n;
  int64_t n_images = most < rows->n ? 1 : room / rdu_conv_reach (rows, rows->n);
  for (int64_t image = 0; image < job->n_images; image += n_images)
    for (int64_t row = 0; row < rows->n; row += most)
      run_slab (job, image, n_images < job->n_images - image ? n_images : job->n_images - image,
                row, most < rows->n - row ? most : rows->n - row);
}

void
RDU_SYMBOL (rdu_conv) (const RduConvJob *job)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  bool is_empty = job->n_in == 0 || job->n_images == 0 || rows->n == 0 || columns->n == 0
                  || rows->taps == 0 || columns->taps == 0;
  bool is_apart = job->x_channel != 1;
  if (job->n_depthwise > 0)
    RDU_SYMBOL (rdu_conv_depthwise) (job);
  else if (is_empty)
    RDU_SYMBOL (rdu_conv_run) (job);
  else if (RDU_SYMBOL (rdu_conv_pixels) (job))
    return;
  else if (is_apart || job->weights.pairs || (joins_taps (job) && has_padding (columns)))
    run_slabs (job);
  else
    RDU_SYMBOL (rdu_conv_run) (job);
}
