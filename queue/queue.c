/* SPDX-License-Identifier: Apache-2.0 */
/* SfQueue: opening, submitting, asking. */
#include "queue/queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sf/log.h>

#include "queue/folder.h"
#include "queue/launch.h"
#include "queue/progress.h"

enum
{
  ASK_TRIES = 30, /* a daemon may end, or be killed, at any moment, and the next one, too */
  MAX_LINKS = 1000000,
};

SfQueue *
sf_queue_open (GError **error)
{
  g_autoptr (SfQueue) self = g_new0 (SfQueue, 1);
  self->folder = sf_queue_folder (error);
  if (self->folder == NULL)
    return NULL;
  self->store = sf_store_open (self->folder, error);
  return self->store != NULL ? g_steal_pointer (&self) : NULL;
}

void
sf_queue_close (SfQueue *self)
{
  if (self == NULL)
    return;
  sf_client_close (self->client);
  sf_store_close (self->store);
  g_free (self->folder);
  g_free (self);
}

char *
sf_queue_job_folder (const SfQueue *self, int64_t id)
{
  return sf_job_folder (self->folder, id);
}

char *
sf_queue_attempt_folder (const SfQueue *self, const SfJob *job)
{
  g_autofree char *job_folder = sf_queue_job_folder (self, job->id);
  return sf_attempt_folder (job_folder, job->attempt);
}

/* ---- the daemon ---- */

static bool
connect_daemon (SfQueue *self, GError **error)
{
  if (self->client == NULL)
    self->client = sf_client_open (self->folder, error);
  return self->client != NULL;
}

static void
pass_warning_on (SfQueue *self, const json_t *answer)
{
  const char *warning = json_string_value (json_object_get (answer, "warning"));
  if (warning == NULL || self->warned)
    return;
  self->warned = true;
  sf_log (SF_LOG_WARNING, "sfd cannot record what happens: %s", warning);
}

json_t *
sf_queue_ask (SfQueue *self, json_t *request, GError **error)
{
  g_autoptr (json_t) owned = request;
  for (int i = 1;; i++)
    {
      g_autoptr (GError) own = NULL;
      bool broken = false;
      json_t *answer = connect_daemon (self, &own)
                           ? sf_client_call (self->client, owned, self->interrupted, &broken, &own)
                           : NULL;
      if (broken)
        g_clear_pointer (&self->client, sf_client_close);
      pass_warning_on (self, answer);
      self->silent = answer == NULL && g_error_matches (own, SF_ERROR, SF_ERROR_TIMEOUT);
      if (answer != NULL)
        return answer;
      /* One that does not answer is there, and would not answer the next time. */
      if (!broken || i == ASK_TRIES || self->silent
          || g_error_matches (own, SF_ERROR, SF_ERROR_CANCELLED))
        {
          g_propagate_error (error, g_steal_pointer (&own));
          return NULL;
        }
    }
}

bool
sf_queue_keep_up (SfQueue *self, GError **error)
{
  bool any = false;
  self->silent = false;
  if (!sf_store_any_unfinished (self->store, &any, error))
    return false;
  g_autoptr (json_t) answer = any ? sf_queue_ask (self, sf_protocol_request ("sync"), error) : NULL;
  return !any || answer != NULL;
}

bool
sf_queue_sync (SfQueue *self, GError **error)
{
  g_autoptr (GError) own = NULL;
  if (sf_queue_keep_up (self, &own))
    return true;
  if (self->silent)
    sf_log (SF_LOG_WARNING, "%s; this is what was recorded last", own->message);
  else
    g_propagate_error (error, g_steal_pointer (&own));
  return self->silent;
}

/* In pieces that a request has room for. */
static GArray *
ask_for_all (SfQueue *self, const char *what, const GArray *ids, GError **error)
{
  g_autoptr (GArray) refusals = sf_refusals_new ();
  for (guint from = 0; from < ids->len; from += SF_PROTOCOL_MAX_JOBS)
    {
      json_t *request = sf_protocol_request (what);
      sf_protocol_name_jobs (request, &g_array_index (ids, int64_t, from),
                             MIN (ids->len - from, SF_PROTOCOL_MAX_JOBS));
      g_autoptr (json_t) answer = sf_queue_ask (self, request, error);
      if (answer == NULL || !sf_protocol_read_refusals (answer, refusals, error))
        return NULL;
    }
  return g_steal_pointer (&refusals);
}

GArray *
sf_queue_cancel (SfQueue *self, const GArray *ids, GError **error)
{
  return ask_for_all (self, "cancel", ids, error);
}

GArray *
sf_queue_hold (SfQueue *self, const GArray *ids, GError **error)
{
  return ask_for_all (self, "hold", ids, error);
}

GArray *
sf_queue_release (SfQueue *self, const GArray *ids, GError **error)
{
  return ask_for_all (self, "release", ids, error);
}

GArray *
sf_queue_retry (SfQueue *self, const GArray *ids, GError **error)
{
  return ask_for_all (self, "retry", ids, error);
}

/* ---- submit ---- */

/* A submission on its way into the store. */
typedef struct
{
  SfQueue *queue;
  const SfSubmitOptions *options;
  SfSubmission row;
  GArray *ids;    /* of its jobs so far */
  size_t n_links; /* dependencies so far */
} Submission;

/* What the steps are to inherit. */
static int64_t
current_umask (void)
{
  mode_t mask = umask (0077);
  umask (mask);
  return mask;
}

/* The text of the plan for this attempt. Owned: free(). */
static char *
plan_text (const Submission *self, const SfJobFile *file, int64_t id, int64_t attempt,
           GError **error)
{
  g_autofree char *job_folder = sf_queue_job_folder (self->queue, id);
  g_autoptr (SfPlan) plan = sf_job_file_plan (file, job_folder, attempt, error);
  if (plan == NULL)
    return NULL;
  plan->job_id = id;
  plan->sf = g_strdup (self->options->sf);
  plan->umask = current_umask ();
  plan->limits = sf_limits_read ();
  return sf_plan_text (plan, error);
}

static bool
add_plans (const Submission *self, const SfJobFile *file, int64_t id, GError **error)
{
  char *first = plan_text (self, file, id, 1, error);
  char *again = first != NULL ? plan_text (self, file, id, 2, error) : NULL;
  bool good = again != NULL && sf_store_add_plan (self->queue->store, id, first, again, error);
  free (first);
  free (again);
  return good;
}

/* Ids of the jobs that a link names: by name all of the newest submission before this one. Owned.
 */
static GArray *
find_linked (const Submission *self, const SfJobLink *link, int64_t id, GError **error)
{
  SfStore *store = self->queue->store;
  int64_t first_id = self->ids->len > 0 ? g_array_index (self->ids, int64_t, 0) : id;
  g_autoptr (GArray) others = NULL;
  if (link->name != NULL)
    {
      others = sf_store_list_named (store, link->name, first_id, error);
      if (others != NULL && others->len == 0)
        {
          sf_fail (error, SF_ERROR_NOT_FOUND,
                   "%s: no job is named \"%s\", wanted one that was submitted before", link->where,
                   link->name);
          return NULL;
        }
      return g_steal_pointer (&others);
    }
  g_autoptr (SfJob) other = sf_store_get (store, link->id, error);
  if (other == NULL || other->id >= first_id)
    {
      g_clear_error (error);
      sf_fail (error, SF_ERROR_NOT_FOUND,
               "%s: no job %" G_GINT64_FORMAT ", wanted one that was submitted before", link->where,
               link->id);
      return NULL;
    }
  others = g_array_new (FALSE, FALSE, sizeof (int64_t));
  g_array_append_val (others, other->id);
  return g_steal_pointer (&others);
}

static bool
add_links (Submission *self, const SfJobFile *file, int64_t id, GError **error)
{
  for (guint i = 0; i < file->links->len; i++)
    {
      const SfJobLink *link = file->links->pdata[i];
      g_autoptr (GArray) others = find_linked (self, link, id, error);
      if (others == NULL)
        return false;
      self->n_links += others->len;
      if (self->n_links > MAX_LINKS)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "%s: found more than %d pairs of jobs that wait for each other, wanted "
                        "fewer; put one job between them",
                        link->where, MAX_LINKS);
      for (guint k = 0; k < others->len; k++)
        {
          SfDependency row = { .kind = link->kind, .id = g_array_index (others, int64_t, k) };
          if (!sf_store_add_dependency (self->queue->store, id, &row, error))
            return false;
        }
    }
  return true;
}

static bool
add_job (Submission *self, const SfJobFile *file, GError **error)
{
  SfJob job = { .submission = self->row.id,
                .name = file->name,
                .element = file->element,
                .project = file->project,
                .reason = (char *) "recorded",
                .priority = file->priority,
                .held = self->options->held,
                .cores = file->cores,
                .memory_bytes = file->memory_bytes,
                .time_limit_s = file->time_limit_s,
                .tiles = file->tiles,
                .executor = (char *) (self->options->executor != NULL ? self->options->executor
                                                                      : ""),
                .submitted_us = self->row.submitted_us };
  if (!sf_store_add_job (self->queue->store, &job, error) || !add_plans (self, file, job.id, error)
      || !add_links (self, file, job.id, error))
    return false;
  g_array_append_val (self->ids, job.id);
  return true;
}

static bool
add_rows (Submission *self, const SfJobBatch *batch, GError **error)
{
  if (!sf_store_begin (self->queue->store, error))
    return false;
  bool good = sf_store_add_submission (self->queue->store, &self->row, error);
  for (guint i = 0; good && i < batch->jobs->len; i++)
    good = add_job (self, batch->jobs->pdata[i], error);
  good = good && sf_store_commit (self->queue->store, error);
  if (!good)
    sf_store_rollback (self->queue->store);
  return good;
}

GArray *
sf_queue_submit (SfQueue *self, const SfJobBatch *batch, const SfSubmitOptions *options,
                 GError **error)
{
  const SfJobFile *first = batch->jobs->pdata[0];
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  Submission submission = { .queue = self,
                            .options = options,
                            .ids = ids,
                            .row = { .path = first->path,
                                     .text = first->text,
                                     .environment = environment,
                                     .sf = (char *) options->sf,
                                     .shepherd = (char *) options->shepherd,
                                     .submitted_us = options->submitted_us != 0
                                                         ? options->submitted_us
                                                         : g_get_real_time (),
                                     .at_once = batch->at_once } };
  /* Without a daemon nothing is recorded; with one, the end of this connection is enough for it to
   * look, should this process be killed once the job is there. */
  if (!connect_daemon (self, error) || !add_rows (&submission, batch, error))
    return NULL;
  g_autoptr (GError) own = NULL;
  g_autoptr (json_t) answer = sf_queue_ask (self, sf_protocol_request ("wake"), &own);
  if (answer == NULL)
    sf_log (SF_LOG_WARNING,
            "job %" G_GINT64_FORMAT " is recorded and begins once sfd can be started: %s",
            g_array_index (ids, int64_t, 0), own->message);
  return g_steal_pointer (&ids);
}

/* ---- one job ---- */

SfJob *
sf_queue_job (SfQueue *self, int64_t id, GError **error)
{
  return sf_queue_sync (self, error) ? sf_store_get (self->store, id, error) : NULL;
}

/* "step 3 of 4 (train): epoch 2 of 12, loss 0.3100, 12 s left" */
static void
explain_running (SfQueue *self, SfJob *job)
{
  g_autofree char *folder = sf_queue_attempt_folder (self, job);
  SfStepProgress progress;
  if (!sf_step_progress_read (folder, sf_attempt_last_step (folder), &progress))
    return;
  g_autofree char *text = sf_step_progress_text (&progress);
  g_autofree char *reason = job->reason;
  job->reason = g_strdup_printf ("%s%s%s", reason, text[0] != '\0' ? ": " : "", text);
}

/* Ids of a piece of `jobs` that is PENDING, from *from on, which is moved on. Owned. */
static GArray *
next_pending (const GPtrArray *jobs, guint *from)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  for (; *from < jobs->len && ids->len < SF_PROTOCOL_MAX_JOBS; (*from)++)
    {
      const SfJob *job = jobs->pdata[*from];
      if (job->state == SF_JOB_PENDING)
        g_array_append_val (ids, job->id);
    }
  return ids;
}

void
sf_queue_explain_pending (SfQueue *self, GPtrArray *jobs)
{
  for (guint first = 0, end = 0; end < jobs->len && !self->silent; first = end)
    {
      g_autoptr (GArray) ids = next_pending (jobs, &end);
      if (ids->len == 0)
        return;
      json_t *request = sf_protocol_request ("why");
      sf_protocol_name_jobs (request, (const int64_t *) (void *) ids->data, ids->len);
      g_autoptr (json_t) answer = sf_queue_ask (self, request, NULL);
      const json_t *texts = json_object_get (answer, "why");
      for (guint i = first; i < end; i++)
        {
          SfJob *job = jobs->pdata[i];
          g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, job->id);
          const char *text = json_string_value (json_object_get (texts, id));
          if (text == NULL)
            continue;
          g_free (job->reason);
          job->reason = g_strdup (text);
        }
    }
}

void
sf_queue_explain (SfQueue *self, GPtrArray *jobs)
{
  sf_queue_explain_pending (self, jobs);
  for (guint i = 0; i < jobs->len; i++)
    if (((const SfJob *) jobs->pdata[i])->state == SF_JOB_RUNNING)
      explain_running (self, jobs->pdata[i]);
}

SfPlan *
sf_queue_plan (SfQueue *self, const SfJob *job, GError **error)
{
  g_autofree char *folder = sf_queue_attempt_folder (self, job);
  if (job->attempt > 0 && sf_attempt_has (folder, "plan.json"))
    return sf_plan_read (folder, error);
  g_autofree char *name = g_strdup_printf ("plan of job %" G_GINT64_FORMAT, job->id);
  g_autofree char *text = sf_store_get_plan (self->store, job->id, job->attempt, error);
  return text != NULL ? sf_plan_parse (text, strlen (text), name, error) : NULL;
}
