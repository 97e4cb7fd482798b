/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients against central differences: f64 all through, single elements and random directions of
 * each float input. */
#include "tests/ops/compare.h"
#include "tests/support/sftest.h"

#include <sf/rng.h>

#define STEP         1e-5
#define N_ELEMENTS   8 /* single elements tried */
#define N_DIRECTIONS 3

typedef struct
{
  const OpCase *c;
  const CaseGraph *g;
  double *data[CASE_MAX_INPUTS];
} Point;

static double
loss_at (const Point *p, size_t input, const double *direction, size_t n, double step)
{
  g_autoptr (GError) error = NULL;
  g_autofree double *moved = g_new (double, MAX (n, 1)), *loss = NULL;
  for (size_t i = 0; i < n; i++)
    moved[i] = p->data[input][i] + step * direction[i];
  double *data[CASE_MAX_INPUTS];
  memcpy (data, p->data, sizeof data);
  data[input] = moved;
  if (!op_case_evaluate (p->g, data, true, &p->g->loss, 1, &loss, &error))
    {
      sf_test_fail (__FILE__, __LINE__, "%s", error->message);
      return NAN;
    }
  return loss[0];
}

static void
check_direction (const Point *p, size_t input, const double *gradient, const double *direction,
                 size_t n, const char *what)
{
  double slope = 0, scale = 0;
  for (size_t i = 0; i < n; i++)
    {
      slope += gradient[i] * direction[i];
      scale += fabs (gradient[i] * direction[i]);
    }
  double up = loss_at (p, input, direction, n, STEP);
  double down = loss_at (p, input, direction, n, -STEP);
  double difference = (up - down) / (2 * STEP);
  double limit = 1e-6 * MAX (scale, fabs (difference)) + 1e-8;
  SF_CHECK_MSG (fabs (difference - slope) <= limit,
                "input %zu, %s: gradient gives %.12g, differences %.12g", input, what, slope,
                difference);
}

static void
check_input (const Point *p, size_t input, const double *gradient, size_t n)
{
  g_autofree double *direction = g_new0 (double, MAX (n, 1));
  SfRng rng = { .seed = 22, .stream = sf_rng_stream_of (p->c->name), .step = (uint32_t) input };
  for (size_t k = 0; k < MIN (n, N_ELEMENTS); k++)
    {
      size_t at = n <= N_ELEMENTS ? k : sf_rng_u64 (&rng, k) % n;
      direction[at] = 1;
      g_autofree char *what = g_strdup_printf ("element %zu", at);
      check_direction (p, input, gradient, direction, n, what);
      direction[at] = 0;
    }
  for (size_t k = 0; k < N_DIRECTIONS && n > 0; k++)
    {
      for (size_t i = 0; i < n; i++)
        direction[i] = 2 * (double) sf_rng_uniform (&rng, 1000 + k * n + i) - 1;
      check_direction (p, input, gradient, direction, n, "a random direction");
    }
}

OP_TEST (OpsGradient, op_case_is_smooth)
{
  const OpCase *c = data;
  g_autoptr (GError) error = NULL;
  g_auto (CaseGraph) g = { 0 };
  if (op_case_graph (c, SF_F64, &g, &error))
    op_case_differentiate (c, &g, &error);
  SF_REQUIRE_NO_ERROR (error);
  sf_graph_verify (g.graph, &error);
  SF_REQUIRE_NO_ERROR (error);
  Point p = { .c = c, .g = &g };
  for (size_t i = 0; i < g.n_in; i++)
    if (g.in[i] != SF_NONE)
      p.data[i] = op_case_data (c, i, SF_F64);
  for (size_t i = 0; i < g.n_in; i++)
    {
      if (g.in[i] == SF_NONE || !sf_dtype_is_float (sf_value_dtype (g.graph, g.in[i]))
          || c->in[i].no_gradient)
        continue;
      size_t n = (size_t) sf_shape_n_elems (sf_value_shape (g.graph, g.in[i]));
      g_autofree double *gradient = NULL;
      if (g.grad[i] == SF_NONE)
        gradient = g_new0 (double, MAX (n, 1));
      else if (!op_case_evaluate (&g, p.data, true, &g.grad[i], 1, &gradient, &error))
        break;
      check_input (&p, i, gradient, n);
    }
  for (size_t i = 0; i < g.n_in; i++)
    g_free (p.data[i]);
  SF_REQUIRE_NO_ERROR (error);
}

/* scatter's other reductions have no gradient. */
static bool
is_set_or_sum (const OpCase *c)
{
  const SfAttr *attr = c->attrs;
  while (attr->name != NULL && !g_str_equal (attr->name, "reduce"))
    attr++;
  return attr->name == NULL || g_str_equal (attr->s, "set") || g_str_equal (attr->s, "add");
}

static bool
has_gradient (const OpCase *c)
{
  g_autoptr (GError) error = NULL;
  const SfOp *op = sf_op_find (c->op, &error);
  return op != NULL && sf_op_has_gradient (op) && op_case_allows (c, SF_F32) && is_set_or_sum (c);
}

static double
rounding (SfDtype t)
{
  return t == SF_F32 ? 1e-5 : t == SF_F16 ? 0.01 : 0.06;
}

/* The gradient of input `input`: dtype and shape of its value, and what f64 makes of the same
 * graph. */
static void
check_stored (const OpCase *c, const CaseGraph *g, size_t input, SfDtype t, double *const *data)
{
  g_autoptr (GError) error = NULL;
  SfValue x = g->in[input], dx = g->grad[input];
  const SfShape *shape = sf_value_shape (g->graph, x);
  SF_CHECK_STR (sf_dtype_name (sf_value_dtype (g->graph, dx)),
                sf_dtype_name (sf_value_dtype (g->graph, x)));
  SF_REQUIRE (sf_shape_equal (sf_value_shape (g->graph, dx), shape));
  g_autofree double *stored = NULL, *exact = NULL;
  if (op_case_evaluate (g, data, false, &dx, 1, &stored, &error))
    op_case_evaluate (g, data, true, &dx, 1, &exact, &error);
  SF_REQUIRE_NO_ERROR (error);
  double worst = op_compare (stored, exact, (size_t) sf_shape_n_elems (shape));
  SF_CHECK_MSG (worst <= rounding (t), "%s: gradient %zu in %s is off by %g, at most %g wanted",
                c->op, input, sf_dtype_name (t), worst, rounding (t));
}

OP_TEST (OpsGradientDtype, has_gradient)
{
  static const SfDtype dtypes[] = { SF_F32, SF_F16, SF_BF16 };
  const OpCase *c = data;
  for (size_t k = 0; k < G_N_ELEMENTS (dtypes); k++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (CaseGraph) g = { 0 };
      op_case_graph (c, dtypes[k], &g, &error);
      SF_REQUIRE_NO_ERROR (error);
      if (!sf_dtype_is_float (sf_value_dtype (g.graph, g.out[0])))
        return;
      op_case_differentiate (c, &g, &error);
      SF_REQUIRE_NO_ERROR (error);
      sf_graph_verify (g.graph, &error);
      SF_REQUIRE_NO_ERROR (error);
      double *in[CASE_MAX_INPUTS] = { NULL };
      for (size_t i = 0; i < g.n_in; i++)
        if (g.in[i] != SF_NONE)
          in[i] = op_case_data (c, i, dtypes[k]);
      for (size_t i = 0; i < g.n_in; i++)
        if (g.grad[i] != SF_NONE)
          check_stored (c, &g, i, dtypes[k], in);
      for (size_t i = 0; i < g.n_in; i++)
        g_free (in[i]);
    }
}
