/* SPDX-License-Identifier: Apache-2.0 */
/* An entry on the page: where its time goes, and the list of its sections. */
#include "core/report/page.h"

#define MAX_ROWS 1000

static void
put_part (Markup *markup, const char *class_name, const char *what, const Report *report,
          int64_t cycles, int64_t of)
{
  if (cycles <= 0 || of <= 0)
    return;
  double share = (double) cycles / (double) of;
  g_autofree char *time = text_time (report_seconds (report, cycles));
  g_autofree char *percent = text_percent (share);
  markup_begin (markup, "i");
  markup_attr (markup, "class", "%s", class_name);
  markup_attr (markup, "style", "width:%.3f%%", share * 100);
  markup_attr (markup, "title", "%s: %s, %s", what, time, percent);
  markup_end (markup);
}

static void
put_key (Markup *markup, const char *class_name, const char *what, const Report *report,
         int64_t cycles, int64_t of)
{
  if (cycles <= 0)
    return;
  g_autofree char *time = text_time (report_seconds (report, cycles));
  g_autofree char *percent = text_percent ((double) cycles / (double) MAX (of, 1));
  markup_begin (markup, "span");
  markup_element (markup, "i", class_name, "%s", "");
  markup_text (markup, "%s %s, %s", what, time, percent);
  markup_end (markup);
}

typedef void (*PutShare) (Markup *markup, const char *class_name, const char *what,
                          const Report *report, int64_t cycles, int64_t of);

static void
put_shares (Markup *markup, const Report *report, const EntryFacts *entry, const char *class_name,
            PutShare put)
{
  markup_begin (markup, "div");
  markup_attr (markup, "class", "%s", class_name);
  put (markup, "load", "loading sections", report, entry->load_cycles, entry->cycles);
  for (int b = 0; b < SF_N_BOUNDS; b++)
    {
      g_autofree char *what = g_strdup_printf ("sections held back by %s",
                                               sf_bound_name ((SfBound) b));
      put (markup, page_bound_class ((SfBound) b), what, report, entry->bound_cycles[b],
           entry->cycles);
    }
  put (markup, "host", "way to the host and back", report, entry->host_cycles, entry->cycles);
  markup_end (markup);
}

/* ---- the list ---- */

/* Load and run of one launch, on the scale of the longest. */
static void
put_bar (Markup *markup, const Report *report, const SfLaunchTime *t, int64_t longest)
{
  markup_begin (markup, "td");
  markup_attr (markup, "class", "bars");
  markup_begin (markup, "div");
  markup_attr (markup, "class", "bar");
  put_part (markup, "load", "load", report, t->load_cycles, longest);
  bool host = t->target == SF_TARGET_HOST;
  put_part (markup, host ? "host" : page_bound_class (t->bound),
            host ? "host" : sf_bound_name (t->bound), report, t->cycles, longest);
  markup_end (markup);
  markup_end (markup);
}

/* What the other columns say of a section. */
static void
put_host_cells (Markup *markup, const Report *report, const char *launch)
{
  const char *reason = report_host_reason (report, launch);
  g_autofree char *text = text_short (reason, 60);
  markup_begin (markup, "td");
  markup_attr (markup, "colspan", "6");
  markup_attr (markup, "title", "%s", reason);
  markup_text (markup, "on the host%s%s", *reason != '\0' ? ": " : "", text);
  markup_end (markup);
}

static void
put_times (Markup *markup, const Report *report, uint32_t entry, uint32_t launch, int64_t longest)
{
  SfLaunchTime t = sf_timing_launch (report_entry (report, entry)->timing, launch);
  int64_t t0 = report_launch_t0 (report, entry, launch);
  g_autofree char *run = text_time (report_seconds (report, t.cycles));
  put_bar (markup, report, &t, longest);
  page_cell (markup, "n", "%s", run);
  page_count (markup, t0);
  page_count (markup, t.cycles);
  if (t.target == SF_TARGET_HOST)
    {
      put_host_cells (markup, report, t.name);
      return;
    }
  if (t.stage != SF_NONE)
    page_cell (markup, NULL, "%s of stage %u", sf_bound_name (t.bound), t.stage);
  else
    page_cell (markup, NULL, "%s", sf_bound_name (t.bound));
  const double shares[] = { t.pcu_share, t.pmu_share, t.link_share, t.memory_share };
  for (size_t i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      g_autofree char *percent = text_percent (shares[i]);
      page_cell (markup, "n", "%s", percent);
    }
  g_autofree char *bytes = text_bytes (t.memory_bytes);
  page_cell (markup, "n", "%s", bytes);
}

/* Names of the stages of a launch, as many as are readable. Owned. */
static char *
stages_of (const Report *report, uint32_t entry, uint32_t launch, uint32_t config)
{
  g_autoptr (GString) names = g_string_new (NULL);
  size_t n = sf_config_n_stages (report->program, config);
  for (uint32_t s = 0; s < n && names->len < 400; s++)
    g_string_append_printf (names, "%s%s", s > 0 ? "\n" : "",
                            report_stage_name (report, entry, launch, s));
  return g_string_free (g_steal_pointer (&names), FALSE);
}

static void
put_row (Markup *markup, const Report *report, uint32_t entry, uint32_t launch, int64_t longest)
{
  const EntryFacts *facts = report_entry (report, entry);
  SfLaunch l = sf_entry_launch (report->program, entry, launch);
  bool host = l.target == SF_TARGET_HOST;
  g_autofree char *name = text_short (l.name != NULL ? l.name : "", 26);
  markup_begin (markup, "tr");
  page_count (markup, launch);
  page_cell (markup, NULL, "%s", report_phases[MIN ((int) l.phase, N_PHASES - 1)]);
  markup_begin (markup, "td");
  g_autofree char *all = host ? g_strdup (l.name) : stages_of (report, entry, launch, l.config);
  markup_attr (markup, "title", "%s", all);
  markup_text (markup, "%s", name);
  markup_end (markup);
  markup_begin (markup, "td");
  if (!host)
    {
      markup_begin (markup, "a");
      markup_attr (markup, "href", "#c%u", l.config);
      markup_text (markup, "%u", l.config);
      markup_end (markup);
      if (l.repeat > 1)
        markup_text (markup, " \303\227 %u", l.repeat);
    }
  markup_end (markup);
  if (facts->timing != NULL)
    put_times (markup, report, entry, launch, longest);
  else
    page_count (markup, report_launch_t0 (report, entry, launch));
  markup_end (markup);
}

static void
put_list (Markup *markup, const Report *report, uint32_t entry)
{
  static const char *const timed[] = { "#",         "phase",        "section",
                                       "config",    "load and run", "run",
                                       "T0 cycles", "T1 cycles",    "held back by",
                                       "PCUs",      "PMUs",         "links",
                                       "memory",    "traffic",      NULL };
  static const char *const untimed[] = { "#", "phase", "section", "config", "T0 cycles", NULL };
  const EntryFacts *facts = report_entry (report, entry);
  int64_t longest = 1;
  for (uint32_t l = 0; facts->timing != NULL && l < facts->n_launches; l++)
    {
      SfLaunchTime t = sf_timing_launch (facts->timing, l);
      longest = MAX (longest, t.load_cycles + t.cycles);
    }
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "table");
  page_header (markup, facts->timing != NULL ? timed : untimed);
  for (uint32_t l = 0; l < MIN (facts->n_launches, MAX_ROWS); l++)
    put_row (markup, report, entry, l, longest);
  markup_end (markup);
  markup_end (markup);
  if (facts->n_launches > MAX_ROWS)
    markup_element (markup, "p", "none", "The first %d are shown; report.json has all %zu.",
                    MAX_ROWS, facts->n_launches);
}

void
page_sections (Markup *markup, const Report *report, uint32_t entry)
{
  const EntryFacts *facts = report_entry (report, entry);
  markup_element (markup, "h2", NULL, "%s: where time goes", facts->name);
  if (facts->timing != NULL)
    {
      put_shares (markup, report, facts, "bar whole", put_part);
      put_shares (markup, report, facts, "key", put_key);
      g_autofree char *bytes = text_bytes (facts->memory_bytes);
      size_t n = facts->n_launches - facts->n_host;
      int64_t off = facts->t0_cycles - facts->cycles;
      g_autofree char *apart = text_percent ((double) ABS (off) / (double) MAX (facts->cycles, 1));
      markup_element (markup, "p", "sub",
                      "%zu section%s, %zu load%s, %s to and from device memory; the estimate T0 of "
                      "the whole is %s %s T1. Shares below are of a section's own time: "
                      "PCUs and PMU ports of the whole tile, the busiest link, the busiest memory.",
                      n, n == 1 ? "" : "s", facts->n_loads, facts->n_loads == 1 ? "" : "s", bytes,
                      apart, off < 0 ? "below" : "above");
    }
  else
    markup_element (markup, "p", "sub", "Estimates only: %s", facts->why_no_timing);
  put_list (markup, report, entry);
}
