/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs `hold`, `release` and `retry`: what only asks the daemon about jobs. */
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

typedef GArray *(*Request) (SfQueue *queue, const GArray *ids, GError **error);

static int
ask_for_all (const SfOptionValues *options, Request request, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  g_autoptr (GArray) ids = queue != NULL ? sf_parse_job_ids (sf_option_list (options, "ids"), error)
                                         : NULL;
  g_autoptr (GArray) refusals = ids != NULL ? request (queue, ids, error) : NULL;
  return refusals != NULL ? sf_show_refusals (refusals) : 1;
}

static int
run_hold (const SfOptionValues *options, GError **error)
{
  return ask_for_all (options, sf_queue_hold, error);
}

static int
run_release (const SfOptionValues *options, GError **error)
{
  return ask_for_all (options, sf_queue_release, error);
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
