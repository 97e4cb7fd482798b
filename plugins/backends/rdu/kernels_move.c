/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels that move elements or make them: copy, fill, iota, uniform. */
#include <string.h>

#include "plugins/backends/rdu/kernels_rows.h"
#include "plugins/backends/rdu/kernels_view.h"

/* The bits of a constant in the type of `view`. */
static int32_t
bits_of (const RduView *view, double value)
{
  int32_t bits = view->dtype == SF_BOOL ? value != 0 : 0;
  float f = (float) value;
  if (!view->is_int)
    memcpy (&bits, &f, 4);
  else if (view->dtype != SF_BOOL)
    bits = (int32_t) value;
  return bits;
}

static void
copy_run (const RduRow *row)
{
  int32_t *y = row->y;
  const int32_t *x = row->src[0];
  if (row->repeats == 0)
    memmove (y, x, (size_t) row->n * 4);
  else
    RDU_LOOP (row->n) y[i] = x[0];
}

static const RduRowFunc copy_rows[2] = { copy_run, copy_run };

#define TILE 16 /* elements of a line of cache */

/* Where rows of the source are columns of the result: by tiles, so that lines of both are used
 * whole while they are in cache. */
static void
transpose (int32_t *to, int64_t to_row, const int32_t *from, int64_t from_column, int64_t n_rows,
           int64_t n_columns)
{
  int32_t tile[TILE][TILE];
  for (int64_t r = 0; r < n_rows; r += TILE)
    for (int64_t c = 0; c < n_columns; c += TILE)
      {
        int64_t rows = n_rows - r < TILE ? n_rows - r : TILE;
        int64_t columns = n_columns - c < TILE ? n_columns - c : TILE;
        const int32_t *x = from + r + c * from_column;
        int32_t *y = to + r * to_row + c;
        if (rows == TILE && columns == TILE)
          {
            for (int j = 0; j < TILE; j++)
              for (int i = 0; i < TILE; i++)
                tile[j][i] = x[j * from_column + i];
            for (int i = 0; i < TILE; i++)
              for (int j = 0; j < TILE; j++)
                y[i * to_row + j] = tile[j][i];
          }
        else
          for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++)
              y[i * to_row + j] = x[i + j * from_column];
      }
}

static void
copy_row (int32_t *to, int64_t s_to, const int32_t *from, int64_t s_from, int64_t n)
{
  if (s_to == 1 && s_from == 1)
    memcpy (to, from, (size_t) n * 4);
  else if (s_to == 1)
    for (int64_t i = 0; i < n; i++)
      to[i] = from[i * s_from];
  else
    for (int64_t i = 0; i < n; i++)
      to[i * s_to] = from[i * s_from];
}

/* The two innermost dimensions of a walk over result and source; the walk goes on behind them. */
static void
copy_plane (RduWalk *walk)
{
  int inner = walk->rank - 1;
  bool is_plane = inner > 0;
  int64_t n = walk->n[inner], s_to = walk->stride[0][inner], s_from = walk->stride[1][inner];
  int64_t rows = is_plane ? walk->n[inner - 1] : 1;
  int64_t row_to = is_plane ? walk->stride[0][inner - 1] : 0;
  int64_t row_from = is_plane ? walk->stride[1][inner - 1] : 0;
  if (s_to == 1 && row_from == 1 && s_from != 1 && n > 1)
    transpose (walk->at[0], row_to, walk->at[1], s_from, rows, n);
  else
    for (int64_t r = 0; r < rows; r++)
      copy_row (walk->at[0] + r * row_to, s_to, walk->at[1] + r * row_from, s_from, n);
}

static void
fill_view (const RduView *view, int32_t bits)
{
  RduWalk walk;
  if (!rdu_walk_begin (&walk, &view, 1))
    return;
  int64_t n = rdu_walk_row (&walk), stride = rdu_walk_stride (&walk, 0);
  do
    for (int64_t i = 0; i < n; i++)
      walk.at[0][i * stride] = bits;
  while (rdu_walk_next (&walk));
}

/* x with its dimensions in the order of y, so that both can be walked in step. */
static RduView
permuted (const RduView *x, const RduView *y, const int64_t *perm)
{
  RduView view = *x;
  view.rank = y->rank;
  for (int d = 0; d < y->rank; d++)
    {
      int from = (int) perm[d];
      view.n[d] = x->n[from];
      view.stride[d] = x->stride[from];
      view.valid_lo[d] = x->valid_lo[from];
      view.valid_hi[d] = x->valid_hi[from];
    }
  return view;
}

static void
copy (const RduCall *call)
{
  RduView to = *call->dst[0], from = permuted (call->src[0], &to, call->imm);
  bool is_padded = false, is_empty = false;
  for (int d = 0; d < to.rank; d++)
    {
      bool repeats = from.n[d] == 1 && to.n[d] != 1;
      int64_t lo = repeats ? 0 : from.valid_lo[d], hi = repeats ? to.n[d] : from.valid_hi[d];
      if (repeats && from.valid_lo[d] >= from.valid_hi[d])
        hi = lo;
      is_padded |= lo > 0 || hi < to.n[d];
      is_empty |= lo >= hi;
    }
  if (is_padded)
    fill_view (&to, bits_of (&to, call->fimm[0]));
  if (is_empty)
    return;
  for (int d = 0; d < to.rank; d++)
    if (from.n[d] != 1 || to.n[d] == 1)
      {
        to.data = (int32_t *) to.data + from.valid_lo[d] * to.stride[d];
        from.data = (int32_t *) from.data + from.valid_lo[d] * from.stride[d];
        to.n[d] = from.n[d] = from.valid_hi[d] - from.valid_lo[d];
      }
  const RduView *views[] = { &to, &from };
  RduWalk walk;
  if (!rdu_walk_begin (&walk, views, 2))
    return;
  do
    copy_plane (&walk);
  while (rdu_walk_next_plane (&walk));
}

static void
fill (const RduCall *call)
{
  fill_view (call->dst[0], bits_of (call->dst[0], call->fimm[0]));
}

/* A program that only makes numbers by their place in the result's tensor. */
static void
run_source (const RduCall *call, RduSlot source)
{
  RduView views[2] = { *call->dst[0] };
  RduFused fused = { .n_slots = 2, .n_ops = 1 };
  if (call->n_src > 0)
    views[1] = *call->src[0];
  source.rng_view = 1;
  fused.slots[0] = (RduSlot){ .kind = RDU_SLOT_WRITTEN, .rounded_to = SF_F32 };
  fused.slots[1] = source;
  fused.ops[0] = (RduFusedOp){ .func = copy_run, .n_src = 1, .src = { 1 } };
  RDU_SYMBOL (rdu_fused_run) (&fused, views);
}

static void
iota (const RduCall *call)
{
  run_source (call, (RduSlot){ .kind = RDU_SLOT_IOTA, .parameter = call->imm[0] });
}

static void
uniform (const RduCall *call)
{
  run_source (call, (RduSlot){ .kind = RDU_SLOT_UNIFORM, .parameter = call->imm[0] });
}

/* The rows of a copy that neither permutes nor pads; constants and numbers are copied from slots.
 */
const RduKernel RDU_SYMBOL (rdu_move_kernels)[] = {
  { "copy", 1, copy, .rows = copy_rows },
  { "fill", 1, fill, .rows = copy_rows },
  { "iota", 1, iota, .rows = copy_rows },
  { "uniform", 1, uniform, .rows = copy_rows },
  { NULL, 0, NULL },
};
