/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of the daemon. */
#include <string.h>

#include "queue/daemon_state.h"
#include "queue/protocol.h"

/* False: nothing is changed, nothing was answered. True: it is answered, now or after the commit.
 */
typedef bool (*Handler) (SfDaemon *self, uint64_t peer, const json_t *request, GError **error);

/* ---- the situation ---- */

static void
add_running (SfDaemon *self, GArray *running)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SfJob *job = ((const SfLive *) value)->job;
      if (sf_job_state_is_final (job->state))
        continue;
      int64_t started = job->started_us != 0 ? job->started_us : g_get_real_time ();
      int64_t limit_us = MIN (job->time_limit_s, G_MAXINT32) * (int64_t) G_USEC_PER_SEC;
      SfRunningJob row = { .id = job->id,
                           .project = job->project,
                           .uses = sf_line_wants (job),
                           .first_rdu_tile = job->first_tile,
                           .started_us = started,
                           .ends_by_us = limit_us > 0 ? started + limit_us : 0 };
      g_array_append_val (running, row);
    }
}

SfSituation
sf_daemon_situation (SfDaemon *self, GArray **running, GArray **usage)
{
  GHashTableIter iter;
  gpointer value;
  *running = g_array_new (FALSE, FALSE, sizeof (SfRunningJob));
  *usage = g_array_new (FALSE, FALSE, sizeof (SfProjectUsage));
  add_running (self, *running);
  g_hash_table_iter_init (&iter, self->usage);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SfUsageRow *row = value;
      SfProjectUsage use
          = { .project = row->project, .core_seconds = row->core_s, .as_of_us = row->at_us };
      g_array_append_val (*usage, use);
    }
  return (SfSituation){ .now_us = g_get_real_time (),
                        .capacity = self->settings->capacity,
                        .running = (const SfRunningJob *) (void *) (*running)->data,
                        .n_running = (*running)->len,
                        .usage = (const SfProjectUsage *) (void *) (*usage)->data,
                        .n_usage = (*usage)->len };
}

/* ---- handlers ---- */

/* Something was submitted; whoever says so has not to wait until it is read. */
static bool
wake (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  sf_server_answer (self->server, peer, sf_protocol_answer ());
  sf_daemon_turn_soon (self);
  return true;
}

/* Whatever has happened by now is to be in the store. */
static bool
sync_store (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  GHashTableIter iter;
  gpointer live;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &live))
    ((SfLive *) live)->look = ((SfLive *) live)->look_closely = true;
  sf_daemon_answer_later (self, peer, sf_protocol_answer (), SF_ANSWER_SETTLED);
  return true;
}

static bool
fail_state (const SfJob *job, const char *wanted, GError **error)
{
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "job %" G_GINT64_FORMAT ": %s, wanted %s",
                  job->id, sf_job_state_name (job->state), wanted);
}

/* One that is neither in line nor under way has ended, or never was. */
static bool
fail_absent (SfDaemon *self, int64_t id, const char *wanted, GError **error)
{
  g_autoptr (SfJob) job = sf_store_get (self->store, id, error);
  return job != NULL && fail_state (job, wanted, error);
}

static bool
cancel_live (SfDaemon *self, SfLive *live, GError **error)
{
  /* The file comes first: a shepherd that has not yet begun reads it, and one that TERM ends before
   * it listens is then known to be cancelled, not lost. */
  live->cancel = true;
  if (live->begins || live->to_start)
    return true;
  if (!sf_attempt_mark_cancelled (live->folder, error))
    return false;
  if (live->job->handle != NULL || !live->busy)
    sf_daemon_signal (self, live);
  return true;
}

/* Its attempt has ended, and the next one is not recorded yet. */
static void
forgo_attempt (SfDaemon *self, SfLive *live)
{
  live->again_us = 0;
  sf_line_note_state (self->line, live->job->id, live->job->state);
}

static bool
cancel (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  int64_t id;
  if (!sf_json_get_int (request, "job", &id, "request", error))
    return false;
  SfJob *waiting = sf_line_take (self->line, id);
  SfLive *live = waiting != NULL ? sf_daemon_add_live (self, waiting)
                                 : sf_daemon_find_live (self, id);
  if (live == NULL)
    return fail_absent (self, id, "a job that has not ended", error);
  bool has_ended = sf_job_state_is_final (live->job->state);
  if (has_ended && live->again_us == 0)
    return fail_state (live->job, "a job that has not ended", error);
  if (waiting != NULL)
    sf_daemon_end_live (self, live, SF_JOB_CANCELLED,
                        g_strdup ("cancelled on request before it began"));
  else if (has_ended)
    forgo_attempt (self, live);
  else if (!cancel_live (self, live, error))
    return false;
  sf_daemon_answer_later (self, peer, sf_protocol_answer (), SF_ANSWER_RECORDED);
  return true;
}

static bool
set_held (SfDaemon *self, uint64_t peer, const json_t *request, bool held, GError **error)
{
  int64_t id;
  if (!sf_json_get_int (request, "job", &id, "request", error))
    return false;
  SfJob *job = sf_line_find (self->line, id);
  const SfLive *live = sf_daemon_find_live (self, id);
  if (job == NULL)
    return live != NULL ? fail_state (live->job, "a job that waits", error)
                        : fail_absent (self, id, "a job that waits", error);
  job->held = held;
  sf_line_changed (self->line, id);
  g_hash_table_add (self->altered, g_memdup2 (&id, sizeof id));
  sf_daemon_answer_later (self, peer, sf_protocol_answer (), SF_ANSWER_RECORDED);
  return true;
}

static bool
hold (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  return set_held (self, peer, request, true, error);
}

static bool
release (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  return set_held (self, peer, request, false, error);
}

/* A job that has ended, and not well, gets another attempt at once. */
static bool
retry (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  static const char wanted[] = "one that has ended and is not COMPLETED";
  int64_t id;
  if (!sf_json_get_int (request, "job", &id, "request", error))
    return false;
  const SfLive *under_way = sf_daemon_find_live (self, id);
  const SfJob *waiting = sf_line_find (self->line, id);
  if (under_way != NULL || waiting != NULL)
    return fail_state (under_way != NULL ? under_way->job : waiting, wanted, error);
  g_autoptr (SfJob) job = sf_store_get (self->store, id, error);
  if (job == NULL)
    return false;
  if (!sf_job_state_is_final (job->state) || !sf_job_state_may_become (job->state, SF_JOB_PENDING))
    return fail_state (job, wanted, error);
  SfLive *live = sf_daemon_add_live (self, g_steal_pointer (&job));
  live->again_us = g_get_real_time ();
  live->changed = true;
  sf_daemon_answer_later (self, peer, sf_protocol_answer (), SF_ANSWER_RECORDED);
  return true;
}

/* {"why":{"12":"waits for 2 cores: ..."}}: of every job in line, or of "job" alone. */
static bool
why (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  int64_t only = 0;
  if (json_object_get (request, "job") != NULL
      && !sf_json_get_int (request, "job", &only, "request", error))
    return false;
  g_autoptr (GArray) running = NULL;
  g_autoptr (GArray) usage = NULL;
  SfSituation situation = sf_daemon_situation (self, &running, &usage);
  g_autoptr (GHashTable) reasons = sf_line_reasons (self->line, &situation);
  json_t *texts = json_object (), *answer = sf_protocol_answer ();
  GHashTableIter iter;
  gpointer id, reason;
  g_hash_table_iter_init (&iter, reasons);
  while (g_hash_table_iter_next (&iter, &id, &reason))
    {
      g_autofree char *key = g_strdup_printf ("%" G_GINT64_FORMAT, *(const int64_t *) id);
      if (only == 0 || only == *(const int64_t *) id)
        json_object_set_new (texts, key, json_string (reason));
    }
  json_object_set_new (answer, "why", texts);
  sf_server_answer (self->server, peer, answer);
  return true;
}

static bool
status (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  json_t *answer = sf_protocol_answer ();
  g_autoptr (json_t) rest = json_pack (
      "{s:i, s:i, s:i, s:I, s:s?, s:{s:I, s:I, s:I}}", "pid", (int) getpid (), "pending",
      (int) sf_line_length (self->line), "live", (int) g_hash_table_size (self->lives), "commits",
      (json_int_t) self->n_commits, "trouble", self->trouble, "capacity", "cores",
      (json_int_t) self->settings->capacity.cores, "memory_bytes",
      (json_int_t) self->settings->capacity.memory_bytes, "tiles",
      (json_int_t) self->settings->capacity.rdu_tiles);
  json_object_update (answer, rest);
  sf_server_answer (self->server, peer, answer);
  return true;
}

static const struct
{
  const char *what;
  Handler handle;
  bool about_jobs; /* also those that were submitted a moment ago */
} handlers[] = {
  { "wake", wake, false }, { "sync", sync_store, false }, { "cancel", cancel, true },
  { "hold", hold, true },  { "release", release, true },  { "retry", retry, true },
  { "why", why, true },    { "status", status, false },
};

void
sf_daemon_on_request (void *data, uint64_t peer, const char *what, const json_t *request)
{
  SfDaemon *self = data;
  g_autoptr (GError) error = NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (handlers); i++)
    if (strcmp (handlers[i].what, what) == 0)
      {
        if ((handlers[i].about_jobs && !sf_daemon_take_in (self, &error))
            || !handlers[i].handle (self, peer, request, &error))
          sf_server_answer (self->server, peer, sf_protocol_refusal (error));
        return;
      }
  sf_fail (&error, SF_ERROR_INVALID_ARGUMENT,
           "request: do: found \"%s\", wanted one that this sfd knows", what);
  sf_server_answer (self->server, peer, sf_protocol_refusal (error));
}
