/* SPDX-License-Identifier: Apache-2.0 */
/* The roofs of the host: short rounds, of which the fastest counts, since whatever else the host
 * does can only slow them down. */
#include "plugins/backends/rdu/peak.h"

#include <sf/checked.h>

#include "plugins/backends/rdu/probe.h"

enum
{
  MIN_ROUNDS = 5,
  BUDGET_NS = 10000000,    /* of one figure; */
  PATIENCE_NS = 100000000, /* longer, where threads do not get their processors */
  PAUSE_US = 100,
  FLOP_ROUNDS = 50000,
  MAX_CACHES = 8,
  CACHE_PASS_BYTES = 8 << 20 /* read in one round, as often as it takes */
};

#define MAX_BYTES ((int64_t) 512 << 20)

typedef enum
{
  RUN_FMA,
  RUN_DOT,
  RUN_READ,
  RUN_TRIAD,
} Kind;

/* One round; each thread has a slice of the memory. */
typedef struct
{
  const RduPeakKernels *kernels;
  Kind kind;
  float *memory;
  int64_t slice, passes; /* elements of a thread; how often it goes through them */
  gint n_own;            /* slices that the thread took to which they belong */
} Round;

static void
run_slice (const Round *round, int64_t index)
{
  float x[16];
  float *from = round->memory + index * round->slice;
  int64_t third = round->slice / 3 / 64 * 64;
  switch (round->kind)
    {
    case RUN_FMA:
      round->kernels->fma (FLOP_ROUNDS, x);
      break;
    case RUN_DOT:
      round->kernels->dot (FLOP_ROUNDS, x);
      break;
    case RUN_READ:
      for (int64_t i = 0; i < round->passes; i++)
        round->kernels->read (from, round->slice, x);
      break;
    case RUN_TRIAD:
      for (int64_t i = 0; i < round->passes; i++)
        round->kernels->triad (from, from + third, from + 2 * third, third);
      break;
    }
  /* Nobody wants x, but the compiler must not know. */
  __asm__ volatile("" : : "r"(x) : "memory");
}

static void
run_slices (void *user_data, int worker, int64_t begin, int64_t end)
{
  Round *round = user_data;
  if (worker == begin)
    g_atomic_int_inc (&round->n_own);
  for (int64_t i = begin; i < end; i++)
    run_slice (round, i);
}

/* Seconds of the fastest round in which all threads took part. Where others have the processors
 * that may take a while; a caller that sleeps makes the system look for better places. */
static double
fastest (SfThreadPool *pool, int n_threads, Round *round)
{
  int64_t best = INT64_MAX, start = rdu_probe_clock (), now = start;
  for (int n = 0; n < MIN_ROUNDS || now - start < BUDGET_NS;)
    {
      int64_t begin = rdu_probe_clock ();
      round->n_own = 0;
      sf_thread_pool_run (pool, n_threads, 1, run_slices, round);
      now = rdu_probe_clock ();
      bool whole = round->n_own == n_threads;
      n += whole;
      if (whole || best == INT64_MAX)
        best = MIN (best, now - begin);
      if (!whole && now - start > PATIENCE_NS)
        break;
      if (!whole)
        g_usleep (PAUSE_US);
    }
  return (double) MAX (best, 1) * 1e-9;
}

/* What the system says of a cache of the first processor; NULL: nothing. Owned. */
static char *
cache_text (int index, const char *what)
{
  g_autofree char *path = g_strdup_printf ("/sys/devices/system/cpu/cpu0/cache/index%d/%s", index,
                                           what);
  char *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

/* Bytes of the first processor's data cache of a level; 0: it does not say, or has none. */
static int64_t
cache_bytes (int64_t level)
{
  for (int i = 0; i < MAX_CACHES; i++)
    {
      g_autofree char *kind = cache_text (i, "type");
      g_autofree char *of_level = cache_text (i, "level");
      g_autofree char *kib = cache_text (i, "size");
      if (kind == NULL || of_level == NULL || kib == NULL)
        return 0;
      if (!g_str_has_prefix (kind, "Instruction") && g_ascii_strtoll (of_level, NULL, 10) == level)
        return g_ascii_strtoll (kib, NULL, 10) * 1024;
    }
  return 0;
}

/* Rates over `bytes` of data that are spread over the threads. */
static SfPeakLevel
measure_level (SfThreadPool *pool, int n_threads, const RduPeakKernels *kernels, float *memory,
               const char *name, int64_t holds, int64_t bytes)
{
  int64_t slice = bytes / n_threads / 4 / 256 * 256;
  Round round = { .kernels = kernels,
                  .kind = RUN_READ,
                  .memory = memory,
                  .slice = slice,
                  .passes = MAX (CACHE_PASS_BYTES / (slice * 4), 1) };
  double all = (double) (n_threads * round.passes * 4);
  double read = all * (double) slice / fastest (pool, n_threads, &round);
  round.kind = RUN_TRIAD;
  double triad = all * (double) (slice / 3 / 64 * 64 * 3) / fastest (pool, n_threads, &round);
  return (SfPeakLevel){ .name = name, .bytes = holds, .read = read, .triad = triad };
}

bool
rdu_peak_measure (SfThreadPool *pool, int n_threads, const RduPeakKernels *kernels, SfPeak *peak,
                  GError **error)
{
  int64_t l2 = cache_bytes (2) * n_threads, l3 = cache_bytes (3);
  int64_t largest = CLAMP (2 * MAX (l2, l3), (int64_t) 64 << 20, MAX_BYTES);
  float *memory = sf_aligned_alloc ((size_t) largest / 4, 4, "memory to measure", error);
  if (memory == NULL)
    return false;
  Round round = { .kernels = kernels, .kind = RUN_FMA, .memory = memory };
  double flops = (double) FLOP_ROUNDS * n_threads;
  *peak = (SfPeak){ .elem_bytes = 4 };
  peak->f32_flops = flops * (double) kernels->fma_flops / fastest (pool, n_threads, &round);
  round.kind = RUN_DOT;
  if (kernels->has_dot ())
    peak->bf16_flops = flops * (double) kernels->dot_flops / fastest (pool, n_threads, &round);
  if (l2 > 0)
    peak->level[peak->n_levels++] = measure_level (pool, n_threads, kernels, memory, "L2", l2,
                                                   l2 / 2);
  if (l3 > l2)
    peak->level[peak->n_levels++] = measure_level (pool, n_threads, kernels, memory, "L3", l3,
                                                   MIN ((l2 + l3) / 2, largest));
  peak->level[peak->n_levels++] = measure_level (pool, n_threads, kernels, memory, "memory",
                                                 INT64_MAX, largest);
  sf_aligned_free (memory);
  return true;
}
