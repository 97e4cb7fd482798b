/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of relu and gelu. */
#include <math.h>

#include "core/ir/expr.h"
#include "core/ir/rules.h"

SF_DECOMPOSE_RULE (relu)
{
  SfExpr e = sf_expr_begin (decompose->to);
  decompose->outputs[0] = sf_expr_2f (&e, "max", decompose->inputs[0], 0);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (relu_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue dy = decompose->inputs[0];
  SfValue off = sf_expr_2f (&e, "le", decompose->inputs[1], 0);
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, dy), 0);
  decompose->outputs[0] = sf_expr_3 (&e, "select", off, zero, dy);
  return sf_expr_end (&e, error);
}

static bool
is_tanh_form (const SfDecompose *d)
{
  return g_str_equal (sf_node_attr_string (d->from, d->node, "approximate"), "tanh");
}

/* a v + b */
static SfValue
affine (SfExpr *e, SfValue v, double a, double b)
{
  return sf_expr_2f (e, "add", sf_expr_2f (e, "mul", v, a), b);
}

#define GELU_SLOPE (M_SQRT2 * M_2_SQRTPI / 2) /* sqrt (2 / pi) */
#define GELU_CUBIC 0.044715

/* Either form is x h (x): h = (1 + erf (x / sqrt 2)) / 2, or (1 + tanh (sqrt (2 / pi) (x + 0.044715
 * x^3))) / 2. */
static SfValue
gelu_gate (SfExpr *e, SfValue x, bool tanh_form)
{
  if (!tanh_form)
    return affine (e, sf_expr_1 (e, "erf", sf_expr_2f (e, "mul", x, M_SQRT1_2)), 0.5, 0.5);
  SfValue square = sf_expr_2 (e, "mul", x, x);
  SfValue inner = sf_expr_2 (e, "mul", x, affine (e, square, GELU_SLOPE * GELU_CUBIC, GELU_SLOPE));
  return affine (e, sf_expr_1 (e, "tanh", inner), 0.5, 0.5);
}

/* h' (x) = exp (-x^2 / 2) / sqrt (2 pi), or, with 1 - tanh^2 = 4 h (1 - h), 2 h (1 - h) sqrt (2 /
 * pi) (1 + 3 0.044715 x^2). */
static SfValue
gelu_gate_slope (SfExpr *e, SfValue x, SfValue gate, bool tanh_form)
{
  SfValue square = sf_expr_2 (e, "mul", x, x);
  if (!tanh_form)
    return sf_expr_2f (e, "mul", sf_expr_1 (e, "exp", sf_expr_2f (e, "mul", square, -0.5)),
                       GELU_SLOPE / 2);
  SfValue rest = sf_expr_2 (e, "sub", sf_expr_f (e, sf_expr_dtype (e, gate), 1), gate);
  SfValue bell = sf_expr_2 (e, "mul", gate, rest);
  SfValue inner = affine (e, square, 6 * GELU_SLOPE * GELU_CUBIC, 2 * GELU_SLOPE);
  return sf_expr_2 (e, "mul", bell, inner);
}

SF_DECOMPOSE_RULE (gelu)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = sf_expr_wide (&e, decompose->inputs[0]);
  SfValue y = sf_expr_2 (&e, "mul", x, gelu_gate (&e, x, is_tanh_form (decompose)));
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (gelu_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  bool tanh_form = is_tanh_form (decompose);
  SfValue dy = sf_expr_wide (&e, decompose->inputs[0]);
  SfValue x = sf_expr_wide (&e, decompose->inputs[1]);
  SfValue gate = gelu_gate (&e, x, tanh_form);
  SfValue slope = sf_expr_2 (&e, "mul", x, gelu_gate_slope (&e, x, gate, tanh_form));
  SfValue dx = sf_expr_2 (&e, "mul", dy, sf_expr_2 (&e, "add", gate, slope));
  decompose->outputs[0] = dx;
  return sf_expr_end (&e, error);
}
