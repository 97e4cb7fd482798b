/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts under way: from their start over what their folders tell to their end. */
#include "queue/daemon_state.h"

#include <string.h>

#include <sf/log.h>

#include "queue/folder.h"
#include "queue/handover.h"

enum
{
  LOOK_MS = 50, /* who runs for less never shows as RUNNING: nobody could have seen it */
  START_AGAIN_US = 1000000,
};

void
sf_live_free (SfLive *live)
{
  sf_job_free (live->job);
  g_free (live->folder);
  g_free (live);
}

SfLive *
sf_daemon_find_live (SfDaemon *self, int64_t id)
{
  return g_hash_table_lookup (self->lives, &id);
}

SfLive *
sf_daemon_add_live (SfDaemon *self, SfJob *job)
{
  SfLive *live = g_new0 (SfLive, 1);
  sf_daemon_resolve (self, job);
  live->job = job;
  live->stored = job->state;
  if (job->attempt > 0)
    {
      g_autofree char *job_folder = sf_job_folder (self->folder, job->id);
      live->folder = sf_attempt_folder (job_folder, job->attempt);
    }
  g_hash_table_insert (self->lives, &job->id, live);
  return live;
}

static void
warn (const SfLive *live, const GError *error)
{
  sf_log (SF_LOG_WARNING, "job %" G_GINT64_FORMAT ": %s", live->job->id, error->message);
}

void
sf_live_waits (SfLive *live, char *reason)
{
  SfJob *job = live->job;
  if (job->state != SF_JOB_STARTING || strcmp (job->reason, reason) == 0)
    {
      g_free (reason);
      return;
    }
  g_free (job->reason);
  job->reason = reason;
  live->changed = true;
}

/* ---- the end ---- */

/* What it has taken counts against its project. */
static void
note_usage (SfDaemon *self, const SfJob *job)
{
  if (job->started_us == 0 || job->ended_us <= job->started_us)
    return;
  SfUsageRow *row = g_hash_table_lookup (self->usage, job->project);
  if (row == NULL)
    {
      row = g_new0 (SfUsageRow, 1);
      row->project = g_strdup (job->project);
      row->at_us = job->ended_us;
      g_hash_table_insert (self->usage, row->project, row);
    }
  int64_t now = MAX (row->at_us, job->ended_us);
  double seconds = (double) (job->ended_us - job->started_us) / G_USEC_PER_SEC;
  row->core_s = sf_usage_decay (row->core_s, row->at_us, now)
                + seconds * (double) sf_line_wants (job).cores;
  row->at_us = now;
  g_hash_table_add (self->used, row);
}

void
sf_daemon_end_live (SfDaemon *self, SfLive *live, SfJobState state, char *reason)
{
  SfJob *job = live->job;
  job->state = state;
  g_free (job->reason);
  job->reason = reason;
  if (job->ended_us == 0)
    job->ended_us = g_get_real_time ();
  live->changed = true;
  live->to_start = false;
  note_usage (self, job);
  live->again_us = sf_daemon_next_attempt_us (self, live);
  if (live->again_us == 0)
    sf_line_note_state (self->line, job->id, state);
  sf_daemon_turn_soon (self);
}

/* Steps that an earlier attempt has done say nothing about this one. */
static void
note_start (SfLive *live)
{
  SfStepRecord first;
  bool found = false;
  int step = 1;
  if (live->job->started_us != 0)
    return;
  if (live->job->attempt > 1)
    {
      g_autoptr (SfPlan) plan = sf_plan_read (live->folder, NULL);
      step = plan != NULL ? (int) plan->first_step : 1;
    }
  if (sf_step_record_read (live->folder, step, &first, &found, NULL) && found)
    live->job->started_us = first.started_us;
}

static void
end_by_record (SfDaemon *self, SfLive *live, const SfExitRecord *record)
{
  note_start (live);
  live->job->exit_code = record->exit_code;
  live->job->exit_signal = record->exit_signal;
  live->job->ended_us = record->ended_us;
  sf_daemon_end_live (self, live, record->state, g_strdup (record->reason));
}

/* The attempt never began: the reason is the error. */
static void
end_unstarted (SfDaemon *self, SfLive *live, const GError *cause)
{
  SfJob *job = live->job;
  job->exit_code = sf_error_exit_code (cause);
  job->ended_us = g_get_real_time ();
  g_autofree char *reason = g_strdup_printf ("could not be started: %s", cause->message);
  SfExitRecord record = {
    .state = SF_JOB_FAILED, .reason = reason, .exit_code = job->exit_code, .ended_us = job->ended_us
  };
  sf_exit_record_write (&record, live->folder, NULL);
  sf_daemon_end_live (self, live, SF_JOB_FAILED, g_steal_pointer (&reason));
}

/* What the queue's folder refuses now it may take later: who looks after attempts that have not
 * begun tries again. */
static void
end_or_put_off (SfDaemon *self, SfLive *live, const GError *cause)
{
  if (sf_folder_has_room (self->folder))
    end_unstarted (self, live, cause);
  else
    sf_live_waits (live, g_strdup_printf ("waits for room on the disk: %s", cause->message));
  sf_daemon_turn_soon (self);
}

/* ---- the beginning ---- */

void
sf_daemon_launch (SfDaemon *self, SfLive *live)
{
  g_autoptr (GError) error = NULL;
  SfJob *job = live->job;
  live->to_start = false;
  SfWorker *worker = sf_daemon_worker (self, job->executor, &error);
  g_autoptr (SfLaunch) launch = worker != NULL
                                    ? sf_launch_new (self->store, self->folder, job, &error)
                                    : NULL;
  if (launch == NULL || !sf_launch_make_folders (launch, &error)
      || (live->cancel && !sf_attempt_mark_cancelled (live->folder, &error)))
    {
      end_or_put_off (self, live, error);
      return;
    }
  live->retries = launch->plan->retries;
  live->notifies = launch->plan->notify != NULL;
  live->knows_rules = true;
  sf_watch_add (self->watch, job->id, live->folder);
  SfTask *task = sf_task_new (SF_TASK_START);
  sf_task_add (task, job);
  task->launch = g_steal_pointer (&launch);
  live->busy = true;
  sf_worker_push (worker, task);
}

/* ---- looking ---- */

static gboolean
look_closely (gpointer data)
{
  SfDaemon *self = data;
  GHashTableIter iter;
  gpointer live;
  self->look_source = 0;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &live))
    ((SfLive *) live)->look |= ((SfLive *) live)->look_closely;
  sf_daemon_turn_soon (self);
  return G_SOURCE_REMOVE;
}

void
sf_daemon_on_file (void *data, int64_t id, const char *name)
{
  SfDaemon *self = data;
  SfLive *live = sf_daemon_find_live (self, id);
  bool ended = strcmp (name, "exit.json") == 0;
  bool unlocked = strcmp (name, "lock") == 0;
  bool step = g_str_has_prefix (name, "step-") && g_str_has_suffix (name, ".json");
  if (live == NULL || !(ended || unlocked || step))
    return;
  live->look |= ended || unlocked;
  live->look_closely |= unlocked || step;
  if (live->look)
    sf_daemon_turn_soon (self);
  else if (self->look_source == 0)
    self->look_source = g_timeout_add (LOOK_MS, look_closely, self);
}

static void
note_running (SfLive *live)
{
  SfJob *job = live->job;
  if (!sf_attempt_has (live->folder, "shepherd.json"))
    return;
  g_autofree char *where = sf_attempt_where (live->folder);
  note_start (live);
  if (job->state == SF_JOB_RUNNING && strcmp (where, job->reason) == 0)
    return;
  job->state = SF_JOB_RUNNING;
  g_free (job->reason);
  job->reason = g_steal_pointer (&where);
  live->changed = true;
}

/* Adds to a question to the executor, one for all of its attempts. */
static void
ask_executor (const SfDaemon *self, GHashTable *questions, SfLive *live)
{
  if (self->closing)
    return;
  if (live->asked)
    {
      live->ask_again = true;
      return;
    }
  live->asked = true;
  SfTask *task = g_hash_table_lookup (questions, live->job->executor);
  if (task == NULL)
    {
      task = sf_task_new (SF_TASK_FIND);
      g_hash_table_insert (questions, g_strdup (live->job->executor), task);
    }
  sf_task_add (task, live->job);
}

static void
look (SfDaemon *self, SfLive *live, GHashTable *questions)
{
  g_autoptr (GError) error = NULL;
  SfExitRecord record = { 0 };
  bool found = false, closely = live->look_closely;
  live->look = live->look_closely = false;
  if (live->folder == NULL || live->begins || sf_job_state_is_final (live->job->state))
    return;
  if (!sf_exit_record_read (live->folder, &record, &found, &error))
    warn (live, error);
  if (found && error == NULL)
    end_by_record (self, live, &record);
  else if (closely && sf_attempt_is_locked (live->folder, "lock"))
    note_running (live);
  else if (closely && !live->busy)
    ask_executor (self, questions, live);
  sf_exit_record_clear (&record);
}

void
sf_daemon_look (SfDaemon *self)
{
  GHashTableIter iter;
  gpointer executor, value;
  g_autoptr (GHashTable) questions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((SfLive *) value)->look)
      look (self, value, questions);
  g_hash_table_iter_init (&iter, questions);
  while (g_hash_table_iter_next (&iter, &executor, &value))
    {
      g_autoptr (GError) error = NULL;
      SfWorker *worker = sf_daemon_worker (self, executor, &error);
      if (worker != NULL)
        sf_worker_push (worker, value);
      else
        {
          SfTask *task = value;
          task->executor = g_strdup (executor);
          task->error = g_steal_pointer (&error);
          sf_daemon_task_done (task, self);
          sf_task_free (task);
        }
    }
}

/* ---- what workers tell ---- */

/* Nobody has run a step of it: no shepherd has begun, on this boot of the machine. */
static bool
never_began (const SfDaemon *self, const SfLive *live)
{
  return live->job->handle == NULL && g_strcmp0 (live->job->boot_id, self->boot_id) == 0
         && !sf_attempt_has (live->folder, "shepherd.json")
         && !sf_attempt_has (live->folder, "exit.json");
}

/* The executor knows of no shepherd of it. */
static void
settle (SfDaemon *self, SfLive *live, SfAttemptStatus *status)
{
  if (self->closing || live->busy || sf_job_state_is_final (live->job->state)
      || sf_attempt_is_locked (live->folder, "lock"))
    return;
  if (never_began (self, live) && !live->cancel)
    {
      if (!self->stopping && g_get_monotonic_time () >= live->start_from_us)
        sf_daemon_launch (self, live);
      return;
    }
  live->busy = true;
  SfEnding *ending = sf_ending_new (live->job, live->folder, status);
  sf_hand_over (ending);
  g_thread_pool_push (self->endings, ending, NULL);
}

static void
take_handle (SfDaemon *self, SfLive *live, SfTaskRow *row)
{
  if (live->job->handle != NULL || row->handle == NULL)
    return;
  live->job->handle = g_steal_pointer (&row->handle);
  live->has_handle = true;
  live->handle_from_us = g_get_monotonic_time ();
  if (self->look_source == 0)
    self->look_source = g_timeout_add (SF_HANDLE_MS, look_closely, self);
}

/* What an executor says that does not know how it went is no end: whoever looks asks again. */
static void
take_failure (SfDaemon *self, const SfTask *task, SfLive *live)
{
  bool unknown = task->kind != SF_TASK_START
                 || g_error_matches (task->error, SF_ERROR, SF_ERROR_TIMEOUT);
  if (sf_job_state_is_final (live->job->state))
    return;
  live->start_from_us = g_get_monotonic_time () + START_AGAIN_US;
  if (unknown)
    sf_live_waits (live,
                   g_strdup_printf ("waits for %s: %s", task->executor, task->error->message));
  else
    end_or_put_off (self, live, task->error);
}

/* The executor sees it run. Elsewhere its lock may not be seen from here; a shepherd of this
 * machine without its lock is just being killed. */
static void
note_seen (SfDaemon *self, SfLive *live)
{
  if (sf_job_state_is_final (live->job->state))
    return;
  live->leaving = !live->job->elsewhere && sf_attempt_has (live->folder, "shepherd.json")
                  && !sf_attempt_is_locked (live->folder, "lock");
  if (live->job->elsewhere)
    note_running (live);
  if (!live->leaving)
    return;
  live->look_closely = true;
  if (self->look_source == 0)
    self->look_source = g_timeout_add (LOOK_MS, look_closely, self);
}

static void
take_status (SfDaemon *self, SfLive *live, SfAttemptStatus *status)
{
  live->leaving = false;
  if (status->state == SF_ATTEMPT_ENDED)
    settle (self, live, status);
  else if (status->state == SF_ATTEMPT_RUNNING)
    note_seen (self, live);
  else if (status->state == SF_ATTEMPT_WAITING && status->reason != NULL)
    sf_live_waits (live, g_steal_pointer (&status->reason));
}

static void
take_row (SfDaemon *self, const SfTask *task, SfLive *live, SfTaskRow *row)
{
  if (task->kind == SF_TASK_START)
    live->busy = false;
  if (task->kind == SF_TASK_SIGNAL)
    live->telling = false;
  if (task->kind == SF_TASK_FIND)
    {
      live->asked = false;
      live->look |= live->ask_again;
      live->look_closely |= live->ask_again;
      live->ask_again = false;
    }
  if (task->error != NULL)
    {
      take_failure (self, task, live);
      return;
    }
  take_handle (self, live, row);
  if (task->kind == SF_TASK_START && live->cancel)
    sf_daemon_signal (self, live);
  if (task->kind == SF_TASK_SIGNAL)
    {
      live->told_us = g_get_monotonic_time ();
      live->look = live->look_closely = true;
    }
  if (task->kind == SF_TASK_FIND)
    take_status (self, live, &row->status);
}

void
sf_daemon_task_done (SfTask *task, void *data)
{
  SfDaemon *self = data;
  sf_daemon_note_answer (self, task);
  for (guint i = 0; i < task->rows->len; i++)
    {
      SfTaskRow *row = &g_array_index (task->rows, SfTaskRow, i);
      SfLive *live = sf_daemon_find_live (self, row->job);
      if (live != NULL && live->job->attempt == row->attempt)
        take_row (self, task, live, row);
    }
  sf_daemon_turn_soon (self);
}

typedef struct
{
  SfDaemon *daemon;
  SfEnding *ending;
} EndingDone;

static gboolean
ending_done (gpointer data)
{
  EndingDone *done = data;
  sf_take_over (done);
  SfDaemon *self = done->daemon;
  const SfEnding *ending = done->ending;
  SfLive *live = sf_daemon_find_live (self, ending->job);
  if (live != NULL && live->job->attempt == ending->attempt)
    {
      live->busy = false;
      if (ending->error != NULL)
        warn (live, ending->error);
      else if (ending->ended && !sf_job_state_is_final (live->job->state))
        end_by_record (self, live, &ending->record);
    }
  sf_daemon_turn_soon (self);
  sf_ending_free (done->ending);
  g_free (done);
  return G_SOURCE_REMOVE;
}

void
sf_daemon_run_ending (void *ending, void *data)
{
  EndingDone *done = g_new0 (EndingDone, 1);
  done->daemon = data;
  done->ending = ending;
  sf_take_over (ending);
  sf_ending_run (ending);
  sf_hand_over (done);
  g_idle_add_full (G_PRIORITY_DEFAULT, ending_done, done, NULL);
}
