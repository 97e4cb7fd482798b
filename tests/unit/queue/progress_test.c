/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a step's progress file: whole ones, half ones, and what is none. */
#include "queue/progress.h"

#include <math.h>
#include <string.h>

#include "tests/support/sftest.h"

/* What is read when the file of step 2 holds `text`. */
static bool
read_text (const char *text, SfStepProgress *out)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "step-2.progress", NULL);
  SF_CHECK (g_file_set_contents (path, text, -1, NULL));
  return sf_step_progress_read (folder, 2, out);
}

SF_TEST (Progress, LastWholeLine)
{
  SfStepProgress progress;
  SF_REQUIRE (read_text ("{\"epoch\":1,\"epochs\":4}\n"
                         "{\"at\":1.5,\"do\":\"train\",\"epoch\":2,\"epochs\":4,\"batch\":30,"
                         "\"batches\":40,\"loss\":0.25,\"test_accuracy\":0.5,"
                         "\"batches_per_second\":10,\"eta_s\":9}\n"
                         "{\"epoch\":3,\"epo",
                         &progress));
  SF_CHECK_INT (progress.epoch, 2);
  SF_CHECK_INT (progress.batches, 40);
  SF_CHECK_NEAR (progress.loss, 0.25, 0);
  SF_CHECK_NEAR (progress.batches_per_second, 10, 0);
  SF_CHECK_NEAR (sf_step_progress_done (&progress), 1.75 / 4, 1e-12);
  g_autofree char *text = sf_step_progress_text (&progress);
  SF_CHECK_STR (text, "epoch 2 of 4, loss 0.2500, test accuracy 50.00 %, 9 s left");
}

/* Any program may write the file: what is missing, of another type or out of range is not known. */
SF_TEST (Progress, Strangers)
{
  static const char *const none[] = { "", "{\"epoch\":1}", "\n", "[1]\n", "{\"epoch\":\n", "x\n" };
  SfStepProgress progress;
  for (size_t i = 0; i < G_N_ELEMENTS (none); i++)
    SF_CHECK_MSG (!read_text (none[i], &progress), "taken: %s", none[i]);
  SF_REQUIRE (read_text ("{\"epoch\":-3,\"epochs\":\"a\",\"batch\":9,\"batches\":3,\"loss\":null,"
                         "\"eta_s\":-1,\"more\":[]}\n",
                         &progress));
  SF_CHECK_INT (progress.epoch, 0);
  SF_CHECK (isnan (progress.loss));
  SF_CHECK_NEAR (sf_step_progress_done (&progress), 1, 0);
  g_autofree char *text = sf_step_progress_text (&progress);
  SF_CHECK_STR (text, "batch 9 of 3");
  SF_REQUIRE (read_text ("{}\n", &progress));
  g_autofree char *nothing = sf_step_progress_text (&progress);
  SF_CHECK_STR (nothing, "");
  SF_CHECK (isnan (sf_step_progress_done (&progress)));
}

SF_TEST (Progress, LongFile)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (int i = 1; i <= 2000; i++)
    g_string_append_printf (text, "{\"epoch\":%d,\"epochs\":2000}\n", i);
  SfStepProgress progress;
  SF_REQUIRE (read_text (text->str, &progress));
  SF_CHECK_INT (progress.epoch, 2000);
  g_autofree char *long_line = g_strnfill (10000, ' ');
  g_string_append_printf (text, "{%s\"epoch\":7}\n", long_line);
  SF_CHECK (!read_text (text->str, &progress));
}

SF_TEST (Progress, Missing)
{
  SfStepProgress progress;
  g_autofree char *folder = sf_test_tmpdir ();
  SF_CHECK (!sf_step_progress_read (folder, 1, &progress));
}
