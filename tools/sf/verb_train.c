/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `train`: epochs with loss and accuracy on stdout, a checkpoint after each. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/sf/metrics.h"
#include "tools/sf/progress.h"
#include "tools/sf/session_options.h"
#include "tools/sf/verbs.h"

static const SfOption train_options[] = {
  SF_PEF_OPTION_ROW,
  SF_DATA_OPTION_ROWS,
  { .name = "epochs",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 0,
    .max = 1e9,
    .arg = "N",
    .help = "epochs in all, those before a resume included" },
  { .name = "num-iterations",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1e15,
    .arg = "N",
    .help = "stop after N steps in all; 0: no bound" },
  { .name = "checkpoint-dir",
    .type = SF_OPTION_STRING,
    .arg = "DIR",
    .help = "folder for checkpoints, one per epoch" },
  { .name = "checkpoint-every",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1e15,
    .arg = "N",
    .help = "also one every N steps" },
  { .name = "keep",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1e9,
    .arg = "N",
    .help = "keep the N newest checkpoints; 0: all" },
  { .name = "resume",
    .type = SF_OPTION_BOOL,
    .help = "go on from the newest checkpoint of --checkpoint-dir, if there is one" },
  { .name = "init-checkpoint",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "start from these weights" },
  { .name = "lr",
    .type = SF_OPTION_FLOAT,
    .min = 0,
    .max = 1e6,
    .arg = "RATE",
    .help = "learning rate; default: as compiled" },
  { .name = "momentum",
    .type = SF_OPTION_FLOAT,
    .min = 0,
    .max = 1,
    .arg = "X",
    .help = "momentum; default: as compiled" },
  { .name = "weight-decay",
    .type = SF_OPTION_FLOAT,
    .min = 0,
    .max = 1e6,
    .arg = "X",
    .help = "weight decay; default: as compiled" },
  { .name = "hyper",
    .type = SF_OPTION_LIST,
    .arg = "NAME=VALUE",
    .help = "any numeric option of the optimizer, \"beta1=0.8\", or of a group, \"head.lr=0.1\"" },
  { .name = "schedule",
    .type = SF_OPTION_CHOICE,
    .choices = "constant|step|cosine|linear",
    .def = "constant",
    .help = "course of the learning rate" },
  { .name = "warmup-steps",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1e15,
    .arg = "N",
    .help = "steps of linear warm-up" },
  { .name = "step-every",
    .type = SF_OPTION_INT,
    .def = "1000",
    .min = 1,
    .max = 1e15,
    .arg = "N",
    .help = "schedule step: every N steps ..." },
  { .name = "step-factor",
    .type = SF_OPTION_FLOAT,
    .def = "0.1",
    .min = 0,
    .max = 1,
    .arg = "X",
    .help = "... times this" },
  { .name = "floor",
    .type = SF_OPTION_FLOAT,
    .def = "0",
    .min = 0,
    .max = 1,
    .arg = "X",
    .help = "schedules cosine and linear: end at this part of the rate" },
  { .name = "seed",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 9e18,
    .arg = "N",
    .help = "of data order and dropout" },
  { .name = "last-batch",
    .type = SF_OPTION_CHOICE,
    .choices = "drop|mask",
    .def = "drop",
    .help = "a short last batch: leave it out, or only its missing rows" },
  { .name = "shuffle",
    .type = SF_OPTION_BOOL,
    .def = "true",
    .help = "another order of the rows each epoch" },
  SF_SESSION_OPTION_ROWS,
  { .name = "json",
    .type = SF_OPTION_BOOL,
    .help = "print one JSON object a line: epoch, step, train_loss, test_loss, test_accuracy" },
  SF_METRICS_OPTION_ROW,
  { .name = NULL },
};

/* What is told while it trains, and what is left of it. */
typedef struct
{
  const SfTrainOptions *train;
  bool as_json;
  double train_loss, test_accuracy; /* of the last epoch; NAN before */
  double seconds;                   /* of all epochs */
} Watch;

static void
print_epoch (const SfEpochReport *report)
{
  printf ("epoch %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "  step %" G_GINT64_FORMAT
          "  train loss %.4f",
          report->epoch, report->epochs, report->step, report->train_loss);
  if (!isnan (report->test_loss))
    printf ("  test loss %.4f", report->test_loss);
  if (!isnan (report->test_accuracy))
    printf ("  test accuracy %.2f %%", report->test_accuracy * 100);
  printf ("  %.0f rows/s\n", report->rows_per_second);
  fflush (stdout);
}

static void
print_epoch_json (const SfEpochReport *report)
{
  json_t *line = json_pack ("{s:I, s:I, s:o, s:o, s:o, s:o}", "epoch", (json_int_t) report->epoch,
                            "step", (json_int_t) report->step, "train_loss",
                            sf_metrics_number (report->train_loss), "test_loss",
                            sf_metrics_number (report->test_loss), "test_accuracy",
                            sf_metrics_number (report->test_accuracy), "rows_per_second",
                            sf_metrics_number (report->rows_per_second));
  json_dumpf (line, stdout, JSON_COMPACT);
  putchar ('\n');
  fflush (stdout);
  json_decref (line);
}

static void
show_epoch (void *user_data, const SfEpochReport *report)
{
  Watch *watch = user_data;
  watch->train_loss = report->train_loss;
  watch->test_accuracy = report->test_accuracy;
  watch->seconds += report->seconds;
  if (watch->as_json)
    print_epoch_json (report);
  else
    print_epoch (report);
}

static void
show_step (void *user_data, int64_t epoch, int64_t batch, int64_t n_batches, double loss)
{
  const Watch *watch = user_data;
  int64_t done = (epoch - 1) * n_batches + batch, left = watch->train->epochs * n_batches - done;
  if (watch->train->max_steps > 0)
    left = MIN (left, watch->train->max_steps - done);
  const SfVerbProgress now = { .verb = "train",
                               .epoch = epoch,
                               .epochs = watch->train->epochs,
                               .batch = batch,
                               .batches = n_batches,
                               .left = MAX (left, 0),
                               .loss = loss,
                               .test_accuracy = watch->test_accuracy };
  sf_verb_progress (&now);
}

/* --momentum, --weight-decay and --hyper as names and values. */
static bool
collect_hyper (const SfOptionValues *options, GPtrArray *names, GArray *values, GError **error)
{
  static const char *const direct[][2] = { { "momentum", "momentum" },
                                           { "weight-decay", "weight_decay" } };
  for (size_t i = 0; i < G_N_ELEMENTS (direct); i++)
    if (sf_option_is_set (options, direct[i][0]))
      {
        double value = sf_option_float (options, direct[i][0]);
        g_ptr_array_add (names, g_strdup (direct[i][1]));
        g_array_append_val (values, value);
      }
  const char *const *list = sf_option_list (options, "hyper");
  for (size_t i = 0; list[i] != NULL; i++)
    {
      const char *equals = strchr (list[i], '=');
      char *end = NULL;
      double value = equals == NULL ? NAN : g_ascii_strtod (equals + 1, &end);
      if (equals == NULL || equals == list[i] || end == equals + 1 || *end != '\0'
          || !isfinite (value))
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "--hyper %s: wanted NAME=NUMBER",
                        list[i]);
      g_ptr_array_add (names, g_strndup (list[i], (size_t) (equals - list[i])));
      g_array_append_val (values, value);
    }
  g_ptr_array_add (names, NULL);
  return true;
}

static void
fill_options (const SfOptionValues *options, SfTrainOptions *train)
{
  sf_train_options_init (train);
  train->data = sf_verb_data (options);
  train->epochs = sf_option_int (options, "epochs");
  train->max_steps = sf_option_int (options, "num-iterations");
  train->checkpoint_folder = sf_option_string (options, "checkpoint-dir");
  train->checkpoint_every = sf_option_int (options, "checkpoint-every");
  train->keep = sf_option_int (options, "keep");
  train->resume = sf_option_bool (options, "resume");
  train->init_checkpoint = sf_option_string (options, "init-checkpoint");
  train->seed = (uint64_t) sf_option_int (options, "seed");
  train->mask_last_batch = strcmp (sf_option_string (options, "last-batch"), "mask") == 0;
  train->shuffle = sf_option_bool (options, "shuffle");
  train->lr = sf_option_is_set (options, "lr") ? sf_option_float (options, "lr") : NAN;
  train->schedule = sf_option_string (options, "schedule");
  train->warmup_steps = sf_option_int (options, "warmup-steps");
  train->step_every = sf_option_int (options, "step-every");
  train->step_factor = sf_option_float (options, "step-factor");
  train->floor = sf_option_float (options, "floor");
}

static bool
write_metrics (const SfOptionValues *options, const Watch *watch, GError **error)
{
  json_t *values = json_pack (
      "{s:o, s:o, s:o}", "train_loss", sf_metrics_number (watch->train_loss), "accuracy",
      sf_metrics_number (watch->test_accuracy), "train_s", sf_metrics_number (watch->seconds));
  return sf_metrics_write (options, "train", values, NULL, error);
}

static int
run_train (const SfOptionValues *options, GError **error)
{
  SfTrainOptions train;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));
  fill_options (options, &train);
  if (train.resume && train.checkpoint_folder == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--resume: wants --checkpoint-dir, the folder to go on from");
  if (!collect_hyper (options, names, values, error))
    return 1;
  train.hyper_names = (const char *const *) names->pdata;
  train.hyper_values = (const double *) values->data;
  sf_verb_catch_signals ();
  g_autoptr (SfSession) session = sf_verb_open_session (options, error);
  Watch watch = { .train = &train,
                  .as_json = sf_option_bool (options, "json"),
                  .train_loss = NAN,
                  .test_accuracy = NAN };
  const SfTrainHooks hooks = {
    .epoch = show_epoch, .step = show_step, .user_data = &watch, .cancel = &sf_verb_cancelled
  };
  return session != NULL && sf_train (session, &train, &hooks, error)
                 && write_metrics (options, &watch, error)
             ? 0
             : 1;
}

const SfVerb sf_verb_train = {
  .name = "train",
  .summary = "train a compiled model, with a checkpoint per epoch",
  .example = "sf train digits.pef --data apps/digits/data --epochs 10 --checkpoint-dir checkpoints",
  .options = train_options,
  .run = run_train,
};
