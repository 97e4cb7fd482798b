/* SPDX-License-Identifier: Apache-2.0 */
/* Every case with a hand-computed result, in every dtype that its row allows, on the reference
 * backend. */
#include "tests/ops/compare.h"
#include "tests/support/sftest.h"

static double
tolerance (SfDtype t)
{
  switch (t)
    {
    case SF_F64:
      return 1e-12;
    case SF_F32:
      return 1e-6;
    case SF_F16:
      return 0x1p-10;
    case SF_BF16:
      return 0x1p-7;
    default:
      return 0;
    }
}

static bool
has_answer (const OpCase *c)
{
  return c->want[0].type != CASE_ABSENT;
}

static void
check_output (const OpCase *c, const CaseGraph *g, size_t k, SfDtype t, double *const *data)
{
  g_autoptr (GError) error = NULL;
  SfShape shape = op_case_shape (c->want[k].shape);
  g_autofree char *wanted = sf_shape_text (&shape);
  g_autofree char *found = sf_shape_text (sf_value_shape (g->graph, g->out[k]));
  SF_CHECK_STR (found, wanted);
  SF_CHECK_STR (sf_dtype_name (sf_value_dtype (g->graph, g->out[k])),
                sf_dtype_name (op_case_dtype (c->want[k].type, t)));
  g_autofree double *y = NULL;
  op_case_evaluate (g, data, false, &g->out[k], 1, &y, &error);
  SF_REQUIRE_NO_ERROR (error);
  if (c->want[k].data == NULL || g_strcmp0 (found, wanted) != 0)
    return;
  double worst = op_compare (y, c->want[k].data, (size_t) sf_shape_n_elems (&shape));
  SF_CHECK_MSG (worst <= tolerance (t), "output %zu in %s is off by %g, at most %g wanted", k,
                sf_dtype_name (t), worst, tolerance (t));
}

static void
check_dtype (const OpCase *c, SfDtype t)
{
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  op_case_graph (c, t, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  sf_graph_verify (g.graph, &error);
  SF_REQUIRE_NO_ERROR (error);
  double *data[CASE_MAX_INPUTS] = { NULL };
  for (size_t i = 0; i < g.n_in; i++)
    if (g.in[i] != SF_NONE)
      data[i] = op_case_data (c, i, t);
  for (size_t k = 0; k < g.n_out; k++)
    {
      SF_CHECK_MSG (c->want[k].type != CASE_ABSENT, "the row has no answer for output %zu", k);
      if (c->want[k].type != CASE_ABSENT)
        check_output (c, &g, k, t, data);
    }
  for (size_t i = 0; i < g.n_in; i++)
    g_free (data[i]);
}

OP_TEST (OpsValue, has_answer)
{
  const OpCase *c = data;
  for (SfDtype t = 0; t < SF_N_DTYPES; t++)
    if (op_case_allows (c, t))
      check_dtype (c, t);
}
