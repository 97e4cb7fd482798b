/* SPDX-License-Identifier: Apache-2.0 */
/* Placements, routes and memory plans broken by hand. */
#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

/* All places or routes of config 0, to be changed and set again. */
static SfPlace *
copy_places (const SfProgram *program, size_t *n)
{
  *n = sf_config_n_places (program, 0);
  SfPlace *places = g_new (SfPlace, *n + 1);
  for (uint32_t i = 0; i < *n; i++)
    places[i] = sf_config_place (program, 0, i);
  places[*n] = places[0];
  return places;
}

typedef struct
{
  const char *name;
  void (*change) (SfPlace *places, size_t *n);
  const char *message;
} PlaceCase;

static void
moved_unit (SfPlace *places, size_t *n)
{
  places[0].x++;
}

static void
off_the_grid (SfPlace *places, size_t *n)
{
  places[0].y = 1000000;
}

static void
double_use (SfPlace *places, size_t *n)
{
  places[1].x = places[0].x;
  places[1].y = places[0].y;
}

static void
one_too_few (SfPlace *places, size_t *n)
{
  memmove (places, places + 1, (*n - 1) * sizeof *places);
  --*n;
}

static void
one_too_many (SfPlace *places, size_t *n)
{
  places[*n].x += 4;
  places[*n].y += 4;
  ++*n;
}

static void
wrong_owner (SfPlace *places, size_t *n)
{
  places[0].owner = 5;
}

static void
wrong_tile (SfPlace *places, size_t *n)
{
  places[0].rdu_tile = 1;
}

static void
apart (SfPlace *places, size_t *n)
{
  places[1].rdu = 1;
}

static const PlaceCase place_cases[] = {
  { "moved_unit", moved_unit, "place 0: PCU 0 stands at (1, 0), where the machine has PMU" },
  { "off_the_grid", off_the_grid, "stands at (0, 1000000), where the machine has no unit" },
  { "double_use", double_use, "place 1: the PCU at (0, 0) is used twice" },
  { "one_too_few", one_too_few, "stage 0 (gemm): 2 PCUs placed, wanted 3" },
  { "one_too_many", one_too_many, "stage 0 (gemm): 4 PCUs placed, wanted 3" },
  { "wrong_owner", wrong_owner, "place 0: PCU of owner 5, which does not exist" },
  { "wrong_tile", wrong_tile, "RDU 0, tile 1, wanted a tile below 1" },
  { "apart", apart, "wanted all of the section on RDU 0, tile 0" },
};

SF_TEST_CASES (Verify, RefusesPlace, place_cases, G_N_ELEMENTS (place_cases), sf_test_row_name)
{
  const PlaceCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  size_t n;
  g_autofree SfPlace *places = copy_places (program, &n);
  c->change (places, &n);
  sf_config_set_places (program, 0, places, n);
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_DEPTH, &error));
  SF_CHECK (!sf_program_verify (program, arch, SF_CHECK_PLACE, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, c->message);
}

/* ---- routes ---- */

typedef struct
{
  const char *name;
  void (*change) (SfRoute *routes, int32_t *hops,
                  size_t *n); /* hops: those of route 0, to be changed in place */
  const char *message;
} RouteCase;

static void
cut (SfRoute *routes, int32_t *hops, size_t *n)
{
  routes[0].n_hops--;
}

static void
not_routed (SfRoute *routes, int32_t *hops, size_t *n)
{
  routes[0].n_hops = 0;
}

static void
far_hop (SfRoute *routes, int32_t *hops, size_t *n)
{
  hops[2] += 1;
}

static void
diagonal_hop (SfRoute *routes, int32_t *hops, size_t *n)
{
  hops[3] += 1;
}

static void
off_grid_hop (SfRoute *routes, int32_t *hops, size_t *n)
{
  hops[1] = hops[3] = -1;
}

static void
loose_hop (SfRoute *routes, int32_t *hops, size_t *n)
{
  hops[0] = 5;
  hops[1] = 5;
  hops[2] = 5;
  hops[3] = 4;
}

static void
back_hop (SfRoute *routes, int32_t *hops, size_t *n)
{
  hops[4] = hops[2];
  hops[5] = hops[3];
  hops[6] = hops[0];
  hops[7] = hops[1];
}

static void
missing_route (SfRoute *routes, int32_t *hops, size_t *n)
{
  --*n;
}

static void
wrong_sink (SfRoute *routes, int32_t *hops, size_t *n)
{
  routes[0].sinks = routes[2].sinks;
  routes[0].n_sinks = routes[2].n_sinks;
}

static void
twice (SfRoute *routes, int32_t *hops, size_t *n)
{
  routes[*n] = routes[0];
  ++*n;
}

static const RouteCase route_cases[] = {
  { "cut", cut, "route 0: does not reach its sink" },
  { "not_routed", not_routed, "route 0: does not reach its sink" },
  { "far_hop", far_hop, "wanted neighbouring switches" },
  { "diagonal_hop", diagonal_hop, "wanted neighbouring switches" },
  { "off_grid_hop", off_grid_hop, "wanted neighbouring switches" },
  { "loose_hop", loose_hop, "starts at (5, 5), which the route has not reached" },
  { "back_hop", back_hop, "a second time, wanted a tree" },
  { "missing_route", missing_route, "place 9: no control route leads from" },
  { "wrong_sink", wrong_sink, "place 0: no vector route leads from (0, 0) to place 5" },
  { "twice", twice, "wanted one net" },
};

SF_TEST_CASES (Verify, RefusesRoute, route_cases, G_N_ELEMENTS (route_cases), sf_test_row_name)
{
  const RouteCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  size_t n = sf_config_n_routes (program, 0);
  g_autofree SfRoute *routes = g_new0 (SfRoute, n + 1);
  for (uint32_t i = 0; i < n; i++)
    routes[i] = sf_config_route (program, 0, i);
  SF_REQUIRE (n > 7 && routes[0].n_hops >= 2);
  g_autofree int32_t *hops = g_memdup2 (routes[0].hops, routes[0].n_hops * 4 * sizeof (int32_t));
  routes[0].hops = hops;
  c->change (routes, hops, &n);
  sf_config_set_routes (program, 0, routes, n);
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_PLACE, &error));
  SF_CHECK (!sf_program_verify (program, arch, SF_CHECK_ROUTE, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, c->message);
}

/* The sample's routes share links; a machine with one flow cannot carry them, one with one channel
 * only takes longer. */
SF_TEST (Verify, RefusesOverbookedLink)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autofree char *text = sf_arch_to_json (arch);
  g_auto (GStrv) parts = g_strsplit (text, "\"vector_flows\":64", 2);
  SF_REQUIRE (g_strv_length (parts) == 2);
  g_autofree char *narrow = g_strjoinv ("\"vector_flows\":1", parts);
  g_autoptr (SfArch) one = sf_arch_from_json (narrow, strlen (narrow), &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) program = sample_program (NULL, one);
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_ROUTE, &error));
  SF_CHECK (!sf_program_verify (program, one, SF_CHECK_ROUTE, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, "2 nets cross the vector link from");
}

/* ---- memory ---- */

typedef struct
{
  const char *name;
  uint32_t tensor, level;
  int64_t offset;
  const char *message; /* NULL: sound */
} MemoryCase;

static const MemoryCase memory_cases[] = {
  { "not_planned", SAMPLE_H, 0, -1, "192 bytes at offset -1" },
  { "beyond_level", SAMPLE_H, 0, ((int64_t) 1 << 30) - 191,
    "wanted an aligned place within the 1073741824 bytes" },
  { "overflowing", SAMPLE_H, 0, INT64_MAX - 3, "wanted an aligned place" },
  { "unaligned", SAMPLE_H, 0, 8193, "wanted an aligned place" },
  { "no_such_level", SAMPLE_H, 1, 0, "memory level 1, wanted one below 1" },
  { "on_a_state", SAMPLE_H, 0, SAMPLE_W * 256 + 92, "live at the same time and overlap" },
  { "on_the_scalar", SAMPLE_D, 0, SAMPLE_LR * 256 - 188, "live at the same time and overlap" },
  { "reader_on_writer", SAMPLE_D, 0, SAMPLE_H * 256,
    "tensors 4 (h) and 5 (d) live at the same time" },
  { "next_on_state", SAMPLE_W_NEXT, 0, SAMPLE_W * 256, "live at the same time and overlap" },
  { "dead_input", SAMPLE_D, 0, 0,
    NULL }, /* x is read for the last time by launch 0, d made by launch 1 */
  { "living_input", SAMPLE_H, 0, 0,
    "live at the same time and overlap" }, /* h is made while x is read */
  { "dead_temporary", SAMPLE_Y, 0, SAMPLE_H * 256, NULL },
};

SF_TEST_CASES (Verify, MemoryPlan, memory_cases, G_N_ELEMENTS (memory_cases), sf_test_row_name)
{
  const MemoryCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  sf_program_set_memory (program, c->tensor, c->level, c->offset);
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_ROUTE, &error));
  bool sound = sf_program_verify (program, arch, SF_CHECK_MEMORY, &error);
  SF_CHECK (sound == (c->message == NULL));
  if (c->message != NULL)
    SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, c->message);
  else
    SF_CHECK_NO_ERROR (error);
}
