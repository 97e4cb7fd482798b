/* SPDX-License-Identifier: Apache-2.0 */
/* One call of an entry: feeds in, launches in order, states handed over at the end of each phase,
 * outputs out. */
#include <string.h>

#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/memory.h"

#define ELEM_BYTES 4 /* of what kernels read */

/* Memory of the buffers for this run: states change places between runs. */
static void
resolve (const RduMachine *machine, RduLaunch *launch)
{
  for (size_t b = 0; b < launch->config->n_buffers; b++)
    {
      const RduHome *home = &launch->home[b];
      const RduBuffer *buffer = &launch->config->buffers[b];
      if (buffer->room_elems > 0)
        launch->base[b] = machine->whole != NULL ? machine->whole + buffer->whole_offset : NULL;
      else if (home->tensor == SF_NONE)
        launch->base[b] = machine->arena + home->offset;
      else
        launch->base[b] = (int32_t *) machine->tensors[home->tensor].data + home->offset;
    }
}

static void
transfer (RduMachine *machine, RduLaunch *launch, const RduTransfer *transfer, bool out)
{
  const RduBuffer *buffer = &launch->config->buffers[transfer->buffer];
  const RduTensor *tensor = &machine->tensors[transfer->home.tensor];
  int32_t *memory = (int32_t *) tensor->data + transfer->home.offset;
  if (out)
    memcpy (memory, launch->base[transfer->buffer], (size_t) buffer->n_elems * 4);
  else
    memcpy (launch->base[transfer->buffer], memory, (size_t) buffer->n_elems * 4);
  SfDtype dtype = out ? tensor->dtype : buffer->dtype;
  if (tensor->dtype != buffer->dtype)
    rdu_settle_parallel (machine, dtype, out ? memory : launch->base[transfer->buffer],
                         buffer->n_elems);
}

static void
transfer_all (RduMachine *machine, RduLaunch *launch, const RduTransfer *transfers, size_t n,
              bool out)
{
  int64_t begin = rdu_probe_begin (&machine->probe);
  for (size_t i = 0; i < n; i++)
    transfer (machine, launch, &transfers[i], out);
  if (n > 0)
    rdu_probe_end (&machine->probe, 0, SF_RECORD_MOVE, SF_NONE, begin);
}

/* Whether no stage after `position` writes the buffer. */
static bool
is_complete (const RduConfig *config, size_t position, uint32_t buffer)
{
  for (size_t s = position + 1; s < config->n_stages; s++)
    if (rdu_stage_writes (&config->stages[s], buffer))
      return false;
  return true;
}

static void
observe (RduMachine *machine, const RduEntry *entry, RduLaunch *launch, size_t position, uint32_t b,
         const SfBackendStep *step)
{
  const RduStage *stage = &launch->config->stages[position];
  const RduBuffer *buffer = &launch->config->buffers[b];
  SfValue origin = sf_launch_origin (machine->program, entry->index, launch->index, b);
  if (origin == SF_NONE || !is_complete (launch->config, position, b))
    return;
  bool permutes = rdu_layout_permutes (&buffer->shape, buffer->channels_last);
  g_autofree int32_t *rows = permutes ? g_new (int32_t, buffer->n_elems) : NULL;
  if (permutes)
    rdu_layout_gather (&buffer->shape, 0, buffer->n_elems, rows, launch->base[b], 0);
  SfTensor tensor = sf_tensor (buffer->is_int ? SF_I32 : SF_F32, buffer->shape,
                               permutes ? rows : launch->base[b]);
  SfObserved observed = { .entry = entry->name,
                          .stage = rdu_stage_name (machine, entry, launch, stage),
                          .value = origin,
                          .phase = launch->phase,
                          .tensor = &tensor };
  step->observer (step->user_data, &observed);
  if (permutes)
    rdu_layout_scatter (&buffer->shape, 0, buffer->n_elems, rows, launch->base[b], 0);
  rdu_settle_parallel (machine, buffer->dtype, launch->base[b], buffer->n_elems);
}

/* The output operand that is first to name its buffer. */
static bool
is_first_of_buffer (const RduStage *stage, size_t operand)
{
  for (size_t o = 0; o < operand; o++)
    if (stage->operands[o].kind == SF_OPERAND_OUT
        && stage->operands[o].buffer == stage->operands[operand].buffer)
      return false;
  return stage->operands[operand].kind == SF_OPERAND_OUT;
}

/* An observer wants whole buffers: then each stage runs by itself, those of chains, too. */
static bool
run_stage (RduMachine *machine, const RduEntry *entry, RduLaunch *launch, size_t position,
           const SfBackendStep *step, GError **error)
{
  const RduStage *stage = &launch->config->stages[position];
  RduSection alone = { 0 };
  rdu_section_init (&alone, machine, launch, position, 1, false);
  rdu_section_want (&alone);
  rdu_section_run (&alone, machine);
  rdu_section_clear (&alone);
  if (!rdu_check_faults (machine, entry, launch, error))
    return false;
  for (size_t o = 0; o < stage->n_operands; o++)
    if (is_first_of_buffer (stage, o))
      observe (machine, entry, launch, position, stage->operands[o].buffer, step);
  return true;
}

static bool
run_stages (RduMachine *machine, const RduEntry *entry, RduLaunch *launch,
            const SfBackendStep *step, GError **error)
{
  if (!rdu_launch_pack (machine, launch, error))
    return false;
  if (step->observer == NULL)
    {
      rdu_turns_begin (launch->turns, launch->config->n_chains);
      rdu_section_run (&launch->section, machine);
      return rdu_check_faults (machine, entry, launch, error);
    }
  for (size_t s = 0; s < launch->config->n_stages; s++)
    if (launch->wanted[s] != 0 && !run_stage (machine, entry, launch, s, step, error))
      return false;
  return true;
}

static bool
run_rdu (RduMachine *machine, const RduEntry *entry, RduLaunch *launch, const SfBackendStep *step,
         GError **error)
{
  if (machine->exact_firing)
    return rdu_launch_exact (machine, entry, launch, error);
  resolve (machine, launch);
  transfer_all (machine, launch, launch->loads, launch->n_loads, false);
  if (!run_stages (machine, entry, launch, step, error))
    return false;
  transfer_all (machine, launch, launch->stores, launch->n_stores, true);
  return true;
}

/* View of what a host launch is bound to, with the shape of the graph's value. */
static SfTensor
bound_tensor (const RduMachine *machine, const RduLaunch *launch, const SfBinding *binding,
              SfValue value)
{
  const RduTensor *tensor = &machine->tensors[binding->tensor];
  char *data = (char *) tensor->data
               + binding->offset_elems * (int64_t) sf_dtype_bytes (tensor->storage);
  return sf_tensor (tensor->storage, *sf_value_shape (launch->graph, value), data);
}

static bool
run_host (RduMachine *machine, RduEntry *entry, RduLaunch *launch, GError **error)
{
  size_t n_inputs = sf_graph_n_inputs (launch->graph),
         n_outputs = sf_graph_n_outputs (launch->graph);
  g_autofree SfFeed *feeds = g_new0 (SfFeed, n_inputs + 1);
  g_autofree SfFetch *fetches = g_new0 (SfFetch, n_outputs + 1);
  SfEvaluateOptions options = { .n_threads = machine->n_threads };
  if (!sf_program_check_file (machine->program, error))
    return false;
  int64_t begin = g_get_monotonic_time (), started = rdu_probe_begin (&machine->probe);
  for (size_t i = 0; i < n_inputs; i++)
    {
      feeds[i].value = sf_graph_input_at (launch->graph, i);
      feeds[i].tensor = bound_tensor (machine, launch, &launch->bindings[i], feeds[i].value);
    }
  for (size_t i = 0; i < n_outputs; i++)
    {
      fetches[i].value = sf_graph_output_at (launch->graph, i, NULL, NULL);
      fetches[i].tensor = bound_tensor (machine, launch, &launch->bindings[n_inputs + i],
                                        fetches[i].value);
    }
  if (!sf_evaluate (launch->graph, &options, feeds, n_inputs, fetches, n_outputs, error))
    return false;
  for (size_t i = 0; i < n_outputs; i++)
    rdu_settle (machine->isa, machine->tensors[launch->bindings[n_inputs + i].tensor].dtype,
                fetches[i].tensor.data, sf_shape_n_elems (&fetches[i].tensor.shape));
  entry->host_launches++;
  entry->host_us += g_get_monotonic_time () - begin;
  rdu_probe_end (&machine->probe, 0, SF_RECORD_HOST, SF_NONE, started);
  return true;
}

/* Next contents become states. */
static void
commit (RduMachine *machine, const RduEntry *entry, SfPhase phase)
{
  int64_t begin = rdu_probe_begin (&machine->probe);
  for (size_t i = 0; i < entry->n_commits; i++)
    {
      const RduCommit *c = &entry->commits[i];
      if (c->phase != phase)
        continue;
      RduTensor *state = &machine->tensors[c->state], *next = &machine->tensors[c->next];
      state->version++;
      if (c->in_place)
        continue;
      if (c->copies)
        memcpy (state->data, next->data, (size_t) state->n_elems * sf_dtype_bytes (state->storage));
      else
        {
          void *old = state->data;
          state->data = next->data;
          next->data = old;
        }
    }
  rdu_probe_end (&machine->probe, 0, SF_RECORD_COMMIT, SF_NONE, begin);
}

static bool
run_phase (RduMachine *machine, RduEntry *entry, SfPhase phase, const SfBackendStep *step,
           GError **error)
{
  /* From then on the phase is gone through with: the states are those of a whole one. */
  bool has_replaced = false;
  for (size_t l = 0; l < entry->n_launches; l++)
    {
      RduLaunch *launch = &entry->launches[l];
      if (launch->phase != phase || !launch->is_wanted)
        continue;
      for (uint32_t r = 0; r < launch->repeat; r++)
        {
          if (!has_replaced && step->cancel != NULL && *step->cancel != 0)
            return sf_fail (
                error, SF_ERROR_CANCELLED,
                "entry %s: stopped on request before launch %u; the states are those of the last whole phase",
                entry->name, (unsigned) launch->index);
          has_replaced |= launch->replaces;
          machine->probe.launch = launch->index;
          if (!(launch->target == SF_TARGET_HOST ? run_host (machine, entry, launch, error)
                                                 : run_rdu (machine, entry, launch, step, error)))
            return false;
        }
    }
  machine->probe.launch = SF_NONE;
  commit (machine, entry, phase);
  return true;
}

/* Whether the caller's memory can be the tensor's own: it is as ours would be, nobody writes to it,
 * and no later call needs it. */
static bool
is_fed_in_place (const RduEntry *entry, const RduTensor *tensor, const SfBackendStep *step,
                 const SfTensor *from)
{
  return (entry->phases & ~step->phases) == 0 && !tensor->is_written && from->dtype == tensor->dtype
         && (tensor->dtype == SF_F32 || tensor->dtype == SF_I32)
         && (uintptr_t) from->data % ELEM_BYTES == 0 && sf_tensor_is_dense (from)
         && sf_shape_n_elems (&from->shape) == tensor->n_elems
         && !rdu_layout_permutes (&tensor->shape, tensor->channels_last);
}

static bool
feed_input (RduMachine *machine, const RduEntry *entry, const SfBackendStep *step, size_t input,
            GError **error)
{
  uint32_t index = sf_entry_input (machine->program, entry->index, input);
  RduTensor *tensor = &machine->tensors[index];
  const SfTensor *from = &step->inputs[input];
  if (!is_fed_in_place (entry, tensor, step, from))
    return rdu_tensor_write (machine, index, from, error);
  tensor->before_fed = tensor->data;
  tensor->data = from->data;
  tensor->version++;
  return true;
}

static bool
feed (RduMachine *machine, const RduEntry *entry, const SfBackendStep *step, GError **error)
{
  const SfProgram *program = machine->program;
  int64_t begin = rdu_probe_begin (&machine->probe);
  for (size_t i = 0;
       (step->phases & 1u << SF_PHASE_FWD) != 0 && i < sf_entry_n_inputs (program, entry->index);
       i++)
    if (!feed_input (machine, entry, step, i, error))
      return false;
  for (size_t i = 0; i < sf_entry_n_scalars (program, entry->index); i++)
    if (step->scalars[i].data != NULL
        && !rdu_tensor_write (machine, sf_entry_scalar (program, entry->index, i),
                              &step->scalars[i], error))
      return false;
  rdu_probe_end (&machine->probe, 0, SF_RECORD_FEED, SF_NONE, begin);
  return true;
}

/* Inputs have their own memory again. */
static void
give_back (RduMachine *machine, const RduEntry *entry)
{
  for (size_t i = 0; i < sf_entry_n_inputs (machine->program, entry->index); i++)
    {
      RduTensor *tensor = &machine->tensors[sf_entry_input (machine->program, entry->index, i)];
      if (tensor->before_fed == NULL)
        continue;
      tensor->data = tensor->before_fed;
      tensor->before_fed = NULL;
    }
}

/* The outputs that are wanted. */
static bool
fetch (const RduMachine *machine, const RduEntry *entry, const SfBackendStep *step, GError **error)
{
  const SfProgram *program = machine->program;
  int64_t begin = rdu_probe_begin (&machine->probe);
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry->index); i++)
    if (step->outputs[i].data != NULL
        && !rdu_tensor_read (machine, sf_entry_output (program, entry->index, i), &step->outputs[i],
                             error))
      return false;
  rdu_probe_end (&machine->probe, 0, SF_RECORD_FETCH, SF_NONE, begin);
  return true;
}

bool
rdu_machine_step (RduMachine *machine, const SfBackendStep *step, GError **error)
{
  uint32_t index;
  if (!sf_program_find_entry (machine->program, step->entry, &index))
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "entry %s: not in this program; compile without --inference to train",
                    step->entry);
  RduEntry *entry = &machine->entries[index];
  if (machine->exact_firing && step->observer != NULL)
    return sf_fail (
        error, SF_ERROR_UNSUPPORTED,
        "exact firing: values move token by token and cannot be observed whole; compare without it");
  if ((step->phases & 1u << SF_PHASE_FWD) == 0 && machine->last_entry != SF_NONE
      && machine->last_entry != index)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "entry %s: found a step of entry %s since its forward phase, wanted none; run "
                    "its phases one after the other",
                    entry->name, machine->entries[machine->last_entry].name);
  if (step->observer != NULL && machine->whole == NULL
      && (machine->whole = rdu_memory_new (machine->whole_elems, "memory of what is observed",
                                           error))
             == NULL)
    return false;
  machine->last_entry = index;
  rdu_entry_want (machine, entry, step);
  machine->probe.launch = SF_NONE;
  bool good = feed (machine, entry, step, error);
  for (int phase = 0; phase < SF_N_PHASES && good; phase++)
    good = (step->phases & 1u << phase) == 0
           || run_phase (machine, entry, (SfPhase) phase, step, error);
  if (good && (step->phases & 1u << SF_PHASE_FWD) != 0 && step->outputs != NULL)
    good = fetch (machine, entry, step, error);
  give_back (machine, entry);
  return good;
}
