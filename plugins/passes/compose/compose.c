/* SPDX-License-Identifier: Apache-2.0 */
/* Pass compose: what exporters write as a dozen nodes becomes the one composite that it is, so that
 * it has a kernel and a gradient of its own. */
#include "match.h"

static const SfOption options_table[] = {
  { .name = "attention",
    .type = SF_OPTION_BOOL,
    .def = "true",
    .help = "softmax (q k^T + mask) v becomes attention" },
  { .name = "layer-norm",
    .type = SF_OPTION_BOOL,
    .def = "true",
    .help = "a norm written with means becomes layer_norm" },
  { .name = "gelu",
    .type = SF_OPTION_BOOL,
    .def = "true",
    .help = "a gelu written with erf or tanh becomes gelu" },
  { .name = NULL },
};

static const struct
{
  const char *option;
  const Pattern *pattern;
} patterns[] = {
  { "attention", &compose_attention },
  { "layer-norm", &compose_layer_norm },
  { "gelu", &compose_gelu },
};

/* A root and what takes its place. */
typedef struct
{
  const Pattern *pattern; /* NULL: nothing does */
  Found found;
} Plan;

typedef struct
{
  SfPassContext *context;
  const SfOptionValues *options;
  const SfGraph *from;
  bool *gone;        /* per node: inside a match */
  GHashTable *plans; /* root + 1 -> Plan */
  size_t count[G_N_ELEMENTS (patterns)];
} Rewrite;

/* ---- finding ---- */

static bool
try_pattern (Rewrite *r, size_t which, SfNode root)
{
  const char *training = sf_pass_fact (r->context, "training");
  Match m = { .graph = r->from, .training = g_strcmp0 (training, "1") == 0 };
  Plan plan = { .pattern = patterns[which].pattern };
  match_take_node (&m, root);
  if (!plan.pattern->match (&m, root, &plan.found) || !match_is_closed (&m))
    return false;
  for (size_t i = 0; i < m.n; i++)
    if (r->gone[m.node[i]])
      return false;
  for (size_t i = 1; i < m.n; i++)
    r->gone[m.node[i]] = true;
  g_hash_table_insert (r->plans, GUINT_TO_POINTER (root + 1), g_memdup2 (&plan, sizeof plan));
  r->count[which]++;
  return true;
}

/* From the end, so that a norm is found with its gamma and beta before it is found without. */
static void
find_all (Rewrite *r)
{
  for (SfNode node = (SfNode) sf_graph_n_nodes (r->from); node-- > 0;)
    for (size_t i = 0; i < G_N_ELEMENTS (patterns) && !r->gone[node]; i++)
      if (sf_node_n_outputs (r->from, node) == 1 && sf_option_bool (r->options, patterns[i].option)
          && try_pattern (r, i, node))
        break;
}

/* ---- building ---- */

static bool
replace (const Plan *plan, SfNode root, SfGraph *to, const SfGraph *from, SfValue *map,
         GError **error)
{
  SfValue old = sf_node_output (from, root, 0);
  g_autofree char *inner = g_strconcat (sf_node_name (from, root), ".inner", NULL);
  sf_graph_set_scope (to, inner);
  sf_graph_set_phase (to, sf_node_phase (from, root));
  SfValue new = plan->pattern->build (to, from, &plan->found, map, error);
  if (new == SF_NONE)
    return false;
  if (sf_value_dtype (to, new) != sf_value_dtype (from, old)
      || !sf_shape_equal (sf_value_shape (to, new), sf_value_shape (from, old)))
    return sf_fail (error, SF_ERROR_INTERNAL, "%s: %s gives another dtype or shape than %s",
                    sf_node_name (from, root), plan->pattern->name, sf_value_name (from, old));
  sf_graph_set_node_name (to, sf_value_producer (to, new), sf_node_name (from, root));
  sf_value_set_origin (to, new, sf_value_origin (from, old));
  map[old] = new;
  return true;
}

static SfGraph *
rewritten (const Rewrite *r, GError **error)
{
  const SfGraph *from = r->from;
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from) + 1);
  if (!sf_graph_copy_interface (to, from, map, error))
    return NULL;
  for (SfNode node = 0; node < sf_graph_n_nodes (from); node++)
    {
      const Plan *plan = g_hash_table_lookup (r->plans, GUINT_TO_POINTER (node + 1));
      if (r->gone[node])
        continue;
      if (plan != NULL ? !replace (plan, node, to, from, map, error)
                       : !sf_graph_copy_node (to, from, node, map, error))
        return NULL;
    }
  return sf_graph_copy_results (to, from, map, error) ? g_steal_pointer (&to) : NULL;
}

static bool
run_graph (SfPassContext *context, const SfOptionValues *options, const char *entry, GError **error)
{
  SfModule *module = sf_pass_module (context);
  g_autoptr (SfGraph) from = sf_graph_ref (sf_module_graph (module, entry));
  g_autofree bool *gone = g_new0 (bool, sf_graph_n_nodes (from) + 1);
  g_autoptr (GHashTable) plans = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  Rewrite r
      = { .context = context, .options = options, .from = from, .gone = gone, .plans = plans };
  find_all (&r);
  if (g_hash_table_size (plans) == 0)
    return true;
  g_autoptr (SfGraph) to = rewritten (&r, error);
  if (to == NULL)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (patterns); i++)
    if (r.count[i] > 0)
      sf_pass_note (context, "%s: %zu x %s, written out by the model's exporter", entry, r.count[i],
                    patterns[i].pattern->name);
  sf_module_set_graph (module, entry, to);
  return true;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    if (!run_graph (context, options, sf_module_entry (module, i), error))
      return false;
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "compose", "1.0",
                  "composites in place of what exporters write out"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
