/* SPDX-License-Identifier: Apache-2.0 */
/* Firings: boxes from counters, instructions on boxes, results as their buffers hold them. */
#include "plugins/backends/rdu/kernels_view.h"
#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/mutation.h"

/* Smallest j >= 0 with lo + j * step >= bound. */
static int64_t
first_at_least (int64_t lo, int64_t step, int64_t bound)
{
  return lo >= bound ? 0 : (bound - lo + step - 1) / step;
}

/* The box of an operand; position: first element of each block, length: of each block. */
static void
cut_box (const RduStage *stage, const RduOperand *operand, const int64_t *position,
         const int64_t *missing, void *base, const void *packed, RduView *view)
{
  int64_t offset = 0;
  view->rank = operand->rank;
  view->is_int = operand->is_int;
  view->dtype = operand->dtype;
  view->packed = packed;
  for (int d = 0; d < operand->rank; d++)
    {
      const SfAccess *access = &operand->access[d];
      int64_t lo = access->base, n = access->size;
      for (int k = 0; k < stage->n_counters; k++)
        {
          lo += access->coef[k] * position[k];
          n -= operand->shrink[d][k] * missing[k];
        }
      view->lo[d] = lo;
      view->n[d] = MAX (n, 0);
      view->step[d] = access->stride;
      view->dim[d] = operand->dim[d];
      view->stride[d] = operand->whole_stride[d] * access->stride;
      view->valid_lo[d] = MIN (first_at_least (lo, access->stride, 0), view->n[d]);
      view->valid_hi[d] = MIN (first_at_least (lo, access->stride, operand->dim[d]), view->n[d]);
      offset += lo * operand->whole_stride[d];
    }
  if (operand->kind == SF_OPERAND_TEMP)
    {
      rdu_layout_strides (operand->rank, view->n, operand->channels_last, view->stride);
      for (int d = 0; d < operand->rank; d++)
        {
          view->valid_lo[d] = 0;
          view->valid_hi[d] = view->n[d];
        }
      offset = 0;
    }
  view->data = (void *) ((uintptr_t) base + (uintptr_t) (offset * 4));
}

static void
run_instr (const RduStage *stage, const RduInstr *instr, const RduView *views, bool first,
           const RduCarried *carried, RduWorker *worker)
{
  RduCall call = { .n_src = instr->n_src,
                   .n_dst = instr->n_dst,
                   .imm = instr->imm,
                   .fimm = instr->fimm,
                   .first = first,
                   .scratch = worker->scratch,
                   .carried = carried,
                   .fault = &worker->fault };
  for (int i = 0; i < instr->n_src; i++)
    call.src[i] = &views[instr->src[i]];
  for (int i = 0; i < instr->n_dst; i++)
    call.dst[i] = &views[instr->dst[i]];
  instr->kernel->func (&call);
  rdu_mutate_after (stage, instr, &call);
}

/* Brings a box to what its buffer's dtype can hold. */
static void
settle_box (const RduStage *stage, SfDtype dtype, const RduView *view)
{
  RduWalk walk;
  if (!rdu_walk_begin (&walk, &view, 1))
    return;
  do
    if (rdu_walk_stride (&walk, 0) == 1)
      rdu_settle (stage->isa, dtype, walk.at[0], rdu_walk_row (&walk));
    else
      for (int64_t i = 0; i < rdu_walk_row (&walk); i++)
        rdu_settle (stage->isa, dtype, walk.at[0] + i * rdu_walk_stride (&walk, 0), 1);
  while (rdu_walk_next (&walk));
}

void
rdu_stage_settle (const RduStage *stage, const RduView *views, bool is_last)
{
  for (size_t i = 0; i < stage->n_results; i++)
    {
      const RduResult *result = &stage->results[i];
      if (is_last || !result->on_last)
        settle_box (stage, stage->operands[result->operand].stored, &views[result->operand]);
    }
}

void
rdu_group_run (const RduStage *stage, const RduGroup *group, const RduView *views, bool first,
               const RduCarried *carried, RduWorker *worker)
{
  if (group->instr != NULL)
    run_instr (stage, group->instr, views, first, carried, worker);
  else
    group->run (group->fused, views);
}

void
rdu_stage_cut (const RduStage *stage, const int64_t *block, const RduFrame *frame, float *temp,
               RduView *views)
{
  int64_t position[SF_MAX_COUNTERS], missing[SF_MAX_COUNTERS];
  for (int k = 0; k < stage->n_counters; k++)
    {
      const SfCounter *counter = &stage->counter[k];
      position[k] = block[k] * counter->step;
      missing[k] = counter->step - MIN (counter->step, counter->extent - position[k]);
    }
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const RduOperand *operand = &stage->operands[o];
      void *from = operand->kind == SF_OPERAND_TEMP ? temp + operand->temp_offset : frame->base[o];
      if (operand->is_seen)
        cut_box (stage, operand, position, missing, from, frame->packed[o], &views[o]);
    }
}

/* Whether the group begins its sums with this firing. */
static bool
is_first (const RduStage *stage, const RduGroup *group, const int64_t *block)
{
  bool first = true;
  for (int k = 0; group->instr != NULL && k < stage->n_counters; k++)
    first &= (group->instr->sums >> k & 1) == 0 || block[k] == 0;
  return first;
}

void
rdu_stage_fire (const RduStage *stage, const int64_t *block, const RduFrame *frame,
                RduWorker *worker)
{
  RduView views[RDU_MAX_OPERANDS];
  bool is_last = true;
  for (int k = 0; k < stage->n_counters; k++)
    is_last &= (stage->reductions >> k & 1) == 0 || block[k] == stage->n_blocks[k] - 1;
  rdu_stage_cut (stage, block, frame, worker->temp, views);
  for (size_t g = 0; g < stage->n_groups; g++)
    {
      const RduGroup *group = &stage->groups[g];
      if (group->on_last && !is_last)
        continue;
      if (group->n_together > 1
          && rdu_pieces_run (stage, group, views, is_first (stage, &group[1], block), frame->wanted,
                             worker))
        g += group->n_together - 1;
      else if ((group->serves & frame->wanted) != 0)
        rdu_group_run (stage, group, views, is_first (stage, group, block), NULL, worker);
    }
  rdu_stage_settle (stage, views, is_last);
}

bool
rdu_stage_writes (const RduStage *stage, uint32_t buffer)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind == SF_OPERAND_OUT && stage->operands[o].buffer == buffer)
      return true;
  return false;
}

/* Whether the operand is complete in the last block of the reduction counters only. */
static bool
is_complete_last (const RduStage *stage, uint32_t operand)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    for (int k = 0; k < stage->instrs[i].n_dst; k++)
      if (stage->instrs[i].dst[k] == operand
          && (stage->instrs[i].on_last || stage->instrs[i].sums != 0))
        return true;
  return false;
}

void
rdu_stage_find_results (RduStage *stage)
{
  stage->results = g_new0 (RduResult, stage->n_operands);
  for (uint32_t o = 0; o < stage->n_operands; o++)
    {
      const RduOperand *operand = &stage->operands[o];
      if (operand->kind == SF_OPERAND_OUT && operand->stored != SF_F32 && operand->stored != SF_I32
          && !operand->is_settled && !operand->is_partial)
        stage->results[stage->n_results++] = (RduResult){ .operand = o,
                                                          .on_last = is_complete_last (stage, o) };
    }
}
