/* SPDX-License-Identifier: Apache-2.0 */
/* SfPaddings: the leaves of a tree of additions. */
#include "plugins/passes/simplify/paddings.h"

#include <math.h>

/* A value padded with zeros along one axis, that of the others. */
static bool
add_padding (const SfGraph *graph, SfNode node, SfPaddings *out)
{
  size_t rank;
  const int64_t *low = sf_node_attr_ints (graph, node, "low", &rank),
                *high = sf_node_attr_ints (graph, node, "high", &rank);
  double value = sf_node_attr_float (graph, node, "value");
  int axis = -1, n_axes = 0;
  for (size_t i = 0; i < rank; i++)
    if (low[i] != 0 || high[i] != 0)
      {
        axis = (int) i;
        n_axes++;
      }
  if (n_axes != 1 || out->n == SF_MAX_PADDINGS || (out->axis >= 0 && out->axis != axis)
      || value != 0 || signbit (value))
    return false;
  size_t at = out->n++;
  for (; at > 0 && out->start[at - 1] > low[axis]; at--)
    {
      out->part[at] = out->part[at - 1];
      out->start[at] = out->start[at - 1];
    }
  out->part[at] = sf_node_input (graph, node, 0);
  out->start[at] = low[axis];
  out->axis = axis;
  return true;
}

static bool
collect (const SfGraph *graph, SfValue value, const SfShape *shape, SfPaddings *out)
{
  SfNode node = sf_value_producer (graph, value);
  if (node == SF_NONE || !sf_shape_equal (sf_value_shape (graph, value), shape))
    return false;
  const char *op = sf_node_op_name (graph, node);
  if (g_str_equal (op, "pad"))
    return add_padding (graph, node, out);
  return g_str_equal (op, "add") && out->n_adds++ < SF_MAX_PADDINGS
         && collect (graph, sf_node_input (graph, node, 0), shape, out)
         && collect (graph, sf_node_input (graph, node, 1), shape, out);
}

bool
sf_paddings_of (const SfGraph *graph, SfNode node, SfPaddings *out)
{
  *out = (SfPaddings){ .axis = -1 };
  if (!g_str_equal (sf_node_op_name (graph, node), "add"))
    return false;
  SfValue sum = sf_node_output (graph, node, 0);
  const SfShape *shape = sf_value_shape (graph, sum);
  if (!collect (graph, sum, shape, out))
    return false;
  int64_t end = 0;
  for (size_t i = 0; i < out->n; i++)
    {
      if (out->start[i] != end)
        return false;
      end += sf_value_shape (graph, out->part[i])->dim[out->axis];
    }
  return end == shape->dim[out->axis];
}
