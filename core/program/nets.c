/* SPDX-License-Identifier: Apache-2.0 */
/* The nets that a placed config needs: how units of a stage, a buffer and a stream are wired to one
 * another.
 *
 * Unit i of n feeds the units of m whose share is its own: j with j n / m = i when n <= m;
 * otherwise the n units form m chains, each unit passing on to the next of its share and the last
 * one feeding the sink. The PMUs of one buffer are a chain as well, so that every share reaches
 * every other. No unit is thereby the meeting point of more than a handful of nets. */
#include <string.h>

#include "core/program/program.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Place indices of each owner of one kind: owner o has units[first[o] .. first[o + 1]). */
typedef struct
{
  uint32_t *first, *units;
  size_t n_owners;
} Groups;

static Groups
group_places (const GArray *places, SfUnitKind kind, size_t n_owners)
{
  Groups groups = { g_new0 (uint32_t, n_owners + 2), g_new (uint32_t, places->len + 1), n_owners };
  for (guint i = 0; i < places->len; i++)
    {
      const SfPlace *place = &AT (places, SfPlace, i);
      if (place->kind == kind && place->owner < n_owners)
        groups.first[place->owner + 2]++;
    }
  for (size_t o = 0; o <= n_owners; o++)
    groups.first[o + 1] += groups.first[o];
  for (guint i = 0; i < places->len; i++)
    {
      const SfPlace *place = &AT (places, SfPlace, i);
      if (place->kind == kind && place->owner < n_owners)
        groups.units[groups.first[place->owner + 1]++] = i;
    }
  return groups;
}

static void
groups_clear (Groups *groups)
{
  g_free (groups->first);
  g_free (groups->units);
}

static uint32_t
group_size (const Groups *groups, uint32_t owner)
{
  return groups->first[owner + 1] - groups->first[owner];
}

static uint32_t
group_unit (const Groups *groups, uint32_t owner, uint32_t unit)
{
  return groups->units[groups->first[owner] + unit];
}

static void
add_sink (GArray *sinks, uint32_t place)
{
  for (guint i = 0; i < sinks->len; i++)
    if (AT (sinks, uint32_t, i) == place)
      return;
  g_array_append_val (sinks, place);
}

/* Sinks of unit `i` of the group `from` (of owner a) among the units of `to` (of owner b). */
static void
pair_units (GArray *sinks, const Groups *from, uint32_t a, uint32_t i, const Groups *to, uint32_t b)
{
  uint64_t n = group_size (from, a), m = group_size (to, b);
  if (n == 0 || m == 0)
    return;
  if (n <= m)
    {
      for (uint64_t j = (i * m + n - 1) / n; j < m && j * n / m == i; j++)
        add_sink (sinks, group_unit (to, b, (uint32_t) j));
      return;
    }
  uint64_t share = i * m / n;
  if (i + 1 < n && (i + 1) * m / n == share)
    add_sink (sinks, group_unit (from, a, i + 1));
  else
    add_sink (sinks, group_unit (to, b, (uint32_t) share));
}

static void
free_route_sinks (void *data)
{
  g_free ((uint32_t *) ((SfRoute *) data)->sinks);
}

static void
add_net (GArray *nets, uint32_t source, GArray *sinks)
{
  if (sinks->len == 0)
    return;
  SfRoute net = { .network = SF_NETWORK_VECTOR,
                  .source = source,
                  .n_sinks = sinks->len,
                  .sinks = g_memdup2 (sinks->data, sinks->len * sizeof (uint32_t)) };
  g_array_append_val (nets, net);
  g_array_set_size (sinks, 0);
}

typedef struct
{
  const SfConfigStore *config;
  Groups pcus, pmus, agcus;
  GArray *sinks; /* of the net in work */
  GArray *nets;
} Nets;

/* Whether the stage has an operand of `kind` on the buffer. */
static bool
stage_touches (const SfStage *stage, SfOperandKind kind, uint32_t buffer)
{
  for (size_t i = 0; i < stage->n_operands; i++)
    if (stage->operands[i].kind == kind && stage->operands[i].buffer == buffer)
      return true;
  return false;
}

static void
nets_of_buffer (Nets *nets, uint32_t buffer)
{
  uint32_t n = group_size (&nets->pmus, buffer);
  for (uint32_t i = 0; i < n; i++)
    {
      if (i + 1 < n)
        add_sink (nets->sinks, group_unit (&nets->pmus, buffer, i + 1));
      for (guint s = 0; s < nets->config->stages->len; s++)
        if (stage_touches (&AT (nets->config->stages, SfStage, s), SF_OPERAND_IN, buffer))
          pair_units (nets->sinks, &nets->pmus, buffer, i, &nets->pcus, s);
      for (guint t = 0; t < nets->config->streams->len; t++)
        {
          const SfStream *stream = &AT (nets->config->streams, SfStream, t);
          if (stream->out && stream->buffer == buffer)
            pair_units (nets->sinks, &nets->pmus, buffer, i, &nets->agcus, t);
        }
      add_net (nets->nets, group_unit (&nets->pmus, buffer, i), nets->sinks);
    }
}

static void
nets_of_stage (Nets *nets, uint32_t stage)
{
  const SfStage *s = &AT (nets->config->stages, SfStage, stage);
  uint32_t n = group_size (&nets->pcus, stage);
  for (uint32_t i = 0; i < n; i++)
    {
      for (size_t k = 0; k < s->n_operands; k++)
        if (s->operands[k].kind == SF_OPERAND_OUT
            && s->operands[k].buffer < nets->config->buffers->len)
          pair_units (nets->sinks, &nets->pcus, stage, i, &nets->pmus, s->operands[k].buffer);
      add_net (nets->nets, group_unit (&nets->pcus, stage, i), nets->sinks);
    }
}

static void
nets_of_stream (Nets *nets, uint32_t stream)
{
  const SfStream *s = &AT (nets->config->streams, SfStream, stream);
  if (s->out || s->buffer >= nets->config->buffers->len)
    return;
  for (uint32_t i = 0; i < group_size (&nets->agcus, stream); i++)
    {
      pair_units (nets->sinks, &nets->agcus, stream, i, &nets->pmus, s->buffer);
      add_net (nets->nets, group_unit (&nets->agcus, stream, i), nets->sinks);
    }
}

GArray *
sf_config_nets (const SfProgram *program, uint32_t config)
{
  const SfConfigStore *store = sf_program_config (program, config);
  Nets nets = { .config = store,
                .pcus = group_places (store->places, SF_UNIT_PCU, store->stages->len),
                .pmus = group_places (store->places, SF_UNIT_PMU, store->buffers->len),
                .agcus = group_places (store->places, SF_UNIT_AGCU, store->streams->len),
                .sinks = g_array_new (FALSE, FALSE, sizeof (uint32_t)),
                .nets = g_array_new (FALSE, TRUE, sizeof (SfRoute)) };
  g_array_set_clear_func (nets.nets, free_route_sinks);
  for (uint32_t t = 0; t < store->streams->len; t++)
    nets_of_stream (&nets, t);
  for (uint32_t s = 0; s < store->stages->len; s++)
    nets_of_stage (&nets, s);
  for (uint32_t b = 0; b < store->buffers->len; b++)
    nets_of_buffer (&nets, b);
  groups_clear (&nets.pcus);
  groups_clear (&nets.pmus);
  groups_clear (&nets.agcus);
  g_array_unref (nets.sinks);
  return nets.nets;
}
