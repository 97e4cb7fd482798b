/* SPDX-License-Identifier: Apache-2.0 */
/* The node as a lowering sees it: attributes, inputs, outputs, and its one error. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* ---- errors ---- */

static const char *
op_of (const Onnx__NodeProto *proto)
{
  return proto->op_type != NULL ? proto->op_type : "";
}

void
onnx_adopt (OnnxNode *node, GError *error)
{
  if (node->error != NULL)
    {
      g_error_free (error);
      return;
    }
  g_prefix_error (&error, "%s: node %s (%s, opset %d): ", node->import->model->path, node->name,
                  op_of (node->proto), node->opset);
  node->error = error;
}

void
onnx_refuse (OnnxNode *node, SfErrorCode code, const char *format, ...)
{
  va_list args;
  if (node->error != NULL)
    return;
  va_start (args, format);
  onnx_adopt (node, g_error_new_valist (SF_ERROR, (gint) code, format, args));
  va_end (args);
}

bool
onnx_failed (const OnnxNode *node)
{
  return node->error != NULL;
}

const char *
onnx_op_type (const OnnxNode *node)
{
  return op_of (node->proto);
}

int
onnx_opset (const OnnxNode *node)
{
  return node->opset;
}

SfGraph *
onnx_graph (OnnxNode *node)
{
  return node->graph;
}

bool
onnx_is_scratch (const OnnxNode *node)
{
  return node->graph != node->import->graph;
}

/* ---- making one ---- */

static char *
name_of (const OnnxScope *scope, const Onnx__NodeProto *proto)
{
  const char *name = proto->name;
  for (size_t i = 0; (name == NULL || *name == '\0') && i < proto->n_output; i++)
    name = proto->output[i];
  return g_strconcat (scope->prefix, name != NULL && *name != '\0' ? name : op_of (proto), NULL);
}

static bool
find_inputs (OnnxNode *node, GError **error)
{
  const Onnx__NodeProto *proto = node->proto;
  for (size_t i = 0; i < proto->n_input; i++)
    {
      if (*proto->input[i] == '\0')
        continue;
      node->inputs[i] = onnx_scope_find (node->scope, proto->input[i]);
      if (node->inputs[i] == NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: node %s (%s): input %zu (%s) is neither an input nor an initialiser "
                        "nor the output of an earlier node; sort the nodes, or export again",
                        node->import->model->path, node->name, op_of (proto), i, proto->input[i]);
      if (node->inputs[i]->kind == ONNX_ABSENT)
        node->inputs[i] = NULL;
      else
        node->n_inputs = i + 1;
    }
  return true;
}

OnnxNode *
onnx_node_new (OnnxScope *scope, const Onnx__NodeProto *proto, GError **error)
{
  g_autoptr (OnnxNode) node = g_new0 (OnnxNode, 1);
  node->import = scope->import;
  node->scope = scope;
  node->proto = proto;
  node->graph = scope->import->graph;
  node->opset = onnx_scope_opset (scope, onnx_domain (proto->domain));
  node->name = name_of (scope, proto);
  node->attributes = g_new0 (const Onnx__AttributeProto *, proto->n_attribute + 1);
  node->asked = g_new0 (bool, proto->n_attribute + 1);
  for (size_t i = 0; i < proto->n_attribute; i++)
    node->attributes[i] = onnx_scope_attribute (scope, proto->attribute[i]);
  node->inputs = g_new0 (OnnxValue *, proto->n_input + 1);
  node->n_outputs = proto->n_output;
  node->outputs = g_new0 (OnnxValue *, proto->n_output + 1);
  node->results = g_new (SfValue, proto->n_output + 1);
  node->owned = g_ptr_array_new_with_free_func (g_free);
  onnx_node_reset (node, node->graph);
  return find_inputs (node, error) ? g_steal_pointer (&node) : NULL;
}

void
onnx_node_reset (OnnxNode *node, SfGraph *graph)
{
  node->graph = graph;
  for (size_t i = 0; i < node->n_outputs; i++)
    {
      node->outputs[i] = NULL;
      node->results[i] = SF_NONE;
    }
}

void
onnx_node_free (OnnxNode *node)
{
  if (node == NULL)
    return;
  g_clear_error (&node->error);
  g_ptr_array_unref (node->owned);
  g_free (node->results);
  g_free (node->outputs);
  g_free (node->inputs);
  g_free (node->asked);
  g_free (node->attributes);
  g_free (node->name);
  g_free (node);
}

/* ---- attributes ---- */

/* The member in use; models of the first versions leave it to what is there. */
static int
type_of (const Onnx__AttributeProto *attr)
{
  if (attr->has_type && attr->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
    return (int) attr->type;
  if (attr->has_f)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
  if (attr->has_i)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
  if (attr->has_s)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
  if (attr->t != NULL)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
  if (attr->g != NULL)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
  if (attr->n_floats > 0)
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
  return attr->n_ints > 0 ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
                          : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
}

const Onnx__AttributeProto *
onnx_attr (OnnxNode *node, const char *name)
{
  for (size_t i = 0; i < node->proto->n_attribute; i++)
    if (g_strcmp0 (node->proto->attribute[i]->name, name) == 0)
      {
        node->asked[i] = true;
        return node->attributes[i];
      }
  return NULL;
}

/* The attribute when present and of the type; refused when of another. */
static const Onnx__AttributeProto *
typed (OnnxNode *node, const char *name, int type, const char *wanted)
{
  if (node->error != NULL)
    return NULL;
  const Onnx__AttributeProto *attr = onnx_attr (node, name);
  if (attr != NULL && type_of (attr) != type)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "attribute %s is of type %d, wanted %s; the model is damaged", name,
                   type_of (attr), wanted);
      return NULL;
    }
  return attr;
}

bool
onnx_has_attr (OnnxNode *node, const char *name)
{
  return node->error == NULL && onnx_attr (node, name) != NULL;
}

void
onnx_want_attr (OnnxNode *node, const char *name)
{
  if (node->error == NULL && onnx_attr (node, name) == NULL)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute %s is absent, but the operator has no default for it; export again",
                 name);
}

int64_t
onnx_int (OnnxNode *node, const char *name, int64_t def)
{
  const Onnx__AttributeProto *attr = typed (node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
                                            "an integer");
  if (node->error != NULL)
    return 0;
  return attr != NULL ? attr->i : def;
}

double
onnx_float (OnnxNode *node, const char *name, double def)
{
  const Onnx__AttributeProto *attr = typed (
      node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, "a float");
  if (node->error != NULL)
    return 0;
  return attr != NULL ? (double) attr->f : def;
}

/* A copy with its end marked, lent to the lowering. */
static const char *
lend_text (OnnxNode *node, const ProtobufCBinaryData *data)
{
  char *text = data->len > 0 ? g_strndup ((const char *) data->data, data->len) : g_strdup ("");
  g_ptr_array_add (node->owned, text);
  return text;
}

const char *
onnx_string (OnnxNode *node, const char *name, const char *def)
{
  const Onnx__AttributeProto *attr = typed (
      node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, "a string");
  if (node->error != NULL)
    return "";
  return attr != NULL ? lend_text (node, &attr->s) : def;
}

OnnxInts
onnx_ints (OnnxNode *node, const char *name)
{
  const Onnx__AttributeProto *attr = typed (node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS,
                                            "a list of integers");
  return attr != NULL ? (OnnxInts){ attr->n_ints, attr->ints } : (OnnxInts){ 0 };
}

size_t
onnx_floats (OnnxNode *node, const char *name, const double **values)
{
  const Onnx__AttributeProto *attr = typed (
      node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS, "a list of floats");
  *values = NULL;
  if (attr == NULL)
    return 0;
  double *copy = g_new (double, attr->n_floats + 1);
  for (size_t i = 0; i < attr->n_floats; i++)
    copy[i] = (double) attr->floats[i];
  g_ptr_array_add (node->owned, copy);
  *values = copy;
  return attr->n_floats;
}

size_t
onnx_strings (OnnxNode *node, const char *name, const char *const **values)
{
  const Onnx__AttributeProto *attr = typed (
      node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS, "a list of strings");
  *values = NULL;
  if (attr == NULL)
    return 0;
  const char **copy = g_new (const char *, attr->n_strings + 1);
  for (size_t i = 0; i < attr->n_strings; i++)
    copy[i] = lend_text (node, &attr->strings[i]);
  g_ptr_array_add (node->owned, copy);
  *values = copy;
  return attr->n_strings;
}

/* Content read for an attribute lives as long as the import. */
static SfTensor
keep (OnnxNode *node, SfTensor *content)
{
  return onnx_value_of_content (node->import, content)->content;
}

bool
onnx_tensor_attr (OnnxNode *node, const char *name, SfTensor *tensor)
{
  *tensor = (SfTensor){ 0 };
  if (node->error != NULL)
    return false;
  const Onnx__AttributeProto *attr = onnx_attr (node, name);
  if (attr == NULL)
    return false;
  GError *error = NULL;
  SfTensor content;
  bool ok = attr->t != NULL
                ? onnx_tensor_read (attr->t, node->import->model->folder, name, &content, &error)
            : attr->sparse_tensor != NULL
                ? onnx_sparse_read (attr->sparse_tensor, node->import->model->folder, name,
                                    &content, &error)
                : sf_fail (&error, SF_ERROR_INVALID_DATA, "attribute %s, wanted a tensor", name);
  if (!ok)
    {
      onnx_adopt (node, error);
      return false;
    }
  *tensor = keep (node, &content);
  return true;
}

const Onnx__GraphProto *
onnx_graph_attr (OnnxNode *node, const char *name)
{
  const Onnx__AttributeProto *attr = typed (
      node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH, "a graph");
  if (node->error == NULL && (attr == NULL || attr->g == NULL))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "attribute %s is absent, wanted a graph", name);
  return node->error == NULL ? attr->g : NULL;
}

SfDtype
onnx_dtype_attr (OnnxNode *node, const char *name, SfDtype def)
{
  int64_t data_type = onnx_int (node, name, 0);
  if (node->error != NULL)
    return SF_N_DTYPES;
  if (!onnx_has_attr (node, name))
    return def;
  GError *error = NULL;
  SfDtype dtype = onnx_data_type (data_type, &error);
  if (error != NULL)
    {
      g_prefix_error (&error, "attribute %s: ", name);
      onnx_adopt (node, error);
    }
  return dtype;
}

/* ---- inputs ---- */

size_t
onnx_n_inputs (const OnnxNode *node)
{
  return node->n_inputs;
}

bool
onnx_has_input (const OnnxNode *node, size_t index)
{
  return index < node->n_inputs && node->inputs[index] != NULL
         && node->inputs[index]->kind != ONNX_NOTHING;
}

OnnxValue *
onnx_input_value (OnnxNode *node, size_t index)
{
  return index < node->n_inputs ? node->inputs[index] : NULL;
}

/* A present tensor, or a refusal. */
static OnnxValue *
want_tensor (OnnxNode *node, size_t index)
{
  if (node->error != NULL)
    return NULL;
  OnnxValue *value = onnx_input_value (node, index);
  if (value == NULL)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "input %zu is absent, but the operator needs it; export again", index);
  else if (value->kind != ONNX_TENSOR)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED, "input %zu (%s) is %s, wanted a tensor", index,
                 node->proto->input[index], onnx_kind_name (value->kind));
  return node->error == NULL ? value : NULL;
}

SfDtype
onnx_input_dtype (OnnxNode *node, size_t index)
{
  const OnnxValue *value = want_tensor (node, index);
  return value != NULL ? value->dtype : SF_F32;
}

SfShape
onnx_input_shape (OnnxNode *node, size_t index)
{
  const OnnxValue *value = want_tensor (node, index);
  return value != NULL ? value->shape : sf_shape_scalar ();
}

/* In a scratch graph everything is a constant. */
static SfValue
place (OnnxNode *node, OnnxValue *value)
{
  GError *error = NULL;
  SfValue at = SF_NONE;
  if (!onnx_is_scratch (node))
    at = onnx_value_place (node->import, value, &error);
  else
    {
      const SfTensor *content = onnx_value_content (node->import, value, &error);
      if (content != NULL)
        at = sf_graph_constant (node->graph, value->dtype, value->shape, content->data, &error);
    }
  if (at == SF_NONE)
    onnx_adopt (node, error);
  return at;
}

SfValue
onnx_input (OnnxNode *node, size_t index)
{
  OnnxValue *value = want_tensor (node, index);
  return value != NULL ? place (node, value) : SF_NONE;
}

SfValue
onnx_input_or_none (OnnxNode *node, size_t index)
{
  return onnx_has_input (node, index) ? onnx_input (node, index) : SF_NONE;
}

/* ---- outputs ---- */

size_t
onnx_n_outputs (const OnnxNode *node)
{
  return node->n_outputs;
}

bool
onnx_wants_output (const OnnxNode *node, size_t index)
{
  return index < node->n_outputs && *node->proto->output[index] != '\0';
}

void
onnx_set (OnnxNode *node, size_t index, SfValue value)
{
  if (node->error == NULL && value != SF_NONE && index < node->n_outputs)
    node->results[index] = value;
}

void
onnx_set_value (OnnxNode *node, size_t index, OnnxValue *value)
{
  if (node->error == NULL && index < node->n_outputs)
    node->outputs[index] = value;
}

void
onnx_forward (OnnxNode *node, size_t index, size_t input)
{
  OnnxValue *value = onnx_input_value (node, input);
  if (node->error == NULL && value == NULL)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu is absent, wanted a value", input);
  onnx_set_value (node, index, value);
}

void
onnx_set_known (OnnxNode *node, size_t index, SfDtype dtype, SfShape shape, const void *data)
{
  GError *error = NULL;
  SfTensor copy;
  if (node->error != NULL || index >= node->n_outputs)
    return;
  if (!sf_tensor_alloc (dtype, &shape, &copy, &error))
    {
      onnx_adopt (node, error);
      return;
    }
  size_t n_bytes = sf_tensor_n_bytes (&copy);
  if (n_bytes > 0)
    memcpy (copy.data, data, n_bytes);
  onnx_set_value (node, index, onnx_value_of_content (node->import, &copy));
}

void
onnx_set_known_ints (OnnxNode *node, size_t index, const int64_t *values, size_t n)
{
  onnx_set_known (node, index, SF_I64, SF_SHAPE ((int64_t) n), values);
}

bool
onnx_declared_shape (OnnxNode *node, size_t index, SfShape *shape)
{
  if (node->error != NULL || !onnx_wants_output (node, index))
    return false;
  const Onnx__TypeProto *type = onnx_scope_declared (node->scope, node->proto->output[index]);
  if (type == NULL || !onnx_type_shape (node->import, type, shape))
    return false;
  for (int d = 0; d < shape->rank; d++)
    if (shape->dim[d] < 0)
      return false;
  return true;
}
