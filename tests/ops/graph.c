/* SPDX-License-Identifier: Apache-2.0 */
/* Cases as graphs: the op, its loss and gradients, its lowered form, and their evaluation. */
#include "tests/ops/cases.h"

#include <sf/evaluate.h>
#include <sf/rng.h>

static bool
is_rng (const OpCase *c, size_t index)
{
  return c->in[index].type == CASE_I32 && g_str_equal (c->in[index].shape, "3")
         && (g_str_equal (c->op, "rng_uniform") || g_str_has_prefix (c->op, "dropout"));
}

bool
op_case_graph (const OpCase *c, SfDtype t, CaseGraph *g, GError **error)
{
  *g = (CaseGraph){ .loss = SF_NONE, .n_in = op_case_n_inputs (c) };
  g->graph = sf_graph_new (c->name);
  for (size_t i = 0; i < CASE_MAX_INPUTS; i++)
    g->in[i] = g->grad[i] = SF_NONE;
  for (size_t i = 0; i < g->n_in; i++)
    {
      if (c->in[i].type == CASE_ABSENT)
        continue;
      char name[8];
      g_snprintf (name, sizeof name, "in%zu", i);
      SfDtype dtype = op_case_dtype (c->in[i].type, t);
      SfShape shape = op_case_shape (c->in[i].shape);
      g->in[i] = is_rng (c, i) ? sf_graph_scalar (g->graph, "rng", dtype, shape, error)
                               : sf_graph_input (g->graph, name, dtype, shape, error);
      if (g->in[i] == SF_NONE)
        return false;
    }
  size_t n_attrs = 0;
  while (n_attrs < CASE_MAX_ATTRS && c->attrs[n_attrs].name != NULL)
    n_attrs++;
  g->node = sf_graph_add (g->graph, c->op, g->in, g->n_in, c->attrs, n_attrs, g->out, error);
  if (g->node == SF_NONE)
    return false;
  g->n_out = sf_node_n_outputs (g->graph, g->node);
  return true;
}

static SfValue
projection (const OpCase *c, SfGraph *graph, SfShape shape, SfDtype dtype, GError **error)
{
  SfRng rng = { .seed = 21, .stream = sf_rng_stream_of (c->name) };
  size_t n = (size_t) sf_shape_n_elems (&shape);
  g_autofree double *r = g_new0 (double, MAX (n, 1));
  g_autofree double *stored = g_new0 (double, MAX (n, 1));
  for (size_t i = 0; i < n; i++)
    r[i] = 0.25 + sf_rng_uniform (&rng, i) * ((i & 1) != 0 ? -1 : 1);
  sf_dtype_convert (SF_F64, r, dtype, stored, n);
  return sf_graph_constant (graph, dtype, shape, stored, error);
}

bool
op_case_add_loss (const OpCase *c, CaseGraph *g, GError **error)
{
  SfShape shape = *sf_value_shape (g->graph, g->out[0]);
  SfDtype dtype = sf_value_dtype (g->graph, g->out[0]);
  SfDtype wide = dtype == SF_F64 ? SF_F64 : SF_F32;
  SfValue y = g->out[0];
  SfAttr to = SF_ATTR_D ("dtype", wide);
  if (dtype != wide)
    y = sf_graph_op (g->graph, "cast", &y, 1, &to, 1, error);
  SfValue r = y == SF_NONE ? SF_NONE : projection (c, g->graph, shape, wide, error);
  if (r == SF_NONE)
    return false;
  y = sf_graph_op2 (g->graph, "mul", y, r, error);
  if (y != SF_NONE && shape.rank > 0)
    {
      int64_t axes[SF_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 };
      SfAttr attr = SF_ATTR_IS ("axes", axes, (size_t) shape.rank);
      y = sf_graph_op (g->graph, "reduce_sum", &y, 1, &attr, 1, error);
    }
  g->loss = y;
  return y != SF_NONE;
}

bool
op_case_differentiate (const OpCase *c, CaseGraph *g, GError **error)
{
  if (!op_case_add_loss (c, g, error))
    return false;
  SfValue wrt[CASE_MAX_INPUTS], grad[CASE_MAX_INPUTS];
  size_t n = 0;
  for (size_t i = 0; i < g->n_in; i++)
    if (g->in[i] != SF_NONE && sf_dtype_is_float (sf_value_dtype (g->graph, g->in[i]))
        && !c->in[i].no_gradient)
      wrt[n++] = g->in[i];
  if (!sf_graph_differentiate (g->graph, g->loss, wrt, n, grad, error))
    return false;
  for (size_t i = 0, k = 0; i < g->n_in && k < n; i++)
    if (g->in[i] == wrt[k])
      g->grad[i] = grad[k++];
  return true;
}

/* Copies or decomposes node by node; a decomposition into composites takes another round. */
static bool
lower_once (const SfGraph *from, SfGraph *to, SfValue *map, bool *changed, GError **error)
{
  if (!sf_graph_copy_interface (to, from, map, error))
    return false;
  *changed = false;
  for (SfNode node = 0; node < sf_graph_n_nodes (from); node++)
    {
      sf_graph_set_phase (to, sf_node_phase (from, node));
      if (!sf_op_has_decomposition (sf_node_op (from, node)))
        {
          if (!sf_graph_copy_node (to, from, node, map, error))
            return false;
          continue;
        }
      SfValue outputs[CASE_MAX_OUTPUTS];
      *changed = true;
      if (!sf_graph_decompose (to, from, node, map, outputs, error))
        return false;
      for (size_t k = 0; k < sf_node_n_outputs (from, node); k++)
        map[sf_node_output (from, node, k)] = outputs[k];
    }
  return true;
}

static void
follow (SfValue *values, size_t n, const SfValue *map)
{
  for (size_t i = 0; i < n; i++)
    if (values[i] != SF_NONE)
      values[i] = map[values[i]];
}

bool
op_case_lower (const CaseGraph *g, CaseGraph *out, GError **error)
{
  *out = *g;
  out->graph = sf_graph_ref (g->graph);
  for (bool changed = true; changed;)
    {
      g_autoptr (SfGraph) from = out->graph;
      size_t n = sf_graph_n_values (from);
      g_autofree SfValue *map = g_new (SfValue, MAX (n, 1));
      memset (map, 0xff, n * sizeof *map);
      out->graph = sf_graph_new (sf_graph_name (from));
      if (!lower_once (from, out->graph, map, &changed, error))
        return false;
      follow (out->in, out->n_in, map);
      follow (out->out, out->n_out, map);
      follow (out->grad, out->n_in, map);
      follow (&out->loss, 1, map);
    }
  return true;
}

void
op_case_clear (CaseGraph *g)
{
  g_clear_pointer (&g->graph, sf_graph_unref);
}

bool
op_case_evaluate (const CaseGraph *g, double *const *data, bool f64, const SfValue *values,
                  size_t n, double **out, GError **error)
{
  SfFeed feeds[CASE_MAX_INPUTS];
  size_t n_feeds = 0;
  for (size_t i = 0; i < g->n_in; i++)
    if (g->in[i] != SF_NONE)
      feeds[n_feeds++]
          = (SfFeed){ g->in[i], sf_tensor (SF_F64, *sf_value_shape (g->graph, g->in[i]), data[i]) };
  g_autofree SfFetch *fetches = g_new0 (SfFetch, MAX (n, 1));
  for (size_t i = 0; i < n; i++)
    {
      const SfShape *shape = sf_value_shape (g->graph, values[i]);
      out[i] = g_new0 (double, (size_t) MAX (sf_shape_n_elems (shape), 1));
      fetches[i] = (SfFetch){ values[i], sf_tensor (SF_F64, *shape, out[i]) };
    }
  SfEvaluateOptions options = { .f64 = f64, .n_threads = 1 };
  if (sf_evaluate (g->graph, &options, feeds, n_feeds, fetches, n, error))
    return true;
  for (size_t i = 0; i < n; i++)
    g_clear_pointer (&out[i], g_free);
  return false;
}
