/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled designs, broken by hand in one way each: the checker whose business it is says so and
 * names the place; the design as it was passes. */
#include <inttypes.h>
#include <string.h>

#include "tests/passes/copy.h"
#include "tests/passes/design.h"

/* A break in work: what is broken, and where it was done. */
typedef struct
{
  const SfProgram *program;
  const SfArch *arch;
  uint32_t config; /* the one with most units */
  bool done;
  uint32_t index; /* of the record that the message has to name */
} Victim;

#define HIT(victim, at) ((victim)->done = true, (victim)->index = (uint32_t) (at))

/* ---- places ---- */

#define PLACES(fn) static void fn (void *data, uint32_t config, SfPlace *places, size_t *n)
#define ROUTES(fn) static void fn (void *data, uint32_t config, SfRoute *routes, size_t *n)
#define OURS               \
  Victim *v = data;        \
  if (config != v->config) \
  return

static size_t
first_of_kind (const SfPlace *places, size_t n, SfUnitKind kind, size_t from)
{
  while (from < n && places[from].kind != kind)
    from++;
  return from;
}

PLACES (moved_unit)
{
  OURS;
  HIT (v, 0);
  places[0].x += places[0].x > 0 ? -1 : 1;
}

PLACES (off_the_tile)
{
  OURS;
  HIT (v, *n - 1);
  places[*n - 1].y = 1000;
}

PLACES (used_twice)
{
  OURS;
  size_t a = first_of_kind (places, *n, SF_UNIT_PMU, 0);
  size_t b = first_of_kind (places, *n, SF_UNIT_PMU, a + 1);
  if (b == *n)
    return;
  HIT (v, b);
  places[b].x = places[a].x;
  places[b].y = places[a].y;
}

PLACES (wrong_kind)
{
  OURS;
  HIT (v, 0);
  places[0].kind = SF_UNIT_PMU;
}

PLACES (missing_unit)
{
  OURS;
  HIT (v, places[*n - 1].owner);
  --*n;
}

PLACES (unit_too_many)
{
  OURS;
  HIT (v, places[*n - 1].owner);
  places[*n] = places[*n - 1];
  ++*n;
}

PLACES (no_such_owner)
{
  OURS;
  HIT (v, 0);
  places[0].owner = 100000;
}

PLACES (changed_hands)
{
  OURS;
  HIT (v, places[0].owner);
  size_t other = 0;
  while (other < *n
         && (places[other].kind != places[0].kind || places[other].owner == places[0].owner))
    other++;
  if (other == *n)
    v->done = false;
  else
    places[0].owner = places[other].owner;
}

PLACES (other_tile)
{
  OURS;
  HIT (v, *n - 1);
  places[*n - 1].rdu = 1;
}

/* ---- routes ---- */

static size_t
first_long (const SfRoute *routes, size_t n, size_t hops)
{
  size_t i = 0;
  while (i < n && routes[i].n_hops < hops)
    i++;
  return i;
}

static int32_t *
hop_of (const SfRoute *route, size_t hop)
{
  return (int32_t *) route->hops + 4 * hop;
}

ROUTES (cut_end)
{
  OURS;
  HIT (v, first_long (routes, *n, 2));
  routes[v->index].n_hops--;
}

ROUTES (cut_middle)
{
  OURS;
  HIT (v, first_long (routes, *n, 3));
  SfRoute *r = &routes[v->index];
  memmove (hop_of (r, 1), hop_of (r, 2), (r->n_hops - 2) * 4 * sizeof (int32_t));
  r->n_hops--;
}

ROUTES (not_routed)
{
  OURS;
  HIT (v, first_long (routes, *n, 1));
  routes[v->index].n_hops = 0;
}

ROUTES (long_link)
{
  OURS;
  HIT (v, first_long (routes, *n, 1));
  int32_t *h = hop_of (&routes[v->index], 0);
  h[2] += h[2] - h[0];
  h[3] += h[3] - h[1];
}

ROUTES (beyond_the_grid)
{
  OURS;
  HIT (v, first_long (routes, *n, 1));
  int32_t *h = hop_of (&routes[v->index], 0);
  h[1] = h[3] = -1;
}

/* Back over the first link: its end is its beginning. */
ROUTES (no_tree)
{
  OURS;
  HIT (v, first_long (routes, *n, 1));
  SfRoute *r = &routes[v->index];
  int32_t *first = hop_of (r, 0), *last = hop_of (r, r->n_hops);
  last[0] = first[2];
  last[1] = first[3];
  last[2] = first[0];
  last[3] = first[1];
  r->n_hops++;
}

ROUTES (missing_route)
{
  OURS;
  HIT (v, routes[*n - 1].source);
  --*n;
}

ROUTES (missing_sink)
{
  OURS;
  size_t i = 0;
  while (i < *n && routes[i].n_sinks < 2)
    i++;
  if (i == *n)
    return;
  HIT (v, routes[i].source);
  routes[i].n_sinks--;
}

ROUTES (foreign_sink)
{
  OURS;
  HIT (v, 0);
  ((uint32_t *) routes[0].sinks)[routes[0].n_sinks++] = routes[0].source;
}

ROUTES (no_sinks)
{
  OURS;
  HIT (v, *n - 1);
  routes[*n - 1].n_sinks = 0;
}

ROUTES (two_routes)
{
  OURS;
  HIT (v, *n);
  routes[*n] = routes[0];
  ++*n;
}

static bool
has_route (const SfRoute *routes, size_t n, uint32_t source, SfNetwork network)
{
  for (size_t i = 0; i < n; i++)
    if (routes[i].source == source && routes[i].network == network)
      return true;
  return false;
}

ROUTES (other_network)
{
  OURS;
  for (size_t i = 0; i < *n && !v->done; i++)
    if (routes[i].network == SF_NETWORK_VECTOR
        && !has_route (routes, *n, routes[i].source, SF_NETWORK_SCALAR))
      {
        HIT (v, routes[i].source);
        routes[i].network = SF_NETWORK_SCALAR;
      }
}

ROUTES (no_such_network)
{
  OURS;
  HIT (v, 0);
  routes[0].network = (SfNetwork) 3;
}

/* ---- buffers and memory ---- */

/* One token less than the least in the first buffer where it matters, all others as they are. */
static void
too_shallow (void *data, uint32_t config, uint32_t buffer, SfBuffer *record)
{
  Victim *v = data;
  size_t n = sf_config_n_buffers (v->program, config);
  g_autofree int64_t *depth = g_new (int64_t, n + 1);
  for (size_t b = 0; b < n; b++)
    depth[b] = b == buffer ? 1 : sf_config_buffer (v->program, config, (uint32_t) b).depth;
  if (v->done || !sf_config_min_depths (v->program, config, depth, NULL) || depth[buffer] < 2)
    return;
  HIT (v, buffer);
  record->depth = depth[buffer] - 1;
}

static void
beyond_pmu_bytes (void *data, uint32_t config, uint32_t buffer, SfBuffer *record)
{
  OURS;
  if (v->done)
    return;
  HIT (v, buffer);
  record->depth = record->n_pmus * sf_arch_info (v->arch).pmu_bytes
                      / (record->token_elems * (int64_t) sf_dtype_bytes (record->dtype))
                  + 1;
}

static void
no_pmus (void *data, uint32_t config, uint32_t buffer, SfBuffer *record)
{
  OURS;
  HIT (v, buffer);
  record->n_pmus = 0;
  v->config = UINT32_MAX;
}

static void
unbalanced_rate (void *data, uint32_t config, uint32_t stage, SfStage *record, SfOperand *operands,
                 SfInstr *instrs)
{
  OURS;
  for (size_t i = 0; i < record->n_operands && !v->done; i++)
    if (operands[i].kind != SF_OPERAND_TEMP && operands[i].counter == 0)
      {
        operands[i].rate++;
        HIT (v, stage);
      }
}

static void
box_outside (void *data, uint32_t config, uint32_t stage, SfStage *record, SfOperand *operands,
             SfInstr *instrs)
{
  OURS;
  for (size_t i = 0; i < record->n_operands && !v->done; i++)
    if (operands[i].kind == SF_OPERAND_OUT && operands[i].shape.rank > 0)
      {
        operands[i].dim[0].base++;
        HIT (v, stage);
      }
}

static void
no_dependency (void *data, uint32_t entry, uint32_t launch, SfLaunch *record, SfBinding *bindings,
               uint32_t *deps)
{
  Victim *v = data;
  if (v->done || record->n_deps == 0)
    return;
  record->n_deps = 0;
  HIT (v, launch);
}

static void
missing_binding (void *data, uint32_t entry, uint32_t launch, SfLaunch *record, SfBinding *bindings,
                 uint32_t *deps)
{
  Victim *v = data;
  if (v->done || record->target != SF_TARGET_RDU)
    return;
  record->n_bindings--;
  HIT (v, launch);
}

static void
one_on_the_other (void *data, uint32_t tensor, SfProgramTensor *record)
{
  Victim *v = data;
  if (v->done || tensor == 0 || record->role != SF_TENSOR_STATE)
    return;
  for (uint32_t t = 0; t < tensor && !v->done; t++)
    if (sf_program_tensor (v->program, t).role == SF_TENSOR_STATE)
      {
        record->offset_bytes = sf_program_tensor (v->program, t).offset_bytes;
        HIT (v, tensor);
      }
}

static void
outside_memory (void *data, uint32_t tensor, SfProgramTensor *record)
{
  Victim *v = data;
  if (v->done)
    return;
  record->offset_bytes = sf_arch_memory_level (v->arch, 0).bytes;
  HIT (v, tensor);
}

static void
not_planned (void *data, uint32_t tensor, SfProgramTensor *record)
{
  Victim *v = data;
  if (v->done)
    return;
  record->offset_bytes = -1;
  HIT (v, tensor);
}

/* ---- all of them ---- */

typedef struct
{
  const char *name;
  CopyHooks hooks;
  SfProgramCheck upto;
  const char *where; /* kind of the record that was hit; NULL: any */
  const char *what;
  bool rare; /* not every design has something to break so */
} Break;

static const Break breaks[] = {
  { "moved_unit", { .places = moved_unit }, SF_CHECK_PLACE, "place", "where the machine has" },
  { "off_the_tile", { .places = off_the_tile }, SF_CHECK_PLACE, "place", "has no unit" },
  { "used_twice", { .places = used_twice }, SF_CHECK_PLACE, "place", "is used twice" },
  { "wrong_kind", { .places = wrong_kind }, SF_CHECK_PLACE, "place", "where the machine has PCU" },
  { "missing_unit",
    { .places = missing_unit },
    SF_CHECK_PLACE,
    "stream",
    "0 AGCUs placed, wanted 1" },
  { "unit_too_many",
    { .places = unit_too_many },
    SF_CHECK_PLACE,
    "stream",
    "2 AGCUs placed, wanted 1" },
  { "no_such_owner", { .places = no_such_owner }, SF_CHECK_PLACE, "place", "which does not exist" },
  { "changed_hands", { .places = changed_hands }, SF_CHECK_PLACE, "stage", "PCUs placed, wanted" },
  { "other_tile",
    { .places = other_tile },
    SF_CHECK_PLACE,
    "place",
    "wanted all of the section on RDU 0" },
  { "cut_end", { .routes = cut_end }, SF_CHECK_ROUTE, "route", "does not reach its sink at" },
  { "cut_middle", { .routes = cut_middle }, SF_CHECK_ROUTE, "route", "reach" },
  { "not_routed", { .routes = not_routed }, SF_CHECK_ROUTE, "route", "does not reach its sink at" },
  { "long_link", { .routes = long_link }, SF_CHECK_ROUTE, "route", "wanted neighbouring switches" },
  { "beyond_the_grid",
    { .routes = beyond_the_grid },
    SF_CHECK_ROUTE,
    "route",
    "wanted neighbouring switches" },
  { "no_tree", { .routes = no_tree }, SF_CHECK_ROUTE, "route", "a second time, wanted a tree" },
  { "missing_route", { .routes = missing_route }, SF_CHECK_ROUTE, "place", "route leads from" },
  { "missing_sink", { .routes = missing_sink }, SF_CHECK_ROUTE, "place", "route leads from" },
  { "foreign_sink",
    { .routes = foreign_sink },
    SF_CHECK_ROUTE,
    "route",
    "as a sink, which does not read" },
  { "no_sinks", { .routes = no_sinks }, SF_CHECK_ROUTE, "route", "has no sink" },
  { "two_routes", { .routes = two_routes }, SF_CHECK_ROUTE, "route", "wanted one net" },
  { "other_network",
    { .routes = other_network },
    SF_CHECK_ROUTE,
    "place",
    "no vector route leads from" },
  { "no_such_network", { .routes = no_such_network }, SF_CHECK_ROUTE, "route", "does not exist" },
  { "too_shallow", { .buffer = too_shallow }, SF_CHECK_DEPTH, "buffer", "deadlocks, wanted", true },
  { "beyond_pmu_bytes", { .buffer = beyond_pmu_bytes }, SF_CHECK_DEPTH, "buffer", "PMUs hold" },
  { "no_pmus", { .buffer = no_pmus }, SF_CHECK_DEPTH, "buffer", "has no PMUs" },
  { "unbalanced_rate",
    { .stage = unbalanced_rate },
    SF_CHECK_BODY,
    "stage",
    "wanted a balanced rate" },
  { "box_outside", { .stage = box_outside }, SF_CHECK_BODY, "stage", "operand" },
  { "no_dependency",
    { .launch = no_dependency },
    SF_CHECK_BODY,
    "launch",
    "does not depend on it" },
  { "missing_binding", { .launch = missing_binding }, SF_CHECK_BODY, "launch", "bind every slot" },
  { "one_on_the_other",
    { .tensor = one_on_the_other },
    SF_CHECK_MEMORY,
    NULL,
    "live at the same time and overlap" },
  { "outside_memory",
    { .tensor = outside_memory },
    SF_CHECK_MEMORY,
    "tensor",
    "wanted an aligned place within" },
  { "not_planned", { .tensor = not_planned }, SF_CHECK_MEMORY, "tensor", "at offset -1" },
};

/* ---- the designs ---- */

typedef struct
{
  const char *name, *app, *arch, *level;
} Design;

static const Design designs[] = {
  { "lenet_on_sn10_o3", "lenet", "sn10", "o3" },
  { "encoder_on_tiny_o3", "encoder", "tiny", "o3" },
  { "encoder_on_plasticine_o3", "encoder", "plasticine", "o3" },
  { "cnn_bn_on_sn40l_o1", "cnn_bn", "sn40l", "o1" },
};

static uint32_t
largest_config (const SfProgram *program)
{
  uint32_t largest = 0;
  for (uint32_t c = 1; c < sf_program_n_configs (program); c++)
    if (sf_config_n_places (program, c) > sf_config_n_places (program, largest))
      largest = c;
  return largest;
}

static void
break_design (const Break *b, const SfProgram *program, const SfArch *arch)
{
  g_autoptr (GError) error = NULL;
  Victim victim = { .program = program, .arch = arch, .config = largest_config (program) };
  CopyHooks hooks = b->hooks;
  hooks.data = &victim;
  g_autoptr (SfProgram) broken = test_copy (program, &hooks);
  if (!victim.done && b->rare)
    return;
  SF_CHECK_MSG (victim.done, "%s: nothing to break", b->name);
  if (b->upto > SF_CHECK_BODY)
    SF_CHECK_MSG (sf_program_verify (broken, arch, (SfProgramCheck) (b->upto - 1), &error),
                  "%s: %s", b->name, error->message);
  bool sound = sf_program_verify (broken, arch, b->upto, &error);
  SF_CHECK_MSG (!sound, "%s: passed", b->name);
  if (sound)
    return;
  g_autofree char *where = b->where != NULL ? g_strdup_printf ("%s %u", b->where, victim.index)
                                            : NULL;
  SF_CHECK_MSG (g_error_matches (error, SF_ERROR, SF_ERROR_CHECK_FAILED)
                    && strstr (error->message, b->what) != NULL
                    && (where == NULL || strstr (error->message, where) != NULL),
                "%s: %s", b->name, error->message);
}

SF_TEST_CASES (Broken, IsFound, designs, G_N_ELEMENTS (designs), sf_test_row_name)
{
  const Design *d = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load (d->arch, NULL);
  g_autoptr (SfProgram) program = test_design (d->app, arch, d->level, 0, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  CopyHooks none = { 0 };
  g_autoptr (SfProgram) untouched = test_copy (program, &none);
  SF_CHECK (sf_program_verify (untouched, arch, SF_CHECK_MEMORY, &error));
  SF_REQUIRE_NO_ERROR (error);
  for (size_t i = 0; i < G_N_ELEMENTS (breaks); i++)
    break_design (&breaks[i], program, arch);
}

/* Links are full on a machine that takes one net less than the design needs, and only there. */
SF_TEST (Broken, OverbookedLink)
{
  static const char *const keys[] = { "vector_flows", "scalar_flows", "control_flows" };
  static const char *const found[] = { "nets cross the vector link from",
                                       "nets cross the scalar link from",
                                       "nets cross the control link from" };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SfCompileOptions options = { .seed = 1, .optimizer = "adamw" };
  g_autoptr (SfProgram) program = test_design ("lenet", arch, "o3", 0, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (int network = 0; network < SF_N_NETWORKS; network++)
    {
      int64_t flows = 1;
      for (bool sound = false; !sound; flows++)
        {
          SF_REQUIRE (flows <= sf_arch_info (arch).flows[network]);
          g_autoptr (SfArch) narrow = test_arch_with (arch, keys[network], flows);
          g_clear_error (&error);
          sound = sf_program_verify (program, narrow, SF_CHECK_ROUTE, &error);
          if (!sound)
            SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, found[network]);
        }
      SF_CHECK (flows > 2);
    }
}
