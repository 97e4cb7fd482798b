/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a store.db as it was found; all that is read from it, and a change. */
#include "queue/store.h"

#include <stdlib.h>
#include <string.h>

#include "queue/attempt.h"
#include "queue/folder.h"
#include "tests/fuzz/target.h"

static void
check (const void *got, GError **error)
{
  if ((got != NULL) != (*error == NULL))
    abort ();
  g_clear_error (error);
}

static void
read_job (SfStore *store, SfJob *job)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSubmission) submission = sf_store_get_submission (store, job->submission, &error);
  check (submission, &error);
  if (submission != NULL && strlen (submission->text) + strlen (submission->path) > 1 << 30)
    abort ();
  g_autofree char *plan = sf_store_get_plan (store, job->id, MAX (job->attempt, 1), &error);
  check (plan, &error);
  if (plan != NULL)
    sf_plan_free (sf_plan_parse (plan, strlen (plan), "plan", NULL));
  g_autoptr (GPtrArray) attempts = sf_store_list_attempts (store, job->id, &error);
  check (attempts, &error);
  g_autoptr (GArray) dependencies = sf_store_list_dependencies (store, job->id, &error);
  check (dependencies, &error);
  g_autoptr (GArray) named = sf_store_list_named (store, job->name, job->id, &error);
  check (named, &error);
  if (strlen (job->project) + strlen (job->reason) + strlen (job->executor) + strlen (job->job_file)
      > 1 << 30)
    abort ();
}

static void
change_job (SfStore *store, SfJob *job)
{
  bool changed = false;
  if (sf_store_begin (store, NULL) && sf_store_update (store, job, job->state, &changed, NULL)
      && sf_store_set_waiting (store, job, NULL) && sf_store_commit (store, NULL))
    return;
  sf_store_rollback (store);
}

static void
use (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  check (store, &error);
  if (store == NULL)
    return;
  for (SfStoreFilter filter = SF_STORE_LIVE; filter <= SF_STORE_ALL; filter++)
    {
      g_autoptr (GPtrArray) jobs = sf_store_list (store, filter, &error);
      check (jobs, &error);
      for (guint i = 0; jobs != NULL && filter == SF_STORE_ALL && i < jobs->len; i++)
        {
          read_job (store, jobs->pdata[i]);
          change_job (store, jobs->pdata[i]);
        }
    }
  g_autoptr (GPtrArray) usage = sf_store_list_usage (store, &error);
  check (usage, &error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  const char *memory = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir ();
  g_autofree char *folder = g_build_filename (memory, "sf-fuzz-store.XXXXXX", NULL);
  if (g_mkdtemp (folder) == NULL)
    abort ();
  g_autofree char *path = g_build_filename (folder, "store.db", NULL);
  if (!g_file_set_contents_full (path, n_bytes > 0 ? (const char *) data : "", (gssize) n_bytes,
                                 G_FILE_SET_CONTENTS_NONE, 0600, NULL))
    abort ();
  use (folder);
  sf_remove_tree (folder);
  return 0;
}
