/* SPDX-License-Identifier: Apache-2.0 */
/* What our pages share: head, style sheet, cells of tables. A page is one file that asks the
 * network for nothing and runs no script. */
#ifndef SF_CORE_REPORT_FRAME_H
#define SF_CORE_REPORT_FRAME_H

#include "core/report/markup.h"

/* From the doctype to the beginning of the body. `style`: rules of this page alone, trusted; they
 * find the colours of light and dark as --ink, --ground, --quiet, --faint, --rule, --head, --bar.
 */
void page_begin (Markup *markup, const char *title, const char *style);
/* Ends body and page; the text is the caller's, owned. The markup is cleared. */
char *page_end (Markup *markup);

/* A table row's cell; numbers ("n") are aligned to the right. */
void page_cell (Markup *markup, const char *class_name, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void page_header (Markup *markup, const char *const *titles); /* NULL-terminated */

#endif
