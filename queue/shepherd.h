/* SPDX-License-Identifier: Apache-2.0 */
/* The shepherd: the one process that runs an attempt. */
#ifndef QUEUE_SHEPHERD_H
#define QUEUE_SHEPHERD_H

#include <sf/error.h>

/* Runs the plan in `attempt_folder` and leaves its exit record there: takes the lock, records
 * itself, runs the steps one after another as a subreaper, holds the limits, and ends what is left
 * of the attempt before the record is written. TERM, INT and HUP cancel the attempt. The
 * environment must carry the plan's token. One call per process: signals are taken over. */
bool sf_shepherd_run (const char *attempt_folder, GError **error);

#endif
