/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the model: a call is its body, inlined. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* Formal inputs become names; those that the call leaves out are known to be absent. */
static void
enter_arguments (OnnxNode *node, OnnxScope *scope)
{
  const Onnx__FunctionProto *function = scope->call->function;
  if (node->n_inputs > function->n_input)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu inputs, but the function has %zu; export again",
                 node->n_inputs, function->n_input);
  for (size_t i = 0; node->error == NULL && i < function->n_input; i++)
    {
      OnnxValue *value = onnx_input_value (node, i);
      if (value == NULL)
        value = onnx_value_new (node->import, ONNX_ABSENT);
      if (!onnx_scope_add (scope, function->input[i], value))
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "the function has two inputs called %s",
                     function->input[i]);
    }
}

static bool
declares (OnnxNode *node, const Onnx__FunctionProto *function, const char *name)
{
  for (size_t i = 0; i < function->n_attribute; i++)
    if (strcmp (function->attribute[i], name) == 0)
      return true;
  return onnx_model_default (node->import->model, function, name) != NULL;
}

static void
check_call_attributes (OnnxNode *node, const Onnx__FunctionProto *function)
{
  for (size_t i = 0; i < node->proto->n_attribute; i++)
    {
      const char *name = node->proto->attribute[i]->name;
      if (name == NULL || !declares (node, function, name))
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "attribute %s, which the function does not declare; export again",
                     name != NULL ? name : "without a name");
    }
}

static void
take_results (OnnxNode *node, const OnnxScope *scope)
{
  const Onnx__FunctionProto *function = scope->call->function;
  for (size_t i = 0; i < node->n_outputs; i++)
    {
      if (!onnx_wants_output (node, i))
        continue;
      OnnxValue *value = i < function->n_output ? onnx_scope_find (scope, function->output[i])
                                                : NULL;
      if (value == NULL)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "output %zu (%s) is computed by no node of the function; export again", i,
                     node->proto->output[i]);
      else
        onnx_set_value (node, i, value);
    }
}

void
onnx_call_function (OnnxNode *node, const Onnx__FunctionProto *function)
{
  const OnnxCall call = { .function = function, .node = node->proto, .scope = node->scope };
  g_autofree char *prefix = g_strconcat (node->name, "/", NULL);
  if (node->import->nesting >= ONNX_MAX_NESTING)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "functions within functions beyond %d levels; a function may not call itself",
                   ONNX_MAX_NESTING);
      return;
    }
  g_autoptr (OnnxScope) scope = onnx_scope_new (node->import, NULL, NULL, &call, prefix);
  check_call_attributes (node, function);
  enter_arguments (node, scope);
  if (node->error != NULL)
    return;
  node->import->nesting++;
  onnx_walk (scope, function->node, function->n_node, &node->error);
  node->import->nesting--;
  if (node->error == NULL)
    take_results (node, scope);
}
