/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of one graph: edges between them, what may be joined, and their numbers. */
#include "groups.h"

/* ---- sets of edges ---- */

static gint
compare_nodes (gconstpointer a, gconstpointer b)
{
  SfNode x = *(const SfNode *) a, y = *(const SfNode *) b;
  return x < y ? -1 : x > y;
}

static void
insert (GArray *set, SfNode group)
{
  guint at = set->len;
  while (at > 0 && g_array_index (set, SfNode, at - 1) > group)
    at--;
  if (at == 0 || g_array_index (set, SfNode, at - 1) != group)
    g_array_insert_val (set, at, group);
}

static void
take_out (GArray *set, SfNode group)
{
  guint at;
  if (g_array_binary_search (set, &group, compare_nodes, &at))
    g_array_remove_index (set, at);
}

static void
collect_edges (FuseGroups *f)
{
  for (SfNode node = 0; node < f->n_nodes; node++)
    for (size_t i = 0; f->group[node] != SF_NONE && i < sf_node_n_inputs (f->graph, node); i++)
      {
        SfValue x = sf_node_input (f->graph, node, i);
        SfNode producer = x == SF_NONE ? SF_NONE
                                       : sf_value_producer (f->graph, sf_lowering_root (f->low, x));
        if (producer == SF_NONE)
          continue;
        insert (f->edges[producer], node);
        insert (f->feeders[node], producer);
      }
}

/* What led to or came from `gone` now leads to or comes from `kept`. */
static void
move_edges (GArray **out, GArray **back, SfNode kept, SfNode gone)
{
  for (guint i = 0; i < out[gone]->len; i++)
    {
      SfNode other = g_array_index (out[gone], SfNode, i);
      take_out (back[other], gone);
      if (other == kept)
        continue;
      insert (back[other], kept);
      insert (out[kept], other);
    }
  take_out (out[kept], gone);
  g_array_set_size (out[gone], 0);
}

/* ---- the groups ---- */

static GArray *
node_array (void)
{
  return g_array_new (FALSE, FALSE, sizeof (SfNode));
}

FuseGroups *
fuse_groups_new (SfGraph *graph, const SfArch *arch)
{
  FuseGroups *f = g_new0 (FuseGroups, 1);
  SfLowerLimits limits = sf_lower_limits (arch, 100);
  size_t n = f->n_nodes = sf_graph_n_nodes (graph);
  f->graph = graph;
  f->low = sf_lowering_new (graph, NULL, 0);
  f->max_streams = MIN (limits.agcus, limits.stage_tensors);
  f->group = g_new0 (SfNode, n + 1);
  f->members = g_new0 (GArray *, n + 1);
  f->edges = g_new0 (GArray *, n + 1);
  f->feeders = g_new0 (GArray *, n + 1);
  f->order = g_new0 (SfNode, n + 1);
  f->place = g_new0 (uint32_t, n + 1);
  f->mark = g_new0 (uint32_t, n + 1);
  f->stack = node_array ();
  for (SfNode node = 0; node < n; node++)
    {
      bool takes_part = !sf_lowering_is_view (f->low, node);
      f->edges[node] = node_array ();
      f->feeders[node] = node_array ();
      f->order[node] = f->group[node] = takes_part ? node : SF_NONE;
      f->place[node] = node;
      sf_node_set_group (graph, node, -1);
      if (!takes_part)
        continue;
      f->members[node] = node_array ();
      g_array_append_val (f->members[node], node);
    }
  collect_edges (f);
  return f;
}

void
fuse_groups_free (FuseGroups *f)
{
  for (SfNode node = 0; node < f->n_nodes; node++)
    {
      g_clear_pointer (&f->members[node], g_array_unref);
      g_array_unref (f->edges[node]);
      g_array_unref (f->feeders[node]);
    }
  sf_lowering_free (f->low);
  g_free (f->group);
  g_free (f->members);
  g_free (f->edges);
  g_free (f->feeders);
  g_free (f->order);
  g_free (f->place);
  g_free (f->mark);
  g_array_unref (f->stack);
  g_free (f);
}

/* ---- circles ---- */

/* Whether some way leads from one of the groups out of them and back to one. Marks what lies on
 * ways out of them, as far as the last one's place. */
static bool
closes_circle (FuseGroups *f, const SfNode *ids, size_t n)
{
  uint32_t last = 0;
  f->stamp += 2;
  g_array_set_size (f->stack, 0);
  for (size_t i = 0; i < n; i++)
    {
      f->mark[ids[i]] = f->stamp;
      last = MAX (last, f->place[ids[i]]);
      g_array_append_val (f->stack, ids[i]);
    }
  while (f->stack->len > 0)
    {
      SfNode from = g_array_index (f->stack, SfNode, f->stack->len - 1);
      bool outside = f->mark[from] != f->stamp;
      g_array_set_size (f->stack, f->stack->len - 1);
      for (guint i = 0; i < f->edges[from]->len; i++)
        {
          SfNode to = g_array_index (f->edges[from], SfNode, i);
          if (outside && f->mark[to] == f->stamp)
            return true;
          if (f->place[to] > last || f->mark[to] >= f->stamp)
            continue;
          f->mark[to] = f->stamp + 1;
          g_array_append_val (f->stack, to);
        }
    }
  return false;
}

/* After closes_circle: between the places of the first and the last of the groups, what can be
 * reached from them comes after `kept`, the rest before. */
static void
reorder (FuseGroups *f, const SfNode *ids, size_t n, SfNode kept)
{
  uint32_t first = UINT32_MAX, last = 0, to;
  for (size_t i = 0; i < n; i++)
    {
      first = MIN (first, f->place[ids[i]]);
      last = MAX (last, f->place[ids[i]]);
    }
  g_array_set_size (f->stack, 0);
  to = first;
  for (uint32_t from = first; from <= last; from++)
    {
      SfNode group = f->order[from];
      if (group == SF_NONE || f->mark[group] == f->stamp)
        continue;
      if (f->mark[group] == f->stamp + 1)
        g_array_append_val (f->stack, group);
      else
        f->order[to++] = group;
    }
  f->order[to++] = kept;
  for (guint i = 0; i < f->stack->len; i++)
    f->order[to++] = g_array_index (f->stack, SfNode, i);
  while (to <= last)
    f->order[to++] = SF_NONE;
  for (uint32_t i = first; i <= last; i++)
    if (f->order[i] != SF_NONE)
      f->place[f->order[i]] = i;
}

/* ---- rounding ---- */

static size_t
n_reads (const FuseGroups *f, const GArray *nodes, SfValue value)
{
  size_t n = 0;
  for (guint i = 0; i < nodes->len; i++)
    for (size_t k = 0; k < sf_node_n_inputs (f->graph, g_array_index (nodes, SfNode, i)); k++)
      n += sf_node_input (f->graph, g_array_index (nodes, SfNode, i), k) == value;
  return n;
}

/* Whether the node gives the same bits when its input is rounded later, with its output, and
 * nothing in the stage goes on from there. */
static bool
rounds_alike (const FuseGroups *f, const GArray *nodes, SfNode node)
{
  static const char *const ops[] = { "relu", "neg", "abs", NULL };
  return g_strv_contains (ops, sf_node_op_name (f->graph, node))
         && n_reads (f, nodes, sf_node_output (f->graph, node, 0)) == 0;
}

/* A value stored narrow is rounded where it is stored: what reads it within the stage as well would
 * see it before. The first such value; SF_NONE. */
static SfValue
rounded_late (const FuseGroups *f, const GArray *nodes)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      SfNode maker = g_array_index (nodes, SfNode, i);
      for (size_t o = 0; o < sf_node_n_outputs (f->graph, maker); o++)
        {
          SfValue y = sf_node_output (f->graph, maker, o);
          SfDtype dtype = sf_value_dtype (f->graph, y);
          size_t inside = n_reads (f, nodes, y);
          if (!sf_dtype_is_float (dtype) || dtype == SF_F32 || inside == 0
              || sf_value_n_users (f->graph, y) == inside)
            continue;
          for (guint k = 0; k < nodes->len; k++)
            {
              SfNode reader = g_array_index (nodes, SfNode, k);
              for (size_t x = 0; x < sf_node_n_inputs (f->graph, reader); x++)
                if (sf_node_input (f->graph, reader, x) == y && !rounds_alike (f, nodes, reader))
                  return y;
            }
        }
    }
  return SF_NONE;
}

/* ---- joining ---- */

static SfNode
head_of (const FuseGroups *f, SfNode group)
{
  return g_array_index (f->members[group], SfNode, 0);
}

static GArray *
union_of (const FuseGroups *f, const SfNode *ids, size_t n)
{
  GArray *nodes = node_array ();
  for (size_t i = 0; i < n; i++)
    g_array_append_vals (nodes, f->members[ids[i]]->data, f->members[ids[i]]->len);
  g_array_sort (nodes, compare_nodes);
  return nodes;
}

/* The tests in the order of their price. Leaves the nodes in *both, and the marks of closes_circle.
 */
static FuseRefusal
test_join (FuseGroups *f, const SfNode *ids, size_t n, size_t max_nodes, GArray **both,
           SfValue *rounded, char **reason)
{
  size_t n_nodes = 0;
  for (size_t i = 0; i < n; i++)
    {
      SfNode head = head_of (f, ids[i]);
      n_nodes += f->members[ids[i]]->len;
      if (n_nodes > max_nodes)
        return FUSE_TOO_MANY;
      if (sf_node_phase (f->graph, head) != sf_node_phase (f->graph, head_of (f, ids[0])))
        return FUSE_PHASES;
      if (sf_node_on_host (f->graph, head))
        return FUSE_HOST;
    }
  if (closes_circle (f, ids, n))
    return FUSE_CIRCLE;
  *both = union_of (f, ids, n);
  *rounded = rounded_late (f, *both);
  if (*rounded != SF_NONE)
    return FUSE_ROUNDING;
  return sf_lowering_can_group (f->low, (const SfNode *) (gpointer) (*both)->data, (*both)->len,
                                f->max_streams, reason)
             ? FUSE_MAY
             : FUSE_MACHINE;
}

FuseRefusal
fuse_groups_join (FuseGroups *f, const SfNode *ids, size_t n, size_t max_nodes)
{
  g_autoptr (GArray) both = NULL;
  SfValue rounded;
  FuseRefusal refusal = test_join (f, ids, n, max_nodes, &both, &rounded, NULL);
  if (refusal != FUSE_MAY || n < 2)
    return refusal;
  SfNode kept = ids[0];
  for (size_t i = 1; i < n; i++)
    kept = MIN (kept, ids[i]);
  reorder (f, ids, n, kept);
  for (size_t i = 0; i < n; i++)
    {
      g_clear_pointer (&f->members[ids[i]], g_array_unref);
      if (ids[i] == kept)
        continue;
      move_edges (f->edges, f->feeders, kept, ids[i]);
      move_edges (f->feeders, f->edges, kept, ids[i]);
    }
  for (guint i = 0; i < both->len; i++)
    f->group[g_array_index (both, SfNode, i)] = kept;
  f->members[kept] = g_steal_pointer (&both);
  return FUSE_MAY;
}

FuseRefusal
fuse_groups_refusal (FuseGroups *f, const SfNode *ids, size_t n, size_t max_nodes, char **reason)
{
  g_autoptr (GArray) both = NULL;
  SfValue rounded;
  *reason = NULL;
  FuseRefusal refusal = test_join (f, ids, n, max_nodes, &both, &rounded, reason);
  switch (refusal)
    {
    case FUSE_TOO_MANY:
      *reason = g_strdup_printf ("more than max_nodes, %zu", max_nodes);
      break;
    case FUSE_PHASES:
      *reason = g_strdup ("they belong to different phases");
      break;
    case FUSE_HOST:
      *reason = g_strdup ("one of them runs on the host");
      break;
    case FUSE_CIRCLE:
      *reason = g_strdup (
          "another way leads from one to the other: the stage would wait for itself");
      break;
    case FUSE_ROUNDING:
      *reason = g_strdup_printf ("%s has more than one reader, and is rounded to %s where it is "
                                 "stored: the one in the stage would see it before",
                                 sf_value_name (f->graph, rounded),
                                 sf_dtype_name (sf_value_dtype (f->graph, rounded)));
      break;
    case FUSE_MAY:
    case FUSE_MACHINE:
      break;
    }
  return refusal;
}

/* ---- numbering ---- */

/* A heap of groups, the lowest id on top. */
static void
push (GArray *heap, SfNode group)
{
  g_array_append_val (heap, group);
  SfNode *h = (SfNode *) (gpointer) heap->data;
  for (guint i = heap->len - 1; i > 0 && h[(i - 1) / 2] > h[i]; i = (i - 1) / 2)
    {
      SfNode up = h[(i - 1) / 2];
      h[(i - 1) / 2] = h[i];
      h[i] = up;
    }
}

static SfNode
pop (GArray *heap)
{
  SfNode *h = (SfNode *) (gpointer) heap->data, top = h[0];
  guint n = heap->len - 1;
  h[0] = h[n];
  for (guint i = 0; 2 * i + 1 < n;)
    {
      guint child = 2 * i + 1;
      if (child + 1 < n && h[child + 1] < h[child])
        child++;
      if (h[i] <= h[child])
        break;
      SfNode down = h[i];
      h[i] = h[child];
      h[child] = down;
      i = child;
    }
  g_array_set_size (heap, n);
  return top;
}

size_t
fuse_groups_number (FuseGroups *f)
{
  g_autofree uint32_t *waits = g_new0 (uint32_t, f->n_nodes + 1);
  GArray *ready[SF_N_PHASES];
  int32_t next = 0;
  for (int phase = 0; phase < SF_N_PHASES; phase++)
    ready[phase] = node_array ();
  for (SfNode g = 0; g < f->n_nodes; g++)
    {
      waits[g] = f->members[g] != NULL ? f->feeders[g]->len : 0;
      if (f->members[g] != NULL && waits[g] == 0)
        push (ready[sf_node_phase (f->graph, head_of (f, g))], g);
    }
  for (int phase = 0; phase < SF_N_PHASES; phase++)
    while (ready[phase]->len > 0)
      {
        SfNode g = pop (ready[phase]);
        for (guint i = 0; i < f->members[g]->len; i++)
          sf_node_set_group (f->graph, g_array_index (f->members[g], SfNode, i), next);
        next++;
        for (guint i = 0; i < f->edges[g]->len; i++)
          {
            SfNode to = g_array_index (f->edges[g], SfNode, i);
            if (--waits[to] == 0)
              push (ready[sf_node_phase (f->graph, head_of (f, to))], to);
          }
      }
  for (int phase = 0; phase < SF_N_PHASES; phase++)
    g_array_unref (ready[phase]);
  return (size_t) next;
}
