/* A backend that interprets the source graph with the reference, one step at a time: states live
 * here, the arithmetic is sf_evaluate's. */
#include <sf/plugin/backend.h>

#include <string.h>

typedef struct
{
  const SfModule *source;
  SfEvaluateOptions evaluate;
  GHashTable *states; /* name -> SfTensor */
} Interpreter;

static void
free_state (gpointer data)
{
  sf_tensor_clear ((SfTensor *) data);
  g_free (data);
}

static void
close_interpreter (void *instance)
{
  Interpreter *self = (Interpreter *) instance;
  g_hash_table_unref (self->states);
  g_free (self);
}

/* Gives every state of `graph` its initial value, unless another entry has done so. */
static bool
add_states (Interpreter *self, const SfGraph *graph, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_states (graph); i++)
    {
      SfValue value = sf_graph_state_at (graph, i);
      const void *init = sf_value_data (graph, value);
      if (g_hash_table_contains (self->states, sf_value_name (graph, value)))
        continue;
      SfTensor *state = g_new0 (SfTensor, 1);
      g_hash_table_insert (self->states, g_strdup (sf_value_name (graph, value)), state);
      if (!sf_tensor_alloc (sf_value_dtype (graph, value), sf_value_shape (graph, value), state,
                            error))
        return false;
      if (init != NULL)
        memcpy (state->data, init, sf_tensor_n_bytes (state));
    }
  return true;
}

static void *
open_interpreter (const SfBackendLoad *load, GError **error)
{
  if (load->source == NULL)
    {
      sf_fail (
          error, SF_ERROR_UNSUPPORTED,
          "backend @name@: a PEF without its graph, wanted one with it; use the PEF as it was before stripping");
      return NULL;
    }
  Interpreter *self = g_new0 (Interpreter, 1);
  self->source = load->source;
  self->evaluate.f64 = load->f64;
  self->evaluate.n_threads = load->n_threads;
  self->states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_state);
  for (size_t i = 0; i < sf_module_n_entries (load->source); i++)
    if (!add_states (self, sf_module_graph (load->source, sf_module_entry (load->source, i)),
                     error))
      {
        close_interpreter (self);
        return NULL;
      }
  return self;
}

static void
add_feed (GArray *feeds, SfValue value, const SfTensor *tensor)
{
  const SfFeed feed = { value, *tensor };
  g_array_append_val (feeds, feed);
}

static void
add_fetch (GArray *fetches, SfValue value, const SfTensor *tensor)
{
  const SfFetch fetch = { value, *tensor };
  g_array_append_val (fetches, fetch);
}

/* Statistics are updated by the forward phase, all other states by the optimizer's. */
static bool
is_updated (const SfGraph *graph, SfValue state, unsigned phases)
{
  SfPhase phase = sf_value_state_kind (graph, state) == SF_STATE_STATISTIC ? SF_PHASE_FWD
                                                                           : SF_PHASE_OPT;
  return sf_value_update (graph, state) != SF_NONE && (phases & (1u << phase)) != 0;
}

static bool
step_interpreter (void *instance, const SfBackendStep *step, GError **error)
{
  Interpreter *self = (Interpreter *) instance;
  const SfGraph *graph = sf_module_graph (self->source, step->entry);
  if ((step->phases & (1u << SF_PHASE_FWD)) == 0)
    return sf_fail (
        error, SF_ERROR_UNSUPPORTED,
        "backend @name@: a step without its forward phase, wanted all phases at once; use backend cpu");
  g_autoptr (GArray) feeds = g_array_new (FALSE, FALSE, sizeof (SfFeed));
  g_autoptr (GArray) fetches = g_array_new (FALSE, FALSE, sizeof (SfFetch));
  g_autoptr (GPtrArray) updated = g_ptr_array_new ();
  const SfTensor none = { .data = NULL };
  for (size_t i = 0; i < sf_graph_n_inputs (graph); i++)
    add_feed (feeds, sf_graph_input_at (graph, i), &step->inputs[i]);
  for (size_t i = 0; i < sf_graph_n_scalars (graph); i++)
    add_feed (feeds, sf_graph_scalar_at (graph, i), &step->scalars[i]);
  for (size_t i = 0; i < sf_graph_n_states (graph); i++)
    {
      SfValue state = sf_graph_state_at (graph, i);
      SfTensor *tensor = (SfTensor *) g_hash_table_lookup (self->states,
                                                           sf_value_name (graph, state));
      add_feed (feeds, state, tensor);
      if (!is_updated (graph, state, step->phases))
        continue;
      add_fetch (fetches, sf_value_update (graph, state), &none);
      g_ptr_array_add (updated, tensor);
    }
  for (size_t i = 0; step->outputs != NULL && i < sf_graph_n_outputs (graph); i++)
    if (step->outputs[i].data != NULL)
      add_fetch (fetches, sf_graph_output_at (graph, i, NULL, NULL), &step->outputs[i]);
  SfFetch *fetch = (SfFetch *) (void *) fetches->data;
  bool ok = sf_evaluate (graph, &self->evaluate, (const SfFeed *) (void *) feeds->data, feeds->len,
                         fetch, fetches->len, error);
  for (guint i = 0; ok && i < updated->len; i++)
    {
      ok = sf_tensor_copy (&fetch[i].tensor, (SfTensor *) updated->pdata[i], error);
      sf_tensor_clear (&fetch[i].tensor);
    }
  return ok;
}

/* The state of that name, or NULL with an error. */
static SfTensor *
find_state (void *instance, const char *name, GError **error)
{
  SfTensor *state = (SfTensor *) g_hash_table_lookup (((Interpreter *) instance)->states, name);
  if (state == NULL)
    sf_fail (
        error, SF_ERROR_NOT_FOUND,
        "backend @name@: no state '%s', wanted a parameter or another state; gradients are not kept",
        name);
  return state;
}

static bool
read_state (void *instance, const char *name, SfTensor *tensor, GError **error)
{
  const SfTensor *state = find_state (instance, name, error);
  return state != NULL && sf_tensor_copy (state, tensor, error);
}

static bool
write_state (void *instance, const char *name, const SfTensor *tensor, GError **error)
{
  SfTensor *state = find_state (instance, name, error);
  return state != NULL && sf_tensor_copy (tensor, state, error);
}

static const SfBackendOps ops = {
  .size = sizeof (SfBackendOps),
  .open = open_interpreter,
  .close = close_interpreter,
  .step = step_interpreter,
  .read = read_state,
  .write = write_state,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_BACKEND, "@name@", "1.0",
                  "interprets the source graph with the reference"),
  .options = NULL,
  .ops = { .backend = &ops },
};
