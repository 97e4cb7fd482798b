/* SPDX-License-Identifier: Apache-2.0 */
/* Blocked contraction with packed operands and a register block of vector sums (after Goto and van
 * de Geijn, "Anatomy of high-performance matrix multiplication", TOMS 2008). Every element is a sum
 * over blocks of RDU_BLOCK_DEPTH products, each added up in order of k, whatever the position of
 * the element. */
#include <string.h>

#include "plugins/backends/rdu/kernels_contract.h"

typedef float Vec __attribute__ ((vector_size (RDU_VL * 4), aligned (4), may_alias));

/* tile[RDU_MR][RDU_NR] = a panel times b panel. */
static void
multiply_panels (const float *a, const float *b, int64_t k, float *tile)
{
  Vec sum[RDU_MR][2];
#pragma GCC unroll 16
  for (int i = 0; i < RDU_MR; i++)
    sum[i][0] = sum[i][1] = (Vec){ 0 };
  for (int64_t p = 0; p < k; p++, a += RDU_MR, b += RDU_NR)
    {
      Vec b0 = *(const Vec *) b, b1 = *(const Vec *) (b + RDU_VL);
#pragma GCC unroll 16
      for (int i = 0; i < RDU_MR; i++)
        {
          sum[i][0] += a[i] * b0;
          sum[i][1] += a[i] * b1;
        }
    }
#pragma GCC unroll 16
  for (int i = 0; i < RDU_MR; i++)
    {
      *(Vec *) (tile + i * RDU_NR) = sum[i][0];
      *(Vec *) (tile + i * RDU_NR + RDU_VL) = sum[i][1];
    }
}

static void
store_tile (const float *tile, float *c, int64_t c_row, const int64_t *column, int64_t m, int64_t n,
            bool first)
{
  for (int64_t i = 0; i < m; i++, c += c_row, tile += RDU_NR)
    if (column == NULL && first)
      memcpy (c, tile, (size_t) n * 4);
    else if (column == NULL)
      for (int64_t j = 0; j < n; j++)
        c[j] += tile[j];
    else
      for (int64_t j = 0; j < n; j++)
        c[column[j]] = first ? tile[j] : c[column[j]] + tile[j];
}

static void
clear (const RduContraction *job, int64_t j0, int64_t jn, const int64_t *column)
{
  for (int64_t i = 0; i < job->m; i++)
    for (int64_t j = 0; j < jn; j++)
      job->c[i * job->c_row + (column != NULL ? column[j] : j0 + j)] = 0;
}

/* All rows against one packed block of columns. */
static void
multiply_block (const RduContraction *job, int64_t k0, int64_t kn, int64_t j0, int64_t jn,
                const int64_t *column, float *a, const float *b, int64_t *tables)
{
  float tile[RDU_MR * RDU_NR] __attribute__ ((aligned (64)));
  bool first = job->first && k0 == 0;
  for (int64_t i0 = 0; i0 < job->m; i0 += RDU_BLOCK_ROWS)
    {
      int64_t in = job->m - i0 < RDU_BLOCK_ROWS ? job->m - i0 : RDU_BLOCK_ROWS;
      job->pack_a (job->operands, i0, in, k0, kn, a, tables);
      for (int64_t j = 0; j < jn; j += RDU_NR)
        for (int64_t i = 0; i < in; i += RDU_MR)
          {
            multiply_panels (a + i * kn, b + j * kn, kn, tile);
            store_tile (tile, job->c + (i0 + i) * job->c_row + (column != NULL ? 0 : j0 + j),
                        job->c_row, column != NULL ? column + j : NULL,
                        in - i < RDU_MR ? in - i : RDU_MR, jn - j < RDU_NR ? jn - j : RDU_NR,
                        first);
          }
    }
}

void
RDU_SYMBOL (rdu_contract) (const RduContraction *job, float *scratch)
{
  float *a = scratch, *b = a + RDU_BLOCK_ROWS * RDU_BLOCK_DEPTH;
  int64_t *offsets = (int64_t *) (void *) (b + RDU_BLOCK_DEPTH * RDU_BLOCK_COLUMNS);
  int64_t *tables = offsets + RDU_BLOCK_COLUMNS;
  for (int64_t j0 = 0; j0 < job->n; j0 += RDU_BLOCK_COLUMNS)
    {
      int64_t jn = job->n - j0 < RDU_BLOCK_COLUMNS ? job->n - j0 : RDU_BLOCK_COLUMNS;
      const int64_t *column = NULL;
      if (job->columns != NULL)
        {
          job->columns (job->operands, j0, jn, offsets);
          column = offsets;
        }
      if (job->k == 0 && job->first)
        clear (job, j0, jn, column);
      for (int64_t k0 = 0; k0 < job->k; k0 += RDU_BLOCK_DEPTH)
        {
          int64_t kn = job->k - k0 < RDU_BLOCK_DEPTH ? job->k - k0 : RDU_BLOCK_DEPTH;
          job->pack_b (job->operands, k0, kn, j0, jn, b, tables);
          multiply_block (job, k0, kn, j0, jn, column, a, b, tables);
        }
    }
}
