/* SPDX-License-Identifier: Apache-2.0 */
/* Both files of a report, whole or not at all. */
#include <sf/file.h>
#include <sf/report.h>
#include <string.h>

#include "core/report/page.h"

bool
sf_report_check_folder (const char *folder, GError **error)
{
  if (*folder == '\0')
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "report: found an empty name, wanted a folder; name one");
  if (g_file_test (folder, G_FILE_TEST_EXISTS) && !g_file_test (folder, G_FILE_TEST_IS_DIR))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "report %s: found a file, wanted a folder or nothing; name another", folder);
  return true;
}

static SfFileWriter *
start (const char *path, const char *text, GError **error)
{
  g_autoptr (SfFileWriter) writer = sf_file_create (path, error);
  if (writer == NULL || !sf_file_write (writer, text, strlen (text), error))
    return NULL;
  return g_steal_pointer (&writer);
}

/* Neither name changes before both are written. */
static bool
write_both (const char *folder, const char *page, const char *json, char **path, GError **error)
{
  g_autofree char *page_path = g_build_filename (folder, "index.html", NULL);
  g_autofree char *json_path = g_build_filename (folder, "report.json", NULL);
  g_autoptr (SfFileWriter) page_file = start (page_path, page, error);
  g_autoptr (SfFileWriter) json_file = page_file != NULL ? start (json_path, json, error) : NULL;
  if (json_file == NULL || !sf_file_commit (json_file, error) || !sf_file_commit (page_file, error))
    return false;
  if (path != NULL)
    *path = g_steal_pointer (&page_path);
  return true;
}

bool
sf_report_write (const SfPef *pef, const SfReportOptions *options, const char *folder, char **page,
                 GError **error)
{
  if (!sf_report_check_folder (folder, error) || !sf_make_folder (folder, error))
    return false;
  Report report;
  report_init (&report, pef, options);
  g_autofree char *json = report_json (&report), *html = report_page (&report);
  report_clear (&report);
  return write_both (folder, html, json, page, error);
}
