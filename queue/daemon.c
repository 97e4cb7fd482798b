/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: its lock, its turns, its end. */
#include "queue/daemon.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sf/log.h>
#include <sf/process.h>

#include "queue/cgroup.h"
#include "queue/daemon_state.h"
#include "queue/folder.h"
#include "queue/protocol.h"

enum
{
  SWEEP_MS = 2000, /* what watches have missed is seen then */
  RETRY_MS = 1000, /* a store that cannot be written to now may be later */
  STOP_MS = 10000, /* shepherds that are just being started are waited for */
  ENDING_THREADS = 4,
};

/* ---- a turn: what is to be ---- */

static bool
add_waiting (SfDaemon *self, SfJob *job, GError **error)
{
  sf_daemon_resolve (self, job);
  GArray *dependencies = sf_store_list_dependencies (self->store, job->id, error);
  if (dependencies == NULL)
    return false;
  sf_line_add (self->line, job, dependencies);
  return true;
}

bool
sf_daemon_take_in (SfDaemon *self, GError **error)
{
  int64_t version = 0;
  if (!sf_store_version (self->store, &version, error))
    return false;
  if (version == self->version)
    return true;
  g_autoptr (GPtrArray) jobs = sf_store_list_pending (self->store, self->newest_id, error);
  for (guint i = 0; jobs != NULL && i < jobs->len; i++)
    {
      int64_t id = ((const SfJob *) jobs->pdata[i])->id;
      if (!add_waiting (self, jobs->pdata[i], error))
        return false;
      jobs->pdata[i] = NULL; /* the line has it */
      self->newest_id = id;
    }
  if (jobs == NULL)
    return false;
  self->version = version;
  return true;
}

/* Nobody waits for ever; true when some have been ended, on which others may have depended. */
static bool
end_hopeless (SfDaemon *self)
{
  g_autoptr (GArray) ids = sf_line_hopeless (self->line);
  if (ids->len == 0)
    return false;
  g_autoptr (GArray) running = NULL;
  g_autoptr (GArray) usage = NULL;
  SfSituation situation = sf_daemon_situation (self, &running, &usage);
  g_autoptr (GHashTable) reasons = sf_line_reasons (self->line, &situation, ids);
  for (guint i = 0; i < ids->len; i++)
    {
      int64_t id = g_array_index (ids, int64_t, i);
      SfLive *live = sf_daemon_add_live (self, sf_line_take (self->line, id));
      sf_daemon_end_live (self, live, SF_JOB_CANCELLED,
                          g_strdup (g_hash_table_lookup (reasons, &id)));
    }
  return true;
}

static gboolean
on_wake (gpointer data)
{
  SfDaemon *self = data;
  self->wake_source = 0;
  sf_daemon_turn_soon (self);
  return G_SOURCE_REMOVE;
}

static void
begin (SfDaemon *self, const SfLineStart *start)
{
  SfJob *job = sf_line_take (self->line, start->job);
  SfLive *live = sf_daemon_add_live (self, job);
  job->state = SF_JOB_STARTING;
  g_free (job->reason);
  job->reason = g_strdup ("its shepherd is being started");
  job->attempt++;
  job->first_tile = start->first_tile;
  g_free (job->token);
  job->token = g_uuid_string_random ();
  g_free (job->boot_id);
  job->boot_id = g_strdup (self->boot_id);
  g_clear_pointer (&job->handle, g_free);
  job->started_us = job->ended_us = 0;
  g_autofree char *job_folder = sf_job_folder (self->folder, job->id);
  g_free (live->folder);
  live->folder = sf_attempt_folder (job_folder, job->attempt);
  live->begins = live->to_start = true;
}

static void
choose (SfDaemon *self)
{
  g_autoptr (GArray) running = NULL;
  g_autoptr (GArray) usage = NULL;
  if (self->stopping || sf_line_length (self->line) == 0)
    return;
  SfSituation situation = sf_daemon_situation (self, &running, &usage);
  int64_t wake_us = 0;
  g_autoptr (GArray) starts = sf_line_choose (self->line, &situation,
                                              sf_daemon_room_elsewhere (self), &wake_us);
  for (guint i = 0; i < starts->len; i++)
    begin (self, &g_array_index (starts, SfLineStart, i));
  if (self->wake_source != 0)
    g_source_remove (self->wake_source);
  int64_t wait_ms = (wake_us - situation.now_us + 999) / 1000;
  self->wake_source = wake_us != 0
                          ? g_timeout_add ((guint) CLAMP (wait_ms, 1, G_MAXINT32), on_wake, self)
                          : 0;
}

/* ---- a turn: making it last ---- */

static bool
write_live (SfDaemon *self, SfLive *live, GError **error)
{
  bool known = true;
  SfJobState from = live->stored;
  if (live->begins)
    {
      if (!sf_store_begin_attempt (self->store, live->job, &known, error))
        return false;
      from = SF_JOB_STARTING;
    }
  if (known && live->has_handle && !sf_store_set_handle (self->store, live->job, error))
    return false;
  if (known && live->changed && !sf_store_update (self->store, live->job, from, &known, error))
    return false;
  if (known && live->changed && live->again_us != 0)
    {
      g_autofree char *reason = NULL;
      SfJob again = sf_live_again (live, &reason);
      if (!sf_store_update (self->store, &again, live->job->state, &known, error))
        return false;
    }
  if (!known)
    {
      sf_log (SF_LOG_ERROR, "job %" G_GINT64_FORMAT ": not %s in the store, left as it is there",
              live->job->id, sf_job_state_name (from));
      live->to_start = false;
      live->job->state = SF_JOB_LOST; /* here: not to be thought of any more */
    }
  return true;
}

static bool
write_all (SfDaemon *self, GError **error)
{
  GHashTableIter iter;
  gpointer key, value;
  g_hash_table_iter_init (&iter, self->altered);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const SfJob *job = sf_line_find (self->line, *(const int64_t *) key);
      if (job != NULL && !sf_store_set_waiting (self->store, job, error))
        return false;
    }
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (!write_live (self, value, error))
      return false;
  g_hash_table_iter_init (&iter, self->used);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    if (!sf_store_set_usage (self->store, value, error))
      return false;
  return true;
}

static bool
is_anything_new (SfDaemon *self)
{
  GHashTableIter iter;
  gpointer value;
  int64_t due_us = g_get_monotonic_time () - SF_HANDLE_MS * 1000;
  if (g_hash_table_size (self->altered) > 0)
    return true;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SfLive *live = value;
      if (live->begins || live->changed
          || (live->has_handle && (self->stopping || live->handle_from_us <= due_us)))
        return true;
    }
  return false;
}

/* *written is false when nothing was recorded. */
static bool
commit (SfDaemon *self, bool *written, GError **error)
{
  *written = false;
  if (!is_anything_new (self))
    return true;
  *written = sf_store_begin (self->store, error) && write_all (self, error)
             && sf_store_commit (self->store, error);
  if (*written)
    self->n_commits++;
  else
    sf_store_rollback (self->store);
  return *written;
}

/* What had to wait until it is recorded. */
static void
follow_up (SfDaemon *self)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_remove_all (self->altered);
  g_hash_table_remove_all (self->used);
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SfLive *live = value;
      live->stored = live->job->state;
      live->begins = live->has_handle = live->changed = false;
      if (live->to_start)
        sf_daemon_launch (self, live);
      else if (sf_job_state_is_final (live->stored))
        {
          g_hash_table_iter_steal (&iter);
          sf_daemon_leave (self, live);
        }
    }
}

/* Said once, and once when it is over; NULL: there is none. */
static void
note_trouble (SfDaemon *self, const GError *error)
{
  if (error != NULL && g_strcmp0 (self->trouble, error->message) != 0)
    sf_log (SF_LOG_WARNING, "%s; trying again every second", error->message);
  if (error == NULL && self->trouble != NULL)
    sf_log (SF_LOG_WARNING, "the store can be written to again");
  g_free (self->trouble);
  self->trouble = error != NULL ? g_strdup (error->message) : NULL;
}

static gboolean
turn (gpointer data)
{
  SfDaemon *self = data;
  g_autoptr (GError) error = NULL;
  self->turn_source = G_MAXUINT; /* this one sees what comes up in it */
  bool good = sf_daemon_take_in (self, &error);
  sf_daemon_look (self);
  while (end_hopeless (self))
    continue;
  choose (self);
  bool written = false;
  good = good && commit (self, &written, &error);
  self->turn_source = 0;
  if (written)
    follow_up (self);
  note_trouble (self, error);
  if (good)
    sf_daemon_give_answers (self);
  else
    {
      sf_daemon_give_bad_answers (self);
      self->turn_source = g_timeout_add (RETRY_MS, turn, self);
    }
  return G_SOURCE_REMOVE;
}

void
sf_daemon_turn_soon (SfDaemon *self)
{
  if (self->turn_source == 0)
    self->turn_source = g_idle_add (turn, self);
}

/* ---- from time to time ---- */

static bool
is_busy (const SfDaemon *self)
{
  return g_hash_table_size (self->lives) > 0 || sf_line_length (self->line) > 0
         || self->notices.length > 0 || sf_server_n_peers (self->server) > 0;
}

static gboolean
sweep (gpointer data)
{
  SfDaemon *self = data;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SfLive *live = value;
      live->look = true;
      live->look_closely |= !live->asked;
    }
  sf_daemon_insist (self);
  sf_daemon_turn_soon (self);
  /* A question about nothing: executors reap what they have started. */
  g_hash_table_iter_init (&iter, self->workers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    sf_worker_push (value, sf_task_new (SF_TASK_FIND));
  if (sf_daemon_is_orphaned (self))
    {
      sf_log (SF_LOG_WARNING, "%s: the queue's folder was removed; ending", self->folder);
      g_main_loop_quit (self->loop);
    }
  else if (is_busy (self) || self->idle_s == 0)
    self->idle_from_us = 0;
  else if (self->idle_from_us == 0)
    self->idle_from_us = g_get_monotonic_time ();
  else if (g_get_monotonic_time () - self->idle_from_us > self->idle_s * G_USEC_PER_SEC)
    g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_stop (gpointer data)
{
  SfDaemon *self = data;
  self->stopping = true;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_gone (void *data)
{
  sf_daemon_turn_soon (data); /* it may have submitted something without saying so */
}

/* ---- beginning and end ---- */

static bool
read_usage (SfDaemon *self, GError **error)
{
  g_autoptr (GPtrArray) rows = sf_store_list_usage (self->store, error);
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      SfUsageRow *row = g_memdup2 (rows->pdata[i], sizeof (SfUsageRow));
      row->project = g_strdup (row->project);
      g_hash_table_insert (self->usage, row->project, row);
    }
  return rows != NULL;
}

/* What an earlier daemon has left under way is looked at first. */
static bool
read_lives (SfDaemon *self, GError **error)
{
  g_autoptr (GPtrArray) jobs = sf_store_list (self->store, SF_STORE_LIVE, error);
  for (guint i = 0; jobs != NULL && i < jobs->len; i++)
    {
      SfLive *live = sf_daemon_add_live (self, jobs->pdata[i]);
      jobs->pdata[i] = NULL;
      live->look = live->look_closely = true;
      live->cancel = sf_attempt_has (live->folder, "cancel");
      if (g_file_test (live->folder, G_FILE_TEST_IS_DIR))
        sf_watch_add (self->watch, live->job->id, live->folder);
    }
  return jobs != NULL;
}

static void
usage_free (void *data)
{
  SfUsageRow *row = data;
  g_free (row->project);
  g_free (row);
}

static void
make_tables (SfDaemon *self)
{
  self->line = sf_line_new ();
  self->lives = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                       (GDestroyNotify) sf_live_free);
  self->usage = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, usage_free);
  self->used = g_hash_table_new (NULL, NULL);
  self->altered = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->silent = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->workers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) sf_worker_free);
  self->answers = sf_daemon_answers_new ();
  self->endings = g_thread_pool_new (sf_daemon_run_ending, self, ENDING_THREADS, FALSE, NULL);
  self->loop = g_main_loop_new (NULL, FALSE);
}

static bool
open_all (SfDaemon *self, GError **error)
{
  self->settings = sf_settings_read (self->folder, error);
  self->store = self->settings != NULL ? sf_store_open (self->folder, error) : NULL;
  self->watch = self->store != NULL ? sf_watch_new (sf_daemon_on_file, self, error) : NULL;
  if (self->watch == NULL || !sf_store_keep_short (self->store, error)
      || sf_daemon_worker (self, self->settings->executor, error) == NULL
      || !read_usage (self, error) || !read_lives (self, error))
    return false;
  self->server = sf_server_new (self->folder, sf_daemon_on_request, on_gone, self, error);
  return self->server != NULL;
}

static void
close_all (SfDaemon *self)
{
  g_clear_handle_id (&self->sweep_source, g_source_remove);
  self->closing = true;
  /* An executor may take its time: as long, whoever asks waits for the socket's end, not for one
   * that holds the lock and does not listen. Then he asks the next daemon. */
  g_thread_pool_free (self->endings, FALSE, TRUE);
  g_hash_table_remove_all (self->workers);
  /* Where its folder was made again, the socket there is another's. */
  sf_server_free (g_steal_pointer (&self->server), sf_daemon_is_orphaned (self));
  sf_daemon_answers_free (self->answers);
  self->answers = sf_daemon_answers_new ();
  /* What they have told is noted, if not any more acted upon. */
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  sf_daemon_give_notices (self, UINT_MAX);
  guint *const sources[] = { &self->turn_source,  &self->look_source,   &self->wake_source,
                             &self->sweep_source, &self->settle_source, &self->notice_source };
  for (size_t i = 0; i < G_N_ELEMENTS (sources); i++)
    if (*sources[i] != 0)
      g_source_remove (*sources[i]);
  sf_daemon_answers_free (self->answers);
  g_hash_table_unref (self->workers);
  g_hash_table_unref (self->silent);
  g_hash_table_unref (self->altered);
  g_hash_table_unref (self->used);
  g_hash_table_unref (self->usage);
  g_hash_table_unref (self->lives);
  sf_line_free (self->line);
  sf_watch_free (self->watch);
  sf_store_close (self->store);
  sf_settings_free (self->settings);
  g_main_loop_unref (self->loop);
  sf_daemon_give_back_lock (self);
  g_free (self->folder);
  g_free (self->boot_id);
  g_free (self->trouble);
}

static bool
any_busy (const SfDaemon *self)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((const SfLive *) value)->busy)
      return true;
  return false;
}

static gboolean
on_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* As long as it takes to give them, in their turn, requests are answered. */
static bool
has_to_stay (const SfDaemon *self, int64_t until)
{
  bool starts = any_busy (self) || self->turn_source != 0;
  return self->notices.length > 0 || (starts && g_get_monotonic_time () < until);
}

/* Until it is told to end, or nothing is left; then what is just being started is waited for. */
static void
run (SfDaemon *self)
{
  self->sweep_source = g_timeout_add (SWEEP_MS, sweep, self);
  sf_daemon_turn_soon (self);
  g_main_loop_run (self->loop);
  self->stopping = true;
  guint tick = g_timeout_add (50, on_tick, NULL);
  int64_t until = g_get_monotonic_time () + STOP_MS * 1000;
  while (has_to_stay (self, until))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (tick);
}

/* Tells whoever has started this process. */
static void
tell_ready (int fd, const GError *error)
{
  if (fd < 0)
    return;
  size_t n_bytes;
  g_autoptr (json_t) answer = error != NULL ? sf_protocol_refusal (error) : sf_protocol_answer ();
  g_autofree char *line = sf_protocol_line (answer, &n_bytes);
  if (write (fd, line, n_bytes) != (ssize_t) n_bytes)
    sf_log (SF_LOG_INFO, "nobody waits for this daemon");
  close (fd);
}

bool
sf_daemon_run (const SfDaemonOptions *options, GError **error)
{
  g_autoptr (GError) own = NULL;
  SfDaemon self = { .lock_fd = -1, .idle_s = options->idle_s, .boot_id = sf_boot_id () };
  g_autofree char *cgroup = sf_cgroup_own ();
  bool taken = false;
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN); /* a limit of whoever started it is an error like another */
  umask (0077);
  sf_limits_widen ();
  make_tables (&self);
  self.folder = sf_queue_folder (&own);
  bool good = self.folder != NULL && sf_daemon_take_lock (&self, &taken, &own);
  if (taken && cgroup != NULL)
    sf_cgroup_prepare (cgroup);
  good = good && (!taken || open_all (&self, &own));
  tell_ready (options->ready_fd, own);
  if (good && taken)
    {
      guint term = g_unix_signal_add (SIGTERM, on_stop, &self);
      guint interrupt = g_unix_signal_add (SIGINT, on_stop, &self);
      run (&self);
      g_source_remove (term);
      g_source_remove (interrupt);
    }
  close_all (&self);
  if (own != NULL)
    g_propagate_error (error, g_steal_pointer (&own));
  return good;
}
