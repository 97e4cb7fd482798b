/* SPDX-License-Identifier: Apache-2.0 */
/* Training through the public functions: stopped and resumed it gives the same bits; evaluation
 * counts every row once, whatever the batch. */
#include "tests/support/sftest.h"

#include <math.h>
#include <sf/compile.h>
#include <sf/run.h>
#include <string.h>

static SfPef *
compile (const char *folder, int64_t batch_size, GError **error)
{
  static const char model[]
      = "name = \"small\"; batch_size = 4;\n"
        "inputs = ( { name = \"x\"; field = \"features\"; shape = [ 2 ]; },\n"
        "  { name = \"label\"; field = \"labels\"; dtype = \"i32\"; shape = [ ]; } );\n"
        "layers = ( { type = \"linear\"; out = 8; }, { type = \"tanh\"; }, { type = \"dropout\"; p = "
        "0.25; }, { type = \"linear\"; out = 2; } );\n"
        "loss = { type = \"softmax_ce\"; target = \"label\"; };\n";
  g_autofree char *path = sf_test_write_file (folder, "model.cfg", model, -1);
  const SfImportOptions import = { .batch_size = batch_size, .seed = 1 };
  g_autoptr (SfModule) module = sf_import (path, &import, error);
  const SfCompileOptions options = { .level = "o1", .optimizer = "adamw" };
  return module == NULL ? NULL : sf_compile (module, &options, error);
}

/* 23 points: a last batch of 3, two classes by sign of x y. */
static void
write_data (const char *folder)
{
  g_autoptr (GString) text = g_string_new ("x,y,kind\n");
  for (int i = 0; i < 23; i++)
    {
      double x = sin (3.0 * i + 1), y = cos (5.0 * i);
      g_string_append_printf (text, "%.3f,%.3f,%d\n", x, y, x * y > 0);
    }
  g_free (sf_test_write_file (folder, "train.csv", text->str, -1));
  g_free (sf_test_write_file (folder, "test.csv", text->str, -1));
}

static void
train (SfPef *pef, const char *folder, const SfTrainOptions *base, int64_t max_steps,
       SfTensor *weight)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSession) session = sf_session_open (pef, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfTrainOptions options = *base;
  options.data.path = folder;
  options.max_steps = max_steps;
  SF_CHECK (sf_train (session, &options, NULL, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (sf_session_read (session, "linear1.weight", weight, NULL));
}

/* Stopped in the middle of the second epoch, taken up again. */
SF_TEST (Train, ResumeGivesTheSameBits)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *whole = g_build_filename (folder, "whole", NULL),
                  *parts = g_build_filename (folder, "parts", NULL);
  write_data (folder);
  g_autoptr (SfPef) pef = compile (folder, 0, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfTrainOptions options;
  SfTensor once = { 0 }, stopped = { 0 }, again = { 0 };
  sf_train_options_init (&options);
  options.epochs = 4;
  options.seed = 7;
  options.lr = 0.05;
  options.checkpoint_folder = whole;
  train (pef, folder, &options, 0, &once);
  options.checkpoint_folder = parts;
  options.checkpoint_every = 1;
  options.resume = true;
  train (pef, folder, &options, 7, &stopped);
  train (pef, folder, &options, 0, &again);
  SF_REQUIRE (once.data != NULL && stopped.data != NULL && again.data != NULL);
  size_t n_bytes = sf_tensor_n_bytes (&once);
  SF_CHECK_MSG (memcmp (once.data, stopped.data, n_bytes) != 0,
                "step 7 is no earlier than the end");
  SF_CHECK_MSG (memcmp (once.data, again.data, n_bytes) == 0, "resumed training has other bits");
  sf_tensor_clear (&once);
  sf_tensor_clear (&stopped);
  sf_tensor_clear (&again);
}

SF_TEST (Train, EvaluationDoesNotDependOnTheBatch)
{
  static const int64_t batches[] = { 1, 4, 23, 32 };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  double accuracy = NAN, loss = NAN;
  write_data (folder);
  for (size_t i = 0; i < G_N_ELEMENTS (batches); i++)
    {
      g_autoptr (SfPef) pef = compile (folder, batches[i], &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autoptr (SfSession) session = sf_session_open (pef, NULL, &error);
      const SfData from = { .path = folder };
      SfEvalResult result;
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (sf_eval (session, &from, "test", NULL, &result, &error));
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_INT (result.n_rows, 23);
      if (i > 0)
        {
          SF_CHECK_NEAR (result.accuracy, accuracy, 0);
          SF_CHECK_NEAR (result.loss, loss, 1e-6);
        }
      accuracy = result.accuracy;
      loss = result.loss;
    }
}

/* mean (x w + b - y)^2 over 5 rows, worked out with the weights that the model begins with. */
SF_TEST (Train, MseOfRowsThatDoNotFillBatches)
{
  static const char model[] = "name = \"line\"; batch_size = 2;\n"
                              "inputs = ( { name = \"x\"; field = \"x\"; shape = [ 1 ]; },\n"
                              "  { name = \"y\"; field = \"y\"; shape = [ 1 ]; } );\n"
                              "layers = ( { name = \"l\"; type = \"linear\"; out = 1; } );\n"
                              "loss = { type = \"mse\"; target = \"y\"; };\n";
  static const char head[] = "\x93NUMPY\1\0\0\0"
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 1), }\n";
  const float rows[2][5] = { { 1, -2, 3, 0.5f, -1 }, { 2, 0, -1, 4, 1 } };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (),
                  *path = sf_test_write_file (folder, "model.cfg", model, -1);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GByteArray) file = g_byte_array_new ();
      g_byte_array_append (file, (const guint8 *) head, sizeof head - 1);
      file->data[8] = (guint8) (sizeof head - 1 - 10);
      g_byte_array_append (file, (const guint8 *) rows[i], sizeof rows[i]);
      g_free (
          sf_test_write_file (folder, i == 0 ? "test-x.npy" : "test-y.npy", file->data, file->len));
    }
  static const int64_t batches[] = { 1, 2, 5, 8 };
  for (size_t i = 0; i < G_N_ELEMENTS (batches); i++)
    {
      const SfImportOptions import = { .batch_size = batches[i], .seed = 1 };
      g_autoptr (SfModule) module = sf_import (path, &import, &error);
      const SfCompileOptions options = { .level = "o0" };
      g_autoptr (SfPef) pef = module == NULL ? NULL : sf_compile (module, &options, &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autoptr (SfSession) session = sf_session_open (pef, NULL, &error);
      const SfData from = { .path = folder };
      SfEvalResult result;
      double w, b, wanted = 0;
      SfTensor weight = sf_tensor (SF_F64, SF_SHAPE (1, 1), &w),
               bias = sf_tensor (SF_F64, SF_SHAPE (1), &b);
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (sf_session_read (session, "l.weight", &weight, &error));
      SF_CHECK (sf_session_read (session, "l.bias", &bias, &error));
      for (int r = 0; r < 5; r++)
        wanted += pow ((double) rows[0][r] * w + b - (double) rows[1][r], 2) / 5;
      SF_CHECK (sf_eval (session, &from, "test", NULL, &result, &error));
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_NEAR (result.loss, wanted, 2e-6 * wanted);
      SF_CHECK (isnan (result.accuracy));
    }
}
