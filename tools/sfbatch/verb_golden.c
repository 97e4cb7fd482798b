/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `golden`: golden values become those of the newest run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "queue/report_kept.h"
#include "queue/results.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/step_verbs.h"
#include "tools/sfbatch/verbs.h"

static const SfOption golden_options[] = {
  { .name = "suite",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "SUITE.cfg",
    .help = "suite that was run" },
  { .name = "cases",
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_POSITIONAL,
    .arg = "CASE...",
    .help = "only these cases; * stands for any text" },
  { .name = "why",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_REQUIRED,
    .arg = "TEXT",
    .help = "reason, kept in the golden file" },
  { .name = "golden",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "golden values instead of those that the suite names" },
  { .name = NULL },
};

typedef struct
{
  const SfRegress *suite;
  SfGolden *golden;
  const json_t *results;     /* of the newest run */
  const char *const *wanted; /* patterns; none: all cases */
  size_t n_moved;            /* cases */
  size_t n_kept;             /* cases that must not be golden */
} Move;

/* The result of a case in the newest run; NULL: it has none. */
static const json_t *
find_result (const Move *self, const char *name)
{
  const json_t *cases = json_object_get (self->results, "cases");
  for (size_t i = 0; i < json_array_size (cases); i++)
    {
      const json_t *row = json_array_get (cases, i);
      if (g_strcmp0 (json_string_value (json_object_get (row, "name")), name) == 0)
        return row;
    }
  return NULL;
}

static bool
is_wanted (const Move *self, const char *name)
{
  for (size_t i = 0; self->wanted[i] != NULL; i++)
    if (g_pattern_match_simple (self->wanted[i], name))
      return true;
  return self->wanted[0] == NULL;
}

/* What a value of the newest run must not be golden for; NULL: nothing. */
static const char *
objection (const json_t *result)
{
  if (result == NULL)
    return "the newest run does not have it";
  if (json_is_object (json_object_get (result, "first_difference")))
    return "it differs from the reference";
  if (g_strcmp0 (json_string_value (json_object_get (result, "state")), "error") == 0)
    return json_string_value (json_object_get (result, "reason"));
  return NULL;
}

static void
print_change (const char *name, const char *metric, double old, double new)
{
  char was[G_ASCII_DTOSTR_BUF_SIZE] = "none", is[G_ASCII_DTOSTR_BUF_SIZE] = "none";
  g_autofree char *shown = sf_show_text (name);
  if (isfinite (old))
    g_ascii_formatd (was, sizeof was, "%.9g", old);
  if (isfinite (new))
    g_ascii_formatd (is, sizeof is, "%.9g", new);
  printf ("%s  %s  %s -> %s\n", shown, metric, was, is);
}

/* Metrics that have a rule become golden, others go. Noise within the rule is no change. */
static void
move_case (Move *self, const SfRegressCase *row, const json_t *result)
{
  bool moved = false;
  for (int i = 0; i < SF_N_METRICS; i++)
    {
      const char *metric = sf_metrics[i].name;
      const json_t *found = json_object_get (
          json_object_get (json_object_get (result, "metrics"), metric), "value");
      double old = sf_golden_value (self->golden, row->name, metric),
             new = row->rules[i].kind != SF_RULE_NONE &&json_is_number (found)
                       ? json_number_value (found)
                       : NAN;
      if (sf_metrics[i].is_noisy && isfinite (old) && sf_rule_allows (&row->rules[i], old, new))
        continue;
      sf_golden_set (self->golden, row->name, metric, new);
      new = sf_golden_value (self->golden, row->name, metric);
      if (old == new || (isnan (old) && isnan (new)))
        continue;
      print_change (row->name, metric, old, new);
      moved = true;
    }
  self->n_moved += moved;
}

/* Rows of cases that the suite does not have any more. */
static void
remove_gone (Move *self)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < self->suite->cases->len; i++)
    g_hash_table_add (names, ((SfRegressCase *) self->suite->cases->pdata[i])->name);
  const char *name;
  json_t *row;
  void *next;
  json_object_foreach_safe (self->golden->rows, next, name, row)
  {
    if (g_hash_table_contains (names, name))
      continue;
    g_autofree char *shown = sf_show_text (name);
    printf ("%s  removed: the suite does not have it any more\n", shown);
    sf_golden_remove (self->golden, name);
    self->n_moved++;
  }
}

static bool
check_patterns (const Move *self, GError **error)
{
  for (size_t i = 0; self->wanted[i] != NULL; i++)
    {
      bool found = false;
      for (guint k = 0; k < self->suite->cases->len; k++)
        found = found
                || g_pattern_match_simple (self->wanted[i],
                                           ((SfRegressCase *) self->suite->cases->pdata[k])->name);
      if (!found)
        return sf_fail (
            error, SF_ERROR_NOT_FOUND,
            "%s: no case of suite %s has that name, wanted one; sfbatch regress --check "
            "%s lists them",
            self->wanted[i], self->suite->name, self->suite->path);
    }
  return true;
}

static bool
move_all (Move *self, const char *why, GError **error)
{
  if (!check_patterns (self, error))
    return false;
  for (guint i = 0; i < self->suite->cases->len; i++)
    {
      const SfRegressCase *row = self->suite->cases->pdata[i];
      const json_t *result = find_result (self, row->name);
      const char *against = objection (result);
      if (!is_wanted (self, row->name))
        continue;
      if (against == NULL)
        {
          move_case (self, row, result);
          continue;
        }
      g_autofree char *name = sf_show_text (row->name), *reason = sf_show_text (against);
      printf ("%s  kept: %s\n", name, reason);
      self->n_kept++;
    }
  if (self->wanted[0] == NULL)
    remove_gone (self);
  if (self->n_moved > 0 && !sf_golden_write (self->golden, why, self->n_moved, error))
    return false;
  printf ("%s: %zu cases changed\n", self->golden->path, self->n_moved);
  return self->n_kept == 0
         || sf_fail (error, SF_ERROR_CHECK_FAILED,
                     "%zu cases were left as they are: what they gave is wrong; mend that first",
                     self->n_kept);
}

static int
move_golden (Move *self, const char *why, GError **error)
{
  g_autoptr (GError) own = NULL;
  g_autofree char *path = sf_report_newest (self->suite->name, &own);
  if (path == NULL)
    {
      g_propagate_prefixed_error (
          error, g_steal_pointer (&own),
          "no values to make golden; sfbatch regress %s gives some: ", self->suite->path);
      return 1;
    }
  g_autoptr (json_t) results = sf_results_read (path, error);
  self->results = results;
  return results != NULL && move_all (self, why, error) ? 0 : 1;
}

static int
run_golden (const SfOptionValues *options, GError **error)
{
  SfStepVerb verbs[SF_MAX_STEP_VERBS];
  size_t n = sf_step_verbs (verbs);
  const char *path = sf_option_string (options, "suite"), *why = sf_option_string (options, "why");
  if (why[strspn (why, " \t\n")] == '\0')
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--why: found no text, wanted the reason for the change");
  if (!g_utf8_validate (why, -1, NULL))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--why: found bytes that are not UTF-8, wanted UTF-8");
  g_autoptr (SfRegress) suite = sf_regress_read (path, verbs, n, error);
  if (suite == NULL)
    return 1;
  const char *file = sf_option_is_set (options, "golden") ? sf_option_string (options, "golden")
                                                          : suite->golden;
  if (file == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: golden: found \"none\", wanted a file to keep golden values in", path);
  g_autoptr (SfGolden) golden = sf_golden_read (file, error);
  Move move = { .suite = suite, .golden = golden, .wanted = sf_option_list (options, "cases") };
  return golden != NULL ? move_golden (&move, why, error) : 1;
}

const SfVerb sf_batch_golden = {
  .name = "golden",
  .summary
  = "make what the newest run of a suite gave the golden values, and print old against new",
  .example = "sfbatch golden --why \"sections are cut by DP\" etc/regress/basic.cfg\n"
             "sfbatch golden --why \"wider layers\" etc/regress/basic.cfg 'digits *'",
  .options = golden_options,
  .run = run_golden,
};
