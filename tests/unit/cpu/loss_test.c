/* SPDX-License-Identifier: Apache-2.0 */
/* Losses, by hand, and labels that are no class. */
#include "tests/unit/cpu/onenode.h"

#define LN2 0.6931471805599453
#define LN3 1.0986122886681098
/* Probabilities 1/3 2/3; 1/2 1/2; 1/2 1/2. */
#define LOGITS                                           \
  {                                                      \
    SF_F64, { 2, { 3, 2 } }, VALUES (0, LN2, 7, 7, 1, 1) \
  }
#define LABELS(...)                            \
  {                                            \
    SF_I32, { 1, { 3 } }, VALUES (__VA_ARGS__) \
  }
#define DLOSS                 \
  {                           \
    SF_F64, { 0 }, VALUES (6) \
  }

static const OneNode cases[] = {
  { "softmax_ce",
    "softmax_ce",
    { LOGITS, LABELS (0, 1, 0) },
    .shape = { 0 },
    .want = { (LN3 + 2 * LN2) / 3 },
    .tolerance = 1e-15 },
  { "softmax_ce ignores",
    "softmax_ce",
    { LOGITS, LABELS (0, -1, -1) },
    .shape = { 0 },
    .want = { LN3 },
    .tolerance = 1e-15 },
  { "softmax_ce ignores another index",
    "softmax_ce",
    { LOGITS, LABELS (9, 1, 9) },
    { INT ("ignore_index", 9) },
    .shape = { 0 },
    .want = { LN2 },
    .tolerance = 1e-15 },
  { "softmax_ce may ignore a class",
    "softmax_ce",
    { LOGITS, LABELS (1, 0, 1) },
    { INT ("ignore_index", 1) },
    .shape = { 0 },
    .want = { LN2 },
    .tolerance = 1e-15 },
  { "softmax_ce of no row",
    "softmax_ce",
    { LOGITS, LABELS (-1, -1, -1) },
    .shape = { 0 },
    .want = { 0 } },
  { "softmax_ce of great logits",
    "softmax_ce",
    { { SF_F64, { 2, { 1, 2 } }, VALUES (1e4, -1e4) }, { SF_I32, { 1, { 1 } }, VALUES (1) } },
    .shape = { 0 },
    .want = { 2e4 } },
  { "softmax_ce_bwd",
    "softmax_ce_bwd",
    { DLOSS, LOGITS, LABELS (0, 1, 0) },
    .shape = { 2, { 3, 2 } },
    .want = { -4 / 3.0, 4 / 3.0, 1, -1, -1, 1 },
    .tolerance = 1e-14 },
  { "softmax_ce_bwd ignores",
    "softmax_ce_bwd",
    { DLOSS, LOGITS, LABELS (0, -1, -1) },
    .shape = { 2, { 3, 2 } },
    .want = { -4, 4, 0, 0, 0, 0 },
    .tolerance = 1e-14 },
  { "softmax_ce_bwd of no row",
    "softmax_ce_bwd",
    { DLOSS, LOGITS, LABELS (-1, -1, -1) },
    .shape = { 2, { 3, 2 } },
    .want = { 0, 0, 0, 0, 0, 0 } },
  { "mse",
    "mse",
    { { SF_F64, { 2, { 2, 1 } }, VALUES (1, 5) }, { SF_F64, { 2, { 2, 1 } }, VALUES (2, 2) } },
    .shape = { 0 },
    .want = { 5 } },
};

SF_TEST_CASES (CpuLoss, Value, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  one_node_check (data);
}

static void
check_refused (const OneNode *node, const char *message)
{
  g_autoptr (GError) error = NULL;
  OneGraph one;
  SF_CHECK (one_graph_build (node, &one, &error));
  SF_CHECK_NO_ERROR (error);
  SfFetch fetch = { .value = one.outputs[0] };
  SF_CHECK (!sf_evaluate (one.graph, NULL, one.feeds, one.n_feeds, &fetch, 1, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, message);
  SF_CHECK (fetch.tensor.data == NULL);
  one_graph_clear (&one);
}

SF_TEST (CpuLoss, LabelIsNoClass)
{
  const OneNode forward = { .op = "softmax_ce", .in = { LOGITS, LABELS (0, 2, 0) } };
  check_refused (&forward, "node: label [1] is 2, wanted 0 to 1 or -1 for none; ");
  const OneNode backward = { .op = "softmax_ce_bwd", .in = { DLOSS, LOGITS, LABELS (0, 0, -2) } };
  check_refused (&backward, "node: label [2] is -2, wanted 0 to 1 or -1 for none; ");
}
