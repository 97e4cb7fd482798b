/* SPDX-License-Identifier: Apache-2.0 */
/* Values: reading them, the lists a graph keeps of them, storage dtype and origin. */
#include "core/ir/graph.h"

#include <string.h>

size_t
sf_graph_n_values (const SfGraph *graph)
{
  return graph->values->len;
}

SfValueKind
sf_value_kind (const SfGraph *graph, SfValue value)
{
  return sf_value_record (graph, value)->kind;
}

SfDtype
sf_value_dtype (const SfGraph *graph, SfValue value)
{
  return sf_value_record (graph, value)->dtype;
}

const SfShape *
sf_value_shape (const SfGraph *graph, SfValue value)
{
  return &sf_value_record (graph, value)->shape;
}

const char *
sf_value_name (const SfGraph *graph, SfValue value)
{
  return sf_value_record (graph, value)->name;
}

SfNode
sf_value_producer (const SfGraph *graph, SfValue value)
{
  return sf_value_record (graph, value)->producer;
}

SfStateKind
sf_value_state_kind (const SfGraph *graph, SfValue value)
{
  return sf_value_record (graph, value)->state_kind;
}

SfValue
sf_value_update (const SfGraph *graph, SfValue state)
{
  return sf_value_record (graph, state)->update;
}

const void *
sf_value_data (const SfGraph *graph, SfValue value)
{
  GBytes *data = sf_value_record (graph, value)->data;
  return data != NULL ? g_bytes_get_data (data, NULL) : NULL;
}

size_t
sf_value_n_users (const SfGraph *graph, SfValue value)
{
  return sf_value_record (graph, value)->n_users;
}

size_t
sf_graph_n_inputs (const SfGraph *graph)
{
  return graph->inputs->len;
}

SfValue
sf_graph_input_at (const SfGraph *graph, size_t index)
{
  return g_array_index (graph->inputs, SfValue, index);
}

size_t
sf_graph_n_states (const SfGraph *graph)
{
  return graph->states->len;
}

SfValue
sf_graph_state_at (const SfGraph *graph, size_t index)
{
  return g_array_index (graph->states, SfValue, index);
}

size_t
sf_graph_n_scalars (const SfGraph *graph)
{
  return graph->scalars->len;
}

SfValue
sf_graph_scalar_at (const SfGraph *graph, size_t index)
{
  return g_array_index (graph->scalars, SfValue, index);
}

size_t
sf_graph_n_outputs (const SfGraph *graph)
{
  return graph->outputs->len;
}

SfValue
sf_graph_output_at (const SfGraph *graph, size_t index, const char **name, SfOutputRole *role)
{
  const SfOutputRecord *output = &g_array_index (graph->outputs, SfOutputRecord, index);
  if (name != NULL)
    *name = output->name;
  if (role != NULL)
    *role = output->role;
  return output->value;
}

SfValue
sf_graph_find (const SfGraph *graph, const char *name)
{
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (graph->interface_names, name));
  return found > 0 ? found - 1 : SF_NONE;
}

bool
sf_storage_dtype_ok (const SfOp *op, SfDtype inferred, SfDtype dtype)
{
  if (dtype == inferred)
    return true;
  /* Ops whose attribute names the dtype give that one. */
  bool exact = strcmp (op->name, "cast") == 0 || op->op_class == SF_OP_COLLECTIVE
               || (op->op_class == SF_OP_SOURCE && op->min_inputs == 0);
  return !exact && sf_dtype_is_float (inferred) && sf_dtype_is_float (dtype)
         && (dtype != SF_F64 || inferred == SF_F64);
}

bool
sf_graph_set_dtype (SfGraph *graph, SfValue value, SfDtype dtype, GError **error)
{
  if (value >= graph->values->len)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "graph %s: value %u, wanted one of its %u values", graph->name, value,
                    graph->values->len);
  SfValueRecord *record = sf_value_record (graph, value);
  if (record->dtype == dtype)
    return true;
  if (record->kind != SF_VALUE_RESULT)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: is not the result of a node, only results change their dtype; cast it",
                    record->name);
  if (!sf_dtype_is_float (record->dtype) || !sf_dtype_is_float (dtype))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: from %s to %s, wanted two float dtypes; cast it", record->name,
                    sf_dtype_name (record->dtype), sf_dtype_name (dtype));
  record->dtype = dtype;
  record->stored_as = true;
  return true;
}

SfValue
sf_graph_as_dtype (SfGraph *graph, SfValue value, SfDtype dtype, SfValue mark, GError **error)
{
  const SfValueRecord *record = sf_value_record (graph, value);
  if (record->dtype == dtype)
    return value;
  bool fresh = value >= mark && record->kind == SF_VALUE_RESULT && record->n_users == 0;
  if (fresh && sf_storage_dtype_ok (sf_node_op (graph, record->producer), record->dtype, dtype))
    return sf_graph_set_dtype (graph, value, dtype, error) ? value : SF_NONE;
  return sf_graph_op (graph, "cast", &value, 1, (SfAttr[]){ SF_ATTR_D ("dtype", dtype) }, 1, error);
}

SfValue
sf_value_origin (const SfGraph *graph, SfValue value)
{
  return graph->has_origins ? sf_value_record (graph, value)->origin : value;
}

void
sf_value_set_origin (SfGraph *graph, SfValue value, SfValue origin)
{
  graph->has_origins = true;
  sf_value_record (graph, value)->origin = origin;
}
