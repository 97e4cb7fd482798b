/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon of a queue, `sfd`: it alone changes states. It takes in what was submitted, starts
 * what fits, watches what runs, and answers on the socket. */
#ifndef QUEUE_DAEMON_H
#define QUEUE_DAEMON_H

#include <sf/error.h>

typedef struct
{
  int idle_s;   /* without live or pending jobs it ends after so many seconds; 0: never */
  int ready_fd; /* gets an answer of the protocol, then is closed, once it is known whether it
                   listens; -1: nobody wants to know */
} SfDaemonOptions;

/* Runs until it is idle or gets TERM or INT. True at once when another daemon is at work. */
bool sf_daemon_run (const SfDaemonOptions *options, GError **error);

#endif
