/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `submit`: records a job. */
#include <stdio.h>
#include <string.h>

#include <sf/plugins.h>

#include "queue/programs.h"
#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/show_batch.h"
#include "tools/sfbatch/step_verbs.h"
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
  { .name = "hold", .type = SF_OPTION_BOOL, .help = "keep it from starting until it is released" },
  { .name = "executor",
    .type = SF_OPTION_STRING,
    .arg = "NAME",
    .help = "where it runs, local or slurm; default: what sfd.cfg says" },
  { .name = "check",
    .type = SF_OPTION_BOOL,
    .help = "only read and check the job file, and print what it would submit" },
  { .name = NULL },
};

static bool
needs_sf (const SfPlan *plan)
{
  for (guint i = 0; i < plan->steps->len; i++)
    if (strcmp (((const SfPlanStep *) plan->steps->pdata[i])->verb, "command") != 0)
      return true;
  return false;
}

/* What the plan of a job misses is said before anything is recorded. */
static bool
check_plans (const SfJobBatch *batch, bool *uses_sf, GError **error)
{
  for (guint i = 0; i < batch->jobs->len; i++)
    {
      g_autoptr (SfPlan) plan = sf_job_file_plan (batch->jobs->pdata[i], "/", 1, error);
      if (plan == NULL)
        return false;
      *uses_sf = *uses_sf || needs_sf (plan);
    }
  return true;
}

/* One job is followed step by step; of several, each end is told. */
static int
wait_for (SfQueue *queue, const GArray *ids, GError **error)
{
  int code = 1;
  if (ids->len > 1)
    return sf_follow_jobs (queue, (const int64_t *) (void *) ids->data, ids->len, &code, error)
               ? code
               : 1;
  g_autoptr (SfJob) job = sf_follow_job (queue, g_array_index (ids, int64_t, 0), 1, error);
  if (job == NULL)
    return 1;
  g_autofree char *verdict = sf_follow_verdict (job);
  fprintf (stderr, "%s\n", verdict);
  return sf_job_exit (job->state, job->exit_code, job->exit_signal);
}

static int
submit (const SfJobBatch *batch, const SfOptionValues *options, GError **error)
{
  bool uses_sf = false;
  g_autoptr (SfQueue) queue = check_plans (batch, &uses_sf, error) ? sf_queue_open (error) : NULL;
  g_autofree char *shepherd = queue != NULL ? sf_program_shepherd (error) : NULL;
  g_autofree char *sf = shepherd == NULL ? NULL : uses_sf ? sf_program_sf (error) : g_strdup ("sf");
  if (sf == NULL)
    return 1;
  const char *executor = sf_option_string (options, "executor");
  if (executor != NULL && sf_plugins_load (SF_PLUGIN_EXECUTOR, executor, error) == NULL)
    return 1;
  SfSubmitOptions how = {
    .sf = sf, .shepherd = shepherd, .executor = executor, .held = sf_option_bool (options, "hold")
  };
  g_autoptr (GArray) ids = sf_queue_submit (queue, batch, &how, error);
  if (ids == NULL)
    return 1;
  for (guint i = 0; i < ids->len; i++)
    printf ("%" G_GINT64_FORMAT "\n", g_array_index (ids, int64_t, i));
  fflush (stdout);
  return sf_option_bool (options, "wait") ? wait_for (queue, ids, error) : 0;
}

static int
run_submit (const SfOptionValues *options, GError **error)
{
  SfStepVerb verbs[SF_MAX_STEP_VERBS];
  size_t n = sf_step_verbs (verbs);
  const char *path = sf_option_string (options, "job");
  g_autoptr (SfJobBatch) batch = sf_job_batch_read (path, verbs, n, error);
  if (batch == NULL)
    return 1;
  if (sf_option_bool (options, "check"))
    return sf_show_batch (path, batch, error) ? 0 : 1;
  return submit (batch, options, error);
}

const SfVerb sf_batch_submit = {
  .name = "submit",
  .summary = "record the jobs of a file and print their ids; they start when there is room",
  .example = "sfbatch submit --wait etc/jobs/digits.cfg\nsfbatch submit --check job.cfg",
  .options = submit_options,
  .run = run_submit,
};
