/* A pass that rewrites -(-x) to x and notes how many pairs it removed. */
#include <sf/plugin/pass.h>

#include <string.h>

/* The x of a node that computes -(-x), else SF_NONE. */
static SfValue
twice_negated (const SfGraph *graph, SfNode node)
{
  if (strcmp (sf_node_op_name (graph, node), "neg") != 0)
    return SF_NONE;
  SfNode inner = sf_value_producer (graph, sf_node_input (graph, node, 0));
  if (inner == SF_NONE || strcmp (sf_node_op_name (graph, inner), "neg") != 0)
    return SF_NONE;
  return sf_node_input (graph, inner, 0);
}

/* A graph is append-only, so a changed one is another graph: values of the old map to values of the
 * new. */
static bool
rewrite (const SfGraph *from, SfGraph *to, SfValue *map, int *n_removed, GError **error)
{
  if (!sf_graph_copy_interface (to, from, map, error))
    return false;
  for (SfNode node = 0; node < sf_graph_n_nodes (from); node++)
    {
      SfValue x = twice_negated (from, node);
      if (x != SF_NONE)
        {
          map[sf_node_output (from, node, 0)] = map[x];
          ++*n_removed;
        }
      else if (!sf_graph_copy_node (to, from, node, map, error))
        return false;
    }
  return sf_graph_copy_results (to, from, map, error);
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      const char *entry = sf_module_entry (module, i);
      SfGraph *from = sf_module_graph (module, entry);
      g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
      size_t n_values = sf_graph_n_values (from);
      g_autofree SfValue *map = g_new (SfValue, n_values + 1);
      memset (map, 0xff, n_values * sizeof *map); /* SF_NONE */
      int n_removed = 0;
      if (!rewrite (from, to, map, &n_removed, error))
        return false;
      sf_pass_note (context, "%s: removed %d double negations", entry, n_removed);
      sf_module_set_graph (module, entry, to);
    }
  return true;
}

static const SfPassOps ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "@name@", "1.0", "removes double negation"),
  .options = NULL,
  .ops = { .pass = &ops },
};
