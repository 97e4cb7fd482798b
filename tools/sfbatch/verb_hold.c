/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs `hold` and `release`: keep jobs that wait from starting, and let them go. */
#include "queue/queue.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption hold_options[] = {
  { .name = "id",
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "ID...",
    .help = "of jobs that wait" },
  { .name = NULL },
};

static int
set_held (const SfOptionValues *options, bool held, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  const char *const *ids = sf_option_list (options, "id");
  for (; queue != NULL && *ids != NULL; ids++)
    {
      int64_t id;
      if (!sf_parse_job_id (*ids, &id, error) || !sf_queue_hold (queue, id, held, error))
        return 1;
    }
  return queue != NULL ? 0 : 1;
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
  .example = "sfbatch hold 12 13",
  .options = hold_options,
  .run = run_hold,
};

const SfVerb sf_batch_release = {
  .name = "release",
  .summary = "let jobs go that were held",
  .example = "sfbatch release 12 13",
  .options = hold_options,
  .run = run_release,
};
