/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a program in which one record is changed. */
#include "tests/passes/copy.h"

#include <string.h>

typedef struct
{
  const SfProgram *from;
  SfProgram *to;
  const CopyHooks *hooks;
} Copy;

static void
copy_tensors (const Copy *c)
{
  for (uint32_t t = 0; t < sf_program_n_tensors (c->from); t++)
    {
      SfProgramTensor tensor = sf_program_tensor (c->from, t);
      if (c->hooks->tensor != NULL)
        c->hooks->tensor (c->hooks->data, t, &tensor);
      sf_program_add_tensor (c->to, &tensor);
    }
}

static void
copy_stage (const Copy *c, uint32_t config, uint32_t index)
{
  SfStage stage = sf_config_stage (c->from, config, index);
  g_autofree SfOperand *operands = g_memdup2 (stage.operands,
                                              stage.n_operands * sizeof (SfOperand));
  g_autofree SfInstr *instrs = g_memdup2 (stage.instrs, stage.n_instrs * sizeof (SfInstr));
  stage.operands = operands;
  stage.instrs = instrs;
  if (c->hooks->stage != NULL)
    c->hooks->stage (c->hooks->data, config, index, &stage, operands, instrs);
  sf_config_add_stage (c->to, config, &stage);
}

static void
copy_places (const Copy *c, uint32_t config)
{
  size_t n = sf_config_n_places (c->from, config);
  g_autofree SfPlace *places = g_new0 (SfPlace, n + 1);
  for (uint32_t i = 0; i < n; i++)
    places[i] = sf_config_place (c->from, config, i);
  if (c->hooks->places != NULL)
    c->hooks->places (c->hooks->data, config, places, &n);
  sf_config_set_places (c->to, config, places, n);
}

static void
copy_routes (const Copy *c, uint32_t config)
{
  size_t n = sf_config_n_routes (c->from, config);
  g_autofree SfRoute *routes = g_new0 (SfRoute, n + 1);
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  for (uint32_t i = 0; i < n; i++)
    {
      routes[i] = sf_config_route (c->from, config, i);
      uint32_t *sinks = g_new0 (uint32_t, routes[i].n_sinks + 1);
      int32_t *hops = g_new0 (int32_t, 4 * (routes[i].n_hops + 1));
      memcpy (sinks, routes[i].sinks, routes[i].n_sinks * sizeof *sinks);
      if (routes[i].n_hops > 0)
        memcpy (hops, routes[i].hops, routes[i].n_hops * 4 * sizeof *hops);
      routes[i].sinks = sinks;
      routes[i].hops = hops;
      g_ptr_array_add (owned, sinks);
      g_ptr_array_add (owned, hops);
    }
  if (c->hooks->routes != NULL)
    c->hooks->routes (c->hooks->data, config, routes, &n);
  sf_config_set_routes (c->to, config, routes, n);
}

static void
copy_config (const Copy *c, uint32_t config)
{
  sf_program_add_config (c->to);
  for (uint32_t b = 0; b < sf_config_n_buffers (c->from, config); b++)
    {
      SfBuffer buffer = sf_config_buffer (c->from, config, b);
      if (c->hooks->buffer != NULL)
        c->hooks->buffer (c->hooks->data, config, b, &buffer);
      sf_config_add_buffer (c->to, config, &buffer);
    }
  for (uint32_t s = 0; s < sf_config_n_streams (c->from, config); s++)
    {
      SfStream stream = sf_config_stream (c->from, config, s);
      if (c->hooks->stream != NULL)
        c->hooks->stream (c->hooks->data, config, s, &stream);
      sf_config_add_stream (c->to, config, &stream);
    }
  for (uint32_t s = 0; s < sf_config_n_stages (c->from, config); s++)
    copy_stage (c, config, s);
  copy_places (c, config);
  copy_routes (c, config);
}

static void
copy_launch (const Copy *c, uint32_t entry, uint32_t index)
{
  SfLaunch launch = sf_entry_launch (c->from, entry, index);
  g_autofree SfBinding *bindings = g_memdup2 (launch.bindings,
                                              launch.n_bindings * sizeof (SfBinding));
  g_autofree uint32_t *deps = g_memdup2 (launch.deps, launch.n_deps * sizeof (uint32_t));
  launch.bindings = bindings;
  launch.deps = deps;
  if (c->hooks->launch != NULL)
    c->hooks->launch (c->hooks->data, entry, index, &launch, bindings, deps);
  sf_entry_add_launch (c->to, entry, &launch);
}

static void
copy_entry (const Copy *c, uint32_t entry)
{
  sf_program_add_entry (c->to, sf_entry_name (c->from, entry));
  for (size_t i = 0; i < sf_entry_n_inputs (c->from, entry); i++)
    sf_entry_add_input (c->to, entry, sf_entry_input (c->from, entry, i));
  for (size_t i = 0; i < sf_entry_n_scalars (c->from, entry); i++)
    sf_entry_add_scalar (c->to, entry, sf_entry_scalar (c->from, entry, i));
  for (size_t i = 0; i < sf_entry_n_outputs (c->from, entry); i++)
    sf_entry_add_output (c->to, entry, sf_entry_output (c->from, entry, i),
                         sf_entry_output_name (c->from, entry, i),
                         sf_entry_output_role (c->from, entry, i));
  for (size_t i = 0; i < sf_entry_n_grads (c->from, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (c->from, entry, i, &state, &grad);
      sf_entry_add_grad (c->to, entry, state, grad);
    }
  for (uint32_t l = 0; l < sf_entry_n_launches (c->from, entry); l++)
    copy_launch (c, entry, l);
}

SfProgram *
test_copy (const SfProgram *program, const CopyHooks *hooks)
{
  Copy c = { program, sf_program_new (), hooks };
  copy_tensors (&c);
  for (uint32_t i = 0; i < sf_program_n_configs (program); i++)
    copy_config (&c, i);
  for (uint32_t i = 0; i < sf_program_n_host_graphs (program); i++)
    sf_program_add_host_graph (c.to, (SfGraph *) sf_program_host_graph (program, i));
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    copy_entry (&c, e);
  return c.to;
}
