/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a regression run, part by part; each appends to the markup. */
#ifndef QUEUE_REPORT_PARTS_H
#define QUEUE_REPORT_PARTS_H

#include "core/report/frame.h"
#include "queue/report_history.h"

/* Indices of cases (size_t) whose news are `news`, as they stand in the run. Owned. */
GArray *report_cases_with (const ReportHistory *history, ReportNews news);

/* report_common.c: what all cases that failed have in common, and not all others. */
void report_put_common (Markup *markup, const ReportHistory *history);
/* report_failures.c: a card for each case that failed. */
void report_put_failures (Markup *markup, const ReportHistory *history);
/* report_matrix.c: a table of all cases, models by parameters. */
void report_put_matrix (Markup *markup, const ReportHistory *history);
/* report_trends.c: charts of the cases that passed. */
void report_put_trends (Markup *markup, const ReportHistory *history);

#endif
