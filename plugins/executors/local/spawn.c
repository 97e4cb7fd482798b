/* SPDX-License-Identifier: Apache-2.0 */
/* Double fork, new session, closed descriptors. */
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

/* What the new process tells: first its pid, then, if the exec fails, why. */
typedef struct
{
  pid_t pid;
  int saved_errno;
} Report;

typedef struct
{
  const char *folder;
  char **argv, **env;
  int report_fd;
} Child;

static void
become_shepherd (const Child *child)
{
  Report report = { .pid = getpid () };
  sigset_t none;
  sigemptyset (&none);
  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigprocmask (SIG_SETMASK, &none, NULL);
  dup2 (child->report_fd, REPORT_FD);
  fcntl (REPORT_FD, F_SETFD, FD_CLOEXEC);
  close_range (REPORT_FD + 1, ~0u, 0);
  bool good = write (REPORT_FD, &report, sizeof report) == (ssize_t) sizeof report
              && chdir (child->folder) == 0;
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
  report.saved_errno = errno;
  ssize_t n = write (REPORT_FD, &report, sizeof report);
  _exit (n > 0 ? 127 : 126);
}

/* In the caller: one fork whose child forks again and goes, so that nobody waits for a zombie. */
static bool
fork_twice (const Child *child, GError **error)
{
  pid_t middle = fork ();
  if (middle < 0)
    return sf_fail_errno (error, errno, "%s: cannot fork", child->argv[0]);
  if (middle == 0)
    {
      pid_t pid = fork ();
      if (pid != 0)
        _exit (pid < 0 ? errno : 0);
      setsid ();
      become_shepherd (child);
    }
  int status = 0;
  while (waitpid (middle, &status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return true;
  return sf_fail_errno (error, WIFEXITED (status) ? WEXITSTATUS (status) : ECANCELED,
                        "%s: cannot fork", child->argv[0]);
}

static bool
read_report (int fd, Report *report)
{
  ssize_t n;
  do
    n = read (fd, report, sizeof *report);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t) sizeof *report;
}

bool
local_spawn (const char *folder, const char *const *argv, char **env, pid_t *pid, GError **error)
{
  int fds[2];
  if (pipe2 (fds, O_CLOEXEC) != 0)
    return sf_fail_errno (error, errno, "%s: no pipe", argv[0]);
  /* Above the descriptors that the child gives other meanings. */
  int report_fd = fcntl (fds[1], F_DUPFD_CLOEXEC, REPORT_FD + 1);
  close (fds[1]);
  Child child = { folder, (char **) argv, env, report_fd };
  bool good = report_fd >= 0 ? fork_twice (&child, error)
                             : sf_fail_errno (error, errno, "%s: no descriptor", argv[0]);
  if (report_fd >= 0)
    close (report_fd);
  Report first, second;
  if (good && !read_report (fds[0], &first))
    good = sf_fail (error, SF_ERROR_IO, "%s: ended before it was started", argv[0]);
  if (good && read_report (fds[0], &second))
    good = sf_fail_errno (error, second.saved_errno, "%s: cannot be started in %s", argv[0],
                          folder);
  close (fds[0]);
  if (good)
    *pid = first.pid;
  return good;
}
