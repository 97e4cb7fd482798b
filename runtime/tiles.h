/* SPDX-License-Identifier: Apache-2.0 */
/* The RDU tiles of an emulated node: contiguous ranges of them, each held by a token.
 *
 * Programs route between neighbours, so a job's tiles lie side by side. A range goes into the
 * smallest gap that holds it, the lowest of several: large gaps stay whole for large jobs.
 * One thread at a time. */
#ifndef RUNTIME_TILES_H
#define RUNTIME_TILES_H

#include <sf/error.h>

typedef struct SfRduTiles SfRduTiles; /* owned: sf_rdu_tiles_free */

typedef struct
{
  int64_t first, n;  /* tiles first .. first + n - 1 */
  const char *token; /* who holds them; borrowed, valid until the next change */
} SfRduTileRange;

typedef struct
{
  int64_t n_tiles, n_free;
  int64_t largest_free; /* tiles in the largest gap */
  int64_t n_gaps;
  double fragmentation; /* share of the free tiles outside the largest gap: 0 .. <1 */
} SfRduTileUse;

SfRduTiles *sf_rdu_tiles_new (int64_t n_tiles);
SfRduTiles *sf_rdu_tiles_copy (const SfRduTiles *tiles);
void sf_rdu_tiles_free (SfRduTiles *tiles); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfRduTiles, sf_rdu_tiles_free)

/* Whether `n` tiles side by side are free; n <= 0 always are. */
bool sf_rdu_tiles_fits (const SfRduTiles *tiles, int64_t n);

/* Gives `n` >= 1 tiles to `token` (copied), the first of them in *first. NO_RESOURCE when no gap is
 * large enough, EXISTS when the token holds tiles already. */
bool sf_rdu_tiles_allocate (SfRduTiles *tiles, const char *token, int64_t n, int64_t *first,
                            GError **error);

/* Gives exactly these tiles to `token`: what an attempt holds that outlived its daemon. NO_RESOURCE
 * when one of them is held or is none of the node's. */
bool sf_rdu_tiles_claim (SfRduTiles *tiles, const char *token, int64_t first, int64_t n,
                         GError **error);

/* Frees what `token` holds; false when that is nothing. */
bool sf_rdu_tiles_release (SfRduTiles *tiles, const char *token);

/* The ranges that are held, in their order: n, and range i < n. */
size_t sf_rdu_tiles_count (const SfRduTiles *tiles);
SfRduTileRange sf_rdu_tiles_at (const SfRduTiles *tiles, size_t i);

/* What is free before held range i, or for i = sf_rdu_tiles_count behind the last; n may be 0. */
SfRduTileRange sf_rdu_tiles_gap (const SfRduTiles *tiles, size_t i);

SfRduTileUse sf_rdu_tiles_use (const SfRduTiles *tiles);

#endif
