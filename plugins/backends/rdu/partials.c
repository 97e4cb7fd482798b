/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over firings that run at one time: each firing leaves what it adds in a place of its own,
 * and they are added up in the order of firings afterwards - the bits of one firing after the
 * other. */
#include <string.h>

#include "plugins/backends/rdu/machine.h"

enum
{
  FOLD_GRAIN = 4096,
  MAX_ELEMS = 1 << 20, /* of all places of a stage */
  ENOUGH_JOBS = 2      /* a worker: more need no sum to be cut */
};

/* Whether the operand is the stage's only one on its buffer. */
static bool
is_alone (const RduStage *stage, uint32_t operand)
{
  for (uint32_t o = 0; o < stage->n_operands; o++)
    if (o != operand && stage->operands[o].kind != SF_OPERAND_TEMP
        && stage->operands[o].buffer == stage->operands[operand].buffer)
      return false;
  return true;
}

/* A sum whose firings begin anew, into a buffer that the stage does nothing else with. */
static bool
is_partial_sum (const RduStage *stage, const RduInstr *instr)
{
  uint32_t dst = instr->dst[0];
  if (strcmp (instr->op, "reduce_sum") != 0 || instr->kernel->goes_on != 0
      || stage->operands[dst].kind != SF_OPERAND_OUT || !is_alone (stage, dst))
    return false;
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const RduInstr *other = &stage->instrs[i];
      for (int k = 0; k < other->n_src; k++)
        if (other->src[k] == dst)
          return false;
      for (int k = 0; k < other->n_dst; k++)
        if (other->dst[k] == dst && other != instr)
          return false;
    }
  return true;
}

/* Whether all that is carried from firing to firing are such sums, all over the same counters. */
static bool
has_partial_sums (const RduStage *stage)
{
  bool found = false;
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const RduInstr *instr = &stage->instrs[i];
      if (instr->on_last
          || (instr->sums != 0
              && (instr->sums != stage->reductions || !is_partial_sum (stage, instr))))
        return false;
      found |= instr->sums != 0;
    }
  return found;
}

/* Elements of the operand's whole tensor, in whole cache lines. */
static int64_t
padded_elems (const RduOperand *operand)
{
  int64_t n = 1;
  for (int d = 0; d < operand->rank; d++)
    n *= operand->dim[d];
  return (n + 15) / 16 * 16;
}

void
rdu_stage_find_partials (RduStage *stage, int n_workers)
{
  int64_t n = 1, elems = 0;
  for (int k = 0; k < stage->n_counters; k++)
    if ((stage->reductions >> k & 1) != 0)
      n *= stage->n_blocks[k];
  if (n_workers == 1 || n <= 1 || stage->n_jobs >= ENOUGH_JOBS * n_workers
      || !has_partial_sums (stage))
    return;
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (stage->instrs[i].sums != 0)
      elems += padded_elems (&stage->operands[stage->instrs[i].dst[0]]);
  if (elems > MAX_ELEMS / n)
    return;
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (stage->instrs[i].sums != 0)
      {
        RduOperand *operand = &stage->operands[stage->instrs[i].dst[0]];
        stage->instrs[i].sums = 0;
        operand->is_partial = true;
        operand->partial_offset = stage->partial_elems;
        stage->partial_elems += padded_elems (operand);
      }
  int n_serial = 0;
  for (int i = 0; i < stage->n_serial; i++)
    if ((stage->reductions >> stage->serial[i] & 1) != 0)
      stage->split[stage->n_split++] = stage->serial[i];
    else
      stage->serial[n_serial++] = stage->serial[i];
  stage->n_serial = n_serial;
  stage->n_partials = n;
  stage->n_jobs *= n;
}

static const int32_t *
places (const RduTask *task)
{
  return task->machine->arena + task->launch->shared[task->position];
}

void
rdu_partials_place (const RduTask *task, const int64_t *block, RduFrame *frame)
{
  const RduStage *stage = &task->launch->config->stages[task->position];
  int64_t place = 0;
  for (int k = 0; k < stage->n_counters; k++)
    if ((stage->reductions >> k & 1) != 0)
      place = place * stage->n_blocks[k] + block[k];
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].is_partial)
      frame->base[o] = (int32_t *) places (task) + place * stage->partial_elems
                       + stage->operands[o].partial_offset;
}

int64_t
rdu_partials_elems (const RduOperand *operand, int64_t *grain)
{
  int64_t n = 1;
  for (int d = 0; d < operand->rank; d++)
    n *= operand->dim[d];
  *grain = FOLD_GRAIN;
  return n;
}

/* Adds the place's sums to those of the places before it. */
static void
add_place (const RduOperand *operand, int32_t *sums, const int32_t *place, size_t n)
{
  float *sum = (float *) (void *) sums;
  const float *term = (const float *) (const void *) place;
  for (size_t i = 0; i < n; i++)
    if (operand->is_int)
      sums[i] = (int32_t) ((uint32_t) sums[i] + (uint32_t) place[i]);
    else
      sum[i] += term[i];
}

void
rdu_partials_work (void *user_data, int worker, int64_t begin, int64_t end)
{
  const RduTask *task = user_data;
  const RduStage *stage = &task->launch->config->stages[task->position];
  const RduOperand *operand = &stage->operands[task->index];
  const int32_t *from = places (task) + operand->partial_offset + begin;
  int32_t *to = (int32_t *) task->launch->base[operand->buffer] + begin;
  size_t n = (size_t) (end - begin);
  (void) worker;
  if (rdu_task_is_void (task))
    return;
  memcpy (to, from, n * 4);
  for (int64_t place = 1; place < stage->n_partials; place++)
    add_place (operand, to, from + place * stage->partial_elems, n);
  rdu_settle (stage->isa, operand->stored, to, end - begin);
}
