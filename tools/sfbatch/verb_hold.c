/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs `hold` and `release`: keep jobs that wait from starting, and let them go. */
#include "queue/queue.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption hold_options[] = {
  { .name = "ids",
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "ID...",
    .help = "of jobs that wait, or ranges of ids" },
  { .name = NULL },
};

static int
set_held (const SfOptionValues *options, bool held, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  g_autoptr (GArray) ids = queue != NULL ? sf_parse_job_ids (sf_option_list (options, "ids"), error)
                                         : NULL;
  if (ids == NULL)
    return 1;
  g_autoptr (GError) first = NULL;
  /* One that cannot be does not keep the others from it. */
  for (guint i = 0; i < ids->len; i++)
    sf_queue_hold (queue, g_array_index (ids, int64_t, i), held, first == NULL ? &first : NULL);
  if (first == NULL)
    return 0;
  g_propagate_error (error, g_steal_pointer (&first));
  return 1;
}

static int
run_hold (const SfOptionValues *options, GError **error)
{
  return set_held (options, true, error);
}

static int
run_release (const SfOptionValues *options, GError **error)
{
  return set_held (options, false, error);
}

const SfVerb sf_batch_hold = {
  .name = "hold",
  .summary = "keep jobs that wait from starting",
  .example = "sfbatch hold 12 20-29",
  .options = hold_options,
  .run = run_hold,
};

const SfVerb sf_batch_release = {
  .name = "release",
  .summary = "let jobs go that were held",
  .example = "sfbatch release 12 20-29",
  .options = hold_options,
  .run = run_release,
};
