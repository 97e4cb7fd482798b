/* SPDX-License-Identifier: Apache-2.0 */
/* A PEF described for a program: one JSON object that says all of it but the data. */
#include <sf/pef.h>

#include <sf/json.h>

static const char *const role_names[] = { "input", "scalar", "output", "state",
                                          "next",  "const",  "temp" };
static const char *const phase_names[] = { "fwd", "bwd", "opt" };
static const char *const counter_names[] = { "parallel", "sequential", "reduction" };
static const char *const operand_names[] = { "in", "out", "temp" };
static const char *const unit_names[] = { "pcu", "pmu", "agcu" };
static const char *const network_names[] = { "vector", "scalar", "control" };
static const char *const output_names[] = { "prediction", "loss", "other" };

static json_t *
text_or_null (const char *text)
{
  return text != NULL ? json_string (text) : json_null ();
}

static void
set_int (json_t *object, const char *key, int64_t value)
{
  json_object_set_new (object, key, json_integer (value));
}

static void
set_text (json_t *object, const char *key, const char *value)
{
  json_object_set_new (object, key, text_or_null (value));
}

static json_t *
int_list (const int64_t *values, size_t n)
{
  json_t *list = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (list, json_integer (values[i]));
  return list;
}

static json_t *
id_list (const uint32_t *values, size_t n)
{
  json_t *list = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (list, json_integer (values[i]));
  return list;
}

static void
set_typed_shape (json_t *object, SfDtype dtype, const SfShape *shape)
{
  set_text (object, "dtype", sf_dtype_name (dtype));
  json_object_set_new (object, "shape", int_list (shape->dim, (size_t) shape->rank));
}

static json_t *
tensors (const SfProgram *program)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_program_n_tensors (program); i++)
    {
      SfProgramTensor t = sf_program_tensor (program, i);
      json_t *object = json_object ();
      set_text (object, "name", t.name);
      set_text (object, "role", role_names[t.role]);
      set_typed_shape (object, t.dtype, &t.shape);
      set_int (object, "level", t.level);
      set_int (object, "offset_bytes", t.offset_bytes);
      if (t.role == SF_TENSOR_NEXT)
        set_int (object, "state", t.state);
      set_int (object, "data_bytes", (int64_t) t.data_bytes);
      json_array_append_new (list, object);
    }
  return list;
}

/* ---- configs ---- */

static json_t *
operand (const SfOperand *o, size_t n_counters)
{
  json_t *object = json_object (), *dims = json_array ();
  set_text (object, "kind", operand_names[o->kind]);
  set_typed_shape (object, o->dtype, &o->shape);
  if (o->kind != SF_OPERAND_TEMP)
    {
      set_int (object, "buffer", o->buffer);
      set_int (object, "counter", o->counter);
      set_int (object, "rate", o->rate);
    }
  for (int d = 0; d < o->shape.rank; d++)
    {
      json_t *access = json_object ();
      set_int (access, "base", o->dim[d].base);
      json_object_set_new (access, "coef", int_list (o->dim[d].coef, n_counters));
      set_int (access, "size", o->dim[d].size);
      set_int (access, "stride", o->dim[d].stride);
      json_array_append_new (dims, access);
    }
  json_object_set_new (object, "dims", dims);
  return object;
}

static json_t *
instruction (const SfInstr *instr)
{
  const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
  json_t *object = json_object (), *fimm = json_array ();
  set_text (object, "op", instr->op);
  set_int (object, "version", instr->version);
  set_text (object, "when", instr->when == SF_WHEN_LAST ? "last" : "each");
  json_object_set_new (object, "src", id_list (instr->src, instr->n_src));
  json_object_set_new (object, "dst", id_list (instr->dst, instr->n_dst));
  json_object_set_new (object, "imm", int_list (instr->imm, op != NULL ? (size_t) op->n_imm : 0));
  for (int i = 0; op != NULL && i < op->n_fimm; i++)
    {
      json_t *value = json_real (instr->fimm[i]); /* NULL for what JSON cannot say: infinities */
      json_array_append_new (
          fimm, value != NULL ? value : json_string (instr->fimm[i] < 0 ? "-inf" : "inf"));
    }
  json_object_set_new (object, "fimm", fimm);
  return object;
}

static json_t *
stage (const SfStage *s)
{
  json_t *object = json_object (), *counters = json_array (), *operands = json_array (),
         *instrs = json_array ();
  set_text (object, "name", s->name);
  set_int (object, "pcus", s->n_pcus);
  set_int (object, "interval_cycles", s->interval_cycles);
  set_int (object, "latency_cycles", s->latency_cycles);
  set_int (object, "flops", s->flops);
  for (size_t k = 0; k < s->n_counters; k++)
    {
      json_t *counter = json_object ();
      set_int (counter, "extent", s->counter[k].extent);
      set_int (counter, "step", s->counter[k].step);
      set_text (counter, "kind", counter_names[s->counter[k].kind]);
      json_array_append_new (counters, counter);
    }
  for (size_t k = 0; k < s->n_operands; k++)
    json_array_append_new (operands, operand (&s->operands[k], s->n_counters));
  for (size_t k = 0; k < s->n_instrs; k++)
    json_array_append_new (instrs, instruction (&s->instrs[k]));
  json_object_set_new (object, "counters", counters);
  json_object_set_new (object, "operands", operands);
  json_object_set_new (object, "instructions", instrs);
  return object;
}

static json_t *
buffers (const SfProgram *program, uint32_t config)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_config_n_buffers (program, config); i++)
    {
      SfBuffer b = sf_config_buffer (program, config, i);
      json_t *object = json_object ();
      set_text (object, "name", b.name);
      set_typed_shape (object, b.dtype, &b.shape);
      set_int (object, "tokens", b.tokens);
      set_int (object, "token_elems", b.token_elems);
      set_int (object, "depth", b.depth);
      set_int (object, "pmus", b.n_pmus);
      json_array_append_new (list, object);
    }
  return list;
}

static json_t *
streams (const SfProgram *program, uint32_t config)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_config_n_streams (program, config); i++)
    {
      SfStream s = sf_config_stream (program, config, i);
      json_t *object = json_object ();
      set_int (object, "buffer", s.buffer);
      set_text (object, "direction", s.out ? "out" : "in");
      set_int (object, "slot", s.slot);
      json_array_append_new (list, object);
    }
  return list;
}

static json_t *
places (const SfProgram *program, uint32_t config)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_config_n_places (program, config); i++)
    {
      SfPlace p = sf_config_place (program, config, i);
      json_t *object = json_object ();
      set_text (object, "unit", unit_names[p.kind]);
      set_int (object, "owner", p.owner);
      set_int (object, "rdu", p.rdu);
      set_int (object, "rdu_tile", p.rdu_tile);
      set_int (object, "x", p.x);
      set_int (object, "y", p.y);
      json_array_append_new (list, object);
    }
  return list;
}

static json_t *
routes (const SfProgram *program, uint32_t config)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_config_n_routes (program, config); i++)
    {
      SfRoute r = sf_config_route (program, config, i);
      json_t *object = json_object (), *hops = json_array ();
      set_text (object, "network", network_names[r.network]);
      set_int (object, "source", r.source);
      json_object_set_new (object, "sinks", id_list (r.sinks, r.n_sinks));
      for (size_t h = 0; h < r.n_hops; h++)
        json_array_append_new (hops, json_pack ("[i,i,i,i]", r.hops[4 * h], r.hops[4 * h + 1],
                                                r.hops[4 * h + 2], r.hops[4 * h + 3]));
      json_object_set_new (object, "hops", hops);
      json_array_append_new (list, object);
    }
  return list;
}

static json_t *
configs (const SfProgram *program)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_program_n_configs (program); i++)
    {
      json_t *object = json_object (), *stages = json_array ();
      for (uint32_t s = 0; s < sf_config_n_stages (program, i); s++)
        {
          SfStage record = sf_config_stage (program, i, s);
          json_array_append_new (stages, stage (&record));
        }
      json_object_set_new (object, "stages", stages);
      json_object_set_new (object, "buffers", buffers (program, i));
      json_object_set_new (object, "streams", streams (program, i));
      json_object_set_new (object, "places", places (program, i));
      json_object_set_new (object, "routes", routes (program, i));
      json_array_append_new (list, object);
    }
  return list;
}

/* ---- entries ---- */

static json_t *
launch (const SfProgram *program, uint32_t entry, uint32_t index)
{
  SfLaunch l = sf_entry_launch (program, entry, index);
  json_t *object = json_object (), *bindings = json_array ();
  set_text (object, "name", l.name);
  set_text (object, "target", l.target == SF_TARGET_HOST ? "host" : "rdu");
  set_text (object, "phase", phase_names[l.phase]);
  set_int (object, l.target == SF_TARGET_HOST ? "host_graph" : "config", l.config);
  set_int (object, "repeat", l.repeat);
  for (size_t i = 0; i < l.n_bindings; i++)
    json_array_append_new (bindings,
                           json_pack ("{s:I,s:I}", "tensor", (json_int_t) l.bindings[i].tensor,
                                      "offset_elems", (json_int_t) l.bindings[i].offset_elems));
  json_object_set_new (object, "bindings", bindings);
  json_object_set_new (object, "after", id_list (l.deps, l.n_deps));
  if (l.target == SF_TARGET_HOST)
    return object;
  json_t *names = json_array ();
  for (uint32_t s = 0; s < sf_config_n_stages (program, l.config); s++)
    json_array_append_new (names, text_or_null (sf_launch_stage_name (program, entry, index, s)));
  json_object_set_new (object, "stage_names", names);
  return object;
}

static void
set_tensor_list (json_t *object, const char *key, const SfProgram *program, uint32_t entry,
                 size_t n, uint32_t (*at) (const SfProgram *, uint32_t, size_t))
{
  json_t *list = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (list, json_integer (at (program, entry, i)));
  json_object_set_new (object, key, list);
}

static json_t *
entry_object (const SfProgram *program, uint32_t entry)
{
  json_t *object = json_object (), *launches = json_array (), *outputs = json_array (),
         *grads = json_array ();
  set_text (object, "name", sf_entry_name (program, entry));
  set_tensor_list (object, "inputs", program, entry, sf_entry_n_inputs (program, entry),
                   sf_entry_input);
  set_tensor_list (object, "scalars", program, entry, sf_entry_n_scalars (program, entry),
                   sf_entry_scalar);
  for (uint32_t i = 0; i < sf_entry_n_launches (program, entry); i++)
    json_array_append_new (launches, launch (program, entry, i));
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry); i++)
    json_array_append_new (
        outputs, json_pack ("{s:s,s:s,s:I}", "name", sf_entry_output_name (program, entry, i),
                            "role", output_names[sf_entry_output_role (program, entry, i)],
                            "tensor", (json_int_t) sf_entry_output (program, entry, i)));
  for (size_t i = 0; i < sf_entry_n_grads (program, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (program, entry, i, &state, &grad);
      json_array_append_new (
          grads, json_pack ("{s:I,s:I}", "state", (json_int_t) state, "grad", (json_int_t) grad));
    }
  json_object_set_new (object, "launches", launches);
  json_object_set_new (object, "outputs", outputs);
  json_object_set_new (object, "grads", grads);
  return object;
}

/* ---- the whole ---- */

static json_t *
graphs (const SfPef *pef)
{
  const SfModule *source = sf_pef_source (pef);
  if (source == NULL)
    return json_null ();
  json_t *object = json_object ();
  for (size_t i = 0; i < sf_module_n_entries (source); i++)
    {
      g_autofree char *text = sf_graph_text (sf_module_graph (source, sf_module_entry (source, i)));
      set_text (object, sf_module_entry (source, i), text);
    }
  return object;
}

static json_t *
host_graphs (const SfProgram *program)
{
  json_t *list = json_array ();
  for (uint32_t i = 0; i < sf_program_n_host_graphs (program); i++)
    {
      g_autofree char *text = sf_graph_text (sf_program_host_graph (program, i));
      json_array_append_new (list, json_string (text));
    }
  return list;
}

static json_t *
facts (const SfPef *pef)
{
  json_t *object = json_object ();
  for (const char *const *key = sf_pef_fact_keys (pef); *key != NULL; key++)
    set_text (object, *key, sf_pef_fact (pef, *key));
  return object;
}

char *
sf_pef_describe_json (const SfPef *pef)
{
  const SfProgram *program = sf_pef_program (pef);
  g_autoptr (json_t) root = json_object ();
  size_t n_bytes;
  sf_pef_data (pef, &n_bytes);
  g_autofree char *arch = sf_arch_to_json (sf_pef_arch (pef));
  set_text (root, "name", sf_pef_name (pef));
  set_int (root, "bytes", (int64_t) n_bytes);
  set_text (root, "digest", sf_pef_digest (pef));
  set_text (root, "graph_digest", sf_pef_graph_digest (pef));
  json_object_set_new (root, "facts", facts (pef));
  json_object_set_new (root, "arch", json_loads (arch, 0, NULL));
  json_object_set_new (root, "source", graphs (pef));
  json_object_set_new (root, "tensors", tensors (program));
  json_object_set_new (root, "configs", configs (program));
  json_object_set_new (root, "host_graphs", host_graphs (program));
  json_t *entries = json_array ();
  for (uint32_t i = 0; i < sf_program_n_entries (program); i++)
    json_array_append_new (entries, entry_object (program, i));
  json_object_set_new (root, "entries", entries);
  char *text = sf_json_text (root);
  char *owned = g_strdup (text);
  free (text);
  return owned;
}
