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

SF_END_DECLS
#endif
