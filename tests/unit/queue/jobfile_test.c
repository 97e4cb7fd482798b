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

static SfJobBatch *
parse_all (const char *folder, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "job.cfg", NULL);
  return sf_job_batch_parse (text, strlen (text), path, verbs, G_N_ELEMENTS (verbs), error);
}

/* The file's first job. */
static SfJobFile *
parse (const char *folder, const char *text, GError **error)
{
  g_autoptr (SfJobBatch) batch = parse_all (folder, text, error);
  return batch != NULL ? g_ptr_array_steal_index (batch->jobs, 0) : NULL;
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
  { "binding of nothing", "name = \"x ${seed}\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: ${seed}: unknown name, wanted none, for nothing is bound here; $${seed} leaves it" },
  { "binding of another name",
    "name = \"x\"; matrix = { seed = [ 1 ]; };\nproject = \"${sed}\"; steps = ( " TRUE_STEP " );",
    "job.cfg:2: ${sed}: unknown name; did you mean ${seed}?" },
  { "nearly a name in a command",
    "name = \"x\"; matrix = { seed = [ 1 ]; };\n"
    "steps = ( { do = \"command\"; argv = [ \"echo\", \"${sed}\" ]; } );",
    "job.cfg:2: ${sed}: unknown name; did you mean ${seed}?" },
  { "bound to another type",
    "name = \"x\"; matrix = { n = [ \"1\" ]; };\n"
    "steps = ( { do = \"train\"; epochs = \"${n}\"; } );",
    "job.cfg:2: epochs: found a string, wanted an integer" },
  { "bound to a wrong value",
    "name = \"x\"; matrix = { n = [ 3, -1 ]; };\n"
    "steps = ( { do = \"train\"; epochs = \"${n}\"; } );",
    "job.cfg:2: epochs: found \"-1\", wanted an integer from 0" },
  { "matrix of a value", "name = \"x\"; matrix = { n = 1; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: n: found no list, wanted a list of 1 to 10000 values" },
  { "matrix of nothing", "name = \"x\"; matrix = { n = [ ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: n: found none, wanted a list" },
  { "no matrix", "name = \"x\"; matrix = [ 1 ]; steps = ( " TRUE_STEP " );",
    "job.cfg:1: matrix: found no names, wanted a group of lists" },
  { "matrix of groups", "name = \"x\"; matrix = { n = ( { } ); }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: element: found a group { }" },
  { "values of values",
    "name = \"x\"; matrix = { m = [ 1 ]; n = [ \"${m}\" ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: n: found ${ in one, wanted plain values" },
  { "index twice",
    "name = \"x\"; array = \"0-1\"; matrix = { index = [ 1 ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: matrix: ${index} is bound by array already" },
  { "name that no shell takes",
    "name = \"x\"; matrix = { a-b = [ 1 ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: matrix: found a-b, wanted a name of letters, digits and '_'" },
  { "too many jobs",
    "name = \"x\"; array = \"0-9999\"; matrix = { m = [ 1, 2 ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: found 20000 jobs or more, wanted at most 10000" },
  { "number of an array", "name = \"x\"; array = 3; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found no string, wanted up to 10000 indices" },
  { "array from high to low", "name = \"x\"; array = \"3-1\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"3-1\", wanted up to" },
  { "array of none at once", "name = \"x\"; array = \"0-9%0\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"0-9%0\", wanted up to" },
  { "array with half a limit", "name = \"x\"; array = \"0-9%\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"0-9%\", wanted up to" },
  { "array with a limit of a part",
    "name = \"x\"; array = \"0-9%2,11\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"0-9%2,11\", wanted up to" },
  { "array with two limits", "name = \"x\"; array = \"0-9%2%2\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"0-9%2%2\", wanted up to" },
  { "array with a huge limit",
    "name = \"x\"; array = \"0%99999999999999999999\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"0%99999999999999999999\", wanted up to" },
  { "array of huge indices",
    "name = \"x\"; array = \"99999999999999999999\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found \"99999999999999999999\", wanted up to" },
  { "array with a step of none", "name = \"x\"; array = \"0-9:0\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: array: found" },
  { "unknown key of many jobs", "name = \"x\"; aray = \"0-5\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: unknown key \"aray\"; did you mean \"array\"?" },
  { "unknown key of the job", "name = \"x\"; steps = ( " TRUE_STEP " );\nafter_ok = 1;",
    "job.cfg:2: unknown key \"after_ok\"; did you mean \"afterok\"?" },
  { "priority", "name = \"x\"; priority = 1000001; steps = ( " TRUE_STEP " );",
    "job.cfg:1: priority: found 1000001, wanted an integer from -1000000 to 1000000" },
  { "job id", "name = \"x\"; after = [ 0 ]; steps = ( " TRUE_STEP " );",
    "job.cfg:1: after: found 0, wanted the id of a job" },
  { "job of nothing", "name = \"x\"; afterok = true; steps = ( " TRUE_STEP " );",
    "job.cfg:1: afterok: found no job, wanted ids and names of jobs" },
  { "retries", "name = \"x\"; retries = 3; steps = ( " TRUE_STEP " );",
    "job.cfg:1: retries: found a value, wanted a group; write retries = { max = 3; }" },
  { "retries without max", "name = \"x\"; retries = { delay = 3; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: retries: found no max, wanted" },
  { "retries on what",
    "name = \"x\"; retries = { max = 1; on = [ \"losst\" ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: on: found \"losst\", wanted failed, timeout, out_of_memory, lost; did you mean \"lost\"?" },
  { "retries on nothing",
    "name = \"x\"; retries = { max = 1; on = [ ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: on: found none, wanted failed" },
  { "retries that hurry",
    "name = \"x\"; retries = { max = 1; factor = 0.5; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: factor: found \"0.5\", wanted a number from 1" },
  { "variable of ours",
    "name = \"x\"; environment = { SF_JOB_ID = 7; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: environment: found SF_JOB_ID, wanted a name that does not begin with SF_JOB_" },
  { "variable of no shell", "name = \"x\"; environment = { a-b = 7; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: environment: found a-b, wanted a name of letters, digits and '_'" },
  { "variable of a list", "name = \"x\"; environment = { a = [ 7 ]; }; steps = ( " TRUE_STEP " );",
    "job.cfg:1: a: found a list, wanted" },
  { "notify", "name = \"x\"; notify = \"mail\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: notify: found no list of strings, wanted a program" },
  { "two kinds of models",
    "name = \"x\"; model = \"/dev/null\"; models = [ \"/dev/null\" ]; steps = ( " TRUE_STEP " );",
    "job.cfg:1: model: found models as well" },
  { "folder that is a file",
    "name = \"x\"; work_folder = \"/dev/null\"; steps = ( " TRUE_STEP " );",
    "job.cfg:1: work_folder: found a file, wanted a folder" },
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

/* Name, element, environment and steps of each job, a line each. */
static char *
batch_text (const SfJobBatch *batch)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < batch->jobs->len; i++)
    {
      const SfJobFile *job = batch->jobs->pdata[i];
      g_autofree char *environment = g_strjoinv (",", job->environment);
      g_autoptr (SfPlan) plan = sf_job_file_plan (job, "/q", 1, NULL);
      g_autofree char *steps = plan != NULL ? lines (plan) : g_strdup ("no plan\n");
      g_string_append_printf (text, "%s (%s) %s: %s", job->name, job->element, environment, steps);
    }
  return g_string_free (text, FALSE);
}

SF_TEST (JobFile, Matrix)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobBatch) batch = parse_all (
      "/tmp",
      "name = \"${level} x\"; model = \"/dev/null\";\n"
      "matrix: { batch = [ 1, 32 ]; level = [ \"o1\", \"o3\" ]; };\n"
      "steps = ( { do = \"compile\"; level = \"${level}\"; batch_size = \"${batch}\"; output = "
      "\"b${batch}-${level}\"; } );",
      &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *found = batch_text (batch);
  SF_CHECK_STR (
      found, "o1 x (batch=1 level=o1) SF_MATRIX_BATCH=1,SF_MATRIX_LEVEL=o1: sf compile /dev/null"
             " --output b1-o1 --level o1 --batch-size 1\n"
             "o3 x (batch=1 level=o3) SF_MATRIX_BATCH=1,SF_MATRIX_LEVEL=o3: sf compile /dev/null"
             " --output b1-o3 --level o3 --batch-size 1\n"
             "o1 x (batch=32 level=o1) SF_MATRIX_BATCH=32,SF_MATRIX_LEVEL=o1: sf compile /dev/null"
             " --output b32-o1 --level o1 --batch-size 32\n"
             "o3 x (batch=32 level=o3) SF_MATRIX_BATCH=32,SF_MATRIX_LEVEL=o3: sf compile /dev/null"
             " --output b32-o3 --level o3 --batch-size 32\n");
}

SF_TEST (JobFile, ArrayAndModels)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobBatch) batch = parse_all (
      "/tmp",
      "name = \"x\"; models = [ \"/dev/null\", \"/dev/zero\" ]; array = \"7,1-4:2\";\n"
      "steps = ( { do = \"command\"; argv = [ \"sh\", \"${index}\", \"$${index}\", \"${HOME}$x${}${1}\","
      " \"${model}\" ]; } );",
      &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (batch->jobs->len == 6);
  g_autofree char *found = batch_text (batch);
  SF_CHECK (g_str_has_prefix (
      found, "x (model=/dev/null index=7) SF_MATRIX_MODEL=/dev/null,SF_ARRAY_INDEX=7: sh 7"
             " ${index} ${HOME}$x${}${1} /dev/null\n"
             "x (model=/dev/null index=1) "));
  SF_CHECK (g_str_has_suffix (
      found, "x (model=/dev/zero index=3) SF_MATRIX_MODEL=/dev/zero,SF_ARRAY_INDEX=3: sh 3"
             " ${index} ${HOME}$x${}${1} /dev/zero\n"));
  SF_CHECK_STR (((SfJobFile *) batch->jobs->pdata[5])->model, "/dev/zero");
}

SF_TEST (JobFile, ArraySomeAtOnce)
{
  static const struct
  {
    const char *array;
    int64_t at_once;
    guint n;
  } rows[] = { { "0-9", 0, 10 }, { "0-9%2", 2, 10 }, { "7,1-4:2%30", 30, 3 }, { "5%1", 1, 1 } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strdup_printf (
          "name = \"x\"; array = \"%s\"; steps = ( " TRUE_STEP " );", rows[i].array);
      g_autoptr (SfJobBatch) batch = parse_all ("/tmp", text, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_INT (batch->jobs->len, rows[i].n);
      SF_CHECK_INT (batch->at_once, rows[i].at_once);
    }
}

/* A bound value has the type of the matrix, wherever it is read. */
SF_TEST (JobFile, BoundTypes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobFile) file = parse (
      "/tmp",
      "name = \"x\"; model = \"/dev/null\"; data = \"/dev/null\";\n"
      "matrix = { n = [ 3 ]; lr = [ 0.001 ]; on = [ true ]; mem = [ \"64M\" ]; };\n"
      "priority = \"${n}\"; after = [ \"${n}\" ]; environment = { N = \"${n}\"; };\n"
      "resources = { cores = \"${n}\"; memory = \"${mem}\"; time_limit = \"${n}m\"; };\n"
      "steps = ( { do = \"compile\"; optimizer = { name = \"sgd\"; lr = \"${lr}\"; }; },\n"
      "  { do = \"train\"; resume = \"${on}\"; epochs = \"${n}\"; } );",
      &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (file->priority, 3);
  SF_CHECK_INT (file->cores, 3);
  SF_CHECK_INT (file->memory_bytes, 64 << 20);
  SF_CHECK_INT (file->time_limit_s, 180);
  SF_CHECK_INT (((SfJobLink *) file->links->pdata[0])->id, 3);
  SF_CHECK_STR (g_environ_getenv (file->environment, "N"), "3");
  g_autoptr (SfPlan) plan = sf_job_file_plan (file, "/q", 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *found = lines (plan);
  SF_CHECK (strstr (found, "--optimizer sgd --optimizer-option lr=0.001") != NULL);
  SF_CHECK (strstr (found, "--epochs 3 --checkpoint-dir /q/checkpoints --resume") != NULL);
}

SF_TEST (JobFile, Rules)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobFile) file = parse (
      "/tmp",
      "name = \"x\"; project = \"night ly\"; priority = -5; work_folder = \"/\";\n"
      "after = 12; afterok = [ \"prepare\", \"13\" ]; afternotok = ( 14, \"2024-01\" );\n"
      "retries = { max = 3; delay = \"30s\"; factor = 3; max_delay = \"2m\"; on = [ \"LOST\", "
      "\"failed\" ]; };\n"
      "environment = { A = 1; b_2 = \"x\\ny\"; };\n"
      "notify = [ \"mail\", \"me\" ]; steps = ( " TRUE_STEP " );",
      &error);
  static const struct
  {
    SfDependencyKind kind;
    int64_t id;
    const char *name;
  } links[] = { { SF_AFTER, 12, NULL },
                { SF_AFTER_OK, 0, "prepare" },
                { SF_AFTER_OK, 13, NULL },
                { SF_AFTER_NOT_OK, 14, NULL },
                { SF_AFTER_NOT_OK, 0, "2024-01" } };
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (file->project, "night ly");
  SF_CHECK_INT (file->priority, -5);
  SF_CHECK_STR (file->folder, "/");
  SF_CHECK_STR (file->environment[1], "b_2=x\ny");
  SF_CHECK_STR (file->notify[1], "me");
  SF_REQUIRE (file->links->len == G_N_ELEMENTS (links));
  for (guint i = 0; i < file->links->len; i++)
    {
      const SfJobLink *link = file->links->pdata[i];
      SF_CHECK_INT (link->kind, links[i].kind);
      SF_CHECK_INT (link->id, links[i].id);
      SF_CHECK (g_strcmp0 (link->name, links[i].name) == 0);
    }
  static const int64_t delays[] = { 30, 90, 120 };
  int64_t delay_us = 0;
  for (int64_t attempt = 1; attempt <= 3; attempt++)
    {
      SF_CHECK (sf_retry_applies (&file->retries, SF_JOB_LOST, attempt, &delay_us));
      SF_CHECK_INT (delay_us, delays[attempt - 1] * G_USEC_PER_SEC);
    }
  SF_CHECK (!sf_retry_applies (&file->retries, SF_JOB_LOST, 4, &delay_us));
  SF_CHECK (!sf_retry_applies (&file->retries, SF_JOB_TIMEOUT, 1, &delay_us));
  SF_CHECK (sf_retry_applies (&file->retries, SF_JOB_FAILED, 1, &delay_us));
}

/* By default everything but a cancelled job is tried again; the delay never grows past its end. */
SF_TEST (JobFile, RetryDefaults)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJobFile) file = parse ("/tmp",
                                      "name = \"x\"; retries = { max = 1000; factor = 1000; };\n"
                                      "steps = ( { do = \"infer\"; } );",
                                      &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t delay_us = 0;
  for (int state = 0; state < SF_JOB_N_STATES; state++)
    SF_CHECK_INT (sf_retry_applies (&file->retries, (SfJobState) state, 1, &delay_us),
                  state == SF_JOB_FAILED || state == SF_JOB_TIMEOUT || state == SF_JOB_OUT_OF_MEMORY
                      || state == SF_JOB_LOST);
  SF_CHECK_INT (delay_us, 10 * G_USEC_PER_SEC);
  SF_CHECK (sf_retry_applies (&file->retries, SF_JOB_LOST, 1000, &delay_us));
  SF_CHECK_INT (delay_us, 3600 * (int64_t) G_USEC_PER_SEC);
}

/* Names and values that mean harm stay what they are: one word, below the job's folder. */
SF_TEST (JobFile, NamesThatMeanHarm)
{
  static const char *const names[] = { "../../../etc/passwd",   "-rf", ".", "..", "a\\nb", "a\\\"b",
                                       "'; DROP TABLE job; --", "/" };
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strdup_printf (
          "name = \"%s\"; model = \"/dev/null\"; matrix = { v = [ \"%s\" ]; };\n"
          "steps = ( { do = \"compile\"; }, { do = \"command\"; argv = [ \"echo\", \"${v}\" ]; } );",
          names[i], names[i]);
      g_autoptr (SfJobFile) file = parse ("/tmp", text, &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autoptr (SfPlan) plan = sf_job_file_plan (file, "/q", 1, &error);
      SF_REQUIRE_NO_ERROR (error);
      const SfPlanStep *compile = plan->steps->pdata[0], *command = plan->steps->pdata[1];
      const char *pef = compile->argv[4];
      SF_CHECK_STR (compile->argv[3], "--output");
      SF_CHECK_MSG (g_str_has_prefix (pef, "/q/") && strchr (pef + 3, '/') == NULL && pef[3] != '.'
                        && pef[3] != '-' && strchr (pef, '\n') == NULL,
                    "%s", pef);
      SF_CHECK_STR (command->argv[1], file->name);
      SF_CHECK (command->argv[2] == NULL);
    }
}
