/* SPDX-License-Identifier: Apache-2.0 */
/* Machines, and the building of sections by hand. */
#include "tests/timing/sections.h"

#include <string.h>

#include <jansson.h>

#include "tests/support/sftest.h"

/* ---- machines ---- */

static void
set_figure (json_t *root, const Figure *figure)
{
  if (figure->key[0] < '0' || figure->key[0] > '9')
    {
      json_object_set_new (root, figure->key, json_integer (figure->value));
      return;
    }
  json_t *memory = json_object_get (root, "memory");
  size_t level = (size_t) (figure->key[0] - '0');
  while (json_array_size (memory) <= level)
    json_array_append_new (memory, json_deep_copy (json_array_get (memory, 0)));
  json_object_set_new (json_array_get (memory, level), figure->key + 2,
                       json_integer (figure->value));
}

SfArch *
machine_with (const SfArch *base, const Figure *figures)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = sf_arch_to_json (base);
  json_t *root = json_loads (text, 0, NULL);
  for (; figures != NULL && figures->key != NULL; figures++)
    set_figure (root, figures);
  char *changed = json_dumps (root, 0);
  json_decref (root);
  SfArch *arch = sf_arch_from_json (changed, strlen (changed), &error);
  free (changed);
  if (arch == NULL)
    g_error ("%s", error->message);
  return arch;
}

SfArch *
machine_new (const Figure *figures)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sf_test_source_path ("tests/timing/bench.cfg");
  g_autoptr (SfArch) base = sf_arch_load (path, &error);
  if (base == NULL)
    g_error ("%s", error->message);
  return machine_with (base, figures);
}

/* ---- building ---- */

SfProgram *
section_new (void)
{
  SfProgram *program = sf_program_new ();
  sf_program_add_config (program);
  return program;
}

uint32_t
section_buffer (SfProgram *program, const char *name, SfDtype dtype, SfShape shape, int64_t tokens,
                int64_t depth, int64_t n_pmus)
{
  SfBuffer b = { name,  dtype, shape, tokens, (sf_shape_n_elems (&shape) + tokens - 1) / tokens,
                 depth, n_pmus };
  return sf_config_add_buffer (program, 0, &b);
}

void
section_stream (SfProgram *program, bool out, uint32_t buffer)
{
  SfStream s = { buffer, out, (uint32_t) sf_config_n_streams (program, 0) };
  sf_config_add_stream (program, 0, &s);
}

void
section_stage (SfProgram *program, SfStage stage, const SfOperand *operands, size_t n_operands,
               const SfInstr *instrs, size_t n_instrs, int64_t n_pcus)
{
  stage.operands = operands;
  stage.n_operands = n_operands;
  stage.instrs = instrs;
  stage.n_instrs = n_instrs;
  stage.n_pcus = n_pcus;
  sf_config_add_stage (program, 0, &stage);
}

/* ---- places ---- */

/* Units of the grid in the order in which they are given out. */
typedef struct
{
  const SfArch *arch;
  SfArchInfo info;
  bool spread;
  int64_t n_taken[SF_UNIT_NONE];
  GArray *places;
} Placer;

/* The n-th unit of a kind, in reading order. */
static SfPlace
unit_at (const Placer *placer, SfUnitKind kind, int64_t n)
{
  for (int64_t y = 0; y < placer->info.rows; y++)
    for (int64_t x = -1; x <= placer->info.columns; x++)
      if (sf_arch_unit_at (placer->arch, x, y) == kind && n-- == 0)
        return (SfPlace){ .kind = kind, .x = (int32_t) x, .y = (int32_t) y };
  g_error ("the machine has not so many units");
}

static void
place_units (Placer *placer, SfUnitKind kind, uint32_t owner, int64_t n)
{
  const int64_t all[] = { placer->info.pcus_per_tile, placer->info.pmus_per_tile,
                          placer->info.agcus_per_tile };
  for (int64_t i = 0; i < n; i++)
    {
      int64_t k = placer->n_taken[kind]++;
      if (kind == SF_UNIT_AGCU)
        k %= all[kind];
      SfPlace place = unit_at (placer, kind,
                               placer->spread && k % 2 == 1 ? all[kind] - 1 - k / 2
                               : placer->spread             ? k / 2
                                                            : k);
      place.owner = owner;
      g_array_append_val (placer->places, place);
    }
}

void
section_place (SfProgram *program, const SfArch *arch, bool spread)
{
  g_autoptr (GArray) places = g_array_new (FALSE, TRUE, sizeof (SfPlace));
  Placer placer = { arch, sf_arch_info (arch), spread, { 0 }, places };
  for (uint32_t i = 0; i < sf_config_n_stages (program, 0); i++)
    place_units (&placer, SF_UNIT_PCU, i, sf_config_stage (program, 0, i).n_pcus);
  for (uint32_t i = 0; i < sf_config_n_buffers (program, 0); i++)
    place_units (&placer, SF_UNIT_PMU, i, sf_config_buffer (program, 0, i).n_pmus);
  for (uint32_t i = 0; i < sf_config_n_streams (program, 0); i++)
    place_units (&placer, SF_UNIT_AGCU, i, 1);
  sf_config_set_places (program, 0, (const SfPlace *) (const void *) places->data, places->len);
  section_route (program);
}

/* ---- routes ---- */

static void
add_hop (GArray *hops, int32_t x0, int32_t y0, int32_t x1, int32_t y1)
{
  for (guint i = 0; i + 3 < hops->len; i += 4)
    if (g_array_index (hops, int32_t, i + 2) == x1 && g_array_index (hops, int32_t, i + 3) == y1)
      return;
  const int32_t hop[4] = { x0, y0, x1, y1 };
  g_array_append_vals (hops, hop, 4);
}

static void
add_way (GArray *hops, SfPlace from, SfPlace to)
{
  for (; from.x != to.x; from.x += to.x > from.x ? 1 : -1)
    add_hop (hops, from.x, from.y, from.x + (to.x > from.x ? 1 : -1), from.y);
  for (; from.y != to.y; from.y += to.y > from.y ? 1 : -1)
    add_hop (hops, from.x, from.y, from.x, from.y + (to.y > from.y ? 1 : -1));
}

void
section_route (SfProgram *program)
{
  g_autoptr (GArray) nets = sf_config_nets (program, 0);
  g_autoptr (GPtrArray) ways = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  for (guint n = 0; n < nets->len; n++)
    {
      SfRoute *route = &g_array_index (nets, SfRoute, n);
      GArray *hops = g_array_new (FALSE, FALSE, sizeof (int32_t));
      g_ptr_array_add (ways, hops);
      for (size_t s = 0; s < route->n_sinks; s++)
        add_way (hops, sf_config_place (program, 0, route->source),
                 sf_config_place (program, 0, route->sinks[s]));
      route->hops = (const int32_t *) (const void *) hops->data;
      route->n_hops = hops->len / 4;
    }
  sf_config_set_routes (program, 0, (const SfRoute *) (const void *) nets->data, nets->len);
}
