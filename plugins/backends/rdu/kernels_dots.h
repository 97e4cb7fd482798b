/* SPDX-License-Identifier: Apache-2.0 */
/* Products of few columns, x w^T, as dot products: a vector of columns would be mostly empty. */
#ifndef SF_RDU_KERNELS_DOTS_H
#define SF_RDU_KERNELS_DOTS_H

#include "plugins/backends/rdu/kernels.h"

#ifdef RDU_ISA
/* The kernel for a gemm of these whole shapes; NULL: chains in order of depth are faster. */
const RduKernel *RDU_SYMBOL (rdu_dots_choose) (const RduCall *whole);
#endif

#endif
