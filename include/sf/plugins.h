/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and loading plugins, for users of the library. */
#ifndef SF_PLUGINS_H
#define SF_PLUGINS_H

#include <sf/plugin/plugin.h>

SF_BEGIN_DECLS

SF_API const char *sf_plugin_kind_name (SfPluginKind kind); /* "frontend" ... */
SF_API bool sf_plugin_kind_parse (const char *name, SfPluginKind *out, GError **error);

/* Folders searched before $SF_PLUGIN_PATH and the installed folder, separated by ':'. Process-wide, meant for main(). */
SF_API void sf_plugins_set_path (const char *path);
/* The effective search order. NULL-terminated; g_strfreev. */
SF_API char **sf_plugins_search_path (void);

/* Opens exactly the file of (kind, name), checks it and returns its constant table, valid until exit; the same pointer each time. Not found lists what exists; a
 * broken or foreign file names file, found, wanted, what to do (INCOMPATIBLE, INVALID_DATA). Thread-safe. */
SF_API const SfPlugin *sf_plugins_load (SfPluginKind kind, const char *name, GError **error);

typedef struct
{
  SfPluginKind kind;
  char *name;
  char *path;
  bool shadowed;          /* a folder earlier in the search order has the same file name */
  const SfPlugin *plugin; /* NULL when `error` is set, or shadowed */
  GError *error;
} SfPluginEntry;

/* Every plugin file on the search path, sorted by kind, name and search order; those that load are loaded. Elements are SfPluginEntry; owned: g_ptr_array_unref. */
SF_API GPtrArray *sf_plugins_list (void);
/* The same of one kind; files of other kinds are not opened. */
SF_API GPtrArray *sf_plugins_list_kind (SfPluginKind kind);

SF_END_DECLS
#endif
