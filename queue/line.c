/* SPDX-License-Identifier: Apache-2.0 */
/* SfLine: by project, each in order of priority and age, so that a long line costs no more at each
 * turn than a short one. */
#include "queue/line.h"

enum
{
  WINDOW = 100 /* jobs of a project that are looked at: more never start at once, or fill gaps */
};

typedef struct
{
  SfJob *job;
  GArray *dependencies; /* SfDependency */
  GSequenceIter *place; /* in its project */
} Waiting;

struct SfLine
{
  GHashTable *jobs;       /* id, in the job, to Waiting */
  GHashTable *projects;   /* and limited arrays: key to GSequence of Waiting; borrowed elements */
  GHashTable *dependents; /* id (owned) to GArray of ids of the jobs that wait for it */
  bool news;              /* of dependencies, since somebody asked who is hopeless */
};

static void
waiting_free (void *data)
{
  Waiting *waiting = data;
  sf_job_free (waiting->job);
  g_array_unref (waiting->dependencies);
  g_free (waiting);
}

static void
sequence_free (void *data)
{
  g_sequence_free (data);
}

static void
ids_free (void *data)
{
  g_array_unref (data);
}

SfLine *
sf_line_new (void)
{
  SfLine *self = g_new0 (SfLine, 1);
  self->jobs = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, waiting_free);
  self->projects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, sequence_free);
  self->dependents = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, ids_free);
  return self;
}

void
sf_line_free (SfLine *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->projects);
  g_hash_table_unref (self->jobs);
  g_hash_table_unref (self->dependents);
  g_free (self);
}

static int
compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const SfJob *left = ((const Waiting *) a)->job, *right = ((const Waiting *) b)->job;
  if (left->priority != right->priority)
    return left->priority > right->priority ? -1 : 1;
  return left->id < right->id ? -1 : left->id > right->id;
}

/* The submission whose jobs run so many at a time; 0: that of this job has no such limit. */
static int64_t
array_of (const SfJob *job)
{
  return job->at_once > 0 ? job->submission : 0;
}

/* Jobs that go elsewhere do not stand behind those that wait for this node, nor any behind those of
 * an array that has as many under way as it may. Owned: g_free. */
static char *
project_key (const SfJob *job)
{
  return g_strdup_printf ("%s %" G_GINT64_FORMAT " %s", job->elsewhere ? "elsewhere" : "here",
                          array_of (job), job->project);
}

static GSequence *
project_of (SfLine *self, const SfJob *job)
{
  g_autofree char *key = project_key (job);
  GSequence *found = g_hash_table_lookup (self->projects, key);
  if (found == NULL)
    {
      found = g_sequence_new (NULL);
      g_hash_table_insert (self->projects, g_steal_pointer (&key), found);
    }
  return found;
}

void
sf_line_add (SfLine *self, SfJob *job, GArray *dependencies)
{
  Waiting *waiting = g_new0 (Waiting, 1);
  waiting->job = job;
  waiting->dependencies = dependencies;
  waiting->place = g_sequence_insert_sorted (project_of (self, job), waiting, compare, NULL);
  g_hash_table_insert (self->jobs, &job->id, waiting);
  self->news = self->news || dependencies->len > 0;
  for (guint i = 0; i < dependencies->len; i++)
    {
      int64_t on = g_array_index (dependencies, SfDependency, i).id;
      GArray *ids = g_hash_table_lookup (self->dependents, &on);
      if (ids == NULL)
        {
          ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
          g_hash_table_insert (self->dependents, g_memdup2 (&on, sizeof on), ids);
        }
      g_array_append_val (ids, job->id);
    }
}

SfJob *
sf_line_find (const SfLine *self, int64_t id)
{
  const Waiting *waiting = g_hash_table_lookup (self->jobs, &id);
  return waiting != NULL ? waiting->job : NULL;
}

SfJob *
sf_line_take (SfLine *self, int64_t id)
{
  Waiting *waiting = g_hash_table_lookup (self->jobs, &id);
  if (waiting == NULL)
    return NULL;
  GSequence *project = g_sequence_iter_get_sequence (waiting->place);
  g_sequence_remove (waiting->place);
  g_autofree char *key = project_key (waiting->job);
  if (g_sequence_is_empty (project))
    g_hash_table_remove (self->projects, key);
  g_hash_table_steal (self->jobs, &id);
  SfJob *job = g_steal_pointer (&waiting->job);
  waiting_free (waiting);
  return job;
}

unsigned
sf_line_length (const SfLine *self)
{
  return g_hash_table_size (self->jobs);
}

void
sf_line_changed (SfLine *self, int64_t id)
{
  Waiting *waiting = g_hash_table_lookup (self->jobs, &id);
  if (waiting != NULL)
    g_sequence_sort_changed (waiting->place, compare, NULL);
}

void
sf_line_note_state (SfLine *self, int64_t id, SfJobState state)
{
  const GArray *ids = g_hash_table_lookup (self->dependents, &id);
  self->news = self->news || ids != NULL;
  for (guint i = 0; ids != NULL && i < ids->len; i++)
    {
      Waiting *waiting = g_hash_table_lookup (self->jobs, &g_array_index (ids, int64_t, i));
      for (guint j = 0; waiting != NULL && j < waiting->dependencies->len; j++)
        {
          SfDependency *dependency = &g_array_index (waiting->dependencies, SfDependency, j);
          if (dependency->id == id)
            dependency->state = state;
        }
    }
}

/* ---- who starts ---- */

static bool
is_ready (const Waiting *waiting, const SfSituation *situation)
{
  SfResources wants = sf_line_wants (waiting->job);
  if (waiting->job->held || waiting->job->not_before_us > situation->now_us
      || !sf_resources_fit (&wants, &situation->capacity))
    return false;
  for (guint i = 0; i < waiting->dependencies->len; i++)
    if (sf_dependency_state (&g_array_index (waiting->dependencies, SfDependency, i))
        != SF_DEPENDENCY_HOLDS)
      return false;
  return true;
}

SfResources
sf_line_wants (const SfJob *job)
{
  if (job->elsewhere)
    return (SfResources){ 0 };
  return (SfResources){ .cores = MAX (job->cores, 1),
                        .memory_bytes = job->memory_bytes,
                        .rdu_tiles = job->tiles };
}

static SfPendingJob
pending_job (const Waiting *waiting)
{
  const SfJob *job = waiting->job;
  return (
      SfPendingJob){ .id = job->id,
                     .project = job->project,
                     .priority = job->priority,
                     .wants = sf_line_wants (job),
                     .time_limit_us = MIN (job->time_limit_s, G_MAXINT32) * G_USEC_PER_SEC,
                     .submitted_us = job->submitted_us,
                     .not_before_us = job->not_before_us,
                     .held = job->held,
                     .dependencies = (const SfDependency *) (void *) waiting->dependencies->data,
                     .n_dependencies = waiting->dependencies->len,
                     .array = array_of (job),
                     .at_once = job->at_once };
}

/* How many jobs are looked at where this one is the first: of an array as many as may start. */
static int64_t
window_of (const SfJob *first, const SfSituation *situation)
{
  int64_t n = first->at_once;
  if (array_of (first) == 0)
    return WINDOW;
  for (size_t i = 0; i < situation->n_running; i++)
    n -= situation->running[i].array == first->submission;
  return MIN (n, WINDOW);
}

/* The first of each project that nothing but the others keeps from starting. */
static GArray *
candidates (const SfLine *self, const SfSituation *situation, int64_t *wake_us)
{
  int64_t now_us = situation->now_us;
  GArray *found = g_array_new (FALSE, FALSE, sizeof (SfPendingJob));
  GHashTableIter iter;
  gpointer project;
  g_hash_table_iter_init (&iter, self->projects);
  while (g_hash_table_iter_next (&iter, NULL, &project))
    {
      GSequenceIter *at = g_sequence_get_begin_iter (project); /* never at its end */
      int64_t left = window_of (((const Waiting *) g_sequence_get (at))->job, situation);
      for (; !g_sequence_iter_is_end (at) && left > 0; at = g_sequence_iter_next (at))
        {
          const Waiting *waiting = g_sequence_get (at);
          int64_t not_before = waiting->job->not_before_us;
          if (not_before > now_us && (*wake_us == 0 || not_before < *wake_us))
            *wake_us = not_before;
          if (!is_ready (waiting, situation))
            continue;
          SfPendingJob row = pending_job (waiting);
          g_array_append_val (found, row);
          left--;
        }
    }
  return found;
}

GArray *
sf_line_choose (const SfLine *self, const SfSituation *situation, int64_t n_elsewhere,
                int64_t *wake_us)
{
  GArray *starts = g_array_new (FALSE, FALSE, sizeof (SfLineStart));
  *wake_us = 0;
  g_autoptr (GArray) pending = candidates (self, situation, wake_us);
  if (pending->len == 0)
    return starts;
  SfSituation whole = *situation;
  whole.pending = (const SfPendingJob *) (void *) pending->data;
  whole.n_pending = pending->len;
  g_autoptr (SfSchedule) schedule = sf_schedule (&whole);
  for (size_t i = 0; i < schedule->n_starts; i++)
    {
      SfLineStart start = { .job = whole.pending[schedule->starts[i].pending].id,
                            .first_tile = schedule->starts[i].first_rdu_tile };
      if (!sf_line_find (self, start.job)->elsewhere || n_elsewhere-- > 0)
        g_array_append_val (starts, start);
    }
  return starts;
}

GArray *
sf_line_hopeless (SfLine *self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  GHashTableIter iter;
  gpointer value;
  if (!self->news)
    return ids;
  self->news = false;
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Waiting *waiting = value;
      for (guint i = 0; i < waiting->dependencies->len; i++)
        {
          const SfDependency *on = &g_array_index (waiting->dependencies, SfDependency, i);
          if (sf_dependency_state (on) != SF_DEPENDENCY_NEVER)
            continue;
          g_array_append_val (ids, waiting->job->id);
          break;
        }
    }
  return ids;
}

/* All jobs of a project one after the other, each project in order of age and priority: whoever
 * sorts them finds little to do. */
static GArray *
all_pending (const SfLine *self)
{
  GArray *rows = g_array_sized_new (FALSE, FALSE, sizeof (SfPendingJob), sf_line_length (self));
  GHashTableIter iter;
  gpointer project;
  g_hash_table_iter_init (&iter, self->projects);
  while (g_hash_table_iter_next (&iter, NULL, &project))
    for (GSequenceIter *at = g_sequence_get_begin_iter (project); !g_sequence_iter_is_end (at);
         at = g_sequence_iter_next (at))
      {
        SfPendingJob row = pending_job (g_sequence_get (at));
        g_array_append_val (rows, row);
      }
  return rows;
}

static GArray *
some_pending (const SfLine *self, const GArray *ids)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (SfPendingJob));
  for (guint i = 0; i < ids->len; i++)
    {
      const Waiting *waiting = g_hash_table_lookup (self->jobs, &g_array_index (ids, int64_t, i));
      if (waiting == NULL)
        continue;
      SfPendingJob row = pending_job (waiting);
      g_array_append_val (rows, row);
    }
  return rows;
}

static char *
reason_of (const SfLine *self, const SfSituation *situation, const SfSchedule *schedule, size_t i)
{
  const SfJob *job = sf_line_find (self, situation->pending[i].id);
  char *reason = job->elsewhere && schedule->verdicts[i].wait == SF_WAIT_NOTHING
                     ? g_strdup_printf ("waits for its turn: %s has as many jobs as sfd.cfg "
                                        "lets it have",
                                        job->executor)
                     : sf_schedule_reason (situation, schedule, i);
  if (job->attempt == 0)
    return reason;
  g_autofree char *waits = reason;
  return g_strdup_printf ("%s; %s", waits, job->reason);
}

/* Adds the reasons of all of `rows` that are among `wanted` (NULL: all) and have none yet; with
 * `aside` only of jobs that something other than the rest of the line keeps waiting. */
static void
add_reasons (const SfLine *self, const SfSituation *situation, const GArray *rows,
             GHashTable *wanted, bool aside, GHashTable *reasons)
{
  SfSituation whole = *situation;
  whole.pending = (const SfPendingJob *) (void *) rows->data;
  whole.n_pending = rows->len;
  g_autoptr (SfSchedule) schedule = sf_schedule (&whole);
  for (size_t i = 0; i < rows->len; i++)
    {
      const int64_t *id = &whole.pending[i].id;
      if ((wanted == NULL || g_hash_table_contains (wanted, id))
          && !g_hash_table_contains (reasons, id)
          && !(aside && sf_wait_is_in_line (schedule->verdicts[i].wait)))
        g_hash_table_insert (reasons, g_memdup2 (id, sizeof *id),
                             reason_of (self, &whole, schedule, i));
    }
}

GHashTable *
sf_line_reasons (const SfLine *self, const SfSituation *situation, const GArray *ids)
{
  GHashTable *reasons = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr (GHashTable) wanted = NULL;
  if (ids != NULL)
    {
      g_autoptr (GArray) some = some_pending (self, ids);
      add_reasons (self, situation, some, NULL, true, reasons);
      if (g_hash_table_size (reasons) == some->len)
        return reasons;
      wanted = g_hash_table_new (g_int64_hash, g_int64_equal);
      for (guint i = 0; i < ids->len; i++)
        g_hash_table_add (wanted, &g_array_index (ids, int64_t, i));
    }
  g_autoptr (GArray) all = all_pending (self);
  add_reasons (self, situation, all, wanted, false, reasons);
  return reasons;
}
