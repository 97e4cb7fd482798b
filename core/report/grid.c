/* SPDX-License-Identifier: Apache-2.0 */
/* The grid of an RDU tile with a config placed and routed on it: units in the colours of their
 * stages, links by load. */
#include "core/report/page.h"

#define PITCH    44
#define UNIT     28
#define MARGIN   30
#define LANE     5 /* the two directions of a link lie so far from the middle */
#define MAX_HITS 60

enum
{
  N_LOADS = 5,
  N_WIDTHS = 4
};

static const char *const load_colors[N_LOADS] = { "#a8c7e8", "#4a90d9", "#f2b134", "#ee7b30",
                                                  "#c62828" };
static const char *const load_names[N_LOADS] = { "below 5 %", "5 to 20 %", "20 to 40 %",
                                                 "40 to 70 %", "70 % and more of its cycles" };
static const double load_bounds[N_LOADS - 1] = { 0.05, 0.2, 0.4, 0.7 };
static const char *const widths[N_WIDTHS] = { "1.3", "2.2", "3.2", "4.4" };
static const char *const width_names[N_WIDTHS] = { "1 net", "2 to 3", "4 to 7", "8 and more" };

static int64_t
center (int64_t at)
{
  return MARGIN + at * PITCH + PITCH / 2;
}

static void
put_rect (Markup *markup, int64_t x, int64_t y, int64_t round)
{
  markup_attr (markup, "x", "%" G_GINT64_FORMAT, center (x) - UNIT / 2);
  markup_attr (markup, "y", "%" G_GINT64_FORMAT, center (y) - UNIT / 2);
  markup_attr (markup, "width", "%d", UNIT);
  markup_attr (markup, "height", "%d", UNIT);
  if (round > 0)
    markup_attr (markup, "rx", "%" G_GINT64_FORMAT, round);
}

/* PCUs are squares, PMUs circles, AGCUs something between. */
static int64_t
roundness (SfUnitKind kind)
{
  return kind == SF_UNIT_PCU ? 2 : kind == SF_UNIT_PMU ? UNIT / 2 : 8;
}

static void
put_size (Markup *markup, const SfArchInfo *info)
{
  int64_t width = 2 * MARGIN + (info->columns + 2) * PITCH,
          height = 2 * MARGIN + info->rows * PITCH;
  markup_attr (markup, "viewBox", "0 0 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, width, height);
  markup_attr (markup, "width", "%" G_GINT64_FORMAT, width);
  markup_attr (markup, "style", "max-width:100%%;height:auto");
}

void
page_grid_symbol (Markup *markup, const Report *report)
{
  const SfArchInfo *info = &report->info;
  markup_begin (markup, "svg");
  markup_attr (markup, "width", "0");
  markup_attr (markup, "height", "0");
  markup_attr (markup, "style", "position:absolute");
  markup_begin (markup, "defs");
  markup_begin (markup, "g");
  markup_attr (markup, "id", "grid");
  for (int64_t y = 0; y < info->rows; y++)
    for (int64_t x = -1; x <= info->columns; x++)
      {
        SfUnitKind kind = sf_arch_unit_at (report->arch, x, y);
        if (kind == SF_UNIT_NONE)
          continue;
        markup_begin (markup, "rect");
        markup_attr (markup, "class", "u");
        put_rect (markup, x + 1, y, roundness (kind));
        markup_end (markup);
      }
  markup_end (markup);
  markup_begin (markup, "marker");
  markup_attr (markup, "id", "arrow");
  markup_attr (markup, "viewBox", "0 0 8 8");
  markup_attr (markup, "refX", "7");
  markup_attr (markup, "refY", "4");
  markup_attr (markup, "markerWidth", "7");
  markup_attr (markup, "markerHeight", "7");
  markup_attr (markup, "orient", "auto");
  markup_begin (markup, "path");
  markup_attr (markup, "d", "M0,0.5L8,4L0,7.5z");
  markup_attr (markup, "fill", "#8c959f");
  markup_end (markup);
  markup_end (markup);
  markup_end (markup);
  markup_end (markup);
}

/* ---- links ---- */

static uint64_t
hop_key (SfNetwork network, int32_t x0, int32_t y0, int32_t x1, int32_t y1)
{
  return ((uint64_t) network << 40) | ((uint64_t) (x0 + 1) << 24) | ((uint64_t) y0 << 8)
         | (uint64_t) ((x1 - x0 + 1) * 3 + (y1 - y0 + 1));
}

static int
compare_share (const void *a, const void *b)
{
  const SfLinkTime *x = a, *y = b;
  return x->share != y->share ? (x->share < y->share) - (x->share > y->share)
                              : (x->n_nets < y->n_nets) - (x->n_nets > y->n_nets);
}

/* The links that nets of vectors and scalars hop over; loads from T1, where there is one. Owned. */
static GArray *
links_of (const Report *report, uint32_t config)
{
  const ConfigFacts *facts = report_config (report, config);
  const SfTiming *timing = facts->launch != SF_NONE ? report_entry (report, facts->entry)->timing
                                                    : NULL;
  GArray *links = g_array_new (FALSE, TRUE, sizeof (SfLinkTime));
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  for (uint32_t r = 0; r < sf_config_n_routes (report->program, config); r++)
    {
      SfRoute route = sf_config_route (report->program, config, r);
      for (size_t h = 0; h < route.n_hops && route.network != SF_NETWORK_CONTROL; h++)
        {
          const int32_t *hop = &route.hops[4 * h];
          gint64 key = (gint64) hop_key (route.network, hop[0], hop[1], hop[2], hop[3]);
          guint at = GPOINTER_TO_UINT (g_hash_table_lookup (known, &key));
          if (at == 0)
            {
              SfLinkTime link = { route.network, hop[0], hop[1], hop[2], hop[3], 0, 0, 0 };
              g_array_append_val (links, link);
              at = links->len;
              g_hash_table_insert (known, g_memdup2 (&key, sizeof key), GUINT_TO_POINTER (at));
            }
          g_array_index (links, SfLinkTime, at - 1).n_nets++;
        }
    }
  for (size_t i = 0; timing != NULL && i < sf_timing_n_links (timing, facts->launch); i++)
    {
      SfLinkTime time = sf_timing_link (timing, facts->launch, i);
      gint64 key = (gint64) hop_key (time.network, time.x0, time.y0, time.x1, time.y1);
      guint at = GPOINTER_TO_UINT (g_hash_table_lookup (known, &key));
      if (at != 0)
        g_array_index (links, SfLinkTime, at - 1) = time;
    }
  g_array_sort (links, compare_share);
  return links;
}

static void
put_line (GString *path, const SfLinkTime *link)
{
  /* Each drives on its right. */
  int64_t dx = link->x1 - link->x0, dy = link->y1 - link->y0;
  int64_t aside_x = -dy * LANE, aside_y = dx * LANE;
  g_string_append_printf (
      path, "M%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "L%" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
      center (link->x0 + 1) + aside_x, center (link->y0) + aside_y, center (link->x1 + 1) + aside_x,
      center (link->y1) + aside_y);
}

static int
width_of (uint32_t n_nets)
{
  return n_nets < 2 ? 0 : n_nets < 4 ? 1 : n_nets < 8 ? 2 : 3;
}

/* One path for each pair of load and width: a section has thousands of hops. */
static void
put_links (Markup *markup, const GArray *links)
{
  GString *paths[N_LOADS][N_WIDTHS] = { { NULL } };
  for (guint i = 0; i < links->len; i++)
    {
      const SfLinkTime *link = &g_array_index (links, SfLinkTime, i);
      int load = 0;
      while (load + 1 < N_LOADS && link->share >= load_bounds[load])
        load++;
      GString **path = &paths[load][width_of (link->n_nets)];
      if (*path == NULL)
        *path = g_string_new (NULL);
      put_line (*path, link);
    }
  for (int load = 0; load < N_LOADS; load++)
    for (int width = 0; width < N_WIDTHS; width++)
      {
        if (paths[load][width] == NULL)
          continue;
        markup_begin (markup, "path");
        markup_attr (markup, "class", "l");
        markup_attr (markup, "stroke", "%s", load_colors[load]);
        markup_attr (markup, "stroke-width", "%s", widths[width]);
        markup_attr (markup, "d", "%s", paths[load][width]->str);
        markup_end (markup);
        g_string_free (paths[load][width], TRUE);
      }
}

/* The busiest ones say what they carry. */
static void
put_hits (Markup *markup, const GArray *links)
{
  for (guint i = 0; i < MIN (links->len, MAX_HITS); i++)
    {
      const SfLinkTime *link = &g_array_index (links, SfLinkTime, i);
      g_autoptr (GString) path = g_string_new (NULL);
      put_line (path, link);
      g_autofree char *percent = text_percent (link->share);
      g_autofree char *vectors = text_count (link->vectors);
      markup_begin (markup, "path");
      markup_attr (markup, "class", "l hit");
      markup_attr (markup, "d", "%s", path->str);
      markup_element (markup, "title", NULL,
                      "%s link from (%d,%d) to (%d,%d): %u nets, %s vectors, %s of its cycles",
                      report_networks[link->network], link->x0, link->y0, link->x1, link->y1,
                      link->n_nets, vectors, percent);
      markup_end (markup);
    }
}

/* ---- units ---- */

/* What stands on a place, in words; owned. */
static char *
title_of (const Report *report, uint32_t config, const SfPlace *place)
{
  const ConfigFacts *facts = report_config (report, config);
  if (place->kind == SF_UNIT_PCU)
    return g_strdup_printf ("PCU (%d,%d): stage %u, %s", place->x, place->y, place->owner,
                            facts->launch != SF_NONE ? report_stage_name (
                                report, facts->entry, facts->launch, place->owner)
                                                     : "");
  if (place->kind == SF_UNIT_PMU)
    return g_strdup_printf ("PMU (%d,%d): buffer %u, %s", place->x, place->y, place->owner,
                            report_buffer_name (report, config, place->owner));
  SfStream stream = sf_config_stream (report->program, config, place->owner);
  return g_strdup_printf ("AGCU (%d,%d): %s %s", place->x, place->y,
                          stream.out ? "to memory," : "from memory,",
                          report_buffer_name (report, config, stream.buffer));
}

/* Fill of a unit; owned. */
static char *
color_of (const Report *report, uint32_t config, const SfPlace *place)
{
  if (place->kind == SF_UNIT_PCU)
    return page_stage_color (place->owner, false);
  if (place->kind == SF_UNIT_AGCU)
    return g_strdup ("#57606a");
  uint32_t writer = report_writer (report, config, place->owner);
  return writer == SF_NONE ? g_strdup ("#e4e8ee") : page_stage_color (writer, true);
}

static void
put_unit (Markup *markup, const Report *report, uint32_t config, const SfPlace *place,
          const char *title, const char *label)
{
  g_autofree char *color = color_of (report, config, place);
  bool agcu = place->kind == SF_UNIT_AGCU;
  markup_begin (markup, "rect");
  put_rect (markup, place->x + 1, place->y, roundness (place->kind));
  markup_attr (markup, "fill", "%s", color);
  markup_attr (markup, "stroke", "#57606a");
  markup_element (markup, "title", NULL, "%s", title);
  markup_end (markup);
  markup_begin (markup, "text");
  markup_attr (markup, "x", "%" G_GINT64_FORMAT, center (place->x + 1));
  markup_attr (markup, "y", "%" G_GINT64_FORMAT, center (place->y) + 4);
  markup_attr (markup, "text-anchor", "middle");
  markup_attr (markup, "font-size", "11");
  if (agcu)
    markup_attr (markup, "fill", "#fff");
  markup_text (markup, "%s", label);
  markup_end (markup);
}

/* Streams that share an AGCU share its picture. */
static void
put_agcus (Markup *markup, const Report *report, uint32_t config)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  size_t n = sf_config_n_places (report->program, config);
  for (uint32_t p = 0; p < n; p++)
    {
      SfPlace place = sf_config_place (report->program, config, p);
      gpointer key = GINT_TO_POINTER (place.y * 1024 + place.x + 2);
      if (place.kind != SF_UNIT_AGCU || !g_hash_table_add (seen, key))
        continue;
      g_autoptr (GString) title = g_string_new (NULL);
      int streams = 0;
      for (uint32_t q = p; q < n; q++)
        {
          SfPlace other = sf_config_place (report->program, config, q);
          if (other.kind != SF_UNIT_AGCU || other.x != place.x || other.y != place.y)
            continue;
          g_autofree char *one = title_of (report, config, &other);
          g_string_append_printf (title, "%s%s", streams++ > 0 ? "\n" : "", one);
        }
      g_autofree char *label = g_strdup_printf ("A%d", streams);
      put_unit (markup, report, config, &place, title->str, label);
    }
}

static void
put_units (Markup *markup, const Report *report, uint32_t config)
{
  for (uint32_t p = 0; p < sf_config_n_places (report->program, config); p++)
    {
      SfPlace place = sf_config_place (report->program, config, p);
      if (place.kind == SF_UNIT_AGCU)
        continue;
      g_autofree char *title = title_of (report, config, &place);
      g_autofree char *label = g_strdup_printf ("%u", place.owner);
      put_unit (markup, report, config, &place, title, label);
    }
  put_agcus (markup, report, config);
}

/* ---- the picture ---- */

static void
put_legend (Markup *markup)
{
  markup_begin (markup, "div");
  markup_attr (markup, "class", "key");
  markup_element (
      markup, "span", NULL, "%s",
      "squares: PCUs with the number of their stage; circles: PMUs with the number of "
      "their buffer, in the light colour of the stage that writes it, grey from memory; "
      "A: AGCUs with the number of their streams");
  for (int load = 0; load < N_LOADS; load++)
    {
      markup_begin (markup, "span");
      markup_begin (markup, "i");
      markup_attr (markup, "style", "background:%s", load_colors[load]);
      markup_end (markup);
      markup_text (markup, "%s%s", load == 0 ? "link busy " : "", load_names[load]);
      markup_end (markup);
    }
  for (int width = 0; width < N_WIDTHS; width++)
    {
      markup_begin (markup, "span");
      markup_begin (markup, "i");
      markup_attr (markup, "style", "background:#8c959f;height:%spx;vertical-align:.25em",
                   widths[width]);
      markup_end (markup);
      markup_text (markup, "%s", width_names[width]);
      markup_end (markup);
    }
  markup_end (markup);
}

void
page_grid (Markup *markup, const Report *report, uint32_t config)
{
  if (sf_config_n_places (report->program, config) == 0)
    {
      markup_element (markup, "p", "none", "Not placed.");
      return;
    }
  g_autoptr (GArray) links = links_of (report, config);
  put_legend (markup);
  markup_begin (markup, "svg");
  put_size (markup, &report->info);
  markup_attr (markup, "role", "img");
  markup_begin (markup, "use");
  markup_attr (markup, "href", "#grid");
  markup_end (markup);
  put_links (markup, links);
  put_units (markup, report, config);
  put_hits (markup, links);
  markup_end (markup);
}
