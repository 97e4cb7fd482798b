/* SPDX-License-Identifier: Apache-2.0 */
/* The checks that stand between an opened plugin and the first call of one of its functions. */
#include "core/plugin/check.h"

#include <string.h>

#include <sf/plugin/optimizer.h>
#include <sf/plugins.h>

#define HEAD_BYTES          16
#define MAX_OPTIONS         256
#define REBUILD             "rebuild it with the headers of Spatialflow " PACKAGE_VERSION
#define OPTION_NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

bool
sf_plugin_check_head (const SfPlugin *plugin, size_t symbol_bytes, const char *path, GError **error)
{
  if (symbol_bytes < HEAD_BYTES)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: sf_plugin has %zu bytes, wanted %zu; define it as a constant SfPlugin",
                    path, symbol_bytes, sizeof (SfPlugin));
  if (plugin->magic != SF_PLUGIN_MAGIC)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: magic 0x%08x, wanted 0x%08x; define sf_plugin with SF_PLUGIN_HEAD", path,
                    plugin->magic, SF_PLUGIN_MAGIC);
  if (plugin->abi_major != SF_PLUGIN_ABI_MAJOR || plugin->abi_minor != SF_PLUGIN_ABI_MINOR)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE, "%s: plugin ABI %u.%u, wanted %d.%d; " REBUILD,
                    path, plugin->abi_major, plugin->abi_minor, SF_PLUGIN_ABI_MAJOR,
                    SF_PLUGIN_ABI_MINOR);
  if (plugin->size != sizeof (SfPlugin) || symbol_bytes < sizeof (SfPlugin))
    return sf_fail (error, SF_ERROR_INCOMPATIBLE, "%s: SfPlugin of %zu bytes, wanted %zu; " REBUILD,
                    path, MIN ((size_t) plugin->size, symbol_bytes), sizeof (SfPlugin));
  return true;
}

static bool
check_identity (const SfPlugin *plugin, SfPluginKind kind, const char *name, const char *path,
                GError **error)
{
  if (plugin->kind != (uint32_t) kind)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: kind %s (%u), wanted %s as in the file name; correct the kind in "
                    "SF_PLUGIN_HEAD or rename the file",
                    path, sf_plugin_kind_name (plugin->kind), plugin->kind,
                    sf_plugin_kind_name (kind));
  if (plugin->name == NULL || strcmp (plugin->name, name) != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: name %s, wanted %s as in the file name; correct the name in "
                    "SF_PLUGIN_HEAD or rename the file",
                    path, plugin->name != NULL ? plugin->name : "NULL", name);
  if (plugin->version == NULL || plugin->version[0] == '\0')
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: no version, wanted text such as \"1.0\"; set it in SF_PLUGIN_HEAD", path);
  if (plugin->summary == NULL || plugin->summary[0] == '\0'
      || strchr (plugin->summary, '\n') != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %s summary, wanted one line; set it in SF_PLUGIN_HEAD", path,
                    plugin->summary == NULL || plugin->summary[0] == '\0' ? "no" : "a longer");
  return true;
}

/* Derived scalars come with the function that computes them. */
static bool
check_derived (const SfPlugin *plugin, const char *path, GError **error)
{
  const SfOptimizerOps *ops = plugin->ops.optimizer;
  if (ops->derived != NULL && ops->derived[0] != NULL && ops->derive == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: SfOptimizerOps.derive is NULL, wanted a function that computes '%s'; set "
                    "it or leave derived NULL",
                    path, ops->derived[0]);
  return true;
}

static bool
check_ops (const SfPlugin *plugin, const char *path, GError **error)
{
  const SfPluginKindInfo *info = sf_plugin_kind_info (plugin->kind);
  if (plugin->ops.size == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: ops.%s is NULL, wanted the address of an %s; set it in sf_plugin", path,
                    info->name, info->ops_name);
  if (*plugin->ops.size != info->ops_bytes)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "%s: %s of %zu bytes, wanted %zu; set its first member to sizeof (%s) and " REBUILD, path,
        info->ops_name, *plugin->ops.size, info->ops_bytes, info->ops_name);
  for (const SfPluginSlot *slot = info->slots; slot->name != NULL; slot++)
    {
      void (*function) (void);
      memcpy (&function, (const char *) plugin->ops.size + slot->offset, sizeof function);
      if (slot->required && function == NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: %s.%s is NULL, wanted a function; every %s needs it", path,
                        info->ops_name, slot->name, info->name);
    }
  return plugin->kind != SF_PLUGIN_OPTIMIZER || check_derived (plugin, path, error);
}

/* What is wrong with a row, or NULL. */
static const char *
option_defect (const SfOption *option, const SfOption *table)
{
  if (option->name[0] == '\0' || !g_ascii_islower (option->name[0])
      || option->name[strspn (option->name, OPTION_NAME_LETTERS)] != '\0')
    return "a name of other letters, wanted a to z, 0 to 9 and '-'";
  for (const SfOption *other = table; other < option; other++)
    if (strcmp (other->name, option->name) == 0)
      return "named twice, wanted different names";
  if ((unsigned) option->type > SF_OPTION_SECONDS)
    return "an unknown type, wanted an SfOptionType";
  if (option->type == SF_OPTION_CHOICE && (option->choices == NULL || option->choices[0] == '\0'))
    return "no choices, wanted words separated by '|'";
  if (option->min > option->max)
    return "min above max, wanted a range";
  if (option->help == NULL || option->help[0] == '\0')
    return "no help, wanted one sentence";
  if ((option->flags & (SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED)) != 0)
    return "required or positional, wanted an option with a default";
  return NULL;
}

/* The default must be a value that the option itself accepts. */
static bool
check_default (const SfOption *option, const char *path, GError **error)
{
  if (option->def == NULL)
    return true;
  SfOption row[2] = { *option, { .name = NULL } };
  row[0].def = NULL;
  g_autoptr (SfOptionValues) values = sf_option_values_new (row);
  g_autofree char *where = g_strdup_printf ("%s: default of option '%s'", path, option->name);
  g_autoptr (GError) refusal = NULL;
  if (sf_option_set (values, option->name, option->def, where, &refusal))
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s", refusal->message);
}

static bool
check_options (const SfPlugin *plugin, const char *path, GError **error)
{
  if (plugin->option_size != sizeof (SfOption))
    return sf_fail (error, SF_ERROR_INCOMPATIBLE, "%s: SfOption of %u bytes, wanted %zu; " REBUILD,
                    path, plugin->option_size, sizeof (SfOption));
  if (plugin->reserved != 0)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE, "%s: reserved field %u, wanted 0; " REBUILD, path,
                    plugin->reserved);
  const SfOption *table = plugin->options;
  for (const SfOption *option = table; option != NULL && option->name != NULL; option++)
    {
      const char *defect = option_defect (option, table);
      if (option - table >= MAX_OPTIONS)
        defect = "more than 256 options, wanted a table that ends with name NULL";
      if (defect != NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: option '%s': %s; correct the plugin's option table", path,
                        option->name, defect);
      if (!check_default (option, path, error))
        return false;
    }
  return true;
}

bool
sf_plugin_check_body (const SfPlugin *plugin, SfPluginKind kind, const char *name, const char *path,
                      GError **error)
{
  return check_identity (plugin, kind, name, path, error) && check_options (plugin, path, error)
         && check_ops (plugin, path, error);
}
