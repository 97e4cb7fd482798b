/* SPDX-License-Identifier: Apache-2.0 */
/* Pass section: cuts the ordered groups into sections that fit an RDU tile. */
#include <sf/plugin/lower.h>
#include <sf/plugin/pass.h>

static const SfOption options_table[] = {
  { .name = "max-groups",
    .type = SF_OPTION_INT,
    .def = "8",
    .min = 1,
    .max = 1e9,
    .arg = "N",
    .help = "most stages of a section" },
  { .name = NULL },
};

/* The groups of one graph in order. */
typedef struct
{
  SfPassContext *context;
  SfGraph *graph;
  SfLowering *low;
  SfLowerLimits limits;
  SfNode *first; /* per group: its first node */
  int32_t n_groups;
} Cutter;

static int32_t
count_groups (const SfGraph *graph)
{
  int32_t n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    n = MAX (n, sf_node_group (graph, node) + 1);
  return n;
}

/* Groups from `first` on that may share a section: one phase, no host node, at most `most`. */
static int32_t
run_length (const Cutter *c, int32_t first, int32_t most)
{
  SfNode head = c->first[first];
  int32_t n = 1;
  if (sf_node_on_host (c->graph, head))
    return 1;
  while (n < most && first + n < c->n_groups && !sf_node_on_host (c->graph, c->first[first + n])
         && sf_node_phase (c->graph, c->first[first + n]) == sf_node_phase (c->graph, head))
    n++;
  return n;
}

static bool
fits (Cutter *c, int32_t first, int32_t n, GError **error)
{
  SfLowerNeed need;
  return sf_lowering_section (c->low, sf_pass_arch (c->context), &c->limits, first, n, &need,
                              error);
}

/* The longest run from `first` that fits: doubled while it does, then halved in on. A failure other
 * than for lack of room is a failure. */
static bool
cut (Cutter *c, int32_t first, int32_t most, int32_t *out, GError **error)
{
  int32_t good = 0, bad = most + 1;
  for (int32_t n = 1; good < most && bad > good + 1;)
    {
      g_autoptr (GError) failure = NULL;
      if (fits (c, first, n, &failure))
        good = n;
      else if (n == 1 || !g_error_matches (failure, SF_ERROR, SF_ERROR_NO_RESOURCE))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return false;
        }
      else
        bad = n;
      n = bad > most ? MIN (2 * good, most) : (good + bad) / 2;
    }
  *out = good;
  return true;
}

static bool
cut_graph (Cutter *c, int32_t max_groups, GError **error)
{
  g_autofree int32_t *section = g_new0 (int32_t, c->n_groups + 1);
  int32_t n_sections = 0;
  for (int32_t first = 0; first < c->n_groups;)
    {
      int32_t n = run_length (c, first, max_groups);
      if (!sf_node_on_host (c->graph, c->first[first]) && !cut (c, first, n, &n, error))
        return false;
      for (int32_t i = 0; i < n; i++)
        section[first + i] = n_sections;
      n_sections++;
      first += n;
    }
  for (SfNode node = 0; node < sf_graph_n_nodes (c->graph); node++)
    {
      int32_t group = sf_node_group (c->graph, node);
      sf_node_set_section (c->graph, node, group < 0 ? -1 : section[group]);
    }
  sf_pass_note (c->context, "%s: %d stages in %d sections", sf_graph_name (c->graph), c->n_groups,
                n_sections);
  return true;
}

static int64_t
fill_of (SfPassContext *context)
{
  const char *fill = sf_pass_fact (context, "fill");
  return fill != NULL ? g_ascii_strtoll (fill, NULL, 10) : 100;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      SfGraph *graph = sf_module_graph (module, sf_module_entry (module, i));
      g_autoptr (SfLowering) low = sf_lowering_new (graph, NULL, 0);
      g_autofree SfNode *first = g_new (SfNode, sf_graph_n_nodes (graph) + 1);
      Cutter c = { .context = context,
                   .graph = graph,
                   .low = low,
                   .first = first,
                   .n_groups = count_groups (graph) };
      c.limits = sf_lower_limits (sf_pass_arch (context), fill_of (context));
      for (SfNode node = (SfNode) sf_graph_n_nodes (graph); node-- > 0;)
        if (sf_node_group (graph, node) >= 0)
          first[sf_node_group (graph, node)] = node;
      if (!cut_graph (&c, (int32_t) MIN (sf_option_int (options, "max-groups"), INT32_MAX / 2),
                      error))
        return false;
    }
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "section", "1.0",
                  "cut the stages into sections that fit an RDU tile"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
