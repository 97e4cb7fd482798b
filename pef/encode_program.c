/* SPDX-License-Identifier: Apache-2.0 */
/* A program as PEF records. */
#include <string.h>

#include "pef/writer.h"

static uint32_t
put_dtype (PefWriter *w, SfDtype dtype)
{
  return pef_writer_string (w, sf_dtype_name (dtype));
}

static void
put_tensors (PefWriter *w, const SfProgram *program)
{
  for (uint32_t i = 0; i < sf_program_n_tensors (program); i++)
    {
      SfProgramTensor t = sf_program_tensor (program, i);
      PefTensor record = { .name = pef_writer_string (w, t.name),
                           .role = t.role,
                           .dtype = put_dtype (w, t.dtype),
                           .level = t.level,
                           .state = t.state,
                           .dims = pef_writer_shape (w, &t.shape),
                           .offset_bytes = t.offset_bytes,
                           .data = pef_writer_data (w, t.data, t.data_bytes),
                           .data_bytes = t.data != NULL ? t.data_bytes : 0 };
      pef_writer_add (w, PEF_TENSORS, &record, 1);
    }
}

static PefRange
put_buffers (PefWriter *w, const SfProgram *program, uint32_t config)
{
  PefRange range = { pef_writer_count (w, PEF_BUFFERS),
                     (uint32_t) sf_config_n_buffers (program, config) };
  for (uint32_t i = 0; i < range.n; i++)
    {
      SfBuffer b = sf_config_buffer (program, config, i);
      PefBuffer record = { pef_writer_string (w, b.name),
                           put_dtype (w, b.dtype),
                           pef_writer_shape (w, &b.shape),
                           b.tokens,
                           b.token_elems,
                           b.depth,
                           b.n_pmus };
      pef_writer_add (w, PEF_BUFFERS, &record, 1);
    }
  return range;
}

static PefRange
put_streams (PefWriter *w, const SfProgram *program, uint32_t config)
{
  PefRange range = { pef_writer_count (w, PEF_STREAMS),
                     (uint32_t) sf_config_n_streams (program, config) };
  for (uint32_t i = 0; i < range.n; i++)
    {
      SfStream s = sf_config_stream (program, config, i);
      PefStream record = { s.buffer, s.out, s.slot };
      pef_writer_add (w, PEF_STREAMS, &record, 1);
    }
  return range;
}

static void
put_operand (PefWriter *w, const SfOperand *o)
{
  PefOperand record = { o->kind,
                        o->buffer,
                        put_dtype (w, o->dtype),
                        o->counter,
                        o->rate,
                        pef_writer_shape (w, &o->shape),
                        pef_writer_count (w, PEF_ACCESSES) };
  for (int d = 0; d < o->shape.rank; d++)
    {
      PefAccess access
          = { .base = o->dim[d].base, .size = o->dim[d].size, .stride = o->dim[d].stride };
      memcpy (access.coef, o->dim[d].coef, sizeof access.coef);
      pef_writer_add (w, PEF_ACCESSES, &access, 1);
    }
  pef_writer_add (w, PEF_OPERANDS, &record, 1);
}

static void
put_instr (PefWriter *w, const SfInstr *instr)
{
  PefInstr record = { .op = pef_writer_string (w, instr->op),
                      .version = instr->version,
                      .when = instr->when,
                      .n_src = instr->n_src,
                      .n_dst = instr->n_dst };
  memcpy (record.src, instr->src, instr->n_src * sizeof (uint32_t));
  memcpy (record.dst, instr->dst, instr->n_dst * sizeof (uint32_t));
  memcpy (record.imm, instr->imm, sizeof record.imm);
  memcpy (record.fimm, instr->fimm, sizeof record.fimm);
  pef_writer_add (w, PEF_INSTRS, &record, 1);
}

static PefRange
put_stages (PefWriter *w, const SfProgram *program, uint32_t config)
{
  PefRange range = { pef_writer_count (w, PEF_STAGES),
                     (uint32_t) sf_config_n_stages (program, config) };
  for (uint32_t i = 0; i < range.n; i++)
    {
      SfStage s = sf_config_stage (program, config, i);
      PefStage record
          = { .name = pef_writer_string (w, s.name),
              .counters = { pef_writer_count (w, PEF_COUNTERS), (uint32_t) s.n_counters },
              .operands = { pef_writer_count (w, PEF_OPERANDS), (uint32_t) s.n_operands },
              .instrs = { pef_writer_count (w, PEF_INSTRS), (uint32_t) s.n_instrs },
              .n_pcus = s.n_pcus,
              .interval_cycles = s.interval_cycles,
              .latency_cycles = s.latency_cycles,
              .flops = s.flops };
      for (size_t k = 0; k < s.n_counters; k++)
        {
          PefCounter counter = { s.counter[k].extent, s.counter[k].step, s.counter[k].kind };
          pef_writer_add (w, PEF_COUNTERS, &counter, 1);
        }
      for (size_t k = 0; k < s.n_operands; k++)
        put_operand (w, &s.operands[k]);
      for (size_t k = 0; k < s.n_instrs; k++)
        put_instr (w, &s.instrs[k]);
      pef_writer_add (w, PEF_STAGES, &record, 1);
    }
  return range;
}

static PefRange
put_places (PefWriter *w, const SfProgram *program, uint32_t config)
{
  PefRange range = { pef_writer_count (w, PEF_PLACES),
                     (uint32_t) sf_config_n_places (program, config) };
  for (uint32_t i = 0; i < range.n; i++)
    {
      SfPlace p = sf_config_place (program, config, i);
      PefPlace record = { p.kind, p.owner, p.rdu, p.rdu_tile, p.x, p.y };
      pef_writer_add (w, PEF_PLACES, &record, 1);
    }
  return range;
}

static PefRange
put_routes (PefWriter *w, const SfProgram *program, uint32_t config)
{
  PefRange range = { pef_writer_count (w, PEF_ROUTES),
                     (uint32_t) sf_config_n_routes (program, config) };
  for (uint32_t i = 0; i < range.n; i++)
    {
      SfRoute r = sf_config_route (program, config, i);
      PefRoute record = { r.network,
                          r.source,
                          pef_writer_words (w, r.sinks, r.n_sinks),
                          { pef_writer_count (w, PEF_HOPS), (uint32_t) r.n_hops } };
      pef_writer_add (w, PEF_HOPS, r.hops, r.n_hops);
      pef_writer_add (w, PEF_ROUTES, &record, 1);
    }
  return range;
}

static void
put_configs (PefWriter *w, const SfProgram *program)
{
  for (uint32_t i = 0; i < sf_program_n_configs (program); i++)
    {
      PefConfig record = { put_buffers (w, program, i), put_streams (w, program, i),
                           put_stages (w, program, i), put_places (w, program, i),
                           put_routes (w, program, i) };
      pef_writer_add (w, PEF_CONFIGS, &record, 1);
    }
}

/* ---- entries ---- */

static PefRange
put_launches (PefWriter *w, const SfProgram *program, uint32_t entry)
{
  PefRange range = { pef_writer_count (w, PEF_LAUNCHES),
                     (uint32_t) sf_entry_n_launches (program, entry) };
  for (uint32_t i = 0; i < range.n; i++)
    {
      SfLaunch l = sf_entry_launch (program, entry, i);
      PefLaunch record = { pef_writer_string (w, l.name),
                           l.target,
                           l.phase,
                           l.config,
                           l.repeat,
                           { pef_writer_count (w, PEF_BINDINGS), (uint32_t) l.n_bindings },
                           pef_writer_words (w, l.deps, l.n_deps) };
      for (size_t b = 0; b < l.n_bindings; b++)
        {
          PefBinding binding = { l.bindings[b].offset_elems, l.bindings[b].tensor, 0 };
          pef_writer_add (w, PEF_BINDINGS, &binding, 1);
        }
      pef_writer_add (w, PEF_LAUNCHES, &record, 1);
    }
  return range;
}

static PefRange
put_tensor_list (PefWriter *w, const SfProgram *program, uint32_t entry, size_t n,
                 uint32_t (*at) (const SfProgram *, uint32_t, size_t))
{
  PefRange range = { pef_writer_count (w, PEF_WORDS), (uint32_t) n };
  for (size_t i = 0; i < n; i++)
    {
      uint32_t tensor = at (program, entry, i);
      pef_writer_add (w, PEF_WORDS, &tensor, 1);
    }
  return range;
}

static void
put_entry (PefWriter *w, const SfProgram *program, uint32_t entry)
{
  PefEntry record = { .name = pef_writer_string (w, sf_entry_name (program, entry)),
                      .launches = put_launches (w, program, entry) };
  record.inputs = put_tensor_list (w, program, entry, sf_entry_n_inputs (program, entry),
                                   sf_entry_input);
  record.scalars = put_tensor_list (w, program, entry, sf_entry_n_scalars (program, entry),
                                    sf_entry_scalar);
  record.outputs = (PefRange){ pef_writer_count (w, PEF_OUTPUTS),
                               (uint32_t) sf_entry_n_outputs (program, entry) };
  for (size_t i = 0; i < record.outputs.n; i++)
    {
      PefOutput output = { sf_entry_output (program, entry, i),
                           pef_writer_string (w, sf_entry_output_name (program, entry, i)),
                           sf_entry_output_role (program, entry, i) };
      pef_writer_add (w, PEF_OUTPUTS, &output, 1);
    }
  record.grads = (PefRange){ pef_writer_count (w, PEF_GRADS),
                             (uint32_t) sf_entry_n_grads (program, entry) };
  for (size_t i = 0; i < record.grads.n; i++)
    {
      PefGrad grad;
      sf_entry_grad (program, entry, i, &grad.state, &grad.grad);
      pef_writer_add (w, PEF_GRADS, &grad, 1);
    }
  pef_writer_add (w, PEF_ENTRIES, &record, 1);
}

static void
put_debug_of_launch (PefWriter *w, const SfProgram *program, uint32_t entry, uint32_t launch)
{
  SfLaunch l = sf_entry_launch (program, entry, launch);
  if (l.target != SF_TARGET_RDU)
    return;
  for (uint32_t b = 0; b < sf_config_n_buffers (program, l.config); b++)
    {
      PefOrigin origin = { entry, launch, b, sf_launch_origin (program, entry, launch, b) };
      if (origin.origin != SF_NONE)
        pef_writer_add (w, PEF_ORIGINS, &origin, 1);
    }
  for (uint32_t s = 0; s < sf_config_n_stages (program, l.config); s++)
    {
      const char *name = sf_launch_stage_name (program, entry, launch, s);
      PefStageName record = { entry, launch, s, pef_writer_string (w, name) };
      if (name != NULL)
        pef_writer_add (w, PEF_STAGE_NAMES, &record, 1);
    }
}

void
pef_encode_program (PefWriter *writer, const SfProgram *program, bool debug)
{
  put_tensors (writer, program);
  put_configs (writer, program);
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    put_entry (writer, program, e);
  for (uint32_t i = 0; i < sf_program_n_host_graphs (program); i++)
    pef_encode_graph (writer, sf_program_host_graph (program, i), NULL);
  for (uint32_t e = 0; e < sf_program_n_entries (program) && debug; e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (program, e); l++)
      put_debug_of_launch (writer, program, e, l);
}
