/* SPDX-License-Identifier: Apache-2.0 */
/* An executor in a thread of its own: a controller that does not answer blocks nobody else.
 *
 * Tasks are done one after another; what came of each is told in the default main context. */
#ifndef QUEUE_WORKER_H
#define QUEUE_WORKER_H

#include "queue/launch.h"

typedef enum
{
  SF_TASK_START,  /* `launch`; gives `handle` */
  SF_TASK_FIND,   /* gives for each row its status, and its handle where that was not known */
  SF_TASK_SIGNAL, /* sends `signal_number` to each row that can be found */
} SfTaskKind;

typedef struct
{
  int64_t job, attempt;
  char *token, *handle;
  SfAttemptStatus status;
} SfTaskRow;

typedef struct SfTask SfTask;
typedef void (*SfTaskDone) (SfTask *task, void *data);

struct SfTask
{
  SfTaskKind kind;
  GArray *rows; /* SfTaskRow; one of a START */
  SfLaunch *launch;
  int signal_number;
  GError *error; /* NULL: it went well */
  char *executor;
  SfTaskDone done;
  void *data;
};

/* Of no rows yet. */
SfTask *sf_task_new (SfTaskKind kind);
void sf_task_add (SfTask *task, const SfJob *job);
void sf_task_free (SfTask *task);

typedef struct SfWorker SfWorker;

/* `done` is called for each task. */
SfWorker *sf_worker_new (const char *executor, const SfSettings *settings, SfTaskDone done,
                         void *data, GError **error);
/* Waits for the task that is being done; those behind it are dropped. */
void sf_worker_free (SfWorker *worker);

/* Its executor has a line and machines of its own. */
bool sf_worker_is_elsewhere (const SfWorker *worker);

/* Takes the task. */
void sf_worker_push (SfWorker *worker, SfTask *task);

#endif
