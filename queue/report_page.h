/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a regression run: what broke, what had been broken, how figures went over past runs.
 */
#ifndef QUEUE_REPORT_PAGE_H
#define QUEUE_REPORT_PAGE_H

#include <sf/json.h>

typedef struct SfReportPage SfReportPage;

/* From a run's results.json. `name` opens the messages about it: a path. NULL with an error when it
 * is something else. */
SfReportPage *sf_report_page_new (json_t *results, const char *name, GError **error);
const char *sf_report_page_suite (const SfReportPage *page);  /* borrowed, as given: not checked */
GDateTime *sf_report_page_started (const SfReportPage *page); /* UTC; borrowed */
/* An earlier run of the same suite, the oldest first; nothing of it is kept but figures. */
bool sf_report_page_add_past (SfReportPage *page, json_t *results, const char *name,
                              GError **error);
/* The page, owned. No more can be added then. */
char *sf_report_page_text (SfReportPage *page);
/* The same as a file that needs no other, written whole or not at all. No more can be added then.
 */
bool sf_report_page_save (SfReportPage *page, const char *path, GError **error);
void sf_report_page_free (SfReportPage *page); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfReportPage, sf_report_page_free)

/* The calls above in one; `past` are earlier results of the same suite, the oldest first. */
bool sf_report_page_write (json_t *results, json_t *const *past, size_t n_past, const char *path,
                           GError **error);

#endif
