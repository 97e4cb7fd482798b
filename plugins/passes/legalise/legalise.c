/* SPDX-License-Identifier: Apache-2.0 */
/* Pass legalise: decomposes what the device cannot express, sends the rest to the host, gives
 * results memory of their own. */
#include "collapse.h"

#include <sf/plugin/lower.h>

/* A decomposition that has not come to an end after so many levels goes in circles. */
#define MAX_LEVELS 16

/* Parts that one concat takes, or fewer where switches have few channels: each is a net of its own.
 */
#define MAX_PARTS 16

typedef struct
{
  SfPassContext *context;
  const SfGraph *from;
  SfGraph *to;
  SfValue *map;
  size_t n_decomposed;
  size_t most_parts; /* of a concat */
} Rewrite;

static bool
decompose (Rewrite *r, SfNode node, GError **error)
{
  size_t n = sf_node_n_outputs (r->from, node);
  g_autofree SfValue *outputs = g_new (SfValue, n + 1);
  if (!sf_graph_decompose (r->to, r->from, node, r->map, outputs, error))
    return false;
  for (size_t i = 0; i < n; i++)
    r->map[sf_node_output (r->from, node, i)] = outputs[i];
  r->n_decomposed++;
  return true;
}

/* What no lane can hold goes to the host whole, since its parts would have to as well. */
static bool
is_wide (const SfGraph *graph, SfNode node)
{
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    if (sf_node_input (graph, node, i) != SF_NONE
        && sf_dtype_bytes (sf_value_dtype (graph, sf_node_input (graph, node, i))) > 4)
      return true;
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    if (sf_dtype_bytes (sf_value_dtype (graph, sf_node_output (graph, node, i))) > 4)
      return true;
  return false;
}

/* Whether the node joins more parts than a stage has streams for. */
static bool
has_many_parts (const Rewrite *r, SfNode node)
{
  return g_str_equal (sf_node_op_name (r->from, node), "concat")
         && sf_node_n_inputs (r->from, node) > r->most_parts;
}

/* A concat as one of concats. */
static bool
join_in_steps (Rewrite *r, SfNode node, GError **error)
{
  size_t n = sf_node_n_inputs (r->from, node);
  SfValue y = sf_node_output (r->from, node, 0), joined = SF_NONE;
  g_autofree SfValue *parts = g_new (SfValue, n);
  for (size_t i = 0; i < n; i++)
    parts[i] = r->map[sf_node_input (r->from, node, i)];
  SfAttr axis = SF_ATTR_I ("axis", sf_node_attr_int (r->from, node, "axis"));
  sf_graph_set_scope (r->to, sf_node_name (r->from, node));
  sf_graph_set_phase (r->to, sf_node_phase (r->from, node));
  do
    {
      size_t left = 0;
      for (size_t i = 0; i < n; i += r->most_parts)
        {
          joined = sf_graph_op (r->to, "concat", parts + i, MIN (n - i, r->most_parts), &axis, 1,
                                error);
          if (joined == SF_NONE)
            return false;
          sf_value_set_origin (r->to, joined, SF_NONE);
          parts[left++] = joined;
        }
      n = left;
    }
  while (n > 1);
  SfDtype dtype = sf_value_dtype (r->from, y);
  if (sf_value_dtype (r->to, joined) != dtype && !sf_graph_set_dtype (r->to, joined, dtype, error))
    return false;
  sf_value_set_origin (r->to, joined, sf_value_origin (r->from, y));
  r->map[y] = joined;
  r->n_decomposed++;
  return true;
}

static bool
rewrite_node (Rewrite *r, SfNode node, GError **error)
{
  if (has_many_parts (r, node) && !is_wide (r->from, node))
    return join_in_steps (r, node, error);
  g_autofree char *reason = NULL;
  bool device = sf_pass_target_supports (r->context, r->from, node, &reason);
  if (!device && !is_wide (r->from, node) && sf_op_has_decomposition (sf_node_op (r->from, node)))
    return decompose (r, node, error);
  bool collapsed = false;
  if (device && !sf_collapse_node (r->to, r->from, node, r->map, &collapsed, error))
    return false;
  if (collapsed)
    return true;
  SfNode copy = (SfNode) sf_graph_n_nodes (r->to);
  if (!sf_graph_copy_node (r->to, r->from, node, r->map, error))
    return false;
  sf_node_set_on_host (r->to, copy, !device);
  if (!device)
    sf_pass_note (r->context, "%s (%s): on the host, %s", sf_node_name (r->from, node),
                  sf_node_op_name (r->from, node), reason);
  return true;
}

/* One level of decomposition of the whole graph. */
static SfGraph *
rewrite_level (SfPassContext *context, const SfGraph *from, size_t *n_decomposed, GError **error)
{
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from) + 1);
  Rewrite r = { .context = context, .from = from, .to = to, .map = map };
  int64_t tensors = sf_lower_limits (sf_pass_arch (context), 100).stage_tensors;
  r.most_parts = (size_t) CLAMP (tensors - 1, 2, MAX_PARTS);
  if (!sf_graph_copy_interface (to, from, map, error))
    return NULL;
  for (SfNode node = 0; node < sf_graph_n_nodes (from); node++)
    if (!rewrite_node (&r, node, error))
      return NULL;
  if (!sf_graph_copy_results (to, from, map, error))
    return NULL;
  *n_decomposed = r.n_decomposed;
  return g_steal_pointer (&to);
}

/* ---- results ---- */

/* Which memory is already some result's own, by root of views. */
typedef struct
{
  SfPassContext *context;
  SfGraph *graph;
  SfValue *map;
  GHashTable *claimed;
  SfPhase *last_read; /* per value that nodes read */
} Results;

/* Whether the node gives its input another shape and nothing else. */
static bool
is_view (const SfGraph *graph, SfNode node)
{
  return g_str_equal (sf_node_op_name (graph, node), "reshape") && !sf_node_on_host (graph, node)
         && !sf_shape_equal (sf_value_shape (graph, sf_node_output (graph, node, 0)),
                             sf_value_shape (graph, sf_node_input (graph, node, 0)));
}

static SfValue
root_of (const SfGraph *graph, SfValue value)
{
  SfNode node;
  while ((node = sf_value_producer (graph, value)) != SF_NONE && is_view (graph, node))
    value = sf_node_input (graph, node, 0);
  return value;
}

/* Per value: the last phase in which its memory is read. */
static void
note_reads (const SfGraph *graph, SfPhase *last_read)
{
  size_t n_values = sf_graph_n_values (graph);
  g_autofree SfValue *root = g_new (SfValue, n_values + 1);
  for (SfValue v = 0; v < n_values; v++)
    {
      root[v] = v;
      last_read[v] = SF_PHASE_FWD;
    }
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    {
      for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
        {
          SfValue x = sf_node_input (graph, node, i);
          if (x != SF_NONE)
            last_read[root[x]] = MAX (last_read[root[x]], sf_node_phase (graph, node));
        }
      if (is_view (graph, node))
        root[sf_node_output (graph, node, 0)] = root[sf_node_input (graph, node, 0)];
    }
}

/* Whether what will be the new state is read in a later phase than that which makes it. */
static bool
read_later (const Results *r, SfValue root)
{
  SfNode producer = sf_value_producer (r->graph, root);
  return r->last_read[root]
         > (producer == SF_NONE ? SF_PHASE_FWD : sf_node_phase (r->graph, producer));
}

/* `value`, or a copy of it: a reshape to the same shape, which lowering takes for one. */
static bool
claim (Results *r, SfValue value, bool state, SfPhase phase, GError **error)
{
  SfValue mapped = r->map[value], root = root_of (r->graph, mapped);
  bool own = sf_value_kind (r->graph, root) == SF_VALUE_RESULT
             && !g_hash_table_contains (r->claimed, GUINT_TO_POINTER (root))
             && !(state && read_later (r, root));
  if (!own)
    {
      SfNode producer = sf_value_producer (r->graph, mapped);
      sf_graph_set_phase (r->graph,
                          producer != SF_NONE ? sf_node_phase (r->graph, producer) : phase);
      sf_graph_set_scope (r->graph, sf_value_name (r->graph, mapped));
      const SfShape *shape = sf_value_shape (r->graph, mapped);
      SfAttr attr = SF_ATTR_IS ("shape", shape->dim, (size_t) shape->rank);
      SfValue copy = sf_graph_op (r->graph, "reshape", &mapped, 1, &attr, 1, error);
      if (copy == SF_NONE)
        return false;
      sf_value_set_origin (r->graph, copy, SF_NONE);
      SfNode node = sf_value_producer (r->graph, copy);
      sf_node_set_on_host (r->graph, node,
                           !sf_pass_target_supports (r->context, r->graph, node, NULL));
      mapped = root = copy;
    }
  g_hash_table_add (r->claimed, GUINT_TO_POINTER (root));
  r->map[value] = mapped;
  return true;
}

static bool
copy_results (Results *r, const SfGraph *from, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_outputs (from); i++)
    {
      const char *name;
      SfOutputRole role;
      SfValue v = sf_graph_output_at (from, i, &name, &role), before = r->map[v];
      bool ok = claim (r, v, false, SF_PHASE_FWD, error)
                && sf_graph_output (r->graph, name, role, r->map[v], error);
      r->map[v] = before;
      if (!ok)
        return false;
    }
  for (size_t i = 0; i < sf_graph_n_states (from); i++)
    {
      SfValue state = sf_graph_state_at (from, i), next = sf_value_update (from, state);
      if (next == SF_NONE)
        continue;
      SfValue before = r->map[next];
      bool ok = claim (r, next, true, SF_PHASE_OPT, error)
                && sf_graph_set_update (r->graph, r->map[state], r->map[next], error);
      r->map[next] = before;
      if (!ok)
        return false;
    }
  return true;
}

/* Outputs and new states that share memory, or are no node's result, get copies. */
static SfGraph *
separate_results (SfPassContext *context, const SfGraph *from, GError **error)
{
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from) + 1);
  g_autoptr (GHashTable) claimed = g_hash_table_new (NULL, NULL);
  Results r = { .context = context, .graph = to, .map = map, .claimed = claimed };
  if (!sf_graph_copy_nodes (to, from, map, error))
    return NULL;
  g_autofree SfPhase *last_read = g_new (SfPhase, sf_graph_n_values (to) + 1);
  note_reads (to, last_read);
  r.last_read = last_read;
  if (!copy_results (&r, from, error))
    return NULL;
  return g_steal_pointer (&to);
}

/* ---- the pass ---- */

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  (void) options;
  SfModule *module = sf_pass_module (context);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      const char *entry = sf_module_entry (module, i);
      g_autoptr (SfGraph) graph = sf_graph_ref (sf_module_graph (module, entry));
      size_t n_decomposed = 1;
      for (int level = 0; n_decomposed > 0; level++)
        {
          if (level == MAX_LEVELS)
            return sf_fail (
                error, SF_ERROR_INTERNAL,
                "graph %s: found decompositions of %d levels, wanted them to end; look for an op that decomposes into itself",
                sf_graph_name (graph), MAX_LEVELS);
          SfGraph *next = rewrite_level (context, graph, &n_decomposed, error);
          if (next == NULL)
            return false;
          sf_graph_unref (graph);
          graph = next;
        }
      g_autoptr (SfGraph) done = separate_results (context, graph, error);
      if (done == NULL)
        return false;
      sf_module_set_graph (module, entry, done);
    }
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "legalise", "1.0",
                  "decompose what the device cannot express, send the rest to the host"),
  .ops.pass = &pass_ops,
};
