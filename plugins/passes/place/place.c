/* SPDX-License-Identifier: Apache-2.0 */
/* Pass place: puts each unit of a section on a unit of the tile. A start that follows the data,
 * then annealing of wire length weighted by what the wires carry. */
#include <sf/rng.h>

#include "placer.h"

static const SfOption options_table[] = {
  { .name = "moves",
    .type = SF_OPTION_INT,
    .def = "64",
    .min = 0,
    .max = 100000,
    .arg = "N",
    .help = "moves of the annealer for each unit" },
  { .name = NULL },
};

static const char *const unit_names[] = { "PCUs", "PMUs", "AGCUs" };

/* ---- slots ---- */

static void
add_slots (Placer *p, SfUnitKind kind, int64_t x, int64_t y)
{
  uint32_t *n = &p->n_slots[kind], times = kind == SF_UNIT_AGCU ? p->agcu_slots : 1;
  p->slot_at[placer_switch (p, x, y)] = *n;
  for (uint32_t i = 0; i < times; i++)
    {
      p->holder[kind][*n] = SF_NONE;
      p->slots[kind][(*n)++] = (Slot){ (int16_t) x, (int16_t) y };
    }
}

static void
collect_slots (Placer *p)
{
  int64_t n_switches = (p->info.columns + 2) * p->info.rows;
  p->slot_at = g_new0 (uint32_t, n_switches);
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    {
      size_t n = (size_t) n_switches * (kind == SF_UNIT_AGCU ? p->agcu_slots : 1);
      p->slots[kind] = g_new (Slot, n);
      p->holder[kind] = g_new (uint32_t, n);
    }
  for (int64_t x = -1; x <= p->info.columns; x++)
    for (int64_t y = 0; y < p->info.rows; y++)
      {
        SfUnitKind kind = sf_arch_unit_at (p->arch, x, y);
        if (kind < SF_UNIT_NONE)
          add_slots (p, kind, x, y);
      }
}

void
placer_stand (Placer *p, uint32_t unit, uint32_t slot)
{
  SfUnitKind kind = p->units[unit].kind;
  p->at[unit] = p->slots[kind][slot];
  p->slot[unit] = slot;
  p->holder[kind][slot] = unit;
}

/* ---- units ---- */

static void
add_units (GArray *units, SfUnitKind kind, uint32_t owner, int64_t n)
{
  SfPlace unit = { .kind = kind, .owner = owner };
  for (int64_t i = 0; i < n; i++)
    g_array_append_val (units, unit);
}

/* What the section needs, in the order of its tables. */
static GArray *
list_units (const SfProgram *program, uint32_t config)
{
  GArray *units = g_array_new (FALSE, TRUE, sizeof (SfPlace));
  for (uint32_t s = 0; s < sf_config_n_stages (program, config); s++)
    add_units (units, SF_UNIT_PCU, s, sf_config_stage (program, config, s).n_pcus);
  for (uint32_t b = 0; b < sf_config_n_buffers (program, config); b++)
    add_units (units, SF_UNIT_PMU, b, sf_config_buffer (program, config, b).n_pmus);
  for (uint32_t t = 0; t < sf_config_n_streams (program, config); t++)
    add_units (units, SF_UNIT_AGCU, t, 1);
  return units;
}

static void
set_places (const Placer *p)
{
  for (uint32_t u = 0; u < p->n_units; u++)
    {
      p->units[u].x = p->at[u].x;
      p->units[u].y = p->at[u].y;
    }
  sf_config_set_places (p->program, p->config, p->units, p->n_units);
}

static bool
check_room (Placer *p, GError **error)
{
  uint32_t wanted[SF_UNIT_NONE] = { 0 };
  for (uint32_t u = 0; u < p->n_units; u++)
    wanted[p->units[u].kind]++;
  uint32_t agcus = (uint32_t) MAX (p->info.agcus_per_tile, 1);
  p->agcu_slots = MAX ((wanted[SF_UNIT_AGCU] + agcus - 1) / agcus, 1);
  const int64_t has[] = { p->info.pcus_per_tile, p->info.pmus_per_tile };
  for (int kind = 0; kind < SF_UNIT_AGCU; kind++)
    if (wanted[kind] > has[kind])
      return sf_fail (error, SF_ERROR_NO_RESOURCE,
                      "config %u: needs %u %s, a tile of %s has %" G_GINT64_FORMAT
                      "; use a lower level or a larger --arch",
                      p->config, wanted[kind], unit_names[kind], p->info.name, has[kind]);
  return true;
}

/* ---- the pass ---- */

static void
clear (Placer *p)
{
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    {
      g_free (p->slots[kind]);
      g_free (p->holder[kind]);
    }
  g_free (p->slot_at);
  g_free (p->at);
  g_free (p->slot);
  g_free (p->wires);
  g_free (p->terminals);
  g_free (p->touch_first);
  g_free (p->touch);
  g_free (p->touched);
  g_free (p->stream_load);
  g_free (p->agcu_load);
  g_free (p->agcu_streams);
}

static bool
place_config (SfPassContext *context, uint32_t config, int64_t moves, GError **error)
{
  SfRng rng
      = { .seed = sf_pass_seed (context), .stream = sf_rng_stream_of ("place"), .step = config };
  Placer p = { .program = sf_pass_program (context),
               .config = config,
               .arch = sf_pass_arch (context),
               .info = sf_arch_info (sf_pass_arch (context)),
               .random = sf_rng_u64 (&rng, 0) | 1 };
  g_autoptr (GArray) units = list_units (p.program, config);
  p.units = (SfPlace *) (gpointer) units->data;
  p.n_units = units->len;
  if (!check_room (&p, error))
    return false;
  p.at = g_new0 (Slot, p.n_units + 1);
  p.slot = g_new0 (uint32_t, p.n_units + 1);
  collect_slots (&p);
  sf_config_set_places (p.program, config, p.units, p.n_units);
  placer_wire (&p);
  placer_start (&p);
  placer_anneal (&p, moves);
  set_places (&p);
  clear (&p);
  return true;
}

/* Configs that have places keep them. */
static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  for (uint32_t c = 0; c < sf_program_n_configs (sf_pass_program (context)); c++)
    if (sf_config_n_places (sf_pass_program (context), c) == 0
        && !place_config (context, c, sf_option_int (options, "moves"), error))
      return false;
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "place", "1.1", "put the units of each section on a tile"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
