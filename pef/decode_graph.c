/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs out of PEF records: built anew through the public builder, so that every rule of the op
 * table is applied to them. */
#include <string.h>

#include "core/ir/graph.h"
#include "pef/reader.h"

typedef struct
{
  PefReader *r;
  SfGraph *graph;
  const PefGraph *record;
  const PefValue *values;
  const PefNode *nodes;
  uint32_t next_node;
  GError **error;
} Decoder;

static bool
decode_attr (const Decoder *d, const PefAttr *record, SfAttr *attr)
{
  *attr = (SfAttr){ .type = (SfAttrType) record->type, .i = record->i, .f = record->f };
  const char *text;
  if (!pef_text (d->r, record->name, &attr->name, d->error)
      || !pef_text (d->r, record->text, &text, d->error))
    return false;
  if (attr->name == NULL || record->type > SF_ATTR_INTS
      || (record->type == SF_ATTR_STRING && text == NULL))
    return pef_refuse (d->r, d->error, "an attribute without name, type or text");
  attr->s = text;
  SfDtype dtype;
  if (record->type == SF_ATTR_DTYPE)
    {
      if (!pef_dtype (d->r, record->text, &dtype, d->error))
        return false;
      attr->i = dtype;
    }
  attr->n_ints = record->ints.n;
  attr->ints = pef_range (d->r, PEF_DIMS, record->ints, d->error);
  return attr->ints != NULL;
}

static bool
check_op (const Decoder *d, const PefNode *record, const char *op)
{
  const SfOp *row = op != NULL ? sf_op_find (op, NULL) : NULL;
  if (row == NULL || (uint32_t) sf_op_version (row) != record->version
      || record->n_outputs != (uint32_t) sf_op_n_outputs (row))
    return sf_fail (
        d->error, SF_ERROR_INCOMPATIBLE,
        "%s: op %s version %u is not in the op table here; compile the model again with this Spatialflow",
        d->r->name, op != NULL ? op : "(none)", record->version);
  if (record->phase >= SF_N_PHASES)
    return pef_refuse (d->r, d->error, "a node of phase %u", record->phase);
  return true;
}

static bool
decode_node (Decoder *d)
{
  const PefNode *record = &d->nodes[d->next_node++];
  const char *op, *name;
  if (!pef_text (d->r, record->op, &op, d->error) || !pef_text (d->r, record->name, &name, d->error)
      || !check_op (d, record, op))
    return false;
  const uint32_t *inputs = pef_range (d->r, PEF_WORDS, record->inputs, d->error);
  if (inputs == NULL)
    return false;
  const PefAttr *attr_records = pef_range (d->r, PEF_ATTRS, record->attrs, d->error);
  if (attr_records == NULL)
    return false;
  g_autofree SfAttr *attrs = g_new0 (SfAttr, record->attrs.n + 1);
  for (uint32_t i = 0; i < record->attrs.n; i++)
    if (!decode_attr (d, &attr_records[i], &attrs[i]))
      return false;
  sf_graph_set_phase (d->graph, (SfPhase) record->phase);
  SfNode node = sf_graph_add (d->graph, op, inputs, record->inputs.n, attrs, record->attrs.n, NULL,
                              d->error);
  if (node == SF_NONE)
    return false;
  if (name != NULL)
    sf_graph_set_node_name (d->graph, node, name);
  return true;
}

/* Data of the file, where it lies. */
static GBytes *
share_data (const PefReader *reader, const void *data, gsize n_bytes)
{
  if (n_bytes == 0)
    return g_bytes_new_static (data, 0);
  const uint8_t *file = g_bytes_get_data (reader->bytes, NULL);
  return g_bytes_new_from_bytes (reader->bytes, (gsize) ((const uint8_t *) data - file), n_bytes);
}

/* The declared value, or SF_NONE with *error. */
static SfValue
declare (Decoder *d, const PefValue *record, SfDtype dtype, SfShape shape)
{
  const char *name;
  const void *data;
  uint64_t bytes = (uint64_t) sf_shape_n_elems (&shape) * sf_dtype_bytes (dtype);
  if (!pef_text (d->r, record->name, &name, d->error)
      || !pef_data (d->r, record->data, record->data_bytes, &data, d->error))
    return SF_NONE;
  bool has_data = record->kind == SF_VALUE_CONSTANT
                  || (record->kind == SF_VALUE_STATE && data != NULL);
  if (record->data_bytes != (has_data ? bytes : 0) || (has_data && data == NULL)
      || (name == NULL && record->kind != SF_VALUE_CONSTANT)
      || record->state_kind > SF_STATE_FROZEN)
    {
      pef_refuse (d->r, d->error,
                  "a declared value has the wrong amount of data, no name or no kind");
      return SF_NONE;
    }
  g_autoptr (GBytes) shared = has_data ? share_data (d->r, data, bytes) : NULL;
  switch (record->kind)
    {
    case SF_VALUE_INPUT:
      return sf_graph_input (d->graph, name, dtype, shape, d->error);
    case SF_VALUE_STATE:
      return sf_graph_state_of (d->graph, name, (SfStateKind) record->state_kind, dtype, shape,
                                shared, d->error);
    case SF_VALUE_SCALAR:
      return sf_graph_scalar (d->graph, name, dtype, shape, d->error);
    default:
      return sf_graph_constant_of (d->graph, dtype, shape, shared, d->error);
    }
}

/* Value `index` of the graph must come to be just then: ids are positions. */
static bool
decode_value (Decoder *d, uint32_t index)
{
  const PefValue *record = &d->values[index];
  SfDtype dtype;
  SfShape shape;
  if (!pef_dtype (d->r, record->dtype, &dtype, d->error)
      || !pef_shape (d->r, record->dims, &shape, d->error))
    return false;
  if (record->kind != SF_VALUE_RESULT)
    {
      if (record->kind > SF_VALUE_RESULT)
        return pef_refuse (d->r, d->error, "a value of kind %u", record->kind);
      SfValue value = declare (d, record, dtype, shape);
      if (value == SF_NONE)
        return false;
      return value == index || pef_refuse (d->r, d->error, "value %u is declared twice", index);
    }
  if (sf_graph_n_values (d->graph) <= index)
    {
      if (d->next_node >= d->record->nodes.n || record->node != d->next_node)
        return pef_refuse (d->r, d->error, "value %u is made by node %u, wanted %u", index,
                           record->node, d->next_node);
      if (!decode_node (d))
        return false;
    }
  if (sf_graph_n_values (d->graph) <= index || sf_value_producer (d->graph, index) != record->node
      || !sf_shape_equal (sf_value_shape (d->graph, index), &shape))
    return pef_refuse (d->r, d->error, "value %u is not what its node makes", index);
  return sf_graph_set_dtype (d->graph, index, dtype, d->error);
}

static bool
decode_results (Decoder *d)
{
  const PefOutput *outputs = pef_range (d->r, PEF_OUTPUTS, d->record->outputs, d->error);
  if (outputs == NULL)
    return false;
  const uint32_t *updates = pef_range (d->r, PEF_WORDS, d->record->updates, d->error);
  if (updates == NULL)
    return false;
  for (uint32_t i = 0; i < d->record->outputs.n; i++)
    {
      const char *name;
      if (!pef_text (d->r, outputs[i].name, &name, d->error))
        return false;
      if (name == NULL || outputs[i].role > SF_OUTPUT_OTHER
          || outputs[i].tensor >= sf_graph_n_values (d->graph))
        return pef_refuse (d->r, d->error, "graph output %u has no name, role or value", i);
      if (!sf_graph_output (d->graph, name, (SfOutputRole) outputs[i].role, outputs[i].tensor,
                            d->error))
        return false;
    }
  for (uint32_t i = 0; i + 1 < d->record->updates.n; i += 2)
    {
      if (updates[i] >= sf_graph_n_values (d->graph)
          || updates[i + 1] >= sf_graph_n_values (d->graph))
        return pef_refuse (d->r, d->error, "an update of a value that does not exist");
      if (!sf_graph_set_update (d->graph, updates[i], updates[i + 1], d->error))
        return false;
    }
  return true;
}

static bool
decode_into (Decoder *d)
{
  if ((d->values = pef_range (d->r, PEF_VALUES, d->record->values, d->error)) == NULL
      || (d->nodes = pef_range (d->r, PEF_NODES, d->record->nodes, d->error)) == NULL)
    return false;
  for (uint32_t i = 0; i < d->record->values.n; i++)
    if (!decode_value (d, i))
      return false;
  while (d->next_node < d->record->nodes.n)
    if (!decode_node (d))
      return false;
  if (sf_graph_n_values (d->graph) != d->record->values.n || d->record->updates.n % 2 != 0)
    return pef_refuse (d->r, d->error, "a graph makes %zu values, wanted %u",
                       sf_graph_n_values (d->graph), d->record->values.n);
  return decode_results (d) && sf_graph_verify (d->graph, d->error);
}

/* Whatever rule of the graph the content breaks, to the reader it is invalid data. */
static SfGraph *
decode_graph (PefReader *reader, const PefGraph *record, GError **error)
{
  const char *name;
  if (!pef_text (reader, record->name, &name, error))
    return NULL;
  g_autoptr (GError) inner = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new (name != NULL ? name : "");
  Decoder d = { .r = reader, .graph = graph, .record = record, .error = &inner };
  if (decode_into (&d))
    return g_steal_pointer (&graph);
  if (g_error_matches (inner, SF_ERROR, SF_ERROR_INVALID_DATA)
      || g_error_matches (inner, SF_ERROR, SF_ERROR_INCOMPATIBLE)
      || g_error_matches (inner, SF_ERROR, SF_ERROR_NO_RESOURCE))
    g_propagate_error (error, g_steal_pointer (&inner));
  else
    pef_refuse (reader, error, "%s", inner->message);
  return NULL;
}

bool
pef_decode_graphs (PefReader *reader, const char *module_name, SfProgram *program,
                   SfModule **source, GError **error)
{
  const PefGraph *records = (const PefGraph *) (const void *) reader->table[PEF_GRAPHS].data;
  g_autoptr (SfModule) module = NULL;
  for (uint64_t i = 0; i < reader->table[PEF_GRAPHS].n; i++)
    {
      const char *entry;
      if (!pef_text (reader, records[i].entry, &entry, error))
        return false;
      g_autoptr (SfGraph) graph = decode_graph (reader, &records[i], error);
      if (graph == NULL)
        return false;
      if (entry == NULL)
        {
          sf_program_add_host_graph (program, graph);
          continue;
        }
      if (module == NULL)
        module = sf_module_new (module_name);
      if (sf_module_graph (module, entry) != NULL)
        return pef_refuse (reader, error, "two source graphs of entry %s", entry);
      sf_module_set_graph (module, entry, graph);
    }
  *source = g_steal_pointer (&module);
  return true;
}
