/* SPDX-License-Identifier: Apache-2.0 */
/* What the executor `slurm` asks sbatch for, and that it never does so twice without having looked.
 */
#include "tests/unit/executors/fake.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "tests/support/sftest.h"

#define TOKEN "5530a41e-68dd-456a-a841-0f8718d96784"
#define ROW   "17|PENDING|None||sf-5530a41e|" TOKEN

static const char count[] = "echo x >>asked; ";

/* As if the last sbatch had been a while ago. */
static void
let_time_pass (const Fake *fake)
{
  g_autofree char *path = g_build_filename (fake->attempt, "sbatch.log", NULL);
  const struct utimbuf then = { 1000, 1000 };
  SF_CHECK_INT (utime (path, &then), 0);
}

static void
set_sbatch (const Fake *fake, const char *script)
{
  g_autofree char *text = g_strconcat (count, script, NULL);
  fake_program (fake, "sbatch", text);
}

static void
check_asked (const Fake *fake, const char *wanted)
{
  g_autofree char *asked = fake_read (fake, "asked");
  SF_CHECK_STR (asked, wanted);
}

SF_TEST (Slurm, Submits)
{
  g_autoptr (Fake) fake = fake_new (
      "gres=rdu_tile partition=main account=me options=--qos=low options=--nice");
  g_autoptr (GError) error = NULL;
  g_autofree char *handle = NULL;
  g_setenv ("SBATCH_PARTITION", "wrong", TRUE);
  fake_program (
      fake, "sbatch",
      "for word; do :; done; cp \"$word\" script; echo \"$@\" \"[$SBATCH_PARTITION]\" >args; "
      "echo 17");
  SF_CHECK (fake_start (fake, TOKEN, &handle, &error));
  SF_CHECK_STR (handle, "17 " TOKEN);
  g_autofree char *args = fake_read (fake, "args");
  g_autofree char *wanted = g_strdup_printf (
      "--parsable --job-name=sf-5530a41e --comment=" TOKEN
      " --output=/dev/null --no-requeue --signal=B:XCPU@60 --nodes=1 --ntasks=1"
      " --cpus-per-task=2 --mem=2M --time=4 --gres=rdu_tile:3 --partition=main"
      " --account=me --qos=low --nice %s/batch.sh []\n",
      fake->attempt);
  SF_CHECK_STR (args, wanted);
  /* The script becomes the program, in the attempt's folder, with the token. */
  g_autofree char *path = g_build_filename (fake->folder, "script", NULL);
  g_autofree char *script = fake_read (fake, "script");
  SF_CHECK (strstr (script, "exec '/usr/bin/env' 'it'\\''s'\n") != NULL);
  SF_CHECK (strstr (script, "SF_ATTEMPT_TOKEN='" TOKEN "'\nexport SF_ATTEMPT_TOKEN\n") != NULL);
  const char *const argv[] = { "/bin/sh", path, NULL };
  int status = 0;
  SF_CHECK (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                          &status, NULL));
  g_autofree char *log = g_build_filename (fake->attempt, "shepherd.log", NULL);
  SF_CHECK (g_file_test (log, G_FILE_TEST_EXISTS)); /* env complains that there is no "it's" */
}

SF_TEST (Slurm, ClusterIsKept)
{
  g_autoptr (Fake) fake = fake_new ("cluster=far");
  g_autofree char *handle = NULL;
  SfAttemptStatus status;
  fake_program (fake, "sbatch", "echo 17\\;far");
  fake_program (fake, "squeue", "[ \"$1\" = --clusters=far ] && echo '" ROW "'");
  SF_CHECK (fake_start (fake, TOKEN, &handle, NULL));
  SF_CHECK_STR (handle, "17;far " TOKEN);
  SF_CHECK (fake_poll (fake, handle, &status, NULL));
  SF_CHECK_INT (status.state, SF_ATTEMPT_WAITING);
  g_free (status.reason);
}

SF_TEST (Slurm, RefusedIsRefused)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *handle = NULL;
  fake_program (fake, "sbatch",
                "echo 'sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job "
                "submission failed: Invalid partition name specified' >&2; exit 1");
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &error));
  SF_CHECK_ERROR (error, SF_ERROR_IO,
                  "sbatch: sbatch: error: invalid partition specified: nope sbatch: error: Batch "
                  "job submission failed: Invalid partition name specified");
}

SF_TEST (Slurm, MissingProgram)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *handle = NULL;
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_setenv ("PATH", fake->attempt, TRUE);
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &error));
  g_setenv ("PATH", path, TRUE);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND,
                  "sbatch: cannot be started; have Slurm's commands in the PATH of sfd");
}

/* It was submitted, and nobody was told. */
SF_TEST (Slurm, TimesOutAfterSubmitting)
{
  g_autoptr (Fake) fake = fake_new ("timeout=2");
  g_autoptr (GError) error = NULL;
  g_autofree char *handle = NULL;
  set_sbatch (fake, "echo '" ROW "' >table; sleep 30");
  fake_program (fake, "squeue", "cat table");
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &error));
  SF_CHECK_ERROR (error, SF_ERROR_TIMEOUT, "sbatch: no answer in time");
  /* What the killed script has started takes a moment to let go of the lock. */
  for (int i = 0; i < 1000 && !fake_start (fake, TOKEN, &handle, NULL); i++)
    g_usleep (20000);
  SF_CHECK_STR (handle, "17 " TOKEN);
  check_asked (fake, "x\n");
}

/* Answers that leave open what came of it. */
static const struct
{
  const char *name, *script, *message;
} unclear[] = {
  { "nobody there",
    "echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect "
    "failure)' >&2; exit 1",
    "sbatch: sbatch: error: Batch job submission failed: Unable to contact" },
  { "killed", "kill -9 $$", "sbatch: exit code 137" },
  { "no id", "echo Submitted", "sbatch: printed no job id" },
};

SF_TEST_CASES (Slurm, UnclearIsLookedFor, unclear, G_N_ELEMENTS (unclear), sf_test_row_name)
{
  const __typeof__ (unclear[0]) *row = data;
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) first = NULL;
  g_autoptr (GError) away = NULL;
  g_autoptr (GError) early = NULL;
  g_autofree char *handle = NULL;
  set_sbatch (fake, row->script);
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &first));
  SF_CHECK_ERROR (first, SF_ERROR_TIMEOUT, row->message);
  /* The controller is away. */
  set_sbatch (fake, "echo 17");
  fake_program (fake, "squeue", "exit 1");
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &away));
  SF_CHECK_ERROR (away, SF_ERROR_TIMEOUT, "squeue: exit code 1");
  /* It is back and knows nothing, but may still come to hear of it. */
  fake_program (fake, "squeue", "true");
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &early));
  SF_CHECK_ERROR (early, SF_ERROR_TIMEOUT, "sbatch: did not answer, and may still be heard");
  check_asked (fake, "x\n");
  let_time_pass (fake);
  SF_CHECK (fake_start (fake, TOKEN, &handle, NULL));
  SF_CHECK_STR (handle, "17 " TOKEN);
  check_asked (fake, "x\nx\n");
}

/* The clock was set back: as long is waited as otherwise, no less and not until it has caught up.
 */
SF_TEST (Slurm, ClockSetBack)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autofree char *handle = NULL;
  g_autofree char *path = g_build_filename (fake->attempt, "sbatch.log", NULL);
  const time_t now = time (NULL);
  const struct utimbuf then = { now + 86400, now + 86400 };
  GStatBuf status;
  set_sbatch (fake, "kill -9 $$");
  fake_program (fake, "squeue", "true");
  SF_CHECK (!fake_start (fake, TOKEN, &handle, NULL));
  set_sbatch (fake, "echo 17");
  SF_CHECK_INT (utime (path, &then), 0);
  SF_CHECK (!fake_start (fake, TOKEN, &handle, NULL));
  check_asked (fake, "x\n");
  SF_CHECK (g_stat (path, &status) == 0 && status.st_mtime < now + 3600);
  let_time_pass (fake);
  SF_CHECK (fake_start (fake, TOKEN, &handle, NULL));
  SF_CHECK_STR (handle, "17 " TOKEN);
}

/* A daemon was killed; its sbatch goes on, and holds what it has inherited. */
SF_TEST (Slurm, WaitsForTheSbatchOfAnother)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *handle = NULL;
  g_autofree char *path = g_build_filename (fake->attempt, "sbatch.log", NULL);
  int fd = g_open (path, O_RDWR | O_CREAT | O_APPEND, 0600);
  SF_CHECK_INT (flock (fd, LOCK_EX), 0);
  SF_CHECK_INT (write (fd, "sbatch\n", 7), 7);
  set_sbatch (fake, "echo 18");
  SF_CHECK (!fake_start (fake, TOKEN, &handle, &error));
  SF_CHECK_ERROR (error, SF_ERROR_TIMEOUT, "sbatch: the one that was started before has not ended");
  close (fd);
  fake_program (fake, "squeue", "echo '" ROW "'");
  SF_CHECK (fake_start (fake, TOKEN, &handle, NULL));
  SF_CHECK_STR (handle, "17 " TOKEN);
  check_asked (fake, "");
}

/* The lock is the child's as well. */
SF_TEST (Slurm, SbatchHoldsTheLock)
{
  g_autoptr (Fake) fake = fake_new (NULL);
  g_autofree char *handle = NULL;
  fake_program (fake, "sbatch", "grep -c FLOCK /proc/$$/fdinfo/2 >asked; echo 17");
  SF_CHECK (fake_start (fake, TOKEN, &handle, NULL));
  check_asked (fake, "1\n");
}
