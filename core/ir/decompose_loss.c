/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of the losses. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* The parts of softmax cross-entropy that its two directions share. Labels are compared, not
 * gathered: a label that is neither a class nor ignored is refused where labels come in. */
typedef struct
{
  SfValue logits; /* wide */
  SfValue chosen; /* bool [.., C]: the class of each row that counts */
  SfValue valid;  /* bool [.., 1] */
  SfValue count;  /* scalar, at least 1 */
  SfAxes classes;
} Entropy;

static Entropy
entropy (SfExpr *e, const SfDecompose *d, size_t first)
{
  Entropy r = { .logits = sf_expr_wide (e, d->inputs[first]) };
  SfShape shape = sf_expr_shape (e, r.logits);
  int last = MAX (shape.rank - 1, 0);
  r.classes = sf_axes_range (last, last + 1);
  SfValue labels = sf_expr_reshape (e, d->inputs[first + 1], sf_axes_keep (r.classes, shape));
  SfValue ignored = sf_expr_i (e, (int32_t) sf_node_attr_int (d->from, d->node, "ignore_index"));
  r.valid = sf_expr_2 (e, "ne", labels, ignored);
  SfValue class_of = sf_expr_iota (e, SF_SHAPE (shape.dim[last]), 0);
  r.chosen = sf_expr_2 (e, "and", sf_expr_2 (e, "eq", labels, class_of), r.valid);
  SfValue counted = sf_expr_cast (e, r.valid, sf_expr_dtype (e, r.logits));
  SfValue count = sf_expr_reduce (e, "reduce_sum", counted, sf_axes_range (0, shape.rank), false);
  r.count = sf_expr_2f (e, "max", count, 1);
  return r;
}

SF_DECOMPOSE_RULE (softmax_ce)
{
  SfExpr e = sf_expr_begin (decompose->to);
  Entropy r = entropy (&e, decompose, 0);
  SfValue x = sf_expr_rows (&e, "log_softmax", &r.logits, 1, (int) r.classes.at[0]);
  SfValue surprise = sf_expr_1 (&e, "neg", x);
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, x), 0);
  SfValue picked = sf_expr_3 (&e, "select", r.chosen, surprise, zero);
  SfAxes all = sf_axes_range (0, sf_expr_shape (&e, picked).rank);
  SfValue total = sf_expr_reduce (&e, "reduce_sum", picked, all, false);
  decompose->outputs[0] = sf_expr_2 (&e, "div", total, r.count);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (softmax_ce_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  Entropy r = entropy (&e, decompose, 1);
  SfValue p = sf_expr_rows (&e, "softmax", &r.logits, 1, (int) r.classes.at[0]);
  SfValue wanted = sf_expr_cast (&e, r.chosen, sf_expr_dtype (&e, r.logits));
  SfValue miss = sf_expr_2 (&e, "sub", p, wanted);
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, miss), 0);
  SfValue scale = sf_expr_2 (&e, "div", sf_expr_wide (&e, decompose->inputs[0]), r.count);
  SfValue dx = sf_expr_3 (&e, "select", r.valid, sf_expr_2 (&e, "mul", miss, scale), zero);
  decompose->outputs[0] = dx;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (mse)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = sf_expr_wide (&e, decompose->inputs[0]);
  SfValue t = sf_expr_wide (&e, decompose->inputs[1]);
  SfShape shape = sf_expr_shape (&e, x);
  SfValue miss = sf_expr_2 (&e, "sub", x, t);
  SfValue sum = sf_expr_reduce (&e, "reduce_sum", sf_expr_2 (&e, "mul", miss, miss),
                                sf_axes_range (0, shape.rank), false);
  decompose->outputs[0] = sf_expr_2f (&e, "div", sum, (double) sf_shape_n_elems (&shape));
  return sf_expr_end (&e, error);
}
