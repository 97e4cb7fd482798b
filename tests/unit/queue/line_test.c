/* SPDX-License-Identifier: Apache-2.0 */
/* The line of pending jobs: who starts, who has to wait, who waits for nothing that can come. */
#include "queue/line.h"

#include <string.h>

#include "tests/support/sftest.h"

static SfJob *
add (SfLine *line, int64_t id, const char *project, int64_t priority, int64_t on,
     SfDependencyKind kind)
{
  SfJob *job = g_new0 (SfJob, 1);
  GArray *dependencies = g_array_new (FALSE, FALSE, sizeof (SfDependency));
  SfDependency dependency = { .kind = kind, .id = on, .state = SF_JOB_RUNNING };
  if (on != 0)
    g_array_append_val (dependencies, dependency);
  job->id = id;
  job->project = g_strdup (project);
  job->priority = priority;
  job->submitted_us = id;
  sf_line_add (line, job, dependencies);
  return job;
}

/* The ids that start on so many cores, in order: "3 1". Owned. */
static char *
starts (const SfLine *line, int64_t cores, int64_t now_us, int64_t *wake_us)
{
  const SfSituation situation = { .now_us = now_us, .capacity = { .cores = cores } };
  g_autoptr (GArray) chosen = sf_line_choose (line, &situation, 0, wake_us);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < chosen->len; i++)
    g_string_append_printf (text, "%s%d", i > 0 ? " " : "",
                            (int) g_array_index (chosen, SfLineStart, i).job);
  return g_string_free (text, FALSE);
}

SF_TEST (Line, PriorityThenAge)
{
  g_autoptr (SfLine) line = sf_line_new ();
  int64_t wake_us = -1;
  add (line, 2, "", 0, 0, SF_AFTER);
  add (line, 1, "", 0, 0, SF_AFTER);
  SfJob *last = add (line, 3, "", 5, 0, SF_AFTER);
  g_autofree char *first = starts (line, 2, 1000, &wake_us);
  SF_CHECK_STR (first, "3 1");
  SF_CHECK_INT (wake_us, 0);
  last->priority = -5;
  sf_line_changed (line, 3);
  g_autofree char *second = starts (line, 2, 1000, &wake_us);
  SF_CHECK_STR (second, "1 2");
  sf_job_free (sf_line_take (line, 1));
  SF_CHECK (sf_line_take (line, 1) == NULL && sf_line_find (line, 1) == NULL);
  SF_CHECK_INT (sf_line_length (line), 2);
  g_autofree char *third = starts (line, 9, 1000, &wake_us);
  SF_CHECK_STR (third, "2 3");
}

/* Jobs that go elsewhere take nothing of the node and do not stand behind those that wait for it,
 * but only so many go. */
SF_TEST (Line, Elsewhere)
{
  g_autoptr (SfLine) line = sf_line_new ();
  const SfSituation situation = { .now_us = 1000, .capacity = { .cores = 1 } };
  int64_t wake_us = 0;
  for (int64_t id = 1; id <= 150; id++)
    add (line, id, "", 0, 0, SF_AFTER);
  for (int64_t id = 151; id <= 153; id++)
    {
      SfJob *job = sf_line_take (line, id - 100);
      job->id = id;
      job->cores = 64;
      job->elsewhere = true;
      job->executor = g_strdup ("far");
      job->reason = g_strdup ("");
      sf_line_add (line, job, g_array_new (FALSE, FALSE, sizeof (SfDependency)));
    }
  g_autoptr (GArray) chosen = sf_line_choose (line, &situation, 2, &wake_us);
  SF_REQUIRE (chosen->len == 3);
  SF_CHECK_INT (g_array_index (chosen, SfLineStart, 0).job, 1);
  SF_CHECK_INT (g_array_index (chosen, SfLineStart, 1).job, 151);
  SF_CHECK_INT (g_array_index (chosen, SfLineStart, 2).job, 152);
  g_autoptr (GHashTable) reasons = sf_line_reasons (line, &situation, NULL);
  const int64_t last = 153;
  SF_CHECK_STR (g_hash_table_lookup (reasons, &last),
                "waits for its turn: far has as many jobs as sfd.cfg lets it have");
}

SF_TEST (Line, HeldAndLater)
{
  g_autoptr (SfLine) line = sf_line_new ();
  int64_t wake_us = 0;
  add (line, 1, "", 0, 0, SF_AFTER)->held = true;
  add (line, 2, "", 0, 0, SF_AFTER)->not_before_us = 2000;
  g_autofree char *none = starts (line, 9, 1999, &wake_us);
  SF_CHECK_STR (none, "");
  SF_CHECK_INT (wake_us, 2000);
  g_autofree char *one = starts (line, 9, 2000, &wake_us);
  SF_CHECK_STR (one, "2");
}

/* More jobs of one project than are looked at must not hide another project. */
SF_TEST (Line, LongLines)
{
  g_autoptr (SfLine) line = sf_line_new ();
  int64_t wake_us = 0;
  for (int64_t id = 1; id <= 1000; id++)
    add (line, id, "crowd", 0, 0, SF_AFTER);
  add (line, 1001, "single", 0, 0, SF_AFTER);
  g_autofree char *chosen = starts (line, 2, 100, &wake_us);
  SF_CHECK_STR (chosen, "1 1001");
}

SF_TEST (Line, Dependencies)
{
  g_autoptr (SfLine) line = sf_line_new ();
  int64_t wake_us = 0;
  add (line, 11, "", 0, 7, SF_AFTER);
  add (line, 12, "", 0, 7, SF_AFTER_OK);
  add (line, 13, "", 0, 7, SF_AFTER_NOT_OK);
  g_autofree char *before = starts (line, 9, 100, &wake_us);
  SF_CHECK_STR (before, "");
  g_autoptr (GArray) nobody = sf_line_hopeless (line);
  SF_CHECK_INT (nobody->len, 0);
  sf_line_note_state (line, 7, SF_JOB_FAILED);
  g_autofree char *after = starts (line, 9, 100, &wake_us);
  SF_CHECK_STR (after, "11 13");
  g_autoptr (GArray) hopeless = sf_line_hopeless (line);
  SF_REQUIRE (hopeless->len == 1);
  SF_CHECK_INT (g_array_index (hopeless, int64_t, 0), 12);
  g_autoptr (GArray) no_news = sf_line_hopeless (line);
  SF_CHECK_INT (no_news->len, 0);
  const SfSituation situation = { .now_us = 100, .capacity = { .cores = 9 } };
  g_autoptr (GHashTable) reasons = sf_line_reasons (line, &situation, NULL);
  int64_t id = 12;
  SF_CHECK (strstr (g_hash_table_lookup (reasons, &id), "job 7") != NULL);
  SF_CHECK_INT (g_hash_table_size (reasons), 3);
}

/* Those of an array that may not start hide nobody behind them, and those that never fit hide
 * nobody of their array. */
SF_TEST (Line, SomeAtOnce)
{
  g_autoptr (SfLine) line = sf_line_new ();
  int64_t wake_us = 0;
  for (int64_t id = 1; id <= 200; id++)
    {
      SfJob *job = add (line, id, "a", 0, 0, SF_AFTER);
      job = sf_line_take (line, id);
      job->submission = 7;
      job->at_once = 2;
      job->cores = id <= 3 ? 99 : 1;
      sf_line_add (line, job, g_array_new (FALSE, FALSE, sizeof (SfDependency)));
    }
  add (line, 201, "a", 0, 0, SF_AFTER);
  g_autofree char *two = starts (line, 8, 1000, &wake_us);
  SF_CHECK_STR (two, "4 5 201");
  const SfRunningJob running[] = { { 301, "a", { 1 }, 0, 0, 0, 7 },
                                   { 302, "a", { 1 }, 0, 0, 0, 6 } };
  SfSituation situation
      = { .now_us = 1000, .capacity = { .cores = 8 }, .running = running, .n_running = 2 };
  g_autoptr (GArray) one = sf_line_choose (line, &situation, 0, &wake_us);
  SF_REQUIRE (one->len == 2);
  SF_CHECK_INT (g_array_index (one, SfLineStart, 0).job, 4);
  SF_CHECK_INT (g_array_index (one, SfLineStart, 1).job, 201);
  g_autoptr (GHashTable) reasons = sf_line_reasons (line, &situation, NULL);
  const int64_t last = 200;
  SF_CHECK_STR (g_hash_table_lookup (reasons, &last),
                "waits for job 4 or another of its array to end: at most 2 run at once");
}

/* No more of an array are handed to another place, either. */
SF_TEST (Line, SomeAtOnceElsewhere)
{
  g_autoptr (SfLine) line = sf_line_new ();
  const SfRunningJob running[] = { { 301, "a", { 0 }, 0, 0, 0, 7 } };
  const SfSituation situation
      = { .now_us = 1000, .capacity = { .cores = 1 }, .running = running, .n_running = 1 };
  int64_t wake_us = 0;
  for (int64_t id = 1; id <= 5; id++)
    {
      SfJob *job = add (line, id, "a", 0, 0, SF_AFTER);
      job = sf_line_take (line, id);
      job->submission = 7;
      job->at_once = 3;
      job->elsewhere = true;
      sf_line_add (line, job, g_array_new (FALSE, FALSE, sizeof (SfDependency)));
    }
  g_autoptr (GArray) chosen = sf_line_choose (line, &situation, 1000, &wake_us);
  SF_REQUIRE (chosen->len == 2);
  SF_CHECK_INT (g_array_index (chosen, SfLineStart, 1).job, 2);
}

/* Reasons of a few are those that they have among all. */
SF_TEST (Line, ReasonsOfSome)
{
  g_autoptr (SfLine) line = sf_line_new ();
  const SfSituation situation = { .now_us = 100, .capacity = { .cores = 2 } };
  for (int64_t id = 1; id <= 300; id++)
    {
      SfJob *job = add (line, id, id % 3 == 0 ? "a" : "b", id % 2, 0, SF_AFTER);
      job->held = id % 10 == 0;
      job->cores = id % 7 == 0 ? 3 : 1;
    }
  g_autoptr (GHashTable) all = sf_line_reasons (line, &situation, NULL);
  SF_CHECK_INT (g_hash_table_size (all), 300);
  const int64_t rows[][4] = { { 10, 20, 7, 10 }, { 10, 7, 299, 1000 }, { 5, 4, 3, 2 } };
  const guint counts[] = { 3, 3, 4 };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
      g_array_append_vals (ids, rows[i], G_N_ELEMENTS (rows[i]));
      g_autoptr (GHashTable) some = sf_line_reasons (line, &situation, ids);
      SF_CHECK_INT (g_hash_table_size (some), counts[i]);
      for (guint k = 0; k < ids->len; k++)
        {
          const int64_t *id = &g_array_index (ids, int64_t, k);
          SF_CHECK (g_strcmp0 (g_hash_table_lookup (some, id), g_hash_table_lookup (all, id)) == 0);
        }
    }
}
