/* SPDX-License-Identifier: Apache-2.0 */
/* The tile-op table: what an instruction of a stage may be. docs/program.md says what each op
 * means. */
#include "core/program/tileop.h"

/* clang-format off */
#define UNARY(name, types, summary) \
  { { name, 1, SF_TILE_MAP, 1, 1, 1, false, false, 0, 0, summary }, types, -1, sf_boxes_map }
#define BINARY(name, types, summary) \
  { { name, 1, SF_TILE_MAP, 2, 2, 1, false, false, 0, 0, summary }, types, -1, sf_boxes_map }
#define SHIFT(name, summary) \
  { { name, 1, SF_TILE_MAP, 2, 2, 1, false, false, 1, 0, summary }, SF_TILE_INTS, -1, sf_boxes_shift }
#define REDUCE(name, summary) \
  { { name, 1, SF_TILE_REDUCE, 1, 1, 1, true, false, 2, 0, summary }, SF_TILE_NUMBERS, -1, sf_boxes_reduce }
#define ROWS(name, n_src, summary) \
  { { name, 1, SF_TILE_ROW, n_src, n_src, 1, false, false, 1, 0, summary }, SF_TILE_FLOATS, -1, sf_boxes_rows }
#define WINDOW(name, n_src, accumulates, pad_src, n_imm, boxes, summary) \
  { { name, 1, SF_TILE_WINDOW, n_src, n_src, 1, accumulates, (pad_src) >= 0, n_imm, 0, summary }, SF_TILE_FLOATS, pad_src, boxes }

static const SfTileRow rows[] = {
  UNARY ("neg", SF_TILE_NUMBERS, "-x"),
  UNARY ("abs", SF_TILE_NUMBERS, "|x|"),
  UNARY ("sign", SF_TILE_NUMBERS, "-1, 0 or 1"),
  UNARY ("exp", SF_TILE_FLOATS, "e^x"),
  UNARY ("log", SF_TILE_FLOATS, "natural logarithm"),
  UNARY ("sqrt", SF_TILE_FLOATS, "square root"),
  UNARY ("rsqrt", SF_TILE_FLOATS, "1 / square root"),
  UNARY ("reciprocal", SF_TILE_FLOATS, "1 / x"),
  UNARY ("sin", SF_TILE_FLOATS, "sine"),
  UNARY ("cos", SF_TILE_FLOATS, "cosine"),
  UNARY ("tan", SF_TILE_FLOATS, "tangent"),
  UNARY ("asin", SF_TILE_FLOATS, "inverse sine"),
  UNARY ("acos", SF_TILE_FLOATS, "inverse cosine"),
  UNARY ("atan", SF_TILE_FLOATS, "inverse tangent"),
  UNARY ("sinh", SF_TILE_FLOATS, "hyperbolic sine"),
  UNARY ("cosh", SF_TILE_FLOATS, "hyperbolic cosine"),
  UNARY ("tanh", SF_TILE_FLOATS, "hyperbolic tangent"),
  UNARY ("asinh", SF_TILE_FLOATS, "inverse hyperbolic sine"),
  UNARY ("acosh", SF_TILE_FLOATS, "inverse hyperbolic cosine"),
  UNARY ("atanh", SF_TILE_FLOATS, "inverse hyperbolic tangent"),
  UNARY ("sigmoid", SF_TILE_FLOATS, "1 / (1 + e^-x)"),
  UNARY ("erf", SF_TILE_FLOATS, "error function"),
  UNARY ("floor", SF_TILE_FLOATS, "round down"),
  UNARY ("ceil", SF_TILE_FLOATS, "round up"),
  UNARY ("round", SF_TILE_FLOATS, "round half to even"),
  UNARY ("relu", SF_TILE_FLOATS, "max (x, 0)"),
  UNARY ("gelu", SF_TILE_FLOATS, "x times the normal distribution function"),
  UNARY ("gelu_tanh", SF_TILE_FLOATS, "gelu by tanh"),
  UNARY ("not", SF_TILE_LOGIC, "not x"),
  UNARY ("bit_not", SF_TILE_INTS, "every bit of x turned over"),
  { { "cast", 1, SF_TILE_MAP, 1, 1, 1, false, false, 2, 0, "between dtypes" }, SF_TILE_ANY, -1, sf_boxes_cast },
  BINARY ("add", SF_TILE_NUMBERS, "a + b"),
  BINARY ("sub", SF_TILE_NUMBERS, "a - b"),
  BINARY ("mul", SF_TILE_NUMBERS, "a b"),
  BINARY ("div", SF_TILE_NUMBERS, "a / b"),
  BINARY ("mod", SF_TILE_NUMBERS, "a - b floor (a / b)"),
  BINARY ("fmod", SF_TILE_NUMBERS, "a - b trunc (a / b)"),
  BINARY ("pow", SF_TILE_FLOATS, "a^b"),
  BINARY ("max", SF_TILE_NUMBERS, "greater of a, b"),
  BINARY ("min", SF_TILE_NUMBERS, "lesser of a, b"),
  BINARY ("eq", SF_TILE_COMPARE, "a = b"),
  BINARY ("ne", SF_TILE_COMPARE, "a != b"),
  BINARY ("lt", SF_TILE_COMPARE, "a < b"),
  BINARY ("le", SF_TILE_COMPARE, "a <= b"),
  BINARY ("gt", SF_TILE_COMPARE, "a > b"),
  BINARY ("ge", SF_TILE_COMPARE, "a >= b"),
  BINARY ("and", SF_TILE_LOGIC, "a and b"),
  BINARY ("or", SF_TILE_LOGIC, "a or b"),
  BINARY ("xor", SF_TILE_LOGIC, "a xor b"),
  BINARY ("bit_and", SF_TILE_INTS, "a and b, bit by bit"),
  BINARY ("bit_or", SF_TILE_INTS, "a or b, bit by bit"),
  BINARY ("bit_xor", SF_TILE_INTS, "a xor b, bit by bit"),
  SHIFT ("shift_left", "a 2^b"),
  SHIFT ("shift_right", "a / 2^b, rounded down"),
  BINARY ("relu_bwd", SF_TILE_FLOATS, "dy where x > 0"),
  BINARY ("gelu_bwd", SF_TILE_FLOATS, "gradient of gelu"),
  BINARY ("gelu_tanh_bwd", SF_TILE_FLOATS, "gradient of gelu_tanh"),
  { { "select", 1, SF_TILE_MAP, 3, 3, 1, false, false, 0, 0, "c ? a : b" }, SF_TILE_SELECT, -1, sf_boxes_map },
  REDUCE ("reduce_sum", "sum over axes"),
  REDUCE ("reduce_max", "greatest over axes"),
  REDUCE ("reduce_min", "least over axes"),
  REDUCE ("reduce_prod", "product over axes"),
  { { "gemm", 1, SF_TILE_GEMM, 2, 2, 1, true, false, 2, 0, "matrix product of the last two dimensions" }, SF_TILE_NUMBERS, -1, sf_boxes_gemm },
  WINDOW ("conv2d", 2, true, 0, 4, sf_boxes_conv2d, "2-D convolution of a padded box"),
  WINDOW ("conv2d_dx", 2, false, -1, 6, sf_boxes_conv2d_dx, "gradient of conv2d by its input"),
  WINDOW ("conv2d_dw", 2, true, 1, 4, sf_boxes_conv2d_dw, "gradient of conv2d by its weight"),
  WINDOW ("max_pool2d", 1, false, 0, 6, sf_boxes_max_pool2d, "greatest of each window"),
  WINDOW ("max_pool2d_bwd", 2, false, -1, 8, sf_boxes_max_pool2d_bwd, "gradient to the first maximum of each window"),
  WINDOW ("avg_pool2d", 1, false, 0, 9, sf_boxes_avg_pool2d, "mean of each window"),
  WINDOW ("avg_pool2d_bwd", 1, false, -1, 9, sf_boxes_avg_pool2d_bwd, "gradient of avg_pool2d"),
  { { "copy", 1, SF_TILE_MOVE, 1, 1, 1, false, true, 9, 1, "permute, repeat, pad" }, SF_TILE_ALIKE, 0, sf_boxes_copy },
  { { "gather", 1, SF_TILE_INDEX, 2, 2, 1, false, false, 1, 0, "rows of x by index" }, SF_TILE_GATHER, -1, sf_boxes_gather },
  { { "gather_add", 1, SF_TILE_INDEX, 2, 2, 1, true, false, 1, 0, "adds the rows of x at hand by index" }, SF_TILE_GATHER, -1, sf_boxes_gather_add },
  { { "scatter_add", 1, SF_TILE_INDEX, 2, 2, 1, true, false, 1, 0, "adds rows at indices, in order" }, SF_TILE_SCATTER, -1, sf_boxes_scatter_add },
  { { "scatter", 1, SF_TILE_INDEX, 3, 3, 1, false, false, 2, 0, "x with rows at indices set or combined, in order" }, SF_TILE_SCATTER_INTO, -1, sf_boxes_scatter },
  ROWS ("softmax", 1, "e^x over its sum along axis"),
  ROWS ("log_softmax", 1, "logarithm of softmax"),
  ROWS ("softmax_bwd", 2, "gradient of softmax"),
  ROWS ("log_softmax_bwd", 2, "gradient of log_softmax"),
  { { "cumsum", 1, SF_TILE_ROW, 1, 1, 1, false, false, 3, 0, "running sum along axis" }, SF_TILE_NUMBERS, -1, sf_boxes_rows },
  { { "sort", 1, SF_TILE_ROW, 1, 1, 2, false, false, 2, 0, "rows in order, and where each element was" }, SF_TILE_SORT, -1, sf_boxes_sort },
  { { "layer_norm", 1, SF_TILE_ROW, 3, 3, 3, false, false, 1, 1, "normalise over the last dimensions" }, SF_TILE_FLOATS, -1, sf_boxes_layer_norm },
  { { "layer_norm_dx", 1, SF_TILE_ROW, 5, 5, 1, false, false, 1, 0, "gradient of layer_norm by its input" }, SF_TILE_FLOATS, -1, sf_boxes_layer_norm_dx },
  { { "fill", 1, SF_TILE_SOURCE, 0, 0, 1, false, false, 0, 1, "one value" }, SF_TILE_ANY, -1, sf_boxes_any },
  { { "iota", 1, SF_TILE_SOURCE, 0, 0, 1, false, false, 1, 0, "index along axis" }, SF_TILE_INDICES, -1, sf_boxes_axis },
  { { "uniform", 1, SF_TILE_SOURCE, 1, 1, 1, false, false, 1, 0, "counter-based random numbers in [0, 1)" }, SF_TILE_RANDOM, -1, sf_boxes_uniform },
};
/* clang-format on */

size_t
sf_tile_op_count (void)
{
  return G_N_ELEMENTS (rows);
}

const SfTileOp *
sf_tile_op_at (size_t index)
{
  return index < G_N_ELEMENTS (rows) ? &rows[index].op : NULL;
}

static gpointer
index_rows (gpointer data)
{
  GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    g_hash_table_insert (index, (gpointer) rows[i].op.name, (gpointer) &rows[i]);
  return index;
}

const SfTileRow *
sf_tile_row_find (const char *name, int version)
{
  static GOnce once = G_ONCE_INIT;
  const SfTileRow *row = name != NULL ? g_hash_table_lookup (g_once (&once, index_rows, NULL), name)
                                      : NULL;
  return row != NULL && row->op.version == version ? row : NULL;
}

const SfTileOp *
sf_tile_op_find (const char *name, int version)
{
  const SfTileRow *row = sf_tile_row_find (name, version);
  return row != NULL ? &row->op : NULL;
}

bool
sf_tile_types_fit (SfTileTypes types, const SfDtype *src, size_t n_src, size_t dst, SfDtype to)
{
  bool alike = true;
  for (size_t i = 1; i < n_src; i++)
    alike = alike && src[i] == src[0];
  switch (types)
    {
    case SF_TILE_FLOATS:
      return alike && src[0] == SF_F32 && to == SF_F32;
    case SF_TILE_NUMBERS:
      return alike && src[0] != SF_BOOL && to == src[0];
    case SF_TILE_INTS:
      return alike && src[0] == SF_I32 && to == SF_I32;
    case SF_TILE_COMPARE:
      return alike && to == SF_BOOL;
    case SF_TILE_LOGIC:
      return alike && src[0] == SF_BOOL && to == SF_BOOL;
    case SF_TILE_SELECT:
      return src[0] == SF_BOOL && src[1] == src[2] && to == src[1];
    case SF_TILE_ALIKE:
      return alike && to == src[0];
    case SF_TILE_ANY:
      return true;
    case SF_TILE_GATHER:
      return src[1] == SF_I32 && to == src[0];
    case SF_TILE_SCATTER:
      return src[0] == SF_I32 && src[1] != SF_BOOL && to == src[1];
    case SF_TILE_SCATTER_INTO:
      return src[1] == SF_I32 && src[2] == src[0] && to == src[0];
    case SF_TILE_SORT:
      return src[0] != SF_BOOL && to == (dst == 0 ? src[0] : SF_I32);
    case SF_TILE_RANDOM:
      return src[0] == SF_I32 && to == SF_F32;
    case SF_TILE_INDICES:
      return to != SF_BOOL;
    }
  return false;
}
