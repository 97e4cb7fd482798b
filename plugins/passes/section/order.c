/* SPDX-License-Identifier: Apache-2.0 */
/* Linearisations: orders of a chain's groups in which every group comes after those that it reads.
 */
#include "chain.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Of those that are ready so many are compared. */
#define COMPARED 64

typedef enum
{
  SOURCE,  /* as the graph has them */
  DEPTH,   /* what was made ready last comes first */
  BREADTH, /* what was made ready first comes first */
  SHORT,   /* what frees most memory and takes least comes first */
  ALIKE,   /* what equals the one before it comes first: equal sections follow one another */
  N_ORDERS,
} Order;

static const char *const names[N_ORDERS] = { "the source's order", "depth first", "breadth first",
                                             "short lives", "equals together" };

const char *
sf_section_order_name (guint index)
{
  return names[index];
}

typedef struct
{
  const Groups *groups;
  int32_t *waits; /* per group: makers in the chain that are still to come; -1: outside the chain */
  uint32_t *reads; /* per value: groups of the chain that are still to read it */
  GArray *ready;   /* int32_t, in the order in which they became so */
} Sorter;

static int64_t
freed_bytes (const Sorter *s, const Group *group)
{
  int64_t bytes = 0;
  for (guint i = 0; i < group->in->len; i++)
    if (s->reads[AT (group->in, SfValue, i)] == 1)
      bytes += sf_section_bytes (s->groups, AT (group->in, SfValue, i));
  for (guint i = 0; i < group->out->len; i++)
    bytes -= sf_section_bytes (s->groups, AT (group->out, SfValue, i));
  return bytes;
}

/* Index into `ready` of the next group. */
static guint
choose (const Sorter *s, Order order, uint32_t last_kind)
{
  const GArray *group = s->groups->group;
  guint best = 0;
  if (order == DEPTH)
    return s->ready->len - 1;
  for (guint i = 1; order != BREADTH && i < MIN (s->ready->len, COMPARED); i++)
    {
      const Group *a = &AT (group, Group, AT (s->ready, int32_t, i));
      const Group *b = &AT (group, Group, AT (s->ready, int32_t, best));
      bool better = order == SHORT ? freed_bytes (s, a) > freed_bytes (s, b)
                                   : a->kind == last_kind && b->kind != last_kind;
      if (better)
        best = i;
    }
  return best;
}

/* Those that `group` made ready, the first of the source first to be taken. */
static void
release (Sorter *s, const Group *group, Order order)
{
  for (guint k = 0; k < group->readers->len; k++)
    {
      guint i = order == DEPTH ? group->readers->len - 1 - k : k;
      int32_t reader = AT (group->readers, int32_t, i);
      if (s->waits[reader] > 0 && --s->waits[reader] == 0)
        g_array_append_val (s->ready, reader);
    }
  for (guint i = 0; i < group->in->len; i++)
    s->reads[AT (group->in, SfValue, i)]--;
}

static void
count_waits (Sorter *s, int32_t first, int32_t n)
{
  const Groups *g = s->groups;
  for (guint i = 0; i < g->group->len; i++)
    s->waits[i] = -1;
  for (int32_t i = first; i < first + n; i++)
    s->waits[AT (g->order, int32_t, i)] = 0;
  for (int32_t i = first; i < first + n; i++)
    {
      int32_t own = AT (g->order, int32_t, i);
      const Group *group = &AT (g->group, Group, own);
      for (guint k = 0; k < group->makers->len; k++)
        s->waits[own] += s->waits[AT (group->makers, int32_t, k)] >= 0;
      for (guint k = 0; k < group->in->len; k++)
        s->reads[AT (group->in, SfValue, k)]++;
    }
}

static GArray *
sort (const Groups *g, int32_t first, int32_t n, Order order)
{
  g_autofree int32_t *waits = g_new (int32_t, g->group->len + 1);
  g_autofree uint32_t *reads = g_new0 (uint32_t, sf_graph_n_values (g->graph) + 1);
  g_autoptr (GArray) ready = g_array_new (FALSE, FALSE, sizeof (int32_t));
  Sorter s = { g, waits, reads, ready };
  count_waits (&s, first, n);
  for (int32_t k = 0; k < n; k++)
    {
      int32_t i = order == DEPTH ? first + n - 1 - k : first + k;
      if (waits[AT (g->order, int32_t, i)] == 0)
        g_array_append_val (ready, AT (g->order, int32_t, i));
    }
  GArray *sorted = g_array_new (FALSE, FALSE, sizeof (int32_t));
  for (uint32_t kind = 0; ready->len > 0;)
    {
      guint at = choose (&s, order, kind);
      int32_t next = AT (ready, int32_t, at);
      g_array_remove_index (ready, at);
      g_array_append_val (sorted, next);
      kind = AT (g->group, Group, next).kind;
      release (&s, &AT (g->group, Group, next), order);
    }
  return sorted;
}

static bool
is_new (const GPtrArray *orders, const GArray *order)
{
  for (guint i = 0; i < orders->len; i++)
    {
      const GArray *other = orders->pdata[i];
      if (other != NULL && memcmp (other->data, order->data, order->len * sizeof (int32_t)) == 0)
        return false;
    }
  return true;
}

static void
unref_order (gpointer order)
{
  g_clear_pointer ((GArray **) &order, g_array_unref);
}

GPtrArray *
sf_section_orders (const Groups *groups, int32_t first, int32_t n)
{
  GPtrArray *orders = g_ptr_array_new_with_free_func (unref_order);
  GArray *source = g_array_new (FALSE, FALSE, sizeof (int32_t));
  g_array_append_vals (source, &AT (groups->order, int32_t, first), (guint) n);
  g_ptr_array_add (orders, source);
  for (Order order = DEPTH; order < N_ORDERS; order++)
    {
      g_autoptr (GArray) sorted = sort (groups, first, n, order);
      bool wanted = sorted->len == (guint) n && is_new (orders, sorted);
      g_ptr_array_add (orders, wanted ? g_steal_pointer (&sorted) : NULL);
    }
  return orders;
}
