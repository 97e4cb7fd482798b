/* SPDX-License-Identifier: Apache-2.0 */
/* Charts of the cases that passed, by model. */
#include <math.h>
#include <string.h>

#include "queue/report_chart.h"
#include "queue/report_parts.h"
#include "queue/report_words.h"

enum
{
  MAX_TRENDS = 1000, /* cases */
  MAX_OPEN = 48,     /* cases; with more, models are folded */
};

static bool
passed (const ReportTrack *track)
{
  return track->found->state == REPORT_PASSED;
}

/* A line that says no more than its figure is none. */
static bool
is_worth_drawing (const ReportTrack *track, size_t metric)
{
  const GArray *points = track->series->pdata[metric];
  const ReportMetric *now = report_case_metric (track->found, metric);
  if (report_metric_is_watched (now->key))
    return true;
  for (guint i = 0; i < points->len; i++)
    {
      double value = g_array_index (points, ReportPoint, i).value;
      if (!isnan (value) && value != now->value)
        return true;
    }
  return false;
}

static void
put_chart (Markup *markup, const ReportHistory *history, const ReportTrack *track, size_t metric)
{
  const ReportMetric *now = report_case_metric (track->found, metric);
  g_autofree char *value = report_figure (now->value, now->unit);
  markup_begin (markup, "figure");
  report_chart_metric (markup, history, track, metric, false);
  markup_begin (markup, "figcaption");
  markup_text (markup, "%s ", report_metric_label (now->key));
  markup_element (markup, "b", NULL, "%s", value);
  markup_end (markup);
  markup_end (markup);
}

static void
put_case (Markup *markup, const ReportHistory *history, const ReportTrack *track, size_t index)
{
  const ReportCase *found = track->found;
  g_autoptr (GString) figures = g_string_new (NULL);
  markup_begin (markup, "section");
  markup_attr (markup, "id", "case%zu", index + 1);
  markup_element (markup, "h3", NULL, "%s", found->name);
  markup_begin (markup, "div");
  markup_attr (markup, "class", "trends");
  for (guint i = 0; i < found->metrics->len; i++)
    {
      const ReportMetric *metric = report_case_metric (found, i);
      g_autofree char *value = report_figure (metric->value, metric->unit);
      if (is_worth_drawing (track, i))
        put_chart (markup, history, track, i);
      else
        g_string_append_printf (figures, "%s%s %s", figures->len > 0 ? ", " : "",
                                report_metric_label (metric->key), value);
    }
  markup_end (markup);
  if (figures->len > 0)
    markup_element (markup, "p", "sub", "%s; never otherwise", figures->str);
  markup_end (markup);
}

/* Of all cases that passed, in the order in which they are met. Owned. */
static GPtrArray *
keys_of (const ReportHistory *history)
{
  GPtrArray *keys = g_ptr_array_new ();
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < history->tracks->len; i++)
    {
      const ReportCase *found = report_track (history, i)->found;
      for (guint m = 0; m < found->metrics->len && found->state == REPORT_PASSED; m++)
        {
          const char *key = report_case_metric (found, m)->key;
          if (g_hash_table_add (known, (gpointer) key))
            g_ptr_array_add (keys, (gpointer) key);
        }
    }
  return keys;
}

/* Without a past there is nothing to draw: a row for each case, a column for each metric. */
static void
put_table (Markup *markup, const ReportHistory *history, size_t max)
{
  g_autoptr (GPtrArray) keys = keys_of (history);
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "table");
  markup_begin (markup, "tr");
  markup_element (markup, "th", NULL, "case");
  for (guint k = 0; k < keys->len; k++)
    markup_element (markup, "th", NULL, "%s", report_metric_label (keys->pdata[k]));
  markup_end (markup);
  for (guint i = 0; i < history->tracks->len && max > 0; i++)
    {
      const ReportCase *found = report_track (history, i)->found;
      if (found->state != REPORT_PASSED)
        continue;
      markup_begin (markup, "tr");
      markup_attr (markup, "id", "case%u", i + 1);
      page_cell (markup, "name", "%s", found->name);
      for (guint k = 0; k < keys->len; k++)
        {
          const ReportMetric *metric = report_case_find (found, keys->pdata[k]);
          g_autofree char *value = metric != NULL ? report_figure (metric->value, metric->unit)
                                                  : g_strdup ("");
          page_cell (markup, "n", "%s", value);
        }
      markup_end (markup);
      max--;
    }
  markup_end (markup);
  markup_end (markup);
}

/* Names of models in the order of their first case. Owned. */
static GPtrArray *
models_of (const ReportHistory *history)
{
  GPtrArray *models = g_ptr_array_new ();
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < history->tracks->len; i++)
    {
      const ReportTrack *track = report_track (history, i);
      if (passed (track) && g_hash_table_add (known, (gpointer) track->found->model))
        g_ptr_array_add (models, (gpointer) track->found->model);
    }
  return models;
}

static void
put_model (Markup *markup, const ReportHistory *history, const char *model, bool open, size_t *left)
{
  markup_begin (markup, "details");
  if (open)
    markup_attr (markup, "open", "open");
  markup_element (markup, "summary", NULL, "%s", model[0] != '\0' ? model : "without a model");
  for (guint i = 0; i<history->tracks->len && * left> 0; i++)
    {
      const ReportTrack *track = report_track (history, i);
      if (!passed (track) || strcmp (track->found->model, model) != 0)
        continue;
      put_case (markup, history, track, i);
      --*left;
    }
  markup_end (markup);
}

static void
put_key (Markup *markup)
{
  static const struct
  {
    const char *class_name, *text;
  } rows[] = { { "k-trace", "measured, from the first run to this one" },
               { "k-band", "allowed; dashed: the golden value" },
               { "k-fail", "a run in which the case failed" },
               { "k-dot", "a value that failed" } };
  markup_begin (markup, "div");
  markup_attr (markup, "class", "key");
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    markup_element (markup, "span", rows[i].class_name, "%s", rows[i].text);
  markup_end (markup);
}

void
report_put_trends (Markup *markup, const ReportHistory *history)
{
  size_t n = 0, left = MAX_TRENDS;
  for (guint i = 0; i < history->tracks->len; i++)
    n += passed (report_track (history, i));
  if (n == 0)
    return;
  if (history->nights->len == 1)
    {
      markup_element (markup, "h2", NULL, "What passed");
      put_table (markup, history, MAX_TRENDS);
    }
  else
    {
      g_autoptr (GPtrArray) models = models_of (history);
      markup_element (markup, "h2", NULL, "Trends of what passed");
      put_key (markup);
      for (guint i = 0; i < models->len && left > 0; i++)
        put_model (markup, history, models->pdata[i], n <= MAX_OPEN, &left);
    }
  if (n > MAX_TRENDS)
    markup_element (markup, "p", "sub", "%zu more are in results.json.", n - MAX_TRENDS);
}
