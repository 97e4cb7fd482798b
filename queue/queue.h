/* SPDX-License-Identifier: Apache-2.0 */
/* A queue: its folder, its store, its executor, and what can be done with jobs.
 *
 * Nobody watches the jobs: whoever looks first calls sf_queue_reconcile, which brings the store up
 * to what locks and records of live attempts say. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "queue/attempt.h"
#include "queue/executor.h"
#include "queue/jobfile.h"

typedef struct
{
  char *folder; /* absolute */
  SfStore *store;
  SfExecutor *executor; /* opened when first needed */
} SfQueue;

SfQueue *sf_queue_open (GError **error);
void sf_queue_close (SfQueue *queue); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfQueue, sf_queue_close)

/* The executor of a job, `local` so far. Borrowed. */
SfExecutor *sf_queue_executor (SfQueue *queue, const char *name, GError **error);

/* Folder of a job, of its latest attempt. Owned: g_free. */
char *sf_queue_job_folder (const SfQueue *queue, int64_t id);
char *sf_queue_attempt_folder (const SfQueue *queue, const SfJob *job);

/* Records the job and starts its first attempt. `sf` and `shepherd` are absolute paths of the
 * programs. When the executor cannot start it, the job is FAILED and *id is set as well. */
bool sf_queue_submit (SfQueue *queue, const SfJobFile *file, const char *sf, const char *shepherd,
                      int64_t *id, GError **error);

/* Folds locks and records of live attempts into the store: a record gives the final state; a held
 * lock RUNNING; a free lock without a record LOST, after every process of the attempt was ended. */
bool sf_queue_reconcile (SfQueue *queue, GError **error);

/* Reconciles, then reads one job. Owned. NULL with an error. */
SfJob *sf_queue_job (SfQueue *queue, int64_t id, GError **error);

/* Asks the attempt of a live job to end; does not wait for it. */
bool sf_queue_cancel (SfQueue *queue, const SfJob *job, GError **error);

#endif
