/* SPDX-License-Identifier: Apache-2.0 */
/* The first placement: units in the order in which data passes them, each on the free slot nearest
 * to the middle of those that it is wired to. */
#include "placer.h"

typedef struct
{
  Placer *p;
  bool *placed;     /* per unit */
  uint32_t **first; /* per kind and owner: its first unit */
  Slot last;        /* where the last unit went */
} Start;

/* Middle of the placed units that `unit` is wired to, weighted; the last one's place without any.
 */
static Slot
middle (const Start *s, uint32_t unit)
{
  const Placer *p = s->p;
  int64_t x = 0, y = 0, weight = 0;
  for (uint32_t i = p->touch_first[unit]; i < p->touch_first[unit + 1]; i++)
    {
      const Wire *wire = &p->wires[p->touch[i]];
      for (uint32_t k = 0; k < wire->n; k++)
        {
          uint32_t other = p->terminals[wire->first + k];
          if (!s->placed[other])
            continue;
          x += wire->weight * p->at[other].x;
          y += wire->weight * p->at[other].y;
          weight += wire->weight;
        }
    }
  if (weight == 0)
    return s->last;
  return (Slot){ (int16_t) ((x + weight / 2) / weight), (int16_t) ((y + weight / 2) / weight) };
}

/* A free slot of `kind` at (x, y); SF_NONE. */
static uint32_t
free_slot_at (const Placer *p, SfUnitKind kind, int64_t x, int64_t y)
{
  if (sf_arch_unit_at (p->arch, x, y) != kind)
    return SF_NONE;
  uint32_t slot = p->slot_at[placer_switch (p, x, y)];
  for (uint32_t k = 0; k < (kind == SF_UNIT_AGCU ? p->agcu_slots : 1); k++)
    if (p->holder[kind][slot + k] == SF_NONE)
      return slot + k;
  return SF_NONE;
}

/* Rings of equal distance around the target, from its left. */
static uint32_t
nearest_slot (const Placer *p, SfUnitKind kind, Slot target)
{
  int64_t most = p->info.columns + p->info.rows + 4;
  for (int64_t r = 0; r <= most; r++)
    for (int64_t dx = -r; dx <= r; dx++)
      {
        int64_t dy = r - ABS (dx);
        uint32_t slot = free_slot_at (p, kind, target.x + dx, target.y - dy);
        if (slot == SF_NONE && dy > 0)
          slot = free_slot_at (p, kind, target.x + dx, target.y + dy);
        if (slot != SF_NONE)
          return slot;
      }
  return SF_NONE;
}

static void
place_owner (Start *s, SfUnitKind kind, uint32_t owner)
{
  Placer *p = s->p;
  for (uint32_t u = s->first[kind][owner];
       u < p->n_units && p->units[u].kind == kind && p->units[u].owner == owner; u++)
    {
      if (s->placed[u])
        return;
      placer_stand (p, u, nearest_slot (p, kind, middle (s, u)));
      s->placed[u] = true;
      s->last = p->at[u];
    }
}

static void
place_operands (Start *s, uint32_t stage, SfOperandKind kind)
{
  SfStage st = sf_config_stage (s->p->program, s->p->config, stage);
  for (size_t i = 0; i < st.n_operands; i++)
    if (st.operands[i].kind == kind)
      place_owner (s, SF_UNIT_PMU, st.operands[i].buffer);
}

static void
index_owners (Start *s)
{
  Placer *p = s->p;
  s->first = g_new0 (uint32_t *, SF_UNIT_NONE);
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    s->first[kind] = g_new0 (uint32_t, p->n_units + 1);
  for (uint32_t u = p->n_units; u-- > 0;)
    s->first[p->units[u].kind][p->units[u].owner] = u;
}

void
placer_start (Placer *p)
{
  Start s = { .p = p, .placed = g_new0 (bool, p->n_units + 1) };
  s.last = (Slot){ 0, (int16_t) (p->info.rows / 2) };
  index_owners (&s);
  for (uint32_t stage = 0; stage < sf_config_n_stages (p->program, p->config); stage++)
    {
      place_operands (&s, stage, SF_OPERAND_IN);
      place_owner (&s, SF_UNIT_PCU, stage);
      place_operands (&s, stage, SF_OPERAND_OUT);
    }
  for (uint32_t b = 0; b < sf_config_n_buffers (p->program, p->config); b++)
    place_owner (&s, SF_UNIT_PMU, b);
  for (uint32_t t = 0; t < sf_config_n_streams (p->program, p->config); t++)
    place_owner (&s, SF_UNIT_AGCU, t);
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    g_free (s.first[kind]);
  g_free (s.first);
  g_free (s.placed);
}
