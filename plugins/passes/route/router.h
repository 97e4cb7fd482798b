/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the pass route share: one network of switches and the nets on it. */
#ifndef SF_PASSES_ROUTE_ROUTER_H
#define SF_PASSES_ROUTE_ROUTER_H

#include <sf/plugin/pass.h>
#include <sf/plugin/timing.h>

#define N_DIRECTIONS 4
#define LINK_COST    16 /* of a hop over a link with room */

/* A hop: link `direction` out of switch `node`, and what the net moves over it. */
typedef struct
{
  uint32_t node, direction;
  int64_t load;
} Hop;

typedef struct
{
  uint32_t node, transfer; /* of the net */
  int64_t load;            /* of that transfer */
} Sink;

typedef struct
{
  uint32_t index; /* of sf_config_nets */
  uint32_t source;
  int64_t share; /* cost of a way that hops of another transfer lead to: one waits for the other */
  GArray *sinks; /* Sink */
  GArray *hops;  /* Hop, from the source outwards */
} Net;

/* Directed links are numbered node * 4 + direction. */
typedef struct
{
  int64_t width, rows;
  uint32_t n_nodes;
  int64_t flows;  /* nets that a link takes */
  int64_t budget; /* load that a link takes without holding the section up */

  int64_t *nets, *load; /* per link */
  int64_t *history;     /* per link: what its past overflows have taught */
  int64_t pressure;     /* cost of a net too many */

  /* Of the net in work, by stamp. */
  uint32_t stamp;
  uint32_t *in_tree;   /* per node */
  GArray *tree;        /* uint32_t: nodes */
  int64_t *depth;      /* per node of the tree: hops from the source */
  uint32_t *hop_to;    /* per node of the tree: hop of the net that comes here */
  uint32_t *grown_for; /* per node of the tree: transfer that it was reached for */
  uint32_t growing;    /* transfer that the tree grows for */
  uint32_t *claimed;   /* per node: stamp of the net that has a sink there */
  uint32_t *claim;     /* and its transfer */
  uint32_t *counted;   /* per node of the tree: transfer that was counted here last */

  /* Of the search in work. */
  int64_t *cost;  /* per node */
  uint32_t *seen; /* per node: stamp */
  uint32_t search_stamp;
  uint8_t *arrived; /* per node: direction of the hop that came here */
  GArray *heap;
} Router;

static inline bool
router_neighbour (const Router *r, uint32_t node, uint32_t direction, uint32_t *out)
{
  static const int step_x[N_DIRECTIONS] = { 1, -1, 0, 0 }, step_y[N_DIRECTIONS] = { 0, 0, 1, -1 };
  int64_t x = node % r->width + step_x[direction], y = node / r->width + step_y[direction];
  if (x < 0 || x >= r->width || y < 0 || y >= r->rows)
    return false;
  *out = (uint32_t) (y * r->width + x);
  return true;
}

static inline int64_t
router_distance (const Router *r, uint32_t a, uint32_t b)
{
  return ABS (a % r->width - b % r->width) + ABS (a / r->width - b / r->width);
}

/* A link costs its length, what the past has taught, and a surcharge for what goes beyond its flows
 * or its budget. */
static inline int64_t
router_link_cost (const Router *r, uint32_t link, int64_t load)
{
  int64_t cost = LINK_COST + r->history[link], over = r->nets[link] + 1 - r->flows;
  if (over > 0)
    cost += over * r->pressure;
  if (r->load[link] + load > r->budget)
    cost += MIN (1 + (r->load[link] + load - r->budget) * 4 / r->budget, 16) * LINK_COST;
  return cost;
}

/* Whether hops that lead to the node of the tree are another transfer's. */
static inline bool
router_is_foreign (const Router *r, uint32_t node, uint32_t transfer)
{
  return r->grown_for[node] != transfer && r->grown_for[node] != SF_NONE;
}

/* What it costs beyond the link to come to a node where another transfer of the net has a sink. */
static inline int64_t
router_claim_cost (const Router *r, const Net *net, uint32_t node, uint32_t transfer)
{
  return r->claimed[node] == r->stamp && r->claim[node] != transfer ? net->share : 0;
}

Router *router_new (const SfArchInfo *arch);
void router_free (Router *router);

/* Starts the net's tree anew at its source; takes a hop of the tree to a node that is not in it. */
void router_begin (Router *r, Net *net);
void router_take_hop (Router *r, Net *net, uint32_t node, uint32_t direction);
/* Adds the net to the links that it hops over, with what each transfer moves; takes it off. */
void router_commit (Router *r, Net *net);
void router_rip_up (Router *r, Net *net);

/* Trees along rows and columns, each sink from the nearest point of the tree. */
void router_connect (Router *r, Net *net);
/* Cheapest ways around links that cost more. */
void router_search (Router *r, Net *net);
/* Routes all nets; the number of nets too many on links that is left. */
int64_t router_negotiate (Router *r, Net *nets, size_t n, int64_t iterations);

#endif
