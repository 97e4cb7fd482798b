/* SPDX-License-Identifier: Apache-2.0 */
/* What an optimizer plugin sees: parameters in groups, gradients after clipping, states, run-time
 * scalars. */
#include "core/compile/context.h"

#include <sf/plugins.h>

/* Parameters whose names match a pattern, and the options that they override. */
typedef struct
{
  char *name;
  char *pattern;
  SfOptionValues *values;
} Group;

struct SfOptimizerContext
{
  SfGraph *graph;
  const SfPlugin *plugin;
  SfOptionValues *values; /* of parameters in no group */
  GPtrArray *groups;      /* Group */
  const SfValue *params;
  SfValue *grads;
  size_t n;
  GString *states; /* names of the states that it keeps for a parameter, a blank between */
};

static void
group_free (gpointer data)
{
  Group *group = data;
  g_free (group->name);
  g_free (group->pattern);
  sf_option_values_free (group->values);
  g_free (group);
}

/* ---- groups ---- */

static bool
is_number (const SfOption *option)
{
  return option->type == SF_OPTION_INT || option->type == SF_OPTION_FLOAT;
}

/* "head.*" is the group head; a pattern without a plain part is numbered. */
static char *
group_name (const char *pattern, const GPtrArray *groups)
{
  g_autoptr (GString) name = g_string_new (NULL);
  for (const char *c = pattern; *c != '\0'; c++)
    if (g_ascii_isalnum (*c) || *c == '_' || *c == '-' || (*c == '.' && name->len > 0))
      g_string_append_c (name, *c);
  while (name->len > 0 && name->str[name->len - 1] == '.')
    g_string_truncate (name, name->len - 1);
  bool taken = name->len == 0;
  for (guint i = 0; i < groups->len; i++)
    taken |= g_str_equal (((Group *) groups->pdata[i])->name, name->str);
  return taken ? g_strdup_printf ("group%u", groups->len + 1) : g_strdup (name->str);
}

static bool
parse_group (const char *text, const SfOptionValues *base, GPtrArray *groups, GError **error)
{
  const char *colon = strrchr (text, ':');
  if (colon == NULL || colon == text)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "--group %s: found no pattern and options, wanted PATTERN:option=value,...; give for example 'head.*:lr=0.01'",
        text);
  Group *group = g_new0 (Group, 1);
  group->pattern = g_strndup (text, (gsize) (colon - text));
  group->name = group_name (group->pattern, groups);
  group->values = sf_option_values_copy (base);
  g_ptr_array_add (groups, group);
  g_auto (GStrv) items = g_strsplit (colon + 1, ",", -1);
  for (char **item = items; *item != NULL; item++)
    {
      char *equals = strchr (*item, '=');
      if (equals == NULL)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "--group %s: found '%s', wanted option=value; give for example 'lr=0.01'",
                        text, *item);
      *equals = '\0';
      if (!sf_option_set (group->values, g_strdelimit (*item, "_", '-'), equals + 1, text, error))
        return false;
    }
  return true;
}

static bool
open_context (const SfCompileOptions *options, SfOptimizerContext *c, GError **error)
{
  static const SfOption none[] = { { .name = NULL } };
  c->plugin = sf_plugins_load (SF_PLUGIN_OPTIMIZER,
                               options->optimizer != NULL ? options->optimizer : "sgd", error);
  if (c->plugin == NULL)
    return false;
  c->values = options->optimizer_options != NULL
                  ? sf_option_values_copy (options->optimizer_options)
                  : sf_option_values_new (c->plugin->options != NULL ? c->plugin->options : none);
  c->groups = g_ptr_array_new_with_free_func (group_free);
  for (const char *const *group = options->groups; group != NULL && *group != NULL; group++)
    if (!parse_group (*group, c->values, c->groups, error))
      return false;
  return true;
}

static void
close_context (SfOptimizerContext *c)
{
  g_clear_pointer (&c->values, sf_option_values_free);
  g_clear_pointer (&c->groups, g_ptr_array_unref);
  g_free (c->grads);
  if (c->states != NULL)
    g_string_free (c->states, TRUE);
}

static const Group *
group_of (const SfOptimizerContext *c, size_t index)
{
  const char *name = sf_value_name (c->graph, c->params[index]);
  for (guint i = 0; i < c->groups->len; i++)
    {
      const Group *group = c->groups->pdata[i];
      if (g_pattern_match_simple (group->pattern, name))
        return group;
    }
  return NULL;
}

/* ---- what the plugin asks ---- */

SfGraph *
sf_optimizer_graph (SfOptimizerContext *context)
{
  return context->graph;
}

size_t
sf_optimizer_n_params (const SfOptimizerContext *context)
{
  return context->n;
}

SfValue
sf_optimizer_param (const SfOptimizerContext *context, size_t index)
{
  return context->params[index];
}

SfValue
sf_optimizer_grad (const SfOptimizerContext *context, size_t index)
{
  return context->grads[index];
}

const char *
sf_optimizer_param_name (const SfOptimizerContext *context, size_t index)
{
  return sf_value_name (context->graph, context->params[index]);
}

static void
note_state (SfOptimizerContext *context, const char *name)
{
  g_auto (GStrv) known = g_strsplit (context->states->str, " ", -1);
  if (!g_strv_contains ((const char *const *) known, name))
    g_string_append_printf (context->states, "%s%s", context->states->len > 0 ? " " : "", name);
}

SfValue
sf_optimizer_state (SfOptimizerContext *context, size_t index, const char *name, GError **error)
{
  note_state (context, name);
  SfValue param = context->params[index];
  g_autofree char *full = g_strdup_printf ("%s.%s", sf_value_name (context->graph, param), name);
  SfValue known = sf_graph_find (context->graph, full);
  if (known != SF_NONE && sf_value_kind (context->graph, known) == SF_VALUE_STATE
      && sf_value_state_kind (context->graph, known) == SF_STATE_OPTIMIZER)
    return known;
  return sf_graph_state (context->graph, full, SF_STATE_OPTIMIZER,
                         sf_value_dtype (context->graph, param),
                         *sf_value_shape (context->graph, param), NULL, error);
}

static bool
overrides (const Group *group, const SfOptimizerContext *c, const char *name)
{
  for (const SfOption *o = c->plugin->options; o != NULL && o->name != NULL; o++)
    if (is_number (o) && g_str_equal (o->name, name))
      return is_number (o)
             && (o->type == SF_OPTION_INT
                     ? sf_option_int (group->values, name) != sf_option_int (c->values, name)
                     : sf_option_float (group->values, name) != sf_option_float (c->values, name));
  /* A derived scalar follows from all options of the group. */
  for (const SfOption *o = c->plugin->options; o != NULL && o->name != NULL; o++)
    if (is_number (o) && !g_str_equal (o->name, "lr") && overrides (group, c, o->name))
      return true;
  return false;
}

static bool
knows_scalar (const SfOptimizerContext *c, const char *dashed, const char *name)
{
  for (const SfOption *o = c->plugin->options; o != NULL && o->name != NULL; o++)
    if (is_number (o) && g_str_equal (o->name, dashed))
      return true;
  for (const char *const *d = c->plugin->ops.optimizer->derived; d != NULL && *d != NULL; d++)
    if (g_str_equal (*d, name))
      return true;
  return g_str_equal (name, "lr");
}

SfValue
sf_optimizer_hyper (SfOptimizerContext *context, size_t index, const char *name, GError **error)
{
  g_autofree char *dashed = g_strdelimit (g_strdup (name), "_", '-');
  g_autofree char *plain = g_strdelimit (g_strdup (name), "-", '_');
  if (!knows_scalar (context, dashed, name))
    {
      sf_fail (
          error, SF_ERROR_INVALID_ARGUMENT,
          "optimizer %s: found scalar '%s', wanted lr, a numeric option of its table or a derived name; name it in the table",
          context->plugin->name, name);
      return SF_NONE;
    }
  const Group *group = group_of (context, index);
  g_autofree char *full = group != NULL && overrides (group, context, dashed)
                              ? g_strdup_printf ("%s.%s", group->name, plain)
                              : g_strdup (plain);
  return sf_graph_scalar (context->graph, full, SF_F32, sf_shape_scalar (), error);
}

const SfOptionValues *
sf_optimizer_options (const SfOptimizerContext *context, size_t index)
{
  const Group *group = group_of (context, index);
  return group != NULL ? group->values : context->values;
}

bool
sf_optimizer_update (SfOptimizerContext *context, size_t index, SfValue next, GError **error)
{
  return sf_graph_set_update (context->graph, context->params[index], next, error);
}

bool
sf_optimizer_update_state (SfOptimizerContext *context, SfValue state, SfValue next, GError **error)
{
  return sf_graph_set_update (context->graph, state, next, error);
}

bool
sf_optimizer_map (SfOptimizerContext *context, SfOptimizerRule rule, GError **error)
{
  for (size_t i = 0; i < context->n; i++)
    {
      sf_graph_set_scope (context->graph, sf_optimizer_param_name (context, i));
      if (!rule (context, i, error))
        return false;
    }
  return true;
}

/* ---- clipping ---- */

static SfValue
squared_norm (SfGraph *graph, SfValue grad, GError **error)
{
  SfValue square = sf_graph_op2 (graph, "mul", grad, grad, error);
  int64_t axes[SF_MAX_RANK];
  int rank = sf_value_shape (graph, grad)->rank;
  for (int i = 0; i < rank; i++)
    axes[i] = i;
  SfAttr attr = SF_ATTR_IS ("axes", axes, (size_t) rank);
  return square == SF_NONE ? SF_NONE
                           : sf_graph_op (graph, "reduce_sum", &square, 1, &attr, 1, error);
}

static SfValue
with_constant (SfGraph *graph, const char *op, SfValue value, double constant, bool constant_first,
               GError **error)
{
  if (value == SF_NONE)
    return SF_NONE;
  SfValue c = sf_graph_constant_f (graph, sf_value_dtype (graph, value), constant, error);
  if (c == SF_NONE)
    return SF_NONE;
  return constant_first ? sf_graph_op2 (graph, op, c, value, error)
                        : sf_graph_op2 (graph, op, value, c, error);
}

/* g * min (1, clip / (norm + 1e-6)) with the norm over all gradients together, as PyTorch's
 * clip_grad_norm_. */
static bool
clip (SfOptimizerContext *c, double most, GError **error)
{
  SfGraph *graph = c->graph;
  sf_graph_set_scope (graph, "clip");
  SfValue total = SF_NONE;
  for (size_t i = 0; i < c->n; i++)
    {
      SfValue one = squared_norm (graph, c->grads[i], error);
      if (one == SF_NONE)
        return false;
      total = total == SF_NONE ? one : sf_graph_op2 (graph, "add", total, one, error);
      if (total == SF_NONE)
        return false;
    }
  if (total == SF_NONE)
    return true;
  SfValue norm = with_constant (graph, "add", sf_graph_op1 (graph, "sqrt", total, error), 1e-6,
                                false, error);
  SfValue factor = with_constant (
      graph, "min", with_constant (graph, "div", norm, most, true, error), 1, false, error);
  if (factor == SF_NONE)
    return false;
  for (size_t i = 0; i < c->n; i++)
    {
      c->grads[i] = sf_graph_op2 (graph, "mul", c->grads[i], factor, error);
      if (c->grads[i] == SF_NONE)
        return false;
    }
  return true;
}

/* ---- the compile's side ---- */

bool
sf_optimizer_apply (SfPassContext *context, SfGraph *graph, const SfValue *params,
                    const SfValue *grads, size_t n, GError **error)
{
  SfOptimizerContext c
      = { .graph = graph, .params = params, .n = n, .states = g_string_new (NULL) };
  c.grads = g_memdup2 (grads, n * sizeof *grads);
  sf_graph_set_phase (graph, SF_PHASE_OPT);
  bool ok = open_context (context->options, &c, error);
  if (ok && context->options->clip_norm > 0)
    ok = clip (&c, context->options->clip_norm, error);
  ok = ok && c.plugin->ops.optimizer->build (&c, error);
  if (ok)
    sf_module_set_fact (context->module, "optimizer_states", c.states->str);
  close_context (&c);
  sf_graph_set_scope (graph, NULL);
  return ok;
}

static char *
option_text (const SfOptionValues *values, const SfOption *option)
{
  switch (option->type)
    {
    case SF_OPTION_BOOL:
      return g_strdup (sf_option_bool (values, option->name) ? "true" : "false");
    case SF_OPTION_INT:
      return g_strdup_printf ("%" G_GINT64_FORMAT, sf_option_int (values, option->name));
    case SF_OPTION_FLOAT:
      return sf_float_text (sf_option_float (values, option->name));
    default:
      return g_strdup (sf_option_string (values, option->name));
    }
}

static bool
has_value (const SfOptionValues *values, const SfOption *option)
{
  return option->type != SF_OPTION_LIST
         && (option->def != NULL || sf_option_is_set (values, option->name));
}

static void
set_facts (SfModule *module, const char *prefix, const SfOption *table,
           const SfOptionValues *values, const SfOptionValues *base)
{
  for (const SfOption *o = table; o != NULL && o->name != NULL; o++)
    {
      if (!has_value (values, o))
        continue;
      g_autofree char *text = option_text (values, o);
      g_autofree char *before = base != NULL && has_value (base, o) ? option_text (base, o) : NULL;
      g_autofree char *key = g_strdelimit (g_strdup_printf ("%s.%s", prefix, o->name), "-", '_');
      if (text != NULL && g_strcmp0 (text, before) != 0)
        sf_module_set_fact (module, key, text);
    }
}

bool
sf_optimizer_facts (const SfCompileOptions *options, SfModule *module, GError **error)
{
  SfOptimizerContext c = { 0 };
  bool ok = open_context (options, &c, error);
  if (ok)
    {
      sf_module_set_fact (module, "optimizer", c.plugin->name);
      set_facts (module, "optimizer", c.plugin->options, c.values, NULL);
      for (guint i = 0; i < c.groups->len; i++)
        {
          const Group *group = c.groups->pdata[i];
          g_autofree char *prefix = g_strdup_printf ("group.%s", group->name);
          set_facts (module, prefix, c.plugin->options, group->values, c.values);
        }
    }
  close_context (&c);
  return ok;
}
