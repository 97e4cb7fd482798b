/* SPDX-License-Identifier: Apache-2.0 */
/* States between steps. */
#include "states.h"

void
cpu_states_init (CpuStates *states, CpuMemory *memory, CpuWorkers *workers, bool f64)
{
  *states = (CpuStates){ .memory = memory,
                         .workers = workers,
                         .f64 = f64,
                         .by_name = g_hash_table_new (g_str_hash, g_str_equal) };
}

void
cpu_states_clear (CpuStates *states)
{
  if (states->by_name == NULL)
    return;
  GHashTableIter iter;
  gpointer at;
  g_hash_table_iter_init (&iter, states->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &at))
    {
      CpuState *state = at;
      cpu_buffer_drop (states->memory, state->buffer);
      g_free (state->name);
      g_free (state);
    }
  g_clear_pointer (&states->by_name, g_hash_table_unref);
}

CpuTensor
cpu_state_tensor (const CpuState *state, const CpuBuffer *buffer)
{
  return (CpuTensor){ .dtype = state->dtype,
                      .shape = state->shape,
                      .n = sf_shape_n_elems (&state->shape),
                      .data = buffer->data };
}

CpuBuffer *
cpu_states_copy (CpuStates *states, const CpuState *state, const SfTensor *tensor, GError **error)
{
  CpuBuffer *buffer = cpu_memory_take (states->memory, sf_shape_n_elems (&state->shape), false,
                                       state->name, error);
  if (buffer == NULL)
    return NULL;
  CpuTensor to = cpu_state_tensor (state, buffer);
  if (cpu_value_read (states->workers, tensor, !states->f64, &to, error))
    return buffer;
  g_prefix_error (error, "%s: ", state->name);
  cpu_buffer_drop (states->memory, buffer);
  return NULL;
}

void
cpu_states_set (CpuStates *states, CpuState *state, CpuBuffer *buffer)
{
  cpu_buffer_drop (states->memory, state->buffer);
  state->buffer = buffer;
}

static bool
add_state (CpuStates *states, const SfGraph *graph, SfValue value, GError **error)
{
  CpuState *state = g_new0 (CpuState, 1);
  state->name = g_strdup (sf_value_name (graph, value));
  state->kind = sf_value_state_kind (graph, value);
  state->dtype = sf_value_dtype (graph, value);
  state->shape = *sf_value_shape (graph, value);
  g_hash_table_insert (states->by_name, state->name, state);
  void *data = (void *) sf_value_data (graph, value);
  if (data == NULL)
    state->buffer = cpu_memory_take (states->memory, sf_shape_n_elems (&state->shape), true,
                                     state->name, error);
  else
    {
      SfTensor tensor = sf_tensor (state->dtype, state->shape, data);
      state->buffer = cpu_states_copy (states, state, &tensor, error);
    }
  return state->buffer != NULL;
}

bool
cpu_states_add (CpuStates *states, const SfGraph *graph, GError **error)
{
  for (size_t k = 0; k < sf_graph_n_states (graph); k++)
    {
      SfValue value = sf_graph_state_at (graph, k);
      const char *name = sf_value_name (graph, value);
      const CpuState *known = g_hash_table_lookup (states->by_name, name);
      if (known == NULL)
        {
          if (!add_state (states, graph, value, error))
            return false;
        }
      else if (known->dtype != sf_value_dtype (graph, value)
               || !sf_shape_equal (&known->shape, sf_value_shape (graph, value)))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: state %s has another dtype or shape than in the other entries of its "
                        "module; compile the model again",
                        sf_graph_name (graph), name);
    }
  return true;
}

CpuState *
cpu_states_find (const CpuStates *states, const char *name, GError **error)
{
  CpuState *state = g_hash_table_lookup (states->by_name, name);
  if (state != NULL)
    return state;
  guint n = 0;
  g_autofree char **names = (char **) g_hash_table_get_keys_as_array (states->by_name, &n);
  const char *nearest = sf_nearest_word (name, (const char *const *) names, n);
  if (nearest != NULL)
    sf_fail (error, SF_ERROR_NOT_FOUND, "state %s: there is none of that name; did you mean %s?",
             name, nearest);
  else
    sf_fail (error, SF_ERROR_NOT_FOUND,
             "state %s: there is none of that name; sf inspect lists the program's states", name);
  return NULL;
}
