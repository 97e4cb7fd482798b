/* SPDX-License-Identifier: Apache-2.0 */
/* Products panel by panel: the columns of a panel against a block of rows, while both are in a near
 * cache. Panels come packed, or from memory as it lies, or are packed on the way. */
#include "plugins/backends/rdu/kernels_product.h"

#include "plugins/backends/rdu/kernels_pair.h"
#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_tile.h"

/* Some rows and some of the depth, in single elements; memory for what has to be packed. */
typedef struct
{
  int64_t i0, m, k0, k;
  float *panel, *left, *staged;
} Block;

static int64_t
smaller (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static void
run_tile (const RduProduct *p, const RduTile *tile)
{
#ifdef RDU_HAS_PAIRS
  if (p->pairs)
    {
      RDU_SYMBOL (rdu_tile_pairs) (tile);
      return;
    }
#endif
  RDU_SYMBOL (rdu_tile) (tile);
}

/* Results that are not contiguous pass through `staged`. */
static void
run_tile_scattered (const RduProduct *p, RduTile *tile, float *staged)
{
  float *c = tile->c;
  tile->c = staged;
  tile->c_row = tile->n;
  for (int64_t i = 0; i < tile->m && !tile->first; i++)
    for (int64_t j = 0; j < tile->n; j++)
      staged[i * tile->n + j] = c[i * p->c_row + j * p->c_column];
  run_tile (p, tile);
  for (int64_t i = 0; i < tile->m; i++)
    for (int64_t j = 0; j < tile->n; j++)
      c[i * p->c_row + j * p->c_column] = staged[i * tile->n + j];
}

static void
find_left (const RduProduct *p, const Block *block, RduTile *tile)
{
  const float *a = p->a + block->i0 * p->a_row + block->k0 * p->a_depth;
  tile->a = a;
  tile->a_row = p->a_row;
  tile->a_depth = p->a_depth;
  tile->k = block->k;
#ifdef RDU_HAS_PAIRS
  if (p->pairs)
    {
      RDU_SYMBOL (rdu_pair_rows)
      (a, p->a_row, p->a_depth, block->m, block->k, block->left, &tile->a_row, &tile->a_depth);
      tile->a = block->left;
      tile->k = rdu_n_pairs (block->k);
    }
#endif
}

/* Columns of the packed operand from j0 on; returns how many. */
static int64_t
find_packed_panel (const RduProduct *p, const Block *block, int64_t j0, RduTile *tile)
{
  int64_t at = (p->n0 + j0) % RDU_TILE_COLUMNS, panel = p->n0 + j0 - at;
  int64_t k0 = p->k0 + (p->pairs ? block->k0 / 2 : block->k0);
  tile->b_depth = rdu_panel_width (smaller (p->packed_n - panel, RDU_TILE_COLUMNS));
  tile->b = p->packed + panel * p->packed_k + k0 * tile->b_depth + at;
  return smaller (p->n - j0, RDU_TILE_COLUMNS - at);
}

/* The same of an operand that has to be read, or packed, as it lies in memory. */
static int64_t
find_panel (const RduProduct *p, const Block *block, int64_t j0, RduTile *tile)
{
  const float *b = p->b + block->k0 * p->b_depth + j0 * p->b_column;
  int64_t n = smaller (p->n - j0, RDU_TILE_COLUMNS);
  tile->b = block->panel;
  tile->b_depth = rdu_panel_width (n);
#ifdef RDU_HAS_PAIRS
  if (p->pairs)
    {
      RDU_SYMBOL (rdu_pair_panel) (b, p->b_depth, p->b_column, block->k, n, block->panel);
      return n;
    }
#endif
  if (p->b_column == 1)
    {
      tile->b = b;
      tile->b_depth = p->b_depth;
    }
  else
    RDU_SYMBOL (rdu_pack_panel) (b, p->b_depth, p->b_column, block->k, n, block->panel);
  return n;
}

static void
run_block (const RduProduct *p, const Block *block)
{
  RduTile tile = { .m = block->m, .c_row = p->c_row, .first = p->first && block->k0 == 0 };
  find_left (p, block, &tile);
  for (int64_t j = 0; j < p->n; j += tile.n)
    {
      tile.n = p->packed != NULL ? find_packed_panel (p, block, j, &tile)
                                 : find_panel (p, block, j, &tile);
      tile.c = p->c + block->i0 * p->c_row + j * p->c_column;
      tile.c_row = p->c_row;
      if (p->c_column == 1)
        run_tile (p, &tile);
      else
        run_tile_scattered (p, &tile, block->staged);
    }
}

void
RDU_SYMBOL (rdu_product) (const RduProduct *p, float *scratch)
{
  Block block = { .panel = scratch };
  block.left = block.panel + RDU_PRODUCT_DEPTH * RDU_TILE_COLUMNS;
  block.staged = block.left + RDU_PRODUCT_DEPTH * RDU_PRODUCT_ROWS;
  int64_t depth = p->pairs ? 2 * RDU_PRODUCT_DEPTH : RDU_PRODUCT_DEPTH;
  for (block.k0 = 0; block.k0 == 0 || block.k0 < p->k; block.k0 += depth)
    {
      block.k = smaller (p->k - block.k0, depth);
      for (block.i0 = 0; block.i0 < p->m; block.i0 += RDU_PRODUCT_ROWS)
        {
          block.m = smaller (p->m - block.i0, RDU_PRODUCT_ROWS);
          run_block (p, &block);
        }
    }
}
