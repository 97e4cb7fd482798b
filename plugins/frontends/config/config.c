/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend `config`: a model written in libconfig. docs/models.md describes the format. */
#include "model.h"

static bool
is_model (SfConfigNode *root)
{
  return sf_config_node_member (root, "layers") != NULL
         && sf_config_node_member (root, "inputs") != NULL;
}

static int
probe (const SfSource *source)
{
  return g_str_has_suffix (source->path, ".cfg") ? 80 : 0;
}

/* Facts for the feed: which field of the dataset an input takes, and value = stored * scale +
 * shift. */
static bool
add_feed_facts (Model *model, SfConfigNode *input, const char *name, GError **error)
{
  const char *field = NULL;
  if (!sf_config_get_string (input, "field", false, &field, error))
    return false;
  g_autofree char *field_key = g_strdup_printf ("feed.%s.field", name);
  if (field != NULL)
    sf_module_set_fact (model->module, field_key, field);
  static const char *const numbers[] = { "scale", "shift" };
  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      double value;
      g_autofree char *key = g_strdup_printf ("feed.%s.%s", name, numbers[i]);
      if (sf_config_node_member (input, numbers[i]) == NULL)
        continue;
      if (!model_get_float (model, input, numbers[i], &value, error))
        return false;
      g_autofree char *text = sf_float_text (value);
      sf_module_set_fact (model->module, key, text);
    }
  return true;
}

static bool
add_input (Model *model, SfConfigNode *input, int64_t batch_size, GError **error)
{
  const char *name = NULL, *dtype_name = "f32";
  SfShape shape = { .rank = 1, .dim = { batch_size } };
  SfDtype dtype;
  size_t n = 0;
  if (sf_config_node_type (input) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: an input is a group: { name = \"x\"; shape = [ 1, 28, 28 ]; }",
                    sf_config_node_where (input));
  if (!sf_config_get_string (input, "name", true, &name, error)
      || !sf_config_get_string (input, "dtype", false, &dtype_name, error)
      || !model_get_ints (model, input, "shape", true, 1, 0, SF_MAX_RANK - 1, shape.dim + 1, &n,
                          error))
    return false;
  shape.rank = (int32_t) n + 1;
  if (!add_feed_facts (model, input, name, error))
    return false;
  SfValue value = SF_NONE;
  if (sf_dtype_parse (dtype_name, &dtype, error) && sf_shape_check (&shape, name, error))
    value = sf_graph_input (model->graph, name, dtype, shape, error);
  if (value == SF_NONE)
    {
      model_add_where (input, error);
      return false;
    }
  g_hash_table_replace (model->names, g_strdup (name), GUINT_TO_POINTER (value + 1));
  g_hash_table_add (model->used, g_strdup (name));
  if (model->current == SF_NONE)
    model->current = value;
  return sf_config_check_keys (input, false, error);
}

static bool
add_inputs (Model *model, SfConfigNode *root, int64_t batch_size, GError **error)
{
  SfConfigNode *list = sf_config_node_member (root, "inputs");
  if (list == NULL || sf_config_node_type (list) != SF_CONFIG_LIST
      || sf_config_node_count (list) == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: inputs: wanted a list ( { name = \"x\"; shape = [ 1, 28, 28 ]; }, ... )",
                    sf_config_node_where (root));
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    if (!add_input (model, sf_config_node_at (list, i), batch_size, error))
      return false;
  model->enter = model->current;
  return true;
}

/* The layer that is the model's answer: `output`, else the last one. */
static bool
add_prediction (Model *model, SfConfigNode *root, SfValue *prediction, GError **error)
{
  const char *name = NULL;
  if (!sf_config_get_string (root, "output", false, &name, error))
    return false;
  *prediction = name == NULL ? model->current : model_lookup (model, root, name, error);
  return *prediction != SF_NONE
         && sf_graph_output (model->graph, name == NULL ? "prediction" : name, SF_OUTPUT_PREDICTION,
                             *prediction, error);
}

static bool
add_loss (Model *model, SfConfigNode *root, SfValue prediction, GError **error)
{
  const char *type = NULL, *input = NULL, *target = NULL;
  SfConfigNode *loss = sf_config_node_member (root, "loss");
  if (loss == NULL)
    return true;
  if (sf_config_node_type (loss) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: loss: wanted { type = \"softmax_ce\"; target = \"label\"; }",
                    sf_config_node_where (loss));
  if (!sf_config_get_string (loss, "type", true, &type, error)
      || !sf_config_get_string (loss, "input", false, &input, error)
      || !sf_config_get_string (loss, "target", true, &target, error)
      || !sf_config_check_keys (loss, false, error))
    return false;
  if (strcmp (type, "softmax_ce") != 0 && strcmp (type, "mse") != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: unknown loss \"%s\"; there are softmax_ce and mse",
                    sf_config_node_where (loss), type);
  SfValue x = input == NULL ? prediction : model_lookup (model, loss, input, error);
  SfValue t = x == SF_NONE ? SF_NONE : model_lookup (model, loss, target, error);
  if (t == SF_NONE)
    return false;
  sf_graph_set_scope (model->graph, "loss");
  SfValue value = sf_graph_op2 (model->graph, type, x, t, error);
  if (value == SF_NONE)
    {
      model_add_where (loss, error);
      return false;
    }
  sf_module_set_fact (model->module, "loss", type);
  sf_module_set_fact (model->module, "target", target);
  return sf_graph_output (model->graph, "loss", SF_OUTPUT_LOSS, value, error);
}

/* Names for the last dimension of the prediction. */
static bool
add_classes (Model *model, SfConfigNode *root, SfValue prediction, GError **error)
{
  SfConfigNode *list = sf_config_node_member (root, "classes");
  if (list == NULL)
    return true;
  const SfShape *shape = sf_value_shape (model->graph, prediction);
  int64_t n = shape->rank > 0 ? shape->dim[shape->rank - 1] : 0;
  if (sf_config_node_type (list) != SF_CONFIG_LIST || (int64_t) sf_config_node_count (list) != n)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: classes: wanted a list of %" G_GINT64_FORMAT
                    " names, one for each number of the prediction",
                    sf_config_node_where (list), n);
  g_autoptr (GString) text = g_string_new (NULL);
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    {
      const char *name = NULL;
      if (!sf_config_node_string (sf_config_node_at (list, i), &name, error))
        return false;
      if (strchr (name, '\n') != NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: the name of class %zu has two lines",
                        sf_config_node_where (list), i);
      g_string_append_printf (text, "%s%s", i > 0 ? "\n" : "", name);
    }
  sf_module_set_fact (model->module, "classes", text->str);
  return true;
}

static bool
build (Model *model, SfConfigNode *root, const SfImportOptions *options, GError **error)
{
  const char *name = NULL;
  int64_t batch_size = options->batch_size;
  SfValue prediction = SF_NONE;
  SfConfigNode *layers = sf_config_node_member (root, "layers");
  if (!is_model (root) || sf_config_node_type (layers) != SF_CONFIG_LIST)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: no model: wanted inputs = ( ... ) and layers = ( ... )",
                    sf_config_node_where (root));
  if (options->dims != NULL && options->dims[0] != NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--dim %s: a model in libconfig has no symbolic dimensions; use --arg",
                    options->dims[0]);
  if (!sf_config_get_string (root, "name", true, &name, error)
      || !model_read_args (model, root, options->args, error)
      || !model_get_int (model, root, "batch_size", batch_size == 0, 1,
                         batch_size == 0 ? &batch_size : &(int64_t){ 0 }, error))
    return false;
  sf_module_set_fact (model->module, "model", name);
  g_autofree char *batch = g_strdup_printf ("%" G_GINT64_FORMAT, batch_size);
  sf_module_set_fact (model->module, "batch_size", batch);
  return add_inputs (model, root, batch_size, error) && model_add_layers (model, layers, error)
         && add_prediction (model, root, &prediction, error)
         && add_loss (model, root, prediction, error)
         && add_classes (model, root, prediction, error)
         && sf_config_check_keys (root, false, error);
}

static SfGraph *
import (const SfSource *source, const SfImportOptions *options, SfModule *module, GError **error)
{
  g_autoptr (SfConfig) config = sf_config_parse ((const char *) source->data, source->n_bytes,
                                                 source->path, error);
  if (config == NULL)
    return NULL;
  Model model = { .graph = sf_graph_new ("forward"),
                  .module = module,
                  .current = SF_NONE,
                  .enter = SF_NONE,
                  .seed = options->seed,
                  .prefix = g_strdup ("") };
  model.args = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  model.names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  model.used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!build (&model, sf_config_root (config), options, error))
    g_clear_pointer (&model.graph, sf_graph_unref);
  g_free (model.prefix);
  g_hash_table_unref (model.args);
  g_hash_table_unref (model.names);
  g_hash_table_unref (model.used);
  return model.graph;
}

static bool
list_args (const SfSource *source, GArray *args, GError **error)
{
  g_autoptr (SfConfig) config = sf_config_parse ((const char *) source->data, source->n_bytes,
                                                 source->path, error);
  return config != NULL && model_list_args (sf_config_root (config), args, error);
}

static const SfFrontendOps ops = {
  .size = sizeof ops,
  .suffixes = ".cfg",
  .probe = probe,
  .list_args = list_args,
  .import = import,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_FRONTEND, "config", "1.0",
                  "models written in libconfig: inputs, layers, loss"),
  .ops.frontend = &ops,
};
