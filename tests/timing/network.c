/* SPDX-License-Identifier: Apache-2.0 */
/* Queues at switches, links between them, credits. */
#include "tests/timing/network.h"

typedef struct Link Link;
typedef struct Queue Queue;

/* ---- queues ---- */

/* A way out of a queue: over a link into the next switch's queue, or (NULL) to a unit. */
typedef struct
{
  Queue *from, *to;
  Link *link;
  uint32_t net;
  int64_t passed;   /* vectors since the beginning */
  int64_t moved_at; /* the last cycle in which one did */
} Branch;

/* Vectors of one transfer at one switch, or on the link that leads there: those numbered left ..
 * come - 1. One leaves by all branches, by each in its own time. */
struct Queue
{
  int64_t *ready; /* ring: when the vector has come to the end of its link */
  int64_t capacity, left, come;
  int64_t freed_at, n_freed; /* places that became free in this cycle are seen in the next */
  int64_t way;               /* hops from the source */
  GPtrArray *branches;       /* Branch, owned */
};

struct Link
{
  SfNetwork network;
  GPtrArray *branches; /* of all transfers that hop over it, borrowed */
  guint turn;
  int64_t n_waiting;
};

static Queue *
queue_new (int64_t capacity)
{
  Queue *queue = g_new0 (Queue, 1);
  queue->capacity = capacity;
  queue->ready = g_new0 (int64_t, (size_t) capacity);
  queue->freed_at = -1;
  queue->branches = g_ptr_array_new_with_free_func (g_free);
  return queue;
}

static void
queue_free (void *data)
{
  Queue *queue = data;
  g_free (queue->ready);
  g_ptr_array_unref (queue->branches);
  g_free (queue);
}

static bool
queue_has_room (const Queue *queue, int64_t now)
{
  int64_t unseen = queue->freed_at == now ? queue->n_freed : 0;
  return queue->come - queue->left + unseen < queue->capacity;
}

static void
queue_push (Queue *queue, int64_t ready)
{
  queue->ready[queue->come++ % queue->capacity] = ready;
  for (guint i = 0; i < queue->branches->len; i++)
    {
      const Branch *branch = g_ptr_array_index (queue->branches, i);
      if (branch->link != NULL)
        branch->link->n_waiting++;
    }
}

/* Whether a vector may leave by the branch in this cycle: one may. */
static bool
branch_is_ready (const Branch *branch, int64_t now)
{
  const Queue *queue = branch->from;
  return branch->passed < queue->come && branch->moved_at < now
         && queue->ready[branch->passed % queue->capacity] <= now;
}

/* The next vector leaves by this branch; its place is free when it has left by all. */
static void
branch_pass (Branch *branch, int64_t now)
{
  Queue *queue = branch->from;
  branch->passed++;
  branch->moved_at = now;
  if (branch->link != NULL)
    branch->link->n_waiting--;
  int64_t left = queue->come;
  for (guint i = 0; i < queue->branches->len; i++)
    left = MIN (left, ((const Branch *) g_ptr_array_index (queue->branches, i))->passed);
  if (queue->freed_at != now)
    queue->n_freed = 0;
  queue->freed_at = now;
  queue->n_freed += left - queue->left;
  queue->left = left;
}

/* ---- the network ---- */

typedef struct
{
  Queue *source;
  GPtrArray *hops; /* Queue after each hop of the net, owned; NULL where the transfer does not go */
  Branch **tap;    /* by sink */
  int64_t way;
} Transfer;

struct Network
{
  const SfProgram *program;
  uint32_t config;
  SfArchInfo info;
  GPtrArray *transfers; /* Transfer, owned */
  GHashTable *by_hop;   /* "network x0 y0 x1 y1", owned -> Link */
  GPtrArray *links;     /* Link, owned */
};

static void
transfer_free (void *data)
{
  Transfer *transfer = data;
  queue_free (transfer->source);
  for (guint h = 0; h < transfer->hops->len; h++)
    g_clear_pointer (&g_ptr_array_index (transfer->hops, h), queue_free);
  g_ptr_array_unref (transfer->hops);
  g_free (transfer->tap);
  g_free (transfer);
}

static void
link_free (void *data)
{
  g_ptr_array_unref (((Link *) data)->branches);
  g_free (data);
}

Network *
network_new (const SfProgram *program, uint32_t config, const SfArch *arch)
{
  Network *network = g_new0 (Network, 1);
  *network = (Network){ program,
                        config,
                        sf_arch_info (arch),
                        g_ptr_array_new_with_free_func (transfer_free),
                        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
                        g_ptr_array_new_with_free_func (link_free) };
  return network;
}

void
network_free (Network *network)
{
  g_ptr_array_unref (network->transfers);
  g_hash_table_unref (network->by_hop);
  g_ptr_array_unref (network->links);
  g_free (network);
}

static Link *
link_of (Network *network, SfNetwork kind, const int32_t *hop)
{
  g_autofree char *key = g_strdup_printf ("%d %d %d %d %d", kind, hop[0], hop[1], hop[2], hop[3]);
  Link *link = g_hash_table_lookup (network->by_hop, key);
  if (link != NULL)
    return link;
  link = g_new0 (Link, 1);
  link->network = kind;
  link->branches = g_ptr_array_new ();
  g_ptr_array_add (network->links, link);
  g_hash_table_insert (network->by_hop, g_steal_pointer (&key), link);
  return link;
}

/* ---- the ways of a transfer ---- */

static bool
find_net (const Network *network, uint32_t source, uint32_t sink, uint32_t *net)
{
  for (uint32_t r = 0; r < sf_config_n_routes (network->program, network->config); r++)
    {
      SfRoute route = sf_config_route (network->program, network->config, r);
      if (route.source != source || route.network == SF_NETWORK_CONTROL)
        continue;
      for (size_t s = 0; s < route.n_sinks; s++)
        if (route.sinks[s] == sink)
          {
            *net = r;
            return true;
          }
    }
  return false;
}

/* The hop by which the tree comes to the switch at (x, y), or n_hops. */
static size_t
hop_to (const SfRoute *route, int32_t x, int32_t y)
{
  size_t h = 0;
  while (h < route->n_hops && (route->hops[4 * h + 2] != x || route->hops[4 * h + 3] != y))
    h++;
  return h;
}

static Branch *
add_branch (Queue *from, Queue *to, Link *link, uint32_t net)
{
  Branch branch = { .from = from, .to = to, .link = link, .net = net, .moved_at = -1 };
  Branch *added = g_memdup2 (&branch, sizeof branch);
  g_ptr_array_add (from->branches, added);
  if (link != NULL)
    g_ptr_array_add (link->branches, added);
  return added;
}

/* The queue at (x, y), with all hops that lead there from the source; NULL: the net does not come
 * there. A hop's queue holds fifo_vectors, besides what is on the link. */
static Queue *
queue_at (Network *network, Transfer *transfer, uint32_t net, int32_t x, int32_t y, size_t steps)
{
  SfRoute route = sf_config_route (network->program, network->config, net);
  SfPlace source = sf_config_place (network->program, network->config, route.source);
  if (x == source.x && y == source.y)
    return transfer->source;
  size_t h = hop_to (&route, x, y);
  if (h == route.n_hops || steps > route.n_hops)
    return NULL;
  if (transfer->hops->len < route.n_hops)
    g_ptr_array_set_size (transfer->hops, (gint) route.n_hops);
  Queue *queue = g_ptr_array_index (transfer->hops, h);
  if (queue != NULL)
    return queue;
  const int32_t *hop = &route.hops[4 * h];
  Queue *before = queue_at (network, transfer, net, hop[0], hop[1], steps + 1);
  if (before == NULL)
    return NULL;
  queue = queue_new (network->info.fifo_vectors + network->info.hop_cycles);
  queue->way = before->way + 1;
  g_ptr_array_index (transfer->hops, h) = queue;
  add_branch (before, queue, link_of (network, route.network, hop), net);
  return queue;
}

bool
network_add_transfer (Network *network, uint32_t source, const uint32_t *sinks, size_t n_sinks,
                      uint32_t *transfer)
{
  Transfer *t = g_new0 (Transfer, 1);
  t->source = queue_new (network->info.fifo_vectors);
  t->hops = g_ptr_array_new ();
  t->tap = g_new0 (Branch *, n_sinks + 1);
  *transfer = network->transfers->len;
  g_ptr_array_add (network->transfers, t);
  for (size_t s = 0; s < n_sinks; s++)
    {
      SfPlace place = sf_config_place (network->program, network->config, sinks[s]);
      uint32_t net;
      Queue *queue = find_net (network, source, sinks[s], &net)
                         ? queue_at (network, t, net, place.x, place.y, 0)
                         : NULL;
      if (queue == NULL)
        return false;
      t->tap[s] = add_branch (queue, NULL, NULL, net);
      t->way = MAX (t->way, queue->way);
    }
  return n_sinks > 0;
}

/* ---- at work ---- */

static const Transfer *
transfer_at (const Network *network, uint32_t transfer)
{
  return g_ptr_array_index (network->transfers, transfer);
}

int64_t
network_way (const Network *network, uint32_t transfer)
{
  return transfer_at (network, transfer)->way;
}

bool
network_has_room (const Network *network, uint32_t transfer)
{
  const Queue *source = transfer_at (network, transfer)->source;
  return source->come - source->left < source->capacity;
}

void
network_send (Network *network, uint32_t transfer, int64_t now)
{
  queue_push (transfer_at (network, transfer)->source, now);
}

bool
network_has_arrived (const Network *network, uint32_t transfer, size_t sink, int64_t now)
{
  return branch_is_ready (transfer_at (network, transfer)->tap[sink], now);
}

void
network_take (Network *network, uint32_t transfer, size_t sink, int64_t now)
{
  branch_pass (transfer_at (network, transfer)->tap[sink], now);
}

/* Whether another transfer of the same net has moved over the link in this cycle. */
static bool
net_has_moved (const Link *link, uint32_t net, int64_t now)
{
  for (guint i = 0; i < link->branches->len; i++)
    {
      const Branch *branch = g_ptr_array_index (link->branches, i);
      if (branch->net == net && branch->moved_at == now)
        return true;
    }
  return false;
}

/* Who may move over the link and has waited longest; the one after the last that moved among
 * equals. */
static Branch *
next_to_move (const Link *link, guint *turn, int64_t now)
{
  guint n = link->branches->len, begin = link->turn;
  Branch *first = NULL;
  int64_t since = INT64_MAX;
  for (guint i = 0; i < n; i++)
    {
      Branch *branch = g_ptr_array_index (link->branches, (begin + i) % n);
      const Queue *queue = branch->from;
      if (!branch_is_ready (branch, now) || !queue_has_room (branch->to, now)
          || queue->ready[branch->passed % queue->capacity] >= since
          || net_has_moved (link, branch->net, now))
        continue;
      first = branch;
      since = queue->ready[branch->passed % queue->capacity];
      *turn = (begin + i + 1) % n;
    }
  return first;
}

static void
link_step (const Network *network, Link *link, int64_t now)
{
  for (int64_t i = 0; i < network->info.channels[link->network]; i++)
    {
      guint turn;
      Branch *branch = next_to_move (link, &turn, now);
      if (branch == NULL)
        return;
      queue_push (branch->to, now + network->info.hop_cycles);
      branch_pass (branch, now);
      link->turn = turn;
    }
}

void
network_step (Network *network, int64_t now)
{
  for (guint i = 0; i < network->links->len; i++)
    {
      Link *link = g_ptr_array_index (network->links, i);
      if (link->n_waiting > 0)
        link_step (network, link, now);
    }
}
