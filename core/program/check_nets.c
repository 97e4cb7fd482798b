/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that routes join what has to be joined: the definition of docs/program.md as a list of
 * connections from unit to unit, held against what the routes say they do. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* One unit feeds another over a network. */
typedef struct
{
  uint32_t network, source, sink;
  uint32_t route; /* that says so; SF_NONE of those wanted */
} Connection;

typedef struct
{
  const SfCheck *check;
  const SfConfigStore *config;
  GArray **units;  /* per kind and owner: place indices in order */
  size_t first[4]; /* of each kind in `units` */
  GArray *wanted;  /* Connection */
} NetCheck;

static const char *const network_names[] = { "vector", "scalar", "control" };

static GArray *
units_of (const NetCheck *c, SfUnitKind kind, uint32_t owner)
{
  return c->units[c->first[kind] + owner];
}

static void
collect_units (NetCheck *c)
{
  c->first[SF_UNIT_PCU] = 0;
  c->first[SF_UNIT_PMU] = c->config->stages->len;
  c->first[SF_UNIT_AGCU] = c->first[SF_UNIT_PMU] + c->config->buffers->len;
  c->first[SF_UNIT_NONE] = c->first[SF_UNIT_AGCU] + c->config->streams->len;
  c->units = g_new0 (GArray *, c->first[SF_UNIT_NONE] + 1);
  for (size_t i = 0; i < c->first[SF_UNIT_NONE]; i++)
    c->units[i] = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (uint32_t i = 0; i < c->config->places->len; i++)
    {
      const SfPlace *p = &AT (c->config->places, SfPlace, i);
      g_array_append_val (units_of (c, p->kind, p->owner), i);
    }
}

static void
want (NetCheck *c, SfNetwork network, const GArray *from, guint i, const GArray *to, guint j)
{
  Connection connection = { network, AT (from, uint32_t, i), AT (to, uint32_t, j), SF_NONE };
  g_array_append_val (c->wanted, connection);
}

/* All of the longer side are joined, each to the unit that has the same share of the shorter. */
static void
want_shares (NetCheck *c, SfNetwork network, const GArray *from, const GArray *to)
{
  uint64_t n = from->len, m = to->len;
  for (uint64_t k = 0; n > 0 && m > 0 && k < MAX (n, m); k++)
    want (c, network, from, (guint) (n > m ? k : k * n / m), to, (guint) (n > m ? k * m / n : k));
}

/* What a writer and a reader of `buffer` need: data forward, credits back. */
static void
want_path (NetCheck *c, uint32_t buffer, const GArray *writer, const GArray *reader)
{
  bool scalar = AT (c->config->buffers, SfBuffer, buffer).token_elems == 1;
  SfNetwork network = scalar ? SF_NETWORK_SCALAR : SF_NETWORK_VECTOR;
  const GArray *memory = units_of (c, SF_UNIT_PMU, buffer);
  if (writer != NULL)
    want_shares (c, network, writer, memory);
  if (reader != NULL)
    want_shares (c, network, memory, reader);
  if (writer != NULL && reader != NULL && writer->len > 0 && reader->len > 0)
    want (c, SF_NETWORK_CONTROL, reader, 0, writer, 0);
}

static void
find_writers (const NetCheck *c, const GArray **writer)
{
  for (uint32_t s = 0; s < c->config->stages->len; s++)
    {
      const SfStage *stage = &AT (c->config->stages, SfStage, s);
      for (size_t i = 0; i < stage->n_operands; i++)
        if (stage->operands[i].kind == SF_OPERAND_OUT)
          writer[stage->operands[i].buffer] = units_of (c, SF_UNIT_PCU, s);
    }
  for (uint32_t t = 0; t < c->config->streams->len; t++)
    if (!AT (c->config->streams, SfStream, t).out)
      writer[AT (c->config->streams, SfStream, t).buffer] = units_of (c, SF_UNIT_AGCU, t);
}

/* Every reader of every buffer; buffers that nobody reads still have their writer. */
static void
collect_wanted (NetCheck *c)
{
  g_autofree const GArray **writer = g_new0 (const GArray *, c->config->buffers->len + 1);
  find_writers (c, writer);
  for (uint32_t b = 0; b < c->config->buffers->len; b++)
    want_path (c, b, writer[b], NULL);
  for (uint32_t s = 0; s < c->config->stages->len; s++)
    {
      const SfStage *stage = &AT (c->config->stages, SfStage, s);
      for (size_t i = 0; i < stage->n_operands; i++)
        if (stage->operands[i].kind == SF_OPERAND_IN)
          want_path (c, stage->operands[i].buffer, writer[stage->operands[i].buffer],
                     units_of (c, SF_UNIT_PCU, s));
    }
  for (uint32_t t = 0; t < c->config->streams->len; t++)
    {
      const SfStream *stream = &AT (c->config->streams, SfStream, t);
      if (stream->out)
        want_path (c, stream->buffer, writer[stream->buffer], units_of (c, SF_UNIT_AGCU, t));
    }
}

static int
compare_connections (const void *a, const void *b)
{
  const Connection *x = a, *y = b;
  if (x->source != y->source)
    return x->source < y->source ? -1 : 1;
  if (x->network != y->network)
    return x->network < y->network ? -1 : 1;
  return x->sink < y->sink ? -1 : x->sink > y->sink;
}

/* Sorted; of equal ones the first stays. */
static void
sort_once (GArray *connections)
{
  g_array_sort (connections, compare_connections);
  guint n = 0;
  for (guint i = 0; i < connections->len; i++)
    if (n == 0
        || compare_connections (&AT (connections, Connection, n - 1),
                                &AT (connections, Connection, i))
               != 0)
      AT (connections, Connection, n++) = AT (connections, Connection, i);
  g_array_set_size (connections, n);
}

static bool
fail_missing (const NetCheck *c, const Connection *missing)
{
  const SfPlace *from = &AT (c->config->places, SfPlace, missing->source),
                *to = &AT (c->config->places, SfPlace, missing->sink);
  return sf_check_fail (c->check, "place", missing->source,
                        "no %s route leads from (%d, %d) to place %u at (%d, %d), wanted one; "
                        "route anew",
                        network_names[missing->network], from->x, from->y, missing->sink, to->x,
                        to->y);
}

static bool
fail_foreign (const NetCheck *c, const Connection *foreign)
{
  const SfPlace *to = &AT (c->config->places, SfPlace, foreign->sink);
  return sf_check_fail (c->check, "route", foreign->route,
                        "has place %u at (%d, %d) as a sink, which does not read what place %u "
                        "sends; route anew",
                        foreign->sink, to->x, to->y, foreign->source);
}

/* Both sorted. */
static bool
compare_sets (const NetCheck *c, const GArray *found)
{
  for (guint i = 0; i < c->wanted->len || i < found->len; i++)
    {
      int order = i == c->wanted->len ? 1
                  : i == found->len   ? -1
                                      : compare_connections (&AT (c->wanted, Connection, i),
                                                             &AT (found, Connection, i));
      if (order < 0)
        return fail_missing (c, &AT (c->wanted, Connection, i));
      if (order > 0)
        return fail_foreign (c, &AT (found, Connection, i));
    }
  return true;
}

/* Sinks of all routes; a place has one route for each network. */
static bool
collect_found (const NetCheck *c, GArray *found)
{
  g_autofree uint32_t *by_source = g_new (uint32_t, c->config->places->len * SF_N_NETWORKS + 1);
  for (guint i = 0; i < c->config->places->len * SF_N_NETWORKS; i++)
    by_source[i] = SF_NONE;
  for (uint32_t i = 0; i < c->config->routes->len; i++)
    {
      const SfRoute *route = &AT (c->config->routes, SfRoute, i);
      uint32_t *other = &by_source[route->source * SF_N_NETWORKS + route->network];
      if (*other != SF_NONE)
        return sf_check_fail (c->check, "route", i,
                              "starts at place %u on the %s network as route %u does, wanted one "
                              "net; route anew",
                              route->source, network_names[route->network], *other);
      *other = i;
      if (route->n_sinks == 0)
        return sf_check_fail (c->check, "route", i, "has no sink, wanted one or more; route anew");
      for (size_t k = 0; k < route->n_sinks; k++)
        {
          Connection connection = { route->network, route->source, route->sinks[k], i };
          g_array_append_val (found, connection);
        }
    }
  g_array_sort (found, compare_connections);
  return true;
}

bool
sf_check_nets (const SfCheck *check)
{
  g_autoptr (GArray) wanted = g_array_new (FALSE, TRUE, sizeof (Connection));
  g_autoptr (GArray) found = g_array_new (FALSE, TRUE, sizeof (Connection));
  NetCheck c = { .check = check,
                 .config = sf_program_config (check->program, check->config),
                 .wanted = wanted };
  collect_units (&c);
  collect_wanted (&c);
  sort_once (wanted);
  bool ok = collect_found (&c, found) && compare_sets (&c, found);
  for (size_t i = 0; i < c.first[SF_UNIT_NONE]; i++)
    g_array_unref (c.units[i]);
  g_free (c.units);
  return ok;
}
