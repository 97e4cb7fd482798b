/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation and inference: the entry "eval" over a split, each real row once. */
#include <math.h>
#include <sf/checked.h>
#include <sf/file.h>
#include <sf/run.h>

#include "core/run/eval.h"
#include "core/run/session.h"

typedef struct
{
  SfSession *session;
  SfDataFeed *feed;
  int loss, prediction; /* outputs; -1: none */
  SfPort port;          /* of the prediction */
  SfTensor values;      /* its batch, f32 */
  int64_t row_elems;
  bool classes;       /* the prediction is one row of logits per data row */
  bool probabilities; /* or of their softmax */
  SfTensor outputs[16];
  float loss_value;
} Eval;

static bool
find_outputs (Eval *eval, GError **error)
{
  SfPort port;
  eval->loss = eval->prediction = -1;
  for (int i = 0; i < (int) G_N_ELEMENTS (eval->outputs)
                  && sf_session_output (eval->session, "eval", (size_t) i, &port);
       i++)
    {
      if (port.role == SF_OUTPUT_LOSS && eval->loss < 0)
        eval->loss = i;
      if (port.role == SF_OUTPUT_PREDICTION && eval->prediction < 0)
        {
          eval->prediction = i;
          eval->port = port;
        }
    }
  if (eval->prediction < 0 || eval->port.shape.rank < 1
      || eval->port.shape.dim[0] != sf_data_feed_batch_size (eval->feed))
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: has no prediction with a row per row of the batch",
                    sf_pef_name (sf_session_pef (eval->session)));
  return true;
}

static SfDataFeed *
open_feed (SfSession *session, const SfData *data, const char *split, GError **error)
{
  return sf_data_feed_open (session, "eval", data->path, split, data->dataset, data->options, true,
                            error);
}

/* `feed` may be NULL: its error is there already. */
static bool
open_eval (Eval *eval, SfSession *session, SfDataFeed *feed, GError **error)
{
  eval->session = session;
  eval->feed = feed;
  if (feed == NULL || !find_outputs (eval, error)
      || !sf_tensor_alloc (SF_F32, &eval->port.shape, &eval->values, error))
    return false;
  const char *loss = sf_pef_fact (sf_session_pef (session), "loss");
  eval->row_elems = sf_shape_n_elems (&eval->port.shape) / MAX (eval->port.shape.dim[0], 1);
  eval->classes = eval->port.shape.rank == 2 && eval->row_elems > 0
                  && (loss == NULL || strcmp (loss, "softmax_ce") == 0);
  eval->probabilities
      = g_strcmp0 (sf_pef_fact (sf_session_pef (session), "prediction"), "probabilities") == 0;
  eval->outputs[eval->prediction] = eval->values;
  if (eval->loss >= 0)
    eval->outputs[eval->loss] = sf_tensor (SF_F32, sf_shape_scalar (), &eval->loss_value);
  return true;
}

/* First greatest logit and its softmax, or first greatest probability. */
static int64_t
classify (const float *logits, int64_t n, bool probabilities, double *confidence)
{
  int64_t best = 0;
  double sum = 0;
  for (int64_t i = 1; i < n; i++)
    if (logits[i] > logits[best])
      best = i;
  for (int64_t i = 0; i < n; i++)
    sum += exp ((double) logits[i] - (double) logits[best]);
  *confidence = probabilities ? (double) logits[best] : 1 / sum;
  return best;
}

static int64_t
label_of (const Eval *eval, const SfTensor *inputs, int64_t i)
{
  int target = sf_data_feed_target (eval->feed);
  if (!eval->classes || target < 0 || inputs[target].shape.rank != 1)
    return -1;
  if (inputs[target].dtype == SF_I64)
    return ((const int64_t *) inputs[target].data)[i];
  return inputs[target].dtype == SF_I32 ? ((const int32_t *) inputs[target].data)[i] : -1;
}

typedef bool (*RowFunc) (void *user_data, const Eval *eval, int64_t row, const float *output,
                         const SfPrediction *prediction, GError **error);

/* Sum of the loss over the real rows of the batch just run. softmax_ce leaves out the others by
 * itself; any other loss, a mean over all rows, loses the share of those that fill the batch up. */
static bool
loss_of_batch (Eval *eval, int64_t n_real, double *sum, GError **error)
{
  int64_t batch = sf_data_feed_batch_size (eval->feed);
  const char *loss = sf_pef_fact (sf_session_pef (eval->session), "loss");
  const SfHyper hyper = { .step = 1, .lr = NAN };
  const SfTensor *inputs;
  double value = (double) eval->loss_value;
  *sum = value * (double) n_real;
  if (n_real == batch || eval->loss < 0 || !sf_data_feed_labelled (eval->feed)
      || g_strcmp0 (loss, "softmax_ce") == 0)
    return true;
  if (!sf_data_feed_padding (eval->feed, &inputs, error)
      || !sf_session_step_checked (eval->session, "eval", 1u << SF_PHASE_FWD, inputs, eval->outputs,
                                   &hyper, error))
    return false;
  *sum = value * (double) batch - (double) eval->loss_value * (double) (batch - n_real);
  return true;
}

/* Calls `func` for each real row, in file order, and sums up. */
static bool
run_eval (Eval *eval, const SfEvalHooks *hooks, RowFunc func, void *user_data, SfEvalResult *result,
          GError **error)
{
  int64_t rows = sf_data_feed_n_rows (eval->feed), batch = sf_data_feed_batch_size (eval->feed),
          n_right = 0, n_labelled = 0;
  double loss_sum = 0;
  for (int64_t b = 0; b * batch < rows; b++)
    {
      const SfTensor *inputs;
      const int64_t *numbers;
      int64_t n_real;
      const SfHyper hyper = { .step = 1, .lr = NAN };
      if (hooks != NULL && hooks->cancel != NULL && *hooks->cancel != 0)
        return sf_fail (error, SF_ERROR_CANCELLED,
                        "evaluation: stopped on request; nothing was written");
      if (!sf_data_feed_batch (eval->feed, b, &inputs, &n_real, &numbers, error)
          || !sf_session_step_checked (eval->session, "eval", 1u << SF_PHASE_FWD, inputs,
                                       eval->outputs, &hyper, error))
        return false;
      for (int64_t i = 0; i < n_real; i++)
        {
          const float *output = (const float *) eval->values.data + i * eval->row_elems;
          SfPrediction prediction = { .row = numbers[i],
                                      .label = label_of (eval, inputs, i),
                                      .predicted = -1,
                                      .confidence = NAN };
          if (eval->classes)
            prediction.predicted = classify (output, eval->row_elems, eval->probabilities,
                                             &prediction.confidence);
          n_labelled += prediction.label >= 0;
          n_right += prediction.label >= 0 && prediction.label == prediction.predicted;
          if (func != NULL && !func (user_data, eval, b * batch + i, output, &prediction, error))
            return false;
        }
      double sum;
      if (!loss_of_batch (eval, n_real, &sum, error))
        return false;
      loss_sum += sum;
      if (hooks != NULL && hooks->progress != NULL)
        hooks->progress (hooks->user_data, b + 1, (rows + batch - 1) / batch);
    }
  *result = (SfEvalResult){
    .n_rows = rows,
    .loss = eval->loss >= 0 && sf_data_feed_labelled (eval->feed) ? loss_sum / (double) rows : NAN,
    .accuracy = n_labelled > 0 ? (double) n_right / (double) n_labelled : NAN,
  };
  return true;
}

bool
sf_eval_feed (SfSession *session, SfDataFeed *feed, const SfEvalHooks *hooks, SfEvalResult *result,
              GError **error)
{
  Eval eval = { 0 };
  bool ok = open_eval (&eval, session, feed, error)
            && run_eval (&eval, hooks, NULL, NULL, result, error);
  sf_tensor_clear (&eval.values);
  return ok;
}

bool
sf_eval (SfSession *session, const SfData *data, const char *split, const SfEvalHooks *hooks,
         SfEvalResult *result, GError **error)
{
  g_autoptr (SfDataFeed) feed = open_feed (session, data, split, error);
  if (feed != NULL && !sf_data_feed_labelled (feed))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: split %s has no labels to evaluate against; use `sf infer`", data->path,
                    split);
  return feed != NULL && sf_eval_feed (session, feed, hooks, result, error);
}

static bool
keep_row (void *user_data, const Eval *eval, int64_t index, const float *output,
          const SfPrediction *prediction, GError **error)
{
  (void) error;
  SfInference *inference = user_data;
  inference->predictions[index] = *prediction;
  memcpy (inference->outputs + index * eval->row_elems, output,
          (size_t) eval->row_elems * sizeof *output);
  return true;
}

bool
sf_infer (SfSession *session, const SfData *data, const char *split, const SfEvalHooks *hooks,
          SfInference *result, GError **error)
{
  Eval eval = { 0 };
  *result = (SfInference){ 0 };
  g_autoptr (SfDataFeed) feed = open_feed (session, data, split, error);
  bool ok = open_eval (&eval, session, feed, error);
  if (ok)
    {
      size_t rows = (size_t) sf_data_feed_n_rows (eval.feed);
      result->row_elems = eval.row_elems;
      result->predictions = sf_aligned_alloc (rows, sizeof *result->predictions, "predictions",
                                              error);
      result->outputs = result->predictions == NULL
                            ? NULL
                            : sf_aligned_alloc (rows * (size_t) eval.row_elems,
                                                sizeof *result->outputs, "outputs", error);
      ok = result->outputs != NULL
           && run_eval (&eval, hooks, keep_row, result, &result->eval, error);
    }
  sf_tensor_clear (&eval.values);
  if (!ok)
    sf_inference_clear (result);
  return ok;
}

void
sf_inference_clear (SfInference *inference)
{
  sf_aligned_free (inference->predictions);
  sf_aligned_free (inference->outputs);
  *inference = (SfInference){ 0 };
}

/* A cell that may hold commas, quotes and line breaks (RFC 4180). */
static void
append_cell (GString *text, const char *cell)
{
  if (strpbrk (cell, ",\"\r\n") == NULL)
    {
      g_string_append (text, cell);
      return;
    }
  g_string_append_c (text, '"');
  for (; *cell != '\0'; cell++)
    g_string_append_printf (text, *cell == '"' ? "\"\"" : "%c", *cell);
  g_string_append_c (text, '"');
}

static void
append_class_row (GString *text, const SfPrediction *prediction, char **classes, guint n_classes)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append_printf (text, "%" G_GINT64_FORMAT ",", prediction->row);
  if (prediction->label >= 0)
    g_string_append_printf (text, "%" G_GINT64_FORMAT, prediction->label);
  g_string_append_printf (text, ",%" G_GINT64_FORMAT ",", prediction->predicted);
  if (prediction->predicted < (int64_t) n_classes)
    append_cell (text, classes[prediction->predicted]);
  g_string_append_printf (text, ",%s\n",
                          g_ascii_formatd (number, sizeof number, "%.6f", prediction->confidence));
}

bool
sf_inference_write_csv (SfSession *session, const SfInference *inference, const char *path,
                        GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *names = sf_pef_fact (sf_session_pef (session), "classes");
  g_auto (GStrv) classes = g_strsplit (names == NULL ? "" : names, "\n", -1);
  guint n_classes = g_strv_length (classes);
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  bool by_class = inference->eval.n_rows > 0 && inference->predictions[0].predicted >= 0;
  g_string_append (text, by_class ? "row,label,predicted,class,confidence\n" : "row");
  for (int64_t j = 0; !by_class && j < inference->row_elems; j++)
    g_string_append_printf (text, ",output%" G_GINT64_FORMAT "%s", j,
                            j + 1 == inference->row_elems ? "\n" : "");
  for (int64_t i = 0; i < inference->eval.n_rows; i++)
    {
      if (by_class)
        {
          append_class_row (text, &inference->predictions[i], classes, n_classes);
          continue;
        }
      g_string_append_printf (text, "%" G_GINT64_FORMAT, inference->predictions[i].row);
      for (int64_t j = 0; j < inference->row_elems; j++)
        g_string_append_printf (text, ",%s",
                                g_ascii_formatd (number, sizeof number, "%.9g",
                                                 inference->outputs[i * inference->row_elems + j]));
      g_string_append_c (text, '\n');
    }
  return sf_file_replace (path, text->str, text->len, error);
}
