/* SPDX-License-Identifier: Apache-2.0 */
/* Opening datasets, and reading single values. */
#include "tests/unit/datasets/open.h"

#include "tests/support/sftest.h"

#include <math.h>
#include <sf/dtype.h>
#include <sf/plugins.h>

Dataset
dataset_open (const char *name, const char *path, const char *split, const char *option)
{
  Dataset dataset = { 0 };
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_DATASET, name, &dataset.error);
  if (plugin == NULL)
    return dataset;
  dataset.ops = plugin->ops.dataset;
  g_autoptr (SfOptionValues) values = plugin->options == NULL
                                          ? NULL
                                          : sf_option_values_new (plugin->options);
  if (option != NULL)
    {
      g_auto (GStrv) pair = g_strsplit (option, "=", 2);
      SF_CHECK (sf_option_set (values, pair[0], pair[1], "test", &dataset.error));
    }
  dataset.instance = dataset.ops->open (path, split, values, &dataset.error);
  return dataset;
}

void
dataset_close (Dataset *dataset)
{
  if (dataset->instance != NULL)
    dataset->ops->close (dataset->instance);
  g_clear_error (&dataset->error);
}

SfDatasetField
dataset_field (const Dataset *dataset, size_t index)
{
  SfDatasetField field = { .shape = { .rank = -1 } };
  SF_CHECK (dataset->ops->field (dataset->instance, index, &field, NULL));
  return field;
}

double
dataset_value (const Dataset *dataset, size_t index, int64_t row, size_t element)
{
  SfDatasetField field = dataset_field (dataset, index);
  size_t width = sf_dtype_bytes (field.dtype);
  g_autofree char *bytes = g_malloc0 ((size_t) sf_shape_n_elems (&field.shape) * width + 1);
  g_autoptr (GError) error = NULL;
  double value = NAN;
  if (!dataset->ops->read (dataset->instance, index, &row, 1, bytes, &error))
    sf_test_fail (__FILE__, __LINE__, "%s", error->message);
  else
    sf_dtype_convert (field.dtype, bytes + element * width, SF_F64, &value, 1);
  return value;
}

void
dataset_check_refused (const char *plugin, const char *name, const void *bytes, gssize n_bytes,
                       int code, const char *message)
{
  G_GNUC_UNUSED g_autofree char *folder = sf_test_tmpdir (),
                                *path = sf_test_write_file (folder, name, bytes, n_bytes);
  Dataset dataset = dataset_open (plugin, folder, "train", NULL);
  SF_CHECK (dataset.instance == NULL);
  SF_CHECK_ERROR (dataset.error, code, message);
  dataset_close (&dataset);
}
