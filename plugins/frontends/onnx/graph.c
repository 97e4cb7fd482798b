/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the nodes of a graph: each is folded when everything it reads is constant, else lowered
 * into the graph; its outputs become names of the scope. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* ---- after a lowering ---- */

/* An attribute that the lowering did not ask for has no effect here, so it must not be there. */
static void
check_attributes (OnnxNode *node)
{
  for (size_t i = 0; i < node->proto->n_attribute; i++)
    if (!node->asked[i])
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "attribute %s is unknown for this operator and opset; export again without it",
                   node->proto->attribute[i]->name != NULL ? node->proto->attribute[i]->name : "");
}

static void
lower (OnnxNode *node)
{
  sf_graph_set_scope (node->graph, node->name);
  node->row->lower (node);
  sf_graph_set_scope (node->graph, NULL);
  if (node->error == NULL)
    check_attributes (node);
}

/* Where 4 bits are not what the operator knows, 8 would saturate elsewhere. */
static void
check_nibbles (OnnxNode *node)
{
  for (size_t i = 0; i < node->n_inputs && (node->row->flags & ONNX_NIBBLES) == 0; i++)
    if (node->inputs[i] != NULL && node->inputs[i]->is_nibbles)
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "input %zu (%s) holds integers of 4 bits, wanted 8 at least; only "
                   "DequantizeLinear and Cast take them",
                   i, node->proto->input[i]);
}

/* ---- folding ---- */

static bool
is_foldable (const OnnxNode *node)
{
  if ((node->row->flags & ONNX_LIST) != 0)
    return false;
  for (size_t i = 0; i < node->n_inputs; i++)
    if (node->inputs[i] != NULL && !onnx_value_is_constant (node->inputs[i]))
      return false;
  for (size_t i = 0; i < node->proto->n_attribute; i++)
    {
      const Onnx__AttributeProto *attr = node->proto->attribute[i];
      if (attr->g != NULL || attr->n_graphs > 0)
        return false;
    }
  return true;
}

/* Random numbers, states, and what takes long or would only fill the file stay in the graph. */
static bool
is_worth_evaluating (const SfGraph *scratch)
{
  if (sf_graph_n_scalars (scratch) > 0 || sf_graph_n_states (scratch) > 0)
    return false;
  for (SfNode node = 0; node < sf_graph_n_nodes (scratch); node++)
    if (!onnx_is_light (scratch, node))
      return false;
  return true;
}

/* Each result of the scratch graph becomes content. */
static bool
evaluate_results (OnnxNode *node, const SfGraph *scratch, GError **error)
{
  const SfEvaluateOptions options = { .n_threads = 1 };
  g_autofree SfFetch *fetches = g_new0 (SfFetch, node->n_outputs + 1);
  size_t n = 0;
  for (size_t i = 0; i < node->n_outputs; i++)
    if (node->results[i] != SF_NONE)
      fetches[n++].value = node->results[i];
  if (n > 0 && !sf_evaluate (scratch, &options, NULL, 0, fetches, n, error))
    return false;
  n = 0;
  for (size_t i = 0; i < node->n_outputs; i++)
    if (node->results[i] != SF_NONE)
      node->outputs[i] = onnx_value_of_content (node->import, &fetches[n++].tensor);
  return true;
}

/* True: the node is done (or has failed). False: it is to be lowered into the graph. */
static bool
fold (OnnxNode *node)
{
  g_autoptr (SfGraph) scratch = sf_graph_new ("fold");
  GError *error = NULL;
  onnx_node_reset (node, scratch);
  lower (node);
  if (node->error == NULL && !is_worth_evaluating (scratch))
    {
      onnx_node_reset (node, node->import->graph);
      return false;
    }
  if (node->error == NULL && !evaluate_results (node, scratch, &error))
    onnx_adopt (node, error);
  node->graph = node->import->graph;
  return true;
}

/* ---- walking ---- */

static bool
name_outputs (OnnxNode *node)
{
  for (size_t i = 0; i < node->n_outputs; i++)
    {
      const char *name = node->proto->output[i];
      OnnxValue *value = node->outputs[i];
      if (value == NULL && node->results[i] != SF_NONE)
        value = onnx_value_of_graph (node->import, node->results[i]);
      if (value == NULL)
        value = onnx_value_new (node->import, ONNX_UNSET);
      if (*name != '\0' && !onnx_scope_add (node->scope, name, value))
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "output %zu (%s) has the name of an earlier value; export again", i, name);
    }
  return node->error == NULL;
}

static void
run_node (OnnxNode *node)
{
  const char *domain = onnx_domain (node->proto->domain), *op = onnx_op_type (node);
  GError *error = NULL;
  if (++node->import->n_nodes > ONNX_MAX_NODES)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE,
                   "more than %d nodes, loops unrolled; export with fewer trips", ONNX_MAX_NODES);
      return;
    }
  const Onnx__FunctionProto *function = onnx_model_function (node->import->model, domain, op);
  if (function != NULL)
    {
      onnx_call_function (node, function);
      return;
    }
  node->row = onnx_table_find (domain, op, node->opset, &error);
  if (node->row == NULL)
    onnx_adopt (node, error);
  else
    check_nibbles (node);
  if (node->error != NULL)
    return;
  if (!is_foldable (node) || !fold (node))
    lower (node);
}

bool
onnx_walk (OnnxScope *scope, Onnx__NodeProto *const *nodes, size_t n, GError **error)
{
  for (size_t i = 0; i < n; i++)
    {
      g_autoptr (OnnxNode) node = onnx_node_new (scope, nodes[i], error);
      if (node == NULL)
        return false;
      run_node (node);
      if (node->error == NULL)
        name_outputs (node);
      if (node->error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&node->error));
          return false;
        }
    }
  return true;
}

/* ---- graphs within ---- */

static bool
enter_body_inputs (OnnxNode *node, OnnxScope *scope, OnnxValue *const *inputs, size_t n_inputs)
{
  const Onnx__GraphProto *graph = scope->graph;
  if (graph->n_input != n_inputs)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "its graph has %zu inputs, wanted %zu; export again",
                 graph->n_input, n_inputs);
  for (size_t i = 0; node->error == NULL && i < n_inputs; i++)
    {
      const char *name = graph->input[i]->name;
      if (name == NULL || !onnx_scope_add (scope, name, inputs[i]))
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "its graph has two inputs called %s",
                     name != NULL ? name : "nothing");
    }
  return node->error == NULL;
}

static bool
collect_outputs (OnnxNode *node, const OnnxScope *scope, OnnxValue **outputs)
{
  const Onnx__GraphProto *graph = scope->graph;
  for (size_t i = 0; i < graph->n_output; i++)
    {
      const char *name = graph->output[i]->name;
      outputs[i] = name != NULL ? onnx_scope_find (scope, name) : NULL;
      if (outputs[i] == NULL)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "output %zu (%s) of its graph is computed by no node; export again", i,
                     name != NULL ? name : "");
    }
  return node->error == NULL;
}

bool
onnx_run_graph (OnnxNode *node, const Onnx__GraphProto *graph, const char *label,
                OnnxValue *const *inputs, size_t n_inputs, OnnxValue **outputs)
{
  GError *error = NULL;
  if (node->error != NULL)
    return false;
  if (node->import->nesting >= ONNX_MAX_NESTING)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED, "graphs within graphs beyond %d levels",
                   ONNX_MAX_NESTING);
      return false;
    }
  g_autofree char *prefix = g_strdup_printf ("%s/%s/", node->name, label);
  g_autoptr (OnnxScope) scope = onnx_scope_new (node->import, node->scope, graph, node->scope->call,
                                                prefix);
  node->import->nesting++;
  bool ok = enter_body_inputs (node, scope, inputs, n_inputs);
  if (ok
      && (!onnx_enter_initialisers (scope, &error)
          || !onnx_walk (scope, graph->node, graph->n_node, &error)))
    {
      /* The message names the inner node. */
      node->error = error;
      ok = false;
    }
  node->import->nesting--;
  sf_graph_set_scope (node->graph, node->name);
  return ok && collect_outputs (node, scope, outputs);
}
