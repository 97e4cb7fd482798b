/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of unfold, fold, conv2d and the pools. */
#include "tests/ops/cases.h"

#define NINE                                         \
  {                                                  \
    CASE_T, "1,1,3,3", D (1, 2, 3, 4, 5, 6, 7, 8, 9) \
  }
#define FOUR                          \
  {                                   \
    CASE_T, "1,1,2,2", D (1, 2, 3, 4) \
  }
#define DIAGONAL                      \
  {                                   \
    CASE_T, "1,1,2,2", D (1, 0, 0, 1) \
  }
#define NEGATIVE                          \
  {                                       \
    CASE_T, "1,1,2,2", D (-1, -2, -3, -4) \
  }
#define K2    AIS ("kernel", 2, 2)
#define S1    AIS ("strides", 1, 1)
#define S2    AIS ("strides", 2, 2)
#define P0    AIS ("pads", 0, 0, 0, 0)
#define P1    AIS ("pads", 1, 1, 1, 1)
#define LEFT  AIS ("pads", 0, 1, 0, 0)
#define D1    AIS ("dilations", 1, 1)
#define SIZE3 AIS ("size", 3, 3)
#define SIZE2 AIS ("size", 2, 2)

/* clang-format off */
static const OpCase rows[] = {
  { "unfold", "unfold", { NINE }, { K2, S1, P0, D1 },
    .want = { { CASE_T, "1,4,4", D (1, 2, 4, 5, 2, 3, 5, 6, 4, 5, 7, 8, 5, 6, 8, 9) } },
    .dtypes = "fiu" },
  { "unfold_value", "unfold", { { CASE_T, "1,1,1,2", D (1, 2) } },
    { AIS ("kernel", 1, 2), S1, LEFT, D1, AF ("value", 9) },
    .want = { { CASE_T, "1,2,2", D (9, 1, 1, 2) } }, .dtypes = "fiu" },
  { "unfold_of_nothing", "unfold", { { CASE_T, "0,2,3,3", EMPTY } }, { K2, S1, P0, D1 },
    .want = { { CASE_T, "0,8,4", EMPTY } } },
  { "fold_counts", "fold",
    { { CASE_T, "1,4,4", D (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) } },
    { SIZE3, K2, S1, P0, D1 },
    .want = { { CASE_T, "1,1,3,3", D (1, 2, 1, 2, 4, 2, 1, 2, 1) } }, .dtypes = "fiu" },
  { "fold_pads", "fold", { { CASE_T, "1,2,2", D (9, 1, 10, 2) } },
    { AIS ("size", 1, 2), AIS ("kernel", 1, 2), S1, LEFT, D1 },
    .want = { { CASE_T, "1,1,1,2", D (11, 2) } }, .dtypes = "fiu" },

  { "conv", "conv2d", { NINE, DIAGONAL, { CASE_T, "1", D (100) } },
    .want = { { CASE_T, "1,1,2,2", D (106, 108, 112, 114) } } },
  { "conv_groups", "conv2d",
    { { CASE_T, "1,2,1,1", D (2, 3) }, { CASE_T, "2,1,1,1", D (10, 100) } }, { AI ("groups", 2) },
    .want = { { CASE_T, "1,2,1,1", D (20, 300) } } },
  { "conv_stride_pads", "conv2d",
    { NINE, { CASE_T, "1,1,3,3", D (1, 1, 1, 1, 1, 1, 1, 1, 1) } }, { S2, P1 },
    .want = { { CASE_T, "1,1,2,2", D (12, 16, 24, 28) } } },
  { "conv_pad_left", "conv2d",
    { { CASE_T, "1,1,1,2", D (1, 2) }, { CASE_T, "1,1,1,2", D (10, 1) } }, { LEFT },
    .want = { { CASE_T, "1,1,1,2", D (1, 12) } } },
  { "conv_dilated", "conv2d",
    { { CASE_T, "1,1,1,3", D (1, 2, 3) }, { CASE_T, "1,1,1,2", D (10, 1) } },
    { AIS ("dilations", 1, 2) }, .want = { { CASE_T, "1,1,1,1", D (13) } } },
  { "conv_mixed", "conv2d", { NINE, { CASE_F32, "1,1,2,2", D (1, 0, 0, 1) } },
    .want = { { CASE_WIDE, "1,1,2,2", D (6, 8, 12, 14) } } },
  { "conv_of_nothing", "conv2d", { { CASE_T, "0,1,3,3", EMPTY }, DIAGONAL },
    .want = { { CASE_T, "0,1,2,2", EMPTY } } },
  { "conv_dx", "conv2d_dx", { FOUR, DIAGONAL }, { SIZE3 },
    .want = { { CASE_T, "1,1,3,3", D (1, 2, 0, 3, 5, 2, 0, 3, 4) } } },
  { "conv_dw", "conv2d_dw", { FOUR, NINE }, { K2 },
    .want = { { CASE_T, "1,1,2,2", D (37, 47, 67, 77) } } },

  { "max_pool", "max_pool2d", { NINE }, { K2, S1 },
    .want = { { CASE_T, "1,1,2,2", D (5, 6, 8, 9) } } },
  { "max_pool_default_strides", "max_pool2d", { NINE }, { K2 },
    .want = { { CASE_T, "1,1,1,1", D (5) } } },
  { "max_pool_ceil", "max_pool2d", { NINE }, { K2, AB ("ceil_mode", true) },
    .want = { { CASE_T, "1,1,2,2", D (5, 6, 8, 9) } } },
  { "max_pool_pads", "max_pool2d", { NEGATIVE }, { K2, P1 },
    .want = { { CASE_T, "1,1,2,2", D (-1, -2, -3, -4) } } },
  { "max_pool_dilated", "max_pool2d", { NINE }, { K2, S1, AIS ("dilations", 2, 2) },
    .want = { { CASE_T, "1,1,1,1", D (9) } } },
  { "max_pool_bwd_ties", "max_pool2d_bwd",
    { { CASE_T, "1,1,1,1", D (5) }, { CASE_T, "1,1,2,2", D (1, 3, 3, 2) } }, { K2 },
    .want = { { CASE_T, "1,1,2,2", D (0, 5, 0, 0) } } },
  { "max_pool_bwd_overlap", "max_pool2d_bwd",
    { FOUR, { CASE_T, "1,1,3,3", D (0, 0, 0, 0, 7, 0, 0, 0, 0) } }, { K2, S1 },
    .want = { { CASE_T, "1,1,3,3", D (0, 0, 0, 0, 10, 0, 0, 0, 0) } } },
  { "max_pool_bwd_pads", "max_pool2d_bwd", { FOUR, NEGATIVE }, { K2, P1 },
    .want = { { CASE_T, "1,1,2,2", D (1, 2, 3, 4) } } },
  { "max_pool_bwd_padding_never_wins", "max_pool2d_bwd",
    { FOUR, { CASE_T, "1,1,2,2", D (-INFINITY, -INFINITY, -INFINITY, -INFINITY) } }, { K2, P1 },
    .want = { { CASE_T, "1,1,2,2", D (1, 2, 3, 4) } } },
  { "max_pool_bwd_of_nothing", "max_pool2d_bwd",
    { { CASE_T, "0,2,1,1", EMPTY }, { CASE_T, "0,2,2,2", EMPTY } }, { K2 },
    .want = { { CASE_T, "0,2,2,2", EMPTY } } },

  { "avg_pool", "avg_pool2d", { NINE }, { K2, S1 },
    .want = { { CASE_T, "1,1,2,2", D (3, 4, 6, 7) } } },
  { "avg_pool_counts_pads", "avg_pool2d", { FOUR }, { K2, S2, P1 },
    .want = { { CASE_T, "1,1,2,2", D (0.25, 0.5, 0.75, 1) } } },
  { "avg_pool_without_pads", "avg_pool2d", { FOUR },
    { K2, S2, P1, AB ("count_include_pad", false) },
    .want = { { CASE_T, "1,1,2,2", D (1, 2, 3, 4) } } },
  { "avg_pool_ceil", "avg_pool2d", { NINE }, { K2, AB ("ceil_mode", true) },
    .want = { { CASE_T, "1,1,2,2", D (3, 4.5, 7.5, 9) } } },
  { "avg_pool_bwd", "avg_pool2d_bwd", { { CASE_T, "1,1,2,2", D (4, 8, 12, 16) } },
    { K2, S1, SIZE3 }, .want = { { CASE_T, "1,1,3,3", D (1, 3, 2, 4, 10, 6, 3, 7, 4) } } },
  { "avg_pool_bwd_counts_pads", "avg_pool2d_bwd", { FOUR }, { K2, S2, P1, SIZE2 },
    .want = { { CASE_T, "1,1,2,2", D (0.25, 0.5, 0.75, 1) } } },
  { "avg_pool_bwd_without_pads", "avg_pool2d_bwd", { FOUR },
    { K2, S2, P1, AB ("count_include_pad", false), SIZE2 },
    .want = { { CASE_T, "1,1,2,2", D (1, 2, 3, 4) } } },
  { "avg_pool_bwd_ceil", "avg_pool2d_bwd", { { CASE_T, "1,1,2,2", D (4, 6, 8, 5) } },
    { K2, S2, AB ("ceil_mode", true), SIZE3 },
    .want = { { CASE_T, "1,1,3,3", D (1, 1, 3, 1, 1, 3, 4, 4, 5) } } },
  { "global_avg_pool", "global_avg_pool", { { CASE_T, "1,2,2,2", D (1, 2, 3, 4, 5, 6, 7, 8) } },
    .want = { { CASE_T, "1,2,1,1", D (2.5, 6.5) } } },
};
/* clang-format on */

OP_CASES (window);
