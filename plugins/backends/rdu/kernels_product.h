/* SPDX-License-Identifier: Apache-2.0 */
/* One matrix product over operands of any strides: c[i][j] (+)= sum over k of a[i][k] b[k][j]. */
#ifndef SF_RDU_KERNELS_PRODUCT_H
#define SF_RDU_KERNELS_PRODUCT_H

#include "plugins/backends/rdu/kernels.h"

/* What is worked on at a time, at most: steps of the depth (single, or in pairs), and rows. */
#define RDU_PRODUCT_DEPTH 512
#define RDU_PRODUCT_ROWS  192

typedef struct
{
  int64_t m, n, k;
  const float *a, *b;
  int64_t a_row, a_depth;    /* strides of i and k */
  int64_t b_depth, b_column; /* of k and j */
  float *c;
  int64_t c_row, c_column; /* of i and j */
  bool first;              /* c is not read */
  bool pairs;              /* a and b hold what bf16 can, and are multiplied as such */
  /* The right operand as panels (kernels_panel.h, of pairs if they are wanted) of a matrix of
   * `packed_k` steps by `packed_n` columns, of which b begins at step `k0` and column `n0`; NULL: b
   * is read from its memory. */
  const float *packed;
  int64_t packed_k, packed_n, k0, n0;
} RduProduct;

/* Floats: a panel, left operands in pairs, and results on their way. */
#define RDU_PRODUCT_SCRATCH \
  (RDU_PRODUCT_DEPTH * 64 + RDU_PRODUCT_DEPTH * RDU_PRODUCT_ROWS + RDU_PRODUCT_ROWS * 64)

#ifdef RDU_ISA
void RDU_SYMBOL (rdu_product) (const RduProduct *product, float *scratch);
#endif

#endif
