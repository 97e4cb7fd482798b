/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the ops with indices or random numbers: gather, scatter, scatter_add,
 * embedding, iota, rng_uniform, dropout. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

#include <string.h>

/* `x` with dimension `axis` replaced by those of `i`. */
static bool
taken (const SfShape *x, const SfShape *i, int axis, SfShape *y, GError **error)
{
  if (x->rank - 1 + i->rank > SF_MAX_RANK)
    return sf_refuse (error, "result has rank %d, wanted at most %d", x->rank - 1 + i->rank,
                      SF_MAX_RANK);
  *y = (SfShape){ 0 };
  for (int d = 0; d < axis; d++)
    y->dim[y->rank++] = x->dim[d];
  for (int d = 0; d < i->rank; d++)
    y->dim[y->rank++] = i->dim[d];
  for (int d = axis + 1; d < x->rank; d++)
    y->dim[y->rank++] = x->dim[d];
  return true;
}

static bool
infer_gather (SfInfer *infer, GError **error)
{
  int axis;
  SfShape y;
  if (!sf_infer_want_dtype (infer, 1, "i", SF_I32, error)
      || !sf_infer_axis (infer, "axis", infer->shape[0]->rank, &axis, error)
      || !taken (infer->shape[0], infer->shape[1], axis, &y, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
check_reduce (const SfInfer *infer, GError **error)
{
  static const char *const words[] = { "set", "add", "mul", "max", "min" };
  const char *word = sf_infer_attr (infer, "reduce")->s;
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (word, words[i]) == 0)
      return i == 0 || sf_infer_want_number (infer, 0, "x", error);
  return sf_refuse (error, "attribute reduce is '%s', wanted 'set', 'add', 'mul', 'max' or 'min'",
                    word);
}

static bool
infer_scatter (SfInfer *infer, GError **error)
{
  int axis;
  SfDtype dtype;
  SfShape want;
  if (!sf_infer_want_dtype (infer, 1, "i", SF_I32, error)
      || !sf_infer_axis (infer, "axis", infer->shape[0]->rank, &axis, error)
      || !taken (infer->shape[0], infer->shape[1], axis, &want, error)
      || !sf_infer_want_shape (infer, 2, "u", &want, error)
      || !sf_infer_meet (infer, 0, "x", 2, "u", &dtype, error) || !check_reduce (infer, error))
    return false;
  sf_infer_set (infer, 0, dtype, *infer->shape[0]);
  return true;
}

static bool
infer_scatter_add (SfInfer *infer, GError **error)
{
  const SfShape *i = infer->shape[0], *u = infer->shape[1];
  int64_t size = sf_infer_int (infer, "size");
  int axis;
  SfShape want;
  if (!sf_infer_want_dtype (infer, 0, "i", SF_I32, error)
      || !sf_infer_want_number (infer, 1, "u", error)
      || !sf_infer_want_min_rank (infer, 1, "u", i->rank, error))
    return false;
  SfShape y = { .rank = u->rank - i->rank + 1 };
  if (y.rank > SF_MAX_RANK)
    return sf_refuse (error, "result has rank %d, wanted at most %d", y.rank, SF_MAX_RANK);
  if (!sf_infer_axis (infer, "axis", y.rank, &axis, error))
    return false;
  if (size < 0 || size > INT32_MAX)
    return sf_refuse (error, "attribute size is %" G_GINT64_FORMAT ", wanted 0 to 2^31 - 1", size);
  for (int d = 0; d < y.rank; d++)
    y.dim[d] = d < axis ? u->dim[d] : d == axis ? size : u->dim[d + i->rank - 1];
  if (!taken (&y, i, axis, &want, error) || !sf_infer_want_shape (infer, 1, "u", &want, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[1], y);
  return true;
}

static bool
infer_embedding (SfInfer *infer, GError **error)
{
  SfShape y;
  if (!sf_infer_want_float (infer, 0, "table", error)
      || !sf_infer_want_rank (infer, 0, "table", 2, "[V,D]", error)
      || !sf_infer_want_dtype (infer, 1, "ids", SF_I32, error)
      || !taken (infer->shape[0], infer->shape[1], 0, &y, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
infer_embedding_bwd (SfInfer *infer, GError **error)
{
  const SfShape *dy = infer->shape[0], *ids = infer->shape[1];
  int64_t rows = sf_infer_int (infer, "rows");
  if (!sf_infer_want_float (infer, 0, "dy", error)
      || !sf_infer_want_min_rank (infer, 0, "dy", 1, error)
      || !sf_infer_want_dtype (infer, 1, "ids", SF_I32, error))
    return false;
  if (rows < 0 || rows > INT32_MAX)
    return sf_refuse (error, "attribute rows is %" G_GINT64_FORMAT ", wanted 0 to 2^31 - 1", rows);
  SfShape table = SF_SHAPE (rows, dy->dim[dy->rank - 1]), want;
  if (!taken (&table, ids, 0, &want, error) || !sf_infer_want_shape (infer, 0, "dy", &want, error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], table);
  return true;
}

static bool
check_stream (const SfInfer *infer, GError **error)
{
  int64_t stream = sf_infer_int (infer, "stream");
  if (stream >= 0 && stream <= UINT32_MAX)
    return true;
  return sf_refuse (error, "attribute stream is %" G_GINT64_FORMAT ", wanted 0 to 2^32 - 1",
                    stream);
}

static bool
check_rng (const SfInfer *infer, size_t input, GError **error)
{
  SfShape want = SF_SHAPE (3);
  return sf_infer_want_dtype (infer, input, "rng", SF_I32, error)
         && sf_infer_want_shape (infer, input, "rng", &want, error) && check_stream (infer, error);
}

static bool
attr_shape (const SfInfer *infer, SfShape *shape, GError **error)
{
  size_t n;
  const int64_t *dims = sf_infer_ints (infer, "shape", &n);
  *shape = sf_shape ((int) n, dims);
  return sf_shape_check (shape, "attribute shape", error);
}

static bool
infer_iota (SfInfer *infer, GError **error)
{
  SfDtype dtype = (SfDtype) sf_infer_int (infer, "dtype");
  SfShape shape;
  int axis;
  if (!attr_shape (infer, &shape, error)
      || !sf_infer_axis (infer, "axis", shape.rank, &axis, error))
    return false;
  if (dtype == SF_BOOL)
    return sf_refuse (error, "attribute dtype is bool, wanted a float or integer dtype");
  sf_infer_set (infer, 0, dtype, shape);
  return true;
}

static bool
infer_rng_uniform (SfInfer *infer, GError **error)
{
  SfShape shape;
  if (!check_rng (infer, 0, error) || !attr_shape (infer, &shape, error))
    return false;
  sf_infer_set (infer, 0, SF_F32, shape);
  return true;
}

static bool
infer_dropout (SfInfer *infer, GError **error)
{
  double p = sf_infer_attr (infer, "p")->f;
  if (!sf_infer_want_float (infer, 0, sf_op_has_gradient (infer->op) ? "x" : "dy", error)
      || !check_rng (infer, 1, error))
    return false;
  if (!(p >= 0 && p < 1))
    return sf_refuse (error, "attribute p is %g, wanted 0 or more and less than 1", p);
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static const SfOpAttr gather_attrs[] = { { "axis", SF_ATTR_INT, "0" }, { NULL, 0, NULL } };
static const SfOpAttr scatter_attrs[]
    = { { "axis", SF_ATTR_INT, "0" }, { "reduce", SF_ATTR_STRING, "set" }, { NULL, 0, NULL } };
static const SfOpAttr scatter_add_attrs[]
    = { { "axis", SF_ATTR_INT, "0" }, { "size", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };
static const SfOpAttr rows_attrs[] = { { "rows", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };
static const SfOpAttr iota_attrs[] = { { "shape", SF_ATTR_INTS, NULL },
                                       { "axis", SF_ATTR_INT, NULL },
                                       { "dtype", SF_ATTR_DTYPE, "i32" },
                                       { NULL, 0, NULL } };
static const SfOpAttr rng_attrs[]
    = { { "shape", SF_ATTR_INTS, NULL }, { "stream", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };
static const SfOpAttr dropout_attrs[]
    = { { "p", SF_ATTR_FLOAT, "0.5" }, { "stream", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_index[] = {
  { "gather", 1, SF_OP_INDEX, 2, 2, 1, gather_attrs, infer_gather, sf_grad_gather, NULL, NULL,
    "entries of x at i along axis" },
  { "scatter", 1, SF_OP_INDEX, 3, 3, 1, scatter_attrs, infer_scatter, sf_grad_scatter, NULL, NULL,
    "x with u put, added, multiplied or compared in at i along axis" },
  { "scatter_add", 1, SF_OP_INDEX, 2, 2, 1, scatter_add_attrs, infer_scatter_add, sf_grad_scatter_add, NULL, NULL,
    "u added into zeros at i along axis, the adjoint of gather" },
  { "iota", 1, SF_OP_SOURCE, 0, 0, 1, iota_attrs, infer_iota, NULL, NULL, NULL,
    "index along axis" },
  { "rng_uniform", 1, SF_OP_SOURCE, 1, 1, 1, rng_attrs, infer_rng_uniform, NULL, NULL, NULL,
    "uniform random numbers in [0, 1) by counter" },
  { "dropout", 1, SF_OP_COMPOSITE, 2, 2, 1, dropout_attrs, infer_dropout, sf_grad_dropout, sf_decompose_dropout,
    sf_eval_dropout, "elements kept with probability 1 - p, scaled by 1 / (1 - p)" },
  { "dropout_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, dropout_attrs, infer_dropout, NULL, sf_decompose_dropout_bwd, NULL,
    "dy where dropout kept the element, scaled" },
  { "embedding", 1, SF_OP_COMPOSITE, 2, 2, 1, NULL, infer_embedding, sf_grad_embedding, sf_decompose_embedding,
    NULL, "rows of table at ids" },
  { "embedding_bwd", 1, SF_OP_COMPOSITE, 2, 2, 1, rows_attrs, infer_embedding_bwd, NULL,
    sf_decompose_embedding_bwd, NULL, "dy added to the rows of a zero table" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
