/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `sweep`: one model compiled for every combination of options. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/plugin/timing.h>

#include "tools/sf/compile_options.h"
#include "tools/sf/sweep_table.h"
#include "tools/sf/timing.h"
#include "tools/sf/verbs.h"

#define MAX_COMBINATIONS 10000

static const SfOption sweep_options[] = {
  { .name = "model",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "MODEL",
    .help = "model file" },
  { .name = "arch",
    .type = SF_OPTION_LIST,
    .arg = "NAME|FILE,...",
    .help = "machines to compile for, sn10 without" },
  { .name = "level",
    .short_name = 'O',
    .type = SF_OPTION_LIST,
    .arg = "LEVEL,...",
    .help = "levels or pipeline files, as in -O0,-O1,-O3; o3 without" },
  { .name = "lower-case-level",
    .short_name = 'o',
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_HIDDEN,
    .arg = "LEVEL,...",
    .help = "the same" },
  { .name = "set",
    .type = SF_OPTION_LIST,
    .arg = "PASS.OPTION=VALUE,...",
    .help = "values of an option of a pass, each of them in turn" },
  { .name = "rules", .type = SF_OPTION_LIST, .arg = "FILE,...", .help = "fusion rules" },
  { .name = "batch-size",
    .type = SF_OPTION_LIST,
    .arg = "N,...",
    .help = "rows of a batch; 0 and without: the model's own" },
  { .name = "precision",
    .type = SF_OPTION_LIST,
    .arg = "f32|bf16,...",
    .help = "storage of activations and of weights as kernels read them, f32 without" },
  SF_COMPILE_OPTION_ROWS,
  { .name = "baseline",
    .type = SF_OPTION_STRING,
    .arg = "OPTION=VALUE",
    .help = "add the speedup over the row that differs in this option alone, as in level=o0" },
  { .name = "csv",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "write the table as CSV, - for stdout" },
  { .name = "json",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "write the table as JSON, - for stdout" },
  { .name = NULL },
};

/* ---- axes ---- */

/* What is varied, and which of it the next combination has. */
typedef struct
{
  const char *name; /* of the option; NULL of --set */
  char *column;     /* what the table calls it */
  char **values;
  guint n, at;
} Axis;

static void
axis_free (gpointer data)
{
  Axis *axis = data;
  g_free (axis->column);
  g_strfreev (axis->values);
  g_free (axis);
}

/* "-O1", "o1", "1" to "o1"; a pipeline file as it is. NULL with an error. */
static char *
read_level (const char *text, GError **error)
{
  static const char *const levels[] = { "o0", "o1", "o3" };
  if (strchr (text, '/') != NULL || g_str_has_suffix (text, ".cfg"))
    return g_strdup (text);
  const char *digit = text + (*text == '-');
  digit += *digit == 'O' || *digit == 'o';
  for (size_t i = 0; i < G_N_ELEMENTS (levels); i++)
    if (strcmp (levels[i] + 1, digit) == 0)
      return g_strdup (levels[i]);
  sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
           "-O: found level %s, wanted o0, o1, o3 or a pipeline file; write for example -O1,-O3",
           text);
  return NULL;
}

static bool
check_value (const char *option, const char *value, GError **error)
{
  guint64 rows;
  if (*value == '\0')
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--%s: found an empty value, wanted values separated by commas; take a comma "
                    "away",
                    option);
  if (strcmp (option, "precision") == 0 && strcmp (value, "f32") != 0
      && strcmp (value, "bf16") != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--precision: found %s, wanted f32 or bf16; write for example f32,bf16", value);
  if (strcmp (option, "batch-size") == 0
      && !g_ascii_string_to_unsigned (value, 10, 0, 1000000, &rows, NULL))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--batch-size: found %s, wanted 0 to 1000000; write for example 1,32", value);
  return true;
}

/* Adds the values in `text`, separated by commas. */
static bool
add_values (Axis *axis, const char *option, const char *text, GPtrArray *values, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  for (char **word = words; *word != NULL || word == words; word++)
    {
      bool is_level = axis->name != NULL && strcmp (axis->name, "level") == 0;
      if (!check_value (option, *word != NULL ? *word : "", error))
        return false;
      char *value = is_level ? read_level (*word, error) : g_strdup (*word);
      if (value == NULL)
        return false;
      g_ptr_array_add (values, value);
    }
  return true;
}

static void
finish_axis (Axis *axis, GPtrArray *values, GPtrArray *axes)
{
  axis->n = values->len;
  g_ptr_array_add (values, NULL);
  axis->values = (char **) g_ptr_array_free (values, FALSE);
  g_ptr_array_add (axes, axis);
}

/* An option that may be given again. `def`: its value without; NULL: no axis then. */
static bool
add_axis (const SfOptionValues *options, const char *name, const char *also, const char *def,
          GPtrArray *axes, GError **error)
{
  const char *const *given[] = { sf_option_list (options, name),
                                 also != NULL ? sf_option_list (options, also) : NULL };
  Axis *axis = g_new0 (Axis, 1);
  GPtrArray *values = g_ptr_array_new_with_free_func (g_free);
  bool good = true;
  axis->name = name;
  axis->column = g_strdelimit (g_strdup (name), "-", '_');
  for (size_t i = 0; i < G_N_ELEMENTS (given); i++)
    for (const char *const *text = given[i]; good && text != NULL && *text != NULL; text++)
      good = add_values (axis, name, *text, values, error);
  if (good && values->len == 0 && def != NULL)
    g_ptr_array_add (values, g_strdup (def));
  if (good && values->len > 0)
    {
      g_ptr_array_set_free_func (values, NULL);
      finish_axis (axis, values, axes);
      return true;
    }
  g_ptr_array_unref (values);
  axis_free (axis);
  return good;
}

/* --set pass.option=v1,v2: an axis of its own. */
static bool
add_set (const char *text, GPtrArray *axes, GError **error)
{
  const char *equals = strchr (text, '='), *dot = strchr (text, '.');
  if (equals == NULL || dot == NULL || equals < dot)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "--set %s: found no pass and option, wanted pass.option=v1,v2; give for example "
        "section.max_groups=4,8",
        text);
  Axis *axis = g_new0 (Axis, 1);
  GPtrArray *values = g_ptr_array_new_with_free_func (g_free);
  axis->column = g_strndup (text, (gsize) (equals - text));
  if (!add_values (axis, "set", equals + 1, values, error))
    {
      g_ptr_array_unref (values);
      axis_free (axis);
      return false;
    }
  g_ptr_array_set_free_func (values, NULL);
  finish_axis (axis, values, axes);
  return true;
}

static bool
read_axes (const SfOptionValues *options, GPtrArray *axes, GError **error)
{
  if (!add_axis (options, "batch-size", NULL, NULL, axes, error)
      || !add_axis (options, "precision", NULL, NULL, axes, error)
      || !add_axis (options, "arch", NULL, "sn10", axes, error)
      || !add_axis (options, "level", "lower-case-level", "o3", axes, error)
      || !add_axis (options, "rules", NULL, NULL, axes, error))
    return false;
  for (const char *const *set = sf_option_list (options, "set"); *set != NULL; set++)
    if (!add_set (*set, axes, error))
      return false;
  double n = 1;
  for (guint i = 0; i < axes->len; i++)
    n *= ((Axis *) axes->pdata[i])->n;
  return n <= MAX_COMBINATIONS
         || sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                     "sweep: found %.0f combinations, wanted at most %d; give fewer values", n,
                     MAX_COMBINATIONS);
}

static const char *
value_now (const GPtrArray *axes, const char *name)
{
  for (guint i = 0; i < axes->len; i++)
    {
      const Axis *axis = axes->pdata[i];
      if (axis->name != NULL && strcmp (axis->name, name) == 0)
        return axis->values[axis->at];
    }
  return NULL;
}

/* The last axis turns fastest; false after the last combination. */
static bool
next_combination (GPtrArray *axes)
{
  for (guint i = axes->len; i-- > 0;)
    {
      Axis *axis = axes->pdata[i];
      if (++axis->at < axis->n)
        return true;
      axis->at = 0;
    }
  return false;
}

/* ---- one combination ---- */

typedef struct
{
  const SfOptionValues *options;
  GPtrArray *axes;
  SfCompileOptions wanted;
  SfModule *module;  /* of `rows`; NULL: not read yet */
  const char *rows;  /* batch size, borrowed from its axis; NULL: the model's own */
  GError *no_module; /* why it cannot be read */
} Sweep;

/* The model is read again for another batch size only. */
static SfModule *
module_now (Sweep *sweep, GError **error)
{
  const char *rows = value_now (sweep->axes, "batch-size");
  if (sweep->rows != rows || (sweep->module == NULL && sweep->no_module == NULL))
    {
      g_clear_pointer (&sweep->module, sf_module_unref);
      g_clear_error (&sweep->no_module);
      sweep->rows = rows;
      sweep->module = sf_verb_import (sweep->options, sf_option_string (sweep->options, "model"),
                                      rows != NULL ? g_ascii_strtoll (rows, NULL, 10) : 0,
                                      &sweep->no_module);
    }
  if (sweep->module == NULL)
    g_propagate_error (error, g_error_copy (sweep->no_module));
  return sweep->module;
}

/* Values of --set and --rules of this combination. Owned: g_strfreev. */
static char **
pass_options (const Sweep *sweep)
{
  g_autoptr (GStrvBuilder) set = g_strv_builder_new ();
  for (guint i = 0; i < sweep->axes->len; i++)
    {
      const Axis *axis = sweep->axes->pdata[i];
      g_autofree char *text = NULL;
      if (axis->name == NULL)
        text = g_strdup_printf ("%s=%s", axis->column, axis->values[axis->at]);
      else if (strcmp (axis->name, "rules") == 0)
        text = sf_verb_rules_option (axis->values[axis->at]);
      if (text != NULL)
        g_strv_builder_add (set, text);
    }
  return g_strv_builder_end (set);
}

static void
count_launches (SweepRow *row, const SfProgram *program, uint32_t entry)
{
  g_autoptr (GHashTable) configs = g_hash_table_new (NULL, NULL);
  for (uint32_t l = 0; l < sf_entry_n_launches (program, entry); l++)
    {
      SfLaunch launch = sf_entry_launch (program, entry, l);
      if (launch.target == SF_TARGET_HOST)
        {
          row->host_launches++;
          continue;
        }
      int64_t pcus = 0, pmus = 0;
      for (uint32_t i = 0; i < sf_config_n_stages (program, launch.config); i++)
        pcus += sf_config_stage (program, launch.config, i).n_pcus;
      for (uint32_t i = 0; i < sf_config_n_buffers (program, launch.config); i++)
        pmus += sf_config_buffer (program, launch.config, i).n_pmus;
      row->sections++;
      row->stages += (int64_t) sf_config_n_stages (program, launch.config);
      row->pcus = MAX (row->pcus, pcus);
      row->pmus = MAX (row->pmus, pmus);
      g_hash_table_add (configs, GUINT_TO_POINTER (launch.config + 1));
    }
  row->configs = (int64_t) g_hash_table_size (configs);
}

static bool
time_step (SweepRow *row, const SfPef *pef, GError **error)
{
  const SfProgram *program = sf_pef_program (pef);
  uint32_t entry = sf_timed_entry (program);
  g_autoptr (SfTiming) timing = sf_timing_new (program, entry, sf_pef_arch (pef), error);
  if (timing == NULL)
    return false;
  const char *rows = sf_pef_fact (pef, "batch_size");
  row->entry = g_strdup (sf_entry_name (program, entry));
  row->cycles = sf_timing_cycles (timing);
  row->seconds = sf_timing_seconds (timing);
  if (rows != NULL && row->seconds > 0)
    row->samples_per_s = g_ascii_strtod (rows, NULL) / row->seconds;
  count_launches (row, program, entry);
  return true;
}

static bool
compile_row (Sweep *sweep, SweepRow *row, GError **error)
{
  SfModule *module = module_now (sweep, error);
  if (module == NULL)
    return false;
  g_auto (GStrv) set = pass_options (sweep);
  SfCompileOptions wanted = sweep->wanted;
  wanted.arch = value_now (sweep->axes, "arch");
  wanted.level = value_now (sweep->axes, "level");
  wanted.precision = value_now (sweep->axes, "precision");
  wanted.set = (const char *const *) set;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (SfPef) pef = sf_compile (module, &wanted, error);
  row->compile_seconds = (double) (g_get_monotonic_time () - start) / 1e6;
  return pef != NULL && time_step (row, pef, error);
}

/* ---- the table ---- */

/* The axis and the value of --baseline; false when the sweep has none of that name. */
static bool
find_baseline (const char *text, const GPtrArray *axes, guint *axis, guint *value, GError **error)
{
  const char *equals = strrchr (text, '=');
  g_autofree char *name = g_strndup (text, equals != NULL ? (gsize) (equals - text) : 0);
  g_autoptr (GString) known = g_string_new (NULL);
  for (*axis = 0; equals != NULL && *axis < axes->len; (*axis)++)
    {
      const Axis *at = axes->pdata[*axis];
      for (*value = 0; *value < at->n; (*value)++)
        {
          g_autofree char *level = strcmp (at->column, "level") == 0 ? read_level (equals + 1, NULL)
                                                                     : NULL;
          if (strcmp (at->column, name) == 0
              && strcmp (at->values[*value], level != NULL ? level : equals + 1) == 0)
            return true;
          g_string_append_printf (known, "%s%s=%s", known->len > 0 ? ", " : "", at->column,
                                  at->values[*value]);
        }
    }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "--baseline: found %s, wanted OPTION=VALUE of the sweep; give one of %s", text,
                  known->len > 0 ? known->str : "them, as in level=o0");
}

static bool
is_baseline_of (const SweepTable *table, const SweepRow *base, const SweepRow *row, guint axis,
                const char *value)
{
  for (guint a = 0; a < table->axes->len; a++)
    if (strcmp (base->values[a], a == axis ? value : row->values[a]) != 0)
      return false;
  return base->failure == NULL;
}

static void
compare_rows (SweepTable *table, guint axis, const char *value)
{
  table->has_baseline = true;
  for (guint i = 0; i < table->rows->len; i++)
    for (guint k = 0; k < table->rows->len; k++)
      {
        SweepRow *row = table->rows->pdata[i], *base = table->rows->pdata[k];
        if (row->failure == NULL && row->seconds > 0
            && is_baseline_of (table, base, row, axis, value))
          row->speedup = base->seconds / row->seconds;
      }
}

/* One line, whatever the error says. */
static char *
one_line (const char *message)
{
  return g_strdelimit (g_strdup (message), "\n\r", ' ');
}

/* Every combination. False when all failed, with the error of the first. */
static bool
run_all (Sweep *sweep, SweepTable *table, GError **error)
{
  g_autoptr (GError) first = NULL;
  guint n_failed = 0;
  bool shows = isatty (STDERR_FILENO) != 0;
  do
    {
      g_autoptr (GError) failure = NULL;
      SweepRow *row = g_new0 (SweepRow, 1);
      row->values = g_new0 (char *, sweep->axes->len + 1);
      for (guint i = 0; i < sweep->axes->len; i++)
        {
          const Axis *axis = sweep->axes->pdata[i];
          row->values[i] = g_strdup (axis->values[axis->at]);
        }
      g_autofree char *what = g_strjoinv (" ", row->values);
      if (shows)
        fprintf (stderr, "\r\033[Ksweep %u: %s", table->rows->len + 1, what);
      g_ptr_array_add (table->rows, row);
      if (compile_row (sweep, row, &failure))
        continue;
      row->failure = one_line (failure->message);
      n_failed++;
      if (first == NULL)
        first = g_steal_pointer (&failure);
    }
  while (next_combination (sweep->axes));
  if (shows)
    fputs ("\r\033[K", stderr);
  if (n_failed < table->rows->len)
    return true;
  if (table->rows->len > 1)
    g_prefix_error (&first, "all %u combinations failed, the first one: ", table->rows->len);
  g_propagate_error (error, g_steal_pointer (&first));
  return false;
}

/* `text` to the file, or to stdout for "-"; it is freed. */
static bool
write_table (const char *path, char *text, GError **error)
{
  g_autofree char *owned = text;
  if (strcmp (path, "-") != 0)
    return sf_file_replace (path, owned, strlen (owned), error);
  fputs (owned, stdout);
  return true;
}

static bool
print_table (const SfOptionValues *options, const SweepTable *table, GError **error)
{
  const char *csv = sf_option_string (options, "csv"), *json = sf_option_string (options, "json");
  if ((csv != NULL && !write_table (csv, sweep_table_csv (table), error))
      || (json != NULL && !write_table (json, sweep_table_json (table), error)))
    return false;
  if (g_strcmp0 (csv, "-") != 0 && g_strcmp0 (json, "-") != 0)
    return write_table ("-", sweep_table_text (table), error);
  return true;
}

static int
run_sweep (const SfOptionValues *options, GError **error)
{
  const char *baseline = sf_option_string (options, "baseline");
  g_autoptr (GPtrArray) axes = g_ptr_array_new_with_free_func (axis_free);
  g_autoptr (SweepTable) table = sweep_table_new ();
  g_autoptr (SfOptionValues) optimizer = NULL;
  Sweep sweep = { .options = options, .axes = axes };
  guint axis = 0, value = 0;
  if (!read_axes (options, axes, error)
      || !sf_verb_compile_options (options, &optimizer, &sweep.wanted, error)
      || (baseline != NULL && !find_baseline (baseline, axes, &axis, &value, error)))
    return 1;
  for (guint i = 0; i < axes->len; i++)
    g_ptr_array_add (table->axes, g_strdup (((Axis *) axes->pdata[i])->column));
  bool good = run_all (&sweep, table, error);
  if (baseline != NULL)
    compare_rows (table, axis, ((Axis *) axes->pdata[axis])->values[value]);
  good = print_table (options, table, good ? error : NULL) && good;
  g_clear_pointer (&sweep.module, sf_module_unref);
  g_clear_error (&sweep.no_module);
  return good ? 0 : 1;
}

const SfVerb sf_verb_sweep = {
  .name = "sweep",
  .summary = "compile a model for every combination of options and compare",
  .example = "sf sweep apps/lenet/model.cfg --arch sn10,sn30 -O0,-O1,-O3 --baseline level=o0\n"
             "sf sweep apps/encoder/model.cfg --batch-size 1,32 --set section.max_groups=2,4,8 "
             "--csv encoder.csv",
  .options = sweep_options,
  .run = run_sweep,
};
