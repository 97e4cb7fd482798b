/* SPDX-License-Identifier: Apache-2.0 */
/* Opening one plugin file: the only caller of dlopen. */
#include "core/plugin/load.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "core/plugin/check.h"
#include "core/plugin/elf.h"

/* Not a GMutex: ThreadSanitizer does not see through those. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *loaded; /* path -> SfPlugin; plugins stay until the process ends */

/* The symbol sf_plugin of an opened object, and how many bytes of data it has. */
static const SfPlugin *
find_symbol (void *object, const char *path, size_t *n_bytes, GError **error)
{
  void *symbol = dlsym (object, "sf_plugin");
  Dl_info info;
  const ElfW (Sym) *entry = NULL;
  if (symbol == NULL || dladdr1 (symbol, &info, (void **) &entry, RTLD_DL_SYMENT) == 0
      || entry == NULL)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: no symbol sf_plugin, wanted a constant SfPlugin of that name; define and "
               "export it",
               path);
      return NULL;
    }
  *n_bytes = ELF64_ST_TYPE (entry->st_info) == STT_OBJECT ? entry->st_size : 0;
  return symbol;
}

/* Why RTLD_NOW failed: a foreign ABI explains a missing symbol, so the head is looked at first. */
static bool
explain_failure (const char *path, const char *reason, GError **error)
{
  void *object = dlopen (path, RTLD_LAZY | RTLD_LOCAL);
  if (object != NULL)
    {
      size_t n_bytes;
      const SfPlugin *plugin = find_symbol (object, path, &n_bytes, error);
      if (plugin == NULL || !sf_plugin_check_head (plugin, n_bytes, path, error))
        return false;
    }
  const char *detail = reason;
  g_autofree char *prefix = g_strdup_printf ("%s: ", path);
  if (g_str_has_prefix (detail, prefix))
    detail += strlen (prefix);
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: %s, wanted an object whose symbols are all defined; link it with "
                  "-Wl,-z,defs to see what is missing",
                  path, detail);
}

static const SfPlugin *
open_file (const char *path, SfPluginKind kind, const char *name, GError **error)
{
  if (!sf_elf_check (path, error))
    return NULL;
  void *object = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (object == NULL)
    {
      g_autofree char *reason = g_strdup (dlerror ());
      explain_failure (path, reason, error);
      return NULL;
    }
  size_t n_bytes;
  const SfPlugin *plugin = find_symbol (object, path, &n_bytes, error);
  if (plugin == NULL || !sf_plugin_check_head (plugin, n_bytes, path, error)
      || !sf_plugin_check_body (plugin, kind, name, path, error))
    return NULL;
  return plugin;
}

const SfPlugin *
sf_plugin_load_file (const char *path, SfPluginKind kind, const char *name, GError **error)
{
  pthread_mutex_lock (&load_lock);
  if (loaded == NULL)
    loaded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const SfPlugin *plugin = g_hash_table_lookup (loaded, path);
  if (plugin == NULL)
    {
      plugin = open_file (path, kind, name, error);
      if (plugin != NULL)
        g_hash_table_insert (loaded, g_strdup (path), (gpointer) plugin);
    }
  pthread_mutex_unlock (&load_lock);
  return plugin;
}
