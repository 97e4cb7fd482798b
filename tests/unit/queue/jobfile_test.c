/* SPDX-License-Identifier: Apache-2.0 */
/* Job files: what is read, what is refused and how, and the command lines that come of it. */
#include "queue/jobfile.h"

#include <string.h>

#include "tests/support/sftest.h"

static const SfOption compile_options[] = {
  { .name = "model",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "MODEL" },
  { .name = "output", .short_name = 'o', .type = SF_OPTION_STRING, .arg = "FILE" },
  { .name = "level", .short_name = 'O', .type = SF_OPTION_CHOICE, .choices = "o0|o1|o3" },
  { .name = "batch-size", .type = SF_OPTION_INT, .min = 1, .max = 1e6 },
  { .name = "optimizer", .type = SF_OPTION_STRING },
  { .name = "optimizer-option", .type = SF_OPTION_LIST },
  { .name = "report", .type = SF_OPTION_STRING },
  { .name = NULL },
};

static const SfOption train_options[] = {
  { .name = "pef",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "PEF" },
  { .name = "data", .type = SF_OPTION_STRING, .flags = SF_OPTION_REQUIRED, .arg = "PATH" },
  { .name = "epochs", .type = SF_OPTION_INT, .min = 0, .max = 1e9 },
  { .name = "checkpoint-dir", .type = SF_OPTION_STRING },
  { .name = "resume", .type = SF_OPTION_BOOL },
  { .name = "threads", .type = SF_OPTION_INT },
  { .name = NULL },
};

static const SfOption infer_options[] = {
  { .name = "pef",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "PEF" },
  { .name = "data", .type = SF_OPTION_STRING, .arg = "PATH" },
  { .name = "checkpoint", .type = SF_OPTION_STRING },
  { .name = "split", .type = SF_OPTION_STRING, .def = "test" },
  { .name = "output", .type = SF_OPTION_STRING },
  { .name = "report", .type = SF_OPTION_STRING },
  { .name = NULL },
};

static const SfStepVerb verbs[] = {
  { "compile", compile_options },
  { "train", train_options },
  { "infer", infer_options },
};

static SfJobFile *
parse (const char *folder, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "job.cfg", NULL);
  return sf_job_file_parse (text, strlen (text), path, verbs, G_N_ELEMENTS (verbs), error);
}

/* The argv of each step, one a line. */
static char *
lines (const SfPlan *plan)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < plan->steps->len; i++)
    {
      g_autofree char *line = g_strjoinv (" ", ((SfPlanStep *) plan->steps->pdata[i])->argv);
      g_string_append_printf (text, "%s\n", line);
    }
  return g_string_free (text, FALSE);
}

static const char whole[]
    = "name = \"../my job\";\n"
      "model = \"model.cfg\"; data = \"data\";\n"
      "steps = ( { do = \"compile\"; level = \"o3\"; batch_size = 32; report = true; },\n"
      "  { do = \"train\"; epochs = 10; optimizer = { name = \"adamw\"; lr = 0.005; beta1 = 1; }; },\n"
      "  { do = \"infer\"; split = \"test\"; report = true; },\n"
      "  { do = \"infer\"; report = \"elsewhere\"; output = \"-x\"; },\n"
      "  { do = \"command\"; argv = [ \"sh\", \"-c\", \"a b\" ]; } );\n"
      "resources = { tiles = 1; cores = 2; memory = \"2G\"; time_limit = \"10m\"; };\n";

SF_TEST (JobFile, Plan)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  G_GNUC_UNUSED g_autofree char *model = sf_test_write_file (folder, "model.cfg", "", -1);
  G_GNUC_UNUSED g_autofree char *data_path = sf_test_write_file (folder, "data", "", -1);
  g_autoptr (SfJobFile) file = parse (folder, whole, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (file->name, "../my job");
  SF_CHECK_INT (file->memory_bytes, 2147483648);
  SF_CHECK_INT (file->time_limit_s, 600);
  SF_CHECK_INT (file->tiles, 1);
  g_autoptr (SfPlan) plan = sf_job_file_plan (file, "/q/7", 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (plan->work_folder, folder);
  g_autofree char *found = lines (plan);
  g_autofree char *wanted = g_strdup_printf (
      "sf compile %s/model.cfg --output /q/7/_._my_job.pef --level o3 --batch-size 32"
      " --optimizer adamw --optimizer-option lr=0.005 --optimizer-option beta1=1"
      " --report /q/7/compile-report\n"
      "sf train /q/7/_._my_job.pef --data %s/data --epochs 10 --checkpoint-dir /q/7/checkpoints"
      " --threads 2\n"
      "sf infer /q/7/_._my_job.pef --data %s/data --checkpoint /q/7/checkpoints --split test"
      " --output /q/7/predictions.csv --report /q/7/report\n"
      "sf infer /q/7/_._my_job.pef --data %s/data --checkpoint /q/7/checkpoints --output -x"
      " --report elsewhere\n"
      "sh -c a b\n",
      folder, folder, folder, folder);
  SF_CHECK_STR (found, wanted);
  g_autoptr (SfPlan) again = sf_job_file_plan (file, "/q/7", 2, &error);
  g_autofree char *retry = lines (again);
  SF_CHECK (strstr (retry, "--checkpoint-dir /q/7/checkpoints --resume --threads 2\n") != NULL);
}

typedef struct
{
  const char *name, *text, *message;
} Bad;

#define TRUE_STEP "{ do = \"command\"; argv = [ \"true\" ]; }"

static const Bad bad[] = {
  { "no name", "steps = ( " TRUE_STEP " );", "name" },
  { "no steps", "name = \"x\";", "steps: found none, wanted at least one" },
  { "empty steps", "name = \"x\"; steps = ();", "steps: found none, wanted at least one" },
  { "unknown verb", "name = \"x\";\nsteps = ( { do = \"trian\"; } );",
    "job.cfg:2: do: found \"trian\", wanted compile, train, infer, command; did you mean "
    "\"train\"?" },
  { "unknown key", "name = \"x\";\nsteps = ( { do = \"train\";\n epoch = 3; } );",
    "job.cfg:3: unknown key \"epoch\"; did you mean \"epochs\"?" },
  { "wrong type", "name = \"x\";\nsteps = ( { do = \"train\";\n epochs = \"3\"; } );",
    "job.cfg:3: epochs: found a string, wanted an integer" },
  { "wrong choice", "name = \"x\";\nsteps = ( { do = \"compile\";\n level = \"o2\"; } );",
    "job.cfg:3: level: found \"o2\", wanted one of o0, o1, o3" },
  { "optimizer without compile",
    "name = \"x\";\nsteps = ( { do = \"train\";\n optimizer = { name = \"sgd\"; }; } );",
    "job.cfg:3: optimizer: found no compile step before it" },
  { "two optimizers",
    "name = \"x\";\nsteps = ( { do = \"compile\"; optimizer = { name = \"sgd\"; }; },\n"
    "{ do = \"train\"; optimizer = { name = \"sgd\"; }; } );",
    "job.cfg:3: optimizer: found a second one for the compile step at " },
  { "optimizer of an infer",
    "name = \"x\";\nsteps = ( { do = \"compile\"; },\n"
    "{ do = \"infer\"; optimizer = { name = \"sgd\"; }; } );",
    "job.cfg:3: unknown key \"optimizer\"" },
  { "argv is no list", "name = \"x\"; steps = ( { do = \"command\"; argv = \"ls\"; } );",
    "job.cfg:1: argv: found no list of strings" },
  { "argv of numbers", "name = \"x\"; steps = ( { do = \"command\"; argv = [ 1 ]; } );",
    "job.cfg:1" },
  { "key of a command",
    "name = \"x\"; steps = ( { do = \"command\"; argv = [ \"ls\" ]; arg = 1; } );",
    "did you mean \"argv\"?" },
  { "resources", "name = \"x\"; resources = 1; steps = ( " TRUE_STEP " );",
    "job.cfg:1: resources: found a value, wanted a group" },
  { "negative time",
    "name = \"x\"; resources = { time_limit = \"-1s\"; }; steps = ( " TRUE_STEP " );",
    "time_limit: found \"-1s\", wanted a time" },
};

SF_TEST_CASES (JobFile, Refused, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobFile) file = parse ("/tmp", c->text, &error);
  SF_CHECK (file == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (JobFile, MissingParts)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobFile) file = parse ("/tmp", "name = \"x\";\nsteps = ( { do = \"compile\"; } );",
                                      &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_job_file_plan (file, "/q", 1, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "/tmp/job.cfg:2: compile: found no MODEL, wanted one");
  SF_CHECK (parse ("/tmp", "name = \"x\";\ndata = \"/no/such\"; steps = ( " TRUE_STEP " );", &error)
            == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "job.cfg:2: data: /no/such cannot be read");
}
