/* SPDX-License-Identifier: Apache-2.0 */
/* SfArch: reading, checking and writing of machine descriptions; one table of keys serves both
 * forms. */
#include "core/arch/arch.h"

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
  GHashTable *ops;                         /* name (owned) -> SfOpCost (owned) */
};

static const char *const count_names[] = {
  [SF_COUNT_OUT] = "out",       [SF_COUNT_IN] = "in",     [SF_COUNT_MATRIX] = "matrix",
  [SF_COUNT_WINDOW] = "window", [SF_COUNT_SORT] = "sort",
};

typedef struct
{
  const char *key;
  size_t offset; /* in SfArchInfo */
  int64_t min, max;
} Field;

#define KEYED(key, member, min, max)             \
  {                                              \
    key, offsetof (SfArchInfo, member), min, max \
  }
#define FIELD(member, min, max) KEYED (#member, member, min, max)

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
  KEYED ("matrix_cycles_8bit", matrix_cycles[SF_WIDTH_8], 1, 1024),
  KEYED ("matrix_cycles_16bit", matrix_cycles[SF_WIDTH_16], 1, 1024),
  KEYED ("matrix_cycles_32bit", matrix_cycles[SF_WIDTH_32], 1, 1024),
  KEYED ("simd_cycles_8bit", simd_cycles[SF_WIDTH_8], 1, 1024),
  KEYED ("simd_cycles_16bit", simd_cycles[SF_WIDTH_16], 1, 1024),
  KEYED ("simd_cycles_32bit", simd_cycles[SF_WIDTH_32], 1, 1024),
  FIELD (pcu_latency_cycles, 0, 65536),
  FIELD (pmu_bytes, 1024, (int64_t) 1 << 32),
  FIELD (pmu_banks, 1, 1024),
  FIELD (pmu_read_ports, 1, 1024),
  FIELD (pmu_write_ports, 1, 1024),
  FIELD (vector_bytes, 1, 65536),
  KEYED ("vector_channels", channels[SF_NETWORK_VECTOR], 1, 1024),
  KEYED ("scalar_channels", channels[SF_NETWORK_SCALAR], 1, 1024),
  KEYED ("control_channels", channels[SF_NETWORK_CONTROL], 1, 1024),
  KEYED ("vector_flows", flows[SF_NETWORK_VECTOR], 1, 65536),
  KEYED ("scalar_flows", flows[SF_NETWORK_SCALAR], 1, 65536),
  KEYED ("control_flows", flows[SF_NETWORK_CONTROL], 1, 65536),
  FIELD (hop_cycles, 1, 1024),
  FIELD (fifo_vectors, 1, 65536),
  FIELD (agcu_vectors, 1, 1024),
  FIELD (config_load_ns, 0, 1000000000),
  FIELD (host_bytes_per_s, 1, (int64_t) 1 << 50),
  FIELD (host_launch_ns, 0, 1000000000),
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
  g_hash_table_unref (arch->ops);
  g_free (arch->name);
  g_free (arch);
}

static SfArch *
new_arch (void)
{
  SfArch *arch = g_new0 (SfArch, 1);
  arch->ops = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return arch;
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

const SfOpCost *
sf_arch_op_cost (const SfArch *arch, const char *op)
{
  return g_hash_table_lookup (arch->ops, op);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
sf_arch_op_names (const SfArch *arch)
{
  GPtrArray *names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name;
  g_hash_table_iter_init (&iter, arch->ops);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, name);
  g_ptr_array_sort (names, compare_names);
  return names;
}

const char *
sf_count_name (SfCount count)
{
  return count_names[count];
}

int64_t
sf_arch_cycles (const SfArch *arch, int64_t ns)
{
  /* Both are bounded, but their product may pass 2^63. */
  int64_t whole = ns / 1000000000, rest = ns % 1000000000, clock = arch->info.clock_hz;
  int64_t khz = clock / 1000, hz = clock % 1000;
  int64_t micro = rest * khz, nano = rest * hz; /* in 1e-6 and 1e-9 cycles */
  int64_t part = micro + (nano + 999) / 1000;
  return whole * clock + (part + 999999) / 1000000;
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
          || level->bytes_per_s > (int64_t) 1 << 50 || level->latency_ns < 0
          || level->latency_ns > 1000000000)
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "%s: memory level %zu (%s) has %" PRId64 " bytes at %" PRId64 " bytes/s after %" PRId64
            " ns, wanted 1 to 2^50 of each and at most a second; correct the machine description",
            where, i, level->name, level->bytes, level->bytes_per_s, level->latency_ns);
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
      || !sf_config_get_int (node, "bytes_per_s", true, &level->bytes_per_s, error)
      || !sf_config_get_int (node, "latency_ns", true, &level->latency_ns, error))
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

/* Adds the cost of one op; `where` for the message. */
static bool
add_op (SfArch *arch, const char *op, const char *count, int64_t body, int64_t tail,
        const char *where, GError **error)
{
  SfOpCost cost = { .body = body, .tail = tail };
  size_t i = 0;
  while (i < G_N_ELEMENTS (count_names) && !g_str_equal (count_names[i], count))
    i++;
  if (i == G_N_ELEMENTS (count_names))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: op %s counts '%s', wanted out, in, matrix, window or sort; correct it",
                    where, op, count);
  if (body < 0 || tail < 0 || body > 65536 || tail > 65536)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: op %s takes %" PRId64 " slots and %" PRId64
                    " tail passes, wanted 0 to 65536 of each; correct it",
                    where, op, body, tail);
  cost.count = (SfCount) i;
  if (!g_hash_table_replace (arch->ops, g_strdup (op), g_memdup2 (&cost, sizeof cost)))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: op %s stands twice, wanted it once; remove one", where, op);
  return true;
}

static bool
read_ops (SfArch *arch, SfConfigNode *list, GError **error)
{
  if (sf_config_node_type (list) != SF_CONFIG_LIST)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: ops is no list, wanted ( { op = \"exp\"; count = \"out\"; tail = 1; }, ... ); "
        "see etc/arch/ops",
        sf_config_node_where (list));
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    {
      SfConfigNode *node = sf_config_node_at (list, i);
      const char *op = NULL, *count = "out";
      int64_t body = 0, tail = 0;
      if (sf_config_node_type (node) != SF_CONFIG_GROUP)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: an op is no group, wanted { op, count, body, tail }; correct it",
                        sf_config_node_where (node));
      if (!sf_config_get_string (node, "op", true, &op, error)
          || !sf_config_get_string (node, "count", false, &count, error)
          || !sf_config_get_int (node, "body", false, &body, error)
          || !sf_config_get_int (node, "tail", false, &tail, error)
          || !add_op (arch, op, count, body, tail, sf_config_node_where (node), error))
        return false;
    }
  return true;
}

/* The table of a machine stands in its file, or is the one that all machines here share. */
static bool
find_ops (SfArch *arch, SfConfigNode *root, GError **error)
{
  SfConfigNode *own = sf_config_node_member (root, "ops");
  if (own != NULL)
    return read_ops (arch, own, error);
  g_autofree char *path = sf_data_path ("etc/arch/ops/pcu.cfg");
  g_autoptr (SfConfig) config = sf_config_read (path, error);
  if (config == NULL)
    return false;
  SfConfigNode *shared = sf_config_node_member (sf_config_root (config), "ops");
  if (shared == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found no ops, wanted the list; restore it",
                    path);
  return read_ops (arch, shared, error)
         && sf_config_check_keys (sf_config_root (config), true, error);
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
         && find_ops (arch, root, error) && sf_config_check_keys (root, true, error)
         && check_arch (arch, where, error);
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
  g_autoptr (SfArch) arch = new_arch ();
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
          || !sf_json_get_int (node, "bytes_per_s", &level->bytes_per_s, "arch memory", error)
          || !sf_json_get_int (node, "latency_ns", &level->latency_ns, "arch memory", error))
        return false;
      level->name = g_strdup (name);
      arch->info.n_memory_levels = i + 1;
    }
  return true;
}

static bool
parse_ops (SfArch *arch, const json_t *object, GError **error)
{
  const char *op;
  json_t *node;
  if (!json_is_object (object))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "arch: found no table of ops, wanted one; write the description anew");
  json_object_foreach ((json_t *) object, op, node)
    {
      const char *count = NULL;
      int64_t body = 0, tail = 0;
      if (!sf_json_get_string (node, "count", &count, "arch op", error)
          || !sf_json_get_int (node, "body", &body, "arch op", error)
          || !sf_json_get_int (node, "tail", &tail, "arch op", error)
          || !add_op (arch, op, count, body, tail, "arch", error))
        return false;
    }
  return true;
}

SfArch *
sf_arch_from_json (const char *text, size_t n_bytes, GError **error)
{
  g_autoptr (json_t) root = sf_json_parse (text, n_bytes, "arch", error);
  if (root == NULL)
    return NULL;
  g_autoptr (SfArch) arch = new_arch ();
  const char *name = NULL;
  if (!sf_json_get_string (root, "name", &name, "arch", error))
    return NULL;
  set_name (arch, name);
  for (size_t i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!sf_json_get_int (root, fields[i].key, field_at (arch, &fields[i]), "arch", error))
      return NULL;
  if (!parse_levels (arch, json_object_get (root, "memory"), error)
      || !parse_ops (arch, json_object_get (root, "ops"), error)
      || !check_arch (arch, "arch", error))
    return NULL;
  return g_steal_pointer (&arch);
}

static json_t *
ops_to_json (const SfArch *arch)
{
  json_t *ops = json_object ();
  GHashTableIter iter;
  gpointer op, value;
  g_hash_table_iter_init (&iter, arch->ops);
  while (g_hash_table_iter_next (&iter, &op, &value))
    {
      const SfOpCost *cost = value;
      json_t *node = json_object ();
      json_object_set_new (node, "count", json_string (count_names[cost->count]));
      json_object_set_new (node, "body", json_integer (cost->body));
      json_object_set_new (node, "tail", json_integer (cost->tail));
      json_object_set_new (ops, op, node);
    }
  return ops;
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
      json_object_set_new (level, "latency_ns", json_integer (arch->levels[i].latency_ns));
      json_array_append_new (levels, level);
    }
  json_object_set_new (root, "memory", levels);
  json_object_set_new (root, "ops", ops_to_json (arch));
  char *text = sf_json_text (root);
  char *owned = g_strdup (text);
  free (text);
  return owned;
}
