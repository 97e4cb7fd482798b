/* SPDX-License-Identifier: Apache-2.0 */
/* A section runs: iterations of stages and tokens of streams, in the order of time.
 *
 * An agent's next iteration is on the heap as soon as it is known when its tokens are complete and
 * its results have room; both are known ahead, since an iteration's end is fixed when it begins -
 * or when its last part is booked, if it takes a share of something contended. Each resource has a
 * clock of the work that it has accepted. Events of one cycle are taken by index of their agent.
 *
 * An iteration has two tracks. The early one ends when what was read is free, the late one follows
 * it and ends when what was written is complete; queues hold what is between them. */
#include "core/timing/timing.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* A part of an iteration that the early track has begun and the late one has not. */
typedef struct
{
  int64_t asked, until; /* begin and end on the early track */
  bool last;
} Part;

typedef struct
{
  int64_t done;        /* iterations whose early end is known */
  int64_t start, end;  /* of the iteration in work, of the one before it */
  int64_t parts, part; /* of the iteration in work; 0: none begun */
  int64_t input, room; /* since when it has its tokens, its room */
  SfBound bound;
  bool blocked; /* until the late track has caught up */
  int64_t late_done, late_part, late_start, late_end;
  Part *ahead; /* ring of what the late track has still to do */
  size_t first_ahead, n_ahead, max_ahead;
  bool waiting[2]; /* early, late: on the heap */
  int64_t by_bound[SF_N_BOUNDS];
} State;

/* A ring of `depth` tokens. */
typedef struct
{
  int64_t written;
  int64_t *complete, *free; /* per place: since when */
} Ring;

typedef struct
{
  int64_t cycles;
  uint32_t track; /* 2 x agent, + 1 for its late track */
} Event;

typedef struct
{
  const SfSection *section;
  State *states;
  Ring *rings;
  int64_t *freed; /* per port: tokens given back */
  SfClock *clocks;
  Event *heap;
  size_t n_heap;
  SfStageTime *stages;
  SfStepFunc step;
  void *user_data;
  bool too_long;
} Run;

/* ---- heap ---- */

static bool
earlier (const Event *a, const Event *b)
{
  return a->cycles != b->cycles ? a->cycles < b->cycles : a->track < b->track;
}

static void
push (Run *run, int64_t cycles, uint32_t agent, bool late)
{
  Event event = { cycles, 2 * agent + late };
  size_t i = run->n_heap++;
  for (; i > 0 && earlier (&event, &run->heap[(i - 1) / 2]); i = (i - 1) / 2)
    run->heap[i] = run->heap[(i - 1) / 2];
  run->heap[i] = event;
  run->states[agent].waiting[late] = true;
}

static Event
pop (Run *run)
{
  Event top = run->heap[0], last = run->heap[--run->n_heap];
  size_t i = 0;
  for (size_t child = 1; child < run->n_heap; child = 2 * i + 1)
    {
      if (child + 1 < run->n_heap && earlier (&run->heap[child + 1], &run->heap[child]))
        child++;
      if (!earlier (&run->heap[child], &last))
        break;
      run->heap[i] = run->heap[child];
      i = child;
    }
  run->heap[i] = last;
  run->states[top.track / 2].waiting[top.track % 2] = false;
  return top;
}

/* ---- tokens ---- */

/* Tokens that a port needs for an iteration, counted from the first. */
static int64_t
tokens_needed (const SfBufferModel *buffer, const SfPort *port, int64_t iteration)
{
  if (port->resident)
    return buffer->tokens;
  return MIN (buffer->tokens, sf_time_mul (iteration + 1, port->rate));
}

/* Since when a reader has its tokens; false: not known yet. */
static bool
input_known (const Run *run, const SfPort *port, int64_t needed, int64_t *since)
{
  const SfBufferModel *buffer = &AT (run->section->buffers, SfBufferModel, port->buffer);
  const Ring *ring = &run->rings[port->buffer];
  if (ring->written < needed)
    return false;
  if (needed > 0)
    *since = MAX (*since, ring->complete[(needed - 1) % buffer->depth]);
  return true;
}

/* Since when a writer has room. */
static bool
room_known (const Run *run, const SfPort *port, int64_t needed, int64_t *since)
{
  const SfSection *section = run->section;
  const SfBufferModel *buffer = &AT (section->buffers, SfBufferModel, port->buffer);
  int64_t wanted = needed - buffer->depth;
  if (wanted <= 0)
    return true;
  for (size_t r = 0; r < buffer->n_readers; r++)
    if (run->freed[AT (section->readers, uint32_t, buffer->first_reader + r)] < wanted)
      return false;
  *since = MAX (*since, run->rings[port->buffer].free[(wanted - 1) % buffer->depth]);
  return true;
}

/* Puts the agent on the heap when it is known since when it may begin its next iteration. */
static void
schedule (Run *run, uint32_t index)
{
  State *state = &run->states[index];
  const SfAgent *agent = &AT (run->section->agents, SfAgent, index);
  if (state->waiting[0] || state->parts > 0 || state->done >= agent->iterations)
    return;
  int64_t input = 0, room = 0;
  for (size_t p = agent->first_port; p < agent->first_port + agent->n_ports; p++)
    {
      const SfPort *port = &AT (run->section->ports, SfPort, p);
      int64_t needed = tokens_needed (&AT (run->section->buffers, SfBufferModel, port->buffer),
                                      port, state->done);
      if (!(port->out ? room_known (run, port, needed, &room)
                      : input_known (run, port, needed, &input)))
        return;
    }
  state->input = input;
  state->room = room;
  push (run, MAX (MAX (input, room), state->end), index, false);
}

/* What `done` iterations give back, or hand over, at a port. */
static void
hand_over (Run *run, size_t port_index, int64_t done, int64_t since)
{
  const SfPort *port = &AT (run->section->ports, SfPort, port_index);
  const SfBufferModel *buffer = &AT (run->section->buffers, SfBufferModel, port->buffer);
  Ring *ring = &run->rings[port->buffer];
  int64_t all = tokens_needed (buffer, port, done - 1);
  if (port->out)
    for (; ring->written < all; ring->written++)
      {
        ring->complete[ring->written % buffer->depth] = sf_time_add (since, port->latency_cycles);
        ring->free[ring->written % buffer->depth] = 0;
      }
  else
    for (int64_t *freed = &run->freed[port_index]; *freed < all; ++*freed)
      ring->free[*freed % buffer->depth] = MAX (ring->free[*freed % buffer->depth], since);
}

/* Hands over at the ports of one direction, and lets those go on who waited for it. */
static void
hand_over_all (Run *run, const SfAgent *agent, bool out, int64_t done, int64_t since)
{
  const SfSection *section = run->section;
  bool last = done >= agent->iterations;
  for (size_t p = agent->first_port; p < agent->first_port + agent->n_ports; p++)
    {
      const SfPort *port = &AT (section->ports, SfPort, p);
      if (port->out == out && (last || !port->resident))
        hand_over (run, p, done, since);
    }
  for (size_t p = agent->first_port; p < agent->first_port + agent->n_ports; p++)
    {
      const SfPort *port = &AT (section->ports, SfPort, p);
      const SfBufferModel *buffer = &AT (section->buffers, SfBufferModel, port->buffer);
      for (size_t i = 0; port->out == out && i < buffer->n_agents; i++)
        schedule (run, AT (section->touching, uint32_t, buffer->first_agent + i));
    }
}

/* ---- an iteration ---- */

/* Time that only tokens, or only room, were missing. */
static void
account (Run *run, uint32_t index, int64_t end)
{
  const SfAgent *agent = &AT (run->section->agents, SfAgent, index);
  State *state = &run->states[index];
  state->by_bound[state->bound]++;
  if (agent->is_stream)
    return;
  if (run->step != NULL)
    run->step (run->user_data, agent, state->done, state->start, end - state->start);
  SfStageTime *stage = &run->stages[agent->index];
  int64_t room = MAX (state->room - MAX (state->end, state->input), 0);
  stage->wait_output_cycles += room;
  stage->wait_input_cycles += state->start - state->end - room;
  stage->busy_cycles += end - state->start;
  if (state->done == 0)
    stage->first_cycles = state->start;
  stage->last_cycles = end;
}

/* The early track is through with an iteration: what it read is free. */
static void
finish_early (Run *run, uint32_t index, int64_t end)
{
  const SfAgent *agent = &AT (run->section->agents, SfAgent, index);
  State *state = &run->states[index];
  run->too_long = run->too_long || end >= SF_TIME_LIMIT;
  account (run, index, end);
  state->end = end;
  state->parts = 0;
  state->done++;
  schedule (run, index);
  hand_over_all (run, agent, false, state->done, end);
}

/* The late one is: what it wrote is complete. */
static void
finish_late (Run *run, uint32_t index)
{
  const SfAgent *agent = &AT (run->section->agents, SfAgent, index);
  State *state = &run->states[index];
  run->too_long = run->too_long || state->late_end >= SF_TIME_LIMIT;
  if (agent->is_stream && run->step != NULL)
    run->step (run->user_data, agent, state->late_done, state->late_start,
               state->late_end - state->late_start);
  state->late_done++;
  state->late_part = 0;
  hand_over_all (run, agent, true, state->late_done, state->late_end);
}

/* A net's one vector a cycle is part of the way out of its PMUs, or of what writes into them. */
static SfBound
bound_of (SfResourceKind kind, bool late)
{
  switch (kind)
    {
    case SF_RESOURCE_MEMORY:
    case SF_RESOURCE_AGCU:
      return SF_BOUND_MEMORY;
    case SF_RESOURCE_READ_PORT:
      return SF_BOUND_READ;
    case SF_RESOURCE_WRITE_PORT:
      return SF_BOUND_WRITE;
    case SF_RESOURCE_NET:
      return late ? SF_BOUND_WRITE : SF_BOUND_READ;
    case SF_RESOURCE_LINK:
      break;
    }
  return SF_BOUND_LINK;
}

/* amount * n / d without overflow; figures stay below 2^62. */
static int64_t
scale (int64_t amount, int64_t n, int64_t d)
{
  int64_t product;
  if (!__builtin_mul_overflow (amount, n, &product))
    return product / d;
  return (int64_t) ((__int128) amount * n / d);
}

/* `amount` cut evenly into `parts` parts: all before the end of part `part`. */
static int64_t
cut (int64_t amount, int64_t part, int64_t parts)
{
  return parts == 1 ? amount : scale (amount, part + 1, parts);
}

/* What is done of `amount` in one part. */
static int64_t
slice (int64_t amount, int64_t part, int64_t parts)
{
  return parts == 1 ? amount : scale (amount, part + 1, parts) - scale (amount, part, parts);
}

/* Books a part on the resources of a track; when all of them are through with it, and which kind
 * is last if that is after `end`. */
static int64_t
book_part (Run *run, const SfClass *class, bool late, int64_t part, int64_t parts, int64_t now,
           bool goes_on, int64_t end, SfBound *bound)
{
  const SfSection *section = run->section;
  for (size_t u = class->first_use; u < class->first_use + class->n_uses; u++)
    {
      const SfUse *use = &AT (section->uses, SfUse, u);
      const SfResource *resource = &AT (section->resources, SfResource, use->resource);
      int64_t n = use->late == late ? slice (use->parts, part, parts) : 0;
      int64_t until = n == 0
                          ? 0
                          : sf_clock_book (&run->clocks[use->resource], resource, n, now, goes_on);
      if (until > end)
        {
          end = until;
          *bound = bound_of (resource->kind, late);
        }
    }
  return end;
}

/* After a part on the early track comes the next one, or the next iteration. */
static void
continue_early (Run *run, uint32_t index, int64_t at)
{
  State *state = &run->states[index];
  if (state->part >= state->parts)
    finish_early (run, index, at);
  else
    push (run, at, index, false);
}

/* The late track takes the first of what is ahead of it. Returns until when the early one has to
 * wait: it is ahead by what the queues between them hold. */
static int64_t
take_late (Run *run, uint32_t index, int64_t now)
{
  const SfAgent *agent = &AT (run->section->agents, SfAgent, index);
  State *state = &run->states[index];
  const SfClass *class = &AT (run->section->classes, SfClass,
                              sf_agent_class (agent, state->late_done));
  Part part = state->ahead[state->first_ahead];
  state->first_ahead = (state->first_ahead + 1) % state->max_ahead;
  state->n_ahead--;
  int64_t parts = MAX (sf_ceil_div (class->vectors, run->section->quantum), 1);
  bool goes_on = state->late_end == now && now > 0;
  if (state->late_part == 0)
    state->late_start = now;
  int64_t alone = MAX (sf_time_add (now, slice (class->late_cycles, state->late_part, parts)),
                       part.until);
  SfBound bound = agent->is_stream ? state->bound : SF_BOUND_WRITE;
  int64_t end = book_part (run, class, true, state->late_part, parts, now, goes_on, alone, &bound);
  int64_t vectors = MAX (slice (class->late_vectors, state->late_part, parts), 1);
  int64_t hold = 0;
  if (end > part.until && agent->ahead_vectors >= 0)
    {
      hold = end - MIN (scale (end - now, agent->ahead_vectors, vectors), end);
      if (hold > part.until)
        state->bound = bound;
    }
  if (part.last)
    end = MAX (end, sf_time_add (part.until, class->tail_cycles) - agent->spread_cycles);
  state->late_end = end;
  state->late_part++;
  if (part.last)
    finish_late (run, index);
  return MAX (hold, part.until);
}

static void
put_ahead (State *state, Part part)
{
  if (state->n_ahead == state->max_ahead)
    {
      Part *larger = g_new (Part, 2 * state->max_ahead + 2);
      for (size_t i = 0; i < state->n_ahead; i++)
        larger[i] = state->ahead[(state->first_ahead + i) % state->max_ahead];
      g_free (state->ahead);
      state->ahead = larger;
      state->first_ahead = 0;
      state->max_ahead = 2 * state->max_ahead + 2;
    }
  state->ahead[(state->first_ahead + state->n_ahead++) % state->max_ahead] = part;
}

static void
go_on_late (Run *run, uint32_t index, int64_t now)
{
  State *state = &run->states[index];
  int64_t at = take_late (run, index, now);
  if (state->n_ahead > 0)
    push (run, MAX (state->late_end, state->ahead[state->first_ahead].asked), index, true);
  if (state->blocked)
    {
      state->blocked = false;
      continue_early (run, index, at);
    }
}

/* The next part of an iteration. It is not faster than the flows alone, nor does the iteration run
 * ahead of its own pace. */
static void
go_on_early (Run *run, uint32_t index, int64_t now)
{
  const SfAgent *agent = &AT (run->section->agents, SfAgent, index);
  State *state = &run->states[index];
  const SfClass *class = &AT (run->section->classes, SfClass, sf_agent_class (agent, state->done));
  bool goes_on = state->parts > 0 || (state->done > 0 && now == state->end);
  if (state->parts == 0)
    {
      state->start = now;
      state->part = 0;
      state->parts = MAX (sf_ceil_div (class->vectors, run->section->quantum), 1);
      state->bound = class->bound;
    }
  int64_t alone = MAX (sf_time_add (now, slice (class->early_cycles, state->part, state->parts)),
                       sf_time_add (state->start, cut (class->cycles, state->part, state->parts)));
  int64_t until = class->early_uses ? book_part (run, class, false, state->part, state->parts, now,
                                                 goes_on, alone, &state->bound)
                                    : alone;
  state->part++;
  int64_t asked = sf_time_add (now, agent->request_cycles);
  put_ahead (state, (Part){ asked, sf_time_add (until, agent->request_cycles),
                            state->part >= state->parts });
  bool at_once = state->n_ahead == 1 && (MAX (state->late_end, asked) <= now || !class->late_uses);
  if (at_once)
    {
      int64_t hold = take_late (run, index, MAX (asked, state->late_end));
      until = agent->ahead_vectors < 0 ? until : hold;
    }
  else if (!state->waiting[1])
    push (run, MAX (asked, state->late_end), index, true);
  if (at_once || agent->ahead_vectors < 0)
    continue_early (run, index, until);
  else
    state->blocked = true;
}

/* ---- the whole ---- */

static bool
init (Run *run, GError **error)
{
  const SfSection *section = run->section;
  size_t n_agents = section->agents->len;
  run->states = g_new0 (State, n_agents + 1);
  run->rings = g_new0 (Ring, section->buffers->len + 1);
  run->freed = g_new0 (int64_t, section->ports->len + 1);
  run->clocks = g_new0 (SfClock, section->resources->len + 1);
  run->heap = g_new0 (Event, 2 * n_agents + 1);
  run->stages = g_new0 (SfStageTime, section->n_stages + 1);
  for (guint b = 0; b < section->buffers->len; b++)
    {
      size_t depth = (size_t) AT (section->buffers, SfBufferModel, b).depth;
      run->rings[b].complete = g_try_new0 (int64_t, depth);
      run->rings[b].free = g_try_new0 (int64_t, depth);
      if (run->rings[b].complete == NULL || run->rings[b].free == NULL)
        return sf_fail (error, SF_ERROR_NO_RESOURCE,
                        "timing: buffer %u holds %zu tokens, wanted memory to follow them; use "
                        "larger tokens",
                        b, depth);
    }
  return true;
}

static void
clear (Run *run)
{
  for (guint b = 0; b < run->section->buffers->len; b++)
    {
      g_free (run->rings[b].complete);
      g_free (run->rings[b].free);
    }
  for (guint a = 0; a < run->section->agents->len; a++)
    g_free (run->states[a].ahead);
  g_free (run->states);
  g_free (run->rings);
  g_free (run->freed);
  g_free (run->clocks);
  g_free (run->heap);
  g_free (run->stages);
}

static bool
check_done (const Run *run, GError **error)
{
  if (run->too_long)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "timing: a section takes more than 2^62 cycles, wanted less; cut the model");
  for (guint a = 0; a < run->section->agents->len; a++)
    {
      const SfAgent *agent = &AT (run->section->agents, SfAgent, a);
      if (run->states[a].late_done < agent->iterations)
        return sf_fail (error, SF_ERROR_CHECK_FAILED,
                        "timing: %s %u stops after %" PRId64 " of %" PRId64
                        " iterations, wanted all of them; deepen the buffers or cut the section",
                        agent->is_stream ? "stream" : "stage", agent->index,
                        run->states[a].late_done, agent->iterations);
    }
  return true;
}

/* When the last stream out has ended; without one, when everything has. */
static int64_t
last_end (const Run *run)
{
  int64_t streams = -1, all = 0;
  for (guint a = 0; a < run->section->agents->len; a++)
    {
      const SfAgent *agent = &AT (run->section->agents, SfAgent, a);
      int64_t end = run->states[a].late_done > 0
                        ? sf_time_add (run->states[a].late_end, agent->end_cycles)
                        : 0;
      all = MAX (all, end);
      if (agent->is_stream && agent->out)
        streams = MAX (streams, end);
    }
  return streams >= 0 ? streams : all;
}

static SfBound
most_frequent (const int64_t by_bound[SF_N_BOUNDS])
{
  SfBound most = SF_BOUND_COMPUTE;
  for (int b = 0; b < SF_N_BOUNDS; b++)
    if (by_bound[b] > by_bound[most])
      most = (SfBound) b;
  return most;
}

/* The stage that is busy most, or memory when it is busy longer; WAIT when both are idle most of
 * the time. */
static void
find_pace (const Run *run, SfRun *result)
{
  const SfSection *section = run->section;
  int64_t memory = MAX ((int64_t) section->memory_cycles, section->agcu_cycles), busy = -1;
  result->pace = SF_NONE;
  for (uint32_t s = 0; s < section->n_stages; s++)
    if (run->stages[s].busy_cycles > busy)
      {
        busy = run->stages[s].busy_cycles;
        result->pace = s;
        result->bound = run->stages[s].bound;
      }
  if (memory >= busy)
    {
      busy = memory;
      result->pace = SF_NONE;
      result->bound = SF_BOUND_MEMORY;
    }
  if (busy < result->cycles / 2)
    result->bound = SF_BOUND_WAIT;
  result->busy_cycles = busy;
}

bool
sf_section_run (const SfSection *section, SfStepFunc step, void *user_data, SfRun *result,
                GError **error)
{
  Run run = { .section = section, .step = step, .user_data = user_data };
  *result = (SfRun){ .pace = SF_NONE };
  bool ok = init (&run, error);
  for (uint32_t a = 0; ok && a < section->agents->len; a++)
    schedule (&run, a);
  while (ok && run.n_heap > 0 && !run.too_long)
    {
      Event event = pop (&run);
      (event.track % 2 == 0 ? go_on_early : go_on_late) (&run, event.track / 2, event.cycles);
    }
  ok = ok && check_done (&run, error);
  if (ok)
    {
      for (guint a = (guint) section->n_streams; a < section->agents->len; a++)
        {
          SfStageTime *stage = &run.stages[AT (section->agents, SfAgent, a).index];
          stage->iterations = run.states[a].done;
          stage->bound = most_frequent (run.states[a].by_bound);
        }
      result->cycles = last_end (&run);
      find_pace (&run, result);
      result->stages = g_steal_pointer (&run.stages);
    }
  clear (&run);
  return ok;
}

void
sf_run_clear (SfRun *run)
{
  g_clear_pointer (&run->stages, g_free);
}
