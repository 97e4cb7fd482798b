/* SPDX-License-Identifier: Apache-2.0 */
/* The micro kernel of contractions: a few rows by up to RDU_TILE_COLUMNS columns of sums, held in
 * registers over the whole depth. */
#ifndef SF_RDU_KERNELS_TILE_H
#define SF_RDU_KERNELS_TILE_H

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_vector.h"

/* Vectors of columns: as many as leave room for enough rows that loads hide behind products. */
#if RDU_VECTOR == 16
#define RDU_TILE_VECTORS 4
#else
#define RDU_TILE_VECTORS 2
#endif
#define RDU_TILE_COLUMNS (RDU_TILE_VECTORS * RDU_VECTOR)

/* c[i][j] (+)= sum over k of a[i][k] b[k][j], a chain of multiply-adds in order of k that begins
 * with c[i][j], or with zero: cut along k or along rows and columns, it gives the same bits. */
typedef struct
{
  const float *a; /* element (i, k) is at a[i * a_row + k * a_depth] */
  int64_t a_row, a_depth;
  const float *b; /* element (k, j) is at b[k * b_depth + j] */
  int64_t b_depth;
  float *c; /* element (i, j) is at c[i * c_row + j] */
  int64_t c_row;
  int64_t m, n, k; /* n <= RDU_TILE_COLUMNS */
  bool first;      /* c is not read */
  /* What is brought near meanwhile: the panel that will be b next, with b's depth; m rows of a left
   * operand, element (i, k) at next_a[i * next_row + k * next_depth]. NULL: nothing. */
  const float *next_b, *next_a;
  int64_t next_row, next_depth;
} RduTile;

#ifdef RDU_ISA
void RDU_SYMBOL (rdu_tile) (const RduTile *tile);
#ifdef RDU_HAS_PAIRS
/* The same where an element of a and b is a pair of bf16 numbers (kernels_pair.h), k in pairs. */
void RDU_SYMBOL (rdu_tile_pairs) (const RduTile *tile);
#endif
#endif

#endif
