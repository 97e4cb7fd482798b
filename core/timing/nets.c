/* SPDX-License-Identifier: Apache-2.0 */
/* The ways of the flows over the switches: hops, loads of links, and where several flows meet.
 *
 * A route is a tree. Those of its hops that lead to units of a flow carry what one source of the
 * flow moves, once. */
#include <string.h>

#include "core/timing/timing.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* A flow of a net, on hops by a bit. */
#define MAX_BITS 64

/* One flow on a link that more nets cross than it has channels. */
typedef struct
{
  uint32_t link, flow;
} Mark;

/* A unit that writes, and how far its sinks are. */
typedef struct
{
  uint32_t flow, place;
  int64_t depth;
} Writer;

typedef struct
{
  SfSection *section;
  const SfProgram *program;
  uint32_t config;
  SfArchInfo arch;
  GArray *writers;           /* Writer */
  size_t n_links;            /* of a network: four for each switch */
  uint32_t *n_nets;          /* per network and link */
  int64_t *vectors;          /* likewise */
  GArray *marks;             /* Mark, of all networks */
  int32_t *hop_to;           /* per switch: hop of the route in work that comes to it */
  uint32_t *seen;            /* per switch: 1 + the route that came to it last */
  int64_t *depth;            /* per switch: hops from the source */
  int64_t *way_in, *way_out; /* per place: longest way of what it reads, writes */
  GArray *hop_flows;         /* uint64_t, per hop of the route in work: flows by bit */
  GArray *net_flows;         /* uint32_t: of the route in work, in the order of bits */
  SfMeetFunc meet;
  void *user_data;
} Ways;

static size_t
switch_at (const SfArchInfo *arch, int64_t x, int64_t y)
{
  return (size_t) (y * (arch->columns + 2) + x + 1);
}

static size_t
link_of (const SfArchInfo *arch, const int32_t *hop)
{
  size_t direction = hop[2] > hop[0] ? 0 : hop[2] < hop[0] ? 1 : hop[3] > hop[1] ? 2 : 3;
  return 4 * switch_at (arch, hop[0], hop[1]) + direction;
}

/* ---- which flows a net carries ---- */

/* The agent at a place and the buffer that it exchanges data with; false: neither end is a PMU, or
 * both are. */
static bool
ends_of (const SfSection *section, const SfPlace *source, const SfPlace *sink, uint32_t *agent,
         uint32_t *buffer, bool *write)
{
  *write = sink->kind == SF_UNIT_PMU;
  const SfPlace *pmu = *write ? sink : source, *unit = *write ? source : sink;
  if (pmu->kind != SF_UNIT_PMU || (unit->kind != SF_UNIT_PCU && unit->kind != SF_UNIT_AGCU))
    return false;
  *buffer = pmu->owner;
  *agent = unit->owner + (unit->kind == SF_UNIT_PCU ? (uint32_t) section->n_streams : 0);
  return *agent < section->agents->len;
}

typedef void (*FlowFunc) (void *user_data, uint32_t flow, uint32_t sink);

/* Calls `func` for each flow between two places. */
static void
each_flow (const SfSection *section, const SfPlace *source, const SfPlace *sink,
           uint32_t sink_index, FlowFunc func, void *user_data)
{
  uint32_t agent, buffer;
  bool write;
  if (!ends_of (section, source, sink, &agent, &buffer, &write))
    return;
  const SfAgent *a = &AT (section->agents, SfAgent, agent);
  for (size_t f = a->first_flow; f < a->first_flow + a->n_flows; f++)
    if (AT (section->flows, SfFlow, f).buffer == buffer
        && AT (section->flows, SfFlow, f).write == write)
      func (user_data, (uint32_t) f, sink_index);
}

static void
make_scalar (void *user_data, uint32_t flow, uint32_t sink)
{
  SfSection *section = user_data;
  AT (section->flows, SfFlow, flow).scalar = true;
}

void
sf_section_networks (SfSection *section, const SfProgram *program, uint32_t config)
{
  size_t n = sf_config_n_routes (program, config);
  for (uint32_t r = 0; r < n; r++)
    {
      SfRoute route = sf_config_route (program, config, r);
      if (route.network != SF_NETWORK_SCALAR)
        continue;
      SfPlace source = sf_config_place (program, config, route.source);
      for (size_t s = 0; s < route.n_sinks; s++)
        {
          SfPlace sink = sf_config_place (program, config, route.sinks[s]);
          each_flow (section, &source, &sink, route.sinks[s], make_scalar, section);
        }
    }
}

/* ---- one route ---- */

typedef struct
{
  Ways *ways;
  const SfRoute *route;
  uint32_t index;
  bool narrow; /* some of its flows may be held back by others */
} RouteWalk;

static size_t
bit_of (Ways *ways, uint32_t flow)
{
  for (guint i = 0; i < ways->net_flows->len; i++)
    if (AT (ways->net_flows, uint32_t, i) == flow)
      return i;
  g_array_append_val (ways->net_flows, flow);
  return ways->net_flows->len - 1;
}

/* Puts the flow on all hops that lead to the sink. */
static void
walk_up (void *user_data, uint32_t flow_index, uint32_t sink)
{
  const RouteWalk *walk = user_data;
  Ways *ways = walk->ways;
  SfFlow *flow = &AT (ways->section->flows, SfFlow, flow_index);
  SfPlace place = sf_config_place (ways->program, ways->config, sink);
  size_t at = switch_at (&ways->arch, place.x, place.y), bit = bit_of (ways, flow_index);
  if (bit >= MAX_BITS || ways->seen[at] != walk->index + 1)
    return;
  flow->hops = MAX (flow->hops, ways->depth[at]);
  int64_t *way = flow->write ? &ways->way_out[walk->route->source] : &ways->way_in[sink];
  *way = MAX (*way, ways->depth[at]);
  if (flow->write)
    {
      Writer writer = { flow_index, walk->route->source, ways->depth[at] };
      g_array_append_val (ways->writers, writer);
    }
  while (ways->hop_to[at] >= 0)
    {
      int32_t hop = ways->hop_to[at];
      uint64_t *flows = &AT (ways->hop_flows, uint64_t, hop);
      if ((*flows >> bit & 1) != 0)
        return;
      *flows |= (uint64_t) 1 << bit;
      const int32_t *h = &walk->route->hops[4 * hop];
      size_t link = (size_t) walk->route->network * ways->n_links + link_of (&ways->arch, h);
      ways->vectors[link] = sf_time_add (ways->vectors[link], flow->total_per_source);
      if (ways->n_nets[link] > ways->arch.channels[walk->route->network])
        {
          Mark mark = { (uint32_t) link, flow_index };
          g_array_append_val (ways->marks, mark);
        }
      at = switch_at (&ways->arch, h[0], h[1]);
    }
}

/* Flows of one net that share a hop get a vector a cycle there between them. */
static void
meet_in_net (Ways *ways, size_t n_hops)
{
  int64_t peak = 0;
  for (guint i = 0; i < ways->net_flows->len; i++)
    peak += AT (ways->section->flows, SfFlow, AT (ways->net_flows, uint32_t, i)).peak_per_source;
  if (ways->net_flows->len < 2 || peak <= SF_PEAK_ONE)
    return;
  for (size_t h = 0; h < n_hops; h++)
    {
      uint64_t flows = AT (ways->hop_flows, uint64_t, h);
      SfShare shares[MAX_BITS];
      size_t n = 0;
      for (size_t before = 0; before < h && flows != 0; before++)
        if (AT (ways->hop_flows, uint64_t, before) == flows)
          flows = 0;
      for (size_t bit = 0; bit < MAX_BITS && flows >> bit != 0; bit++)
        if ((flows >> bit & 1) != 0)
          shares[n++] = (SfShare){ AT (ways->net_flows, uint32_t, bit), 1 };
      if (n > 1)
        ways->meet (ways->user_data, SF_RESOURCE_NET, 1, shares, n);
    }
}

static void
walk_route (Ways *ways, uint32_t index)
{
  SfRoute route = sf_config_route (ways->program, ways->config, index);
  SfPlace source = sf_config_place (ways->program, ways->config, route.source);
  size_t at = switch_at (&ways->arch, source.x, source.y);
  ways->seen[at] = index + 1;
  ways->hop_to[at] = -1;
  ways->depth[at] = 0;
  g_array_set_size (ways->hop_flows, 0);
  g_array_set_size (ways->net_flows, 0);
  g_array_set_size (ways->hop_flows, (guint) route.n_hops);
  for (size_t h = 0; h < route.n_hops; h++)
    {
      const int32_t *hop = &route.hops[4 * h];
      size_t to = switch_at (&ways->arch, hop[2], hop[3]);
      ways->seen[to] = index + 1;
      ways->hop_to[to] = (int32_t) h;
      ways->depth[to] = ways->depth[switch_at (&ways->arch, hop[0], hop[1])] + 1;
    }
  RouteWalk walk = { ways, &route, index, false };
  for (size_t s = 0; s < route.n_sinks; s++)
    {
      SfPlace sink = sf_config_place (ways->program, ways->config, route.sinks[s]);
      each_flow (ways->section, &source, &sink, route.sinks[s], walk_up, &walk);
    }
  meet_in_net (ways, route.n_hops);
}

/* ---- links ---- */

static void
count_nets (Ways *ways)
{
  size_t n = sf_config_n_routes (ways->program, ways->config);
  for (uint32_t r = 0; r < n; r++)
    {
      SfRoute route = sf_config_route (ways->program, ways->config, r);
      for (size_t h = 0; h < route.n_hops; h++)
        ways->n_nets[(size_t) route.network * ways->n_links
                     + link_of (&ways->arch, &route.hops[4 * h])]++;
    }
}

static int
compare_marks (const void *a, const void *b)
{
  const Mark *x = a, *y = b;
  if (x->link != y->link)
    return x->link < y->link ? -1 : 1;
  return x->flow < y->flow ? -1 : x->flow > y->flow;
}

/* Links with more nets than channels. */
static void
meet_on_links (Ways *ways)
{
  g_autoptr (GArray) shares = g_array_new (FALSE, FALSE, sizeof (SfShare));
  g_array_sort (ways->marks, compare_marks);
  for (guint i = 0; i < ways->marks->len;)
    {
      uint32_t link = AT (ways->marks, Mark, i).link;
      g_array_set_size (shares, 0);
      for (; i < ways->marks->len && AT (ways->marks, Mark, i).link == link; i++)
        {
          SfShare share = { AT (ways->marks, Mark, i).flow, 1 };
          if (shares->len > 0 && AT (shares, SfShare, shares->len - 1).flow == share.flow)
            AT (shares, SfShare, shares->len - 1).times++;
          else
            g_array_append_val (shares, share);
        }
      ways->meet (ways->user_data, SF_RESOURCE_LINK, ways->arch.channels[link / ways->n_links],
                  (const SfShare *) (const void *) shares->data, shares->len);
    }
}

/* The most that an iteration of its agent writes. */
static int64_t
widest_amount (const SfSection *section, uint32_t flow_index)
{
  const SfFlow *flow = &AT (section->flows, SfFlow, flow_index);
  const SfAgent *agent = &AT (section->agents, SfAgent, flow->agent);
  int64_t most = 0;
  for (size_t c = 0; c < agent->n_classes; c++)
    most = MAX (most, sf_flow_amount (flow, agent, c, flow_index - agent->first_flow));
  return most;
}

/* Unit u of n writes vectors u, u + n, ...: beyond the last vector no unit has any. */
static void
set_ways (const Ways *ways)
{
  size_t n = sf_config_n_places (ways->program, ways->config);
  g_autofree int64_t *unit = g_new0 (int64_t, n + 1);
  g_autofree int64_t *n_units = g_new0 (int64_t, ways->section->n_stages + 1);
  for (uint32_t p = 0; p < n; p++)
    {
      SfPlace place = sf_config_place (ways->program, ways->config, p);
      if (place.kind == SF_UNIT_PCU && place.owner < ways->section->n_stages)
        unit[p] = n_units[place.owner]++;
    }
  for (guint i = 0; i < ways->writers->len; i++)
    {
      const Writer *writer = &AT (ways->writers, Writer, i);
      SfFlow *flow = &AT (ways->section->flows, SfFlow, writer->flow);
      if (unit[writer->place] < widest_amount (ways->section, writer->flow))
        flow->way = MAX (flow->way, ways->way_in[writer->place] + writer->depth);
    }
}

static void
set_hops (const Ways *ways)
{
  for (uint32_t p = 0; p < sf_config_n_places (ways->program, ways->config); p++)
    {
      SfPlace place = sf_config_place (ways->program, ways->config, p);
      size_t agent = place.owner + (place.kind == SF_UNIT_PCU ? ways->section->n_streams : 0);
      if (place.kind == SF_UNIT_PMU || agent >= ways->section->agents->len)
        continue;
      SfAgent *a = &AT (ways->section->agents, SfAgent, agent);
      int64_t way = ways->way_in[p] + ways->way_out[p];
      a->near_hops = a->hops == 0 ? way : MIN (a->near_hops, way);
      a->hops = MAX (a->hops, way);
    }
}

static void
list_links (Ways *ways)
{
  for (size_t i = 0; i < SF_N_NETWORKS * ways->n_links; i++)
    {
      if (ways->n_nets[i] == 0)
        continue;
      static const int32_t step[4][2] = { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } };
      size_t network = i / ways->n_links, at = i % ways->n_links / 4, direction = i % 4;
      int32_t width = (int32_t) ways->arch.columns + 2;
      SfLinkTime link = { .network = (SfNetwork) network,
                          .x0 = (int32_t) at % width - 1,
                          .y0 = (int32_t) at / width,
                          .n_nets = ways->n_nets[i],
                          .vectors = ways->vectors[i] };
      link.x1 = link.x0 + step[direction][0];
      link.y1 = link.y0 + step[direction][1];
      link.share = (double) link.vectors / (double) ways->arch.channels[network];
      g_array_append_val (ways->section->links, link);
    }
}

void
sf_section_walk_routes (SfSection *section, const SfProgram *program, uint32_t config,
                        const SfArch *arch, SfMeetFunc meet, void *user_data)
{
  Ways ways = { .section = section,
                .program = program,
                .config = config,
                .arch = sf_arch_info (arch),
                .marks = g_array_new (FALSE, FALSE, sizeof (Mark)),
                .writers = g_array_new (FALSE, FALSE, sizeof (Writer)),
                .hop_flows = g_array_new (FALSE, TRUE, sizeof (uint64_t)),
                .net_flows = g_array_new (FALSE, FALSE, sizeof (uint32_t)),
                .meet = meet,
                .user_data = user_data };
  size_t n_switches = (size_t) (ways.arch.rows * (ways.arch.columns + 2));
  ways.n_links = 4 * n_switches;
  ways.n_nets = g_new0 (uint32_t, SF_N_NETWORKS * ways.n_links);
  ways.vectors = g_new0 (int64_t, SF_N_NETWORKS * ways.n_links);
  ways.hop_to = g_new0 (int32_t, n_switches);
  ways.seen = g_new0 (uint32_t, n_switches);
  ways.depth = g_new0 (int64_t, n_switches);
  ways.way_in = g_new0 (int64_t, sf_config_n_places (program, config) + 1);
  ways.way_out = g_new0 (int64_t, sf_config_n_places (program, config) + 1);
  count_nets (&ways);
  size_t n = sf_config_n_routes (program, config);
  for (uint32_t r = 0; r < n; r++)
    walk_route (&ways, r);
  meet_on_links (&ways);
  set_ways (&ways);
  set_hops (&ways);
  list_links (&ways);
  g_array_unref (ways.marks);
  g_array_unref (ways.writers);
  g_array_unref (ways.hop_flows);
  g_array_unref (ways.net_flows);
  g_free (ways.n_nets);
  g_free (ways.vectors);
  g_free (ways.hop_to);
  g_free (ways.seen);
  g_free (ways.depth);
  g_free (ways.way_in);
  g_free (ways.way_out);
}
