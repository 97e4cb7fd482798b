/* SPDX-License-Identifier: Apache-2.0 */
/* Firings: boxes from counters, instructions on boxes, and all firings of a stage over the workers.
 */
#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/mutation.h"

/* Below this many elements a fork-join costs more than it saves. */
#define WORTH_A_FORK 8192

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
           RduWorker *worker)
{
  RduCall call = { .n_src = instr->n_src,
                   .n_dst = instr->n_dst,
                   .imm = instr->imm,
                   .fimm = instr->fimm,
                   .first = first,
                   .scratch = worker->scratch,
                   .fault = &worker->fault };
  for (int i = 0; i < instr->n_src; i++)
    call.src[i] = &views[instr->src[i]];
  for (int i = 0; i < instr->n_dst; i++)
    call.dst[i] = &views[instr->dst[i]];
  instr->kernel->func (&call);
  rdu_mutate_after (stage, instr, &call);
}

void
rdu_stage_fire (const RduStage *stage, const int64_t *block, void *const *base,
                const void *const *packed, RduWorker *worker)
{
  RduView views[RDU_MAX_OPERANDS];
  int64_t position[SF_MAX_COUNTERS], missing[SF_MAX_COUNTERS];
  bool is_last = true;
  for (int k = 0; k < stage->n_counters; k++)
    {
      const SfCounter *counter = &stage->counter[k];
      position[k] = block[k] * counter->step;
      missing[k] = counter->step - MIN (counter->step, counter->extent - position[k]);
      is_last &= (stage->reductions >> k & 1) == 0 || block[k] == stage->n_blocks[k] - 1;
    }
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const RduOperand *operand = &stage->operands[o];
      void *from = operand->kind == SF_OPERAND_TEMP ? worker->temp + operand->temp_offset : base[o];
      if (operand->is_seen)
        cut_box (stage, operand, position, missing, from, packed[o], &views[o]);
    }
  for (size_t g = 0; g < stage->n_groups; g++)
    {
      const RduGroup *group = &stage->groups[g];
      bool first = true;
      if (group->on_last && !is_last)
        continue;
      for (int k = 0; group->instr != NULL && k < stage->n_counters; k++)
        first &= (group->instr->sums >> k & 1) == 0 || block[k] == 0;
      if (group->instr != NULL)
        run_instr (stage, group->instr, views, first, worker);
      else
        group->run (group->fused, views);
    }
}

typedef struct
{
  RduMachine *machine;
  const RduStage *stage;
  void *base[RDU_MAX_OPERANDS];
  const void *packed[RDU_MAX_OPERANDS];
} Run;

/* One combination of the split counters: the serial ones are looped in their order. */
static void
run_job (const Run *run, int64_t job, RduWorker *worker)
{
  const RduStage *stage = run->stage;
  int64_t block[SF_MAX_COUNTERS] = { 0 };
  for (int i = stage->n_split - 1; i >= 0; i--)
    {
      block[stage->split[i]] = job % stage->n_blocks[stage->split[i]];
      job /= stage->n_blocks[stage->split[i]];
    }
  for (int i = 0; i < stage->n_serial; i++)
    if (stage->n_blocks[stage->serial[i]] == 0)
      return;
  for (;;)
    {
      rdu_stage_fire (stage, block, run->base, run->packed, worker);
      int i = stage->n_serial - 1;
      for (; i >= 0; i--)
        {
          int k = stage->serial[i];
          if (++block[k] < stage->n_blocks[k])
            break;
          block[k] = 0;
        }
      if (i < 0)
        return;
    }
}

static void
run_jobs (void *user_data, int worker, int64_t begin, int64_t end)
{
  const Run *run = user_data;
  const RduProbe *probe = &run->machine->probe;
  int64_t started = rdu_probe_begin (probe);
  for (int64_t job = begin; job < end; job++)
    run_job (run, job, &run->machine->workers[worker]);
  rdu_probe_end (probe, worker, SF_RECORD_STAGE, run->stage->id, started);
}

void
rdu_stage_run (RduMachine *machine, const RduLaunch *launch, const RduStage *stage)
{
  Run run = { .machine = machine, .stage = stage };
  for (size_t o = 0; o < stage->n_operands; o++)
    run.base[o] = stage->operands[o].kind == SF_OPERAND_TEMP
                      ? NULL
                      : launch->base[stage->operands[o].buffer];
  for (size_t p = 0; p < stage->n_packings; p++)
    run.packed[stage->packings[p].operand] = launch->packed[stage->first_packing + p].data;
  if (stage->n_jobs == 1 || machine->n_threads == 1 || stage->work < WORTH_A_FORK)
    run_jobs (&run, 0, 0, stage->n_jobs);
  else
    sf_thread_pool_run (machine->pool, stage->n_jobs,
                        MAX (stage->n_jobs / (4 * machine->n_threads), 1), run_jobs, &run);
}
