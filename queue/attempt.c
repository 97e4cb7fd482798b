/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of an attempt: plan, locks, records. */
#include "queue/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/json.h>

#include "queue/memorygroup.h"

enum
{
  MAX_RECORD_BYTES = 16 << 20
};

char *
sf_attempt_folder (const char *job_folder, int64_t attempt)
{
  return g_strdup_printf ("%s/attempt-%" G_GINT64_FORMAT, job_folder, attempt);
}

char *
sf_attempt_log_path (const char *attempt_folder, int step)
{
  return g_strdup_printf ("%s/step-%d.log", attempt_folder, step);
}

char *
sf_attempt_progress_path (const char *attempt_folder, int step)
{
  return g_strdup_printf ("%s/step-%d.progress", attempt_folder, step);
}

size_t
sf_attempt_read_tail (const char *path, char *buffer, size_t n_bytes)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return 0;
  off_t size = lseek (fd, 0, SEEK_END), room = (off_t) n_bytes;
  ssize_t n = size > 0 ? pread (fd, buffer, n_bytes, size > room ? size - room : 0) : 0;
  close (fd);
  return n > 0 ? (size_t) n : 0;
}

bool
sf_attempt_has (const char *attempt_folder, const char *name)
{
  g_autofree char *path = g_build_filename (attempt_folder, name, NULL);
  return access (path, F_OK) == 0;
}

int
sf_attempt_last_step (const char *folder)
{
  int step = 0;
  for (;;)
    {
      g_autofree char *name = g_strdup_printf ("step-%d.json", step + 1);
      if (!sf_attempt_has (folder, name))
        return step;
      step++;
    }
}

SfLockResult
sf_attempt_lock (const char *attempt_folder, const char *name, int *fd, GError **error)
{
  g_autofree char *path = g_build_filename (attempt_folder, name, NULL);
  *fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (*fd < 0)
    {
      sf_fail_errno (error, errno, "%s: cannot open the lock", path);
      return SF_LOCK_FAILED;
    }
  if (flock (*fd, LOCK_EX | LOCK_NB) == 0)
    return SF_LOCK_TAKEN;
  int saved = errno;
  close (*fd);
  *fd = -1;
  if (saved == EWOULDBLOCK)
    return SF_LOCK_HELD;
  sf_fail_errno (error, saved, "%s: cannot lock", path);
  return SF_LOCK_FAILED;
}

bool
sf_attempt_is_locked (const char *attempt_folder, const char *name)
{
  g_autofree char *path = g_build_filename (attempt_folder, name, NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  bool locked = fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (fd >= 0)
    close (fd);
  return locked;
}

/* ---- files ---- */

/* As sf_file_replace, but the disk may take its time. */
static bool
put_file (const char *path, const char *data, size_t n_bytes, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".tmp", NULL);
  int fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return sf_fail_errno (error, errno, "%s: cannot create", path);
  ssize_t n = write (fd, data, n_bytes);
  int saved = n < 0 ? errno : ENOSPC;
  bool good = close (fd) == 0 && n == (ssize_t) n_bytes;
  if (good && rename (temporary, path) == 0)
    return true;
  saved = good ? errno : saved;
  unlink (temporary);
  return sf_fail_errno (error, saved, "%s: cannot write", path);
}

typedef enum
{
  WRITE_SOON,   /* whole, but the disk may take its time */
  WRITE_DURABLE /* on the disk when it returns */
} Durability;

static bool
write_json (json_t *value, const char *folder, const char *name, Durability durability,
            GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text = sf_json_text (value);
  if (text == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: text that is not UTF-8, wanted UTF-8", path);
  bool good = durability == WRITE_DURABLE ? sf_file_replace (path, text, strlen (text), error)
                                          : put_file (path, text, strlen (text), error);
  free (text);
  return good;
}

/* NULL without an error when the file does not exist. */
static json_t *
read_json (const char *folder, const char *name, char **path, GError **error)
{
  *path = g_build_filename (folder, name, NULL);
  if (access (*path, F_OK) != 0 && errno == ENOENT)
    return NULL;
  SfFileMap map;
  if (!sf_file_map (*path, MAX_RECORD_BYTES, &map, error))
    return NULL;
  json_t *value = sf_json_parse ((const char *) map.data, map.n_bytes, *path, error);
  sf_file_unmap (&map);
  return value;
}

static bool
get_int (const json_t *object, const char *key, int *out, const char *name, GError **error)
{
  int64_t value = 0;
  if (!sf_json_get_int (object, key, &value, name, error))
    return false;
  if (value < G_MININT || value > G_MAXINT)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: key \"%s\": out of range", name, key);
  *out = (int) value;
  return true;
}

/* ---- plan ---- */

static void
plan_step_free (void *data)
{
  SfPlanStep *step = data;
  g_free (step->verb);
  g_strfreev (step->argv);
  g_free (step);
}

SfPlan *
sf_plan_new (void)
{
  SfPlan *plan = g_new0 (SfPlan, 1);
  plan->umask = -1;
  plan->first_step = 1;
  plan->environment = g_new0 (char *, 1);
  plan->steps = g_ptr_array_new_with_free_func (plan_step_free);
  return plan;
}

void
sf_plan_free (SfPlan *plan)
{
  if (plan == NULL)
    return;
  g_free (plan->token);
  g_free (plan->job_folder);
  g_free (plan->work_folder);
  g_free (plan->sf);
  g_strfreev (plan->environment);
  g_strfreev (plan->notify);
  g_ptr_array_unref (plan->steps);
  g_free (plan);
}

void
sf_plan_add_step (SfPlan *plan, const char *verb, char **argv)
{
  SfPlanStep *step = g_new0 (SfPlanStep, 1);
  step->verb = g_strdup (verb);
  step->argv = argv;
  g_ptr_array_add (plan->steps, step);
}

char *
sf_plan_where (const SfPlan *plan, int step)
{
  if (step < 1 || (guint) step > plan->steps->len)
    return g_strdup ("no step");
  const SfPlanStep *row = plan->steps->pdata[step - 1];
  return g_strdup_printf ("step %d of %u (%s)", step, plan->steps->len, row->verb);
}

/* NULL with an error that begins with `what` when a word is not UTF-8. Owned. */
static json_t *
words_json (char *const *words, const char *what, GError **error)
{
  json_t *array = json_array ();
  for (; *words != NULL; words++)
    if (json_array_append_new (array, json_string (*words)) != 0)
      {
        json_decref (array);
        sf_fail (error, SF_ERROR_INVALID_DATA, "%s: a word is not UTF-8, wanted UTF-8", what);
        return NULL;
      }
  return array;
}

static json_t *
steps_json (const SfPlan *plan, GError **error)
{
  g_autoptr (json_t) steps = json_array ();
  for (guint i = 0; i < plan->steps->len; i++)
    {
      const SfPlanStep *step = plan->steps->pdata[i];
      g_autofree char *where = g_strdup_printf ("step %u (%s)", i + 1, step->verb);
      json_t *argv = words_json (step->argv, where, error);
      if (argv == NULL)
        return NULL;
      json_array_append_new (steps, json_pack ("{s:s, s:o}", "do", step->verb, "argv", argv));
    }
  return g_steal_pointer (&steps);
}

static json_t *
plan_json (const SfPlan *plan, GError **error)
{
  g_autoptr (json_t) root = json_pack (
      "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "job", (json_int_t) plan->job_id,
      "token", plan->token != NULL ? plan->token : "", "job_folder", plan->job_folder,
      "work_folder", plan->work_folder, "sf", plan->sf, "cores", (json_int_t) plan->cores,
      "memory_bytes", (json_int_t) plan->memory_bytes, "time_limit_s",
      (json_int_t) plan->time_limit_s, "tiles", (json_int_t) plan->tiles, "umask",
      (json_int_t) plan->umask, "first_step", (json_int_t) plan->first_step);
  if (root == NULL)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: a path that is not UTF-8, wanted UTF-8; rename the folder", plan->work_folder);
      return NULL;
    }
  json_t *steps = steps_json (plan, error);
  json_t *environment = steps != NULL ? words_json (plan->environment, "environment", error) : NULL;
  json_object_set_new (root, "steps", steps);
  json_object_set_new (root, "environment", environment);
  if (environment == NULL)
    return NULL;
  if (plan->retries.max > 0)
    json_object_set_new (root, "retries", sf_retry_json (&plan->retries));
  if (plan->limits.known)
    json_object_set_new (root, "limits", sf_limits_json (&plan->limits));
  if (plan->notify != NULL)
    {
      json_t *notify = words_json (plan->notify, "notify", error);
      if (notify == NULL)
        return NULL;
      json_object_set_new (root, "notify", notify);
    }
  return g_steal_pointer (&root);
}

char *
sf_plan_text (const SfPlan *plan, GError **error)
{
  g_autoptr (json_t) root = plan_json (plan, error);
  return root != NULL ? sf_json_text (root) : NULL;
}

bool
sf_plan_write (const SfPlan *plan, const char *attempt_folder, GError **error)
{
  g_autoptr (json_t) root = plan_json (plan, error);
  return root != NULL && write_json (root, attempt_folder, "plan.json", WRITE_SOON, error);
}

/* Owned: g_strfreev. */
static char **
read_words (const json_t *array, const char *what, const char *path, GError **error)
{
  g_auto (GStrv) words = g_new0 (char *, json_array_size (array) + 1);
  for (size_t i = 0; i < json_array_size (array); i++)
    {
      const char *word = json_string_value (json_array_get (array, i));
      if (word == NULL)
        {
          sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s holds no string, wanted strings", path,
                   what);
          return NULL;
        }
      words[i] = g_strdup (word);
    }
  return g_steal_pointer (&words);
}

static bool
read_plan_step (SfPlan *plan, const json_t *row, const char *path, GError **error)
{
  const char *verb;
  const json_t *argv = json_object_get (row, "argv");
  if (!sf_json_get_string (row, "do", &verb, path, error))
    return false;
  if (!json_is_array (argv) || json_array_size (argv) == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: step without argv, wanted an array", path);
  char **words = read_words (argv, "argv", path, error);
  if (words == NULL)
    return false;
  sf_plan_add_step (plan, verb, words);
  return true;
}

/* What plans have had from the second version of the store on. */
static bool
read_plan_rules (SfPlan *plan, const json_t *root, const char *path, GError **error)
{
  const json_t *environment = json_object_get (root, "environment");
  const json_t *notify = json_object_get (root, "notify");
  const json_t *retries = json_object_get (root, "retries");
  const json_t *limits = json_object_get (root, "limits");
  if (environment != NULL)
    {
      g_strfreev (plan->environment);
      plan->environment = read_words (environment, "environment", path, error);
    }
  if (notify != NULL)
    plan->notify = read_words (notify, "notify", path, error);
  return plan->environment != NULL && (notify == NULL || plan->notify != NULL)
         && (retries == NULL || sf_retry_from_json (retries, &plan->retries, path, error))
         && (limits == NULL || sf_limits_from_json (limits, &plan->limits, path, error))
         && (json_object_get (root, "umask") == NULL
             || sf_json_get_int (root, "umask", &plan->umask, path, error))
         && (json_object_get (root, "first_step") == NULL
             || sf_json_get_int (root, "first_step", &plan->first_step, path, error));
}

static SfPlan *
plan_from_json (const json_t *root, const char *path, GError **error)
{
  g_autoptr (SfPlan) plan = sf_plan_new ();
  const char *token, *job_folder, *work_folder, *sf;
  if (!sf_json_get_int (root, "job", &plan->job_id, path, error)
      || !sf_json_get_int (root, "cores", &plan->cores, path, error)
      || !sf_json_get_int (root, "memory_bytes", &plan->memory_bytes, path, error)
      || !sf_json_get_int (root, "time_limit_s", &plan->time_limit_s, path, error)
      || !sf_json_get_int (root, "tiles", &plan->tiles, path, error)
      || !read_plan_rules (plan, root, path, error)
      || !sf_json_get_string (root, "token", &token, path, error)
      || !sf_json_get_string (root, "job_folder", &job_folder, path, error)
      || !sf_json_get_string (root, "work_folder", &work_folder, path, error)
      || !sf_json_get_string (root, "sf", &sf, path, error))
    return NULL;
  plan->token = g_strdup (token);
  plan->job_folder = g_strdup (job_folder);
  plan->work_folder = g_strdup (work_folder);
  plan->sf = g_strdup (sf);
  const json_t *steps = json_object_get (root, "steps");
  for (size_t i = 0; i < json_array_size (steps); i++)
    if (!read_plan_step (plan, json_array_get (steps, i), path, error))
      return NULL;
  return g_steal_pointer (&plan);
}

SfPlan *
sf_plan_parse (const char *text, size_t n_bytes, const char *name, GError **error)
{
  g_autoptr (json_t) root = sf_json_parse (text, n_bytes, name, error);
  return root != NULL ? plan_from_json (root, name, error) : NULL;
}

SfPlan *
sf_plan_read (const char *attempt_folder, GError **error)
{
  g_autoptr (GError) own = NULL;
  g_autofree char *path = NULL;
  g_autoptr (json_t) root = read_json (attempt_folder, "plan.json", &path, &own);
  if (root == NULL && own == NULL)
    sf_fail (&own, SF_ERROR_NOT_FOUND, "%s: not found; the job's folder is damaged", path);
  SfPlan *plan = root != NULL ? plan_from_json (root, path, &own) : NULL;
  if (own != NULL)
    g_propagate_error (error, g_steal_pointer (&own));
  return plan;
}

/* ---- what else a shepherd finds ---- */

bool
sf_attempt_mark_cancelled (const char *attempt_folder, GError **error)
{
  g_autofree char *path = g_build_filename (attempt_folder, "cancel", NULL);
  return put_file (path, "", 0, error);
}

bool
sf_job_file_copy_write (const char *text, const char *job_folder, GError **error)
{
  g_autofree char *path = g_build_filename (job_folder, "job.cfg", NULL);
  return put_file (path, text, strlen (text), error);
}

bool
sf_environment_write (char *const *environment, const char *attempt_folder, GError **error)
{
  g_autofree char *path = g_build_filename (attempt_folder, "environment", NULL);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (; *environment != NULL; environment++)
    g_byte_array_append (bytes, (const guint8 *) *environment, (guint) strlen (*environment) + 1);
  return put_file (path, bytes->len > 0 ? (const char *) bytes->data : "", bytes->len, error);
}

char **
sf_environment_read (const char *attempt_folder)
{
  g_autofree char *path = g_build_filename (attempt_folder, "environment", NULL);
  g_autofree char *bytes = NULL;
  gsize n_bytes = 0;
  if (!g_file_get_contents (path, &bytes, &n_bytes, NULL))
    return NULL;
  GPtrArray *words = g_ptr_array_new ();
  for (const char *word = bytes; word < bytes + n_bytes; word += strlen (word) + 1)
    g_ptr_array_add (words, g_strdup (word));
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (words, FALSE);
}

/* ---- records ---- */

bool
sf_shepherd_record_write (const char *boot_id, int64_t pid, uint64_t start_ticks, const char *group,
                          const char *attempt_folder, GError **error)
{
  g_autoptr (json_t) root = json_pack ("{s:s, s:I, s:I, s:s?}", "boot_id", boot_id, "pid",
                                       (json_int_t) pid, "start_ticks", (json_int_t) start_ticks,
                                       "group", group);
  return write_json (root, attempt_folder, "shepherd.json", WRITE_SOON, error);
}

/* Owned. */
static char *
shepherd_word (const char *attempt_folder, const char *key)
{
  g_autofree char *path = NULL;
  g_autoptr (json_t) root = read_json (attempt_folder, "shepherd.json", &path, NULL);
  return g_strdup (json_string_value (json_object_get (root, key)));
}

char *
sf_shepherd_record_boot_id (const char *attempt_folder)
{
  return shepherd_word (attempt_folder, "boot_id");
}

char *
sf_shepherd_record_group (const char *attempt_folder, const char *token)
{
  g_autofree char *group = shepherd_word (attempt_folder, "group");
  g_autofree char *above = group != NULL ? g_path_get_dirname (group) : NULL;
  g_autofree char *wanted = above != NULL ? sf_memory_group_folder (above, token) : NULL;
  return g_strcmp0 (group, wanted) == 0 ? g_steal_pointer (&group) : NULL;
}

bool
sf_step_record_write (const SfStepRecord *record, const char *attempt_folder, GError **error)
{
  g_autofree char *name = g_strdup_printf ("step-%d.json", record->step);
  g_autoptr (json_t) root = json_pack (
      "{s:i, s:b, s:i, s:i, s:I, s:I}", "step", record->step, "ended", record->ended, "exit_code",
      record->exit_code, "exit_signal", record->exit_signal, "started_us",
      (json_int_t) record->started_us, "ended_us", (json_int_t) record->ended_us);
  return write_json (root, attempt_folder, name, WRITE_SOON, error);
}

bool
sf_step_record_read (const char *attempt_folder, int step, SfStepRecord *out, bool *found,
                     GError **error)
{
  g_autoptr (GError) own = NULL;
  g_autofree char *name = g_strdup_printf ("step-%d.json", step);
  g_autofree char *path = NULL;
  g_autoptr (json_t) root = read_json (attempt_folder, name, &path, &own);
  *found = root != NULL;
  *out = (SfStepRecord){ 0 };
  if (root == NULL && own == NULL)
    return true;
  out->ended = json_is_true (json_object_get (root, "ended"));
  if (own == NULL && get_int (root, "step", &out->step, path, &own)
      && get_int (root, "exit_code", &out->exit_code, path, &own)
      && get_int (root, "exit_signal", &out->exit_signal, path, &own)
      && sf_json_get_int (root, "started_us", &out->started_us, path, &own)
      && sf_json_get_int (root, "ended_us", &out->ended_us, path, &own))
    return true;
  g_propagate_error (error, g_steal_pointer (&own));
  return false;
}

bool
sf_exit_record_write (const SfExitRecord *record, const char *attempt_folder, GError **error)
{
  g_autofree char *reason = g_utf8_make_valid (record->reason, -1);
  g_autoptr (json_t) root = json_pack (
      "{s:s, s:s, s:i, s:i, s:I}", "state", sf_job_state_name (record->state), "reason", reason,
      "exit_code", record->exit_code, "exit_signal", record->exit_signal, "ended_us",
      (json_int_t) record->ended_us);
  if (record->memory_bytes > 0)
    {
      json_object_set_new (root, "memory_bytes", json_integer (record->memory_bytes));
      json_object_set_new (root, "memory_by_kernel", json_boolean (record->by_kernel));
    }
  return write_json (root, attempt_folder, "exit.json", WRITE_DURABLE, error);
}

bool
sf_exit_record_read (const char *attempt_folder, SfExitRecord *out, bool *found, GError **error)
{
  g_autoptr (GError) own = NULL;
  g_autofree char *path = NULL;
  g_autoptr (json_t) root = read_json (attempt_folder, "exit.json", &path, &own);
  const char *state, *reason;
  *found = root != NULL;
  *out = (SfExitRecord){ 0 };
  if (root == NULL && own == NULL)
    return true;
  out->memory_bytes = json_integer_value (json_object_get (root, "memory_bytes"));
  out->by_kernel = json_is_true (json_object_get (root, "memory_by_kernel"));
  if (own == NULL && sf_json_get_string (root, "state", &state, path, &own)
      && sf_json_get_string (root, "reason", &reason, path, &own)
      && get_int (root, "exit_code", &out->exit_code, path, &own)
      && get_int (root, "exit_signal", &out->exit_signal, path, &own)
      && sf_json_get_int (root, "ended_us", &out->ended_us, path, &own))
    {
      if (sf_job_state_parse (state, &out->state) && sf_job_state_is_final (out->state))
        {
          out->reason = g_strdup (reason);
          return true;
        }
      sf_fail (&own, SF_ERROR_INVALID_DATA, "%s: found state \"%s\", wanted a final one", path,
               state);
    }
  g_propagate_error (error, g_steal_pointer (&own));
  return false;
}

void
sf_exit_record_clear (SfExitRecord *record)
{
  g_clear_pointer (&record->reason, g_free);
}
