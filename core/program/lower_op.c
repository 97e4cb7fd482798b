/* SPDX-License-Identifier: Apache-2.0 */
/* The table from graph ops to tile-ops, and the instructions of ops that follow their neighbours.
 */
#include "core/program/lower.h"
#include "core/program/tileop.h"

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

/* What is shifted out is gone at the width of the value, not at that of the lane. */
void
sf_emit_shift (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  SfDtype dtype = sf_value_dtype (group->graph, sf_node_output (group->graph, node, 0));
  emit_follow (group, node, sf_node_op_name (group->graph, node), &domain)->imm[0]
      = 8 * (int64_t) sf_dtype_bytes (dtype);
}

/* The dtype cast to counts even where the result never meets a buffer. */
void
sf_emit_cast (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfMap domain = *sf_low_domain (group, node);
  SfInstr *instr = emit_follow (group, node, "cast", &domain);
  instr->imm[0] = sf_low_narrower ((SfDtype) sf_node_attr_int (graph, node, "dtype"));
  instr->imm[1] = sf_node_attr_int (graph, node, "saturate");
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

/* What goes along rows, and takes their axis. */
void
sf_emit_rows (SfLowGroup *group, SfNode node)
{
  SfMap domain = *sf_low_domain (group, node);
  emit_follow (group, node, sf_node_op_name (group->graph, node), &domain)->imm[0] = axis_attr (
      group->graph, node, domain.rank);
}

void
sf_emit_cumsum (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfMap domain = *sf_low_domain (group, node);
  SfInstr *instr = emit_follow (group, node, "cumsum", &domain);
  instr->imm[0] = axis_attr (graph, node, domain.rank);
  instr->imm[1] = sf_node_attr_int (graph, node, "exclusive");
  instr->imm[2] = sf_node_attr_int (graph, node, "reverse");
}

void
sf_emit_sort (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfMap domain = *sf_low_domain (group, node);
  SfInstr *instr = emit_follow (group, node, "sort", &domain);
  instr->imm[0] = axis_attr (graph, node, domain.rank);
  instr->imm[1] = sf_node_attr_int (graph, node, "descending");
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

/* ---- the table ---- */

#define MAP(name)                                                                           \
  {                                                                                         \
    name, SF_LOWER_MAP, name, true, NULL, sf_layout_domain, sf_emit_map, .overflows = false \
  }
#define MAP_OVER(name)                                                                     \
  {                                                                                        \
    name, SF_LOWER_MAP, name, true, NULL, sf_layout_domain, sf_emit_map, .overflows = true \
  }
#define ROW(name, emit, over)                                                       \
  {                                                                                 \
    name, SF_LOWER_ROW, name, true, NULL, sf_layout_domain, emit, .overflows = over \
  }
#define REDUCE(name, over)                                                                       \
  {                                                                                              \
    name, SF_LOWER_REDUCE, name, true, NULL, sf_layout_domain, sf_emit_reduce, .overflows = over \
  }
/* An op that lays out its stage; layout and emit are called after it. */
#define ANCHOR(name, class, tile, check, kind, over)                                     \
  {                                                                                      \
    name, class, tile, false, check, sf_layout_##kind, sf_emit_##kind, .overflows = over \
  }

static const SfLowerOp ops[] = {
  MAP_OVER ("neg"),
  MAP_OVER ("abs"),
  MAP ("sign"),
  MAP ("exp"),
  MAP ("log"),
  MAP ("sqrt"),
  MAP ("rsqrt"),
  MAP ("reciprocal"),
  MAP ("sin"),
  MAP ("cos"),
  MAP ("tan"),
  MAP ("asin"),
  MAP ("acos"),
  MAP ("atan"),
  MAP ("sinh"),
  MAP ("cosh"),
  MAP ("tanh"),
  MAP ("asinh"),
  MAP ("acosh"),
  MAP ("atanh"),
  MAP ("sigmoid"),
  MAP ("erf"),
  MAP ("floor"),
  MAP ("ceil"),
  MAP ("round"),
  MAP ("not"),
  MAP_OVER ("bit_not"),
  MAP_OVER ("add"),
  MAP_OVER ("sub"),
  MAP_OVER ("mul"),
  MAP_OVER ("div"),
  MAP ("mod"),
  MAP ("fmod"),
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
  MAP ("bit_and"),
  MAP ("bit_or"),
  MAP ("bit_xor"),
  MAP ("select"),
  MAP ("relu"),
  MAP ("relu_bwd"),
  { "shift_left", SF_LOWER_MAP, "shift_left", true, NULL, sf_layout_domain, sf_emit_shift, true },
  { "shift_right", SF_LOWER_MAP, "shift_right", true, NULL, sf_layout_domain, sf_emit_shift,
    false },
  { "cast", SF_LOWER_MAP, "cast", true, NULL, sf_layout_domain, sf_emit_cast, false },
  { "gelu", SF_LOWER_MAP, "gelu", true, NULL, sf_layout_domain, sf_emit_gelu, false },
  { "gelu_bwd", SF_LOWER_MAP, "gelu_bwd", true, NULL, sf_layout_domain, sf_emit_gelu, false },
  { "broadcast", SF_LOWER_MAP, "copy", true, NULL, sf_layout_domain, sf_emit_broadcast, false },
  { "iota", SF_LOWER_SOURCE, "iota", true, NULL, sf_layout_domain, sf_emit_iota, true },
  { "rng_uniform", SF_LOWER_SOURCE, "uniform", true, NULL, sf_layout_domain, sf_emit_rng_uniform,
    false },
  REDUCE ("reduce_sum", true),
  REDUCE ("reduce_max", false),
  REDUCE ("reduce_min", false),
  REDUCE ("reduce_prod", true),
  ROW ("softmax", sf_emit_rows, false),
  ROW ("log_softmax", sf_emit_rows, false),
  ROW ("softmax_bwd", sf_emit_rows, false),
  ROW ("log_softmax_bwd", sf_emit_rows, false),
  ROW ("layer_norm", sf_emit_layer_norm, false),
  ROW ("layer_norm_dx", sf_emit_rows, false),
  ROW ("cumsum", sf_emit_cumsum, true),
  ROW ("sort", sf_emit_sort, false),
  ANCHOR ("matmul", SF_LOWER_CONTRACTION, "gemm", NULL, matmul, true),
  ANCHOR ("linear", SF_LOWER_CONTRACTION, "gemm", sf_check_linear, linear, false),
  ANCHOR ("attention", SF_LOWER_CONTRACTION, "gemm", sf_check_attention, attention, false),
  ANCHOR ("attention_bwd", SF_LOWER_CONTRACTION, "gemm", sf_check_attention, attention, false),
  ANCHOR ("conv2d", SF_LOWER_WINDOW, "conv2d", NULL, conv2d, false),
  ANCHOR ("conv2d_dx", SF_LOWER_WINDOW, "conv2d_dx", NULL, conv2d_dx, false),
  ANCHOR ("conv2d_dw", SF_LOWER_WINDOW, "conv2d_dw", NULL, conv2d_dw, false),
  ANCHOR ("max_pool2d", SF_LOWER_WINDOW, "max_pool2d", NULL, pool, false),
  ANCHOR ("max_pool2d_bwd", SF_LOWER_WINDOW, "max_pool2d_bwd", NULL, pool, false),
  ANCHOR ("avg_pool2d", SF_LOWER_WINDOW, "avg_pool2d", NULL, pool, false),
  ANCHOR ("avg_pool2d_bwd", SF_LOWER_WINDOW, "avg_pool2d_bwd", NULL, pool, false),
  { "transpose", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_transpose, false },
  { "slice", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_slice, false },
  { "pad", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_pad, false },
  { "concat", SF_LOWER_MOVE, "copy", false, NULL, sf_layout_move, sf_emit_concat, false },
  { "reshape", SF_LOWER_VIEW, "copy", false, NULL, sf_layout_move, sf_emit_reshape, false },
  ANCHOR ("gather", SF_LOWER_INDEX, "gather", NULL, gather, false),
  ANCHOR ("scatter_add", SF_LOWER_INDEX, "scatter_add", NULL, scatter_add, true),
  ANCHOR ("scatter", SF_LOWER_INDEX, "scatter", NULL, scatter, true),
};

static gpointer
index_ops (gpointer data)
{
  GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);
  for (size_t i = 0; i < G_N_ELEMENTS (ops); i++)
    g_hash_table_insert (index, (gpointer) ops[i].name, (gpointer) &ops[i]);
  return index;
}

const SfLowerOp *
sf_lower_op (const SfGraph *graph, SfNode node)
{
  static GOnce once = G_ONCE_INIT;
  return g_hash_table_lookup (g_once (&once, index_ops, NULL), sf_node_op_name (graph, node));
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

/* Whether the lanes of the tile-op take these dtypes. */
static bool
types_supported (const SfGraph *graph, SfNode node, const SfLowerOp *op, char **reason)
{
  const SfTileRow *row = sf_tile_row_find (op->tile, 1);
  SfDtype src[SF_MAX_SRC] = { 0 };
  size_t n = 0;
  for (size_t i = 0; i < MIN (sf_node_n_inputs (graph, node), SF_MAX_SRC); i++)
    if (sf_node_input (graph, node, i) != SF_NONE)
      src[n++] = sf_low_lane (sf_value_dtype (graph, sf_node_input (graph, node, i)));
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    {
      SfDtype dtype = sf_value_dtype (graph, sf_node_output (graph, node, i));
      if (!sf_tile_types_fit (row->types, src, n, i, sf_low_lane (dtype)))
        return refuse (reason, g_strdup_printf ("tile-op %s does not take %s", op->tile,
                                                sf_dtype_name (dtype)));
    }
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
  if (!types_supported (graph, node, op, reason))
    return false;
  return op->check == NULL || op->check (graph, node, reason);
}
