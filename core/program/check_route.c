/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of routes: every net has one, each is a tree of hops between neighbouring switches from
 * its source to all sinks, and no link carries more nets than it has flows for. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Switches stand at columns -1 .. columns and rows 0 .. rows - 1; a link leaves each of them in
 * four directions. */
typedef struct
{
  const SfCheck *check;
  SfArchInfo info;
  const GArray *places;
  uint32_t *reached;            /* per switch: 1 + the route that reached it last */
  int64_t *load[SF_N_NETWORKS]; /* per switch and direction */
} RouteCheck;

static const char *const network_names[] = { "vector", "scalar", "control" };

static bool
is_switch (const RouteCheck *c, int64_t x, int64_t y)
{
  return x >= -1 && x <= c->info.columns && y >= 0 && y < c->info.rows;
}

static size_t
switch_index (const RouteCheck *c, int64_t x, int64_t y)
{
  return (size_t) (y * (c->info.columns + 2) + x + 1);
}

static size_t
place_switch (const RouteCheck *c, uint32_t place)
{
  const SfPlace *p = &AT (c->places, SfPlace, place);
  return switch_index (c, p->x, p->y);
}

static bool
check_hop (RouteCheck *c, uint32_t index, const SfRoute *route, size_t hop)
{
  const int32_t *h = &route->hops[4 * hop];
  int64_t x0 = h[0], y0 = h[1], x1 = h[2], y1 = h[3];
  if (!is_switch (c, x0, y0) || !is_switch (c, x1, y1) || ABS (x1 - x0) + ABS (y1 - y0) != 1)
    return sf_check_fail (c->check, "route", index,
                          "hop %zu goes from (%d, %d) to (%d, %d), wanted neighbouring switches; "
                          "route anew",
                          hop, h[0], h[1], h[2], h[3]);
  uint32_t mark = index + 1;
  if (c->reached[switch_index (c, x0, y0)] != mark)
    return sf_check_fail (c->check, "route", index,
                          "hop %zu starts at (%d, %d), which the route has not reached; route anew",
                          hop, h[0], h[1]);
  if (c->reached[switch_index (c, x1, y1)] == mark)
    return sf_check_fail (c->check, "route", index,
                          "hop %zu comes to (%d, %d) a second time, wanted a tree; route anew", hop,
                          h[2], h[3]);
  c->reached[switch_index (c, x1, y1)] = mark;
  size_t direction = x1 > x0 ? 0 : x1 < x0 ? 1 : y1 > y0 ? 2 : 3;
  int64_t load = ++c->load[route->network][4 * switch_index (c, x0, y0) + direction];
  if (load > c->info.flows[route->network])
    return sf_check_fail (c->check, "route", index,
                          "%" PRId64 " nets cross the %s link from (%d, %d) to (%d, %d), wanted at "
                          "most %" PRId64 "; route anew",
                          load, network_names[route->network], h[0], h[1], h[2], h[3],
                          c->info.flows[route->network]);
  return true;
}

static bool
check_route (RouteCheck *c, uint32_t index, const SfRoute *route)
{
  c->reached[place_switch (c, route->source)] = index + 1;
  for (size_t i = 0; i < route->n_hops; i++)
    if (!check_hop (c, index, route, i))
      return false;
  for (size_t i = 0; i < route->n_sinks; i++)
    {
      const SfPlace *p = &AT (c->places, SfPlace, route->sinks[i]);
      if (c->reached[place_switch (c, route->sinks[i])] != index + 1)
        return sf_check_fail (c->check, "route", index,
                              "does not reach its sink at (%d, %d), wanted all sinks connected; "
                              "route anew",
                              p->x, p->y);
    }
  return true;
}

static bool
check_ids (const RouteCheck *c, uint32_t index, const SfRoute *route)
{
  bool sound = (unsigned) route->network < SF_N_NETWORKS && route->source < c->places->len;
  for (size_t i = 0; i < route->n_sinks && sound; i++)
    sound = route->sinks[i] < c->places->len;
  if (!sound)
    return sf_check_fail (c->check, "route", index,
                          "names a network or a place that does not exist; route anew");
  return true;
}

bool
sf_check_routes (const SfCheck *check, const SfArch *arch)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  RouteCheck c = { .check = check, .info = sf_arch_info (arch), .places = config->places };
  size_t n = (size_t) (c.info.rows * (c.info.columns + 2));
  c.reached = g_new0 (uint32_t, n);
  for (int i = 0; i < SF_N_NETWORKS; i++)
    c.load[i] = g_new0 (int64_t, 4 * n);
  bool ok = true;
  for (guint i = 0; i < config->routes->len && ok; i++)
    ok = check_ids (&c, i, &AT (config->routes, SfRoute, i));
  ok = ok && sf_check_nets (check);
  for (guint i = 0; i < config->routes->len && ok; i++)
    ok = check_route (&c, i, &AT (config->routes, SfRoute, i));
  g_free (c.reached);
  for (int i = 0; i < SF_N_NETWORKS; i++)
    g_free (c.load[i]);
  return ok;
}
