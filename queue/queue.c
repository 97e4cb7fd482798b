/* SPDX-License-Identifier: Apache-2.0 */
/* SfQueue: opening, submitting, cancelling. */
#include "queue/queue.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/log.h>

#include "queue/folder.h"
#include <sf/process.h>

SfQueue *
sf_queue_open (GError **error)
{
  g_autoptr (SfQueue) self = g_new0 (SfQueue, 1);
  self->folder = sf_queue_folder (error);
  if (self->folder == NULL)
    return NULL;
  self->store = sf_store_open (self->folder, error);
  return self->store != NULL ? g_steal_pointer (&self) : NULL;
}

void
sf_queue_close (SfQueue *self)
{
  if (self == NULL)
    return;
  sf_executor_close (self->executor);
  sf_store_close (self->store);
  g_free (self->folder);
  g_free (self);
}

SfExecutor *
sf_queue_executor (SfQueue *self, const char *name, GError **error)
{
  if (self->executor == NULL)
    self->executor = sf_executor_open (name, error);
  return self->executor;
}

char *
sf_queue_job_folder (const SfQueue *self, int64_t id)
{
  return g_strdup_printf ("%s/jobs/%" G_GINT64_FORMAT, self->folder, id);
}

char *
sf_queue_attempt_folder (const SfQueue *self, const SfJob *job)
{
  g_autofree char *job_folder = sf_queue_job_folder (self, job->id);
  return sf_attempt_folder (job_folder, job->attempt);
}

/* ---- submit ---- */

/* A submission on its way. */
typedef struct
{
  SfQueue *queue;
  const SfJobFile *file;
  const char *sf, *shepherd;
  SfJob *job;
  char *job_folder, *attempt_folder;
  int starting_fd; /* the lock `starting` */
} Submission;

static bool
make_private_folder (const char *path, GError **error)
{
  if (mkdir (path, 0700) != 0 && errno != EEXIST)
    return sf_fail_errno (error, errno, "%s: cannot create folder", path);
  return true;
}

/* Everything that a shepherd needs, on the disk before the store names it. */
static bool
write_folder (Submission *self, GError **error)
{
  g_autofree char *jobs = g_build_filename (self->queue->folder, "jobs", NULL);
  g_autofree char *copy = g_build_filename (self->job_folder, "job.cfg", NULL);
  /* Left over from a submission that was never committed: its id was not given out. */
  if (g_file_test (self->job_folder, G_FILE_TEST_EXISTS))
    sf_remove_tree (self->job_folder);
  if (!make_private_folder (jobs, error) || !make_private_folder (self->job_folder, error)
      || !make_private_folder (self->attempt_folder, error)
      || !sf_file_replace (copy, self->file->text, strlen (self->file->text), error))
    return false;
  SfLockResult lock = sf_attempt_lock (self->attempt_folder, "starting", &self->starting_fd, error);
  if (lock != SF_LOCK_TAKEN)
    return lock == SF_LOCK_FAILED ? false
                                  : sf_fail (error, SF_ERROR_IO, "%s/starting: locked by another",
                                             self->attempt_folder);
  g_autoptr (SfPlan) plan = sf_job_file_plan (self->file, self->job_folder, 1, error);
  if (plan == NULL)
    return false;
  plan->job_id = self->job->id;
  plan->token = g_strdup (self->job->token);
  plan->sf = g_strdup (self->sf);
  return sf_plan_write (plan, self->attempt_folder, error);
}

static bool
insert_rows (Submission *self, GError **error)
{
  SfStore *store = self->queue->store;
  SfJob *job = self->job;
  const SfJobFile *file = self->file;
  g_auto (GStrv) environment = g_get_environ ();
  SfSubmission submission = { .path = file->path,
                              .text = file->text,
                              .environment = environment,
                              .sf = (char *) self->sf,
                              .shepherd = (char *) self->shepherd,
                              .submitted_us = job->submitted_us };
  if (!sf_store_add_submission (store, &submission, error))
    return false;
  job->submission = submission.id;
  return sf_store_add_job (store, job, error);
}

/* One transaction: the rows, and through `write_folder` the files of the first attempt. */
static bool
record_job (Submission *self, GError **error)
{
  SfStore *store = self->queue->store;
  SfJob *job = self->job;
  bool changed = false;
  if (!sf_store_begin (store, error))
    return false;
  bool good = insert_rows (self, error);
  if (good)
    {
      self->job_folder = sf_queue_job_folder (self->queue, job->id);
      job->attempt = 1;
      self->attempt_folder = sf_attempt_folder (self->job_folder, job->attempt);
      job->state = SF_JOB_STARTING;
      g_free (job->reason);
      job->reason = g_strdup ("its shepherd is being started");
      good = write_folder (self, error) && sf_store_begin_attempt (store, job, &changed, error)
             && sf_store_commit (store, error);
      if (!good)
        sf_remove_tree (self->job_folder);
    }
  if (!good)
    sf_store_rollback (store);
  return good;
}

static bool
start_shepherd (Submission *self, GError **error)
{
  SfJob *job = self->job;
  SfExecutor *executor = sf_queue_executor (self->queue, job->executor, error);
  if (executor == NULL)
    return false;
  const char *const argv[] = { self->shepherd, self->attempt_folder, NULL };
  SfAttempt attempt = { .token = job->token,
                        .job_folder = self->attempt_folder,
                        .argv = argv,
                        .cores = self->file->cores,
                        .memory_bytes = self->file->memory_bytes,
                        .time_limit_s = self->file->time_limit_s,
                        .tiles = self->file->tiles };
  if (!executor->ops->start (executor->instance, &attempt, &job->handle, error))
    return false;
  /* It runs: whoever misses the handle finds it by its token. */
  g_autoptr (GError) own = NULL;
  if (!sf_store_set_handle (self->queue->store, job, &own))
    sf_log (SF_LOG_WARNING, "job %" G_GINT64_FORMAT ": %s", job->id, own->message);
  return true;
}

/* The attempt never began: the reason is the error. */
static void
record_failure (Submission *self, const GError *cause)
{
  bool changed;
  SfJob *job = self->job;
  job->state = SF_JOB_FAILED;
  job->exit_code = sf_error_exit_code (cause);
  job->ended_us = g_get_real_time ();
  g_free (job->reason);
  job->reason = g_strdup_printf ("could not be started: %s", cause->message);
  SfExitRecord record = { .state = job->state,
                          .reason = job->reason,
                          .exit_code = job->exit_code,
                          .ended_us = job->ended_us };
  sf_exit_record_write (&record, self->attempt_folder, NULL);
  sf_store_update (self->queue->store, job, SF_JOB_STARTING, &changed, NULL);
}

bool
sf_queue_submit (SfQueue *queue, const SfJobFile *file, const char *sf, const char *shepherd,
                 int64_t *id, GError **error)
{
  g_autoptr (GError) own = NULL;
  g_autoptr (SfJob) job = g_new0 (SfJob, 1);
  Submission self = {
    .queue = queue, .file = file, .sf = sf, .shepherd = shepherd, .job = job, .starting_fd = -1
  };
  job->name = g_strdup (file->name);
  job->cores = file->cores;
  job->memory_bytes = file->memory_bytes;
  job->time_limit_s = file->time_limit_s;
  job->tiles = file->tiles;
  job->reason = g_strdup ("recorded");
  job->executor = g_strdup ("local");
  job->token = g_uuid_string_random ();
  job->boot_id = sf_boot_id ();
  job->submitted_us = g_get_real_time ();
  bool good = record_job (&self, &own);
  if (good)
    {
      *id = job->id;
      good = start_shepherd (&self, &own);
      if (!good)
        record_failure (&self, own);
    }
  if (self.starting_fd >= 0)
    close (self.starting_fd);
  g_free (self.job_folder);
  g_free (self.attempt_folder);
  if (!good)
    g_propagate_error (error, g_steal_pointer (&own));
  return good;
}

/* ---- one job ---- */

SfJob *
sf_queue_job (SfQueue *queue, int64_t id, GError **error)
{
  if (!sf_queue_reconcile (queue, error))
    return NULL;
  return sf_store_get (queue->store, id, error);
}

bool
sf_queue_cancel (SfQueue *queue, const SfJob *job, GError **error)
{
  if (sf_job_state_is_final (job->state))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "job %" G_GINT64_FORMAT ": %s, wanted a job that has not ended", job->id,
                    sf_job_state_name (job->state));
  g_autofree char *folder = sf_queue_attempt_folder (queue, job);
  g_autofree char *path = g_build_filename (folder, "cancel", NULL);
  SfExecutor *executor = sf_queue_executor (queue, job->executor, error);
  SfAttemptState state;
  g_autofree char *handle = NULL;
  /* The file comes first: a shepherd that has not yet begun reads it, and one that TERM ends before
   * it listens is then known to be cancelled, not lost. */
  if (executor == NULL || !sf_file_replace (path, "", 0, error)
      || !sf_executor_find (executor, job, &state, &handle, error))
    return false;
  return handle == NULL || executor->ops->signal (executor->instance, handle, SIGTERM, error);
}
