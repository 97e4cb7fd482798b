/* SPDX-License-Identifier: Apache-2.0 */
/* Emulated time of an entry: launch after launch, equal sections run once. */
#include <string.h>

#include "core/timing/timing.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* A section with the levels of its tensors, and what a run of it found. */
typedef struct
{
  SfSection *section;
  SfRun run;
  double link_share; /* of the busiest link */
  GMutex mutex;
  bool sorted; /* the links; under the mutex */
} Timed;

typedef struct
{
  SfLaunchTime time;
  uint32_t repeat;
  Timed *timed; /* RDU; borrowed from `known` */
} Launch;

struct SfTiming
{
  int64_t clock_hz;
  int64_t cycles;
  GArray *launches;  /* Launch */
  GHashTable *known; /* GBytes of config and levels -> Timed */
};

static void
timed_free (void *data)
{
  Timed *timed = data;
  sf_section_free (timed->section);
  sf_run_clear (&timed->run);
  g_mutex_clear (&timed->mutex);
  g_free (timed);
}

void
sf_timing_free (SfTiming *timing)
{
  if (timing == NULL)
    return;
  g_array_unref (timing->launches);
  g_hash_table_unref (timing->known);
  g_free (timing);
}

/* ---- sections ---- */

static int
busiest_first (const void *a, const void *b)
{
  const SfLinkTime *x = a, *y = b;
  if (x->share != y->share)
    return x->share > y->share ? -1 : 1;
  const int32_t p[] = { (int32_t) x->network, x->y0, x->x0, x->y1, x->x1 };
  const int32_t q[] = { (int32_t) y->network, y->y0, y->x0, y->y1, y->x1 };
  for (size_t i = 0; i < G_N_ELEMENTS (p); i++)
    if (p[i] != q[i])
      return p[i] < q[i] ? -1 : 1;
  return 0;
}

static Timed *
time_section (const SfProgram *program, uint32_t config, const SfArch *arch, const uint32_t *levels,
              GError **error)
{
  g_autoptr (SfSection) section = sf_section_new (program, config, arch, levels, error);
  SfRun run;
  if (section == NULL || !sf_section_run (section, NULL, NULL, &run, error))
    {
      g_prefix_error (error, "config %u: ", config);
      return NULL;
    }
  Timed *timed = g_new0 (Timed, 1);
  g_mutex_init (&timed->mutex);
  for (guint i = 0; i < section->links->len; i++)
    {
      SfLinkTime *link = &AT (section->links, SfLinkTime, i);
      link->share /= (double) MAX (run.cycles, 1);
      timed->link_share = MAX (timed->link_share, link->share);
    }
  timed->section = g_steal_pointer (&section);
  timed->run = run;
  return timed;
}

/* Links by share; only who asks for them pays for the order. */
static const GArray *
sorted_links (Timed *timed)
{
  g_mutex_lock (&timed->mutex);
  if (!timed->sorted)
    g_array_sort (timed->section->links, busiest_first);
  timed->sorted = true;
  g_mutex_unlock (&timed->mutex);
  return timed->section->links;
}

static Timed *
section_of (SfTiming *timing, const SfProgram *program, const SfLaunch *launch, const SfArch *arch,
            GError **error)
{
  g_autofree uint32_t *key = g_new0 (uint32_t, launch->n_bindings + 1);
  for (size_t i = 0; i < launch->n_bindings; i++)
    key[i] = sf_program_tensor (program, launch->bindings[i].tensor).level;
  key[launch->n_bindings] = launch->config;
  GBytes *bytes = g_bytes_new (key, (launch->n_bindings + 1) * sizeof *key);
  Timed *timed = g_hash_table_lookup (timing->known, bytes);
  if (timed == NULL)
    timed = time_section (program, launch->config, arch, key, error);
  else
    {
      g_bytes_unref (bytes);
      return timed;
    }
  if (timed == NULL)
    g_bytes_unref (bytes);
  else
    g_hash_table_insert (timing->known, bytes, timed);
  return timed;
}

/* ---- launches ---- */

static void
add_shares (SfLaunchTime *time, const Timed *timed, const SfArchInfo *arch, uint32_t repeat)
{
  const SfSection *section = timed->section;
  double cycles = (double) MAX (timed->run.cycles, 1);
  time->stage = timed->run.pace;
  time->bound = timed->run.bound;
  time->memory_bytes = sf_time_mul (section->memory_bytes, repeat);
  time->memory_share = section->memory_cycles / cycles;
  time->pcu_share = (double) section->pcu_cycles / (double) MAX (arch->pcus_per_tile, 1) / cycles;
  int64_t ports = MAX (arch->pmus_per_tile, 1) * (arch->pmu_read_ports + arch->pmu_write_ports);
  time->pmu_share = (double) section->port_vectors / (double) ports / cycles;
  time->link_share = timed->link_share;
}

static bool
time_rdu (SfTiming *timing, const SfProgram *program, const SfLaunch *launch, const SfArch *arch,
          uint32_t *loaded, Launch *out, GError **error)
{
  SfArchInfo info = sf_arch_info (arch);
  out->timed = section_of (timing, program, launch, arch, error);
  if (out->timed == NULL)
    return false;
  out->repeat = launch->repeat;
  out->time.load_cycles = *loaded == launch->config ? 0
                                                    : sf_arch_cycles (arch, info.config_load_ns);
  *loaded = launch->config;
  out->time.cycles = sf_time_mul (out->timed->run.cycles, launch->repeat);
  add_shares (&out->time, out->timed, &info, launch->repeat);
  return true;
}

static void
time_host (const SfProgram *program, const SfLaunch *launch, const SfArch *arch, Launch *out)
{
  SfArchInfo info = sf_arch_info (arch);
  int64_t bytes = 0;
  for (size_t i = 0; i < launch->n_bindings; i++)
    {
      SfProgramTensor t = sf_program_tensor (program, launch->bindings[i].tensor);
      bytes = sf_time_add (
          bytes, sf_time_mul (sf_shape_n_elems (&t.shape), (int64_t) sf_dtype_bytes (t.dtype)));
    }
  __int128 way = ((__int128) bytes * info.clock_hz + info.host_bytes_per_s - 1)
                 / info.host_bytes_per_s;
  out->time.stage = SF_NONE;
  out->time.bound = SF_BOUND_WAIT;
  out->time.cycles = sf_time_add (sf_arch_cycles (arch, info.host_launch_ns),
                                  (int64_t) MIN (way, SF_TIME_LIMIT));
}

static bool
time_launch (SfTiming *timing, const SfProgram *program, uint32_t entry, uint32_t index,
             const SfArch *arch, uint32_t *loaded, GError **error)
{
  SfLaunch launch = sf_entry_launch (program, entry, index);
  Launch out = { .time = { .name = launch.name,
                           .target = launch.target,
                           .phase = launch.phase,
                           .config = launch.config,
                           .start_cycles = timing->cycles } };
  if (launch.target == SF_TARGET_HOST)
    time_host (program, &launch, arch, &out);
  else if (!time_rdu (timing, program, &launch, arch, loaded, &out, error))
    return false;
  g_array_append_val (timing->launches, out);
  timing->cycles = sf_time_add (timing->cycles,
                                sf_time_add (out.time.load_cycles, out.time.cycles));
  if (timing->cycles < SF_TIME_LIMIT)
    return true;
  return sf_fail (error, SF_ERROR_UNSUPPORTED,
                  "timing: entry %s takes more than 2^62 cycles, wanted less; cut the model",
                  sf_entry_name (program, entry));
}

SfTiming *
sf_timing_new (const SfProgram *program, uint32_t entry, const SfArch *arch, GError **error)
{
  SfTiming *timing = g_new0 (SfTiming, 1);
  timing->clock_hz = sf_arch_info (arch).clock_hz;
  timing->launches = g_array_new (FALSE, TRUE, sizeof (Launch));
  timing->known = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                         (GDestroyNotify) g_bytes_unref, timed_free);
  uint32_t loaded = SF_NONE;
  size_t n = sf_entry_n_launches (program, entry);
  for (uint32_t l = 0; l < n; l++)
    if (!time_launch (timing, program, entry, l, arch, &loaded, error))
      {
        sf_timing_free (timing);
        return NULL;
      }
  return timing;
}

int64_t
sf_timing_section_cycles (const SfProgram *program, uint32_t config, const SfArch *arch,
                          const uint32_t *levels, GError **error)
{
  g_autoptr (SfSection) section = sf_section_new (program, config, arch, levels, error);
  SfRun run;
  if (section == NULL || !sf_section_run (section, NULL, NULL, &run, error))
    {
      g_prefix_error (error, "config %u: ", config);
      return -1;
    }
  int64_t cycles = run.cycles;
  sf_run_clear (&run);
  return cycles;
}

/* ---- reading ---- */

int64_t
sf_timing_cycles (const SfTiming *timing)
{
  return timing->cycles;
}

double
sf_timing_seconds (const SfTiming *timing)
{
  return (double) timing->cycles / (double) timing->clock_hz;
}

size_t
sf_timing_n_launches (const SfTiming *timing)
{
  return timing->launches->len;
}

SfLaunchTime
sf_timing_launch (const SfTiming *timing, size_t launch)
{
  return AT (timing->launches, Launch, launch).time;
}

SfStageTime
sf_timing_stage (const SfTiming *timing, size_t launch, uint32_t stage)
{
  const Timed *timed = AT (timing->launches, Launch, launch).timed;
  if (timed == NULL || stage >= timed->section->n_stages)
    return (SfStageTime){ 0 };
  return timed->run.stages[stage];
}

size_t
sf_timing_n_links (const SfTiming *timing, size_t launch)
{
  const Timed *timed = AT (timing->launches, Launch, launch).timed;
  return timed == NULL ? 0 : timed->section->links->len;
}

SfLinkTime
sf_timing_link (const SfTiming *timing, size_t launch, size_t index)
{
  return AT (sorted_links (AT (timing->launches, Launch, launch).timed), SfLinkTime, index);
}

/* ---- spans ---- */

static void
record_step (void *user_data, const SfAgent *agent, int64_t index, int64_t start, int64_t cycles)
{
  SfSpan span = { .kind = agent->is_stream ? SF_SPAN_STREAM : SF_SPAN_STAGE,
                  .owner = agent->index,
                  .index = index,
                  .start_cycles = start,
                  .cycles = cycles };
  g_array_append_val (user_data, span);
}

static int
earlier_first (const void *a, const void *b)
{
  const SfSpan *x = a, *y = b;
  if (x->start_cycles != y->start_cycles)
    return x->start_cycles < y->start_cycles ? -1 : 1;
  if (x->kind != y->kind)
    return x->kind < y->kind ? -1 : 1;
  if (x->owner != y->owner)
    return x->owner < y->owner ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* The spans of one run of a section, from its start. */
static GArray *
spans_of (const Timed *timed)
{
  GArray *spans = g_array_new (FALSE, TRUE, sizeof (SfSpan));
  SfRun run;
  /* It has run once: it cannot fail. */
  if (sf_section_run (timed->section, record_step, spans, &run, NULL))
    sf_run_clear (&run);
  g_array_sort (spans, earlier_first);
  return spans;
}

static void
emit_launch (const Launch *launch, uint32_t index, size_t max_spans, SfSpanFunc func,
             void *user_data)
{
  SfSpan span = { .launch = index, .start_cycles = launch->time.start_cycles };
  if (launch->timed == NULL)
    {
      span.kind = SF_SPAN_HOST;
      span.cycles = launch->time.cycles;
      func (user_data, &span);
      return;
    }
  if (launch->time.load_cycles > 0)
    {
      span.kind = SF_SPAN_LOAD;
      span.cycles = launch->time.load_cycles;
      func (user_data, &span);
    }
  g_autoptr (GArray) spans = spans_of (launch->timed);
  size_t n = spans->len, all = n * launch->repeat;
  size_t head = max_spans == 0 || all <= max_spans ? all : (max_spans + 1) / 2;
  for (size_t i = 0; i < all; i++)
    {
      if (i == head)
        i = all - (max_spans - head);
      if (i >= all)
        break;
      span = AT (spans, SfSpan, i % n);
      span.launch = index;
      span.start_cycles += launch->time.start_cycles + launch->time.load_cycles
                           + (int64_t) (i / n) * launch->timed->run.cycles;
      func (user_data, &span);
    }
}

void
sf_timing_spans (const SfTiming *timing, size_t max_spans, SfSpanFunc func, void *user_data)
{
  for (uint32_t l = 0; l < timing->launches->len; l++)
    emit_launch (&AT (timing->launches, Launch, l), l, max_spans, func, user_data);
}
