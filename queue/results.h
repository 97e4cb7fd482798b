/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of a suite came to: results.json, and the same as JUnit XML. docs/regress.md has the
 * members. */
#ifndef QUEUE_RESULTS_H
#define QUEUE_RESULTS_H

#include "queue/golden.h"
#include "queue/queue.h"
#include "queue/regress.h"
#include "queue/regressrun.h"

/* resultcase.c: a case whose job has ended, held against golden values (NULL: none are wanted).
 * Owned. NULL with an error when the queue cannot be read. */
json_t *sf_result_case (SfQueue *queue, const SfRegressCase *row, const SfGolden *golden,
                        const SfJob *job, GError **error);

/* Of all cases; takes `cases`, an array of the above, and puts those that failed first. Owned. */
json_t *sf_results_new (const SfRegressRun *run, json_t *cases);
/* Cases in the state "passed", "failed" or "error". */
size_t sf_results_count (const json_t *results, const char *state);

/* junit.c: the text of junit.xml. Owned: g_free. */
char *sf_results_junit (const json_t *results);

/* results.json and junit.xml in `folder`, which must be there. */
bool sf_results_write (const json_t *results, const char *folder, GError **error);
/* A results.json. Owned; NULL with an error. */
json_t *sf_results_read (const char *path, GError **error);

#endif
