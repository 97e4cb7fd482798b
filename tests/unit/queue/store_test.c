/* SPDX-License-Identifier: Apache-2.0 */
/* The store: rows go in and come out, updates are conditional, transitions are held. */
#include "queue/store.h"

#include <sqlite3.h>
#include <string.h>

#include "tests/support/sftest.h"

static int64_t
add (SfStore *store, const char *name)
{
  g_autofree char *token = g_uuid_string_random ();
  SfJob job = { .name = (char *) name,
                .job_file = (char *) "/j.cfg",
                .state = SF_JOB_PENDING,
                .reason = (char *) "recorded",
                .token = token,
                .executor = (char *) "local",
                .submitted_us = 5 };
  return sf_store_insert (store, &job, NULL) ? job.id : -1;
}

SF_TEST (Store, RoundTrip)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  const char *name = "a'; DROP TABLE job; --\n\xc3\xa9";
  {
    g_autoptr (SfStore) store = sf_store_open (folder, &error);
    SF_REQUIRE_NO_ERROR (error);
    SF_CHECK_INT (add (store, name), 1);
    SF_CHECK_INT (add (store, "second"), 2);
  }
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfJob) job = sf_store_get (store, 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (job->name, name);
  SF_CHECK_INT (job->submitted_us, 5);
  SF_CHECK (job->handle == NULL);
  SF_CHECK (sf_store_get (store, 3, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "job 3: not found");
}

SF_TEST (Store, UpdateIsConditional)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfJob) job = sf_store_get (store, add (store, "x"), &error);
  SF_REQUIRE_NO_ERROR (error);
  bool changed = false;
  job->state = SF_JOB_STARTING;
  job->attempt = 1;
  SF_CHECK (sf_store_update (store, job, SF_JOB_PENDING, &changed, &error) && changed);
  /* Somebody else was faster: nothing changes, nothing fails. */
  SF_CHECK (sf_store_update (store, job, SF_JOB_PENDING, &changed, &error) && !changed);
  job->state = SF_JOB_COMPLETED;
  SF_CHECK (sf_store_update (store, job, SF_JOB_STARTING, &changed, &error) && changed);
  /* A late report of an attempt that is over. */
  job->state = SF_JOB_LOST;
  SF_CHECK (sf_store_update (store, job, SF_JOB_RUNNING, &changed, &error) && !changed);
  SF_CHECK (!sf_store_update (store, job, SF_JOB_COMPLETED, &changed, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INTERNAL, "no way from COMPLETED to LOST");
  /* A report of attempt 1 once attempt 3 runs. */
  job->state = SF_JOB_RUNNING;
  job->attempt = 3;
  SF_CHECK (sf_store_update (store, job, SF_JOB_STARTING, &changed, &error) && !changed);
  g_autoptr (SfJob) now = sf_store_get (store, job->id, &error);
  SF_CHECK_INT (now->state, SF_JOB_COMPLETED);
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Store, Rollback)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_store_begin (store, &error));
  add (store, "gone");
  sf_store_rollback (store);
  g_autoptr (GPtrArray) jobs = sf_store_list (store, SF_STORE_ALL, &error);
  SF_CHECK_INT (jobs->len, 0);
}

SF_TEST (Store, Lists)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_store_begin (store, &error));
  bool changed;
  for (int i = 0; i < 120; i++)
    {
      g_autoptr (SfJob) job = sf_store_get (store, add (store, "x"), NULL);
      job->state = SF_JOB_STARTING;
      sf_store_update (store, job, SF_JOB_PENDING, &changed, NULL);
      if (job->id == 7)
        continue;
      job->state = SF_JOB_COMPLETED;
      sf_store_update (store, job, SF_JOB_STARTING, &changed, NULL);
    }
  SF_CHECK (sf_store_commit (store, &error));
  g_autoptr (GPtrArray) all = sf_store_list (store, SF_STORE_ALL, &error);
  g_autoptr (GPtrArray) newest = sf_store_list (store, SF_STORE_NEWEST, &error);
  g_autoptr (GPtrArray) live = sf_store_list (store, SF_STORE_LIVE, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (all->len, 120);
  SF_CHECK_INT (newest->len, 51);
  SF_CHECK_INT (((SfJob *) newest->pdata[0])->id, 7);
  SF_CHECK_INT (((SfJob *) newest->pdata[1])->id, 71);
  SF_CHECK_INT (live->len, 1);
}

SF_TEST (Store, SurvivesPowerLossBySetting)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, NULL);
  SF_REQUIRE (store != NULL);
  g_autofree char *path = g_build_filename (folder, "store.db", NULL);
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  SF_REQUIRE (sqlite3_open (path, &db) == SQLITE_OK);
  SF_CHECK (sqlite3_prepare_v2 (db, "PRAGMA journal_mode", -1, &stmt, NULL) == SQLITE_OK
            && sqlite3_step (stmt) == SQLITE_ROW);
  SF_CHECK_STR ((const char *) sqlite3_column_text (stmt, 0), "wal");
  sqlite3_finalize (stmt);
  sqlite3_close (db);
}
