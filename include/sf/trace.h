/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated timeline of a compiled model, as chrome://tracing and Perfetto read it. */
#ifndef SF_TRACE_H
#define SF_TRACE_H

#include <sf/pef.h>

SF_BEGIN_DECLS

/* What a trace left out because it is bounded. */
typedef struct
{
  int64_t n_spans;    /* written */
  int64_t n_left_out; /* from the middle of sections with very many */
} SfTraceCount;

/* Writes Chrome trace JSON to `path`, whole or not at all: the launches of `entry` (NULL: of every
 * entry) in one process, then a process for each launch with rows for its load, its streams and its
 * stages. Times are emulated microseconds since the beginning of the entry. At most about
 * `max_spans` spans in all (0: 200000). `count` may be NULL. */
SF_API bool sf_trace_save (const SfPef *pef, const char *entry, int64_t max_spans, const char *path,
                           SfTraceCount *count, GError **error);

SF_END_DECLS
#endif
