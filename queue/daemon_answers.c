/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the daemon that wait until something is recorded. */
#include "queue/daemon_state.h"
#include "queue/protocol.h"

enum
{
  SETTLE_MS = 1000
};

typedef struct
{
  uint64_t peer;
  json_t *answer;
  SfAnswerTime time;
  int64_t until_us; /* monotonic: at the latest */
} Answer;

GArray *
sf_daemon_answers_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (Answer));
}

void
sf_daemon_answers_free (GArray *answers)
{
  for (guint i = 0; i < answers->len; i++)
    json_decref (g_array_index (answers, Answer, i).answer);
  g_array_unref (answers);
}

void
sf_daemon_answer_later (SfDaemon *self, uint64_t peer, json_t *answer, SfAnswerTime time)
{
  Answer row = { peer, answer, time, g_get_monotonic_time () + SETTLE_MS * 1000 };
  g_array_append_val (self->answers, row);
  sf_daemon_turn_soon (self);
}

static bool
is_settled (const SfDaemon *self)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->lives);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SfLive *live = value;
      if (live->busy || live->asked || live->leaving || live->changed)
        return false;
    }
  return true;
}

static gboolean
on_settle (gpointer data)
{
  SfDaemon *self = data;
  self->settle_source = 0;
  sf_daemon_turn_soon (self);
  return G_SOURCE_REMOVE;
}

void
sf_daemon_give_answers (SfDaemon *self)
{
  int64_t now = g_get_monotonic_time ();
  bool settled = self->answers->len == 0 || is_settled (self);
  guint kept = 0;
  for (guint i = 0; i < self->answers->len; i++)
    {
      Answer *answer = &g_array_index (self->answers, Answer, i);
      if (answer->time == SF_ANSWER_RECORDED || settled || now >= answer->until_us)
        sf_server_answer (self->server, answer->peer, answer->answer);
      else
        g_array_index (self->answers, Answer, kept++) = *answer;
    }
  g_array_set_size (self->answers, kept);
  if (kept > 0 && self->settle_source == 0)
    self->settle_source = g_timeout_add (SETTLE_MS, on_settle, self);
}

void
sf_daemon_give_bad_answers (SfDaemon *self)
{
  for (guint i = 0; i < self->answers->len; i++)
    {
      Answer *answer = &g_array_index (self->answers, Answer, i);
      if (answer->time == SF_ANSWER_RECORDED)
        {
          g_autoptr (GError) error = NULL;
          sf_fail (&error, SF_ERROR_IO, "noted, but not recorded yet: %s; sfd goes on trying",
                   self->trouble);
          json_decref (answer->answer);
          answer->answer = sf_protocol_refusal (error);
        }
      else
        sf_protocol_warn (answer->answer, self->trouble);
      sf_server_answer (self->server, answer->peer, answer->answer);
    }
  g_array_set_size (self->answers, 0);
}
