/* SPDX-License-Identifier: Apache-2.0 */
/* SfWorker. */
#include "queue/worker.h"

#include "queue/handover.h"

struct SfWorker
{
  char *name;
  SfExecutor *executor;
  GAsyncQueue *tasks;
  GThread *thread;
  SfTaskDone done;
  void *data;
  SfTask *last; /* what tells the thread to end */
};

static void
row_clear (void *data)
{
  SfTaskRow *row = data;
  g_free (row->token);
  g_free (row->handle);
  g_free (row->status.reason);
}

SfTask *
sf_task_new (SfTaskKind kind)
{
  SfTask *task = g_new0 (SfTask, 1);
  task->kind = kind;
  task->rows = g_array_new (FALSE, FALSE, sizeof (SfTaskRow));
  g_array_set_clear_func (task->rows, row_clear);
  return task;
}

void
sf_task_add (SfTask *task, const SfJob *job)
{
  SfTaskRow row = { .job = job->id,
                    .attempt = job->attempt,
                    .token = g_strdup (job->token),
                    .handle = g_strdup (job->handle),
                    .status = { .state = SF_ATTEMPT_UNKNOWN } };
  g_array_append_val (task->rows, row);
}

void
sf_task_free (SfTask *task)
{
  g_array_unref (task->rows);
  sf_launch_free (task->launch);
  g_clear_error (&task->error);
  g_free (task->executor);
  g_free (task);
}

/* ---- in the thread ---- */

/* One whose handle was never recorded is looked for by its token; not found, it has ended. */
static bool
find_handles (SfTask *task, SfExecutor *executor)
{
  for (guint i = 0; i < task->rows->len; i++)
    {
      SfTaskRow *row = &g_array_index (task->rows, SfTaskRow, i);
      if (row->handle == NULL
          && !executor->ops->adopt (executor->instance, row->token, &row->handle, &task->error))
        return false;
    }
  return true;
}

static void
find (SfTask *task, SfExecutor *executor)
{
  g_autoptr (GPtrArray) handles = g_ptr_array_new ();
  if (!find_handles (task, executor))
    return;
  for (guint i = 0; i < task->rows->len; i++)
    {
      SfTaskRow *row = &g_array_index (task->rows, SfTaskRow, i);
      if (row->handle != NULL)
        g_ptr_array_add (handles, row->handle);
    }
  g_autofree SfAttemptStatus *statuses = g_new0 (SfAttemptStatus, handles->len + 1);
  for (guint i = 0; i < handles->len; i++)
    statuses[i].state = SF_ATTEMPT_UNKNOWN;
  executor->ops->poll (executor->instance, (const char *const *) handles->pdata, handles->len,
                       statuses, &task->error);
  for (guint i = 0, at = 0; i < task->rows->len; i++)
    {
      SfTaskRow *row = &g_array_index (task->rows, SfTaskRow, i);
      if (row->handle != NULL)
        row->status = statuses[at++];
      else
        row->status.state = SF_ATTEMPT_ENDED;
    }
}

static void
run_task (SfTask *task, SfExecutor *executor)
{
  switch (task->kind)
    {
    case SF_TASK_START:
      sf_launch_run (task->launch, executor, &g_array_index (task->rows, SfTaskRow, 0).handle,
                     &task->error);
      break;
    case SF_TASK_FIND:
      find (task, executor);
      break;
    case SF_TASK_SIGNAL:
      if (!find_handles (task, executor))
        break;
      for (guint i = 0; i < task->rows->len && task->error == NULL; i++)
        {
          const SfTaskRow *row = &g_array_index (task->rows, SfTaskRow, i);
          if (row->handle != NULL)
            executor->ops->signal (executor->instance, row->handle, task->signal_number,
                                   &task->error);
        }
      break;
    }
}

static gboolean
tell (gpointer data)
{
  SfTask *task = data;
  sf_take_over (task);
  task->done (task, task->data);
  sf_task_free (task);
  return G_SOURCE_REMOVE;
}

static gpointer
work (gpointer data)
{
  SfWorker *self = data;
  for (;;)
    {
      SfTask *task = g_async_queue_pop (self->tasks);
      sf_take_over (task);
      if (task == self->last)
        return NULL;
      run_task (task, self->executor);
      sf_hand_over (task);
      g_idle_add_full (G_PRIORITY_DEFAULT, tell, task, NULL);
    }
}

/* ---- outside ---- */

SfWorker *
sf_worker_new (const char *executor, const SfSettings *settings, SfTaskDone done, void *data,
               GError **error)
{
  SfExecutor *opened = sf_executor_open (executor, settings, error);
  if (opened == NULL)
    return NULL;
  SfWorker *self = g_new0 (SfWorker, 1);
  self->name = g_strdup (executor);
  self->executor = opened;
  self->tasks = g_async_queue_new_full ((GDestroyNotify) sf_task_free);
  self->done = done;
  self->data = data;
  self->last = sf_task_new (SF_TASK_FIND);
  self->thread = g_thread_new (executor, work, self);
  return self;
}

void
sf_worker_free (SfWorker *self)
{
  sf_hand_over (self->last);
  g_async_queue_push_front (self->tasks, self->last);
  g_thread_join (self->thread);
  g_async_queue_unref (self->tasks);
  sf_task_free (self->last);
  sf_executor_close (self->executor);
  g_free (self->name);
  g_free (self);
}

bool
sf_worker_is_elsewhere (const SfWorker *self)
{
  return self->executor->ops->elsewhere;
}

void
sf_worker_push (SfWorker *self, SfTask *task)
{
  task->executor = g_strdup (self->name); /* an answer may come after the end of this one */
  task->done = self->done;
  task->data = self->data;
  sf_hand_over (task);
  g_async_queue_push (self->tasks, task);
}
