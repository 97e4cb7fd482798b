/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules of the norms. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* Only y is differentiable: the statistics are there for the backward op and the running averages.
 */
static bool
only_first_output (const SfGradient *g, GError **error)
{
  for (size_t i = 1; i < sf_node_n_outputs (g->graph, g->node); i++)
    if (g->dy[i] != SF_NONE)
      return sf_fail (error, SF_ERROR_UNSUPPORTED,
                      "%s: the loss depends on output %zu of %s, a statistic without gradient; "
                      "compute that statistic with reduce_mean instead",
                      sf_node_name (g->graph, g->node), i, sf_node_op_name (g->graph, g->node));
  return true;
}

/* dx, dgamma and dbeta of a backward op go to the first three inputs. */
static bool
backward (SfGradient *g, const char *op, const SfValue in[5], const SfAttr *attrs, size_t n_attrs,
          GError **error)
{
  SfValue out[3];
  SfExpr e = sf_expr_begin (g->graph);
  sf_expr_op (&e, op, in, 5, attrs, n_attrs, out);
  for (size_t i = 0; i < 3 && e.error == NULL; i++)
    if (g->needs[i])
      g->dx[i] = out[i];
  return sf_expr_end (&e, error);
}

SF_GRADIENT_RULE (batch_norm)
{
  const SfGraph *graph = gradient->graph;
  SfNode node = gradient->node;
  if (!only_first_output (gradient, error))
    return false;
  if (gradient->dy[0] == SF_NONE)
    return true;
  SfValue in[] = { gradient->dy[0], sf_node_input (graph, node, 0), sf_node_input (graph, node, 1),
                   sf_node_output (graph, node, 3), sf_node_output (graph, node, 4) };
  return backward (gradient, "batch_norm_bwd", in, NULL, 0, error);
}

SF_GRADIENT_RULE (layer_norm)
{
  const SfGraph *graph = gradient->graph;
  SfNode node = gradient->node;
  if (!only_first_output (gradient, error))
    return false;
  if (gradient->dy[0] == SF_NONE)
    return true;
  SfValue in[] = { gradient->dy[0], sf_node_input (graph, node, 0), sf_node_input (graph, node, 1),
                   sf_node_output (graph, node, 1), sf_node_output (graph, node, 2) };
  SfAttr axis = sf_expr_attr (graph, node, "axis");
  return backward (gradient, "layer_norm_bwd", in, &axis, 1, error);
}

/* y = (x - mean) rstd gamma + beta with rstd = (var + eps)^-1/2, every parameter per channel. */
SF_GRADIENT_RULE (batch_norm_infer)
{
  SfExpr e = sf_expr_begin (gradient->graph);
  const bool *needs = gradient->needs;
  SfValue in[5], *d = gradient->dx;
  for (size_t i = 0; i < 5; i++)
    in[i] = sf_node_input (gradient->graph, gradient->node, i);
  SfShape shape = sf_expr_shape (&e, in[0]);
  SfAxes others = sf_axes_range (1, shape.rank);
  others.at[0] = 0;
  SfShape per_channel = sf_axes_keep (others, shape);

  SfValue dy = sf_expr_wide (&e, gradient->dy[0]);
  double eps = sf_node_attr_float (gradient->graph, gradient->node, "eps");
  SfValue rstd = sf_expr_1 (&e, "rsqrt", sf_expr_2f (&e, "add", in[4], eps));
  SfValue slope = sf_expr_2 (&e, "mul", in[1], rstd);
  if (needs[0])
    d[0] = sf_expr_2 (&e, "mul", dy, sf_expr_reshape (&e, slope, per_channel));
  if (needs[1] || needs[4])
    {
      SfValue mean = sf_expr_reshape (&e, in[3], per_channel);
      SfValue centred = sf_expr_2 (&e, "sub", sf_expr_wide (&e, in[0]), mean);
      centred = sf_expr_2 (&e, "mul", dy, centred);
      SfValue scaled = sf_expr_reduce (&e, "reduce_sum", centred, others, false);
      scaled = sf_expr_2 (&e, "mul", scaled, rstd);
      SfValue half = sf_expr_2f (&e, "mul", sf_expr_2 (&e, "mul", slope, rstd), -0.5);
      d[4] = needs[4] ? sf_expr_2 (&e, "mul", scaled, half) : SF_NONE;
      d[1] = needs[1] ? scaled : SF_NONE;
    }
  if (needs[2])
    d[2] = sf_expr_reduce (&e, "reduce_sum", dy, others, false);
  if (needs[3])
    {
      SfValue sum = sf_expr_reduce (&e, "reduce_sum", dy, others, false);
      d[3] = sf_expr_1 (&e, "neg", sf_expr_2 (&e, "mul", sum, slope));
    }
  return sf_expr_end (&e, error);
}
