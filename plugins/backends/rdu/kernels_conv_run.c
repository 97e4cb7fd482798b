/* SPDX-License-Identifier: Apache-2.0 */
/* One direct convolution: its depth in blocks whose weights stay in cache, each block over all
 * pixels, tile by tile. Sums go on from block to block in the result, so no cut changes a bit. */
#include <string.h>

#include "plugins/backends/rdu/kernels_conv_pair.h"

#define VL RDU_VECTOR

static const float zeros[RDU_CONV_DEPTH];

void
RDU_SYMBOL (rdu_conv_pack) (const RduConvWeights *w, int64_t vector, int64_t row, int64_t column,
                            int64_t channel, int64_t n, float *packed)
{
#ifdef RDU_HAS_PAIRS
  if (w->pairs)
    {
      RDU_SYMBOL (rdu_conv_pack_pairs) (w, vector, row, column, channel, n, packed);
      return;
    }
#endif
  int64_t lanes = w->n_out - vector * VL;
  const float *from = w->data + vector * VL * w->out + row * w->row + column * w->column
                      + channel * w->in;
  if (lanes >= VL)
    for (int64_t c = 0; c < n; c++, from += w->in, packed += VL)
      for (int64_t i = 0; i < VL; i++)
        packed[i] = from[i * w->out];
  else
    for (int64_t c = 0; c < n; c++, from += w->in, packed += VL)
      for (int64_t i = 0; i < VL; i++)
        packed[i] = i < lanes ? from[i * w->out] : 0;
}

/* Where in the depth a block begins. */
typedef struct
{
  int64_t row, column, channel; /* taps; source channel */
} Position;

/* A stretch of the depth for vectors `vector` .. of the result's channels. */
typedef struct
{
  const RduConvJob *job;
  int64_t vector, n_vectors, depth, vector_stride;
  int n_segments;
  RduConvSegment segments[RDU_CONV_SEGMENTS];
  int64_t row[RDU_CONV_SEGMENTS], column[RDU_CONV_SEGMENTS]; /* of the source, less the pixel's */
  int64_t channel[RDU_CONV_SEGMENTS];
  bool first, is_joined;
} Block;

/* Whether tiles read the source where it is. */
static bool
is_in_place (const RduConvJob *job)
{
  return job->x_channel == 1 && job->x_pairs == job->weights.pairs;
}

/* Whether all taps of source positions low .. high have memory. */
static bool
is_inside (const RduConvSide *side, int64_t low, int64_t high)
{
  return low + rdu_conv_first (side) >= side->lo && high + rdu_conv_last (side) < side->hi;
}

/* Whether the channels of one tap are followed in memory by those of the next, for all pixels. */
static bool
taps_join (const RduConvJob *job)
{
  const RduConvSide *side = &job->side[1];
  return side->taps > 1 && is_in_place (job) && side->at_step * side->stride == job->n_in
         && side->k_step == 1 && (job->packed == NULL || job->packed_in == job->n_in)
         && is_inside (side, 0, (side->n - 1) * side->step);
}

/* The weights of a segment: where they were packed, or packed now behind those of the block. */
static const float *
segment_weights (Block *block, const Position *at, int64_t n)
{
  const RduConvJob *job = block->job;
  const RduConvWeights *w = &job->weights;
  int64_t row = job->side[0].k + at->row * job->side[0].k_step;
  int64_t column = job->side[1].k + at->column * job->side[1].k_step;
  if (job->packed != NULL)
    return job->packed + block->vector * block->vector_stride
           + ((row * w->n_columns + column) * job->packed_in + at->channel) * VL;
  float *to = job->scratch + block->depth * VL;
  for (int64_t v = 0; v < block->n_vectors; v++)
    RDU_SYMBOL (rdu_conv_pack)
  (w, block->vector + v, row, column, at->channel, n, to + v * block->vector_stride);
  return to;
}

/* Moves on by `n` channels of one tap; false behind the last tap. */
static bool
advance (const RduConvJob *job, Position *at, int64_t n)
{
  at->channel += n;
  if (at->channel < job->n_in)
    return true;
  at->channel = 0;
  if (++at->column < job->side[1].taps)
    return true;
  at->column = 0;
  return ++at->row < job->side[0].taps;
}

/* Fills a block from `at` on, which moves behind it; false: it is the last. */
static bool
fill_block (Block *block, Position *at)
{
  const RduConvJob *job = block->job;
  int64_t limit = RDU_CONV_WEIGHTS / (block->n_vectors * VL);
  limit = limit < RDU_CONV_DEPTH ? limit : RDU_CONV_DEPTH;
  block->vector_stride = job->packed == NULL
                             ? limit * VL
                             : job->weights.n_rows * job->weights.n_columns * job->packed_in * VL;
  block->depth = 0;
  block->n_segments = 0;
  if (job->n_in == 0 || job->side[0].taps == 0 || job->side[1].taps == 0)
    return false;
  for (bool is_more = true; is_more;)
    {
      int s = block->n_segments;
      int64_t n = job->n_in - at->channel, left = limit - block->depth;
      n = n < left ? n : left;
      bool joins = block->is_joined && s > 0 && at->column > 0;
      if (n == 0 || (s == RDU_CONV_SEGMENTS && !joins))
        return true;
      const float *weights = segment_weights (block, at, n);
      if (joins)
        block->segments[s - 1].length += n;
      else
        {
          block->row[s] = job->side[0].at + at->row * job->side[0].at_step;
          block->column[s] = job->side[1].at + at->column * job->side[1].at_step;
          block->channel[s] = at->channel;
          block->segments[s] = (RduConvSegment){ n, weights };
          block->n_segments++;
        }
      block->depth += n;
      is_more = advance (job, at, n);
    }
  return false;
}

/* The pixels of a tile; the last one is repeated where there are fewer. */
typedef struct
{
  int64_t source[RDU_CONV_PIXELS]; /* offsets, with the tap at nothing */
  int64_t row[RDU_CONV_PIXELS], column[RDU_CONV_PIXELS];
  float *out[RDU_CONV_PIXELS];
  bool is_inside; /* under every tap */
} Pixels;

/* Which pixel comes next. */
typedef struct
{
  int64_t image, row, column;
} Pixel;

/* `n` pixels of one row as those from `first` on. */
static void
fill_run (const RduConvJob *job, const Pixel *at, int first, int n, Pixels *pixels)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  int64_t row = at->row * rows->step, column = at->column * columns->step;
  int64_t source = at->image * job->x_image + row * rows->stride + column * columns->stride;
  int64_t source_step = columns->step * columns->stride;
  float *out = job->y + at->image * job->y_image + at->row * rows->out_stride
               + at->column * columns->out_stride;
  for (int p = 0; p < n; p++)
    {
      pixels->row[first + p] = row;
      pixels->column[first + p] = column + p * columns->step;
      pixels->source[first + p] = source + p * source_step;
      pixels->out[first + p] = out + p * columns->out_stride;
    }
}

static void
next_pixels (const RduConvJob *job, Pixel *at, int n, int size, Pixels *pixels)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  pixels->is_inside = true;
  for (int p = 0, run; p < n; p += run)
    {
      int64_t left = columns->n - at->column, row = at->row * rows->step;
      run = left < n - p ? (int) left : n - p;
      fill_run (job, at, p, run, pixels);
      pixels->is_inside = pixels->is_inside && is_inside (rows, row, row)
                          && is_inside (columns, at->column * columns->step,
                                        (at->column + run - 1) * columns->step);
      at->column += run;
      if (at->column == columns->n)
        {
          at->column = 0;
          at->row++;
        }
      if (at->row == rows->n)
        {
          at->row = 0;
          at->image++;
        }
    }
  for (int p = n; p < size; p++)
    {
      pixels->row[p] = pixels->row[n - 1];
      pixels->column[p] = pixels->column[n - 1];
      pixels->source[p] = pixels->source[n - 1];
      pixels->out[p] = pixels->out[n - 1];
    }
}

/* One pointer per segment and pixel, into the source or to zeros. */
static void
point (const Block *block, const Pixels *pixels, int size, const float **source)
{
  const RduConvJob *job = block->job;
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  uintptr_t x = (uintptr_t) job->x, zero = (uintptr_t) zeros;
  uint64_t height = (uint64_t) (rows->hi - rows->lo),
           width = (uint64_t) (columns->hi - columns->lo);
  for (int s = 0; s < block->n_segments; s++, source += size)
    {
      int64_t row = block->row[s] - rows->lo, column = block->column[s] - columns->lo;
      int64_t offset = block->row[s] * rows->stride + block->column[s] * columns->stride
                       + block->channel[s];
      if (pixels->is_inside)
        for (int p = 0; p < size; p++)
          source[p] = (const float *) (x + (uintptr_t) (pixels->source[p] + offset) * 4);
      else
        for (int p = 0; p < size; p++)
          {
            bool is_pixel = ((uint64_t) (pixels->row[p] + row) < height)
                            & ((uint64_t) (pixels->column[p] + column) < width);
            uintptr_t to = x + (uintptr_t) (pixels->source[p] + offset) * 4;
            source[p] = (const float *) (is_pixel ? to : zero);
          }
    }
}

/* The same where the depth of a pixel is not in memory as tiles read it: it is brought together. */
static void
gather (const Block *block, const Pixels *pixels, int size, const float **source)
{
  const RduConvJob *job = block->job;
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  float *depth = job->scratch + RDU_CONV_WEIGHTS + RDU_CONV_SLAB;
  for (int s = 0; s < block->n_segments; s++, source += size)
    {
      int64_t length = block->segments[s].length;
      for (int p = 0; p < size; p++)
        {
          int64_t row = pixels->row[p] + block->row[s],
                  column = pixels->column[p] + block->column[s];
          float *to = depth + p * RDU_CONV_DEPTH;
          source[p] = to;
          if (row < rows->lo || row >= rows->hi || column < columns->lo || column >= columns->hi)
            {
              source[p] = zeros;
              continue;
            }
          const float *from = job->x + pixels->source[p] + block->row[s] * rows->stride
                              + block->column[s] * columns->stride
                              + block->channel[s] * job->x_channel;
          for (int64_t c = 0; c < length; c++)
            to[c] = from[c * job->x_channel];
        }
      depth += length;
    }
}

/* Between the result, whose channels are apart in memory, and one where they are together. */
static void
exchange (const RduConvJob *job, const Pixels *pixels, int n_pixels, int64_t channel, int64_t n,
          float *together, int64_t row, bool is_load)
{
  for (int64_t c = 0; c < n; c++)
    {
      int64_t apart = (channel + c) * job->y_channel;
      for (int p = 0; p < n_pixels; p++)
        if (is_load)
          together[p * row + c] = pixels->out[p][apart];
        else
          pixels->out[p][apart] = together[p * row + c];
    }
}

/* Groups of `width` vectors, from vector `from` of the block on. */
typedef struct
{
  int64_t from, n;
  int width;
} Groups;

/* A tile of the result for some groups: what `depth` says of segments and their sources. */
static void
run_groups (const Block *block, const RduConvTileKernel *kernel, const Pixels *pixels,
            const RduConvTile *depth, const Groups *groups)
{
  const RduConvJob *job = block->job;
  float together[RDU_CONV_PIXELS * RDU_CONV_VECTORS * VL], *rows[RDU_CONV_PIXELS];
  bool is_apart = job->y_channel != 1;
  int width = groups->width;
  for (int p = 0; p < kernel->pixels && is_apart; p++)
    rows[p] = together + p * width * VL;
  RduConvTile tile = { .n_segments = depth->n_segments,
                       .segments = depth->segments,
                       .source = depth->source,
                       .vector_stride = block->vector_stride,
                       .out = is_apart ? rows : pixels->out,
                       .first = block->first };
  for (int64_t g = 0, from = groups->from; g < groups->n; g++, from += width)
    {
      int64_t channel = (block->vector + from) * VL, left = job->weights.n_out - channel;
      int64_t n = left < width * VL ? left : width * VL;
      tile.weights_offset = from * block->vector_stride;
      tile.last_lanes = (int) (n - (width - 1) * VL);
      tile.out_offset = is_apart ? 0 : channel;
      if (is_apart && !block->first)
        exchange (job, pixels, kernel->pixels, channel, n, together, width * VL, true);
      kernel->run (&tile);
      if (is_apart)
        exchange (job, pixels, kernel->pixels, channel, n, together, width * VL, false);
    }
}

static const RduConvTileKernel *
tiles_of (const RduConvJob *job, int width)
{
#ifdef RDU_HAS_PAIRS
  if (job->weights.pairs)
    return RDU_SYMBOL (rdu_conv_tiles_pairs)[width - 1];
#endif
  return RDU_SYMBOL (rdu_conv_tiles)[width - 1];
}

/* The tile that `left` pixels begin with: about equal ones leave few pixels to be repeated. */
static const RduConvTileKernel *
tile_of (const RduConvTileKernel *kernels, int64_t left)
{
  int64_t n_tiles = (left + kernels->pixels - 1) / kernels->pixels;
  const RduConvTileKernel *kernel = kernels;
  while (kernel < kernels + RDU_CONV_TILES - 1
         && kernel[1].pixels >= (left + n_tiles - 1) / n_tiles)
    kernel++;
  return kernel;
}

/* Pixels one after the other, wherever rows and images end. */
static void
run_pixels (const Block *block, const Groups *groups)
{
  const RduConvJob *job = block->job;
  const RduConvTileKernel *kernels = tiles_of (job, groups->width);
  const float *source[RDU_CONV_SEGMENTS * RDU_CONV_PIXELS];
  const RduConvTile depth
      = { .n_segments = block->n_segments, .segments = block->segments, .source = source };
  Pixels pixels;
  Pixel at = { 0, 0, 0 };
  for (int64_t left = job->n_images * job->side[0].n * job->side[1].n; left > 0;)
    {
      const RduConvTileKernel *kernel = tile_of (kernels, left);
      int n = left < kernel->pixels ? (int) left : kernel->pixels;
      next_pixels (job, &at, n, kernel->pixels, &pixels);
      if (is_in_place (job))
        point (block, &pixels, kernel->pixels, source);
      else
        gather (block, &pixels, kernel->pixels, source);
      run_groups (block, kernel, &pixels, &depth, groups);
      left -= n;
    }
}

/* ---- patches ---- */

/* Rows and columns of pixels for which the same taps have memory: none other is multiplied. */
typedef struct
{
  int64_t row, column, n_rows, n_columns;
} Patch;

/* The segments of a block that have memory in a patch, and their sources for its first pixel. Those
 * that follow each other are one, where tiles read them in place. */
typedef struct
{
  int n;
  RduConvSegment segments[RDU_CONV_SEGMENTS];
  const float *source[RDU_CONV_SEGMENTS]; /* from the segment's first channel on, if it is in place,
                                             else from channel 0 */
  int64_t channel[RDU_CONV_SEGMENTS];
} Seen;

static void
find_seen (const Block *block, const Patch *patch, Seen *seen)
{
  const RduConvJob *job = block->job;
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  seen->n = 0;
  for (int s = 0; s < block->n_segments; s++)
    {
      int64_t row = patch->row * rows->step + block->row[s];
      int64_t column = patch->column * columns->step + block->column[s];
      if (row < rows->lo || row >= rows->hi || column < columns->lo || column >= columns->hi)
        continue;
      const float *source = job->x + row * rows->stride + column * columns->stride
                            + (job->x_pairs ? block->channel[s] : 0);
      RduConvSegment *last = seen->n > 0 && job->x_pairs ? &seen->segments[seen->n - 1] : NULL;
      if (last != NULL && seen->source[seen->n - 1] + last->length == source
          && last->weights + last->length * VL == block->segments[s].weights)
        last->length += block->segments[s].length;
      else
        {
          seen->segments[seen->n] = block->segments[s];
          seen->channel[seen->n] = block->channel[s];
          seen->source[seen->n++] = source;
        }
    }
}

/* The next pixels of a patch, the last one again where there are fewer: their sources less that of
 * the first pixel of all, and where their sums go. */
static void
next_of_patch (const RduConvJob *job, const Patch *patch, Pixel *at, int64_t left, int size,
               Pixels *pixels)
{
  const RduConvSide *rows = &job->side[0], *columns = &job->side[1];
  for (int p = 0; p < size; p++)
    {
      pixels->source[p] = at->image * job->x_image + at->row * rows->step * rows->stride
                          + at->column * columns->step * columns->stride;
      pixels->out[p] = job->y + at->image * job->y_image + (patch->row + at->row) * rows->out_stride
                       + (patch->column + at->column) * columns->out_stride;
      if (p + 1 >= left || ++at->column < patch->n_columns)
        continue;
      at->column = 0;
      if (++at->row < patch->n_rows)
        continue;
      at->row = 0;
      at->image++;
    }
}

/* One pointer per segment and pixel, into a source in pairs. */
static void
point_seen (const Seen *seen, const Pixels *pixels, int size, const float **source)
{
  for (int s = 0; s < seen->n; s++)
    for (int p = 0; p < size; p++)
      source[s * size + p] = seen->source[s] + pixels->source[p];
}

/* The same where pairs have to be made: the depth of each pixel is brought together. */
static void
gather_seen (const RduConvJob *job, const Seen *seen, const Pixels *pixels, int size,
             const float **source)
{
#ifdef RDU_HAS_PAIRS
  float *depth = job->scratch + RDU_CONV_WEIGHTS + RDU_CONV_SLAB;
  for (int s = 0; s < seen->n; s++)
    {
      int64_t length = seen->segments[s].length, first = 2 * seen->channel[s];
      int64_t left = job->weights.n_in - first, n = left < 2 * length ? left : 2 * length;
      for (int p = 0; p < size; p++)
        {
          float *to = depth + p * RDU_CONV_DEPTH;
          RDU_SYMBOL (rdu_conv_pair_channels)
          (seen->source[s] + pixels->source[p] + first * job->x_channel, 0, job->x_channel, 1, n,
           to);
          source[s * size + p] = to;
        }
      depth += length;
    }
#endif
}

static void
run_patch (const Block *block, const Patch *patch, const Groups *groups)
{
  const RduConvJob *job = block->job;
  const RduConvTileKernel *kernels = tiles_of (job, groups->width);
  const float *source[RDU_CONV_SEGMENTS * RDU_CONV_PIXELS];
  Seen seen;
  Pixels pixels;
  Pixel at = { 0, 0, 0 };
  find_seen (block, patch, &seen);
  if (seen.n == 0 && !block->first)
    return;
  const RduConvTile depth = { .n_segments = seen.n, .segments = seen.segments, .source = source };
  for (int64_t left = job->n_images * patch->n_rows * patch->n_columns; left > 0;)
    {
      const RduConvTileKernel *kernel = tile_of (kernels, left);
      int size = kernel->pixels;
      next_of_patch (job, patch, &at, left, size, &pixels);
      if (job->x_pairs)
        point_seen (&seen, &pixels, size, source);
      else
        gather_seen (job, &seen, &pixels, size, source);
      run_groups (block, kernel, &pixels, &depth, groups);
      left -= size;
    }
}

static bool
has_memory (const RduConvSide *side, int64_t at, int64_t tap)
{
  int64_t source = at * side->step + side->at + tap * side->at_step;
  return source >= side->lo && source < side->hi;
}

/* How many rows or columns from `begin` on see the same taps. */
static int64_t
patch_length (const RduConvSide *side, int64_t begin)
{
  int64_t end = begin;
  bool is_same = true;
  while (is_same && ++end < side->n)
    for (int64_t tap = 0; tap < side->taps && is_same; tap++)
      is_same = has_memory (side, begin, tap) == has_memory (side, end, tap);
  return end - begin;
}

static void
run_patches (const Block *block, const Groups *groups)
{
  const RduConvSide *rows = &block->job->side[0], *columns = &block->job->side[1];
  Patch patch;
  for (patch.row = 0; patch.row < rows->n; patch.row += patch.n_rows)
    {
      patch.n_rows = patch_length (rows, patch.row);
      for (patch.column = 0; patch.column < columns->n; patch.column += patch.n_columns)
        {
          patch.n_columns = patch_length (columns, patch.column);
          run_patch (block, &patch, groups);
        }
    }
}

/* Vectors of the next group, with `left` to do. */
static int
group_width (int64_t left)
{
  if (left <= RDU_CONV_VECTORS)
    return (int) left;
  return left == RDU_CONV_VECTORS + 1 && RDU_CONV_VECTORS > 2 ? RDU_CONV_VECTORS - 1
                                                              : RDU_CONV_VECTORS;
}

static void
run_block (const Block *block)
{
  for (int64_t v = 0; v < block->n_vectors;)
    {
      int width = group_width (block->n_vectors - v);
      int64_t n_groups = 1;
      while (v + n_groups * width < block->n_vectors
             && group_width (block->n_vectors - v - n_groups * width) == width)
        n_groups++;
      const Groups groups = { .from = v, .n = n_groups, .width = width };
      if (block->job->weights.pairs)
        run_patches (block, &groups);
      else
        run_pixels (block, &groups);
      v += n_groups * width;
    }
}

void
RDU_SYMBOL (rdu_conv_run) (const RduConvJob *job)
{
  int64_t n_vectors = (job->weights.n_out + VL - 1) / VL;
  int64_t most = RDU_CONV_WEIGHTS / (256 * VL);
  Block block = { .job = job, .is_joined = taps_join (job) };
  for (; block.vector < n_vectors; block.vector += block.n_vectors)
    {
      Position at = { 0, 0, 0 };
      int64_t left = n_vectors - block.vector;
      block.n_vectors = left < most ? left : most;
      block.first = job->first;
      for (bool is_more = true; is_more; block.first = false)
        {
          is_more = fill_block (&block, &at);
          run_block (&block);
        }
    }
}
