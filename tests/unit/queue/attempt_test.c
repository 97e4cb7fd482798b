/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and records: written, read back, refused when damaged; locks. */
#include "queue/attempt.h"

#include <string.h>
#include <unistd.h>

#include <sf/file.h>

#include "tests/support/sftest.h"

SF_TEST (Attempt, Plan)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (SfPlan) plan = sf_plan_new ();
  const char *const words[] = { "sh", "-c", "echo \"a b\"\n", "", NULL };
  plan->job_id = 7;
  plan->token = g_strdup ("t-1");
  plan->job_folder = g_strdup ("/q/jobs/7");
  plan->work_folder = g_strdup ("/w");
  plan->sf = g_strdup ("/bin/sf");
  plan->time_limit_s = 600;
  plan->first_step = 2;
  plan->environment = g_environ_setenv (plan->environment, "A", "b=c", TRUE);
  plan->notify = g_strdupv ((char **) words);
  plan->retries = (SfRetryRule){ .max = 3,
                                 .delay_s = 1,
                                 .max_delay_s = 9,
                                 .factor = 1.5,
                                 .on = 1u << SF_JOB_LOST | 1u << SF_JOB_FAILED };
  sf_plan_add_step (plan, "command", g_strdupv ((char **) words));
  SF_CHECK (sf_plan_write (plan, folder, &error));
  g_autoptr (SfPlan) read = sf_plan_read (folder, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (read->job_id, 7);
  SF_CHECK_STR (read->token, "t-1");
  SF_CHECK_INT (read->time_limit_s, 600);
  SF_CHECK_INT (read->first_step, 2);
  SF_CHECK_STR (g_environ_getenv (read->environment, "A"), "b=c");
  SF_CHECK (g_strv_equal ((const char *const *) read->notify, words));
  SF_CHECK_INT (read->retries.max, 3);
  SF_CHECK_INT (read->retries.delay_s, 1);
  SF_CHECK_INT (read->retries.max_delay_s, 9);
  SF_CHECK_NEAR (read->retries.factor, 1.5, 0);
  SF_CHECK_INT (read->retries.on, plan->retries.on);
  SF_REQUIRE (read->steps->len == 1);
  const SfPlanStep *step = read->steps->pdata[0];
  SF_CHECK (g_strv_equal ((const char *const *) step->argv, words));
  g_autofree char *where = sf_plan_where (read, 1);
  SF_CHECK_STR (where, "step 1 of 1 (command)");
  g_autofree char *nowhere = sf_plan_where (read, 0);
  SF_CHECK_STR (nowhere, "no step");
}

/* What a store of the first version has recorded says nothing of rules. */
SF_TEST (Attempt, PlanWithoutRules)
{
  g_autoptr (GError) error = NULL;
  const char text[] = "{\"job\":1,\"token\":\"t\",\"job_folder\":\"/q\",\"work_folder\":\"/\","
                      "\"sf\":\"sf\",\"cores\":0,\"memory_bytes\":0,\"time_limit_s\":0,"
                      "\"tiles\":0,\"steps\":[{\"do\":\"command\",\"argv\":[\"true\"]}]%s}";
  g_autofree char *old = g_strdup_printf (text, "");
  g_autoptr (SfPlan) plan = sf_plan_parse (old, strlen (old), "plan", &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (plan->first_step, 1);
  SF_CHECK_INT (plan->retries.max, 0);
  SF_CHECK (plan->notify == NULL && plan->environment[0] == NULL);
  g_autofree char *bad = g_strdup_printf (
      text, ",\"retries\":{\"max\":1,\"delay_s\":0,\"max_delay_s\":0,\"on\":[\"GONE\"]}");
  SF_CHECK (sf_plan_parse (bad, strlen (bad), "plan", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "plan: retries on \"GONE\", wanted states");
}

typedef struct
{
  const char *name, *text, *message;
} Damaged;

static const Damaged damaged[] = {
  { "empty", "", "wanted JSON" },
  { "half", "{\"state\":\"FAI", "wanted JSON" },
  { "no state", "{}", "key \"state\": found nothing" },
  { "not final",
    "{\"state\":\"RUNNING\",\"reason\":\"\",\"exit_code\":0,\"exit_signal\":0,\"ended_us\":0}",
    "found state \"RUNNING\", wanted a final one" },
  { "too large",
    "{\"state\":\"FAILED\",\"reason\":\"\",\"exit_code\":99999999999,\"exit_signal\":0,"
    "\"ended_us\":0}",
    "out of range" },
  { "wrong type",
    "{\"state\":\"FAILED\",\"reason\":1,\"exit_code\":0,\"exit_signal\":0,\"ended_us\":0}",
    "key \"reason\": found an integer" },
};

SF_TEST_CASES (Attempt, DamagedExitRecord, damaged, G_N_ELEMENTS (damaged), sf_test_row_name)
{
  const Damaged *c = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  G_GNUC_UNUSED g_autofree char *path = sf_test_write_file (folder, "exit.json", c->text, -1);
  SfExitRecord record;
  bool found;
  SF_CHECK (!sf_exit_record_read (folder, &record, &found, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (Attempt, Records)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  SfExitRecord out = { .state = SF_JOB_FAILED,
                       .reason = (char *) "step \"2\"\n\xff",
                       .exit_code = 3,
                       .exit_signal = 11,
                       .ended_us = 1234567890123456,
                       .memory_bytes = (int64_t) 5 << 30,
                       .by_kernel = true };
  SfExitRecord in;
  bool found = true;
  SF_CHECK (sf_exit_record_read (folder, &in, &found, &error) && !found);
  SF_CHECK (sf_exit_record_write (&out, folder, &error));
  SF_CHECK (sf_exit_record_read (folder, &in, &found, &error) && found);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (in.state, SF_JOB_FAILED);
  SF_CHECK_INT (in.exit_code, 3);
  SF_CHECK_INT (in.exit_signal, 11);
  SF_CHECK_INT (in.ended_us, 1234567890123456);
  SF_CHECK_INT (in.memory_bytes, (int64_t) 5 << 30);
  SF_CHECK (in.by_kernel);
  SF_CHECK (g_str_has_prefix (in.reason, "step \"2\"\n"));
  sf_exit_record_clear (&in);

  SfStepRecord step = { .step = 2, .ended = true, .exit_code = 1, .started_us = 5, .ended_us = 9 };
  SfStepRecord back;
  SF_CHECK (sf_step_record_write (&step, folder, &error));
  SF_CHECK (sf_step_record_read (folder, 2, &back, &found, &error) && found);
  SF_CHECK (memcmp (&step, &back, sizeof step) == 0);
  SF_CHECK (sf_step_record_read (folder, 3, &back, &found, &error) && !found);
}

SF_TEST (Attempt, Lock)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  int first, second;
  SF_CHECK_INT (sf_attempt_lock (folder, "lock", &first, &error), SF_LOCK_TAKEN);
  SF_CHECK_INT (sf_attempt_lock (folder, "lock", &second, &error), SF_LOCK_HELD);
  close (first);
  SF_CHECK_INT (sf_attempt_lock (folder, "lock", &second, &error), SF_LOCK_TAKEN);
  close (second);
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (sf_attempt_lock ("/no/such", "lock", &second, &error), SF_LOCK_FAILED);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "/no/such/lock: cannot open the lock");
}
