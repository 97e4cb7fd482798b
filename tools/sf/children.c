/* SPDX-License-Identifier: Apache-2.0 */
/* Work in forked children: one process for each piece, its result through a pipe. */
#include "tools/sf/children.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  size_t index;
  pid_t pid;
  int fd; /* read end of its pipe */
  GString *text;
  gint64 deadline;
  bool late;
} Child;

/* ---- the child ---- */

static void
write_all (int fd, const char *text)
{
  for (size_t n = strlen (text); n > 0;)
    {
      ssize_t written = write (fd, text, n);
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        exit (EXIT_FAILURE);
      text += written;
      n -= (size_t) written;
    }
}

static void G_GNUC_NORETURN
be_child (const SfChildren *children, size_t index, int fd)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
  char *text = children->work (children->user_data, index);
  write_all (fd, text);
  free (text);
  exit (EXIT_SUCCESS);
}

/* ---- the parent ---- */

static bool
start (const SfChildren *children, size_t index, Child *child, GError **error)
{
  int ends[2];
  if (pipe (ends) != 0)
    return sf_fail_errno (error, errno, "pipe to a child");
  fflush (NULL);
  pid_t pid = fork ();
  if (pid == 0)
    {
      close (ends[0]);
      be_child (children, index, ends[1]);
    }
  int cause = errno;
  close (ends[1]);
  if (pid < 0)
    {
      close (ends[0]);
      return sf_fail_errno (error, cause, "a child process");
    }
  *child = (Child){
    .index = index,
    .pid = pid,
    .fd = ends[0],
    .text = g_string_new (NULL),
    .deadline = g_get_monotonic_time () + (gint64) (children->limit_s * 1e6),
  };
  return true;
}

static int
wait_for (pid_t pid)
{
  int status = 0;
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    continue;
  return status;
}

/* How it ended, when not by itself. Owned; NULL. */
static char *
end_text (const SfChildren *children, const Child *child, int status)
{
  if (child->late)
    return g_strdup_printf ("not done after %g s", children->limit_s);
  if (WIFSIGNALED (status))
    return g_strdup_printf ("ended by signal %d (%s)", WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));
  if (WEXITSTATUS (status) != 0)
    return g_strdup_printf ("ended with exit status %d", WEXITSTATUS (status));
  return NULL;
}

static void
finish (const SfChildren *children, Child *child)
{
  g_autofree char *end = end_text (children, child, wait_for (child->pid));
  children->done (children->user_data, child->index, end == NULL ? child->text->str : NULL, end);
  close (child->fd);
  g_string_free (child->text, TRUE);
}

/* Reads what there is; false at the end. */
static bool
take (Child *child)
{
  char buffer[4096];
  ssize_t n = read (child->fd, buffer, sizeof buffer);
  if (n > 0)
    g_string_append_len (child->text, buffer, n);
  return n > 0 || (n < 0 && errno == EINTR);
}

/* Waits for one of them to say something, a tenth of a second at most. */
static void
attend (const SfChildren *children, GArray *running)
{
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, running->len);
  for (guint i = 0; i < running->len; i++)
    fds[i] = (struct pollfd){ .fd = g_array_index (running, Child, i).fd, .events = POLLIN };
  if (poll (fds, running->len, 100) < 0)
    return;
  gint64 now = g_get_monotonic_time ();
  for (guint i = running->len; i-- > 0;)
    {
      Child *child = &g_array_index (running, Child, i);
      if (!child->late && now > child->deadline)
        {
          child->late = true;
          kill (child->pid, SIGKILL);
        }
      if (fds[i].revents == 0 || take (child))
        continue;
      finish (children, child);
      g_array_remove_index_fast (running, i);
    }
}

static void
stop (GArray *running)
{
  for (guint i = 0; i < running->len; i++)
    {
      Child *child = &g_array_index (running, Child, i);
      kill (child->pid, SIGKILL);
      wait_for (child->pid);
      close (child->fd);
      g_string_free (child->text, TRUE);
    }
}

bool
sf_children_run (const SfChildren *children, GError **error)
{
  g_autoptr (GArray) running = g_array_new (FALSE, FALSE, sizeof (Child));
  size_t next = 0;
  bool ok = true;
  while (ok && *children->cancel == 0 && (next < children->n || running->len > 0))
    {
      Child child;
      if (next < children->n && running->len < (guint) MAX (children->n_jobs, 1))
        {
          ok = start (children, next++, &child, error);
          if (ok)
            g_array_append_val (running, child);
        }
      else
        attend (children, running);
    }
  stop (running);
  if (ok && *children->cancel != 0)
    ok = sf_fail (error, SF_ERROR_CANCELLED, "stopped by signal %d", *children->cancel);
  return ok;
}
