/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: adding one with its attributes and inferred outputs, and reading them. */
#include "core/ir/graph.h"

#include <string.h>

/* The object of a message about a node: "conv1 (conv2d)". */
static char *
node_label (const char *name, const SfOp *op)
{
  return strcmp (name, op->name) == 0 ? g_strdup (name)
                                      : g_strdup_printf ("%s (%s)", name, op->name);
}

/* Count, presence and range of the inputs. */
static bool
check_inputs (const SfGraph *graph, const SfOp *op, const SfValue *inputs, size_t n, GError **error)
{
  bool too_many = op->max_inputs >= 0 && n > (size_t) op->max_inputs;
  if (n < (size_t) op->min_inputs || too_many)
    {
      g_autofree char *wanted = op->max_inputs < 0 ? g_strdup_printf ("%d or more", op->min_inputs)
                                : op->max_inputs > op->min_inputs
                                    ? g_strdup_printf ("%d to %d", op->min_inputs, op->max_inputs)
                                    : g_strdup_printf ("%d", op->min_inputs);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%zu inputs, wanted %s", n, wanted);
    }
  for (size_t i = 0; i < n; i++)
    {
      bool optional = i >= (size_t) op->min_inputs && op->max_inputs >= 0;
      if (inputs[i] == SF_NONE && !optional)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "input %zu is absent, wanted a value; only inputs from %d on are optional",
                        i, op->min_inputs);
      if (inputs[i] != SF_NONE && inputs[i] >= graph->values->len)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "input %zu is value %u, wanted one of the graph's %u values", i, inputs[i],
                        graph->values->len);
    }
  return true;
}

/* Messages that begin with their object get the node before it. */
static bool
blame (const char *name, const SfOp *op, GError **error)
{
  g_autofree char *label = node_label (name, op);
  g_prefix_error (error, "%s: ", label);
  return false;
}

bool
sf_graph_infer (const SfGraph *graph, const SfOp *op, const char *name, const SfValue *inputs,
                size_t n_inputs, SfAttr *attrs, int64_t (*ints)[SF_MAX_RANK], SfDtype *dtypes,
                SfShape *shapes, GError **error)
{
  if (!check_inputs (graph, op, inputs, n_inputs, error))
    return blame (name, op, error);
  size_t room = MAX (n_inputs, (size_t) MAX (op->max_inputs, 0)) + 1;
  g_autofree SfDtype *in_dtypes = g_new (SfDtype, room);
  g_autofree const SfShape **in_shapes = g_new (const SfShape *, room);
  for (size_t i = 0; i < room; i++)
    {
      const SfValueRecord *in = i < n_inputs && inputs[i] != SF_NONE
                                    ? sf_value_record (graph, inputs[i])
                                    : NULL;
      in_dtypes[i] = in != NULL ? in->dtype : SF_N_DTYPES;
      in_shapes[i] = in != NULL ? &in->shape : NULL;
    }
  SfInfer infer = { .op = op,
                    .n_inputs = n_inputs,
                    .dtype = in_dtypes,
                    .shape = in_shapes,
                    .attrs = attrs,
                    .ints = ints,
                    .out_dtype = dtypes,
                    .out_shape = shapes };
  if (!op->infer (&infer, error))
    return blame (name, op, error);
  for (int k = 0; k < op->n_outputs; k++)
    if (!sf_shape_check (&shapes[k], "result", error))
      return blame (name, op, error);
  return true;
}

/* Attributes with memory of the graph's. */
static SfAttr *
keep_attrs (SfGraph *graph, const SfAttr *attrs, size_t n)
{
  SfAttr *kept = n > 0 ? sf_graph_arena (graph, n * sizeof *kept) : NULL;
  for (size_t i = 0; i < n; i++)
    {
      kept[i] = attrs[i];
      if (attrs[i].type == SF_ATTR_STRING)
        kept[i].s = sf_graph_arena_text (graph, attrs[i].s);
      if (attrs[i].type == SF_ATTR_INTS)
        {
          size_t bytes = attrs[i].n_ints * sizeof (int64_t);
          int64_t *ints = sf_graph_arena (graph, MAX (bytes, 1));
          memcpy (ints, attrs[i].ints, bytes);
          kept[i].ints = ints;
        }
    }
  return kept;
}

void
sf_graph_name_outputs (SfGraph *graph, SfNode node)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  for (int k = 0; k < record->op->n_outputs; k++)
    {
      g_autofree char *name = k > 0 ? g_strdup_printf ("%s:%d", record->name, k) : NULL;
      sf_value_record (graph, record->first_output + (SfValue) k)->name
          = k > 0 ? sf_graph_arena_text (graph, name) : record->name;
    }
}

/* Enters a checked node; nothing here can fail. */
static SfNode
commit (SfGraph *graph, const SfOp *op, const SfValue *inputs, size_t n_inputs, const SfAttr *attrs,
        size_t n_attrs, const SfDtype *dtypes, const SfShape *shapes)
{
  SfNodeRecord *record = sf_graph_arena (graph, sizeof *record);
  SfNode node = graph->nodes->len;
  *record = (SfNodeRecord){ .op = op,
                            .phase = graph->phase,
                            .n_inputs = (uint32_t) n_inputs,
                            .n_attrs = (uint32_t) n_attrs,
                            .first_output = graph->values->len,
                            .group = -1,
                            .section = -1 };
  record->name = sf_graph_unique_name (graph, graph->scope != NULL ? graph->scope : op->name);
  record->attrs = keep_attrs (graph, attrs, n_attrs);
  record->inputs = sf_graph_arena (graph, MAX (n_inputs, 1) * sizeof *inputs);
  if (n_inputs > 0)
    memcpy (record->inputs, inputs, n_inputs * sizeof *inputs);
  g_ptr_array_add (graph->nodes, record);
  g_hash_table_insert (graph->node_names, (gpointer) record->name, GUINT_TO_POINTER (node + 1));
  for (size_t i = 0; i < n_inputs; i++)
    if (inputs[i] != SF_NONE)
      sf_value_record (graph, inputs[i])->n_users++;
  for (int k = 0; k < op->n_outputs; k++)
    {
      SfValue value = sf_graph_new_value (graph, SF_VALUE_RESULT, dtypes[k], &shapes[k],
                                          record->name, NULL);
      sf_value_record (graph, value)->producer = node;
    }
  sf_graph_name_outputs (graph, node);
  return node;
}

SfNode
sf_graph_add (SfGraph *graph, const char *op_name, const SfValue *inputs, size_t n_inputs,
              const SfAttr *attrs, size_t n_attrs, SfValue *outputs, GError **error)
{
  SfAttr complete[SF_MAX_ATTRS];
  int64_t ints[SF_MAX_ATTRS][SF_MAX_RANK];
  SfDtype dtypes[SF_MAX_OUTPUTS];
  SfShape shapes[SF_MAX_OUTPUTS];
  size_t n_complete;
  const SfOp *op = sf_op_find (op_name, error);
  if (op == NULL)
    {
      if (graph->scope != NULL)
        g_prefix_error (error, "%s: ", graph->scope);
      return SF_NONE;
    }
  while (n_inputs > (size_t) op->min_inputs && op->max_inputs >= 0
         && inputs[n_inputs - 1] == SF_NONE)
    n_inputs--;
  const char *label = graph->scope != NULL ? graph->scope : op->name;
  if (!sf_op_complete_attrs (op, attrs, n_attrs, complete, ints, &n_complete, error))
    {
      blame (label, op, error);
      return SF_NONE;
    }
  if (!sf_graph_infer (graph, op, label, inputs, n_inputs, complete, ints, dtypes, shapes, error))
    return SF_NONE;
  SfNode node = commit (graph, op, inputs, n_inputs, complete, n_complete, dtypes, shapes);
  for (int k = 0; outputs != NULL && k < op->n_outputs; k++)
    outputs[k] = sf_node_output (graph, node, (size_t) k);
  return node;
}

SfValue
sf_graph_op (SfGraph *graph, const char *op, const SfValue *inputs, size_t n_inputs,
             const SfAttr *attrs, size_t n_attrs, GError **error)
{
  const SfOp *row = sf_op_find (op, NULL);
  if (row != NULL && row->n_outputs != 1)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: has %d outputs, wanted 1; use sf_graph_add",
               op, row->n_outputs);
      return SF_NONE;
    }
  SfValue output = SF_NONE;
  if (sf_graph_add (graph, op, inputs, n_inputs, attrs, n_attrs, &output, error) == SF_NONE)
    return SF_NONE;
  return output;
}

SfValue
sf_graph_op1 (SfGraph *graph, const char *op, SfValue a, GError **error)
{
  return sf_graph_op (graph, op, &a, 1, NULL, 0, error);
}

SfValue
sf_graph_op2 (SfGraph *graph, const char *op, SfValue a, SfValue b, GError **error)
{
  return sf_graph_op (graph, op, (SfValue[]){ a, b }, 2, NULL, 0, error);
}

SfValue
sf_graph_op3 (SfGraph *graph, const char *op, SfValue a, SfValue b, SfValue c, GError **error)
{
  return sf_graph_op (graph, op, (SfValue[]){ a, b, c }, 3, NULL, 0, error);
}

void
sf_graph_set_node_name (SfGraph *graph, SfNode node, const char *name)
{
  SfNodeRecord *record = sf_node_record (graph, node);
  if (strcmp (record->name, name) == 0 || name[0] == '\0')
    return;
  g_hash_table_remove (graph->node_names, record->name);
  record->name = sf_graph_unique_name (graph, name);
  g_hash_table_insert (graph->node_names, (gpointer) record->name, GUINT_TO_POINTER (node + 1));
  sf_graph_name_outputs (graph, node);
}

size_t
sf_graph_n_nodes (const SfGraph *graph)
{
  return graph->nodes->len;
}

const SfOp *
sf_node_op (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->op;
}

const char *
sf_node_op_name (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->op->name;
}

const char *
sf_node_name (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->name;
}

SfPhase
sf_node_phase (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->phase;
}

size_t
sf_node_n_inputs (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->n_inputs;
}

SfValue
sf_node_input (const SfGraph *graph, SfNode node, size_t index)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  return index < record->n_inputs ? record->inputs[index] : SF_NONE;
}

size_t
sf_node_n_outputs (const SfGraph *graph, SfNode node)
{
  return (size_t) sf_node_record (graph, node)->op->n_outputs;
}

SfValue
sf_node_output (const SfGraph *graph, SfNode node, size_t index)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  return index < (size_t) record->op->n_outputs ? record->first_output + (SfValue) index : SF_NONE;
}

size_t
sf_node_n_attrs (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->n_attrs;
}

SfAttr
sf_node_attr (const SfGraph *graph, SfNode node, size_t index)
{
  return sf_node_record (graph, node)->attrs[index];
}

/* A name that the row does not have is a defect of the caller: GLib's critical log says so and the
 * attribute reads as empty. */
static const SfAttr *
find_attr (const SfGraph *graph, SfNode node, const char *name)
{
  static const SfAttr none = { .name = "", .s = "" };
  const SfNodeRecord *record = sf_node_record (graph, node);
  for (uint32_t i = 0; i < record->n_attrs; i++)
    if (strcmp (record->attrs[i].name, name) == 0)
      return &record->attrs[i];
  g_critical ("%s has no attribute '%s'", record->op->name, name);
  return &none;
}

int64_t
sf_node_attr_int (const SfGraph *graph, SfNode node, const char *name)
{
  return find_attr (graph, node, name)->i;
}

double
sf_node_attr_float (const SfGraph *graph, SfNode node, const char *name)
{
  return find_attr (graph, node, name)->f;
}

const char *
sf_node_attr_string (const SfGraph *graph, SfNode node, const char *name)
{
  return find_attr (graph, node, name)->s;
}

const int64_t *
sf_node_attr_ints (const SfGraph *graph, SfNode node, const char *name, size_t *n)
{
  const SfAttr *attr = find_attr (graph, node, name);
  if (n != NULL)
    *n = attr->n_ints;
  return attr->ints;
}

int32_t
sf_node_group (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->group;
}

void
sf_node_set_group (SfGraph *graph, SfNode node, int32_t group)
{
  sf_node_record (graph, node)->group = group;
}

int32_t
sf_node_section (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->section;
}

void
sf_node_set_section (SfGraph *graph, SfNode node, int32_t section)
{
  sf_node_record (graph, node)->section = section;
}

bool
sf_node_on_host (const SfGraph *graph, SfNode node)
{
  return sf_node_record (graph, node)->on_host;
}

void
sf_node_set_on_host (SfGraph *graph, SfNode node, bool on_host)
{
  sf_node_record (graph, node)->on_host = on_host;
}
