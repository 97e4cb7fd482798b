/* SPDX-License-Identifier: Apache-2.0 */
/* The store: rows go in and come out, updates are conditional, transitions are held. */
#include "queue/store.h"

#include <sqlite3.h>
#include <string.h>

#include "tests/support/sftest.h"

/* A PENDING job of a submission of its own; its id, or -1. */
static int64_t
add (SfStore *store, const char *name)
{
  char *environment[] = { (char *) "A=b\n\xff", (char *) "C=", NULL };
  SfSubmission submission = { .path = (char *) "/j.cfg",
                              .text = (char *) "name",
                              .environment = environment,
                              .sf = (char *) "/sf",
                              .shepherd = (char *) "/shepherd",
                              .submitted_us = 5 };
  SfJob job = { .name = (char *) name,
                .project = (char *) "p",
                .reason = (char *) "recorded",
                .priority = 3,
                .cores = 2,
                .executor = (char *) "local",
                .submitted_us = 5 };
  if (!sf_store_add_submission (store, &submission, NULL))
    return -1;
  job.submission = submission.id;
  return sf_store_add_job (store, &job, NULL) ? job.id : -1;
}

/* The next attempt at a PENDING job; false when it is none any more. */
static bool
begin_attempt (SfStore *store, SfJob *job)
{
  bool changed = false;
  job->state = SF_JOB_STARTING;
  job->attempt++;
  g_free (job->token);
  job->token = g_uuid_string_random ();
  g_free (job->boot_id);
  job->boot_id = g_strdup ("boot");
  return sf_store_begin_attempt (store, job, &changed, NULL) && changed;
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
  SF_CHECK_STR (job->job_file, "/j.cfg");
  SF_CHECK_STR (job->project, "p");
  SF_CHECK_INT (job->priority, 3);
  SF_CHECK_INT (job->cores, 2);
  SF_CHECK_INT (job->submitted_us, 5);
  SF_CHECK_INT (job->state, SF_JOB_PENDING);
  SF_CHECK (job->handle == NULL && job->token == NULL && job->element == NULL);
  g_autoptr (SfSubmission) submission = sf_store_get_submission (store, job->submission, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (submission->text, "name");
  SF_CHECK_STR (submission->environment[0], "A=b\n\xff");
  SF_CHECK_STR (submission->environment[1], "C=");
  SF_CHECK (submission->environment[2] == NULL);
  SF_CHECK_STR (submission->shepherd, "/shepherd");
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
  SF_CHECK (begin_attempt (store, job));
  /* Somebody else was faster: nothing changes, nothing fails. */
  job->attempt = 0;
  SF_CHECK (!begin_attempt (store, job));
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

SF_TEST (Store, History)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfJob) job = sf_store_get (store, add (store, "x"), &error);
  bool changed = false;
  SF_CHECK (sf_store_add_plan (store, job->id, "{1}", "{2}", &error));
  for (int i = 1; i <= 2; i++)
    {
      g_autofree char *plan = sf_store_get_plan (store, job->id, i, &error);
      SF_CHECK_STR (plan, i == 1 ? "{1}" : "{2}");
      SF_CHECK (begin_attempt (store, job));
      job->handle = g_strdup_printf ("handle %d", i);
      SF_CHECK (sf_store_set_handle (store, job, &error));
      g_clear_pointer (&job->handle, g_free);
      job->state = i == 1 ? SF_JOB_FAILED : SF_JOB_COMPLETED;
      job->exit_code = i == 1 ? 7 : 0;
      job->ended_us = 100 + i;
      SF_CHECK (sf_store_update (store, job, SF_JOB_STARTING, &changed, &error) && changed);
      if (i == 2)
        break;
      job->state = SF_JOB_PENDING;
      SF_CHECK (sf_store_update (store, job, SF_JOB_FAILED, &changed, &error) && changed);
    }
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (GPtrArray) rows = sf_store_list_attempts (store, job->id, &error);
  SF_REQUIRE (rows != NULL && rows->len == 2);
  const SfAttemptRow *first = rows->pdata[0], *second = rows->pdata[1];
  SF_CHECK_INT (first->state, SF_JOB_FAILED);
  SF_CHECK_INT (first->exit_code, 7);
  SF_CHECK_INT (first->ended_us, 101);
  SF_CHECK_STR (first->handle, "handle 1");
  SF_CHECK_INT (second->state, SF_JOB_COMPLETED);
  SF_CHECK_INT (second->number, 2);
  g_autoptr (SfJob) now = sf_store_get (store, job->id, &error);
  SF_CHECK_STR (now->handle, "handle 2");
  SF_CHECK_STR (now->token, second->token);
  SF_CHECK_STR (now->boot_id, "boot");
}

SF_TEST (Store, DependenciesAndUsage)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t first = add (store, "first"), second = add (store, "second");
  const SfDependency dependency = { .kind = SF_AFTER_NOT_OK, .id = first };
  SF_CHECK (sf_store_add_dependency (store, second, &dependency, &error));
  SF_CHECK (sf_store_add_dependency (store, second, &dependency, &error));
  g_autoptr (GArray) none = sf_store_list_dependencies (store, first, &error);
  g_autoptr (GArray) one = sf_store_list_dependencies (store, second, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (none->len, 0);
  SF_REQUIRE (one->len == 1);
  const SfDependency *found = &g_array_index (one, SfDependency, 0);
  SF_CHECK_INT (found->id, first);
  SF_CHECK_INT (found->kind, SF_AFTER_NOT_OK);
  SF_CHECK_INT (found->state, SF_JOB_PENDING);

  SfUsageRow usage = { .project = (char *) "p", .core_s = 1.5, .at_us = 7 };
  SF_CHECK (sf_store_set_usage (store, &usage, &error));
  usage.core_s = 2.5;
  SF_CHECK (sf_store_set_usage (store, &usage, &error));
  g_autoptr (GPtrArray) rows = sf_store_list_usage (store, &error);
  SF_REQUIRE (rows != NULL && rows->len == 1);
  SF_CHECK (((const SfUsageRow *) rows->pdata[0])->core_s == 2.5);
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
  bool changed, any = true;
  SF_CHECK (sf_store_any_unfinished (store, &any, &error) && !any);
  for (int i = 0; i < 120; i++)
    {
      g_autoptr (SfJob) job = sf_store_get (store, add (store, "x"), NULL);
      if (job->id == 5)
        continue;
      begin_attempt (store, job);
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
  SF_CHECK_INT (newest->len, 52);
  SF_CHECK_INT (((SfJob *) newest->pdata[0])->id, 5);
  SF_CHECK_INT (((SfJob *) newest->pdata[1])->id, 7);
  SF_CHECK_INT (((SfJob *) newest->pdata[2])->id, 71);
  SF_CHECK_INT (live->len, 1);
  g_autoptr (GPtrArray) pending = sf_store_list_pending (store, 0, &error);
  g_autoptr (GPtrArray) later = sf_store_list_pending (store, 5, &error);
  SF_CHECK_INT (pending->len, 1);
  SF_CHECK_INT (later->len, 0);
  SF_CHECK (sf_store_any_unfinished (store, &any, &error) && any);
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

/* The store of the first version, as it was created then. */
static const char version_1[]
    = "CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
      "  job_file TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,"
      "  exit_code INTEGER NOT NULL, exit_signal INTEGER NOT NULL, attempt INTEGER NOT NULL,"
      "  token TEXT UNIQUE, executor TEXT NOT NULL, handle TEXT, submitted_us INTEGER NOT NULL,"
      "  started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL);"
      "CREATE INDEX job_live ON job (id) WHERE state IN ('PENDING', 'STARTING', 'RUNNING');"
      "INSERT INTO job VALUES (3, 'old', '/old.cfg', 'FAILED', 'step 1', 7, 0, 1, 't-3', 'local',"
      "  'h', 10, 11, 12);"
      "INSERT INTO job VALUES (4, 'runs', '/old.cfg', 'RUNNING', 'step 2', 0, 0, 1, 't-4', 'local',"
      "  'h', 10, 11, 0);"
      "PRAGMA user_version = 1;";

static void
write_database (const char *folder, const char *sql)
{
  g_autofree char *path = g_build_filename (folder, "store.db", NULL);
  sqlite3 *db = NULL;
  SF_CHECK (sqlite3_open (path, &db) == SQLITE_OK
            && sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK);
  sqlite3_close (db);
}

SF_TEST (Store, TakesOverVersion1)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  write_database (folder, version_1);
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfJob) old = sf_store_get (store, 3, &error);
  g_autoptr (GPtrArray) live = sf_store_list (store, SF_STORE_LIVE, &error);
  g_autoptr (GPtrArray) attempts = sf_store_list_attempts (store, 3, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (old->name, "old");
  SF_CHECK_STR (old->job_file, "/old.cfg");
  SF_CHECK_INT (old->state, SF_JOB_FAILED);
  SF_CHECK_INT (old->exit_code, 7);
  SF_CHECK_INT (old->ended_us, 12);
  SF_CHECK_STR (old->token, "t-3");
  SF_CHECK_INT (attempts->len, 1);
  SF_REQUIRE (live->len == 1);
  SF_CHECK_STR (((const SfJob *) live->pdata[0])->handle, "h");
  SF_CHECK_INT (add (store, "new"), 5);
  g_autofree char *plan = sf_store_get_plan (store, 3, 1, &error);
  SF_CHECK_STR (plan, "");
}

/* What jobs are read from in a store of the second version, as it was created then. */
static const char version_2[]
    = "CREATE TABLE submission (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL,"
      "  text TEXT NOT NULL, environment BLOB NOT NULL, sf TEXT NOT NULL, shepherd TEXT NOT NULL,"
      "  submitted_us INTEGER NOT NULL);"
      "CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, submission INTEGER NOT NULL,"
      "  name TEXT NOT NULL, element TEXT, project TEXT NOT NULL, state TEXT NOT NULL,"
      "  reason TEXT NOT NULL, exit_code INTEGER NOT NULL, exit_signal INTEGER NOT NULL,"
      "  priority INTEGER NOT NULL, held INTEGER NOT NULL, cores INTEGER NOT NULL,"
      "  memory_bytes INTEGER NOT NULL, time_limit_s INTEGER NOT NULL, tiles INTEGER NOT NULL,"
      "  not_before_us INTEGER NOT NULL, executor TEXT NOT NULL, submitted_us INTEGER NOT NULL,"
      "  started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, attempt INTEGER NOT NULL);"
      "CREATE TABLE attempt (job INTEGER NOT NULL, number INTEGER NOT NULL,"
      "  token TEXT NOT NULL UNIQUE, handle TEXT, boot_id TEXT NOT NULL,"
      "  first_tile INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,"
      "  exit_code INTEGER NOT NULL, exit_signal INTEGER NOT NULL, recorded_us INTEGER NOT NULL,"
      "  started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, PRIMARY KEY (job, number))"
      "  WITHOUT ROWID;"
      "INSERT INTO submission VALUES (2, '/old.cfg', 'text', x'', 'sf', 'shepherd', 10);"
      "INSERT INTO job VALUES (3, 2, 'old', NULL, 'p', 'PENDING', 'recorded', 0, 0, 5, 0, 1, 0, 0,"
      "  0, 0, '', 10, 0, 0, 0);"
      "PRAGMA user_version = 2;";

SF_TEST (Store, TakesOverVersion2)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  write_database (folder, version_2);
  for (int i = 0; i < 2; i++) /* it is brought to this version once */
    {
      g_autoptr (SfStore) store = sf_store_open (folder, &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autoptr (SfJob) old = sf_store_get (store, 3, &error);
      g_autoptr (SfSubmission) submission = sf_store_get_submission (store, 2, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_STR (old->job_file, "/old.cfg");
      SF_CHECK_INT (old->priority, 5);
      SF_CHECK_INT (old->at_once, 0);
      SF_CHECK_INT (submission->at_once, 0);
      SF_CHECK_STR (submission->text, "text");
    }
}

SF_TEST (Store, KeepsHowManyAtOnce)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  char *texts[] = { (char *) "x", NULL };
  SfSubmission submission = { .path = texts[0],
                              .text = texts[0],
                              .environment = texts,
                              .sf = texts[0],
                              .shepherd = texts[0],
                              .at_once = 7 };
  SF_REQUIRE (sf_store_add_submission (store, &submission, &error));
  SfJob job
      = { .submission = submission.id, .name = texts[0], .reason = texts[0], .executor = texts[0] };
  SF_REQUIRE (sf_store_add_job (store, &job, &error));
  g_autoptr (SfJob) read = sf_store_get (store, job.id, &error);
  g_autoptr (SfSubmission) again = sf_store_get_submission (store, submission.id, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (read->at_once, 7);
  SF_CHECK_INT (again->at_once, 7);
}

SF_TEST (Store, RefusesTheFuture)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  write_database (folder, "CREATE TABLE unknown (a); PRAGMA user_version = 4;");
  SF_CHECK (sf_store_open (folder, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INCOMPATIBLE, "store version 4, wanted at most 3");
}

/* By name: all jobs of the newest submission of that name, and nothing that comes later. */
SF_TEST (Store, Named)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfStore) store = sf_store_open (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  add (store, "a");
  add (store, "b");
  g_autoptr (SfJob) job = sf_store_get (store, add (store, "a"), &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_store_add_job (store, job, &error)); /* 4: of the same submission as 3 */
  add (store, "a'; --");
  static const struct
  {
    const char *name;
    int64_t below, first, last;
    guint n;
  } rows[] = { { "a", 100, 3, 4, 2 }, { "a", 4, 3, 3, 1 },      { "a", 3, 1, 1, 1 },
               { "b", 100, 2, 2, 1 }, { "a'; --", 6, 5, 5, 1 }, { "c", 100, 0, 0, 0 } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GArray) ids = sf_store_list_named (store, rows[i].name, rows[i].below, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_REQUIRE (ids->len == rows[i].n);
      if (rows[i].n > 0)
        {
          SF_CHECK_INT (g_array_index (ids, int64_t, 0), rows[i].first);
          SF_CHECK_INT (g_array_index (ids, int64_t, rows[i].n - 1), rows[i].last);
        }
    }
}
