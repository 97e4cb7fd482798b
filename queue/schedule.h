/* SPDX-License-Identifier: Apache-2.0 */
/* Which pending jobs start now, and what every other one waits for.
 *
 * A pure function of a situation: no store, no clock, no memory of its own; the same situation, its
 * rows in any order, gives the same answer. Jobs are taken by priority, then by the share that
 * their project has had, then by age. The first that does not fit is promised the time at which it
 * will (from time limits of what runs); later ones start only if they cannot put that off. A job
 * whose array has as many under way as it may does not stand in the line.
 *
 * The share: core-seconds of a project, halved every day (sf_usage_decay), with what its running
 * jobs took so far. Each job ahead in the line counts for a minute of its cores, so that projects
 * with equal shares take turns. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "queue/state.h"

typedef struct
{
  int64_t cores, memory_bytes, rdu_tiles; /* never negative */
} SfResources;

typedef enum
{
  SF_AFTER,        /* the other has ended, in whatever way */
  SF_AFTER_OK,     /* it is COMPLETED */
  SF_AFTER_NOT_OK, /* it has ended and is not COMPLETED */
} SfDependencyKind;

typedef struct
{
  SfDependencyKind kind;
  int64_t id; /* the other job */
  SfJobState state;
} SfDependency;

typedef struct
{
  int64_t id;
  const char *project; /* never NULL */
  int64_t priority;    /* higher goes first */
  SfResources wants;
  int64_t time_limit_us; /* 0: none */
  int64_t submitted_us;
  int64_t not_before_us; /* 0: at once */
  bool held;
  const SfDependency *dependencies; /* all of them must hold */
  size_t n_dependencies;
  int64_t array;   /* whose jobs run at most at_once at a time; 0: of none */
  int64_t at_once; /* the same for all jobs of an array */
} SfPendingJob;

typedef struct
{
  int64_t id;
  const char *project;
  SfResources uses;
  int64_t first_rdu_tile; /* of uses.rdu_tiles side by side */
  int64_t started_us;
  int64_t ends_by_us; /* 0: it has no time limit */
  int64_t array;      /* 0: of none */
} SfRunningJob;

typedef struct
{
  const char *project;
  double core_seconds; /* of attempts that have ended, decayed until as_of_us */
  int64_t as_of_us;
} SfProjectUsage;

/* All borrowed. */
typedef struct
{
  int64_t now_us;
  SfResources capacity;
  const SfPendingJob *pending;
  size_t n_pending;
  const SfRunningJob *running;
  size_t n_running;
  const SfProjectUsage *usage; /* a project that has no row has used nothing */
  size_t n_usage;
} SfSituation;

typedef enum
{
  SF_WAIT_NOTHING,    /* it starts now */
  SF_WAIT_RELEASE,    /* held */
  SF_WAIT_TIME,       /* not before until_us */
  SF_WAIT_DEPENDENCY, /* `job` has not ended */
  SF_WAIT_FOREVER,    /* `job` has ended in another way than wanted */
  SF_WAIT_CAPACITY,   /* it wants more than there is at all */
  SF_WAIT_RESOURCES,  /* first in line (n_ahead 0): fits once `job` has ended, by until_us (0: no
                         limit). Else `job` is the first in line */
  SF_WAIT_ARRAY,      /* as many of its array as may be are under way or ahead, `job` one of them */
  SF_WAIT_TURN, /* it would fit, but put off `job`, which may start at until_us (0: unknown) */
} SfWait;

/* The others in line, and what runs, keep it from starting; nothing else does. */
bool sf_wait_is_in_line (SfWait wait);

typedef struct
{
  SfWait wait;
  int64_t job;
  int64_t until_us;
  size_t n_ahead; /* in the line, of those that do not start now */
} SfVerdict;

typedef struct
{
  size_t pending; /* index of the job */
  int64_t first_rdu_tile;
} SfStart;

typedef struct
{
  SfStart *starts; /* in the order in which they are taken */
  size_t n_starts;
  SfVerdict *verdicts;  /* one per pending job */
  SfResources free;     /* once these have started */
  int64_t free_rdu_run; /* the most RDU tiles side by side among them */
} SfSchedule;

SfSchedule *sf_schedule (const SfSituation *situation);
void sf_schedule_free (SfSchedule *schedule); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSchedule, sf_schedule_free)

/* What pending job `i` waits for, in words, with times of day as of situation->now_us in the local
 * zone: "waits for 2 cores: 1 of 4 is free; job 17 ends by 12:31:00". Owned: g_free. */
char *sf_schedule_reason (const SfSituation *situation, const SfSchedule *schedule, size_t i);

typedef enum
{
  SF_DEPENDENCY_HOLDS,
  SF_DEPENDENCY_WAITS,
  SF_DEPENDENCY_NEVER, /* the other has ended in another way */
} SfDependencyState;

/* The whole of the node has room for it. */
bool sf_resources_fit (const SfResources *wants, const SfResources *all);

SfDependencyState sf_dependency_state (const SfDependency *dependency);

/* Core-seconds of usage at a later time: half after each day. */
double sf_usage_decay (double core_seconds, int64_t from_us, int64_t to_us);

/* ---- between schedule.c and its parts ---- */

/* Indices of the pending jobs of `line` (n of them), put into the order in which they are taken. */
void sf_schedule_order (const SfSituation *situation, size_t *line, size_t n);

#endif
