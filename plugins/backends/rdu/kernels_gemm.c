/* SPDX-License-Identifier: Apache-2.0 */
/* gemm: the last two dimensions contracted, the leading ones broadcast. */
#include "plugins/backends/rdu/kernels_dots.h"
#include "plugins/backends/rdu/kernels_pair.h"
#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_product.h"
#include "plugins/backends/rdu/kernels_view.h"

/* Integers: plain sums that wrap, in any order. */
static void
multiply_ints (const RduProduct *p)
{
  for (int64_t i = 0; i < p->m; i++)
    for (int64_t j = 0; j < p->n; j++)
      {
        uint32_t *c = (uint32_t *) (void *) p->c + i * p->c_row + j * p->c_column;
        const uint32_t *a = (const uint32_t *) (const void *) p->a + i * p->a_row;
        const uint32_t *b = (const uint32_t *) (const void *) p->b + j * p->b_column;
        uint32_t sum = p->first ? 0 : *c;
        for (int64_t k = 0; k < p->k; k++)
          sum += a[k * p->a_depth] * b[k * p->b_depth];
        *c = sum;
      }
}

/* The leading dimensions: how far each operand moves from one matrix to the next. */
typedef struct
{
  int rank;
  int64_t n[SF_MAX_RANK], a[SF_MAX_RANK], b[SF_MAX_RANK], packed[SF_MAX_RANK], y[SF_MAX_RANK];
} Batch;

/* Rows of consecutive matrices against one right operand are one longer matrix. */
static void
merge_rows (Batch *batch, RduProduct *p)
{
  for (int d = batch->rank - 1; d >= 0; d--)
    {
      if (batch->n[d] != 1)
        {
          if (p->m == 1)
            {
              p->a_row = batch->a[d];
              p->c_row = batch->y[d];
            }
          if (batch->b[d] != 0 || batch->a[d] != p->a_row * p->m || batch->y[d] != p->c_row * p->m)
            return;
          p->m *= batch->n[d];
        }
      batch->rank = d;
    }
}

/* Whether a contraction of bf16 operands runs on their own products here. */
static bool
in_pairs (const RduView *v)
{
#ifdef RDU_HAS_PAIRS
  return v->dtype == SF_BF16;
#else
  (void) v;
  return false;
#endif
}

/* Elements of one matrix of the right operand, packed: its columns as whole vectors. */
static int64_t
packed_matrix (const RduView *b, bool tb)
{
  int64_t k = b->dim[b->rank - (tb ? 1 : 2)];
  return rdu_panel_width (b->dim[b->rank - (tb ? 2 : 1)]) * (in_pairs (b) ? rdu_n_pairs (k) : k);
}

/* Whether the packed operand has a box: begun with a vector of columns, and with a pair. */
static bool
is_in_packed (const RduView *b, int column, int depth, bool pairs)
{
  if (b->packed == NULL || in_pairs (b) != pairs || b->lo[column] % RDU_VECTOR != 0)
    return false;
  for (int d = 0; d < b->rank; d++)
    if (b->step[d] != 1 || b->lo[d] < 0 || b->lo[d] + b->n[d] > b->dim[d])
      return false;
  return !pairs
         || (b->lo[depth] % 2 == 0
             && (b->n[depth] % 2 == 0 || b->lo[depth] + b->n[depth] == b->dim[depth]));
}

/* Takes the box out of the packed operand. */
static void
find_packed (const RduView *b, bool tb, int rank, Batch *batch, RduProduct *p)
{
  int column = b->rank - (tb ? 2 : 1), depth = b->rank - (tb ? 1 : 2);
  int64_t stride = packed_matrix (b, tb);
  if (!is_in_packed (b, column, depth, p->pairs))
    return;
  p->packed = b->packed;
  for (int d = b->rank - 3, to = rank - 3; d >= 0; stride *= b->dim[d--], to--)
    {
      p->packed += b->lo[d] * stride;
      batch->packed[to] = b->n[d] == 1 && batch->n[to] != 1 ? 0 : stride;
    }
  p->packed_k = p->pairs ? rdu_n_pairs (b->dim[depth]) : b->dim[depth];
  p->packed_n = b->dim[column];
  p->k0 = p->pairs ? b->lo[depth] / 2 : b->lo[depth];
  p->n0 = b->lo[column];
}

/* A column of results is computed as a row, and rows that are not contiguous as columns that
 * are: factors of a product may change places. */
static void
turn (RduProduct *p)
{
  RduProduct q = *p;
  if (p->packed != NULL || p->c_row != 1 || (p->n > 1 && p->c_column == 1))
    return;
  *p = (RduProduct){ .m = q.n,
                     .n = q.m,
                     .k = q.k,
                     .a = q.b,
                     .b = q.a,
                     .a_row = q.b_column,
                     .a_depth = q.b_depth,
                     .b_depth = q.a_depth,
                     .b_column = q.a_row,
                     .c = q.c,
                     .c_row = q.c_column,
                     .c_column = q.c_row,
                     .first = q.first,
                     .pairs = q.pairs };
}

static void
multiply (const RduProduct *product, bool is_int, float *scratch)
{
  RduProduct p = *product;
  if (is_int)
    {
      multiply_ints (&p);
      return;
    }
  turn (&p);
  RDU_SYMBOL (rdu_product) (&p, scratch);
}

static void
gemm (const RduCall *call)
{
  const RduView *a = call->src[0], *b = call->src[1], *y = call->dst[0];
  bool ta = call->imm[0] != 0, tb = call->imm[1] != 0;
  int a1 = a->rank - 1, b1 = b->rank - 1, y1 = y->rank - 1;
  RduProduct p = { .m = y->n[y1 - 1],
                   .n = y->n[y1],
                   .k = a->n[ta ? a1 - 1 : a1],
                   .a = a->data,
                   .b = b->data,
                   .a_row = a->stride[ta ? a1 : a1 - 1],
                   .a_depth = a->stride[ta ? a1 - 1 : a1],
                   .b_depth = b->stride[tb ? b1 : b1 - 1],
                   .b_column = b->stride[tb ? b1 - 1 : b1],
                   .c = y->data,
                   .c_row = y->stride[y1 - 1],
                   .c_column = y->n[y1] == 1 ? 1 : y->stride[y1],
                   .first = call->first,
                   .pairs = in_pairs (a) && in_pairs (b) };
  Batch batch = { .rank = y->rank - 2 };
  int64_t n_matrices = 1, index[SF_MAX_RANK] = { 0 };
  for (int d = 0; d < batch.rank; d++)
    {
      batch.n[d] = y->n[d];
      batch.a[d] = rdu_broadcast_stride (a, d, y->rank, y->n[d]);
      batch.b[d] = rdu_broadcast_stride (b, d, y->rank, y->n[d]);
      batch.y[d] = y->stride[d];
    }
  find_packed (b, tb, y->rank, &batch, &p);
  merge_rows (&batch, &p);
  for (int d = 0; d < batch.rank; d++)
    n_matrices *= batch.n[d];
  for (int64_t i = 0; i < n_matrices; i++)
    {
      multiply (&p, y->is_int, call->scratch);
      for (int d = batch.rank - 1; d >= 0; d--)
        {
          bool wrapped = ++index[d] == batch.n[d];
          int64_t steps = wrapped ? 1 - batch.n[d] : 1;
          p.a += steps * batch.a[d];
          p.b += steps * batch.b[d];
          p.c += steps * batch.y[d];
          if (p.packed != NULL)
            p.packed += steps * batch.packed[d];
          if (!wrapped)
            break;
          index[d] = 0;
        }
    }
}

static int64_t
packed_elems (const RduView *whole, int src, const int64_t *imm)
{
  if (src != 1 || whole->is_int || whole->rank < 2)
    return 0;
  int64_t elems = packed_matrix (whole, imm[1] != 0);
  for (int d = 0; d < whole->rank - 2; d++)
    elems *= whole->dim[d];
  return elems;
}

static void
pack_panel (const float *from, int64_t depth, int64_t column, int64_t k, int64_t n, bool pairs,
            float *to)
{
#ifdef RDU_HAS_PAIRS
  if (pairs)
    {
      RDU_SYMBOL (rdu_pair_panel) (from, depth, column, k, n, to);
      return;
    }
#endif
  (void) pairs;
  RDU_SYMBOL (rdu_pack_panel) (from, depth, column, k, n, to);
}

/* Panels of all matrices, one after the other, are shared out evenly. */
static void
pack (const RduView *whole, int src, const int64_t *imm, void *to, int64_t part, int64_t n_parts)
{
  bool tb = imm[1] != 0;
  int column = whole->rank - (tb ? 2 : 1), depth = whole->rank - (tb ? 1 : 2);
  int64_t n = whole->dim[column], k = whole->dim[depth], n_matrices = 1;
  int64_t steps = in_pairs (whole) ? rdu_n_pairs (k) : k;
  int64_t n_panels = (n + RDU_TILE_COLUMNS - 1) / RDU_TILE_COLUMNS;
  for (int d = 0; d < whole->rank - 2; d++)
    n_matrices *= whole->dim[d];
  int64_t n_all = n_matrices * n_panels;
  for (int64_t p = n_all * part / n_parts; p < n_all * (part + 1) / n_parts; p++)
    {
      int64_t matrix = p / n_panels, j = p % n_panels * RDU_TILE_COLUMNS;
      const float *from = (const float *) whole->data + j * whole->stride[column];
      for (int64_t d = whole->rank - 3, left = matrix; d >= 0; left /= whole->dim[d--])
        from += left % whole->dim[d] * whole->stride[d];
      pack_panel (from, whole->stride[depth], whole->stride[column], k,
                  n - j < RDU_TILE_COLUMNS ? n - j : RDU_TILE_COLUMNS, in_pairs (whole),
                  (float *) to + matrix * packed_matrix (whole, tb) + j * steps);
    }
}

/* Floats are nearly as fast as they lie: packing pays where more than 512 rows use them. */
static int64_t
least_use (const RduView *whole)
{
  return in_pairs (whole) ? 8 : 513;
}

static const RduPack right_panels = { packed_elems, pack, .least_use = least_use };

/* Making pairs is rounding. */
static bool
rounds (const RduCall *whole)
{
  return in_pairs (whole->src[0]) && in_pairs (whole->src[1]);
}

const RduKernel RDU_SYMBOL (rdu_gemm_kernels)[] = {
  { .name = "gemm",
    .version = 1,
    .func = gemm,
    .pack = &right_panels,
    .goes_on = ~0u,
    .choose = RDU_SYMBOL (rdu_dots_choose),
    .rounds = rounds },
  { .name = NULL },
};
