/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a regression run: headline, what broke at a glance, and the parts below. */
#include "queue/report_page.h"

#include <math.h>
#include <string.h>

#include <sf/file.h>

#include "core/report/text.h"
#include "queue/report_chart.h"
#include "queue/report_parts.h"
#include "queue/report_words.h"

enum
{
  MAX_LINES = 15,   /* of each kind, at a glance */
  MAX_GLANCE = 240, /* characters of a line */
};

struct SfReportPage
{
  ReportHistory *history;
};

static const char *const style
    = ":root{--bad:#cf222e;--bad-ground:#fff0ee;--bad-stripe:#cf222e40;--good:#1a7f37;--old:#9a6700;--trace:#0969da;--band:#2da44e2e}"
      "@media(prefers-color-scheme:dark){:root{--bad:#ff7b72;--bad-ground:#32171a;--bad-stripe:#ff7b7250;--good:#56d364;--old:#d29922;"
      "--trace:#58a6ff;--band:#2ea04340}}"
      "body{overflow-wrap:anywhere}h1{font-size:2.2em;line-height:1.15}h1.bad{color:var(--bad)}h1.good{color:var(--good)}"
      "h1 span{color:var(--ink);font-weight:400}"
      "a{color:inherit}ul.glance{list-style:none;margin:.3em 0 1em;padding:0}ul.glance li{margin:.25em 0;padding:.35em .7em;"
      "border-left:4px solid var(--bad);background:var(--bad-ground)}ul.old li{border-color:var(--old);background:var(--head)}"
      "ul.mended li{border-color:var(--good);background:var(--head)}ul.glance b{margin-right:.2em}"
      "h3.bad{color:var(--bad)}h3.old{color:var(--old)}h3.good{color:var(--good)}"
      "details.card{border-left:4px solid var(--bad)}details.card.old{border-left-color:var(--old)}.card summary b{font-size:1.1em}"
      ".tag{display:inline-block;border:1px solid var(--old);color:var(--old);border-radius:1em;padding:0 .7em;font-size:.88em}"
      ".tag.new{border-color:var(--bad);color:var(--bad)}.verdict{color:var(--bad);font-weight:600;margin:.6em 0 .2em}.also{margin:.2em 0}"
      ".label{color:var(--quiet);margin:.7em 0 .2em}code,pre{font:12.5px/1.45 ui-monospace,monospace}code{background:var(--bar);padding:.1em .3em;"
      "border-radius:3px}code.node{font-weight:700}pre{background:var(--bar);border-radius:4px;padding:.6em .8em;margin:0;white-space:pre-wrap;"
      "overflow-wrap:anywhere}pre.command{user-select:all;-webkit-user-select:all;cursor:copy}.log{max-height:22em;overflow-y:auto;display:flex;flex-direction:column-reverse}.wide table{width:100%}"
      "tr.bad td{background:var(--bad-ground)}tr.bad td:nth-child(2),tr.bad td:nth-child(6){color:var(--bad);font-weight:600}"
      "td.name{white-space:normal;min-width:28em}td.chart{min-width:22em;width:60%;padding:.2em}"
      ".matrix td a{text-decoration:none}.matrix td.pass{color:var(--good)}.matrix td.fail{background:var(--bad-ground);color:var(--bad);font-weight:700}"
      ".trends{display:grid;grid-template-columns:repeat(auto-fill,minmax(10em,1fr));gap:.5em .8em}figure{margin:0;min-width:0}"
      "figcaption{font-size:.85em;color:var(--quiet)}figcaption b{display:block;color:var(--ink);font-weight:600}"
      ".key{display:flex;flex-wrap:wrap;gap:.3em 1.5em;color:var(--quiet);font-size:.92em;margin:.4em 0 .8em}"
      ".key span::before{content:\"\";display:inline-block;width:1.4em;height:.8em;margin-right:.4em;vertical-align:-.05em}"
      ".key .k-trace::before{height:0;border-top:2px solid var(--trace);vertical-align:.25em}.key .k-band::before{background:var(--band)}"
      ".key .k-fail::before{background:var(--bad-stripe)}.key .k-dot::before{width:.6em;height:.6em;border-radius:50%;background:var(--bad)}"
      "@media(max-width:40em){body{margin:1em auto;padding:0 .8em}h1{font-size:1.7em}}";

/* ---- what the parts share ---- */

GArray *
report_cases_with (const ReportHistory *history, ReportNews news)
{
  GArray *cases = g_array_new (FALSE, FALSE, sizeof (size_t));
  for (size_t i = 0; i < history->tracks->len; i++)
    if (report_track (history, i)->news == news)
      g_array_append_val (cases, i);
  return cases;
}

/* ---- headline ---- */

static void append_fact (GString *text, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
append_fact (GString *text, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  if (text->len > 0)
    g_string_append (text, " \302\267 ");
  g_string_append_vprintf (text, format, args);
  va_end (args);
}

static void
put_circumstances (Markup *markup, const ReportRun *run)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *started = report_time (run->started, false);
  append_fact (text, "%s", started);
  if (!isnan (run->duration_s))
    {
      g_autofree char *took = report_duration (run->duration_s);
      append_fact (text, "took %s", took);
    }
  if (run->host[0] != '\0')
    append_fact (text, "%s", run->host);
  if (run->cpu[0] != '\0')
    append_fact (text, "%s", run->cpu);
  if (run->cores > 0)
    append_fact (text, "%" G_GINT64_FORMAT " %s", run->cores, run->cores == 1 ? "core" : "cores");
  if (run->isa[0] != '\0')
    append_fact (text, "%s", run->isa);
  if (run->program[0] != '\0')
    append_fact (text, "Spatialflow %s", run->program);
  markup_element (markup, "p", "sub", "%s", text->str);
}

static char *
headline (const ReportHistory *history)
{
  const ReportNight *now = report_night (history, history->nights->len - 1);
  if (now->n_cases == 0)
    return g_strdup ("No case was run");
  if (now->n_failed == 0)
    return now->n_cases == 1 ? g_strdup ("The one case passed")
                             : g_strdup_printf ("All %u passed", now->n_cases);
  return g_strdup_printf ("%u of %u failed", now->n_failed, now->n_cases);
}

static void
put_headline (Markup *markup, const ReportHistory *history)
{
  const ReportRun *run = history->run;
  const ReportNight *now = report_night (history, history->nights->len - 1);
  g_autofree char *line = headline (history), *title = g_strdup_printf ("%s: %s", line, run->suite),
                  *all_style = g_strconcat (style, report_chart_style, NULL);
  page_begin (markup, title, all_style);
  markup_begin (markup, "h1");
  markup_attr (markup, "class", "%s", now->n_failed > 0 || now->n_cases == 0 ? "bad" : "good");
  markup_text (markup, "%s ", line);
  markup_element (markup, "span", NULL, "%s", run->suite);
  markup_end (markup);
  put_circumstances (markup, run);
}

/* ---- at a glance ---- */

static void
put_line (Markup *markup, const ReportHistory *history, size_t index)
{
  const ReportTrack *track = report_track (history, index);
  g_autofree char *since = report_since (history, track), *verdict = NULL, *shown = NULL;
  markup_begin (markup, "li");
  markup_begin (markup, "a");
  markup_attr (markup, "href", "#case%zu", index + 1);
  markup_element (markup, "b", NULL, "%s", track->found->name);
  markup_end (markup);
  if (track->news == NEWS_MENDED)
    markup_text (markup, " %s", since);
  else
    {
      verdict = report_verdict (track->found);
      shown = text_short (verdict, MAX_GLANCE);
      markup_text (markup, " %s", shown);
      if (track->found->node[0] != '\0' && strstr (verdict, track->found->node) == NULL)
        {
          markup_text (markup, "; first differs at ");
          markup_element (markup, "code", "node", "%s", track->found->node);
        }
      if (track->news == NEWS_STILL)
        markup_element (markup, "span", "sub", " (%s)", since);
    }
  markup_end (markup);
}

static const struct
{
  ReportNews news;
  const char *title, *title_of_first; /* of the first run: nothing is known of before */
  const char *title_class, *list_class;
} glances[] = {
  { NEWS_BROKEN, "Newly broken", NULL, "bad", "glance" },
  { NEWS_FIRST, "New, and failed", "Failed", "bad", "glance" },
  { NEWS_STILL, "Broken before", NULL, "old", "glance old" },
  { NEWS_MENDED, "Mended", NULL, "good", "glance mended" },
};

static void
put_glances (Markup *markup, const ReportHistory *history)
{
  for (size_t g = 0; g < G_N_ELEMENTS (glances); g++)
    {
      g_autoptr (GArray) cases = report_cases_with (history, glances[g].news);
      bool first = history->nights->len == 1 && glances[g].title_of_first != NULL;
      if (cases->len == 0)
        continue;
      markup_element (markup, "h3", glances[g].title_class, "%s: %u",
                      first ? glances[g].title_of_first : glances[g].title, cases->len);
      markup_begin (markup, "ul");
      markup_attr (markup, "class", "%s", glances[g].list_class);
      for (guint i = 0; i < MIN (cases->len, MAX_LINES); i++)
        put_line (markup, history, g_array_index (cases, size_t, i));
      markup_end (markup);
      if (cases->len > MAX_LINES)
        markup_element (markup, "p", "sub", "and %u more, see below", cases->len - MAX_LINES);
    }
}

static void
put_gone (Markup *markup, const ReportHistory *history)
{
  const GPtrArray *gone = history->gone;
  if (gone->len == 0)
    return;
  g_autoptr (GString) names = g_string_new (NULL);
  for (guint i = 0; i < MIN (gone->len, MAX_LINES); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? "; " : "", (const char *) gone->pdata[i]);
  if (gone->len > MAX_LINES)
    g_string_append_printf (names, "; and %u more", gone->len - MAX_LINES);
  markup_element (markup, "h3", "old", "Not run any more: %u", gone->len);
  markup_element (markup, "p", NULL, "%s", names->str);
}

static void
put_runs (Markup *markup, const ReportHistory *history)
{
  size_t n = history->nights->len;
  if (n == 1)
    {
      markup_element (markup, "p", "sub", "The first run of this suite: there is no past yet.");
      return;
    }
  g_autofree char *first = report_time (report_night (history, 0)->started, true),
                  *last = report_time (report_night (history, n - 1)->started, true);
  markup_element (markup, "p", "label",
                  "Cases that failed in each of %zu runs, from %s to %s (this one)", n, first,
                  last);
  report_chart_nights (markup, history);
}

static char *
make_page (const ReportHistory *history)
{
  Markup markup;
  put_headline (&markup, history);
  report_put_common (&markup, history);
  put_glances (&markup, history);
  put_gone (&markup, history);
  put_runs (&markup, history);
  report_put_failures (&markup, history);
  report_put_matrix (&markup, history);
  report_put_trends (&markup, history);
  return page_end (&markup);
}

/* ---- the interface ---- */

SfReportPage *
sf_report_page_new (json_t *results, const char *name, GError **error)
{
  ReportRun *run = report_run_read (results, name, error);
  if (run == NULL)
    return NULL;
  SfReportPage *page = g_new0 (SfReportPage, 1);
  page->history = report_history_new (run);
  return page;
}

const char *
sf_report_page_suite (const SfReportPage *page)
{
  return page->history->run->suite;
}

GDateTime *
sf_report_page_started (const SfReportPage *page)
{
  return page->history->run->started;
}

bool
sf_report_page_add_past (SfReportPage *page, json_t *results, const char *name, GError **error)
{
  g_autoptr (ReportRun) run = report_run_read (results, name, error);
  if (run == NULL)
    return false;
  const char *suite = page->history->run->suite;
  if (strcmp (run->suite, suite) != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found suite %s, wanted %s", name, run->suite,
                    suite);
  report_history_add (page->history, run);
  return true;
}

char *
sf_report_page_text (SfReportPage *page)
{
  report_history_complete (page->history);
  return make_page (page->history);
}

bool
sf_report_page_save (SfReportPage *page, const char *path, GError **error)
{
  g_autofree char *text = sf_report_page_text (page);
  return sf_file_replace (path, text, strlen (text), error);
}

void
sf_report_page_free (SfReportPage *page)
{
  if (page == NULL)
    return;
  report_history_free (page->history);
  g_free (page);
}

bool
sf_report_page_write (json_t *results, json_t *const *past, size_t n_past, const char *path,
                      GError **error)
{
  g_autoptr (SfReportPage) page = sf_report_page_new (results, "results", error);
  for (size_t i = 0; page != NULL && i < n_past; i++)
    {
      g_autofree char *name = g_strdup_printf ("past results %zu", i + 1);
      if (!sf_report_page_add_past (page, past[i], name, error))
        return false;
    }
  return page != NULL && sf_report_page_save (page, path, error);
}
