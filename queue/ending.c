/* SPDX-License-Identifier: Apache-2.0 */
/* SfEnding. */
#include "queue/ending.h"

#include <string.h>
#include <unistd.h>

#include "queue/memorygroup.h"
#include "queue/processes.h"

enum
{
  GRACE_MS = 2000 /* steps got TERM when their shepherd died */
};

SfEnding *
sf_ending_new (const SfJob *job, const char *folder, SfAttemptStatus *status)
{
  SfEnding *self = g_new0 (SfEnding, 1);
  self->job = job->id;
  self->attempt = job->attempt;
  self->token = g_strdup (job->token);
  self->folder = g_strdup (folder);
  self->elsewhere = job->elsewhere;
  self->boot_id = g_strdup (job->boot_id);
  self->status = *status;
  status->reason = NULL;
  return self;
}

void
sf_ending_free (SfEnding *self)
{
  g_free (self->token);
  g_free (self->folder);
  g_free (self->boot_id);
  g_free (self->status.reason);
  sf_exit_record_clear (&self->record);
  g_clear_error (&self->error);
  g_free (self);
}

char *
sf_attempt_where (const char *folder)
{
  int step = sf_attempt_last_step (folder);
  g_autoptr (SfPlan) plan = sf_plan_read (folder, NULL);
  return plan != NULL ? sf_plan_where (plan, step) : g_strdup_printf ("step %d", step);
}

/* The machine was started again since the attempt was recorded. Elsewhere, that is for the executor
 * to say. */
static bool
is_other_boot (const SfEnding *self)
{
  if (self->elsewhere)
    return false;
  g_autofree char *recorded = sf_shepherd_record_boot_id (self->folder);
  g_autofree char *boot = sf_boot_id ();
  const char *then = recorded != NULL ? recorded : self->boot_id;
  return then != NULL && then[0] != '\0' && strcmp (then, boot) != 0;
}

/* What its folder says. Owned. */
static char *
lost_reason (const SfEnding *self, const char *where)
{
  const char *what = is_other_boot (self) ? "the machine went down at"
                     : sf_attempt_has (self->folder, "exit.json")
                         ? "its record is damaged; it was at"
                     : sf_attempt_has (self->folder, "shepherd.json") ? "its shepherd was killed at"
                                                                      : NULL;
  return what != NULL ? g_strdup_printf ("%s %s", what, where)
                      : g_strdup_printf ("its shepherd never started: %s ran", where);
}

/* A shepherd that was told to end, and could not say so any more, was cancelled; else the executor
 * knows whether it has ended it. */
static void
judge (SfEnding *self)
{
  static const SfJobState states[] = { [SF_ATTEMPT_LEFT] = SF_JOB_LOST,
                                       [SF_ATTEMPT_CANCELLED] = SF_JOB_CANCELLED,
                                       [SF_ATTEMPT_TIMED_OUT] = SF_JOB_TIMEOUT,
                                       [SF_ATTEMPT_OUT_OF_MEMORY] = SF_JOB_OUT_OF_MEMORY };
  g_autofree char *where = sf_attempt_where (self->folder);
  SfExitRecord *record = &self->record;
  const char *said = self->status.reason;
  *record = (SfExitRecord){ .state = states[self->status.end], .ended_us = g_get_real_time () };
  if (!g_file_test (self->folder, G_FILE_TEST_IS_DIR))
    {
      record->state = SF_JOB_LOST;
      record->reason = g_strdup ("its folder was removed");
    }
  else if (sf_attempt_has (self->folder, "cancel"))
    {
      record->state = SF_JOB_CANCELLED;
      record->reason = sf_attempt_has (self->folder, "shepherd.json")
                           ? g_strdup_printf (
                               "cancelled on request before its shepherd could answer, at %s",
                               where)
                           : g_strdup ("cancelled on request before its shepherd began");
    }
  else if (self->status.end != SF_ATTEMPT_LEFT)
    record->reason = g_strdup_printf ("%s, at %s", said != NULL ? said : "ended by its executor",
                                      where);
  else
    {
      g_autofree char *lost = lost_reason (self, where);
      record->reason = g_strdup_printf ("%s%s%s", lost, said != NULL ? "; " : "",
                                        said != NULL ? said : "");
    }
}

/* Also what has lost its token, if the kernel counted the attempt's memory. */
static bool
end_processes (const SfEnding *self)
{
  g_autofree char *group = sf_shepherd_record_group (self->folder, self->token);
  bool ended = sf_processes_end (self->token, 0, GRACE_MS, NULL, NULL);
  if (group == NULL)
    return ended;
  bool gone = sf_memory_group_remove (group);
  /* What forks faster than it is found has ended with its group. */
  return (ended || sf_processes_end (self->token, 0, 0, NULL, NULL)) && gone;
}

/* With the lock held, or without a folder to have one. */
static void
give_up (SfEnding *self)
{
  if (!end_processes (self))
    {
      sf_fail (&self->error, SF_ERROR_IO,
               "job %" G_GINT64_FORMAT ": a process of a lost attempt does not end; look for "
               "SF_ATTEMPT_TOKEN=%s in /proc",
               self->job, self->token);
      return;
    }
  judge (self);
  self->ended = true;
  if (g_file_test (self->folder, G_FILE_TEST_IS_DIR))
    self->ended = sf_exit_record_write (&self->record, self->folder, &self->error);
}

void
sf_ending_run (SfEnding *self)
{
  int fd = -1;
  if (!g_file_test (self->folder, G_FILE_TEST_IS_DIR))
    {
      give_up (self);
      return;
    }
  SfLockResult lock = sf_attempt_lock (self->folder, "lock", &fd, &self->error);
  if (lock != SF_LOCK_TAKEN)
    return;
  bool found = false;
  g_autoptr (GError) own = NULL;
  /* It may have been written since somebody looked. One that is damaged is none: the machine went
   * down before it had reached the disk. */
  if (sf_exit_record_read (self->folder, &self->record, &found, &own) && found)
    self->ended = true;
  else if (own == NULL || g_error_matches (own, SF_ERROR, SF_ERROR_INVALID_DATA))
    give_up (self);
  else
    g_propagate_error (&self->error, g_steal_pointer (&own));
  close (fd);
}
