/* SPDX-License-Identifier: Apache-2.0 */
/* Chrome trace JSON of emulated and of measured time: one event a line, written as they come. */
#include <sf/trace.h>

#include <sf/file.h>
#include <sf/json.h>
#include <sf/plugin/timing.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/run/profile.h"

#define DEFAULT_SPANS 200000

typedef struct
{
  const SfProgram *program;
  const SfTiming *timing; /* of the entry in work; NULL: measured time */
  uint32_t entry;
  int64_t clock_hz;      /* measured: ns are the cycles */
  int64_t first_process; /* of the entry: its launches; those of the launches follow */
  GString *line;
  SfFileWriter *file;
  SfTraceCount count;
  bool any; /* event written */
  GError *error;
} Trace;

/* Rows of a launch's process. */
enum
{
  ROW_LOAD = 0,
  ROW_FIRST = 1, /* streams, then stages */
};

static const char *const phase_names[] = { "fwd", "bwd", "opt" };

/* ---- events ---- */

static void
append_string (GString *text, const char *string)
{
  json_t *value = json_string (string);
  char *quoted = value != NULL ? json_dumps (value, JSON_ENCODE_ANY) : NULL;
  g_string_append (text, quoted != NULL ? quoted : "\"\"");
  free (quoted);
  json_decref (value);
}

/* Microseconds with four decimals, from whole cycles. */
static void
append_time (GString *text, int64_t clock_hz, int64_t cycles)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (digits, sizeof digits, "%.4f", (double) cycles * 1e6 / (double) clock_hz);
  g_string_append (text, digits);
}

static void
write_line (Trace *trace)
{
  if (trace->error == NULL)
    {
      g_string_prepend (trace->line, trace->any ? ",\n" : "");
      sf_file_write (trace->file, trace->line->str, trace->line->len, &trace->error);
      trace->any = true;
    }
  g_string_truncate (trace->line, 0);
}

/* Names a process (row < 0) or a row of it, and says where it stands. */
static void
name_row (Trace *trace, int64_t process, int64_t row, const char *name)
{
  const char *const what = row < 0 ? "process" : "thread";
  for (int sort = 0; sort < 2; sort++)
    {
      g_string_append_printf (trace->line, "{\"ph\":\"M\",\"pid\":%" PRId64, process);
      if (row >= 0)
        g_string_append_printf (trace->line, ",\"tid\":%" PRId64, row);
      if (sort)
        g_string_append_printf (
            trace->line, ",\"name\":\"%s_sort_index\",\"args\":{\"sort_index\":%" PRId64 "}}", what,
            row < 0 ? process : row);
      else
        {
          g_string_append_printf (trace->line, ",\"name\":\"%s_name\",\"args\":{\"name\":", what);
          append_string (trace->line, name);
          g_string_append (trace->line, "}}");
        }
      write_line (trace);
    }
}

static void
add_span (Trace *trace, int64_t process, int64_t row, const char *name, int64_t start,
          int64_t cycles, const char *key, int64_t value)
{
  g_string_append_printf (trace->line, "{\"ph\":\"X\",\"pid\":%" PRId64 ",\"tid\":%" PRId64,
                          process, row);
  g_string_append (trace->line, ",\"name\":");
  append_string (trace->line, name);
  g_string_append (trace->line, ",\"ts\":");
  append_time (trace->line, trace->clock_hz, start);
  g_string_append (trace->line, ",\"dur\":");
  append_time (trace->line, trace->clock_hz, cycles);
  g_string_append_printf (trace->line, ",\"args\":{\"%s\":%" PRId64 "}}", key, value);
  write_line (trace);
  trace->count.n_spans++;
}

/* ---- names ---- */

static const char *
stage_name (const Trace *trace, uint32_t launch, uint32_t stage)
{
  const char *name = sf_launch_stage_name (trace->program, trace->entry, launch, stage);
  uint32_t config = sf_entry_launch (trace->program, trace->entry, launch).config;
  if (name == NULL)
    name = sf_config_stage (trace->program, config, stage).name;
  return name != NULL ? name : "stage";
}

static const char *
stream_name (const Trace *trace, const SfLaunch *launch, uint32_t stream)
{
  uint32_t slot = sf_config_stream (trace->program, launch->config, stream).slot;
  const char *name = slot < launch->n_bindings
                         ? sf_program_tensor (trace->program, launch->bindings[slot].tensor).name
                         : NULL;
  return name != NULL ? name : "tensor";
}

static void
name_rows (Trace *trace, uint32_t index)
{
  SfLaunch launch = sf_entry_launch (trace->program, trace->entry, index);
  if (launch.target == SF_TARGET_HOST)
    return;
  int64_t process = trace->first_process + 1 + index;
  const char *entry = sf_entry_name (trace->program, trace->entry);
  g_autofree char *name = g_strdup_printf ("%s %u %s %s (emulated)", entry, index,
                                           phase_names[launch.phase],
                                           launch.name != NULL ? launch.name : "");
  name_row (trace, process, -1, name);
  name_row (trace, process, ROW_LOAD, "load");
  size_t n = sf_config_n_streams (trace->program, launch.config);
  for (uint32_t t = 0; t < n; t++)
    {
      bool out = sf_config_stream (trace->program, launch.config, t).out;
      g_autofree char *stream = g_strdup_printf ("%s %s", out ? "out" : "in",
                                                 stream_name (trace, &launch, t));
      name_row (trace, process, ROW_FIRST + t, stream);
    }
  for (uint32_t s = 0; s < sf_config_n_stages (trace->program, launch.config); s++)
    name_row (trace, process, ROW_FIRST + (int64_t) (n + s), stage_name (trace, index, s));
}

/* ---- spans ---- */

static void
add_timing_span (void *user_data, const SfSpan *span)
{
  Trace *trace = user_data;
  SfLaunch launch = sf_entry_launch (trace->program, trace->entry, span->launch);
  int64_t process = trace->first_process + 1 + span->launch;
  size_t n_streams = launch.target == SF_TARGET_RDU
                         ? sf_config_n_streams (trace->program, launch.config)
                         : 0;
  switch (span->kind)
    {
    case SF_SPAN_LOAD:
      add_span (trace, process, ROW_LOAD, "load", span->start_cycles, span->cycles, "config",
                launch.config);
      break;
    case SF_SPAN_STREAM:
      add_span (trace, process, ROW_FIRST + span->owner, stream_name (trace, &launch, span->owner),
                span->start_cycles, span->cycles, "token", span->index);
      break;
    case SF_SPAN_STAGE:
      add_span (trace, process, ROW_FIRST + (int64_t) n_streams + span->owner,
                stage_name (trace, span->launch, span->owner), span->start_cycles, span->cycles,
                "iteration", span->index);
      break;
    case SF_SPAN_HOST:
      break; /* stands among the launches */
    }
}

/* The launches of the entry one after the other; returns how many spans their sections have. */
static int64_t
add_launches (Trace *trace)
{
  static const char *const rows[] = { "loads", "sections", "host" };
  g_autofree char *name = g_strdup_printf ("%s (emulated)",
                                           sf_entry_name (trace->program, trace->entry));
  int64_t all = 0;
  name_row (trace, trace->first_process, -1, name);
  for (size_t r = 0; r < G_N_ELEMENTS (rows); r++)
    name_row (trace, trace->first_process, (int64_t) r, rows[r]);
  for (uint32_t l = 0; l < sf_timing_n_launches (trace->timing); l++)
    {
      SfLaunchTime time = sf_timing_launch (trace->timing, l);
      bool host = time.target == SF_TARGET_HOST;
      int64_t start = time.start_cycles + time.load_cycles;
      if (time.load_cycles > 0)
        add_span (trace, trace->first_process, 0, time.name, time.start_cycles, time.load_cycles,
                  "launch", l);
      add_span (trace, trace->first_process, host ? 2 : 1, time.name, start, time.cycles, "launch",
                l);
      if (host)
        continue;
      SfLaunch launch = sf_entry_launch (trace->program, trace->entry, l);
      int64_t n = 0;
      for (uint32_t s = 0; s < sf_config_n_stages (trace->program, launch.config); s++)
        n += sf_timing_stage (trace->timing, l, s).iterations;
      for (uint32_t t = 0; t < sf_config_n_streams (trace->program, launch.config); t++)
        n += sf_config_buffer (trace->program, launch.config,
                               sf_config_stream (trace->program, launch.config, t).buffer)
                 .tokens;
      all += n * launch.repeat;
      all += time.load_cycles > 0;
    }
  return all;
}

static bool
add_entry (Trace *trace, uint32_t entry, const SfArch *arch, int64_t max_spans)
{
  g_autoptr (SfTiming) timing = sf_timing_new (trace->program, entry, arch, &trace->error);
  if (timing == NULL)
    return false;
  trace->timing = timing;
  trace->entry = entry;
  int64_t wanted = add_launches (trace), before = trace->count.n_spans;
  size_t n = sf_timing_n_launches (timing);
  for (uint32_t l = 0; l < n; l++)
    name_rows (trace, l);
  sf_timing_spans (timing, (size_t) MAX (max_spans / (int64_t) MAX (n, 1), 16), add_timing_span,
                   trace);
  trace->count.n_left_out += wanted - (trace->count.n_spans - before);
  trace->first_process += 1 + (int64_t) n;
  return trace->error == NULL;
}

static bool
find_entry (const SfPef *pef, const char *name, uint32_t *entry, GError **error)
{
  if (name == NULL || sf_program_find_entry (sf_pef_program (pef), name, entry))
    return true;
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: found no entry %s, wanted train or eval; name one that the PEF has",
                  sf_pef_name (pef), name);
}

/* Writes the head; `add` writes the events. */
static bool
begin_file (Trace *trace, const char *path, const char *time)
{
  trace->file = sf_file_create (path, &trace->error);
  if (trace->file == NULL)
    return false;
  trace->line = g_string_new (NULL);
  g_autofree char *head = g_strdup_printf ("{\"displayTimeUnit\":\"ns\",\"otherData\":{"
                                           "\"time\":\"%s\"},\"traceEvents\":[\n",
                                           time);
  return sf_file_write (trace->file, head, strlen (head), &trace->error);
}

/* Writes the end, unless something went wrong before, and says what is in the file. */
static bool
end_file (Trace *trace, bool ok, SfTraceCount *count, GError **error)
{
  static const char end[] = "\n]}\n";
  ok = ok && trace->error == NULL && sf_file_write (trace->file, end, sizeof end - 1, &trace->error)
       && sf_file_commit (trace->file, &trace->error);
  sf_file_writer_free (trace->file);
  if (trace->line != NULL)
    g_string_free (trace->line, TRUE);
  if (count != NULL)
    *count = trace->count;
  if (!ok)
    g_propagate_error (error, trace->error);
  return ok;
}

bool
sf_trace_save (const SfPef *pef, const char *entry, int64_t max_spans, const char *path,
               SfTraceCount *count, GError **error)
{
  uint32_t only = SF_NONE;
  if (!find_entry (pef, entry, &only, error))
    return false;
  Trace trace = { .program = sf_pef_program (pef),
                  .clock_hz = sf_arch_info (sf_pef_arch (pef)).clock_hz,
                  .first_process = 1 };
  bool ok = begin_file (&trace, path, "emulated");
  size_t n = sf_program_n_entries (trace.program);
  max_spans = (max_spans > 0 ? max_spans : DEFAULT_SPANS)
              / (only == SF_NONE ? MAX ((int64_t) n, 1) : 1);
  for (uint32_t e = 0; e < n && ok; e++)
    if (only == SF_NONE || only == e)
      ok = add_entry (&trace, e, sf_pef_arch (pef), max_spans);
  return end_file (&trace, ok, count, error);
}

/* ---- measured ---- */

/* What a record is called; of a stage or a launch on the host, by its name. */
static const char *
record_name (const Trace *trace, const SfRecord *record)
{
  static const char *const names[SF_N_RECORDS] = {
    [SF_RECORD_STAGE] = "stage", [SF_RECORD_PACK] = "pack",     [SF_RECORD_ROUND] = "round",
    [SF_RECORD_MOVE] = "move",   [SF_RECORD_HOST] = "host",     [SF_RECORD_FEED] = "feed",
    [SF_RECORD_FETCH] = "fetch", [SF_RECORD_COMMIT] = "commit",
  };
  const char *name = NULL;
  if (record->kind == SF_RECORD_STAGE)
    name = stage_name (trace, record->launch, record->stage);
  else if (record->kind == SF_RECORD_HOST)
    name = sf_entry_launch (trace->program, trace->entry, record->launch).name;
  return name != NULL ? name : names[record->kind];
}

static void
add_step (Trace *trace, const SfProfile *profile, uint32_t step, int64_t origin_ns)
{
  int64_t begin, end;
  sf_profile_step (profile, step, &begin, &end);
  add_span (trace, trace->first_process, 0, "step", begin - origin_ns, end - begin, "step", step);
}

static void
add_profile (Trace *trace, const SfProfile *profile, int64_t origin_ns, int64_t max_spans)
{
  const GArray *records = sf_profile_records (profile);
  SfProfileTotals totals = sf_profile_totals (profile);
  g_autofree char *process = g_strdup_printf ("%s on %s (measured)", totals.entry, totals.backend);
  trace->program = sf_profile_program (profile);
  trace->entry = sf_profile_entry (profile);
  name_row (trace, trace->first_process, -1, process);
  name_row (trace, trace->first_process, 0, "steps");
  for (int w = 0; w < totals.n_threads; w++)
    {
      g_autofree char *row = g_strdup_printf ("worker %d", w);
      name_row (trace, trace->first_process, 1 + w, row);
    }
  int64_t before = trace->count.n_spans, wanted = records->len + totals.n_steps;
  uint32_t next_step = 0;
  for (guint i = 0; i < records->len && trace->count.n_spans - before < max_spans; i++)
    {
      const SfProfileRecord *r = &g_array_index (records, SfProfileRecord, i);
      while (next_step <= r->step)
        add_step (trace, profile, next_step++, origin_ns);
      add_span (trace, trace->first_process, 1 + r->worker, record_name (trace, &r->record),
                r->record.begin_ns - origin_ns, r->record.end_ns - r->record.begin_ns, "launch",
                r->record.launch == SF_NONE ? -1 : (int64_t) r->record.launch);
    }
  trace->count.n_left_out += wanted + sf_profile_n_left_out (profile)
                             - (trace->count.n_spans - before);
  trace->first_process++;
}

bool
sf_trace_save_profiles (const SfProfile *const *profiles, size_t n, int64_t max_spans,
                        const char *path, SfTraceCount *count, GError **error)
{
  int64_t origin_ns = 0, end_ns;
  Trace trace = { .clock_hz = 1000000000, .first_process = 1 };
  bool ok = begin_file (&trace, path, "measured");
  max_spans = (max_spans > 0 ? max_spans : DEFAULT_SPANS) / (int64_t) MAX (n, 1);
  if (n > 0)
    sf_profile_step (profiles[0], 0, &origin_ns, &end_ns);
  for (size_t i = 0; i < n && ok && trace.error == NULL; i++)
    add_profile (&trace, profiles[i], origin_ns, max_spans);
  return end_file (&trace, ok, count, error);
}
