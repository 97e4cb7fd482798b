/* SPDX-License-Identifier: Apache-2.0 */
/* SlurmCommand: posix_spawn, two pipes and a descriptor of the process, read until it has ended.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum
{
  MAX_BYTES = 64 << 20, /* some 100 bytes for each job */
  MAX_COMPLAINT_BYTES = 500,
};

/* A child and our ends of its pipes. */
typedef struct
{
  pid_t pid;
  int pidfd, out_fd, err_fd; /* -1: closed, or never there */
  GString *out, *err;
} Child;

void
slurm_answer_clear (SlurmAnswer *answer)
{
  g_clear_pointer (&answer->out, g_free);
  g_clear_pointer (&answer->err, g_free);
}

/* ---- starting ---- */

/* Owned: g_strfreev. */
static char **
clean_environment (void)
{
  static const char *const drop[] = { "SBATCH_", "SQUEUE_", "SCANCEL_", "SCONTROL_", "SLURM_" };
  char **env = g_get_environ ();
  g_auto (GStrv) names = g_listenv ();
  for (char **name = names; *name != NULL; name++)
    for (size_t i = 0; i < G_N_ELEMENTS (drop); i++)
      if (g_str_has_prefix (*name, drop[i]) && strcmp (*name, "SLURM_CONF") != 0)
        env = g_environ_unsetenv (env, *name);
  return g_environ_setenv (env, "LC_ALL", "C", TRUE);
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static int
spawn (const SlurmCommand *command, int out_fd, int err_fd, pid_t *pid)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset (&none);
  sigfillset (&all);
  g_auto (GStrv) env = clean_environment ();
  posix_spawn_file_actions_init (&files);
  posix_spawnattr_init (&attributes);
  posix_spawn_file_actions_addopen (&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2 (&files, out_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2 (&files, err_fd, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np (&files, 3);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setsigdefault (&attributes, &all);
  posix_spawnattr_setflags (&attributes,
                            POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int failed = posix_spawnp (pid, command->argv[0], &files, &attributes,
                             (char *const *) command->argv, env);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&files);
  return failed;
}

/* Ours does not block: a child that gives it to others keeps nobody. */
static bool
make_pipe (int *ours, int *theirs)
{
  int fds[2];
  if (pipe2 (fds, O_CLOEXEC) != 0)
    return false;
  *ours = fds[0];
  *theirs = fds[1];
  return fcntl (*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool
start (Child *child, const SlurmCommand *command, GError **error)
{
  int theirs[2] = { -1, -1 };
  bool good = make_pipe (&child->out_fd, &theirs[0])
              && (command->err_fd >= 0 || make_pipe (&child->err_fd, &theirs[1]));
  int failed = errno;
  if (good)
    failed = spawn (command, theirs[0], command->err_fd >= 0 ? command->err_fd : theirs[1],
                    &child->pid);
  for (size_t i = 0; i < G_N_ELEMENTS (theirs); i++)
    close_fd (&theirs[i]);
  if (!good || failed != 0)
    return sf_fail_errno (error, failed,
                          "%s: cannot be started; have Slurm's commands in the PATH of sfd",
                          command->argv[0]);
  child->pidfd = pidfd_open (child->pid, 0);
  if (child->pidfd >= 0)
    return true;
  failed = errno;
  kill (-child->pid, SIGKILL);
  waitpid (child->pid, NULL, 0);
  return sf_fail_errno (error, failed, "%s: cannot be watched", command->argv[0]);
}

/* ---- until it ends ---- */

/* All that is there now. */
static void
drain (int *fd, GString *into)
{
  char bytes[16384];
  ssize_t n;
  while (*fd >= 0 && (n = read (*fd, bytes, sizeof bytes)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return;
      g_string_append_len (into, bytes, n);
      if (into->len > MAX_BYTES)
        break;
    }
  close_fd (fd);
}

/* False when the time is over. */
static bool
wait_for_end (Child *child, int64_t until_us)
{
  for (;;)
    {
      struct pollfd fds[] = { { .fd = child->pidfd, .events = POLLIN },
                              { .fd = child->out_fd, .events = POLLIN },
                              { .fd = child->err_fd, .events = POLLIN } };
      int64_t left_us = until_us - g_get_monotonic_time ();
      if (left_us <= 0)
        return false;
      int n = poll (fds, G_N_ELEMENTS (fds), (int) MIN ((left_us + 999) / 1000, G_MAXINT));
      if (n < 0 && errno != EINTR)
        return false;
      drain (&child->out_fd, child->out);
      drain (&child->err_fd, child->err);
      if (n > 0 && fds[0].revents != 0)
        return true;
      if (child->out->len > MAX_BYTES || child->err->len > MAX_BYTES)
        return false;
    }
}

bool
slurm_command_run (const SlurmCommand *command, SlurmAnswer *answer, GError **error)
{
  Child child = { .pidfd = -1, .out_fd = -1, .err_fd = -1 };
  int status = 0;
  *answer = (SlurmAnswer){ 0 };
  child.out = g_string_new (NULL);
  child.err = g_string_new (NULL);
  bool good = start (&child, command, error);
  if (good)
    {
      int64_t until_us = g_get_monotonic_time () + command->timeout_ms * 1000;
      answer->timed_out = !wait_for_end (&child, until_us);
      if (answer->timed_out)
        kill (-child.pid, SIGKILL);
      while (waitpid (child.pid, &status, 0) < 0 && errno == EINTR)
        continue;
      answer->exit_code = WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
      if (child.out->len > MAX_BYTES || child.err->len > MAX_BYTES
          || strlen (child.out->str) != child.out->len)
        good = sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: found more than %d bytes or some that are no text, wanted text",
                        command->argv[0], MAX_BYTES);
    }
  int *const fds[] = { &child.pidfd, &child.out_fd, &child.err_fd };
  for (size_t i = 0; i < G_N_ELEMENTS (fds); i++)
    close_fd (fds[i]);
  answer->out = g_string_free (child.out, FALSE);
  answer->err = g_string_free (child.err, FALSE);
  return good;
}

char *
slurm_complaint (const SlurmAnswer *answer, const char *err)
{
  g_autofree char *text = g_utf8_make_valid (err, -1);
  g_strdelimit (g_strstrip (text), "\n\r\t", ' ');
  if (strlen (text) > MAX_COMPLAINT_BYTES)
    *g_utf8_find_prev_char (text, text + MAX_COMPLAINT_BYTES) = '\0';
  if (answer->timed_out)
    return g_strdup_printf ("no answer in time%s%s", text[0] != '\0' ? "; " : "", text);
  if (text[0] == '\0')
    return g_strdup_printf ("exit code %d", answer->exit_code);
  return g_steal_pointer (&text);
}
