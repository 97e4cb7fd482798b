/* SPDX-License-Identifier: Apache-2.0 */
/* SfColumn: stored rows are read a cache's worth at a time and converted where they are to lie. */
#include "core/run/column.h"

#include <sf/checked.h>

enum
{
  SCRATCH_BYTES = 32 << 10,
  N_BYTE_VALUES = 256
};

static bool
is_scaled (const SfColumn *column)
{
  return column->scale != 1 || column->shift != 0;
}

static void
convert_scaled (const SfColumn *column, const void *in, void *out, size_t n)
{
  double chunk[256];
  size_t from_bytes = sf_dtype_bytes (column->from), to_bytes = sf_dtype_bytes (column->to);
  for (size_t at = 0; at < n; at += G_N_ELEMENTS (chunk))
    {
      size_t m = MIN (n - at, G_N_ELEMENTS (chunk));
      sf_dtype_convert (column->from, (const char *) in + at * from_bytes, SF_F64, chunk, m);
      for (size_t i = 0; i < m; i++)
        chunk[i] = chunk[i] * column->scale + column->shift;
      sf_dtype_convert (SF_F64, chunk, column->to, (char *) out + at * to_bytes, m);
    }
}

static void
convert_values (const SfColumn *column, const void *in, void *out, size_t n)
{
  if (is_scaled (column))
    convert_scaled (column, in, out, n);
  else
    sf_dtype_convert (column->from, in, column->to, out, n);
}

#define LOOK_UP(Type)                           \
  {                                             \
    const Type *restrict table = column->table; \
    Type *restrict to = out;                    \
    for (size_t i = 0; i < n; i++)              \
      to[i] = table[in[i]];                     \
    return;                                     \
  }

/* Bytes by table: two loads and a store an element, whatever the scale and the dtype. */
static void
convert_bytes (const SfColumn *column, const uint8_t *restrict in, void *out, size_t n)
{
  switch (sf_dtype_bytes (column->to))
    {
    case 1:
      LOOK_UP (uint8_t)
    case 2:
      LOOK_UP (uint16_t)
    case 4:
      LOOK_UP (uint32_t)
    default:
      LOOK_UP (uint64_t)
    }
}

bool
sf_column_prepare (SfColumn *column, GError **error)
{
  size_t from_bytes = sf_dtype_bytes (column->from);
  if (column->from == column->to && !is_scaled (column))
    return true;
  column->scratch_rows = SCRATCH_BYTES / MAX (column->row_elems * from_bytes, 1);
  column->scratch_rows = MAX (column->scratch_rows, 1);
  column->scratch = sf_aligned_alloc (column->scratch_rows, column->row_elems * from_bytes,
                                      "rows of a dataset", error);
  if (column->scratch == NULL)
    return false;
  if (from_bytes > 1)
    return true;
  uint8_t values[N_BYTE_VALUES];
  for (int i = 0; i < N_BYTE_VALUES; i++)
    values[i] = (uint8_t) i;
  column->table = sf_aligned_alloc (N_BYTE_VALUES, sf_dtype_bytes (column->to), "a table of values",
                                    error);
  if (column->table == NULL)
    return false;
  convert_values (column, values, column->table, N_BYTE_VALUES);
  return true;
}

void
sf_column_clear (SfColumn *column)
{
  sf_aligned_free (column->scratch);
  sf_aligned_free (column->table);
  *column = (SfColumn){ 0 };
}

bool
sf_column_read (SfColumn *column, const int64_t *rows, size_t n, void *out, GError **error)
{
  const SfDatasetOps *ops = column->ops;
  size_t row_bytes = column->row_elems * sf_dtype_bytes (column->to);
  if (column->scratch == NULL)
    return ops->read (column->dataset, column->field, rows, n, out, error);
  for (size_t at = 0; at < n; at += column->scratch_rows)
    {
      size_t m = MIN (n - at, column->scratch_rows);
      void *to = (char *) out + at * row_bytes;
      if (!ops->read (column->dataset, column->field, rows + at, m, column->scratch, error))
        return false;
      if (column->table != NULL)
        convert_bytes (column, column->scratch, to, m * column->row_elems);
      else
        convert_values (column, column->scratch, to, m * column->row_elems);
    }
  return true;
}
