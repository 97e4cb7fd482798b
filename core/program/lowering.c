/* SPDX-License-Identifier: Apache-2.0 */
/* Analysis of a legalised graph: views, users, and which values run over the batch. */
#include "core/program/lower.h"

/* A reshape renames memory; one that changes nothing is a copy that somebody asked for. */
static bool
is_view (const SfGraph *graph, SfNode node)
{
  return sf_lower_class (graph, node) == SF_LOWER_VIEW && !sf_node_on_host (graph, node)
         && !sf_shape_equal (sf_value_shape (graph, sf_node_input (graph, node, 0)),
                             sf_value_shape (graph, sf_node_output (graph, node, 0)));
}

static void
resolve_views (SfLowering *low)
{
  const SfGraph *graph = low->graph;
  for (SfValue v = 0; v < sf_graph_n_values (graph); v++)
    low->root[v] = v;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    {
      low->view[node] = is_view (graph, node);
      if (low->view[node])
        low->root[sf_node_output (graph, node, 0)] = low->root[sf_node_input (graph, node, 0)];
    }
}

static void
collect_users (SfLowering *low)
{
  const SfGraph *graph = low->graph;
  size_t n_values = sf_graph_n_values (graph), n_nodes = sf_graph_n_nodes (graph);
  low->user_first = g_new0 (uint32_t, n_values + 2);
  for (int pass = 0; pass < 2; pass++)
    {
      for (SfNode node = 0; node < n_nodes; node++)
        for (size_t i = 0; !low->view[node] && i < sf_node_n_inputs (graph, node); i++)
          {
            SfValue v = sf_node_input (graph, node, i);
            if (v == SF_NONE)
              continue;
            uint32_t *slot = &low->user_first[low->root[v] + (pass == 0 ? 2 : 1)];
            if (pass == 1)
              low->user[*slot] = node;
            (*slot)++;
          }
      if (pass == 0)
        {
          for (size_t v = 1; v < n_values + 2; v++)
            low->user_first[v] += low->user_first[v - 1];
          low->user = g_new0 (SfNode, low->user_first[n_values + 1] + 1);
        }
    }
}

static void
mark_kept (SfLowering *low, const SfValue *keep, size_t n_keep)
{
  const SfGraph *graph = low->graph;
  for (size_t i = 0; i < n_keep; i++)
    low->kept[low->root[keep[i]]] = true;
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    low->kept[low->root[sf_graph_output_at (graph, i, NULL, NULL)]] = true;
  for (size_t i = 0; i < sf_graph_n_states (graph); i++)
    {
      SfValue next = sf_value_update (graph, sf_graph_state_at (graph, i));
      if (next != SF_NONE)
        low->kept[low->root[next]] = true;
    }
}

static bool
leads_with_batch (const SfLowering *low, SfValue value)
{
  const SfShape *shape = sf_value_shape (low->graph, value);
  return shape->rank > 0 && low->batch_size > 0 && shape->dim[0] % low->batch_size == 0;
}

/* Follows the batch through the maps of each node on its own. */
static void
follow_batch (SfLowering *low)
{
  const SfGraph *graph = low->graph;
  for (size_t i = 0; i < sf_graph_n_inputs (graph); i++)
    {
      SfValue input = sf_graph_input_at (graph, i);
      const SfShape *shape = sf_value_shape (graph, input);
      if (low->batch_size == 0 && shape->rank > 0)
        low->batch_size = shape->dim[0];
      low->batch[input] = leads_with_batch (low, input);
    }
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    {
      if (low->view[node])
        {
          SfValue y = sf_node_output (graph, node, 0);
          low->batch[y] = low->batch[sf_node_input (graph, node, 0)] && leads_with_batch (low, y);
          continue;
        }
      if (sf_node_on_host (graph, node) || sf_lower_op (graph, node) == NULL)
        continue;
      SfLowGroup group;
      bool fed = false;
      bool laid_out = sf_low_group_init (&group, low, &node, 1);
      for (guint i = 0; laid_out && i < group.operands->len; i++)
        {
          const SfLowOperand *o = &g_array_index (group.operands, SfLowOperand, i);
          fed |= o->kind == SF_OPERAND_IN && o->stream && low->batch[o->value];
        }
      for (guint i = 0; fed && i < group.operands->len; i++)
        {
          const SfLowOperand *o = &g_array_index (group.operands, SfLowOperand, i);
          if (o->kind == SF_OPERAND_OUT && o->stream)
            low->batch[o->value] = true;
        }
      sf_low_group_clear (&group);
    }
}

SfLowering *
sf_lowering_new (const SfGraph *graph, const SfValue *keep, size_t n_keep)
{
  SfLowering *low = g_new0 (SfLowering, 1);
  size_t n_values = sf_graph_n_values (graph), n_nodes = sf_graph_n_nodes (graph);
  low->graph = graph;
  low->root = g_new0 (SfValue, n_values + 1);
  low->view = g_new0 (bool, n_nodes + 1);
  low->kept = g_new0 (bool, n_values + 1);
  low->batch = g_new0 (bool, n_values + 1);
  low->member = g_new0 (uint32_t, n_nodes + 1);
  resolve_views (low);
  collect_users (low);
  mark_kept (low, keep, n_keep);
  follow_batch (low);
  return low;
}

void
sf_lowering_free (SfLowering *low)
{
  if (low == NULL)
    return;
  g_free (low->root);
  g_free (low->view);
  g_free (low->kept);
  g_free (low->batch);
  g_free (low->member);
  g_free (low->user_first);
  g_free (low->user);
  sf_lowering_regroup (low);
  g_free (low);
}

SfValue
sf_lowering_root (const SfLowering *low, SfValue value)
{
  return low->root[value];
}

bool
sf_lowering_is_view (const SfLowering *low, SfNode node)
{
  return low->view[node];
}

/* ---- groups ---- */

static void
index_groups (SfLowering *low)
{
  const SfGraph *graph = low->graph;
  low->n_groups = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    low->n_groups = MAX (low->n_groups, sf_node_group (graph, node) + 1);
  low->group_first = g_new0 (uint32_t, low->n_groups + 2);
  low->group_node = g_new0 (SfNode, sf_graph_n_nodes (graph) + 1);
  for (int pass = 0; pass < 2; pass++)
    {
      for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
        {
          int32_t group = sf_node_group (graph, node);
          if (group < 0 || low->view[node])
            continue;
          uint32_t *slot = &low->group_first[group + (pass == 0 ? 2 : 1)];
          if (pass == 1)
            low->group_node[*slot] = node;
          (*slot)++;
        }
      for (int32_t g = 1; pass == 0 && g < low->n_groups + 2; g++)
        low->group_first[g] += low->group_first[g - 1];
    }
}

void
sf_lowering_regroup (SfLowering *low)
{
  g_clear_pointer (&low->group_first, g_free);
  g_clear_pointer (&low->group_node, g_free);
}

const SfNode *
sf_lowering_group_nodes (SfLowering *low, int32_t group, size_t *n)
{
  if (low->group_first == NULL)
    index_groups (low);
  *n = 0;
  if (group < 0 || group >= low->n_groups)
    return NULL;
  *n = low->group_first[group + 1] - low->group_first[group];
  return low->group_node + low->group_first[group];
}

static int64_t
n_streams (const SfLowGroup *group)
{
  int64_t n = 0;
  for (guint i = 0; i < group->operands->len; i++)
    n += g_array_index (group->operands, SfLowOperand, i).kind != SF_OPERAND_TEMP;
  return n;
}

bool
sf_lowering_can_group (SfLowering *low, const SfNode *nodes, size_t n, int64_t max_streams,
                       char **reason)
{
  SfLowGroup group;
  bool ok = sf_low_group_init (&group, low, nodes, n);
  if (ok && n > 1 && n_streams (&group) > max_streams)
    {
      sf_low_refuse (&group, "%" G_GINT64_FORMAT " tensors in and out, at most %" G_GINT64_FORMAT,
                     n_streams (&group), max_streams);
      ok = false;
    }
  if (ok && n > 1 && group.operands->len > SF_STAGE_OPERANDS)
    {
      sf_low_refuse (&group, "%u operands, at most %d", group.operands->len, SF_STAGE_OPERANDS);
      ok = false;
    }
  if (!ok && reason != NULL)
    *reason = g_strdup (group.reason);
  sf_low_group_clear (&group);
  return ok;
}
