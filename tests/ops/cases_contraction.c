/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of matmul, det, linear and attention. */
#include "tests/ops/cases.h"

#define A2                        \
  {                               \
    CASE_T, "2,2", D (1, 2, 3, 4) \
  }
#define B2                        \
  {                               \
    CASE_T, "2,2", D (5, 6, 7, 8) \
  }
#define LN3 1.0986122886681098

/* clang-format off */
static const OpCase rows[] = {
  { "matmul", "matmul", { A2, B2 }, .want = { { CASE_T, "2,2", D (19, 22, 43, 50) } },
    .dtypes = "fiu" },
  { "matmul_ta", "matmul", { A2, B2 }, { AB ("transpose_a", true) },
    .want = { { CASE_T, "2,2", D (26, 30, 38, 44) } }, .dtypes = "fiu" },
  { "matmul_tb", "matmul", { A2, B2 }, { AB ("transpose_b", true) },
    .want = { { CASE_T, "2,2", D (17, 23, 39, 53) } }, .dtypes = "fiu" },
  { "matmul_shared", "matmul",
    { { CASE_T, "2,1,2", D (1, 2, 3, 4) }, { CASE_T, "2,1", D (1, 10) } },
    .want = { { CASE_T, "2,1,1", D (21, 43) } }, .dtypes = "fiu" },
  { "matmul_outer", "matmul",
    { { CASE_T, "2,1,1,1", D (1, 2) }, { CASE_T, "3,1,1", D (1, 10, 100) } },
    .want = { { CASE_T, "2,3,1,1", D (1, 10, 100, 2, 20, 200) } } },
  { "matmul_of_nothing", "matmul", { { CASE_T, "2,0", EMPTY }, { CASE_T, "0,2", EMPTY } },
    .want = { { CASE_T, "2,2", D (0, 0, 0, 0) } }, .dtypes = "fiu" },

  { "det", "det", { A2 }, .want = { { CASE_T, "", D (-2) } } },
  { "det_batch", "det", { { CASE_T, "3,1,2,2", D (2, 0, 0, 3, 0, 1, 1, 0, 1, 2, 2, 4) } },
    .want = { { CASE_T, "3,1", D (6, -1, 0) } } },
  { "det_pivots", "det", { { CASE_T, "3,3", D (0, 2, 1, 4, 0, 0, 0, 3, 5) } },
    .want = { { CASE_T, "", D (-28) } } },
  { "det_single", "det", { { CASE_T, "2,1,1", D (-3, 7) } }, .want = { { CASE_T, "2", D (-3, 7) } } },
  { "det_of_nothing", "det", { { CASE_T, "2,0,0", EMPTY } }, .want = { { CASE_T, "2", D (1, 1) } } },

  { "linear", "linear",
    { { CASE_T, "1,2", D (1, 2) }, { CASE_T, "3,2", D (1, 0, 0, 1, 1, 1) },
      { CASE_T, "3", D (10, 20, 30) } },
    .want = { { CASE_T, "1,3", D (11, 22, 33) } } },
  { "linear_no_bias", "linear",
    { { CASE_T, "2,1,2", D (1, 2, 3, 4) }, { CASE_T, "1,2", D (10, 1) } },
    .want = { { CASE_T, "2,1,1", D (12, 34) } } },
  { "matmul_mixed", "matmul", { A2, { CASE_F32, "2,2", D (5, 6, 7, 8) } },
    .want = { { CASE_WIDE, "2,2", D (19, 22, 43, 50) } } },
  { "linear_mixed", "linear",
    { { CASE_T, "1,2", D (1, 2) }, { CASE_F32, "1,2", D (10, 1) }, { CASE_T, "1", D (3) } },
    .want = { { CASE_WIDE, "1,1", D (15) } } },

  { "attention_uniform", "attention",
    { { CASE_T, "1,1,1,2", D (0, 0) }, { CASE_T, "1,1,2,2", D (1, 2, 3, 4) },
      { CASE_T, "1,1,2,1", D (2, 4) } },
    .want = { { CASE_T, "1,1,1,1", D (3) } } },
  { "attention_causal", "attention",
    { { CASE_T, "1,1,2,2", D (0, 0, 0, 0) }, { CASE_T, "1,1,2,2", D (1, 2, 3, 4) },
      { CASE_T, "1,1,2,1", D (2, 4) } },
    { AB ("causal", true) }, .want = { { CASE_T, "1,1,2,1", D (2, 3) } } },
  { "attention_mask", "attention",
    { { CASE_T, "1,1,1,2", D (0, 0) }, { CASE_T, "1,1,2,2", D (1, 2, 3, 4) },
      { CASE_T, "1,1,2,1", D (2, 4) }, { CASE_T, "1,2", D (-INFINITY, 0) } },
    .want = { { CASE_T, "1,1,1,1", D (4) } } },
  { "attention_scale", "attention",
    { { CASE_T, "1,1,1,1", D (LN3 / 2) }, { CASE_T, "1,1,2,1", D (1, 0) },
      { CASE_T, "1,1,2,1", D (4, 8) } },
    { AF ("scale", 2) }, .want = { { CASE_T, "1,1,1,1", D (5) } } },
  { "attention_default_scale", "attention",
    { { CASE_T, "1,1,1,4", D (2 * LN3, 0, 0, 0) },
      { CASE_T, "1,1,2,4", D (1, 0, 0, 0, 0, 0, 0, 0) }, { CASE_T, "1,1,2,1", D (4, 8) } },
    .want = { { CASE_T, "1,1,1,1", D (5) } } },
  { "attention_bwd", "attention_bwd",
    { { CASE_T, "1,1,1,1", D (1) }, { CASE_T, "1,1,1,1", D (0) }, { CASE_T, "1,1,2,1", D (1, 3) },
      { CASE_T, "1,1,2,1", D (2, 4) } },
    .want = { { CASE_T, "1,1,1,1", D (1) }, { CASE_T, "1,1,2,1", D (0, 0) },
              { CASE_T, "1,1,2,1", D (0.5, 0.5) } } },
};
/* clang-format on */

OP_CASES (contraction);
