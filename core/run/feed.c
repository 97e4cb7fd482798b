/* SPDX-License-Identifier: Apache-2.0 */
/* SfDataFeed: a dataset, the order of its rows, and one batch at a time. */
#include "core/run/feed.h"

#include <sf/checked.h>
#include <sf/plugin/dataset.h>
#include <sf/plugins.h>
#include <sf/rng.h>

typedef struct
{
  SfPort port;
  int field; /* of the dataset; -1: none */
  SfDtype field_dtype;
  size_t row_elems; /* per row of the field */
  double scale, shift;
  bool is_target;
  void *raw;       /* one batch as stored */
  SfTensor tensor; /* one batch as fed */
} Input;

struct SfDataFeed
{
  SfSession *session;
  char *path;
  const SfPlugin *plugin;
  SfOptionValues *options;
  void *dataset;
  int64_t n_rows, batch_size;
  bool leaves_out; /* the loss is softmax_ce, which takes no account of targets -1 */
  Input *inputs;
  size_t n_inputs;
  SfTensor *batch; /* views of the inputs' tensors, interface order */
  uint32_t *order;
  int64_t *rows;
};

/* The dataset plugin that is surest of `path`. */
static const SfPlugin *
probe_plugins (const char *path, GError **error)
{
  g_autoptr (GPtrArray) all = sf_plugins_list ();
  g_autoptr (GString) names = g_string_new (NULL);
  const SfPlugin *best = NULL;
  int best_score = 0;
  for (guint i = 0; i < all->len; i++)
    {
      const SfPluginEntry *entry = all->pdata[i];
      if (entry->kind != SF_PLUGIN_DATASET || entry->plugin == NULL)
        continue;
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", entry->name);
      const SfDatasetOps *ops = entry->plugin->ops.dataset;
      int score = ops->probe == NULL ? 0 : ops->probe (path);
      if (score > best_score)
        {
          best = entry->plugin;
          best_score = score;
        }
    }
  if (best == NULL)
    sf_fail (error, SF_ERROR_INVALID_DATA,
             "%s: no dataset plugin knows what lies there (asked: %s); name one with --dataset",
             path, names->str);
  return best;
}

static bool
open_dataset (SfDataFeed *feed, const char *split, const char *dataset, const char *const *options,
              GError **error)
{
  if (!g_file_test (feed->path, G_FILE_TEST_EXISTS))
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "%s: does not exist; give the folder or file of the data with --data",
                    feed->path);
  feed->plugin = dataset != NULL ? sf_plugins_load (SF_PLUGIN_DATASET, dataset, error)
                                 : probe_plugins (feed->path, error);
  if (feed->plugin == NULL)
    return false;
  if (feed->plugin->options != NULL)
    feed->options = sf_option_values_new (feed->plugin->options);
  for (size_t i = 0; options != NULL && options[i] != NULL; i++)
    {
      const char *equals = strchr (options[i], '=');
      g_autofree char *name = equals == NULL
                                  ? NULL
                                  : g_strndup (options[i], (size_t) (equals - options[i]));
      if (name == NULL || feed->options == NULL)
        return sf_fail (
            error, SF_ERROR_INVALID_ARGUMENT,
            "--data-option %s: wanted NAME=VALUE of a dataset plugin's options; `sf inspect dataset:%s` lists them",
            options[i], feed->plugin->name);
      if (!sf_option_set (feed->options, name, equals + 1, "--data-option", error))
        return false;
    }
  feed->dataset = feed->plugin->ops.dataset->open (feed->path, split, feed->options, error);
  if (feed->dataset == NULL)
    return false;
  feed->n_rows = feed->plugin->ops.dataset->n_rows (feed->dataset);
  if (feed->n_rows < 1 || feed->n_rows > INT32_MAX)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: split %s has %" G_GINT64_FORMAT " rows, wanted 1 to 2147483647",
                    feed->path, split, feed->n_rows);
  return true;
}

static const char *
fact (const SfDataFeed *feed, const char *input, const char *what)
{
  g_autofree char *key = g_strdup_printf ("feed.%s.%s", input, what);
  return sf_pef_fact (sf_session_pef (feed->session), key);
}

static double
number_fact (const SfDataFeed *feed, const char *input, const char *what, double otherwise)
{
  const char *text = fact (feed, input, what);
  return text == NULL ? otherwise : g_ascii_strtod (text, NULL);
}

/* Index of the field of that name, -1 without one; false when the dataset fails. */
static bool
find_field (const SfDataFeed *feed, const char *name, int *index, GError **error)
{
  const SfDatasetOps *ops = feed->plugin->ops.dataset;
  SfDatasetField field;
  *index = -1;
  for (size_t i = 0; *index < 0 && i < ops->n_fields (feed->dataset); i++)
    {
      if (!ops->field (feed->dataset, i, &field, error))
        return false;
      if (strcmp (field.name, name) == 0)
        *index = (int) i;
    }
  return true;
}

/* For a model that knows nothing of datasets: its target takes the labels, its only other input the
 * only other field. A table has its numbers in "features" and says nothing of images. */
static bool
guess_field (const SfDataFeed *feed, const Input *input, bool named, int *index, GError **error)
{
  int labels, n_fields = (int) feed->plugin->ops.dataset->n_fields (feed->dataset);
  size_t n_targets = sf_data_feed_target (feed) >= 0;
  if (!find_field (feed, "labels", &labels, error)
      || (!input->is_target && !find_field (feed, "features", index, error)))
    return false;
  if (input->is_target)
    *index = named ? -1 : labels;
  else if (*index < 0 && !named && feed->n_inputs == 1 + n_targets && n_fields == 1 + (labels >= 0))
    *index = labels == 0;
  return true;
}

/* The field that feeds an input: the one the model names, else the one of the same name, else the
 * only one that it can be; input->field -1: none. */
static bool
match_field (SfDataFeed *feed, Input *input, SfDatasetField *out, GError **error)
{
  const char *named = fact (feed, input->port.name, "field");
  if (!find_field (feed, named != NULL ? named : input->port.name, &input->field, error)
      || (input->field < 0 && !guess_field (feed, input, named != NULL, &input->field, error)))
    return false;
  return input->field < 0
         || feed->plugin->ops.dataset->field (feed->dataset, (size_t) input->field, out, error);
}

static bool
match_input (SfDataFeed *feed, Input *input, bool unlabelled, GError **error)
{
  SfDatasetField field = { 0 };
  SfShape row = sf_shape (input->port.shape.rank - 1, input->port.shape.dim + 1);
  if (!match_field (feed, input, &field, error))
    return false;
  if (input->field < 0)
    {
      const char *name = fact (feed, input->port.name, "field");
      if (input->is_target && unlabelled)
        return true;
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: has no field \"%s\" for input %s; compile with --feed %s=FIELD",
                      feed->path, name == NULL ? input->port.name : name, input->port.name,
                      input->port.name);
    }
  if (sf_shape_n_elems (&field.shape) != sf_shape_n_elems (&row))
    {
      g_autofree char *found = sf_shape_text (&field.shape), *wanted = sf_shape_text (&row);
      return sf_fail (
          error, SF_ERROR_INVALID_DATA,
          "%s: rows of field %s have shape %s, input %s wants %s; this data does not fit this model",
          feed->path, field.name, found, input->port.name, wanted);
    }
  input->field_dtype = field.dtype;
  input->row_elems = (size_t) sf_shape_n_elems (&field.shape);
  input->raw = sf_aligned_alloc ((size_t) feed->batch_size * input->row_elems,
                                 sf_dtype_bytes (field.dtype), "a batch", error);
  return input->raw != NULL;
}

static bool
add_inputs (SfDataFeed *feed, const char *entry, bool unlabelled, GError **error)
{
  SfPort port;
  const char *target = sf_pef_fact (sf_session_pef (feed->session), "target");
  while (sf_session_input (feed->session, entry, feed->n_inputs, &port))
    feed->n_inputs++;
  feed->inputs = g_new0 (Input, feed->n_inputs + 1);
  feed->batch = g_new0 (SfTensor, feed->n_inputs + 1);
  for (size_t i = 0; i < feed->n_inputs; i++)
    {
      Input *input = &feed->inputs[i];
      sf_session_input (feed->session, entry, i, &input->port);
      input->is_target = target != NULL && strcmp (input->port.name, target) == 0;
    }
  for (size_t i = 0; i < feed->n_inputs; i++)
    {
      Input *input = &feed->inputs[i];
      if (input->port.shape.rank < 1)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "input %s: has no batch dimension and cannot be fed from a dataset",
                        input->port.name);
      if (i == 0)
        feed->batch_size = input->port.shape.dim[0];
      input->scale = number_fact (feed, input->port.name, "scale", 1);
      input->shift = number_fact (feed, input->port.name, "shift", 0);
      if (input->port.shape.dim[0] != feed->batch_size)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "input %s: its first dimension is not the batch of %s", input->port.name,
                        feed->inputs[0].port.name);
      if (!sf_tensor_alloc (input->port.dtype, &input->port.shape, &input->tensor, error)
          || !match_input (feed, input, unlabelled, error))
        return false;
      feed->batch[i] = input->tensor;
    }
  if (feed->n_inputs == 0 || feed->batch_size < 1)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: the model has no inputs to feed", entry);
  return true;
}

SfDataFeed *
sf_data_feed_open (SfSession *session, const char *entry, const char *path, const char *split,
                   const char *dataset, const char *const *options, bool unlabelled, GError **error)
{
  g_autoptr (SfDataFeed) feed = g_new0 (SfDataFeed, 1);
  feed->session = session;
  feed->path = g_strdup (path);
  feed->leaves_out = g_strcmp0 (sf_pef_fact (sf_session_pef (session), "loss"), "softmax_ce") == 0;
  if (!open_dataset (feed, split, dataset, options, error)
      || !add_inputs (feed, entry, unlabelled, error))
    return NULL;
  feed->order = g_try_new (uint32_t, feed->n_rows);
  feed->rows = g_new (int64_t, feed->batch_size);
  if (feed->order == NULL)
    {
      sf_fail (error, SF_ERROR_NO_RESOURCE,
               "%s: no memory for the order of %" G_GINT64_FORMAT " rows", path, feed->n_rows);
      return NULL;
    }
  if (!sf_data_feed_start (feed, 0, 0, false, error))
    return NULL;
  return g_steal_pointer (&feed);
}

void
sf_data_feed_free (SfDataFeed *feed)
{
  if (feed == NULL)
    return;
  for (size_t i = 0; feed->inputs != NULL && i < feed->n_inputs; i++)
    {
      sf_aligned_free (feed->inputs[i].raw);
      sf_tensor_clear (&feed->inputs[i].tensor);
    }
  if (feed->dataset != NULL)
    feed->plugin->ops.dataset->close (feed->dataset);
  g_clear_pointer (&feed->options, sf_option_values_free);
  g_free (feed->inputs);
  g_free (feed->batch);
  g_free (feed->order);
  g_free (feed->rows);
  g_free (feed->path);
  g_free (feed);
}

int64_t
sf_data_feed_n_rows (const SfDataFeed *feed)
{
  return feed->n_rows;
}

int64_t
sf_data_feed_batch_size (const SfDataFeed *feed)
{
  return feed->batch_size;
}

int
sf_data_feed_target (const SfDataFeed *feed)
{
  for (size_t i = 0; i < feed->n_inputs; i++)
    if (feed->inputs[i].is_target)
      return (int) i;
  return -1;
}

bool
sf_data_feed_labelled (const SfDataFeed *feed)
{
  int target = sf_data_feed_target (feed);
  return target >= 0 && feed->inputs[target].field >= 0;
}

bool
sf_data_feed_start (SfDataFeed *feed, uint64_t seed, int64_t epoch, bool shuffle, GError **error)
{
  if (epoch < 0 || epoch > UINT32_MAX)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "epoch %" G_GINT64_FORMAT ": wanted 0 to 4294967295", epoch);
  const SfRng rng
      = { .seed = seed, .stream = sf_rng_stream_of ("data order"), .step = (uint32_t) epoch };
  if (shuffle)
    sf_rng_permutation (&rng, (uint32_t) feed->n_rows, feed->order);
  else
    for (int64_t i = 0; i < feed->n_rows; i++)
      feed->order[i] = (uint32_t) i;
  return true;
}

/* value = stored * scale + shift, in double, then the input's dtype. */
static bool
convert (Input *input, int64_t batch_size, GError **error)
{
  size_t n = (size_t) batch_size * input->row_elems;
  if (input->scale == 1 && input->shift == 0)
    {
      SfTensor raw = sf_tensor (input->field_dtype, input->port.shape, input->raw);
      if (sf_dtype_is_float (input->port.dtype) || !sf_dtype_is_float (input->field_dtype))
        return sf_tensor_copy (&raw, &input->tensor, error);
      return sf_fail (error, SF_ERROR_INVALID_DATA, "input %s: wants integers, its field holds %s",
                      input->port.name, sf_dtype_name (input->field_dtype));
    }
  double chunk[256];
  for (size_t at = 0; at < n; at += G_N_ELEMENTS (chunk))
    {
      size_t m = MIN (n - at, G_N_ELEMENTS (chunk));
      sf_dtype_convert (input->field_dtype,
                        (char *) input->raw + at * sf_dtype_bytes (input->field_dtype), SF_F64,
                        chunk, m);
      for (size_t i = 0; i < m; i++)
        chunk[i] = chunk[i] * input->scale + input->shift;
      sf_dtype_convert (SF_F64, chunk, input->port.dtype,
                        (char *) input->tensor.data + at * sf_dtype_bytes (input->port.dtype), m);
    }
  return true;
}

/* Rows without a real target: -1 is what softmax_ce leaves out, 0 the rest. */
static void
mark_missing (Input *input, int64_t from, int64_t batch_size)
{
  bool integer = sf_dtype_is_signed (input->port.dtype) && !sf_dtype_is_float (input->port.dtype);
  size_t row = sf_tensor_n_bytes (&input->tensor) / (size_t) batch_size;
  memset ((char *) input->tensor.data + (size_t) from * row, integer ? 0xff : 0,
          (size_t) (batch_size - from) * row);
}

/* Reads feed->rows, of which `real` are real. */
static bool
read_rows (SfDataFeed *feed, int64_t real, GError **error)
{
  for (size_t i = 0; i < feed->n_inputs; i++)
    {
      Input *input = &feed->inputs[i];
      if (input->field >= 0
          && (!feed->plugin->ops.dataset->read (feed->dataset, (size_t) input->field, feed->rows,
                                                (size_t) feed->batch_size, input->raw, error)
              || !convert (input, feed->batch_size, error)))
        return false;
      if (input->is_target && input->field < 0)
        mark_missing (input, 0, feed->batch_size);
      else if (input->is_target && feed->leaves_out)
        mark_missing (input, real, feed->batch_size);
    }
  return true;
}

bool
sf_data_feed_batch (SfDataFeed *feed, int64_t index, const SfTensor **inputs, int64_t *n_real,
                    const int64_t **rows, GError **error)
{
  int64_t first = index * feed->batch_size, real = MIN (feed->batch_size, feed->n_rows - first);
  if (index < 0 || real <= 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: batch %" G_GINT64_FORMAT " is past the last row", feed->path, index);
  for (int64_t i = 0; i < feed->batch_size; i++)
    feed->rows[i] = feed->order[i < real ? first + i : 0];
  if (!read_rows (feed, real, error))
    return false;
  *inputs = feed->batch;
  *n_real = real;
  if (rows != NULL)
    *rows = feed->rows;
  return true;
}

bool
sf_data_feed_padding (SfDataFeed *feed, const SfTensor **inputs, GError **error)
{
  for (int64_t i = 0; i < feed->batch_size; i++)
    feed->rows[i] = feed->order[0];
  *inputs = feed->batch;
  return read_rows (feed, feed->batch_size, error);
}

void *
sf_data_feed_raw (SfDataFeed *feed, int64_t row, SfDtype *dtype, SfShape *shape, GError **error)
{
  const SfDatasetOps *ops = feed->plugin->ops.dataset;
  SfDatasetField field;
  int index = feed->inputs[0].field;
  if (index < 0 || !ops->field (feed->dataset, (size_t) index, &field, error))
    return NULL;
  void *data = g_malloc0 ((size_t) sf_shape_n_elems (&field.shape) * sf_dtype_bytes (field.dtype)
                          + 1);
  if (!ops->read (feed->dataset, (size_t) index, &row, 1, data, error))
    {
      g_free (data);
      return NULL;
    }
  *dtype = field.dtype;
  *shape = field.shape;
  return data;
}
