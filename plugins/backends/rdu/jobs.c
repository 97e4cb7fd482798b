/* SPDX-License-Identifier: Apache-2.0 */
/* All firings of a stage over the workers. */
#include "plugins/backends/rdu/machine.h"

/* Below this many elements a fork-join costs more than it saves. */
#define WORTH_A_FORK 8192

typedef struct
{
  RduMachine *machine;
  const RduStage *stage;
  RduFrame frame;
} Run;

/* One combination of the split counters: the serial ones are looped in their order. */
static void
run_job (const Run *run, int64_t job, RduFrame *frame, RduWorker *worker)
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
  if (stage->n_partials > 0)
    rdu_partials_place (run->machine, stage, block, frame);
  for (;;)
    {
      rdu_stage_fire (stage, block, frame, worker);
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
  RduFrame frame = run->frame;
  for (int64_t job = begin; job < end; job++)
    run_job (run, job, &frame, &run->machine->workers[worker]);
  rdu_probe_end (probe, worker, SF_RECORD_STAGE, run->stage->id, started);
}

RduFrame
rdu_stage_frame (const RduLaunch *launch, const RduStage *stage, uint64_t wanted)
{
  RduFrame frame = { .wanted = wanted };
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind != SF_OPERAND_TEMP)
      frame.base[o] = launch->base[stage->operands[o].buffer];
  for (size_t p = 0; p < stage->n_packings; p++)
    frame.packed[stage->packings[p].operand] = launch->packed[stage->first_packing + p].data;
  return frame;
}

void
rdu_stage_run (RduMachine *machine, const RduLaunch *launch, const RduStage *stage, uint64_t wanted)
{
  Run run
      = { .machine = machine, .stage = stage, .frame = rdu_stage_frame (launch, stage, wanted) };
  if (stage->has_lanes)
    rdu_stage_fire_lanes (machine, stage, &run.frame);
  else if (stage->n_jobs == 1 || machine->n_threads == 1 || stage->work < WORTH_A_FORK)
    run_jobs (&run, 0, 0, stage->n_jobs);
  else
    sf_thread_pool_run (machine->pool, stage->n_jobs,
                        MAX (stage->n_jobs / (4 * machine->n_threads), 1), run_jobs, &run);
  if (stage->n_partials > 0)
    rdu_partials_fold (machine, stage, &run.frame);
}
