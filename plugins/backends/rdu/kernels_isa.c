/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel tables of one ISA. */
#include "plugins/backends/rdu/kernels.h"

#define STRING_(x) #x
#define STRING(x)  STRING_ (x)

static const RduKernel *const tables[] = {
  RDU_SYMBOL (rdu_map_kernels),
  RDU_SYMBOL (rdu_binary_kernels),
  RDU_SYMBOL (rdu_gemm_kernels),
  RDU_SYMBOL (rdu_conv_kernels),
  RDU_SYMBOL (rdu_pool_kernels),
  RDU_SYMBOL (rdu_reduce_kernels),
  RDU_SYMBOL (rdu_row_kernels),
  RDU_SYMBOL (rdu_softmax_kernels),
  RDU_SYMBOL (rdu_move_kernels),
  RDU_SYMBOL (rdu_index_kernels),
  NULL,
};

const RduIsa RDU_SYMBOL (rdu_isa) = { .name = STRING (RDU_ISA),
                                      .tables = tables,
                                      .round = RDU_SYMBOL (rdu_round),
                                      .fused_run = RDU_SYMBOL (rdu_fused_run),
                                      .step_forms = RDU_SYMBOL (rdu_step_forms),
                                      .peak = &RDU_SYMBOL (rdu_peak_kernels) };
