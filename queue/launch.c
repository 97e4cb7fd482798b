/* SPDX-License-Identifier: Apache-2.0 */
/* SfLaunch. */
#include "queue/launch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
sf_job_folder (const char *folder, int64_t id)
{
  return g_strdup_printf ("%s/jobs/%" G_GINT64_FORMAT, folder, id);
}

void
sf_launch_free (SfLaunch *launch)
{
  if (launch == NULL)
    return;
  g_free (launch->job_folder);
  g_free (launch->attempt_folder);
  g_free (launch->previous_folder);
  sf_plan_free (launch->plan);
  g_free (launch->text);
  g_strfreev (launch->environment);
  g_free (launch->shepherd);
  g_free (launch);
}

/* What the scheduler has given: "0-3". Owned. */
static char *
tiles_text (const SfJob *job)
{
  return job->tiles > 1 ? g_strdup_printf ("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT,
                                           job->first_tile, job->first_tile + job->tiles - 1)
                        : g_strdup_printf ("%" G_GINT64_FORMAT, job->first_tile);
}

static bool
read_plan (SfLaunch *self, SfStore *store, const SfJob *job, GError **error)
{
  g_autofree char *name = g_strdup_printf ("plan of job %" G_GINT64_FORMAT, job->id);
  g_autofree char *text = sf_store_get_plan (store, job->id, job->attempt, error);
  if (text == NULL)
    return false;
  if (text[0] == '\0')
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: found none, an older Spatialflow recorded the job; submit it again", name);
  self->plan = sf_plan_parse (text, strlen (text), name, error);
  if (self->plan == NULL)
    return false;
  self->plan->job_id = job->id;
  g_free (self->plan->token);
  self->plan->token = g_strdup (job->token);
  return true;
}

/* The step at which an attempt goes on: the first that the one before it has not done. */
static int
first_undone (const char *previous_folder, const SfPlan *plan)
{
  int step = 1;
  for (; step <= (int) plan->steps->len; step++)
    {
      SfStepRecord record;
      bool found = false;
      if (!sf_step_record_read (previous_folder, step, &record, &found, NULL) || !found
          || !record.ended || record.exit_code != 0 || record.exit_signal != 0)
        break;
    }
  return step;
}

/* Records and logs of steps that are not run again belong to the new attempt as well. */
static bool
take_over_steps (const SfLaunch *self, GError **error)
{
  for (int step = 1; step < self->plan->first_step; step++)
    {
      g_autofree char *record = g_strdup_printf ("step-%d.json", step);
      g_autofree char *log = g_strdup_printf ("step-%d.log", step);
      const char *const names[] = { record, log };
      for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autofree char *from = g_build_filename (self->previous_folder, names[i], NULL);
          g_autofree char *to = g_build_filename (self->attempt_folder, names[i], NULL);
          if (link (from, to) != 0 && errno != EEXIST)
            return sf_fail_errno (error, errno, "%s: cannot link to %s", from, to);
        }
    }
  return true;
}

SfLaunch *
sf_launch_new (SfStore *store, const char *folder, const SfJob *job, GError **error)
{
  g_autoptr (SfLaunch) self = g_new0 (SfLaunch, 1);
  self->job_folder = sf_job_folder (folder, job->id);
  self->attempt_folder = sf_attempt_folder (self->job_folder, job->attempt);
  g_autoptr (SfSubmission) submission = sf_store_get_submission (store, job->submission, error);
  if (submission == NULL || !read_plan (self, store, job, error))
    return NULL;
  if (job->attempt > 1)
    {
      self->previous_folder = sf_attempt_folder (self->job_folder, job->attempt - 1);
      self->plan->first_step = first_undone (self->previous_folder, self->plan);
    }
  self->text = g_steal_pointer (&submission->text);
  self->shepherd = g_steal_pointer (&submission->shepherd);
  self->environment = g_steal_pointer (&submission->environment);
  for (char **variable = self->plan->environment; *variable != NULL; variable++)
    {
      g_auto (GStrv) parts = g_strsplit (*variable, "=", 2);
      self->environment = g_environ_setenv (self->environment, parts[0],
                                            parts[1] != NULL ? parts[1] : "", TRUE);
    }
  if (job->tiles > 0)
    {
      g_autofree char *tiles = tiles_text (job);
      self->environment = g_environ_setenv (self->environment, "SF_RDU_TILES", tiles, TRUE);
    }
  return g_steal_pointer (&self);
}

static bool
make_private_folder (const char *path, GError **error)
{
  return mkdir (path, 0700) == 0 || errno == EEXIST
         || sf_fail_errno (error, errno, "%s: cannot create folder", path);
}

bool
sf_launch_make_folders (const SfLaunch *self, GError **error)
{
  g_autofree char *jobs = g_path_get_dirname (self->job_folder);
  return make_private_folder (jobs, error) && make_private_folder (self->job_folder, error)
         && make_private_folder (self->attempt_folder, error);
}

bool
sf_launch_run (const SfLaunch *self, SfExecutor *executor, char **handle, GError **error)
{
  const char *const argv[] = { self->shepherd, self->attempt_folder, NULL };
  const SfAttempt attempt = { .token = self->plan->token,
                              .job_folder = self->attempt_folder,
                              .argv = argv,
                              .cores = self->plan->cores,
                              .memory_bytes = self->plan->memory_bytes,
                              .time_limit_s = self->plan->time_limit_s,
                              .tiles = self->plan->tiles };
  return sf_job_file_copy_write (self->text, self->job_folder, error)
         && take_over_steps (self, error)
         && sf_environment_write (self->environment, self->attempt_folder, error)
         && sf_plan_write (self->plan, self->attempt_folder, error)
         && executor->ops->start (executor->instance, &attempt, handle, error);
}
