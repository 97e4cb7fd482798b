/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of unfold, fold, conv2d and the pools. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* The list attributes of a window op that its adjoint shares, with room for one more. */
typedef struct
{
  SfAttr at[8];
  size_t n;
} Attrs;

static Attrs
shared_attrs (const SfGradient *g, const char *const *names)
{
  Attrs attrs = { .n = 0 };
  for (; *names != NULL; names++)
    attrs.at[attrs.n++] = sf_expr_attr (g->graph, g->node, *names);
  return attrs;
}

SF_GRADIENT_RULE (unfold)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape shape = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, 0));
  static const char *const names[] = { "kernel", "strides", "pads", "dilations", NULL };
  Attrs attrs = shared_attrs (gradient, names);
  attrs.at[attrs.n++] = SF_ATTR_IS ("size", shape.dim + 2, 2);
  gradient->dx[0] = sf_expr_op (&e, "fold", gradient->dy, 1, attrs.at, attrs.n, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (fold)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  static const char *const names[] = { "kernel", "strides", "pads", "dilations", NULL };
  Attrs attrs = shared_attrs (gradient, names);
  gradient->dx[0] = sf_expr_op (&e, "unfold", gradient->dy, 1, attrs.at, attrs.n, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (conv2d)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  SfValue w = sf_node_input (gradient->graph, gradient->node, 1);
  SfValue dy = gradient->dy[0];
  SfShape x_shape = sf_expr_shape (&e, x), w_shape = sf_expr_shape (&e, w);
  static const char *const names[] = { "strides", "pads", "dilations", "groups", NULL };
  Attrs attrs = shared_attrs (gradient, names);
  size_t n = attrs.n + 1;
  if (gradient->needs[0])
    {
      attrs.at[attrs.n] = SF_ATTR_IS ("size", x_shape.dim + 2, 2);
      gradient->dx[0] = sf_expr_op (&e, "conv2d_dx", (SfValue[]){ dy, w }, 2, attrs.at, n, NULL);
    }
  if (gradient->needs[1])
    {
      attrs.at[attrs.n] = SF_ATTR_IS ("kernel", w_shape.dim + 2, 2);
      gradient->dx[1] = sf_expr_op (&e, "conv2d_dw", (SfValue[]){ dy, x }, 2, attrs.at, n, NULL);
    }
  if (sf_node_n_inputs (gradient->graph, gradient->node) > 2 && gradient->needs[2])
    {
      SfAxes axes = { .n = 3, .at = { 0, 2, 3 } };
      gradient->dx[2] = sf_expr_reduce (&e, "reduce_sum", dy, axes, false);
    }
  return sf_expr_end (&e, error);
}

/* conv2d_dx is linear in each input: by its first the adjoint is conv2d itself, by the weight what
 * conv2d would have, with the roles of image and output changed. */
SF_GRADIENT_RULE (conv2d_dx)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue u = sf_node_input (gradient->graph, gradient->node, 0);
  SfValue w = sf_node_input (gradient->graph, gradient->node, 1);
  SfValue dy = gradient->dy[0];
  SfShape w_shape = sf_expr_shape (&e, w);
  static const char *const names[] = { "strides", "pads", "dilations", "groups", NULL };
  Attrs attrs = shared_attrs (gradient, names);
  if (gradient->needs[0])
    gradient->dx[0] = sf_expr_op (&e, "conv2d", (SfValue[]){ dy, w }, 2, attrs.at, attrs.n, NULL);
  if (gradient->needs[1])
    {
      attrs.at[attrs.n] = SF_ATTR_IS ("kernel", w_shape.dim + 2, 2);
      gradient->dx[1] = sf_expr_op (&e, "conv2d_dw", (SfValue[]){ u, dy }, 2, attrs.at, attrs.n + 1,
                                    NULL);
    }
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (max_pool2d)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue in[] = { gradient->dy[0], sf_node_input (gradient->graph, gradient->node, 0) };
  static const char *const names[]
      = { "kernel", "strides", "pads", "dilations", "ceil_mode", NULL };
  Attrs attrs = shared_attrs (gradient, names);
  gradient->dx[0] = sf_expr_op (&e, "max_pool2d_bwd", in, 2, attrs.at, attrs.n, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (avg_pool2d)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfShape shape = sf_expr_shape (&e, sf_node_input (gradient->graph, gradient->node, 0));
  static const char *const names[] = { "kernel",    "strides",           "pads",
                                       "ceil_mode", "count_include_pad", NULL };
  Attrs attrs = shared_attrs (gradient, names);
  attrs.at[attrs.n++] = SF_ATTR_IS ("size", shape.dim + 2, 2);
  gradient->dx[0] = sf_expr_op (&e, "avg_pool2d_bwd", gradient->dy, 1, attrs.at, attrs.n, NULL);
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (global_avg_pool)
{
  if (!gradient->needs[0])
    return true;
  SfExpr e = sf_expr_begin (gradient->graph);
  SfValue x = sf_node_input (gradient->graph, gradient->node, 0);
  SfShape shape = sf_expr_shape (&e, x);
  SfValue share = sf_expr_2f (&e, "div", sf_expr_wide (&e, gradient->dy[0]),
                              (double) (shape.dim[2] * shape.dim[3]));
  share = sf_expr_cast (&e, share, sf_expr_dtype (&e, x));
  gradient->dx[0] = sf_expr_broadcast (&e, share, shape);
  return sf_expr_end (&e, error);
}
