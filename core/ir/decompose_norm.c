/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of the norms, and batch_norm's eval form. */
#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* What a norm averages over: `over` of `shape`, with the statistics kept as `kept` and listed as
 * `stats`, parameters shaped `params`. */
typedef struct
{
  SfAxes over;
  SfShape shape, kept, stats, params;
  double n;
} Norm;

static Norm
batch_norm (SfShape shape)
{
  Norm norm = { .over = sf_axes_range (1, shape.rank), .shape = shape };
  norm.over.at[0] = 0;
  norm.n = (double) sf_axes_n_elems (norm.over, shape);
  norm.kept = norm.params = sf_axes_keep (norm.over, shape);
  norm.stats = SF_SHAPE (shape.dim[1]);
  return norm;
}

static Norm
layer_norm (const SfDecompose *d, SfShape shape)
{
  int axis = sf_axis_of (d->from, d->node, shape.rank);
  Norm norm = { .over = sf_axes_range (axis, shape.rank), .shape = shape };
  norm.n = (double) sf_axes_n_elems (norm.over, shape);
  norm.kept = sf_axes_keep (norm.over, shape);
  norm.stats = sf_shape (axis, shape.dim);
  norm.params = sf_shape (shape.rank - axis, shape.dim + axis);
  return norm;
}

static SfValue
average (SfExpr *e, SfValue v, const Norm *norm)
{
  return sf_expr_2f (e, "div", sf_expr_reduce (e, "reduce_sum", v, norm->over, true), norm->n);
}

/* v * gamma + beta, parameters as the node has them. */
static SfValue
scale_shift (SfExpr *e, SfValue v, SfValue gamma, SfValue beta, const Norm *norm)
{
  v = sf_expr_2 (e, "mul", v, sf_expr_reshape (e, gamma, norm->params));
  return sf_expr_2 (e, "add", v, sf_expr_reshape (e, beta, norm->params));
}

/* Two passes: the variance is the mean square of what is left after the mean is taken away. */
typedef struct
{
  SfValue mean, var, rstd,
      y; /* statistics with kept dimensions; y normalised, before gamma and beta */
} Normalised;

static Normalised
normalise (SfExpr *e, SfValue x, double eps, const Norm *norm)
{
  Normalised r;
  r.mean = average (e, x, norm);
  SfValue centred = sf_expr_2 (e, "sub", x, r.mean);
  r.var = average (e, sf_expr_2 (e, "mul", centred, centred), norm);
  r.rstd = sf_expr_1 (e, "rsqrt", sf_expr_2f (e, "add", r.var, eps));
  r.y = sf_expr_2 (e, "mul", centred, r.rstd);
  return r;
}

/* ---- batch_norm ---- */

/* What each image adds to a sum over the batch, as a table with a row for each image: the pixels
 * are summed where the image is at hand. */
static SfValue
sum_pixels (SfExpr *e, SfValue v, const Norm *norm)
{
  if (norm->shape.rank > 2)
    v = sf_expr_reduce (e, "reduce_sum", v, sf_axes_range (2, norm->shape.rank), true);
  return sf_expr_reshape (e, v, SF_SHAPE (norm->shape.dim[0], norm->shape.dim[1]));
}

/* The sum of such rows, with kept dimensions. */
static SfValue
sum_images (SfExpr *e, SfValue table, const Norm *norm)
{
  return sf_expr_reshape (e, sf_expr_reduce (e, "reduce_sum", table, sf_axes_range (0, 1), true),
                          norm->kept);
}

/* Mean and variance of each channel from those of each image (Chan, Golub and LeVeque, 1979): the
 * squares within an image are about its own mean, so that one pass over the batch is enough and
 * nothing large cancels. */
static Normalised
normalise_batch (SfExpr *e, SfValue x, double eps, const Norm *norm)
{
  Normalised r;
  double images = (double) norm->shape.dim[0], pixels = norm->n / images;
  SfAxes inner = sf_axes_range (2, norm->shape.rank);
  SfValue own = sf_expr_2f (e, "div", sf_expr_reduce (e, "reduce_sum", x, inner, true), pixels);
  SfValue apart = sf_expr_2 (e, "sub", x, own);
  SfValue within = sum_pixels (e, sf_expr_2 (e, "mul", apart, apart), norm);
  own = sf_expr_reshape (e, own, SF_SHAPE (norm->shape.dim[0], norm->shape.dim[1]));
  r.mean = sf_expr_2f (e, "div", sum_images (e, own, norm), images);
  SfValue off = sf_expr_2 (e, "sub", own, sf_expr_reshape (e, r.mean, norm->stats));
  SfValue between = sf_expr_2f (e, "mul", sf_expr_2 (e, "mul", off, off), pixels);
  SfValue squares = sum_images (e, sf_expr_2 (e, "add", within, between), norm);
  r.var = sf_expr_2f (e, "div", squares, norm->n);
  r.rstd = sf_expr_1 (e, "rsqrt", sf_expr_2f (e, "add", r.var, eps));
  r.y = sf_expr_2 (e, "mul", sf_expr_2 (e, "sub", x, r.mean), r.rstd);
  return r;
}

/* (1 - momentum) old + momentum now */
static SfValue
running (SfExpr *e, SfValue old, SfValue now, double momentum)
{
  return sf_expr_2 (e, "add", sf_expr_2f (e, "mul", old, 1 - momentum),
                    sf_expr_2f (e, "mul", now, momentum));
}

SF_DECOMPOSE_RULE (batch_norm)
{
  SfExpr e = sf_expr_begin (decompose->to);
  const SfValue *in = decompose->inputs;
  double momentum = sf_node_attr_float (decompose->from, decompose->node, "momentum");
  SfValue x = sf_expr_wide (&e, in[0]);
  Norm norm = batch_norm (sf_expr_shape (&e, x));
  double eps = sf_node_attr_float (decompose->from, decompose->node, "eps");
  bool has_images = norm.n > (double) norm.shape.dim[0];
  Normalised r = has_images ? normalise_batch (&e, x, eps, &norm) : normalise (&e, x, eps, &norm);
  SfValue y = scale_shift (&e, r.y, in[1], in[2], &norm);
  SfValue mean = sf_expr_reshape (&e, r.mean, norm.stats);
  SfValue var = sf_expr_reshape (&e, r.var, norm.stats);
  SfValue unbiased = sf_expr_2f (&e, "mul", var, norm.n / MAX (norm.n - 1, 1));
  decompose->outputs[0] = y;
  decompose->outputs[1] = running (&e, in[3], mean, momentum);
  decompose->outputs[2] = running (&e, in[4], unbiased, momentum);
  decompose->outputs[3] = mean;
  decompose->outputs[4] = sf_expr_reshape (&e, r.rstd, norm.stats);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (batch_norm_infer)
{
  SfExpr e = sf_expr_begin (decompose->to);
  const SfValue *in = decompose->inputs;
  double eps = sf_node_attr_float (decompose->from, decompose->node, "eps");
  SfValue x = sf_expr_wide (&e, in[0]);
  Norm norm = batch_norm (sf_expr_shape (&e, x));
  SfValue rstd = sf_expr_1 (&e, "rsqrt", sf_expr_2f (&e, "add", in[4], eps));
  x = sf_expr_2 (&e, "sub", x, sf_expr_reshape (&e, in[3], norm.kept));
  x = sf_expr_2 (&e, "mul", x, sf_expr_reshape (&e, rstd, norm.kept));
  SfValue y = scale_shift (&e, x, in[1], in[2], &norm);
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (layer_norm)
{
  SfExpr e = sf_expr_begin (decompose->to);
  const SfValue *in = decompose->inputs;
  SfValue x = sf_expr_wide (&e, in[0]);
  Norm norm = layer_norm (decompose, sf_expr_shape (&e, x));
  Normalised r = normalise (&e, x, sf_node_attr_float (decompose->from, decompose->node, "eps"),
                            &norm);
  SfValue y = scale_shift (&e, r.y, in[1], in[2], &norm);
  decompose->outputs[0] = y;
  decompose->outputs[1] = sf_expr_reshape (&e, r.mean, norm.stats);
  decompose->outputs[2] = sf_expr_reshape (&e, r.rstd, norm.stats);
  return sf_expr_end (&e, error);
}

/* Inputs dy, x, gamma, mean, rstd. Gamma is one number to a channel, so both means that dx needs
 * are those of dgamma and dbeta: dx = rstd gamma (dy - dbeta / n - h dgamma / n). Two sums are all
 * that is taken of the batch, and dy and x all that is read again after them: mean - x is no value
 * that was made for the sums, so none of its size has to wait for them. */
SF_DECOMPOSE_RULE (batch_norm_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  const SfValue *in = decompose->inputs;
  SfValue dy = sf_expr_wide (&e, in[0]), x = sf_expr_wide (&e, in[1]);
  Norm norm = batch_norm (sf_expr_shape (&e, x));
  SfValue gamma = sf_expr_reshape (&e, in[2], norm.kept);
  SfValue mean = sf_expr_reshape (&e, in[3], norm.kept);
  SfValue rstd = sf_expr_reshape (&e, in[4], norm.kept);
  SfValue along = sf_expr_2 (&e, "mul", dy, sf_expr_2 (&e, "sub", x, mean));
  along = sum_images (&e, sum_pixels (&e, along, &norm), &norm);
  SfValue dbeta = sum_images (&e, sum_pixels (&e, dy, &norm), &norm);
  SfValue dgamma = sf_expr_2 (&e, "mul", along, rstd);
  SfValue slope = sf_expr_2 (&e, "mul", rstd, sf_expr_2f (&e, "div", dgamma, norm.n));
  SfValue dx = sf_expr_2 (&e, "mul", sf_expr_2 (&e, "sub", mean, x), slope);
  dx = sf_expr_2 (&e, "add", dx, sf_expr_2 (&e, "sub", dy, sf_expr_2f (&e, "div", dbeta, norm.n)));
  dx = sf_expr_2 (&e, "mul", dx, sf_expr_2 (&e, "mul", gamma, rstd));
  SfShape listed = sf_expr_shape (&e, in[2]);
  decompose->outputs[0] = dx;
  decompose->outputs[1] = sf_expr_reshape (&e, dgamma, listed);
  decompose->outputs[2] = sf_expr_reshape (&e, dbeta, listed);
  return sf_expr_end (&e, error);
}

/* Inputs as for batch_norm_bwd. dx sums within rows; dgamma and dbeta sum dy (x - mean) rstd and dy
 * over what the parameters do not index, over all rows: they share no value but inputs, so that
 * rows of dx wait for no other rows. */
SF_DECOMPOSE_RULE (layer_norm_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  const SfValue *in = decompose->inputs;
  SfAttr axis = sf_expr_attr (decompose->from, decompose->node, "axis");
  SfValue dy = sf_expr_wide (&e, in[0]), x = sf_expr_wide (&e, in[1]);
  Norm norm = layer_norm (decompose, sf_expr_shape (&e, x));
  SfValue mean = sf_expr_reshape (&e, in[3], norm.kept);
  SfValue rstd = sf_expr_reshape (&e, in[4], norm.kept);
  SfValue h = sf_expr_2 (&e, "mul", sf_expr_2 (&e, "sub", x, mean), rstd);
  SfValue dgamma = sf_expr_unbroadcast (&e, sf_expr_2 (&e, "mul", dy, h), norm.params);
  SfValue dbeta = sf_expr_unbroadcast (&e, dy, norm.params);
  SfShape listed = sf_expr_shape (&e, in[2]);
  decompose->outputs[0] = sf_expr_op (&e, "layer_norm_dx", in, 5, &axis, 1, NULL);
  decompose->outputs[1] = sf_expr_reshape (&e, dgamma, listed);
  decompose->outputs[2] = sf_expr_reshape (&e, dbeta, listed);
  return sf_expr_end (&e, error);
}

/* With g = dy gamma and c = mean - x: dx = rstd (g - mean g - c rstd^2 mean (g c)). */
SF_DECOMPOSE_RULE (layer_norm_dx)
{
  SfExpr e = sf_expr_begin (decompose->to);
  const SfValue *in = decompose->inputs;
  SfValue dy = sf_expr_wide (&e, in[0]), x = sf_expr_wide (&e, in[1]);
  Norm norm = layer_norm (decompose, sf_expr_shape (&e, x));
  SfValue mean = sf_expr_reshape (&e, in[3], norm.kept);
  SfValue rstd = sf_expr_reshape (&e, in[4], norm.kept);
  SfValue g = sf_expr_2 (&e, "mul", dy, sf_expr_reshape (&e, in[2], norm.params));
  SfValue c = sf_expr_2 (&e, "sub", mean, x), gc = sf_expr_2 (&e, "mul", g, c);
  SfValue slope = average (&e, gc, &norm), level = average (&e, g, &norm);
  slope = sf_expr_2 (&e, "mul", sf_expr_2 (&e, "mul", slope, rstd), rstd);
  SfValue dx = sf_expr_2 (&e, "sub", g, level);
  dx = sf_expr_2 (&e, "sub", dx, sf_expr_2 (&e, "mul", c, slope));
  decompose->outputs[0] = sf_expr_2 (&e, "mul", dx, rstd);
  return sf_expr_end (&e, error);
}

/* The running statistics take the place of the batch's and stay as they are. */
SF_EVAL_RULE (batch_norm)
{
  SfExpr e = sf_expr_begin (eval->to);
  const SfValue *in = eval->inputs;
  SfAttr eps = sf_expr_attr (eval->from, eval->node, "eps");
  eval->outputs[0] = sf_expr_op (&e, "batch_norm_infer", in, 5, &eps, 1, NULL);
  eval->outputs[1] = eval->outputs[3] = in[3];
  eval->outputs[2] = in[4];
  eval->outputs[4] = SF_NONE;
  SfValue save_rstd = sf_node_output (eval->from, eval->node, 4);
  if (sf_value_n_users (eval->from, save_rstd) > 0)
    eval->outputs[4] = sf_expr_1 (&e, "rsqrt", sf_expr_2f (&e, "add", in[4], eps.f));
  return sf_expr_end (&e, error);
}
