/* SPDX-License-Identifier: Apache-2.0 */
/* What the executor `slurm` makes of what squeue, scontrol and scancel say. */
#include "tests/unit/executors/fake.h"

#include <signal.h>

#include "tests/support/sftest.h"

#define TOKEN  "5530a41e-68dd-456a-a841-0f8718d96784"
#define NAME   "sf-5530a41e"
#define HANDLE "17 " TOKEN

/* Lines as squeue of Slurm 22.05 prints them. */
typedef struct
{
  const char *name, *line;
  SfAttemptState state;
  SfAttemptEnd end;
  const char *reason; /* NULL: none */
} Case;

static const Case cases[] = {
  { "pending", "17|PENDING|Resources||" NAME "|" TOKEN, SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT,
    "Slurm job 17 waits for free resources" },
  { "new reason", "17|PENDING|Whatever||" NAME "|" TOKEN, SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT,
    "Slurm job 17 waits: Whatever" },
  { "node away", "17|PENDING|ReqNodeNotAvail, UnavailableNodes:n1||" NAME "|" TOKEN,
    SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT,
    "Slurm job 17 waits for a node that is down, drained or reserved" },
  { "held", "17|PENDING|JobHeldAdmin||" NAME "|" TOKEN, SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT,
    "Slurm job 17 is held in Slurm; scontrol release lets it go" },
  { "running", "17|RUNNING|None|n1|" NAME "|" TOKEN, SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT, NULL },
  { "completing", "17|COMPLETING|None|n1|" NAME "|" TOKEN, SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT,
    NULL },
  { "completed", "17|COMPLETED|None|n1|" NAME "|" TOKEN, SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT,
    "Slurm job 17: COMPLETED on n1" },
  { "failed", "17|FAILED|NonZeroExitCode|n1|" NAME "|" TOKEN, SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT,
    "Slurm job 17: FAILED, NonZeroExitCode on n1" },
  { "cancelled", "17|CANCELLED|None||" NAME "|" TOKEN, SF_ATTEMPT_ENDED, SF_ATTEMPT_CANCELLED,
    "Slurm job 17: CANCELLED" },
  { "time limit", "17|TIMEOUT|TimeLimit|n1|" NAME "|" TOKEN, SF_ATTEMPT_ENDED, SF_ATTEMPT_TIMED_OUT,
    "Slurm job 17: TIMEOUT, TimeLimit on n1" },
  { "memory", "17|OUT_OF_MEMORY|OutOfMemory|n1|" NAME "|" TOKEN, SF_ATTEMPT_ENDED,
    SF_ATTEMPT_OUT_OF_MEMORY, "Slurm job 17: OUT_OF_MEMORY, OutOfMemory on n1" },
  { "node failed", "17|NODE_FAIL|NodeDown|n1|" NAME "|" TOKEN, SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT,
    "Slurm job 17: NODE_FAIL, NodeDown on n1" },
  { "a state of tomorrow", "17|DREAMING|None|n1|" NAME "|" TOKEN, SF_ATTEMPT_UNKNOWN,
    SF_ATTEMPT_LEFT, NULL },
  { "comment changed by somebody", "17|RUNNING|None|n1|" NAME "|cost centre 12", SF_ATTEMPT_RUNNING,
    SF_ATTEMPT_LEFT, NULL },
  { "beside others",
    "3_[1-4]|PENDING|Priority||other|a|b\n18|FAILED|None|n1|x|(null)\n17|RUNNING|None|n1|" NAME
    "|" TOKEN,
    SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT, NULL },
  { "submitted twice, one of them ended",
    "17|CANCELLED|None||" NAME "|" TOKEN "\n19|RUNNING|None|n1|" NAME "|" TOKEN, SF_ATTEMPT_RUNNING,
    SF_ATTEMPT_LEFT, NULL },
  { "cluster named", "CLUSTER: far\n17|RUNNING|None|n1|" NAME "|" TOKEN, SF_ATTEMPT_RUNNING,
    SF_ATTEMPT_LEFT, NULL },
};

static void
say (const Fake *fake, const char *table)
{
  g_autofree char *script = g_strdup_printf ("cat <<'END'\n%s\nEND", table);
  fake_program (fake, "squeue", script);
}

SF_TEST_CASES (Slurm, Poll, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *wanted = data;
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  SfAttemptStatus status;
  say (fake, wanted->line);
  SF_CHECK (fake_poll (fake, HANDLE, &status, &error));
  SF_CHECK_INT (status.state, wanted->state);
  SF_CHECK_INT (status.end, wanted->end);
  SF_CHECK_STR (status.reason, wanted->reason);
  g_free (status.reason);
}

/* Nothing of this says that an attempt has ended. */
static const struct
{
  const char *name, *squeue, *scontrol;
  int code;
  const char *message;
} lost_controllers[] = {
  { "nobody there",
    "echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1",
    "exit 0", SF_ERROR_TIMEOUT,
    "squeue: slurm_load_jobs error: Unable to contact slurm controller" },
  { "no answer", "sleep 30 & sleep 30", "exit 0", SF_ERROR_TIMEOUT, "squeue: no answer in time" },
  { "killed", "kill -9 $$", "exit 0", SF_ERROR_IO, "squeue: exit code 137" },
  { "garbage", "echo '<html>502 Bad Gateway</html>'", "exit 0", SF_ERROR_INVALID_DATA,
    "squeue: found the line \"<html>502 Bad Gateway</html>\", wanted" },
  { "half a line", "printf '17|COMPLETED|No'", "exit 0", SF_ERROR_INVALID_DATA,
    "squeue: found a line without an end" },
  { "bytes", "printf '17|COMPLETED\\0|x\\n'", "exit 0", SF_ERROR_INVALID_DATA,
    "squeue: found more" },
  { "missing, and away", "true",
    "echo 'slurm_load_jobs error: Zero Bytes were transmitted or received' >&2; exit 1",
    SF_ERROR_TIMEOUT, "scontrol: slurm_load_jobs error: Zero Bytes" },
  { "missing, and refused", "true", "echo 'slurm_load_jobs error: Access denied' >&2; exit 1",
    SF_ERROR_IO, "scontrol: slurm_load_jobs error: Access denied" },
};

SF_TEST_CASES (Slurm, LostController, lost_controllers, G_N_ELEMENTS (lost_controllers),
               sf_test_row_name)
{
  const __typeof__ (lost_controllers[0]) *row = data;
  bool waits = row->code == SF_ERROR_TIMEOUT && strstr (row->squeue, "sleep") != NULL;
  g_autoptr (Fake) fake = fake_new (waits ? "timeout=1" : NULL);
  g_autoptr (GError) error = NULL;
  SfAttemptStatus status;
  fake_program (fake, "squeue", row->squeue);
  fake_program (fake, "scontrol", row->scontrol);
  SF_CHECK (!fake_poll (fake, HANDLE, &status, &error));
  SF_CHECK_ERROR (error, row->code, row->message);
  SF_CHECK_INT (status.state, SF_ATTEMPT_UNKNOWN);
}

/* A job that squeue does not list has ended if the controller says that there is none. */
static const struct
{
  const char *name, *scontrol;
  SfAttemptState state;
} forgotten[] = {
  { "forgotten", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
    SF_ATTEMPT_ENDED },
  { "its number is another's", "echo 'JobId=17 JobName=mine JobState=RUNNING Comment=x'",
    SF_ATTEMPT_ENDED },
  { "just missed", "echo 'JobId=17 JobName=" NAME " JobState=RUNNING Comment=" TOKEN "'",
    SF_ATTEMPT_UNKNOWN },
  { "says nothing", "true", SF_ATTEMPT_UNKNOWN },
};

SF_TEST_CASES (Slurm, Forgotten, forgotten, G_N_ELEMENTS (forgotten), sf_test_row_name)
{
  const __typeof__ (forgotten[0]) *row = data;
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  SfAttemptStatus status;
  say (fake, "17|RUNNING|None|n1|mine|x");
  fake_program (fake, "scontrol", row->scontrol);
  SF_CHECK (fake_poll (fake, HANDLE, &status, &error));
  SF_CHECK_INT (status.state, row->state);
  g_free (status.reason);
}

SF_TEST (Slurm, OneQuestionForAll)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  const char *handles[40];
  SfAttemptStatus statuses[G_N_ELEMENTS (handles)] = { 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (handles); i++)
    handles[i] = HANDLE;
  fake_program (fake, "squeue",
                "echo x >>asked; sleep 0.6; echo '17|RUNNING|None|n1|" NAME "|" TOKEN "'");
  SF_CHECK (fake->ops->poll (fake->instance, handles, G_N_ELEMENTS (handles), statuses, NULL));
  g_autofree char *asked = fake_read (fake, "asked");
  SF_CHECK_STR (asked, "x\n");
}

SF_TEST (Slurm, AdoptsByTheToken)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  g_autofree char *none = NULL;
  say (fake, "16|RUNNING|None|n1|" NAME "|5530a41e\n17|PENDING|None||" NAME "|" TOKEN);
  SF_CHECK (fake->ops->adopt (fake->instance, TOKEN, &found, &error));
  SF_CHECK_STR (found, HANDLE);
  SF_CHECK (fake->ops->adopt (fake->instance, "another", &none, &error) && none == NULL);
}

SF_TEST (Slurm, Signals)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  fake_program (fake, "scancel", "echo \"$@\" >>asked");
  say (fake, "17|RUNNING|None|n1|" NAME "|" TOKEN);
  SF_CHECK (fake->ops->signal (fake->instance, HANDLE, SIGTERM, &error));
  SF_CHECK (fake->ops->signal (fake->instance, HANDLE, SIGKILL, &error));
  say (fake, "17|RUNNING|None|n1|mine|x"); /* another's by now */
  SF_CHECK (fake->ops->signal (fake->instance, HANDLE, SIGTERM, &error));
  g_autofree char *asked = fake_read (fake, "asked");
  SF_CHECK_STR (asked, "--state=PENDING 17\n--state=RUNNING --batch --signal=TERM 17\n17\n");
}

SF_TEST (Slurm, CannotSignal)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) gone = NULL;
  g_autoptr (GError) away = NULL;
  say (fake, "17|RUNNING|None|n1|" NAME "|" TOKEN);
  fake_program (fake, "scancel",
                "echo 'scancel: error: Kill job error on job id 17: Invalid job id specified' >&2; "
                "exit 1");
  SF_CHECK (fake->ops->signal (fake->instance, HANDLE, SIGTERM, &gone));
  fake_program (fake, "scancel",
                "echo 'scancel: error: Kill job error on job id 17: Unable to contact slurm "
                "controller (connect failure)' >&2; exit 8");
  SF_CHECK (!fake->ops->signal (fake->instance, HANDLE, SIGTERM, &away));
  SF_CHECK_ERROR (away, SF_ERROR_TIMEOUT, "scancel: scancel: error: Kill job error");
}

SF_TEST (Slurm, RefusesHandlesOfOthers)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  SfAttemptStatus status;
  SF_CHECK (!fake_poll (fake, "123:4567:boot", &status, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "executor slurm: found handle \"123:4567:boot\", wanted a job id and a token");
}
