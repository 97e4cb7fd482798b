/* SPDX-License-Identifier: Apache-2.0 */
/* The readable form of a program: one line per record, stable, everything that a PEF says of it. */
#include <inttypes.h>

#include "core/program/program.h"

static const char *const role_names[] = { "input", "scalar", "output", "state",
                                          "next",  "const",  "temp" };
static const char *const counter_names[] = { "parallel", "sequential", "reduction" };
static const char *const operand_names[] = { "in", "out", "temp" };
static const char *const unit_names[] = { "PCU of stage", "PMU of buffer", "AGCU of stream" };
static const char *const network_names[] = { "vector", "scalar", "control" };
static const char *const phase_names[] = { "fwd", "bwd", "opt" };
static const char *const output_names[] = { "prediction", "loss", "other" };

/* A name of an enum; programs that have not been verified may hold anything. */
#define WORD(names, value) ((size_t) (value) < G_N_ELEMENTS (names) ? (names)[value] : "?")

static void
put_name (GString *out, const char *name)
{
  g_string_append_printf (out, " %s", name != NULL ? name : "-");
}

static void
put_typed_shape (GString *out, SfDtype dtype, const SfShape *shape)
{
  g_autofree char *text = sf_shape_text (shape);
  g_string_append_printf (out, " %s %s", sf_dtype_name (dtype), text);
}

static void
put_tensor (GString *out, const SfProgram *program, uint32_t i)
{
  SfProgramTensor t = sf_program_tensor (program, i);
  g_string_append_printf (out, "tensor %u", i);
  put_name (out, t.name);
  g_string_append_printf (out, " %s", WORD (role_names, t.role));
  put_typed_shape (out, t.dtype, &t.shape);
  if (t.role == SF_TENSOR_NEXT)
    g_string_append_printf (out, " of %u", t.state);
  if (t.offset_bytes >= 0)
    g_string_append_printf (out, " at %u:%" PRId64, t.level, t.offset_bytes);
  if (t.data != NULL)
    g_string_append_printf (out, " data %zu bytes", t.data_bytes);
  g_string_append_c (out, '\n');
}

/* "2c0+c1-1+:7/2": 7 positions, 2 apart, from 2 c0 + c1 - 1. */
static void
put_access (GString *out, const SfAccess *a)
{
  bool first = true;
  for (int k = 0; k < SF_MAX_COUNTERS; k++)
    {
      if (a->coef[k] == 0)
        continue;
      g_string_append (out, first ? "" : "+");
      if (a->coef[k] != 1)
        g_string_append_printf (out, "%" PRId64, a->coef[k]);
      g_string_append_printf (out, "c%d", k);
      first = false;
    }
  if (a->base != 0 || first)
    g_string_append_printf (out, first ? "%" PRId64 : "%+" PRId64, a->base);
  g_string_append_printf (out, "+:%" PRId64, a->size);
  if (a->stride != 1)
    g_string_append_printf (out, "/%" PRId64, a->stride);
}

static void
put_operand (GString *out, size_t i, const SfOperand *o)
{
  g_string_append_printf (out, "    %%%zu %s", i, WORD (operand_names, o->kind));
  if (o->kind != SF_OPERAND_TEMP)
    g_string_append_printf (out, " buffer %u", o->buffer);
  put_typed_shape (out, o->dtype, &o->shape);
  if (o->kind != SF_OPERAND_TEMP && o->counter >= 0)
    g_string_append_printf (out, " %d tokens by c%d", o->rate, o->counter);
  else if (o->kind != SF_OPERAND_TEMP)
    g_string_append (out, " resident");
  g_string_append (out, " [");
  for (int d = 0; d < o->shape.rank; d++)
    {
      g_string_append (out, d > 0 ? ", " : "");
      put_access (out, &o->dim[d]);
    }
  g_string_append (out, "]\n");
}

/* Immediates up to the last that the tile-op's row has or that is not zero. */
static void
put_immediates (GString *out, const SfInstr *instr)
{
  const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
  int n = op != NULL ? op->n_imm : 0, n_f = op != NULL ? op->n_fimm : 0;
  if (n == 0 && n_f == 0)
    return;
  g_string_append (out, " {");
  for (int i = 0; i < n; i++)
    g_string_append_printf (out, "%s%" PRId64, i > 0 ? "," : "", instr->imm[i]);
  for (int i = 0; i < n_f; i++)
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];
      g_ascii_dtostr (digits, sizeof digits, instr->fimm[i]);
      g_string_append_printf (out, "%s%s", i > 0 ? "," : n > 0 ? "; " : "", digits);
    }
  g_string_append_c (out, '}');
}

static void
put_instr (GString *out, const SfInstr *instr)
{
  g_string_append_printf (out, "    %s%s", instr->when == SF_WHEN_LAST ? "last " : "", instr->op);
  for (uint32_t i = 0; i < instr->n_src; i++)
    g_string_append_printf (out, "%s%%%u", i > 0 ? ", " : " ", instr->src[i]);
  g_string_append (out, " ->");
  for (uint32_t i = 0; i < instr->n_dst; i++)
    g_string_append_printf (out, "%s%%%u", i > 0 ? ", " : " ", instr->dst[i]);
  put_immediates (out, instr);
  g_string_append_c (out, '\n');
}

static void
put_stage (GString *out, uint32_t i, const SfStage *s)
{
  g_string_append_printf (out, "  stage %u", i);
  put_name (out, s->name);
  g_string_append_printf (out,
                          ": %" PRId64 " PCUs, interval %" PRId64 ", latency %" PRId64
                          " cycles, %" PRId64 " flops\n",
                          s->n_pcus, s->interval_cycles, s->latency_cycles, s->flops);
  for (size_t k = 0; k < s->n_counters; k++)
    g_string_append_printf (out, "    for c%zu in %" PRId64 " by %" PRId64 " %s\n", k,
                            s->counter[k].extent, s->counter[k].step,
                            WORD (counter_names, s->counter[k].kind));
  for (size_t k = 0; k < s->n_operands; k++)
    put_operand (out, k, &s->operands[k]);
  for (size_t k = 0; k < s->n_instrs; k++)
    put_instr (out, &s->instrs[k]);
}

static void
put_route (GString *out, uint32_t i, const SfRoute *r)
{
  g_string_append_printf (out, "  route %u %s %u ->", i, WORD (network_names, r->network),
                          r->source);
  for (size_t k = 0; k < r->n_sinks; k++)
    g_string_append_printf (out, " %u", r->sinks[k]);
  g_string_append_c (out, ':');
  for (size_t k = 0; k < r->n_hops; k++)
    g_string_append_printf (out, " (%d,%d)>(%d,%d)", r->hops[4 * k], r->hops[4 * k + 1],
                            r->hops[4 * k + 2], r->hops[4 * k + 3]);
  g_string_append_c (out, '\n');
}

static void
put_config (GString *out, const SfProgram *program, uint32_t config)
{
  g_string_append_printf (out, "config %u\n", config);
  for (uint32_t i = 0; i < sf_config_n_buffers (program, config); i++)
    {
      SfBuffer b = sf_config_buffer (program, config, i);
      g_string_append_printf (out, "  buffer %u", i);
      put_name (out, b.name);
      put_typed_shape (out, b.dtype, &b.shape);
      g_string_append_printf (
          out, ": %" PRId64 " tokens of %" PRId64 ", depth %" PRId64 ", %" PRId64 " PMUs\n",
          b.tokens, b.token_elems, b.depth, b.n_pmus);
    }
  for (uint32_t i = 0; i < sf_config_n_streams (program, config); i++)
    {
      SfStream s = sf_config_stream (program, config, i);
      g_string_append_printf (out, "  stream %u %s buffer %u slot %u\n", i,
                              s.out ? "out of" : "into", s.buffer, s.slot);
    }
  for (uint32_t i = 0; i < sf_config_n_stages (program, config); i++)
    {
      SfStage s = sf_config_stage (program, config, i);
      put_stage (out, i, &s);
    }
  for (uint32_t i = 0; i < sf_config_n_places (program, config); i++)
    {
      SfPlace p = sf_config_place (program, config, i);
      g_string_append_printf (out, "  place %u %s %u at %d.%d (%d,%d)\n", i,
                              WORD (unit_names, p.kind), p.owner, p.rdu, p.rdu_tile, p.x, p.y);
    }
  for (uint32_t i = 0; i < sf_config_n_routes (program, config); i++)
    {
      SfRoute r = sf_config_route (program, config, i);
      put_route (out, i, &r);
    }
}

static void
put_launch (GString *out, const SfProgram *program, uint32_t entry, uint32_t i)
{
  SfLaunch l = sf_entry_launch (program, entry, i);
  g_string_append_printf (out, "  launch %u", i);
  put_name (out, l.name);
  g_string_append_printf (out, " %s %s %u x%u (", WORD (phase_names, l.phase),
                          l.target == SF_TARGET_HOST ? "host graph" : "config", l.config, l.repeat);
  for (size_t b = 0; b < l.n_bindings; b++)
    {
      g_string_append_printf (out, "%s%u", b > 0 ? ", " : "", l.bindings[b].tensor);
      if (l.bindings[b].offset_elems != 0)
        g_string_append_printf (out, "+%" PRId64, l.bindings[b].offset_elems);
    }
  g_string_append_c (out, ')');
  for (size_t d = 0; d < l.n_deps; d++)
    g_string_append_printf (out, "%s%u", d > 0 ? ", " : " after ", l.deps[d]);
  g_string_append_c (out, '\n');
}

static void
put_entry (GString *out, const SfProgram *program, uint32_t entry)
{
  g_string_append_printf (out, "entry %s\n", sf_entry_name (program, entry));
  for (size_t i = 0; i < sf_entry_n_inputs (program, entry); i++)
    g_string_append_printf (out, "  input %u\n", sf_entry_input (program, entry, i));
  for (size_t i = 0; i < sf_entry_n_scalars (program, entry); i++)
    g_string_append_printf (out, "  scalar %u\n", sf_entry_scalar (program, entry, i));
  for (uint32_t i = 0; i < sf_entry_n_launches (program, entry); i++)
    put_launch (out, program, entry, i);
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry); i++)
    g_string_append_printf (out, "  output %s %s %u\n", sf_entry_output_name (program, entry, i),
                            WORD (output_names, sf_entry_output_role (program, entry, i)),
                            sf_entry_output (program, entry, i));
  for (size_t i = 0; i < sf_entry_n_grads (program, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (program, entry, i, &state, &grad);
      g_string_append_printf (out, "  grad of %u in %u\n", state, grad);
    }
}

char *
sf_program_text (const SfProgram *program)
{
  GString *out = g_string_new ("program\n");
  for (uint32_t i = 0; i < sf_program_n_tensors (program); i++)
    put_tensor (out, program, i);
  for (uint32_t i = 0; i < sf_program_n_configs (program); i++)
    put_config (out, program, i);
  for (uint32_t i = 0; i < sf_program_n_host_graphs (program); i++)
    {
      g_autofree char *text = sf_graph_text (sf_program_host_graph (program, i));
      g_string_append_printf (out, "host graph %u\n%s", i, text);
    }
  for (uint32_t i = 0; i < sf_program_n_entries (program); i++)
    put_entry (out, program, i);
  return g_string_free (out, FALSE);
}
