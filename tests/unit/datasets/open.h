/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset opened by the plugin's own functions. */
#ifndef TESTS_UNIT_DATASETS_OPEN_H
#define TESTS_UNIT_DATASETS_OPEN_H

#include <sf/plugin/dataset.h>

typedef struct
{
  const SfDatasetOps *ops;
  void *instance; /* NULL: refused */
  GError *error;
} Dataset;

/* option "name=value" or NULL. */
Dataset dataset_open (const char *plugin, const char *path, const char *split, const char *option);
void dataset_close (Dataset *dataset);
/* Field `index`, or rank -1. */
SfDatasetField dataset_field (const Dataset *dataset, size_t index);
/* Element `element` of row `row` as double. */
double dataset_value (const Dataset *dataset, size_t field, int64_t row, size_t element);
/* Opens a folder that holds these bytes as `name` and checks how it is refused. */
void dataset_check_refused (const char *plugin, const char *name, const void *bytes, gssize n_bytes,
                            int code, const char *message);

#endif
