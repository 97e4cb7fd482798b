/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of a job measured: numbers by name, and the first node that differs. */
#ifndef QUEUE_METRICS_H
#define QUEUE_METRICS_H

#include <sf/json.h>

/* A metric that some verb of sf writes with --metrics. */
typedef struct
{
  const char *name;     /* "emulated_us" */
  const char *unit;     /* "us"; "": none */
  const char *verbs[4]; /* that write it, NULL-terminated; none named: every verb */
  bool is_noisy;        /* differs from run to run on one machine */
} SfMetric;

enum
{
  SF_N_METRICS = 16,
};

extern const SfMetric sf_metrics[SF_N_METRICS];

/* Index of a name; -1: no metric. */
int sf_metric_find (const char *name);
bool sf_metric_is_of (const SfMetric *metric, const char *verb);

/* Where step `number` (from 1) of a job writes its metrics. Owned: g_free. */
char *sf_metrics_path (const char *job_folder, int number);

/* What all steps of a job have written. */
typedef struct
{
  double values[SF_N_METRICS]; /* NAN: missing */
  json_t *first_difference;    /* as `sf test` wrote it; NULL: none */
} SfMetricValues;

/* Of a metric that several steps wrote the greatest counts: the memory of all, the worst error.
 * Steps that have written nothing are passed over. To be cleared, whatever it returns. */
bool sf_metric_values_read (const char *job_folder, int n_steps, SfMetricValues *out,
                            GError **error);
void sf_metric_values_clear (SfMetricValues *values);

#endif
