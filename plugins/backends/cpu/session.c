/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of an instance. A step is the phases fwd, bwd, opt in this order, in one call or several;
 * values live from one to the next, and what a step changes shows in the states only when the phase
 * that changes it has succeeded. */
#include "session.h"

#include "frame.h"
#include "states.h"

#define ALL_PHASES ((1u << SF_N_PHASES) - 1)

typedef struct
{
  char *name;
  const SfGraph *graph;
  CpuFrame frame;
  unsigned has;       /* phases that have nodes; fwd always */
  unsigned done;      /* phases of the step in progress; 0: none is */
  SfValue *gradients; /* per state of the graph, SF_NONE where there is none */
} Entry;

typedef struct
{
  const SfProgram *program; /* for its file, in which constants of the graphs lie */
  CpuMemory memory;
  CpuWorkers workers;
  CpuStates states;
  Entry *entries;
  size_t n_entries;
  bool f64;
} Session;

static const char *const phase_names[SF_N_PHASES] = { "fwd", "bwd", "opt" };

/* ---- opening ---- */

/* Fact "grad.<entry>.<state>" of the autodiff pass: the value that is the gradient. */
static bool
read_gradients (Entry *entry, const SfModule *module, GError **error)
{
  const SfGraph *graph = entry->graph;
  size_t n = sf_graph_n_states (graph);
  entry->gradients = sf_aligned_alloc (n, sizeof (SfValue), entry->name, error);
  if (entry->gradients == NULL)
    return false;
  for (size_t k = 0; k < n; k++)
    {
      const char *name = sf_value_name (graph, sf_graph_state_at (graph, k));
      g_autofree char *key = g_strdup_printf ("grad.%s.%s", entry->name, name);
      const char *fact = sf_module_fact (module, key);
      guint64 value = SF_NONE;
      if (fact != NULL
          && !g_ascii_string_to_unsigned (fact, 10, 0, sf_graph_n_values (graph) - 1, &value, NULL))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: fact %s is %s, wanted a value of the graph; compile the model again",
                        entry->name, key, fact);
      entry->gradients[k] = (SfValue) value;
    }
  return true;
}

static bool
open_entry (Session *session, Entry *entry, const char *name, const SfModule *module,
            GError **error)
{
  const SfGraph *graph = sf_module_graph ((SfModule *) module, name);
  entry->name = g_strdup (name);
  entry->graph = graph;
  entry->has = 1u << SF_PHASE_FWD;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    {
      if (cpu_kernel_of (graph, node, error) == NULL)
        return false;
      entry->has |= 1u << sf_node_phase (graph, node);
    }
  if (!cpu_frame_init (&entry->frame, graph, &session->memory, &session->workers, error))
    return false;
  entry->frame.f64 = session->f64;
  return read_gradients (entry, module, error) && cpu_states_add (&session->states, graph, error);
}

void *
cpu_session_open (const SfBackendLoad *load, GError **error)
{
  if (load->source == NULL)
    {
      sf_fail (error, SF_ERROR_INCOMPATIBLE,
               "backend cpu: this PEF was stripped of its source graph, which cpu interprets; use "
               "--backend rdu or recompile");
      return NULL;
    }
  if (load->exact_firing)
    {
      sf_fail (
          error, SF_ERROR_UNSUPPORTED,
          "backend cpu: exact firing was asked for and there are no buffers to fire through; use "
          "--backend rdu");
      return NULL;
    }
  Session *session = g_new0 (Session, 1);
  session->program = load->program;
  session->f64 = load->f64;
  cpu_memory_init (&session->memory);
  cpu_workers_init (&session->workers, load->n_threads);
  cpu_states_init (&session->states, &session->memory, &session->workers, load->f64);
  session->n_entries = sf_module_n_entries (load->source);
  session->entries = sf_aligned_alloc (session->n_entries, sizeof (Entry), "entries", error);
  bool ok = session->entries != NULL;
  for (size_t k = 0; k < session->n_entries && ok; k++)
    ok = open_entry (session, &session->entries[k], sf_module_entry (load->source, k), load->source,
                     error);
  if (ok)
    return session;
  cpu_session_close (session);
  return NULL;
}

void
cpu_session_close (void *instance)
{
  Session *session = instance;
  for (size_t k = 0; session->entries != NULL && k < session->n_entries; k++)
    {
      Entry *entry = &session->entries[k];
      cpu_frame_clear (&entry->frame);
      sf_aligned_free (entry->gradients);
      g_free (entry->name);
    }
  sf_aligned_free (session->entries);
  cpu_states_clear (&session->states);
  cpu_workers_clear (&session->workers);
  cpu_memory_clear (&session->memory);
  g_free (session);
}

/* ---- one step ---- */

static Entry *
find_entry (Session *session, const char *name, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);
  for (size_t k = 0; k < session->n_entries; k++)
    {
      if (strcmp (session->entries[k].name, name) == 0)
        return &session->entries[k];
      g_string_append_printf (known, "%s%s", k > 0 ? ", " : "", session->entries[k].name);
    }
  sf_fail (error, SF_ERROR_NOT_FOUND, "entry %s: not in this program, wanted one of %s", name,
           known->str);
  return NULL;
}

/* Phases come in order, each once. */
static bool
check_phases (const Entry *entry, unsigned phases, GError **error)
{
  if (phases == 0 || (phases & ~ALL_PHASES) != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: phases 0x%x were asked for, wanted a set of fwd (1), bwd (2), opt (4)",
                    entry->name, phases);
  unsigned done = phases & (1u << SF_PHASE_FWD) ? 0 : entry->done;
  for (unsigned p = 0; p < SF_N_PHASES; p++)
    {
      unsigned before = entry->has & ((1u << p) - 1);
      if (!(phases & (1u << p)))
        continue;
      if ((done & before) != before || (done & (1u << p)))
        return sf_fail (
            error, SF_ERROR_INVALID_ARGUMENT,
            "%s: phase %s was asked for out of turn; a step is fwd, bwd, opt in this order",
            entry->name, phase_names[p]);
      done |= 1u << p;
    }
  return true;
}

/* Announces every read of the step: by nodes, outputs, updates, and of gradients from outside. */
static void
begin_step (Session *session, Entry *entry)
{
  CpuFrame *frame = &entry->frame;
  const SfGraph *graph = entry->graph;
  cpu_frame_reset (frame);
  entry->done = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    cpu_frame_use_node (frame, node);
  for (size_t k = 0; k < sf_graph_n_outputs (graph); k++)
    cpu_frame_use (frame, sf_graph_output_at (graph, k, NULL, NULL));
  for (size_t k = 0; k < sf_graph_n_states (graph); k++)
    {
      SfValue value = sf_graph_state_at (graph, k);
      CpuState *state = cpu_states_find (&session->states, sf_value_name (graph, value), NULL);
      if (sf_value_update (graph, value) != SF_NONE)
        cpu_frame_use (frame, sf_value_update (graph, value));
      if (entry->gradients[k] != SF_NONE)
        cpu_frame_use (frame, entry->gradients[k]);
      if (frame->uses[value] > 0)
        cpu_frame_bind (frame, value, cpu_buffer_ref (state->buffer));
    }
}

static bool
feed (Entry *entry, const SfBackendStep *step, GError **error)
{
  const SfGraph *graph = entry->graph;
  CpuFrame *frame = &entry->frame;
  for (size_t k = 0; (step->phases & (1u << SF_PHASE_FWD)) && k < sf_graph_n_inputs (graph); k++)
    {
      SfValue value = sf_graph_input_at (graph, k);
      if (frame->uses[value] > 0 && !cpu_frame_feed (frame, value, &step->inputs[k], error))
        return false;
    }
  for (size_t k = 0; k < sf_graph_n_scalars (graph); k++)
    {
      SfValue value = sf_graph_scalar_at (graph, k);
      if (frame->uses[value] > 0 && !cpu_frame_feed (frame, value, &step->scalars[k], error))
        return false;
    }
  return true;
}

typedef struct
{
  const Entry *entry;
  const SfBackendStep *step;
} Watch;

static void
observe (void *user_data, SfNode node, SfValue value, SfTensor *tensor)
{
  const Watch *watch = user_data;
  const SfObserved observed = { .entry = watch->entry->name,
                                .stage = sf_node_name (watch->entry->graph, node),
                                .value = value,
                                .phase = sf_node_phase (watch->entry->graph, node),
                                .tensor = tensor };
  watch->step->observer (watch->step->user_data, &observed);
}

static bool
run_phase (Entry *entry, SfPhase phase, volatile const int *cancel, GError **error)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (entry->graph); node++)
    {
      if (sf_node_phase (entry->graph, node) != phase)
        continue;
      if (cancel != NULL && *cancel != 0)
        return sf_fail (error, SF_ERROR_CANCELLED,
                        "%s: cancelled before node %s; no state was changed", entry->name,
                        sf_node_name (entry->graph, node));
      if (!cpu_frame_run (&entry->frame, node, error))
        return false;
    }
  return true;
}

/* The phase whose end makes a value known. */
static unsigned
phase_of (const SfGraph *graph, SfValue value)
{
  SfNode producer = sf_value_producer (graph, value);
  return producer == SF_NONE ? SF_PHASE_FWD : (unsigned) sf_node_phase (graph, producer);
}

static bool
write_outputs (Entry *entry, const SfBackendStep *step, GError **error)
{
  const SfGraph *graph = entry->graph;
  for (size_t k = 0; k < sf_graph_n_outputs (graph); k++)
    {
      const char *name;
      SfValue value = sf_graph_output_at (graph, k, &name, NULL);
      CpuTensor tensor;
      if (!(step->phases & (1u << phase_of (graph, value))))
        continue;
      if (step->outputs != NULL && step->outputs[k].data != NULL
          && (!cpu_frame_get (&entry->frame, value, &tensor, error)
              || !cpu_value_write (&tensor, &step->outputs[k], error)))
        {
          g_prefix_error (error, "output %s: ", name);
          return false;
        }
    }
  return true;
}

/* Statistics change with the phase that computes them, all else with opt. */
static unsigned
update_phase (const SfGraph *graph, SfValue state)
{
  if (sf_value_state_kind (graph, state) == SF_STATE_STATISTIC)
    return phase_of (graph, sf_value_update (graph, state));
  return SF_PHASE_OPT;
}

/* The buffer that a state takes over, rounded to the state's dtype even where its value was not. */
static CpuBuffer *
updated (Session *session, Entry *entry, const CpuState *state, SfValue next, GError **error)
{
  CpuTensor tensor;
  if (!cpu_frame_get (&entry->frame, next, &tensor, error))
    return NULL;
  if (session->f64 || cpu_frame_is_rounded (&entry->frame, next))
    return cpu_buffer_ref (entry->frame.values[next]);
  SfTensor view = cpu_value_view (&tensor);
  return cpu_states_copy (&session->states, state, &view, error);
}

/* All updates of the step's phases take effect together: they are gathered first. */
static bool
apply_updates (Session *session, Entry *entry, unsigned phases, GError **error)
{
  const SfGraph *graph = entry->graph;
  size_t n = sf_graph_n_states (graph);
  CpuBuffer **next = sf_aligned_alloc (n, sizeof *next, "state updates", error);
  bool ok = next != NULL;
  for (size_t k = 0; ok && k < n; k++)
    {
      SfValue value = sf_graph_state_at (graph, k);
      if (sf_value_update (graph, value) == SF_NONE
          || !(phases & (1u << update_phase (graph, value))))
        continue;
      CpuState *state = cpu_states_find (&session->states, sf_value_name (graph, value), error);
      if (state != NULL)
        next[k] = updated (session, entry, state, sf_value_update (graph, value), error);
      ok = next[k] != NULL;
    }
  for (size_t k = 0; next != NULL && k < n; k++)
    {
      const char *name = sf_value_name (graph, sf_graph_state_at (graph, k));
      if (ok && next[k] != NULL)
        cpu_states_set (&session->states, cpu_states_find (&session->states, name, NULL), next[k]);
      else
        cpu_buffer_drop (session->states.memory, next[k]);
    }
  sf_aligned_free (next);
  return ok;
}

static bool
run_step (Session *session, Entry *entry, const SfBackendStep *step, GError **error)
{
  if (step->phases & (1u << SF_PHASE_FWD))
    begin_step (session, entry);
  if (!feed (entry, step, error))
    return false;
  for (unsigned p = 0; p < SF_N_PHASES; p++)
    if ((step->phases & (1u << p)) && !run_phase (entry, (SfPhase) p, step->cancel, error))
      return false;
  return write_outputs (entry, step, error) && apply_updates (session, entry, step->phases, error);
}

bool
cpu_session_step (void *instance, const SfBackendStep *step, GError **error)
{
  Session *session = instance;
  Entry *entry = find_entry (session, step->entry, error);
  if (entry == NULL || !check_phases (entry, step->phases, error)
      || (session->program != NULL && !sf_program_check_file (session->program, error)))
    return false;
  Watch watch = { entry, step };
  entry->frame.stored = step->stored;
  entry->frame.observe = step->observer != NULL ? observe : NULL;
  entry->frame.user_data = &watch;
  bool ok = run_step (session, entry, step, error);
  entry->frame.observe = NULL;
  entry->frame.user_data = NULL;
  entry->done |= step->phases;
  if (!ok || (entry->done & entry->has) == entry->has)
    {
      cpu_frame_reset (&entry->frame);
      entry->done = 0;
    }
  return ok;
}

/* ---- states and gradients ---- */

#define GRADIENT_PREFIX "grad:"

/* The entry that holds the gradient of `name` between bwd and opt, and its value. */
static Entry *
find_gradient (Session *session, const char *name, SfValue *value, GError **error)
{
  if (cpu_states_find (&session->states, name, error) == NULL)
    return NULL;
  for (size_t k = 0; k < session->n_entries; k++)
    {
      Entry *entry = &session->entries[k];
      if (!(entry->done & (1u << SF_PHASE_BWD)))
        continue;
      for (size_t s = 0; s < sf_graph_n_states (entry->graph); s++)
        {
          *value = entry->gradients[s];
          if (*value != SF_NONE && entry->frame.values[*value] != NULL
              && strcmp (sf_value_name (entry->graph, sf_graph_state_at (entry->graph, s)), name)
                     == 0)
            return entry;
        }
    }
  sf_fail (
      error, SF_ERROR_INVALID_ARGUMENT,
      "gradient of %s: none is held, wanted a trained parameter between the phases bwd and opt; "
      "run fwd and bwd of a step first",
      name);
  return NULL;
}

bool
cpu_session_read (void *instance, const char *name, SfTensor *tensor, GError **error)
{
  Session *session = instance;
  CpuTensor from;
  if (g_str_has_prefix (name, GRADIENT_PREFIX))
    {
      SfValue value;
      Entry *entry = find_gradient (session, name + strlen (GRADIENT_PREFIX), &value, error);
      if (entry == NULL || !cpu_frame_get (&entry->frame, value, &from, error))
        return false;
    }
  else
    {
      const CpuState *state = cpu_states_find (&session->states, name, error);
      if (state == NULL)
        return false;
      from = cpu_state_tensor (state, state->buffer);
    }
  if (cpu_value_write (&from, tensor, error))
    return true;
  g_prefix_error (error, "%s: ", name);
  return false;
}

/* A step in progress goes on with the parameters and moments that are written, as its phase opt
 * would find them. */
static void
rebind (Session *session, const CpuState *state)
{
  for (size_t k = 0; k < session->n_entries; k++)
    {
      Entry *entry = &session->entries[k];
      SfValue value = sf_graph_find (entry->graph, state->name);
      if (entry->done != 0 && value != SF_NONE && entry->frame.values[value] != NULL
          && state->kind != SF_STATE_STATISTIC)
        cpu_frame_bind (&entry->frame, value, cpu_buffer_ref (state->buffer));
    }
}

bool
cpu_session_write (void *instance, const char *name, const SfTensor *tensor, GError **error)
{
  Session *session = instance;
  if (g_str_has_prefix (name, GRADIENT_PREFIX))
    {
      SfValue value;
      Entry *entry = find_gradient (session, name + strlen (GRADIENT_PREFIX), &value, error);
      return entry != NULL && cpu_frame_feed (&entry->frame, value, tensor, error);
    }
  CpuState *state = cpu_states_find (&session->states, name, error);
  CpuBuffer *buffer = state == NULL ? NULL
                                    : cpu_states_copy (&session->states, state, tensor, error);
  if (buffer == NULL)
    return false;
  cpu_states_set (&session->states, state, buffer);
  rebind (session, state);
  return true;
}

char *
cpu_session_describe (void *instance)
{
  Session *session = instance;
  return g_strdup_printf ("bytes=%zu\npeak_bytes=%zu\nprecision=%s\nthreads=%d\n",
                          session->memory.held_bytes, session->memory.peak_bytes,
                          session->f64 ? "f64" : "storage", cpu_workers_max (&session->workers));
}
