/* SPDX-License-Identifier: Apache-2.0 */
/* What a tensor's content may lie in beside the unpacked proto: files next to the model, mapped
 * once each, never outside its folder; and the model's own file. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/frontends/onnx/model.h"

#define MAX_EXTERNAL_BYTES (UINT64_C (1) << 40)

struct OnnxFolder
{
  char *model_path;
  char *folder;      /* without links; NULL until asked for */
  GHashTable *files; /* location -> SfFileMap */
  GArray *spans;     /* ProtobufCBinaryData; NULL: none */
};

static void
free_map (gpointer data)
{
  sf_file_unmap (data);
  g_free (data);
}

OnnxFolder *
onnx_folder_new (const char *model_path)
{
  OnnxFolder *folder = g_new0 (OnnxFolder, 1);
  folder->model_path = g_strdup (model_path);
  folder->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_map);
  return folder;
}

void
onnx_folder_free (OnnxFolder *folder)
{
  if (folder == NULL)
    return;
  g_hash_table_unref (folder->files);
  g_clear_pointer (&folder->spans, g_array_unref);
  g_free (folder->folder);
  g_free (folder->model_path);
  g_free (folder);
}

void
onnx_folder_set_spans (OnnxFolder *folder, GArray *spans)
{
  folder->spans = spans;
}

const ProtobufCBinaryData *
onnx_folder_raw_data (OnnxFolder *folder, const Onnx__TensorProto *proto)
{
  size_t index;
  if (proto->has_raw_data)
    return &proto->raw_data;
  bool has = folder->spans != NULL && onnx_wire_span (&proto->base, &index)
             && index < folder->spans->len;
  return has ? &g_array_index (folder->spans, ProtobufCBinaryData, index) : NULL;
}

/* A relative path without a step upwards. */
static bool
is_inside (const char *location)
{
  if (*location == '\0' || *location == '/')
    return false;
  g_auto (GStrv) parts = g_strsplit (location, "/", -1);
  return !g_strv_contains ((const char *const *) parts, "..");
}

/* The file without links, below the model's folder without links. Owned. */
static char *
resolve (OnnxFolder *folder, const char *location, GError **error)
{
  char buffer[PATH_MAX];
  if (!is_inside (location))
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "external data \"%s\", wanted a path below the folder of the model; save the model "
               "with its data beside it",
               location);
      return NULL;
    }
  g_autofree char *base = g_path_get_dirname (folder->model_path);
  if (folder->folder == NULL && realpath (base, buffer) != NULL)
    folder->folder = g_strdup (buffer);
  g_autofree char *path = g_build_filename (base, location, NULL);
  if (folder->folder == NULL || realpath (path, buffer) == NULL)
    {
      sf_fail_errno (error, errno, "external data %s", path);
      return NULL;
    }
  size_t n = strlen (folder->folder);
  bool is_root = n == 1;
  if (!is_root && (strncmp (buffer, folder->folder, n) != 0 || buffer[n] != '/'))
    {
      sf_fail (
          error, SF_ERROR_INVALID_DATA,
          "external data \"%s\" is a link out of the folder of the model, wanted a file in it; "
          "copy the file there",
          location);
      return NULL;
    }
  return g_strdup (buffer);
}

static const SfFileMap *
file_of (OnnxFolder *folder, const char *location, GError **error)
{
  const SfFileMap *found = g_hash_table_lookup (folder->files, location);
  if (found != NULL)
    return found;
  g_autofree char *path = resolve (folder, location, error);
  SfFileMap map;
  if (path == NULL || !sf_file_map (path, MAX_EXTERNAL_BYTES, &map, error))
    return NULL;
  SfFileMap *kept = g_memdup2 (&map, sizeof map);
  g_hash_table_insert (folder->files, g_strdup (location), kept);
  return kept;
}

const uint8_t *
onnx_folder_bytes (OnnxFolder *folder, const char *location, uint64_t offset, size_t n_bytes,
                   GError **error)
{
  const SfFileMap *map = file_of (folder, location, error);
  if (map == NULL)
    return NULL;
  if (offset > map->n_bytes || n_bytes > map->n_bytes - offset)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "external data \"%s\": %zu bytes at %" G_GUINT64_FORMAT
               ", but the file has %zu; it is cut short or belongs to another model",
               location, n_bytes, offset, map->n_bytes);
      return NULL;
    }
  static const uint8_t empty[1];
  return n_bytes == 0 ? empty : map->data + offset;
}
