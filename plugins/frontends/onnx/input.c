/* SPDX-License-Identifier: Apache-2.0 */
/* The model's inputs: symbolic dimensions get their sizes, every shape becomes static. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* ---- symbolic dimensions ---- */

static const int64_t *
bound (const OnnxImport *import, const char *name)
{
  return name != NULL && *name != '\0' ? g_hash_table_lookup (import->dims, name) : NULL;
}

static void
bind (OnnxImport *import, const char *name, int64_t size)
{
  if (name != NULL && *name != '\0')
    g_hash_table_insert (import->dims, g_strdup (name), g_memdup2 (&size, sizeof size));
}

/* Name of a symbolic dimension; NULL for a number and for one without a name. */
static const char *
param_of (const Onnx__TensorShapeProto__Dimension *dim)
{
  bool named = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
               && dim->dim_param != NULL && *dim->dim_param != '\0';
  return named ? dim->dim_param : NULL;
}

static int64_t
size_of (const OnnxImport *import, const Onnx__TensorShapeProto__Dimension *dim)
{
  const int64_t *size = bound (import, param_of (dim));
  if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
    return dim->dim_value < 0 ? -1 : dim->dim_value;
  return size != NULL ? *size : -1;
}

static const Onnx__TensorShapeProto *
dims_of (const Onnx__TypeProto *type)
{
  bool is_tensor = type != NULL && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
                   && type->tensor_type != NULL;
  return is_tensor ? type->tensor_type->shape : NULL;
}

bool
onnx_type_shape (const OnnxImport *import, const Onnx__TypeProto *type, SfShape *shape)
{
  const Onnx__TensorShapeProto *dims = dims_of (type);
  if (dims == NULL || dims->n_dim > SF_MAX_RANK)
    return false;
  *shape = (SfShape){ .rank = (int32_t) dims->n_dim };
  for (size_t d = 0; d < dims->n_dim; d++)
    shape->dim[d] = size_of (import, dims->dim[d]);
  return true;
}

/* Every --dim NAME=N. */
static bool
read_dims (OnnxImport *import, GError **error)
{
  for (const char *const *dim = import->options->dims; dim != NULL && *dim != NULL; dim++)
    {
      const char *equals = strchr (*dim, '=');
      uint64_t size;
      if (equals == NULL || equals == *dim
          || !g_ascii_string_to_unsigned (equals + 1, 10, 0, G_MAXINT32, &size, NULL))
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "--dim %s: wanted NAME=N with a size N; give for example sequence=128",
                        *dim);
      g_autofree char *name = g_strndup (*dim, (gsize) (equals - *dim));
      bind (import, name, (int64_t) size);
    }
  return true;
}

/* Names of the symbolic dimensions of all inputs, for messages: " batch, sequence". */
static GString *
list_params (const Onnx__GraphProto *graph)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < graph->n_input; i++)
    {
      const Onnx__TensorShapeProto *dims = dims_of (graph->input[i]->type);
      for (size_t d = 0; dims != NULL && d < dims->n_dim; d++)
        {
          const char *param = param_of (dims->dim[d]);
          if (param != NULL && g_hash_table_add (seen, (gpointer) param))
            g_string_append_printf (text, "%s %s", text->len > 0 ? "," : "", param);
        }
    }
  return text;
}

/* Whether `key` is a symbolic dimension of some input, by name or as INPUT.D. */
static bool
is_a_dim (const Onnx__GraphProto *graph, const char *key)
{
  for (size_t i = 0; i < graph->n_input; i++)
    {
      const Onnx__TensorShapeProto *dims = dims_of (graph->input[i]->type);
      for (size_t d = 0; dims != NULL && d < dims->n_dim; d++)
        {
          g_autofree char *place = g_strdup_printf ("%s.%zu", graph->input[i]->name, d);
          if (g_strcmp0 (param_of (dims->dim[d]), key) == 0 || strcmp (place, key) == 0)
            return true;
        }
    }
  return false;
}

static bool
check_dims (const OnnxImport *import, const Onnx__GraphProto *graph, GError **error)
{
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, import->dims);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!is_a_dim (graph, key))
      {
        g_autoptr (GString) names = list_params (graph);
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "--dim %s: no input of %s has a symbolic dimension of that name; there "
                        "is%s",
                        (char *) key, import->model->path, names->len > 0 ? names->str : " none");
      }
  return true;
}

/* ---- inputs ---- */

static bool
is_initialiser (const OnnxScope *scope, const Onnx__ValueInfoProto *info)
{
  return info->name != NULL && g_hash_table_contains (scope->names, info->name);
}

/* --batch-size is the size of every symbolic dimension 0. */
static bool
bind_batch (OnnxScope *scope, GError **error)
{
  OnnxImport *import = scope->import;
  int64_t batch_size = import->options->batch_size, fixed = batch_size;
  const char *first = NULL;
  bool any = false;
  if (batch_size <= 0)
    return true;
  for (size_t i = 0; i < scope->graph->n_input; i++)
    {
      const Onnx__ValueInfoProto *info = scope->graph->input[i];
      const Onnx__TensorShapeProto *dims = dims_of (info->type);
      if (is_initialiser (scope, info) || dims == NULL || dims->n_dim == 0)
        continue;
      int64_t size = size_of (import, dims->dim[0]);
      if (size < 0)
        bind (import, param_of (dims->dim[0]), batch_size);
      any = any || size < 0 || size == batch_size;
      if (first == NULL)
        {
          first = info->name;
          fixed = size;
        }
    }
  return any || first == NULL
         || sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                     "--batch-size %" G_GINT64_FORMAT
                     ": dimension 0 of input %s is %" G_GINT64_FORMAT
                     " in %s; leave the option out, or export with a symbolic batch dimension",
                     batch_size, first, fixed, import->model->path);
}

/* Size of dimension `d`, from whatever tells it. */
static bool
resolve_dim (OnnxImport *import, const char *name, const Onnx__TensorShapeProto__Dimension *dim,
             int d, const SfKnownInput *given, int64_t *size, GError **error)
{
  const char *param = param_of (dim);
  g_autofree char *place = g_strdup_printf ("%s.%d", name, d);
  const int64_t *by_place = bound (import, place);
  *size = by_place != NULL ? *by_place : size_of (import, dim);
  if (*size < 0 && given != NULL && d < given->tensor.shape.rank)
    {
      *size = given->tensor.shape.dim[d];
      bind (import, param, *size);
    }
  if (*size < 0 && d == 0 && import->options->batch_size > 0)
    *size = import->options->batch_size;
  if (*size >= 0)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: input %s: dimension %d is %s%s, wanted a size; give %s--dim %s=N",
                  import->model->path, name, d, param != NULL ? "symbolic: " : "open",
                  param != NULL ? param : "", d == 0 ? "--batch-size N or " : "",
                  param != NULL ? param : place);
}

/* The declared shape, open dimensions resolved; that of the content known for it where that cannot
 * be it. */
static bool
static_shape (OnnxImport *import, const Onnx__ValueInfoProto *info, const SfKnownInput *given,
              SfShape *shape, GError **error)
{
  const Onnx__TensorShapeProto *dims = dims_of (info->type);
  const char *path = import->model->path;
  if (dims == NULL && given == NULL)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: input %s has no declared rank, wanted static shapes; export with shapes",
                    path, info->name);
  if (dims == NULL)
    {
      *shape = given->tensor.shape;
      return true;
    }
  if (dims->n_dim > SF_MAX_RANK)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: input %s has %zu dimensions, wanted at most %d", path, info->name,
                    dims->n_dim, SF_MAX_RANK);
  *shape = (SfShape){ .rank = (int32_t) dims->n_dim };
  for (int d = 0; d < shape->rank; d++)
    if (!resolve_dim (import, info->name, dims->dim[d], d, given, &shape->dim[d], error))
      return false;
  if (given != NULL && sf_shape_n_elems (shape) != sf_shape_n_elems (&given->tensor.shape))
    *shape = given->tensor.shape;
  return sf_shape_check (shape, info->name, error);
}

/* What a type that is no tensor is called. */
static const char *
kind_of (const Onnx__TypeProto *type)
{
  switch (type != NULL ? type->value_case : ONNX__TYPE_PROTO__VALUE__NOT_SET)
    {
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
      return "a sequence";
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
      return "a map";
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
      return "an optional";
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
      return "a sparse tensor";
    default:
      return "of no type";
    }
}

static bool
enter_input (OnnxScope *scope, const Onnx__ValueInfoProto *info, GError **error)
{
  OnnxImport *import = scope->import;
  const char *path = import->model->path;
  SfShape shape;
  if (info->name == NULL || *info->name == '\0')
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: an input without a name", path);
  if (info->type == NULL || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: input %s is %s, wanted a tensor; a dataflow program is fed with tensors "
                    "alone",
                    path, info->name, kind_of (info->type));
  bool nibbles;
  SfDtype dtype = onnx_stored_data_type (info->type->tensor_type->elem_type, &nibbles, error);
  if (dtype == SF_N_DTYPES)
    {
      g_prefix_error (error, "%s: input %s: ", path, info->name);
      return false;
    }
  const SfKnownInput *given = onnx_given (import, info->name);
  if (!static_shape (import, info, given, &shape, error))
    return false;
  OnnxValue *value = onnx_value_new (import, ONNX_TENSOR);
  value->name = info->name;
  value->dtype = dtype;
  value->shape = shape;
  value->given = given;
  value->is_input = true;
  value->is_nibbles = nibbles;
  return (given != NULL || onnx_value_place (import, value, error) != SF_NONE)
         && (onnx_scope_add (scope, info->name, value)
             || sf_fail (error, SF_ERROR_INVALID_DATA, "%s: two inputs are called %s", path,
                         info->name));
}

/* An input with an initialiser has a default, which content known for it replaces. */
static bool
replace_default (OnnxScope *scope, const char *name, GError **error)
{
  OnnxImport *import = scope->import;
  const SfKnownInput *given = onnx_given (import, name);
  OnnxValue *value = onnx_scope_find (scope, name);
  if (given == NULL)
    return true;
  if (sf_shape_n_elems (&given->tensor.shape) != sf_shape_n_elems (&value->shape))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: input %s: the content given for it has %" G_GINT64_FORMAT
                    " elements, its default %" G_GINT64_FORMAT "; give as many",
                    import->model->path, name, sf_shape_n_elems (&given->tensor.shape),
                    sf_shape_n_elems (&value->shape));
  value->proto = NULL;
  value->given = given;
  return onnx_value_content (import, value, error) != NULL;
}

static bool
check_given (const OnnxScope *scope, GError **error)
{
  const Onnx__GraphProto *graph = scope->graph;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (size_t i = 0; i < graph->n_input; i++)
    if (graph->input[i]->name != NULL)
      g_ptr_array_add (names, graph->input[i]->name);
  for (size_t i = 0; i < scope->import->options->n_known; i++)
    {
      const char *name = scope->import->options->known[i].name;
      if (g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
        continue;
      const char *near = sf_nearest_word (name, (const char *const *) names->pdata, names->len);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "%s: content is given for an input %s, which the model has not%s%s",
                      scope->import->model->path, name, near != NULL ? "; the nearest is " : "",
                      near != NULL ? near : "");
    }
  return true;
}

bool
onnx_enter_inputs (OnnxScope *scope, GError **error)
{
  if (!read_dims (scope->import, error) || !check_dims (scope->import, scope->graph, error)
      || !check_given (scope, error) || !bind_batch (scope, error))
    return false;
  for (size_t i = 0; i < scope->graph->n_input; i++)
    {
      const Onnx__ValueInfoProto *info = scope->graph->input[i];
      if (!(is_initialiser (scope, info) ? replace_default (scope, info->name, error)
                                         : enter_input (scope, info, error)))
        return false;
    }
  return true;
}
