/* SPDX-License-Identifier: Apache-2.0 */
/* sfbatch: jobs of Spatialflow on the command line. */
#include "tools/sfbatch/verbs.h"

static const SfVerb *const verbs[] = {
  &sf_batch_new,       &sf_batch_submit, &sf_batch_list,
  &sf_batch_history,   &sf_batch_show,   &sf_batch_top,
  &sf_batch_logs,      &sf_batch_cancel, &sf_batch_hold,
  &sf_batch_release,   &sf_batch_retry,  &sf_batch_wait,
  &sf_batch_regress,   &sf_batch_golden, &sf_batch_report,
  &sf_verb_completion, &sf_verb_manual,  NULL,
};

static const SfManualNote notes[] = {
  { "DESCRIPTION", NULL,
    "A job is a list of steps, most of them verbs of sf(1), in a file that sfbatch-job(5) describes. sfd(8) runs "
    "jobs while they fit into the machine; it is started when it is needed, and nothing is lost when it, a "
    "terminal or the machine goes down. Where several ids may stand, 20-29 is a range." },
  { "EXIT STATUS", NULL,
    "wait and submit --wait end as the job did: with the exit code of the step that failed, 128+n when signal n "
    "ended it, 127 when it could not be started, 7 out of memory, 8 past its time limit, 9 cancelled, 11 lost. "
    "regress ends with 10 when a case does not pass." },
  { "ENVIRONMENT", "SF_QUEUE_DIR",
    "the folder of the queue; default: spatialflow/queue below XDG_STATE_HOME, which is ~/.local/state" },
  { "ENVIRONMENT", "SF_SFD_TIMEOUT",
    "how many seconds an answer of sfd(8) is waited for; default: 60" },
  { "ENVIRONMENT", "SF_PLUGIN_PATH",
    "folders searched for plugins before the installed ones, separated by ':'" },
  { "FILES", "store.db", "in the folder of the queue: all jobs, as they stand" },
  { "FILES", "sfd.cfg", "what the machine has to give: cores, memory, tiles; see sfd(8)" },
  { "FILES", "jobs/12/attempt-1/step-1.log", "what the first step of job 12 printed" },
  { "FILES", "regress/nightly/20260131T020000Z/",
    "results and page of a run of the suite nightly" },
  { "SEE ALSO", NULL, "sf(1), sfbatch-job(5), sfd(8)" },
  { NULL, NULL, NULL },
};

static const SfTool tool = {
  .name = "sfbatch",
  .summary = "Runs jobs: compile, test, train and use a model, recorded step by step",
  .example = "sfbatch submit --wait job.cfg\nsfbatch list",
  .verbs = verbs,
  .notes = notes,
};

int
main (int argc, char **argv)
{
  return sf_tool_main (&tool, argc, argv);
}
