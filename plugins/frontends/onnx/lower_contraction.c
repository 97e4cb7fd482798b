/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products and determinants. */
#include "einsum.h"

/* ---- MatMul ---- */

static void
lower_matmul (OnnxNode *node)
{
  SfValue a = onnx_input (node, 0), b = onnx_input (node, 1);
  SfShape left = onnx_shape (node, a), right = onnx_shape (node, b);
  if (onnx_failed (node))
    return;
  if (left.rank == 0 || right.rank == 0)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "found a scalar, wanted inputs of rank 1 or more");
      return;
    }
  if (left.rank == 1)
    a = onnx_reshape (node, a, SF_SHAPE (1, left.dim[0]));
  if (right.rank == 1)
    b = onnx_reshape (node, b, SF_SHAPE (right.dim[0], 1));
  SfValue y = onnx_matmul (node, a, b, false, false);
  SfShape full = onnx_shape (node, y), shape = { .rank = 0 };
  for (int d = 0; d < full.rank; d++)
    if (!(left.rank == 1 && d == full.rank - 2) && !(right.rank == 1 && d == full.rank - 1))
      shape.dim[shape.rank++] = full.dim[d];
  onnx_set (node, 0, onnx_reshape (node, y, shape));
}

/* ---- Gemm ---- */

/* C as the bias [N] of a linear layer; SF_NONE when it is anything else. */
static SfValue
bias_of (OnnxNode *node, int64_t n)
{
  SfShape shape = onnx_input_shape (node, 2);
  if (onnx_failed (node) || shape.rank < 1 || sf_shape_n_elems (&shape) != n
      || shape.dim[shape.rank - 1] != n)
    return SF_NONE;
  return onnx_reshape (node, onnx_input (node, 2), SF_SHAPE (n));
}

/* x w^T + b, where the node is exactly that. */
static SfValue
as_linear (OnnxNode *node, SfValue a, SfValue b, bool with_c)
{
  SfShape w = onnx_shape (node, b);
  if (onnx_failed (node) || w.rank != 2 || !sf_dtype_is_float (onnx_dtype (node, a)))
    return SF_NONE;
  SfValue bias = with_c ? bias_of (node, w.dim[0]) : SF_NONE;
  if (with_c && bias == SF_NONE)
    return SF_NONE;
  return onnx_node (node, "linear", (SfValue[]){ a, b, bias }, with_c ? 3 : 2, NULL, 0, NULL);
}

static void
lower_gemm (OnnxNode *node)
{
  double alpha = onnx_float (node, "alpha", 1), beta = onnx_float (node, "beta", 1);
  bool turn_a = onnx_int (node, "transA", 0) != 0, turn_b = onnx_int (node, "transB", 0) != 0;
  bool with_c = onnx_has_input (node, 2) && beta != 0;
  SfValue a = onnx_input (node, 0), b = onnx_input (node, 1), y = SF_NONE;
  if (!turn_a && turn_b && alpha == 1 && (!with_c || beta == 1))
    y = as_linear (node, a, b, with_c);
  if (y == SF_NONE)
    {
      y = onnx_matmul (node, a, b, turn_a, turn_b);
      y = alpha == 1 ? y : onnx_2f (node, "mul", y, alpha);
      SfValue c = with_c ? onnx_input (node, 2) : SF_NONE;
      if (with_c)
        y = onnx_2 (node, "add", y, beta == 1 ? c : onnx_2f (node, "mul", c, beta));
    }
  onnx_set (node, 0, y);
}

/* ---- Det ---- */

static void
lower_det (OnnxNode *node)
{
  onnx_set (node, 0, onnx_1 (node, "det", onnx_input (node, 0)));
}

const OnnxRow onnx_rows_contraction[] = {
  { "MatMul", 1, lower_matmul, 0, NULL, NULL },
  { "Gemm", 7, lower_gemm, 0, NULL, NULL },
  { "Einsum", 12, onnx_lower_einsum, 0, "at most 8 different indices in a product", NULL },
  { "Det", 11, lower_det, ONNX_HOST, NULL, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
