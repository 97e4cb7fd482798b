/* SPDX-License-Identifier: Apache-2.0 */
/* Reading sfd.cfg. */
#include "queue/settings.h"

#include <string.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/plugins.h>

enum
{
  MAX_BYTES = 1 << 16,
  TILES = 4,
};

static const SfOption node_options[] = {
  { .name = "cores", .type = SF_OPTION_INT, .min = 1, .max = 65536, .help = "default: all" },
  { .name = "memory", .type = SF_OPTION_BYTES, .help = "default: all" },
  { .name = "tiles", .type = SF_OPTION_INT, .min = 0, .max = 65536, .help = "emulated RDU tiles" },
  { .name = "executor",
    .type = SF_OPTION_STRING,
    .def = "local",
    .help = "of jobs that are submitted without one" },
  { .name = "elsewhere",
    .type = SF_OPTION_INT,
    .def = "1000",
    .min = 1,
    .max = 1000000,
    .help = "jobs that executors with a line of their own have at a time" },
  { .name = NULL },
};

/* Of the machine, as the kernel tells. */
static int64_t
all_memory_bytes (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    return 0;
  const char *line = strstr (text, "MemTotal:");
  return line != NULL ? g_ascii_strtoll (line + strlen ("MemTotal:"), NULL, 10) * 1024 : 0;
}

static SfConfig *
read_file (const char *path, SfOptionValues *values, GError **error)
{
  static const char *const also_known[] = { "executors", NULL };
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  g_autoptr (SfConfig) config = sf_config_parse (map.data != NULL ? (const char *) map.data : "",
                                                 map.n_bytes, path, error);
  sf_file_unmap (&map);
  if (config == NULL
      || !sf_option_parse_config (values, sf_config_root (config), also_known, error))
    return NULL;
  return g_steal_pointer (&config);
}

/* The group `executors`; NULL: there is none. */
static SfConfigNode *
executors (const SfSettings *self)
{
  return self->config != NULL ? sf_config_node_member (sf_config_root (self->config), "executors")
                              : NULL;
}

/* Each member is an executor that there is, with options that it has. */
static bool
check_executors (const SfSettings *self, GError **error)
{
  SfConfigNode *group = executors (self);
  if (group == NULL)
    return true;
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: executors: found a value, wanted a group { slurm = { ... }; }",
                    sf_config_node_where (group));
  for (size_t i = 0; i < sf_config_node_count (group); i++)
    {
      const char *name = sf_config_node_name (sf_config_node_at (group, i));
      const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_EXECUTOR, name, error);
      g_autoptr (SfOptionValues) values
          = plugin != NULL ? sf_settings_executor (self, name, plugin->options, error) : NULL;
      if (values == NULL)
        return false;
    }
  return true;
}

SfSettings *
sf_settings_read (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "sfd.cfg", NULL);
  g_autoptr (SfOptionValues) values = sf_option_values_new (node_options);
  g_autoptr (SfSettings) self = g_new0 (SfSettings, 1);
  if (access (path, F_OK) == 0)
    {
      self->config = read_file (path, values, error);
      if (self->config == NULL || !check_executors (self, error))
        return NULL;
    }
  self->capacity = (SfResources){ .cores = (int64_t) g_get_num_processors (),
                                  .memory_bytes = all_memory_bytes (),
                                  .rdu_tiles = TILES };
  if (sf_option_is_set (values, "cores"))
    self->capacity.cores = sf_option_int (values, "cores");
  if (sf_option_is_set (values, "memory"))
    self->capacity.memory_bytes = sf_option_int (values, "memory");
  if (sf_option_is_set (values, "tiles"))
    self->capacity.rdu_tiles = sf_option_int (values, "tiles");
  self->executor = g_strdup (sf_option_string (values, "executor"));
  self->elsewhere = sf_option_int (values, "elsewhere");
  return g_steal_pointer (&self);
}

void
sf_settings_free (SfSettings *self)
{
  if (self == NULL)
    return;
  g_free (self->executor);
  sf_config_free (self->config);
  g_free (self);
}

SfOptionValues *
sf_settings_executor (const SfSettings *self, const char *name, const SfOption *table,
                      GError **error)
{
  static const SfOption none = { .name = NULL };
  g_autoptr (SfOptionValues) values = sf_option_values_new (table != NULL ? table : &none);
  SfConfigNode *group = executors (self);
  SfConfigNode *options = group != NULL ? sf_config_node_member (group, name) : NULL;
  if (options == NULL)
    return g_steal_pointer (&values);
  if (sf_config_node_type (options) != SF_CONFIG_GROUP)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found a value, wanted a group { } of options",
               sf_config_node_where (options), name);
      return NULL;
    }
  return sf_option_parse_config (values, options, NULL, error) ? g_steal_pointer (&values) : NULL;
}
