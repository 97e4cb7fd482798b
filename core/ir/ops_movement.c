/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the ops that move elements: reshape, transpose, slice, concat, pad,
 * broadcast. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

#define MAX_DIM ((int64_t) 1 << 40)

/* The one -1 of `shape` from the elements there are. */
static bool
fill_unknown_dim (SfShape *shape, int unknown, int64_t n_elems, GError **error)
{
  shape->dim[unknown] = 1;
  if (!sf_shape_check (shape, "attribute shape", error))
    return false;
  int64_t known = sf_shape_n_elems (shape);
  if (known == 0)
    return sf_refuse (error,
                      "attribute shape has -1 beside 0, wanted a number; write the dimension");
  if (n_elems % known != 0)
    return sf_refuse (error,
                      "x has %" G_GINT64_FORMAT " elements, wanted a multiple of %" G_GINT64_FORMAT
                      " for the -1 in attribute shape",
                      n_elems, known);
  shape->dim[unknown] = n_elems / known;
  return true;
}

static bool
infer_reshape (SfInfer *infer, GError **error)
{
  size_t n;
  int64_t *dims = sf_infer_ints (infer, "shape", &n);
  SfShape shape = sf_shape ((int) n, dims);
  int64_t n_elems = sf_shape_n_elems (infer->shape[0]);
  int unknown = -1;
  for (int d = 0; d < shape.rank; d++)
    if (shape.dim[d] == -1)
      {
        if (unknown >= 0)
          return sf_refuse (error, "attribute shape has more than one -1, wanted at most one");
        unknown = d;
      }
  if (unknown >= 0)
    {
      if (!fill_unknown_dim (&shape, unknown, n_elems, error))
        return false;
      dims[unknown] = shape.dim[unknown];
    }
  if (!sf_shape_check (&shape, "attribute shape", error))
    return false;
  if (sf_shape_n_elems (&shape) != n_elems)
    {
      g_autofree char *from = sf_shape_text (infer->shape[0]);
      g_autofree char *to = sf_shape_text (&shape);
      return sf_refuse (error, "x %s does not reshape to %s, wanted equal element counts", from,
                        to);
    }
  sf_infer_set (infer, 0, infer->dtype[0], shape);
  return true;
}

static bool
infer_transpose (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  SfShape y = { .rank = x->rank };
  bool seen[SF_MAX_RANK] = { false };
  if (!sf_infer_want_ints (infer, "perm", (size_t) x->rank, -x->rank, x->rank - 1, error))
    return false;
  int64_t *perm = sf_infer_ints (infer, "perm", NULL);
  for (int d = 0; d < x->rank; d++)
    {
      perm[d] += perm[d] < 0 ? x->rank : 0;
      if (seen[perm[d]])
        return sf_refuse (error,
                          "attribute perm names axis %" G_GINT64_FORMAT " twice, wanted each once",
                          perm[d]);
      seen[perm[d]] = true;
      y.dim[d] = x->dim[perm[d]];
    }
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
infer_slice (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  SfShape y = { .rank = x->rank };
  size_t rank = (size_t) x->rank;
  if (!sf_infer_want_ints (infer, "starts", rank, 0, MAX_DIM, error)
      || !sf_infer_want_ints (infer, "ends", rank, 0, MAX_DIM, error)
      || !sf_infer_want_ints (infer, "steps", rank, 1, MAX_DIM, error))
    return false;
  const int64_t *starts = sf_infer_ints (infer, "starts", NULL);
  const int64_t *ends = sf_infer_ints (infer, "ends", NULL);
  const int64_t *steps = sf_infer_ints (infer, "steps", NULL);
  for (int d = 0; d < x->rank; d++)
    {
      if (starts[d] > ends[d] || ends[d] > x->dim[d])
        return sf_refuse (error,
                          "dimension %d is cut %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                          ", wanted 0 <= start <= end <= %" G_GINT64_FORMAT,
                          d, starts[d], ends[d], x->dim[d]);
      y.dim[d] = (ends[d] - starts[d] + steps[d] - 1) / steps[d];
    }
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
infer_concat (SfInfer *infer, GError **error)
{
  SfShape y = *infer->shape[0];
  SfDtype dtype = infer->dtype[0];
  int axis;
  if (!sf_infer_axis (infer, "axis", y.rank, &axis, error))
    return false;
  for (size_t i = 1; i < infer->n_inputs; i++)
    {
      SfShape want = *infer->shape[i];
      g_autofree char *name = g_strdup_printf ("x%zu", i);
      SfDtype met;
      if (!sf_infer_meet (infer, 0, "x0", i, name, &met, error))
        return false;
      dtype = met == dtype ? dtype : sf_widest (dtype, met);
      if (want.rank == y.rank)
        want.dim[axis] = y.dim[axis];
      if (!sf_shape_equal (&want, &y))
        {
          g_autofree char *found = sf_shape_text (infer->shape[i]);
          g_autofree char *first = sf_shape_text (infer->shape[0]);
          return sf_refuse (error, "%s has shape %s, wanted that of x0 %s except along axis %d",
                            name, found, first, axis);
        }
      y.dim[axis] += infer->shape[i]->dim[axis];
      if (y.dim[axis] > MAX_DIM)
        return sf_refuse (error, "dimension %d grows beyond 2^40, wanted less", axis);
    }
  sf_infer_set (infer, 0, dtype, y);
  return true;
}

static bool
infer_pad (SfInfer *infer, GError **error)
{
  SfShape y = *infer->shape[0];
  if (!sf_infer_want_ints (infer, "low", (size_t) y.rank, 0, MAX_DIM, error)
      || !sf_infer_want_ints (infer, "high", (size_t) y.rank, 0, MAX_DIM, error))
    return false;
  const int64_t *low = sf_infer_ints (infer, "low", NULL);
  const int64_t *high = sf_infer_ints (infer, "high", NULL);
  for (int d = 0; d < y.rank; d++)
    y.dim[d] += low[d] + high[d];
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
infer_broadcast (SfInfer *infer, GError **error)
{
  size_t n;
  const int64_t *dims = sf_infer_ints (infer, "shape", &n);
  SfShape want = sf_shape ((int) n, dims), y;
  if (!sf_shape_check (&want, "attribute shape", error))
    return false;
  if (!sf_shape_broadcast (infer->shape[0], &want, &y) || !sf_shape_equal (&y, &want))
    {
      g_autofree char *from = sf_shape_text (infer->shape[0]);
      g_autofree char *to = sf_shape_text (&want);
      return sf_refuse (error, "x %s does not broadcast to %s, wanted equal dimensions or 1", from,
                        to);
    }
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static const SfOpAttr shape_attrs[] = { { "shape", SF_ATTR_INTS, NULL }, { NULL, 0, NULL } };
static const SfOpAttr transpose_attrs[] = { { "perm", SF_ATTR_INTS, NULL }, { NULL, 0, NULL } };
static const SfOpAttr slice_attrs[] = { { "starts", SF_ATTR_INTS, NULL },
                                        { "ends", SF_ATTR_INTS, NULL },
                                        { "steps", SF_ATTR_INTS, NULL },
                                        { NULL, 0, NULL } };
static const SfOpAttr concat_attrs[] = { { "axis", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };
static const SfOpAttr pad_attrs[] = { { "low", SF_ATTR_INTS, NULL },
                                      { "high", SF_ATTR_INTS, NULL },
                                      { "value", SF_ATTR_FLOAT, "0" },
                                      { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_movement[] = {
  { "reshape", 1, SF_OP_MOVEMENT, 1, 1, 1, shape_attrs, infer_reshape, sf_grad_reshape, NULL, NULL,
    "the same elements in another shape" },
  { "transpose", 1, SF_OP_MOVEMENT, 1, 1, 1, transpose_attrs, infer_transpose, sf_grad_transpose, NULL, NULL,
    "dimensions in another order" },
  { "slice", 1, SF_OP_MOVEMENT, 1, 1, 1, slice_attrs, infer_slice, sf_grad_slice, NULL, NULL,
    "a strided box" },
  { "concat", 1, SF_OP_MOVEMENT, 1, -1, 1, concat_attrs, infer_concat, sf_grad_concat, NULL, NULL,
    "inputs joined along axis" },
  { "pad", 1, SF_OP_MOVEMENT, 1, 1, 1, pad_attrs, infer_pad, sf_grad_pad, NULL, NULL,
    "a constant put around x" },
  { "broadcast", 1, SF_OP_MOVEMENT, 1, 1, 1, shape_attrs, infer_broadcast, sf_grad_broadcast, NULL, NULL,
    "x repeated to a larger shape" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
