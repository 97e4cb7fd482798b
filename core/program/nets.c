/* SPDX-License-Identifier: Apache-2.0 */
/* The nets that a placed config needs: how units of stages, buffers and streams are wired to one
 * another.
 *
 * Groups of units are joined by links: a writer to its buffer, a buffer to each reader, and for
 * credits each reader to the buffer's writer. Unit i of n feeds the units of m whose share is its
 * own: j with j n / m = i when n <= m; else it feeds one, i m / n. Of what a place feeds over one
 * network one net is made. */
#include <string.h>

#include "core/program/program.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* The units of a stage, a buffer or a stream. */
typedef struct
{
  SfUnitKind kind;
  uint32_t owner;
} Group;

typedef struct
{
  Group from, to;
  SfNetwork network;
} Link;

/* Place indices by group: those of owner o of a kind are units[first[o] .. first[o + 1]). */
typedef struct
{
  uint32_t *first, *units;
} Index;

typedef struct
{
  const SfConfigStore *config;
  Index index[SF_UNIT_NONE];
  Group *writer; /* per buffer */
  GArray *links; /* Link */
  GArray *sinks; /* uint32_t, of the net in work */
  GArray *nets;  /* SfRoute */
} Nets;

/* ---- places by owner ---- */

static Index
index_places (const GArray *places, SfUnitKind kind, size_t n_owners)
{
  Index index = { g_new0 (uint32_t, n_owners + 2), g_new (uint32_t, places->len + 1) };
  for (guint i = 0; i < places->len; i++)
    {
      const SfPlace *place = &AT (places, SfPlace, i);
      if (place->kind == kind && place->owner < n_owners)
        index.first[place->owner + 2]++;
    }
  for (size_t o = 0; o <= n_owners; o++)
    index.first[o + 1] += index.first[o];
  for (guint i = 0; i < places->len; i++)
    {
      const SfPlace *place = &AT (places, SfPlace, i);
      if (place->kind == kind && place->owner < n_owners)
        index.units[index.first[place->owner + 1]++] = i;
    }
  return index;
}

static uint32_t
n_units (const Nets *nets, Group group)
{
  const uint32_t *first = nets->index[group.kind].first;
  return first[group.owner + 1] - first[group.owner];
}

static uint32_t
unit_of (const Nets *nets, Group group, uint64_t unit)
{
  const Index *index = &nets->index[group.kind];
  return index->units[index->first[group.owner] + unit];
}

/* ---- links ---- */

static void
add_link (Nets *nets, Group from, Group to, SfNetwork network)
{
  Link link = { from, to, network };
  g_array_append_val (nets->links, link);
}

/* A tensor of single elements is no work for vectors. */
static SfNetwork
network_of (const Nets *nets, uint32_t buffer)
{
  return AT (nets->config->buffers, SfBuffer, buffer).token_elems == 1 ? SF_NETWORK_SCALAR
                                                                       : SF_NETWORK_VECTOR;
}

static void
link_writer (Nets *nets, Group writer, uint32_t buffer)
{
  if (buffer >= nets->config->buffers->len)
    return;
  nets->writer[buffer] = writer;
  add_link (nets, writer, (Group){ SF_UNIT_PMU, buffer }, network_of (nets, buffer));
}

static void
link_reader (Nets *nets, uint32_t buffer, Group reader)
{
  if (buffer >= nets->config->buffers->len)
    return;
  add_link (nets, (Group){ SF_UNIT_PMU, buffer }, reader, network_of (nets, buffer));
  if (nets->writer[buffer].kind != SF_UNIT_NONE)
    add_link (nets, reader, nets->writer[buffer], SF_NETWORK_CONTROL);
}

static void
link_stages (Nets *nets, SfOperandKind kind)
{
  for (uint32_t s = 0; s < nets->config->stages->len; s++)
    {
      const SfStage *stage = &AT (nets->config->stages, SfStage, s);
      Group group = { SF_UNIT_PCU, s };
      for (size_t i = 0; i < stage->n_operands; i++)
        if (stage->operands[i].kind != kind)
          continue;
        else if (kind == SF_OPERAND_OUT)
          link_writer (nets, group, stage->operands[i].buffer);
        else
          link_reader (nets, stage->operands[i].buffer, group);
    }
}

static void
link_streams (Nets *nets, bool out)
{
  for (uint32_t t = 0; t < nets->config->streams->len; t++)
    {
      const SfStream *stream = &AT (nets->config->streams, SfStream, t);
      Group group = { SF_UNIT_AGCU, t };
      if (stream->out != out)
        continue;
      if (out)
        link_reader (nets, stream->buffer, group);
      else
        link_writer (nets, group, stream->buffer);
    }
}

static int
compare_groups (Group a, Group b)
{
  if (a.kind != b.kind)
    return a.kind < b.kind ? -1 : 1;
  return a.owner < b.owner ? -1 : a.owner > b.owner;
}

static int
compare_links (const void *a, const void *b)
{
  const Link *x = a, *y = b;
  int from = compare_groups (x->from, y->from);
  if (from != 0)
    return from;
  if (x->network != y->network)
    return x->network < y->network ? -1 : 1;
  return compare_groups (x->to, y->to);
}

/* ---- nets ---- */

static void
add_sink (Nets *nets, uint32_t place)
{
  g_array_append_val (nets->sinks, place);
}

/* What unit `i` of the link's source feeds. Credits go from first unit to first unit. */
static void
add_sinks (Nets *nets, const Link *link, uint64_t i)
{
  uint64_t n = n_units (nets, link->from), m = n_units (nets, link->to);
  if (link->network == SF_NETWORK_CONTROL)
    n = m = MIN (m, 1);
  if (i >= n || m == 0)
    return;
  if (n > m)
    add_sink (nets, unit_of (nets, link->to, i * m / n));
  else
    for (uint64_t j = (i * m + n - 1) / n; j < m && j * n / m == i; j++)
      add_sink (nets, unit_of (nets, link->to, j));
}

static void
free_route_sinks (void *data)
{
  g_free ((uint32_t *) ((SfRoute *) data)->sinks);
}

static void
end_net (Nets *nets, uint32_t source, SfNetwork network)
{
  if (nets->sinks->len == 0)
    return;
  SfRoute net = { .network = network,
                  .source = source,
                  .n_sinks = nets->sinks->len,
                  .sinks = g_memdup2 (nets->sinks->data, nets->sinks->len * sizeof (uint32_t)) };
  g_array_append_val (nets->nets, net);
  g_array_set_size (nets->sinks, 0);
}

/* Links first .. end-1 share source and network. */
static void
add_nets (Nets *nets, guint first, guint end)
{
  Link common = AT (nets->links, Link, first);
  for (uint32_t i = 0; i < n_units (nets, common.from); i++)
    {
      for (guint k = first; k < end; k++)
        if (k == first
            || compare_links (&AT (nets->links, Link, k - 1), &AT (nets->links, Link, k)) != 0)
          add_sinks (nets, &AT (nets->links, Link, k), i);
      end_net (nets, unit_of (nets, common.from, i), common.network);
    }
}

static void
collect_links (Nets *nets)
{
  for (guint b = 0; b < nets->config->buffers->len; b++)
    nets->writer[b] = (Group){ SF_UNIT_NONE, 0 };
  link_streams (nets, false);
  link_stages (nets, SF_OPERAND_OUT);
  link_stages (nets, SF_OPERAND_IN);
  link_streams (nets, true);
  g_array_sort (nets->links, compare_links);
}

GArray *
sf_config_nets (const SfProgram *program, uint32_t config)
{
  const SfConfigStore *store = sf_program_config (program, config);
  g_autoptr (GArray) links = g_array_new (FALSE, FALSE, sizeof (Link));
  g_autoptr (GArray) sinks = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  g_autofree Group *writer = g_new0 (Group, store->buffers->len + 1);
  Nets nets = { .config = store, .writer = writer, .links = links, .sinks = sinks };
  nets.nets = g_array_new (FALSE, TRUE, sizeof (SfRoute));
  g_array_set_clear_func (nets.nets, free_route_sinks);
  nets.index[SF_UNIT_PCU] = index_places (store->places, SF_UNIT_PCU, store->stages->len);
  nets.index[SF_UNIT_PMU] = index_places (store->places, SF_UNIT_PMU, store->buffers->len);
  nets.index[SF_UNIT_AGCU] = index_places (store->places, SF_UNIT_AGCU, store->streams->len);
  collect_links (&nets);
  for (guint first = 0, end; first < links->len; first = end)
    {
      const Link *link = &AT (links, Link, first);
      for (end = first + 1; end < links->len; end++)
        if (compare_groups (link->from, AT (links, Link, end).from) != 0
            || link->network != AT (links, Link, end).network)
          break;
      add_nets (&nets, first, end);
    }
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    {
      g_free (nets.index[kind].first);
      g_free (nets.index[kind].units);
    }
  return nets.nets;
}
