/* SPDX-License-Identifier: Apache-2.0 */
/* Pass autodiff: from the forward graph to the entries train (with gradients and the optimizer's
 * update) and eval. */
#include <sf/plugin/pass.h>

/* A copy whose values are their own origins, since it becomes a source. */
static SfGraph *
copy_graph (const SfGraph *from, const char *suffix, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s.%s", sf_graph_name (from), suffix);
  g_autoptr (SfGraph) to = sf_graph_new (name);
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from) + 1);
  if (!sf_graph_copy_nodes (to, from, map, error))
    return NULL;
  if (!sf_graph_copy_results (to, from, map, error))
    return NULL;
  return g_steal_pointer (&to);
}

static void
own_origins (SfGraph *graph)
{
  for (SfValue v = 0; v < sf_graph_n_values (graph); v++)
    sf_value_set_origin (graph, v, v);
}

static SfValue
find_loss (const SfGraph *graph, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    {
      SfOutputRole role;
      SfValue v = sf_graph_output_at (graph, i, NULL, &role);
      if (role == SF_OUTPUT_LOSS)
        return v;
    }
  sf_fail (
      error, SF_ERROR_INVALID_ARGUMENT,
      "graph %s: found no loss to train with, wanted one; add --loss softmax_ce or --loss mse, or compile with --inference",
      sf_graph_name (graph));
  return SF_NONE;
}

/* ---- train ---- */

static void
set_grad_facts (SfModule *module, const SfGraph *graph, const SfValue *params, const SfValue *grads,
                size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("grad.train.%s", sf_value_name (graph, params[i]));
      g_autofree char *id = g_strdup_printf ("%u", grads[i]);
      sf_module_set_fact (module, key, id);
    }
}

static bool
differentiate (SfPassContext *context, SfModule *module, SfGraph *train, GError **error)
{
  SfValue loss = find_loss (train, error);
  if (loss == SF_NONE)
    return false;
  size_t n_states = sf_graph_n_states (train), n = 0, kept = 0;
  g_autofree SfValue *params = g_new (SfValue, n_states + 1);
  g_autofree SfValue *grads = g_new (SfValue, n_states + 1);
  for (size_t i = 0; i < n_states; i++)
    if (sf_value_state_kind (train, sf_graph_state_at (train, i)) == SF_STATE_PARAM)
      params[n++] = sf_graph_state_at (train, i);
  if (!sf_graph_differentiate (train, loss, params, n, grads, error))
    return false;
  for (size_t i = 0; i < n; i++)
    if (grads[i] != SF_NONE)
      {
        params[kept] = params[i];
        grads[kept++] = grads[i];
      }
  if (kept == 0)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "graph %s: the loss depends on no parameter that is trained, wanted one; freeze "
        "fewer, or compile with --inference",
        sf_graph_name (train));
  set_grad_facts (module, train, params, grads, kept);
  return sf_pass_apply_optimizer (context, train, params, grads, kept, error);
}

/* ---- bounds of labels and indices ---- */

static bool
passes_on (const char *op)
{
  return g_str_equal (op, "reshape") || g_str_equal (op, "cast");
}

/* The range that input `index` of the node must lie in; false when it has none. */
static bool
bounds_of (const SfGraph *graph, SfNode node, size_t index, char **out)
{
  const char *op = sf_node_op_name (graph, node);
  const SfShape *first = sf_value_shape (graph, sf_node_input (graph, node, 0));
  if (g_str_equal (op, "softmax_ce") && index == 1)
    *out = g_strdup_printf ("0 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, first->dim[first->rank - 1],
                            sf_node_attr_int (graph, node, "ignore_index"));
  else if (g_str_equal (op, "embedding") && index == 1)
    *out = g_strdup_printf ("0 %" G_GINT64_FORMAT, first->dim[0]);
  else if (g_str_equal (op, "gather") && index == 1)
    {
      int64_t axis = sf_node_attr_int (graph, node, "axis");
      *out = g_strdup_printf ("0 %" G_GINT64_FORMAT,
                              first->dim[axis < 0 ? axis + first->rank : axis]);
    }
  else
    return false;
  return true;
}

static void
set_bounds (SfModule *module, const char *entry, const SfGraph *graph)
{
  size_t n = sf_graph_n_values (graph);
  g_autofree SfValue *from = g_new (SfValue, n + 1);
  for (SfValue v = 0; v < n; v++)
    from[v] = sf_value_kind (graph, v) == SF_VALUE_INPUT
                      && sf_dtype_is_int (sf_value_dtype (graph, v))
                  ? v
                  : SF_NONE;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
      {
        SfValue v = sf_node_input (graph, node, i);
        if (v == SF_NONE || from[v] == SF_NONE)
          continue;
        g_autofree char *bounds = NULL;
        if (passes_on (sf_node_op_name (graph, node)))
          from[sf_node_output (graph, node, 0)] = from[v];
        else if (bounds_of (graph, node, i, &bounds))
          {
            g_autofree char *key = g_strdup_printf ("bounds.%s.%s", entry,
                                                    sf_value_name (graph, from[v]));
            sf_module_set_fact (module, key, bounds);
          }
      }
}

/* ---- the pass ---- */

static bool
add_train (SfPassContext *context, SfModule *module, const SfGraph *forward, GError **error)
{
  g_autoptr (SfGraph) train = copy_graph (forward, "train", error);
  if (train == NULL || !differentiate (context, module, train, error))
    return false;
  own_origins (train);
  set_bounds (module, "train", train);
  sf_module_set_graph (module, "train", train);
  return true;
}

static bool
add_eval (SfModule *module, const SfGraph *forward, GError **error)
{
  g_autoptr (SfGraph) fixed = sf_graph_to_eval (forward, error);
  g_autoptr (SfGraph) eval = fixed != NULL ? copy_graph (fixed, "eval", error) : NULL;
  if (eval == NULL)
    return false;
  own_origins (eval);
  set_bounds (module, "eval", eval);
  sf_module_set_graph (module, "eval", eval);
  return true;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  (void) options;
  const SfModule *work = sf_pass_module (context);
  const SfGraph *forward = sf_module_graph (work, "forward");
  if (forward == NULL)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "module %s: found no graph named forward, wanted one; autodiff runs first and once",
        sf_module_name (work));
  g_autoptr (SfModule) module = sf_module_new (sf_module_name (work));
  if (g_strcmp0 (sf_pass_fact (context, "training"), "1") == 0
      && !add_train (context, module, forward, error))
    return false;
  if (!add_eval (module, forward, error))
    return false;
  sf_pass_set_source (context, module);
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "autodiff", "1.0",
                  "make the entries train and eval from the forward graph"),
  .ops.pass = &pass_ops,
};
