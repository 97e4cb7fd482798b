/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a compile: what was decided and what it costs in emulated time, as a page and as
 * JSON. */
#ifndef SF_REPORT_H
#define SF_REPORT_H

#include <sf/pef.h>

SF_BEGIN_DECLS

/* A line that a pass left (SfCompileOptions.note). */
typedef struct
{
  const char *level, *pass, *text;
} SfReportNote;

typedef struct
{
  uint64_t seed;             /* that the model was compiled with */
  const SfReportNote *notes; /* in the order of the passes */
  size_t n_notes;
} SfReportOptions;

/* Whether `folder` is, or can become, a folder: INVALID_ARGUMENT when something else has its name.
 * To be asked before a long compile. */
SF_API bool sf_report_check_folder (const char *folder, GError **error);

/* Writes <folder>/index.html, one page without outside links, and <folder>/report.json with the
 * same facts, each whole or not at all; creates the folder. The same PEF and notes give the same
 * bytes on any machine that has, or lacks, `dot` of graphviz, which lays out the graphs of
 * sections. *page (owned, may be NULL) is the page's path. */
SF_API bool sf_report_write (const SfPef *pef, const SfReportOptions *options, const char *folder,
                             char **page, GError **error);

SF_END_DECLS
#endif
