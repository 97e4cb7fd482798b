/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over images: convolution and pools. */
#include "model.h"

/* pad = 2, [2, 1] (height, width) or [top, left, bottom, right]. */
static bool
get_pads (Model *model, SfConfigNode *layer, int64_t pads[4], GError **error)
{
  SfConfigNode *node = sf_config_node_member (layer, "pad");
  bool two = node != NULL && sf_config_node_type (node) == SF_CONFIG_LIST
             && sf_config_node_count (node) == 2;
  if (!model_get_ints (model, layer, "pad", false, 0, two ? 2 : 4, 4, pads, NULL, error))
    return false;
  if (two)
    {
      pads[2] = pads[0];
      pads[3] = pads[1];
    }
  return true;
}

static bool
check_image (Model *model, SfConfigNode *layer, SfValue x, GError **error)
{
  const SfShape *shape = sf_value_shape (model->graph, x);
  if (shape->rank == 4)
    return true;
  g_autofree char *text = sf_shape_text (shape);
  return sf_fail (
      error, SF_ERROR_INVALID_DATA,
      "%s: the layer's input has shape %s, wanted [batch, channels, height, width]; reshape it first",
      sf_config_node_where (layer), text);
}

static bool
build_conv2d (Model *model, SfConfigNode *layer, const char *name, const SfValue *in, size_t n_in,
              SfValue *out, GError **error)
{
  (void) n_in;
  int64_t channels = 0, groups = 1, kernel[2], strides[2] = { 1, 1 }, dilations[2] = { 1, 1 },
          pads[4] = { 0 };
  bool bias = true;
  if (!check_image (model, layer, in[0], error)
      || !model_get_int (model, layer, "out", true, 1, &channels, error)
      || !model_get_ints (model, layer, "kernel", true, 1, 2, 2, kernel, NULL, error)
      || !model_get_ints (model, layer, "stride", false, 1, 2, 2, strides, NULL, error)
      || !model_get_ints (model, layer, "dilation", false, 1, 2, 2, dilations, NULL, error)
      || !get_pads (model, layer, pads, error)
      || !model_get_int (model, layer, "groups", false, 1, &groups, error)
      || !sf_config_get_bool (layer, "bias", false, &bias, error))
    return false;
  int64_t c = sf_value_shape (model->graph, in[0])->dim[1];
  if (c % groups != 0 || channels % groups != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: groups = %" G_GINT64_FORMAT " does not divide %" G_GINT64_FORMAT
                    " input and %" G_GINT64_FORMAT " output channels",
                    sf_config_node_where (layer), groups, c, channels);
  double bound = model_fan_in_bound (c / groups * kernel[0] * kernel[1]);
  SfValue inputs[3] = { in[0], SF_NONE, SF_NONE };
  inputs[1] = model_param (model, name, "weight", SF_STATE_PARAM,
                           SF_SHAPE (channels, c / groups, kernel[0], kernel[1]), INIT_UNIFORM,
                           bound, error);
  if (inputs[1] == SF_NONE)
    return false;
  if (bias
      && (inputs[2] = model_param (model, name, "bias", SF_STATE_PARAM, SF_SHAPE (channels),
                                   INIT_UNIFORM, bound, error))
             == SF_NONE)
    return false;
  const SfAttr attrs[] = { SF_ATTR_IS ("strides", strides, 2), SF_ATTR_IS ("pads", pads, 4),
                           SF_ATTR_IS ("dilations", dilations, 2), SF_ATTR_I ("groups", groups) };
  *out = sf_graph_op (model->graph, "conv2d", inputs, bias ? 3 : 2, attrs, G_N_ELEMENTS (attrs),
                      error);
  return *out != SF_NONE;
}

static bool
build_pool (Model *model, SfConfigNode *layer, const SfValue *in, bool average, SfValue *out,
            GError **error)
{
  int64_t kernel[2], strides[2], dilations[2] = { 1, 1 }, pads[4] = { 0 };
  bool ceil_mode = false, include = true;
  if (!check_image (model, layer, in[0], error)
      || !model_get_ints (model, layer, "kernel", true, 1, 2, 2, kernel, NULL, error))
    return false;
  memcpy (strides, kernel, sizeof strides);
  if (!model_get_ints (model, layer, "stride", false, 1, 2, 2, strides, NULL, error)
      || !get_pads (model, layer, pads, error)
      || !sf_config_get_bool (layer, "ceil_mode", false, &ceil_mode, error)
      || (average && !sf_config_get_bool (layer, "count_include_pad", false, &include, error))
      || (!average
          && !model_get_ints (model, layer, "dilation", false, 1, 2, 2, dilations, NULL, error)))
    return false;
  const SfAttr attrs[] = { SF_ATTR_IS ("kernel", kernel, 2), SF_ATTR_IS ("strides", strides, 2),
                           SF_ATTR_IS ("pads", pads, 4), SF_ATTR_B ("ceil_mode", ceil_mode),
                           average ? SF_ATTR_B ("count_include_pad", include)
                                   : SF_ATTR_IS ("dilations", dilations, 2) };
  *out = sf_graph_op (model->graph, average ? "avg_pool2d" : "max_pool2d", in, 1, attrs,
                      G_N_ELEMENTS (attrs), error);
  return *out != SF_NONE;
}

static bool
build_max_pool2d (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                  size_t n_in, SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  return build_pool (model, layer, in, false, out, error);
}

static bool
build_avg_pool2d (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                  size_t n_in, SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  return build_pool (model, layer, in, true, out, error);
}

static bool
build_global_avg_pool (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                       size_t n_in, SfValue *out, GError **error)
{
  (void) name, (void) n_in;
  if (!check_image (model, layer, in[0], error))
    return false;
  *out = sf_graph_op1 (model->graph, "global_avg_pool", in[0], error);
  return *out != SF_NONE;
}

const LayerType model_layers_window[] = {
  { "conv2d", 1, 1, build_conv2d },
  { "max_pool2d", 1, 1, build_max_pool2d },
  { "avg_pool2d", 1, 1, build_avg_pool2d },
  { "global_avg_pool", 1, 1, build_global_avg_pool },
  { NULL, 0, 0, NULL },
};
