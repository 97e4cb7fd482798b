/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `regress`: a suite of cases through the queue, held against golden values. */
#include <stdio.h>
#include <string.h>

#include <sf/file.h>

#include "queue/programs.h"
#include "queue/report_kept.h"
#include "queue/results.h"
#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/show_batch.h"
#include "queue/shellword.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/step_verbs.h"
#include "tools/sfbatch/verbs.h"

static const SfOption regress_options[] = {
  { .name = "suite",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "SUITE.cfg",
    .help = "models, what they run through, and rules" },
  { .name = "golden",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "golden values instead of those that the suite names" },
  { .name = "output",
    .short_name = 'o',
    .type = SF_OPTION_STRING,
    .arg = "DIR",
    .help = "write results.json, junit.xml and index.html there as well" },
  { .name = "continue",
    .type = SF_OPTION_BOOL,
    .help = "wait for the jobs of a run that was interrupted instead of starting one" },
  { .name = "check",
    .type = SF_OPTION_BOOL,
    .help = "only read and check the files, and print the cases with their steps" },
  { .name = NULL },
};

typedef struct
{
  const SfRegress *suite;
  const SfGolden *golden; /* NULL: none are wanted */
  SfQueue *queue;
  SfRegressRun *run;
  json_t **cases; /* by case; NULL: not ended yet */
  size_t n_ended;
} Regress;

static const char *
text_of (const json_t *object, const char *key)
{
  const char *text = json_string_value (json_object_get (object, key));
  return text != NULL ? text : "";
}

/* ---- running ---- */

/* A line for each case as it ends. */
static bool
case_ended (void *user_data, const SfJob *job, size_t index, GError **error)
{
  Regress *self = user_data;
  const SfRegressCase *row = self->suite->cases->pdata[index];
  json_t *result = sf_result_case (self->queue, row, self->golden, job, error);
  if (result == NULL)
    return false;
  self->cases[index] = result;
  self->n_ended++;
  const char *state = text_of (result, "state");
  bool passed = strcmp (state, "passed") == 0;
  g_autofree char *name = sf_show_text (row->name);
  g_autofree char *reason = sf_show_text (text_of (result, "reason"));
  g_autofree char *time = sf_show_duration (
      (int64_t) (json_number_value (json_object_get (result, "duration_s")) * G_USEC_PER_SEC));
  printf ("%zu/%u %s  %s  %s%s%s\n", self->n_ended, self->suite->cases->len,
          passed                         ? "passed"
          : strcmp (state, "error") == 0 ? "ERROR "
                                         : "FAILED",
          name, time, passed ? "" : "  ", reason);
  fflush (stdout);
  return true;
}

static bool
wait_for_cases (Regress *self, GError **error)
{
  const GArray *ids = self->run->ids;
  g_autoptr (GError) own = NULL;
  if (sf_follow_each (self->queue, (const int64_t *) (void *) ids->data, ids->len, case_ended, self,
                      &own))
    return true;
  if (!g_error_matches (own, SF_ERROR, SF_ERROR_CANCELLED))
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&own), "the run goes on: ");
      return false;
    }
  g_autofree char *path = sf_shell_word (self->suite->path);
  return sf_fail (error, SF_ERROR_CANCELLED,
                  "%zu of %u cases go on, only the waiting was interrupted; sfbatch regress "
                  "--continue %s waits again, sfbatch cancel %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT
                  " ends them",
                  ids->len - self->n_ended, ids->len, path, g_array_index (ids, int64_t, 0),
                  g_array_index (ids, int64_t, ids->len - 1));
}

static bool
submit_cases (Regress *self, GError **error)
{
  g_autofree char *shepherd = sf_program_shepherd (error);
  g_autofree char *sf = shepherd != NULL ? sf_program_sf (error) : NULL;
  g_autoptr (SfRegressRun) run = sf != NULL ? sf_regress_run_new (self->queue->folder,
                                                                  self->suite->name, error)
                                            : NULL;
  if (run == NULL || !sf_regress_run_write (run, self->suite, error))
    return false;
  const SfSubmitOptions how = { .sf = sf, .shepherd = shepherd, .submitted_us = run->started_us };
  g_array_unref (run->ids);
  run->ids = sf_queue_submit (self->queue, self->suite->batch, &how, error);
  if (run->ids == NULL)
    {
      run->ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
      return false;
    }
  self->run = g_steal_pointer (&run);
  return sf_regress_run_write (self->run, self->suite, error);
}

/* ---- results ---- */

/* results.json, junit.xml and index.html in the run's folder, and in `output` unless it is NULL. */
static bool
write_results (const Regress *self, const json_t *results, const char *output, GError **error)
{
  const char *const folders[] = { self->run->folder, output };
  g_autofree char *path = g_build_filename (self->run->folder, "results.json", NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (folders) && folders[i] != NULL; i++)
    {
      g_autofree char *page = g_build_filename (folders[i], "index.html", NULL);
      if (!sf_make_folder (folders[i], error) || !sf_results_write (results, folders[i], error)
          || !sf_report_remake (path, page, error))
        return false;
    }
  return true;
}

static int
report (const Regress *self, const char *output, GError **error)
{
  json_t *cases = json_array ();
  for (guint i = 0; i < self->suite->cases->len; i++)
    json_array_append (cases, self->cases[i]);
  g_autoptr (json_t) results = sf_results_new (self->run, cases);
  if (!write_results (self, results, output, error))
    return 1;
  size_t n = self->suite->cases->len, n_passed = sf_results_count (results, "passed");
  g_autofree char *time = sf_show_duration (
      (int64_t) (json_number_value (json_object_get (results, "duration_s")) * G_USEC_PER_SEC));
  printf ("suite %s: %zu of %zu cases passed in %s; %s/index.html\n", self->suite->name, n_passed,
          n, time, output != NULL ? output : self->run->folder);
  if (n_passed == n)
    return 0;
  const json_t *first = json_array_get (json_object_get (results, "cases"), 0);
  g_autofree char *reason = sf_show_text (text_of (first, "reason"));
  return sf_fail (error, SF_ERROR_CHECK_FAILED, "%zu of %zu cases failed, first %s: %s",
                  n - n_passed, n, text_of (first, "name"), reason);
}

static int
regress (Regress *self, const SfOptionValues *options, GError **error)
{
  /* A folder that cannot be is no reason to find out at the end of a night. */
  const char *output = sf_option_string (options, "output");
  if (output != NULL && !sf_make_folder (output, error))
    return 1;
  self->queue = sf_queue_open (error);
  if (self->queue == NULL)
    return 1;
  if (sf_option_bool (options, "continue"))
    {
      self->run = sf_regress_run_unfinished (self->queue, self->suite, error);
      if (self->run == NULL)
        return 1;
    }
  else
    {
      sf_follow_catch_interrupts (); /* what is submitted is also written down */
      if (!submit_cases (self, error))
        return 1;
    }
  self->cases = g_new0 (json_t *, self->suite->cases->len);
  return wait_for_cases (self, error) ? report (self, output, error) : 1;
}

static int
run_regress (const SfOptionValues *options, GError **error)
{
  SfStepVerb verbs[SF_MAX_STEP_VERBS];
  size_t n = sf_step_verbs (verbs);
  const char *path = sf_option_string (options, "suite");
  g_autoptr (SfRegress) suite = sf_regress_read (path, verbs, n, error);
  if (suite == NULL)
    return 1;
  const char *wanted = sf_option_is_set (options, "golden") ? sf_option_string (options, "golden")
                                                            : suite->golden;
  g_autoptr (SfGolden) golden = wanted != NULL ? sf_golden_read (wanted, error) : NULL;
  if (wanted != NULL && golden == NULL)
    return 1;
  if (sf_option_bool (options, "check"))
    return sf_show_batch (path, suite->batch, error) ? 0 : 1;
  Regress self = { .suite = suite, .golden = golden };
  int code = regress (&self, options, error);
  for (guint i = 0; self.cases != NULL && i < suite->cases->len; i++)
    json_decref (self.cases[i]);
  g_free (self.cases);
  sf_regress_run_free (self.run);
  sf_queue_close (self.queue);
  return code;
}

const SfVerb sf_batch_regress = {
  .name = "regress",
  .summary = "run a suite of cases through the queue and hold what they give against golden values",
  .example = "sfbatch regress etc/regress/basic.cfg\n"
             "sfbatch regress etc/regress/nightly.cfg --output report",
  .options = regress_options,
  .run = run_regress,
};
