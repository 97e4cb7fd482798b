/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the forms of a rule in a graph: each node from a neighbour that was found before, with a
 * step back where that leads nowhere. */
#include "match.h"

#include <string.h>

#define MAX_TRIES 4096 /* candidates looked at for one seed */
#define MAX_NAMED 3    /* candidates that a failure names */

/* ---- the index ---- */

/* Neighbours of `node` above, through views: calls of the two passes that count and fill. */
static void
each_feeder (const FuseIndex *index, SfNode node, uint32_t *n_feeders, uint32_t *n_readers,
             bool fill)
{
  const SfGraph *graph = index->graph;
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    for (SfValue x = sf_node_input (graph, node, i); x != SF_NONE;)
      {
        SfNode from = sf_value_producer (graph, x);
        if (from == SF_NONE)
          break;
        if (fill)
          {
            index->feeder[n_feeders[node]] = from;
            index->reader[n_readers[from]] = node;
          }
        n_feeders[node]++;
        n_readers[from]++;
        x = sf_lowering_is_view (index->groups->low, from) ? sf_node_input (graph, from, 0)
                                                           : SF_NONE;
      }
}

static uint32_t *
first_of (const uint32_t *count, size_t n)
{
  uint32_t *first = g_new0 (uint32_t, n + 1);
  for (size_t i = 0; i < n; i++)
    first[i + 1] = first[i] + count[i];
  return first;
}

FuseIndex *
fuse_index_new (const FuseGroups *groups)
{
  FuseIndex *index = g_new0 (FuseIndex, 1);
  size_t n = groups->n_nodes;
  index->groups = groups;
  index->graph = groups->graph;
  index->owner = g_new0 (const FuseRule *, n + 1);
  g_autofree uint32_t *feeders = g_new0 (uint32_t, n + 1), *readers = g_new0 (uint32_t, n + 1);
  for (SfNode node = 0; node < n; node++)
    each_feeder (index, node, feeders, readers, false);
  index->feeder_first = first_of (feeders, n);
  index->reader_first = first_of (readers, n);
  index->feeder = g_new (SfNode, index->feeder_first[n] + 1);
  index->reader = g_new (SfNode, index->reader_first[n] + 1);
  memcpy (feeders, index->feeder_first, n * sizeof *feeders);
  memcpy (readers, index->reader_first, n * sizeof *readers);
  for (SfNode node = 0; node < n; node++)
    each_feeder (index, node, feeders, readers, true);
  return index;
}

void
fuse_index_free (FuseIndex *index)
{
  g_free (index->reader_first);
  g_free (index->feeder_first);
  g_free (index->reader);
  g_free (index->feeder);
  g_free (index->owner);
  g_free (index);
}

static const SfNode *
neighbours (const FuseIndex *index, SfNode node, bool feeders, size_t *n)
{
  const uint32_t *first = feeders ? index->feeder_first : index->reader_first;
  *n = first[node + 1] - first[node];
  return (feeders ? index->feeder : index->reader) + first[node];
}

static bool
feeds (const FuseIndex *index, SfNode from, SfNode to)
{
  size_t n;
  const SfNode *above = neighbours (index, to, true, &n);
  for (size_t i = 0; i < n; i++)
    if (above[i] == from)
      return true;
  return false;
}

/* ---- the search ---- */

typedef struct
{
  const FuseIndex *index;
  const FuseRule *rule;
  const FuseForm *form;
  FuseMatch *match, *nearest;
  unsigned tries;
} Search;

/* Why a node of the graph cannot stand for one of the pattern. */
typedef enum
{
  SUITS,
  OTHER_OP,
  OWNED,
  TAKEN,
  OTHER_PHASE,
  ON_HOST,
  NO_EDGE,
} Fit;

static bool
is_taken (const Search *s, SfNode node)
{
  for (uint32_t i = 0; i < s->rule->pattern->len; i++)
    if (s->match->node[i] == node)
      return true;
  return false;
}

/* Edges of the form between `wanted` and what is found already. */
static bool
has_edges (const Search *s, uint32_t wanted, SfNode node)
{
  for (uint32_t i = 0; i < s->rule->pattern->len; i++)
    {
      SfNode other = s->match->node[i];
      if (other == SF_NONE)
        continue;
      if (((s->form->children[wanted] >> i & 1) != 0 && !feeds (s->index, node, other))
          || ((s->form->children[i] >> wanted & 1) != 0 && !feeds (s->index, other, node)))
        return false;
    }
  return true;
}

static Fit
fit (const Search *s, uint32_t wanted, SfNode node)
{
  const SfGraph *graph = s->index->graph;
  SfNode seed = s->match->node[s->form->steps[0].node];
  if (!fuse_rule_accepts (s->rule, wanted, graph, node))
    return OTHER_OP;
  if (is_taken (s, node))
    return TAKEN;
  if (fuse_rule_node (s->rule, wanted)->included)
    {
      if (s->index->owner[node] != NULL && s->rule->heuristic != FUSE_GROW)
        return OWNED;
      if (seed != SF_NONE && sf_node_phase (graph, seed) != sf_node_phase (graph, node))
        return OTHER_PHASE;
      if (sf_node_on_host (graph, node))
        return ON_HOST;
    }
  return has_edges (s, wanted, node) ? SUITS : NO_EDGE;
}

static void
keep_nearest (Search *s, uint32_t n_found)
{
  s->match->n_found = n_found;
  if (s->nearest != NULL && n_found > s->nearest->n_found)
    *s->nearest = *s->match;
}

static bool
find_from (Search *s, uint32_t n_found)
{
  keep_nearest (s, n_found);
  if (n_found == s->form->n_steps)
    return true;
  const FuseStep *step = &s->form->steps[n_found];
  size_t n;
  const SfNode *candidate = neighbours (s->index, s->match->node[step->from], step->feeds, &n);
  for (size_t i = 0; i < n && s->tries < MAX_TRIES; i++)
    {
      s->tries++;
      if (fit (s, step->node, candidate[i]) != SUITS)
        continue;
      s->match->node[step->node] = candidate[i];
      if (find_from (s, n_found + 1))
        return true;
      s->match->node[step->node] = SF_NONE;
    }
  return false;
}

bool
fuse_match (const FuseIndex *index, const FuseRule *rule, const FuseForm *form, SfNode seed,
            FuseMatch *match, FuseMatch *nearest)
{
  Search s = { .index = index, .rule = rule, .form = form, .match = match, .nearest = nearest };
  memset (match->node, 0xff, rule->pattern->len * sizeof match->node[0]);
  match->n_found = 0;
  if (nearest != NULL)
    *nearest = *match;
  if (fit (&s, form->steps[0].node, seed) != SUITS)
    return false;
  match->node[form->steps[0].node] = seed;
  return find_from (&s, 1);
}

/* ---- failures in words ---- */

static void
describe (const Search *s, GString *text, uint32_t wanted, SfNode node)
{
  const SfGraph *graph = s->index->graph;
  g_string_append_printf (text, "%s (%s", sf_node_name (graph, node),
                          sf_node_op_name (graph, node));
  switch (fit (s, wanted, node))
    {
    case OWNED:
      g_string_append_printf (text, ", of rule %s", s->index->owner[node]->name);
      break;
    case TAKEN:
      g_string_append (text, ", in the match already");
      break;
    case OTHER_PHASE:
      g_string_append (text, ", of another phase");
      break;
    case ON_HOST:
      g_string_append (text, ", on the host");
      break;
    case NO_EDGE:
      g_string_append (text, ", without another edge of the pattern");
      break;
    case SUITS: /* what comes after it failed, or too many were tried */
      g_string_append (text, ", which leads no further");
      break;
    case OTHER_OP:
      break;
    }
  g_string_append_c (text, ')');
}

char *
fuse_match_failure (const FuseIndex *index, const FuseRule *rule, const FuseForm *form,
                    const FuseMatch *nearest)
{
  FuseMatch match = *nearest;
  Search s = { .index = index, .rule = rule, .form = form, .match = &match };
  const FuseStep *step = &form->steps[nearest->n_found];
  SfNode from = match.node[step->from];
  size_t n, named = 0;
  const SfNode *candidate = neighbours (index, from, step->feeds, &n);
  g_autoptr (GString) text = g_string_new (sf_node_name (index->graph, from));
  g_string_append_printf (text, " (%s) ", sf_node_op_name (index->graph, from));
  if (n == 0)
    g_string_append (text, step->feeds ? "reads no node" : "is read by no node");
  else
    g_string_append (text, step->feeds ? "reads " : "is read by ");
  size_t i = 0;
  for (; i < n && named < MAX_NAMED; i++)
    {
      if (i > 0 && candidate[i] == candidate[i - 1])
        continue;
      g_string_append (text, named++ > 0 ? ", " : "");
      describe (&s, text, step->node, candidate[i]);
    }
  if (i < n)
    g_string_append_printf (text, " and %zu more", n - i);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
