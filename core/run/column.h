/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a dataset's field as elements of an input. */
#ifndef SF_CORE_RUN_COLUMN_H
#define SF_CORE_RUN_COLUMN_H

#include <sf/plugin/dataset.h>

/* value = stored * scale + shift, in double, then the input's dtype; by row in C order. */
typedef struct
{
  const SfDatasetOps *ops;
  void *dataset; /* borrowed */
  size_t field;
  SfDtype from, to;
  double scale, shift;
  size_t row_elems;
  size_t scratch_rows;
  void *scratch; /* that many rows as stored; NULL where they are fed as they are */
  void *table;   /* what each stored byte becomes; NULL for wider dtypes */
} SfColumn;

/* Allocates what reading needs beyond the fields before `scratch_rows`, which the caller has set.
 */
bool sf_column_prepare (SfColumn *column, GError **error);
void sf_column_clear (SfColumn *column);
/* Rows rows[0 .. n) into `out`, dense. By one thread at a time. */
bool sf_column_read (SfColumn *column, const int64_t *rows, size_t n, void *out, GError **error);

#endif
