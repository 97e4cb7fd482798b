/* SPDX-License-Identifier: Apache-2.0 */
/* What the host can do at most with one ISA: kernels that do nothing else, and the measurement. */
#ifndef SF_RDU_PEAK_H
#define SF_RDU_PEAK_H

#include <sf/plugin/record.h>
#include <sf/threads.h>

/* Compiled once per ISA, as the tile kernels are. */
typedef struct RduPeakKernels
{
  int64_t fma_flops, dot_flops;             /* of one round */
  void (*fma) (int64_t n_rounds, float *x); /* x: 16 floats that get something of the result */
  void (*dot) (int64_t n_rounds, float *x); /* of bf16 */
  bool (*has_dot) (void);
  void (*read) (const float *from, int64_t n, float *x);
  void (*triad) (float *to, const float *a, const float *b, int64_t n); /* n: multiple of 64 */
} RduPeakKernels;

/* With n_threads of the pool's threads. */
bool rdu_peak_measure (SfThreadPool *pool, int n_threads, const RduPeakKernels *kernels,
                       SfPeak *peak, GError **error);

#endif
