/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of doubles, whatever b is made from. */
#ifndef SF_CPU_GEMM_H
#define SF_CPU_GEMM_H

#include "kernel.h"

#define CPU_GEMM_COLUMNS 8 /* of a panel */

/* Writes rows k_begin .. k_end-1 of columns `column` .. + n - 1 (n <= CPU_GEMM_COLUMNS) of b into
 * `panel`, row by row, CPU_GEMM_COLUMNS apart; what lies beyond n is not read. */
typedef void (*CpuPack) (const void *source, int64_t k_begin, int64_t k_end, int64_t column,
                         int64_t n, double *panel);

/* c [m,n] += a [m,k] b [k,n], a and c row-major and dense. Each sum is taken in order of k, so that
 * neither blocks nor threads nor the instruction set show in it. */
typedef struct
{
  int64_t m, n, k;
  const double *a;
  double *c;
  CpuPack pack;
  const void *source; /* of pack */
} CpuGemm;

void cpu_gemm_packed (CpuWorkers *workers, const CpuGemm *gemm);

/* The same with b in memory: [k,n], or [n,k] when transposed. */
void cpu_gemm (CpuWorkers *workers, int64_t m, int64_t n, int64_t k, const double *a,
               const double *b, bool transposed, double *c);

#endif
