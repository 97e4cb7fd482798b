/* SPDX-License-Identifier: Apache-2.0 */
/* A PEF that is cut short or written over while sessions run on it: an error, and steps go on that
 * need nothing of it any more. */
#include <string.h>
#include <unistd.h>

#include <sf/compile.h>
#include <sf/run.h>

#include "tests/support/sftest.h"

#define BATCH   4
#define N_IMAGE (BATCH * 28 * 28)
#define CLASSES 10

/* A PEF in a file of its own, for inference: weights that sessions read where the file has them. */
static SfPef *
open_written (char **path, GError **error)
{
  g_autofree char *model = sf_test_source_path ("apps/ffn_mnist/model.cfg"),
                  *folder = sf_test_tmpdir ();
  const SfImportOptions import = { .batch_size = BATCH, .seed = 1 };
  const SfCompileOptions options = { .level = "o3", .inference = true };
  g_autoptr (SfModule) module = sf_import (model, &import, error);
  g_autoptr (SfPef) pef = module != NULL ? sf_compile (module, &options, error) : NULL;
  *path = g_build_filename (folder, "model.pef", NULL);
  return pef != NULL && sf_pef_save (pef, *path, error) ? sf_pef_open (*path, error) : NULL;
}

/* One step on images of ones. */
static bool
infer (SfSession *session, float *prediction, GError **error)
{
  static float image[N_IMAGE];
  static const int32_t label[BATCH];
  for (size_t i = 0; i < N_IMAGE; i++)
    image[i] = 1;
  SfTensor inputs[2], outputs[2] = { 0 };
  SfPort port;
  for (size_t i = 0; i < 2 && sf_session_input (session, "eval", i, &port); i++)
    inputs[i] = sf_tensor (port.dtype, port.shape,
                           port.dtype == SF_F32 ? (void *) image : (void *) (uintptr_t) label);
  for (size_t i = 0; i < 2 && sf_session_output (session, "eval", i, &port); i++)
    if (port.role == SF_OUTPUT_PREDICTION)
      outputs[i] = sf_tensor (SF_F32, port.shape, prediction);
  return sf_session_step (session, "eval", 1u << SF_PHASE_FWD, inputs, outputs, NULL, error);
}

#define WRITTEN "found it written to since it was opened, wanted it as it was"

SF_TEST (CutFile, EndsInAnErrorWhereItIsReadOnceMore)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autoptr (SfPef) pef = open_written (&path, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfSession) warm = sf_session_open (pef, &(SfSessionOptions){ 0 }, &error);
  g_autoptr (SfSession) cold = sf_session_open (pef, &(SfSessionOptions){ 0 }, &error);
  g_autoptr (SfSession) cpu = sf_session_open (pef, &(SfSessionOptions){ .backend = "cpu" },
                                               &error);
  SF_REQUIRE_NO_ERROR (error);
  static float before[BATCH * CLASSES], after[BATCH * CLASSES];
  static float weights[784 * 512];
  SfTensor read = sf_tensor (SF_F32, SF_SHAPE (512, 784), weights);
  SF_CHECK (infer (warm, before, &error) && sf_session_read (warm, "fc1.weight", &read, &error));
  SF_REQUIRE_NO_ERROR (error);

  SF_REQUIRE (truncate (path, 4096) == 0);
  SF_CHECK (infer (warm, after, &error) && memcmp (before, after, sizeof after) == 0);
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (!sf_session_read (warm, "fc1.weight", &read, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, WRITTEN);
  SF_CHECK (!infer (cold, after, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, WRITTEN);
  SF_CHECK (!infer (cpu, after, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, WRITTEN);
  SF_CHECK (sf_session_open (pef, &(SfSessionOptions){ 0 }, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, WRITTEN);
}

SF_TEST (CutFile, MayBeReplacedOrRemoved)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autoptr (SfPef) pef = open_written (&path, &error);
  SF_REQUIRE_NO_ERROR (error);
  static float before[BATCH * CLASSES], after[BATCH * CLASSES];
  g_autoptr (SfSession) first = sf_session_open (pef, &(SfSessionOptions){ 0 }, &error);
  SF_CHECK (first != NULL && infer (first, before, &error));
  SF_CHECK (sf_pef_save (pef, path, &error) && unlink (path) == 0);
  g_autoptr (SfSession) second = sf_session_open (pef, &(SfSessionOptions){ 0 }, &error);
  SF_CHECK (second != NULL && infer (second, after, &error));
  SF_CHECK (memcmp (before, after, sizeof after) == 0);
  SF_CHECK_NO_ERROR (error);
}
