/* SPDX-License-Identifier: Apache-2.0 */
/* A table of all cases: models and some of their parameters down, the others across, so that what
 * failures have in common is seen. */
#include <string.h>

#include "queue/report_parts.h"
#include "queue/report_words.h"

enum
{
  MAX_ACROSS = 12, /* columns */
  MAX_ROWS = 2000,
};

typedef struct
{
  char *key;
  GPtrArray *values; /* texts, in the order in which they were met; owned */
} Parameter;

typedef struct
{
  GPtrArray *parameters;     /* Parameter, in the order in which they were met */
  size_t n_down;             /* so many of them, the first, are in the rows */
  GPtrArray *rows, *columns; /* keys as texts, in the order of the cases; owned */
  GHashTable *cells;         /* "row\ncolumn" -> index of the case + 1 */
} Matrix;

static void
free_parameter (gpointer data)
{
  Parameter *parameter = data;
  g_free (parameter->key);
  g_ptr_array_unref (parameter->values);
  g_free (parameter);
}

static void
note_text (GPtrArray *texts, const char *text)
{
  if (!g_ptr_array_find_with_equal_func (texts, text, g_str_equal, NULL))
    g_ptr_array_add (texts, g_strdup (text));
}

static Parameter *
find_parameter (Matrix *matrix, const char *key)
{
  for (guint i = 0; i < matrix->parameters->len; i++)
    if (strcmp (((Parameter *) matrix->parameters->pdata[i])->key, key) == 0)
      return matrix->parameters->pdata[i];
  Parameter *parameter = g_new0 (Parameter, 1);
  parameter->key = g_strdup (key);
  parameter->values = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (matrix->parameters, parameter);
  return parameter;
}

static void
find_parameters (Matrix *matrix, const ReportRun *run)
{
  const char *key;
  json_t *value;
  matrix->parameters = g_ptr_array_new_with_free_func (free_parameter);
  for (guint i = 0; i < run->cases->len; i++)
    json_object_foreach (report_run_case (run, i)->parameters, key, value)
      {
        g_autofree char *text = report_parameter (value);
        note_text (find_parameter (matrix, key)->values, text);
      }
}

/* From the last on, as many as there is room for across. */
static void
divide_parameters (Matrix *matrix)
{
  size_t across = 1;
  matrix->n_down = matrix->parameters->len;
  while (matrix->n_down > 0)
    {
      const Parameter *next = matrix->parameters->pdata[matrix->n_down - 1];
      if (across * next->values->len > MAX_ACROSS)
        break;
      across *= next->values->len;
      matrix->n_down--;
    }
}

/* "batch=32 seed=1" of the parameters from..to; those with one value all over are left out. */
static char *
text_of (const Matrix *matrix, const ReportCase *found, const char *before, size_t from, size_t to)
{
  GString *text = g_string_new (before);
  for (size_t i = from; i < to; i++)
    {
      const Parameter *parameter = matrix->parameters->pdata[i];
      const json_t *value = json_object_get (found->parameters, parameter->key);
      if (value == NULL || parameter->values->len < 2)
        continue;
      g_autofree char *shown = report_parameter (value);
      g_string_append_printf (text, "%s%s=%s", text->len > 0 ? " " : "", parameter->key, shown);
    }
  return g_string_free (text, FALSE);
}

static void
matrix_init (Matrix *matrix, const ReportRun *run)
{
  *matrix = (Matrix){ .rows = g_ptr_array_new_with_free_func (g_free),
                      .columns = g_ptr_array_new_with_free_func (g_free),
                      .cells = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  find_parameters (matrix, run);
  divide_parameters (matrix);
  for (guint i = 0; i < run->cases->len; i++)
    {
      const ReportCase *found = report_run_case (run, i);
      g_autofree char *row = text_of (matrix, found, found->model, 0, matrix->n_down),
                      *column = text_of (matrix, found, "", matrix->n_down,
                                         matrix->parameters->len),
                      *key = g_strconcat (row, "\n", column, NULL);
      /* What parameters do not tell apart has its own row. */
      bool taken = row[0] == '\0' || g_hash_table_contains (matrix->cells, key);
      const char *label = taken ? found->name : row;
      note_text (matrix->rows, label);
      note_text (matrix->columns, column);
      g_hash_table_insert (matrix->cells, g_strconcat (label, "\n", column, NULL),
                           GSIZE_TO_POINTER (i + 1));
    }
}

static void
matrix_clear (Matrix *matrix)
{
  g_ptr_array_unref (matrix->parameters);
  g_ptr_array_unref (matrix->rows);
  g_ptr_array_unref (matrix->columns);
  g_hash_table_unref (matrix->cells);
}

static void
put_header (Markup *markup, const Matrix *matrix)
{
  markup_begin (markup, "tr");
  markup_element (markup, "th", NULL, "model");
  for (guint c = 0; c < matrix->columns->len; c++)
    {
      g_auto (GStrv) lines = g_strsplit (matrix->columns->pdata[c], " ", -1);
      markup_begin (markup, "th");
      for (char **line = lines; *line != NULL; line++)
        {
          if (line != lines)
            {
              markup_begin (markup, "br");
              markup_end (markup);
            }
          markup_text (markup, "%s", *line);
        }
      markup_end (markup);
    }
  markup_end (markup);
}

static void
put_cell (Markup *markup, const ReportHistory *history, const Matrix *matrix, const char *row,
          const char *column)
{
  static const char *const words[]
      = { [REPORT_PASSED] = "passed", [REPORT_FAILED] = "FAILED", [REPORT_ERROR] = "ERROR" };
  g_autofree char *key = g_strconcat (row, "\n", column, NULL);
  size_t at = GPOINTER_TO_SIZE (g_hash_table_lookup (matrix->cells, key));
  if (at == 0)
    {
      page_cell (markup, "none", "-");
      return;
    }
  const ReportTrack *track = report_track (history, at - 1);
  const ReportCase *found = track->found;
  markup_begin (markup, "td");
  markup_attr (markup, "class", "%s", found->state == REPORT_PASSED ? "pass" : "fail");
  g_autofree char *verdict = found->state == REPORT_PASSED ? NULL : report_verdict (found);
  markup_begin (markup, "a");
  markup_attr (markup, "href", "#case%zu", at);
  markup_attr (markup, "title", "%s%s%.300s", found->name, verdict != NULL ? ": " : "",
               verdict != NULL ? verdict : "");
  markup_text (markup, "%s", track->news == NEWS_MENDED ? "mended" : words[found->state]);
  markup_end (markup);
  markup_end (markup);
}

/* What all cases have in common. */
static void
put_common (Markup *markup, const Matrix *matrix)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < matrix->parameters->len; i++)
    {
      const Parameter *parameter = matrix->parameters->pdata[i];
      if (parameter->values->len == 1)
        g_string_append_printf (text, "%s%s=%s", text->len > 0 ? ", " : "", parameter->key,
                                (const char *) parameter->values->pdata[0]);
    }
  if (text->len > 0)
    markup_element (markup, "p", "sub", "All with %s.", text->str);
}

void
report_put_matrix (Markup *markup, const ReportHistory *history)
{
  if (history->tracks->len == 0)
    return;
  Matrix matrix;
  matrix_init (&matrix, history->run);
  markup_element (markup, "h2", NULL, "All cases");
  put_common (markup, &matrix);
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "table");
  markup_attr (markup, "class", "matrix");
  put_header (markup, &matrix);
  for (guint r = 0; r < MIN (matrix.rows->len, MAX_ROWS); r++)
    {
      const char *row = matrix.rows->pdata[r];
      markup_begin (markup, "tr");
      markup_element (markup, "th", NULL, "%s", row);
      for (guint c = 0; c < matrix.columns->len; c++)
        put_cell (markup, history, &matrix, row, matrix.columns->pdata[c]);
      markup_end (markup);
    }
  markup_end (markup);
  markup_end (markup);
  if (matrix.rows->len > MAX_ROWS)
    markup_element (markup, "p", "sub", "%zu more rows are in results.json.",
                    (size_t) matrix.rows->len - MAX_ROWS);
  matrix_clear (&matrix);
}
