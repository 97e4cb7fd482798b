/* SPDX-License-Identifier: Apache-2.0 */
/* SfClient: connecting, starting the daemon, one call at a time. */
#include "queue/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/programs.h"
#include "queue/protocol.h"
#include "queue/socket.h"

enum
{
  READY_FD = 3,
  START_TRIES = 5, /* another daemon may be about to end, or to begin */
  START_MS = 20000,
  ANSWER_S = 60, /* a daemon that answers nothing for so long hangs */
  MAX_ANSWER_S = 86400,
  RETRY_US = 20000,
  LOOK_MS = 100, /* whether whoever waits was interrupted */
};

struct SfClient
{
  int fd;
};

/* ---- starting sfd ---- */

typedef struct
{
  char *program, *log;
  char **env;
  int ready_fd;
} Child;

static void
become_sfd (const Child *child)
{
  char *argv[] = { child->program, (char *) "--ready-fd", (char *) "3", NULL };
  sigset_t none;
  sigemptyset (&none);
  setsid ();
  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigprocmask (SIG_SETMASK, &none, NULL);
  int null_fd = open ("/dev/null", O_RDONLY);
  int log_fd = open (child->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (null_fd < 0 || log_fd < 0 || chdir ("/") != 0)
    _exit (126);
  dup2 (null_fd, STDIN_FILENO);
  dup2 (log_fd, STDOUT_FILENO);
  dup2 (log_fd, STDERR_FILENO);
  dup2 (child->ready_fd, READY_FD);
  close_range (READY_FD + 1, ~0u, 0);
  execve (child->program, argv, child->env);
  _exit (127);
}

static bool
is_set (const volatile sig_atomic_t *flag)
{
  return flag != NULL && *flag != 0;
}

/* Reads a line, or less if the other end closes; false when time is up, or once *interrupted. */
static bool
read_line (int fd, int timeout_ms, const volatile sig_atomic_t *interrupted, size_t max_bytes,
           GString *line)
{
  int64_t until = g_get_monotonic_time () + (int64_t) timeout_ms * 1000;
  char buffer[65536];
  for (;;)
    {
      int64_t left_ms = (until - g_get_monotonic_time ()) / 1000;
      struct pollfd wanted = { .fd = fd, .events = POLLIN };
      if (left_ms <= 0 || is_set (interrupted))
        return false;
      int n_ready = poll (&wanted, 1, (int) MIN (left_ms, LOOK_MS));
      if (n_ready < 0 && errno != EINTR)
        return false;
      if (n_ready <= 0)
        continue;
      ssize_t n = read (fd, buffer, sizeof buffer);
      if (n == 0 || (n < 0 && errno != EINTR))
        return true;
      if (n < 0)
        continue;
      g_string_append_len (line, buffer, n);
      if (line->str[line->len - 1] == '\n' || line->len > max_bytes)
        return true;
    }
}

/* A daemon that ends without a word has found another one at work. */
static bool
wait_until_ready (int fd, const char *log, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);
  if (!read_line (fd, START_MS, NULL, SF_PROTOCOL_MAX_REQUEST, line))
    return sf_fail (error, SF_ERROR_TIMEOUT, "sfd: did not begin within %d s; see %s",
                    START_MS / 1000, log);
  if (line->len == 0)
    return true;
  g_autoptr (json_t) answer = sf_protocol_read_answer (line->str, line->len, error);
  return answer != NULL;
}

static bool
start_sfd (const char *folder, GError **error)
{
  g_autofree char *program = sf_program_sfd (error);
  if (program == NULL)
    return false;
  g_autofree char *log = g_build_filename (folder, "sfd.log", NULL);
  g_auto (GStrv) env = g_environ_setenv (g_get_environ (), "SF_QUEUE_DIR", folder, TRUE);
  int fds[2];
  if (pipe2 (fds, O_CLOEXEC) != 0)
    return sf_fail_errno (error, errno, "%s: no pipe", program);
  /* Above the descriptors that the child gives other meanings. */
  Child child = { .program = program,
                  .log = log,
                  .env = env,
                  .ready_fd = fcntl (fds[1], F_DUPFD_CLOEXEC, READY_FD + 1) };
  close (fds[1]);
  pid_t pid = fork ();
  if (pid == 0)
    become_sfd (&child);
  int saved = errno;
  if (child.ready_fd >= 0)
    close (child.ready_fd);
  bool good = pid > 0 ? wait_until_ready (fds[0], log, error)
                      : sf_fail_errno (error, saved, "%s: cannot fork", program);
  close (fds[0]);
  int status = 0;
  if (good && waitpid (pid, &status, WNOHANG) == pid && WIFEXITED (status)
      && WEXITSTATUS (status) >= 126)
    good = sf_fail (error, SF_ERROR_IO, "%s: cannot be started; see %s", program, log);
  return good;
}

/* ---- the connection ---- */

SfClient *
sf_client_open (const char *folder, GError **error)
{
  for (int i = 0;; i++)
    {
      g_autoptr (GError) own = NULL;
      int fd = sf_socket_connect (folder, &own);
      if (fd >= 0)
        {
          SfClient *self = g_new0 (SfClient, 1);
          self->fd = fd;
          return self;
        }
      if (!g_error_matches (own, SF_ERROR, SF_ERROR_NOT_FOUND) || i == START_TRIES)
        {
          g_propagate_error (error, g_steal_pointer (&own));
          return NULL;
        }
      if (!start_sfd (folder, error))
        return NULL;
      if (i > 0)
        g_usleep (RETRY_US << i);
    }
}

void
sf_client_close (SfClient *self)
{
  if (self == NULL)
    return;
  close (self->fd);
  g_free (self);
}

static bool
send_all (int fd, const char *data, size_t n_bytes)
{
  while (n_bytes > 0)
    {
      ssize_t n = send (fd, data, n_bytes, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return false;
      data += n;
      n_bytes -= (size_t) n;
    }
  return true;
}

/* As SF_SFD_TIMEOUT says, if that is a time. */
static int
answer_s (void)
{
  const char *given = g_getenv ("SF_SFD_TIMEOUT");
  guint64 seconds;
  return given != NULL && g_ascii_string_to_unsigned (given, 10, 1, MAX_ANSWER_S, &seconds, NULL)
             ? (int) seconds
             : ANSWER_S;
}

static bool
fail_silent (const SfClient *self, GError **error)
{
  struct ucred peer = { 0 };
  socklen_t size = sizeof peer;
  if (getsockopt (self->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    peer.pid = 0;
  return sf_fail (error, SF_ERROR_TIMEOUT,
                  "sfd: no answer within %d s; if its process %d is stopped or hangs, continue or "
                  "kill it: jobs that run go on, and the next sfd finds them",
                  answer_s (), (int) peer.pid);
}

json_t *
sf_client_call (SfClient *self, const json_t *request, const volatile sig_atomic_t *interrupted,
                bool *broken, GError **error)
{
  size_t n_bytes;
  g_autofree char *line = sf_protocol_line (request, &n_bytes);
  g_autoptr (GString) answer = g_string_new (NULL);
  *broken = true;
  if (!send_all (self->fd, line, n_bytes))
    {
      sf_fail (error, SF_ERROR_IO, "sfd: the connection ended before the request was sent");
      return NULL;
    }
  if (!read_line (self->fd, answer_s () * 1000, interrupted, SF_PROTOCOL_MAX_ANSWER, answer))
    {
      if (is_set (interrupted))
        sf_fail (error, SF_ERROR_CANCELLED, "sfd: interrupted before its answer came");
      else
        fail_silent (self, error);
      return NULL;
    }
  if (answer->len == 0 || answer->str[answer->len - 1] != '\n')
    {
      sf_fail (error, SF_ERROR_IO, "sfd: the connection ended before the answer came");
      return NULL;
    }
  *broken = false;
  return sf_protocol_read_answer (answer->str, answer->len - 1, error);
}
