/* SPDX-License-Identifier: Apache-2.0 */
/* A queue as its users see it: what is in the store is read from there, what is to happen is asked
 * of the daemon, which is started when it is needed and does not run. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "queue/attempt.h"
#include "queue/client.h"
#include "queue/jobfile.h"
#include "queue/protocol.h"
#include "queue/store.h"

typedef struct
{
  char *folder; /* absolute */
  SfStore *store;
  SfClient *client; /* opened when first needed */
  bool warned;      /* of what the daemon has warned of: that is said once */
  bool silent;      /* the daemon has left the last question unanswered: so long for nothing */
  const volatile sig_atomic_t *interrupted; /* not 0: no answer is waited for. NULL: all are */
} SfQueue;

SfQueue *sf_queue_open (GError **error);
void sf_queue_close (SfQueue *queue); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfQueue, sf_queue_close)

/* Folder of a job, of its latest attempt. Owned: g_free. */
char *sf_queue_job_folder (const SfQueue *queue, int64_t id);
char *sf_queue_attempt_folder (const SfQueue *queue, const SfJob *job);

typedef struct
{
  const char *sf, *shepherd; /* absolute paths of the programs */
  const char *executor;      /* NULL: the one that sfd.cfg names */
  bool held;                 /* until they are released */
  int64_t submitted_us;      /* since 1970, by which they can be found; 0: now */
} SfSubmitOptions;

/* Records the jobs, all or none, on the disk when this returns, and tells the daemon. Their ids as
 * int64_t, in order. Owned: g_array_unref. NULL with an error. */
GArray *sf_queue_submit (SfQueue *queue, const SfJobBatch *batch, const SfSubmitOptions *options,
                         GError **error);

/* Asks the daemon; takes the request. Owned: json_decref. NULL with the daemon's error. */
json_t *sf_queue_ask (SfQueue *queue, json_t *request, GError **error);

/* While jobs have not ended: sees that the daemon runs and has recorded what it can know by now.
 * One that does not answer is no error: what was recorded last can be read all the same. */
bool sf_queue_sync (SfQueue *queue, GError **error);
/* For those who wait for what is recorded next: one that does not answer is an error, TIMEOUT. */
bool sf_queue_keep_up (SfQueue *queue, GError **error);

/* Syncs, then reads one job. Owned. NULL with an error. */
SfJob *sf_queue_job (SfQueue *queue, int64_t id, GError **error);

/* Puts what the daemon says that they wait for into the reasons of PENDING jobs (SfJob), and how
 * far their step is into those of RUNNING ones; without an answer they stay as they are. */
void sf_queue_explain (SfQueue *queue, GPtrArray *jobs);
/* The former alone. */
void sf_queue_explain_pending (SfQueue *queue, GPtrArray *jobs);

/* The plan of the latest attempt, or of the first one to come. Owned; NULL with an error. */
SfPlan *sf_queue_plan (SfQueue *queue, const SfJob *job, GError **error);

/* Asks for one of these to be done to jobs; ids are int64_t. What could be done is recorded when
 * this returns: of many jobs in few requests, and as few transactions. Returns those to which it
 * could not be done (SfRefusal), in order; owned: g_array_unref. NULL with an error when the daemon
 * cannot be asked or cannot record; some may have been done by then.
 *
 * Cancel asks for the end and does not wait for it; hold keeps jobs that wait from starting,
 * release lets them go; retry gives jobs that have ended, and are not COMPLETED, another attempt.
 */
GArray *sf_queue_cancel (SfQueue *queue, const GArray *ids, GError **error);
GArray *sf_queue_hold (SfQueue *queue, const GArray *ids, GError **error);
GArray *sf_queue_release (SfQueue *queue, const GArray *ids, GError **error);
GArray *sf_queue_retry (SfQueue *queue, const GArray *ids, GError **error);

#endif
