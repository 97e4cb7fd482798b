/* SPDX-License-Identifier: Apache-2.0 */
/* Which next contents may be written over their states: where nothing reads an element of the old
 * content once it has been replaced, and nothing can fail between then and the end of the phase. */
#include <string.h>

#include "plugins/backends/rdu/machine.h"

/* A next content within an entry. */
typedef struct
{
  const RduMachine *machine;
  uint32_t entry, state, next;
} Replacement;

static bool
binds (const SfLaunch *launch, uint32_t tensor)
{
  for (size_t i = 0; i < launch->n_bindings; i++)
    if (launch->bindings[i].tensor == tensor)
      return true;
  return false;
}

/* Whether a launch may stop the step: on the host, or by an index outside its table. */
static bool
can_fail (const RduMachine *machine, const SfLaunch *launch)
{
  if (launch->target == SF_TARGET_HOST)
    return true;
  const RduConfig *config = &machine->configs[launch->config];
  for (size_t s = 0; s < config->n_stages; s++)
    for (size_t i = 0; i < config->stages[s].n_instrs; i++)
      if (sf_tile_op_find (config->stages[s].instrs[i].op, 1)->tile_class == SF_TILE_INDEX)
        return true;
  return false;
}

/* Whether a later launch of the phase, in the order of the entry, needs the old content or may
 * fail. */
static bool
is_needed_later (const Replacement *r, uint32_t writer)
{
  SfPhase phase = sf_entry_launch (r->machine->program, r->entry, writer).phase;
  for (uint32_t l = writer + 1; l < sf_entry_n_launches (r->machine->program, r->entry); l++)
    {
      SfLaunch launch = sf_entry_launch (r->machine->program, r->entry, l);
      if (launch.phase == phase && (binds (&launch, r->state) || can_fail (r->machine, &launch)))
        return true;
    }
  return false;
}

/* ---- within the launch that writes ---- */

static bool
sees (const RduOperand *operand, SfOperandKind kind, uint32_t buffer)
{
  return operand->kind == kind && operand->buffer == buffer;
}

bool
rdu_same_elements (const RduOperand *a, const RduOperand *b)
{
  return a->rank == b->rank && memcmp (a->dim, b->dim, sizeof a->dim) == 0
         && memcmp (a->whole_stride, b->whole_stride, sizeof a->whole_stride) == 0
         && memcmp (a->access, b->access, (size_t) a->rank * sizeof a->access[0]) == 0;
}

/* The only group that writes the operand, if that is a fused program: it reads and writes element
 * by element. -1: none. */
static int
fused_writer (const RduStage *stage, uint32_t operand)
{
  int found = -1;
  for (size_t g = 0; g < stage->n_groups; g++)
    {
      const RduGroup *group = &stage->groups[g];
      for (int k = 0; group->instr != NULL && k < group->instr->n_dst; k++)
        if (group->instr->dst[k] == operand)
          return -1;
      for (int s = 0; group->fused != NULL && s < group->fused->n_slots; s++)
        if (group->fused->slots[s].kind == RDU_SLOT_WRITTEN
            && group->fused->slots[s].view == operand)
          {
            if (found >= 0)
              return -1;
            found = (int) g;
          }
    }
  return found;
}

/* Whether the stage, writing operand `out`, has read each element of the old content by then. */
static bool
reads_before_writing (const RduStage *stage, uint32_t out, uint32_t old_buffer)
{
  int writer = fused_writer (stage, out);
  for (uint32_t o = 0; o < stage->n_operands; o++)
    {
      if (!sees (&stage->operands[o], SF_OPERAND_IN, old_buffer))
        continue;
      if (writer < 0 || !rdu_same_elements (&stage->operands[o], &stage->operands[out]))
        return false;
      for (size_t g = (size_t) writer + 1; g < stage->n_groups; g++)
        if (rdu_group_reads (&stage->groups[g], o))
          return false;
    }
  return true;
}

/* Whether another stage that reads `old_buffer` is fired by turns with the writer. */
static bool
is_read_by_turns (const RduConfig *config, size_t writer, uint32_t old_buffer)
{
  size_t first, last;
  rdu_stage_time (config, writer, &first, &last);
  for (size_t s = first; s <= last; s++)
    for (size_t o = 0; s != writer && o < config->stages[s].n_operands; o++)
      if (sees (&config->stages[s].operands[o], SF_OPERAND_IN, old_buffer))
        return true;
  return false;
}

/* Whether no stage reads an element of `old_buffer` after its place in `new_buffer` is written. */
static bool
is_over_in_time (const RduConfig *config, uint32_t old_buffer, uint32_t new_buffer)
{
  size_t n_writers = 0;
  bool is_over = true;
  for (size_t s = 0; s < config->n_stages; s++)
    {
      const RduStage *stage = &config->stages[s];
      for (uint32_t o = 0; o < stage->n_operands; o++)
        {
          if (sees (&stage->operands[o], SF_OPERAND_OUT, new_buffer))
            {
              n_writers++;
              is_over &= reads_before_writing (stage, o, old_buffer)
                         && !is_read_by_turns (config, s, old_buffer);
            }
          else if (sees (&stage->operands[o], SF_OPERAND_IN, old_buffer))
            /* In the writer's own stage its operand decides. */
            is_over &= n_writers == 0 || rdu_stage_writes (stage, new_buffer);
        }
    }
  return is_over && n_writers == 1;
}

/* Whether the launch's streams bind the two so that one may be the other's place. */
static bool
is_safe_within (const Replacement *r, const SfLaunch *launch)
{
  const RduConfig *config = &r->machine->configs[launch->config];
  uint32_t new_buffer = SF_NONE;
  if (launch->target != SF_TARGET_RDU || launch->repeat != 1 || can_fail (r->machine, launch))
    return false;
  for (size_t s = 0; s < config->n_streams; s++)
    {
      const SfBinding *binding = &launch->bindings[config->streams[s].slot];
      bool is_next = binding->tensor == r->next, is_state = binding->tensor == r->state;
      if ((is_next || is_state) && binding->offset_elems != 0)
        return false;
      if ((is_next && (!config->streams[s].out || new_buffer != SF_NONE))
          || (is_state && config->streams[s].out))
        return false;
      if (is_next)
        new_buffer = config->streams[s].buffer;
    }
  if (new_buffer == SF_NONE)
    return false;
  for (size_t s = 0; s < config->n_streams; s++)
    if (launch->bindings[config->streams[s].slot].tensor == r->state
        && !is_over_in_time (config, config->streams[s].buffer, new_buffer))
      return false;
  return true;
}

/* ---- all of a program ---- */

static bool
are_alike (const RduTensor *state, const RduTensor *next)
{
  return state->role == SF_TENSOR_STATE && state->dtype == next->dtype
         && state->n_elems == next->n_elems && state->channels_last == next->channels_last
         && (!state->channels_last
             || memcmp (&state->shape, &next->shape, sizeof state->shape) == 0);
}

/* In every entry that makes the next content, one launch does, and only this one may be in the way.
 */
static bool
may_replace (const RduMachine *machine, uint32_t next)
{
  Replacement r = { .machine = machine, .state = machine->tensors[next].state, .next = next };
  for (r.entry = 0; r.entry < machine->n_entries; r.entry++)
    {
      uint32_t n_launches = (uint32_t) sf_entry_n_launches (machine->program, r.entry);
      uint32_t writer = SF_NONE;
      for (uint32_t l = 0; l < n_launches; l++)
        {
          SfLaunch launch = sf_entry_launch (machine->program, r.entry, l);
          if (!binds (&launch, next) || writer != SF_NONE)
            continue;
          writer = l;
          if (!is_safe_within (&r, &launch) || is_needed_later (&r, l))
            return false;
        }
    }
  return true;
}

void
rdu_find_replacements (RduMachine *machine)
{
  g_autofree bool *moves = g_new0 (bool, machine->n_tensors + 1); /* states, at some commit */
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    {
      RduTensor *tensor = &machine->tensors[t];
      if (tensor->role != SF_TENSOR_NEXT)
        continue;
      tensor->in_place = !machine->exact_firing
                         && are_alike (&machine->tensors[tensor->state], tensor)
                         && may_replace (machine, t);
      moves[tensor->state] |= !tensor->in_place;
    }
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    if (machine->tensors[t].in_place)
      machine->tensors[t].in_place = !moves[machine->tensors[t].state];
}
