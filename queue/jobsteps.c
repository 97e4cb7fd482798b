/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a job file, checked against the option tables of their verbs. */
#include <string.h>

#include "queue/jobread.h"

enum
{
  MAX_STEPS = 1000,
};

void
sf_job_step_free (void *data)
{
  SfJobStep *step = data;
  g_free (step->verb);
  g_free (step->where);
  sf_option_values_free (step->values);
  g_strfreev (step->argv);
  g_free (step);
}

/* ---- the optimizer of a step ---- */

/* { name = "adamw"; lr = 0.001; } of a compile or train step: an optimizer is compiled in, so all
 * of it belongs to the compile step at or before this one. */
static bool
read_optimizer (SfJobFile *file, SfConfigNode *group, GError **error)
{
  const char *where = sf_config_node_where (group);
  SfJobStep *compile = NULL;
  for (guint i = 0; i < file->steps->len; i++)
    {
      SfJobStep *step = file->steps->pdata[i];
      compile = strcmp (step->verb, "compile") == 0 ? step : compile;
    }
  if (compile == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: optimizer: found no compile step before it, wanted one, since an "
                    "optimizer is compiled in; add a step { do = \"compile\"; }",
                    where);
  if (sf_option_is_set (compile->values, "optimizer"))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: optimizer: found a second one for the compile step at %s, wanted one; "
                    "remove one of them",
                    where, compile->where);
  const char *name = NULL;
  if (!sf_config_get_string (group, "name", true, &name, error)
      || !sf_option_set (compile->values, "optimizer", name, where, error))
    return false;
  for (size_t i = 0; i < sf_config_node_count (group); i++)
    {
      SfConfigNode *node = sf_config_node_at (group, i);
      const char *key = sf_config_node_name (node);
      if (strcmp (key, "name") == 0)
        continue;
      sf_config_node_member (group, key);
      g_autofree char *value = sf_config_node_text (node, error);
      g_autofree char *pair = g_strdup_printf ("%s=%s", key, value);
      if (value == NULL
          || !sf_option_set (compile->values, "optimizer-option", pair, sf_config_node_where (node),
                             error))
        return false;
    }
  return true;
}

/* ---- steps ---- */

char **
sf_job_read_argv (SfConfigNode *node, const char *key, GError **error)
{
  bool is_list = sf_config_node_type (node) == SF_CONFIG_LIST;
  size_t n = is_list ? sf_config_node_count (node) : 0;
  g_auto (GStrv) argv = g_new0 (char *, n + 1);
  for (size_t i = 0; i < n; i++)
    {
      const char *word = NULL;
      if (!sf_config_node_string (sf_config_node_at (node, i), &word, error))
        return NULL;
      argv[i] = g_strdup (word);
    }
  if (n > 0 && argv[0][0] != '\0')
    return g_steal_pointer (&argv);
  sf_fail (error, SF_ERROR_INVALID_DATA,
           "%s: %s: found %s, wanted a program and its arguments; write %s = [ \"sh\", \"-c\", "
           "\"...\" ]",
           sf_config_node_where (node), key, n > 0 ? "\"\"" : "no list of strings", key);
  return NULL;
}

static bool
read_command (SfJobStep *step, SfConfigNode *group, GError **error)
{
  SfConfigNode *argv = sf_config_node_member (group, "argv");
  if (argv == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: argv: found nothing, wanted the program and its arguments; write argv = [ "
                    "\"sh\", \"-c\", \"...\" ]",
                    step->where);
  step->argv = sf_job_read_argv (argv, "argv", error);
  return step->argv != NULL && sf_config_check_keys (group, false, error);
}

static bool
read_verb_step (SfJobFile *file, SfJobStep *step, SfConfigNode *group, GError **error)
{
  const char *also_known[4] = { "do" };
  int n = 1;
  SfConfigNode *optimizer = sf_config_node_member (group, "optimizer");
  SfConfigNode *report = sf_config_node_member (group, "report");
  bool has_group = optimizer != NULL && sf_config_node_type (optimizer) == SF_CONFIG_GROUP
                   && (strcmp (step->verb, "compile") == 0 || strcmp (step->verb, "train") == 0);
  if (has_group)
    also_known[n++] = "optimizer";
  if (report != NULL && sf_config_node_type (report) == SF_CONFIG_BOOL
      && (strcmp (step->verb, "infer") == 0 || strcmp (step->verb, "compile") == 0))
    {
      if (!sf_config_node_bool (report, &step->report, error))
        return false;
      also_known[n++] = "report";
    }
  return sf_option_parse_config (step->values, group, also_known, error)
         && (!has_group || read_optimizer (file, optimizer, error));
}

static bool
fail_verb (SfConfigNode *group, const char *found, const SfStepVerb *verbs, size_t n,
           GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GString) listed = g_string_new (NULL);
  for (size_t i = 0; i < n; i++)
    {
      g_ptr_array_add (names, (gpointer) verbs[i].name);
      g_string_append_printf (listed, "%s, ", verbs[i].name);
    }
  g_ptr_array_add (names, (gpointer) "command");
  const char *nearest = sf_nearest_word (found, (const char *const *) names->pdata, names->len);
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: do: found \"%s\", wanted %scommand%s%s%s",
                  sf_config_node_where (sf_config_node_member (group, "do")), found, listed->str,
                  nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "\"?" : "");
}

static bool
read_step (SfJobFile *file, SfConfigNode *group, const SfStepVerb *verbs, size_t n, GError **error)
{
  const char *verb = NULL;
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: steps: found a value, wanted groups { do = \"...\"; }",
                    sf_config_node_where (group));
  if (!sf_config_get_string (group, "do", true, &verb, error))
    return false;
  const SfOption *table = NULL;
  for (size_t i = 0; i < n; i++)
    if (strcmp (verbs[i].name, verb) == 0)
      table = verbs[i].options;
  bool is_command = strcmp (verb, "command") == 0;
  if (table == NULL && !is_command)
    return fail_verb (group, verb, verbs, n, error);
  SfJobStep *step = g_new0 (SfJobStep, 1);
  g_ptr_array_add (file->steps, step);
  step->number = (int) file->steps->len;
  step->verb = g_strdup (verb);
  step->where = g_strdup (sf_config_node_where (group));
  step->table = table;
  if (is_command)
    return read_command (step, group, error);
  step->values = sf_option_values_new (table);
  return read_verb_step (file, step, group, error);
}

bool
sf_job_read_steps (SfJobFile *file, SfConfigNode *root, const char *name, const SfStepVerb *verbs,
                   size_t n, GError **error)
{
  SfConfigNode *steps = sf_config_node_member (root, "steps");
  size_t count = steps != NULL && sf_config_node_type (steps) == SF_CONFIG_LIST
                     ? sf_config_node_count (steps)
                     : 0;
  if (count == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: steps: found none, wanted at least one; write steps = ( { do = "
                    "\"compile\"; }, { do = \"test\"; } )",
                    steps != NULL ? sf_config_node_where (steps) : name);
  if (count > MAX_STEPS)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: steps: found %zu, wanted at most %d",
                    sf_config_node_where (steps), count, MAX_STEPS);
  for (size_t i = 0; i < count; i++)
    if (!read_step (file, sf_config_node_at (steps, i), verbs, n, error))
      return false;
  return true;
}
