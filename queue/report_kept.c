/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue keeps of regression runs. */
#include "queue/report_kept.h"

#include <string.h>

#include <sf/file.h>
#include <sf/log.h>

#include "queue/folder.h"
#include "queue/report_page.h"

#define RESULTS     "results.json"
#define STAMP       "%Y%m%dT%H%M%SZ"
#define MAX_BYTES   (64 << 20)
#define MAX_PAST    400
#define STAMP_BYTES 16

/* ---- folders ---- */

static bool
is_stamp (const char *name)
{
  for (int i = 0; i < STAMP_BYTES; i++)
    {
      char wanted = i == 8 ? 'T' : i == STAMP_BYTES - 1 ? 'Z' : '0';
      if (wanted == '0' ? !g_ascii_isdigit (name[i]) : name[i] != wanted)
        return false;
    }
  return name[STAMP_BYTES] == '\0';
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names in a folder, sorted; none when it cannot be read. Owned. */
static GPtrArray *
names_in (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* Starts of the runs in a suite's folder that have results, the oldest first. Owned. */
static GPtrArray *
stamps_in (const char *suite_folder)
{
  GPtrArray *names = names_in (suite_folder);
  for (guint i = names->len; i-- > 0;)
    {
      g_autofree char *path = g_build_filename (suite_folder, names->pdata[i], RESULTS, NULL);
      if (!is_stamp (names->pdata[i]) || !g_file_test (path, G_FILE_TEST_IS_REGULAR))
        g_ptr_array_remove_index (names, i);
    }
  return names;
}

/* ---- the newest ---- */

static bool
fail_no_runs (const char *folder, const char *suite, GPtrArray *suites, GError **error)
{
  if (suite == NULL || suites->len == 0)
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "%s: found no regression runs, wanted one; sfbatch regress makes them", folder);
  if (g_ptr_array_find_with_equal_func (suites, suite, g_str_equal, NULL))
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "suite %s: found no run with results in %s, wanted one; sfbatch regress makes "
                    "them",
                    suite, folder);
  const char *nearest = sf_nearest_word (suite, (const char *const *) suites->pdata, suites->len);
  return sf_fail (error, SF_ERROR_NOT_FOUND,
                  "suite %s: found no runs in %s, wanted one of its suites; did you mean %s?",
                  suite, folder, nearest != NULL ? nearest : (const char *) suites->pdata[0]);
}

char *
sf_report_newest (const char *suite, GError **error)
{
  g_autofree char *queue = sf_queue_folder (error);
  if (queue == NULL)
    return NULL;
  g_autofree char *folder = g_build_filename (queue, "regress", NULL), *path = NULL,
                  *newest = g_strdup ("");
  g_autoptr (GPtrArray) suites = names_in (folder);
  for (guint i = 0; i < suites->len; i++)
    {
      const char *name = suites->pdata[i];
      g_autofree char *suite_folder = g_build_filename (folder, name, NULL);
      g_autoptr (GPtrArray) stamps = stamps_in (suite_folder);
      const char *last = stamps->len > 0 ? stamps->pdata[stamps->len - 1] : "";
      if ((suite != NULL && strcmp (suite, name) != 0) || strcmp (last, newest) <= 0)
        continue;
      g_free (newest);
      g_free (path);
      newest = g_strdup (last);
      path = g_build_filename (suite_folder, last, RESULTS, NULL);
    }
  if (path == NULL)
    fail_no_runs (folder, suite, suites, error);
  return g_steal_pointer (&path);
}

/* ---- the page again ---- */

static json_t *
load (const char *path, GError **error)
{
  size_t n_bytes;
  g_autofree uint8_t *bytes = sf_file_read_maybe_gzip (path, MAX_BYTES, &n_bytes, error);
  return bytes != NULL ? sf_json_parse ((const char *) bytes, n_bytes, path, error) : NULL;
}

/* Where the earlier runs of the page's suite lie. Owned; NULL: nowhere. */
static char *
suite_folder_of (const char *results, const SfReportPage *page)
{
  g_autofree char *absolute = g_canonicalize_filename (results, NULL),
                  *folder = g_path_get_dirname (absolute), *name = g_path_get_basename (folder);
  if (is_stamp (name))
    return g_path_get_dirname (folder);
  const char *suite = sf_report_page_suite (page);
  g_autofree char *queue = strchr (suite, '/') == NULL && suite[0] != '.' ? sf_queue_folder (NULL)
                                                                          : NULL;
  return queue != NULL ? g_build_filename (queue, "regress", suite, NULL) : NULL;
}

static void
add_past (SfReportPage *page, const char *suite_folder)
{
  g_autofree char *now = g_date_time_format (sf_report_page_started (page), STAMP);
  g_autoptr (GPtrArray) stamps = stamps_in (suite_folder);
  guint end = 0;
  while (end < stamps->len && strcmp (stamps->pdata[end], now) < 0)
    end++;
  for (guint i = end > MAX_PAST ? end - MAX_PAST : 0; i < end; i++)
    {
      g_autofree char *path = g_build_filename (suite_folder, stamps->pdata[i], RESULTS, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) past = load (path, &error);
      if (past == NULL || !sf_report_page_add_past (page, past, path, &error))
        sf_log (SF_LOG_WARNING, "%s; the page goes without this run", error->message);
    }
}

bool
sf_report_remake (const char *results, const char *page_path, GError **error)
{
  g_autoptr (json_t) json = load (results, error);
  g_autoptr (SfReportPage) page = json != NULL ? sf_report_page_new (json, results, error) : NULL;
  if (page == NULL)
    return false;
  g_autofree char *suite_folder = suite_folder_of (results, page);
  if (suite_folder != NULL)
    add_past (page, suite_folder);
  return sf_report_page_save (page, page_path, error);
}
