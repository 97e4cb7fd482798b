/* SPDX-License-Identifier: Apache-2.0 */
/* Pass place: puts each unit of a section on a unit of the tile. A greedy start in the order of the
 * stages, then annealing of half-perimeter wire length weighted by bytes (after VPR: Betz and Rose,
 * FPL'97), with a falling threshold instead of a probability (Dueck and Scheuer, 1990), so that it
 * is integer arithmetic throughout. */
#include <sf/plugin/pass.h>
#include <sf/rng.h>

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

/* Streams on one address generator before another is taken. */
#define STREAMS_PER_AGCU 4

typedef struct
{
  int32_t x, y;
} Site;

/* A net as the annealer sees it. */
typedef struct
{
  const SfRoute *net;
  int64_t weight, cost;
} Net;

typedef struct
{
  SfProgram *program;
  uint32_t config;
  SfArchInfo arch;
  GArray *sites[SF_UNIT_NONE];    /* Site */
  uint32_t *holder[SF_UNIT_NONE]; /* per site: place index, SF_NONE; AGCU: number of streams */
  GArray *places;                 /* SfPlace */
  uint32_t *site_of;              /* per place */
  Net *nets;
  size_t n_nets;
  GArray **touching; /* per place: nets (uint32_t) */
  SfRng rng;
  uint64_t draws;
} Placer;

static uint64_t
draw (Placer *p, uint64_t n)
{
  return sf_rng_u64 (&p->rng, p->draws++) % n;
}

/* ---- sites ---- */

/* Boustrophedon, so that neighbours in the list are neighbours on the tile. */
static void
collect_sites (Placer *p, const SfArch *arch)
{
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    p->sites[kind] = g_array_new (FALSE, FALSE, sizeof (Site));
  for (int64_t x = -1; x <= p->arch.columns; x++)
    for (int64_t i = 0; i < p->arch.rows; i++)
      {
        int64_t y = x % 2 == 0 ? i : p->arch.rows - 1 - i;
        SfUnitKind kind = sf_arch_unit_at (arch, x, y);
        Site site = { (int32_t) x, (int32_t) y };
        if (kind < SF_UNIT_NONE)
          g_array_append_val (p->sites[kind], site);
      }
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    {
      p->holder[kind] = g_new (uint32_t, p->sites[kind]->len + 1);
      for (guint i = 0; i <= p->sites[kind]->len; i++)
        p->holder[kind][i] = kind == SF_UNIT_AGCU ? 0 : SF_NONE;
    }
}

static void
set_site (Placer *p, uint32_t place, uint32_t site)
{
  SfPlace *unit = &g_array_index (p->places, SfPlace, place);
  const Site *at = &g_array_index (p->sites[unit->kind], Site, site);
  unit->x = at->x;
  unit->y = at->y;
  p->site_of[place] = site;
}

/* ---- the start ---- */

static bool
add_units (Placer *p, SfUnitKind kind, uint32_t owner, int64_t n, guint *next, GError **error)
{
  static const char *const names[] = { "PCUs", "PMUs", "AGCUs" };
  guint room = p->sites[kind]->len * (kind == SF_UNIT_AGCU ? STREAMS_PER_AGCU : 1);
  if (n > (int64_t) room - (int64_t) *next)
    return sf_fail (
        error, SF_ERROR_NO_RESOURCE,
        "config %u: found more units than the %u %s of a tile, wanted them to fit; use a lower level or a larger --arch",
        p->config, p->sites[kind]->len, names[kind]);
  for (int64_t i = 0; i < n; i++, (*next)++)
    {
      SfPlace place = { .kind = kind, .owner = owner };
      g_array_append_val (p->places, place);
    }
  return true;
}

static bool
greedy (Placer *p, GError **error)
{
  guint next[SF_UNIT_NONE] = { 0 };
  for (uint32_t s = 0; s < sf_config_n_stages (p->program, p->config); s++)
    if (!add_units (p, SF_UNIT_PCU, s, sf_config_stage (p->program, p->config, s).n_pcus,
                    &next[SF_UNIT_PCU], error))
      return false;
  for (uint32_t b = 0; b < sf_config_n_buffers (p->program, p->config); b++)
    if (!add_units (p, SF_UNIT_PMU, b, sf_config_buffer (p->program, p->config, b).n_pmus,
                    &next[SF_UNIT_PMU], error))
      return false;
  for (uint32_t t = 0; t < sf_config_n_streams (p->program, p->config); t++)
    if (!add_units (p, SF_UNIT_AGCU, t, 1, &next[SF_UNIT_AGCU], error))
      return false;
  p->site_of = g_new0 (uint32_t, p->places->len + 1);
  guint used[SF_UNIT_NONE] = { 0 };
  for (uint32_t i = 0; i < p->places->len; i++)
    {
      SfUnitKind kind = g_array_index (p->places, SfPlace, i).kind;
      guint n = p->sites[kind]->len, site = used[kind]++;
      /* Address generators are spread over the edge, units packed from one side. */
      if (kind == SF_UNIT_AGCU)
        {
          site = (guint) ((uint64_t) site * n / MAX (next[kind], n)) % n;
          p->holder[kind][site]++;
        }
      else
        p->holder[kind][site] = i;
      set_site (p, i, site);
    }
  sf_config_set_places (p->program, p->config, (const SfPlace *) (gpointer) p->places->data,
                        p->places->len);
  return true;
}

/* ---- cost ---- */

static int64_t
buffer_bytes (const Placer *p, uint32_t buffer)
{
  SfBuffer b = sf_config_buffer (p->program, p->config, buffer);
  return b.tokens * b.token_elems * (int64_t) sf_dtype_bytes (b.dtype) / MAX (b.n_pmus, 1);
}

/* KiB that cross the net in a run of the section, at least one: of the buffer at one of its ends.
 */
static int64_t
net_weight (const Placer *p, const SfRoute *net)
{
  const SfPlace *source = &g_array_index (p->places, SfPlace, net->source);
  const SfPlace *sink = &g_array_index (p->places, SfPlace, net->sinks[0]);
  const SfPlace *memory = source->kind == SF_UNIT_PMU ? source : sink;
  return 1 + (memory->kind == SF_UNIT_PMU ? buffer_bytes (p, memory->owner) / 1024 : 0);
}

static int64_t
net_cost (const Placer *p, const Net *net)
{
  const SfPlace *at = &g_array_index (p->places, SfPlace, net->net->source);
  int32_t x0 = at->x, x1 = at->x, y0 = at->y, y1 = at->y;
  for (size_t i = 0; i < net->net->n_sinks; i++)
    {
      at = &g_array_index (p->places, SfPlace, net->net->sinks[i]);
      x0 = MIN (x0, at->x);
      x1 = MAX (x1, at->x);
      y0 = MIN (y0, at->y);
      y1 = MAX (y1, at->y);
    }
  return net->weight * (x1 - x0 + y1 - y0);
}

static void
index_nets (Placer *p, const GArray *nets)
{
  p->n_nets = nets->len;
  p->nets = g_new0 (Net, nets->len + 1);
  p->touching = g_new0 (GArray *, p->places->len + 1);
  for (guint i = 0; i < p->places->len; i++)
    p->touching[i] = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (uint32_t i = 0; i < nets->len; i++)
    {
      Net *net = &p->nets[i];
      net->net = &g_array_index (nets, SfRoute, i);
      net->weight = net_weight (p, net->net);
      net->cost = net_cost (p, net);
      g_array_append_val (p->touching[net->net->source], i);
      for (size_t k = 0; k < net->net->n_sinks; k++)
        g_array_append_val (p->touching[net->net->sinks[k]], i);
    }
}

static int64_t
update_costs (Placer *p, uint32_t place)
{
  int64_t delta = 0;
  for (guint i = 0; i < p->touching[place]->len; i++)
    {
      Net *net = &p->nets[g_array_index (p->touching[place], uint32_t, i)];
      int64_t cost = net_cost (p, net);
      delta += cost - net->cost;
      net->cost = cost;
    }
  return delta;
}

/* ---- annealing ---- */

/* Moves `place` to `site`, what stands there to where it came from; the change of cost. */
static int64_t
exchange (Placer *p, uint32_t place, uint32_t site)
{
  SfUnitKind kind = g_array_index (p->places, SfPlace, place).kind;
  uint32_t from = p->site_of[place];
  uint32_t other = kind == SF_UNIT_AGCU ? SF_NONE : p->holder[kind][site];
  if (kind == SF_UNIT_AGCU)
    {
      p->holder[kind][from]--;
      p->holder[kind][site]++;
    }
  else
    {
      p->holder[kind][from] = other;
      p->holder[kind][site] = place;
    }
  set_site (p, place, site);
  if (other != SF_NONE)
    set_site (p, other, from);
  return update_costs (p, place) + (other != SF_NONE ? update_costs (p, other) : 0);
}

static void
try_move (Placer *p, int64_t threshold)
{
  uint32_t place = (uint32_t) draw (p, p->places->len);
  SfUnitKind kind = g_array_index (p->places, SfPlace, place).kind;
  uint32_t site = (uint32_t) draw (p, p->sites[kind]->len), from = p->site_of[place];
  if (site == from || (kind == SF_UNIT_AGCU && p->holder[kind][site] >= STREAMS_PER_AGCU))
    return;
  if (exchange (p, place, site) > threshold)
    exchange (p, place, from);
}

static void
anneal (Placer *p, int64_t moves)
{
  int64_t total = 0;
  for (size_t i = 0; i < p->n_nets; i++)
    total += p->nets[i].cost;
  int64_t threshold = p->n_nets == 0 ? 0 : total / (int64_t) p->n_nets;
  const int rounds = 16;
  for (int round = 0; round < rounds && p->places->len > 0; round++)
    {
      for (int64_t i = 0; i < moves * p->places->len / rounds; i++)
        try_move (p, threshold);
      threshold = threshold * 2 / 3;
    }
}

/* ---- the pass ---- */

static void
clear (Placer *p)
{
  for (int kind = 0; kind < SF_UNIT_NONE; kind++)
    {
      g_array_unref (p->sites[kind]);
      g_free (p->holder[kind]);
    }
  for (guint i = 0; p->touching != NULL && i < p->places->len; i++)
    g_array_unref (p->touching[i]);
  g_free (p->touching);
  g_free (p->nets);
  g_free (p->site_of);
  g_array_unref (p->places);
}

static bool
place_config (SfPassContext *context, uint32_t config, int64_t moves, GError **error)
{
  Placer p = {
    .program = sf_pass_program (context),
    .config = config,
    .arch = sf_arch_info (sf_pass_arch (context)),
    .rng = { .seed = sf_pass_seed (context), .stream = sf_rng_stream_of ("place"), .step = config }
  };
  p.places = g_array_new (FALSE, FALSE, sizeof (SfPlace));
  collect_sites (&p, sf_pass_arch (context));
  bool ok = greedy (&p, error);
  if (ok)
    {
      g_autoptr (GArray) nets = sf_config_nets (p.program, config);
      index_nets (&p, nets);
      anneal (&p, moves);
      sf_config_set_places (p.program, config, (const SfPlace *) (gpointer) p.places->data,
                            p.places->len);
    }
  clear (&p);
  return ok;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  for (uint32_t c = 0; c < sf_program_n_configs (sf_pass_program (context)); c++)
    if (!place_config (context, c, sf_option_int (options, "moves"), error))
      return false;
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "place", "1.0", "put the units of each section on a tile"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
