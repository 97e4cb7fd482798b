/* SPDX-License-Identifier: Apache-2.0 */
/* A graph as PEF records: values in order of their ids, nodes in theirs. */
#include <string.h>

#include "pef/writer.h"

static void
put_value (PefWriter *w, const SfGraph *graph, SfValue value)
{
  const SfShape *shape = sf_value_shape (graph, value);
  SfValueKind kind = sf_value_kind (graph, value);
  const void *data = kind == SF_VALUE_CONSTANT || kind == SF_VALUE_STATE
                         ? sf_value_data (graph, value)
                         : NULL;
  size_t bytes = (size_t) sf_shape_n_elems (shape) * sf_dtype_bytes (sf_value_dtype (graph, value));
  bool named = kind == SF_VALUE_INPUT || kind == SF_VALUE_STATE || kind == SF_VALUE_SCALAR;
  PefValue record = { .kind = kind,
                      .dtype = pef_writer_string (w, sf_dtype_name (sf_value_dtype (graph, value))),
                      .name = named ? pef_writer_string (w, sf_value_name (graph, value)) : SF_NONE,
                      .state_kind = kind == SF_VALUE_STATE ? sf_value_state_kind (graph, value) : 0,
                      .node = kind == SF_VALUE_RESULT ? sf_value_producer (graph, value) : SF_NONE,
                      .dims = pef_writer_shape (w, shape),
                      .data = pef_writer_data (w, data, bytes),
                      .data_bytes = data != NULL ? bytes : 0 };
  pef_writer_add (w, PEF_VALUES, &record, 1);
}

static void
put_attr (PefWriter *w, const SfAttr *attr)
{
  PefAttr record = { .name = pef_writer_string (w, attr->name),
                     .type = attr->type,
                     .text = SF_NONE,
                     .i = attr->i,
                     .f = attr->f };
  if (attr->type == SF_ATTR_STRING)
    record.text = pef_writer_string (w, attr->s);
  else if (attr->type == SF_ATTR_DTYPE)
    {
      record.text = pef_writer_string (w, sf_dtype_name ((SfDtype) attr->i));
      record.i = 0;
    }
  else if (attr->type == SF_ATTR_INTS)
    {
      record.ints = (PefRange){ pef_writer_count (w, PEF_DIMS), (uint32_t) attr->n_ints };
      pef_writer_add (w, PEF_DIMS, attr->ints, attr->n_ints);
    }
  pef_writer_add (w, PEF_ATTRS, &record, 1);
}

static void
put_node (PefWriter *w, const SfGraph *graph, SfNode node)
{
  PefNode record
      = { .op = pef_writer_string (w, sf_node_op_name (graph, node)),
          .version = (uint32_t) sf_op_version (sf_node_op (graph, node)),
          .name = pef_writer_string (w, sf_node_name (graph, node)),
          .phase = sf_node_phase (graph, node),
          .inputs = { pef_writer_count (w, PEF_WORDS), (uint32_t) sf_node_n_inputs (graph, node) },
          .attrs = { pef_writer_count (w, PEF_ATTRS), (uint32_t) sf_node_n_attrs (graph, node) },
          .n_outputs = (uint32_t) sf_node_n_outputs (graph, node) };
  for (size_t i = 0; i < record.inputs.n; i++)
    {
      uint32_t input = sf_node_input (graph, node, i);
      pef_writer_add (w, PEF_WORDS, &input, 1);
    }
  for (size_t i = 0; i < record.attrs.n; i++)
    {
      SfAttr attr = sf_node_attr (graph, node, i);
      put_attr (w, &attr);
    }
  pef_writer_add (w, PEF_NODES, &record, 1);
}

void
pef_encode_graph (PefWriter *writer, const SfGraph *graph, const char *entry)
{
  PefGraph record = {
    .name = pef_writer_string (writer, sf_graph_name (graph)),
    .entry = pef_writer_string (writer, entry),
    .values = { pef_writer_count (writer, PEF_VALUES), (uint32_t) sf_graph_n_values (graph) },
    .nodes = { pef_writer_count (writer, PEF_NODES), (uint32_t) sf_graph_n_nodes (graph) },
    .outputs = { pef_writer_count (writer, PEF_OUTPUTS), (uint32_t) sf_graph_n_outputs (graph) }
  };
  for (SfValue v = 0; v < record.values.n; v++)
    put_value (writer, graph, v);
  for (SfNode n = 0; n < record.nodes.n; n++)
    put_node (writer, graph, n);
  for (size_t i = 0; i < record.outputs.n; i++)
    {
      const char *name;
      SfOutputRole role;
      SfValue value = sf_graph_output_at (graph, i, &name, &role);
      PefOutput output = { value, pef_writer_string (writer, name), role };
      pef_writer_add (writer, PEF_OUTPUTS, &output, 1);
    }
  record.updates.first = pef_writer_count (writer, PEF_WORDS);
  for (size_t i = 0; i < sf_graph_n_states (graph); i++)
    {
      uint32_t pair[2] = { sf_graph_state_at (graph, i), 0 };
      pair[1] = sf_value_update (graph, pair[0]);
      if (pair[1] != SF_NONE)
        pef_writer_add (writer, PEF_WORDS, pair, 2);
    }
  record.updates.n = pef_writer_count (writer, PEF_WORDS) - record.updates.first;
  pef_writer_add (writer, PEF_GRAPHS, &record, 1);
}
