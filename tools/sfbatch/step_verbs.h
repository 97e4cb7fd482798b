/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of sf that a step of a job may name. */
#ifndef TOOLS_SFBATCH_STEP_VERBS_H
#define TOOLS_SFBATCH_STEP_VERBS_H

#include "queue/jobfile.h"

enum
{
  SF_MAX_STEP_VERBS = 16,
};

/* Those that this build has, with their option tables; returns how many. */
size_t sf_step_verbs (SfStepVerb out[SF_MAX_STEP_VERBS]);

#endif
