/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of the elementwise ops. */
#include <math.h>

#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* A rule at work. Formulas of more than one rounding are computed in the wide dtype: x, y and dy
 * are widened here, and `finish` narrows the result to the dtype of input i and sums over the
 * dimensions that broadcasting repeated. */
typedef struct
{
  SfExpr e;
  SfGradient *g;
  SfValue dy;
} Rule;

static Rule
begin (SfGradient *g)
{
  Rule r = { .e = sf_expr_begin (g->graph), .g = g };
  r.dy = sf_expr_wide (&r.e, g->dy[0]);
  return r;
}

/* Operands are widened when a formula asks for them, so that rules leave nothing dead behind. */
static SfValue
input (Rule *r, size_t i)
{
  return sf_expr_wide (&r->e, sf_node_input (r->g->graph, r->g->node, i));
}

static SfValue
output (Rule *r)
{
  return sf_expr_wide (&r->e, sf_node_output (r->g->graph, r->g->node, 0));
}

static void
finish (Rule *r, size_t i, SfValue dx)
{
  SfValue x = sf_node_input (r->g->graph, r->g->node, i);
  dx = sf_expr_unbroadcast (&r->e, dx, sf_expr_shape (&r->e, x));
  r->g->dx[i] = dx;
}

static bool
end (Rule *r, GError **error)
{
  return sf_expr_end (&r->e, error);
}

/* Unary rules whose factor f'(x) is an expression: dx = dy * factor. */
typedef SfValue (*Factor) (Rule *r);

static bool
unary (SfGradient *g, Factor factor, GError **error)
{
  if (!g->needs[0])
    return true;
  Rule r = begin (g);
  finish (&r, 0, sf_expr_2 (&r.e, "mul", r.dy, factor (&r)));
  return end (&r, error);
}

SF_GRADIENT_RULE (neg)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  gradient->dx[0] = sf_expr_1 (&e, "neg", gradient->dy[0]);
  return sf_expr_end (&e, error);
}

static SfValue
abs_factor (Rule *r)
{
  return sf_expr_1 (&r->e, "sign", input (r, 0));
}

SF_GRADIENT_RULE (abs)
{
  return unary (gradient, abs_factor, error);
}

static SfValue
exp_factor (Rule *r)
{
  return output (r);
}

SF_GRADIENT_RULE (exp)
{
  return unary (gradient, exp_factor, error);
}

SF_GRADIENT_RULE (log)
{
  if (!gradient->needs[0])
    return true;
  Rule r = begin (gradient);
  finish (&r, 0, sf_expr_2 (&r.e, "div", r.dy, input (&r, 0)));
  return end (&r, error);
}

SF_GRADIENT_RULE (sqrt)
{
  if (!gradient->needs[0])
    return true;
  Rule r = begin (gradient);
  finish (&r, 0, sf_expr_2 (&r.e, "div", r.dy, sf_expr_2f (&r.e, "mul", output (&r), 2)));
  return end (&r, error);
}

static SfValue
rsqrt_factor (Rule *r)
{
  SfValue y = output (r);
  SfValue cube = sf_expr_2 (&r->e, "mul", y, sf_expr_2 (&r->e, "mul", y, y));
  return sf_expr_2f (&r->e, "mul", cube, -0.5);
}

SF_GRADIENT_RULE (rsqrt)
{
  return unary (gradient, rsqrt_factor, error);
}

static SfValue
reciprocal_factor (Rule *r)
{
  SfValue y = output (r);
  return sf_expr_1 (&r->e, "neg", sf_expr_2 (&r->e, "mul", y, y));
}

SF_GRADIENT_RULE (reciprocal)
{
  return unary (gradient, reciprocal_factor, error);
}

static SfValue
sin_factor (Rule *r)
{
  return sf_expr_1 (&r->e, "cos", input (r, 0));
}

SF_GRADIENT_RULE (sin)
{
  return unary (gradient, sin_factor, error);
}

static SfValue
cos_factor (Rule *r)
{
  return sf_expr_1 (&r->e, "neg", sf_expr_1 (&r->e, "sin", input (r, 0)));
}

SF_GRADIENT_RULE (cos)
{
  return unary (gradient, cos_factor, error);
}

/* 1 - v */
static SfValue
complement (SfExpr *e, SfValue v)
{
  return sf_expr_2 (e, "sub", sf_expr_f (e, sf_expr_dtype (e, v), 1), v);
}

static SfValue
tan_factor (Rule *r)
{
  SfValue y = output (r);
  return sf_expr_2f (&r->e, "add", sf_expr_2 (&r->e, "mul", y, y), 1);
}

SF_GRADIENT_RULE (tan)
{
  return unary (gradient, tan_factor, error);
}

/* 1 / sqrt (sign x^2 + offset): what the inverse functions climb by. */
static SfValue
inverse_root (Rule *r, double sign, double offset)
{
  SfValue x = input (r, 0);
  SfValue square = sf_expr_2 (&r->e, "mul", x, x);
  if (sign < 0)
    square = sf_expr_1 (&r->e, "neg", square);
  return sf_expr_1 (&r->e, "rsqrt", sf_expr_2f (&r->e, "add", square, offset));
}

static SfValue
asin_factor (Rule *r)
{
  return inverse_root (r, -1, 1);
}

SF_GRADIENT_RULE (asin)
{
  return unary (gradient, asin_factor, error);
}

static SfValue
acos_factor (Rule *r)
{
  return sf_expr_1 (&r->e, "neg", inverse_root (r, -1, 1));
}

SF_GRADIENT_RULE (acos)
{
  return unary (gradient, acos_factor, error);
}

static SfValue
asinh_factor (Rule *r)
{
  return inverse_root (r, 1, 1);
}

SF_GRADIENT_RULE (asinh)
{
  return unary (gradient, asinh_factor, error);
}

static SfValue
acosh_factor (Rule *r)
{
  return inverse_root (r, 1, -1);
}

SF_GRADIENT_RULE (acosh)
{
  return unary (gradient, acosh_factor, error);
}

static SfValue
atan_factor (Rule *r)
{
  SfValue x = input (r, 0);
  SfValue below = sf_expr_2f (&r->e, "add", sf_expr_2 (&r->e, "mul", x, x), 1);
  return sf_expr_1 (&r->e, "reciprocal", below);
}

SF_GRADIENT_RULE (atan)
{
  return unary (gradient, atan_factor, error);
}

static SfValue
atanh_factor (Rule *r)
{
  SfValue x = input (r, 0);
  return sf_expr_1 (&r->e, "reciprocal", complement (&r->e, sf_expr_2 (&r->e, "mul", x, x)));
}

SF_GRADIENT_RULE (atanh)
{
  return unary (gradient, atanh_factor, error);
}

static SfValue
sinh_factor (Rule *r)
{
  return sf_expr_1 (&r->e, "cosh", input (r, 0));
}

SF_GRADIENT_RULE (sinh)
{
  return unary (gradient, sinh_factor, error);
}

static SfValue
cosh_factor (Rule *r)
{
  return sf_expr_1 (&r->e, "sinh", input (r, 0));
}

SF_GRADIENT_RULE (cosh)
{
  return unary (gradient, cosh_factor, error);
}

static SfValue
tanh_factor (Rule *r)
{
  SfValue y = output (r);
  return complement (&r->e, sf_expr_2 (&r->e, "mul", y, y));
}

SF_GRADIENT_RULE (tanh)
{
  return unary (gradient, tanh_factor, error);
}

static SfValue
sigmoid_factor (Rule *r)
{
  SfValue y = output (r);
  return sf_expr_2 (&r->e, "mul", y, complement (&r->e, y));
}

SF_GRADIENT_RULE (sigmoid)
{
  return unary (gradient, sigmoid_factor, error);
}

static SfValue
erf_factor (Rule *r)
{
  SfValue x = input (r, 0);
  SfValue bell = sf_expr_1 (&r->e, "exp", sf_expr_1 (&r->e, "neg", sf_expr_2 (&r->e, "mul", x, x)));
  return sf_expr_2f (&r->e, "mul", bell, M_2_SQRTPI);
}

SF_GRADIENT_RULE (erf)
{
  return unary (gradient, erf_factor, error);
}

SF_GRADIENT_RULE (zero)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  gradient->dx[0] = sf_expr_zeros (&e, sf_expr_dtype (&e, x), sf_expr_shape (&e, x));
  return sf_expr_end (&e, error);
}

/* add, sub: one rounding at most, so nothing is widened but what is summed. */
static bool
sum_rule (SfGradient *g, bool negate_b, GError **error)
{
  SfExpr e = sf_expr_begin (g->graph);
  for (size_t i = 0; i < 2; i++)
    {
      if (!g->needs[i])
        continue;
      SfShape shape = sf_expr_shape (&e, sf_node_input (g->graph, g->node, i));
      SfValue dx = sf_expr_unbroadcast (&e, g->dy[0], shape);
      g->dx[i] = i == 1 && negate_b ? sf_expr_1 (&e, "neg", dx) : dx;
    }
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (add)
{
  return sum_rule (gradient, false, error);
}

SF_GRADIENT_RULE (sub)
{
  return sum_rule (gradient, true, error);
}

SF_GRADIENT_RULE (mul)
{
  Rule r = begin (gradient);
  for (size_t i = 0; i < 2; i++)
    if (gradient->needs[i])
      finish (&r, i, sf_expr_2 (&r.e, "mul", r.dy, input (&r, 1 - i)));
  return end (&r, error);
}

SF_GRADIENT_RULE (div)
{
  Rule r = begin (gradient);
  SfValue da = sf_expr_2 (&r.e, "div", r.dy, input (&r, 1));
  if (gradient->needs[0])
    finish (&r, 0, da);
  if (gradient->needs[1])
    finish (&r, 1, sf_expr_1 (&r.e, "neg", sf_expr_2 (&r.e, "mul", da, output (&r))));
  return end (&r, error);
}

/* y = a - b q with a whole q: db = -q dy = dy (y - a) / b. */
static bool
remainder_rule (SfGradient *g, GError **error)
{
  Rule r = begin (g);
  SfExpr *e = &r.e;
  if (g->needs[0])
    finish (&r, 0, r.dy);
  if (g->needs[1])
    {
      SfValue less = sf_expr_2 (e, "sub", output (&r), input (&r, 0));
      SfValue quotient = sf_expr_1 (e, "round", sf_expr_2 (e, "div", less, input (&r, 1)));
      finish (&r, 1, sf_expr_2 (e, "mul", r.dy, quotient));
    }
  return end (&r, error);
}

SF_GRADIENT_RULE (mod)
{
  return remainder_rule (gradient, error);
}

SF_GRADIENT_RULE (fmod)
{
  return remainder_rule (gradient, error);
}

/* Where a power is constant: b = 0 gives no gradient to a; a = 0 with b >= 0 gives none to b. */
SF_GRADIENT_RULE (pow)
{
  Rule r = begin (gradient);
  SfExpr *e = &r.e;
  SfValue a = input (&r, 0), b = input (&r, 1);
  SfValue zero = sf_expr_f (e, sf_expr_dtype (e, a), 0);
  if (gradient->needs[0])
    {
      SfValue power = sf_expr_2 (e, "pow", a, sf_expr_2f (e, "sub", b, 1));
      SfValue da = sf_expr_2 (e, "mul", r.dy, sf_expr_2 (e, "mul", b, power));
      finish (&r, 0, sf_expr_3 (e, "select", sf_expr_2 (e, "eq", b, zero), zero, da));
    }
  if (gradient->needs[1])
    {
      SfValue flat = sf_expr_2 (e, "and", sf_expr_2 (e, "eq", a, zero),
                                sf_expr_2 (e, "ge", b, zero));
      SfValue slope = sf_expr_2 (e, "mul", output (&r), sf_expr_1 (e, "log", a));
      SfValue db = sf_expr_2 (e, "mul", r.dy, sf_expr_3 (e, "select", flat, zero, slope));
      finish (&r, 1, db);
    }
  return end (&r, error);
}

/* Input i gets dy, half of it where both are equal, nothing where `loses` (input i, other) holds.
 */
static bool
extremum (SfGradient *g, const char *loses, GError **error)
{
  SfExpr e = sf_expr_begin (g->graph);
  SfValue in[2] = { sf_node_input (g->graph, g->node, 0), sf_node_input (g->graph, g->node, 1) };
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, g->dy[0]), 0);
  SfValue half = sf_expr_2f (&e, "mul", g->dy[0], 0.5);
  SfValue shared = sf_expr_3 (&e, "select", sf_expr_2 (&e, "eq", in[0], in[1]), half, g->dy[0]);
  for (size_t i = 0; i < 2; i++)
    {
      if (!g->needs[i])
        continue;
      SfValue lost = sf_expr_2 (&e, loses, in[i], in[1 - i]);
      g->dx[i] = sf_expr_unbroadcast (&e, sf_expr_3 (&e, "select", lost, zero, shared),
                                      sf_expr_shape (&e, in[i]));
    }
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (max)
{
  return extremum (gradient, "lt", error);
}

SF_GRADIENT_RULE (min)
{
  return extremum (gradient, "gt", error);
}

SF_GRADIENT_RULE (select)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue chosen = sf_node_input (gradient->graph, gradient->node, 0);
  SfValue dy = gradient->dy[0];
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, dy), 0);
  for (size_t i = 1; i < 3; i++)
    {
      if (!gradient->needs[i])
        continue;
      SfValue part = i == 1 ? sf_expr_3 (&e, "select", chosen, dy, zero)
                            : sf_expr_3 (&e, "select", chosen, zero, dy);
      SfValue x = sf_node_input (gradient->graph, gradient->node, i);
      gradient->dx[i] = sf_expr_unbroadcast (&e, part, sf_expr_shape (&e, x));
    }
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (cast)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfDtype dtype = sf_expr_dtype (&e, sf_node_input (gradient->graph, gradient->node, 0));
  if (gradient->needs[0] && sf_dtype_is_float (dtype))
    gradient->dx[0] = gradient->dy[0];
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (relu)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  /* The result is positive where x is, and other gradients mostly need it, too. */
  SfValue y = sf_node_output (gradient->graph, gradient->node, 0);
  gradient->dx[0] = sf_expr_2 (&e, "relu_bwd", gradient->dy[0], y);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (gelu)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue in[] = { gradient->dy[0], sf_node_input (gradient->graph, gradient->node, 0) };
  SfAttr attr = sf_expr_attr (gradient->graph, gradient->node, "approximate");
  gradient->dx[0] = sf_expr_op (&e, "gelu_bwd", in, 2, &attr, 1, NULL);
  return sf_expr_end (&e, error);
}
