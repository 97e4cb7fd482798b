/* SPDX-License-Identifier: Apache-2.0 */
/* A case: what its job came to, its metrics against golden values, and how to repeat it. */
#include <math.h>
#include <string.h>

#include "queue/results.h"
#include "queue/shellword.h"
#include "queue/state.h"

enum
{
  MAX_LOG_BYTES = 4096,
  CHECK_FAILED_EXIT = 10, /* of a step that compared something: sf/error.h */
};

typedef struct
{
  const SfRegressCase *row;
  const SfGolden *golden; /* NULL: not wanted */
  const SfJob *job;
  char *job_folder, *folder; /* folder: of the latest attempt */
  SfPlan *plan;
  SfMetricValues values;
  int failed_step; /* from 1; 0: none */
  const char *state;
  char *reason; /* owned; NULL: passed */
} Judged;

static void
judged_clear (Judged *self)
{
  g_free (self->job_folder);
  g_free (self->folder);
  g_free (self->reason);
  sf_plan_free (self->plan);
  sf_metric_values_clear (&self->values);
}

/* ---- metrics ---- */

static json_t *
number (double value)
{
  if (!isfinite (value))
    return json_null ();
  bool whole = value == floor (value) && fabs (value) < 1e15;
  return whole ? json_integer ((json_int_t) value) : json_real (value);
}

/* What is wrong with a metric; NULL: nothing. Owned. */
static char *
complain (const Judged *self, int i, double golden)
{
  const SfRule *rule = &self->row->rules[i];
  const char *name = sf_metrics[i].name;
  double value = self->values.values[i], least, most;
  if (rule->kind == SF_RULE_NONE)
    return NULL;
  if (!isfinite (value))
    return g_strdup_printf ("%s: no step has measured it", name);
  if (self->golden == NULL)
    return NULL;
  if (!isfinite (golden))
    return g_strdup_printf ("%s: no golden value for %.6g; sfbatch golden makes this one it", name,
                            value);
  if (sf_rule_allows (rule, golden, value))
    return NULL;
  sf_rule_bounds (rule, golden, &least, &most);
  if (least == most)
    return g_strdup_printf ("%s: found %.9g, wanted the golden value %.9g", name, value, golden);
  g_autofree char *from = isfinite (least) ? g_strdup_printf ("%.9g to", least)
                                           : g_strdup ("at most");
  return g_strdup_printf ("%s: found %.9g, golden %.9g, wanted %s %.9g (%s)", name, value, golden,
                          from, most, sf_rule_name (rule));
}

static json_t *
metric_json (const Judged *self, int i, double golden, bool ok)
{
  const SfRule *rule = &self->row->rules[i];
  double least = NAN, most = NAN;
  if (isfinite (golden))
    sf_rule_bounds (rule, golden, &least, &most);
  return json_pack ("{s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:b}", "value",
                    number (self->values.values[i]), "golden", number (golden), "rule",
                    sf_rule_name (rule), "limit", number (sf_rule_limit (rule)), "low",
                    number (least), "high", number (most), "unit", sf_metrics[i].unit, "ok", ok);
}

/* All that was measured or should have been. The first that is wrong becomes the reason of a case
 * that has none yet. */
static json_t *
judge_metrics (Judged *self)
{
  json_t *object = json_object ();
  int n_wrong = 0;
  g_autofree char *first = NULL;
  for (int i = 0; i < SF_N_METRICS; i++)
    {
      double golden = self->golden != NULL
                          ? sf_golden_value (self->golden, self->row->name, sf_metrics[i].name)
                          : NAN;
      if (self->row->rules[i].kind == SF_RULE_NONE && !isfinite (self->values.values[i]))
        continue;
      char *wrong = complain (self, i, golden);
      json_object_set_new (object, sf_metrics[i].name,
                           metric_json (self, i, golden, wrong == NULL));
      n_wrong += wrong != NULL;
      if (first == NULL)
        first = wrong;
      else
        g_free (wrong);
    }
  if (n_wrong == 0 || self->reason != NULL)
    return object;
  self->state = "failed";
  self->reason = self->golden != NULL && !sf_golden_has (self->golden, self->row->name)
                     ? g_strdup_printf ("no golden row in %s; sfbatch golden --why \"...\" makes "
                                        "one of this run",
                                        self->golden->path)
                 : n_wrong == 1 ? g_steal_pointer (&first)
                                : g_strdup_printf ("%s; and %d more", first, n_wrong - 1);
  return object;
}

/* ---- the job ---- */

static int
find_failed_step (const Judged *self)
{
  for (int step = 1; step <= (int) self->plan->steps->len; step++)
    {
      SfStepRecord record;
      bool found = false;
      if (sf_step_record_read (self->folder, step, &record, &found, NULL) && found
          && (!record.ended || record.exit_code != 0 || record.exit_signal != 0))
        return step;
    }
  return 0;
}

/* "forward: node ... differs": what the first difference says of itself; NULL: nothing. Owned. */
static char *
difference_text (const json_t *difference)
{
  const char *entry = json_string_value (json_object_get (difference, "entry"));
  const char *text = json_string_value (json_object_get (difference, "text"));
  return text != NULL && entry != NULL ? g_strdup_printf ("%s: %s", entry, text) : g_strdup (text);
}

/* How the job ended, before any metric is looked at. */
static void
judge_job (Judged *self)
{
  self->state = "passed";
  if (self->job->state == SF_JOB_COMPLETED)
    return;
  bool compared = self->job->state == SF_JOB_FAILED && self->job->exit_signal == 0
                  && self->job->exit_code == CHECK_FAILED_EXIT;
  g_autofree char *difference = difference_text (self->values.first_difference);
  self->failed_step = find_failed_step (self);
  self->state = compared ? "failed" : "error";
  self->reason = compared && difference != NULL
                     ? g_steal_pointer (&difference)
                     : g_strdup_printf ("%s: %s", sf_job_state_name (self->job->state),
                                        self->job->reason);
}

/* The end of the failing step's log. Owned. */
static char *
read_log (const Judged *self)
{
  char buffer[MAX_LOG_BYTES];
  if (self->failed_step == 0)
    return g_strdup ("");
  g_autofree char *path = sf_attempt_log_path (self->folder, self->failed_step);
  size_t n = sf_attempt_read_tail (path, buffer, sizeof buffer);
  return g_utf8_make_valid (buffer, (gssize) n);
}

/* ---- the command that repeats it ---- */

static void
append_word (GString *line, const char *word)
{
  g_autofree char *quoted = sf_shell_word (word);
  if (line->len > 0 && line->str[line->len - 1] != ' ')
    g_string_append_c (line, ' ');
  g_string_append (line, quoted);
}

/* "env NAME=value" of the job; what the matrix adds to it is for commands only. */
static void
append_environment (GString *line, char *const *environment, bool is_command)
{
  bool any = false;
  for (; *environment != NULL; environment++)
    {
      if (!is_command && g_str_has_prefix (*environment, "SF_MATRIX_"))
        continue;
      if (!any)
        append_word (line, "env");
      any = true;
      append_word (line, *environment);
    }
}

/* The steps up to the one that failed, in the folder that they ran in, without the queue. */
static char *
repeat_command (const Judged *self)
{
  SfJobFile job = *self->row->job;
  job.keeps_metrics = false;
  g_autoptr (SfPlan) plan = sf_job_file_plan (&job, self->job_folder, 1, NULL);
  GString *line = g_string_new ("cd");
  int n = plan == NULL ? 0 : self->failed_step > 0 ? self->failed_step : (int) plan->steps->len;
  append_word (line, self->plan->work_folder);
  for (int i = 0; i < MIN (n, (int) plan->steps->len); i++)
    {
      const SfPlanStep *step = plan->steps->pdata[i];
      bool is_command = strcmp (step->verb, "command") == 0;
      g_string_append (line, " &&");
      append_environment (line, job.environment, is_command);
      for (int k = 0; step->argv[k] != NULL; k++)
        append_word (line, k == 0 && !is_command ? self->plan->sf : step->argv[k]);
    }
  return g_string_free (line, FALSE);
}

/* ---- all of it ---- */

static json_t *
to_json (Judged *self)
{
  g_autofree char *repeat = repeat_command (self), *log = read_log (self);
  json_t *metrics = judge_metrics (self);
  double duration_s = (double) (self->job->ended_us - self->job->started_us) * 1e-6;
  json_t *difference = self->values.first_difference;
  return json_pack ("{s:s, s:s, s:O, s:s, s:s, s:I, s:f, s:o, s:s, s:s, s:o}", "name",
                    self->row->name, "model", self->row->model, "parameters", self->row->parameters,
                    "state", self->state, "reason", self->reason != NULL ? self->reason : "", "job",
                    (json_int_t) self->job->id, "duration_s",
                    self->job->started_us > 0 ? duration_s : 0.0, "first_difference",
                    difference != NULL ? json_incref (difference) : json_null (), "repeat", repeat,
                    "log", log, "metrics", metrics);
}

json_t *
sf_result_case (SfQueue *queue, const SfRegressCase *row, const SfGolden *golden, const SfJob *job,
                GError **error)
{
  Judged self = { .row = row, .golden = golden, .job = job };
  g_autoptr (GError) unreadable = NULL;
  json_t *json = NULL;
  self.job_folder = sf_queue_job_folder (queue, job->id);
  self.folder = sf_queue_attempt_folder (queue, job);
  self.plan = sf_queue_plan (queue, job, error);
  if (self.plan != NULL)
    {
      bool read = sf_metric_values_read (self.job_folder, (int) self.plan->steps->len, &self.values,
                                         &unreadable);
      judge_job (&self);
      if (!read)
        {
          g_free (self.reason);
          self.state = "error";
          self.reason = g_strdup (unreadable->message);
        }
      json = to_json (&self);
    }
  if (self.plan != NULL && json == NULL)
    sf_fail (error, SF_ERROR_INTERNAL, "job %" G_GINT64_FORMAT ": no result can be made of it",
             job->id);
  judged_clear (&self);
  return json;
}
