/* SPDX-License-Identifier: Apache-2.0 */
/* sfbatch: jobs of Spatialflow on the command line. */
#include "tools/sfbatch/verbs.h"

static const SfVerb *const verbs[] = {
  &sf_batch_new,
  &sf_batch_submit,
  &sf_batch_list,
  &sf_batch_history,
  &sf_batch_show,
  &sf_batch_top,
  &sf_batch_logs,
  &sf_batch_cancel,
  &sf_batch_hold,
  &sf_batch_release,
  &sf_batch_retry,
  &sf_batch_wait,
  &sf_batch_regress,
  &sf_batch_golden,
  &sf_batch_report,
  &sf_verb_completion,
  NULL,
};

static const SfTool tool = {
  .name = "sfbatch",
  .summary = "Runs jobs: compile, test, train and use a model, recorded step by step",
  .example = "sfbatch submit --wait job.cfg\nsfbatch list",
  .verbs = verbs,
};

int
main (int argc, char **argv)
{
  return sf_tool_main (&tool, argc, argv);
}
