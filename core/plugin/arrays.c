/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets that lie in memory: rows of arrays. */
#include <sf/plugin/dataset.h>

static SfShape
row_shape (const SfDatasetArray *array)
{
  return sf_shape (array->shape.rank - 1, array->shape.dim + 1);
}

int64_t
sf_dataset_arrays_n_rows (void *instance)
{
  return ((const SfDatasetArrays *) instance)->fields[0].shape.dim[0];
}

size_t
sf_dataset_arrays_n_fields (void *instance)
{
  return ((const SfDatasetArrays *) instance)->n_fields;
}

bool
sf_dataset_arrays_field (void *instance, size_t index, SfDatasetField *out, GError **error)
{
  const SfDatasetArrays *arrays = instance;
  if (index >= arrays->n_fields)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: field %zu, wanted one of %zu",
                    arrays->fields[0].path, index, arrays->n_fields);
  const SfDatasetArray *field = &arrays->fields[index];
  *out = (SfDatasetField){ field->name, field->dtype, row_shape (field) };
  return true;
}

bool
sf_dataset_arrays_read (void *instance, size_t index, const int64_t *rows, size_t n, void *out,
                        GError **error)
{
  SfDatasetField field;
  if (!sf_dataset_arrays_field (instance, index, &field, error))
    return false;
  const SfDatasetArray *array = &((const SfDatasetArrays *) instance)->fields[index];
  size_t row_bytes = (size_t) sf_shape_n_elems (&field.shape) * sf_dtype_bytes (field.dtype);
  for (size_t i = 0; i < n; i++)
    {
      if (rows[i] < 0 || rows[i] >= array->shape.dim[0])
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "%s: row %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, array->path, rows[i],
                        array->shape.dim[0]);
      memcpy ((uint8_t *) out + i * row_bytes,
              (const uint8_t *) array->data + (size_t) rows[i] * row_bytes, row_bytes);
    }
  return true;
}
