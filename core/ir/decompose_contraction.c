/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of linear and attention. */
#include <math.h>

#include "core/ir/expr.h"
#include "core/ir/rules.h"

SF_DECOMPOSE_RULE (linear)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = decompose->inputs[0], w = decompose->inputs[1];
  SfValue node_y = sf_node_output (decompose->from, decompose->node, 0);
  bool bias = decompose->n_inputs > 2 && decompose->inputs[2] != SF_NONE;
  SfShape shape = sf_expr_shape (&e, x);
  if (shape.rank == 1)
    x = sf_expr_reshape (&e, x, SF_SHAPE (1, shape.dim[0]));
  SfValue y = sf_expr_matmul (&e, x, w, false, true);
  y = bias ? sf_expr_wide (&e, y) : sf_expr_cast (&e, y, sf_value_dtype (decompose->from, node_y));
  y = sf_expr_reshape (&e, y, *sf_value_shape (decompose->from, node_y));
  if (bias)
    y = sf_expr_2 (&e, "add", y, sf_expr_wide (&e, decompose->inputs[2]));
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

typedef struct
{
  SfValue q, k, v, mask; /* mask may be SF_NONE */
  double scale;
  bool causal;
} Attention;

static Attention
attention (SfExpr *e, const SfDecompose *d, size_t first)
{
  Attention a = { .mask = SF_NONE };
  a.q = d->inputs[first];
  a.k = d->inputs[first + 1];
  a.v = d->inputs[first + 2];
  if (d->n_inputs > first + 3 && d->inputs[first + 3] != SF_NONE)
    a.mask = d->inputs[first + 3];
  a.scale = sf_node_attr_float (d->from, d->node, "scale");
  if (a.scale == 0)
    a.scale = 1 / sqrt ((double) sf_expr_shape (e, a.q).dim[3]);
  a.causal = sf_node_attr_int (d->from, d->node, "causal") != 0;
  return a;
}

/* softmax (scale q k^T + mask) in the wide dtype, where causal hides the keys after the query's own
 * position. */
static SfValue
probabilities (SfExpr *e, const Attention *a)
{
  SfValue s = sf_expr_wide (e, sf_expr_matmul (e, a->q, a->k, false, true));
  s = sf_expr_2f (e, "mul", s, a->scale);
  if (a->mask != SF_NONE)
    s = sf_expr_2 (e, "add", s, sf_expr_wide (e, a->mask));
  if (a->causal)
    {
      SfShape shape = sf_expr_shape (e, s);
      SfValue row = sf_expr_iota (e, SF_SHAPE (shape.dim[2], 1), 0);
      SfValue column = sf_expr_iota (e, SF_SHAPE (1, shape.dim[3]), 1);
      SfValue hidden = sf_expr_f (e, sf_expr_dtype (e, s), -INFINITY);
      s = sf_expr_3 (e, "select", sf_expr_2 (e, "ge", row, column), s, hidden);
    }
  return sf_expr_rows (e, "softmax", &s, 1, 3);
}

SF_DECOMPOSE_RULE (attention)
{
  SfExpr e = sf_expr_begin (decompose->to);
  Attention a = attention (&e, decompose, 0);
  SfValue y = sf_expr_matmul (&e, probabilities (&e, &a), sf_expr_wide (&e, a.v), false, false);
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (attention_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  Attention a = attention (&e, decompose, 1);
  SfValue dy = decompose->inputs[0];
  SfValue p = probabilities (&e, &a);
  SfValue dv = sf_expr_matmul (&e, p, sf_expr_wide (&e, dy), true, false);
  SfValue dp = sf_expr_wide (&e, sf_expr_matmul (&e, dy, a.v, false, true));
  SfValue ds = sf_expr_rows (&e, "softmax_bwd", (SfValue[]){ dp, p }, 2, 3);
  ds = sf_expr_2f (&e, "mul", ds, a.scale);
  SfValue d[3] = { sf_expr_matmul (&e, ds, sf_expr_wide (&e, a.k), false, false),
                   sf_expr_matmul (&e, ds, sf_expr_wide (&e, a.q), true, false), dv };
  for (size_t i = 0; i < 3; i++)
    decompose->outputs[i] = d[i];
  return sf_expr_end (&e, error);
}
