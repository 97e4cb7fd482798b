/* SPDX-License-Identifier: Apache-2.0 */
/* Reading job files. */
#include "queue/jobfile.h"

#include <string.h>
#include <unistd.h>

#include <sf/file.h>

enum
{
  MAX_BYTES = 1 << 20,
  MAX_STEPS = 1000,
  MAX_NAME_CHARS = 200,
};

static const SfOption resource_options[] = {
  { .name = "tiles", .type = SF_OPTION_INT, .min = 1, .max = 65536, .help = "emulated RDU tiles" },
  { .name = "cores", .type = SF_OPTION_INT, .min = 1, .max = 65536, .help = "cores" },
  { .name = "memory", .type = SF_OPTION_BYTES, .help = "memory of all processes together" },
  { .name = "time-limit", .type = SF_OPTION_SECONDS, .help = "time of all steps together" },
  { .name = NULL },
};

static void
step_free (void *data)
{
  SfJobStep *step = data;
  g_free (step->verb);
  g_free (step->where);
  sf_option_values_free (step->values);
  g_strfreev (step->argv);
  g_free (step);
}

void
sf_job_file_free (SfJobFile *file)
{
  if (file == NULL)
    return;
  g_free (file->name);
  g_free (file->path);
  g_free (file->folder);
  g_free (file->text);
  g_free (file->model);
  g_free (file->data);
  g_ptr_array_unref (file->steps);
  g_free (file);
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

static bool
read_command (SfJobStep *step, SfConfigNode *group, GError **error)
{
  SfConfigNode *argv = sf_config_node_member (group, "argv");
  size_t n = argv != NULL && sf_config_node_type (argv) == SF_CONFIG_LIST
                 ? sf_config_node_count (argv)
                 : 0;
  if (n == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: argv: found %s, wanted the program and its arguments; write argv = [ "
                    "\"sh\", \"-c\", \"...\" ]",
                    argv != NULL ? sf_config_node_where (argv) : step->where,
                    argv == NULL ? "nothing" : "no list of strings");
  step->argv = g_new0 (char *, n + 1);
  for (size_t i = 0; i < n; i++)
    {
      const char *word = NULL;
      if (!sf_config_node_string (sf_config_node_at (argv, i), &word, error))
        return false;
      step->argv[i] = g_strdup (word);
    }
  if (step->argv[0][0] == '\0')
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: argv: found \"\", wanted a program",
                    sf_config_node_where (argv));
  return sf_config_check_keys (group, false, error);
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
  step->verb = g_strdup (verb);
  step->where = g_strdup (sf_config_node_where (group));
  step->table = table;
  if (is_command)
    return read_command (step, group, error);
  step->values = sf_option_values_new (table);
  return read_verb_step (file, step, group, error);
}

static bool
read_steps (SfJobFile *file, SfConfig *config, const SfStepVerb *verbs, size_t n, GError **error)
{
  SfConfigNode *steps = sf_config_node_member (sf_config_root (config), "steps");
  size_t count = steps != NULL && sf_config_node_type (steps) == SF_CONFIG_LIST
                     ? sf_config_node_count (steps)
                     : 0;
  if (count == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: steps: found none, wanted at least one; write steps = ( { do = "
                    "\"compile\"; }, { do = \"test\"; } )",
                    steps != NULL ? sf_config_node_where (steps) : sf_config_path (config));
  if (count > MAX_STEPS)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: steps: found %zu, wanted at most %d",
                    sf_config_node_where (steps), count, MAX_STEPS);
  for (size_t i = 0; i < count; i++)
    if (!read_step (file, sf_config_node_at (steps, i), verbs, n, error))
      return false;
  return true;
}

/* ---- the rest ---- */

static bool
read_resources (SfJobFile *file, SfConfigNode *root, GError **error)
{
  g_autoptr (SfOptionValues) values = sf_option_values_new (resource_options);
  SfConfigNode *group = sf_config_node_member (root, "resources");
  if (group == NULL)
    return true;
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: resources: found a value, wanted a group { }",
                    sf_config_node_where (group));
  if (!sf_option_parse_config (values, group, NULL, error))
    return false;
  file->tiles = sf_option_int (values, "tiles");
  file->cores = sf_option_int (values, "cores");
  file->memory_bytes = sf_option_int (values, "memory");
  file->time_limit_s = sf_option_int (values, "time-limit");
  return true;
}

/* A path of the job, absolute; it must be there, or the job would fail much later. */
static bool
read_path (SfJobFile *file, SfConfigNode *root, const char *key, char **out, GError **error)
{
  const char *path = NULL;
  if (!sf_config_get_string (root, key, false, &path, error))
    return false;
  if (path == NULL)
    return true;
  *out = g_canonicalize_filename (path, file->folder);
  if (access (*out, R_OK) != 0)
    return sf_fail (
        error, SF_ERROR_NOT_FOUND, "%s: %s: %s cannot be read; paths are relative to %s",
        sf_config_node_where (sf_config_node_member (root, key)), key, *out, file->folder);
  return true;
}

static bool
read_name (SfJobFile *file, SfConfigNode *root, GError **error)
{
  const char *name = NULL;
  if (!sf_config_get_string (root, "name", true, &name, error))
    return false;
  if (name[0] == '\0' || g_utf8_strlen (name, -1) > MAX_NAME_CHARS)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: name: found %s, wanted 1 to %d characters",
                    sf_config_node_where (sf_config_node_member (root, "name")),
                    name[0] == '\0' ? "none" : "more", MAX_NAME_CHARS);
  file->name = g_strdup (name);
  return true;
}

SfJobFile *
sf_job_file_parse (const char *text, size_t n_bytes, const char *path, const SfStepVerb *verbs,
                   size_t n, GError **error)
{
  g_autoptr (SfJobFile) file = g_new0 (SfJobFile, 1);
  file->steps = g_ptr_array_new_with_free_func (step_free);
  file->path = g_canonicalize_filename (path, NULL);
  file->folder = g_path_get_dirname (file->path);
  file->text = g_strndup (text, n_bytes);
  if (!g_utf8_validate (text, (gssize) n_bytes, NULL) || !g_utf8_validate (file->path, -1, NULL))
    {
      sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found bytes that are not UTF-8, wanted UTF-8",
               path);
      return NULL;
    }
  g_autoptr (SfConfig) config = sf_config_parse (text, n_bytes, path, error);
  if (config == NULL)
    return NULL;
  SfConfigNode *root = sf_config_root (config);
  if (!read_name (file, root, error) || !read_path (file, root, "model", &file->model, error)
      || !read_path (file, root, "data", &file->data, error)
      || !read_steps (file, config, verbs, n, error) || !read_resources (file, root, error)
      || !sf_config_check_keys (root, false, error))
    return NULL;
  return g_steal_pointer (&file);
}

SfJobFile *
sf_job_file_read (const char *path, const SfStepVerb *verbs, size_t n, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  SfJobFile *file = sf_job_file_parse (map.data != NULL ? (const char *) map.data : "", map.n_bytes,
                                       path, verbs, n, error);
  sf_file_unmap (&map);
  return file;
}
