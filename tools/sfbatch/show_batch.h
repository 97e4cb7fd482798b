/* SPDX-License-Identifier: Apache-2.0 */
/* What a job file would submit, as text. */
#ifndef TOOLS_SFBATCH_SHOW_BATCH_H
#define TOOLS_SFBATCH_SHOW_BATCH_H

#include "queue/jobfile.h"

/* Prints the jobs of the file `path`: what each says, and its steps as command lines in which JOB
 * is the job's folder. False with an error when a job misses something. */
bool sf_show_batch (const char *path, const SfJobBatch *batch, GError **error);

#endif
