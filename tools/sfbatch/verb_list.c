/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `list`: jobs, one a line. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption list_options[] = {
  { .name = "all",
    .type = SF_OPTION_BOOL,
    .help = "all jobs, not only the newest 50, those that run and the 50 that are next" },
  { .name = "json",
    .type = SF_OPTION_BOOL,
    .help = "print one array with id, name, state, reason and exit" },
  { .name = NULL },
};

static void
print_json (const GPtrArray *jobs)
{
  g_autoptr (json_t) array = json_array ();
  for (guint i = 0; i < jobs->len; i++)
    {
      const SfJob *job = jobs->pdata[i];
      json_array_append_new (array, json_pack ("{s:I, s:s, s:o, s:s, s:s, s:o}", "id",
                                               (json_int_t) job->id, "name", job->name, "element",
                                               sf_json_text_or_null (job->element), "state",
                                               sf_job_state_name (job->state), "reason",
                                               job->reason, "exit", sf_json_exit (job)));
    }
  char *text = json_dumps (array, JSON_INDENT (2));
  printf ("%s\n", text);
  free (text);
}

static void
print_table (const GPtrArray *jobs)
{
  if (jobs->len == 0)
    return;
  printf ("%6s  %-13s  %4s  %12s  %-20s  %s\n", "ID", "STATE", "EXIT", "TIME", "NAME", "REASON");
  for (guint i = 0; i < jobs->len; i++)
    {
      const SfJob *job = jobs->pdata[i];
      bool ended = sf_job_state_is_final (job->state);
      g_autofree char *name = sf_show_name (job);
      g_autofree char *reason = sf_show_text (job->reason);
      g_autofree char *exit = ended ? g_strdup_printf (
                                  "%d", sf_job_exit (job->state, job->exit_code, job->exit_signal))
                                    : g_strdup ("-");
      int64_t until = ended ? job->ended_us : g_get_real_time ();
      g_autofree char *time = job->started_us != 0 ? sf_show_duration (until - job->started_us)
                                                   : g_strdup ("-");
      printf ("%6" G_GINT64_FORMAT "  %-13s  %4s  %12s  %-20s  %s\n", job->id,
              sf_job_state_name (job->state), exit, time, name, reason);
    }
}

static int
run_list (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  if (queue == NULL || !sf_queue_sync (queue, error))
    return 1;
  bool all = sf_option_bool (options, "all");
  g_autoptr (GPtrArray) jobs = sf_store_list (queue->store, all ? SF_STORE_ALL : SF_STORE_NEWEST,
                                              error);
  if (jobs == NULL)
    return 1;
  sf_queue_explain (queue, jobs);
  if (sf_option_bool (options, "json"))
    print_json (jobs);
  else
    print_table (jobs);
  return 0;
}

const SfVerb sf_batch_list = {
  .name = "list",
  .summary = "list jobs with their states and reasons",
  .example = "sfbatch list\nsfbatch list --all --json",
  .options = list_options,
  .run = run_list,
};
