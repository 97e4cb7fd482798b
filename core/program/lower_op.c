/* SPDX-License-Identifier: Apache-2.0 */
/* The table from graph ops to tile-ops, and the instructions of ops that follow their neighbours.
 */
#include "core/program/lower.h"

/* ---- instructions ---- */

/* Operands by sf_follow_map, then one instruction. */
static SfInstr *
emit_follow (SfLowGroup *group, SfNode node, const char *tile, const SfMap *domain)
{
  const SfGraph *graph = group->graph;
  uint32_t src[SF_MAX_SRC], dst[SF_MAX_DST];
  size_t n_src = MIN (sf_node_n_inputs (graph, node), SF_MAX_SRC);
  size_t n_dst = MIN (sf_node_n_outputs (graph, node), SF_MAX_DST);
  for (size_t i = 0; i < n_src; i++)
    {
      SfMap map = sf_follow_map (graph, node, domain, false, i);
      src[i] = sf_low_input (group, node, i, &map);
    }
  for (size_t i = 0; i < n_dst; i++)
    {
      SfMap map = sf_follow_map (graph, node, domain, true, i);
      dst[i] = sf_low_output (group, node, i, &map);
    }
  return sf_low_instr (group, node, tile, src, n_src, dst, n_dst);
}

static int64_t
axis_attr (const SfGraph *graph, SfNode node, int rank)
{
  int64_t axis = sf_node_attr_int (graph, node, "axis");
  return axis < 0 ? axis + rank : axis;
}

void
sf_emit_map (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  emit_follow (group, node, sf_lower_op (group->graph, node)->tile, &domain);
}

/* The dtype cast to counts even where the result never meets a buffer. */
void
sf_emit_cast (SfLowGroup *group, SfNode node)
{
  static const int64_t narrower[SF_N_DTYPES]
      = { [SF_BF16] = 1, [SF_F16] = 2, [SF_I8] = 3, [SF_I16] = 4, [SF_U8] = 5, [SF_U16] = 6 };
  SfMap domain = *sf_low_domain (group, node);
  int64_t dtype = sf_node_attr_int (group->graph, node, "dtype");
  emit_follow (group, node, "cast", &domain)->imm[0] = narrower[dtype];
}

void
sf_emit_gelu (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  bool tanh_form = g_str_equal (sf_node_attr_string (group->graph, node, "approximate"), "tanh");
  bool bwd = sf_node_n_inputs (group->graph, node) == 2;
  const char *tile = bwd ? (tanh_form ? "gelu_tanh_bwd" : "gelu_bwd")
                         : (tanh_form ? "gelu_tanh" : "gelu");
  emit_follow (group, node, tile, &domain);
}

void
sf_emit_reduce (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfMap domain = *sf_low_domain (group, node);
  SfInstr *instr = emit_follow (group, node, sf_node_op_name (graph, node), &domain);
  size_t n;
  const int64_t *axes = sf_node_attr_ints (graph, node, "axes", &n);
  for (size_t i = 0; i < n; i++)
    instr->imm[0] |= INT64_C (1) << (axes[i] < 0 ? axes[i] + domain.rank : axes[i]);
  instr->imm[1] = sf_node_attr_int (graph, node, "keepdims");
}

void
sf_emit_softmax (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  emit_follow (group, node, sf_node_op_name (group->graph, node), &domain)->imm[0] = axis_attr (
      group->graph, node, domain.rank);
}

void
sf_emit_layer_norm (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  SfInstr *instr = emit_follow (group, node, "layer_norm", &domain);
  instr->imm[0] = axis_attr (group->graph, node, domain.rank);
  instr->fimm[0] = sf_node_attr_float (group->graph, node, "eps");
}

/* The input seen with leading ones, so that both sides of the copy have one rank. */
void
sf_emit_broadcast (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfValue y = sf_node_output (graph, node, 0);
  SfMap map = *sf_low_known (group, y);
  const SfShape *full = sf_value_shape (graph, y);
  const SfShape *narrow = sf_value_shape (graph, sf_node_input (graph, node, 0));
  SfShape shape = { .rank = full->rank };
  for (int i = 0; i < full->rank; i++)
    {
      int from = i - (full->rank - narrow->rank);
      shape.dim[i] = from < 0 ? 1 : narrow->dim[from];
    }
  SfMap x = sf_map_broadcast (&map, full, &shape);
  uint32_t src = sf_low_input_as (group, node, 0, &shape, &x);
  uint32_t dst = sf_low_output (group, node, 0, &map);
  sf_low_copy_imm (sf_low_instr (group, node, "copy", &src, 1, &dst, 1), map.rank, NULL, 0);
}

void
sf_emit_iota (SfLowGroup *group, SfNode node)
{
  SfMap map = *sf_low_known (group, sf_node_output (group->graph, node, 0));
  uint32_t dst = sf_low_output (group, node, 0, &map);
  sf_low_instr (group, node, "iota", NULL, 0, &dst, 1)->imm[0] = axis_attr (group->graph, node,
                                                                            map.rank);
}

void
sf_emit_rng_uniform (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  emit_follow (group, node, "uniform", &domain)->imm[0] = sf_node_attr_int (group->graph, node,
                                                                            "stream");
}

/* The lanes multiply floats; a cast between integers wraps. */
static bool
check_matmul (const SfGraph *graph, SfNode node, char **reason)
{
  if (sf_dtype_is_float (sf_value_dtype (graph, sf_node_input (graph, node, 0))))
    return true;
  if (reason != NULL)
    *reason = g_strdup ("gemm multiplies floats");
  return false;
}

static bool
check_cast (const SfGraph *graph, SfNode node, char **reason)
{
  if (!sf_node_attr_int (graph, node, "saturate"))
    return true;
  if (reason != NULL)
    *reason = g_strdup ("a cast between integers wraps");
  return false;
}

/* ---- the table ---- */

#define MAP(name_)                                                        \
  {                                                                       \
    name_, SF_LOWER_MAP, name_, true, NULL, sf_layout_domain, sf_emit_map \
  }

static const SfLowerOp ops[] = {
  MAP ("neg"),
  MAP ("abs"),
  MAP ("sign"),
  MAP ("exp"),
  MAP ("log"),
  MAP ("sqrt"),
  MAP ("rsqrt"),
  MAP ("reciprocal"),
  MAP ("sin"),
  MAP ("cos"),
  MAP ("tanh"),
  MAP ("sigmoid"),
  MAP ("erf"),
  MAP ("floor"),
  MAP ("ceil"),
  MAP ("round"),
  MAP ("not"),
  MAP ("add"),
  MAP ("sub"),
  MAP ("mul"),
  MAP ("div"),
  MAP ("pow"),
  MAP ("max"),
  MAP ("min"),
  MAP ("eq"),
  MAP ("ne"),
  MAP ("lt"),
  MAP ("le"),
  MAP ("gt"),
  MAP ("ge"),
  MAP ("and"),
  MAP ("or"),
  MAP ("xor"),
  MAP ("select"),
  MAP ("relu"),
  MAP ("relu_bwd"),
  { "cast", SF_LOWER_MAP, "cast", true, check_cast, sf_layout_domain, sf_emit_cast },
  { "gelu", SF_LOWER_MAP, NULL, true, NULL, sf_layout_domain, sf_emit_gelu },
  { "gelu_bwd", SF_LOWER_MAP, NULL, true, NULL, sf_layout_domain, sf_emit_gelu },
  { "broadcast", SF_LOWER_MAP, NULL, true, NULL, sf_layout_domain, sf_emit_broadcast },
  { "reduce_sum", SF_LOWER_REDUCE, "reduce_sum", true, NULL, sf_layout_domain, sf_emit_reduce },
  { "reduce_max", SF_LOWER_REDUCE, "reduce_max", true, NULL, sf_layout_domain, sf_emit_reduce },
  { "reduce_min", SF_LOWER_REDUCE, "reduce_min", true, NULL, sf_layout_domain, sf_emit_reduce },
  { "softmax", SF_LOWER_ROW, "softmax", true, NULL, sf_layout_domain, sf_emit_softmax },
  { "log_softmax", SF_LOWER_ROW, "log_softmax", true, NULL, sf_layout_domain, sf_emit_softmax },
  { "softmax_bwd", SF_LOWER_ROW, "softmax_bwd", true, NULL, sf_layout_domain, sf_emit_softmax },
  { "log_softmax_bwd", SF_LOWER_ROW, "log_softmax_bwd", true, NULL, sf_layout_domain,
    sf_emit_softmax },
  { "layer_norm", SF_LOWER_ROW, "layer_norm", true, NULL, sf_layout_domain, sf_emit_layer_norm },
  { "iota", SF_LOWER_SOURCE, "iota", true, NULL, sf_layout_domain, sf_emit_iota },
  { "rng_uniform", SF_LOWER_SOURCE, "uniform", true, NULL, sf_layout_domain, sf_emit_rng_uniform },
  { "matmul", SF_LOWER_CONTRACTION, "gemm", false, check_matmul, sf_layout_matmul, sf_emit_matmul },
  { "linear", SF_LOWER_CONTRACTION, "gemm", false, sf_check_linear, sf_layout_linear,
    sf_emit_linear },
  { "conv2d", SF_LOWER_WINDOW, "conv2d", false, NULL, sf_layout_conv2d, sf_emit_conv2d },
  { "conv2d_dx", SF_LOWER_WINDOW, "conv2d_dx", false, NULL, sf_layout_conv2d_dx,
    sf_emit_conv2d_dx },
  { "conv2d_dw", SF_LOWER_WINDOW, "conv2d_dw", false, NULL, sf_layout_conv2d_dw,
    sf_emit_conv2d_dw },
  { "max_pool2d", SF_LOWER_WINDOW, "max_pool2d", false, NULL, sf_layout_pool, sf_emit_pool },
  { "max_pool2d_bwd", SF_LOWER_WINDOW, "max_pool2d_bwd", false, NULL, sf_layout_pool,
    sf_emit_pool },
  { "avg_pool2d", SF_LOWER_WINDOW, "avg_pool2d", false, NULL, sf_layout_pool, sf_emit_pool },
  { "avg_pool2d_bwd", SF_LOWER_WINDOW, "avg_pool2d_bwd", false, NULL, sf_layout_pool,
    sf_emit_pool },
  { "transpose", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_transpose },
  { "slice", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_slice },
  { "pad", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_pad },
  { "concat", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_concat },
  { "reshape", SF_LOWER_VIEW, "copy", false, NULL, sf_layout_move, sf_emit_reshape },
  { "gather", SF_LOWER_INDEX, "gather", false, NULL, sf_layout_gather, sf_emit_gather },
  { "scatter_add", SF_LOWER_INDEX, "scatter_add", false, NULL, sf_layout_scatter_add,
    sf_emit_scatter_add },
};

const SfLowerOp *
sf_lower_op (const SfGraph *graph, SfNode node)
{
  const char *name = sf_node_op_name (graph, node);
  for (size_t i = 0; i < G_N_ELEMENTS (ops); i++)
    if (g_str_equal (ops[i].name, name))
      return &ops[i];
  return NULL;
}

SfLowerClass
sf_lower_class (const SfGraph *graph, SfNode node)
{
  const SfLowerOp *op = sf_lower_op (graph, node);
  return op == NULL ? SF_LOWER_NONE : op->lower_class;
}

static bool
refuse (char **reason, char *text)
{
  if (reason != NULL)
    *reason = text;
  else
    g_free (text);
  return false;
}

static bool
value_supported (const SfGraph *graph, SfValue value, char **reason)
{
  SfDtype dtype = sf_value_dtype (graph, value);
  if (dtype == SF_F64 || dtype == SF_I64 || dtype == SF_U64 || dtype == SF_U32)
    return refuse (reason, g_strdup_printf ("%s is wider than the lanes", sf_dtype_name (dtype)));
  if (sf_shape_n_elems (sf_value_shape (graph, value)) == 0)
    return refuse (reason, g_strdup ("an empty tensor makes no tokens"));
  return true;
}

bool
sf_lower_supports (const SfGraph *graph, SfNode node, const SfArch *arch, char **reason)
{
  (void) arch;
  const SfLowerOp *op = sf_lower_op (graph, node);
  if (op == NULL)
    return refuse (reason,
                   g_strdup_printf ("no tile-op expresses %s", sf_node_op_name (graph, node)));
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue value = sf_node_input (graph, node, i);
      if (value != SF_NONE && !value_supported (graph, value, reason))
        return false;
    }
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    if (!value_supported (graph, sf_node_output (graph, node, i), reason))
      return false;
  return op->check == NULL || op->check (graph, node, reason);
}
