/* SPDX-License-Identifier: Apache-2.0 */
/* Import: which frontend reads a model file, and what the caller adds. */
#include "core/compile/additions.h"

#include <sf/compile.h>
#include <sf/file.h>
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>

#define MAX_MODEL_BYTES (UINT64_C (4) << 30)

static bool
has_suffix (const char *path, const char *suffixes)
{
  g_auto (GStrv) list = g_strsplit (suffixes != NULL ? suffixes : "", " ", -1);
  for (char **suffix = list; *suffix != NULL; suffix++)
    if (**suffix != '\0' && g_str_has_suffix (path, *suffix))
      return true;
  return false;
}

static int
confidence (const SfFrontendOps *ops, const SfSource *source)
{
  int by_suffix = has_suffix (source->path, ops->suffixes) ? 10 : 0;
  return ops->probe == NULL ? by_suffix : MAX (ops->probe (source), by_suffix);
}

/* The frontend that is surest; of equals the first by name. */
static const SfFrontendOps *
choose (const SfSource *source, GError **error)
{
  g_autoptr (GPtrArray) list = sf_plugins_list_kind (SF_PLUGIN_FRONTEND);
  g_autoptr (GString) known = g_string_new (NULL);
  const SfFrontendOps *best = NULL;
  int sure = 0;
  for (guint i = 0; i < list->len; i++)
    {
      const SfPluginEntry *entry = list->pdata[i];
      if (entry->plugin == NULL)
        continue;
      g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", entry->name);
      int now = confidence (entry->plugin->ops.frontend, source);
      if (now > sure)
        {
          sure = now;
          best = entry->plugin->ops.frontend;
        }
    }
  if (best == NULL)
    sf_fail (error, SF_ERROR_UNSUPPORTED,
             "%s: found no frontend that claims it, wanted one of: %s; name one with --frontend",
             source->path, known->len > 0 ? known->str : "none is installed");
  return best;
}

static const SfFrontendOps *
frontend_of (const SfSource *source, const char *name, GError **error)
{
  if (name == NULL)
    return choose (source, error);
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, name, error);
  return plugin != NULL ? plugin->ops.frontend : NULL;
}

SfModule *
sf_import (const char *path, const SfImportOptions *given, GError **error)
{
  static const char *const none[] = { NULL };
  SfFileMap map;
  if (!sf_file_map (path, MAX_MODEL_BYTES, &map, error))
    return NULL;
  SfSource source = { .path = path, .data = map.data, .n_bytes = map.n_bytes };
  SfImportOptions options = given != NULL ? *given : (SfImportOptions){ 0 };
  options.args = options.args != NULL ? options.args : none;
  options.dims = options.dims != NULL ? options.dims : none;
  g_autofree char *base = g_path_get_basename (path);
  g_autoptr (SfModule) module = sf_module_new (base);
  const SfFrontendOps *ops = frontend_of (&source, options.frontend, error);
  g_autoptr (SfGraph) graph = ops != NULL ? ops->import (&source, &options, module, error) : NULL;
  sf_file_unmap (&map);
  if (graph == NULL || !sf_import_add (module, &graph, &options, error))
    return NULL;
  sf_module_set_graph (module, "forward", graph);
  return g_steal_pointer (&module);
}

bool
sf_import_args (const char *path, const char *frontend, GArray *args, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_MODEL_BYTES, &map, error))
    return false;
  SfSource source = { .path = path, .data = map.data, .n_bytes = map.n_bytes };
  const SfFrontendOps *ops = frontend_of (&source, frontend, error);
  bool ok = ops != NULL && (ops->list_args == NULL || ops->list_args (&source, args, error));
  sf_file_unmap (&map);
  return ok;
}
