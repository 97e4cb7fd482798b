/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of a pattern: choices made, optional nodes there or not, and an order to find the nodes
 * in. */
#include "rules.h"

#include <string.h>

#define BIT(index) (UINT64_C (1) << (index))

/* A pattern while its forms are listed. */
typedef struct
{
  FuseRule *rule;
  const char *where;
  uint32_t n;
  uint64_t parents[FUSE_PATTERN_NODES]; /* as written, through choices as well */
  uint32_t chosen[FUSE_PATTERN_NODES];  /* per choice: which of its options */
  uint64_t choices, options;            /* nodes that are one */
} Builder;

static const FusePatternNode *
at (const Builder *b, uint32_t index)
{
  return fuse_rule_node (b->rule, index);
}

/* What follows a node as written: children, or options. */
static uint64_t
followers (const Builder *b, uint32_t index)
{
  const FusePatternNode *node = at (b, index);
  uint64_t set = node->children;
  for (guint i = 0; node->options != NULL && i < node->options->len; i++)
    set |= BIT (g_array_index (node->options, uint32_t, i));
  return set;
}

/* ---- checks of the pattern as written ---- */

/* Takes away what has nothing before it until nothing is left; what stays goes round. */
static bool
check_circles (const Builder *b, GError **error)
{
  uint64_t left = b->n == 64 ? UINT64_MAX : BIT (b->n) - 1;
  for (uint64_t before = 0; left != before;)
    {
      before = left;
      for (uint32_t i = 0; i < b->n; i++)
        if ((left >> i & 1) != 0 && (b->parents[i] & left) == 0)
          left &= ~BIT (i);
    }
  if (left == 0)
    return true;
  /* Upwards from any that stayed, one comes back to some node that is on a circle. */
  uint32_t node = (uint32_t) __builtin_ctzll (left);
  for (uint32_t i = 0; i < b->n; i++)
    node = (uint32_t) __builtin_ctzll (b->parents[node] & left);
  g_autoptr (GString) circle = g_string_new (at (b, node)->name);
  uint64_t seen = 0;
  for (uint32_t i = node; (seen >> i & 1) == 0;)
    {
      seen |= BIT (i);
      i = (uint32_t) __builtin_ctzll (b->parents[i] & left);
      g_string_prepend (circle, " -> ");
      g_string_prepend (circle, at (b, i)->name);
      if (i == node)
        break;
    }
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: found the circle %s in rule %s, wanted children that lead nowhere back; "
                  "remove one of them",
                  b->where, circle->str, b->rule->name);
}

/* What `nodes` reaches of `within`, both ways. */
static uint64_t
connected (const uint64_t *children, uint64_t within)
{
  uint64_t seen = within & (~within + 1);
  for (uint64_t before = 0; seen != before;)
    {
      before = seen;
      for (uint32_t i = 0; i < FUSE_PATTERN_NODES; i++)
        if ((within >> i & 1) != 0)
          {
            if ((seen >> i & 1) != 0)
              seen |= children[i] & within;
            else if ((children[i] & seen) != 0)
              seen |= BIT (i);
          }
    }
  return seen;
}

static bool
check_connected (const Builder *b, GError **error)
{
  uint64_t all = b->n == 64 ? UINT64_MAX : BIT (b->n) - 1, edges[FUSE_PATTERN_NODES] = { 0 };
  for (uint32_t i = 0; i < b->n; i++)
    edges[i] = followers (b, i);
  uint64_t seen = connected (edges, all);
  if (seen == all)
    return true;
  uint32_t alone = (uint32_t) __builtin_ctzll (all & ~seen);
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: found no way between %s and %s in rule %s, wanted a pattern in one piece; "
                  "name %s as child of another node, or give it one",
                  b->where, at (b, 0)->name, at (b, alone)->name, b->rule->name,
                  at (b, alone)->name);
}

/* ---- one form ---- */

/* The node that stands for `index` with the choices as they are. */
static uint32_t
resolve (const Builder *b, uint32_t index)
{
  while (at (b, index)->options != NULL)
    index = g_array_index (at (b, index)->options, uint32_t, b->chosen[index]);
  return index;
}

static uint64_t
parents_in (const FuseForm *form, uint32_t index)
{
  uint64_t set = 0;
  for (uint32_t i = 0; i < FUSE_PATTERN_NODES; i++)
    if ((form->nodes >> i & 1) != 0 && (form->children[i] >> index & 1) != 0)
      set |= BIT (i);
  return set;
}

/* Whether the node lost its place: it follows others, or leads to others, and none of them is left.
 */
static bool
stranded (const Builder *b, const FuseForm *form, uint64_t roots, uint32_t index)
{
  bool follows = b->parents[index] != 0;
  return (follows && parents_in (form, index) == 0 && (roots >> index & 1) == 0)
         || (at (b, index)->children != 0 && (form->children[index] & form->nodes) == 0);
}

/* Edges and nodes with choices made and all optional nodes there. */
static void
lay_out (const Builder *b, FuseForm *form)
{
  uint64_t roots = 0;
  memset (form, 0, sizeof *form);
  for (uint32_t i = 0; i < b->n; i++)
    {
      if ((b->choices >> i & 1) != 0)
        {
          roots |= b->parents[i] == 0 ? BIT (resolve (b, i)) : 0;
          continue;
        }
      form->nodes |= BIT (i);
      for (uint32_t c = 0; c < b->n; c++)
        if ((at (b, i)->children >> c & 1) != 0)
          form->children[i] |= BIT (resolve (b, c));
    }
  for (uint64_t before = 0; form->nodes != before;)
    {
      before = form->nodes;
      for (uint32_t i = 0; i < b->n; i++)
        if ((form->nodes >> i & 1) != 0 && stranded (b, form, roots, i))
          form->nodes &= ~BIT (i);
    }
  for (uint32_t i = 0; i < b->n; i++)
    form->children[i] &= (form->nodes >> i & 1) != 0 ? form->nodes : 0;
}

/* Takes an optional node out: what led to it leads on to what it led to. */
static void
leave_out (FuseForm *form, uint32_t index)
{
  for (uint32_t i = 0; i < FUSE_PATTERN_NODES; i++)
    if ((form->children[i] >> index & 1) != 0)
      form->children[i] = (form->children[i] & ~BIT (index)) | form->children[index];
  form->children[index] = 0;
  form->nodes &= ~BIT (index);
}

/* The node that the search begins at: required and fused, named by ops rather than by classes. */
static uint32_t
seed_of (const Builder *b, const FuseForm *form)
{
  uint32_t best = FUSE_PATTERN_NODES;
  int best_rank = 0;
  for (uint32_t i = 0; i < b->n; i++)
    {
      const FusePatternNode *node = at (b, i);
      int rank = 1 + 2 * node->required + (node->classes == 0);
      if ((form->nodes >> i & 1) == 0 || !node->included || rank <= best_rank)
        continue;
      best = i;
      best_rank = rank;
    }
  return best;
}

/* Next to a node that has its place: what feeds one before what reads one, since a node has few
 * inputs but may have many readers. */
static bool
next_step (const FuseForm *form, uint64_t placed, FuseStep *step)
{
  for (int readers = 0; readers < 2; readers++)
    for (uint32_t k = 0; k < form->n_steps; k++)
      {
        uint32_t from = form->steps[k].node;
        uint64_t next = (readers ? form->children[from] : parents_in (form, from)) & ~placed;
        if (next == 0)
          continue;
        *step = (FuseStep){ (uint32_t) __builtin_ctzll (next), from, readers == 0 };
        return true;
      }
  return false;
}

static bool
order_steps (const Builder *b, FuseForm *form, GError **error)
{
  uint32_t seed = seed_of (b, form);
  if (seed == FUSE_PATTERN_NODES)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no node to fuse in rule %s, wanted one that is included in each of "
                    "its forms; take included = false away from one",
                    b->where, b->rule->name);
  form->steps[form->n_steps++] = (FuseStep){ .node = seed, .from = seed };
  FuseStep step;
  for (uint64_t placed = BIT (seed); next_step (form, placed, &step); placed |= BIT (step.node))
    form->steps[form->n_steps++] = step;
  return true;
}

static bool
add_form (const Builder *b, const FuseForm *laid_out, uint64_t absent, GError **error)
{
  GPtrArray *forms = b->rule->forms;
  FuseForm form = *laid_out;
  for (uint32_t i = 0; i < b->n; i++)
    if ((absent >> i & 1) != 0)
      leave_out (&form, i);
  if (form.nodes == 0)
    return true;
  if (connected (form.children, form.nodes) != form.nodes)
    {
      uint32_t without = (uint32_t) __builtin_ctzll (absent | (absent == 0));
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: rule %s falls into pieces without %s, wanted a pattern in one piece; "
                      "connect its neighbours or leave out required = false",
                      b->where, b->rule->name, at (b, without)->name);
    }
  for (guint i = 0; i < forms->len; i++)
    {
      const FuseForm *other = forms->pdata[i];
      if (other->nodes == form.nodes
          && memcmp (other->children, form.children, sizeof form.children) == 0)
        return true;
    }
  if (forms->len >= FUSE_FORMS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found more than %d forms of rule %s, wanted fewer optional nodes and "
                    "choices; make several rules of it",
                    b->where, FUSE_FORMS, b->rule->name);
  if (!order_steps (b, &form, error))
    return false;
  g_ptr_array_add (forms, g_memdup2 (&form, sizeof form));
  return true;
}

/* ---- all forms ---- */

/* What is above (or below) the nodes of `core`. */
static uint64_t
beyond (const FuseForm *form, uint64_t core, bool above)
{
  uint64_t seen = core;
  for (uint64_t before = 0; seen != before;)
    {
      before = seen;
      for (uint32_t i = 0; i < FUSE_PATTERN_NODES; i++)
        if ((form->nodes >> i & 1) != 0)
          {
            if (!above && (seen >> i & 1) != 0)
              seen |= form->children[i];
            else if (above && (form->children[i] & seen) != 0)
              seen |= BIT (i);
          }
    }
  return seen & ~core;
}

/* The optional nodes of a rule that grows are what it takes in; the form is what is left. */
static bool
add_growing (const Builder *b, const FuseForm *form, uint64_t optional, GError **error)
{
  FuseRule *rule = b->rule;
  uint64_t core = form->nodes & ~optional;
  uint64_t above = beyond (form, core, true), below = beyond (form, core, false);
  rule->before |= above & optional;
  rule->after |= below & optional;
  uint64_t beside = optional & ~(above | below);
  if (core == 0 || beside != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found %s%s in rule %s, wanted required nodes that it grows from and "
                    "optional ones above or below them; see etc/rules",
                    b->where, core == 0 ? "no required node" : "no way down to or from ",
                    core == 0 ? "" : at (b, (uint32_t) __builtin_ctzll (beside))->name, rule->name);
  return add_form (b, form, optional, error);
}

/* With all optional nodes first, then without one of them, and so on. */
static bool
add_forms (const Builder *b, GError **error)
{
  FuseForm form;
  lay_out (b, &form);
  uint64_t optional = 0;
  for (uint32_t i = 0; i < b->n; i++)
    if ((form.nodes >> i & 1) != 0 && !at (b, i)->required)
      optional |= BIT (i);
  if (b->rule->heuristic == FUSE_GROW)
    return add_growing (b, &form, optional, error);
  int n = __builtin_popcountll (optional);
  for (int n_absent = 0; n_absent <= n; n_absent++)
    for (uint64_t absent = optional;; absent = (absent - 1) & optional)
      {
        if (__builtin_popcountll (absent) == n_absent && !add_form (b, &form, absent, error))
          return false;
        if (absent == 0)
          break;
      }
  return true;
}

/* The next combination of choices, the last one turning fastest; false after the last. */
static bool
next_choice (Builder *b)
{
  for (uint32_t i = b->n; i-- > 0;)
    {
      if ((b->choices >> i & 1) == 0)
        continue;
      if (++b->chosen[i] < at (b, i)->options->len)
        return true;
      b->chosen[i] = 0;
    }
  return false;
}

static bool
check_sizes (const Builder *b, GError **error)
{
  double n = 1;
  int optional = 0;
  for (uint32_t i = 0; i < b->n; i++)
    {
      optional += at (b, i)->required ? 0 : 1;
      n *= at (b, i)->options != NULL ? at (b, i)->options->len : 1;
    }
  if (n <= 4 * FUSE_FORMS && (optional <= 12 || b->rule->heuristic == FUSE_GROW))
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: found %.0f ways to choose and %d optional nodes in rule %s, wanted at most "
                  "%d forms; make several rules of it",
                  b->where, n, optional, b->rule->name, FUSE_FORMS);
}

bool
fuse_forms_build (FuseRule *rule, const char *where, GError **error)
{
  Builder b = { .rule = rule, .where = where, .n = rule->pattern->len };
  for (uint32_t i = 0; i < b.n; i++)
    {
      uint64_t next = followers (&b, i);
      b.choices |= at (&b, i)->options != NULL ? BIT (i) : 0;
      for (uint32_t c = 0; c < b.n; c++)
        b.parents[c] |= (next >> c & 1) != 0 ? BIT (i) : 0;
    }
  if (!check_sizes (&b, error) || !check_circles (&b, error) || !check_connected (&b, error))
    return false;
  do
    if (!add_forms (&b, error))
      return false;
  while (next_choice (&b));
  return true;
}
