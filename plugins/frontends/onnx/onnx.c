/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend `onnx`: models in ONNX's ModelProto. docs/onnx.md lists the operators. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

static int
probe (const SfSource *source)
{
  return onnx_wire_looks_like_model (source) ? 90 : 0;
}

/* ---- import ---- */

static void
free_value (gpointer data)
{
  OnnxValue *value = data;
  sf_tensor_clear (&value->content);
  g_free (value->items);
  g_free (value);
}

static void
import_clear (OnnxImport *import)
{
  g_clear_pointer (&import->values, g_ptr_array_unref);
  g_clear_pointer (&import->by_proto, g_hash_table_unref);
  g_clear_pointer (&import->dims, g_hash_table_unref);
  g_clear_pointer (&import->origins, g_byte_array_unref);
  g_clear_pointer (&import->graph, sf_graph_unref);
  g_clear_pointer (&import->model, onnx_model_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OnnxImport, import_clear)

static char *
name_of_model (const OnnxModel *model)
{
  const char *name = model->proto->graph->name;
  if (name != NULL && *name != '\0')
    return g_strdup (name);
  char *base = g_path_get_basename (model->path);
  if (g_str_has_suffix (base, ".onnx"))
    base[strlen (base) - strlen (".onnx")] = '\0';
  return base;
}

/* Given inputs that nobody took as constants, and nobody read, are inputs all the same. */
static bool
enter_unread_inputs (const OnnxScope *scope, GError **error)
{
  for (size_t i = 0; i < scope->graph->n_input; i++)
    {
      OnnxValue *value = onnx_scope_find (scope, scope->graph->input[i]->name);
      if (value->is_input && value->at == SF_NONE && !value->is_taken
          && onnx_value_place (scope->import, value, error) == SF_NONE)
        return false;
    }
  return true;
}

/* Whether an output is what a model with a loss of its own is trained on: a scalar that an operator
 * of the losses gives, or that is called loss. */
static bool
is_loss (const Onnx__GraphProto *graph, const char *name, const OnnxValue *value)
{
  static const char *const ops[] = { "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss", NULL };
  if (value->shape.rank != 0 || (value->dtype != SF_F32 && value->dtype != SF_F64))
    return false;
  if (strcmp (name, "loss") == 0)
    return true;
  for (size_t i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      if (node->n_output > 0 && strcmp (node->output[0], name) == 0)
        return node->op_type != NULL && g_strv_contains (ops, node->op_type);
    }
  return false;
}

/* Roles of the outputs that have been entered. */
typedef struct
{
  bool answered, lost;
} Roles;

/* The first loss is the loss, the first other output of floats the prediction. */
static SfOutputRole
role_of (const OnnxScope *scope, const char *name, const OnnxValue *value, Roles *roles)
{
  if (!roles->lost && is_loss (scope->graph, name, value))
    {
      roles->lost = true;
      return SF_OUTPUT_LOSS;
    }
  if (roles->answered || !sf_dtype_is_float (value->dtype))
    return SF_OUTPUT_OTHER;
  roles->answered = true;
  return SF_OUTPUT_PREDICTION;
}

static bool
enter_output (const OnnxScope *scope, size_t index, Roles *roles, GError **error)
{
  OnnxImport *import = scope->import;
  const char *name = scope->graph->output[index]->name, *path = import->model->path;
  OnnxValue *value = name != NULL ? onnx_scope_find (scope, name) : NULL;
  if (value == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: output %zu (%s) is computed by no node; export again", path, index,
                    name != NULL ? name : "");
  if (value->kind != ONNX_TENSOR)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: output %s is %s, wanted a tensor; export without it", path, name,
                    onnx_kind_name (value->kind));
  SfValue at = onnx_value_place (import, value, error);
  if (at == SF_NONE)
    {
      g_prefix_error (error, "%s: output %s: ", path, name);
      return false;
    }
  return sf_graph_output (import->graph, name, role_of (scope, name, value, roles), at, error);
}

static void
set_facts (const OnnxScope *scope)
{
  OnnxImport *import = scope->import;
  sf_module_set_fact (import->module, "model", sf_graph_name (import->graph));
  for (size_t i = 0; i < scope->graph->n_input; i++)
    {
      const OnnxValue *value = onnx_scope_find (scope, scope->graph->input[i]->name);
      if (!value->is_input || value->at == SF_NONE)
        continue;
      int64_t rows = value->shape.rank > 0 ? value->shape.dim[0] : 1;
      g_autofree char *batch = g_strdup_printf ("%" G_GINT64_FORMAT, rows);
      sf_module_set_fact (import->module, "batch_size", batch);
      return;
    }
}

static bool
import_graph (OnnxImport *import, GError **error)
{
  const Onnx__GraphProto *graph = import->model->proto->graph;
  g_autoptr (OnnxScope) scope = onnx_scope_new (import, NULL, graph, NULL, "");
  if (!onnx_enter_initialisers (scope, error) || !onnx_enter_inputs (scope, error)
      || !onnx_walk (scope, graph->node, graph->n_node, error))
    return false;
  if (graph->n_output == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: the graph has no output, wanted one at least", import->model->path);
  Roles roles = { false, false };
  for (size_t i = 0; i < graph->n_output; i++)
    if (!enter_output (scope, i, &roles, error))
      return false;
  if (!enter_unread_inputs (scope, error))
    return false;
  set_facts (scope);
  return true;
}

static SfGraph *
import_model (const SfSource *source, const SfImportOptions *options, SfModule *module,
              GError **error)
{
  if (options->args != NULL && *options->args != NULL)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "--arg %s: %s is an ONNX model, which has no arguments; sizes are given by --dim "
               "NAME=N, contents of inputs by --bind NAME=VALUES",
               *options->args, source->path);
      return NULL;
    }
  g_auto (OnnxImport) import = { .options = options, .module = module };
  import.model = onnx_model_read (source, error);
  if (import.model == NULL)
    return NULL;
  g_autofree char *name = name_of_model (import.model);
  import.graph = sf_graph_new (name);
  import.values = g_ptr_array_new_with_free_func (free_value);
  import.by_proto = g_hash_table_new (NULL, NULL);
  import.dims = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  import.origins = g_byte_array_new ();
  return import_graph (&import, error) ? g_steal_pointer (&import.graph) : NULL;
}

/* ---- tensor files ---- */

static bool
own (const SfTensor *tensor, SfTensor *out, GError **error)
{
  return sf_tensor_alloc (tensor->dtype, &tensor->shape, out, error)
         && sf_tensor_copy (tensor, out, error);
}

static bool
read_tensor (const SfSource *source, SfTensor *out, char **name, GError **error)
{
  if (!onnx_wire_check (&onnx__tensor_proto__descriptor, source, error))
    return false;
  Onnx__TensorProto *proto = onnx__tensor_proto__unpack (NULL, source->n_bytes, source->data);
  if (proto == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: cannot be unpacked as a TensorProto",
                    source->path);
  OnnxFolder *folder = onnx_folder_new (source->path);
  SfTensor tensor = { 0 };
  bool ok = onnx_tensor_read (proto, folder, source->path, &tensor, error)
            && own (&tensor, out, error);
  if (ok && name != NULL)
    *name = proto->name != NULL && *proto->name != '\0' ? g_strdup (proto->name) : NULL;
  sf_tensor_clear (&tensor);
  onnx_folder_free (folder);
  onnx__tensor_proto__free_unpacked (proto, NULL);
  return ok;
}

static const SfFrontendOps ops = {
  .size = sizeof (SfFrontendOps),
  .suffixes = ".onnx",
  .probe = probe,
  .import = import_model,
  .read_tensor = read_tensor,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_FRONTEND, "onnx", "1.0", "models exported to ONNX, opsets 7 to 21"),
  .ops.frontend = &ops,
};
