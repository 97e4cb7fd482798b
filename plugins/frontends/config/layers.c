/* SPDX-License-Identifier: Apache-2.0 */
/* The list of layers: finding types, resolving names, naming what comes out. */
#include "model.h"

#define MAX_LAYERS 20000

static const LayerType *const families[] = { model_layers_basic, model_layers_window,
                                             model_layers_sequence };

static const LayerType *
find_type (SfConfigNode *layer, const char *type, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  for (size_t f = 0; f < G_N_ELEMENTS (families); f++)
    for (const LayerType *row = families[f]; row->type != NULL; row++)
      {
        if (strcmp (row->type, type) == 0)
          return row;
        g_ptr_array_add (known, (char *) row->type);
      }
  const char *near = sf_nearest_word (type, (const char *const *) known->pdata, known->len);
  g_ptr_array_add (known, NULL);
  g_autofree char *all = g_strjoinv (", ", (char **) known->pdata);
  sf_fail (error, SF_ERROR_INVALID_DATA, "%s: unknown layer type \"%s\"%s%s%s; there are %s",
           sf_config_node_where (layer), type, near ? "; did you mean " : "", near ? near : "",
           near ? "?" : "", all);
  return NULL;
}

static SfValue
find_name (Model *model, const char *name)
{
  return (SfValue) (GPOINTER_TO_UINT (g_hash_table_lookup (model->names, name)) - 1);
}

SfValue
model_lookup (Model *model, SfConfigNode *where, const char *name, GError **error)
{
  if (strcmp (name, "@in") == 0)
    return model->enter;
  g_autofree char *scope = g_strdup (model->prefix);
  for (;;)
    {
      g_autofree char *full = g_strconcat (scope, name, NULL);
      SfValue value = find_name (model, full);
      if (value != SF_NONE)
        return value;
      if (scope[0] == '\0')
        break;
      /* "a.0.b.1." -> "a.0." -> "" */
      scope[strlen (scope) - 1] = '\0';
      char *dot = strrchr (scope, '.');
      if (dot != NULL)
        *dot = '\0';
      dot = strrchr (scope, '.');
      scope[dot != NULL ? dot - scope + 1 : 0] = '\0';
    }
  guint n = 0;
  g_autofree const char **known = (const char **) g_hash_table_get_keys_as_array (model->names, &n);
  const char *near = sf_nearest_word (name, known, n);
  sf_fail (error, SF_ERROR_INVALID_DATA,
           "%s: there is no layer or input \"%s\" before this one%s%s%s",
           sf_config_node_where (where), name, near ? "; did you mean " : "", near ? near : "",
           near ? "?" : "");
  return SF_NONE;
}

static bool
read_inputs (Model *model, SfConfigNode *layer, GArray *in, GError **error)
{
  const char *name = NULL;
  SfConfigNode *list = sf_config_node_member (layer, "inputs");
  if (list == NULL)
    {
      if (!sf_config_get_string (layer, "input", false, &name, error))
        return false;
      SfValue value = name == NULL ? model->current : model_lookup (model, layer, name, error);
      g_array_append_val (in, value);
      return value != SF_NONE;
    }
  if (sf_config_node_type (list) != SF_CONFIG_LIST)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: inputs: wanted a list of names",
                    sf_config_node_where (list));
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    {
      SfConfigNode *item = sf_config_node_at (list, i);
      if (!sf_config_node_string (item, &name, error))
        return false;
      SfValue value = model_lookup (model, item, name, error);
      if (value == SF_NONE)
        return false;
      g_array_append_val (in, value);
    }
  return true;
}

/* "<prefix><name>", where a layer without a name is called after its type and the first free
 * number. */
static char *
layer_name (Model *model, SfConfigNode *layer, const char *type, GError **error)
{
  const char *given = NULL;
  if (!sf_config_get_string (layer, "name", false, &given, error))
    return NULL;
  char *full = NULL;
  for (int i = 1; given == NULL; i++)
    {
      full = g_strdup_printf ("%s%s%d", model->prefix, type, i);
      if (g_hash_table_add (model->used, g_strdup (full)))
        return full;
      g_free (full);
    }
  full = g_strconcat (model->prefix, given, NULL);
  if (given[0] == '\0' || strchr (given, '@') != NULL
      || !g_hash_table_add (model->used, g_strdup (full)))
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: the name \"%s\" is empty, holds '@' or is taken; give the layer another",
               sf_config_node_where (layer), full);
      g_free (full);
      return NULL;
    }
  return full;
}

void
model_add_where (SfConfigNode *node, GError **error)
{
  const char *where = sf_config_node_where (node);
  size_t file = (size_t) (strrchr (where, ':') - where) + 1;
  if (error == NULL)
    return;
  if (strncmp ((*error)->message, where, file) != 0)
    g_prefix_error (error, "%s: ", where);
  if (g_error_matches (*error, SF_ERROR, SF_ERROR_INVALID_ARGUMENT)
      || g_error_matches (*error, SF_ERROR, SF_ERROR_EXISTS))
    (*error)->code = SF_ERROR_INVALID_DATA;
}

static bool
add_layer (Model *model, SfConfigNode *layer, GError **error)
{
  const char *type_name = NULL;
  if (sf_config_node_type (layer) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: a layer is a group: { type = \"linear\"; out = 10; }",
                    sf_config_node_where (layer));
  if (++model->n_layers > MAX_LAYERS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: the model has more than %d layers; repeat fewer times",
                    sf_config_node_where (layer), MAX_LAYERS);
  if (!sf_config_get_string (layer, "type", true, &type_name, error))
    return false;
  const LayerType *type = find_type (layer, type_name, error);
  if (type == NULL)
    return false;
  g_autoptr (GArray) in = g_array_new (FALSE, FALSE, sizeof (SfValue));
  g_autofree char *name = layer_name (model, layer, type_name, error);
  if (name == NULL || !read_inputs (model, layer, in, error))
    return false;
  if ((int) in->len < type->min_inputs
      || (type->max_inputs >= 0 && (int) in->len > type->max_inputs))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %s has %u inputs, wanted %s%d; name them with inputs = [ \"a\", \"b\" ]",
                    sf_config_node_where (layer), name, in->len,
                    type->max_inputs < 0 ? "at least " : "", type->min_inputs);
  SfValue out = SF_NONE;
  sf_graph_set_scope (model->graph, name);
  if (!type->build (model, layer, name, (const SfValue *) in->data, in->len, &out, error))
    {
      model_add_where (layer, error);
      return false;
    }
  g_hash_table_replace (model->names, g_strdup (name), GUINT_TO_POINTER (out + 1));
  model->current = out;
  return sf_config_check_keys (layer, false, error);
}

bool
model_add_layers (Model *model, SfConfigNode *list, GError **error)
{
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    if (!add_layer (model, sf_config_node_at (list, i), error))
      return false;
  return true;
}
