/* SPDX-License-Identifier: Apache-2.0 */
/* Reading fusion rules. */
#include "rules.h"

#include <sf/config.h>
#include <sf/paths.h>
#include <sf/plugin/lower.h>

static const char *const class_names[] = {
  [SF_LOWER_MAP] = "map",       [SF_LOWER_REDUCE] = "reduce",
  [SF_LOWER_ROW] = "row",       [SF_LOWER_CONTRACTION] = "contraction",
  [SF_LOWER_WINDOW] = "window", [SF_LOWER_MOVE] = "move",
  [SF_LOWER_INDEX] = "index",   [SF_LOWER_SOURCE] = "source",
};

static bool
read_class (SfConfigNode *node, unsigned *classes, GError **error)
{
  const char *name;
  if (!sf_config_node_string (node, &name, error))
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (class_names); i++)
    if (g_strcmp0 (class_names[i], name) == 0)
      {
        *classes |= 1u << i;
        return true;
      }
  return sf_fail (
      error, SF_ERROR_INVALID_DATA,
      "%s: found class '%s', wanted map, reduce, row, contraction, window, move, index or source; see etc/rules",
      sf_config_node_where (node), name);
}

static bool
read_classes (SfConfigNode *rule, const char *key, unsigned *classes, GError **error)
{
  SfConfigNode *list = sf_config_node_member (rule, key);
  *classes = 0;
  if (list == NULL)
    return true;
  if (sf_config_node_type (list) != SF_CONFIG_LIST)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no list in %s, wanted [ \"map\", ... ]; see etc/rules",
                    sf_config_node_where (list), key);
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    if (!read_class (sf_config_node_at (list, i), classes, error))
      return false;
  return true;
}

static bool
read_rule (SfConfigNode *node, GArray *rules, GError **error)
{
  FuseRule rule = { 0 };
  const char *name = NULL;
  int64_t max_nodes = 16;
  if (!sf_config_get_string (node, "name", true, &name, error)
      || !read_classes (node, "anchor", &rule.anchor, error)
      || !read_classes (node, "after", &rule.after, error)
      || !read_classes (node, "before", &rule.before, error)
      || !sf_config_get_int (node, "max_nodes", false, &max_nodes, error))
    return false;
  if (max_nodes < 1 || max_nodes > 1000)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found max_nodes %" G_GINT64_FORMAT
                    ", wanted 1 to 1000; leave it out for 16",
                    sf_config_node_where (node), max_nodes);
  rule.max_nodes = (size_t) max_nodes;
  g_array_append_val (rules, rule);
  return sf_config_check_keys (node, false, error);
}

bool
sf_fuse_read_rules (const char *path, GArray *rules, GError **error)
{
  if (path == NULL || *path == '\0')
    return true;
  g_autofree char *relative = g_strdup_printf ("etc/rules/%s", path);
  g_autofree char *full = strchr (path, '/') != NULL ? g_strdup (path) : sf_data_path (relative);
  g_autoptr (SfConfig) config = sf_config_read (full, error);
  if (config == NULL)
    return false;
  SfConfigNode *list = sf_config_node_member (sf_config_root (config), "rules");
  if (list == NULL || sf_config_node_type (list) != SF_CONFIG_LIST)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: found no list of rules, wanted rules = ( { name = ...; anchor = ...; }, ... ); see etc/rules",
        full);
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    if (!read_rule (sf_config_node_at (list, i), rules, error))
      return false;
  return sf_config_check_keys (sf_config_root (config), false, error);
}
