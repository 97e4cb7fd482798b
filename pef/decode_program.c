/* SPDX-License-Identifier: Apache-2.0 */
/* A program out of PEF records. Ranges and strings are checked here, what they mean by
 * sf_program_verify. */
#include <string.h>

#include "core/program/program.h"
#include "pef/reader.h"

typedef struct
{
  PefReader *r;
  SfProgram *program;
  GError **error;
} Decoder;

static const void *
all_records (PefReader *r, PefSectionId section)
{
  return r->table[section].data;
}

static bool
decode_tensor (const Decoder *d, const PefTensor *record)
{
  SfProgramTensor t = { .role = (SfTensorRole) record->role,
                        .level = record->level,
                        .state = record->state,
                        .offset_bytes = record->offset_bytes,
                        .data_bytes = record->data_bytes };
  if (!pef_text (d->r, record->name, &t.name, d->error)
      || !pef_dtype (d->r, record->dtype, &t.dtype, d->error)
      || !pef_shape (d->r, record->dims, &t.shape, d->error)
      || !pef_data (d->r, record->data, record->data_bytes, &t.data, d->error))
    return false;
  sf_program_add_mapped_tensor (d->program, &t, d->r->bytes);
  return true;
}

/* ---- configs ---- */

static bool
decode_buffer (const Decoder *d, uint32_t config, const PefBuffer *record)
{
  SfBuffer b = { .tokens = record->tokens,
                 .token_elems = record->token_elems,
                 .depth = record->depth,
                 .n_pmus = record->n_pmus };
  if (!pef_text (d->r, record->name, &b.name, d->error)
      || !pef_dtype (d->r, record->dtype, &b.dtype, d->error)
      || !pef_shape (d->r, record->dims, &b.shape, d->error))
    return false;
  sf_config_add_buffer (d->program, config, &b);
  return true;
}

static bool
decode_operand (const Decoder *d, const PefOperand *record, SfOperand *o)
{
  *o = (SfOperand){ .kind = (SfOperandKind) record->kind,
                    .buffer = record->buffer,
                    .counter = record->counter,
                    .rate = record->rate };
  if (!pef_dtype (d->r, record->dtype, &o->dtype, d->error)
      || !pef_shape (d->r, record->dims, &o->shape, d->error))
    return false;
  PefRange range = { record->accesses, (uint32_t) o->shape.rank };
  const PefAccess *accesses = pef_range (d->r, PEF_ACCESSES, range, d->error);
  if (accesses == NULL)
    return false;
  for (int i = 0; i < o->shape.rank; i++)
    {
      o->dim[i] = (SfAccess){ .base = accesses[i].base,
                              .size = accesses[i].size,
                              .stride = accesses[i].stride };
      memcpy (o->dim[i].coef, accesses[i].coef, sizeof accesses[i].coef);
    }
  return true;
}

static bool
decode_instr (const Decoder *d, const PefInstr *record, SfInstr *instr)
{
  *instr = (SfInstr){ .version = record->version,
                      .when = (SfWhen) record->when,
                      .n_src = record->n_src,
                      .n_dst = record->n_dst };
  if (!pef_text (d->r, record->op, &instr->op, d->error))
    return false;
  if (instr->op == NULL || record->n_src > SF_MAX_SRC || record->n_dst > SF_MAX_DST)
    return pef_refuse (d->r, d->error,
                       "an instruction without an op, or with %u sources and %u results",
                       record->n_src, record->n_dst);
  memcpy (instr->src, record->src, sizeof instr->src);
  memcpy (instr->dst, record->dst, sizeof instr->dst);
  memcpy (instr->imm, record->imm, sizeof instr->imm);
  memcpy (instr->fimm, record->fimm, sizeof instr->fimm);
  return true;
}

/* Arrays of a stage; counts are bounded by the file, which holds a record for each. */
typedef struct
{
  const PefCounter *counters;
  const PefOperand *operands;
  const PefInstr *instrs;
} StageRecords;

static bool
find_stage_records (const Decoder *d, const PefStage *record, StageRecords *out)
{
  return (out->counters = pef_range (d->r, PEF_COUNTERS, record->counters, d->error)) != NULL
         && (out->operands = pef_range (d->r, PEF_OPERANDS, record->operands, d->error)) != NULL
         && (out->instrs = pef_range (d->r, PEF_INSTRS, record->instrs, d->error)) != NULL;
}

static bool
decode_stage_parts (const Decoder *d, const PefStage *record, const StageRecords *from,
                    SfStage *stage, SfOperand *operands, SfInstr *instrs)
{
  for (uint32_t i = 0; i < record->counters.n; i++)
    {
      if (from->counters[i].kind < 0 || from->counters[i].kind > SF_COUNTER_REDUCTION)
        return pef_refuse (d->r, d->error, "a counter of an unknown kind");
      stage->counter[i] = (SfCounter){ from->counters[i].extent, from->counters[i].step,
                                       (SfCounterKind) from->counters[i].kind };
    }
  for (uint32_t i = 0; i < record->operands.n; i++)
    if (!decode_operand (d, &from->operands[i], &operands[i]))
      return false;
  for (uint32_t i = 0; i < record->instrs.n; i++)
    if (!decode_instr (d, &from->instrs[i], &instrs[i]))
      return false;
  return true;
}

static bool
decode_stage (const Decoder *d, uint32_t config, const PefStage *record)
{
  SfStage stage = { .n_counters = record->counters.n,
                    .n_operands = record->operands.n,
                    .n_instrs = record->instrs.n,
                    .n_pcus = record->n_pcus,
                    .interval_cycles = record->interval_cycles,
                    .latency_cycles = record->latency_cycles,
                    .flops = record->flops };
  if (!pef_text (d->r, record->name, &stage.name, d->error))
    return false;
  if (record->counters.n > SF_MAX_COUNTERS)
    return pef_refuse (d->r, d->error, "a stage with %u counters, wanted at most %d",
                       record->counters.n, SF_MAX_COUNTERS);
  StageRecords from;
  if (!find_stage_records (d, record, &from))
    return false;
  g_autofree SfOperand *operands = g_new0 (SfOperand, record->operands.n + 1);
  g_autofree SfInstr *instrs = g_new0 (SfInstr, record->instrs.n + 1);
  if (!decode_stage_parts (d, record, &from, &stage, operands, instrs))
    return false;
  stage.operands = operands;
  stage.instrs = instrs;
  sf_config_add_stage (d->program, config, &stage);
  return true;
}

static bool
decode_places (const Decoder *d, uint32_t config, PefRange range)
{
  const PefPlace *records = pef_range (d->r, PEF_PLACES, range, d->error);
  if (records == NULL)
    return false;
  g_autofree SfPlace *places = g_new0 (SfPlace, range.n + 1);
  for (uint32_t i = 0; i < range.n; i++)
    places[i] = (SfPlace){ (SfUnitKind) records[i].kind, records[i].owner, records[i].rdu,
                           records[i].rdu_tile,          records[i].x,     records[i].y };
  sf_config_set_places (d->program, config, places, range.n);
  return true;
}

static bool
decode_routes (const Decoder *d, uint32_t config, PefRange range)
{
  const PefRoute *records = pef_range (d->r, PEF_ROUTES, range, d->error);
  if (records == NULL)
    return false;
  g_autofree SfRoute *routes = g_new0 (SfRoute, range.n + 1);
  for (uint32_t i = 0; i < range.n; i++)
    {
      routes[i] = (SfRoute){ .network = (SfNetwork) records[i].network,
                             .source = records[i].source,
                             .n_sinks = records[i].sinks.n,
                             .sinks = pef_range (d->r, PEF_WORDS, records[i].sinks, d->error),
                             .n_hops = records[i].hops.n };
      if (routes[i].sinks == NULL
          || (routes[i].hops = pef_range (d->r, PEF_HOPS, records[i].hops, d->error)) == NULL)
        return false;
    }
  sf_config_set_routes (d->program, config, routes, range.n);
  return true;
}

static bool
decode_config (const Decoder *d, const PefConfig *record)
{
  uint32_t config = sf_program_add_config (d->program);
  const PefBuffer *buffers = pef_range (d->r, PEF_BUFFERS, record->buffers, d->error);
  if (buffers == NULL)
    return false;
  for (uint32_t i = 0; i < record->buffers.n; i++)
    if (!decode_buffer (d, config, &buffers[i]))
      return false;
  const PefStream *streams = pef_range (d->r, PEF_STREAMS, record->streams, d->error);
  if (streams == NULL)
    return false;
  for (uint32_t i = 0; i < record->streams.n; i++)
    {
      SfStream stream = { streams[i].buffer, streams[i].out != 0, streams[i].slot };
      sf_config_add_stream (d->program, config, &stream);
    }
  const PefStage *stages = pef_range (d->r, PEF_STAGES, record->stages, d->error);
  if (stages == NULL)
    return false;
  for (uint32_t i = 0; i < record->stages.n; i++)
    if (!decode_stage (d, config, &stages[i]))
      return false;
  return decode_places (d, config, record->places) && decode_routes (d, config, record->routes);
}

/* ---- entries ---- */

static bool
decode_launch (const Decoder *d, uint32_t entry, const PefLaunch *record)
{
  SfLaunch launch = { .target = (SfTarget) record->target,
                      .phase = (SfPhase) record->phase,
                      .config = record->config,
                      .repeat = record->repeat,
                      .n_bindings = record->bindings.n,
                      .n_deps = record->deps.n };
  const PefBinding *records = pef_range (d->r, PEF_BINDINGS, record->bindings, d->error);
  if (records == NULL || (launch.deps = pef_range (d->r, PEF_WORDS, record->deps, d->error)) == NULL
      || !pef_text (d->r, record->name, &launch.name, d->error))
    return false;
  g_autofree SfBinding *bindings = g_new0 (SfBinding, record->bindings.n + 1);
  for (uint32_t i = 0; i < record->bindings.n; i++)
    bindings[i] = (SfBinding){ records[i].tensor, records[i].offset_elems };
  launch.bindings = bindings;
  sf_entry_add_launch (d->program, entry, &launch);
  return true;
}

static bool
decode_list (const Decoder *d, uint32_t entry, PefRange range,
             void (*add) (SfProgram *, uint32_t, uint32_t))
{
  const uint32_t *words = pef_range (d->r, PEF_WORDS, range, d->error);
  if (words == NULL)
    return false;
  for (uint32_t i = 0; i < range.n; i++)
    add (d->program, entry, words[i]);
  return true;
}

static bool
decode_outputs (const Decoder *d, uint32_t entry, PefRange range)
{
  const PefOutput *records = pef_range (d->r, PEF_OUTPUTS, range, d->error);
  if (records == NULL)
    return false;
  for (uint32_t i = 0; i < range.n; i++)
    {
      const char *name;
      if (!pef_text (d->r, records[i].name, &name, d->error))
        return false;
      sf_entry_add_output (d->program, entry, records[i].tensor, name,
                           (SfOutputRole) records[i].role);
    }
  return true;
}

static bool
decode_entry (const Decoder *d, const PefEntry *record)
{
  const char *name;
  if (!pef_text (d->r, record->name, &name, d->error))
    return false;
  uint32_t entry = sf_program_add_entry (d->program, name);
  const PefLaunch *launches = pef_range (d->r, PEF_LAUNCHES, record->launches, d->error);
  if (launches == NULL)
    return false;
  for (uint32_t i = 0; i < record->launches.n; i++)
    if (!decode_launch (d, entry, &launches[i]))
      return false;
  const PefGrad *grads = pef_range (d->r, PEF_GRADS, record->grads, d->error);
  if (grads == NULL || !decode_list (d, entry, record->inputs, sf_entry_add_input)
      || !decode_list (d, entry, record->scalars, sf_entry_add_scalar)
      || !decode_outputs (d, entry, record->outputs))
    return false;
  for (uint32_t i = 0; i < record->grads.n; i++)
    sf_entry_add_grad (d->program, entry, grads[i].state, grads[i].grad);
  return true;
}

/* ---- debug map ---- */

static bool
is_launch (const Decoder *d, uint32_t entry, uint32_t launch)
{
  return (entry < sf_program_n_entries (d->program)
          && launch < sf_entry_n_launches (d->program, entry))
         || pef_refuse (d->r, d->error,
                        "the debug map names launch %u of entry %u, which does not exist", launch,
                        entry);
}

static bool
decode_debug (const Decoder *d)
{
  const PefOrigin *origins = all_records (d->r, PEF_ORIGINS);
  for (uint64_t i = 0; i < d->r->table[PEF_ORIGINS].n; i++)
    {
      if (!is_launch (d, origins[i].entry, origins[i].launch))
        return false;
      sf_launch_set_origin (d->program, origins[i].entry, origins[i].launch, origins[i].buffer,
                            origins[i].origin);
    }
  const PefStageName *names = all_records (d->r, PEF_STAGE_NAMES);
  for (uint64_t i = 0; i < d->r->table[PEF_STAGE_NAMES].n; i++)
    {
      const char *name;
      if (!is_launch (d, names[i].entry, names[i].launch)
          || !pef_text (d->r, names[i].name, &name, d->error))
        return false;
      sf_launch_set_stage_name (d->program, names[i].entry, names[i].launch, names[i].stage, name);
    }
  return true;
}

static bool
decode_all (const Decoder *d)
{
  const PefTensor *tensors = all_records (d->r, PEF_TENSORS);
  for (uint64_t i = 0; i < d->r->table[PEF_TENSORS].n; i++)
    if (!decode_tensor (d, &tensors[i]))
      return false;
  const PefConfig *configs = all_records (d->r, PEF_CONFIGS);
  for (uint64_t i = 0; i < d->r->table[PEF_CONFIGS].n; i++)
    if (!decode_config (d, &configs[i]))
      return false;
  const PefEntry *entries = all_records (d->r, PEF_ENTRIES);
  for (uint64_t i = 0; i < d->r->table[PEF_ENTRIES].n; i++)
    if (!decode_entry (d, &entries[i]))
      return false;
  return decode_debug (d);
}

SfProgram *
pef_decode_program (PefReader *reader, GError **error)
{
  g_autoptr (SfProgram) program = sf_program_new ();
  Decoder d = { reader, program, error };
  return decode_all (&d) ? g_steal_pointer (&program) : NULL;
}
