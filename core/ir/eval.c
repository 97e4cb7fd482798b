/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of the entry `eval`: forward nodes in their eval form, without what only training
 * needs. */
#include "core/ir/graph.h"

/* Forward nodes of `from`, each in its eval form, and the outputs. */
static bool
copy_forward (SfGraph *to, const SfGraph *from, GError **error)
{
  g_autofree SfValue *map = g_new (SfValue, from->values->len + 1);
  SfValue outputs[SF_MAX_OUTPUTS];
  if (!sf_graph_copy_interface (to, from, map, error))
    return false;
  for (SfNode node = 0; node < from->nodes->len; node++)
    {
      const SfNodeRecord *record = sf_node_record (from, node);
      if (record->phase != SF_PHASE_FWD)
        continue;
      if (record->op->eval_form == NULL)
        {
          if (!sf_graph_copy_node (to, from, node, map, error))
            return false;
          continue;
        }
      if (!sf_graph_apply_rule (to, from, node, record->op->eval_form, map, outputs, error))
        return false;
      for (int k = 0; k < record->op->n_outputs; k++)
        map[record->first_output + (SfValue) k] = outputs[k];
    }
  return sf_graph_copy_outputs (to, from, map, error);
}

/* Marks what the outputs of `graph` are computed from. */
static void
mark_needed (const SfGraph *graph, bool *needed)
{
  for (guint i = 0; i < graph->outputs->len; i++)
    needed[g_array_index (graph->outputs, SfOutputRecord, i).value] = true;
  for (SfNode node = graph->nodes->len; node-- > 0;)
    {
      const SfNodeRecord *record = sf_node_record (graph, node);
      bool live = record->op->n_outputs == 0;
      for (int k = 0; k < record->op->n_outputs; k++)
        live = live || needed[record->first_output + (SfValue) k];
      for (uint32_t i = 0; live && i < record->n_inputs; i++)
        if (record->inputs[i] != SF_NONE)
          needed[record->inputs[i]] = true;
    }
}

/* Inputs, parameters and statistics stay, so that entries agree; the rest goes when nothing needs
 * it. */
static bool
is_kept (const SfValueRecord *record, bool needed)
{
  if (record->kind == SF_VALUE_STATE)
    return needed || record->state_kind != SF_STATE_OPTIMIZER;
  return needed || record->kind == SF_VALUE_INPUT;
}

static bool
copy_needed (SfGraph *to, const SfGraph *from, GError **error)
{
  g_autofree SfValue *map = g_new (SfValue, from->values->len + 1);
  g_autofree bool *needed = g_new0 (bool, from->values->len + 1);
  mark_needed (from, needed);
  for (SfValue v = 0; v < from->values->len; v++)
    {
      map[v] = SF_NONE;
      if (sf_value_record (from, v)->kind != SF_VALUE_RESULT
          && is_kept (sf_value_record (from, v), needed[v])
          && !sf_graph_copy_declared (to, from, v, map, error))
        return false;
    }
  for (SfNode node = 0; node < from->nodes->len; node++)
    {
      const SfNodeRecord *record = sf_node_record (from, node);
      bool live = record->op->n_outputs == 0;
      for (int k = 0; k < record->op->n_outputs; k++)
        live = live || needed[record->first_output + (SfValue) k];
      if (live && !sf_graph_copy_node (to, from, node, map, error))
        return false;
    }
  return sf_graph_copy_outputs (to, from, map, error);
}

SfGraph *
sf_graph_to_eval (const SfGraph *graph, GError **error)
{
  g_autoptr (SfGraph) forward = sf_graph_new (graph->name);
  g_autoptr (SfGraph) eval = sf_graph_new (graph->name);
  if (!copy_forward (forward, graph, error) || !copy_needed (eval, forward, error))
    return NULL;
  return g_steal_pointer (&eval);
}
