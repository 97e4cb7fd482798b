/* SPDX-License-Identifier: Apache-2.0 */
/* Following jobs: step records and logs are read until the store says that the job has ended. */
#include "tools/sfbatch/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "queue/progress.h"
#include "tools/sfbatch/show_text.h"

enum
{
  POLL_US = 40000,
  SYNC_EVERY = 12, /* polls: a killed daemon is started again within half a second */
  BAR_CELLS = 20,
};

typedef struct
{
  SfQueue *queue;
  int64_t id;
  int64_t attempt; /* 0: it waits */
  char *folder;    /* of the attempt; NULL, like its plan, while it waits */
  SfPlan *plan;
  int step;   /* shown now, from 1 */
  int log_fd; /* of that step; -1: not there yet */
  bool announced;
  bool terminal;      /* stderr is one */
  bool status_shown;  /* the status line stands on the screen */
  bool at_line_start; /* of what the steps printed */
} Follower;

static volatile sig_atomic_t interrupted;

static void
on_interrupt (int number)
{
  interrupted = 1;
}

/* A terminal that goes away is as Ctrl-C, unless nohup has said that it is nothing. The second
 * Ctrl-C does not ask any more. */
void
sf_follow_catch_interrupts (void)
{
  struct sigaction action = { .sa_handler = on_interrupt,
                              .sa_flags = SA_RESTART | (int) SA_RESETHAND };
  struct sigaction hangup;
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  if (sigaction (SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    sigaction (SIGHUP, &action, NULL);
}

/* Also in the place of the error of a request that the interrupt has cut off. */
static bool
fail_interrupted (int64_t id, GError **error)
{
  g_clear_error (error);
  return sf_fail (error, SF_ERROR_CANCELLED,
                  "job %" G_GINT64_FORMAT
                  ": it goes on, only the waiting was interrupted; sfbatch wait %" G_GINT64_FORMAT
                  " waits again, sfbatch cancel %" G_GINT64_FORMAT " ends it",
                  id, id, id);
}

static bool
fail_all_interrupted (size_t left, GError **error)
{
  g_clear_error (error);
  return sf_fail (
      error, SF_ERROR_CANCELLED,
      "%zu jobs go on, only the waiting was interrupted; sfbatch wait --all waits again", left);
}

char *
sf_follow_verdict (const SfJob *job)
{
  g_autofree char *name = sf_show_name (job);
  g_autofree char *reason = sf_show_text (job->reason);
  return g_strdup_printf ("job %" G_GINT64_FORMAT " (%s): %s, %s", job->id, name,
                          sf_job_state_name (job->state), reason);
}

/* ---- the screen ---- */

static void
clear_status (Follower *self)
{
  if (self->status_shown)
    fputs ("\r\033[K", stderr);
  self->status_shown = false;
}

static int
terminal_columns (void)
{
  struct winsize size;
  return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* "[2/4] train  ##########----------  12.0 s  epoch 2 of 12, loss 0.3100": the bar is that of the
 * step where it says how far it is, else of the steps. */
static void
show_status (Follower *self, const SfStepRecord *record)
{
  if (!self->terminal || !self->at_line_start)
    return;
  const SfPlanStep *step = self->plan->steps->pdata[self->step - 1];
  int n = (int) self->plan->steps->len;
  SfStepProgress progress;
  bool known = sf_step_progress_read (self->folder, self->step, &progress);
  double done = known ? sf_step_progress_done (&progress) : NAN;
  g_autofree char *bar = sf_show_bar (isnan (done) ? (double) (self->step - 1) / n : done,
                                      BAR_CELLS);
  g_autofree char *time = sf_show_duration (g_get_real_time () - record->started_us);
  g_autofree char *text = known ? sf_step_progress_text (&progress) : g_strdup ("");
  g_autofree char *line = g_strdup_printf ("[%d/%d] %s  %s  %s  %s", self->step, n, step->verb, bar,
                                           time, text);
  /* A line that is longer than the screen is wide could not be cleared again. */
  g_autofree char *cut = sf_show_cut (line, terminal_columns () - 1);
  fprintf (stderr, "\r\033[K%s", cut);
  self->status_shown = true;
}

static void
say_step (Follower *self, const char *what)
{
  const SfPlanStep *step = self->plan->steps->pdata[self->step - 1];
  clear_status (self);
  fflush (stdout);
  fprintf (stderr, "[%d/%u] %s%s\n", self->step, self->plan->steps->len, step->verb, what);
}

/* ---- what a step prints ---- */

/* Copies what the log has got since the last call. */
static bool
forward_log (Follower *self, GError **error)
{
  char buffer[16384];
  if (self->log_fd < 0)
    {
      g_autofree char *path = sf_attempt_log_path (self->folder, self->step);
      self->log_fd = open (path, O_RDONLY | O_CLOEXEC);
      if (self->log_fd < 0)
        return true; /* not begun, or it could not be */
    }
  ssize_t n;
  while ((n = read (self->log_fd, buffer, sizeof buffer)) > 0)
    {
      clear_status (self);
      if (fwrite (buffer, 1, (size_t) n, stdout) != (size_t) n)
        return sf_fail_errno (error, errno, "standard output: cannot write");
      self->at_line_start = buffer[n - 1] == '\n';
    }
  if (fflush (stdout) != 0)
    return sf_fail_errno (error, errno, "standard output: cannot write");
  return true;
}

static void
finish_step (Follower *self, const SfStepRecord *record)
{
  g_autofree char *time = sf_show_duration (record->ended_us - record->started_us);
  g_autofree char *what
      = record->exit_signal != 0
            ? g_strdup_printf (": ended by signal %d after %s", record->exit_signal, time)
        : record->exit_code != 0
            ? g_strdup_printf (": exited with code %d after %s", record->exit_code, time)
            : g_strdup_printf (": done in %s", time);
  if (!self->at_line_start)
    putchar ('\n');
  self->at_line_start = true;
  say_step (self, what);
  if (self->log_fd >= 0)
    close (self->log_fd);
  self->log_fd = -1;
  self->announced = false;
  self->step++;
}

/* Everything that there is to show now. */
static bool
show_steps (Follower *self, GError **error)
{
  while (self->step <= (int) self->plan->steps->len)
    {
      SfStepRecord record;
      bool found = false;
      if (!sf_step_record_read (self->folder, self->step, &record, &found, error))
        return false;
      if (!found)
        return true;
      if (!self->announced)
        say_step (self, "");
      self->announced = true;
      if (!forward_log (self, error))
        return false;
      if (!record.ended)
        {
          show_status (self, &record);
          return true;
        }
      finish_step (self, &record);
    }
  return true;
}

static void
follower_clear (Follower *self)
{
  clear_status (self);
  if (self->log_fd >= 0)
    close (self->log_fd);
  sf_plan_free (self->plan);
  g_free (self->folder);
}

/* Again, from the beginning of its log. */
static void
begin_at (Follower *self, int step)
{
  if (self->log_fd >= 0)
    close (self->log_fd);
  self->log_fd = -1;
  self->announced = false;
  self->step = step;
}

/* Takes up the attempt that there is now; none while the job waits. */
static bool
take_up (Follower *self, const SfJob *job, GError **error)
{
  if (job->attempt == self->attempt)
    return true;
  bool is_next = self->attempt > 0;
  self->attempt = job->attempt;
  g_free (self->folder);
  g_clear_pointer (&self->plan, sf_plan_free);
  self->folder = sf_queue_attempt_folder (self->queue, job);
  self->plan = sf_queue_plan (self->queue, job, error);
  if (is_next && self->plan != NULL && self->step >= self->plan->first_step)
    begin_at (self, (int) self->plan->first_step);
  return self->plan != NULL;
}

static SfJob *
follow (Follower *self, GError **error)
{
  for (int i = 0;; i++)
    {
      /* In this order: what is shown after the job has ended is complete. */
      bool ended = self->folder != NULL && sf_attempt_has (self->folder, "exit.json");
      bool kept_up = (!ended && i % SYNC_EVERY != 0) || sf_queue_keep_up (self->queue, error);
      g_autoptr (SfJob) job = kept_up ? sf_store_get (self->queue->store, self->id, error) : NULL;
      bool shown = job != NULL && take_up (self, job, error)
                   && (self->plan == NULL || show_steps (self, error));
      if (shown && sf_job_state_is_final (job->state))
        return g_steal_pointer (&job);
      if (interrupted && (shown || !kept_up))
        {
          fail_interrupted (self->id, error);
          return NULL;
        }
      if (!shown)
        return NULL;
      g_usleep (POLL_US);
    }
}

SfJob *
sf_follow_job (SfQueue *queue, int64_t id, int first_step, GError **error)
{
  Follower self = { .queue = queue,
                    .id = id,
                    .step = first_step,
                    .log_fd = -1,
                    .terminal = isatty (STDERR_FILENO) == 1,
                    .at_line_start = true };
  sf_follow_catch_interrupts ();
  queue->interrupted = &interrupted;
  SfJob *ended = follow (&self, error);
  queue->interrupted = NULL;
  follower_clear (&self);
  return ended;
}

static bool
follow_each (SfQueue *queue, const int64_t *ids, size_t n, SfFollowFunc ended, void *user_data,
             GError **error)
{
  g_autofree bool *done = g_new0 (bool, n + 1);
  int polls = 0;
  int64_t seen = 0;
  for (size_t left = n; left > 0;)
    {
      int64_t version;
      if (polls++ % SYNC_EVERY == 0 && !sf_queue_keep_up (queue, error))
        return interrupted ? fail_all_interrupted (left, error) : false;
      if (!sf_store_version (queue->store, &version, error))
        return false;
      bool changed = polls == 1 || version != seen;
      seen = version;
      for (size_t i = 0; changed && i < n; i++)
        {
          g_autoptr (SfJob) job = !done[i] ? sf_store_get (queue->store, ids[i], error) : NULL;
          if (!done[i] && job == NULL)
            return false;
          if (job == NULL || !sf_job_state_is_final (job->state))
            continue;
          if (!ended (user_data, job, i, error))
            return false;
          done[i] = true;
          left--;
        }
      if (left > 0 && interrupted)
        return fail_all_interrupted (left, error);
      if (left > 0)
        g_usleep (POLL_US);
    }
  return true;
}

bool
sf_follow_each (SfQueue *queue, const int64_t *ids, size_t n, SfFollowFunc ended, void *user_data,
                GError **error)
{
  sf_follow_catch_interrupts ();
  queue->interrupted = &interrupted;
  bool good = follow_each (queue, ids, n, ended, user_data, error);
  queue->interrupted = NULL;
  return good;
}

static bool
print_verdict (void *user_data, const SfJob *job, size_t index, GError **error)
{
  int *exits = user_data;
  g_autofree char *verdict = sf_follow_verdict (job);
  printf ("%s\n", verdict);
  fflush (stdout);
  exits[index] = sf_job_exit (job->state, job->exit_code, job->exit_signal);
  return true;
}

bool
sf_follow_jobs (SfQueue *queue, const int64_t *ids, size_t n, int *exit, GError **error)
{
  g_autofree int *exits = g_new0 (int, MAX (n, 1));
  if (!sf_follow_each (queue, ids, n, print_verdict, exits, error))
    return false;
  *exit = 0;
  for (size_t i = 0; i < n && *exit == 0; i++)
    *exit = exits[i];
  return true;
}
