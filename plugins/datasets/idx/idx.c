/* SPDX-License-Identifier: Apache-2.0 */
/* Dataset `idx`: the format of the MNIST files (Y. LeCun), plain or gzipped. A folder holds
 * <split>-images* and <split>-labels*; the test split may be called t10k. */
#include <sf/file.h>
#include <sf/plugin/dataset.h>

#define MAX_BYTES ((size_t) 4 << 30)

/* A file of numbers in host order: bytes as they lie in the file, anything else in memory. */
typedef struct
{
  char *path;
  SfFileMap map;
  uint8_t *bytes; /* NULL: see `map` */
} File;

typedef struct
{
  SfDatasetArrays arrays; /* of `field`; first, for sf_dataset_arrays_* */
  SfDatasetArray field[2];
  File file[2];
} Idx;

static const char *const prefixes_train[] = { "train", NULL };
static const char *const prefixes_test[] = { "test", "t10k", NULL };

/* "<prefix>-<what>..." in `folder`; NULL when there is none. Of several the first in name order.
 * NumPy's files have the same names but for their suffix. */
static char *
find_file (const char *folder, const char *const *prefixes, const char *what)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *best = NULL;
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    for (size_t i = 0; prefixes[i] != NULL; i++)
      {
        g_autofree char *start = g_strdup_printf ("%s-%s", prefixes[i], what);
        if (g_str_has_prefix (name, start) && !g_str_has_suffix (name, ".npy")
            && (best == NULL || strcmp (name, best) < 0))
          {
            g_free (best);
            best = g_strdup (name);
          }
      }
  return best == NULL ? NULL : g_build_filename (folder, best, NULL);
}

static const char *const *
prefixes_of (const char *split)
{
  return strcmp (split, "train") == 0 ? prefixes_train : prefixes_test;
}

static int
probe (const char *path)
{
  g_autofree char *train = find_file (path, prefixes_train, "images"),
                  *test = find_file (path, prefixes_test, "images");
  return train != NULL || test != NULL ? 90 : 0;
}

static bool
idx_dtype (uint8_t code, SfDtype *out)
{
  static const struct
  {
    uint8_t code;
    SfDtype dtype;
  } codes[] = { { 0x08, SF_U8 },  { 0x09, SF_I8 },  { 0x0b, SF_I16 },
                { 0x0c, SF_I32 }, { 0x0d, SF_F32 }, { 0x0e, SF_F64 } };
  for (size_t i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].code == code)
      {
        *out = codes[i].dtype;
        return true;
      }
  return false;
}

static uint32_t
big_endian (const uint8_t *bytes)
{
  return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8
         | bytes[3];
}

/* IDX stores numbers big endian. */
static void
to_host_order (uint8_t *data, size_t n_bytes, size_t width)
{
  for (size_t i = 0; width > 1 && i + width <= n_bytes; i += width)
    for (size_t j = 0; j < width / 2; j++)
      {
        uint8_t byte = data[i + j];
        data[i + j] = data[i + width - 1 - j];
        data[i + width - 1 - j] = byte;
      }
}

/* The shape and dtype that the header tells. *header: its length. */
static bool
parse (SfDatasetArray *field, const uint8_t *bytes, size_t n_bytes, size_t *header_bytes,
       GError **error)
{
  size_t rank = n_bytes < 4 ? 0 : bytes[3], header = 4 + 4 * rank;
  if (n_bytes < 4 || bytes[0] != 0 || bytes[1] != 0 || rank < 1 || rank > SF_MAX_RANK - 1
      || !idx_dtype (bytes[2], &field->dtype) || n_bytes < header)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: not an IDX file (%zu bytes); fetch or write it again", field->path,
                    n_bytes);
  field->shape.rank = (int32_t) rank;
  for (size_t i = 0; i < rank; i++)
    field->shape.dim[i] = big_endian (bytes + 4 + 4 * i);
  if (!sf_shape_check (&field->shape, field->path, error))
    {
      if (error != NULL)
        (*error)->code = SF_ERROR_INVALID_DATA;
      return false;
    }
  size_t want = header + (size_t) sf_shape_n_elems (&field->shape) * sf_dtype_bytes (field->dtype);
  if (n_bytes != want)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: found %zu bytes, its header wants %zu; the file is cut off or damaged, fetch it again",
        field->path, n_bytes, want);
  *header_bytes = header;
  return true;
}

/* Bytes that are neither compressed nor to be turned stay in the file. */
static bool
read_file (File *file, SfDatasetArray *field, GError **error)
{
  size_t n_bytes = 0, header;
  if (!sf_file_map (file->path, MAX_BYTES, &file->map, error))
    return false;
  const uint8_t *bytes = file->map.data;
  if (file->map.n_bytes > 4 && bytes[0] == 0 && (bytes[2] == 0x08 || bytes[2] == 0x09))
    {
      if (!parse (field, bytes, file->map.n_bytes, &header, error))
        return false;
      field->data = bytes + header;
      return true;
    }
  sf_file_unmap (&file->map);
  file->bytes = sf_file_read_maybe_gzip (file->path, MAX_BYTES, &n_bytes, error);
  if (file->bytes == NULL || !parse (field, file->bytes, n_bytes, &header, error))
    return false;
  to_host_order (file->bytes + header, n_bytes - header, sf_dtype_bytes (field->dtype));
  field->data = file->bytes + header;
  return true;
}

static void
idx_close (void *instance)
{
  Idx *idx = instance;
  for (size_t i = 0; i < idx->arrays.n_fields; i++)
    {
      g_free (idx->file[i].path);
      sf_file_unmap (&idx->file[i].map);
      g_free (idx->file[i].bytes);
    }
  g_free (idx);
}

static bool
add_field (Idx *idx, const char *name, char *path, GError **error)
{
  size_t index = idx->arrays.n_fields++;
  idx->field[index] = (SfDatasetArray){ .name = name, .path = path };
  idx->file[index] = (File){ .path = path };
  return read_file (&idx->file[index], &idx->field[index], error);
}

static bool
load (Idx *idx, const char *folder, const char *split, GError **error)
{
  static const char *const names[] = { "images", "labels" };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      char *path = find_file (folder, prefixes_of (split), names[i]);
      if (path == NULL && i == 0)
        return sf_fail (
            error, SF_ERROR_NOT_FOUND,
            "%s: no %s-images* file for split %s; IDX files are called train-images*, train-labels*, test-images*, test-labels*",
            folder, split, split);
      if (path != NULL && !add_field (idx, names[i], path, error))
        return false;
    }
  if (idx->arrays.n_fields == 2 && idx->field[0].shape.dim[0] != idx->field[1].shape.dim[0])
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %" G_GINT64_FORMAT " labels for %" G_GINT64_FORMAT
                    " images; the files do not belong together",
                    idx->field[1].path, idx->field[1].shape.dim[0], idx->field[0].shape.dim[0]);
  return true;
}

static void *
idx_open (const char *path, const char *split, const SfOptionValues *options, GError **error)
{
  (void) options;
  Idx *idx = g_new0 (Idx, 1);
  idx->arrays.fields = idx->field;
  if (load (idx, path, split, error))
    return idx;
  idx_close (idx);
  return NULL;
}

static const SfDatasetOps ops = {
  .size = sizeof ops,
  .probe = probe,
  .open = idx_open,
  .close = idx_close,
  .n_rows = sf_dataset_arrays_n_rows,
  .n_fields = sf_dataset_arrays_n_fields,
  .field = sf_dataset_arrays_field,
  .read = sf_dataset_arrays_read,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_DATASET, "idx", "1.0",
                  "images and labels in the IDX format of MNIST, plain or gzipped"),
  .ops.dataset = &ops,
};
