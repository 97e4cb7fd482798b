/* SPDX-License-Identifier: Apache-2.0 */
/* The database under the store. */
#include "queue/storedb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum
{
  SCHEMA_VERSION = 3,
  BUSY_RETRY_US = 500,
  BUSY_RETRIES = 60000, /* half a minute */
  MAX_PATH_BYTES = 504, /* SQLite's 512, less "-journal" */
};

/* State and reason of an attempt are those of its end. */
static const char schema[]
    = "CREATE TABLE submission ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  path TEXT NOT NULL,"
      "  text TEXT NOT NULL,"
      "  environment BLOB NOT NULL," /* NAME=value, each ended by a NUL */
      "  sf TEXT NOT NULL,"
      "  shepherd TEXT NOT NULL,"
      "  submitted_us INTEGER NOT NULL,"
      "  at_once INTEGER NOT NULL DEFAULT 0"
      ");"
      "CREATE TABLE job ("
      "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
      "  submission INTEGER NOT NULL REFERENCES submission (id),"
      "  name TEXT NOT NULL,"
      "  element TEXT,"
      "  project TEXT NOT NULL,"
      "  state TEXT NOT NULL,"
      "  reason TEXT NOT NULL,"
      "  exit_code INTEGER NOT NULL,"
      "  exit_signal INTEGER NOT NULL,"
      "  priority INTEGER NOT NULL,"
      "  held INTEGER NOT NULL,"
      "  cores INTEGER NOT NULL,"
      "  memory_bytes INTEGER NOT NULL,"
      "  time_limit_s INTEGER NOT NULL,"
      "  tiles INTEGER NOT NULL,"
      "  not_before_us INTEGER NOT NULL,"
      "  executor TEXT NOT NULL,"
      "  submitted_us INTEGER NOT NULL,"
      "  started_us INTEGER NOT NULL,"
      "  ended_us INTEGER NOT NULL,"
      "  attempt INTEGER NOT NULL"
      ");"
      "CREATE INDEX job_live ON job (id) WHERE state IN ('STARTING', 'RUNNING');"
      "CREATE INDEX job_pending ON job (priority DESC, id) WHERE state = 'PENDING';"
      "CREATE TABLE plan ("
      "  job INTEGER PRIMARY KEY REFERENCES job (id),"
      "  first TEXT NOT NULL,"
      "  again TEXT" /* NULL: as the first */
      ");"
      "CREATE TABLE attempt ("
      "  job INTEGER NOT NULL REFERENCES job (id),"
      "  number INTEGER NOT NULL,"
      "  token TEXT NOT NULL UNIQUE,"
      "  handle TEXT,"
      "  boot_id TEXT NOT NULL,"
      "  first_tile INTEGER NOT NULL,"
      "  state TEXT NOT NULL,"
      "  reason TEXT NOT NULL,"
      "  exit_code INTEGER NOT NULL,"
      "  exit_signal INTEGER NOT NULL,"
      "  recorded_us INTEGER NOT NULL,"
      "  started_us INTEGER NOT NULL,"
      "  ended_us INTEGER NOT NULL,"
      "  PRIMARY KEY (job, number)"
      ") WITHOUT ROWID;"
      "CREATE TABLE dependency ("
      "  job INTEGER NOT NULL REFERENCES job (id),"
      "  on_job INTEGER NOT NULL REFERENCES job (id),"
      "  kind TEXT NOT NULL,"
      "  PRIMARY KEY (job, on_job, kind)"
      ") WITHOUT ROWID;"
      "CREATE INDEX dependency_on ON dependency (on_job);"
      "CREATE TABLE usage ("
      "  project TEXT PRIMARY KEY,"
      "  core_s REAL NOT NULL,"
      "  at_us INTEGER NOT NULL"
      ") WITHOUT ROWID;"
      "PRAGMA user_version = 3;";

/* Version 1 had one table: a row per job with its latest attempt, job files in the jobs' folders.
 */
static const char set_aside_1[] = "DROP INDEX job_live; ALTER TABLE job RENAME TO job_1;";
static const char take_over_1[]
    = "INSERT INTO submission SELECT id, job_file, '', x'', 'sf', '', submitted_us, 0 FROM job_1;"
      "INSERT INTO job SELECT id, id, name, NULL, '', state, reason, exit_code, exit_signal, 0, 0,"
      "  0, 0, 0, 0, 0, executor, submitted_us, started_us, ended_us, attempt FROM job_1;"
      "INSERT INTO attempt SELECT id, attempt, token, handle, '', 0, state, reason, exit_code,"
      "  exit_signal, submitted_us, started_us, ended_us FROM job_1"
      "  WHERE attempt > 0 AND token IS NOT NULL;"
      "DROP TABLE job_1;";

/* In version 2 as many jobs of a submission ran as there was room for. */
static const char take_over_2[]
    = "ALTER TABLE submission ADD COLUMN at_once INTEGER NOT NULL DEFAULT 0;"
      "PRAGMA user_version = 3;";

bool
sf_storedb_fail (SfStore *self, const char *what, GError **error)
{
  int code = self->db != NULL ? sqlite3_errcode (self->db) & 0xff : SQLITE_NOMEM;
  const char *cure = code == SQLITE_CANTOPEN && strlen (self->path) > MAX_PATH_BYTES
                         ? "; its path is too long for SQLite, set SF_QUEUE_DIR to a shorter one"
                     : code == SQLITE_READONLY ? "; make the queue's folder writable"
                     : code == SQLITE_FULL     ? "; free some space"
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

/* ---- statements ---- */

sqlite3_stmt *
sf_storedb_bind (SfStore *self, const char *what, const char *sql, const char *types,
                 va_list values, GError **error)
{
  sqlite3_stmt *stmt = g_hash_table_lookup (self->statements, sql);
  if (stmt == NULL)
    {
      if (sqlite3_prepare_v3 (self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL)
          != SQLITE_OK)
        {
          sf_storedb_fail (self, what, error);
          return NULL;
        }
      g_hash_table_insert (self->statements, (gpointer) sql, stmt);
    }
  for (int i = 0; types[i] != '\0'; i++)
    switch (types[i])
      {
      case 't':
        sqlite3_bind_text (stmt, i + 1, va_arg (values, const char *), -1, SQLITE_STATIC);
        break;
      case 'd':
        sqlite3_bind_double (stmt, i + 1, va_arg (values, double));
        break;
      default:
        sqlite3_bind_int64 (stmt, i + 1, va_arg (values, int64_t));
        break;
      }
  return stmt;
}

bool
sf_storedb_run (SfStore *self, const char *what, GError **error, const char *sql, const char *types,
                ...)
{
  va_list values;
  va_start (values, types);
  sqlite3_stmt *stmt = sf_storedb_bind (self, what, sql, types, values, error);
  va_end (values);
  if (stmt == NULL)
    return false;
  bool good = sqlite3_step (stmt) == SQLITE_DONE || sf_storedb_fail (self, what, error);
  sqlite3_reset (stmt);
  return good;
}

bool
sf_storedb_query (SfStore *self, const char *what, SfStoreRow row, void *data, GError **error,
                  const char *sql, const char *types, ...)
{
  va_list values;
  va_start (values, types);
  sqlite3_stmt *stmt = sf_storedb_bind (self, what, sql, types, values, error);
  va_end (values);
  if (stmt == NULL)
    return false;
  bool good = true;
  int status;
  while (good && (status = sqlite3_step (stmt)) != SQLITE_DONE)
    good = status == SQLITE_ROW ? row (self, stmt, data, error)
                                : sf_storedb_fail (self, what, error);
  sqlite3_reset (stmt);
  return good;
}

char *
sf_storedb_text (sqlite3_stmt *stmt, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (stmt, column));
}

bool
sf_storedb_all_there (SfStore *self, sqlite3_stmt *stmt, const int *columns, size_t n,
                      GError **error)
{
  for (size_t i = 0; i < n; i++)
    if (sqlite3_column_text (stmt, columns[i]) == NULL)
      return sf_fail (
          error, SF_ERROR_INVALID_DATA,
          "%s: found nothing as \"%s\", wanted a text; the store is damaged, restore it "
          "or set SF_QUEUE_DIR to a new folder",
          self->path, sqlite3_column_name (stmt, columns[i]));
  return true;
}

bool
sf_storedb_state (SfStore *self, sqlite3_stmt *stmt, int column, SfJobState *out, GError **error)
{
  const char *name = (const char *) sqlite3_column_text (stmt, column);
  return (name != NULL && sf_job_state_parse (name, out))
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: found state \"%s\", wanted a known one; the store is damaged", self->path,
                     name != NULL ? name : "");
}

/* ---- opening ---- */

static bool
execute (SfStore *self, const char *sql, const char *what, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK
         || sf_storedb_fail (self, what, error);
}

static bool
read_int (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  *(int64_t *) data = sqlite3_column_int64 (stmt, 0);
  return true;
}

static bool
bring_up (SfStore *self, int64_t version, GError **error)
{
  static const char what[] = "bring to this version";
  if (version == 2)
    return execute (self, take_over_2, what, error);
  return (version == 0 || execute (self, set_aside_1, what, error))
         && execute (self, schema, "create its tables", error)
         && (version == 0 || execute (self, take_over_1, what, error));
}

/* Refused before anything is written: the settings of a store of the future are its own. */
static bool
prepare_database (SfStore *self, GError **error)
{
  int64_t version = 0;
  if (!sf_storedb_query (self, "read its version", read_int, &version, error, "PRAGMA user_version",
                         ""))
    return false;
  if (version > SCHEMA_VERSION)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: store version %d, wanted at most %d; use the Spatialflow that wrote it, "
                    "or set SF_QUEUE_DIR to a new folder",
                    self->path, (int) version, SCHEMA_VERSION);
  if (!execute (self,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "PRAGMA wal_autocheckpoint = 0;",
                "open", error))
    return false;
  if (version == SCHEMA_VERSION)
    return true;
  if (sf_store_begin (self, error) && bring_up (self, version, error)
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

/* SQLite would leave it to the umask who may read it, and gives its other files the same mode. */
static void
create_private (const char *path)
{
  int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0)
    close (fd);
}

/* Others hold the store for as long as their commit takes to reach the disk. */
static int
wait_for_others (void *data, int n_tries)
{
  if (n_tries >= BUSY_RETRIES)
    return 0;
  g_usleep (BUSY_RETRY_US);
  return 1;
}

static void
finalize (void *stmt)
{
  sqlite3_finalize (stmt);
}

SfStore *
sf_store_open (const char *folder, GError **error)
{
  int lock = lock_opening (folder, error);
  if (lock < 0)
    return NULL;
  g_autoptr (SfStore) self = g_new0 (SfStore, 1);
  self->path = g_build_filename (folder, "store.db", NULL);
  self->statements = g_hash_table_new_full (NULL, NULL, NULL, finalize);
  create_private (self->path);
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  bool good = sqlite3_open_v2 (self->path, &self->db, flags, NULL) == SQLITE_OK
              || sf_storedb_fail (self, "open", error);
  if (good)
    {
      sqlite3_busy_handler (self->db, wait_for_others, self);
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
  g_hash_table_unref (self->statements);
  sqlite3_close (self->db);
  g_free (self->path);
  g_free (self);
}

bool
sf_store_keep_short (SfStore *self, GError **error)
{
  return execute (self, "PRAGMA wal_autocheckpoint = 1000", "set up", error);
}

bool
sf_store_version (SfStore *self, int64_t *version, GError **error)
{
  return sf_storedb_query (self, "read its version", read_int, version, error,
                           "PRAGMA data_version", "");
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
