/* SPDX-License-Identifier: Apache-2.0 */
/* Small charts of a regression run. `report_chart_style` is the style of what they draw. */
#ifndef QUEUE_REPORT_CHART_H
#define QUEUE_REPORT_CHART_H

#include "core/report/markup.h"
#include "queue/report_history.h"

/* A metric of a case over all runs: golden band, runs that failed as stripes, values that failed as
 * dots. Where there are more runs than room, neighbours share a column; none that failed is lost.
 */
void report_chart_metric (Markup *markup, const ReportHistory *history, const ReportTrack *track,
                          size_t metric, bool wide);
/* How many cases failed in each run. */
void report_chart_nights (Markup *markup, const ReportHistory *history);
extern const char report_chart_style[];

#endif
