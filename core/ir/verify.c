/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier: every rule of the op table and of SSA form, checked again from the records. */
#include "core/ir/graph.h"

#include <string.h>

#define fail(error_, ...) sf_fail (error_, SF_ERROR_INTERNAL, __VA_ARGS__)

static bool
check_value (const SfGraph *graph, SfValue value, GError **error)
{
  const SfValueRecord *record = sf_value_record (graph, value);
  bool is_result = record->kind == SF_VALUE_RESULT;
  if (record->name == NULL)
    return fail (error, "value %u: has no name", value);
  if ((unsigned) record->kind > SF_VALUE_RESULT || (unsigned) record->dtype >= SF_N_DTYPES)
    return fail (error, "%s: kind %d or dtype %d is not known", record->name, (int) record->kind,
                 (int) record->dtype);
  g_autoptr (GError) shape_error = NULL;
  if (!sf_shape_check (&record->shape, record->name, &shape_error))
    return fail (error, "%s", shape_error->message);
  if (is_result != (record->producer != SF_NONE))
    return fail (error, "%s: %s", record->name,
                 is_result ? "is a result without a producer" : "has a producer, but is no result");
  if (is_result)
    {
      const SfNodeRecord *node = record->producer < graph->nodes->len
                                     ? sf_node_record (graph, record->producer)
                                     : NULL;
      if (node == NULL || value - node->first_output >= (SfValue) node->op->n_outputs)
        return fail (error, "%s: its producer is node %u, which does not give it", record->name,
                     record->producer);
    }
  if (record->kind == SF_VALUE_CONSTANT && record->data == NULL)
    return fail (error, "%s: is a constant without data", record->name);
  if (record->update != SF_NONE && record->kind != SF_VALUE_STATE)
    return fail (error, "%s: has an update, but is no state", record->name);
  return true;
}

/* Members of one list of the interface: kind, unique name, and the list holds all of the kind. */
static bool
check_list (const SfGraph *graph, const GArray *list, SfValueKind kind, GHashTable *names,
            GError **error)
{
  size_t n = 0;
  for (guint i = 0; i < list->len; i++)
    {
      SfValue value = g_array_index (list, SfValue, i);
      if (value >= graph->values->len || sf_value_record (graph, value)->kind != kind)
        return fail (error, "graph %s: value %u is listed among values of another kind",
                     graph->name, value);
      const char *name = sf_value_record (graph, value)->name;
      if (!g_hash_table_add (names, (gpointer) name))
        return fail (error, "%s: two inputs, states or scalars have this name", name);
      if (sf_graph_find (graph, name) != value)
        return fail (error, "%s: is not found by its name", name);
    }
  for (SfValue v = 0; v < graph->values->len; v++)
    n += sf_value_record (graph, v)->kind == kind;
  if (n != list->len)
    return fail (error, "graph %s: %zu values of one kind, %u of them listed", graph->name, n,
                 list->len);
  return true;
}

static bool
same_attr (const SfAttr *a, const SfAttr *b)
{
  switch (a->type)
    {
    case SF_ATTR_FLOAT:
      return memcmp (&a->f, &b->f, sizeof a->f) == 0;
    case SF_ATTR_STRING:
      return strcmp (a->s, b->s) == 0;
    case SF_ATTR_INTS:
      return a->n_ints == b->n_ints
             && (a->n_ints == 0 || memcmp (a->ints, b->ints, a->n_ints * sizeof *a->ints) == 0);
    default:
      return a->i == b->i;
    }
}

/* Attributes in row order and typed, outputs as the shape rule gives them, attributes as it
 * normalises them. */
static bool
check_rule (const SfGraph *graph, SfNode node, GError **error)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  SfAttr attrs[SF_MAX_ATTRS];
  int64_t ints[SF_MAX_ATTRS][SF_MAX_RANK];
  SfDtype dtypes[SF_MAX_OUTPUTS];
  SfShape shapes[SF_MAX_OUTPUTS];
  size_t n;
  g_autoptr (GError) rule_error = NULL;
  if (!sf_op_complete_attrs (record->op, record->attrs, record->n_attrs, attrs, ints, &n,
                             &rule_error))
    return fail (error, "%s (%s): %s", record->name, record->op->name, rule_error->message);
  if (n != record->n_attrs)
    return fail (error, "%s (%s): %u attributes, wanted the %zu of its row", record->name,
                 record->op->name, record->n_attrs, n);
  if (!sf_graph_infer (graph, record->op, record->name, record->inputs, record->n_inputs, attrs,
                       ints, dtypes, shapes, &rule_error))
    return fail (error, "%s", rule_error->message);
  for (size_t i = 0; i < n; i++)
    if (strcmp (attrs[i].name, record->attrs[i].name) != 0
        || !same_attr (&attrs[i], &record->attrs[i]))
      return fail (error, "%s (%s): attribute %s is not in its normal form", record->name,
                   record->op->name, attrs[i].name);
  for (int k = 0; k < record->op->n_outputs; k++)
    {
      const SfValueRecord *output = sf_value_record (graph, record->first_output + (SfValue) k);
      g_autofree char *found = sf_shape_text (&output->shape);
      g_autofree char *wanted = sf_shape_text (&shapes[k]);
      if (!sf_shape_equal (&output->shape, &shapes[k])
          || !sf_storage_dtype_ok (record->op, dtypes[k], output->dtype))
        return fail (error, "%s (%s): output %d is %s %s, its rule gives %s %s", record->name,
                     record->op->name, k, sf_dtype_name (output->dtype), found,
                     sf_dtype_name (dtypes[k]), wanted);
    }
  return true;
}

/* Order: inputs before outputs, outputs after those of the node before, phases never backwards. */
static bool
check_order (const SfGraph *graph, SfNode node, SfValue *next_output, GError **error)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  SfValue n_outputs = (SfValue) record->op->n_outputs;
  if (record->first_output < *next_output || record->first_output > graph->values->len
      || n_outputs > graph->values->len - record->first_output)
    return fail (error, "%s: its outputs begin at value %u, wanted %u or later", record->name,
                 record->first_output, *next_output);
  *next_output = record->first_output + n_outputs;
  for (SfValue v = record->first_output; v < *next_output; v++)
    if (sf_value_record (graph, v)->producer != node)
      return fail (error, "%s: its output value %u names another producer", record->name, v);
  if ((unsigned) record->phase >= SF_N_PHASES)
    return fail (error, "%s: phase %d is not known", record->name, (int) record->phase);
  for (uint32_t i = 0; i < record->n_inputs; i++)
    {
      SfValue in = record->inputs[i];
      if (in == SF_NONE)
        continue;
      if (in >= record->first_output)
        return fail (error, "%s: reads value %u before it is computed", record->name, in);
      SfNode producer = sf_value_record (graph, in)->producer;
      if (producer != SF_NONE && sf_node_record (graph, producer)->phase > record->phase)
        return fail (error, "%s: reads %s, which a later phase computes", record->name,
                     sf_value_record (graph, in)->name);
    }
  return true;
}

static bool
check_op (const SfGraph *graph, SfNode node, GError **error)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  g_autoptr (GError) ignored = NULL;
  if (record->op == NULL || record->name == NULL)
    return fail (error, "node %u: has no op or no name", node);
  if (sf_op_find (record->op->name, &ignored) != record->op)
    return fail (error, "%s: its op is not a row of the op table", record->name);
  return true;
}

static bool
check_node (const SfGraph *graph, SfNode node, GHashTable *names, SfValue *next_output,
            GError **error)
{
  const SfNodeRecord *record = sf_node_record (graph, node);
  if (!g_hash_table_add (names, (gpointer) record->name))
    return fail (error, "%s: two nodes have this name", record->name);
  return check_order (graph, node, next_output, error) && check_rule (graph, node, error);
}

static bool
check_updates (const SfGraph *graph, uint32_t *users, GError **error)
{
  for (guint i = 0; i < graph->states->len; i++)
    {
      const SfValueRecord *state = sf_value_record (graph,
                                                    g_array_index (graph->states, SfValue, i));
      if (state->update == SF_NONE)
        continue;
      const SfValueRecord *next = state->update < graph->values->len
                                      ? sf_value_record (graph, state->update)
                                      : NULL;
      if (next == NULL || next->dtype != state->dtype
          || !sf_shape_equal (&next->shape, &state->shape))
        return fail (error, "%s: its update differs from it in dtype or shape", state->name);
      users[state->update]++;
    }
  return true;
}

static bool
check_outputs (const SfGraph *graph, uint32_t *users, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      const SfOutputRecord *output = &g_array_index (graph->outputs, SfOutputRecord, i);
      if (output->value >= graph->values->len)
        return fail (error, "output %s: is value %u, which does not exist", output->name,
                     output->value);
      if (!g_hash_table_add (names, (gpointer) output->name))
        return fail (error, "output %s: two outputs have this name", output->name);
      const SfValueRecord *record = sf_value_record (graph, output->value);
      if (output->role == SF_OUTPUT_LOSS
          && (record->shape.rank != 0 || (record->dtype != SF_F32 && record->dtype != SF_F64)))
        return fail (error, "output %s: the loss is not a scalar of f32 or f64", output->name);
      users[output->value]++;
    }
  return true;
}

static bool
check_users (const SfGraph *graph, GError **error)
{
  g_autofree uint32_t *users = g_new0 (uint32_t, graph->values->len + 1);
  if (!check_updates (graph, users, error) || !check_outputs (graph, users, error))
    return false;
  for (SfNode node = 0; node < graph->nodes->len; node++)
    {
      const SfNodeRecord *record = sf_node_record (graph, node);
      for (uint32_t i = 0; i < record->n_inputs; i++)
        if (record->inputs[i] != SF_NONE)
          users[record->inputs[i]]++;
    }
  for (SfValue v = 0; v < graph->values->len; v++)
    if (users[v] != sf_value_record (graph, v)->n_users)
      return fail (error, "%s: counts %u users, has %u", sf_value_record (graph, v)->name,
                   sf_value_record (graph, v)->n_users, users[v]);
  return true;
}

bool
sf_graph_verify (const SfGraph *graph, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) node_names = g_hash_table_new (g_str_hash, g_str_equal);
  SfValue next_output = 0;
  for (SfNode node = 0; node < graph->nodes->len; node++)
    if (!check_op (graph, node, error))
      return false;
  for (SfValue v = 0; v < graph->values->len; v++)
    if (!check_value (graph, v, error))
      return false;
  if (!check_list (graph, graph->inputs, SF_VALUE_INPUT, names, error)
      || !check_list (graph, graph->states, SF_VALUE_STATE, names, error)
      || !check_list (graph, graph->scalars, SF_VALUE_SCALAR, names, error))
    return false;
  for (SfNode node = 0; node < graph->nodes->len; node++)
    if (!check_node (graph, node, node_names, &next_output, error))
      return false;
  return check_users (graph, error);
}
