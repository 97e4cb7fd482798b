/* SPDX-License-Identifier: Apache-2.0 */
/* Search for the cheapest way from a tree to a sink: A* with the distance that is left. */
#include "router.h"

typedef struct
{
  int64_t bound; /* cost so far and the least that is left */
  int64_t cost;
  uint32_t node;
} Entry;

/* Ties: what has come further first, so that free ways are found straight. */
static bool
before (const Entry *a, const Entry *b)
{
  if (a->bound != b->bound)
    return a->bound < b->bound;
  return a->cost != b->cost ? a->cost > b->cost : a->node < b->node;
}

static void
push (GArray *heap, Entry entry)
{
  g_array_append_val (heap, entry);
  Entry *e = (Entry *) (gpointer) heap->data;
  for (guint i = heap->len - 1; i > 0 && before (&e[i], &e[(i - 1) / 2]); i = (i - 1) / 2)
    {
      Entry swap = e[i];
      e[i] = e[(i - 1) / 2];
      e[(i - 1) / 2] = swap;
    }
}

static Entry
pop (GArray *heap)
{
  Entry *e = (Entry *) (gpointer) heap->data, top = e[0];
  e[0] = e[heap->len - 1];
  g_array_set_size (heap, heap->len - 1);
  for (guint i = 0;;)
    {
      guint least = i, left = 2 * i + 1, right = left + 1;
      if (left < heap->len && before (&e[left], &e[least]))
        least = left;
      if (right < heap->len && before (&e[right], &e[least]))
        least = right;
      if (least == i)
        return top;
      Entry swap = e[i];
      e[i] = e[least];
      e[least] = swap;
      i = least;
    }
}

static void
reach (Router *r, uint32_t node, int64_t cost, uint32_t direction, uint32_t sink)
{
  if (r->seen[node] == r->search_stamp && r->cost[node] <= cost)
    return;
  r->seen[node] = r->search_stamp;
  r->cost[node] = cost;
  r->arrived[node] = (uint8_t) direction;
  push (r->heap, (Entry){ cost + LINK_COST * router_distance (r, node, sink), cost, node });
}

/* Cheapest way from the tree to the sink; arrived[] then leads back. */
static void
find_way (Router *r, const Net *net, const Sink *sink)
{
  r->search_stamp++;
  g_array_set_size (r->heap, 0);
  for (guint t = 0; t < r->tree->len; t++)
    {
      uint32_t node = g_array_index (r->tree, uint32_t, t);
      reach (r, node, router_is_foreign (r, node, sink->transfer) ? net->share : 0, 0, sink->node);
    }
  while (r->heap->len > 0)
    {
      Entry at = pop (r->heap);
      if (at.node == sink->node)
        return;
      if (at.cost > r->cost[at.node])
        continue;
      for (uint32_t d = 0; d < N_DIRECTIONS; d++)
        {
          uint32_t next;
          if (router_neighbour (r, at.node, d, &next) && r->in_tree[next] != r->stamp)
            reach (r, next,
                   at.cost + router_link_cost (r, at.node * N_DIRECTIONS + d, sink->load)
                       + router_claim_cost (r, net, next, sink->transfer),
                   d, sink->node);
        }
    }
}

static void
add_way (Router *r, Net *net, uint32_t sink, GArray *way)
{
  g_array_set_size (way, 0);
  for (uint32_t node = sink; r->in_tree[node] != r->stamp;)
    {
      Hop hop = { .direction = r->arrived[node] };
      router_neighbour (r, node, hop.direction ^ 1, &node);
      hop.node = node;
      g_array_append_val (way, hop);
    }
  for (guint k = way->len; k-- > 0;)
    {
      const Hop *hop = &g_array_index (way, Hop, k);
      router_take_hop (r, net, hop->node, hop->direction);
    }
}

void
router_search (Router *r, Net *net)
{
  if (r->heap == NULL)
    r->heap = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_autoptr (GArray) way = g_array_new (FALSE, FALSE, sizeof (Hop));
  router_begin (r, net);
  for (guint i = 0; i < net->sinks->len; i++)
    {
      const Sink *sink = &g_array_index (net->sinks, Sink, i);
      if (r->in_tree[sink->node] == r->stamp)
        continue;
      r->growing = sink->transfer;
      find_way (r, net, sink);
      add_way (r, net, sink->node, way);
    }
  router_commit (r, net);
}
