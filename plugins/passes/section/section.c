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
  GArray *first; /* per group: its first node */
} Cutter;

static SfNode
head_of (const Cutter *c, int32_t group)
{
  return g_array_index (c->first, SfNode, group);
}

/* Reads the groups from the graph. */
static void
index_groups (Cutter *c)
{
  const SfNode none = SF_NONE;
  g_array_set_size (c->first, 0);
  for (SfNode node = 0; node < sf_graph_n_nodes (c->graph); node++)
    {
      int32_t group = sf_node_group (c->graph, node);
      while (group >= 0 && c->first->len <= (guint) group)
        g_array_append_val (c->first, none);
      if (group >= 0 && head_of (c, group) == SF_NONE)
        g_array_index (c->first, SfNode, group) = node;
    }
  sf_lowering_regroup (c->low);
}

/* Groups from `first` on that may share a section: one phase, no host node, at most `most`. */
static int32_t
run_length (const Cutter *c, int32_t first, int32_t most)
{
  SfNode head = head_of (c, first);
  int32_t n = 1, n_groups = (int32_t) c->first->len;
  if (sf_node_on_host (c->graph, head))
    return 1;
  while (n < most && first + n < n_groups && !sf_node_on_host (c->graph, head_of (c, first + n))
         && sf_node_phase (c->graph, head_of (c, first + n)) == sf_node_phase (c->graph, head))
    n++;
  return n;
}

/* Makes the nodes of `group` groups of their own, in graph order; false when it has but one. */
static bool
split_group (Cutter *c, int32_t group)
{
  SfNode n_nodes = (SfNode) sf_graph_n_nodes (c->graph);
  int32_t members = 0;
  for (SfNode node = 0; node < n_nodes; node++)
    members += sf_node_group (c->graph, node) == group;
  for (SfNode node = 0, seen = 0; members > 1 && node < n_nodes; node++)
    if (sf_node_group (c->graph, node) > group)
      sf_node_set_group (c->graph, node, sf_node_group (c->graph, node) + members - 1);
    else if (sf_node_group (c->graph, node) == group)
      sf_node_set_group (c->graph, node, group + (int32_t) seen++);
  if (members > 1)
    index_groups (c);
  return members > 1;
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

/* Groups of the section that begins at `first`. A stage too large for the machine becomes several,
 * a node too large for it runs on the host. */
static bool
cut_or_shrink (Cutter *c, int32_t first, int32_t most, int32_t *out, GError **error)
{
  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      *out = run_length (c, first, most);
      SfNode head = head_of (c, first);
      if (sf_node_on_host (c->graph, head) || cut (c, first, *out, out, &failure))
        return true;
      if (!g_error_matches (failure, SF_ERROR, SF_ERROR_NO_RESOURCE))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return false;
        }
      if (split_group (c, first))
        continue;
      sf_node_set_on_host (c->graph, head, true);
      sf_pass_note (c->context, "%s (%s): on the host, %s", sf_node_name (c->graph, head),
                    sf_node_op_name (c->graph, head), failure->message);
    }
}

static bool
cut_graph (Cutter *c, int32_t max_groups, GError **error)
{
  g_autoptr (GArray) section = g_array_new (FALSE, FALSE, sizeof (int32_t));
  int32_t n_sections = 0;
  for (int32_t first = 0; first < (int32_t) c->first->len;)
    {
      int32_t n;
      if (!cut_or_shrink (c, first, max_groups, &n, error))
        return false;
      for (int32_t i = 0; i < n; i++)
        g_array_append_val (section, n_sections);
      n_sections++;
      first += n;
    }
  for (SfNode node = 0; node < sf_graph_n_nodes (c->graph); node++)
    {
      int32_t group = sf_node_group (c->graph, node);
      sf_node_set_section (c->graph, node,
                           group < 0 ? -1 : g_array_index (section, int32_t, group));
    }
  sf_pass_note (c->context, "%s: %u stages in %d sections", sf_graph_name (c->graph), c->first->len,
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
      g_autoptr (GArray) first = g_array_new (FALSE, FALSE, sizeof (SfNode));
      Cutter c = { .context = context, .graph = graph, .low = low, .first = first };
      c.limits = sf_lower_limits (sf_pass_arch (context), fill_of (context));
      index_groups (&c);
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
