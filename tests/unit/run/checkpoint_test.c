/* SPDX-License-Identifier: Apache-2.0 */
/* What a checkpoint restores, which one is the newest, and which are refused. */
#include "core/run/checkpoint.h"

#include "core/run/safetensors.h"
#include "tests/support/sftest.h"
#include "tests/unit/run/fake.h"

#include <glib/gstdio.h>
#include <string.h>

static const char *const facts[] = { "optimizer_states", "exp_avg exp_avg_sq", NULL };

/* A weight, its moment, and a statistic; the weight counts up from `first`. */
static SfSession *
new_session (float first)
{
  SfSession *session = fake_session_new (facts);
  fake_session_add_state (session, "fc1.weight", SF_SHAPE (2, 2), first);
  fake_session_add_state (session, "fc1.weight.exp_avg", SF_SHAPE (2, 2), first + 10);
  fake_session_add_state (session, "bn.running_mean", SF_SHAPE (3), first + 20);
  return session;
}

static char *
save_at (const char *folder, const char *name, float first, int64_t step)
{
  g_autoptr (GError) error = NULL;
  SfSession *session = new_session (first);
  char *path = g_build_filename (folder, name, NULL);
  const SfProgress progress = { .step = step,
                                .epoch = 3,
                                .batch = 7,
                                .seed = UINT64_C (0xfedcba9876543210),
                                .loss_sum = 0.1 + 0.2 };
  SF_CHECK (sf_checkpoint_save (session, path, &progress, &error));
  SF_CHECK_NO_ERROR (error);
  fake_session_free (session);
  return path;
}

SF_TEST (Checkpoint, RestoresAll)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *path = save_at (folder, "a", 1, 42);
  SfSession *session = new_session (100);
  SfProgress progress = { 0 };
  SF_CHECK (sf_checkpoint_load (session, path, SF_RESTORE_ALL, &progress, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (progress.step, 42);
  SF_CHECK_INT (progress.epoch, 3);
  SF_CHECK_INT (progress.batch, 7);
  SF_CHECK (progress.seed == UINT64_C (0xfedcba9876543210));
  SF_CHECK_MSG (progress.loss_sum == 0.1 + 0.2, "the sum lost bits: %.17g", progress.loss_sum);
  SF_CHECK_NEAR (fake_session_values (session, "fc1.weight")[3], 4, 0);
  SF_CHECK_NEAR (fake_session_values (session, "fc1.weight.exp_avg")[0], 11, 0);
  SF_CHECK_NEAR (fake_session_values (session, "bn.running_mean")[2], 23, 0);
  fake_session_free (session);
}

SF_TEST (Checkpoint, RestoresWeightsAlone)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *path = save_at (folder, "a", 1, 42);
  SfSession *session = new_session (100);
  session->digest = "of another graph";
  session->backend = "rdu";
  SF_CHECK (sf_checkpoint_load (session, path, SF_RESTORE_WEIGHTS, NULL, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (fake_session_values (session, "fc1.weight")[0], 1, 0);
  SF_CHECK_NEAR (fake_session_values (session, "fc1.weight.exp_avg")[0], 110, 0);
  SF_CHECK_NEAR (fake_session_values (session, "bn.running_mean")[0], 21, 0);
  fake_session_free (session);
}

/* Exporters number what has one name: "weight" and "weight.1" are two weights. */
SF_TEST (Checkpoint, RestoresNumberedWeights)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *path = g_build_filename (folder, "a", NULL);
  const SfProgress progress = { .step = 1 };
  SfSession *from = new_session (0), *to = new_session (100);
  fake_session_add_state (from, "fc1.weight.1", SF_SHAPE (2), 30);
  fake_session_add_state (to, "fc1.weight.1", SF_SHAPE (2), 130);
  SF_CHECK (sf_checkpoint_save (from, path, &progress, &error));
  SF_CHECK (sf_checkpoint_load (to, path, SF_RESTORE_WEIGHTS, NULL, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (fake_session_values (to, "fc1.weight.1")[1], 31, 0);
  SF_CHECK_NEAR (fake_session_values (to, "fc1.weight.exp_avg")[0], 110, 0);
  fake_session_free (from);
  fake_session_free (to);
}

static void
check_refused (SfSession *session, const char *path, SfRestore restore, int code,
               const char *message)
{
  g_autoptr (GError) error = NULL;
  SfProgress progress;
  SF_CHECK (!sf_checkpoint_load (session, path, restore, &progress, &error));
  SF_CHECK_ERROR (error, code, message);
  SF_CHECK_INT (session->n_writes, 0);
}

SF_TEST (Checkpoint, RefusesAnotherGraph)
{
  g_autofree char *folder = sf_test_tmpdir (), *path = save_at (folder, "a", 1, 42);
  SfSession *session = new_session (0);
  session->digest = "of another graph";
  check_refused (session, path, SF_RESTORE_ALL, SF_ERROR_INCOMPATIBLE,
                 "is of another model or other training options than fake.pef; start from its "
                 "weights with --init-checkpoint");
  fake_session_free (session);
}

SF_TEST (Checkpoint, RefusesAnotherEngine)
{
  g_autofree char *folder = sf_test_tmpdir (), *path = save_at (folder, "a", 1, 42);
  SfSession *session = new_session (0);
  session->backend = "rdu";
  session->isa = "avx2";
  check_refused (session, path, SF_RESTORE_ALL, SF_ERROR_INCOMPATIBLE,
                 "was made by cpu, this is rdu/avx2");
  fake_session_free (session);
}

SF_TEST (Checkpoint, RefusesMissingAndMisshapenTensors)
{
  g_autofree char *folder = sf_test_tmpdir (), *path = save_at (folder, "a", 1, 42);
  SfSession *more = new_session (0), *other = fake_session_new (NULL);
  fake_session_add_state (more, "fc2.weight", SF_SHAPE (2), 0);
  check_refused (more, path, SF_RESTORE_WEIGHTS, SF_ERROR_INVALID_DATA,
                 "has no tensor \"fc2.weight\"; it is of another model");
  fake_session_add_state (other, "fc1.weight", SF_SHAPE (4), 0);
  check_refused (other, path, SF_RESTORE_WEIGHTS, SF_ERROR_INVALID_DATA,
                 "tensor \"fc1.weight\" is f32 [2,2], wanted f32 [4]; it is of another model");
  fake_session_free (more);
  fake_session_free (other);
}

SF_TEST (Checkpoint, RefusesWeightsOfAnotherWriterForResume)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *path = g_build_filename (folder, "w", NULL);
  g_autoptr (SfTensorFile) file = sf_tensor_file_new ();
  SF_CHECK (sf_tensor_file_save (file, path, &error));
  SfSession *session = fake_session_new (NULL);
  check_refused (session, path, SF_RESTORE_ALL, SF_ERROR_INVALID_DATA,
                 "is not a training checkpoint (no graph digest); start from its weights with "
                 "--init-checkpoint");
  fake_session_free (session);
}

SF_TEST (Checkpoint, NewestByStep)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  SF_CHECK (sf_checkpoint_latest (folder, &error) == NULL);
  SF_CHECK_NO_ERROR (error);
  g_autofree char *a = save_at (folder, "epoch-0002.safetensors", 1, 20),
                  *b = save_at (folder, "step-00000025.safetensors", 1, 25),
                  *c = save_at (folder, "epoch-0001.safetensors", 1, 10),
                  *other = save_at (folder, "best.safetensors", 1, 99),
                  *unfinished = save_at (folder, "epoch-0009.safetensors.tmp", 1, 99);
  g_autofree char *newest = sf_checkpoint_latest (folder, &error);
  SF_CHECK_STR (newest, b);
  SF_CHECK (sf_checkpoint_prune (folder, 2, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (g_file_test (a, G_FILE_TEST_EXISTS));
  SF_CHECK (g_file_test (b, G_FILE_TEST_EXISTS));
  SF_CHECK (!g_file_test (c, G_FILE_TEST_EXISTS));
  SF_CHECK (g_file_test (other, G_FILE_TEST_EXISTS));
  SF_CHECK (g_file_test (unfinished, G_FILE_TEST_EXISTS));
}

SF_TEST (Checkpoint, FolderThatDoesNotExistHasNone)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *none = g_build_filename (folder, "none", NULL);
  SF_CHECK (sf_checkpoint_latest (none, &error) == NULL);
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Checkpoint, DamagedNewestIsNamed)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (),
                  *path = save_at (folder, "epoch-0002.safetensors", 1, 20), *bytes = NULL;
  gsize n_bytes;
  SF_CHECK (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  SF_CHECK (g_file_set_contents (path, bytes, (gssize) n_bytes - 1, NULL));
  SF_CHECK (sf_checkpoint_latest (folder, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "epoch-0002.safetensors: ");
}

/* A resume reads every checkpoint whole; making room for the next looks at headers alone. */
SF_TEST (Checkpoint, PruningReadsHeaders)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *bytes = NULL;
  g_autofree char *older = save_at (folder, "epoch-0001.safetensors", 1, 10),
                  *newer = save_at (folder, "epoch-0002.safetensors", 1, 20);
  gsize n_bytes = 0;
  SF_REQUIRE (g_file_get_contents (older, &bytes, &n_bytes, NULL));
  bytes[n_bytes - 1] ^= 1;
  SF_REQUIRE (g_file_set_contents (older, bytes, (gssize) n_bytes, NULL));
  g_autofree char *none = sf_checkpoint_latest (folder, &error);
  SF_CHECK (none == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "epoch-0001.safetensors: is damaged (digest ");
  SF_CHECK (sf_checkpoint_prune (folder, 1, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (!g_file_test (older, G_FILE_TEST_EXISTS));
  SF_CHECK (g_file_test (newer, G_FILE_TEST_EXISTS));
}
