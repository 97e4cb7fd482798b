/* SPDX-License-Identifier: Apache-2.0 */
/* Fused programs: elementwise operations one after the other over runs of a box, block by block.
 *
 * A run is some rows of the box's innermost dimension, or a piece of one. An operand that lies
 * dense over the run, or repeats one element or a row of a power of two, is used where it lies; any
 * other is brought into first level cache first. What is there is kept as long as it comes from the
 * same place, so that a vector of channels is repeated over the rows of a run only once. */
#include <string.h>

#include "plugins/backends/rdu/kernels_inline.h"
#include "plugins/backends/rdu/kernels_steps.h"
#include "plugins/backends/rdu/kernels_view.h"

#define BLOCK       RDU_STEP_BLOCK
#define FILE_ELEMS  8192 /* of all that is in first level cache: two thirds of it */
#define LONGEST_RUN 1024
#define LONG_ROW    (4 * BLOCK) /* worth a run of its own; shorter ones are copied for less */
#define MAX_STEPS   (3 * RDU_FUSED_OPS + 1) /* of an operation: load, itself, store; and the end */
#define NOTHING     (-1)
#define AHEAD       512 /* elements: as long as memory takes */
#define LINE        16  /* elements of a cache line */

/* How a slot's elements come and go. */
typedef enum
{
  DENSE,
  REPEATED, /* one element */
  PERIODIC, /* a row, the same for all rows */
  MOVED,    /* by way of first level cache */
} Way;

typedef struct
{
  Way way;
  int32_t *base; /* of memory; NULL: element numbers */
  int64_t first; /* IOTA, UNIFORM: number of the first element */
  int64_t stride[SF_MAX_RANK], row, column;
  bool is_rounded_late; /* after the run: some operation reads it as it was, or no step makes it */
  int32_t *copy;        /* MOVED: a run; PERIODIC: a row or a block; DENSE: the last block */
  const int32_t *holds; /* where the copy's content is from */
  int64_t held;         /* elements of it */
} Place;

typedef struct
{
  const RduFused *fused;
  int rank;
  int64_t n[SF_MAX_RANK], index[SF_MAX_RANK];
  int64_t n_rows, n_columns; /* of a run, at most */
  int32_t *at[RDU_FUSED_SLOTS];
  int64_t mask[RDU_FUSED_SLOTS]; /* of positions in a run: where a slot's elements begin anew */
  Place place[RDU_FUSED_SLOTS];
  int n_streams, stream[RDU_FUSED_SLOTS]; /* slots that are read where they lie */
  SfRng rng[RDU_FUSED_SLOTS];
  bool is_call; /* one operation that has no steps: it is called once a run */
  RduRowCall calls[RDU_FUSED_OPS];
  RduStep steps[MAX_STEPS];
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

/* Whether a row that repeats has a length that every block begins anew. */
static bool
is_period (const Run *run)
{
  int64_t length = run->n[run->rank - 1];
  return !run->is_call && (length & (length - 1)) == 0;
}

static Way
way_of (const Run *run, int s)
{
  const RduSlot *slot = &run->fused->slots[s];
  const Place *place = &run->place[s];
  bool is_read = slot->kind == RDU_SLOT_READ, is_one_row = run->n_rows == 1;
  if (slot->kind == RDU_SLOT_CONSTANT)
    return REPEATED;
  if (slot->kind == RDU_SLOT_REGISTER)
    return PERIODIC;
  if (!is_read && slot->kind != RDU_SLOT_WRITTEN)
    return MOVED;
  if (place->column == 1 && (is_one_row || place->row == run->n[run->rank - 1]))
    return DENSE;
  if (is_read && place->column == 0 && (is_one_row || place->row == 0))
    return REPEATED;
  return is_read && place->column == 1 && place->row == 0 && is_period (run) ? PERIODIC : MOVED;
}

/* Which results a step cannot round while it stores them. */
static void
find_late (Run *run)
{
  const RduFused *fused = run->fused;
  for (int s = 0; s < fused->n_slots; s++)
    run->place[s].is_rounded_late = false;
  for (int o = 0; o < fused->n_ops; o++)
    {
      int dst = fused->ops[o].dst;
      const RduSlot *slot = &fused->slots[dst];
      if (slot->kind != RDU_SLOT_WRITTEN || slot->rounded_to == SF_F32)
        continue;
      bool is_late = fused->ops[o].forms == NULL || slot->rounded_to != SF_BF16;
      for (int later = o + 1; later < fused->n_ops; later++)
        for (int k = 0; k < fused->ops[later].n_src; k++)
          is_late |= fused->ops[later].src[k] == dst;
      run->place[dst].is_rounded_late = is_late;
    }
}

/* How the slots of a run come and go; whether some pass through copies. */
static bool
find_ways (Run *run)
{
  int inner = run->rank - 1;
  bool is_bounded = false;
  for (int s = 0; s < run->fused->n_slots; s++)
    {
      bool placed = is_placed (&run->fused->slots[s]);
      Place *place = &run->place[s];
      place->row = inner > 0 && placed ? place->stride[inner - 1] : 0;
      place->column = placed ? place->stride[inner] : 0;
      place->way = way_of (run, s);
      is_bounded |= place->way == MOVED || place->is_rounded_late;
    }
  return is_bounded;
}

/* Rows and columns of a run, of which `longest` elements may be copied. Rows are not joined if that
 * is why they would be copied, unless they are short. */
static void
find_run (Run *run, int64_t longest)
{
  int inner = run->rank - 1;
  int64_t length = run->n[inner], all_rows = inner > 0 ? run->n[inner - 1] : 1;
  run->n_columns = length < longest ? length : longest;
  run->n_rows = longest / run->n_columns < all_rows ? longest / run->n_columns : all_rows;
  bool is_bounded = find_ways (run);
  if (is_bounded && run->n_rows > 1 && length >= LONG_ROW && length % BLOCK == 0)
    {
      run->n_rows = 1;
      is_bounded = find_ways (run);
    }
  if (is_bounded)
    return;
  run->n_columns = length;
  run->n_rows = run->n_rows == 1 ? 1 : all_rows;
}

/* Where slots find their elements, and what of first level cache they have. */
static void
find_places (Run *run, int32_t *file)
{
  const RduFused *fused = run->fused;
  int n_placed = 0;
  for (int s = 0; s < fused->n_slots; s++)
    n_placed += is_placed (&fused->slots[s]);
  int64_t left = FILE_ELEMS - fused->n_regs * BLOCK;
  int64_t longest = n_placed > 0 ? left / n_placed / BLOCK * BLOCK : LONGEST_RUN;
  longest = longest > LONGEST_RUN ? LONGEST_RUN : longest;
  find_run (run, longest);
  int64_t length = run->n[run->rank - 1];
  run->n_streams = 0;
  int32_t *next = file + fused->n_regs * BLOCK;
  for (int s = 0; s < fused->n_slots; s++)
    {
      const RduSlot *slot = &fused->slots[s];
      Place *place = &run->place[s];
      run->mask[s] = place->way == PERIODIC && is_placed (slot) && length > BLOCK ? length - 1
                     : place->way == DENSE || place->way == MOVED                 ? -1
                                                                                  : 0;
      if (slot->kind == RDU_SLOT_CONSTANT)
        run->at[s] = (int32_t *) (uintptr_t) &slot->bits;
      else if (slot->kind == RDU_SLOT_REGISTER)
        run->at[s] = file + slot->reg * BLOCK;
      else
        {
          run->at[s] = place->copy = next;
          next += longest;
          if (place->way == DENSE && slot->kind == RDU_SLOT_READ)
            run->stream[run->n_streams++] = s;
        }
    }
}

/* ---- steps ---- */

static bool
is_repeated (const Run *run, int slot)
{
  return run->place[slot].way == REPEATED;
}

static RduPlace
place_of (const Run *run, int slot)
{
  return (RduPlace){ .base = &run->at[slot], .mask = run->mask[slot] };
}

/* Whether an operation takes the slot from the registers, and never from memory. */
static bool
takes_in_hand (const RduFusedOp *op, int slot)
{
  return op->forms != NULL && (op->n_src == 1 || op->src[0] != op->src[1])
         && (op->src[0] == slot || op->src[1] == slot);
}

/* Whether what an operation makes is seen elsewhere than in the next one's hand. */
static bool
is_stored (const RduFused *fused, int made_by)
{
  int slot = fused->ops[made_by].dst;
  if (fused->slots[slot].kind != RDU_SLOT_REGISTER)
    return true;
  for (int o = made_by + 1; o < fused->n_ops; o++)
    for (int k = 0; k < fused->ops[o].n_src; k++)
      if (fused->ops[o].src[k] == slot
          && (o > made_by + 1 || !takes_in_hand (&fused->ops[o], slot)))
        return true;
  return false;
}

static RduStep *
add_step (RduStep *step, const Run *run, RduStepFunc func, int slot)
{
  *step = (RduStep){ .func = func, .place = place_of (run, slot) };
  return step + 1;
}

static RduStep *
add_call (RduStep *step, Run *run, int o)
{
  const RduFusedOp *op = &run->fused->ops[o];
  RduRowCall *call = &run->calls[o];
  *call = (RduRowCall){ .func = op->func,
                        .row = { .n = BLOCK, .dtype = op->dtype, .imm = op->imm },
                        .n_src = op->n_src,
                        .dst = place_of (run, op->dst) };
  for (int k = 0; k < op->n_src; k++)
    {
      call->src[k] = place_of (run, op->src[k]);
      call->row.repeats |= (unsigned) is_repeated (run, op->src[k]) << k;
    }
  *step = (RduStep){ .func = RDU_SYMBOL (rdu_move_steps).call, .call = call };
  return step + 1;
}

/* Steps of an operation whose one operand is in hand, or is loaded. */
static RduStep *
add_op (RduStep *step, const Run *run, const RduFusedOp *op, int in_hand)
{
  const RduMoveSteps *move = &RDU_SYMBOL (rdu_move_steps);
  int form = RDU_OPERAND_SECOND, other = op->n_src == 2 ? op->src[1] : op->dst;
  if (op->n_src == 2 && in_hand == other && takes_in_hand (op, in_hand))
    {
      form = RDU_OPERAND_FIRST;
      other = op->src[0];
    }
  else if (in_hand != op->src[0])
    step = add_step (step, run, is_repeated (run, op->src[0]) ? move->repeat : move->load,
                     op->src[0]);
  if (op->n_src == 2)
    form += is_repeated (run, other);
  return op->forms->func[form] != NULL ? add_step (step, run, op->forms->func[form], other) : step;
}

static void
make_steps (Run *run)
{
  const RduFused *fused = run->fused;
  const RduMoveSteps *move = &RDU_SYMBOL (rdu_move_steps);
  RduStep *step = run->steps;
  int in_hand = NOTHING;
  for (int o = 0; o < fused->n_ops; o++)
    {
      const RduFusedOp *op = &fused->ops[o];
      step = op->forms != NULL ? add_op (step, run, op, in_hand) : add_call (step, run, o);
      bool is_rounded = fused->slots[op->dst].kind == RDU_SLOT_WRITTEN
                        && fused->slots[op->dst].rounded_to != SF_F32
                        && !run->place[op->dst].is_rounded_late;
      if (op->forms != NULL && is_stored (fused, o))
        step = add_step (step, run, is_rounded ? move->store_bf16 : move->store, op->dst);
      in_hand = op->forms != NULL ? op->dst : NOTHING;
    }
  *step = (RduStep){ .func = move->end };
}

/* ---- one run ---- */

/* Elements up to the end of a block: they are worked on, and of no use. */
static void
fill_block (int32_t *elements, int64_t n)
{
  memset (elements + n, 0, (size_t) (-n & (BLOCK - 1)) * 4);
}

static void
load_rows (Place *place, const int32_t *from, int64_t n_rows, int64_t n_columns)
{
  int32_t *to = place->copy;
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
  fill_block (place->copy, n_rows * n_columns);
}

static void
store_rows (const Place *place, int32_t *to, int64_t n_rows, int64_t n_columns)
{
  const int32_t *from = place->copy;
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
  int32_t *to = place->copy;
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

/* Numbers by place in the slot's tensor, from `first`. */
static void
make_numbers (const Run *run, int s, const RduView *views, int64_t first, int64_t n_rows,
              int64_t n_columns)
{
  const RduSlot *slot = &run->fused->slots[s];
  const Place *place = &run->place[s];
  if (slot->kind == RDU_SLOT_IOTA)
    count_rows (place, views[slot->view].is_int, first, n_rows, n_columns);
  for (int64_t r = 0; slot->kind == RDU_SLOT_UNIFORM && r < n_rows; r++)
    RDU_SYMBOL (rdu_uniform)
  (&run->rng[s], (uint64_t) (first + r * place->row), place->column,
   (float *) place->copy + r * n_columns, n_columns);
  fill_block (place->copy, n_rows * n_columns);
}

static int64_t
offset_of (const Run *run, const Place *place, int64_t row, int64_t column)
{
  int64_t offset = row * place->row + column * place->column;
  for (int d = 0; d < run->rank - 2; d++)
    offset += run->index[d] * place->stride[d];
  return offset;
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
      int64_t offset = offset_of (run, place, row, column);
      if (slot->kind == RDU_SLOT_IOTA || slot->kind == RDU_SLOT_UNIFORM)
        make_numbers (run, s, views, place->first + offset, n_rows, n_columns);
      else if (place->way == PERIODIC && n_columns < BLOCK)
        load_rows (place, place->base + offset, BLOCK / n_columns, n_columns);
      else if (place->way != MOVED)
        run->at[s] = place->base + offset;
      else if (slot->kind == RDU_SLOT_READ)
        load_rows (place, place->base + offset, n_rows, n_columns);
    }
}

/* Results leave for memory, all as their buffers hold them. */
static void
leave (Run *run, int64_t row, int64_t column, int64_t n_rows, int64_t n_columns)
{
  for (int s = 0; s < run->fused->n_slots; s++)
    {
      const RduSlot *slot = &run->fused->slots[s];
      const Place *place = &run->place[s];
      if (slot->kind != RDU_SLOT_WRITTEN)
        continue;
      if (place->is_rounded_late)
        RDU_SYMBOL (rdu_round) (slot->rounded_to, (float *) run->at[s], n_rows * n_columns);
      if (place->way != MOVED)
        continue;
      store_rows (place, place->base + offset_of (run, place, row, column), n_rows, n_columns);
    }
}

static void
run_block (const Run *run, int64_t at)
{
  RduVec none = rdu_vec_zero ();
  run->steps->func (run->steps, at, none, none, none, none, none, none, none, none);
}

/* The last `n` elements of a run, fewer than a block, from `at`: by way of copies where memory ends
 * with them. */
static void
run_rest (Run *run, int64_t at, int64_t n)
{
  const RduFused *fused = run->fused;
  int32_t *before[RDU_FUSED_SLOTS];
  memcpy (before, run->at, sizeof before);
  for (int s = 0; s < fused->n_slots; s++)
    {
      bool is_copied = run->place[s].way == DENSE;
      run->at[s] = is_copied ? run->place[s].copy : run->at[s] + (at & run->mask[s]);
      if (!is_copied || fused->slots[s].kind != RDU_SLOT_READ)
        continue;
      memcpy (run->at[s], before[s] + at, (size_t) n * 4);
      fill_block (run->at[s], n);
    }
  run_block (run, 0);
  for (int s = 0; s < fused->n_slots; s++)
    if (run->place[s].way == DENSE && fused->slots[s].kind == RDU_SLOT_WRITTEN)
      memcpy (before[s] + at, run->at[s], (size_t) n * 4);
  memcpy (run->at, before, sizeof before);
}

/* Asks for what a run has in memory some time after `at`, early enough to come from there. Inline:
 * compilers take a function of prefetches for one that does nothing. */
RDU_INLINE void
fetch_ahead (const Run *run, int64_t at)
{
  for (int i = 0; i < run->n_streams; i++)
    {
      uintptr_t from = (uintptr_t) run->at[run->stream[i]] + (uintptr_t) (at + AHEAD) * 4;
      for (int k = 0; k < BLOCK / LINE; k++)
        __builtin_prefetch ((const void *) (from + (uintptr_t) k * LINE * 4));
    }
}

static void
execute (Run *run, int64_t n)
{
  int64_t whole = n / BLOCK * BLOCK;
  if (run->is_call)
    {
      run->calls[0].row.n = n;
      run_block (run, 0);
      return;
    }
  for (int64_t at = 0; at < whole; at += BLOCK)
    {
      fetch_ahead (run, at);
      run_block (run, at);
    }
  if (whole < n)
    run_rest (run, whole, n - whole);
}

void
RDU_SYMBOL (rdu_fused_run) (const RduFused *fused, const RduView *views)
{
  int32_t file[FILE_ELEMS] __attribute__ ((aligned (64)));
  Run run;
  run.fused = fused;
  run.is_call = fused->n_ops == 1 && fused->ops[0].forms == NULL && fused->n_regs == 0;
  if (!find_dims (&run, views))
    return;
  find_late (&run);
  find_places (&run, file);
  make_steps (&run);
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
