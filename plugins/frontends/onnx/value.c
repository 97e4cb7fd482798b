/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a model and the scopes that name them. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* ---- scopes ---- */

OnnxScope *
onnx_scope_new (OnnxImport *import, const OnnxScope *parent, const Onnx__GraphProto *graph,
                const OnnxCall *call, const char *prefix)
{
  OnnxScope *scope = g_new0 (OnnxScope, 1);
  scope->import = import;
  scope->parent = parent;
  scope->graph = graph;
  scope->call = call;
  scope->prefix = g_strdup (prefix);
  scope->names = g_hash_table_new (g_str_hash, g_str_equal);
  return scope;
}

void
onnx_scope_free (OnnxScope *scope)
{
  if (scope == NULL)
    return;
  g_hash_table_unref (scope->names);
  g_clear_pointer (&scope->declared, g_hash_table_unref);
  g_free (scope->prefix);
  g_free (scope);
}

OnnxValue *
onnx_scope_find (const OnnxScope *scope, const char *name)
{
  OnnxValue *found = NULL;
  for (; scope != NULL && found == NULL; scope = scope->parent)
    found = g_hash_table_lookup (scope->names, name);
  return found;
}

bool
onnx_scope_add (OnnxScope *scope, const char *name, OnnxValue *value)
{
  if (g_hash_table_contains (scope->names, name))
    return false;
  return g_hash_table_insert (scope->names, (gpointer) name, value);
}

int
onnx_scope_opset (const OnnxScope *scope, const char *domain)
{
  const Onnx__ModelProto *model = scope->import->model->proto;
  Onnx__OperatorSetIdProto **list = model->opset_import;
  size_t n = model->n_opset_import;
  if (scope->call != NULL && scope->call->function->n_opset_import > 0)
    {
      list = scope->call->function->opset_import;
      n = scope->call->function->n_opset_import;
    }
  for (size_t i = 0; i < n; i++)
    if (strcmp (onnx_domain (list[i]->domain), domain) == 0)
      return (int) CLAMP (list[i]->version, 0, G_MAXINT);
  return 0;
}

static void
declare_all (GHashTable *declared, Onnx__ValueInfoProto *const *list, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (list[i]->name != NULL && list[i]->type != NULL)
      g_hash_table_insert (declared, list[i]->name, list[i]->type);
}

const Onnx__TypeProto *
onnx_scope_declared (OnnxScope *scope, const char *name)
{
  if (scope->graph == NULL)
    return NULL;
  if (scope->declared == NULL)
    {
      scope->declared = g_hash_table_new (g_str_hash, g_str_equal);
      declare_all (scope->declared, scope->graph->value_info, scope->graph->n_value_info);
      declare_all (scope->declared, scope->graph->output, scope->graph->n_output);
    }
  return g_hash_table_lookup (scope->declared, name);
}

const Onnx__AttributeProto *
onnx_scope_attribute (const OnnxScope *scope, const Onnx__AttributeProto *attribute)
{
  const char *wanted = attribute->ref_attr_name;
  if (wanted == NULL || *wanted == '\0' || scope->call == NULL)
    return attribute;
  const Onnx__NodeProto *node = scope->call->node;
  for (size_t i = 0; i < node->n_attribute; i++)
    if (g_strcmp0 (node->attribute[i]->name, wanted) == 0)
      return onnx_scope_attribute (scope->call->scope, node->attribute[i]);
  return onnx_model_default (scope->import->model, scope->call->function, wanted);
}

/* ---- making values ---- */

OnnxValue *
onnx_value_new (OnnxImport *import, OnnxKind kind)
{
  OnnxValue *value = g_new0 (OnnxValue, 1);
  value->kind = kind;
  value->dtype = SF_N_DTYPES;
  value->at = value->narrow = SF_NONE;
  g_ptr_array_add (import->values, value);
  return value;
}

OnnxValue *
onnx_value_of_graph (OnnxImport *import, SfValue at)
{
  OnnxValue *value = onnx_value_new (import, ONNX_TENSOR);
  value->dtype = sf_value_dtype (import->graph, at);
  value->shape = *sf_value_shape (import->graph, at);
  value->at = at;
  value->is_computed = true;
  return value;
}

OnnxValue *
onnx_value_of_content (OnnxImport *import, SfTensor *content)
{
  OnnxValue *value = onnx_value_new (import, ONNX_TENSOR);
  value->dtype = content->dtype;
  value->shape = content->shape;
  value->has_content = true;
  value->content = *content;
  *content = (SfTensor){ 0 };
  return value;
}

OnnxValue *
onnx_value_of_list (OnnxImport *import, OnnxValue *const *items, size_t n)
{
  OnnxValue *value = onnx_value_new (import, ONNX_SEQUENCE);
  value->items = g_memdup2 (items, n * sizeof *items);
  value->n_items = n;
  return value;
}

const char *
onnx_kind_name (OnnxKind kind)
{
  static const char *const names[] = {
    [ONNX_TENSOR] = "a tensor",
    [ONNX_SEQUENCE] = "a sequence",
    [ONNX_NOTHING] = "an optional without content",
    [ONNX_ABSENT] = "an input that the call leaves out",
    [ONNX_UNSET] = "an output that its operator does not give here",
  };
  return names[kind];
}

/* ---- initialisers ---- */

static OnnxValue *
initialiser (OnnxImport *import, const Onnx__TensorProto *proto, GError **error)
{
  OnnxValue *value = g_hash_table_lookup (import->by_proto, proto);
  if (value != NULL)
    return value;
  SfDtype dtype;
  SfShape shape;
  g_autofree char *what = g_strdup_printf ("%s: initialiser %s", import->model->path, proto->name);
  if (!onnx_tensor_head (proto, what, &dtype, &shape, error))
    return NULL;
  value = onnx_value_new (import, ONNX_TENSOR);
  value->name = proto->name;
  value->dtype = dtype;
  value->shape = shape;
  value->proto = proto;
  value->is_param = sf_dtype_is_float (dtype) && shape.rank > 0;
  onnx_stored_data_type (proto->data_type, &value->is_nibbles, NULL);
  g_hash_table_insert (import->by_proto, (gpointer) proto, value);
  return value;
}

static bool
enter_initialiser (OnnxScope *scope, const char *name, OnnxValue *value, GError **error)
{
  const char *path = scope->import->model->path;
  if (value == NULL)
    return false;
  if (name == NULL || *name == '\0')
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: an initialiser without a name", path);
  return onnx_scope_add (scope, name, value)
         || sf_fail (error, SF_ERROR_INVALID_DATA, "%s: two initialisers are called %s", path,
                     name);
}

bool
onnx_enter_initialisers (OnnxScope *scope, GError **error)
{
  OnnxImport *import = scope->import;
  for (size_t i = 0; i < scope->graph->n_initializer; i++)
    {
      const Onnx__TensorProto *proto = scope->graph->initializer[i];
      if (!enter_initialiser (scope, proto->name, initialiser (import, proto, error), error))
        return false;
    }
  for (size_t i = 0; i < scope->graph->n_sparse_initializer; i++)
    {
      const Onnx__SparseTensorProto *proto = scope->graph->sparse_initializer[i];
      const char *name = proto->values != NULL ? proto->values->name : NULL;
      SfTensor content;
      g_autofree char *what = g_strdup_printf ("%s: initialiser %s", import->model->path,
                                               name != NULL ? name : "");
      if (!onnx_sparse_read (proto, import->model->folder, what, &content, error))
        return false;
      OnnxValue *value = onnx_value_of_content (import, &content);
      value->name = name;
      value->is_param = sf_dtype_is_float (value->dtype) && value->shape.rank > 0;
      if (!enter_initialiser (scope, name, value, error))
        return false;
    }
  return true;
}
