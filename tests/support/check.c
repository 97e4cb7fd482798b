/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that say what they found, rows of cases, and scratch folders. */
#include "tests/support/sftest.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void
sf_test_fail (const char *file, int line, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  sf_test_fail_text (file, line, text);
}

const char *
sf_test_row_name (const void *row)
{
  return *(const char *const *) row;
}

void
sf_test_register_rows (const char *suite, const char *name, SfTestFunc func, const void *rows,
                       size_t n, size_t row_bytes, SfTestNameFunc row_name, const char *file,
                       int line)
{
  for (size_t i = 0; i < n; i++)
    {
      const char *row = (const char *) rows + i * row_bytes;
      g_autofree char *label = g_strdup (row_name (row));
      g_strcanon (label, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-", '_');
      g_autofree char *full = g_strdup_printf ("%s/%s", name, label);
      sf_test_register (suite, full, func, row, file, line);
    }
}

bool
sf_test_check_int (const char *file, int line, const char *expr, int64_t found, int64_t wanted)
{
  if (found == wanted)
    return true;
  sf_test_fail (file, line,
                "%s: found %" PRId64 " (0x%" PRIx64 "), wanted %" PRId64 " (0x%" PRIx64 ")", expr,
                found, (uint64_t) found, wanted, (uint64_t) wanted);
  return false;
}

bool
sf_test_check_str (const char *file, int line, const char *expr, const char *found,
                   const char *wanted)
{
  if (g_strcmp0 (found, wanted) == 0)
    return true;
  sf_test_fail (file, line, "%s:\n   found  %s\n   wanted %s", expr, found != NULL ? found : "NULL",
                wanted != NULL ? wanted : "NULL");
  return false;
}

bool
sf_test_check_near (const char *file, int line, const char *expr, double found, double wanted,
                    double tolerance)
{
  /* Equal infinities are near; NaN never is. */
  if (found == wanted || fabs (found - wanted) <= tolerance)
    return true;
  sf_test_fail (file, line, "%s: found %.17g, wanted %.17g within %g (off by %g)", expr, found,
                wanted, tolerance, fabs (found - wanted));
  return false;
}

bool
sf_test_check_error (const char *file, int line, GError **error, int code, const char *text)
{
  const GError *e = *error;
  bool good = false;
  if (e == NULL)
    sf_test_fail (file, line, "no error, wanted %s \"%s\"", sf_error_code_name (code), text);
  else if (e->domain != SF_ERROR || e->code != code)
    sf_test_fail (file, line, "error: found %s %s \"%s\", wanted %s", g_quark_to_string (e->domain),
                  e->domain == SF_ERROR ? sf_error_code_name (e->code) : "", e->message,
                  sf_error_code_name (code));
  else if (strstr (e->message, text) == NULL)
    sf_test_fail (file, line, "error message:\n   found  %s\n   wanted %s", e->message, text);
  else
    good = true;
  g_clear_error (error);
  return good;
}

static GPtrArray *tmpdirs;
static GMutex tmpdirs_lock;

static int
remove_entry (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) st, (void) type, (void) ftw;
  return remove (path);
}

static void
remove_tmpdirs (void)
{
  for (guint i = 0; i < tmpdirs->len; i++)
    nftw (tmpdirs->pdata[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  g_ptr_array_free (tmpdirs, TRUE);
}

char *
sf_test_tmpdir (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("sftest-XXXXXX", &error);
  if (path == NULL)
    g_error ("%s", error->message);
  g_mutex_lock (&tmpdirs_lock);
  if (tmpdirs == NULL)
    {
      tmpdirs = g_ptr_array_new_with_free_func (g_free);
      atexit (remove_tmpdirs);
    }
  g_ptr_array_add (tmpdirs, g_strdup (path));
  g_mutex_unlock (&tmpdirs_lock);
  return path;
}

char *
sf_test_write_file (const char *folder, const char *name, const void *bytes, gssize n_bytes)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  if (!g_file_set_contents (path, bytes, n_bytes, &error))
    g_error ("%s", error->message);
  return path;
}

char *
sf_test_source_path (const char *relative)
{
  const char *top = g_getenv ("SF_SOURCE_DIR");
  return g_build_filename (top != NULL ? top : ".", relative, NULL);
}
