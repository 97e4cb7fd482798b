/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products of rows with rows. Each lane of a sum is a chain of multiply-adds over every
 * RDU_VECTOR-th step of the depth, from zero; lanes are added halves by halves, and the sum of a
 * firing to the accumulator. */
#include "plugins/backends/rdu/kernels_dots.h"
#include "plugins/backends/rdu/kernels_vector.h"

enum
{
  MOST_COLUMNS = 15, /* of the whole result: a vector of them has lanes to spare */
  LEAST_DEPTH = 256, /* that pays for adding up lanes, */
  FEW_ROWS = 4,      /* and where chains of so few rows would wait for themselves */
  LEAST_DEPTH_OF_FEW_ROWS = 32,
  MOST_SUMS = 24,
  MOST_ROWS = 8 /* at a time */
};

/* c[i][j] (+)= sum over k of a[i][k] b[j][k]. */
typedef struct
{
  const float *a, *b;
  int64_t a_row, a_depth, b_row, b_depth, k;
  float *c;
  int64_t c_row, c_column;
  bool first; /* c is not read */
} Dots;

#if RDU_VECTOR == 16
/* Lane v becomes the sum of the lanes of x[v]. */
static inline __attribute__ ((always_inline)) RduVec
sum_lanes (const RduVec x[16])
{
  const __m512i order = _mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  RduVec halves[8], quarters[4];
  __m512d pairs[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    halves[i] = _mm512_shuffle_f32x4 (x[2 * i], x[2 * i + 1], 0x44)
                + _mm512_shuffle_f32x4 (x[2 * i], x[2 * i + 1], 0xee);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    quarters[i] = _mm512_shuffle_f32x4 (halves[2 * i], halves[2 * i + 1], 0x88)
                  + _mm512_shuffle_f32x4 (halves[2 * i], halves[2 * i + 1], 0xdd);
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++)
    {
      __m512d even = (__m512d) quarters[2 * i], odd = (__m512d) quarters[2 * i + 1];
      pairs[i] = (__m512d) ((RduVec) _mm512_unpacklo_pd (even, odd)
                            + (RduVec) _mm512_unpackhi_pd (even, odd));
    }
  RduVec sums = _mm512_shuffle_ps ((RduVec) pairs[0], (RduVec) pairs[1], 0x88)
                + _mm512_shuffle_ps ((RduVec) pairs[0], (RduVec) pairs[1], 0xdd);
  return _mm512_permutexvar_ps (order, sums);
}

static inline __attribute__ ((always_inline)) void
add_up (const RduVec *x, const int n, float *to)
{
#pragma GCC unroll 2
  for (int v = 0; v < n; v += 16)
    {
      RduVec part[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++)
        part[i] = v + i < n ? x[v + i] : rdu_vec_zero ();
      rdu_vec_store (to + v, sum_lanes (part));
    }
}
#else
static inline __attribute__ ((always_inline)) void
add_up (const RduVec *x, const int n, float *to)
{
#pragma GCC unroll 24
  for (int v = 0; v < n; v++)
    {
      float lane[RDU_VECTOR];
      rdu_vec_store (lane, x[v]);
      for (int half = RDU_VECTOR / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
          lane[i] += lane[i + half];
      to[v] = lane[0];
    }
}
#endif

/* A value that is in a register: compilers would rather load it again with each use. */
#if RDU_VECTOR == 16
#define KEEP(x) __asm__ ("" : "+v"(x))
#else
#define KEEP(x) (void) (x)
#endif

/* The next steps of the depth, `lanes` of them. */
static inline __attribute__ ((always_inline)) void
add_products (const Dots *d, int64_t k, const bool is_whole, RduLanes lanes, const int rows,
              const int columns, RduVec sum[MOST_SUMS])
{
  RduVec a[MOST_ROWS];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
    {
      const float *from = d->a + i * d->a_row + k;
      a[i] = is_whole ? rdu_vec_load (from) : rdu_vec_load_lanes (from, lanes);
    }
#pragma GCC unroll 12
  for (int j = 0; j < columns; j++)
    {
      const float *from = d->b + j * d->b_row + k;
      RduVec b = is_whole ? rdu_vec_load (from) : rdu_vec_load_lanes (from, lanes);
      KEEP (b);
#pragma GCC unroll 8
      for (int i = 0; i < rows; i++)
        sum[i * columns + j] = rdu_vec_fma (a[i], b, sum[i * columns + j]);
    }
}

/* rows, columns: constants, so that every sum is a register. */
static inline __attribute__ ((always_inline)) void
sum_block (const Dots *d, const int rows, const int columns)
{
  RduVec sum[MOST_SUMS];
  float total[MOST_SUMS + RDU_VECTOR];
  int64_t k = 0;
#pragma GCC unroll 24
  for (int s = 0; s < rows * columns; s++)
    sum[s] = rdu_vec_zero ();
  for (; k + RDU_VECTOR <= d->k; k += RDU_VECTOR)
    add_products (d, k, true, rdu_lanes (RDU_VECTOR), rows, columns, sum);
  if (k < d->k)
    add_products (d, k, false, rdu_lanes (d->k - k), rows, columns, sum);
  add_up (sum, rows * columns, total);
  for (int i = 0; i < rows; i++)
    {
      float *c = d->c + i * d->c_row;
      const float *from = total + i * columns;
      if (columns > RDU_VECTOR / 2 && columns <= RDU_VECTOR && d->c_column == 1 && d->first)
        rdu_vec_store_lanes (c, rdu_lanes (columns), rdu_vec_load (from));
      else
        for (int j = 0; j < columns; j++, c += d->c_column)
          *c = d->first ? from[j] : *c + from[j];
    }
}

typedef void (*Block) (const Dots *dots);

/* Of each number of columns: so many rows that sums wait neither for loads nor for each other, and
 * one row. Where columns are parts of more, parts of both lengths have the same rows. */
#if RDU_VECTOR == 16
#define BLOCKS(X) \
  X (1, 8) X (2, 8) X (3, 5) X (4, 3) X (5, 3) X (6, 3) X (7, 3) X (8, 3) X (9, 2) X (10, 2)
#else
#define BLOCKS(X) X (1, 4) X (2, 4) X (3, 2) X (4, 2) X (5, 2) X (6, 2)
#endif

#define BLOCK(columns, rows)                               \
  static void block_##columns##_of_rows (const Dots *dots) \
  {                                                        \
    sum_block (dots, rows, columns);                       \
  }                                                        \
  static void block_##columns##_of_one (const Dots *dots)  \
  {                                                        \
    sum_block (dots, 1, columns);                          \
  }
BLOCKS (BLOCK)

static const struct
{
  int64_t rows;
  Block of_rows, of_one;
} blocks[] = {
#define ENTRY(columns, rows) { rows, block_##columns##_of_rows, block_##columns##_of_one },
  BLOCKS (ENTRY)
};

/* Operands whose depth is not contiguous: the same sums, element by element. */
static void
sum_strided (const Dots *d, int64_t m, int64_t n)
{
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      {
        float lane[2][RDU_VECTOR], total[RDU_VECTOR], *c = d->c + i * d->c_row + j * d->c_column;
        RduVec sum = rdu_vec_zero ();
        for (int64_t k = 0; k < d->k; k += RDU_VECTOR)
          {
            for (int64_t l = 0; l < RDU_VECTOR; l++)
              {
                bool is_inside = k + l < d->k;
                lane[0][l] = is_inside ? d->a[i * d->a_row + (k + l) * d->a_depth] : 0;
                lane[1][l] = is_inside ? d->b[j * d->b_row + (k + l) * d->b_depth] : 0;
              }
            sum = rdu_vec_fma (rdu_vec_load (lane[0]), rdu_vec_load (lane[1]), sum);
          }
        add_up (&sum, 1, total);
        *c = d->first ? total[0] : *c + total[0];
      }
}

static void
gemm (const RduCall *call)
{
  const RduView *a = call->src[0], *b = call->src[1], *y = call->dst[0];
  const int64_t m = y->n[0], n = y->n[1], most = (int64_t) (sizeof blocks / sizeof blocks[0]);
  Dots all = { .a = a->data,
               .b = b->data,
               .a_row = a->stride[0],
               .a_depth = a->stride[1],
               .b_row = b->stride[0],
               .b_depth = b->stride[1],
               .k = a->n[1],
               .c = y->data,
               .c_row = y->stride[0],
               .c_column = y->stride[1],
               .first = call->first };
  if (all.a_depth != 1 || all.b_depth != 1)
    {
      sum_strided (&all, m, n);
      return;
    }
  if (n == 0)
    return;
  int64_t n_parts = (n + most - 1) / most;
  int64_t rows = blocks[n / n_parts - 1].rows;
  for (int64_t i = 0, step; i < m; i += step)
    {
      step = i + rows <= m ? rows : 1;
      for (int64_t part = 0; part < n_parts; part++)
        {
          int64_t j = n * part / n_parts, columns = n * (part + 1) / n_parts - j;
          Dots dots = all;
          dots.a += i * all.a_row;
          dots.b += j * all.b_row;
          dots.c += i * all.c_row + j * all.c_column;
          (step == rows ? blocks[columns - 1].of_rows : blocks[columns - 1].of_one) (&dots);
        }
    }
}

static const RduKernel kernel = { .name = "gemm", .version = 1, .func = gemm, .goes_on = 1u << 0 };

const RduKernel *
RDU_SYMBOL (rdu_dots_choose) (const RduCall *whole)
{
  const RduView *a = whole->src[0], *b = whole->src[1];
  bool is_x_wt = a->rank == 2 && b->rank == 2 && whole->imm[0] == 0 && whole->imm[1] != 0;
  if (!is_x_wt || !whole->first || a->dtype != SF_F32 || b->dtype != SF_F32
      || b->dim[0] > MOST_COLUMNS)
    return NULL;
  return a->dim[1] >= LEAST_DEPTH || (a->dim[0] <= FEW_ROWS && a->dim[1] >= LEAST_DEPTH_OF_FEW_ROWS)
             ? &kernel
             : NULL;
}
