/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `cancel`: ends a job. */
#include <stdio.h>

#include "tools/sfbatch/follow.h"
#include "tools/sfbatch/verbs.h"

enum
{
  POLL_US = 10000,
  PATIENCE_US = 30000000, /* the shepherd's grace, and time to write its record */
};

static const SfOption cancel_options[] = {
  { .name = "id",
    .type = SF_OPTION_INT,
    .min = 1,
    .max = 9e15,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "ID",
    .help = "of the job" },
  { .name = NULL },
};

static int
run_cancel (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  int64_t id = sf_option_int (options, "id");
  if (queue == NULL)
    return 1;
  if (!sf_queue_cancel (queue, id, error))
    return 1;
  for (int64_t until = g_get_monotonic_time () + PATIENCE_US; g_get_monotonic_time () < until;)
    {
      g_autoptr (SfJob) job = sf_queue_job (queue, id, error);
      if (job == NULL)
        return 1;
      if (sf_job_state_is_final (job->state))
        {
          g_autofree char *verdict = sf_follow_verdict (job);
          printf ("%s\n", verdict);
          return 0;
        }
      g_usleep (POLL_US);
    }
  sf_fail (error, SF_ERROR_TIMEOUT,
           "job %" G_GINT64_FORMAT ": asked to end, has not yet; sfbatch show %" G_GINT64_FORMAT
           " tells when it has",
           id, id);
  return 1;
}

const SfVerb sf_batch_cancel = {
  .name = "cancel",
  .summary = "end a job: TERM to all of its processes, ten seconds later KILL",
  .example = "sfbatch cancel 12",
  .options = cancel_options,
  .run = run_cancel,
};
