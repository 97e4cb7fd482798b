/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of the norms; eps 3 makes the standard deviation of (1, 3) a round number: sqrt (1 + 3)
 * = 2. */
#include "tests/ops/cases.h"

#define ONE(v)            \
  {                       \
    CASE_WIDE, "1", D (v) \
  }

/* clang-format off */
static const OpCase rows[] = {
  { "batch_norm", "batch_norm",
    { { CASE_T, "2,1,2", D (1, 3, 1, 3) }, ONE (2), ONE (10), ONE (4), ONE (2) },
    { AF ("eps", 3), AF ("momentum", 0.5) },
    .want = { { CASE_T, "2,1,2", D (9, 11, 9, 11) }, { CASE_WIDE, "1", D (3) },
              { CASE_WIDE, "1", D (1 + 2. / 3) }, { CASE_WIDE, "1", D (2) },
              { CASE_WIDE, "1", D (0.5) } } },
  { "batch_norm_channels", "batch_norm",
    { { CASE_T, "2,2", D (1, 9, 3, 11) }, { CASE_WIDE, "2", D (1, 2) },
      { CASE_WIDE, "2", D (0, 5) }, { CASE_WIDE, "2", D (0, 0) }, { CASE_WIDE, "2", D (1, 1) } },
    { AF ("eps", 3), AF ("momentum", 0.25) },
    .want = { { CASE_T, "2,2", D (-0.5, 4, 0.5, 6) }, { CASE_WIDE, "2", D (0.5, 2.5) },
              { CASE_WIDE, "2", D (1.25, 1.25) }, { CASE_WIDE, "2", D (2, 10) },
              { CASE_WIDE, "2", D (0.5, 0.5) } } },
  /* Images of different means, 2 and 6; far from zero, where sums of squares would cancel. */
  { "batch_norm_images", "batch_norm",
    { { CASE_T, "2,1,2", D (1, 3, 5, 7) }, ONE (3), ONE (10), ONE (4), ONE (2) },
    { AF ("eps", 4), AF ("momentum", 0.5) },
    .want = { { CASE_T, "2,1,2", D (7, 9, 11, 13) }, { CASE_WIDE, "1", D (4) },
              { CASE_WIDE, "1", D (1 + 10. / 3) }, { CASE_WIDE, "1", D (4) },
              { CASE_WIDE, "1", D (1. / 3) } } },
  { "batch_norm_far", "batch_norm",
    { { CASE_WIDE, "2,1,2", D (4097, 4099, 4101, 4103) }, ONE (3), ONE (10), ONE (4), ONE (2) },
    { AF ("eps", 4), AF ("momentum", 0.5) },
    .want = { { CASE_WIDE, "2,1,2", D (7, 9, 11, 13) }, { CASE_WIDE, "1", D (2052) },
              { CASE_WIDE, "1", D (1 + 10. / 3) }, { CASE_WIDE, "1", D (4100) },
              { CASE_WIDE, "1", D (1. / 3) } } },
  { "batch_norm_bwd_far", "batch_norm_bwd",
    { { CASE_WIDE, "2,1,2", D (1, 0, 0, 0) }, { CASE_WIDE, "2,1,2", D (4097, 4099, 4101, 4103) },
      ONE (9), ONE (4100), ONE (1. / 3) },
    .want = { { CASE_WIDE, "2,1,2", D (1.5, -1, -0.5, 0) }, { CASE_WIDE, "1", D (-1) },
              { CASE_WIDE, "1", D (1) } } },
  { "batch_norm_bwd", "batch_norm_bwd",
    { { CASE_T, "4,1", D (1, 0, 0, 0) }, { CASE_T, "4,1", D (1, 3, 1, 3) }, ONE (2), ONE (2),
      ONE (0.5) },
    .want = { { CASE_T, "4,1", D (0.6875, -0.1875, -0.3125, -0.1875) },
              { CASE_WIDE, "1", D (-0.5) }, { CASE_WIDE, "1", D (1) } } },
  { "batch_norm_infer", "batch_norm_infer",
    { { CASE_T, "2,1", D (1, 3) }, ONE (2), ONE (10), ONE (1), ONE (1) }, { AF ("eps", 3) },
    .want = { { CASE_T, "2,1", D (10, 12) } } },
  { "layer_norm", "layer_norm",
    { { CASE_T, "2,2", D (1, 3, 11, 13) }, { CASE_WIDE, "2", D (2, 4) },
      { CASE_WIDE, "2", D (10, 20) } },
    { AF ("eps", 3) },
    .want = { { CASE_T, "2,2", D (9, 22, 9, 22) }, { CASE_WIDE, "2", D (2, 12) },
              { CASE_WIDE, "2", D (0.5, 0.5) } } },
  { "layer_norm_whole", "layer_norm",
    { { CASE_T, "2,2", D (1, 3, 1, 3) }, { CASE_WIDE, "2,2", D (2, 4, 6, 8) },
      { CASE_WIDE, "2,2", D (0, 0, 0, 1) } },
    { AI ("axis", 0), AF ("eps", 3) },
    .want = { { CASE_T, "2,2", D (-1, 2, -3, 5) }, { CASE_WIDE, "", D (2) },
              { CASE_WIDE, "", D (0.5) } } },
  { "layer_norm_narrow_parameters", "layer_norm",
    { { CASE_T, "1,2", D (1, 3) }, { CASE_T, "2", D (2, 4) }, { CASE_T, "2", D (10, 20) } },
    { AF ("eps", 3) },
    .want = { { CASE_T, "1,2", D (9, 22) }, { CASE_WIDE, "1", D (2) },
              { CASE_WIDE, "1", D (0.5) } } },
  { "layer_norm_bwd", "layer_norm_bwd",
    { { CASE_T, "1,2", D (1, 0) }, { CASE_T, "1,2", D (1, 3) }, { CASE_WIDE, "2", D (2, 4) },
      { CASE_WIDE, "1", D (2) }, { CASE_WIDE, "1", D (0.5) } },
    { AI ("axis", 1) },
    .want = { { CASE_T, "1,2", D (0.375, -0.375) }, { CASE_WIDE, "2", D (-0.5, 0) },
              { CASE_WIDE, "2", D (1, 0) } } },
  { "layer_norm_dx", "layer_norm_dx",
    { { CASE_T, "1,2", D (1, 0) }, { CASE_T, "1,2", D (1, 3) }, { CASE_WIDE, "2", D (2, 4) },
      { CASE_WIDE, "1", D (2) }, { CASE_WIDE, "1", D (0.5) } },
    { AI ("axis", 1) }, .want = { { CASE_WIDE, "1,2", D (0.375, -0.375) } } },
};
/* clang-format on */

OP_CASES (norm);
