/* SPDX-License-Identifier: Apache-2.0 */
/* Reading sfd.cfg. */
#include "queue/capacity.h"

#include <string.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/options.h>

enum
{
  MAX_BYTES = 1 << 16,
  TILES = 4,
};

static const SfOption node_options[] = {
  { .name = "cores", .type = SF_OPTION_INT, .min = 1, .max = 65536, .help = "default: all" },
  { .name = "memory", .type = SF_OPTION_BYTES, .help = "default: all" },
  { .name = "tiles", .type = SF_OPTION_INT, .min = 0, .max = 65536, .help = "emulated RDU tiles" },
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

static bool
read_file (const char *path, SfOptionValues *values, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return false;
  g_autoptr (SfConfig) config = sf_config_parse (map.data != NULL ? (const char *) map.data : "",
                                                 map.n_bytes, path, error);
  sf_file_unmap (&map);
  return config != NULL && sf_option_parse_config (values, sf_config_root (config), NULL, error);
}

bool
sf_capacity_read (const char *folder, SfResources *out, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "sfd.cfg", NULL);
  g_autoptr (SfOptionValues) values = sf_option_values_new (node_options);
  if (access (path, F_OK) == 0 && !read_file (path, values, error))
    return false;
  *out = (SfResources){ .cores = (int64_t) g_get_num_processors (),
                        .memory_bytes = all_memory_bytes (),
                        .rdu_tiles = TILES };
  if (sf_option_is_set (values, "cores"))
    out->cores = sf_option_int (values, "cores");
  if (sf_option_is_set (values, "memory"))
    out->memory_bytes = sf_option_int (values, "memory");
  if (sf_option_is_set (values, "tiles"))
    out->rdu_tiles = sf_option_int (values, "tiles");
  return true;
}
