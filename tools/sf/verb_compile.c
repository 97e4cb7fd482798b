/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `compile`: a model file to a PEF. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sf/compile.h>
#include <sf/json.h>
#include <sf/plugin/frontend.h>
#include <sf/plugin/timing.h>
#include <sf/plugins.h>
#include <sf/report.h>

#include "tools/sf/compile_options.h"
#include "tools/sf/metrics.h"
#include "tools/sf/timing.h"
#include "tools/sf/verbs.h"

static const SfOption compile_options[] = {
  { .name = "model",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "MODEL",
    .help = "model file; its own arguments are listed below when it is given" },
  { .name = "output",
    .short_name = 'o',
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_REQUIRED,
    .arg = "FILE",
    .help = "PEF to write" },
  { .name = "level",
    .short_name = 'O',
    .type = SF_OPTION_CHOICE,
    .def = "o3",
    .choices = "o0|o1|o3",
    .help = "one op per section, fusion by rules, or the whole graph" },
  { .name = "pipeline",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "pipeline file instead of a level" },
  { .name = "arch",
    .type = SF_OPTION_STRING,
    .def = "sn10",
    .arg = "NAME|FILE",
    .help = "machine to compile for" },
  { .name = "batch-size",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1e6,
    .arg = "N",
    .help = "rows of a batch; 0 is the model's own" },
  { .name = "precision",
    .type = SF_OPTION_CHOICE,
    .def = "f32",
    .choices = "f32|bf16",
    .help = "storage of activations and of weights as kernels read them" },
  SF_COMPILE_OPTION_ROWS,
  { .name = "rules",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "fusion rules instead of those of the level, a path or a name below etc/rules" },
  { .name = "explain-fusion",
    .type = SF_OPTION_BOOL,
    .help = "print what each fusion rule matched, and why not where it nearly did" },
  { .name = "set", .type = SF_OPTION_LIST, .arg = "PASS.OPTION=VALUE", .help = "option of a pass" },
  SF_TRACE_OPTION_ROW,
  { .name = "report",
    .type = SF_OPTION_STRING,
    .arg = "DIR",
    .help = "write a page about sections, places, memory and emulated time, and the same as JSON" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print the summary as JSON" },
  SF_METRICS_OPTION_ROW,
  { .name = NULL },
};

/* What the compile tells while it runs. */
typedef struct
{
  gint64 start;
  GPtrArray *fusion; /* lines of --explain-fusion */
  GArray *notes;     /* SfReportNote, for --report */
} Progress;

static void
show_progress (void *user_data, const char *pass, size_t index, size_t n)
{
  const Progress *progress = user_data;
  /* A bar for anything that takes more than two seconds. */
  if (g_get_monotonic_time () - progress->start > 2000000 && isatty (STDERR_FILENO))
    fprintf (stderr, "\r\033[Kcompile %zu/%zu %s", index + 1, n, pass);
}

static void
keep_fusion (void *user_data, const char *pass, const char *line)
{
  static const char *const passes[] = { "fuse", "section", "candidates", NULL };
  Progress *progress = user_data;
  if (g_strv_contains (passes, pass))
    g_ptr_array_add (progress->fusion, g_strdup (line));
}

/* Few levels and passes, so they are interned. */
static void
keep_note (void *user_data, const char *level, const char *pass, const char *text)
{
  Progress *progress = user_data;
  SfReportNote note = { g_intern_string (level), g_intern_string (pass), g_strdup (text) };
  g_array_append_val (progress->notes, note);
}

static void
note_clear (void *data)
{
  g_free ((char *) ((SfReportNote *) data)->text);
}

static void
end_progress (gint64 start)
{
  if (g_get_monotonic_time () - start > 2000000 && isatty (STDERR_FILENO))
    fputs ("\r\033[K", stderr);
}

/* ---- the summary ---- */

typedef struct
{
  int64_t bytes, sections, configs, host, pcus, pmus, ms;
} Summary;

/* Sections are launches on the device; units are the most that one of them uses. */
static Summary
summarise (const SfPef *pef, gint64 start)
{
  const SfProgram *program = sf_pef_program (pef);
  size_t n_bytes = 0;
  sf_pef_data (pef, &n_bytes);
  Summary s = { .bytes = (int64_t) n_bytes, .configs = (int64_t) sf_program_n_configs (program) };
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    {
      int64_t pcus = 0, pmus = 0;
      for (uint32_t i = 0; i < sf_config_n_stages (program, c); i++)
        pcus += sf_config_stage (program, c, i).n_pcus;
      for (uint32_t i = 0; i < sf_config_n_buffers (program, c); i++)
        pmus += sf_config_buffer (program, c, i).n_pmus;
      s.pcus = MAX (s.pcus, pcus);
      s.pmus = MAX (s.pmus, pmus);
    }
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (program, e); l++)
      {
        bool host = sf_entry_launch (program, e, l).target == SF_TARGET_HOST;
        s.host += host;
        s.sections += !host;
      }
  s.ms = (g_get_monotonic_time () - start) / 1000;
  return s;
}

/* `fusion`: lines of --explain-fusion, none without it. */
static void
print_summary (const char *path, const SfPef *pef, const Summary *s, const GPtrArray *fusion,
               bool json)
{
  SfArchInfo arch = sf_arch_info (sf_pef_arch (pef));
  if (json)
    {
      g_autoptr (json_t) object = json_pack (
          "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "pef", path, "bytes",
          (json_int_t) s->bytes, "sections", (json_int_t) s->sections, "configs",
          (json_int_t) s->configs, "host_launches", (json_int_t) s->host, "pcus",
          (json_int_t) s->pcus, "pmus", (json_int_t) s->pmus, "ms", (json_int_t) s->ms, "arch",
          arch.name);
      for (guint i = 0; i < fusion->len; i++)
        {
          if (i == 0)
            json_object_set_new (object, "fusion", json_array ());
          json_array_append_new (json_object_get (object, "fusion"),
                                 json_string (fusion->pdata[i]));
        }
      json_dumpf (object, stdout, JSON_COMPACT);
      putchar ('\n');
      return;
    }
  for (guint i = 0; i < fusion->len; i++)
    puts (fusion->pdata[i]);
  g_autofree char *size = g_format_size_full ((guint64) s->bytes, G_FORMAT_SIZE_IEC_UNITS);
  printf ("%s: %s, %" G_GINT64_FORMAT " sections in %" G_GINT64_FORMAT
          " configurations, up to %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
          " PCUs and %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " PMUs of an %s tile",
          path, size, s->sections, s->configs, s->pcus, arch.pcus_per_tile, s->pmus,
          arch.pmus_per_tile, arch.name);
  if (s->host > 0)
    printf (", %" G_GINT64_FORMAT " launches on the host", s->host);
  printf (", %.2f s\n", (double) s->ms / 1000);
}

/* --metrics, when it is asked for: emulated time costs a run of T1. */
static bool
write_metrics (const SfOptionValues *options, const SfPef *pef, const Summary *s, GError **error)
{
  if (sf_option_string (options, "metrics") == NULL)
    return true;
  const SfProgram *program = sf_pef_program (pef);
  g_autoptr (SfTiming) timing = sf_timing_new (program, sf_timed_entry (program), sf_pef_arch (pef),
                                               error);
  if (timing == NULL)
    return false;
  json_t *values = json_pack (
      "{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "pef_bytes", (json_int_t) s->bytes, "sections",
      (json_int_t) s->sections, "configs", (json_int_t) s->configs, "host_launches",
      (json_int_t) s->host, "pcus", (json_int_t) s->pcus, "pmus", (json_int_t) s->pmus,
      "emulated_us", sf_metrics_number (sf_timing_seconds (timing) * 1e6), "compile_s",
      sf_metrics_number ((double) s->ms / 1000));
  return sf_metrics_write (options, "compile", values, NULL, error);
}

/* ---- the verb ---- */

/* What --set gives, and --rules as one more. Owned: g_strfreev. */
static char **
pass_options (const SfOptionValues *options)
{
  const char *rules = sf_option_string (options, "rules");
  g_autoptr (GStrvBuilder) set = g_strv_builder_new ();
  for (const char *const *at = sf_option_list (options, "set"); *at != NULL; at++)
    g_strv_builder_add (set, *at);
  g_autofree char *rules_option = rules != NULL ? sf_verb_rules_option (rules) : NULL;
  if (rules_option != NULL)
    g_strv_builder_add (set, rules_option);
  return g_strv_builder_end (set);
}

static SfPef *
compile (const SfOptionValues *options, Progress *progress, GError **error)
{
  g_autoptr (SfOptionValues) optimizer = NULL;
  SfCompileOptions wanted;
  if (!sf_verb_compile_options (options, &optimizer, &wanted, error))
    return NULL;
  g_autoptr (SfModule) module = sf_verb_import (options, sf_option_string (options, "model"),
                                                sf_option_int (options, "batch-size"), error);
  if (module == NULL)
    return NULL;
  const char *pipeline = sf_option_string (options, "pipeline");
  g_auto (GStrv) set = pass_options (options);
  wanted.level = pipeline != NULL ? pipeline : sf_option_string (options, "level");
  wanted.arch = sf_option_string (options, "arch");
  wanted.precision = sf_option_string (options, "precision");
  wanted.set = (const char *const *) set;
  wanted.progress = show_progress;
  wanted.explain = sf_option_bool (options, "explain-fusion") ? keep_fusion : NULL;
  wanted.note = sf_option_string (options, "report") != NULL ? keep_note : NULL;
  wanted.user_data = progress;
  return sf_compile (module, &wanted, error);
}

/* --report, when it is asked for. */
static bool
write_report (const SfOptionValues *options, const SfPef *pef, const Progress *progress,
              GError **error)
{
  const char *folder = sf_option_string (options, "report");
  const SfReportOptions report = { .seed = (uint64_t) sf_option_int (options, "seed"),
                                   .notes = (const SfReportNote *) progress->notes->data,
                                   .n_notes = progress->notes->len };
  return folder == NULL || sf_report_write (pef, &report, folder, NULL, error);
}

static int
run_compile (const SfOptionValues *options, GError **error)
{
  g_autoptr (GPtrArray) fusion = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) notes = g_array_new (FALSE, FALSE, sizeof (SfReportNote));
  g_array_set_clear_func (notes, note_clear);
  Progress progress = { .start = g_get_monotonic_time (), .fusion = fusion, .notes = notes };
  const char *path = sf_option_string (options, "output"),
             *report = sf_option_string (options, "report");
  if (report != NULL && !sf_report_check_folder (report, error))
    return 1;
  g_autoptr (SfPef) pef = compile (options, &progress, error);
  end_progress (progress.start);
  if (pef == NULL || !sf_pef_save (pef, path, error))
    return 1;
  const char *trace = sf_option_string (options, "trace");
  if (trace != NULL && !sf_verb_trace (pef, NULL, trace, error))
    return 1;
  if (!write_report (options, pef, &progress, error))
    return 1;
  Summary summary = summarise (pef, progress.start);
  if (!write_metrics (options, pef, &summary, error))
    return 1;
  print_summary (path, pef, &summary, fusion, sf_option_bool (options, "json"));
  return 0;
}

/* The arguments that the model declares. Owned; NULL without a model, or when it cannot be read. */
static char *
help_of_model (const SfOptionValues *options)
{
  const char *model = sf_option_string (options, "model");
  if (model == NULL)
    return NULL;
  g_autoptr (GArray) args = g_array_new (FALSE, FALSE, sizeof (SfModelArg));
  g_autoptr (GError) error = NULL;
  if (!sf_import_args (model, sf_option_string (options, "frontend"), args, &error))
    return g_strdup_printf ("%s\n", error->message);
  GString *text = g_string_new (NULL);
  g_string_printf (text, "Arguments of %s (--arg NAME=VALUE):%s\n", model,
                   args->len == 0 ? " none" : "");
  for (guint i = 0; i < args->len; i++)
    {
      SfModelArg *arg = &g_array_index (args, SfModelArg, i);
      g_string_append_printf (text, "  %-20s %s", arg->name, arg->help != NULL ? arg->help : "");
      g_string_append_printf (text, " [%s]\n", arg->def != NULL ? arg->def : "required");
      g_free (arg->name);
      g_free (arg->def);
      g_free (arg->help);
    }
  return g_string_free (text, FALSE);
}

const SfVerb sf_verb_compile = {
  .name = "compile",
  .summary = "compile a model to a PEF",
  .example
  = "sf compile apps/digits/model.cfg -o digits.pef -O3 --batch-size 32\n"
    "sf compile resnet18.onnx -o resnet18.pef --training --loss softmax_ce --batch-size 32\n"
    "sf compile apps/encoder/model.cfg -o encoder.pef --report report\n"
    "sf compile apps/lenet/model.cfg --help",
  .options = compile_options,
  .run = run_compile,
  .more_help = help_of_model,
};
