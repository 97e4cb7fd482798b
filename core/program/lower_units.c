/* SPDX-License-Identifier: Apache-2.0 */
/* Units of a section: PCUs and PMUs go to whatever holds it back, as T0 sees it, until nothing more
 * helps or the tile is full (water-filling). */
#include <string.h>

#include "core/program/estimate.h"
#include "core/program/lower.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* A round that gains less than one part in so many is taken back. */
#define LEAST_GAIN 64
/* A stage that gains nothing by what it is given so many times in turn gets no more: two things may
 * hold it back alike. */
#define TRIES 3
/* Units grow by one part in so many at a time, so that a wide stage gets there soon. */
#define GROWTH 8

typedef struct
{
  SfProgram *program;
  uint32_t config, n_stages, n_buffers;
  const SfConfigStore *store;
  const SfArch *arch;
  SfArchInfo info;
  SfStageWork *work; /* per stage */
  int64_t *busy;     /* per stage: cycles of all its iterations */
  int *useless;      /* per stage: how often in turn it did not gain by what it was given */
  bool *stuck;       /* per stage: nothing left makes it faster */
  uint32_t *heap;    /* stages that are not stuck, the busiest on top */
  uint32_t *place;   /* per stage: where it is in the heap; SF_NONE */
  uint32_t n_heap;
  uint32_t *touch_first; /* stages that touch buffer b: touching[touch_first[b] .. [b + 1]) */
  uint32_t *touching;
  int64_t *least; /* per buffer: PMUs that its tokens need */
  int64_t pmu_bytes;
  int64_t pcus, pmus; /* left to give */
  int64_t *crowd;     /* of sf_estimate_crowds */
} Sharing;

/* ---- what there is ---- */

static const SfStage *
stage_at (const Sharing *s, uint32_t stage)
{
  return &AT (s->store->stages, SfStage, stage);
}

static const SfBuffer *
buffer_at (const Sharing *s, uint32_t buffer)
{
  return &AT (s->store->buffers, SfBuffer, buffer);
}

static void
set_pcus (Sharing *s, uint32_t stage, int64_t n)
{
  sf_config_set_stage (s->program, s->config, stage, n, 0, 0);
}

static void
set_pmus (Sharing *s, uint32_t buffer, int64_t n)
{
  sf_config_set_buffer (s->program, s->config, buffer, buffer_at (s, buffer)->depth, n);
}

static SfStagePace
pace_of (const Sharing *s, uint32_t stage)
{
  SfStagePlan plan = { &s->info, s->store->buffers, s->crowd, MAX (stage_at (s, stage)->n_pcus, 1),
                       0 };
  return sf_stage_pace (&s->work[stage], &plan);
}

static int64_t
busy_of (const Sharing *s, uint32_t stage)
{
  SfStagePace pace = pace_of (s, stage);
  return MAX (s->work[stage].iterations - 1, 0) * pace.cycles + pace.last_cycles;
}

static void
index_touching (Sharing *s)
{
  s->touch_first = g_new0 (uint32_t, s->n_buffers + 2);
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->n_stages; i++)
    for (guint k = 0; k < s->work[i].flows->len; k++, n++)
      s->touch_first[AT (s->work[i].flows, SfWorkFlow, k).buffer + 2]++;
  for (uint32_t b = 1; b < s->n_buffers; b++)
    s->touch_first[b + 1] += s->touch_first[b];
  s->touching = g_new (uint32_t, n + 1);
  for (uint32_t i = 0; i < s->n_stages; i++)
    for (guint k = 0; k < s->work[i].flows->len; k++)
      s->touching[s->touch_first[AT (s->work[i].flows, SfWorkFlow, k).buffer + 1]++] = i;
}

/* ---- the heap ---- */

static bool
busier (const Sharing *s, uint32_t a, uint32_t b)
{
  return s->busy[a] > s->busy[b] || (s->busy[a] == s->busy[b] && a < b);
}

static void
put (Sharing *s, uint32_t at, uint32_t stage)
{
  s->heap[at] = stage;
  s->place[stage] = at;
}

static void
sift_up (Sharing *s, uint32_t at)
{
  uint32_t stage = s->heap[at];
  for (; at > 0 && busier (s, stage, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
    put (s, at, s->heap[(at - 1) / 2]);
  put (s, at, stage);
}

static void
sift_down (Sharing *s, uint32_t at)
{
  uint32_t stage = s->heap[at];
  for (uint32_t down = 2 * at + 1; down < s->n_heap; down = 2 * at + 1)
    {
      if (down + 1 < s->n_heap && busier (s, s->heap[down + 1], s->heap[down]))
        down++;
      if (!busier (s, s->heap[down], stage))
        break;
      put (s, at, s->heap[down]);
      at = down;
    }
  put (s, at, stage);
}

static void
drop_top (Sharing *s)
{
  s->place[s->heap[0]] = SF_NONE;
  uint32_t last = s->heap[--s->n_heap];
  if (s->n_heap > 0)
    {
      put (s, 0, last);
      sift_down (s, 0);
    }
}

static void
refresh (Sharing *s, uint32_t stage)
{
  s->busy[stage] = busy_of (s, stage);
  if (s->place[stage] == SF_NONE)
    return;
  sift_up (s, s->place[stage]);
  sift_down (s, s->place[stage]);
}

static void
rebuild (Sharing *s)
{
  s->n_heap = 0;
  for (uint32_t i = 0; i < s->n_stages; i++)
    {
      s->place[i] = SF_NONE;
      s->busy[i] = busy_of (s, i);
      if (s->stuck[i])
        continue;
      put (s, s->n_heap++, i);
      sift_up (s, s->n_heap - 1);
    }
}

/* ---- giving ---- */

/* The next number of PCUs on which some instruction has less to do. */
static int64_t
next_pcus (const Sharing *s, uint32_t stage)
{
  int64_t n = stage_at (s, stage)->n_pcus, next = INT64_MAX;
  const SfStageWork *work = &s->work[stage];
  for (guint i = 0; i < work->pieces->len; i++)
    {
      int64_t each = sf_div_up (AT (work->pieces, SfWorkPiece, i).blocks, n);
      if (each > 1)
        next = MIN (next, sf_div_up (AT (work->pieces, SfWorkPiece, i).blocks, each - 1));
    }
  return next == INT64_MAX ? next : MIN (MAX (next, n + n / GROWTH), work->widest);
}

static bool
give_pcus (Sharing *s, uint32_t stage, int64_t n)
{
  int64_t more = n - stage_at (s, stage)->n_pcus;
  if (n == INT64_MAX || more > s->pcus)
    return false;
  s->pcus -= more;
  set_pcus (s, stage, n);
  refresh (s, stage);
  return true;
}

static bool
give_pmus (Sharing *s, uint32_t buffer, int64_t n)
{
  int64_t more = n - buffer_at (s, buffer)->n_pmus;
  if (more > s->pmus)
    return false;
  s->pmus -= more;
  set_pmus (s, buffer, n);
  for (uint32_t i = s->touch_first[buffer]; i < s->touch_first[buffer + 1]; i++)
    refresh (s, s->touching[i]);
  return true;
}

/* Widens the way between a stage and a buffer. Fewer sources than sinks become more; of more, which
 * share sinks, the sinks do, until each has one less to take from; as many of either grow together.
 */
static bool
widen (Sharing *s, uint32_t stage, uint32_t buffer, bool out)
{
  int64_t n = buffer_at (s, buffer)->n_pmus, p = stage_at (s, stage)->n_pcus;
  int64_t sources = out ? p : n, sinks = out ? n : p;
  int64_t more = sources + MAX (sources / GROWTH, 1);
  if (sources > sinks)
    sinks = sf_div_up (sources, sf_div_up (sources, sinks) - 1);
  else if (sources < sinks)
    sources = MIN (more, sinks);
  else
    sources = sinks = more;
  int64_t pmus = out ? sinks : sources, pcus = out ? sources : sinks;
  if (pmus - n > s->pmus || pcus - p > s->pcus)
    return false;
  return (pmus == n || give_pmus (s, buffer, pmus)) && (pcus == p || give_pcus (s, stage, pcus));
}

/* Gives the stage what it lacks most; false: there is nothing, or it was of no use before. */
static bool
give (Sharing *s, uint32_t stage)
{
  SfStagePace pace = pace_of (s, stage);
  int64_t most = MAX (MAX (pace.compute_cycles, pace.read_cycles), pace.write_cycles);
  int64_t before = s->busy[stage];
  bool reads = pace.read_cycles == most, given;
  if (s->useless[stage] >= TRIES)
    return false;
  if (pace.compute_cycles == most)
    given = give_pcus (s, stage, next_pcus (s, stage));
  else
    given = widen (s, stage, reads ? pace.read_buffer : pace.write_buffer, !reads);
  s->useless[stage] = s->busy[stage] < before ? 0 : s->useless[stage] + 1;
  return given;
}

/* Until no stage that can be helped is busier than `target`; whether anything was given. */
static bool
fill_to (Sharing *s, int64_t target, bool stop_at_stuck)
{
  bool given = false;
  while (s->n_heap > 0 && s->busy[s->heap[0]] > target)
    {
      uint32_t stage = s->heap[0];
      if (give (s, stage))
        {
          given = true;
          continue;
        }
      s->stuck[stage] = true;
      drop_top (s);
      if (stop_at_stuck)
        break;
    }
  return given;
}

/* ---- taking back ---- */

/* Least number in `least` .. `n` for which no stage of `stages` gets slower. */
static void
trim_stage (Sharing *s, uint32_t stage)
{
  int64_t lo = 1, hi = stage_at (s, stage)->n_pcus, busy = s->busy[stage];
  while (lo < hi)
    {
      set_pcus (s, stage, (lo + hi) / 2);
      if (busy_of (s, stage) <= busy)
        hi = (lo + hi) / 2;
      else
        lo = (lo + hi) / 2 + 1;
    }
  set_pcus (s, stage, lo);
}

static bool
slows (const Sharing *s, uint32_t buffer)
{
  for (uint32_t i = s->touch_first[buffer]; i < s->touch_first[buffer + 1]; i++)
    if (busy_of (s, s->touching[i]) > s->busy[s->touching[i]])
      return true;
  return false;
}

static void
trim_buffer (Sharing *s, uint32_t buffer)
{
  int64_t lo = s->least[buffer], hi = buffer_at (s, buffer)->n_pmus;
  while (lo < hi)
    {
      set_pmus (s, buffer, (lo + hi) / 2);
      if (!slows (s, buffer))
        hi = (lo + hi) / 2;
      else
        lo = (lo + hi) / 2 + 1;
    }
  set_pmus (s, buffer, lo);
}

static void
trim (Sharing *s)
{
  for (uint32_t i = 0; i < s->n_stages; i++)
    s->busy[i] = busy_of (s, i);
  for (uint32_t i = 0; i < s->n_stages; i++)
    trim_stage (s, i);
  for (uint32_t b = 0; b < s->n_buffers; b++)
    trim_buffer (s, b);
}

/* ---- rounds ---- */

static void
keep (const Sharing *s, int64_t *units)
{
  for (uint32_t i = 0; i < s->n_stages; i++)
    units[i] = stage_at (s, i)->n_pcus;
  for (uint32_t b = 0; b < s->n_buffers; b++)
    units[s->n_stages + b] = buffer_at (s, b)->n_pmus;
}

static void
restore (Sharing *s, const int64_t *units)
{
  for (uint32_t i = 0; i < s->n_stages; i++)
    set_pcus (s, i, units[i]);
  for (uint32_t b = 0; b < s->n_buffers; b++)
    set_pmus (s, b, units[s->n_stages + b]);
}

/* What the section takes at least whatever the stages do: memory, the longest stream. */
static int64_t
floor_of (const Sharing *s)
{
  int64_t all = 0, longest = 0;
  for (guint i = 0; i < s->store->streams->len; i++)
    {
      const SfBuffer *b = buffer_at (s, AT (s->store->streams, SfStream, i).buffer);
      int64_t bytes = sf_shape_n_elems (&b->shape) * (int64_t) sf_dtype_bytes (b->dtype);
      all += bytes;
      longest = MAX (longest, bytes / s->info.vector_bytes);
    }
  __int128 memory = (__int128) all * s->info.clock_hz
                    / sf_arch_memory_level (s->arch, 0).bytes_per_s;
  return MAX (longest, (int64_t) memory);
}

/* First as fast as memory lets the stages be useful, then beyond, as long as the whole gains:
 * pipelines fill sooner, and what runs one after the other does not overlap. */
static SfSectionEstimate
share_out (Sharing *s)
{
  g_autofree int64_t *units = g_new (int64_t, s->n_stages + s->n_buffers + 1);
  rebuild (s);
  int64_t floor = floor_of (s);
  fill_to (s, floor, true);
  SfSectionEstimate best = sf_estimate_section_of (s->store, s->work, s->arch, NULL);
  while (s->n_heap > 0 && s->busy[s->heap[0]] > best.cycles / LEAST_GAIN
         && floor < best.cycles - best.cycles / LEAST_GAIN)
    {
      keep (s, units);
      if (!fill_to (s, s->busy[s->heap[0]] / 4, false))
        continue;
      SfSectionEstimate next = sf_estimate_section_of (s->store, s->work, s->arch, NULL);
      if (next.cycles > best.cycles - best.cycles / LEAST_GAIN)
        {
          restore (s, units);
          break;
        }
      best = next;
    }
  trim (s);
  return best;
}

static void
sharing_init (Sharing *s, SfProgram *program, uint32_t config, const SfArch *arch)
{
  const SfConfigStore *store = sf_program_config (program, config);
  uint32_t n = store->stages->len, n_buffers = store->buffers->len;
  *s = (Sharing){ .program = program,
                  .config = config,
                  .n_stages = n,
                  .n_buffers = n_buffers,
                  .store = store,
                  .arch = arch,
                  .info = sf_arch_info (arch),
                  .work = sf_stage_works_new (program, config, arch),
                  .busy = g_new0 (int64_t, n + 1),
                  .stuck = g_new0 (bool, n + 1),
                  .useless = g_new0 (int, n + 1),
                  .heap = g_new (uint32_t, n + 1),
                  .place = g_new (uint32_t, n + 1),
                  .least = g_new (int64_t, n_buffers + 1) };
  index_touching (s);
}

static void
sharing_clear (Sharing *s)
{
  sf_stage_works_free (s->work, s->n_stages);
  g_free (s->busy);
  g_free (s->stuck);
  g_free (s->useless);
  g_free (s->heap);
  g_free (s->place);
  g_free (s->touch_first);
  g_free (s->touching);
  g_free (s->least);
  g_free (s->crowd);
}

/* ---- depth ---- */

static int64_t
pmus_for (const Sharing *s, uint32_t buffer, int64_t depth)
{
  const SfBuffer *b = buffer_at (s, buffer);
  int64_t bytes = depth * b->token_elems * (int64_t) sf_dtype_bytes (b->dtype);
  return MAX (sf_div_up (bytes, s->pmu_bytes), 1);
}

/* Back to one PCU a stage, and for each buffer the PMUs that its depth needs. */
static void
begin_sharing (Sharing *s, int64_t pcus, int64_t pmus)
{
  s->pcus = pcus - s->n_stages;
  s->pmus = pmus;
  for (uint32_t i = 0; i < s->n_stages; i++)
    {
      set_pcus (s, i, 1);
      s->stuck[i] = false;
      s->useless[i] = 0;
    }
  for (uint32_t b = 0; b < s->n_buffers; b++)
    {
      s->least[b] = pmus_for (s, b, buffer_at (s, b)->depth);
      set_pmus (s, b, s->least[b]);
      s->pmus -= s->least[b];
    }
  g_free (s->crowd);
  s->crowd = sf_estimate_crowds (s->store, s->work);
}

/* What `pmus` PMUs hold of the buffer, at most `wanted` tokens. */
static int64_t
depth_within (const Sharing *s, uint32_t buffer, int64_t pmus, int64_t wanted)
{
  const SfBuffer *b = buffer_at (s, buffer);
  int64_t bytes = b->token_elems * (int64_t) sf_dtype_bytes (b->dtype);
  return CLAMP (pmus * s->pmu_bytes / MAX (bytes, 1), b->depth, MAX (wanted, b->depth));
}

/* Lets buffers hold more where the way past them is long: those that cost fewest PMUs before
 * others, and of the rest what their PMUs hold anyway. False: none holds more. */
static bool
deepen (Sharing *s, int64_t pmus)
{
  g_autofree int64_t *depth = g_new (int64_t, s->n_buffers + 1);
  g_autofree bool *given = g_new0 (bool, s->n_buffers + 1);
  bool deeper = false;
  for (uint32_t b = 0; b < s->n_buffers; b++)
    {
      depth[b] = buffer_at (s, b)->depth;
      pmus -= pmus_for (s, b, depth[b]);
    }
  sf_estimate_depths (s->store, s->work, s->arch, depth);
  for (uint32_t i = 0; i < s->n_buffers; i++)
    {
      uint32_t best = SF_NONE;
      int64_t least = INT64_MAX;
      for (uint32_t b = 0; b < s->n_buffers; b++)
        {
          int64_t now = pmus_for (s, b, buffer_at (s, b)->depth);
          if (given[b] || pmus_for (s, b, depth[b]) - now >= least)
            continue;
          best = b;
          least = pmus_for (s, b, depth[b]) - now;
        }
      int64_t now = pmus_for (s, best, buffer_at (s, best)->depth);
      given[best] = true;
      least = CLAMP (least, 0, MAX (pmus, 0));
      pmus -= least;
      depth[best] = depth_within (s, best, now + least, depth[best]);
      deeper = deeper || depth[best] > buffer_at (s, best)->depth;
    }
  for (uint32_t b = 0; deeper && b < s->n_buffers; b++)
    sf_config_set_buffer (s->program, s->config, b, depth[b], 1);
  return deeper;
}

static SfSectionEstimate
share_deeper (Sharing *s, int64_t pcus, int64_t pmus, SfSectionEstimate best)
{
  g_autofree int64_t *units = g_new (int64_t, s->n_stages + s->n_buffers + 1);
  g_autofree int64_t *depth = g_new (int64_t, s->n_buffers + 1);
  keep (s, units);
  for (uint32_t b = 0; b < s->n_buffers; b++)
    depth[b] = buffer_at (s, b)->depth;
  if (!deepen (s, pmus))
    return best;
  begin_sharing (s, pcus, pmus);
  SfSectionEstimate deeper = share_out (s);
  if (deeper.cycles <= best.cycles - best.cycles / LEAST_GAIN)
    return deeper;
  for (uint32_t b = 0; b < s->n_buffers; b++)
    sf_config_set_buffer (s->program, s->config, b, depth[b], 1);
  restore (s, units);
  return best;
}

SfSectionEstimate
sf_low_share_units (SfProgram *program, uint32_t config, const SfArch *arch,
                    const SfLowerLimits *limits)
{
  Sharing s;
  int64_t pcus = limits->pcus * limits->fill / 100, pmus = limits->pmus * limits->fill / 100;
  sharing_init (&s, program, config, arch);
  s.pmu_bytes = limits->pmu_bytes;
  begin_sharing (&s, pcus, pmus);
  SfSectionEstimate estimate = share_out (&s);
  if (limits->deepen)
    estimate = share_deeper (&s, pcus, pmus, estimate);
  int64_t units = sf_estimate_units (s.store);
  for (uint32_t i = 0; i < s.n_stages; i++)
    {
      SfStagePace pace = pace_of (&s, i);
      SfStagePlan plan = { &s.info, s.store->buffers, s.crowd, MAX (stage_at (&s, i)->n_pcus, 1),
                           units };
      int64_t interval = MAX (MAX (pace.compute_cycles, pace.read_cycles), pace.write_cycles);
      sf_config_set_stage (program, config, i, plan.n_pcus, interval,
                           sf_estimate_latency (&s.work[i], &plan));
    }
  sharing_clear (&s);
  return estimate;
}
