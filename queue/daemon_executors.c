/* SPDX-License-Identifier: Apache-2.0 */
/* Executors as the daemon sees them: which one a job has, which does not answer, and having one end
 * an attempt. */
#include <string.h>

#include <sf/log.h>

#include "queue/daemon_state.h"

enum
{
  /* Longer than a shepherd takes to end its steps: TERM, 10 s, KILL, at most 10 s more. */
  INSIST_US = 30 * G_USEC_PER_SEC
};

SfWorker *
sf_daemon_worker (SfDaemon *self, const char *executor, GError **error)
{
  SfWorker *worker = g_hash_table_lookup (self->workers, executor);
  if (worker != NULL)
    return worker;
  worker = sf_worker_new (executor, self->settings, sf_daemon_task_done, self, error);
  if (worker != NULL)
    g_hash_table_insert (self->workers, g_strdup (executor), worker);
  return worker;
}

void
sf_daemon_resolve (SfDaemon *self, SfJob *job)
{
  if (job->executor[0] == '\0')
    {
      g_free (job->executor);
      job->executor = g_strdup (self->settings->executor);
    }
  /* One that there is not is said when the job is to be started. */
  const SfWorker *worker = sf_daemon_worker (self, job->executor, NULL);
  job->elsewhere = worker != NULL && sf_worker_is_elsewhere (worker);
}

int64_t
sf_daemon_room_elsewhere (SfDaemon *self)
{
  GHashTableIter iter;
  gpointer value;
  int64_t room = self->settings->elsewhere;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SfJob *job = ((const SfLive *) value)->job;
      room -= job->elsewhere && !sf_job_state_is_final (job->state);
    }
  return room;
}

void
sf_daemon_note_answer (SfDaemon *self, const SfTask *task)
{
  const char *before = g_hash_table_lookup (self->silent, task->executor);
  if (task->rows->len == 0 || task->kind == SF_TASK_START) /* that is the job's own reason */
    return;
  if (task->error == NULL && before != NULL)
    {
      sf_log (SF_LOG_WARNING, "executor %s: answers again", task->executor);
      g_hash_table_remove (self->silent, task->executor);
    }
  else if (task->error != NULL && g_strcmp0 (before, task->error->message) != 0)
    {
      sf_log (SF_LOG_WARNING, "executor %s: %s", task->executor, task->error->message);
      g_hash_table_insert (self->silent, g_strdup (task->executor),
                           g_strdup (task->error->message));
    }
}

void
sf_daemon_signal (SfDaemon *self, SfLive *live)
{
  SfWorker *worker = !self->closing ? sf_daemon_worker (self, live->job->executor, NULL) : NULL;
  if (worker == NULL || live->telling)
    return;
  SfTask *task = sf_task_new (SF_TASK_SIGNAL);
  task->signal_number = live->told_us == 0 ? SIGTERM : SIGKILL;
  sf_task_add (task, live->job);
  live->telling = true;
  sf_worker_push (worker, task);
}

void
sf_daemon_insist (SfDaemon *self)
{
  GHashTableIter iter;
  gpointer value;
  int64_t now_us = g_get_monotonic_time ();
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SfLive *live = value;
      if (live->cancel && !live->busy && !live->begins && !live->to_start
          && !sf_job_state_is_final (live->job->state)
          && (live->told_us == 0 || now_us - live->told_us > INSIST_US))
        sf_daemon_signal (self, live);
    }
}
