/* SPDX-License-Identifier: Apache-2.0 */
/* What all cases that failed have in common, and not all others. */
#include "queue/report_parts.h"
#include "queue/report_words.h"

enum
{
  MAX_OPS = 5
};

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
other_parameter (const ReportCase *a, const ReportCase *b, const char *key)
{
  return !json_equal (json_object_get (a->parameters, key), json_object_get (b->parameters, key));
}

static void
say (Search *search, const char *what, const char *value)
{
  g_string_append_printf (search->text, "%s%s=%s", search->text->len > 0 ? ", " : "", what, value);
}

static int
compare_counts (gconstpointer a, gconstpointer b, gpointer counts)
{
  guint x = GPOINTER_TO_UINT (g_hash_table_lookup (counts, *(const char *const *) a)),
        y = GPOINTER_TO_UINT (g_hash_table_lookup (counts, *(const char *const *) b));
  return (x < y) - (x > y);
}

/* "linear in 52, conv2d in 24": where cases that failed first differ. */
static char *
ops_of (const Search *search)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GHashTable) counts = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) ops = g_ptr_array_new ();
  for (size_t i = 0; i < search->history->tracks->len; i++)
    {
      const ReportCase *found = case_at (search, i);
      if (found->state == REPORT_PASSED || found->op[0] == '\0')
        continue;
      guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, found->op));
      if (n == 0)
        g_ptr_array_add (ops, (gpointer) found->op);
      g_hash_table_insert (counts, (gpointer) found->op, GUINT_TO_POINTER (n + 1));
    }
  g_ptr_array_sort_with_data (ops, compare_counts, counts);
  for (guint i = 0; i < MIN (ops->len, MAX_OPS); i++)
    g_string_append_printf (text, "%s%s in %u", i > 0 ? ", " : "", (const char *) ops->pdata[i],
                            GPOINTER_TO_UINT (g_hash_table_lookup (counts, ops->pdata[i])));
  return g_string_free (text, FALSE);
}

static void
put_words (Markup *markup, const char *words, const char *text)
{
  if (text[0] == '\0')
    return;
  markup_text (markup, "%s ", words);
  markup_element (markup, "b", NULL, "%s", text);
  markup_text (markup, ". ");
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
      {
        g_autofree char *text = report_parameter (value);
        say (&search, key, text);
      }
  g_autofree char *words = g_strdup_printf ("All %zu that failed have", search.n_failed),
                  *ops = ops_of (&search);
  markup_begin (markup, "p");
  put_words (markup, words, search.text->str);
  put_words (markup, "First to differ:", ops);
  markup_end (markup);
  g_string_free (search.text, TRUE);
}
