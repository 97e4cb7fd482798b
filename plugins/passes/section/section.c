/* SPDX-License-Identifier: Apache-2.0 */
/* Pass section: cuts the ordered groups into sections that fit an RDU tile, by a search for the
 * least emulated time or greedily. */
#include "chain.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static const char *const phase_names[SF_N_PHASES] = { "fwd", "bwd", "opt" };

static const SfOption options_table[] = {
  { .name = "method",
    .type = SF_OPTION_CHOICE,
    .def = "greedy",
    .choices = "greedy|search",
    .help = "as many stages as fit one after the other, or a search for the least emulated time" },
  { .name = "max-groups",
    .type = SF_OPTION_INT,
    .def = "8",
    .min = 1,
    .max = 1e9,
    .arg = "N",
    .help = "most stages of a section" },
  { .name = NULL },
};

/* Places from `first` on that may share a section: one phase, no host node. */
static int32_t
chain_length (const Groups *g, int32_t first)
{
  const Group *head = sf_section_group_at (g, first);
  int32_t n = 1;
  if (head->on_host)
    return 1;
  while (first + n < (int32_t) g->order->len && !sf_section_group_at (g, first + n)->on_host
         && sf_section_group_at (g, first + n)->phase == head->phase)
    n++;
  return n;
}

/* ---- greedy ---- */

/* The longest run from `first` that fits: doubled while it does, then halved in on. */
static bool
longest_run (Groups *g, int32_t first, int32_t most, int32_t *out, GError **error)
{
  int32_t good = 1, bad = most + 1;
  for (int32_t n = MIN (2, most); good < most && bad > good + 1;)
    {
      int64_t cycles;
      if (!sf_section_price (g, first, n, &cycles, error))
        return false;
      if (cycles == DOES_NOT_FIT)
        bad = n;
      else
        good = n;
      n = bad > most ? MIN (2 * good, most) : (good + bad) / 2;
    }
  *out = good;
  return true;
}

static bool
cut_greedily (Groups *g, int32_t first, int32_t n, GArray *cuts, GError **error)
{
  for (int32_t at = first; at < first + n;)
    {
      int32_t length;
      if (!longest_run (g, at, MIN (g->most, first + n - at), &length, error))
        return false;
      g_array_append_val (cuts, length);
      at += length;
    }
  return true;
}

/* ---- search ---- */

/* Searches every order of the chain and keeps the best. */
static bool
cut_by_search (Groups *g, int32_t first, int32_t n, GArray *cuts, GError **error)
{
  g_autoptr (GPtrArray) orders = sf_section_orders (g, first, n);
  g_autoptr (GArray) best = NULL;
  int64_t least = G_MAXINT64;
  guint chosen = 0, tried = 0;
  size_t before = g->n_laid_out;
  for (guint i = 0; i < orders->len; i++)
    {
      if (orders->pdata[i] == NULL)
        continue;
      const GArray *order = orders->pdata[i];
      g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (int32_t));
      int64_t cycles = 0;
      sf_section_reorder (g, first, &AT (order, int32_t, 0), n);
      g_autoptr (Chain) chain = sf_section_chain_new (g, first, n);
      if (!sf_section_search (chain, least, found, &cycles, error))
        return false;
      tried++;
      if (cycles >= least)
        continue;
      least = cycles;
      chosen = i;
      g_clear_pointer (&best, g_array_unref);
      best = g_steal_pointer (&found);
    }
  sf_section_reorder (g, first, &AT ((GArray *) orders->pdata[chosen], int32_t, 0), n);
  g_array_append_vals (cuts, best->data, best->len);
  sf_pass_note (g->context,
                "%s %s: %d stages in %u sections, %" G_GINT64_FORMAT
                " cycles estimated; %s of %u orders, %zu sections laid out",
                sf_graph_name (g->graph), phase_names[sf_section_group_at (g, first)->phase], n,
                best->len, least, sf_section_order_name (chosen), tried, g->n_laid_out - before);
  return true;
}

/* ---- the pass ---- */

/* Numbers the sections: `cuts` has their lengths, from the first place on. */
static void
number_sections (Groups *g, const GArray *cuts)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (g->graph); node++)
    sf_node_set_section (g->graph, node, -1);
  int32_t place = 0;
  for (guint s = 0; s < cuts->len; s++)
    for (int32_t i = 0; i < AT (cuts, int32_t, s); i++, place++)
      {
        const GArray *nodes = sf_section_group_at (g, place)->nodes;
        for (guint k = 0; k < nodes->len; k++)
          sf_node_set_section (g->graph, AT (nodes, SfNode, k), (int32_t) s);
      }
  sf_pass_note (g->context, "%s: %u stages in %u sections", sf_graph_name (g->graph), g->order->len,
                cuts->len);
}

static bool
cut_graph (Groups *g, bool search, GError **error)
{
  g_autoptr (GArray) cuts = g_array_new (FALSE, FALSE, sizeof (int32_t));
  if (!sf_section_make_fit (g, search, error))
    return false;
  for (int32_t first = 0, n; first < (int32_t) g->order->len; first += n)
    {
      n = chain_length (g, first);
      if (n == 1)
        g_array_append_val (cuts, n);
      else if (!(search ? cut_by_search : cut_greedily) (g, first, n, cuts, error))
        return false;
    }
  number_sections (g, cuts);
  return true;
}

static int64_t
fill_of (SfPassContext *context)
{
  const char *fill = sf_pass_fact (context, "fill");
  return fill != NULL ? g_ascii_strtoll (fill, NULL, 10) : 100;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  bool search = g_str_equal (sf_option_string (options, "method"), "search");
  g_autoptr (GHashTable) prices = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                                         (GDestroyNotify) g_bytes_unref, g_free);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      SfGraph *graph = sf_module_graph (module, sf_module_entry (module, i));
      g_autoptr (Groups) g = sf_section_groups_new (context, graph, fill_of (context), prices);
      g->most = (int32_t) MIN (sf_option_int (options, "max-groups"), INT32_MAX / 2);
      if (!cut_graph (g, search, error))
        return false;
    }
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "section", "1.0",
                  "cut the stages into sections that fit an RDU tile"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
