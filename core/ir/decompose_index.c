/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of embedding and dropout, and dropout's eval form. */
#include <math.h>

#include "core/ir/expr.h"
#include "core/ir/rules.h"

SF_DECOMPOSE_RULE (embedding)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfAttr axis = SF_ATTR_I ("axis", 0);
  decompose->outputs[0] = sf_expr_op (&e, "gather", decompose->inputs, 2, &axis, 1, NULL);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (embedding_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue in[] = { decompose->inputs[1], decompose->inputs[0] };
  SfAttr attrs[] = { SF_ATTR_I ("axis", 0),
                     SF_ATTR_I ("size",
                                sf_node_attr_int (decompose->from, decompose->node, "rows")) };
  decompose->outputs[0] = sf_expr_op (&e, "scatter_add", in, 2, attrs, G_N_ELEMENTS (attrs), NULL);
  return sf_expr_end (&e, error);
}

/* What is kept does not depend on x: forward and backward draw the same numbers. The threshold is p
 * rounded up to the 2^-24 grid of rng_uniform, so that u >= p says the same in f32 as in f64. With
 * p = 0 all is kept, and nothing drawn. */
static bool
drop (SfDecompose *d, GError **error)
{
  SfExpr e = sf_expr_begin (d->to);
  double p = sf_node_attr_float (d->from, d->node, "p");
  if (p == 0)
    {
      d->outputs[0] = d->inputs[0];
      return sf_expr_end (&e, error);
    }
  SfValue x = sf_expr_wide (&e, d->inputs[0]);
  SfShape shape = sf_expr_shape (&e, x);
  SfAttr attrs[] = { SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank),
                     sf_expr_attr (d->from, d->node, "stream") };
  SfValue u = sf_expr_op (&e, "rng_uniform", &d->inputs[1], 1, attrs, G_N_ELEMENTS (attrs), NULL);
  SfValue keep = sf_expr_2f (&e, "ge", u, ceil (ldexp (p, 24)) * ldexp (1, -24));
  SfValue scaled = sf_expr_2f (&e, "mul", x, 1 / (1 - p));
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, x), 0);
  SfValue y = sf_expr_3 (&e, "select", keep, scaled, zero);
  d->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (dropout)
{
  return drop (decompose, error);
}

SF_DECOMPOSE_RULE (dropout_bwd)
{
  return drop (decompose, error);
}

SF_EVAL_RULE (dropout)
{
  SfExpr e = sf_expr_begin (eval->to);
  eval->outputs[0] = eval->inputs[0];
  return sf_expr_end (&e, error);
}
