/* SPDX-License-Identifier: Apache-2.0 */
/* Following a job until it ends. */
#ifndef TOOLS_SFBATCH_FOLLOW_H
#define TOOLS_SFBATCH_FOLLOW_H

#include "queue/queue.h"

/* From now on Ctrl-C, SIGTERM and the end of the terminal (SIGHUP) end following: that which goes
 * on, or the next that begins. What follows calls it itself; earlier it is for what must not be
 * torn from what comes before. */
void sf_follow_catch_interrupts (void);

/* Shows the steps of a job as they go: a line as each begins and ends and, on a terminal, a status
 * line on stderr; what the steps print goes to stdout as it comes, from step `first_step` on.
 * Returns the job in its final state, owned. Ctrl-C ends the following, not the job: CANCELLED. */
SfJob *sf_follow_job (SfQueue *queue, int64_t id, int first_step, GError **error);

/* Waits for several jobs with a line on stdout as each ends; *exit is that of the first, in order
 * of `ids`, that is not 0. Ctrl-C as above. */
bool sf_follow_jobs (SfQueue *queue, const int64_t *ids, size_t n, int *exit, GError **error);

/* Waits for several jobs; `ended` is told of each, the one at `index` of `ids`, as it ends, and
 * ends the waiting by false. Ctrl-C as above. */
typedef bool (*SfFollowFunc) (void *user_data, const SfJob *job, size_t index, GError **error);
bool sf_follow_each (SfQueue *queue, const int64_t *ids, size_t n, SfFollowFunc ended,
                     void *user_data, GError **error);

/* "job 12 (digits): COMPLETED, all 4 steps done". Owned: g_free. */
char *sf_follow_verdict (const SfJob *job);

#endif
