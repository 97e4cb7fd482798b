/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's end of its socket: connections, lines, answers. Never waits for anybody. */
#ifndef QUEUE_SERVER_H
#define QUEUE_SERVER_H

#include <sf/json.h>

typedef struct SfServer SfServer;

/* What a request named `what` asks is answered by sf_server_answer, now or later; `peer` says by
 * whom it was asked. */
typedef void (*SfServerRequest) (void *data, uint64_t peer, const char *what,
                                 const json_t *request);
/* A connection has ended. */
typedef void (*SfServerGone) (void *data);

/* Listens in `folder`, in the default main context. */
SfServer *sf_server_new (const char *folder, SfServerRequest request, SfServerGone gone, void *data,
                         GError **error);
/* Takes no more connections, ends those that there are. `keeps_socket`: the one in the folder is
 * another's by now. NULL is fine. */
void sf_server_free (SfServer *server, bool keeps_socket);

/* Takes the answer. A peer that has gone meanwhile is forgotten. */
void sf_server_answer (SfServer *server, uint64_t peer, json_t *answer);
unsigned sf_server_n_peers (const SfServer *server);

#endif
