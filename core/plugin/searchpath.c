/* SPDX-License-Identifier: Apache-2.0 */
/* The search order: what the tool was told, then $SF_PLUGIN_PATH, then the installed folder. */
#include <sf/plugins.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Not a GMutex: ThreadSanitizer does not see through those. */
static pthread_mutex_t path_lock = PTHREAD_MUTEX_INITIALIZER;
static char *told_path; /* as given to sf_plugins_set_path, each folder absolute */

static char *
absolute (const char *folder)
{
  g_autofree char *canonical = g_canonicalize_filename (folder, NULL);
  char *real = realpath (canonical, NULL);
  if (real == NULL)
    return g_steal_pointer (&canonical);
  char *owned = g_strdup (real);
  free (real);
  return owned;
}

/* Appends the folders of `path` that are not in `folders` yet. */
static void
append_path (GPtrArray *folders, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path != NULL ? path : "", ":", -1);
  for (char **part = parts; *part != NULL; part++)
    {
      if ((*part)[0] == '\0')
        continue;
      char *folder = absolute (*part);
      if (g_ptr_array_find_with_equal_func (folders, folder, g_str_equal, NULL))
        g_free (folder);
      else
        g_ptr_array_add (folders, folder);
    }
}

void
sf_plugins_set_path (const char *path)
{
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_free);
  append_path (folders, path);
  g_ptr_array_add (folders, NULL);
  char *joined = g_strjoinv (":", (char **) folders->pdata);
  pthread_mutex_lock (&path_lock);
  g_free (told_path);
  told_path = joined;
  pthread_mutex_unlock (&path_lock);
}

char **
sf_plugins_search_path (void)
{
  GPtrArray *folders = g_ptr_array_new ();
  pthread_mutex_lock (&path_lock);
  append_path (folders, told_path);
  pthread_mutex_unlock (&path_lock);
  append_path (folders, g_getenv ("SF_PLUGIN_PATH"));
  append_path (folders, SF_INSTALLED_PLUGIN_DIR);
  g_ptr_array_add (folders, NULL);
  return (char **) g_ptr_array_free (folders, FALSE);
}
