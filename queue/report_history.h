/* SPDX-License-Identifier: Apache-2.0 */
/* A regression run in the light of those before it: what is new, and how figures went. */
#ifndef QUEUE_REPORT_HISTORY_H
#define QUEUE_REPORT_HISTORY_H

#include "queue/report_run.h"

typedef enum
{
  NEWS_NONE,   /* as in the run before it, or there is none: passed */
  NEWS_BROKEN, /* failed, and passed before */
  NEWS_STILL,  /* failed before, too */
  NEWS_FIRST,  /* failed, and was not run before */
  NEWS_MENDED, /* passed, and failed before */
} ReportNews;

/* A metric of a case in one run. */
typedef struct
{
  double value; /* NAN: not measured */
  bool ok;
} ReportPoint;

enum
{
  REPORT_ABSENT = REPORT_ERROR + 1, /* the case was not in the run */
};

/* A case of the present run. Arrays have an element for each run, the oldest first. */
typedef struct
{
  const ReportCase *found;
  GByteArray *states; /* ReportState or REPORT_ABSENT */
  GPtrArray *series;  /* for each metric of `found`: GArray of ReportPoint */
  ReportNews news;
  size_t since;    /* STILL, MENDED: the run it was first seen broken in */
  bool since_ever; /* it has never been seen otherwise before `since` */
} ReportTrack;

typedef struct
{
  GDateTime *started;
  guint n_cases, n_failed;
} ReportNight;

typedef struct
{
  ReportRun *run;      /* the present one */
  GArray *nights;      /* ReportNight of each run, the present one last */
  GPtrArray *tracks;   /* ReportTrack of each case, as they stand in the run */
  GPtrArray *previous; /* names of the cases of the latest past run; owned */
  GPtrArray *gone;     /* those of `previous` that were not run this time; borrowed */
  bool complete;
} ReportHistory;

/* Takes the run. */
ReportHistory *report_history_new (ReportRun *run);
/* The oldest first. */
void report_history_add (ReportHistory *history, const ReportRun *past);
/* Once all past runs are in it. */
void report_history_complete (ReportHistory *history);
void report_history_free (ReportHistory *history); /* NULL is fine */

static inline const ReportNight *
report_night (const ReportHistory *history, size_t index)
{
  return &g_array_index (history->nights, ReportNight, index);
}

static inline const ReportTrack *
report_track (const ReportHistory *history, size_t index)
{
  return history->tracks->pdata[index];
}

#endif
