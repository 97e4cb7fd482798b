/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `wait`: until jobs have ended. */
#include <stdio.h>

#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption wait_options[] = {
  { .name = "ids",
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_POSITIONAL,
    .arg = "ID...",
    .help = "of the jobs, or ranges of ids; for a single one its progress is shown" },
  { .name = "all", .type = SF_OPTION_BOOL, .help = "all jobs that have not ended" },
  { .name = NULL },
};

/* One that is held ends when somebody has let it go. */
static void
say_held (const SfJob *job)
{
  if (job->held && job->state == SF_JOB_PENDING)
    fprintf (stderr,
             "sfbatch: job %" G_GINT64_FORMAT " is held; sfbatch release %" G_GINT64_FORMAT
             " lets it go\n",
             job->id, job->id);
}

static GArray *
wanted_ids (SfQueue *queue, const SfOptionValues *options, GError **error)
{
  const char *const *texts = sf_option_list (options, "ids");
  bool all = sf_option_bool (options, "all");
  if (all == (texts[0] != NULL))
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "wait: found %s, wanted one of them",
               all ? "both ids and --all" : "neither ids nor --all");
      return NULL;
    }
  if (!all)
    return sf_parse_job_ids (texts, error);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  g_autoptr (GPtrArray) jobs = sf_store_list (queue->store, SF_STORE_UNFINISHED, error);
  for (guint i = 0; jobs != NULL && i < jobs->len; i++)
    {
      const SfJob *job = jobs->pdata[i];
      say_held (job);
      g_array_append_val (ids, job->id);
    }
  return jobs != NULL ? g_steal_pointer (&ids) : NULL;
}

static int
wait_for_one (SfQueue *queue, int64_t id, GError **error)
{
  g_autoptr (SfJob) job = sf_store_get (queue->store, id, error);
  if (job == NULL)
    return 1;
  say_held (job);
  if (!sf_job_state_is_final (job->state))
    {
      g_autofree char *folder = sf_queue_attempt_folder (queue, job);
      SfJob *ended = sf_follow_job (queue, id, MAX (sf_attempt_last_step (folder), 1), error);
      sf_job_free (job);
      job = ended;
      if (job == NULL)
        return 1;
    }
  g_autofree char *verdict = sf_follow_verdict (job);
  fprintf (stderr, "%s\n", verdict);
  return sf_job_exit (job->state, job->exit_code, job->exit_signal);
}

static int
run_wait (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  if (queue == NULL || !sf_queue_keep_up (queue, error))
    return 1;
  g_autoptr (GArray) ids = wanted_ids (queue, options, error);
  if (ids == NULL)
    return 1;
  if (ids->len == 1 && !sf_option_bool (options, "all"))
    return wait_for_one (queue, g_array_index (ids, int64_t, 0), error);
  for (guint i = 0; i < ids->len && !sf_option_bool (options, "all"); i++)
    {
      g_autoptr (SfJob) job = sf_store_get (queue->store, g_array_index (ids, int64_t, i), error);
      if (job == NULL)
        return 1;
      say_held (job);
    }
  int exit = 0;
  return sf_follow_jobs (queue, (const int64_t *) (void *) ids->data, ids->len, &exit, error) ? exit
                                                                                              : 1;
}

const SfVerb sf_batch_wait = {
  .name = "wait",
  .summary = "wait for jobs; ends with the exit code of the first that failed",
  .example = "sfbatch wait 12\nsfbatch wait --all",
  .options = wait_options,
  .run = run_wait,
};
