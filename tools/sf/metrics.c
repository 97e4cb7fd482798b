/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --metrics. */
#include "tools/sf/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <sf/file.h>

json_t *
sf_metrics_number (double value)
{
  return isfinite (value) ? json_real (value) : json_null ();
}

static double
peak_memory_mb (void)
{
  struct rusage usage;
  return getrusage (RUSAGE_SELF, &usage) == 0 ? (double) usage.ru_maxrss / 1024 : NAN;
}

bool
sf_metrics_write (const SfOptionValues *options, const char *verb, json_t *values,
                  json_t *difference, GError **error)
{
  const char *path = sf_option_string (options, "metrics");
  json_object_set_new (values, "memory_mb", sf_metrics_number (peak_memory_mb ()));
  g_autoptr (json_t) object = json_pack (
      "{s:s, s:i, s:s, s:o, s:o}", "format", "spatialflow-metrics", "version", 1, "do", verb,
      "metrics", values, "first_difference", difference != NULL ? difference : json_null ());
  if (path == NULL)
    return true;
  char *text = sf_json_text (object);
  bool good = text != NULL && sf_file_replace (path, text, strlen (text), error);
  free (text);
  return good;
}
