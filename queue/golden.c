/* SPDX-License-Identifier: Apache-2.0 */
/* SfGolden: a file that people read in diffs, so each row is a line. */
#include "queue/golden.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sf/file.h>

enum
{
  MAX_BYTES = 16 << 20,
};

void
sf_golden_free (SfGolden *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  json_decref (self->changes);
  json_decref (self->rows);
  g_free (self);
}

/* ---- reading ---- */

static bool
check_rows (const SfGolden *self, GError **error)
{
  const char *name, *metric;
  json_t *row, *value;
  json_object_foreach (self->rows, name, row)
    {
      if (!json_is_object (row))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: row \"%s\": found no object, wanted { \"metric\": value }", self->path,
                        name);
      json_object_foreach (row, metric, value)
        {
          if (!json_is_number (value))
            return sf_fail (error, SF_ERROR_INVALID_DATA,
                            "%s: row \"%s\": %s: found no number, wanted one", self->path, name,
                            metric);
        }
    }
  return true;
}

static bool
take_parts (SfGolden *self, json_t *root, GError **error)
{
  const char *format = "";
  int64_t version = 0;
  if (!sf_json_get_string (root, "format", &format, self->path, error)
      || !sf_json_get_int (root, "version", &version, self->path, error))
    return false;
  if (strcmp (format, "spatialflow-golden") != 0 || version != 1)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: found format \"%s\", version %" G_GINT64_FORMAT
                    ", wanted spatialflow-golden, version 1",
                    self->path, format, version);
  json_t *changes = json_object_get (root, "changes"), *rows = json_object_get (root, "rows");
  if (!json_is_array (changes) || !json_is_object (rows))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found no %s, wanted an array \"changes\" and an object \"rows\"",
                    self->path, json_is_array (changes) ? "rows" : "changes");
  self->changes = json_incref (changes);
  self->rows = json_incref (rows);
  return check_rows (self, error);
}

SfGolden *
sf_golden_parse (const char *text, size_t n_bytes, const char *path, GError **error)
{
  g_autoptr (SfGolden) self = g_new0 (SfGolden, 1);
  g_autoptr (json_t) root = sf_json_parse (text, n_bytes, path, error);
  self->path = g_strdup (path);
  self->exists = true;
  return root != NULL && take_parts (self, root, error) ? g_steal_pointer (&self) : NULL;
}

SfGolden *
sf_golden_read (const char *path, GError **error)
{
  SfFileMap map;
  if (access (path, F_OK) != 0 && errno == ENOENT)
    {
      SfGolden *self = g_new0 (SfGolden, 1);
      self->path = g_strdup (path);
      self->changes = json_array ();
      self->rows = json_object ();
      return self;
    }
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  SfGolden *self = sf_golden_parse (map.data != NULL ? (const char *) map.data : "", map.n_bytes,
                                    path, error);
  sf_file_unmap (&map);
  return self;
}

/* ---- rows ---- */

bool
sf_golden_has (const SfGolden *self, const char *name)
{
  return json_object_get (self->rows, name) != NULL;
}

double
sf_golden_value (const SfGolden *self, const char *name, const char *metric)
{
  const json_t *value = json_object_get (json_object_get (self->rows, name), metric);
  return json_is_number (value) ? json_number_value (value) : NAN;
}

void
sf_golden_remove (SfGolden *self, const char *name)
{
  json_object_del (self->rows, name);
}

void
sf_golden_set (SfGolden *self, const char *name, const char *metric, double value)
{
  json_t *row = json_object_get (self->rows, name);
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  if (!isfinite (value))
    {
      json_object_del (row, metric);
      return;
    }
  if (row == NULL)
    {
      row = json_object ();
      json_object_set_new (self->rows, name, row);
    }
  bool whole = value == floor (value) && fabs (value) < 1e15;
  double kept = g_ascii_strtod (g_ascii_formatd (digits, sizeof digits, "%.9g", value), NULL);
  json_object_set_new (row, metric, whole ? json_integer ((json_int_t) value) : json_real (kept));
}

/* ---- writing ---- */

static void
append_json (GString *text, const json_t *value)
{
  char *line = json_dumps (value, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION (9));
  g_string_append (text, line != NULL ? line : "null");
  free (line);
}

static int
by_name (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
append_rows (GString *text, json_t *rows)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *name;
  json_t *row;
  json_object_foreach (rows, name, row)
    g_ptr_array_add (names, (gpointer) name);
  g_ptr_array_sort (names, by_name);
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (json_t) key = json_string (names->pdata[i]);
      g_string_append (text, i > 0 ? ",\n    " : "\n    ");
      append_json (text, key);
      g_string_append (text, ": ");
      append_json (text, json_object_get (rows, names->pdata[i]));
    }
}

static char *
to_text (const SfGolden *self)
{
  GString *text = g_string_new ("{\n  \"format\": \"spatialflow-golden\",\n  \"version\": 1,\n"
                                "  \"changes\": [");
  for (size_t i = 0; i < json_array_size (self->changes); i++)
    {
      g_string_append (text, i > 0 ? ",\n    " : "\n    ");
      append_json (text, json_array_get (self->changes, i));
    }
  g_string_append (text, "\n  ],\n  \"rows\": {");
  append_rows (text, self->rows);
  g_string_append (text, "\n  }\n}\n");
  return g_string_free (text, FALSE);
}

bool
sf_golden_write (SfGolden *self, const char *why, size_t n_cases, GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");
  g_autofree char *folder = g_path_get_dirname (self->path);
  json_array_append_new (self->changes, json_pack ("{s:s, s:s, s:I}", "date", date, "why", why,
                                                   "cases", (json_int_t) n_cases));
  g_autofree char *text = to_text (self);
  return sf_make_folder (folder, error) && sf_file_replace (self->path, text, strlen (text), error);
}
