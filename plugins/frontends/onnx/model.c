/* SPDX-License-Identifier: Apache-2.0 */
/* A model file unpacked: the proto, its functions by name, the folder of its external data. */
#include "plugins/frontends/onnx/model.h"

#include <string.h>

const char *
onnx_domain (const char *domain)
{
  return domain == NULL || strcmp (domain, "ai.onnx") == 0 ? "" : domain;
}

static char *
function_key (const char *domain, const char *name)
{
  return g_strdup_printf ("%s:%s", onnx_domain (domain), name != NULL ? name : "");
}

const Onnx__FunctionProto *
onnx_model_function (const OnnxModel *model, const char *domain, const char *name)
{
  if (g_hash_table_size (model->functions) == 0)
    return NULL;
  g_autofree char *key = function_key (domain, name);
  return g_hash_table_lookup (model->functions, key);
}

/* Since IR version 9 attributes of functions have defaults: FunctionProto.attribute_proto. */
enum
{
  FIELD_ATTRIBUTE_PROTO = 11,
};

static void
free_attribute (gpointer data)
{
  onnx__attribute_proto__free_unpacked (data, NULL);
}

static bool
read_defaults (OnnxModel *model, const Onnx__FunctionProto *function, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_attribute);
  for (unsigned i = 0; i < function->base.n_unknown_fields; i++)
    {
      const ProtobufCMessageUnknownField *field = &function->base.unknown_fields[i];
      if (field->tag != FIELD_ATTRIBUTE_PROTO)
        continue;
      Onnx__AttributeProto *attribute = onnx_wire_attribute (model->path, field, error);
      if (attribute == NULL)
        return false;
      g_ptr_array_add (list, attribute);
    }
  if (list->len > 0)
    g_hash_table_insert (model->defaults, (gpointer) function, g_steal_pointer (&list));
  return true;
}

const Onnx__AttributeProto *
onnx_model_default (const OnnxModel *model, const Onnx__FunctionProto *function, const char *name)
{
  const GPtrArray *list = g_hash_table_lookup (model->defaults, function);
  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const Onnx__AttributeProto *attribute = list->pdata[i];
      if (g_strcmp0 (attribute->name, name) == 0)
        return attribute;
    }
  return NULL;
}

static bool
index_functions (OnnxModel *model, GError **error)
{
  for (size_t i = 0; i < model->proto->n_functions; i++)
    {
      const Onnx__FunctionProto *function = model->proto->functions[i];
      char *key = function_key (function->domain, function->name);
      if (!g_hash_table_insert (model->functions, key, (gpointer) function))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: function %s is there twice, wanted one of a domain and name",
                        model->path, function->name != NULL ? function->name : "");
      if (!read_defaults (model, function, error))
        return false;
    }
  return true;
}

/* Large tensors stay in the file's bytes; what is left is unpacked. */
static Onnx__ModelProto *
unpack (OnnxModel *model, const SfSource *source)
{
  g_autoptr (GByteArray) slim = g_byte_array_new ();
  GArray *spans = g_array_new (FALSE, FALSE, sizeof (ProtobufCBinaryData));
  onnx_folder_set_spans (model->folder, spans);
  if (!onnx_wire_slim (&onnx__model_proto__descriptor, source->data, source->n_bytes, slim, spans))
    return onnx__model_proto__unpack (NULL, source->n_bytes, source->data);
  return onnx__model_proto__unpack (NULL, slim->len, slim->data);
}

OnnxModel *
onnx_model_read (const SfSource *source, GError **error)
{
  if (!onnx_wire_check (&onnx__model_proto__descriptor, source, error))
    return NULL;
  g_autoptr (OnnxModel) model = g_new0 (OnnxModel, 1);
  model->path = source->path;
  model->folder = onnx_folder_new (source->path);
  model->functions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  model->defaults = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  model->proto = unpack (model, source);
  if (model->proto == NULL)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: cannot be unpacked as an ONNX model; the file is damaged, or memory is short",
               source->path);
      return NULL;
    }
  if (model->proto->graph == NULL)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA, "%s: holds no graph, wanted an ONNX model",
               source->path);
      return NULL;
    }
  return index_functions (model, error) ? g_steal_pointer (&model) : NULL;
}

void
onnx_model_free (OnnxModel *model)
{
  if (model == NULL)
    return;
  g_hash_table_unref (model->defaults);
  if (model->proto != NULL)
    onnx__model_proto__free_unpacked (model->proto, NULL);
  g_hash_table_unref (model->functions);
  onnx_folder_free (model->folder);
  g_free (model);
}
