/* SPDX-License-Identifier: Apache-2.0 */
/* T0: a section at work. Stages and streams are agents that pass tokens on through buffers; when
 * they do is the longest path over iterations, reckoned forwards.
 *
 * An agent of many iterations goes through them in at most MAX_CHUNKS chunks, of each of which the
 * first and the last end are known and what lies between is a straight line, so that an agent may
 * follow another within a chunk. */
#include <string.h>

#include "core/program/check.h"
#include "core/program/estimate.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

#define MAX_CHUNKS 48
/* Parts of a cycle that clocks of memory count in. */
#define FINE 1024

/* One way in which an agent touches a buffer. */
typedef struct
{
  uint32_t buffer, agent;
  bool out, resident;
  int64_t rate;
} Port;

typedef struct
{
  bool is_stream, out;
  int64_t iterations, chunks, done;
  int64_t cycles, last_cycles; /* of an iteration; streams: of a token at their AGCU */
  int64_t latency;             /* from the end of an iteration to its result */
  int64_t fine, fine_total;    /* streams: work of a token at the memory, of all */
  int64_t target;              /* of a chunk at the memory: share of its level when it is through */
  uint32_t level, agcu;
  int64_t *first, *last; /* per chunk: end of its first and last iteration */
  uint32_t port, n_ports;
  int64_t end;   /* of the last iteration so far */
  int64_t asked; /* streams in a heap: since when their next chunk is under way */
  bool queued;
} Agent;

/* Agents by a key, the least on top. */
typedef struct
{
  uint32_t *agents;
  uint32_t n;
} Heap;

/* A memory level, whose streams under way have equal shares of its bandwidth. */
typedef struct
{
  Heap active;   /* by target */
  int64_t share; /* work that each active stream would have had done since the beginning */
  int64_t now;   /* to which `share` belongs */
  int64_t most;  /* work of one stream in a cycle: an AGCU's vectors */
} Level;

typedef struct
{
  const SfConfigStore *config;
  SfArchInfo info;
  int64_t *crowd; /* of sf_estimate_crowds */
  int64_t units;  /* of sf_estimate_units */
  Agent *agents;
  uint32_t n_agents;
  GArray *ports;       /* Port */
  uint32_t *of_buffer; /* ports by buffer */
  uint32_t *first_of;  /* per buffer and one more */
  int64_t *ends;       /* of all agents' chunks */
  uint32_t *todo;      /* stack of agents that may go on */
  uint32_t n_todo;
  Heap asking; /* streams that will ask for memory, by when */
  Level *levels;
  int64_t *agcu; /* per AGCU: when it has done what it accepted */
} Section;

/* ---- tokens and times ---- */

static const SfBuffer *
buffer_at (const Section *s, uint32_t buffer)
{
  return &AT (s->config->buffers, SfBuffer, buffer);
}

static int64_t
chunk_begin (const Agent *a, int64_t chunk)
{
  return a->chunks == a->iterations ? chunk : chunk * a->iterations / a->chunks;
}

static int64_t
chunk_of (const Agent *a, int64_t iteration)
{
  return a->chunks == a->iterations ? iteration : ((iteration + 1) * a->chunks - 1) / a->iterations;
}

/* End of an iteration of a chunk that is done. */
static int64_t
end_of (const Agent *a, int64_t iteration)
{
  int64_t chunk = chunk_of (a, iteration);
  int64_t lo = chunk_begin (a, chunk), n = chunk_begin (a, chunk + 1) - 1 - lo;
  if (n <= 0)
    return a->last[chunk];
  return a->first[chunk] + (a->last[chunk] - a->first[chunk]) * (iteration - lo) / n;
}

/* The iteration of an agent that deals with `token` through `port`. */
static int64_t
iteration_for (const Agent *a, const Port *port, int64_t token)
{
  int64_t iteration = port->resident ? a->iterations - 1 : token / port->rate;
  return MIN (iteration, a->iterations - 1);
}

/* When `token` is complete in its buffer; false: not known yet. */
static bool
complete_at (const Section *s, uint32_t buffer, int64_t token, int64_t *time)
{
  for (uint32_t i = s->first_of[buffer]; i < s->first_of[buffer + 1]; i++)
    {
      const Port *port = &AT (s->ports, Port, s->of_buffer[i]);
      const Agent *a = &s->agents[port->agent];
      if (!port->out)
        continue;
      int64_t iteration = iteration_for (a, port, token);
      if (iteration >= chunk_begin (a, a->done))
        return false;
      *time = MAX (*time, end_of (a, iteration) + a->latency);
    }
  return true;
}

/* When the last reader has given `token` back; false: not known yet. */
static bool
free_at (const Section *s, uint32_t buffer, int64_t token, int64_t *time)
{
  if (token < 0)
    return true;
  for (uint32_t i = s->first_of[buffer]; i < s->first_of[buffer + 1]; i++)
    {
      const Port *port = &AT (s->ports, Port, s->of_buffer[i]);
      const Agent *a = &s->agents[port->agent];
      if (port->out)
        continue;
      int64_t iteration = iteration_for (a, port, token);
      if (iteration >= chunk_begin (a, a->done))
        return false;
      *time = MAX (*time, end_of (a, iteration));
    }
  return true;
}

/* When the agent's next chunk can begin and when, for its tokens and their room, its last iteration
 * could end; false: not known yet. `force`: what is not known does not count. */
static bool
next_chunk (const Section *s, const Agent *a, bool force, int64_t *begin, int64_t *finish)
{
  int64_t lo = chunk_begin (a, a->done), hi = chunk_begin (a, a->done + 1) - 1;
  *begin = a->end;
  *finish = 0;
  for (uint32_t i = a->port; i < a->port + a->n_ports; i++)
    {
      const Port *port = &AT (s->ports, Port, i);
      const SfBuffer *buffer = buffer_at (s, port->buffer);
      int64_t all = buffer->tokens - 1;
      int64_t first = port->resident ? all : MIN ((lo + 1) * port->rate - 1, all);
      int64_t last = port->resident ? all : MIN ((hi + 1) * port->rate - 1, all);
      bool known = port->out ? free_at (s, port->buffer, first - buffer->depth, begin)
                             : complete_at (s, port->buffer, last, finish)
                                   && complete_at (s, port->buffer, first, begin);
      if (!known && !force)
        return false;
      /* Readers of the same chunk are not there yet: within a chunk the writer runs ahead. */
      if (port->out)
        free_at (s, port->buffer, last - buffer->depth, finish);
    }
  return true;
}

/* ---- agents at work ---- */

static void
push_agent (Section *s, uint32_t agent)
{
  Agent *a = &s->agents[agent];
  if (a->queued || a->done >= a->chunks)
    return;
  a->queued = true;
  s->todo[s->n_todo++] = agent;
}

static void
wake_neighbours (Section *s, const Agent *a)
{
  for (uint32_t p = a->port; p < a->port + a->n_ports; p++)
    {
      uint32_t buffer = AT (s->ports, Port, p).buffer;
      for (uint32_t i = s->first_of[buffer]; i < s->first_of[buffer + 1]; i++)
        push_agent (s, AT (s->ports, Port, s->of_buffer[i]).agent);
    }
}

static void
close_chunk (Agent *a, int64_t first, int64_t last)
{
  a->first[a->done] = first;
  a->last[a->done] = last;
  a->end = last;
  a->done++;
}

static void
fire_stage (Agent *a, int64_t begin, int64_t finish)
{
  int64_t lo = chunk_begin (a, a->done), hi = chunk_begin (a, a->done + 1) - 1;
  int64_t last_cycles = hi == a->iterations - 1 ? a->last_cycles : a->cycles;
  int64_t first = begin + (lo == hi ? last_cycles : a->cycles);
  int64_t last = lo == hi ? first : first + (hi - lo - 1) * a->cycles + last_cycles;
  close_chunk (a, first, MAX (last, finish + last_cycles));
}

/* ---- memory ---- */

static bool
before (const Section *s, const Heap *heap, uint32_t a, uint32_t b)
{
  const Agent *x = &s->agents[a], *y = &s->agents[b];
  int64_t d = heap == &s->asking ? x->asked - y->asked : x->target - y->target;
  return d < 0 || (d == 0 && a < b);
}

static void
heap_push (const Section *s, Heap *heap, uint32_t agent)
{
  uint32_t at = heap->n++;
  for (; at > 0 && before (s, heap, agent, heap->agents[(at - 1) / 2]); at = (at - 1) / 2)
    heap->agents[at] = heap->agents[(at - 1) / 2];
  heap->agents[at] = agent;
}

static uint32_t
heap_pop (const Section *s, Heap *heap)
{
  uint32_t top = heap->agents[0], agent = heap->agents[--heap->n], at = 0;
  for (uint32_t down = 1; down < heap->n; down = 2 * at + 1)
    {
      if (down + 1 < heap->n && before (s, heap, heap->agents[down + 1], heap->agents[down]))
        down++;
      if (before (s, heap, agent, heap->agents[down]))
        break;
      heap->agents[at] = heap->agents[down];
      at = down;
    }
  heap->agents[at] = agent;
  return top;
}

/* Work that each active stream of a level gets done in so many cycles. */
static int64_t
share_of (const Level *level, int64_t cycles)
{
  return MIN (cycles * FINE / MAX (level->active.n, 1), cycles * level->most);
}

static void
move_on (Level *level, int64_t now)
{
  if (now <= level->now)
    return;
  level->share += share_of (level, now - level->now);
  level->now = now;
}

/* When the level's next chunk is through if nobody else asks; INT64_MAX: none is under way. */
static int64_t
next_through (const Section *s, const Level *level)
{
  if (level->active.n == 0)
    return INT64_MAX;
  int64_t work = MAX (s->agents[level->active.agents[0]].target - level->share, 0);
  return level->now + MAX (sf_div_up (work * level->active.n, FINE), sf_div_up (work, level->most));
}

static void
begin_stream (Section *s, uint32_t agent)
{
  Agent *a = &s->agents[agent];
  Level *level = &s->levels[a->level];
  int64_t lo = chunk_begin (a, a->done), n = chunk_begin (a, a->done + 1) - lo;
  move_on (level, a->asked);
  a->target = level->share + (lo + n == a->iterations ? a->fine_total - lo * a->fine : n * a->fine);
  heap_push (s, &level->active, agent);
}

/* The chunk has passed the memory; its AGCU takes what it is asked for in turn. */
static void
end_stream (Section *s, Agent *a, int64_t now)
{
  int64_t lo = chunk_begin (a, a->done), n = chunk_begin (a, a->done + 1) - lo;
  int64_t *agcu = &s->agcu[a->agcu], begin, finish;
  next_chunk (s, a, true, &begin, &finish);
  *agcu = MAX (*agcu, a->asked) + n * a->cycles;
  int64_t last = MAX (now, *agcu), first = a->asked + sf_div_up (last - a->asked, n);
  close_chunk (a, first, MAX (last, n > 1 ? finish : 0));
}

/* The stream whose chunk is the next to pass; SF_NONE: none is under way. */
static uint32_t
next_stream (Section *s, int64_t *now)
{
  for (;;)
    {
      Level *first = NULL;
      *now = INT64_MAX;
      for (size_t i = 0; i < s->info.n_memory_levels; i++)
        if (next_through (s, &s->levels[i]) < *now)
          {
            first = &s->levels[i];
            *now = next_through (s, first);
          }
      if (s->asking.n > 0 && s->agents[s->asking.agents[0]].asked <= *now)
        {
          begin_stream (s, heap_pop (s, &s->asking));
          continue;
        }
      if (first == NULL)
        return SF_NONE;
      move_on (first, *now);
      return heap_pop (s, &first->active);
    }
}

/* ---- all together ---- */

/* Everything that can be known without memory; streams wait in the heap for their turn. */
static void
run_stages (Section *s)
{
  while (s->n_todo > 0)
    {
      Agent *a = &s->agents[s->todo[--s->n_todo]];
      int64_t before = a->done, begin, finish;
      if (a->is_stream)
        {
          if (next_chunk (s, a, false, &begin, &finish))
            {
              a->asked = begin;
              heap_push (s, &s->asking, (uint32_t) (a - s->agents)); /* queued until it is served */
            }
          else
            a->queued = false;
          continue;
        }
      a->queued = false;
      while (a->done < a->chunks && next_chunk (s, a, false, &begin, &finish))
        fire_stage (a, begin, finish);
      if (a->done > before)
        wake_neighbours (s, a);
    }
}

static void
run_section (Section *s)
{
  for (uint32_t i = s->n_agents; i-- > 0;)
    push_agent (s, i);
  for (;;)
    {
      run_stages (s);
      int64_t now, begin, finish;
      uint32_t next = next_stream (s, &now);
      if (next != SF_NONE)
        {
          end_stream (s, &s->agents[next], now);
          s->agents[next].queued = false;
        }
      else
        {
          /* A section that would come to a stop, which the verifier refuses: what is missing does
           * not count. */
          for (next = 0; next < s->n_agents && s->agents[next].done >= s->agents[next].chunks;)
            next++;
          if (next == s->n_agents)
            return;
          next_chunk (s, &s->agents[next], true, &begin, &finish);
          fire_stage (&s->agents[next], begin, finish);
        }
      push_agent (s, next);
      wake_neighbours (s, &s->agents[next]);
    }
}

/* ---- the section's agents ---- */

static void
add_port (Section *s, Agent *a, Port port)
{
  for (uint32_t i = a->port; i < a->port + a->n_ports; i++)
    {
      Port *p = &AT (s->ports, Port, i);
      if (p->buffer == port.buffer && p->out == port.out && p->resident == port.resident)
        return;
    }
  g_array_append_val (s->ports, port);
  a->n_ports++;
}

static void
add_stage (Section *s, uint32_t index, const SfStageWork *work)
{
  const SfStage *stage = &AT (s->config->stages, SfStage, index);
  SfStagePlan plan = { &s->info, s->config->buffers, s->crowd, MAX (stage->n_pcus, 1), s->units };
  SfStagePace pace = sf_stage_pace (work, &plan);
  uint32_t agent = s->n_agents++;
  Agent *a = &s->agents[agent];
  *a = (Agent){ .iterations = work->iterations,
                .chunks = MIN (work->iterations, MAX_CHUNKS),
                .cycles = pace.cycles,
                .last_cycles = pace.last_cycles,
                .latency = sf_estimate_latency (work, &plan),
                .port = s->ports->len };
  for (size_t i = 0; i < stage->n_operands; i++)
    {
      const SfOperand *o = &stage->operands[i];
      if (o->kind != SF_OPERAND_TEMP)
        add_port (s, a,
                  (Port){ o->buffer, agent, o->kind == SF_OPERAND_OUT, o->counter < 0,
                          MAX (o->rate, 1) });
    }
}

static void
add_stream (Section *s, uint32_t index, const SfArch *arch, const uint32_t *levels)
{
  const SfStream *stream = &AT (s->config->streams, SfStream, index);
  const SfBuffer *buffer = buffer_at (s, stream->buffer);
  uint32_t agent = s->n_agents++, level = levels != NULL ? levels[stream->slot] : 0;
  level = level < s->info.n_memory_levels ? level : 0;
  SfMemoryLevel memory = sf_arch_memory_level (arch, level);
  int64_t elem = (int64_t) sf_dtype_bytes (buffer->dtype);
  int64_t bytes = buffer->token_elems * elem, total = sf_shape_n_elems (&buffer->shape) * elem;
  int64_t vectors = buffer->token_elems == 1 ? 1 : sf_div_up (bytes, s->info.vector_bytes);
  __int128 fine = (__int128) FINE * s->info.clock_hz;
  int64_t way = sf_estimate_way (&s->info, 1 + buffer->n_pmus, s->units);
  s->agents[agent]
      = (Agent){ .is_stream = true,
                 .out = stream->out,
                 .iterations = buffer->tokens,
                 .chunks = MIN (buffer->tokens, MAX_CHUNKS),
                 .cycles = vectors,
                 .last_cycles = vectors,
                 .latency = way + (stream->out ? 0 : sf_arch_cycles (arch, memory.latency_ns)),
                 .fine = (int64_t) (bytes * fine / memory.bytes_per_s),
                 .fine_total = (int64_t) (total * fine / memory.bytes_per_s),
                 .level = level,
                 .agcu = index, /* its own, unless there are too few */
                 .port = s->ports->len };
  add_port (s, &s->agents[agent], (Port){ stream->buffer, agent, !stream->out, false, 1 });
}

/* With more streams than AGCUs: each, the longest first, to the AGCU with least to do. */
static void
share_agcus (Section *s)
{
  uint32_t n = s->config->streams->len, n_agcus = (uint32_t) s->info.agcus_per_tile;
  if (n <= n_agcus)
    return;
  g_autofree int64_t *load = g_new0 (int64_t, n_agcus);
  g_autofree bool *given = g_new0 (bool, n);
  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t longest = SF_NONE, least = 0;
      for (uint32_t t = 0; t < n; t++)
        if (!given[t]
            && (longest == SF_NONE || s->agents[t].fine_total > s->agents[longest].fine_total))
          longest = t;
      for (uint32_t u = 1; u < n_agcus; u++)
        least = load[u] < load[least] ? u : least;
      given[longest] = true;
      s->agents[longest].agcu = least;
      load[least] += s->agents[longest].fine_total;
    }
}

static void
index_ports (Section *s)
{
  uint32_t n_buffers = s->config->buffers->len;
  s->of_buffer = g_new (uint32_t, s->ports->len + 1);
  s->first_of = g_new0 (uint32_t, n_buffers + 2);
  for (guint p = 0; p < s->ports->len; p++)
    s->first_of[AT (s->ports, Port, p).buffer + 2]++;
  for (uint32_t b = 1; b < n_buffers; b++)
    s->first_of[b + 1] += s->first_of[b];
  for (guint p = 0; p < s->ports->len; p++)
    s->of_buffer[s->first_of[AT (s->ports, Port, p).buffer + 1]++] = p;
}

static void
section_init (Section *s, const SfConfigStore *config, const SfStageWork *work, const SfArch *arch,
              const uint32_t *levels)
{
  uint32_t n = config->streams->len + config->stages->len;
  *s = (Section){ .config = config,
                  .info = sf_arch_info (arch),
                  .crowd = sf_estimate_crowds (config, work),
                  .units = sf_estimate_units (config),
                  .agents = g_new (Agent, n + 1),
                  .ports = g_array_sized_new (FALSE, FALSE, sizeof (Port), 4 * n + 1),
                  .todo = g_new (uint32_t, n + 1),
                  .asking = { g_new (uint32_t, n + 1), 0 } };
  for (uint32_t i = 0; i < config->streams->len; i++)
    add_stream (s, i, arch, levels);
  share_agcus (s);
  for (uint32_t i = 0; i < config->stages->len; i++)
    add_stage (s, i, &work[i]);
  index_ports (s);
  int64_t chunks = 0;
  for (uint32_t i = 0; i < n; i++)
    chunks += s->agents[i].chunks;
  s->ends = g_new (int64_t, 2 * chunks + 1);
  chunks = 0;
  for (uint32_t i = 0; i < n; i++)
    {
      s->agents[i].first = s->ends + 2 * chunks;
      s->agents[i].last = s->agents[i].first + s->agents[i].chunks;
      chunks += s->agents[i].chunks;
    }
  s->levels = g_new0 (Level, s->info.n_memory_levels + 1);
  for (size_t i = 0; i < s->info.n_memory_levels; i++)
    {
      SfMemoryLevel memory = sf_arch_memory_level (arch, i);
      __int128 most = (__int128) FINE * s->info.vector_bytes * s->info.agcu_vectors
                      * s->info.clock_hz / memory.bytes_per_s;
      s->levels[i].most = (int64_t) CLAMP (most, 1, FINE);
      s->levels[i].active.agents = g_new (uint32_t, n + 1);
    }
  s->agcu = g_new0 (int64_t, MAX ((int64_t) config->streams->len, s->info.agcus_per_tile) + 1);
}

static void
section_clear (Section *s)
{
  g_free (s->crowd);
  g_free (s->agents);
  g_array_unref (s->ports);
  g_free (s->of_buffer);
  g_free (s->first_of);
  g_free (s->ends);
  g_free (s->todo);
  g_free (s->asking.agents);
  for (size_t i = 0; i < s->info.n_memory_levels; i++)
    g_free (s->levels[i].active.agents);
  g_free (s->levels);
  g_free (s->agcu);
}

/* ---- the estimate ---- */

static int64_t
busy_cycles (const Agent *a)
{
  return a->iterations == 0 ? 0 : (a->iterations - 1) * a->cycles + a->last_cycles;
}

static SfBound
bound_of_stage (const Section *s, const SfStageWork *work, uint32_t stage)
{
  SfStagePlan plan = { &s->info, s->config->buffers, s->crowd,
                       MAX (AT (s->config->stages, SfStage, stage).n_pcus, 1), s->units };
  SfStagePace pace = sf_stage_pace (&work[stage], &plan);
  if (pace.compute_cycles >= MAX (pace.read_cycles, pace.write_cycles))
    return SF_BOUND_COMPUTE;
  return pace.read_cycles >= pace.write_cycles ? SF_BOUND_READ : SF_BOUND_WRITE;
}

/* What is busiest sets the pace, if it is busy half of the time. */
static void
find_bound (const Section *s, const SfStageWork *work, SfSectionEstimate *estimate)
{
  uint32_t n_streams = s->config->streams->len;
  int64_t most = 0, agcu = 0;
  for (uint32_t i = n_streams; i < s->n_agents; i++)
    if (busy_cycles (&s->agents[i]) > most || estimate->stage == SF_NONE)
      {
        most = busy_cycles (&s->agents[i]);
        estimate->stage = i - n_streams;
      }
  for (uint32_t i = 0; i < n_streams; i++)
    agcu = MAX (agcu, busy_cycles (&s->agents[i]));
  int64_t memory = MAX (estimate->memory_cycles, agcu);
  estimate->bound = 2 * MAX (most, memory) < estimate->cycles ? SF_BOUND_WAIT
                    : memory >= most || estimate->stage == SF_NONE
                        ? SF_BOUND_MEMORY
                        : bound_of_stage (s, work, estimate->stage);
  if (estimate->bound == SF_BOUND_MEMORY)
    estimate->stage = SF_NONE;
}

SfSectionEstimate
sf_estimate_section_of (const SfConfigStore *config, const SfStageWork *work, const SfArch *arch,
                        const uint32_t *levels)
{
  SfSectionEstimate estimate = { .stage = SF_NONE };
  Section s;
  section_init (&s, config, work, arch, levels);
  run_section (&s);
  g_autofree int64_t *fine = g_new0 (int64_t, s.info.n_memory_levels + 1);
  for (uint32_t i = 0; i < s.n_agents; i++)
    {
      const Agent *a = &s.agents[i];
      estimate.cycles = MAX (estimate.cycles, a->end + a->latency);
      if (!a->is_stream)
        continue;
      const SfBuffer *buffer = buffer_at (&s, AT (config->streams, SfStream, i).buffer);
      estimate.memory_bytes += sf_shape_n_elems (&buffer->shape)
                               * (int64_t) sf_dtype_bytes (buffer->dtype);
      fine[a->level] += a->fine_total;
    }
  for (size_t i = 0; i < s.info.n_memory_levels; i++)
    estimate.memory_cycles = MAX (estimate.memory_cycles, sf_div_up (fine[i], FINE));
  find_bound (&s, work, &estimate);
  section_clear (&s);
  return estimate;
}

SfSectionEstimate
sf_estimate_section (const SfProgram *program, uint32_t config, const SfArch *arch,
                     const uint32_t *levels)
{
  const SfConfigStore *store = sf_program_config (program, config);
  uint32_t n = store->stages->len;
  g_autofree SfStageWork *work = g_new (SfStageWork, n + 1);
  for (uint32_t i = 0; i < n; i++)
    sf_stage_work_init (&work[i], store, sf_config_stage_at (program, config, i), arch);
  SfSectionEstimate estimate = sf_estimate_section_of (store, work, arch, levels);
  for (uint32_t i = 0; i < n; i++)
    sf_stage_work_clear (&work[i]);
  return estimate;
}

/* ---- depths ---- */

static uint32_t
root_of (uint32_t *parent, uint32_t i)
{
  while (parent[i] != i)
    i = parent[i] = parent[parent[i]];
  return i;
}

/* Per agent: cycles between the iterations of those that pass tokens on to one another with it. */
static int64_t *
find_paces (const Section *s)
{
  int64_t *pace = g_new0 (int64_t, s->n_agents + 1);
  g_autofree uint32_t *parent = g_new (uint32_t, s->n_agents + 1);
  for (uint32_t i = 0; i < s->n_agents; i++)
    parent[i] = i;
  for (uint32_t b = 0; b < s->config->buffers->len; b++)
    {
      uint32_t first = SF_NONE;
      for (uint32_t i = s->first_of[b]; i < s->first_of[b + 1]; i++)
        {
          const Port *port = &AT (s->ports, Port, s->of_buffer[i]);
          if (port->resident)
            continue;
          if (first != SF_NONE)
            parent[root_of (parent, port->agent)] = root_of (parent, first);
          first = port->agent;
        }
    }
  for (uint32_t i = 0; i < s->n_agents; i++)
    {
      uint32_t root = root_of (parent, i);
      pace[root] = MAX (pace[root], s->agents[i].cycles);
    }
  for (uint32_t i = 0; i < s->n_agents; i++)
    pace[i] = pace[root_of (parent, i)];
  return pace;
}

void
sf_estimate_depths (const SfConfigStore *config, const SfStageWork *work, const SfArch *arch,
                    int64_t *depth)
{
  Section s;
  section_init (&s, config, work, arch, NULL);
  run_section (&s);
  g_autofree int64_t *pace = find_paces (&s);
  for (uint32_t b = 0; b < config->buffers->len; b++)
    {
      int64_t begin = 0, end = 0, cycles = 1;
      for (uint32_t i = s.first_of[b]; i < s.first_of[b + 1]; i++)
        {
          const Port *port = &AT (s.ports, Port, s.of_buffer[i]);
          const Agent *a = &s.agents[port->agent];
          if (port->resident || a->chunks == 0)
            continue;
          if (port->out)
            {
              begin = a->first[0] - a->cycles;
              cycles = MAX (pace[port->agent], 1);
            }
          else
            end = MAX (end, a->first[0]);
        }
      if (end > begin)
        depth[b] = MAX (depth[b],
                        MIN (sf_div_up (end - begin, cycles) + 1, buffer_at (&s, b)->tokens));
    }
  section_clear (&s);
}
