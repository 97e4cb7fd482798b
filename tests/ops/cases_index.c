/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of gather, scatter_add, embedding, iota, rng_uniform and dropout. */
#include "tests/ops/cases.h"

#define SIX                             \
  {                                     \
    CASE_T, "3,2", D (1, 2, 3, 4, 5, 6) \
  }
#define TWO_ZERO_TWO           \
  {                            \
    CASE_I32, "3", D (2, 0, 2) \
  }
#define ZERO_RNG               \
  {                            \
    CASE_I32, "3", D (0, 0, 0) \
  }
/* The published Philox4x32-10 answer for counter 0 and key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8;
 * about 0.40, 0.88, 0.74, 0.61. */
#define KNOWN D (0x6627e8p-24, 0xe169c5p-24, 0xbc57acp-24, 0x9b00dbp-24)

/* clang-format off */
static const OpCase rows[] = {
  { "gather_rows", "gather", { SIX, TWO_ZERO_TWO },
    .want = { { CASE_T, "3,2", D (5, 6, 1, 2, 5, 6) } }, .dtypes = "fiu" },
  { "gather_columns", "gather", { SIX, { CASE_I32, "1,2", D (1, 0) } }, { AI ("axis", 1) },
    .want = { { CASE_T, "3,1,2", D (2, 1, 4, 3, 6, 5) } } },
  { "gather_scalar", "gather", { SIX, { CASE_I32, "", D (1) } },
    .want = { { CASE_T, "2", D (3, 4) } } },
  { "gather_nothing", "gather", { SIX, { CASE_I32, "0", EMPTY } },
    .want = { { CASE_T, "0,2", EMPTY } } },
  { "scatter_set", "scatter", { SIX, { CASE_I32, "2", D (2, 0) }, { CASE_T, "2,2", D (7, 8, 9, 10) } },
    .want = { { CASE_T, "3,2", D (9, 10, 3, 4, 7, 8) } }, .dtypes = "fiu" },
  { "scatter_set_last_wins", "scatter", { SIX, TWO_ZERO_TWO, SIX },
    .want = { { CASE_T, "3,2", D (3, 4, 3, 4, 5, 6) } }, .dtypes = "fiu" },
  { "scatter_columns", "scatter",
    { SIX, { CASE_I32, "1,2", D (1, 0) }, { CASE_T, "3,1,2", D (7, 8, 9, 10, 11, 12) } },
    { AI ("axis", -1) }, .want = { { CASE_T, "3,2", D (8, 7, 10, 9, 12, 11) } }, .dtypes = "fiu" },
  { "scatter_sums", "scatter", { SIX, TWO_ZERO_TWO, SIX }, { AS ("reduce", "add") },
    .want = { { CASE_T, "3,2", D (4, 6, 3, 4, 11, 14) } }, .dtypes = "fiu" },
  { "scatter_mul", "scatter", { SIX, TWO_ZERO_TWO, SIX }, { AS ("reduce", "mul") },
    .want = { { CASE_T, "3,2", D (3, 8, 3, 4, 25, 72) } }, .dtypes = "fi" },
  { "scatter_max", "scatter", { SIX, TWO_ZERO_TWO, { CASE_T, "3,2", D (4, 5, 0, 9, 6, 1) } },
    { AS ("reduce", "max") }, .want = { { CASE_T, "3,2", D (1, 9, 3, 4, 6, 6) } },
    .dtypes = "fiu" },
  { "scatter_min", "scatter", { SIX, TWO_ZERO_TWO, { CASE_T, "3,2", D (4, 5, 0, 9, 6, 1) } },
    { AS ("reduce", "min") }, .want = { { CASE_T, "3,2", D (0, 2, 3, 4, 4, 1) } },
    .dtypes = "fiu" },
  { "scatter_max_nan", "scatter",
    { { CASE_T, "2", D (1, NAN) }, { CASE_I32, "2", D (0, 1) }, { CASE_T, "2", D (NAN, 1) } },
    { AS ("reduce", "max") }, .want = { { CASE_T, "2", D (NAN, NAN) } } },
  { "scatter_bool", "scatter",
    { { CASE_BOOL, "3", D (0, 1, 1) }, { CASE_I32, "", D (1) }, { CASE_BOOL, "", D (0) } },
    .want = { { CASE_BOOL, "3", D (0, 0, 1) } } },
  { "scatter_nothing", "scatter", { SIX, { CASE_I32, "0", EMPTY }, { CASE_T, "0,2", EMPTY } },
    .want = { { CASE_T, "3,2", D (1, 2, 3, 4, 5, 6) } }, .dtypes = "fiu" },
  { "scatter_mixed", "scatter",
    { { CASE_T, "2", D (1, 2) }, { CASE_I32, "1", D (0) }, { CASE_F32, "1", D (3) } },
    .want = { { CASE_WIDE, "2", D (3, 2) } } },
  { "scatter_add", "scatter_add", { TWO_ZERO_TWO, SIX }, { AI ("size", 4) },
    .want = { { CASE_T, "4,2", D (3, 4, 0, 0, 6, 8, 0, 0) } } },
  { "scatter_add_columns", "scatter_add", { { CASE_I32, "2", D (1, 1) }, SIX },
    { AI ("axis", 1), AI ("size", 2) }, .want = { { CASE_T, "3,2", D (0, 3, 0, 7, 0, 11) } } },
  { "embedding", "embedding", { SIX, { CASE_I32, "1,2", D (2, 0) } },
    .want = { { CASE_T, "1,2,2", D (5, 6, 1, 2) } } },
  { "embedding_bwd", "embedding_bwd", { SIX, TWO_ZERO_TWO }, { AI ("rows", 3) },
    .want = { { CASE_T, "3,2", D (3, 4, 0, 0, 6, 8) } } },
  { "iota", "iota", { { CASE_ABSENT } }, { AIS ("shape", 2, 3), AI ("axis", 1) },
    .want = { { CASE_I32, "2,3", D (0, 1, 2, 0, 1, 2) } } },
  { "iota_float", "iota", { { CASE_ABSENT } },
    { AIS ("shape", 2, 2), AI ("axis", 0), AD ("dtype", SF_F32) },
    .want = { { CASE_F32, "2,2", D (0, 0, 1, 1) } } },
  { "rng_uniform", "rng_uniform", { ZERO_RNG }, { AIS ("shape", 2, 2), AI ("stream", 0) },
    .want = { { CASE_F32, "2,2", KNOWN } } },
  { "dropout", "dropout", { { CASE_T, "4", D (1, 2, 3, 4) }, ZERO_RNG },
    { AF ("p", 0.5), AI ("stream", 0) }, .want = { { CASE_T, "4", D (0, 4, 6, 8) } } },
  { "dropout_much", "dropout", { { CASE_T, "4", D (1, 2, 3, 4) }, ZERO_RNG },
    { AF ("p", 0.75), AI ("stream", 0) }, .want = { { CASE_T, "4", D (0, 8, 0, 0) } } },
  { "dropout_nothing", "dropout", { { CASE_T, "4", D (1, 2, 3, 4) }, ZERO_RNG },
    { AF ("p", 0), AI ("stream", 0) }, .want = { { CASE_T, "4", D (1, 2, 3, 4) } } },
  { "dropout_bwd", "dropout_bwd", { { CASE_T, "2,2", D (1, 2, 3, 4) }, ZERO_RNG },
    { AF ("p", 0.5), AI ("stream", 0) }, .want = { { CASE_T, "2,2", D (0, 4, 6, 8) } } },
};
/* clang-format on */

OP_CASES (index);
