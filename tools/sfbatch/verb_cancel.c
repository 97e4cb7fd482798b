/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `cancel`: ends a job. */
#include <stdio.h>

#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

enum
{
  POLL_US = 10000,
  PATIENCE_US = 30000000, /* the shepherd's grace, and time to write its record */
};

/* The ids that are not among the refused. Both are in the same order. Owned. */
static GArray *
without_refused (const GArray *ids, const GArray *refusals)
{
  GArray *left = g_array_new (FALSE, FALSE, sizeof (int64_t));
  guint refused = 0;
  for (guint i = 0; i < ids->len; i++)
    {
      int64_t id = g_array_index (ids, int64_t, i);
      if (refused < refusals->len && g_array_index (refusals, SfRefusal, refused).job == id)
        refused++;
      else
        g_array_append_val (left, id);
    }
  return left;
}

/* Says of those that have ended how, and takes them out. */
static bool
see_ended (SfQueue *queue, GArray *ids, GError **error)
{
  guint kept = 0;
  for (guint i = 0; i < ids->len; i++)
    {
      int64_t id = g_array_index (ids, int64_t, i);
      g_autoptr (SfJob) job = sf_store_get (queue->store, id, error);
      if (job == NULL)
        return false;
      if (!sf_job_state_is_final (job->state))
        {
          g_array_index (ids, int64_t, kept++) = id;
          continue;
        }
      g_autofree char *verdict = sf_follow_verdict (job);
      printf ("%s\n", verdict);
    }
  g_array_set_size (ids, kept);
  return true;
}

/* Until all have ended; the rest is added to the refusals when patience is at its end. */
static bool
wait_for_ends (SfQueue *queue, GArray *ids, GArray *refusals, GError **error)
{
  int64_t until = g_get_monotonic_time () + PATIENCE_US;
  while (ids->len > 0 && g_get_monotonic_time () < until)
    {
      if (!sf_queue_sync (queue, error) || !see_ended (queue, ids, error))
        return false;
      if (ids->len > 0)
        g_usleep (POLL_US);
    }
  for (guint i = 0; i < ids->len; i++)
    {
      SfRefusal row = { .job = g_array_index (ids, int64_t, i) };
      sf_fail (&row.error, SF_ERROR_TIMEOUT,
               "job %" G_GINT64_FORMAT ": asked to end, has not yet; sfbatch show %" G_GINT64_FORMAT
               " tells when it has",
               row.job, row.job);
      g_array_append_val (refusals, row);
    }
  return true;
}

static int
run_cancel (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  g_autoptr (GArray) ids = queue != NULL ? sf_parse_job_ids (sf_option_list (options, "ids"), error)
                                         : NULL;
  g_autoptr (GArray) refusals = ids != NULL ? sf_queue_cancel (queue, ids, error) : NULL;
  if (refusals == NULL)
    return 1;
  g_autoptr (GArray) left = without_refused (ids, refusals);
  bool waited = wait_for_ends (queue, left, refusals, error);
  int exit = sf_show_refusals (refusals);
  return waited ? exit : 1;
}

const SfVerb sf_batch_cancel = {
  .name = "cancel",
  .summary = "end jobs: TERM to all of their processes, ten seconds later KILL",
  .example = "sfbatch cancel 12\nsfbatch cancel 20-29 31",
  .options = sf_job_ids_options,
  .run = run_cancel,
};
