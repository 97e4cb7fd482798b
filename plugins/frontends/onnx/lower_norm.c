/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisations. */
#include "importer.h"

/* A vector of one entry per channel, beside values of rank `rank` whose dimension 1 is C. */
static SfValue
per_channel (OnnxNode *node, SfValue v, int rank)
{
  SfShape shape = onnx_shape (node, v);
  SfShape wide = { .rank = rank };
  for (int d = 0; d < rank; d++)
    wide.dim[d] = d == 1 ? sf_shape_n_elems (&shape) : 1;
  return onnx_reshape (node, v, wide);
}

static SfValue
full (OnnxNode *node, SfDtype dtype, double value, SfShape shape)
{
  return onnx_broadcast (node, onnx_scalar (node, dtype, value), shape);
}

static bool
want_rank (OnnxNode *node, SfShape x, int least, const char *wanted)
{
  if (onnx_failed (node))
    return false;
  if (x.rank >= least)
    return true;
  g_autofree char *text = sf_shape_text (&x);
  onnx_refuse (node, SF_ERROR_INVALID_DATA, "input X has shape %s, wanted %s", text, wanted);
  return false;
}

/* ---- BatchNormalization ---- */

typedef struct
{
  SfValue x, scale, bias, mean, var;
  double eps, momentum; /* ONNX weighs the old value */
} BatchNorm;

/* The running statistics are states of the model: it normalises by the batch's statistics in
 * training and by the running ones otherwise. */
static void
batch_norm_of_states (OnnxNode *node, const BatchNorm *b)
{
  const SfValue inputs[] = { b->x, b->scale, b->bias, b->mean, b->var };
  const SfAttr attrs[] = { SF_ATTR_F ("eps", b->eps), SF_ATTR_F ("momentum", 1 - b->momentum) };
  SfGraph *graph = onnx_graph (node);
  g_autoptr (GError) error = NULL;
  SfValue out[5] = { SF_NONE, SF_NONE, SF_NONE, SF_NONE, SF_NONE };
  onnx_node (node, "batch_norm", inputs, 5, attrs, 2, out);
  /* Layers that share their statistics: the first one moves them. */
  if (!onnx_failed (node) && sf_value_update (graph, b->mean) == SF_NONE
      && sf_value_update (graph, b->var) == SF_NONE
      && (!sf_graph_set_update (graph, b->mean, out[1], &error)
          || !sf_graph_set_update (graph, b->var, out[2], &error)))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%s", error->message);
  onnx_set (node, 0, out[0]);
  for (size_t i = 1; i < 4; i++)
    if (onnx_wants_output (node, i))
      onnx_set (node, i, out[i]);
  /* Up to opset 13 the batch's mean and variance, which exporters name and nobody reads. */
  if (onnx_wants_output (node, 4))
    onnx_set (node, 4,
              onnx_2f (node, "sub",
                       onnx_1 (node, "reciprocal", onnx_2 (node, "mul", out[4], out[4])), b->eps));
}

/* momentum old + (1 - momentum) now */
static SfValue
running (OnnxNode *node, SfValue old, SfValue now, double momentum)
{
  now = onnx_reshape (node, now, onnx_shape (node, old));
  SfValue y = onnx_2 (node, "add", onnx_2f (node, "mul", old, momentum),
                      onnx_2f (node, "mul", now, 1 - momentum));
  return onnx_cast (node, y, onnx_dtype (node, old));
}

/* (x - mean) / sqrt (var + eps) over `axes`; the statistics keep their dimensions. */
static SfValue
standardise (OnnxNode *node, SfValue x, const int64_t *axes, size_t n, double eps, SfValue *mean,
             SfValue *var)
{
  *mean = onnx_reduce (node, "reduce_mean", x, axes, n, true);
  SfValue centred = onnx_2 (node, "sub", x, *mean);
  *var = onnx_reduce (node, "reduce_mean", onnx_2 (node, "mul", centred, centred), axes, n, true);
  SfValue rstd = onnx_1 (node, "rsqrt", onnx_2f (node, "add", *var, eps));
  return onnx_2 (node, "mul", centred, rstd);
}

static SfValue
scaled (OnnxNode *node, SfValue y, SfValue scale, SfValue bias)
{
  int rank = onnx_shape (node, y).rank;
  y = onnx_2 (node, "mul", y, per_channel (node, scale, rank));
  return onnx_2 (node, "add", y, per_channel (node, bias, rank));
}

/* Statistics that the caller feeds and gets back: always by the batch. */
static void
batch_norm_of_batch (OnnxNode *node, const BatchNorm *b)
{
  int64_t axes[SF_MAX_RANK];
  SfShape shape = onnx_shape (node, b->x);
  SfDtype dtype = onnx_dtype (node, b->x);
  size_t n = 0;
  SfValue mean, var;
  for (int d = 0; d < shape.rank; d++)
    if (d != 1)
      axes[n++] = d;
  bool narrow = dtype == SF_F16 || dtype == SF_BF16;
  SfValue x = narrow ? onnx_cast (node, b->x, SF_F32) : b->x;
  SfValue y = standardise (node, x, axes, n, b->eps, &mean, &var);
  onnx_set (node, 0, onnx_cast (node, scaled (node, y, b->scale, b->bias), dtype));
  SfValue moved[] = { SF_NONE, b->mean, b->var, b->mean, b->var },
          now[] = { 0, mean, var, mean, var };
  for (size_t i = 1; i < MIN (onnx_n_outputs (node), G_N_ELEMENTS (now)); i++)
    if (onnx_wants_output (node, i))
      onnx_set (node, i, running (node, moved[i], now[i], i < 3 ? b->momentum : 0));
}

static void
batch_norm (OnnxNode *node, bool training)
{
  BatchNorm b = { .eps = onnx_float (node, "epsilon", 1e-5),
                  .momentum = onnx_float (node, "momentum", 0.9) };
  SfShape shape = onnx_input_shape (node, 0);
  if (!want_rank (node, shape, 1, "[N,C,...]"))
    return;
  b.x = onnx_input (node, 0);
  if (shape.rank == 1)
    b.x = onnx_reshape (node, b.x, SF_SHAPE (shape.dim[0], 1));
  b.scale = onnx_input (node, 1);
  b.bias = onnx_input (node, 2);
  b.mean = onnx_input_statistic (node, 3);
  b.var = onnx_input_statistic (node, 4);
  bool states = b.mean != SF_NONE && b.var != SF_NONE;
  b.mean = b.mean != SF_NONE ? b.mean : onnx_input (node, 3);
  b.var = b.var != SF_NONE ? b.var : onnx_input (node, 4);
  const SfValue inputs[] = { b.x, b.scale, b.bias, b.mean, b.var };
  const SfAttr eps = SF_ATTR_F ("eps", b.eps);
  if (states && shape.rank > 1)
    batch_norm_of_states (node, &b);
  else if (training && shape.rank > 1)
    batch_norm_of_batch (node, &b);
  else if (training)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "training_mode is 1 and X has rank 1, wanted [N,C,...]; reshape X");
  else
    onnx_set (
        node, 0,
        onnx_reshape (node, onnx_node (node, "batch_norm_infer", inputs, 5, &eps, 1, NULL), shape));
}

/* Whoever asks for the statistics of the batch trains. */
static void
lower_batch_norm_7 (OnnxNode *node)
{
  bool training = false;
  for (size_t i = 1; i < onnx_n_outputs (node); i++)
    training = training || onnx_wants_output (node, i);
  if (onnx_int (node, "spatial", 1) != 1 && !onnx_failed (node))
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "attribute spatial is 0, wanted 1; flatten X to [N,C]");
  batch_norm (node, training);
}

static void
lower_batch_norm_14 (OnnxNode *node)
{
  batch_norm (node, onnx_int (node, "training_mode", 0) != 0);
}

/* ---- over the dimensions of one example ---- */

/* layer_norm from `axis` on. scale or bias SF_NONE: 1 and 0. out: y, mean, rstd. */
static void
layer_norm (OnnxNode *node, SfValue x, int axis, double eps, SfValue scale, SfValue bias,
            SfValue out[3])
{
  SfShape shape = onnx_shape (node, x);
  SfDtype dtype = onnx_dtype (node, x);
  SfShape inner = sf_shape (MAX (shape.rank - axis, 0), &shape.dim[MIN (axis, shape.rank)]);
  const SfAttr attrs[] = { SF_ATTR_I ("axis", axis), SF_ATTR_F ("eps", eps) };
  const SfValue inputs[]
      = { x, scale == SF_NONE ? full (node, dtype, 1, inner) : onnx_broadcast (node, scale, inner),
          bias == SF_NONE ? full (node, dtype, 0, inner) : onnx_broadcast (node, bias, inner) };
  onnx_node (node, "layer_norm", inputs, 3, attrs, 2, out);
}

/* Every image's channels in `groups`, each normalised on its own. */
static SfValue
group_norm (OnnxNode *node, SfValue x, int64_t groups, double eps)
{
  SfShape shape = onnx_shape (node, x);
  SfValue out[3] = { SF_NONE, SF_NONE, SF_NONE };
  if (onnx_failed (node))
    return SF_NONE;
  if (groups < 1 || shape.dim[1] % groups != 0)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "attribute num_groups is %" G_GINT64_FORMAT
                   ", wanted a divisor of the %" G_GINT64_FORMAT " channels",
                   groups, shape.dim[1]);
      return SF_NONE;
    }
  int64_t inside = shape.dim[1] / groups;
  for (int d = 2; d < shape.rank; d++)
    inside *= shape.dim[d];
  x = onnx_reshape (node, x, SF_SHAPE (shape.dim[0], groups, inside));
  layer_norm (node, x, 2, eps, SF_NONE, SF_NONE, out);
  return onnx_reshape (node, out[0], shape);
}

static void
lower_instance_norm (OnnxNode *node)
{
  double eps = onnx_float (node, "epsilon", 1e-5);
  SfShape shape = onnx_input_shape (node, 0);
  if (!want_rank (node, shape, 3, "[N,C,...] with a spatial dimension"))
    return;
  SfValue y = group_norm (node, onnx_input (node, 0), MAX (shape.dim[1], 1), eps);
  onnx_set (node, 0, scaled (node, y, onnx_input (node, 1), onnx_input (node, 2)));
}

/* v [groups] as one entry for each channel. */
static SfValue
for_channels (OnnxNode *node, SfValue v, int64_t groups, int64_t channels)
{
  int64_t each = groups > 0 ? channels / groups : 0;
  v = onnx_broadcast (node, onnx_reshape (node, v, SF_SHAPE (groups, 1)), SF_SHAPE (groups, each));
  return onnx_reshape (node, v, SF_SHAPE (channels));
}

static void
group_normalization (OnnxNode *node, bool params_by_group)
{
  onnx_want_attr (node, "num_groups");
  double eps = onnx_float (node, "epsilon", 1e-5);
  int64_t groups = onnx_int (node, "num_groups", 1);
  SfShape shape = onnx_input_shape (node, 0);
  onnx_int (node, "stash_type", 1); /* statistics are f32 or wider in any case */
  if (!want_rank (node, shape, 2, "[N,C,...]"))
    return;
  SfValue y = group_norm (node, onnx_input (node, 0), groups, eps);
  SfValue scale = onnx_input (node, 1), bias = onnx_input (node, 2);
  if (params_by_group && !onnx_failed (node))
    {
      scale = for_channels (node, scale, groups, shape.dim[1]);
      bias = for_channels (node, bias, groups, shape.dim[1]);
    }
  onnx_set (node, 0, scaled (node, y, scale, bias));
}

static void
lower_group_norm_18 (OnnxNode *node)
{
  group_normalization (node, true);
}

static void
lower_group_norm_21 (OnnxNode *node)
{
  group_normalization (node, false);
}

static void
lower_layer_norm (OnnxNode *node)
{
  double eps = onnx_float (node, "epsilon", 1e-5);
  SfShape shape = onnx_input_shape (node, 0), kept = shape;
  int axis = (int) onnx_axis (node, onnx_int (node, "axis", -1), shape.rank);
  bool narrow = onnx_int (node, "stash_type", 1) == 1;
  SfValue out[3] = { SF_NONE, SF_NONE, SF_NONE };
  layer_norm (node, onnx_input (node, 0), axis, eps, onnx_input (node, 1),
              onnx_input_or_none (node, 2), out);
  onnx_set (node, 0, out[0]);
  for (int d = axis; d < kept.rank; d++)
    kept.dim[d] = 1;
  for (size_t i = 1; i < 3; i++)
    if (onnx_wants_output (node, i))
      {
        SfValue v = onnx_reshape (node, out[i], kept);
        onnx_set (node, i, narrow ? onnx_cast (node, v, SF_F32) : v);
      }
}

static void
lower_mean_variance (OnnxNode *node)
{
  static const int64_t all_but_channels[] = { 0, 2, 3 };
  OnnxInts given = onnx_ints (node, "axes");
  const int64_t *axes = given.n > 0 ? given.at : all_but_channels;
  size_t n = given.n > 0 ? given.n : G_N_ELEMENTS (all_but_channels);
  SfValue x = onnx_input (node, 0);
  SfValue mean = onnx_reduce (node, "reduce_mean", x, axes, n, true);
  SfValue centred = onnx_2 (node, "sub", x, mean);
  SfValue square = onnx_2 (node, "mul", centred, centred);
  SfValue std = onnx_1 (node, "sqrt", onnx_reduce (node, "reduce_mean", square, axes, n, true));
  onnx_set (node, 0, onnx_2 (node, "div", centred, onnx_2f (node, "add", std, 1e-9)));
}

/* ---- by a norm ---- */

/* The mean square over neighbouring channels is an average pool along them that counts its
 * padding. */
static void
lower_lrn (OnnxNode *node)
{
  onnx_want_attr (node, "size");
  int64_t size = onnx_int (node, "size", 1);
  double alpha = onnx_float (node, "alpha", 1e-4), beta = onnx_float (node, "beta", 0.75);
  double bias = onnx_float (node, "bias", 1);
  SfShape shape = onnx_input_shape (node, 0);
  if (!want_rank (node, shape, 2, "[N,C,...]"))
    return;
  if (size < 1 || size > INT32_MAX)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "attribute size is %" G_GINT64_FORMAT ", wanted 1 or more", size);
      return;
    }
  int64_t image = 1;
  for (int d = 2; d < shape.rank; d++)
    image *= shape.dim[d];
  const int64_t kernel[] = { size, 1 }, strides[] = { 1, 1 };
  const int64_t pads[] = { (size - 1) / 2, 0, size - 1 - (size - 1) / 2, 0 };
  const SfAttr attrs[] = { SF_ATTR_IS ("kernel", kernel, 2), SF_ATTR_IS ("strides", strides, 2),
                           SF_ATTR_IS ("pads", pads, 4) };
  SfValue x = onnx_input (node, 0);
  SfValue square = onnx_reshape (node, onnx_2 (node, "mul", x, x),
                                 SF_SHAPE (shape.dim[0], 1, shape.dim[1], image));
  SfValue mean = onnx_node (node, "avg_pool2d", &square, 1, attrs, G_N_ELEMENTS (attrs), NULL);
  SfValue base = onnx_2f (node, "add", onnx_2f (node, "mul", mean, alpha), bias);
  base = onnx_reshape (node, onnx_2f (node, "pow", base, beta), shape);
  onnx_set (node, 0, onnx_2 (node, "div", x, base));
}

static void
lower_lp_norm (OnnxNode *node)
{
  int64_t p = onnx_int (node, "p", 2);
  SfShape shape = onnx_input_shape (node, 0);
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", -1), shape.rank);
  if (!onnx_failed (node) && p != 1 && p != 2)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "attribute p is %" G_GINT64_FORMAT ", wanted 1 or 2",
                 p);
  SfValue x = onnx_input (node, 0);
  SfValue norm = p == 1 ? onnx_1 (node, "abs", x) : onnx_2 (node, "mul", x, x);
  norm = onnx_reduce (node, "reduce_sum", norm, &axis, 1, true);
  /* A row of zeros stays one; chosen before the root, which has no slope at 0. */
  SfValue one = onnx_scalar (node, onnx_dtype (node, norm), 1);
  norm = onnx_select (node, onnx_2f (node, "eq", norm, 0), one, norm);
  norm = p == 1 ? norm : onnx_1 (node, "sqrt", norm);
  onnx_set (node, 0, onnx_2 (node, "div", x, norm));
}

const OnnxRow onnx_rows_norm[] = {
  { "BatchNormalization", 7, lower_batch_norm_7, 0, "spatial = 1", NULL },
  { "BatchNormalization", 14, lower_batch_norm_14, 0,
    "initialised mean and variance are states: training uses the batch's statistics and moves them, "
    "inference uses them",
    NULL },
  { "InstanceNormalization", 1, lower_instance_norm, 0, NULL, NULL },
  { "LayerNormalization", 17, lower_layer_norm, 0, "Mean and InvStdDev have no gradient", NULL },
  { "GroupNormalization", 18, lower_group_norm_18, 0, NULL, NULL },
  { "GroupNormalization", 21, lower_group_norm_21, 0, NULL, NULL },
  { "MeanVarianceNormalization", 9, lower_mean_variance, 0, NULL, NULL },
  { "LRN", 1, lower_lrn, 0, NULL, NULL },
  { "LpNormalization", 1, lower_lp_norm, 0, NULL, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
