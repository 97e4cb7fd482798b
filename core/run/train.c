/* SPDX-License-Identifier: Apache-2.0 */
/* The training loop: epochs of steps, a checkpoint after each, an evaluation where there is a test
 * split. */
#include <math.h>
#include <sf/file.h>
#include <sf/run.h>

#include "core/run/checkpoint.h"
#include "core/run/eval.h"
#include "core/run/schedule.h"
#include "core/run/session.h"

typedef struct
{
  SfSession *session;
  const SfTrainOptions *options;
  const SfTrainHooks *hooks;
  SfDataFeed *feed;
  SfDataFeed *test;  /* NULL without a test split */
  int64_t n_batches; /* per epoch */
  SfSchedule schedule;
  SfProgress progress;
  char *saved; /* last checkpoint written */
  int loss_output;
} Train;

void
sf_train_options_init (SfTrainOptions *options)
{
  *options = (SfTrainOptions){
    .epochs = 1, .shuffle = true, .lr = NAN, .step_every = 1, .step_factor = 0.1
  };
}

static bool
set_schedule (Train *train, GError **error)
{
  const SfTrainOptions *options = train->options;
  SfSchedule *schedule = &train->schedule;
  if (!sf_schedule_kind_parse (options->schedule == NULL ? "constant" : options->schedule,
                               &schedule->kind, error))
    return false;
  if (options->warmup_steps < 0 || (schedule->kind == SF_SCHEDULE_STEP && options->step_every < 1))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "schedule: warm-up of %" G_GINT64_FORMAT
                    " steps, a step every %" G_GINT64_FORMAT "; wanted at least 0 and 1",
                    options->warmup_steps, options->step_every);
  schedule->lr = isnan (options->lr) ? sf_hyper_default_lr (sf_session_hyper (train->session))
                                     : options->lr;
  if (__builtin_mul_overflow (options->epochs, train->n_batches, &schedule->n_steps))
    schedule->n_steps = INT64_MAX;
  if (options->max_steps > 0)
    schedule->n_steps = MIN (schedule->n_steps, options->max_steps);
  schedule->warmup_steps = options->warmup_steps;
  schedule->every = options->step_every;
  schedule->factor = options->step_factor;
  schedule->floor = options->floor;
  return true;
}

static bool
check_names (Train *train, GError **error)
{
  const char *const *names = train->options->hyper_names;
  for (size_t i = 0; names != NULL && names[i] != NULL; i++)
    if (!sf_hyper_known (sf_session_hyper (train->session), names[i]))
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "hyper-parameter %s: optimizer %s has no such option", names[i],
                      sf_pef_fact (sf_session_pef (train->session), "optimizer"));
  return true;
}

static int
find_output (SfSession *session, const char *entry, SfOutputRole role)
{
  SfPort port;
  for (int i = 0; sf_session_output (session, entry, (size_t) i, &port); i++)
    if (port.role == role)
      return i;
  return -1;
}

static bool
open_data (Train *train, GError **error)
{
  const SfTrainOptions *options = train->options;
  SfPef *pef = sf_session_pef (train->session);
  SfPort port;
  if (!sf_session_input (train->session, "train", 0, &port)
      || (train->loss_output = find_output (train->session, "train", SF_OUTPUT_LOSS)) < 0)
    return sf_fail (
        error, SF_ERROR_NOT_FOUND,
        "%s: cannot be trained: it was compiled with --inference, or its model has no loss; compile it again",
        sf_pef_name (pef));
  train->feed = sf_data_feed_open (train->session, "train", options->data.path, "train",
                                   options->data.dataset, options->data.options, false, error);
  if (train->feed == NULL)
    return false;
  int64_t rows = sf_data_feed_n_rows (train->feed), batch = sf_data_feed_batch_size (train->feed);
  train->n_batches = options->mask_last_batch ? (rows + batch - 1) / batch : rows / batch;
  if (train->n_batches == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %" G_GINT64_FORMAT " rows do not fill a batch of %" G_GINT64_FORMAT
                    "; compile with a smaller --batch-size or use "
                    "--last-batch mask",
                    options->data.path, rows, batch);
  if (options->mask_last_batch && rows % batch != 0
      && g_strcmp0 (sf_pef_fact (pef, "loss"), "softmax_ce") != 0)
    return sf_fail (
        error, SF_ERROR_UNSUPPORTED,
        "--last-batch mask: wants the loss softmax_ce, which can leave rows out; use --last-batch drop");
  g_autoptr (GError) ignored = NULL;
  train->test = sf_data_feed_open (train->session, "eval", options->data.path, "test",
                                   options->data.dataset, options->data.options, false, &ignored);
  if (train->test == NULL && !g_error_matches (ignored, SF_ERROR, SF_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&ignored));
      return false;
    }
  return true;
}

static bool
restore (Train *train, GError **error)
{
  const SfTrainOptions *options = train->options;
  train->progress.seed = options->seed;
  if (options->init_checkpoint != NULL
      && !sf_checkpoint_load (train->session, options->init_checkpoint, SF_RESTORE_WEIGHTS, NULL,
                              error))
    return false;
  if (!options->resume || options->checkpoint_folder == NULL)
    return true;
  g_autoptr (GError) cause = NULL;
  g_autofree char *latest = sf_checkpoint_latest (options->checkpoint_folder, &cause);
  if (cause != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return false;
    }
  if (latest == NULL)
    return true;
  if (!sf_checkpoint_load (train->session, latest, SF_RESTORE_ALL, &train->progress, error))
    return false;
  if (train->progress.batch > train->n_batches)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: stands at batch %" G_GINT64_FORMAT ", the data has %" G_GINT64_FORMAT
                    "; resume with the data it was trained on",
                    latest, train->progress.batch, train->n_batches);
  return true;
}

/* `name` is the file's, without suffix. */
static bool
save (Train *train, const char *name, GError **error)
{
  const SfTrainOptions *options = train->options;
  if (options->checkpoint_folder == NULL)
    return true;
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);
  g_free (train->saved);
  train->saved = g_build_filename (options->checkpoint_folder, file, NULL);
  return sf_checkpoint_save (train->session, train->saved, &train->progress, error)
         && (options->keep <= 0
             || sf_checkpoint_prune (options->checkpoint_folder, options->keep, error));
}

static bool
save_mid_epoch (Train *train, GError **error)
{
  g_autofree char *name = g_strdup_printf ("step-%08" G_GINT64_FORMAT, train->progress.step);
  return save (train, name, error);
}

static bool
cancelled (Train *train, GError **error)
{
  if (train->hooks->cancel == NULL || *train->hooks->cancel == 0)
    return false;
  if (!save_mid_epoch (train, error))
    return true;
  sf_fail (error, SF_ERROR_CANCELLED,
           "training: stopped on request after step %" G_GINT64_FORMAT "; %s%s",
           train->progress.step,
           train->saved == NULL ? "nothing was saved, since there is no --checkpoint-dir"
                                : "continue with --resume from ",
           train->saved == NULL ? "" : train->saved);
  return true;
}

static bool
run_step (Train *train, int64_t batch, GError **error)
{
  const SfTrainOptions *options = train->options;
  SfProgress *progress = &train->progress;
  const SfTensor *inputs;
  int64_t n_real;
  float loss = 0;
  SfTensor outputs[16] = { 0 };
  if (train->loss_output >= (int) G_N_ELEMENTS (outputs))
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "training: the loss is output %d, wanted one of the first 16",
                    train->loss_output);
  outputs[train->loss_output] = sf_tensor (SF_F32, sf_shape_scalar (), &loss);
  if (!sf_data_feed_batch (train->feed, batch, &inputs, &n_real, NULL, error))
    return false;
  const SfHyper hyper = {
    .step = progress->step + 1,
    .seed = progress->seed,
    .lr = sf_schedule_lr (&train->schedule, progress->step + 1),
    .names = options->hyper_names,
    .values = options->hyper_values,
  };
  if (!sf_session_step_checked (train->session, "train", SF_PHASES_ALL, inputs, outputs, &hyper,
                                error))
    return false;
  progress->step++;
  progress->batch = batch + 1;
  progress->loss_sum += (double) loss * (double) n_real;
  if (!isfinite (loss))
    return sf_fail (error, SF_ERROR_CHECK_FAILED,
                    "training: the loss is %g at step %" G_GINT64_FORMAT
                    "; lower the learning rate (--lr)",
                    (double) loss, progress->step);
  if (train->hooks->step != NULL)
    train->hooks->step (train->hooks->user_data, progress->epoch + 1, batch + 1, train->n_batches,
                        loss);
  return true;
}

static bool
out_of_steps (const Train *train)
{
  return train->options->max_steps > 0 && train->progress.step >= train->options->max_steps;
}

static bool
epochs_left (const Train *train)
{
  return train->progress.epoch < train->options->epochs && !out_of_steps (train);
}

/* Lets the feed begin with the batches to come, while something else is done. */
static bool
start_feed (Train *train, GError **error)
{
  const SfProgress *progress = &train->progress;
  return !epochs_left (train)
         || sf_data_feed_start (train->feed, progress->seed, progress->epoch,
                                train->options->shuffle, progress->batch, error);
}

/* The rest of the epoch under way. */
static bool
run_epoch (Train *train, GError **error)
{
  SfProgress *progress = &train->progress;
  for (int64_t batch = progress->batch; batch < train->n_batches && !out_of_steps (train); batch++)
    {
      if (cancelled (train, error) || !run_step (train, batch, error))
        return false;
      int64_t every = train->options->checkpoint_every;
      if (every > 0 && progress->step % every == 0 && batch + 1 < train->n_batches
          && !save_mid_epoch (train, error))
        return false;
    }
  return true;
}

static bool
report_epoch (Train *train, double loss, int64_t rows, int64_t epoch, double seconds,
              GError **error)
{
  SfEpochReport report = {
    .epoch = epoch,
    .epochs = train->options->epochs,
    .step = train->progress.step,
    .train_loss = loss,
    .test_loss = NAN,
    .test_accuracy = NAN,
    .seconds = seconds,
    .rows_per_second = seconds > 0 ? (double) rows / seconds : 0,
    .checkpoint = train->saved,
  };
  if (train->test != NULL)
    {
      SfEvalResult result;
      if (!sf_eval_feed (train->session, train->test, NULL, &result, error))
        return false;
      report.test_loss = result.loss;
      report.test_accuracy = result.accuracy;
    }
  if (train->hooks->epoch != NULL)
    train->hooks->epoch (train->hooks->user_data, &report);
  return true;
}

/* Rows that `batches` batches of an epoch hold. */
static int64_t
rows_in (const Train *train, int64_t batches)
{
  return MIN (batches * sf_data_feed_batch_size (train->feed), sf_data_feed_n_rows (train->feed));
}

static bool
train_all (Train *train, GError **error)
{
  SfProgress *progress = &train->progress;
  if (!start_feed (train, error))
    return false;
  while (epochs_left (train))
    {
      int64_t done = rows_in (train, progress->batch), start = g_get_monotonic_time ();
      if (!run_epoch (train, error))
        return false;
      double seconds = (double) (g_get_monotonic_time () - start) * 1e-6;
      int64_t rows = rows_in (train, progress->batch), epoch = progress->epoch + 1;
      double loss = progress->loss_sum / (double) MAX (rows, 1);
      bool whole = progress->batch == train->n_batches;
      if (whole)
        {
          progress->epoch++;
          progress->batch = 0;
          progress->loss_sum = 0;
        }
      g_autofree char *name = whole ? g_strdup_printf ("epoch-%04" G_GINT64_FORMAT, epoch)
                                    : g_strdup_printf ("step-%08" G_GINT64_FORMAT, progress->step);
      if (!start_feed (train, error) || !save (train, name, error)
          || !report_epoch (train, loss, rows - done, epoch, seconds, error))
        return false;
    }
  return true;
}

bool
sf_train (SfSession *session, const SfTrainOptions *options, const SfTrainHooks *hooks,
          GError **error)
{
  static const SfTrainHooks no_hooks = { 0 };
  Train train
      = { .session = session, .options = options, .hooks = hooks == NULL ? &no_hooks : hooks };
  if (options->epochs < 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "epochs: %" G_GINT64_FORMAT ", wanted at least 0", options->epochs);
  if (options->checkpoint_folder != NULL && !sf_make_folder (options->checkpoint_folder, error))
    return false;
  bool ok = open_data (&train, error) && check_names (&train, error) && set_schedule (&train, error)
            && restore (&train, error) && train_all (&train, error);
  sf_data_feed_free (train.feed);
  sf_data_feed_free (train.test);
  g_free (train.saved);
  return ok;
}

bool
sf_load_weights (SfSession *session, const char *path, GError **error)
{
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return sf_checkpoint_load (session, path, SF_RESTORE_WEIGHTS, NULL, error);
  g_autoptr (GError) cause = NULL;
  g_autofree char *latest = sf_checkpoint_latest (path, &cause);
  if (latest != NULL)
    return sf_checkpoint_load (session, latest, SF_RESTORE_WEIGHTS, NULL, error);
  if (cause == NULL)
    return sf_fail (error, SF_ERROR_NOT_FOUND,
                    "%s: holds no checkpoint; train first, or name a file", path);
  g_propagate_error (error, g_steal_pointer (&cause));
  return false;
}
