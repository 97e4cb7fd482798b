/* SPDX-License-Identifier: Apache-2.0 */
/* The line: every PENDING job as the daemon has it in memory, and who of them is to start. */
#ifndef QUEUE_LINE_H
#define QUEUE_LINE_H

#include "queue/store.h"

typedef struct SfLine SfLine;

SfLine *sf_line_new (void);
void sf_line_free (SfLine *line); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfLine, sf_line_free)

/* Takes both. `dependencies` are SfDependency with the states of now. */
void sf_line_add (SfLine *line, SfJob *job, GArray *dependencies);
/* Borrowed; NULL: not in line. */
SfJob *sf_line_find (const SfLine *line, int64_t id);
/* Out of the line. Owned; NULL likewise. */
SfJob *sf_line_take (SfLine *line, int64_t id);
unsigned sf_line_length (const SfLine *line);

/* To be called after job->held, priority or not_before_us of a job in line have changed. */
void sf_line_changed (SfLine *line, int64_t id);
/* Some job, in line or not, is in this state now: others may depend on it. */
void sf_line_note_state (SfLine *line, int64_t id, SfJobState state);

typedef struct
{
  int64_t job, first_tile;
} SfLineStart;

/* Who starts now, as SfLineStart, with the capacity, running jobs, usage and time of a situation
 * whose pending jobs are filled in here, at most n_elsewhere of them elsewhere; owned:
 * g_array_unref. *wake_us is when time alone may change the answer; 0: never. */
GArray *sf_line_choose (const SfLine *line, const SfSituation *situation, int64_t n_elsewhere,
                        int64_t *wake_us);

/* Jobs that wait for another one to end in a way in which it has not ended, as far as that is news
 * since the last call: their ids as int64_t. Owned: g_array_unref. */
GArray *sf_line_hopeless (SfLine *line);

/* What jobs in line wait for, in words, by id: of `ids` (int64_t) alone, or of all for NULL. Owned:
 * g_hash_table_unref. */
GHashTable *sf_line_reasons (const SfLine *line, const SfSituation *situation, const GArray *ids);

/* What a job takes of the node: nothing if it goes elsewhere. */
SfResources sf_line_wants (const SfJob *job);

#endif
