/* SPDX-License-Identifier: Apache-2.0 */
/* A sweep's table in its three forms. */
#include "tools/sf/sweep_table.h"

#include <stdlib.h>
#include <string.h>

#include <sf/config.h>
#include <sf/json.h>

static void
row_free (gpointer data)
{
  SweepRow *row = data;
  g_strfreev (row->values);
  g_free (row->failure);
  g_free (row->entry);
  g_free (row);
}

SweepTable *
sweep_table_new (void)
{
  SweepTable *table = g_new0 (SweepTable, 1);
  table->axes = g_ptr_array_new_with_free_func (g_free);
  table->rows = g_ptr_array_new_with_free_func (row_free);
  return table;
}

void
sweep_table_free (SweepTable *table)
{
  g_ptr_array_unref (table->axes);
  g_ptr_array_unref (table->rows);
  g_free (table);
}

/* ---- columns ---- */

typedef enum
{
  COUNT,   /* int64_t */
  NUMBER,  /* double */
  SPEEDUP, /* double, with a baseline only */
} ColumnType;

/* Of a row that did not fail. */
typedef struct
{
  const char *name;  /* in CSV and JSON */
  const char *title; /* in the table for people; NULL: not there */
  ColumnType type;
  size_t offset;
  double scale; /* in the table for people */
  int digits;
} Column;

static const Column columns[] = {
  { "sections", "sections", COUNT, G_STRUCT_OFFSET (SweepRow, sections), 1, 0 },
  { "stages", "stages", COUNT, G_STRUCT_OFFSET (SweepRow, stages), 1, 0 },
  { "configs", NULL, COUNT, G_STRUCT_OFFSET (SweepRow, configs), 1, 0 },
  { "host_launches", "host", COUNT, G_STRUCT_OFFSET (SweepRow, host_launches), 1, 0 },
  { "pcus", "PCUs", COUNT, G_STRUCT_OFFSET (SweepRow, pcus), 1, 0 },
  { "pmus", "PMUs", COUNT, G_STRUCT_OFFSET (SweepRow, pmus), 1, 0 },
  { "emulated_cycles", NULL, COUNT, G_STRUCT_OFFSET (SweepRow, cycles), 1, 0 },
  { "emulated_seconds", "step us", NUMBER, G_STRUCT_OFFSET (SweepRow, seconds), 1e6, 2 },
  { "samples_per_s", "samples/s", NUMBER, G_STRUCT_OFFSET (SweepRow, samples_per_s), 1, 0 },
  { "speedup", "speedup", SPEEDUP, G_STRUCT_OFFSET (SweepRow, speedup), 1, 2 },
  { "compile_seconds", "compile s", NUMBER, G_STRUCT_OFFSET (SweepRow, compile_seconds), 1, 2 },
};

static int64_t
count_of (const SweepRow *row, const Column *column)
{
  return G_STRUCT_MEMBER (int64_t, row, column->offset);
}

static double
number_of (const SweepRow *row, const Column *column)
{
  return G_STRUCT_MEMBER (double, row, column->offset);
}

/* Whether the row has a figure there. */
static bool
has_figure (const SweepRow *row, const Column *column)
{
  return row->failure == NULL && (column->type != SPEEDUP || row->speedup > 0);
}

/* ---- for people ---- */

static char *
cell_text (const SweepRow *row, const Column *column)
{
  if (!has_figure (row, column))
    return g_strdup ("-");
  if (column->type == COUNT)
    return g_strdup_printf ("%" G_GINT64_FORMAT, count_of (row, column));
  return g_strdup_printf ("%.*f", column->digits, column->scale * number_of (row, column));
}

static bool
is_shown (const SweepTable *table, const Column *column)
{
  if (column->offset == G_STRUCT_OFFSET (SweepRow, host_launches))
    {
      for (guint i = 0; i < table->rows->len; i++)
        if (((const SweepRow *) table->rows->pdata[i])->host_launches > 0)
          return true;
      return false;
    }
  return column->title != NULL && (column->type != SPEEDUP || table->has_baseline);
}

/* The text of one column in all rows, its title first: as wide as the widest. */
static char **
column_cells (const SweepTable *table, const Column *column, int *width)
{
  char **cells = g_new0 (char *, table->rows->len + 2);
  cells[0] = g_strdup (column->title);
  for (guint i = 0; i < table->rows->len; i++)
    cells[i + 1] = cell_text (table->rows->pdata[i], column);
  *width = 0;
  for (guint i = 0; cells[i] != NULL; i++)
    *width = MAX (*width, (int) strlen (cells[i]));
  return cells;
}

static void
append_axes (const SweepTable *table, GString **lines)
{
  for (guint a = 0; a < table->axes->len; a++)
    {
      int width = (int) strlen (table->axes->pdata[a]);
      for (guint i = 0; i < table->rows->len; i++)
        width = MAX (width, (int) strlen (((SweepRow *) table->rows->pdata[i])->values[a]));
      for (guint i = 0; i <= table->rows->len; i++)
        g_string_append_printf (lines[i], "%-*s  ", width,
                                i == 0 ? (const char *) table->axes->pdata[a]
                                       : ((SweepRow *) table->rows->pdata[i - 1])->values[a]);
    }
}

char *
sweep_table_text (const SweepTable *table)
{
  guint n = table->rows->len + 1;
  g_autofree GString **lines = g_new0 (GString *, n);
  for (guint i = 0; i < n; i++)
    lines[i] = g_string_new (NULL);
  append_axes (table, lines);
  for (size_t c = 0; c < G_N_ELEMENTS (columns); c++)
    {
      int width;
      if (!is_shown (table, &columns[c]))
        continue;
      g_auto (GStrv) cells = column_cells (table, &columns[c], &width);
      for (guint i = 0; i < n; i++)
        if (i == 0 || ((SweepRow *) table->rows->pdata[i - 1])->failure == NULL)
          g_string_append_printf (lines[i], "%*s  ", width, cells[i]);
    }
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    {
      const SweepRow *row = i > 0 ? table->rows->pdata[i - 1] : NULL;
      if (row != NULL && row->failure != NULL)
        g_string_append_printf (lines[i], "failed: %s", row->failure);
      g_autofree char *line = g_strchomp (g_string_free (lines[i], FALSE));
      g_string_append_printf (text, "%s\n", line);
    }
  return g_string_free (text, FALSE);
}

/* ---- CSV ---- */

static void
append_csv (GString *text, const char *field)
{
  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append_c (text, ',');
  if (strpbrk (field, ",\"\n\r") == NULL)
    {
      g_string_append (text, field);
      return;
    }
  g_auto (GStrv) parts = g_strsplit (field, "\"", -1);
  g_autofree char *doubled = g_strjoinv ("\"\"", parts);
  g_string_append_printf (text, "\"%s\"", doubled);
}

char *
sweep_table_csv (const SweepTable *table)
{
  GString *text = g_string_new (NULL);
  for (guint a = 0; a < table->axes->len; a++)
    append_csv (text, table->axes->pdata[a]);
  append_csv (text, "entry");
  for (size_t c = 0; c < G_N_ELEMENTS (columns); c++)
    append_csv (text, columns[c].name);
  append_csv (text, "failure");
  for (guint i = 0; i < table->rows->len; i++)
    {
      const SweepRow *row = table->rows->pdata[i];
      g_string_append_c (text, '\n');
      for (guint a = 0; a < table->axes->len; a++)
        append_csv (text, row->values[a]);
      append_csv (text, row->entry != NULL ? row->entry : "");
      for (size_t c = 0; c < G_N_ELEMENTS (columns); c++)
        {
          g_autofree char *field = !has_figure (row, &columns[c]) ? g_strdup ("")
                                   : columns[c].type == COUNT
                                       ? g_strdup_printf ("%" G_GINT64_FORMAT,
                                                          count_of (row, &columns[c]))
                                       : sf_float_text (number_of (row, &columns[c]));
          append_csv (text, field);
        }
      append_csv (text, row->failure != NULL ? row->failure : "");
    }
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}

/* ---- JSON ---- */

char *
sweep_table_json (const SweepTable *table)
{
  g_autoptr (json_t) list = json_array ();
  for (guint i = 0; i < table->rows->len; i++)
    {
      const SweepRow *row = table->rows->pdata[i];
      json_t *object = json_object (), *options = json_object ();
      for (guint a = 0; a < table->axes->len; a++)
        json_object_set_new (options, table->axes->pdata[a], json_string (row->values[a]));
      json_object_set_new (object, "options", options);
      if (row->entry != NULL)
        json_object_set_new (object, "entry", json_string (row->entry));
      for (size_t c = 0; c < G_N_ELEMENTS (columns); c++)
        if (has_figure (row, &columns[c]))
          json_object_set_new (object, columns[c].name,
                               columns[c].type == COUNT ? json_integer (count_of (row, &columns[c]))
                                                        : json_real (number_of (row, &columns[c])));
      if (row->failure != NULL)
        json_object_set_new (object, "failure", json_string (row->failure));
      json_array_append_new (list, object);
    }
  char *text = json_dumps (list, JSON_INDENT (2));
  char *owned = g_strconcat (text, "\n", NULL);
  free (text);
  return owned;
}
