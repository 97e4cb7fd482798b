/* SPDX-License-Identifier: Apache-2.0 */
/* Opening one plugin file. */
#ifndef CORE_PLUGIN_LOAD_H
#define CORE_PLUGIN_LOAD_H

#include <sf/plugin/plugin.h>

/* Opens and checks the file `path` as plugin (kind, name); the same pointer each time a path is
 * asked for. Never closed. Thread-safe. */
const SfPlugin *sf_plugin_load_file (const char *path, SfPluginKind kind, const char *name,
                                     GError **error);

#endif
