/* SPDX-License-Identifier: Apache-2.0 */
/* SfProgram: its tensors, its configs and what they share; entries live in entry.c. */
#include "core/program/program.h"

#include <string.h>

#include <sf/checked.h>

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static void
entry_store_free (void *data)
{
  SfEntryStore *entry = data;
  for (guint i = 0; i < entry->launches->len; i++)
    {
      SfLaunchStore *launch = &AT (entry->launches, SfLaunchStore, i);
      g_array_unref (launch->origins);
      g_array_unref (launch->stage_names);
    }
  g_array_unref (entry->launches);
  g_array_unref (entry->inputs);
  g_array_unref (entry->scalars);
  g_array_unref (entry->outputs);
  g_array_unref (entry->grads);
  g_free (entry);
}

void
sf_config_store_free (void *store)
{
  SfConfigStore *config = store;
  g_array_unref (config->buffers);
  g_array_unref (config->streams);
  g_array_unref (config->stages);
  g_array_unref (config->places);
  g_array_unref (config->routes);
  g_free (config);
}

SfProgram *
sf_program_new (void)
{
  SfProgram *program = g_new0 (SfProgram, 1);
  g_atomic_ref_count_init (&program->ref_count);
  program->strings = g_string_chunk_new (4096);
  program->pool = g_ptr_array_new_with_free_func (g_free);
  program->blobs = g_ptr_array_new_with_free_func (sf_aligned_free);
  program->owners = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  program->tensors = g_array_new (FALSE, TRUE, sizeof (SfProgramTensor));
  program->configs = g_ptr_array_new_with_free_func (sf_config_store_free);
  program->host_graphs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_graph_unref);
  program->entries = g_ptr_array_new_with_free_func (entry_store_free);
  return program;
}

SfProgram *
sf_program_ref (SfProgram *program)
{
  g_atomic_ref_count_inc (&program->ref_count);
  return program;
}

void
sf_program_unref (SfProgram *program)
{
  if (program == NULL || !g_atomic_ref_count_dec (&program->ref_count))
    return;
  g_ptr_array_unref (program->entries);
  g_ptr_array_unref (program->host_graphs);
  g_ptr_array_unref (program->configs);
  g_array_unref (program->tensors);
  g_ptr_array_unref (program->blobs);
  g_ptr_array_unref (program->owners);
  g_ptr_array_unref (program->pool);
  g_string_chunk_free (program->strings);
  g_free (program);
}

const char *
sf_program_intern (SfProgram *program, const char *text)
{
  return text != NULL ? g_string_chunk_insert_const (program->strings, text) : NULL;
}

void *
sf_program_pool (SfProgram *program, const void *elems, size_t n, size_t elem_bytes)
{
  if (n == 0)
    return NULL;
  void *copy = g_memdup2 (elems, n * elem_bytes);
  g_ptr_array_add (program->pool, copy);
  return copy;
}

/* ---- tensors ---- */

static uint32_t
append_tensor (SfProgram *program, const SfProgramTensor *tensor, const void *data)
{
  SfProgramTensor copy = *tensor;
  copy.name = sf_program_intern (program, tensor->name);
  copy.data = data;
  if (data == NULL)
    copy.data_bytes = 0;
  g_array_append_val (program->tensors, copy);
  return program->tensors->len - 1;
}

uint32_t
sf_program_add_tensor (SfProgram *program, const SfProgramTensor *tensor)
{
  void *data = NULL;
  if (tensor->data != NULL)
    {
      data = sf_aligned_alloc (tensor->data_bytes, 1, "tensor data", NULL);
      g_assert (data != NULL);
      memcpy (data, tensor->data, tensor->data_bytes);
      g_ptr_array_add (program->blobs, data);
    }
  return append_tensor (program, tensor, data);
}

uint32_t
sf_program_add_mapped_tensor (SfProgram *program, const SfProgramTensor *tensor, GBytes *owner)
{
  guint n = program->owners->len;
  if (tensor->data != NULL && (n == 0 || program->owners->pdata[n - 1] != owner))
    g_ptr_array_add (program->owners, g_bytes_ref (owner));
  return append_tensor (program, tensor, tensor->data);
}

void
sf_program_set_file (SfProgram *program, const SfFileMap *file, const char *name)
{
  program->file = *file;
  program->file_name = sf_program_intern (program, name);
}

bool
sf_program_check_file (const SfProgram *program, GError **error)
{
  return sf_file_map_check (&program->file, program->file_name, error);
}

void
sf_program_let_go (const SfProgram *program, uint32_t tensor)
{
  const SfProgramTensor *t = &g_array_index (program->tensors, SfProgramTensor, tensor);
  if (t->data != NULL)
    sf_file_map_let_go (&program->file, t->data, t->data_bytes);
}

void
sf_program_set_memory (SfProgram *program, uint32_t tensor, uint32_t level, int64_t offset_bytes)
{
  SfProgramTensor *t = &AT (program->tensors, SfProgramTensor, tensor);
  t->level = level;
  t->offset_bytes = offset_bytes;
}

size_t
sf_program_n_tensors (const SfProgram *program)
{
  return program->tensors->len;
}

SfProgramTensor
sf_program_tensor (const SfProgram *program, uint32_t tensor)
{
  return AT (program->tensors, SfProgramTensor, tensor);
}

/* ---- configs ---- */

const SfConfigStore *
sf_program_config (const SfProgram *program, uint32_t config)
{
  return program->configs->pdata[config];
}

static SfConfigStore *
config_store (SfProgram *program, uint32_t config)
{
  return program->configs->pdata[config];
}

uint32_t
sf_program_add_config (SfProgram *program)
{
  SfConfigStore *config = g_new0 (SfConfigStore, 1);
  config->buffers = g_array_new (FALSE, TRUE, sizeof (SfBuffer));
  config->streams = g_array_new (FALSE, TRUE, sizeof (SfStream));
  config->stages = g_array_new (FALSE, TRUE, sizeof (SfStage));
  config->places = g_array_new (FALSE, TRUE, sizeof (SfPlace));
  config->routes = g_array_new (FALSE, TRUE, sizeof (SfRoute));
  g_ptr_array_add (program->configs, config);
  return program->configs->len - 1;
}

uint32_t
sf_config_add_buffer (SfProgram *program, uint32_t config, const SfBuffer *buffer)
{
  GArray *buffers = config_store (program, config)->buffers;
  SfBuffer copy = *buffer;
  copy.name = sf_program_intern (program, buffer->name);
  g_array_append_val (buffers, copy);
  return buffers->len - 1;
}

uint32_t
sf_config_add_stream (SfProgram *program, uint32_t config, const SfStream *stream)
{
  GArray *streams = config_store (program, config)->streams;
  g_array_append_val (streams, *stream);
  return streams->len - 1;
}

uint32_t
sf_config_add_stage (SfProgram *program, uint32_t config, const SfStage *stage)
{
  GArray *stages = config_store (program, config)->stages;
  SfStage copy = *stage;
  copy.name = sf_program_intern (program, stage->name);
  copy.operands = sf_program_pool (program, stage->operands, stage->n_operands, sizeof (SfOperand));
  SfInstr *instrs = sf_program_pool (program, stage->instrs, stage->n_instrs, sizeof (SfInstr));
  for (size_t i = 0; i < stage->n_instrs; i++)
    instrs[i].op = sf_program_intern (program, instrs[i].op);
  copy.instrs = instrs;
  g_array_append_val (stages, copy);
  return stages->len - 1;
}

void
sf_config_set_buffer (SfProgram *program, uint32_t config, uint32_t buffer, int64_t depth,
                      int64_t n_pmus)
{
  SfBuffer *b = &AT (config_store (program, config)->buffers, SfBuffer, buffer);
  b->depth = depth;
  b->n_pmus = n_pmus;
}

void
sf_config_set_stage (SfProgram *program, uint32_t config, uint32_t stage, int64_t n_pcus,
                     int64_t interval_cycles, int64_t latency_cycles)
{
  SfStage *s = &AT (config_store (program, config)->stages, SfStage, stage);
  s->n_pcus = n_pcus;
  s->interval_cycles = interval_cycles;
  s->latency_cycles = latency_cycles;
}

void
sf_config_set_places (SfProgram *program, uint32_t config, const SfPlace *places, size_t n)
{
  GArray *array = config_store (program, config)->places;
  g_array_set_size (array, 0);
  if (n > 0)
    g_array_append_vals (array, places, (guint) n);
}

void
sf_config_set_routes (SfProgram *program, uint32_t config, const SfRoute *routes, size_t n)
{
  GArray *array = config_store (program, config)->routes;
  g_array_set_size (array, 0);
  for (size_t i = 0; i < n; i++)
    {
      SfRoute copy = routes[i];
      copy.sinks = sf_program_pool (program, routes[i].sinks, routes[i].n_sinks, sizeof (uint32_t));
      copy.hops = sf_program_pool (program, routes[i].hops, routes[i].n_hops, 4 * sizeof (int32_t));
      g_array_append_val (array, copy);
    }
}

size_t
sf_program_n_configs (const SfProgram *program)
{
  return program->configs->len;
}

size_t
sf_config_n_stages (const SfProgram *program, uint32_t config)
{
  return sf_program_config (program, config)->stages->len;
}

SfStage
sf_config_stage (const SfProgram *program, uint32_t config, uint32_t stage)
{
  return *sf_config_stage_at (program, config, stage);
}

const SfStage *
sf_config_stage_at (const SfProgram *program, uint32_t config, uint32_t stage)
{
  return &AT (sf_program_config (program, config)->stages, SfStage, stage);
}

size_t
sf_config_n_buffers (const SfProgram *program, uint32_t config)
{
  return sf_program_config (program, config)->buffers->len;
}

SfBuffer
sf_config_buffer (const SfProgram *program, uint32_t config, uint32_t buffer)
{
  return AT (sf_program_config (program, config)->buffers, SfBuffer, buffer);
}

size_t
sf_config_n_streams (const SfProgram *program, uint32_t config)
{
  return sf_program_config (program, config)->streams->len;
}

SfStream
sf_config_stream (const SfProgram *program, uint32_t config, uint32_t stream)
{
  return AT (sf_program_config (program, config)->streams, SfStream, stream);
}

/* A slot beyond the number of streams cannot be used by all of 0 .. max, so it is the verifier's to
 * refuse; here it must only not overflow. */
size_t
sf_config_n_slots (const SfProgram *program, uint32_t config)
{
  const GArray *streams = sf_program_config (program, config)->streams;
  size_t n = 0;
  for (guint i = 0; i < streams->len; i++)
    n = MAX (n, (size_t) AT (streams, SfStream, i).slot + 1);
  return n;
}

size_t
sf_config_n_places (const SfProgram *program, uint32_t config)
{
  return sf_program_config (program, config)->places->len;
}

SfPlace
sf_config_place (const SfProgram *program, uint32_t config, uint32_t place)
{
  return AT (sf_program_config (program, config)->places, SfPlace, place);
}

size_t
sf_config_n_routes (const SfProgram *program, uint32_t config)
{
  return sf_program_config (program, config)->routes->len;
}

SfRoute
sf_config_route (const SfProgram *program, uint32_t config, uint32_t route)
{
  return AT (sf_program_config (program, config)->routes, SfRoute, route);
}

/* ---- host graphs ---- */

uint32_t
sf_program_add_host_graph (SfProgram *program, SfGraph *graph)
{
  g_ptr_array_add (program->host_graphs, sf_graph_ref (graph));
  return program->host_graphs->len - 1;
}

size_t
sf_program_n_host_graphs (const SfProgram *program)
{
  return program->host_graphs->len;
}

const SfGraph *
sf_program_host_graph (const SfProgram *program, uint32_t index)
{
  return program->host_graphs->pdata[index];
}
