/* SPDX-License-Identifier: Apache-2.0 */
/* A regression run in the light of those before it. */
#include "queue/report_history.h"

#include <math.h>

static void
free_track (gpointer data)
{
  ReportTrack *track = data;
  g_byte_array_unref (track->states);
  g_ptr_array_unref (track->series);
  g_free (track);
}

static ReportTrack *
track_new (const ReportCase *found)
{
  ReportTrack *track = g_new0 (ReportTrack, 1);
  track->found = found;
  track->states = g_byte_array_new ();
  track->series = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  for (guint i = 0; i < found->metrics->len; i++)
    g_ptr_array_add (track->series, g_array_new (FALSE, FALSE, sizeof (ReportPoint)));
  return track;
}

static void
clear_night (gpointer data)
{
  g_date_time_unref (((ReportNight *) data)->started);
}

ReportHistory *
report_history_new (ReportRun *run)
{
  ReportHistory *history = g_new0 (ReportHistory, 1);
  history->run = run;
  history->nights = g_array_new (FALSE, FALSE, sizeof (ReportNight));
  g_array_set_clear_func (history->nights, clear_night);
  history->previous = g_ptr_array_new_with_free_func (g_free);
  history->gone = g_ptr_array_new ();
  history->tracks = g_ptr_array_new_with_free_func (free_track);
  for (guint i = 0; i < run->cases->len; i++)
    g_ptr_array_add (history->tracks, track_new (report_run_case (run, i)));
  return history;
}

void
report_history_free (ReportHistory *history)
{
  if (history == NULL)
    return;
  g_ptr_array_unref (history->tracks);
  g_ptr_array_unref (history->gone);
  g_ptr_array_unref (history->previous);
  g_array_unref (history->nights);
  report_run_free (history->run);
  g_free (history);
}

/* `seen`: the case in one run; NULL: it was not run. */
static void
append_to_track (ReportTrack *track, const ReportCase *seen)
{
  guint8 state = seen != NULL ? (guint8) seen->state : REPORT_ABSENT;
  g_byte_array_append (track->states, &state, 1);
  for (guint i = 0; i < track->series->len; i++)
    {
      const char *key = report_case_metric (track->found, i)->key;
      const ReportMetric *metric = seen != NULL ? report_case_find (seen, key) : NULL;
      ReportPoint point = { NAN, true };
      if (metric != NULL)
        point = (ReportPoint){ metric->value, metric->ok };
      g_array_append_val (track->series->pdata[i], point);
    }
}

void
report_history_add (ReportHistory *history, const ReportRun *past)
{
  ReportNight night = { g_date_time_ref (past->started), past->cases->len, 0 };
  for (guint i = 0; i < past->cases->len; i++)
    night.n_failed += report_run_case (past, i)->state != REPORT_PASSED;
  g_array_append_val (history->nights, night);
  for (guint i = 0; i < history->tracks->len; i++)
    {
      ReportTrack *track = history->tracks->pdata[i];
      append_to_track (track, report_run_find (past, track->found->name));
    }
  if (past == history->run)
    return;
  g_ptr_array_set_size (history->previous, 0);
  for (guint i = 0; i < past->cases->len; i++)
    g_ptr_array_add (history->previous, g_strdup (report_run_case (past, i)->name));
}

/* The first of the unbroken row of failures that ends before `end`; `end` when there is none. */
static size_t
first_failure (const ReportTrack *track, size_t end, bool *ever)
{
  size_t first = end;
  *ever = true;
  for (size_t i = end; i-- > 0;)
    if (track->states->data[i] == REPORT_PASSED)
      {
        *ever = false;
        break;
      }
    else if (track->states->data[i] != REPORT_ABSENT)
      first = i;
  return first;
}

static void
find_news (ReportTrack *track)
{
  size_t now = track->states->len - 1;
  bool failed = track->states->data[now] != REPORT_PASSED, known = false;
  for (size_t i = 0; i < now; i++)
    known = known || track->states->data[i] != REPORT_ABSENT;
  track->since = first_failure (track, now, &track->since_ever);
  if (track->since < now)
    track->news = failed ? NEWS_STILL : NEWS_MENDED;
  else if (failed)
    track->news = known ? NEWS_BROKEN : NEWS_FIRST;
}

void
report_history_complete (ReportHistory *history)
{
  if (history->complete)
    return;
  history->complete = true;
  report_history_add (history, history->run);
  for (guint i = 0; i < history->tracks->len; i++)
    find_news (history->tracks->pdata[i]);
  for (guint i = 0; i < history->previous->len; i++)
    if (report_run_find (history->run, history->previous->pdata[i]) == NULL)
      g_ptr_array_add (history->gone, history->previous->pdata[i]);
}
