/* SPDX-License-Identifier: Apache-2.0 */
/* T0: the run of a section. Agents go on as far as is known when their tokens are complete and
 * their results have room; the order in which they are asked changes nothing, but for memory, which
 * is shared in the order of time. */
#include "core/program/estimate_run.h"

/* ---- tokens and times ---- */

static const SfBuffer *
buffer_at (const SfEstimateRun *run, uint32_t buffer)
{
  return &g_array_index (run->config->buffers, SfBuffer, buffer);
}

static int64_t
chunk_begin (const SfRunAgent *a, int64_t chunk)
{
  return a->chunks == a->iterations ? chunk : chunk * a->iterations / a->chunks;
}

/* End of an iteration of a chunk that is done. */
static int64_t
end_of (const SfRunAgent *a, int64_t iteration)
{
  if (a->chunks == a->iterations)
    return a->last[iteration];
  int64_t chunk = ((iteration + 1) * a->chunks - 1) / a->iterations;
  int64_t lo = chunk_begin (a, chunk), n = chunk_begin (a, chunk + 1) - 1 - lo;
  if (n <= 0)
    return a->last[chunk];
  return a->first[chunk] + (a->last[chunk] - a->first[chunk]) * (iteration - lo) / n;
}

/* When the agent has dealt with `token` through `port`; false: not known yet. */
static inline bool
dealt_with (const SfEstimateRun *run, const SfRunPort *port, int64_t token, int64_t *time)
{
  const SfRunAgent *a = &run->agents[port->agent];
  if (port->resident || token >= a->iterations * port->rate)
    {
      *time = a->end;
      return a->done >= a->chunks;
    }
  int64_t iteration = port->rate == 1 ? token : token / port->rate;
  if (iteration >= chunk_begin (a, a->done))
    return false;
  *time = end_of (a, iteration);
  return true;
}

/* When `token` is complete in its buffer; false: not known yet. */
static bool
complete_at (const SfEstimateRun *run, uint32_t buffer, int64_t token, int64_t *time)
{
  int64_t end;
  if (run->writer[buffer] == SF_NONE)
    return true;
  const SfRunPort *port = &run->ports[run->writer[buffer]];
  if (!dealt_with (run, port, token, &end))
    return false;
  *time = MAX (*time, end + run->agents[port->agent].latency);
  return true;
}

/* When the last reader has given `token` back; false: not known yet. */
static bool
free_at (const SfEstimateRun *run, uint32_t buffer, int64_t token, int64_t *time)
{
  int64_t end;
  for (uint32_t i = run->first_reader[buffer]; token >= 0 && i < run->first_reader[buffer + 1]; i++)
    {
      if (!dealt_with (run, &run->ports[run->reader[i]], token, &end))
        return false;
      *time = MAX (*time, end);
    }
  return true;
}

/* Whether the port is ready for iterations lo .. hi: since when for the first, when, for its tokens
 * and their room, the last could begin. */
static bool
port_ready (const SfEstimateRun *run, const SfRunPort *port, int64_t lo, int64_t hi, int64_t *begin,
            int64_t *finish)
{
  const SfBuffer *buffer = buffer_at (run, port->buffer);
  int64_t all = buffer->tokens - 1;
  int64_t first = port->resident ? all : MIN ((lo + 1) * port->rate - 1, all);
  int64_t last = port->resident ? all : MIN ((hi + 1) * port->rate - 1, all);
  if (port->out)
    {
      bool known = free_at (run, port->buffer, first - buffer->depth, begin);
      /* Readers of the same chunk are not there yet: within a chunk the writer runs ahead. */
      if (known && last != first)
        free_at (run, port->buffer, last - buffer->depth, finish);
      return known;
    }
  return (last == first || complete_at (run, port->buffer, last, finish))
         && complete_at (run, port->buffer, first, begin);
}

/* When the agent's next chunk can begin and its last iteration could; false: not known yet.
 * `force`: what is not known does not count. */
static bool
next_chunk (const SfEstimateRun *run, SfRunAgent *a, bool force, int64_t *begin, int64_t *finish)
{
  int64_t lo = chunk_begin (a, a->done), hi = chunk_begin (a, a->done + 1) - 1;
  uint32_t n = a->done == 0 ? a->n_ports : a->n_moving;
  *begin = a->is_stream && !a->out ? a->served : a->end;
  *finish = 0;
  if (!force && a->blocked < n
      && !port_ready (run, &run->ports[a->port + a->blocked], lo, hi, begin, finish))
    return false;
  for (uint32_t i = 0; i < n; i++)
    if (!port_ready (run, &run->ports[a->port + i], lo, hi, begin, finish) && !force)
      {
        a->blocked = i;
        return false;
      }
  return true;
}

/* ---- agents at work ---- */

static void
push_agent (SfEstimateRun *run, uint32_t agent)
{
  SfRunAgent *a = &run->agents[agent];
  if (a->queued || a->done >= a->chunks)
    return;
  a->queued = true;
  run->todo[run->n_todo++] = agent;
}

/* Whoever waits for what the agent has written or given back. */
static void
wake_others (SfEstimateRun *run, const SfRunAgent *a)
{
  uint32_t n = a->done >= a->chunks ? a->n_ports : a->n_moving;
  for (uint32_t p = a->port; p < a->port + n; p++)
    {
      uint32_t buffer = run->ports[p].buffer;
      if (!run->ports[p].out && run->writer[buffer] != SF_NONE)
        push_agent (run, run->ports[run->writer[buffer]].agent);
      for (uint32_t i = run->first_reader[buffer];
           run->ports[p].out && i < run->first_reader[buffer + 1]; i++)
        push_agent (run, run->ports[run->reader[i]].agent);
    }
}

static void
close_chunk (SfRunAgent *a, int64_t first, int64_t last)
{
  a->first[a->done] = first;
  a->last[a->done] = last;
  a->end = last;
  a->done++;
}

static void
fire_stage (SfRunAgent *a, int64_t begin, int64_t finish)
{
  int64_t lo = chunk_begin (a, a->done), hi = chunk_begin (a, a->done + 1) - 1;
  int64_t last_cycles = hi == a->iterations - 1 ? a->last_cycles : a->cycles;
  int64_t first = begin + (lo == hi ? last_cycles : a->cycles);
  int64_t last = lo == hi ? first : first + (hi - lo - 1) * a->cycles + last_cycles;
  close_chunk (a, first, MAX (last, finish + last_cycles));
}

/* ---- memory ---- */

static bool
before (const SfEstimateRun *run, const SfRunHeap *heap, uint32_t a, uint32_t b)
{
  const SfRunAgent *x = &run->agents[a], *y = &run->agents[b];
  int64_t d = heap == &run->asking ? x->asked - y->asked : x->target - y->target;
  return d < 0 || (d == 0 && a < b);
}

static void
heap_push (const SfEstimateRun *run, SfRunHeap *heap, uint32_t agent)
{
  uint32_t at = heap->n++;
  for (; at > 0 && before (run, heap, agent, heap->agents[(at - 1) / 2]); at = (at - 1) / 2)
    heap->agents[at] = heap->agents[(at - 1) / 2];
  heap->agents[at] = agent;
}

static uint32_t
heap_pop (const SfEstimateRun *run, SfRunHeap *heap)
{
  uint32_t top = heap->agents[0], agent = heap->agents[--heap->n], at = 0;
  for (uint32_t down = 1; down < heap->n; down = 2 * at + 1)
    {
      if (down + 1 < heap->n && before (run, heap, heap->agents[down + 1], heap->agents[down]))
        down++;
      if (before (run, heap, agent, heap->agents[down]))
        break;
      heap->agents[at] = heap->agents[down];
      at = down;
    }
  heap->agents[at] = agent;
  return top;
}

static void
move_on (SfRunLevel *level, int64_t now)
{
  int64_t cycles = now - level->now;
  if (cycles <= 0)
    return;
  level->share += cycles * SF_RUN_FINE / MAX (level->active.n, 1);
  level->now = now;
}

/* When the level's next chunk is through if nobody else asks; INT64_MAX: none is under way. */
static int64_t
next_through (const SfEstimateRun *run, const SfRunLevel *level)
{
  if (level->active.n == 0)
    return INT64_MAX;
  int64_t work = MAX (run->agents[level->active.agents[0]].target - level->share, 0);
  return level->now + sf_div_up (work * level->active.n, SF_RUN_FINE);
}

static void
begin_stream (SfEstimateRun *run, uint32_t agent)
{
  SfRunAgent *a = &run->agents[agent];
  SfRunLevel *level = &run->levels[a->level];
  int64_t lo = chunk_begin (a, a->done), n = chunk_begin (a, a->done + 1) - lo;
  move_on (level, a->asked);
  a->target = level->share + (lo + n == a->iterations ? a->fine_total - lo * a->fine : n * a->fine);
  heap_push (run, &level->active, agent);
}

/* The chunk has passed the memory; its AGCU takes what it is asked for in turn. What has come from
 * memory waits for it, so that memory may serve the next chunk. */
static void
end_stream (SfEstimateRun *run, SfRunAgent *a, int64_t now)
{
  int64_t lo = chunk_begin (a, a->done), n = chunk_begin (a, a->done + 1) - lo;
  int64_t *agcu = &run->agcu[a->agcu], begin, finish = 0;
  if (n > 1)
    next_chunk (run, a, true, &begin, &finish);
  *agcu = MAX (*agcu, a->asked) + n * a->agcu_cycles;
  a->served = now;
  int64_t from = MAX (a->asked, a->end), last = MAX (MAX (now, *agcu), from + n * a->cycles);
  int64_t first = from + sf_div_up (last - from, n);
  close_chunk (a, first, MAX (last, finish));
}

/* The stream whose chunk is the next to pass; SF_NONE: none is under way. */
static uint32_t
next_stream (SfEstimateRun *run, int64_t *now)
{
  for (;;)
    {
      SfRunLevel *first = NULL;
      *now = INT64_MAX;
      for (size_t i = 0; i < run->n_levels; i++)
        {
          int64_t through = next_through (run, &run->levels[i]);
          if (through >= *now)
            continue;
          first = &run->levels[i];
          *now = through;
        }
      if (run->asking.n > 0 && run->agents[run->asking.agents[0]].asked <= *now)
        {
          begin_stream (run, heap_pop (run, &run->asking));
          continue;
        }
      if (first == NULL)
        return SF_NONE;
      move_on (first, *now);
      return heap_pop (run, &first->active);
    }
}

/* ---- all together ---- */

/* A stream stays queued until memory has served it. */
static void
go_on (SfEstimateRun *run, SfRunAgent *a)
{
  int64_t before = a->done, begin, finish;
  bool ready = next_chunk (run, a, false, &begin, &finish);
  if (ready && a->is_stream)
    {
      a->asked = begin;
      heap_push (run, &run->asking, (uint32_t) (a - run->agents));
      return;
    }
  a->queued = false;
  for (; ready; ready = a->done < a->chunks && next_chunk (run, a, false, &begin, &finish))
    fire_stage (a, begin, finish);
  if (a->done > before)
    wake_others (run, a);
}

/* A section that would come to a stop, which the verifier refuses: what is missing does not count.
 * SF_NONE: all is done. */
static uint32_t
force_one (SfEstimateRun *run)
{
  uint32_t next = 0;
  int64_t begin, finish;
  while (next < run->n_agents && run->agents[next].done >= run->agents[next].chunks)
    next++;
  if (next == run->n_agents)
    return SF_NONE;
  next_chunk (run, &run->agents[next], true, &begin, &finish);
  fire_stage (&run->agents[next], begin, finish);
  return next;
}

void
sf_estimate_run (SfEstimateRun *run)
{
  for (uint32_t i = run->n_agents; i-- > 0;)
    push_agent (run, i);
  for (;;)
    {
      int64_t now;
      while (run->n_todo > 0)
        go_on (run, &run->agents[run->todo[--run->n_todo]]);
      uint32_t next = next_stream (run, &now);
      if (next != SF_NONE)
        {
          end_stream (run, &run->agents[next], now);
          run->agents[next].queued = false;
        }
      else if ((next = force_one (run)) == SF_NONE)
        return;
      push_agent (run, next);
      wake_others (run, &run->agents[next]);
    }
}
