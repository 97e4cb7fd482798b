/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of a section, stages and buffers: laid out by graphviz's dot, drawn here. dot sees
 * numbers and sizes only, never a name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/report/page.h"

#define INCH        72.0
#define CHAR_PX     6.3
#define NODE_PX     34
#define PAGE_PX     1080.0
#define LEAST_SCALE 0.7
#define MAX_NODES   260  /* of one graph: dot takes more than linear time */
#define MAX_TOTAL   1500 /* of all */

typedef struct
{
  double x, y, width, height; /* centre, from the upper left; px */
} Node;

typedef struct
{
  double width, height;
  size_t n_stages;
  GArray *nodes;    /* Node: stages, then buffers */
  GPtrArray *edges; /* paths; owned strings */
} Layout;

struct Graphs
{
  GHashTable *layouts; /* config -> Layout */
};

static void
layout_free (void *data)
{
  Layout *layout = data;
  g_array_unref (layout->nodes);
  g_ptr_array_unref (layout->edges);
  g_free (layout);
}

void
graphs_free (Graphs *graphs)
{
  if (graphs == NULL)
    return;
  g_hash_table_unref (graphs->layouts);
  g_free (graphs);
}

/* ---- labels ---- */

typedef struct
{
  char *first, *second;
} Label;

static Label
stage_label (const Report *report, uint32_t config, uint32_t stage)
{
  const ConfigFacts *facts = report_config (report, config);
  SfStage s = sf_config_stage (report->program, config, stage);
  SfStageEstimate t0 = sf_estimate_stage (report->program, config, stage, report->arch);
  g_autofree char *name = text_short (
      facts->launch != SF_NONE ? report_stage_name (report, facts->entry, facts->launch, stage)
                               : "",
      22);
  g_autofree char *cycles = text_count (t0.interval_cycles);
  return (Label){ g_strdup_printf ("%u  %s", stage, name),
                  g_strdup_printf ("%" G_GINT64_FORMAT " PCU%s, %" G_GINT64_FORMAT
                                   " \303\227 %s cycles",
                                   s.n_pcus, s.n_pcus == 1 ? "" : "s", t0.iterations, cycles) };
}

static Label
buffer_label (const Report *report, uint32_t config, uint32_t buffer)
{
  SfBuffer b = sf_config_buffer (report->program, config, buffer);
  g_autofree char *name = text_short (report_buffer_name (report, config, buffer), 18);
  g_autofree char *bytes = text_bytes (report_token_bytes (&b));
  return (Label){ g_strdup_printf ("%u  %s", buffer, name),
                  g_strdup_printf ("%" G_GINT64_FORMAT " \303\227 %s, depth %" G_GINT64_FORMAT,
                                   b.tokens, bytes, b.depth) };
}

static void
label_clear (Label *label)
{
  g_free (label->first);
  g_free (label->second);
}

static double
label_width (const Label *label)
{
  glong n = MAX (g_utf8_strlen (label->first, -1), g_utf8_strlen (label->second, -1));
  return CHAR_PX * (double) n + 16;
}

/* ---- dot ---- */

static void
put_dot (GString *dot, const Report *report, uint32_t config)
{
  uint32_t n_stages = (uint32_t) sf_config_n_stages (report->program, config),
           n_buffers = (uint32_t) sf_config_n_buffers (report->program, config);
  g_string_append_printf (dot,
                          "digraph c%u {graph [rankdir=TB, nodesep=0.2, ranksep=0.35];"
                          "node [shape=box, fixedsize=true, label=\"\"]; edge [dir=none];\n",
                          config);
  for (uint32_t i = 0; i < n_stages + n_buffers; i++)
    {
      Label label = i < n_stages ? stage_label (report, config, i)
                                 : buffer_label (report, config, i - n_stages);
      g_string_append_printf (dot, "n%u [width=%d.%02d, height=%d.%02d];\n", i,
                              (int) (label_width (&label) / INCH),
                              (int) (label_width (&label) / INCH * 100) % 100,
                              (int) (NODE_PX / INCH), (int) (NODE_PX / INCH * 100) % 100);
      label_clear (&label);
    }
  for (uint32_t s = 0; s < n_stages; s++)
    {
      SfStage stage = sf_config_stage (report->program, config, s);
      for (uint32_t b = 0; b < n_buffers; b++)
        {
          if (report_reads (&stage, SF_OPERAND_IN, b))
            g_string_append_printf (dot, "n%u -> n%u;\n", n_stages + b, s);
          if (report_reads (&stage, SF_OPERAND_OUT, b))
            g_string_append_printf (dot, "n%u -> n%u;\n", s, n_stages + b);
        }
    }
  g_string_append (dot, "}\n");
}

/* What dot makes of the text, in its plain form; NULL when it fails. Owned. */
static char *
run_dot (const char *text, gssize n_bytes)
{
  g_autofree char *path = NULL;
  char *out = NULL;
  int status = 0, fd = g_file_open_tmp ("sf-report-XXXXXX.dot", &path, NULL);
  if (fd < 0)
    return NULL;
  close (fd);
  const char *const argv[] = { "dot",           "-Tplain", "-Gnslimit=3", "-Gnslimit1=3",
                               "-Gmclimit=0.5", path,      NULL };
  bool ok = g_file_set_contents_full (path, text, n_bytes, G_FILE_SET_CONTENTS_NONE, 0600, NULL)
            && g_spawn_sync (NULL, (char **) argv, NULL,
                             G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out,
                             NULL, &status, NULL)
            && g_spawn_check_wait_status (status, NULL);
  unlink (path);
  if (ok)
    return out;
  g_free (out);
  return NULL;
}

static double
number (char **words, guint n, guint at)
{
  return at < n ? g_ascii_strtod (words[at], NULL) : 0;
}

static Node
read_node (char **words, guint n, double height)
{
  return (Node){ number (words, n, 2) * INCH, (height - number (words, n, 3)) * INCH,
                 number (words, n, 4) * INCH, number (words, n, 5) * INCH };
}

/* "edge tail head n x1 y1 ... xn yn style colour": a Bezier curve. Owned. */
static char *
read_edge (char **words, guint n, double height)
{
  g_autoptr (GString) path = g_string_new (NULL);
  guint points = (guint) CLAMP (number (words, n, 3), 0, 4096);
  for (guint i = 0; i < points && 5 + 2 * i < n; i++)
    g_string_append_printf (path, "%s%.1f %.1f",
                            i == 0   ? "M"
                            : i == 1 ? "C"
                                     : " ",
                            number (words, n, 4 + 2 * i) * INCH,
                            (height - number (words, n, 5 + 2 * i)) * INCH);
  return g_string_free (g_steal_pointer (&path), FALSE);
}

/* dot answers graph by graph, in the order asked. */
static void
read_layouts (Graphs *graphs, const Report *report, const uint32_t *configs, size_t n, char *plain)
{
  Layout *layout = NULL;
  size_t at = 0;
  double height = 0;
  g_auto (GStrv) lines = g_strsplit (plain, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", -1);
      guint n_words = g_strv_length (words);
      const char *what = n_words > 0 ? words[0] : "";
      if (strcmp (what, "graph") == 0 && at < n)
        {
          uint32_t config = configs[at++];
          layout = g_new0 (Layout, 1);
          layout->nodes = g_array_new (FALSE, TRUE, sizeof (Node));
          layout->edges = g_ptr_array_new_with_free_func (g_free);
          layout->n_stages = sf_config_n_stages (report->program, config);
          g_array_set_size (
              layout->nodes,
              (guint) (layout->n_stages + sf_config_n_buffers (report->program, config)));
          height = number (words, n_words, 3);
          layout->width = number (words, n_words, 2) * INCH;
          layout->height = height * INCH;
          g_hash_table_insert (graphs->layouts, GUINT_TO_POINTER (config), layout);
        }
      else if (layout != NULL && strcmp (what, "node") == 0 && n_words > 5)
        {
          guint id = (guint) g_ascii_strtoull (words[1] + 1, NULL, 10);
          if (id < layout->nodes->len)
            g_array_index (layout->nodes, Node, id) = read_node (words, n_words, height);
        }
      else if (layout != NULL && strcmp (what, "edge") == 0)
        g_ptr_array_add (layout->edges, read_edge (words, n_words, height));
    }
}

Graphs *
graphs_new (const Report *report, const uint32_t *configs, size_t n)
{
  Graphs *graphs = g_new0 (Graphs, 1);
  graphs->layouts = g_hash_table_new_full (NULL, NULL, NULL, layout_free);
  g_autoptr (GString) dot = g_string_new (NULL);
  g_autofree uint32_t *asked = g_new (uint32_t, n + 1);
  size_t n_asked = 0, total = 0;
  for (size_t i = 0; i < n; i++)
    {
      size_t nodes = sf_config_n_stages (report->program, configs[i])
                     + sf_config_n_buffers (report->program, configs[i]);
      if (nodes > MAX_NODES || total + nodes > MAX_TOTAL)
        continue;
      total += nodes;
      asked[n_asked++] = configs[i];
      put_dot (dot, report, configs[i]);
    }
  g_autofree char *plain = n_asked > 0 ? run_dot (dot->str, (gssize) dot->len) : NULL;
  if (n_asked > 0 && plain == NULL)
    {
      graphs_free (graphs);
      return NULL;
    }
  if (plain != NULL)
    read_layouts (graphs, report, asked, n_asked, plain);
  return graphs;
}

/* ---- drawing ---- */

static void
put_text_line (Markup *markup, const Node *node, double dy, const char *color, const char *text)
{
  markup_begin (markup, "text");
  markup_attr (markup, "x", "%.1f", node->x);
  markup_attr (markup, "y", "%.1f", node->y + dy);
  markup_attr (markup, "text-anchor", "middle");
  markup_attr (markup, "font-size", "11");
  markup_attr (markup, "fill", "%s", color);
  markup_text (markup, "%s", text);
  markup_end (markup);
}

static void
put_node (Markup *markup, const Node *node, const char *fill, double round, bool memory,
          const Label *label, const char *title)
{
  markup_begin (markup, "rect");
  markup_attr (markup, "x", "%.1f", node->x - node->width / 2);
  markup_attr (markup, "y", "%.1f", node->y - node->height / 2);
  markup_attr (markup, "width", "%.1f", node->width);
  markup_attr (markup, "height", "%.1f", node->height);
  markup_attr (markup, "rx", "%.0f", round);
  markup_attr (markup, "fill", "%s", fill);
  markup_attr (markup, "stroke", "#57606a");
  markup_attr (markup, "stroke-width", "%s", memory ? "2" : "1");
  markup_element (markup, "title", NULL, "%s", title);
  markup_end (markup);
  put_text_line (markup, node, -2, "#1b1f24", label->first);
  put_text_line (markup, node, 11, "#3d444d", label->second);
}

static void
put_nodes (Markup *markup, const Report *report, const Layout *layout, uint32_t config)
{
  const ConfigFacts *facts = report_config (report, config);
  for (uint32_t i = 0; i < layout->nodes->len; i++)
    {
      const Node *node = &g_array_index (layout->nodes, Node, i);
      bool is_stage = i < layout->n_stages;
      uint32_t id = is_stage ? i : i - (uint32_t) layout->n_stages;
      Label label = is_stage ? stage_label (report, config, id) : buffer_label (report, config, id);
      uint32_t writer = is_stage ? id : report_writer (report, config, id);
      g_autofree char *fill = writer == SF_NONE ? g_strdup ("#e4e8ee")
                                                : page_stage_color (writer, !is_stage);
      bool memory = !is_stage
                    && (report_stream (report, config, id, false) != SF_NONE
                        || report_stream (report, config, id, true) != SF_NONE);
      const char *title = !is_stage ? report_buffer_name (report, config, id)
                          : facts->launch != SF_NONE
                              ? report_stage_name (report, facts->entry, facts->launch, id)
                              : "";
      put_node (markup, node, fill, is_stage ? 2 : NODE_PX / 2.0, memory, &label, title);
      label_clear (&label);
    }
}

bool
page_graph (Markup *markup, const Report *report, const Graphs *graphs, uint32_t config)
{
  const Layout *layout = graphs != NULL
                             ? g_hash_table_lookup (graphs->layouts, GUINT_TO_POINTER (config))
                             : NULL;
  if (layout == NULL)
    return false;
  markup_element (markup, "p", "sub", "%s",
                  "Square: a stage, its PCUs and its iterations by the cycles of each (T0). Round: "
                  "a buffer, its tokens by their size and how many it holds; a thick rim is to or "
                  "from memory.");
  markup_begin (markup, "div");
  markup_attr (markup, "class", "scroll");
  markup_begin (markup, "svg");
  markup_attr (markup, "viewBox", "-2 -2 %.0f %.0f", layout->width + 4, layout->height + 4);
  /* Fits the page while its text stays readable; wider ones are scrolled. */
  double scale = CLAMP (PAGE_PX / layout->width, LEAST_SCALE, 1);
  markup_attr (markup, "width", "%.0f", (layout->width + 4) * scale);
  markup_attr (markup, "height", "%.0f", (layout->height + 4) * scale);
  markup_attr (markup, "role", "img");
  for (guint i = 0; i < layout->edges->len; i++)
    {
      markup_begin (markup, "path");
      markup_attr (markup, "class", "edge");
      markup_attr (markup, "marker-end", "url(#arrow)");
      markup_attr (markup, "d", "%s", (const char *) layout->edges->pdata[i]);
      markup_end (markup);
    }
  put_nodes (markup, report, layout, config);
  markup_end (markup);
  markup_end (markup);
  return true;
}
