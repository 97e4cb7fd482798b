/* SPDX-License-Identifier: Apache-2.0 */
/* SfConfig: the tree that libconfig read from checked text, with the keys that were asked for. */
#include <sf/config.h>

#include <libconfig.h>
#include <locale.h>
#include <string.h>

#include "core/base/config_node.h"
#include "core/base/config_text.h"
#include "core/base/read.h"

struct SfConfig
{
  SfConfigText text;
  config_t tree;
  SfConfigNode root;
};

/* Nesting is bounded by the scanner, so is the recursion. */
static void
node_init (SfConfigNode *node, SfConfig *config, config_setting_t *setting)
{
  node->config = config;
  node->setting = setting;
  node->value_type = sf_config_node_type (node);
  if (!config_setting_is_aggregate (setting))
    return;
  node->n_children = (size_t) config_setting_length (setting);
  node->children = g_new0 (SfConfigNode, node->n_children);
  for (size_t i = 0; i < node->n_children; i++)
    node_init (&node->children[i], config, config_setting_get_elem (setting, (unsigned) i));
}

static void
node_clear (SfConfigNode *node)
{
  for (size_t i = 0; i < node->n_children; i++)
    node_clear (&node->children[i]);
  g_free (node->children);
  g_free (node->where);
  g_free (node->bound);
  if (node->asked != NULL)
    g_ptr_array_free (node->asked, TRUE);
}

/* libconfig reads floats with atof, which obeys the locale of whoever loaded us. */
static bool
read_tree (config_t *tree, const char *text)
{
  locale_t plain = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
  locale_t old = uselocale (plain);
  bool good = config_read_string (tree, text) == CONFIG_TRUE;
  uselocale (old);
  freelocale (plain);
  return good;
}

static bool
fail_syntax (const SfConfig *config, GError **error)
{
  SfConfigPlace place = sf_config_text_place (&config->text,
                                              (unsigned) config_error_line (&config->tree));
  const char *text = config_error_text (&config->tree);
  const char *advice = "wanted KEY = VALUE; look at this line and the one before it";
  if (text != NULL && strcmp (text, "duplicate setting name") == 0)
    advice = "wanted each key once in its group; remove one";
  else if (text != NULL && strcmp (text, "mismatched element type in array") == 0)
    advice = "wanted one type inside [ ]; write ( ) for mixed elements";
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s:%d: %s, %s", place.file, place.line,
                  text != NULL ? text : "syntax error", advice);
}

SfConfig *
sf_config_parse (const char *text, size_t n_bytes, const char *name, GError **error)
{
  g_autoptr (SfConfig) config = g_new0 (SfConfig, 1);
  config_init (&config->tree);
  if (!sf_config_text_read (&config->text, text, n_bytes, name, error))
    return NULL;
  if (!read_tree (&config->tree, config->text.text->str))
    {
      fail_syntax (config, error);
      return NULL;
    }
  node_init (&config->root, config, config_root_setting (&config->tree));
  return g_steal_pointer (&config);
}

SfConfig *
sf_config_read (const char *path, GError **error)
{
  size_t n_bytes;
  g_autofree char *text = sf_file_read_all (path, SF_CONFIG_MAX_BYTES, &n_bytes, error);
  return text != NULL ? sf_config_parse (text, n_bytes, path, error) : NULL;
}

void
sf_config_free (SfConfig *config)
{
  if (config == NULL)
    return;
  node_clear (&config->root);
  config_destroy (&config->tree);
  sf_config_text_clear (&config->text);
  g_free (config);
}

SfConfigNode *
sf_config_root (SfConfig *config)
{
  return &config->root;
}

const char *
sf_config_path (const SfConfig *config)
{
  return config->text.files->pdata[0];
}

SfConfigType
sf_config_node_type (const SfConfigNode *node)
{
  switch (config_setting_type (node->setting))
    {
    case CONFIG_TYPE_GROUP:
      return SF_CONFIG_GROUP;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
      return SF_CONFIG_INT;
    case CONFIG_TYPE_FLOAT:
      return SF_CONFIG_FLOAT;
    case CONFIG_TYPE_BOOL:
      return SF_CONFIG_BOOL;
    case CONFIG_TYPE_STRING:
      return SF_CONFIG_STRING;
    default:
      return SF_CONFIG_LIST;
    }
}

SfConfigType
sf_config_node_value_type (const SfConfigNode *node)
{
  return node->value_type;
}

const char *
sf_config_node_name (const SfConfigNode *node)
{
  return config_setting_name (node->setting);
}

static SfConfigPlace
node_place (const SfConfigNode *node)
{
  /* libconfig gives the root no line. */
  return sf_config_text_place (&node->config->text, node->setting->line);
}

int
sf_config_node_line (const SfConfigNode *node)
{
  return node_place (node).line;
}

const char *
sf_config_node_where (SfConfigNode *node)
{
  if (node->where == NULL)
    {
      SfConfigPlace place = node_place (node);
      node->where = g_strdup_printf ("%s:%d", place.file, place.line);
    }
  return node->where;
}

size_t
sf_config_node_count (const SfConfigNode *node)
{
  return node->n_children;
}

SfConfigNode *
sf_config_node_at (SfConfigNode *node, size_t index)
{
  return index < node->n_children ? &node->children[index] : NULL;
}

SfConfigNode *
sf_config_node_member (SfConfigNode *group, const char *key)
{
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return NULL;
  if (group->asked == NULL)
    group->asked = g_ptr_array_new_with_free_func (g_free);
  if (!g_ptr_array_find_with_equal_func (group->asked, key, g_str_equal, NULL))
    g_ptr_array_add (group->asked, g_strdup (key));
  for (size_t i = 0; i < group->n_children; i++)
    if (strcmp (sf_config_node_name (&group->children[i]), key) == 0)
      {
        group->children[i].known = true;
        return &group->children[i];
      }
  return NULL;
}

static bool
fail_type (SfConfigNode *node, const char *wanted, GError **error)
{
  static const char *const names[] = {
    [SF_CONFIG_GROUP] = "a group { }", [SF_CONFIG_LIST] = "a list",
    [SF_CONFIG_INT] = "an integer",    [SF_CONFIG_FLOAT] = "a float",
    [SF_CONFIG_BOOL] = "a boolean",    [SF_CONFIG_STRING] = "a string",
  };
  const char *name = sf_config_node_name (node);
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found %s, wanted %s",
                  sf_config_node_where (node), name != NULL ? name : "element",
                  names[node->value_type], wanted);
}

bool
sf_config_node_int (SfConfigNode *node, int64_t *out, GError **error)
{
  if (node->value_type != SF_CONFIG_INT)
    return fail_type (node, "an integer", error);
  *out = node->bound != NULL ? node->bound->integer : config_setting_get_int64 (node->setting);
  return true;
}

bool
sf_config_node_float (SfConfigNode *node, double *out, GError **error)
{
  if (node->value_type != SF_CONFIG_INT && node->value_type != SF_CONFIG_FLOAT)
    return fail_type (node, "a number", error);
  if (node->bound != NULL)
    *out = node->bound->number;
  else if (node->value_type == SF_CONFIG_INT)
    *out = (double) config_setting_get_int64 (node->setting);
  else
    *out = config_setting_get_float (node->setting);
  return true;
}

bool
sf_config_node_bool (SfConfigNode *node, bool *out, GError **error)
{
  if (node->value_type != SF_CONFIG_BOOL)
    return fail_type (node, "true or false", error);
  *out = node->bound != NULL ? node->bound->integer != 0
                             : config_setting_get_bool (node->setting) != 0;
  return true;
}

bool
sf_config_node_string (SfConfigNode *node, const char **out, GError **error)
{
  if (sf_config_node_type (node) != SF_CONFIG_STRING)
    return fail_type (node, "a string", error);
  const char *text = config_setting_get_string (node->setting);
  *out = text != NULL ? text : ""; /* libconfig keeps "" as NULL */
  return true;
}

char *
sf_config_node_text (SfConfigNode *node, GError **error)
{
  switch (sf_config_node_type (node))
    {
    case SF_CONFIG_INT:
      {
        int64_t value;
        return sf_config_node_int (node, &value, error)
                   ? g_strdup_printf ("%" G_GINT64_FORMAT, value)
                   : NULL;
      }
    case SF_CONFIG_FLOAT:
      {
        double value;
        return sf_config_node_float (node, &value, error) ? sf_float_text (value) : NULL;
      }
    case SF_CONFIG_BOOL:
      {
        bool value;
        return sf_config_node_bool (node, &value, error) ? g_strdup (value ? "true" : "false")
                                                         : NULL;
      }
    case SF_CONFIG_STRING:
      {
        const char *value;
        return sf_config_node_string (node, &value, error) ? g_strdup (value) : NULL;
      }
    default:
      fail_type (node, "a number, a boolean or a string", error);
      return NULL;
    }
}

/* The member, or NULL; *failed when it is required and absent. */
static SfConfigNode *
find (SfConfigNode *group, const char *key, bool required, const char *form, bool *failed,
      GError **error)
{
  SfConfigNode *node = sf_config_node_member (group, key);
  *failed = node == NULL && required;
  if (*failed)
    sf_fail (error, SF_ERROR_INVALID_DATA, "%s: no key \"%s\" in %s; add %s = %s",
             sf_config_node_where (group), key,
             sf_config_node_name (group) != NULL ? sf_config_node_name (group) : "this group", key,
             form);
  return node;
}

bool
sf_config_get_int (SfConfigNode *group, const char *key, bool required, int64_t *out,
                   GError **error)
{
  bool failed;
  SfConfigNode *node = find (group, key, required, "INTEGER", &failed, error);
  return node != NULL ? sf_config_node_int (node, out, error) : !failed;
}

bool
sf_config_get_float (SfConfigNode *group, const char *key, bool required, double *out,
                     GError **error)
{
  bool failed;
  SfConfigNode *node = find (group, key, required, "NUMBER", &failed, error);
  return node != NULL ? sf_config_node_float (node, out, error) : !failed;
}

bool
sf_config_get_bool (SfConfigNode *group, const char *key, bool required, bool *out, GError **error)
{
  bool failed;
  SfConfigNode *node = find (group, key, required, "true or false", &failed, error);
  return node != NULL ? sf_config_node_bool (node, out, error) : !failed;
}

bool
sf_config_get_string (SfConfigNode *group, const char *key, bool required, const char **out,
                      GError **error)
{
  bool failed;
  SfConfigNode *node = find (group, key, required, "\"TEXT\"", &failed, error);
  return node != NULL ? sf_config_node_string (node, out, error) : !failed;
}

static bool
fail_unknown (SfConfigNode *group, SfConfigNode *member, GError **error)
{
  GPtrArray *asked = group->asked;
  const char *name = sf_config_node_name (member);
  const char *where = sf_config_node_where (member);
  if (asked == NULL || asked->len == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: unknown key \"%s\", wanted none here; remove it", where, name);
  const char *nearest = sf_nearest_word (name, (const char *const *) asked->pdata, asked->len);
  if (nearest != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: unknown key \"%s\"; did you mean \"%s\"?",
                    where, name, nearest);
  g_autoptr (GString) known = g_string_new (NULL);
  for (guint i = 0; i < asked->len; i++)
    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", (const char *) asked->pdata[i]);
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: unknown key \"%s\", wanted one of: %s", where,
                  name, known->str);
}

bool
sf_config_check_keys (SfConfigNode *group, bool deep, GError **error)
{
  bool is_group = sf_config_node_type (group) == SF_CONFIG_GROUP;
  for (size_t i = 0; i < group->n_children; i++)
    {
      SfConfigNode *child = &group->children[i];
      if (is_group && !child->known)
        return fail_unknown (group, child, error);
      if (deep && child->n_children > 0 && !sf_config_check_keys (child, true, error))
        return false;
    }
  return true;
}
