/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a graph's structure: XXH3-128 over a serial form that is the same on every machine.
 */
#include "core/ir/graph.h"

#include <string.h>
#include <xxhash.h>

static void
add_number (GByteArray *bytes, uint64_t x)
{
  uint64_t little = GUINT64_TO_LE (x);
  g_byte_array_append (bytes, (const guint8 *) &little, sizeof little);
}

static void
add_text (GByteArray *bytes, const char *text)
{
  add_number (bytes, strlen (text));
  g_byte_array_append (bytes, (const guint8 *) text, (guint) strlen (text));
}

static void
add_value (GByteArray *bytes, const SfValueRecord *record)
{
  add_number (bytes, record->kind);
  add_text (bytes, sf_dtype_name (record->dtype));
  add_number (bytes, (uint64_t) record->shape.rank);
  for (int d = 0; d < record->shape.rank; d++)
    add_number (bytes, (uint64_t) record->shape.dim[d]);
  if (record->kind == SF_VALUE_RESULT || record->kind == SF_VALUE_CONSTANT)
    return;
  add_text (bytes, record->name);
  add_number (bytes, record->kind == SF_VALUE_STATE ? record->state_kind : 0);
  add_number (bytes, record->update);
}

static void
add_attr (GByteArray *bytes, const SfAttr *attr)
{
  uint64_t bits;
  add_text (bytes, attr->name);
  add_number (bytes, attr->type);
  switch (attr->type)
    {
    case SF_ATTR_FLOAT:
      memcpy (&bits, &attr->f, sizeof bits);
      add_number (bytes, bits);
      break;
    case SF_ATTR_STRING:
      add_text (bytes, attr->s);
      break;
    case SF_ATTR_INTS:
      add_number (bytes, attr->n_ints);
      for (size_t i = 0; i < attr->n_ints; i++)
        add_number (bytes, (uint64_t) attr->ints[i]);
      break;
    case SF_ATTR_DTYPE:
      add_text (bytes, sf_dtype_name ((SfDtype) attr->i));
      break;
    default:
      add_number (bytes, (uint64_t) attr->i);
      break;
    }
}

static void
add_node (GByteArray *bytes, const SfNodeRecord *node)
{
  add_text (bytes, node->op->name);
  add_number (bytes, (uint64_t) node->op->version);
  add_number (bytes, node->phase);
  add_number (bytes, node->first_output);
  add_number (bytes, node->n_inputs);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    add_number (bytes, node->inputs[i]);
  add_number (bytes, node->n_attrs);
  for (uint32_t i = 0; i < node->n_attrs; i++)
    add_attr (bytes, &node->attrs[i]);
}

char *
sf_graph_digest (const SfGraph *graph)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  add_number (bytes, graph->values->len);
  for (SfValue v = 0; v < graph->values->len; v++)
    add_value (bytes, sf_value_record (graph, v));
  add_number (bytes, graph->nodes->len);
  for (SfNode node = 0; node < graph->nodes->len; node++)
    add_node (bytes, sf_node_record (graph, node));
  add_number (bytes, graph->outputs->len);
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      const SfOutputRecord *output = &g_array_index (graph->outputs, SfOutputRecord, i);
      add_text (bytes, output->name);
      add_number (bytes, output->role);
      add_number (bytes, output->value);
    }
  XXH128_hash_t hash = XXH3_128bits (bytes->data, bytes->len);
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", hash.high64,
                          hash.low64);
}
