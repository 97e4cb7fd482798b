/* SPDX-License-Identifier: Apache-2.0 */
/* Suites: the cases that they come to, what is refused and how; rules; golden files; JUnit. */
#include "queue/regress.h"

#include <math.h>
#include <string.h>

#include "queue/golden.h"
#include "queue/results.h"
#include "tests/support/sftest.h"

static const SfOption compile_options[] = {
  { .name = "model",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "MODEL" },
  { .name = "output", .type = SF_OPTION_STRING, .arg = "FILE" },
  { .name = "level", .type = SF_OPTION_CHOICE, .choices = "o0|o1|o3" },
  { .name = "batch-size", .type = SF_OPTION_INT, .min = 1, .max = 1e6 },
  { .name = "metrics", .type = SF_OPTION_STRING },
  { .name = NULL },
};

static const SfOption test_options[] = {
  { .name = "pef", .type = SF_OPTION_STRING, .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED },
  { .name = "metrics", .type = SF_OPTION_STRING },
  { .name = NULL },
};

static const SfStepVerb verbs[] = {
  { "compile", compile_options },
  { "test", test_options },
};

static SfRegress *
parse (const char *text, GError **error)
{
  static char *folder;
  if (folder == NULL)
    {
      folder = sf_test_tmpdir ();
      g_free (sf_test_write_file (folder, "m.cfg", "", -1));
    }
  g_autofree char *path = g_build_filename (folder, "suite.cfg", NULL);
  return sf_regress_parse (text, strlen (text), path, verbs, G_N_ELEMENTS (verbs), error);
}

#define HEAD  "suite = \"s\"; golden = \"g.json\";\n"
#define STEPS "steps = ( { do = \"compile\"; level = \"${level}\"; }, { do = \"test\"; } );\n"

/* ---- cases ---- */

static const char whole[] = HEAD STEPS
    "matrix = { level = [ \"o0\", \"o3\" ]; n = [ 1, 32 ]; };\n"
    "rules = { sections = { rule = \"equal\"; }; nmse = { rule = \"max_rel\"; limit = 2; };\n"
    "  accuracy = { rule = \"equal\"; }; };\n"
    "except = ( { model = \"a\"; n = 32; level = \"o0\"; } );\n"
    "models = ( { name = \"a\"; model = \"m.cfg\"; },\n"
    "  { name = \"b\"; model = \"m.cfg\"; matrix = { n = [ 7 ]; };\n"
    "    options = { compile = { batch_size = 9; }; };\n"
    "    rules = { sections = { rule = \"none\"; }; }; },\n"
    "  { name = \"c\"; model = \"m.cfg\"; except = ( { level = \"o3\"; }, { n = 1; } );\n"
    "    steps = ( { do = \"test\"; pef = \"x-${level}.pef\"; } ); } );\n";

SF_TEST (Regress, Cases)
{
  static const char *const wanted[] = { "a level=o0 n=1", "a level=o3 n=1", "a level=o3 n=32",
                                        "b level=o0 n=7", "b level=o3 n=7", "c level=o0 n=32" };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfRegress) suite = parse (whole, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (suite->name, "s");
  SF_CHECK (g_str_has_suffix (suite->golden, "/g.json") && suite->golden[0] == '/');
  SF_REQUIRE (suite->cases->len == G_N_ELEMENTS (wanted));
  for (guint i = 0; i < suite->cases->len; i++)
    {
      const SfRegressCase *row = suite->cases->pdata[i];
      SF_CHECK_STR (row->name, wanted[i]);
      SF_CHECK (row->job == suite->batch->jobs->pdata[i]);
    }
  const SfRegressCase *a = suite->cases->pdata[0], *b = suite->cases->pdata[4],
                      *c = suite->cases->pdata[5];
  SF_CHECK_STR (b->model, "b");
  SF_CHECK_STR (json_string_value (json_object_get (b->parameters, "level")), "o3");
  SF_CHECK_INT (json_integer_value (json_object_get (b->parameters, "n")), 7);
  int sections = sf_metric_find ("sections"), nmse = sf_metric_find ("nmse"),
      accuracy = sf_metric_find ("accuracy");
  SF_CHECK_INT (a->rules[sections].kind, SF_RULE_EQUAL);
  SF_CHECK_INT (a->rules[nmse].kind, SF_RULE_MAX_REL);
  SF_CHECK_INT (a->rules[accuracy].kind, SF_RULE_NONE); /* no step gives it */
  SF_CHECK_INT (b->rules[sections].kind, SF_RULE_NONE);
  SF_CHECK_INT (b->rules[nmse].kind, SF_RULE_MAX_REL);
  SF_CHECK_INT (c->rules[sections].kind, SF_RULE_NONE);
}

SF_TEST (Regress, StepsWriteMetrics)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfRegress) suite = parse (whole, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfRegressCase *b = suite->cases->pdata[3], *c = suite->cases->pdata[5];
  g_autoptr (SfPlan) plan = sf_job_file_plan (b->job, "/q/7", 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (plan->steps->len == 2);
  const SfPlanStep *compile = plan->steps->pdata[0], *test = plan->steps->pdata[1];
  g_autofree char *first = g_strjoinv (" ", compile->argv + 3);
  SF_CHECK_STR (first,
                "--output /q/7/b.pef --level o0 --batch-size 9 --metrics /q/7/metrics-1.json");
  g_autofree char *second = g_strjoinv (" ", test->argv);
  SF_CHECK_STR (second, "sf test /q/7/b.pef --metrics /q/7/metrics-2.json");
  g_autoptr (SfPlan) other = sf_job_file_plan (c->job, "/q/7", 1, &error);
  g_autofree char *own = g_strjoinv (" ", ((SfPlanStep *) other->steps->pdata[0])->argv);
  SF_CHECK_STR (own, "sf test x-o0.pef --metrics /q/7/metrics-1.json");
}

typedef struct
{
  const char *name, *text, *message;
} Bad;

#define MODELS "models = ( { name = \"a\"; model = \"m.cfg\"; } );\n"
#define MATRIX "matrix = { level = [ \"o0\" ]; };\n"

static const Bad bad[] = {
  { "no suite", "golden = \"none\";", "suite" },
  { "no golden", "suite = \"s\";", "golden" },
  { "suite is a path", "suite = \"../s\"; golden = \"none\";",
    "suite.cfg:1: suite: found \"../s\"" },
  { "unknown key", HEAD STEPS MODELS MATRIX "excpet = ();", "suite.cfg:5: unknown key \"excpet\"" },
  { "no models", HEAD STEPS MATRIX, "models: found none" },
  { "models are texts", HEAD STEPS MATRIX "models = [ \"m.cfg\" ];", "suite.cfg:4: models" },
  { "model is not there", HEAD STEPS MATRIX "models = ( { name = \"a\"; model = \"n.cfg\"; } );",
    "n.cfg cannot be read" },
  { "unknown key of a model",
    HEAD STEPS MATRIX "models = ( { name = \"a\"; model = \"m.cfg\"; setps = (); } );",
    "suite.cfg:4: unknown key \"setps\"" },
  { "no steps", HEAD MODELS MATRIX, "steps: found none" },
  { "unbound name", HEAD STEPS MODELS, "${level}" },
  { "matrix of a model",
    HEAD STEPS MATRIX
    "models = ( { name = \"a\"; model = \"m.cfg\"; matrix = { levle = [ \"o0\" ]; }; } );",
    "suite.cfg:4: matrix: found levle, wanted names of the matrix of all; did you mean \"level\"?" },
  { "array", HEAD STEPS MODELS MATRIX "array = \"0-3\";", "suite.cfg:5: array" },
  { "model in the matrix", HEAD STEPS MODELS "matrix = { model = [ 1 ]; };",
    "matrix: found model" },
  { "two of a name",
    HEAD STEPS MATRIX
    "models = ( { name = \"a\"; model = \"m.cfg\"; }, { name = \"a\"; model = \"m.cfg\"; } );",
    "found two cases \"a level=o0\"" },
  { "all left out", HEAD STEPS MODELS MATRIX "except = ( { model = \"a\"; } );",
    "except: found all cases left out" },
  { "except by no name", HEAD STEPS MODELS MATRIX "except = ( { levl = \"o0\"; } );",
    "suite.cfg:5: except: found \"levl\", wanted model or a name of the matrix; did you mean "
    "\"level\"?" },
  { "options of no step",
    HEAD STEPS MATRIX
    "models = ( { name = \"a\"; model = \"m.cfg\"; options = { tset = { }; }; } );",
    "suite.cfg:4: options: found \"tset\", wanted the verb of a step; did you mean \"test\"?" },
  { "unknown option",
    HEAD STEPS MATRIX
    "models = ( { name = \"a\"; model = \"m.cfg\"; options = { compile = { batchsize = 1; }; }; } );",
    "batch_size" },
  { "unknown metric", HEAD STEPS MODELS MATRIX "rules = { section = { rule = \"equal\"; }; };",
    "suite.cfg:5: rules: found \"section\", wanted a metric; did you mean \"sections\"?" },
  { "unknown rule", HEAD STEPS MODELS MATRIX "rules = { sections = { rule = \"eqal\"; }; };",
    "suite.cfg:5: rule: found \"eqal\", wanted equal, range, range_abs, max_rel or none; did you "
    "mean \"equal\"?" },
  { "range without bounds",
    HEAD STEPS MODELS MATRIX "rules = { nmse = { rule = \"range\"; low = 1; }; };", "high" },
  { "range upside down",
    HEAD STEPS MODELS MATRIX "rules = { nmse = { rule = \"range\"; low = 2; high = 1; }; };",
    "0 <= low <= high" },
  { "limit below 0",
    HEAD STEPS MODELS MATRIX "rules = { nmse = { rule = \"max_rel\"; limit = -1; }; };",
    "a limit of 0 or more" },
  { "limit of equal",
    HEAD STEPS MODELS MATRIX "rules = { nmse = { rule = \"equal\"; limit = 1; }; };",
    "unknown key \"limit\"" },
};

SF_TEST_CASES (Regress, Refuses, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfRegress) suite = parse (row->text, &error);
  SF_REQUIRE (suite == NULL && error != NULL);
  if (strstr (error->message, row->message) == NULL)
    SF_CHECK_STR (error->message, row->message);
}

/* ---- rules ---- */

typedef struct
{
  const char *name;
  SfRule rule;
  double golden, value;
  bool ok;
} Judged;

static const Judged judged[] = {
  { "equal", { SF_RULE_EQUAL, 1, 1, -1 }, 12, 12, true },
  { "equal, off by one", { SF_RULE_EQUAL, 1, 1, -1 }, 12, 13, false },
  { "range, least", { SF_RULE_RANGE, 0.5, 2, -1 }, 10, 5, true },
  { "range, most", { SF_RULE_RANGE, 0.5, 2, -1 }, 10, 20, true },
  { "range, below", { SF_RULE_RANGE, 0.5, 2, -1 }, 10, 4.9, false },
  { "range, above", { SF_RULE_RANGE, 0.5, 2, -1 }, 10, 20.1, false },
  { "range of a negative value", { SF_RULE_RANGE, 0.5, 2, -1 }, -10, -19, true },
  { "range of a negative value, below", { SF_RULE_RANGE, 0.5, 2, -1 }, -10, -21, false },
  { "range of 0", { SF_RULE_RANGE, 0.5, 2, -1 }, 0, 1e-30, false },
  { "range_abs of 0", { SF_RULE_RANGE_ABS, 0.5, 2, 1e-9 }, 0, 1e-10, true },
  { "range_abs alone, below", { SF_RULE_RANGE_ABS, 1, 1, 0.5 }, 10, 9.5, true },
  { "range_abs alone, too far", { SF_RULE_RANGE_ABS, 1, 1, 0.5 }, 10, 9.25, false },
  { "range_abs, by its range", { SF_RULE_RANGE_ABS, 0.5, 2, 0.5 }, 10, 20, true },
  { "max_rel", { SF_RULE_MAX_REL, 1, 1, 0.25 }, 10, 12.5, true },
  { "max_rel, too much", { SF_RULE_MAX_REL, 1, 1, 0.25 }, 10, 12.6, false },
  { "max_rel, less", { SF_RULE_MAX_REL, 1, 1, 0.25 }, 10, 1, true },
  { "nan", { SF_RULE_MAX_REL, 1, 1, 0.25 }, 10, NAN, false },
  { "infinite", { SF_RULE_RANGE, 0, 1e300, -1 }, 10, INFINITY, false },
  { "none, nan", { SF_RULE_NONE, 1, 1, -1 }, 10, NAN, false },
};

SF_TEST_CASES (Rule, Allows, judged, G_N_ELEMENTS (judged), sf_test_row_name)
{
  const Judged *row = data;
  SF_CHECK (sf_rule_allows (&row->rule, row->golden, row->value) == row->ok);
}

/* ---- golden values ---- */

/* One that is not there is empty; one that cannot be reached is not known to be. */
SF_TEST (Golden, OutOfReach)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *file = g_build_filename (folder, "file", NULL);
  g_autofree char *below = g_build_filename (file, "golden.json", NULL);
  SF_REQUIRE (g_file_set_contents (file, "", 0, NULL));
  g_autoptr (SfGolden) golden = sf_golden_read (below, &error);
  SF_CHECK (golden == NULL && error != NULL);
}

SF_TEST (Golden, IsKept)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "new", "g.json", NULL);
  g_autoptr (SfGolden) golden = sf_golden_read (path, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (!golden->exists && !sf_golden_has (golden, "b \"x\""));
  sf_golden_set (golden, "b \"x\"", "nmse", 1.0 / 3);
  sf_golden_set (golden, "b \"x\"", "sections", 12);
  sf_golden_set (golden, "a", "pcus", 1);
  sf_golden_set (golden, "a", "pmus", 2);
  sf_golden_set (golden, "a", "pmus", NAN);
  SF_REQUIRE (sf_golden_write (golden, "because \\ \"so\"", 2, &error));
  g_autoptr (SfGolden) again = sf_golden_read (path, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (again->exists);
  SF_CHECK (sf_golden_value (again, "b \"x\"", "nmse") == 0.333333333);
  SF_CHECK (sf_golden_value (again, "b \"x\"", "sections") == 12);
  SF_CHECK (sf_golden_value (again, "a", "pcus") == 1);
  SF_CHECK (isnan (sf_golden_value (again, "a", "pmus")));
  const json_t *change = json_array_get (again->changes, 0);
  SF_CHECK_STR (json_string_value (json_object_get (change, "why")), "because \\ \"so\"");
  /* Rows are lines, in the order of their names. */
  g_autofree char *text = NULL;
  SF_REQUIRE (g_file_get_contents (path, &text, NULL, NULL));
  SF_CHECK (strstr (text, "    \"a\": {\"pcus\": 1},\n"
                          "    \"b \\\"x\\\"\": {\"nmse\": 0.333333333, \"sections\": 12}\n")
            != NULL);
}

static const Bad bad_golden[] = {
  { "no JSON", "{ \"format\": ", "wanted JSON" },
  { "empty", "", "wanted JSON" },
  { "an array", "[]", "\"format\": found nothing" },
  { "another format", "{ \"format\": \"x\", \"version\": 1 }", "wanted spatialflow-golden" },
  { "newer", "{ \"format\": \"spatialflow-golden\", \"version\": 2 }", "version 2" },
  { "no changes", "{ \"format\": \"spatialflow-golden\", \"version\": 1, \"rows\": {} }",
    "found no changes" },
  { "rows are a list",
    "{ \"format\": \"spatialflow-golden\", \"version\": 1, \"changes\": [], \"rows\": [] }",
    "found no rows" },
  { "a row is a number",
    "{ \"format\": \"spatialflow-golden\", \"version\": 1, \"changes\": [], \"rows\": { \"a\": 1 } }",
    "row \"a\": found no object" },
  { "a value is text",
    "{ \"format\": \"spatialflow-golden\", \"version\": 1, \"changes\": [], \"rows\": { \"a\": { "
    "\"pcus\": \"1\" } } }",
    "row \"a\": pcus: found no number" },
};

SF_TEST_CASES (Golden, Refuses, bad_golden, G_N_ELEMENTS (bad_golden), sf_test_row_name)
{
  const Bad *row = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (folder, "g.json", row->text, -1);
  g_autoptr (SfGolden) golden = sf_golden_read (path, &error);
  SF_REQUIRE (golden == NULL && error != NULL);
  SF_CHECK (g_str_has_prefix (error->message, path));
  if (strstr (error->message, row->message) == NULL)
    SF_CHECK_STR (error->message, row->message);
}

/* ---- what steps wrote ---- */

SF_TEST (Metrics, TheGreatestCounts)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_free (sf_test_write_file (
      folder, "metrics-1.json",
      "{\"format\":\"spatialflow-metrics\",\"version\":1,\"metrics\":{\"memory_mb\":3,\"nmse\":null,"
      "\"unheard_of\":1},\"first_difference\":null}",
      -1));
  g_free (sf_test_write_file (
      folder, "metrics-3.json",
      "{\"format\":\"spatialflow-metrics\",\"version\":1,\"metrics\":{\"memory_mb\":2,\"pcus\":7},"
      "\"first_difference\":{\"node\":\"x\"}}",
      -1));
  SfMetricValues values;
  SF_REQUIRE (sf_metric_values_read (folder, 3, &values, &error));
  SF_CHECK (values.values[sf_metric_find ("memory_mb")] == 3);
  SF_CHECK (values.values[sf_metric_find ("pcus")] == 7);
  SF_CHECK (isnan (values.values[sf_metric_find ("nmse")]));
  SF_CHECK_STR (json_string_value (json_object_get (values.first_difference, "node")), "x");
  sf_metric_values_clear (&values);
  g_free (sf_test_write_file (folder, "metrics-2.json", "{\"format\":\"x\",\"version\":1}", -1));
  SF_CHECK (!sf_metric_values_read (folder, 3, &values, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INCOMPATIBLE, "wanted spatialflow-metrics");
  sf_metric_values_clear (&values);
}

/* ---- JUnit ---- */

typedef struct
{
  int n_cases, n_failures, n_errors;
  char *tests, *message, *name;
  GString *text;
} Seen;

static void
see_element (GMarkupParseContext *context, const char *element, const char **names,
             const char **values, void *user_data, GError **error)
{
  Seen *seen = user_data;
  (void) context;
  (void) error;
  seen->n_cases += g_str_equal (element, "testcase");
  seen->n_failures += g_str_equal (element, "failure");
  seen->n_errors += g_str_equal (element, "error");
  for (; *names != NULL; names++, values++)
    {
      char **keep = g_str_equal (element, "testsuite") && g_str_equal (*names, "tests")
                        ? &seen->tests
                    : g_str_equal (element, "failure") ? &seen->message
                    : g_str_equal (element, "testcase") && seen->n_cases == 1
                            && g_str_equal (*names, "name")
                        ? &seen->name
                        : NULL;
      if (keep != NULL && *keep == NULL)
        *keep = g_strdup (*values);
    }
}

static void
see_text (GMarkupParseContext *context, const char *text, gsize n, void *user_data, GError **error)
{
  (void) context;
  (void) error;
  g_string_append_len (((Seen *) user_data)->text, text, (gssize) n);
}

SF_TEST (Results, JunitIsWellFormed)
{
  static const GMarkupParser parser = { .start_element = see_element, .text = see_text };
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) results = json_pack (
      "{s:s, s:s, s:f, s:{s:s}, s:[{s:s,s:s,s:s,s:s,s:f,s:s,s:s,s:{s:s,s:s}},"
      "{s:s,s:s,s:s,s:s,s:f,s:s,s:s,s:n}, {s:s,s:s,s:s,s:s,s:f,s:s,s:s,s:n}]}",
      "suite", "n<i>ght", "started", "2026-11-23T18:45:00Z", "duration_s", 1.5, "machine", "host",
      "h&st", "cases", "name", "a \"<&>'\n=1", "model", "a", "state", "failed", "reason",
      "x < y && \"z\" \x01", "duration_s", 0.5, "repeat", "sf 'a' <b", "log", "]]> \x02 end",
      "first_difference", "entry", "train", "text", "node <n>", "name", "b", "model", "b", "state",
      "error", "reason", "LOST", "duration_s", 0.0, "repeat", "", "log", "", "first_difference",
      "name", "c", "model", "c", "state", "passed", "reason", "", "duration_s", 0.5, "repeat", "",
      "log", "", "first_difference");
  SF_REQUIRE (results != NULL);
  g_autofree char *xml = sf_results_junit (results);
  Seen seen = { .text = g_string_new (NULL) };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, &seen, NULL);
  SF_CHECK (g_markup_parse_context_parse (context, xml, -1, &error)
            && g_markup_parse_context_end_parse (context, &error));
  SF_CHECK_STR (error != NULL ? error->message : "", "");
  SF_CHECK_INT (seen.n_cases, 3);
  SF_CHECK_INT (seen.n_failures, 1);
  SF_CHECK_INT (seen.n_errors, 1);
  SF_CHECK_STR (seen.tests, "3");
  SF_CHECK_STR (seen.name, "a \"<&>'\n=1");
  SF_CHECK_STR (seen.message, "x < y && \"z\" ?");
  SF_CHECK (
      strstr (seen.text->str, "first difference: train, node <n>\nrepeat: sf 'a' <b\n]]> ? end")
      != NULL);
  g_string_free (seen.text, TRUE);
  g_free (seen.tests);
  g_free (seen.message);
  g_free (seen.name);
}
