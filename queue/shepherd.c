/* SPDX-License-Identifier: Apache-2.0 */
/* The shepherd of an attempt: steps, limits, records. */
#include "queue/shepherd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/log.h>

#include "queue/attempt.h"
#include "queue/cgroup.h"
#include "queue/memorygroup.h"
#include "queue/processes.h"
#include "queue/stepexec.h"

enum
{
  LOCK_WAIT_US = 10000000, /* somebody who looks holds the lock for a moment */
  GRACE_MS = 10000,        /* between TERM and KILL: time for a checkpoint */
  MEMORY_POLL_MS = 500,
  TOGETHER_US = 500000, /* who signals all processes of an attempt may reach its step first */
  RECORD_RETRY_US = 1000000,
};

typedef struct
{
  const char *folder; /* of the attempt */
  SfPlan *plan;
  int lock_fd, signal_fd;
  int64_t deadline_us; /* monotonic; 0: none */
  SfStepRecord step;   /* the current one */
  pid_t step_pid;
  char *group_folder;   /* of its memory group; NULL: there is nowhere to make one */
  SfMemoryGroup *group; /* that counts its memory; NULL: its PSS is polled */
  int64_t kill_us;      /* once processes are to end: when they have had time enough */
  SfExitRecord exit;    /* reason is NULL until the attempt's end is decided */
} Shepherd;

/* ---- beginning ---- */

static bool
take_lock (Shepherd *self, GError **error)
{
  int64_t until = g_get_monotonic_time () + LOCK_WAIT_US;
  for (;;)
    {
      SfLockResult result = sf_attempt_lock (self->folder, "lock", &self->lock_fd, error);
      if (result == SF_LOCK_TAKEN)
        return true;
      if (result == SF_LOCK_FAILED)
        return false;
      if (g_get_monotonic_time () > until)
        return sf_fail (error, SF_ERROR_EXISTS, "%s/lock: held by another shepherd, wanted free",
                        self->folder);
      g_usleep (2000);
    }
}

/* The memory group is recorded before it is there: whoever finds this process killed removes it. */
static bool
record_self (Shepherd *self, GError **error)
{
  uint64_t ticks = 0;
  sf_process_start_ticks (getpid (), &ticks);
  g_autofree char *boot = sf_boot_id ();
  g_autofree char *own = sf_cgroup_own ();
  g_autofree char *above = own != NULL ? sf_cgroup_for_groups (own) : NULL;
  if (above != NULL)
    self->group_folder = sf_memory_group_folder (above, self->plan->token);
  if (!sf_shepherd_record_write (boot, getpid (), ticks, self->group_folder, self->folder, error))
    return false;
  if (above != NULL)
    self->group = sf_memory_group_new (self->group_folder, self->plan->memory_bytes);
  return true;
}

static bool
take_signals (Shepherd *self, GError **error)
{
  sigset_t set;
  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  sigaddset (&set, SIGXCPU);
  sigprocmask (SIG_BLOCK, &set, NULL);
  self->signal_fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (self->signal_fd < 0)
    return sf_fail_errno (error, errno, "shepherd: cannot take signals");
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return sf_fail_errno (error, errno, "shepherd: cannot become a subreaper");
  return true;
}

/* ---- the end ---- */

static void
decide (Shepherd *self, SfJobState state, char *reason)
{
  if (self->exit.reason != NULL) /* the first cause counts */
    {
      g_free (reason);
      return;
    }
  self->exit.state = state;
  self->exit.reason = reason;
}

static void
decide_here (Shepherd *self, SfJobState state, const char *what)
{
  g_autofree char *where = sf_plan_where (self->plan, self->step.step);
  decide (self, state, g_strdup_printf ("%s %s", what, where));
}

static void
reap (void *data)
{
  Shepherd *self = data;
  int status;
  pid_t pid;
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    if (pid == self->step_pid)
      {
        self->step_pid = 0;
        self->step.ended = true;
        self->step.ended_us = g_get_real_time ();
        self->step.exit_code = WIFEXITED (status) ? WEXITSTATUS (status) : 0;
        self->step.exit_signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0;
      }
}

/* Whatever a step started is below this process, a subreaper: without a child there is nothing. */
static bool
has_children (void)
{
  siginfo_t info;
  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* Processes that are started faster than they are found end with their group. */
static void
attend (void *data)
{
  Shepherd *self = data;
  reap (self);
  if (self->group_folder != NULL && g_get_monotonic_time () >= self->kill_us)
    sf_memory_group_kill (self->group_folder);
}

static void
end_processes (Shepherd *self, int grace_ms)
{
  reap (self);
  if (!has_children ())
    return;
  self->kill_us = g_get_monotonic_time () + (int64_t) grace_ms * 1000;
  if (!sf_processes_end (self->plan->token, getpid (), grace_ms, attend, self))
    sf_log (SF_LOG_ERROR, "attempt %s: a process did not end within 10 s of KILL",
            self->plan->token);
  reap (self);
}

/* The kernel counts no more, or not all: the PSS is polled from now on. */
static void
leave_group (Shepherd *self)
{
  g_clear_pointer (&self->group, sf_memory_group_free);
  self->exit.memory_bytes = 0;
}

static void
end_group (Shepherd *self)
{
  if (self->group != NULL)
    {
      self->exit.memory_bytes = (int64_t) sf_memory_group_peak_bytes (self->group);
      self->exit.by_kernel = true;
      g_clear_pointer (&self->group, sf_memory_group_free);
    }
  if (self->group_folder != NULL && !sf_memory_group_remove (self->group_folder))
    sf_log (SF_LOG_ERROR, "%s: cannot be removed, something lives in it", self->group_folder);
}

/* Writes the record. A disk that is full now may not be in a while: the attempt has not ended for
 * anybody before its record is there, or its folder is gone. */
static bool
write_exit (Shepherd *self, GError **error)
{
  self->exit.ended_us = g_get_real_time ();
  while (!sf_exit_record_write (&self->exit, self->folder, error))
    {
      if (!g_file_test (self->folder, G_FILE_TEST_IS_DIR))
        return false;
      g_clear_error (error);
      g_usleep (RECORD_RETRY_US);
    }
  return true;
}

/* ---- running ---- */

static void
read_signals (Shepherd *self)
{
  struct signalfd_siginfo info;
  while (read (self->signal_fd, &info, sizeof info) == (ssize_t) sizeof info)
    if (info.ssi_signo == SIGXCPU) /* what a batch system sends a while before it kills */
      decide_here (self, SF_JOB_TIMEOUT, "the time limit of the batch system was near during");
    else if (info.ssi_signo != SIGCHLD)
      decide_here (self, SF_JOB_CANCELLED,
                   sf_attempt_has (self->folder, "cancel") ? "cancelled on request during"
                                                           : "cancelled by a signal during");
}

static void
decide_memory (Shepherd *self, const char *more, uint64_t used_bytes)
{
  g_autofree char *what = g_strdup_printf (
      "used %s%.1f MiB of memory where %.1f MiB are allowed during", more,
      (double) used_bytes / 1048576, (double) self->plan->memory_bytes / 1048576);
  decide_here (self, SF_JOB_OUT_OF_MEMORY, what);
}

/* The kernel sees to the limit of a group, and judge_group sees what it has done. */
static void
check_memory (Shepherd *self)
{
  if (self->group != NULL && !sf_memory_group_look (self->group))
    leave_group (self);
  if (self->group != NULL || self->plan->memory_bytes == 0)
    return;
  g_autoptr (GArray) pids = sf_processes_find (self->plan->token, getpid ());
  uint64_t used = sf_processes_memory_bytes (pids);
  self->exit.memory_bytes = MAX (self->exit.memory_bytes, (int64_t) used);
  if (used > (uint64_t) self->plan->memory_bytes)
    decide_memory (self, "", used);
}

static void
check_limits (Shepherd *self)
{
  const SfPlan *plan = self->plan;
  if (self->deadline_us != 0 && g_get_monotonic_time () >= self->deadline_us)
    {
      g_autofree char *what = g_strdup_printf (
          "the time limit of %" G_GINT64_FORMAT " s passed during", plan->time_limit_s);
      decide_here (self, SF_JOB_TIMEOUT, what);
    }
  check_memory (self);
}

/* Milliseconds until something must be looked at; -1: only signals matter. */
static int
poll_timeout (const Shepherd *self)
{
  bool polls = self->plan->memory_bytes != 0
               || (self->group != NULL && !sf_memory_group_knows_peak (self->group));
  int64_t timeout = polls ? MEMORY_POLL_MS : -1;
  if (self->deadline_us != 0)
    {
      int64_t left = (self->deadline_us - g_get_monotonic_time () + 999) / 1000;
      left = CLAMP (left, 0, G_MAXINT);
      timeout = timeout < 0 ? left : MIN (timeout, left);
    }
  return (int) timeout;
}

static bool
ended_by_term (const SfStepRecord *step)
{
  return step->exit_signal == SIGTERM || step->exit_code == 128 + SIGTERM; /* as shells say it */
}

/* For a signal of our own that comes together with what ended the step. */
static void
wait_for_signal (Shepherd *self)
{
  int64_t until = g_get_monotonic_time () + TOGETHER_US, left;
  while (self->exit.reason == NULL && (left = until - g_get_monotonic_time ()) > 0)
    {
      struct pollfd fd = { .fd = self->signal_fd, .events = POLLIN };
      poll (&fd, 1, (int) ((left + 999) / 1000));
      read_signals (self);
    }
}

static void
wait_for_step (Shepherd *self)
{
  while (!self->step.ended && self->exit.reason == NULL)
    {
      struct pollfd fd = { .fd = self->signal_fd, .events = POLLIN };
      poll (&fd, 1, poll_timeout (self));
      read_signals (self);
      reap (self);
      if (!self->step.ended)
        check_limits (self);
    }
  if (!self->step.ended)
    end_processes (self, GRACE_MS);
  else if (ended_by_term (&self->step))
    wait_for_signal (self);
}

/* Whether the kernel has ended processes for want of memory. */
static void
judge_group (Shepherd *self)
{
  SfMemoryVerdict verdict = self->group != NULL ? sf_memory_group_verdict (self->group)
                                                : SF_MEMORY_ENOUGH;
  if (verdict == SF_MEMORY_OVER_LIMIT)
    decide_memory (self, "more than ", (uint64_t) self->plan->memory_bytes);
  else if (verdict == SF_MEMORY_NONE_LEFT)
    decide_here (self, SF_JOB_OUT_OF_MEMORY, "the machine had no memory left during");
}

/* How a step that ended by itself leaves the attempt. */
static void
judge_step (Shepherd *self)
{
  g_autofree char *where = sf_plan_where (self->plan, self->step.step);
  if (self->step.exit_signal == 0 && self->step.exit_code == 0)
    return;
  self->exit.exit_code = self->step.exit_code;
  self->exit.exit_signal = self->step.exit_signal;
  judge_group (self);
  if (self->step.exit_signal != 0)
    decide (self, SF_JOB_FAILED,
            g_strdup_printf ("%s was ended by signal %d (%s)", where, self->step.exit_signal,
                             strsignal (self->step.exit_signal)));
  else
    decide (self, SF_JOB_FAILED,
            g_strdup_printf ("%s exited with code %d", where, self->step.exit_code));
}

/* Waits for room on the disk as well, unless the attempt is to end meanwhile. */
static bool
write_step (Shepherd *self, GError **error)
{
  const char *before = self->exit.reason;
  while (!sf_step_record_write (&self->step, self->folder, error))
    {
      if (!g_file_test (self->folder, G_FILE_TEST_IS_DIR))
        return false;
      g_clear_error (error);
      g_usleep (RECORD_RETRY_US);
      read_signals (self);
      check_limits (self);
      if (self->exit.reason != before)
        return true;
    }
  return true;
}

static bool
run_step (Shepherd *self, int number, GError **error)
{
  self->step = (SfStepRecord){ .step = number, .started_us = g_get_real_time () };
  if (!write_step (self, error))
    return false;
  if (self->exit.reason != NULL)
    return true;
  g_autoptr (GError) own = NULL;
  int group_fd = self->group != NULL ? sf_memory_group_fd (self->group) : -1;
  bool joined = false;
  if (self->group != NULL)
    sf_memory_group_begin_step (self->group);
  self->step_pid = sf_step_start (self->plan, number, self->folder, group_fd, &joined, &own);
  if (self->group != NULL && !joined)
    leave_group (self);
  if (self->step_pid > 0)
    wait_for_step (self);
  else
    {
      g_autofree char *where = sf_plan_where (self->plan, number);
      self->step_pid = 0;
      self->step.ended = true;
      self->step.ended_us = g_get_real_time ();
      self->step.exit_code = 127;
      decide (self, SF_JOB_FAILED,
              g_strdup_printf ("%s could not be started: %s", where, own->message));
      self->exit.exit_code = 127;
    }
  judge_step (self);
  return write_step (self, error);
}

static void
run_steps (Shepherd *self)
{
  int64_t limit_s = MIN (self->plan->time_limit_s, G_MAXINT32);
  if (limit_s > 0)
    self->deadline_us = g_get_monotonic_time () + limit_s * (int64_t) G_USEC_PER_SEC;
  int n = (int) self->plan->steps->len;
  for (int i = (int) self->plan->first_step; i <= n && self->exit.reason == NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      read_signals (self);
      if (sf_attempt_has (self->folder, "cancel"))
        decide_here (self, SF_JOB_CANCELLED, "cancelled on request after");
      if (self->exit.reason == NULL && !run_step (self, i, &error))
        {
          self->exit.exit_code = sf_error_exit_code (error);
          decide (self, SF_JOB_FAILED, g_strdup (error->message));
        }
    }
  if (self->exit.reason == NULL)
    decide (self, SF_JOB_COMPLETED, g_strdup_printf ("all %d step%s done", n, n == 1 ? "" : "s"));
}

bool
sf_shepherd_run (const char *attempt_folder, GError **error)
{
  Shepherd self = { .folder = attempt_folder, .lock_fd = -1, .signal_fd = -1 };
  g_autoptr (SfPlan) plan = self.plan = sf_plan_read (attempt_folder, error);
  if (plan == NULL)
    return false;
  if (g_strcmp0 (g_getenv (SF_TOKEN_VARIABLE), plan->token) != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: " SF_TOKEN_VARIABLE " is not the token of the plan; shepherds are started "
                    "by sfd",
                    attempt_folder);
  bool good = take_lock (&self, error);
  /* A record before the first step: the attempt was given up while this process was on its way, or
   * another shepherd has had it. */
  if (good && !sf_attempt_has (attempt_folder, "exit.json")
      && !sf_attempt_has (attempt_folder, "shepherd.json"))
    {
      good = take_signals (&self, error) && record_self (&self, error);
      if (good)
        {
          run_steps (&self);
          end_processes (&self, GRACE_MS);
          end_group (&self);
          good = write_exit (&self, error);
        }
      sf_exit_record_clear (&self.exit);
      g_free (self.group_folder);
    }
  if (self.signal_fd >= 0)
    close (self.signal_fd);
  if (self.lock_fd >= 0)
    close (self.lock_fd);
  return good;
}
