/* SPDX-License-Identifier: Apache-2.0 */
/* Reverse-mode differentiation: one sweep over the nodes from the loss back, each by its row's
 * gradient rule. */
#include "core/ir/graph.h"

typedef struct
{
  SfGraph *graph;
  SfValue loss;
  SfValue n_values; /* of the graph before it grew */
  bool *depends;    /* by value: a float computed from one of wrt, or one of them */
  SfValue *grad;    /* by value: its gradient so far */
} Sweep;

static bool
check_arguments (const SfGraph *graph, SfValue loss, const SfValue *wrt, size_t n, GError **error)
{
  size_t n_values = graph->values->len;
  if (loss >= n_values)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "graph %s: loss is value %u, wanted one of its %zu values", graph->name, loss,
                    n_values);
  const SfValueRecord *record = sf_value_record (graph, loss);
  if (record->shape.rank != 0 || !sf_dtype_is_float (record->dtype))
    {
      g_autofree char *found = sf_shape_text (&record->shape);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "%s: is %s %s, wanted a float scalar to differentiate; reduce it first",
                      record->name, sf_dtype_name (record->dtype), found);
    }
  for (size_t i = 0; i < n; i++)
    {
      if (wrt[i] >= n_values)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "graph %s: value %u, wanted one of its %zu values", graph->name, wrt[i],
                        n_values);
      if (!sf_dtype_is_float (sf_value_dtype (graph, wrt[i])))
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "%s: is %s, only float values have gradients; leave it out",
                        sf_value_name (graph, wrt[i]),
                        sf_dtype_name (sf_value_dtype (graph, wrt[i])));
    }
  return true;
}

static bool
node_depends (const Sweep *sweep, const SfNodeRecord *node)
{
  for (uint32_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != SF_NONE && sweep->depends[node->inputs[i]])
      return true;
  return false;
}

static void
mark_dependent (Sweep *sweep, const SfValue *wrt, size_t n)
{
  for (size_t i = 0; i < n; i++)
    sweep->depends[wrt[i]] = true;
  for (SfNode node = 0; node < sweep->graph->nodes->len; node++)
    {
      const SfNodeRecord *record = sf_node_record (sweep->graph, node);
      if (!node_depends (sweep, record))
        continue;
      for (int k = 0; k < record->op->n_outputs; k++)
        {
          SfValue out = record->first_output + (SfValue) k;
          if (sf_dtype_is_float (sf_value_dtype (sweep->graph, out)))
            sweep->depends[out] = true;
        }
    }
}

/* Refuses before anything is added: every node between wrt and the loss needs a gradient rule. */
static bool
check_rules (const Sweep *sweep, GError **error)
{
  const SfGraph *graph = sweep->graph;
  g_autofree bool *reaches = g_new0 (bool, sweep->n_values);
  reaches[sweep->loss] = true;
  for (SfNode node = graph->nodes->len; node-- > 0;)
    {
      const SfNodeRecord *record = sf_node_record (graph, node);
      bool on_path = false;
      for (int k = 0; k < record->op->n_outputs; k++)
        {
          SfValue out = record->first_output + (SfValue) k;
          on_path = on_path || (reaches[out] && sweep->depends[out]);
        }
      if (!on_path)
        continue;
      if (record->op->gradient == NULL)
        return sf_fail (error, SF_ERROR_UNSUPPORTED,
                        "%s (%s): the op has no gradient, wanted one between %s and what it is "
                        "differentiated by; use an op that sf_op_has_gradient",
                        record->name, record->op->name, sf_value_name (graph, sweep->loss));
      for (uint32_t i = 0; i < record->n_inputs; i++)
        if (record->inputs[i] != SF_NONE)
          reaches[record->inputs[i]] = true;
    }
  return true;
}

/* Adds `dx`, made since value `mark`, to the gradient of `value`. */
static bool
accumulate (Sweep *sweep, SfValue value, SfValue dx, SfValue mark, const SfNodeRecord *node,
            GError **error)
{
  SfGraph *graph = sweep->graph;
  const SfValueRecord *of = sf_value_record (graph, value);
  if (!sf_shape_equal (sf_value_shape (graph, dx), &of->shape))
    {
      g_autofree char *found = sf_shape_text (sf_value_shape (graph, dx));
      g_autofree char *wanted = sf_shape_text (&of->shape);
      return sf_fail (error, SF_ERROR_INTERNAL,
                      "%s (%s): its gradient rule gives %s for %s, wanted %s", node->name,
                      node->op->name, found, of->name, wanted);
    }
  dx = sf_graph_as_dtype (graph, dx, of->dtype, mark, error);
  if (dx != SF_NONE && sweep->grad[value] != SF_NONE)
    dx = sf_graph_op2 (graph, "add", sweep->grad[value], dx, error);
  if (dx == SF_NONE)
    return false;
  sweep->grad[value] = dx;
  return true;
}

static bool
differentiate_node (Sweep *sweep, SfNode node, GError **error)
{
  SfGraph *graph = sweep->graph;
  const SfNodeRecord *record = sf_node_record (graph, node);
  SfValue dy[SF_MAX_OUTPUTS], mark = graph->values->len;
  bool any = false, wanted = false;
  for (int k = 0; k < record->op->n_outputs; k++)
    {
      dy[k] = sweep->grad[record->first_output + (SfValue) k];
      any = any || dy[k] != SF_NONE;
    }
  g_autofree bool *needs = g_new0 (bool, record->n_inputs + 1);
  g_autofree SfValue *dx = g_new (SfValue, record->n_inputs + 1);
  for (uint32_t i = 0; i < record->n_inputs; i++)
    {
      needs[i] = record->inputs[i] != SF_NONE && sweep->depends[record->inputs[i]];
      wanted = wanted || needs[i];
      dx[i] = SF_NONE;
    }
  if (!any || !wanted)
    return true;
  g_autofree char *scope = g_strconcat (record->name, ".bwd", NULL);
  sf_graph_set_scope (graph, scope);
  SfGradient gradient = { .graph = graph, .node = node, .dy = dy, .needs = needs, .dx = dx };
  if (!record->op->gradient (&gradient, error))
    return false;
  for (uint32_t i = 0; i < record->n_inputs; i++)
    if (needs[i] && dx[i] != SF_NONE
        && !accumulate (sweep, record->inputs[i], dx[i], mark, record, error))
      return false;
  return true;
}

static bool
sweep_back (Sweep *sweep, GError **error)
{
  SfGraph *graph = sweep->graph;
  SfNode last = sf_value_producer (graph, sweep->loss);
  SfValue one = sf_graph_constant_f (graph, sf_value_dtype (graph, sweep->loss), 1.0, error);
  if (one == SF_NONE)
    return false;
  sweep->grad[sweep->loss] = one;
  for (SfNode node = last == SF_NONE ? 0 : last + 1; node-- > 0;)
    if (!differentiate_node (sweep, node, error))
      return false;
  return true;
}

bool
sf_graph_differentiate (SfGraph *graph, SfValue loss, const SfValue *wrt, size_t n, SfValue *grads,
                        GError **error)
{
  if (!check_arguments (graph, loss, wrt, n, error))
    return false;
  SfValue n_values = graph->values->len;
  g_autofree bool *depends = g_new0 (bool, n_values);
  g_autofree SfValue *grad = g_new (SfValue, n_values);
  for (SfValue v = 0; v < n_values; v++)
    grad[v] = SF_NONE;
  Sweep sweep
      = { .graph = graph, .loss = loss, .n_values = n_values, .depends = depends, .grad = grad };
  mark_dependent (&sweep, wrt, n);
  if (!check_rules (&sweep, error))
    return false;
  for (size_t i = 0; i < n; i++)
    grads[i] = SF_NONE;
  if (!depends[loss])
    return true;
  const char *scope = graph->scope;
  SfPhase phase = graph->phase;
  graph->phase = SF_PHASE_BWD;
  bool ok = sweep_back (&sweep, error);
  graph->scope = scope;
  graph->phase = phase;
  for (size_t i = 0; ok && i < n; i++)
    grads[i] = grad[wrt[i]];
  return ok;
}
