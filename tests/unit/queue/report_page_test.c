/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a regression run: what it says first, what it escapes, what it refuses. */
#include "tests/support/sftest.h"

#include <stdlib.h>
#include <string.h>

#include <sf/file.h>

#include "queue/report_kept.h"
#include "queue/report_page.h"

enum
{
  MAX_PAGE = 8 << 20, /* of 500 cases */
};

/* A case with one metric; a `value` other than 1 fails. */
static json_t *
case_json (const char *name, const char *model, int batch, double value)
{
  bool ok = value == 1;
  return json_pack (
      "{s:s, s:s, s:{s:i, s:s}, s:s, s:s, s:i, s:f, s:o, s:s, s:s, s:{s:{s:f, s:f, s:s, s:f, s:f, "
      "s:f, s:s, s:b}}}",
      "name", name, "model", model, "parameters", "batch", batch, "level", "o3", "state",
      ok ? "passed" : "failed", "reason", "", "job", 7, "duration_s", 2.5, "first_difference",
      ok ? json_null ()
         : json_pack ("{s:s, s:s, s:f, s:f}", "node", "conv <1>", "op", "conv2d", "error", 0.5,
                      "limit", 1e-5),
      "repeat", ok ? "" : "sf test 'a b.pef' && echo \"<done>\"", "log",
      ok ? "" : "line 1\n</pre><script>alert(1)</script>", "metrics", "accuracy", "value", value,
      "golden", 1.0, "rule", "range_abs", "limit", 0.1, "low", 0.9, "high", 1.1, "unit", "", "ok",
      ok);
}

static json_t *
run_json (const char *started)
{
  return json_pack ("{s:s, s:i, s:s, s:s, s:f, s:s, s:{s:s, s:s, s:i, s:s}, s:[]}", "format",
                    "spatialflow-regress", "version", 1, "suite", "a & <b>", "started", started,
                    "duration_s", 83.1, "program", "1.2", "machine", "host", "h\"'", "cpu", "c",
                    "cores", 2, "isa", "avx2", "cases");
}

static void
add_case (json_t *run, const char *name, double value)
{
  json_array_append_new (json_object_get (run, "cases"), case_json (name, "m", 1, value));
}

/* The page of the last of `n` runs; all others are its past. Owned. */
static char *
page_of (json_t *const *runs, size_t n)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *path = g_build_filename (folder, "p.html", NULL);
  char *text = NULL;
  if (!sf_report_page_write (runs[n - 1], runs, n - 1, path, &error)
      || !g_file_get_contents (path, &text, NULL, &error))
    sf_test_fail (__FILE__, __LINE__, "%s", error->message);
  return text;
}

static int
count (const char *text, const char *what)
{
  int n = 0;
  for (const char *at = text; (at = strstr (at, what)) != NULL; at += strlen (what))
    n++;
  return n;
}

/* Well formed: a reader of XML finds nothing to say. */
static void
check_markup (const char *page)
{
  static const GMarkupParser nothing = { 0 };
  g_autoptr (GError) error = NULL;
  const char *doctype = "<!DOCTYPE html>\n";
  SF_REQUIRE (g_str_has_prefix (page, doctype));
  const char *rest = page + strlen (doctype);
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (
      &nothing, G_MARKUP_DEFAULT_FLAGS, NULL, NULL);
  bool ok = g_markup_parse_context_parse (context, rest, (gssize) strlen (rest), &error)
            && g_markup_parse_context_end_parse (context, &error);
  SF_CHECK_MSG (ok, "%s", error != NULL ? error->message : "");
  SF_CHECK_INT (count (page, "<script"), 0);
  SF_CHECK_INT (count (page, "http:") + count (page, "https:") + count (page, "src="), 0);
}

static void
check_order (const char *page, const char *const *words, size_t n)
{
  const char *at = page;
  for (size_t i = 0; i < n; i++)
    {
      const char *next = strstr (at, words[i]);
      SF_REQUIRE_MSG (next != NULL, "\"%s\" is not where it belongs", words[i]);
      at = next;
    }
}

/* Night 1: all well; 2: `old` and `mended` fail; 3: `old` and `new` fail. */
static void
three_nights (json_t **runs)
{
  static const double old_values[] = { 1, 0.5, 0.5 }, new_values[] = { 1, 1, 0.25 },
                      mended_values[] = { 1, 0.75, 1 };
  static const char *const times[] = { "2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z",
                                       "2026-11-23T02:00:00Z" };
  for (int i = 0; i < 3; i++)
    {
      runs[i] = run_json (times[i]);
      add_case (runs[i], "steady", 1);
      add_case (runs[i], "old", old_values[i]);
      add_case (runs[i], "mended", mended_values[i]);
      add_case (runs[i], "new \"<x>\"\n&", new_values[i]);
    }
  add_case (runs[1], "left", 1);
}

static void
free_runs (json_t **runs, size_t n)
{
  for (size_t i = 0; i < n; i++)
    json_decref (runs[i]);
}

SF_TEST (ReportPage, SaysWhatBroke)
{
  json_t *runs[3];
  three_nights (runs);
  g_autofree char *page = page_of (runs, 3);
  check_markup (page);
  static const char *const order[] = {
    "<title>2 of 4 failed: a &amp; &lt;b&gt;</title>",
    ">2 of 4 failed <span>a &amp; &lt;b&gt;</span></h1>",
    "2026-11-23 02:00 UTC",
    "83.1 s",
    "h&quot;&#39;",
    "Newly broken: 1",
    "<b>new &quot;&lt;x&gt;&quot;\n&amp;</b>",
    "accuracy 0.25, 75 % below golden 1 (at least 0.9)",
    "first differs at",
    "Broken before: 1",
    "<b>old</b>",
    "broken since 2026-11-22, 2 runs",
    "Mended: 1",
    "<b>mended</b>",
    "had been broken since 2026-11-22, 1 run",
    "Not run any more: 1",
    "left",
    "3 runs, from 2026-11-21 to 2026-11-23",
    "What failed, one by one",
    "id=\"case4\"",
    "new: passed in the run before",
    "conv &lt;1&gt;</code> (conv2d), error 0.5, limit 1e-05",
    "sf test &#39;a b.pef&#39; &amp;&amp; echo &quot;&lt;done&gt;&quot;",
    "line 1\n&lt;/pre&gt;&lt;script&gt;",
    "sfbatch logs 7",
    "id=\"case2\"",
    "All cases",
    "FAILED",
    "Trends of what passed",
    "id=\"case1\"",
    "id=\"case3\"",
  };
  check_order (page, order, G_N_ELEMENTS (order));
  /* A chart for each case: its band, a stripe for each run that failed, a dot where a value did. */
  SF_CHECK_INT (count (page, "<svg class=\"c\""), 4);
  SF_CHECK_INT (count (page, "<rect class=\"b\""), 4);
  SF_CHECK_INT (count (page, "<path class=\"f\""), 3);
  SF_CHECK_INT (count (page, "<circle class=\"x\""), 4);
  free_runs (runs, 3);
}

SF_TEST (ReportPage, FirstRun)
{
  json_t *runs[3];
  three_nights (runs);
  g_autofree char *page = page_of (runs + 2, 1);
  check_markup (page);
  static const char *const order[] = { "2 of 4 failed",           "Failed: 2",   "<b>old</b>",
                                       "first run of this suite", "What passed", "steady" };
  check_order (page, order, G_N_ELEMENTS (order));
  SF_CHECK (strstr (page, "broken since") == NULL && strstr (page, "Newly") == NULL);
  free_runs (runs, 3);
}

SF_TEST (ReportPage, AllPassed)
{
  json_t *runs[3];
  three_nights (runs);
  g_autofree char *page = page_of (runs, 1);
  check_markup (page);
  SF_CHECK (strstr (page, "<h1 class=\"good\">All 4 passed") != NULL);
  SF_CHECK (strstr (page, "one by one") == NULL);
  free_runs (runs, 3);
}

SF_TEST (ReportPage, WhatTheyHaveInCommon)
{
  json_t *run = run_json ("2026-11-23T02:00:00Z"), *cases = json_object_get (run, "cases");
  json_array_append_new (cases, case_json ("a1", "a", 1, 1));
  json_array_append_new (cases, case_json ("a2", "a", 32, 0.5));
  json_array_append_new (cases, case_json ("b1", "b", 1, 1));
  json_array_append_new (cases, case_json ("b2", "b", 32, 0.5));
  g_autofree char *page = page_of (&run, 1);
  SF_CHECK (strstr (page, "All 2 that failed have <b>batch=32</b>") != NULL);
  SF_CHECK (strstr (page, "First to differ: <b>conv2d in 2</b>") != NULL);
  json_decref (run);
}

/* A missing metric, and a case that never came to a comparison. */
SF_TEST (ReportPage, MissingMetricAndError)
{
  json_t *run = run_json ("2026-11-23T02:00:00Z"), *cases = json_object_get (run, "cases");
  add_case (run, "lacks", 0.5);
  add_case (run, "crashed", 0.5);
  json_t *accuracy = json_object_get (json_object_get (json_array_get (cases, 0), "metrics"),
                                      "accuracy");
  json_object_set_new (accuracy, "value", json_null ());
  json_object_set_new (json_array_get (cases, 1), "state", json_string ("error"));
  json_object_set_new (json_array_get (cases, 1), "reason", json_string ("killed by signal 9"));
  g_autofree char *page = page_of (&run, 1);
  check_markup (page);
  SF_CHECK (strstr (page, "accuracy is missing, golden 1") != NULL);
  SF_CHECK (strstr (page, "Did not get to a comparison: killed by signal 9") != NULL);
  json_decref (run);
}

SF_TEST (ReportPage, NoGoldenRow)
{
  json_t *run = run_json ("2026-11-23T02:00:00Z");
  add_case (run, "unknown", 0.5);
  json_t *found = json_array_get (json_object_get (run, "cases"), 0),
         *accuracy = json_object_get (json_object_get (found, "metrics"), "accuracy");
  json_object_set_new (found, "reason", json_string ("no golden row"));
  json_object_set_new (accuracy, "golden", json_null ());
  g_autofree char *page = page_of (&run, 1);
  SF_CHECK (strstr (page, "</b></a> no golden row") != NULL);
  json_decref (run);
}

/* Parameters do not tell these cases apart: each has a cell all the same. */
SF_TEST (ReportPage, EachCaseHasItsCell)
{
  json_t *run = run_json ("2026-11-23T02:00:00Z");
  add_case (run, "one", 0.5);
  add_case (run, "two", 1);
  add_case (run, "three", 1);
  g_autofree char *page = page_of (&run, 1);
  SF_CHECK_INT (count (page, "<td class=\"fail\">"), 1);
  SF_CHECK_INT (count (page, "<td class=\"pass\">"), 2);
  json_decref (run);
}

SF_TEST (ReportPage, ManyNightsAndManyCases)
{
  static const struct
  {
    size_t nights, cases;
  } sizes[] = { { 2, 4 }, { 365, 20 }, { 3, 500 } };
  for (size_t s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      json_t *run = run_json ("2026-11-23T02:00:00Z");
      for (size_t i = 0; i < sizes[s].cases; i++)
        {
          g_autofree char *name = g_strdup_printf ("case %zu", i);
          add_case (run, name, i % 7 == 0 ? 0.5 : 1);
        }
      g_autofree json_t **runs = g_new (json_t *, sizes[s].nights);
      for (size_t i = 0; i < sizes[s].nights; i++)
        runs[i] = run;
      g_autofree char *page = page_of (runs, sizes[s].nights);
      check_markup (page);
      SF_CHECK_MSG (strlen (page) < MAX_PAGE, "%zu nights, %zu cases: %zu bytes", sizes[s].nights,
                    sizes[s].cases, strlen (page));
      json_decref (run);
    }
}

/* ---- what is refused ---- */

typedef struct
{
  const char *name, *json, *message;
  int code;
} Refused;

#define HEAD \
  "\"format\":\"spatialflow-regress\",\"version\":1,\"suite\":\"s\",\"started\":\"2026-11-23T02:00:00Z\""

static const Refused refused[] = {
  { "foreign", "{\"jobs\":[]}", "results: found no results of a regression run",
    SF_ERROR_INVALID_DATA },
  { "no_object", "[]", "results: found no results of a regression run", SF_ERROR_INVALID_DATA },
  { "version", "{\"format\":\"spatialflow-regress\",\"version\":2}", "found version 2",
    SF_ERROR_INCOMPATIBLE },
  { "no_cases", "{" HEAD "}", "found no cases", SF_ERROR_INVALID_DATA },
  { "no_start", "{\"format\":\"spatialflow-regress\",\"version\":1,\"cases\":[]}",
    "found nothing as the start", SF_ERROR_INVALID_DATA },
  { "case_no_object", "{" HEAD ",\"cases\":[3]}", "case 1: found no name", SF_ERROR_INVALID_DATA },
  { "no_name", "{" HEAD ",\"cases\":[{\"state\":\"passed\"}]}", "case 1: found no name",
    SF_ERROR_INVALID_DATA },
  { "state", "{" HEAD ",\"cases\":[{\"name\":\"n\",\"state\":\"ok\"}]}", "case n: found state ok",
    SF_ERROR_INVALID_DATA },
  { "twice",
    "{" HEAD
    ",\"cases\":[{\"name\":\"n\",\"state\":\"passed\"},{\"name\":\"n\",\"state\":\"passed\"}]}",
    "found two cases n", SF_ERROR_INVALID_DATA },
  { "log", "{" HEAD ",\"cases\":[{\"name\":\"n\",\"state\":\"passed\",\"log\":1}]}",
    "found a log that is no text", SF_ERROR_INVALID_DATA },
  { "metric", "{" HEAD ",\"cases\":[{\"name\":\"n\",\"state\":\"passed\",\"metrics\":{\"m\":1}}]}",
    "metric m: found no object", SF_ERROR_INVALID_DATA },
  { "value",
    "{" HEAD
    ",\"cases\":[{\"name\":\"n\",\"state\":\"passed\",\"metrics\":{\"m\":{\"value\":\"1\"}}}]}",
    "found a value that is no number", SF_ERROR_INVALID_DATA },
};

SF_TEST_CASES (ReportPage, Refuses, refused, G_N_ELEMENTS (refused), sf_test_row_name)
{
  const Refused *row = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (),
                  *path = sf_test_write_file (folder, "page.html", "old", -1), *text = NULL;
  g_autoptr (json_t) json = sf_json_parse (row->json, strlen (row->json), "test", &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (!sf_report_page_write (json, NULL, 0, path, &error));
  SF_CHECK_ERROR (error, row->code, row->message);
  SF_REQUIRE (g_file_get_contents (path, &text, NULL, NULL));
  SF_CHECK_STR (text, "old");
}

SF_TEST (ReportPage, RefusesAnotherSuitesPast)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) run = run_json ("2026-11-23T02:00:00Z"),
                     past = run_json ("2026-11-22T02:00:00Z");
  json_object_set_new (past, "suite", json_string ("other"));
  g_autofree char *folder = sf_test_tmpdir (), *path = g_build_filename (folder, "p", NULL);
  SF_CHECK (!sf_report_page_write (run, &past, 1, path, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "past results 1: found suite other, wanted a & <b>");
  SF_CHECK (!g_file_test (path, G_FILE_TEST_EXISTS));
}

/* ---- what a queue keeps ---- */

static char *
keep (const char *folder, const char *stamp, json_t *run)
{
  g_autofree char *own = g_build_filename (folder, stamp, NULL);
  g_autoptr (GError) error = NULL;
  char *text = sf_json_text (run);
  sf_make_folder (own, &error);
  SF_CHECK_NO_ERROR (error);
  char *path = sf_test_write_file (own, "results.json", text, -1);
  free (text);
  return path;
}

SF_TEST (ReportKept, GoesWithoutWhatCannotBeRead)
{
  json_t *runs[3];
  three_nights (runs);
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir (), *page = g_build_filename (folder, "p.html", NULL),
                  *first = keep (folder, "20261121T020000Z", runs[0]),
                  *second = keep (folder, "20261122T020000Z", runs[1]),
                  *last = keep (folder, "20261123T020000Z", runs[2]),
                  *later = keep (folder, "20261124T020000Z", runs[2]), *text = NULL;
  SF_CHECK (sf_report_remake (last, page, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (g_file_get_contents (page, &text, NULL, NULL));
  SF_CHECK (strstr (text, "3 runs, from 2026-11-21 to 2026-11-23") != NULL);
  SF_REQUIRE (g_file_set_contents (second, "{\"format\":", -1, NULL));
  SF_CHECK (sf_report_remake (last, page, &error));
  g_free (text);
  SF_REQUIRE (g_file_get_contents (page, &text, NULL, NULL));
  SF_CHECK (strstr (text, "2 runs, from 2026-11-21 to 2026-11-23") != NULL);
  SF_CHECK (!sf_report_remake (second, page, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, second);
  free_runs (runs, 3);
}
