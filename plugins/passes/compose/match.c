/* SPDX-License-Identifier: Apache-2.0 */
/* Walking back through a graph. */
#include "match.h"

#include <math.h>

SfNode
match_producer (const Match *m, SfValue value, const char *op)
{
  SfNode node = value == SF_NONE ? SF_NONE : sf_value_producer (m->graph, value);
  if (node == SF_NONE || !g_str_equal (sf_node_op_name (m->graph, node), op))
    return SF_NONE;
  return node;
}

void
match_take_node (Match *m, SfNode node)
{
  for (size_t i = 0; i < m->n; i++)
    if (m->node[i] == node)
      return;
  if (m->n < MATCH_MAX_NODES)
    m->node[m->n++] = node;
}

SfNode
match_take (Match *m, SfValue value, const char *op)
{
  SfNode node = match_producer (m, value, op);
  if (node == SF_NONE || m->n == MATCH_MAX_NODES)
    return SF_NONE;
  match_take_node (m, node);
  return node;
}

SfValue
match_input (const Match *m, SfNode node, size_t index)
{
  return sf_node_input (m->graph, node, index);
}

bool
match_number (const Match *m, SfValue value, double *number)
{
  if (value == SF_NONE || sf_value_kind (m->graph, value) != SF_VALUE_CONSTANT
      || sf_shape_n_elems (sf_value_shape (m->graph, value)) != 1)
    return false;
  sf_dtype_convert (sf_value_dtype (m->graph, value), sf_value_data (m->graph, value), SF_F64,
                    number, 1);
  return isfinite (*number);
}

bool
match_near (const Match *m, SfValue value, double found, double wanted)
{
  SfDtype dtype = sf_value_dtype (m->graph, value);
  bool narrow = dtype == SF_F16 || dtype == SF_BF16;
  return fabs (found - wanted) <= (narrow ? 4e-3 : 1e-5) * fabs (wanted);
}

bool
match_is_number (const Match *m, SfValue value, double wanted)
{
  double number;
  return match_number (m, value, &number) && match_near (m, value, number, wanted);
}

bool
match_scaled (Match *m, SfValue value, SfValue *inner, double *factor)
{
  SfNode node = match_producer (m, value, "mul");
  for (size_t i = 0; node != SF_NONE && i < 2; i++)
    if (match_number (m, match_input (m, node, i), factor))
      {
        *inner = match_input (m, node, 1 - i);
        match_take_node (m, node);
        return sf_shape_equal (sf_value_shape (m->graph, *inner), sf_value_shape (m->graph, value));
      }
  double divisor;
  node = match_producer (m, value, "div");
  if (node == SF_NONE || !match_number (m, match_input (m, node, 1), &divisor) || divisor == 0)
    return false;
  *inner = match_input (m, node, 0);
  *factor = 1 / divisor;
  match_take_node (m, node);
  return sf_shape_equal (sf_value_shape (m->graph, *inner), sf_value_shape (m->graph, value));
}

static size_t
uses_inside (const Match *m, SfValue value)
{
  size_t n = 0;
  for (size_t i = 0; i < m->n; i++)
    for (size_t k = 0; k < sf_node_n_inputs (m->graph, m->node[i]); k++)
      n += sf_node_input (m->graph, m->node[i], k) == value;
  return n;
}

bool
match_is_closed (const Match *m)
{
  if (m->n == MATCH_MAX_NODES)
    return false;
  for (size_t i = 1; i < m->n; i++)
    for (size_t k = 0; k < sf_node_n_outputs (m->graph, m->node[i]); k++)
      {
        SfValue value = sf_node_output (m->graph, m->node[i], k);
        if (sf_value_n_users (m->graph, value) != uses_inside (m, value))
          return false;
      }
  return true;
}
