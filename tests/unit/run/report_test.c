/* SPDX-License-Identifier: Apache-2.0 */
/* The page of an inference whose predictions the test makes up. */
#include "tests/support/sftest.h"

#include <math.h>
#include <sf/compile.h>
#include <sf/run.h>
#include <string.h>

enum
{
  N_ROWS = 4
};

static const char model[]
    = "name = \"a & <b>\"; batch_size = 2;\n"
      "inputs = ( { name = \"image\"; field = \"images\"; shape = [ 2, 2 ]; },\n"
      "  { name = \"label\"; field = \"labels\"; dtype = \"i32\"; shape = [ ]; } );\n"
      "layers = ( { type = \"flatten\"; }, { type = \"linear\"; out = 3; } );\n"
      "loss = { type = \"softmax_ce\"; target = \"label\"; };\n"
      "classes = [ \"<script>\", \"\\\"b\\\" & c\", \"plain\" ];\n";

static SfSession *
open_session (const char *folder, GError **error)
{
  g_autofree char *path = sf_test_write_file (folder, "model.cfg", model, -1);
  const SfImportOptions import = { .seed = 1 };
  g_autoptr (SfModule) module = sf_import (path, &import, error);
  const SfCompileOptions options = { .level = "o0", .inference = true };
  g_autoptr (SfPef) pef = module == NULL ? NULL : sf_compile (module, &options, error);
  const SfSessionOptions cpu = { .backend = "cpu", .n_threads = 1 };
  return pef == NULL ? NULL : sf_session_open (pef, &cpu, error);
}

static void
write_data (const char *folder)
{
  uint8_t images[16 + 4 * N_ROWS] = { 0, 0, 8, 3, 0, 0, 0, N_ROWS, 0, 0, 0, 2, 0, 0, 0, 2 };
  const uint8_t labels[8 + N_ROWS] = { 0, 0, 8, 1, 0, 0, 0, N_ROWS, 0, 1, 2, 1 };
  for (uint8_t i = 0; i < 4 * N_ROWS; i++)
    images[16 + i] = i;
  g_free (sf_test_write_file (folder, "test-images", images, sizeof images));
  g_free (sf_test_write_file (folder, "test-labels", labels, sizeof labels));
}

static int
count (const char *text, const char *what)
{
  int n = 0;
  for (const char *at = text; (at = strstr (at, what)) != NULL; at += strlen (what))
    n++;
  return n;
}

/* Rows 1 and 3 are wrong, 3 more surely so; of the right ones 2 is less sure than 0. */
SF_TEST (Report, Page)
{
  static SfPrediction predictions[N_ROWS]
      = { { 0, 0, 0, 0.875 }, { 1, 1, 2, 0.5 }, { 2, 2, 2, 0.625 }, { 3, 1, 0, 0.75 } };
  const SfInference inference = { .eval = { .n_rows = N_ROWS, .loss = 0.25, .accuracy = 0.5 },
                                  .predictions = predictions,
                                  .row_elems = 3 };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *page = NULL, *html = NULL,
                  *target = g_build_filename (folder, "deep", "report", NULL);
  write_data (folder);
  g_autoptr (SfSession) session = open_session (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfData from = { .path = folder };
  SF_CHECK (sf_inference_write_report (session, &from, "test", &inference, target, &page, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (g_file_get_contents (page, &html, NULL, NULL));
  SF_CHECK (g_str_has_prefix (html, "<!DOCTYPE html>") && g_str_has_suffix (html, "</html>\n"));
  SF_CHECK_INT (count (html, "<img "), N_ROWS);
  SF_CHECK_INT (count (html, "src=\"data:image/png;base64,iVBORw0KGgo"), N_ROWS);
  SF_CHECK_INT (count (html, "<figure class=\"wrong\">"), 2);
  SF_CHECK_INT (count (html, "<script"), 0);
  SF_CHECK_INT (count (html, "http"), 0);
  SF_CHECK (strstr (html, "<h1>a &amp; &lt;b&gt;</h1>") != NULL);
  SF_CHECK (strstr (html, "<th>&lt;script&gt;</th>") != NULL);
  SF_CHECK (strstr (html, "<th>&quot;b&quot; &amp; c</th>") != NULL);
  SF_CHECK (strstr (html, "50.00&#8239;%") != NULL);
  static const char *const order[] = { "#3<", "#1<", "#2<", "#0<" };
  const char *at = html;
  for (size_t i = 0; i < G_N_ELEMENTS (order); i++)
    {
      at = strstr (at, order[i]);
      SF_REQUIRE_MSG (at != NULL, "%s is not where it belongs", order[i]);
    }
  /* True class 1: one taken for 0, one for 2. */
  SF_CHECK (strstr (html, "<td class=miss>1</td><td class=none>0</td><td class=miss>1</td>")
            != NULL);
}

SF_TEST (Report, RefusesWhatIsNoClassifier)
{
  static SfPrediction predictions[1] = { { 0, -1, -1, NAN } };
  const SfInference inference = { .eval = { .n_rows = 1, .loss = NAN, .accuracy = NAN },
                                  .predictions = predictions };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *page = NULL;
  write_data (folder);
  g_autoptr (SfSession) session = open_session (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfData from = { .path = folder };
  SF_CHECK (!sf_inference_write_report (session, &from, "test", &inference, folder, &page, &error));
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "report: the model is no classifier");
}
