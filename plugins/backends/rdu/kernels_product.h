/* SPDX-License-Identifier: Apache-2.0 */
/* One matrix product over operands of any strides: c[i][j] (+)= sum over k of a[i][k] b[k][j]. */
#ifndef SF_RDU_KERNELS_PRODUCT_H
#define SF_RDU_KERNELS_PRODUCT_H

#include "plugins/backends/rdu/kernels.h"

typedef struct
{
  int64_t m, n, k;
  const float *a, *b;
  int64_t a_row, a_depth;    /* strides of i and k */
  int64_t b_depth, b_column; /* of k and j */
  float *c;
  int64_t c_row, c_column; /* of i and j */
  bool first;              /* c is not read */
  /* The right operand as panels (kernels_panel.h) of a matrix of `packed_k` by `packed_n`, of which
   * b begins at depth `k0`, column `n0`; NULL: b is read from its memory. */
  const float *packed;
  int64_t packed_k, packed_n, k0, n0;
} RduProduct;

#define RDU_PRODUCT_SCRATCH (512 * 64 + 96 * 64) /* floats */

#ifdef RDU_ISA
void RDU_SYMBOL (rdu_product) (const RduProduct *product, float *scratch);
#endif

#endif
