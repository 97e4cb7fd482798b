/* SPDX-License-Identifier: Apache-2.0 */
/* All that starting an attempt takes: its folders, the files in them, the shepherd's command line.
 */
#ifndef QUEUE_LAUNCH_H
#define QUEUE_LAUNCH_H

#include "queue/attempt.h"
#include "queue/executor.h"
#include "queue/store.h"

typedef struct
{
  char *job_folder, *attempt_folder; /* absolute */
  char *previous_folder;             /* of the attempt before; NULL: this is the first */
  SfPlan *plan;
  char *text;         /* of the job file */
  char **environment; /* of the steps */
  char *shepherd;
} SfLaunch;

/* Of job->attempt, whose token is set, from what the store has of it. `folder`: of the queue. */
SfLaunch *sf_launch_new (SfStore *store, const char *folder, const SfJob *job, GError **error);
void sf_launch_free (SfLaunch *launch); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfLaunch, sf_launch_free)

bool sf_launch_make_folders (const SfLaunch *launch, GError **error);
/* Writes the files and has the executor start the shepherd; in any thread that may use it. */
bool sf_launch_run (const SfLaunch *launch, SfExecutor *executor, char **handle, GError **error);

/* "<queue>/jobs/12". Owned: g_free. */
char *sf_job_folder (const char *folder, int64_t id);

#endif
