/* SPDX-License-Identifier: Apache-2.0 */
/* SfSession: a PEF on a backend; what goes in is checked here, once, for every backend. */
#include <sf/session.h>

#include <math.h>
#include <sf/plugin/backend.h>
#include <sf/plugins.h>
#include <sf/threads.h>

#include "core/run/feedcheck.h"
#include "core/run/session.h"

/* An entry, with what its steps need at hand. */
typedef struct
{
  const char *name; /* the program's */
  uint32_t id;
  SfPort *inputs;
  const SfInputBounds **bounds; /* of the inputs */
  size_t n_inputs;
  SfHyperScalar *sources; /* of the scalars; name NULL: the random key */
  SfTensor *scalars;
  int32_t (*storage)[4]; /* behind `scalars` */
  size_t n_scalars;
  SfTensor *unwanted; /* outputs of a step that asks for none */
} Entry;

struct SfSession
{
  SfPef *pef;
  const SfProgram *program;
  const SfPlugin *plugin;
  SfOptionValues *options; /* of the backend */
  void *instance;
  int n_threads;
  SfHyperTable *hyper;
  SfInputCheck *checks; /* bounds of integer inputs */
  Entry *entries;
  size_t n_entries;
  volatile const int *cancel;
  SfObserver observer;
  void *observer_data;
  const uint8_t *stored;
};

static bool
open_backend (SfSession *session, const SfSessionOptions *options, GError **error)
{
  const char *name = options->backend == NULL ? "rdu" : options->backend;
  session->plugin = sf_plugins_load (SF_PLUGIN_BACKEND, name, error);
  if (session->plugin == NULL)
    return false;
  if (options->backend_options != NULL)
    session->options = sf_option_values_copy (options->backend_options);
  else if (session->plugin->options != NULL)
    session->options = sf_option_values_new (session->plugin->options);
  session->n_threads = options->n_threads > 0 ? options->n_threads : sf_threads_available ();
  const SfBackendLoad load = {
    .source = sf_pef_source (session->pef),
    .program = session->program,
    .arch = sf_pef_arch (session->pef),
    .n_threads = session->n_threads,
    .f64 = options->f64,
    .exact_firing = options->exact_firing,
    .options = session->options,
  };
  session->instance = session->plugin->ops.backend->open (&load, error);
  return session->instance != NULL;
}

static void
fill_port (const SfSession *session, uint32_t tensor, SfPort *out)
{
  SfProgramTensor info = sf_program_tensor (session->program, tensor);
  *out = (SfPort){
    .name = info.name, .dtype = info.dtype, .shape = info.shape, .role = SF_OUTPUT_OTHER
  };
}

static void
add_inputs (const SfSession *session, Entry *entry)
{
  entry->n_inputs = sf_entry_n_inputs (session->program, entry->id);
  entry->inputs = g_new0 (SfPort, entry->n_inputs);
  entry->bounds = g_new0 (const SfInputBounds *, entry->n_inputs);
  for (size_t i = 0; i < entry->n_inputs; i++)
    {
      SfPort *port = &entry->inputs[i];
      fill_port (session, sf_entry_input (session->program, entry->id, i), port);
      entry->bounds[i] = sf_input_check_bounds (session->checks, entry->name, port->name);
    }
}

static void
add_scalars (const SfSession *session, Entry *entry)
{
  entry->n_scalars = sf_entry_n_scalars (session->program, entry->id);
  entry->sources = g_new0 (SfHyperScalar, entry->n_scalars);
  entry->scalars = g_new0 (SfTensor, entry->n_scalars);
  entry->storage = g_malloc0_n (entry->n_scalars, sizeof *entry->storage);
  for (size_t i = 0; i < entry->n_scalars; i++)
    {
      SfPort port;
      fill_port (session, sf_entry_scalar (session->program, entry->id, i), &port);
      bool is_key = strcmp (port.name, "rng") == 0;
      if (!is_key)
        entry->sources[i] = sf_hyper_scalar (session->hyper, port.name);
      entry->scalars[i] = sf_tensor (is_key ? SF_I32 : SF_F64, port.shape, entry->storage[i]);
    }
}

static void
add_entries (SfSession *session)
{
  session->n_entries = sf_program_n_entries (session->program);
  session->entries = g_new0 (Entry, session->n_entries);
  for (uint32_t i = 0; i < session->n_entries; i++)
    {
      Entry *entry = &session->entries[i];
      entry->id = i;
      entry->name = sf_entry_name (session->program, i);
      entry->unwanted = g_new0 (SfTensor, sf_entry_n_outputs (session->program, i));
      add_inputs (session, entry);
      add_scalars (session, entry);
    }
}

SfSession *
sf_session_open (SfPef *pef, const SfSessionOptions *options, GError **error)
{
  static const SfSessionOptions defaults = { 0 };
  g_autoptr (SfSession) session = g_new0 (SfSession, 1);
  session->pef = sf_pef_ref (pef);
  session->program = sf_pef_program (pef);
  if (!sf_program_check_file (session->program, error))
    return NULL;
  session->hyper = sf_hyper_table_new (pef, error);
  if (session->hyper == NULL)
    return NULL;
  session->checks = sf_input_check_new (pef, error);
  if (session->checks == NULL)
    return NULL;
  add_entries (session);
  if (!open_backend (session, options == NULL ? &defaults : options, error))
    return NULL;
  return g_steal_pointer (&session);
}

void
sf_session_free (SfSession *session)
{
  if (session == NULL)
    return;
  if (session->instance != NULL)
    session->plugin->ops.backend->close (session->instance);
  for (size_t i = 0; i < session->n_entries; i++)
    {
      Entry *entry = &session->entries[i];
      g_free (entry->inputs);
      g_free (entry->bounds);
      g_free (entry->sources);
      g_free (entry->scalars);
      g_free (entry->storage);
      g_free (entry->unwanted);
    }
  g_free (session->entries);
  g_clear_pointer (&session->options, sf_option_values_free);
  g_clear_pointer (&session->hyper, sf_hyper_table_free);
  g_clear_pointer (&session->checks, sf_input_check_free);
  sf_pef_unref (session->pef);
  g_free (session);
}

SfPef *
sf_session_pef (SfSession *session)
{
  return session->pef;
}

const char *
sf_session_backend (const SfSession *session)
{
  return session->plugin->name;
}

static Entry *
find_entry (const SfSession *session, const char *name, GError **error)
{
  for (size_t i = 0; i < session->n_entries; i++)
    if (strcmp (session->entries[i].name, name) == 0)
      return &session->entries[i];
  sf_fail (
      error, SF_ERROR_NOT_FOUND, "%s: has no entry \"%s\"; %s", sf_pef_name (session->pef), name,
      strcmp (name, "train") == 0 ? "it was compiled with --inference: compile it again without"
                                  : "its entries are train and eval");
  return NULL;
}

bool
sf_session_input (const SfSession *session, const char *entry, size_t index, SfPort *out)
{
  uint32_t id;
  if (!sf_program_find_entry (session->program, entry, &id)
      || index >= sf_entry_n_inputs (session->program, id))
    return false;
  fill_port (session, sf_entry_input (session->program, id, index), out);
  return true;
}

bool
sf_session_output (const SfSession *session, const char *entry, size_t index, SfPort *out)
{
  uint32_t id;
  if (!sf_program_find_entry (session->program, entry, &id)
      || index >= sf_entry_n_outputs (session->program, id))
    return false;
  fill_port (session, sf_entry_output (session->program, id, index), out);
  out->name = sf_entry_output_name (session->program, id, index);
  out->role = sf_entry_output_role (session->program, id, index);
  return true;
}

bool
sf_session_state (const SfSession *session, size_t index, SfPort *out)
{
  for (uint32_t t = 0; t < sf_program_n_tensors (session->program); t++)
    if (sf_program_tensor (session->program, t).role == SF_TENSOR_STATE && index-- == 0)
      {
        fill_port (session, t, out);
        return true;
      }
  return false;
}

static bool
check_inputs (const Entry *entry, const SfTensor *inputs, GError **error)
{
  for (size_t i = 0; i < entry->n_inputs; i++)
    {
      const SfPort *port = &entry->inputs[i];
      if (inputs == NULL || (inputs[i].data == NULL && sf_shape_n_elems (&port->shape) > 0))
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "input %s of %s: no data was given",
                        port->name, entry->name);
      if (!sf_input_check_tensor (entry->bounds[i], port, &inputs[i], error))
        return false;
    }
  return true;
}

bool
sf_session_check_inputs (const SfSession *session, const char *entry, const SfTensor *inputs,
                         GError **error)
{
  const Entry *found = find_entry (session, entry, error);
  return found != NULL && check_inputs (found, inputs, error);
}

static bool
fill_scalars (SfSession *session, Entry *entry, const SfHyper *hyper, GError **error)
{
  for (size_t i = 0; i < entry->n_scalars; i++)
    {
      int32_t *words = entry->storage[i];
      double value;
      if (entry->sources[i].name == NULL)
        {
          words[0] = (int32_t) (uint32_t) hyper->seed;
          words[1] = (int32_t) (uint32_t) (hyper->seed >> 32);
          words[2] = (int32_t) hyper->step;
          continue;
        }
      if (!sf_hyper_value (session->hyper, &entry->sources[i], hyper, &value, error))
        return false;
      memcpy (words, &value, sizeof value);
    }
  return true;
}

static bool
run_step (SfSession *session, Entry *entry, unsigned phases, const SfTensor *inputs,
          SfTensor *outputs, const SfHyper *hyper, GError **error)
{
  static const SfHyper no_hyper = { .step = 1, .lr = NAN };
  if (!fill_scalars (session, entry, hyper == NULL ? &no_hyper : hyper, error))
    return false;
  const SfBackendStep step = {
    .entry = entry->name,
    .phases = phases,
    .inputs = inputs,
    .scalars = entry->scalars,
    .outputs = outputs == NULL ? entry->unwanted : outputs,
    .observer = session->observer,
    .user_data = session->observer_data,
    .stored = session->stored,
    .cancel = session->cancel,
  };
  return session->plugin->ops.backend->step (session->instance, &step, error);
}

bool
sf_session_step_checked (SfSession *session, const char *entry, unsigned phases,
                         const SfTensor *inputs, SfTensor *outputs, const SfHyper *hyper,
                         GError **error)
{
  Entry *found = find_entry (session, entry, error);
  return found != NULL && run_step (session, found, phases, inputs, outputs, hyper, error);
}

bool
sf_session_step (SfSession *session, const char *entry, unsigned phases, const SfTensor *inputs,
                 SfTensor *outputs, const SfHyper *hyper, GError **error)
{
  if (phases == 0 || (phases & ~SF_PHASES_ALL) != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "step of %s: phases 0x%x, wanted bits of 1 << SF_PHASE_FWD, BWD, OPT", entry,
                    phases);
  Entry *found = find_entry (session, entry, error);
  return found != NULL
         && ((phases & (1u << SF_PHASE_FWD)) == 0 || check_inputs (found, inputs, error))
         && run_step (session, found, phases, inputs, outputs, hyper, error);
}

/* Finds the state that `name` ("w", "grad:w") is about. */
static bool
find_state (const SfSession *session, const char *name, SfPort *out, GError **error)
{
  const char *state = g_str_has_prefix (name, "grad:") ? name + strlen ("grad:") : name;
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  for (size_t i = 0; sf_session_state (session, i, out); i++)
    {
      if (strcmp (out->name, state) == 0)
        return true;
      g_ptr_array_add (known, (char *) out->name);
    }
  const char *near = sf_nearest_word (state, (const char *const *) known->pdata, known->len);
  return sf_fail (error, SF_ERROR_NOT_FOUND, "%s: has no state \"%s\"%s%s%s",
                  sf_pef_name (session->pef), state, near ? "; did you mean " : "",
                  near ? near : "", near ? "?" : "");
}

bool
sf_session_read (SfSession *session, const char *name, SfTensor *tensor, GError **error)
{
  SfPort port;
  if (!find_state (session, name, &port, error))
    return false;
  bool own = tensor->data == NULL;
  if (own && !sf_tensor_alloc (port.dtype, &port.shape, tensor, error))
    return false;
  if (!sf_shape_equal (&tensor->shape, &port.shape))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "state %s: the tensor given has another shape", name);
  if (session->plugin->ops.backend->read (session->instance, name, tensor, error))
    return true;
  if (own)
    sf_tensor_clear (tensor);
  return false;
}

bool
sf_session_write (SfSession *session, const char *name, const SfTensor *tensor, GError **error)
{
  SfPort port;
  if (!find_state (session, name, &port, error))
    return false;
  if (!sf_shape_equal (&tensor->shape, &port.shape))
    {
      g_autofree char *found = sf_shape_text (&tensor->shape),
                      *wanted = sf_shape_text (&port.shape);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "state %s: found shape %s, wanted %s", name,
                      found, wanted);
    }
  return session->plugin->ops.backend->write (session->instance, name, tensor, error);
}

void
sf_session_set_cancel (SfSession *session, volatile const int *flag)
{
  session->cancel = flag;
}

void
sf_session_observe (SfSession *session, SfObserver observer, void *user_data, const uint8_t *stored)
{
  session->observer = observer;
  session->observer_data = user_data;
  session->stored = stored;
}

/* Whether the backend has the functions that a profile needs. */
static bool
check_records (const SfSession *session, GError **error)
{
  const SfBackendOps *ops = session->plugin->ops.backend;
  if (ops->record != NULL && ops->peak != NULL)
    return true;
  return sf_fail (error, SF_ERROR_UNSUPPORTED,
                  "backend %s: keeps no records of what it does; profile with --backend rdu",
                  session->plugin->name);
}

bool
sf_session_record (SfSession *session, SfRecorder *recorder, GError **error)
{
  return check_records (session, error)
         && session->plugin->ops.backend->record (session->instance, recorder, error);
}

bool
sf_session_peak (SfSession *session, int n_threads, SfPeak *peak, GError **error)
{
  return check_records (session, error)
         && session->plugin->ops.backend->peak (session->instance, n_threads, peak, error);
}

int
sf_session_n_threads (const SfSession *session)
{
  return session->n_threads;
}

SfHyperTable *
sf_session_hyper (SfSession *session)
{
  return session->hyper;
}

char *
sf_session_describe (SfSession *session)
{
  const SfBackendOps *ops = session->plugin->ops.backend;
  return ops->describe == NULL ? g_strdup ("") : ops->describe (session->instance);
}
