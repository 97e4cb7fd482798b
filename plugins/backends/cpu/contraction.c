/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products: matmul with broadcast leading dimensions, linear. */
#include <sf/checked.h>

#include "gemm.h"

typedef struct
{
  int64_t m, n, k;
  const int64_t *a, *b;
  int64_t *c;
} IntGemm;

/* c += a b in whole numbers, which wrap. */
static void
int_gemm_range (void *data, int worker, int64_t begin, int64_t end)
{
  const IntGemm *g = data;
  for (int64_t row = begin; row < end; row++)
    for (int64_t k = 0; k < g->k; k++)
      for (int64_t j = 0; j < g->n; j++)
        g->c[row * g->n + j] = (int64_t) ((uint64_t) g->c[row * g->n + j]
                                          + (uint64_t) g->a[row * g->k + k]
                                                * (uint64_t) g->b[k * g->n + j]);
}

/* A row-major copy of `count` matrices of rows x cols that lie transposed; sf_aligned_free. NULL
 * with *error. */
static double *
untransposed (CpuCall *call, const double *x, int64_t count, int64_t rows, int64_t cols,
              GError **error)
{
  double *copy = sf_aligned_alloc ((size_t) (count * rows * cols), sizeof (double),
                                   sf_node_name (call->graph, call->node), error);
  if (copy == NULL)
    return NULL;
  const SfShape box = SF_SHAPE (count, rows, cols);
  const int64_t from[SF_MAX_RANK] = { rows * cols, 1, rows },
                to[SF_MAX_RANK] = { rows * cols, cols, 1 };
  cpu_copy_box (call->workers, &box, x, 0, from, copy, 0, to);
  return copy;
}

/* ---- matmul ---- */

/* A shape without its last two dimensions. */
static SfShape
leading (const SfShape *shape)
{
  return sf_shape (shape->rank - 2, shape->dim);
}

static void
multiply (CpuCall *call, int64_t m, int64_t n, int64_t k, const double *a, const double *b,
          bool b_transposed, double *c)
{
  if (sf_dtype_is_float (call->out[0].dtype))
    {
      cpu_gemm (call->workers, m, n, k, a, b, b_transposed, c);
      return;
    }
  IntGemm gemm = { m, n, k, (const int64_t *) a, (const int64_t *) b, (int64_t *) c };
  cpu_parallel (call->workers, m, n * k, int_gemm_range, &gemm);
}

static void
multiply_batches (CpuCall *call, const double *a, const double *b, bool b_transposed)
{
  const CpuTensor *y = &call->out[0];
  int rank = y->shape.rank;
  int64_t m = y->shape.dim[rank - 2], n = y->shape.dim[rank - 1], strides[SF_MAX_RANK];
  bool transposed = cpu_attr_int (call, "transpose_a") != 0;
  int64_t k = call->in[0].shape.dim[call->in[0].shape.rank - (transposed ? 2 : 1)];
  SfShape batch = leading (&y->shape);
  CpuCursor cursor;
  cpu_cursor_init (&cursor, &batch);
  for (size_t side = 0; side < 2; side++)
    {
      SfShape own = leading (&call->in[side].shape);
      cpu_broadcast_strides (&own, &batch, strides);
      cpu_cursor_add (&cursor, strides);
    }
  int64_t n_batches = sf_shape_n_elems (&batch);
  if (n_batches > 0)
    cpu_cursor_seek (&cursor, 0);
  for (int64_t e = 0; e < n_batches; e++)
    {
      multiply (call, m, n, k, a + cursor.offset[0] * m * k, b + cursor.offset[1] * k * n,
                b_transposed, y->f + e * m * n);
      cpu_cursor_advance (&cursor, 1);
    }
}

static bool
run_matmul (CpuCall *call, GError **error)
{
  static const char *const transposes[2] = { "transpose_a", "transpose_b" };
  double *copies[2] = { NULL, NULL };
  const double *sides[2];
  /* Products of floats read b as it lies. */
  bool b_transposed = sf_dtype_is_float (call->out[0].dtype) && cpu_attr_int (call, "transpose_b");
  bool ok = true;
  for (int side = 0; side < 2 && ok; side++)
    {
      const CpuTensor *x = &call->in[side];
      int rank = x->shape.rank;
      sides[side] = x->f;
      if (!cpu_attr_int (call, transposes[side]) || (side == 1 && b_transposed))
        continue;
      copies[side] = untransposed (call, x->f, cpu_shape_product (&x->shape, 0, rank - 2),
                                   x->shape.dim[rank - 1], x->shape.dim[rank - 2], error);
      sides[side] = copies[side];
      ok = copies[side] != NULL;
    }
  if (ok)
    multiply_batches (call, sides[0], sides[1], b_transposed);
  sf_aligned_free (copies[0]);
  sf_aligned_free (copies[1]);
  return ok;
}

/* ---- linear ---- */

static void
add_bias (void *data, int worker, int64_t begin, int64_t end)
{
  const CpuCall *call = data;
  const CpuTensor *bias = &call->in[2];
  for (int64_t row = begin; row < end; row++)
    for (int64_t j = 0; j < bias->n; j++)
      call->out[0].f[row * bias->n + j] += bias->f[j];
}

static bool
run_linear (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0], *w = &call->in[1];
  int64_t n_out = w->shape.dim[0], n_in = w->shape.dim[1];
  int64_t rows = cpu_shape_product (&x->shape, 0, x->shape.rank - 1);
  cpu_gemm (call->workers, rows, n_out, n_in, x->f, w->f, true, call->out[0].f);
  if (call->n_in > 2 && call->in[2].data != NULL)
    cpu_parallel (call->workers, rows, n_out, add_bias, call);
  return true;
}

const CpuKernel cpu_kernels_contraction[] = {
  { "matmul", 1, run_matmul, NULL },
  { "linear", 1, run_linear, NULL },
  { NULL },
};
