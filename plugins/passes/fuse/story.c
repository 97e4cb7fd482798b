/* SPDX-License-Identifier: Apache-2.0 */
/* What rules did and where they nearly did, in few lines each. */
#include "story.h"

#include <string.h>

#include "apply.h"

#define OTHER_OP_KEY "op" /* begins the keys of neighbours that a growing rule does not take in */

#define MAX_FUSED  8  /* stages that are told of one rule */
#define MAX_NODES  12 /* names of one stage */
#define MAX_MISSED 6  /* kinds of misses */

typedef struct
{
  GArray *nodes;
  char *apart;
} Fused;

typedef struct
{
  SfNode seed;
  uint32_t depth;
  char *key, *text;
  size_t n; /* while they are counted */
} Miss;

static void
fused_free (gpointer data)
{
  Fused *fused = data;
  g_array_unref (fused->nodes);
  g_free (fused->apart);
  g_free (fused);
}

static void
miss_free (gpointer data)
{
  Miss *miss = data;
  g_free (miss->key);
  g_free (miss->text);
  g_free (miss);
}

FuseStory *
fuse_story_new (const FuseRule *rule)
{
  FuseStory *story = g_new0 (FuseStory, 1);
  story->rule = rule;
  story->fused = g_ptr_array_new_with_free_func (fused_free);
  story->misses = g_ptr_array_new_with_free_func (miss_free);
  return story;
}

void
fuse_story_free (FuseStory *story)
{
  g_ptr_array_unref (story->fused);
  g_ptr_array_unref (story->misses);
  g_free (story);
}

void
fuse_story_fused (FuseStory *story, const SfNode *nodes, size_t n, char *apart)
{
  Fused *fused = g_new0 (Fused, 1);
  fused->nodes = g_array_new (FALSE, FALSE, sizeof (SfNode));
  g_array_append_vals (fused->nodes, nodes, (guint) n);
  fused->apart = apart;
  g_ptr_array_add (story->fused, fused);
}

void
fuse_story_missed (FuseStory *story, SfNode seed, uint32_t depth, char *key, char *text)
{
  Miss *miss = g_new0 (Miss, 1);
  *miss = (Miss){ .seed = seed, .depth = depth, .key = key, .text = text };
  g_ptr_array_add (story->misses, miss);
}

/* ---- near misses ---- */

/* The form that came furthest from `seed`; false when the rule is there, or when nothing is. */
static bool
nearest_form (const FuseStory *story, const FuseIndex *index, SfNode seed, const FuseForm **form,
              FuseMatch *nearest)
{
  nearest->n_found = 0;
  for (guint i = 0; i < story->rule->forms->len; i++)
    {
      FuseMatch match, near;
      const FuseForm *candidate = story->rule->forms->pdata[i];
      if (fuse_match (index, story->rule, candidate, seed, &match, &near))
        return false;
      if (near.n_found <= nearest->n_found)
        continue;
      *nearest = near;
      *form = candidate;
    }
  return nearest->n_found > 0;
}

static void
search_pattern (FuseStory *story, const FuseIndex *index)
{
  const FuseRule *rule = story->rule;
  for (SfNode seed = 0; seed < index->groups->n_nodes; seed++)
    {
      const FuseRule *owner = index->owner[seed];
      const FuseForm *form = rule->forms->pdata[0];
      FuseMatch nearest;
      if (owner == rule)
        continue;
      if (owner != NULL && form->n_steps > 1
          && fuse_rule_accepts (rule, form->steps[0].node, index->graph, seed))
        fuse_story_missed (story, seed, 0, g_strdup_printf ("owner %s", owner->name),
                           g_strdup_printf ("%s (%s) belongs to rule %s",
                                            sf_node_name (index->graph, seed),
                                            sf_node_op_name (index->graph, seed), owner->name));
      else if (owner == NULL && nearest_form (story, index, seed, &form, &nearest))
        {
          const FusePatternNode *at = fuse_rule_node (rule, form->steps[nearest.n_found].node);
          g_autofree char *why = fuse_match_failure (index, rule, form, &nearest);
          fuse_story_missed (story, seed, nearest.n_found, g_strdup_printf ("node %s", at->name),
                             g_strdup_printf ("node %s, %s: %s", at->name, at->wanted, why));
        }
    }
}

/* The first edge from group `from` to group `to`, in words. Owned. */
static char *
edge_text (const FuseIndex *index, const FuseGroups *groups, SfNode from, SfNode to)
{
  const SfGraph *graph = index->graph;
  for (guint i = 0; i < groups->members[to]->len; i++)
    {
      SfNode reader = g_array_index (groups->members[to], SfNode, i);
      for (size_t k = 0; k < sf_node_n_inputs (graph, reader); k++)
        {
          SfValue x = sf_node_input (graph, reader, k);
          SfNode maker = x != SF_NONE ? sf_value_producer (graph, sf_lowering_root (groups->low, x))
                                      : SF_NONE;
          if (maker != SF_NONE && groups->group[maker] == from)
            return g_strdup_printf ("%s (%s) is read by %s (%s)", sf_node_name (graph, maker),
                                    sf_node_op_name (graph, maker), sf_node_name (graph, reader),
                                    sf_node_op_name (graph, reader));
        }
    }
  return g_strdup ("");
}

/* A neighbour that a growing stage did not take in. */
static void
search_neighbour (FuseStory *story, const FuseIndex *index, FuseGroups *groups, SfNode group,
                  SfNode other, bool above)
{
  const FuseRule *rule = story->rule;
  SfNode ids[] = { group, other };
  SfNode strange = fuse_not_accepted (rule, groups, other, above ? rule->before : rule->after);
  if (strange != SF_NONE)
    {
      const char *op = sf_node_op_name (index->graph, strange);
      fuse_story_missed (story, group, 0, g_strdup_printf ("%s %s", OTHER_OP_KEY, op),
                         g_strdup (op));
      return;
    }
  g_autofree char *edge = edge_text (index, groups, above ? other : group, above ? group : other);
  g_autofree char *reason = NULL;
  FuseRefusal refusal = fuse_groups_refusal (groups, ids, 2, rule->max_nodes, &reason);
  if (refusal != FUSE_MAY)
    fuse_story_missed (story, group, 1, g_strdup_printf ("refusal %d", refusal),
                       g_strdup_printf ("%s: %s", edge, reason));
}

static void
search_growth (FuseStory *story, const FuseIndex *index, FuseGroups *groups)
{
  const FuseRule *rule = story->rule;
  for (SfNode group = 0; group < groups->n_nodes; group++)
    {
      SfNode seed;
      if (!fuse_core_of (rule, index, groups, group, &seed, NULL))
        continue;
      for (guint i = 0; rule->after != 0 && i < groups->edges[group]->len; i++)
        search_neighbour (story, index, groups, group,
                          g_array_index (groups->edges[group], SfNode, i), false);
      for (guint i = 0; rule->before != 0 && i < groups->feeders[group]->len; i++)
        search_neighbour (story, index, groups, group,
                          g_array_index (groups->feeders[group], SfNode, i), true);
    }
}

void
fuse_story_search (FuseStory *story, const FuseIndex *index, FuseGroups *groups)
{
  if (story->rule->heuristic == FUSE_GROW)
    search_growth (story, index, groups);
  else
    search_pattern (story, index);
}

/* ---- telling ---- */

static void
name_nodes (GString *line, const SfGraph *graph, const GArray *nodes)
{
  for (guint i = 0; i < nodes->len && i < MAX_NODES; i++)
    {
      SfNode node = g_array_index (nodes, SfNode, i);
      g_string_append_printf (line, "%s%s (%s)", i > 0 ? ", " : "", sf_node_name (graph, node),
                              sf_node_op_name (graph, node));
    }
  if (nodes->len > MAX_NODES)
    g_string_append_printf (line, " and %u more", nodes->len - MAX_NODES);
}

static void
tell_fused (const Fused *fused, const SfGraph *graph, SfPassContext *context)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GArray) stages = g_array_new (FALSE, FALSE, sizeof (int32_t));
  for (guint i = 0; i < fused->nodes->len; i++)
    {
      int32_t stage = sf_node_group (graph, g_array_index (fused->nodes, SfNode, i));
      bool seen = false;
      for (guint k = 0; k < stages->len; k++)
        seen |= g_array_index (stages, int32_t, k) == stage;
      if (!seen)
        g_array_append_val (stages, stage);
    }
  g_string_append (line, stages->len == 1 ? "stage " : "stages ");
  for (guint i = 0; i < stages->len; i++)
    g_string_append_printf (line, "%s%d", i > 0 ? ", " : "", g_array_index (stages, int32_t, i));
  g_string_append (line, ": ");
  name_nodes (line, graph, fused->nodes);
  sf_pass_explain (context, "    %s", line->str);
  if (stages->len > 1 && fused->apart != NULL)
    sf_pass_explain (context, "      apart: %s", fused->apart);
}

/* The final stages that the rule grew, each once, with all that is in them. */
static GPtrArray *
grown_stages (const FuseStory *story, const FuseGroups *groups)
{
  GPtrArray *stages = g_ptr_array_new_with_free_func (fused_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < story->fused->len; i++)
    {
      const Fused *fused = story->fused->pdata[i];
      SfNode group = groups->group[g_array_index (fused->nodes, SfNode, 0)];
      if (!g_hash_table_add (seen, GUINT_TO_POINTER (group + 1)))
        continue;
      Fused *stage = g_new0 (Fused, 1);
      stage->nodes = g_array_ref (groups->members[group]);
      g_ptr_array_add (stages, stage);
    }
  return stages;
}

static gint
compare_misses (gconstpointer a, gconstpointer b)
{
  const Miss *x = *(Miss *const *) a, *y = *(Miss *const *) b;
  if (x->depth != y->depth)
    return x->depth > y->depth ? -1 : 1;
  return x->n > y->n ? -1 : x->n < y->n;
}

/* Misses of one key are one line: the one that came furthest, and how many there are. A seed counts
 * once, whatever forms failed there, and not at all when another form matched. */
static GPtrArray *
count_misses (const FuseStory *story, const FuseIndex *index)
{
  GPtrArray *kinds = g_ptr_array_new ();
  bool grows = story->rule->heuristic == FUSE_GROW;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < story->misses->len; i++)
    {
      Miss *miss = story->misses->pdata[i], *same = NULL;
      if (!grows
          && (index->owner[miss->seed] == story->rule
              || !g_hash_table_add (seen, g_strdup_printf ("%u %s", miss->seed, miss->key))))
        continue;
      miss->n = 0;
      guint at = 0;
      for (; at < kinds->len && same == NULL; at++)
        if (strcmp (((Miss *) kinds->pdata[at])->key, miss->key) == 0)
          same = kinds->pdata[at];
      if (same == NULL)
        g_ptr_array_add (kinds, same = miss);
      else if (miss->depth > same->depth)
        {
          miss->n = same->n;
          kinds->pdata[at - 1] = same = miss;
        }
      same->n++;
    }
  g_ptr_array_sort (kinds, compare_misses);
  return kinds;
}

/* What stopped a rule that grows, in one line: ops that it does not take in. */
static void
tell_other_ops (const GPtrArray *kinds, SfPassContext *context)
{
  g_autoptr (GString) line = g_string_new (NULL);
  size_t n = 0, named = 0;
  for (guint i = 0; i < kinds->len; i++)
    {
      const Miss *miss = kinds->pdata[i];
      if (!g_str_has_prefix (miss->key, OTHER_OP_KEY " "))
        continue;
      n += miss->n;
      if (named++ < MAX_NODES)
        g_string_append_printf (line, "%s%s %zu", line->len > 0 ? ", " : "", miss->text, miss->n);
    }
  if (n > 0)
    sf_pass_explain (context, "    ends %zu %s at an op that the rule does not take in: %s%s", n,
                     n == 1 ? "time" : "times", line->str, named > MAX_NODES ? ", ..." : "");
}

static void
tell_misses (const GPtrArray *kinds, SfPassContext *context)
{
  guint told = 0, more = 0;
  for (guint i = 0; i < kinds->len; i++)
    {
      const Miss *miss = kinds->pdata[i];
      if (g_str_has_prefix (miss->key, OTHER_OP_KEY " "))
        continue;
      if (told++ < MAX_MISSED)
        sf_pass_explain (context, "    not %zu %s: %s", miss->n, miss->n == 1 ? "time" : "times",
                         miss->text);
      else
        more++;
    }
  if (more > 0)
    sf_pass_explain (context, "    and for %u other %s", more, more == 1 ? "reason" : "reasons");
  tell_other_ops (kinds, context);
}

void
fuse_story_tell (const FuseStory *story, const FuseIndex *index, SfPassContext *context)
{
  bool grows = story->rule->heuristic == FUSE_GROW;
  g_autoptr (GPtrArray) fused = grows ? grown_stages (story, index->groups)
                                      : g_ptr_array_ref (story->fused);
  g_autoptr (GPtrArray) kinds = count_misses (story, index);
  if (fused->len == 0)
    sf_pass_explain (context, "  rule %s, priority %" G_GINT64_FORMAT ": no match%s",
                     story->rule->name, story->rule->priority,
                     kinds->len == 0 ? ", and nothing like it in the graph" : "");
  else
    sf_pass_explain (context, "  rule %s, priority %" G_GINT64_FORMAT ": %u %s", story->rule->name,
                     story->rule->priority, fused->len, fused->len == 1 ? "match" : "matches");
  for (guint i = 0; i < fused->len && i < MAX_FUSED; i++)
    tell_fused (fused->pdata[i], index->graph, context);
  if (fused->len > MAX_FUSED)
    sf_pass_explain (context, "    and %u more", fused->len - MAX_FUSED);
  tell_misses (kinds, context);
}
