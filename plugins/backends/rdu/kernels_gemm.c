/* SPDX-License-Identifier: Apache-2.0 */
/* gemm: the last two dimensions contracted, the leading ones broadcast. */
#include <string.h>

#include "plugins/backends/rdu/kernels_contract.h"
#include "plugins/backends/rdu/kernels_view.h"

typedef struct
{
  const float *a, *b;
  int64_t a_row, a_col, b_row, b_col, c_col;
} Operands;

/* Integers: plain sums that wrap, in any order. */
static void
contract_ints (const RduContraction *job)
{
  const Operands *o = job->operands;
  for (int64_t i = 0; i < job->m; i++)
    for (int64_t j = 0; j < job->n; j++)
      {
        uint32_t *c = (uint32_t *) (void *) job->c + i * job->c_row + j * o->c_col;
        const uint32_t *a = (const uint32_t *) (const void *) o->a + i * o->a_row;
        const uint32_t *b = (const uint32_t *) (const void *) o->b + j * o->b_col;
        uint32_t sum = job->first ? 0 : *c;
        for (int64_t k = 0; k < job->k; k++)
          sum += a[k * o->a_col] * b[k * o->b_row];
        *c = sum;
      }
}

static void
pack_a (const void *operands, int64_t i0, int64_t in, int64_t k0, int64_t kn, float *to,
        int64_t *tables)
{
  const Operands *o = operands;
  for (int64_t i = 0; i < in; i += RDU_MR, to += kn * RDU_MR)
    {
      int64_t rows = in - i < RDU_MR ? in - i : RDU_MR;
      if (rows < RDU_MR)
        memset (to, 0, (size_t) (kn * RDU_MR) * 4);
      for (int64_t r = 0; r < rows; r++)
        {
          const float *from = o->a + (i0 + i + r) * o->a_row + k0 * o->a_col;
          for (int64_t k = 0; k < kn; k++)
            to[k * RDU_MR + r] = from[k * o->a_col];
        }
    }
}

static void
pack_b (const void *operands, int64_t k0, int64_t kn, int64_t j0, int64_t jn, float *to,
        int64_t *tables)
{
  const Operands *o = operands;
  for (int64_t j = 0; j < jn; j += RDU_NR)
    {
      int64_t columns = jn - j < RDU_NR ? jn - j : RDU_NR;
      for (int64_t k = 0; k < kn; k++, to += RDU_NR)
        {
          const float *from = o->b + (k0 + k) * o->b_row + (j0 + j) * o->b_col;
          if (o->b_col == 1)
            memcpy (to, from, (size_t) columns * 4);
          else
            for (int64_t c = 0; c < columns; c++)
              to[c] = from[c * o->b_col];
          if (columns < RDU_NR)
            memset (to + columns, 0, (size_t) (RDU_NR - columns) * 4);
        }
    }
}

static void
strided_columns (const void *operands, int64_t j0, int64_t jn, int64_t *offset)
{
  const Operands *o = operands;
  for (int64_t j = 0; j < jn; j++)
    offset[j] = (j0 + j) * o->c_col;
}

/* The leading dimensions: how far each operand moves from one matrix to the next. */
typedef struct
{
  int rank;
  int64_t n[SF_MAX_RANK], a[SF_MAX_RANK], b[SF_MAX_RANK], y[SF_MAX_RANK];
} Batch;

/* Rows of consecutive matrices against one right operand are one longer matrix. */
static void
merge_rows (Batch *batch, Operands *o, RduContraction *job)
{
  for (int d = batch->rank - 1; d >= 0; d--)
    {
      if (batch->n[d] != 1)
        {
          if (job->m == 1)
            {
              o->a_row = batch->a[d];
              job->c_row = batch->y[d];
            }
          if (batch->b[d] != 0 || batch->a[d] != o->a_row * job->m
              || batch->y[d] != job->c_row * job->m)
            return;
          job->m *= batch->n[d];
        }
      batch->rank = d;
    }
}

static void
gemm (const RduCall *call)
{
  const RduView *a = call->src[0], *b = call->src[1], *y = call->dst[0];
  bool ta = call->imm[0] != 0, tb = call->imm[1] != 0;
  int a1 = a->rank - 1, b1 = b->rank - 1, y1 = y->rank - 1;
  Operands o = { .a_row = a->stride[ta ? a1 : a1 - 1],
                 .a_col = a->stride[ta ? a1 - 1 : a1],
                 .b_row = b->stride[tb ? b1 : b1 - 1],
                 .b_col = b->stride[tb ? b1 - 1 : b1],
                 .c_col = y->stride[y1] };
  RduContraction job = { .m = y->n[y1 - 1],
                         .n = y->n[y1],
                         .k = a->n[ta ? a1 - 1 : a1],
                         .operands = &o,
                         .pack_a = pack_a,
                         .pack_b = pack_b,
                         .columns = o.c_col == 1 ? NULL : strided_columns,
                         .c_row = y->stride[y1 - 1],
                         .first = call->first };
  Batch batch = { .rank = y->rank - 2 };
  int64_t n_matrices = 1, index[SF_MAX_RANK] = { 0 };
  for (int d = 0; d < batch.rank; d++)
    {
      batch.n[d] = y->n[d];
      batch.a[d] = rdu_broadcast_stride (a, d, y->rank, y->n[d]);
      batch.b[d] = rdu_broadcast_stride (b, d, y->rank, y->n[d]);
      batch.y[d] = y->stride[d];
    }
  merge_rows (&batch, &o, &job);
  for (int d = 0; d < batch.rank; d++)
    n_matrices *= batch.n[d];
  o.a = a->data;
  o.b = b->data;
  job.c = y->data;
  for (int64_t i = 0; i < n_matrices; i++)
    {
      if (y->is_int)
        contract_ints (&job);
      else
        RDU_SYMBOL (rdu_contract) (&job, call->scratch);
      for (int d = batch.rank - 1; d >= 0; d--)
        {
          bool wrapped = ++index[d] == batch.n[d];
          int64_t steps = wrapped ? 1 - batch.n[d] : 1;
          o.a += steps * batch.a[d];
          o.b += steps * batch.b[d];
          job.c += steps * batch.y[d];
          if (!wrapped)
            break;
          index[d] = 0;
        }
    }
}

const RduKernel RDU_SYMBOL (rdu_gemm_kernels)[] = {
  { "gemm", 1, gemm },
  { NULL, 0, NULL },
};
