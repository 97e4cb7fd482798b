/* SPDX-License-Identifier: Apache-2.0 */
/* In which blocks this host runs a stage: joined as far as they go, then split, outermost counter
 * first, until the boxes fit the cache and there are jobs enough for the workers. */
#include <unistd.h>

#include "plugins/backends/rdu/blocks.h"

enum
{
  JOBS_PER_WORKER = 4,
  MIN_JOB_NS = 10000,     /* what a job of its own must be worth */
  GEMM_GRAIN = 48,        /* rows or columns that a contraction's packing needs to pay */
  WINDOW_GRAIN = 8,       /* channels or image rows */
  DEFAULT_CACHE = 1 << 20 /* when the system does not say */
};

bool
rdu_host_init (RduHost *host, int n_workers, GError **error)
{
  const char *forced = g_getenv ("SF_RDU_BLOCK");
  long cache = sysconf (_SC_LEVEL2_CACHE_SIZE);
  guint64 step = 0;
  *host = (RduHost){ .n_workers = n_workers, .cache_bytes = cache > 0 ? cache : DEFAULT_CACHE };
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

static bool
moves (const SfOperand *operand, size_t k)
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

/* Whether the instruction gives the same bits however the counter is cut: what it reads of a block
 * goes to the results of that block, or into a sum that goes on. */
static bool
follows (const SfStage *stage, const SfInstr *instr, const RduIsa *isa, size_t k)
{
  bool reads = false, writes_all = true, writes = false;
  for (uint32_t i = 0; i < instr->n_src; i++)
    reads |= moves (&stage->operands[instr->src[i]], k);
  for (uint32_t i = 0; i < instr->n_dst; i++)
    {
      bool own = moves (&stage->operands[instr->dst[i]], k);
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
  return is_reduction && op->accumulates && kernel->goes_on;
}

/* Whether the length of the counter's blocks is this host's business. */
static bool
is_free (const SfStage *stage, const RduIsa *isa, size_t k)
{
  SfCounterKind kind = stage->counter[k].kind;
  if (kind == SF_COUNTER_SEQUENTIAL || stage->counter[k].extent == 0)
    return false;
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *operand = &stage->operands[o];
      if (!moves_simply (stage, operand, k)
          || (kind == SF_COUNTER_PARALLEL && operand->kind == SF_OPERAND_OUT
              && !moves (operand, k)))
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

/* Shortest blocks of the counter that kernels run well on. */
static int64_t
grain (const SfStage *stage, size_t k)
{
  int64_t least = 1;
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfTileOp *op = sf_tile_op_find (stage->instrs[i].op, stage->instrs[i].version);
      const SfOperand *y = &stage->operands[stage->instrs[i].dst[0]];
      int from = op->tile_class == SF_TILE_GEMM     ? y->shape.rank - 2
                 : op->tile_class == SF_TILE_WINDOW ? 1
                                                    : y->shape.rank;
      for (int d = MAX (from, 0); d < y->shape.rank; d++)
        if (y->dim[d].coef[k] != 0)
          least = MAX (least, op->tile_class == SF_TILE_GEMM ? GEMM_GRAIN : WINDOW_GRAIN);
    }
  return least;
}

static __int128
box_bytes (const SfOperand *operand)
{
  __int128 n = 4;
  for (int d = 0; d < operand->shape.rank; d++)
    n = MIN (n * operand->dim[d].size, (__int128) 1 << 62);
  return n;
}

/* Bytes that a firing turns over, of the operands that come in blocks. What a kernel adds up over
 * streams through it in whatever pieces the kernel likes. */
static __int128
firing_bytes (const SfStage *stage, unsigned free)
{
  __int128 bytes = 0;
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      bool in_blocks = false, streams = false;
      for (size_t k = 0; k < stage->n_counters; k++)
        if (moves (&stage->operands[o], k))
          {
            streams |= stage->counter[k].kind == SF_COUNTER_REDUCTION;
            in_blocks |= (free >> k & 1) != 0;
          }
      if (in_blocks && !streams)
        bytes += box_bytes (&stage->operands[o]);
    }
  return bytes;
}

/* Rough time of the whole stage on one worker. */
static double
estimate_ns (const SfStage *stage)
{
  double bytes = 0;
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind != SF_OPERAND_TEMP)
      bytes += 4.0 * (double) sf_shape_n_elems (&stage->operands[o].shape);
  return (double) stage->flops / 100 + bytes / 20;
}

/* Halves the blocks of the outermost counter that can still be split; false: of none. */
static bool
split (SfStage *stage, SfOperand *operands, unsigned free)
{
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      SfCounter *counter = &stage->counter[k];
      if ((free >> k & 1) == 0 || counter->kind != SF_COUNTER_PARALLEL)
        continue;
      int64_t least = grain (stage, k), unit = least > 1 ? 8 : 1, blocks = 2 * n_blocks (counter);
      int64_t step = (counter->extent + blocks - 1) / blocks;
      step = MAX ((step + unit - 1) / unit * unit, least);
      if (step < counter->step && set_step (stage, operands, k, step))
        return true;
    }
  return false;
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

SfOperand *
rdu_choose_blocks (SfStage *stage, const RduIsa *isa, const RduHost *host)
{
  SfOperand *operands = g_memdup2 (stage->operands, stage->n_operands * sizeof *operands);
  unsigned free = 0;
  stage->operands = operands;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      SfCounter *counter = &stage->counter[k];
      if (!is_free (stage, isa, k))
        continue;
      bool forced = host->forced_step > 0;
      int64_t step = forced ? MIN (host->forced_step, counter->extent) : counter->extent;
      if (counter->kind == SF_COUNTER_REDUCTION)
        step = MAX (step, counter->step);
      if (set_step (stage, operands, k, step))
        free |= 1u << k;
    }
  if (host->forced_step > 0)
    return operands;
  double worth = estimate_ns (stage) / MIN_JOB_NS;
  int64_t wanted = host->n_workers == 1 ? 1 : JOBS_PER_WORKER * host->n_workers;
  wanted = (double) wanted < worth ? wanted : MAX ((int64_t) worth, 1);
  while ((n_jobs (stage) < wanted || firing_bytes (stage, free) > host->cache_bytes / 4 * 3)
         && split (stage, operands, free))
    ;
  return operands;
}
