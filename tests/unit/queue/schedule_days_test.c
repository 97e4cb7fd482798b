/* SPDX-License-Identifier: Apache-2.0 */
/* Days of simulated work, scheduled minute by minute. */
#include "queue/schedule.h"

#include "tests/support/sftest.h"
#include "tests/unit/queue/dice.h"

enum
{
  MINUTE = 60,
  N_MINUTES = 2 * 24 * 60,
  N_FLOOD = 12, /* jobs that a project has waiting at any time */
};

typedef struct
{
  SfPendingJob pending[N_PROJECTS * N_FLOOD];
  SfRunningJob running[4];
  SfProjectUsage usage[N_PROJECTS];
  SfSituation situation;
  double core_minutes[N_PROJECTS];
  int64_t next_id, longest_wait_us;
} Days;

static void
end_jobs (Days *self)
{
  SfSituation *now = &self->situation;
  for (size_t i = 0; i < now->n_running;)
    {
      SfRunningJob *job = &self->running[i];
      if (job->ends_by_us > now->now_us)
        {
          i++;
          continue;
        }
      int project = project_of (job->project);
      SfProjectUsage *usage = &self->usage[project];
      double seconds = (double) (now->now_us - job->started_us) / 1e6;
      usage->core_seconds = sf_usage_decay (usage->core_seconds, usage->as_of_us, now->now_us)
                            + seconds * (double) job->uses.cores;
      usage->as_of_us = now->now_us;
      self->core_minutes[project] += seconds / MINUTE * (double) job->uses.cores;
      *job = self->running[--now->n_running];
    }
}

static void
submit (Days *self, Dice *dice, int project)
{
  SfSituation *now = &self->situation;
  self->pending[now->n_pending++] = (SfPendingJob){ .id = ++self->next_id,
                                                    .project = project_names[project],
                                                    .wants = { 1 + roll (dice, 2) },
                                                    .time_limit_us = (1 + roll (dice, 10)) * MINUTE
                                                                     * G_USEC_PER_SEC,
                                                    .submitted_us = now->now_us };
}

static void
start_jobs (Days *self)
{
  SfSituation *now = &self->situation;
  g_autoptr (SfSchedule) schedule = sf_schedule (now);
  for (size_t i = 0; i < schedule->n_starts; i++)
    {
      SfPendingJob *job = &self->pending[schedule->starts[i].pending];
      self->longest_wait_us = MAX (self->longest_wait_us, now->now_us - job->submitted_us);
      self->running[now->n_running++] = (SfRunningJob){ .id = job->id,
                                                        .project = job->project,
                                                        .uses = job->wants,
                                                        .started_us = now->now_us,
                                                        .ends_by_us = now->now_us
                                                                      + job->time_limit_us };
      job->id = 0;
    }
  size_t n = 0;
  for (size_t i = 0; i < now->n_pending; i++)
    if (self->pending[i].id != 0)
      self->pending[n++] = self->pending[i];
  now->n_pending = n;
}

/* Every project has more work than there is room for: each gets its third, the one that had used
 * ten core-hours before as well, and none of its jobs waits for ever. */
SF_TEST (ScheduleDays, NobodyStarves)
{
  Days days = { 0 };
  Dice dice = { .rng = { .seed = 11 } };
  days.situation = (SfSituation){ .now_us = NOW,
                                  .capacity = { .cores = 4 },
                                  .pending = days.pending,
                                  .running = days.running,
                                  .usage = days.usage,
                                  .n_usage = N_PROJECTS };
  for (int p = 0; p < N_PROJECTS; p++)
    days.usage[p] = (SfProjectUsage){ project_names[p], p == 0 ? 36000 : 0, NOW };
  double total = 0;
  for (int minute = 0; minute < N_MINUTES; minute++)
    {
      int waiting[N_PROJECTS] = { 0 };
      end_jobs (&days);
      for (size_t i = 0; i < days.situation.n_pending; i++)
        waiting[project_of (days.pending[i].project)]++;
      for (int p = 0; p < N_PROJECTS; p++)
        for (; waiting[p] < N_FLOOD; waiting[p]++)
          submit (&days, &dice, p);
      start_jobs (&days);
      days.situation.now_us += MINUTE * G_USEC_PER_SEC;
    }
  for (int p = 0; p < N_PROJECTS; p++)
    total += days.core_minutes[p];
  SF_CHECK (total > 0.95 * 4 * N_MINUTES);
  for (int p = 0; p < N_PROJECTS; p++)
    SF_CHECK_NEAR (days.core_minutes[p] / total, 1.0 / N_PROJECTS, 0.05);
  /* Two cores for each of the others make up for ten core-hours in five hours; before a project's
   * newest job eleven of its own have their turn. */
  SF_CHECK_MSG (days.longest_wait_us < 6 * 3600 * (int64_t) G_USEC_PER_SEC, "longest wait: %.0f s",
                (double) days.longest_wait_us / 1e6);
}
