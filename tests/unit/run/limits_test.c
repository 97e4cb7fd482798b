/* SPDX-License-Identifier: Apache-2.0 */
/* The measure by which a backend is judged, on numbers worked out by hand. */
#include "core/run/limits.h"

#include "tests/support/sftest.h"

#include <math.h>

static SfLimits *
read_limits (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sf_test_source_path ("etc/limits.cfg");
  SfLimits *limits = sf_limits_read (path, &error);
  SF_CHECK_NO_ERROR (error);
  return limits;
}

typedef struct
{
  const char *name;
  double reference[2], found[2], magnitude[2];
  double nmse, max_abs;
  bool cancels;
} Case;

/* scale 4, eps 2^-24: the floor of one element of magnitude 1 is (4 2^-24)^2 = 2^-44. */
static const Case cases[] = {
  { "equal", { 1, 2 }, { 1, 2 }, { 1, 2 }, 0, 0 },
  { "both zero", { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 0 },
  { "one wrong", { 3, 4 }, { 3, 4.5 }, { 3, 4 }, 0.25 / 25, 0.5 },
  { "zero but for rounding", { 0, 0 }, { 0x1p-30, 0 }, { 1, 1 }, 0x1p-60 / 0x1p-43, 0x1p-30 },
  { "noise instead of zero", { 0, 0 }, { 1, 0 }, { 1, 1 }, 0x1p43, 1 },
  { "what cancelling terms leave", { 0, 0 }, { 0x1p-23, 0 }, { 1, 1 }, 0, 0x1p-23, true },
  { "more than they leave", { 0, 0 }, { 0x1p-21, 0 }, { 1, 1 }, 0x1p-44 / 0x1p-43, 0x1p-21, true },
  { "no magnitude excuses it", { 0, 0 }, { 0x1p-30, 0 }, { 0, 0 }, INFINITY, 0x1p-30 },
  { "NaN for a number", { 1, 2 }, { 1, NAN }, { 1, 2 }, INFINITY, INFINITY },
  { "number for NaN", { 1, NAN }, { 1, 2 }, { 1, 2 }, INFINITY, INFINITY },
  { "NaN for NaN", { 1, NAN }, { 1, NAN }, { 1, 2 }, 0, 0 },
  { "infinity for infinity", { INFINITY, 1 }, { INFINITY, 1 }, { 1, 1 }, 0, 0 },
  { "infinity of the other sign", { INFINITY, 1 }, { -INFINITY, 1 }, { 1, 1 }, INFINITY, INFINITY },
  { "overflow", { 1e38, 1 }, { INFINITY, 1 }, { 1, 1 }, INFINITY, INFINITY },
  { "NaN beside an error", { NAN, 4 }, { NAN, 5 }, { 1, 4 }, 1.0 / 16, 1 },
};

SF_TEST_CASES (Limits, Measure, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  double max_abs = -1;
  g_autoptr (SfLimits) limits = read_limits ();
  double nmse = sf_limits_measure (limits, c->reference, c->found, c->magnitude, c->cancels, 2,
                                   &max_abs);
  if (isinf (c->nmse))
    SF_CHECK (isinf (nmse));
  else
    SF_CHECK_NEAR (nmse, c->nmse, 1e-12 * c->nmse);
  if (isinf (c->max_abs))
    SF_CHECK (isinf (max_abs));
  else
    SF_CHECK_NEAR (max_abs, c->max_abs, 0);
}

/* dgamma = sum dy (x - mean) rstd: x and mean may be large and next to each other. */
SF_TEST (Limits, MagnitudeOfNormGradient)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new ("g");
  SfValue dy = sf_graph_input (graph, "dy", SF_F32, SF_SHAPE (2, 1), &error);
  SfValue x = sf_graph_input (graph, "x", SF_F32, SF_SHAPE (2, 1), &error);
  SfValue gamma = sf_graph_input (graph, "gamma", SF_F32, SF_SHAPE (1), &error);
  SfValue mean = sf_graph_input (graph, "mean", SF_F32, SF_SHAPE (1), &error);
  SfValue rstd = sf_graph_input (graph, "rstd", SF_F32, SF_SHAPE (1), &error);
  const SfValue inputs[] = { dy, x, gamma, mean, rstd };
  SfValue out[3];
  sf_graph_add (graph, "batch_norm_bwd", inputs, 5, NULL, 0, out, &error);
  SF_REQUIRE_NO_ERROR (error);
  double dys[] = { 1, -2 }, xs[] = { 5, 3 }, ones[] = { 1 }, means[] = { 4 }, dgamma[] = { 3 };
  double *reference[] = { dys, xs, ones, means, ones, NULL, dgamma, NULL };
  SF_REQUIRE (rstd == 4 && out[1] == 6);
  g_autofree double *magnitude = sf_limits_magnitude (graph, out[1], reference, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_NEAR (magnitude[0], 1 * (5 + 4) + 2 * (3 + 4), 1e-12);
}

SF_TEST (Limits, WhatMayCancel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new ("g");
  SfValue x = sf_graph_input (graph, "x", SF_F32, SF_SHAPE (2, 3, 4), &error);
  SfValue c = sf_graph_input (graph, "c", SF_F32, SF_SHAPE (3), &error);
  SfValue d = sf_graph_input (graph, "d", SF_F32, SF_SHAPE (4), &error);
  const SfValue inputs[] = { x, c, c, c, c };
  SfValue norm[5];
  sf_graph_add (graph, "batch_norm", inputs, 5, NULL, 0, norm, &error);
  SF_REQUIRE_NO_ERROR (error);
  static const bool wanted[] = { false, true, false, true, false };
  for (int i = 0; i < 5; i++)
    SF_CHECK (sf_limits_cancels (graph, norm[i]) == wanted[i]);
  const SfValue rows[] = { x, d, d };
  sf_graph_add (graph, "layer_norm", rows, 3, NULL, 0, norm, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (int i = 0; i < 3; i++)
    SF_CHECK (sf_limits_cancels (graph, norm[i]) == (i == 1));
  SF_CHECK (sf_limits_cancels (graph, sf_graph_op2 (graph, "mse", x, x, &error)));
  SF_CHECK (!sf_limits_cancels (graph, sf_graph_op2 (graph, "add", x, x, &error)));
  SF_CHECK (!sf_limits_cancels (graph, x));
}

/* The shipped limits catch what a broken kernel does, as conventions ask: a result scaled by 1.001
 * in f32, by 1.05 in bf16, a lost sign, a lost element of 2048. */
SF_TEST (Limits, CatchBrokenKernels)
{
  enum
  {
    N = 2048
  };
  g_autoptr (SfLimits) limits = read_limits ();
  static double reference[N], found[N], magnitude[N];
  static const SfDtype dtypes[] = { SF_F32, SF_BF16 };
  double max_abs;
  for (int i = 0; i < N; i++)
    {
      reference[i] = sin (i + 1.0);
      magnitude[i] = 4;
    }
  for (size_t d = 0; d < G_N_ELEMENTS (dtypes); d++)
    {
      double limit = sf_limits_nmse (limits, dtypes[d], "contraction");
      SF_CHECK (limit > 0);
      for (int i = 0; i < N; i++)
        found[i] = reference[i] * (dtypes[d] == SF_F32 ? 1.001 : 1.05);
      SF_CHECK (sf_limits_measure (limits, reference, found, magnitude, true, N, &max_abs) > limit);
      for (int i = 0; i < N; i++)
        found[i] = i == N - 1 ? 0 : reference[i];
      SF_CHECK (sf_limits_measure (limits, reference, found, magnitude, true, N, &max_abs) > limit);
      for (int i = 0; i < N; i++)
        found[i] = i == 7 ? -reference[i] : reference[i];
      SF_CHECK (sf_limits_measure (limits, reference, found, magnitude, true, N, &max_abs) > limit);
    }
  /* Rounding to f32 passes. */
  for (int i = 0; i < N; i++)
    found[i] = (float) reference[i];
  SF_CHECK (sf_limits_measure (limits, reference, found, magnitude, true, N, &max_abs)
            < sf_limits_nmse (limits, SF_F32, "contraction"));
}

/* y = x w^T with x = [1, -2], w = [3, 4]: y = -5, on absolute values 11. */
SF_TEST (Limits, MagnitudeOfSum)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new ("g");
  SfValue x = sf_graph_input (graph, "x", SF_F32, SF_SHAPE (1, 2), &error);
  SfValue w = sf_graph_state (graph, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (1, 2), NULL, &error);
  SfValue y = sf_graph_op2 (graph, "linear", x, w, &error);
  SfValue z = sf_graph_op1 (graph, "tanh", y, &error);
  SF_REQUIRE_NO_ERROR (error);
  double xs[] = { 1, -2 }, ws[] = { 3, 4 }, ys[] = { -5 }, zs[] = { -0.9999092042625951 };
  double *reference[] = { xs, ws, ys, zs };
  SF_REQUIRE (x == 0 && w == 1 && y == 2 && z == 3);
  g_autofree double *magnitude = sf_limits_magnitude (graph, y, reference, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_NEAR (magnitude[0], 11, 0);
  /* Elementwise: the largest of input and output. */
  g_autofree double *plain = sf_limits_magnitude (graph, z, reference, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_NEAR (plain[0], 5, 0);
  /* Inputs unknown: its own. */
  reference[2] = NULL;
  g_autofree double *own = sf_limits_magnitude (graph, z, reference, &error);
  SF_CHECK_NEAR (own[0], 0.9999092042625951, 0);
}

/* Two rows of two classes that the model is sure of, and one without a label: at the labels stand
 * differences of 1 / 2, elsewhere the gradient itself; their sum over rows adds these up. */
SF_TEST (Limits, MagnitudeOfLabelGradient)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new ("g");
  SfValue dloss = sf_graph_input (graph, "dloss", SF_F32, sf_shape_scalar (), &error);
  SfValue logits = sf_graph_input (graph, "logits", SF_F32, SF_SHAPE (3, 2), &error);
  SfValue labels = sf_graph_input (graph, "labels", SF_I32, SF_SHAPE (3), &error);
  SfValue dlogits = sf_graph_op3 (graph, "softmax_ce_bwd", dloss, logits, labels, &error);
  const int64_t rows[] = { 0 };
  SfAttr axes = SF_ATTR_IS ("axes", rows, 1);
  SfValue sum = sf_graph_op (graph, "reduce_sum", &dlogits, 1, &axes, 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  double dl[] = { 1 }, ls[] = { 20, 0, 0, 20, 1, 1 }, at[] = { 0, 1, -1 };
  double ds[] = { -1e-9, 1e-9, 1e-9, -1e-9, 0, 0 }, ss[] = { 0, 0 };
  double *reference[] = { dl, ls, at, ds, ss };
  SF_REQUIRE (dloss == 0 && logits == 1 && labels == 2 && dlogits == 3 && sum == 4);
  SF_CHECK (sf_limits_cancels (graph, dlogits));
  const double wanted[] = { 0.5, 1e-9, 1e-9, 0.5, 0, 0 };
  g_autofree double *magnitude = sf_limits_magnitude (graph, dlogits, reference, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (int i = 0; i < 6; i++)
    SF_CHECK_NEAR (magnitude[i], wanted[i], 0);
  g_autofree double *summed = sf_limits_magnitude (graph, sum, reference, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_NEAR (summed[0], 0.5 + 1e-9, 1e-15);
  SF_CHECK_NEAR (summed[1], 0.5 + 1e-9, 1e-15);
}

SF_TEST (Limits, Classes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new ("g");
  SfValue x = sf_graph_input (graph, "x", SF_F32, SF_SHAPE (1, 2), &error);
  SfValue n = sf_graph_input (graph, "n", SF_I32, SF_SHAPE (1), &error);
  SfValue w = sf_graph_state (graph, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (1, 2), NULL, &error);
  SfValue y = sf_graph_op2 (graph, "linear", x, w, &error);
  SfValue z = sf_graph_op1 (graph, "relu", y, &error);
  sf_graph_set_phase (graph, SF_PHASE_BWD);
  SfValue g = sf_graph_op1 (graph, "neg", z, &error);
  sf_graph_set_phase (graph, SF_PHASE_OPT);
  SfValue u = sf_graph_op1 (graph, "neg", w, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_limits_class (graph, n), "exact");
  SF_CHECK_STR (sf_limits_class (graph, x), "other");
  SF_CHECK_STR (sf_limits_class (graph, y), "contraction");
  SF_CHECK_STR (sf_limits_class (graph, z), "other");
  SF_CHECK_STR (sf_limits_class (graph, g), "gradient");
  SF_CHECK_STR (sf_limits_class (graph, u), "update");
  g_autoptr (SfLimits) limits = read_limits ();
  SF_CHECK_NEAR (sf_limits_nmse (limits, SF_I32, "exact"), 0, 0);
  SF_CHECK_NEAR (sf_limits_nmse (limits, SF_F32, "contraction"), 1e-10, 0);
  SF_CHECK_NEAR (sf_limits_nmse (limits, SF_F32, "gradient"), 1e-9, 0);
  SF_CHECK_NEAR (sf_limits_nmse (limits, SF_BF16, "other"), 1e-6, 0);
}

typedef struct
{
  const char *name, *text, *message;
} Bad;

#define ROW "{ contraction = 0.1; other = 0.1; gradient = 0.1; update = 0.1; };"
static const Bad bad[] = {
  { "no scale", "f32 = " ROW " bf16 = " ROW " f16 = " ROW, "scale" },
  { "no bf16", "scale = 4.0; f32 = " ROW " f16 = " ROW, "has no limits for bf16" },
  { "limit of one",
    "scale = 4.0; f32 = { contraction = 1.0; other = 0; gradient = 0; update = 0; };",
    "contraction = 1, wanted 0 <= limit < 1" },
  { "negative", "scale = 4.0; f32 = { contraction = -0.5; other = 0; gradient = 0; update = 0; };",
    "contraction = -0.5, wanted 0 <= limit < 1" },
  { "unknown row", "scale = 4.0; f32 = " ROW " bf16 = " ROW " f16 = " ROW " f23 = " ROW, "f23" },
};

SF_TEST_CASES (Limits, Refuses, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *c = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (),
                  *path = sf_test_write_file (folder, "limits.cfg", c->text, -1);
  SF_CHECK (sf_limits_read (path, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}
