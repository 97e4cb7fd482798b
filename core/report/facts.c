/* SPDX-License-Identifier: Apache-2.0 */
/* Report: times from T1 and T0, names from the debug map, lifetimes from the launches. */
#include "core/report/facts.h"

#include <string.h>

const char *const report_phases[N_PHASES] = { "fwd", "bwd", "opt" };
const char *const report_roles[]
    = { "input", "scalar", "output", "state", "next", "const", "temp" };
const char *const report_networks[SF_N_NETWORKS] = { "vector", "scalar", "control" };

/* ---- entries ---- */

static void
sum_up (EntryFacts *facts)
{
  for (size_t l = 0; l < sf_timing_n_launches (facts->timing); l++)
    {
      SfLaunchTime t = sf_timing_launch (facts->timing, l);
      facts->load_cycles += t.load_cycles;
      facts->n_loads += t.load_cycles > 0;
      facts->phase_cycles[MIN ((int) t.phase, N_PHASES - 1)] += t.load_cycles + t.cycles;
      if (t.target == SF_TARGET_HOST)
        facts->host_cycles += t.cycles;
      else
        {
          facts->bound_cycles[MIN ((int) t.bound, SF_N_BOUNDS - 1)] += t.cycles;
          facts->memory_bytes += t.memory_bytes;
        }
    }
}

static void
add_entry (Report *report, uint32_t entry)
{
  g_autoptr (GError) error = NULL;
  EntryFacts facts = { .name = sf_entry_name (report->program, entry),
                       .n_launches = sf_entry_n_launches (report->program, entry),
                       .t0_cycles = sf_estimate_entry (report->program, entry, report->arch),
                       .timing = sf_timing_new (report->program, entry, report->arch, &error) };
  for (uint32_t l = 0; l < facts.n_launches; l++)
    facts.n_host += sf_entry_launch (report->program, entry, l).target == SF_TARGET_HOST;
  if (facts.timing != NULL)
    {
      facts.cycles = sf_timing_cycles (facts.timing);
      sum_up (&facts);
    }
  else
    facts.why_no_timing = g_strdup (error->message);
  g_array_append_val (report->entries, facts);
}

const EntryFacts *
report_entry (const Report *report, uint32_t entry)
{
  return &g_array_index (report->entries, EntryFacts, entry);
}

/* ---- configs ---- */

const ConfigFacts *
report_config (const Report *report, uint32_t config)
{
  return &g_array_index (report->configs, ConfigFacts, config);
}

static uint32_t *
levels_of (const Report *report, uint32_t entry, uint32_t launch)
{
  SfLaunch l = sf_entry_launch (report->program, entry, launch);
  uint32_t *levels = g_new0 (uint32_t, l.n_bindings + 1);
  for (size_t i = 0; i < l.n_bindings; i++)
    levels[i] = sf_program_tensor (report->program, l.bindings[i].tensor).level;
  return levels;
}

static void
count_units (const Report *report, uint32_t config, ConfigFacts *facts)
{
  for (uint32_t s = 0; s < sf_config_n_stages (report->program, config); s++)
    facts->n_pcus += sf_config_stage (report->program, config, s).n_pcus;
  for (uint32_t b = 0; b < sf_config_n_buffers (report->program, config); b++)
    facts->n_pmus += sf_config_buffer (report->program, config, b).n_pmus;
  g_autoptr (GHashTable) agcus = g_hash_table_new (NULL, NULL);
  for (uint32_t p = 0; p < sf_config_n_places (report->program, config); p++)
    {
      SfPlace place = sf_config_place (report->program, config, p);
      if (place.kind == SF_UNIT_AGCU)
        g_hash_table_add (agcus, GINT_TO_POINTER (place.y * 1024 + place.x + 2));
    }
  facts->n_agcus = g_hash_table_size (agcus);
}

static void
find_launches (Report *report)
{
  for (uint32_t e = 0; e < report->entries->len; e++)
    for (uint32_t l = 0; l < report_entry (report, e)->n_launches; l++)
      {
        SfLaunch launch = sf_entry_launch (report->program, e, l);
        if (launch.target != SF_TARGET_RDU)
          continue;
        ConfigFacts *facts = &g_array_index (report->configs, ConfigFacts, launch.config);
        const SfTiming *timing = report_entry (report, e)->timing;
        if (facts->n_launches++ == 0)
          {
            facts->entry = e;
            facts->launch = l;
            facts->levels = levels_of (report, e, l);
            facts->estimate = sf_estimate_section (report->program, launch.config, report->arch,
                                                   facts->levels);
          }
        facts->cycles += timing != NULL ? sf_timing_launch (timing, l).cycles
                                        : facts->estimate.cycles * MAX (launch.repeat, 1);
      }
}

static int
compare_cycles (const void *a, const void *b, void *user_data)
{
  uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
  int64_t p = report_config (user_data, x)->cycles, q = report_config (user_data, y)->cycles;
  return p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

static void
add_configs (Report *report)
{
  uint32_t n = (uint32_t) sf_program_n_configs (report->program);
  report->by_cycles = g_new (uint32_t, n + 1);
  for (uint32_t c = 0; c < n; c++)
    {
      ConfigFacts facts = { .entry = SF_NONE, .launch = SF_NONE };
      count_units (report, c, &facts);
      g_array_append_val (report->configs, facts);
      report->by_cycles[c] = c;
    }
  find_launches (report);
  g_qsort_with_data (report->by_cycles, (gint) n, sizeof *report->by_cycles, compare_cycles,
                     report);
}

void
report_init (Report *report, const SfPef *pef, const SfReportOptions *options)
{
  const char *batch = sf_pef_fact (pef, "batch_size");
  *report = (Report){ .pef = pef,
                      .options = options,
                      .program = sf_pef_program (pef),
                      .arch = sf_pef_arch (pef),
                      .info = sf_arch_info (sf_pef_arch (pef)),
                      .batch = batch != NULL ? g_ascii_strtoll (batch, NULL, 10) : 0,
                      .entries = g_array_new (FALSE, TRUE, sizeof (EntryFacts)),
                      .configs = g_array_new (FALSE, TRUE, sizeof (ConfigFacts)) };
  for (uint32_t e = 0; e < sf_program_n_entries (report->program); e++)
    add_entry (report, e);
  add_configs (report);
}

void
report_clear (Report *report)
{
  for (guint e = 0; e < report->entries->len; e++)
    {
      sf_timing_free (g_array_index (report->entries, EntryFacts, e).timing);
      g_free (g_array_index (report->entries, EntryFacts, e).why_no_timing);
    }
  for (guint c = 0; c < report->configs->len; c++)
    g_free (g_array_index (report->configs, ConfigFacts, c).levels);
  g_array_unref (report->entries);
  g_array_unref (report->configs);
  g_free (report->by_cycles);
}

/* ---- figures ---- */

const char *
report_fact (const Report *report, const char *key)
{
  const char *fact = sf_pef_fact (report->pef, key);
  return fact != NULL ? fact : "";
}

double
report_seconds (const Report *report, int64_t cycles)
{
  return (double) cycles / (double) report->info.clock_hz;
}

double
report_samples_per_s (const Report *report, const EntryFacts *entry)
{
  return entry->cycles > 0 ? (double) report->batch / report_seconds (report, entry->cycles) : 0;
}

int64_t
report_launch_t0 (const Report *report, uint32_t entry, uint32_t launch)
{
  SfLaunch l = sf_entry_launch (report->program, entry, launch);
  if (l.target == SF_TARGET_HOST)
    {
      int64_t bytes = 0;
      for (size_t i = 0; i < l.n_bindings; i++)
        {
          SfProgramTensor t = sf_program_tensor (report->program, l.bindings[i].tensor);
          bytes += report_tensor_bytes (&t);
        }
      return sf_estimate_host (report->arch, bytes);
    }
  const ConfigFacts *config = report_config (report, l.config);
  g_autofree uint32_t *levels = levels_of (report, entry, launch);
  bool same = memcmp (levels, config->levels,
                      sf_config_n_slots (report->program, l.config) * sizeof *levels)
              == 0;
  int64_t once = same
                     ? config->estimate.cycles
                     : sf_estimate_section (report->program, l.config, report->arch, levels).cycles;
  return once * MAX (l.repeat, 1);
}

/* The note is "NAME (OP): on the host, REASON". */
const char *
report_host_reason (const Report *report, const char *launch)
{
  static const char word[] = "on the host, ";
  size_t length = launch != NULL ? strlen (launch) : 0;
  for (size_t i = 0; length > 0 && i < report->options->n_notes; i++)
    {
      const char *text = report->options->notes[i].text, *reason = strstr (text, word);
      if (reason != NULL && strncmp (text, launch, length) == 0
          && g_str_has_prefix (text + length, " ("))
        return reason + strlen (word);
    }
  return "";
}

int64_t
report_token_bytes (const SfBuffer *buffer)
{
  return buffer->token_elems * (int64_t) sf_dtype_bytes (buffer->dtype);
}

int64_t
report_tensor_bytes (const SfProgramTensor *tensor)
{
  return sf_shape_n_elems (&tensor->shape) * (int64_t) sf_dtype_bytes (tensor->dtype);
}

bool
report_stage_time (const Report *report, uint32_t config, uint32_t stage, SfStageTime *time,
                   int64_t *cycles)
{
  const ConfigFacts *facts = report_config (report, config);
  const SfTiming *timing = facts->launch != SF_NONE ? report_entry (report, facts->entry)->timing
                                                    : NULL;
  if (timing == NULL)
    return false;
  uint32_t repeat = sf_entry_launch (report->program, facts->entry, facts->launch).repeat;
  *time = sf_timing_stage (timing, facts->launch, stage);
  *cycles = sf_timing_launch (timing, facts->launch).cycles / MAX (repeat, 1);
  return true;
}

/* ---- names and connections ---- */

const char *
report_stage_name (const Report *report, uint32_t entry, uint32_t launch, uint32_t stage)
{
  const char *name = sf_launch_stage_name (report->program, entry, launch, stage);
  if (name == NULL)
    name = sf_config_stage (report->program,
                            sf_entry_launch (report->program, entry, launch).config, stage)
               .name;
  return name != NULL ? name : "";
}

const char *
report_buffer_name (const Report *report, uint32_t config, uint32_t buffer)
{
  const ConfigFacts *facts = report_config (report, config);
  const SfModule *source = sf_pef_source (report->pef);
  const char *name = NULL;
  if (facts->launch != SF_NONE)
    {
      SfLaunch launch = sf_entry_launch (report->program, facts->entry, facts->launch);
      for (uint32_t s = 0; s < sf_config_n_streams (report->program, config); s++)
        {
          SfStream stream = sf_config_stream (report->program, config, s);
          if (stream.buffer == buffer && stream.slot < launch.n_bindings)
            name = sf_program_tensor (report->program, launch.bindings[stream.slot].tensor).name;
        }
      SfValue origin = sf_launch_origin (report->program, facts->entry, facts->launch, buffer);
      const SfGraph *graph = source != NULL ? sf_module_graph (
                                 source, report_entry (report, facts->entry)->name)
                                            : NULL;
      if ((name == NULL || *name == '\0') && graph != NULL && origin != SF_NONE)
        name = sf_value_name (graph, origin);
    }
  if (name == NULL || *name == '\0')
    name = sf_config_buffer (report->program, config, buffer).name;
  return name != NULL ? name : "";
}

bool
report_reads (const SfStage *stage, SfOperandKind kind, uint32_t buffer)
{
  for (size_t i = 0; i < stage->n_operands; i++)
    if (stage->operands[i].kind == kind && stage->operands[i].buffer == buffer)
      return true;
  return false;
}

uint32_t
report_writer (const Report *report, uint32_t config, uint32_t buffer)
{
  for (uint32_t s = 0; s < sf_config_n_stages (report->program, config); s++)
    {
      SfStage stage = sf_config_stage (report->program, config, s);
      if (report_reads (&stage, SF_OPERAND_OUT, buffer))
        return s;
    }
  return SF_NONE;
}

uint32_t
report_stream (const Report *report, uint32_t config, uint32_t buffer, bool out)
{
  for (uint32_t s = 0; s < sf_config_n_streams (report->program, config); s++)
    {
      SfStream stream = sf_config_stream (report->program, config, s);
      if (stream.buffer == buffer && stream.out == out)
        return s;
    }
  return SF_NONE;
}

/* ---- memory ---- */

/* The last launch before phase opt; gradients live that long at least. */
static int64_t
end_of_bwd (const Report *report, uint32_t entry)
{
  int64_t last = 0;
  for (uint32_t l = 0; l < report_entry (report, entry)->n_launches; l++)
    if (sf_entry_launch (report->program, entry, l).phase != SF_PHASE_OPT)
      last = l;
  return last;
}

static void
extend (Lifetime *lives, uint32_t tensor, int64_t at)
{
  lives[tensor].first = MIN (lives[tensor].first, at);
  lives[tensor].last = MAX (lives[tensor].last, at);
}

static void
extend_all (const Report *report, uint32_t entry, Lifetime *lives)
{
  const SfProgram *program = report->program;
  int64_t n = (int64_t) report_entry (report, entry)->n_launches, end = MAX (n - 1, 0);
  for (uint32_t l = 0; l < n; l++)
    {
      SfLaunch launch = sf_entry_launch (program, entry, l);
      for (size_t i = 0; i < launch.n_bindings; i++)
        extend (lives, launch.bindings[i].tensor, l);
    }
  for (size_t i = 0; i < sf_entry_n_inputs (program, entry); i++)
    extend (lives, sf_entry_input (program, entry, i), 0);
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry); i++)
    extend (lives, sf_entry_output (program, entry, i), end);
  for (size_t i = 0; i < sf_entry_n_grads (program, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (program, entry, i, &state, &grad);
      extend (lives, grad, end_of_bwd (report, entry));
    }
}

GArray *
report_lifetimes (const Report *report, uint32_t entry)
{
  uint32_t n = (uint32_t) sf_program_n_tensors (report->program);
  int64_t end = MAX ((int64_t) report_entry (report, entry)->n_launches - 1, 0);
  g_autofree Lifetime *all = g_new (Lifetime, n + 1);
  for (uint32_t t = 0; t < n; t++)
    {
      SfProgramTensor tensor = sf_program_tensor (report->program, t);
      all[t] = (Lifetime){
        .tensor = t, .first = INT64_MAX, .last = -1, .bytes = report_tensor_bytes (&tensor)
      };
    }
  extend_all (report, entry, all);
  GArray *lives = g_array_new (FALSE, FALSE, sizeof (Lifetime));
  for (uint32_t t = 0; t < n; t++)
    {
      SfTensorRole role = sf_program_tensor (report->program, t).role;
      if (role == SF_TENSOR_STATE || role == SF_TENSOR_CONST)
        all[t] = (Lifetime){ t, 0, end, all[t].bytes };
      else if (all[t].last < 0)
        continue;
      else if (role == SF_TENSOR_SCALAR)
        all[t] = (Lifetime){ t, 0, end, all[t].bytes };
      else if (role == SF_TENSOR_NEXT || role == SF_TENSOR_OUTPUT)
        all[t].last = end;
      g_array_append_val (lives, all[t]);
    }
  return lives;
}

int64_t
report_used_bytes (const Report *report, uint32_t level)
{
  int64_t used = 0;
  for (uint32_t t = 0; t < sf_program_n_tensors (report->program); t++)
    {
      SfProgramTensor tensor = sf_program_tensor (report->program, t);
      if (tensor.level == level && tensor.offset_bytes >= 0)
        used = MAX (used, tensor.offset_bytes + report_tensor_bytes (&tensor));
    }
  return used;
}
