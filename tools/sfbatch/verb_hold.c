/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs `hold`, `release` and `retry`: what only asks the daemon about jobs. */
#include "queue/queue.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

typedef bool (*Request) (SfQueue *queue, int64_t id, GError **error);

/* One that cannot be does not keep the others from it. */
static int
ask_for_all (const SfOptionValues *options, Request request, GError **error)
{
  g_autoptr (GError) first = NULL;
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  g_autoptr (GArray) ids = queue != NULL ? sf_parse_job_ids (sf_option_list (options, "ids"), error)
                                         : NULL;
  if (ids == NULL)
    return 1;
  for (guint i = 0; i < ids->len; i++)
    request (queue, g_array_index (ids, int64_t, i), first == NULL ? &first : NULL);
  if (first == NULL)
    return 0;
  g_propagate_error (error, g_steal_pointer (&first));
  return 1;
}

static bool
hold (SfQueue *queue, int64_t id, GError **error)
{
  return sf_queue_hold (queue, id, true, error);
}

static bool
let_go (SfQueue *queue, int64_t id, GError **error)
{
  return sf_queue_hold (queue, id, false, error);
}

static int
run_hold (const SfOptionValues *options, GError **error)
{
  return ask_for_all (options, hold, error);
}

static int
run_release (const SfOptionValues *options, GError **error)
{
  return ask_for_all (options, let_go, error);
}

static int
run_retry (const SfOptionValues *options, GError **error)
{
  return ask_for_all (options, sf_queue_retry, error);
}

const SfVerb sf_batch_hold = {
  .name = "hold",
  .summary = "keep jobs that wait from starting",
  .example = "sfbatch hold 12 20-29",
  .options = sf_job_ids_options,
  .run = run_hold,
};

const SfVerb sf_batch_release = {
  .name = "release",
  .summary = "let jobs go that were held",
  .example = "sfbatch release 12 20-29",
  .options = sf_job_ids_options,
  .run = run_release,
};

const SfVerb sf_batch_retry = {
  .name = "retry",
  .summary = "another attempt for jobs that have not ended well, from the step that failed",
  .example = "sfbatch retry 12",
  .options = sf_job_ids_options,
  .run = run_retry,
};
