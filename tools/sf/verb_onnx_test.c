/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `onnx-test`: models that come with inputs and outputs, in the layout of the ONNX backend
 * tests. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sf/conformance.h>
#include <sf/file.h>
#include <sf/json.h>
#include <sf/plugins.h>
#include <sf/threads.h>

#include "tools/sf/children.h"
#include "tools/sf/expectations.h"
#include "tools/sf/progress.h"
#include "tools/sf/session_options.h"
#include "tools/sf/verbs.h"

static const SfOption onnx_test_options[] = {
  { .name = "dir",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "DIR",
    .help
    = "a test (model.onnx, test_data_set_0/input_0.pb, output_0.pb ...), or a folder of tests" },
  { .name = "backend",
    .type = SF_OPTION_STRING,
    .def = "rdu",
    .arg = "NAME",
    .help = "backend plugin: rdu (the emulator) or cpu (the reference)" },
  { .name = "level",
    .short_name = 'O',
    .type = SF_OPTION_CHOICE,
    .def = "o3",
    .choices = "o0|o1|o3",
    .help = "one op per section, fusion by rules, or the whole graph" },
  { .name = "arch",
    .type = SF_OPTION_STRING,
    .def = "sn10",
    .arg = "NAME|FILE",
    .help = "machine to compile for" },
  { .name = "filter",
    .type = SF_OPTION_STRING,
    .arg = "GLOB",
    .help = "only the tests whose names match, as *pool*" },
  { .name = "expect",
    .type = SF_OPTION_LIST,
    .arg = "FILE",
    .help = "list of tests that are known not to pass, a name and a reason on each line; any other "
            "that does not pass fails the run, and so does one of them that passes; may be "
            "repeated" },
  { .name = "json", .type = SF_OPTION_STRING, .arg = "FILE", .help = "write the results as JSON" },
  { .name = "brief",
    .type = SF_OPTION_BOOL,
    .help
    = "print only the tests that do not pass; with --expect, only those that are not as listed" },
  { .name = "rtol",
    .type = SF_OPTION_FLOAT,
    .def = "1e-3",
    .min = 0,
    .max = 1,
    .arg = "X",
    .help = "of floats, relative to the wanted value" },
  { .name = "atol",
    .type = SF_OPTION_FLOAT,
    .def = "1e-7",
    .min = 0,
    .max = 1e9,
    .arg = "X",
    .help = "of floats, added to it" },
  { .name = "range-tolerance",
    .type = SF_OPTION_FLOAT,
    .def = "0",
    .min = 0,
    .max = 1,
    .arg = "X",
    .help = "of floats, as a part of the range of the output, instead of those two" },
  { .name = "jobs",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1024,
    .arg = "N",
    .help = "tests at a time; 0: as many as the machine has threads" },
  { .name = "timeout",
    .type = SF_OPTION_SECONDS,
    .def = "120",
    .arg = "TIME",
    .help = "for one test" },
  { .name = NULL },
};

/* Tests that a process runs, after which a fork costs little beside them. */
enum
{
  MAX_EACH = 16
};

/* A run: tests, what came of them, and what was expected. */
typedef struct
{
  const char *dir;
  bool brief;
  SfConformanceOptions options;
  GPtrArray *names;    /* char * */
  json_t **results;    /* NULL: not done */
  GHashTable *reasons; /* of --expect; NULL: not given */
  size_t n_done, n_printed;
} Run;

typedef struct
{
  json_int_t n, passed, failed, unsupported, on_device, narrow, narrow_on_device;
  GPtrArray *amiss; /* what fails the run: char * */
} Totals;

/* ---- one test ---- */

static json_t *
number (double value)
{
  return isfinite (value) ? json_real (value) : json_null ();
}

static char *
run_one (void *user_data, size_t index)
{
  const Run *run = user_data;
  g_autofree char *folder = g_build_filename (run->dir, run->names->pdata[index], NULL);
  SfConformanceResult r;
  sf_conformance_run (g_str_has_suffix (folder, "/.") ? run->dir : folder, &run->options, &r);
  g_autoptr (json_t) object = json_pack (
      "{s:s, s:s*, s:I, s:s*, s:i, s:f, s:f, s:o}", "result",
      sf_conformance_verdict_name (r.verdict), "reason", r.reason, "host_launches",
      (json_int_t) r.n_host_launches, "host_ops", r.host_ops, "interface_bits", r.interface_bits,
      "compile_s", r.compile_s, "run_s", r.run_s, "of_range", number (r.worst_of_range));
  sf_conformance_result_clear (&r);
  return json_dumps (object, JSON_COMPACT);
}

static const char *
text_of (const json_t *result, const char *key)
{
  return json_string_value (json_object_get (result, key));
}

static bool
is (const json_t *result, const char *verdict)
{
  return strcmp (text_of (result, "result"), verdict) == 0;
}

/* Of a single test, the name of its folder. Owned. */
static char *
shown_name (const Run *run, size_t index)
{
  const char *name = run->names->pdata[index];
  if (strcmp (name, ".") != 0)
    return g_strdup (name);
  g_autofree char *path = g_canonicalize_filename (run->dir, NULL);
  return g_path_get_basename (path);
}

/* Why this test fails the run. Owned; NULL. */
static char *
amiss (const Run *run, const char *name, const json_t *result)
{
  bool listed = run->reasons != NULL && g_hash_table_contains (run->reasons, name);
  if (listed)
    return is (result, "passed") ? g_strdup_printf ("%s (passed, but is listed)", name) : NULL;
  if (is (result, "failed") || (run->reasons != NULL && !is (result, "passed")))
    return g_strdup_printf ("%s (%s)", name, text_of (result, "result"));
  return NULL;
}

static void
print_one (const Run *run, size_t index)
{
  const json_t *result = run->results[index];
  g_autofree char *name = shown_name (run, index);
  g_autofree char *why = amiss (run, name, result);
  const char *reason = text_of (result, "reason");
  if (run->brief && why == NULL && (run->reasons != NULL || reason == NULL))
    return;
  if (isatty (STDERR_FILENO))
    fputs ("\r\033[K", stderr);
  printf ("%-11s  %s%s%s\n", text_of (result, "result"), name, reason != NULL ? ": " : "",
          reason != NULL ? reason : "");
  fflush (stdout);
}

static void
take_one (void *user_data, size_t index, const char *text, const char *end)
{
  Run *run = user_data;
  json_t *result = text != NULL ? json_loads (text, 0, NULL) : NULL;
  if (result == NULL)
    result = json_pack ("{s:s, s:s, s:I, s:i}", "result", "failed", "reason",
                        end != NULL ? end : "ended without a result", "host_launches",
                        (json_int_t) -1, "interface_bits", 0);
  run->results[index] = result;
  run->n_done++;
  while (run->n_printed < run->names->len && run->results[run->n_printed] != NULL)
    print_one (run, run->n_printed++);
  const SfVerbProgress now = { .verb = "onnx-test",
                               .batch = (int64_t) run->n_done,
                               .batches = (int64_t) run->names->len,
                               .left = (int64_t) (run->names->len - run->n_done),
                               .loss = NAN,
                               .test_accuracy = NAN };
  sf_verb_progress (&now);
}

/* ---- all of them ---- */

static void
add_up (const Run *run, Totals *t)
{
  *t = (Totals){ .n = run->names->len, .amiss = g_ptr_array_new_with_free_func (g_free) };
  for (guint i = 0; i < run->names->len; i++)
    {
      const json_t *result = run->results[i];
      g_autofree char *name = shown_name (run, i);
      char *why = amiss (run, name, result);
      json_int_t bits = json_integer_value (json_object_get (result, "interface_bits"));
      bool passed = is (result, "passed"),
           on_device = passed
                       && json_integer_value (json_object_get (result, "host_launches")) == 0,
           narrow = bits > 0 && bits <= 32;
      t->passed += passed;
      t->failed += is (result, "failed");
      t->unsupported += is (result, "unsupported");
      t->on_device += on_device;
      t->narrow += narrow;
      t->narrow_on_device += narrow && on_device;
      if (why != NULL)
        g_ptr_array_add (t->amiss, why);
    }
}

static bool
write_json (const Run *run, const Totals *t, const char *path, GError **error)
{
  g_autoptr (json_t) tests = json_object ();
  for (guint i = 0; i < run->names->len; i++)
    {
      g_autofree char *name = shown_name (run, i);
      const char *listed = run->reasons != NULL ? g_hash_table_lookup (run->reasons, name) : NULL;
      if (listed != NULL)
        json_object_set_new (run->results[i], "listed", json_string (listed));
      json_object_set (tests, name, run->results[i]);
    }
  g_autoptr (json_t) object = json_pack (
      "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "backend", run->options.backend,
      "level", run->options.level, "arch", run->options.arch, "n", t->n, "passed", t->passed,
      "failed", t->failed, "unsupported", t->unsupported, "on_device", t->on_device,
      "narrow_interface", t->narrow, "narrow_on_device", t->narrow_on_device, "tests", tests);
  char *text = json_dumps (object, JSON_INDENT (1));
  bool ok = text != NULL && sf_file_replace (path, text, strlen (text), error);
  free (text);
  return ok;
}

static void
print_totals (const Run *run, const Totals *t, gint64 start)
{
  printf ("%" JSON_INTEGER_FORMAT " tests on %s: %" JSON_INTEGER_FORMAT
          " passed, %" JSON_INTEGER_FORMAT " failed, %" JSON_INTEGER_FORMAT
          " unsupported, %.1f s\n",
          t->n, run->options.backend, t->passed, t->failed, t->unsupported,
          (double) (g_get_monotonic_time () - start) * 1e-6);
  if (strcmp (run->options.backend, "cpu") != 0)
    printf ("%" JSON_INTEGER_FORMAT " passed without a launch on the host, %" JSON_INTEGER_FORMAT
            " of the %" JSON_INTEGER_FORMAT " without inputs and outputs of 64 bits\n",
            t->on_device, t->narrow_on_device, t->narrow);
}

static bool
judge (const Run *run, const Totals *t, GError **error)
{
  enum
  {
    SHOWN = 8
  };
  if (t->amiss->len == 0)
    return true;
  g_autoptr (GString) list = g_string_new (NULL);
  for (guint i = 0; i < MIN (t->amiss->len, (guint) SHOWN); i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", (char *) t->amiss->pdata[i]);
  if (t->amiss->len > SHOWN)
    g_string_append (list, ", ...");
  return sf_fail (error, SF_ERROR_CHECK_FAILED, "%s: %u of %" JSON_INTEGER_FORMAT " tests %s: %s",
                  run->dir, t->amiss->len, t->n,
                  run->reasons != NULL ? "are not as listed" : "failed", list->str);
}

/* ---- the verb ---- */

static bool
read_expectations (const SfOptionValues *options, Run *run, GError **error)
{
  const char *const *files = sf_option_list (options, "expect");
  if (*files != NULL)
    run->reasons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (; *files != NULL; files++)
    if (!sf_expectations_read (*files, run->reasons, error))
      return false;
  return true;
}

static bool
find_tests (const SfOptionValues *options, Run *run, GError **error)
{
  const char *filter = sf_option_string (options, "filter");
  run->names = sf_conformance_list (run->dir, error);
  if (run->names == NULL)
    return false;
  for (guint i = run->names->len; filter != NULL && i-- > 0;)
    {
      g_autofree char *name = shown_name (run, i);
      if (!g_pattern_match_simple (filter, name))
        g_ptr_array_remove_index (run->names, i);
    }
  if (run->names->len == 0)
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "%s: found no test that matches %s, wanted one; --filter takes * and ?",
                    run->dir, filter);
  run->results = g_new0 (json_t *, run->names->len);
  return true;
}

/* Everything that the children need is loaded before they are forked. */
static bool
load_plugins (const Run *run, GError **error)
{
  g_ptr_array_unref (sf_plugins_list ());
  return sf_plugins_load (SF_PLUGIN_BACKEND, run->options.backend, error) != NULL
         && sf_plugins_load (SF_PLUGIN_FRONTEND, run->options.frontend, error) != NULL;
}

static bool
run_tests (const SfOptionValues *options, Run *run, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  int threads = sf_threads_available (), jobs = (int) sf_option_int (options, "jobs");
  jobs = MIN (jobs > 0 ? jobs : threads, (int) run->names->len);
  run->options.n_threads = MAX (threads / jobs, 1);
  const SfChildren children = {
    .n = run->names->len,
    .n_each = MIN (run->names->len / (4 * (size_t) jobs), MAX_EACH),
    .n_jobs = jobs,
    .limit_s = (double) sf_option_int (options, "timeout"),
    .cancel = &sf_verb_cancelled,
    .work = run_one,
    .done = take_one,
    .user_data = run,
  };
  sf_verb_catch_signals ();
  if (!sf_children_run (&children, error))
    return false;
  Totals totals;
  add_up (run, &totals);
  print_totals (run, &totals, start);
  const char *path = sf_option_string (options, "json");
  bool ok = (path == NULL || write_json (run, &totals, path, error)) && judge (run, &totals, error);
  g_ptr_array_unref (totals.amiss);
  return ok;
}

static int
run_onnx_test (const SfOptionValues *options, GError **error)
{
  Run run = {
    .dir = sf_option_string (options, "dir"),
    .brief = sf_option_bool (options, "brief"),
    .options = {
      .frontend = "onnx",
      .backend = sf_option_string (options, "backend"),
      .level = sf_option_string (options, "level"),
      .arch = sf_option_string (options, "arch"),
      .rtol = sf_option_float (options, "rtol"),
      .atol = sf_option_float (options, "atol"),
      .range_tolerance = sf_option_float (options, "range-tolerance"),
    },
  };
  bool ok = find_tests (options, &run, error) && read_expectations (options, &run, error)
            && load_plugins (&run, error) && run_tests (options, &run, error);
  for (guint i = 0; run.results != NULL && i < run.names->len; i++)
    json_decref (run.results[i]);
  g_free (run.results);
  g_clear_pointer (&run.names, g_ptr_array_unref);
  g_clear_pointer (&run.reasons, g_hash_table_unref);
  return ok ? 0 : 1;
}

const SfVerb sf_verb_onnx_test = {
  .name = "onnx-test",
  .summary = "run ONNX models on the inputs that come with them, compare their outputs",
  .example = "sf onnx-test node --backend cpu --filter 'test_conv*' --json results.json\n"
             "sf onnx-test node --expect unsupported --brief",
  .options = onnx_test_options,
  .run = run_onnx_test,
};
