/* SPDX-License-Identifier: Apache-2.0 */
/* Operators whose results have a size that depends on the data. A graph is static: the size is
 * counted now where the data is known, and taken from the shape that the model declares otherwise;
 * a step that finds another count fails. */
#include "plugins/frontends/onnx/scope.h"
#include "plugins/frontends/onnx/take.h"

/* Whether the result is computed now: its data is constant, or no size is declared for a run to
 * keep to and the caller has given the data. */
static bool
selects_now (OnnxNode *node, size_t input)
{
  SfShape shape;
  if (onnx_failed (node) || !onnx_is_known (node, input))
    return false;
  return onnx_value_is_constant (onnx_input_value (node, input))
         || !onnx_declared_shape (node, 0, &shape);
}

/* Dimension `axis` of the declared shape of one of the outputs; -1 after a refusal. */
static int64_t
declared_size (OnnxNode *node, size_t output, int axis)
{
  SfShape shape;
  if (onnx_failed (node))
    return -1;
  if (onnx_declared_shape (node, output, &shape) && axis < shape.rank)
    return shape.dim[axis];
  onnx_refuse (node, SF_ERROR_UNSUPPORTED,
               "the size of output %zu depends on the data and the model does not declare it; "
               "declare the shape of the output in the model's value_info, or bind the inputs that "
               "it depends on",
               output);
  return -1;
}

/* ---- NonZero, Compress ---- */

/* Positions of what is not zero in a dense tensor, ascending; NULL after a refusal. Owned. */
static int64_t *
nonzero_positions (OnnxNode *node, const SfTensor *tensor, size_t *n)
{
  size_t n_elems = (size_t) sf_shape_n_elems (&tensor->shape), found = 0;
  g_autofree uint8_t *set = g_try_malloc (MAX (n_elems, 1));
  int64_t *at = g_try_new (int64_t, MAX (n_elems, 1));
  if (!set || !at)
    {
      g_free (at);
      onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %zu positions", n_elems);
      return NULL;
    }
  sf_dtype_convert (tensor->dtype, tensor->data, SF_BOOL, set, n_elems);
  for (size_t i = 0; i < n_elems; i++)
    if (set[i])
      at[found++] = (int64_t) i;
  *n = found;
  return at;
}

static void
set_nonzero_known (OnnxNode *node, const SfTensor *tensor)
{
  size_t n;
  g_autofree int64_t *at = nonzero_positions (node, tensor, &n);
  if (!at)
    return;
  int rank = tensor->shape.rank;
  int64_t strides[SF_MAX_RANK];
  sf_shape_strides (&tensor->shape, strides);
  g_autofree int64_t *rows = g_try_new (int64_t, MAX (n, 1) * (size_t) MAX (rank, 1));
  if (!rows)
    return onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %zu positions", n);
  for (int d = 0; d < rank; d++)
    for (size_t i = 0; i < n; i++)
      rows[(size_t) d * n + i] = at[i] / strides[d] % tensor->shape.dim[d];
  onnx_set_known (node, 0, SF_I64, SF_SHAPE (rank, (int64_t) n), rows);
}

static SfValue
nonzero (OnnxNode *node, SfValue x, int64_t n)
{
  SfAttr attr = SF_ATTR_I ("n", n);
  return onnx_node (node, "nonzero", &x, 1, &attr, 1, NULL);
}

static void
lower_nonzero (OnnxNode *node)
{
  if (selects_now (node, 0))
    {
      const SfTensor *x = onnx_known (node, 0);
      if (x)
        set_nonzero_known (node, x);
      return;
    }
  int64_t n = declared_size (node, 0, 1);
  onnx_set (node, 0, onnx_cast (node, nonzero (node, onnx_input (node, 0), n), SF_I64));
}

static void
compress_known (OnnxNode *node, SfValue x, int64_t axis)
{
  size_t n;
  const SfTensor *condition = onnx_known (node, 1);
  SfShape shape = onnx_shape (node, x);
  if (!condition)
    return;
  g_autofree int64_t *at = nonzero_positions (node, condition, &n);
  if (!at)
    return;
  if (n && at[n - 1] >= shape.dim[axis])
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "condition: element %" G_GINT64_FORMAT
                        " is true, the axis has %" G_GINT64_FORMAT,
                        at[n - 1], shape.dim[axis]);
  onnx_set (node, 0, onnx_take (node, x, at, n, axis));
}

static void
lower_compress (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  int64_t axis = 0;
  if (onnx_has_attr (node, "axis"))
    axis = onnx_axis (node, onnx_int (node, "axis", 0), shape.rank);
  else
    x = onnx_reshape (node, x, SF_SHAPE (sf_shape_n_elems (&shape)));
  if (onnx_failed (node))
    return;
  if (selects_now (node, 1))
    return compress_known (node, x, axis);
  int64_t n = declared_size (node, 0, (int) axis);
  SfValue at = nonzero (node, onnx_input (node, 1), n);
  onnx_set (node, 0, onnx_gather (node, x, onnx_reshape (node, at, SF_SHAPE (n)), axis));
}

/* ---- Unique ---- */

/* The number of distinct elements, from whichever of values, first indices and counts is declared.
 */
static int64_t
n_unique (OnnxNode *node, int axis)
{
  SfShape shape;
  for (size_t output = 1; output <= 3; output += 2)
    if (onnx_wants_output (node, output) && onnx_declared_shape (node, output, &shape)
        && shape.rank == 1)
      return shape.dim[0];
  return declared_size (node, 0, axis);
}

static void
lower_unique (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), out[4];
  bool has_axis = onnx_has_attr (node, "axis");
  int64_t axis = 0;
  if (has_axis)
    axis = onnx_axis (node, onnx_int (node, "axis", 0), onnx_shape (node, x).rank);
  const SfAttr attrs[] = {
    SF_ATTR_I ("axis", axis),
    SF_ATTR_B ("has_axis", has_axis),
    SF_ATTR_B ("sorted", onnx_int (node, "sorted", 1) != 0),
    SF_ATTR_I ("n", n_unique (node, (int) axis)),
  };
  onnx_node (node, "unique", &x, 1, attrs, G_N_ELEMENTS (attrs), out);
  for (size_t i = 0; i < 4 && !onnx_failed (node); i++)
    if (onnx_wants_output (node, i))
      onnx_set (node, i, i ? onnx_cast (node, out[i], SF_I64) : out[0]);
}

/* ---- NonMaxSuppression ---- */

static void
lower_nms (OnnxNode *node)
{
  const SfValue in[] = { onnx_input (node, 0), onnx_input (node, 1) };
  const SfAttr attrs[] = {
    SF_ATTR_I ("max_per_class", CLAMP (onnx_known_int (node, 2, 0), 0, INT32_MAX)),
    SF_ATTR_F ("iou", onnx_known_float (node, 3, 0)),
    SF_ATTR_F ("score", onnx_known_float (node, 4, -G_MAXDOUBLE)),
    SF_ATTR_B ("center", onnx_int (node, "center_point_box", 0) != 0),
    SF_ATTR_I ("n", declared_size (node, 0, 0)),
  };
  SfValue y = onnx_node (node, "nms", in, 2, attrs, G_N_ELEMENTS (attrs), NULL);
  onnx_set (node, 0, onnx_cast (node, y, SF_I64));
}

#define DECLARED "the size of the result declared by the model; a step with another one fails"

const OnnxRow onnx_rows_select[] = {
  { "NonZero", 9, lower_nonzero, ONNX_HOST | ONNX_NO_GRAD, DECLARED },
  { "Compress", 9, lower_compress, ONNX_HOST,
    "the size of the result declared by the model, or the condition known at import (then all of it "
    "runs on the device)" },
  { "Unique", 11, lower_unique, ONNX_HOST | ONNX_NO_GRAD, DECLARED },
  { "NonMaxSuppression", 10, lower_nms, ONNX_HOST | ONNX_NO_GRAD,
    DECLARED "; the limits known at import" },
  { 0 },
};
