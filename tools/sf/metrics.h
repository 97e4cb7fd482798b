/* SPDX-License-Identifier: Apache-2.0 */
/* What a verb measured, as a JSON file for programs that compare runs: `--metrics FILE`. */
#ifndef TOOLS_SF_METRICS_H
#define TOOLS_SF_METRICS_H

#include <sf/json.h>
#include <sf/options.h>

#define SF_METRICS_OPTION_ROW                                      \
  {                                                                \
    .name = "metrics", .type = SF_OPTION_STRING, .arg = "FILE",    \
    .help = "write what was measured as JSON, for sfbatch regress" \
  }

/* A finite number; null for any other, which readers take as missing. Owned. */
json_t *sf_metrics_number (double value);

/* Writes `values`, to which it adds the most memory that the process had, to the file of --metrics,
 * if there is one:
 *   { "format": "spatialflow-metrics", "version": 1, "do": verb, "metrics": values,
 *     "first_difference": difference }
 * `difference` may be NULL. Takes both. */
bool sf_metrics_write (const SfOptionValues *options, const char *verb, json_t *values,
                       json_t *difference, GError **error);

#endif
