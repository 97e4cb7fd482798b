/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: read from the graph, reordered, split, priced. */
#include "groups.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static void
group_clear (gpointer data)
{
  Group *group = data;
  g_array_unref (group->nodes);
  g_array_unref (group->in);
  g_array_unref (group->out);
  g_array_unref (group->whole);
  g_array_unref (group->makers);
  g_array_unref (group->readers);
}

static void
add_group (GArray *groups)
{
  Group group = { .nodes = g_array_new (FALSE, FALSE, sizeof (SfNode)),
                  .in = g_array_new (FALSE, FALSE, sizeof (SfValue)),
                  .out = g_array_new (FALSE, FALSE, sizeof (SfValue)),
                  .whole = g_array_new (FALSE, FALSE, sizeof (SfValue)),
                  .makers = g_array_new (FALSE, FALSE, sizeof (int32_t)),
                  .readers = g_array_new (FALSE, FALSE, sizeof (int32_t)) };
  g_array_append_val (groups, group);
}

/* The arrays are short: a tensor or a group is in them once. */
static void
add_once (GArray *array, uint32_t id)
{
  for (guint i = array->len; i-- > 0;)
    if (AT (array, uint32_t, i) == id)
      return;
  g_array_append_val (array, id);
}

/* A constant of one element is made in the stage. */
static bool
comes_from_memory (const SfGraph *graph, SfValue root)
{
  return sf_value_kind (graph, root) != SF_VALUE_CONSTANT || sf_value_data (graph, root) == NULL
         || sf_shape_n_elems (sf_value_shape (graph, root)) != 1;
}

static void
read_inputs (Groups *g, SfNode node, int32_t own)
{
  for (size_t i = 0; i < sf_node_n_inputs (g->graph, node); i++)
    {
      SfValue x = sf_node_input (g->graph, node, i);
      SfValue root = x == SF_NONE ? SF_NONE : sf_lowering_root (g->low, x);
      if (root == SF_NONE || !comes_from_memory (g->graph, root))
        continue;
      SfNode maker = sf_value_producer (g->graph, root);
      int32_t other = maker == SF_NONE ? -1 : sf_node_group (g->graph, maker);
      if (other == own)
        continue;
      add_once (AT (g->group, Group, own).in, root);
      if (other < 0)
        continue;
      add_once (AT (g->group, Group, other).out, root);
      add_once (AT (g->group, Group, own).makers, (uint32_t) other);
      add_once (AT (g->group, Group, other).readers, (uint32_t) own);
    }
}

/* Reads groups and order from the graph. */
static void
read_groups (Groups *g)
{
  g_array_set_size (g->group, 0);
  g_array_set_size (g->order, 0);
  SfNode n_nodes = (SfNode) sf_graph_n_nodes (g->graph);
  for (SfNode node = 0; node < n_nodes; node++)
    {
      int32_t own = sf_node_group (g->graph, node);
      if (own < 0 || sf_lowering_is_view (g->low, node))
        continue;
      while (g->group->len <= (guint) own)
        add_group (g->group);
      Group *group = &AT (g->group, Group, own);
      g_array_append_val (group->nodes, node);
      group->phase = sf_node_phase (g->graph, node);
      group->on_host |= sf_node_on_host (g->graph, node);
      for (size_t i = 0; i < sf_node_n_outputs (g->graph, node); i++)
        if (g->kept[sf_node_output (g->graph, node, i)])
          add_once (group->out, sf_node_output (g->graph, node, i));
    }
  for (int32_t i = 0; i < (int32_t) g->group->len; i++)
    {
      for (guint k = 0; k < AT (g->group, Group, i).nodes->len; k++)
        read_inputs (g, AT (AT (g->group, Group, i).nodes, SfNode, k), i);
      g_array_append_val (g->order, i);
    }
  sf_lowering_regroup (g->low);
}

static void
mark_kept (Groups *g)
{
  g->kept = g_new0 (bool, sf_graph_n_values (g->graph) + 1);
  for (size_t i = 0; i < sf_graph_n_outputs (g->graph); i++)
    g->kept[sf_lowering_root (g->low, sf_graph_output_at (g->graph, i, NULL, NULL))] = true;
  for (size_t i = 0; i < sf_graph_n_states (g->graph); i++)
    {
      SfValue next = sf_value_update (g->graph, sf_graph_state_at (g->graph, i));
      if (next != SF_NONE)
        g->kept[sf_lowering_root (g->low, next)] = true;
    }
}

Groups *
sf_section_groups_new (SfPassContext *context, SfGraph *graph, int64_t fill, GHashTable *prices)
{
  Groups *g = g_new0 (Groups, 1);
  g->context = context;
  g->graph = graph;
  g->low = sf_lowering_new (graph, NULL, 0);
  g->arch = sf_pass_arch (context);
  g->limits = sf_lower_limits (g->arch, fill);
  g->group = g_array_new (FALSE, FALSE, sizeof (Group));
  g_array_set_clear_func (g->group, group_clear);
  g->order = g_array_new (FALSE, FALSE, sizeof (int32_t));
  g->prices = g_hash_table_ref (prices);
  g->kinds = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref,
                                    NULL);
  mark_kept (g);
  read_groups (g);
  return g;
}

void
sf_section_groups_free (Groups *g)
{
  sf_lowering_free (g->low);
  g_array_unref (g->group);
  g_array_unref (g->order);
  g_hash_table_unref (g->prices);
  g_hash_table_unref (g->kinds);
  g_free (g->kept);
  g_free (g);
}

const Group *
sf_section_group_at (const Groups *g, int32_t place)
{
  return &AT (g->group, Group, AT (g->order, int32_t, place));
}

int64_t
sf_section_bytes (const Groups *g, SfValue value)
{
  return sf_shape_n_elems (sf_value_shape (g->graph, value))
         * (int64_t) sf_dtype_bytes (sf_value_dtype (g->graph, value));
}

void
sf_section_reorder (Groups *g, int32_t first, const int32_t *order, int32_t n)
{
  for (int32_t i = 0; i < n; i++)
    {
      AT (g->order, int32_t, first + i) = order[i];
      const Group *group = &AT (g->group, Group, order[i]);
      for (guint k = 0; k < group->nodes->len; k++)
        sf_node_set_group (g->graph, AT (group->nodes, SfNode, k), first + i);
    }
  sf_lowering_regroup (g->low);
}

/* ---- prices ---- */

bool
sf_section_price (Groups *g, int32_t first, int32_t n, int64_t *cycles, GError **error)
{
  g_autoptr (GBytes) form = sf_lowering_form (g->low, first, n, false);
  const int64_t *known = g_hash_table_lookup (g->prices, form);
  if (known != NULL)
    {
      *cycles = *known;
      return true;
    }
  g_autoptr (GError) failure = NULL;
  SfLowerNeed need;
  *cycles = DOES_NOT_FIT;
  g->n_laid_out++;
  if (sf_lowering_section (g->low, g->arch, &g->limits, first, n, &need, &failure))
    *cycles = need.cycles;
  else if (!g_error_matches (failure, SF_ERROR, SF_ERROR_NO_RESOURCE))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return false;
    }
  g_hash_table_insert (g->prices, g_steal_pointer (&form), g_memdup2 (cycles, sizeof *cycles));
  return true;
}

bool
sf_section_same (Groups *g, int32_t a, int32_t b, int32_t n)
{
  g_autoptr (GBytes) form_a = sf_lowering_form (g->low, a, n, true);
  g_autoptr (GBytes) form_b = sf_lowering_form (g->low, b, n, true);
  return g_bytes_equal (form_a, form_b);
}

/* ---- what does not fit ---- */

/* Whether the group's nodes can be two stages, the first `n` and the rest. */
static bool
can_split (Groups *g, const GArray *nodes, guint n)
{
  int64_t most = MIN (g->limits.agcus, g->limits.stage_tensors);
  const SfNode *all = &AT (nodes, SfNode, 0);
  return sf_lowering_can_group (g->low, all, n, most, NULL)
         && sf_lowering_can_group (g->low, all + n, nodes->len - n, most, NULL);
}

/* Makes the nodes of the group at `place` two groups as near to halves as can be, or groups of one
 * each, in graph order; false when it has but one. */
static bool
split_group (Groups *g, int32_t place)
{
  g_autoptr (GArray) nodes = g_array_copy (sf_section_group_at (g, place)->nodes);
  guint half = nodes->len / 2, cut = 0;
  for (guint off = 0; nodes->len > 1 && cut == 0 && off <= half; off++)
    if (half > off && can_split (g, nodes, half - off))
      cut = half - off;
    else if (half + off < nodes->len && can_split (g, nodes, half + off))
      cut = half + off;
  int32_t more = cut > 0 ? 1 : (int32_t) nodes->len - 1;
  if (nodes->len == 1)
    return false;
  for (SfNode node = 0; node < sf_graph_n_nodes (g->graph); node++)
    if (sf_node_group (g->graph, node) > place)
      sf_node_set_group (g->graph, node, sf_node_group (g->graph, node) + more);
  for (guint i = 0; i < nodes->len; i++)
    sf_node_set_group (g->graph, AT (nodes, SfNode, i),
                       place + (cut > 0 ? (i >= cut ? 1 : 0) : (int32_t) i));
  read_groups (g);
  return true;
}

/* `message`: owned, why it does not fit. */
static bool
fits_alone (Groups *g, int32_t place, bool *fits, char **message, GError **error)
{
  g_autoptr (GError) failure = NULL;
  SfLowerNeed need;
  int64_t cycles;
  if (!sf_section_price (g, place, 1, &cycles, error))
    return false;
  *fits = cycles != DOES_NOT_FIT;
  if (!*fits && !sf_lowering_section (g->low, g->arch, &g->limits, place, 1, &need, &failure))
    *message = g_strdup (failure->message);
  return true;
}

/* Which tensors it needs in one piece. */
static void
learn_tensors (Groups *g, int32_t place)
{
  Group *group = &AT (g->group, Group, AT (g->order, int32_t, place));
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (SfValue));
  g_autoptr (GArray) whole = g_array_new (FALSE, FALSE, sizeof (bool));
  sf_lowering_tensors (g->low, place, tensors, whole);
  for (guint i = 0; i < tensors->len; i++)
    if (AT (whole, bool, i))
      g_array_append_val (group->whole, AT (tensors, SfValue, i));
}

bool
sf_section_whole (const Group *group, SfValue value)
{
  for (guint i = 0; i < group->whole->len; i++)
    if (AT (group->whole, SfValue, i) == value)
      return true;
  return false;
}

static bool
learn_kind (Groups *g, int32_t place, GHashTable *works, GError **error)
{
  GBytes *form = sf_lowering_form (g->low, place, 1, false);
  Group *group = &AT (g->group, Group, AT (g->order, int32_t, place));
  SfLowerWork *work = g_hash_table_lookup (works, form);
  if (work == NULL)
    {
      work = g_new0 (SfLowerWork, 1);
      g_hash_table_insert (works, g_bytes_ref (form), work);
      g_hash_table_insert (g->kinds, g_bytes_ref (form),
                           GUINT_TO_POINTER (g_hash_table_size (g->kinds) + 1));
      if (!sf_lowering_group (g->low, g->arch, &g->limits, place, work, error))
        {
          g_bytes_unref (form);
          return false;
        }
    }
  group->work = *work;
  group->kind = GPOINTER_TO_UINT (g_hash_table_lookup (g->kinds, form));
  g_bytes_unref (form);
  return true;
}

/* For who asks which stages the rules made: some are several now. */
static void
explain_splits (Groups *g, guint n, SfNode first, const char *why)
{
  if (n > 0)
    sf_pass_explain (
        g->context,
        "%s: %u %s too large for the machine and became several, first that of %s (%s): %s",
        sf_graph_name (g->graph), n, n == 1 ? "stage was" : "stages were",
        sf_node_name (g->graph, first), sf_node_op_name (g->graph, first), why);
}

bool
sf_section_make_fit (Groups *g, bool work, GError **error)
{
  guint n_split = 0;
  SfNode first_split = SF_NONE;
  g_autofree char *why_split = NULL;
  for (int32_t place = 0; place < (int32_t) g->order->len;)
    {
      g_autofree char *message = NULL;
      bool fits = true;
      if (!sf_section_group_at (g, place)->on_host
          && !fits_alone (g, place, &fits, &message, error))
        return false;
      if (fits)
        {
          place++;
          continue;
        }
      SfNode head = AT (sf_section_group_at (g, place)->nodes, SfNode, 0);
      if (split_group (g, place))
        {
          if (n_split++ == 0)
            {
              first_split = head;
              why_split = g_steal_pointer (&message);
            }
          continue;
        }
      Group *group = &AT (g->group, Group, AT (g->order, int32_t, place));
      SfNode node = AT (group->nodes, SfNode, 0);
      group->on_host = true;
      sf_node_set_on_host (g->graph, node, true);
      sf_pass_note (g->context, "%s (%s): on the host, %s", sf_node_name (g->graph, node),
                    sf_node_op_name (g->graph, node), message);
    }
  explain_splits (g, n_split, first_split, why_split);
  g_autoptr (GHashTable) works = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                                        (GDestroyNotify) g_bytes_unref, g_free);
  for (int32_t place = 0; work && place < (int32_t) g->order->len; place++)
    {
      if (sf_section_group_at (g, place)->on_host)
        continue;
      if (!learn_kind (g, place, works, error))
        return false;
      learn_tensors (g, place);
    }
  return true;
}
