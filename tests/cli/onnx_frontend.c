/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend "onnx" for the tests of `sf onnx-test`. A model file is one word: "double" (y = x + x,
 * x as it is known), "refuse", "crash", "hang"; a tensor file is "NAME DTYPE DIM... = VALUE...". */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sf/plugin/frontend.h>

static SfGraph *
build_double (const SfImportOptions *options, GError **error)
{
  static const SfKnownInput unknown = { .name = "x", .tensor.shape = { .rank = 1, .dim = { 1 } } };
  const SfKnownInput *known = options->n_known > 0 ? &options->known[0] : &unknown;
  if (strcmp (known->name, "x") != 0)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "double: found an input %s, wanted x",
               known->name);
      return NULL;
    }
  g_autoptr (SfGraph) graph = sf_graph_new ("forward");
  SfValue x = sf_graph_input (graph, known->name, known->tensor.dtype, known->tensor.shape, error);
  SfValue y = x != SF_NONE ? sf_graph_op2 (graph, "add", x, x, error) : SF_NONE;
  if (y == SF_NONE || !sf_graph_output (graph, "y", SF_OUTPUT_PREDICTION, y, error))
    return NULL;
  return sf_graph_ref (graph);
}

static SfGraph *
import (const SfSource *source, const SfImportOptions *options, SfModule *module, GError **error)
{
  (void) module;
  g_autofree char *text = g_strndup ((const char *) source->data, source->n_bytes);
  const char *word = g_strstrip (text);
  if (strcmp (word, "double") == 0)
    return build_double (options, error);
  if (strcmp (word, "crash") == 0)
    raise (SIGABRT);
  while (strcmp (word, "hang") == 0)
    pause ();
  sf_fail (error, SF_ERROR_UNSUPPORTED, "%s: found %s, wanted double", source->path, word);
  return NULL;
}

static bool
read_values (char *const *words, SfTensor *out, GError **error)
{
  int64_t n = sf_shape_n_elems (&out->shape), at = 0;
  size_t bytes = sf_dtype_bytes (out->dtype);
  for (; words[at] != NULL && at < n; at++)
    {
      double value = g_ascii_strtod (words[at], NULL);
      sf_dtype_convert (SF_F64, &value, out->dtype, (char *) out->data + (size_t) at * bytes, 1);
    }
  return (at == n && words[at] == NULL)
         || sf_fail (error, SF_ERROR_INVALID_DATA, "wrong number of values");
}

static bool
read_tensor (const SfSource *source, SfTensor *out, char **name, GError **error)
{
  g_autofree char *text = g_strndup ((const char *) source->data, source->n_bytes);
  g_auto (GStrv) words = g_strsplit (g_strstrip (text), " ", -1);
  SfDtype dtype;
  SfShape shape = sf_shape_scalar ();
  guint at = 2;
  if (g_strv_length (words) < 4)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no tensor, wanted NAME DTYPE DIM... = VALUE...", source->path);
  for (; words[at] != NULL && strcmp (words[at], "=") != 0 && shape.rank < SF_MAX_RANK; at++)
    shape.dim[shape.rank++] = g_ascii_strtoll (words[at], NULL, 10);
  if (!sf_dtype_parse (words[1], &dtype, error) || !sf_tensor_alloc (dtype, &shape, out, error))
    return false;
  if (words[at] == NULL || !read_values (words + at + 1, out, error))
    {
      sf_tensor_clear (out);
      return error != NULL && *error != NULL
                 ? false
                 : sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found no =", source->path);
    }
  if (name != NULL)
    *name = g_strdup (words[0]);
  return true;
}

static const SfFrontendOps ops = {
  .size = sizeof ops,
  .suffixes = ".onnx",
  .import = import,
  .read_tensor = read_tensor,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_FRONTEND, "onnx", "1.0", "words, for tests"),
  .ops.frontend = &ops,
};
