/* SPDX-License-Identifier: Apache-2.0 */
/* The checks that stand between an opened plugin and the first call of one of its functions. */
#ifndef CORE_PLUGIN_CHECK_H
#define CORE_PLUGIN_CHECK_H

#include "core/plugin/kind.h"

/* Magic, ABI and size: of a symbol of `symbol_bytes` at `plugin` in the file `path`. Reads no more
 * than the head. */
bool sf_plugin_check_head (const SfPlugin *plugin, size_t symbol_bytes, const char *path,
                           GError **error);
/* All that the head leaves: identity against the file name, texts, options, the ops table and its
 * functions. */
bool sf_plugin_check_body (const SfPlugin *plugin, SfPluginKind kind, const char *name,
                           const char *path, GError **error);

#endif
