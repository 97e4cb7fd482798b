/* SPDX-License-Identifier: Apache-2.0 */
/* A card for each case that failed: what, where first, how to repeat it, how it went before. */
#include <math.h>
#include <string.h>

#include "queue/report_chart.h"
#include "queue/report_parts.h"
#include "queue/report_words.h"

enum
{
  MAX_CARDS = 200,
  MAX_OPEN = 12,
  MAX_TEXT = 2000,
  MAX_LOG = 4096,
};

static void
put_metric (Markup *markup, const ReportHistory *history, const ReportTrack *track, size_t index)
{
  const ReportMetric *metric = report_case_metric (track->found, index);
  g_autofree char *value = report_figure (metric->value, metric->unit),
                  *golden = report_figure (metric->golden, metric->unit),
                  *allowed = report_allowed (metric);
  markup_begin (markup, "tr");
  if (!metric->ok)
    markup_attr (markup, "class", "bad");
  page_cell (markup, NULL, "%s", report_metric_label (metric->key));
  page_cell (markup, "n", "%s", isnan (metric->value) ? "missing" : value);
  page_cell (markup, "n", "%s", golden);
  page_cell (markup, NULL, "%s", allowed);
  page_cell (markup, NULL, "%s", metric->rule);
  page_cell (markup, NULL, "%s", metric->ok ? "ok" : "failed");
  markup_begin (markup, "td");
  markup_attr (markup, "class", "chart");
  report_chart_metric (markup, history, track, index, true);
  markup_end (markup);
  markup_end (markup);
}

static bool
has_values (const ReportCase *found)
{
  for (guint i = 0; i < found->metrics->len; i++)
    if (!isnan (report_case_metric (found, i)->value))
      return true;
  return false;
}

/* Those that failed come first. */
static void
put_metrics (Markup *markup, const ReportHistory *history, const ReportTrack *track)
{
  const GArray *metrics = track->found->metrics;
  if (!has_values (track->found))
    return;
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll wide");
  markup_begin (markup, "table");
  page_header (markup, (const char *const[]){ "metric", "found", "golden", "allowed", "rule", "",
                                              "past runs", NULL });
  for (int ok = 0; ok <= 1; ok++)
    for (guint i = 0; i < metrics->len; i++)
      if (report_case_metric (track->found, i)->ok == (ok == 1))
        put_metric (markup, history, track, i);
  markup_end (markup);
  markup_end (markup);
}

static void
put_difference (Markup *markup, const ReportCase *found)
{
  if (found->node[0] == '\0')
    return;
  markup_begin (markup, "p");
  markup_text (markup, "First node that differs: ");
  markup_element (markup, "code", "node", "%s", found->node);
  if (found->op[0] != '\0')
    markup_text (markup, " (%s)", found->op);
  if (found->phase[0] != '\0')
    markup_text (markup, ", %s", found->phase);
  if (found->entry[0] != '\0')
    markup_text (markup, " of entry %s", found->entry);
  if (found->stage[0] != '\0')
    markup_text (markup, ", stage %s", found->stage);
  if (!isnan (found->node_error))
    markup_text (markup, ", error %.3g", found->node_error);
  if (!isnan (found->node_limit))
    markup_text (markup, ", limit %.3g", found->node_limit);
  markup_end (markup);
  if (found->difference[0] != '\0' && strstr (found->reason, found->difference) == NULL)
    markup_element (markup, "p", "sub", "%.*s", MAX_TEXT, found->difference);
}

static void
put_log (Markup *markup, const char *log)
{
  size_t length = strlen (log);
  if (length == 0)
    return;
  const char *tail = length > MAX_LOG ? log + length - MAX_LOG : log;
  while ((*tail & 0xc0) == 0x80) /* within a character */
    tail++;
  markup_element (markup, "p", "label", "The end of its log");
  markup_begin (markup, "div");
  markup_attr (markup, "class", "log"); /* scrolled to its end */
  markup_element (markup, "pre", NULL, "%s", tail);
  markup_end (markup);
}

static void
put_facts (Markup *markup, const ReportCase *found)
{
  if (isnan (found->duration_s) && found->job <= 0)
    return;
  markup_begin (markup, "p");
  markup_attr (markup, "class", "sub");
  if (!isnan (found->duration_s))
    {
      g_autofree char *took = report_duration (found->duration_s);
      markup_text (markup, "Took %s. ", took);
    }
  if (found->job > 0)
    {
      markup_text (markup, "More: ");
      markup_element (markup, "code", NULL, "sfbatch show %" G_GINT64_FORMAT, found->job);
      markup_text (markup, ", ");
      markup_element (markup, "code", NULL, "sfbatch logs %" G_GINT64_FORMAT, found->job);
    }
  markup_end (markup);
}

static void
put_verdict (Markup *markup, const ReportCase *found)
{
  g_autofree char *verdict = report_verdict (found);
  markup_element (markup, "p", "verdict", "%s%.*s",
                  found->state == REPORT_ERROR ? "Did not get to a comparison: " : "", MAX_TEXT,
                  verdict);
  if (found->state == REPORT_ERROR)
    return;
  bool first = true;
  for (guint i = 0; i < found->metrics->len; i++)
    if (report_is_telling (report_case_metric (found, i)))
      {
        g_autofree char *text = report_complaint (report_case_metric (found, i));
        if (!first)
          markup_element (markup, "p", "also", "%s", text);
        first = false;
      }
  if (found->reason[0] != '\0' && strcmp (found->reason, verdict) != 0)
    markup_element (markup, "p", "also", "%.*s", MAX_TEXT, found->reason);
}

static void
put_card (Markup *markup, const ReportHistory *history, size_t index, bool open)
{
  const ReportTrack *track = report_track (history, index);
  const ReportCase *found = track->found;
  g_autofree char *since = report_since (history, track);
  bool old = track->news == NEWS_STILL;
  markup_begin (markup, "details");
  markup_attr (markup, "class", "card%s", old ? " old" : "");
  markup_attr (markup, "id", "case%zu", index + 1);
  if (open)
    markup_attr (markup, "open", "open");
  markup_begin (markup, "summary");
  markup_element (markup, "b", NULL, "%s", found->name);
  if (since[0] != '\0')
    markup_element (markup, "span", old ? "tag" : "tag new", "%s%s", old ? "" : "new: ", since);
  markup_end (markup);
  put_verdict (markup, found);
  put_difference (markup, found);
  if (found->repeat[0] != '\0')
    {
      markup_element (markup, "p", "label", "Repeat it (a click selects all of the command)");
      markup_element (markup, "pre", "command", "%s", found->repeat);
    }
  put_metrics (markup, history, track);
  put_log (markup, found->log);
  put_facts (markup, found);
  markup_end (markup);
}

void
report_put_failures (Markup *markup, const ReportHistory *history)
{
  static const ReportNews order[] = { NEWS_BROKEN, NEWS_FIRST, NEWS_STILL };
  size_t n = 0;
  for (size_t o = 0; o < G_N_ELEMENTS (order); o++)
    {
      g_autoptr (GArray) cases = report_cases_with (history, order[o]);
      for (guint i = 0; i < cases->len; i++, n++)
        {
          if (n == 0)
            markup_element (markup, "h2", NULL, "What failed, one by one");
          if (n < MAX_CARDS)
            put_card (markup, history, g_array_index (cases, size_t, i), n < MAX_OPEN);
        }
    }
  if (n > MAX_CARDS)
    markup_element (markup, "p", "sub", "%zu more are in results.json.", n - MAX_CARDS);
}
