/* SPDX-License-Identifier: Apache-2.0 */
/* Dataset `csv`: numbers in columns; one column is the field "labels", the others together are the
 * field "features". */
#include <sf/checked.h>
#include <sf/file.h>
#include <sf/plugin/dataset.h>

#include <float.h>
#include <math.h>

#define MAX_BYTES ((size_t) 1 << 30)

static const SfOption options[] = {
  { .name = "label",
    .type = SF_OPTION_STRING,
    .help = "column of the label, by name or number from 0; default the last" },
  { .name = NULL },
};

typedef struct
{
  SfDatasetArrays arrays; /* of `field`; first, for sf_dataset_arrays_* */
  SfDatasetArray field[2];
  char *path;
  int64_t rows, columns, label; /* label: column index */
  GArray *features;             /* float, rows x (columns - 1) */
  GArray *labels;               /* int32_t */
} Csv;

/* The file of a split: `path` itself when it is a file, else <path>/<split>.csv. */
static char *
file_of (const char *path, const char *split)
{
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return g_strdup (path);
  g_autofree char *name = g_strconcat (split, ".csv", NULL);
  return g_build_filename (path, name, NULL);
}

static int
probe (const char *path)
{
  g_autofree char *train = file_of (path, "train"), *test = file_of (path, "test");
  bool file = g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_str_has_suffix (path, ".csv");
  bool folder = g_file_test (path, G_FILE_TEST_IS_DIR)
                && (g_file_test (train, G_FILE_TEST_EXISTS)
                    || g_file_test (test, G_FILE_TEST_EXISTS));
  return file || folder ? 80 : 0;
}

static bool
parse_number (const char *cell, double *out)
{
  char *end;
  *out = g_ascii_strtod (cell, &end);
  while (g_ascii_isspace (*end))
    end++;
  return end != cell && *end == '\0' && fabs (*out) <= FLT_MAX;
}

static bool
find_label (Csv *csv, char **header, bool named, const char *wanted, GError **error)
{
  csv->label = csv->columns - 1;
  if (wanted == NULL)
    return true;
  for (int64_t i = 0; named && i < csv->columns; i++)
    if (strcmp (g_strstrip (header[i]), wanted) == 0)
      {
        csv->label = i;
        return true;
      }
  char *end;
  csv->label = g_ascii_strtoll (wanted, &end, 10);
  if (*wanted == '\0' || *end != '\0' || csv->label < 0 || csv->label >= csv->columns)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "%s: no column \"%s\"; name one of its header or a number from 0 to %" G_GINT64_FORMAT,
        csv->path, wanted, csv->columns - 1);
  return true;
}

static bool
add_row (Csv *csv, char **cells, size_t line, GError **error)
{
  int64_t n = (int64_t) g_strv_length (cells);
  if (n != csv->columns)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s:%zu: found %" G_GINT64_FORMAT
                    " columns, the first line has %" G_GINT64_FORMAT,
                    csv->path, line, n, csv->columns);
  for (int64_t i = 0; i < n; i++)
    {
      double value;
      if (!parse_number (cells[i], &value))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s:%zu: column %" G_GINT64_FORMAT
                        ": found \"%.40s\", wanted a finite number",
                        csv->path, line, i, cells[i]);
      if (i != csv->label)
        {
          float feature = (float) value;
          g_array_append_val (csv->features, feature);
        }
      else if (value == floor (value) && fabs (value) <= INT32_MAX)
        {
          int32_t label = (int32_t) value;
          g_array_append_val (csv->labels, label);
        }
      else
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "%s:%zu: the label is %g, wanted a whole number; name its column with --data-option label=NAME",
            csv->path, line, value);
    }
  csv->rows++;
  return true;
}

static bool
parse (Csv *csv, char *text, const char *label, GError **error)
{
  static const char byte_order_mark[] = "\xef\xbb\xbf";
  size_t line = 0;
  if (g_str_has_prefix (text, byte_order_mark))
    text += strlen (byte_order_mark);
  for (char *at = text; at != NULL && *at != '\0';)
    {
      char *end = strchr (at, '\n');
      if (end != NULL)
        *end = '\0';
      line++;
      g_strchomp (at);
      if (*at != '\0')
        {
          g_auto (GStrv) cells = g_strsplit (at, ",", -1);
          double value;
          if (csv->columns == 0)
            {
              csv->columns = (int64_t) g_strv_length (cells);
              bool named = !parse_number (cells[0], &value);
              if (!find_label (csv, cells, named, label, error))
                return false;
              if (!named && !add_row (csv, cells, line, error))
                return false;
            }
          else if (!add_row (csv, cells, line, error))
            return false;
        }
      at = end == NULL ? NULL : end + 1;
    }
  if (csv->rows == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: has no rows of numbers", csv->path);
  return true;
}

/* "features" and "labels"; "labels" alone when there is nothing else. */
static void
set_fields (Csv *csv)
{
  if (csv->columns > 1)
    csv->field[csv->arrays.n_fields++] = (SfDatasetArray){ "features", csv->path, SF_F32,
                                                           SF_SHAPE (csv->rows, csv->columns - 1),
                                                           csv->features->data };
  csv->field[csv->arrays.n_fields++] = (SfDatasetArray){ "labels", csv->path, SF_I32,
                                                         SF_SHAPE (csv->rows), csv->labels->data };
  csv->arrays.fields = csv->field;
}

static void
csv_close (void *instance)
{
  Csv *csv = instance;
  g_free (csv->path);
  g_array_unref (csv->features);
  g_array_unref (csv->labels);
  g_free (csv);
}

static void *
csv_open (const char *path, const char *split, const SfOptionValues *values, GError **error)
{
  size_t n_bytes = 0;
  Csv *csv = g_new0 (Csv, 1);
  csv->path = file_of (path, split);
  csv->features = g_array_new (FALSE, FALSE, sizeof (float));
  csv->labels = g_array_new (FALSE, FALSE, sizeof (int32_t));
  g_autofree uint8_t *bytes = sf_file_read_maybe_gzip (csv->path, MAX_BYTES, &n_bytes, error);
  bool ok = bytes != NULL;
  if (ok
      && (memchr (bytes, 0, n_bytes) != NULL
          || !g_utf8_validate ((const char *) bytes, (gssize) n_bytes, NULL)))
    ok = sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: is not text in UTF-8; wanted comma-separated numbers", csv->path);
  if (ok)
    {
      g_autofree char *text = g_strndup ((const char *) bytes, n_bytes);
      ok = parse (csv, text, values == NULL ? NULL : sf_option_string (values, "label"), error);
    }
  if (ok)
    {
      set_fields (csv);
      return csv;
    }
  csv_close (csv);
  return NULL;
}

static const SfDatasetOps ops = {
  .size = sizeof ops,
  .probe = probe,
  .open = csv_open,
  .close = csv_close,
  .n_rows = sf_dataset_arrays_n_rows,
  .n_fields = sf_dataset_arrays_n_fields,
  .field = sf_dataset_arrays_field,
  .read = sf_dataset_arrays_read,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_DATASET, "csv", "1.0",
                  "numbers in columns: <split>.csv or one file, plain or gzipped"),
  .options = options,
  .ops.dataset = &ops,
};
