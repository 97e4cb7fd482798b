/* SPDX-License-Identifier: Apache-2.0 */
/* Counting of a stage's work: every firing is visited, its boxes measured, its instructions added
 * up. */
#include "tests/timing/work.h"

#include <string.h>

static int64_t
ceil_div (int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}

/* ---- boxes ---- */

/* Values of the counters in a firing. */
typedef struct
{
  const SfStage *stage;
  int64_t at[SF_MAX_COUNTERS];
} Firing;

static int64_t
block_length (const Firing *firing, size_t k)
{
  const SfCounter *c = &firing->stage->counter[k];
  return MIN (c->step, c->extent - firing->at[k]);
}

static bool
in_last_block (const Firing *firing, size_t k)
{
  return firing->at[k] + firing->stage->counter[k].step >= firing->stage->counter[k].extent;
}

/* Positions of a dimension in this firing, padding left out. */
static int64_t
positions (const Firing *firing, const SfAccess *access, int64_t dim)
{
  int64_t low = access->base, n = access->size, inside = 0;
  for (size_t k = 0; k < firing->stage->n_counters; k++)
    {
      low += access->coef[k] * firing->at[k];
      n -= access->coef[k] / access->stride
           * (firing->stage->counter[k].step - block_length (firing, k));
    }
  if (low >= 0 && low + (n - 1) * access->stride < dim)
    return n;
  for (int64_t j = 0; j < n; j++)
    inside += low + j * access->stride >= 0 && low + j * access->stride < dim;
  return inside;
}

static SfShape
box_of (const Firing *firing, uint32_t operand)
{
  const SfOperand *o = &firing->stage->operands[operand];
  SfShape box = { .rank = o->shape.rank };
  for (int d = 0; d < box.rank; d++)
    box.dim[d] = positions (firing, &o->dim[d], o->shape.dim[d]);
  return box;
}

static int64_t
box_elems (const Firing *firing, uint32_t operand)
{
  SfShape box = box_of (firing, operand);
  int64_t n = 1;
  for (int d = 0; d < box.rank; d++)
    n *= box.dim[d];
  return n;
}

/* ---- which instructions run, and what they write ---- */

static bool
runs (const Firing *firing, const SfInstr *instr)
{
  if (instr->when == SF_WHEN_EACH)
    return true;
  for (size_t k = 0; k < firing->stage->n_counters; k++)
    if (firing->stage->counter[k].kind == SF_COUNTER_REDUCTION && !in_last_block (firing, k))
      return false;
  return true;
}

/* Sums stay in the PCUs over the inner reduction counters, but those of a table that is scattered
 * to. */
static bool
writes (const Firing *firing, const SfInstr *instr)
{
  if (!runs (firing, instr))
    return false;
  if (!sf_tile_op_find (instr->op, instr->version)->accumulates
      || g_str_equal (instr->op, "scatter_add"))
    return true;
  for (size_t k = 1; k < firing->stage->n_counters; k++)
    if (firing->stage->counter[k].kind == SF_COUNTER_REDUCTION && !in_last_block (firing, k))
      return false;
  return true;
}

/* Elements of an operand that come in this firing: its box once, and rows for each gather. */
static int64_t
read_elems (const Firing *firing, uint32_t operand)
{
  const SfStage *stage = firing->stage;
  int64_t box = 0, rows = 0;
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      for (uint32_t k = 0; k < instr->n_src && runs (firing, instr); k++)
        if (instr->src[k] == operand && k == 0 && g_str_equal (instr->op, "gather"))
          rows += box_elems (firing, instr->dst[0]);
        else if (instr->src[k] == operand)
          box = box_elems (firing, operand);
    }
  return box + rows;
}

/* Elements of a result that leave in this firing. */
static int64_t
written_elems (const Firing *firing, uint32_t operand)
{
  const SfStage *stage = firing->stage;
  int64_t box = 0, rows = 0;
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      for (uint32_t k = 0; k < instr->n_dst && writes (firing, instr); k++)
        if (instr->dst[k] == operand && g_str_equal (instr->op, "scatter_add"))
          rows += box_elems (firing, instr->src[1]);
        else if (instr->dst[k] == operand)
          box = box_elems (firing, operand);
    }
  return box + rows;
}

/* ---- what instructions cost ---- */

/* Blocks of one instruction in an iteration that take the same time each. */
typedef struct
{
  size_t instr;
  bool matrix;
  int64_t cycles; /* matrix: of a block; else of its body, in slots x cycles of a slot */
  int64_t tail;   /* passes of a block */
  int64_t blocks;
} Blocks;

typedef struct
{
  const SfProgram *program;
  uint32_t config;
  const SfArch *arch;
  SfArchInfo info;
  const SfStage *stage;
  GArray *blocks; /* Blocks of the iteration */
} Count;

static SfWidth
width_of (const Count *count, const SfInstr *instr)
{
  size_t widest = 0;
  for (uint32_t i = 0; i < instr->n_src + instr->n_dst; i++)
    {
      uint32_t operand = i < instr->n_src ? instr->src[i] : instr->dst[i - instr->n_src];
      const SfOperand *o = &count->stage->operands[operand];
      if (o->kind != SF_OPERAND_TEMP)
        widest = MAX (
            widest,
            sf_dtype_bytes (sf_config_buffer (count->program, count->config, o->buffer).dtype));
    }
  return widest == 1 ? SF_WIDTH_8 : widest == 2 ? SF_WIDTH_16 : SF_WIDTH_32;
}

/* A contraction as G products of M x K by K x N. */
typedef struct
{
  int64_t g, m, n, k;
} Product;

static Product
product_of (const Firing *firing, const SfInstr *instr)
{
  SfShape a = box_of (firing, instr->src[0]), b = box_of (firing, instr->src[1]),
          y = box_of (firing, instr->dst[0]);
  if (g_str_equal (instr->op, "conv2d"))
    return (Product){ 1, y.dim[0] * y.dim[2] * y.dim[3], y.dim[1], b.dim[1] * b.dim[2] * b.dim[3] };
  if (g_str_equal (instr->op, "conv2d_dx"))
    return (Product){ 1, y.dim[0] * y.dim[2] * y.dim[3], y.dim[1], a.dim[1] * b.dim[2] * b.dim[3] };
  if (g_str_equal (instr->op, "conv2d_dw"))
    return (Product){ 1, y.dim[0], y.dim[1] * y.dim[2] * y.dim[3], a.dim[0] * a.dim[2] * a.dim[3] };
  Product p = { 1, y.dim[y.rank - 2], y.dim[y.rank - 1],
                a.dim[a.rank - (instr->imm[0] != 0 ? 2 : 1)] };
  for (int d = 0; d < y.rank - 2; d++)
    p.g *= y.dim[d];
  return p;
}

/* The systolic array, or the SIMD pipeline where that is faster. */
static Blocks
matrix_blocks (const Count *count, const Firing *firing, const SfInstr *instr)
{
  Product p = product_of (firing, instr);
  SfWidth width = width_of (count, instr);
  int64_t lanes = count->info.pcu_lanes, stages = count->info.pcu_stages;
  int64_t array = p.g * ceil_div (p.m, stages) * ceil_div (p.n, lanes);
  int64_t simd = ceil_div (p.g * p.m * p.n, lanes);
  int64_t array_cycles = count->info.matrix_cycles[width],
          simd_cycles = count->info.simd_cycles[width];
  bool on_simd = simd * simd_cycles < array * array_cycles;
  return (Blocks){ .matrix = true,
                   .blocks = on_simd ? simd : array,
                   .cycles = p.k * (on_simd ? simd_cycles : array_cycles) };
}

static int64_t
kernel_area (const SfInstr *instr)
{
  return instr->imm[0] * instr->imm[1];
}

/* k (k + 1) / 2 steps with 2^k the row's length rounded up. */
static int64_t
sort_steps (const Firing *firing, const SfInstr *instr)
{
  int64_t row = box_of (firing, instr->src[0]).dim[instr->imm[0]], k = 0;
  while ((int64_t) 1 << k < row)
    k++;
  return k * (k + 1) / 2;
}

static Blocks
blocks_of (const Count *count, const Firing *firing, const SfInstr *instr)
{
  static const SfOpCost unknown = { SF_COUNT_OUT, 1, 0 };
  const SfOpCost *cost = sf_arch_op_cost (count->arch, instr->op);
  cost = cost != NULL ? cost : &unknown;
  if (cost->count == SF_COUNT_MATRIX)
    return matrix_blocks (count, firing, instr);
  int64_t times = 1;
  uint32_t counted = instr->dst[0];
  if (cost->count == SF_COUNT_IN || cost->count == SF_COUNT_SORT)
    counted = instr->src[0];
  if (cost->count == SF_COUNT_SORT)
    times = sort_steps (firing, instr);
  if (cost->count == SF_COUNT_WINDOW)
    {
      times = kernel_area (instr);
      if (g_str_has_suffix (instr->op, "_bwd"))
        counted = instr->src[0];
    }
  return (Blocks){ .blocks = ceil_div (box_elems (firing, counted), count->info.pcu_lanes),
                   .cycles = times * cost->body * count->info.simd_cycles[width_of (count, instr)],
                   .tail = times * cost->tail };
}

static void
add_firing (Count *count, const Firing *firing)
{
  for (size_t i = 0; i < count->stage->n_instrs; i++)
    {
      if (!runs (firing, &count->stage->instrs[i]))
        continue;
      Blocks blocks = blocks_of (count, firing, &count->stage->instrs[i]);
      blocks.instr = i;
      bool known = false;
      for (guint k = 0; k < count->blocks->len && !known; k++)
        {
          Blocks *other = &g_array_index (count->blocks, Blocks, k);
          known = other->instr == i && other->matrix == blocks.matrix
                  && other->cycles == blocks.cycles && other->tail == blocks.tail;
          if (known)
            other->blocks += blocks.blocks;
        }
      if (!known)
        g_array_append_val (count->blocks, blocks);
    }
}

static int64_t
compute_cycles (const Count *count)
{
  int64_t matrix = 0, body = 0, tail = 0;
  for (guint k = 0; k < count->blocks->len; k++)
    {
      const Blocks *b = &g_array_index (count->blocks, Blocks, k);
      int64_t most = ceil_div (b->blocks, count->stage->n_pcus);
      if (b->matrix)
        matrix += most * b->cycles;
      else
        body += most * b->cycles;
      tail += most * b->tail;
    }
  return MAX (MAX (matrix + ceil_div (body, count->info.pcu_stages), tail), 1);
}

/* ---- iterations ---- */

static int64_t
n_blocks (const SfCounter *counter)
{
  return ceil_div (counter->extent, counter->step);
}

/* The next firing with the same counter 0; false: the iteration is over. */
static bool
next_firing (Firing *firing)
{
  for (size_t k = firing->stage->n_counters; k-- > 1;)
    {
      firing->at[k] += firing->stage->counter[k].step;
      if (firing->at[k] < firing->stage->counter[k].extent)
        return true;
      firing->at[k] = 0;
    }
  return false;
}

static void
count_iteration (Count *count, Work *work, int64_t iteration)
{
  const SfStage *stage = count->stage;
  Firing firing = { .stage = stage };
  if (stage->n_counters > 0)
    firing.at[0] = iteration * stage->counter[0].step;
  g_array_set_size (count->blocks, 0);
  do
    {
      add_firing (count, &firing);
      for (uint32_t o = 0; o < stage->n_operands; o++)
        {
          if (stage->operands[o].kind == SF_OPERAND_TEMP)
            continue;
          SfBuffer buffer = sf_config_buffer (count->program, count->config,
                                              stage->operands[o].buffer);
          int64_t elems = stage->operands[o].kind == SF_OPERAND_IN ? read_elems (&firing, o)
                                                                   : written_elems (&firing, o);
          /* Buffers of single elements are on the scalar network. */
          int64_t vectors = buffer.token_elems == 1
                                ? elems
                                : ceil_div (elems * (int64_t) sf_dtype_bytes (buffer.dtype),
                                            count->info.vector_bytes);
          work->vectors[(size_t) iteration * work->n_operands + o] += vectors;
        }
    }
  while (next_firing (&firing));
  work->compute[iteration] = compute_cycles (count);
}

Work *
work_new (const SfProgram *program, uint32_t config, uint32_t stage, const SfArch *arch)
{
  SfStage s = sf_config_stage (program, config, stage);
  Work *work = g_new0 (Work, 1);
  bool idle = false;
  for (size_t k = 0; k < s.n_counters; k++)
    idle = idle || s.counter[k].extent == 0;
  work->iterations = idle ? 0 : s.n_counters > 0 ? n_blocks (&s.counter[0]) : 1;
  work->n_operands = s.n_operands;
  work->compute = g_new0 (int64_t, (size_t) work->iterations + 1);
  work->vectors = g_new0 (int64_t, (size_t) work->iterations * s.n_operands + 1);
  Count count = { .program = program,
                  .config = config,
                  .arch = arch,
                  .info = sf_arch_info (arch),
                  .stage = &s,
                  .blocks = g_array_new (FALSE, FALSE, sizeof (Blocks)) };
  for (int64_t i = 0; i < work->iterations; i++)
    count_iteration (&count, work, i);
  g_array_unref (count.blocks);
  return work;
}

void
work_free (Work *work)
{
  g_free (work->compute);
  g_free (work->vectors);
  g_free (work);
}
