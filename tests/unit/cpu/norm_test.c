/* SPDX-License-Identifier: Apache-2.0 */
/* Norms, by hand: eps is chosen so that the square roots come out even. */
#include "tests/unit/cpu/onenode.h"

#define CHANNELS(...)                          \
  {                                            \
    SF_F64, { 1, { 2 } }, VALUES (__VA_ARGS__) \
  }
/* Channel 0: 1, 3 (mean 2, variance 1); channel 1: 0, 8 (mean 4, variance 16). eps 9: roots of 10
 * and 25. */
#define X22                                      \
  {                                              \
    SF_F64, { 2, { 2, 2 } }, VALUES (1, 0, 3, 8) \
  }
#define BATCH_NORM                                                                           \
  "batch_norm",                                                                              \
      { X22, CHANNELS (1, 5), CHANNELS (10, 20), CHANNELS (100, 100), CHANNELS (100, 100) }, \
  {                                                                                          \
    FLOAT ("eps", 9), FLOAT ("momentum", 0.25)                                               \
  }
#define ROOT10 3.1622776601683795
/* One channel of images 1 3 / 5 7: mean 4, variance 5; eps 4: root 3. */
#define BATCH_BWD                                                                                  \
  "batch_norm_bwd",                                                                                \
  {                                                                                                \
    { SF_F64, { 3, { 2, 1, 2 } }, VALUES (1, 0, 0, 0) },                                           \
        { SF_F64, { 3, { 2, 1, 2 } }, VALUES (1, 3, 5, 7) }, { SF_F64, { 1, { 1 } }, VALUES (2) }, \
        { SF_F64, { 1, { 1 } }, VALUES (4) },                                                      \
    {                                                                                              \
      SF_F64, { 1, { 1 } }, VALUES (1 / 3.0)                                                       \
    }                                                                                              \
  }
#define LAYER_NORM                                                                              \
  "layer_norm",                                                                                 \
      { { SF_F64, { 2, { 2, 2 } }, VALUES (1, 9, 2, 2) }, CHANNELS (1, 2), CHANNELS (10, 20) }, \
  {                                                                                             \
    FLOAT ("eps", 9)                                                                            \
  }
#define LAYER_BWD                                                                           \
  "layer_norm_bwd",                                                                         \
  {                                                                                         \
    { SF_F64, { 2, { 2, 2 } }, VALUES (1, 0, 3, 4) },                                       \
        { SF_F64, { 2, { 2, 2 } }, VALUES (1, 9, 2, 2) }, CHANNELS (2, 1), CHANNELS (5, 2), \
        CHANNELS (0.2, 0.5)                                                                 \
  }

static const OneNode cases[] = {
  { "batch_norm y", BATCH_NORM, .shape = { 2, { 2, 2 } },
    .want = { 10 - 1 / ROOT10, 16, 10 + 1 / ROOT10, 24 }, .tolerance = 1e-14 },
  { "batch_norm new_mean", BATCH_NORM, .output = 1, .shape = { 1, { 2 } }, .want = { 75.5, 76 } },
  { "batch_norm new_var is unbiased", BATCH_NORM, .output = 2, .shape = { 1, { 2 } },
    .want = { 75.5, 83 } },
  { "batch_norm save_mean", BATCH_NORM, .output = 3, .shape = { 1, { 2 } }, .want = { 2, 4 } },
  { "batch_norm save_rstd is biased", BATCH_NORM, .output = 4, .shape = { 1, { 2 } },
    .want = { 1 / ROOT10, 0.2 }, .tolerance = 1e-15 },
  { "batch_norm of one element",
    "batch_norm",
    { { SF_F64, { 2, { 1, 2 } }, VALUES (1, 2) },
      CHANNELS (1, 1),
      CHANNELS (0, 0),
      CHANNELS (0, 0),
      CHANNELS (1, 1) },
    { FLOAT ("momentum", 0.5) },
    .output = 2,
    .shape = { 1, { 2 } },
    .want = { 0.5, 0.5 } },
  { "batch_norm_infer",
    "batch_norm_infer",
    { X22, CHANNELS (1, 2), CHANNELS (10, 20), CHANNELS (1, 4), CHANNELS (16, 0) },
    { FLOAT ("eps", 9) },
    .shape = { 2, { 2, 2 } },
    .want = { 10, 20 - 8 / 3.0, 10.4, 20 + 8 / 3.0 },
    .tolerance = 1e-14 },
  /* h = -1, -1/3, 1/3, 1; dgamma = -1, dbeta = 1; dx = 2/3 (dy - 1/4 + h / 4). */
  { "batch_norm_bwd dx", BATCH_BWD, .shape = { 3, { 2, 1, 2 } },
    .want = { 1 / 3.0, -2 / 9.0, -1 / 9.0, 0 }, .tolerance = 1e-15 },
  { "batch_norm_bwd dgamma", BATCH_BWD, .output = 1, .shape = { 1, { 1 } }, .want = { -1 },
    .tolerance = 1e-15 },
  { "batch_norm_bwd dbeta", BATCH_BWD, .output = 2, .shape = { 1, { 1 } }, .want = { 1 } },
  { "layer_norm y", LAYER_NORM, .shape = { 2, { 2, 2 } }, .want = { 9.2, 21.6, 10, 20 },
    .tolerance = 1e-14 },
  { "layer_norm mean", LAYER_NORM, .output = 1, .shape = { 1, { 2 } }, .want = { 5, 2 } },
  { "layer_norm rstd", LAYER_NORM, .output = 2, .shape = { 1, { 2 } }, .want = { 0.2, 1 / 3.0 },
    .tolerance = 1e-15 },
  { "layer_norm over two dimensions",
    "layer_norm",
    { { SF_F64, { 3, { 1, 2, 2 } }, VALUES (1, 3, 5, 7) },
      { SF_F64, { 2, { 2, 2 } }, VALUES (3, 3, 3, 6) },
      { SF_F64, { 2, { 2, 2 } }, VALUES (0, 0, 0, 0) } },
    { INT ("axis", 1), FLOAT ("eps", 4) },
    .shape = { 3, { 1, 2, 2 } },
    .want = { -3, -1, 1, 6 },
    .tolerance = 1e-14 },
  /* Row 0: h = -0.8, 0.8; g = 2, 0; mean g = 1, mean g h = -0.8; dx = 0.2 (g - 1 + 0.8 h). Row 1: h
     = 0; g = 6, 4; dx = 0.5 (1, -1). */
  { "layer_norm_bwd dx", LAYER_BWD, .shape = { 2, { 2, 2 } }, .want = { 0.072, -0.072, 0.5, -0.5 },
    .tolerance = 1e-15 },
  { "layer_norm_bwd dgamma", LAYER_BWD, .output = 1, .shape = { 1, { 2 } }, .want = { -0.8, 0 },
    .tolerance = 1e-15 },
  { "layer_norm_bwd dbeta", LAYER_BWD, .output = 2, .shape = { 1, { 2 } }, .want = { 4, 4 } },
};

SF_TEST_CASES (CpuNorm, Value, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  one_node_check (data);
}
