/* SPDX-License-Identifier: Apache-2.0 */
/* A run of a suite: its folder, and the jobs that its cases became.
 *
 *   <queue>/regress/<suite>/<start>/run.json      which cases are which jobs; before they are, that
 *                                                 they are to be
 *                                   results.json  once all have ended; then junit.xml, index.html
 */
#ifndef QUEUE_REGRESSRUN_H
#define QUEUE_REGRESSRUN_H

#include "queue/queue.h"
#include "queue/regress.h"

typedef struct
{
  char *folder; /* absolute */
  char *suite;
  int64_t started_us; /* since 1970; the jobs are submitted as of this time */
  GArray *ids;        /* int64_t, of the jobs, in the order of the cases; empty: none yet */
} SfRegressRun;

/* A folder of its own below the queue's. No jobs yet. Owned; NULL with an error. */
SfRegressRun *sf_regress_run_new (const char *queue_folder, const char *suite, GError **error);
void sf_regress_run_free (SfRegressRun *run); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfRegressRun, sf_regress_run_free)

/* run.json: before the jobs are submitted, so that they can be found whatever happens next, and
 * again once their ids are known. On the disk when this returns. */
bool sf_regress_run_write (const SfRegressRun *run, const SfRegress *suite, GError **error);
/* The newest run of the suite in that queue that has jobs and no results. NOT_FOUND when there is
 * none; INCOMPATIBLE when its cases are not those of the suite any more. */
SfRegressRun *sf_regress_run_unfinished (const SfQueue *queue, const SfRegress *suite,
                                         GError **error);

/* "2026-11-23T18:45:00Z". Owned: g_free. */
char *sf_regress_run_time (const SfRegressRun *run);

#endif
