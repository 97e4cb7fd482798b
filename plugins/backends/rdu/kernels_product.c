/* SPDX-License-Identifier: Apache-2.0 */
/* Products panel by panel: the columns of a panel against all rows, while the panel is in a near
 * cache. Panels come packed, or from memory as it lies, or are packed on the way. */
#include "plugins/backends/rdu/kernels_product.h"
#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_tile.h"

#define PANEL_DEPTH 512
#define STAGED_ROWS 96

/* Results that are not contiguous pass through `staged`, some rows at a time. */
static void
tile_scattered (const RduProduct *p, RduTile *tile, int64_t j0, float *staged)
{
  const float *a = tile->a;
  for (int64_t i0 = 0; i0 < p->m; i0 += STAGED_ROWS)
    {
      float *c = p->c + i0 * p->c_row + j0 * p->c_column;
      tile->m = p->m - i0 < STAGED_ROWS ? p->m - i0 : STAGED_ROWS;
      tile->a = a + i0 * p->a_row;
      tile->c = staged;
      tile->c_row = tile->n;
      for (int64_t i = 0; i < tile->m && !tile->first; i++)
        for (int64_t j = 0; j < tile->n; j++)
          staged[i * tile->n + j] = c[i * p->c_row + j * p->c_column];
      RDU_SYMBOL (rdu_tile) (tile);
      for (int64_t i = 0; i < tile->m; i++)
        for (int64_t j = 0; j < tile->n; j++)
          c[i * p->c_row + j * p->c_column] = staged[i * tile->n + j];
    }
}

/* Column j0 of b at depth k0 as a tile reads it. Returns the columns that follow it there. */
static int64_t
find_panel (const RduProduct *p, int64_t j0, int64_t k0, RduTile *tile)
{
  int64_t n = p->n - j0;
  tile->b = p->b + k0 * p->b_depth + j0 * p->b_column;
  tile->b_depth = p->b_depth;
  if (p->packed != NULL)
    {
      int64_t at = (p->n0 + j0) % RDU_TILE_COLUMNS, panel = p->n0 + j0 - at;
      int64_t left = p->packed_n - panel;
      tile->b_depth = rdu_panel_width (left < RDU_TILE_COLUMNS ? left : RDU_TILE_COLUMNS);
      tile->b = p->packed + panel * p->packed_k + (p->k0 + k0) * tile->b_depth + at;
      return n < RDU_TILE_COLUMNS - at ? n : RDU_TILE_COLUMNS - at;
    }
  return n < RDU_TILE_COLUMNS ? n : RDU_TILE_COLUMNS;
}

void
RDU_SYMBOL (rdu_product) (const RduProduct *p, float *scratch)
{
  float *panel = scratch, *staged = scratch + PANEL_DEPTH * RDU_TILE_COLUMNS;
  for (int64_t k0 = 0; k0 == 0 || k0 < p->k; k0 += PANEL_DEPTH)
    for (int64_t j = 0; j < p->n;)
      {
        RduTile tile = { .a = p->a + k0 * p->a_depth,
                         .a_row = p->a_row,
                         .a_depth = p->a_depth,
                         .c = p->c + j,
                         .c_row = p->c_row,
                         .m = p->m,
                         .k = p->k - k0 < PANEL_DEPTH ? p->k - k0 : PANEL_DEPTH,
                         .first = p->first && k0 == 0 };
        tile.n = find_panel (p, j, k0, &tile);
        if (p->packed == NULL && p->b_column != 1)
          {
            RDU_SYMBOL (rdu_pack_panel) (tile.b, p->b_depth, p->b_column, tile.k, tile.n, panel);
            tile.b = panel;
            tile.b_depth = rdu_panel_width (tile.n);
          }
        if (p->c_column == 1)
          RDU_SYMBOL (rdu_tile) (&tile);
        else
          tile_scattered (p, &tile, j, staged);
        j += tile.n;
      }
}
