/* SPDX-License-Identifier: Apache-2.0 */
/* What the host knows of each plugin kind: its name, the size of its table of functions, which of
 * them must be there. */
#ifndef CORE_PLUGIN_KIND_H
#define CORE_PLUGIN_KIND_H

#include <sf/plugin/plugin.h>

/* A function of an ops table. */
typedef struct
{
  const char *name;
  size_t offset;
  bool required;
} SfPluginSlot;

typedef struct
{
  SfPluginKind kind;
  const char *name;
  const char *ops_name; /* "SfPassOps" */
  size_t ops_bytes;
  const SfPluginSlot *slots; /* ends with name NULL */
} SfPluginKindInfo;

#define SF_PLUGIN_N_KINDS 6

/* NULL for a number that is no kind. */
const SfPluginKindInfo *sf_plugin_kind_info (uint32_t kind);

/* Splits the base name "sf-<kind>-<name>.so"; false when it has another form. *name is owned by the
 * caller. */
bool sf_plugin_parse_file_name (const char *base_name, SfPluginKind *kind, char **name);
/* "sf-pass-fold.so"; owned by the caller. */
char *sf_plugin_file_name (SfPluginKind kind, const char *name);
/* Lower-case letters, digits, '_' and '-', at most 64, a letter first. */
bool sf_plugin_name_is_valid (const char *name);

#endif
