/* SPDX-License-Identifier: Apache-2.0 */
/* The page as a whole: head, summary, entries, configs, notes. */
#include "core/report/page.h"

#include <string.h>

#define MAX_NOTES 1000 /* of a candidate */

static const char *const style
    = ".big{font-size:1.7em;font-weight:600;display:block}.facts{display:flex;gap:1em 1.8em;flex-wrap:wrap;margin:.6em 0}"
      ".facts .what{display:block;color:var(--quiet)}td.o{white-space:normal;min-width:9em}.bar{display:flex;height:1.1em;background:var(--bar);border-radius:2px;overflow:hidden}"
      ".bar i{display:block;height:100%}td.bars{min-width:8em}.whole{height:1.7em;margin:.3em 0}"
      ".key{display:flex;flex-wrap:wrap;gap:.3em 1.3em;margin:.3em 0;font-size:.92em}.key i{display:inline-block;width:1em;height:1em;"
      "border-radius:2px;vertical-align:-.15em;margin-right:.35em}"
      ".load{background:#8c959f}.compute{background:#2da44e}.read{background:#54aeff}.write{background:#0969da}.link{background:#bf8700}"
      ".memory{background:#cf222e}.wait{background:#d4c5f9}.host{background:#6e40c9}.swatch{display:inline-block;width:.9em;height:.9em;"
      "border-radius:2px;vertical-align:-.1em;margin-right:.4em;border:1px solid #8c959f}"
      "svg{display:block;background:#fff;color-scheme:light}svg text{font-family:system-ui,sans-serif;pointer-events:none}"
      ".u{fill:none;stroke:#d8dee4}.l{fill:none}.hit{stroke:#000;stroke-opacity:0;stroke-width:9}.hit:hover{stroke-opacity:.35}"
      ".edge{fill:none;stroke:#8c959f;stroke-width:1.1}";

void
page_count (Markup *markup, int64_t n)
{
  g_autofree char *text = text_count (n);
  page_cell (markup, "n", "%s", text);
}

const char *
page_bound_class (SfBound bound)
{
  static const char *const classes[SF_N_BOUNDS]
      = { [SF_BOUND_COMPUTE] = "compute", [SF_BOUND_READ] = "read",     [SF_BOUND_WRITE] = "write",
          [SF_BOUND_LINK] = "link",       [SF_BOUND_MEMORY] = "memory", [SF_BOUND_WAIT] = "wait" };
  return classes[MIN ((int) bound, SF_N_BOUNDS - 1)];
}

/* Neighbours in number are far apart in hue. */
char *
page_stage_color (uint32_t stage, bool light)
{
  uint32_t hue = stage % 360 * 137 % 360;
  return g_strdup_printf ("hsl(%u,%d%%,%d%%)", hue, light ? 60 : 55, light ? 86 : 62);
}

/* ---- summary ---- */

static void
put_fact (Markup *markup, const char *what, const char *figure, const char *more)
{
  markup_begin (markup, "div");
  markup_element (markup, "span", "what", "%s", what);
  markup_element (markup, "span", "big", "%s", figure);
  markup_element (markup, "span", "what", "%s", more);
  markup_end (markup);
}

static void
put_entry_facts (Markup *markup, const Report *report, const EntryFacts *entry)
{
  g_autofree char *what = g_strdup_printf ("emulated step, %s", entry->name);
  if (entry->timing == NULL)
    {
      put_fact (markup, what, "not known", entry->why_no_timing);
      return;
    }
  g_autofree char *step = text_time (report_seconds (report, entry->cycles));
  g_autofree char *cycles = text_count (entry->cycles);
  g_autofree char *more = g_strdup_printf ("%s cycles", cycles);
  put_fact (markup, what, step, more);
  if (report->batch <= 0)
    return;
  g_autofree char *rate = text_count ((int64_t) (report_samples_per_s (report, entry) + 0.5));
  g_autofree char *rate_of = g_strdup_printf ("samples a second, %s", entry->name);
  g_autofree char *batch = g_strdup_printf ("batch of %" G_GINT64_FORMAT, report->batch);
  put_fact (markup, rate_of, rate, batch);
}

static void
put_summary (Markup *markup, const Report *report)
{
  size_t sections = 0, host = 0;
  int64_t pcus = 0, pmus = 0;
  markup_begin (markup, "div");
  markup_attr (markup, "class", "facts");
  for (uint32_t e = 0; e < report->entries->len; e++)
    {
      const EntryFacts *entry = report_entry (report, e);
      put_entry_facts (markup, report, entry);
      sections += entry->n_launches - entry->n_host;
      host += entry->n_host;
    }
  for (uint32_t c = 0; c < report->configs->len; c++)
    {
      pcus = MAX (pcus, report_config (report, c)->n_pcus);
      pmus = MAX (pmus, report_config (report, c)->n_pmus);
    }
  g_autofree char *n_sections = g_strdup_printf ("%zu", sections);
  g_autofree char *n_host = g_strdup_printf (", %zu on the host", host);
  g_autofree char *n_configs = g_strdup_printf ("in %u configurations%s", report->configs->len,
                                                host > 0 ? n_host : "");
  put_fact (markup, "sections", n_sections, n_configs);
  g_autofree char *units = g_strdup_printf ("%" G_GINT64_FORMAT " + %" G_GINT64_FORMAT, pcus, pmus);
  g_autofree char *of = g_strdup_printf ("of %" G_GINT64_FORMAT " + %" G_GINT64_FORMAT
                                         " of an RDU tile",
                                         report->info.pcus_per_tile, report->info.pmus_per_tile);
  put_fact (markup, "PCUs + PMUs, at most", units, of);
  markup_end (markup);
}

static void
put_head (Markup *markup, const Report *report)
{
  const char *model = report_fact (report, "model");
  if (*model == '\0')
    model = sf_pef_name (report->pef);
  g_autofree char *title = g_strdup_printf ("%s on %s", model, report->info.name);
  page_begin (markup, title, style);
  markup_element (markup, "h1", NULL, "%s", title);
  g_autofree char *level = g_path_get_basename (report_fact (report, "level"));
  markup_element (markup, "p", "sub",
                  "level %s, %s, seed %" G_GUINT64_FORMAT
                  ", %.2f GHz. Times are emulated: what the machine that %s describes would need. "
                  "T1 is event by event over the placed and routed program, T0 an estimate from "
                  "before; docs/timing.md defines both.",
                  level, report_fact (report, "precision"), report->options->seed,
                  (double) report->info.clock_hz / 1e9, report->info.name);
}

/* ---- notes ---- */

/* The programs that were compared, and the one that was kept. */
static void
put_candidates (Markup *markup, const Report *report)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (size_t i = 0; i < report->options->n_notes; i++)
    if (strcmp (report->options->notes[i].pass, "candidates") == 0)
      g_string_append_printf (text, "%s%s", text->len > 0 ? "; " : "",
                              report->options->notes[i].text);
  if (text->len > 0)
    markup_element (markup, "p", "sub", "Candidates by T1: %s.", text->str);
}

static bool
same_note (const SfReportNote *a, const SfReportNote *b)
{
  return strcmp (a->level, b->level) == 0 && strcmp (a->pass, b->pass) == 0
         && strcmp (a->text, b->text) == 0;
}

/* Notes of one level; "" for what all candidates share. */
static void
put_level_notes (Markup *markup, const Report *report, const char *level)
{
  const SfReportNote *notes = report->options->notes;
  size_t left_out = 0, shown = 0;
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "table");
  page_header (markup, (const char *const[]){ "pass", "decision", NULL });
  for (size_t i = 0; i < report->options->n_notes; i++)
    {
      if (strcmp (notes[i].level, level) != 0 || (i > 0 && same_note (&notes[i], &notes[i - 1])))
        continue;
      if (shown++ >= MAX_NOTES)
        {
          left_out++;
          continue;
        }
      markup_begin (markup, "tr");
      page_cell (markup, NULL, "%s", notes[i].pass);
      page_cell (markup, "w", "%s", notes[i].text);
      markup_end (markup);
    }
  markup_end (markup);
  markup_end (markup);
  if (left_out > 0)
    markup_element (markup, "p", "none", "%zu more are in report.json.", left_out);
}

static void
put_notes (Markup *markup, const Report *report)
{
  const SfReportOptions *options = report->options;
  g_autoptr (GPtrArray) levels = g_ptr_array_new ();
  markup_element (markup, "h2", NULL, "What the passes decided");
  put_level_notes (markup, report, "");
  for (size_t i = 0; i < options->n_notes; i++)
    {
      const char *level = options->notes[i].level;
      if (*level == '\0' || g_ptr_array_find_with_equal_func (levels, level, g_str_equal, NULL))
        continue;
      g_ptr_array_add (levels, (gpointer) level);
      markup_begin (markup, "details");
      if (levels->len == 1)
        markup_attr (markup, "open", "open");
      markup_element (markup, "summary", NULL, "Candidate %s", level);
      put_level_notes (markup, report, level);
      markup_end (markup);
    }
}

char *
report_page (const Report *report)
{
  Markup markup;
  put_head (&markup, report);
  put_summary (&markup, report);
  put_candidates (&markup, report);
  for (uint32_t e = 0; e < report->entries->len; e++)
    page_sections (&markup, report, e);
  page_configs (&markup, report);
  for (uint32_t e = 0; e < report->entries->len; e++)
    page_memory (&markup, report, e);
  put_notes (&markup, report);
  return page_end (&markup);
}
