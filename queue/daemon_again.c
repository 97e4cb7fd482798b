/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the end of an attempt: another one, or word of the job's end. */
#include <string.h>

#include <sf/log.h>

#include "queue/daemon_state.h"
#include "queue/notify.h"

enum
{
  NOTICE_MS = 50,
  NOTICES = 10 /* commands that are started every so long: many jobs may end in one turn */
};

/* Rules of an attempt that another daemon has started, or nobody, are in the store. */
static void
read_rules (SfDaemon *self, SfLive *live)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = sf_store_get_plan (self->store, live->job->id, live->job->attempt,
                                             &error);
  live->knows_rules = true;
  if (text == NULL || text[0] == '\0')
    return;
  g_autoptr (SfPlan) plan = sf_plan_parse (text, strlen (text), "plan", &error);
  if (plan == NULL)
    {
      sf_log (SF_LOG_WARNING, "job %" G_GINT64_FORMAT ": %s", live->job->id, error->message);
      return;
    }
  live->retries = plan->retries;
  live->notifies = plan->notify != NULL;
}

int64_t
sf_daemon_next_attempt_us (SfDaemon *self, SfLive *live)
{
  const SfJob *job = live->job;
  int64_t delay_us = 0;
  if (!live->knows_rules)
    read_rules (self, live);
  if (live->cancel || job->attempt == 0
      || !sf_retry_applies (&live->retries, job->state, job->attempt, &delay_us))
    return 0;
  return job->ended_us + delay_us;
}

SfJob
sf_live_again (const SfLive *live, char **reason)
{
  SfJob again = *live->job;
  *reason = again.attempt == 0
                ? g_strdup ("recorded")
                : g_strdup_printf ("attempt %" G_GINT64_FORMAT " %s, %s", again.attempt,
                                   sf_job_state_name (again.state), again.reason);
  again.state = SF_JOB_PENDING;
  again.reason = *reason;
  again.not_before_us = live->again_us;
  again.exit_code = again.exit_signal = 0;
  again.started_us = again.ended_us = 0;
  return again;
}

/* Back into the line. */
static void
stand_in_line_again (SfDaemon *self, SfLive *live)
{
  g_autoptr (GError) error = NULL;
  char *reason = NULL;
  SfJob again = sf_live_again (live, &reason);
  SfJob *job = g_steal_pointer (&live->job);
  g_free (job->reason);
  *job = again;
  self->newest_id = MAX (self->newest_id, job->id);
  GArray *dependencies = sf_store_list_dependencies (self->store, job->id, &error);
  if (dependencies == NULL)
    {
      sf_log (SF_LOG_WARNING, "job %" G_GINT64_FORMAT ": %s", job->id, error->message);
      dependencies = g_array_new (FALSE, FALSE, sizeof (SfDependency));
    }
  sf_line_add (self->line, job, dependencies);
  sf_line_note_state (self->line, job->id, SF_JOB_PENDING);
  sf_live_free (live);
  sf_daemon_turn_soon (self);
}

void
sf_daemon_give_notices (SfDaemon *self, unsigned n)
{
  for (; n > 0 && self->notices.length > 0; n--)
    {
      g_autoptr (SfJob) job = g_queue_pop_head (&self->notices);
      sf_notify (self->store, self->folder, job);
    }
}

static gboolean
give_next_notices (gpointer data)
{
  SfDaemon *self = data;
  sf_daemon_give_notices (self, NOTICES);
  if (self->notices.length > 0)
    return G_SOURCE_CONTINUE;
  self->notice_source = 0;
  return G_SOURCE_REMOVE;
}

void
sf_daemon_leave (SfDaemon *self, SfLive *live)
{
  sf_watch_remove (self->watch, live->job->id);
  if (live->again_us != 0)
    stand_in_line_again (self, live);
  else
    {
      if (live->notifies)
        g_queue_push_tail (&self->notices, g_steal_pointer (&live->job));
      if (live->notifies && self->notice_source == 0)
        self->notice_source = g_timeout_add (NOTICE_MS, give_next_notices, self);
      sf_live_free (live);
    }
}
