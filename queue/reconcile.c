/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing the store up to what the folders of live attempts say. */
#include <string.h>
#include <unistd.h>

#include <sf/file.h>
#include <sf/json.h>
#include <sf/log.h>

#include "queue/processes.h"
#include "queue/queue.h"

enum
{
  GRACE_MS = 2000, /* steps got TERM when their shepherd died */
  MAX_SHEPHERD_BYTES = 4096,
};

/* The step that runs or ran last, 0: none. */
static int
last_step (const char *folder)
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

/* "step 2 of 4 (test)", or less if the plan cannot be read. */
static char *
where_is (const char *folder)
{
  int step = last_step (folder);
  g_autoptr (SfPlan) plan = sf_plan_read (folder, NULL);
  return plan != NULL ? sf_plan_where (plan, step) : g_strdup_printf ("step %d", step);
}

/* The machine was started again since the shepherd recorded itself. */
static bool
is_other_boot (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "shepherd.json", NULL);
  SfFileMap map;
  if (!sf_file_map (path, MAX_SHEPHERD_BYTES, &map, NULL))
    return false;
  g_autoptr (json_t) root = sf_json_parse ((const char *) map.data, map.n_bytes, path, NULL);
  sf_file_unmap (&map);
  const char *recorded = json_string_value (json_object_get (root, "boot_id"));
  g_autofree char *boot = sf_boot_id ();
  return recorded != NULL && strcmp (recorded, boot) != 0;
}

/* With the attempt's lock held: ends what is left and writes the record that the shepherd did not.
 * A shepherd that comes late finds the record and leaves. */
static bool
give_up (const SfJob *job, const char *folder, GError **error)
{
  if (!sf_processes_end (job->token, 0, GRACE_MS, NULL, NULL))
    return sf_fail (error, SF_ERROR_IO,
                    "job %" G_GINT64_FORMAT ": a process of a lost attempt does not end; look for "
                    "SF_ATTEMPT_TOKEN=%s in /proc",
                    job->id, job->token);
  g_autofree char *where = where_is (folder);
  SfExitRecord record = { .ended_us = g_get_real_time () };
  if (sf_attempt_has (folder, "cancel"))
    {
      record.state = SF_JOB_CANCELLED;
      record.reason = g_strdup_printf (
          "cancelled on request before its shepherd could answer, at %s", where);
    }
  else
    {
      record.state = SF_JOB_LOST;
      record.reason = g_strdup_printf (is_other_boot (folder) ? "the machine went down at %s"
                                       : sf_attempt_has (folder, "shepherd.json")
                                           ? "its shepherd was killed at %s"
                                           : "its shepherd never started: %s ran",
                                       where);
    }
  bool good = sf_exit_record_write (&record, folder, error);
  sf_exit_record_clear (&record);
  return good;
}

/* With the attempt's lock held and no record there. *settled: there is one now. */
static bool
settle_unlocked (SfQueue *queue, SfJob *job, const char *folder, bool *settled, GError **error)
{
  *settled = false;
  int fd;
  SfLockResult starting = sf_attempt_lock (folder, "starting", &fd, error);
  if (starting != SF_LOCK_TAKEN)
    return starting == SF_LOCK_HELD; /* submit is at it */
  close (fd);
  SfExecutor *executor = sf_queue_executor (queue, job->executor, error);
  SfAttemptState state;
  g_autofree char *handle = NULL;
  if (executor == NULL || !sf_executor_find (executor, job, &state, &handle, error))
    return false;
  if (state != SF_ATTEMPT_ENDED)
    return true; /* the shepherd is on its way to the lock */
  *settled = true;
  return give_up (job, folder, error);
}

/* Looks at the folder: *found, the attempt has ended as *record tells; else *running tells. */
static bool
examine (SfQueue *queue, SfJob *job, const char *folder, SfExitRecord *record, bool *found,
         bool *running, GError **error)
{
  *running = false;
  if (!sf_exit_record_read (folder, record, found, error))
    return false;
  if (*found)
    return true;
  int fd;
  SfLockResult result = sf_attempt_lock (folder, "lock", &fd, error);
  if (result == SF_LOCK_FAILED)
    return false;
  if (result == SF_LOCK_HELD)
    {
      *running = sf_attempt_has (folder, "shepherd.json");
      return true;
    }
  /* The record may have been written since the first look. */
  bool settled = sf_attempt_has (folder, "exit.json");
  bool good = settled || settle_unlocked (queue, job, folder, &settled, error);
  close (fd);
  return good && (!settled || sf_exit_record_read (folder, record, found, error));
}

/* The job as it is to be stored; false when nothing changes. */
static bool
apply (SfJob *job, const char *folder, const SfExitRecord *record, bool found, bool running)
{
  SfStepRecord first;
  bool has_first = false;
  if (job->started_us == 0 && sf_step_record_read (folder, 1, &first, &has_first, NULL)
      && has_first)
    job->started_us = first.started_us;
  if (found)
    {
      job->state = record->state;
      job->exit_code = record->exit_code;
      job->exit_signal = record->exit_signal;
      job->ended_us = record->ended_us;
      g_free (job->reason);
      job->reason = g_strdup (record->reason);
      return true;
    }
  if (!running)
    return false;
  g_autofree char *where = where_is (folder);
  bool same = job->state == SF_JOB_RUNNING && strcmp (where, job->reason) == 0;
  job->state = SF_JOB_RUNNING;
  g_free (job->reason);
  job->reason = g_steal_pointer (&where);
  return !same;
}

static bool
reconcile_job (SfQueue *queue, SfJob *job, GError **error)
{
  g_autofree char *folder = sf_queue_attempt_folder (queue, job);
  SfExitRecord record = { 0 };
  bool found = false, running = false, changed;
  SfJobState from = job->state;
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    {
      record.state = SF_JOB_LOST;
      record.reason = g_strdup ("its folder was removed");
      record.ended_us = g_get_real_time ();
      found = true;
    }
  else if (!examine (queue, job, folder, &record, &found, &running, error))
    return false;
  bool good = true;
  if (apply (job, folder, &record, found, running))
    good = sf_store_update (queue->store, job, from, &changed, error);
  sf_exit_record_clear (&record);
  return good;
}

bool
sf_queue_reconcile (SfQueue *queue, GError **error)
{
  g_autoptr (GPtrArray) live = sf_store_list (queue->store, SF_STORE_LIVE, error);
  if (live == NULL)
    return false;
  /* A job whose folder cannot be read must not hide the others. */
  for (guint i = 0; i < live->len; i++)
    {
      g_autoptr (GError) own = NULL;
      SfJob *job = live->pdata[i];
      if (!reconcile_job (queue, job, &own))
        sf_log (SF_LOG_WARNING, "job %" G_GINT64_FORMAT ": %s", job->id, own->message);
    }
  return true;
}
