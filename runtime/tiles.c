/* SPDX-License-Identifier: Apache-2.0 */
/* SfRduTiles: held ranges in their order; what lies between them is free. */
#include "runtime/tiles.h"

#include <string.h>

typedef struct
{
  int64_t first, n;
  char *token;
} Held;

struct SfRduTiles
{
  int64_t n_tiles;
  GArray *held; /* Held, by `first` */
};

static void
held_clear (void *data)
{
  g_free (((Held *) data)->token);
}

static const Held *
held_at (const SfRduTiles *self, size_t i)
{
  return &g_array_index (self->held, Held, i);
}

SfRduTiles *
sf_rdu_tiles_new (int64_t n_tiles)
{
  SfRduTiles *self = g_new0 (SfRduTiles, 1);
  self->n_tiles = MAX (n_tiles, 0);
  self->held = g_array_new (FALSE, FALSE, sizeof (Held));
  g_array_set_clear_func (self->held, held_clear);
  return self;
}

SfRduTiles *
sf_rdu_tiles_copy (const SfRduTiles *tiles)
{
  SfRduTiles *copy = sf_rdu_tiles_new (tiles->n_tiles);
  for (size_t i = 0; i < tiles->held->len; i++)
    {
      Held held = *held_at (tiles, i);
      held.token = g_strdup (held.token);
      g_array_append_val (copy->held, held);
    }
  return copy;
}

void
sf_rdu_tiles_free (SfRduTiles *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->held);
  g_free (self);
}

/* ---- gaps ---- */

SfRduTileRange
sf_rdu_tiles_gap (const SfRduTiles *self, size_t i)
{
  int64_t begin = i == 0 ? 0 : held_at (self, i - 1)->first + held_at (self, i - 1)->n;
  int64_t end = i < self->held->len ? held_at (self, i)->first : self->n_tiles;
  return (SfRduTileRange){ .first = begin, .n = end - begin };
}

SfRduTileUse
sf_rdu_tiles_use (const SfRduTiles *self)
{
  SfRduTileUse use = { .n_tiles = self->n_tiles };
  for (size_t i = 0; i <= self->held->len; i++)
    {
      SfRduTileRange gap = sf_rdu_tiles_gap (self, i);
      use.n_free += gap.n;
      use.largest_free = MAX (use.largest_free, gap.n);
      use.n_gaps += gap.n > 0;
    }
  if (use.n_free > 0)
    use.fragmentation = 1.0 - (double) use.largest_free / (double) use.n_free;
  return use;
}

bool
sf_rdu_tiles_fits (const SfRduTiles *self, int64_t n)
{
  bool fits = n <= 0;
  for (size_t i = 0; !fits && i <= self->held->len; i++)
    fits = sf_rdu_tiles_gap (self, i).n >= n;
  return fits;
}

/* ---- who holds what ---- */

/* Index of the range of `token`, held->len when it has none. */
static size_t
find (const SfRduTiles *self, const char *token)
{
  size_t i = 0;
  while (i < self->held->len && strcmp (held_at (self, i)->token, token) != 0)
    i++;
  return i;
}

static bool
check_new (const SfRduTiles *self, const char *token, int64_t n, GError **error)
{
  if (n < 1)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "RDU tiles of %s: found %" G_GINT64_FORMAT ", wanted at least 1", token, n);
  size_t i = find (self, token);
  if (i < self->held->len)
    return sf_fail (error, SF_ERROR_EXISTS,
                    "RDU tiles of %s: it holds %" G_GINT64_FORMAT
                    " already, wanted one range for each; release it first",
                    token, held_at (self, i)->n);
  return true;
}

static void
hold (SfRduTiles *self, size_t at, const char *token, int64_t first, int64_t n)
{
  Held held = { .first = first, .n = n, .token = g_strdup (token) };
  g_array_insert_val (self->held, (guint) at, held);
}

bool
sf_rdu_tiles_allocate (SfRduTiles *self, const char *token, int64_t n, int64_t *first,
                       GError **error)
{
  size_t best = SIZE_MAX;
  if (!check_new (self, token, n, error))
    return false;
  for (size_t i = 0; i <= self->held->len; i++)
    {
      int64_t size = sf_rdu_tiles_gap (self, i).n;
      if (size >= n && (best == SIZE_MAX || size < sf_rdu_tiles_gap (self, best).n))
        best = i;
    }
  if (best == SIZE_MAX)
    {
      SfRduTileUse use = sf_rdu_tiles_use (self);
      return sf_fail (error, SF_ERROR_NO_RESOURCE,
                      "RDU tiles: found %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                      " free, %" G_GINT64_FORMAT " side by side, wanted %" G_GINT64_FORMAT
                      " side by side; wait until others are released",
                      use.n_free, use.n_tiles, use.largest_free, n);
    }
  *first = sf_rdu_tiles_gap (self, best).first;
  hold (self, best, token, *first, n);
  return true;
}

bool
sf_rdu_tiles_claim (SfRduTiles *self, const char *token, int64_t first, int64_t n, GError **error)
{
  if (!check_new (self, token, n, error))
    return false;
  for (size_t i = 0; i <= self->held->len; i++)
    {
      SfRduTileRange gap = sf_rdu_tiles_gap (self, i);
      if (first >= gap.first && n <= gap.n && first - gap.first <= gap.n - n)
        {
          hold (self, i, token, first, n);
          return true;
        }
    }
  return sf_fail (error, SF_ERROR_NO_RESOURCE,
                  "RDU tiles of %s: found tiles among the %" G_GINT64_FORMAT
                  " from %" G_GINT64_FORMAT
                  " on that are held or are not of this node, wanted all of them free",
                  token, n, first);
}

bool
sf_rdu_tiles_release (SfRduTiles *self, const char *token)
{
  size_t i = find (self, token);
  if (i == self->held->len)
    return false;
  g_array_remove_index (self->held, (guint) i);
  return true;
}

size_t
sf_rdu_tiles_count (const SfRduTiles *self)
{
  return self->held->len;
}

SfRduTileRange
sf_rdu_tiles_at (const SfRduTiles *self, size_t i)
{
  const Held *held = held_at (self, i);
  return (SfRduTileRange){ .first = held->first, .n = held->n, .token = held->token };
}
