/* SPDX-License-Identifier: Apache-2.0 */
/* One of the emulator's kernels, its call shared out over threads. */
#include <stdlib.h>
#include <string.h>

#include <sf/rng.h>

#include "bench/kernels.h"

enum
{
  ALIGNMENT = 64,
  ROW_ELEMS = 4096 /* the longest row of any shape here */
};

static float *
allocate (int64_t n_elems)
{
  size_t bytes = ((size_t) n_elems * 4 + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
  float *memory = aligned_alloc (ALIGNMENT, bytes);
  if (memory == NULL)
    g_error ("%zu bytes: no memory", bytes);
  return memset (memory, 0, bytes);
}

/* Small whole numbers: exact in bf16. */
static float *
allocate_filled (const RduView *view)
{
  int64_t n = 1;
  for (int d = 0; d < view->rank; d++)
    n *= view->dim[d];
  float *x = allocate (n);
  SfRng rng = { .seed = 5 };
  for (int64_t i = 0; i < n; i++)
    x[i] = (float) ((int) (sf_rng_uniform (&rng, (uint64_t) i) * 17) - 8);
  return x;
}

RduView
bench_view (SfDtype dtype, int rank, const int64_t *n)
{
  RduView v = { .rank = rank, .dtype = dtype };
  for (int d = rank; d-- > 0;)
    {
      v.n[d] = v.dim[d] = v.valid_hi[d] = n[d];
      v.step[d] = 1;
      v.stride[d] = d + 1 < rank ? v.stride[d + 1] * n[d + 1] : 1;
    }
  return v;
}

/* Element 0 of a box whose first elements are padding lies before its memory. */
static void
place (RduView *view, float *memory)
{
  intptr_t offset = 0;
  for (int d = 0; d < view->rank; d++)
    offset += (intptr_t) (view->lo[d] * view->stride[d]);
  view->data = (void *) ((uintptr_t) memory + (uintptr_t) offset * sizeof (float));
}

/* The whole operand, of which the view may be a box. */
static RduView
whole_of (const RduView *view, float *memory)
{
  RduView whole = *view;
  whole.data = memory;
  for (int d = 0; d < view->rank; d++)
    {
      whole.n[d] = whole.valid_hi[d] = view->dim[d];
      whole.lo[d] = whole.valid_lo[d] = 0;
    }
  return whole;
}

BenchParts *
bench_parts_new (const Bench *bench, const RduKernel *kernel, const int64_t *imm,
                 const RduView whole[3], bool packed)
{
  BenchParts *parts = g_new0 (BenchParts, 1);
  RduView views[3];
  parts->bench = bench;
  parts->kernel = kernel;
  parts->imm = imm;
  for (int o = 0; o < 3; o++)
    {
      views[o] = whole[o];
      parts->memory[o] = allocate_filled (&whole[o]);
      place (&views[o], parts->memory[o]);
    }
  RduView weights = whole_of (&views[1], parts->memory[1]);
  int64_t n_packed = packed && kernel->pack != NULL ? kernel->pack->elems (&weights, 1, imm) : 0;
  if (n_packed > 0)
    {
      parts->memory[3] = allocate (n_packed);
      kernel->pack->pack (&weights, 1, imm, parts->memory[3], 0, 1);
      views[1].packed = parts->memory[3];
    }
  for (int i = 0; i < bench->n_threads; i++)
    {
      parts->src[i][0] = views[0];
      parts->src[i][1] = views[1];
      parts->dst[i] = views[2];
      parts->scratch[i] = allocate (rdu_scratch_elems (ROW_ELEMS));
    }
  return parts;
}

/* Elements `from` .. `to` - 1 of dimension d. */
static void
cut (RduView *view, int d, int64_t from, int64_t to)
{
  view->data = (void *) ((uintptr_t) view->data
                         + (uintptr_t) (from * view->stride[d]) * sizeof (float));
  view->lo[d] += from;
  view->n[d] = to - from;
  view->valid_lo[d] = MAX (view->valid_lo[d] - from, 0);
  view->valid_hi[d] = MIN (view->valid_hi[d], to) - from;
}

void
bench_parts_share (BenchParts *parts, const int dim[3], int64_t unit)
{
  int64_t n = parts->dst[0].n[dim[2]], n_units = (n + unit - 1) / unit;
  int n_threads = parts->bench->n_threads;
  for (int i = 0; i < n_threads; i++)
    {
      int64_t from = MIN (n_units * i / n_threads * unit, n),
              to = MIN (n_units * (i + 1) / n_threads * unit, n);
      for (int s = 0; s < 2; s++)
        if (dim[s] >= 0)
          cut (&parts->src[i][s], dim[s], from, to);
      cut (&parts->dst[i], dim[2], from, to);
    }
}

static void
run_part (void *user_data, int worker, int64_t begin, int64_t end)
{
  BenchParts *parts = user_data;
  for (int64_t i = begin; i < end; i++)
    {
      RduCall call = { .src = { &parts->src[i][0], &parts->src[i][1] },
                       .dst = { &parts->dst[i] },
                       .n_src = 2,
                       .n_dst = 1,
                       .imm = parts->imm,
                       .first = true,
                       .scratch = parts->scratch[worker] };
      parts->kernel->func (&call);
    }
}

static void
run_parts (void *data)
{
  BenchParts *parts = data;
  sf_thread_pool_run (parts->bench->pool, parts->bench->n_threads, 1, run_part, parts);
}

static void
free_parts (void *data)
{
  BenchParts *parts = data;
  for (int i = 0; i < parts->bench->n_threads; i++)
    free (parts->scratch[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (parts->memory); i++)
    free (parts->memory[i]);
  g_free (parts);
}

BenchJob
bench_parts_job (BenchParts *parts)
{
  return (BenchJob){ run_parts, free_parts, parts };
}
