/* SPDX-License-Identifier: Apache-2.0 */
/* RDU tiles: worked examples, and thousands of random requests against a map of single tiles. */
#include "runtime/tiles.h"

#include <sf/rng.h>
#include <string.h>

#include "tests/support/sftest.h"

SF_TEST (RduTiles, SmallestGapThatHolds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfRduTiles) tiles = sf_rdu_tiles_new (8);
  int64_t first = -1;
  SF_CHECK (sf_rdu_tiles_claim (tiles, "b", 3, 1, &error)); /* ...b.... */
  SF_CHECK (sf_rdu_tiles_claim (tiles, "c", 6, 2, &error)); /* ...b..cc */
  SF_CHECK (sf_rdu_tiles_allocate (tiles, "d", 1, &first, &error));
  SF_CHECK_INT (first, 4); /* the gap of two, not that of three */
  SfRduTileUse use = sf_rdu_tiles_use (tiles);
  SF_CHECK_INT (use.n_free, 4);
  SF_CHECK_INT (use.largest_free, 3);
  SF_CHECK_INT (use.n_gaps, 2);
  SF_CHECK_NEAR (use.fragmentation, 0.25, 0);
  SF_CHECK (!sf_rdu_tiles_fits (tiles, 4));
  SF_CHECK (!sf_rdu_tiles_allocate (tiles, "e", 4, &first, &error));
  SF_CHECK_ERROR (error, SF_ERROR_NO_RESOURCE,
                  "RDU tiles: found 4 of 8 free, 3 side by side, wanted 4 side by side");
  SF_CHECK (sf_rdu_tiles_release (tiles, "b"));
  SF_CHECK (!sf_rdu_tiles_release (tiles, "b"));
  SF_CHECK (sf_rdu_tiles_allocate (tiles, "e", 4, &first, &error));
  SF_CHECK_INT (first, 0);
  SF_CHECK_INT (sf_rdu_tiles_count (tiles), 3);
  SF_CHECK_STR (sf_rdu_tiles_at (tiles, 1).token, "d");
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (RduTiles, Refused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfRduTiles) tiles = sf_rdu_tiles_new (4);
  int64_t first = -1;
  SF_CHECK (sf_rdu_tiles_allocate (tiles, "a", 2, &first, &error));
  SF_CHECK (!sf_rdu_tiles_allocate (tiles, "a", 1, &first, &error));
  SF_CHECK_ERROR (error, SF_ERROR_EXISTS, "RDU tiles of a: it holds 2 already");
  SF_CHECK (!sf_rdu_tiles_allocate (tiles, "b", 0, &first, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "RDU tiles of b: found 0");
  static const int64_t ranges[][2] = { { 1, 1 },         { 3, 2 },         { -1, 1 },
                                       { INT64_MAX, 1 }, { 2, INT64_MAX }, { INT64_MIN, 2 } };
  for (size_t i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      SF_CHECK (!sf_rdu_tiles_claim (tiles, "b", ranges[i][0], ranges[i][1], &error));
      SF_CHECK_ERROR (error, SF_ERROR_NO_RESOURCE, "RDU tiles of b: found tiles among the ");
    }
  SF_CHECK_INT (sf_rdu_tiles_count (tiles), 1);
  g_autoptr (SfRduTiles) none = sf_rdu_tiles_new (0);
  SF_CHECK (sf_rdu_tiles_fits (none, 0));
  SF_CHECK (!sf_rdu_tiles_fits (none, 1));
}

enum
{
  N_TILES = 24,
  N_TOKENS = 12,
  N_REQUESTS = 20000,
};

/* Tiles of the map that belong to nobody around tile i, 0 when it is held. */
static int
gap_around (const int *map, int i)
{
  int begin = i, end = i;
  while (begin > 0 && map[begin - 1] < 0)
    begin--;
  while (end < N_TILES && map[end] < 0)
    end++;
  return map[i] < 0 ? end - begin : 0;
}

/* Ranges of `tiles` and the map say the same. */
static bool
same (const SfRduTiles *tiles, const int *map)
{
  int found[N_TILES];
  int n_free = 0, largest = 0;
  memset (found, -1, sizeof found);
  for (size_t i = 0; i < sf_rdu_tiles_count (tiles); i++)
    {
      SfRduTileRange range = sf_rdu_tiles_at (tiles, i);
      for (int64_t tile = range.first; tile < range.first + range.n; tile++)
        found[tile] = range.token[0] - 'a';
    }
  for (int i = 0; i < N_TILES; i++)
    {
      n_free += map[i] < 0;
      largest = MAX (largest, gap_around (map, i));
    }
  SfRduTileUse use = sf_rdu_tiles_use (tiles);
  return memcmp (found, map, sizeof found) == 0 && use.n_free == n_free
         && use.largest_free == largest && sf_rdu_tiles_fits (tiles, largest)
         && !sf_rdu_tiles_fits (tiles, largest + 1);
}

SF_TEST (RduTiles, RandomRequests)
{
  SfRng rng = { .seed = 6 };
  g_autoptr (SfRduTiles) tiles = sf_rdu_tiles_new (N_TILES);
  int map[N_TILES], refused = 0;
  memset (map, -1, sizeof map);
  for (uint64_t i = 0; i < N_REQUESTS; i++)
    {
      uint64_t word = sf_rng_u64 (&rng, i);
      int who = (int) (word % N_TOKENS), n = 1 + (int) (word / N_TOKENS % 7), best = 0;
      char token[2] = { (char) ('a' + who), '\0' };
      int64_t first = -1;
      bool held = false;
      for (int tile = 0; tile < N_TILES; tile++)
        {
          int gap = gap_around (map, tile);
          held = held || map[tile] == who;
          best = gap >= n && (best == 0 || gap < best) ? gap : best;
        }
      if (held)
        {
          SF_REQUIRE (sf_rdu_tiles_release (tiles, token));
          for (int tile = 0; tile < N_TILES; tile++)
            map[tile] = map[tile] == who ? -1 : map[tile];
        }
      else
        {
          SF_REQUIRE (sf_rdu_tiles_allocate (tiles, token, n, &first, NULL) == (best > 0));
          refused += best == 0;
          SF_REQUIRE (best == 0 || gap_around (map, (int) first) == best);
          for (int tile = 0; best > 0 && tile < n; tile++)
            map[first + tile] = who;
        }
      SF_REQUIRE_MSG (same (tiles, map), "request %d", (int) i);
    }
  SF_CHECK (refused > 100);
  g_autoptr (SfRduTiles) copy = sf_rdu_tiles_copy (tiles);
  SF_CHECK (same (copy, map));
}
