/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the process of a step. */
#ifndef QUEUE_STEPEXEC_H
#define QUEUE_STEPEXEC_H

#include <sys/types.h>

#include "queue/attempt.h"

/* Starts step `number` (from 1) in the plan's working folder, as leader of a process group, stdin
 * empty, output and errors in its log, in the attempt's recorded environment with SF_JOB_ID and
 * SF_JOB_DIR. It gets TERM when the caller dies. `group_fd`: of the memory group that it joins
 * (-1: none); where that cannot be, it runs without, and *joined is false. Returns its pid, or -1
 * with an error; the caller has no other thread. */
pid_t sf_step_start (const SfPlan *plan, int number, const char *attempt_folder, int group_fd,
                     bool *joined, GError **error);

#endif
