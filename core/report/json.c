/* SPDX-License-Identifier: Apache-2.0 */
/* report.json: every fact of the page, for programs. */
#include <stdlib.h>

#include <sf/json.h>

#include "core/report/facts.h"

/* A string member; what is no UTF-8 is replaced. */
static void
put_string (json_t *object, const char *key, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  json_object_set_new (object, key, json_string (valid));
}

static void
put_int (json_t *object, const char *key, int64_t value)
{
  json_object_set_new (object, key, json_integer (value));
}

static void
put_id (json_t *object, const char *key, uint32_t id)
{
  json_object_set_new (object, key, id == SF_NONE ? json_null () : json_integer (id));
}

static json_t *
put_array (json_t *object, const char *key)
{
  json_t *array = json_array ();
  json_object_set_new (object, key, array);
  return array;
}

static json_t *
add_object (json_t *array)
{
  json_t *object = json_object ();
  json_array_append_new (array, object);
  return object;
}

/* ---- entries ---- */

static void
put_launch_time (json_t *object, const SfLaunchTime *t)
{
  put_int (object, "start_cycles", t->start_cycles);
  put_int (object, "load_cycles", t->load_cycles);
  put_int (object, "cycles", t->cycles);
  if (t->target == SF_TARGET_HOST)
    return;
  put_string (object, "bound", sf_bound_name (t->bound));
  put_id (object, "stage", t->stage);
  put_int (object, "memory_bytes", t->memory_bytes);
  json_object_set_new (object, "memory_share", json_real (t->memory_share));
  json_object_set_new (object, "pcu_share", json_real (t->pcu_share));
  json_object_set_new (object, "pmu_share", json_real (t->pmu_share));
  json_object_set_new (object, "link_share", json_real (t->link_share));
}

static void
put_launch (const Report *report, uint32_t entry, uint32_t launch, json_t *object)
{
  SfLaunch l = sf_entry_launch (report->program, entry, launch);
  const EntryFacts *facts = report_entry (report, entry);
  put_string (object, "name", l.name);
  put_string (object, "target", l.target == SF_TARGET_HOST ? "host" : "rdu");
  put_string (object, "phase", report_phases[MIN ((int) l.phase, N_PHASES - 1)]);
  put_int (object, "repeat", l.repeat);
  if (l.target == SF_TARGET_HOST)
    put_string (object, "reason", report_host_reason (report, l.name));
  put_int (object, "t0_cycles", report_launch_t0 (report, entry, launch));
  if (l.target == SF_TARGET_RDU)
    {
      put_int (object, "config", l.config);
      json_t *stages = put_array (object, "stages");
      for (uint32_t s = 0; s < sf_config_n_stages (report->program, l.config); s++)
        {
          g_autofree char *name = g_utf8_make_valid (report_stage_name (report, entry, launch, s),
                                                     -1);
          json_array_append_new (stages, json_string (name));
        }
    }
  if (facts->timing == NULL)
    return;
  SfLaunchTime t = sf_timing_launch (facts->timing, launch);
  put_launch_time (object, &t);
}

static void
put_entry_times (const Report *report, const EntryFacts *facts, json_t *object)
{
  put_int (object, "cycles", facts->cycles);
  json_object_set_new (object, "seconds", json_real (report_seconds (report, facts->cycles)));
  if (report->batch > 0)
    json_object_set_new (object, "samples_per_second",
                         json_real (report_samples_per_s (report, facts)));
  put_int (object, "load_cycles", facts->load_cycles);
  put_int (object, "n_loads", (int64_t) facts->n_loads);
  put_int (object, "host_cycles", facts->host_cycles);
  put_int (object, "memory_bytes", facts->memory_bytes);
  json_t *bounds = json_object (), *phases = json_object ();
  for (int b = 0; b < SF_N_BOUNDS; b++)
    put_int (bounds, sf_bound_name ((SfBound) b), facts->bound_cycles[b]);
  for (int p = 0; p < N_PHASES; p++)
    put_int (phases, report_phases[p], facts->phase_cycles[p]);
  json_object_set_new (object, "bound_cycles", bounds);
  json_object_set_new (object, "phase_cycles", phases);
}

static void
put_lifetimes (const Report *report, uint32_t entry, json_t *array)
{
  g_autoptr (GArray) lives = report_lifetimes (report, entry);
  for (guint i = 0; i < lives->len; i++)
    {
      const Lifetime *life = &g_array_index (lives, Lifetime, i);
      json_array_append_new (array, json_pack ("[I,I,I]", (json_int_t) life->tensor,
                                               (json_int_t) life->first, (json_int_t) life->last));
    }
}

static void
put_entries (const Report *report, json_t *array)
{
  for (uint32_t e = 0; e < report->entries->len; e++)
    {
      const EntryFacts *facts = report_entry (report, e);
      json_t *object = add_object (array);
      put_string (object, "name", facts->name);
      put_int (object, "sections", (int64_t) (facts->n_launches - facts->n_host));
      put_int (object, "host_launches", (int64_t) facts->n_host);
      put_int (object, "t0_cycles", facts->t0_cycles);
      if (facts->timing != NULL)
        put_entry_times (report, facts, object);
      else
        put_string (object, "no_timing", facts->why_no_timing);
      json_t *launches = put_array (object, "launches");
      for (uint32_t l = 0; l < facts->n_launches; l++)
        put_launch (report, e, l, add_object (launches));
      put_lifetimes (report, e, put_array (object, "lifetimes"));
    }
}

/* ---- configs ---- */

static void
put_stage (const Report *report, uint32_t config, uint32_t stage, json_t *object)
{
  SfStage s = sf_config_stage (report->program, config, stage);
  const ConfigFacts *facts = report_config (report, config);
  put_string (object, "name",
              facts->launch != SF_NONE
                  ? report_stage_name (report, facts->entry, facts->launch, stage)
                  : s.name);
  put_int (object, "pcus", s.n_pcus);
  put_int (object, "flops", s.flops);
  json_t *ops = put_array (object, "ops");
  for (size_t i = 0; i < s.n_instrs; i++)
    json_array_append_new (ops, json_string (s.instrs[i].op));
  SfStageEstimate t0 = sf_estimate_stage (report->program, config, stage, report->arch);
  json_object_set_new (
      object, "t0",
      json_pack ("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "iterations",
                 (json_int_t) t0.iterations, "compute_cycles", (json_int_t) t0.compute_cycles,
                 "read_cycles", (json_int_t) t0.read_cycles, "write_cycles",
                 (json_int_t) t0.write_cycles, "interval_cycles", (json_int_t) t0.interval_cycles,
                 "latency_cycles", (json_int_t) t0.latency_cycles, "widest", (json_int_t) t0.widest,
                 "bound", sf_bound_name (t0.bound)));
  SfStageTime t1;
  int64_t cycles;
  if (report_stage_time (report, config, stage, &t1, &cycles))
    json_object_set_new (
        object, "t1",
        json_pack ("{s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "iterations", (json_int_t) t1.iterations,
                   "busy_cycles", (json_int_t) t1.busy_cycles, "wait_input_cycles",
                   (json_int_t) t1.wait_input_cycles, "wait_output_cycles",
                   (json_int_t) t1.wait_output_cycles, "first_cycles", (json_int_t) t1.first_cycles,
                   "last_cycles", (json_int_t) t1.last_cycles, "bound", sf_bound_name (t1.bound)));
}

static void
put_buffer (const Report *report, uint32_t config, uint32_t buffer, json_t *object)
{
  SfBuffer b = sf_config_buffer (report->program, config, buffer);
  g_autofree char *shape = sf_shape_text (&b.shape);
  put_string (object, "name", report_buffer_name (report, config, buffer));
  put_string (object, "dtype", sf_dtype_name (b.dtype));
  put_string (object, "shape", shape);
  put_int (object, "tokens", b.tokens);
  put_int (object, "token_bytes", report_token_bytes (&b));
  put_int (object, "depth", b.depth);
  put_int (object, "bytes", b.depth * report_token_bytes (&b));
  put_int (object, "pmus", b.n_pmus);
  put_id (object, "stream_in", report_stream (report, config, buffer, false));
  put_id (object, "stream_out", report_stream (report, config, buffer, true));
  put_id (object, "writer", report_writer (report, config, buffer));
  json_t *readers = put_array (object, "readers");
  for (uint32_t s = 0; s < sf_config_n_stages (report->program, config); s++)
    {
      SfStage stage = sf_config_stage (report->program, config, s);
      if (report_reads (&stage, SF_OPERAND_IN, buffer))
        json_array_append_new (readers, json_integer (s));
    }
}

static void
put_places (const Report *report, uint32_t config, json_t *array)
{
  static const char *const kinds[]
      = { [SF_UNIT_PCU] = "PCU", [SF_UNIT_PMU] = "PMU", [SF_UNIT_AGCU] = "AGCU" };
  for (uint32_t p = 0; p < sf_config_n_places (report->program, config); p++)
    {
      SfPlace place = sf_config_place (report->program, config, p);
      json_array_append_new (array, json_pack ("[s,I,i,i]", kinds[place.kind],
                                               (json_int_t) place.owner, place.x, place.y));
    }
}

static void
put_links (const Report *report, const ConfigFacts *facts, json_t *array)
{
  const SfTiming *timing = facts->launch != SF_NONE ? report_entry (report, facts->entry)->timing
                                                    : NULL;
  for (size_t i = 0; timing != NULL && i < sf_timing_n_links (timing, facts->launch); i++)
    {
      SfLinkTime link = sf_timing_link (timing, facts->launch, i);
      json_array_append_new (array,
                             json_pack ("{s:s, s:[i,i,i,i], s:I, s:I, s:f}", "network",
                                        report_networks[link.network], "hop", link.x0, link.y0,
                                        link.x1, link.y1, "nets", (json_int_t) link.n_nets,
                                        "vectors", (json_int_t) link.vectors, "share", link.share));
    }
}

static void
put_config (const Report *report, uint32_t config, json_t *object)
{
  const ConfigFacts *facts = report_config (report, config);
  put_int (object, "launches", (int64_t) facts->n_launches);
  put_int (object, "cycles", facts->cycles);
  put_int (object, "pcus", facts->n_pcus);
  put_int (object, "pmus", facts->n_pmus);
  put_int (object, "agcus", facts->n_agcus);
  if (facts->launch != SF_NONE)
    json_object_set_new (object, "t0",
                         json_pack ("{s:I, s:I, s:I, s:s}", "cycles",
                                    (json_int_t) facts->estimate.cycles, "memory_bytes",
                                    (json_int_t) facts->estimate.memory_bytes, "memory_cycles",
                                    (json_int_t) facts->estimate.memory_cycles, "bound",
                                    sf_bound_name (facts->estimate.bound)));
  put_int (object, "nets", (int64_t) sf_config_n_routes (report->program, config));
  json_t *stages = put_array (object, "stages"), *buffers = put_array (object, "buffers");
  for (uint32_t s = 0; s < sf_config_n_stages (report->program, config); s++)
    put_stage (report, config, s, add_object (stages));
  for (uint32_t b = 0; b < sf_config_n_buffers (report->program, config); b++)
    put_buffer (report, config, b, add_object (buffers));
  put_places (report, config, put_array (object, "places"));
  put_links (report, facts, put_array (object, "links"));
}

/* ---- the whole ---- */

static void
put_memory (const Report *report, json_t *object)
{
  json_t *levels = put_array (object, "levels"), *tensors = put_array (object, "tensors");
  for (uint32_t k = 0; k < report->info.n_memory_levels; k++)
    {
      SfMemoryLevel level = sf_arch_memory_level (report->arch, k);
      json_t *row = add_object (levels);
      put_string (row, "name", level.name);
      put_int (row, "bytes", level.bytes);
      put_int (row, "used_bytes", report_used_bytes (report, k));
    }
  for (uint32_t t = 0; t < sf_program_n_tensors (report->program); t++)
    {
      SfProgramTensor tensor = sf_program_tensor (report->program, t);
      g_autofree char *shape = sf_shape_text (&tensor.shape);
      json_t *row = add_object (tensors);
      put_string (row, "name", tensor.name);
      put_string (row, "role", report_roles[tensor.role]);
      put_string (row, "dtype", sf_dtype_name (tensor.dtype));
      put_string (row, "shape", shape);
      put_int (row, "level", tensor.level);
      put_int (row, "offset_bytes", tensor.offset_bytes);
      put_int (row, "bytes", report_tensor_bytes (&tensor));
    }
}

static void
put_arch (const Report *report, json_t *root)
{
  g_autofree char *text = sf_arch_to_json (report->arch);
  json_t *arch = json_loads (text, 0, NULL);
  json_object_del (arch, "ops");
  json_object_set_new (root, "arch", arch);
}

char *
report_json (const Report *report)
{
  g_autoptr (json_t) root = json_object ();
  put_string (root, "model", report_fact (report, "model"));
  put_string (root, "pef_digest", sf_pef_digest (report->pef));
  put_string (root, "level", report_fact (report, "level"));
  put_string (root, "precision", report_fact (report, "precision"));
  put_int (root, "batch_size", report->batch);
  put_int (root, "seed", (int64_t) report->options->seed);
  put_arch (report, root);
  put_entries (report, put_array (root, "entries"));
  json_t *configs = put_array (root, "configs"), *memory = json_object (),
         *notes = put_array (root, "notes");
  for (uint32_t c = 0; c < report->configs->len; c++)
    put_config (report, c, add_object (configs));
  json_object_set_new (root, "memory", memory);
  put_memory (report, memory);
  for (size_t i = 0; i < report->options->n_notes; i++)
    {
      json_t *note = add_object (notes);
      put_string (note, "level", report->options->notes[i].level);
      put_string (note, "pass", report->options->notes[i].pass);
      put_string (note, "text", report->options->notes[i].text);
    }
  char *text = sf_json_text (root), *owned = g_strdup (text);
  free (text);
  return owned;
}
