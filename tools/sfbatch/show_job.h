/* SPDX-License-Identifier: Apache-2.0 */
/* A job as programs read it: an object, or a line of fields. */
#ifndef TOOLS_SFBATCH_SHOW_JOB_H
#define TOOLS_SFBATCH_SHOW_JOB_H

#include <sf/json.h>

#include "queue/store.h"

/* "7:0", "0:9": exit code and signal of the step that failed, or the code that stands for the
 * state; "-" while the job has not ended. Owned: g_free. */
char *sf_show_exit (const SfJob *job);
/* Since it was started, until now or its end, in words; "-" before. Owned: g_free. */
char *sf_show_elapsed (const SfJob *job);

/* Everything that the store says of it. Owned: json_decref. */
json_t *sf_show_job_json (const SfJob *job);
/* Prints `value`, which it takes. */
void sf_show_json (json_t *value);

/* Lines of --parsable: the names of the fields, then those of each SfJob. Fields to come are added
 * behind the last. */
void sf_show_parsable_jobs (const GPtrArray *jobs);

#endif
