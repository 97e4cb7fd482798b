/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up an attempt whose shepherd has gone without a record: what is left of it is ended, then
 * the record says LOST. That may take seconds and is done in threads. */
#ifndef QUEUE_ENDING_H
#define QUEUE_ENDING_H

#include "queue/attempt.h"
#include "queue/executor.h"
#include "queue/store.h"

typedef struct
{
  int64_t job, attempt;
  char *token, *folder;
  char *boot_id;          /* of the machine when the attempt was recorded */
  bool elsewhere;         /* it ran, if at all, where the boot of this machine is of no matter */
  SfAttemptStatus status; /* what the executor has said of its end */
  bool ended;             /* `record` tells how; else a shepherd still has the lock */
  SfExitRecord record;    /* also in the folder, unless that was removed */
  GError *error;          /* NULL: it went well */
} SfEnding;

/* Takes the reason out of `status`, which is that of an attempt that has ENDED. */
SfEnding *sf_ending_new (const SfJob *job, const char *folder, SfAttemptStatus *status);
void sf_ending_free (SfEnding *ending);

/* The executor has said that the shepherd does not run. */
void sf_ending_run (SfEnding *ending);

/* The step that runs or ran last: "step 2 of 4 (test)". Owned: g_free. */
char *sf_attempt_where (const char *folder);

#endif
