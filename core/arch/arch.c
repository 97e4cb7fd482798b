/* SPDX-License-Identifier: Apache-2.0 */
/* SfArch: reading, checking and writing of machine descriptions; one table of keys serves both
 * forms. */
#include <sf/plugin/arch.h>

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <sf/config.h>
#include <sf/json.h>
#include <sf/paths.h>

#define MAX_MEMORY_LEVELS 8

struct SfArch
{
  SfArchInfo info;
  char *name;
  SfMemoryLevel levels[MAX_MEMORY_LEVELS]; /* names owned */
};

typedef struct
{
  const char *key;
  size_t offset; /* in SfArchInfo */
  int64_t min, max;
} Field;

#define FIELD(member, min, max)                     \
  {                                                 \
#member, offsetof(SfArchInfo, member), min, max \
  }

static const Field fields[] = {
  FIELD (clock_hz, 1000000, 100000000000),
  FIELD (rdu_tiles, 1, 64),
  FIELD (columns, 2, 256),
  FIELD (rows, 2, 256),
  FIELD (pcus_per_tile, 1, 32768),
  FIELD (pmus_per_tile, 1, 32768),
  FIELD (agcus_per_tile, 1, 512),
  FIELD (pcu_lanes, 1, 1024),
  FIELD (pcu_stages, 1, 256),
  FIELD (f32_slowdown, 1, 64),
  FIELD (pmu_bytes, 1024, (int64_t) 1 << 32),
  FIELD (pmu_banks, 1, 1024),
  FIELD (vector_bytes, 1, 65536),
  { "vector_channels", offsetof (SfArchInfo, channels[SF_NETWORK_VECTOR]), 1, 1024 },
  { "scalar_channels", offsetof (SfArchInfo, channels[SF_NETWORK_SCALAR]), 1, 1024 },
  { "control_channels", offsetof (SfArchInfo, channels[SF_NETWORK_CONTROL]), 1, 1024 },
  FIELD (config_load_ns, 0, 1000000000),
};

static int64_t *
field_at (SfArch *arch, const Field *field)
{
  return (int64_t *) (void *) ((char *) &arch->info + field->offset);
}

void
sf_arch_free (SfArch *arch)
{
  if (arch == NULL)
    return;
  for (size_t i = 0; i < MAX_MEMORY_LEVELS; i++)
    g_free ((char *) arch->levels[i].name);
  g_free (arch->name);
  g_free (arch);
}

SfArchInfo
sf_arch_info (const SfArch *arch)
{
  return arch->info;
}

SfMemoryLevel
sf_arch_memory_level (const SfArch *arch, size_t index)
{
  return arch->levels[index];
}

/* AGCUs fill column -1 from the top, then column `columns`. */
static bool
is_agcu (const SfArchInfo *info, int64_t x, int64_t y)
{
  int64_t left = MIN ((info->agcus_per_tile + 1) / 2, info->rows);
  return y < (x < 0 ? left : info->agcus_per_tile - left);
}

SfUnitKind
sf_arch_unit_at (const SfArch *arch, int64_t x, int64_t y)
{
  const SfArchInfo *info = &arch->info;
  if (y < 0 || y >= info->rows || x < -1 || x > info->columns)
    return SF_UNIT_NONE;
  if (x == -1 || x == info->columns)
    return is_agcu (info, x, y) ? SF_UNIT_AGCU : SF_UNIT_NONE;
  return (x + y) % 2 == 0 ? SF_UNIT_PCU : SF_UNIT_PMU;
}

/* ---- checks ---- */

static bool
check_field (const SfArch *arch, const Field *field, const char *where, GError **error)
{
  int64_t value = *field_at ((SfArch *) arch, field);
  if (value >= field->min && value <= field->max)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: %s is %" PRId64 ", wanted %" PRId64 " to %" PRId64
                  "; correct the machine description",
                  where, field->key, value, field->min, field->max);
}

static bool
check_grid (const SfArch *arch, const char *where, GError **error)
{
  const SfArchInfo *info = &arch->info;
  int64_t units = info->columns * info->rows, pcus = (units + 1) / 2;
  if (info->pcus_per_tile != pcus || info->pmus_per_tile != units - pcus)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: pcus_per_tile and pmus_per_tile are %" PRId64 " and %" PRId64
                    ", wanted %" PRId64 " and %" PRId64 ", the checkerboard of %" PRId64
                    " x %" PRId64 "; make grid and counts agree",
                    where, info->pcus_per_tile, info->pmus_per_tile, pcus, units - pcus,
                    info->columns, info->rows);
  if (info->agcus_per_tile > 2 * info->rows)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: agcus_per_tile is %" PRId64 ", wanted at most %" PRId64
                    ", two columns of AGCUs; lower it",
                    where, info->agcus_per_tile, 2 * info->rows);
  return true;
}

static bool
check_arch (const SfArch *arch, const char *where, GError **error)
{
  if (arch->name == NULL || arch->name[0] == '\0' || strlen (arch->name) > 63)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: name is empty or longer than 63 bytes; give the machine a short name",
                    where);
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!check_field (arch, &fields[i], where, error))
      return false;
  if (arch->info.n_memory_levels == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: memory is empty, wanted 1 to %d levels, fastest first; add one", where,
                    MAX_MEMORY_LEVELS);
  for (size_t i = 0; i < arch->info.n_memory_levels; i++)
    {
      const SfMemoryLevel *level = &arch->levels[i];
      if (level->bytes < 1 || level->bytes > (int64_t) 1 << 50 || level->bytes_per_s < 1
          || level->bytes_per_s > (int64_t) 1 << 50)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: memory level %zu (%s) has %" PRId64 " bytes at %" PRId64
                        " bytes/s, wanted 1 to 2^50 of each; correct the machine description",
                        where, i, level->name, level->bytes, level->bytes_per_s);
    }
  return check_grid (arch, where, error);
}

static void
set_name (SfArch *arch, const char *name)
{
  arch->name = g_strdup (name);
  arch->info.name = arch->name;
}

/* ---- libconfig form ---- */

static bool
read_level (SfConfigNode *node, SfMemoryLevel *level, GError **error)
{
  const char *name = NULL;
  if (!sf_config_get_string (node, "name", true, &name, error)
      || !sf_config_get_int (node, "bytes", true, &level->bytes, error)
      || !sf_config_get_int (node, "bytes_per_s", true, &level->bytes_per_s, error))
    return false;
  level->name = g_strdup (name);
  return true;
}

static bool
read_levels (SfArch *arch, SfConfigNode *list, const char *where, GError **error)
{
  size_t n = list != NULL && sf_config_node_type (list) == SF_CONFIG_LIST
                 ? sf_config_node_count (list)
                 : 0;
  if (n == 0 || n > MAX_MEMORY_LEVELS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: memory has %zu levels, wanted a list of 1 to %d groups, fastest first; "
                    "correct the machine description",
                    where, n, MAX_MEMORY_LEVELS);
  for (size_t i = 0; i < n; i++)
    {
      SfConfigNode *node = sf_config_node_at (list, i);
      if (sf_config_node_type (node) != SF_CONFIG_GROUP)
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "%s: memory level is no group, wanted { name, bytes, bytes_per_s }; correct it",
            sf_config_node_where (node));
      if (!read_level (node, &arch->levels[i], error))
        return false;
      arch->info.n_memory_levels = i + 1;
    }
  return true;
}

static bool
read_config (SfArch *arch, SfConfig *config, GError **error)
{
  SfConfigNode *root = sf_config_root (config);
  const char *name = NULL, *where = sf_config_path (config);
  if (!sf_config_get_string (root, "name", true, &name, error))
    return false;
  set_name (arch, name);
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!sf_config_get_int (root, fields[i].key, true, field_at (arch, &fields[i]), error))
      return false;
  return read_levels (arch, sf_config_node_member (root, "memory"), where, error)
         && sf_config_check_keys (root, true, error) && check_arch (arch, where, error);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names of the machines that come with Spatialflow, for the message. */
static char *
known_names (void)
{
  g_autofree char *folder = sf_data_path ("etc/arch");
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *file;
  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (file, ".cfg"))
      g_ptr_array_add (names, g_strndup (file, strlen (file) - 4));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (char **) names->pdata);
}

SfArch *
sf_arch_load (const char *name, GError **error)
{
  bool is_path = strchr (name, '/') != NULL || g_str_has_suffix (name, ".cfg");
  g_autofree char *relative = g_strdup_printf ("etc/arch/%s.cfg", name);
  g_autofree char *path = is_path ? g_strdup (name) : sf_data_path (relative);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_autofree char *known = known_names ();
      sf_fail (
          error, SF_ERROR_NOT_FOUND,
          "arch %s: %s does not exist, wanted a machine description; name one of %s, or the path of a file",
          name, path, known);
      return NULL;
    }
  g_autoptr (SfConfig) config = sf_config_read (path, error);
  if (config == NULL)
    return NULL;
  g_autoptr (SfArch) arch = g_new0 (SfArch, 1);
  return read_config (arch, config, error) ? g_steal_pointer (&arch) : NULL;
}

/* ---- JSON form ---- */

static bool
parse_levels (SfArch *arch, const json_t *list, GError **error)
{
  size_t n = json_array_size (list);
  if (n == 0 || n > MAX_MEMORY_LEVELS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "arch: memory has %zu levels, wanted 1 to %d; write the description anew", n,
                    MAX_MEMORY_LEVELS);
  for (size_t i = 0; i < n; i++)
    {
      const json_t *node = json_array_get (list, i);
      SfMemoryLevel *level = &arch->levels[i];
      const char *name = NULL;
      if (!sf_json_get_string (node, "name", &name, "arch memory", error)
          || !sf_json_get_int (node, "bytes", &level->bytes, "arch memory", error)
          || !sf_json_get_int (node, "bytes_per_s", &level->bytes_per_s, "arch memory", error))
        return false;
      level->name = g_strdup (name);
      arch->info.n_memory_levels = i + 1;
    }
  return true;
}

SfArch *
sf_arch_from_json (const char *text, size_t n_bytes, GError **error)
{
  g_autoptr (json_t) root = sf_json_parse (text, n_bytes, "arch", error);
  if (root == NULL)
    return NULL;
  g_autoptr (SfArch) arch = g_new0 (SfArch, 1);
  const char *name = NULL;
  if (!sf_json_get_string (root, "name", &name, "arch", error))
    return NULL;
  set_name (arch, name);
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!sf_json_get_int (root, fields[i].key, field_at (arch, &fields[i]), "arch", error))
      return NULL;
  if (!parse_levels (arch, json_object_get (root, "memory"), error)
      || !check_arch (arch, "arch", error))
    return NULL;
  return g_steal_pointer (&arch);
}

char *
sf_arch_to_json (const SfArch *arch)
{
  g_autoptr (json_t) root = json_object ();
  json_object_set_new (root, "name", json_string (arch->name));
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    json_object_set_new (root, fields[i].key,
                         json_integer (*field_at ((SfArch *) arch, &fields[i])));
  json_t *levels = json_array ();
  for (size_t i = 0; i < arch->info.n_memory_levels; i++)
    {
      json_t *level = json_object ();
      json_object_set_new (level, "name", json_string (arch->levels[i].name));
      json_object_set_new (level, "bytes", json_integer (arch->levels[i].bytes));
      json_object_set_new (level, "bytes_per_s", json_integer (arch->levels[i].bytes_per_s));
      json_array_append_new (levels, level);
    }
  json_object_set_new (root, "memory", levels);
  char *text = sf_json_text (root);
  char *owned = g_strdup (text);
  free (text);
  return owned;
}
