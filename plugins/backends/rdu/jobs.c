/* SPDX-License-Identifier: Apache-2.0 */
/* All firings of a stage over the workers. */
#include "plugins/backends/rdu/machine.h"

/* Below this many elements one worker does it all. */
#define WORTH_A_FORK 8192

/* Per cent of a stage's time that workers may wait for each other. */
#define WORTH_EVENNESS 2

/* One combination of the split counters: the serial ones are looped in their order. */
static void
run_job (const RduTask *task, const RduStage *stage, int64_t job, RduFrame *frame,
         RduWorker *worker)
{
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
    rdu_partials_place (task, block, frame);
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

void
rdu_jobs_work (void *user_data, int worker, int64_t begin, int64_t end)
{
  const RduTask *task = user_data;
  const RduStage *stage = &task->launch->config->stages[task->position];
  const RduProbe *probe = &task->machine->probe;
  if (rdu_task_is_void (task))
    return;
  int64_t started = rdu_probe_begin (probe);
  RduFrame frame = rdu_task_frame (task, task->position);
  for (int64_t job = begin; job < end; job++)
    run_job (task, stage, job, &frame, &task->machine->workers[worker]);
  rdu_note_fault (task->machine, worker, task->position);
  rdu_probe_end (probe, worker, SF_RECORD_STAGE, stage->id, started);
}

/* Jobs that the busiest of the workers has when they take `grain` of them at a time. */
static int64_t
most_jobs (const RduStage *stage, int n_workers, int64_t grain)
{
  int64_t n_whole = stage->n_jobs / grain, rest = stage->n_jobs % grain;
  return n_whole / n_workers * grain + (n_whole % n_workers > 0 ? grain : rest);
}

int64_t
rdu_jobs_grain (const RduStage *stage, int n_workers)
{
  if (n_workers == 1 || stage->work < WORTH_A_FORK)
    return MAX (stage->n_jobs, 1);
  int64_t grain = MAX (stage->n_jobs / (4 * n_workers), 1);
  int64_t even = (stage->n_jobs + n_workers - 1) / n_workers;
  while (grain > 1 && 100 * most_jobs (stage, n_workers, grain) > (100 + WORTH_EVENNESS) * even)
    grain--;
  return grain;
}
