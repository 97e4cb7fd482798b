/* SPDX-License-Identifier: Apache-2.0 */
/* What ops refuse at run time or in differentiation, and the forms they take in evaluation. */
#include "tests/ops/compare.h"
#include "tests/support/sftest.h"

static void
refuses (const OpCase *c)
{
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  op_case_graph (c, SF_F64, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  double *data[CASE_MAX_INPUTS] = { NULL };
  g_autofree double *y = NULL;
  for (size_t i = 0; i < g.n_in; i++)
    data[i] = op_case_data (c, i, SF_F64);
  SF_CHECK (!op_case_evaluate (&g, data, true, g.out, 1, &y, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->op);
  for (size_t i = 0; i < g.n_in; i++)
    g_free (data[i]);
}

/* clang-format off */
static const OpCase outside[] = {
  { "gather_high",
    "gather",
    { { CASE_T, "2,2", D (1, 2, 3, 4) }, { CASE_I32, "1", D (2) } },
    .dtypes = "f" },
  { "gather_low",
    "gather",
    { { CASE_T, "2,2", D (1, 2, 3, 4) }, { CASE_I32, "1", D (-1) } },
    .dtypes = "f" },
  { "scatter_add_high",
    "scatter_add",
    { { CASE_I32, "1", D (2) }, { CASE_T, "1,2", D (1, 2) } },
    { AI ("size", 2) },
    .dtypes = "f" },
  { "scatter_high",
    "scatter",
    { { CASE_T, "2", D (1, 2) }, { CASE_I32, "1", D (2) }, { CASE_T, "1", D (3) } },
    .dtypes = "f" },
  { "scatter_low",
    "scatter",
    { { CASE_T, "2", D (1, 2) }, { CASE_I32, "1", D (-1) }, { CASE_T, "1", D (3) } },
    .dtypes = "f" },
  { "embedding_high",
    "embedding",
    { { CASE_T, "2,2", D (1, 2, 3, 4) }, { CASE_I32, "1", D (7) } },
    .dtypes = "f" },
  { "nonzero_more", "nonzero", { { CASE_T, "3", D (1, 0, 1) } }, { AI ("n", 1) }, .dtypes = "f" },
  { "nonzero_fewer", "nonzero", { { CASE_T, "3", D (1, 0, 1) } }, { AI ("n", 3) }, .dtypes = "f" },
  { "unique_more", "unique", { { CASE_T, "3", D (1, 0, 1) } }, { AI ("n", 1) }, .dtypes = "f" },
  { "nms_more",
    "nms",
    { { CASE_T, "1,1,4", D (0, 0, 1, 1) }, { CASE_T, "1,1,1", D (1) } },
    { AI ("n", 0), AI ("max_per_class", 1) },
    .dtypes = "f" },
  { "roi_align_batch",
    "roi_align",
    { { CASE_T, "1,1,1,1", D (1) }, { CASE_T, "1,4", D (0, 0, 1, 1) }, { CASE_I32, "1", D (1) } },
    .dtypes = "f" },
  { "roi_align_huge",
    "roi_align",
    { { CASE_T, "1,1,1,1", D (1) },
      { CASE_T, "1,4", D (0, 0, 1e300, 1) },
      { CASE_I32, "1", D (0) } },
    .dtypes = "f" },
  { "softmax_ce_label",
    "softmax_ce",
    { { CASE_T, "1,2", D (1, 2) }, { CASE_I32, "1", D (2) } },
    .dtypes = "f" },
};
/* clang-format on */

SF_TEST_CASES (OpsRefusal, IndexOutside, outside, G_N_ELEMENTS (outside), sf_test_row_name)
{
  refuses (data);
}

static const OpCase batch_norm = { "bn",
                                   "batch_norm",
                                   { { CASE_T, "2,1", D (1, 3) },
                                     { CASE_T, "1", D (2) },
                                     { CASE_T, "1", D (10) },
                                     { CASE_T, "1", D (1) },
                                     { CASE_T, "1", D (1) } },
                                   { AF ("eps", 3) },
                                   .dtypes = "f" };

static const OpCase dropout = { "drop",
                                "dropout",
                                { { CASE_T, "2", D (1, 3) }, { CASE_I32, "3", D (1, 2, 3) } },
                                { AI ("stream", 1) },
                                .dtypes = "f" };

static const OpCase product
    = { "scattered_products",
        "scatter",
        { { CASE_T, "2", D (1, 2) }, { CASE_I32, "1", D (1) }, { CASE_T, "1", D (3) } },
        { AS ("reduce", "mul") },
        .dtypes = "f" };

SF_TEST (OpsRefusal, ScatteredProductsHaveNoGradient)
{
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  op_case_graph (&product, SF_F64, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (!op_case_differentiate (&product, &g, &error));
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "scatter with reduce 'mul' has no gradient");
}

SF_TEST (OpsRefusal, StatisticHasNoGradient)
{
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  op_case_graph (&batch_norm, SF_F64, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  sf_graph_set_node_name (g.graph, g.node, "bn1");
  g.out[0] = g.out[3];
  SF_CHECK (!op_case_differentiate (&batch_norm, &g, &error));
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "bn1: ");
}

/* gamma (x - mean) / sqrt (var + eps) + beta = 2 (x - 1) / 2 + 10 by the running statistics. */
SF_TEST (OpsEval, BatchNormUsesRunningStatistics)
{
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  op_case_graph (&batch_norm, SF_F64, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  sf_graph_output (g.graph, "y", SF_OUTPUT_PREDICTION, g.out[0], &error);
  sf_graph_output (g.graph, "rstd", SF_OUTPUT_OTHER, g.out[4], &error);
  SF_REQUIRE_NO_ERROR (error);
  g_auto (CaseGraph) eval = g;
  eval.graph = sf_graph_to_eval (g.graph, &error);
  SF_REQUIRE_NO_ERROR (error);
  double *in[CASE_MAX_INPUTS] = { NULL }, *out[2] = { NULL };
  for (size_t i = 0; i < eval.n_in; i++)
    {
      in[i] = op_case_data (&batch_norm, i, SF_F64);
      eval.in[i] = sf_graph_find (eval.graph, sf_value_name (g.graph, g.in[i]));
    }
  SfValue values[] = { sf_graph_output_at (eval.graph, 0, NULL, NULL),
                       sf_graph_output_at (eval.graph, 1, NULL, NULL) };
  if (op_case_evaluate (&eval, in, true, values, 2, out, &error))
    {
      SF_CHECK_NEAR (out[0][0], 10, 1e-12);
      SF_CHECK_NEAR (out[0][1], 12, 1e-12);
      SF_CHECK_NEAR (out[1][0], 0.5, 1e-12);
    }
  SF_CHECK_NO_ERROR (error);
  for (size_t i = 0; i < eval.n_in; i++)
    g_free (in[i]);
  g_free (out[0]);
  g_free (out[1]);
}

SF_TEST (OpsEval, DropoutIsItsInput)
{
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  op_case_graph (&dropout, SF_F64, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  sf_graph_output (g.graph, "y", SF_OUTPUT_PREDICTION, g.out[0], &error);
  g_autoptr (SfGraph) eval = sf_graph_to_eval (g.graph, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_graph_n_nodes (eval) == 0);
  SF_CHECK_INT (sf_value_kind (eval, sf_graph_output_at (eval, 0, NULL, NULL)), SF_VALUE_INPUT);
}
