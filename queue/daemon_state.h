/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon has in memory; for the files of the daemon.
 *
 * All that happens - a record appears, a worker answers, somebody asks - is noted and leads to a
 * turn: one look at what was noted, one choice of what starts, one transaction for all that
 * changed. What depends on it being recorded (starting a shepherd, answering) is done after the
 * commit. */
#ifndef QUEUE_DAEMON_STATE_H
#define QUEUE_DAEMON_STATE_H

#include "queue/ending.h"
#include "queue/line.h"
#include "queue/server.h"
#include "queue/watch.h"
#include "queue/worker.h"

enum
{
  /* A handle is recorded with whatever else there is to record, or after so long: until then the
   * attempt can be found by its token. */
  SF_HANDLE_MS = 100
};

/* A job that is not in line: an attempt at it is under way, or its end is to be recorded. */
typedef struct
{
  SfJob *job;                       /* as it is to be */
  SfJobState stored;                /* as the store has it */
  char *folder;                     /* of the attempt; NULL: there is none */
  bool begins, changed, has_handle; /* to be written: the attempt, the state, the handle */
  int64_t handle_from_us;           /* monotonic: since when the handle is known */
  bool to_start;                    /* once that is written */
  bool busy;                        /* it is being started, or given up */
  int64_t start_from_us;            /* monotonic: not tried again earlier */
  bool asked;                       /* its executor has been asked whether it lives */
  bool ask_again;                   /* once that is answered */
  bool leaving;                     /* its shepherd has let go of its lock and is still there */
  bool look;                        /* for an exit record */
  bool look_closely;                /* for the lock and the step as well */
  bool cancel;                      /* to be told to the shepherd once it can be found */
  bool telling;                     /* its executor is doing that */
  int64_t told_us;                  /* monotonic: when it has; 0: not yet */
  bool knows_rules;                 /* the two below are those of its plan */
  SfRetryRule retries;
  bool notifies;
  int64_t again_us; /* ended, and to be PENDING until then; 0: it stays ended */
} SfLive;

typedef struct
{
  char *folder, *boot_id;
  int lock_fd;
  SfStore *store;
  SfSettings *settings;
  SfLine *line;
  GHashTable *lives;   /* id, in the job, to SfLive */
  GHashTable *usage;   /* project to SfUsageRow; those in `used` are to be written */
  GHashTable *used;    /* of borrowed SfUsageRow */
  GHashTable *altered; /* of ids (owned) of jobs in line whose row is to be written */
  GHashTable *workers; /* name of the executor to SfWorker */
  GHashTable *silent;  /* names of those that do not answer to why */
  GThreadPool *endings;
  SfWatch *watch;
  SfServer *server;
  GArray *answers;      /* Answer: to be given after the next commit */
  GQueue notices;       /* of SfJob, owned: whose `notify` is to be started */
  int64_t version;      /* of the store when it was read last */
  int64_t newest_id;    /* of the jobs taken in */
  int64_t idle_from_us; /* monotonic; 0: not idle */
  int64_t n_commits;
  char *trouble; /* why nothing can be recorded; NULL: it can */
  int idle_s;
  guint turn_source, look_source, wake_source, sweep_source, settle_source, notice_source;
  bool stopping;
  bool closing; /* nobody is there to act any more: what comes is noted */
  GMainLoop *loop;
} SfDaemon;

/* Reads what was submitted since the last time. */
bool sf_daemon_take_in (SfDaemon *daemon, GError **error);
/* A turn follows once everything that has happened by now is noted. */
void sf_daemon_turn_soon (SfDaemon *daemon);
typedef enum
{
  SF_ANSWER_RECORDED, /* once all that is noted is on the disk */
  SF_ANSWER_SETTLED   /* and nothing is under way that may change it, or a second has passed */
} SfAnswerTime;
/* Takes `answer`. */
void sf_daemon_answer_later (SfDaemon *daemon, uint64_t peer, json_t *answer, SfAnswerTime time);

/* ---- daemon_answers.c ---- */

GArray *sf_daemon_answers_new (void);
void sf_daemon_answers_free (GArray *answers);
/* Those that are due. */
void sf_daemon_give_answers (SfDaemon *daemon);
/* Nothing can be recorded, as daemon->trouble says: nobody is left to wait for it. */
void sf_daemon_give_bad_answers (SfDaemon *daemon);

/* ---- daemon_lock.c ---- */

/* *taken is false, without an error, when another daemon listens. */
bool sf_daemon_take_lock (SfDaemon *daemon, bool *taken, GError **error);
void sf_daemon_give_back_lock (SfDaemon *daemon);
/* The folder is gone, or another one has come in its place. */
bool sf_daemon_is_orphaned (const SfDaemon *daemon);

/* ---- daemon_lives.c ---- */

SfLive *sf_daemon_find_live (SfDaemon *daemon, int64_t id);
/* Takes the job; `folder` of its attempt is derived from it. */
SfLive *sf_daemon_add_live (SfDaemon *daemon, SfJob *job);
void sf_live_free (SfLive *live);
/* Folds what was noted about live attempts into them. */
void sf_daemon_look (SfDaemon *daemon);
/* After the commit that has recorded it. */
void sf_daemon_launch (SfDaemon *daemon, SfLive *live);
/* In a final state from now on. Takes `reason`. */
void sf_daemon_end_live (SfDaemon *daemon, SfLive *live, SfJobState state, char *reason);
/* What a worker has done; what an ending has, in the main context. */
void sf_daemon_task_done (SfTask *task, void *data);
void sf_daemon_run_ending (void *ending, void *data);
void sf_daemon_on_file (void *data, int64_t id, const char *name);

/* In these words, while it is STARTING. Takes `reason`. */
void sf_live_waits (SfLive *live, char *reason);

/* ---- daemon_executors.c ---- */

/* NULL with an error when there is no such executor. */
SfWorker *sf_daemon_worker (SfDaemon *daemon, const char *executor, GError **error);
/* A job that names no executor has the one of sfd.cfg; and it is known where that is. */
void sf_daemon_resolve (SfDaemon *daemon, SfJob *job);
/* How many more jobs may go elsewhere. */
int64_t sf_daemon_room_elsewhere (SfDaemon *daemon);
/* Says so when an executor stops answering, and when it does again. */
void sf_daemon_note_answer (SfDaemon *daemon, const SfTask *task);
/* Has its shepherd told to end, or, when it was told long ago, ended. */
void sf_daemon_signal (SfDaemon *daemon, SfLive *live);
/* The same from time to time, as long as a cancelled attempt lives. */
void sf_daemon_insist (SfDaemon *daemon);

/* ---- daemon_again.c ---- */

/* When the next attempt of a job that has ended may begin; 0: there is none. */
int64_t sf_daemon_next_attempt_us (SfDaemon *daemon, SfLive *live);
/* The job as it is recorded when another attempt follows. *reason is owned. */
SfJob sf_live_again (const SfLive *live, char **reason);
/* Its end is recorded: back into the line, or gone. Takes `live`. */
void sf_daemon_leave (SfDaemon *daemon, SfLive *live);
/* Starts what `notify` wants for the next `n` jobs that have ended. */
void sf_daemon_give_notices (SfDaemon *daemon, unsigned n);

/* ---- daemon_acts.c ---- */

/* False with an error when the job is in no state for it; else it is noted, and true once the next
 * turn has recorded it. */
typedef bool (*SfDaemonAct) (SfDaemon *daemon, int64_t job, GError **error);
bool sf_daemon_cancel (SfDaemon *daemon, int64_t job, GError **error);
bool sf_daemon_hold (SfDaemon *daemon, int64_t job, GError **error);
bool sf_daemon_release (SfDaemon *daemon, int64_t job, GError **error);
/* A job that has ended, and not well, gets another attempt at once. */
bool sf_daemon_retry (SfDaemon *daemon, int64_t job, GError **error);

/* ---- daemon_requests.c ---- */

void sf_daemon_on_request (void *data, uint64_t peer, const char *what, const json_t *request);
/* The situation without pending jobs; *running and *usage hold what it borrows. */
SfSituation sf_daemon_situation (SfDaemon *daemon, GArray **running, GArray **usage);

#endif
