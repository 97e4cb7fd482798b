/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of nonzero, unique, nms and roi_align. */
#include "tests/ops/cases.h"

#define TWO_BY_TWO                    \
  {                                   \
    CASE_T, "1,1,2,2", D (1, 2, 3, 4) \
  }
#define WHOLE                     \
  {                               \
    CASE_T, "1,4", D (0, 0, 2, 2) \
  }
#define FIRST            \
  {                      \
    CASE_I32, "1", D (0) \
  }
/* The boxes and scores of ONNX's own examples. */
#define ROW_OF_BOXES                                                                            \
  {                                                                                             \
    CASE_T, "1,6,4",                                                                            \
        D (0, 0, 1, 1, 0, .1, 1, 1.1, 0, -.1, 1, .9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, \
           101)                                                                                 \
  }
#define SCORES                                    \
  {                                               \
    CASE_T, "1,1,6", D (.9, .75, .6, .95, .5, .3) \
  }

/* clang-format off */
static const OpCase rows[] = {
  { "nonzero", "nonzero", { { CASE_T, "2,3", D (1, 0, 3, 0, 0, 6) } }, { AI ("n", 3) },
    .want = { { CASE_I32, "2,3", D (0, 0, 1, 0, 2, 2) } }, .dtypes = "fiu" },
  { "nonzero_bool", "nonzero", { { CASE_BOOL, "3", D (0, 1, 1) } }, { AI ("n", 2) },
    .want = { { CASE_I32, "1,2", D (1, 2) } } },
  { "nonzero_nan", "nonzero", { { CASE_T, "3", D (NAN, -0., 1) } }, { AI ("n", 2) },
    .want = { { CASE_I32, "1,2", D (0, 2) } } },
  { "nonzero_scalar", "nonzero", { { CASE_T, "", D (5) } }, { AI ("n", 1) },
    .want = { { CASE_I32, "0,1", EMPTY } }, .dtypes = "fiu" },
  { "nonzero_none", "nonzero", { { CASE_T, "2", D (0, 0) } }, { AI ("n", 0) },
    .want = { { CASE_I32, "1,0", EMPTY } }, .dtypes = "fiu" },
  { "nonzero_of_nothing", "nonzero", { { CASE_T, "2,0,3", EMPTY } }, { AI ("n", 0) },
    .want = { { CASE_I32, "3,0", EMPTY } } },

  { "unique", "unique", { { CASE_T, "6", D (2, 1, 1, 3, 4, 3) } }, { AI ("n", 4) },
    .want = { { CASE_T, "4", D (1, 2, 3, 4) }, { CASE_I32, "4", D (1, 0, 3, 4) },
              { CASE_I32, "6", D (1, 0, 0, 2, 3, 2) }, { CASE_I32, "4", D (2, 1, 2, 1) } },
    .dtypes = "fiu" },
  { "unique_in_order", "unique", { { CASE_T, "6", D (2, 1, 1, 3, 4, 3) } },
    { AI ("n", 4), AB ("sorted", false) },
    .want = { { CASE_T, "4", D (2, 1, 3, 4) }, { CASE_I32, "4", D (0, 1, 3, 4) },
              { CASE_I32, "6", D (0, 1, 1, 2, 3, 2) }, { CASE_I32, "4", D (1, 2, 2, 1) } },
    .dtypes = "fiu" },
  { "unique_flattens", "unique", { { CASE_T, "2,2", D (1, 3, 2, 3) } }, { AI ("n", 3) },
    .want = { { CASE_T, "3", D (1, 2, 3) }, { CASE_I32, "3", D (0, 2, 1) },
              { CASE_I32, "4", D (0, 2, 1, 2) }, { CASE_I32, "3", D (1, 1, 2) } },
    .dtypes = "fiu" },
  { "unique_rows", "unique", { { CASE_T, "3,3", D (2, 3, 4, 1, 0, 0, 1, 0, 0) } },
    { AI ("n", 2), AI ("axis", 0), AB ("has_axis", true) },
    .want = { { CASE_T, "2,3", D (1, 0, 0, 2, 3, 4) }, { CASE_I32, "2", D (1, 0) },
              { CASE_I32, "3", D (1, 0, 0) }, { CASE_I32, "2", D (2, 1) } }, .dtypes = "fiu" },
  { "unique_slices", "unique",
    { { CASE_T, "2,4,2", D (1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1) } },
    { AI ("n", 3), AI ("axis", -2), AB ("has_axis", true) },
    .want = { { CASE_T, "2,3,2", D (0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1) },
              { CASE_I32, "3", D (1, 0, 2) }, { CASE_I32, "4", D (1, 0, 2, 0) },
              { CASE_I32, "3", D (2, 1, 1) } }, .dtypes = "fiu" },
  { "unique_nan", "unique", { { CASE_T, "4", D (NAN, 1, NAN, -INFINITY) } }, { AI ("n", 3) },
    .want = { { CASE_T, "3", D (-INFINITY, 1, NAN) }, { CASE_I32, "3", D (3, 1, 0) },
              { CASE_I32, "4", D (2, 1, 2, 0) }, { CASE_I32, "3", D (1, 1, 2) } } },
  { "unique_of_nothing", "unique", { { CASE_T, "0,2", EMPTY } }, { AI ("n", 0) },
    .want = { { CASE_T, "0", EMPTY }, { CASE_I32, "0", EMPTY }, { CASE_I32, "0", EMPTY },
              { CASE_I32, "0", EMPTY } } },

  { "nms", "nms", { ROW_OF_BOXES, SCORES },
    { AI ("n", 3), AI ("max_per_class", 3), AF ("iou", 0.5), AF ("score", 0) },
    .want = { { CASE_I32, "3,3", D (0, 0, 3, 0, 0, 0, 0, 0, 5) } } },
  { "nms_score", "nms", { ROW_OF_BOXES, SCORES },
    { AI ("n", 2), AI ("max_per_class", 3), AF ("iou", 0.5), AF ("score", 0.4) },
    .want = { { CASE_I32, "2,3", D (0, 0, 3, 0, 0, 0) } } },
  { "nms_limit", "nms", { ROW_OF_BOXES, SCORES },
    { AI ("n", 1), AI ("max_per_class", 1), AF ("iou", 0.5) },
    .want = { { CASE_I32, "1,3", D (0, 0, 3) } } },
  { "nms_nothing_wanted", "nms", { ROW_OF_BOXES, SCORES }, { AI ("n", 0) },
    .want = { { CASE_I32, "0,3", EMPTY } } },
  { "nms_flipped", "nms",
    { { CASE_T, "1,3,4", D (1, 1, 0, 0, 0, 1, 1, 0, 5, 6, 4, 5) },
      { CASE_T, "1,1,3", D (0.25, 0.75, 0.5) } },
    { AI ("n", 2), AI ("max_per_class", 9), AF ("iou", 0.5) },
    .want = { { CASE_I32, "2,3", D (0, 0, 1, 0, 0, 2) } } },
  { "nms_center", "nms",
    { { CASE_T, "1,3,4", D (1, 1, 2, 2, 1.5, 1, 2, 2, 3, 1, 2, 2) },
      { CASE_T, "1,1,3", D (3, 2, 1) } },
    { AI ("n", 2), AI ("max_per_class", 9), AF ("iou", 0.5), AB ("center", true) },
    .want = { { CASE_I32, "2,3", D (0, 0, 0, 0, 0, 2) } } },
  { "nms_ties_and_equal_overlap", "nms",
    { { CASE_T, "1,2,4", D (0, 0, 2, 1, 1, 0, 3, 1) }, { CASE_T, "1,1,2", D (1, 1) } },
    { AI ("n", 2), AI ("max_per_class", 9), AF ("iou", 1. / 3) },
    .want = { { CASE_I32, "2,3", D (0, 0, 0, 0, 0, 1) } } },
  { "nms_classes_and_batches", "nms",
    { { CASE_T, "2,2,4", D (0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 4, 4, 5, 5) },
      { CASE_T, "2,2,2", D (1, 2, 2, 1, 1, 2, 0, NAN) } },
    { AI ("n", 5), AI ("max_per_class", 9), AF ("iou", 0.5) },
    .want = { { CASE_I32, "5,3", D (0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0) } } },

  { "roi_centre", "roi_align", { TWO_BY_TWO, WHOLE, FIRST }, { AI ("sampling_ratio", 1) },
    .want = { { CASE_T, "1,1,1,1", D (2.5) } } },
  { "roi_samples", "roi_align", { TWO_BY_TWO, WHOLE, FIRST },
    .want = { { CASE_T, "1,1,1,1", D (2.5) } } },
  { "roi_bins", "roi_align", { TWO_BY_TWO, WHOLE, FIRST },
    { AI ("output_height", 2), AI ("output_width", 2) },
    .want = { { CASE_T, "1,1,2,2", D (1, 2, 3, 4) } } },
  { "roi_wide", "roi_align", { TWO_BY_TWO, { CASE_T, "1,4", D (0, 0, 2, 1) }, FIRST },
    { AI ("output_width", 2) }, .want = { { CASE_T, "1,1,1,2", D (1, 2) } } },
  { "roi_max", "roi_align", { TWO_BY_TWO, WHOLE, FIRST },
    { AI ("sampling_ratio", 1), AS ("mode", "max") }, .want = { { CASE_T, "1,1,1,1", D (1) } } },
  { "roi_unshifted", "roi_align", { TWO_BY_TWO, WHOLE, FIRST },
    { AI ("sampling_ratio", 1), AS ("coordinate_transformation_mode", "output_half_pixel") },
    .want = { { CASE_T, "1,1,1,1", D (4) } } },
  { "roi_unshifted_small", "roi_align", { TWO_BY_TWO, { CASE_T, "1,4", D (0, 0, 0, 0) }, FIRST },
    { AI ("sampling_ratio", 1), AS ("coordinate_transformation_mode", "output_half_pixel") },
    .want = { { CASE_T, "1,1,1,1", D (2.5) } } },
  { "roi_scaled", "roi_align", { TWO_BY_TWO, { CASE_T, "1,4", D (0, 0, 4, 4) }, FIRST },
    { AF ("spatial_scale", 0.5), AI ("output_height", 2) },
    .want = { { CASE_T, "1,1,2,1", D (1.5, 3.5) } } },
  { "roi_outside", "roi_align", { TWO_BY_TWO, { CASE_T, "1,4", D (10, 0, 12, 2) }, FIRST },
    { AI ("sampling_ratio", 2) }, .want = { { CASE_T, "1,1,1,1", D (0) } } },
  { "roi_of_batch", "roi_align",
    { { CASE_T, "2,2,1,1", D (1, 2, 3, 4) }, { CASE_T, "2,4", D (0, 0, 1, 1, 0, 0, 1, 1) },
      { CASE_I32, "2", D (1, 0) } },
    .want = { { CASE_T, "2,2,1,1", D (3, 4, 1, 2) } } },
  { "roi_none", "roi_align",
    { TWO_BY_TWO, { CASE_T, "0,4", EMPTY }, { CASE_I32, "0", EMPTY } },
    .want = { { CASE_T, "0,1,1,1", EMPTY } } },
};
/* clang-format on */

OP_CASES (counted);
