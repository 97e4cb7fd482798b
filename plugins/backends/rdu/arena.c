/* SPDX-License-Identifier: Apache-2.0 */
/* Memory by lifetimes: greedy by size. */
#include <glib.h>

#include "plugins/backends/rdu/arena.h"

static int
larger_first (const void *a, const void *b)
{
  const RduLife *x = *(RduLife *const *) a, *y = *(RduLife *const *) b;
  if (x->elems != y->elems)
    return x->elems > y->elems ? -1 : 1;
  return x < y ? -1 : 1;
}

static int
lower_first (const void *a, const void *b)
{
  const RduLife *x = *(RduLife *const *) a, *y = *(RduLife *const *) b;
  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Lowest offset at which `life` meets none of the placed ones, which are sorted by offset. */
static int64_t
lowest_gap (const RduLife *life, RduLife *const *placed, size_t n)
{
  int64_t at = 0;
  for (size_t i = 0; i < n; i++)
    {
      const RduLife *other = placed[i];
      if (other->last < life->first || other->first > life->last)
        continue;
      if (at + life->elems <= other->offset)
        break;
      at = MAX (at, other->offset + other->elems);
    }
  return at;
}

int64_t
rdu_arena_plan (RduLife *lives, size_t n)
{
  g_autofree RduLife **order = g_new (RduLife *, n + 1);
  g_autofree RduLife **placed = g_new (RduLife *, n + 1);
  int64_t total = 0;
  for (size_t i = 0; i < n; i++)
    {
      lives[i].elems = (lives[i].elems + 15) / 16 * 16;
      order[i] = &lives[i];
    }
  qsort (order, n, sizeof *order, larger_first);
  for (size_t i = 0; i < n; i++)
    {
      order[i]->offset = lowest_gap (order[i], placed, i);
      total = MAX (total, order[i]->offset + order[i]->elems);
      size_t at = i;
      for (; at > 0 && lower_first (&order[i], &placed[at - 1]) < 0; at--)
        placed[at] = placed[at - 1];
      placed[at] = order[i];
    }
  return total;
}
