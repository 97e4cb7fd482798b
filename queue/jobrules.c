/* SPDX-License-Identifier: Apache-2.0 */
/* What a job file says about other jobs, further attempts, the environment of steps, and its end.
 */
#include <string.h>

#include "queue/jobread.h"

enum
{
  MAX_LINKS = 1000,
  MAX_VARIABLES = 1000,
  MAX_NAME_CHARS = 200,
};

void
sf_job_link_free (void *data)
{
  SfJobLink *link = data;
  g_free (link->name);
  g_free (link->where);
  g_free (link);
}

/* ---- other jobs ---- */

static const struct
{
  const char *key;
  SfDependencyKind kind;
} link_keys[] = {
  { "after", SF_AFTER },
  { "afterok", SF_AFTER_OK },
  { "afternotok", SF_AFTER_NOT_OK },
};

/* 12, "12" or "name". */
static bool
read_link (SfJobFile *file, SfConfigNode *node, const char *key, SfDependencyKind kind,
           GError **error)
{
  gint64 id = 0;
  g_autofree char *text = NULL;
  const char *where = sf_config_node_where (node);
  SfConfigType type = sf_config_node_type (node);
  if (type == SF_CONFIG_INT || type == SF_CONFIG_STRING)
    text = sf_config_node_text (node, error);
  if (text == NULL || text[0] == '\0' || g_utf8_strlen (text, -1) > MAX_NAME_CHARS)
    {
      g_clear_error (error);
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: %s: found no job, wanted ids and names of jobs; write %s = [ \"name\" ] "
                      "or %s = [ 12 ]",
                      where, key, key, key);
    }
  bool is_id = type == SF_CONFIG_INT || text[strspn (text, G_CSET_DIGITS)] == '\0';
  if (is_id && !g_ascii_string_to_signed (text, 10, 1, G_MAXINT64, &id, NULL))
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found %s, wanted the id of a job", where,
                    key, text);
  SfJobLink *link = g_new0 (SfJobLink, 1);
  link->kind = kind;
  link->id = id;
  link->name = is_id ? NULL : g_steal_pointer (&text);
  link->where = g_strdup (where);
  g_ptr_array_add (file->links, link);
  return true;
}

static bool
read_links (SfJobFile *file, SfConfigNode *root, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (link_keys); i++)
    {
      const char *key = link_keys[i].key;
      SfConfigNode *node = sf_config_node_member (root, key);
      if (node == NULL)
        continue;
      bool is_list = sf_config_node_type (node) == SF_CONFIG_LIST;
      size_t n = is_list ? sf_config_node_count (node) : 1;
      if (n > MAX_LINKS)
        return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found %zu jobs, wanted at most %d",
                        sf_config_node_where (node), key, n, MAX_LINKS);
      for (size_t k = 0; k < n; k++)
        if (!read_link (file, is_list ? sf_config_node_at (node, k) : node, key, link_keys[i].kind,
                        error))
          return false;
    }
  return true;
}

/* ---- further attempts ---- */

static const SfOption retry_options[] = {
  { .name = "max",
    .type = SF_OPTION_INT,
    .min = 1,
    .max = 1000,
    .flags = SF_OPTION_REQUIRED,
    .help = "attempts after the first" },
  { .name = "delay", .type = SF_OPTION_SECONDS, .def = "10s", .help = "before the first of them" },
  { .name = "factor",
    .type = SF_OPTION_FLOAT,
    .def = "2",
    .min = 1,
    .max = 1000,
    .help = "of the delay, from one to the next" },
  { .name = "max-delay", .type = SF_OPTION_SECONDS, .def = "1h", .help = "the longest delay" },
  { .name = "on", .type = SF_OPTION_LIST, .help = "how an attempt must have ended" },
  { .name = NULL },
};

static const struct
{
  const char *word;
  SfJobState state;
} retry_states[] = {
  { "failed", SF_JOB_FAILED },
  { "timeout", SF_JOB_TIMEOUT },
  { "out_of_memory", SF_JOB_OUT_OF_MEMORY },
  { "lost", SF_JOB_LOST },
};

static bool
read_retry_state (SfRetryRule *rule, const char *word, const char *where, GError **error)
{
  const char *words[G_N_ELEMENTS (retry_states)];
  g_autofree char *lower = g_ascii_strdown (word, -1);
  for (size_t i = 0; i < G_N_ELEMENTS (retry_states); i++)
    {
      words[i] = retry_states[i].word;
      if (strcmp (lower, words[i]) == 0)
        {
          rule->on |= 1u << retry_states[i].state;
          return true;
        }
    }
  const char *nearest = sf_nearest_word (lower, words, G_N_ELEMENTS (words));
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: on: found \"%s\", wanted failed, timeout, out_of_memory, lost%s%s%s", where,
                  word, nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "\"?" : "");
}

static bool
read_retries (SfJobFile *file, SfConfigNode *root, GError **error)
{
  SfRetryRule *rule = &file->retries;
  SfConfigNode *group = sf_config_node_member (root, "retries");
  if (group == NULL)
    return true;
  const char *where = sf_config_node_where (group);
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: retries: found a value, wanted a group; write retries = { max = 3; }",
                    where);
  g_autoptr (SfOptionValues) values = sf_option_values_new (retry_options);
  if (!sf_option_parse_config (values, group, NULL, error))
    return false;
  if (!sf_option_is_set (values, "max"))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: retries: found no max, wanted how many attempts may follow the first; "
                    "write max = 3",
                    where);
  rule->max = sf_option_int (values, "max");
  rule->delay_s = sf_option_int (values, "delay");
  rule->max_delay_s = sf_option_int (values, "max-delay");
  rule->factor = sf_option_float (values, "factor");
  const char *const *on = sf_option_list (values, "on");
  SfConfigNode *words = sf_config_node_member (group, "on");
  for (; *on != NULL; on++)
    if (!read_retry_state (rule, *on, sf_config_node_where (words), error))
      return false;
  for (size_t i = 0; words == NULL && i < G_N_ELEMENTS (retry_states); i++)
    rule->on |= 1u << retry_states[i].state;
  return rule->on != 0
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: on: found none, wanted failed, timeout, out_of_memory or lost",
                     sf_config_node_where (words));
}

/* ---- environment ---- */

/* A name that a shell takes, and not one of those that say what job and attempt this is. */
static bool
check_variable (SfConfigNode *node, GError **error)
{
  static const char *const ours[] = { "SF_JOB_", "SF_ATTEMPT_", "SF_ARRAY_", "SF_MATRIX_" };
  const char *name = sf_config_node_name (node);
  const char *where = sf_config_node_where (node);
  for (size_t i = 0; i < G_N_ELEMENTS (ours); i++)
    if (g_str_has_prefix (name, ours[i]))
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: environment: found %s, wanted a name that does not begin with %s, which "
                      "the queue sets itself",
                      where, name, ours[i]);
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '_')
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: environment: found %s, wanted a name of letters, digits and '_'", where,
                      name);
  return true;
}

static bool
read_environment (SfJobFile *file, SfConfigNode *root, GError **error)
{
  SfConfigNode *group = sf_config_node_member (root, "environment");
  if (group == NULL)
    return true;
  size_t n = sf_config_node_count (group);
  if (sf_config_node_type (group) != SF_CONFIG_GROUP || n > MAX_VARIABLES)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: environment: found %s, wanted a group of at most %d; write environment = "
                    "{ NAME = \"value\"; }",
                    sf_config_node_where (group), n > MAX_VARIABLES ? "more" : "a value",
                    MAX_VARIABLES);
  for (size_t i = 0; i < n; i++)
    {
      SfConfigNode *node = sf_config_node_at (group, i);
      g_autofree char *value = NULL;
      if (!check_variable (node, error) || (value = sf_config_node_text (node, error)) == NULL)
        return false;
      file->environment = g_environ_setenv (file->environment, sf_config_node_name (node), value,
                                            TRUE);
    }
  return true;
}

bool
sf_job_read_rules (SfJobFile *file, SfConfigNode *root, GError **error)
{
  SfConfigNode *notify = sf_config_node_member (root, "notify");
  if (notify != NULL)
    file->notify = sf_job_read_argv (notify, "notify", error);
  return (notify == NULL || file->notify != NULL) && read_links (file, root, error)
         && read_retries (file, root, error) && read_environment (file, root, error);
}
