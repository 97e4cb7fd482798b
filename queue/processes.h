/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of an attempt: found by the token in their environment. */
#ifndef QUEUE_PROCESSES_H
#define QUEUE_PROCESSES_H

#include <sf/process.h>

#define SF_TOKEN_VARIABLE "SF_ATTEMPT_TOKEN"

/* Living processes that carry `token`, and, when `ancestor` is not 0, those descendants of it that
 * carry no token at all (they have cleared their environment). Without `ancestor` and the calling
 * process. Elements are pid_t; owned: g_array_unref. */
GArray *sf_processes_find (const char *token, pid_t ancestor);

/* Their proportional set size; 0 for what cannot be read. */
uint64_t sf_processes_memory_bytes (const GArray *pids);

/* Sends TERM, then KILL after `grace_ms`, until sf_processes_find gives none; 0: KILL at once.
 * `tick`, when not NULL, is called every few milliseconds, to reap children. False when something
 * still lives after KILL and a further 10 s. */
bool sf_processes_end (const char *token, pid_t ancestor, int grace_ms, void (*tick) (void *data),
                       void *data);

#endif
