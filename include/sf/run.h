/* SPDX-License-Identifier: Apache-2.0 */
/* What one does with a session: train, evaluate, infer, compare backends. The verbs of `sf` are
 * thin over these. */
#ifndef SF_RUN_H
#define SF_RUN_H

#include <sf/session.h>

SF_BEGIN_DECLS

/* ---- data ---- */

/* Rows of a dataset for the inputs of an entry: the field that the fact feed.<input>.field names,
 * or of the input's name; shapes must have equal element counts. */
typedef struct
{
  const char *path;           /* file or folder */
  const char *dataset;        /* plugin; NULL: the one that claims the path */
  const char *const *options; /* "name=value" of the plugin, NULL-terminated; NULL: none */
} SfData;

/* Inputs of an entry drawn at random: floats standard normal, labels and indices within the bounds
 * that the program asks for. *inputs: one tensor per input, in interface order, released by
 * sf_random_inputs_free. */
SF_API bool sf_random_inputs (SfSession *session, const char *entry, uint64_t seed,
                              SfTensor **inputs, GError **error);
SF_API void sf_random_inputs_free (SfTensor *inputs); /* NULL is fine */

/* ---- training ---- */

typedef struct
{
  SfData data;
  int64_t epochs;                /* in all, those before a resume included */
  int64_t max_steps;             /* 0: no bound */
  const char *checkpoint_folder; /* NULL: write none */
  int64_t checkpoint_every;      /* steps; 0: only at the end of each epoch */
  int64_t keep;                  /* newest checkpoints to keep; 0: all */
  bool resume;                   /* from the newest checkpoint of the folder, if there is one */
  const char *init_checkpoint;   /* weights to start from; NULL: the PEF's */
  uint64_t seed;                 /* of data order and dropout */
  bool mask_last_batch;          /* false: drop a short last batch; true: leave out its missing rows
                                    (softmax_ce only) */
  bool shuffle;
  double lr;            /* NAN: as compiled */
  const char *schedule; /* constant, step, cosine, linear; NULL: constant */
  int64_t warmup_steps, step_every;
  double step_factor, floor; /* of the schedules step, cosine and linear */
  const char *const
      *hyper_names; /* overrides of optimizer options by name, NULL-terminated; NULL: none */
  const double *hyper_values;
} SfTrainOptions;

/* After each epoch; values that are not known are NAN. */
typedef struct
{
  int64_t epoch, epochs, step;
  double train_loss, test_loss, test_accuracy; /* accuracy: 0 to 1 */
  double seconds, rows_per_second;             /* of the epoch's training */
  const char *checkpoint;                      /* path, NULL when none was written */
} SfEpochReport;

typedef struct
{
  void (*epoch) (void *user_data, const SfEpochReport *report);
  /* After each step; meant for a progress bar. */
  void (*step) (void *user_data, int64_t epoch, int64_t batch, int64_t n_batches, double loss);
  void *user_data;
  volatile const int *cancel; /* non-zero: finish the step, write a checkpoint, return CANCELLED */
} SfTrainHooks;

/* Trains the entry "train". hooks NULL: none. */
SF_API bool sf_train (SfSession *session, const SfTrainOptions *options, const SfTrainHooks *hooks,
                      GError **error);
SF_API void sf_train_options_init (SfTrainOptions *options);

/* Restores parameters and statistics from a checkpoint (safetensors); of a folder, from its newest.
 */
SF_API bool sf_load_weights (SfSession *session, const char *path, GError **error);

/* ---- evaluation and inference ---- */

typedef struct
{
  int64_t n_rows;
  double loss;     /* NAN without labels */
  double accuracy; /* 0 to 1; NAN when the loss is no classification */
} SfEvalResult;

typedef struct
{
  /* After each batch; meant for a progress bar. */
  void (*progress) (void *user_data, int64_t done, int64_t n_batches);
  void *user_data;
  volatile const int *cancel; /* non-zero: stop after the batch, return CANCELLED */
} SfEvalHooks;

/* Runs "eval" over a split; every real row counts once, whatever the batch size. hooks NULL: none.
 */
SF_API bool sf_eval (SfSession *session, const SfData *data, const char *split,
                     const SfEvalHooks *hooks, SfEvalResult *result, GError **error);

typedef struct
{
  int64_t row;
  int64_t label;     /* -1: unknown */
  int64_t predicted; /* class, or -1 when the loss is no classification */
  double confidence; /* softmax of the predicted class */
} SfPrediction;

typedef struct
{
  SfEvalResult eval;
  SfPrediction *predictions; /* n_rows */
  float *outputs;            /* n_rows x row_elems, the prediction as it came */
  int64_t row_elems;
} SfInference;

/* hooks NULL: none. */
SF_API bool sf_infer (SfSession *session, const SfData *data, const char *split,
                      const SfEvalHooks *hooks, SfInference *result, GError **error);
SF_API void sf_inference_clear (SfInference *inference);
/* Table with a row per row: row, label, predicted, class name, confidence - or the outputs
 * themselves. Atomic. */
SF_API bool sf_inference_write_csv (SfSession *session, const SfInference *inference,
                                    const char *path, GError **error);
/* One HTML page without outside links, <folder>/index.html: accuracy, confusion matrix, and the
 * images with label, prediction and confidence, wrong ones first. *page (owned) is its path. */
SF_API bool sf_inference_write_report (SfSession *session, const SfData *data, const char *split,
                                       const SfInference *inference, const char *folder,
                                       char **page, GError **error);

/* ---- comparing backends ---- */

typedef struct
{
  const char *backend; /* under test; NULL: "rdu" */
  const char *limits;  /* file; NULL: etc/limits.cfg */
  int n_threads;
  uint64_t seed; /* of the inputs */
  volatile const int *cancel;
} SfCompareOptions;

/* One stored value, computed by the backend from the reference's inputs. */
typedef struct
{
  char *entry, *stage, *node; /* stage of the program, value of the source graph */
  SfPhase phase;
  char *op_class; /* row of the limits file */
  char *dtype;
  double nmse, limit, max_abs;
  bool ok;
} SfCompareRow;

typedef struct
{
  GPtrArray *rows;  /* LOCAL: SfCompareRow, program order. Decides. */
  GPtrArray *chain; /* CHAIN: end to end, outputs, gradients and states; reported */
  size_t n_failed;
} SfCompareResult;

/* Compares a backend with the reference, entry by entry, stage by stage. False with CHECK_FAILED
 * names the worst stage and its source node; `result` is filled then, too. */
SF_API bool sf_compare (SfPef *pef, const SfCompareOptions *options, SfCompareResult *result,
                        GError **error);
SF_API void sf_compare_result_clear (SfCompareResult *result);

SF_END_DECLS
#endif
