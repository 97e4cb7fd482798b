/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a queue: one SQLite file with submissions, their jobs, and the attempts at them.
 *
 * Submissions and PENDING jobs are added by whoever submits; states are changed by the daemon
 * alone. A connection is used by one thread at a time. */
#ifndef QUEUE_STORE_H
#define QUEUE_STORE_H

#include "queue/schedule.h"

/* What was handed in at once: a job file gives one job, an array or a matrix many. */
typedef struct
{
  int64_t id;
  char *path;         /* of the job file, absolute */
  char *text;         /* of the job file, as read */
  char **environment; /* "NAME=value" of whoever submitted; the steps run in it */
  char *sf;           /* program that "sf" stands for */
  char *shepherd;     /* program that runs an attempt */
  int64_t submitted_us;
  int64_t at_once; /* of its jobs, at most; 0: as many as fit */
} SfSubmission;

void sf_submission_free (SfSubmission *submission);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSubmission, sf_submission_free)

typedef struct
{
  int64_t id, submission;
  char *name;
  char *element;  /* of an array or a matrix: "batch=1 level=o3"; NULL: the only one */
  char *project;  /* "": none */
  char *job_file; /* absolute, as submitted */
  SfJobState state;
  char *reason;
  int exit_code, exit_signal;                       /* of the failing step */
  int64_t priority;                                 /* higher goes first */
  bool held;                                        /* stays PENDING until it is released */
  int64_t cores, memory_bytes, time_limit_s, tiles; /* 0: not given */
  int64_t not_before_us;                            /* since 1970; 0: at once */
  char *executor;                                   /* "": the one that sfd.cfg names */
  bool elsewhere; /* it has a line and machines of its own; not stored */
  int64_t submitted_us, started_us, ended_us; /* since 1970; 0: not yet */
  int64_t attempt;                            /* number of the latest; 0: none yet */
  char *token;                                /* of the latest attempt, NULL: none */
  char *handle;                               /* NULL until the executor's answer is recorded */
  char *boot_id;                              /* of the machine when the attempt was recorded */
  int64_t first_tile;                         /* of `tiles` side by side */
  int64_t at_once;                            /* of its submission */
} SfJob;

void sf_job_free (SfJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfJob, sf_job_free)

/* One row of a job's history. */
typedef struct
{
  int64_t number;
  char *token, *handle, *reason;
  SfJobState state; /* STARTING until it has ended */
  int exit_code, exit_signal;
  int64_t recorded_us, started_us, ended_us;
} SfAttemptRow;

/* What a project has used, as of `at_us`; how it fades is the scheduler's business. */
typedef struct
{
  char *project;
  double core_s;
  int64_t at_us;
} SfUsageRow;

typedef struct SfStore SfStore;

/* Opens `folder`/store.db, creating it or bringing it to this version; WAL, synchronous=FULL.
 * INCOMPATIBLE for one that a newer Spatialflow wrote. */
SfStore *sf_store_open (const char *folder, GError **error);
void sf_store_close (SfStore *store); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfStore, sf_store_close)

/* From now on this connection moves the write-ahead log into the database every so often; without,
 * commits are quicker and somebody else has to. */
bool sf_store_keep_short (SfStore *store, GError **error);
/* *version differs from what an earlier call gave if another connection has changed the store. */
bool sf_store_version (SfStore *store, int64_t *version, GError **error);

/* A write transaction; it waits for others. After a failure between begin and commit: rollback. */
bool sf_store_begin (SfStore *store, GError **error);
bool sf_store_commit (SfStore *store, GError **error);
void sf_store_rollback (SfStore *store);

/* ---- adding; each sets the id ---- */

bool sf_store_add_submission (SfStore *store, SfSubmission *submission, GError **error);
/* A PENDING job of job->submission. */
bool sf_store_add_job (SfStore *store, SfJob *job, GError **error);
/* Its plan as JSON text, for the first attempt and for those after it. */
bool sf_store_add_plan (SfStore *store, int64_t job, const char *first, const char *again,
                        GError **error);
/* `job` waits for dependency->id; the state there is not read. */
bool sf_store_add_dependency (SfStore *store, int64_t job, const SfDependency *dependency,
                              GError **error);

/* ---- changing: by the daemon ---- */

/* Records attempt job->attempt with its token and boot id, and the job as STARTING, with executor,
 * if the row is still PENDING with the attempt before; *changed is false otherwise. */
bool sf_store_begin_attempt (SfStore *store, const SfJob *job, bool *changed, GError **error);
/* Writes state, reason, exit and times of job->id and, in a final state, of its latest attempt, if
 * the row is still in state `from` with job->attempt; *changed is false otherwise. A change that
 * the table of transitions does not have is a defect and refused. */
bool sf_store_update (SfStore *store, const SfJob *job, SfJobState from, bool *changed,
                      GError **error);
/* Writes held, priority and not_before of a PENDING job. */
bool sf_store_set_waiting (SfStore *store, const SfJob *job, GError **error);
/* Writes the handle of attempt job->attempt, whatever its state is by now. */
bool sf_store_set_handle (SfStore *store, const SfJob *job, GError **error);
bool sf_store_set_usage (SfStore *store, const SfUsageRow *usage, GError **error);

/* ---- reading ---- */

/* NOT_FOUND when there is none. */
SfJob *sf_store_get (SfStore *store, int64_t id, GError **error);
SfSubmission *sf_store_get_submission (SfStore *store, int64_t id, GError **error);
/* Plan of a job for this attempt as JSON text; "" for a job that an older Spatialflow recorded.
 * Owned: g_free. */
char *sf_store_get_plan (SfStore *store, int64_t job, int64_t attempt, GError **error);

typedef enum
{
  SF_STORE_LIVE,       /* STARTING and RUNNING */
  SF_STORE_UNFINISHED, /* those and PENDING */
  SF_STORE_NEWEST,     /* the newest 50, whatever is live, and the 50 that are to start next */
  SF_STORE_ALL,
} SfStoreFilter;

typedef struct
{
  uint32_t states;     /* 1 << SfJobState, or-ed; 0: any */
  const char *project; /* NULL: any */
  const char *name;    /* with * and ? as in a shell; NULL: any */
  int64_t since_us;    /* submitted then or later, since 1970 */
  int64_t limit;       /* the newest; 0: all */
} SfStoreSelection;

/* In order of their ids. Elements are SfJob; owned: g_ptr_array_unref. */
GPtrArray *sf_store_select (SfStore *store, const SfStoreSelection *selection, GError **error);
GPtrArray *sf_store_list (SfStore *store, SfStoreFilter filter, GError **error);
/* PENDING jobs with ids above `id`, in order of their ids. Elements as above. */
GPtrArray *sf_store_list_pending (SfStore *store, int64_t above_id, GError **error);
/* Some job has not ended. */
bool sf_store_any_unfinished (SfStore *store, bool *any, GError **error);
/* A job's attempts, the first one first. Elements are SfAttemptRow; owned: g_ptr_array_unref. */
GPtrArray *sf_store_list_attempts (SfStore *store, int64_t job, GError **error);
/* What a job waits for, with the states of now. Elements are SfDependency; owned: g_array_unref. */
GArray *sf_store_list_dependencies (SfStore *store, int64_t job, GError **error);
/* Ids, as int64_t, of the jobs of that name in its newest submission, of those with ids below
 * `below`. Owned: g_array_unref. */
GArray *sf_store_list_named (SfStore *store, const char *name, int64_t below, GError **error);
/* Ids, as int64_t in order, of the jobs that were submitted at that time from the file `path`.
 * Owned likewise. */
GArray *sf_store_list_submitted (SfStore *store, const char *path, int64_t submitted_us,
                                 GError **error);
/* Elements are SfUsageRow; owned: g_ptr_array_unref. */
GPtrArray *sf_store_list_usage (SfStore *store, GError **error);

#endif
