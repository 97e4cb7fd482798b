/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets: rows of named fields from files. */
#ifndef SF_PLUGIN_DATASET_H
#define SF_PLUGIN_DATASET_H

#include <sf/plugin/plugin.h>
#include <sf/tensor.h>

SF_BEGIN_DECLS

typedef struct
{
  const char *name; /* "images", "labels", a column; owned by the instance */
  SfDtype dtype;    /* as stored */
  SfShape shape;    /* of one row: [28,28], [] for a label */
} SfDatasetField;

struct SfDatasetOps
{
  size_t size; /* sizeof (SfDatasetOps) */
  /* How sure this plugin is that `path` (a file or folder) is its own: 0 to 100. */
  int (*probe) (const char *path);
  /* Opens split "train" or "test" of `path`. Truncated and inconsistent files are INVALID_DATA that
   * names file, found and wanted. */
  void *(*open) (const char *path, const char *split, const SfOptionValues *options,
                 GError **error);
  void (*close) (void *instance);
  int64_t (*n_rows) (void *instance);
  size_t (*n_fields) (void *instance);
  bool (*field) (void *instance, size_t index, SfDatasetField *out, GError **error);
  /* Rows rows[0..n) of a field, dense [n, shape...] in the field's dtype. Thread-safe on one
   * instance. */
  bool (*read) (void *instance, size_t field, const int64_t *rows, size_t n, void *out,
                GError **error);
};

/* ---- datasets that lie in memory ---- */

/* A field as one dense array, rows in front; what it points to lives as long as the instance. */
typedef struct
{
  const char *name;
  const char *path; /* for messages */
  SfDtype dtype;
  SfShape shape; /* dimension 0 counts the rows */
  const void *data;
} SfDatasetArray;

/* The fields of a dataset, at least one, of equally many rows. An instance that begins with this
 * has the four functions below for its ops. */
typedef struct
{
  const SfDatasetArray *fields;
  size_t n_fields;
} SfDatasetArrays;

SF_API int64_t sf_dataset_arrays_n_rows (void *instance);
SF_API size_t sf_dataset_arrays_n_fields (void *instance);
SF_API bool sf_dataset_arrays_field (void *instance, size_t index, SfDatasetField *out,
                                     GError **error);
SF_API bool sf_dataset_arrays_read (void *instance, size_t field, const int64_t *rows, size_t n,
                                    void *out, GError **error);

SF_END_DECLS
#endif
