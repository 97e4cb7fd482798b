/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the process of a step: fork, descriptors, exec. */
#include "queue/stepexec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/processes.h"

typedef struct
{
  const char *program;
  char **argv, **env;
  const char *folder;
  int log_fd, null_fd, report_fd;
  int group_fd; /* -1: none */
  pid_t parent;
  int64_t umask; /* -1: as it is */
  const SfLimits *limits;
} Child;

/* What failed in the child. */
typedef enum
{
  FAILED_GROUP, /* it goes on without */
  FAILED_FOLDER,
  FAILED_EXEC,
} Failure;

typedef struct
{
  int saved_errno;
  Failure failure;
} Report;

static bool
report_failure (const Child *child, Failure failure)
{
  Report report = { .saved_errno = errno, .failure = failure };
  return write (child->report_fd, &report, sizeof report) == (ssize_t) sizeof report;
}

static void
give_up (const Child *child, Failure failure)
{
  _exit (report_failure (child, failure) ? 127 : 126);
}

static void
become_step (const Child *child)
{
  sigset_t none;
  sigemptyset (&none);
  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigprocmask (SIG_SETMASK, &none, NULL);
  setpgid (0, 0);
  /* A killed shepherd ends its step at once; what the step has started is ended by whoever looks.
   */
  prctl (PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if (getppid () != child->parent)
    _exit (126);
  if (child->group_fd >= 0 && write (child->group_fd, "0", 1) != 1
      && !report_failure (child, FAILED_GROUP))
    _exit (126);
  dup2 (child->null_fd, STDIN_FILENO);
  dup2 (child->log_fd, STDOUT_FILENO);
  dup2 (child->log_fd, STDERR_FILENO);
  if (child->umask >= 0)
    umask ((mode_t) child->umask & 0777);
  sf_limits_apply (child->limits);
  if (chdir (child->folder) != 0)
    give_up (child, FAILED_FOLDER);
  execvpe (child->program, child->argv, child->env);
  give_up (child, FAILED_EXEC);
}

static bool
open_files (Child *child, int number, const char *attempt_folder, int report[2], GError **error)
{
  g_autofree char *log = sf_attempt_log_path (attempt_folder, number);
  child->log_fd = open (log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (child->log_fd < 0)
    return sf_fail_errno (error, errno, "%s: cannot create", log);
  child->null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  if (child->null_fd < 0)
    return sf_fail_errno (error, errno, "/dev/null: cannot open");
  if (pipe2 (report, O_CLOEXEC) != 0)
    return sf_fail_errno (error, errno, "pipe: cannot create");
  child->report_fd = report[1];
  return true;
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

/* False: nothing has failed, or no more. */
static bool
read_report (int fd, Report *out)
{
  ssize_t n;
  do
    n = read (fd, out, sizeof *out);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t) sizeof *out;
}

/* The pid once the exec has worked. */
static pid_t
start_child (const Child *child, int report[2], bool *joined, GError **error)
{
  pid_t pid = fork ();
  if (pid == 0)
    become_step (child);
  if (pid < 0)
    {
      sf_fail_errno (error, errno, "%s: cannot fork", child->program);
      return -1;
    }
  close_fd (&report[1]);
  Report failed;
  *joined = child->group_fd >= 0;
  bool found = read_report (report[0], &failed);
  if (found && failed.failure == FAILED_GROUP)
    {
      *joined = false;
      found = read_report (report[0], &failed);
    }
  if (!found)
    return pid;
  sf_fail_errno (error, failed.saved_errno, "%s",
                 failed.failure == FAILED_FOLDER ? child->folder : child->program);
  return -1;
}

pid_t
sf_step_start (const SfPlan *plan, int number, const char *attempt_folder, int group_fd,
               bool *joined, GError **error)
{
  const SfPlanStep *step = plan->steps->pdata[number - 1];
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, plan->job_id);
  g_auto (GStrv) env = sf_environment_read (attempt_folder);
  if (env == NULL)
    env = g_get_environ ();
  env = g_environ_unsetenv (env, "SF_ATTEMPT_LEADER");
  env = g_environ_setenv (env, SF_TOKEN_VARIABLE, plan->token, TRUE);
  env = g_environ_setenv (env, "SF_JOB_ID", id, TRUE);
  env = g_environ_setenv (env, "SF_JOB_DIR", plan->job_folder, TRUE);
  g_autofree char *progress = sf_attempt_progress_path (attempt_folder, number);
  env = g_environ_setenv (env, "SF_PROGRESS", progress, TRUE);
  int report[2] = { -1, -1 };
  Child child = { .program = strcmp (step->verb, "command") == 0 ? step->argv[0] : plan->sf,
                  .argv = step->argv,
                  .env = env,
                  .folder = plan->work_folder,
                  .log_fd = -1,
                  .null_fd = -1,
                  .group_fd = group_fd,
                  .parent = getpid (),
                  .umask = plan->umask,
                  .limits = &plan->limits };
  pid_t pid = -1;
  if (open_files (&child, number, attempt_folder, report, error))
    pid = start_child (&child, report, joined, error);
  close_fd (&child.log_fd);
  close_fd (&child.null_fd);
  close_fd (&report[0]);
  close_fd (&report[1]);
  return pid;
}
