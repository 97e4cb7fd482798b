/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a queue: one SQLite file with a row per job. */
#ifndef QUEUE_STORE_H
#define QUEUE_STORE_H

#include "queue/state.h"

typedef struct
{
  int64_t id;
  char *name;
  char *job_file; /* absolute, as submitted */
  SfJobState state;
  char *reason;
  int exit_code, exit_signal; /* of the failing step */
  int64_t attempt;            /* number of the latest; 0: none yet */
  char *token;                /* of the latest attempt, NULL: none */
  char *executor;
  char *handle;                               /* NULL until the executor's answer is recorded */
  int64_t submitted_us, started_us, ended_us; /* since 1970; 0: not yet */
} SfJob;

void sf_job_free (SfJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfJob, sf_job_free)

typedef struct SfStore SfStore;

/* Opens `folder`/store.db, creating it; WAL, synchronous=FULL. One thread at a time. */
SfStore *sf_store_open (const char *folder, GError **error);
void sf_store_close (SfStore *store); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfStore, sf_store_close)

/* A write transaction; it waits for others. After a failure between begin and commit: rollback. */
bool sf_store_begin (SfStore *store, GError **error);
bool sf_store_commit (SfStore *store, GError **error);
void sf_store_rollback (SfStore *store);

/* Inserts all but the id, which it sets. */
bool sf_store_insert (SfStore *store, SfJob *job, GError **error);

/* Writes state, reason, exit, attempt, token and times of job->id, if the row is still in
 * state `from` with job->attempt or the attempt before it; *changed is false otherwise. A change
 * that the table of transitions does not have is a defect and refused. */
bool sf_store_update (SfStore *store, const SfJob *job, SfJobState from, bool *changed,
                      GError **error);

/* Writes the handle of the latest attempt, whatever its state is by now. */
bool sf_store_set_handle (SfStore *store, const SfJob *job, GError **error);

/* NOT_FOUND when there is none. */
SfJob *sf_store_get (SfStore *store, int64_t id, GError **error);

typedef enum
{
  SF_STORE_LIVE,   /* STARTING and RUNNING */
  SF_STORE_NEWEST, /* the newest 50 and whatever has not ended */
  SF_STORE_ALL,
} SfStoreFilter;

/* In order of their ids. Elements are SfJob; owned: g_ptr_array_unref. */
GPtrArray *sf_store_list (SfStore *store, SfStoreFilter filter, GError **error);

#endif
