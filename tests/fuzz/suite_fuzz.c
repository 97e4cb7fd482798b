/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the reader of regression suites; every case that it took has a job and a name. */
#include "queue/regress.h"

#include <stdlib.h>

#include "tests/fuzz/target.h"

static const SfOption options[] = {
  { .name = "pef",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "PEF" },
  { .name = "level", .type = SF_OPTION_CHOICE, .choices = "o0|o1|o3" },
  { .name = "batch-size", .type = SF_OPTION_INT, .min = 0, .max = 1e6 },
  { .name = "arg", .type = SF_OPTION_LIST },
  { .name = "metrics", .type = SF_OPTION_STRING },
  { .name = NULL },
};

static const SfStepVerb verbs[] = { { "compile", options }, { "test", options } };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfRegress) suite = sf_regress_parse ((const char *) data, n_bytes, "/tmp/fuzz.cfg",
                                                  verbs, G_N_ELEMENTS (verbs), &error);
  if ((suite != NULL) != (error == NULL))
    abort ();
  if (suite != NULL
      && (suite->cases->len == 0 || suite->cases->len != suite->batch->jobs->len
          || suite->name[0] == '\0'))
    abort ();
  for (guint i = 0; suite != NULL && i < suite->cases->len; i++)
    {
      const SfRegressCase *row = suite->cases->pdata[i];
      if (row->job != suite->batch->jobs->pdata[i] || !g_str_has_prefix (row->name, row->model)
          || !json_is_object (row->parameters))
        abort ();
    }
  return 0;
}
