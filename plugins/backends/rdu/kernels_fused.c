/* SPDX-License-Identifier: Apache-2.0 */
/* Fused programs: elementwise operations one after the other over runs of a box that stay in first
 * level cache.
 *
 * A run is some rows of the box's innermost dimension, or a piece of one. An operand that lies
 * dense over the run, or repeats one element, is used where it lies; any other is brought into a
 * register first. What a register holds is kept as long as it comes from the same place, so that a
 * vector of channels is repeated over the rows of a run only once. */
#include <string.h>

#include "plugins/backends/rdu/kernels_view.h"

#define FILE_ELEMS   8192 /* of all registers: two thirds of a first level cache */
#define LONGEST_RUN  1024
#define SHORTEST_RUN 64

/* How a slot's elements come and go. */
typedef enum
{
  DENSE,
  REPEATED,
  MOVED, /* by way of a register */
} Way;

typedef struct
{
  Way way;
  int32_t *base; /* of memory; NULL: element numbers */
  int64_t first; /* IOTA, UNIFORM: number of the first element */
  int64_t stride[SF_MAX_RANK], row, column;
  int32_t *reg;
  const int32_t *holds; /* where the register's content is from */
  int64_t held;         /* rows of it */
} Place;

typedef struct
{
  const RduFused *fused;
  int rank;
  int64_t n[SF_MAX_RANK], index[SF_MAX_RANK];
  int64_t n_rows, n_columns; /* of a run, at most */
  int32_t *at[RDU_FUSED_SLOTS];
  Place place[RDU_FUSED_SLOTS];
  RduRow rows[RDU_FUSED_OPS];
  SfRng rng[RDU_FUSED_SLOTS];
} Run;

static bool
is_placed (const RduSlot *slot)
{
  return slot->kind != RDU_SLOT_REGISTER && slot->kind != RDU_SLOT_CONSTANT;
}

/* Strides of a slot over all dimensions of the box, in elements of memory or in numbers. */
static void
find_strides (Run *run, int s, const RduView *views, int64_t *stride)
{
  const RduSlot *slot = &run->fused->slots[s];
  const RduView *view = &views[slot->view], *box = &views[run->fused->box];
  Place *place = &run->place[s];
  int64_t scale = 1;
  place->base = view->data;
  place->first = 0;
  place->holds = NULL;
  for (int d = box->rank - 1; d >= 0; d--)
    switch (slot->kind)
      {
      case RDU_SLOT_IOTA:
        stride[d] = d == slot->parameter ? view->step[d] : 0;
        place->first += d == slot->parameter ? view->lo[d] : 0;
        break;
      case RDU_SLOT_UNIFORM:
        stride[d] = view->step[d] * scale;
        place->first += view->lo[d] * scale;
        scale *= view->dim[d];
        break;
      default:
        stride[d] = rdu_broadcast_stride (view, d, box->rank, box->n[d]);
      }
  if (slot->kind == RDU_SLOT_UNIFORM)
    {
      const RduView *rng = &views[slot->rng_view];
      const uint32_t *word = rng->data;
      int64_t w = rng->stride[rng->rank - 1];
      run->rng[s] = (SfRng){ .seed = (uint64_t) word[w] << 32 | word[0],
                             .stream = (uint32_t) slot->parameter,
                             .step = word[2 * w] };
    }
}

/* The dimensions of the box, outermost in memory first, neighbours merged where every slot allows
 * it. False: the box is empty. */
static bool
find_dims (Run *run, const RduView *views)
{
  const RduFused *fused = run->fused;
  const RduView *box = &views[fused->box];
  int64_t stride[RDU_FUSED_SLOTS][SF_MAX_RANK];
  int order[SF_MAX_RANK], n_dims = rdu_order_dims (box, order);
  if (n_dims < 0)
    return false;
  for (int s = 0; s < fused->n_slots; s++)
    if (is_placed (&fused->slots[s]))
      find_strides (run, s, views, stride[s]);
  run->rank = 0;
  for (int i = 0; i < n_dims; i++)
    {
      int d = order[i], last = run->rank - 1;
      bool merge = last >= 0;
      for (int s = 0; s < fused->n_slots && merge; s++)
        merge = !is_placed (&fused->slots[s])
                || run->place[s].stride[last] == stride[s][d] * box->n[d];
      int to = merge ? last : run->rank++;
      run->n[to] = merge ? run->n[to] * box->n[d] : box->n[d];
      for (int s = 0; s < fused->n_slots; s++)
        run->place[s].stride[to] = is_placed (&fused->slots[s]) ? stride[s][d] : 0;
    }
  if (run->rank == 0)
    {
      run->rank = 1;
      run->n[0] = 1;
      for (int s = 0; s < fused->n_slots; s++)
        run->place[s].stride[0] = 1;
    }
  return true;
}

/* Length of runs, and for each slot its way. */
static void
find_ways (Run *run, int32_t *file)
{
  const RduFused *fused = run->fused;
  int inner = run->rank - 1, n_regs = fused->n_regs;
  for (int s = 0; s < fused->n_slots; s++)
    n_regs += is_placed (&fused->slots[s]);
  int64_t longest = FILE_ELEMS / (n_regs > 0 ? n_regs : 1) / SHORTEST_RUN * SHORTEST_RUN;
  longest = longest > LONGEST_RUN ? LONGEST_RUN : longest;
  int64_t length = run->n[inner], n_rows = inner > 0 ? run->n[inner - 1] : 1;
  run->n_columns = length < longest ? length : longest;
  run->n_rows = longest / run->n_columns < n_rows ? longest / run->n_columns : n_rows;
  for (int s = 0, next = fused->n_regs; s < fused->n_slots; s++)
    {
      const RduSlot *slot = &fused->slots[s];
      Place *place = &run->place[s];
      place->row = inner > 0 ? place->stride[inner - 1] : 0;
      place->column = place->stride[inner];
      place->way = REPEATED;
      if (slot->kind == RDU_SLOT_CONSTANT)
        run->at[s] = (int32_t *) (uintptr_t) &slot->bits;
      else if (slot->kind == RDU_SLOT_REGISTER)
        {
          place->way = DENSE;
          run->at[s] = file + slot->reg * longest;
        }
      else if (slot->kind == RDU_SLOT_IOTA || slot->kind == RDU_SLOT_UNIFORM)
        place->way = MOVED;
      else if (place->column == 1 && (run->n_rows == 1 || place->row == length))
        place->way = DENSE;
      else if (place->column != 0 || (run->n_rows != 1 && place->row != 0)
               || slot->kind == RDU_SLOT_WRITTEN)
        place->way = MOVED;
      if (place->way == MOVED)
        run->at[s] = place->reg = file + next++ * longest;
    }
}

static void
prepare_ops (Run *run)
{
  const RduFused *fused = run->fused;
  for (int o = 0; o < fused->n_ops; o++)
    {
      const RduFusedOp *op = &fused->ops[o];
      RduRow *row = &run->rows[o];
      row->dtype = op->dtype;
      row->imm = op->imm;
      row->repeats = 0;
      for (int k = 0; k < op->n_src; k++)
        row->repeats |= (unsigned) (run->place[op->src[k]].way == REPEATED) << k;
    }
}

/* ---- one run ---- */

static void
load_rows (Place *place, const int32_t *from, int64_t n_rows, int64_t n_columns)
{
  int32_t *to = place->reg;
  if (place->row == 0 && place->holds == from && place->held >= n_rows * n_columns)
    return;
  place->holds = from;
  place->held = n_rows * n_columns;
  for (int64_t r = 0; r < n_rows; r++, from += place->row, to += n_columns)
    if (place->column == 1)
      memcpy (to, from, (size_t) n_columns * 4);
    else if (place->column == 0)
      for (int64_t i = 0; i < n_columns; i++)
        to[i] = from[0];
    else
      for (int64_t i = 0; i < n_columns; i++)
        to[i] = from[i * place->column];
}

static void
store_rows (const Place *place, int32_t *to, int64_t n_rows, int64_t n_columns)
{
  const int32_t *from = place->reg;
  for (int64_t r = 0; r < n_rows; r++, to += place->row, from += n_columns)
    if (place->column == 1)
      memcpy (to, from, (size_t) n_columns * 4);
    else
      for (int64_t i = 0; i < n_columns; i++)
        to[i * place->column] = from[i];
}

static void
count_rows (const Place *place, bool is_int, int64_t first, int64_t n_rows, int64_t n_columns)
{
  int32_t *to = place->reg;
  for (int64_t r = 0; r < n_rows; r++, first += place->row, to += n_columns)
    for (int64_t i = 0; i < n_columns; i++)
      {
        int64_t number = first + i * place->column;
        if (is_int)
          to[i] = (int32_t) number;
        else
          ((float *) to)[i] = (float) number;
      }
}

/* Brings the slots to a run that begins at `row`, `column` of the current rows. */
static void
enter (Run *run, const RduView *views, int64_t row, int64_t column, int64_t n_rows,
       int64_t n_columns)
{
  for (int s = 0; s < run->fused->n_slots; s++)
    {
      const RduSlot *slot = &run->fused->slots[s];
      Place *place = &run->place[s];
      if (!is_placed (slot))
        continue;
      int64_t offset = row * place->row + column * place->column;
      for (int d = 0; d < run->rank - 2; d++)
        offset += run->index[d] * place->stride[d];
      if (slot->kind == RDU_SLOT_IOTA)
        count_rows (place, views[slot->view].is_int, place->first + offset, n_rows, n_columns);
      else if (slot->kind == RDU_SLOT_UNIFORM)
        for (int64_t r = 0; r < n_rows; r++)
          RDU_SYMBOL (rdu_uniform)
      (&run->rng[s], (uint64_t) (place->first + offset + r * place->row), place->column,
       (float *) place->reg + r * n_columns, n_columns);
      else if (place->way != MOVED) run->at[s] = place->base + offset;
      else if (slot->kind == RDU_SLOT_READ)
          load_rows (place, place->base + offset, n_rows, n_columns);
    }
}

/* Results leave for memory, rounded to what their buffers hold. */
static void
leave (Run *run, int64_t row, int64_t column, int64_t n_rows, int64_t n_columns)
{
  for (int s = 0; s < run->fused->n_slots; s++)
    {
      const RduSlot *slot = &run->fused->slots[s];
      const Place *place = &run->place[s];
      if (slot->kind != RDU_SLOT_WRITTEN)
        continue;
      if (slot->rounded_to != SF_F32)
        RDU_SYMBOL (rdu_round) (slot->rounded_to, (float *) run->at[s], n_rows * n_columns);
      if (place->way != MOVED)
        continue;
      int64_t offset = row * place->row + column * place->column;
      for (int d = 0; d < run->rank - 2; d++)
        offset += run->index[d] * place->stride[d];
      store_rows (place, place->base + offset, n_rows, n_columns);
    }
}

static void
execute (Run *run, int64_t n)
{
  const RduFused *fused = run->fused;
  for (int o = 0; o < fused->n_ops; o++)
    {
      const RduFusedOp *op = &fused->ops[o];
      RduRow *row = &run->rows[o];
      row->n = n;
      row->y = run->at[op->dst];
      for (int k = 0; k < op->n_src; k++)
        row->src[k] = run->at[op->src[k]];
      op->func (row);
    }
}

void
RDU_SYMBOL (rdu_fused_run) (const RduFused *fused, const RduView *views)
{
  int32_t file[FILE_ELEMS] __attribute__ ((aligned (64)));
  Run run;
  run.fused = fused;
  if (!find_dims (&run, views))
    return;
  find_ways (&run, file);
  prepare_ops (&run);
  int inner = run.rank - 1, outer = run.rank - 2;
  int64_t all_rows = outer >= 0 ? run.n[outer] : 1;
  memset (run.index, 0, sizeof run.index);
  for (;;)
    {
      for (int64_t row = 0; row < all_rows; row += run.n_rows)
        for (int64_t column = 0; column < run.n[inner]; column += run.n_columns)
          {
            int64_t n_rows = all_rows - row < run.n_rows ? all_rows - row : run.n_rows;
            int64_t rest = run.n[inner] - column;
            int64_t n_columns = rest < run.n_columns ? rest : run.n_columns;
            enter (&run, views, row, column, n_rows, n_columns);
            execute (&run, n_rows * n_columns);
            leave (&run, row, column, n_rows, n_columns);
          }
      int d = outer - 1;
      for (; d >= 0 && ++run.index[d] == run.n[d]; d--)
        run.index[d] = 0;
      if (d < 0)
        return;
    }
}

void
RDU_SYMBOL (rdu_map) (const RduCall *call, const RduRowFunc *rows)
{
  RduView views[RDU_ROW_SRC + 1] = { *call->dst[0] };
  RduFused fused = { .n_slots = call->n_src + 1, .n_ops = 1 };
  bool is_int = (call->n_src > 0 ? call->src[0] : call->dst[0])->is_int;
  fused.slots[0] = (RduSlot){ .kind = RDU_SLOT_WRITTEN, .rounded_to = SF_F32 };
  fused.ops[0] = (RduFusedOp){
    .func = rows[is_int], .dtype = call->dst[0]->dtype, .imm = call->imm, .n_src = call->n_src
  };
  for (int k = 0; k < call->n_src; k++)
    {
      views[k + 1] = *call->src[k];
      fused.slots[k + 1] = (RduSlot){ .kind = RDU_SLOT_READ, .view = (uint32_t) k + 1 };
      fused.ops[0].src[k] = (uint8_t) (k + 1);
    }
  RDU_SYMBOL (rdu_fused_run) (&fused, views);
}
