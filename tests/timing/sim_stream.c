/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of T2: memory serves vectors in turn as bytes accumulate, AGCUs pass them on. */
#include "tests/timing/sim.h"

static bool
feeds_are_sent (const Stream *stream, int64_t lag)
{
  for (guint u = 0; u < stream->reader->feeds->len; u++)
    {
      const Feed *feed = g_ptr_array_index (stream->reader->feeds, u);
      if (feed->sent + lag < feed->asked)
        return false;
    }
  return true;
}

/* A token out is free when its last vector has left its PMU. */
void
stream_end (G_GNUC_UNUSED Sim *sim, Stream *stream)
{
  if (!stream->at_work || stream->asked < stream->flow.vectors[stream->token]
      || !feeds_are_sent (stream, 0))
    return;
  stream->reader->done = ++stream->token;
  stream->at_work = false;
}

/* The AGCU asks the PMUs in turn, for as many vectors a cycle as it takes. */
static void
ask_for_vectors (const Sim *sim, Stream *stream)
{
  for (int64_t i = 0; i < sim->info.agcu_vectors && feeds_are_sent (stream, 1)
                      && stream->asked < stream->flow.vectors[stream->token];
       i++)
    {
      Feed *feed = g_ptr_array_index (stream->reader->feeds,
                                      (guint) stream->asked++ % stream->reader->feeds->len);
      feed->asked++;
    }
}

static void
begin_token_out (Sim *sim, Stream *stream)
{
  if (!stream->at_work && stream->token < stream->tokens
      && reader_has_tokens (sim, &stream->reader->port, stream->token))
    {
      stream->at_work = true;
      stream->asked = 0;
      for (guint u = 0; u < stream->reader->feeds->len; u++)
        {
          Feed *feed = g_ptr_array_index (stream->reader->feeds, u);
          feed->asked = feed->sent = 0;
        }
    }
  if (stream->at_work)
    ask_for_vectors (sim, stream);
}

/* Tokens in are asked for as soon as there is room, those out when they are complete. */
void
stream_begin (Sim *sim, Stream *stream)
{
  if (stream->stream.out)
    begin_token_out (sim, stream);
  else
    while (stream->token < stream->tokens
           && writer_has_room (sim, &stream->writer->port, stream->token))
      stream->token++;
}

bool
stream_has_ended (const Stream *stream)
{
  return stream->served_token == stream->tokens;
}

/* ---- memory ---- */

static bool
wants_service (const Stream *stream)
{
  if (stream->stream.out)
    return stream->landed > 0;
  return stream->served_token < stream->token;
}

static int64_t
next_bytes (const Stream *stream)
{
  int64_t bytes = stream->served_token + 1 == stream->tokens ? stream->last_bytes
                                                             : stream->token_bytes;
  return MIN (stream->unit_bytes, bytes - stream->served_vector * stream->unit_bytes);
}

static void
serve (Sim *sim, const Level *level, Stream *stream)
{
  if (stream->stream.out)
    stream->landed--;
  else
    g_queue_push_tail (&stream->loaded, GSIZE_TO_POINTER (sim->now + level->latency_cycles));
  if (++stream->served_vector == stream->flow.vectors[stream->served_token])
    {
      stream->served_vector = 0;
      stream->served_token++;
    }
}

/* Bytes that nobody waits for are lost; a vector goes when the bytes for all of it are there. */
void
level_serve (Sim *sim, Level *level)
{
  level->budget += level->level.bytes_per_s;
  guint n = level->streams->len, idle = 0;
  while (idle < n)
    {
      Stream *stream = g_ptr_array_index (level->streams, level->turn % n);
      if (!wants_service (stream))
        {
          level->turn++;
          idle++;
          continue;
        }
      int64_t cost = next_bytes (stream) * sim->info.clock_hz;
      if (cost > level->budget)
        return;
      level->budget -= cost;
      serve (sim, level, stream);
      level->turn++;
      idle = 0;
    }
  level->budget = 0;
}

/* ---- AGCUs ---- */

static bool
pass_in (Sim *sim, Stream *stream)
{
  Feed *feed = g_ptr_array_index (stream->writer->feeds, 0);
  if (g_queue_is_empty (&stream->loaded)
      || (int64_t) GPOINTER_TO_SIZE (g_queue_peek_head (&stream->loaded)) > sim->now
      || !network_has_room (sim->network, feed->transfer))
    return false;
  g_queue_pop_head (&stream->loaded);
  network_send (sim->network, feed->transfer, sim->now);
  return true;
}

static bool
pass_out (Sim *sim, Stream *stream)
{
  if (stream->landed >= sim->info.fifo_vectors * sim->info.agcu_vectors)
    return false;
  Arrival *arrival = inbox_find (sim, stream->inbox);
  if (arrival == NULL)
    return false;
  arrival_take (sim, arrival);
  stream->landed++;
  return true;
}

/* An AGCU passes agcu_vectors a cycle, of all its streams, in turn; out, several PMUs may send to
 * one stream at a time. */
void
agcu_step (Sim *sim, Agcu *agcu)
{
  int64_t free = sim->info.agcu_vectors;
  guint n = agcu->streams->len, idle = 0;
  while (free > 0 && idle < n)
    {
      Stream *stream = g_ptr_array_index (agcu->streams, agcu->turn++ % n);
      bool passed = stream->stream.out ? pass_out (sim, stream) : pass_in (sim, stream);
      idle = passed ? 0 : idle + 1;
      free -= passed;
    }
}
