/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a queue, in SQLite. */
#include "queue/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum
{
  SCHEMA_VERSION = 1,
  BUSY_MS = 30000,
};

#define COLUMNS                                                                                   \
  "id, name, job_file, state, reason, exit_code, exit_signal, attempt, token, executor, handle, " \
  "submitted_us, started_us, ended_us"

static const char schema[]
    = "CREATE TABLE job ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  name TEXT NOT NULL,"
      "  job_file TEXT NOT NULL,"
      "  state TEXT NOT NULL,"
      "  reason TEXT NOT NULL,"
      "  exit_code INTEGER NOT NULL,"
      "  exit_signal INTEGER NOT NULL,"
      "  attempt INTEGER NOT NULL,"
      "  token TEXT UNIQUE,"
      "  executor TEXT NOT NULL,"
      "  handle TEXT,"
      "  submitted_us INTEGER NOT NULL,"
      "  started_us INTEGER NOT NULL,"
      "  ended_us INTEGER NOT NULL"
      ");"
      "CREATE INDEX job_live ON job (id) WHERE state IN ('PENDING', 'STARTING', 'RUNNING');"
      "PRAGMA user_version = 1;";

struct SfStore
{
  sqlite3 *db;
  char *path;
};

void
sf_job_free (SfJob *job)
{
  if (job == NULL)
    return;
  g_free (job->name);
  g_free (job->job_file);
  g_free (job->reason);
  g_free (job->token);
  g_free (job->executor);
  g_free (job->handle);
  g_free (job);
}

static bool
fail_db (SfStore *self, const char *what, GError **error)
{
  int code = self->db != NULL ? sqlite3_errcode (self->db) & 0xff : SQLITE_NOMEM;
  const char *cure = code == SQLITE_READONLY ? "; make the queue's folder writable"
                     : code == SQLITE_FULL   ? "; free some space"
                     : code == SQLITE_NOTADB || code == SQLITE_CORRUPT
                         ? "; the store is damaged, restore it or set SF_QUEUE_DIR to a new folder"
                         : "";
  int saved = self->db != NULL && code == SQLITE_IOERR ? sqlite3_system_errno (self->db) : 0;
  SfErrorCode as = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? SF_ERROR_INVALID_DATA
                                                                   : SF_ERROR_IO;
  return sf_fail (error, as, "%s: cannot %s: %s%s%s%s", self->path, what,
                  self->db != NULL ? sqlite3_errmsg (self->db) : "no memory",
                  saved != 0 ? ": " : "", saved != 0 ? g_strerror (saved) : "", cure);
}

static bool
execute (SfStore *self, const char *sql, const char *what, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail_db (self, what, error);
}

static bool
read_version (SfStore *self, int *version, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  bool good = sqlite3_prepare_v2 (self->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK
              && sqlite3_step (stmt) == SQLITE_ROW;
  if (good)
    *version = sqlite3_column_int (stmt, 0);
  sqlite3_finalize (stmt);
  return good || fail_db (self, "read its version", error);
}

static bool
prepare_database (SfStore *self, GError **error)
{
  int version = 0;
  if (!read_version (self, &version, error)
      || !execute (self, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", "open", error))
    return false;
  if (version > SCHEMA_VERSION)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: store version %d, wanted at most %d; use the Spatialflow that wrote it, "
                    "or set SF_QUEUE_DIR to a new folder",
                    self->path, version, SCHEMA_VERSION);
  if (version == SCHEMA_VERSION)
    return true;
  if (sf_store_begin (self, error) && execute (self, schema, "create its tables", error)
      && sf_store_commit (self, error))
    return true;
  sf_store_rollback (self);
  return false;
}

/* Creation and the switch to WAL do not wait for each other: a lock file makes them. */
static int
lock_opening (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "store.lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      sf_fail_errno (error, errno, "%s: cannot open, wanted a queue folder that can be written to",
                     path);
      return -1;
    }
  while (flock (fd, LOCK_EX) != 0)
    if (errno != EINTR)
      {
        sf_fail_errno (error, errno, "%s: cannot lock", path);
        close (fd);
        return -1;
      }
  return fd;
}

SfStore *
sf_store_open (const char *folder, GError **error)
{
  int lock = lock_opening (folder, error);
  if (lock < 0)
    return NULL;
  g_autoptr (SfStore) self = g_new0 (SfStore, 1);
  self->path = g_build_filename (folder, "store.db", NULL);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  bool good = sqlite3_open_v2 (self->path, &self->db, flags, NULL) == SQLITE_OK
              || fail_db (self, "open", error);
  if (good)
    {
      sqlite3_busy_timeout (self->db, BUSY_MS);
      good = prepare_database (self, error);
    }
  close (lock);
  return good ? g_steal_pointer (&self) : NULL;
}

void
sf_store_close (SfStore *self)
{
  if (self == NULL)
    return;
  sqlite3_close (self->db);
  g_free (self->path);
  g_free (self);
}

bool
sf_store_begin (SfStore *self, GError **error)
{
  return execute (self, "BEGIN IMMEDIATE", "begin a change", error);
}

bool
sf_store_commit (SfStore *self, GError **error)
{
  return execute (self, "COMMIT", "record a change", error);
}

void
sf_store_rollback (SfStore *self)
{
  if (sqlite3_get_autocommit (self->db) == 0)
    sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
}

static void
bind_text (sqlite3_stmt *stmt, int at, const char *text)
{
  sqlite3_bind_text (stmt, at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
}

bool
sf_store_insert (SfStore *self, SfJob *job, GError **error)
{
  static const char sql[]
      = "INSERT INTO job (name, job_file, state, reason, exit_code, exit_signal, attempt, token,"
        " executor, handle, submitted_us, started_us, ended_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return fail_db (self, "record a job", error);
  bind_text (stmt, 1, job->name);
  bind_text (stmt, 2, job->job_file);
  bind_text (stmt, 3, sf_job_state_name (job->state));
  bind_text (stmt, 4, job->reason);
  sqlite3_bind_int (stmt, 5, job->exit_code);
  sqlite3_bind_int (stmt, 6, job->exit_signal);
  sqlite3_bind_int64 (stmt, 7, job->attempt);
  bind_text (stmt, 8, job->token);
  bind_text (stmt, 9, job->executor);
  bind_text (stmt, 10, job->handle);
  sqlite3_bind_int64 (stmt, 11, job->submitted_us);
  sqlite3_bind_int64 (stmt, 12, job->started_us);
  sqlite3_bind_int64 (stmt, 13, job->ended_us);
  bool good = sqlite3_step (stmt) == SQLITE_DONE;
  if (!good)
    fail_db (self, "record a job", error);
  sqlite3_finalize (stmt);
  if (good)
    job->id = sqlite3_last_insert_rowid (self->db);
  return good;
}

bool
sf_store_update (SfStore *self, const SfJob *job, SfJobState from, bool *changed, GError **error)
{
  static const char sql[]
      = "UPDATE job SET state = ?, reason = ?, exit_code = ?, exit_signal = ?, attempt = ?,"
        " token = ?, started_us = ?, ended_us = ?"
        " WHERE id = ? AND state = ? AND attempt IN (?5, ?5 - 1)";
  if (job->state != from && !sf_job_state_may_become (from, job->state))
    return sf_fail (error, SF_ERROR_INTERNAL, "job %" G_GINT64_FORMAT ": no way from %s to %s",
                    job->id, sf_job_state_name (from), sf_job_state_name (job->state));
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return fail_db (self, "record a state", error);
  bind_text (stmt, 1, sf_job_state_name (job->state));
  bind_text (stmt, 2, job->reason);
  sqlite3_bind_int (stmt, 3, job->exit_code);
  sqlite3_bind_int (stmt, 4, job->exit_signal);
  sqlite3_bind_int64 (stmt, 5, job->attempt);
  bind_text (stmt, 6, job->token);
  sqlite3_bind_int64 (stmt, 7, job->started_us);
  sqlite3_bind_int64 (stmt, 8, job->ended_us);
  sqlite3_bind_int64 (stmt, 9, job->id);
  bind_text (stmt, 10, sf_job_state_name (from));
  bool good = sqlite3_step (stmt) == SQLITE_DONE;
  if (!good)
    fail_db (self, "record a state", error);
  sqlite3_finalize (stmt);
  *changed = good && sqlite3_changes (self->db) > 0;
  return good;
}

bool
sf_store_set_handle (SfStore *self, const SfJob *job, GError **error)
{
  static const char sql[] = "UPDATE job SET handle = ? WHERE id = ? AND attempt = ?";
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return fail_db (self, "record a handle", error);
  bind_text (stmt, 1, job->handle);
  sqlite3_bind_int64 (stmt, 2, job->id);
  sqlite3_bind_int64 (stmt, 3, job->attempt);
  bool good = sqlite3_step (stmt) == SQLITE_DONE || fail_db (self, "record a handle", error);
  sqlite3_finalize (stmt);
  return good;
}

static char *
column_text (sqlite3_stmt *stmt, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (stmt, column));
}

static SfJob *
read_row (SfStore *self, sqlite3_stmt *stmt, GError **error)
{
  g_autoptr (SfJob) job = g_new0 (SfJob, 1);
  g_autofree char *state = column_text (stmt, 3);
  job->id = sqlite3_column_int64 (stmt, 0);
  job->name = column_text (stmt, 1);
  job->job_file = column_text (stmt, 2);
  job->reason = column_text (stmt, 4);
  job->exit_code = sqlite3_column_int (stmt, 5);
  job->exit_signal = sqlite3_column_int (stmt, 6);
  job->attempt = sqlite3_column_int64 (stmt, 7);
  job->token = column_text (stmt, 8);
  job->executor = column_text (stmt, 9);
  job->handle = column_text (stmt, 10);
  job->submitted_us = sqlite3_column_int64 (stmt, 11);
  job->started_us = sqlite3_column_int64 (stmt, 12);
  job->ended_us = sqlite3_column_int64 (stmt, 13);
  if (state != NULL && sf_job_state_parse (state, &job->state))
    return g_steal_pointer (&job);
  sf_fail (error, SF_ERROR_INVALID_DATA,
           "%s: job %" G_GINT64_FORMAT " in state \"%s\", wanted a known one; the store is damaged",
           self->path, job->id, state != NULL ? state : "");
  return NULL;
}

/* Rows of a query whose only parameter, if any, is `id`. */
static GPtrArray *
query (SfStore *self, const char *sql, int64_t id, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_job_free);
  bool good = sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL) == SQLITE_OK
              || fail_db (self, "read jobs", error);
  if (good && sqlite3_bind_parameter_count (stmt) > 0)
    sqlite3_bind_int64 (stmt, 1, id);
  int status = SQLITE_DONE;
  while (good && (status = sqlite3_step (stmt)) == SQLITE_ROW)
    {
      SfJob *job = read_row (self, stmt, error);
      good = job != NULL;
      if (good)
        g_ptr_array_add (jobs, job);
    }
  if (good && status != SQLITE_DONE)
    good = fail_db (self, "read jobs", error);
  sqlite3_finalize (stmt);
  return good ? g_steal_pointer (&jobs) : NULL;
}

SfJob *
sf_store_get (SfStore *self, int64_t id, GError **error)
{
  g_autoptr (GPtrArray) jobs = query (self, "SELECT " COLUMNS " FROM job WHERE id = ?", id, error);
  if (jobs == NULL)
    return NULL;
  if (jobs->len == 0)
    {
      sf_fail (error, SF_ERROR_NOT_FOUND,
               "job %" G_GINT64_FORMAT ": not found; sfbatch list --all shows what there is", id);
      return NULL;
    }
  return g_ptr_array_steal_index (jobs, 0);
}

GPtrArray *
sf_store_list (SfStore *self, SfStoreFilter filter, GError **error)
{
  static const char *const queries[] = {
    [SF_STORE_LIVE] = "SELECT " COLUMNS
                      " FROM job WHERE state IN ('STARTING', 'RUNNING') ORDER BY id",
    [SF_STORE_NEWEST] = "SELECT " COLUMNS
                        " FROM job WHERE id > (SELECT coalesce (max (id), 0) FROM job) - 50"
                        " OR state IN ('PENDING', 'STARTING', 'RUNNING') ORDER BY id",
    [SF_STORE_ALL] = "SELECT " COLUMNS " FROM job ORDER BY id",
  };
  return query (self, queries[filter], 0, error);
}
