/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the store: submissions, jobs, attempts. */
#include "queue/store.h"

#include <string.h>

#include "queue/storedb.h"

#define JOBS                                                                                    \
  "SELECT j.id, j.submission, j.name, j.element, j.project, s.path, j.state, j.reason,"         \
  " j.exit_code, j.exit_signal, j.priority, j.held, j.cores, j.memory_bytes, j.time_limit_s,"   \
  " j.tiles, j.not_before_us, j.executor, j.submitted_us, j.started_us, j.ended_us, j.attempt," \
  " a.token, a.handle, a.boot_id, a.first_tile, s.at_once"                                      \
  " FROM job AS j JOIN submission AS s ON s.id = j.submission"                                  \
  " LEFT JOIN attempt AS a ON a.job = j.id AND a.number = j.attempt "

#define UNFINISHED "state IN ('PENDING', 'STARTING', 'RUNNING')"
#define LIVE       "state IN ('STARTING', 'RUNNING')"

void
sf_submission_free (SfSubmission *submission)
{
  if (submission == NULL)
    return;
  g_free (submission->path);
  g_free (submission->text);
  g_strfreev (submission->environment);
  g_free (submission->sf);
  g_free (submission->shepherd);
  g_free (submission);
}

void
sf_job_free (SfJob *job)
{
  if (job == NULL)
    return;
  g_free (job->name);
  g_free (job->element);
  g_free (job->project);
  g_free (job->job_file);
  g_free (job->reason);
  g_free (job->executor);
  g_free (job->token);
  g_free (job->handle);
  g_free (job->boot_id);
  g_free (job);
}

/* ---- submissions ---- */

/* The words one after the other, each with the NUL that ends it. */
static GByteArray *
join_environment (char *const *words)
{
  GByteArray *bytes = g_byte_array_new ();
  for (; words != NULL && *words != NULL; words++)
    g_byte_array_append (bytes, (const guint8 *) *words, (guint) strlen (*words) + 1);
  return bytes;
}

static char **
split_environment (const char *bytes, size_t n_bytes)
{
  GPtrArray *words = g_ptr_array_new ();
  for (size_t at = 0; at < n_bytes;)
    {
      char *word = g_strndup (bytes + at, n_bytes - at);
      at += strlen (word) + 1;
      g_ptr_array_add (words, word);
    }
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (words, FALSE);
}

bool
sf_store_add_submission (SfStore *self, SfSubmission *submission, GError **error)
{
  static const char sql[]
      = "INSERT INTO submission (path, text, sf, shepherd, submitted_us, environment, at_once)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)";
  static const char what[] = "record a submission";
  g_autoptr (GByteArray) environment = join_environment (submission->environment);
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return sf_storedb_fail (self, what, error);
  sqlite3_bind_text (stmt, 1, submission->path, -1, SQLITE_STATIC);
  sqlite3_bind_text (stmt, 2, submission->text, -1, SQLITE_STATIC);
  sqlite3_bind_text (stmt, 3, submission->sf, -1, SQLITE_STATIC);
  sqlite3_bind_text (stmt, 4, submission->shepherd, -1, SQLITE_STATIC);
  sqlite3_bind_int64 (stmt, 5, submission->submitted_us);
  if (environment->len > 0)
    sqlite3_bind_blob (stmt, 6, environment->data, (int) environment->len, SQLITE_STATIC);
  else
    sqlite3_bind_zeroblob (stmt, 6, 0);
  sqlite3_bind_int64 (stmt, 7, submission->at_once);
  bool good = sqlite3_step (stmt) == SQLITE_DONE || sf_storedb_fail (self, what, error);
  sqlite3_finalize (stmt);
  if (good)
    submission->id = sqlite3_last_insert_rowid (self->db);
  return good;
}

static bool
read_submission (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  SfSubmission *out = g_new0 (SfSubmission, 1);
  *(SfSubmission **) data = out;
  out->id = sqlite3_column_int64 (stmt, 0);
  out->path = sf_storedb_text (stmt, 1);
  out->text = sf_storedb_text (stmt, 2);
  out->environment = split_environment (sqlite3_column_blob (stmt, 3),
                                        (size_t) sqlite3_column_bytes (stmt, 3));
  out->sf = sf_storedb_text (stmt, 4);
  out->shepherd = sf_storedb_text (stmt, 5);
  out->submitted_us = sqlite3_column_int64 (stmt, 6);
  out->at_once = sqlite3_column_int64 (stmt, 7);
  static const int texts[] = { 1, 2, 4, 5 };
  return sf_storedb_all_there (self, stmt, texts, G_N_ELEMENTS (texts), error);
}

SfSubmission *
sf_store_get_submission (SfStore *self, int64_t id, GError **error)
{
  g_autoptr (SfSubmission) found = NULL;
  if (!sf_storedb_query (self, "read a submission", read_submission, &found, error,
                         "SELECT id, path, text, environment, sf, shepherd, submitted_us,"
                         " at_once FROM submission WHERE id = ?",
                         "i", id))
    return NULL;
  if (found == NULL)
    sf_fail (error, SF_ERROR_NOT_FOUND, "%s: submission %" G_GINT64_FORMAT ": not found",
             self->path, id);
  return g_steal_pointer (&found);
}

/* ---- jobs: adding ---- */

bool
sf_store_add_job (SfStore *self, SfJob *job, GError **error)
{
  job->state = SF_JOB_PENDING;
  if (!sf_storedb_run (
          self, "record a job", error,
          "INSERT INTO job (submission, name, element, project, state, reason, exit_code,"
          " exit_signal, priority, held, cores, memory_bytes, time_limit_s, tiles, not_before_us,"
          " executor, submitted_us, started_us, ended_us, attempt)"
          " VALUES (?, ?, ?, ?, 'PENDING', ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
          "itttt"
          "iiiiiii"
          "ti",
          job->submission, job->name, job->element, job->project != NULL ? job->project : "",
          job->reason, job->priority, (int64_t) job->held, job->cores, job->memory_bytes,
          job->time_limit_s, job->tiles, job->not_before_us, job->executor, job->submitted_us))
    return false;
  job->id = sqlite3_last_insert_rowid (self->db);
  return true;
}

bool
sf_store_add_plan (SfStore *self, int64_t job, const char *first, const char *again, GError **error)
{
  return sf_storedb_run (self, "record a plan", error,
                         "INSERT INTO plan (job, first, again) VALUES (?, ?, ?)", "itt", job, first,
                         g_strcmp0 (first, again) != 0 ? again : NULL);
}

static bool
read_text (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  *(char **) data = sf_storedb_text (stmt, 0);
  return true;
}

char *
sf_store_get_plan (SfStore *self, int64_t job, int64_t attempt, GError **error)
{
  char *text = NULL;
  if (!sf_storedb_query (self, "read a plan", read_text, &text, error,
                         "SELECT CASE WHEN ? > 1 THEN coalesce (again, first) ELSE first END"
                         " FROM plan WHERE job = ?",
                         "ii", attempt, job))
    return NULL;
  return text != NULL ? text : g_strdup ("");
}

/* ---- jobs: changing ---- */

bool
sf_store_begin_attempt (SfStore *self, const SfJob *job, bool *changed, GError **error)
{
  *changed = false;
  if (!sf_storedb_run (self, "record an attempt", error,
                       "UPDATE job SET state = 'STARTING', reason = ?, exit_code = 0,"
                       " exit_signal = 0, started_us = 0, ended_us = 0, attempt = ?,"
                       " executor = ?"
                       " WHERE id = ? AND state = 'PENDING' AND attempt = ?",
                       "titii", job->reason, job->attempt, job->executor, job->id,
                       job->attempt - 1))
    return false;
  *changed = sqlite3_changes (self->db) > 0;
  return !*changed
         || sf_storedb_run (self, "record an attempt", error,
                            "INSERT INTO attempt (job, number, token, boot_id, first_tile, state,"
                            " reason, exit_code, exit_signal, recorded_us, started_us, ended_us)"
                            " VALUES (?, ?, ?, ?, ?, 'STARTING', '', 0, 0, ?, 0, 0)",
                            "iittii", job->id, job->attempt, job->token, job->boot_id,
                            job->first_tile, g_get_real_time ());
}

bool
sf_store_update (SfStore *self, const SfJob *job, SfJobState from, bool *changed, GError **error)
{
  const char *state = sf_job_state_name (job->state);
  *changed = false;
  if (job->state != from && !sf_job_state_may_become (from, job->state))
    return sf_fail (error, SF_ERROR_INTERNAL, "job %" G_GINT64_FORMAT ": no way from %s to %s",
                    job->id, sf_job_state_name (from), state);
  if (!sf_storedb_run (self, "record a state", error,
                       "UPDATE job SET state = ?, reason = ?, exit_code = ?, exit_signal = ?,"
                       " not_before_us = ?, started_us = ?, ended_us = ?"
                       " WHERE id = ? AND state = ? AND attempt = ?",
                       "ttiiiiiiti", state, job->reason, (int64_t) job->exit_code,
                       (int64_t) job->exit_signal, job->not_before_us, job->started_us,
                       job->ended_us, job->id, sf_job_state_name (from), job->attempt))
    return false;
  *changed = sqlite3_changes (self->db) > 0;
  if (!*changed || !sf_job_state_is_final (job->state) || from == SF_JOB_PENDING)
    return true;
  return sf_storedb_run (self, "record the end of an attempt", error,
                         "UPDATE attempt SET state = ?, reason = ?, exit_code = ?,"
                         " exit_signal = ?, started_us = ?, ended_us = ?"
                         " WHERE job = ? AND number = ?",
                         "ttiiiiii", state, job->reason, (int64_t) job->exit_code,
                         (int64_t) job->exit_signal, job->started_us, job->ended_us, job->id,
                         job->attempt);
}

bool
sf_store_set_waiting (SfStore *self, const SfJob *job, GError **error)
{
  return sf_storedb_run (self, "record a job", error,
                         "UPDATE job SET held = ?, priority = ?, not_before_us = ?"
                         " WHERE id = ? AND state = 'PENDING'",
                         "iiii", (int64_t) job->held, job->priority, job->not_before_us, job->id);
}

bool
sf_store_set_handle (SfStore *self, const SfJob *job, GError **error)
{
  return sf_storedb_run (self, "record a handle", error,
                         "UPDATE attempt SET handle = ? WHERE job = ? AND number = ?", "tii",
                         job->handle, job->id, job->attempt);
}

/* ---- jobs: reading ---- */

static bool
read_job (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  SfJob *job = g_new0 (SfJob, 1);
  g_ptr_array_add (data, job);
  job->id = sqlite3_column_int64 (stmt, 0);
  job->submission = sqlite3_column_int64 (stmt, 1);
  job->name = sf_storedb_text (stmt, 2);
  job->element = sf_storedb_text (stmt, 3);
  job->project = sf_storedb_text (stmt, 4);
  job->job_file = sf_storedb_text (stmt, 5);
  job->reason = sf_storedb_text (stmt, 7);
  job->exit_code = sqlite3_column_int (stmt, 8);
  job->exit_signal = sqlite3_column_int (stmt, 9);
  job->priority = sqlite3_column_int64 (stmt, 10);
  job->held = sqlite3_column_int (stmt, 11) != 0;
  job->cores = sqlite3_column_int64 (stmt, 12);
  job->memory_bytes = sqlite3_column_int64 (stmt, 13);
  job->time_limit_s = sqlite3_column_int64 (stmt, 14);
  job->tiles = sqlite3_column_int64 (stmt, 15);
  job->not_before_us = sqlite3_column_int64 (stmt, 16);
  job->executor = sf_storedb_text (stmt, 17);
  job->submitted_us = sqlite3_column_int64 (stmt, 18);
  job->started_us = sqlite3_column_int64 (stmt, 19);
  job->ended_us = sqlite3_column_int64 (stmt, 20);
  job->attempt = sqlite3_column_int64 (stmt, 21);
  job->token = sf_storedb_text (stmt, 22);
  job->handle = sf_storedb_text (stmt, 23);
  job->boot_id = sf_storedb_text (stmt, 24);
  job->first_tile = sqlite3_column_int64 (stmt, 25);
  job->at_once = sqlite3_column_int64 (stmt, 26);
  static const int texts[] = { 2, 4, 5, 7, 17 };
  return sf_storedb_all_there (self, stmt, texts, G_N_ELEMENTS (texts), error)
         && sf_storedb_state (self, stmt, 6, &job->state, error);
}

/* Rows of a query whose only parameter, if any, is an id. */
static GPtrArray *
query_jobs (SfStore *self, const char *sql, const char *types, int64_t id, GError **error)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_job_free);
  return sf_storedb_query (self, "read jobs", read_job, jobs, error, sql, types, id)
             ? g_steal_pointer (&jobs)
             : NULL;
}

SfJob *
sf_store_get (SfStore *self, int64_t id, GError **error)
{
  g_autoptr (GPtrArray) jobs = query_jobs (self, JOBS "WHERE j.id = ?", "i", id, error);
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
    [SF_STORE_LIVE] = JOBS "WHERE j." LIVE " ORDER BY j.id",
    [SF_STORE_UNFINISHED] = JOBS "WHERE j." UNFINISHED " ORDER BY j.id",
    [SF_STORE_NEWEST] = JOBS
    "WHERE j.id IN (SELECT id FROM (SELECT id FROM job ORDER BY id DESC LIMIT 50)"
    " UNION SELECT id FROM job WHERE " LIVE
    " UNION SELECT id FROM (SELECT id FROM job WHERE state = 'PENDING'"
    " ORDER BY priority DESC, id LIMIT 50)) ORDER BY j.id",
    [SF_STORE_ALL] = JOBS "ORDER BY j.id",
  };
  return query_jobs (self, queries[filter], "", 0, error);
}

GPtrArray *
sf_store_select (SfStore *self, const SfStoreSelection *selection, GError **error)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_job_free);
  g_autoptr (GString) states = g_string_new (NULL);
  for (int i = 0; i < SF_JOB_N_STATES; i++)
    if ((selection->states >> i & 1) != 0)
      g_string_append_printf (states, "|%s|", sf_job_state_name ((SfJobState) i));
  if (!sf_storedb_query (self, "read jobs", read_job, jobs, error,
                         JOBS "WHERE j.id IN (SELECT id FROM job"
                              " WHERE (?1 = '' OR instr (?1, '|' || state || '|') > 0)"
                              " AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR name GLOB ?3)"
                              " AND submitted_us >= ?4 ORDER BY id DESC LIMIT ?5) ORDER BY j.id",
                         "tttii", states->str, selection->project, selection->name,
                         selection->since_us,
                         selection->limit > 0 ? selection->limit : (int64_t) -1))
    return NULL;
  return g_steal_pointer (&jobs);
}

GPtrArray *
sf_store_list_pending (SfStore *self, int64_t above_id, GError **error)
{
  return query_jobs (self, JOBS "WHERE j.id > ? AND +j.state = 'PENDING' ORDER BY j.id", "i",
                     above_id, error);
}

static bool
note_row (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  *(bool *) data = true;
  return true;
}

bool
sf_store_any_unfinished (SfStore *self, bool *any, GError **error)
{
  *any = false;
  return sf_storedb_query (self, "read jobs", note_row, any, error,
                           "SELECT 1 FROM (SELECT id FROM job WHERE " LIVE
                           " UNION ALL SELECT id FROM job WHERE state = 'PENDING') LIMIT 1",
                           "");
}

/* ---- attempts ---- */

static void
attempt_row_free (void *data)
{
  SfAttemptRow *row = data;
  g_free (row->token);
  g_free (row->handle);
  g_free (row->reason);
  g_free (row);
}

static bool
read_attempt (SfStore *self, sqlite3_stmt *stmt, void *data, GError **error)
{
  SfAttemptRow *row = g_new0 (SfAttemptRow, 1);
  g_ptr_array_add (data, row);
  row->number = sqlite3_column_int64 (stmt, 0);
  row->token = sf_storedb_text (stmt, 1);
  row->handle = sf_storedb_text (stmt, 2);
  row->reason = sf_storedb_text (stmt, 4);
  row->exit_code = sqlite3_column_int (stmt, 5);
  row->exit_signal = sqlite3_column_int (stmt, 6);
  row->recorded_us = sqlite3_column_int64 (stmt, 7);
  row->started_us = sqlite3_column_int64 (stmt, 8);
  row->ended_us = sqlite3_column_int64 (stmt, 9);
  static const int texts[] = { 1, 4 };
  return sf_storedb_all_there (self, stmt, texts, G_N_ELEMENTS (texts), error)
         && sf_storedb_state (self, stmt, 3, &row->state, error);
}

GPtrArray *
sf_store_list_attempts (SfStore *self, int64_t job, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (attempt_row_free);
  return sf_storedb_query (self, "read attempts", read_attempt, rows, error,
                           "SELECT number, token, handle, state, reason, exit_code, exit_signal,"
                           " recorded_us, started_us, ended_us FROM attempt WHERE job = ?"
                           " ORDER BY number",
                           "i", job)
             ? g_steal_pointer (&rows)
             : NULL;
}
