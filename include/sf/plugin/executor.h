/* SPDX-License-Identifier: Apache-2.0 */
/* Executors: where a job's attempt runs. */
#ifndef SF_PLUGIN_EXECUTOR_H
#define SF_PLUGIN_EXECUTOR_H

#include <sf/plugin/plugin.h>

SF_BEGIN_DECLS

typedef struct
{
  const char
      *token; /* unique per attempt; in the environment of all its processes as SF_ATTEMPT_TOKEN */
  const char *job_folder;  /* absolute */
  const char *const *argv; /* the shepherd's command line, NULL-terminated */
  int64_t cores, memory_bytes, time_limit_s, tiles; /* 0: not limited */
} SfAttempt;

typedef enum
{
  SF_ATTEMPT_WAITING, /* accepted, not yet running (a batch system's queue) */
  SF_ATTEMPT_RUNNING,
  SF_ATTEMPT_ENDED,   /* the exit record in the job's folder tells how */
  SF_ATTEMPT_UNKNOWN, /* cannot be told now: ask again */
} SfAttemptState;

/* What the executor has done to an attempt that ended without an exit record. */
typedef enum
{
  SF_ATTEMPT_LEFT, /* nothing: its shepherd is gone by itself, or with its machine */
  SF_ATTEMPT_CANCELLED,
  SF_ATTEMPT_TIMED_OUT,
  SF_ATTEMPT_OUT_OF_MEMORY,
} SfAttemptEnd;

typedef struct
{
  SfAttemptState state;
  SfAttemptEnd end; /* if it is ENDED */
  char *reason;     /* NULL or owned by the host, g_free: in words why it waits, or how it ended */
} SfAttemptStatus;

struct SfExecutorOps
{
  size_t size; /* sizeof (SfExecutorOps) */
  /* It has a line and machines of its own: attempts take nothing of the host's machine, and may run
   * where the host's process table does not reach. */
  bool elsewhere;
  void *(*open) (const SfOptionValues *options, GError **error);
  void (*close) (void *instance);
  /* Starts the shepherd; *handle (owned, g_free) is text that finds the attempt again in another
   * process. SF_ERROR_TIMEOUT: who would start it does not answer, and may have started it or not;
   * once `adopt` has answered and found nothing, the host tries again. Any other error is for good.
   * Such an executor sees to it that what it has asked for earlier, be it in another process, does
   * not start the same token twice. */
  bool (*start) (void *instance, const SfAttempt *attempt, char **handle, GError **error);
  /* Of n attempts at once; the host gives `statuses` as UNKNOWN. An error: none can be told now. */
  bool (*poll) (void *instance, const char *const *handles, size_t n, SfAttemptStatus *statuses,
                GError **error);
  /* TERM asks the shepherd to end its steps and to write the exit record, or takes an attempt that
   * waits out of the line; KILL ends all of it. Nothing to signal is no error. */
  bool (*signal) (void *instance, const char *handle, int signal_number, GError **error);
  /* Finds an attempt by token after a crash between start and recording its handle; *handle NULL
   * when there is none. */
  bool (*adopt) (void *instance, const char *token, char **handle, GError **error);
};

SF_END_DECLS
#endif
