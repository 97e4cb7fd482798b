/* SPDX-License-Identifier: Apache-2.0 */
/* What several flows share: of all memories, address generators, ports, links and nets those that
 * can be contended, and how much of them each iteration takes.
 *
 * A resource whose users together can never ask for more than it gives holds nobody up; only what
 * is left has a clock when the section runs. */
#include "core/timing/timing.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* A flow's use of a resource. */
typedef struct
{
  uint32_t flow, resource, times;
} FlowUse;

typedef struct
{
  SfSection *section;
  const SfProgram *program;
  uint32_t config;
  SfArchInfo arch;
  GHashTable *known; /* GBytes of capacity and shares -> nothing */
  GArray *uses;      /* FlowUse */
  GArray *shares;    /* SfShare, of the resource in work */
} Sharing;

static int64_t
peak_of (const SfFlow *flow, SfResourceKind kind)
{
  if (kind == SF_RESOURCE_AGCU)
    return flow->peak;
  bool port = kind == SF_RESOURCE_READ_PORT || kind == SF_RESOURCE_WRITE_PORT;
  return port ? flow->peak_per_pmu : flow->peak_per_source;
}

static bool
is_new (Sharing *sharing, SfResourceKind kind, int64_t capacity, const SfShare *shares, size_t n)
{
  g_autoptr (GByteArray) key = g_byte_array_new ();
  const int64_t head[] = { kind, capacity };
  g_byte_array_append (key, (const guint8 *) head, sizeof head);
  g_byte_array_append (key, (const guint8 *) shares, (guint) (n * sizeof *shares));
  return g_hash_table_add (sharing->known, g_byte_array_free_to_bytes (g_steal_pointer (&key)));
}

/* Enters a resource when its users may ask for more than `capacity` parts a cycle. */
static void
meet (void *user_data, SfResourceKind kind, int64_t capacity, const SfShare *shares, size_t n)
{
  Sharing *sharing = user_data;
  int64_t peak = 0;
  for (size_t i = 0; i < n; i++)
    peak = sf_time_add (
        peak, sf_time_mul (peak_of (&AT (sharing->section->flows, SfFlow, shares[i].flow), kind),
                           shares[i].times));
  if (peak <= sf_time_mul (capacity, SF_PEAK_ONE) || !is_new (sharing, kind, capacity, shares, n))
    return;
  SfResource resource = { kind, 1, capacity, true };
  for (size_t i = 0; i < n; i++)
    {
      FlowUse use = { shares[i].flow, sharing->section->resources->len, shares[i].times };
      g_array_append_val (sharing->uses, use);
    }
  g_array_append_val (sharing->section->resources, resource);
}

/* ---- memory and address generators ---- */

static void
meet_in_memory (Sharing *sharing, const SfArch *arch, const uint32_t *level_of_stream)
{
  SfSection *section = sharing->section;
  for (uint32_t level = 0; level < sharing->arch.n_memory_levels; level++)
    {
      int64_t rate = sf_arch_memory_level (arch, level).bytes_per_s, a = sharing->arch.clock_hz,
              b = rate;
      while (b != 0)
        {
          int64_t rest = a % b;
          a = b;
          b = rest;
        }
      SfResource resource = { SF_RESOURCE_MEMORY, sharing->arch.clock_hz / a, rate / a, false };
      double bytes = 0, peak = 0;
      uint32_t n = 0;
      for (uint32_t t = 0; t < section->n_streams; t++)
        if (level_of_stream[t] == level)
          {
            FlowUse use = { t, section->resources->len, 1 };
            g_array_append_val (sharing->uses, use);
            SfBuffer buffer = sf_config_buffer (
                sharing->program, sharing->config,
                sf_config_stream (sharing->program, sharing->config, t).buffer);
            bytes += (double) sf_shape_n_elems (&buffer.shape)
                     * (double) sf_dtype_bytes (buffer.dtype);
            const SfFlow *flow = &AT (section->flows, SfFlow, t);
            peak += (double) MIN (flow->sources, flow->sinks);
            n++;
          }
      if (n == 0)
        continue;
      peak *= (double) sharing->arch.vector_bytes;
      resource.contended = n > 1 && peak * (double) resource.num > (double) resource.den;
      g_array_append_val (section->resources, resource);
      section->memory_cycles = MAX (section->memory_cycles,
                                    bytes * (double) resource.num / (double) resource.den);
    }
}

static int
compare_shares (const void *a, const void *b)
{
  const SfShare *x = a, *y = b;
  return x->flow < y->flow ? -1 : x->flow > y->flow;
}

/* Streams whose place is at (x, y) of the AGCU of stream `t`. */
static void
meet_in_agcus (Sharing *sharing)
{
  SfSection *section = sharing->section;
  g_autoptr (GHashTable) sites = g_hash_table_new (NULL, NULL);
  size_t n = sf_config_n_places (sharing->program, sharing->config);
  for (uint32_t p = 0; p < n; p++)
    {
      SfPlace first = sf_config_place (sharing->program, sharing->config, p);
      int64_t site = ((int64_t) first.y << 32) + first.x + 2, vectors = 0;
      if (first.kind != SF_UNIT_AGCU || !g_hash_table_add (sites, GSIZE_TO_POINTER (site)))
        continue;
      g_array_set_size (sharing->shares, 0);
      for (uint32_t q = p; q < n; q++)
        {
          SfPlace place = sf_config_place (sharing->program, sharing->config, q);
          if (place.kind != SF_UNIT_AGCU || place.x != first.x || place.y != first.y
              || place.owner >= section->n_streams)
            continue;
          SfShare share = { place.owner, 1 };
          g_array_append_val (sharing->shares, share);
          vectors = sf_time_add (vectors, AT (section->flows, SfFlow, place.owner).total);
        }
      g_array_sort (sharing->shares, compare_shares);
      section->agcu_cycles = MAX (section->agcu_cycles,
                                  sf_ceil_div (vectors, sharing->arch.agcu_vectors));
      if (sharing->shares->len > 1)
        meet (sharing, SF_RESOURCE_AGCU, sharing->arch.agcu_vectors,
              (const SfShare *) (const void *) sharing->shares->data, sharing->shares->len);
    }
}

/* ---- ports ---- */

static void
meet_at_ports (Sharing *sharing, bool write)
{
  SfSection *section = sharing->section;
  int64_t ports = write ? sharing->arch.pmu_write_ports : sharing->arch.pmu_read_ports;
  for (uint32_t b = 0; b < section->buffers->len; b++)
    {
      const SfBufferModel *buffer = &AT (section->buffers, SfBufferModel, b);
      g_array_set_size (sharing->shares, 0);
      for (size_t i = 0; i < buffer->n_agents; i++)
        {
          uint32_t a = AT (section->touching, uint32_t, buffer->first_agent + i);
          const SfAgent *agent = &AT (section->agents, SfAgent, a);
          for (size_t f = agent->first_flow; f < agent->first_flow + agent->n_flows; f++)
            {
              const SfFlow *flow = &AT (section->flows, SfFlow, f);
              SfShare share = { (uint32_t) f, 1 };
              bool known = false;
              for (guint k = 0; k < sharing->shares->len; k++)
                known = known || AT (sharing->shares, SfShare, k).flow == f;
              if (flow->buffer == b && flow->write == write && !known)
                g_array_append_val (sharing->shares, share);
            }
        }
      g_array_sort (sharing->shares, compare_shares);
      if (sharing->shares->len > 1)
        meet (sharing, write ? SF_RESOURCE_WRITE_PORT : SF_RESOURCE_READ_PORT, ports,
              (const SfShare *) (const void *) sharing->shares->data, sharing->shares->len);
    }
}

/* ---- uses of the classes ---- */

static int
compare_uses (const void *a, const void *b)
{
  const FlowUse *x = a, *y = b;
  if (x->flow != y->flow)
    return x->flow < y->flow ? -1 : 1;
  return x->resource < y->resource ? -1 : x->resource > y->resource;
}

static void
add_use (SfSection *section, SfClass *class, uint32_t resource, bool late, int64_t parts)
{
  if (parts == 0)
    return;
  for (size_t u = 0; u < class->n_uses; u++)
    if (AT (section->uses, SfUse, class->first_use + u).resource == resource
        && AT (section->uses, SfUse, class->first_use + u).late == late)
      {
        SfUse *use = &AT (section->uses, SfUse, class->first_use + u);
        use->parts = sf_time_add (use->parts, parts);
        return;
      }
  SfUse use = { resource, late, parts };
  g_array_append_val (section->uses, use);
  class->n_uses++;
  class->early_uses = class->early_uses || !late;
  class->late_uses = class->late_uses || late;
}

/* Parts of a resource that a flow takes for `amount` vectors (elements). */
static int64_t
parts_of (const SfFlow *flow, SfResourceKind kind, int64_t amount)
{
  switch (kind)
    {
    case SF_RESOURCE_READ_PORT:
    case SF_RESOURCE_WRITE_PORT:
      return sf_ceil_div (amount, flow->pmus);
    case SF_RESOURCE_AGCU:
      return amount;
    case SF_RESOURCE_MEMORY:
    case SF_RESOURCE_LINK:
    case SF_RESOURCE_NET:
      break;
    }
  return sf_ceil_div (amount, flow->sources);
}

static bool
is_late (const SfAgent *agent, const SfFlow *flow, SfResourceKind kind)
{
  if (!agent->is_stream)
    return flow->write;
  return agent->out ? kind != SF_RESOURCE_READ_PORT : kind != SF_RESOURCE_MEMORY;
}

static void
use_class (Sharing *sharing, const SfAgent *agent, size_t c, const guint *first_use)
{
  SfSection *section = sharing->section;
  SfClass *class = &AT (section->classes, SfClass, agent->first_class + c);
  class->first_use = section->uses->len;
  for (size_t f = 0; f < agent->n_flows; f++)
    {
      size_t flow_index = agent->first_flow + f;
      const SfFlow *flow = &AT (section->flows, SfFlow, flow_index);
      int64_t amount = sf_flow_amount (flow, agent, c, f);
      for (guint u = first_use[flow_index]; u < first_use[flow_index + 1]; u++)
        {
          const FlowUse *use = &AT (sharing->uses, FlowUse, u);
          SfResourceKind kind = AT (section->resources, SfResource, use->resource).kind;
          int64_t parts = sf_time_mul (parts_of (flow, kind, amount), use->times);
          if (kind == SF_RESOURCE_MEMORY)
            {
              SfBuffer buffer = sf_config_buffer (sharing->program, sharing->config, flow->buffer);
              parts = sf_time_mul (agent->traffic[c].elems,
                                   (int64_t) sf_dtype_bytes (buffer.dtype));
            }
          add_use (section, class, use->resource, is_late (agent, flow, kind), parts);
          bool whole = kind == SF_RESOURCE_MEMORY || kind == SF_RESOURCE_AGCU;
          if (AT (section->resources, SfResource, use->resource).contended)
            class->vectors = MAX (class->vectors,
                                  whole ? amount : sf_ceil_div (amount, flow->sources));
        }
    }
}

static void
use_classes (Sharing *sharing)
{
  SfSection *section = sharing->section;
  g_array_sort (sharing->uses, compare_uses);
  g_autofree guint *first_use = g_new0 (guint, section->flows->len + 2);
  for (guint u = 0; u < sharing->uses->len; u++)
    first_use[AT (sharing->uses, FlowUse, u).flow + 1]++;
  for (guint f = 0; f < section->flows->len; f++)
    first_use[f + 1] += first_use[f];
  for (guint a = 0; a < section->agents->len; a++)
    {
      const SfAgent *agent = &AT (section->agents, SfAgent, a);
      for (size_t c = 0; c < agent->n_classes; c++)
        use_class (sharing, agent, c, first_use);
    }
}

void
sf_section_share (SfSection *section, const SfProgram *program, uint32_t config, const SfArch *arch,
                  const uint32_t *level_of_stream)
{
  Sharing sharing = { .section = section,
                      .program = program,
                      .config = config,
                      .arch = sf_arch_info (arch),
                      .known = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                                      (GDestroyNotify) g_bytes_unref, NULL),
                      .uses = g_array_new (FALSE, FALSE, sizeof (FlowUse)),
                      .shares = g_array_new (FALSE, FALSE, sizeof (SfShare)) };
  meet_in_memory (&sharing, arch, level_of_stream);
  meet_in_agcus (&sharing);
  meet_at_ports (&sharing, false);
  meet_at_ports (&sharing, true);
  sf_section_walk_routes (section, program, config, arch, meet, &sharing);
  use_classes (&sharing);
  g_hash_table_unref (sharing.known);
  g_array_unref (sharing.uses);
  g_array_unref (sharing.shares);
}
