/* SPDX-License-Identifier: Apache-2.0 */
/* SfTensorFile: reading and writing safetensors. */
#include "core/run/safetensors.h"

#include <sf/checked.h>
#include <sf/file.h>
#include <sf/json.h>
#include <xxhash.h>

#define MAX_HEADER ((size_t) 100 << 20) /* as the format's own readers bound it */
#define MAX_FILE   ((size_t) 1 << 42)
#define DIGEST_KEY "xxh3_128"
#define NO_DIGEST  "00000000000000000000000000000000"

struct SfTensorFile
{
  GHashTable *metadata;
  GHashTable *tensors; /* name -> SfTensor */
};

static const struct
{
  const char *name;
  SfDtype dtype;
} dtype_names[] = { { "F32", SF_F32 },  { "F64", SF_F64 }, { "BF16", SF_BF16 }, { "F16", SF_F16 },
                    { "I8", SF_I8 },    { "I16", SF_I16 }, { "I32", SF_I32 },   { "I64", SF_I64 },
                    { "U8", SF_U8 },    { "U16", SF_U16 }, { "U32", SF_U32 },   { "U64", SF_U64 },
                    { "BOOL", SF_BOOL } };

static void
free_tensor (void *data)
{
  sf_tensor_clear (data);
  g_free (data);
}

SfTensorFile *
sf_tensor_file_new (void)
{
  SfTensorFile *file = g_new0 (SfTensorFile, 1);
  file->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  file->tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_tensor);
  return file;
}

void
sf_tensor_file_free (SfTensorFile *file)
{
  if (file == NULL)
    return;
  g_hash_table_unref (file->metadata);
  g_hash_table_unref (file->tensors);
  g_free (file);
}

void
sf_tensor_file_set (SfTensorFile *file, const char *key, const char *value)
{
  g_hash_table_replace (file->metadata, g_strdup (key), g_strdup (value));
}

const char *
sf_tensor_file_get (const SfTensorFile *file, const char *key)
{
  return g_hash_table_lookup (file->metadata, key);
}

void
sf_tensor_file_take (SfTensorFile *file, const char *name, SfTensor *tensor)
{
  g_hash_table_replace (file->tensors, g_strdup (name), g_memdup2 (tensor, sizeof *tensor));
  *tensor = (SfTensor){ 0 };
}

const SfTensor *
sf_tensor_file_find (const SfTensorFile *file, const char *name)
{
  return g_hash_table_lookup (file->tensors, name);
}

static const char *
name_of_dtype (SfDtype dtype)
{
  for (size_t i = 0; i < G_N_ELEMENTS (dtype_names); i++)
    if (dtype_names[i].dtype == dtype)
      return dtype_names[i].name;
  return NULL;
}

static GList *
sorted_names (const SfTensorFile *file)
{
  return g_list_sort (g_hash_table_get_keys (file->tensors), (GCompareFunc) strcmp);
}

static json_t *
header_of (const SfTensorFile *file, GList *names)
{
  json_t *header = json_object (), *metadata = json_object ();
  GHashTableIter iter;
  gpointer key, value;
  size_t offset = 0;
  g_hash_table_iter_init (&iter, file->metadata);
  while (g_hash_table_iter_next (&iter, &key, &value))
    json_object_set_new (metadata, key, json_string (value));
  json_object_set_new (metadata, DIGEST_KEY, json_string (NO_DIGEST));
  json_object_set_new (header, "__metadata__", metadata);
  for (GList *at = names; at != NULL; at = at->next)
    {
      const SfTensor *tensor = sf_tensor_file_find (file, at->data);
      json_t *shape = json_array ();
      size_t n_bytes = sf_tensor_n_bytes (tensor);
      for (int i = 0; i < tensor->shape.rank; i++)
        json_array_append_new (shape, json_integer (tensor->shape.dim[i]));
      json_object_set_new (header, at->data,
                           json_pack ("{s:s, s:o, s:[I,I]}", "dtype", name_of_dtype (tensor->dtype),
                                      "shape", shape, "data_offsets", (json_int_t) offset,
                                      (json_int_t) (offset + n_bytes)));
      offset += n_bytes;
    }
  return header;
}

static char *
hex (XXH128_hash_t hash)
{
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x",
                          (guint64) hash.high64, (guint64) hash.low64);
}

/* Header padded with spaces so that the data begins at a multiple of 8, with the digest of header
 * (digest zero) and data filled in. */
static GString *
finish_header (const SfTensorFile *file, GList *names)
{
  g_autoptr (json_t) json = header_of (file, names);
  char *text = sf_json_text (json);
  GString *header = g_string_new (text);
  free (text);
  while (header->len % 8 != 0)
    g_string_append_c (header, ' ');
  XXH3_state_t *state = XXH3_createState ();
  XXH3_128bits_reset (state);
  XXH3_128bits_update (state, header->str, header->len);
  for (GList *at = names; at != NULL; at = at->next)
    {
      const SfTensor *tensor = sf_tensor_file_find (file, at->data);
      XXH3_128bits_update (state, tensor->data, sf_tensor_n_bytes (tensor));
    }
  g_autofree char *digest = hex (XXH3_128bits_digest (state));
  XXH3_freeState (state);
  char *place = strstr (header->str, "\"" DIGEST_KEY "\":\"");
  memcpy (place + strlen ("\"" DIGEST_KEY "\":\""), digest, strlen (digest));
  return header;
}

bool
sf_tensor_file_save (SfTensorFile *file, const char *path, GError **error)
{
  g_autoptr (GList) names = sorted_names (file);
  GString *header = finish_header (file, names);
  uint64_t length = GUINT64_TO_LE (header->len);
  g_autoptr (SfFileWriter) writer = sf_file_create (path, error);
  bool ok = writer != NULL && sf_file_write (writer, &length, sizeof length, error)
            && sf_file_write (writer, header->str, header->len, error);
  g_string_free (header, TRUE);
  for (GList *at = names; ok && at != NULL; at = at->next)
    {
      const SfTensor *tensor = sf_tensor_file_find (file, at->data);
      ok = sf_file_write (writer, tensor->data, sf_tensor_n_bytes (tensor), error);
    }
  return ok && sf_file_commit (writer, error);
}

static bool
parse_shape (const json_t *array, SfShape *shape)
{
  size_t i;
  json_t *dim;
  if (!json_is_array (array) || json_array_size (array) > SF_MAX_RANK)
    return false;
  *shape = (SfShape){ .rank = (int32_t) json_array_size (array) };
  json_array_foreach (array, i, dim)
    {
      if (!json_is_integer (dim) || json_integer_value (dim) < 0)
        return false;
      shape->dim[i] = json_integer_value (dim);
    }
  return true;
}

static bool
parse_dtype (const json_t *value, SfDtype *dtype)
{
  for (size_t i = 0; json_is_string (value) && i < G_N_ELEMENTS (dtype_names); i++)
    if (strcmp (dtype_names[i].name, json_string_value (value)) == 0)
      {
        *dtype = dtype_names[i].dtype;
        return true;
      }
  return false;
}

/* One tensor's entry; `data` is the part after the header. *begin and *end: its bytes there. */
static bool
parse_tensor (SfTensorFile *file, const char *key, const json_t *entry, const uint8_t *data,
              size_t n_bytes, const char *name, size_t *begin, size_t *end, GError **error)
{
  SfShape shape;
  SfDtype dtype;
  const json_t *offsets = json_object_get (entry, "data_offsets");
  json_int_t first = json_integer_value (json_array_get (offsets, 0)),
             last = json_integer_value (json_array_get (offsets, 1));
  if (!parse_dtype (json_object_get (entry, "dtype"), &dtype)
      || !parse_shape (json_object_get (entry, "shape"), &shape) || json_array_size (offsets) != 2
      || !json_is_integer (json_array_get (offsets, 0))
      || !json_is_integer (json_array_get (offsets, 1)) || first < 0 || last < first
      || (uint64_t) last > n_bytes)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: tensor \"%s\": its dtype, shape or offsets are damaged; use another checkpoint", name,
        key);
  if (!sf_shape_check (&shape, key, error))
    {
      g_prefix_error (error, "%s: tensor ", name);
      if (error != NULL)
        (*error)->code = SF_ERROR_INVALID_DATA;
      return false;
    }
  if ((uint64_t) (last - first) != (uint64_t) sf_shape_n_elems (&shape) * sf_dtype_bytes (dtype))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: tensor \"%s\": its offsets hold %" G_GINT64_FORMAT
                    " bytes, its shape wants %" G_GINT64_FORMAT,
                    name, key, (gint64) (last - first),
                    sf_shape_n_elems (&shape) * (int64_t) sf_dtype_bytes (dtype));
  SfTensor tensor = { 0 };
  if (!sf_tensor_alloc (dtype, &shape, &tensor, error))
    return false;
  memcpy (tensor.data, data + first, (size_t) (last - first));
  sf_tensor_file_take (file, key, &tensor);
  *begin = (size_t) first;
  *end = (size_t) last;
  return true;
}

static bool
parse_metadata (SfTensorFile *file, const json_t *object, const char *name, GError **error)
{
  const char *key;
  json_t *value;
  if (!json_is_object (object))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: its __metadata__ is no JSON object; use another checkpoint", name);
  json_object_foreach ((json_t *) object, key, value)
    {
      if (!json_is_string (value))
        return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: metadata \"%s\" is not a string", name,
                        key);
      sf_tensor_file_set (file, key, json_string_value (value));
    }
  return true;
}

static bool
check_digest (const SfTensorFile *file, const uint8_t *bytes, size_t header, size_t n_bytes,
              const char *name, GError **error)
{
  const char *digest = sf_tensor_file_get (file, DIGEST_KEY);
  if (digest == NULL)
    return sf_tensor_file_get (file, "format") == NULL
           || sf_fail (error, SF_ERROR_INVALID_DATA,
                       "%s: is damaged (its digest is gone); use another checkpoint", name);
  g_autofree char *text = g_strndup ((const char *) bytes + 8, header);
  char *place = strlen (digest) == strlen (NO_DIGEST) ? strstr (text, digest) : NULL;
  if (place == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: is damaged (its digest is unreadable); use another checkpoint", name);
  memcpy (place, NO_DIGEST, strlen (NO_DIGEST));
  XXH3_state_t *state = XXH3_createState ();
  XXH3_128bits_reset (state);
  XXH3_128bits_update (state, text, header);
  XXH3_128bits_update (state, bytes + 8 + header, n_bytes - 8 - header);
  g_autofree char *found = hex (XXH3_128bits_digest (state));
  XXH3_freeState (state);
  return strcmp (found, digest) == 0
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: is damaged (digest %s, wanted %s); use another checkpoint", name, found,
                     digest);
}

typedef struct
{
  size_t begin, end;
} Span;

static int
compare_spans (gconstpointer a, gconstpointer b)
{
  const Span *x = a, *y = b;
  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return x->end < y->end ? -1 : x->end > y->end;
}

/* The format wants the data covered exactly, without holes. */
static bool
check_spans (GArray *spans, size_t n_bytes, const char *name, GError **error)
{
  size_t at = 0;
  g_array_sort (spans, compare_spans);
  for (guint i = 0; i < spans->len; i++)
    {
      const Span *span = &g_array_index (spans, Span, i);
      if (span->begin != at)
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "%s: its tensors overlap or leave a hole at byte %zu; use another checkpoint", name,
            at);
      at = span->end;
    }
  return at == n_bytes
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: %zu bytes of data, its tensors hold %zu; the file is cut off or damaged",
                     name, n_bytes, at);
}

static bool
parse_header (SfTensorFile *file, const json_t *root, const uint8_t *data, size_t n_bytes,
              const char *name, GError **error)
{
  const char *key;
  json_t *value;
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (Span));
  json_object_foreach ((json_t *) root, key, value)
    {
      Span span;
      if (strcmp (key, "__metadata__") == 0)
        {
          if (!parse_metadata (file, value, name, error))
            return false;
          continue;
        }
      if (!parse_tensor (file, key, value, data, n_bytes, name, &span.begin, &span.end, error))
        return false;
      g_array_append_val (spans, span);
    }
  return check_spans (spans, n_bytes, name, error);
}

/* The header as JSON, and its length. Owned. */
static json_t *
read_root (const uint8_t *bytes, size_t n_bytes, const char *name, size_t *n_header, GError **error)
{
  uint64_t length = 0;
  if (n_bytes >= 8)
    memcpy (&length, bytes, 8);
  length = GUINT64_FROM_LE (length);
  if (n_bytes < 10 || length < 2 || length > MAX_HEADER || length > n_bytes - 8)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: is no safetensors file, or cut off (%zu bytes); use another checkpoint", name,
               n_bytes);
      return NULL;
    }
  g_autoptr (json_t) root = sf_json_parse ((const char *) bytes + 8, (size_t) length, name, error);
  if (root != NULL && !json_is_object (root))
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: its header is no JSON object; use another checkpoint", name);
      return NULL;
    }
  *n_header = (size_t) length;
  return g_steal_pointer (&root);
}

SfTensorFile *
sf_tensor_file_parse (const uint8_t *bytes, size_t n_bytes, const char *name, GError **error)
{
  size_t length = 0;
  g_autoptr (json_t) root = read_root (bytes, n_bytes, name, &length, error);
  if (root == NULL)
    return NULL;
  g_autoptr (SfTensorFile) file = sf_tensor_file_new ();
  if (!parse_header (file, root, bytes + 8 + length, n_bytes - 8 - length, name, error)
      || !check_digest (file, bytes, length, n_bytes, name, error))
    return NULL;
  return g_steal_pointer (&file);
}

SfTensorFile *
sf_tensor_file_open (const char *path, GError **error)
{
  SfFileMap map = { 0 };
  if (!sf_file_map (path, MAX_FILE, &map, error))
    return NULL;
  SfTensorFile *file = sf_tensor_file_parse (map.data, map.n_bytes, path, error);
  sf_file_unmap (&map);
  return file;
}

SfTensorFile *
sf_tensor_file_peek (const char *path, GError **error)
{
  SfFileMap map = { 0 };
  size_t length;
  if (!sf_file_map (path, MAX_FILE, &map, error))
    return NULL;
  g_autoptr (json_t) root = read_root (map.data, map.n_bytes, path, &length, error);
  sf_file_unmap (&map);
  g_autoptr (SfTensorFile) file = sf_tensor_file_new ();
  const json_t *metadata = root == NULL ? NULL : json_object_get (root, "__metadata__");
  if (root == NULL || (metadata != NULL && !parse_metadata (file, metadata, path, error)))
    return NULL;
  return g_steal_pointer (&file);
}
