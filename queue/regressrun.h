/* SPDX-License-Identifier: Apache-2.0 */
/* A run of a suite: its folder, and the jobs that its cases became.
 *
 *   <queue>/regress/<suite>/<start>/run.json      which cases are which jobs
 *                                   results.json  once all have ended; then junit.xml, index.html
 */
#ifndef QUEUE_REGRESSRUN_H
#define QUEUE_REGRESSRUN_H

#include "queue/regress.h"

typedef struct
{
  char *folder; /* absolute */
  char *suite;
  int64_t started_us; /* since 1970 */
  GArray *ids;        /* int64_t, of the jobs, in the order of the cases */
} SfRegressRun;

/* A folder of its own below the queue's. No jobs yet. Owned; NULL with an error. */
SfRegressRun *sf_regress_run_new (const char *queue_folder, const char *suite, GError **error);
void sf_regress_run_free (SfRegressRun *run); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfRegressRun, sf_regress_run_free)

/* run.json, once the jobs are known. */
bool sf_regress_run_write (const SfRegressRun *run, const SfRegress *suite, GError **error);
/* The newest run of the suite that has no results. NOT_FOUND when there is none; INCOMPATIBLE when
 * its cases are not those of the suite any more. */
SfRegressRun *sf_regress_run_unfinished (const char *queue_folder, const SfRegress *suite,
                                         GError **error);

/* "2026-11-23T18:45:00Z". Owned: g_free. */
char *sf_regress_run_time (const SfRegressRun *run);

#endif
