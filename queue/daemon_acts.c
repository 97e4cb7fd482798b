/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done to a job: cancelled, held, released, tried again. */
#include "queue/daemon_state.h"

static bool
fail_state (const SfJob *job, const char *wanted, GError **error)
{
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "job %" G_GINT64_FORMAT ": %s, wanted %s",
                  job->id, sf_job_state_name (job->state), wanted);
}

/* One that is neither in line nor under way has ended, or never was. */
static bool
fail_absent (SfDaemon *self, int64_t id, const char *wanted, GError **error)
{
  g_autoptr (SfJob) job = sf_store_get (self->store, id, error);
  return job != NULL && fail_state (job, wanted, error);
}

static bool
cancel_live (SfDaemon *self, SfLive *live, GError **error)
{
  /* The file comes first: a shepherd that has not yet begun reads it, and one that TERM ends before
   * it listens is then known to be cancelled, not lost. */
  live->cancel = true;
  if (live->begins || live->to_start)
    return true;
  if (!sf_attempt_mark_cancelled (live->folder, error))
    return false;
  if (live->job->handle != NULL || !live->busy)
    sf_daemon_signal (self, live);
  return true;
}

/* Its attempt has ended, and the next one is not recorded yet. */
static void
forgo_attempt (SfDaemon *self, SfLive *live)
{
  live->again_us = 0;
  sf_line_note_state (self->line, live->job->id, live->job->state);
}

bool
sf_daemon_cancel (SfDaemon *self, int64_t id, GError **error)
{
  SfJob *waiting = sf_line_take (self->line, id);
  SfLive *live = waiting != NULL ? sf_daemon_add_live (self, waiting)
                                 : sf_daemon_find_live (self, id);
  if (live == NULL)
    return fail_absent (self, id, "a job that has not ended", error);
  bool has_ended = sf_job_state_is_final (live->job->state);
  if (has_ended && live->again_us == 0)
    return fail_state (live->job, "a job that has not ended", error);
  if (waiting != NULL)
    sf_daemon_end_live (self, live, SF_JOB_CANCELLED,
                        g_strdup ("cancelled on request before it began"));
  else if (has_ended)
    forgo_attempt (self, live);
  else
    return cancel_live (self, live, error);
  return true;
}

static bool
set_held (SfDaemon *self, int64_t id, bool held, GError **error)
{
  SfJob *job = sf_line_find (self->line, id);
  const SfLive *live = sf_daemon_find_live (self, id);
  if (job == NULL)
    return live != NULL ? fail_state (live->job, "a job that waits", error)
                        : fail_absent (self, id, "a job that waits", error);
  job->held = held;
  sf_line_changed (self->line, id);
  g_hash_table_add (self->altered, g_memdup2 (&id, sizeof id));
  return true;
}

bool
sf_daemon_hold (SfDaemon *self, int64_t id, GError **error)
{
  return set_held (self, id, true, error);
}

bool
sf_daemon_release (SfDaemon *self, int64_t id, GError **error)
{
  return set_held (self, id, false, error);
}

bool
sf_daemon_retry (SfDaemon *self, int64_t id, GError **error)
{
  static const char wanted[] = "one that has ended and is not COMPLETED";
  const SfLive *under_way = sf_daemon_find_live (self, id);
  const SfJob *waiting = sf_line_find (self->line, id);
  if (under_way != NULL || waiting != NULL)
    return fail_state (under_way != NULL ? under_way->job : waiting, wanted, error);
  g_autoptr (SfJob) job = sf_store_get (self->store, id, error);
  if (job == NULL)
    return false;
  if (!sf_job_state_is_final (job->state) || !sf_job_state_may_become (job->state, SF_JOB_PENDING))
    return fail_state (job, wanted, error);
  SfLive *live = sf_daemon_add_live (self, g_steal_pointer (&job));
  live->again_us = g_get_real_time ();
  live->changed = true;
  return true;
}
