/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs `eval` (loss and accuracy over a split) and `infer` (a prediction per row, and a page
 * to judge them by). */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "tools/sf/metrics.h"
#include "tools/sf/progress.h"
#include "tools/sf/session_options.h"
#include "tools/sf/verbs.h"

#define SPLIT_ROWS                                                                               \
  { .name = "checkpoint",                                                                        \
    .type = SF_OPTION_STRING,                                                                    \
    .arg = "FILE",                                                                               \
    .help                                                                                        \
    = "weights: a checkpoint, or a folder of which the newest is taken; default: as compiled" }, \
  {                                                                                              \
    .name = "split", .type = SF_OPTION_STRING, .def = "test", .arg = "NAME",                     \
    .help = "train or test"                                                                      \
  }

static const SfOption eval_options[] = {
  SF_PEF_OPTION_ROW,
  SF_DATA_OPTION_ROWS,
  SPLIT_ROWS,
  SF_SESSION_OPTION_ROWS,
  { .name = "min-accuracy",
    .type = SF_OPTION_FLOAT,
    .min = 0,
    .max = 1,
    .arg = "X",
    .help = "fail with exit code 10 below this accuracy (0 to 1)" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON object" },
  SF_METRICS_OPTION_ROW,
  { .name = NULL },
};

static const SfOption infer_options[] = {
  SF_PEF_OPTION_ROW,
  SF_DATA_OPTION_ROWS,
  SPLIT_ROWS,
  SF_SESSION_OPTION_ROWS,
  { .name = "output",
    .short_name = 'o',
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "write the predictions as CSV" },
  { .name = "report",
    .type = SF_OPTION_STRING,
    .arg = "DIR",
    .help = "write an HTML page with the images, their labels and predictions, wrong ones first" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON object" },
  SF_METRICS_OPTION_ROW,
  { .name = NULL },
};

static SfSession *
open_trained (const SfOptionValues *options, GError **error)
{
  sf_verb_catch_signals ();
  g_autoptr (SfSession) session = sf_verb_open_session (options, error);
  const char *checkpoint = sf_option_string (options, "checkpoint");
  if (session == NULL || (checkpoint != NULL && !sf_load_weights (session, checkpoint, error)))
    return NULL;
  return g_steal_pointer (&session);
}

static void
print_result (const SfEvalResult *result, const char *output, const char *page, bool as_json)
{
  if (as_json)
    {
      json_t *object = json_pack (
          "{s:I, s:o, s:o, s:s*, s:s*}", "rows", (json_int_t) result->n_rows, "loss",
          sf_metrics_number (result->loss), "accuracy", sf_metrics_number (result->accuracy),
          "output", output, "report", page);
      json_dumpf (object, stdout, JSON_COMPACT);
      putchar ('\n');
      json_decref (object);
      return;
    }
  printf ("%" G_GINT64_FORMAT " rows", result->n_rows);
  if (!isnan (result->loss))
    printf ("  loss %.4f", result->loss);
  if (!isnan (result->accuracy))
    printf ("  accuracy %.2f %%", result->accuracy * 100);
  putchar ('\n');
  if (output != NULL)
    printf ("predictions: %s\n", output);
  if (page != NULL)
    printf ("report: %s\n", page);
}

static char eval_name[] = "eval", infer_name[] = "infer";

/* `user_data` is the verb's name. */
static void
show_batch (void *user_data, int64_t done, int64_t n_batches)
{
  const SfVerbProgress now = { .verb = user_data,
                               .batch = done,
                               .batches = n_batches,
                               .left = n_batches - done,
                               .loss = NAN,
                               .test_accuracy = NAN };
  sf_verb_progress (&now);
}

static bool
write_metrics (const SfOptionValues *options, const char *verb, const SfEvalResult *result,
               GError **error)
{
  json_t *values = json_pack ("{s:I, s:o, s:o}", "rows", (json_int_t) result->n_rows, "loss",
                              sf_metrics_number (result->loss), "accuracy",
                              sf_metrics_number (result->accuracy));
  return sf_metrics_write (options, verb, values, NULL, error);
}

static int
run_eval (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfSession) session = open_trained (options, error);
  SfData data = sf_verb_data (options);
  SfEvalResult result;
  const SfEvalHooks hooks = { show_batch, eval_name, &sf_verb_cancelled };
  if (session == NULL
      || !sf_eval (session, &data, sf_option_string (options, "split"), &hooks, &result, error))
    return 1;
  print_result (&result, NULL, NULL, sf_option_bool (options, "json"));
  if (!write_metrics (options, "eval", &result, error))
    return 1;
  if (sf_option_is_set (options, "min-accuracy")
      && !(result.accuracy >= sf_option_float (options, "min-accuracy")))
    return sf_fail (error, SF_ERROR_CHECK_FAILED, "eval: accuracy %.4f, wanted at least %.4f",
                    result.accuracy, sf_option_float (options, "min-accuracy"));
  return 0;
}

static int
run_infer (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfSession) session = open_trained (options, error);
  const char *split = sf_option_string (options, "split"),
             *output = sf_option_string (options, "output"),
             *folder = sf_option_string (options, "report");
  SfData data = sf_verb_data (options);
  SfInference inference;
  const SfEvalHooks hooks = { show_batch, infer_name, &sf_verb_cancelled };
  g_autofree char *page = NULL;
  if (session == NULL || !sf_infer (session, &data, split, &hooks, &inference, error))
    return 1;
  bool ok = (output == NULL || sf_inference_write_csv (session, &inference, output, error))
            && (folder == NULL
                || sf_inference_write_report (session, &data, split, &inference, folder, &page,
                                              error))
            && write_metrics (options, "infer", &inference.eval, error);
  if (ok)
    print_result (&inference.eval, output, page, sf_option_bool (options, "json"));
  sf_inference_clear (&inference);
  return ok ? 0 : 1;
}

const SfVerb sf_verb_eval = {
  .name = "eval",
  .summary = "loss and accuracy of a trained model over a split",
  .example = "sf eval digits.pef --checkpoint checkpoints --data apps/digits/data",
  .options = eval_options,
  .run = run_eval,
};

const SfVerb sf_verb_infer = {
  .name = "infer",
  .summary = "a prediction for each row, as CSV and as a page to look at",
  .example
  = "sf infer digits.pef --checkpoint checkpoints --data apps/digits/data --output predictions.csv --report report",
  .options = infer_options,
  .run = run_infer,
};
