/* SPDX-License-Identifier: Apache-2.0 */
/* The log's one sink. */
#include <sf/log.h>

static GMutex sink_lock;
static SfLogSink sink;
static void *sink_data;
static int most_verbose_level = -1; /* atomic; -1: silent */

void
sf_log_set_sink (SfLogSink new_sink, void *user_data, SfLogLevel most_verbose)
{
  g_mutex_lock (&sink_lock);
  sink = new_sink;
  sink_data = user_data;
  g_atomic_int_set (&most_verbose_level, new_sink != NULL ? (int) most_verbose : -1);
  g_mutex_unlock (&sink_lock);
}

bool
sf_log_enabled (SfLogLevel level)
{
  return (int) level <= g_atomic_int_get (&most_verbose_level);
}

void
sf_log (SfLogLevel level, const char *format, ...)
{
  if (!sf_log_enabled (level))
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);

  g_mutex_lock (&sink_lock);
  SfLogSink to = sink;
  void *data = sink_data;
  g_mutex_unlock (&sink_lock);
  /* Called unlocked, so that a sink may itself log. */
  if (to != NULL)
    to (level, message, data);
}
