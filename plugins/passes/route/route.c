/* SPDX-License-Identifier: Apache-2.0 */
/* Pass route: a tree of switch hops for each net, network by network: straight ways first; where
 * links have too many nets or too much to move, negotiation. */
#include "router.h"

static const SfOption options_table[] = {
  { .name = "iterations",
    .type = SF_OPTION_INT,
    .def = "300",
    .min = 0,
    .max = 10000,
    .arg = "N",
    .help = "rounds of negotiation before the section is given up" },
  { .name = NULL },
};

/* Quarters of a link's capacity that may be in use before nets go around: what moves in bursts
 * waits long for a link that is busy all the time. */
#define SPREAD 3

static const char *const network_names[] = { "vector", "scalar", "control" };

/* The routes of one config. */
typedef struct
{
  SfPassContext *context;
  SfProgram *program;
  uint32_t config;
  SfArchInfo arch;
  int64_t cycles;    /* of the section, as T0 estimates it */
  GArray *wanted;    /* SfRoute: the nets */
  GArray *transfers; /* SfTransfer */
  Net *nets;         /* per net wanted */
  int64_t iterations;
} Job;

/* ---- nets ---- */

static uint32_t
node_of (const Job *job, uint32_t place)
{
  SfPlace p = sf_config_place (job->program, job->config, place);
  return (uint32_t) (p.y * (job->arch.columns + 2) + p.x + 1);
}

static void
collect_nets (Job *job, const SfArch *arch)
{
  job->wanted = sf_config_nets (job->program, job->config);
  job->transfers = sf_estimate_transfers (job->program, job->config, arch, job->wanted);
  job->nets = g_new0 (Net, job->wanted->len + 1);
  for (uint32_t i = 0; i < job->wanted->len; i++)
    job->nets[i] = (Net){ .index = i,
                          .source = node_of (job, g_array_index (job->wanted, SfRoute, i).source),
                          .sinks = g_array_new (FALSE, FALSE, sizeof (Sink)),
                          .hops = g_array_new (FALSE, FALSE, sizeof (Hop)) };
  for (uint32_t i = 0; i < job->transfers->len; i++)
    {
      const SfTransfer *t = &g_array_index (job->transfers, SfTransfer, i);
      const SfRoute *net = &g_array_index (job->wanted, SfRoute, t->net);
      for (uint32_t k = 0; k < t->n; k++)
        {
          Sink sink = { node_of (job, net->sinks[t->first + k]), i, t->load };
          g_array_append_val (job->nets[t->net].sinks, sink);
        }
    }
}

/* Two transfers of one net share a vector a cycle on hops that lead to both: a detour of two hops
 * is always worth it, a long one when the net is busy. */
static void
weigh_shares (Job *job)
{
  g_autofree int64_t *total = g_new0 (int64_t, job->wanted->len + 1);
  g_autofree uint32_t *n = g_new0 (uint32_t, job->wanted->len + 1);
  for (guint i = 0; i < job->transfers->len; i++)
    {
      const SfTransfer *t = &g_array_index (job->transfers, SfTransfer, i);
      total[t->net] += t->load;
      n[t->net]++;
    }
  for (guint i = 0; i < job->wanted->len; i++)
    if (n[i] > 1)
      job->nets[i].share = LINK_COST * (2 + MIN (total[i] * 256 / job->cycles, 62));
}

static void
clear_nets (Job *job)
{
  for (guint i = 0; i < job->wanted->len; i++)
    {
      g_array_unref (job->nets[i].sinks);
      g_array_unref (job->nets[i].hops);
    }
  g_free (job->nets);
  g_array_unref (job->transfers);
  g_array_unref (job->wanted);
}

static void
store (const Job *job)
{
  int64_t width = job->arch.columns + 2;
  static const int step_x[N_DIRECTIONS] = { 1, -1, 0, 0 }, step_y[N_DIRECTIONS] = { 0, 0, 1, -1 };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < job->wanted->len; i++)
    {
      const GArray *hops = job->nets[i].hops;
      int32_t *h = g_new (int32_t, 4 * hops->len + 1);
      SfRoute *route = &g_array_index (job->wanted, SfRoute, i);
      g_ptr_array_add (owned, h);
      route->n_hops = hops->len;
      route->hops = h;
      for (guint k = 0; k < hops->len; k++, h += 4)
        {
          const Hop *hop = &g_array_index (hops, Hop, k);
          h[0] = (int32_t) (hop->node % width) - 1;
          h[1] = (int32_t) (hop->node / width);
          h[2] = h[0] + step_x[hop->direction];
          h[3] = h[1] + step_y[hop->direction];
        }
    }
  sf_config_set_routes (job->program, job->config, (const SfRoute *) (gpointer) job->wanted->data,
                        job->wanted->len);
}

/* ---- what is said ---- */

/* The link with the most nets, or with the most to move. */
static uint32_t
worst_link (const Router *r, bool by_nets)
{
  const int64_t *figure = by_nets ? r->nets : r->load;
  uint32_t worst = 0;
  for (uint32_t link = 1; link < r->n_nodes * N_DIRECTIONS; link++)
    if (figure[link] > figure[worst])
      worst = link;
  return worst;
}

static char *
link_name (const Router *r, uint32_t link)
{
  uint32_t node = link / N_DIRECTIONS, next = node;
  router_neighbour (r, node, link % N_DIRECTIONS, &next);
  return g_strdup_printf ("(%d, %d) to (%d, %d)", (int) (node % r->width) - 1,
                          (int) (node / r->width), (int) (next % r->width) - 1,
                          (int) (next / r->width));
}

/* What a link can move in the time that the section takes. */
static int64_t
capacity (const Job *job, SfNetwork network)
{
  return (int64_t) MIN ((__int128) job->arch.channels[network] * job->cycles, INT64_MAX / 1024);
}

/* The static bandwidth check: not a rule, but what is worth knowing. */
static void
note_bandwidth (const Job *job, const Router *r, SfNetwork network)
{
  uint32_t link = worst_link (r, false);
  int64_t room = MAX (capacity (job, network), 1), n_over = 0;
  for (uint32_t l = 0; l < r->n_nodes * N_DIRECTIONS; l++)
    n_over += r->load[l] > room;
  g_autofree char *name = link_name (r, link);
  sf_pass_note (job->context,
                "config %u: busiest %s link %s, %" G_GINT64_FORMAT " nets move %" G_GINT64_FORMAT
                " of the %" G_GINT64_FORMAT " that %" G_GINT64_FORMAT
                " channels can in %" G_GINT64_FORMAT " cycles (%" G_GINT64_FORMAT
                " %%); %" G_GINT64_FORMAT " links beyond that",
                job->config, network_names[network], name, r->nets[link], r->load[link], room,
                job->arch.channels[network], job->cycles,
                (int64_t) ((__int128) r->load[link] * 100 / room), n_over);
}

/* The stage that most nets on links with too many of them belong to, or SF_NONE. */
static uint32_t
worst_stage (const Job *job, const Router *r, SfNetwork network)
{
  size_t n = sf_config_n_stages (job->program, job->config);
  g_autofree int64_t *count = g_new0 (int64_t, n + 1);
  for (guint i = 0; i < job->transfers->len; i++)
    {
      const SfTransfer *t = &g_array_index (job->transfers, SfTransfer, i);
      const SfRoute *net = &g_array_index (job->wanted, SfRoute, t->net);
      SfPlace from = sf_config_place (job->program, job->config, net->source);
      SfPlace to = sf_config_place (job->program, job->config, net->sinks[t->first]);
      const GArray *hops = job->nets[t->net].hops;
      if (net->network != network)
        continue;
      for (guint h = 0; h < hops->len; h++)
        {
          const Hop *hop = &g_array_index (hops, Hop, h);
          if (r->nets[hop->node * N_DIRECTIONS + hop->direction] <= r->flows)
            continue;
          if (from.kind == SF_UNIT_PCU)
            count[from.owner]++;
          if (to.kind == SF_UNIT_PCU)
            count[to.owner]++;
        }
    }
  uint32_t worst = SF_NONE;
  for (uint32_t s = 0; s < n; s++)
    if (count[s] > (worst == SF_NONE ? 0 : count[worst]))
      worst = s;
  return worst;
}

/* After the source's nodes; the config's own names are only numbers. */
static char *
stage_name (const Job *job, uint32_t stage)
{
  for (uint32_t e = 0; e < sf_program_n_entries (job->program); e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (job->program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (job->program, e, l);
        const char *name = sf_launch_stage_name (job->program, e, l, stage);
        if (launch.target == SF_TARGET_RDU && launch.config == job->config && name != NULL)
          return g_strdup (name);
      }
  return g_strdup_printf ("stage %u", stage);
}

static bool
fail_flows (const Job *job, const Router *r, SfNetwork network, GError **error)
{
  uint32_t link = worst_link (r, true), stage = worst_stage (job, r, network);
  g_autofree char *where = link_name (r, link), *who = g_strdup ("no stage");
  int64_t n_pcus = 0;
  if (stage != SF_NONE)
    {
      g_free (who);
      who = stage_name (job, stage);
      n_pcus = sf_config_stage (job->program, job->config, stage).n_pcus;
      sf_pass_blame (job->context, job->config, stage);
    }
  return sf_fail (error, SF_ERROR_NO_RESOURCE,
                  "config %u: needs %s_flows = %" G_GINT64_FORMAT
                  " for the link from %s, mostly for %s on %" G_GINT64_FORMAT
                  " PCUs, %s has %" G_GINT64_FORMAT "; use a lower level or a larger --arch",
                  job->config, network_names[network], r->nets[link], where, who, n_pcus,
                  job->arch.name, r->flows);
}

/* ---- the pass ---- */

static bool
route_network (Job *job, SfNetwork network, GError **error)
{
  g_autofree Net *nets = g_new0 (Net, job->wanted->len + 1);
  size_t n = 0;
  for (guint i = 0; i < job->wanted->len; i++)
    if (g_array_index (job->wanted, SfRoute, i).network == network)
      nets[n++] = job->nets[i];
  if (n == 0)
    return true;
  Router *r = router_new (&job->arch);
  r->flows = job->arch.flows[network];
  r->budget = MAX (capacity (job, network) / 4 * SPREAD, 1);
  bool ok = router_negotiate (r, nets, n, job->iterations) == 0
            || fail_flows (job, r, network, error);
  if (ok && network != SF_NETWORK_CONTROL)
    note_bandwidth (job, r, network);
  router_free (r);
  return ok;
}

static bool
route_config (SfPassContext *context, uint32_t config, int64_t iterations, GError **error)
{
  const SfArch *arch = sf_pass_arch (context);
  Job job = { .context = context,
              .program = sf_pass_program (context),
              .config = config,
              .arch = sf_arch_info (arch),
              .iterations = iterations };
  job.cycles = MAX (sf_estimate_section (job.program, config, arch, NULL).cycles, 1);
  collect_nets (&job, arch);
  weigh_shares (&job);
  bool ok = true;
  for (int network = 0; ok && network < SF_N_NETWORKS; network++)
    ok = route_network (&job, (SfNetwork) network, error);
  if (ok)
    store (&job);
  clear_nets (&job);
  return ok;
}

/* Configs that have routes keep them. */
static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  for (uint32_t c = 0; c < sf_program_n_configs (sf_pass_program (context)); c++)
    if (sf_config_n_routes (sf_pass_program (context), c) == 0
        && !route_config (context, c, sf_option_int (options, "iterations"), error))
      return false;
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "route", "1.1", "find the switch hops of every net"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
