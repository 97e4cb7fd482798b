/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of contractions and convolutions: what runs on the systolic arrays. */
#include "core/program/lower.h"

/* ---- matmul ---- */

static SfMap
matrix_map (const SfMap *out, const SfShape *full, const SfShape *shape, int row, int column)
{
  SfMap map = { .rank = shape->rank };
  int shift = full->rank - shape->rank;
  for (int i = 0; i + 2 < shape->rank; i++)
    map.dim[i] = shape->dim[i] == full->dim[i + shift] ? out->dim[i + shift] : sf_dim_whole (1);
  map.dim[shape->rank - 2] = sf_dim_axis (row);
  map.dim[shape->rank - 1] = sf_dim_axis (column);
  return map;
}

/* Leading axes and m, then n, then k: axis r-2, r-1 and r for an output of rank r. */
static void
layout_gemm (SfLowGroup *group, SfValue y, int64_t k)
{
  const SfShape *shape = sf_value_shape (group->graph, y);
  SfMap out = { .rank = shape->rank };
  for (int i = 0; i < shape->rank; i++)
    out.dim[i] = sf_dim_axis (sf_low_axis (group, shape->dim[i], false));
  group->axis[shape->rank - 1].grain = 16;
  int axis = sf_low_axis (group, k, true);
  group->axis[axis].grain = 16;
  group->flops = 2 * sf_shape_n_elems (shape) * k;
  group->matrix = true;
  sf_low_set_known (group, y, &out);
}

void
sf_layout_matmul (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  const SfShape *a = sf_value_shape (graph, sf_node_input (graph, node, 0));
  bool transpose_a = sf_node_attr_int (graph, node, "transpose_a") != 0;
  layout_gemm (group, sf_node_output (graph, node, 0), a->dim[a->rank - (transpose_a ? 2 : 1)]);
}

void
sf_emit_matmul (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfValue y = sf_node_output (graph, node, 0);
  const SfShape *full = sf_value_shape (graph, y);
  const SfMap *out = sf_low_known (group, y);
  int m = full->rank - 2, n = full->rank - 1, k = full->rank;
  bool ta = sf_node_attr_int (graph, node, "transpose_a") != 0;
  bool tb = sf_node_attr_int (graph, node, "transpose_b") != 0;
  SfMap a = matrix_map (out, full, sf_value_shape (graph, sf_node_input (graph, node, 0)),
                        ta ? k : m, ta ? m : k);
  SfMap b = matrix_map (out, full, sf_value_shape (graph, sf_node_input (graph, node, 1)),
                        tb ? n : k, tb ? k : n);
  uint32_t src[] = { sf_low_input (group, node, 0, &a), sf_low_input (group, node, 1, &b) };
  uint32_t dst = sf_low_output (group, node, 0, out);
  SfInstr *instr = sf_low_instr (group, node, "gemm", src, 2, &dst, 1);
  instr->imm[0] = ta;
  instr->imm[1] = tb;
}

/* ---- linear ---- */

bool
sf_check_linear (const SfGraph *graph, SfNode node, char **reason)
{
  if (sf_value_shape (graph, sf_node_input (graph, node, 0))->rank >= 2)
    return true;
  if (reason != NULL)
    *reason = g_strdup ("a vector is no operand of gemm");
  return false;
}

void
sf_layout_linear (SfLowGroup *group, SfNode node)
{
  const SfShape *w = sf_value_shape (group->graph, sf_node_input (group->graph, node, 1));
  layout_gemm (group, sf_node_output (group->graph, node, 0), w->dim[1]);
}

/* Adds the optional input `index` to what `acc` holds, into output 0. */
static void
emit_bias (SfLowGroup *group, SfNode node, size_t index, const SfShape *shape, const SfMap *map,
           uint32_t acc)
{
  uint32_t src[] = { acc, sf_low_input_as (group, node, index, shape, map) };
  uint32_t dst = sf_low_output (group, node, 0,
                                sf_low_known (group, sf_node_output (group->graph, node, 0)));
  sf_low_instr (group, node, "add", src, 2, &dst, 1)->when = SF_WHEN_LAST;
}

static bool
has_input (const SfGraph *graph, SfNode node, size_t index)
{
  return sf_node_n_inputs (graph, node) > index && sf_node_input (graph, node, index) != SF_NONE;
}

void
sf_emit_linear (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfValue y = sf_node_output (graph, node, 0);
  const SfShape *full = sf_value_shape (graph, y);
  SfMap out = *sf_low_known (group, y);
  int n = full->rank - 1, k = full->rank;
  SfMap x = out;
  x.dim[n] = sf_dim_axis (k);
  SfMap w = { .rank = 2, .dim = { sf_dim_axis (n), sf_dim_axis (k) } };
  bool bias = has_input (graph, node, 2);
  uint32_t src[] = { sf_low_input (group, node, 0, &x), sf_low_input (group, node, 1, &w) };
  uint32_t dst = bias ? sf_low_scratch (group, node, &out) : sf_low_output (group, node, 0, &out);
  sf_low_instr (group, node, "gemm", src, 2, &dst, 1)->imm[1] = 1;
  if (bias)
    {
      SfMap b = { .rank = 1, .dim = { sf_dim_axis (n) } };
      emit_bias (group, node, 2, sf_value_shape (graph, sf_node_input (graph, node, 2)), &b, dst);
    }
}

/* ---- conv2d ---- */

/* Attributes and shapes of a convolution in any of its three directions. */
typedef struct
{
  int64_t n, c, h, w, o, kh, kw, oh, ow;
  int64_t groups, strides[2], pads[4], dilations[2];
} Conv;

static void
read_ints (const SfGraph *graph, SfNode node, const char *name, int64_t *out, size_t n)
{
  size_t found;
  const int64_t *ints = sf_node_attr_ints (graph, node, name, &found);
  for (size_t i = 0; i < MIN (n, found); i++)
    out[i] = ints[i];
}

static Conv
conv_of (const SfGraph *graph, SfNode node, SfValue x, SfValue w, SfValue y)
{
  const SfShape *xs = sf_value_shape (graph, x), *ws = sf_value_shape (graph, w),
                *ys = sf_value_shape (graph, y);
  Conv conv = { .n = xs->dim[0],
                .c = xs->dim[1],
                .h = xs->dim[2],
                .w = xs->dim[3],
                .o = ws->dim[0],
                .kh = ws->dim[2],
                .kw = ws->dim[3],
                .oh = ys->dim[2],
                .ow = ys->dim[3] };
  conv.groups = sf_node_attr_int (graph, node, "groups");
  read_ints (graph, node, "strides", conv.strides, 2);
  read_ints (graph, node, "pads", conv.pads, 4);
  read_ints (graph, node, "dilations", conv.dilations, 2);
  return conv;
}

static void
conv_flops (SfLowGroup *group, const Conv *conv)
{
  group->flops = 2 * conv->n * conv->o * conv->oh * conv->ow * conv->c / conv->groups * conv->kh
                 * conv->kw;
  group->matrix = true;
}

/* Axis of the groups, made only when there are several; -1 otherwise. */
static int
group_axis (SfLowGroup *group, const Conv *conv)
{
  if (conv->groups == 1)
    return -1;
  int axis = sf_low_axis (group, conv->groups, false);
  group->axis[axis].single = true;
  return axis;
}

/* Channels of group `g`: those of axis `inner` (-1: all `per_group` of them). */
static SfDimMap
channel_map (int g, int inner, int64_t per_group)
{
  SfDimMap map = inner < 0 ? sf_dim_whole (per_group) : sf_dim_axis (inner);
  if (g >= 0)
    {
      map.axis[map.n_terms] = g;
      map.coef[map.n_terms++] = per_group;
    }
  return map;
}

/* Rows (columns) of an image under a window: `axis` of output positions, or all of `n` of them. */
static SfDimMap
window_map (int axis, int64_t n, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad)
{
  SfDimMap map = { .base = -pad, .stride = 1, .extra = (kernel - 1) * dilation };
  if (axis < 0)
    map.extra += (n - 1) * stride;
  else
    {
      map.n_terms = 1;
      map.axis[0] = axis;
      map.coef[0] = stride;
    }
  return map;
}

static void
conv_imm (SfInstr *instr, const Conv *conv)
{
  instr->imm[0] = conv->strides[0];
  instr->imm[1] = conv->strides[1];
  instr->imm[2] = conv->dilations[0];
  instr->imm[3] = conv->dilations[1];
}

static Conv
forward_conv (const SfGraph *graph, SfNode node)
{
  return conv_of (graph, node, sf_node_input (graph, node, 0), sf_node_input (graph, node, 1),
                  sf_node_output (graph, node, 0));
}

void
sf_layout_conv2d (SfLowGroup *group, SfNode node)
{
  Conv conv = forward_conv (group->graph, node);
  int n = sf_low_axis (group, conv.n, false);
  int g = group_axis (group, &conv);
  int o = sf_low_axis (group, conv.o / conv.groups, false);
  int oh = sf_low_axis (group, conv.oh, false);
  SfMap y = { .rank = 4,
              .dim = { sf_dim_axis (n), channel_map (g, o, conv.o / conv.groups), sf_dim_axis (oh),
                       sf_dim_whole (conv.ow) } };
  sf_low_set_known (group, sf_node_output (group->graph, node, 0), &y);
  conv_flops (group, &conv);
}

void
sf_emit_conv2d (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  Conv conv = forward_conv (graph, node);
  SfMap y = *sf_low_known (group, sf_node_output (graph, node, 0));
  int g = conv.groups > 1 ? 1 : -1, oh = y.dim[2].axis[0];
  int64_t cg = conv.c / conv.groups;
  SfMap x = {
    .rank = 4,
    .dim = { y.dim[0], channel_map (g, -1, cg),
             window_map (oh, 0, conv.kh, conv.strides[0], conv.dilations[0], conv.pads[0]),
             window_map (-1, conv.ow, conv.kw, conv.strides[1], conv.dilations[1], conv.pads[1]) }
  };
  SfMap w = { .rank = 4,
              .dim = { y.dim[1], sf_dim_whole (cg), sf_dim_whole (conv.kh),
                       sf_dim_whole (conv.kw) } };
  bool bias = has_input (graph, node, 2);
  uint32_t src[] = { sf_low_input (group, node, 0, &x), sf_low_input (group, node, 1, &w) };
  uint32_t dst = bias ? sf_low_scratch (group, node, &y) : sf_low_output (group, node, 0, &y);
  conv_imm (sf_low_instr (group, node, "conv2d", src, 2, &dst, 1), &conv);
  if (bias)
    {
      SfShape shape = SF_SHAPE (conv.o, 1, 1);
      SfMap b = { .rank = 3, .dim = { y.dim[1], sf_dim_whole (1), sf_dim_whole (1) } };
      emit_bias (group, node, 2, &shape, &b, dst);
    }
}

static Conv
dx_conv (const SfGraph *graph, SfNode node)
{
  return conv_of (graph, node, sf_node_output (graph, node, 0), sf_node_input (graph, node, 1),
                  sf_node_input (graph, node, 0));
}

void
sf_layout_conv2d_dx (SfLowGroup *group, SfNode node)
{
  Conv conv = dx_conv (group->graph, node);
  int n = sf_low_axis (group, conv.n, false);
  int g = group_axis (group, &conv);
  int c = sf_low_axis (group, conv.c / conv.groups, false);
  SfMap dx = { .rank = 4,
               .dim = { sf_dim_axis (n), channel_map (g, c, conv.c / conv.groups),
                        sf_dim_whole (conv.h), sf_dim_whole (conv.w) } };
  sf_low_set_known (group, sf_node_output (group->graph, node, 0), &dx);
  conv_flops (group, &conv);
}

void
sf_emit_conv2d_dx (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  Conv conv = dx_conv (graph, node);
  SfMap dx = *sf_low_known (group, sf_node_output (graph, node, 0));
  int g = conv.groups > 1 ? 1 : -1, c = conv.groups > 1 ? 2 : 1;
  int64_t og = conv.o / conv.groups;
  SfMap dy = { .rank = 4,
               .dim = { dx.dim[0], channel_map (g, -1, og), sf_dim_whole (conv.oh),
                        sf_dim_whole (conv.ow) } };
  SfMap w = { .rank = 4,
              .dim = { channel_map (g, -1, og), sf_dim_axis (c), sf_dim_whole (conv.kh),
                       sf_dim_whole (conv.kw) } };
  uint32_t src[] = { sf_low_input (group, node, 0, &dy), sf_low_input (group, node, 1, &w) };
  uint32_t dst = sf_low_output (group, node, 0, &dx);
  SfInstr *instr = sf_low_instr (group, node, "conv2d_dx", src, 2, &dst, 1);
  conv_imm (instr, &conv);
  instr->imm[4] = conv.pads[0];
  instr->imm[5] = conv.pads[1];
}

static Conv
dw_conv (const SfGraph *graph, SfNode node)
{
  return conv_of (graph, node, sf_node_input (graph, node, 1), sf_node_output (graph, node, 0),
                  sf_node_input (graph, node, 0));
}

void
sf_layout_conv2d_dw (SfLowGroup *group, SfNode node)
{
  Conv conv = dw_conv (group->graph, node);
  sf_low_axis (group, conv.n, true);
  int g = group_axis (group, &conv);
  int o = sf_low_axis (group, conv.o / conv.groups, false);
  int c = sf_low_axis (group, conv.c / conv.groups, false);
  SfMap dw = { .rank = 4,
               .dim = { channel_map (g, o, conv.o / conv.groups), sf_dim_axis (c),
                        sf_dim_whole (conv.kh), sf_dim_whole (conv.kw) } };
  sf_low_set_known (group, sf_node_output (group->graph, node, 0), &dw);
  conv_flops (group, &conv);
}

void
sf_emit_conv2d_dw (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  Conv conv = dw_conv (graph, node);
  SfMap dw = *sf_low_known (group, sf_node_output (graph, node, 0));
  int g = conv.groups > 1 ? 1 : -1, c = conv.groups > 1 ? 3 : 2;
  SfMap dy = {
    .rank = 4, .dim = { sf_dim_axis (0), dw.dim[0], sf_dim_whole (conv.oh), sf_dim_whole (conv.ow) }
  };
  SfMap x = {
    .rank = 4,
    .dim = { sf_dim_axis (0), channel_map (g, c, conv.c / conv.groups),
             window_map (-1, conv.oh, conv.kh, conv.strides[0], conv.dilations[0], conv.pads[0]),
             window_map (-1, conv.ow, conv.kw, conv.strides[1], conv.dilations[1], conv.pads[1]) }
  };
  uint32_t src[] = { sf_low_input (group, node, 0, &dy), sf_low_input (group, node, 1, &x) };
  uint32_t dst = sf_low_output (group, node, 0, &dw);
  conv_imm (sf_low_instr (group, node, "conv2d_dw", src, 2, &dst, 1), &conv);
}
