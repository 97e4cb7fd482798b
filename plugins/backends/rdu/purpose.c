/* SPDX-License-Identifier: Apache-2.0 */
/* What work is for: outputs of the entry, or what outlasts the step. A step leaves out the groups
 * and stages whose results only reach outputs that nobody asked for. */
#include "plugins/backends/rdu/machine.h"

#define ALWAYS (UINT64_C (1) << 63) /* what outlasts the step */
#define ALL    UINT64_MAX           /* of a step that leaves nothing out */

/* ---- within a stage: bits are operands, of which OUT ones are results ---- */

static bool
same_memory (const RduOperand *a, const RduOperand *b)
{
  return a == b
         || (a->kind != SF_OPERAND_TEMP && b->kind != SF_OPERAND_TEMP && a->buffer == b->buffer);
}

/* What is read here serves `results`; a result that is read back is one more name of its memory. */
static void
read_operand (RduStage *stage, uint32_t operand, uint64_t results, bool *has_changed)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    if (same_memory (&stage->operands[o], &stage->operands[operand])
        && (results & ~stage->operands[o].serves) != 0)
      {
        stage->operands[o].serves |= results;
        *has_changed = true;
      }
}

static void
trace_group (RduStage *stage, RduGroup *group, bool *has_changed)
{
  const RduInstr *instr = group->instr;
  const RduFused *fused = group->fused;
  for (int k = 0; instr != NULL && k < instr->n_dst; k++)
    group->serves |= stage->operands[instr->dst[k]].serves;
  for (int s = 0; fused != NULL && s < fused->n_slots; s++)
    if (fused->slots[s].kind == RDU_SLOT_WRITTEN)
      group->serves |= stage->operands[fused->slots[s].view].serves;
  for (int k = 0; instr != NULL && k < instr->n_src; k++)
    read_operand (stage, instr->src[k], group->serves, has_changed);
  for (int s = 0; fused != NULL && s < fused->n_slots; s++)
    {
      if (fused->slots[s].kind == RDU_SLOT_READ)
        read_operand (stage, fused->slots[s].view, group->serves, has_changed);
      if (fused->slots[s].kind == RDU_SLOT_UNIFORM)
        read_operand (stage, fused->slots[s].rng_view, group->serves, has_changed);
    }
}

void
rdu_stage_find_purposes (RduStage *stage)
{
  for (uint32_t o = 0; o < stage->n_operands; o++)
    stage->operands[o].serves = stage->operands[o].kind == SF_OPERAND_OUT ? UINT64_C (1) << o : 0;
  /* Scratch may be read in one firing and written in the one before it, by a later group. */
  for (bool has_changed = true; has_changed;)
    {
      has_changed = false;
      for (size_t g = stage->n_groups; g-- > 0;)
        trace_group (stage, &stage->groups[g], &has_changed);
    }
}

/* ---- within an entry: bits are its outputs ---- */

static uint64_t
output_bit (size_t output)
{
  return output < 63 ? UINT64_C (1) << output : ALWAYS;
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

/* From the results of a stage to its sources. */
static void
trace_stage (const RduStage *stage, uint64_t *buffers)
{
  for (size_t r = 0; r < stage->n_operands; r++)
    for (size_t o = 0; o < stage->n_operands && stage->operands[r].kind == SF_OPERAND_OUT; o++)
      if (stage->operands[o].kind == SF_OPERAND_IN && (stage->operands[o].serves >> r & 1) != 0)
        buffers[stage->operands[o].buffer] |= buffers[stage->operands[r].buffer];
}

/* From what is read of each buffer to the stage that writes it. A launch that repeats itself may
 * read in one round what it wrote in another. */
static void
trace_rdu (RduLaunch *launch, uint64_t *tensors)
{
  const RduConfig *config = launch->config;
  launch->purposes = g_new0 (uint64_t, config->n_buffers);
  launch->wanted = g_new0 (uint64_t, config->n_stages);
  for (size_t b = 0; b < config->n_buffers && launch->repeat > 1; b++)
    launch->purposes[b] = ALWAYS;
  for (size_t s = 0; s < config->n_streams; s++)
    if (config->streams[s].out)
      launch->purposes[config->streams[s].buffer]
          |= tensors[launch->slots[config->streams[s].slot].tensor];
  for (size_t s = config->n_stages; s-- > 0;)
    trace_stage (&config->stages[s], launch->purposes);
  for (size_t s = 0; s < config->n_streams; s++)
    if (!config->streams[s].out)
      tensors[launch->slots[config->streams[s].slot].tensor]
          |= launch->purposes[config->streams[s].buffer];
}

static void
trace_host (RduLaunch *launch, uint64_t *tensors)
{
  size_t n_inputs = sf_graph_n_inputs (launch->graph);
  launch->purpose = launch->repeat > 1 ? ALWAYS : 0;
  for (size_t i = n_inputs; i < launch->n_bindings; i++)
    launch->purpose |= tensors[launch->bindings[i].tensor];
  for (size_t i = 0; i < n_inputs; i++)
    tensors[launch->bindings[i].tensor] |= launch->purpose;
}

void
rdu_entry_find_purposes (const RduMachine *machine, RduEntry *entry)
{
  g_autofree uint64_t *tensors = purposes_at_end (machine, entry);
  for (size_t l = entry->n_launches; l-- > 0;)
    if (entry->launches[l].target == SF_TARGET_HOST)
      trace_host (&entry->launches[l], tensors);
    else
      trace_rdu (&entry->launches[l], tensors);
}

/* ---- of a step ---- */

/* Later phases of a step go on from what its first one made. */
static uint64_t
wanted_outputs (const RduMachine *machine, const RduEntry *entry, const SfBackendStep *step)
{
  uint64_t wanted = 0;
  if (step->observer != NULL || machine->exact_firing)
    return ALL;
  if ((step->phases & 1u << SF_PHASE_FWD) == 0 && entry->wanted != 0)
    return entry->wanted;
  for (size_t i = 0; i < sf_entry_n_outputs (machine->program, entry->index); i++)
    if (step->outputs != NULL && step->outputs[i].data != NULL)
      wanted |= output_bit (i);
  return wanted == 0 ? ALL : wanted | ALWAYS;
}

static uint64_t
wanted_results (const RduLaunch *launch, const RduStage *stage, uint64_t outputs)
{
  uint64_t wanted = 0;
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind == SF_OPERAND_OUT
        && (launch->purposes[stage->operands[o].buffer] & outputs) != 0)
      wanted |= UINT64_C (1) << o;
  return wanted;
}

void
rdu_entry_want (const RduMachine *machine, RduEntry *entry, const SfBackendStep *step)
{
  uint64_t outputs = wanted_outputs (machine, entry, step);
  if (entry->wanted == outputs)
    return;
  entry->wanted = outputs;
  for (size_t l = 0; l < entry->n_launches; l++)
    {
      RduLaunch *launch = &entry->launches[l];
      launch->is_wanted = outputs == ALL || (launch->purpose & outputs) != 0;
      for (size_t s = 0; launch->config != NULL && s < launch->config->n_stages; s++)
        {
          launch->wanted[s] = outputs == ALL
                                  ? ALL
                                  : wanted_results (launch, &launch->config->stages[s], outputs);
          launch->is_wanted |= launch->wanted[s] != 0;
        }
      rdu_section_want (&launch->section);
    }
}
