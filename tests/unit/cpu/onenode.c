/* SPDX-License-Identifier: Apache-2.0 */
/* Building, running and checking graphs of one node. */
#include "tests/unit/cpu/onenode.h"

static size_t
count_attrs (const OneNode *node)
{
  size_t n = 0;
  while (n < G_N_ELEMENTS (node->attrs) && node->attrs[n].name != NULL)
    n++;
  return n;
}

bool
one_graph_build (const OneNode *node, OneGraph *out, GError **error)
{
  *out = (OneGraph){ .graph = sf_graph_new ("one") };
  SfValue inputs[G_N_ELEMENTS (node->in)];
  size_t n = 0;
  for (size_t k = 0; k < G_N_ELEMENTS (node->in); k++)
    {
      const OneInput *in = &node->in[k];
      inputs[k] = SF_NONE;
      if (in->values == NULL)
        continue;
      g_autofree char *name = g_strdup_printf ("x%zu", k);
      inputs[k] = sf_graph_input (out->graph, name, in->dtype, in->shape, error);
      if (inputs[k] == SF_NONE)
        return false;
      SfTensor values = sf_tensor (SF_F64, in->shape, (void *) in->values);
      SfFeed *feed = &out->feeds[out->n_feeds++];
      feed->value = inputs[k];
      if (!sf_tensor_alloc (in->dtype, &in->shape, &feed->tensor, error)
          || !sf_tensor_copy (&values, &feed->tensor, error))
        return false;
      n = k + 1;
    }
  sf_graph_set_scope (out->graph, "node");
  return sf_graph_add (out->graph, node->op, inputs, n, node->attrs, count_attrs (node),
                       out->outputs, error)
         != SF_NONE;
}

void
one_graph_clear (OneGraph *graph)
{
  for (size_t k = 0; k < graph->n_feeds; k++)
    sf_tensor_clear (&graph->feeds[k].tensor);
  sf_graph_unref (graph->graph);
}

static void
check_values (const OneNode *node, const SfTensor *found)
{
  g_autofree char *shape = sf_shape_text (&found->shape);
  g_autofree char *wanted = sf_shape_text (&node->shape);
  SF_REQUIRE_MSG (sf_shape_equal (&found->shape, &node->shape), "shape %s, wanted %s", shape,
                  wanted);
  for (int64_t e = 0; e < sf_shape_n_elems (&found->shape); e++)
    {
      double x = ((const double *) found->data)[e], want = node->want[e];
      bool same = isnan (want) ? isnan (x) : x == want || fabs (x - want) <= node->tolerance;
      SF_CHECK_MSG (same, "element %d is %.17g, wanted %.17g", (int) e, x, want);
    }
}

void
one_node_check (const OneNode *node)
{
  g_autoptr (GError) error = NULL;
  OneGraph one;
  SfTensor tensor = { 0 };
  if (one_graph_build (node, &one, &error))
    {
      SfValue value = one.outputs[node->output];
      SfFetch fetch = { .value = value };
      if (sf_tensor_alloc (SF_F64, sf_value_shape (one.graph, value), &tensor, &error))
        {
          fetch.tensor = tensor;
          if (sf_evaluate (one.graph, NULL, one.feeds, one.n_feeds, &fetch, 1, &error))
            check_values (node, &tensor);
          sf_tensor_clear (&tensor);
        }
    }
  SF_CHECK_NO_ERROR (error);
  one_graph_clear (&one);
}
