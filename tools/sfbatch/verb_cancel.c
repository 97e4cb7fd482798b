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

/* Until it has ended, and says so. */
static bool
see_end (SfQueue *queue, int64_t id, GError **error)
{
  for (int64_t until = g_get_monotonic_time () + PATIENCE_US; g_get_monotonic_time () < until;)
    {
      g_autoptr (SfJob) job = sf_queue_job (queue, id, error);
      if (job == NULL)
        return false;
      if (sf_job_state_is_final (job->state))
        {
          g_autofree char *verdict = sf_follow_verdict (job);
          printf ("%s\n", verdict);
          return true;
        }
      g_usleep (POLL_US);
    }
  return sf_fail (error, SF_ERROR_TIMEOUT,
                  "job %" G_GINT64_FORMAT
                  ": asked to end, has not yet; sfbatch show %" G_GINT64_FORMAT
                  " tells when it has",
                  id, id);
}

static int
run_cancel (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  g_autoptr (GArray) ids = queue != NULL ? sf_parse_job_ids (sf_option_list (options, "ids"), error)
                                         : NULL;
  if (ids == NULL)
    return 1;
  g_autoptr (GError) first = NULL;
  /* All are asked before the first is waited for; one that cannot be keeps no other alive. */
  for (guint i = 0; i < ids->len;)
    if (sf_queue_cancel (queue, g_array_index (ids, int64_t, i), first == NULL ? &first : NULL))
      i++;
    else
      g_array_remove_index (ids, i);
  for (guint i = 0; i < ids->len; i++)
    see_end (queue, g_array_index (ids, int64_t, i), first == NULL ? &first : NULL);
  if (first == NULL)
    return 0;
  g_propagate_error (error, g_steal_pointer (&first));
  return 1;
}

const SfVerb sf_batch_cancel = {
  .name = "cancel",
  .summary = "end jobs: TERM to all of their processes, ten seconds later KILL",
  .example = "sfbatch cancel 12\nsfbatch cancel 20-29 31",
  .options = sf_job_ids_options,
  .run = run_cancel,
};
