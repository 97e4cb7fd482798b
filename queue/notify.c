/* SPDX-License-Identifier: Apache-2.0 */
/* Telling somebody that a job has ended. */
#include "queue/notify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sf/log.h>

#include "queue/launch.h"

static void
leave_session (void *data)
{
  setsid ();
}

/* The submitter's and the job's own, and how the job went. Owned. */
static char **
environment_of (const SfLaunch *launch, const SfJob *job)
{
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, job->id);
  g_autofree char *code = g_strdup_printf (
      "%d", sf_job_exit (job->state, job->exit_code, job->exit_signal));
  const struct
  {
    const char *name, *value;
  } rows[] = {
    { "SF_JOB_ID", id },
    { "SF_JOB_DIR", launch->job_folder },
    { "SF_JOB_NAME", job->name },
    { "SF_JOB_ELEMENT", job->element != NULL ? job->element : "" },
    { "SF_JOB_STATE", sf_job_state_name (job->state) },
    { "SF_JOB_REASON", job->reason },
    { "SF_JOB_EXIT", code },
  };
  char **environment = g_strdupv (launch->environment);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    environment = g_environ_setenv (environment, rows[i].name, rows[i].value, TRUE);
  return environment;
}

static bool
run (const SfLaunch *launch, const SfJob *job, GError **error)
{
  g_autofree char *log = g_build_filename (launch->job_folder, "notify.log", NULL);
  g_auto (GStrv) environment = environment_of (launch, job);
  int fd = open (log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    fd = open ("/dev/null", O_WRONLY | O_CLOEXEC); /* cancelled before it had a folder */
  bool good = g_spawn_async_with_pipes_and_fds (
      launch->plan->work_folder, (const char *const *) launch->plan->notify,
      (const char *const *) environment, G_SPAWN_SEARCH_PATH_FROM_ENVP, leave_session, NULL, -1, fd,
      fd, NULL, NULL, 0, NULL, NULL, NULL, NULL, error);
  if (fd >= 0)
    close (fd);
  return good;
}

void
sf_notify (SfStore *store, const char *folder, const SfJob *job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfLaunch) launch = sf_launch_new (store, folder, job, &error);
  if (launch == NULL || !run (launch, job, &error))
    sf_log (SF_LOG_WARNING, "job %" G_GINT64_FORMAT ": notify: %s", job->id, error->message);
}
