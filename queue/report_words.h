/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics, rules and verdicts of a regression run in words. What is returned is owned, where
 * nothing else is said. */
#ifndef QUEUE_REPORT_WORDS_H
#define QUEUE_REPORT_WORDS_H

#include "queue/report_history.h"

/* A value in its unit: "1.250 ms", "12,345", "0.9812"; "none" for NAN. */
char *report_figure (double value, const char *unit);
/* What the rule allows: "0.96 to 0.98", "at most 1.1 ms", "the same". */
char *report_allowed (const ReportMetric *metric);
/* What is wrong with a metric that is telling: "accuracy 0.91, 6.4 % below golden 0.97 (at least
 * 0.96)". */
char *report_complaint (const ReportMetric *metric);
/* Whether there is more to say of it than that it is ok, or has no golden value: that is of all
 * metrics of a case alike, and the case's reason. */
bool report_is_telling (const ReportMetric *metric);
/* What failed, in one line: the first metric that did, or the reason. */
char *report_verdict (const ReportCase *found);
/* Since when: "passed in the run before", "broken since 2026-11-12, 11 runs"; "" for the first run.
 */
char *report_since (const ReportHistory *history, const ReportTrack *track);
/* "2026-11-23 02:00 UTC"; `day`: without the time. */
char *report_time (GDateTime *time, bool day);
/* The value of a parameter: "o3", "32". */
char *report_parameter (const json_t *value);
/* "83.1 s", "23 min 10 s", "2 h 5 min". */
char *report_duration (double seconds);
/* "1 case", "40 cases". */
char *report_many (size_t n, const char *one, const char *many);

#endif
