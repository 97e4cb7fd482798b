/* SPDX-License-Identifier: Apache-2.0 */
/* T0: sections, by a run of their agents; what sets the pace; how deep buffers should be. */
#include <string.h>

#include "core/program/check.h"
#include "core/program/estimate_run.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* An agent goes through its iterations in at most so many chunks. */
#define MAX_CHUNKS 32

typedef struct
{
  SfEstimateRun run;
  SfArchInfo info;
  const SfConfigStore *config;
  int64_t *crowd; /* of sf_estimate_crowds */
  int64_t units;  /* of sf_estimate_units */
  int64_t *ends;  /* of all agents' chunks */
} Section;

/* ---- agents ---- */

static void
add_port (Section *s, SfRunAgent *a, SfRunPort port)
{
  for (uint32_t i = a->port; i < a->port + a->n_ports; i++)
    {
      const SfRunPort *p = &s->run.ports[i];
      if (p->buffer == port.buffer && p->out == port.out && p->resident == port.resident)
        return;
    }
  s->run.ports[s->run.n_ports++] = port;
  a->n_ports++;
  a->n_moving += !port.resident;
}

static SfStagePlan
plan_of (const Section *s, uint32_t stage)
{
  const SfStage *at = &AT (s->config->stages, SfStage, stage);
  return (SfStagePlan){ &s->info, s->config->buffers, s->crowd, MAX (at->n_pcus, 1), s->units };
}

static void
add_stage (Section *s, uint32_t index, const SfStageWork *work)
{
  const SfStage *stage = &AT (s->config->stages, SfStage, index);
  SfStagePlan plan = plan_of (s, index);
  SfStagePace pace = sf_stage_pace (work, &plan);
  uint32_t agent = s->run.n_agents++;
  SfRunAgent *a = &s->run.agents[agent];
  *a = (SfRunAgent){ .iterations = work->iterations,
                     .chunks = MIN (work->iterations, MAX_CHUNKS),
                     .cycles = pace.cycles,
                     .last_cycles = pace.last_cycles,
                     .latency = sf_estimate_latency (work, &plan),
                     .port = s->run.n_ports };
  for (int resident = 0; resident < 2; resident++)
    for (size_t i = 0; i < stage->n_operands; i++)
      {
        const SfOperand *o = &stage->operands[i];
        SfRunPort port = { o->buffer, agent, o->kind == SF_OPERAND_OUT, o->counter < 0,
                           MAX (o->rate, 1) };
        if (o->kind != SF_OPERAND_TEMP && port.resident == (resident == 1))
          add_port (s, a, port);
      }
}

static void
add_stream (Section *s, uint32_t index, const SfArch *arch, const uint32_t *levels)
{
  const SfStream *stream = &AT (s->config->streams, SfStream, index);
  const SfBuffer *buffer = &AT (s->config->buffers, SfBuffer, stream->buffer);
  uint32_t agent = s->run.n_agents++, level = levels != NULL ? levels[stream->slot] : 0;
  level = level < s->info.n_memory_levels ? level : 0;
  SfMemoryLevel memory = sf_arch_memory_level (arch, level);
  int64_t elem = (int64_t) sf_dtype_bytes (buffer->dtype);
  int64_t bytes = buffer->token_elems * elem, total = sf_shape_n_elems (&buffer->shape) * elem;
  int64_t vectors = buffer->token_elems == 1 ? 1 : sf_div_up (bytes, s->info.vector_bytes);
  /* One net leads in; out, each PMU has its own, and the AGCU takes from several at a time. */
  int64_t at_once = stream->out ? CLAMP (buffer->n_pmus, 1, s->info.agcu_vectors) : 1;
  __int128 fine = (__int128) SF_RUN_FINE * s->info.clock_hz;
  int64_t way = sf_estimate_way (&s->info, 1 + buffer->n_pmus, s->units);
  s->run.agents[agent]
      = (SfRunAgent){ .is_stream = true,
                      .out = stream->out,
                      .iterations = buffer->tokens,
                      .chunks = MIN (buffer->tokens, MAX_CHUNKS),
                      .cycles = sf_div_up (vectors, at_once),
                      .last_cycles = sf_div_up (vectors, at_once),
                      .agcu_cycles = sf_div_up (vectors, s->info.agcu_vectors),
                      .latency = way + (stream->out ? 0 : sf_arch_cycles (arch, memory.latency_ns)),
                      .fine = (int64_t) (bytes * fine / memory.bytes_per_s),
                      .fine_total = (int64_t) (total * fine / memory.bytes_per_s),
                      .level = level,
                      .agcu = index, /* its own, unless there are too few */
                      .port = s->run.n_ports };
  add_port (s, &s->run.agents[agent], (SfRunPort){ stream->buffer, agent, !stream->out, false, 1 });
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
  SfRunAgent *agents = s->run.agents;
  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t longest = SF_NONE, least = 0;
      for (uint32_t t = 0; t < n; t++)
        if (!given[t] && (longest == SF_NONE || agents[t].fine_total > agents[longest].fine_total))
          longest = t;
      for (uint32_t u = 1; u < n_agcus; u++)
        least = load[u] < load[least] ? u : least;
      given[longest] = true;
      agents[longest].agcu = least;
      load[least] += agents[longest].fine_total;
    }
}

static void
index_ports (Section *s)
{
  uint32_t n_buffers = s->config->buffers->len;
  SfEstimateRun *run = &s->run;
  run->writer = g_new (uint32_t, n_buffers + 1);
  run->reader = g_new (uint32_t, run->n_ports + 1);
  run->first_reader = g_new0 (uint32_t, n_buffers + 2);
  for (uint32_t b = 0; b < n_buffers; b++)
    run->writer[b] = SF_NONE;
  for (uint32_t p = 0; p < run->n_ports; p++)
    if (run->ports[p].out)
      run->writer[run->ports[p].buffer] = p;
    else
      run->first_reader[run->ports[p].buffer + 2]++;
  for (uint32_t b = 1; b < n_buffers; b++)
    run->first_reader[b + 1] += run->first_reader[b];
  for (uint32_t p = 0; p < run->n_ports; p++)
    if (!run->ports[p].out)
      run->reader[run->first_reader[run->ports[p].buffer + 1]++] = p;
}

static void
add_levels (Section *s, uint32_t n_agents)
{
  s->run.n_levels = s->info.n_memory_levels;
  s->run.levels = g_new0 (SfRunLevel, s->run.n_levels + 1);
  for (size_t i = 0; i < s->run.n_levels; i++)
    s->run.levels[i].active.agents = g_new (uint32_t, n_agents + 1);
}

static void
section_init (Section *s, const SfConfigStore *config, const SfStageWork *work, const SfArch *arch,
              const uint32_t *levels)
{
  uint32_t n = config->streams->len + config->stages->len;
  size_t n_ports = config->streams->len, chunks = 0;
  for (uint32_t i = 0; i < config->stages->len; i++)
    n_ports += AT (config->stages, SfStage, i).n_operands;
  *s = (Section){ .info = sf_arch_info (arch), .config = config };
  s->crowd = sf_estimate_crowds (config, work);
  s->units = sf_estimate_units (config);
  s->run = (SfEstimateRun){ .config = config,
                            .agents = g_new (SfRunAgent, n + 1),
                            .ports = g_new (SfRunPort, n_ports + 1),
                            .todo = g_new (uint32_t, n + 1),
                            .asking = { g_new (uint32_t, n + 1), 0 } };
  for (uint32_t i = 0; i < config->streams->len; i++)
    add_stream (s, i, arch, levels);
  share_agcus (s);
  for (uint32_t i = 0; i < config->stages->len; i++)
    add_stage (s, i, &work[i]);
  index_ports (s);
  add_levels (s, n);
  s->run.agcu = g_new0 (int64_t, MAX ((int64_t) config->streams->len, s->info.agcus_per_tile) + 1);
  for (uint32_t i = 0; i < n; i++)
    chunks += (size_t) s->run.agents[i].chunks;
  int64_t *end = s->ends = g_new (int64_t, 2 * chunks + 1);
  for (uint32_t i = 0; i < n; i++)
    {
      SfRunAgent *a = &s->run.agents[i];
      a->first = end;
      a->last = end + a->chunks;
      end += 2 * a->chunks;
    }
}

static void
section_clear (Section *s)
{
  g_free (s->crowd);
  g_free (s->ends);
  g_free (s->run.agents);
  g_free (s->run.ports);
  g_free (s->run.writer);
  g_free (s->run.reader);
  g_free (s->run.first_reader);
  g_free (s->run.todo);
  g_free (s->run.asking.agents);
  for (size_t i = 0; i < s->run.n_levels; i++)
    g_free (s->run.levels[i].active.agents);
  g_free (s->run.levels);
  g_free (s->run.agcu);
}

/* ---- the estimate ---- */

static int64_t
busy_cycles (const SfRunAgent *a)
{
  return a->iterations == 0 ? 0 : (a->iterations - 1) * a->cycles + a->last_cycles;
}

static SfBound
bound_of_stage (const Section *s, const SfStageWork *work, uint32_t stage)
{
  SfStagePlan plan = plan_of (s, stage);
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
  for (uint32_t i = n_streams; i < s->run.n_agents; i++)
    if (busy_cycles (&s->run.agents[i]) > most || estimate->stage == SF_NONE)
      {
        most = busy_cycles (&s->run.agents[i]);
        estimate->stage = i - n_streams;
      }
  for (uint32_t i = 0; i < n_streams; i++)
    agcu = MAX (agcu, busy_cycles (&s->run.agents[i]));
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
  sf_estimate_run (&s.run);
  g_autofree int64_t *fine = g_new0 (int64_t, s.info.n_memory_levels + 1);
  for (uint32_t i = 0; i < s.run.n_agents; i++)
    {
      const SfRunAgent *a = &s.run.agents[i];
      estimate.cycles = MAX (estimate.cycles, a->end + a->latency);
      if (!a->is_stream)
        continue;
      const SfBuffer *buffer = &AT (config->buffers, SfBuffer,
                                    AT (config->streams, SfStream, i).buffer);
      estimate.memory_bytes += sf_shape_n_elems (&buffer->shape)
                               * (int64_t) sf_dtype_bytes (buffer->dtype);
      fine[a->level] += a->fine_total;
    }
  for (size_t i = 0; i < s.info.n_memory_levels; i++)
    estimate.memory_cycles = MAX (estimate.memory_cycles, sf_div_up (fine[i], SF_RUN_FINE));
  find_bound (&s, work, &estimate);
  section_clear (&s);
  return estimate;
}

SfSectionEstimate
sf_estimate_section (const SfProgram *program, uint32_t config, const SfArch *arch,
                     const uint32_t *levels)
{
  const SfConfigStore *store = sf_program_config (program, config);
  SfStageWork *work = sf_stage_works_new (program, config, arch);
  SfSectionEstimate estimate = sf_estimate_section_of (store, work, arch, levels);
  sf_stage_works_free (work, store->stages->len);
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
find_paces (const SfEstimateRun *run)
{
  int64_t *pace = g_new0 (int64_t, run->n_agents + 1);
  g_autofree uint32_t *parent = g_new (uint32_t, run->n_agents + 1);
  g_autofree uint32_t *seen = g_new (uint32_t, run->config->buffers->len + 1);
  memset (seen, 0xff, (run->config->buffers->len + 1) * sizeof *seen);
  for (uint32_t i = 0; i < run->n_agents; i++)
    parent[i] = i;
  for (uint32_t p = 0; p < run->n_ports; p++)
    {
      const SfRunPort *port = &run->ports[p];
      if (port->resident)
        continue;
      if (seen[port->buffer] != SF_NONE)
        parent[root_of (parent, port->agent)] = root_of (parent, seen[port->buffer]);
      seen[port->buffer] = port->agent;
    }
  for (uint32_t i = 0; i < run->n_agents; i++)
    {
      uint32_t root = root_of (parent, i);
      pace[root] = MAX (pace[root], run->agents[i].cycles);
    }
  for (uint32_t i = 0; i < run->n_agents; i++)
    pace[i] = pace[root_of (parent, i)];
  return pace;
}

void
sf_estimate_depths (const SfConfigStore *config, const SfStageWork *work, const SfArch *arch,
                    int64_t *depth)
{
  Section s;
  section_init (&s, config, work, arch, NULL);
  SfEstimateRun *run = &s.run;
  sf_estimate_run (run);
  g_autofree int64_t *pace = find_paces (run);
  for (uint32_t b = 0; b < config->buffers->len; b++)
    {
      const SfRunPort *writer = run->writer[b] != SF_NONE ? &run->ports[run->writer[b]] : NULL;
      if (writer == NULL || writer->resident || run->agents[writer->agent].chunks == 0)
        continue;
      int64_t begin = run->agents[writer->agent].first[0] - run->agents[writer->agent].cycles;
      int64_t end = begin, tokens = AT (config->buffers, SfBuffer, b).tokens;
      for (uint32_t i = run->first_reader[b]; i < run->first_reader[b + 1]; i++)
        {
          const SfRunPort *port = &run->ports[run->reader[i]];
          const SfRunAgent *a = &run->agents[port->agent];
          if (!port->resident && a->chunks > 0)
            end = MAX (end, a->first[0]);
        }
      int64_t wanted = sf_div_up (end - begin, MAX (pace[writer->agent], 1)) + 1;
      if (end > begin)
        depth[b] = MAX (depth[b], MIN (wanted, tokens));
    }
  section_clear (&s);
}
