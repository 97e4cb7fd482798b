/* SPDX-License-Identifier: Apache-2.0 */
/* Negotiated congestion (PathFinder: McMurchie and Ebeling, FPGA'95), in integers, on two levels:
 * no link may have more nets than flows; no link should have more to move than its channels can in
 * the time that the section takes. */
#include "router.h"

/* Rounds that may pass without anything better: once all nets fit, and before. */
#define PATIENCE      6
#define LONG_PATIENCE 16

/* Nets whose transfers hold each other up are searched for from the beginning. */
#define BUSY_SHARE (8 * LINK_COST)

typedef struct
{
  int64_t nets; /* too many */
  int64_t load; /* beyond the budgets */
} Excess;

static bool
is_less (Excess a, Excess b)
{
  return a.nets != b.nets ? a.nets < b.nets : a.load < b.load;
}

/* What is too much; links learn from it. */
static Excess
count_excess (Router *r)
{
  Excess sum = { 0, 0 };
  for (uint32_t link = 0; link < r->n_nodes * N_DIRECTIONS; link++)
    {
      int64_t nets = r->nets[link] - r->flows, load = r->load[link] - r->budget;
      if (nets > 0)
        {
          sum.nets += nets;
          r->history[link] += LINK_COST / 2 * nets;
        }
      if (load > 0)
        {
          sum.load += load;
          r->history[link] += LINK_COST / 2;
        }
    }
  return sum;
}

static bool
crosses_excess (const Router *r, const Net *net)
{
  for (guint i = 0; i < net->hops->len; i++)
    {
      const Hop *hop = &g_array_index (net->hops, Hop, i);
      uint32_t link = hop->node * N_DIRECTIONS + hop->direction;
      if (r->nets[link] > r->flows || r->load[link] > r->budget)
        return true;
    }
  return false;
}

/* Hops of all nets, one after the other. */
static void
save (const Net *nets, size_t n, GArray *saved)
{
  g_array_set_size (saved, 0);
  for (size_t i = 0; i < n; i++)
    g_array_append_vals (saved, nets[i].hops->data, nets[i].hops->len);
}

typedef struct
{
  GArray *hops;  /* Hop */
  guint *n_hops; /* per net */
  Excess excess;
} Best;

static void
keep_best (Best *best, const Net *nets, size_t n, Excess excess)
{
  best->excess = excess;
  for (size_t i = 0; i < n; i++)
    best->n_hops[i] = nets[i].hops->len;
  save (nets, n, best->hops);
}

static void
restore_best (Router *r, const Best *best, Net *nets, size_t n)
{
  const Hop *hop = (const Hop *) (gpointer) best->hops->data;
  for (size_t i = 0; i < n; i++)
    {
      router_rip_up (r, &nets[i]);
      for (guint h = 0; h < best->n_hops[i]; h++, hop++)
        {
          uint32_t link = hop->node * N_DIRECTIONS + hop->direction;
          g_array_append_val (nets[i].hops, *hop);
          r->nets[link]++;
          r->load[link] += hop->load;
        }
    }
}

static void
improve (Router *r, Net *nets, size_t n, int64_t iterations, Best *best)
{
  Excess excess = best->excess;
  int64_t stale = 0;
  for (int64_t round = 0; round < iterations && (excess.nets > 0 || excess.load > 0); round++)
    {
      for (size_t i = 0; i < n; i++)
        if (crosses_excess (r, &nets[i]))
          {
            router_rip_up (r, &nets[i]);
            router_search (r, &nets[i]);
          }
      excess = count_excess (r);
      stale = is_less (excess, best->excess) ? 0 : stale + 1;
      if (stale == 0)
        keep_best (best, nets, n, excess);
      if (stale >= (best->excess.nets == 0 ? PATIENCE : LONG_PATIENCE))
        break;
      r->pressure = MIN (r->pressure * 2, INT64_C (1) << 20);
    }
}

int64_t
router_negotiate (Router *r, Net *nets, size_t n, int64_t iterations)
{
  for (size_t i = 0; i < n; i++)
    if (nets[i].share >= BUSY_SHARE)
      router_search (r, &nets[i]);
    else
      router_connect (r, &nets[i]);
  Best best = { .excess = count_excess (r) };
  if (best.excess.nets == 0 && best.excess.load == 0)
    return 0;
  best.hops = g_array_new (FALSE, FALSE, sizeof (Hop));
  best.n_hops = g_new0 (guint, n + 1);
  keep_best (&best, nets, n, best.excess);
  improve (r, nets, n, iterations, &best);
  restore_best (r, &best, nets, n);
  g_array_unref (best.hops);
  g_free (best.n_hops);
  return best.excess.nets;
}
