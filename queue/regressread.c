/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a model, rules, exceptions. */
#include "queue/regressread.h"

#include <string.h>

static bool
fail_word (SfConfigNode *node, const char *key, const char *found, const char *wanted,
           const GPtrArray *words, GError **error)
{
  const char *nearest = sf_nearest_word (found, (const char *const *) words->pdata, words->len);
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found \"%s\", wanted %s%s%s%s",
                  sf_config_node_where (node), key, found, wanted,
                  nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "\"?" : "");
}

static bool
check_group (SfConfigNode *node, const char *key, const char *example, GError **error)
{
  return sf_config_node_type (node) == SF_CONFIG_GROUP
         || sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found no group, wanted one; write %s",
                     sf_config_node_where (node), key, example);
}

bool
sf_regress_refuse_keys (SfConfigNode *root, SfConfigNode *own, GError **error)
{
  SfConfigNode *array = sf_config_node_member (root, "array");
  SfConfigNode *nested = sf_config_node_member (own, "models");
  array = array != NULL ? array : sf_config_node_member (own, "array");
  if (array != NULL)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: array: found one, wanted none in a suite; write matrix = { seed = [ 1, 2 ]; }",
        sf_config_node_where (array));
  if (nested != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: models: found some within a model, wanted them beside it",
                    sf_config_node_where (nested));
  SfConfigNode *matrix = sf_config_node_member (root, "matrix");
  bool is_group = matrix != NULL && sf_config_node_type (matrix) == SF_CONFIG_GROUP;
  SfConfigNode *model = is_group ? sf_config_node_member (matrix, "model") : NULL;
  return model == NULL
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: matrix: found model, wanted another name: models has them",
                     sf_config_node_where (model));
}

/* ---- options ---- */

static bool
set_options (SfJobFile *job, SfConfigNode *group, const char *verb, GError **error)
{
  g_autoptr (GPtrArray) verbs = g_ptr_array_new ();
  bool found = false;
  for (guint i = 0; i < job->steps->len; i++)
    {
      SfJobStep *step = job->steps->pdata[i];
      g_ptr_array_add (verbs, step->verb);
      if (step->values == NULL || strcmp (step->verb, verb) != 0)
        continue;
      found = true;
      if (!sf_option_parse_config (step->values, group, NULL, error))
        return false;
    }
  return found || fail_word (group, "options", verb, "the verb of a step", verbs, error);
}

bool
sf_regress_read_options (SfJobFile *job, SfConfigNode *own, GError **error)
{
  static const char example[] = "options = { compile = { level = \"o1\"; }; }";
  SfConfigNode *options = sf_config_node_member (own, "options");
  if (options == NULL)
    return true;
  if (!check_group (options, "options", example, error))
    return false;
  for (size_t i = 0; i < sf_config_node_count (options); i++)
    {
      SfConfigNode *group = sf_config_node_at (options, i);
      if (!check_group (group, "options", example, error)
          || !set_options (job, group, sf_config_node_name (group), error))
        return false;
    }
  return true;
}

/* ---- rules ---- */

static bool
add_rules (SfConfigNode *group, SfRule rules[SF_N_METRICS], GError **error)
{
  SfConfigNode *node = sf_config_node_member (group, "rules");
  if (node == NULL)
    return true;
  if (!check_group (node, "rules", "rules = { sections = { rule = \"equal\"; }; }", error))
    return false;
  for (size_t i = 0; i < sf_config_node_count (node); i++)
    {
      SfConfigNode *rule = sf_config_node_at (node, i);
      int metric = sf_metric_find (sf_config_node_name (rule));
      if (metric < 0)
        {
          g_autoptr (GPtrArray) names = g_ptr_array_new ();
          for (int k = 0; k < SF_N_METRICS; k++)
            g_ptr_array_add (names, (gpointer) sf_metrics[k].name);
          return fail_word (rule, "rules", sf_config_node_name (rule), "a metric", names, error);
        }
      if (!sf_rule_read (rule, &rules[metric], error))
        return false;
    }
  return true;
}

bool
sf_regress_read_rules (const SfJobFile *job, SfConfigNode *root, SfConfigNode *own,
                       SfRule rules[SF_N_METRICS], GError **error)
{
  for (int i = 0; i < SF_N_METRICS; i++)
    rules[i] = (SfRule){ .kind = SF_RULE_NONE };
  if (!add_rules (root, rules, error) || !add_rules (own, rules, error))
    return false;
  for (int i = 0; i < SF_N_METRICS; i++)
    {
      bool given = false;
      for (guint s = 0; s < job->steps->len; s++)
        {
          const SfJobStep *step = job->steps->pdata[s];
          given = given || sf_metric_is_of (&sf_metrics[i], step->verb);
        }
      if (!given)
        rules[i].kind = SF_RULE_NONE;
    }
  return true;
}

/* ---- exceptions ---- */

/* Whether everything that the group says is so. */
static bool
matches (SfConfigNode *group, const char *model, const GPtrArray *dimensions, size_t index,
         bool *same, GError **error)
{
  *same = true;
  for (size_t i = 0; i < sf_config_node_count (group); i++)
    {
      SfConfigNode *node = sf_config_node_at (group, i);
      const char *key = sf_config_node_name (node);
      const char *value = strcmp (key, "model") == 0 ? model : NULL;
      g_autoptr (GPtrArray) names = g_ptr_array_new ();
      g_ptr_array_add (names, (gpointer) "model");
      for (guint d = 0; d < dimensions->len; d++)
        {
          SfConfigBinding has = sf_job_value (dimensions, d, index);
          g_ptr_array_add (names, (gpointer) has.name);
          value = strcmp (has.name, key) == 0 ? has.text : value;
        }
      if (value == NULL)
        return fail_word (node, "except", key, "model or a name of the matrix", names, error);
      g_autofree char *text = sf_config_node_text (node, error);
      if (text == NULL)
        return false;
      *same = *same && strcmp (text, value) == 0;
    }
  return true;
}

static bool
add_except (SfConfigNode *group, const char *model, const GPtrArray *dimensions, size_t index,
            bool *left_out, GError **error)
{
  SfConfigNode *list = sf_config_node_member (group, "except");
  if (list == NULL)
    return true;
  bool is_list = sf_config_node_type (list) == SF_CONFIG_LIST;
  for (size_t i = 0; is_list && i < sf_config_node_count (list); i++)
    is_list = sf_config_node_type (sf_config_node_at (list, i)) == SF_CONFIG_GROUP;
  if (!is_list)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: except: found no list of groups, wanted one; write except = ( { level = "
                    "\"o0\"; } )",
                    sf_config_node_where (list));
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    {
      bool same = false;
      if (!matches (sf_config_node_at (list, i), model, dimensions, index, &same, error))
        return false;
      *left_out = *left_out || same;
    }
  return true;
}

bool
sf_regress_read_except (SfConfigNode *root, SfConfigNode *own, const char *model,
                        const GPtrArray *dimensions, size_t index, bool *left_out, GError **error)
{
  *left_out = false;
  return add_except (root, model, dimensions, index, left_out, error)
         && add_except (own, model, dimensions, index, left_out, error);
}
