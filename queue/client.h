/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the daemon of a queue, which is started when nobody answers. */
#ifndef QUEUE_CLIENT_H
#define QUEUE_CLIENT_H

#include <signal.h>

#include <sf/json.h>

typedef struct SfClient SfClient;

/* Connects, first starting sfd if need be: in a session of its own, log in `folder`/sfd.log. */
SfClient *sf_client_open (const char *folder, GError **error);
void sf_client_close (SfClient *client); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfClient, sf_client_close)

/* Sends a request (kept) and waits for its answer; *broken, the connection is of no use any more.
 * Owned: json_decref; NULL with an error, which may be the one that the answer tells of, TIMEOUT
 * when none came, or CANCELLED once *interrupted (which may be NULL) is not 0. */
json_t *sf_client_call (SfClient *client, const json_t *request,
                        const volatile sig_atomic_t *interrupted, bool *broken, GError **error);

#endif
