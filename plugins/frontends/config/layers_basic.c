/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that work on any shape: linear, activations, norms, movement. */
#include "model.h"

static bool
build_linear (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
              SfValue *out, GError **error)
{
  (void) n_in;
  int64_t features = 0;
  bool bias = true;
  if (!model_get_int (model, layer, "out", true, 1, &features, error)
      || !sf_config_get_bool (layer, "bias", false, &bias, error))
    return false;
  const SfShape *shape = sf_value_shape (model->graph, in[0]);
  if (shape->rank < 2)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: the layer's input has rank %d, wanted [batch, ..., features]",
                    sf_config_node_where (layer), shape->rank);
  int64_t fan_in = shape->dim[shape->rank - 1];
  double bound = model_fan_in_bound (fan_in);
  SfValue inputs[3] = { in[0], SF_NONE, SF_NONE };
  inputs[1] = model_param (model, name, "weight", SF_STATE_PARAM, SF_SHAPE (features, fan_in),
                           INIT_UNIFORM, bound, error);
  if (inputs[1] == SF_NONE)
    return false;
  if (bias
      && (inputs[2] = model_param (model, name, "bias", SF_STATE_PARAM, SF_SHAPE (features),
                                   INIT_UNIFORM, bound, error))
             == SF_NONE)
    return false;
  *out = sf_graph_op (model->graph, "linear", inputs, bias ? 3 : 2, NULL, 0, error);
  return *out != SF_NONE;
}

/* The op of the same name as the layer's type, without attributes. */
static bool
build_plain (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
             SfValue *out, GError **error)
{
  (void) name;
  const char *type = NULL;
  if (!sf_config_get_string (layer, "type", true, &type, error))
    return false;
  *out = sf_graph_op (model->graph, type, in, n_in, NULL, 0, error);
  return *out != SF_NONE;
}

/* Sums or products of two or more values, left to right. */
static bool
build_fold (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
            SfValue *out, GError **error)
{
  *out = in[0];
  for (size_t i = 1; i < n_in; i++)
    {
      const SfValue pair[2] = { *out, in[i] };
      if (!build_plain (model, layer, name, pair, 2, out, error))
        return false;
    }
  return true;
}

static bool
build_gelu (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
            SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  const char *approximate = "none";
  if (!sf_config_get_string (layer, "approximate", false, &approximate, error))
    return false;
  *out = sf_graph_op (model->graph, "gelu", in, 1, &SF_ATTR_S ("approximate", approximate), 1,
                      error);
  return *out != SF_NONE;
}

static bool
build_softmax (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
               SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  int64_t axis = -1;
  const char *type = NULL;
  if (!sf_config_get_string (layer, "type", true, &type, error)
      || !model_get_int (model, layer, "axis", false, -SF_MAX_RANK, &axis, error))
    return false;
  *out = sf_graph_op (model->graph, type, in, 1, &SF_ATTR_I ("axis", axis), 1, error);
  return *out != SF_NONE;
}

static bool
build_dropout (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
               SfValue *out, GError **error)
{
  (void) n_in, (void) name;
  double p = 0.5;
  if (!model_get_float (model, layer, "p", &p, error))
    return false;
  if (!(p >= 0 && p < 1))
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: p = %g, wanted 0 <= p < 1",
                    sf_config_node_where (layer), p);
  SfValue inputs[2] = { in[0], sf_graph_scalar (model->graph, "rng", SF_I32, SF_SHAPE (3), error) };
  if (inputs[1] == SF_NONE)
    return false;
  const SfAttr attrs[] = { SF_ATTR_F ("p", p), SF_ATTR_I ("stream", ++model->n_dropouts) };
  *out = sf_graph_op (model->graph, "dropout", inputs, 2, attrs, G_N_ELEMENTS (attrs), error);
  return *out != SF_NONE;
}

static bool
build_batch_norm (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                  size_t n_in, SfValue *out, GError **error)
{
  (void) n_in;
  double eps = 1e-5, momentum = 0.1;
  if (!model_get_float (model, layer, "eps", &eps, error)
      || !model_get_float (model, layer, "momentum", &momentum, error))
    return false;
  const SfShape *shape = sf_value_shape (model->graph, in[0]);
  if (shape->rank < 2)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: the layer's input has rank %d, wanted [batch, channels, ...]",
                    sf_config_node_where (layer), shape->rank);
  SfShape channels = SF_SHAPE (shape->dim[1]);
  const struct
  {
    const char *name;
    SfStateKind kind;
    InitKind init;
  } params[] = { { "weight", SF_STATE_PARAM, INIT_ONE },
                 { "bias", SF_STATE_PARAM, INIT_ZERO },
                 { "running_mean", SF_STATE_STATISTIC, INIT_ZERO },
                 { "running_var", SF_STATE_STATISTIC, INIT_ONE } };
  SfValue inputs[5] = { in[0] }, outputs[5];
  for (int i = 0; i < 4; i++)
    if ((inputs[i + 1] = model_param (model, name, params[i].name, params[i].kind, channels,
                                      params[i].init, 0, error))
        == SF_NONE)
      return false;
  const SfAttr attrs[] = { SF_ATTR_F ("eps", eps), SF_ATTR_F ("momentum", momentum) };
  if (sf_graph_add (model->graph, "batch_norm", inputs, 5, attrs, G_N_ELEMENTS (attrs), outputs,
                    error)
      == SF_NONE)
    return false;
  *out = outputs[0];
  return sf_graph_set_update (model->graph, inputs[3], outputs[1], error)
         && sf_graph_set_update (model->graph, inputs[4], outputs[2], error);
}

static bool
build_layer_norm (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                  size_t n_in, SfValue *out, GError **error)
{
  (void) n_in;
  double eps = 1e-5;
  int64_t n_dims = 1;
  const SfShape *shape = sf_value_shape (model->graph, in[0]);
  if (!model_get_float (model, layer, "eps", &eps, error)
      || !model_get_int (model, layer, "dims", false, 1, &n_dims, error))
    return false;
  if (n_dims >= shape->rank)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: dims = %" G_GINT64_FORMAT " leaves no batch dimension of rank %d",
                    sf_config_node_where (layer), n_dims, shape->rank);
  SfShape normalised = sf_shape ((int) n_dims, shape->dim + shape->rank - n_dims);
  SfValue inputs[3] = { in[0], SF_NONE, SF_NONE }, outputs[3];
  if ((inputs[1] = model_param (model, name, "weight", SF_STATE_PARAM, normalised, INIT_ONE, 0,
                                error))
          == SF_NONE
      || (inputs[2] = model_param (model, name, "bias", SF_STATE_PARAM, normalised, INIT_ZERO, 0,
                                   error))
             == SF_NONE)
    return false;
  const SfAttr attrs[] = { SF_ATTR_I ("axis", -n_dims), SF_ATTR_F ("eps", eps) };
  if (sf_graph_add (model->graph, "layer_norm", inputs, 3, attrs, G_N_ELEMENTS (attrs), outputs,
                    error)
      == SF_NONE)
    return false;
  *out = outputs[0];
  return true;
}

static bool
reshape_to (Model *model, SfValue x, const SfShape *shape, SfValue *out, GError **error)
{
  *out = sf_graph_op (model->graph, "reshape", &x, 1,
                      &SF_ATTR_IS ("shape", shape->dim, (size_t) shape->rank), 1, error);
  return *out != SF_NONE;
}

static bool
build_flatten (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
               SfValue *out, GError **error)
{
  (void) name, (void) n_in, (void) layer;
  const SfShape *shape = sf_value_shape (model->graph, in[0]);
  int64_t features = 1;
  for (int i = 1; i < shape->rank; i++)
    features *= shape->dim[i];
  const SfShape flat = SF_SHAPE (shape->dim[0], features);
  return reshape_to (model, in[0], &flat, out, error);
}

/* `shape` is that of a row: the batch stays in front. */
static bool
build_reshape (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
               SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  SfShape shape = { 0 };
  size_t n = 0;
  if (!model_get_ints (model, layer, "shape", true, -1, 0, SF_MAX_RANK - 1, shape.dim + 1, &n,
                       error))
    return false;
  shape.rank = (int32_t) n + 1;
  shape.dim[0] = sf_value_shape (model->graph, in[0])->dim[0];
  return reshape_to (model, in[0], &shape, out, error);
}

static bool
build_transpose (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                 size_t n_in, SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  int64_t perm[SF_MAX_RANK];
  size_t n = 0;
  if (!model_get_ints (model, layer, "perm", true, 0, 0, SF_MAX_RANK, perm, &n, error))
    return false;
  *out = sf_graph_op (model->graph, "transpose", in, 1, &SF_ATTR_IS ("perm", perm, n), 1, error);
  return *out != SF_NONE;
}

static bool
build_slice (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
             SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  int64_t axis = 0, start = 0, end = 0;
  const SfShape *shape = sf_value_shape (model->graph, in[0]);
  if (!model_get_int (model, layer, "axis", true, 1, &axis, error)
      || !model_get_int (model, layer, "start", true, 0, &start, error)
      || !model_get_int (model, layer, "end", true, 0, &end, error))
    return false;
  if (axis >= shape->rank || start > end || end > shape->dim[axis])
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: axis, start, end do not lie in the layer's input",
                    sf_config_node_where (layer));
  SfShape starts = sf_shape (shape->rank, (const int64_t[SF_MAX_RANK]){ 0 }), ends = *shape;
  const int64_t steps[SF_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
  starts.dim[axis] = start;
  ends.dim[axis] = end;
  size_t rank = (size_t) shape->rank;
  const SfAttr attrs[] = { SF_ATTR_IS ("starts", starts.dim, rank),
                           SF_ATTR_IS ("ends", ends.dim, rank), SF_ATTR_IS ("steps", steps, rank) };
  *out = sf_graph_op (model->graph, "slice", in, 1, attrs, G_N_ELEMENTS (attrs), error);
  return *out != SF_NONE;
}

static bool
build_concat (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
              SfValue *out, GError **error)
{
  (void) name;
  int64_t axis = 1;
  if (!model_get_int (model, layer, "axis", false, 1, &axis, error))
    return false;
  *out = sf_graph_op (model->graph, "concat", in, n_in, &SF_ATTR_I ("axis", axis), 1, error);
  return *out != SF_NONE;
}

static bool
build_mean (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
            SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  int64_t axis = 1;
  if (!model_get_int (model, layer, "axis", false, 1, &axis, error))
    return false;
  *out = sf_graph_op (model->graph, "reduce_mean", in, 1, &SF_ATTR_IS ("axes", &axis, 1), 1, error);
  return *out != SF_NONE;
}

static bool
build_cast (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
            SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  const char *text = NULL;
  SfDtype dtype;
  if (!sf_config_get_string (layer, "dtype", true, &text, error))
    return false;
  if (!sf_dtype_parse (text, &dtype, error))
    {
      g_prefix_error (error, "%s: ", sf_config_node_where (layer));
      return false;
    }
  *out = sf_graph_op (model->graph, "cast", in, 1, &SF_ATTR_D ("dtype", dtype), 1, error);
  return *out != SF_NONE;
}

const LayerType model_layers_basic[] = {
  { "linear", 1, 1, build_linear },
  { "relu", 1, 1, build_plain },
  { "gelu", 1, 1, build_gelu },
  { "tanh", 1, 1, build_plain },
  { "sigmoid", 1, 1, build_plain },
  { "exp", 1, 1, build_plain },
  { "abs", 1, 1, build_plain },
  { "sqrt", 1, 1, build_plain },
  { "softmax", 1, 1, build_softmax },
  { "log_softmax", 1, 1, build_softmax },
  { "dropout", 1, 1, build_dropout },
  { "batch_norm", 1, 1, build_batch_norm },
  { "layer_norm", 1, 1, build_layer_norm },
  { "add", 2, -1, build_fold },
  { "mul", 2, -1, build_fold },
  { "sub", 2, 2, build_plain },
  { "div", 2, 2, build_plain },
  { "flatten", 1, 1, build_flatten },
  { "reshape", 1, 1, build_reshape },
  { "transpose", 1, 1, build_transpose },
  { "slice", 1, 1, build_slice },
  { "concat", 1, -1, build_concat },
  { "mean", 1, 1, build_mean },
  { "cast", 1, 1, build_cast },
  { NULL, 0, 0, NULL },
};
