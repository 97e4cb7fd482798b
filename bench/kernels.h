/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of bench/kernels: shapes, and who computes them. */
#ifndef SF_BENCH_KERNELS_H
#define SF_BENCH_KERNELS_H

#include <sf/threads.h>

#include "plugins/backends/rdu/kernels.h"

#define BENCH_MAX_THREADS 64
#define BENCH_MAX_COLUMNS 9

typedef struct
{
  const RduIsa *isa;
  SfThreadPool *pool;
  int n_threads;
  double seconds; /* of a turn */
} Bench;

/* Something that is computed again and again, by all threads. */
typedef struct
{
  void (*run) (void *data); /* NULL: nobody does it */
  void (*free) (void *data);
  void *data; /* owned */
} BenchJob;

/* A shape, and everyone who computes it. */
typedef struct
{
  char name[64];
  double flops; /* of one run */
  BenchJob jobs[BENCH_MAX_COLUMNS];
} BenchRow;

typedef struct
{
  const char *title;
  const char *columns[BENCH_MAX_COLUMNS]; /* those that are wanted; then NULL */
  size_t n_rows;
  void (*make_row) (const Bench *bench, size_t index, SfDtype dtype, BenchRow *row);
} BenchTable;

extern const BenchTable bench_products, bench_convs;

/* ---- kernels_watch.c ---- */

/* Seconds of a run, of a turn of the bench's length. */
double bench_watch (const Bench *bench, const BenchJob *job);
/* The multiply-add units' rate, of bf16 where the instruction set has such products. */
double bench_watch_peak (const Bench *bench, SfDtype dtype);

/* ---- kernels_parts.c ---- */

/* Calls of one kernel, one for each thread. */
typedef struct
{
  const Bench *bench;
  const RduKernel *kernel;
  const int64_t *imm;
  RduView src[BENCH_MAX_THREADS][2], dst[BENCH_MAX_THREADS];
  float *scratch[BENCH_MAX_THREADS]; /* owned */
  float *memory[4]; /* of the operands and of the second one's packed form, owned */
} BenchParts;

/* Over whole operands, the same for all threads; the second one packed, if that is wanted and the
 * kernel can. */
BenchParts *bench_parts_new (const Bench *bench, const RduKernel *kernel, const int64_t *imm,
                             const RduView whole[3], bool packed);
/* Thread i has elements n * i / n_threads .. of a dimension of each operand (-1: all of it), in
 * units of `unit`. */
void bench_parts_share (BenchParts *parts, const int dim[3], int64_t unit);
BenchJob bench_parts_job (BenchParts *parts);
/* A dense view without memory. */
RduView bench_view (SfDtype dtype, int rank, const int64_t *n);

/* ---- kernels_onednn.c ---- */

typedef enum
{
  BENCH_FORWARD,
  BENCH_DX,
  BENCH_DW,
} BenchDirection;

/* y[m, n] = a times b, `batch` times; ta: a is [k, m]; tb: b is [n, k]. */
typedef struct
{
  int64_t batch, m, n, k;
  bool ta, tb;
  const char *note;
} BenchProduct;

typedef struct
{
  int64_t n, c, h, w, o, kernel, stride, pad;
} BenchConv;

/* Its version, or what is missing. */
const char *bench_onednn_about (void);
/* No job where it is missing or has none. Operands as it likes them best. */
BenchJob bench_onednn_product (const Bench *bench, const BenchProduct *product, SfDtype dtype);
BenchJob bench_onednn_conv (const Bench *bench, const BenchConv *conv, BenchDirection direction,
                            SfDtype dtype);

static inline int64_t
bench_conv_out (const BenchConv *conv, int64_t size)
{
  return (size + 2 * conv->pad - conv->kernel) / conv->stride + 1;
}

#endif
