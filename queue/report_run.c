/* SPDX-License-Identifier: Apache-2.0 */
/* A regression run as its results.json tells it. */
#include "queue/report_run.h"

#include <math.h>
#include <string.h>

#define RESULTS_FORMAT  "spatialflow-regress"
#define RESULTS_VERSION 1
#define MAX_CASES       20000

static const struct
{
  const char *key, *label;
  bool watched;
} known_metrics[] = {
  { "accuracy", "accuracy", true },
  { "loss", "loss" },
  { "train_loss", "training loss" },
  { "nmse", "NMSE", true },
  { "emulated_us", "emulated time", true },
  { "compile_s", "compile time", true },
  { "memory_mb", "memory", true },
  { "test_s", "test time" },
  { "train_s", "training time" },
  { "sections", "sections" },
  { "configs", "configs" },
  { "host_launches", "host launches" },
  { "pcus", "PCUs" },
  { "pmus", "PMUs" },
  { "pef_bytes", "PEF" },
  { "values", "values compared" },
};

static size_t
metric_rank (const char *key)
{
  size_t i = 0;
  while (i < G_N_ELEMENTS (known_metrics) && strcmp (known_metrics[i].key, key) != 0)
    i++;
  return i;
}

const char *
report_metric_label (const char *key)
{
  size_t rank = metric_rank (key);
  return rank < G_N_ELEMENTS (known_metrics) ? known_metrics[rank].label : key;
}

bool
report_metric_is_watched (const char *key)
{
  size_t rank = metric_rank (key);
  return rank < G_N_ELEMENTS (known_metrics) && known_metrics[rank].watched;
}

/* ---- members that may be missing, and are then null ---- */

static bool
get_text (const json_t *object, const char *key, const char **out, const char *where,
          GError **error)
{
  const json_t *value = json_object_get (object, key);
  *out = value == NULL || json_is_null (value) ? "" : json_string_value (value);
  return *out != NULL
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: found a %s that is no text, wanted a string", where, key);
}

static bool
get_number (const json_t *object, const char *key, double *out, const char *where, GError **error)
{
  const json_t *value = json_object_get (object, key);
  bool missing = value == NULL || json_is_null (value);
  *out = missing ? NAN : json_number_value (value);
  return missing || json_is_number (value)
         || sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found a %s that is no number, wanted one",
                     where, key);
}

static bool
get_count (const json_t *object, const char *key, int64_t *out, const char *where, GError **error)
{
  const json_t *value = json_object_get (object, key);
  bool missing = value == NULL || json_is_null (value);
  *out = missing ? 0 : json_integer_value (value);
  return missing || json_is_integer (value)
         || sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found a %s that is no count, wanted one",
                     where, key);
}

static bool
get_object (const json_t *object, const char *key, json_t **out, const char *where, GError **error)
{
  *out = json_object_get (object, key);
  if (json_is_null (*out))
    *out = NULL;
  return *out == NULL || json_is_object (*out)
         || sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found a %s that is no object, wanted one",
                     where, key);
}

/* ---- metrics ---- */

static bool
read_metric (const char *key, const json_t *json, const char *case_where, ReportMetric *out,
             GError **error)
{
  g_autofree char *where = g_strdup_printf ("%s: metric %s", case_where, key);
  if (!json_is_object (json))
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found no object, wanted value and golden",
                    where);
  *out = (ReportMetric){ .key = key, .ok = json_is_true (json_object_get (json, "ok")) };
  if (!get_number (json, "value", &out->value, where, error)
      || !get_number (json, "golden", &out->golden, where, error)
      || !get_number (json, "low", &out->low, where, error)
      || !get_number (json, "high", &out->high, where, error)
      || !get_text (json, "rule", &out->rule, where, error)
      || !get_text (json, "unit", &out->unit, where, error))
    return false;
  /* That a figure which is never below 0 may not be is nothing to be told. */
  if (out->low <= 0 && out->golden >= 0 && out->low != out->high)
    out->low = NAN;
  return true;
}

static int
compare_metrics (gconstpointer a, gconstpointer b)
{
  const ReportMetric *x = a, *y = b;
  size_t i = metric_rank (x->key), j = metric_rank (y->key);
  return i != j ? (i > j) - (i < j) : strcmp (x->key, y->key);
}

static bool
read_metrics (json_t *json, const char *where, ReportCase *out, GError **error)
{
  json_t *metrics, *value;
  const char *key;
  if (!get_object (json, "metrics", &metrics, where, error))
    return false;
  json_object_foreach (metrics, key, value)
    {
      ReportMetric metric;
      if (!read_metric (key, value, where, &metric, error))
        return false;
      g_array_append_val (out->metrics, metric);
    }
  g_array_sort (out->metrics, compare_metrics);
  return true;
}

/* ---- cases ---- */

static bool
read_state (const json_t *json, ReportState *out, const char *where, GError **error)
{
  static const char *const names[]
      = { [REPORT_PASSED] = "passed", [REPORT_FAILED] = "failed", [REPORT_ERROR] = "error" };
  const char *text = json_string_value (json_object_get (json, "state"));
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (text, names[i]) == 0)
      {
        *out = (ReportState) i;
        return true;
      }
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: found state %s, wanted passed, failed or error", where,
                  text != NULL ? text : "missing");
}

static bool
read_difference (const json_t *json, const char *where, ReportCase *out, GError **error)
{
  json_t *first;
  out->node = out->op = out->entry = out->phase = out->stage = out->difference = "";
  if (!get_object (json, "first_difference", &first, where, error))
    return false;
  return first == NULL
         || (get_text (first, "node", &out->node, where, error)
             && get_text (first, "op", &out->op, where, error)
             && get_text (first, "entry", &out->entry, where, error)
             && get_text (first, "phase", &out->phase, where, error)
             && get_text (first, "stage", &out->stage, where, error)
             && get_text (first, "text", &out->difference, where, error)
             && get_number (first, "error", &out->node_error, where, error)
             && get_number (first, "limit", &out->node_limit, where, error));
}

static bool
read_case (json_t *json, size_t index, const char *name, ReportCase *out, GError **error)
{
  g_autofree char *number = g_strdup_printf ("%s: case %zu", name, index + 1);
  out->name = json_string_value (json_object_get (json, "name"));
  if (out->name == NULL || out->name[0] == '\0')
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found no name, wanted one", number);
  g_autofree char *where = g_strdup_printf ("%s: case %s", name, out->name);
  return read_state (json, &out->state, where, error)
         && get_text (json, "model", &out->model, where, error)
         && get_text (json, "reason", &out->reason, where, error)
         && get_text (json, "repeat", &out->repeat, where, error)
         && get_text (json, "log", &out->log, where, error)
         && get_object (json, "parameters", &out->parameters, where, error)
         && get_count (json, "job", &out->job, where, error)
         && get_number (json, "duration_s", &out->duration_s, where, error)
         && read_difference (json, where, out, error) && read_metrics (json, where, out, error);
}

static void
clear_case (gpointer data)
{
  g_array_unref (((ReportCase *) data)->metrics);
}

static bool
read_cases (ReportRun *run, const char *name, GError **error)
{
  const json_t *cases = json_object_get (run->json, "cases");
  size_t n = json_array_size (cases);
  if (!json_is_array (cases) || n > MAX_CASES)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found %s, wanted a list of at most %d cases",
                    name, json_is_array (cases) ? "too many" : "no cases", MAX_CASES);
  for (size_t i = 0; i < n; i++)
    {
      ReportCase found = { .metrics = g_array_new (FALSE, FALSE, sizeof (ReportMetric)) };
      g_array_append_val (run->cases, found);
      ReportCase *to = &g_array_index (run->cases, ReportCase, i);
      if (!read_case (json_array_get (cases, i), i, name, to, error))
        return false;
      if (!g_hash_table_insert (run->by_name, (gpointer) to->name, GSIZE_TO_POINTER (i + 1)))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: found two cases %s, wanted names that differ", name, to->name);
    }
  return true;
}

/* ---- the run ---- */

static bool
check_format (const json_t *json, const char *name, GError **error)
{
  const char *format = json_string_value (json_object_get (json, "format"));
  const json_t *version = json_object_get (json, "version");
  if (g_strcmp0 (format, RESULTS_FORMAT) != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no results of a regression run, wanted what sfbatch regress writes",
                    name);
  if (!json_is_integer (version) || json_integer_value (version) != RESULTS_VERSION)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: found version %" JSON_INTEGER_FORMAT
                    " of the results, wanted %d; use the sfbatch that wrote them",
                    name, json_integer_value (version), RESULTS_VERSION);
  return true;
}

static bool
read_head (ReportRun *run, const char *name, GError **error)
{
  json_t *machine;
  const char *started;
  run->host = run->cpu = run->isa = "";
  if (!get_text (run->json, "suite", &run->suite, name, error)
      || !get_text (run->json, "program", &run->program, name, error)
      || !get_text (run->json, "started", &started, name, error)
      || !get_number (run->json, "duration_s", &run->duration_s, name, error)
      || !get_object (run->json, "machine", &machine, name, error))
    return false;
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (started, NULL);
  run->started = time != NULL ? g_date_time_to_utc (time) : NULL;
  if (run->started == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found %s as the start, wanted a time as 2026-01-31T02:00:00Z", name,
                    started[0] != '\0' ? started : "nothing");
  return machine == NULL
         || (get_text (machine, "host", &run->host, name, error)
             && get_text (machine, "cpu", &run->cpu, name, error)
             && get_text (machine, "isa", &run->isa, name, error)
             && get_count (machine, "cores", &run->cores, name, error));
}

ReportRun *
report_run_read (json_t *json, const char *name, GError **error)
{
  if (!check_format (json, name, error))
    return NULL;
  g_autoptr (ReportRun) run = g_new0 (ReportRun, 1);
  run->json = json_incref (json);
  run->cases = g_array_new (FALSE, FALSE, sizeof (ReportCase));
  g_array_set_clear_func (run->cases, clear_case);
  run->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  if (!read_head (run, name, error) || !read_cases (run, name, error))
    return NULL;
  return g_steal_pointer (&run);
}

void
report_run_free (ReportRun *run)
{
  if (run == NULL)
    return;
  g_clear_pointer (&run->started, g_date_time_unref);
  g_hash_table_unref (run->by_name);
  g_array_unref (run->cases);
  json_decref (run->json);
  g_free (run);
}

const ReportCase *
report_run_find (const ReportRun *run, const char *name)
{
  size_t at = GPOINTER_TO_SIZE (g_hash_table_lookup (run->by_name, name));
  return at > 0 ? report_run_case (run, at - 1) : NULL;
}

const ReportMetric *
report_case_find (const ReportCase *found, const char *key)
{
  for (guint i = 0; i < found->metrics->len; i++)
    if (strcmp (report_case_metric (found, i)->key, key) == 0)
      return report_case_metric (found, i);
  return NULL;
}
