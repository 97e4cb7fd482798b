/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a model from a string, and its graph in a few words. */
#include "tests/unit/frontend/model.h"

#include <sf/plugin/frontend.h>
#include <sf/plugins.h>
#include <string.h>

Model
model_read (const char *text, const char *const *args, int64_t batch_size, uint64_t seed)
{
  Model model = { .module = sf_module_new ("m") };
  const SfSource source
      = { .path = "m.cfg", .data = (const uint8_t *) text, .n_bytes = strlen (text) };
  const SfImportOptions options = { .batch_size = batch_size, .seed = seed, .args = args };
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, "config", &model.error);
  if (plugin != NULL)
    model.graph = plugin->ops.frontend->import (&source, &options, model.module, &model.error);
  return model;
}

void
model_clear (Model *model)
{
  g_clear_pointer (&model->graph, sf_graph_unref);
  g_clear_pointer (&model->module, sf_module_unref);
  g_clear_error (&model->error);
}

Model
model_read_layers (const char *shape, const char *layers)
{
  g_autofree char *text = g_strdup_printf (
      "name = \"m\";\ninputs = ( { name = \"x\"; shape = %s; } );\nlayers = (\n%s\n);\n", shape,
      layers);
  return model_read (text, NULL, 2, 1);
}

char *
model_nodes (const Model *model)
{
  GString *text = g_string_new (NULL);
  for (SfNode node = 0; node < sf_graph_n_nodes (model->graph); node++)
    {
      g_autofree char *shape = sf_shape_text (
          sf_value_shape (model->graph, sf_node_output (model->graph, node, 0)));
      g_string_append_printf (text, "%s%s%s", node > 0 ? " " : "",
                              sf_node_op_name (model->graph, node), shape);
    }
  return g_string_free (text, FALSE);
}

char *
model_states (const Model *model)
{
  GString *text = g_string_new (NULL);
  for (size_t i = 0; i < sf_graph_n_states (model->graph); i++)
    {
      SfValue state = sf_graph_state_at (model->graph, i);
      g_autofree char *shape = sf_shape_text (sf_value_shape (model->graph, state));
      g_string_append_printf (text, "%s%s%s", i > 0 ? " " : "", sf_value_name (model->graph, state),
                              shape);
    }
  return g_string_free (text, FALSE);
}
