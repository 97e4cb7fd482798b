/* SPDX-License-Identifier: Apache-2.0 */
/* T0: the work of a stage's iterations, by docs/timing.md. Blocks of a counter that have boxes of
 * the same size are counted, not visited. */
#include "core/program/estimate.h"

#include <string.h>

#include "core/program/check.h"

/* Blocks of a counter that see boxes of one size. */
typedef struct
{
  int64_t block, count; /* one of them; how many there are */
} Kind;

/* A walk over the inner firings of an iteration, a kind of firing at a time. */
typedef struct
{
  const SfConfigStore *config;
  const SfStage *stage;
  const SfArch *arch;
  SfArchInfo info;
  Kind kind[SF_MAX_COUNTERS][SF_BLOCK_KINDS];
  int n_kinds[SF_MAX_COUNTERS];
  unsigned reductions;                                 /* counters that are summed over, as bits */
  int pick[SF_MAX_COUNTERS];                           /* kind of block that the walk is at */
  int64_t at[SF_MAX_COUNTERS], lacks[SF_MAX_COUNTERS]; /* start of that block; what it lacks of its
                                                          step */
} Walk;

/* ---- kinds of blocks ---- */

/* How many blocks of counter k hang over the lower and the upper edge of the dimension. */
static void
count_hanging (const SfStage *stage, const SfAccess *dim, int64_t n, int k, int64_t *low,
               int64_t *high)
{
  const SfCounter *counter = &stage->counter[k];
  int64_t move = dim->coef[k] * counter->step, others = 0;
  int64_t blocks = sf_counter_blocks (counter);
  for (size_t i = 0; i < stage->n_counters; i++)
    if ((int) i != k)
      others += dim->coef[i] * (sf_counter_blocks (&stage->counter[i]) - 1)
                * stage->counter[i].step;
  if (dim->base < 0)
    *low = MAX (*low, MIN (sf_div_up (-dim->base, move), blocks));
  int64_t over = dim->base + others + move * (blocks - 1) + (dim->size - 1) * dim->stride - (n - 1);
  if (over > 0)
    *high = MAX (*high, MIN (sf_div_up (over, move), blocks));
}

static void
add_kind (Walk *walk, int k, int64_t block, int64_t count)
{
  if (count > 0)
    walk->kind[k][walk->n_kinds[k]++] = (Kind){ block, count };
}

/* The last block is a kind of its own, and so is each of the first few that hang over an edge. */
static void
sort_blocks (Walk *walk, int k)
{
  enum
  {
    EDGE = 3
  };
  const SfStage *stage = walk->stage;
  int64_t n = sf_counter_blocks (&stage->counter[k]), low = 0, high = 0;
  for (size_t i = 0; i < stage->n_operands; i++)
    for (int d = 0; d < stage->operands[i].shape.rank; d++)
      if (stage->operands[i].kind == SF_OPERAND_IN && stage->operands[i].dim[d].coef[k] > 0)
        count_hanging (stage, &stage->operands[i].dim[d], stage->operands[i].shape.dim[d], k, &low,
                       &high);
  low = MIN (low, MAX (n - 1, 0));
  high = CLAMP (high - 1, 0, MAX (n - 1 - low, 0));
  for (int64_t b = 0; b < MIN (low, EDGE); b++)
    add_kind (walk, k, b, b == EDGE - 1 ? low - b : 1);
  add_kind (walk, k, low, n - 1 - low - high);
  for (int64_t b = 0; b < MIN (high, EDGE); b++)
    add_kind (walk, k, n - 1 - high + b, b == EDGE - 1 ? high - b : 1);
  add_kind (walk, k, n - 1, MIN (n, 1));
}

static void
pick_kind (Walk *walk, int k, int kind)
{
  const SfCounter *counter = &walk->stage->counter[k];
  walk->pick[k] = kind;
  walk->at[k] = walk->kind[k][kind].block * counter->step;
  walk->lacks[k] = MAX (counter->step - (counter->extent - walk->at[k]), 0);
}

/* ---- boxes ---- */

/* Counters that move the operand's box. */
static unsigned
moved_by (const Walk *walk, uint32_t operand)
{
  const SfOperand *o = &walk->stage->operands[operand];
  unsigned mask = 0;
  for (int d = 0; d < o->shape.rank; d++)
    for (size_t k = 0; k < walk->stage->n_counters; k++)
      mask |= (unsigned) (o->dim[d].coef[k] != 0) << k;
  return mask;
}

/* Positions of the box along one dimension that are inside the tensor. */
static int64_t
box_length (const Walk *walk, const SfOperand *o, int d)
{
  const SfAccess *dim = &o->dim[d];
  int64_t lo = dim->base, n = dim->size;
  for (size_t k = 0; k < walk->stage->n_counters; k++)
    if (dim->coef[k] != 0)
      {
        lo += dim->coef[k] * walk->at[k];
        if (walk->lacks[k] > 0)
          n -= dim->coef[k] / dim->stride * walk->lacks[k];
      }
  int64_t end = lo + (n - 1) * dim->stride, most = o->shape.dim[d] - 1;
  if (end > most)
    n -= sf_div_up (end - most, dim->stride);
  if (lo < 0)
    n -= sf_div_up (-lo, dim->stride);
  return MAX (n, 0);
}

static int64_t
box_elems (const Walk *walk, uint32_t operand)
{
  const SfOperand *o = &walk->stage->operands[operand];
  int64_t n = 1;
  for (int d = 0; d < o->shape.rank; d++)
    n *= box_length (walk, o, d);
  return n;
}

/* Product of the box's dimensions from `first` up to `end`. */
static int64_t
box_part (const Walk *walk, uint32_t operand, int first, int end)
{
  int64_t n = 1;
  for (int d = MAX (first, 0); d < end; d++)
    n *= box_length (walk, &walk->stage->operands[operand], d);
  return n;
}

/* ---- the walk ---- */

/* Begins at the first kind of inner firing; counters of `fixed` stay in their last blocks, those
 * outside `moving` count as one kind. */
static void
walk_begin (Walk *walk, unsigned fixed)
{
  for (int k = 1; k < (int) walk->stage->n_counters; k++)
    pick_kind (walk, k, (fixed >> k & 1) != 0 ? walk->n_kinds[k] - 1 : 0);
}

/* Firings that the point of the walk stands for. */
static int64_t
walk_firings (const Walk *walk, unsigned moving, unsigned fixed)
{
  int64_t n = 1;
  for (int k = 1; k < (int) walk->stage->n_counters; k++)
    if ((fixed >> k & 1) == 0)
      n *= (moving >> k & 1) != 0 ? walk->kind[k][walk->pick[k]].count
                                  : sf_counter_blocks (&walk->stage->counter[k]);
  return n;
}

static bool
walk_next (Walk *walk, unsigned moving, unsigned fixed)
{
  for (int k = (int) walk->stage->n_counters - 1; k >= 1; k--)
    {
      if ((moving & ~fixed) >> k & 1)
        {
          bool more = walk->pick[k] + 1 < walk->n_kinds[k];
          pick_kind (walk, k, more ? walk->pick[k] + 1 : 0);
          if (more)
            return true;
        }
    }
  return false;
}

/* Whether an instruction that waits for the counters of `fixed` runs in this kind of iteration. */
static bool
runs_now (const Walk *walk, unsigned fixed)
{
  return (fixed & 1) == 0 || walk->n_kinds[0] == 0 || walk->pick[0] == walk->n_kinds[0] - 1;
}

/* ---- instructions ---- */

static SfWidth
width_of (const Walk *walk, const SfInstr *instr)
{
  size_t widest = 0;
  for (uint32_t i = 0; i < instr->n_src + instr->n_dst; i++)
    {
      uint32_t operand = i < instr->n_src ? instr->src[i] : instr->dst[i - instr->n_src];
      const SfOperand *o = &walk->stage->operands[operand];
      if (o->kind != SF_OPERAND_TEMP)
        widest = MAX (
            widest,
            sf_dtype_bytes (g_array_index (walk->config->buffers, SfBuffer, o->buffer).dtype));
    }
  return widest == 1 ? SF_WIDTH_8 : widest == 2 ? SF_WIDTH_16 : SF_WIDTH_32;
}

/* A contraction of one firing: G M N results, sums of K. */
typedef struct
{
  int64_t g, m, n, k;
} Contraction;

static Contraction
contraction_of (const Walk *walk, const SfInstr *instr)
{
  uint32_t dst = instr->dst[0], a = instr->src[0];
  int rank = walk->stage->operands[dst].shape.rank;
  if (strcmp (instr->op, "conv2d") == 0 || strcmp (instr->op, "conv2d_dx") == 0)
    {
      bool forward = instr->op[6] == '\0';
      uint32_t w = instr->src[1];
      int64_t groups = box_part (walk, a, 1, 2) / MAX (box_part (walk, w, forward, forward + 1), 1);
      groups = MAX (groups, 1);
      return (Contraction){ groups, box_part (walk, dst, 0, 1) * box_part (walk, dst, 2, 4),
                            box_part (walk, dst, 1, 2) / groups,
                            box_part (walk, w, forward, forward + 1) * box_part (walk, w, 2, 4) };
    }
  if (strcmp (instr->op, "conv2d_dw") == 0)
    return (Contraction){ 1, box_part (walk, dst, 0, 1), box_part (walk, dst, 1, 4),
                          box_part (walk, a, 0, 1) * box_part (walk, a, 2, 4) };
  int inner = walk->stage->operands[a].shape.rank - (instr->imm[0] != 0 ? 2 : 1);
  return (Contraction){ box_part (walk, dst, 0, rank - 2), box_part (walk, dst, rank - 2, rank - 1),
                        box_part (walk, dst, rank - 1, rank),
                        box_part (walk, a, inner, inner + 1) };
}

static SfWorkPiece
matrix_piece (const Walk *walk, const SfInstr *instr, SfWidth width)
{
  Contraction c = contraction_of (walk, instr);
  int64_t array = c.g * sf_div_up (c.m, walk->info.pcu_stages)
                  * sf_div_up (c.n, walk->info.pcu_lanes);
  int64_t simd = sf_div_up (c.g * c.m * c.n, walk->info.pcu_lanes);
  int64_t array_cycles = c.k * walk->info.matrix_cycles[width];
  int64_t simd_cycles = c.k * walk->info.simd_cycles[width];
  return simd * simd_cycles < array * array_cycles
             ? (SfWorkPiece){ .blocks = simd, .matrix = simd_cycles }
             : (SfWorkPiece){ .blocks = array, .matrix = array_cycles };
}

static int64_t
sort_steps (int64_t row)
{
  int64_t k = 0;
  while (k < 62 && ((int64_t) 1 << k) < row)
    k++;
  return k * (k + 1) / 2;
}

static bool
is_backward (const SfInstr *instr)
{
  size_t n = strlen (instr->op);
  return n > 4 && strcmp (instr->op + n - 4, "_bwd") == 0;
}

/* Whose box is counted: the first source or the first destination. */
static uint32_t
counted_operand (const SfInstr *instr, SfCount count)
{
  bool source = count == SF_COUNT_IN || count == SF_COUNT_SORT
                || (count == SF_COUNT_WINDOW && is_backward (instr));
  return (source && instr->n_src > 0) || instr->n_dst == 0 ? instr->src[0] : instr->dst[0];
}

static SfWorkPiece
lane_piece (const Walk *walk, const SfInstr *instr, const SfOpCost *cost, SfWidth width)
{
  uint32_t operand = counted_operand (instr, cost->count);
  const SfOperand *o = &walk->stage->operands[operand];
  int64_t times = 1;
  if (cost->count == SF_COUNT_WINDOW)
    times = instr->imm[0] * instr->imm[1];
  else if (cost->count == SF_COUNT_SORT)
    times = sort_steps (instr->imm[0] >= 0 && instr->imm[0] < o->shape.rank
                            ? box_length (walk, o, (int) instr->imm[0])
                            : 1);
  return (SfWorkPiece){ .blocks = sf_div_up (box_elems (walk, operand), walk->info.pcu_lanes),
                        .body = cost->body * times * walk->info.simd_cycles[width],
                        .tail = cost->tail * times };
}

/* Adds to the pieces from `first` on; those of an instruction that are alike become one. */
static void
add_piece (GArray *pieces, guint first, SfWorkPiece piece)
{
  for (guint i = first; i < pieces->len; i++)
    {
      SfWorkPiece *p = &g_array_index (pieces, SfWorkPiece, i);
      if (p->matrix == piece.matrix && p->body == piece.body && p->tail == piece.tail)
        {
          p->blocks += piece.blocks;
          return;
        }
    }
  if (piece.blocks > 0)
    g_array_append_val (pieces, piece);
}

static void
add_instr (Walk *walk, SfStageWork *work, const SfInstr *instr)
{
  static const SfOpCost plain = { SF_COUNT_OUT, 1, 0 };
  const SfOpCost *cost = sf_arch_op_cost (walk->arch, instr->op);
  unsigned fixed = instr->when == SF_WHEN_LAST ? walk->reductions : 0, moving = 0;
  if (!runs_now (walk, fixed))
    return;
  cost = cost != NULL ? cost : &plain;
  SfWidth width = width_of (walk, instr);
  if (cost->count == SF_COUNT_MATRIX)
    {
      moving = moved_by (walk, instr->dst[0]);
      for (uint32_t i = 0; i < instr->n_src; i++)
        moving |= moved_by (walk, instr->src[i]);
    }
  else
    moving = moved_by (walk, counted_operand (instr, cost->count));
  guint first = work->pieces->len;
  walk_begin (walk, fixed);
  do
    {
      SfWorkPiece piece = cost->count == SF_COUNT_MATRIX ? matrix_piece (walk, instr, width)
                                                         : lane_piece (walk, instr, cost, width);
      piece.blocks *= walk_firings (walk, moving, fixed);
      add_piece (work->pieces, first, piece);
    }
  while (walk_next (walk, moving, fixed));
  for (guint i = first; i < work->pieces->len; i++)
    work->widest = MAX (work->widest, g_array_index (work->pieces, SfWorkPiece, i).blocks);
}

/* ---- traffic ---- */

/* In which firings an operand moves, and whose box. */
typedef struct
{
  bool moves;
  unsigned fixed;   /* counters that have to be in their last block */
  uint32_t counted; /* operand whose box says how much */
} Movement;

static Movement
reading_of (const Walk *walk, uint32_t operand)
{
  Movement m = { .fixed = walk->reductions, .counted = SF_NONE };
  for (size_t i = 0; i < walk->stage->n_instrs; i++)
    {
      const SfInstr *instr = &walk->stage->instrs[i];
      for (uint32_t s = 0; s < instr->n_src; s++)
        if (instr->src[s] == operand)
          {
            bool few = s == 0 && strcmp (instr->op, "gather") == 0;
            m.counted = few && (!m.moves || m.counted == instr->dst[0]) ? instr->dst[0] : operand;
            m.moves = true;
            if (instr->when == SF_WHEN_EACH)
              m.fixed = 0;
          }
    }
  return m;
}

static Movement
writing_of (const Walk *walk, uint32_t operand)
{
  Movement m = { .fixed = walk->reductions, .counted = operand };
  for (size_t i = 0; i < walk->stage->n_instrs; i++)
    {
      const SfInstr *instr = &walk->stage->instrs[i];
      for (uint32_t d = 0; d < instr->n_dst; d++)
        if (instr->dst[d] == operand)
          {
            const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
            bool scatters = strcmp (instr->op, "scatter_add") == 0;
            unsigned waits = instr->when == SF_WHEN_LAST                  ? walk->reductions
                             : op != NULL && op->accumulates && !scatters ? walk->reductions & ~1u
                                                                          : 0;
            m.moves = true;
            m.fixed &= waits;
            m.counted = scatters ? instr->src[1] : operand;
          }
    }
  return m;
}

static int64_t
vectors_of (Walk *walk, const SfBuffer *buffer, const Movement *m)
{
  unsigned moving = moved_by (walk, m->counted);
  int64_t sum = 0, vector = walk->info.vector_bytes;
  int64_t bytes = buffer->token_elems == 1 ? 1 : (int64_t) sf_dtype_bytes (buffer->dtype);
  if (buffer->token_elems == 1)
    vector = 1;
  if (!m->moves || !runs_now (walk, m->fixed))
    return 0;
  walk_begin (walk, m->fixed);
  do
    sum += sf_div_up (box_elems (walk, m->counted) * bytes, vector)
           * walk_firings (walk, moving, m->fixed);
  while (walk_next (walk, moving, m->fixed));
  return sum;
}

static void
add_flow (Walk *walk, SfStageWork *work, uint32_t operand)
{
  const SfOperand *o = &walk->stage->operands[operand];
  if (o->kind == SF_OPERAND_TEMP)
    return;
  SfWorkFlow flow = { .buffer = o->buffer, .out = o->kind == SF_OPERAND_OUT };
  Movement m = flow.out ? writing_of (walk, operand) : reading_of (walk, operand);
  const SfBuffer *buffer = &g_array_index (walk->config->buffers, SfBuffer, o->buffer);
  bool varies = m.moves && ((moved_by (walk, m.counted) | m.fixed) & 1) != 0;
  for (int kind = 0; kind < work->n_kinds; kind++)
    {
      if (walk->n_kinds[0] > 0)
        pick_kind (walk, 0, kind);
      flow.vectors[kind] = kind == 0 || varies ? vectors_of (walk, buffer, &m) : flow.vectors[0];
    }
  g_array_append_val (work->flows, flow);
}

/* ---- the stage ---- */

void
sf_stage_work_init (SfStageWork *work, const SfConfigStore *config, const SfStage *stage,
                    const SfArch *arch)
{
  Walk walk = { .config = config, .stage = stage, .arch = arch, .info = sf_arch_info (arch) };
  *work = (SfStageWork){ .iterations = sf_stage_iterations (stage),
                         .pieces = g_array_sized_new (FALSE, FALSE, sizeof (SfWorkPiece), 16),
                         .flows = g_array_sized_new (FALSE, FALSE, sizeof (SfWorkFlow), 8),
                         .widest = 1 };
  for (int k = 0; k < (int) stage->n_counters; k++)
    {
      sort_blocks (&walk, k);
      walk.reductions |= (unsigned) (stage->counter[k].kind == SF_COUNTER_REDUCTION) << k;
      if (walk.n_kinds[k] == 0)
        return;
    }
  work->n_kinds = MAX (walk.n_kinds[0], 1);
  for (int kind = 0; kind < work->n_kinds; kind++)
    {
      work->count[kind] = stage->n_counters == 0 ? 1 : walk.kind[0][kind].count;
      work->first[kind] = work->pieces->len;
      if (stage->n_counters > 0)
        pick_kind (&walk, 0, kind);
      for (size_t i = 0; i < stage->n_instrs; i++)
        add_instr (&walk, work, &stage->instrs[i]);
      work->first[kind + 1] = work->pieces->len;
    }
  for (uint32_t i = 0; i < stage->n_operands; i++)
    add_flow (&walk, work, i);
}

void
sf_stage_work_clear (SfStageWork *work)
{
  g_clear_pointer (&work->pieces, g_array_unref);
  g_clear_pointer (&work->flows, g_array_unref);
}

SfStageWork *
sf_stage_works_new (const SfProgram *program, uint32_t config, const SfArch *arch)
{
  const SfConfigStore *store = sf_program_config (program, config);
  SfStageWork *works = g_new (SfStageWork, store->stages->len + 1);
  for (uint32_t i = 0; i < store->stages->len; i++)
    sf_stage_work_init (&works[i], store, sf_config_stage_at (program, config, i), arch);
  return works;
}

void
sf_stage_works_free (SfStageWork *works, size_t n)
{
  for (size_t i = 0; i < n; i++)
    sf_stage_work_clear (&works[i]);
  g_free (works);
}
