/* SPDX-License-Identifier: Apache-2.0 */
/* Reading fusion rules: each key with its type, each name with what it stands for. */
#include "rules.h"

#include <string.h>

#include <sf/config.h>
#include <sf/paths.h>
#include <sf/plugin/lower.h>

static const struct
{
  const char *name;
  unsigned classes;
} class_table[] = {
  { "@map", 1u << SF_LOWER_MAP },
  { "@reduce", 1u << SF_LOWER_REDUCE },
  { "@row", 1u << SF_LOWER_ROW },
  { "@contraction", 1u << SF_LOWER_CONTRACTION },
  { "@window", 1u << SF_LOWER_WINDOW },
  { "@move", 1u << SF_LOWER_MOVE },
  { "@index", 1u << SF_LOWER_INDEX },
  { "@source", 1u << SF_LOWER_SOURCE },
  { "@any", ~((1u << SF_LOWER_NONE) | (1u << SF_LOWER_VIEW)) },
};

static const struct
{
  const char *name;
  FuseHeuristic heuristic;
  int64_t max_nodes;
} heuristic_table[] = {
  { "join", FUSE_JOIN, FUSE_PATTERN_NODES },
  { "stage", FUSE_STAGE, FUSE_PATTERN_NODES },
  { "grow", FUSE_GROW, 16 },
};

static void
pattern_node_free (gpointer data)
{
  FusePatternNode *node = data;
  g_free (node->name);
  g_free (node->wanted);
  g_ptr_array_unref (node->ops);
  g_clear_pointer (&node->options, g_array_unref);
  g_free (node);
}

static void
rule_free (gpointer data)
{
  FuseRule *rule = data;
  g_free (rule->name);
  g_ptr_array_unref (rule->pattern);
  g_ptr_array_unref (rule->forms);
  g_free (rule);
}

const FusePatternNode *
fuse_rule_node (const FuseRule *rule, uint32_t index)
{
  return rule->pattern->pdata[index];
}

bool
fuse_rule_accepts (const FuseRule *rule, uint32_t index, const SfGraph *graph, SfNode node)
{
  const FusePatternNode *wanted = fuse_rule_node (rule, index);
  const SfOp *op = sf_node_op (graph, node);
  for (guint i = 0; i < wanted->ops->len; i++)
    if (wanted->ops->pdata[i] == op)
      return true;
  return wanted->classes != 0 && (wanted->classes >> sf_lower_class (graph, node) & 1) != 0;
}

/* ---- names ---- */

/* One element of a list, or a string that stands for a list of itself. */
static SfConfigNode *
element (SfConfigNode *list, size_t index)
{
  return sf_config_node_type (list) == SF_CONFIG_LIST ? sf_config_node_at (list, index)
         : index == 0                                 ? list
                                                      : NULL;
}

static bool
read_class (SfConfigNode *at, const char *name, FusePatternNode *node, GError **error)
{
  const char *names[G_N_ELEMENTS (class_table)];
  for (size_t i = 0; i < G_N_ELEMENTS (class_table); i++)
    {
      names[i] = class_table[i].name;
      if (strcmp (names[i], name) != 0)
        continue;
      node->classes |= class_table[i].classes;
      return true;
    }
  const char *nearest = sf_nearest_word (name, names, G_N_ELEMENTS (names));
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: op_type: found class %s, wanted @map, @reduce, @row, @contraction, @window, "
                  "@move, @index, @source or @any; %s%s",
                  sf_config_node_where (at), name,
                  nearest != NULL ? "did you mean " : "write ops without @",
                  nearest != NULL ? nearest : "");
}

static bool
read_op (SfConfigNode *at, FusePatternNode *node, GError **error)
{
  const char *name;
  g_autoptr (GError) unknown = NULL;
  if (!sf_config_node_string (at, &name, error))
    return false;
  if (name[0] == '@')
    return read_class (at, name, node, error);
  const SfOp *op = sf_op_find (name, &unknown);
  if (op == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: op_type: %s", sf_config_node_where (at),
                    unknown->message);
  g_ptr_array_add (node->ops, (gpointer) op);
  return true;
}

static bool
read_op_type (SfConfigNode *group, FusePatternNode *node, GError **error)
{
  SfConfigNode *list = sf_config_node_member (group, "op_type");
  if (list == NULL)
    return true;
  g_autoptr (GString) wanted = g_string_new (NULL);
  SfConfigNode *at;
  for (size_t i = 0; (at = element (list, i)) != NULL; i++)
    {
      const char *name;
      if (!read_op (at, node, error) || !sf_config_node_string (at, &name, error))
        return false;
      g_string_append_printf (wanted, "%s%s", i > 0 ? " or " : "", name);
    }
  if (wanted->len == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: op_type: found an empty list, wanted an op or a class; give for example "
                    "\"linear\" or \"@map\"",
                    sf_config_node_where (list));
  node->wanted = g_string_free (g_steal_pointer (&wanted), FALSE);
  return true;
}

/* The pattern node that `at` names. */
static bool
read_reference (SfConfigNode *at, const FuseRule *rule, const char *key, uint32_t *out,
                GError **error)
{
  const char *name;
  if (!sf_config_node_string (at, &name, error))
    return false;
  const char *names[FUSE_PATTERN_NODES];
  for (*out = 0; *out < rule->pattern->len; (*out)++)
    {
      names[*out] = fuse_rule_node (rule, *out)->name;
      if (strcmp (names[*out], name) == 0)
        return true;
    }
  const char *nearest = sf_nearest_word (name, names, rule->pattern->len);
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: %s: found %s, wanted a node of the pattern of %s; %s %s",
                  sf_config_node_where (at), key, name, rule->name,
                  nearest != NULL ? "did you mean" : "add", nearest != NULL ? nearest : name);
}

/* ---- nodes of a pattern ---- */

static bool
read_children (SfConfigNode *group, const FuseRule *rule, FusePatternNode *node, GError **error)
{
  SfConfigNode *one = sf_config_node_member (group, "child");
  SfConfigNode *many = sf_config_node_member (group, "children");
  if (one != NULL && many != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found child and children in %s, wanted one of them; move the child into "
                    "the list",
                    sf_config_node_where (one), node->name);
  const char *key = one != NULL ? "child" : "children";
  SfConfigNode *list = one != NULL ? one : many, *at;
  for (size_t i = 0; list != NULL && (at = element (list, i)) != NULL; i++)
    {
      uint32_t child;
      if (!read_reference (at, rule, key, &child, error))
        return false;
      if (node->children >> child & 1)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: %s: found %s twice, wanted each child once; two readers are two nodes",
                        sf_config_node_where (at), key, fuse_rule_node (rule, child)->name);
      node->children |= UINT64_C (1) << child;
    }
  return true;
}

static bool
read_options (SfConfigNode *group, const FuseRule *rule, FusePatternNode *node, GError **error)
{
  SfConfigNode *list = sf_config_node_member (group, "match_first_option"), *at;
  if (list == NULL)
    return true;
  if (node->wanted != NULL || node->children != 0 || !node->required || !node->included)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found other keys beside match_first_option in %s, wanted it alone: the "
                    "node stands for one of its options; move them there",
                    sf_config_node_where (list), node->name);
  node->options = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (size_t i = 0; (at = element (list, i)) != NULL; i++)
    {
      uint32_t option;
      if (!read_reference (at, rule, "match_first_option", &option, error))
        return false;
      g_array_append_val (node->options, option);
    }
  return node->options->len > 0
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: match_first_option: found an empty list, wanted nodes of the pattern; "
                     "name at least one",
                     sf_config_node_where (list));
}

static bool
read_node (SfConfigNode *group, const FuseRule *rule, FusePatternNode *node, GError **error)
{
  if (!read_op_type (group, node, error)
      || !sf_config_get_bool (group, "required", false, &node->required, error)
      || !sf_config_get_bool (group, "included", false, &node->included, error)
      || !read_children (group, rule, node, error) || !read_options (group, rule, node, error)
      || !sf_config_check_keys (group, false, error))
    return false;
  return node->wanted != NULL || node->options != NULL
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: no key \"op_type\" in %s; add op_type = \"OP\"",
                     sf_config_node_where (group), node->name);
}

static bool
read_pattern (SfConfigNode *rule_group, FuseRule *rule, GError **error)
{
  SfConfigNode *pattern = sf_config_node_member (rule_group, "pattern");
  size_t n = pattern != NULL ? sf_config_node_count (pattern) : 0;
  if (pattern == NULL || sf_config_node_type (pattern) != SF_CONFIG_GROUP || n == 0
      || n > FUSE_PATTERN_NODES)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no pattern of 1 to %d nodes in rule %s, wanted pattern = { a = { "
                    "op_type = \"linear\"; child = \"b\"; }; ... }; see etc/rules",
                    sf_config_node_where (pattern != NULL ? pattern : rule_group),
                    FUSE_PATTERN_NODES, rule->name);
  for (size_t i = 0; i < n; i++)
    {
      SfConfigNode *at = sf_config_node_at (pattern, i);
      FusePatternNode *node = g_new0 (FusePatternNode, 1);
      node->name = g_strdup (sf_config_node_name (at));
      node->ops = g_ptr_array_new ();
      node->required = node->included = true;
      g_ptr_array_add (rule->pattern, node);
      if (sf_config_node_type (at) != SF_CONFIG_GROUP)
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "%s: found no group in %s, wanted %s = { op_type = \"OP\"; }; see etc/rules",
            sf_config_node_where (at), node->name, node->name);
    }
  for (size_t i = 0; i < n; i++)
    if (!read_node (sf_config_node_at (pattern, i), rule, rule->pattern->pdata[i], error))
      return false;
  return fuse_forms_build (rule, sf_config_node_where (pattern), error);
}

/* ---- rules ---- */

static bool
find_heuristic (SfConfigNode *at, const char *name, FuseRule *rule, GError **error)
{
  const char *names[G_N_ELEMENTS (heuristic_table)];
  for (size_t i = 0; i < G_N_ELEMENTS (heuristic_table); i++)
    {
      names[i] = heuristic_table[i].name;
      if (g_ascii_strcasecmp (names[i], name) != 0)
        continue;
      rule->heuristic = heuristic_table[i].heuristic;
      rule->max_nodes = (size_t) heuristic_table[i].max_nodes;
      return true;
    }
  const char *nearest = sf_nearest_word (name, names, G_N_ELEMENTS (names));
  return sf_fail (
      error, SF_ERROR_INVALID_DATA, "%s: heuristic: found %s, wanted join, stage or grow; %s%s",
      sf_config_node_where (at), name, nearest != NULL ? "did you mean " : "leave it out for join",
      nearest != NULL ? nearest : "");
}

/* A name, or a group of a name and its options. */
static bool
read_heuristic (SfConfigNode *group, FuseRule *rule, GError **error)
{
  SfConfigNode *at = sf_config_node_member (group, "heuristic");
  const char *name = "join";
  if (at == NULL || sf_config_node_type (at) != SF_CONFIG_GROUP)
    return (at == NULL || sf_config_node_string (at, &name, error))
           && find_heuristic (at, name, rule, error);
  if (!sf_config_get_string (at, "name", true, &name, error)
      || !find_heuristic (at, name, rule, error))
    return false;
  int64_t max_nodes = (int64_t) rule->max_nodes;
  if (!sf_config_get_int (at, "max_nodes", false, &max_nodes, error))
    return false;
  if (max_nodes < 1 || max_nodes > FUSE_MAX_NODES)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found max_nodes %" G_GINT64_FORMAT
                    ", wanted 1 to %d; leave it out for %zu",
                    sf_config_node_where (at), max_nodes, FUSE_MAX_NODES, rule->max_nodes);
  rule->max_nodes = (size_t) max_nodes;
  return sf_config_check_keys (at, false, error);
}

static bool
check_name (SfConfigNode *at, const GPtrArray *rules, const char *name, GError **error)
{
  for (guint i = 0; i < rules->len; i++)
    if (strcmp (((const FuseRule *) rules->pdata[i])->name, name) == 0)
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: found a second rule %s, wanted each name once; rename one",
                      sf_config_node_where (at), name);
  return true;
}

/* `name`: key of the rule in a group of rules; NULL in a list, where the rule has a key of its own.
 */
static bool
read_rule (SfConfigNode *group, const char *name, GPtrArray *rules, GError **error)
{
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no group, wanted a rule { name = ...; pattern = { ... }; }; see "
                    "etc/rules",
                    sf_config_node_where (group));
  static const char *const keys[] = { "priority", "heuristic", "pattern" };
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    sf_config_node_member (group, keys[i]);
  if ((name == NULL && !sf_config_get_string (group, "name", true, &name, error))
      || !sf_config_check_keys (group, false, error) || !check_name (group, rules, name, error))
    return false;
  FuseRule *rule = g_new0 (FuseRule, 1);
  rule->name = g_strdup (name);
  rule->pattern = g_ptr_array_new_with_free_func (pattern_node_free);
  rule->forms = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (rules, rule);
  return sf_config_get_int (group, "priority", false, &rule->priority, error)
         && read_heuristic (group, rule, error) && read_pattern (group, rule, error);
}

/* Stable: by priority, then as they were. */
static void
sort_rules (GPtrArray *rules)
{
  for (guint i = 1; i < rules->len; i++)
    {
      FuseRule *rule = rules->pdata[i];
      guint at = i;
      for (; at > 0 && ((FuseRule *) rules->pdata[at - 1])->priority < rule->priority; at--)
        rules->pdata[at] = rules->pdata[at - 1];
      rules->pdata[at] = rule;
    }
}

static bool
read_file (const char *path, GPtrArray *rules, GError **error)
{
  g_autoptr (SfConfig) config = sf_config_read (path, error);
  if (config == NULL)
    return false;
  SfConfigNode *list = sf_config_node_member (sf_config_root (config), "rules");
  SfConfigType type = list != NULL ? sf_config_node_type (list) : SF_CONFIG_BOOL;
  if (type != SF_CONFIG_LIST && type != SF_CONFIG_GROUP)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: found no rules, wanted rules = ( { name = ...; pattern = { ... }; }, ... ); "
        "see etc/rules",
        path);
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    {
      SfConfigNode *rule = sf_config_node_at (list, i);
      const char *name = type == SF_CONFIG_GROUP ? sf_config_node_name (rule) : NULL;
      if (!read_rule (rule, name, rules, error))
        return false;
    }
  return sf_config_check_keys (sf_config_root (config), false, error);
}

GPtrArray *
fuse_rules_read (const char *path, GError **error)
{
  g_autoptr (GPtrArray) rules = g_ptr_array_new_with_free_func (rule_free);
  if (path == NULL || *path == '\0')
    return g_steal_pointer (&rules);
  g_autofree char *relative = g_strdup_printf ("etc/rules/%s", path);
  g_autofree char *full = strchr (path, '/') != NULL ? g_strdup (path) : sf_data_path (relative);
  if (!read_file (full, rules, error))
    return NULL;
  sort_rules (rules);
  return g_steal_pointer (&rules);
}
