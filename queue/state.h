/* SPDX-License-Identifier: Apache-2.0 */
/* States of a job and the one table of transitions between them. */
#ifndef QUEUE_STATE_H
#define QUEUE_STATE_H

#include <sf/error.h>

typedef enum
{
  SF_JOB_PENDING,  /* recorded, no attempt yet */
  SF_JOB_STARTING, /* an attempt is committed, its shepherd has not reported */
  SF_JOB_RUNNING,
  SF_JOB_COMPLETED,
  SF_JOB_FAILED,
  SF_JOB_CANCELLED,
  SF_JOB_TIMEOUT,
  SF_JOB_OUT_OF_MEMORY,
  SF_JOB_LOST, /* the attempt ended without a record, and nothing of it lives */
  SF_JOB_N_STATES,
} SfJobState;

/* "PENDING" ... Constant storage. */
const char *sf_job_state_name (SfJobState state);
bool sf_job_state_parse (const char *name, SfJobState *out);
bool sf_job_state_is_final (SfJobState state);
bool sf_job_state_may_become (SfJobState from, SfJobState to);

/* What `sfbatch wait` returns for a job in a final state: the failing step's code, 128+n for a
 * signal, the code of the error table for states that no step chose. */
int sf_job_exit (SfJobState state, int exit_code, int exit_signal);

#endif
