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
                           .ends_by_us = limit_us > 0 ? started + limit_us : 0,
                           .array = job->at_once > 0 ? job->submission : 0 };
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

/* Does it to all jobs that the request names: one turn, and so one transaction, records them. Of
 * many, those to which it cannot be done keep no other from it. */
static bool
act_on_jobs (SfDaemon *self, uint64_t peer, const json_t *request, SfDaemonAct act, GError **error)
{
  bool many;
  g_autoptr (GArray) ids = sf_protocol_read_jobs (request, &many, error);
  g_autoptr (json_t) answer = sf_protocol_answer ();
  for (guint i = 0; ids != NULL && i < ids->len; i++)
    {
      g_autoptr (GError) own = NULL;
      int64_t id = g_array_index (ids, int64_t, i);
      if (act (self, id, &own))
        continue;
      if (!many)
        {
          g_propagate_error (error, g_steal_pointer (&own));
          return false;
        }
      sf_protocol_refuse_job (answer, id, own);
    }
  if (ids == NULL)
    return false;
  sf_daemon_answer_later (self, peer, g_steal_pointer (&answer), SF_ANSWER_RECORDED);
  return true;
}

/* {"why":{"12":"waits for 2 cores: ..."}}: of the jobs that the request names, or of all in line.
 */
static bool
why (SfDaemon *self, uint64_t peer, const json_t *request, GError **error)
{
  bool all = json_object_get (request, "job") == NULL && json_object_get (request, "jobs") == NULL;
  bool many;
  g_autoptr (GArray) ids = !all ? sf_protocol_read_jobs (request, &many, error) : NULL;
  if (!all && ids == NULL)
    return false;
  g_autoptr (GArray) running = NULL;
  g_autoptr (GArray) usage = NULL;
  SfSituation situation = sf_daemon_situation (self, &running, &usage);
  g_autoptr (GHashTable) reasons = sf_line_reasons (self->line, &situation, ids);
  json_t *texts = json_object (), *answer = sf_protocol_answer ();
  GHashTableIter iter;
  gpointer id, reason;
  g_hash_table_iter_init (&iter, reasons);
  while (g_hash_table_iter_next (&iter, &id, &reason))
    {
      g_autofree char *key = g_strdup_printf ("%" G_GINT64_FORMAT, *(const int64_t *) id);
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
  SfDaemonAct act; /* in its place: what is done to each job that the request names */
  bool about_jobs; /* also those that were submitted a moment ago */
} handlers[] = {
  { "wake", wake, NULL, false },
  { "sync", sync_store, NULL, false },
  { "cancel", NULL, sf_daemon_cancel, true },
  { "hold", NULL, sf_daemon_hold, true },
  { "release", NULL, sf_daemon_release, true },
  { "retry", NULL, sf_daemon_retry, true },
  { "why", why, NULL, true },
  { "status", status, NULL, false },
};

static bool
handle (SfDaemon *self, size_t i, uint64_t peer, const json_t *request, GError **error)
{
  if (handlers[i].about_jobs && !sf_daemon_take_in (self, error))
    return false;
  return handlers[i].act != NULL ? act_on_jobs (self, peer, request, handlers[i].act, error)
                                 : handlers[i].handle (self, peer, request, error);
}

void
sf_daemon_on_request (void *data, uint64_t peer, const char *what, const json_t *request)
{
  SfDaemon *self = data;
  g_autoptr (GError) error = NULL;
  size_t i = 0;
  while (i < G_N_ELEMENTS (handlers) && strcmp (handlers[i].what, what) != 0)
    i++;
  if (i == G_N_ELEMENTS (handlers))
    sf_fail (&error, SF_ERROR_INVALID_ARGUMENT,
             "request: do: found \"%s\", wanted one that this sfd knows", what);
  if (error != NULL || !handle (self, i, peer, request, &error))
    sf_server_answer (self->server, peer, sf_protocol_refusal (error));
}
