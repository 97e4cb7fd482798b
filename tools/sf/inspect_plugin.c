/* SPDX-License-Identifier: Apache-2.0 */
/* The row of `sf inspect` that shows plugins: name, kind:name, or a file. */
#include <stdio.h>
#include <string.h>

#include "tools/sf/inspect.h"
#include "tools/sf/plugininfo.h"

/* The first file of that plugin on the search path; NULL when there is none. Owned. */
static char *
find_file (SfPluginKind kind, const char *name)
{
  g_auto (GStrv) folders = sf_plugins_search_path ();
  g_autofree char *base_name = g_strdup_printf ("sf-%s-%s.so", sf_plugin_kind_name (kind), name);
  for (char **folder = folders; *folder != NULL; folder++)
    {
      g_autofree char *path = g_build_filename (*folder, base_name, NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }
  return NULL;
}

static bool
is_file_name (const char *subject)
{
  return g_str_has_suffix (subject, ".so");
}

static bool
claims_plugin (const char *subject)
{
  if (is_file_name (subject))
    return true;
  if (strchr (subject, '/') != NULL)
    return false;
  if (strchr (subject, ':') != NULL)
    return true;
  for (SfPluginKind kind = SF_PLUGIN_FRONTEND; kind <= SF_PLUGIN_EXECUTOR; kind++)
    {
      g_autofree char *path = find_file (kind, subject);
      if (path != NULL)
        return true;
    }
  return false;
}

/* Kind and name from "dir/sf-pass-fold.so", whose folder becomes the first of the search path. */
static bool
parse_file (const char *subject, SfPluginKind *kind, char **name, GError **error)
{
  g_autofree char *base_name = g_path_get_basename (subject);
  g_autofree char *folder = g_path_get_dirname (subject);
  for (*kind = SF_PLUGIN_FRONTEND; *kind <= SF_PLUGIN_EXECUTOR; ++*kind)
    {
      g_autofree char *prefix = g_strdup_printf ("sf-%s-", sf_plugin_kind_name (*kind));
      if (!g_str_has_prefix (base_name, prefix))
        continue;
      size_t n = strlen (prefix);
      *name = g_strndup (base_name + n, strlen (base_name) - n - strlen (".so"));
      sf_plugins_set_path (folder);
      return true;
    }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: not the file name of a plugin, wanted sf-<kind>-<name>.so; rename it",
                  subject);
}

/* Kind and name from a bare name that must be of one kind only. */
static bool
parse_name (const char *subject, SfPluginKind *kind, char **name, GError **error)
{
  g_autoptr (GString) found = g_string_new (NULL);
  int n = 0;
  for (SfPluginKind k = SF_PLUGIN_FRONTEND; k <= SF_PLUGIN_EXECUTOR; k++)
    {
      g_autofree char *path = find_file (k, subject);
      if (path == NULL)
        continue;
      g_string_append_printf (found, "%s%s:%s", n > 0 ? ", " : "", sf_plugin_kind_name (k),
                              subject);
      *kind = k;
      n++;
    }
  if (n != 1)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: %d plugins of that name, wanted one; say which of %s", subject, n,
                    found->str);
  *name = g_strdup (subject);
  return true;
}

static bool
parse_subject (const char *subject, SfPluginKind *kind, char **name, GError **error)
{
  if (is_file_name (subject))
    return parse_file (subject, kind, name, error);
  const char *colon = strchr (subject, ':');
  if (colon == NULL)
    return parse_name (subject, kind, name, error);
  g_autofree char *kind_name = g_strndup (subject, (size_t) (colon - subject));
  *name = g_strdup (colon + 1);
  return sf_plugin_kind_parse (kind_name, kind, error);
}

static bool
show_plugin (const char *subject, bool json, GError **error)
{
  SfPluginKind kind;
  g_autofree char *name = NULL;
  if (!parse_subject (subject, &kind, &name, error))
    return false;
  const SfPlugin *plugin = sf_plugins_load (kind, name, error);
  if (plugin == NULL)
    return false;
  g_autofree char *path = find_file (kind, name);
  if (!json)
    {
      sf_plugin_print (plugin, path);
      return true;
    }
  g_autoptr (json_t) object = sf_plugin_to_json (plugin, path);
  json_dumpf (object, stdout, JSON_INDENT (2));
  putchar ('\n');
  return true;
}

const SfInspector sf_inspect_plugin = {
  .what = "a plugin (name, kind:name or file)",
  .claims = claims_plugin,
  .show = show_plugin,
};
