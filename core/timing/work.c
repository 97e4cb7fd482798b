/* SPDX-License-Identifier: Apache-2.0 */
/* Work of a stage: what its iterations compute and move, once for each class of iterations that are
 * alike.
 *
 * Blocks of a counter fall into classes, too: those in the middle of a tensor cut boxes of one
 * size; the last block, and blocks whose boxes hang over an edge, stand for themselves. Firings are
 * then counted by combination of classes. */
#include <string.h>

#include "core/timing/timing.h"

/* More distinct firings than this are refused. */
#define MAX_DISTINCT ((int64_t) 1 << 24)

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Blocks of a counter: alike_from .. alike_to - 1 are one class. */
typedef struct
{
  int64_t n, alike_from, alike_to;
  int64_t n_classes;
} Blocks;

/* In which firings something happens; several add up. */
enum
{
  EACH = 1,
  INNER_LAST = 2, /* every inner reduction counter is in its last block */
  ALL_LAST = 4,   /* every reduction counter is */
};

/* An instruction, with what its blocks cost. */
typedef struct
{
  const SfInstr *instr;
  SfCount count;
  int64_t body, tail; /* of a block */
  int64_t simd_cycles, matrix_cycles;
  int64_t blocks; /* of the iteration; not of a matrix */
} InstrWork;

/* Blocks of a contraction that take equally long. */
typedef struct
{
  size_t instr;
  int64_t cycles, blocks;
} MatrixWork;

/* An operand that is a buffer: what it counts, in operands whose boxes move. */
typedef struct
{
  unsigned when;
  int64_t elem_bytes;
  uint32_t counted[SF_MAX_SRC + 1];
  size_t n_counted;
} FlowWork;

typedef struct
{
  const SfStage *stage;
  SfArchInfo arch;
  Blocks blocks[SF_MAX_COUNTERS];
  int64_t at[SF_MAX_COUNTERS];  /* first element of the block that is looked at */
  int64_t len[SF_MAX_COUNTERS]; /* its length */
  bool inner_last, all_last;
  int64_t (*box)[SF_MAX_RANK]; /* per operand: positions inside the tensor */
  int64_t *elems;              /* per operand */
  InstrWork *instrs;
  FlowWork *flows;
  size_t n_flows;
  GArray *matrix; /* MatrixWork of the iteration */
} Walk;

/* ---- classes of blocks ---- */

/* Cuts `alike` down to the blocks in which the box stays inside along a dimension, whatever the
 * other counters do. */
static void
keep_inside (const SfStage *stage, const SfAccess *access, int64_t dim, size_t k, Blocks *blocks)
{
  __int128 others = 0, step = (__int128) access->coef[k] * stage->counter[k].step;
  for (size_t j = 0; j < stage->n_counters; j++)
    if (j != k && stage->counter[j].extent > 0)
      {
        const SfCounter *c = &stage->counter[j];
        others += (__int128) access->coef[j] * ((c->extent - 1) / c->step * c->step);
      }
  if (access->base < 0)
    {
      __int128 from = (-(__int128) access->base + step - 1) / step;
      blocks->alike_from = from > blocks->alike_from ? (int64_t) MIN (from, blocks->n)
                                                     : blocks->alike_from;
    }
  __int128 room = (__int128) dim - 1 - (__int128) (access->size - 1) * access->stride - access->base
                  - others;
  __int128 to = room < 0 ? 0 : room / step + 1;
  if (to < blocks->alike_to)
    blocks->alike_to = (int64_t) to;
}

static Blocks
blocks_of (const SfStage *stage, size_t k)
{
  const SfCounter *c = &stage->counter[k];
  Blocks blocks = { .n = c->extent <= 0 ? 0 : (c->extent - 1) / c->step + 1 };
  blocks.alike_to = blocks.n;
  if (blocks.n > 0 && (c->extent % c->step != 0 || c->kind == SF_COUNTER_REDUCTION))
    blocks.alike_to--;
  for (size_t i = 0; i < stage->n_operands; i++)
    for (int d = 0; d < stage->operands[i].shape.rank; d++)
      if (stage->operands[i].dim[d].coef[k] > 0)
        keep_inside (stage, &stage->operands[i].dim[d], stage->operands[i].shape.dim[d], k,
                     &blocks);
  if (blocks.alike_from >= blocks.alike_to)
    blocks.alike_from = blocks.alike_to = blocks.n;
  blocks.n_classes = blocks.n - MAX (blocks.alike_to - blocks.alike_from - 1, 0);
  return blocks;
}

static int64_t
block_of_class (const Blocks *blocks, int64_t class_index, int64_t *n_alike)
{
  int64_t alike = blocks->alike_to - blocks->alike_from;
  *n_alike = class_index == blocks->alike_from && alike > 0 ? alike : 1;
  return class_index <= blocks->alike_from ? class_index : class_index + MAX (alike - 1, 0);
}

/* Puts counter k on a block. */
static void
set_block (Walk *walk, size_t k, int64_t block)
{
  const SfCounter *c = &walk->stage->counter[k];
  walk->at[k] = block * c->step;
  walk->len[k] = MIN (c->step, c->extent - walk->at[k]);
}

/* ---- boxes ---- */

static int64_t
positions_inside (const Walk *walk, const SfAccess *access, int64_t dim)
{
  int64_t lo = access->base, n = access->size, stride = MAX (access->stride, 1);
  for (size_t k = 0; k < walk->stage->n_counters; k++)
    if (access->coef[k] != 0)
      {
        lo += access->coef[k] * walk->at[k];
        n -= access->coef[k] / stride * (walk->stage->counter[k].step - walk->len[k]);
      }
  int64_t first = lo < 0 ? sf_ceil_div (-lo, stride) : 0;
  int64_t last = lo > dim - 1 ? -1 : MIN (n - 1, (dim - 1 - lo) / stride);
  return MAX (last - first + 1, 0);
}

static void
cut_boxes (Walk *walk)
{
  const SfStage *stage = walk->stage;
  walk->inner_last = walk->all_last = true;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      const SfCounter *c = &stage->counter[k];
      bool last = c->kind != SF_COUNTER_REDUCTION || walk->at[k] + c->step >= c->extent;
      walk->all_last = walk->all_last && last;
      walk->inner_last = walk->inner_last && (k == 0 || last);
    }
  for (size_t i = 0; i < stage->n_operands; i++)
    {
      const SfOperand *o = &stage->operands[i];
      walk->elems[i] = 1;
      for (int d = 0; d < o->shape.rank; d++)
        {
          walk->box[i][d] = positions_inside (walk, &o->dim[d], o->shape.dim[d]);
          walk->elems[i] = sf_time_mul (walk->elems[i], walk->box[i][d]);
        }
    }
}

static bool
happens (const Walk *walk, unsigned when)
{
  return (when & EACH) != 0 || ((when & INNER_LAST) != 0 && walk->inner_last)
         || ((when & ALL_LAST) != 0 && walk->all_last);
}

/* ---- instructions ---- */

/* A contraction as G products of M x N results with sums of length K. */
typedef struct
{
  int64_t g, m, n, k;
} Matrix;

static Matrix
gemm_matrix (const SfInstr *instr, const int64_t *a, int rank_a, const int64_t *y, int rank)
{
  Matrix x = { 1, y[rank - 2], y[rank - 1], a[rank_a - (instr->imm[0] != 0 ? 2 : 1)] };
  for (int d = 0; d < rank - 2; d++)
    x.g = sf_time_mul (x.g, y[d]);
  return x;
}

static Matrix
matrix_of (const Walk *walk, const SfInstr *instr)
{
  const int64_t *a = walk->box[instr->src[0]], *b = walk->box[instr->src[1]],
                *y = walk->box[instr->dst[0]];
  int rank = walk->stage->operands[instr->dst[0]].shape.rank;
  int rank_a = walk->stage->operands[instr->src[0]].shape.rank;
  if (strcmp (instr->op, "gemm") == 0 && rank >= 2 && rank_a >= 2)
    return gemm_matrix (instr, a, rank_a, y, rank);
  if (rank != 4)
    return (Matrix){ 1, 1, walk->elems[instr->dst[0]], 1 };
  int64_t area = sf_time_mul (b[2], b[3]);
  if (strcmp (instr->op, "conv2d_dx") == 0)
    return (Matrix){ 1, sf_time_mul (y[0], sf_time_mul (y[2], y[3])), y[1],
                     sf_time_mul (a[1], area) };
  if (strcmp (instr->op, "conv2d_dw") == 0)
    return (Matrix){ 1, y[0], sf_time_mul (y[1], sf_time_mul (y[2], y[3])),
                     sf_time_mul (a[0], sf_time_mul (a[2], a[3])) };
  int64_t groups = MAX (a[1] / MAX (b[1], 1), 1);
  return (Matrix){ groups, sf_time_mul (y[0], sf_time_mul (y[2], y[3])), y[1] / groups,
                   sf_time_mul (b[1], area) };
}

static void
add_matrix (Walk *walk, size_t index, int64_t times)
{
  const InstrWork *w = &walk->instrs[index];
  Matrix x = matrix_of (walk, w->instr);
  int64_t lanes = walk->arch.pcu_lanes;
  int64_t blocks = sf_time_mul (
      x.g, sf_time_mul (sf_ceil_div (x.m, walk->arch.pcu_stages), sf_ceil_div (x.n, lanes)));
  int64_t simd = sf_ceil_div (sf_time_mul (x.g, sf_time_mul (x.m, x.n)), lanes);
  int64_t cycles = w->matrix_cycles;
  if (sf_time_mul (simd, w->simd_cycles) < sf_time_mul (blocks, cycles))
    {
      blocks = simd;
      cycles = w->simd_cycles;
    }
  cycles = sf_time_mul (cycles, x.k);
  blocks = sf_time_mul (blocks, times);
  for (guint i = 0; i < walk->matrix->len; i++)
    {
      MatrixWork *m = &AT (walk->matrix, MatrixWork, i);
      if (m->instr == index && m->cycles == cycles)
        {
          m->blocks = sf_time_add (m->blocks, blocks);
          return;
        }
    }
  MatrixWork m = { index, cycles, blocks };
  g_array_append_val (walk->matrix, m);
}

/* Steps of a bitonic network over a row. */
static int64_t
sort_steps (int64_t row)
{
  int64_t k = 0;
  while (k < 62 && (int64_t) 1 << k < row)
    k++;
  return k * (k + 1) / 2;
}

static void
add_blocks (Walk *walk, InstrWork *w, int64_t times)
{
  const SfInstr *instr = w->instr;
  bool by_source = w->count == SF_COUNT_IN || w->count == SF_COUNT_SORT
                   || (w->count == SF_COUNT_WINDOW && g_str_has_suffix (instr->op, "_bwd"));
  if (by_source && instr->n_src == 0)
    return;
  uint32_t operand = by_source ? instr->src[0] : instr->dst[0];
  int64_t blocks = sf_ceil_div (walk->elems[operand], walk->arch.pcu_lanes);
  if (w->count == SF_COUNT_WINDOW)
    blocks = sf_time_mul (blocks, sf_time_mul (instr->imm[0], instr->imm[1]));
  if (w->count == SF_COUNT_SORT)
    blocks = sf_time_mul (
        blocks, sort_steps (walk->box[operand][CLAMP (instr->imm[0], 0, SF_MAX_RANK - 1)]));
  w->blocks = sf_time_add (w->blocks, sf_time_mul (blocks, times));
}

static SfWidth
width_of (const SfProgram *program, uint32_t config, const SfStage *stage, const SfInstr *instr)
{
  size_t widest = 0;
  for (uint32_t i = 0; i < instr->n_src + instr->n_dst; i++)
    {
      uint32_t o = i < instr->n_src ? instr->src[i] : instr->dst[i - instr->n_src];
      if (stage->operands[o].kind != SF_OPERAND_TEMP)
        {
          SfBuffer b = sf_config_buffer (program, config, stage->operands[o].buffer);
          widest = MAX (widest, sf_dtype_bytes (b.dtype));
        }
    }
  return widest == 1 ? SF_WIDTH_8 : widest == 2 ? SF_WIDTH_16 : SF_WIDTH_32;
}

static void
init_instrs (Walk *walk, const SfProgram *program, uint32_t config, const SfArch *arch)
{
  static const SfOpCost unknown = { SF_COUNT_OUT, 1, 0 };
  walk->instrs = g_new0 (InstrWork, walk->stage->n_instrs + 1);
  for (size_t i = 0; i < walk->stage->n_instrs; i++)
    {
      const SfInstr *instr = &walk->stage->instrs[i];
      const SfOpCost *cost = sf_arch_op_cost (arch, instr->op);
      cost = cost != NULL ? cost : &unknown;
      SfWidth width = width_of (program, config, walk->stage, instr);
      walk->instrs[i] = (InstrWork){ .instr = instr,
                                     .count = cost->count,
                                     .body = cost->body,
                                     .tail = cost->tail,
                                     .simd_cycles = walk->arch.simd_cycles[width],
                                     .matrix_cycles = walk->arch.matrix_cycles[width] };
    }
}

/* ---- traffic ---- */

static void
count_operand (FlowWork *flow, uint32_t operand)
{
  for (size_t i = 0; i < flow->n_counted; i++)
    if (flow->counted[i] == operand)
      return;
  if (flow->n_counted < G_N_ELEMENTS (flow->counted))
    flow->counted[flow->n_counted++] = operand;
}

/* Of an operand that is read: boxes, but of a table as many rows as the result has. */
static void
read_by (FlowWork *flow, uint32_t operand, const SfInstr *instr)
{
  for (uint32_t s = 0; s < instr->n_src; s++)
    if (instr->src[s] == operand)
      {
        flow->when |= instr->when == SF_WHEN_LAST ? ALL_LAST : EACH;
        bool table = s == 0 && strcmp (instr->op, "gather") == 0;
        count_operand (flow, table ? instr->dst[0] : operand);
      }
}

static void
written_by (FlowWork *flow, uint32_t operand, const SfInstr *instr)
{
  for (uint32_t d = 0; d < instr->n_dst; d++)
    if (instr->dst[d] == operand)
      {
        const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
        bool scatters = strcmp (instr->op, "scatter_add") == 0;
        if (instr->when == SF_WHEN_LAST)
          flow->when |= ALL_LAST;
        else
          flow->when |= op != NULL && op->accumulates && !scatters ? INNER_LAST : EACH;
        count_operand (flow, scatters ? instr->src[1] : operand);
      }
}

/* Once the whole box is counted, parts of it are not. */
static void
prefer_whole (FlowWork *flow, uint32_t operand)
{
  for (size_t i = 0; i < flow->n_counted; i++)
    if (flow->counted[i] == operand)
      {
        flow->counted[0] = operand;
        flow->n_counted = 1;
      }
}

static void
init_flows (Walk *walk, const SfProgram *program, uint32_t config, uint32_t *operands)
{
  const SfStage *stage = walk->stage;
  walk->flows = g_new0 (FlowWork, stage->n_operands + 1);
  for (uint32_t o = 0; o < stage->n_operands; o++)
    {
      if (stage->operands[o].kind == SF_OPERAND_TEMP)
        continue;
      SfBuffer buffer = sf_config_buffer (program, config, stage->operands[o].buffer);
      operands[walk->n_flows] = o;
      FlowWork *flow = &walk->flows[walk->n_flows++];
      flow->elem_bytes = (int64_t) sf_dtype_bytes (buffer.dtype);
      for (size_t i = 0; i < stage->n_instrs; i++)
        if (stage->operands[o].kind == SF_OPERAND_IN)
          read_by (flow, o, &stage->instrs[i]);
        else
          written_by (flow, o, &stage->instrs[i]);
      prefer_whole (flow, o);
    }
}

static void
add_traffic (const Walk *walk, const FlowWork *flow, int64_t times, SfTraffic *traffic)
{
  if (!happens (walk, flow->when))
    return;
  int64_t elems = 0;
  for (size_t i = 0; i < flow->n_counted; i++)
    elems = sf_time_add (elems, walk->elems[flow->counted[i]]);
  int64_t vectors = sf_ceil_div (sf_time_mul (elems, flow->elem_bytes), walk->arch.vector_bytes);
  traffic->vectors = sf_time_add (traffic->vectors, sf_time_mul (vectors, times));
  traffic->elems = sf_time_add (traffic->elems, sf_time_mul (elems, times));
}

/* ---- an iteration ---- */

static void
add_firing (Walk *walk, int64_t times, SfTraffic *traffic)
{
  cut_boxes (walk);
  for (size_t i = 0; i < walk->stage->n_instrs; i++)
    {
      InstrWork *w = &walk->instrs[i];
      if (w->instr->when == SF_WHEN_LAST && !walk->all_last)
        continue;
      if (w->count == SF_COUNT_MATRIX && w->instr->n_src >= 2)
        add_matrix (walk, i, times);
      else
        add_blocks (walk, w, times);
    }
  for (size_t f = 0; f < walk->n_flows; f++)
    add_traffic (walk, &walk->flows[f], times, &traffic[f]);
}

/* All inner firings, by combination of classes. */
static void
add_firings (Walk *walk, size_t k, int64_t times, SfTraffic *traffic)
{
  if (k >= walk->stage->n_counters)
    {
      add_firing (walk, times, traffic);
      return;
    }
  for (int64_t c = 0; c < walk->blocks[k].n_classes; c++)
    {
      int64_t n_alike = 1;
      set_block (walk, k, block_of_class (&walk->blocks[k], c, &n_alike));
      add_firings (walk, k + 1, sf_time_mul (times, n_alike), traffic);
    }
}

static SfTimingIteration
sum_work (const Walk *walk)
{
  int64_t pcus = MAX (walk->stage->n_pcus, 1), matrix = 0, body = 0, tail = 0, widest = 1;
  for (guint i = 0; i < walk->matrix->len; i++)
    {
      const MatrixWork *m = &AT (walk->matrix, MatrixWork, i);
      matrix = sf_time_add (matrix, sf_time_mul (sf_ceil_div (m->blocks, pcus), m->cycles));
      widest = MAX (widest, m->blocks);
    }
  for (size_t i = 0; i < walk->stage->n_instrs; i++)
    {
      const InstrWork *w = &walk->instrs[i];
      int64_t blocks = sf_ceil_div (w->blocks, pcus);
      body = sf_time_add (body, sf_time_mul (sf_time_mul (blocks, w->body), w->simd_cycles));
      tail = sf_time_add (tail, sf_time_mul (blocks, w->tail));
      widest = MAX (widest, w->blocks);
    }
  int64_t main_part = sf_time_add (matrix, sf_ceil_div (body, walk->arch.pcu_stages));
  return (SfTimingIteration){ MAX (MAX (main_part, tail), 1), MIN (pcus, widest) };
}

static void
sum_iteration (Walk *walk, SfTimingIteration *work, SfTraffic *traffic)
{
  g_array_set_size (walk->matrix, 0);
  for (size_t i = 0; i < walk->stage->n_instrs; i++)
    walk->instrs[i].blocks = 0;
  add_firings (walk, 1, 1, traffic);
  *work = sum_work (walk);
}

static bool
check_size (const Walk *walk, uint32_t config, uint32_t stage, GError **error)
{
  int64_t n = 1;
  for (size_t k = 0; k < walk->stage->n_counters; k++)
    n = sf_time_mul (n, walk->blocks[k].n_classes);
  if (n <= MAX_DISTINCT)
    return true;
  return sf_fail (
      error, SF_ERROR_UNSUPPORTED,
      "timing: config %u, stage %u (%s): %" PRId64 " distinct firings, wanted at most %" PRId64
      "; cut the stage into fewer, larger blocks",
      config, stage, walk->stage->name != NULL ? walk->stage->name : "", n, MAX_DISTINCT);
}

static void
sum_iterations (Walk *walk, SfTimingWork *work)
{
  for (size_t c = 0; c < work->n_classes; c++)
    {
      int64_t n_alike = 1;
      if (walk->stage->n_counters > 0)
        set_block (walk, 0, block_of_class (&walk->blocks[0], (int64_t) c, &n_alike));
      sum_iteration (walk, &work->work[c], work->traffic + c * work->n_flows);
    }
}

bool
sf_timing_work (const SfProgram *program, uint32_t config, uint32_t stage_index, const SfArch *arch,
                SfTimingWork *work, GError **error)
{
  SfStage stage = sf_config_stage (program, config, stage_index);
  Walk walk = { .stage = &stage, .arch = sf_arch_info (arch) };
  *work = (SfTimingWork){ .iterations = 1, .alike_to = 1, .n_classes = 1 };
  for (size_t k = 0; k < stage.n_counters; k++)
    walk.blocks[k] = blocks_of (&stage, k);
  if (!check_size (&walk, config, stage_index, error))
    return false;
  if (stage.n_counters > 0)
    {
      work->iterations = walk.blocks[0].n;
      work->alike_from = walk.blocks[0].alike_from;
      work->alike_to = walk.blocks[0].alike_to;
      work->n_classes = (size_t) walk.blocks[0].n_classes;
    }
  work->operands = g_new0 (uint32_t, stage.n_operands + 1);
  init_flows (&walk, program, config, work->operands);
  init_instrs (&walk, program, config, arch);
  work->n_flows = walk.n_flows;
  work->work = g_new0 (SfTimingIteration, work->n_classes + 1);
  work->traffic = g_new0 (SfTraffic, work->n_classes * work->n_flows + 1);
  walk.box = g_malloc0 ((stage.n_operands + 1) * sizeof *walk.box);
  walk.elems = g_new0 (int64_t, stage.n_operands + 1);
  walk.matrix = g_array_new (FALSE, FALSE, sizeof (MatrixWork));
  sum_iterations (&walk, work);
  g_array_unref (walk.matrix);
  g_free (walk.elems);
  g_free (walk.box);
  g_free (walk.flows);
  g_free (walk.instrs);
  return true;
}

void
sf_timing_work_clear (SfTimingWork *work)
{
  g_free (work->operands);
  g_free (work->work);
  g_free (work->traffic);
}
