/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling with one promise (EASY backfill; Lifka, "The ANL/IBM SP scheduling system", 1995): the
 * first job that does not fit is never put off by one behind it. */
#include "queue/schedule.h"

#include <stdlib.h>

#include "runtime/tiles.h"

/* A job that holds resources, by the end of its time limit. */
typedef struct
{
  int64_t id;
  SfResources uses;
  int64_t ends_by_us; /* INT64_MAX: no limit */
  char token[24];     /* in Free.tiles */
} Active;

/* What nobody holds. */
typedef struct
{
  int64_t cores, memory_bytes; /* negative when the capacity was made smaller */
  SfRduTiles *tiles;
} Free;

/* The first job in line that does not fit, and what it was promised. */
typedef struct
{
  const SfPendingJob *job; /* NULL: every one fitted so far */
  int64_t starts_us;       /* at the latest, if what has no limit ends in time */
  Free then; /* what is free at starts_us if nothing without a limit has ended, the job not begun */
  bool sure; /* it fits into `then` */
  int64_t waits_for;
} Promise;

/* What is under way of an array, or ahead in line for one of its slots. */
typedef struct
{
  int64_t id, n, first_job;
} ArrayUse;

typedef struct
{
  const SfSituation *situation;
  SfSchedule *schedule;
  GArray *active;     /* Active */
  GHashTable *arrays; /* id, in the value, to ArrayUse */
  Free free;
  Promise promise;
  size_t n_waiting; /* in line, so far */
} Pass;

/* ---- resources ---- */

static int64_t
add_saturated (int64_t a, int64_t b)
{
  int64_t sum;
  return __builtin_add_overflow (a, b, &sum) ? INT64_MAX : sum;
}

/* Takes (sign -1) or gives back (+1) all but the tiles. */
static void
change (Free *self, int64_t sign, const SfResources *by)
{
  if (__builtin_add_overflow (self->cores, sign * by->cores, &self->cores))
    self->cores = sign * INT64_MAX;
  if (__builtin_add_overflow (self->memory_bytes, sign * by->memory_bytes, &self->memory_bytes))
    self->memory_bytes = sign * INT64_MAX;
}

static void
give_back (Free *self, const Active *active)
{
  change (self, +1, &active->uses);
  sf_rdu_tiles_release (self->tiles, active->token);
}

static Free
copy_free (const Free *self)
{
  return (Free){ self->cores, self->memory_bytes, sf_rdu_tiles_copy (self->tiles) };
}

static bool
fits_one (int64_t free, int64_t wants)
{
  return wants == 0 || wants <= free;
}

static bool
fits (const Free *self, const SfResources *wants)
{
  return fits_one (self->cores, wants->cores) && fits_one (self->memory_bytes, wants->memory_bytes)
         && sf_rdu_tiles_fits (self->tiles, wants->rdu_tiles);
}

/* ---- arrays ---- */

static void
note_array (Pass *self, int64_t array, int64_t job)
{
  if (array == 0)
    return;
  ArrayUse *use = g_hash_table_lookup (self->arrays, &array);
  if (use == NULL)
    {
      use = g_new0 (ArrayUse, 1);
      *use = (ArrayUse){ .id = array, .first_job = job };
      g_hash_table_insert (self->arrays, &use->id, use);
    }
  use->n++;
  use->first_job = MIN (use->first_job, job);
}

/* No more of its array may be under way. *first_job is written when that is so. */
static bool
array_is_full (const Pass *self, const SfPendingJob *job, int64_t *first_job)
{
  if (job->array == 0)
    return false;
  const ArrayUse *use = g_hash_table_lookup (self->arrays, &job->array);
  bool full = use != NULL && use->n >= job->at_once;
  if (full)
    *first_job = use->first_job;
  return full;
}

/* ---- what runs ---- */

static void
add_active (Pass *self, int64_t id, const SfResources *uses, int64_t ends_by_us)
{
  Active active = { .id = id, .uses = *uses, .ends_by_us = ends_by_us };
  g_snprintf (active.token, sizeof active.token, "%" G_GINT64_FORMAT, id);
  g_array_append_val (self->active, active);
}

static void
take_running (Pass *self)
{
  const SfSituation *situation = self->situation;
  self->free.cores = situation->capacity.cores;
  self->free.memory_bytes = situation->capacity.memory_bytes;
  self->free.tiles = sf_rdu_tiles_new (situation->capacity.rdu_tiles);
  for (size_t i = 0; i < situation->n_running; i++)
    {
      const SfRunningJob *job = &situation->running[i];
      int64_t ends_by_us = job->ends_by_us == 0 ? INT64_MAX
                                                : MAX (job->ends_by_us, situation->now_us);
      add_active (self, job->id, &job->uses, ends_by_us);
      note_array (self, job->array, job->id);
      change (&self->free, -1, &job->uses);
      /* Tiles that the node has no longer are nobody's. */
      if (job->uses.rdu_tiles > 0)
        sf_rdu_tiles_claim (self->free.tiles,
                            g_array_index (self->active, Active, self->active->len - 1).token,
                            job->first_rdu_tile, job->uses.rdu_tiles, NULL);
    }
}

static int
compare_ends (const void *a, const void *b)
{
  const Active *x = a, *y = b;
  if (x->ends_by_us != y->ends_by_us)
    return x->ends_by_us < y->ends_by_us ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

/* ---- the promise ---- */

/* The job that ends at that time and holds something of what is short; 0: none. */
static int64_t
whose_end (const Pass *self, int64_t ends_by_us, const SfResources *wants)
{
  bool cores = !fits_one (self->free.cores, wants->cores);
  bool memory = !fits_one (self->free.memory_bytes, wants->memory_bytes);
  bool tiles = !sf_rdu_tiles_fits (self->free.tiles, wants->rdu_tiles);
  for (guint i = 0; i < self->active->len; i++)
    {
      const Active *active = &g_array_index (self->active, Active, i);
      if (active->ends_by_us == ends_by_us
          && ((cores && active->uses.cores > 0) || (memory && active->uses.memory_bytes > 0)
              || (tiles && active->uses.rdu_tiles > 0)))
        return active->id;
    }
  return 0;
}

/* Whatever has no limit may end at any moment: it is taken to end now for the time of the promise,
 * and never for what later jobs may use. */
static void
make_promise (Pass *self, const SfPendingJob *job)
{
  Promise *promise = &self->promise;
  Free early = copy_free (&self->free);
  const Active *active = (const Active *) self->active->data;
  size_t n = self->active->len, next = 0;
  qsort (self->active->data, n, sizeof (Active), compare_ends);
  promise->job = job;
  promise->starts_us = self->situation->now_us;
  promise->then = copy_free (&self->free);
  for (size_t i = 0; i < n; i++)
    if (active[i].ends_by_us == INT64_MAX)
      give_back (&early, &active[i]);
  while (next < n && active[next].ends_by_us != INT64_MAX
         && (!fits (&early, &job->wants) || active[next].ends_by_us == promise->starts_us))
    {
      give_back (&early, &active[next]);
      give_back (&promise->then, &active[next]);
      promise->starts_us = active[next++].ends_by_us;
    }
  promise->sure = fits (&promise->then, &job->wants);
  promise->waits_for = whose_end (self, promise->sure ? promise->starts_us : INT64_MAX,
                                  &job->wants);
  sf_rdu_tiles_free (early.tiles);
}

/* In each resource that the later job uses, the promised one still finds what it wants. */
static bool
leaves_enough (const Free *then, const SfResources *wants, const SfResources *promised)
{
  return (wants->cores == 0 || fits_one (then->cores, promised->cores))
         && (wants->memory_bytes == 0 || fits_one (then->memory_bytes, promised->memory_bytes))
         && (wants->rdu_tiles == 0 || sf_rdu_tiles_fits (then->tiles, promised->rdu_tiles));
}

/* Whether the promise holds with that job on those tiles; if so, it is accounted for. */
static bool
keeps_promise (Pass *self, const Active *active, int64_t first_rdu_tile)
{
  Free *then = &self->promise.then;
  change (then, -1, &active->uses);
  if (active->uses.rdu_tiles > 0)
    sf_rdu_tiles_claim (then->tiles, active->token, first_rdu_tile, active->uses.rdu_tiles, NULL);
  if (leaves_enough (then, &active->uses, &self->promise.job->wants))
    return true;
  give_back (then, active);
  return false;
}

/* Finds tiles that keep the promise: at either end of the smallest gap where that can be. */
static bool
find_tiles_beside (Pass *self, const Active *active, int64_t *first_rdu_tile)
{
  const SfRduTiles *tiles = self->free.tiles;
  int64_t n = active->uses.rdu_tiles, best_size = INT64_MAX;
  for (size_t i = 0; i <= sf_rdu_tiles_count (tiles); i++)
    {
      SfRduTileRange gap = sf_rdu_tiles_gap (tiles, i);
      const int64_t ends[] = { gap.first, gap.first + gap.n - n };
      for (size_t end = 0; end < G_N_ELEMENTS (ends) && gap.n >= n && gap.n < best_size; end++)
        if (keeps_promise (self, active, ends[end]))
          {
            give_back (&self->promise.then, active);
            *first_rdu_tile = ends[end];
            best_size = gap.n;
          }
    }
  return best_size < INT64_MAX && keeps_promise (self, active, *first_rdu_tile);
}

/* ---- the line ---- */

static SfVerdict *
verdict_of (Pass *self, size_t index)
{
  return &self->schedule->verdicts[index];
}

/* Takes tiles for a job that fits; false when that would break the promise. */
static bool
take_tiles (Pass *self, const Active *active, int64_t *first_rdu_tile)
{
  int64_t n = active->uses.rdu_tiles;
  bool ends_in_time = self->promise.job == NULL || active->ends_by_us <= self->promise.starts_us;
  if (n == 0)
    return ends_in_time || keeps_promise (self, active, 0);
  if (ends_in_time)
    return sf_rdu_tiles_allocate (self->free.tiles, active->token, n, first_rdu_tile, NULL);
  return find_tiles_beside (self, active, first_rdu_tile)
         && sf_rdu_tiles_claim (self->free.tiles, active->token, *first_rdu_tile, n, NULL);
}

/* Starts the job unless that breaks the promise. It fits. */
static bool
try_start (Pass *self, size_t index)
{
  const SfPendingJob *job = &self->situation->pending[index];
  int64_t ends_by_us = job->time_limit_us == 0
                           ? INT64_MAX
                           : add_saturated (self->situation->now_us, job->time_limit_us);
  SfStart start = { .pending = index };
  add_active (self, job->id, &job->wants, ends_by_us);
  const Active *active = &g_array_index (self->active, Active, self->active->len - 1);
  if (!take_tiles (self, active, &start.first_rdu_tile))
    {
      g_array_set_size (self->active, self->active->len - 1);
      return false;
    }
  change (&self->free, -1, &job->wants);
  self->schedule->starts[self->schedule->n_starts++] = start;
  return true;
}

static void
take (Pass *self, size_t index)
{
  const SfPendingJob *job = &self->situation->pending[index];
  SfVerdict *verdict = verdict_of (self, index);
  Promise *promise = &self->promise;
  if (array_is_full (self, job, &verdict->job))
    {
      verdict->wait = SF_WAIT_ARRAY;
      return;
    }
  /* Also when it does not start now: none behind it may take the slot that it was promised. */
  note_array (self, job->array, job->id);
  bool fits_now = fits (&self->free, &job->wants);
  if (fits_now && try_start (self, index))
    return;
  if (promise->job == NULL)
    {
      make_promise (self, job);
      verdict->job = promise->waits_for;
      verdict->until_us = promise->sure ? promise->starts_us : 0;
    }
  else
    {
      verdict->job = promise->job->id;
      verdict->until_us = promise->sure ? promise->starts_us : 0;
    }
  verdict->wait = fits_now ? SF_WAIT_TURN : SF_WAIT_RESOURCES;
  verdict->n_ahead = self->n_waiting++;
}

bool
sf_resources_fit (const SfResources *wants, const SfResources *all)
{
  return wants->cores <= all->cores && wants->memory_bytes <= all->memory_bytes
         && wants->rdu_tiles <= all->rdu_tiles;
}

SfDependencyState
sf_dependency_state (const SfDependency *dependency)
{
  if (!sf_job_state_is_final (dependency->state))
    return SF_DEPENDENCY_WAITS;
  bool completed = dependency->state == SF_JOB_COMPLETED;
  bool holds = dependency->kind == SF_AFTER || (dependency->kind == SF_AFTER_OK) == completed;
  return holds ? SF_DEPENDENCY_HOLDS : SF_DEPENDENCY_NEVER;
}

bool
sf_wait_is_in_line (SfWait wait)
{
  return wait == SF_WAIT_NOTHING || wait == SF_WAIT_RESOURCES || wait == SF_WAIT_ARRAY
         || wait == SF_WAIT_TURN;
}

/* What keeps a job out of the line, whatever is free. */
static bool
stands_in_line (Pass *self, size_t index)
{
  const SfPendingJob *job = &self->situation->pending[index];
  SfVerdict *verdict = verdict_of (self, index);
  *verdict = (SfVerdict){ .wait = SF_WAIT_NOTHING };
  for (size_t i = 0; i < job->n_dependencies; i++)
    {
      const SfDependency *other = &job->dependencies[i];
      SfDependencyState state = sf_dependency_state (other);
      if (state == SF_DEPENDENCY_NEVER)
        {
          *verdict = (SfVerdict){ .wait = SF_WAIT_FOREVER, .job = other->id };
          return false;
        }
      if (state == SF_DEPENDENCY_WAITS && verdict->wait == SF_WAIT_NOTHING)
        *verdict = (SfVerdict){ .wait = SF_WAIT_DEPENDENCY, .job = other->id };
    }
  if (!sf_resources_fit (&job->wants, &self->situation->capacity))
    *verdict = (SfVerdict){ .wait = SF_WAIT_CAPACITY };
  else if (job->held)
    *verdict = (SfVerdict){ .wait = SF_WAIT_RELEASE };
  else if (verdict->wait == SF_WAIT_NOTHING && job->not_before_us > self->situation->now_us)
    *verdict = (SfVerdict){ .wait = SF_WAIT_TIME, .until_us = job->not_before_us };
  return verdict->wait == SF_WAIT_NOTHING;
}

SfSchedule *
sf_schedule (const SfSituation *situation)
{
  SfSchedule *schedule = g_new0 (SfSchedule, 1);
  Pass self = { .situation = situation, .schedule = schedule };
  g_autofree size_t *line = g_new (size_t, MAX (situation->n_pending, 1));
  size_t n = 0;
  schedule->starts = g_new0 (SfStart, MAX (situation->n_pending, 1));
  schedule->verdicts = g_new0 (SfVerdict, MAX (situation->n_pending, 1));
  self.active = g_array_new (FALSE, FALSE, sizeof (Active));
  self.arrays = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  take_running (&self);
  for (size_t i = 0; i < situation->n_pending; i++)
    if (stands_in_line (&self, i))
      line[n++] = i;
  sf_schedule_order (situation, line, n);
  for (size_t i = 0; i < n; i++)
    take (&self, line[i]);
  SfRduTileUse use = sf_rdu_tiles_use (self.free.tiles);
  schedule->free = (SfResources){ self.free.cores, self.free.memory_bytes, use.n_free };
  schedule->free_rdu_run = use.largest_free;
  sf_rdu_tiles_free (self.free.tiles);
  sf_rdu_tiles_free (self.promise.then.tiles);
  g_array_unref (self.active);
  g_hash_table_unref (self.arrays);
  return schedule;
}

void
sf_schedule_free (SfSchedule *self)
{
  if (self == NULL)
    return;
  g_free (self->starts);
  g_free (self->verdicts);
  g_free (self);
}
