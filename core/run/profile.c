/* SPDX-License-Identifier: Apache-2.0 */
/* From records of workers to seconds of stages. */
#include <sf/profile.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sf/checked.h>

#include "core/run/profile.h"
#include "core/run/session.h"
#include "core/run/work.h"

enum
{
  WARM_UP_STEPS = 3,
  MIN_STEPS = 5,
  MAX_STEPS = 10000,
  BUDGET_NS = 500000000,
  FIRST_CAPACITY = 1 << 12, /* records of a worker in a step; grows */
  LAST_CAPACITY = 1 << 22,
  KEPT_RECORDS = 1 << 20 /* for a timeline */
};

/* What a step's time is divided among: a slot for each stage of each launch and each launch on the
 * host, then one for each kind of what belongs to no stage, then the time in which nobody works. */
typedef struct
{
  double seconds, busy;
  double calls;
} Slot;

/* A moment at which a worker begins or ends something. */
typedef struct
{
  int64_t at_ns;
  uint32_t slot;
  SfRecordKind kind;
  int change; /* of the number of workers at work on it: 1, -1 */
} Event;

struct SfProfile
{
  SfSession *session;
  const SfProgram *program;
  uint32_t entry;
  uint32_t *first_slot; /* per launch, and one more */
  uint32_t n_slots;     /* in all */
  SfRecorder recorder;
  GArray *events;  /* of the step in work */
  GArray *slots;   /* n_slots for each step */
  GArray *kinds;   /* SF_N_RECORDS doubles for each step */
  GArray *seconds; /* of each step */
  GArray *begins;  /* ns */
  GArray *records; /* SfProfileRecord */
  int64_t n_left_out;
  SfStageProfile *stages;
  size_t n_stages;
  SfProfileTotals totals;
};

static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- slots ---- */

static uint32_t
stage_slots (const SfProfile *profile)
{
  return profile->first_slot[sf_entry_n_launches (profile->program, profile->entry)];
}

static uint32_t
idle_slot (const SfProfile *profile)
{
  return profile->n_slots - 1;
}

static void
number_slots (SfProfile *profile)
{
  size_t n = sf_entry_n_launches (profile->program, profile->entry);
  profile->first_slot = g_new0 (uint32_t, n + 1);
  for (uint32_t l = 0; l < n; l++)
    {
      SfLaunch launch = sf_entry_launch (profile->program, profile->entry, l);
      size_t own = launch.target == SF_TARGET_HOST
                       ? 1
                       : sf_config_n_stages (profile->program, launch.config);
      profile->first_slot[l + 1] = profile->first_slot[l] + (uint32_t) own;
    }
  profile->n_slots = stage_slots (profile) + SF_N_RECORDS + 1;
}

static uint32_t
slot_of (const SfProfile *profile, const SfRecord *record)
{
  if (record->kind == SF_RECORD_HOST)
    return profile->first_slot[record->launch];
  if (record->launch != SF_NONE && record->stage != SF_NONE)
    return profile->first_slot[record->launch] + record->stage;
  return stage_slots (profile) + (uint32_t) record->kind;
}

/* ---- a step ---- */

static int
earlier_first (const void *a, const void *b)
{
  const Event *x = a, *y = b;
  if (x->at_ns != y->at_ns)
    return x->at_ns < y->at_ns ? -1 : 1;
  return x->change - y->change; /* a worker ends one thing before it begins the next */
}

/* Counts the pieces, and lists when they begin and end: those at least that took any time. */
static void
collect_events (SfProfile *profile, Slot *slots, int64_t begin, int64_t end)
{
  g_array_set_size (profile->events, 0);
  for (uint32_t w = 0; w < profile->recorder.n_lanes; w++)
    {
      const SfRecordLane *lane = &profile->recorder.lanes[w];
      for (size_t i = 0; i < lane->n; i++)
        {
          const SfRecord *r = &lane->records[i];
          Event from = { CLAMP (r->begin_ns, begin, end), slot_of (profile, r), r->kind, 1 };
          Event to = { CLAMP (r->end_ns, begin, end), from.slot, r->kind, -1 };
          slots[from.slot].calls++;
          if (from.at_ns >= to.at_ns)
            continue;
          g_array_append_val (profile->events, from);
          g_array_append_val (profile->events, to);
        }
    }
  g_array_sort (profile->events, earlier_first);
}

/* Gives the time between two moments to those who are at work, or to nobody. */
static void
share_out (SfProfile *profile, Slot *slots, double *kinds, const uint32_t *active,
           const SfRecordKind *kind, size_t n, double seconds)
{
  if (n == 0)
    slots[idle_slot (profile)].seconds += seconds;
  for (size_t i = 0; i < n; i++)
    {
      slots[active[i]].seconds += seconds / (double) n;
      slots[active[i]].busy += seconds;
      kinds[kind[i]] += seconds / (double) n;
    }
}

/* Divides the step from begin to end among the slots. */
static void
divide_step (SfProfile *profile, int64_t begin, int64_t end)
{
  size_t n_lanes = profile->recorder.n_lanes, n = 0;
  g_autofree uint32_t *active = g_new (uint32_t, n_lanes + 1);
  g_autofree SfRecordKind *kind = g_new (SfRecordKind, n_lanes + 1);
  double kinds[SF_N_RECORDS] = { 0 }, seconds = (double) (end - begin) * 1e-9;
  guint first = profile->slots->len;
  g_array_set_size (profile->slots, first + profile->n_slots);
  Slot *slots = &g_array_index (profile->slots, Slot, first);
  memset (slots, 0, profile->n_slots * sizeof *slots);
  collect_events (profile, slots, begin, end);
  for (guint i = 0; i < profile->events->len; i++)
    {
      const Event *event = &g_array_index (profile->events, Event, i);
      share_out (profile, slots, kinds, active, kind, n, (double) (event->at_ns - begin) * 1e-9);
      begin = event->at_ns;
      size_t at = n;
      if (event->change > 0)
        n++;
      else
        for (at = 0, n--; active[at] != event->slot || kind[at] != event->kind;)
          at++;
      active[at] = event->change > 0 ? event->slot : active[n];
      kind[at] = event->change > 0 ? event->kind : kind[n];
    }
  share_out (profile, slots, kinds, active, kind, n, (double) (end - begin) * 1e-9);
  g_array_append_vals (profile->kinds, kinds, SF_N_RECORDS);
  g_array_append_val (profile->seconds, seconds);
}

static void
keep_records (SfProfile *profile)
{
  size_t n = 0;
  for (size_t w = 0; w < profile->recorder.n_lanes; w++)
    n += profile->recorder.lanes[w].n;
  if (profile->n_left_out > 0
      || (profile->records->len > 0 && profile->records->len + n > KEPT_RECORDS))
    {
      profile->n_left_out += (int64_t) n;
      return;
    }
  for (uint32_t w = 0; w < profile->recorder.n_lanes; w++)
    for (size_t i = 0; i < profile->recorder.lanes[w].n; i++)
      {
        SfProfileRecord record = { w, profile->seconds->len,
                                   profile->recorder.lanes[w].records[i] };
        g_array_append_val (profile->records, record);
      }
}

/* ---- steps ---- */

static void
free_lanes (SfRecorder *recorder)
{
  for (size_t w = 0; recorder->lanes != NULL && w < recorder->n_lanes; w++)
    sf_aligned_free (recorder->lanes[w].records);
  sf_aligned_free (recorder->lanes);
  recorder->lanes = NULL;
}

/* Lanes for `capacity` records each, given to the backend. */
static bool
make_lanes (SfProfile *profile, size_t capacity, GError **error)
{
  SfRecorder *recorder = &profile->recorder;
  if (!sf_session_record (profile->session, NULL, error))
    return false;
  free_lanes (recorder);
  recorder->n_lanes = (size_t) sf_session_n_threads (profile->session);
  recorder->capacity = capacity;
  recorder->lanes = sf_aligned_alloc (recorder->n_lanes, sizeof *recorder->lanes, "records", error);
  for (size_t w = 0; recorder->lanes != NULL && w < recorder->n_lanes; w++)
    {
      recorder->lanes[w].records = sf_aligned_alloc (capacity, sizeof (SfRecord), "records", error);
      if (recorder->lanes[w].records == NULL)
        return false;
    }
  return recorder->lanes != NULL && sf_session_record (profile->session, recorder, error);
}

/* Makes room when the last step did not fit; *fits: it did. */
static bool
make_room (SfProfile *profile, bool *fits, GError **error)
{
  size_t most = 0;
  for (size_t w = 0; w < profile->recorder.n_lanes; w++)
    most = MAX (most, profile->recorder.lanes[w].n);
  *fits = most <= profile->recorder.capacity;
  if (*fits)
    return true;
  if (most > LAST_CAPACITY)
    return sf_fail (error, SF_ERROR_NO_RESOURCE,
                    "profile: %zu firings of a worker in a step, wanted at most %d; profile a "
                    "smaller batch",
                    most, LAST_CAPACITY);
  return make_lanes (profile, 2 * most, error);
}

/* One step, measured; what did not fit into the records is not counted. */
static bool
run_step (SfProfile *profile, const SfTensor *inputs, int64_t number, GError **error)
{
  const char *entry = profile->totals.entry;
  unsigned phases = strcmp (entry, "train") == 0 ? SF_PHASES_ALL : 1u << SF_PHASE_FWD;
  const SfHyper hyper = { .step = number, .lr = 0 };
  bool fits;
  for (size_t w = 0; w < profile->recorder.n_lanes; w++)
    profile->recorder.lanes[w].n = 0;
  int64_t begin = now_ns ();
  if (!sf_session_step (profile->session, entry, phases, inputs, NULL, &hyper, error))
    return false;
  int64_t end = now_ns ();
  if (!make_room (profile, &fits, error))
    return false;
  if (!fits || number <= WARM_UP_STEPS)
    return true;
  keep_records (profile);
  g_array_append_val (profile->begins, begin);
  divide_step (profile, begin, end);
  return true;
}

static bool
run_steps (SfProfile *profile, const SfTensor *inputs, int64_t n_steps, GError **error)
{
  int64_t begin = now_ns (), number = 1;
  int64_t most = n_steps > 0 ? n_steps : MAX_STEPS;
  while ((int64_t) profile->seconds->len < most)
    {
      if (n_steps == 0 && profile->seconds->len >= MIN_STEPS && now_ns () - begin > BUDGET_NS)
        break;
      if (!run_step (profile, inputs, number++, error))
        return false;
    }
  return true;
}

/* ---- the result ---- */

static void
keep_greatest (SfPeak *peak, const SfPeak *other)
{
  peak->elem_bytes = other->elem_bytes;
  peak->f32_flops = MAX (peak->f32_flops, other->f32_flops);
  peak->bf16_flops = MAX (peak->bf16_flops, other->bf16_flops);
  peak->n_levels = other->n_levels;
  for (size_t l = 0; l < other->n_levels; l++)
    {
      double read = peak->level[l].read, triad = peak->level[l].triad;
      peak->level[l] = other->level[l];
      peak->level[l].read = MAX (read, other->level[l].read);
      peak->level[l].triad = MAX (triad, other->level[l].triad);
    }
}

/* Of one thread and of all; the greatest of what has been measured so far. */
static bool
measure_peaks (SfProfile *profile, GError **error)
{
  SfPeak peak;
  int n_threads = profile->totals.n_threads;
  if (!sf_session_peak (profile->session, 1, &peak, error))
    return false;
  keep_greatest (&profile->totals.one, &peak);
  keep_greatest (&profile->totals.all, &peak);
  if (n_threads > 1 && !sf_session_peak (profile->session, n_threads, &peak, error))
    return false;
  keep_greatest (&profile->totals.all, &peak);
  return true;
}

typedef struct
{
  double seconds;
  guint index;
} Timed;

static int
faster_first (const void *a, const void *b)
{
  double x = ((const Timed *) a)->seconds, y = ((const Timed *) b)->seconds;
  return x < y ? -1 : x > y;
}

/* Means over the faster half of the steps; returned per slot, owned. */
static Slot *
mean_slots (SfProfile *profile)
{
  SfProfileTotals *totals = &profile->totals;
  guint n = profile->seconds->len;
  g_autofree Timed *steps = g_new (Timed, n);
  Slot *mean = g_new0 (Slot, profile->n_slots);
  for (guint i = 0; i < n; i++)
    steps[i] = (Timed){ g_array_index (profile->seconds, double, i), i };
  qsort (steps, n, sizeof *steps, faster_first);
  totals->n_steps = n;
  totals->n_counted = (n + 1) / 2;
  double all = (double) totals->n_counted;
  for (int64_t i = 0; i < totals->n_counted; i++)
    {
      const Slot *slots = &g_array_index (profile->slots, Slot, steps[i].index * profile->n_slots);
      const double *kinds = &g_array_index (profile->kinds, double, steps[i].index *SF_N_RECORDS);
      totals->seconds += steps[i].seconds / all;
      for (uint32_t s = 0; s < profile->n_slots; s++)
        {
          mean[s].seconds += slots[s].seconds / all;
          mean[s].busy += slots[s].busy / all;
          mean[s].calls += slots[s].calls;
        }
      for (int k = 0; k < SF_N_RECORDS; k++)
        totals->kind_seconds[k] += kinds[k] / all;
    }
  totals->between_seconds = mean[idle_slot (profile)].seconds;
  return mean;
}

static void
describe_stage (const SfProfile *profile, const SfLaunch *launch, SfStageProfile *stage)
{
  const char *name = sf_launch_stage_name (profile->program, profile->entry, stage->launch,
                                           stage->stage);
  SfStageWork work = { 0 };
  if (stage->calls > 0)
    work = sf_stage_work (profile->program, launch->config, stage->stage,
                          profile->totals.all.elem_bytes);
  const char *flops_limit, *bytes_limit;
  double flops = sf_peak_flops_seconds (&profile->totals.all, &work, &flops_limit),
         bytes = sf_peak_bytes_seconds (&profile->totals.all, &work, &bytes_limit);
  stage->name = name != NULL && *name != '\0'
                    ? name
                    : sf_config_stage (profile->program, launch->config, stage->stage).name;
  stage->flops = work.flops * launch->repeat;
  stage->bytes = work.bytes * launch->repeat;
  stage->roof = flops >= bytes ? SF_ROOF_FLOPS : SF_ROOF_BYTES;
  stage->limit = flops >= bytes ? flops_limit : bytes_limit;
  stage->fraction = stage->seconds > 0 ? MAX (flops, bytes) * launch->repeat / stage->seconds : 0;
}

static int
longest_first (const void *a, const void *b)
{
  const SfStageProfile *x = a, *y = b;
  if (x->seconds != y->seconds)
    return x->seconds > y->seconds ? -1 : 1;
  return x->launch != y->launch ? (x->launch > y->launch) - (x->launch < y->launch)
                                : (x->stage > y->stage) - (x->stage < y->stage);
}

static void
sum_up (SfProfile *profile)
{
  SfProfileTotals *totals = &profile->totals;
  g_autofree Slot *mean = mean_slots (profile);
  size_t n = sf_entry_n_launches (profile->program, profile->entry);
  profile->stages = g_new0 (SfStageProfile, stage_slots (profile) + 1);
  for (uint32_t l = 0; l < n; l++)
    {
      SfLaunch launch = sf_entry_launch (profile->program, profile->entry, l);
      bool host = launch.target == SF_TARGET_HOST;
      totals->n_host += host;
      totals->n_launches += !host;
      for (uint32_t s = profile->first_slot[l]; s < profile->first_slot[l + 1]; s++)
        {
          SfStageProfile *stage = &profile->stages[profile->n_stages++];
          *stage = (SfStageProfile){ .name = launch.name,
                                     .target = launch.target,
                                     .phase = launch.phase,
                                     .launch = l,
                                     .stage = host ? SF_NONE : s - profile->first_slot[l],
                                     .seconds = mean[s].seconds,
                                     .share = mean[s].seconds / totals->seconds,
                                     .calls = mean[s].calls / (double) totals->n_counted,
                                     .workers = mean[s].busy / MAX (mean[s].seconds, 1e-12),
                                     .limit = "" };
          if (!host)
            describe_stage (profile, &launch, stage);
          totals->phase_seconds[launch.phase] += stage->seconds;
          totals->flops += stage->flops;
        }
    }
  qsort (profile->stages, profile->n_stages, sizeof *profile->stages, longest_first);
}

SfProfile *
sf_profile_new (SfSession *session, const char *entry, const SfTensor *inputs, int64_t n_steps,
                GError **error)
{
  g_autoptr (SfProfile) profile = g_new0 (SfProfile, 1);
  profile->session = session;
  profile->program = sf_pef_program (sf_session_pef (session));
  profile->events = g_array_new (FALSE, FALSE, sizeof (Event));
  profile->slots = g_array_new (FALSE, FALSE, sizeof (Slot));
  profile->kinds = g_array_new (FALSE, FALSE, sizeof (double));
  profile->seconds = g_array_new (FALSE, FALSE, sizeof (double));
  profile->begins = g_array_new (FALSE, FALSE, sizeof (int64_t));
  profile->records = g_array_new (FALSE, FALSE, sizeof (SfProfileRecord));
  if (!sf_program_find_entry (profile->program, entry, &profile->entry))
    {
      sf_fail (error, SF_ERROR_NOT_FOUND, "%s: has no entry \"%s\"; its entries are train and eval",
               sf_pef_name (sf_session_pef (session)), entry);
      return NULL;
    }
  profile->totals.entry = sf_entry_name (profile->program, profile->entry);
  profile->totals.backend = sf_session_backend (session);
  profile->totals.n_threads = sf_session_n_threads (session);
  number_slots (profile);
  bool ok = make_lanes (profile, FIRST_CAPACITY, error) && measure_peaks (profile, error)
            && run_steps (profile, inputs, CLAMP (n_steps, 0, MAX_STEPS), error)
            && measure_peaks (profile, error);
  sf_session_record (session, NULL, NULL);
  free_lanes (&profile->recorder);
  if (!ok)
    return NULL;
  sum_up (profile);
  return g_steal_pointer (&profile);
}

void
sf_profile_free (SfProfile *profile)
{
  if (profile == NULL)
    return;
  g_array_unref (profile->events);
  g_array_unref (profile->slots);
  g_array_unref (profile->kinds);
  g_array_unref (profile->seconds);
  g_array_unref (profile->begins);
  g_array_unref (profile->records);
  g_free (profile->first_slot);
  g_free (profile->stages);
  g_free (profile);
}

SfProfileTotals
sf_profile_totals (const SfProfile *profile)
{
  return profile->totals;
}

size_t
sf_profile_n_stages (const SfProfile *profile)
{
  return profile->n_stages;
}

SfStageProfile
sf_profile_stage (const SfProfile *profile, size_t index)
{
  return profile->stages[index];
}

const GArray *
sf_profile_records (const SfProfile *profile)
{
  return profile->records;
}

void
sf_profile_step (const SfProfile *profile, uint32_t step, int64_t *begin_ns, int64_t *end_ns)
{
  *begin_ns = g_array_index (profile->begins, int64_t, step);
  *end_ns = *begin_ns + (int64_t) (g_array_index (profile->seconds, double, step) * 1e9);
}

int64_t
sf_profile_n_left_out (const SfProfile *profile)
{
  return profile->n_left_out;
}

const SfProgram *
sf_profile_program (const SfProfile *profile)
{
  return profile->program;
}

uint32_t
sf_profile_entry (const SfProfile *profile)
{
  return profile->entry;
}
