/* SPDX-License-Identifier: Apache-2.0 */
/* Generic checks of a loaded plugin: what holds for any of its kind, without a model or data. */
#ifndef TOOLS_SF_PLUGINCHECK_H
#define TOOLS_SF_PLUGINCHECK_H

#include <sf/plugins.h>

/* CHECK_FAILED names the file, what it did and what its kind promises. */
bool sf_plugin_check (const SfPlugin *plugin, const char *path, GError **error);

#endif
