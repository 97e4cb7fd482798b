/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins as text and JSON, for the verbs `plugins` and `inspect`. */
#ifndef TOOLS_SF_PLUGININFO_H
#define TOOLS_SF_PLUGININFO_H

#include <sf/json.h>
#include <sf/plugins.h>

/* Owned: json_decref. */
json_t *sf_plugin_to_json (const SfPlugin *plugin, const char *path);
/* The sheet that `sf inspect` prints. */
void sf_plugin_print (const SfPlugin *plugin, const char *path);
/* Type in words: "int", "choice" ... */
const char *sf_option_type_name (SfOptionType type);

#endif
