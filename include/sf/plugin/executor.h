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

struct SfExecutorOps
{
  size_t size; /* sizeof (SfExecutorOps) */
  void *(*open) (const SfOptionValues *options, GError **error);
  void (*close) (void *instance);
  /* Starts the shepherd; *handle (owned, g_free) is text that finds the attempt again in another
   * process. */
  bool (*start) (void *instance, const SfAttempt *attempt, char **handle, GError **error);
  /* State of n attempts at once. */
  bool (*poll) (void *instance, const char *const *handles, size_t n, SfAttemptState *states,
                GError **error);
  bool (*signal) (void *instance, const char *handle, int signal_number, GError **error);
  /* Finds an attempt by token after a crash between start and recording its handle; *handle NULL
   * when there is none. */
  bool (*adopt) (void *instance, const char *token, char **handle, GError **error);
};

SF_END_DECLS
#endif
