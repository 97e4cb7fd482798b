/* SPDX-License-Identifier: Apache-2.0 */
/* States of a job: names, transitions, exit codes. */
#include "queue/state.h"

#include <string.h>

#define BIT(state) (1u << SF_JOB_##state)
#define ENDS                                                                              \
  (BIT (COMPLETED) | BIT (FAILED) | BIT (CANCELLED) | BIT (TIMEOUT) | BIT (OUT_OF_MEMORY) \
   | BIT (LOST))

/* One row per state. An attempt that nobody looked at while it ran goes from STARTING to its end.
 * PENDING is where a retry begins again. */
static const struct
{
  const char *name;
  unsigned may_become;
  int exit; /* -1: the step's own */
} states[SF_JOB_N_STATES] = {
  [SF_JOB_PENDING] = { "PENDING", BIT (STARTING) | BIT (CANCELLED) | BIT (FAILED), -1 },
  [SF_JOB_STARTING] = { "STARTING", BIT (RUNNING) | ENDS, -1 },
  [SF_JOB_RUNNING] = { "RUNNING", ENDS, -1 },
  [SF_JOB_COMPLETED] = { "COMPLETED", 0, 0 },
  [SF_JOB_FAILED] = { "FAILED", BIT (PENDING), -1 },
  [SF_JOB_CANCELLED] = { "CANCELLED", BIT (PENDING), 9 },
  [SF_JOB_TIMEOUT] = { "TIMEOUT", BIT (PENDING), 8 },
  [SF_JOB_OUT_OF_MEMORY] = { "OUT_OF_MEMORY", BIT (PENDING), 7 },
  [SF_JOB_LOST] = { "LOST", BIT (PENDING), 11 },
};

const char *
sf_job_state_name (SfJobState state)
{
  return states[state].name;
}

bool
sf_job_state_parse (const char *name, SfJobState *out)
{
  for (int i = 0; i < SF_JOB_N_STATES; i++)
    if (strcmp (states[i].name, name) == 0)
      {
        *out = (SfJobState) i;
        return true;
      }
  return false;
}

bool
sf_job_state_is_final (SfJobState state)
{
  return (ENDS >> state & 1) != 0;
}

bool
sf_job_state_may_become (SfJobState from, SfJobState to)
{
  return (states[from].may_become >> to & 1) != 0;
}

int
sf_job_exit (SfJobState state, int exit_code, int exit_signal)
{
  if (states[state].exit >= 0)
    return states[state].exit;
  return exit_signal > 0 ? 128 + exit_signal : exit_code;
}
