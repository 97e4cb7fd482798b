/* SPDX-License-Identifier: Apache-2.0 */
/* Dataset `npy`: NumPy's array files (NEP 1), <split>-<field>.npy in a folder; the first dimension
 * counts the rows. */
#include <sf/file.h>
#include <sf/plugin/dataset.h>

#include <stdlib.h>

#define MAX_BYTES ((size_t) 1 << 40)

typedef struct
{
  char *name, *path;
  SfFileMap map;
} File;

typedef struct
{
  SfDatasetArrays arrays; /* of `field`; first, for sf_dataset_arrays_* */
  SfDatasetArray *field;
  File *file;
} Npy;

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Names of the files of a split, sorted. */
static GPtrArray *
files_of (const char *folder, const char *split)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *start = g_strconcat (split, "-", NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, start) && g_str_has_suffix (name, ".npy"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static int
probe (const char *path)
{
  g_autoptr (GPtrArray) train = files_of (path, "train");
  g_autoptr (GPtrArray) test = files_of (path, "test");
  return train->len + test->len > 0 ? 90 : 0;
}

static bool
npy_dtype (const char *descr, SfDtype *out)
{
  static const struct
  {
    const char *descr;
    SfDtype dtype;
  } names[] = { { "<f4", SF_F32 }, { "<f8", SF_F64 }, { "<f2", SF_F16 }, { "|i1", SF_I8 },
                { "<i2", SF_I16 }, { "<i4", SF_I32 }, { "<i8", SF_I64 }, { "|u1", SF_U8 },
                { "<u2", SF_U16 }, { "<u4", SF_U32 }, { "<u8", SF_U64 }, { "|b1", SF_BOOL } };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].descr, descr) == 0)
      {
        *out = names[i].dtype;
        return true;
      }
  return false;
}

/* The value text after "'key':" in a header, or NULL. */
static const char *
header_value (const char *header, const char *key)
{
  g_autofree char *quoted = g_strdup_printf ("'%s':", key);
  const char *at = strstr (header, quoted);
  if (at == NULL)
    return NULL;
  at += strlen (quoted);
  while (*at == ' ')
    at++;
  return at;
}

static bool
parse_shape (const char *at, SfShape *shape)
{
  if (at == NULL || *at++ != '(')
    return false;
  shape->rank = 0;
  for (;;)
    {
      while (*at == ' ' || *at == ',')
        at++;
      if (*at == ')')
        return shape->rank > 0;
      char *end;
      int64_t dim = g_ascii_strtoll (at, &end, 10);
      if (end == at || dim < 0 || shape->rank == SF_MAX_RANK)
        return false;
      shape->dim[shape->rank++] = dim;
      at = end;
    }
}

static bool
parse_header (SfDatasetArray *field, const char *header, GError **error)
{
  const char *descr = header_value (header, "descr"),
             *order = header_value (header, "fortran_order");
  g_autofree char *type = descr != NULL && descr[0] == '\''
                              ? g_strndup (descr + 1, strcspn (descr + 1, "'"))
                              : NULL;
  bool is_fortran = order != NULL && g_str_has_prefix (order, "True");
  if (type == NULL || order == NULL || (!is_fortran && !g_str_has_prefix (order, "False"))
      || !parse_shape (header_value (header, "shape"), &field->shape))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: the .npy header is damaged; write the file again with numpy.save",
                    field->path);
  if (!npy_dtype (type, &field->dtype))
    return sf_fail (
        error, SF_ERROR_UNSUPPORTED,
        "%s: dtype %s; wanted little-endian numbers or bool: save array.astype ('<f4') or the like",
        field->path, type);
  if (is_fortran)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: is in Fortran order; save numpy.ascontiguousarray (array)", field->path);
  return true;
}

static bool
parse (SfDatasetArray *field, const uint8_t *bytes, size_t n, GError **error)
{
  size_t start = 0, length = 0;
  if (n >= 12 && memcmp (bytes, "\x93NUMPY", 6) == 0 && bytes[6] >= 1 && bytes[6] <= 3)
    {
      start = bytes[6] == 1 ? 10 : 12;
      length = bytes[8] | (size_t) bytes[9] << 8;
      if (bytes[6] > 1)
        length |= (size_t) bytes[10] << 16 | (size_t) bytes[11] << 24;
    }
  if (start == 0 || length > n - start || length > 65536)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: not a .npy file, or cut off (%zu bytes); write it again with numpy.save",
                    field->path, n);
  g_autofree char *header = g_strndup ((const char *) bytes + start, length);
  if (!parse_header (field, header, error))
    return false;
  if (!sf_shape_check (&field->shape, field->path, error))
    {
      if (error != NULL)
        (*error)->code = SF_ERROR_INVALID_DATA;
      return false;
    }
  size_t want = start + length
                + (size_t) sf_shape_n_elems (&field->shape) * sf_dtype_bytes (field->dtype);
  if (n != want)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found %zu bytes, its header wants %zu; the file is cut off or damaged",
                    field->path, n, want);
  field->data = bytes + start + length;
  return true;
}

static void
npy_close (void *instance)
{
  Npy *npy = instance;
  for (size_t i = 0; i < npy->arrays.n_fields; i++)
    {
      g_free (npy->file[i].name);
      g_free (npy->file[i].path);
      sf_file_unmap (&npy->file[i].map);
    }
  g_free (npy->field);
  g_free (npy->file);
  g_free (npy);
}

static bool
add_field (Npy *npy, const char *folder, const char *name, const char *split, GError **error)
{
  size_t index = npy->arrays.n_fields++, skip = strlen (split) + 1;
  File *file = &npy->file[index];
  SfDatasetArray *field = &npy->field[index];
  file->name = g_strndup (name + skip, strlen (name) - skip - strlen (".npy"));
  file->path = g_build_filename (folder, name, NULL);
  *field = (SfDatasetArray){ .name = file->name, .path = file->path };
  if (!sf_file_map (file->path, MAX_BYTES, &file->map, error)
      || !parse (field, file->map.data, file->map.n_bytes, error))
    return false;
  if (field->shape.dim[0] != npy->field[0].shape.dim[0])
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: has %" G_GINT64_FORMAT " rows, %s has %" G_GINT64_FORMAT, file->path,
                    field->shape.dim[0], npy->file[0].path, npy->field[0].shape.dim[0]);
  return true;
}

static bool
load (Npy *npy, const char *folder, const char *split, GError **error)
{
  g_autoptr (GPtrArray) names = files_of (folder, split);
  if (names->len == 0)
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "%s: no %s-*.npy file; arrays are called %s-images.npy, %s-labels.npy ...",
                    folder, split, split, split);
  npy->field = g_new0 (SfDatasetArray, names->len);
  npy->file = g_new0 (File, names->len);
  npy->arrays.fields = npy->field;
  for (guint i = 0; i < names->len; i++)
    if (!add_field (npy, folder, names->pdata[i], split, error))
      return false;
  return true;
}

static void *
npy_open (const char *path, const char *split, const SfOptionValues *options, GError **error)
{
  (void) options;
  Npy *npy = g_new0 (Npy, 1);
  if (load (npy, path, split, error))
    return npy;
  npy_close (npy);
  return NULL;
}

static const SfDatasetOps ops = {
  .size = sizeof ops,
  .probe = probe,
  .open = npy_open,
  .close = npy_close,
  .n_rows = sf_dataset_arrays_n_rows,
  .n_fields = sf_dataset_arrays_n_fields,
  .field = sf_dataset_arrays_field,
  .read = sf_dataset_arrays_read,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_DATASET, "npy", "1.0", "NumPy arrays, <split>-<field>.npy in a folder"),
  .ops.dataset = &ops,
};
