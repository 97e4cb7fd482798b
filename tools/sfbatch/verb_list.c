/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `list`: jobs, one a line. */
#include <stdio.h>

#include "tools/sfbatch/select.h"
#include "tools/sfbatch/show_job.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption list_options[] = {
  SF_SELECT_OPTION_ROWS,
  { .name = "all",
    .type = SF_OPTION_BOOL,
    .help = "all jobs, not only the newest 50, those that run and the 50 that are next" },
  { .name = NULL },
};

static void
print_json (const GPtrArray *jobs)
{
  json_t *array = json_array ();
  for (guint i = 0; i < jobs->len; i++)
    json_array_append_new (array, sf_show_job_json (jobs->pdata[i]));
  sf_show_json (array);
}

static void
print_table (const GPtrArray *jobs)
{
  if (jobs->len == 0)
    return;
  printf ("%6s  %-13s  %5s  %12s  %-20s  %s\n", "ID", "STATE", "EXIT", "TIME", "NAME", "REASON");
  for (guint i = 0; i < jobs->len; i++)
    {
      const SfJob *job = jobs->pdata[i];
      g_autofree char *name = sf_show_name (job);
      g_autofree char *reason = sf_show_text (job->reason);
      g_autofree char *exit = sf_show_exit (job);
      g_autofree char *time = sf_show_elapsed (job);
      printf ("%6" G_GINT64_FORMAT "  %-13s  %5s  %12s  %-20s  %s\n", job->id,
              sf_job_state_name (job->state), exit, time, name, reason);
    }
}

/* Elements are SfJob; owned: g_ptr_array_unref. */
static GPtrArray *
selected_jobs (SfQueue *queue, const SfOptionValues *options, GError **error)
{
  bool all = sf_option_bool (options, "all");
  SfStoreSelection selection;
  if (!sf_select_read (options, &selection, error))
    return NULL;
  if (!sf_select_is_given (options))
    return sf_store_list (queue->store, all ? SF_STORE_ALL : SF_STORE_NEWEST, error);
  return sf_store_select (queue->store, &selection, error);
}

static int
run_list (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  if (queue == NULL || !sf_queue_sync (queue, error))
    return 1;
  g_autoptr (GPtrArray) jobs = selected_jobs (queue, options, error);
  if (jobs == NULL)
    return 1;
  sf_queue_explain (queue, jobs);
  if (sf_option_bool (options, "json"))
    print_json (jobs);
  else if (sf_option_bool (options, "parsable"))
    sf_show_parsable_jobs (jobs);
  else
    print_table (jobs);
  return 0;
}

const SfVerb sf_batch_list = {
  .name = "list",
  .summary = "list jobs with their states and reasons",
  .example
  = "sfbatch list\nsfbatch list --state running,pending --project vision\nsfbatch list --all --json",
  .options = list_options,
  .run = run_list,
};
