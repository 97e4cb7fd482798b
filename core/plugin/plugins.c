/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins by name: the first file on the search path, or what there is instead; and the list of
 * all. */
#include <sf/plugins.h>

#include <string.h>

#include "core/plugin/kind.h"
#include "core/plugin/load.h"

static void
entry_free (gpointer data)
{
  SfPluginEntry *entry = data;
  g_free (entry->name);
  g_free (entry->path);
  g_clear_error (&entry->error);
  g_free (entry);
}

/* Appends the plugin files of a folder; what cannot be read as a folder has none. */
static void
scan_folder (const char *folder, GPtrArray *entries)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *base_name;
  while (dir != NULL && (base_name = g_dir_read_name (dir)) != NULL)
    {
      SfPluginKind kind;
      char *name;
      if (!sf_plugin_parse_file_name (base_name, &kind, &name))
        continue;
      SfPluginEntry *entry = g_new0 (SfPluginEntry, 1);
      entry->kind = kind;
      entry->name = name;
      entry->path = g_build_filename (folder, base_name, NULL);
      g_ptr_array_add (entries, entry);
    }
}

static int
compare_identity (const SfPluginEntry *a, const SfPluginEntry *b)
{
  return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp (a->name, b->name);
}

/* For g_ptr_array_sort, a stable merge sort: equal identities keep the search order. */
static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return compare_identity (*(SfPluginEntry *const *) a, *(SfPluginEntry *const *) b);
}

/* Every plugin file in search order, sorted, shadowed ones marked; nothing opened. */
static GPtrArray *
find_all (void)
{
  g_auto (GStrv) folders = sf_plugins_search_path ();
  GPtrArray *entries = g_ptr_array_new_with_free_func (entry_free);
  for (char **folder = folders; *folder != NULL; folder++)
    scan_folder (*folder, entries);
  g_ptr_array_sort (entries, compare_entries);
  for (guint i = 1; i < entries->len; i++)
    {
      SfPluginEntry *entry = g_ptr_array_index (entries, i);
      entry->shadowed = compare_identity (g_ptr_array_index (entries, i - 1), entry) == 0;
    }
  return entries;
}

/* "/a, /b (no such folder)" */
static char *
describe_search_path (void)
{
  g_auto (GStrv) folders = sf_plugins_search_path ();
  GString *text = g_string_new (NULL);
  for (char **folder = folders; *folder != NULL; folder++)
    g_string_append_printf (text, "%s%s%s", text->len > 0 ? ", " : "", *folder,
                            g_file_test (*folder, G_FILE_TEST_IS_DIR) ? "" : " (no such folder)");
  return g_string_free (text, FALSE);
}

static bool
fail_not_found (SfPluginKind kind, const char *name, GError **error)
{
  g_autoptr (GPtrArray) entries = find_all ();
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = 0; i < entries->len; i++)
    {
      const SfPluginEntry *entry = g_ptr_array_index (entries, i);
      if (entry->kind == kind && !entry->shadowed)
        g_ptr_array_add (names, entry->name);
    }
  const char *nearest = sf_nearest_word (name, (const char *const *) names->pdata, names->len);
  g_ptr_array_add (names, NULL);
  g_autofree char *there = g_strjoinv (", ", (char **) names->pdata);
  g_autofree char *path = describe_search_path ();
  g_autofree char *file = sf_plugin_file_name (kind, name);
  g_autofree char *advice = nearest != NULL ? g_strdup_printf ("did you mean %s? ", nearest)
                                            : g_strdup ("");
  if (names->len == 1)
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "%s %s: not found, wanted %s in %s; no %s exists there: set --plugin-path or "
                    "SF_PLUGIN_PATH",
                    sf_plugin_kind_name (kind), name, file, path, sf_plugin_kind_name (kind));
  return sf_fail (error, SF_ERROR_NOT_FOUND, "%s %s: not found, wanted %s in %s; %sthere is: %s",
                  sf_plugin_kind_name (kind), name, file, path, advice, there);
}

/* The first file of that name, however broken; a dangling link counts, so that it hides nothing
 * behind it. */
static char *
find_first (SfPluginKind kind, const char *name)
{
  g_auto (GStrv) folders = sf_plugins_search_path ();
  g_autofree char *base_name = sf_plugin_file_name (kind, name);
  for (char **folder = folders; *folder != NULL; folder++)
    {
      g_autofree char *path = g_build_filename (*folder, base_name, NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS) || g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        return g_steal_pointer (&path);
    }
  return NULL;
}

static bool
check_name (SfPluginKind kind, const char *name, GError **error)
{
  if (sf_plugin_kind_info ((uint32_t) kind) == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "plugin kind %d: unknown, wanted an SfPluginKind; correct the call",
                    (int) kind);
  if (!sf_plugin_name_is_valid (name))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s '%s': not a plugin name, wanted up to 64 of a-z, 0-9, '_' and '-', a "
                    "letter first; correct it",
                    sf_plugin_kind_name (kind), name);
  return true;
}

const SfPlugin *
sf_plugins_load (SfPluginKind kind, const char *name, GError **error)
{
  if (!check_name (kind, name, error))
    return NULL;
  g_autofree char *path = find_first (kind, name);
  if (path == NULL)
    {
      fail_not_found (kind, name, error);
      return NULL;
    }
  return sf_plugin_load_file (path, kind, name, error);
}

static void
load_entry (SfPluginEntry *entry)
{
  if (!entry->shadowed && check_name (entry->kind, entry->name, &entry->error))
    entry->plugin = sf_plugin_load_file (entry->path, entry->kind, entry->name, &entry->error);
}

GPtrArray *
sf_plugins_list (void)
{
  GPtrArray *entries = find_all ();
  for (guint i = 0; i < entries->len; i++)
    load_entry (entries->pdata[i]);
  return entries;
}

GPtrArray *
sf_plugins_list_kind (SfPluginKind kind)
{
  GPtrArray *entries = find_all ();
  for (guint i = entries->len; i-- > 0;)
    if (((SfPluginEntry *) entries->pdata[i])->kind != kind)
      g_ptr_array_remove_index (entries, i);
  for (guint i = 0; i < entries->len; i++)
    load_entry (entries->pdata[i]);
  return entries;
}
