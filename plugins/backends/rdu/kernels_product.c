/* SPDX-License-Identifier: Apache-2.0 */
/* Products panel by panel: the columns of a panel against a block of rows, while both are in a near
 * cache. Panels come packed, or from memory as it lies, or are packed on the way; what comes next
 * is brought near while a tile is summed up. */
#include "plugins/backends/rdu/kernels_product.h"

#include "plugins/backends/rdu/kernels_pair.h"
#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_tile.h"

enum
{
  TILE_ROWS = 6,          /* about what a tile sums up at a time */
  NEAR_ROWS = 32,         /* that take long enough to bring the next panel near */
  PACKED_LEFT_PANELS = 2, /* that pay for packing rows that lie transposed */
  MIN_TURNED = 16,    /* rows of the left operand for which it pays that operands change places */
  TURNED_ROWS = 48,   /* then of the right operand at a time, */
  TURNED_DEPTH = 1024 /* and steps of the depth */
};

/* Some rows and some of the depth, in single elements; memory for what has to be packed. */
typedef struct
{
  int64_t i0, m, k0, k;
  int64_t next_i0; /* where the block of rows after this one begins, in the same depth */
  float *panel, *left, *staged;
} Block;

static int64_t
smaller (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* Length of parts of n that are about equal and at most `most`, a multiple of `unit` as is that;
 * `unit` if there is nothing. */
static int64_t
even_part (int64_t n, int64_t most, int64_t unit)
{
  if (n <= 0)
    return unit;
  int64_t n_parts = (n + most - 1) / most;
  int64_t part = (n + n_parts - 1) / n_parts;
  return (part + unit - 1) / unit * unit;
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

/* Rows that lie transposed, far apart in memory, fall into few sets of the cache. */
static bool
packs_left (const RduProduct *p, const Block *block)
{
  return !p->pairs && p->a_row == 1 && p->a_depth != 1 && block->m >= RDU_VECTOR
         && p->n >= PACKED_LEFT_PANELS * RDU_TILE_COLUMNS;
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
      return;
    }
#endif
  if (packs_left (p, block))
    {
      RDU_SYMBOL (rdu_pack_panel) (a, p->a_depth, p->a_row, block->k, block->m, block->left);
      tile->a = block->left;
      tile->a_depth = rdu_panel_width (block->m);
    }
}

/* Which rows are brought near beside a panel: those of the next tile, when they are read for the
 * first time, or of the next block, where they will be packed. */
static void
find_next_left (const RduProduct *p, const Block *block, int64_t j, RduTile *tile)
{
  bool packs = packs_left (p, block), is_last = j + tile->n >= p->n;
  int64_t i = packs ? block->next_i0 : block->i0 + TILE_ROWS;
  tile->next_a = NULL;
  if (p->pairs || (packs ? !is_last || i >= p->m : j > 0 || p->a_depth != 1))
    return;
  tile->next_a = p->a + i * p->a_row + block->k0 * p->a_depth;
  tile->next_row = p->a_row;
  tile->next_depth = p->a_depth;
}

/* Columns of the packed operand from j0 on; returns how many. Panels follow each other. */
static int64_t
find_packed_panel (const RduProduct *p, const Block *block, int64_t j0, RduTile *tile)
{
  int64_t at = (p->n0 + j0) % RDU_TILE_COLUMNS, panel = p->n0 + j0 - at;
  int64_t k0 = p->k0 + (p->pairs ? block->k0 / 2 : block->k0);
  tile->b_depth = rdu_panel_width (smaller (p->packed_n - panel, RDU_TILE_COLUMNS));
  tile->b = p->packed + panel * p->packed_k + k0 * tile->b_depth + at;
  tile->next_b = tile->b - at + p->packed_k * tile->b_depth;
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
  tile->next_b = NULL;
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
      tile->next_b = b + RDU_TILE_COLUMNS;
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
      if (j + tile.n >= p->n || block->m < NEAR_ROWS)
        tile.next_b = NULL;
      find_next_left (p, block, j, &tile);
      tile.c = p->c + block->i0 * p->c_row + j * p->c_column;
      tile.c_row = p->c_row;
      if (p->c_column == 1)
        run_tile (p, &tile);
      else
        run_tile_scattered (p, &tile, block->staged);
    }
}

/* Whether it is less work to transpose the left operand and the results than the right operand,
 * whose depth is contiguous. */
static bool
is_turned (const RduProduct *p)
{
  return !p->pairs && p->packed == NULL && p->b_depth == 1 && p->b_column != 1 && p->c_column == 1
         && p->m >= MIN_TURNED && p->m <= p->n && p->m <= p->k;
}

/* The product of the transposed factors: `m` rows from i0 on are packed as a panel, and rows of the
 * right operand are read as they lie. */
static void
run_turned (const RduProduct *p, int64_t i0, int64_t m, float *scratch)
{
  float *staged = scratch, *panel = scratch + TURNED_ROWS * RDU_TILE_COLUMNS;
  int64_t depth = even_part (p->k, TURNED_DEPTH, 1);
  RduTile tile = { .a_row = p->b_column,
                   .a_depth = 1,
                   .b = panel,
                   .b_depth = rdu_panel_width (m),
                   .c = staged,
                   .c_row = rdu_panel_width (m),
                   .n = m,
                   .next_row = p->b_column,
                   .next_depth = 1 };
  for (int64_t k0 = 0; k0 < p->k; k0 += depth)
    {
      tile.k = smaller (p->k - k0, depth);
      tile.first = p->first && k0 == 0;
      RDU_SYMBOL (rdu_pack_panel)
      (p->a + i0 * p->a_row + k0 * p->a_depth, p->a_depth, p->a_row, tile.k, m, panel);
      for (int64_t j = 0; j < p->n; j += TURNED_ROWS)
        {
          float *c = p->c + i0 * p->c_row + j;
          tile.m = smaller (p->n - j, TURNED_ROWS);
          tile.a = p->b + j * p->b_column + k0;
          tile.next_a = tile.a + TURNED_ROWS * p->b_column;
          if (!tile.first)
            RDU_SYMBOL (rdu_pack_panel) (c, 1, p->c_row, tile.m, m, staged);
          RDU_SYMBOL (rdu_tile) (&tile);
          RDU_SYMBOL (rdu_unpack_panel) (staged, tile.m, m, c, p->c_row);
        }
    }
}

/* Steps at a time. Where neither operand passes through the scratch, twice as many spare results a
 * way to memory and back. */
static int64_t
most_depth (const RduProduct *p)
{
  bool is_in_place = p->packed != NULL && p->a_depth == 1;
  return p->pairs || is_in_place ? 2 * RDU_PRODUCT_DEPTH : RDU_PRODUCT_DEPTH;
}

void
RDU_SYMBOL (rdu_product) (const RduProduct *p, float *scratch)
{
  if (is_turned (p))
    {
      int64_t m = even_part (p->m, RDU_TILE_COLUMNS, RDU_VECTOR);
      for (int64_t i = 0; i < p->m; i += m)
        run_turned (p, i, smaller (p->m - i, m), scratch);
      return;
    }
  Block block = { .panel = scratch };
  block.left = block.panel + RDU_PRODUCT_DEPTH * RDU_TILE_COLUMNS;
  block.staged = block.left + RDU_PRODUCT_DEPTH * RDU_PRODUCT_ROWS;
  int64_t depth = even_part (p->k, most_depth (p), 2);
  int64_t rows = even_part (p->m, RDU_PRODUCT_ROWS, TILE_ROWS);
  for (block.k0 = 0; block.k0 == 0 || block.k0 < p->k; block.k0 += depth)
    {
      block.k = smaller (p->k - block.k0, depth);
      for (block.i0 = 0; block.i0 < p->m; block.i0 = block.next_i0)
        {
          block.next_i0 = block.i0 + rows;
          block.m = smaller (p->m - block.i0, rows);
          run_block (p, &block);
        }
    }
}
