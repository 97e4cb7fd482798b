/* SPDX-License-Identifier: Apache-2.0 */
/* The backend plugin `rdu`: the emulator of a reconfigurable dataflow unit. */
#include <string.h>

#include <sf/plugin/lower.h>

#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/peak.h"

static void *
backend_open (const SfBackendLoad *load, GError **error)
{
  if (load->f64)
    {
      sf_fail (error, SF_ERROR_UNSUPPORTED,
               "precision f64: an RDU computes in f32 at most; use --backend cpu");
      return NULL;
    }
  if (!sf_program_verify (load->program, load->arch, SF_CHECK_MEMORY, error))
    return NULL;
  return rdu_machine_open (load, error);
}

static void
backend_close (void *instance)
{
  rdu_machine_close (instance);
}

static bool
backend_step (void *instance, const SfBackendStep *step, GError **error)
{
  return rdu_machine_step (instance, step, error);
}

static bool
find_state (const RduMachine *machine, const char *name, uint32_t *out)
{
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    if (machine->tensors[t].role == SF_TENSOR_STATE && g_str_equal (machine->tensors[t].name, name))
      {
        *out = t;
        return true;
      }
  return false;
}

/* Whether the arena still holds what a step of the tensor's entry has left there. */
static bool
is_there (const RduMachine *machine, const RduTensor *tensor, const char *name, GError **error)
{
  if (tensor->entry == SF_NONE || machine->last_entry == SF_NONE
      || tensor->entry == machine->last_entry)
    return true;
  return sf_fail (error, SF_ERROR_NOT_FOUND,
                  "%s: found a step of entry %s since it was computed, wanted none; read it before",
                  name, machine->entries[machine->last_entry].name);
}

/* A state by name, or the gradient of a parameter by "grad:" and its name. */
static bool
find_tensor (const RduMachine *machine, const char *name, uint32_t *out, GError **error)
{
  bool is_grad = g_str_has_prefix (name, "grad:");
  uint32_t state, grad, of;
  if (find_state (machine, is_grad ? name + 5 : name, &state))
    {
      *out = state;
      if (!is_grad)
        return true;
      for (uint32_t e = 0; e < machine->n_entries; e++)
        for (size_t i = 0; i < sf_entry_n_grads (machine->program, e); i++)
          {
            sf_entry_grad (machine->program, e, i, &of, &grad);
            *out = grad;
            if (of == state && machine->tensors[grad].data != NULL)
              return is_there (machine, &machine->tensors[grad], name, error);
          }
      return sf_fail (
          error, SF_ERROR_NOT_FOUND,
          "%s: this program keeps no gradient of it in memory; compile the model for training",
          name);
    }
  return sf_fail (error, SF_ERROR_NOT_FOUND,
                  "%s: no such state in this program; sf inspect lists the states of a PEF", name);
}

static bool
backend_read (void *instance, const char *name, SfTensor *tensor, GError **error)
{
  uint32_t index;
  return find_tensor (instance, name, &index, error)
         && rdu_tensor_read (instance, index, tensor, error);
}

static bool
backend_write (void *instance, const char *name, const SfTensor *tensor, GError **error)
{
  uint32_t index;
  return find_tensor (instance, name, &index, error)
         && rdu_tensor_write (instance, index, tensor, error);
}

static int
by_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static int
n_channels_last (const RduMachine *machine)
{
  int n = 0;
  for (size_t c = 0; c < machine->n_configs; c++)
    for (size_t b = 0; b < machine->configs[c].n_buffers; b++)
      n += machine->configs[c].buffers[b].channels_last;
  return n;
}

static char *
backend_describe (void *instance)
{
  const RduMachine *machine = instance;
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  int64_t elems = machine->memory_elems + machine->arena_elems;
  for (size_t e = 0; e < machine->n_entries; e++)
    {
      const RduEntry *entry = &machine->entries[e];
      g_ptr_array_add (lines, g_strdup_printf ("host_launches.%s=%" G_GUINT64_FORMAT, entry->name,
                                               entry->host_launches));
      g_ptr_array_add (
          lines, g_strdup_printf ("host_us.%s=%" G_GINT64_FORMAT, entry->name, entry->host_us));
    }
  g_ptr_array_add (lines, g_strdup_printf ("arena_bytes=%" G_GINT64_FORMAT, elems * 4));
  g_ptr_array_add (lines, g_strdup_printf ("channels_last_buffers=%d", n_channels_last (machine)));
  g_ptr_array_add (lines,
                   g_strdup_printf ("exact_firing=%s", machine->exact_firing ? "true" : "false"));
  g_ptr_array_add (lines, g_strdup_printf ("isa=%s", machine->isa->name));
  g_ptr_array_add (lines, g_strdup_printf ("threads=%d", machine->n_threads));
  g_ptr_array_sort (lines, by_text);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "%s\n", (const char *) lines->pdata[i]);
  return g_string_free (text, FALSE);
}

static bool
backend_record (void *instance, SfRecorder *recorder, GError **error)
{
  RduMachine *machine = instance;
  if (recorder != NULL && recorder->n_lanes < (size_t) machine->n_threads)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "recorder: found %zu lanes, wanted one for each of %d threads",
                    recorder->n_lanes, machine->n_threads);
  if (recorder != NULL && machine->exact_firing)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "exact firing: its time says nothing about the machine; profile without it");
  machine->probe.recorder = recorder;
  return true;
}

static bool
backend_peak (void *instance, int n_threads, SfPeak *peak, GError **error)
{
  const RduMachine *machine = instance;
  if (n_threads < 1 || n_threads > machine->n_threads)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "peak: found %d threads, wanted 1 to %d",
                    n_threads, machine->n_threads);
  return rdu_peak_measure (machine->pool, n_threads, machine->isa->peak, peak, error);
}

static const SfBackendOps ops = {
  .size = sizeof (SfBackendOps),
  .supports = sf_lower_supports,
  .open = backend_open,
  .close = backend_close,
  .step = backend_step,
  .read = backend_read,
  .write = backend_write,
  .describe = backend_describe,
  .record = backend_record,
  .peak = backend_peak,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (
      SF_PLUGIN_BACKEND, "rdu", "1.0",
      "emulates a reconfigurable dataflow unit: runs the program of a PEF on this host's cores"),
  .ops.backend = &ops,
};
