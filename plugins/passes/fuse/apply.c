/* SPDX-License-Identifier: Apache-2.0 */
/* The heuristics join, stage and grow. */
#include "apply.h"

/* What a rule works with. */
typedef struct
{
  const FuseRule *rule;
  FuseIndex *index;
  FuseGroups *groups;
  FuseStory *story; /* may be NULL */
} Work;

/* Nodes of a match that are to be fused, and the groups that they are in. */
typedef struct
{
  SfNode nodes[FUSE_PATTERN_NODES], ids[FUSE_PATTERN_NODES];
  size_t n_nodes, n_ids;
} Found;

static int
compare_nodes (const void *a, const void *b)
{
  SfNode x = *(const SfNode *) a, y = *(const SfNode *) b;
  return x < y ? -1 : x > y;
}

static Found
collect (const Work *w, const FuseMatch *match)
{
  Found found = { .n_nodes = 0 };
  for (uint32_t i = 0; i < w->rule->pattern->len; i++)
    {
      SfNode node = match->node[i];
      SfNode id = node != SF_NONE ? w->groups->group[node] : SF_NONE;
      if (id == SF_NONE || !fuse_rule_node (w->rule, i)->included)
        continue;
      found.nodes[found.n_nodes++] = node;
      bool seen = false;
      for (size_t k = 0; k < found.n_ids; k++)
        seen |= found.ids[k] == id;
      if (!seen)
        found.ids[found.n_ids++] = id;
    }
  qsort (found.nodes, found.n_nodes, sizeof found.nodes[0], compare_nodes);
  return found;
}

/* ---- join and stage ---- */

/* Joins the groups of a pattern edge; true when they were two and are one. */
static bool
join_edge (const Work *w, SfNode from, SfNode to)
{
  SfNode ids[] = { w->groups->group[from], w->groups->group[to] };
  return ids[0] != ids[1] && fuse_groups_join (w->groups, ids, 2, w->rule->max_nodes) == FUSE_MAY;
}

/* Calls for each edge of the form between nodes that are to be fused, until it returns true. */
static bool
each_edge (const Work *w, const FuseForm *form, const FuseMatch *match,
           bool (*call) (const Work *w, SfNode from, SfNode to))
{
  for (uint32_t i = 0; i < w->rule->pattern->len; i++)
    for (uint32_t c = 0; c < w->rule->pattern->len; c++)
      {
        if ((form->children[i] >> c & 1) == 0 || !fuse_rule_node (w->rule, i)->included
            || !fuse_rule_node (w->rule, c)->included || w->groups->group[match->node[i]] == SF_NONE
            || w->groups->group[match->node[c]] == SF_NONE)
          continue;
        if (call (w, match->node[i], match->node[c]))
          return true;
      }
  return false;
}

/* Why the ends of the first edge between two stages may not be one, in words; NULL. */
static char *
apart (const Work *w, const FuseForm *form, const FuseMatch *match)
{
  const SfGraph *graph = w->index->graph;
  for (uint32_t i = 0; i < w->rule->pattern->len; i++)
    for (uint32_t c = 0; c < w->rule->pattern->len; c++)
      {
        SfNode a = match->node[i], b = match->node[c];
        if ((form->children[i] >> c & 1) == 0 || !fuse_rule_node (w->rule, i)->included
            || !fuse_rule_node (w->rule, c)->included)
          continue;
        SfNode ids[] = { w->groups->group[a], w->groups->group[b] };
        g_autofree char *reason = NULL;
        if (ids[0] == SF_NONE || ids[1] == SF_NONE)
          reason = g_strdup ("a reshape only renames memory and is no part of a stage");
        else if (ids[0] == ids[1]
                 || fuse_groups_refusal (w->groups, ids, 2, w->rule->max_nodes, &reason)
                        == FUSE_MAY)
          continue;
        return g_strdup_printf ("%s (%s) and %s (%s): %s", sf_node_name (graph, a),
                                sf_node_op_name (graph, a), sf_node_name (graph, b),
                                sf_node_op_name (graph, b), reason);
      }
  return NULL;
}

/* Why the whole match may not be one stage. */
static char *
whole_refusal (const Work *w, const Found *found)
{
  g_autofree char *reason = NULL;
  fuse_groups_refusal (w->groups, found->ids, found->n_ids, w->rule->max_nodes, &reason);
  return g_strdup_printf (
      "%s (%s) and what goes with it: %s", sf_node_name (w->index->graph, found->nodes[0]),
      sf_node_op_name (w->index->graph, found->nodes[0]), reason != NULL ? reason : "");
}

static void
join_match (const Work *w, const FuseForm *form, const FuseMatch *match)
{
  Found found = collect (w, match);
  SfNode seed = match->node[form->steps[0].node];
  bool whole = fuse_groups_join (w->groups, found.ids, found.n_ids, w->rule->max_nodes) == FUSE_MAY;
  bool joined = whole;
  while (!whole && w->rule->heuristic == FUSE_JOIN && each_edge (w, form, match, join_edge))
    joined = true;
  for (size_t i = 0; joined && i < found.n_nodes; i++)
    {
      SfNode node = found.nodes[i];
      if (whole || w->groups->members[w->groups->group[node]]->len > 1)
        w->index->owner[node] = w->rule;
    }
  if (w->story == NULL)
    return;
  if (joined)
    fuse_story_fused (w->story, found.nodes, found.n_nodes, whole ? NULL : apart (w, form, match));
  else
    {
      char *reason = w->rule->heuristic == FUSE_STAGE ? NULL : apart (w, form, match);
      fuse_story_missed (w->story, seed, form->n_steps, g_strdup ("refusal"),
                         reason != NULL ? reason : whole_refusal (w, &found));
    }
}

static void
apply_pattern (const Work *w)
{
  for (guint i = 0; i < w->rule->forms->len; i++)
    {
      const FuseForm *form = w->rule->forms->pdata[i];
      FuseMatch match;
      for (SfNode seed = 0; seed < w->groups->n_nodes; seed++)
        if (w->groups->group[seed] != SF_NONE
            && fuse_match (w->index, w->rule, form, seed, &match, NULL))
          join_match (w, form, &match);
    }
}

/* ---- grow ---- */

SfNode
fuse_not_accepted (const FuseRule *rule, const FuseGroups *groups, SfNode group, uint64_t wanted)
{
  const GArray *members = groups->members[group];
  for (guint i = 0; i < members->len; i++)
    {
      SfNode node = g_array_index (members, SfNode, i);
      bool accepted = false;
      for (uint32_t k = 0; k < rule->pattern->len && !accepted; k++)
        accepted = (wanted >> k & 1) != 0 && fuse_rule_accepts (rule, k, groups->graph, node);
      if (!accepted)
        return node;
    }
  return SF_NONE;
}

bool
fuse_core_of (const FuseRule *rule, const FuseIndex *index, const FuseGroups *groups, SfNode group,
              SfNode *seed, FuseMatch *match)
{
  FuseMatch own;
  const GArray *members = groups->members[group];
  for (guint i = 0; members != NULL && i < members->len; i++)
    for (guint k = 0; k < rule->forms->len; k++)
      {
        *seed = g_array_index (members, SfNode, i);
        if (fuse_match (index, rule, rule->forms->pdata[k], *seed, match != NULL ? match : &own,
                        NULL))
          return true;
      }
  return false;
}

/* One neighbour more for the group that `seed` is in. */
static bool
grow (const Work *w, SfNode seed)
{
  FuseGroups *groups = w->groups;
  SfNode at = groups->group[seed];
  for (int above = 0; above < 2; above++)
    {
      uint64_t wanted = above ? w->rule->before : w->rule->after;
      const GArray *next = above ? groups->feeders[at] : groups->edges[at];
      for (guint i = 0; wanted != 0 && i < next->len; i++)
        {
          SfNode ids[] = { at, g_array_index (next, SfNode, i) };
          if (fuse_not_accepted (w->rule, groups, ids[1], wanted) == SF_NONE
              && fuse_groups_join (groups, ids, 2, w->rule->max_nodes) == FUSE_MAY)
            return true;
        }
    }
  return false;
}

static void
apply_growing (const Work *w)
{
  for (SfNode group = 0; group < w->groups->n_nodes; group++)
    {
      SfNode seed;
      FuseMatch match;
      if (!fuse_core_of (w->rule, w->index, w->groups, group, &seed, &match))
        continue;
      Found core = collect (w, &match);
      if (fuse_groups_join (w->groups, core.ids, core.n_ids, w->rule->max_nodes) != FUSE_MAY
          && core.n_ids > 1)
        continue;
      bool grown = core.n_ids > 1;
      while (grow (w, seed))
        grown = true;
      const GArray *members = w->groups->members[w->groups->group[seed]];
      for (guint i = 0; grown && i < members->len; i++)
        {
          const FuseRule **owner = &w->index->owner[g_array_index (members, SfNode, i)];
          *owner = *owner != NULL ? *owner : w->rule;
        }
      if (grown && w->story != NULL)
        fuse_story_fused (w->story, &seed, 1, NULL);
    }
}

void
fuse_apply (const FuseRule *rule, FuseIndex *index, FuseGroups *groups, FuseStory *story)
{
  const Work w = { rule, index, groups, story };
  if (rule->heuristic == FUSE_GROW)
    apply_growing (&w);
  else
    apply_pattern (&w);
  if (story != NULL)
    fuse_story_search (story, index, groups);
}
