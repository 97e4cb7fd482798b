/* SPDX-License-Identifier: Apache-2.0 */
/* The table of metrics, and reading what steps wrote. */
#include "queue/metrics.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include <sf/file.h>

enum
{
  MAX_BYTES = 1 << 20,
};

/* In the order in which people want to see them. */
const SfMetric sf_metrics[SF_N_METRICS] = {
  { "accuracy", "", { "train", "eval", "infer" } },
  { "loss", "", { "eval", "infer" } },
  { "train_loss", "", { "train" } },
  { "nmse", "", { "test" } },
  { "values", "", { "test" } }, /* that were compared */
  { "emulated_us", "us", { "compile" } },
  { "sections", "", { "compile" } },
  { "configs", "", { "compile" } },
  { "host_launches", "", { "compile" } },
  { "pcus", "", { "compile" } },
  { "pmus", "", { "compile" } },
  { "pef_bytes", "B", { "compile" } },
  { "compile_s", "s", { "compile" }, true },
  { "test_s", "s", { "test" }, true },
  { "train_s", "s", { "train" }, true },
  { "memory_mb", "MB", { NULL }, true },
};

int
sf_metric_find (const char *name)
{
  for (int i = 0; i < SF_N_METRICS; i++)
    if (strcmp (sf_metrics[i].name, name) == 0)
      return i;
  return -1;
}

bool
sf_metric_is_of (const SfMetric *metric, const char *verb)
{
  return metric->verbs[0] == NULL ? strcmp (verb, "command") != 0
                                  : g_strv_contains (metric->verbs, verb);
}

char *
sf_metrics_path (const char *job_folder, int number)
{
  g_autofree char *name = g_strdup_printf ("metrics-%d.json", number);
  return g_build_filename (job_folder, name, NULL);
}

static json_t *
read_file (const char *path, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  json_t *object = sf_json_parse (map.data != NULL ? (const char *) map.data : "", map.n_bytes,
                                  path, error);
  sf_file_unmap (&map);
  return object;
}

static bool
read_step (const char *path, SfMetricValues *out, GError **error)
{
  g_autoptr (json_t) object = read_file (path, error);
  const char *format = "", *key;
  int64_t version = 0;
  json_t *value;
  if (object == NULL || !sf_json_get_string (object, "format", &format, path, error)
      || !sf_json_get_int (object, "version", &version, path, error))
    return false;
  if (strcmp (format, "spatialflow-metrics") != 0 || version != 1)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: found format \"%s\", version %" G_GINT64_FORMAT
                    ", wanted spatialflow-metrics, version 1",
                    path, format, version);
  json_object_foreach (json_object_get (object, "metrics"), key, value)
    {
      int i = sf_metric_find (key);
      if (i >= 0 && json_is_number (value))
        out->values[i] = fmax (out->values[i], json_number_value (value));
    }
  json_t *difference = json_object_get (object, "first_difference");
  if (out->first_difference == NULL && json_is_object (difference))
    out->first_difference = json_incref (difference);
  return true;
}

bool
sf_metric_values_read (const char *job_folder, int n_steps, SfMetricValues *out, GError **error)
{
  *out = (SfMetricValues){ 0 };
  for (int i = 0; i < SF_N_METRICS; i++)
    out->values[i] = NAN;
  for (int step = 1; step <= n_steps; step++)
    {
      g_autofree char *path = sf_metrics_path (job_folder, step);
      if (access (path, F_OK) == 0 && !read_step (path, out, error))
        return false;
    }
  return true;
}

void
sf_metric_values_clear (SfMetricValues *values)
{
  json_decref (values->first_difference);
}
