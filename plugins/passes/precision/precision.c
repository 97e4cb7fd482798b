/* SPDX-License-Identifier: Apache-2.0 */
/* Pass precision: puts the storage dtype on every value. bf16 narrows activations, their gradients
 * and weights as kernels read them; master weights, states, statistics, sums, losses and parameter
 * gradients stay f32. */
#include <sf/plugin/pass.h>

typedef struct
{
  const SfGraph *from;
  SfGraph *to;
  SfValue *map;    /* per value of `from` */
  SfValue *narrow; /* its bf16 copy, made when first wanted */
  SfValue *wide;   /* its f32 copy */
  bool *keep;      /* parameter gradients and what they are summed from */
} Rewrite;

static bool
is_float (const SfGraph *graph, SfValue value)
{
  SfDtype dtype = sf_value_dtype (graph, value);
  return dtype == SF_F32 || dtype == SF_BF16;
}

static bool
one_of (const char *op, const char *const *names)
{
  return g_strv_contains (names, op);
}

static bool
sums_up (const char *op)
{
  static const char *const names[] = { "matmul",        "conv2d_dw",   "reduce_sum", "reduce_mean",
                                       "embedding_bwd", "scatter_add", NULL };
  return one_of (op, names);
}

static bool
moves (const char *op)
{
  static const char *const names[] = { "reshape", "transpose", "slice", "concat",
                                       "pad",     "broadcast", "add",   NULL };
  return one_of (op, names);
}

/* Follows a parameter's gradient back to the sums that it consists of. */
static void
keep_gradient (Rewrite *r, SfValue grad)
{
  SfNode node = sf_value_producer (r->from, grad);
  if (node == SF_NONE || r->keep[grad] || sf_node_phase (r->from, node) != SF_PHASE_BWD)
    return;
  const char *op = sf_node_op_name (r->from, node);
  r->keep[grad] = sums_up (op) || moves (op);
  for (size_t i = 0; moves (op) && i < sf_node_n_inputs (r->from, node); i++)
    keep_gradient (r, sf_node_input (r->from, node, i));
}

/* ---- inputs of nodes ---- */

static SfValue
cast_to (Rewrite *r, SfValue value, SfDtype dtype, GError **error)
{
  SfValue mapped = r->map[value];
  if (!is_float (r->to, mapped) || sf_value_dtype (r->to, mapped) == dtype)
    return mapped;
  SfValue *known = dtype == SF_BF16 ? &r->narrow[value] : &r->wide[value];
  if (*known == SF_NONE)
    {
      SfAttr attr = SF_ATTR_D ("dtype", dtype);
      *known = sf_graph_op (r->to, "cast", &mapped, 1, &attr, 1, error);
    }
  return *known;
}

/* Inputs of norms behind x (and dy) are parameters and statistics, f32 always. */
static size_t
n_norm_activations (const char *op)
{
  if (g_str_equal (op, "layer_norm_bwd") || g_str_equal (op, "layer_norm_dx")
      || g_str_equal (op, "batch_norm_bwd"))
    return 2;
  return g_str_equal (op, "layer_norm") || g_str_equal (op, "batch_norm")
                 || g_str_equal (op, "batch_norm_infer")
             ? 1
             : 0;
}

static bool
reads_weights (const SfGraph *graph, SfNode node)
{
  SfOpClass op_class = sf_op_class (sf_node_op (graph, node));
  return op_class == SF_OP_CONTRACTION || op_class == SF_OP_WINDOW || op_class == SF_OP_INDEX
         || (op_class == SF_OP_COMPOSITE
             && !g_str_has_prefix (sf_node_op_name (graph, node), "reduce"));
}

/* Whether what the node computes with is narrow: it meets an activation, a weight or a fed value.
 */
static bool
wants_narrow (const Rewrite *r, SfNode node)
{
  const SfGraph *graph = r->from;
  bool weights = reads_weights (graph, node), activation = false, kept = false;
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    kept |= r->keep[sf_node_output (graph, node, i)];
  if (kept && !sums_up (sf_node_op_name (graph, node)))
    return false;
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue v = sf_node_input (graph, node, i);
      if (v == SF_NONE || !is_float (graph, v))
        continue;
      SfValueKind kind = sf_value_kind (graph, v);
      activation |= sf_value_dtype (r->to, r->map[v]) == SF_BF16 || kind == SF_VALUE_INPUT
                    || (kind == SF_VALUE_STATE && weights);
    }
  return activation;
}

static SfDtype
wanted_dtype (const Rewrite *r, SfNode node, size_t index, bool narrow)
{
  const char *op = sf_node_op_name (r->from, node);
  if (sf_node_phase (r->from, node) == SF_PHASE_OPT || g_str_equal (op, "mse")
      || g_str_equal (op, "cast"))
    return g_str_equal (op, "cast")
               ? sf_value_dtype (r->to, r->map[sf_node_input (r->from, node, index)])
               : SF_F32;
  if (g_str_has_prefix (op, "softmax_ce"))
    return index == 0 && g_str_has_suffix (op, "_bwd") ? SF_F32 : SF_BF16;
  size_t activations = n_norm_activations (op);
  if (activations > 0)
    return index < activations ? SF_BF16 : SF_F32;
  return narrow ? SF_BF16 : SF_F32;
}

static bool
add_node (Rewrite *r, SfNode node, GError **error)
{
  const SfGraph *from = r->from;
  size_t n = sf_node_n_inputs (from, node);
  g_autofree SfValue *inputs = g_new (SfValue, n + 1);
  g_autofree SfValue *before = g_new (SfValue, n + 1);
  bool narrow = wants_narrow (r, node);
  sf_graph_set_phase (r->to, sf_node_phase (from, node));
  sf_graph_set_scope (r->to, sf_node_name (from, node));
  for (size_t i = 0; i < n; i++)
    {
      SfValue v = sf_node_input (from, node, i);
      if (v != SF_NONE && is_float (from, v))
        {
          inputs[i] = cast_to (r, v, wanted_dtype (r, node, i, narrow), error);
          if (inputs[i] == SF_NONE)
            return false;
        }
    }
  /* The node is copied with its operands exchanged for those of the wanted dtype. */
  for (size_t i = 0; i < n; i++)
    {
      SfValue v = sf_node_input (from, node, i);
      before[i] = v == SF_NONE ? SF_NONE : r->map[v];
    }
  for (size_t i = 0; i < n; i++)
    if (sf_node_input (from, node, i) != SF_NONE && is_float (from, sf_node_input (from, node, i)))
      r->map[sf_node_input (from, node, i)] = inputs[i];
  bool ok = sf_graph_copy_node (r->to, from, node, r->map, error);
  for (size_t i = 0; i < n; i++)
    if (before[i] != SF_NONE)
      r->map[sf_node_input (from, node, i)] = before[i];
  for (size_t i = 0; ok && i < sf_node_n_outputs (from, node); i++)
    {
      SfValue y = sf_node_output (from, node, i);
      bool sum = sf_op_class (sf_node_op (from, node)) == SF_OP_REDUCE
                 && g_str_equal (sf_node_op_name (from, node), "reduce_sum");
      if ((r->keep[y] || sum) && is_float (r->to, r->map[y]))
        ok = sf_graph_set_dtype (r->to, r->map[y], SF_F32, error);
    }
  return ok;
}

/* ---- graphs ---- */

static bool
widen (Rewrite *r, SfValue value, GError **error)
{
  SfNode producer = sf_value_producer (r->from, value);
  if (producer != SF_NONE)
    sf_graph_set_phase (r->to, sf_node_phase (r->from, producer));
  r->map[value] = cast_to (r, value, SF_F32, error);
  return r->map[value] != SF_NONE;
}

/* Updates and losses are f32 as the states and scalars they become. */
static bool
widen_results (Rewrite *r, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_states (r->from); i++)
    {
      SfValue next = sf_value_update (r->from, sf_graph_state_at (r->from, i));
      if (next != SF_NONE && is_float (r->from, next) && !widen (r, next, error))
        return false;
    }
  for (size_t i = 0; i < sf_graph_n_outputs (r->from); i++)
    {
      SfOutputRole role;
      SfValue v = sf_graph_output_at (r->from, i, NULL, &role);
      if (role == SF_OUTPUT_LOSS && !widen (r, v, error))
        return false;
    }
  return true;
}

static bool
widen_grads (Rewrite *r, const SfModule *module, SfModule *out, const char *entry, GError **error)
{
  g_autofree char *prefix = g_strdup_printf ("grad.%s.", entry);
  for (const char *const *key = sf_module_fact_keys (module); *key != NULL; key++)
    {
      if (!g_str_has_prefix (*key, prefix))
        continue;
      SfValue grad = (SfValue) g_ascii_strtoull (sf_module_fact (module, *key), NULL, 10);
      SfValue wide = cast_to (r, grad, SF_F32, error);
      if (wide == SF_NONE)
        return false;
      g_autofree char *id = g_strdup_printf ("%u", wide);
      sf_module_set_fact (out, *key, id);
    }
  return true;
}

static void
mark_gradients (Rewrite *r, const SfModule *module, const char *entry)
{
  g_autofree char *prefix = g_strdup_printf ("grad.%s.", entry);
  for (const char *const *key = sf_module_fact_keys (module); *key != NULL; key++)
    if (g_str_has_prefix (*key, prefix))
      keep_gradient (r, (SfValue) g_ascii_strtoull (sf_module_fact (module, *key), NULL, 10));
}

/* Gradients are widened before the first node that updates with them. */
static bool
rewrite_nodes (Rewrite *r, const SfModule *module, SfModule *out, const char *entry, GError **error)
{
  bool widened = false;
  for (SfNode node = 0; node < sf_graph_n_nodes (r->from); node++)
    {
      if (!widened && sf_node_phase (r->from, node) == SF_PHASE_OPT)
        {
          widened = true;
          sf_graph_set_phase (r->to, SF_PHASE_BWD);
          if (!widen_grads (r, module, out, entry, error))
            return false;
        }
      if (!add_node (r, node, error))
        return false;
    }
  return widened || widen_grads (r, module, out, entry, error);
}

static bool
rewrite_graph (const SfModule *module, SfModule *out, const char *entry, GError **error)
{
  const SfGraph *from = sf_module_graph (module, entry);
  size_t n = sf_graph_n_values (from) + 1;
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  g_autofree SfValue *map = g_new (SfValue, n);
  g_autofree SfValue *narrow = g_new (SfValue, n);
  g_autofree SfValue *wide = g_new (SfValue, n);
  g_autofree bool *keep = g_new0 (bool, n);
  for (size_t i = 0; i < n; i++)
    narrow[i] = wide[i] = SF_NONE;
  Rewrite r = { .from = from, .to = to, .map = map, .narrow = narrow, .wide = wide, .keep = keep };
  mark_gradients (&r, module, entry);
  if (!sf_graph_copy_interface (to, from, map, error)
      || !rewrite_nodes (&r, module, out, entry, error) || !widen_results (&r, error)
      || !sf_graph_copy_results (to, from, map, error))
    return false;
  for (SfValue v = 0; v < sf_graph_n_values (to); v++)
    sf_value_set_origin (to, v, v);
  sf_module_set_graph (out, entry, to);
  return true;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  (void) options;
  if (g_strcmp0 (sf_pass_fact (context, "precision"), "bf16") != 0)
    return true;
  const SfModule *work = sf_pass_module (context);
  g_autoptr (SfModule) module = sf_module_new (sf_module_name (work));
  for (size_t i = 0; i < sf_module_n_entries (work); i++)
    if (!rewrite_graph (work, module, sf_module_entry (work, i), error))
      return false;
  sf_pass_set_source (context, module);
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "precision", "1.0", "put the storage dtype on every value"),
  .ops.pass = &pass_ops,
};
