/* SPDX-License-Identifier: Apache-2.0 */
/* Wires of a placement and their cost: half-perimeter times what they carry, corrected for the
 * length of the tree that many terminals need; and AGCUs that streams share. */
#include <sf/plugin/timing.h>

#include "placer.h"

/* Length of a tree over n terminals in half-perimeters of their box, in 1/256: the expectation of
 * Cheng ("RISA", ICCAD'94) that VPR uses, up to 50 terminals in steps of 5, then linear. */
static int64_t
tree_factor (uint32_t n_terminals)
{
  static const int16_t small[] = { 256, 256, 256, 256, 277, 295 };
  static const int16_t tens[] = { 295, 371, 433, 484, 532, 575, 612, 649, 683, 715 };
  if (n_terminals < G_N_ELEMENTS (small))
    return small[n_terminals];
  if (n_terminals >= 50)
    return 715 + (int64_t) (n_terminals - 50) * 27 / 4;
  uint32_t step = n_terminals / 5 - 1, rest = n_terminals % 5;
  return tens[step] + (tens[step + 1] - tens[step]) * (int64_t) rest / 5;
}

static int64_t
largest_load (const GArray *transfers)
{
  int64_t largest = 1;
  for (guint i = 0; i < transfers->len; i++)
    largest = MAX (largest, g_array_index (transfers, SfTransfer, i).load);
  return largest;
}

static void
add_stream_load (Placer *p, uint32_t unit, int64_t load)
{
  if (p->units[unit].kind == SF_UNIT_AGCU)
    p->stream_load[unit] += load;
}

static void
add_wires (Placer *p, const GArray *nets, const GArray *transfers)
{
  uint32_t n_terminals = 0;
  for (guint i = 0; i < transfers->len; i++)
    n_terminals += g_array_index (transfers, SfTransfer, i).n + 1;
  int64_t largest = largest_load (transfers);
  p->n_wires = transfers->len;
  p->wires = g_new0 (Wire, transfers->len + 1);
  p->terminals = g_new (uint32_t, n_terminals + 1);
  n_terminals = 0;
  for (guint i = 0; i < transfers->len; i++)
    {
      const SfTransfer *t = &g_array_index (transfers, SfTransfer, i);
      const SfRoute *net = &g_array_index (nets, SfRoute, t->net);
      Wire *wire = &p->wires[i];
      *wire = (Wire){ .first = n_terminals, .n = t->n + 1 };
      int64_t load = (int64_t) ((__int128) t->load * MAX_WEIGHT / largest);
      /* A hop delays even what carries little. */
      wire->weight = (16 + load) * tree_factor (wire->n) / 256;
      add_stream_load (p, net->source, load);
      add_stream_load (p, net->sinks[t->first], load);
      p->terminals[n_terminals++] = net->source;
      for (uint32_t k = 0; k < t->n; k++)
        p->terminals[n_terminals++] = net->sinks[t->first + k];
    }
}

static void
index_units (Placer *p)
{
  p->touch_first = g_new0 (uint32_t, p->n_units + 2);
  for (int pass = 0; pass < 2; pass++)
    {
      for (uint32_t w = 0; w < p->n_wires; w++)
        for (uint32_t k = 0; k < p->wires[w].n; k++)
          {
            uint32_t unit = p->terminals[p->wires[w].first + k];
            uint32_t *next = &p->touch_first[unit + (pass == 0 ? 2 : 1)];
            if (pass == 1)
              p->touch[*next] = w;
            (*next)++;
          }
      if (pass == 1)
        return;
      for (uint32_t u = 1; u < p->n_units + 2; u++)
        p->touch_first[u] += p->touch_first[u - 1];
      p->touch = g_new (uint32_t, p->touch_first[p->n_units + 1] + 1);
    }
}

void
placer_wire (Placer *p)
{
  g_autoptr (GArray) nets = sf_config_nets (p->program, p->config);
  g_autoptr (GArray) transfers = sf_estimate_transfers (p->program, p->config, p->arch, nets);
  p->stream_load = g_new0 (int64_t, p->n_units + 1);
  p->agcu_load = g_new0 (int64_t, p->n_slots[SF_UNIT_AGCU] + 1);
  p->agcu_streams = g_new0 (int64_t, p->n_slots[SF_UNIT_AGCU] + 1);
  add_wires (p, nets, transfers);
  index_units (p);
  p->touched = g_new (uint32_t, p->n_wires + 1);
}

Box
placer_box (const Placer *p, const Wire *wire)
{
  const uint32_t *unit = &p->terminals[wire->first];
  Slot at = p->at[unit[0]];
  Box box = { at.x, at.x, at.y, at.y, 0, 0, 0, 0 };
  for (uint32_t k = 0; k < wire->n; k++)
    {
      at = p->at[unit[k]];
      if (at.x < box.x0)
        box.x0 = at.x, box.on_x0 = 0;
      if (at.x > box.x1)
        box.x1 = at.x, box.on_x1 = 0;
      if (at.y < box.y0)
        box.y0 = at.y, box.on_y0 = 0;
      if (at.y > box.y1)
        box.y1 = at.y, box.on_y1 = 0;
      box.on_x0 += at.x == box.x0;
      box.on_x1 += at.x == box.x1;
      box.on_y0 += at.y == box.y0;
      box.on_y1 += at.y == box.y1;
    }
  return box;
}

void
placer_count (Placer *p)
{
  p->cost = 0;
  for (uint32_t u = 0; u < p->n_units; u++)
    if (p->units[u].kind == SF_UNIT_AGCU)
      {
        p->agcu_load[p->slot[u] / p->agcu_slots] += p->stream_load[u];
        p->agcu_streams[p->slot[u] / p->agcu_slots]++;
      }
  for (uint32_t a = 0; a < p->n_slots[SF_UNIT_AGCU] / p->agcu_slots; a++)
    p->cost += placer_share_cost (p, a);
  for (uint32_t w = 0; w < p->n_wires; w++)
    {
      p->wires[w].box = placer_box (p, &p->wires[w]);
      p->cost += placer_wire_cost (&p->wires[w], &p->wires[w].box);
    }
}
