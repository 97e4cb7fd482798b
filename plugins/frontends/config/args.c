/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of a model file, and numbers written over them. */
#include "model.h"

#include <math.h>

static bool
read_arg (SfConfigNode *arg, SfModelArg *out, GError **error)
{
  if (sf_config_node_type (arg) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: argument %s: wanted { default = ...; help = \"...\"; }",
                    sf_config_node_where (arg), sf_config_node_name (arg));
  SfConfigNode *def = sf_config_node_member (arg, "default");
  const char *help = NULL;
  if (def == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: argument %s: has no default; add default = ...",
                    sf_config_node_where (arg), sf_config_node_name (arg));
  if (!sf_config_get_string (arg, "help", true, &help, error)
      || !sf_config_check_keys (arg, false, error))
    return false;
  char *text = sf_config_node_text (def, error);
  if (text == NULL)
    return false;
  *out = (SfModelArg){ g_strdup (sf_config_node_name (arg)), text, g_strdup (help) };
  return true;
}

bool
model_list_args (SfConfigNode *root, GArray *args, GError **error)
{
  SfConfigNode *group = sf_config_node_member (root, "args");
  if (group == NULL)
    return true;
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: args: wanted a group { name = { default = ...; help = \"...\"; }; }",
                    sf_config_node_where (group));
  for (size_t i = 0; i < sf_config_node_count (group); i++)
    {
      SfModelArg arg;
      if (!read_arg (sf_config_node_at (group, i), &arg, error))
        return false;
      g_array_append_val (args, arg);
    }
  return true;
}

static void
clear_arg (void *data)
{
  SfModelArg *arg = data;
  g_free (arg->name);
  g_free (arg->def);
  g_free (arg->help);
}

static bool
apply_setting (Model *model, const GArray *declared, const char *setting, GError **error)
{
  const char *equals = strchr (setting, '=');
  if (equals == NULL || equals == setting)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "--arg %s: wanted NAME=VALUE", setting);
  g_autofree char *name = g_strndup (setting, (size_t) (equals - setting));
  if (!g_hash_table_contains (model->args, name))
    {
      g_autofree const char **known = g_new0 (const char *, declared->len + 1);
      for (guint i = 0; i < declared->len; i++)
        known[i] = g_array_index (declared, SfModelArg, i).name;
      const char *near = sf_nearest_word (name, known, declared->len);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "--arg %s: the model has no argument %s%s%s%s; --help lists them", setting,
                      name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
  g_hash_table_replace (model->args, g_strdup (name), g_strdup (equals + 1));
  return true;
}

bool
model_read_args (Model *model, SfConfigNode *root, const char *const *settings, GError **error)
{
  g_autoptr (GArray) declared = g_array_new (FALSE, FALSE, sizeof (SfModelArg));
  g_array_set_clear_func (declared, clear_arg);
  if (!model_list_args (root, declared, error))
    return false;
  for (guint i = 0; i < declared->len; i++)
    {
      const SfModelArg *arg = &g_array_index (declared, SfModelArg, i);
      g_hash_table_replace (model->args, g_strdup (arg->name), g_strdup (arg->def));
    }
  for (size_t i = 0; settings != NULL && settings[i] != NULL; i++)
    if (!apply_setting (model, declared, settings[i], error))
      return false;
  for (guint i = 0; i < declared->len; i++)
    {
      const char *name = g_array_index (declared, SfModelArg, i).name;
      g_autofree char *key = g_strconcat ("arg.", name, NULL);
      sf_module_set_fact (model->module, key, g_hash_table_lookup (model->args, name));
    }
  return true;
}

/* A factor: a number, or $name whose value is a number. */
static bool
parse_factor (Model *model, const char **text, double *out)
{
  while (g_ascii_isspace (**text))
    (*text)++;
  if (**text != '$')
    {
      char *end;
      *out = g_ascii_strtod (*text, &end);
      bool ok = end != *text && isfinite (*out);
      *text = end;
      return ok;
    }
  const char *start = ++(*text);
  while (g_ascii_isalnum (**text) || **text == '_')
    (*text)++;
  g_autofree char *name = g_strndup (start, (size_t) (*text - start));
  const char *value = g_hash_table_lookup (model->args, name);
  if (value == NULL)
    return false;
  bool is_true = strcmp (value, "true") == 0;
  if (is_true || strcmp (value, "false") == 0)
    {
      *out = is_true;
      return true;
    }
  char *end;
  *out = g_ascii_strtod (value, &end);
  return end != value && *end == '\0' && isfinite (*out);
}

/* factor (('*' | '/') factor)*, left to right. */
static bool
evaluate (Model *model, SfConfigNode *node, const char *text, double *out, GError **error)
{
  const char *at = text;
  bool ok = parse_factor (model, &at, out);
  while (ok)
    {
      while (g_ascii_isspace (*at))
        at++;
      char op = *at;
      if (op == '\0')
        return true;
      double right;
      at++;
      ok = (op == '*' || op == '/') && parse_factor (model, &at, &right)
           && (op == '*' || right != 0);
      if (ok)
        *out = op == '*' ? *out * right : *out / right;
    }
  return sf_fail (
      error, SF_ERROR_INVALID_DATA,
      "%s: found \"%s\", wanted a number, or declared arguments and numbers with * and /, as \"$hidden * 4\"",
      sf_config_node_where (node), text);
}

static bool
node_number (Model *model, SfConfigNode *node, double *out, GError **error)
{
  const char *text;
  if (sf_config_node_type (node) != SF_CONFIG_STRING)
    return sf_config_node_float (node, out, error);
  return sf_config_node_string (node, &text, error) && evaluate (model, node, text, out, error);
}

static bool
node_int (Model *model, SfConfigNode *node, int64_t min, int64_t *out, GError **error)
{
  double value;
  if (sf_config_node_type (node) != SF_CONFIG_STRING && sf_config_node_type (node) != SF_CONFIG_INT)
    return sf_config_node_int (node, out, error);
  if (!node_number (model, node, &value, error))
    return false;
  if (value != floor (value) || value < (double) min || value > 2147483647.0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found %g, wanted a whole number from %" G_GINT64_FORMAT " to 2147483647",
                    sf_config_node_where (node), value, min);
  *out = (int64_t) value;
  return true;
}

static bool
missing (SfConfigNode *group, const char *key, bool required, GError **error)
{
  if (!required)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: has no %s; add %s = ...",
                  sf_config_node_where (group), key, key);
}

bool
model_get_int (Model *model, SfConfigNode *group, const char *key, bool required, int64_t min,
               int64_t *out, GError **error)
{
  SfConfigNode *node = sf_config_node_member (group, key);
  return node == NULL ? missing (group, key, required, error)
                      : node_int (model, node, min, out, error);
}

bool
model_get_float (Model *model, SfConfigNode *group, const char *key, double *out, GError **error)
{
  SfConfigNode *node = sf_config_node_member (group, key);
  return node == NULL || node_number (model, node, out, error);
}

bool
model_get_ints (Model *model, SfConfigNode *group, const char *key, bool required, int64_t min,
                size_t want, size_t max, int64_t *out, size_t *n, GError **error)
{
  SfConfigNode *node = sf_config_node_member (group, key);
  if (node == NULL)
    return missing (group, key, required, error);
  if (sf_config_node_type (node) != SF_CONFIG_LIST && want > 0)
    {
      if (!node_int (model, node, min, &out[0], error))
        return false;
      for (size_t i = 1; i < want; i++)
        out[i] = out[0];
      return true;
    }
  bool is_list = sf_config_node_type (node) == SF_CONFIG_LIST;
  size_t count = is_list ? sf_config_node_count (node) : 0;
  if (!is_list || (want > 0 ? count != want : count > max))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    want > 0 ? "%s: %s: wanted one integer or a list of %zu"
                             : "%s: %s: wanted a list of at most %zu integers",
                    sf_config_node_where (node), key, want > 0 ? want : max);
  for (size_t i = 0; i < count; i++)
    if (!node_int (model, sf_config_node_at (node, i), min, &out[i], error))
      return false;
  if (n != NULL)
    *n = count;
  return true;
}
