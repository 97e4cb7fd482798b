/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of sf as steps. */
#include "tools/sfbatch/step_verbs.h"

#include <string.h>

#include "tools/sf/verbs.h"

/* Those that make sense as a step; `command` is the job file's own. */
static const char *const names[] = { "compile", "test", "train", "eval", "infer", "run", "bench" };

size_t
sf_step_verbs (SfStepVerb out[SF_MAX_STEP_VERBS])
{
  size_t n = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    for (const SfVerb *const *verb = sf_tool.verbs; *verb != NULL; verb++)
      if (strcmp ((*verb)->name, names[i]) == 0)
        out[n++] = (SfStepVerb){ .name = (*verb)->name, .options = (*verb)->options };
  return n;
}
