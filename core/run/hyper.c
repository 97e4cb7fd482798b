/* SPDX-License-Identifier: Apache-2.0 */
/* SfHyperTable: options of the compiled optimizer, by group, and the scalars that derive from them.
 */
#include "core/run/hyper.h"

#include <math.h>
#include <sf/plugin/optimizer.h>
#include <sf/plugins.h>

/* Parameters with options of their own; the group "" holds the rest. */
typedef struct
{
  char *name;
  SfOptionValues *compiled;
  SfOptionValues *of_step; /* with the overrides of the last step; NULL: it had none */
} Group;

struct SfHyperTable
{
  const SfPlugin *plugin; /* NULL: no optimizer */
  GArray *groups;         /* Group, the rest first; empty without optimizer */
  char **names;           /* overrides of the last step */
  GArray *values;         /* double, theirs */
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

static Group *
group_at (const SfHyperTable *table, guint index)
{
  return &g_array_index (table->groups, Group, index);
}

/* Index of the group of `length` bytes of `name`, or the number of groups. */
static guint
find_group (const SfHyperTable *table, const char *name, size_t length)
{
  guint i = 0;
  while (i < table->groups->len
         && (strncmp (group_at (table, i)->name, name, length) != 0
             || group_at (table, i)->name[length] != '\0'))
    i++;
  return i;
}

static bool
add_group (SfHyperTable *table, const SfPef *pef, const char *name, const char *prefix,
           GError **error)
{
  const SfOptionValues *base = table->groups->len == 0 ? NULL : group_at (table, 0)->compiled;
  Group group = { .compiled = options_with_facts (table->plugin, pef, prefix, base, error) };
  if (group.compiled == NULL)
    return false;
  group.name = g_strdup (name);
  g_array_append_val (table->groups, group);
  return true;
}

/* Group names appear as "group.<name>.<option>". */
static bool
read_groups (SfHyperTable *table, const SfPef *pef, GError **error)
{
  const char *const *keys = sf_pef_fact_keys (pef);
  for (size_t i = 0; keys[i] != NULL; i++)
    {
      const char *name = g_str_has_prefix (keys[i], "group.") ? keys[i] + strlen ("group.") : NULL;
      const char *dot = name == NULL ? NULL : strrchr (name, '.');
      if (dot == NULL || find_group (table, name, (size_t) (dot - name)) < table->groups->len)
        continue;
      g_autofree char *group = g_strndup (name, (size_t) (dot - name));
      g_autofree char *prefix = g_strdup_printf ("group.%s.", group);
      if (!add_group (table, pef, group, prefix, error))
        return false;
    }
  return true;
}

static void
clear_group (void *data)
{
  Group *group = data;
  g_free (group->name);
  g_clear_pointer (&group->compiled, sf_option_values_free);
  g_clear_pointer (&group->of_step, sf_option_values_free);
}

SfHyperTable *
sf_hyper_table_new (const SfPef *pef, GError **error)
{
  g_autoptr (SfHyperTable) table = g_new0 (SfHyperTable, 1);
  table->groups = g_array_new (FALSE, FALSE, sizeof (Group));
  g_array_set_clear_func (table->groups, clear_group);
  table->names = g_new0 (char *, 1);
  table->values = g_array_new (FALSE, FALSE, sizeof (double));
  const char *name = sf_pef_fact (pef, "optimizer");
  if (name == NULL)
    return g_steal_pointer (&table);
  table->plugin = sf_plugins_load (SF_PLUGIN_OPTIMIZER, name, error);
  if (table->plugin == NULL || !add_group (table, pef, "", "optimizer.", error)
      || !read_groups (table, pef, error))
    return NULL;
  return g_steal_pointer (&table);
}

void
sf_hyper_table_free (SfHyperTable *table)
{
  g_array_unref (table->groups);
  g_strfreev (table->names);
  g_array_unref (table->values);
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

/* "head.lr" to its group and "lr"; a name without a known group belongs to the rest. */
static guint
split_name (const SfHyperTable *table, const char *name, const char **option)
{
  const char *dot = strrchr (name, '.');
  *option = name;
  if (dot == NULL)
    return 0;
  guint group = find_group (table, name, (size_t) (dot - name));
  if (group == table->groups->len)
    return 0;
  *option = dot + 1;
  return group;
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

/* Options of a group with the step's overrides, for derive; NULL when one is refused. */
static SfOptionValues *
options_of_step (const SfHyperTable *table, guint group, const SfHyper *hyper, GError **error)
{
  g_autoptr (SfOptionValues) values = sf_option_values_copy (group_at (table, group)->compiled);
  for (size_t i = 0; hyper->names[i] != NULL; i++)
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

static bool
same_overrides (const SfHyperTable *table, const SfHyper *hyper)
{
  static const char *const none[] = { NULL };
  const char *const *names = hyper->names == NULL ? none : hyper->names;
  guint i = 0;
  while (names[i] != NULL && table->names[i] != NULL && strcmp (names[i], table->names[i]) == 0
         && hyper->values[i] == g_array_index (table->values, double, i))
    i++;
  return names[i] == NULL && table->names[i] == NULL;
}

static void
forget_overrides (SfHyperTable *table)
{
  for (guint i = 0; i < table->groups->len; i++)
    g_clear_pointer (&group_at (table, i)->of_step, sf_option_values_free);
  g_strfreev (table->names);
  table->names = g_new0 (char *, 1);
  g_array_set_size (table->values, 0);
}

/* Keeps the overrides of a step, and each group's options with them. */
static bool
take_overrides (SfHyperTable *table, const SfHyper *hyper, GError **error)
{
  if (same_overrides (table, hyper))
    return true;
  forget_overrides (table);
  if (hyper->names == NULL)
    return true;
  for (guint i = 0; i < table->groups->len; i++)
    {
      Group *group = group_at (table, i);
      group->of_step = options_of_step (table, i, hyper, error);
      if (group->of_step == NULL)
        {
          forget_overrides (table);
          return false;
        }
    }
  g_strfreev (table->names);
  table->names = g_strdupv ((char **) hyper->names);
  g_array_append_vals (table->values, hyper->values, g_strv_length (table->names));
  return true;
}

SfHyperScalar
sf_hyper_scalar (const SfHyperTable *table, const char *name)
{
  SfHyperScalar scalar = { .name = name };
  const char *local;
  if (table->plugin == NULL)
    return scalar;
  scalar.group = split_name (table, name, &local);
  scalar.in_group = local != name;
  const SfOption *option = find_option (table, local);
  if (option != NULL)
    {
      scalar.is_option = true;
      scalar.is_lr = strcmp (local, "lr") == 0;
      scalar.compiled = option_value (group_at (table, scalar.group)->compiled, option);
      return scalar;
    }
  const SfOptimizerOps *ops = table->plugin->ops.optimizer;
  for (size_t i = 0; ops->derived != NULL && ops->derived[i] != NULL; i++)
    if (strcmp (ops->derived[i], local) == 0)
      scalar.derived = ops->derived[i];
  return scalar;
}

/* A group's rate follows the schedule of the others in proportion. Where these stand still at rate
 * 0 there is no proportion: a rate given for the step is the group's too, else it keeps its own. */
static double
group_lr (const SfHyperTable *table, double own, double lr)
{
  double rest = sf_hyper_default_lr (table);
  if (rest == 0)
    return lr == 0 ? own : lr;
  return lr * (own / rest);
}

static bool
derive (SfHyperTable *table, const SfHyperScalar *scalar, const SfHyper *hyper, double *out,
        GError **error)
{
  if (!take_overrides (table, hyper, error))
    return false;
  const Group *group = group_at (table, scalar->group);
  *out = table->plugin->ops.optimizer->derive (
      group->of_step == NULL ? group->compiled : group->of_step, scalar->derived, hyper->step);
  return true;
}

bool
sf_hyper_value (SfHyperTable *table, const SfHyperScalar *scalar, const SfHyper *hyper, double *out,
                GError **error)
{
  if (overridden (hyper, scalar->name, out))
    return true;
  if (table->plugin == NULL)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "scalar %s: the program wants it and nothing gives it; pass it by name in SfHyper",
        scalar->name);
  if (scalar->derived != NULL)
    return derive (table, scalar, hyper, out, error);
  if (!scalar->is_option)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "scalar %s: optimizer %s has no such option; recompile with this version",
                    scalar->name, table->plugin->name);
  if (!scalar->is_lr || isnan (hyper->lr))
    *out = scalar->compiled;
  else
    *out = scalar->in_group ? group_lr (table, scalar->compiled, hyper->lr) : hyper->lr;
  return true;
}

double
sf_hyper_default_lr (const SfHyperTable *table)
{
  return table->plugin == NULL || find_option (table, "lr") == NULL
             ? 0
             : sf_option_float (group_at (table, 0)->compiled, "lr");
}

bool
sf_hyper_known (const SfHyperTable *table, const char *name)
{
  const char *local;
  if (table->plugin == NULL)
    return false;
  split_name (table, name, &local);
  return find_option (table, local) != NULL;
}
