/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's Unix socket, `sfd.sock` in the folder of its queue, whatever the length of the path.
 */
#ifndef QUEUE_SOCKET_H
#define QUEUE_SOCKET_H

#include <sf/error.h>

/* Removes what an earlier daemon left and listens; the caller holds the queue's lock. The
 * descriptor does not block; -1 with an error. */
int sf_socket_listen (const char *folder, GError **error);
void sf_socket_remove (const char *folder);

/* A connection to a daemon of the same user. -1 with an error, NOT_FOUND when nobody listens. */
int sf_socket_connect (const char *folder, GError **error);

/* Whoever is at the other end runs as this process does. */
bool sf_socket_peer_is_same_user (int fd);

#endif
