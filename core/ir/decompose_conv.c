/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of conv2d and its adjoints into unfold, matmul and fold. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* Sizes of a convolution seen as one contraction per group: y [g, o, p] = w [g, o, ck] cols [g, ck,
 * p]. */
typedef struct
{
  int64_t n, groups, o, ck, p; /* o and ck per group */
  SfShape weight;              /* [O, C / groups, KH, KW] */
  SfShape output;              /* [N, O, OH, OW] */
} Conv;

static Conv
conv (const SfDecompose *d, SfShape weight, SfShape output)
{
  int64_t groups = sf_node_attr_int (d->from, d->node, "groups");
  return (Conv){ .n = output.dim[0],
                 .groups = groups,
                 .o = output.dim[1] / groups,
                 .ck = weight.dim[1] * weight.dim[2] * weight.dim[3],
                 .p = output.dim[2] * output.dim[3],
                 .weight = weight,
                 .output = output };
}

/* The attributes that unfold and fold share with the node; `extra` fills the last place. */
static SfValue
window (SfExpr *e, const SfDecompose *d, const char *op, SfValue v, const Conv *c,
        const SfAttr *extra)
{
  SfAttr attrs[5] = { SF_ATTR_IS ("kernel", c->weight.dim + 2, 2),
                      sf_expr_attr (d->from, d->node, "strides"),
                      sf_expr_attr (d->from, d->node, "pads"),
                      sf_expr_attr (d->from, d->node, "dilations") };
  if (extra != NULL)
    attrs[4] = *extra;
  return sf_expr_op (e, op, &v, 1, attrs, extra != NULL ? 5 : 4, NULL);
}

/* x as [N, groups, C / groups KH KW, P]. */
static SfValue
columns (SfExpr *e, const SfDecompose *d, SfValue x, const Conv *c)
{
  SfValue cols = window (e, d, "unfold", x, c, NULL);
  return sf_expr_reshape (e, cols, SF_SHAPE (c->n, c->groups, c->ck, c->p));
}

static SfValue
grouped_weight (SfExpr *e, SfValue w, const Conv *c)
{
  return sf_expr_reshape (e, w, SF_SHAPE (c->groups, c->o, c->ck));
}

SF_DECOMPOSE_RULE (conv2d)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = decompose->inputs[0], w = decompose->inputs[1];
  SfValue node_y = sf_node_output (decompose->from, decompose->node, 0);
  bool bias = decompose->n_inputs > 2 && decompose->inputs[2] != SF_NONE;
  Conv c = conv (decompose, sf_expr_shape (&e, w), *sf_value_shape (decompose->from, node_y));
  SfValue y = sf_expr_matmul (&e, grouped_weight (&e, w, &c), columns (&e, decompose, x, &c), false,
                              false);
  y = bias ? sf_expr_wide (&e, y) : sf_expr_cast (&e, y, sf_value_dtype (decompose->from, node_y));
  y = sf_expr_reshape (&e, y, c.output);
  if (bias)
    {
      SfShape per_channel = SF_SHAPE (c.output.dim[1], 1, 1);
      SfValue b = sf_expr_wide (&e, decompose->inputs[2]);
      y = sf_expr_2 (&e, "add", y, sf_expr_reshape (&e, b, per_channel));
    }
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (conv2d_dx)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue dy = decompose->inputs[0], w = decompose->inputs[1];
  Conv c = conv (decompose, sf_expr_shape (&e, w), sf_expr_shape (&e, dy));
  dy = sf_expr_reshape (&e, dy, SF_SHAPE (c.n, c.groups, c.o, c.p));
  SfValue cols = sf_expr_wide (&e,
                               sf_expr_matmul (&e, grouped_weight (&e, w, &c), dy, true, false));
  cols = sf_expr_reshape (&e, cols, SF_SHAPE (c.n, c.groups * c.ck, c.p));
  SfAttr size = sf_expr_attr (decompose->from, decompose->node, "size");
  decompose->outputs[0] = window (&e, decompose, "fold", cols, &c, &size);
  return sf_expr_end (&e, error);
}

/* One contraction over all positions of all images, so that nothing is rounded between images. */
SF_DECOMPOSE_RULE (conv2d_dw)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue dy = decompose->inputs[0], x = decompose->inputs[1];
  SfValue node_dw = sf_node_output (decompose->from, decompose->node, 0);
  Conv c = conv (decompose, *sf_value_shape (decompose->from, node_dw), sf_expr_shape (&e, dy));
  SfAxes images_inside = { .n = 4, .at = { 1, 2, 0, 3 } };
  dy = sf_expr_reshape (&e, dy, SF_SHAPE (c.n, c.groups, c.o, c.p));
  dy = sf_expr_transpose (&e, dy, images_inside);
  dy = sf_expr_reshape (&e, dy, SF_SHAPE (c.groups, c.o, c.n * c.p));
  SfValue cols = sf_expr_transpose (&e, columns (&e, decompose, x, &c), images_inside);
  cols = sf_expr_reshape (&e, cols, SF_SHAPE (c.groups, c.ck, c.n * c.p));
  SfValue dw = sf_expr_matmul (&e, dy, cols, false, true);
  dw = sf_expr_cast (&e, dw, sf_value_dtype (decompose->from, node_dw));
  decompose->outputs[0] = sf_expr_reshape (&e, dw, c.weight);
  return sf_expr_end (&e, error);
}
