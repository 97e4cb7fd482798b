/* SPDX-License-Identifier: Apache-2.0 */
/* The router's state, and trees of straight ways: from the point of the tree that is nearest to a
 * sink, a little in favour of points near the source (after Prim and Dijkstra: Alpert et al., TCAD
 * 1995), first along one axis, then along the other. */
#include "router.h"

Router *
router_new (const SfArchInfo *arch)
{
  Router *r = g_new0 (Router, 1);
  r->width = arch->columns + 2;
  r->rows = arch->rows;
  r->n_nodes = (uint32_t) (r->width * r->rows);
  r->nets = g_new0 (int64_t, r->n_nodes * N_DIRECTIONS);
  r->load = g_new0 (int64_t, r->n_nodes * N_DIRECTIONS);
  r->history = g_new0 (int64_t, r->n_nodes * N_DIRECTIONS);
  r->in_tree = g_new0 (uint32_t, r->n_nodes);
  r->depth = g_new0 (int64_t, r->n_nodes);
  r->hop_to = g_new0 (uint32_t, r->n_nodes);
  r->grown_for = g_new0 (uint32_t, r->n_nodes);
  r->claimed = g_new0 (uint32_t, r->n_nodes);
  r->claim = g_new0 (uint32_t, r->n_nodes);
  r->counted = g_new0 (uint32_t, r->n_nodes);
  r->cost = g_new0 (int64_t, r->n_nodes);
  r->seen = g_new0 (uint32_t, r->n_nodes);
  r->arrived = g_new0 (uint8_t, r->n_nodes);
  r->tree = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  r->pressure = LINK_COST;
  return r;
}

void
router_free (Router *r)
{
  g_free (r->nets);
  g_free (r->load);
  g_free (r->history);
  g_free (r->in_tree);
  g_free (r->depth);
  g_free (r->hop_to);
  g_free (r->grown_for);
  g_free (r->claimed);
  g_free (r->claim);
  g_free (r->counted);
  g_free (r->cost);
  g_free (r->seen);
  g_free (r->arrived);
  g_array_unref (r->tree);
  g_clear_pointer (&r->heap, g_array_unref);
  g_free (r);
}

/* ---- trees ---- */

static void
join_tree (Router *r, uint32_t node, int64_t depth)
{
  r->in_tree[node] = r->stamp;
  r->depth[node] = depth;
  r->grown_for[node] = r->growing;
  g_array_append_val (r->tree, node);
}

void
router_begin (Router *r, Net *net)
{
  r->stamp++;
  g_array_set_size (r->tree, 0);
  g_array_set_size (net->hops, 0);
  r->growing = SF_NONE;
  join_tree (r, net->source, 0);
  for (guint i = 0; i < net->sinks->len; i++)
    {
      const Sink *sink = &g_array_index (net->sinks, Sink, i);
      r->claimed[sink->node] = r->stamp;
      r->claim[sink->node] = sink->transfer;
    }
}

void
router_take_hop (Router *r, Net *net, uint32_t node, uint32_t direction)
{
  Hop hop = { node, direction, 0 };
  uint32_t next = node;
  router_neighbour (r, node, direction, &next);
  g_array_append_val (net->hops, hop);
  join_tree (r, next, r->depth[node] + 1);
}

/* Loads of the hops: a transfer counts once on every hop that leads to one of its sinks. */
static void
load_hops (Router *r, Net *net)
{
  for (uint32_t h = 0; h < net->hops->len; h++)
    {
      const Hop *hop = &g_array_index (net->hops, Hop, h);
      uint32_t next = 0;
      router_neighbour (r, hop->node, hop->direction, &next);
      r->hop_to[next] = h;
      r->counted[next] = SF_NONE;
    }
  for (guint i = 0; i < net->sinks->len; i++)
    {
      const Sink *sink = &g_array_index (net->sinks, Sink, i);
      for (uint32_t node = sink->node; node != net->source;)
        {
          if (r->counted[node] == sink->transfer)
            break;
          r->counted[node] = sink->transfer;
          Hop *hop = &g_array_index (net->hops, Hop, r->hop_to[node]);
          hop->load += sink->load;
          node = hop->node;
        }
    }
}

void
router_commit (Router *r, Net *net)
{
  load_hops (r, net);
  for (guint h = 0; h < net->hops->len; h++)
    {
      const Hop *hop = &g_array_index (net->hops, Hop, h);
      uint32_t link = hop->node * N_DIRECTIONS + hop->direction;
      r->nets[link]++;
      r->load[link] += hop->load;
    }
}

void
router_rip_up (Router *r, Net *net)
{
  for (guint h = 0; h < net->hops->len; h++)
    {
      const Hop *hop = &g_array_index (net->hops, Hop, h);
      uint32_t link = hop->node * N_DIRECTIONS + hop->direction;
      r->nets[link]--;
      r->load[link] -= hop->load;
    }
  g_array_set_size (net->hops, 0);
}

/* ---- straight ways ---- */

/* Directions from `from` towards `to`: along x, along y. */
static void
directions (const Router *r, uint32_t from, uint32_t to, uint32_t out[2])
{
  out[0] = to % r->width > from % r->width ? 0 : 1;
  out[1] = to / r->width > from / r->width ? 2 : 3;
}

/* Steps along the axes in that order; `take` or only the cost. */
static int64_t
walk (Router *r, Net *net, uint32_t from, const Sink *sink, int first_axis, bool take)
{
  uint32_t direction[2];
  directions (r, from, sink->node, direction);
  int64_t steps[2] = { ABS (sink->node % r->width - from % r->width),
                       ABS (sink->node / r->width - from / r->width) };
  int64_t cost = 0;
  for (int i = 0; i < 2; i++)
    for (int64_t k = 0; k < steps[first_axis ^ i]; k++)
      {
        uint32_t d = direction[first_axis ^ i], next = from;
        router_neighbour (r, from, d, &next);
        if (r->in_tree[next] == r->stamp)
          cost += router_is_foreign (r, next, sink->transfer) ? net->share : 0;
        else
          {
            cost += router_link_cost (r, from * N_DIRECTIONS + d, sink->load)
                    + router_claim_cost (r, net, next, sink->transfer);
            if (take)
              router_take_hop (r, net, from, d);
          }
        from = next;
      }
  return cost;
}

/* In quarters of a hop. */
static int64_t
joint_key (const Router *r, const Net *net, uint32_t joint, const Sink *sink)
{
  int64_t share = router_is_foreign (r, joint, sink->transfer) ? net->share : 0;
  return 4 * router_distance (r, joint, sink->node) + r->depth[joint] + 4 * share / LINK_COST;
}

/* What a sink not yet in the tree has nearest to it. */
typedef struct
{
  uint32_t joint;
  int64_t key;
} Near;

static void
look_at_new_nodes (const Router *r, const Net *net, Near *near, guint first)
{
  for (guint i = 0; i < net->sinks->len; i++)
    {
      const Sink *sink = &g_array_index (net->sinks, Sink, i);
      for (guint t = first; near[i].key > 0 && t < r->tree->len; t++)
        {
          uint32_t joint = g_array_index (r->tree, uint32_t, t);
          int64_t key = joint == sink->node ? 0 : joint_key (r, net, joint, sink);
          if (key < near[i].key)
            near[i] = (Near){ joint, key };
        }
    }
}

void
router_connect (Router *r, Net *net)
{
  router_begin (r, net);
  g_autofree Near *near = g_new (Near, net->sinks->len + 1);
  for (guint i = 0; i < net->sinks->len; i++)
    near[i] = (Near){ net->source, INT64_MAX };
  look_at_new_nodes (r, net, near, 0);
  for (;;)
    {
      guint best = net->sinks->len;
      for (guint i = 0; i < net->sinks->len; i++)
        if (near[i].key > 0 && (best == net->sinks->len || near[i].key < near[best].key))
          best = i;
      if (best == net->sinks->len)
        break;
      const Sink *sink = &g_array_index (net->sinks, Sink, best);
      guint known = r->tree->len;
      r->growing = sink->transfer;
      int64_t across = walk (r, net, near[best].joint, sink, 0, false);
      int64_t down = walk (r, net, near[best].joint, sink, 1, false);
      walk (r, net, near[best].joint, sink, down < across, true);
      look_at_new_nodes (r, net, near, known);
    }
  router_commit (r, net);
}
