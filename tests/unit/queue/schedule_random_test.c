/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules of thousands of random situations: what must hold of each, and a plain scheduler that
 * tries everything out. */
#include "queue/schedule.h"

#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/queue/dice.h"

enum
{
  N_SITUATIONS = 5000,
  MAX_PENDING = 14,
  MAX_RUNNING = 8,
  MAX_TILES = 8,
  N_ARRAYS = 3,
  MAX_HELD = MAX_PENDING + MAX_RUNNING,
};

typedef struct
{
  SfSituation situation;
  SfPendingJob pending[MAX_PENDING];
  SfRunningJob running[MAX_RUNNING];
  SfProjectUsage usage[N_PROJECTS];
  SfDependency dependencies[MAX_PENDING];
} Random;

/* ---- a node, tile by tile ---- */

typedef struct
{
  SfResources wants;
  int64_t first_rdu_tile, ends_us; /* INT64_MAX: never */
} Held;

/* What is left of `all` at a time; tiles[i] is true when held. */
static SfResources
left_at (const SfResources *all, const Held *held, size_t n, int64_t time_us, bool *tiles)
{
  SfResources left = *all;
  memset (tiles, 0, MAX_TILES * sizeof *tiles);
  for (size_t i = 0; i < n; i++)
    if (held[i].ends_us > time_us)
      {
        left.cores -= held[i].wants.cores;
        left.memory_bytes -= held[i].wants.memory_bytes;
        left.rdu_tiles -= held[i].wants.rdu_tiles;
        for (int64_t t = 0; t < held[i].wants.rdu_tiles; t++)
          tiles[held[i].first_rdu_tile + t] = true;
      }
  return left;
}

/* How many free tiles there are around tile `at` on the side of `step`. */
static int64_t
free_beside (const bool *tiles, int64_t n_tiles, int64_t at, int64_t step)
{
  int64_t n = 0;
  for (at += step; at >= 0 && at < n_tiles && !tiles[at]; at += step)
    n++;
  return n;
}

/* The first of n free tiles at an end of a gap: choice 0 is in the smallest gap, the lowest of
 * several. -1: there are fewer choices. */
static int64_t
place (const bool *tiles, int64_t n_tiles, int64_t n, int choice)
{
  if (n == 0)
    return choice == 0 ? 0 : -1;
  for (int64_t size = n; size <= n_tiles; size++)
    for (int64_t first = 0; first + n <= n_tiles; first++)
      {
        int64_t before = free_beside (tiles, n_tiles, first, -1);
        int64_t behind = free_beside (tiles, n_tiles, first, +1) - (n - 1);
        if (!tiles[first] && behind >= 0 && before + n + behind == size
            && (before == 0 || behind == 0) && choice-- == 0)
          return first;
      }
  return -1;
}

/* Where the job's tiles would be at that time, -1: it does not fit. */
static int64_t
fit_at (const SfResources *all, const Held *held, size_t n, int64_t time_us,
        const SfResources *wants, int choice)
{
  bool tiles[MAX_TILES];
  SfResources left = left_at (all, held, n, time_us, tiles);
  if (wants->cores > left.cores || wants->memory_bytes > left.memory_bytes)
    return -1;
  return place (tiles, all->rdu_tiles, wants->rdu_tiles, choice);
}

/* When the job fits at the earliest. */
static int64_t
earliest (const SfResources *all, const Held *held, size_t n, const SfResources *wants)
{
  int64_t best = INT64_MAX;
  for (size_t i = 0; i <= n; i++)
    {
      int64_t time_us = i < n ? MAX (held[i].ends_us, NOW) : NOW;
      if (time_us < best && fit_at (all, held, n, time_us, wants, 0) >= 0)
        best = time_us;
    }
  return best;
}

/* ---- random situations ---- */

static SfResources
random_wants (Dice *dice, const SfResources *all)
{
  return (SfResources){ 1 + roll (dice, all->cores), roll (dice, 3) ? 0 : roll (dice, 5),
                        roll (dice, 2) ? 0 : roll (dice, all->rdu_tiles + 1) };
}

static size_t
random_running (Dice *dice, Random *self, bool limits)
{
  const SfResources *all = &self->situation.capacity;
  Held held[MAX_RUNNING];
  size_t n = 0;
  for (int64_t tries = roll (dice, MAX_RUNNING + 1); tries > 0; tries--)
    {
      SfResources wants = random_wants (dice, all);
      int64_t first = fit_at (all, held, n, NOW, &wants, 0);
      if (first < 0)
        continue;
      bool limited = limits || roll (dice, 3) > 0;
      held[n] = (Held){ wants, first, INT64_MAX };
      self->running[n] = (SfRunningJob){ .id = 100 + (int64_t) n,
                                         .project = project_names[roll (dice, N_PROJECTS)],
                                         .uses = wants,
                                         .first_rdu_tile = first,
                                         .started_us = NOW - roll (dice, 100) * 1000000,
                                         .ends_by_us = limited ? NOW - 1 + roll (dice, 20) : 0 };
      n++;
    }
  /* Some of them have ended since, and left gaps. */
  for (size_t i = 0; i < n; i++)
    if (roll (dice, 4) == 0)
      self->running[i] = self->running[--n];
  return n;
}

static void
random_pending (Dice *dice, Random *self, size_t i, bool limits)
{
  SfPendingJob *job = &self->pending[i];
  *job = (SfPendingJob){ .id = 1 + (int64_t) i,
                         .project = project_names[roll (dice, N_PROJECTS)],
                         .priority = roll (dice, 4) ? 0 : roll (dice, 3) - 1,
                         .wants = random_wants (dice, &self->situation.capacity),
                         .time_limit_us = limits || roll (dice, 3) ? 1 + roll (dice, 20) : 0,
                         .submitted_us = NOW - roll (dice, 5),
                         .not_before_us = roll (dice, 8) ? 0 : NOW - 5 + roll (dice, 10),
                         .held = roll (dice, 10) == 0 };
  if (roll (dice, 20) == 0)
    job->wants.cores = self->situation.capacity.cores + 1;
  if (roll (dice, 5) == 0)
    {
      self->dependencies[i] = (SfDependency){ (SfDependencyKind) roll (dice, 3), 100,
                                              (SfJobState) roll (dice, SF_JOB_N_STATES) };
      job->dependencies = &self->dependencies[i];
      job->n_dependencies = 1;
    }
}

/* Every third job is of one of two arrays. */
static int64_t
random_array (Dice *dice)
{
  int64_t face = roll (dice, 6);
  return face < 4 ? 0 : face - 3;
}

static void
random_arrays (Dice *dice, Random *self)
{
  int64_t at_once[] = { 0, 1 + roll (dice, 3), 1 + roll (dice, 3) };
  for (size_t i = 0; i < self->situation.n_running; i++)
    self->running[i].array = random_array (dice);
  for (size_t i = 0; i < self->situation.n_pending; i++)
    {
      SfPendingJob *job = &self->pending[i];
      job->array = random_array (dice);
      job->at_once = at_once[job->array];
    }
}

static void
random_situation (Random *self, uint64_t seed, bool limits)
{
  Dice dice = { .rng = { .seed = seed } };
  memset (self, 0, sizeof *self);
  self->situation = (SfSituation){ .now_us = NOW,
                                   .capacity = { 1 + roll (&dice, 8), 4,
                                                 roll (&dice, MAX_TILES + 1) },
                                   .pending = self->pending,
                                   .running = self->running,
                                   .usage = self->usage,
                                   .n_usage = (size_t) roll (&dice, N_PROJECTS + 1) };
  for (size_t i = 0; i < self->situation.n_usage; i++)
    self->usage[i] = (SfProjectUsage){ project_names[i], (double) roll (&dice, 200), NOW };
  self->situation.n_running = random_running (&dice, self, limits);
  self->situation.n_pending = (size_t) roll (&dice, MAX_PENDING + 1);
  for (size_t i = 0; i < self->situation.n_pending; i++)
    random_pending (&dice, self, i, limits);
  random_arrays (&dice, self);
}

static size_t
held_of_running (const SfSituation *situation, Held *held)
{
  for (size_t i = 0; i < situation->n_running; i++)
    {
      const SfRunningJob *job = &situation->running[i];
      int64_t ends_us = job->ends_by_us != 0 ? MAX (job->ends_by_us, NOW) : INT64_MAX;
      held[i] = (Held){ job->uses, job->first_rdu_tile, ends_us };
    }
  return situation->n_running;
}

static Held
held_of_pending (const SfPendingJob *job, int64_t first_rdu_tile)
{
  return (Held){ job->wants, first_rdu_tile,
                 job->time_limit_us != 0 ? NOW + job->time_limit_us : INT64_MAX };
}

/* ---- the plain scheduler ---- */

static bool
may_be_in_line (const SfSituation *situation, const SfPendingJob *job)
{
  const SfResources *all = &situation->capacity;
  for (size_t i = 0; i < job->n_dependencies; i++)
    {
      SfJobState state = job->dependencies[i].state;
      bool ended = state != SF_JOB_PENDING && state != SF_JOB_STARTING && state != SF_JOB_RUNNING;
      if (!ended || (job->dependencies[i].kind == SF_AFTER_OK && state != SF_JOB_COMPLETED)
          || (job->dependencies[i].kind == SF_AFTER_NOT_OK && state == SF_JOB_COMPLETED))
        return false;
    }
  return !job->held && job->not_before_us <= NOW && job->wants.cores <= all->cores
         && job->wants.memory_bytes <= all->memory_bytes && job->wants.rdu_tiles <= all->rdu_tiles;
}

/* One job after the other, each time the best of all that are left. */
static size_t
plain_order (const SfSituation *situation, size_t *line)
{
  double used[N_PROJECTS] = { 0 };
  bool taken[MAX_PENDING] = { false };
  for (size_t i = 0; i < situation->n_usage; i++)
    used[project_of (situation->usage[i].project)] += situation->usage[i].core_seconds;
  for (size_t i = 0; i < situation->n_running; i++)
    used[project_of (situation->running[i].project)]
        += (double) situation->running[i].uses.cores
           * (60 + (double) (NOW - situation->running[i].started_us) / 1e6);
  for (size_t n = 0;; n++)
    {
      size_t best = MAX_PENDING;
      for (size_t i = 0; i < situation->n_pending; i++)
        {
          const SfPendingJob *a = &situation->pending[i];
          if (taken[i] || !may_be_in_line (situation, a))
            continue;
          if (best == MAX_PENDING)
            {
              best = i;
              continue;
            }
          const SfPendingJob *b = &situation->pending[best];
          double lead = used[project_of (b->project)] - used[project_of (a->project)];
          bool older = a->submitted_us < b->submitted_us
                       || (a->submitted_us == b->submitted_us && a->id < b->id);
          if (a->priority > b->priority
              || (a->priority == b->priority && (lead > 0 || (lead == 0 && older))))
            best = i;
        }
      if (best == MAX_PENDING)
        return n;
      taken[best] = true;
      line[n] = best;
      const SfPendingJob *job = &situation->pending[best];
      used[project_of (job->project)] += 60.0 * (double) job->wants.cores;
    }
}

/* Where the job starts, by trying out every place: not where the promised job would then fit later.
 * -1: nowhere. */
static int64_t
plain_place (const SfSituation *situation, Held *held, size_t n_held, const SfPendingJob *job,
             const SfResources *promised)
{
  const SfResources *all = &situation->capacity;
  for (int choice = 0;; choice++)
    {
      /* What should have ended by now may still be there. */
      int64_t first = fit_at (all, held, n_held, NOW - 1, &job->wants, choice);
      if (first < 0 || promised == NULL)
        return first;
      held[n_held] = held_of_pending (job, first);
      if (earliest (all, held, n_held + 1, promised) <= earliest (all, held, n_held, promised))
        return first;
    }
}

/* How many slots of each are taken by what runs; those of array 0 are of none. */
static void
count_arrays (const SfSituation *situation, int64_t *of_array)
{
  memset (of_array, 0, N_ARRAYS * sizeof *of_array);
  for (size_t i = 0; i < situation->n_running; i++)
    of_array[situation->running[i].array]++;
}

/* What starts and on which tile, "3@0 1@2 ". */
static char *
plain_starts (const SfSituation *situation)
{
  size_t line[MAX_PENDING];
  size_t n = plain_order (situation, line);
  Held held[MAX_HELD];
  size_t n_held = held_of_running (situation, held);
  int64_t of_array[N_ARRAYS];
  const SfResources *promised = NULL;
  GString *starts = g_string_new (NULL);
  count_arrays (situation, of_array);
  for (size_t i = 0; i < n; i++)
    {
      const SfPendingJob *job = &situation->pending[line[i]];
      if (job->array != 0 && of_array[job->array] >= job->at_once)
        continue;
      of_array[job->array]++;
      int64_t first = plain_place (situation, held, n_held, job, promised);
      if (first >= 0)
        {
          held[n_held++] = held_of_pending (job, first);
          g_string_append_printf (starts, "%d@%d ", (int) job->id, (int) first);
        }
      else if (promised == NULL)
        promised = &job->wants;
    }
  return g_string_free (starts, FALSE);
}

static char *
starts_text (const SfSituation *situation, const SfSchedule *schedule)
{
  GString *starts = g_string_new (NULL);
  for (size_t i = 0; i < schedule->n_starts; i++)
    g_string_append_printf (starts, "%d@%d ",
                            (int) situation->pending[schedule->starts[i].pending].id,
                            (int) schedule->starts[i].first_rdu_tile);
  return g_string_free (starts, FALSE);
}

SF_TEST (ScheduleRandom, AsThePlainScheduler)
{
  size_t n_starts = 0, n_turns = 0, n_arrays = 0;
  for (uint64_t seed = 0; seed < N_SITUATIONS; seed++)
    {
      Random random;
      random_situation (&random, seed, true);
      g_autoptr (SfSchedule) schedule = sf_schedule (&random.situation);
      g_autofree char *found = starts_text (&random.situation, schedule);
      g_autofree char *wanted = plain_starts (&random.situation);
      SF_REQUIRE_MSG (strcmp (found, wanted) == 0, "seed %d: starts %s, wanted %s", (int) seed,
                      found, wanted);
      n_starts += schedule->n_starts;
      for (size_t i = 0; i < random.situation.n_pending; i++)
        {
          n_turns += schedule->verdicts[i].wait == SF_WAIT_TURN;
          n_arrays += schedule->verdicts[i].wait == SF_WAIT_ARRAY;
        }
    }
  SF_CHECK_MSG (n_starts > N_SITUATIONS / 2 && n_turns > N_SITUATIONS / 20
                    && n_arrays > N_SITUATIONS / 20,
                "%zu %zu %zu", n_starts, n_turns, n_arrays);
}

/* ---- what must hold ---- */

SF_TEST (ScheduleRandom, NeverOverCapacity)
{
  for (uint64_t seed = 0; seed < N_SITUATIONS; seed++)
    {
      Random random;
      random_situation (&random, seed, false);
      const SfSituation *situation = &random.situation;
      g_autoptr (SfSchedule) schedule = sf_schedule (situation);
      Held held[MAX_HELD];
      size_t n = held_of_running (situation, held), n_verdicts = 0;
      bool tiles[MAX_TILES];
      for (size_t i = 0; i < schedule->n_starts; i++)
        {
          const SfStart *start = &schedule->starts[i];
          const SfPendingJob *job = &situation->pending[start->pending];
          left_at (&situation->capacity, held, n, NOW - 1, tiles);
          for (int64_t t = 0; t < job->wants.rdu_tiles; t++)
            SF_REQUIRE (start->first_rdu_tile + t < situation->capacity.rdu_tiles
                        && !tiles[start->first_rdu_tile + t]);
          SF_REQUIRE (may_be_in_line (situation, job));
          SF_REQUIRE (schedule->verdicts[start->pending].wait == SF_WAIT_NOTHING);
          held[n++] = held_of_pending (job, start->first_rdu_tile);
        }
      SfResources left = left_at (&situation->capacity, held, n, NOW - 1, tiles);
      SF_REQUIRE (left.cores >= 0 && left.memory_bytes >= 0 && left.rdu_tiles >= 0);
      SF_REQUIRE (memcmp (&left, &schedule->free, sizeof left) == 0);
      for (size_t i = 0; i < situation->n_pending; i++)
        {
          g_autofree char *reason = sf_schedule_reason (situation, schedule, i);
          n_verdicts += schedule->verdicts[i].wait == SF_WAIT_NOTHING;
          SF_REQUIRE (reason[0] != '\0');
        }
      SF_REQUIRE (n_verdicts == schedule->n_starts);
    }
}

/* Whenever those that have no limit end. */
SF_TEST (ScheduleRandom, FirstBlockedIsNotPutOff)
{
  size_t n_backfilled = 0;
  for (uint64_t seed = 0; seed < N_SITUATIONS; seed++)
    {
      Random random;
      Dice dice = { .rng = { .seed = seed, .stream = 1 } };
      random_situation (&random, seed, false);
      const SfSituation *situation = &random.situation;
      g_autoptr (SfSchedule) schedule = sf_schedule (situation);
      size_t line[MAX_PENDING], first = MAX_PENDING, n = plain_order (situation, line), behind = n;
      for (size_t i = 0; i < n && first == MAX_PENDING; i++)
        if (schedule->verdicts[line[i]].wait != SF_WAIT_NOTHING
            && schedule->verdicts[line[i]].wait != SF_WAIT_ARRAY)
          first = line[behind = i];
      if (first == MAX_PENDING)
        continue;
      SF_REQUIRE (schedule->verdicts[first].wait == SF_WAIT_RESOURCES
                  && schedule->verdicts[first].n_ahead == 0);
      Held held[MAX_HELD];
      size_t n_all = held_of_running (situation, held), n_before = n_all;
      for (size_t i = 0; i < schedule->n_starts; i++, n_all++)
        {
          const SfStart *start = &schedule->starts[i];
          held[n_all] = held_of_pending (&situation->pending[start->pending],
                                         start->first_rdu_tile);
          for (size_t k = 0; k < behind; k++)
            n_before += line[k] == start->pending;
        }
      n_backfilled += n_all - n_before;
      for (int tries = 0; tries < 8; tries++)
        {
          Held ends[MAX_HELD];
          memcpy (ends, held, sizeof ends);
          for (size_t i = 0; i < n_all; i++)
            if (ends[i].ends_us == INT64_MAX)
              ends[i].ends_us = i < n_before ? NOW + roll (&dice, 30) : NOW + 1000;
          const SfResources *wants = &situation->pending[first].wants;
          SF_REQUIRE_MSG (earliest (&situation->capacity, ends, n_all, wants)
                              <= earliest (&situation->capacity, ends, n_before, wants),
                          "seed %d", (int) seed);
        }
    }
  SF_CHECK (n_backfilled > N_SITUATIONS / 20);
}

static void
shuffle (Dice *dice, void *rows, size_t n, size_t row_bytes)
{
  char *bytes = rows;
  for (size_t i = n; i > 1; i--)
    {
      size_t j = (size_t) roll (dice, (int64_t) i);
      g_autofree char *row = g_memdup2 (bytes + j * row_bytes, row_bytes);
      memcpy (bytes + j * row_bytes, bytes + (i - 1) * row_bytes, row_bytes);
      memcpy (bytes + (i - 1) * row_bytes, row, row_bytes);
    }
}

/* Starts, then the reason of each job by its id. */
static char *
whole_answer (const SfSituation *situation)
{
  g_autoptr (SfSchedule) schedule = sf_schedule (situation);
  g_autofree char *starts = starts_text (situation, schedule);
  GString *text = g_string_new (starts);
  for (int64_t id = 1; id <= MAX_PENDING; id++)
    for (size_t i = 0; i < situation->n_pending; i++)
      if (situation->pending[i].id == id)
        {
          g_autofree char *reason = sf_schedule_reason (situation, schedule, i);
          g_string_append_printf (text, "\n%s", reason);
        }
  return g_string_free (text, FALSE);
}

SF_TEST (ScheduleRandom, OrderOfRowsDoesNotMatter)
{
  for (uint64_t seed = 0; seed < N_SITUATIONS / 5; seed++)
    {
      Random random;
      Dice dice = { .rng = { .seed = seed, .stream = 2 } };
      random_situation (&random, seed, false);
      g_autofree char *once = whole_answer (&random.situation);
      g_autofree char *again = whole_answer (&random.situation);
      shuffle (&dice, random.pending, random.situation.n_pending, sizeof *random.pending);
      shuffle (&dice, random.running, random.situation.n_running, sizeof *random.running);
      shuffle (&dice, random.usage, random.situation.n_usage, sizeof *random.usage);
      g_autofree char *shuffled = whole_answer (&random.situation);
      SF_CHECK_STR (again, once);
      SF_REQUIRE_MSG (strcmp (shuffled, once) == 0, "seed %d: %s, shuffled %s", (int) seed, once,
                      shuffled);
    }
}
