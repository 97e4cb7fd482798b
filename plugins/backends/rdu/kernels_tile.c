/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of sums in registers (after Goto and van de Geijn, "Anatomy of high-performance matrix
 * multiplication", TOMS 2008): each step of the depth loads some vectors of b and adds their
 * products with one broadcast element of a per row. Neither operand has to be packed; panels that
 * are read in place cost more only where their lines fall into few sets of the cache. */
#include "plugins/backends/rdu/kernels_tile.h"

#define MAX_ROWS 16
#define LINE     16 /* floats of a cache line */

typedef RduVec (*Step) (RduVec a, RduVec b, RduVec sum);

/* rows, vectors, step: constants, so that every sum is a register. Lanes past the last column are
 * neither read nor written. A line is brought near in each step of the depth, the first at `ahead`,
 * `near` bytes apart, `far` after a LINE of them; three numbers, since a structure on the stack
 * would wait for stores of results that miss the cache. */
static inline __attribute__ ((always_inline)) void
sum_block (const RduTile *t, int64_t i0, uintptr_t ahead, uintptr_t near, uintptr_t far,
           const int rows, const int vectors, const Step step)
{
  RduVec sum[MAX_ROWS][RDU_TILE_VECTORS], b[RDU_TILE_VECTORS];
  const int last = vectors - 1;
  const RduLanes lanes = rdu_lanes (t->n - last * RDU_VECTOR);
  const int64_t a_row = t->a_row, a_row3 = 3 * a_row;
  const float *a_group[MAX_ROWS / 4], *from = t->b; /* of four rows each */
  float *c = t->c + i0 * t->c_row;
#pragma GCC unroll 4
  for (int g = 0; g < (rows + 3) / 4; g++)
    a_group[g] = t->a + (i0 + 4 * g) * a_row;
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      if (t->first)
        sum[i][v] = rdu_vec_zero ();
      else if (v < last)
        sum[i][v] = rdu_vec_load (c + i * t->c_row + v * RDU_VECTOR);
      else
        sum[i][v] = rdu_vec_load_lanes (c + i * t->c_row + v * RDU_VECTOR, lanes);
  if (!t->first)
    {
      const float *next_c = c + rows * t->c_row;
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
          __builtin_prefetch (next_c + i * t->c_row + v * RDU_VECTOR, 1, 3);
    }
  for (int64_t k = 0, n = t->k; k < n; k++, from += t->b_depth)
    {
      __builtin_prefetch ((const void *) ahead, 0, 2);
      ahead += k % LINE == LINE - 1 ? far : near;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++)
        b[v] = v < last ? rdu_vec_load (from + v * RDU_VECTOR)
                        : rdu_vec_load_lanes (from + v * RDU_VECTOR, lanes);
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++)
        {
          const float *a = a_group[i / 4];
          RduVec x = rdu_vec_all (i % 4 == 0   ? a
                                  : i % 4 == 1 ? a + a_row
                                  : i % 4 == 2 ? a + 2 * a_row
                                               : a + a_row3);
#pragma GCC unroll 4
          for (int v = 0; v < vectors; v++)
            sum[i][v] = step (x, b[v], sum[i][v]);
        }
#pragma GCC unroll 4
      for (int g = 0; g < (rows + 3) / 4; g++)
        a_group[g] += t->a_depth;
    }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      if (v < last)
        rdu_vec_store (c + i * t->c_row + v * RDU_VECTOR, sum[i][v]);
      else
        rdu_vec_store_lanes (c + i * t->c_row + v * RDU_VECTOR, lanes, sum[i][v]);
}

typedef void (*Block) (const RduTile *t, int64_t i0, uintptr_t ahead, uintptr_t near,
                       uintptr_t far);

/* Every number of rows whose sums fit the registers beside the vectors of b. */
#define ROWS_4(X, v)  X (1, v) X (2, v) X (3, v) X (4, v)
#define ROWS_6(X, v)  ROWS_4 (X, v) X (5, v) X (6, v)
#define ROWS_8(X, v)  ROWS_6 (X, v) X (7, v) X (8, v)
#define ROWS_12(X, v) ROWS_8 (X, v) X (9, v) X (10, v) X (11, v) X (12, v)
#define ROWS_16(X, v) ROWS_12 (X, v) X (13, v) X (14, v) X (15, v) X (16, v)
#if RDU_VECTOR == 16
#define BLOCKS(X) ROWS_16 (X, 1) ROWS_12 (X, 2) ROWS_8 (X, 3) ROWS_6 (X, 4)
static const int64_t most_rows[] = { 16, 12, 8, 6 };
#elif RDU_VECTOR == 8
#define BLOCKS(X) ROWS_12 (X, 1) ROWS_6 (X, 2)
static const int64_t most_rows[] = { 12, 6 };
#else
#define BLOCKS(X) ROWS_8 (X, 1) ROWS_4 (X, 2)
static const int64_t most_rows[] = { 8, 4 };
#endif

typedef Block Blocks[RDU_TILE_VECTORS][MAX_ROWS];

#define BLOCK(rows, vectors)                                                           \
  static void block_##rows##x##vectors (const RduTile *t, int64_t i0, uintptr_t ahead, \
                                        uintptr_t near, uintptr_t far)                 \
  {                                                                                    \
    sum_block (t, i0, ahead, near, far, rows, vectors, rdu_vec_fma);                   \
  }
BLOCKS (BLOCK)

#define ENTRY(rows, vectors) [vectors - 1][rows - 1] = block_##rows##x##vectors,
static const Blocks blocks = { BLOCKS (ENTRY) };

/* Blocks of rows that are as even as they can be. The first ones bring near a vector of columns
 * each of the next panel, the others as much of the rows to come; if there is nothing, a panel that
 * is at hand does no harm. */
static void
run_blocks (const RduTile *tile, const Blocks by_size)
{
  int64_t vectors = (tile->n + RDU_VECTOR - 1) / RDU_VECTOR;
  int64_t n_blocks = (tile->m + most_rows[vectors - 1] - 1) / most_rows[vectors - 1];
  for (int64_t b = 0; b < n_blocks; b++)
    {
      int64_t from = tile->m * b / n_blocks, to = tile->m * (b + 1) / n_blocks;
      const float *ahead = tile->b;
      int64_t near = tile->b_depth, far = near;
      if (tile->next_b != NULL && b < vectors)
        ahead = tile->next_b + b * RDU_VECTOR;
      else if (tile->next_a != NULL)
        {
          ahead = tile->next_a + from * tile->next_row;
          near = tile->next_depth == 1 ? tile->next_row : tile->next_depth;
          far = tile->next_depth == 1 ? LINE - (LINE - 1) * near : near;
        }
      by_size[vectors - 1][to - from - 1](tile, from, (uintptr_t) ahead, (uintptr_t) near * 4,
                                          (uintptr_t) far * 4);
    }
}

void
RDU_SYMBOL (rdu_tile) (const RduTile *tile)
{
  run_blocks (tile, blocks);
}

#ifdef RDU_HAS_PAIRS
#define PAIRS_BLOCK(rows, vectors)                                                     \
  static void pairs_##rows##x##vectors (const RduTile *t, int64_t i0, uintptr_t ahead, \
                                        uintptr_t near, uintptr_t far)                 \
  {                                                                                    \
    sum_block (t, i0, ahead, near, far, rows, vectors, rdu_vec_fma_pairs);             \
  }
BLOCKS (PAIRS_BLOCK)

#define PAIRS_ENTRY(rows, vectors) [vectors - 1][rows - 1] = pairs_##rows##x##vectors,
static const Blocks pairs_blocks = { BLOCKS (PAIRS_ENTRY) };

void
RDU_SYMBOL (rdu_tile_pairs) (const RduTile *tile)
{
  run_blocks (tile, pairs_blocks);
}
#endif
