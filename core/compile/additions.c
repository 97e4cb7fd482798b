/* SPDX-License-Identifier: Apache-2.0 */
/* The additions of an import: a loss, frozen parameters, fields of datasets. */
#include "core/compile/additions.h"

#include <sf/config.h>

#include <math.h>
#include <string.h>

/* ---- the output that is trained ---- */

/* Names of the outputs, inputs or states of a kind, for messages. Owned. */
static void
add_name (GString *names, const char *name)
{
  g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
}

/* Index of the output: the one of that name, or the first prediction. */
static bool
find_output (const SfGraph *graph, const char *wanted, size_t *index, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    {
      const char *name;
      SfOutputRole role;
      sf_graph_output_at (graph, i, &name, &role);
      if (wanted != NULL ? strcmp (name, wanted) == 0 : role == SF_OUTPUT_PREDICTION)
        {
          *index = i;
          return true;
        }
      add_name (names, name);
    }
  return sf_fail (error, SF_ERROR_NOT_FOUND, "--loss-output: found no output %s, wanted one of: %s",
                  wanted != NULL ? wanted : "that is a prediction",
                  names->len > 0 ? names->str : "(the model has none)");
}

/* The same graph with output `chosen` as its only prediction. */
static SfGraph *
with_prediction (const SfGraph *from, size_t chosen, GError **error)
{
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from) + 1);
  if (!sf_graph_copy_nodes (to, from, map, error))
    return NULL;
  for (size_t i = 0; i < sf_graph_n_outputs (from); i++)
    {
      const char *name;
      SfValue value = sf_graph_output_at (from, i, &name, NULL);
      if (!sf_graph_output (to, name, i == chosen ? SF_OUTPUT_PREDICTION : SF_OUTPUT_OTHER,
                            map[value], error))
        return NULL;
    }
  for (size_t i = 0; i < sf_graph_n_states (from); i++)
    {
      SfValue state = sf_graph_state_at (from, i), next = sf_value_update (from, state);
      if (next != SF_NONE && !sf_graph_set_update (to, map[state], map[next], error))
        return NULL;
    }
  return g_steal_pointer (&to);
}

/* softmax_ce wants what a softmax over the classes was taken of, for it holds one. */
static SfValue
before_softmax (const SfGraph *graph, SfValue value, int64_t classes)
{
  SfNode node = sf_value_producer (graph, value);
  if (node == SF_NONE)
    return value;
  const char *op = sf_node_op_name (graph, node);
  if (strcmp (op, "softmax") != 0 && strcmp (op, "log_softmax") != 0)
    return value;
  int64_t axis = sf_node_attr_int (graph, node, "axis");
  axis += axis < 0 ? sf_value_shape (graph, value)->rank : 0;
  return axis == classes ? sf_node_input (graph, node, 0) : value;
}

/* The value with dimension `axis` last. */
static SfValue
with_last (SfGraph *graph, SfValue value, int64_t axis, GError **error)
{
  int64_t perm[SF_MAX_RANK], n = sf_value_shape (graph, value)->rank;
  if (axis == n - 1)
    return value;
  for (int64_t d = 0; d < n; d++)
    perm[d] = d < axis ? d : d == n - 1 ? axis : d + 1;
  const SfAttr attr = SF_ATTR_IS ("perm", perm, (size_t) n);
  return sf_graph_op (graph, "transpose", &value, 1, &attr, 1, error);
}

/* ---- the loss ---- */

/* The dimension of the classes, and what the target of `output` is under the loss. */
static bool
target_of (const SfGraph *graph, SfValue output, const char *name, const SfImportOptions *options,
           int64_t *classes, SfDtype *dtype, SfShape *shape, GError **error)
{
  bool labels = strcmp (options->loss, "softmax_ce") == 0;
  SfDtype found_dtype = sf_value_dtype (graph, output);
  *shape = *sf_value_shape (graph, output);
  *dtype = labels ? SF_I32 : found_dtype == SF_F64 ? SF_F64 : SF_F32;
  *classes = options->classes_axis <= 0 ? shape->rank - 1 : options->classes_axis;
  g_autofree char *found = sf_shape_text (shape);
  if (!sf_dtype_is_float (found_dtype) || shape->rank < (labels ? 2 : 1) || *classes >= shape->rank)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "--loss %s: output %s is %s %s, wanted floats [batch, ...%s]; name another with "
        "--loss-output%s",
        options->loss, name, sf_dtype_name (found_dtype), found, labels ? ", classes" : "",
        labels ? ", or its dimension of the classes with --classes-axis" : "");
  for (int64_t d = *classes; labels && d + 1 < shape->rank; d++)
    shape->dim[d] = shape->dim[d + 1];
  shape->rank -= labels;
  return true;
}

static bool
has_output (const SfGraph *graph, const char *wanted, SfOutputRole *role)
{
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    {
      const char *name;
      sf_graph_output_at (graph, i, &name, role);
      if (strcmp (name, wanted) == 0)
        return true;
    }
  return false;
}

static bool
add_nodes (SfModule *module, SfGraph *graph, size_t index, const SfImportOptions *options,
           GError **error)
{
  const char *name, *target = options->target != NULL ? options->target : "target";
  SfValue output = sf_graph_output_at (graph, index, &name, NULL);
  int64_t classes;
  SfDtype dtype;
  SfShape shape;
  if (!target_of (graph, output, name, options, &classes, &dtype, &shape, error))
    return false;
  if (sf_graph_find (graph, target) != SF_NONE)
    return sf_fail (error, SF_ERROR_EXISTS,
                    "--target %s: the model has an input or state of this name; choose another",
                    target);
  SfValue t = sf_graph_input (graph, target, dtype, shape, error);
  if (t == SF_NONE)
    return false;
  sf_graph_set_scope (graph, "loss");
  if (strcmp (options->loss, "softmax_ce") == 0)
    output = with_last (graph, before_softmax (graph, output, classes), classes, error);
  SfValue loss = output == SF_NONE ? SF_NONE
                                   : sf_graph_op2 (graph, options->loss, output, t, error);
  sf_graph_set_scope (graph, NULL);
  g_autoptr (GString) loss_name = g_string_new ("loss");
  SfOutputRole role;
  while (has_output (graph, loss_name->str, &role))
    g_string_append_c (loss_name, '_');
  if (loss == SF_NONE || !sf_graph_output (graph, loss_name->str, SF_OUTPUT_LOSS, loss, error))
    return false;
  sf_module_set_fact (module, "loss", options->loss);
  sf_module_set_fact (module, "target", target);
  return true;
}

/* Name of the output that is the model's own loss; NULL without one. */
static const char *
own_loss (const SfGraph *graph)
{
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    {
      const char *name;
      SfOutputRole role;
      sf_graph_output_at (graph, i, &name, &role);
      if (role == SF_OUTPUT_LOSS)
        return name;
    }
  return NULL;
}

/* Without a loss to add, a target names the input of the model's own loss. */
static bool
name_target (SfModule *module, const SfGraph *graph, const SfImportOptions *options, GError **error)
{
  if (options->loss_output != NULL || (options->target != NULL && own_loss (graph) == NULL))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: found no loss to go with it, wanted --loss softmax_ce or mse; add one",
                    options->loss_output != NULL ? "--loss-output" : "--target");
  if (options->target == NULL)
    return true;
  SfValue target = sf_graph_find (graph, options->target);
  if (target == SF_NONE || sf_value_kind (graph, target) != SF_VALUE_INPUT)
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "--target %s: the model has a loss, but no input of this name; name the input "
                    "with the labels",
                    options->target);
  sf_module_set_fact (module, "target", options->target);
  return true;
}

static bool
add_loss (SfModule *module, SfGraph **graph, const SfImportOptions *options, GError **error)
{
  size_t index = 0, first = 0;
  if (options->loss == NULL)
    return name_target (module, *graph, options, error);
  if (strcmp (options->loss, "softmax_ce") != 0 && strcmp (options->loss, "mse") != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--loss: found %s, wanted softmax_ce or mse; choose one", options->loss);
  if (own_loss (*graph) != NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--loss %s: the model has a loss, its output %s; leave --loss out",
                    options->loss, own_loss (*graph));
  if (!find_output (*graph, options->loss_output, &index, error))
    return false;
  if (!find_output (*graph, NULL, &first, NULL) || first != index)
    {
      SfGraph *other = with_prediction (*graph, index, error);
      if (other == NULL)
        return false;
      sf_graph_unref (*graph);
      *graph = other;
    }
  return add_nodes (module, *graph, index, options, error);
}

/* Reports tell how sure a model is: of logits they take the softmax, unless the model has done so.
 */
static void
note_prediction (SfModule *module, const SfGraph *graph)
{
  size_t index;
  if (!find_output (graph, NULL, &index, NULL))
    return;
  SfValue value = sf_graph_output_at (graph, index, NULL, NULL);
  SfNode node = sf_value_producer (graph, value);
  int64_t last = sf_value_shape (graph, value)->rank - 1;
  if (node != SF_NONE && strcmp (sf_node_op_name (graph, node), "softmax") == 0
      && before_softmax (graph, value, last) != value)
    sf_module_set_fact (module, "prediction", "probabilities");
}

/* ---- frozen parameters ---- */

#define MAX_NAMES 8 /* in a message */

static bool
freeze (SfGraph *graph, const char *pattern, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  size_t n_params = 0, n_found = 0;
  for (size_t i = 0; i < sf_graph_n_states (graph); i++)
    {
      SfValue state = sf_graph_state_at (graph, i);
      SfStateKind kind = sf_value_state_kind (graph, state);
      if (kind != SF_STATE_PARAM && kind != SF_STATE_FROZEN)
        continue;
      if (n_params++ < MAX_NAMES)
        add_name (names, sf_value_name (graph, state));
      if (!g_pattern_match_simple (pattern, sf_value_name (graph, state)))
        continue;
      n_found++;
      if (kind == SF_STATE_PARAM && !sf_graph_freeze (graph, state, error))
        return false;
    }
  if (n_found > 0)
    return true;
  return sf_fail (error, SF_ERROR_NOT_FOUND,
                  "--freeze %s: found no parameter of such a name, wanted one of %zu: %s%s",
                  pattern, n_params, n_params > 0 ? names->str : "(the model has none)",
                  n_params > MAX_NAMES ? ", ..." : "");
}

/* ---- fields ---- */

/* A number, or a quotient of two: 1/255. */
static bool
parse_number (const char *text, double *out)
{
  char *end;
  *out = g_ascii_strtod (text, &end);
  if (end == text)
    return false;
  if (*end == '/')
    {
      const char *below = end + 1;
      *out /= g_ascii_strtod (below, &end);
      if (end == below)
        return false;
    }
  return *end == '\0' && isfinite (*out);
}

static void
set_feed_fact (SfModule *module, const char *input, const char *what, const char *value)
{
  g_autofree char *key = g_strdup_printf ("feed.%s.%s", input, what);
  sf_module_set_fact (module, key, value);
}

/* "scale=A,shift=B" */
static bool
add_numbers (SfModule *module, const char *input, const char *text, const char *feed,
             GError **error)
{
  g_auto (GStrv) items = g_strsplit (text, ",", -1);
  for (char **item = items; *item != NULL; item++)
    {
      char *equals = strchr (*item, '=');
      double value = 0;
      if (equals != NULL)
        *equals = '\0';
      if (equals == NULL || (strcmp (*item, "scale") != 0 && strcmp (*item, "shift") != 0)
          || !parse_number (equals + 1, &value))
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "--feed %s: found '%s%s%s', wanted scale=NUMBER or shift=NUMBER; give for "
                        "example scale=1/255",
                        feed, *item, equals != NULL ? "=" : "", equals != NULL ? equals + 1 : "");
      g_autofree char *number = sf_float_text (value);
      set_feed_fact (module, input, *item, number);
    }
  return true;
}

/* The input with the longest name that "NAME=" begins `text` with; names may hold '=' and ':'. */
static const char *
fed_input (const SfGraph *graph, const char *text, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  const char *best = NULL;
  for (size_t i = 0; i < sf_graph_n_inputs (graph); i++)
    {
      const char *name = sf_value_name (graph, sf_graph_input_at (graph, i));
      size_t length = strlen (name);
      if (strncmp (text, name, length) == 0 && text[length] == '='
          && (best == NULL || length > strlen (best)))
        best = name;
      add_name (names, name);
    }
  if (best == NULL)
    sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
             "--feed %s: found no input of the model, wanted INPUT=FIELD with one of: %s", text,
             names->len > 0 ? names->str : "(the model has none)");
  return best;
}

static bool
add_feed (SfModule *module, const SfGraph *graph, const char *feed, GError **error)
{
  const char *input = fed_input (graph, feed, error);
  if (input == NULL)
    return false;
  const char *field = feed + strlen (input) + 1, *colon = strchr (field, ':');
  g_autofree char *name = colon != NULL ? g_strndup (field, (gsize) (colon - field))
                                        : g_strdup (field);
  if (*name != '\0')
    set_feed_fact (module, input, "field", name);
  else if (colon == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--feed %s: found no field, wanted INPUT=FIELD; name a field of the dataset",
                    feed);
  return colon == NULL || add_numbers (module, input, colon + 1, feed, error);
}

/* ---- all ---- */

bool
sf_import_add (SfModule *module, SfGraph **graph, const SfImportOptions *options, GError **error)
{
  if (!add_loss (module, graph, options, error))
    return false;
  note_prediction (module, *graph);
  for (const char *const *p = options->freeze; p != NULL && *p != NULL; p++)
    if (!freeze (*graph, *p, error))
      return false;
  for (const char *const *feed = options->feed; feed != NULL && *feed != NULL; feed++)
    if (!add_feed (module, *graph, *feed, error))
      return false;
  return true;
}
