/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of T2. An iteration goes in N steps, N being the cycles that it takes when nothing is in
 * the way: with step k the counters of the stage ask its PMUs for vector k V / N of each operand's
 * V; the PCUs, the length of the nets behind, go a step when its vectors are there, and make
 * results at the same pace. The counters wait for PMUs and PCUs that fall behind. */
#include "tests/timing/sim.h"

/* ---- counters ---- */

static bool
may_begin (const Sim *sim, const Stage *stage)
{
  for (guint i = 0; i < stage->readers->len; i++)
    {
      const Reader *reader = g_ptr_array_index (stage->readers, i);
      if (!reader_has_tokens (sim, &reader->port, stage->iteration))
        return false;
    }
  for (guint i = 0; i < stage->writers->len; i++)
    {
      const Writer *writer = g_ptr_array_index (stage->writers, i);
      if (!writer_has_room (sim, &writer->port, stage->iteration))
        return false;
    }
  return true;
}

/* Whether every feed of the stage is at most `lag` vectors behind what it was asked for. */
static bool
feeds_are_sent (const Stage *stage, int64_t lag)
{
  for (guint i = 0; i < stage->readers->len; i++)
    {
      const Reader *reader = g_ptr_array_index (stage->readers, i);
      for (guint u = 0; u < reader->feeds->len; u++)
        {
          const Feed *feed = g_ptr_array_index (reader->feeds, u);
          if (feed->sent + lag < feed->asked)
            return false;
        }
    }
  return true;
}

static void
end_iteration (Stage *stage)
{
  stage->at_work = false;
  stage->iteration++;
  for (guint i = 0; i < stage->readers->len; i++)
    {
      Reader *reader = g_ptr_array_index (stage->readers, i);
      reader->done = stage->iteration;
      for (guint u = 0; u < reader->feeds->len; u++)
        {
          Feed *feed = g_ptr_array_index (reader->feeds, u);
          feed->asked = feed->sent = 0;
        }
    }
}

static bool
pcus_are_near (const Stage *stage)
{
  for (guint i = 0; i < stage->pcus->len; i++)
    {
      const Pcu *pcu = g_ptr_array_index (stage->pcus, i);
      if (stage->n_steps - pcu->n_steps > stage->reach)
        return false;
    }
  return true;
}

static void
step_on (Stage *stage)
{
  stage->step++;
  stage->n_steps++;
  for (guint i = 0; i < stage->readers->len; i++)
    {
      const Reader *reader = g_ptr_array_index (stage->readers, i);
      for (guint u = 0; u < reader->feeds->len; u++)
        {
          Feed *feed = g_ptr_array_index (reader->feeds, u);
          feed->asked = asked_until (feed->flow, stage->iteration, feed->unit, feed->n_units,
                                     stage->step, stage->pace[stage->iteration]);
        }
    }
}

void
stage_end (G_GNUC_UNUSED Sim *sim, Stage *stage)
{
  if (stage->at_work && stage->step == stage->pace[stage->iteration] && feeds_are_sent (stage, 0))
    end_iteration (stage);
}

void
stage_begin (Sim *sim, Stage *stage)
{
  if (!stage->at_work && stage->iteration < stage->work->iterations && may_begin (sim, stage))
    {
      stage->at_work = true;
      stage->step = 0;
    }
  if (stage->at_work && stage->step < stage->pace[stage->iteration] && feeds_are_sent (stage, 1)
      && pcus_are_near (stage))
    step_on (stage);
}

/* ---- PCUs ---- */

/* What comes before its time waits in the PCU: ways differ in length, and the counters see to it
 * that it is not much. */
static void
take_operand (Sim *sim, Inbox *inbox)
{
  Arrival *arrival = inbox_find (sim, inbox);
  if (arrival != NULL)
    arrival_take (sim, arrival);
}

static bool
has_inputs (const Stage *stage, const Pcu *pcu)
{
  int64_t n_steps = stage->pace[pcu->iteration];
  for (guint i = 0; i < pcu->inboxes->len; i++)
    {
      const Inbox *inbox = g_ptr_array_index (pcu->inboxes, i);
      for (guint k = 0; k < inbox->arrivals->len; k++)
        {
          const Arrival *a = g_ptr_array_index (inbox->arrivals, k);
          if (a->taken
              < asked_until (a->flow, pcu->iteration, a->unit, a->n_units, pcu->step + 1, n_steps))
            return false;
        }
    }
  return true;
}

/* The pipeline stands still when its results do not get away. */
static bool
has_outlet (const Sim *sim, const Pcu *pcu)
{
  for (guint i = 0; i < pcu->outlets->len; i++)
    {
      Outlet *outlet = g_ptr_array_index (pcu->outlets, i);
      if ((int64_t) g_queue_get_length (&outlet->pipe)
          >= sim->info.pcu_latency_cycles + sim->info.fifo_vectors)
        return false;
    }
  return true;
}

static void
produce (const Sim *sim, const Stage *stage, const Pcu *pcu, Outlet *outlet)
{
  int64_t until = made_until (outlet->feed->flow, pcu->iteration, outlet->feed->unit,
                              outlet->feed->n_units, pcu->step, stage->pace[pcu->iteration]);
  for (; outlet->produced < until; outlet->produced++)
    g_queue_push_tail (&outlet->pipe, GSIZE_TO_POINTER (sim->now + sim->info.pcu_latency_cycles));
}

static void
end_pcu_iteration (Pcu *pcu)
{
  for (guint i = 0; i < pcu->inboxes->len; i++)
    {
      const Inbox *inbox = g_ptr_array_index (pcu->inboxes, i);
      for (guint k = 0; k < inbox->arrivals->len; k++)
        {
          Arrival *a = g_ptr_array_index (inbox->arrivals, k);
          a->taken -= share_of (a->flow, pcu->iteration, a->unit, a->n_units);
        }
    }
  for (guint i = 0; i < pcu->outlets->len; i++)
    ((Outlet *) g_ptr_array_index (pcu->outlets, i))->produced = 0;
  pcu->step = 0;
  pcu->iteration++;
}

static void
pcu_compute (Sim *sim, const Stage *stage, Pcu *pcu)
{
  for (guint i = 0; i < pcu->inboxes->len; i++)
    take_operand (sim, g_ptr_array_index (pcu->inboxes, i));
  bool asked = pcu->iteration < stage->iteration
               || (stage->at_work && pcu->iteration == stage->iteration && pcu->step < stage->step);
  if (!asked || !has_inputs (stage, pcu) || !has_outlet (sim, pcu))
    return;
  pcu->step++;
  pcu->n_steps++;
  for (guint i = 0; i < pcu->outlets->len; i++)
    produce (sim, stage, pcu, g_ptr_array_index (pcu->outlets, i));
  if (pcu->step == stage->pace[pcu->iteration])
    end_pcu_iteration (pcu);
}

void
stage_compute (Sim *sim, Stage *stage)
{
  for (guint i = 0; i < stage->pcus->len; i++)
    pcu_compute (sim, stage, g_ptr_array_index (stage->pcus, i));
}

void
stage_send (Sim *sim, Stage *stage)
{
  for (guint i = 0; i < stage->pcus->len; i++)
    {
      const Pcu *pcu = g_ptr_array_index (stage->pcus, i);
      for (guint k = 0; k < pcu->outlets->len; k++)
        {
          Outlet *outlet = g_ptr_array_index (pcu->outlets, k);
          if (g_queue_is_empty (&outlet->pipe)
              || (int64_t) GPOINTER_TO_SIZE (g_queue_peek_head (&outlet->pipe)) > sim->now
              || !network_has_room (sim->network, outlet->feed->transfer))
            continue;
          g_queue_pop_head (&outlet->pipe);
          network_send (sim->network, outlet->feed->transfer, sim->now);
        }
    }
}
