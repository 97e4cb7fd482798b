/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `history`: jobs that have ended, how long they waited and ran, and what each project
 * took. */
#include <stdio.h>
#include <string.h>

#include "tools/sfbatch/select.h"
#include "tools/sfbatch/show_attempts.h"
#include "tools/sfbatch/show_job.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption history_options[] = {
  SF_SELECT_OPTION_ROWS,
  { .name = "all", .type = SF_OPTION_BOOL, .help = "all jobs, not only the newest 50" },
  { .name = NULL },
};

typedef struct
{
  const SfJob *job;
  GPtrArray *attempts; /* SfAttemptRow */
} Entry;

typedef struct
{
  char *project;
  int64_t n_jobs, n_completed;
  double core_s;
} Total;

static void
entry_clear (void *data)
{
  g_ptr_array_unref (((Entry *) data)->attempts);
}

static void
total_clear (void *data)
{
  g_free (((Total *) data)->project);
}

static double
core_seconds (const Entry *entry)
{
  return (double) sf_show_attempts_us (entry->attempts) * 1e-6
         * (double) MAX (entry->job->cores, 1);
}

static Total *
total_of (GArray *totals, const char *project)
{
  for (guint i = 0; i < totals->len; i++)
    {
      Total *total = &g_array_index (totals, Total, i);
      if (strcmp (total->project, project) == 0)
        return total;
    }
  Total fresh = { .project = g_strdup (project) };
  g_array_append_val (totals, fresh);
  return &g_array_index (totals, Total, totals->len - 1);
}

/* By project, in the order in which they appear. Owned: g_array_unref. */
static GArray *
add_up (const GArray *entries)
{
  GArray *totals = g_array_new (FALSE, FALSE, sizeof (Total));
  g_array_set_clear_func (totals, total_clear);
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      Total *total = total_of (totals, entry->job->project);
      total->n_jobs++;
      total->n_completed += entry->job->state == SF_JOB_COMPLETED;
      total->core_s += core_seconds (entry);
    }
  return totals;
}

static void
print_table (const GArray *entries)
{
  if (entries->len == 0)
    return;
  printf ("%6s  %-13s  %5s  %5s  %-24s  %12s  %12s  %s\n", "ID", "STATE", "EXIT", "TRIES",
          "SUBMITTED", "WAITED", "TIME", "NAME");
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      const SfJob *job = entry->job;
      const SfAttemptRow *first = entry->attempts->len > 0 ? entry->attempts->pdata[0] : NULL;
      int64_t begun = first != NULL && first->started_us > 0 ? first->started_us : job->ended_us;
      g_autofree char *exit = sf_show_exit (job);
      g_autofree char *submitted = sf_show_time (job->submitted_us);
      g_autofree char *waited = sf_show_duration (begun - job->submitted_us);
      g_autofree char *time = sf_show_duration (sf_show_attempts_us (entry->attempts));
      g_autofree char *name = sf_show_name (job);
      printf ("%6" G_GINT64_FORMAT "  %-13s  %5s  %5u  %-24s  %12s  %12s  %s\n", job->id,
              sf_job_state_name (job->state), exit, entry->attempts->len, submitted, waited, time,
              name);
    }
  g_autoptr (GArray) totals = add_up (entries);
  printf ("\n%-20s  %6s  %9s  %12s\n", "PROJECT", "JOBS", "COMPLETED", "CORE-HOURS");
  for (guint i = 0; i < totals->len; i++)
    {
      const Total *total = &g_array_index (totals, Total, i);
      g_autofree char *project = sf_show_text (total->project[0] != '\0' ? total->project : "-");
      printf ("%-20s  %6" G_GINT64_FORMAT "  %9" G_GINT64_FORMAT "  %12.3f\n", project,
              total->n_jobs, total->n_completed, total->core_s / 3600);
    }
}

static void
print_json (const GArray *entries)
{
  json_t *array = json_array ();
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      json_t *job = sf_show_job_json (entry->job);
      json_object_set_new (job, "core_s", json_real (core_seconds (entry)));
      json_object_set_new (job, "attempts", sf_show_attempts_json (entry->attempts));
      json_array_append_new (array, job);
    }
  sf_show_json (array);
}

/* Owned: g_array_unref; jobs are borrowed. */
static GArray *
with_attempts (SfQueue *queue, const GPtrArray *jobs, GError **error)
{
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (entries, entry_clear);
  for (guint i = 0; i < jobs->len; i++)
    {
      Entry entry = { .job = jobs->pdata[i] };
      entry.attempts = sf_store_list_attempts (queue->store, entry.job->id, error);
      if (entry.attempts == NULL)
        return NULL;
      g_array_append_val (entries, entry);
    }
  return g_steal_pointer (&entries);
}

/* Those that have ended, of the states asked for. */
static bool
narrow (SfStoreSelection *selection, GError **error)
{
  uint32_t ended = 0;
  for (int i = 0; i < SF_JOB_N_STATES; i++)
    ended |= (uint32_t) sf_job_state_is_final ((SfJobState) i) << i;
  if ((selection->states & ~ended) != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "history: found a state of jobs that have not ended, which sfbatch list shows");
  selection->states = selection->states != 0 ? selection->states : ended;
  return true;
}

static int
run_history (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  SfStoreSelection selection;
  if (queue == NULL || !sf_queue_sync (queue, error) || !sf_select_read (options, &selection, error)
      || !narrow (&selection, error))
    return 1;
  g_autoptr (GPtrArray) jobs = sf_store_select (queue->store, &selection, error);
  g_autoptr (GArray) entries = jobs != NULL ? with_attempts (queue, jobs, error) : NULL;
  if (entries == NULL)
    return 1;
  if (sf_option_bool (options, "json"))
    print_json (entries);
  else if (sf_option_bool (options, "parsable"))
    sf_show_parsable_jobs (jobs);
  else
    print_table (entries);
  return 0;
}

const SfVerb sf_batch_history = {
  .name = "history",
  .summary = "jobs that have ended, how long they waited and ran, and what each project took",
  .example = "sfbatch history --since 7d\nsfbatch history --state failed,lost --json",
  .options = history_options,
  .run = run_history,
};
