/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in the folder of an attempt: its plan, two locks, and the records that tell how it
 * went.
 *
 *   <queue>/jobs/<id>/job.cfg             the job file as it was submitted
 *   <queue>/jobs/<id>/attempt-1/plan.json what the shepherd is to run; written by the daemon
 *                               environment    of the steps: NAME=value, each ended by a NUL
 *                               lock      held (flock) by the shepherd as long as it lives
 *                               shepherd.json  its pid, start time, boot id and memory group
 *                               cancel    present once somebody asked to cancel
 *                               step-1.log     output and errors of a step
 *                               step-1.json    how a step goes or went
 *                               step-1.progress  how far it is: lines of JSON, by the step itself
 *                               exit.json      how the attempt ended; written once
 *
 * Each appears whole: temporary name, rename. Only exit.json is forced to the disk, with its name:
 * a machine that goes down takes an attempt without one with it, whatever else it wrote. */
#ifndef QUEUE_ATTEMPT_H
#define QUEUE_ATTEMPT_H

#include <sf/json.h>

#include "queue/limits.h"
#include "queue/retry.h"

typedef struct
{
  char *verb;  /* "compile" ... "infer", or "command" */
  char **argv; /* argv[0] is "sf" unless it is a command */
} SfPlanStep;

typedef struct
{
  int64_t job_id;
  char *token;
  char *job_folder;  /* absolute */
  char *work_folder; /* where the steps run: the folder of the job file */
  char *sf;          /* program that "sf" stands for */
  int64_t cores, memory_bytes, time_limit_s, tiles; /* 0: not limited */
  int64_t umask;                                    /* of the steps; -1: the shepherd's */
  SfLimits limits;                                  /* of the steps */
  int64_t first_step;                               /* from 1: those before it were done earlier */
  char **environment;                               /* "NAME=value", after the submitter's */
  char **notify;                                    /* command for the job's end; NULL: none */
  SfRetryRule retries;
  GPtrArray *steps; /* SfPlanStep */
} SfPlan;

typedef struct
{
  int step; /* from 1 */
  bool ended;
  int exit_code, exit_signal;   /* signal 0: it exited */
  int64_t started_us, ended_us; /* since 1970 */
} SfStepRecord;

typedef struct
{
  SfJobState state;
  char *reason;
  int exit_code, exit_signal;
  int64_t ended_us;
  int64_t memory_bytes; /* the most that all its processes together had; 0: nobody has looked */
  bool by_kernel;       /* memory_bytes is the kernel's count, else the greatest PSS seen */
} SfExitRecord;

SfPlan *sf_plan_new (void);
void sf_plan_free (SfPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfPlan, sf_plan_free)
/* Takes argv (owned afterwards). */
void sf_plan_add_step (SfPlan *plan, const char *verb, char **argv);

/* As JSON, without job id and token while they are not known. Owned: free(). */
char *sf_plan_text (const SfPlan *plan, GError **error);
/* `name` is for messages. */
SfPlan *sf_plan_parse (const char *text, size_t n_bytes, const char *name, GError **error);
bool sf_plan_write (const SfPlan *plan, const char *attempt_folder, GError **error);
SfPlan *sf_plan_read (const char *attempt_folder, GError **error);

/* job.cfg in the job's folder. */
bool sf_job_file_copy_write (const char *text, const char *job_folder, GError **error);
bool sf_environment_write (char *const *environment, const char *attempt_folder, GError **error);
/* NULL without an error when there is none. Owned: g_strfreev. */
char **sf_environment_read (const char *attempt_folder);

bool sf_step_record_write (const SfStepRecord *record, const char *attempt_folder, GError **error);
/* *found is false, without an error, when the step has not begun. */
bool sf_step_record_read (const char *attempt_folder, int step, SfStepRecord *out, bool *found,
                          GError **error);

/* Who runs the attempt: the first thing that its shepherd writes. `group`: the folder of the memory
 * group that it is about to make; NULL: none. */
bool sf_shepherd_record_write (const char *boot_id, int64_t pid, uint64_t start_ticks,
                               const char *group, const char *attempt_folder, GError **error);
/* Boot id of the machine that the shepherd ran on; NULL when none has written its record. Owned. */
char *sf_shepherd_record_boot_id (const char *attempt_folder);
/* Of the attempt with this token; NULL: none. Owned. */
char *sf_shepherd_record_group (const char *attempt_folder, const char *token);

bool sf_exit_record_write (const SfExitRecord *record, const char *attempt_folder, GError **error);
bool sf_exit_record_read (const char *attempt_folder, SfExitRecord *out, bool *found,
                          GError **error);
void sf_exit_record_clear (SfExitRecord *record);

/* "jobs/7/attempt-1" below the queue's folder. Owned: g_free. */
char *sf_attempt_folder (const char *job_folder, int64_t attempt);
char *sf_attempt_log_path (const char *attempt_folder, int step);
char *sf_attempt_progress_path (const char *attempt_folder, int step);
/* The last bytes of such a file, at most n_bytes; returns how many, 0 when it cannot be read. */
size_t sf_attempt_read_tail (const char *path, char *buffer, size_t n_bytes);
/* What a shepherd looks for before each step. */
bool sf_attempt_mark_cancelled (const char *attempt_folder, GError **error);
bool sf_attempt_has (const char *attempt_folder, const char *name);
/* Number of the step that runs or ran last; 0: none has begun. */
int sf_attempt_last_step (const char *attempt_folder);

typedef enum
{
  SF_LOCK_TAKEN,
  SF_LOCK_HELD, /* by another process */
  SF_LOCK_FAILED,
} SfLockResult;

/* Takes attempt_folder/name without waiting; *fd is closed to release it, or by the process' end.
 */
SfLockResult sf_attempt_lock (const char *attempt_folder, const char *name, int *fd,
                              GError **error);
/* Some process holds it. Whoever watches the folder does not see this look. */
bool sf_attempt_is_locked (const char *attempt_folder, const char *name);

/* "step 2 of 4 (test)": where the attempt is or was; "no step" before the first. Owned: g_free. */
char *sf_plan_where (const SfPlan *plan, int step);

#endif
