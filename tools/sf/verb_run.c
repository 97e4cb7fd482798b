/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs `run` (a test run of a PEF) and `bench` (time and memory of its steps). */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sf/profile.h"
#include "tools/sf/session_options.h"
#include "tools/sf/timing.h"
#include "tools/sf/verbs.h"

static const SfOption run_options[] = {
  SF_PEF_OPTION_ROW,
  { .name = "test",
    .type = SF_OPTION_BOOL,
    .def = "true",
    .help = "run each entry once on random inputs and check that its outputs are finite" },
  { .name = "seed",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 0,
    .max = 9e18,
    .arg = "N",
    .help = "of the random inputs" },
  { .name = "timing",
    .type = SF_OPTION_BOOL,
    .help = "run nothing: print the emulated time of a step, of each phase and section, and what "
            "holds each section back" },
  { .name = "profile",
    .type = SF_OPTION_BOOL,
    .help
    = "run and measure: time, GFLOP/s and GB/s of each stage, against what this host can do" },
  { .name = "steps",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 10000,
    .arg = "N",
    .help = "with --profile: measured steps of each entry; 0: half a second's worth" },
  { .name = "entry",
    .type = SF_OPTION_STRING,
    .arg = "NAME",
    .help = "train or eval; without it all that the PEF has" },
  { .name = "json",
    .type = SF_OPTION_BOOL,
    .help = "with --timing or --profile: one JSON object a line for each entry" },
  { .name = "trace",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help
    = "write the timeline as Chrome trace JSON, for chrome://tracing or Perfetto: the emulated "
      "one; with --profile what each worker really did" },
  SF_SESSION_OPTION_ROWS,
  { .name = NULL },
};

static const SfOption bench_options[] = {
  SF_PEF_OPTION_ROW,
  { .name = "steps",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1e9,
    .arg = "N",
    .help = "counted steps of each entry; 0: two seconds' worth" },
  { .name = "seed",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 0,
    .max = 9e18,
    .arg = "N",
    .help = "of the random inputs" },
  SF_SESSION_OPTION_ROWS,
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON object a line for each entry" },
  { .name = NULL },
};

static const char *const entries[] = { "train", "eval" };

static unsigned
phases_of (const char *entry)
{
  return strcmp (entry, "train") == 0 ? SF_PHASES_ALL : 1u << SF_PHASE_FWD;
}

static bool
all_finite (const SfTensor *tensor)
{
  for (int64_t i = 0, n = sf_shape_n_elems (&tensor->shape); i < n; i++)
    if (!isfinite (((const double *) tensor->data)[i]))
      return false;
  return true;
}

/* One step with outputs in f64, each described by a line. */
static bool
run_once (SfSession *session, const char *entry, const SfTensor *inputs, GError **error)
{
  SfPort port;
  size_t n = 0;
  bool ok = true;
  while (sf_session_output (session, entry, n, &port))
    n++;
  g_autofree SfTensor *outputs = g_new0 (SfTensor, n + 1);
  for (size_t i = 0; ok && i < n; i++)
    {
      sf_session_output (session, entry, i, &port);
      ok = sf_tensor_alloc (SF_F64, &port.shape, &outputs[i], error);
    }
  const SfHyper hyper = { .step = 1, .lr = NAN };
  ok = ok && sf_session_step (session, entry, phases_of (entry), inputs, outputs, &hyper, error);
  for (size_t i = 0; ok && i < n; i++)
    {
      sf_session_output (session, entry, i, &port);
      g_autofree char *shape = sf_shape_text (&port.shape);
      printf ("%-6s %s %s %s", entry, port.name, sf_dtype_name (port.dtype), shape);
      if (port.shape.rank == 0)
        printf (" = %.6g", *(const double *) outputs[i].data);
      putchar ('\n');
      if (!all_finite (&outputs[i]))
        ok = sf_fail (error, SF_ERROR_CHECK_FAILED,
                      "%s: output %s is not finite on random inputs; `sf test` finds the stage",
                      entry, port.name);
    }
  for (size_t i = 0; i < n; i++)
    sf_tensor_clear (&outputs[i]);
  return ok;
}

static bool
has_entry (SfSession *session, const char *entry)
{
  SfPort port;
  return sf_session_input (session, entry, 0, &port)
         || sf_session_output (session, entry, 0, &port);
}

/* --timing and --trace: no session, nothing is executed. */
static int
run_timing (const SfOptionValues *options, GError **error)
{
  const char *entry = sf_option_string (options, "entry");
  const char *trace = sf_option_string (options, "trace");
  g_autoptr (SfPef) pef = sf_pef_open (sf_option_string (options, "pef"), error);
  if (pef == NULL || (trace != NULL && !sf_verb_trace (pef, entry, trace, error)))
    return 1;
  if (!sf_option_bool (options, "timing"))
    return 0;
  return sf_verb_timing (pef, entry, sf_option_bool (options, "json"), error) ? 0 : 1;
}

/* One entry on random inputs: a test run, or its profile, which goes to `profiles`. */
static bool
run_entry (SfSession *session, const char *entry, const SfOptionValues *options,
           GPtrArray *profiles, GError **error)
{
  SfTensor *inputs = NULL;
  if (!sf_random_inputs (session, entry, (uint64_t) sf_option_int (options, "seed"), &inputs,
                         error))
    return false;
  bool ok;
  if (sf_option_bool (options, "profile"))
    {
      SfProfile *profile = sf_profile_new (session, entry, inputs, sf_option_int (options, "steps"),
                                           error);
      ok = profile != NULL;
      if (ok)
        {
          sf_verb_profile (profile, sf_option_bool (options, "json"));
          g_ptr_array_add (profiles, profile);
        }
    }
  else
    ok = run_once (session, entry, inputs, error);
  sf_random_inputs_free (inputs);
  return ok;
}

static bool
check_run_options (const SfOptionValues *options, GError **error)
{
  bool timing = sf_option_bool (options, "timing"), profile = sf_option_bool (options, "profile");
  if (timing && profile)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--profile: found --timing, wanted one of them; emulated and measured time "
                    "are two runs");
  if (sf_option_bool (options, "json") && !timing && !profile)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--json: found no --timing, no --profile, wanted one; add it");
  if (sf_option_int (options, "steps") > 0 && !profile)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--steps: found no --profile, wanted both; add --profile");
  return true;
}

static int
run_run (const SfOptionValues *options, GError **error)
{
  const char *entry = sf_option_string (options, "entry");
  bool profile = sf_option_bool (options, "profile");
  if (!check_run_options (options, error))
    return 1;
  if (!profile
      && (sf_option_bool (options, "timing") || sf_option_string (options, "trace") != NULL))
    return run_timing (options, error);
  sf_verb_catch_signals ();
  g_autoptr (SfSession) session = sf_verb_open_session (options, error);
  if (session == NULL)
    return 1;
  sf_session_set_cancel (session, &sf_verb_cancelled);
  g_autoptr (GPtrArray) profiles = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sf_profile_free);
  if (entry != NULL && !has_entry (session, entry))
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "--entry %s: found no such entry, wanted train or eval; name one that the PEF has",
               entry);
      return 1;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (entries); i++)
    if (has_entry (session, entries[i]) && (entry == NULL || strcmp (entry, entries[i]) == 0)
        && !run_entry (session, entries[i], options, profiles, error))
      return 1;
  if (profile)
    return sf_verb_trace_profiles (profiles, sf_option_string (options, "trace"), error) ? 0 : 1;
  g_autofree char *facts = sf_session_describe (session);
  printf ("backend %s\n%s%s", sf_session_backend (session), facts,
          *facts != '\0' && !g_str_has_suffix (facts, "\n") ? "\n" : "");
  puts ("test run passed");
  return 0;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

/* Largest resident memory of this process so far. */
static int64_t
peak_bytes (void)
{
  g_autofree char *status = NULL;
  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;
  const char *line = strstr (status, "VmHWM:");
  return line == NULL ? 0 : g_ascii_strtoll (line + strlen ("VmHWM:"), NULL, 10) * 1024;
}

static bool
time_steps (SfSession *session, const char *entry, const SfTensor *inputs, int64_t wanted,
            GArray *seconds, GError **error)
{
  gint64 begin = g_get_monotonic_time ();
  for (int64_t i = -3; wanted > 0 ? i < wanted : i < 5 || g_get_monotonic_time () - begin < 2000000;
       i++)
    {
      const SfHyper hyper = { .step = i + 4, .lr = 0 };
      gint64 start = g_get_monotonic_time ();
      if (!sf_session_step (session, entry, phases_of (entry), inputs, NULL, &hyper, error))
        return false;
      double time = (double) (g_get_monotonic_time () - start) * 1e-6;
      if (i >= 0)
        g_array_append_val (seconds, time);
      if (i == -1)
        begin = g_get_monotonic_time ();
    }
  return true;
}

static bool
bench_entry (SfSession *session, const char *entry, const SfOptionValues *options, GError **error)
{
  SfTensor *inputs = NULL;
  g_autoptr (GArray) seconds = g_array_new (FALSE, FALSE, sizeof (double));
  if (!sf_random_inputs (session, entry, (uint64_t) sf_option_int (options, "seed"), &inputs,
                         error))
    return false;
  int64_t rows = inputs[0].data != NULL && inputs[0].shape.rank > 0 ? inputs[0].shape.dim[0] : 1;
  bool ok = time_steps (session, entry, inputs, sf_option_int (options, "steps"), seconds, error);
  sf_random_inputs_free (inputs);
  if (!ok)
    return false;
  g_array_sort (seconds, compare_doubles);
  const double *sorted = (const double *) seconds->data;
  double median = sorted[seconds->len / 2], low = sorted[0], high = sorted[seconds->len - 1];
  if (sf_option_bool (options, "json"))
    {
      json_t *line = json_pack ("{s:s, s:I, s:f, s:f, s:f, s:f, s:I}", "entry", entry, "steps",
                                (json_int_t) seconds->len, "median_s", median, "min_s", low,
                                "max_s", high, "rows_per_second", (double) rows / median,
                                "peak_memory_bytes", (json_int_t) peak_bytes ());
      json_dumpf (line, stdout, JSON_COMPACT);
      putchar ('\n');
      json_decref (line);
    }
  else
    printf ("%-6s step %.3f ms (min %.3f, max %.3f, %u steps)  %.0f rows/s  peak memory %.1f MB\n",
            entry, median * 1e3, low * 1e3, high * 1e3, seconds->len, (double) rows / median,
            (double) peak_bytes () / 1e6);
  return true;
}

static int
run_bench (const SfOptionValues *options, GError **error)
{
  sf_verb_catch_signals ();
  g_autoptr (SfSession) session = sf_verb_open_session (options, error);
  if (session == NULL)
    return 1;
  sf_session_set_cancel (session, &sf_verb_cancelled);
  for (size_t i = 0; i < G_N_ELEMENTS (entries); i++)
    if (has_entry (session, entries[i]) && !bench_entry (session, entries[i], options, error))
      return 1;
  return 0;
}

const SfVerb sf_verb_run = {
  .name = "run",
  .summary = "a test run: each entry once, on random inputs; or its emulated time, or its profile",
  .example = "sf run --test digits.pef --backend cpu\n"
             "sf run --timing digits.pef --trace digits.json\n"
             "sf run --profile digits.pef --entry train",
  .options = run_options,
  .run = run_run,
};

const SfVerb sf_verb_bench = {
  .name = "bench",
  .summary = "measure performance: step time, rows per second, memory",
  .example = "sf bench digits.pef --threads 2",
  .options = bench_options,
  .run = run_bench,
};
