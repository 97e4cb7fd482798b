/* SPDX-License-Identifier: Apache-2.0 */
/* Pass recompute: what the forward phase would store for the backward phase, and what is cheaper to
 * make again from what is stored anyway, is made again beside each node that reads it (Chen et al.,
 * Training deep nets with sublinear memory cost, 2016, for maps and random masks only). */
#include <sf/plugin/lower.h>
#include <sf/plugin/pass.h>

static const SfOption options_table[] = {
  { .name = "max-readers",
    .type = SF_OPTION_INT,
    .def = "3",
    .min = 0,
    .max = 64,
    .arg = "N",
    .help = "readers that a value is made again for; 0: none is" },
  { .name = "max-nodes",
    .type = SF_OPTION_INT,
    .def = "6",
    .min = 1,
    .max = 64,
    .arg = "N",
    .help = "nodes that making a value again may take" },
  { .name = NULL },
};

typedef struct
{
  SfPassContext *context;
  const SfGraph *from;
  SfLowering *low;
  SfArchInfo arch;
  int64_t bytes_per_s;
  int64_t max_readers, max_nodes;
  GArray **readers; /* per root: nodes of the backward phase that read it (SfNode), each once */
  bool *stored;     /* per root: in memory whatever is decided */
  GArray **again;   /* per root: nodes that make it again, in order (SfNode); NULL: it is stored */
  SfGraph *to;
  SfValue *map;
  size_t n_values;
  int64_t n_bytes;
} Pass;

/* ---- what is read where ---- */

static SfNode
maker (const Pass *p, SfValue root)
{
  return sf_value_producer (p->from, root);
}

static bool
is_forward (const Pass *p, SfValue root)
{
  SfNode node = maker (p, root);
  return node != SF_NONE && sf_node_phase (p->from, node) == SF_PHASE_FWD;
}

static void
read_by (Pass *p, SfNode node, SfValue value)
{
  SfValue root = value == SF_NONE ? SF_NONE : sf_lowering_root (p->low, value);
  if (root == SF_NONE || sf_lowering_is_view (p->low, node))
    return;
  SfPhase phase = sf_node_phase (p->from, node);
  GArray *readers = p->readers[root];
  if (phase == SF_PHASE_OPT || (sf_node_on_host (p->from, node) && phase != SF_PHASE_FWD))
    p->stored[root] = true;
  else if (phase == SF_PHASE_BWD
           && (readers->len == 0 || g_array_index (readers, SfNode, readers->len - 1) != node))
    g_array_append_val (readers, node);
}

static void
find_readers (Pass *p)
{
  const SfGraph *graph = p->from;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
      read_by (p, node, sf_node_input (graph, node, i));
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    p->stored[sf_lowering_root (p->low, sf_graph_output_at (graph, i, NULL, NULL))] = true;
  for (size_t i = 0; i < sf_graph_n_states (graph); i++)
    {
      SfValue next = sf_value_update (graph, sf_graph_state_at (graph, i));
      if (next != SF_NONE)
        p->stored[sf_lowering_root (p->low, next)] = true;
    }
}

/* ---- what making a value again takes ---- */

/* A state that the forward phase renews is another one afterwards. */
static bool
stays (const Pass *p, SfValue root)
{
  if (sf_value_kind (p->from, root) != SF_VALUE_STATE)
    return true;
  SfValue next = sf_value_update (p->from, root);
  SfNode node = next == SF_NONE ? SF_NONE : sf_value_producer (p->from, next);
  return node == SF_NONE || sf_node_phase (p->from, node) == SF_PHASE_OPT;
}

/* Maps and sources whose result is the same to the bit: one that is kept narrow is rounded where it
 * is stored, and would not be where it is made again. */
static bool
can_repeat (const Pass *p, SfNode node)
{
  SfLowerClass lower_class = sf_lower_class (p->from, node);
  SfDtype dtype = sf_value_dtype (p->from, sf_node_output (p->from, node, 0));
  return (lower_class == SF_LOWER_MAP || lower_class == SF_LOWER_SOURCE
          || lower_class == SF_LOWER_VIEW)
         && sf_node_n_outputs (p->from, node) == 1 && !sf_node_on_host (p->from, node)
         && (dtype == SF_F32 || !sf_dtype_is_float (dtype));
}

static bool
holds (const GArray *nodes, SfNode node)
{
  for (guint i = 0; i < nodes->len; i++)
    if (g_array_index (nodes, SfNode, i) == node)
      return true;
  return false;
}

/* Whether some backward node reads both: then `leaf` comes to it anyway. */
static bool
read_together (const Pass *p, SfValue leaf, SfValue root)
{
  for (guint i = 0; i < p->readers[root]->len; i++)
    if (holds (p->readers[leaf], g_array_index (p->readers[root], SfNode, i)))
      return true;
  return false;
}

static int64_t
bytes_of (const Pass *p, SfValue value)
{
  return sf_shape_n_elems (sf_value_shape (p->from, value))
         * (int64_t) sf_dtype_bytes (sf_value_dtype (p->from, value));
}

/* Adds to `nodes` what makes `value` from what is in memory, and to `bytes` what is read for it
 * besides; false when that cannot be, or takes too many nodes. */
static bool
collect (const Pass *p, SfValue value, SfValue wanted, GArray *nodes, int64_t *bytes)
{
  SfNode node = sf_value_producer (p->from, value);
  SfValue root = sf_lowering_root (p->low, value);
  if (value != wanted && (node == SF_NONE || root == value)
      && (!is_forward (p, root)
          || (p->again[root] == NULL && (p->stored[root] || p->readers[root]->len > 0))))
    {
      if (!stays (p, root) || (node != SF_NONE && !is_forward (p, root)))
        return false;
      *bytes += read_together (p, root, wanted) ? 0 : bytes_of (p, root);
      return true;
    }
  if (node == SF_NONE || holds (nodes, node))
    return node != SF_NONE;
  if (!can_repeat (p, node) || (int64_t) nodes->len >= p->max_nodes)
    return false;
  for (size_t i = 0; i < sf_node_n_inputs (p->from, node); i++)
    {
      SfValue x = sf_node_input (p->from, node, i);
      if (x != SF_NONE && !collect (p, x, wanted, nodes, bytes))
        return false;
    }
  g_array_append_val (nodes, node);
  return true;
}

/* Cycles of the nodes on one PCU in ten, which is what a stage gets of a full section. */
static int64_t
work_cycles (const Pass *p, const GArray *nodes)
{
  int64_t pcus = MAX (p->arch.pcus_per_tile / 10, 1), cycles = 0;
  for (guint i = 0; i < nodes->len; i++)
    {
      SfNode node = g_array_index (nodes, SfNode, i);
      const SfOpCost *cost = sf_arch_op_cost (sf_pass_arch (p->context),
                                              sf_node_op_name (p->from, node));
      SfValue y = sf_node_output (p->from, node, 0);
      int64_t blocks = (sf_shape_n_elems (sf_value_shape (p->from, y)) + p->arch.pcu_lanes - 1)
                       / p->arch.pcu_lanes;
      int64_t body = cost != NULL ? cost->body : 1, tail = cost != NULL ? cost->tail : 0;
      if (sf_lower_class (p->from, node) != SF_LOWER_VIEW)
        cycles += MAX (blocks * body * p->arch.simd_cycles[SF_WIDTH_32] / p->arch.pcu_stages,
                       blocks * tail);
    }
  return cycles / pcus;
}

/* ---- the choice ---- */

static void
decide (Pass *p, SfValue root)
{
  const GArray *readers = p->readers[root];
  if (!is_forward (p, root) || p->stored[root] || readers->len == 0
      || (int64_t) readers->len > p->max_readers || !can_repeat (p, maker (p, root)))
    return;
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (SfNode));
  int64_t more = 0, saved = 2 * bytes_of (p, root);
  if (!collect (p, root, root, nodes, &more))
    return;
  int64_t work = work_cycles (p, nodes) * (int64_t) readers->len;
  double cycles = (double) (saved - more) * (double) p->arch.clock_hz / (double) p->bytes_per_s;
  bool pays = cycles > (double) work;
  const char *name = sf_node_name (p->from, maker (p, root));
  if (saved > more)
    sf_pass_note (p->context,
                  "%s: %s, %u nodes for %u readers take %" G_GINT64_FORMAT
                  " cycles, %" G_GINT64_FORMAT " bytes less pass to and from memory (%.0f cycles)",
                  name, pays ? "made again" : "stored", nodes->len, readers->len, work,
                  saved - more, cycles);
  if (!pays)
    return;
  p->again[root] = g_steal_pointer (&nodes);
  p->n_values++;
  p->n_bytes += saved - more;
}

/* ---- rewriting ---- */

static bool
repeat_node (Pass *p, SfNode node, GError **error)
{
  size_t n = sf_node_n_inputs (p->from, node), n_attrs = sf_node_n_attrs (p->from, node);
  g_autofree SfValue *inputs = g_new (SfValue, n + 1);
  g_autofree SfAttr *attrs = g_new (SfAttr, n_attrs + 1);
  for (size_t i = 0; i < n; i++)
    {
      SfValue x = sf_node_input (p->from, node, i);
      inputs[i] = x == SF_NONE ? SF_NONE : p->map[x];
    }
  for (size_t i = 0; i < n_attrs; i++)
    attrs[i] = sf_node_attr (p->from, node, i);
  sf_graph_set_phase (p->to, SF_PHASE_BWD);
  sf_graph_set_scope (p->to, sf_node_name (p->from, node));
  SfNode copy = sf_graph_add (p->to, sf_node_op_name (p->from, node), inputs, n, attrs, n_attrs,
                              NULL, error);
  if (copy == SF_NONE)
    return false;
  SfValue old = sf_node_output (p->from, node, 0), new = sf_node_output (p->to, copy, 0);
  SfDtype dtype = sf_value_dtype (p->from, old);
  if (sf_value_dtype (p->to, new) != dtype && !sf_graph_set_dtype (p->to, new, dtype, error))
    return false;
  sf_value_set_origin (p->to, new, sf_value_origin (p->from, old));
  p->map[old] = new;
  return true;
}

/* A value of the source graph that stands for another one while a reader is copied. */
typedef struct
{
  SfValue value, was;
} Stand;

static bool
repeat_for (Pass *p, const GArray *nodes, GArray *stands, GError **error)
{
  for (guint i = 0; i < nodes->len; i++)
    {
      SfNode node = g_array_index (nodes, SfNode, i);
      Stand stand = { sf_node_output (p->from, node, 0), SF_NONE };
      stand.was = p->map[stand.value];
      bool repeated = false;
      for (guint k = 0; k < stands->len; k++)
        repeated |= g_array_index (stands, Stand, k).value == stand.value;
      if (repeated)
        continue;
      g_array_append_val (stands, stand);
      if (!repeat_node (p, node, error))
        return false;
    }
  return true;
}

/* Views between a value and its reader are made again as well. */
static bool
repeat_views (Pass *p, SfValue value, GArray *stands, GError **error)
{
  SfNode node = sf_value_producer (p->from, value);
  if (sf_lowering_root (p->low, value) == value)
    return true;
  g_autoptr (GArray) one = g_array_new (FALSE, FALSE, sizeof (SfNode));
  g_array_append_val (one, node);
  return repeat_views (p, sf_node_input (p->from, node, 0), stands, error)
         && repeat_for (p, one, stands, error);
}

/* Copies a node, with values of its own for those that are made again. */
static bool
copy_node (Pass *p, SfNode node, GError **error)
{
  g_autoptr (GArray) stands = g_array_new (FALSE, FALSE, sizeof (Stand));
  bool backward = sf_node_phase (p->from, node) == SF_PHASE_BWD
                  && !sf_lowering_is_view (p->low, node);
  for (size_t i = 0; backward && i < sf_node_n_inputs (p->from, node); i++)
    {
      SfValue x = sf_node_input (p->from, node, i);
      SfValue root = x == SF_NONE ? SF_NONE : sf_lowering_root (p->low, x);
      if (root == SF_NONE || p->again[root] == NULL)
        continue;
      if (!repeat_for (p, p->again[root], stands, error) || !repeat_views (p, x, stands, error))
        return false;
    }
  bool ok = sf_graph_copy_node (p->to, p->from, node, p->map, error);
  for (guint k = 0; k < stands->len; k++)
    p->map[g_array_index (stands, Stand, k).value] = g_array_index (stands, Stand, k).was;
  return ok;
}

static bool
rewrite (Pass *p, GError **error)
{
  if (!sf_graph_copy_interface (p->to, p->from, p->map, error))
    return false;
  for (SfNode node = 0; node < sf_graph_n_nodes (p->from); node++)
    if (!copy_node (p, node, error))
      return false;
  return sf_graph_copy_results (p->to, p->from, p->map, error);
}

/* ---- the pass ---- */

static bool
run_graph (Pass *p, SfModule *module, const char *entry, GError **error)
{
  size_t n = sf_graph_n_values (p->from);
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (p->from));
  g_autoptr (SfLowering) low = sf_lowering_new (p->from, NULL, 0);
  g_autofree bool *stored = g_new0 (bool, n + 1);
  g_autofree SfValue *map = g_new0 (SfValue, n + 1);
  p->to = to;
  p->low = low;
  p->stored = stored;
  p->map = map;
  p->readers = g_new0 (GArray *, n + 1);
  p->again = g_new0 (GArray *, n + 1);
  for (SfValue v = 0; v < n; v++)
    p->readers[v] = g_array_new (FALSE, FALSE, sizeof (SfNode));
  find_readers (p);
  for (SfValue v = 0; v < n; v++)
    if (sf_lowering_root (low, v) == v)
      decide (p, v);
  bool ok = p->n_values == 0 || rewrite (p, error);
  if (ok && p->n_values > 0)
    sf_module_set_graph (module, entry, to);
  sf_pass_note (p->context,
                "%s: %zu values made again, %" G_GINT64_FORMAT " bytes less to and from memory",
                entry, p->n_values, p->n_bytes);
  for (SfValue v = 0; v < n; v++)
    {
      g_array_unref (p->readers[v]);
      g_clear_pointer (&p->again[v], g_array_unref);
    }
  g_free (p->readers);
  g_free (p->again);
  return ok;
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      const char *entry = sf_module_entry (module, i);
      Pass p = { .context = context,
                 .from = sf_module_graph (module, entry),
                 .arch = sf_arch_info (sf_pass_arch (context)),
                 .bytes_per_s = MAX (sf_arch_memory_level (sf_pass_arch (context), 0).bytes_per_s,
                                     1),
                 .max_readers = sf_option_int (options, "max-readers"),
                 .max_nodes = sf_option_int (options, "max-nodes") };
      if (!run_graph (&p, module, entry, error))
        return false;
    }
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "recompute", "1.0",
                  "make cheap values of the forward phase again instead of storing them"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
