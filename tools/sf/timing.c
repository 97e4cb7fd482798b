/* SPDX-License-Identifier: Apache-2.0 */
/* Emulated time, printed: the step, its phases, and what holds each section back. */
#include "tools/sf/timing.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include <sf/json.h>
#include <sf/plugin/timing.h>
#include <sf/trace.h>

enum
{
  N_PHASES = 3
};

static const char *const phase_names[N_PHASES] = { "fwd", "bwd", "opt" };

/* One entry and what is printed above its sections. */
typedef struct
{
  const SfProgram *program;
  const SfTiming *timing;
  uint32_t entry;
  SfArchInfo arch;
  int64_t batch; /* 0: not known */
  int64_t phase_cycles[N_PHASES];
  int64_t load_cycles, host_cycles;
  size_t n_loads, n_host;
} Timed;

static double
seconds_of (const Timed *timed, int64_t cycles)
{
  return (double) cycles / (double) timed->arch.clock_hz;
}

static double
samples_per_second (const Timed *timed)
{
  double seconds = sf_timing_seconds (timed->timing);
  return seconds > 0 ? (double) timed->batch / seconds : 0;
}

char *
sf_time_text (double seconds)
{
  if (seconds >= 1)
    return g_strdup_printf ("%.3f s", seconds);
  if (seconds >= 1e-3)
    return g_strdup_printf ("%.3f ms", seconds * 1e3);
  return g_strdup_printf ("%.3f us", seconds * 1e6);
}

static const char *
stage_name (const Timed *timed, uint32_t launch, uint32_t stage)
{
  const char *name = sf_launch_stage_name (timed->program, timed->entry, launch, stage);
  uint32_t config = sf_timing_launch (timed->timing, launch).config;
  if (name == NULL)
    name = sf_config_stage (timed->program, config, stage).name;
  return name != NULL ? name : "";
}

static void
sum_up (Timed *timed)
{
  for (size_t l = 0; l < sf_timing_n_launches (timed->timing); l++)
    {
      SfLaunchTime t = sf_timing_launch (timed->timing, l);
      timed->phase_cycles[MIN ((int) t.phase, N_PHASES - 1)] += t.load_cycles + t.cycles;
      timed->load_cycles += t.load_cycles;
      timed->n_loads += t.load_cycles > 0;
      timed->n_host += t.target == SF_TARGET_HOST;
      timed->host_cycles += t.target == SF_TARGET_HOST ? t.cycles : 0;
    }
}

/* ---- text ---- */

/* What holds a section back, and how much of the time. Owned. */
static char *
why (const Timed *timed, uint32_t launch, const SfLaunchTime *time)
{
  if (time->target == SF_TARGET_HOST)
    return g_strdup ("runs on the host");
  if (time->stage == SF_NONE && time->bound == SF_BOUND_MEMORY)
    return g_strdup_printf ("memory, %.0f %% of its bandwidth", 100 * time->memory_share);
  if (time->stage == SF_NONE)
    return g_strdup_printf ("waiting; memory gives %.0f %% of its bandwidth",
                            100 * time->memory_share);
  SfStageTime stage = sf_timing_stage (timed->timing, launch, time->stage);
  const char *name = stage_name (timed, launch, time->stage);
  uint32_t repeat = MAX (sf_entry_launch (timed->program, timed->entry, launch).repeat, 1);
  double all = (double) MAX (time->cycles / repeat, 1);
  double busy = 100 * (double) stage.busy_cycles / all;
  if (time->bound != SF_BOUND_WAIT)
    return g_strdup_printf ("%s of %s, busy %.0f %%", sf_bound_name (time->bound), name, busy);
  return g_strdup_printf ("waiting; %s is busy %.0f %%, waits %.0f %% for tokens, %.0f %% for room",
                          name, busy, 100 * (double) stage.wait_input_cycles / all,
                          100 * (double) stage.wait_output_cycles / all);
}

static void
print_head (const Timed *timed)
{
  g_autofree char *step = sf_time_text (sf_timing_seconds (timed->timing));
  printf ("%s on %s: %s emulated (%" PRId64 " cycles at %.2f GHz)",
          sf_entry_name (timed->program, timed->entry), timed->arch.name, step,
          sf_timing_cycles (timed->timing), (double) timed->arch.clock_hz / 1e9);
  if (timed->batch > 0)
    printf (", %.0f samples/s at batch %" PRId64, samples_per_second (timed), timed->batch);
  printf ("\n ");
  const char *comma = "";
  for (int p = 0; p < N_PHASES; p++)
    if (timed->phase_cycles[p] > 0)
      {
        g_autofree char *text = sf_time_text (seconds_of (timed, timed->phase_cycles[p]));
        printf ("%s %s %s", comma, phase_names[p], text);
        comma = ",";
      }
  g_autofree char *load = sf_time_text (seconds_of (timed, timed->load_cycles));
  printf ("; %s of it to load %zu section%s\n", load, timed->n_loads,
          timed->n_loads == 1 ? "" : "s");
  if (timed->n_host > 0)
    {
      g_autofree char *host = sf_time_text (seconds_of (timed, timed->host_cycles));
      printf ("  %zu host launch%s, %s of it on the way there and back; their own work not "
              "emulated\n",
              timed->n_host, timed->n_host == 1 ? "" : "es", host);
    }
}

static void
print_sections (const Timed *timed)
{
  printf ("  %4s %-5s %11s %11s %4s %4s %4s %4s  %-28s %s\n", "", "phase", "time", "load", "PCU%",
          "PMU%", "lnk%", "mem%", "section", "held back by");
  for (uint32_t l = 0; l < sf_timing_n_launches (timed->timing); l++)
    {
      SfLaunchTime t = sf_timing_launch (timed->timing, l);
      g_autofree char *time = sf_time_text (seconds_of (timed, t.cycles));
      g_autofree char *load = sf_time_text (seconds_of (timed, t.load_cycles));
      g_autofree char *reason = why (timed, l, &t);
      printf ("  %4u %-5s %11s %11s %4.0f %4.0f %4.0f %4.0f  %-28.28s %s\n", l,
              phase_names[MIN ((int) t.phase, N_PHASES - 1)], time, load, 100 * t.pcu_share,
              100 * t.pmu_share, 100 * t.link_share, 100 * t.memory_share,
              t.name != NULL ? t.name : "", reason);
    }
}

/* ---- JSON ---- */

static json_t *
stage_json (const Timed *timed, uint32_t launch, uint32_t stage)
{
  SfStageTime t = sf_timing_stage (timed->timing, launch, stage);
  return json_pack ("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name",
                    stage_name (timed, launch, stage), "iterations", (json_int_t) t.iterations,
                    "busy_cycles", (json_int_t) t.busy_cycles, "wait_input_cycles",
                    (json_int_t) t.wait_input_cycles, "wait_output_cycles",
                    (json_int_t) t.wait_output_cycles, "first_cycles", (json_int_t) t.first_cycles,
                    "last_cycles", (json_int_t) t.last_cycles, "bound", sf_bound_name (t.bound));
}

static json_t *
link_json (const SfLinkTime *link)
{
  static const char *const networks[SF_N_NETWORKS] = { "vector", "scalar", "control" };
  return json_pack ("{s:s, s:[i,i], s:[i,i], s:I, s:I, s:f}", "network", networks[link->network],
                    "from", (int) link->x0, (int) link->y0, "to", (int) link->x1, (int) link->y1,
                    "nets", (json_int_t) link->n_nets, "vectors", (json_int_t) link->vectors,
                    "share", link->share);
}

static json_t *
launch_json (const Timed *timed, uint32_t launch)
{
  SfLaunchTime t = sf_timing_launch (timed->timing, launch);
  bool host = t.target == SF_TARGET_HOST;
  json_t *object = json_pack (
      "{s:s, s:s, s:s, s:I, s:I, s:I, s:f}", "name", t.name != NULL ? t.name : "", "target",
      host ? "host" : "rdu", "phase", phase_names[MIN ((int) t.phase, N_PHASES - 1)],
      "start_cycles", (json_int_t) t.start_cycles, "load_cycles", (json_int_t) t.load_cycles,
      "cycles", (json_int_t) t.cycles, "seconds", seconds_of (timed, t.cycles));
  if (host)
    return object;
  json_object_set_new (object, "config", json_integer (t.config));
  json_object_set_new (object, "bound", json_string (sf_bound_name (t.bound)));
  json_object_set_new (object, "stage", t.stage == SF_NONE ? json_null () : json_integer (t.stage));
  json_object_set_new (object, "memory_bytes", json_integer (t.memory_bytes));
  json_object_set_new (object, "memory_share", json_real (t.memory_share));
  json_object_set_new (object, "pcu_share", json_real (t.pcu_share));
  json_object_set_new (object, "pmu_share", json_real (t.pmu_share));
  json_object_set_new (object, "link_share", json_real (t.link_share));
  if (sf_timing_n_links (timed->timing, launch) > 0)
    {
      SfLinkTime link = sf_timing_link (timed->timing, launch, 0);
      json_object_set_new (object, "busiest_link", link_json (&link));
    }
  json_t *stages = json_array ();
  for (uint32_t s = 0; s < sf_config_n_stages (timed->program, t.config); s++)
    json_array_append_new (stages, stage_json (timed, launch, s));
  json_object_set_new (object, "stages", stages);
  return object;
}

static void
print_json (const Timed *timed)
{
  json_t *phases = json_object (), *launches = json_array ();
  for (int p = 0; p < N_PHASES; p++)
    json_object_set_new (phases, phase_names[p], json_integer (timed->phase_cycles[p]));
  for (uint32_t l = 0; l < sf_timing_n_launches (timed->timing); l++)
    json_array_append_new (launches, launch_json (timed, l));
  g_autoptr (json_t) object = json_pack (
      "{s:s, s:s, s:b, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "entry",
      sf_entry_name (timed->program, timed->entry), "arch", timed->arch.name, "emulated", 1,
      "cycles", (json_int_t) sf_timing_cycles (timed->timing), "seconds",
      sf_timing_seconds (timed->timing), "clock_hz", (json_int_t) timed->arch.clock_hz,
      "load_cycles", (json_int_t) timed->load_cycles, "n_loads", (json_int_t) timed->n_loads,
      "n_host_launches", (json_int_t) timed->n_host, "host_cycles", (json_int_t) timed->host_cycles,
      "phase_cycles", phases, "launches", launches);
  if (timed->batch > 0)
    {
      json_object_set_new (object, "batch", json_integer (timed->batch));
      json_object_set_new (object, "samples_per_second", json_real (samples_per_second (timed)));
    }
  json_dumpf (object, stdout, JSON_COMPACT);
  putchar ('\n');
}

/* ---- the options ---- */

static bool
print_entry (const SfPef *pef, uint32_t entry, bool json, GError **error)
{
  const char *batch = sf_pef_fact (pef, "batch_size");
  g_autoptr (SfTiming) timing = sf_timing_new (sf_pef_program (pef), entry, sf_pef_arch (pef),
                                               error);
  if (timing == NULL)
    return false;
  Timed timed = { .program = sf_pef_program (pef),
                  .timing = timing,
                  .entry = entry,
                  .arch = sf_arch_info (sf_pef_arch (pef)),
                  .batch = batch != NULL ? g_ascii_strtoll (batch, NULL, 10) : 0 };
  sum_up (&timed);
  if (json)
    print_json (&timed);
  else
    {
      print_head (&timed);
      print_sections (&timed);
    }
  return true;
}

bool
sf_verb_timing (const SfPef *pef, const char *entry, bool json, GError **error)
{
  const SfProgram *program = sf_pef_program (pef);
  uint32_t only = SF_NONE;
  if (entry != NULL && !sf_program_find_entry (program, entry, &only))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--entry %s: found no such entry in %s, wanted train or eval; name one that it "
                    "has",
                    entry, sf_pef_name (pef));
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    if ((only == SF_NONE || only == e) && !print_entry (pef, e, json, error))
      return false;
  return true;
}

bool
sf_verb_trace (const SfPef *pef, const char *entry, const char *path, GError **error)
{
  SfTraceCount count;
  if (!sf_trace_save (pef, entry, 0, path, &count, error))
    return false;
  if (count.n_left_out > 0)
    fprintf (stderr,
             "%s: %" PRId64 " spans, %" PRId64 " more from the middle of long sections left out\n",
             path, count.n_spans, count.n_left_out);
  return true;
}

uint32_t
sf_timed_entry (const SfProgram *program)
{
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    if (strcmp (sf_entry_name (program, e), "train") == 0)
      return e;
  return 0;
}
