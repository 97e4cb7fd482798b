/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of the losses. */
#include "tests/ops/cases.h"

/* clang-format off */
static const OpCase rows[] = {
  { "ce", "softmax_ce",
    { { CASE_T, "2,3", D (0, 1, 2, 0, 0, 0) }, { CASE_I32, "2", D (2, 0) } },
    .want = { { CASE_WIDE, "", D (0.7531091265562451) } } },
  { "ce_ignored_row", "softmax_ce",
    { { CASE_T, "3,3", D (0, 1, 2, 9, 7, 8, 0, 0, 0) }, { CASE_I32, "3", D (2, -1, 0) } },
    .want = { { CASE_WIDE, "", D (0.7531091265562451) } } },
  { "ce_ignored_class", "softmax_ce",
    { { CASE_T, "3,3", D (0, 1, 2, 9, 7, 8, 0, 0, 0) }, { CASE_I32, "3", D (2, 1, 0) } },
    { AI ("ignore_index", 1) }, .want = { { CASE_WIDE, "", D (0.7531091265562451) } } },
  { "ce_nothing_left", "softmax_ce",
    { { CASE_T, "2,3", D (0, 1, 2, 0, 0, 0) }, { CASE_I32, "2", D (-1, -1) } },
    .want = { { CASE_WIDE, "", D (0) } } },
  { "ce_large", "softmax_ce",
    { { CASE_T, "1,1,2", D (1000, 0) }, { CASE_I32, "1,1", D (1) } },
    .want = { { CASE_WIDE, "", D (1000) } } },
  { "ce_bwd", "softmax_ce_bwd",
    { { CASE_WIDE, "", D (2) }, { CASE_T, "2,4", D (0, 0, 0, 0, 1, 2, 3, 4) },
      { CASE_I32, "2", D (1, -1) } },
    .want = { { CASE_T, "2,4", D (0.5, -1.5, 0.5, 0.5, 0, 0, 0, 0) } } },
  { "ce_bwd_mean", "softmax_ce_bwd",
    { { CASE_WIDE, "", D (2) }, { CASE_T, "2,2", D (0, 0, 5, 5) }, { CASE_I32, "2", D (1, 0) } },
    .want = { { CASE_T, "2,2", D (0.5, -0.5, -0.5, 0.5) } } },
  { "mse", "mse", { { CASE_T, "3", D (1, 2, 3) }, { CASE_T, "3", D (2, 2, 5) } },
    .want = { { CASE_WIDE, "", D (5. / 3) } } },
  { "mse_mixed", "mse", { { CASE_T, "2", D (1, 2) }, { CASE_F32, "2", D (2, 2) } },
    .want = { { CASE_WIDE, "", D (0.5) } } },
};
/* clang-format on */

OP_CASES (loss);
