/* SPDX-License-Identifier: Apache-2.0 */
/* What is known at import: contents of initialisers and given inputs, folded results, and values of
 * the graph that depend on nothing fed. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* What a value of the graph depends on. */
enum
{
  FED = 1 << 0,   /* an input whose content nobody gave, or a scalar of the step */
  GIVEN = 1 << 1, /* an input whose content the caller gave */
  HEAVY = 1 << 2, /* a result that takes long or much memory to evaluate */
};

enum
{
  MAX_PRODUCTS = 1 << 30, /* of one contraction or window */
  MAX_VISITS = 1 << 20,   /* of values, over all evaluations of one import */
};

/* ---- bounds ---- */

/* Products of a contraction are fewer than results times elements of an operand. */
bool
onnx_is_light (const SfGraph *graph, SfNode node)
{
  size_t n_bytes = 0, n_results = 0, n_operand = SIZE_MAX, products;
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    {
      SfValue v = sf_node_output (graph, node, i);
      size_t n = (size_t) sf_shape_n_elems (sf_value_shape (graph, v));
      n_results += n;
      n_bytes += n * sf_dtype_bytes (sf_value_dtype (graph, v));
    }
  SfOpClass op_class = sf_op_class (sf_node_op (graph, node));
  bool multiplies = op_class == SF_OP_CONTRACTION || op_class == SF_OP_WINDOW
                    || op_class == SF_OP_COMPOSITE;
  for (size_t i = 0; i < sf_node_n_inputs (graph, node) && i < 2; i++)
    if (sf_node_input (graph, node, i) != SF_NONE)
      n_operand = MIN (n_operand, (size_t) sf_shape_n_elems (
                                      sf_value_shape (graph, sf_node_input (graph, node, i))));
  bool many = multiplies && sf_node_n_inputs (graph, node) > 1
              && (!sf_mul_size (n_results, n_operand, &products) || products > MAX_PRODUCTS);
  return n_bytes <= ONNX_MAX_FOLD_BYTES && !many;
}

const SfKnownInput *
onnx_given (const OnnxImport *import, const char *name)
{
  for (size_t i = 0; i < import->options->n_known; i++)
    if (strcmp (import->options->known[i].name, name) == 0)
      return &import->options->known[i];
  return NULL;
}

static guint8
origin_of (const OnnxImport *import, SfValue value)
{
  const SfGraph *graph = import->graph;
  guint8 origin = 0;
  switch (sf_value_kind (graph, value))
    {
    case SF_VALUE_INPUT:
      return onnx_given (import, sf_value_name (graph, value)) != NULL ? GIVEN : FED;
    case SF_VALUE_SCALAR:
      return FED;
    case SF_VALUE_RESULT:
      {
        SfNode node = sf_value_producer (graph, value);
        origin = onnx_is_light (graph, node) ? 0 : HEAVY;
        for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
          if (sf_node_input (graph, node, i) != SF_NONE)
            origin |= import->origins->data[sf_node_input (graph, node, i)];
        return origin;
      }
    default:
      return 0;
    }
}

/* Every value once, in the order of the graph. */
static guint8
origin (OnnxImport *import, SfValue value)
{
  for (SfValue v = import->origins->len; v <= value; v++)
    {
      guint8 now = origin_of (import, v);
      g_byte_array_append (import->origins, &now, 1);
    }
  return import->origins->data[value];
}

bool
onnx_value_is_constant (const OnnxValue *value)
{
  return value->kind == ONNX_TENSOR && !value->is_param && !value->is_computed && !value->is_input;
}

bool
onnx_value_is_known (OnnxImport *import, const OnnxValue *value)
{
  if (value->kind != ONNX_TENSOR)
    return false;
  if (value->has_content || value->proto != NULL || value->given != NULL)
    return true;
  return value->at != SF_NONE && (origin (import, value->at) & FED) == 0;
}

/* The given inputs that are in the graph, as feeds. */
static GArray *
given_feeds (const OnnxImport *import)
{
  GArray *feeds = g_array_new (FALSE, FALSE, sizeof (SfFeed));
  for (size_t i = 0; i < sf_graph_n_inputs (import->graph); i++)
    {
      SfValue input = sf_graph_input_at (import->graph, i);
      const SfKnownInput *given = onnx_given (import, sf_value_name (import->graph, input));
      if (given == NULL)
        continue;
      SfTensor view = sf_tensor (given->tensor.dtype, *sf_value_shape (import->graph, input),
                                 given->tensor.data);
      g_array_append_vals (feeds, &(SfFeed){ input, view }, 1);
    }
  return feeds;
}

static void
count_visit (void *user_data, SfValue value, SfTensor *data)
{
  ++*(size_t *) user_data;
}

/* Runs what the value needs of the graph. */
static bool
evaluate (OnnxImport *import, SfValue at, SfTensor *out, GError **error)
{
  const SfEvaluateOptions options
      = { .n_threads = 1, .observe = count_visit, .user_data = &import->n_visits };
  SfFetch fetch = { .value = at };
  if ((origin (import, at) & HEAVY) != 0 || import->n_visits > MAX_VISITS)
    return sf_fail (error, SF_ERROR_NO_RESOURCE,
                    "its content is wanted at import, but takes too much to compute; make it an "
                    "initialiser");
  g_autoptr (GArray) feeds = given_feeds (import);
  if (!sf_evaluate (import->graph, &options, (const SfFeed *) feeds->data, feeds->len, &fetch, 1,
                    error))
    return false;
  *out = fetch.tensor;
  return true;
}

/* The given content in the input's dtype and shape, which has as many elements. */
static bool
take_given (OnnxValue *value, GError **error)
{
  const SfTensor *given = &value->given->tensor;
  SfTensor view = sf_tensor (given->dtype, value->shape, given->data);
  value->is_taken = true;
  return sf_tensor_alloc (value->dtype, &value->shape, &value->content, error)
         && sf_tensor_copy (&view, &value->content, error);
}

const SfTensor *
onnx_value_content (OnnxImport *import, OnnxValue *value, GError **error)
{
  bool ok = true;
  if (value->has_content)
    {
      value->is_taken = true;
      return &value->content;
    }
  if (value->proto != NULL)
    {
      g_autofree char *what = g_strdup_printf ("initialiser %s", value->name);
      ok = onnx_tensor_read (value->proto, import->model->folder, what, &value->content, error);
    }
  else if (value->given != NULL)
    ok = take_given (value, error);
  else
    ok = evaluate (import, value->at, &value->content, error);
  value->has_content = ok;
  return ok ? &value->content : NULL;
}

/* ---- entering the graph ---- */

/* `name`, or the first of name_1, name_2 ... that no input, state or scalar has. */
static char *
free_name (const SfGraph *graph, const char *name)
{
  char *found = g_strdup (name);
  for (int i = 1; sf_graph_find (graph, found) != SF_NONE; i++)
    {
      g_free (found);
      found = g_strdup_printf ("%s_%d", name, i);
    }
  return found;
}

SfValue
onnx_value_place (OnnxImport *import, OnnxValue *value, GError **error)
{
  if (value->at != SF_NONE)
    return value->at;
  SfGraph *graph = import->graph;
  if (value->is_input)
    {
      value->at = sf_graph_input (graph, value->name, value->dtype, value->shape, error);
      return value->at;
    }
  /* The graph copies, so bytes on any boundary will do. */
  const void *data = value->proto != NULL && !value->has_content
                         ? onnx_tensor_bytes (value->proto, import->model->folder)
                         : NULL;
  const SfTensor *content = data == NULL ? onnx_value_content (import, value, error) : NULL;
  if (data == NULL && content == NULL)
    return SF_NONE;
  if (content != NULL)
    data = content->data;
  if (value->is_param)
    {
      g_autofree char *name = free_name (graph, value->name);
      value->at = sf_graph_state (graph, name, SF_STATE_PARAM, value->dtype, value->shape, data,
                                  error);
    }
  else
    value->at = sf_graph_constant (graph, value->dtype, value->shape, data, error);
  return value->at;
}

SfValue
onnx_input_statistic (OnnxNode *node, size_t index)
{
  OnnxValue *value = onnx_input_value (node, index);
  if (node->error != NULL || value == NULL || !value->is_param || onnx_is_scratch (node))
    return SF_NONE;
  if (value->at != SF_NONE)
    return sf_value_state_kind (node->graph, value->at) == SF_STATE_STATISTIC ? value->at : SF_NONE;
  GError *error = NULL;
  const SfTensor *content = onnx_value_content (node->import, value, &error);
  if (content != NULL)
    {
      g_autofree char *name = free_name (node->graph, value->name);
      value->at = sf_graph_state (node->graph, name, SF_STATE_STATISTIC, value->dtype, value->shape,
                                  content->data, &error);
    }
  if (error != NULL)
    onnx_adopt (node, error);
  return value->at;
}

/* ---- the calls of importer.h ---- */

bool
onnx_is_known (OnnxNode *node, size_t index)
{
  OnnxValue *value = onnx_input_value (node, index);
  return node->error == NULL && value != NULL && onnx_value_is_known (node->import, value);
}

const SfTensor *
onnx_known (OnnxNode *node, size_t index)
{
  OnnxValue *value = onnx_input_value (node, index);
  if (node->error != NULL)
    return NULL;
  if (value == NULL)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu is absent, wanted a tensor", index);
      return NULL;
    }
  const char *name = node->proto->input[index];
  if (value->kind == ONNX_TENSOR && !onnx_value_is_known (node->import, value))
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "input %zu (%s) depends on what is fed at run time, but its content shapes the "
                 "graph; make it an initialiser, or bind the graph input behind it with --bind "
                 "NAME=VALUES",
                 index, name);
  else if (value->kind != ONNX_TENSOR)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED, "input %zu (%s) is %s, wanted a tensor", index, name,
                 onnx_kind_name (value->kind));
  if (node->error != NULL)
    return NULL;
  GError *error = NULL;
  const SfTensor *content = onnx_value_content (node->import, value, &error);
  if (content == NULL)
    onnx_adopt (node, error);
  return content;
}

/* Lends `n` elements of `width` bytes to the lowering. */
static void *
lend (OnnxNode *node, size_t n, size_t width)
{
  void *memory = g_try_malloc_n (MAX (n, 1), width);
  if (memory == NULL)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE, "found no memory for %zu numbers", n);
      return NULL;
    }
  g_ptr_array_add (node->owned, memory);
  return memory;
}

OnnxInts
onnx_known_ints (OnnxNode *node, size_t index)
{
  OnnxInts ints = { 0 };
  const SfTensor *known = onnx_known (node, index);
  if (known == NULL)
    return ints;
  if (sf_dtype_is_float (known->dtype))
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu (%s) is of %s, wanted integers", index,
                   node->proto->input[index], sf_dtype_name (known->dtype));
      return ints;
    }
  size_t n = (size_t) sf_shape_n_elems (&known->shape);
  int64_t *at = lend (node, n, sizeof *at);
  if (at == NULL)
    return ints;
  sf_dtype_convert (known->dtype, known->data, SF_I64, at, n);
  for (size_t i = 0; known->dtype == SF_U64 && i < n; i++)
    at[i] = at[i] < 0 ? INT64_MAX : at[i];
  return (OnnxInts){ n, at };
}

size_t
onnx_known_floats (OnnxNode *node, size_t index, const double **values)
{
  *values = NULL;
  const SfTensor *known = onnx_known (node, index);
  size_t n = known != NULL ? (size_t) sf_shape_n_elems (&known->shape) : 0;
  double *at = known != NULL ? lend (node, n, sizeof *at) : NULL;
  if (at == NULL)
    return 0;
  sf_dtype_convert (known->dtype, known->data, SF_F64, at, n);
  *values = at;
  return n;
}

static bool
is_one (OnnxNode *node, size_t index, size_t n)
{
  if (node->error == NULL && n != 1)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu (%s) has %zu elements, wanted 1", index,
                 node->proto->input[index], n);
  return node->error == NULL;
}

int64_t
onnx_known_int (OnnxNode *node, size_t index, int64_t def)
{
  if (!onnx_has_input (node, index))
    return def;
  OnnxInts ints = onnx_known_ints (node, index);
  return is_one (node, index, ints.n) ? ints.at[0] : 0;
}

double
onnx_known_float (OnnxNode *node, size_t index, double def)
{
  if (!onnx_has_input (node, index))
    return def;
  const double *values;
  size_t n = onnx_known_floats (node, index, &values);
  return is_one (node, index, n) ? values[0] : 0;
}
