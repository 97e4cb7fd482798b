/* SPDX-License-Identifier: Apache-2.0 */
/* In which blocks this host runs a stage: joined as far as they go, then split, outermost counter
 * first and rows of the results last, until the boxes fit the cache and there are jobs enough for
 * the workers; then so that these end at about the same time. */
#include <unistd.h>

#include "plugins/backends/rdu/blocks.h"

enum
{
  JOBS_PER_WORKER = 4,
  MIN_JOB_NS = 20000,     /* what a job of its own must be worth, */
  FIRST_JOB_NS = 4000,    /* and the first one of a worker, which would wait otherwise */
  GEMM_ROWS = 48,         /* that packing needs to pay */
  GEMM_COLUMNS = 128,     /* over which packing the left operand is spread, */
  MANY_COLUMNS = 256,     /* where there are so many */
  CONV_PIXELS = 128,      /* the same of a convolution */
  TILE_COLUMNS = 64,      /* of a contraction's tile, or result channels */
  SUM_COLUMNS = 256,      /* of rows that are added up: some cache lines of each */
  PART_OF_CHANNELS = 128, /* of a pixel, that a convolution's worker may have for itself */
  LANES = 16,             /* of a vector */
  MAX_HALVINGS = 3,       /* of what kernels run well on, for idle workers */
  LEAST_GAIN = 3,         /* of a hundred, that other blocks are worth */
  DEFAULT_CACHE = 1 << 20 /* when the system does not say */
};

bool
rdu_host_init (RduHost *host, int n_workers, GError **error)
{
  const char *forced = g_getenv ("SF_RDU_BLOCK"), *chains = g_getenv ("SF_RDU_CHAINS");
  bool has_none = g_strcmp0 (chains, "no") == 0;
  long cache = sysconf (_SC_LEVEL2_CACHE_SIZE);
  guint64 step = 0;
  *host = (RduHost){ .n_workers = n_workers,
                     .cache_bytes = cache > 0 ? cache : DEFAULT_CACHE,
                     .has_chains = !has_none };
  if (chains != NULL && *chains != '\0' && !has_none && !g_str_equal (chains, "auto"))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "SF_RDU_CHAINS: found \"%s\", wanted auto or no; unset it or name one of these",
                    chains);
  if (forced != NULL && *forced != '\0'
      && !g_ascii_string_to_unsigned (forced, 10, 1, G_MAXINT32, &step, NULL))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "SF_RDU_BLOCK: found \"%s\", wanted a length of blocks from 1; unset it",
                    forced);
  host->forced_step = (int64_t) step;
  return true;
}

static int64_t
n_blocks (const SfCounter *counter)
{
  return (counter->extent + counter->step - 1) / counter->step;
}

bool
rdu_blocks_move (const SfOperand *operand, size_t k)
{
  for (int d = 0; d < operand->shape.rank; d++)
    if (operand->dim[d].coef[k] != 0)
      return true;
  return false;
}

/* Whether boxes of the operand move along one dimension at most and, results, touch end to end. */
static bool
moves_simply (const SfStage *stage, const SfOperand *operand, size_t k)
{
  int n = 0;
  for (int d = 0; d < operand->shape.rank; d++)
    {
      const SfAccess *a = &operand->dim[d];
      if (a->coef[k] == 0)
        continue;
      if (operand->kind == SF_OPERAND_OUT
          && a->size != a->coef[k] / a->stride * stage->counter[k].step)
        return false;
      n++;
    }
  return n <= 1;
}

/* Whether a sum goes on from one block of the counter to the next. */
static bool
goes_on (const SfOperand *source, const RduKernel *kernel, size_t k)
{
  unsigned moved = 0;
  for (int d = 0; d < source->shape.rank; d++)
    if (source->dim[d].coef[k] != 0)
      moved |= 1u << d;
  return moved != 0 && (moved & ~kernel->goes_on) == 0;
}

/* Whether the instruction gives the same bits however the counter is cut: what it reads of a block
 * goes to the results of that block, or into a sum that goes on. */
static bool
follows (const SfStage *stage, const SfInstr *instr, const RduIsa *isa, size_t k)
{
  bool reads = false, writes_all = true, writes = false;
  for (uint32_t i = 0; i < instr->n_src; i++)
    reads |= rdu_blocks_move (&stage->operands[instr->src[i]], k);
  for (uint32_t i = 0; i < instr->n_dst; i++)
    {
      bool own = rdu_blocks_move (&stage->operands[instr->dst[i]], k);
      writes |= own;
      writes_all &= own;
    }
  const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
  const RduKernel *kernel = rdu_isa_find (isa, instr->op, instr->version);
  if (op == NULL || kernel == NULL)
    return false;
  bool is_reduction = stage->counter[k].kind == SF_COUNTER_REDUCTION;
  if (is_reduction && instr->when == SF_WHEN_LAST)
    return !reads && !writes;
  if (!reads || writes_all)
    return true;
  return is_reduction && op->accumulates && goes_on (&stage->operands[instr->src[0]], kernel, k);
}

bool
rdu_blocks_are_free (const SfStage *stage, const RduIsa *isa, size_t k)
{
  SfCounterKind kind = stage->counter[k].kind;
  if (kind == SF_COUNTER_SEQUENTIAL || stage->counter[k].extent == 0)
    return false;
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *operand = &stage->operands[o];
      if (!moves_simply (stage, operand, k)
          || (kind == SF_COUNTER_PARALLEL && operand->kind == SF_OPERAND_OUT
              && !rdu_blocks_move (operand, k)))
        return false;
    }
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (!follows (stage, &stage->instrs[i], isa, k))
      return false;
  return true;
}

/* Boxes for another step of counter k. `operands` are the stage's own. */
static void
resize (const SfStage *stage, SfOperand *operands, size_t k, int64_t from, int64_t to)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    for (int d = 0; d < operands[o].shape.rank; d++)
      {
        SfAccess *a = &operands[o].dim[d];
        a->size += a->coef[k] / a->stride * (to - from);
      }
}

/* Whether the boxes would stay within reason: a padded one is not bounded by its tensor. */
static bool
is_bounded (const SfStage *stage, size_t k, int64_t step)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    for (int d = 0; d < stage->operands[o].shape.rank; d++)
      {
        const SfAccess *a = &stage->operands[o].dim[d];
        __int128 size = a->size
                        + (__int128) (a->coef[k] / a->stride) * (step - stage->counter[k].step);
        if (size < 1 || size > 2 * ((__int128) a->size + stage->operands[o].shape.dim[d]))
          return false;
      }
  return true;
}

/* Takes the step when all boxes still fit together. */
static bool
set_step (SfStage *stage, SfOperand *operands, size_t k, int64_t step)
{
  int64_t before = stage->counter[k].step;
  if (step == before)
    return true;
  if (!is_bounded (stage, k, step))
    return false;
  resize (stage, operands, k, before, step);
  stage->counter[k].step = step;
  if (sf_stage_boxes_fit (stage))
    return true;
  stage->counter[k].step = before;
  resize (stage, operands, k, step, before);
  return false;
}

/* Shortest run of indices along dimension d of an instruction's result that its kernel runs well
 * on. */
static int64_t
result_grain (const SfTileOp *op, const SfOperand *y, int d)
{
  if (op->tile_class == SF_TILE_GEMM)
    return d == y->shape.rank - 2            ? GEMM_ROWS
           : d < y->shape.rank - 2           ? 1
           : y->shape.dim[d] >= MANY_COLUMNS ? GEMM_COLUMNS
                                             : TILE_COLUMNS;
  if (op->tile_class != SF_TILE_WINDOW || y->shape.rank != 4)
    return 1;
  if (g_str_equal (op->name, "conv2d_dw") && d == 0 && y->shape.dim[0] <= RDU_CONV_FEW)
    return (y->shape.dim[0] + 1) / 2;
  if (g_str_equal (op->name, "conv2d_dw"))
    return (const int64_t[]){ TILE_COLUMNS, TILE_COLUMNS, 1, 1 }[d];
  if (!g_str_has_prefix (op->name, "conv2d"))
    return (const int64_t[]){ 1, LANES, 4, LANES }[d];
  /* Weights are gone through once for all pixels of a box. */
  int64_t pixels = MAX (y->dim[2].size * y->dim[3].size, 1);
  return (const int64_t[]){ (CONV_PIXELS + pixels - 1) / pixels, TILE_COLUMNS, 4, LANES }[d];
}

static bool
has_windows (const SfStage *stage)
{
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    if (sf_tile_op_find (stage->instrs[i].op, stage->instrs[i].version)->tile_class
        == SF_TILE_WINDOW)
      return true;
  return false;
}

/* Channels of an image that has them innermost in memory, if the counter goes through them: part of
 * them is part of every row, at least of every cache line. 0: it does not. */
static int64_t
row_of_channels (const SfOperand *operand, bool channels_last, size_t k)
{
  return channels_last && operand->dim[1].coef[k] != 0 ? operand->shape.dim[1] : 0;
}

/* Whether the counter's blocks are parts of such rows for what goes element by element, or row by
 * row: each worker would go through all of the image, for some of each row. */
static bool
cuts_channels (const SfStage *stage, const bool *channels_last, size_t k)
{
  if (has_windows (stage))
    return false;
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind != SF_OPERAND_TEMP
        && row_of_channels (&stage->operands[o], channels_last[o], k) > 0)
      return true;
  return false;
}

/* As much of each row as is worth while where an instruction adds up rows of floats, which may pass
 * by in pieces; 0: it does not. */
static int64_t
row_of_sums (const SfTileOp *op, const SfOperand *operand, bool channels_last, size_t k)
{
  int inner = operand->shape.rank - 1;
  if (!g_str_equal (op->name, "reduce_sum") || !sf_dtype_is_float (operand->dtype) || channels_last
      || inner < 1 || operand->dim[inner].coef[k] == 0)
    return 0;
  return MIN (operand->shape.dim[inner], SUM_COLUMNS);
}

/* Of the channels of a pixel, no more than `part` have to stay together. */
static int64_t
least_of (const SfStage *stage, const bool *channels_last, size_t k, int64_t part)
{
  int64_t least = 1;
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
      const SfOperand *y = &stage->operands[instr->dst[0]];
      for (int d = 0; d < y->shape.rank; d++)
        if (y->dim[d].coef[k] != 0)
          least = MAX (least, result_grain (op, y, d));
      for (uint32_t s = 0; s < instr->n_src && op->tile_class != SF_TILE_WINDOW; s++)
        {
          const SfOperand *x = &stage->operands[instr->src[s]];
          bool is_last = channels_last[instr->src[s]];
          least = MAX (least, MIN (row_of_channels (x, is_last, k), part));
          least = MAX (least, row_of_sums (op, x, is_last, k));
        }
    }
  return least;
}

int64_t
rdu_blocks_least (const SfStage *stage, const bool *channels_last, size_t k)
{
  return least_of (stage, channels_last, k, INT64_MAX);
}

static __int128
box_bytes (const SfOperand *operand)
{
  __int128 n = 4;
  for (int d = 0; d < operand->shape.rank; d++)
    n = MIN (n * operand->dim[d].size, (__int128) 1 << 62);
  return n;
}

/* Whether kernels go over the operand in pieces of their own choice: what is contracted, and what
 * comes of it if nothing else looks at it. */
static bool
is_streamed (const SfStage *stage, uint32_t operand)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      SfTileClass kind = sf_tile_op_find (instr->op, instr->version)->tile_class;
      if (kind == SF_TILE_GEMM || kind == SF_TILE_WINDOW)
        continue;
      for (uint32_t k = 0; k < instr->n_src; k++)
        if (instr->src[k] == operand)
          return false;
      for (uint32_t k = 0; k < instr->n_dst; k++)
        if (instr->dst[k] == operand)
          return false;
    }
  return true;
}

/* Bytes that go from instruction to instruction, or in and out of them, in a firing. */
static __int128
firing_bytes (const SfStage *stage, unsigned free)
{
  __int128 bytes = 0;
  for (uint32_t o = 0; o < stage->n_operands; o++)
    {
      bool in_blocks = false;
      for (size_t k = 0; k < stage->n_counters; k++)
        in_blocks |= (free >> k & 1) != 0 && rdu_blocks_move (&stage->operands[o], k);
      if (in_blocks && !is_streamed (stage, o))
        bytes += box_bytes (&stage->operands[o]);
    }
  return bytes;
}

double
rdu_blocks_estimate_ns (const SfStage *stage)
{
  double bytes = 0;
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind != SF_OPERAND_TEMP)
      bytes += 4.0 * (double) sf_shape_n_elems (&stage->operands[o].shape);
  return (double) stage->flops / 100 + bytes / 20;
}

/* What is to be cut, and as far as what. */
typedef struct
{
  SfStage *stage;
  SfOperand *operands; /* the stage's */
  unsigned free;       /* counters */
  unsigned in_rows;    /* counters that go along the rows of the results */
  int64_t least[SF_MAX_COUNTERS];
} Cut;

static bool
may_cut (const Cut *cut, size_t k)
{
  return (cut->free >> k & 1) != 0 && cut->stage->counter[k].kind == SF_COUNTER_PARALLEL;
}

/* Whole vectors where it goes by vectors, else lengths that divide well. */
static int64_t
unit_of (const Cut *cut, size_t k)
{
  int64_t least = cut->least[k];
  return least < 8 ? 1 : (least & (least - 1)) == 0 ? least : 8;
}

/* Step of counter k with twice as many blocks; 0: they would be too short. */
static int64_t
half_step (const Cut *cut, size_t k)
{
  const SfCounter *counter = &cut->stage->counter[k];
  if (!may_cut (cut, k))
    return 0;
  int64_t unit = unit_of (cut, k), blocks = 2 * n_blocks (counter);
  int64_t step = (counter->extent + blocks - 1) / blocks;
  if (step < cut->least[k])
    return 0;
  step = (step + unit - 1) / unit * unit;
  return step < counter->step ? step : 0;
}

/* Whether counter k is the one to halve rather than counter `than`: it has more to spare, or, in
 * the order of the counters, it does not cut the rows of the results. */
static bool
goes_before (const Cut *cut, size_t k, size_t than, bool most)
{
  if (most)
    return half_step (cut, k) * cut->least[than] > half_step (cut, than) * cut->least[k];
  return (cut->in_rows >> than & 1) != 0 && (cut->in_rows >> k & 1) == 0;
}

/* Halves the blocks of a counter, the outermost or the one that has most to spare; false: of none.
 */
static bool
split (Cut *cut, bool most)
{
  size_t best = cut->stage->n_counters;
  for (size_t k = 0; k < cut->stage->n_counters; k++)
    if (half_step (cut, k) > 0
        && (best == cut->stage->n_counters || goes_before (cut, k, best, most)))
      best = k;
  if (best == cut->stage->n_counters)
    return false;
  if (!set_step (cut->stage, cut->operands, best, half_step (cut, best)))
    cut->free &= ~(1u << best);
  return true;
}

static int64_t
n_jobs (const SfStage *stage)
{
  int64_t n = 1;
  for (size_t k = 0; k < stage->n_counters; k++)
    if (stage->counter[k].kind == SF_COUNTER_PARALLEL)
      n *= n_blocks (&stage->counter[k]);
  return n;
}

/* ---- blocks that divide well among the workers ---- */

/* When the last of them is done, in indices of counter k: each takes the next job when it is done
 * with one, those at the end of the counter, which may be shorter, last. */
static int64_t
time_of (const SfStage *stage, size_t k, int64_t step, int n_workers)
{
  const SfCounter *counter = &stage->counter[k];
  int64_t others = n_jobs (stage) / n_blocks (counter), rest = counter->extent % step;
  int64_t n_whole = others * (counter->extent / step), n_more = n_whole % n_workers;
  int64_t all = n_whole / n_workers * step, some = n_more > 0 ? all + step : all;
  if (rest == 0)
    return some;
  int64_t n_idle = n_workers - n_more, total = others * counter->extent;
  return MAX (some, MIN (all + (others + n_idle - 1) / n_idle * rest, total / n_workers + rest));
}

/* Rows of a convolution by minimal filtering go by two; any other may do so, too. */
static int64_t
level_unit (const Cut *cut, size_t k)
{
  const SfStage *stage = cut->stage;
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      if (!g_str_has_prefix (instr->op, "conv2d"))
        continue;
      const SfOperand *y = &stage->operands[instr->dst[0]], *w = &stage->operands[instr->src[1]];
      for (int d = 2; d < 4; d++)
        if (y->dim[d].coef[k] != 0 && w->shape.dim[d] > 1)
          return 2 * unit_of (cut, k);
    }
  return unit_of (cut, k);
}

/* The step of counter k with which the workers end earliest, by more jobs rather than fewer. */
static int64_t
level_step (const Cut *cut, size_t k, int n_workers)
{
  const SfCounter *counter = &cut->stage->counter[k];
  int64_t unit = level_unit (cut, k), best = counter->step;
  int64_t least = MAX ((cut->least[k] + unit - 1) / unit * unit, unit);
  int64_t limit = time_of (cut->stage, k, best, n_workers) * (100 - LEAST_GAIN) / 100;
  for (int64_t step = counter->extent / unit * unit; step >= least; step -= unit)
    {
      int64_t time = time_of (cut->stage, k, step, n_workers);
      if (time > limit)
        continue;
      limit = time;
      best = step;
    }
  return best;
}

/* Other blocks of one counter that was cut, where some workers would wait for the others. */
static void
level (Cut *cut, int n_workers, __int128 near)
{
  for (size_t k = 0; k < cut->stage->n_counters; k++)
    {
      int64_t before = cut->stage->counter[k].step;
      if (!may_cut (cut, k) || before >= cut->stage->counter[k].extent)
        continue;
      int64_t step = level_step (cut, k, n_workers);
      if (step == before || !set_step (cut->stage, cut->operands, k, step))
        continue;
      if (step < before || firing_bytes (cut->stage, cut->free) <= near)
        return;
      set_step (cut->stage, cut->operands, k, before);
    }
}

/* Counters that go along what is innermost in memory of the largest result. */
static unsigned
along_rows (const SfStage *stage, const bool *channels_last)
{
  unsigned counters = 0;
  int64_t most = 0;
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *y = &stage->operands[o];
      int64_t n_elems = sf_shape_n_elems (&y->shape);
      if (y->kind != SF_OPERAND_OUT || y->shape.rank < 2 || n_elems <= most)
        continue;
      const SfAccess *row = &y->dim[channels_last[o] ? 1 : y->shape.rank - 1];
      most = n_elems;
      counters = 0;
      for (size_t k = 0; k < stage->n_counters; k++)
        counters |= row->coef[k] != 0 ? 1u << k : 0;
    }
  return counters;
}

/* Joins what is free; forced: to blocks of that length. */
static unsigned
join (SfStage *stage, SfOperand *operands, const RduIsa *isa, int64_t forced)
{
  unsigned free = 0;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      SfCounter *counter = &stage->counter[k];
      if (!rdu_blocks_are_free (stage, isa, k))
        continue;
      int64_t step = forced > 0 ? MIN (forced, counter->extent) : counter->extent;
      if (counter->kind == SF_COUNTER_REDUCTION)
        step = MAX (step, counter->step);
      if (set_step (stage, operands, k, step))
        free |= 1u << k;
    }
  return free;
}

/* As many as keep all workers busy to the end, if they are worth it. */
static int64_t
wanted_jobs (const SfStage *stage, const RduHost *host)
{
  double ns = MIN (rdu_blocks_estimate_ns (stage), (double) INT32_MAX);
  if (host->n_workers == 1)
    return 1;
  int64_t first = MIN ((int64_t) (ns / FIRST_JOB_NS), host->n_workers);
  int64_t all = MIN ((int64_t) (ns / MIN_JOB_NS), JOBS_PER_WORKER * host->n_workers);
  return MAX (MAX (first, all), 1);
}

SfOperand *
rdu_choose_blocks (SfStage *stage, const bool *channels_last, const RduIsa *isa,
                   const RduHost *host)
{
  SfOperand *operands = g_memdup2 (stage->operands, stage->n_operands * sizeof *operands);
  Cut cut = { .stage = stage, .operands = operands, .in_rows = along_rows (stage, channels_last) };
  stage->operands = operands;
  cut.free = join (stage, operands, isa, host->forced_step);
  if (host->forced_step > 0)
    return operands;
  for (size_t k = 0; k < stage->n_counters; k++)
    if ((cut.free >> k & 1) != 0)
      cut.least[k] = rdu_blocks_least (stage, channels_last, k);
  int64_t wanted = wanted_jobs (stage, host);
  __int128 near = host->cache_bytes / 4 * 3;
  while ((n_jobs (stage) < wanted || firing_bytes (stage, cut.free) > near) && split (&cut, false))
    ;
  for (size_t k = 0; k < stage->n_counters && has_windows (stage); k++)
    if ((cut.free >> k & 1) != 0)
      cut.least[k] = least_of (stage, channels_last, k, PART_OF_CHANNELS);
  while (n_jobs (stage) < wanted && split (&cut, false))
    ;
  /* Half the lanes of two workers do as much as all of one. */
  for (int i = 0; i < MAX_HALVINGS && n_jobs (stage) < MIN (wanted, host->n_workers); i++)
    {
      for (size_t k = 0; k < stage->n_counters; k++)
        if (!cuts_channels (stage, channels_last, k))
          cut.least[k] = MAX (cut.least[k] / 2, 1);
      while (n_jobs (stage) < MIN (wanted, host->n_workers) && split (&cut, true))
        ;
    }
  if (n_jobs (stage) > 1)
    level (&cut, host->n_workers, near);
  return operands;
}

SfOperand *
rdu_take_blocks (SfStage *stage, const RduIsa *isa, const RduHost *host, size_t k, int64_t step)
{
  SfOperand *operands = g_memdup2 (stage->operands, stage->n_operands * sizeof *operands);
  stage->operands = operands;
  if ((join (stage, operands, isa, host->forced_step) >> k & 1) != 0)
    set_step (stage, operands, k, MIN (step, stage->counter[k].extent));
  return operands;
}
