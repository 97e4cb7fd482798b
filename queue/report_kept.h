/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue keeps of regression runs: regress/<suite>/<start>/results.json in its folder, where
 * the start is written as 20260131T020000Z. */
#ifndef QUEUE_REPORT_KEPT_H
#define QUEUE_REPORT_KEPT_H

#include <sf/error.h>

/* The results of the newest run of the suite; of any suite when it is NULL. Owned; NULL with an
 * error, NOT_FOUND when there are none. */
char *sf_report_newest (const char *suite, GError **error);

/* Writes the page of the run whose results are at `results`, with the earlier runs of its suite:
 * those beside it, or, when it lies elsewhere, those that the queue keeps. One of them that cannot
 * be read is left out, with a warning. */
bool sf_report_remake (const char *results, const char *page, GError **error);

#endif
