/* SPDX-License-Identifier: Apache-2.0 */
/* Measured time, printed: the step, its phases, what the host could do, and each stage against it.
 */
#include "tools/sf/profile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include <sf/json.h>
#include <sf/trace.h>

#include "tools/sf/timing.h"

/* Stages that take less than this share stand together in one line, when there are many. */
#define LEAST_SHOWN  0.002
#define ALWAYS_SHOWN 20

static const char *const phase_names[SF_N_PHASES] = { "fwd", "bwd", "opt" };

/* What is done outside stages, by record kind; NULL: belongs to a stage or a launch. */
static const char *const outside_names[SF_N_RECORDS] = {
  [SF_RECORD_MOVE] = "moving",
  [SF_RECORD_FEED] = "feeding",
  [SF_RECORD_FETCH] = "fetching",
  [SF_RECORD_COMMIT] = "committing",
};

/* ---- text ---- */

static void
print_share (const char *label, double seconds, double all, const char **comma)
{
  g_autofree char *text = sf_time_text (seconds);
  if (seconds <= 0)
    return;
  printf ("%s%s %s %.1f %%", *comma, label, text, 100 * seconds / all);
  *comma = ", ";
}

static void
print_peak (const SfPeak *peak, int n_threads)
{
  printf ("  host, %d thread%s: f32 %.0f", n_threads, n_threads == 1 ? "" : "s",
          peak->f32_flops / 1e9);
  if (peak->bf16_flops > 0)
    printf (", bf16 %.0f", peak->bf16_flops / 1e9);
  printf (" GFLOP/s; read / triad");
  for (size_t l = 0; l < peak->n_levels; l++)
    printf ("%s %s %.0f / %.0f", l > 0 ? "," : "", peak->level[l].name, peak->level[l].read / 1e9,
            peak->level[l].triad / 1e9);
  puts (" GB/s");
}

static void
print_head (const SfProfile *profile)
{
  SfProfileTotals t = sf_profile_totals (profile);
  g_autofree char *step = sf_time_text (t.seconds);
  const char *comma = "";
  printf ("%s on %s: %s a step, mean of the faster %" PRId64 " of %" PRId64
          " steps, %d thread%s, %.1f GFLOP/s\n  ",
          t.entry, t.backend, step, t.n_counted, t.n_steps, t.n_threads,
          t.n_threads == 1 ? "" : "s", t.flops / t.seconds / 1e9);
  for (int p = 0; p < SF_N_PHASES; p++)
    print_share (phase_names[p], t.phase_seconds[p], t.seconds, &comma);
  comma = "\n  outside stages: ";
  for (int k = 0; k < SF_N_RECORDS; k++)
    if (outside_names[k] != NULL)
      print_share (outside_names[k], t.kind_seconds[k], t.seconds, &comma);
  print_share ("nothing", t.between_seconds, t.seconds, &comma);
  putchar ('\n');
  comma = "  in stages: ";
  print_share ("packing", t.kind_seconds[SF_RECORD_PACK], t.seconds, &comma);
  print_share ("rounding", t.kind_seconds[SF_RECORD_ROUND], t.seconds, &comma);
  if (*comma == ',')
    putchar ('\n');
  if (t.n_host > 0)
    {
      g_autofree char *host = sf_time_text (t.kind_seconds[SF_RECORD_HOST]);
      printf ("  %zu host launch%s, %s\n", t.n_host, t.n_host == 1 ? "" : "es", host);
    }
  print_peak (&t.one, 1);
  if (t.n_threads > 1)
    print_peak (&t.all, t.n_threads);
}

/* What the stages from `first` on take together. */
static void
print_rest (const SfProfile *profile, size_t first)
{
  size_t n = sf_profile_n_stages (profile);
  double seconds = 0, share = 0;
  for (size_t i = first; i < n; i++)
    {
      SfStageProfile s = sf_profile_stage (profile, i);
      seconds += s.seconds;
      share += s.share;
    }
  g_autofree char *time = sf_time_text (seconds);
  printf ("  %10s %5.1f%% %zu more, each below %.1f %%\n", time, 100 * share, n - first,
          100 * LEAST_SHOWN);
}

static void
print_stages (const SfProfile *profile)
{
  printf ("  %10s %6s %6s %4s %8s %7s %5s %-6s %-5s %4s  %s\n", "time", "share", "calls", "busy",
          "GFLOP/s", "GB/s", "roof", "of", "phase", "", "stage");
  for (size_t i = 0; i < sf_profile_n_stages (profile); i++)
    {
      SfStageProfile s = sf_profile_stage (profile, i);
      double seconds = MAX (s.seconds, 1e-12);
      if (i >= ALWAYS_SHOWN && s.share < LEAST_SHOWN)
        {
          print_rest (profile, i);
          return;
        }
      g_autofree char *time = sf_time_text (s.seconds);
      printf ("  %10s %5.1f%% %6.0f %4.1f ", time, 100 * s.share, s.calls, s.workers);
      if (s.target == SF_TARGET_HOST)
        printf ("%8s %7s %5s %-6s ", "", "", "", "host");
      else
        printf ("%8.1f %7.1f %4.0f%% %-6s ", s.flops / seconds / 1e9, s.bytes / seconds / 1e9,
                100 * s.fraction, s.limit);
      printf ("%-5s %4u  %.46s\n", phase_names[s.phase], s.launch, s.name != NULL ? s.name : "");
    }
}

/* ---- JSON ---- */

static json_t *
peak_json (const SfPeak *peak, int n_threads)
{
  json_t *levels = json_array ();
  for (size_t l = 0; l < peak->n_levels; l++)
    {
      json_t *level = json_pack ("{s:s, s:f, s:f}", "name", peak->level[l].name, "read_bytes_per_s",
                                 peak->level[l].read, "triad_bytes_per_s", peak->level[l].triad);
      if (peak->level[l].bytes < INT64_MAX)
        json_object_set_new (level, "bytes", json_integer (peak->level[l].bytes));
      json_array_append_new (levels, level);
    }
  return json_pack ("{s:i, s:f, s:o, s:o}", "threads", n_threads, "f32_flops_per_s",
                    peak->f32_flops, "bf16_flops_per_s",
                    peak->bf16_flops > 0 ? json_real (peak->bf16_flops) : json_null (), "memory",
                    levels);
}

static json_t *
stage_json (const SfStageProfile *s)
{
  double seconds = MAX (s->seconds, 1e-12);
  json_t *object = json_pack (
      "{s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f}", "name", s->name != NULL ? s->name : "", "target",
      s->target == SF_TARGET_HOST ? "host" : "rdu", "phase", phase_names[s->phase], "launch",
      (json_int_t) s->launch, "seconds", s->seconds, "share", s->share, "calls", s->calls,
      "workers", s->workers);
  if (s->target == SF_TARGET_HOST)
    return object;
  json_object_set_new (object, "stage", json_integer (s->stage));
  json_object_set_new (object, "flops", json_real (s->flops));
  json_object_set_new (object, "bytes", json_real (s->bytes));
  json_object_set_new (object, "flops_per_s", json_real (s->flops / seconds));
  json_object_set_new (object, "bytes_per_s", json_real (s->bytes / seconds));
  json_object_set_new (object, "roof", json_string (s->roof == SF_ROOF_FLOPS ? "flops" : "bytes"));
  json_object_set_new (object, "limit", json_string (s->limit));
  json_object_set_new (object, "roof_fraction", json_real (s->fraction));
  return object;
}

static void
print_json (const SfProfile *profile)
{
  SfProfileTotals t = sf_profile_totals (profile);
  json_t *phases = json_object (), *outside = json_object (), *stages = json_array ();
  for (int p = 0; p < SF_N_PHASES; p++)
    json_object_set_new (phases, phase_names[p], json_real (t.phase_seconds[p]));
  for (int k = 0; k < SF_N_RECORDS; k++)
    if (outside_names[k] != NULL)
      json_object_set_new (outside, outside_names[k], json_real (t.kind_seconds[k]));
  json_object_set_new (outside, "between", json_real (t.between_seconds));
  for (size_t i = 0; i < sf_profile_n_stages (profile); i++)
    {
      SfStageProfile s = sf_profile_stage (profile, i);
      json_array_append_new (stages, stage_json (&s));
    }
  json_t *peaks = json_pack ("[o]", peak_json (&t.one, 1));
  if (t.n_threads > 1)
    json_array_append_new (peaks, peak_json (&t.all, t.n_threads));
  g_autoptr (json_t) object = json_pack (
      "{s:s, s:s, s:b, s:i, s:I, s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:o, s:o, s:o, s:o}", "entry",
      t.entry, "backend", t.backend, "emulated", 0, "threads", t.n_threads, "steps",
      (json_int_t) t.n_steps, "counted_steps", (json_int_t) t.n_counted, "seconds", t.seconds,
      "flops_per_s", t.flops / t.seconds, "n_host_launches", (json_int_t) t.n_host, "host_seconds",
      t.kind_seconds[SF_RECORD_HOST], "packing_seconds", t.kind_seconds[SF_RECORD_PACK],
      "rounding_seconds", t.kind_seconds[SF_RECORD_ROUND], "phase_seconds", phases,
      "outside_seconds", outside, "peaks", peaks, "stages", stages);
  json_dumpf (object, stdout, JSON_COMPACT);
  putchar ('\n');
}

void
sf_verb_profile (const SfProfile *profile, bool json)
{
  if (json)
    {
      print_json (profile);
      return;
    }
  print_head (profile);
  print_stages (profile);
}

bool
sf_verb_trace_profiles (const GPtrArray *profiles, const char *path, GError **error)
{
  SfTraceCount count;
  if (path == NULL)
    return true;
  if (!sf_trace_save_profiles ((const SfProfile *const *) profiles->pdata, profiles->len, 0, path,
                               &count, error))
    return false;
  if (count.n_left_out > 0)
    fprintf (stderr, "%s: %" PRId64 " spans, %" PRId64 " more of later steps left out\n", path,
             count.n_spans, count.n_left_out);
  return true;
}
