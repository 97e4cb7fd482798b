/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a program: launches, interface tensors, gradients and the debug map. */
#include <string.h>

#include "core/program/program.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

const SfEntryStore *
sf_program_entry (const SfProgram *program, uint32_t entry)
{
  return program->entries->pdata[entry];
}

static SfEntryStore *
entry_store (SfProgram *program, uint32_t entry)
{
  return program->entries->pdata[entry];
}

uint32_t
sf_program_add_entry (SfProgram *program, const char *name)
{
  SfEntryStore *entry = g_new0 (SfEntryStore, 1);
  entry->name = sf_program_intern (program, name);
  entry->launches = g_array_new (FALSE, TRUE, sizeof (SfLaunchStore));
  entry->inputs = g_array_new (FALSE, TRUE, sizeof (uint32_t));
  entry->scalars = g_array_new (FALSE, TRUE, sizeof (uint32_t));
  entry->outputs = g_array_new (FALSE, TRUE, sizeof (SfEntryOutput));
  entry->grads = g_array_new (FALSE, TRUE, sizeof (SfEntryGrad));
  g_ptr_array_add (program->entries, entry);
  return program->entries->len - 1;
}

uint32_t
sf_entry_add_launch (SfProgram *program, uint32_t entry, const SfLaunch *launch)
{
  SfLaunchStore store = { .launch = *launch };
  store.launch.name = sf_program_intern (program, launch->name);
  store.launch.bindings = sf_program_pool (program, launch->bindings, launch->n_bindings,
                                           sizeof (SfBinding));
  store.launch.deps = sf_program_pool (program, launch->deps, launch->n_deps, sizeof (uint32_t));
  store.origins = g_array_new (FALSE, TRUE, sizeof (SfOrigin));
  store.stage_names = g_array_new (FALSE, TRUE, sizeof (SfStageName));
  GArray *launches = entry_store (program, entry)->launches;
  g_array_append_val (launches, store);
  return launches->len - 1;
}

void
sf_entry_add_input (SfProgram *program, uint32_t entry, uint32_t tensor)
{
  g_array_append_val (entry_store (program, entry)->inputs, tensor);
}

void
sf_entry_add_scalar (SfProgram *program, uint32_t entry, uint32_t tensor)
{
  g_array_append_val (entry_store (program, entry)->scalars, tensor);
}

void
sf_entry_add_output (SfProgram *program, uint32_t entry, uint32_t tensor, const char *name,
                     SfOutputRole role)
{
  SfEntryOutput output = { tensor, sf_program_intern (program, name), role };
  g_array_append_val (entry_store (program, entry)->outputs, output);
}

void
sf_entry_add_grad (SfProgram *program, uint32_t entry, uint32_t state, uint32_t grad)
{
  SfEntryGrad pair = { state, grad };
  g_array_append_val (entry_store (program, entry)->grads, pair);
}

size_t
sf_program_n_entries (const SfProgram *program)
{
  return program->entries->len;
}

const char *
sf_entry_name (const SfProgram *program, uint32_t entry)
{
  return sf_program_entry (program, entry)->name;
}

bool
sf_program_find_entry (const SfProgram *program, const char *name, uint32_t *entry)
{
  for (uint32_t i = 0; i < program->entries->len; i++)
    if (g_strcmp0 (sf_entry_name (program, i), name) == 0)
      {
        *entry = i;
        return true;
      }
  return false;
}

size_t
sf_entry_n_launches (const SfProgram *program, uint32_t entry)
{
  return sf_program_entry (program, entry)->launches->len;
}

static const SfLaunchStore *
launch_store (const SfProgram *program, uint32_t entry, uint32_t launch)
{
  return &AT (sf_program_entry (program, entry)->launches, SfLaunchStore, launch);
}

SfLaunch
sf_entry_launch (const SfProgram *program, uint32_t entry, uint32_t launch)
{
  return launch_store (program, entry, launch)->launch;
}

size_t
sf_entry_n_inputs (const SfProgram *program, uint32_t entry)
{
  return sf_program_entry (program, entry)->inputs->len;
}

uint32_t
sf_entry_input (const SfProgram *program, uint32_t entry, size_t index)
{
  return AT (sf_program_entry (program, entry)->inputs, uint32_t, index);
}

size_t
sf_entry_n_scalars (const SfProgram *program, uint32_t entry)
{
  return sf_program_entry (program, entry)->scalars->len;
}

uint32_t
sf_entry_scalar (const SfProgram *program, uint32_t entry, size_t index)
{
  return AT (sf_program_entry (program, entry)->scalars, uint32_t, index);
}

size_t
sf_entry_n_outputs (const SfProgram *program, uint32_t entry)
{
  return sf_program_entry (program, entry)->outputs->len;
}

uint32_t
sf_entry_output (const SfProgram *program, uint32_t entry, size_t index)
{
  return AT (sf_program_entry (program, entry)->outputs, SfEntryOutput, index).tensor;
}

const char *
sf_entry_output_name (const SfProgram *program, uint32_t entry, size_t index)
{
  return AT (sf_program_entry (program, entry)->outputs, SfEntryOutput, index).name;
}

SfOutputRole
sf_entry_output_role (const SfProgram *program, uint32_t entry, size_t index)
{
  return AT (sf_program_entry (program, entry)->outputs, SfEntryOutput, index).role;
}

size_t
sf_entry_n_grads (const SfProgram *program, uint32_t entry)
{
  return sf_program_entry (program, entry)->grads->len;
}

void
sf_entry_grad (const SfProgram *program, uint32_t entry, size_t index, uint32_t *state,
               uint32_t *grad)
{
  const SfEntryGrad *pair = &AT (sf_program_entry (program, entry)->grads, SfEntryGrad, index);
  *state = pair->state;
  *grad = pair->grad;
}

/* ---- debug map ---- */

SfValue
sf_launch_origin (const SfProgram *program, uint32_t entry, uint32_t launch, uint32_t buffer)
{
  const GArray *origins = launch_store (program, entry, launch)->origins;
  for (guint i = 0; i < origins->len; i++)
    if (AT (origins, SfOrigin, i).buffer == buffer)
      return AT (origins, SfOrigin, i).origin;
  return SF_NONE;
}

const char *
sf_launch_stage_name (const SfProgram *program, uint32_t entry, uint32_t launch, uint32_t stage)
{
  const GArray *names = launch_store (program, entry, launch)->stage_names;
  for (guint i = 0; i < names->len; i++)
    if (AT (names, SfStageName, i).stage == stage)
      return AT (names, SfStageName, i).name;
  return NULL;
}

void
sf_launch_set_origin (SfProgram *program, uint32_t entry, uint32_t launch, uint32_t buffer,
                      SfValue origin)
{
  GArray *origins = launch_store (program, entry, launch)->origins;
  for (guint i = 0; i < origins->len; i++)
    if (AT (origins, SfOrigin, i).buffer == buffer)
      {
        AT (origins, SfOrigin, i).origin = origin;
        return;
      }
  SfOrigin pair = { buffer, origin };
  g_array_append_val (origins, pair);
}

void
sf_launch_set_stage_name (SfProgram *program, uint32_t entry, uint32_t launch, uint32_t stage,
                          const char *name)
{
  const char *text = sf_program_intern (program, name);
  GArray *names = launch_store (program, entry, launch)->stage_names;
  for (guint i = 0; i < names->len; i++)
    if (AT (names, SfStageName, i).stage == stage)
      {
        AT (names, SfStageName, i).name = text;
        return;
      }
  SfStageName pair = { stage, text };
  g_array_append_val (names, pair);
}
