/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of doubles: panels of b are packed, and tiles of c stay in registers while k
 * passes. */
#include "gemm.h"

#define ROWS      4  /* of a tile */
#define ROW_BLOCK 64 /* rows of c that share one packing when there are few panels */
#define K_BLOCK   512
#define MANY      32 /* panels that keep all workers busy */

/* ---- the tile ---- */

typedef double Lanes __attribute__ ((vector_size (32)));

/* Macros, since a vector cannot be handed to a function in every instruction set. */
#define LOAD(lanes_, at_)  memcpy (&(lanes_), (at_), sizeof (Lanes))
#define STORE(at_, lanes_) memcpy ((at_), &(lanes_), sizeof (Lanes))

/* c[i] += sum of a[i][p] panel[p], in order of p: a and c point at ROWS rows, c's of
 * CPU_GEMM_COLUMNS elements. */
typedef void (*TileFunc) (int64_t k, const double *const a[ROWS], const double *panel,
                          double *const c[ROWS]);

#define FOR_EACH_ROW(do_) do_ (0) do_ (1) do_ (2) do_ (3)
#define LOAD_ROW(i_)         \
  Lanes left##i_, right##i_; \
  LOAD (left##i_, c[i_]);    \
  LOAD (right##i_, c[i_] + 4);
#define STORE_ROW(i_)      \
  STORE (c[i_], left##i_); \
  STORE (c[i_] + 4, right##i_);
#define ADD_ROW(i_)                   \
  {                                   \
    const double x = a[i_][p];        \
    const Lanes all = { x, x, x, x }; \
    left##i_ += all * left;           \
    right##i_ += all * right;         \
  }

/* One text, compiled for each instruction set: products are rounded before they are added in all of
 * them (-ffp-contract=off), so the results are the same. */
#define TILE                                            \
  {                                                     \
    FOR_EACH_ROW (LOAD_ROW)                             \
    for (int64_t p = 0; p < k; p++)                     \
      {                                                 \
        Lanes left, right;                              \
        LOAD (left, panel + p * CPU_GEMM_COLUMNS);      \
        LOAD (right, panel + p * CPU_GEMM_COLUMNS + 4); \
        FOR_EACH_ROW (ADD_ROW)                          \
      }                                                 \
    FOR_EACH_ROW (STORE_ROW)                            \
  }

static void
tile_portable (int64_t k, const double *const a[ROWS], const double *panel,
               double *const c[ROWS]) TILE

#if defined(__x86_64__)
    __attribute__ ((target ("avx2"))) static void tile_avx2 (int64_t k, const double *const a[ROWS],
                                                             const double *panel,
                                                             double *const c[ROWS]) TILE
#endif

    static TileFunc best_tile (void)
{
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx2"))
    return tile_avx2;
#endif
  return tile_portable;
}

/* ---- blocks ---- */

typedef struct
{
  const CpuGemm *gemm;
  TileFunc tile;
  int64_t n_panels, rows_per_item;
} GemmJob;

/* Up to ROWS rows of c from `row` on; those that are missing repeat the last one and are thrown
 * away. */
static void
multiply_rows (const GemmJob *job, int64_t row, int64_t n_rows, int64_t column, int64_t n,
               int64_t k_begin, int64_t k_end, const double *panel)
{
  const CpuGemm *g = job->gemm;
  const double *a[ROWS];
  double edge[ROWS][CPU_GEMM_COLUMNS] = { { 0 } }, *c[ROWS];
  bool whole = n_rows >= ROWS && n == CPU_GEMM_COLUMNS;
  for (int64_t i = 0; i < ROWS; i++)
    {
      int64_t at = row + MIN (i, n_rows - 1);
      a[i] = g->a + at * g->k + k_begin;
      c[i] = whole ? g->c + at * g->n + column : edge[i];
      for (int64_t j = 0; j < n && !whole; j++)
        edge[i][j] = g->c[at * g->n + column + j];
    }
  job->tile (k_end - k_begin, a, panel, c);
  for (int64_t i = 0; i < MIN (n_rows, ROWS) && !whole; i++)
    memcpy (g->c + (row + i) * g->n + column, edge[i], (size_t) n * sizeof (double));
}

/* Items are panels, times blocks of rows. */
static void
gemm_range (void *data, int worker, int64_t begin, int64_t end)
{
  const GemmJob *job = data;
  const CpuGemm *g = job->gemm;
  double panel[K_BLOCK * CPU_GEMM_COLUMNS];
  for (int64_t e = begin; e < end; e++)
    {
      int64_t column = e % job->n_panels * CPU_GEMM_COLUMNS;
      int64_t n = MIN (CPU_GEMM_COLUMNS, g->n - column);
      int64_t first = e / job->n_panels * job->rows_per_item;
      int64_t last = MIN (first + job->rows_per_item, g->m);
      for (int64_t k = 0; k < g->k; k += K_BLOCK)
        {
          int64_t k_end = MIN (k + K_BLOCK, g->k);
          if (n < CPU_GEMM_COLUMNS)
            memset (panel, 0, sizeof panel);
          g->pack (g->source, k, k_end, column, n, panel);
          for (int64_t row = first; row < last; row += ROWS)
            multiply_rows (job, row, last - row, column, n, k, k_end, panel);
        }
    }
}

void
cpu_gemm_packed (CpuWorkers *workers, const CpuGemm *gemm)
{
  GemmJob job = { .gemm = gemm, .tile = best_tile () };
  job.n_panels = (gemm->n + CPU_GEMM_COLUMNS - 1) / CPU_GEMM_COLUMNS;
  job.rows_per_item = job.n_panels >= MANY ? MAX (gemm->m, 1) : ROW_BLOCK;
  int64_t n_blocks = (gemm->m + job.rows_per_item - 1) / job.rows_per_item;
  cpu_parallel (workers, job.n_panels * n_blocks,
                MIN (gemm->m, job.rows_per_item) * gemm->k * CPU_GEMM_COLUMNS, gemm_range, &job);
}

/* ---- b in memory ---- */

typedef struct
{
  int64_t m, n, k;
  const double *a, *b;
  double *c;
} Dense;

static void
pack_rows (const void *source, int64_t k_begin, int64_t k_end, int64_t column, int64_t n,
           double *panel)
{
  const Dense *d = source;
  for (int64_t p = k_begin; p < k_end; p++, panel += CPU_GEMM_COLUMNS)
    memcpy (panel, d->b + p * d->n + column, (size_t) n * sizeof (double));
}

static void
pack_columns (const void *source, int64_t k_begin, int64_t k_end, int64_t column, int64_t n,
              double *panel)
{
  const Dense *d = source;
  for (int64_t j = 0; j < n; j++)
    {
      const double *from = d->b + (column + j) * d->k;
      for (int64_t p = k_begin; p < k_end; p++)
        panel[(p - k_begin) * CPU_GEMM_COLUMNS + j] = from[p];
    }
}

/* Too few rows to make packing worth while: each is b passed by once. */
#define FEW_ROWS     4
#define COLUMN_BLOCK 256

/* Items are blocks of columns of c: rows of b are added one after the other. */
static void
row_times_rows (void *data, int worker, int64_t first, int64_t last)
{
  const Dense *d = data;
  int64_t begin = first * COLUMN_BLOCK, end = MIN (last * COLUMN_BLOCK, d->n);
  for (int64_t row = 0; row < d->m; row++)
    for (int64_t p = 0; p < d->k; p++)
      {
        const double x = d->a[row * d->k + p];
        const double *restrict b = d->b + p * d->n;
        double *restrict c = d->c + row * d->n;
        for (int64_t j = begin; j < end; j++)
          c[j] += x * b[j];
      }
}

/* The same for b transposed: eight columns at a time, each sum by itself. */
static void
row_times_columns (void *data, int worker, int64_t first, int64_t last)
{
  const Dense *d = data;
  int64_t begin = first * COLUMN_BLOCK, end = MIN (last * COLUMN_BLOCK, d->n);
  for (int64_t row = 0; row < d->m; row++)
    for (int64_t j = begin; j < end; j += CPU_GEMM_COLUMNS)
      {
        double sum[CPU_GEMM_COLUMNS] = { 0 };
        const double *a = d->a + row * d->k, *b = d->b + j * d->k;
        double *c = d->c + row * d->n + j;
        int64_t n = MIN (CPU_GEMM_COLUMNS, end - j);
        for (int64_t i = 0; i < n; i++)
          sum[i] = c[i];
        if (n == CPU_GEMM_COLUMNS)
          for (int64_t p = 0; p < d->k; p++)
            for (int64_t i = 0; i < CPU_GEMM_COLUMNS; i++)
              sum[i] += a[p] * b[i * d->k + p];
        else
          for (int64_t i = 0; i < n; i++)
            for (int64_t p = 0; p < d->k; p++)
              sum[i] += a[p] * b[i * d->k + p];
        memcpy (c, sum, (size_t) n * sizeof (double));
      }
}

void
cpu_gemm (CpuWorkers *workers, int64_t m, int64_t n, int64_t k, const double *a, const double *b,
          bool transposed, double *c)
{
  Dense dense = { m, n, k, a, b, c };
  if (m < FEW_ROWS)
    {
      int64_t n_blocks = (n + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
      cpu_parallel (workers, n_blocks, COLUMN_BLOCK * m * k,
                    transposed ? row_times_columns : row_times_rows, &dense);
      return;
    }
  CpuGemm gemm = { m, n, k, a, c, transposed ? pack_columns : pack_rows, &dense };
  cpu_gemm_packed (workers, &gemm);
}
