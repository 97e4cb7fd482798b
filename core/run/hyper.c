/* SPDX-License-Identifier: Apache-2.0 */
/* SfHyperTable: options of the compiled optimizer, by group, and the scalars that derive from them.
 */
#include "core/run/hyper.h"

#include <math.h>
#include <sf/plugin/optimizer.h>
#include <sf/plugins.h>

struct SfHyperTable
{
  const SfPlugin *plugin; /* NULL: no optimizer */
  GHashTable *groups;     /* name ("" = the rest) -> SfOptionValues */
};

static SfOptionValues *
options_with_facts (const SfPlugin *plugin, const SfPef *pef, const char *prefix,
                    const SfOptionValues *base, GError **error)
{
  g_autoptr (SfOptionValues) values = base == NULL ? sf_option_values_new (plugin->options)
                                                   : sf_option_values_copy (base);
  const char *const *keys = sf_pef_fact_keys (pef);
  for (size_t i = 0; keys[i] != NULL; i++)
    {
      if (!g_str_has_prefix (keys[i], prefix) || strchr (keys[i] + strlen (prefix), '.') != NULL)
        continue;
      g_autofree char *name = g_strdelimit (g_strdup (keys[i] + strlen (prefix)), "_", '-');
      if (!sf_option_set (values, name, sf_pef_fact (pef, keys[i]), keys[i], error))
        return NULL;
    }
  return g_steal_pointer (&values);
}

/* Group names appear as "group.<name>.<option>". */
static bool
read_groups (SfHyperTable *table, const SfPef *pef, GError **error)
{
  const char *const *keys = sf_pef_fact_keys (pef);
  const SfOptionValues *base = g_hash_table_lookup (table->groups, "");
  for (size_t i = 0; keys[i] != NULL; i++)
    {
      const char *name = g_str_has_prefix (keys[i], "group.") ? keys[i] + strlen ("group.") : NULL;
      const char *dot = name == NULL ? NULL : strrchr (name, '.');
      if (dot == NULL)
        continue;
      g_autofree char *group = g_strndup (name, (size_t) (dot - name));
      if (g_hash_table_contains (table->groups, group))
        continue;
      g_autofree char *prefix = g_strdup_printf ("group.%s.", group);
      SfOptionValues *values = options_with_facts (table->plugin, pef, prefix, base, error);
      if (values == NULL)
        return false;
      g_hash_table_replace (table->groups, g_steal_pointer (&group), values);
    }
  return true;
}

SfHyperTable *
sf_hyper_table_new (const SfPef *pef, GError **error)
{
  SfHyperTable *table = g_new0 (SfHyperTable, 1);
  table->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) sf_option_values_free);
  const char *name = sf_pef_fact (pef, "optimizer");
  if (name == NULL)
    return table;
  table->plugin = sf_plugins_load (SF_PLUGIN_OPTIMIZER, name, error);
  SfOptionValues *base = table->plugin == NULL
                             ? NULL
                             : options_with_facts (table->plugin, pef, "optimizer.", NULL, error);
  if (base != NULL)
    g_hash_table_replace (table->groups, g_strdup (""), base);
  if (base == NULL || !read_groups (table, pef, error))
    g_clear_pointer (&table, sf_hyper_table_free);
  return table;
}

void
sf_hyper_table_free (SfHyperTable *table)
{
  g_hash_table_unref (table->groups);
  g_free (table);
}

static const SfOption *
find_option (const SfHyperTable *table, const char *name)
{
  g_autofree char *dashed = g_strdelimit (g_strdup (name), "_", '-');
  for (const SfOption *option = table->plugin->options; option != NULL && option->name != NULL;
       option++)
    if (strcmp (option->name, dashed) == 0
        && (option->type == SF_OPTION_FLOAT || option->type == SF_OPTION_INT))
      return option;
  return NULL;
}

static double
option_value (const SfOptionValues *values, const SfOption *option)
{
  return option->type == SF_OPTION_INT ? (double) sf_option_int (values, option->name)
                                       : sf_option_float (values, option->name);
}

/* "head.lr" to its group's options and "lr"; a name without a known group belongs to the rest. */
static const SfOptionValues *
split_name (const SfHyperTable *table, const char *name, const char **option)
{
  const char *dot = strrchr (name, '.');
  *option = name;
  if (dot != NULL)
    {
      g_autofree char *group = g_strndup (name, (size_t) (dot - name));
      const SfOptionValues *values = g_hash_table_lookup (table->groups, group);
      if (values != NULL)
        {
          *option = dot + 1;
          return values;
        }
    }
  return g_hash_table_lookup (table->groups, "");
}

static bool
overridden (const SfHyper *hyper, const char *name, double *out)
{
  for (size_t i = 0; hyper->names != NULL && hyper->names[i] != NULL; i++)
    if (strcmp (hyper->names[i], name) == 0)
      {
        *out = hyper->values[i];
        return true;
      }
  return false;
}

/* Options of a group with the step's overrides, for derive. */
static SfOptionValues *
options_of_step (const SfHyperTable *table, const SfOptionValues *group, const SfHyper *hyper,
                 GError **error)
{
  g_autoptr (SfOptionValues) values = sf_option_values_copy (group);
  for (size_t i = 0; hyper->names != NULL && hyper->names[i] != NULL; i++)
    {
      const char *name;
      char text[G_ASCII_DTOSTR_BUF_SIZE];
      if (split_name (table, hyper->names[i], &name) != group || find_option (table, name) == NULL)
        continue;
      g_autofree char *dashed = g_strdelimit (g_strdup (name), "_", '-');
      if (!sf_option_set (values, dashed, g_ascii_dtostr (text, sizeof text, hyper->values[i]),
                          "hyper-parameter", error))
        return NULL;
    }
  return g_steal_pointer (&values);
}

/* A group's rate follows the schedule of the others in proportion. Where these stand still at rate
 * 0 there is no proportion: a rate given for the step is the group's too, else it keeps its own. */
static double
group_lr (const SfHyperTable *table, const SfOptionValues *group, double lr)
{
  double rest = sf_hyper_default_lr (table), own = sf_option_float (group, "lr");
  if (rest == 0)
    return lr == 0 ? own : lr;
  return lr * (own / rest);
}

bool
sf_hyper_value (const SfHyperTable *table, const char *name, const SfHyper *hyper, double *out,
                GError **error)
{
  const char *local;
  if (overridden (hyper, name, out))
    return true;
  const SfOptionValues *group = table->plugin == NULL ? NULL : split_name (table, name, &local);
  if (group == NULL)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "scalar %s: the program wants it and nothing gives it; pass it by name in SfHyper", name);
  const SfOption *option = find_option (table, local);
  if (option != NULL && strcmp (local, "lr") == 0 && !isnan (hyper->lr))
    {
      *out = local == name ? hyper->lr : group_lr (table, group, hyper->lr);
      return true;
    }
  if (option != NULL)
    {
      *out = option_value (group, option);
      return true;
    }
  const SfOptimizerOps *ops = table->plugin->ops.optimizer;
  for (size_t i = 0; ops->derived != NULL && ops->derived[i] != NULL; i++)
    if (strcmp (ops->derived[i], local) == 0)
      {
        g_autoptr (SfOptionValues) values = options_of_step (table, group, hyper, error);
        if (values == NULL)
          return false;
        *out = ops->derive (values, local, hyper->step);
        return true;
      }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "scalar %s: optimizer %s has no such option; recompile with this version", name,
                  table->plugin->name);
}

double
sf_hyper_default_lr (const SfHyperTable *table)
{
  const SfOptionValues *rest = g_hash_table_lookup (table->groups, "");
  return rest == NULL || find_option (table, "lr") == NULL ? 0 : sf_option_float (rest, "lr");
}

bool
sf_hyper_known (const SfHyperTable *table, const char *name)
{
  const char *local;
  return table->plugin != NULL && split_name (table, name, &local) != NULL
         && find_option (table, local) != NULL;
}
