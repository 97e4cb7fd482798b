/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `submit`: records a job. */
#include <stdio.h>
#include <string.h>

#include "queue/programs.h"
#include "tools/sf/verbs.h"
#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/show_batch.h"
#include "tools/sfbatch/verbs.h"

static const SfOption submit_options[] = {
  { .name = "job",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "JOB.cfg",
    .help = "job file" },
  { .name = "wait",
    .type = SF_OPTION_BOOL,
    .help = "show the steps until the job has ended, and end with its exit code; Ctrl-C ends only "
            "the waiting" },
  { .name = "check",
    .type = SF_OPTION_BOOL,
    .help = "only read and check the job file, and print what it would submit" },
  { .name = NULL },
};

/* Verbs of sf that make sense as a step; `command` is the job file's own. */
static const char *const step_verbs[] = { "compile", "test", "train", "eval",
                                          "infer",   "run",  "bench" };

/* Those of them that this build has. */
static size_t
find_step_verbs (SfStepVerb *out)
{
  size_t n = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (step_verbs); i++)
    for (const SfVerb *const *verb = sf_tool.verbs; *verb != NULL; verb++)
      if (strcmp ((*verb)->name, step_verbs[i]) == 0)
        out[n++] = (SfStepVerb){ .name = (*verb)->name, .options = (*verb)->options };
  return n;
}

static bool
needs_sf (const SfPlan *plan)
{
  for (guint i = 0; i < plan->steps->len; i++)
    if (strcmp (((const SfPlanStep *) plan->steps->pdata[i])->verb, "command") != 0)
      return true;
  return false;
}

static int
start (SfQueue *queue, const SfJobFile *file, const SfPlan *plan, bool wait, GError **error)
{
  g_autofree char *shepherd = sf_program_shepherd (error);
  g_autofree char *sf = shepherd != NULL && needs_sf (plan) ? sf_program_sf (error)
                                                            : g_strdup ("sf");
  int64_t id = 0;
  if (shepherd == NULL || sf == NULL || !sf_queue_submit (queue, file, sf, shepherd, &id, error))
    return 1;
  printf ("%" G_GINT64_FORMAT "\n", id);
  if (!wait)
    return 0;
  fflush (stdout);
  g_autoptr (SfJob) job = sf_follow_job (queue, id, 1, error);
  if (job == NULL)
    return 1;
  g_autofree char *verdict = sf_follow_verdict (job);
  fprintf (stderr, "%s\n", verdict);
  return sf_job_exit (job->state, job->exit_code, job->exit_signal);
}

/* What the language has and this queue does not do yet is refused, not left out. */
static bool
check_supported (const SfJobBatch *batch, const char *path, GError **error)
{
  const SfJobFile *file = batch->jobs->pdata[0];
  const struct
  {
    bool used;
    const char *what;
  } rows[] = {
    { batch->jobs->len > 1 || file->element != NULL, "models, array or matrix" },
    { file->links->len > 0, "after, afterok or afternotok" },
    { file->retries.max > 0, "retries" },
    { file->environment[0] != NULL, "environment" },
    { file->notify != NULL, "notify" },
    { file->priority != 0, "priority" },
    { file->project[0] != '\0', "project" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].used)
      return sf_fail (error, SF_ERROR_UNIMPLEMENTED,
                      "%s: found %s, which --check knows and this queue cannot run, wanted a job "
                      "without; remove it",
                      path, rows[i].what);
  return true;
}

static int
run_submit (const SfOptionValues *options, GError **error)
{
  SfStepVerb verbs[G_N_ELEMENTS (step_verbs)];
  size_t n = find_step_verbs (verbs);
  const char *path = sf_option_string (options, "job");
  g_autoptr (SfJobBatch) batch = sf_job_batch_read (path, verbs, n, error);
  if (batch == NULL)
    return 1;
  if (sf_option_bool (options, "check"))
    return sf_show_batch (path, batch, error) ? 0 : 1;
  /* What the plan misses is said before anything is recorded. */
  const SfJobFile *file = batch->jobs->pdata[0];
  g_autoptr (SfPlan) plan = check_supported (batch, path, error)
                                ? sf_job_file_plan (file, "/", 1, error)
                                : NULL;
  g_autoptr (SfQueue) queue = plan != NULL ? sf_queue_open (error) : NULL;
  if (queue == NULL)
    return 1;
  return start (queue, file, plan, sf_option_bool (options, "wait"), error);
}

const SfVerb sf_batch_submit = {
  .name = "submit",
  .summary = "record a job and print its id; it starts when there is room for it",
  .example = "sfbatch submit --wait etc/jobs/digits.cfg\nsfbatch submit --check job.cfg",
  .options = submit_options,
  .run = run_submit,
};
