/* SPDX-License-Identifier: Apache-2.0 */
/* Printing a batch. */
#include "tools/sfbatch/show_batch.h"

#include <stdio.h>

#include "queue/shellword.h"
#include "tools/sfbatch/show_text.h"

/* The folder of a job that is not there yet. */
#define JOB_FOLDER "JOB"

static void
print_field (const char *label, const char *text)
{
  g_autofree char *shown = sf_show_text (text);
  printf ("%-12s %s\n", label, shown);
}

static void
print_resources (const SfJobFile *job)
{
  int64_t cores = MAX (job->cores, 1);
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_printf (text, "%" G_GINT64_FORMAT " core%s", cores, cores == 1 ? "" : "s");
  if (job->tiles > 0)
    g_string_append_printf (text, ", %" G_GINT64_FORMAT " RDU tile%s", job->tiles,
                            job->tiles == 1 ? "" : "s");
  if (job->memory_bytes > 0)
    g_string_append_printf (text, ", %" G_GINT64_FORMAT " bytes of memory", job->memory_bytes);
  if (job->time_limit_s > 0)
    g_string_append_printf (text, ", %" G_GINT64_FORMAT " s", job->time_limit_s);
  print_field ("resources", text->str);
}

static void
print_links (const SfJobFile *job)
{
  static const char *const keys[] = {
    [SF_AFTER] = "after",
    [SF_AFTER_OK] = "afterok",
    [SF_AFTER_NOT_OK] = "afternotok",
  };
  for (guint i = 0; i < job->links->len; i++)
    {
      const SfJobLink *link = job->links->pdata[i];
      g_autofree char *id = g_strdup_printf ("job %" G_GINT64_FORMAT, link->id);
      print_field (keys[link->kind], link->name != NULL ? link->name : id);
    }
}

static void
print_retries (const SfJobFile *job)
{
  const SfRetryRule *rule = &job->retries;
  if (rule->max == 0)
    return;
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_printf (text, "%" G_GINT64_FORMAT ", after", rule->max);
  SfJobState first = SF_JOB_FAILED;
  while ((rule->on >> first & 1) == 0)
    first++;
  for (int64_t attempt = 1; attempt <= MIN (rule->max, 5); attempt++)
    {
      int64_t delay_us = 0;
      sf_retry_applies (rule, first, attempt, &delay_us);
      g_string_append_printf (text, "%s %.4g s", attempt > 1 ? "," : "",
                              (double) delay_us / G_USEC_PER_SEC);
    }
  g_string_append (text, rule->max > 5 ? ", ...; on" : "; on");
  for (int state = 0; state < SF_JOB_N_STATES; state++)
    if ((rule->on >> state & 1) != 0)
      g_string_append_printf (text, " %s", sf_job_state_name ((SfJobState) state));
  print_field ("retries", text->str);
}

/* Words as a shell takes them. Owned. */
static char *
words_line (char **words)
{
  GString *line = g_string_new (NULL);
  for (int i = 0; words[i] != NULL; i++)
    {
      g_autofree char *word = sf_shell_word (words[i]);
      g_string_append_printf (line, "%s%s", i > 0 ? " " : "", word);
    }
  return g_string_free (line, FALSE);
}

static void
print_job (const SfJobFile *job, const SfPlan *plan)
{
  printf ("\n");
  print_field ("name", job->name);
  if (job->element != NULL)
    print_field ("element", job->element);
  if (job->project[0] != '\0')
    print_field ("project", job->project);
  if (job->priority != 0)
    printf ("%-12s %" G_GINT64_FORMAT "\n", "priority", job->priority);
  print_resources (job);
  print_links (job);
  print_retries (job);
  g_autofree char *environment = words_line (job->environment);
  g_autofree char *notify = job->notify != NULL ? words_line (job->notify) : NULL;
  if (environment[0] != '\0')
    printf ("%-12s %s\n", "environment", environment);
  if (notify != NULL)
    printf ("%-12s %s\n", "notify", notify);
  g_autofree char *folder = sf_shell_word (plan->work_folder);
  printf ("cd %s\n", folder);
  for (guint i = 0; i < plan->steps->len; i++)
    {
      g_autofree char *line = words_line (((SfPlanStep *) plan->steps->pdata[i])->argv);
      printf ("%s\n", line);
    }
}

bool
sf_show_batch (const char *path, const SfJobBatch *batch, GError **error)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_plan_free);
  for (guint i = 0; i < batch->jobs->len; i++)
    {
      SfPlan *plan = sf_job_file_plan (batch->jobs->pdata[i], JOB_FOLDER, 1, error);
      if (plan == NULL)
        return false;
      g_ptr_array_add (plans, plan);
    }
  guint n = batch->jobs->len, n_steps = ((SfPlan *) plans->pdata[0])->steps->len;
  g_autofree char *jobs = n == 1 ? g_strdup ("") : g_strdup_printf ("%u jobs of ", n);
  g_autofree char *at_once = batch->at_once == 0
                                 ? g_strdup ("")
                                 : g_strdup_printf (", at most %" G_GINT64_FORMAT " at once",
                                                    batch->at_once);
  printf ("%s: %s%u step%s%s, no errors\n", path, jobs, n_steps, n_steps == 1 ? "" : "s", at_once);
  for (guint i = 0; i < n; i++)
    print_job (batch->jobs->pdata[i], plans->pdata[i]);
  return true;
}
