/* SPDX-License-Identifier: Apache-2.0 */
/* The page, part by part; each appends to the markup. */
#ifndef SF_CORE_REPORT_PAGE_H
#define SF_CORE_REPORT_PAGE_H

#include "core/report/facts.h"
#include "core/report/frame.h"

typedef struct Graphs Graphs; /* laid out by dot */

/* page.c: the whole. Owned. */
char *report_page (const Report *report);

void page_count (Markup *markup, int64_t n);
/* Colour of what holds back. */
const char *page_bound_class (SfBound bound);
/* Colour of a stage as CSS; `light`: for what belongs to it. Owned. */
char *page_stage_color (uint32_t stage, bool light);

void page_sections (Markup *markup, const Report *report, uint32_t entry);
void page_configs (Markup *markup, const Report *report);
void page_memory (Markup *markup, const Report *report, uint32_t entry);

/* grid.c: units and links of a placed config. */
void page_grid_symbol (Markup *markup, const Report *report); /* once a page, before page_grid */
void page_grid (Markup *markup, const Report *report, uint32_t config);

/* graph.c: `configs` as laid out by dot; NULL without a dot that
 * works. Owned: graphs_free. */
Graphs *graphs_new (const Report *report, const uint32_t *configs, size_t n);
void graphs_free (Graphs *graphs);
/* False: it was not laid out. */
bool page_graph (Markup *markup, const Report *report, const Graphs *graphs, uint32_t config);

#endif
