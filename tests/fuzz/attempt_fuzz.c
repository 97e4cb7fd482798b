/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what is read from the folder of an attempt. The bytes stand in each of its files. */
#include "queue/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "queue/ending.h"
#include "queue/folder.h"
#include "tests/fuzz/target.h"

static const char *const names[] = { "plan.json", "exit.json", "shepherd.json", "step-1.json",
                                     "environment" };

static char *
make_folder (void)
{
  const char *memory = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir ();
  char *folder = g_build_filename (memory, "sf-fuzz-attempt.XXXXXX", NULL);
  if (g_mkdtemp (folder) == NULL)
    abort ();
  return folder;
}

/* What was read can be written, and is then read again. */
static void
write_again (const SfPlan *plan)
{
  char *text = sf_plan_text (plan, NULL);
  g_autoptr (SfPlan) again = text != NULL ? sf_plan_parse (text, strlen (text), "plan", NULL)
                                          : NULL;
  if (again == NULL || again->steps->len != plan->steps->len)
    abort ();
  free (text);
}

static void
read_records (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfPlan) plan = sf_plan_read (folder, &error);
  if ((plan != NULL) != (error == NULL))
    abort ();
  if (plan != NULL)
    write_again (plan);
  g_clear_error (&error);
  SfExitRecord record = { 0 };
  bool found = false;
  bool good = sf_exit_record_read (folder, &record, &found, &error);
  if (good != (error == NULL) || (good && (!found || !sf_job_state_is_final (record.state))))
    abort ();
  sf_exit_record_clear (&record);
  g_clear_error (&error);
  SfStepRecord step;
  if (sf_step_record_read (folder, 1, &step, &found, &error) != (error == NULL))
    abort ();
  g_free (sf_shepherd_record_boot_id (folder));
  g_free (sf_shepherd_record_group (folder, "t"));
  g_free (sf_attempt_where (folder));
  g_strfreev (sf_environment_read (folder));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autofree char *folder = make_folder ();
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);
      if (!g_file_set_contents_full (path, n_bytes > 0 ? (const char *) data : "", (gssize) n_bytes,
                                     G_FILE_SET_CONTENTS_NONE, 0600, NULL))
        abort ();
    }
  read_records (folder);
  sf_remove_tree (folder);
  return 0;
}
