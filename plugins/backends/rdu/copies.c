/* SPDX-License-Identifier: Apache-2.0 */
/* Rounded copies that are not made. A stage that only brings floats to bf16 is left out where all
 * that read the copy are kernels that round what they multiply: they read what it is a copy of, in
 * the same launch and, where the copy is a tensor, in those that follow. */
#include <string.h>

#include "plugins/backends/rdu/machine.h"

/* A stage of a config that copies one buffer to another. */
typedef struct
{
  RduMachine *machine;
  uint32_t config;
  size_t stage;
  uint32_t wide, narrow; /* buffers */
} Copy;

#define TO_BF16 1 /* what a cast's immediate says */

static bool
is_rounded_copy (const RduConfig *config, const RduStage *stage)
{
  if (stage->n_instrs != 1 || stage->n_operands != 2 || strcmp (stage->instrs[0].op, "cast") != 0
      || stage->instrs[0].imm[0] != TO_BF16)
    return false;
  const RduOperand *x = &stage->operands[stage->instrs[0].src[0]],
                   *y = &stage->operands[stage->instrs[0].dst[0]];
  return x->kind == SF_OPERAND_IN && y->kind == SF_OPERAND_OUT && x->stored == SF_F32
         && y->stored == SF_BF16 && rdu_same_elements (x, y)
         && config->buffers[x->buffer].n_elems == config->buffers[y->buffer].n_elems
         && config->buffers[x->buffer].channels_last == config->buffers[y->buffer].channels_last;
}

static bool
reads (const RduInstr *instr, uint32_t operand)
{
  for (int k = 0; k < instr->n_src; k++)
    if (instr->src[k] == operand)
      return true;
  return false;
}

/* Whether all that see the buffer, but for `maker`, read it only to round it. */
static bool
takes_unrounded (const RduConfig *config, uint32_t buffer, const RduStage *maker)
{
  for (size_t s = 0; s < config->n_stages; s++)
    for (uint32_t o = 0; o < config->stages[s].n_operands; o++)
      {
        const RduStage *stage = &config->stages[s];
        const RduOperand *operand = &stage->operands[o];
        if (operand->kind == SF_OPERAND_TEMP || operand->buffer != buffer || stage == maker)
          continue;
        if (operand->kind != SF_OPERAND_IN || operand->dtype != SF_BF16)
          return false;
        for (size_t i = 0; i < stage->n_instrs; i++)
          if (reads (&stage->instrs[i], o) && !stage->instrs[i].rounds)
            return false;
      }
  return true;
}

/* ---- copies that are tensors ---- */

/* The binding through which a launch brings or takes the buffer; NULL: through none. */
static const SfBinding *
bound_to (const RduConfig *config, const SfLaunch *launch, uint32_t buffer, bool out)
{
  for (size_t s = 0; s < config->n_streams; s++)
    if (config->streams[s].buffer == buffer && config->streams[s].out == out)
      return &launch->bindings[config->streams[s].slot];
  return NULL;
}

/* Whether what the launch does to the original leaves it as it is until the last phase. */
static bool
leaves_original (const RduMachine *machine, const SfLaunch *launch, uint32_t wide)
{
  for (size_t i = 0; i < launch->n_bindings; i++)
    {
      const RduTensor *tensor = &machine->tensors[launch->bindings[i].tensor];
      if (tensor->role == SF_TENSOR_NEXT && tensor->state == wide && launch->phase != SF_PHASE_OPT)
        return false;
    }
  if (launch->target == SF_TARGET_HOST)
    return true;
  const RduConfig *config = &machine->configs[launch->config];
  for (size_t s = 0; s < config->n_streams; s++)
    if (config->streams[s].out && launch->bindings[config->streams[s].slot].tensor == wide)
      return false;
  return true;
}

static bool
binds (const SfLaunch *launch, uint32_t tensor)
{
  for (size_t i = 0; i < launch->n_bindings; i++)
    if (launch->bindings[i].tensor == tensor)
      return true;
  return false;
}

/* Whether a launch that sees the copy, but for the one that makes it, can do with the original. */
static bool
can_do_without (const RduMachine *machine, const SfLaunch *launch, uint32_t wide, uint32_t narrow)
{
  if (launch->target == SF_TARGET_HOST)
    return !binds (launch, narrow);
  const RduConfig *config = &machine->configs[launch->config];
  for (size_t s = 0; s < config->n_streams; s++)
    {
      const SfStream *stream = &config->streams[s];
      const SfBinding *binding = &launch->bindings[stream->slot];
      if (binding->tensor != narrow)
        continue;
      if (stream->out || binding->offset_elems != 0 || launch->phase == SF_PHASE_OPT
          || config->buffers[stream->buffer].n_elems != machine->tensors[wide].n_elems
          || config->buffers[stream->buffer].channels_last != machine->tensors[wide].channels_last
          || !takes_unrounded (config, stream->buffer, NULL))
        return false;
    }
  return true;
}

static bool
is_gradient (const RduMachine *machine, uint32_t entry, uint32_t tensor)
{
  for (size_t i = 0; i < sf_entry_n_grads (machine->program, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (machine->program, entry, i, &state, &grad);
      if (grad == tensor)
        return true;
    }
  return false;
}

/* Whether tensor `wide` may be read for its copy `narrow`, which launch `maker` of the entry makes.
 */
static bool
may_stand_for (const RduMachine *machine, uint32_t entry, uint32_t maker, const SfBinding *wide,
               const SfBinding *narrow)
{
  const RduTensor *from = &machine->tensors[wide->tensor], *to = &machine->tensors[narrow->tensor];
  bool lasts = from->role == SF_TENSOR_STATE || from->role == SF_TENSOR_CONST
               || from->role == SF_TENSOR_INPUT;
  if (!lasts || to->role != SF_TENSOR_TEMP || from->dtype != SF_F32 || wide->offset_elems != 0
      || narrow->offset_elems != 0 || from->n_elems != to->n_elems
      || machine->stands_for[narrow->tensor] != narrow->tensor
      || is_gradient (machine, entry, narrow->tensor))
    return false;
  for (uint32_t e = 0; e < machine->n_entries; e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (machine->program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (machine->program, e, l);
        bool is_maker = e == entry && l == maker;
        if (e != entry
                ? binds (&launch, narrow->tensor)
                : !leaves_original (machine, &launch, wide->tensor)
                      || (!is_maker
                          && !can_do_without (machine, &launch, wide->tensor, narrow->tensor)))
          return false;
      }
  return true;
}

/* Marks the buffers through which launches read the original for its copy. */
static void
stand_for (RduMachine *machine, uint32_t wide, uint32_t narrow)
{
  machine->stands_for[narrow] = wide;
  for (uint32_t e = 0; e < machine->n_entries; e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (machine->program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (machine->program, e, l);
        if (launch.target == SF_TARGET_HOST)
          continue;
        const RduConfig *config = &machine->configs[launch.config];
        for (size_t s = 0; s < config->n_streams; s++)
          if (launch.bindings[config->streams[s].slot].tensor == narrow)
            config->buffers[config->streams[s].buffer].takes_unrounded = true;
      }
}

/* ---- one copy ---- */

/* Does something for each launch of the copy's config, with what it binds the two buffers to, while
 * it succeeds. */
static bool
each_launch (const Copy *copy, bool (*func) (const Copy *copy, uint32_t entry, uint32_t launch,
                                             const SfBinding *wide, const SfBinding *narrow))
{
  const RduMachine *machine = copy->machine;
  const RduConfig *config = &machine->configs[copy->config];
  for (uint32_t e = 0; e < machine->n_entries; e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (machine->program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (machine->program, e, l);
        if (launch.target != SF_TARGET_HOST && launch.config == copy->config
            && !func (copy, e, l, bound_to (config, &launch, copy->wide, false),
                      bound_to (config, &launch, copy->narrow, true)))
          return false;
      }
  return true;
}

static bool
can_leave_out (const Copy *copy, uint32_t entry, uint32_t launch, const SfBinding *wide,
               const SfBinding *narrow)
{
  return narrow == NULL
         || (wide != NULL && may_stand_for (copy->machine, entry, launch, wide, narrow));
}

static bool
leave_out_tensor (const Copy *copy, uint32_t entry, uint32_t launch, const SfBinding *wide,
                  const SfBinding *narrow)
{
  (void) entry, (void) launch;
  if (narrow != NULL)
    stand_for (copy->machine, wide->tensor, narrow->tensor);
  return true;
}

static size_t
n_streams_of (const RduConfig *config, uint32_t buffer, bool out)
{
  size_t n = 0;
  for (size_t s = 0; s < config->n_streams; s++)
    n += config->streams[s].buffer == buffer && config->streams[s].out == out;
  return n;
}

/* The stage, its result and the stream of it go; readers of the copy read the original. */
static void
leave_out (const Copy *copy)
{
  RduConfig *config = &copy->machine->configs[copy->config];
  size_t n_streams = 0;
  rdu_stage_clear (&config->stages[copy->stage]);
  config->n_stages--;
  memmove (&config->stages[copy->stage], &config->stages[copy->stage + 1],
           (config->n_stages - copy->stage) * sizeof config->stages[0]);
  for (size_t s = 0; s < config->n_stages; s++)
    for (size_t o = 0; o < config->stages[s].n_operands; o++)
      {
        RduOperand *operand = &config->stages[s].operands[o];
        if (operand->kind != SF_OPERAND_TEMP && operand->buffer == copy->narrow)
          operand->buffer = copy->wide;
      }
  for (size_t s = 0; s < config->n_streams; s++)
    if (config->streams[s].buffer != copy->narrow)
      config->streams[n_streams++] = config->streams[s];
  config->n_streams = n_streams;
  config->buffers[copy->narrow].is_left_out = true;
}

static bool
try_stage (RduMachine *machine, uint32_t index, size_t s)
{
  RduConfig *config = &machine->configs[index];
  const RduStage *stage = &config->stages[s];
  if (!is_rounded_copy (config, stage))
    return false;
  Copy copy = { .machine = machine,
                .config = index,
                .stage = s,
                .wide = stage->operands[stage->instrs[0].src[0]].buffer,
                .narrow = stage->operands[stage->instrs[0].dst[0]].buffer };
  if (n_streams_of (config, copy.narrow, false) != 0 || n_streams_of (config, copy.narrow, true) > 1
      || n_streams_of (config, copy.wide, false) > 1
      || !takes_unrounded (config, copy.narrow, stage) || !each_launch (&copy, can_leave_out))
    return false;
  each_launch (&copy, leave_out_tensor);
  leave_out (&copy);
  return true;
}

void
rdu_leave_out_copies (RduMachine *machine)
{
  machine->stands_for = g_new (uint32_t, machine->n_tensors + 1);
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    machine->stands_for[t] = t;
  /* Exact firing moves the tokens of every stage. */
  for (uint32_t c = 0; !machine->exact_firing && c < machine->n_configs; c++)
    for (size_t s = 0; s < machine->configs[c].n_stages;)
      s += try_stage (machine, c, s) ? 0 : 1;
}
