/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules worked out by hand: who starts, and what the others are told. */
#include "queue/schedule.h"

#include <string.h>

#include "tests/support/sftest.h"

enum
{
  MAX_JOBS = 8,
};

#define S  G_USEC_PER_SEC
#define G  ((int64_t) 1 << 30)
#define T0 (1795435200 * (int64_t) S) /* 2026-11-23 12:00:00 in UTC */

static const SfResources four = { 4, 8 * G, 4 };
static const SfDependency on_running = { SF_AFTER_OK, 12, SF_JOB_RUNNING };
static const SfDependency on_failed = { SF_AFTER_OK, 12, SF_JOB_FAILED };
static const SfDependency on_both[] = { { SF_AFTER, 11, SF_JOB_PENDING },
                                        { SF_AFTER_NOT_OK, 12, SF_JOB_COMPLETED } };
static const SfDependency on_three[] = { { SF_AFTER, 11, SF_JOB_LOST },
                                         { SF_AFTER_OK, 12, SF_JOB_RUNNING },
                                         { SF_AFTER, 13, SF_JOB_PENDING } };
static const SfDependency met[] = { { SF_AFTER, 11, SF_JOB_LOST },
                                    { SF_AFTER_OK, 12, SF_JOB_COMPLETED },
                                    { SF_AFTER_NOT_OK, 13, SF_JOB_TIMEOUT } };

/* Jobs are submitted in the order of their rows; a row with id 0 ends a list. */
typedef struct
{
  const char *name;
  SfRunningJob running[MAX_JOBS];
  SfPendingJob pending[MAX_JOBS];
  SfProjectUsage usage[MAX_JOBS];
  const char *starts;            /* ids in order */
  const char *reasons[MAX_JOBS]; /* of each pending job; NULL: not looked at */
} Case;

#define RUNS(id, limit, ...)                                            \
  {                                                                     \
    id, "a", { __VA_ARGS__ }, 0, T0, (limit) == 0 ? 0 : T0 + (limit) *S \
  }
#define JOB(id_, limit, ...)                                                                    \
  {                                                                                             \
    .id = id_, .project = "a", .wants = { __VA_ARGS__ }, .time_limit_us = (limit) * (int64_t) S \
  }

#define OF_ARRAY(id_, array_, at_once_, ...)                                                  \
  {                                                                                           \
    .id = id_, .project = "a", .wants = { __VA_ARGS__ }, .array = array_, .at_once = at_once_ \
  }

static const Case cases[] = {
  { .name = "all fit",
    .pending = { JOB (1, 0, 1), JOB (2, 0, 3) },
    .starts = "1 2",
    .reasons = { "starts now", "starts now" } },
  { .name = "by age",
    .pending = { JOB (1, 0, 3), JOB (2, 0, 2), JOB (3, 0, 3) },
    .starts = "1",
    .reasons = { NULL, "waits for 2 cores: 1 of 4 is free; job 1 has no time limit",
                 "waits for 3 cores: 1 of 4 is free; 1 job is ahead of it, the first is job 2" } },
  { .name = "by priority",
    .pending
    = { JOB (1, 0, 3),
        { .id = 2, .project = "a", .priority = 1, .wants = { 3 }, .time_limit_us = 90 * S } },
    .starts = "2",
    .reasons = { "waits for 3 cores: 1 of 4 is free; job 2 ends by 12:01:30" } },
  { .name = "backfill that ends in time",
    .running = { RUNS (17, 60, 3) },
    .pending = { JOB (1, 0, 2), JOB (2, 60, 1), JOB (3, 0, 4) },
    .starts = "2",
    .reasons = { "waits for 2 cores: 0 of 4 are free; job 17 ends by 12:01:00", NULL,
                 "waits for 4 cores: 0 of 4 are free; 1 job is ahead of it, the first is job 1" } },
  { .name = "no backfill that ends late",
    .running = { RUNS (17, 60, 3) },
    .pending = { JOB (1, 0, 4), JOB (2, 61, 1), JOB (3, 0, 1) },
    .starts = "",
    .reasons = { "waits for 4 cores: 1 of 4 is free; job 17 ends by 12:01:00",
                 "waits for its turn: job 1, which is ahead, starts by 12:01:00; this one may take "
                 "longer than that",
                 "waits for its turn: job 1, which is ahead, starts by 12:01:00; this one has no "
                 "time limit" } },
  { .name = "backfill that leaves enough",
    .running = { RUNS (17, 60, 3) },
    .pending = { JOB (1, 0, 3), JOB (2, 0, 1), JOB (3, 0, 1) },
    .starts = "2",
    .reasons = { "waits for 3 cores: 0 of 4 are free; job 17 ends by 12:01:00", NULL,
                 "waits for 1 core: 0 of 4 are free; 1 job is ahead of it, the first is job 1" } },
  { .name = "two backfills do not leave enough",
    .running = { RUNS (17, 60, 2) },
    .pending = { JOB (1, 0, 3), JOB (2, 0, 1), JOB (3, 0, 1) },
    .starts = "2" },
  { .name = "what has no limit may end now",
    .running = { RUNS (17, 0, 2) },
    .pending = { JOB (1, 0, 4), JOB (2, 1, 1) },
    .starts = "",
    .reasons = { "waits for 4 cores: 2 of 4 are free; job 17 has no time limit",
                 "waits for its turn: job 1, which is ahead, needs what it would take" } },
  { .name = "before the earliest end",
    .running = { RUNS (17, 0, 1), RUNS (18, 60, 2) },
    .pending = { JOB (1, 0, 4), JOB (2, 60, 1) },
    .starts = "2",
    .reasons = { "waits for 4 cores: 0 of 4 are free; job 17 has no time limit" } },
  { .name = "another resource is not touched",
    .running = { RUNS (17, 60, 1, 6 * G) },
    .pending = { JOB (1, 0, 1, 4 * G), JOB (2, 0, 2) },
    .starts = "2",
    .reasons = { "waits for 4G of memory: 2G of 8G is free; job 17 ends by 12:01:00" } },
  { .name = "overdue",
    .running = { RUNS (17, -5, 4) },
    .pending = { JOB (1, 0, 1) },
    .starts = "",
    .reasons = { "waits for 1 core: 0 of 4 are free; job 17 ends by 12:00:00" } },
  { .name = "tiles side by side",
    .running = { { 17, "a", { 1, 0, 1 }, 0, T0, T0 + 60 * S },
                 { 18, "a", { 1, 0, 1 }, 2, T0, T0 + 86400 * (int64_t) S } },
    .pending = { JOB (1, 0, 1, 0, 2), JOB (2, 0, 1, 0, 1) },
    .starts = "2",
    .reasons = { "waits for 2 RDU tiles: 1 of 4 is free; job 17 ends by 12:01:00" } },
  { .name = "tiles apart",
    .running = { { 18, "a", { 1, 0, 1 }, 1, T0, T0 + 86400 * (int64_t) S } },
    .pending = { JOB (1, 0, 1, 0, 3) },
    .starts = "",
    .reasons = { "waits for 3 RDU tiles: 3 of 4 are free, at most 2 side by side; job 18 ends by "
                 "2026-11-24 12:00:00" } },
  { .name = "never",
    .pending = { JOB (1, 0, 8), JOB (2, 0, 8, 9 * G + G / 2, 5), JOB (3, 0, 4) },
    .starts = "3",
    .reasons = { "never: wants 8 cores of 4",
                 "never: wants 8 cores of 4, 9.5G of memory of 8G, 5 RDU tiles of 4" } },
  { .name = "kept out of the line",
    .pending
    = { { .id = 1, .project = "a", .wants = { 4 }, .held = true },
        { .id = 2, .project = "a", .wants = { 4 }, .not_before_us = T0 + 1 },
        { .id = 3,
          .project = "a",
          .wants = { 4 },
          .dependencies = &on_running,
          .n_dependencies = 1 },
        { .id = 4,
          .project = "a",
          .wants = { 4 },
          .dependencies = &on_failed,
          .n_dependencies = 1 },
        { .id = 5, .project = "a", .wants = { 4 }, .dependencies = on_both, .n_dependencies = 2 },
        { .id = 6,
          .project = "a",
          .wants = { 4 },
          .dependencies = met,
          .n_dependencies = 3,
          .not_before_us = T0 },
        { .id = 7,
          .project = "a",
          .wants = { 4 },
          .dependencies = on_three,
          .n_dependencies = 3 } },
    .starts = "6",
    .reasons = { "held", "waits until 12:00:01", "waits for job 12 to complete",
                 "never: waits for job 12 to complete, it is FAILED",
                 "never: waits for job 12 to fail, it is COMPLETED", NULL,
                 "waits for job 12 to complete, and for 1 more" } },
  { .name = "projects take turns",
    .pending = { JOB (1, 0, 1),
                 JOB (2, 0, 1),
                 JOB (3, 0, 1),
                 JOB (4, 0, 1),
                 { .id = 5, .project = "b", .wants = { 1 } },
                 { .id = 6, .project = "b", .wants = { 1 } } },
    .starts = "1 5 2 6" },
  { .name = "usage decides",
    .pending = { JOB (1, 0, 4), { .id = 2, .project = "b", .wants = { 4 } } },
    .usage = { { "a", 4000, T0 }, { "b", 3999, T0 } },
    .starts = "2" },
  { .name = "usage of two days ago is a quarter",
    .pending = { JOB (1, 0, 4), { .id = 2, .project = "b", .wants = { 4 } } },
    .usage = { { "a", 1000, T0 }, { "b", 4004, T0 - 2 * 86400 * (int64_t) S } },
    .starts = "1" },
  { .name = "usage of what runs",
    .running = { { 17, "a", { 1 }, 0, T0 - 100 * (int64_t) S, 0 } },
    .pending = { JOB (1, 0, 3), { .id = 2, .project = "b", .wants = { 3 } } },
    .usage = { { "b", 159, T0 } }, /* 100 s, and a minute's turn, against 159 s */
    .starts = "2" },
  { .name = "some of an array at once",
    .running = { { 17, "a", { 1 }, 0, T0, 0, 9 } },
    .pending = { OF_ARRAY (1, 9, 2, 1), OF_ARRAY (2, 9, 2, 1), OF_ARRAY (3, 8, 1, 4),
                 OF_ARRAY (4, 8, 1, 1), JOB (5, 0, 1), OF_ARRAY (6, 9, 2, 1) },
    .starts = "1", /* job 3 does not fit, and what it waits for is not given to job 5 */
    .reasons = { "starts now",
                 "waits for job 1 or another of its array to end: at most 2 run at once",
                 "waits for 4 cores: 2 of 4 are free; job 1 has no time limit",
                 "waits for job 3 or another of its array to end: at most 1 run at once",
                 "waits for its turn: job 3, which is ahead, needs what it would take" } },
  { .name = "the promised job keeps its slot of an array",
    .running = { { 17, "a", { 2 }, 0, T0, T0 + 60 * (int64_t) S } },
    .pending = { OF_ARRAY (1, 9, 1, 4), OF_ARRAY (2, 9, 1, 0), JOB (3, 0, 0) },
    .starts = "3", /* job 2 takes nothing of what job 1 waits for but the slot */
    .reasons = { "waits for 4 cores: 2 of 4 are free; job 17 ends by 12:01:00",
                 "waits for job 1 or another of its array to end: at most 1 run at once" } },
  { .name = "more of an array than may be",
    .running = { { 17, "a", { 1 }, 0, T0, 0, 9 }, { 16, "a", { 1 }, 0, T0, 0, 9 } },
    .pending = { OF_ARRAY (1, 9, 1, 4), JOB (2, 0, 2) },
    .starts = "2", /* job 1 is promised nothing */
    .reasons = { "waits for job 16 or another of its array to end: at most 1 run at once" } },
};

static SfSituation
situation_of (const Case *c, SfPendingJob *pending)
{
  SfSituation situation = {
    .now_us = T0, .capacity = four, .pending = pending, .running = c->running, .usage = c->usage
  };
  while (situation.n_pending < MAX_JOBS && c->pending[situation.n_pending].id != 0)
    {
      pending[situation.n_pending] = c->pending[situation.n_pending];
      pending[situation.n_pending].submitted_us = (int64_t) situation.n_pending;
      situation.n_pending++;
    }
  while (situation.n_running < MAX_JOBS && c->running[situation.n_running].id != 0)
    situation.n_running++;
  while (situation.n_usage < MAX_JOBS && c->usage[situation.n_usage].project != NULL)
    situation.n_usage++;
  return situation;
}

SF_TEST_CASES (Schedule, ByHand, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  SfPendingJob pending[MAX_JOBS];
  g_setenv ("TZ", "UTC", TRUE);
  SfSituation situation = situation_of (c, pending);
  g_autoptr (SfSchedule) schedule = sf_schedule (&situation);
  g_autoptr (GString) starts = g_string_new (NULL);
  for (size_t i = 0; i < schedule->n_starts; i++)
    g_string_append_printf (starts, "%s%d", i > 0 ? " " : "",
                            (int) pending[schedule->starts[i].pending].id);
  SF_CHECK_STR (starts->str, c->starts);
  for (size_t i = 0; i < situation.n_pending; i++)
    {
      g_autofree char *reason = sf_schedule_reason (&situation, schedule, i);
      if (c->reasons[i] != NULL)
        SF_CHECK_STR (reason, c->reasons[i]);
    }
}

SF_TEST (Schedule, Times)
{
  SfPendingJob pending[] = { { .id = 1, .project = "a", .wants = { 1 }, .not_before_us = T0 + 9 },
                             { .id = 2, .project = "a", .wants = { 1 }, .not_before_us = T0 + 7 },
                             { .id = 3, .project = "a", .wants = { 1 }, .not_before_us = T0 } };
  SfSituation situation = { .now_us = T0, .capacity = four, .pending = pending, .n_pending = 3 };
  g_autoptr (SfSchedule) schedule = sf_schedule (&situation);
  SF_CHECK_INT (schedule->free.cores, 3);
  SF_CHECK_NEAR (sf_usage_decay (8, T0, T0 + 3 * 86400 * (int64_t) S), 1, 1e-12);
  SF_CHECK_NEAR (sf_usage_decay (8, T0, T0 - 5), 8, 0);
  SfSituation nothing = { .now_us = T0, .capacity = four };
  g_autoptr (SfSchedule) empty = sf_schedule (&nothing);
  SF_CHECK_INT (empty->n_starts, 0);
  SF_CHECK_INT (empty->free_rdu_run, 4);
}
