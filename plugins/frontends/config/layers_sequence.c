/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over sequences: embeddings and self-attention, arranged and named as PyTorch's modules. */
#include "model.h"

static bool
build_embedding (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                 size_t n_in, SfValue *out, GError **error)
{
  (void) n_in;
  int64_t rows = 0, features = 0;
  if (!model_get_int (model, layer, "rows", true, 1, &rows, error)
      || !model_get_int (model, layer, "out", true, 1, &features, error))
    return false;
  SfValue table = model_param (model, name, "weight", SF_STATE_PARAM, SF_SHAPE (rows, features),
                               INIT_NORMAL, 0, error);
  if (table == SF_NONE)
    return false;
  *out = sf_graph_op2 (model->graph, "embedding", table, in[0], error);
  return *out != SF_NONE;
}

/* Adds a learned row per position: x [batch, length, features] + weight [length, features]. */
static bool
build_position (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
                SfValue *out, GError **error)
{
  (void) n_in;
  const SfShape *shape = sf_value_shape (model->graph, in[0]);
  if (shape->rank != 3)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: the layer's input has rank %d, wanted [batch, length, features]",
                    sf_config_node_where (layer), shape->rank);
  SfValue weight = model_param (model, name, "weight", SF_STATE_PARAM,
                                SF_SHAPE (shape->dim[1], shape->dim[2]), INIT_NORMAL, 0, error);
  if (weight == SF_NONE)
    return false;
  *out = sf_graph_op2 (model->graph, "add", in[0], weight, error);
  return *out != SF_NONE;
}

/* x [B,S,3D] columns part*D .. -> [B,heads,S,D/heads]. */
static SfValue
split_heads (Model *model, SfValue x, int64_t part, int64_t heads, GError **error)
{
  SfShape shape = *sf_value_shape (model->graph, x);
  int64_t d = shape.dim[2] / 3;
  const int64_t starts[3] = { 0, 0, part * d },
                ends[3] = { shape.dim[0], shape.dim[1], (part + 1) * d }, steps[3] = { 1, 1, 1 };
  const SfAttr cut[] = { SF_ATTR_IS ("starts", starts, 3), SF_ATTR_IS ("ends", ends, 3),
                         SF_ATTR_IS ("steps", steps, 3) };
  SfValue y = sf_graph_op (model->graph, "slice", &x, 1, cut, G_N_ELEMENTS (cut), error);
  if (y == SF_NONE)
    return SF_NONE;
  const int64_t split[4] = { shape.dim[0], shape.dim[1], heads, d / heads },
                perm[4] = { 0, 2, 1, 3 };
  y = sf_graph_op (model->graph, "reshape", &y, 1, &SF_ATTR_IS ("shape", split, 4), 1, error);
  return y == SF_NONE ? SF_NONE
                      : sf_graph_op (model->graph, "transpose", &y, 1,
                                     &SF_ATTR_IS ("perm", perm, 4), 1, error);
}

static bool
merge_heads (Model *model, SfValue x, SfValue *out, GError **error)
{
  const SfShape shape = *sf_value_shape (model->graph, x);
  const int64_t perm[4] = { 0, 2, 1, 3 },
                merged[3] = { shape.dim[0], shape.dim[2], shape.dim[1] * shape.dim[3] };
  *out = sf_graph_op (model->graph, "transpose", &x, 1, &SF_ATTR_IS ("perm", perm, 4), 1, error);
  if (*out != SF_NONE)
    *out = sf_graph_op (model->graph, "reshape", out, 1, &SF_ATTR_IS ("shape", merged, 3), 1,
                        error);
  return *out != SF_NONE;
}

/* Parameters and initial values of torch.nn.MultiheadAttention: in_proj Xavier uniform, out_proj as
 * linear, biases zero. */
static bool
attention_params (Model *model, const char *name, int64_t d, SfValue params[4], GError **error)
{
  g_autofree char *proj = g_strconcat (name, ".out_proj", NULL);
  params[0] = model_param (model, name, "in_proj_weight", SF_STATE_PARAM, SF_SHAPE (3 * d, d),
                           INIT_UNIFORM, model_xavier_bound (d, 3 * d), error);
  params[1] = params[0] == SF_NONE ? SF_NONE
                                   : model_param (model, name, "in_proj_bias", SF_STATE_PARAM,
                                                  SF_SHAPE (3 * d), INIT_ZERO, 0, error);
  params[2] = params[1] == SF_NONE
                  ? SF_NONE
                  : model_param (model, proj, "weight", SF_STATE_PARAM, SF_SHAPE (d, d),
                                 INIT_UNIFORM, model_fan_in_bound (d), error);
  params[3] = params[2] == SF_NONE ? SF_NONE
                                   : model_param (model, proj, "bias", SF_STATE_PARAM, SF_SHAPE (d),
                                                  INIT_ZERO, 0, error);
  return params[3] != SF_NONE;
}

static bool
build_self_attention (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                      size_t n_in, SfValue *out, GError **error)
{
  (void) n_in;
  int64_t heads = 1;
  bool causal = false;
  SfShape shape = *sf_value_shape (model->graph, in[0]);
  if (!model_get_int (model, layer, "heads", true, 1, &heads, error)
      || !sf_config_get_bool (layer, "causal", false, &causal, error))
    return false;
  if (shape.rank != 3 || shape.dim[2] % heads != 0)
    {
      g_autofree char *text = sf_shape_text (&shape);
      return sf_fail (
          error, SF_ERROR_INVALID_DATA,
          "%s: the layer's input has shape %s, wanted [batch, length, features] with features a multiple of %" G_GINT64_FORMAT
          " heads",
          sf_config_node_where (layer), text, heads);
    }
  SfValue params[4], qkv[3], y;
  if (!attention_params (model, name, shape.dim[2], params, error))
    return false;
  SfValue x = sf_graph_op3 (model->graph, "linear", in[0], params[0], params[1], error);
  for (int i = 0; i < 3; i++)
    if (x == SF_NONE || (qkv[i] = split_heads (model, x, i, heads, error)) == SF_NONE)
      return false;
  y = sf_graph_op (model->graph, "attention", qkv, 3, &SF_ATTR_B ("causal", causal), 1, error);
  if (y == SF_NONE || !merge_heads (model, y, &y, error))
    return false;
  *out = sf_graph_op3 (model->graph, "linear", y, params[2], params[3], error);
  return *out != SF_NONE;
}

/* The body `layers`, `times` times, with names below "<name>.<i>.". */
static bool
build_repeat (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
              SfValue *out, GError **error)
{
  (void) n_in;
  int64_t times = 0;
  SfConfigNode *body = sf_config_node_member (layer, "layers");
  if (!model_get_int (model, layer, "times", true, 0, &times, error))
    return false;
  if (body == NULL || sf_config_node_type (body) != SF_CONFIG_LIST)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: repeat has no list of layers; add layers = ( ... )",
                    sf_config_node_where (layer));
  char *prefix = model->prefix;
  SfValue enter = model->enter;
  bool ok = true;
  model->current = in[0];
  for (int64_t i = 0; ok && i < times; i++)
    {
      model->prefix = g_strdup_printf ("%s.%" G_GINT64_FORMAT ".", name, i);
      model->enter = model->current;
      ok = model_add_layers (model, body, error);
      g_free (model->prefix);
    }
  model->prefix = prefix;
  model->enter = enter;
  *out = model->current;
  return ok;
}

const LayerType model_layers_sequence[] = {
  { "embedding", 1, 1, build_embedding },
  { "position", 1, 1, build_position },
  { "self_attention", 1, 1, build_self_attention },
  { "repeat", 1, 1, build_repeat },
  { NULL, 0, 0, NULL },
};
