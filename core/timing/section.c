/* SPDX-License-Identifier: Apache-2.0 */
/* A section as T1 runs it: agents with what their iterations take, and the buffers between them. */
#include "core/timing/timing.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Transfers over what is shared are booked in at most about so many parts. */
#define MAX_PARTS 2048

/* ---- ports ---- */

static void
add_port (SfSection *section, SfAgent *agent, SfPort port)
{
  for (size_t p = agent->first_port; p < section->ports->len; p++)
    {
      SfPort *known = &AT (section->ports, SfPort, p);
      if (known->buffer == port.buffer && known->out == port.out && known->resident == port.resident
          && known->rate == port.rate)
        return;
    }
  g_array_append_val (section->ports, port);
  agent->n_ports++;
}

/* ---- agents ---- */

static void
add_stream (SfSection *section, const SfProgram *program, uint32_t config, uint32_t index,
            const SfArchInfo *arch)
{
  SfStream stream = sf_config_stream (program, config, index);
  SfBuffer buffer = sf_config_buffer (program, config, stream.buffer);
  int64_t elems = sf_shape_n_elems (&buffer.shape), pmus = MAX (buffer.n_pmus, 1);
  int64_t rest = elems - (buffer.tokens - 1) * buffer.token_elems;
  bool short_last = buffer.tokens > 0 && rest != buffer.token_elems;
  SfAgent agent = { .is_stream = true,
                    .out = stream.out,
                    .index = index,
                    .iterations = buffer.tokens,
                    .alike_to = buffer.tokens - short_last,
                    .first_class = section->classes->len,
                    .n_classes = buffer.tokens <= 0 ? 0 : 1 + (short_last && buffer.tokens > 1),
                    .first_port = section->ports->len,
                    .first_flow = section->flows->len,
                    .n_flows = 1,
                    .traffic = g_new0 (SfTraffic, 2) };
  if (agent.alike_to <= 0)
    agent.alike_from = agent.alike_to = buffer.tokens;
  int64_t elem_bytes = (int64_t) sf_dtype_bytes (buffer.dtype);
  for (size_t c = 0; c < agent.n_classes; c++)
    {
      int64_t n = short_last && c + 1 == agent.n_classes ? rest : buffer.token_elems;
      agent.traffic[c] = (SfTraffic){ sf_ceil_div (sf_time_mul (n, elem_bytes), arch->vector_bytes),
                                      n };
    }
  add_port (section, &agent, (SfPort){ stream.buffer, !stream.out, false, 1, 0 });
  SfFlow flow = { .agent = section->agents->len,
                  .buffer = stream.buffer,
                  .write = !stream.out,
                  .pmus = pmus,
                  .sources = stream.out ? pmus : 1,
                  .sinks = stream.out ? MIN (pmus, arch->agcu_vectors) : pmus };
  g_array_append_val (section->flows, flow);
  section->memory_bytes = sf_time_add (section->memory_bytes, sf_time_mul (elems, elem_bytes));
  g_array_append_val (section->agents, agent);
}

static void
add_stage_flows (SfSection *section, const SfProgram *program, uint32_t config,
                 const SfStage *stage, const SfTimingWork *work, SfAgent *agent)
{
  for (size_t f = 0; f < work->n_flows; f++)
    {
      const SfOperand *o = &stage->operands[work->operands[f]];
      SfBuffer buffer = sf_config_buffer (program, config, o->buffer);
      bool write = o->kind == SF_OPERAND_OUT;
      int64_t pmus = MAX (buffer.n_pmus, 1), pcus = MAX (stage->n_pcus, 1);
      SfFlow flow = { .agent = section->agents->len,
                      .buffer = o->buffer,
                      .write = write,
                      .pmus = pmus,
                      .sources = write ? pcus : pmus,
                      .sinks = write ? pmus : pcus };
      g_array_append_val (section->flows, flow);
      add_port (section, agent, (SfPort){ o->buffer, write, o->counter < 0, MAX (o->rate, 0), 0 });
    }
}

static bool
add_stage (SfSection *section, const SfProgram *program, uint32_t config, uint32_t index,
           const SfArch *arch, GError **error)
{
  SfStage stage = sf_config_stage (program, config, index);
  SfTimingWork work;
  bool ok = sf_timing_work (program, config, index, arch, &work, error);
  if (ok)
    {
      SfAgent agent = { .index = index,
                        .iterations = work.iterations,
                        .alike_from = work.alike_from,
                        .alike_to = work.alike_to,
                        .first_class = section->classes->len,
                        .n_classes = work.n_classes,
                        .first_port = section->ports->len,
                        .first_flow = section->flows->len,
                        .n_flows = work.n_flows,
                        .traffic = g_steal_pointer (&work.traffic) };
      add_stage_flows (section, program, config, &stage, &work, &agent);
      g_array_append_val (section->agents, agent);
      for (size_t c = 0; c < work.n_classes; c++)
        {
          SfClass class = { .compute_cycles = work.work[c].compute_cycles };
          g_array_append_val (section->classes, class);
          int64_t busy = sf_time_mul (work.work[c].compute_cycles, work.work[c].pcus);
          section->pcu_cycles = sf_time_add (section->pcu_cycles,
                                             sf_time_mul (busy, sf_class_count (&agent, c)));
        }
    }
  sf_timing_work_clear (&work);
  return ok;
}

/* ---- buffers ---- */

static void
add_buffers (SfSection *section, const SfProgram *program, uint32_t config)
{
  size_t n = sf_config_n_buffers (program, config);
  for (uint32_t b = 0; b < n; b++)
    {
      SfBuffer buffer = sf_config_buffer (program, config, b);
      SfBufferModel model = { .tokens = MAX (buffer.tokens, 0),
                              .depth = CLAMP (buffer.depth, 1, MAX (buffer.tokens, 1)) };
      g_array_append_val (section->buffers, model);
    }
}

/* Agents and reading ports by buffer. */
static void
index_buffers (SfSection *section)
{
  g_autofree uint32_t *agent_of = g_new (uint32_t, section->ports->len + 1);
  for (guint a = 0; a < section->agents->len; a++)
    {
      const SfAgent *agent = &AT (section->agents, SfAgent, a);
      for (size_t p = 0; p < agent->n_ports; p++)
        {
          agent_of[agent->first_port + p] = a;
          SfBufferModel *b = &AT (section->buffers, SfBufferModel,
                                  AT (section->ports, SfPort, agent->first_port + p).buffer);
          b->n_agents++;
          b->n_readers += !AT (section->ports, SfPort, agent->first_port + p).out;
        }
    }
  size_t agents = 0, readers = 0;
  for (guint i = 0; i < section->buffers->len; i++)
    {
      SfBufferModel *b = &AT (section->buffers, SfBufferModel, i);
      b->first_agent = agents;
      b->first_reader = readers;
      agents += b->n_agents;
      readers += b->n_readers;
      b->n_agents = b->n_readers = 0;
    }
  g_array_set_size (section->touching, (guint) agents);
  g_array_set_size (section->readers, (guint) readers);
  for (guint p = 0; p < section->ports->len; p++)
    {
      const SfPort *port = &AT (section->ports, SfPort, p);
      SfBufferModel *b = &AT (section->buffers, SfBufferModel, port->buffer);
      AT (section->touching, uint32_t, b->first_agent + b->n_agents++) = agent_of[p];
      if (!port->out)
        AT (section->readers, uint32_t, b->first_reader + b->n_readers++) = p;
    }
}

/* ---- what an iteration takes ---- */

/* A source moves its share of the vectors, a sink takes those of its sources one after the other.
 */
static int64_t
flow_cycles (const SfFlow *flow, int64_t amount)
{
  return sf_time_mul (sf_ceil_div (amount, flow->sources),
                      sf_ceil_div (flow->sources, flow->sinks));
}

static void
set_class (const SfSection *section, const SfAgent *agent, size_t c)
{
  SfClass *class = &AT (section->classes, SfClass, agent->first_class + c);
  class->cycles = class->compute_cycles;
  class->bound = agent->is_stream ? SF_BOUND_MEMORY : SF_BOUND_COMPUTE;
  for (size_t f = 0; f < agent->n_flows; f++)
    {
      SfFlow *flow = &AT (section->flows, SfFlow, agent->first_flow + f);
      int64_t amount = sf_flow_amount (flow, agent, c, f), n = sf_class_count (agent, c);
      int64_t cycles = flow_cycles (flow, amount), share = sf_ceil_div (amount, flow->sources);
      flow->total = sf_time_add (flow->total, sf_time_mul (amount, n));
      flow->total_per_source = sf_time_add (flow->total_per_source, sf_time_mul (share, n));
      if (agent->is_stream || flow->write)
        {
          class->late_cycles = MAX (class->late_cycles, cycles);
          class->late_vectors = MAX (class->late_vectors, share);
        }
      if (!flow->write)
        class->early_cycles = MAX (class->early_cycles, cycles);
      else if (!agent->is_stream && share > 0)
        {
          int64_t last = amount - (share - 1) * flow->sources;
          class->tail_cycles = MAX (class->tail_cycles, sf_ceil_div (last, flow->sinks) - 1);
        }
      if (cycles <= class->cycles || (agent->is_stream && !agent->out))
        continue;
      class->cycles = cycles;
      if (!agent->is_stream)
        class->bound = flow->write ? SF_BOUND_WRITE : SF_BOUND_READ;
    }
}

/* Greatest rates of the flows. */
static void
set_peaks (const SfSection *section, const SfAgent *agent)
{
  for (size_t c = 0; c < agent->n_classes; c++)
    for (size_t f = 0; f < agent->n_flows; f++)
      {
        const SfClass *class = &AT (section->classes, SfClass, agent->first_class + c);
        SfFlow *flow = &AT (section->flows, SfFlow, agent->first_flow + f);
        int64_t amount = sf_flow_amount (flow, agent, c, f);
        int64_t cycles = MAX (MAX (class->cycles, class->late_cycles), 1);
        int64_t a = sf_time_mul (sf_ceil_div (amount, flow->sources), SF_PEAK_ONE) / cycles;
        int64_t b = sf_time_mul (sf_ceil_div (amount, flow->pmus), SF_PEAK_ONE) / cycles;
        flow->peak = MAX (flow->peak, sf_time_mul (amount, SF_PEAK_ONE) / cycles);
        flow->peak_per_source = MAX (flow->peak_per_source, a);
        flow->peak_per_pmu = MAX (flow->peak_per_pmu, b);
      }
}

static void
set_classes (SfSection *section)
{
  int64_t most = 0;
  for (guint a = 0; a < section->agents->len; a++)
    {
      const SfAgent *agent = &AT (section->agents, SfAgent, a);
      for (size_t c = 0; c < agent->n_classes; c++)
        set_class (section, agent, c);
      set_peaks (section, agent);
    }
  for (guint f = 0; f < section->flows->len; f++)
    {
      const SfFlow *flow = &AT (section->flows, SfFlow, f);
      most = MAX (most, flow->total_per_source);
      section->port_vectors = sf_time_add (section->port_vectors, flow->total);
    }
  section->quantum = MAX (most / MAX_PARTS, CLAMP (most / 128, 2, 16));
}

static void
set_port_latencies (const SfSection *section, const SfAgent *agent, const SfArchInfo *info)
{
  for (size_t f = agent->first_flow; f < agent->first_flow + agent->n_flows; f++)
    for (size_t p = agent->first_port; p < agent->first_port + agent->n_ports; p++)
      {
        const SfFlow *flow = &AT (section->flows, SfFlow, f);
        SfPort *port = &AT (section->ports, SfPort, p);
        int64_t latency = flow->way * info->hop_cycles
                          + (agent->is_stream ? 0 : info->pcu_latency_cycles);
        if (port->out && flow->write && flow->buffer == port->buffer)
          port->latency_cycles = MAX (port->latency_cycles, latency);
      }
}

static void
set_latencies (SfSection *section, const SfArch *arch, const uint32_t *level_of_stream)
{
  SfArchInfo info = sf_arch_info (arch);
  for (guint a = 0; a < section->agents->len; a++)
    {
      SfAgent *agent = &AT (section->agents, SfAgent, a);
      int64_t longest = 0;
      for (size_t f = agent->first_flow; f < agent->first_flow + agent->n_flows; f++)
        if (agent->is_stream || AT (section->flows, SfFlow, f).write)
          longest = MAX (longest, AT (section->flows, SfFlow, f).hops);
      /* Queues at the source and at the sink, and those of the hops between. */
      agent->ahead_vectors = info.fifo_vectors * 2
                             + longest * (info.fifo_vectors + info.hop_cycles);
      int64_t way = agent->hops * info.hop_cycles;
      agent->spread_cycles = (agent->hops - agent->near_hops) * info.hop_cycles;
      if (agent->is_stream && agent->out)
        agent->end_cycles = way;
      else if (agent->is_stream)
        {
          uint32_t level = level_of_stream[agent->index];
          agent->request_cycles = sf_arch_cycles (arch,
                                                  sf_arch_memory_level (arch, level).latency_ns);
          agent->ahead_vectors = -1;
        }
      set_port_latencies (section, agent, &info);
    }
}

/* ---- the whole ---- */

static bool
check_routed (const SfProgram *program, uint32_t config, GError **error)
{
  bool empty = sf_config_n_stages (program, config) + sf_config_n_streams (program, config) == 0;
  if (empty
      || (sf_config_n_places (program, config) > 0 && sf_config_n_routes (program, config) > 0))
    return true;
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "timing: config %u has %zu places and %zu routes, wanted a placed and routed "
                  "section; compile with the passes place and route",
                  config, sf_config_n_places (program, config),
                  sf_config_n_routes (program, config));
}

static SfSection *
new_section (void)
{
  SfSection *section = g_new0 (SfSection, 1);
  section->agents = g_array_new (FALSE, TRUE, sizeof (SfAgent));
  section->ports = g_array_new (FALSE, TRUE, sizeof (SfPort));
  section->flows = g_array_new (FALSE, TRUE, sizeof (SfFlow));
  section->classes = g_array_new (FALSE, TRUE, sizeof (SfClass));
  section->uses = g_array_new (FALSE, TRUE, sizeof (SfUse));
  section->resources = g_array_new (FALSE, TRUE, sizeof (SfResource));
  section->buffers = g_array_new (FALSE, TRUE, sizeof (SfBufferModel));
  section->touching = g_array_new (FALSE, TRUE, sizeof (uint32_t));
  section->readers = g_array_new (FALSE, TRUE, sizeof (uint32_t));
  section->links = g_array_new (FALSE, TRUE, sizeof (SfLinkTime));
  return section;
}

void
sf_section_free (SfSection *section)
{
  if (section == NULL)
    return;
  for (guint a = 0; a < section->agents->len; a++)
    g_free (AT (section->agents, SfAgent, a).traffic);
  GArray *arrays[] = { section->agents,  section->ports,     section->flows,   section->classes,
                       section->uses,    section->resources, section->buffers, section->touching,
                       section->readers, section->links };
  for (size_t i = 0; i < G_N_ELEMENTS (arrays); i++)
    g_array_unref (arrays[i]);
  g_free (section);
}

static uint32_t *
levels_of_streams (const SfProgram *program, uint32_t config, const SfArch *arch,
                   const uint32_t *levels)
{
  size_t n = sf_config_n_streams (program, config), n_levels = sf_arch_info (arch).n_memory_levels;
  uint32_t *of = g_new0 (uint32_t, n + 1);
  for (uint32_t t = 0; t < n && levels != NULL; t++)
    of[t] = (uint32_t) MIN (levels[sf_config_stream (program, config, t).slot], n_levels - 1);
  return of;
}

SfSection *
sf_section_new (const SfProgram *program, uint32_t config, const SfArch *arch,
                const uint32_t *levels, GError **error)
{
  if (!check_routed (program, config, error))
    return NULL;
  SfArchInfo info = sf_arch_info (arch);
  g_autoptr (SfSection) section = new_section ();
  section->n_streams = sf_config_n_streams (program, config);
  section->n_stages = sf_config_n_stages (program, config);
  add_buffers (section, program, config);
  for (uint32_t t = 0; t < section->n_streams; t++)
    {
      add_stream (section, program, config, t, &info);
      g_array_set_size (section->classes,
                        section->classes->len + (guint) AT (section->agents, SfAgent, t).n_classes);
    }
  for (uint32_t s = 0; s < section->n_stages; s++)
    if (!add_stage (section, program, config, s, arch, error))
      return NULL;
  index_buffers (section);
  sf_section_networks (section, program, config);
  set_classes (section);
  g_autofree uint32_t *of_stream = levels_of_streams (program, config, arch, levels);
  sf_section_share (section, program, config, arch, of_stream);
  set_latencies (section, arch, of_stream);
  return g_steal_pointer (&section);
}
