/* SPDX-License-Identifier: Apache-2.0 */
/* `sf run --timing`, how times are printed, and the option --trace of the verbs that can write a
 * timeline. */
#ifndef TOOLS_SF_TIMING_H
#define TOOLS_SF_TIMING_H

#include <sf/options.h>
#include <sf/pef.h>

#define SF_TRACE_OPTION_ROW                                                                      \
  {                                                                                              \
    .name = "trace", .type = SF_OPTION_STRING, .arg = "FILE",                                    \
    .help = "write the emulated timeline as Chrome trace JSON, for chrome://tracing or Perfetto" \
  }

/* Writes the timeline of `entry` (NULL: all) to `path` and says on stderr what was left out. */
bool sf_verb_trace (const SfPef *pef, const char *entry, const char *path, GError **error);
/* Prints the emulated time of `entry` (NULL: all), as text or as one JSON object a line. */
bool sf_verb_timing (const SfPef *pef, const char *entry, bool json, GError **error);
/* Number of the entry whose step is timed: train where there is one. */
uint32_t sf_timed_entry (const SfProgram *program);
/* In the unit that leaves one to three digits before the point. Owned. */
char *sf_time_text (double seconds);

#endif
