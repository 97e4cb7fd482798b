/* SPDX-License-Identifier: Apache-2.0 */
/* GFLOP/s of the emulator's matrix products, by shape, against what the processor's multiply-add
 * units did in the same run: `kernels [threads [seconds for each figure]]`; SF_ISA chooses the
 * instruction set. One thread is timed by its processor time, several by the clock; the fastest of
 * many counts. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sf/rng.h>
#include <sf/threads.h>

#include "bench/kernels_peer.h"
#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/peak.h"

#define MAX_THREADS 64
#define ALIGNMENT   64

static const BenchProduct products[] = {
  { "256 x 256 x 256", 1, 256, 256, 256, false, true },
  { "512 x 512 x 512", 1, 512, 512, 512, false, true },
  { "1024 x 1024 x 1024", 1, 1024, 1024, 1024, false, true },
  { "64 x 512 x 784, x w^T", 1, 64, 512, 784, false, true },
  { "64 x 784 x 512, dy w", 1, 64, 784, 512, false, false },
  { "512 x 784 x 64, dy^T x", 1, 512, 784, 64, true, false },
  { "256 x 512 x 784, x w^T", 1, 256, 512, 784, false, true },
  { "256 x 784 x 512, dy w", 1, 256, 784, 512, false, false },
  { "512 x 784 x 256, dy^T x", 1, 512, 784, 256, true, false },
  { "64 x 10 x 512, logits", 1, 64, 10, 512, false, true },
  { "64 x 512 x 10, logits back", 1, 64, 512, 10, false, false },
  { "10 x 512 x 64, logits dw", 1, 10, 512, 64, true, false },
  { "1 x 512 x 784, x w^T", 1, 1, 512, 784, false, true },
  { "1 x 784 x 512, dy w", 1, 1, 784, 512, false, false },
  { "4 x 512 x 784, x w^T", 1, 4, 512, 784, false, true },
  { "1 x 10 x 784, x w^T", 1, 1, 10, 784, false, true },
  { "128 x 64 x 128, batch 32", 32, 128, 64, 128, false, false },
  { "128 x 128 x 64 q k^T, b. 32", 32, 128, 128, 64, false, true },
  { "128 x 64 x 128 p^T dy, b. 32", 32, 128, 64, 128, true, false },
};

/* One product, and each thread's part of it. */
typedef struct
{
  const RduKernel *kernel;
  float *scratch[MAX_THREADS];
  RduView src[MAX_THREADS][2], dst[MAX_THREADS];
  int64_t imm[2];
} Work;

typedef struct
{
  const RduIsa *isa;
  SfThreadPool *pool;
  int n_threads;
  double seconds;
  double peak[2]; /* f32, bf16 */
} Bench;

static void *
allocate (int64_t n_elems)
{
  size_t bytes = ((size_t) n_elems * 4 + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
  void *memory = aligned_alloc (ALIGNMENT, bytes);
  if (memory == NULL)
    g_error ("%zu bytes: no memory", bytes);
  return memset (memory, 0, bytes);
}

static double
now (const Bench *bench)
{
  struct timespec t;
  clock_gettime (bench->n_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
run_part (void *user_data, int worker, int64_t begin, int64_t end)
{
  Work *work = user_data;
  for (int64_t i = begin; i < end; i++)
    {
      RduCall call = { .src = { &work->src[i][0], &work->src[i][1] },
                       .dst = { &work->dst[i] },
                       .n_src = 2,
                       .n_dst = 1,
                       .imm = work->imm,
                       .first = true,
                       .scratch = work->scratch[worker] };
      work->kernel->func (&call);
    }
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Seconds of a call: the eighth part of calls was faster. (The very fastest is not to be trusted:
 * virtual machines correct their clocks.) A call too short for the clock is repeated. */
static double
fastest (const Bench *bench, SfThreadFunc run, void *work)
{
  enum
  {
    MAX_SAMPLES = 4096
  };
  double samples[MAX_SAMPLES], begin = now (bench), end = begin;
  int64_t repeat = 1, n = 0;
  while ((end - begin < bench->seconds && n < MAX_SAMPLES) || n == 0)
    {
      double from = end = now (bench);
      for (int64_t i = 0; i < repeat; i++)
        sf_thread_pool_run (bench->pool, bench->n_threads, 1, run, work);
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
  void (*rounds) (int64_t n, float *x);
} Rounds;

static void
run_rounds (void *user_data, int worker, int64_t begin, int64_t end)
{
  float x[16];
  for (int64_t i = begin; i < end; i++)
    ((const Rounds *) user_data)->rounds (20000, x);
}

/* The units' peak, measured again with each row. */
static void
measure_peak (Bench *bench)
{
  const RduPeakKernels *kernels = bench->isa->peak;
  Rounds fma = { kernels->fma }, dot = { kernels->dot };
  double per_round = 20000.0 * bench->n_threads;
  bench->peak[0] = per_round * (double) kernels->fma_flops / fastest (bench, run_rounds, &fma);
  if (kernels->has_dot ())
    bench->peak[1] = per_round * (double) kernels->dot_flops / fastest (bench, run_rounds, &dot);
}

/* Elements `from` .. `to` - 1 of dimension d. */
static void
cut (RduView *view, int d, int64_t from, int64_t to)
{
  view->data = (float *) view->data + from * view->stride[d];
  view->lo[d] += from;
  view->n[d] = to - from;
}

static RduView
whole_view (float *memory, SfDtype dtype, int64_t batch, int64_t rows, int64_t columns)
{
  int64_t n[] = { batch, rows, columns };
  RduView v = { .data = memory,
                .rank = 3,
                .dtype = dtype,
                .stride = { rows * columns, columns, 1 },
                .step = { 1, 1, 1 } };
  for (int d = 0; d < 3; d++)
    v.n[d] = v.dim[d] = v.valid_hi[d] = n[d];
  return v;
}

/* Matrices, or rows, or columns are shared out, as there are enough of them. */
static void
share_out (const BenchProduct *p, int n_threads, Work *work)
{
  RduView a = work->src[0][0], b = work->src[0][1], y = work->dst[0];
  for (int i = 0; i < n_threads; i++)
    {
      work->src[i][0] = a;
      work->src[i][1] = b;
      work->dst[i] = y;
      int64_t unit = p->batch > 1 || p->m >= 16 * n_threads ? 1 : 64;
      int64_t n = p->batch > 1 ? p->batch : p->m >= 16 * n_threads ? p->m : (p->n + 63) / 64;
      int64_t from = n * i / n_threads * unit, to = n * (i + 1) / n_threads * unit;
      if (p->batch > 1)
        {
          cut (&work->src[i][0], 0, from, to);
          cut (&work->src[i][1], 0, from, to);
          cut (&work->dst[i], 0, from, to);
        }
      else if (unit == 1)
        {
          cut (&work->src[i][0], p->ta ? 2 : 1, from, to);
          cut (&work->dst[i], 1, from, to);
        }
      else
        {
          cut (&work->src[i][1], p->tb ? 1 : 2, MIN (from, p->n), MIN (to, p->n));
          cut (&work->dst[i], 2, MIN (from, p->n), MIN (to, p->n));
        }
    }
}

/* Small whole numbers: exact in bf16. */
static void
fill (float *x, int64_t n)
{
  SfRng rng = { .seed = 5 };
  for (int64_t i = 0; i < n; i++)
    x[i] = (float) ((int) (sf_rng_uniform (&rng, (uint64_t) i) * 17) - 8);
}

static void
print_rate (const Bench *bench, const BenchProduct *p, SfDtype dtype, double seconds)
{
  double flops = 2.0 * (double) (p->batch * p->m * p->n * p->k) / seconds;
  double peak = bench->peak[dtype == SF_BF16 && bench->peak[1] > 0];
  printf ("  %7.1f %5.1f %%", flops * 1e-9, 100 * flops / peak);
}

static void
measure (Bench *bench, const BenchProduct *p, SfDtype dtype)
{
  float *a = allocate (p->batch * p->m * p->k), *b = allocate (p->batch * p->k * p->n),
        *y = allocate (p->batch * p->m * p->n), *packed = NULL;
  fill (a, p->batch * p->m * p->k);
  fill (b, p->batch * p->k * p->n);
  Work work = { .kernel = rdu_isa_find (bench->isa, "gemm", 1), .imm = { p->ta, p->tb } };
  work.src[0][0] = whole_view (a, dtype, p->batch, p->ta ? p->k : p->m, p->ta ? p->m : p->k);
  work.src[0][1] = whole_view (b, dtype, p->batch, p->tb ? p->n : p->k, p->tb ? p->k : p->n);
  work.dst[0] = whole_view (y, SF_F32, p->batch, p->m, p->n);
  for (int i = 0; i < bench->n_threads; i++)
    work.scratch[i] = allocate (rdu_scratch_elems (4096));
  RduView whole_b = work.src[0][1];
  share_out (p, bench->n_threads, &work);
  measure_peak (bench);
  printf ("%-4s  %-28s", sf_dtype_name (dtype), p->name);
  const RduPack *pack = work.kernel->pack;
  double lies = fastest (bench, run_part, &work);
  packed = allocate (pack->elems (&whole_b, 1, work.imm));
  pack->pack (&whole_b, 1, work.imm, packed, 0, 1);
  for (int i = 0; i < bench->n_threads; i++)
    work.src[i][1].packed = packed;
  print_rate (bench, p, dtype, fastest (bench, run_part, &work));
  print_rate (bench, p, dtype, lies);
  printf ("\n");
  for (int i = 0; i < bench->n_threads; i++)
    free (work.scratch[i]);
  free (packed);
  free (y);
  free (b);
  free (a);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Bench bench = { .n_threads = argc > 1 ? atoi (argv[1]) : 1,
                  .seconds = argc > 2 ? g_ascii_strtod (argv[2], NULL) : 0.1 };
  bench.n_threads = CLAMP (bench.n_threads, 1, MAX_THREADS);
  bench.isa = rdu_isa_choose (&error);
  bench.pool = bench.isa != NULL ? sf_thread_pool_new (bench.n_threads, &error) : NULL;
  if (bench.pool == NULL)
    {
      fprintf (stderr, "kernels: %s\n", error->message);
      return 1;
    }
  measure_peak (&bench);
  printf ("%s, threads %d: f32 peak %.1f GFLOP/s, bf16 peak %.1f\n", bench.isa->name,
          bench.n_threads, bench.peak[0] * 1e-9, bench.peak[1] * 1e-9);
  printf ("%-34s  %15s  %15s\n", "GFLOP/s and share of the peak", "packed", "as it lies");
  for (int d = 0; d < 2; d++)
    for (size_t i = 0; i < G_N_ELEMENTS (products); i++)
      measure (&bench, &products[i], d == 0 ? SF_F32 : SF_BF16);
  sf_thread_pool_free (bench.pool);
  return 0;
}
