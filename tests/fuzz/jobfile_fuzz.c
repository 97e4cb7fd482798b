/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the reader of job files, and the plan of what it took. */
#include "queue/jobfile.h"

#include <stdlib.h>

#include "tests/fuzz/target.h"

static const SfOption options[] = {
  { .name = "model",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "MODEL" },
  { .name = "output", .type = SF_OPTION_STRING },
  { .name = "report", .type = SF_OPTION_STRING },
  { .name = "epochs", .type = SF_OPTION_INT, .min = 0, .max = 1e9 },
  { .name = "optimizer", .type = SF_OPTION_STRING },
  { .name = "optimizer-option", .type = SF_OPTION_LIST },
  { .name = "shuffle", .type = SF_OPTION_BOOL, .def = "true" },
  { .name = NULL },
};

static const SfStepVerb verbs[]
    = { { "compile", options }, { "train", options }, { "infer", options } };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobBatch) batch = sf_job_batch_parse ((const char *) data, n_bytes, "/tmp/fuzz.cfg",
                                                     verbs, G_N_ELEMENTS (verbs), &error);
  if ((batch != NULL) != (error == NULL))
    abort ();
  for (guint i = 0; batch != NULL && i < batch->jobs->len; i++)
    {
      const SfJobFile *file = batch->jobs->pdata[i];
      g_autoptr (SfPlan) plan = sf_job_file_plan (file, "/tmp", 2, &error);
      if ((plan != NULL) != (error == NULL) || (batch->jobs->len > 1 && file->element == NULL))
        abort ();
      g_clear_error (&error);
    }
  return 0;
}
