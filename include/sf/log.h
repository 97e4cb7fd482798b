/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics. Libraries never print: they log, and a tool decides where that goes (default: nowhere; tools: warnings to stderr). */
#ifndef SF_LOG_H
#define SF_LOG_H

#include <sf/error.h>

SF_BEGIN_DECLS

typedef enum
{
  SF_LOG_ERROR,
  SF_LOG_WARNING, /* always actionable */
  SF_LOG_INFO,
  SF_LOG_DEBUG,
} SfLogLevel;

typedef void (*SfLogSink) (SfLogLevel level, const char *message, void *user_data);

/* Process-wide sink, meant for main(); NULL silences. Threads: the sink may be called from any. */
SF_API void sf_log_set_sink (SfLogSink sink, void *user_data, SfLogLevel most_verbose);
SF_API void sf_log (SfLogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);
SF_API bool sf_log_enabled (SfLogLevel level);

SF_END_DECLS
#endif
