/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of runs, named by the time at which they began. */
#include "queue/regressrun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sf/file.h>

#include "queue/folder.h"
#include "queue/results.h"

enum
{
  TRY_EVERY_US = 100000, /* one run begins within a second */
  MAX_TRIES = 100,
};

void
sf_regress_run_free (SfRegressRun *self)
{
  if (self == NULL)
    return;
  g_free (self->folder);
  g_free (self->suite);
  g_array_unref (self->ids);
  g_free (self);
}

static SfRegressRun *
run_new (const char *suite, int64_t started_us)
{
  SfRegressRun *self = g_new0 (SfRegressRun, 1);
  self->suite = g_strdup (suite);
  self->started_us = started_us;
  self->ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  return self;
}

static char *
format_time (const SfRegressRun *self, const char *format)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (self->started_us / G_USEC_PER_SEC);
  return time != NULL ? g_date_time_format (time, format) : g_strdup ("");
}

char *
sf_regress_run_time (const SfRegressRun *self)
{
  return format_time (self, "%Y-%m-%dT%H:%M:%SZ");
}

static char *
suite_folder (const char *queue_folder, const char *suite)
{
  return g_build_filename (queue_folder, "regress", suite, NULL);
}

SfRegressRun *
sf_regress_run_new (const char *queue_folder, const char *suite, GError **error)
{
  g_autoptr (SfRegressRun) self = run_new (suite, 0);
  g_autofree char *parent = suite_folder (queue_folder, suite);
  if (!sf_make_folder (parent, error))
    return NULL;
  for (int i = 0; i < MAX_TRIES; i++)
    {
      self->started_us = g_get_real_time ();
      g_autofree char *name = format_time (self, "%Y%m%dT%H%M%SZ");
      g_free (self->folder);
      self->folder = g_build_filename (parent, name, NULL);
      if (mkdir (self->folder, 0777) == 0)
        return g_steal_pointer (&self);
      if (errno != EEXIST)
        break;
      g_usleep (TRY_EVERY_US);
    }
  sf_fail_errno (error, errno, "%s: cannot be created", self->folder);
  return NULL;
}

/* ---- run.json ---- */

/* Of the file that the jobs are submitted from. Borrowed. */
static const char *
submitted_path (const SfRegress *suite)
{
  return ((const SfJobFile *) suite->batch->jobs->pdata[0])->path;
}

static json_t *
run_json (const SfRegressRun *self, const SfRegress *suite)
{
  json_t *jobs = json_array ();
  for (guint i = 0; i < suite->cases->len; i++)
    {
      const SfRegressCase *row = suite->cases->pdata[i];
      json_t *id = i < self->ids->len ? json_integer (g_array_index (self->ids, int64_t, i))
                                      : json_null ();
      json_array_append_new (jobs, json_pack ("{s:s, s:o}", "name", row->name, "job", id));
    }
  return json_pack ("{s:s, s:i, s:s, s:s, s:I, s:o}", "format", "spatialflow-regress-run",
                    "version", 1, "suite", self->suite, "path", submitted_path (suite),
                    "started_us", (json_int_t) self->started_us, "jobs", jobs);
}

bool
sf_regress_run_write (const SfRegressRun *self, const SfRegress *suite, GError **error)
{
  g_autoptr (json_t) object = run_json (self, suite);
  g_autofree char *path = g_build_filename (self->folder, "run.json", NULL);
  g_autofree char *of_suite = g_path_get_dirname (self->folder);
  g_autofree char *of_all = g_path_get_dirname (of_suite);
  g_autofree char *of_queue = g_path_get_dirname (of_all);
  char *text = sf_json_text (object);
  bool good = text != NULL && sf_file_replace (path, text, strlen (text), error)
              && sf_folder_sync (of_suite, error) && sf_folder_sync (of_all, error)
              && sf_folder_sync (of_queue, error);
  free (text);
  return good;
}

/* The ids that run.json tells, none if it was written before there were any; false when its cases
 * are not those of the suite. */
static bool
read_ids (const json_t *object, const SfRegress *suite, GArray *ids)
{
  const json_t *jobs = json_object_get (object, "jobs");
  if (json_array_size (jobs) != suite->cases->len)
    return false;
  for (guint i = 0; i < suite->cases->len; i++)
    {
      const json_t *job = json_array_get (jobs, i), *id = json_object_get (job, "job");
      const char *name = json_string_value (json_object_get (job, "name"));
      const SfRegressCase *row = suite->cases->pdata[i];
      int64_t value = json_integer_value (id);
      if (g_strcmp0 (name, row->name) != 0)
        return false;
      if (json_is_integer (id))
        g_array_append_val (ids, value);
    }
  return ids->len == 0 || ids->len == suite->cases->len;
}

/* Its ids are those of run.json, or, when it was killed before they were in there, those of the
 * jobs that were submitted for it. */
static SfRegressRun *
read_run (const SfQueue *queue, const char *folder, const SfRegress *suite, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "run.json", NULL);
  g_autoptr (json_t) object = sf_results_read (path, error);
  int64_t started_us = 0;
  if (object == NULL || !sf_json_get_int (object, "started_us", &started_us, path, error))
    return NULL;
  g_autoptr (SfRegressRun) self = run_new (suite->name, started_us);
  self->folder = g_strdup (folder);
  bool same = read_ids (object, suite, self->ids);
  const char *submitted = json_string_value (json_object_get (object, "path"));
  if (same && self->ids->len == 0 && submitted != NULL)
    {
      g_array_unref (self->ids);
      self->ids = sf_store_list_submitted (queue->store, submitted, started_us, error);
      if (self->ids == NULL)
        {
          self->ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
          return NULL;
        }
      same = self->ids->len == 0 || self->ids->len == suite->cases->len;
    }
  if (same)
    return g_steal_pointer (&self);
  sf_fail (error, SF_ERROR_INCOMPATIBLE,
           "%s: found other cases than those of %s, wanted the same; start a new run without "
           "--continue",
           path, suite->path);
  return NULL;
}

/* ---- runs of a suite ---- */

static int
by_name (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Folders of the suite's runs, the oldest first. Owned. */
static GPtrArray *
list_runs (const char *queue_folder, const char *suite)
{
  g_autofree char *parent = suite_folder (queue_folder, suite);
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (folders, g_build_filename (parent, name, NULL));
  g_ptr_array_sort (folders, by_name);
  return folders;
}

static bool
has_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return access (path, F_OK) == 0;
}

SfRegressRun *
sf_regress_run_unfinished (const SfQueue *queue, const SfRegress *suite, GError **error)
{
  g_autoptr (GPtrArray) folders = list_runs (queue->folder, suite->name);
  for (guint i = folders->len; i > 0; i--)
    {
      const char *folder = folders->pdata[i - 1];
      if (!has_file (folder, "run.json") || has_file (folder, "results.json"))
        continue;
      g_autoptr (SfRegressRun) run = read_run (queue, folder, suite, error);
      if (run == NULL || run->ids->len > 0)
        return g_steal_pointer (&run);
    }
  sf_fail (error, SF_ERROR_NOT_FOUND,
           "suite %s: no run is without results, wanted one to go on with; start one without "
           "--continue",
           suite->name);
  return NULL;
}
