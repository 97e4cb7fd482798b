/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: tensors with their live ranges, and blocks that repeat. */
#include "chain.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Equal layers are looked for in chains of at least so many places. */
#define LEAST_REPEATED 32
#define LEAST_COUNT    3
#define LONGEST_PERIOD 256

/* ---- tensors ---- */

static uint32_t
tensor_of (Chain *chain, GHashTable *index, SfValue value)
{
  gpointer known = g_hash_table_lookup (index, GUINT_TO_POINTER (value));
  if (known != NULL)
    return GPOINTER_TO_UINT (known) - 1;
  ChainTensor tensor
      = { .bytes = sf_section_bytes (chain->groups, value), .maker = -1, .last = -1 };
  g_array_append_val (chain->tensor, tensor);
  g_hash_table_insert (index, GUINT_TO_POINTER (value), GUINT_TO_POINTER (chain->tensor->len));
  return chain->tensor->len - 1;
}

/* Place in the chain of each group; -1: outside. Owned. */
static int32_t *
places_of (const Chain *chain)
{
  const Groups *g = chain->groups;
  int32_t *place = g_new (int32_t, g->group->len + 1);
  for (guint i = 0; i < g->group->len; i++)
    place[i] = -1;
  for (int32_t i = 0; i < chain->n; i++)
    place[AT (g->order, int32_t, chain->first + i)] = i;
  return place;
}

/* Whether a reader of what the group makes stands outside the chain. */
static bool
read_outside (const Groups *g, const Group *group, const int32_t *place, SfValue value)
{
  if (g->kept[value])
    return true;
  for (guint i = 0; i < group->readers->len; i++)
    {
      int32_t reader = AT (group->readers, int32_t, i);
      const GArray *in = AT (g->group, Group, reader).in;
      for (guint k = 0; place[reader] < 0 && k < in->len; k++)
        if (AT (in, SfValue, k) == value)
          return true;
    }
  return false;
}

static void
read_tensors (Chain *chain)
{
  const Groups *g = chain->groups;
  g_autoptr (GHashTable) index = g_hash_table_new (NULL, NULL);
  g_autofree int32_t *place = places_of (chain);
  for (int32_t i = 0; i < chain->n; i++)
    {
      const Group *group = sf_section_group_at (g, chain->first + i);
      chain->in[i] = g_array_new (FALSE, FALSE, sizeof (ChainUse));
      chain->out[i] = g_array_new (FALSE, FALSE, sizeof (ChainUse));
      chain->makers[i] = g_array_new (FALSE, FALSE, sizeof (int32_t));
      for (guint k = 0; k < group->in->len; k++)
        {
          SfValue value = AT (group->in, SfValue, k);
          ChainUse use = { tensor_of (chain, index, value), sf_section_whole (group, value) };
          ChainTensor *tensor = &AT (chain->tensor, ChainTensor, use.tensor);
          tensor->last = MAX (tensor->last, i);
          g_array_append_val (chain->in[i], use);
        }
      for (guint k = 0; k < group->out->len; k++)
        {
          SfValue value = AT (group->out, SfValue, k);
          ChainUse use = { tensor_of (chain, index, value), sf_section_whole (group, value) };
          ChainTensor *tensor = &AT (chain->tensor, ChainTensor, use.tensor);
          tensor->maker = i;
          tensor->last = read_outside (g, group, place, value) ? chain->n : i;
          g_array_append_val (chain->out[i], use);
        }
      for (guint k = 0; k < group->makers->len; k++)
        if (place[AT (group->makers, int32_t, k)] >= 0)
          g_array_append_val (chain->makers[i], place[AT (group->makers, int32_t, k)]);
    }
}

/* By differences: a tensor crosses every place after its maker up to its last reader. */
static void
measure_crossing (Chain *chain)
{
  chain->crossing = g_new0 (int64_t, chain->n + 2);
  for (guint t = 0; t < chain->tensor->len; t++)
    {
      const ChainTensor *tensor = &AT (chain->tensor, ChainTensor, t);
      if (tensor->maker < 0)
        continue;
      chain->crossing[tensor->maker + 1] += tensor->bytes;
      chain->crossing[MIN (tensor->last, chain->n) + 1] -= tensor->bytes;
    }
  for (int32_t i = 1; i <= chain->n; i++)
    chain->crossing[i] += chain->crossing[i - 1];
}

/* ---- repeats ---- */

static uint32_t
kind_at (const Chain *chain, int32_t place)
{
  return sf_section_group_at (chain->groups, chain->first + place)->kind;
}

/* The stretch of [from, to) that a period covers most of; the shortest period of equals. */
static ChainRepeat
widest_repeat (const uint32_t *kind, int32_t from, int32_t to)
{
  ChainRepeat best = { 0 };
  int32_t covered = 0;
  for (int32_t p = 2; p <= MIN ((to - from) / LEAST_COUNT, LONGEST_PERIOD); p++)
    for (int32_t i = from, run = 0; i + p < to; i++)
      {
        run = kind[i] == kind[i + p] ? run + 1 : 0;
        if (run >= (LEAST_COUNT - 1) * p && run + p > covered)
          {
            covered = run + p;
            best = (ChainRepeat){ i - run + 1, p, covered / p };
          }
      }
  return best;
}

/* Blocks begin where the least crosses. */
static void
align (const Chain *chain, ChainRepeat *repeat)
{
  int32_t shift = 0, end = repeat->first + repeat->count * repeat->period;
  const int64_t *second = chain->crossing + repeat->first + repeat->period;
  for (int32_t o = 1; o < repeat->period; o++)
    if (second[o] < second[shift])
      shift = o;
  while (end < chain->n && (end - repeat->first) / repeat->period == repeat->count
         && kind_at (chain, end) == kind_at (chain, end - repeat->period))
    end++;
  repeat->first += shift;
  repeat->count = (end - repeat->first) / repeat->period;
}

static void
find_repeats (Chain *chain, const uint32_t *kind, int32_t from, int32_t to)
{
  if (to - from < LEAST_REPEATED)
    return;
  ChainRepeat repeat = widest_repeat (kind, from, to);
  int32_t end = repeat.first + repeat.count * repeat.period;
  if (repeat.count * repeat.period < LEAST_REPEATED)
    return;
  find_repeats (chain, kind, from, repeat.first);
  ChainRepeat aligned = repeat;
  align (chain, &aligned);
  int32_t aligned_end = aligned.first + aligned.count * aligned.period;
  g_array_append_val (chain->repeats, aligned);
  find_repeats (chain, kind, MAX (end, aligned_end), to);
}

/* Where `place` stands in the block of a repeat; 0: at the beginning of one, or outside all. */
static int32_t
inside (const ChainRepeat *repeat, int32_t place)
{
  int32_t at = place - repeat->first;
  return at > 0 && at < repeat->count * repeat->period ? at % repeat->period : 0;
}

bool
sf_section_allowed (const Chain *chain, int32_t i, int32_t j)
{
  for (guint r = 0; r < chain->repeats->len; r++)
    {
      const ChainRepeat *repeat = &AT (chain->repeats, ChainRepeat, r);
      int32_t block_i = (i - repeat->first) / repeat->period;
      int32_t block_j = (j - 1 - repeat->first) / repeat->period;
      bool one_block = i >= repeat->first && block_i == block_j;
      if (!one_block && (inside (repeat, i) != 0 || inside (repeat, j) != 0))
        return false;
    }
  return true;
}

/* ---- the chain ---- */

Chain *
sf_section_chain_new (Groups *groups, int32_t first, int32_t n)
{
  Chain *chain = g_new0 (Chain, 1);
  chain->groups = groups;
  chain->first = first;
  chain->n = n;
  chain->tensor = g_array_new (FALSE, FALSE, sizeof (ChainTensor));
  chain->in = g_new0 (GArray *, n + 1);
  chain->out = g_new0 (GArray *, n + 1);
  chain->makers = g_new0 (GArray *, n + 1);
  chain->repeats = g_array_new (FALSE, FALSE, sizeof (ChainRepeat));
  read_tensors (chain);
  measure_crossing (chain);
  g_autofree uint32_t *kind = g_new (uint32_t, n + 1);
  for (int32_t i = 0; i < n; i++)
    kind[i] = kind_at (chain, i);
  find_repeats (chain, kind, 0, n);
  return chain;
}

void
sf_section_chain_free (Chain *chain)
{
  for (int32_t i = 0; i < chain->n; i++)
    {
      g_array_unref (chain->in[i]);
      g_array_unref (chain->out[i]);
      g_array_unref (chain->makers[i]);
    }
  g_free (chain->in);
  g_free (chain->out);
  g_free (chain->makers);
  g_free (chain->crossing);
  g_array_unref (chain->tensor);
  g_array_unref (chain->repeats);
  g_free (chain);
}
