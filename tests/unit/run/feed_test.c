/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of a hand-made IDX folder: order, the short last batch, scaling, and fields that are
 * missing. */
#include "core/run/feed.h"

#include "tests/support/sftest.h"
#include "tests/unit/run/fake.h"

#include <string.h>

enum
{
  N_ROWS = 5
};

/* Images 1x2: row r is 10 r, 10 r + 1. Labels: r. */
static char *
write_data (bool labels)
{
  uint8_t images[16 + 2 * N_ROWS] = { 0, 0, 8, 3, 0, 0, 0, N_ROWS, 0, 0, 0, 1, 0, 0, 0, 2 },
                          numbers[8 + N_ROWS] = { 0, 0, 8, 1, 0, 0, 0, N_ROWS };
  char *folder = sf_test_tmpdir ();
  for (uint8_t r = 0; r < N_ROWS; r++)
    {
      images[16 + 2 * r] = (uint8_t) (10 * r);
      images[17 + 2 * r] = (uint8_t) (10 * r + 1);
      numbers[8 + r] = r;
    }
  g_free (sf_test_write_file (folder, "train-images", images, sizeof images));
  if (labels)
    g_free (sf_test_write_file (folder, "train-labels", numbers, sizeof numbers));
  return folder;
}

static const char *const facts[] = { "feed.image.field",
                                     "images",
                                     "feed.image.scale",
                                     "0.5",
                                     "feed.image.shift",
                                     "-1",
                                     "feed.label.field",
                                     "labels",
                                     "loss",
                                     "softmax_ce",
                                     "target",
                                     "label",
                                     NULL };

static SfSession *
new_session (const char *const *with, int64_t batch_size)
{
  SfSession *session = fake_session_new (with);
  fake_session_add_input (session, "image", SF_F32, SF_SHAPE (batch_size, 1, 1, 2));
  fake_session_add_input (session, "label", SF_I32, SF_SHAPE (batch_size));
  return session;
}

static SfDataFeed *
open_feed (SfSession *session, const char *folder, bool unlabelled, GError **error)
{
  return sf_data_feed_open (session, "train", folder, "train", NULL, NULL, unlabelled, error);
}

SF_TEST (Feed, BatchesInFileOrder)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (facts, 2);
  SfDataFeed *feed = open_feed (session, folder, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfTensor *inputs;
  const int64_t *rows;
  int64_t n_real;
  SF_CHECK_INT (sf_data_feed_n_rows (feed), N_ROWS);
  SF_CHECK_INT (sf_data_feed_batch_size (feed), 2);
  SF_CHECK_INT (sf_data_feed_target (feed), 1);
  SF_CHECK (sf_data_feed_labelled (feed));
  SF_CHECK (sf_data_feed_batch (feed, 1, &inputs, &n_real, &rows, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (n_real, 2);
  SF_CHECK_INT (rows[0], 2);
  SF_CHECK_INT (rows[1], 3);
  /* 0.5 x - 1 of 20, 21, 30, 31 */
  static const float wanted[] = { 9, 9.5f, 14, 14.5f };
  for (int i = 0; i < 4; i++)
    SF_CHECK_NEAR (((float *) inputs[0].data)[i], wanted[i], 0);
  SF_CHECK_INT (((int32_t *) inputs[1].data)[0], 2);
  SF_CHECK_INT (((int32_t *) inputs[1].data)[1], 3);
  /* The last one is short: its second row repeats the first of the order, unlabelled. */
  SF_CHECK (sf_data_feed_batch (feed, 2, &inputs, &n_real, &rows, &error));
  SF_CHECK_INT (n_real, 1);
  SF_CHECK_INT (rows[0], 4);
  SF_CHECK_INT (rows[1], 0);
  SF_CHECK_NEAR (((float *) inputs[0].data)[0], 19, 0);
  SF_CHECK_NEAR (((float *) inputs[0].data)[2], -1, 0);
  SF_CHECK_INT (((int32_t *) inputs[1].data)[0], 4);
  SF_CHECK_INT (((int32_t *) inputs[1].data)[1], -1);
  SF_CHECK (!sf_data_feed_batch (feed, 3, &inputs, &n_real, &rows, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "batch 3 is past the last row");
  sf_data_feed_free (feed);
  fake_session_free (session);
}

/* Every row once; the same again for the same seed and epoch, another order for others. */
SF_TEST (Feed, OrderIsAPermutation)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (facts, 1);
  SfDataFeed *feed = open_feed (session, folder, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  char orders[21][N_ROWS + 1] = { { 0 } };
  int n_different = 0;
  for (int epoch = 0; epoch < 20; epoch++)
    {
      bool seen[N_ROWS] = { false };
      SF_CHECK (sf_data_feed_start (feed, 7, epoch, true, 0, &error));
      for (int64_t i = 0; i < N_ROWS; i++)
        {
          const SfTensor *inputs;
          const int64_t *rows;
          int64_t n_real;
          SF_REQUIRE (sf_data_feed_batch (feed, i, &inputs, &n_real, &rows, &error));
          SF_REQUIRE (rows[0] >= 0 && rows[0] < N_ROWS);
          SF_CHECK_MSG (!seen[rows[0]], "row %d twice", (int) rows[0]);
          seen[rows[0]] = true;
          orders[epoch][i] = (char) ('0' + rows[0]);
        }
      n_different += epoch > 0 && !g_str_equal (orders[epoch], orders[epoch - 1]);
    }
  SF_CHECK_MSG (n_different >= 15, "only %d epochs of 20 have an order of their own", n_different);
  SF_CHECK (sf_data_feed_start (feed, 7, 3, true, 2, &error));
  for (int64_t i = 0; i < N_ROWS; i++)
    {
      const SfTensor *inputs;
      const int64_t *rows;
      int64_t n_real;
      SF_REQUIRE (sf_data_feed_batch (feed, i, &inputs, &n_real, &rows, &error));
      SF_CHECK_INT (rows[0], orders[3][i] - '0');
    }
  SF_CHECK (!sf_data_feed_start (feed, 7, -1, true, 0, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "epoch -1: wanted 0 to 4294967295");
  sf_data_feed_free (feed);
  fake_session_free (session);
}

SF_TEST (Feed, RawRow)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (facts, 2);
  SfDataFeed *feed = open_feed (session, folder, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfDtype dtype;
  SfShape shape;
  g_autofree uint8_t *row = sf_data_feed_raw (feed, 3, &dtype, &shape, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (dtype, SF_U8);
  SF_CHECK_INT (shape.rank, 2);
  SF_CHECK_INT (row[0], 30);
  SF_CHECK_INT (row[1], 31);
  g_autofree uint8_t *none = sf_data_feed_raw (feed, 5, &dtype, &shape, &error);
  SF_CHECK (none == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "row 5 of 5");
  sf_data_feed_free (feed);
  fake_session_free (session);
}

/* mse cannot leave rows out: the filling keeps its target, and can be asked for by itself. */
SF_TEST (Feed, PaddingOfOtherLosses)
{
  static const char *const mse[] = { "feed.image.field", "images", "feed.label.field",
                                     "labels",           "loss",   "mse",
                                     "target",           "label",  NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (mse, 4);
  SfDataFeed *feed = open_feed (session, folder, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfTensor *inputs;
  int64_t n_real;
  SF_CHECK (sf_data_feed_batch (feed, 1, &inputs, &n_real, NULL, &error));
  SF_CHECK_INT (n_real, 1);
  static const int32_t wanted[] = { 4, 0, 0, 0 };
  SF_CHECK (memcmp (inputs[1].data, wanted, sizeof wanted) == 0);
  SF_CHECK (sf_data_feed_padding (feed, &inputs, &error));
  for (int i = 0; i < 4; i++)
    {
      SF_CHECK_NEAR (((float *) inputs[0].data)[2 * i + 1], 1, 0);
      SF_CHECK_INT (((int32_t *) inputs[1].data)[i], 0);
    }
  sf_data_feed_free (feed);
  fake_session_free (session);
}

SF_TEST (Feed, MissingLabels)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (false);
  SfSession *session = new_session (facts, 2);
  SF_CHECK (open_feed (session, folder, false, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "has no field \"labels\" for input label");
  SfDataFeed *feed = open_feed (session, folder, true, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfTensor *inputs;
  int64_t n_real;
  SF_CHECK (!sf_data_feed_labelled (feed));
  SF_CHECK (sf_data_feed_batch (feed, 0, &inputs, &n_real, NULL, &error));
  SF_CHECK_INT (n_real, 2);
  SF_CHECK_INT (((int32_t *) inputs[1].data)[0], -1);
  sf_data_feed_free (feed);
  fake_session_free (session);
}

/* The batch of a label that the entry does not take is refused, those before it are not, nor is the
 * next epoch's. */
SF_TEST (Feed, RefusesABatch)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (facts, 1);
  session->limit = 3;
  SfDataFeed *feed = open_feed (session, folder, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfTensor *inputs;
  int64_t n_real;
  for (int epoch = 0; epoch < 2; epoch++)
    {
      SF_CHECK (sf_data_feed_start (feed, 0, epoch, false, 0, &error));
      for (int64_t i = 0; i < 3; i++)
        {
          SF_CHECK (sf_data_feed_batch (feed, i, &inputs, &n_real, NULL, &error));
          SF_REQUIRE_NO_ERROR (error);
          SF_CHECK_INT (((int32_t *) inputs[1].data)[0], i);
        }
      for (int64_t i = 3; i < N_ROWS; i++)
        {
          SF_CHECK (!sf_data_feed_batch (feed, i, &inputs, &n_real, NULL, &error));
          SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                          "input label of train: element 0 is too large");
        }
    }
  sf_data_feed_free (feed);
  fake_session_free (session);
}

/* A model that names no fields: the images to its only input, the labels to its target. */
SF_TEST (Feed, GuessesFields)
{
  static const char *const bare[] = { "loss", "softmax_ce", "target", "label", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (bare, 2);
  SfDataFeed *feed = open_feed (session, folder, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfTensor *inputs;
  int64_t n_real;
  SF_CHECK (sf_data_feed_batch (feed, 1, &inputs, &n_real, NULL, &error));
  SF_CHECK_NEAR (((float *) inputs[0].data)[3], 31, 0);
  SF_CHECK_INT (((int32_t *) inputs[1].data)[1], 3);
  sf_data_feed_free (feed);
  fake_session_free (session);
}

/* Two inputs and one field: nothing says which of them it feeds. */
SF_TEST (Feed, GuessesNothingDoubtful)
{
  static const char *const bare[] = { "loss", "softmax_ce", "target", "label", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = write_data (true);
  SfSession *session = new_session (bare, 2);
  fake_session_add_input (session, "mask", SF_F32, SF_SHAPE (2, 2));
  SF_CHECK (open_feed (session, folder, false, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "has no field \"image\" for input image; compile with --feed image=FIELD");
  fake_session_free (session);
}

static void
check_refused (const char *const *with, SfShape image, SfDtype dtype, const char *folder,
               const char *split, const char *dataset, const char *option, int code,
               const char *message)
{
  g_autoptr (GError) error = NULL;
  const char *const options[] = { option, NULL };
  SfSession *session = fake_session_new (with);
  fake_session_add_input (session, "image", dtype, image);
  SfDataFeed *feed = sf_data_feed_open (session, "train", folder, split, dataset, options, false,
                                        &error);
  SF_CHECK (feed == NULL);
  SF_CHECK_ERROR (error, code, message);
  sf_data_feed_free (feed);
  fake_session_free (session);
}

SF_TEST (Feed, Refuses)
{
  static const char *const other[] = { "feed.image.field", "pictures", NULL };
  g_autofree char *folder = write_data (true), *empty = sf_test_tmpdir (),
                  *none = g_build_filename (empty, "none", NULL);
  const SfShape image = SF_SHAPE (2, 2), wide = SF_SHAPE (2, 1, 3);
  check_refused (facts, wide, SF_F32, folder, "train", NULL, NULL, SF_ERROR_INVALID_DATA,
                 "rows of field images have shape [1,2], input image wants [1,3]; this data does "
                 "not fit this model");
  check_refused (other, image, SF_F32, folder, "train", NULL, NULL, SF_ERROR_INVALID_DATA,
                 "has no field \"pictures\" for input image");
  check_refused (facts, image, SF_F32, none, "train", NULL, NULL, SF_ERROR_NOT_FOUND,
                 "does not exist; give the folder or file of the data with --data");
  check_refused (facts, image, SF_F32, empty, "train", NULL, NULL, SF_ERROR_INVALID_DATA,
                 "no dataset plugin knows what lies there (asked: csv, idx, npy); name one with "
                 "--dataset");
  check_refused (facts, image, SF_F32, folder, "test", NULL, NULL, SF_ERROR_NOT_FOUND,
                 "no test-images* file");
  check_refused (facts, image, SF_F32, folder, "train", "idy", NULL, SF_ERROR_NOT_FOUND, "idy");
  check_refused (facts, image, SF_F32, folder, "train", "idx", "label=1", SF_ERROR_INVALID_ARGUMENT,
                 "--data-option label=1: wanted NAME=VALUE");
}
