/* SPDX-License-Identifier: Apache-2.0 */
/* Pass simplify: folds constants, removes what does nothing, computes equal things once, drops what
 * nobody needs. */
#include <sf/plugin/pass.h>

#include "plugins/passes/simplify/paddings.h"

static const SfOption options_table[] = {
  { .name = "fold",
    .type = SF_OPTION_BOOL,
    .def = "true",
    .help = "evaluate nodes whose inputs are constant" },
  { .name = "cse", .type = SF_OPTION_BOOL, .def = "true", .help = "compute equal nodes once" },
  { .name = "max-fold-elems",
    .type = SF_OPTION_INT,
    .def = "65536",
    .min = 1,
    .max = 1e9,
    .arg = "N",
    .help = "largest constant that folding may make" },
  { .name = NULL },
};

typedef struct
{
  SfPassContext *context;
  const SfOptionValues *options;
  const SfGraph *from;
  SfGraph *to;
  SfValue *map;
  bool *needed;     /* per value of `from` */
  bool *fixed;      /* per value of `from`: a gradient that others ask for by id */
  GHashTable *seen; /* text of a node -> first output + 1 */
  size_t folded, merged, joined, removed;
} Rewrite;

/* ---- what does nothing ---- */

static bool
is_constant_of (const SfGraph *graph, SfValue value, double wanted)
{
  if (sf_value_kind (graph, value) != SF_VALUE_CONSTANT
      || sf_shape_n_elems (sf_value_shape (graph, value)) != 1)
    return false;
  double found;
  sf_dtype_convert (sf_value_dtype (graph, value), sf_value_data (graph, value), SF_F64, &found, 1);
  return found == wanted;
}

static bool
is_identity_perm (const SfGraph *graph, SfNode node)
{
  size_t n;
  const int64_t *perm = sf_node_attr_ints (graph, node, "perm", &n);
  for (size_t i = 0; i < n; i++)
    if (perm[i] != (int64_t) i)
      return false;
  return true;
}

/* The input that the node passes through unchanged; SF_NONE when it does something. x / 1, x * 1
 * and x - 0 are exact. */
static SfValue
passed_through (const SfGraph *graph, SfNode node)
{
  const char *op = sf_node_op_name (graph, node);
  if (sf_node_n_outputs (graph, node) != 1 || sf_node_n_inputs (graph, node) == 0)
    return SF_NONE;
  SfValue x = sf_node_input (graph, node, 0), y = sf_node_output (graph, node, 0);
  if (g_str_equal (op, "mul") && is_constant_of (graph, x, 1))
    x = sf_node_input (graph, node, 1);
  else if (g_str_equal (op, "mul") || g_str_equal (op, "div") || g_str_equal (op, "sub"))
    {
      if (!is_constant_of (graph, sf_node_input (graph, node, 1), g_str_equal (op, "sub") ? 0 : 1))
        return SF_NONE;
    }
  else if (!g_str_equal (op, "reshape") && !g_str_equal (op, "cast")
           && !g_str_equal (op, "broadcast")
           && !(g_str_equal (op, "transpose") && is_identity_perm (graph, node)))
    return SF_NONE;
  bool same = x != SF_NONE && sf_value_dtype (graph, x) == sf_value_dtype (graph, y)
              && sf_shape_equal (sf_value_shape (graph, x), sf_value_shape (graph, y));
  return same ? x : SF_NONE;
}

/* ---- folding ---- */

/* Ops whose results are the same bits on every machine. */
static bool
is_exact (const char *op)
{
  static const char *const names[] = {
    "neg",   "abs",    "sign", "sqrt",      "floor", "ceil",   "round", "not",        "add",
    "sub",   "mul",    "div",  "max",       "min",   "eq",     "ne",    "lt",         "le",
    "gt",    "ge",     "and",  "or",        "xor",   "select", "cast",  "reshape",    "transpose",
    "slice", "concat", "pad",  "broadcast", "iota",  "gather", "relu",  "reciprocal", NULL
  };
  return g_strv_contains (names, op);
}

static bool
can_fold (const Rewrite *r, SfNode node)
{
  if (!sf_option_bool (r->options, "fold") || !is_exact (sf_node_op_name (r->from, node))
      || sf_node_n_outputs (r->from, node) != 1)
    return false;
  SfValue y = sf_node_output (r->from, node, 0);
  if (sf_node_n_inputs (r->from, node) == 0
      || sf_shape_n_elems (sf_value_shape (r->from, y))
             > sf_option_int (r->options, "max-fold-elems"))
    return false;
  for (size_t i = 0; i < sf_node_n_inputs (r->from, node); i++)
    {
      SfValue x = sf_node_input (r->from, node, i);
      if (x == SF_NONE || sf_value_kind (r->to, r->map[x]) != SF_VALUE_CONSTANT)
        return false;
    }
  return true;
}

/* Evaluates the node on a graph of its own, whose inputs are constants. */
static bool
fold (Rewrite *r, SfNode node, bool *done, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (SfGraph) small = sf_graph_new ("fold");
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (r->from) + 1);
  for (size_t i = 0; i < sf_node_n_inputs (r->from, node); i++)
    {
      SfValue x = sf_node_input (r->from, node, i), c = r->map[x];
      map[x] = sf_graph_constant (small, sf_value_dtype (r->to, c), *sf_value_shape (r->to, c),
                                  sf_value_data (r->to, c), error);
      if (map[x] == SF_NONE)
        return false;
    }
  if (!sf_graph_copy_node (small, r->from, node, map, error))
    return false;
  SfValue y = sf_node_output (r->from, node, 0);
  SfFetch fetch = { .value = map[y] };
  *done = sf_evaluate (small, NULL, NULL, 0, &fetch, 1, &failure);
  if (!*done)
    {
      sf_pass_note (r->context, "%s stays as it is: %s", sf_node_name (r->from, node),
                    failure->message);
      return true;
    }
  r->map[y] = sf_graph_constant (r->to, sf_value_dtype (r->from, y), *sf_value_shape (r->from, y),
                                 fetch.tensor.data, error);
  sf_tensor_clear (&fetch.tensor);
  if (r->map[y] == SF_NONE)
    return false;
  sf_value_set_origin (r->to, r->map[y], sf_value_origin (r->from, y));
  r->folded++;
  return true;
}

/* ---- equal nodes ---- */

static void
append_attr (GString *text, const SfAttr *attr)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append_printf (text, " %s=", attr->name);
  switch (attr->type)
    {
    case SF_ATTR_FLOAT:
      g_string_append (text, g_ascii_dtostr (number, sizeof number, attr->f));
      break;
    case SF_ATTR_STRING:
      g_string_append (text, attr->s != NULL ? attr->s : "");
      break;
    case SF_ATTR_INTS:
      for (size_t i = 0; i < attr->n_ints; i++)
        g_string_append_printf (text, "%" G_GINT64_FORMAT ",", attr->ints[i]);
      break;
    default:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, attr->i);
    }
}

/* A number by its bits: each rule that wants one makes its own. Anything else by who it is. */
static void
append_input (GString *text, const SfGraph *graph, SfValue value)
{
  if (value == SF_NONE || sf_value_kind (graph, value) != SF_VALUE_CONSTANT
      || sf_shape_n_elems (sf_value_shape (graph, value)) != 1)
    {
      g_string_append_printf (text, " %u", value);
      return;
    }
  SfDtype dtype = sf_value_dtype (graph, value);
  g_autofree char *shape = sf_shape_text (sf_value_shape (graph, value));
  const uint8_t *bytes = sf_value_data (graph, value);
  g_string_append_printf (text, " %s%s:", sf_dtype_name (dtype), shape);
  for (size_t i = 0; i < sf_dtype_bytes (dtype); i++)
    g_string_append_printf (text, "%02x", bytes[i]);
}

/* Everything that decides what the node computes. */
static char *
node_text (const Rewrite *r, SfNode node)
{
  GString *text = g_string_new (sf_node_op_name (r->from, node));
  for (size_t i = 0; i < sf_node_n_inputs (r->from, node); i++)
    {
      SfValue x = sf_node_input (r->from, node, i);
      append_input (text, r->to, x == SF_NONE ? SF_NONE : r->map[x]);
    }
  for (size_t i = 0; i < sf_node_n_attrs (r->from, node); i++)
    {
      SfAttr attr = sf_node_attr (r->from, node, i);
      append_attr (text, &attr);
    }
  for (size_t i = 0; i < sf_node_n_outputs (r->from, node); i++)
    g_string_append_printf (
        text, " %s", sf_dtype_name (sf_value_dtype (r->from, sf_node_output (r->from, node, i))));
  return g_string_free (text, FALSE);
}

static bool
is_fixed (const Rewrite *r, SfNode node)
{
  for (size_t i = 0; i < sf_node_n_outputs (r->from, node); i++)
    if (r->fixed[sf_node_output (r->from, node, i)])
      return true;
  return false;
}

static bool
copy_or_share (Rewrite *r, SfNode node, GError **error)
{
  if (!sf_option_bool (r->options, "cse") || is_fixed (r, node))
    return sf_graph_copy_node (r->to, r->from, node, r->map, error);
  char *text = node_text (r, node);
  guint first = GPOINTER_TO_UINT (g_hash_table_lookup (r->seen, text));
  if (first != 0)
    {
      for (size_t i = 0; i < sf_node_n_outputs (r->from, node); i++)
        r->map[sf_node_output (r->from, node, i)] = first - 1 + (SfValue) i;
      r->merged++;
      g_free (text);
      return true;
    }
  if (!sf_graph_copy_node (r->to, r->from, node, r->map, error))
    {
      g_free (text);
      return false;
    }
  if (sf_node_n_outputs (r->from, node) > 0)
    g_hash_table_insert (r->seen, text,
                         GUINT_TO_POINTER (r->map[sf_node_output (r->from, node, 0)] + 1));
  else
    g_free (text);
  return true;
}

/* ---- sums of paddings ---- */

/* value + zero, before a reshape that made it: there it is next to what computes it. */
static SfValue
add_zero (Rewrite *r, SfValue value, SfValue zero, GError **error)
{
  SfNode view = sf_value_producer (r->from, value);
  bool is_view = view != SF_NONE && g_str_equal (sf_node_op_name (r->from, view), "reshape");
  SfValue x = is_view ? sf_node_input (r->from, view, 0) : value;
  const SfShape *shape = sf_value_shape (r->from, value);
  const SfAttr attr = SF_ATTR_IS ("shape", shape->dim, (size_t) shape->rank);
  SfValue y = sf_graph_op2 (r->to, "add", r->map[x], zero, error);
  if (y == SF_NONE)
    return SF_NONE;
  sf_value_set_origin (r->to, y, SF_NONE);
  if (is_view && (y = sf_graph_op (r->to, "reshape", &y, 1, &attr, 1, error)) != SF_NONE)
    sf_value_set_origin (r->to, y, SF_NONE);
  return y;
}

/* Values that lie side by side are joined, instead of each being added to the others' zeros; to one
 * zero it is, which makes of a zero of either sign what the sum would have made of it. */
static bool
join_paddings (Rewrite *r, SfNode node, const SfPaddings *paddings, GError **error)
{
  SfValue parts[SF_MAX_PADDINGS], sum = sf_node_output (r->from, node, 0);
  const SfAttr axis = SF_ATTR_I ("axis", paddings->axis);
  sf_graph_set_scope (r->to, sf_node_name (r->from, node));
  sf_graph_set_phase (r->to, sf_node_phase (r->from, node));
  SfValue zero = sf_graph_constant_f (r->to, sf_value_dtype (r->from, sum), 0, error);
  if (zero == SF_NONE)
    return false;
  for (size_t i = 0; i < paddings->n; i++)
    if ((parts[i] = add_zero (r, paddings->part[i], zero, error)) == SF_NONE)
      return false;
  SfValue y = sf_graph_op (r->to, "concat", parts, paddings->n, &axis, 1, error);
  if (y == SF_NONE)
    return false;
  sf_value_set_origin (r->to, y, sf_value_origin (r->from, sum));
  r->map[sum] = y;
  r->joined++;
  return true;
}

/* ---- what is needed ---- */

static void
mark_gradients (Rewrite *r, const char *entry)
{
  const SfModule *source = sf_pass_source (r->context);
  g_autofree char *prefix = g_strdup_printf ("grad.%s.", entry);
  g_autoptr (GHashTable) wanted = g_hash_table_new (NULL, NULL);
  for (const char *const *key = source != NULL ? sf_module_fact_keys (source)
                                               : (const char *const[]){ NULL };
       *key != NULL; key++)
    if (g_str_has_prefix (*key, prefix))
      g_hash_table_add (wanted, GUINT_TO_POINTER ((guint) g_ascii_strtoull (
                                    sf_module_fact (source, *key), NULL, 10)));
  for (SfValue v = 0; v < sf_graph_n_values (r->from); v++)
    r->fixed[v] = sf_value_kind (r->from, v) == SF_VALUE_RESULT
                  && g_hash_table_contains (wanted,
                                            GUINT_TO_POINTER (sf_value_origin (r->from, v)));
}

static bool
node_needed (const Rewrite *r, SfNode node)
{
  for (size_t i = 0; i < sf_node_n_outputs (r->from, node); i++)
    if (r->needed[sf_node_output (r->from, node, i)])
      return true;
  return false;
}

static void
mark_needed (Rewrite *r)
{
  const SfGraph *from = r->from;
  for (SfValue v = 0; v < sf_graph_n_values (from); v++)
    r->needed[v] = r->fixed[v];
  for (size_t i = 0; i < sf_graph_n_outputs (from); i++)
    r->needed[sf_graph_output_at (from, i, NULL, NULL)] = true;
  for (size_t i = 0; i < sf_graph_n_states (from); i++)
    {
      SfValue next = sf_value_update (from, sf_graph_state_at (from, i));
      if (next != SF_NONE)
        r->needed[next] = true;
    }
  for (SfNode node = (SfNode) sf_graph_n_nodes (from); node-- > 0;)
    for (size_t i = 0; node_needed (r, node) && i < sf_node_n_inputs (from, node); i++)
      if (sf_node_input (from, node, i) != SF_NONE)
        r->needed[sf_node_input (from, node, i)] = true;
}

/* ---- the pass ---- */

static bool
rewrite_node (Rewrite *r, SfNode node, GError **error)
{
  if (!node_needed (r, node))
    {
      r->removed++;
      return true;
    }
  SfValue same = is_fixed (r, node) ? SF_NONE : passed_through (r->from, node);
  if (same != SF_NONE)
    {
      r->map[sf_node_output (r->from, node, 0)] = r->map[same];
      r->removed++;
      return true;
    }
  bool done = false;
  SfPaddings paddings;
  if (!is_fixed (r, node) && sf_paddings_of (r->from, node, &paddings)
      && sf_dtype_is_float (sf_value_dtype (r->from, sf_node_output (r->from, node, 0))))
    return join_paddings (r, node, &paddings, error);
  if (can_fold (r, node) && !fold (r, node, &done, error))
    return false;
  return done || copy_or_share (r, node, error);
}

static bool
rewrite_graph (Rewrite *r, const char *entry, GError **error)
{
  if (!sf_graph_copy_interface (r->to, r->from, r->map, error))
    return false;
  mark_gradients (r, entry);
  mark_needed (r);
  for (SfNode node = 0; node < sf_graph_n_nodes (r->from); node++)
    if (!rewrite_node (r, node, error))
      return false;
  sf_pass_note (r->context, "%s: folded %zu, merged %zu, joined %zu, removed %zu nodes of %zu",
                entry, r->folded, r->merged, r->joined, r->removed, sf_graph_n_nodes (r->from));
  return sf_graph_copy_results (r->to, r->from, r->map, error);
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    {
      const char *entry = sf_module_entry (module, i);
      g_autoptr (SfGraph) from = sf_graph_ref (sf_module_graph (module, entry));
      g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
      size_t n = sf_graph_n_values (from) + 1;
      g_autofree SfValue *map = g_new (SfValue, n);
      g_autofree bool *needed = g_new0 (bool, n);
      g_autofree bool *fixed = g_new0 (bool, n);
      g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      Rewrite r = { .context = context,
                    .options = options,
                    .from = from,
                    .to = to,
                    .map = map,
                    .needed = needed,
                    .fixed = fixed,
                    .seen = seen };
      if (!rewrite_graph (&r, entry, error))
        return false;
      sf_module_set_graph (module, entry, to);
    }
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "simplify", "1.0",
                  "fold constants, share equal nodes, drop what is not needed"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
