/* SPDX-License-Identifier: Apache-2.0 */
/* Small charts of a regression run. */
#include "queue/report_chart.h"

#include <math.h>

#include "queue/report_words.h"

#define WIDTH        160.0
#define WIDE         480.0
#define HEIGHT       40.0
#define PAD          4.0
#define LOG_RANGE    50.0 /* values that lie further apart are drawn by their logarithms */
#define NIGHT_WIDTH  1000.0
#define NIGHT_HEIGHT 44.0
#define MAX_NIGHT    24.0 /* widest bar */
#define MAX_DOTS     40
#define CHART_POINTS 250000 /* of all small charts together */
#define MIN_COLUMNS  24
#define MAX_COLUMNS  120

const char report_chart_style[]
    = "svg{display:block;max-width:100%}.c{width:100%;height:auto;background:var(--bar);border-radius:4px}"
      ".c .b{fill:var(--band)}.c .g{stroke:var(--good);stroke-width:1;stroke-dasharray:3 2;fill:none}"
      ".c .l{stroke:var(--trace);stroke-width:1.4;fill:none;stroke-linejoin:round;stroke-linecap:round}"
      ".c .f{stroke:var(--bad-stripe);fill:none}.c .x{fill:var(--bad)}.c .n{fill:var(--trace)}"
      ".nights{width:100%;height:3.4em}.nights .bad{fill:var(--bad)}.nights .good{fill:var(--good)}";

typedef struct
{
  double low, high; /* NAN: no value */
  double worst;     /* a value that failed; NAN: none */
  bool failed;      /* the case did, in one of the column's runs */
} Column;

typedef struct
{
  double width;
  Column *columns;
  size_t n;
  double low, high; /* what is drawn; logarithms when `log` */
  bool log;
} Chart;

/* ---- values to places ---- */

/* Charts of many cases have fewer columns, so that the page stays within bounds. */
static size_t
columns_each (const ReportHistory *history)
{
  size_t charts = 1;
  for (guint i = 0; i < history->tracks->len; i++)
    charts += report_track (history, i)->series->len;
  return CLAMP (CHART_POINTS / charts, MIN_COLUMNS, MAX_COLUMNS);
}

static Column *
columns_of (const ReportTrack *track, const GArray *points, size_t n_columns)
{
  Column *columns = g_new (Column, n_columns);
  for (size_t c = 0; c < n_columns; c++)
    columns[c] = (Column){ NAN, NAN, NAN, false };
  for (size_t i = 0; i < points->len; i++)
    {
      Column *column = &columns[i * n_columns / points->len];
      const ReportPoint *point = &g_array_index (points, ReportPoint, i);
      guint8 state = track->states->data[i];
      column->failed = column->failed || state == REPORT_FAILED || state == REPORT_ERROR;
      if (!isfinite (point->value))
        continue;
      column->low = fmin (column->low, point->value);
      column->high = fmax (column->high, point->value);
      if (!point->ok)
        column->worst = point->value;
    }
  return columns;
}

static void
widen (Chart *chart, double value)
{
  if (!isfinite (value))
    return;
  chart->low = fmin (chart->low, value);
  chart->high = fmax (chart->high, value);
}

/* All values and what the rule allows, with some room; false when there is nothing to draw. */
static bool
find_range (Chart *chart, const ReportMetric *metric)
{
  chart->low = INFINITY;
  chart->high = -INFINITY;
  for (size_t c = 0; c < chart->n; c++)
    {
      widen (chart, chart->columns[c].low);
      widen (chart, chart->columns[c].high);
    }
  if (chart->low > chart->high)
    return false;
  widen (chart, metric->low);
  widen (chart, metric->high);
  widen (chart, metric->golden);
  chart->log = chart->low > 0 && chart->high / LOG_RANGE > chart->low;
  if (chart->log)
    {
      chart->low = log10 (chart->low);
      chart->high = log10 (chart->high);
    }
  double room = (chart->high - chart->low) * 0.12;
  if (!(room > 0))
    room = fmax (fabs (chart->high) * 0.05, 1e-12);
  chart->low -= room;
  chart->high += room;
  return true;
}

static double
y_of (const Chart *chart, double value)
{
  double at = chart->log ? (value > 0 ? log10 (value) : chart->low) : value;
  double share = (CLAMP (at, chart->low, chart->high) - chart->low) / (chart->high - chart->low);
  return HEIGHT * (1 - (isfinite (share) ? share : 0.5));
}

static double
x_of (const Chart *chart, size_t column)
{
  return chart->n == 1 ? chart->width / 2
                       : PAD + (chart->width - 2 * PAD) * (double) column / (double) (chart->n - 1);
}

/* ---- drawing ---- */

static void
put_path (Markup *markup, const char *class_name, const GString *path)
{
  if (path->len == 0)
    return;
  markup_begin (markup, "path");
  markup_attr (markup, "class", "%s", class_name);
  markup_attr (markup, "d", "%s", path->str);
  markup_end (markup);
}

static void
put_dot (Markup *markup, const char *class_name, double x, double y)
{
  markup_begin (markup, "circle");
  markup_attr (markup, "class", "%s", class_name);
  markup_attr (markup, "cx", "%.1f", x);
  markup_attr (markup, "cy", "%.1f", y);
  markup_attr (markup, "r", "2.4");
  markup_end (markup);
}

static void
put_band (Markup *markup, const Chart *chart, const ReportMetric *metric)
{
  bool has_low = isfinite (metric->low), has_high = isfinite (metric->high);
  double top = has_high ? y_of (chart, metric->high) : 0,
         bottom = has_low ? y_of (chart, metric->low) : HEIGHT;
  if ((has_low || has_high) && bottom > top)
    {
      markup_begin (markup, "rect");
      markup_attr (markup, "class", "b");
      markup_attr (markup, "y", "%.1f", top);
      markup_attr (markup, "width", "%.0f", chart->width);
      markup_attr (markup, "height", "%.1f", bottom - top);
      markup_end (markup);
    }
  if (isnan (metric->golden))
    return;
  g_autoptr (GString) line = g_string_new (NULL);
  g_string_printf (line, "M0 %.1fH%.0f", y_of (chart, metric->golden), chart->width);
  put_path (markup, "g", line);
}

static void
put_failed_runs (Markup *markup, const Chart *chart)
{
  g_autoptr (GString) path = g_string_new (NULL);
  for (size_t c = 0; c < chart->n; c++)
    if (chart->columns[c].failed)
      g_string_append_printf (path, "M%.1f 0V%.0f", x_of (chart, c), HEIGHT);
  if (path->len == 0)
    return;
  markup_begin (markup, "path");
  markup_attr (markup, "class", "f");
  markup_attr (markup, "stroke-width", "%.1f",
               CLAMP (chart->width / (double) chart->n - 0.6, 1.2, 8));
  markup_attr (markup, "d", "%s", path->str);
  markup_end (markup);
}

/* A gap where the case was not measured. */
static void
put_values (Markup *markup, const Chart *chart)
{
  g_autoptr (GString) path = g_string_new (NULL);
  bool joined = false;
  for (size_t c = 0; c < chart->n; c++)
    {
      const Column *column = &chart->columns[c];
      if (isnan (column->low))
        {
          joined = false;
          continue;
        }
      g_string_append_printf (path, "%c%.1f %.1f", joined ? 'L' : 'M', x_of (chart, c),
                              y_of (chart, column->low));
      if (column->high > column->low)
        g_string_append_printf (path, "V%.1f", y_of (chart, column->high));
      else if (!joined)
        g_string_append (path, "h0"); /* seen even when it stays alone */
      joined = true;
    }
  put_path (markup, "l", path);
}

/* The newest of those that failed, and the present one. */
static void
put_dots (Markup *markup, const Chart *chart)
{
  size_t dots = 0;
  for (size_t c = chart->n; c-- > 0 && dots < MAX_DOTS;)
    if (!isnan (chart->columns[c].worst))
      {
        put_dot (markup, "x", x_of (chart, c), y_of (chart, chart->columns[c].worst));
        dots++;
      }
  const Column *last = &chart->columns[chart->n - 1];
  if (isnan (last->worst) && !isnan (last->high))
    put_dot (markup, "n", x_of (chart, chart->n - 1), y_of (chart, last->high));
}

static void
put_title (Markup *markup, const Chart *chart, const ReportHistory *history,
           const ReportMetric *metric)
{
  double low = INFINITY, high = -INFINITY;
  for (size_t c = 0; c < chart->n; c++)
    {
      low = fmin (low, chart->columns[c].low);
      high = fmax (high, chart->columns[c].high);
    }
  g_autofree char *least = report_figure (low, metric->unit),
                  *most = report_figure (high, metric->unit),
                  *first = report_time (report_night (history, 0)->started, true),
                  *runs = report_many (history->nights->len, "run", "runs");
  markup_element (markup, "title", NULL, "%s: %s to %s in %s since %s%s",
                  report_metric_label (metric->key), least, most, runs, first,
                  chart->log ? "; logarithms" : "");
}

void
report_chart_metric (Markup *markup, const ReportHistory *history, const ReportTrack *track,
                     size_t metric, bool wide)
{
  const GArray *points = track->series->pdata[metric];
  const ReportMetric *now = report_case_metric (track->found, metric);
  Chart chart = { .width = wide ? WIDE : WIDTH,
                  .n = MIN (points->len, wide ? MAX_COLUMNS : columns_each (history)) };
  chart.columns = columns_of (track, points, chart.n);
  markup_begin (markup, "svg");
  markup_attr (markup, "class", "c");
  markup_attr (markup, "viewBox", "0 0 %.0f %.0f", chart.width, HEIGHT);
  if (find_range (&chart, now))
    {
      put_title (markup, &chart, history, now);
      put_band (markup, &chart, now);
      put_failed_runs (markup, &chart);
      put_values (markup, &chart);
      put_dots (markup, &chart);
    }
  else
    {
      markup_element (markup, "title", NULL, "never measured");
      put_failed_runs (markup, &chart);
    }
  markup_end (markup);
  g_free (chart.columns);
}

/* ---- the runs ---- */

static void
put_night (Markup *markup, const ReportNight *night, double x, double width, guint most)
{
  bool good = night->n_failed == 0;
  double height = good ? 5 : 8 + (NIGHT_HEIGHT - 8) * night->n_failed / most;
  g_autofree char *time = report_time (night->started, false);
  markup_begin (markup, "rect");
  markup_attr (markup, "class", "%s", good ? "good" : "bad");
  markup_attr (markup, "x", "%.1f", x);
  markup_attr (markup, "y", "%.1f", NIGHT_HEIGHT - height);
  markup_attr (markup, "width", "%.1f", width * 0.8);
  markup_attr (markup, "height", "%.1f", height);
  markup_element (markup, "title", NULL, "%s: %u of %u failed", time, night->n_failed,
                  night->n_cases);
  markup_end (markup);
}

void
report_chart_nights (Markup *markup, const ReportHistory *history)
{
  guint n = history->nights->len, most = 1;
  for (guint i = 0; i < n; i++)
    most = MAX (most, report_night (history, i)->n_failed);
  double width = MIN (NIGHT_WIDTH / n, MAX_NIGHT);
  markup_begin (markup, "svg");
  markup_attr (markup, "class", "nights");
  markup_attr (markup, "viewBox", "0 0 %.0f %.0f", width * n, NIGHT_HEIGHT);
  markup_attr (markup, "preserveAspectRatio", "xMinYMax meet");
  for (guint i = 0; i < n; i++)
    put_night (markup, report_night (history, i), width * i, width, most);
  markup_end (markup);
}
