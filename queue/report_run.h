/* SPDX-License-Identifier: Apache-2.0 */
/* A regression run as its results.json tells it. */
#ifndef QUEUE_REPORT_RUN_H
#define QUEUE_REPORT_RUN_H

#include <sf/json.h>

typedef enum
{
  REPORT_PASSED,
  REPORT_FAILED,
  REPORT_ERROR, /* it did not get as far as a comparison */
} ReportState;

/* Numbers that are missing are NAN. */
typedef struct
{
  const char *key, *rule, *unit; /* rule and unit may be "" */
  double value, golden;
  double low, high; /* what the rule allows */
  bool ok;
} ReportMetric;

/* Texts that are missing are "". */
typedef struct
{
  const char *name, *model, *reason, *repeat, *log;
  json_t *parameters; /* object, or NULL */
  ReportState state;
  int64_t job; /* 0: unknown */
  double duration_s;
  const char *node, *op, *entry, *phase, *stage,
      *difference; /* where it first differs; node "": nowhere */
  double node_error, node_limit;
  GArray *metrics; /* ReportMetric; those that people know by name come first */
} ReportCase;

typedef struct
{
  json_t *json; /* all texts are its */
  const char *suite, *program, *host, *cpu, *isa;
  int64_t cores;      /* 0: unknown */
  GDateTime *started; /* UTC */
  double duration_s;
  GArray *cases;       /* ReportCase */
  GHashTable *by_name; /* case's name -> its index + 1 */
} ReportRun;

/* Shares `json`. NULL with an error that begins with `name`. */
ReportRun *report_run_read (json_t *json, const char *name, GError **error);
void report_run_free (ReportRun *run); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ReportRun, report_run_free)

static inline const ReportCase *
report_run_case (const ReportRun *run, size_t index)
{
  return &g_array_index (run->cases, ReportCase, index);
}
/* NULL: it was not run. */
const ReportCase *report_run_find (const ReportRun *run, const char *name);

static inline const ReportMetric *
report_case_metric (const ReportCase *found, size_t index)
{
  return &g_array_index (found->metrics, ReportMetric, index);
}
/* NULL: the case has none of the name. */
const ReportMetric *report_case_find (const ReportCase *found, const char *key);

/* "accuracy" for accuracy, "emulated time" for emulated_us; another key is its own label. */
const char *report_metric_label (const char *key);
/* Whether people want to see how it goes even while it stays as it is. */
bool report_metric_is_watched (const char *key);

#endif
