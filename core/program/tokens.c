/* SPDX-License-Identifier: Apache-2.0 */
/* Token simulation of one section: who fires when, where it comes to a stop, and how deep buffers
 * have to be for it not to. The checker of depths (check_tokens.c) has its own.
 *
 * Firing is monotone - what may fire stays allowed to fire until it does - so the order in which
 * agents are tried does not change where the section ends. When nothing can fire and something is
 * left to do, a cycle of agents waits on itself; a full buffer on that cycle is what has to grow.
 */
#include <string.h>

#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* One way in which an agent touches a buffer. */
typedef struct
{
  uint32_t buffer;
  uint32_t agent;
  bool out, resident;
  int64_t rate;
  int64_t done; /* tokens read and given back, or written and handed over */
} Port;

/* A stage or a stream. */
typedef struct
{
  uint32_t index; /* of the stage or stream */
  bool is_stream;
  int64_t iterations, fired;
  size_t first_port, n_ports;
} Agent;

typedef struct
{
  const SfConfigStore *config;
  GArray *ports, *agents;
  uint32_t *of_buffer; /* ports by buffer, in their order */
  uint32_t *first_of;  /* per buffer and one more: where its ports begin */
  int64_t *depth;      /* per buffer */
  int64_t *written;    /* per buffer: tokens handed over */
  int64_t *freed;      /* per buffer: tokens that every reader has given back */
  GQueue todo;         /* agents that may fire, for all that is known */
  bool *queued;        /* per agent */
  size_t n_done;       /* agents that are through */
  uint32_t *seen_at;   /* per agent: step of a walk, from 1 */
} Simulation;

static bool
same_out_port (const Simulation *sim, size_t first, const SfOperand *operand)
{
  for (size_t p = first; p < sim->ports->len; p++)
    if (AT (sim->ports, Port, p).out && AT (sim->ports, Port, p).buffer == operand->buffer)
      return true;
  return false;
}

static void
add_stage (Simulation *sim, uint32_t index)
{
  const SfStage *stage = &AT (sim->config->stages, SfStage, index);
  Agent agent = { index, false, sf_stage_iterations (stage), 0, sim->ports->len, 0 };
  for (size_t i = 0; i < stage->n_operands; i++)
    {
      const SfOperand *o = &stage->operands[i];
      bool out = o->kind == SF_OPERAND_OUT;
      if (o->kind == SF_OPERAND_TEMP || (out && same_out_port (sim, agent.first_port, o)))
        continue;
      Port port = { o->buffer, sim->agents->len, out, o->counter < 0, o->rate, 0 };
      g_array_append_val (sim->ports, port);
    }
  agent.n_ports = sim->ports->len - agent.first_port;
  g_array_append_val (sim->agents, agent);
}

static void
add_stream (Simulation *sim, uint32_t index)
{
  const SfStream *stream = &AT (sim->config->streams, SfStream, index);
  Agent agent = {
    index, true, AT (sim->config->buffers, SfBuffer, stream->buffer).tokens, 0, sim->ports->len, 1
  };
  Port port = { stream->buffer, sim->agents->len, !stream->out, false, 1, 0 };
  g_array_append_val (sim->ports, port);
  g_array_append_val (sim->agents, agent);
}

static void
index_ports (Simulation *sim, uint32_t n_buffers)
{
  sim->of_buffer = g_new (uint32_t, sim->ports->len + 1);
  sim->first_of = g_new0 (uint32_t, n_buffers + 2);
  /* Counted one place up, so that filling moves each start to where it belongs. */
  for (guint p = 0; p < sim->ports->len; p++)
    sim->first_of[AT (sim->ports, Port, p).buffer + 2]++;
  for (uint32_t b = 1; b < n_buffers; b++)
    sim->first_of[b + 1] += sim->first_of[b];
  for (guint p = 0; p < sim->ports->len; p++)
    sim->of_buffer[sim->first_of[AT (sim->ports, Port, p).buffer + 1]++] = p;
}

static void
put_on_list (Simulation *sim, uint32_t agent)
{
  if (sim->queued[agent])
    return;
  sim->queued[agent] = true;
  g_queue_push_tail (&sim->todo, GUINT_TO_POINTER (agent));
}

static void
simulation_init (Simulation *sim, const SfConfigStore *config, int64_t *depth)
{
  *sim = (Simulation){ .config = config,
                       .ports = g_array_new (FALSE, TRUE, sizeof (Port)),
                       .agents = g_array_new (FALSE, TRUE, sizeof (Agent)),
                       .depth = depth,
                       .written = g_new0 (int64_t, config->buffers->len + 1),
                       .freed = g_new0 (int64_t, config->buffers->len + 1) };
  for (uint32_t i = 0; i < config->streams->len; i++)
    add_stream (sim, i);
  for (uint32_t i = 0; i < config->stages->len; i++)
    add_stage (sim, i);
  index_ports (sim, config->buffers->len);
  guint n = sim->agents->len;
  g_queue_init (&sim->todo);
  sim->queued = g_new0 (bool, n + 1);
  sim->seen_at = g_new0 (uint32_t, n + 1);
  for (uint32_t i = 0; i < n; i++)
    if (AT (sim->agents, Agent, i).iterations > 0)
      put_on_list (sim, i);
    else
      sim->n_done++;
}

static void
simulation_clear (Simulation *sim)
{
  g_queue_clear (&sim->todo);
  g_free (sim->queued);
  g_free (sim->seen_at);
  g_free (sim->of_buffer);
  g_free (sim->first_of);
  g_array_unref (sim->ports);
  g_array_unref (sim->agents);
  g_free (sim->written);
  g_free (sim->freed);
}

static int64_t
buffer_tokens (const Simulation *sim, uint32_t buffer)
{
  return AT (sim->config->buffers, SfBuffer, buffer).tokens;
}

/* Tokens that must be in the buffer (reader) or places that must be reserved, counted from the
 * start (writer), for the agent's next firing. */
static int64_t
port_needs (const Simulation *sim, const Agent *agent, const Port *port)
{
  int64_t all = buffer_tokens (sim, port->buffer);
  return port->resident ? all : MIN (all, (agent->fired + 1) * port->rate);
}

static bool
port_ready (const Simulation *sim, const Agent *agent, const Port *port)
{
  int64_t needs = port_needs (sim, agent, port);
  if (!port->out)
    return sim->written[port->buffer] >= needs;
  return needs - sim->freed[port->buffer] <= sim->depth[port->buffer];
}

/* The port that keeps the agent from firing, or NULL. */
static const Port *
blocking_port (const Simulation *sim, const Agent *agent)
{
  for (size_t p = 0; p < agent->n_ports; p++)
    {
      const Port *port = &AT (sim->ports, Port, agent->first_port + p);
      if (!port_ready (sim, agent, port))
        return port;
    }
  return NULL;
}

static void
update_freed (Simulation *sim, uint32_t buffer)
{
  int64_t freed = INT64_MAX;
  for (uint32_t i = sim->first_of[buffer]; i < sim->first_of[buffer + 1]; i++)
    {
      const Port *port = &AT (sim->ports, Port, sim->of_buffer[i]);
      if (!port->out)
        freed = MIN (freed, port->done);
    }
  sim->freed[buffer] = freed == INT64_MAX ? 0 : freed;
}

static void
complete_firing (Simulation *sim, Agent *agent)
{
  agent->fired++;
  for (size_t p = 0; p < agent->n_ports; p++)
    {
      Port *port = &AT (sim->ports, Port, agent->first_port + p);
      int64_t all = buffer_tokens (sim, port->buffer);
      bool last = agent->fired >= agent->iterations;
      if (port->resident && !last)
        continue;
      port->done = port->resident ? all : MIN (all, agent->fired * port->rate);
      if (port->out)
        sim->written[port->buffer] = port->done;
      else
        update_freed (sim, port->buffer);
    }
}

/* Who touches the buffer may go on now. */
static void
wake (Simulation *sim, uint32_t buffer)
{
  for (uint32_t i = sim->first_of[buffer]; i < sim->first_of[buffer + 1]; i++)
    put_on_list (sim, AT (sim->ports, Port, sim->of_buffer[i]).agent);
}

/* Fires all that can be fired; true when everything is done. */
static bool
run_dry (Simulation *sim)
{
  while (!g_queue_is_empty (&sim->todo))
    {
      uint32_t index = GPOINTER_TO_UINT (g_queue_pop_head (&sim->todo));
      Agent *agent = &AT (sim->agents, Agent, index);
      int64_t before = agent->fired;
      sim->queued[index] = false;
      while (agent->fired < agent->iterations && blocking_port (sim, agent) == NULL)
        complete_firing (sim, agent);
      if (agent->fired == before)
        continue;
      sim->n_done += agent->fired >= agent->iterations;
      for (size_t p = 0; p < agent->n_ports; p++)
        wake (sim, AT (sim->ports, Port, agent->first_port + p).buffer);
    }
  return sim->n_done == sim->agents->len;
}

/* The unfinished agent that `port` of a blocked agent waits for: the buffer's writer, or the reader
 * that lags most. SF_NONE: there is none. */
static uint32_t
waits_for (const Simulation *sim, const Port *port)
{
  uint32_t found = SF_NONE;
  int64_t least = INT64_MAX;
  for (uint32_t i = sim->first_of[port->buffer]; i < sim->first_of[port->buffer + 1]; i++)
    {
      const Port *other = &AT (sim->ports, Port, sim->of_buffer[i]);
      if (other->out != port->out && other->done < least)
        {
          least = other->done;
          found = other->agent;
        }
    }
  return found != SF_NONE
                 && AT (sim->agents, Agent, found).fired < AT (sim->agents, Agent, found).iterations
             ? found
             : SF_NONE;
}

typedef struct
{
  uint32_t buffer;  /* SF_NONE: no full buffer on the cycle */
  uint32_t starved; /* the buffer that is waited for in vain */
  int64_t depth;    /* that lets the blocked writer go on */
} Stop;

/* Where the waiting agents' walk is after one step; SF_NONE: it ends. */
static uint32_t
step_on (const Simulation *sim, uint32_t at, bool on_cycle, Stop *stop)
{
  const Agent *agent = &AT (sim->agents, Agent, at);
  const Port *port = blocking_port (sim, agent);
  uint32_t next = waits_for (sim, port);
  if (!port->out)
    stop->starved = port->buffer;
  else if (on_cycle || next == SF_NONE)
    {
      int64_t depth = port_needs (sim, agent, port) - sim->freed[port->buffer];
      if (depth < stop->depth)
        *stop = (Stop){ port->buffer, stop->starved, depth };
    }
  return next;
}

/* Follows the waiting agents to their cycle and once around it; of the full buffers on it the one
 * that needs the least. */
static Stop
find_stop (const Simulation *sim)
{
  Stop stop = { SF_NONE, SF_NONE, INT64_MAX };
  uint32_t at = 0, length = 0;
  memset (sim->seen_at, 0, sim->agents->len * sizeof *sim->seen_at);
  while (AT (sim->agents, Agent, at).fired >= AT (sim->agents, Agent, at).iterations)
    at++;
  for (uint32_t step = 1; at != SF_NONE && length == 0; step++)
    if (sim->seen_at[at] != 0)
      length = step - sim->seen_at[at];
    else
      {
        sim->seen_at[at] = step;
        at = step_on (sim, at, false, &stop);
      }
  for (uint32_t step = 0; step < length; step++)
    at = step_on (sim, at, true, &stop);
  return stop;
}

static bool
fail_starved (const SfCheck *check, const Stop *stop)
{
  return sf_check_fail (
      check, "buffer", stop->starved,
      "its tokens are waited for and never come, wanted a writer that can go first; break the "
      "cycle of stages or cut the section");
}

bool
sf_config_min_depths (const SfProgram *program, uint32_t config, int64_t *depth, GError **error)
{
  SfCheck check = { program, config, error };
  Simulation sim;
  simulation_init (&sim, sf_program_config (program, config), depth);
  bool ok = true;
  while (ok && !run_dry (&sim))
    {
      Stop stop = find_stop (&sim);
      if (stop.buffer == SF_NONE)
        ok = fail_starved (&check, &stop);
      else
        {
          depth[stop.buffer] = stop.depth;
          wake (&sim, stop.buffer);
        }
    }
  simulation_clear (&sim);
  return ok;
}
