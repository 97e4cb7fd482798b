/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a graph into another, piece by piece: the interface, single nodes, the results, and nodes
 * as their decomposition. */
#include "core/ir/graph.h"

#include <string.h>

/* The value of `to` that stands for `value` of `from`. */
static bool
mapped (const SfGraph *to, const SfGraph *from, SfValue value, const SfValue *map, SfValue *out,
        GError **error)
{
  *out = value == SF_NONE ? SF_NONE : map[value];
  if (value == SF_NONE || *out != SF_NONE)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "graph %s: %s is not there yet, wanted before what reads it; copy its producer "
                  "first",
                  to->name, sf_value_name (from, value));
}

static bool
mapped_inputs (const SfGraph *to, const SfGraph *from, SfNode node, const SfValue *map,
               SfValue *inputs, GError **error)
{
  const SfNodeRecord *record = sf_node_record (from, node);
  for (uint32_t i = 0; i < record->n_inputs; i++)
    if (!mapped (to, from, record->inputs[i], map, &inputs[i], error))
      return false;
  return true;
}

bool
sf_graph_copy_node (SfGraph *to, const SfGraph *from, SfNode node, SfValue *map, GError **error)
{
  const SfNodeRecord *record = sf_node_record (from, node);
  g_autofree SfValue *inputs = g_new (SfValue, record->n_inputs + 1);
  if (!mapped_inputs (to, from, node, map, inputs, error))
    return false;
  const char *scope = to->scope;
  SfPhase phase = to->phase;
  to->scope = record->name;
  to->phase = record->phase;
  SfNode copy = sf_graph_add (to, record->op->name, inputs, record->n_inputs, record->attrs,
                              record->n_attrs, NULL, error);
  to->scope = scope;
  to->phase = phase;
  if (copy == SF_NONE)
    return false;
  SfNodeRecord *made = sf_node_record (to, copy);
  made->group = record->group;
  made->section = record->section;
  made->on_host = record->on_host;
  for (int k = 0; k < record->op->n_outputs; k++)
    {
      SfValue old = record->first_output + (SfValue) k, new = made->first_output + (SfValue) k;
      const SfValueRecord *was = sf_value_record (from, old);
      if (was->stored_as && !sf_graph_set_dtype (to, new, was->dtype, error))
        return false;
      sf_value_set_origin (to, new, sf_value_origin (from, old));
      map[old] = new;
    }
  return true;
}

bool
sf_graph_copy_declared (SfGraph *to, const SfGraph *from, SfValue value, SfValue *map,
                        GError **error)
{
  const SfValueRecord *was = sf_value_record (from, value);
  switch (was->kind)
    {
    case SF_VALUE_INPUT:
      map[value] = sf_graph_input (to, was->name, was->dtype, was->shape, error);
      break;
    case SF_VALUE_STATE:
      map[value] = sf_graph_state_of (to, was->name, was->state_kind, was->dtype, was->shape,
                                      was->data, error);
      break;
    case SF_VALUE_SCALAR:
      map[value] = sf_graph_scalar (to, was->name, was->dtype, was->shape, error);
      break;
    default:
      map[value] = sf_graph_constant_of (to, was->dtype, was->shape, was->data, error);
      break;
    }
  if (map[value] == SF_NONE)
    return false;
  sf_value_set_origin (to, map[value], sf_value_origin (from, value));
  return true;
}

bool
sf_graph_copy_interface (SfGraph *to, const SfGraph *from, SfValue *map, GError **error)
{
  for (SfValue v = 0; v < from->values->len; v++)
    {
      map[v] = SF_NONE;
      if (sf_value_record (from, v)->kind != SF_VALUE_RESULT
          && !sf_graph_copy_declared (to, from, v, map, error))
        return false;
    }
  return true;
}

bool
sf_graph_copy_nodes (SfGraph *to, const SfGraph *from, SfValue *map, GError **error)
{
  if (!sf_graph_copy_interface (to, from, map, error))
    return false;
  for (SfNode node = 0; node < from->nodes->len; node++)
    if (!sf_graph_copy_node (to, from, node, map, error))
      return false;
  return true;
}

bool
sf_graph_copy_outputs (SfGraph *to, const SfGraph *from, const SfValue *map, GError **error)
{
  for (guint i = 0; i < from->outputs->len; i++)
    {
      const SfOutputRecord *output = &g_array_index (from->outputs, SfOutputRecord, i);
      SfValue value;
      if (!mapped (to, from, output->value, map, &value, error)
          || !sf_graph_output (to, output->name, output->role, value, error))
        return false;
    }
  return true;
}

bool
sf_graph_copy_results (SfGraph *to, const SfGraph *from, const SfValue *map, GError **error)
{
  for (guint i = 0; i < from->states->len; i++)
    {
      SfValue state = g_array_index (from->states, SfValue, i), next;
      SfValue update = sf_value_record (from, state)->update, own;
      if (update == SF_NONE)
        continue;
      if (!mapped (to, from, update, map, &next, error)
          || !mapped (to, from, state, map, &own, error)
          || !sf_graph_set_update (to, own, next, error))
        return false;
    }
  return sf_graph_copy_outputs (to, from, map, error);
}

/* Each output must be what the node gave; a float of another dtype is stored as the node's was. */
static bool
finish_outputs (SfGraph *to, const SfGraph *from, SfNode node, SfValue mark, SfValue *outputs,
                GError **error)
{
  const SfNodeRecord *record = sf_node_record (from, node);
  for (int k = 0; k < record->op->n_outputs; k++)
    {
      SfValue old = record->first_output + (SfValue) k;
      const SfValueRecord *was = sf_value_record (from, old);
      if (outputs[k] == SF_NONE)
        continue;
      const SfValueRecord *is = sf_value_record (to, outputs[k]);
      if (!sf_shape_equal (&is->shape, &was->shape)
          || (is->dtype != was->dtype
              && !(sf_dtype_is_float (is->dtype) && sf_dtype_is_float (was->dtype))))
        {
          g_autofree char *found = sf_shape_text (&is->shape);
          g_autofree char *wanted = sf_shape_text (&was->shape);
          return sf_fail (error, SF_ERROR_INTERNAL,
                          "%s (%s): output %d decomposes to %s %s, wanted %s %s", record->name,
                          record->op->name, k, sf_dtype_name (is->dtype), found,
                          sf_dtype_name (was->dtype), wanted);
        }
      outputs[k] = sf_graph_as_dtype (to, outputs[k], was->dtype, mark, error);
      if (outputs[k] == SF_NONE)
        return false;
      if (outputs[k] >= mark)
        sf_value_set_origin (to, outputs[k], sf_value_origin (from, old));
    }
  return true;
}

bool
sf_graph_apply_rule (SfGraph *to, const SfGraph *from, SfNode node, SfDecomposeRule rule,
                     const SfValue *map, SfValue *outputs, GError **error)
{
  const SfNodeRecord *record = sf_node_record (from, node);
  size_t room = MAX (record->n_inputs, (uint32_t) MAX (record->op->max_inputs, 0)) + 1;
  g_autofree SfValue *inputs = g_new (SfValue, room);
  SfValue mark = to->values->len;
  for (size_t i = 0; i < room; i++)
    inputs[i] = SF_NONE;
  for (int k = 0; k < record->op->n_outputs; k++)
    outputs[k] = SF_NONE;
  if (!mapped_inputs (to, from, node, map, inputs, error))
    return false;
  const char *scope = to->scope;
  SfPhase phase = to->phase;
  to->scope = record->name;
  to->phase = record->phase;
  SfDecompose decompose = { .to = to,
                            .from = from,
                            .node = node,
                            .inputs = inputs,
                            .n_inputs = record->n_inputs,
                            .outputs = outputs };
  bool ok = rule (&decompose, error) && finish_outputs (to, from, node, mark, outputs, error);
  to->scope = scope;
  to->phase = phase;
  to->has_origins = to->has_origins || ok;
  return ok;
}

bool
sf_graph_decompose (SfGraph *to, const SfGraph *from, SfNode node, const SfValue *map,
                    SfValue *outputs, GError **error)
{
  const SfNodeRecord *record = sf_node_record (from, node);
  if (record->op->decompose == NULL)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s (%s): the op has no decomposition, wanted a composite; copy the node",
                    record->name, record->op->name);
  return sf_graph_apply_rule (to, from, node, record->op->decompose, map, outputs, error);
}
