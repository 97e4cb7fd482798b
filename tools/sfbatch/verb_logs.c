/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `logs`: what the steps of a job printed. */
#include <stdio.h>

#include <sf/file.h>

#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/verbs.h"

static const SfOption logs_options[] = {
  { .name = "id",
    .type = SF_OPTION_INT,
    .min = 1,
    .max = 9e15,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "ID",
    .help = "of the job" },
  { .name = "step",
    .type = SF_OPTION_INT,
    .min = 1,
    .max = 1e6,
    .arg = "N",
    .help = "only this step; default: all, each under a line with its name" },
  { .name = "follow",
    .short_name = 'f',
    .type = SF_OPTION_BOOL,
    .help = "go on as the steps print more, from step N on, until the job has ended" },
  { .name = NULL },
};

static bool
print_log (const char *folder, int step, GError **error)
{
  g_autofree char *path = sf_attempt_log_path (folder, step);
  SfFileMap map;
  if (!sf_file_map (path, SIZE_MAX, &map, error))
    return false;
  fwrite (map.data != NULL ? (const char *) map.data : "", 1, map.n_bytes, stdout);
  sf_file_unmap (&map);
  return true;
}

static int
follow_logs (SfQueue *queue, int64_t id, int step, GError **error)
{
  g_autoptr (SfJob) ended = sf_follow_job (queue, id, step, error);
  if (ended == NULL)
    return 1;
  g_autofree char *verdict = sf_follow_verdict (ended);
  fprintf (stderr, "%s\n", verdict);
  return 0;
}

static int
run_logs (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  if (queue == NULL)
    return 1;
  g_autoptr (SfJob) job = sf_queue_job (queue, sf_option_int (options, "id"), error);
  if (job == NULL)
    return 1;
  g_autofree char *folder = sf_queue_attempt_folder (queue, job);
  g_autoptr (SfPlan) plan = sf_queue_plan (queue, job, error);
  if (plan == NULL)
    return 1;
  int n = (int) plan->steps->len;
  bool one = sf_option_is_set (options, "step");
  int step = one ? (int) sf_option_int (options, "step") : 1;
  if (step > n)
    {
      sf_fail (error, SF_ERROR_NOT_FOUND,
               "job %" G_GINT64_FORMAT ": found %d steps, wanted step %d", job->id, n, step);
      return 1;
    }
  if (sf_option_bool (options, "follow"))
    return follow_logs (queue, job->id, step, error);
  for (int last = one ? step : n; step <= last; step++)
    {
      g_autofree char *where = sf_plan_where (plan, step);
      g_autofree char *name = g_strdup_printf ("step-%d.log", step);
      if (!sf_attempt_has (folder, name))
        {
          if (!one)
            break;
          sf_fail (error, SF_ERROR_NOT_FOUND, "job %" G_GINT64_FORMAT ": %s has not begun", job->id,
                   where);
          return 1;
        }
      if (!one)
        printf ("==> %s <==\n", where);
      if (!print_log (folder, step, error))
        return 1;
    }
  return 0;
}

const SfVerb sf_batch_logs = {
  .name = "logs",
  .summary = "print what the steps of a job printed",
  .example = "sfbatch logs 12 --step 3\nsfbatch logs 12 --follow",
  .options = logs_options,
  .run = run_logs,
};
