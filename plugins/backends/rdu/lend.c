/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensors are used where the program has them: those that nobody changes and whose every
 * reader takes a packed form, so that they are read once. */
#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/memory.h"

#define LEAST_ELEMS 4096 /* that are worth pages of their own */

/* Whether each operand of the config that sees the buffer reads a packed form of it. */
static bool
is_always_packed (const RduConfig *config, uint32_t buffer)
{
  for (size_t s = 0; s < config->n_stages; s++)
    {
      const RduStage *stage = &config->stages[s];
      for (uint32_t o = 0; o < stage->n_operands; o++)
        {
          if (stage->operands[o].kind == SF_OPERAND_TEMP || stage->operands[o].buffer != buffer)
            continue;
          bool is_packed = false;
          for (size_t p = 0; p < stage->n_packings; p++)
            is_packed |= stage->packings[p].operand == o;
          if (!is_packed)
            return false;
        }
    }
  return true;
}

/* A use of the tensor by a launch must leave it as it is, and read it packed. */
static bool
launch_allows (const RduMachine *machine, const SfLaunch *launch, uint32_t tensor)
{
  for (size_t i = 0; launch->target == SF_TARGET_HOST && i < launch->n_bindings; i++)
    if (launch->bindings[i].tensor == tensor)
      return false;
  if (launch->target == SF_TARGET_HOST)
    return true;
  const RduConfig *config = &machine->configs[launch->config];
  for (size_t s = 0; s < config->n_streams; s++)
    {
      const SfStream *stream = &config->streams[s];
      if (machine->stands_for[launch->bindings[stream->slot].tensor] == tensor
          && (stream->out || !is_always_packed (config, stream->buffer)))
        return false;
    }
  return true;
}

static bool
may_be_lent (const RduMachine *machine, uint32_t index)
{
  const RduTensor *tensor = &machine->tensors[index];
  if ((tensor->role != SF_TENSOR_STATE && tensor->role != SF_TENSOR_CONST)
      || tensor->dtype != SF_F32 || tensor->n_elems < LEAST_ELEMS
      || rdu_layout_permutes (&tensor->shape, tensor->channels_last)
      || sf_program_tensor (machine->program, index).data == NULL)
    return false;
  for (size_t t = 0; t < machine->n_tensors; t++)
    if (machine->tensors[t].role == SF_TENSOR_NEXT && machine->tensors[t].state == index)
      return false;
  for (uint32_t e = 0; e < machine->n_entries; e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (machine->program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (machine->program, e, l);
        if (!launch_allows (machine, &launch, index))
          return false;
      }
  return true;
}

void
rdu_find_lent (RduMachine *machine)
{
  for (uint32_t t = 0; !machine->exact_firing && t < machine->n_tensors; t++)
    {
      RduTensor *tensor = &machine->tensors[t];
      tensor->is_lent = may_be_lent (machine, t);
      /* Only read as long as it is lent. */
      if (tensor->is_lent)
        tensor->data = (void *) (uintptr_t) sf_program_tensor (machine->program, t).data;
    }
}

bool
rdu_tensor_own (RduTensor *tensor, GError **error)
{
  if (!tensor->is_lent)
    return true;
  tensor->own = rdu_memory_new (tensor->n_elems, tensor->name, error);
  if (tensor->own == NULL)
    return false;
  tensor->data = tensor->own;
  tensor->is_lent = false;
  return true;
}
