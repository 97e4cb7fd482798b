/* SPDX-License-Identifier: Apache-2.0 */
/* Pass fuse: joins nodes into groups, each of which becomes one stage, by the rules of a file.
 * Numbers groups in an order that sections can be cut from. */
#include <sf/paths.h>
#include <sf/plugin/lower.h>
#include <sf/plugin/pass.h>

#include "rules.h"

static const SfOption options_table[] = {
  { .name = "rules",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "fusion rules, a path or a name below etc; none: every node is a group" },
  { .name = NULL },
};

/* Groups of one graph. Group ids are the lowest node of the group until they are numbered. */
typedef struct
{
  SfGraph *graph;
  SfLowering *low;
  int64_t max_streams;
  GArray **members; /* per group id: SfNode in order; NULL when merged away */
  GArray **edges;   /* per group id: groups that read it, in order */
  GArray **feeders; /* per group id: groups that it reads, in order */
  uint32_t *mark;
  uint32_t stamp;
  GArray *stack; /* of a search */
} Fusion;

static bool
takes_part (const Fusion *f, SfNode node)
{
  return !sf_lowering_is_view (f->low, node);
}

/* ---- edges ---- */

static gint
compare_nodes (gconstpointer a, gconstpointer b)
{
  SfNode x = *(const SfNode *) a, y = *(const SfNode *) b;
  return x < y ? -1 : x > y;
}

static bool
holds (const GArray *set, SfNode group)
{
  return g_array_binary_search ((GArray *) set, &group, compare_nodes, NULL);
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
collect_edges (Fusion *f)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (f->graph); node++)
    for (size_t i = 0; takes_part (f, node) && i < sf_node_n_inputs (f->graph, node); i++)
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

/* Whether some way leads from `from` to `wanted`. */
static bool
reaches (Fusion *f, SfNode from, SfNode wanted)
{
  g_array_set_size (f->stack, 0);
  g_array_append_val (f->stack, from);
  while (f->stack->len > 0)
    {
      SfNode at = g_array_index (f->stack, SfNode, f->stack->len - 1);
      g_array_set_size (f->stack, f->stack->len - 1);
      if (at == wanted)
        return true;
      if (f->mark[at] == f->stamp)
        continue;
      f->mark[at] = f->stamp;
      if (holds (f->edges[at], wanted))
        return true;
      g_array_append_vals (f->stack, f->edges[at]->data, f->edges[at]->len);
    }
  return false;
}

/* Whether joining a with its reader b closes a circle: another way from a to b. */
static bool
closes_circle (Fusion *f, SfNode a, SfNode b)
{
  f->stamp++;
  for (guint i = 0; i < f->edges[a]->len; i++)
    {
      SfNode next = g_array_index (f->edges[a], SfNode, i);
      if (next != b && reaches (f, next, b))
        return true;
    }
  return false;
}

/* ---- joining ---- */

static size_t
n_reads (const Fusion *f, const GArray *nodes, SfValue value)
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
rounds_alike (const Fusion *f, const GArray *nodes, SfNode node)
{
  static const char *const ops[] = { "relu", "neg", "abs", NULL };
  return g_strv_contains (ops, sf_node_op_name (f->graph, node))
         && n_reads (f, nodes, sf_node_output (f->graph, node, 0)) == 0;
}

/* A value stored narrow is rounded where it is stored: what reads it within the stage as well would
 * see it before. */
static bool
rounding_allows (const Fusion *f, const GArray *nodes)
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
                  return false;
            }
        }
    }
  return true;
}

/* Joins group a and its reader b when they can be one stage. */
static bool
try_join (Fusion *f, SfNode a, SfNode b, size_t max_nodes)
{
  GArray *ma = f->members[a], *mb = f->members[b];
  SfNode first_a = g_array_index (ma, SfNode, 0), first_b = g_array_index (mb, SfNode, 0);
  if (ma->len + mb->len > max_nodes
      || sf_node_phase (f->graph, first_a) != sf_node_phase (f->graph, first_b)
      || sf_node_on_host (f->graph, first_a) || sf_node_on_host (f->graph, first_b)
      || closes_circle (f, a, b))
    return false;
  g_autoptr (GArray) both = g_array_copy (ma);
  g_array_append_vals (both, mb->data, mb->len);
  g_array_sort (both, compare_nodes);
  if (!rounding_allows (f, both)
      || !sf_lowering_can_group (f->low, (const SfNode *) (gpointer) both->data, both->len,
                                 f->max_streams, NULL))
    return false;
  SfNode kept = MIN (a, b), gone = MAX (a, b);
  g_array_unref (f->members[a]);
  g_array_unref (f->members[b]);
  f->members[gone] = NULL;
  f->members[kept] = g_steal_pointer (&both);
  move_edges (f->edges, f->feeders, kept, gone);
  move_edges (f->feeders, f->edges, kept, gone);
  return true;
}

static bool
all_in (const Fusion *f, SfNode group, unsigned classes)
{
  for (guint i = 0; i < f->members[group]->len; i++)
    if ((classes >> sf_lower_class (f->graph, g_array_index (f->members[group], SfNode, i)) & 1)
        == 0)
      return false;
  return true;
}

static bool
any_in (const Fusion *f, SfNode group, unsigned classes)
{
  for (guint i = 0; i < f->members[group]->len; i++)
    if ((classes >> sf_lower_class (f->graph, g_array_index (f->members[group], SfNode, i)) & 1)
        != 0)
      return true;
  return false;
}

/* One neighbour more for the group that begins at `a`; the group's id after it in *a. */
static bool
grow (Fusion *f, SfNode *a, const FuseRule *rule)
{
  for (guint i = 0; i < f->edges[*a]->len; i++)
    {
      SfNode b = g_array_index (f->edges[*a], SfNode, i), kept = MIN (*a, b);
      if (all_in (f, b, rule->after) && try_join (f, *a, b, rule->max_nodes))
        {
          *a = kept;
          return true;
        }
    }
  for (guint i = 0; rule->before != 0 && i < f->feeders[*a]->len; i++)
    {
      SfNode b = g_array_index (f->feeders[*a], SfNode, i), kept = MIN (*a, b);
      if (all_in (f, b, rule->before) && try_join (f, b, *a, rule->max_nodes))
        {
          *a = kept;
          return true;
        }
    }
  return false;
}

static void
apply_rule (Fusion *f, const FuseRule *rule)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (f->graph); node++)
    {
      SfNode a = node;
      if (f->members[a] == NULL || !any_in (f, a, rule->anchor))
        continue;
      while (grow (f, &a, rule))
        ;
    }
}

/* ---- numbering ---- */

/* Phases in turn; within one, what is ready and comes first in the graph. */
static void
number_groups (Fusion *f)
{
  size_t n = sf_graph_n_nodes (f->graph);
  g_autofree uint32_t *waits = g_new0 (uint32_t, n + 1);
  g_autofree bool *done = g_new0 (bool, n + 1);
  for (SfNode g = 0; g < n; g++)
    for (guint i = 0; f->members[g] != NULL && i < f->edges[g]->len; i++)
      waits[g_array_index (f->edges[g], SfNode, i)]++;
  int32_t next = 0;
  for (int phase = 0; phase < SF_N_PHASES; phase++)
    for (SfNode g = 0; g < n;)
      {
        bool ready = f->members[g] != NULL && !done[g] && waits[g] == 0
                     && sf_node_phase (f->graph, g_array_index (f->members[g], SfNode, 0))
                            == (SfPhase) phase;
        if (!ready)
          {
            g++;
            continue;
          }
        done[g] = true;
        SfNode again = g + 1;
        for (guint i = 0; i < f->members[g]->len; i++)
          sf_node_set_group (f->graph, g_array_index (f->members[g], SfNode, i), next);
        for (guint i = 0; i < f->edges[g]->len; i++)
          {
            SfNode to = g_array_index (f->edges[g], SfNode, i);
            if (--waits[to] == 0)
              again = MIN (again, to);
          }
        next++;
        g = again;
      }
}

/* ---- the pass ---- */

static void
fuse_graph (SfPassContext *context, SfGraph *graph, const SfLowering *low, const GArray *rules)
{
  size_t n = sf_graph_n_nodes (graph);
  SfLowerLimits limits = sf_lower_limits (sf_pass_arch (context), 100);
  Fusion f = { .graph = graph,
               .low = (SfLowering *) low,
               .max_streams = MIN (limits.agcus, limits.stage_tensors) };
  f.members = g_new0 (GArray *, n + 1);
  f.edges = g_new0 (GArray *, n + 1);
  f.feeders = g_new0 (GArray *, n + 1);
  f.stack = g_array_new (FALSE, FALSE, sizeof (SfNode));
  f.mark = g_new0 (uint32_t, n + 1);
  size_t before = 0, after = 0;
  for (SfNode node = 0; node < n; node++)
    {
      f.edges[node] = g_array_new (FALSE, FALSE, sizeof (SfNode));
      f.feeders[node] = g_array_new (FALSE, FALSE, sizeof (SfNode));
      sf_node_set_group (graph, node, -1);
      if (!takes_part (&f, node))
        continue;
      before++;
      f.members[node] = g_array_new (FALSE, FALSE, sizeof (SfNode));
      g_array_append_val (f.members[node], node);
    }
  collect_edges (&f);
  for (guint i = 0; i < rules->len; i++)
    apply_rule (&f, &g_array_index (rules, FuseRule, i));
  number_groups (&f);
  for (SfNode node = 0; node < n; node++)
    {
      after += f.members[node] != NULL;
      g_clear_pointer (&f.members[node], g_array_unref);
      g_array_unref (f.edges[node]);
      g_array_unref (f.feeders[node]);
    }
  sf_pass_note (context, "%s: %zu nodes in %zu stages", sf_graph_name (graph), before, after);
  g_free (f.members);
  g_free (f.edges);
  g_free (f.feeders);
  g_array_unref (f.stack);
  g_free (f.mark);
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  g_autoptr (GArray) rules = g_array_new (FALSE, FALSE, sizeof (FuseRule));
  if (!sf_fuse_read_rules (sf_option_string (options, "rules"), rules, error))
    return false;
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      SfGraph *graph = sf_module_graph (module, sf_module_entry (module, i));
      g_autoptr (SfLowering) low = sf_lowering_new (graph, NULL, 0);
      fuse_graph (context, graph, low, rules);
    }
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "fuse", "1.0", "join nodes into stages by the rules of a file"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
