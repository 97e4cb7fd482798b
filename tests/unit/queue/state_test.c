/* SPDX-License-Identifier: Apache-2.0 */
/* States of a job: the transitions that there are, and no others; exit codes. */
#include "queue/state.h"

#include "tests/support/sftest.h"

/* Rows from, columns to, in the order of the enumeration; written by hand from docs/queue.md. */
static const char *const allowed[SF_JOB_N_STATES] = {
  /*                   P S R C F C T O L */
  [SF_JOB_PENDING] = ".x..xx...", [SF_JOB_STARTING] = "..xxxxxxx",
  [SF_JOB_RUNNING] = "...xxxxxx", [SF_JOB_COMPLETED] = ".........",
  [SF_JOB_FAILED] = "x........",  [SF_JOB_CANCELLED] = "x........",
  [SF_JOB_TIMEOUT] = "x........", [SF_JOB_OUT_OF_MEMORY] = "x........",
  [SF_JOB_LOST] = "x........",
};

SF_TEST (State, Transitions)
{
  for (int from = 0; from < SF_JOB_N_STATES; from++)
    for (int to = 0; to < SF_JOB_N_STATES; to++)
      SF_CHECK_MSG (sf_job_state_may_become (from, to) == (allowed[from][to] == 'x'), "%s to %s",
                    sf_job_state_name (from), sf_job_state_name (to));
}

SF_TEST (State, Names)
{
  for (int i = 0; i < SF_JOB_N_STATES; i++)
    {
      SfJobState state = SF_JOB_N_STATES;
      SF_CHECK (sf_job_state_parse (sf_job_state_name (i), &state));
      SF_CHECK_INT (state, i);
      SF_CHECK (sf_job_state_is_final (i) == (i >= SF_JOB_COMPLETED));
    }
  SfJobState state;
  SF_CHECK (!sf_job_state_parse ("completed", &state));
  SF_CHECK_STR (sf_job_state_name (SF_JOB_OUT_OF_MEMORY), "OUT_OF_MEMORY");
}

SF_TEST (State, ExitCodes)
{
  SF_CHECK_INT (sf_job_exit (SF_JOB_COMPLETED, 0, 0), 0);
  SF_CHECK_INT (sf_job_exit (SF_JOB_FAILED, 10, 0), 10);
  SF_CHECK_INT (sf_job_exit (SF_JOB_FAILED, 0, 9), 137);
  SF_CHECK_INT (sf_job_exit (SF_JOB_CANCELLED, 0, 15), 9);
  SF_CHECK_INT (sf_job_exit (SF_JOB_TIMEOUT, 0, 9), 8);
  SF_CHECK_INT (sf_job_exit (SF_JOB_OUT_OF_MEMORY, 1, 0), 7);
  SF_CHECK_INT (sf_job_exit (SF_JOB_LOST, 0, 0), 11);
}
