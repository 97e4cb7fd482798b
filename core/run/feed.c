/* SPDX-License-Identifier: Apache-2.0 */
/* SfDataFeed: a dataset, the order of its rows, and one batch at a time. */
#include "core/run/feed.h"

#include <sf/checked.h>
#include <sf/plugin/dataset.h>
#include <sf/plugins.h>
#include <sf/rng.h>

#include "core/run/ahead.h"
#include "core/run/column.h"
#include "core/run/session.h"

enum
{
  BLOCK_BYTES = 1 << 20, /* of a block of batches, where one is not more */
  MAX_BLOCK = 1024,      /* batches in it */
  LINE_BYTES = 64
};

/* A batch's bytes on lines of its own. */
#define LINES(bytes) (((bytes) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES)

typedef struct
{
  SfPort port;
  int field;       /* of the dataset; -1: none */
  SfColumn column; /* of that field */
  bool is_target;
  size_t batch_bytes;
  char *batches; /* one per place, each on cache lines of its own */
} Input;

/* What determines the order of the rows. */
typedef struct
{
  uint64_t seed;
  int64_t epoch;
  bool shuffle;
} Order;

struct SfDataFeed
{
  SfSession *session;
  char *entry, *path;
  const SfPlugin *plugin;
  SfOptionValues *options;
  void *dataset;
  int64_t n_rows, batch_size;
  bool leaves_out; /* the loss is softmax_ce, which takes no account of targets -1 */
  Input *inputs;
  size_t n_inputs;
  SfTensor *batch; /* views of the batch that the user has, interface order */

  SfAhead *ahead; /* NULL before the first start; fills what follows while it is not paused */
  int64_t per_block;
  Order wanted, made; /* `made`: what `order` holds */
  uint32_t *order;
  int64_t *rows;     /* of the batches, by place */
  SfTensor *filling; /* views of the batch that is being filled */
};

/* The dataset plugin that is surest of `path`. */
static const SfPlugin *
probe_plugins (const char *path, GError **error)
{
  g_autoptr (GPtrArray) all = sf_plugins_list_kind (SF_PLUGIN_DATASET);
  g_autoptr (GString) names = g_string_new (NULL);
  const SfPlugin *best = NULL;
  int best_score = 0;
  for (guint i = 0; i < all->len; i++)
    {
      const SfPluginEntry *entry = all->pdata[i];
      if (entry->plugin == NULL)
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
  input->column = (SfColumn){
    .ops = feed->plugin->ops.dataset,
    .dataset = feed->dataset,
    .field = (size_t) input->field,
    .from = field.dtype,
    .to = input->port.dtype,
    .scale = number_fact (feed, input->port.name, "scale", 1),
    .shift = number_fact (feed, input->port.name, "shift", 0),
    .row_elems = (size_t) sf_shape_n_elems (&field.shape),
  };
  if (sf_dtype_is_float (field.dtype) && !sf_dtype_is_float (input->port.dtype)
      && input->column.scale == 1 && input->column.shift == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "input %s: wants integers, its field holds %s",
                    input->port.name, sf_dtype_name (field.dtype));
  return sf_column_prepare (&input->column, error);
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
  feed->filling = g_new0 (SfTensor, feed->n_inputs + 1);
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
      if (input->port.shape.dim[0] != feed->batch_size)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "input %s: its first dimension is not the batch of %s", input->port.name,
                        feed->inputs[0].port.name);
      if (!match_input (feed, input, unlabelled, error))
        return false;
      feed->batch[i] = sf_tensor (input->port.dtype, input->port.shape, NULL);
      feed->filling[i] = feed->batch[i];
      input->batch_bytes = sf_tensor_n_bytes (&feed->batch[i]);
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
  feed->entry = g_strdup (entry);
  feed->path = g_strdup (path);
  feed->leaves_out = g_strcmp0 (sf_pef_fact (sf_session_pef (session), "loss"), "softmax_ce") == 0;
  if (!open_dataset (feed, split, dataset, options, error)
      || !add_inputs (feed, entry, unlabelled, error))
    return NULL;
  return g_steal_pointer (&feed);
}

void
sf_data_feed_free (SfDataFeed *feed)
{
  if (feed == NULL)
    return;
  sf_ahead_free (feed->ahead);
  for (size_t i = 0; feed->inputs != NULL && i < feed->n_inputs; i++)
    {
      sf_aligned_free (feed->inputs[i].batches);
      sf_column_clear (&feed->inputs[i].column);
    }
  if (feed->dataset != NULL)
    feed->plugin->ops.dataset->close (feed->dataset);
  g_clear_pointer (&feed->options, sf_option_values_free);
  sf_aligned_free (feed->order);
  sf_aligned_free (feed->rows);
  g_free (feed->inputs);
  g_free (feed->batch);
  g_free (feed->filling);
  g_free (feed->entry);
  g_free (feed->path);
  g_free (feed);
}

static int64_t
n_batches (const SfDataFeed *feed)
{
  return (feed->n_rows - 1) / feed->batch_size + 1;
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

/* Makes the order that is wanted, unless it is there. */
static void
make_order (SfDataFeed *feed)
{
  const Order *wanted = &feed->wanted, *made = &feed->made;
  if (wanted->seed == made->seed && wanted->epoch == made->epoch
      && wanted->shuffle == made->shuffle)
    return;
  const SfRng rng = { .seed = wanted->seed,
                      .stream = sf_rng_stream_of ("data order"),
                      .step = (uint32_t) wanted->epoch };
  if (wanted->shuffle)
    sf_rng_permutation (&rng, (uint32_t) feed->n_rows, feed->order);
  else
    for (int64_t i = 0; i < feed->n_rows; i++)
      feed->order[i] = (uint32_t) i;
  feed->made = *wanted;
}

/* Rows without a real target: -1 is what softmax_ce leaves out, 0 the rest. */
static void
mark_missing (SfTensor *target, int64_t from, int64_t batch_size)
{
  bool integer = sf_dtype_is_signed (target->dtype) && !sf_dtype_is_float (target->dtype);
  size_t row = sf_tensor_n_bytes (target) / (size_t) batch_size;
  memset ((char *) target->data + (size_t) from * row, integer ? 0xff : 0,
          (size_t) (batch_size - from) * row);
}

static void
set_views (const SfDataFeed *feed, int64_t place, SfTensor *views)
{
  for (size_t i = 0; i < feed->n_inputs; i++)
    {
      const Input *input = &feed->inputs[i];
      views[i].data = input->batches + (size_t) place * LINES (input->batch_bytes);
    }
}

/* Reads the rows of a place, of which `real` are real, and checks them. */
static bool
read_rows (SfDataFeed *feed, int64_t place, int64_t real, GError **error)
{
  const int64_t *rows = feed->rows + place * feed->batch_size;
  set_views (feed, place, feed->filling);
  for (size_t i = 0; i < feed->n_inputs; i++)
    {
      Input *input = &feed->inputs[i];
      SfTensor *tensor = &feed->filling[i];
      if (input->field >= 0
          && !sf_column_read (&input->column, rows, (size_t) feed->batch_size, tensor->data, error))
        return false;
      if (input->is_target && input->field < 0)
        mark_missing (tensor, 0, feed->batch_size);
      else if (input->is_target && feed->leaves_out)
        mark_missing (tensor, real, feed->batch_size);
    }
  return sf_session_check_inputs (feed->session, feed->entry, feed->filling, error);
}

static int64_t
real_rows (const SfDataFeed *feed, int64_t index)
{
  return MIN (feed->batch_size, feed->n_rows - index * feed->batch_size);
}

/* Batch `index` of the order into `place`; runs in the thread of feed->ahead. */
static bool
fill_batch (void *user_data, int64_t index, int64_t place, GError **error)
{
  SfDataFeed *feed = user_data;
  int64_t first = index * feed->batch_size, real = real_rows (feed, index);
  int64_t *rows = feed->rows + place * feed->batch_size;
  make_order (feed);
  for (int64_t i = 0; i < feed->batch_size; i++)
    rows[i] = feed->order[i < real ? first + i : 0];
  return read_rows (feed, place, real, error);
}

/* Memory for two blocks of batches, and the thread. */
static bool
prepare (SfDataFeed *feed, GError **error)
{
  if (feed->ahead != NULL)
    return true;
  size_t bytes = 1;
  for (size_t i = 0; i < feed->n_inputs; i++)
    bytes += LINES (feed->inputs[i].batch_bytes);
  feed->per_block = CLAMP ((int64_t) (BLOCK_BYTES / bytes), 1, MAX_BLOCK);
  feed->per_block = MIN (feed->per_block, n_batches (feed));
  size_t n_places = 2 * (size_t) feed->per_block;
  for (size_t i = 0; i < feed->n_inputs; i++)
    {
      Input *input = &feed->inputs[i];
      if (input->batches == NULL)
        input->batches = sf_aligned_alloc (n_places, LINES (input->batch_bytes), "batches", error);
      if (input->batches == NULL)
        return false;
    }
  if (feed->rows == NULL)
    feed->rows = sf_aligned_alloc (n_places * (size_t) feed->batch_size, sizeof *feed->rows,
                                   "rows of batches", error);
  if (feed->order == NULL)
    feed->order = sf_aligned_alloc ((size_t) feed->n_rows, sizeof *feed->order, "the order of rows",
                                    error);
  feed->made.epoch = -1;
  if (feed->rows != NULL && feed->order != NULL)
    feed->ahead = sf_ahead_new (feed->per_block, fill_batch, feed, error);
  return feed->ahead != NULL;
}

bool
sf_data_feed_start (SfDataFeed *feed, uint64_t seed, int64_t epoch, bool shuffle, int64_t first,
                    GError **error)
{
  if (epoch < 0 || epoch > UINT32_MAX)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "epoch %" G_GINT64_FORMAT ": wanted 0 to 4294967295", epoch);
  if (!prepare (feed, error))
    return false;
  sf_ahead_pause (feed->ahead);
  feed->wanted = (Order){ .seed = seed, .epoch = epoch, .shuffle = shuffle };
  sf_ahead_start (feed->ahead, first, n_batches (feed));
  return true;
}

bool
sf_data_feed_batch (SfDataFeed *feed, int64_t index, const SfTensor **inputs, int64_t *n_real,
                    const int64_t **rows, GError **error)
{
  int64_t place;
  if (index < 0 || index >= n_batches (feed))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: batch %" G_GINT64_FORMAT " is past the last row", feed->path, index);
  if (feed->ahead == NULL && !sf_data_feed_start (feed, 0, 0, false, index, error))
    return false;
  if (!sf_ahead_take (feed->ahead, index, &place, error))
    return false;
  set_views (feed, place, feed->batch);
  *inputs = feed->batch;
  *n_real = real_rows (feed, index);
  if (rows != NULL)
    *rows = feed->rows + place * feed->batch_size;
  return true;
}

bool
sf_data_feed_padding (SfDataFeed *feed, const SfTensor **inputs, GError **error)
{
  if (feed->ahead == NULL && !sf_data_feed_start (feed, 0, 0, false, 0, error))
    return false;
  sf_ahead_pause (feed->ahead);
  make_order (feed);
  for (int64_t i = 0; i < feed->batch_size; i++)
    feed->rows[i] = feed->order[0];
  set_views (feed, 0, feed->batch);
  *inputs = feed->batch;
  return read_rows (feed, 0, feed->batch_size, error);
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
