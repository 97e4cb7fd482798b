/* SPDX-License-Identifier: Apache-2.0 */
/* The database under the store: its connection, its schema, its statements. */
#ifndef QUEUE_STOREDB_H
#define QUEUE_STOREDB_H

#include <sqlite3.h>

#include "queue/store.h"

struct SfStore
{
  sqlite3 *db;
  char *path;
  GHashTable *statements; /* SQL text (a constant, by address) to sqlite3_stmt */
};

/* Sets the error of the last call on the database: "path: cannot <what>: ..."; returns false. */
bool sf_storedb_fail (SfStore *store, const char *what, GError **error);

/* A statement, prepared once, its parameters bound. `types` has a letter for each: i int64_t, t
 * const char * (NULL binds NULL; it must outlive the stepping), d double. Borrowed; NULL with an
 * error. Give it back with sqlite3_reset. */
sqlite3_stmt *sf_storedb_bind (SfStore *store, const char *what, const char *sql, const char *types,
                               va_list values, GError **error);

/* Runs a statement that gives no rows. */
bool sf_storedb_run (SfStore *store, const char *what, GError **error, const char *sql,
                     const char *types, ...);

/* Calls `row` for each row of a query until it returns false with an error. */
typedef bool (*SfStoreRow) (SfStore *store, sqlite3_stmt *stmt, void *data, GError **error);
bool sf_storedb_query (SfStore *store, const char *what, SfStoreRow row, void *data, GError **error,
                       const char *sql, const char *types, ...);

/* Owned copy of a text; NULL for NULL. */
char *sf_storedb_text (sqlite3_stmt *stmt, int column);
/* False with an error when one of these columns of the row holds nothing: the schema forbids it, a
 * damaged file may have it. */
bool sf_storedb_all_there (SfStore *store, sqlite3_stmt *stmt, const int *columns, size_t n,
                           GError **error);
/* "STARTING" in a column; false with an error for a word that is no state. */
bool sf_storedb_state (SfStore *store, sqlite3_stmt *stmt, int column, SfJobState *out,
                       GError **error);

#endif
