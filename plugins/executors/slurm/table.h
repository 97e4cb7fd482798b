/* SPDX-License-Identifier: Apache-2.0 */
/* What squeue says about the jobs of a user. */
#ifndef EXECUTOR_SLURM_TABLE_H
#define EXECUTOR_SLURM_TABLE_H

#include <sf/plugin/executor.h>

/* For squeue's --format: the comment, which may hold anything, comes last. */
#define SLURM_TABLE_FORMAT "%i|%T|%r|%N|%j|%k"

typedef struct
{
  char *id, *state, *reason, *node, *name, *comment;
} SlurmRow;

typedef struct
{
  GPtrArray *rows;      /* SlurmRow */
  GHashTable *by_token; /* comment to row; of two with the same, the one that has not ended */
  GHashTable *by_id;
} SlurmTable;

/* Of squeue's output. Owned; NULL with an error that names the line that is none. */
SlurmTable *slurm_table_parse (const char *text, GError **error);
void slurm_table_free (SlurmTable *table); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SlurmTable, slurm_table_free)

/* The row of an attempt: by its token, or, should somebody have changed the comment, by id and
 * name. NULL: none. */
const SlurmRow *slurm_table_find (const SlurmTable *table, const char *token, const char *id,
                                  const char *name);

/* What the row says; status->reason is owned. A state that Slurm did not have when this was written
 * is UNKNOWN. */
void slurm_row_status (const SlurmRow *row, SfAttemptStatus *status);

#endif
