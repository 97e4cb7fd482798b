/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler keeps in the store: dependencies between jobs, usage of projects. */
#include "queue/store.h"

#include <string.h>

#include "queue/storedb.h"

static const char *const kinds[] = {
  [SF_AFTER] = "after",
  [SF_AFTER_OK] = "afterok",
  [SF_AFTER_NOT_OK] = "afternotok",
};

bool
sf_store_add_dependency (SfStore *self, int64_t job, const SfDependency *dependency, GError **error)
{
  return sf_storedb_run (self, "record a dependency", error,
                         "INSERT OR IGNORE INTO dependency (job, on_job, kind) VALUES (?, ?, ?)",
                         "iit", job, dependency->id, kinds[dependency->kind]);
}

static bool
read_dependency (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  SfDependency row = { .id = sqlite3_column_int64 (stmt, 0) };
  const char *kind = (const char *) sqlite3_column_text (stmt, 1);
  bool known = false;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kind, kinds[i]) == 0)
      {
        row.kind = (SfDependencyKind) i;
        known = true;
      }
  if (!known)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found dependency \"%s\", wanted after, afterok or afternotok; the store "
                    "is damaged",
                    self->path, kind != NULL ? kind : "");
  if (!sf_storedb_state (self, stmt, 2, &row.state, error))
    return false;
  g_array_append_val ((GArray *) data, row);
  return true;
}

GArray *
sf_store_list_dependencies (SfStore *self, int64_t job, GError **error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (SfDependency));
  return sf_storedb_query (self, "read dependencies", read_dependency, rows, error,
                           "SELECT d.on_job, d.kind, j.state FROM dependency AS d"
                           " JOIN job AS j ON j.id = d.on_job WHERE d.job = ?"
                           " ORDER BY d.on_job, d.kind",
                           "i", job)
             ? g_steal_pointer (&rows)
             : NULL;
}

static bool
read_id (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  int64_t id = sqlite3_column_int64 (stmt, 0);
  g_array_append_val ((GArray *) data, id);
  return true;
}

GArray *
sf_store_list_named (SfStore *self, const char *name, int64_t below, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  if (!sf_storedb_query (self, "find a job by name", read_id, ids, error,
                         "SELECT id FROM job WHERE name = ? AND id < ? ORDER BY id DESC LIMIT 1",
                         "ti", name, below))
    return NULL;
  if (ids->len == 0)
    return g_steal_pointer (&ids);
  int64_t newest = g_array_index (ids, int64_t, 0);
  g_array_set_size (ids, 0);
  /* Jobs of one submission have ids without a gap: nothing below its first is looked at. */
  return sf_storedb_query (
             self, "find a job by name", read_id, ids, error,
             "WITH newest AS (SELECT submission AS s FROM job WHERE id = ?2)"
             " SELECT id FROM job WHERE name = ?1 AND id <= ?2 AND id > ifnull ("
             "  (SELECT id FROM job WHERE id < ?2 AND submission <> (SELECT s FROM newest)"
             "   ORDER BY id DESC LIMIT 1), 0) ORDER BY id",
             "ti", name, newest)
             ? g_steal_pointer (&ids)
             : NULL;
}

GArray *
sf_store_list_submitted (SfStore *self, const char *path, int64_t submitted_us, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  return sf_storedb_query (self, "find a submission", read_id, ids, error,
                           "SELECT j.id FROM job AS j JOIN submission AS s ON s.id = j.submission"
                           " WHERE j.submitted_us = ?1 AND s.submitted_us = ?1 AND s.path = ?2"
                           " ORDER BY j.id",
                           "it", submitted_us, path)
             ? g_steal_pointer (&ids)
             : NULL;
}

static void
usage_row_free (void *data)
{
  SfUsageRow *row = data;
  g_free (row->project);
  g_free (row);
}

static bool
read_usage (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  SfUsageRow *row = g_new0 (SfUsageRow, 1);
  g_ptr_array_add (data, row);
  row->project = sf_storedb_text (stmt, 0);
  row->core_s = sqlite3_column_double (stmt, 1);
  row->at_us = sqlite3_column_int64 (stmt, 2);
  static const int texts[] = { 0 };
  return sf_storedb_all_there (self, stmt, texts, G_N_ELEMENTS (texts), error);
}

GPtrArray *
sf_store_list_usage (SfStore *self, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (usage_row_free);
  return sf_storedb_query (self, "read usage", read_usage, rows, error,
                           "SELECT project, core_s, at_us FROM usage", "")
             ? g_steal_pointer (&rows)
             : NULL;
}

bool
sf_store_set_usage (SfStore *self, const SfUsageRow *usage, GError **error)
{
  return sf_storedb_run (self, "record usage", error,
                         "INSERT INTO usage (project, core_s, at_us) VALUES (?, ?, ?)"
                         " ON CONFLICT (project) DO UPDATE SET core_s = excluded.core_s,"
                         " at_us = excluded.at_us",
                         "tdi", usage->project, usage->core_s, usage->at_us);
}
