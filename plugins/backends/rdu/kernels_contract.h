/* SPDX-License-Identifier: Apache-2.0 */
/* The one contraction: c[i][j] (+)= sum over k of a[i][k] b[k][j], over operands that their owners
 * pack. */
#ifndef SF_RDU_KERNELS_CONTRACT_H
#define SF_RDU_KERNELS_CONTRACT_H

#include "plugins/backends/rdu/kernels.h"

/* Register block: RDU_MR rows by RDU_NR columns of sums, in vectors of RDU_VL floats. */
#if defined(__AVX512F__)
#define RDU_VL 16
#define RDU_MR 12
#elif defined(__AVX2__)
#define RDU_VL 8
#define RDU_MR 6
#else
#define RDU_VL 4
#define RDU_MR 4
#endif
#define RDU_NR (2 * RDU_VL)

typedef struct
{
  int64_t m, n, k;
  const void *operands;
  /* Panels of RDU_MR rows, k by k: to[(panel * kn + k) * RDU_MR + row]; missing rows are zeros.
   * `tables`: RDU_TABLE_ELEMS of scratch. */
  void (*pack_a) (const void *operands, int64_t i0, int64_t in, int64_t k0, int64_t kn, float *to,
                  int64_t *tables);
  /* Panels of RDU_NR columns, k by k; missing columns are zeros. */
  void (*pack_b) (const void *operands, int64_t k0, int64_t kn, int64_t j0, int64_t jn, float *to,
                  int64_t *tables);
  /* Offsets of the columns j0 .. in c; NULL: column j is at j. */
  void (*columns) (const void *operands, int64_t j0, int64_t jn, int64_t *offset);
  float *c;
  int64_t c_row; /* stride of i */
  bool first;    /* c is not read */
} RduContraction;

#define RDU_TABLE_ELEMS (3 * (RDU_BLOCK_COLUMNS + RDU_BLOCK_DEPTH))

#ifdef RDU_ISA
void RDU_SYMBOL (rdu_contract) (const RduContraction *job, float *scratch);
#endif

#endif
