/* SPDX-License-Identifier: Apache-2.0 */
/* Timelines, emulated and measured, as chrome://tracing and Perfetto read them. */
#ifndef SF_TRACE_H
#define SF_TRACE_H

#include <sf/pef.h>
#include <sf/profile.h>

SF_BEGIN_DECLS

/* What a trace left out because it is bounded. */
typedef struct
{
  int64_t n_spans;    /* written */
  int64_t n_left_out; /* from the middle of sections with very many; later steps of a profile */
} SfTraceCount;

/* Writes Chrome trace JSON to `path`, whole or not at all: the launches of `entry` (NULL: of every
 * entry) in one process, then a process for each launch with rows for its load, its streams and its
 * stages. Times are emulated microseconds since the beginning of the entry. At most about
 * `max_spans` spans in all (0: 200000). `count` may be NULL. */
SF_API bool sf_trace_save (const SfPef *pef, const char *entry, int64_t max_spans, const char *path,
                           SfTraceCount *count, GError **error);

/* The same of what has been measured: a process for each profile with a row for its steps and one
 * for each worker, where stages and what else workers did stand as they were under way. Times are
 * microseconds since the first step of the first profile. Of very many spans the first ones. */
SF_API bool sf_trace_save_profiles (const SfProfile *const *profiles, size_t n, int64_t max_spans,
                                    const char *path, SfTraceCount *count, GError **error);

SF_END_DECLS
#endif
