/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of the ops that only move elements. */
#include "tests/ops/cases.h"

#define SIX                             \
  {                                     \
    CASE_T, "2,3", D (1, 2, 3, 4, 5, 6) \
  }

/* clang-format off */
static const OpCase rows[] = {
  { "reshape", "reshape", { SIX }, { AIS ("shape", 3, -1) },
    .want = { { CASE_T, "3,2", D (1, 2, 3, 4, 5, 6) } }, .dtypes = "fiu" },
  { "reshape_to_scalar", "reshape", { { CASE_T, "1,1", D (7) } },
    { { .name = "shape", .type = SF_ATTR_INTS } }, .want = { { CASE_T, "", D (7) } } },
  { "reshape_empty", "reshape", { { CASE_T, "2,0", EMPTY } }, { AIS ("shape", 0, 5) },
    .want = { { CASE_T, "0,5", EMPTY } } },
  { "transpose", "transpose", { SIX }, { AIS ("perm", 1, 0) },
    .want = { { CASE_T, "3,2", D (1, 4, 2, 5, 3, 6) } }, .dtypes = "fiu" },
  { "transpose_three", "transpose", { { CASE_T, "1,2,3", D (1, 2, 3, 4, 5, 6) } },
    { AIS ("perm", 2, 0, 1) }, .want = { { CASE_T, "3,1,2", D (1, 4, 2, 5, 3, 6) } } },
  { "slice", "slice", { SIX },
    { AIS ("starts", 0, 1), AIS ("ends", 2, 3), AIS ("steps", 1, 1) },
    .want = { { CASE_T, "2,2", D (2, 3, 5, 6) } }, .dtypes = "fiu" },
  { "slice_step", "slice", { SIX },
    { AIS ("starts", 1, 0), AIS ("ends", 2, 3), AIS ("steps", 1, 2) },
    .want = { { CASE_T, "1,2", D (4, 6) } } },
  { "slice_nothing", "slice", { SIX },
    { AIS ("starts", 1, 1), AIS ("ends", 1, 3), AIS ("steps", 1, 1) },
    .want = { { CASE_T, "0,2", EMPTY } } },
  { "concat_columns", "concat",
    { { CASE_T, "2,1", D (1, 2) }, { CASE_T, "2,2", D (3, 4, 5, 6) }, { CASE_T, "2,0", EMPTY } },
    { AI ("axis", 1) }, .want = { { CASE_T, "2,3", D (1, 3, 4, 2, 5, 6) } }, .dtypes = "fiu" },
  { "concat_mixed", "concat", { { CASE_T, "1", D (1) }, { CASE_F32, "2", D (2, 3) } },
    { AI ("axis", 0) }, .want = { { CASE_WIDE, "3", D (1, 2, 3) } } },
  { "concat_one", "concat", { SIX }, { AI ("axis", 0) },
    .want = { { CASE_T, "2,3", D (1, 2, 3, 4, 5, 6) } } },
  { "pad", "pad", { { CASE_T, "1,2", D (1, 2) } },
    { AIS ("low", 0, 1), AIS ("high", 1, 0), AF ("value", 9) },
    .want = { { CASE_T, "2,3", D (9, 1, 2, 9, 9, 9) } }, .dtypes = "fiu" },
  { "pad_nothing", "pad", { { CASE_T, "0", EMPTY } }, { AIS ("low", 1), AIS ("high", 1) },
    .want = { { CASE_T, "2", D (0, 0) } } },
  { "broadcast", "broadcast", { { CASE_T, "2,1", D (1, 2) } }, { AIS ("shape", 2, 2, 3) },
    .want = { { CASE_T, "2,2,3", D (1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2) } }, .dtypes = "fiu" },
  { "broadcast_to_nothing", "broadcast", { { CASE_T, "1,2", D (1, 2) } }, { AIS ("shape", 0, 2) },
    .want = { { CASE_T, "0,2", EMPTY } } },
};
/* clang-format on */

OP_CASES (movement);
