/* SPDX-License-Identifier: Apache-2.0 */
/* What stages are for: outputs of the entry, or what outlasts the step. A step fires none whose
 * results only reach outputs that nobody asked for. */
#include "plugins/backends/rdu/machine.h"

#define ALWAYS     (UINT64_C (1) << 63) /* what outlasts the step */
#define EVERYTHING (UINT64_C (1) << 62) /* of each stage, for steps that leave nothing out */

static uint64_t
output_bit (size_t output)
{
  return output < 62 ? UINT64_C (1) << output : ALWAYS;
}

/* What each tensor is for when the entry ends. */
static uint64_t *
purposes_at_end (const RduMachine *machine, const RduEntry *entry)
{
  const SfProgram *program = machine->program;
  uint64_t *tensors = g_new0 (uint64_t, machine->n_tensors + 1);
  for (size_t t = 0; t < machine->n_tensors; t++)
    if (machine->tensors[t].role != SF_TENSOR_TEMP && machine->tensors[t].role != SF_TENSOR_OUTPUT)
      tensors[t] = ALWAYS;
  for (size_t i = 0; i < sf_entry_n_grads (program, entry->index); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (program, entry->index, i, &state, &grad);
      tensors[grad] = ALWAYS;
    }
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry->index); i++)
    tensors[sf_entry_output (program, entry->index, i)] |= output_bit (i);
  return tensors;
}

/* From the stages that read a buffer to the one that writes it; a launch that repeats itself may
 * read in one round what it wrote in another. */
static void
trace_rdu (RduLaunch *launch, uint64_t *tensors)
{
  const RduConfig *config = launch->config;
  g_autofree uint64_t *buffers = g_new0 (uint64_t, config->n_buffers + 1);
  launch->purposes = g_new0 (uint64_t, config->n_stages);
  for (size_t s = 0; s < config->n_streams; s++)
    if (config->streams[s].out)
      buffers[config->streams[s].buffer] |= tensors[launch->slots[config->streams[s].slot].tensor];
  for (size_t s = config->n_stages; s-- > 0;)
    {
      const RduStage *stage = &config->stages[s];
      uint64_t purpose = launch->repeat > 1 ? ALWAYS | EVERYTHING : EVERYTHING;
      for (size_t o = 0; o < stage->n_operands; o++)
        if (stage->operands[o].kind == SF_OPERAND_OUT)
          purpose |= buffers[stage->operands[o].buffer];
      for (size_t o = 0; o < stage->n_operands; o++)
        if (stage->operands[o].kind == SF_OPERAND_IN)
          buffers[stage->operands[o].buffer] |= purpose;
      launch->purposes[s] = purpose;
      launch->purpose |= purpose;
    }
  for (size_t s = 0; s < config->n_streams; s++)
    if (!config->streams[s].out)
      tensors[launch->slots[config->streams[s].slot].tensor] |= buffers[config->streams[s].buffer];
}

static void
trace_host (RduLaunch *launch, uint64_t *tensors)
{
  size_t n_inputs = sf_graph_n_inputs (launch->graph);
  launch->purpose = launch->repeat > 1 ? ALWAYS | EVERYTHING : EVERYTHING;
  for (size_t i = n_inputs; i < launch->n_bindings; i++)
    launch->purpose |= tensors[launch->bindings[i].tensor];
  for (size_t i = 0; i < n_inputs; i++)
    tensors[launch->bindings[i].tensor] |= launch->purpose;
}

void
rdu_find_purposes (const RduMachine *machine, RduEntry *entry)
{
  g_autofree uint64_t *tensors = purposes_at_end (machine, entry);
  for (size_t l = entry->n_launches; l-- > 0;)
    if (entry->launches[l].target == SF_TARGET_HOST)
      trace_host (&entry->launches[l], tensors);
    else
      trace_rdu (&entry->launches[l], tensors);
}

uint64_t
rdu_purposes_wanted (const RduMachine *machine, const RduEntry *entry, const SfBackendStep *step)
{
  uint64_t wanted = 0;
  bool runs_forward = (step->phases & 1u << SF_PHASE_FWD) != 0;
  for (size_t i = 0; runs_forward && i < sf_entry_n_outputs (machine->program, entry->index); i++)
    if (step->outputs != NULL && step->outputs[i].data != NULL)
      wanted |= output_bit (i);
  return wanted == 0 || step->observer != NULL ? ALWAYS | EVERYTHING : wanted | ALWAYS;
}
