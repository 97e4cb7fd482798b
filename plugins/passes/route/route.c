/* SPDX-License-Identifier: Apache-2.0 */
/* Pass route: a tree of switch hops for each net. Dimension order first, columns last; where links
 * overflow, negotiated congestion (PathFinder: McMurchie and Ebeling, FPGA'95), in integers. */
#include <sf/plugin/pass.h>

static const SfOption options_table[] = {
  { .name = "iterations",
    .type = SF_OPTION_INT,
    .def = "300",
    .min = 1,
    .max = 10000,
    .arg = "N",
    .help = "rounds of negotiation before the section is given up" },
  { .name = NULL },
};

#define N_DIRECTIONS 4
#define LINK_COST    16

static const int step_x[N_DIRECTIONS] = { 1, -1, 0, 0 }, step_y[N_DIRECTIONS] = { 0, 0, 1, -1 };

/* A hop: link `direction` out of switch `node`. */
typedef struct
{
  uint32_t node, direction;
} Hop;

typedef struct
{
  uint32_t source;
  uint32_t *sinks;
  size_t n_sinks;
  GArray *hops; /* Hop */
} Net;

typedef struct
{
  int64_t width, rows, flows;
  uint32_t n_nodes;
  int64_t *load, *history; /* per link: node * 4 + direction */
  int64_t *cost;           /* per node, of the search in work */
  int8_t *arrived;         /* per node: direction of the hop that came here; -1 none */
  bool *in_tree;
  GArray *heap; /* Entry */
  int64_t pressure;
} Router;

typedef struct
{
  int64_t cost;
  uint32_t node;
} Entry;

static bool
neighbour (const Router *r, uint32_t node, int direction, uint32_t *out)
{
  int64_t x = node % r->width + step_x[direction], y = node / r->width + step_y[direction];
  if (x < 0 || x >= r->width || y < 0 || y >= r->rows)
    return false;
  *out = (uint32_t) (y * r->width + x);
  return true;
}

static void
take_hop (Router *r, Net *net, uint32_t node, int direction)
{
  Hop hop = { node, (uint32_t) direction };
  g_array_append_val (net->hops, hop);
  r->load[node * N_DIRECTIONS + (uint32_t) direction]++;
}

static void
rip_up (Router *r, Net *net)
{
  for (guint i = 0; i < net->hops->len; i++)
    {
      const Hop *hop = &g_array_index (net->hops, Hop, i);
      r->load[hop->node * N_DIRECTIONS + hop->direction]--;
    }
  g_array_set_size (net->hops, 0);
}

/* ---- dimension order ---- */

static void
walk (Router *r, Net *net, uint32_t *node, int direction, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t next = *node;
      neighbour (r, *node, direction, &next);
      if (!r->in_tree[next])
        {
          take_hop (r, net, *node, direction);
          r->in_tree[next] = true;
        }
      *node = next;
    }
}

/* Along the source's row, then along each sink's column: the paths of a net form a tree. */
static void
route_straight (Router *r, Net *net)
{
  memset (r->in_tree, 0, r->n_nodes * sizeof *r->in_tree);
  r->in_tree[net->source] = true;
  for (size_t i = 0; i < net->n_sinks; i++)
    {
      uint32_t node = net->source, sink = net->sinks[i];
      int64_t dx = (int64_t) (sink % r->width) - node % r->width,
              dy = (int64_t) (sink / r->width) - node / r->width;
      walk (r, net, &node, dx > 0 ? 0 : 1, ABS (dx));
      walk (r, net, &node, dy > 0 ? 2 : 3, ABS (dy));
    }
}

/* ---- search ---- */

static bool
before (const Entry *a, const Entry *b)
{
  return a->cost != b->cost ? a->cost < b->cost : a->node < b->node;
}

static void
push (GArray *heap, int64_t cost, uint32_t node)
{
  Entry entry = { cost, node };
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

/* A link costs its length, what its past overflows have taught, and a surcharge for each net beyond
 * its flows. */
static int64_t
link_cost (const Router *r, uint32_t link)
{
  int64_t over = r->load[link] + 1 - r->flows;
  return LINK_COST + r->history[link] + (over > 0 ? over * r->pressure : 0);
}

/* Cheapest way from the tree to `sink`; arrived[] then leads back. */
static void
search (Router *r, uint32_t sink)
{
  g_array_set_size (r->heap, 0);
  for (uint32_t node = 0; node < r->n_nodes; node++)
    {
      r->cost[node] = r->in_tree[node] ? 0 : INT64_MAX;
      r->arrived[node] = -1;
      if (r->in_tree[node])
        push (r->heap, 0, node);
    }
  while (r->heap->len > 0)
    {
      Entry at = pop (r->heap);
      if (at.node == sink)
        return;
      if (at.cost > r->cost[at.node])
        continue;
      for (int d = 0; d < N_DIRECTIONS; d++)
        {
          uint32_t next;
          if (!neighbour (r, at.node, d, &next))
            continue;
          int64_t cost = at.cost + link_cost (r, at.node * N_DIRECTIONS + (uint32_t) d);
          if (cost < r->cost[next])
            {
              r->cost[next] = cost;
              r->arrived[next] = (int8_t) d;
              push (r->heap, cost, next);
            }
        }
    }
}

static void
route_around (Router *r, Net *net)
{
  memset (r->in_tree, 0, r->n_nodes * sizeof *r->in_tree);
  r->in_tree[net->source] = true;
  g_autoptr (GArray) path = g_array_new (FALSE, FALSE, sizeof (Hop));
  for (size_t i = 0; i < net->n_sinks; i++)
    {
      if (r->in_tree[net->sinks[i]])
        continue;
      search (r, net->sinks[i]);
      g_array_set_size (path, 0);
      for (uint32_t node = net->sinks[i]; !r->in_tree[node];)
        {
          int back = r->arrived[node] ^ 1;
          r->in_tree[node] = true;
          Hop hop = { .direction = (uint32_t) r->arrived[node] };
          neighbour (r, node, back, &node);
          hop.node = node;
          g_array_append_val (path, hop);
        }
      for (guint k = path->len; k-- > 0;)
        {
          const Hop *hop = &g_array_index (path, Hop, k);
          take_hop (r, net, hop->node, (int) hop->direction);
        }
    }
}

/* ---- negotiation ---- */

static int64_t
count_overflow (Router *r)
{
  int64_t overflow = 0;
  for (uint32_t link = 0; link < r->n_nodes * N_DIRECTIONS; link++)
    if (r->load[link] > r->flows)
      {
        overflow += r->load[link] - r->flows;
        r->history[link] += LINK_COST / 2 * (r->load[link] - r->flows);
      }
  return overflow;
}

static bool
crosses_overflow (const Router *r, const Net *net)
{
  for (guint i = 0; i < net->hops->len; i++)
    {
      const Hop *hop = &g_array_index (net->hops, Hop, i);
      if (r->load[hop->node * N_DIRECTIONS + hop->direction] > r->flows)
        return true;
    }
  return false;
}

static int64_t
negotiate (Router *r, Net *nets, size_t n, int64_t iterations)
{
  for (size_t i = 0; i < n; i++)
    route_straight (r, &nets[i]);
  int64_t overflow = count_overflow (r);
  r->pressure = LINK_COST;
  for (int64_t round = 0; round < iterations && overflow > 0; round++)
    {
      for (size_t i = 0; i < n; i++)
        if (crosses_overflow (r, &nets[i]))
          {
            rip_up (r, &nets[i]);
            route_around (r, &nets[i]);
          }
      overflow = count_overflow (r);
      r->pressure = MIN (r->pressure * 2, INT64_C (1) << 20);
    }
  return overflow;
}

/* ---- the pass ---- */

static uint32_t
node_of (const Router *r, const SfProgram *program, uint32_t config, uint32_t place)
{
  SfPlace p = sf_config_place (program, config, place);
  return (uint32_t) (p.y * r->width + p.x + 1);
}

static void
store (const Router *r, SfProgram *program, uint32_t config, const GArray *wanted, const Net *nets)
{
  g_autoptr (GArray) routes = g_array_new (FALSE, FALSE, sizeof (SfRoute));
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < wanted->len; i++)
    {
      SfRoute route = g_array_index (wanted, SfRoute, i);
      int32_t *hops = g_new (int32_t, 4 * nets[i].hops->len + 1);
      for (guint k = 0; k < nets[i].hops->len; k++)
        {
          const Hop *hop = &g_array_index (nets[i].hops, Hop, k);
          int32_t x = (int32_t) (hop->node % r->width) - 1, y = (int32_t) (hop->node / r->width);
          int32_t *h = &hops[4 * k];
          h[0] = x;
          h[1] = y;
          h[2] = x + step_x[hop->direction];
          h[3] = y + step_y[hop->direction];
        }
      g_ptr_array_add (owned, hops);
      route.n_hops = nets[i].hops->len;
      route.hops = hops;
      g_array_append_val (routes, route);
    }
  sf_config_set_routes (program, config, (const SfRoute *) (gpointer) routes->data, routes->len);
}

/* Routes the nets of one network; returns the overflow that is left. */
static int64_t
route_network (Router *r, Net *nets, const GArray *wanted, SfNetwork network, int64_t iterations)
{
  g_autofree Net *chosen = g_new0 (Net, wanted->len + 1);
  size_t n = 0;
  for (guint i = 0; i < wanted->len; i++)
    if (g_array_index (wanted, SfRoute, i).network == network)
      chosen[n++] = nets[i];
  memset (r->load, 0, r->n_nodes * N_DIRECTIONS * sizeof *r->load);
  memset (r->history, 0, r->n_nodes * N_DIRECTIONS * sizeof *r->history);
  return negotiate (r, chosen, n, iterations);
}

static bool
route_networks (Router *r, const SfArchInfo *arch, Net *nets, const GArray *wanted, uint32_t config,
                int64_t iterations, GError **error)
{
  static const char *const names[] = { "vector", "scalar", "control" };
  for (int network = 0; network < SF_N_NETWORKS; network++)
    {
      r->flows = arch->flows[network];
      int64_t overflow = route_network (r, nets, wanted, (SfNetwork) network, iterations);
      if (overflow > 0)
        return sf_fail (
            error, SF_ERROR_NO_RESOURCE,
            "config %u: found %" G_GINT64_FORMAT
            " nets too many on the %s switches, wanted each link within its %" G_GINT64_FORMAT
            " flows; use a lower level or a larger --arch",
            config, overflow, names[network], r->flows);
    }
  return true;
}

static bool
route_config (SfPassContext *context, uint32_t config, int64_t iterations, GError **error)
{
  SfProgram *program = sf_pass_program (context);
  SfArchInfo arch = sf_arch_info (sf_pass_arch (context));
  Router r = { .width = arch.columns + 2, .rows = arch.rows };
  r.n_nodes = (uint32_t) (r.width * r.rows);
  r.load = g_new0 (int64_t, r.n_nodes * N_DIRECTIONS);
  r.history = g_new0 (int64_t, r.n_nodes * N_DIRECTIONS);
  r.cost = g_new0 (int64_t, r.n_nodes);
  r.arrived = g_new0 (int8_t, r.n_nodes);
  r.in_tree = g_new0 (bool, r.n_nodes);
  r.heap = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_autoptr (GArray) wanted = sf_config_nets (program, config);
  Net *nets = g_new0 (Net, wanted->len + 1);
  for (guint i = 0; i < wanted->len; i++)
    {
      const SfRoute *net = &g_array_index (wanted, SfRoute, i);
      nets[i] = (Net){ .source = node_of (&r, program, config, net->source),
                       .sinks = g_new (uint32_t, net->n_sinks + 1),
                       .n_sinks = net->n_sinks,
                       .hops = g_array_new (FALSE, FALSE, sizeof (Hop)) };
      for (size_t k = 0; k < net->n_sinks; k++)
        nets[i].sinks[k] = node_of (&r, program, config, net->sinks[k]);
    }
  bool ok = route_networks (&r, &arch, nets, wanted, config, iterations, error);
  if (ok)
    store (&r, program, config, wanted, nets);
  for (guint i = 0; i < wanted->len; i++)
    {
      g_free (nets[i].sinks);
      g_array_unref (nets[i].hops);
    }
  g_free (nets);
  g_free (r.load);
  g_free (r.history);
  g_free (r.cost);
  g_free (r.arrived);
  g_free (r.in_tree);
  g_array_unref (r.heap);
  return ok;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  for (uint32_t c = 0; c < sf_program_n_configs (sf_pass_program (context)); c++)
    if (!route_config (context, c, sf_option_int (options, "iterations"), error))
      return false;
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "route", "1.0", "find the switch hops of every net"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
