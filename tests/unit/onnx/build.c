/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX models made in a test. */
#include "tests/unit/onnx/build.h"

#include <sf/evaluate.h>
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>
#include <string.h>

#include "tests/support/sftest.h"

enum
{
  MAX_ITEMS = 32,
  MAX_GRAPHS = 4,
};

struct Build
{
  Onnx__ModelProto model;
  Onnx__OperatorSetIdProto opsets[2];
  Onnx__OperatorSetIdProto *opset_list[2];
  Onnx__FunctionProto *functions[MAX_ITEMS];
  Onnx__GraphProto *graphs[MAX_GRAPHS]; /* open ones, outermost first */
  int n_graphs;
  GPtrArray *memory;
};

void *
build_alloc (Build *build, size_t n_bytes)
{
  void *memory = g_malloc0 (MAX (n_bytes, 1));
  g_ptr_array_add (build->memory, memory);
  return memory;
}

static char *
text (Build *build, const char *from)
{
  char *copy = g_strdup (from);
  g_ptr_array_add (build->memory, copy);
  return copy;
}

static Onnx__GraphProto *
current (Build *build)
{
  return build->graphs[build->n_graphs - 1];
}

void
build_begin_graph (Build *build)
{
  Onnx__GraphProto *graph = build_alloc (build, sizeof *graph);
  onnx__graph_proto__init (graph);
  graph->name = text (build, "g");
  graph->node = build_alloc (build, MAX_ITEMS * sizeof *graph->node);
  graph->input = build_alloc (build, MAX_ITEMS * sizeof *graph->input);
  graph->output = build_alloc (build, MAX_ITEMS * sizeof *graph->output);
  graph->initializer = build_alloc (build, MAX_ITEMS * sizeof *graph->initializer);
  build->graphs[build->n_graphs++] = graph;
}

Onnx__GraphProto *
build_end_graph (Build *build)
{
  return build->graphs[--build->n_graphs];
}

Build *
build_new (int64_t opset)
{
  Build *build = g_new0 (Build, 1);
  build->memory = g_ptr_array_new_with_free_func (g_free);
  onnx__model_proto__init (&build->model);
  build->model.has_ir_version = true;
  build->model.ir_version = 8;
  for (int i = 0; i < 2; i++)
    {
      onnx__operator_set_id_proto__init (&build->opsets[i]);
      build->opsets[i].domain = text (build, i == 0 ? "" : "my");
      build->opsets[i].has_version = true;
      build->opsets[i].version = i == 0 ? opset : 1;
      build->opset_list[i] = &build->opsets[i];
    }
  build->model.opset_import = build->opset_list;
  build->model.n_opset_import = 2;
  build->model.functions = build->functions;
  build_begin_graph (build);
  build->model.graph = current (build);
  return build;
}

void
build_free (Build *build)
{
  g_ptr_array_unref (build->memory);
  g_free (build);
}

/* ---- the interface ---- */

static Onnx__TensorShapeProto *
shape_of (Build *build, const char *dims)
{
  Onnx__TensorShapeProto *shape = build_alloc (build, sizeof *shape);
  onnx__tensor_shape_proto__init (shape);
  g_auto (GStrv) words = g_strsplit (dims, ",", -1);
  shape->n_dim = g_strv_length (words);
  shape->dim = build_alloc (build, shape->n_dim * sizeof *shape->dim);
  for (size_t d = 0; d < shape->n_dim; d++)
    {
      Onnx__TensorShapeProto__Dimension *dim = build_alloc (build, sizeof *dim);
      onnx__tensor_shape_proto__dimension__init (dim);
      if (g_ascii_isdigit (*words[d]))
        {
          dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
          dim->dim_value = g_ascii_strtoll (words[d], NULL, 10);
        }
      else if (*words[d] != '?')
        {
          dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
          dim->dim_param = text (build, words[d]);
        }
      shape->dim[d] = dim;
    }
  return shape;
}

static Onnx__ValueInfoProto *
info (Build *build, const char *name, int type, const char *dims)
{
  Onnx__ValueInfoProto *value = build_alloc (build, sizeof *value);
  Onnx__TypeProto__Tensor *tensor = build_alloc (build, sizeof *tensor);
  onnx__value_info_proto__init (value);
  onnx__type_proto__tensor__init (tensor);
  value->name = text (build, name);
  value->type = build_alloc (build, sizeof *value->type);
  onnx__type_proto__init (value->type);
  value->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  value->type->tensor_type = tensor;
  tensor->has_elem_type = true;
  tensor->elem_type = type;
  tensor->shape = dims != NULL ? shape_of (build, dims) : NULL;
  return value;
}

void
build_input (Build *build, const char *name, int type, const char *dims)
{
  Onnx__GraphProto *graph = current (build);
  graph->input[graph->n_input++] = info (build, name, type, dims);
}

void
build_output (Build *build, const char *name)
{
  Onnx__GraphProto *graph = current (build);
  graph->output[graph->n_output++] = info (build, name, F32, NULL);
}

/* ---- tensors ---- */

Onnx__TensorProto *
build_tensor (Build *build, const char *name, int type, size_t n_dims, const int64_t *dims)
{
  Onnx__TensorProto *tensor = build_alloc (build, sizeof *tensor);
  onnx__tensor_proto__init (tensor);
  tensor->name = name != NULL ? text (build, name) : NULL;
  tensor->has_data_type = true;
  tensor->data_type = type;
  tensor->n_dims = n_dims;
  tensor->dims = build_alloc (build, n_dims * sizeof *dims);
  if (n_dims > 0)
    memcpy (tensor->dims, dims, n_dims * sizeof *dims);
  return tensor;
}

void
build_initialiser (Build *build, Onnx__TensorProto *tensor)
{
  Onnx__GraphProto *graph = current (build);
  graph->initializer[graph->n_initializer++] = tensor;
}

static Onnx__TensorProto *
initialiser (Build *build, const char *name, int type, const char *dims, size_t *n)
{
  int64_t sizes[SF_MAX_RANK];
  g_auto (GStrv) words = g_strsplit (dims, ",", -1);
  *n = 1;
  for (size_t d = 0; words[d] != NULL; d++)
    *n *= (size_t) (sizes[d] = g_ascii_strtoll (words[d], NULL, 10));
  Onnx__TensorProto *tensor = build_tensor (build, name, type, g_strv_length (words), sizes);
  build_initialiser (build, tensor);
  return tensor;
}

void
build_floats (Build *build, const char *name, const char *dims, const float *values)
{
  size_t n;
  Onnx__TensorProto *tensor = initialiser (build, name, F32, dims, &n);
  tensor->has_raw_data = true;
  tensor->raw_data.len = n * sizeof *values;
  tensor->raw_data.data = build_alloc (build, n * sizeof *values);
  memcpy (tensor->raw_data.data, values, n * sizeof *values);
}

void
build_ints (Build *build, const char *name, const char *dims, const int64_t *values)
{
  Onnx__TensorProto *tensor = initialiser (build, name, I64, dims, &(size_t){ 0 });
  tensor->n_int64_data = tensor->n_dims > 0 ? (size_t) tensor->dims[0] : 1;
  tensor->int64_data = build_alloc (build, tensor->n_int64_data * sizeof *values);
  memcpy (tensor->int64_data, values, tensor->n_int64_data * sizeof *values);
}

void
build_sparse (Build *build, const char *name, const char *dims, size_t n, const float *values,
              bool linear, const int64_t *indices)
{
  Onnx__GraphProto *graph = current (build);
  Onnx__SparseTensorProto *sparse = build_alloc (build, sizeof *sparse);
  onnx__sparse_tensor_proto__init (sparse);
  g_auto (GStrv) words = g_strsplit (dims, ",", -1);
  sparse->n_dims = g_strv_length (words);
  sparse->dims = build_alloc (build, sparse->n_dims * sizeof (int64_t));
  for (size_t d = 0; d < sparse->n_dims; d++)
    sparse->dims[d] = g_ascii_strtoll (words[d], NULL, 10);
  int64_t shape[] = { (int64_t) n, (int64_t) sparse->n_dims };
  sparse->values = build_tensor (build, name, F32, 1, shape);
  sparse->values->n_float_data = n;
  sparse->values->float_data = build_alloc (build, n * sizeof *values);
  memcpy (sparse->values->float_data, values, n * sizeof *values);
  sparse->indices = build_tensor (build, NULL, I64, linear ? 1 : 2, shape);
  sparse->indices->n_int64_data = linear ? n : n * sparse->n_dims;
  sparse->indices->int64_data = build_alloc (build,
                                             sparse->indices->n_int64_data * sizeof *indices);
  memcpy (sparse->indices->int64_data, indices, sparse->indices->n_int64_data * sizeof *indices);
  graph->sparse_initializer = build_alloc (build, sizeof *graph->sparse_initializer);
  graph->sparse_initializer[graph->n_sparse_initializer++] = sparse;
}

/* ---- nodes ---- */

static size_t
names (Build *build, const char *list, char ***out)
{
  g_auto (GStrv) words = g_strsplit (list, " ", -1);
  size_t n = g_strv_length (words);
  *out = build_alloc (build, n * sizeof **out);
  for (size_t i = 0; i < n; i++)
    (*out)[i] = text (build, strcmp (words[i], "_") == 0 ? "" : words[i]);
  return n;
}

Onnx__NodeProto *
build_node (Build *build, const char *op, const char *inputs, const char *outputs)
{
  Onnx__GraphProto *graph = current (build);
  Onnx__NodeProto *node = build_alloc (build, sizeof *node);
  onnx__node_proto__init (node);
  node->op_type = text (build, op);
  node->n_input = names (build, inputs, &node->input);
  node->n_output = names (build, outputs, &node->output);
  node->attribute = build_alloc (build, MAX_ITEMS * sizeof *node->attribute);
  graph->node[graph->n_node++] = node;
  return node;
}

Onnx__AttributeProto *
build_attr (Build *build, Onnx__NodeProto *node, const char *name, int type)
{
  Onnx__AttributeProto *attr = build_alloc (build, sizeof *attr);
  onnx__attribute_proto__init (attr);
  attr->name = text (build, name);
  attr->has_type = true;
  attr->type = (Onnx__AttributeProto__AttributeType) type;
  node->attribute[node->n_attribute++] = attr;
  return attr;
}

void
build_attr_int (Build *build, Onnx__NodeProto *node, const char *name, int64_t value)
{
  Onnx__AttributeProto *attr = build_attr (build, node, name,
                                           ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
  attr->has_i = true;
  attr->i = value;
}

void
build_attr_graph (Build *build, Onnx__NodeProto *node, const char *name, Onnx__GraphProto *graph)
{
  build_attr (build, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = graph;
}

Onnx__FunctionProto *
build_function (Build *build, const char *name, const char *inputs, const char *outputs,
                const char *attribute)
{
  Onnx__GraphProto *body = current (build);
  Onnx__FunctionProto *function = build_alloc (build, sizeof *function);
  onnx__function_proto__init (function);
  function->name = text (build, name);
  function->domain = text (build, "my");
  function->n_input = names (build, inputs, &function->input);
  function->n_output = names (build, outputs, &function->output);
  if (attribute != NULL)
    function->n_attribute = names (build, attribute, &function->attribute);
  function->n_opset_import = 2;
  function->opset_import = build->opset_list;
  function->node = body->node;
  function->n_node = body->n_node;
  build->functions[build->model.n_functions++] = function;
  return function;
}

/* ---- reading ---- */

static const SfFrontendOps *
plugin_ops (GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, "onnx", error);
  return plugin != NULL ? plugin->ops.frontend : NULL;
}

GByteArray *
build_bytes (Build *build)
{
  GByteArray *bytes = g_byte_array_new ();
  g_byte_array_set_size (bytes, (guint) onnx__model_proto__get_packed_size (&build->model));
  onnx__model_proto__pack (&build->model, bytes->data);
  return bytes;
}

SfGraph *
build_import_bytes (const uint8_t *data, size_t n, const char *path, const SfImportOptions *options,
                    GError **error)
{
  const SfFrontendOps *ops = plugin_ops (error);
  const SfImportOptions none = { 0 };
  const SfSource source = { .path = path, .data = data, .n_bytes = n };
  g_autoptr (SfModule) module = sf_module_new ("m");
  return ops == NULL ? NULL
                     : ops->import (&source, options != NULL ? options : &none, module, error);
}

SfGraph *
build_import (Build *build, const char *folder, const SfImportOptions *options, GError **error)
{
  g_autoptr (GByteArray) bytes = build_bytes (build);
  g_autofree char *path = g_build_filename (folder != NULL ? folder : "/nonexistent", "m.onnx",
                                            NULL);
  return build_import_bytes (bytes->data, bytes->len, path, options, error);
}

bool
build_read_tensor (const Onnx__TensorProto *proto, const char *path, SfTensor *out, GError **error)
{
  const SfFrontendOps *ops = plugin_ops (error);
  size_t n = onnx__tensor_proto__get_packed_size (proto);
  g_autofree uint8_t *bytes = g_malloc (MAX (n, 1));
  onnx__tensor_proto__pack (proto, bytes);
  const SfSource source = { .path = path, .data = bytes, .n_bytes = n };
  return ops != NULL && ops->read_tensor (&source, out, NULL, error);
}

/* ---- looking at the result ---- */

char *
build_ops (const SfGraph *graph)
{
  GString *list = g_string_new (NULL);
  for (SfNode node = 0; graph != NULL && node < sf_graph_n_nodes (graph); node++)
    g_string_append_printf (list, "%s%s", node > 0 ? " " : "", sf_node_op_name (graph, node));
  return g_string_free (list, FALSE);
}

bool
build_run (const SfGraph *graph, size_t index, const double *const *feeds, double *out,
           size_t n_out)
{
  const SfEvaluateOptions options = { .n_threads = 1 };
  SfValue output = sf_graph_output_at (graph, index, NULL, NULL);
  SfFeed fed[MAX_ITEMS];
  size_t n_inputs = sf_graph_n_inputs (graph);
  for (size_t i = 0; i < n_inputs; i++)
    {
      SfValue input = sf_graph_input_at (graph, i);
      fed[i] = (SfFeed){ input,
                         sf_tensor (SF_F64, *sf_value_shape (graph, input), (void *) feeds[i]) };
    }
  const SfShape *shape = sf_value_shape (graph, output);
  SfFetch fetch = { output, sf_tensor (SF_F64, *shape, out) };
  return sf_shape_n_elems (shape) == (int64_t) n_out
         && sf_evaluate (graph, &options, fed, n_inputs, &fetch, 1, NULL);
}
