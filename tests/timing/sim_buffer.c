/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers of T2: tokens complete and free, ports of the PMUs. */
#include "tests/timing/sim.h"

static int64_t
tokens_after (const Port *port, int64_t iterations, int64_t tokens)
{
  if (port->resident)
    return iterations >= port->iterations ? tokens : 0;
  return MIN (tokens, iterations * port->rate);
}

/* Iterations that are complete by what has been taken; those without vectors are complete with the
 * one before. */
static void
arrival_settle (Arrival *arrival)
{
  while (arrival->done < arrival->flow->n)
    {
      int64_t due = share_of (arrival->flow, arrival->done, arrival->unit, arrival->n_units);
      if (arrival->taken < due)
        return;
      arrival->taken -= due;
      arrival->done++;
    }
}

/* Iterations whose vectors have all been stored; those of a stage have been computed, too. */
static int64_t
writer_done (const Writer *writer)
{
  int64_t done = writer->port.iterations;
  for (guint i = 0; i < writer->arrivals->len; i++)
    {
      Arrival *arrival = g_ptr_array_index (writer->arrivals, i);
      arrival_settle (arrival);
      done = MIN (done, arrival->done);
    }
  for (guint i = 0; writer->stage != NULL && i < writer->stage->pcus->len; i++)
    done = MIN (done, ((const Pcu *) g_ptr_array_index (writer->stage->pcus, i))->iteration);
  return done;
}

int64_t
buffer_written (const Buffer *buffer)
{
  int64_t written = buffer->buffer.tokens;
  for (guint i = 0; i < buffer->writers->len; i++)
    {
      const Writer *writer = g_ptr_array_index (buffer->writers, i);
      written = MIN (written,
                     tokens_after (&writer->port, writer_done (writer), buffer->buffer.tokens));
    }
  return written;
}

int64_t
buffer_freed (const Buffer *buffer)
{
  int64_t freed = buffer->buffer.tokens;
  for (guint i = 0; i < buffer->readers->len; i++)
    {
      const Reader *reader = g_ptr_array_index (buffer->readers, i);
      freed = MIN (freed, tokens_after (&reader->port, reader->done, buffer->buffer.tokens));
    }
  return freed;
}

static int64_t
tokens_needed (const Port *port, int64_t iteration, int64_t tokens)
{
  return port->resident ? tokens : MIN (tokens, (iteration + 1) * port->rate);
}

bool
reader_has_tokens (const Sim *sim, const Port *port, int64_t iteration)
{
  const Buffer *buffer = g_ptr_array_index (sim->buffers, port->buffer);
  return buffer_written (buffer) >= tokens_needed (port, iteration, buffer->buffer.tokens);
}

bool
writer_has_room (const Sim *sim, const Port *port, int64_t iteration)
{
  const Buffer *buffer = g_ptr_array_index (sim->buffers, port->buffer);
  int64_t needed = tokens_needed (port, iteration, buffer->buffer.tokens);
  return needed - buffer_freed (buffer) <= buffer->buffer.depth;
}

/* ---- arrivals ---- */

Arrival *
inbox_find (const Sim *sim, Inbox *inbox)
{
  guint n = inbox->arrivals->len;
  for (guint i = 0; i < n; i++)
    {
      guint at = (inbox->turn + i) % n;
      Arrival *arrival = g_ptr_array_index (inbox->arrivals, at);
      if (!network_has_arrived (sim->network, arrival->transfer, arrival->sink, sim->now))
        continue;
      inbox->turn = at + 1;
      return arrival;
    }
  return NULL;
}

void
arrival_take (const Sim *sim, Arrival *arrival)
{
  network_take (sim->network, arrival->transfer, arrival->sink, sim->now);
  arrival->taken++;
  arrival->index++;
}

/* ---- ports ---- */

/* Vectors of a multicast that other PMUs store pass by without a port. */
static bool
take_one (Sim *sim, Inbox *inbox, int64_t *ports)
{
  Arrival *arrival = inbox_find (sim, inbox);
  if (arrival == NULL)
    return false;
  bool ours = arrival->index % arrival->n_stored == arrival->stored;
  if (ours && *ports == 0)
    return false;
  *ports -= ours;
  arrival_take (sim, arrival);
  return ours;
}

void
pmu_take (Sim *sim, Pmu *pmu)
{
  int64_t ports = sim->info.pmu_write_ports;
  guint n = pmu->inboxes->len, begin = pmu->write_turn;
  for (guint i = 0; i < n; i++)
    {
      guint at = (begin + i) % n;
      if (take_one (sim, g_ptr_array_index (pmu->inboxes, at), &ports))
        pmu->write_turn = at + 1;
    }
}

void
pmu_send (Sim *sim, Pmu *pmu)
{
  int64_t ports = sim->info.pmu_read_ports;
  guint n = pmu->feeds->len, begin = pmu->read_turn;
  for (guint i = 0; i < n && ports > 0; i++)
    {
      guint at = (begin + i) % n;
      Feed *feed = g_ptr_array_index (pmu->feeds, at);
      if (feed->sent >= feed->asked || !network_has_room (sim->network, feed->transfer))
        continue;
      network_send (sim->network, feed->transfer, sim->now);
      feed->sent++;
      ports--;
      pmu->read_turn = at + 1;
    }
}
