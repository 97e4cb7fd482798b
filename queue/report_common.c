/* SPDX-License-Identifier: Apache-2.0 */
/* What all cases that failed have in common, and not all others. */
#include "queue/report_parts.h"

#include <stdlib.h>

typedef struct
{
  const ReportHistory *history;
  GString *text;
  size_t n_failed;
} Search;

static const ReportCase *
case_at (const Search *search, size_t index)
{
  return report_track (search->history, index)->found;
}

/* `differ`: whether a case has another value of the property than a case that failed. Said when
 * none of those that failed has, and another one has. */
static bool
sets_apart (const Search *search, size_t failed,
            bool (*differ) (const ReportCase *a, const ReportCase *b, const char *key),
            const char *key)
{
  bool others = false;
  for (size_t i = 0; i < search->history->tracks->len; i++)
    {
      const ReportCase *other = case_at (search, i);
      if (!differ (case_at (search, failed), other, key))
        continue;
      if (other->state != REPORT_PASSED)
        return false;
      others = true;
    }
  return others;
}

static bool
other_model (const ReportCase *a, const ReportCase *b, const char *key)
{
  return g_strcmp0 (a->model, b->model) != 0;
}

static bool
other_op (const ReportCase *a, const ReportCase *b, const char *key)
{
  return g_strcmp0 (a->op, b->op) != 0;
}

static bool
other_parameter (const ReportCase *a, const ReportCase *b, const char *key)
{
  return !json_equal (json_object_get (a->parameters, key), json_object_get (b->parameters, key));
}

static void
say (Search *search, const char *what, const char *value)
{
  g_string_append_printf (search->text, "%s%s=%s", search->text->len > 0 ? ", " : "", what, value);
}

static void
say_parameter (Search *search, const char *key, const json_t *value)
{
  char *json = json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT);
  say (search, key, json_is_string (value) ? json_string_value (value) : json);
  free (json);
}

void
report_put_common (Markup *markup, const ReportHistory *history)
{
  Search search = { .history = history };
  size_t first = 0;
  const char *key;
  json_t *value;
  for (size_t i = history->tracks->len; i-- > 0;)
    if (case_at (&search, i)->state != REPORT_PASSED)
      {
        first = i;
        search.n_failed++;
      }
  if (search.n_failed < 2)
    return;
  search.text = g_string_new (NULL);
  const ReportCase *one = case_at (&search, first);
  if (sets_apart (&search, first, other_model, NULL))
    say (&search, "model", one->model);
  json_object_foreach (one->parameters, key, value)
    if (sets_apart (&search, first, other_parameter, key))
      say_parameter (&search, key, value);
  if (one->op[0] != '\0' && sets_apart (&search, first, other_op, NULL))
    say (&search, "op of the first difference", one->op);
  if (search.text->len > 0)
    {
      markup_begin (markup, "p");
      markup_text (markup, "All %zu that failed have in common: ", search.n_failed);
      markup_element (markup, "b", NULL, "%s", search.text->str);
      markup_end (markup);
    }
  g_string_free (search.text, TRUE);
}
