/* SPDX-License-Identifier: Apache-2.0 */
/* Work in forked children: a share of the pieces each, results through a pipe. */
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
  size_t first, n; /* pieces */
} Share;

typedef struct
{
  Share share;
  pid_t pid;
  int fd;          /* read end of its pipe */
  GString *text;   /* of results, each with the zero at its end */
  size_t n_done;   /* of them */
  gint64 deadline; /* of the next */
  bool late;
} Child;

typedef struct
{
  const SfChildren *children;
  size_t next;     /* no child has had this piece, nor any after it */
  GArray *again;   /* Share: of one piece each, whose child did not end well */
  GArray *running; /* Child */
} Run;

/* ---- the child ---- */

static void
write_all (int fd, const char *text, size_t n)
{
  while (n > 0)
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
be_child (const SfChildren *children, Share share, int fd)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
  for (size_t i = 0; i < share.n; i++)
    {
      char *text = children->work (children->user_data, share.first + i);
      write_all (fd, text, strlen (text) + 1);
      free (text);
    }
  exit (EXIT_SUCCESS);
}

/* ---- the parent ---- */

static gint64
deadline (const SfChildren *children)
{
  return g_get_monotonic_time () + (gint64) (children->limit_s * 1e6);
}

static bool
start (Run *run, Share share, GError **error)
{
  int ends[2];
  if (pipe (ends) != 0)
    return sf_fail_errno (error, errno, "pipe to a child");
  fflush (NULL);
  pid_t pid = fork ();
  if (pid == 0)
    {
      close (ends[0]);
      be_child (run->children, share, ends[1]);
    }
  int cause = errno;
  close (ends[1]);
  if (pid < 0)
    {
      close (ends[0]);
      return sf_fail_errno (error, cause, "a child process");
    }
  const Child child = {
    .share = share,
    .pid = pid,
    .fd = ends[0],
    .text = g_string_new (NULL),
    .deadline = deadline (run->children),
  };
  g_array_append_val (run->running, child);
  return true;
}

/* Pieces for another child; none when all have been given away. */
static Share
next_share (Run *run)
{
  const SfChildren *children = run->children;
  if (run->again->len > 0)
    {
      Share share = g_array_index (run->again, Share, 0);
      g_array_remove_index (run->again, 0);
      return share;
    }
  size_t n = MIN (MAX (children->n_each, 1), children->n - run->next);
  Share share = { run->next, n };
  run->next += n;
  return share;
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

/* Which of several pieces ended their child, or leaked, is found by doing each by itself. */
static void
finish (Run *run, Child *child)
{
  const SfChildren *children = run->children;
  const Share share = child->share;
  g_autofree char *end = end_text (children, child, wait_for (child->pid));
  bool well = end == NULL && child->n_done == share.n;
  const char *text = child->text->str;
  for (size_t i = 0; i < share.n; i++)
    if (well)
      {
        children->done (children->user_data, share.first + i, text, NULL);
        text += strlen (text) + 1;
      }
    else if (share.n == 1)
      children->done (children->user_data, share.first, NULL, end);
    else
      g_array_append_val (run->again, ((Share){ share.first + i, 1 }));
  close (child->fd);
  g_string_free (child->text, TRUE);
}

/* Reads what there is; false at the end. */
static bool
take (const SfChildren *children, Child *child)
{
  char buffer[4096];
  ssize_t n = read (child->fd, buffer, sizeof buffer);
  if (n <= 0)
    return n < 0 && errno == EINTR;
  g_string_append_len (child->text, buffer, n);
  size_t before = child->n_done;
  for (ssize_t i = 0; i < n; i++)
    child->n_done += buffer[i] == '\0';
  if (child->n_done > before)
    child->deadline = deadline (children);
  return true;
}

/* Waits for one of them to say something, a tenth of a second at most. */
static void
attend (Run *run)
{
  GArray *running = run->running;
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
      if (fds[i].revents == 0 || take (run->children, child))
        continue;
      finish (run, child);
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
  g_autoptr (GArray) again = g_array_new (FALSE, FALSE, sizeof (Share));
  g_autoptr (GArray) running = g_array_new (FALSE, FALSE, sizeof (Child));
  Run run = { .children = children, .again = again, .running = running };
  bool ok = true;
  while (ok && *children->cancel == 0)
    {
      bool more = run.next < children->n || again->len > 0;
      if (more && running->len < (guint) MAX (children->n_jobs, 1))
        ok = start (&run, next_share (&run), error);
      else if (running->len > 0)
        attend (&run);
      else
        break;
    }
  stop (running);
  if (ok && *children->cancel != 0)
    ok = sf_fail (error, SF_ERROR_CANCELLED, "stopped by signal %d", *children->cancel);
  return ok;
}
