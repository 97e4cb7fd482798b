/* SPDX-License-Identifier: Apache-2.0 */
/* Attention, by hand: scores are multiples of log 2, so that probabilities are fractions. */
#include "tests/unit/cpu/onenode.h"

#define LN2 0.6931471805599453
#define QUERY                                    \
  {                                              \
    SF_F64, { 4, { 1, 1, 2, 1 } }, VALUES (1, 1) \
  }
#define KEYS                                       \
  {                                                \
    SF_F64, { 4, { 1, 1, 2, 1 } }, VALUES (0, LN2) \
  }
#define VALUE_2                                          \
  {                                                      \
    SF_F64, { 4, { 1, 1, 2, 2 } }, VALUES (3, 30, 6, 60) \
  }
#define OUT .shape = { 4, { 1, 1, 2, 2 } }

static const OneNode cases[] = {
  { "plain",
    "attention",
    { QUERY, KEYS, VALUE_2 },
    OUT,
    .want = { 5, 50, 5, 50 },
    .tolerance = 1e-13 },
  { "causal",
    "attention",
    { QUERY, KEYS, VALUE_2 },
    { BOOLEAN ("causal", 1) },
    OUT,
    .want = { 3, 30, 5, 50 },
    .tolerance = 1e-13 },
  { "scaled",
    "attention",
    { QUERY, KEYS, VALUE_2 },
    { FLOAT ("scale", 2) },
    OUT,
    .want = { 5.4, 54, 5.4, 54 },
    .tolerance = 1e-13 },
  { "default scale",
    "attention",
    { { SF_F64, { 4, { 1, 1, 1, 4 } }, VALUES (2, 0, 0, 0) },
      { SF_F64, { 4, { 1, 1, 2, 4 } }, VALUES (0, 0, 0, 0, LN2, 5, 5, 5) },
      VALUE_2 },
    .shape = { 4, { 1, 1, 1, 2 } },
    .want = { 5, 50 },
    .tolerance = 1e-13 },
  { "mask",
    "attention",
    { QUERY, KEYS, VALUE_2, { SF_F64, { 2, { 2, 2 } }, VALUES (0, -INFINITY, LN2, 0) } },
    OUT,
    .want = { 3, 30, 4.5, 45 },
    .tolerance = 1e-13 },
  { "mask per head",
    "attention",
    { { SF_F64, { 4, { 1, 2, 1, 1 } }, VALUES (1, 1) },
      { SF_F64, { 4, { 1, 2, 2, 1 } }, VALUES (0, 0, 0, 0) },
      { SF_F64, { 4, { 1, 2, 2, 1 } }, VALUES (1, 3, 10, 30) },
      { SF_F64, { 4, { 1, 2, 1, 2 } }, VALUES (0, 0, -INFINITY, 0) } },
    .shape = { 4, { 1, 2, 1, 1 } },
    .want = { 2, 30 } },
  /* p = (1/3, 2/3); dy = (1, 0): dp = (3, 6), sum p dp = 5, ds = (1/3 (3 - 5), 2/3 (6 - 5)) =
     (-2/3, 2/3). */
  { "backward, dq",
    "attention_bwd",
    { { SF_F64, { 4, { 1, 1, 1, 2 } }, VALUES (1, 0) },
      { SF_F64, { 4, { 1, 1, 1, 1 } }, VALUES (1) },
      KEYS,
      VALUE_2 },
    .shape = { 4, { 1, 1, 1, 1 } },
    .want = { 2 / 3.0 * LN2 },
    .tolerance = 1e-13 },
  { "backward, dk",
    "attention_bwd",
    { { SF_F64, { 4, { 1, 1, 1, 2 } }, VALUES (1, 0) },
      { SF_F64, { 4, { 1, 1, 1, 1 } }, VALUES (1) },
      KEYS,
      VALUE_2 },
    .output = 1,
    .shape = { 4, { 1, 1, 2, 1 } },
    .want = { -2 / 3.0, 2 / 3.0 },
    .tolerance = 1e-13 },
  { "backward, dv",
    "attention_bwd",
    { { SF_F64, { 4, { 1, 1, 1, 2 } }, VALUES (1, 0) },
      { SF_F64, { 4, { 1, 1, 1, 1 } }, VALUES (1) },
      KEYS,
      VALUE_2 },
    .output = 2,
    .shape = { 4, { 1, 1, 2, 2 } },
    .want = { 1 / 3.0, 0, 2 / 3.0, 0 },
    .tolerance = 1e-13 },
};

SF_TEST_CASES (CpuAttention, Value, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  one_node_check (data);
}
