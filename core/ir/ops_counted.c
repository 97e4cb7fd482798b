/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the ops that find as many results as the data hold: nonzero, unique, nms.
 * The attribute n says how many that must be. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

static bool
want_count (const SfInfer *infer, GError **error)
{
  int64_t n = sf_infer_int (infer, "n");
  if (n >= 0 && n <= INT32_MAX)
    return true;
  return sf_refuse (error, "attribute n is %" G_GINT64_FORMAT ", wanted 0 to 2^31 - 1", n);
}

/* Indices into x are i32. */
static bool
want_indexable (const SfShape *shape, const char *name, GError **error)
{
  for (int d = 0; d < shape->rank; d++)
    if (shape->dim[d] > INT32_MAX)
      return sf_refuse (
          error, "%s has %" G_GINT64_FORMAT " elements along dimension %d, wanted less than 2^31",
          name, shape->dim[d], d);
  return true;
}

static bool
infer_nonzero (SfInfer *infer, GError **error)
{
  if (!want_count (infer, error) || !want_indexable (infer->shape[0], "x", error))
    return false;
  sf_infer_set (infer, 0, SF_I32, SF_SHAPE (infer->shape[0]->rank, sf_infer_int (infer, "n")));
  return true;
}

static bool
infer_unique (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  SfShape flat = SF_SHAPE (sf_shape_n_elems (x));
  bool along = sf_infer_int (infer, "has_axis") != 0;
  int axis = 0;
  if (!want_count (infer, error) || !want_indexable (along ? x : &flat, "x", error)
      || (along && !sf_infer_axis (infer, "axis", x->rank, &axis, error)))
    return false;
  SfShape values = along ? *x : flat, n = SF_SHAPE (sf_infer_int (infer, "n"));
  int64_t n_old = values.dim[axis];
  values.dim[axis] = n.dim[0];
  sf_infer_set (infer, 0, infer->dtype[0], values);
  sf_infer_set (infer, 1, SF_I32, n);
  sf_infer_set (infer, 2, SF_I32, SF_SHAPE (n_old));
  sf_infer_set (infer, 3, SF_I32, n);
  return true;
}

static bool
infer_nms (SfInfer *infer, GError **error)
{
  const SfShape *boxes = infer->shape[0], *scores = infer->shape[1];
  if (!sf_infer_want_float (infer, 0, "boxes", error)
      || !sf_infer_want_float (infer, 1, "scores", error)
      || !sf_infer_want_rank (infer, 0, "boxes", 3, "[B,S,4]", error)
      || !sf_infer_want_rank (infer, 1, "scores", 3, "[B,C,S]", error))
    return false;
  SfShape want = SF_SHAPE (boxes->dim[0], boxes->dim[1], 4);
  SfShape want_scores = SF_SHAPE (boxes->dim[0], scores->dim[1], boxes->dim[1]);
  if (!sf_infer_want_shape (infer, 0, "boxes", &want, error)
      || !sf_infer_want_shape (infer, 1, "scores", &want_scores, error)
      || !want_indexable (scores, "scores", error) || !want_count (infer, error))
    return false;
  if (sf_infer_int (infer, "max_per_class") < 0)
    return sf_refuse (error, "attribute max_per_class is %" G_GINT64_FORMAT ", wanted 0 or more",
                      sf_infer_int (infer, "max_per_class"));
  sf_infer_set (infer, 0, SF_I32, SF_SHAPE (sf_infer_int (infer, "n"), 3));
  return true;
}

static const SfOpAttr nonzero_attrs[] = { { "n", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };
static const SfOpAttr unique_attrs[] = { { "n", SF_ATTR_INT, NULL },
                                         { "axis", SF_ATTR_INT, "0" },
                                         { "has_axis", SF_ATTR_BOOL, "false" },
                                         { "sorted", SF_ATTR_BOOL, "true" },
                                         { NULL, 0, NULL } };
static const SfOpAttr nms_attrs[]
    = { { "n", SF_ATTR_INT, NULL },          { "max_per_class", SF_ATTR_INT, "0" },
        { "iou", SF_ATTR_FLOAT, "0" },       { "score", SF_ATTR_FLOAT, "-inf" },
        { "center", SF_ATTR_BOOL, "false" }, { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_counted[] = {
  { "nonzero", 1, SF_OP_INDEX, 1, 1, 1, nonzero_attrs, infer_nonzero, NULL, NULL, NULL,
    "positions of what is not 0" },
  { "unique", 1, SF_OP_INDEX, 1, 1, 4, unique_attrs, infer_unique, NULL, NULL, NULL,
    "different values, where each is first, which each element is, how often each is" },
  { "nms", 1, SF_OP_INDEX, 2, 2, 1, nms_attrs, infer_nms, NULL, NULL, NULL,
    "boxes of high score that overlap none of a higher one" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
