/* SPDX-License-Identifier: Apache-2.0 */
/* The command that a job file wants run when its job has ended. */
#ifndef QUEUE_NOTIFY_H
#define QUEUE_NOTIFY_H

#include "queue/store.h"

/* Starts it and does not wait: in the work folder, with the environment of the steps and SF_JOB_ID,
 * SF_JOB_NAME, SF_JOB_ELEMENT, SF_JOB_STATE, SF_JOB_REASON and SF_JOB_EXIT; what it prints goes to
 * notify.log in the job's folder. What cannot be started is said in the log. */
void sf_notify (SfStore *store, const char *folder, const SfJob *job);

#endif
