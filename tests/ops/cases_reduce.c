/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of the reductions and the softmax family. */
#include "tests/ops/cases.h"

#define SIX                             \
  {                                     \
    CASE_T, "2,3", D (1, 5, 3, 4, 2, 6) \
  }

/* clang-format off */
static const OpCase rows[] = {
  { "sum_last", "reduce_sum", { SIX }, { AIS ("axes", 1) }, .want = { { CASE_T, "2", D (9, 12) } },
    .dtypes = "fiu" },
  { "sum_kept", "reduce_sum", { SIX }, { AIS ("axes", -2), AB ("keepdims", true) },
    .want = { { CASE_T, "1,3", D (5, 7, 9) } }, .dtypes = "fiu" },
  { "sum_all", "reduce_sum", { SIX }, { AIS ("axes", 0, 1) }, .want = { { CASE_T, "", D (21) } },
    .dtypes = "fiu" },
  { "sum_of_nothing", "reduce_sum", { { CASE_T, "0,2", EMPTY } }, { AIS ("axes", 0) },
    .want = { { CASE_T, "2", D (0, 0) } }, .dtypes = "fiu" },
  { "max_rows", "reduce_max", { SIX }, { AIS ("axes", 1) }, .want = { { CASE_T, "2", D (5, 6) } },
    .dtypes = "fiu" },
  { "max_columns", "reduce_max", { SIX }, { AIS ("axes", 0), AB ("keepdims", true) },
    .want = { { CASE_T, "1,3", D (4, 5, 6) } }, .dtypes = "fiu" },
  { "max_of_nothing", "reduce_max", { { CASE_T, "2,0", EMPTY } }, { AIS ("axes", 1) },
    .want = { { CASE_T, "2", D (-INFINITY, -INFINITY) } } },
  { "min_rows", "reduce_min", { SIX }, { AIS ("axes", 1) }, .want = { { CASE_T, "2", D (1, 2) } },
    .dtypes = "fiu" },
  { "min_of_nothing", "reduce_min", { { CASE_T, "2,0", EMPTY } }, { AIS ("axes", 1) },
    .want = { { CASE_T, "2", D (INFINITY, INFINITY) } } },
  { "argmax_first_of_equals", "argmax", { { CASE_T, "2,3", D (1, 5, 5, 7, 2, 6) } },
    { AI ("axis", 1) }, .want = { { CASE_I32, "2", D (1, 0) } }, .dtypes = "fiu" },
  { "prod_last", "reduce_prod", { SIX }, { AIS ("axes", 1) },
    .want = { { CASE_T, "2", D (15, 48) } }, .dtypes = "fiu" },
  { "prod_kept", "reduce_prod", { SIX }, { AIS ("axes", 0), AB ("keepdims", true) },
    .want = { { CASE_T, "1,3", D (4, 10, 18) } }, .dtypes = "fiu" },
  { "prod_with_zeros", "reduce_prod", { { CASE_T, "3,2", D (0, 0, 2, 0, 3, 5) } },
    { AIS ("axes", 0) }, .want = { { CASE_T, "2", D (0, 0) } }, .dtypes = "fiu" },
  { "prod_of_nothing", "reduce_prod", { { CASE_T, "2,0", EMPTY } }, { AIS ("axes", 1) },
    .want = { { CASE_T, "2", D (1, 1) } }, .dtypes = "fiu" },
  { "argmax_last_of_equals", "argmax", { { CASE_T, "2,3", D (1, 5, 5, 7, 2, 7) } },
    { AI ("axis", 1), AB ("last", true) }, .want = { { CASE_I32, "2", D (2, 2) } },
    .dtypes = "fiu" },
  { "argmax_nan", "argmax", { { CASE_T, "2,3", D (1, NAN, NAN, NAN, 2, 9) } }, { AI ("axis", 1) },
    .want = { { CASE_I32, "2", D (1, 0) } } },
  { "argmax_last_nan", "argmax", { { CASE_T, "2,3", D (1, NAN, NAN, NAN, 2, 9) } },
    { AI ("axis", 1), AB ("last", true) }, .want = { { CASE_I32, "2", D (2, 0) } } },
  { "argmax_least", "argmax", { { CASE_T, "2,2", D (-INFINITY, -INFINITY, 3, INFINITY) } },
    { AI ("axis", -1) }, .want = { { CASE_I32, "2", D (0, 1) } } },
  { "argmax_kept", "argmax", { SIX }, { AI ("axis", 0), AB ("keepdims", true) },
    .want = { { CASE_I32, "1,3", D (1, 0, 1) } }, .dtypes = "fiu" },
  { "mean", "reduce_mean", { SIX }, { AIS ("axes", 1) }, .want = { { CASE_T, "2", D (3, 4) } } },
  { "mean_all_kept", "reduce_mean", { SIX }, { AIS ("axes", 0, 1), AB ("keepdims", true) },
    .want = { { CASE_T, "1,1", D (3.5) } } },

  { "softmax", "softmax", { { CASE_T, "2,3", D (0, 1, 2, 5, 5, 5) } },
    .want = { { CASE_T, "2,3",
                D (0.09003057317038046, 0.24472847105479764, 0.6652409557748218, 1. / 3, 1. / 3,
                   1. / 3) } } },
  { "softmax_of_large", "softmax", { { CASE_T, "3", D (1000, 1000, -1000) } },
    .want = { { CASE_T, "3", D (0.5, 0.5, 0) } } },
  { "softmax_columns", "softmax", { { CASE_T, "2,2", D (0, 7, 0, 7) } }, { AI ("axis", 0) },
    .want = { { CASE_T, "2,2", D (0.5, 0.5, 0.5, 0.5) } } },
  { "softmax_bwd", "softmax_bwd",
    { { CASE_T, "3", D (1, 0, 0) }, { CASE_T, "3", D (0.25, 0.25, 0.5) } },
    .want = { { CASE_T, "3", D (0.1875, -0.0625, -0.125) } } },
  { "log_softmax", "log_softmax", { { CASE_T, "3", D (0, 1, 2) } },
    .want
    = { { CASE_T, "3", D (-2.40760596444438, -1.4076059644443804, -0.40760596444438046) } } },
  { "log_softmax_of_large", "log_softmax", { { CASE_T, "2", D (0, 1000) } },
    .want = { { CASE_T, "2", D (-1000, 0) } } },
  { "log_softmax_bwd", "log_softmax_bwd",
    { { CASE_T, "3", D (1, 2, 3) },
      { CASE_T, "3", D (-1.3862943611198906, -1.3862943611198906, -0.6931471805599453) } },
    .want = { { CASE_T, "3", D (-0.5, 0.5, 0) } } },
};
/* clang-format on */

OP_CASES (reduce);
