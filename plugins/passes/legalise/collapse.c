/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens are slices along dimension 0. Where such a slice is too large for the PMUs - a few images,
 * heads of attention - the leading dimensions become one, which has more and smaller slices. What
 * changes are views, which cost nothing. */
#include "collapse.h"

#include <sf/plugin/lower.h>

/* Elements of a slice that are worth making smaller, and that are too many even when only rows
 * would be left. */
#define LARGE_SLICE (INT64_C (1) << 20)
#define HUGE_SLICE  (INT64_C (1) << 22)

/* What is known of the node. */
typedef struct
{
  const SfGraph *from;
  SfNode node;
  SfLowerClass lower_class;
  SfShape domain; /* whose leading dimensions are merged */
  int most;       /* of them at most */
} Collapse;

static int64_t
axis_of (const Collapse *c, int64_t axis)
{
  return axis < 0 ? axis + c->domain.rank : axis;
}

/* The first dimension that the op treats on its own. */
static int
first_own (const Collapse *c)
{
  size_t n;
  int64_t first = c->domain.rank;
  if (c->lower_class == SF_LOWER_ROW)
    return (int) axis_of (c, sf_node_attr_int (c->from, c->node, "axis"));
  const int64_t *axes = sf_node_attr_ints (c->from, c->node, "axes", &n);
  for (size_t i = 0; i < n; i++)
    first = MIN (first, axis_of (c, axes[i]));
  return (int) first;
}

/* Whether dimensions of the node may be merged at all. */
static bool
look_at (Collapse *c)
{
  const char *op = sf_node_op_name (c->from, c->node);
  bool rows = c->lower_class == SF_LOWER_REDUCE || c->lower_class == SF_LOWER_ROW;
  if (sf_node_n_inputs (c->from, c->node) == 0 || g_str_equal (op, "broadcast"))
    return false;
  c->domain = *sf_value_shape (c->from, rows ? sf_node_input (c->from, c->node, 0)
                                             : sf_node_output (c->from, c->node, 0));
  if (rows)
    c->most = first_own (c);
  else if (c->lower_class == SF_LOWER_MAP)
    c->most = c->domain.rank;
  else if (g_str_equal (op, "matmul"))
    c->most = c->domain.rank - 2;
  else
    return false;
  return c->most >= 2;
}

static int64_t
slice_elems (const SfShape *shape, int from)
{
  int64_t n = 1;
  for (int d = from; d < shape->rank; d++)
    n *= shape->dim[d];
  return n;
}

/* Whether the operand has the first `n` dimensions of the domain; its other dimensions are its own.
 */
static bool
is_full (const Collapse *c, const SfShape *shape, int n)
{
  if (shape->rank < n)
    return false;
  for (int d = 0; d < n; d++)
    if (shape->dim[d] != c->domain.dim[d])
      return false;
  return true;
}

/* Whether the operand, right-aligned, repeats along the first `n` dimensions of the domain. */
static bool
repeats (const Collapse *c, const SfShape *shape, int n)
{
  for (int d = 0; d < shape->rank - (c->domain.rank - n); d++)
    if (shape->dim[d] != 1)
      return false;
  return true;
}

/* What an input becomes when `n` dimensions are merged; false: it does not let them be. */
static bool
merged_input (const Collapse *c, const SfShape *shape, int n, SfShape *out)
{
  *out = (SfShape){ 0 };
  bool full = shape->rank == c->domain.rank && is_full (c, shape, n);
  if (!full && !repeats (c, shape, n))
    return false;
  int own = MAX (0, shape->rank - (c->domain.rank - n));
  if (full)
    {
      out->dim[out->rank++] = slice_elems (shape, 0) / MAX (slice_elems (shape, n), 1);
      own = n;
    }
  for (int d = own; d < shape->rank; d++)
    out->dim[out->rank++] = shape->dim[d];
  return true;
}

static bool
may_merge (const Collapse *c, int n)
{
  SfShape ignored;
  for (size_t i = 0; i < sf_node_n_inputs (c->from, c->node); i++)
    {
      SfValue x = sf_node_input (c->from, c->node, i);
      if (x != SF_NONE && !merged_input (c, sf_value_shape (c->from, x), n, &ignored))
        return false;
    }
  for (size_t i = 0; i < sf_node_n_outputs (c->from, c->node); i++)
    if (!is_full (c, sf_value_shape (c->from, sf_node_output (c->from, c->node, i)), n))
      return false;
  return true;
}

/* The largest slice of any operand that has the first `n` dimensions. */
static int64_t
largest_slice (const Collapse *c, int n)
{
  int64_t most = slice_elems (&c->domain, n);
  for (size_t i = 0; i < sf_node_n_inputs (c->from, c->node); i++)
    {
      SfValue x = sf_node_input (c->from, c->node, i);
      const SfShape *shape = x == SF_NONE ? NULL : sf_value_shape (c->from, x);
      if (shape != NULL && shape->rank == c->domain.rank && is_full (c, shape, n))
        most = MAX (most, slice_elems (shape, n));
    }
  return most;
}

/* Dimensions to merge: as few as leave slices that are not large, and, so that an elementwise op
 * sees a value as the matrix product before it does, not those of a matrix unless it must; 0: none.
 */
static int
choose (const Collapse *c)
{
  if (largest_slice (c, 1) <= LARGE_SLICE)
    return 0;
  int matrix = MAX (c->domain.rank - 2, 1);
  int most = MIN (c->most, largest_slice (c, matrix) <= HUGE_SLICE ? matrix : c->domain.rank),
      n = 2;
  while (n < most && largest_slice (c, n) > LARGE_SLICE)
    n++;
  for (n = MIN (n, most); n >= 2; n--)
    if (may_merge (c, n))
      return n;
  return 0;
}

/* ---- rewriting ---- */

/* `value` in another shape: what it is a view of, if that has it. */
static SfValue
seen_as (SfGraph *to, SfValue value, const SfShape *shape, GError **error)
{
  if (sf_shape_equal (sf_value_shape (to, value), shape))
    return value;
  SfNode producer = sf_value_producer (to, value);
  if (producer != SF_NONE && g_str_equal (sf_node_op_name (to, producer), "reshape")
      && sf_shape_equal (sf_value_shape (to, sf_node_input (to, producer, 0)), shape))
    return sf_node_input (to, producer, 0);
  SfAttr attr = SF_ATTR_IS ("shape", shape->dim, (size_t) shape->rank);
  SfValue view = sf_graph_op (to, "reshape", &value, 1, &attr, 1, error);
  if (view != SF_NONE)
    sf_value_set_origin (to, view, SF_NONE);
  return view;
}

/* Adds the op itself, axes moved to where they are now. */
static bool
add_op (const Collapse *c, SfGraph *to, const SfValue *inputs, int n, SfValue *outputs,
        GError **error)
{
  size_t n_attrs = sf_node_n_attrs (c->from, c->node);
  g_autofree SfAttr *attrs = g_new0 (SfAttr, n_attrs + 1);
  int64_t axes[SF_MAX_RANK];
  for (size_t i = 0; i < n_attrs; i++)
    {
      attrs[i] = sf_node_attr (c->from, c->node, i);
      if (g_str_equal (attrs[i].name, "axis"))
        attrs[i].i = axis_of (c, attrs[i].i) - (n - 1);
      if (!g_str_equal (attrs[i].name, "axes"))
        continue;
      for (size_t k = 0; k < attrs[i].n_ints; k++)
        axes[k] = axis_of (c, attrs[i].ints[k]) - (n - 1);
      attrs[i].ints = axes;
    }
  return sf_graph_add (to, sf_node_op_name (c->from, c->node), inputs,
                       sf_node_n_inputs (c->from, c->node), attrs, n_attrs, outputs, error)
         != SF_NONE;
}

static bool
rewrite (const Collapse *c, SfGraph *to, SfValue *map, int n, GError **error)
{
  size_t n_inputs = sf_node_n_inputs (c->from, c->node);
  g_autofree SfValue *inputs = g_new (SfValue, n_inputs + 1);
  g_autofree SfValue *outputs = g_new (SfValue, sf_node_n_outputs (c->from, c->node) + 1);
  sf_graph_set_scope (to, sf_node_name (c->from, c->node));
  sf_graph_set_phase (to, sf_node_phase (c->from, c->node));
  for (size_t i = 0; i < n_inputs; i++)
    {
      SfValue x = sf_node_input (c->from, c->node, i);
      SfShape shape;
      inputs[i] = SF_NONE;
      if (x == SF_NONE)
        continue;
      merged_input (c, sf_value_shape (c->from, x), n, &shape);
      inputs[i] = seen_as (to, map[x], &shape, error);
      if (inputs[i] == SF_NONE)
        return false;
    }
  if (!add_op (c, to, inputs, n, outputs, error))
    return false;
  for (size_t i = 0; i < sf_node_n_outputs (c->from, c->node); i++)
    {
      SfValue y = sf_node_output (c->from, c->node, i);
      SfDtype dtype = sf_value_dtype (c->from, y);
      if (sf_value_dtype (to, outputs[i]) != dtype
          && !sf_graph_set_dtype (to, outputs[i], dtype, error))
        return false;
      sf_value_set_origin (to, outputs[i], SF_NONE);
      map[y] = seen_as (to, outputs[i], sf_value_shape (c->from, y), error);
      if (map[y] == SF_NONE)
        return false;
      sf_value_set_origin (to, map[y], sf_value_origin (c->from, y));
    }
  return true;
}

bool
sf_collapse_node (SfGraph *to, const SfGraph *from, SfNode node, SfValue *map, bool *done,
                  GError **error)
{
  Collapse c = { .from = from, .node = node, .lower_class = sf_lower_class (from, node) };
  int n = look_at (&c) ? choose (&c) : 0;
  *done = n > 0;
  return n == 0 || rewrite (&c, to, map, n, error);
}
