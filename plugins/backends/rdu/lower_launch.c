/* SPDX-License-Identifier: Apache-2.0 */
/* From launches to steps with memory: which buffers are a bound tensor's own memory, what has to be
 * moved, and where everything else lives. */
#include <string.h>

#include <sf/checked.h>

#include "plugins/backends/rdu/arena.h"
#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/memory.h"

/* What an entry needs of its arena while it is planned. */
typedef struct
{
  RduMachine *machine;
  RduEntry *entry;
  GArray *lives;                 /* RduLife */
  GArray *offsets;               /* int64_t *: where to write where each lies */
  bool *is_changed;              /* per tensor: by launches of the entry, or at its end */
  int64_t *first_use, *last_use; /* per tensor; first -1: not used here */
  int64_t now;
} Planner;

static bool
in_arena (const RduTensor *tensor)
{
  return tensor->role == SF_TENSOR_TEMP || tensor->role == SF_TENSOR_OUTPUT;
}

static int64_t
storage_elems (const RduTensor *tensor)
{
  return tensor->n_elems * (int64_t) (sf_dtype_bytes (tensor->storage) / 4);
}

static void
claim (Planner *planner, RduLife life, int64_t *offset)
{
  g_array_append_val (planner->lives, life);
  g_array_append_val (planner->offsets, offset);
}

static void
use_tensor (Planner *planner, uint32_t tensor, int64_t first, int64_t last)
{
  int64_t *known = &planner->first_use[tensor];
  *known = *known < 0 ? first : MIN (*known, first);
  planner->last_use[tensor] = MAX (planner->last_use[tensor], last);
}

static bool
check_binding (const Planner *planner, const SfLaunch *launch, const SfBinding *binding,
               int64_t n_elems, GError **error)
{
  const RduTensor *tensor = &planner->machine->tensors[binding->tensor];
  if (binding->offset_elems >= 0 && binding->offset_elems + n_elems <= tensor->n_elems)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "launch %s: elements %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                  " of tensor %s, which has %" G_GINT64_FORMAT "; compile the model again",
                  launch->name, binding->offset_elems, binding->offset_elems + n_elems,
                  tensor->name, tensor->n_elems);
}

/* Whether the launch reads the tensor through some stream. */
static bool
is_loaded (const RduConfig *config, const RduHome *slots, uint32_t tensor)
{
  for (size_t s = 0; s < config->n_streams; s++)
    if (!config->streams[s].out && slots[config->streams[s].slot].tensor == tensor)
      return true;
  return false;
}

/* A stream costs nothing where its buffer can be the tensor's own memory; else it is a transfer. */
static void
place_streams (const Planner *planner, RduLaunch *launch)
{
  const RduConfig *config = launch->config;
  launch->loads = g_new0 (RduTransfer, config->n_streams);
  launch->stores = g_new0 (RduTransfer, config->n_streams);
  for (int out = 0; out <= 1; out++)
    for (size_t s = 0; s < config->n_streams; s++)
      {
        const SfStream *stream = &config->streams[s];
        if (stream->out != (out != 0))
          continue;
        RduHome bound = launch->slots[stream->slot];
        RduHome *home = &launch->home[stream->buffer];
        bool is_free = home->tensor == SF_NONE
                       && (config->buffers[stream->buffer].takes_unrounded
                           || planner->machine->tensors[bound.tensor].dtype
                                  == config->buffers[stream->buffer].dtype);
        RduTransfer transfer = { .buffer = stream->buffer, .home = bound };
        if (is_free && !(stream->out && is_loaded (config, launch->slots, bound.tensor)))
          *home = bound;
        else if (stream->out)
          launch->stores[launch->n_stores++] = transfer;
        else
          launch->loads[launch->n_loads++] = transfer;
      }
}

/* When the memory of a buffer is in use: from its first stage to its last, and before and after
 * them where it is loaded or stored by a transfer. */
static RduLife
buffer_life (const Planner *planner, const RduLaunch *launch, uint32_t b)
{
  const RduConfig *config = launch->config;
  int64_t end = planner->now + (int64_t) config->n_stages + 1;
  const RduBuffer *buffer = &config->buffers[b];
  bool has_none = buffer->is_left_out || buffer->room_elems > 0;
  RduLife life = { .elems = has_none ? 0 : buffer->n_elems, .first = end, .last = planner->now };
  for (size_t s = 0; s < config->n_stages; s++)
    for (size_t o = 0; o < config->stages[s].n_operands; o++)
      if (config->stages[s].operands[o].kind != SF_OPERAND_TEMP
          && config->stages[s].operands[o].buffer == b)
        {
          life.first = MIN (life.first, planner->now + 1 + (int64_t) config->stages[s].wave_first);
          life.last = MAX (life.last, planner->now + 1 + (int64_t) config->stages[s].wave_last);
        }
  for (size_t i = 0; i < launch->n_loads; i++)
    if (launch->loads[i].buffer == b)
      life.first = planner->now;
  for (size_t i = 0; i < launch->n_stores; i++)
    if (launch->stores[i].buffer == b)
      life.last = end;
  life.first = MIN (life.first, life.last);
  return life;
}

/* Buffers without a home live in the arena; others are a use of their tensor. Where stages run more
 * than once, or token by token, a tensor is in use all the time. */
static void
plan_buffers (Planner *planner, const RduLaunch *launch)
{
  const RduConfig *config = launch->config;
  int64_t begin = planner->now, end = begin + (int64_t) config->n_stages + 1;
  bool in_order = launch->repeat == 1 && !planner->machine->exact_firing;
  for (uint32_t b = 0; b < config->n_buffers; b++)
    {
      RduLife life = buffer_life (planner, launch, b);
      uint32_t tensor = launch->home[b].tensor;
      if (tensor == SF_NONE)
        claim (planner, life, &launch->home[b].offset);
      else
        use_tensor (planner, tensor, in_order ? life.first : begin, in_order ? life.last : end);
    }
  for (size_t i = 0; i < launch->n_loads; i++)
    use_tensor (planner, launch->loads[i].home.tensor, begin, in_order ? begin : end);
  for (size_t i = 0; i < launch->n_stores; i++)
    use_tensor (planner, launch->stores[i].home.tensor, in_order ? end : begin, end);
}

/* Of what only the stage needs. */
static RduLife
stage_life (const Planner *planner, const RduStage *stage, int64_t elems)
{
  return (RduLife){ .elems = elems,
                    .first = planner->now + 1 + (int64_t) stage->wave_first,
                    .last = planner->now + 1 + (int64_t) stage->wave_last };
}

/* Packed forms of what the entry leaves as it is are kept; others live while their stage runs. */
static void
plan_packings (Planner *planner, const RduLaunch *launch)
{
  RduMachine *machine = planner->machine;
  for (size_t s = 0; s < launch->config->n_stages; s++)
    for (size_t p = 0; p < launch->config->stages[s].n_packings; p++)
      {
        const RduStage *stage = &launch->config->stages[s];
        const RduPacking *packing = &stage->packings[p];
        RduPacked *packed = &launch->packed[stage->first_packing + p];
        uint32_t tensor = launch->home[stage->operands[packing->operand].buffer].tensor;
        packed->is_kept = tensor != SF_NONE
                          && (machine->tensors[tensor].role == SF_TENSOR_STATE
                              || machine->tensors[tensor].role == SF_TENSOR_CONST)
                          && !planner->is_changed[tensor];
        packed->is_used = packed->is_kept
                          || (packing->pays_at_once
                              && !rdu_stage_shares_blocks (
                                  launch->config, s, stage->operands[packing->operand].buffer));
        if (packed->is_kept)
          {
            packed->offset = machine->kept_elems;
            machine->kept_elems += (packing->elems + 15) / 16 * 16;
          }
        else if (packed->is_used)
          claim (planner, stage_life (planner, stage, packing->elems), &packed->offset);
      }
}

static void
plan_shared (Planner *planner, const RduLaunch *launch)
{
  for (size_t s = 0; s < launch->config->n_stages; s++)
    {
      const RduStage *stage = &launch->config->stages[s];
      claim (planner, stage_life (planner, stage, stage->shared_elems), &launch->shared[s]);
    }
}

static bool
lower_rdu_launch (Planner *planner, const SfLaunch *from, RduLaunch *to, GError **error)
{
  const RduConfig *config = to->config = &planner->machine->configs[from->config];
  to->slots = g_new0 (RduHome, from->n_bindings);
  to->home = g_new0 (RduHome, config->n_buffers);
  to->base = g_new0 (void *, config->n_buffers);
  to->packed = g_new0 (RduPacked, config->n_packings);
  to->shared = g_new0 (int64_t, config->n_stages);
  to->turns = rdu_turns_new (config->n_chains, error);
  if (to->turns == NULL)
    return false;
  for (size_t b = 0; b < config->n_buffers; b++)
    to->home[b].tensor = SF_NONE;
  for (size_t i = 0; i < from->n_bindings; i++)
    to->slots[i] = (RduHome){ planner->machine->stands_for[from->bindings[i].tensor],
                              from->bindings[i].offset_elems };
  for (size_t s = 0; s < config->n_streams; s++)
    {
      const SfBinding *binding = &from->bindings[config->streams[s].slot];
      const RduTensor *tensor = &planner->machine->tensors[binding->tensor];
      const RduBuffer *buffer = &config->buffers[config->streams[s].buffer];
      if (!check_binding (planner, from, binding, buffer->n_elems, error))
        return false;
      if (tensor->storage != (buffer->is_int ? SF_I32 : SF_F32))
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "launch %s: tensor %s of %s bound to buffer %s of %s; compile the model again",
            from->name, tensor->name, sf_dtype_name (tensor->dtype), buffer->name,
            sf_dtype_name (buffer->dtype));
    }
  place_streams (planner, to);
  plan_buffers (planner, to);
  for (size_t i = 0; i < from->n_bindings; i++)
    to->replaces |= planner->machine->tensors[from->bindings[i].tensor].in_place;
  if (!planner->machine->exact_firing)
    {
      plan_packings (planner, to);
      plan_shared (planner, to);
    }
  int64_t end = planner->now + (int64_t) config->n_stages + 1;
  planner->now = end + 1;
  return true;
}

static bool
lower_host_launch (Planner *planner, const SfLaunch *from, RduLaunch *to, GError **error)
{
  to->graph = sf_program_host_graph (planner->machine->program, from->config);
  to->n_bindings = from->n_bindings;
  to->bindings = g_memdup2 (from->bindings, from->n_bindings * sizeof *from->bindings);
  size_t n_inputs = sf_graph_n_inputs (to->graph), n_outputs = sf_graph_n_outputs (to->graph);
  if (n_inputs + n_outputs != from->n_bindings)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "launch %s: %zu bindings, wanted %zu inputs and %zu outputs of its graph; compile the model again",
        from->name, from->n_bindings, n_inputs, n_outputs);
  for (size_t i = 0; i < from->n_bindings; i++)
    {
      SfValue value = i < n_inputs ? sf_graph_input_at (to->graph, i)
                                   : sf_graph_output_at (to->graph, i - n_inputs, NULL, NULL);
      if (!check_binding (planner, from, &from->bindings[i],
                          sf_shape_n_elems (sf_value_shape (to->graph, value)), error))
        return false;
      use_tensor (planner, from->bindings[i].tensor, planner->now, planner->now);
    }
  planner->now++;
  return true;
}

static bool
lower_launches (Planner *planner, GError **error)
{
  RduMachine *machine = planner->machine;
  RduEntry *entry = planner->entry;
  size_t n = sf_entry_n_launches (machine->program, entry->index);
  entry->launches = g_new0 (RduLaunch, n);
  for (int phase = 0; phase < SF_N_PHASES; phase++)
    for (uint32_t l = 0; l < n; l++)
      {
        SfLaunch launch = sf_entry_launch (machine->program, entry->index, l);
        if ((int) launch.phase != phase)
          continue;
        RduLaunch *to = &entry->launches[entry->n_launches++];
        entry->phases |= 1u << phase;
        *to = (RduLaunch){
          .index = l, .target = launch.target, .phase = launch.phase, .repeat = launch.repeat
        };
        if (!(launch.target == SF_TARGET_HOST ? lower_host_launch (planner, &launch, to, error)
                                              : lower_rdu_launch (planner, &launch, to, error)))
          return false;
      }
  return true;
}

/* Whether a launch of the phase (or, `later`, of a phase after it) touches the tensor, writing or
 * reading. */
static bool
phase_touches (const RduEntry *entry, SfPhase phase, bool later, uint32_t tensor)
{
  for (size_t l = 0; l < entry->n_launches; l++)
    {
      const RduLaunch *launch = &entry->launches[l];
      if (later ? launch->phase <= phase : launch->phase != phase)
        continue;
      for (size_t s = 0; launch->config != NULL && s < launch->config->n_streams; s++)
        if (launch->slots[launch->config->streams[s].slot].tensor == tensor)
          return true;
      for (size_t i = 0; i < launch->n_bindings; i++)
        if (launch->bindings[i].tensor == tensor)
          return true;
    }
  return false;
}

/* A next content becomes its state at the end of the first phase that touches it: that is the phase
 * that makes it. */
static void
lower_commits (Planner *planner)
{
  RduMachine *machine = planner->machine;
  RduEntry *entry = planner->entry;
  entry->commits = g_new0 (RduCommit, machine->n_tensors);
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    for (int phase = 0; phase < SF_N_PHASES && machine->tensors[t].role == SF_TENSOR_NEXT; phase++)
      if (phase_touches (entry, (SfPhase) phase, false, t))
        {
          entry->commits[entry->n_commits++]
              = (RduCommit){ .state = machine->tensors[t].state,
                             .next = t,
                             .phase = (SfPhase) phase,
                             .in_place = machine->tensors[t].in_place,
                             .copies = phase_touches (entry, (SfPhase) phase, true, t) };
          break;
        }
}

static void
plan_arena (Planner *planner)
{
  RduMachine *machine = planner->machine;
  RduEntry *entry = planner->entry;
  const SfProgram *program = machine->program;
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry->index); i++)
    use_tensor (planner, sf_entry_output (program, entry->index, i), planner->now, planner->now);
  for (size_t i = 0; i < sf_entry_n_grads (program, entry->index); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (program, entry->index, i, &state, &grad);
      use_tensor (planner, grad, planner->now, planner->now);
    }
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    if (planner->first_use[t] >= 0 && in_arena (&machine->tensors[t])
        && machine->tensors[t].data == NULL)
      {
        machine->tensors[t].entry = entry->index;
        RduLife life = { .elems = storage_elems (&machine->tensors[t]),
                         .first = planner->first_use[t],
                         .last = planner->last_use[t] };
        claim (planner, life, &machine->tensors[t].offset);
      }
  int64_t elems = rdu_arena_plan ((RduLife *) (void *) planner->lives->data, planner->lives->len);
  machine->arena_elems = MAX (machine->arena_elems, elems);
  for (guint i = 0; i < planner->lives->len; i++)
    *g_array_index (planner->offsets, int64_t *, i)
        = g_array_index (planner->lives, RduLife, i).offset;
}

/* What the entry's launches write, and the states that next contents replace. */
static void
find_changed (Planner *planner)
{
  const RduMachine *machine = planner->machine;
  const SfProgram *program = machine->program;
  for (uint32_t l = 0; l < sf_entry_n_launches (program, planner->entry->index); l++)
    {
      SfLaunch launch = sf_entry_launch (program, planner->entry->index, l);
      for (size_t i = 0; i < launch.n_bindings; i++)
        {
          uint32_t tensor = launch.bindings[i].tensor;
          planner->is_changed[tensor] |= launch.target == SF_TARGET_HOST;
          if (machine->tensors[tensor].role == SF_TENSOR_NEXT)
            planner->is_changed[machine->tensors[tensor].state] = true;
        }
      for (uint32_t s = 0;
           launch.target == SF_TARGET_RDU && s < sf_config_n_streams (program, launch.config); s++)
        {
          SfStream stream = sf_config_stream (program, launch.config, s);
          planner->is_changed[launch.bindings[stream.slot].tensor] |= stream.out;
        }
    }
}

static bool
lower_entry (RduMachine *machine, RduEntry *entry, GError **error)
{
  g_autoptr (GArray) lives = g_array_new (FALSE, FALSE, sizeof (RduLife));
  g_autoptr (GArray) offsets = g_array_new (FALSE, FALSE, sizeof (int64_t *));
  g_autofree bool *is_changed = g_new0 (bool, machine->n_tensors + 1);
  g_autofree int64_t *first = g_new (int64_t, machine->n_tensors + 1);
  g_autofree int64_t *last = g_new0 (int64_t, machine->n_tensors + 1);
  Planner planner = { .machine = machine,
                      .entry = entry,
                      .lives = lives,
                      .offsets = offsets,
                      .is_changed = is_changed,
                      .first_use = first,
                      .last_use = last };
  for (size_t t = 0; t < machine->n_tensors; t++)
    first[t] = -1;
  find_changed (&planner);
  for (size_t t = 0; t < machine->n_tensors; t++)
    machine->tensors[t].is_written |= is_changed[t];
  if (!lower_launches (&planner, error))
    return false;
  lower_commits (&planner);
  rdu_entry_find_purposes (machine, entry);
  plan_arena (&planner);
  return true;
}

/* Tensors that outlast an entry, or that more than one entry binds, in one block; with their
 * initial data. */
static bool
place_lasting (RduMachine *machine, GError **error)
{
  g_autofree uint32_t *n_entries = g_new0 (uint32_t, machine->n_tensors + 1),
                      *seen = g_new0 (uint32_t, machine->n_tensors + 1);
  for (uint32_t e = 0; e < machine->n_entries; e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (machine->program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (machine->program, e, l);
        for (size_t i = 0; i < launch.n_bindings; i++)
          if (seen[launch.bindings[i].tensor] != e + 1)
            {
              seen[launch.bindings[i].tensor] = e + 1;
              n_entries[launch.bindings[i].tensor]++;
            }
      }
  for (int pass = 0; pass < 2; pass++)
    {
      int64_t offset = 0;
      for (size_t t = 0; t < machine->n_tensors; t++)
        {
          RduTensor *tensor = &machine->tensors[t];
          if ((in_arena (tensor) && n_entries[t] < 2) || tensor->in_place || tensor->is_lent)
            continue;
          if (pass == 1)
            tensor->data = machine->memory + offset;
          offset += (storage_elems (tensor) + 15) / 16 * 16;
        }
      machine->memory_elems = offset;
      if (pass == 0
          && (machine->memory = rdu_memory_new (offset, "tensors of the emulator", error)) == NULL)
        return false;
    }
  for (size_t t = 0; t < machine->n_tensors; t++)
    if (machine->tensors[t].in_place)
      machine->tensors[t].data = machine->tensors[machine->tensors[t].state].data;
  for (uint32_t t = 0; t < machine->n_tensors; t++)
    {
      SfProgramTensor tensor = sf_program_tensor (machine->program, t);
      SfTensor data = sf_tensor (tensor.dtype, tensor.shape, (void *) (uintptr_t) tensor.data);
      if (tensor.data != NULL && machine->tensors[t].data != NULL && !machine->tensors[t].is_lent
          && !rdu_tensor_write (machine, t, &data, error))
        return false;
      sf_program_let_go (machine->program, t);
    }
  return true;
}

/* The arena, which entries share, since one runs at a time. */
static bool
place_arena (RduMachine *machine, GError **error)
{
  machine->arena = rdu_memory_new (machine->arena_elems, "memory of the emulator", error);
  if (machine->arena == NULL)
    return false;
  for (size_t t = 0; t < machine->n_tensors; t++)
    if (machine->tensors[t].entry != SF_NONE)
      machine->tensors[t].data = machine->arena + machine->tensors[t].offset;
  return true;
}

/* Memory for the packed forms that are kept, and where all of them are. */
static bool
place_packed (RduMachine *machine, GError **error)
{
  machine->kept = rdu_memory_new (machine->kept_elems, "packed operands", error);
  if (machine->kept == NULL)
    return false;
  for (size_t e = 0; e < machine->n_entries; e++)
    for (size_t l = 0; l < machine->entries[e].n_launches; l++)
      {
        const RduLaunch *launch = &machine->entries[e].launches[l];
        size_t n = launch->config != NULL ? launch->config->n_packings : 0;
        for (size_t p = 0; p < n; p++)
          if (launch->packed[p].is_used)
            launch->packed[p].data = (launch->packed[p].is_kept ? machine->kept : machine->arena)
                                     + launch->packed[p].offset;
      }
  return true;
}

bool
rdu_lower_entries (RduMachine *machine, GError **error)
{
  const SfProgram *program = machine->program;
  size_t n_tensors = sf_program_n_tensors (program);
  machine->tensors = g_new0 (RduTensor, n_tensors);
  for (; machine->n_tensors < n_tensors; machine->n_tensors++)
    {
      SfProgramTensor tensor = sf_program_tensor (program, (uint32_t) machine->n_tensors);
      machine->tensors[machine->n_tensors]
          = (RduTensor){ .name = g_strdup (tensor.name != NULL ? tensor.name : ""),
                         .role = tensor.role,
                         .dtype = tensor.dtype,
                         .storage = rdu_storage_dtype (tensor.dtype),
                         .shape = tensor.shape,
                         .n_elems = sf_shape_n_elems (&tensor.shape),
                         .state = tensor.state,
                         .entry = SF_NONE,
                         .version = 1 };
      machine->tensors[machine->n_tensors].channels_last = rdu_layouts_of_tensor (
          machine->layouts, (uint32_t) machine->n_tensors);
    }
  size_t n_entries = sf_program_n_entries (program);
  machine->entries = g_new0 (RduEntry, n_entries);
  for (; machine->n_entries < n_entries; machine->n_entries++)
    machine->entries[machine->n_entries]
        = (RduEntry){ .name = g_strdup (sf_entry_name (program, (uint32_t) machine->n_entries)),
                      .index = (uint32_t) machine->n_entries };
  rdu_leave_out_copies (machine);
  for (size_t c = 0; c < machine->n_configs; c++)
    {
      rdu_config_chain (&machine->configs[c]);
      rdu_config_find_waves (&machine->configs[c]);
      machine->room_elems = MAX (machine->room_elems, machine->configs[c].room_elems);
      machine->whole_elems = MAX (machine->whole_elems, machine->configs[c].whole_elems);
    }
  rdu_find_replacements (machine);
  rdu_find_lent (machine);
  if (!place_lasting (machine, error))
    return false;
  for (size_t e = 0; e < n_entries; e++)
    if (!lower_entry (machine, &machine->entries[e], error))
      return false;
  return place_arena (machine, error) && place_packed (machine, error);
}

void
rdu_entry_clear (RduEntry *entry)
{
  for (size_t l = 0; l < entry->n_launches; l++)
    {
      RduLaunch *launch = &entry->launches[l];
      g_free (launch->home);
      g_free (launch->base);
      g_free (launch->packed);
      g_free (launch->shared);
      rdu_turns_free (launch->turns);
      rdu_section_clear (&launch->section);
      g_free (launch->slots);
      g_free (launch->loads);
      g_free (launch->stores);
      g_free (launch->bindings);
      g_free (launch->purposes);
      g_free (launch->wanted);
    }
  g_free (entry->launches);
  g_free (entry->commits);
  g_free (entry->name);
  *entry = (RduEntry){ 0 };
}
