/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts at a job, as a table and as JSON. */
#include "tools/sfbatch/show_attempts.h"

#include <stdio.h>

#include "tools/sfbatch/show_text.h"

static int64_t
duration_us (const SfAttemptRow *row)
{
  return row->started_us > 0 && row->ended_us > row->started_us ? row->ended_us - row->started_us
                                                                : 0;
}

void
sf_show_attempts (const GPtrArray *attempts)
{
  printf ("%7s  %-13s  %-24s  %12s  %s\n", "ATTEMPT", "STATE", "STARTED", "TIME", "REASON");
  for (guint i = 0; i < attempts->len; i++)
    {
      const SfAttemptRow *row = attempts->pdata[i];
      bool ended = sf_job_state_is_final (row->state);
      g_autofree char *started = sf_show_time (row->started_us);
      g_autofree char *time = ended ? sf_show_duration (duration_us (row)) : g_strdup ("-");
      g_autofree char *reason = sf_show_text (row->reason);
      printf ("%7" G_GINT64_FORMAT "  %-13s  %-24s  %12s  %s\n", row->number,
              ended ? sf_job_state_name (row->state) : "under way", started != NULL ? started : "-",
              time, reason);
    }
}

json_t *
sf_show_attempts_json (const GPtrArray *attempts)
{
  json_t *array = json_array ();
  for (guint i = 0; i < attempts->len; i++)
    {
      const SfAttemptRow *row = attempts->pdata[i];
      g_autofree char *recorded = sf_show_time (row->recorded_us);
      g_autofree char *started = sf_show_time (row->started_us);
      g_autofree char *ended = sf_show_time (row->ended_us);
      json_array_append_new (
          array, json_pack ("{s:I, s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "number",
                            (json_int_t) row->number, "state", sf_job_state_name (row->state),
                            "reason", row->reason, "exit_code", row->exit_code, "exit_signal",
                            row->exit_signal, "handle", sf_json_text_or_null (row->handle),
                            "recorded", sf_json_text_or_null (recorded), "started",
                            sf_json_text_or_null (started), "ended", sf_json_text_or_null (ended)));
    }
  return array;
}

int64_t
sf_show_attempts_us (const GPtrArray *attempts)
{
  int64_t sum = 0;
  for (guint i = 0; i < attempts->len; i++)
    sum += duration_us (attempts->pdata[i]);
  return sum;
}
