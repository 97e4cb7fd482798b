/* SPDX-License-Identifier: Apache-2.0 */
/* How long a job takes. One thread is timed by its processor time, several by the clock. */
#include <stdlib.h>
#include <time.h>

#include "bench/kernels.h"
#include "plugins/backends/rdu/peak.h"

enum
{
  MAX_SAMPLES = 4096,
  PAUSE_US = 5000, /* that threads of the last job have to fall asleep */
  ROUNDS = 20000
};

static double
now (const Bench *bench)
{
  struct timespec t;
  clock_gettime (bench->n_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* The eighth part of runs was faster. (The very fastest is not to be trusted: virtual machines
 * correct their clocks.) A run too short for the clock is repeated. */
double
bench_watch (const Bench *bench, const BenchJob *job)
{
  double samples[MAX_SAMPLES];
  int64_t repeat = 1, n = 0;
  if (bench->n_threads > 1)
    g_usleep (PAUSE_US);
  job->run (job->data);
  double begin = now (bench), end = begin;
  while ((end - begin < bench->seconds && n < MAX_SAMPLES) || n == 0)
    {
      double from = now (bench);
      for (int64_t i = 0; i < repeat; i++)
        job->run (job->data);
      end = now (bench);
      if (end - from < 20e-6)
        repeat *= 2;
      else
        samples[n++] = (end - from) / (double) repeat;
    }
  qsort (samples, (size_t) n, sizeof samples[0], compare_doubles);
  return samples[n / 8];
}

typedef struct
{
  const Bench *bench;
  void (*rounds) (int64_t n, float *x);
} Units;

static void
run_units_of_thread (void *user_data, int worker, int64_t begin, int64_t end)
{
  float x[16];
  for (int64_t i = begin; i < end; i++)
    ((const Units *) user_data)->rounds (ROUNDS, x);
}

static void
run_units (void *data)
{
  const Units *units = data;
  sf_thread_pool_run (units->bench->pool, units->bench->n_threads, 1, run_units_of_thread, data);
}

double
bench_watch_peak (const Bench *bench, SfDtype dtype)
{
  const RduPeakKernels *kernels = bench->isa->peak;
  bool dot = dtype == SF_BF16 && kernels->has_dot ();
  Units units = { bench, dot ? kernels->dot : kernels->fma };
  double flops = (double) (dot ? kernels->dot_flops : kernels->fma_flops);
  return ROUNDS * bench->n_threads * flops
         / bench_watch (bench, &(BenchJob){ .run = run_units, .data = &units });
}
