/* SPDX-License-Identifier: Apache-2.0 */
/* SfGraph: its memory, names, and the values it declares. */
#include "core/ir/graph.h"

#include <string.h>

#include <sf/checked.h>

#define BLOCK_BYTES ((size_t) 64 << 10)

SfGraph *
sf_graph_new (const char *name)
{
  SfGraph *graph = g_new0 (SfGraph, 1);
  graph->ref_count = 1;
  graph->blocks = g_ptr_array_new_with_free_func (g_free);
  graph->values = g_ptr_array_new ();
  graph->nodes = g_ptr_array_new ();
  graph->inputs = g_array_new (FALSE, FALSE, sizeof (SfValue));
  graph->states = g_array_new (FALSE, FALSE, sizeof (SfValue));
  graph->scalars = g_array_new (FALSE, FALSE, sizeof (SfValue));
  graph->outputs = g_array_new (FALSE, FALSE, sizeof (SfOutputRecord));
  graph->interface_names = g_hash_table_new (g_str_hash, g_str_equal);
  graph->node_names = g_hash_table_new (g_str_hash, g_str_equal);
  graph->name_counts = g_hash_table_new (g_str_hash, g_str_equal);
  graph->name = sf_graph_arena_text (graph, name);
  return graph;
}

SfGraph *
sf_graph_ref (SfGraph *graph)
{
  g_atomic_int_inc (&graph->ref_count);
  return graph;
}

void
sf_graph_unref (SfGraph *graph)
{
  if (graph == NULL || !g_atomic_int_dec_and_test (&graph->ref_count))
    return;
  for (guint i = 0; i < graph->values->len; i++)
    g_clear_pointer (&sf_value_record (graph, i)->data, g_bytes_unref);
  g_ptr_array_unref (graph->values);
  g_ptr_array_unref (graph->nodes);
  g_array_unref (graph->inputs);
  g_array_unref (graph->states);
  g_array_unref (graph->scalars);
  g_array_unref (graph->outputs);
  g_hash_table_unref (graph->interface_names);
  g_hash_table_unref (graph->node_names);
  g_hash_table_unref (graph->name_counts);
  g_ptr_array_unref (graph->blocks);
  g_free (graph);
}

const char *
sf_graph_name (const SfGraph *graph)
{
  return graph->name;
}

void *
sf_graph_arena (SfGraph *graph, size_t bytes)
{
  size_t room = (bytes + 15) & ~(size_t) 15;
  if (graph->blocks->len == 0 || graph->block_bytes - graph->block_used < room)
    {
      graph->block_bytes = MAX (BLOCK_BYTES, room);
      graph->block_used = 0;
      g_ptr_array_add (graph->blocks, g_malloc0 (graph->block_bytes));
    }
  uint8_t *block = graph->blocks->pdata[graph->blocks->len - 1];
  void *memory = block + graph->block_used;
  graph->block_used += room;
  return memory;
}

const char *
sf_graph_arena_text (SfGraph *graph, const char *text)
{
  size_t bytes = strlen (text) + 1;
  return memcpy (sf_graph_arena (graph, bytes), text, bytes);
}

const char *
sf_graph_unique_name (SfGraph *graph, const char *wanted)
{
  if (!g_hash_table_contains (graph->node_names, wanted))
    return sf_graph_arena_text (graph, wanted);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (graph->name_counts, wanted));
  g_autofree char *name = NULL;
  count = MAX (count, 1);
  do
    {
      g_free (name);
      name = g_strdup_printf ("%s.%u", wanted, ++count);
    }
  while (g_hash_table_contains (graph->node_names, name));
  gpointer key;
  if (!g_hash_table_lookup_extended (graph->name_counts, wanted, &key, NULL))
    key = (gpointer) sf_graph_arena_text (graph, wanted);
  g_hash_table_insert (graph->name_counts, key, GUINT_TO_POINTER (count));
  return sf_graph_arena_text (graph, name);
}

SfValue
sf_graph_new_value (SfGraph *graph, SfValueKind kind, SfDtype dtype, const SfShape *shape,
                    const char *name, GBytes *data)
{
  SfValueRecord *record = sf_graph_arena (graph, sizeof *record);
  SfValue value = graph->values->len;
  *record = (SfValueRecord){ .kind = kind,
                             .dtype = dtype,
                             .shape = *shape,
                             .name = name,
                             .producer = SF_NONE,
                             .update = SF_NONE,
                             .data = data,
                             .origin = SF_NONE };
  g_ptr_array_add (graph->values, record);
  return value;
}

/* Shape, dtype and name of a value that is declared, not computed. */
static bool
check_declared (const SfGraph *graph, const char *name, SfDtype dtype, const SfShape *shape,
                GError **error)
{
  if (name[0] == '\0')
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "graph %s: a value has an empty name; give it one", graph->name);
  if ((unsigned) dtype >= SF_N_DTYPES)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: dtype %d, wanted one of sf/dtype.h",
                    name, (int) dtype);
  return sf_shape_check (shape, name, error);
}

static bool
check_name_free (const SfGraph *graph, const char *name, GError **error)
{
  if (!g_hash_table_contains (graph->interface_names, name))
    return true;
  return sf_fail (error, SF_ERROR_EXISTS,
                  "%s: graph %s has an input, state or scalar of this name already; give each its "
                  "own",
                  name, graph->name);
}

/* Enters a value that the outside knows by name into its list. */
static SfValue
declare (SfGraph *graph, GArray *list, SfValueKind kind, const char *name, SfDtype dtype,
         const SfShape *shape, GBytes *data)
{
  const char *own = sf_graph_arena_text (graph, name);
  SfValue value = sf_graph_new_value (graph, kind, dtype, shape, own, data);
  g_array_append_val (list, value);
  g_hash_table_insert (graph->interface_names, (gpointer) own, GUINT_TO_POINTER (value + 1));
  return value;
}

SfValue
sf_graph_input (SfGraph *graph, const char *name, SfDtype dtype, SfShape shape, GError **error)
{
  if (!check_declared (graph, name, dtype, &shape, error) || !check_name_free (graph, name, error))
    return SF_NONE;
  return declare (graph, graph->inputs, SF_VALUE_INPUT, name, dtype, &shape, NULL);
}

/* Copy of dense data with memory of its own. */
static GBytes *
copy_data (const char *name, SfDtype dtype, const SfShape *shape, const void *data, GError **error)
{
  size_t n_bytes = (size_t) sf_shape_n_elems (shape) * sf_dtype_bytes (dtype);
  void *copy = sf_aligned_alloc (n_bytes, 1, name, error);
  if (copy == NULL)
    return NULL;
  if (n_bytes > 0)
    memcpy (copy, data, n_bytes);
  return g_bytes_new_with_free_func (copy, n_bytes, sf_aligned_free, copy);
}

static bool
check_state (const SfGraph *graph, const char *name, SfStateKind kind, SfDtype dtype,
             const SfShape *shape, GError **error)
{
  if (!check_declared (graph, name, dtype, shape, error) || !check_name_free (graph, name, error))
    return false;
  return (unsigned) kind <= SF_STATE_FROZEN
         || sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                     "%s: state kind %d, wanted one of SfStateKind", name, (int) kind);
}

SfValue
sf_graph_state_of (SfGraph *graph, const char *name, SfStateKind kind, SfDtype dtype, SfShape shape,
                   GBytes *init, GError **error)
{
  if (!check_state (graph, name, kind, dtype, &shape, error))
    return SF_NONE;
  SfValue value = declare (graph, graph->states, SF_VALUE_STATE, name, dtype, &shape,
                           init != NULL ? g_bytes_ref (init) : NULL);
  sf_value_record (graph, value)->state_kind = kind;
  return value;
}

SfValue
sf_graph_state (SfGraph *graph, const char *name, SfStateKind kind, SfDtype dtype, SfShape shape,
                const void *init, GError **error)
{
  g_autoptr (GBytes) data = NULL;
  if (!check_state (graph, name, kind, dtype, &shape, error)
      || (init != NULL && (data = copy_data (name, dtype, &shape, init, error)) == NULL))
    return SF_NONE;
  return sf_graph_state_of (graph, name, kind, dtype, shape, data, error);
}

bool
sf_graph_freeze (SfGraph *graph, SfValue param, GError **error)
{
  SfValueRecord *record = param < graph->values->len ? sf_value_record (graph, param) : NULL;
  if (record == NULL || record->kind != SF_VALUE_STATE || record->state_kind != SF_STATE_PARAM)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "graph %s: %s is not a parameter; only parameters are frozen", graph->name,
                    record != NULL ? sf_value_name (graph, param) : "a value that it lacks");
  record->state_kind = SF_STATE_FROZEN;
  return true;
}

bool
sf_graph_set_update (SfGraph *graph, SfValue state, SfValue next, GError **error)
{
  if (state >= graph->values->len || sf_value_record (graph, state)->kind != SF_VALUE_STATE)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "graph %s: value %u is not a state; only states are updated", graph->name,
                    state);
  SfValueRecord *s = sf_value_record (graph, state);
  if (next >= graph->values->len)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: its update is value %u, wanted one of the graph's %u values", s->name,
                    next, graph->values->len);
  SfValueRecord *n = sf_value_record (graph, next);
  if (s->update != SF_NONE)
    return sf_fail (error, SF_ERROR_EXISTS, "%s: has an update already; give a state one", s->name);
  if (n->dtype != s->dtype || !sf_shape_equal (&n->shape, &s->shape))
    {
      g_autofree char *found = sf_shape_text (&n->shape);
      g_autofree char *wanted = sf_shape_text (&s->shape);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: its update %s is %s %s, wanted %s %s",
                      s->name, n->name, sf_dtype_name (n->dtype), found, sf_dtype_name (s->dtype),
                      wanted);
    }
  s->update = next;
  n->n_users++;
  return true;
}

SfValue
sf_graph_scalar (SfGraph *graph, const char *name, SfDtype dtype, SfShape shape, GError **error)
{
  if (!check_declared (graph, name, dtype, &shape, error))
    return SF_NONE;
  SfValue known = sf_graph_find (graph, name);
  if (known != SF_NONE && sf_value_record (graph, known)->kind == SF_VALUE_SCALAR)
    {
      const SfValueRecord *record = sf_value_record (graph, known);
      if (record->dtype == dtype && sf_shape_equal (&record->shape, &shape))
        return known;
      g_autofree char *wanted = sf_shape_text (&record->shape);
      g_autofree char *found = sf_shape_text (&shape);
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "scalar %s: asked for as %s %s, but it is %s %s",
               name, sf_dtype_name (dtype), found, sf_dtype_name (record->dtype), wanted);
      return SF_NONE;
    }
  if (!check_name_free (graph, name, error))
    return SF_NONE;
  return declare (graph, graph->scalars, SF_VALUE_SCALAR, name, dtype, &shape, NULL);
}

/* The name that a constant has as the next value of the graph. */
static const char *
constant_name (SfGraph *graph)
{
  char name[32];
  g_snprintf (name, sizeof name, "constant.%u", graph->values->len);
  return sf_graph_arena_text (graph, name);
}

SfValue
sf_graph_constant_of (SfGraph *graph, SfDtype dtype, SfShape shape, GBytes *data, GError **error)
{
  const char *name = constant_name (graph);
  if (!check_declared (graph, name, dtype, &shape, error))
    return SF_NONE;
  return sf_graph_new_value (graph, SF_VALUE_CONSTANT, dtype, &shape, name, g_bytes_ref (data));
}

SfValue
sf_graph_constant (SfGraph *graph, SfDtype dtype, SfShape shape, const void *data, GError **error)
{
  const char *name = constant_name (graph);
  g_autoptr (GBytes) copy = NULL;
  if (!check_declared (graph, name, dtype, &shape, error)
      || (copy = copy_data (name, dtype, &shape, data, error)) == NULL)
    return SF_NONE;
  return sf_graph_new_value (graph, SF_VALUE_CONSTANT, dtype, &shape, name,
                             g_steal_pointer (&copy));
}

SfValue
sf_graph_constant_f (SfGraph *graph, SfDtype dtype, double value, GError **error)
{
  double memory = 0;
  if (!sf_dtype_is_float (dtype))
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "constant: dtype %s, wanted a float dtype",
               sf_dtype_name (dtype));
      return SF_NONE;
    }
  sf_dtype_convert (SF_F64, &value, dtype, &memory, 1);
  return sf_graph_constant (graph, dtype, sf_shape_scalar (), &memory, error);
}

bool
sf_graph_output (SfGraph *graph, const char *name, SfOutputRole role, SfValue value, GError **error)
{
  if (value >= graph->values->len)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "output %s: value %u, wanted one of the graph's %u values", name, value,
                    graph->values->len);
  for (guint i = 0; i < graph->outputs->len; i++)
    if (strcmp (g_array_index (graph->outputs, SfOutputRecord, i).name, name) == 0)
      return sf_fail (error, SF_ERROR_EXISTS,
                      "output %s: graph %s has one of this name already; give each its own", name,
                      graph->name);
  SfValueRecord *record = sf_value_record (graph, value);
  bool is_loss = record->shape.rank == 0 && (record->dtype == SF_F32 || record->dtype == SF_F64);
  if (role == SF_OUTPUT_LOSS && !is_loss)
    {
      g_autofree char *found = sf_shape_text (&record->shape);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "output %s: the loss is %s %s, wanted a scalar of f32 or f64", name,
                      sf_dtype_name (record->dtype), found);
    }
  SfOutputRecord output = { sf_graph_arena_text (graph, name), role, value };
  g_array_append_val (graph->outputs, output);
  record->n_users++;
  return true;
}

void
sf_graph_set_phase (SfGraph *graph, SfPhase phase)
{
  graph->phase = phase;
}

void
sf_graph_set_scope (SfGraph *graph, const char *name)
{
  bool none = name == NULL || name[0] == '\0';
  if (none)
    graph->scope = NULL;
  else if (graph->scope == NULL || strcmp (graph->scope, name) != 0)
    graph->scope = sf_graph_arena_text (graph, name);
}
