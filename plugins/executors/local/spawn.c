/* SPDX-License-Identifier: Apache-2.0 */
/* Fork, new session, closed descriptors. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum
{
  REPORT_FD = 3
};

typedef struct
{
  const char *folder;
  char **argv, **env;
  int report_fd;
} Child;

static void
become_shepherd (const Child *child)
{
  sigset_t none;
  sigemptyset (&none);
  setsid ();
  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigprocmask (SIG_SETMASK, &none, NULL);
  dup2 (child->report_fd, REPORT_FD);
  fcntl (REPORT_FD, F_SETFD, FD_CLOEXEC);
  close_range (REPORT_FD + 1, ~0u, 0);
  bool good = chdir (child->folder) == 0;
  int null_fd = good ? open ("/dev/null", O_RDWR) : -1;
  int log_fd = good ? open ("shepherd.log", O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
  if (null_fd >= 0 && log_fd >= 0)
    {
      dup2 (null_fd, STDIN_FILENO);
      dup2 (null_fd, STDOUT_FILENO);
      dup2 (log_fd, STDERR_FILENO);
      close_range (REPORT_FD + 1, ~0u, 0);
      execvpe (child->argv[0], child->argv, child->env);
    }
  int saved_errno = errno;
  ssize_t n = write (REPORT_FD, &saved_errno, sizeof saved_errno);
  _exit (n > 0 ? 127 : 126);
}

/* The errno of an exec that failed; false, end of file, once it has worked. */
static bool
read_report (int fd, int *saved_errno)
{
  ssize_t n;
  do
    n = read (fd, saved_errno, sizeof *saved_errno);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t) sizeof *saved_errno;
}

bool
local_spawn (const char *folder, const char *const *argv, char **env, pid_t *pid, GError **error)
{
  int fds[2], failed = 0;
  if (pipe2 (fds, O_CLOEXEC) != 0)
    return sf_fail_errno (error, errno, "%s: no pipe", argv[0]);
  /* Above the descriptors that the child gives other meanings. */
  int report_fd = fcntl (fds[1], F_DUPFD_CLOEXEC, REPORT_FD + 1);
  int saved_errno = errno;
  close (fds[1]);
  Child child = { folder, (char **) argv, env, report_fd };
  pid_t new_pid = report_fd >= 0 ? fork () : -1;
  if (new_pid == 0)
    become_shepherd (&child);
  saved_errno = report_fd >= 0 ? errno : saved_errno;
  if (report_fd >= 0)
    close (report_fd);
  bool good = new_pid > 0 || sf_fail_errno (error, saved_errno, "%s: cannot fork", argv[0]);
  if (good && read_report (fds[0], &failed))
    {
      while (waitpid (new_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
      good = sf_fail_errno (error, failed, "%s: cannot be started in %s", argv[0], folder);
    }
  close (fds[0]);
  *pid = new_pid;
  return good;
}
