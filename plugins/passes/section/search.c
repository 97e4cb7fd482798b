/* SPDX-License-Identifier: Apache-2.0 */
/* The search: dynamic programming over the cuts of a chain. Sections are priced lazily (after
 * Dellin and Srinivasa, LazySP, ICAPS'16): at first each is taken for a bound that costs next to
 * nothing; of the best cuts those sections that are not known are laid out, until all of them are.
 */
#include <sf/plugin/timing.h>

#include "chain.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

#define NEVER G_MAXINT64
/* Places that are cut at a time, and sections of these that are laid out at most. */
#define LONGEST_PART 256
#define LEAST_PART   128
#define LAID_OUT     64
#define SHORT_LENGTH 8
/* The search ends when what is known is so many percent above what may still be found. */
#define GAP 2

/* One section that begins at a place. */
typedef struct
{
  int64_t cycles; /* NEVER: it cannot be */
  bool exact;
  bool apart; /* what repeats after it is not the same config */
} Edge;

/* Part of a chain: places first .. first+n-1 of it. */
typedef struct
{
  Chain *chain;
  Groups *groups;
  int32_t first, n, window;
  int64_t load, pcus, pmus, clock_hz, bytes_per_s;
  Edge *edge;             /* [place][length - 1] */
  int32_t *repeat;        /* [place][length - 1]: how often its kinds follow one another */
  int64_t *best;          /* per place: least cycles of what is before it */
  int32_t *from, *length; /* of the last step to it, which may be several equal sections */
} Part;

static Edge *
edge_at (const Part *p, int32_t place, int32_t length)
{
  return &p->edge[(size_t) place * (size_t) p->window + (size_t) length - 1];
}

static int32_t *
repeat_at (const Part *p, int32_t place, int32_t length)
{
  return &p->repeat[(size_t) place * (size_t) p->window + (size_t) length - 1];
}

/* ---- bounds ---- */

/* A tensor in the section that grows. */
typedef struct
{
  int32_t begin; /* 1 + where the section begins that this is about */
  int32_t level; /* of its maker, or of its first reader when it comes from memory */
  bool whole;    /* made in one piece */
  bool held;     /* all of it lies in PMUs at once */
} Held;

/* What a section takes at least, while it grows by one place after the other. Groups have levels:
 * one that needs a tensor in one piece stands a level above the maker, for it begins when the maker
 * has ended; what passes from a level to another is held until then. */
typedef struct
{
  int64_t bytes, streams, pmus; /* so far */
  int64_t work, slowest, deepest;
  int64_t *gone_bytes, *gone_streams; /* per place: of what nobody reads after it */
  int64_t *depth;                     /* per place: cycles until its first token */
  Held *held;                         /* per tensor */
} Bound;

static void
hold (const Part *p, Bound *b, uint32_t t)
{
  int64_t bytes = AT (p->chain->tensor, ChainTensor, t).bytes;
  if (!b->held[t].held)
    b->pmus += (bytes + p->groups->limits.pmu_bytes - 1) / p->groups->limits.pmu_bytes - 1;
  b->held[t].held = true;
}

static void
enter (const Part *p, Bound *b, uint32_t t, Held held)
{
  b->held[t] = held;
  b->bytes += AT (p->chain->tensor, ChainTensor, t).bytes;
  b->streams++;
  b->pmus++;
}

static int32_t
level_of (const Part *p, const Bound *b, int32_t begin, int32_t place)
{
  int32_t level = 0;
  const GArray *in = p->chain->in[place];
  for (guint k = 0; k < in->len; k++)
    {
      const ChainUse *use = &AT (in, ChainUse, k);
      const Held *held = &b->held[use->tensor];
      if (AT (p->chain->tensor, ChainTensor, use->tensor).maker >= begin)
        level = MAX (level, held->level + (use->whole || held->whole));
    }
  return level;
}

static void
add_reads (const Part *p, Bound *b, int32_t begin, int32_t place, int32_t level)
{
  for (guint k = 0; k < p->chain->in[place]->len; k++)
    {
      const ChainUse *use = &AT (p->chain->in[place], ChainUse, k);
      const ChainTensor *tensor = &AT (p->chain->tensor, ChainTensor, use->tensor);
      if (tensor->maker < begin && b->held[use->tensor].begin != begin + 1)
        enter (p, b, use->tensor, (Held){ .begin = begin + 1, .level = level });
      if (use->whole || b->held[use->tensor].level != level)
        hold (p, b, use->tensor);
    }
}

static void
add_writes (const Part *p, Bound *b, int32_t begin, int32_t place, int32_t level)
{
  for (guint k = 0; k < p->chain->out[place]->len; k++)
    {
      const ChainUse *use = &AT (p->chain->out[place], ChainUse, k);
      const ChainTensor *tensor = &AT (p->chain->tensor, ChainTensor, use->tensor);
      enter (p, b, use->tensor, (Held){ .begin = begin + 1, .level = level, .whole = use->whole });
      if (use->whole)
        hold (p, b, use->tensor);
      if (tensor->last < p->first + p->n)
        {
          b->gone_bytes[tensor->last - p->first] += tensor->bytes;
          b->gone_streams[tensor->last - p->first]++;
        }
    }
  b->bytes -= b->gone_bytes[place - p->first];
  b->streams -= b->gone_streams[place - p->first];
}

static void
add_work (const Part *p, Bound *b, int32_t begin, int32_t place)
{
  const SfLowerWork *work = &sf_section_group_at (p->groups, p->chain->first + place)->work;
  int64_t depth = 0;
  for (guint k = 0; k < p->chain->makers[place]->len; k++)
    {
      int32_t maker = AT (p->chain->makers[place], int32_t, k);
      if (maker >= begin)
        depth = MAX (depth, b->depth[maker - p->first]);
    }
  b->depth[place - p->first] = depth + work->token_cycles;
  b->deepest = MAX (b->deepest, depth + work->token_cycles);
  b->work += work->pcu_cycles;
  b->slowest = MAX (b->slowest, work->token_cycles * work->iterations);
}

static int64_t
bound_cycles (const Part *p, const Bound *b)
{
  int64_t memory = (int64_t) ((double) b->bytes * (double) p->clock_hz / (double) p->bytes_per_s);
  int64_t pace = MAX (b->work / p->pcus, b->slowest);
  return MAX (memory, pace) + b->deepest;
}

static void
bound_from (Part *p, Bound *b, int32_t begin)
{
  memset (b->gone_bytes, 0, sizeof *b->gone_bytes * (size_t) p->n);
  memset (b->gone_streams, 0, sizeof *b->gone_streams * (size_t) p->n);
  b->bytes = b->streams = b->pmus = b->work = b->slowest = b->deepest = 0;
  for (int32_t length = 1; length <= MIN (p->window, p->first + p->n - begin); length++)
    {
      int32_t place = begin + length - 1, level = level_of (p, b, begin, place);
      add_reads (p, b, begin, place, level);
      add_writes (p, b, begin, place, level);
      add_work (p, b, begin, place);
      if (length > 1 && b->pmus > p->pmus)
        return;
      if (length == 1
          || (b->streams <= p->groups->limits.agcus
              && sf_section_allowed (p->chain, begin, begin + length)))
        edge_at (p, begin - p->first, length)->cycles = bound_cycles (p, b);
    }
}

static void
bound_all (Part *p)
{
  size_t n = (size_t) p->n + 1;
  g_autofree int64_t *gone_bytes = g_new (int64_t, n);
  g_autofree int64_t *gone_streams = g_new (int64_t, n);
  g_autofree int64_t *depth = g_new0 (int64_t, n);
  g_autofree Held *held = g_new0 (Held, p->chain->tensor->len + 1);
  Bound b
      = { .gone_bytes = gone_bytes, .gone_streams = gone_streams, .depth = depth, .held = held };
  for (int32_t i = 0; i < p->n; i++)
    bound_from (p, &b, p->first + i);
}

/* How often a stretch is followed by one of the same kinds. */
static void
count_repeats (Part *p)
{
  g_autofree uint32_t *kind = g_new (uint32_t, p->n + 1);
  for (int32_t i = 0; i < p->n; i++)
    kind[i] = sf_section_group_at (p->groups, p->chain->first + p->first + i)->kind;
  for (int32_t length = 1; length <= p->window; length++)
    for (int32_t i = p->n - 1, run = 0; i >= 0; i--)
      {
        run = i + length < p->n && kind[i] == kind[i + length] ? run + 1 : 0;
        *repeat_at (p, i, length) = run / length + 1;
      }
}

/* ---- cuts ---- */

/* Least cycles to every place; `exact`: with sections that are known only. Equal sections that
 * follow one another are loaded once. */
static void
find_cuts (Part *p, bool exact)
{
  for (int32_t i = 1; i <= p->n; i++)
    p->best[i] = NEVER;
  p->best[0] = 0;
  for (int32_t i = 0; i < p->n; i++)
    for (int32_t length = 1; p->best[i] != NEVER && length <= MIN (p->window, p->n - i); length++)
      {
        const Edge *e = edge_at (p, i, length);
        if (e->cycles == NEVER || (exact && !e->exact))
          continue;
        int64_t cycles = p->best[i] + p->load;
        int32_t times = e->apart ? 1 : *repeat_at (p, i, length);
        for (int32_t k = 1; k <= times; k++)
          {
            int32_t to = i + k * length;
            cycles += e->cycles;
            if (cycles >= p->best[to])
              continue;
            p->best[to] = cycles;
            p->from[to] = i;
            p->length[to] = length;
          }
      }
}

/* The section does not fit: nor does any that holds it. */
static void
rule_out (Part *p, int32_t place, int32_t length)
{
  for (int32_t i = 0; i <= place; i++)
    for (int32_t n = place + length - i; n <= MIN (p->window, p->n - i); n++)
      if (n > 1 && !edge_at (p, i, n)->exact)
        edge_at (p, i, n)->cycles = NEVER;
}

static bool
price_edge (Part *p, int32_t place, int32_t length, GError **error)
{
  Edge *e = edge_at (p, place, length);
  int64_t cycles;
  if (e->exact || e->cycles == NEVER)
    return true;
  if (!sf_section_price (p->groups, p->chain->first + p->first + place, length, &cycles, error))
    return false;
  if (cycles == DOES_NOT_FIT)
    {
      rule_out (p, place, length);
      return true;
    }
  e->cycles = cycles;
  e->exact = true;
  return true;
}

/* Prices a section and, when it is too large, finds by halving how long it may be. */
static bool
price_or_shrink (Part *p, int32_t place, int32_t length, GError **error)
{
  if (!price_edge (p, place, length, error))
    return false;
  for (int32_t good = 1, bad = length;
       edge_at (p, place, length)->cycles == NEVER && bad > good + 1;)
    {
      int32_t middle = (good + bad) / 2;
      if (!price_edge (p, place, middle, error))
        return false;
      if (edge_at (p, place, middle)->exact)
        good = middle;
      else
        bad = middle;
    }
  return true;
}

/* Prices what the best cuts hold and is not known; `*known`: there was nothing. */
static bool
price_cuts (Part *p, bool *known, GError **error)
{
  *known = true;
  for (int32_t to = p->n; to > 0; to = p->from[to])
    {
      int32_t place = p->from[to], length = p->length[to];
      Edge *e = edge_at (p, place, length);
      if (!e->exact)
        {
          *known = false;
          if (!price_or_shrink (p, place, length, error))
            return false;
        }
      int32_t base = p->chain->first + p->first + place;
      for (int32_t at = place + length; at < to && !e->apart; at += length)
        if (!sf_section_same (p->groups, base, base + at - place, length))
          {
            e->apart = true;
            *known = false;
          }
    }
  return true;
}

static bool
price_single (Part *p, GError **error)
{
  for (int32_t i = 0; i < p->n; i++)
    if (!price_edge (p, i, 1, error))
      return false;
  return true;
}

/* Least cycles with sections that are known. */
static int64_t
known_cycles (Part *p)
{
  find_cuts (p, true);
  return p->best[p->n];
}

/* Prices sections until the best cuts are known, or cannot be much better than those that are, or
 * not as good as `cutoff`. */
static bool
refine (Part *p, int64_t cutoff, GError **error)
{
  size_t before = p->groups->n_laid_out;
  for (bool known = false; !known && p->groups->n_laid_out - before < LAID_OUT;)
    {
      int64_t limit = MIN (known_cycles (p), cutoff);
      find_cuts (p, false);
      if (p->best[p->n] / 100 * (100 + GAP) >= limit)
        return true;
      if (!price_cuts (p, &known, error))
        return false;
    }
  return true;
}

/* A beginning: sections of a few places each, as many as fit. */
static bool
price_short (Part *p, GError **error)
{
  for (int32_t i = 0, length; i < p->n; i += length)
    {
      length = MIN (MIN (SHORT_LENGTH, p->window), p->n - i);
      for (; length > 1 && !edge_at (p, i, length)->exact; length--)
        if (edge_at (p, i, length)->cycles != NEVER)
          {
            if (!price_edge (p, i, length, error))
              return false;
            if (edge_at (p, i, length)->exact)
              break;
          }
    }
  return true;
}

static bool
cut_part (Part *p, GArray *cuts, int64_t *cycles, int64_t cutoff, GError **error)
{
  bound_all (p);
  count_repeats (p);
  if (!price_single (p, error) || !price_short (p, error) || !refine (p, cutoff, error))
    return false;
  *cycles += known_cycles (p);
  guint at = cuts->len;
  for (int32_t to = p->n; to > 0; to = p->from[to])
    for (int32_t end = to; end > p->from[to]; end -= p->length[to])
      g_array_insert_val (cuts, at, p->length[to]);
  return true;
}

/* ---- parts ---- */

static int64_t
share (int64_t units, const SfLowerLimits *limits)
{
  return MAX (units * limits->fill / 100, 1);
}

static bool
search_part (Chain *chain, int32_t first, int32_t n, GArray *cuts, int64_t *cycles, int64_t cutoff,
             GError **error)
{
  const Groups *g = chain->groups;
  SfArchInfo arch = sf_arch_info (g->arch);
  Part p = { .chain = chain, .groups = chain->groups, .first = first, .n = n };
  p.load = sf_estimate_load (g->arch);
  p.pcus = share (g->limits.pcus, &g->limits);
  p.pmus = share (g->limits.pmus, &g->limits);
  p.clock_hz = arch.clock_hz;
  p.bytes_per_s = MAX (sf_arch_memory_level (g->arch, 0).bytes_per_s, 1);
  p.window = (int32_t) MIN (MIN (n, g->most), p.pcus);
  size_t n_edges = (size_t) n * (size_t) p.window;
  g_autofree Edge *edge = g_new0 (Edge, n_edges + 1);
  g_autofree int32_t *repeat = g_new0 (int32_t, n_edges + 1);
  g_autofree int64_t *best = g_new0 (int64_t, n + 1);
  g_autofree int32_t *from = g_new0 (int32_t, n + 1);
  g_autofree int32_t *length = g_new0 (int32_t, n + 1);
  p.edge = edge;
  p.repeat = repeat;
  p.best = best;
  p.from = from;
  p.length = length;
  for (size_t i = 0; i < n_edges; i++)
    edge[i].cycles = NEVER;
  return cut_part (&p, cuts, cycles, cutoff, error);
}

/* Where the part that begins at `first` ends: at the last block of a repeat that it can hold, else
 * where the least crosses. */
static int32_t
part_end (const Chain *chain, int32_t first)
{
  if (chain->n - first <= LONGEST_PART)
    return chain->n;
  int32_t best = first + LEAST_PART;
  for (guint r = 0; r < chain->repeats->len; r++)
    {
      const ChainRepeat *repeat = &AT (chain->repeats, ChainRepeat, r);
      int32_t at = first - repeat->first;
      if (at >= 0 && at < repeat->count * repeat->period && at % repeat->period == 0)
        return MIN (first + MAX (LONGEST_PART / repeat->period, 1) * repeat->period,
                    repeat->first + repeat->count * repeat->period);
      if (at < 0 && repeat->first <= first + LONGEST_PART)
        return repeat->first;
    }
  for (int32_t i = best + 1; i <= first + LONGEST_PART; i++)
    if (chain->crossing[i] < chain->crossing[best])
      best = i;
  return best;
}

bool
sf_section_search (Chain *chain, int64_t cutoff, GArray *cuts, int64_t *cycles, GError **error)
{
  *cycles = 0;
  for (int32_t first = 0; first < chain->n && *cycles < cutoff;)
    {
      int32_t end = part_end (chain, first);
      if (!search_part (chain, first, end - first, cuts, cycles, cutoff - *cycles, error))
        return false;
      first = end;
    }
  return true;
}
