/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a dataset plugin on a folder with one file of it, named by SF_FUZZ_FILE. Every row
 * that it says it has can be read. */
#include <glib/gstdio.h>
#include <sf/plugin/dataset.h>
#include <sf/plugins.h>
#include <stdlib.h>

#include "tests/fuzz/target.h"

#define MAX_ROWS  64
#define MAX_BYTES 65536

static char *folder, *path;

static void
remove_folder (void)
{
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
}

static const SfPlugin *
set_up (void)
{
  static const SfPlugin *plugin;
  if (plugin != NULL)
    return plugin;
  g_autoptr (GError) error = NULL;
  plugin = sf_plugins_load (SF_PLUGIN_DATASET, SF_FUZZ_NAME, &error);
  folder = g_dir_make_tmp ("sffuzzXXXXXX", &error);
  if (error != NULL)
    abort ();
  path = g_build_filename (folder, SF_FUZZ_FILE, NULL);
  atexit (remove_folder);
  return plugin;
}

static void
read_field (const SfDatasetOps *ops, void *instance, size_t index)
{
  SfDatasetField field;
  int64_t rows[MAX_ROWS], n = MIN (ops->n_rows (instance), MAX_ROWS);
  if (!ops->field (instance, index, &field, NULL) || field.name == NULL)
    abort ();
  size_t row_bytes = (size_t) sf_shape_n_elems (&field.shape) * sf_dtype_bytes (field.dtype);
  if (row_bytes > MAX_BYTES)
    n = 0;
  for (int64_t i = 0; i < n; i++)
    rows[i] = ops->n_rows (instance) - 1 - i;
  g_autofree char *out = g_malloc ((size_t) n * row_bytes + 1);
  if (!ops->read (instance, index, rows, (size_t) n, out, NULL))
    abort ();
  rows[0] = ops->n_rows (instance);
  if (ops->read (instance, index, rows, 1, out, NULL))
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  const SfPlugin *plugin = set_up ();
  const SfDatasetOps *ops = plugin->ops.dataset;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) values = plugin->options == NULL
                                          ? NULL
                                          : sf_option_values_new (plugin->options);
  FILE *file = g_fopen (path, "wb");
  if (file == NULL || (n_bytes > 0 && fwrite (data, 1, n_bytes, file) != n_bytes)
      || fclose (file) != 0)
    abort ();
  void *instance = ops->open (folder, "train", values, &error);
  if ((instance != NULL) != (error == NULL))
    abort ();
  if (instance == NULL)
    return 0;
  for (size_t i = 0; i < ops->n_fields (instance); i++)
    read_field (ops, instance, i);
  ops->close (instance);
  return 0;
}
