/* SPDX-License-Identifier: Apache-2.0 */
/* The cost model: cycles of a firing from the figures of the machine, in integers. */
#include "core/program/lower.h"

int64_t
sf_cost_interval (const SfArchInfo *arch, int64_t flops, bool matrix, bool f32, int64_t n_pcus)
{
  /* The systolic array does a multiply and an add per lane and stage; the SIMD pipeline a result
   * per lane. */
  int64_t rate = arch->pcu_lanes * (matrix ? 2 * arch->pcu_stages : 1);
  int64_t slow = matrix && f32 ? arch->matrix_cycles[SF_WIDTH_32] : 1;
  rate = MAX (rate, 1) * MAX (n_pcus, 1);
  return MAX ((flops * slow + rate - 1) / rate, 1);
}
