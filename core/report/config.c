/* SPDX-License-Identifier: Apache-2.0 */
/* Configs on the page: each once, however many launches share it, the one that takes most time
 * first. */
#include "core/report/page.h"

#include <string.h>

#define MAX_BYTES  (6u << 20) /* of the page: configs beyond are a line each */
#define MAX_GRIDS  48         /* with a picture */
#define MAX_GRAPHS 24
#define MAX_ROWS   400 /* of a table */

/* ---- stages ---- */

static void
put_wait_bar (Markup *markup, const SfStageTime *time, int64_t cycles)
{
  const struct
  {
    const char *class_name, *what;
    int64_t cycles;
  } parts[] = { { page_bound_class (time->bound), "at work", time->busy_cycles },
                { "wait", "waits for tokens", time->wait_input_cycles },
                { "load", "waits for room", time->wait_output_cycles } };
  markup_begin (markup, "td");
  markup_attr (markup, "class", "bars");
  markup_begin (markup, "div");
  markup_attr (markup, "class", "bar");
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      double share = cycles > 0 ? (double) parts[i].cycles / (double) cycles : 0;
      if (share <= 0)
        continue;
      g_autofree char *percent = text_percent (share);
      markup_begin (markup, "i");
      markup_attr (markup, "class", "%s", parts[i].class_name);
      markup_attr (markup, "style", "width:%.2f%%", share * 100);
      markup_attr (markup, "title", "%s %s", parts[i].what, percent);
      markup_end (markup);
    }
  markup_end (markup);
  markup_end (markup);
}

/* The tile-ops of a stage, each once. Owned. */
static char *
ops_of (const SfStage *stage)
{
  g_autoptr (GPtrArray) seen = g_ptr_array_new ();
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (!g_ptr_array_find_with_equal_func (seen, stage->instrs[i].op, g_str_equal, NULL))
      g_ptr_array_add (seen, (gpointer) stage->instrs[i].op);
  g_ptr_array_add (seen, NULL);
  g_autofree char *all = g_strjoinv (", ", (char **) seen->pdata);
  return text_short (all, 44);
}

static void
put_stage_name (Markup *markup, uint32_t stage, const char *name)
{
  g_autofree char *color = page_stage_color (stage, false), *text = text_short (name, 28);
  markup_begin (markup, "td");
  markup_attr (markup, "title", "%s", name);
  markup_begin (markup, "i");
  markup_attr (markup, "class", "swatch");
  markup_attr (markup, "style", "background:%s", color);
  markup_end (markup);
  markup_text (markup, "%s", text);
  markup_end (markup);
}

static void
put_stage_row (Markup *markup, const Report *report, uint32_t config, uint32_t stage)
{
  const ConfigFacts *facts = report_config (report, config);
  SfStage s = sf_config_stage (report->program, config, stage);
  SfStageEstimate t0 = sf_estimate_stage (report->program, config, stage, report->arch);
  SfStageTime t1;
  int64_t cycles;
  g_autofree char *ops = ops_of (&s);
  markup_begin (markup, "tr");
  page_count (markup, stage);
  put_stage_name (markup, stage,
                  facts->launch != SF_NONE
                      ? report_stage_name (report, facts->entry, facts->launch, stage)
                      : s.name);
  page_count (markup, s.n_pcus);
  page_count (markup, t0.widest);
  page_count (markup, t0.iterations);
  page_count (markup, t0.compute_cycles);
  page_count (markup, t0.read_cycles);
  page_count (markup, t0.write_cycles);
  page_cell (markup, NULL, "%s", sf_bound_name (t0.bound));
  if (report_stage_time (report, config, stage, &t1, &cycles))
    {
      g_autofree char *busy = text_percent (cycles > 0 ? (double) t1.busy_cycles / (double) cycles
                                                       : 0);
      put_wait_bar (markup, &t1, cycles);
      page_cell (markup, "n", "%s", busy);
    }
  page_cell (markup, "o", "%s", ops);
  markup_end (markup);
}

static void
put_stages (Markup *markup, const Report *report, uint32_t config)
{
  static const char *const timed[]
      = { "#",       "stage",    "PCUs",  "could use",    "iterations",
          "compute", "read",     "write", "held back by", "at work, waiting",
          "busy",    "tile-ops", NULL };
  static const char *const untimed[] = { "#",       "stage", "PCUs",  "could use",    "iterations",
                                         "compute", "read",  "write", "held back by", "tile-ops",
                                         NULL };
  const ConfigFacts *facts = report_config (report, config);
  size_t n = sf_config_n_stages (report->program, config);
  bool t1 = facts->launch != SF_NONE && report_entry (report, facts->entry)->timing != NULL;
  markup_element (markup, "h3", NULL, "Stages");
  markup_element (
      markup, "p", "sub", "%s",
      "compute, read, write: cycles of an iteration by T0. At work, waiting: share of the "
      "section's time by T1 at work, waiting for tokens (violet), for room (grey).");
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "table");
  page_header (markup, t1 ? timed : untimed);
  for (uint32_t s = 0; s < MIN (n, MAX_ROWS); s++)
    put_stage_row (markup, report, config, s);
  markup_end (markup);
  markup_end (markup);
}

/* ---- buffers ---- */

/* "stage 3, 4", "memory"; owned. */
static char *
readers_of (const Report *report, uint32_t config, uint32_t buffer)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (uint32_t s = 0; s < sf_config_n_stages (report->program, config); s++)
    {
      SfStage stage = sf_config_stage (report->program, config, s);
      if (report_reads (&stage, SF_OPERAND_IN, buffer))
        g_string_append_printf (text, "%s%u", text->len == 0 ? "stage " : ", ", s);
    }
  if (report_stream (report, config, buffer, true) != SF_NONE)
    g_string_append_printf (text, "%smemory", text->len == 0 ? "" : ", ");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
put_buffer_row (Markup *markup, const Report *report, uint32_t config, uint32_t buffer)
{
  SfBuffer b = sf_config_buffer (report->program, config, buffer);
  uint32_t writer = report_writer (report, config, buffer);
  const char *full = report_buffer_name (report, config, buffer);
  g_autofree char *name = text_short (full, 40), *type = text_shape (b.dtype, &b.shape),
                  *token = text_bytes (report_token_bytes (&b)),
                  *held = text_bytes (b.depth * report_token_bytes (&b)),
                  *to = readers_of (report, config, buffer);
  g_autofree char *share = text_percent ((double) (b.depth * report_token_bytes (&b))
                                         / (double) MAX (b.n_pmus * report->info.pmu_bytes, 1));
  markup_begin (markup, "tr");
  page_count (markup, buffer);
  markup_begin (markup, "td");
  markup_attr (markup, "title", "%s", full);
  markup_text (markup, "%s", name);
  markup_end (markup);
  page_cell (markup, NULL, "%s", type);
  page_count (markup, b.tokens);
  page_cell (markup, "n", "%s", token);
  page_count (markup, b.depth);
  page_cell (markup, "n", "%s", held);
  page_count (markup, b.n_pmus);
  page_cell (markup, "n", "%s", share);
  if (writer != SF_NONE)
    page_cell (markup, NULL, "stage %u", writer);
  else
    page_cell (markup, NULL, "%s",
               report_stream (report, config, buffer, false) != SF_NONE ? "memory" : "");
  page_cell (markup, NULL, "%s", to);
  markup_end (markup);
}

static void
put_buffers (Markup *markup, const Report *report, uint32_t config)
{
  static const char *const titles[] = { "#",     "buffer", "tensor", "tokens",        "token",
                                        "depth", "held",   "PMUs",   "of their room", "from",
                                        "to",    NULL };
  size_t n = sf_config_n_buffers (report->program, config);
  markup_element (markup, "h3", NULL, "Buffers");
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "table");
  page_header (markup, titles);
  for (uint32_t b = 0; b < MIN (n, MAX_ROWS); b++)
    put_buffer_row (markup, report, config, b);
  markup_end (markup);
  markup_end (markup);
}

/* ---- a config ---- */

static void
put_config_head (Markup *markup, const Report *report, uint32_t config)
{
  const ConfigFacts *facts = report_config (report, config);
  g_autofree char *time = text_time (report_seconds (report, facts->cycles));
  g_autofree char *cycles = text_count (facts->estimate.cycles),
                  *bytes = text_bytes (facts->estimate.memory_bytes);
  const char *name = facts->launch != SF_NONE
                         ? sf_entry_launch (report->program, facts->entry, facts->launch).name
                         : "";
  g_autofree char *title = text_short (name != NULL ? name : "", 60);
  markup_begin (markup, "summary");
  markup_element (markup, "b", NULL, "Config %u", config);
  markup_text (
      markup,
      "%s: %zu launch%s, %s in all; %zu stage%s, %" G_GINT64_FORMAT " PCUs, %" G_GINT64_FORMAT
      " PMUs, %" G_GINT64_FORMAT " AGCUs, %zu nets; T0 of a run %s cycles, %s of traffic",
      title, facts->n_launches, facts->n_launches == 1 ? "" : "es", time,
      sf_config_n_stages (report->program, config),
      sf_config_n_stages (report->program, config) == 1 ? "" : "s", facts->n_pcus, facts->n_pmus,
      facts->n_agcus, sf_config_n_routes (report->program, config), cycles, bytes);
  markup_end (markup);
}

static void
put_graph (Markup *markup, const Report *report, const Graphs *graphs, uint32_t config)
{
  markup_element (markup, "h3", NULL, "Graph");
  if (!page_graph (markup, report, graphs, config))
    markup_element (markup, "p", "none", "%s The tables say what leads where.",
                    graphs == NULL ? "Not drawn: found no dot of graphviz that works."
                                   : "Too large to be drawn.");
}

static void
put_config (Markup *markup, const Report *report, const Graphs *graphs, uint32_t config,
            size_t rank)
{
  markup_begin (markup, "details");
  markup_attr (markup, "id", "c%u", config);
  if (rank == 0)
    markup_attr (markup, "open", "open");
  put_config_head (markup, report, config);
  if (markup->text->len < MAX_BYTES)
    {
      if (rank < MAX_GRIDS)
        {
          markup_element (markup, "h3", NULL, "Grid");
          page_grid (markup, report, config);
        }
      put_stages (markup, report, config);
      if (rank < MAX_GRAPHS)
        put_graph (markup, report, graphs, config);
      put_buffers (markup, report, config);
    }
  else
    markup_element (markup, "p", "none", "Left out, to keep the page small; report.json has it.");
  markup_end (markup);
}

void
page_configs (Markup *markup, const Report *report)
{
  size_t n = report->configs->len;
  markup_element (markup, "h2", NULL, "Sections on the machine");
  markup_element (markup, "p", "sub",
                  "%zu configurations; launches of equal sections share one. The one that takes "
                  "most time comes first%s.",
                  n, n > MAX_GRIDS ? "; pictures of the first ones only" : "");
  page_grid_symbol (markup, report);
  Graphs *graphs = graphs_new (report, report->by_cycles, MIN (n, MAX_GRAPHS));
  for (size_t i = 0; i < n; i++)
    put_config (markup, report, graphs, report->by_cycles[i], i);
  graphs_free (graphs);
}
