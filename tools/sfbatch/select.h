/* SPDX-License-Identifier: Apache-2.0 */
/* Which jobs a verb is about, and in which form it prints them. */
#ifndef TOOLS_SFBATCH_SELECT_H
#define TOOLS_SFBATCH_SELECT_H

#include <sf/options.h>

#include "queue/store.h"

#define SF_SELECT_OPTION_ROWS                                                                \
  { .name = "state",                                                                         \
    .type = SF_OPTION_LIST,                                                                  \
    .arg = "STATE",                                                                          \
    .help = "only jobs in this state, or in one of several with commas between" },           \
      { .name = "project",                                                                   \
        .type = SF_OPTION_STRING,                                                            \
        .arg = "NAME",                                                                       \
        .help = "only jobs of this project; \"\": of none" },                                \
      { .name = "name",                                                                      \
        .type = SF_OPTION_STRING,                                                            \
        .arg = "PATTERN",                                                                    \
        .help = "only jobs with this name; * and ? as in a shell" },                         \
      { .name = "since",                                                                     \
        .type = SF_OPTION_STRING,                                                            \
        .arg = "WHEN",                                                                       \
        .help = "only jobs submitted since: 2026-03-01, 2026-03-01T12:00, or 12h, 7d ago" }, \
      { .name = "json", .type = SF_OPTION_BOOL, .help = "print one array of objects" },      \
  {                                                                                          \
    .name = "parsable", .type = SF_OPTION_BOOL,                                              \
    .help = "print fields with | between, the first line has their names"                    \
  }

/* Fills the selection from the options above, and its limit from the verb's `all`: the newest 50
 * without. Texts are borrowed from the options. */
bool sf_select_read (const SfOptionValues *options, SfStoreSelection *selection, GError **error);

/* One of the options above says which jobs. */
bool sf_select_is_given (const SfOptionValues *options);

#endif
