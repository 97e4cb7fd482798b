/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of movement, gather and scatter, and pooling windows: boxes are cut and placed by maps.
 */
#include "core/program/lower.h"

static const SfShape *
input_shape (const SfLowGroup *group, SfNode node, size_t index)
{
  return sf_value_shape (group->graph, sf_node_input (group->graph, node, index));
}

/* An axis for each dimension of output 0. */
static SfMap
layout_output (SfLowGroup *group, SfNode node)
{
  SfValue y = sf_node_output (group->graph, node, 0);
  const SfShape *shape = sf_value_shape (group->graph, y);
  SfMap map = { .rank = shape->rank };
  for (int i = 0; i < shape->rank; i++)
    map.dim[i] = sf_dim_axis (sf_low_axis (group, shape->dim[i], false));
  sf_low_set_known (group, y, &map);
  group->flops = sf_shape_n_elems (shape);
  return map;
}

void
sf_layout_move (SfLowGroup *group, SfNode node)
{
  if (!g_str_equal (sf_node_op_name (group->graph, node), "concat"))
    {
      layout_output (group, node);
      return;
    }
  /* Each input has its own place along the axis, which therefore is not iterated over. */
  SfMap map = layout_output (group, node);
  int64_t axis = sf_node_attr_int (group->graph, node, "axis");
  axis += axis < 0 ? map.rank : 0;
  group->axis[axis].whole = true;
}

static SfMap
output_map (SfLowGroup *group, SfNode node)
{
  return *sf_low_known (group, sf_node_output (group->graph, node, 0));
}

static SfInstr *
emit_copy (SfLowGroup *group, SfNode node, const SfMap *x, const int64_t *perm, double pad)
{
  SfMap y = output_map (group, node);
  uint32_t src = sf_low_input (group, node, 0, x), dst = sf_low_output (group, node, 0, &y);
  SfInstr *instr = sf_low_instr (group, node, "copy", &src, 1, &dst, 1);
  sf_low_copy_imm (instr, y.rank, perm, pad);
  return instr;
}

void
sf_emit_transpose (SfLowGroup *group, SfNode node)
{
  size_t n;
  const int64_t *attr = sf_node_attr_ints (group->graph, node, "perm", &n);
  SfMap y = output_map (group, node), x = { .rank = y.rank };
  int64_t perm[SF_MAX_RANK];
  for (size_t i = 0; i < n; i++)
    {
      perm[i] = attr[i] < 0 ? attr[i] + y.rank : attr[i];
      x.dim[perm[i]] = y.dim[i];
    }
  emit_copy (group, node, &x, perm, 0);
}

void
sf_emit_slice (SfLowGroup *group, SfNode node)
{
  size_t n;
  const int64_t *starts = sf_node_attr_ints (group->graph, node, "starts", &n);
  const int64_t *steps = sf_node_attr_ints (group->graph, node, "steps", &n);
  SfMap x = output_map (group, node);
  for (int i = 0; i < x.rank; i++)
    {
      x.dim[i].base = starts[i];
      x.dim[i].coef[0] = x.dim[i].stride = steps[i];
    }
  emit_copy (group, node, &x, NULL, 0);
}

void
sf_emit_pad (SfLowGroup *group, SfNode node)
{
  size_t n;
  const int64_t *low = sf_node_attr_ints (group->graph, node, "low", &n);
  SfMap x = output_map (group, node);
  for (int i = 0; i < x.rank; i++)
    x.dim[i].base = -low[i];
  emit_copy (group, node, &x, NULL, sf_node_attr_float (group->graph, node, "value"));
}

void
sf_emit_reshape (SfLowGroup *group, SfNode node)
{
  SfMap y = output_map (group, node);
  const SfShape *shape = sf_value_shape (group->graph, sf_node_output (group->graph, node, 0));
  uint32_t src = sf_low_input_as (group, node, 0, shape, &y);
  uint32_t dst = sf_low_output (group, node, 0, &y);
  sf_low_copy_imm (sf_low_instr (group, node, "copy", &src, 1, &dst, 1), y.rank, NULL, 0);
}

void
sf_emit_concat (SfLowGroup *group, SfNode node)
{
  SfMap y = output_map (group, node);
  if (group->n_nodes > 1)
    {
      sf_low_refuse (group,
                     "%s is put together in its buffer, where the stage cannot go on with it",
                     sf_node_name (group->graph, node));
      return;
    }
  int64_t axis = sf_node_attr_int (group->graph, node, "axis"), offset = 0;
  axis += axis < 0 ? y.rank : 0;
  for (size_t i = 0; i < sf_node_n_inputs (group->graph, node); i++)
    {
      int64_t n = input_shape (group, node, i)->dim[axis];
      if (n == 0)
        continue;
      SfMap from = y, to = y;
      from.dim[axis] = to.dim[axis] = sf_dim_whole (n);
      to.dim[axis].base = offset;
      offset += n;
      uint32_t src = sf_low_input (group, node, i, &from);
      uint32_t dst = sf_low_output (group, node, 0, &to);
      sf_low_copy_imm (sf_low_instr (group, node, "copy", &src, 1, &dst, 1), y.rank, NULL, 0);
    }
}

/* ---- gather, scatter_add, scatter ---- */

static int
index_axis (SfLowGroup *group, SfNode node, int rank)
{
  int64_t axis = sf_node_attr_int (group->graph, node, "axis");
  return (int) (axis < 0 ? axis + rank : axis);
}

/* Elements of a table from which on its rows pass by the indices, instead of all lying in wait. */
#define LARGE_TABLE (INT64_C (1) << 22)

static bool
is_large (const SfShape *table, int axis)
{
  return axis == 0 && sf_shape_n_elems (table) >= LARGE_TABLE;
}

/* A large table is summed over. */
void
sf_layout_gather (SfLowGroup *group, SfNode node)
{
  const SfShape *xs = input_shape (group, node, 0);
  layout_output (group, node);
  if (is_large (xs, index_axis (group, node, xs->rank)))
    sf_low_axis (group, xs->dim[0], true);
}

/* y = x[.. i ..]: the dimensions of i stand where the axis of x was. */
void
sf_emit_gather (SfLowGroup *group, SfNode node)
{
  const SfShape *xs = input_shape (group, node, 0), *is = input_shape (group, node, 1);
  int axis = index_axis (group, node, xs->rank);
  SfMap y = output_map (group, node), x = { .rank = xs->rank }, index = { .rank = is->rank };
  for (int i = 0; i < xs->rank; i++)
    x.dim[i] = i < axis    ? y.dim[i]
               : i == axis ? sf_dim_whole (xs->dim[i])
                           : y.dim[i + is->rank - 1];
  for (int i = 0; i < is->rank; i++)
    index.dim[i] = y.dim[axis + i];
  if (is_large (xs, axis))
    x.dim[axis] = sf_dim_axis (y.rank); /* the axis after those of y */
  uint32_t src[] = { sf_low_input (group, node, 0, &x), sf_low_input (group, node, 1, &index) };
  uint32_t dst = sf_low_output (group, node, 0, &y);
  const char *tile = is_large (xs, axis) ? "gather_add" : "gather";
  sf_low_instr (group, node, tile, src, 2, &dst, 1)->imm[0] = axis;
}

/* Axes of u: those of i are summed over, the others are y's; and y's own when y is large. */
void
sf_layout_scatter_add (SfLowGroup *group, SfNode node)
{
  const SfShape *is = input_shape (group, node, 0), *us = input_shape (group, node, 1);
  SfValue value = sf_node_output (group->graph, node, 0);
  const SfShape *ys = sf_value_shape (group->graph, value);
  int axis = index_axis (group, node, ys->rank);
  SfMap u = { .rank = us->rank }, y = { .rank = ys->rank };
  for (int i = 0; i < us->rank; i++)
    u.dim[i] = sf_dim_axis (sf_low_axis (group, us->dim[i], i >= axis && i < axis + is->rank));
  for (int i = 0; i < ys->rank; i++)
    y.dim[i] = i < axis    ? u.dim[i]
               : i == axis ? sf_dim_whole (ys->dim[i])
                           : u.dim[i + is->rank - 1];
  if (is_large (ys, axis))
    y.dim[axis] = sf_dim_axis (sf_low_axis (group, ys->dim[axis], false));
  *sf_low_domain (group, node) = u;
  group->flops = sf_shape_n_elems (us);
  sf_low_set_known (group, value, &y);
}

void
sf_emit_scatter_add (SfLowGroup *group, SfNode node)
{
  const SfShape *is = input_shape (group, node, 0);
  SfMap y = output_map (group, node), u = *sf_low_domain (group, node),
        index = { .rank = is->rank };
  int axis = index_axis (group, node, y.rank);
  for (int i = 0; i < is->rank; i++)
    index.dim[i] = u.dim[axis + i];
  uint32_t src[] = { sf_low_input (group, node, 0, &index), sf_low_input (group, node, 1, &u) };
  uint32_t dst = sf_low_output (group, node, 0, &y);
  sf_low_instr (group, node, "scatter_add", src, 2, &dst, 1)->imm[0] = axis;
}

/* An axis for each dimension of y but the one that is scattered along: x, u and y move with it, the
 * indices stay. */
void
sf_layout_scatter (SfLowGroup *group, SfNode node)
{
  SfMap y = layout_output (group, node);
  int axis = index_axis (group, node, y.rank);
  group->axis[axis].whole = true;
  group->flops += sf_shape_n_elems (input_shape (group, node, 2));
}

void
sf_emit_scatter (SfLowGroup *group, SfNode node)
{
  static const char *const reduces[] = { "set", "add", "mul", "max", "min" };
  const SfShape *is = input_shape (group, node, 1);
  const char *reduce = sf_node_attr_string (group->graph, node, "reduce");
  SfMap y = output_map (group, node), u = { .rank = y.rank - 1 + is->rank };
  int axis = index_axis (group, node, y.rank);
  for (int i = 0; i < u.rank; i++)
    u.dim[i] = i < axis              ? y.dim[i]
               : i < axis + is->rank ? sf_dim_whole (is->dim[i - axis])
                                     : y.dim[i - is->rank + 1];
  SfMap index = sf_map_whole (is);
  uint32_t src[] = { sf_low_input (group, node, 0, &y), sf_low_input (group, node, 1, &index),
                     sf_low_input (group, node, 2, &u) };
  uint32_t dst = sf_low_output (group, node, 0, &y);
  SfInstr *instr = sf_low_instr (group, node, "scatter", src, 3, &dst, 1);
  instr->imm[0] = axis;
  for (int i = 0; i < (int) G_N_ELEMENTS (reduces); i++)
    if (g_str_equal (reduce, reduces[i]))
      instr->imm[1] = i;
}

/* ---- pooling ---- */

typedef struct
{
  int64_t kernel[2], strides[2], pads[4], dilations[2];
  bool max, bwd;
} Pool;

static Pool
pool_of (const SfGraph *graph, SfNode node)
{
  const char *op = sf_node_op_name (graph, node);
  Pool pool = { .max = g_str_has_prefix (op, "max"),
                .bwd = g_str_has_suffix (op, "_bwd"),
                .dilations = { 1, 1 } };
  size_t n;
  const int64_t *ints = sf_node_attr_ints (graph, node, "kernel", &n);
  for (size_t i = 0; i < MIN (n, 2); i++)
    pool.strides[i] = pool.kernel[i] = ints[i];
  ints = sf_node_attr_ints (graph, node, "strides", &n);
  for (size_t i = 0; i < MIN (n, 2); i++)
    pool.strides[i] = ints[i];
  ints = sf_node_attr_ints (graph, node, "pads", &n);
  for (size_t i = 0; i < MIN (n, 4); i++)
    pool.pads[i] = ints[i];
  ints = pool.max ? sf_node_attr_ints (graph, node, "dilations", &n) : NULL;
  for (size_t i = 0; ints != NULL && i < MIN (n, 2); i++)
    pool.dilations[i] = ints[i];
  return pool;
}

/* Images and channels are iterated over; a firing sees whole planes. */
void
sf_layout_pool (SfLowGroup *group, SfNode node)
{
  SfMap map = layout_output (group, node);
  group->axis[map.dim[2].axis[0]].whole = true;
  group->axis[map.dim[3].axis[0]].whole = true;
  Pool pool = pool_of (group->graph, node);
  group->flops *= pool.kernel[0] * pool.kernel[1];
}

static SfMap
plane_map (const SfMap *y, const SfShape *shape)
{
  SfMap map = *y;
  map.dim[2] = sf_dim_whole (shape->dim[2]);
  map.dim[3] = sf_dim_whole (shape->dim[3]);
  return map;
}

static void
pool_imm (SfInstr *instr, const Pool *pool, int64_t count_include_pad)
{
  int n = 0;
  for (int i = 0; i < 2; i++)
    instr->imm[n++] = pool->kernel[i];
  for (int i = 0; i < 2; i++)
    instr->imm[n++] = pool->strides[i];
  if (pool->max)
    for (int i = 0; i < 2; i++)
      instr->imm[n++] = pool->dilations[i];
  else
    instr->imm[n++] = count_include_pad;
  int n_pads = !pool->max ? 4 : pool->bwd ? 2 : 0;
  for (int i = 0; i < n_pads; i++)
    instr->imm[n++] = pool->pads[i];
}

void
sf_emit_pool (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  Pool pool = pool_of (graph, node);
  SfMap y = output_map (group, node);
  const SfShape *ys = sf_value_shape (graph, sf_node_output (graph, node, 0));
  uint32_t src[2];
  size_t n_src = pool.bwd && pool.max ? 2 : 1;
  for (size_t i = 0; i < n_src; i++)
    {
      SfMap x = plane_map (&y, input_shape (group, node, i));
      for (int d = 0; d < 2 && !pool.bwd; d++)
        {
          x.dim[2 + d] = sf_dim_whole ((ys->dim[2 + d] - 1) * pool.strides[d]
                                       + (pool.kernel[d] - 1) * pool.dilations[d] + 1);
          x.dim[2 + d].base = -pool.pads[d];
        }
      src[i] = sf_low_input (group, node, i, &x);
    }
  uint32_t dst = sf_low_output (group, node, 0, &y);
  int64_t counts_pad = pool.max ? 0 : sf_node_attr_int (graph, node, "count_include_pad");
  const char *tile = sf_node_op_name (graph, node);
  pool_imm (sf_low_instr (group, node, tile, src, n_src, &dst, 1), &pool, counts_pad);
}
